"""`cwqi_cn` by its branches, and the trophic state with phosphorus in milligrams."""

from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from bihuan.assessment import city_index, cwqi_change, cwqi_cn, rank, rank_improvement, tli, water_law
from bihuan.core import InputError, NotCovered

ON = date(2024, 6, 1)
LAW = {"river": water_law(ON), "lake": water_law(ON, "lake")}
CITY = frozenset({"cwqi_2017#city"})
HALF = frozenset({"cwqi_2017#below_detection"})
GRADES = frozenset({"mep_2011_22#tli_grades"})


def at_class_three(body: str = "river", **changed: Any) -> dict[str, Any]:
    """Every item at the limit of class III, pH neutral."""
    values: dict[str, Any] = {"ph": 7.0}
    for item, row in LAW[body].items.items():
        if row["kind"] != "range":
            values[item] = float(row["classes"][2])
    return values | changed


def test_at_the_limits_of_class_three_the_index_is_twenty() -> None:
    for body in ("river", "lake"):
        found = cwqi_cn(at_class_three(body), on=ON, water_body=body)  # type: ignore[arg-type]
        assert found.value == 20
        assert (found.items["do"], found.items["ph"]) == (1, 0)
        assert (found.not_assessed, found.reason) == ((), "")
        assert len(found.items) == 21


@pytest.mark.parametrize(
    ("item", "value", "index"),
    [
        ("ph", 6.5, Fraction(1, 2)),
        ("ph", 7.0, 0),
        ("ph", 7.5, Fraction(1, 4)),
        ("ph", 9.0, 1),
        ("ph", 6.0, 1),
        ("do", 10.0, Fraction(1, 2)),
        ("do", 2.5, 2),
        ("nh3n", 0.3, Fraction(3, 10)),
        ("tp", 0.3, Fraction(3, 2)),
        ("mercury", 0.00005, Fraction(1, 2)),
    ],
)
def test_each_branch_of_the_item_index(item: str, value: float, index: Fraction) -> None:
    found = cwqi_cn(at_class_three(**{item: value}), on=ON)
    assert found.items[item] == index
    assert found.value == 20 + index - (0 if item == "ph" else 1)


def test_phosphorus_goes_by_the_column_of_the_water_body() -> None:
    assert cwqi_cn(at_class_three(), on=ON).items["tp"] == 1
    assert cwqi_cn(at_class_three("river"), on=ON, water_body="lake").items["tp"] == 4


def test_with_an_item_missing_there_is_no_index() -> None:
    found = cwqi_cn(at_class_three(mercury=None), on=ON)
    assert (found.value, found.low, found.reason, found.not_assessed) == (None, None, "items_missing", ("mercury",))


def test_below_detection_the_index_has_bounds_until_half_is_allowed() -> None:
    values = at_class_three(mercury=0.00004, mercury_low=0.0)
    found = cwqi_cn(values, on=ON)
    assert (found.value, found.low, found.high) == (None, 19, Fraction(97, 5))
    assert (found.reason, found.status) == ("water_bounds_open", "single_source")
    half = cwqi_cn(values, on=ON, allow=HALF)
    assert (half.value, half.status) == (Fraction(96, 5), "unconfirmed")


def test_without_oxygen_there_is_no_end_to_the_index() -> None:
    with pytest.raises(InputError, match="do is 0"):
        cwqi_cn(at_class_three(do=0.0), on=ON)


def test_before_the_rule_there_is_no_index() -> None:
    with pytest.raises(NotCovered, match="2017"):
        cwqi_cn(at_class_three(), on=date(2016, 12, 31))


def test_a_city_weighs_rivers_and_lakes_by_their_sections_once_it_is_switched_on() -> None:
    rows = [at_class_three(nh3n=0.5), at_class_three(nh3n=1.5), at_class_three("lake", nh3n=4.0)]
    sections = pl.DataFrame(
        [row | {"water_body": body} for row, body in zip(rows, ("river", "river", "lake"), strict=True)]
    )
    held = city_index(sections, on=ON)
    assert (held["cwqi"], held["rivers"], held["lakes"], held["reason"]) == (None, 20, 23, "water_held_back")
    found = city_index(sections, on=ON, allow=CITY)
    assert (found["cwqi"], found["status"]) == (Fraction(20 * 2 + 23, 3), "unconfirmed")
    assert (found["river_sections"], found["lake_sections"]) == (2, 1)
    rivers = city_index(sections.filter(pl.col("water_body") == "river"), on=ON, allow=CITY)
    assert (rivers["cwqi"], rivers["lakes"]) == (20, None)
    assert city_index(sections.clear(), on=ON, allow=CITY)["reason"] == "items_missing"


def test_the_smallest_index_is_the_first_and_equal_ones_share_their_rank() -> None:
    table = pl.DataFrame({"site": list("ABCD"), "month": ["2024-06"] * 4, "cwqi": [5.0, 3.0, 5.0, 9.0]})
    assert rank(table, "cwqi", within=["month"])["rank"].to_list() == [2, 1, 2, 4]


def test_a_negative_change_is_an_improvement_and_waits_for_the_city() -> None:
    with pytest.raises(NotCovered, match="cwqi_2017#change"):
        cwqi_change(Fraction(8), Fraction(10), on=ON)
    allow = frozenset({"cwqi_2017#change"})
    assert cwqi_change(Fraction(8), Fraction(10), on=ON, allow=allow) == -20
    with pytest.raises(InputError, match="above 0"):
        cwqi_change(Fraction(8), Fraction(0), on=ON, allow=allow)


def test_what_already_meets_class_two_is_left_out_of_the_ranking_by_improvement() -> None:
    table = pl.DataFrame({"change": [-20.0, -30.0, -20.0, 5.0, None], "class_number": [3, 2, None, 6, 4]})
    assert rank_improvement(table, on=ON)["rank"].to_list() == [1, None, 1, 3, None]
    with pytest.raises(InputError, match="class_number"):
        rank_improvement(table.select("change"), on=ON)


def test_phosphorus_is_in_milligrams() -> None:
    """A public code feeds ug/L and gets 157.9: 10 (9.436 + 1.624 ln 0.05) is 45.7."""
    assert tli({"tp": 0.05}, on=ON).items["tp"] == pytest.approx(45.71, abs=0.01)
    assert tli({"tp": 50.0}, on=ON).items["tp"] == pytest.approx(157.9, abs=0.01)


@pytest.mark.parametrize(
    ("item", "one"), [("chla", 25.0), ("tp", 94.36), ("tn", 54.53), ("transparency", 51.18), ("codmn", 1.09)]
)
def test_at_one_the_logarithm_is_gone_and_the_constant_stays(item: str, one: float) -> None:
    value = 100.0 if item == "transparency" else 1.0  # cm: one metre
    assert tli({item: value}, on=ON).items[item] == pytest.approx(one)


def test_the_weights_are_the_published_ones() -> None:
    found = tli({}, on=ON)
    published = {"chla": 0.2663, "tp": 0.1879, "tn": 0.1790, "transparency": 0.1834, "codmn": 0.1834}
    assert {item: float(weight) for item, weight in found.weights.items()} == pytest.approx(published, abs=1e-4)
    assert sum(found.weights.values()) == 1
    assert (found.value, found.reason) == (None, "items_missing")


LAKE = {"chla": 10.0, "tp": 0.05, "tn": 1.0, "transparency": 80.0, "codmn": 4.0}


def test_the_whole_index_is_the_weighed_sum_and_its_grade_waits_for_the_city() -> None:
    found = tli(LAKE, on=ON)
    assert found.value == pytest.approx(sum(float(found.weights[item]) * index for item, index in found.items.items()))
    assert found.value == pytest.approx(48.9, abs=0.1)
    assert (found.grade, found.status) == ("", "single_source")
    allowed = tli(LAKE, on=ON, allow=GRADES)
    assert (allowed.grade, allowed.status) == ("mesotrophic", "unconfirmed")


def test_more_of_anything_and_less_light_make_a_lake_more_eutrophic() -> None:
    base = tli(LAKE, on=ON).value
    assert base is not None
    for item, value in LAKE.items():
        more = tli(LAKE | {item: value * 2}, on=ON).value
        assert more is not None
        assert (more > base) == (item != "transparency")


def test_the_grades_of_lakes_meet_without_gap_or_overlap() -> None:
    from bihuan.assessment.water_index import _in_grade
    from bihuan.standards import lookup

    rows = lookup("surface water evaluation", on=ON, allow=GRADES).table("tli_grades")
    for value, name in [
        (29.99, "oligotrophic"), (30, "mesotrophic"), (50, "mesotrophic"), (50.01, "lightly_eutrophic"),
        (60, "lightly_eutrophic"), (60.01, "moderately_eutrophic"), (70, "moderately_eutrophic"),
        (70.01, "highly_eutrophic"),
    ]:  # fmt: skip
        assert [row.item for row in rows if _in_grade(row, value)] == [name]
    assert all(low.item != high.item for low, high in pairwise(rows))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_what_has_no_logarithm_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="above 0"):
        tli({"tp": value}, on=ON)
