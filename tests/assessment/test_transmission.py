"""What was due, received and valid of outlets in a month, and what can still be repaired until when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from bihuan.assessment import outlet_transmission
from bihuan.core import HOUR, InputError, Period, Place
from bihuan.register import Outlet, PermitLimit

START = datetime(2026, 10, 31, 16, tzinfo=UTC)
"""Midnight of 1 November in China."""
MONTH = Period(START, START + timedelta(days=30))
NOW = START + timedelta(hours=10, minutes=20)


def outlet(ident: str, *items: str, **more: Any) -> Outlet:
    limits = tuple(PermitLimit(item, 50, "hour") for item in items)
    base = {"name": ident, "enterprise": "E1", "district": "east", "medium": "air", "place": Place(113.6, 34.7)}
    return Outlet(id=ident, limits=limits, **base | more)


def hour(number: int, item: str = "nox", site: str = "a", **more: Any) -> dict[str, Any]:
    start = START + number * HOUR
    base = {"site": f"outlet:{site}", "pollutant": item, "stat": "avg", "basis": "device", "start": start}
    return base | {"end": start + HOUR, "value": 30.0, "mark": "N", "quality": "good"} | more


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"), "value": pl.Float64}
    names = ["site", "pollutant", "stat", "basis", "mark", "quality"]
    return pl.DataFrame(list(rows), schema=schema | dict.fromkeys(names, pl.String))


def test_due_is_every_hour_that_is_over_of_every_item_of_the_permit() -> None:
    rows = [hour(n) for n in range(8)] + [hour(n, "so2") for n in range(10)]
    rows[0] |= {"quality": "bad"}
    rows[1] |= {"mark": "D"}
    rows[2] |= {"value": None}
    found = outlet_transmission([outlet("a", "nox", "so2")], table(*rows), MONTH, NOW)
    (row,) = found.by("outlet").rows(named=True)
    assert [row[name] for name in ("due", "received", "valid", "marked")] == [20, 17, 15, 1]
    assert (row["transmission"], row["validity"]) == (17 / 20, 15 / 17)
    assert row["efficiency"] == pytest.approx(15 / 20)


def test_a_city_may_leave_marked_hours_out_of_both_numbers() -> None:
    rows = table(*(hour(n, mark="M" if n < 2 else "N") for n in range(10)))
    wide = outlet_transmission([outlet("a", "nox")], rows, MONTH, NOW).by("outlet").row(0, named=True)
    allow = frozenset({"transmission_efficiency#marked"})
    narrow = outlet_transmission([outlet("a", "nox")], rows, MONTH, NOW, allow=allow).by("outlet").row(0, named=True)
    assert (wide["due"], wide["validity"]) == (10, 0.8)
    assert (narrow["due"], narrow["received"], narrow["validity"], narrow["marked"]) == (8, 8, 1.0, 2)


def test_enterprises_and_districts_sum_their_outlets_and_never_average_shares() -> None:
    outlets = [outlet("a", "nox"), outlet("b", "nox"), outlet("c", "nox", enterprise="E2", district="west")]
    rows = table(*(hour(n) for n in range(10)), hour(0, site="b"))
    found = outlet_transmission(outlets, rows, MONTH, NOW)
    assert found.by("enterprise").select("enterprise", "due", "received").rows() == [("E2", 10, 0), ("E1", 20, 11)]
    assert found.by("district")["transmission"].to_list() == [0.0, 11 / 20]
    assert found.by("district")["validity"].to_list() == [None, 1.0]
    with pytest.raises(InputError, match="known: outlet, enterprise, district"):
        found.by("street")


def test_what_is_missing_can_be_repaired_for_ten_days_and_says_until_when() -> None:
    rows = table(*(hour(n) for n in range(10) if n not in (2, 3, 6)))
    found = outlet_transmission([outlet("a", "nox")], rows, MONTH, NOW).open
    assert found.select("start", "hours", "why", "until").rows() == [
        (START + 2 * HOUR, 2, "missing", START + 3 * HOUR + timedelta(days=10)),
        (START + 6 * HOUR, 1, "missing", START + 7 * HOUR + timedelta(days=10)),
    ]
    later = START + timedelta(days=10, hours=3)
    hours = table(*(hour(n) for n in range(10 * 24 + 3) if n not in (2, 3, 6)))
    left = outlet_transmission([outlet("a", "nox")], hours, MONTH, later).open
    assert left["start"].to_list() == [START + 3 * HOUR, START + 6 * HOUR]
    assert (found.height, left["hours"].to_list()) == (2, [1, 1])


def test_an_outlet_owes_nothing_before_its_permit_and_a_month_to_come_owes_nothing() -> None:
    young = outlet("a", "nox", valid_from=date(2026, 11, 2))
    assert outlet_transmission([young], table(), MONTH, NOW).by("outlet").height == 0
    day = outlet_transmission([young], table(), MONTH, START + timedelta(hours=30)).by("outlet")
    assert day["due"].to_list() == [6]
    assert outlet_transmission([outlet("a", "nox")], table(), MONTH, START - HOUR).rows.height == 0


def test_nothing_is_due_before_a_site_was_connected_and_one_that_never_spoke_owes_all() -> None:
    rows = table(*(hour(n) for n in range(4, 10)))
    outlets = [outlet("a", "nox"), outlet("b", "nox")]
    found = outlet_transmission(outlets, rows, MONTH, NOW, since={"outlet:a": START + 4 * HOUR}).by("outlet")
    assert found.select("site", "due", "received").rows() == [("outlet:b", 10, 0), ("outlet:a", 6, 6)]
