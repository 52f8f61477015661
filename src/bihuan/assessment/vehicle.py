"""Tests of vehicles and machines from a file: each item against its limit, then the whole test, then remote sensing."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.filed_rows import CellRefused, FiledRow, FiledRows
from bihuan.assessment.judged import LAW_COLUMNS, Judged
from bihuan.assessment.outlet_limits import decides, whole_edition
from bihuan.assessment.vehicle_rules import (
    FUEL_OF,
    STANDARD_OF,
    ItemLimit,
    Passage,
    failed_by_passages,
    limit_of_test,
    table_of,
)
from bihuan.core import CHINA, NotCovered, local_date

METHOD = "vehicle_test/1"
NEEDED = ("vehicle", "test", "item", "value")
LARGEST = {"opacity": Decimal(100), "ringelmann": Decimal(5), "co_%": Decimal(100), "lambda": Decimal(10)}
"""What no instrument can show more of."""

SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),
        "vehicle": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "test": pl.String(),
        "fuel": pl.String(),
        "item": pl.String(),
        "value": pl.Float64(),
        "least": pl.Float64(),
        "limit": pl.Float64(),
        "unit": pl.String(),
        "label": pl.String(),
        "result": pl.String(),
    }
    | LAW_COLUMNS
)
"""Columns of the verdicts, in this order."""


def judge_vehicle(
    table: pl.DataFrame,
    *,
    on: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
    zone: ZoneInfo = CHINA,
) -> Judged:
    """Judge a table of in-use tests and remote sensing.

    Parameters
    ----------
    table : DataFrame
        One row an item of a test: ``vehicle time test [fuel] item value [unit] [limit_set] [class power]``;
        `vehicle_columns.toml` lists every name. [unit of the limit; power kW]
    on : date or None
        Judge every row by the law of this day; left out, by that of its own.
    place : str
        Administrative code.
    allow : frozenset of str
        Editions, tables or rows that a city has switched on; the limits are unconfirmed and decide nothing without.
    zone : ZoneInfo

    Returns
    -------
    Judged
        ``verdicts``: columns of `SCHEMA`. ``label`` of an item: ``within over below undecided no_value``. ``result`` of
        the whole test of that vehicle at that time: ``passed failed undecided incomplete``; by remote sensing
        ``failed`` at the passage that completes the rule (the same pollutant twice running within six natural months),
        ``suspected`` at an earlier one over the limit, ``screened`` where the limit only finds high emitters.

    Raises
    ------
    InputError
        If whole columns are absent; the message lists the accepted names.
    """
    rows = FiledRows(table, "vehicle", NEEDED, zone)
    verdicts: list[dict[str, Any]] = []
    wanted: list[tuple[str, ...]] = []
    for row in rows:
        try:
            verdict, limit = _item(row, on, place, allow)
        except CellRefused as why:
            rows.refuse(row.number, why)
            continue
        verdicts.append(verdict)
        wanted.append(limit.items)
    _whole_tests(verdicts, wanted)
    _passages(verdicts, on, place, allow, zone)
    return Judged(pl.DataFrame(verdicts, schema=SCHEMA), rows.refused)


def _item(row: FiledRow, on: date | None, place: str, allow: frozenset[str]) -> tuple[dict[str, Any], ItemLimit]:
    vehicle = row.required("vehicle", "vehicle_no_vehicle")
    test = row.word("test", "vehicle_unknown_test")
    if not test:
        raise CellRefused("test", "", "vehicle_unknown_test")
    fuel = _fuel(row, test)
    time = row.instant("time", "vehicle_time")
    day = on or (None if time is None else local_date(time, row.rows.zone))
    if day is None:
        raise CellRefused("time", "", "vehicle_no_date")
    limit = _limit_of(row, test, day, place, allow)
    value = _value(row, limit)
    label = _label(value, limit)
    verdict = {
        "row": row.number,
        "vehicle": vehicle,
        "time": time,
        "test": test,
        "fuel": fuel,
        "item": row.word("item", "vehicle_unknown_item"),
        "value": None if value is None else float(value),
        "least": None if limit.least is None else float(limit.least),
        "limit": float(limit.limit),
        "unit": limit.unit,
        "label": label,
        "result": "screened" if limit.screening and label == "over" else "",
        "edition": limit.edition,
        "clause": limit.clause,
        "status": limit.status,
        "method": METHOD,
        "reason": {"undecided": "limit_to_check", "no_value": "no_value"}.get(label, ""),
        "law_row": limit.row,
    }
    return verdict, limit


def _fuel(row: FiledRow, test: str) -> str:
    fuel = row.word("fuel", "vehicle_unknown_fuel")
    wanted = FUEL_OF[STANDARD_OF[test]]
    if fuel and fuel != wanted:
        raise CellRefused("fuel", row.text("fuel"), "vehicle_test_not_for_fuel")
    return wanted


def _limit_of(row: FiledRow, test: str, day: date, place: str, allow: frozenset[str]) -> ItemLimit:
    item = row.word("item", "vehicle_unknown_item")
    if not item:
        raise CellRefused("item", "", "vehicle_unknown_item")
    machine = row.word("class", "vehicle_unknown_class")
    power = row.number_of("power", "vehicle_no_number")
    if test == "nonroad" and not machine:
        raise CellRefused("class", row.text("class"), "vehicle_no_class")
    if test == "nonroad" and item == "k" and power is None:
        raise CellRefused("power", row.text("power"), "vehicle_no_power")
    try:
        whole_edition(STANDARD_OF[test], day, place)
    except NotCovered:
        raise CellRefused("time", str(day), "vehicle_outside_editions") from None
    table = table_of(test, row.word("limitset", "vehicle_unknown_set") or "a", machine)
    try:
        return limit_of_test(test, item, day, place, allow, table=table, power=power)
    except NotCovered:
        raise CellRefused("item", row.text("item"), "vehicle_item_not_limited") from None


def _value(row: FiledRow, limit: ItemLimit) -> Decimal | None:
    unit = row.unit("unit", "value")
    if unit and unit != limit.unit:
        raise CellRefused("unit", unit, "vehicle_wrong_unit")
    value = row.number_of("value", "vehicle_no_number")
    if value is None:
        return None
    if value < 0:
        raise CellRefused("value", row.text("value"), "vehicle_negative")
    item = row.word("item", "vehicle_unknown_item")
    largest = LARGEST.get(item) or LARGEST.get(f"{item}_{limit.unit}")
    if largest is not None and value > largest:
        raise CellRefused("value", row.text("value"), "vehicle_impossible")
    return value


def _label(value: Decimal | None, limit: ItemLimit) -> str:
    if value is None:
        return "no_value"
    if not limit.decides:
        return "undecided"
    if limit.least is not None and value < limit.least:
        return "below"
    return "over" if value > limit.limit else "within"


def _whole_tests(verdicts: list[dict[str, Any]], wanted: list[tuple[str, ...]]) -> None:
    """A test fails by any of its items and passes only when every one of them was measured and is within."""
    tests: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, one in enumerate(verdicts):
        if one["test"] != "remote_sensing":
            tests[one["vehicle"], one["time"], one["test"], one["law_row"].partition("#")[2].partition(".")[0]].append(
                number
            )
    for numbers in tests.values():
        labels = {verdicts[number]["label"] for number in numbers}
        found = {verdicts[number]["item"] for number in numbers if verdicts[number]["label"] != "no_value"}
        if labels & {"over", "below"}:
            result = "failed"
        elif set(wanted[numbers[0]]) - found and verdicts[numbers[0]]["test"] != "nonroad":
            result = "incomplete"
        else:
            result = "undecided" if "undecided" in labels else "passed"
        for number in numbers:
            verdicts[number]["result"] = result


def _passages(
    verdicts: list[dict[str, Any]], on: date | None, place: str, allow: frozenset[str], zone: ZoneInfo
) -> None:
    by_item: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for one in verdicts:
        if one["test"] == "remote_sensing" and one["result"] != "screened":
            by_item[one["vehicle"], one["item"]].append(one)
    for rows in by_item.values():
        rows.sort(key=lambda one: (one["time"] or datetime.min.replace(tzinfo=zone), one["row"]))
        days = [on if one["time"] is None else local_date(one["time"], zone) for one in rows]
        edition = whole_edition(STANDARD_OF["remote_sensing"], on or days[-1] or date.max, place)
        rule = edition.row("repeat", "same_pollutant")
        if not decides(rule, edition, allow):
            continue
        over = {"over": True, "within": False}
        passages = [
            Passage(one["row"], day, over.get(one["label"])) for one, day in zip(rows, days, strict=True) if day
        ]
        failed = failed_by_passages(passages, rule)
        for one in rows:
            one["result"] = _by_passages(one, failed)
            if one["label"] in over:
                one["clause"] = f"{one['clause']}; {edition.number} {rule.clause}"


def _by_passages(one: dict[str, Any], failed: frozenset[int]) -> str:
    if one["label"] == "over":
        return "failed" if one["row"] in failed else "suspected"
    return {"within": "passed", "undecided": "undecided"}.get(one["label"], "incomplete")
