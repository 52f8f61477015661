"""When it is high: the mean by hour of day, day of week and month, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from bihuan.tracing.sectors.hours import Float, Instants, Whole, WindHours

DRAWS = 400
WEEK = np.timedelta64(7, "D")
MONDAY = np.datetime64("1970-01-05")
"""Weeks are counted from a Monday."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Means over classes of time.

    Attributes
    ----------
    at : tuple of int
        Hour 0-23, day of week 1-7 (Monday is 1) or month 1-12.
    mean, lower, upper : array, (k,)
        NaN where nothing was measured; the interval holds the mean in 95 of 100 cases and is NaN where all hours of a
        class lie in one week.
    count : array of int, (k,)
        Hours with a value.
    """

    at: tuple[int, ...]
    mean: Float
    lower: Float
    upper: Float
    count: Whole


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """By hour, by day of the week, by month, and by hour within each day of the week."""

    hour: Fingerprint
    weekday: Fingerprint
    month: Fingerprint
    hour_of_week: Fingerprint
    weeks: int


def fingerprints(hours: WindHours, zone: ZoneInfo, seed: int = 1, draws: int = DRAWS) -> Fingerprints:
    """Average by classes of local time.

    Parameters
    ----------
    hours : WindHours
        UTC; wind is not needed.
    zone : ZoneInfo
        Calendar and clock of the city.
    seed, draws : int
        Of the bootstrap, which draws whole weeks: hours that follow each other are no independent measurements.

    Returns
    -------
    Fingerprints
    """
    use = hours.only(np.isfinite(hours.value))
    local = local_times(use.start, zone)
    hour = (local - local.astype("datetime64[D]")) // np.timedelta64(1, "h")
    days = (local.astype("datetime64[D]") - MONDAY).astype(np.int64)
    month = local.astype("datetime64[M]").astype(np.int64) % 12
    week, names = days // 7, days % 7
    first = int(week.min()) if len(week) else 0
    number = week - first
    weeks = len(np.unique(number))
    random = np.random.default_rng(seed)
    size = int(number.max()) + 1 if len(number) else 1
    drawn = random.multinomial(weeks, _even(number, size), draws).astype(np.float64) if weeks else np.zeros((1, 1))

    def by(cell: Whole, classes: int, offset: int) -> Fingerprint:
        return _classes(cell.astype(np.int64), classes, offset, use.value, number, drawn)

    return Fingerprints(
        hour=by(hour, 24, 0),
        weekday=by(names, 7, 1),
        month=by(month, 12, 1),
        hour_of_week=by(names * 24 + hour.astype(np.int64), 168, 0),
        weeks=weeks,
    )


def local_times(start: Instants, zone: ZoneInfo) -> Instants:
    """Return UTC instants as the clock of a zone shows them."""
    series = pl.Series(start.astype("datetime64[us]")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key)
    made: Instants = series.dt.replace_time_zone(None).to_numpy()
    return made


def _even(number: Whole, size: int) -> Float:
    there = np.bincount(number, minlength=size) > 0
    made: Float = there / there.sum()
    return made


def _classes(cell: Whole, classes: int, offset: int, value: Float, number: Whole, drawn: Float) -> Fingerprint:
    weeks = drawn.shape[1]
    flat = number * classes + cell
    total = np.bincount(flat, value, weeks * classes).reshape(weeks, classes)
    count = np.bincount(flat, minlength=weeks * classes).reshape(weeks, classes)
    many = count.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(many > 0, total.sum(axis=0) / many, np.nan)
        samples = (drawn @ total) / (drawn @ count.astype(np.float64))
    low, high = np.full(classes, np.nan), np.full(classes, np.nan)
    several = (count > 0).sum(axis=0) > 1
    for one in np.flatnonzero(several):
        known = samples[np.isfinite(samples[:, one]), one]
        low[one], high[one] = np.quantile(known, (0.025, 0.975))
    return Fingerprint(tuple(range(offset, classes + offset)), mean, low, high, many)
