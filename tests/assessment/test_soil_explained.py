"""Why a sample of soil has its verdict: the limit as the standard prints it, and what a bureau writes."""

import json

import polars as pl
import pytest

from bihuan.assessment import explain_soil, judge_soil
from bihuan.core import InputError, NotCovered, to_json
from tests.assessment.soil import ROTATION, only, sample


def test_every_verdict_is_explained_in_both_languages_also_from_json() -> None:
    parts = [
        sample(lead="401", arsenic="30", copper="1", benzene="<1.1", toluene="<0.1"),
        sample(lead="801", arsenic="20", copper="1", benzene="1", toluene="1").with_columns(site=pl.lit("B")),
    ]
    farm = sample(**{"land use": "rotation"}, ph="7.5", lead="200", cadmium="5", nickel="1", bap="0.6")
    rows = [*judge_soil(pl.concat(parts)).verdicts.to_dicts(), *judge_soil(farm, allow=ROTATION).verdicts.to_dicts()]
    for row in json.loads(to_json(rows)):
        found = explain_soil(row)
        assert found.edition in ("GB 36600-2018", "GB 15618-2018")
        for language in ("zh", "en"):
            said = [message.say(language) for message in (*found.steps, found.sentence)]  # type: ignore[arg-type]
            assert all(said) and "{" not in "".join(said)
            assert found.edition in said[-1]


def test_an_explanation_prints_the_limit_as_the_standard_does() -> None:
    found = explain_soil(only(judge_soil(sample(chromium6="3.5"))))
    assert (found.value, found.limit, found.unit) == ("3.5", "3.0", "mg/kg")
    said = "A 土壤铬(六价)含量 3.5 mg/kg,超过第一类用地筛选值 3.0 mg/kg(0.17 倍),未超过管制值 30 mg/kg"
    assert found.sentence.say() == f"{said}(依据 GB 36600-2018)。"
    assert found.fields["control"] == "30"
    above = explain_soil(only(judge_soil(sample(chromium6="33"))))
    assert (above.limit, above.fields["over_control"]) == ("30", 0.1)
    farm = explain_soil(only(judge_soil(sample(**{"land use": "paddy"}, ph="6.50", mercury="0.6"))))
    assert (farm.limit, farm.clause) == ("0.5", "table 1; table 3")
    assert "pH 6.5,属于 5.5 - 6.5 一档" in farm.steps[1].say()


def test_a_row_that_is_no_verdict_is_not_explained() -> None:
    with pytest.raises(InputError, match="no verdict and no limit"):
        explain_soil({"item": "lead", "recomputed_value": 1.0})
    row = only(judge_soil(sample(lead="1"))) | {"edition": "GB 36600-1999"}
    with pytest.raises(NotCovered, match="held: GB 36600-2018"):
        explain_soil(row)
    for land, edition in (("class_1", "GB 36600-2018"), ("paddy", "GB 15618-2018"), ("rotation", "GB 15618-2018")):
        with pytest.raises(NotCovered, match="unobtainium"):
            explain_soil(row | {"land_use": land, "edition": edition, "item": "unobtainium"})
