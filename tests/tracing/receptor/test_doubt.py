"""Intervals, constraints, rotations, the number of factors, and likeness to profiles."""

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.tracing.receptor import (
    Constraint,
    Profile,
    Solution,
    advised,
    block_times,
    bootstrap,
    choose,
    compare,
    constrain,
    displace,
    displace_resamples,
    edges,
    factorise,
    library,
    push,
    read_constraints,
    read_library,
)
from tests.tracing.receptor.mixtures import matched, material, mixture


@pytest.fixture(scope="module")
def base() -> Solution:
    values, uncertainty, _, profiles = mixture()
    found = factorise(material(values, uncertainty), 3, seeds=range(6))
    return found.reordered(matched(found.profiles, profiles))


def test_resampled_intervals_cover_the_truth(base: Solution) -> None:
    *_, profiles = mixture()
    drawn = bootstrap(base, 60, block=5)
    low, high = drawn.percentiles[0], drawn.percentiles[-1]
    share = base.profiles.mean() * 0.02  # the sample's own mean contribution is not the truth's
    inside = (profiles >= low - share) & (profiles <= high + share)
    assert inside.mean() >= 0.8
    assert drawn.found.tolist() == [1.0, 1.0, 1.0]
    assert drawn.mapped.sum() == 180


def test_blocks_fill_each_resample_and_hang_together() -> None:
    times = block_times(50, 8, 7, seed=2)
    assert times.sum(0).tolist() == [50.0] * 8
    assert block_times(50, 8, 50, seed=2).tolist() == np.ones((50, 8)).tolist()


def test_a_resample_of_all_samples_once_is_the_base_run(base: Solution) -> None:
    drawn = bootstrap(base, 2, block=len(base.material.times))
    assert drawn.objective == pytest.approx([base.run.q_true] * 2, rel=1e-6)
    assert np.allclose(drawn.profiles[0], base.profiles, atol=1e-3)


def test_displacement_finds_the_value_at_which_q_has_risen(base: Solution) -> None:
    """The value found, held exactly, costs what was asked."""
    found = displace(base, rises=[4.0, 15.0], species=["a", "f"])
    assert (found.low[1] <= found.low[0] + 1e-9)[:, [0, 5]].all()
    assert (found.high[1] >= found.high[0] - 1e-9)[:, [0, 5]].all()
    assert found.swaps.sum() == 0
    assert np.isnan(found.low[:, :, 1]).all()
    for level, rise in enumerate(found.rises):
        held = constrain(base, [Constraint("exact", 0, ("a",), float(found.high[level, 0, 0]))])
        assert held.rise == pytest.approx(rise, rel=0.2)


def test_displacement_of_resamples_is_at_least_as_wide_as_the_narrowest(base: Solution) -> None:
    drawn = bootstrap(base, 4, block=5)
    both = displace_resamples(base, drawn, species=["a"], runs=3)
    alone = displace(base, rises=[4.0], species=["a"])
    assert both.high[0, 0, 0] - both.low[0, 0, 0] > 0.9 * (alone.high[0, 0, 0] - alone.low[0, 0, 0])


@pytest.mark.parametrize("robust", [False, True])
def test_constraints_hold_exactly(robust: bool) -> None:
    values, uncertainty, _, profiles = mixture()
    found = factorise(material(values, uncertainty), 3, seeds=range(6), robust=robust)
    found = found.reordered(matched(found.profiles, profiles))
    wishes = [
        Constraint("exact", 0, ("a",), 3.5),
        Constraint("exact", 1, ("e",), 0.0),
        Constraint("ratio", 2, ("d", "f"), 0.5),
        Constraint("absent", 2, rows=(1, 4)),
    ]
    held = constrain(found, wishes)
    assert held.solution.profiles[0, 0] == 3.5
    assert held.solution.profiles[1, 4] == 0.0
    assert held.solution.profiles[2, 3] / held.solution.profiles[2, 5] == pytest.approx(0.5, rel=1e-12)
    assert held.solution.contributions[[0, 3], 2].tolist() == [0.0, 0.0]
    assert np.allclose(held.solution.contributions[:, 0].mean(), 1.0, atol=1e-12)
    assert held.rise > 0
    assert held.solution.run.converged


def test_an_anchored_profile_stays_within_its_freedom(base: Solution) -> None:
    profile = {"a": 4.0, "b": 1.6, "h": 1.0}
    held = constrain(base, [Constraint("anchor", 0, a=0.1, profile=profile)]).solution.profiles[0, [0, 1, 7]]
    ratio = held / np.array([4.0, 1.6, 1.0])
    assert ratio.max() / ratio.min() <= 1.1 / 0.9 + 1e-9


def test_a_pull_goes_as_far_as_q_may_rise_and_no_further(base: Solution) -> None:
    gentle, strong = (
        constrain(base, [Constraint("pull", 0, ("b",), 0.0, dq_percent=percent)]) for percent in (0.5, 50.0)
    )
    assert gentle.rise <= 0.005 * base.run.q_true
    assert strong.solution.profiles[0, 1] < gentle.solution.profiles[0, 1] <= base.profiles[0, 1]


def test_a_file_of_constraints_is_read_and_its_faults_are_named() -> None:
    read = read_constraints('[[constraint]]\nkind = "exact"\nfactor = 2\nspecies = "Zn"\nvalue = 0.0\n', "c.toml")
    assert read == (Constraint("exact", 1, ("Zn",), 0.0),)
    for wrong, word in (
        ("x = ", "no TOML"),
        ("a = 1", "holds no"),
        ('[[constraint]]\nkind = "wish"\nfactor = 1', "kind 'wish'"),
        ('[[constraint]]\nkind = "exact"\nfactor = 0\nspecies = "Zn"\nvalue = 1', "no count from 1"),
        ('[[constraint]]\nkind = "ratio"\nfactor = 1\nspecies = "Zn"\nratio = 1', "about 2 species"),
        ('[[constraint]]\nkind = "exact"\nfactor = 1\nspecies = "Zn"', "needs species, value|needs value"),
        ('[[constraint]]\nkind = "exact"\nfactor = 1\nspecies = "Zn"\nvalue = -1', "0 or more"),
    ):
        with pytest.raises(InputError, match=word):
            read_constraints(wrong, "c.toml")


def test_constraints_that_cannot_be_are_refused(base: Solution) -> None:
    with pytest.raises(InputError, match="factor 9"):
        constrain(base, [Constraint("exact", 8, ("a",), 0.0)])
    with pytest.raises(InputError, match="'Zn'"):
        constrain(base, [Constraint("exact", 0, ("Zn",), 0.0)])
    both = [Constraint("anchor", 0, profile={"b": 1.0}), Constraint("exact", 0, ("a",), 1.0)]
    with pytest.raises(InputError, match="anchor"):
        constrain(base, both)


@pytest.mark.parametrize("strength", [-0.2, 0.2])
def test_a_push_costs_q_and_separates_the_factors(base: Solution, strength: float) -> None:
    pushed = push(base, strength)
    assert pushed.rise > 0
    assert pushed.solution.run.converged

    def shared(found: Solution) -> float:
        of = found.profiles.T / base.material.values.mean(0)[:, None] if strength > 0 else found.contributions
        return float((of.sum(1) ** 2).sum() - (of**2).sum())

    assert shared(pushed.solution) < shared(base)


def test_edges_of_independent_sources_fill_the_quadrant(base: Solution) -> None:
    found = edges(base.contributions)
    assert [(edge.one, edge.other) for edge in found] == [(0, 1), (0, 2), (1, 2)]
    assert all(edge.lower < 10 and edge.upper > 80 for edge in found)


def test_left_out_cells_tell_the_number_of_sources() -> None:
    values, uncertainty, _, _ = mixture()
    rows = choose(material(values, uncertainty), [1, 2, 3, 4], seeds=range(4))
    assert advised(rows) == 3
    assert rows[0].q_true > rows[1].q_true > rows[2].q_true > rows[3].q_true
    assert rows[3].held_out > 0.99 * rows[2].held_out


def test_a_profile_is_most_like_itself() -> None:
    names = ["Si", "Al", "Ca", "Fe", "OC", "EC"]
    one = Profile("one", "dust", "made up", dict(zip(names, [3, 1, 2, 1, 0.5, 0.1], strict=True)))
    other = Profile("other", "traffic", "made up", dict(zip(names, [0.1, 0.1, 0.2, 0.3, 4, 5], strict=True)))
    ((best, last),) = compare(names, np.array([[6.0, 2, 4, 2, 1, 0.2]]), [other, one])
    assert (best.profile.name, best.correlation) == ("one", pytest.approx(1))
    assert (best.pearson_distance, best.identity_distance) == pytest.approx((0, 0), abs=1e-12)
    assert last.identity_distance > best.identity_distance
    few = compare(names[:3], np.ones((1, 3)), [one])[0][0]
    assert np.isnan(few.correlation)


def test_identity_distance_of_disjoint_profiles_is_the_root_of_two() -> None:
    one = Profile("one", "", "", {"a": 1.0, "b": 2.0, "c": 0.0, "d": 0.0})
    found = compare(["a", "b", "c", "d"], np.array([[0.0, 0.0, 1.0, 3.0]]), [one])[0][0]
    assert found.identity_distance == pytest.approx(np.sqrt(2))


def test_the_library_that_comes_along_is_made_up_and_says_so() -> None:
    assert library()
    assert all(one.synthetic and "合成" in one.name for one in library())


def test_a_library_of_ones_own_is_read_and_its_faults_are_named() -> None:
    (one,) = read_library("profile,kind,species,share\nkiln,cement,Ca,0.4\nkiln,cement,Si,0.1\n", "own.csv")
    assert (one.name, one.shares, one.source) == ("kiln", {"Ca": 0.4, "Si": 0.1}, "own.csv")
    for wrong, word in (
        ("profile,species\nkiln,Ca\n", "share"),
        ("profile,species,share\nkiln,Ca,much\n", "row 2"),
        ("profile,species,share\nkiln,Ca,1\nkiln,Ca,1\n", "row 3"),
        ("profile,species,share\n", "no profile"),
    ):
        with pytest.raises(InputError, match=word):
            read_library(wrong, "own.csv")
