"""What was measured in each cell of wind direction and speed, without any smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bihuan.tracing.sectors.hours import Float, Whole, WindHours, sector_of
from bihuan.tracing.sectors.rose import middles, sectors

Statistic = Literal["count", "mean", "median", "maximum", "deviation", "contribution"]


@dataclass(frozen=True, slots=True)
class PolarFrequency:
    """A statistic by wind direction and speed.

    Attributes
    ----------
    direction : array, (k,)
        Middle of each sector; the last is north, 360. [deg]
    speed : array, (m,)
        Upper edge of each class; an hour belongs to it when it is faster than the class before. [m/s]
    value : array, (k, m)
        NaN where too few hours lie.
    count : array of int, (k, m)
    """

    direction: Float
    speed: Float
    value: Float
    count: Whole


def polar_frequency(
    hours: WindHours, statistic: Statistic = "mean", width: float = 10.0, step: float = 1.0, need: int = 1
) -> PolarFrequency:
    """Return a statistic of hours with wind and value, by cells of direction and speed.

    Parameters
    ----------
    hours : WindHours
    statistic : str
        ``contribution`` is the share of a cell in the sum of all values [%]; ``deviation`` the sample's own.
    width, step : float
        Of a sector [deg] and of a class of speed [m/s]; no wind at all lies in the lowest class.
    need : int
        Hours a cell must have to be told.

    Returns
    -------
    PolarFrequency

    Raises
    ------
    InputError
        If the width does not divide 360.
    """
    k = sectors(width)
    use = hours.complete
    value, speed = hours.value[use], hours.wind_speed[use]
    top = float(speed.max()) if len(speed) else step
    classes = max(1, int(np.ceil(top / step)))
    place = np.clip(np.ceil(speed / step).astype(np.int64) - 1, 0, classes - 1)
    cell = (sector_of(hours.wind_from[use], width) - 1) * classes + place
    count = np.bincount(cell, minlength=k * classes)
    found = _figure(statistic, cell, value, count)
    found = np.where(count >= max(need, 1), found, np.nan)
    return PolarFrequency(
        direction=middles(width),
        speed=np.arange(1, classes + 1, dtype=np.float64) * step,
        value=found.reshape(k, classes),
        count=count.reshape(k, classes),
    )


def _figure(statistic: Statistic, cell: Whole, value: Float, count: Whole) -> Float:
    size = len(count)
    if statistic == "count":
        return count.astype(np.float64)
    total = np.bincount(cell, value, size)
    mean = total / np.maximum(count, 1)
    if statistic == "mean":
        return mean
    if statistic == "contribution":
        return 100 * total / total.sum() if total.sum() else np.full(size, np.nan)
    if statistic == "deviation":
        spread = np.bincount(cell, (value - mean[cell]) ** 2, size)
        return np.where(count > 1, np.sqrt(spread / np.maximum(count - 1, 1)), np.nan)
    return _ordered(statistic, cell, value, count)


def _ordered(statistic: Statistic, cell: Whole, value: Float, count: Whole) -> Float:
    """Median or maximum: the values of a cell stand side by side once they are sorted."""
    ordered = value[np.lexsort((value, cell))]
    last = np.cumsum(count) - 1
    found = np.full(len(count), np.nan)
    some = count > 0
    if statistic == "maximum":
        found[some] = ordered[last[some]]
        return found
    first = last - count + 1
    middle = first[some] + (count[some] - 1) // 2
    other = first[some] + count[some] // 2
    found[some] = (ordered[middle] + ordered[other]) / 2
    return found
