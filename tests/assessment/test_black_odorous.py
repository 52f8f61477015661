"""Black and odorous water at both ends of every printed range."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from bihuan.assessment import black_odorous, judge_water
from bihuan.assessment.black_odorous import indicator_grade
from bihuan.core import InputError, NotCovered
from bihuan.standards import lookup

ON = date(2024, 6, 1)
COMBINE = frozenset({"urban_black_odorous_2015#combine"})
RURAL = frozenset({"rural_black_odorous_2019"})
ROWS = {row.item: row for row in lookup("black odorous water", on=ON).table("indicators")}


@pytest.mark.parametrize("item", sorted(ROWS))
def test_both_ends_of_the_light_range_belong_to_it(item: str) -> None:
    row = ROWS[item]
    low, high = map(Decimal, row["light"])
    unit = Decimal("0.01")
    beyond = {"lower": (2, 0), "higher": (0, 2)}[row["worse"]]
    found = [indicator_grade(row, value) for value in (low - unit, low, low + unit, high - unit, high, high + unit)]
    assert found == [beyond[0], 1, 1, 1, 1, beyond[1]]


def test_the_four_ranges_are_the_printed_ones() -> None:
    assert {item: tuple(map(float, row["light"])) for item, row in ROWS.items()} == {
        "transparency": (10, 25), "do": (0.2, 2), "orp": (-200, 50), "nh3n": (8, 15),
    }  # fmt: skip


CLEAN = {"transparency": 60.0, "do": 6.0, "orp": 200.0, "nh3n": 1.0}


def test_indicators_that_agree_give_a_grade() -> None:
    assert black_odorous(CLEAN, on=ON)["class"] == "black_none"
    light = black_odorous({"transparency": 20.0, "do": 1.0, "orp": 0.0, "nh3n": 9.0}, on=ON)
    assert (light["class"], light["reason"], light["status"]) == ("black_light", "", "single_source")


def test_indicators_that_differ_wait_for_the_rule_that_combines_them() -> None:
    found = black_odorous(CLEAN | {"nh3n": 16.0}, on=ON)
    assert (found["class"], found["class_best"], found["class_worst"]) == (None, 0, 2)
    assert (found["reason"], found["worst"]) == ("water_combining_open", "nh3n")
    allowed = black_odorous(CLEAN | {"nh3n": 16.0}, on=ON, allow=COMBINE)
    assert (allowed["class"], allowed["status"]) == ("black_severe", "unconfirmed")


def test_a_value_below_detection_has_two_ends() -> None:
    found = black_odorous({"do": 0.5, "do_low": 0.0}, on=ON)
    assert (found["class"], found["class_best"], found["class_worst"]) == (None, 1, 2)


def test_the_rural_guide_is_recalled_and_held_back() -> None:
    with pytest.raises(NotCovered, match="rural_black_odorous_2019"):
        black_odorous(CLEAN, on=ON, kind="rural")
    values = {"transparency": 25.0, "do": 2.0, "nh3n": 15.0}
    assert black_odorous(values, on=ON, kind="rural", allow=RURAL)["class"] == "black_none"
    for item, value in {"transparency": 24.9, "do": 1.99, "nh3n": 15.1}.items():
        found = black_odorous(values | {item: value}, on=ON, kind="rural", allow=RURAL)
        assert (found["class"], found["status"]) == ("black_black", "unconfirmed")
    with pytest.raises(InputError, match="urban, rural"):
        black_odorous(CLEAN, on=ON, kind="sea")


def test_transparency_is_never_read_without_its_unit() -> None:
    table = pl.DataFrame(
        {"site": ["A"], "date": ["2024-06-01"], "水体类型": ["黑臭水体"], "透明度(m)": [0.2], "DO": [1.0]}
    )
    found = judge_water(table)
    assert found.verdicts.select("class", "transparency").rows() == [("black_light", 20.0)]
    bare = judge_water(table.rename({"透明度(m)": "透明度"}))
    assert bare.refused["reason"].to_list() == ["water_unit_missing"]


def test_before_the_guide_and_without_the_switch_rows_are_refused() -> None:
    table = pl.DataFrame({"site": ["A", "B"], "date": ["2010-06-01", "2024-06-01"], "DO": [1.0, 1.0]})
    for body in ("urban", "rural"):
        found = judge_water(table, water_body=body)
        assert found.refused["reason"].to_list() == ["water_no_edition"] * (1 if body == "urban" else 2)
