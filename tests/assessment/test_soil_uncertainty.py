"""Draws vary what they say they vary, around the value of the model, and are the same for the same seed."""

import numpy as np
import pytest

from bihuan.assessment.soil_model import PROPERTIES, soil_model
from bihuan.assessment.soil_risk import recompute
from bihuan.assessment.soil_uncertainty import Spread, spreads, uncertainty
from bihuan.core import InputError, SettingError

WEIGHT = Spread("weight", ("weight_adult",), "lognormal", cv=0.3)


def test_the_distributions_held_name_parameters_and_are_no_standard() -> None:
    model = soil_model()
    known = {*PROPERTIES, *model.parameters["class_1"]}
    held = spreads()
    assert held
    assert all(set(one.of) <= known for one in held)
    assert not {"acceptable_risk", "acceptable_hazard", "sfo", "iur", "rfdo", "rfc"} & {n for o in held for n in o.of}


def test_the_same_seed_gives_the_same_draws() -> None:
    model = soil_model().only(["benzene", "copper"])
    one, same, other = (uncertainty(model, "class_1", draws=700, seed=seed) for seed in (1, 1, 2))
    assert (one.value == same.value).all()
    assert (one.value != other.value).all()
    assert one.quantiles().equals(same.quantiles())


def test_draws_follow_one_parameter_as_the_formula_does() -> None:
    """Copper of class 2 is proportional to the weight of adults, so its draws have the same distribution."""
    model = soil_model().only(["copper"])
    point = float(recompute(model, "class_2").value[0])
    found = uncertainty(model, "class_2", draws=20_000, seed=3, vary=[WEIGHT])
    factors = found.value[:, 0] / point
    assert np.median(factors) == pytest.approx(1, abs=0.01)
    assert np.std(np.log(factors)) == pytest.approx(np.sqrt(np.log(1.09)), rel=0.02)


def test_a_triangle_stays_within_its_corners() -> None:
    model = soil_model().only(["copper"])
    point = float(recompute(model, "class_2").value[0])
    vary = [Spread("days", ("frequency_adult",), "triangular", low=0.5, high=1.04)]
    factors = point / uncertainty(model, "class_2", draws=5_000, vary=vary).value[:, 0]
    assert 0.5 <= factors.min() < 0.55
    assert 1.0 < factors.max() <= 1.04


def test_one_factor_moves_all_parameters_it_names() -> None:
    model = soil_model().only(["copper"])
    vary = [Spread("both", ("weight_adult", "soil_adult"), "lognormal", cv=0.5)]
    found = uncertainty(model, "class_2", draws=50, vary=vary)
    assert found.value[:, 0] == pytest.approx([float(recompute(model, "class_2").value[0])] * 50)


def test_properties_are_drawn_substance_by_substance() -> None:
    model = soil_model().only(["benzene", "toluene"])
    vary = [Spread("henry", ("henry",), "lognormal", cv=0.3)]
    found = uncertainty(model, "class_1", draws=2_000, vary=vary).by_hazard
    assert abs(np.corrcoef(found[:, 0], found[:, 1])[0, 1]) < 0.1


def test_the_chance_of_being_above_is_a_half_at_the_median() -> None:
    model = soil_model().only(["benzene", "copper"])
    found = uncertainty(model, "class_1", draws=4_000)
    middle = float(np.median(found.by_risk[:, 0]))
    chance = found.chance_above({"benzene": middle, "copper": 1.0})
    assert chance["chance_risk"].to_list() == [0.5, None], "no slope of copper is held: that is not zero"
    assert chance["chance_hazard"][1] == 0
    with pytest.raises(InputError, match="no draws of toluene"):
        found.chance_above({"toluene": 1.0})


def test_blocks_do_not_show_in_the_draws() -> None:
    model = soil_model().only(["copper"])
    assert uncertainty(model, "class_1", draws=1, seed=5).value.shape == (1, 1)
    assert uncertainty(model, "class_1", draws=1_001, seed=5).value.shape == (1_001, 1)


def test_the_whole_table_can_be_drawn() -> None:
    found = uncertainty(soil_model(), "class_2", draws=600).quantiles()
    assert found.height == 84
    assert found["recomputed_p50"].null_count() == 0
    assert (found["recomputed_p05"] < found["recomputed_p95"]).all()


@pytest.mark.parametrize(
    ("spread", "words"),
    [
        (Spread("x", ("weight_adult",), "normal", cv=0.1), "'normal'"),
        (Spread("x", ("weight_adult",), "lognormal"), "cv above 0"),
        (Spread("x", ("weight_adult",), "triangular", low=1.2, high=1.4), "low <= 1 <= high"),
        (Spread("x", ("wieght_adult",), "lognormal", cv=0.1), "names wieght_adult"),
    ],
)
def test_a_distribution_that_cannot_be_is_refused(spread: Spread, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        uncertainty(soil_model().only(["copper"]), "class_2", draws=2, vary=[spread])


def test_no_draws_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        uncertainty(soil_model(), "class_1", draws=0)
