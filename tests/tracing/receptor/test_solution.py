"""The factorisation: known mixtures come back, what is found is an optimum, and names of samples do not matter."""

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.optimize import nnls

from bihuan.core import InputError
from bihuan.formats import read_vu
from bihuan.tracing.receptor import Solution, factorise, prepare
from bihuan.tracing.receptor.problem import Problem, random_starts
from bihuan.tracing.receptor.robust import q_robust, robust_share
from bihuan.tracing.receptor.solver import Stopping, solve
from tests.tracing.receptor.mixtures import matched, material, mixture

SETS = {
    "baltimore": ("Dataset-Baltimore_con.txt", "Dataset-Baltimore_unc.txt"),
    "baton_rouge": ("Dataset-BatonRouge-con.csv", "Dataset-BatonRouge-unc.csv"),
}


def fitted(shared: Path, name: str, factors: int, seeds: int) -> Solution:
    con, unc = (shared / "data/receptor/pmf" / file for file in SETS[name])
    table = read_vu(con, unc, ZoneInfo("Asia/Shanghai"))
    made = prepare(table.times, table.names, table.units, table.values, table.uncertainty, missing="drop")
    assert made.values.shape == {"baltimore": (630, 26), "baton_rouge": (307, 41)}[name]
    return factorise(made, factors, seeds=range(seeds))


@pytest.mark.parametrize("robust", [False, True])
def test_the_sources_of_a_known_mixture_come_back(robust: bool) -> None:
    values, uncertainty, contributions, profiles = mixture()
    found = factorise(material(values, uncertainty), 3, seeds=range(6), robust=robust)
    order = matched(found.profiles, profiles)
    assert sorted(order) == [0, 1, 2]
    assert np.abs(found.profiles[order] - profiles).max() < 0.12
    for own, other in zip(contributions.T, found.contributions.T[order], strict=True):
        assert np.corrcoef(own, other)[0, 1] > 0.99
    assert 0.8 < found.run.q_true / found.q_expected < 1.2
    assert found.run.converged


def test_a_mixture_without_noise_is_explained_to_the_last_digit() -> None:
    _, uncertainty, contributions, profiles = mixture()
    found = factorise(material(contributions @ profiles, uncertainty), 3, seeds=range(6))
    assert found.run.q_true < 0.05


def test_robust_weights_keep_wild_values_from_bending_the_profiles() -> None:
    values, uncertainty, _, profiles = mixture()
    wild = values.copy()
    wild[::40, 2] += 10.0
    plain = factorise(material(wild, uncertainty), 3, seeds=range(6))
    robust = factorise(material(wild, uncertainty), 3, seeds=range(6), robust=True)

    def error(found: Solution) -> float:
        return float(np.abs(found.profiles[matched(found.profiles, profiles)] - profiles).max())

    assert error(robust) < 0.6 * error(plain)
    assert robust.run.q_robust < plain.run.q_robust


def test_what_is_found_is_an_optimum_of_both_halves() -> None:
    """Given one half, no non-negative least squares finds anything better for the other."""
    values, uncertainty, _, _ = mixture(60)
    found = factorise(material(values, uncertainty), 3, seeds=range(4), stopping=Stopping(1e-12, 1e-12))
    assert found.run.kkt < 1e-12
    for row in range(60):
        best, _ = nnls(found.profiles.T / uncertainty[row][:, None], values[row] / uncertainty[row])
        assert np.allclose(best, found.contributions[row], atol=1e-5)
    for column in range(8):
        weight = 1 / uncertainty[:, column]
        best, _ = nnls(found.contributions * weight[:, None], values[:, column] * weight)
        assert np.allclose(best, found.profiles[:, column], atol=1e-5)


def test_the_residual_of_the_optimum_is_not_small_elsewhere() -> None:
    values, uncertainty, _, _ = mixture(60)
    problem = Problem(values, 1 / uncertainty**2, 3)
    early = solve(problem, *random_starts(problem, [0]), Stopping(iterations=2))
    assert early.kkt[0] > 1e-3
    assert not early.converged[0]


def test_each_start_ends_the_same_alone_and_in_a_batch() -> None:
    values, uncertainty, _, _ = mixture(60)
    problem = Problem(values, 1 / uncertainty**2, 3)
    together = solve(problem, *random_starts(problem, [3, 4, 5]))
    alone = solve(problem, *random_starts(problem, [4]))
    assert alone.objective[0] == pytest.approx(together.objective[1], rel=1e-9)


def test_the_order_of_samples_and_species_does_not_matter() -> None:
    values, uncertainty, _, _ = mixture()
    draw = np.random.default_rng(1)
    rows, columns = draw.permutation(len(values)), draw.permutation(values.shape[1])
    one = factorise(material(values, uncertainty), 3, seeds=range(6))
    other = factorise(material(values[rows][:, columns], uncertainty[rows][:, columns]), 3, seeds=range(6))
    assert other.run.q_true == pytest.approx(one.run.q_true, rel=1e-5)
    order = matched(other.profiles, one.profiles[:, columns])
    assert np.allclose(other.profiles[order], one.profiles[:, columns], atol=0.01)


def test_another_unit_of_a_species_changes_only_its_column() -> None:
    values, uncertainty, _, _ = mixture()
    scale = np.array([1000.0, 1, 1, 1e-3, 1, 1, 1, 1])
    one = factorise(material(values, uncertainty), 3, seeds=range(6))
    other = factorise(material(values * scale, uncertainty * scale), 3, seeds=range(6))
    assert other.run.q_true == pytest.approx(one.run.q_true, rel=1e-5)
    assert np.allclose(other.profiles[matched(other.profiles, one.profiles)] / scale, one.profiles, atol=0.01)


def test_a_lower_floor_lets_contributions_fall_to_it_and_no_further() -> None:
    values, uncertainty, _, _ = mixture()
    made = material(values, 0.3 * uncertainty)
    zero, low = (factorise(made, 3, seeds=range(4), floor=floor) for floor in (0.0, -0.2))
    assert zero.contributions.min() >= 0
    assert -0.2001 <= low.contributions.min() < 0
    assert low.run.q_true < zero.run.q_true
    assert low.run.converged
    assert np.allclose(low.contributions.mean(0), 1, atol=1e-6)


def test_a_missing_cell_has_no_say_whatever_stands_there() -> None:
    values, uncertainty, _, profiles = mixture()
    holes = values.copy()
    holes[::7, 3] = np.nan
    found = factorise(material(holes, uncertainty), 3, seeds=range(6))
    assert np.abs(found.profiles[matched(found.profiles, profiles)] - profiles).max() < 0.15
    assert np.isnan(found.scaled[0, 3])
    assert found.q_expected == 150 * 8 - 22 - 3 * 158


def test_q_robust_counts_linearly_beyond_alpha() -> None:
    scaled = np.array([[1.0, -4.0, 8.0]])
    assert robust_share(scaled, 4.0).tolist() == [[1.0, 1.0, 0.5]]
    assert q_robust(scaled, 4.0) == 1 + 16 + 32


def test_a_total_is_apportioned_after_the_fit() -> None:
    values, uncertainty, contributions, _ = mixture()
    mass = contributions @ np.array([10.0, 5.0, 2.0])
    both = np.column_stack([values, mass])
    found = factorise(material(both, np.column_stack([uncertainty, 0.1 * mass + 0.1]), total="i"), 3, seeds=range(6))
    shares, amount, how = found.shares_of_total()
    assert how == "regression"
    assert "i" not in found.material.names
    assert amount is not None
    assert sorted(amount) == pytest.approx([2.0, 5.0, 10.0], abs=0.3)
    assert shares.sum() == pytest.approx(1, abs=0.02)


def test_more_factors_than_species_are_refused() -> None:
    values, uncertainty, _, _ = mixture(60)
    with pytest.raises(InputError, match="ask for 1 to 8"):
        factorise(material(values, uncertainty), 9, seeds=range(2))
    problem = Problem(values, 1 / uncertainty**2, 3)
    with pytest.raises(InputError, match="weight 0"):
        replace(problem, values=np.full_like(values, np.nan))


@pytest.mark.reference
@pytest.mark.parametrize(("factors", "least"), [(4, 28_065.2), (6, 17_713.3)])
def test_baltimore_starts_agree_on_the_least_q(shared: Path, factors: int, least: float) -> None:
    found = fitted(shared, "baltimore", factors, 10)
    assert sum(run.q_true <= least for run in found.runs) >= 8
    assert all(run.converged and run.kkt < 1e-7 for run in found.runs)


@pytest.mark.reference
@pytest.mark.parametrize(("factors", "least"), [(4, 83_690), (6, 63_890)])
def test_the_best_of_twenty_starts_of_baton_rouge_is_low_enough(shared: Path, factors: int, least: float) -> None:
    assert fitted(shared, "baton_rouge", factors, 20).run.q_true <= least
