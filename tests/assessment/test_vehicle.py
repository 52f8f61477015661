"""Tests of vehicles: every limit at its edge, whole tests, remote sensing, and nothing decided by a recalled limit."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import Judged, explain_vehicle, judge_vehicle
from bihuan.assessment.vehicle_rules import STANDARD_OF, Passage, failed_by_passages, months_after
from bihuan.core import InputError, text
from bihuan.standards import Row, Standard, lookup, standards

ON = date(2026, 6, 1)
EVERY = frozenset({"gb_18285_2018", "gb_3847_2018", "gb_36886_2018", "hj_845_2017"})
LIMITS = [
    (edition, row) for edition in standards() if edition.id in EVERY for row in edition.rows if "limit" in row.fields
]
NORMAL = {"vehicle": "A1", "time": "2026-06-01 09:00", "test": "asm5025", "item": "co", "value": "0.4"}


def one(**cells: Any) -> dict[str, Any]:
    return NORMAL | {name: None if value is None else str(value) for name, value in cells.items()}


def judged(*rows: dict[str, Any], allow: frozenset[str] = EVERY, **more: Any) -> Judged:
    return judge_vehicle(pl.DataFrame(list(rows), infer_schema_length=None), allow=allow, **more)


def cells_of(edition: Standard, row: Row) -> dict[str, Any]:
    table, _, last = row.table.rpartition("_")
    item = str(row.fields.get("quantity", row.item))
    if edition.code == "GB 36886":
        return {"test": "nonroad", "class": last, "item": item, "power": row.fields.get("power_from", 20)}
    test, limit_set = (table, last) if last in ("a", "b") else (row.table, "a")
    return {"test": test, "item": item, "limit_set": limit_set, "unit": row["in"]}


@pytest.mark.parametrize(("edition", "row"), LIMITS, ids=[row.id for _, row in LIMITS])
def test_every_limit_holds_at_its_edge_and_one_unit_of_its_last_digit_beside(edition: Standard, row: Row) -> None:
    limit = Decimal(row["limit"])
    step = Decimal(1).scaleb(min(0, int(limit.as_tuple().exponent)))
    rows = [
        one(**cells_of(edition, row), vehicle=n, value=value)
        for n, value in enumerate((limit - step, limit, limit + step))
    ]
    found = judged(*rows).verdicts
    assert found["label"].to_list() == ["within", "within", "over"]
    assert set(found["law_row"]) == {row.id}


@pytest.mark.parametrize(("edition", "row"), LIMITS, ids=[row.id for _, row in LIMITS])
def test_a_recalled_limit_decides_nothing_unless_switched_on(edition: Standard, row: Row) -> None:
    cells = cells_of(edition, row) | {"value": Decimal(row["limit"]) + Decimal("0.01")}
    label = judged(one(**cells), allow=frozenset()).verdicts["label"].to_list()
    assert label == (["over"] if row.status == "single_source" else ["undecided"])
    assert judged(one(**cells), allow=frozenset({row.id})).verdicts["label"].to_list() == ["over"]


def test_lambda_alone_decides_by_one_source_and_both_its_ends_are_allowed() -> None:
    sure = {row.item for _, row in LIMITS if row.status != "unconfirmed"}
    assert sure == {"lambda"}
    rows = [one(vehicle=n, test="高怠速", item="λ", value=v) for n, v in enumerate((0.949, 0.95, 1.05, 1.051))]
    found = judged(*rows, allow=frozenset()).verdicts
    assert found["label"].to_list() == ["below", "within", "within", "over"]
    assert set(found["status"]) == {"single_source"}


@pytest.mark.parametrize(
    ("machine", "power", "limit"),
    [("I", 18.9, 3.0), ("I", 19, 2.0), ("I", 36.9, 2.0), ("I", 37, 1.61), ("I", 560, 1.61), ("II", 37, 0.8),
     ("II", 600, 0.8), ("III", 36.9, 0.8), ("III", 37, 0.5)],
)  # fmt: skip
def test_machines_are_held_by_class_and_power(machine: str, power: float, limit: float) -> None:
    row = one(test="非道路", item="k", value=0.1, power=power) | {"class": machine}
    assert judged(row).verdicts["limit"].to_list() == [limit]


def test_a_power_in_no_band_is_refused() -> None:
    row = one(test="nonroad", item="k", value=0.1, power=561) | {"class": "I"}
    assert judged(row).refused["reason"].to_list() == ["vehicle_item_not_limited"]


def test_a_test_fails_by_one_item_and_passes_only_with_all_of_them() -> None:
    full = [one(item="co", value="0.4"), one(item="hc", value="80"), one(item="no", value="700")]
    assert set(judged(*full).verdicts["result"]) == {"passed"}
    assert set(judged(*full[:2]).verdicts["result"]) == {"incomplete"}
    assert set(judged(*full[:2], one(item="no", value="701")).verdicts["result"]) == {"failed"}
    assert set(judged(*full, allow=frozenset()).verdicts["result"]) == {"undecided"}
    assert set(judged(*full[:2], one(item="no", value=None)).verdicts["result"]) == {"incomplete"}


def test_limit_b_holds_only_where_it_is_named() -> None:
    value = one(item="co", value="0.4")
    assert judged(value).verdicts["label"].to_list() == ["within"]
    assert judged(value | {"limit_set": "b"}).verdicts["label"].to_list() == ["over"]


def passages(*days: str, item: str = "opacity", **values: str) -> list[str]:
    rows = [one(test="遥感", item=item, time=day, value=values.get(f"v{n}", "31")) for n, day in enumerate(days)]
    return [str(found) for found in judged(*rows).verdicts.sort("row")["result"].to_list()]


def test_remote_sensing_fails_at_the_second_passage_running_within_six_natural_months() -> None:
    assert passages("2026-01-15", "2026-07-15") == ["suspected", "failed"]
    assert passages("2026-01-15", "2026-07-16") == ["suspected", "suspected"]
    assert passages("2026-01-15") == ["suspected"]
    assert passages("2026-01-15", "2026-02-01", "2026-03-01", v1="30") == ["suspected", "passed", "suspected"]
    assert passages("2026-03-01", "2026-01-15") == ["failed", "suspected"]


def test_another_pollutant_or_another_vehicle_does_not_make_it_twice() -> None:
    rows = [
        one(test="遥感", item="opacity", time="2026-01-15", value=31),
        one(test="遥感", item="ringelmann", time="2026-02-15", value=2),
        one(test="遥感", item="opacity", time="2026-02-16", value=31, vehicle="B2"),
    ]
    assert judged(*rows).verdicts["result"].to_list() == ["suspected"] * 3


def test_nitric_oxide_by_remote_sensing_screens_and_fails_nobody() -> None:
    assert passages("2026-01-15", "2026-02-15", item="no", v0="1501", v1="1501") == ["screened", "screened"]


@pytest.mark.parametrize(
    ("day", "later"),
    [
        (date(2026, 1, 15), date(2026, 7, 15)),
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 30), date(2028, 2, 29)),
    ],
)
def test_natural_months_end_on_the_same_day_or_the_last_of_a_shorter_month(day: date, later: date) -> None:
    assert months_after(day, 6) == later


@given(st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.booleans()), max_size=12))
def test_nobody_fails_without_two_passages_over_running(found: list[tuple[date, bool]]) -> None:
    rule = lookup("HJ 845", on=ON).row("repeat", "same_pollutant")
    ordered = [Passage(n, day, over) for n, (day, over) in enumerate(sorted(found))]
    failed = failed_by_passages(ordered, rule)
    wanted = {
        two.row for one, two in pairwise(ordered) if one.over and two.over and two.day <= months_after(one.day, 6)
    }
    assert failed == wanted


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"vehicle": None}, "vehicle_no_vehicle"),
        ({"test": "sniffing"}, "vehicle_unknown_test"),
        ({"test": None}, "vehicle_unknown_test"),
        ({"fuel": "柴油"}, "vehicle_test_not_for_fuel"),
        ({"fuel": "coal"}, "vehicle_unknown_fuel"),
        ({"item": "soot"}, "vehicle_unknown_item"),
        ({"item": "k"}, "vehicle_item_not_limited"),
        ({"time": None}, "vehicle_no_date"),
        ({"time": "soon"}, "vehicle_time"),
        ({"time": "2019-04-30"}, "vehicle_outside_editions"),
        ({"unit": "ppm"}, "vehicle_wrong_unit"),
        ({"value": "-1"}, "vehicle_negative"),
        ({"value": "101"}, "vehicle_impossible"),
        ({"value": "much"}, "vehicle_no_number"),
        ({"test": "nonroad", "item": "k", "power": "20"}, "vehicle_no_class"),
        ({"test": "nonroad", "item": "k", "class": "II"}, "vehicle_no_power"),
        ({"test": "nonroad", "item": "k", "class": "IV"}, "vehicle_unknown_class"),
        ({"limit_set": "c"}, "vehicle_unknown_set"),
    ],
)
def test_a_row_that_cannot_be_judged_is_refused_with_its_reason(cells: dict[str, Any], why: str) -> None:
    assert judged(one(**cells)).refused["reason"].to_list() == [why]
    assert text(f"refused.{why}", "zh") != text(f"refused.{why}", "en")


def test_a_table_without_its_columns_names_those_that_are_read() -> None:
    with pytest.raises(InputError, match="vehicle_columns"):
        judge_vehicle(pl.DataFrame({"value": ["1"]}))


@pytest.mark.parametrize("test", sorted(STANDARD_OF))
def test_every_verdict_explains_itself_in_both_languages(test: str) -> None:
    edition, row = next((e, r) for e, r in LIMITS if cells_of(e, r)["test"] == test)
    for allow in (frozenset[str](), EVERY):
        found = judged(one(**cells_of(edition, row), value="0.98"), allow=allow).verdicts.row(0, named=True)
        said = explain_vehicle(found)
        for message in (*said.steps, said.sentence):
            assert "{" not in message.say("zh") + message.say("en")
        assert said.clause
        assert "待核" in said.sentence.say("zh") or allow or row.status == "single_source"
    with pytest.raises(InputError, match="judge_vehicle"):
        explain_vehicle({})
