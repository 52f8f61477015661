"""Minutes of a few sensors around a site, and what a unit release of each listed source would cause there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import InputError

Float = NDArray[np.float64]

LEVEL_MINUTES = 360
"""Over which the level of a sensor is looked for: longer than most releases, which else pass for background. [min]"""
LEVEL_SHARE = 0.1
"""The level is this quantile of it."""
LEAST_VALUES = 15
"""Of a level."""
ENOUGH, COMMON_MINUTES = 4, 10
"""Sensors of which the median is background, and minutes over which it is taken. [min]"""


@dataclass(frozen=True, slots=True, eq=False)
class SiteRecord:
    """What the sensors of a site measured minute by minute.

    Attributes
    ----------
    start : ndarray of datetime64[m], shape (minutes,)
        UTC, without gaps: a missing minute is a row of NaN.
    values : ndarray, shape (minutes, sensors)
        NaN where missing. Any unit.
    unit : ndarray, shape (sources, minutes, sensors)
        What a unit release causes. Unit of the values per unit of rate.
    sensors, sources : tuple of str
    wind : ndarray, shape (minutes, 2), optional
        East and north component of the way it blows, NaN where missing. [m/s]

    Raises
    ------
    InputError
        If the shapes do not fit, a minute is missing or there are no values.
    """

    start: NDArray[np.datetime64]
    values: Float
    unit: Float
    sensors: tuple[str, ...]
    sources: tuple[str, ...]
    wind: Float | None = None

    def __post_init__(self) -> None:
        want = (len(self.sources), len(self.start), len(self.sensors))
        if self.values.shape != want[1:] or self.unit.shape != want or 0 in want:
            raise InputError(
                f"a record of {want[1]} minutes, {want[2]} sensors and {want[0]} sources holds values of shape "
                f"{self.values.shape} and unit responses of shape {self.unit.shape}"
            )
        if self.wind is not None and self.wind.shape != (len(self.start), 2):
            raise InputError(
                f"a record of {len(self.start)} minutes holds a wind of shape {self.wind.shape}: "
                "give its east and north component for every minute"
            )
        gap = np.diff(self.start.astype("datetime64[m]")) != np.timedelta64(1, "m")
        if gap.any():
            raise InputError(f"after minute {self.start[int(gap.argmax())]} the record does not go on with the next")
        if not np.isfinite(self.values).any():
            raise InputError("no sensor of the record has a value")

    def __len__(self) -> int:
        return len(self.start)

    def between(self, first: np.datetime64, last: np.datetime64) -> NDArray[np.int64]:
        """Return the minutes that begin from `first` on and before `last`."""
        return np.flatnonzero((self.start >= first) & (self.start < last))

    def until(self, count: int) -> SiteRecord:
        """Return the first `count` minutes."""
        wind = None if self.wind is None else self.wind[:count]
        return replace(self, start=self.start[:count], values=self.values[:count], unit=self.unit[:, :count], wind=wind)


def excess_of(values: Float, *, online: bool) -> Float:
    """Return what stands above each sensor's own level, a low quantile of hours of it.

    Parameters
    ----------
    values : ndarray, shape (minutes, sensors)
    online : bool
        Whether the level comes from the past alone, or from both sides.

    Returns
    -------
    ndarray, shape (minutes, sensors)
        NaN where a value is missing or the level is not known yet.
    """
    found = np.empty_like(values)
    for i in range(values.shape[1]):
        series = pl.Series(np.where(np.isfinite(values[:, i]), values[:, i], np.nan)).fill_nan(None)
        level = series.rolling_quantile(
            LEVEL_SHARE, "linear", window_size=LEVEL_MINUTES, min_samples=LEAST_VALUES, center=not online
        )
        filled = level.fill_null(strategy="forward")
        if not online:
            filled = filled.fill_null(strategy="backward")
        found[:, i] = values[:, i] - filled.fill_null(float("nan")).to_numpy()
    return found


def without_common(excess: Float, *, online: bool) -> Float:
    """Return what is left after taking off what all sensors rise by: the air that comes from elsewhere.

    A plume reaches a few of many sensors at a time, so the median over them is background, and follows it where a
    level of hours cannot. Of fewer than `ENOUGH` sensors the median over a day of each is taken off instead.

    Parameters
    ----------
    excess : ndarray, shape (minutes, sensors)
    online : bool
        Whether it comes from the past alone, or from both sides.

    Returns
    -------
    ndarray, shape (minutes, sensors)
    """
    many = np.isfinite(excess).any(axis=0).sum() >= ENOUGH
    if many:
        known = np.isfinite(excess)
        common = np.full((len(excess), 1), np.nan)
        some = known.any(axis=1)
        common[some, 0] = np.nanmedian(excess[some], axis=1)
    else:
        common = excess
    taken = np.empty_like(common)
    for i in range(common.shape[1]):
        series = pl.Series(common[:, i]).fill_nan(None)
        usual = series.rolling_median(COMMON_MINUTES if many else 1440, min_samples=3, center=not online)
        usual = usual.fill_null(strategy="forward")
        taken[:, i] = (usual if online else usual.fill_null(strategy="backward")).fill_null(0.0).to_numpy()
    return excess - taken


def smoothed(values: Float, half: int) -> Float:
    """Return means over `half` minutes to either side, along the last axis but one; missing ones are left out."""
    known = np.isfinite(values)
    sums = _moving(np.where(known, values, 0.0), half)
    counts = _moving(known.astype(np.float64), half)
    return np.where(counts > 0.5, sums / np.maximum(counts, 1.0), np.nan)


def _moving(values: Float, half: int) -> Float:
    shape = list(values.shape)
    shape[-2] = 1
    total = np.concatenate([np.zeros(shape), np.cumsum(values, axis=-2)], axis=-2)
    at = np.arange(values.shape[-2])
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(at))
    moved: Float = np.take(total, high, axis=-2) - np.take(total, low, axis=-2)
    return moved
