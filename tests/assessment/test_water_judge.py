"""Tables of water samples as laboratories write them: what is judged, and what is refused with its reason."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import Judged, judge_water
from bihuan.assessment.water_names import accepted, item_of, items, plain_name
from bihuan.assessment.water_table import shifted
from bihuan.core import InputError, NotCovered, texts

HALF = frozenset({"mep_2011_22#below_detection"})


def wide(**columns: list[Any]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    return pl.DataFrame({"site": ["A"] * count, "date": [f"2024-06-{day + 1:02}" for day in range(count)]} | columns)


def long(*rows: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["site", "date", "item", "value", "unit"], orient="row")


def reasons(found: Judged) -> list[tuple[Any, ...]]:
    return found.refused.select("row", "column", "reason").rows()


def test_both_forms_and_both_languages_give_one_verdict() -> None:
    one = pl.DataFrame({"断面名称": ["东桥"], "采样日期": ["2024/6/1"], "氨氮(mg/L)": ["1.2"], "总磷": ["0.21"]})
    other = long(("东桥", "2024-06-01", "NH3-N", "1200", "ug/L"), ("东桥", "2024-06-01", "TP", "0.21", "mg/L"))
    columns = ["site", "start", "end", "class", "worst", "over", "multiples", "nh3n", "tp", "edition", "status"]
    first, second = (judge_water(table).verdicts.select(columns).rows() for table in (one, other))
    assert first == second
    assert first == [
        (
            "东桥", datetime(2024, 5, 31, 16, tzinfo=UTC), datetime(2024, 6, 1, 16, tzinfo=UTC), "IV", "nh3n;tp",
            "nh3n;tp", "0.20;0.05", 1.2, 0.21, "GB 3838-2002", "single_source",
        )
    ]  # fmt: skip


def test_every_verdict_has_what_the_contract_asks_for() -> None:
    found = judge_water(wide(cod=[20.0], do=[6.0])).verdicts.row(0, named=True)
    assert {name: found[name] for name in ("row", "method", "reason", "assessed", "below", "samples")} == {
        "row": 1, "method": "single_factor/1", "reason": "part_of_the_items", "assessed": 2, "below": "", "samples": 1,
    }  # fmt: skip
    assert "table 1" in found["clause"] and "single factor" in found["clause"]
    assert len(found["not_assessed"].split(";")) == 19


@pytest.mark.parametrize("value", ["<0.02", "< 0.02", "0.02L", "0.02 l", "<0.02"])
def test_below_detection_keeps_its_mark(value: str) -> None:
    found = judge_water(wide(tp=[value, "0.2"])).verdicts
    assert found["below"].to_list() == ["tp<0.02", ""]
    assert found.select("tp", "tp_low").row(0) == (0.02, 0.0)
    assert found["class"].to_list() == ["I", "III"]


def test_below_a_detection_limit_above_the_class_limit_it_cannot_be_told() -> None:
    found = judge_water(wide(nh3n=["<0.2", "<0.2"], cod=["10", "30"])).verdicts
    assert found["class"].to_list() == [None, "IV"]
    assert found["reason"].to_list() == ["water_bounds_open", "part_of_the_items"]
    assert found.select("class_best", "class_worst", "worst").row(0) == (1, 2, "nh3n")


def test_not_detected_without_a_limit_is_refused() -> None:
    found = judge_water(wide(tp=["未检出", "0.1"]))
    assert reasons(found) == [(1, "tp", "water_no_detection_limit")]
    assert found.verdicts["class"].to_list() == [None, "II"]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("cod", "-1", "water_negative"),
        ("cod", "abc", "water_no_number"),
        ("cod", "inf", "water_impossible"),
        ("pH", "14.01", "water_impossible"),
        ("pH", "<7", "water_no_number"),
        ("do", "61", "water_impossible"),
        ("site", "", "water_no_site"),
        ("date", "", "water_no_date"),
        ("date", "2024-02-30", "water_bad_date"),
        ("date", "2010-01-01", "water_no_edition"),
        ("水体类型", "海洋", "water_unknown_water_body"),
    ],
)
def test_a_bad_cell_is_refused_and_the_other_rows_stand(column: str, value: str, reason: str) -> None:
    row = {"site": "A", "date": "2024-06-01", "cod": "20", "pH": "7", "do": "6", "水体类型": "河流"}
    found = judge_water(pl.DataFrame([row | {column: value}, row | {"site": "B"}]))
    assert [(line[0], line[2]) for line in reasons(found)] == [(1, reason)]
    last = found.verdicts.row(-1, named=True)
    assert (last["row"], last["site"], last["class"]) == (2, "B", "III")
    assert reason in texts("zh")["refused"]


def test_missing_values_are_no_values_and_no_refusals() -> None:
    found = judge_water(wide(cod=["20", "", "-", "NA", None], do=[6.0, 6.0, None, 6.0, 6.0]))
    assert found.refused.is_empty()
    assert found.verdicts["class"].to_list() == ["III", "II", None, "II", "II"]
    assert found.verdicts["reason"][2] == "no_items"


@pytest.mark.parametrize(
    ("item", "value", "unit", "reason"),
    [
        ("铊", "0.1", "mg/L", "water_unknown_item"),
        ("COD", "20", "mg/kg", "water_wrong_unit"),
        ("COD", "20", "", "water_unit_missing"),
        ("COD", "20", "℃", "water_wrong_unit"),
        ("叶绿素a", "20", "", "water_unit_missing"),
    ],
)
def test_in_the_long_form_a_row_is_refused_by_itself(item: str, value: str, unit: str, reason: str) -> None:
    found = judge_water(long(("A", "2024-06-01", item, value, unit), ("A", "2024-06-01", "DO", "6", "mg/L")))
    assert [(line[0], line[2]) for line in reasons(found)] == [(1, reason)]
    assert found.verdicts["class"].to_list() == ["II"]


def test_a_wide_column_is_refused_as_a_whole_where_its_name_or_unit_says_nothing() -> None:
    table = wide(**{"COD(mg/kg)": [20.0], "备注": ["x"], "叶绿素a": [3.0], "DO": [6.0], "溶解氧": [7.0]})
    found = judge_water(table)
    assert {(line[1], line[2]) for line in reasons(found)} == {
        ("COD(mg/kg)", "water_unit_missing"),
        ("备注", "water_unknown_column"),
        ("叶绿素a", "water_unit_missing"),
        ("溶解氧", "water_column_twice"),
    }
    assert found.refused["row"].to_list() == [None] * 4
    assert found.verdicts.select("class", "do").rows() == [("II", 6.0)]


def test_the_same_sample_given_twice_counts_once() -> None:
    again = long(("A", "2024-06-01", "COD", "20", "mg/L"), ("A", "2024-06-01", "COD", "99", "mg/L"))
    found = judge_water(again)
    assert reasons(found) == [(2, "value", "water_given_twice")]
    assert found.verdicts["class"].to_list() == ["III"]
    table = pl.DataFrame({"site": ["A", "A"], "date": ["2024-06-01"] * 2, "cod": [20.0, 99.0]})
    assert reasons(judge_water(table)) == [(2, "site", "water_given_twice")]


def test_the_water_body_stands_in_the_row_or_in_the_option() -> None:
    table = wide(tp=[0.05, 0.05, 0.05]).with_columns(pl.Series("水体类型", ["河流", "湖库", ""]))
    assert judge_water(table).verdicts["class"].to_list() == ["II", "III", "II"]
    assert judge_water(table, water_body="lake").verdicts["class"].to_list() == ["II", "III", "III"]
    with pytest.raises(InputError, match="river, lake"):
        judge_water(table, water_body="sea")


def test_a_named_day_chooses_the_law_and_stands_in_for_a_missing_date() -> None:
    table = pl.DataFrame({"site": ["A"], "cod": [20.0]})
    assert judge_water(table, on=date(2024, 1, 1)).verdicts["class"].to_list() == ["III"]
    with pytest.raises(InputError, match="no column for the start"):
        judge_water(table)
    old = wide(cod=[20.0]).with_columns(pl.lit("2001-01-01").alias("date"))
    assert judge_water(old, on=date(2024, 1, 1)).verdicts["class"].to_list() == ["III"]
    with pytest.raises(NotCovered):
        judge_water(old, on=date(2001, 1, 1))


def test_columns_that_say_nothing_end_with_the_names_that_are_read() -> None:
    with pytest.raises(InputError, match="section"):
        judge_water(pl.DataFrame({"cod": [1.0]}))
    with pytest.raises(InputError, match="no column for any item"):
        judge_water(pl.DataFrame({"site": ["A"], "date": ["2024-01-01"], "x": [1.0]}))


def test_an_empty_table_has_no_verdicts() -> None:
    empty = pl.DataFrame(schema={"site": pl.String, "date": pl.String, "cod": pl.Float64})
    found = judge_water(empty)
    assert found.verdicts.is_empty() and found.refused.is_empty()
    assert {"row", "class", "edition", "clause", "status", "method", "reason"} <= set(found.verdicts.columns)


@pytest.mark.parametrize(
    "start",
    [
        ["2024-06-01 08:00"], ["2024/6/1 8:00"], ["2024-06-01T08:00:00+08:00"], ["2024-06-01T00:00:00Z"],
        ["202406010800"], [datetime(2024, 6, 1, tzinfo=UTC)],
    ],
)  # fmt: skip
def test_stamps_are_local_unless_they_say_otherwise(start: list[Any]) -> None:
    found = judge_water(pl.DataFrame({"site": ["A"], "start": start, "cod": [20.0]})).verdicts
    assert found.select("start", "end").row(0) == (datetime(2024, 6, 1, tzinfo=UTC), None)


def test_a_mean_that_equals_a_limit_belongs_to_its_class() -> None:
    # 0.1 + 0.2 + 0.3 of doubles is 0.6000000000000001, and a third of it lies above 0.2
    assert (0.1 + 0.2 + 0.3) / 3 > 0.2
    found = judge_water(wide(tp=[0.1, 0.2, 0.3]), period="month").verdicts
    assert found.select("class", "tp", "samples", "row").rows() == [("III", 0.2, 3, 1)]
    assert found.select("start", "end").row(0) == (
        datetime(2024, 5, 31, 16, tzinfo=UTC),
        datetime(2024, 6, 30, 16, tzinfo=UTC),
    )


def test_means_with_values_below_detection_have_bounds_until_the_city_allows_half() -> None:
    table = wide(nh3n=["<0.2", "0.2", "0.1"])
    open_ = judge_water(table, period="month").verdicts.row(0, named=True)
    assert (open_["class"], open_["class_best"], open_["class_worst"]) == (None, 1, 2)
    assert (open_["nh3n_low"], open_["below"]) == (0.1, "nh3n 1/3")
    assert open_["nh3n"] == pytest.approx(0.5 / 3)
    half = judge_water(table, period="month", allow=HALF).verdicts.row(0, named=True)
    assert (half["class"], half["status"], half["below"]) == ("I", "unconfirmed", "nh3n 1/3")
    assert half["nh3n"] == pytest.approx(0.4 / 3)


def test_quarters_and_years_are_local() -> None:
    table = pl.DataFrame(
        {"site": ["A"] * 3, "date": ["2023-12-31", "2024-01-01", "2024-04-01"], "cod": [50.0, 20.0, 10.0]}
    )
    assert judge_water(table, period="quarter").verdicts["class"].to_list() == ["worse_than_V", "III", "I"]
    assert judge_water(table, period="year").verdicts["class"].to_list() == ["worse_than_V", "I"]
    with pytest.raises(InputError, match="month, quarter, year"):
        judge_water(table, period="decade")  # type: ignore[arg-type]


@given(
    st.decimals(0, 999_999, places=6, allow_nan=False).map(lambda one: one.normalize()),
    st.sampled_from([-6, -3, -2, 2, 3]),
)
def test_a_unit_is_converted_as_the_decimal_text_is(value: Decimal, power: int) -> None:
    assert shifted(pl.Series([float(value)]), power).to_list() == [float(value.scaleb(power))]


def test_a_product_of_doubles_would_not_do() -> None:
    rough = [count / 10 / 1000 * 1 for count in range(1, 2000)]
    exact = shifted(pl.Series([count / 10 for count in range(1, 2000)]), -3).to_list()
    assert exact == [float(f"{count}e-4") for count in range(1, 2000)]
    assert rough != exact


def test_every_name_means_one_item_and_every_item_has_words() -> None:
    assert item_of("NH3-N") == items()["nh3n"]
    seen: dict[str, str] = {}
    for code, row in accepted()["items"].items():
        for name in row["names"]:
            assert seen.setdefault(plain_name(name), code) == code
        assert f"item_{code}" in texts("zh")["law_water"] and f"item_{code}" in texts("en")["law_water"]
    heads = [plain_name(name) for names in accepted()["keys"].values() for name in names]
    assert len(heads) == len(set(heads)) and not set(heads) & set(seen)


@pytest.mark.reference
def test_three_months_of_a_real_river_are_judged_as_plain_comparisons_say(shared: Path) -> None:
    """NEON Pringle Creek, five-minute values of oxygen and pH from two sensors."""
    path = shared / "data" / "neon_prin_upstream_downstream" / "neon_prin_2019-07_09.parquet"
    raw = pl.read_parquet(path).with_columns(pl.col("Timestamp").dt.replace_time_zone("UTC"))
    found = judge_water(raw)
    assert found.verdicts.height == raw.height == 52_992
    numbers = []
    for oxygen, acid in raw.select("dissolvedOxygen", "pH").iter_rows():
        classes = [] if oxygen is None else [1 + sum(oxygen < limit for limit in (7.5, 6, 5, 3, 2))]
        classes += [] if acid is None else [1 if 6 <= acid <= 9 else 6]
        numbers.append(max(classes, default=None))
    assert found.verdicts["class_number"].to_list() == numbers
    assert len(set(numbers)) >= 5
    assert {line[1] for line in reasons(found) if line[0] is None} >= {"fDOM", "level"}
