"""A series of months taken apart into trend, season and rest by local regression: STL.

Cleveland et al. (1990, J. Off. Stat. 6, 3). The loops, windows and the interpolation between every so many points are
those of the paper's own program, because a season that may change slowly is what a trend is corrected for; written anew
for numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bihuan.core import InputError
from bihuan.tracing.sectors.hours import Float

MONTHS = 12
SEASON_WINDOW = 11
"""Years over which a calendar month's season is smoothed."""
OUTER, INNER = 15, 1
"""Rounds that take away the weight of outliers, and rounds of season and trend within each."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A series taken apart; the three add up to it."""

    trend: Float
    season: Float
    rest: Float


def parts_of(value: Float, period: int = MONTHS, window: int = SEASON_WINDOW) -> Parts:
    """Take an evenly spaced series without holes apart.

    Parameters
    ----------
    value : array, (n,)
    period : int
        Values of a cycle.
    window : int
        Cycles over which the season is smoothed, odd.

    Returns
    -------
    Parts

    Raises
    ------
    InputError
        If there are not more than two cycles, or a value is missing.
    """
    n = len(value)
    if n <= 2 * period or not np.isfinite(value).all():
        raise InputError(
            f"{n} values with holes or within two cycles of {period} have no season: fill or lengthen them"
        )
    trend_window = _odd(np.ceil(1.5 * period / (1 - 1.5 / window)))
    trend, season = np.zeros(n), np.zeros(n)
    weight = np.ones(n)
    for outer in range(OUTER + 1):
        for _ in range(INNER):
            season, trend = _round(value, trend, weight, period, window, trend_window)
        if outer < OUTER:
            weight = _robust(value - season - trend)
    return Parts(trend, season, value - season - trend)


def filled_months(value: Float, period: int = MONTHS) -> Float:
    """Fill holes of a series with the usual value of the calendar month, moved to the level of the neighbours.

    Only for taking the season out: what was filled enters no trend.
    """
    known = np.isfinite(value)
    if known.all() or not known.any():
        return value
    at = np.arange(len(value))
    level = np.interp(at, at[known], value[known])
    usual = np.zeros(period)
    for month in range(period):
        mine = known & (at % period == month)
        around = np.array([np.nanmean(value[max(0, i - period // 2) : i + period // 2 + 1]) for i in at[mine]])
        usual[month] = float(np.mean(value[mine] - around)) if mine.any() else 0.0
    made = value.copy()
    for hole in at[~known]:
        near = value[max(0, hole - period // 2) : hole + period // 2 + 1]
        base = float(np.nanmean(near)) if np.isfinite(near).any() else float(level[hole])
        made[hole] = base + usual[hole % period]
    return made


def _odd(window: float) -> int:
    whole = int(window)
    return whole if whole % 2 else whole + 1


def _round(
    value: Float, trend: Float, weight: Float, period: int, window: int, trend_window: int
) -> tuple[Float, Float]:
    n = len(value)
    cycles = _cycles(value - trend, weight, period, window)
    low = _moving(_moving(_moving(cycles, period), period), 3)
    low_window = _odd(period)
    low = _loess(low, np.ones(n), low_window, _jump(low_window))
    season = cycles[period : period + n] - low
    return season, _loess(value - season, weight, trend_window, _jump(trend_window))


def _jump(window: int) -> int:
    return int(np.ceil(window / 10))


def _cycles(value: Float, weight: Float, period: int, window: int) -> Float:
    """Smooth each calendar month by itself, and one cycle beyond both ends."""
    n = len(value)
    made = np.zeros(n + 2 * period)
    for month in range(period):
        own, own_weight = value[month::period], weight[month::period]
        k = len(own)
        inside = _loess(own, own_weight, window, _jump(window))
        first = _local(own, own_weight, 0.0, 0, min(window, k) - 1, window)
        right = k - 1
        last = _local(own, own_weight, float(k + 1), max(0, k - window), right, window)
        line = np.concatenate([[inside[0] if first is None else first], inside, [inside[-1] if last is None else last]])
        made[month : month + period * (k + 2) : period] = line
    return made


def _loess(value: Float, weight: Float, window: int, jump: int) -> Float:
    """Smooth at every `jump`-th place by a weighted line, and straight between these."""
    n = len(value)
    if n < 2:
        return value.copy()
    made = np.zeros(n)
    step = min(jump, n - 1)
    places = list(range(0, n, step))
    for at in [*places, *([] if places[-1] == n - 1 else [n - 1])]:
        left, right = _span(at, n, window)
        found = _local(value, weight, float(at + 1), left, right, window)
        made[at] = value[at] if found is None else found
    known = sorted({*places, n - 1})
    return np.interp(np.arange(n), known, made[known])


def _span(at: int, n: int, window: int) -> tuple[int, int]:
    if window >= n:
        return 0, n - 1
    left = min(max(at - (window + 1) // 2 + 1, 0), n - window)
    return left, left + window - 1


def _local(value: Float, weight: Float, at: float, left: int, right: int, window: int) -> float | None:
    """Return the weighted line at a place (counted from 1), by values from `left` to `right`; None without weight."""
    n = len(value)
    reach = max(at - (left + 1), (right + 1) - at)
    if window > n:
        reach += (window - n) // 2
    near = np.arange(left + 1, right + 2, dtype=np.float64)
    distance = np.abs(near - at)
    pull = np.where(distance <= 0.001 * reach, 1.0, (1 - np.minimum(distance / max(reach, 1e-300), 1.0) ** 3) ** 3)
    pull = np.where(distance <= 0.999 * reach, pull, 0.0) * weight[left : right + 1]
    total = float(pull.sum())
    if total <= 0:
        return None
    pull = pull / total
    if reach > 0:
        middle = float((pull * near).sum())
        spread = float((pull * (near - middle) ** 2).sum())
        if np.sqrt(spread) > 0.001 * (n - 1):
            pull = pull * (1 + (at - middle) / spread * (near - middle))
    return float((pull * value[left : right + 1]).sum())


def _moving(value: Float, width: int) -> Float:
    total = np.concatenate([[0.0], np.cumsum(value)])
    made: Float = (total[width:] - total[:-width]) / width
    return made


def _robust(rest: Float) -> Float:
    """Return bisquare weights: a rest beyond six times the median size counts nothing."""
    size = np.abs(rest)
    six = 6 * float(np.median(size))
    near = (1 - np.minimum(size / max(six, 1e-300), 1.0) ** 2) ** 2
    return np.where(size <= 0.001 * six, 1.0, np.where(size <= 0.999 * six, near, 0.0))
