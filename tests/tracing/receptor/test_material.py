"""Concentrations made ready: what is replaced is marked, sums are named, a missing value is never made up."""

import numpy as np
import pytest

from bihuan.core import InputError, NotCovered
from bihuan.tracing.receptor import rule, signal_to_noise
from tests.tracing.receptor.mixtures import BEGAN, material, mixture


def test_signal_to_noise_is_the_mean_excess_over_the_uncertainty() -> None:
    values = np.array([[3.0, 0.5], [1.0, 0.5], [np.nan, 0.5]])
    uncertainty = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    assert signal_to_noise(values, uncertainty).tolist() == [1.0, 0.0]


def test_what_is_below_detection_becomes_half_the_limit_and_is_marked() -> None:
    values, uncertainty = np.array([[0.1], [2.0], [3.0]]), np.full((3, 1), 0.2)
    made = material(values, uncertainty, limits={"a": 0.6})
    assert made.values[:, 0].tolist() == [0.3, 2.0, 3.0]
    assert made.uncertainty[:, 0] == pytest.approx([0.5, 0.2, 0.2])
    (one,) = made.replaced
    assert (one.row, one.species, one.reason, one.was) == (0, "a", "below_detection", 0.1)
    assert (one.value, one.uncertainty) == pytest.approx((0.3, 0.5))
    assert made.species[0].below == 1


def test_a_missing_cell_gets_no_weight_by_default_and_is_marked() -> None:
    values = np.array([[1.0, 2.0], [np.nan, 2.0], [3.0, 4.0]])
    made = material(values, np.ones_like(values))
    assert made.weights[1].tolist() == [0.0, 1.0]
    assert [(one.row, one.reason, one.value) for one in made.replaced] == [(1, "missing_ignored", None)]


def test_the_median_stands_for_a_missing_cell_only_when_asked() -> None:
    values = np.array([[1.0, 2.0], [np.nan, 2.0], [3.0, 4.0]])
    made = material(values, np.ones_like(values), missing="median")
    assert (made.values[1, 0], made.uncertainty[1, 0]) == (2.0, 8.0)
    assert made.replaced[0].reason == "missing_median"


def test_samples_with_holes_are_left_out_when_asked_and_counted() -> None:
    values = np.array([[1.0, 2.0], [np.nan, 2.0], [3.0, 4.0]])
    made = material(values, np.ones_like(values), missing="drop")
    assert made.rows.tolist() == [0, 2]
    assert made.times[1] == BEGAN.replace(day=3)
    assert ("warn_dropped", {"count": 1}) in [(one.code, one.values) for one in made.warned]


def test_a_sample_without_any_value_is_left_out_always() -> None:
    values = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 4.0]])
    assert material(values, np.ones_like(values)).rows.tolist() == [0, 2]


def test_categories_change_the_weights_and_what_is_fitted() -> None:
    values, uncertainty, _, _ = mixture(20)
    made = material(values, uncertainty, categories={"b": "weak", "c": "bad"})
    assert "c" not in made.names
    assert np.allclose(made.uncertainty[:, 1], 3 * uncertainty[:, 1])
    assert made.expected(2) == 20 * 6 - 2 * (20 + 7)


def test_limits_of_signal_to_noise_only_suggest_until_they_are_switched_on() -> None:
    values, uncertainty = np.array([[1.0, 1.0], [5.0, 1.1]]), np.array([[0.1, 2.0], [0.1, 2.0]])
    plain, switched = material(values, uncertainty), material(values, uncertainty, by_signal=True)
    assert [one.category for one in plain.species] == ["strong", "strong"]
    assert plain.species[1].suggested == "bad"
    assert "warn_bad" in [one.code for one in plain.warned]
    assert [one.category for one in switched.species] == ["strong", "bad"]
    assert not rule("signal_to_noise").decides


def test_a_sum_among_its_parts_and_a_species_given_twice_are_warned_of() -> None:
    from bihuan.tracing.receptor import prepare

    draw = np.random.default_rng(0)
    carbon = draw.uniform(1, 5, 40)
    values = np.column_stack([carbon, 1.4 * carbon, draw.uniform(1, 2, 40), 3 * carbon + draw.uniform(1, 5, 40)])
    made = prepare([BEGAN] * 40, ["OC", "OM", "Zn", "PM2.5"], ["ug/m3"] * 4, values, 0.1 * values)
    codes = [(one.code, one.values) for one in made.warned]
    assert ("warn_twins", {"one": "OC", "other": "OM"}) in codes
    assert ("warn_total", {"species": "PM2.5"}) in codes


def test_a_species_that_is_not_there_is_named_in_the_error() -> None:
    values, uncertainty, _, _ = mixture(20)
    with pytest.raises(InputError, match="'Unobtainium'"):
        material(values, uncertainty, categories={"Unobtainium": "bad"})
    with pytest.raises(InputError, match="no species is left"):
        material(values, uncertainty, categories=dict.fromkeys("abcdefgh", "bad"))


def test_every_rule_names_its_status_and_source() -> None:
    for name in ("signal_to_noise", "weak", "below_detection", "missing", "robust", "displacement", "similarity"):
        assert rule(name).status in {"confirmed", "single_source", "unconfirmed", "conflicting"}
        assert len(rule(name).source) > 10
    with pytest.raises(NotCovered, match="no group 'luck'"):
        rule("luck")
