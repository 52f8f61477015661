"""Observations of one series, found in windows from one end, so that the last value costs the same after ten years."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from bihuan.app.sta.catalog import Catalog, Stream
from bihuan.app.sta.query import Instants, Name, Test
from bihuan.core import DAY, Period
from bihuan.store import SeriesStore

WINDOWS: dict[str, timedelta] = {"rt": DAY / 4, "minute": DAY, "hour": 30 * DAY, "day": 400 * DAY}
"""First window of a search; each further one is twice as long."""

TABLES = {"hour": "hours", "day": "days"}
_TIMES = ("phenomenonTime", "resultTime")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Starts of periods between which a filter can hold: at or after `low`, before `high`."""

    low: datetime | None = None
    high: datetime | None = None


def bounds_of(test: Any) -> Bounds:
    """Return what the times of a filter allow; other parts of it are looked at row by row."""
    parts = test.parts if isinstance(test, Test) and test.operator == "and" else (test,)
    low, high = None, None
    for part in parts:
        found = _bound(part)
        if found.low is not None:
            low = found.low if low is None else max(low, found.low)
        if found.high is not None:
            high = found.high if high is None else min(high, found.high)
    return Bounds(low, high)


def _bound(part: Any) -> Bounds:
    if not (isinstance(part, Test) and len(part.parts) == 2):
        return Bounds()
    name, value = part.parts
    if not (isinstance(name, Name) and name.steps[0] in _TIMES and isinstance(value, Instants)):
        return Bounds()
    if part.operator in ("ge", "gt"):  # a period that ends later than this may begin a day before it
        return Bounds(low=value.start - (DAY * 2 if name.steps[0] == "resultTime" else timedelta(0)))
    if part.operator in ("le", "lt"):
        return Bounds(high=value.end + timedelta(microseconds=1))
    if part.operator == "eq":
        return Bounds(value.start - DAY * 2, value.end + timedelta(microseconds=1))
    return Bounds()


def rows_of(catalog: Catalog, stream: Stream, bounds: Bounds, descending: bool) -> Iterator[dict[str, Any]]:
    """Yield the values of a series by the start of their period, read window by window."""
    series = catalog.series
    devices = [one.id for one in catalog.devices(stream.site)]
    first, last = _extent(series, stream, devices)
    if first is None or last is None:
        return
    low = first if bounds.low is None else max(first, bounds.low)
    high = last + timedelta(microseconds=1)
    high = high if bounds.high is None else min(high, bounds.high)
    span = WINDOWS[stream.interval]
    while low < high:
        begin, end = (max(low, high - span), high) if descending else (low, min(high, low + span))
        found = _window(series, stream, devices, Period(begin, end)).sort("start", descending=descending)
        yield from found.iter_rows(named=True)
        low, high = (low, begin) if descending else (end, high)
        span *= 2


def count_of(catalog: Catalog, stream: Stream, bounds: Bounds) -> int:
    """Count the values of a series between bounds."""
    where, values = _where(stream, [one.id for one in catalog.devices(stream.site)])
    for sign, value in ((">=", bounds.low), ("<", bounds.high)):
        if value is not None:
            where += f" AND start {sign} ?"
            values.append(value)
    table = TABLES.get(stream.interval, "readings")
    found = catalog.series.query(f"SELECT count(DISTINCT start) AS number FROM {table} WHERE {where}", values)
    return int(found["number"][0])


def _where(stream: Stream, devices: list[str]) -> tuple[str, list[Any]]:
    if stream.interval in TABLES:
        return "site = ? AND pollutant = ? AND stat = 'avg'", [stream.site, stream.pollutant]
    marks = ", ".join("?" for _ in devices) or "NULL"
    stat = "rtd" if stream.interval == "rt" else "avg"
    values = [*devices, stream.pollutant, stream.interval, stat]
    return f'device IN ({marks}) AND pollutant = ? AND "interval" = ? AND stat = ?', values


def _extent(series: SeriesStore, stream: Stream, devices: list[str]) -> tuple[datetime | None, datetime | None]:
    where, values = _where(stream, devices)
    table = TABLES.get(stream.interval, "readings")
    found = series.query(f"SELECT min(start) AS first, max(start) AS last FROM {table} WHERE {where}", values)
    first, last = found.row(0)
    return first, last


def _window(series: SeriesStore, stream: Stream, devices: list[str], period: Period) -> pl.DataFrame:
    if stream.interval == "hour":
        return series.hours([stream.site], [stream.pollutant], period, stat="avg", of_record=True)
    if stream.interval == "day":
        return series.days([stream.site], [stream.pollutant], period, stat="avg", of_record=True)
    rows = series.readings(devices, [stream.pollutant], stream.interval, period)
    rows = rows.filter(pl.col("stat") == ("rtd" if stream.interval == "rt" else "avg"))
    return rows.unique(subset="start", keep="first", maintain_order=True)
