"""Hours follow minutes: only what was touched is averaged anew, so any order of arrival ends in the same table.

The store names the hours of loggers that changed since their means were made (`SeriesStore.touched`), whoever changed
them: late frames, an import, a check that set flags over history. A site may have several loggers of which the best
counts, so an hour of one is averaged together with the same hour of those beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from bihuan.app.recent import Recent
from bihuan.core import HOUR, KEY_COLUMNS, ROLLUP_KEY, Interval, Period, readings_table
from bihuan.observations import hours_from_minutes
from bihuan.store import SeriesStore

SHORT: tuple[Interval, ...] = ("rt", "minute")
"""Intervals that hours are made of."""

PIECE = 20_000
"""Hours of loggers averaged at once: some 15 million minutes of ten pollutants would not fit beside the rest."""

COLUMNS = readings_table([]).schema.names


def hours_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the hours of loggers that some readings lie in: device, start; unique, in the order of the readings."""
    short = rows.filter(pl.col("interval").is_in(list(SHORT)))
    return short.select("device", start=pl.col("start").dt.truncate("1h")).unique(maintain_order=True)


def with_beside(hours: pl.DataFrame, site_of: Mapping[str, str]) -> pl.DataFrame:
    """Return hours of loggers with the same hours of the other loggers of their sites."""
    names = {"device": list(site_of), "site": list(site_of.values())}
    loggers = pl.DataFrame(names, schema={"device": pl.String, "site": pl.String})
    shared = loggers.filter(pl.col("site").is_duplicated())
    if shared.is_empty() or hours.is_empty():
        return hours
    beside = hours.join(shared, on="device").join(shared, on="site", suffix="_beside")
    beside = beside.select(device="device_beside", start="start")
    return pl.concat([hours, beside]).unique(maintain_order=True)


def stored_minutes(series: SeriesStore, hours: pl.DataFrame) -> pl.DataFrame:
    """Return what the store holds of some hours of loggers: minutes and instants."""
    first: datetime = hours["start"].min()  # type: ignore[assignment]  # never empty here
    last: datetime = hours["start"].max()  # type: ignore[assignment]
    span = Period(first, last + HOUR)
    devices = hours["device"].unique()
    found = [series.readings(devices, None, interval, span).select(COLUMNS) for interval in SHORT]
    return within(pl.concat(found), hours)


def averaged(
    series: SeriesStore,
    recent: Recent,
    own: pl.DataFrame,
    left: pl.DataFrame,
    site_of: Mapping[str, str],
    need: float,
    piece: int = PIECE,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Average hours that are over, of readings in memory where these are newer than the store.

    Parameters
    ----------
    series : SeriesStore
    recent : Recent
        Readings of the last hours, those included that are not stored yet.
    own : DataFrame with device, start
        Hours that readings of `recent` touched; what the store holds counts only where memory has nothing.
    left : DataFrame with device, start
        Hours that somebody else touched (an import, a check of history, another host): what is stored counts.
    site_of : mapping of str to str
        Device -> site.
    need : float
        Minutes that make an hour valid.
    piece : int
        Hours of loggers averaged at once.

    Returns
    -------
    DataFrame of `core.ROLLUP_SCHEMA`, DataFrame with device, start
        The hours, and of which hours of loggers they hold all that is known.
    """
    over = with_beside(pl.concat([own, left]).unique(maintain_order=True), site_of)
    remembered, elsewhere = with_beside(own, site_of), with_beside(left, site_of)
    forgotten = pl.lit(True) if recent.whole_from is None else pl.col("start") < recent.whole_from
    key = ["device", "start"]
    hours = []
    for at in range(0, max(over.height, 1), piece):
        some = with_beside(over.slice(at, piece), site_of)
        stored = pl.concat([some.join(elsewhere, on=key, how="semi"), some.filter(forgotten)])
        rows = within(recent.rows, some.join(remembered, on=key, how="semi"))
        if stored.height:
            rows = pl.concat([stored_minutes(series, stored.unique(maintain_order=True)), rows])
            rows = rows.unique(list(KEY_COLUMNS), keep="last", maintain_order=True)
        hours.append(hours_from_minutes(rows, site_of, need))
    if len(hours) == 1:
        return hours[0], over
    return pl.concat(hours).unique(list(ROLLUP_KEY), keep="first", maintain_order=True), over


def within(rows: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """Return the readings of some hours of loggers."""
    key = hours.select("device", hour="start")
    hour = pl.col("start").dt.truncate("1h")
    return rows.with_columns(hour=hour).join(key, on=["device", "hour"], how="semi").drop("hour")


def roll_touched(
    series: SeriesStore, site_of: Mapping[str, str], need_minutes: float, now: datetime, piece: int = PIECE
) -> int:
    """Average every touched hour that is over anew, and return how many hours of loggers that were.

    Parameters
    ----------
    series : SeriesStore
    site_of : mapping of str to str
        Device -> site.
    need_minutes : float
        Minutes that make an hour valid (`bihuan.observations.needed`).
    now : datetime
    piece : int
        Hours of loggers in one transaction.
    """
    touched = with_beside(series.touched(now - HOUR).sort("start", "device"), site_of)
    for at in range(0, touched.height, piece):
        some = with_beside(touched.slice(at, piece), site_of)
        hours = hours_from_minutes(stored_minutes(series, some), site_of, need_minutes)
        series.append(hours=hours, rolled=some)
    return touched.height
