"""Means over days, months and years, and rolling means, with the share of hours they need.

Hours to days by the counts of the standard are `observations.days_from_hours`. What stands here is for pictures and
trends: any calendar period, the wind's direction weighted by its speed, and a share of data in place of a count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bihuan.tracing.sectors.hours import Float, Instants, Whole, WindHours

Every = Literal["day", "month", "year"]

_UNITS = {"day": "D", "month": "M", "year": "Y"}
HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True, slots=True)
class Means:
    """Means over calendar periods.

    Attributes
    ----------
    start : array of datetime64[D], (n,)
        First day of each period, without a hole.
    value, wind_speed, wind_from : array, (n,)
        NaN where less than the share was measured. The direction is that of the mean wind vector. [deg]
    count : array of int, (n,)
        Hours with a value.
    """

    start: Instants
    value: Float
    wind_speed: Float
    wind_from: Float
    count: Whole


def means(hours: WindHours, every: Every, need: float = 0.75) -> Means:
    """Average hours over calendar periods.

    Parameters
    ----------
    hours : WindHours
        In the calendar's own time: shift UTC to local time first.
    every : str
    need : float
        Share of the hours of a period that must be there; the first and the last period are whole ones only from
        their first to their last hour handed in. [1]

    Returns
    -------
    Means
    """
    if not len(hours):
        none = np.array([])
        return Means(np.array([], "datetime64[D]"), none, none, none, np.array([], np.int64))
    unit = f"datetime64[{_UNITS[every]}]"
    period = hours.start.astype(unit)
    place = (period - period[0]).astype(np.int64)
    n = int(place[-1]) + 1
    starts = period[0] + np.arange(n)
    whole = _lengths(hours.start, starts)
    angle, speed = np.radians(hours.wind_from), hours.wind_speed
    east, _ = _mean(place, n, speed * np.sin(angle), whole, need)
    north, _ = _mean(place, n, speed * np.cos(angle), whole, need)
    value, count = _mean(place, n, hours.value, whole, need)
    return Means(
        start=starts.astype("datetime64[D]"),
        value=value,
        wind_speed=_mean(place, n, speed, whole, need)[0],
        wind_from=np.degrees(np.arctan2(east, north)) % 360,
        count=count,
    )


def rolling_means(value: Float, width: int, need: float = 0.75) -> Float:
    """Return centred rolling means of evenly spaced values.

    Parameters
    ----------
    value : array, (n,)
        NaN is missing.
    width : int
        Values of a window; of an even one half lies before, the value itself included.
    need : float
        Share of a window that must be there. [1]

    Returns
    -------
    array, (n,)
        NaN where less is there, or the window reaches over an end.
    """
    n = len(value)
    known = np.isfinite(value)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, value, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    before = (width - 1) // 2
    at = np.arange(n)
    low, high = at - before, at - before + width
    inside = (low >= 0) & (high <= n)
    low, high = np.clip(low, 0, n), np.clip(high, 0, n)
    many = count[high] - count[low]
    enough = inside & (many >= need * width - 1e-9) & (many > 0)
    return np.where(enough, (total[high] - total[low]) / np.maximum(many, 1), np.nan)


def _lengths(start: Instants, starts: Instants) -> Float:
    """Hours of each period, of the first and the last only from the first to the last hour there is."""
    ends = np.append(starts[1:], starts[-1] + 1).astype("datetime64[us]")
    begins = starts.astype("datetime64[us]")
    begins[0], ends[-1] = start[0], min(start[-1] + HOUR, ends[-1])
    made: Float = (ends - begins) / HOUR
    return made


def _mean(place: Whole, n: int, value: Float, whole: Float, need: float) -> tuple[Float, Whole]:
    known = np.isfinite(value)
    count = np.bincount(place[known], minlength=n)
    total = np.bincount(place[known], value[known], n)
    enough = (count > 0) & (count >= need * whole - 1e-9)
    return np.where(enough, total / np.maximum(count, 1), np.nan), count
