"""Samples of soil are judged by the limit of their land, item and pH, and a site by its worst item."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import normalize

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import SOIL_COLUMNS, SOIL_LABELS, explain_soil, judge_soil
from bihuan.assessment.soil_names import item_names, soil_columns, soil_words
from bihuan.core import InputError, NotCovered, pollutants, text
from bihuan.standards import Row, lookup
from tests.assessment.soil import ON, ROTATION, items, only, reasons, sample, site

CONSTRUCTION, FARM = lookup("GB 36600", on=ON), lookup("GB 15618", on=ON)
EDGES = [Decimal(edge) for edge in FARM.row("ph_bins", "upper_edges")["edges"]]


def around(limit: Decimal) -> tuple[str, str, str]:
    """The limit, and one unit of its last digit below and above it."""
    unit = Decimal(1).scaleb(int(limit.as_tuple().exponent))
    return tuple(format(value, "f") for value in (limit - unit, limit, limit + unit))  # type: ignore[return-value]


def long_table(rows: list[tuple[str, str, str, str]]) -> pl.DataFrame:
    columns = {"land use": [row[0] for row in rows], "ph": [row[1] for row in rows]}
    columns |= {"item": [row[2] for row in rows], "value": [row[3] for row in rows]}
    places = {"site": [f"s{number}" for number in range(len(rows))], "date": ["2026-03-01"] * len(rows)}
    return pl.DataFrame(places | columns)


def construction_cases() -> list[tuple[tuple[str, str, str, str], str]]:
    found = []
    for row in CONSTRUCTION.table("limits"):
        for place, land in enumerate(("class_1", "class_2")):
            screening, control = Decimal(row["screening"][place]), Decimal(row["control"][place])
            for limit, above in ((screening, "between"), (control, "above_control")):
                for value in around(limit):
                    label = "below_screening"
                    if Decimal(value) > screening:
                        label = above if Decimal(value) > limit or limit == screening else "between"
                    if Decimal(value) > control:
                        label = "above_control"
                    found.append(((land, "", row.item, value), label))
    return found


def farm_cases() -> list[tuple[tuple[str, str, str, str], str]]:
    """Every limit of farmland at a pH inside its bin and at the bin's own upper edge."""
    controls = {row.item: row for row in FARM.table("control")}
    found = []
    for row in FARM.table("screening"):
        land = "paddy" if row["land_use"] == "any" else str(row["land_use"])
        for place, limit in enumerate(map(Decimal, row["limits"])):
            control = controls.get(row.item)
            bound = None if control is None else Decimal(control["limits"][place])
            for value in {*around(limit), *(around(bound) if bound is not None else ())}:
                for ph in ph_of(row, place):
                    found.append(((land, ph, row.item, value), farm_label(Decimal(value), limit, bound)))
    return found


def ph_of(row: Row, place: int) -> list[str]:
    if len(row["limits"]) == 1:
        return [""]
    inside = [edge - Decimal("0.01") for edge in EDGES] + [EDGES[-1] + Decimal("0.01")]
    at_edge = [str(EDGES[place])] if place < len(EDGES) else []
    just_above_the_edge_below = [str(EDGES[place - 1] + Decimal("0.01"))] if place else []
    return [str(inside[place]), *at_edge, *just_above_the_edge_below]


def farm_label(value: Decimal, screening: Decimal, control: Decimal | None) -> str:
    if control is not None and value > control:
        return "above_control"
    if value > screening:
        return "above_screening" if control is None else "between"
    return "below_screening"


@pytest.mark.parametrize("cases", [construction_cases, farm_cases])
def test_every_limit_holds_at_it_one_unit_below_and_one_above(cases: Any) -> None:
    wanted = cases()
    assert len(wanted) >= 85 * 2 * 2 * 3 if cases is construction_cases else len(wanted) > 500
    found = judge_soil(long_table([case for case, _ in wanted]))
    assert not found.refused.height, found.refused
    got = dict(items(found).select("row", "label").iter_rows())
    wrong = [(case, label, got[row]) for row, (case, label) in enumerate(wanted, start=1) if got[row] != label]
    assert not wrong, wrong[:5]


def test_the_columns_and_labels_are_those_said() -> None:
    found = judge_soil(sample(lead="401", copper="1"))
    assert found.verdicts.schema == SOIL_COLUMNS
    assert set(found.verdicts["label"]) <= set(SOIL_LABELS)
    empty = judge_soil(sample(lead="401").clear())
    assert empty.verdicts.schema == SOIL_COLUMNS
    assert empty.verdicts.is_empty() and empty.refused.is_empty()


def test_farmland_without_a_row_of_its_own_has_the_limit_of_other_land() -> None:
    """Copper knows orchards and other land only; paddy land is other land."""
    for land, limit in (("paddy", 50), ("other", 50), ("orchard", 150)):
        assert only(judge_soil(sample(**{"land use": land}, ph="5.5", copper="40")))["screening"] == limit
    assert only(judge_soil(sample(**{"land use": "orchard"}, ph="6", cadmium="0.2")))["screening"] == 0.3


def test_rotated_land_takes_the_stricter_limit_only_where_the_rule_is_switched_on() -> None:
    table = sample(**{"land use": "rotation"}, ph="7.6", arsenic="22", copper="99", nickel="1", lead="200")
    off = judge_soil(table)
    assert [(column, reason) for _, column, _, reason in reasons(off)] == [
        ("arsenic", "soil_rotation"),
        ("lead", "soil_rotation"),
    ]
    assert dict(items(off).select("item", "screening").iter_rows()) == {"copper": 100, "nickel": 190}
    assert site(off)["not_judged"] == 2 and site(off)["reason"] == "soil_some_not_judged"
    on = judge_soil(table, allow=ROTATION)
    strict = dict(items(on).select("item", "screening").iter_rows())
    assert strict == {"arsenic": 20, "lead": 170, "copper": 100, "nickel": 190}
    status = dict(items(on).select("item", "status").iter_rows())
    assert status == {
        "arsenic": "unconfirmed",
        "lead": "unconfirmed",
        "copper": "single_source",
        "nickel": "single_source",
    }
    assert site(on)["status"] == "unconfirmed"


def test_without_ph_only_items_whose_limits_do_not_go_by_it_are_judged() -> None:
    found = judge_soil(sample(**{"land use": "paddy"}, lead="1", zinc="1", bap="0.6", ddt_total="0.1"))
    assert reasons(found) == [(1, "ph", "", "soil_ph_missing")]
    assert "GB 15618-2018" in text("refused.soil_ph_missing") and "GB 15618-2018" in text(
        "refused.soil_ph_missing", "en"
    )
    assert dict(items(found).select("item", "label").iter_rows()) == {
        "bap": "above_screening",
        "ddt_total": "below_screening",
    }
    assert site(found)["not_judged"] == 2


def test_a_site_with_gaps_is_not_called_clean() -> None:
    """What could not be judged may be worse than what could: nothing is said of what comes next."""
    gap = site(judge_soil(sample(**{"land use": "paddy"}, lead="101", bap="0.1")))
    assert (gap["label"], gap["next_step"], gap["not_judged"]) == ("below_screening", "", 1)
    said = explain_soil(gap).sentence
    assert "1 个数据未能评价" in said.say() and "待补充数据" in said.say()
    assert "1 values could not be judged" in said.say("en")
    worse = site(judge_soil(sample(**{"land use": "paddy"}, lead="101", bap="0.6")))
    assert (worse["label"], worse["next_step"]) == ("above_screening", "farm_between")


@pytest.mark.parametrize("ph", ["14.1", "-0.1", "acid"])
def test_a_ph_that_cannot_be_is_refused(ph: str) -> None:
    found = judge_soil(sample(**{"land use": "paddy"}, ph=ph, lead="1"))
    assert reasons(found) == [(1, "ph", ph, "soil_ph_impossible")]


def test_ph_does_not_matter_on_land_for_construction() -> None:
    found = judge_soil(sample(ph="99", lead="1"))
    assert only(found)["ph"] is None


def test_below_detection_is_judged_by_its_limit_and_never_as_zero() -> None:
    written = ["<0.5", "＜0.5", "0.5L", "ND(0.5)", "未检出(0.5)"]
    for word in written:
        row = only(judge_soil(sample(benzene=word)))
        assert (row["value"], row["below"], row["label"]) == (0.5, True, "below_screening"), word
        assert row["reason"] == "soil_below_detection"
    high = judge_soil(sample(benzene="<1.1"))
    assert only(high)["label"] is None
    assert only(high)["reason"] == "soil_detection_limit_high"
    assert only(high)["over_screening"] is None
    assert site(high)["label"] is None and site(high)["not_judged"] == 1 and site(high)["next_step"] == ""
    assert only(judge_soil(sample(benzene="<1")))["label"] == "below_screening"


def test_not_detected_without_a_limit_of_detection_is_refused() -> None:
    assert reasons(judge_soil(sample(benzene="ND"))) == [(1, "benzene", "ND", "soil_detection_limit")]
    columns = {"item": ["苯", "苯"], "value": ["未检出", "ND"], "检出限": ["0.05", ""]}
    given = pl.concat([sample(), sample()]).hstack(pl.DataFrame(columns))
    found = judge_soil(given)
    assert items(found)["value"].to_list() == [0.05]
    assert reasons(found) == [(2, "value", "ND", "soil_detection_limit")]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("-0.1", "soil_negative"), ("much", "soil_no_number"), ("1000001", "soil_impossible"), ("inf", "soil_no_number")],
)
def test_a_value_that_cannot_be_is_refused_and_the_others_stand(cell: str, reason: str) -> None:
    found = judge_soil(sample(lead=cell, copper="1"))
    assert reasons(found) == [(1, "lead", cell, reason)]
    assert items(found)["item"].to_list() == ["copper"]
    assert site(found)["not_judged"] == 1


def test_an_empty_cell_of_a_wide_table_is_an_item_that_was_not_measured() -> None:
    found = judge_soil(sample(lead="", arsenic="—", copper="1"))
    assert not found.refused.height
    assert items(found)["item"].to_list() == ["copper"]
    assert site(found)["not_judged"] == 0


def test_rows_of_a_long_table_that_cannot_be_judged_are_named() -> None:
    rows = [("lead", "1", "mg/kg"), ("unobtainium", "1", "mg/kg"), ("lead", "", ""), ("lead", "1", "ug/kg")]
    rows += [("zinc", "1", ""), ("苯并[a]芘", "0.1", "毫克/千克")]
    table = pl.concat([sample(item=item, value=value, unit=unit) for item, value, unit in rows])
    found = judge_soil(table)
    assert reasons(found) == [
        (2, "item", "unobtainium", "soil_item_unknown"),
        (3, "value", "", "soil_value_missing"),
        (4, "unit", "ug/kg", "soil_unit"),
        (5, "value", "1.0", "soil_no_limit"),
    ]
    assert items(found)["item"].to_list() == ["lead", "bap"]
    assert site(found)["not_judged"] == 3, "zinc has no limit on this land, so nothing of it is missing"


def test_rows_of_no_site_land_or_day_are_named() -> None:
    parts = [
        sample(lead="1", site=" "),
        sample(lead="1", **{"land use": "forest"}),
        sample(lead="1", **{"land use": ""}),
    ]
    parts += [sample(lead="1", date="soon"), sample(lead="1", date=""), sample(lead="1", date="2018-07-31")]
    parts += [sample(lead="1", date="2018-08-01")]
    found = judge_soil(pl.concat(parts))
    assert reasons(found) == [
        (1, "site", "", "soil_site_missing"),
        (2, "land use", "forest", "soil_land_use_unknown"),
        (3, "land use", "", "soil_land_use_missing"),
        (4, "date", "soon", "soil_date_unreadable"),
        (5, "date", "", "soil_date_missing"),
        (6, "date", "2018-07-31", "soil_outside_editions"),
    ]
    assert items(found)["row"].to_list() == [7]


def test_a_named_day_chooses_the_law_of_every_row() -> None:
    table = sample(lead="401", date="2001-01-01")
    assert reasons(judge_soil(table))[0][3] == "soil_outside_editions"
    found = only(judge_soil(table, on=ON))
    assert (found["edition"], found["date"]) == ("GB 36600-2018", date(2001, 1, 1))
    assert only(judge_soil(table.drop("date"), on=ON))["date"] is None
    with pytest.raises(NotCovered, match="from 2018-08-01"):
        judge_soil(table, on=date(2018, 7, 31))


@pytest.mark.parametrize(
    "written", ["2026-03-01", "2026/3/1", "2026年3月1日", "20260301", "2026-03-01 08:30", "2026.3.1"]
)
def test_days_are_read_as_people_write_them(written: str) -> None:
    assert only(judge_soil(sample(lead="1", date=written)))["date"] == ON


def test_an_instant_falls_on_the_day_of_the_city() -> None:
    assert only(judge_soil(sample(lead="1", date="2026-02-28T20:00:00Z")))["date"] == ON
    stamp = pl.Series("date", [datetime(2026, 2, 28, 20, tzinfo=UTC)])
    assert only(judge_soil(sample(lead="1").with_columns(stamp)))["date"] == ON
    assert only(judge_soil(sample(lead="1", date=ON)))["date"] == ON


def test_the_use_of_land_of_a_whole_table_may_be_named() -> None:
    table = sample(lead="401").drop("land use")
    assert reasons(judge_soil(table))[0][3] == "soil_land_use_missing"
    assert only(judge_soil(table, land_use="class_2"))["label"] == "below_screening"
    with pytest.raises(InputError, match="'forest' is none of class_1"):
        judge_soil(table, land_use="forest")


def test_background_excuses_what_is_not_above_it_where_the_footnote_says_so() -> None:
    def label(**given: str) -> tuple[str, str]:
        row = only(judge_soil(sample(**given)))
        return row["label"], row["reason"]

    assert label(arsenic="30", **{"arsenic background": "30"}) == ("within_background", "")
    assert label(arsenic="30", 砷背景值="29.9") == ("between", "")
    assert label(arsenic="30") == ("between", "soil_background_unknown")
    assert label(arsenic="121", 砷背景值="200") == ("above_control", "")
    assert label(copper="3000", **{"copper background": "4000"}) == ("between", "")
    assert label(vanadium="200", **{"land use": "2", "钒背景值": "999"}) == ("below_screening", "")
    assert label(vanadium="800", **{"land use": "2", "钒背景值": "999"}) == ("between", "")
    quiet = judge_soil(sample(arsenic="30", 砷背景值="30"))
    assert (site(quiet)["label"], site(quiet)["next_step"]) == ("within_background", "land_below")


def test_multiples_are_exact() -> None:
    row = only(judge_soil(sample(arsenic="200.3")))
    assert (row["over_screening"], row["over_control"]) == (9.02, 0.67)  # 9.015 ties to the even digit
    assert only(judge_soil(sample(lead="401")))["over_screening"] == 0.0025
    assert only(judge_soil(sample(lead="400")))["over_screening"] is None


def test_a_site_is_judged_by_its_worst_item_and_told_what_comes_next() -> None:
    parts = [
        sample(site="clean", lead="1", copper="1", arsenic="1"),
        sample(site="survey", lead="401", copper="2001", arsenic="1"),
        sample(site="act", lead="401", copper="1", arsenic="121"),
        sample(site="act", lead="1", copper="8001", arsenic="1"),
    ]
    found = judge_soil(pl.concat(parts)).verdicts.filter(subject="site")
    told = found.select("row", "site", "label", "worst", "next_step").rows()
    assert told == [
        (1, "clean", "below_screening", "", "land_below"),
        (2, "survey", "between", "lead;copper", "land_between"),
        (3, "act", "above_control", "arsenic;copper", "land_above"),
    ]
    farm = judge_soil(sample(**{"land use": "paddy"}, ph="6", cadmium="3", zinc="201", bap="0.6"))
    assert (site(farm)["worst"], site(farm)["next_step"]) == ("cadmium", "farm_above")
    farm = judge_soil(sample(**{"land use": "paddy"}, ph="6", cadmium="1", zinc="201"))
    assert (site(farm)["label"], site(farm)["worst"]) == ("between", "cadmium;zinc")


def test_a_verdict_says_how_sure_its_rows_are() -> None:
    found = items(judge_soil(sample(lead="1", bap="0.1")))
    assert dict(found.select("item", "status").iter_rows()) == {"lead": "confirmed", "bap": "single_source"}


def test_names_and_units_of_headers() -> None:
    columns = soil_columns(
        ["点位", "采样日期", "用地类型", "土壤pH", "铅(mg/kg)", "铬(六价)(mg/kg)", "Cr", "7440-50-8", "备注"]
    )
    assert columns.items == {
        "铅(mg/kg)": "lead",
        "铬(六价)(mg/kg)": "chromium6",
        "Cr": "chromium",
        "7440-50-8": "copper",
    }
    assert columns.unknown == ()
    assert set(item_names().values()) == {code for code, row in pollutants().items() if row.soil_unit}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pl.DataFrame({"lead": ["1"]}), "no column for site"),
        (pl.DataFrame({"site": ["A"], "colour": ["red"]}), "item and value"),
        (pl.DataFrame({"site": ["A"], "item": ["lead"]}), "no column for value"),
        (pl.DataFrame({"site": ["A"], "lead": ["1"], "Pb": ["1"]}), "both lead"),
        (
            pl.DataFrame({"site": ["A"], "benzene (ug/kg)": ["1"]}),
            r"in ug/kg; soil is judged in mg/kg.*standards/soil/",
        ),
    ],
)
def test_a_table_whose_columns_cannot_be_judged_is_refused_whole(table: pl.DataFrame, words: str) -> None:
    with pytest.raises(InputError, match=words):
        judge_soil(table)


def test_an_unknown_column_of_numbers_is_named_once() -> None:
    found = judge_soil(pl.concat([sample(lead="1", unobtainium="3", lab="x")] * 3))
    assert reasons(found) == [(1, "unobtainium", "unobtainium", "soil_column_unknown")]


def test_numbers_of_any_kind_of_column_are_read_as_they_print() -> None:
    wide = sample(lead=400.1, copper=3, arsenic=None).with_columns(cadmium=pl.Series([20.1], dtype=pl.Float32))
    found = items(judge_soil(wide))
    assert dict(found.select("item", "value").iter_rows()) == {"lead": 400.1, "copper": 3.0, "cadmium": 20.1}


def test_the_words_of_items_are_those_of_the_pollutant_list() -> None:
    for code, row in pollutants().items():
        if row.soil_unit:
            assert text(f"law_soil.item_{code}") == row.zh
            assert text(f"law_soil.item_{code}", "en") == row.en


def test_many_days_share_one_edition() -> None:
    days = pl.date_range(date(2018, 7, 1), date(2026, 7, 1), "1d", eager=True)
    table = pl.DataFrame(
        {"site": ["A"] * len(days), "date": days, "land use": ["paddy"] * len(days), "zinc": [250.5] * len(days)}
    )
    found = judge_soil(table.with_columns(ph=pl.lit(7.5)))
    assert found.verdicts.filter(subject="item")["label"].unique().to_list() == ["above_screening"]
    assert found.refused.height == 31
    assert len(found.verdicts) == 2 * (len(days) - 31)


CELLS = st.text(max_size=12) | st.from_regex(r"[<＜]?-?[0-9]{0,3}[.,eL]?[0-9]{0,3}[L)]?", fullmatch=True)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=4))
def test_no_cell_breaks_the_bulk(cells: list[tuple[str, str, str, str]]) -> None:
    """Whatever stands in a cell: a row is judged or refused with a reason that has words."""
    names = ("date", "land use", "ph", "lead")
    table = pl.DataFrame([dict(zip(names, row, strict=True)) | {"site": "A"} for row in cells])
    found = judge_soil(table)
    assert found.verdicts.schema == SOIL_COLUMNS
    assert all(text(f"refused.{reason}") for reason in found.refused["reason"])
    judged = items(found)
    assert (judged["value"] >= 0).all()
    silent = set(range(1, len(cells) + 1)) - set(judged["row"]) - set(found.refused["row"])
    missing = soil_words()["values"]["missing"]
    assert all(normalize("NFKC", cells[row - 1][3]).strip() in missing for row in silent), "no row is lost unsaid"


@pytest.mark.reference
def test_the_flood_plain_of_the_meuse(shared: Path) -> None:
    """108 samples of four metals: each count is what comparing columns with the limits gives."""
    raw = pl.read_csv(shared / "data" / "meuse_soil" / "meuse_108.csv")
    table = raw.select(
        "cadmium", "copper", "lead", "zinc", site=pl.concat_str("x", "y", separator="-"), date=pl.lit(ON)
    )
    found = judge_soil(table, land_use="class_1")
    counts = {item: items(found).filter(item=item) for item in ("cadmium", "copper", "lead")}
    assert {item: len(rows) for item, rows in counts.items()} == {"cadmium": 108, "copper": 108, "lead": 108}
    assert (counts["lead"]["label"] == "between").sum() == (raw["lead"] > 400).sum()
    assert not (counts["cadmium"]["label"] != "below_screening").any()
    assert set(found.refused["reason"]) == {"soil_no_limit"}, "zinc has no limit on land for construction"
    farm = judge_soil(table.with_columns(ph=pl.lit(7.0)), land_use="other")
    zinc = items(farm).filter(item="zinc")
    assert (zinc["label"] == "above_screening").sum() == (raw["zinc"] > 250).sum() > 0
    cadmium = items(farm).filter(item="cadmium")
    assert (cadmium["label"] == "above_control").sum() == (raw["cadmium"] > 3).sum() > 0
    assert farm.verdicts.filter(subject="site").height == raw.select("x", "y").n_unique()


@pytest.mark.reference
def test_the_soil_of_the_jura(shared: Path) -> None:
    """259 samples of seven metals under the symbols of their columns."""
    raw = pl.read_csv(shared / "data" / "jura_soil" / "jura_first259.csv")
    table = raw.select(
        "Cd", "Cu", "Pb", "Co", "Cr", "Ni", "Zn", site=pl.concat_str("X", "Y", separator=" "), date=pl.lit(ON)
    )
    found = judge_soil(table, land_use="class_1")
    cobalt = items(found).filter(item="cobalt")
    assert (cobalt["label"] == "between").sum() == 0 == (raw["Co"] > 20).sum()
    assert set(found.refused["column"]) == {"Cr", "Zn"}
    farm = items(judge_soil(table.with_columns(ph=pl.lit(6.5)), land_use="other"))
    for item, column, limit in (("cadmium", "Cd", 0.3), ("copper", "Cu", 50), ("lead", "Pb", 90), ("nickel", "Ni", 70)):
        over = farm.filter(pl.col("item") == item, pl.col("label") != "below_screening").height
        assert over == (raw[column] > limit).sum(), item
    assert set(judge_soil(table.with_columns(ph=pl.lit(6.5)), land_use="other").refused["column"]) == {"Co"}
