"""Risk of samples from a file, and the wall between what a model recomputes and what the law limits."""

import inspect
import json
from typing import Any

import polars as pl
import pytest

from bihuan.assessment import (
    RISK_COLUMNS,
    SOIL_COLUMNS,
    SOIL_ROUTES,
    Recomputed,
    explain_soil,
    explain_soil_risk,
    judge_soil,
    recompute,
    reproduction,
    site_risk,
    soil_model,
    soil_site_risk,
    uncertainty,
)
from bihuan.core import InputError, NotCovered, text, texts, to_json

LEGAL = {"screening", "control", "over_screening", "over_control", "limit", "next_step"}
"""Columns that only a verdict under the law has."""


def samples(**columns: list[Any]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    base = {"site": ["A"] * count, "date": ["2026-03-01"] * count, "land use": ["class 1"] * count}
    return pl.DataFrame(base | columns)


def test_the_risk_of_a_file_is_that_of_the_model() -> None:
    found = soil_site_risk(samples(benzene=[2.0], arsenic=[20.0]))
    wanted = site_risk(soil_model(), "class_1", {"benzene": 2.0, "arsenic": 20.0})
    rows = found.verdicts.filter(subject="risk_item")
    assert rows["item"].to_list() == wanted["item"].to_list()
    for name in ("carcinogenic_risk", "hazard_quotient"):
        assert rows[name].to_list() == pytest.approx(wanted[name].to_list(), rel=1e-9)
    assert rows["main_route"].to_list() == wanted["main_route"].to_list()


def test_a_site_adds_up_its_items_each_at_its_largest_sample() -> None:
    found = soil_site_risk(samples(benzene=[2.0, 3.0], arsenic=[20.0, 10.0])).verdicts
    items = found.filter(subject="risk_item").group_by("item").agg(pl.col("carcinogenic_risk", "hazard_quotient").max())
    site = found.filter(subject="risk_site").row(0, named=True)
    assert site["carcinogenic_risk"] == pytest.approx(items["carcinogenic_risk"].sum())
    assert site["hazard_quotient"] == pytest.approx(items["hazard_quotient"].sum())
    assert (site["label"], site["worst"]) == ("beyond_acceptable", "benzene;arsenic")


def test_acceptable_is_said_of_one_pollutant_not_of_their_sum() -> None:
    model = soil_model()
    most = {item: 0.9 * float(recompute(model.only([item]), "class_1").value[0]) for item in ("benzene", "bap")}
    found = soil_site_risk(samples(**{item: [value] for item, value in most.items()})).verdicts
    site = found.filter(subject="risk_site").row(0, named=True)
    assert site["carcinogenic_risk"] == pytest.approx(1.8e-6)
    assert (site["label"], site["worst"]) == ("within_acceptable", "")


def test_no_known_slope_is_no_risk_of_zero() -> None:
    found = soil_site_risk(samples(copper=[100.0])).verdicts
    assert found["carcinogenic_risk"].to_list() == [None, None]
    assert found["hazard_quotient"].null_count() == 0


def test_what_the_model_cannot_tell_is_refused() -> None:
    table = pl.concat(
        [
            samples(lead=["1"], benzene=["<0.1"], copper=["1"]),
            samples(lead=[""], benzene=["1"], copper=[""]).with_columns(**{"land use": pl.lit("paddy")}),
            samples(lead=[""], benzene=["1"], copper=[""]).with_columns(date=pl.lit("2019-12-04")),
            samples(lead=[""], benzene=["1"], copper=[""]).with_columns(date=pl.lit("")),
        ]
    )
    found = soil_site_risk(table)
    assert [(row, reason) for row, _, _, reason in found.refused.rows()] == [
        (1, "soil_risk_below_detection"),
        (1, "soil_no_toxicity"),
        (2, "soil_risk_farmland"),
        (3, "soil_outside_editions"),
        (4, "soil_date_missing"),
    ]
    assert found.verdicts["item"].to_list() == ["", "copper"]
    nothing = soil_site_risk(samples(lead=["1"]))
    assert nothing.verdicts.is_empty() and nothing.verdicts.schema == RISK_COLUMNS


def test_chances_come_from_the_draws() -> None:
    model = soil_model().only(["benzene"])
    middle = float(uncertainty(model, "class_1", draws=2_000, seed=4).quantiles()["recomputed_p50"][0])
    found = soil_site_risk(samples(benzene=[middle, 1e3]), draws=2_000, seed=4).verdicts.filter(subject="risk_item")
    assert found["chance_risk"].to_list() == pytest.approx([0.5, 1.0], abs=0.02)
    assert found["draws"].to_list() == [2_000, 2_000]
    assert soil_site_risk(samples(benzene=[1.0])).verdicts["chance_risk"].to_list() == [None, None]


def test_a_site_may_bring_its_own_parameters() -> None:
    table = samples(benzene=[1.0])
    airy = soil_model().with_parameters("class_1", {"air_exchange": 24.0})
    before, after = (soil_site_risk(table, model=model).verdicts[0, "carcinogenic_risk"] for model in (None, airy))
    assert after < before


def test_every_recomputed_risk_is_explained_and_says_that_it_is_no_limit() -> None:
    table = samples(benzene=[1.5], arsenic=[30.0], toluene=[2000.0], copper=[1.0])
    for row in json.loads(to_json(soil_site_risk(table, draws=50).verdicts.to_dicts())):
        found = explain_soil_risk(row)
        assert found.limit == ""
        assert found.status == "unconfirmed"
        assert found.fields["is_limit"] is False
        for language, words in (("zh", "不是标准限值"), ("en", "no limit")):
            said = [message.say(language) for message in (*found.steps, found.sentence)]  # type: ignore[arg-type]
            assert "{" not in "".join(said)
            assert words in said[0] and words in said[-1]
    with pytest.raises(InputError, match="no recomputed risk"):
        explain_soil_risk({"site": "A"})
    with pytest.raises(NotCovered, match=r"none of HJ 25\.3"):
        explain_soil_risk(row | {"edition": "HJ 25.3-1999"})


def test_known_doubts_are_said_where_they_matter() -> None:
    rows = soil_site_risk(samples(benzene=[1.5], arsenic=[30.0], toluene=[2000.0])).verdicts.filter(subject="risk_item")
    said = {row["item"]: " ".join(m.say() for m in explain_soil_risk(row).steps) for row in rows.to_dicts()}
    assert "Johnson-Ettinger" in said["benzene"] and "异味" in said["benzene"]
    assert "吸收因子 1" in said["arsenic"]
    assert "饱和限值" in said["toluene"]


def test_a_recomputed_value_is_never_a_limit() -> None:
    """Names, types and words keep the two apart: no column, parameter or sentence of one fits the other."""
    model = soil_model()
    tables = {
        "recompute": recompute(model, "class_1").table().columns,
        "uncertainty": uncertainty(model, "class_1", draws=2).quantiles().columns,
        "risks": RISK_COLUMNS.names(),
        "site_risk": site_risk(model, "class_1", {"benzene": 1.0}).columns,
        "reproduction": reproduction(model).columns,
    }
    for name, columns in tables.items():
        assert not LEGAL & set(columns), name
        values = [column for column in columns if "value" in column and column != "value"]
        assert all(column.startswith("recomputed_") for column in values), name
    assert not [name for name in SOIL_COLUMNS if name.startswith("recomputed")]
    assert not {name for name in Recomputed.__slots__ if "limit" in name or name in LEGAL}
    takes = {parameter.annotation for parameter in inspect.signature(judge_soil).parameters.values()}
    assert not [one for one in takes if "Recomputed" in str(one) or "SoilModel" in str(one)]
    row = soil_site_risk(samples(benzene=[1.0])).verdicts.row(1, named=True)
    with pytest.raises(InputError, match="recomputed by the risk model is no verdict and no limit"):
        explain_soil(row)
    for language, words in (("zh", "非标准限值"), ("en", "no limit")):
        told = {key: said for key, said in texts(language)["law_soil"].items() if key.startswith("recomputed")}  # type: ignore[index]
        assert told and all(words in said for said in told.values())
    assert text("refused.soil_not_a_limit") in {text(f"refused.{reason}") for reason in [row["reason"]]}


def test_what_the_model_gives_does_not_move_a_verdict() -> None:
    """Chromium and arsenic: the model says 3.003 and 0.45, the verdict goes by 3.0 and 20."""
    found = judge_soil(samples(chromium6=[3.002], arsenic=[19.0])).verdicts.filter(subject="item")
    assert dict(found.select("item", "label").iter_rows()) == {"chromium6": "between", "arsenic": "below_screening"}
    assert float(recompute(soil_model().only(["chromium6"]), "class_1").value[0]) > 3.002


def test_every_route_and_driver_has_its_words() -> None:
    for name in (*SOIL_ROUTES, "risk", "hazard", "saturation", "background", "blood_lead", "mixture", "unknown"):
        assert text(f"law_soil.{name}") and text(f"law_soil.{name}", "en")
