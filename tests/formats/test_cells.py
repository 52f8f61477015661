"""What people type into a cell."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import NotCovered, pollutants
from bihuan.formats.cells import parser, show
from bihuan.formats.faults import BadCell
from bihuan.formats.layouts import Column, kinds
from bihuan.formats.pollutant_cells import pollutant_names, short_name
from bihuan.register import PermitLimit


def read(kind: str, key: str, value: Any) -> Any:
    return parser(next(column for column in kinds()[kind].columns if column.key == key))(value)


@pytest.mark.parametrize(
    "typed",
    [
        "2026-01-31",
        "2026/1/31",
        "2026.1.31",
        "2026年1月31日",
        "20260131",
        " 2026-01-31\u3000",
        "2026-01-31 00:00:00",
        "2026-01-31T00:00:00",
        "２０２６－０１－３１",
        20260131,
        46053,
        46053.0,
        date(2026, 1, 31),
        datetime(2026, 1, 31, 8, tzinfo=UTC),
    ],
)
def test_a_day_is_read_as_people_write_it(typed: Any) -> None:
    assert read("station", "valid_from", typed) == date(2026, 1, 31)


@pytest.mark.parametrize("typed", ["2026-13-01", "2026-02-30", "昨天", "31/01/2026", 5, 2026, -1, 1e300, "2026"])
def test_what_is_no_day_is_refused(typed: Any) -> None:
    with pytest.raises(BadCell, match="date"):
        read("station", "valid_from", typed)


@pytest.mark.parametrize("typed", ["35.5", " 35.5 ", "３５．５", 35.5, "\u00a035.5", "3.55e1"])
def test_a_number_is_read_in_any_width(typed: Any) -> None:
    assert read("outlet", "height", typed) == 35.5


def test_thousands_are_read_and_a_comma_for_a_point_is_not() -> None:
    assert read("worksite", "area", "35,000") == 35_000
    for typed in ("35,5", "3,50,00", "35 m", "1_000", "inf", True, date(2026, 1, 1), "一"):
        with pytest.raises(BadCell, match="number"):
            read("worksite", "area", typed)


@pytest.mark.parametrize("typed", ["", " ", "-", "—", "/", "无", "N/A", "null", None, "nan"])
def test_the_marks_of_nothing_are_blank(typed: Any) -> None:
    for key in ("height", "valid_to", "o2_reference", "limits", "rates", "district", "crs"):
        assert read("outlet", key, typed) is None


def test_numbers_out_of_range_name_the_range() -> None:
    with pytest.raises(BadCell) as bad:
        read("outlet", "o2_reference", 21)
    assert (bad.value.reason, bad.value.allowed) == ("range", "0 – 20.9 %")
    assert read("outlet", "o2_reference", "20.9") == 20.9
    assert read("outlet", "exit_temperature", 20) == 293.15
    with pytest.raises(BadCell, match="integer"):
        read("device", "rhythm.hour", "3600.5")


@pytest.mark.parametrize(
    ("typed", "degrees"),
    [("113.5", 113.5), ("113°30′0″", 113.5), ("113度30分00秒", 113.5), ("E113°30'", 113.5), ("东经113°30′36″", 113.51)],
)
def test_degrees_minutes_and_seconds_are_degrees(typed: str, degrees: float) -> None:
    assert read("station", "lon", typed) == pytest.approx(degrees)


def test_minutes_beyond_sixty_are_refused() -> None:
    with pytest.raises(BadCell, match="number"):
        read("station", "lon", "113°75′0″")


@pytest.mark.parametrize("typed", ["４１０１０２", " 410102", 410102, 410102.0, "410102\u200b"])
def test_codes_are_half_width_text(typed: Any) -> None:
    assert read("station", "district", typed) == "410102"


@pytest.mark.parametrize("typed", ["4.10102E+23", 4.10102e23, 41010200000001234])
def test_a_code_that_a_spreadsheet_rounded_is_refused(typed: Any) -> None:
    with pytest.raises(BadCell, match="digits_lost"):
        read("device", "id", typed)


def test_names_keep_their_width() -> None:
    assert read("enterprise", "name", " 某某（集团）公司　") == "某某（集团）公司"
    assert read("enterprise", "name", 2026) == "2026"


@pytest.mark.parametrize("typed", ["#N/A", "#REF!", " #DIV/0! "])
def test_the_error_of_a_formula_is_no_value(typed: str) -> None:
    for key in ("name", "id", "lon", "valid_from", "medium"):
        with pytest.raises(BadCell, match="excel_error"):
            read("outlet", key, typed)


def test_words_of_a_list_are_read_as_word_or_code_and_others_named() -> None:
    assert [read("station", "kind", typed) for typed in ("国控", "national", " 国控 ", "NATIONAL")] == ["national"] * 4
    with pytest.raises(BadCell) as bad:
        read("station", "kind", "国控点")
    assert bad.value.allowed == "国控、省控、市控、乡镇、微站、扬尘、气象 (国控?)"
    assert read("duty", "matter", "light_smoke") == "light_smoke"  # an open list takes other codes of the program
    with pytest.raises(BadCell, match="choice"):
        read("duty", "matter", "光污染")
    assert read("section", "target_class", "III") == read("section", "target_class", "Ⅲ") == "III"
    assert read("section", "official", "是") is True
    assert read("section", "official", 0) is False


@pytest.mark.parametrize(
    "typed", ["网格员、核查员", "网格员,核查员", "网格员；核查员", "网格员 核查员", "grid_officer/verifier"]
)
def test_lists_are_split_at_any_mark(typed: str) -> None:
    assert read("person", "roles", typed) == ("grid_officer", "verifier")


def test_limits_name_pollutant_limit_and_averaging() -> None:
    typed = "颗粒物 10 小时; SO₂ 35 小时 【GB 13223-2011; 表1】；ＮＯｘ 1,000 日\n氨氮 5 day"
    assert read("outlet", "limits", typed) == (
        PermitLimit("pm", 10, "hour"),
        PermitLimit("so2", 35, "hour", "GB 13223-2011; 表1"),
        PermitLimit("nox", 1000, "day"),
        PermitLimit("nh3n", 5, "day"),
    )
    for bad in ("SO2 35", "SO2", "35", "SO2 x 小时", "SO2 -1 小时", "SO2 35 月"):
        with pytest.raises(BadCell):
            read("outlet", "limits", bad)
    with pytest.raises(BadCell, match="pollutant") as unknown:
        read("outlet", "limits", "二氧化琉 35 小时")
    assert unknown.value.allowed == "SO2"


def test_amounts_are_numbers_by_pollutant() -> None:
    assert read("outlet", "rates", "烟尘 0.5; SO2 1.2") == {"pm": 0.5, "so2": 1.2}
    for bad in ("SO2 1; SO2 2", "SO2 -1", "SO2", "SO2 x"):
        with pytest.raises(BadCell):
            read("outlet", "rates", bad)


@given(st.sampled_from(list(pollutants())))
def test_every_pollutant_is_read_back_from_the_name_that_is_shown(code: str) -> None:
    assert read("outlet", "rates", f"{short_name(code)} 1") == {code: 1.0}
    assert pollutant_names()[pollutants()[code].zh.replace("(", "").replace(")", "").lower()] == code


def test_points_are_pairs_of_degrees() -> None:
    assert read("boundary", "points", "113.6 34.7, 113.7 34.8") == ((113.6, 34.7), (113.7, 34.8))
    for bad in ("113.6", "113.6 34.7 1", "a b", "200 34"):
        with pytest.raises(BadCell, match="points"):
            read("boundary", "points", bad)


def test_a_column_of_an_unknown_type_is_named() -> None:
    with pytest.raises(NotCovered, match="'colour'"):
        parser(Column("x", "x", "x", "colour"))


def test_blank_is_shown_as_nothing() -> None:
    for kind in kinds().values():
        for column in kind.columns:
            assert show(column, None) is None


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans())
def test_no_cell_raises_anything_but_a_fault(value: Any) -> None:
    for kind in kinds().values():
        for column in kind.columns:
            try:
                parser(column)(value)
            except BadCell as bad:
                assert bad.reason
