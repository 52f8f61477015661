"""Treated sewage at every limit of every level, and what the recalled conditions leave open."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from bihuan.assessment import discharge_limits, discharge_verdict, judge_water
from bihuan.assessment.discharge import _limit
from bihuan.core import NotCovered, texts
from bihuan.standards import lookup

ON = date(2024, 1, 15)
BRACKET = frozenset({"gb_18918_2002#bracket"})
OLDER = frozenset({"gb_18918_2002#limits_older"})
LEVELS = ("1A", "1B", "2", "3")


def limits() -> Iterator[tuple[str, str, Decimal, bool]]:
    """Every limit of every level: equal and one unit below keep to it, one above does not."""
    for row in lookup("GB 18918", on=ON).table("limits"):
        for level, limit in row["levels"].items():
            ends = [(limit, 1)] if row["kind"] == "max" else [(limit[0], -1), (limit[1], 1)]
            for end, outwards in ends:
                unit = Decimal(1).scaleb(int(Decimal(end).as_tuple().exponent)) * outwards
                yield level, row.item, Decimal(end), True
                yield level, row.item, Decimal(end) - unit, True
                yield level, row.item, Decimal(end) + unit, False


CASES = list(limits())


def test_the_generated_limits_cover_every_level() -> None:
    assert {level for level, *_ in CASES} == set(LEVELS)
    assert len(CASES) == 3 * (12 * 4 - 4 + 4)  # four limits are not set (nitrogen, ammonia, coliforms); pH has two ends


@pytest.mark.parametrize(("level", "item", "value", "held"), CASES)
def test_every_limit_decides_at_one_unit(level: str, item: str, value: Decimal, held: bool) -> None:
    warm = {item: float(value), "water_temperature": 20.0}
    found = discharge_verdict(warm, level, on=ON, built=date(2010, 1, 1), allow=BRACKET | OLDER)
    assert found["class"] == ("within" if held else "suspected_over")
    assert found["over"] == ("" if held else item)


@pytest.mark.parametrize(
    ("temperature", "value", "found"),
    [(12.0, 8.0, "within"), (12.0, 8.1, "suspected_over"), (12.1, 5.0, "within"), (12.1, 5.1, "suspected_over")],
)
def test_the_bracket_holds_at_twelve_degrees_and_below(temperature: float, value: float, found: str) -> None:
    one = discharge_verdict({"nh3n": value, "water_temperature": temperature}, "1A", on=ON, allow=BRACKET)
    assert (one["class"], one["status"], one["method"]) == (found, "unconfirmed", "discharge_limit/1+bracket")


@pytest.mark.parametrize(("value", "found"), [(5.0, "within"), (5.1, None), (8.0, None), (8.1, "suspected_over")])
def test_without_the_bracket_only_what_both_limits_agree_on_is_told(value: float, found: str | None) -> None:
    one = discharge_verdict({"nh3n": value, "water_temperature": 20.0}, "1A", on=ON)
    assert (one["class"], one["status"]) == (found, "single_source")
    assert one["reason"] == ("part_of_the_items" if found else "water_bracket_open")
    no_temperature = discharge_verdict({"nh3n": value}, "1A", on=ON, allow=BRACKET)
    assert no_temperature["class"] == found
    assert no_temperature["reason"] == ("part_of_the_items" if found else "water_temperature_open")


@pytest.mark.parametrize(
    ("built", "value", "found"),
    [
        (date(2005, 12, 31), 1.0, "within"),
        (date(2005, 12, 31), 1.1, "suspected_over"),
        (date(2006, 1, 1), 0.5, "within"),
        (date(2006, 1, 1), 0.6, "suspected_over"),
        (None, 0.5, "within"),
        (None, 0.6, None),
        (None, 1.1, "suspected_over"),
    ],
)
def test_phosphorus_goes_by_the_year_the_plant_was_built(built: date | None, value: float, found: str | None) -> None:
    assert discharge_verdict({"tp": value}, "1A", on=ON, built=built, allow=OLDER)["class"] == found


def test_without_the_older_limits_phosphorus_above_the_newer_one_cannot_be_told() -> None:
    assert discharge_verdict({"tp": 0.5}, "1A", on=ON)["class"] == "within"
    found = discharge_verdict({"tp": 9.0}, "1A", on=ON, built=date(2010, 1, 1))
    assert (found["class"], found["reason"]) == (None, "water_built_open")


def test_a_value_below_detection_above_the_limit_cannot_be_told() -> None:
    assert discharge_verdict({"las": 0.5, "las_low": 0.0}, "1A", on=ON)["class"] == "within"
    found = discharge_verdict({"las": 0.6, "las_low": 0.0}, "1A", on=ON)
    assert (found["class"], found["reason"], found["worst"]) == (None, "water_bounds_open", "las")
    certain = discharge_verdict({"las": 0.6, "las_low": 0.0, "cod": 75.0}, "1A", on=ON)
    assert (certain["class"], certain["over"], certain["multiples"]) == ("suspected_over", "cod", "0.50")


def test_a_level_that_has_no_limit_for_an_item_leaves_it_out() -> None:
    assert {one.item for one in discharge_limits("3", on=ON)}.isdisjoint({"tn", "nh3n", "faecal_coliform"})
    with pytest.raises(NotCovered, match="1A, 1B, 2, 3"):
        discharge_limits("4", on=ON)


def test_the_old_general_standard_is_held_back_as_a_whole() -> None:
    with pytest.raises(NotCovered, match="'gb_8978_1996'"):
        discharge_limits("1", on=ON, code="GB 8978")
    allow = frozenset({"gb_8978_1996"})
    found = {one.item: one.strict for one in discharge_limits("2", on=ON, code="GB 8978", allow=allow)}
    assert (found["mercury"], found["cod"]) == (Decimal("0.05"), 150)
    assert discharge_verdict({"cod": 151.0}, "2", on=ON, code="GB 8978", allow=allow)["class"] == "suspected_over"


def test_a_local_standard_without_a_split_by_building_date_decides_on_phosphorus() -> None:
    row = lookup("GB 18918", on=ON).row("limits", "tp")
    found = _limit(lookup("GB 18918", on=ON), row, "1A", None, None, split=False)
    assert (found.holds(Decimal("0.5")), found.holds(Decimal("0.6"))) == (True, False)


def test_a_file_of_a_plant_is_judged_row_by_row() -> None:
    table = pl.DataFrame(
        {
            "排口": ["北厂"] * 5,
            "日期": ["2024-01-15", "2024-01-16", "2024-01-17", "2024-01-18", "2001-01-19"],
            "水体类型": ["污水处理厂"] * 5,
            "执行级别": ["一级A", "", "四级", "一级", "一级A"],
            "COD": ["50", "60", "60", "50", "50"],
        }
    )
    found = judge_water(table)
    assert found.verdicts.select("site", "class", "edition").rows() == [("北厂", "within", "GB 18918-2002")]
    assert found.refused.select("row", "reason").rows() == [
        (2, "water_no_level"),
        (3, "water_unknown_level"),
        (4, "water_unknown_level"),
        (5, "water_no_edition"),
    ]
    assert {"water_no_level", "water_unknown_level"} <= set(texts("en")["refused"])
