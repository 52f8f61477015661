"""The risk model gives back what was published, and what is known of it by hand and in its limits."""

import csv
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.assessment.soil_exposure import exposure
from bihuan.assessment.soil_model import LAND_CLASSES, SoilModel, soil_model
from bihuan.assessment.soil_reproduction import reproduction, reproduction_page
from bihuan.assessment.soil_risk import SOIL_ROUTES, WATER_ROUTES, recompute, route_risks, site_risk
from bihuan.assessment.soil_vapour import pores, vapour_factors
from bihuan.core import InputError, NotCovered, SettingError

AGREEMENT = {"reproduced": "reproduced", "near(<=20%)": "near", "one class only": "one_class", "not": "not"}
DRIVERS = {"ca": "risk", "nc": "hazard", "Csat": "saturation"}
OF_2014 = {
    "weight_adult": 56.8,
    "weight_child": 15.9,
    "height_adult": 156.3,
    "height_child": 99.4,
    "averaging_ca": 26280.0,
    "particles": 0.15,
}
"""Exposure as the edition of 2014 had it, recalled: the negative control."""


def counts(model: SoilModel) -> dict[str, int]:
    found = reproduction(model)["agreement"]
    return {kind: int((found == kind).sum()) for kind in AGREEMENT.values()}


def without_saturation(model: SoilModel) -> SoilModel:
    return model.with_properties({"solubility": np.full(len(model.items), np.nan)})


def published(shared: Path) -> dict[str, dict[str, str]]:
    path = shared / "reference" / "water_soil" / "gb36600_recomputed.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    items = reproduction(soil_model())["item"].to_list()
    return dict(zip(items, rows, strict=True))


def test_the_counts_of_the_acceptance_table() -> None:
    assert counts(soil_model()) == {"reproduced": 57, "near": 10, "one_class": 6, "not": 12}
    assert counts(without_saturation(soil_model()))["reproduced"] == 51


def test_other_exposure_does_not_reproduce_the_published_values() -> None:
    model = soil_model()
    for land in LAND_CLASSES:
        held = model.parameters[land]
        model = model.with_parameters(land, {name: value for name, value in OF_2014.items() if name in held})
    assert counts(model)["reproduced"] <= 10


@pytest.mark.reference
def test_every_item_agrees_or_differs_as_the_acceptance_table_says(shared: Path) -> None:
    wanted = published(shared)
    for row in reproduction(soil_model()).iter_rows(named=True):
        line = wanted[row["item"]]
        assert row["agreement"] == AGREEMENT[line["status"]], row
        for number, land in enumerate(LAND_CLASSES, start=1):
            assert row[f"gb_36600_{land}"] == float(line[f"gb_class{number}"])
            if line[f"calc_class{number}"]:
                assert row[f"recomputed_{land}"] == pytest.approx(float(line[f"calc_class{number}"]), rel=6e-4), row
                assert row[f"driver_{land}"] == DRIVERS[line["driver"].split("/")[number - 1]], row


def test_the_page_of_the_comparison_is_not_stale() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "soil-reproduction.md"
    assert page.read_text("utf-8") == reproduction_page(soil_model())


def test_what_differs_is_said_with_its_reason() -> None:
    found = reproduction(soil_model())
    differs = found.filter(pl.col("reason") != "")
    assert differs.height == 18
    reasons = dict(differs.select("item", "reason").iter_rows())
    assert reasons["arsenic"] == reasons["cobalt"] == "background"
    assert reasons["lead"] == "blood_lead"
    assert reasons["tph_c10_c40"] == "mixture"
    assert found.filter(pl.col("item") == "lead")["recomputed_class_1"].to_list() == [None]


def test_arsenic_comes_out_far_below_background() -> None:
    found = [float(recompute(soil_model().only(["arsenic"]), land).value[0]) for land in LAND_CLASSES]
    assert found == pytest.approx([0.45, 1.41], abs=0.005)


def test_exposure_by_hand() -> None:
    """Swallowed soil of class 1: (200 x 6 x 350 / 19.2 + 100 x 24 x 350 / 61.8) / 27740 x 1e-6."""
    parameters = soil_model().parameters["class_1"]
    both = (200 * 6 * 350 / 19.2 + 100 * 24 * 350 / 61.8) / 27740 * 1e-6
    assert exposure(parameters, "ca").swallowed == pytest.approx(both, rel=1e-12)
    assert exposure(parameters, "nc").swallowed == pytest.approx(200 * 6 * 350 / 19.2 / 2190 * 1e-6, rel=1e-12)
    skin = 239 * 113.15**0.417 * 19.2**0.517 * 0.36
    assert exposure(parameters, "nc").skin == pytest.approx(skin * 0.2 * 350 * 6 / 19.2 / 2190 * 1e-6, rel=1e-12)


def test_only_adults_count_on_class_2_land() -> None:
    parameters = soil_model().parameters["class_2"]
    alone = 100 * 25 * 250 / 61.8
    assert exposure(parameters, "ca").swallowed == pytest.approx(alone / 27740 * 1e-6, rel=1e-12)
    assert exposure(parameters, "nc").swallowed == pytest.approx(alone / 9125 * 1e-6, rel=1e-12)


def test_copper_by_hand() -> None:
    """Only swallowed soil: 0.04 x 0.5 / (200 x 6 x 350 / 19.2 / 2190 x 1e-6)."""
    found = recompute(soil_model().only(["copper"]), "class_1")
    assert found.value[0] == pytest.approx(0.04 * 0.5 / (200 * 6 * 350 / 19.2 / 2190 * 1e-6), rel=1e-12)
    assert found.driver == ("hazard",)
    assert np.isnan(found.by_risk[0])


def test_saturation_of_toluene_by_hand() -> None:
    share = 1 - 1.5 / 2.65
    sorbed = 234 * 15 / 1700
    held = (0.3 + sorbed * 1.5 + 0.271 * (share - 0.3)) / 1.5
    found = recompute(soil_model().only(["toluene"]), "class_2")
    assert found.saturation[0] == pytest.approx(526 * held, rel=1e-12)
    assert found.driver == ("saturation",)


def test_no_value_without_toxicity_and_no_saturation_without_solubility() -> None:
    model = soil_model()
    assert "lead" not in model.items
    with pytest.raises(NotCovered, match=r"no toxicity of 'lead'.*hj_25_3_2019\.toml"):
        model.only(["lead"])
    found = recompute(model.only(["benzene"]), "class_1").table()
    assert found["saturation"].to_list() == [None]
    nothing = {name: np.array([np.nan]) for name in ("sfo", "iur", "rfdo", "rfc")}
    unknown = recompute(model.only(["benzene"]).with_properties(nothing), "class_1")
    assert unknown.driver == ("",)
    assert unknown.table()["recomputed_value"].to_list() == [None]


def test_the_value_is_the_concentration_at_the_acceptable_risk() -> None:
    """A site at its recomputed value has exactly the acceptable risk or hazard."""
    model = soil_model()
    for land in LAND_CLASSES:
        found = recompute(model, land)
        for kind, values, acceptable in (
            ("carcinogenic_risk", found.by_risk, 1e-6),
            ("hazard_quotient", found.by_hazard, 1.0),
        ):
            some = {item: float(value) for item, value in zip(found.items, values, strict=True) if value > 0}
            assert site_risk(model, land, some)[kind].to_list() == pytest.approx([acceptable] * len(some), rel=1e-9)


def test_risk_is_the_sum_of_its_routes_and_each_depth_feeds_its_own() -> None:
    model = soil_model()
    both = site_risk(model, "class_1", {"benzene": 2.0}, {"benzene": 6.0}).row(0, named=True)
    top = site_risk(model, "class_1", {"benzene": 2.0}, {"benzene": 0.0}).row(0, named=True)
    assert both["carcinogenic_risk"] == pytest.approx(sum(both[f"risk_{name}"] or 0 for name in SOIL_ROUTES))
    assert top["risk_subsurface_vapour_indoor"] == 0
    assert top["risk_swallowed"] == both["risk_swallowed"]
    assert both["main_route"] == "subsurface_vapour_indoor"
    assert both["risk_skin"] is None, "no absorption through the skin is held: that is not zero"


def test_soil_above_saturation_is_marked() -> None:
    found = site_risk(soil_model(), "class_2", {"toluene": 1300.0, "styrene": 10.0, "benzene": 1e5})
    assert found["above_saturation"].to_list() == [True, False, None]


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_concentration_that_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="benzene"):
        site_risk(soil_model(), "class_1", {"benzene": value})


def test_a_parameter_or_property_that_is_none_is_named() -> None:
    with pytest.raises(SettingError, match="no parameter wieght_adult"):
        soil_model().with_parameters("class_1", {"wieght_adult": 60.0})
    with pytest.raises(SettingError, match="no property 'kow'"):
        soil_model().with_properties({"kow": np.zeros(len(soil_model().items))})
    with pytest.raises(SettingError, match="last axis"):
        soil_model().with_properties({"koc": np.zeros(3)})


def test_a_pressure_difference_near_zero_is_diffusion_alone() -> None:
    model = soil_model().only(["benzene", "mercury"])
    still = route_risks(model, "class_1").carcinogenic["subsurface_vapour_indoor"]
    nearly = route_risks(model.with_parameters("class_1", {"pressure_difference": 1e-9}), "class_1")
    assert nearly.carcinogenic["subsurface_vapour_indoor"] == pytest.approx(still, rel=1e-6, nan_ok=True)


def test_a_pressure_difference_draws_more_vapour_in() -> None:
    model = soil_model().only(["benzene"])

    def indoor(pressure: float) -> float:
        p = model.with_parameters("class_1", {"pressure_difference": pressure}).parameters["class_1"]
        return float(vapour_factors(p, model.properties).subsurface_indoor[0])

    found = [indoor(pressure) for pressure in (0.0, 10.0, 40.0, 100.0)]
    assert found == sorted(found)
    assert found[-1] > found[0]


def test_no_more_vapour_leaves_than_is_there() -> None:
    """A thin source empties: mass over the duration bounds every factor."""
    model = soil_model().only(["vinyl_chloride"])
    p = model.with_parameters("class_1", {"subsurface_thickness": 1e-3, "surface_thickness": 1e-3}).parameters[
        "class_1"
    ]
    found = vapour_factors(p, model.properties)
    mixing = 200 * 4000 * 200 / 1.6e7
    there = 1e-3 * 1.5 / (30 * 31_536_000) * 1e3
    assert found.surface_outdoor[0] == pytest.approx(there / mixing)
    assert found.subsurface_outdoor[0] == pytest.approx(there / mixing)
    assert found.subsurface_indoor[0] == pytest.approx(there / (220 * 12 / 86400))


def test_a_soil_wetter_than_its_pores_has_no_air() -> None:
    p = soil_model().with_parameters("class_1", {"water_content": 0.4}).parameters["class_1"]
    found = pores(p)
    assert found.air == 0
    assert found.water == found.all


def test_groundwater_routes_follow_their_formulas_in_the_limit() -> None:
    """Water drunk by hand; vapour falls with depth. Nothing published tests them."""
    model = soil_model().only(["benzene"])
    risks = route_risks(model, "class_2").carcinogenic
    assert risks["groundwater_drunk"][0] == pytest.approx(1.0 * 250 * 25 / 61.8 / 27740 * 0.055, rel=1e-12)
    deeper = route_risks(
        model.with_parameters("class_2", {"groundwater_depth": 600.0, "vadose_thickness": 595.0}), "class_2"
    )
    for name in WATER_ROUTES[:2]:
        assert 0 < deeper.carcinogenic[name][0] < risks[name][0]
    found = recompute(model, "class_2")
    assert found.water_by_risk[0] == pytest.approx(1e-6 / sum(risks[name][0] for name in WATER_ROUTES))


def test_draws_are_not_shown_as_one_value() -> None:
    model = soil_model().only(["benzene"])
    drawn = model.with_parameters("class_1", {"weight_adult": np.array([[60.0], [70.0]])})
    found = recompute(drawn, "class_1")
    assert found.value.shape == (2, 1)
    with pytest.raises(InputError, match="quantiles"):
        found.table()
