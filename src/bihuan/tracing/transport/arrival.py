"""In which order a rise or a clearing reached the places of a region: a front moves, a local episode does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError

Float = NDArray[np.float64]

FEWEST = 5
"""Places below which no direction is told."""

DRAWS = 1000
LEAST_RANGE = 1.5
"""A place takes part whose highest value is so many times its lowest in the window."""

CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class Arrival:
    """How something came over a region.

    Attributes
    ----------
    hours : tuple of float or None
        When it reached each place, from the begin of the window; None where it did not show. [h]
    came_from, low, high : float or None
        Direction it came from, and the ends of its 80 % interval clockwise. [degrees]
    speed : float or None
        Of the front. [m/s]
    order : float or None
        Kendall's tau of arrival against place along that direction, -1 to 1.
    chance : float or None
        Of so good an order if the places were shuffled, the direction fitted anew each time. 0-1
    explained : float or None
        Share of the variance of the arrivals. 0-1
    along_wind : float or None
        Kendall's tau of arrival against place along the wind that was told; above 0 where they agree.
    off_wind : float or None
        Angle between the direction it came from and the wind's. [degrees]
    cannot_tell : str
        ``few_places no_order`` or empty.
    """

    hours: tuple[float | None, ...]
    came_from: float | None
    low: float | None
    high: float | None
    speed: float | None
    order: float | None
    chance: float | None
    explained: float | None
    along_wind: float | None
    off_wind: float | None
    cannot_tell: str = ""


def arrival_order(
    values: Float,
    east: Float,
    north: Float,
    *,
    falling: bool = False,
    wind_from: float | None = None,
    step: float = 1.0,
    seed: int = 1,
) -> Arrival:
    """Say from where something came over a region, and whether that agrees with the wind.

    Parameters
    ----------
    values : ndarray, shape (times, places)
        Of a window in which it came, NaN where missing.
    east, north : ndarray, shape (places,)
        [m]
    falling : bool
        Look for a clearing instead of a rise.
    wind_from : float, optional
        The wind of the window. [degrees]
    step : float
        Between the times. [h]
    seed : int
        Of the draws of interval and chance.

    Raises
    ------
    InputError
        If shapes do not fit.

    Notes
    -----
    Arrival: the first time, counted within the window and straight between two values, at which a place passes the
    middle between its lowest and its later highest value (for a clearing the other way round). A plane is fitted to the
    arrivals by least absolute deviations; its slope is the slowness of the front. Interval: places drawn again.
    """
    if values.ndim != 2 or values.shape[1:] != east.shape or north.shape != east.shape:
        raise InputError(f"values of shape {values.shape} at {len(east)} places: give (times, places)")
    hours = np.array([_crossing(-values[:, k] if falling else values[:, k], values[:, k]) for k in range(len(east))])
    hours = hours * step
    told = tuple(float(hour) if math.isfinite(hour) else None for hour in hours)
    known = np.isfinite(hours)
    along = _along(hours[known], east[known], north[known], wind_from)
    if known.sum() < FEWEST:
        return Arrival(told, None, None, None, None, None, None, None, along, None, "few_places")
    t, x, y = hours[known], east[known] / 1000.0, north[known] / 1000.0
    slope = _plane(t, x, y)
    order = _order(t, x, y, slope)
    rng = np.random.default_rng(seed)
    shuffled = []
    for _ in range(DRAWS // 4):
        mixed = rng.permutation(t)
        shuffled.append(_order(mixed, x, y, _plane(mixed, x, y)))
    chance = (1 + int(np.sum(np.array(shuffled) >= order))) / (1 + len(shuffled))
    origin = _origin(slope)
    fitted = slope[0] * x + slope[1] * y + slope[2]
    explained = 1.0 - float(((t - fitted) ** 2).sum() / max(float(((t - t.mean()) ** 2).sum()), 1e-12))
    low, high = _interval(t, x, y, origin, rng)
    slowness = math.hypot(slope[0], slope[1])
    off = None if wind_from is None else abs((origin - wind_from + 180.0) % 360.0 - 180.0)
    speed = 1000.0 / 3600.0 / slowness if slowness > 1e-9 else None
    unsure = "no_order" if chance > CHANCE else ""
    return Arrival(told, origin, low, high, speed, order, chance, max(explained, 0.0), along, off, unsure)


def _crossing(rising: Float, values: Float) -> float:
    """Index, with its fraction, at which a series passes the middle of its largest rise."""
    known = np.flatnonzero(np.isfinite(rising))
    if len(known) < 3:
        return math.nan
    series, plain = rising[known], values[known]
    before = np.minimum.accumulate(series)
    top = int(np.argmax(series - before))
    bottom = int(np.argmin(series[: top + 1]))
    if np.max(plain) < LEAST_RANGE * max(float(np.min(plain)), 1e-9) or top == bottom:
        return math.nan
    middle = 0.5 * (series[bottom] + series[top])
    k = bottom + int(np.argmax(series[bottom : top + 1] >= middle))
    share = (middle - series[k - 1]) / (series[k] - series[k - 1])
    return float(known[k - 1] + share * (known[k] - known[k - 1]))


def _plane(t: Float, x: Float, y: Float) -> Float:
    """Slopes and level of the plane of least absolute deviations, by weights that are found in rounds."""
    table = np.column_stack([x, y, np.ones(len(x))])
    weight = np.ones(len(t))
    slope = np.zeros(3)
    for _ in range(15):
        root = np.sqrt(weight)[:, None]
        slope = np.linalg.lstsq(table * root, t * root[:, 0], rcond=None)[0]
        weight = 1.0 / np.maximum(np.abs(t - table @ slope), 0.25)
    return np.asarray(slope)


def _order(t: Float, x: Float, y: Float, slope: Float) -> float:
    return (_agreement(t, slope[0] * x + slope[1] * y) or 0.0) if len(t) > 2 else 0.0


def _agreement(t: Float, way: Float) -> float | None:
    """Kendall's tau, None where there is none."""
    from scipy.stats import kendalltau  # noqa: PLC0415  # half a second: no other command shall wait for it

    tau = float(kendalltau(t, way).statistic)
    return tau if math.isfinite(tau) else None


def _origin(slope: Float) -> float:
    """Where the earliest arrivals lie. [degrees]"""
    return math.degrees(math.atan2(-slope[0], -slope[1])) % 360.0


def _interval(t: Float, x: Float, y: Float, origin: float, rng: np.random.Generator) -> tuple[float, float]:
    turns = []
    for _ in range(DRAWS // 2):
        some = rng.integers(0, len(t), len(t))
        if len(np.unique(some)) >= 3:
            turns.append((_origin(_plane(t[some], x[some], y[some])) - origin + 180.0) % 360.0 - 180.0)
    low, high = np.quantile(turns, [0.1, 0.9])
    return (origin + float(low)) % 360.0, (origin + float(high)) % 360.0


def _along(t: Float, east: Float, north: Float, wind_from: float | None) -> float | None:
    if wind_from is None or len(t) < 3:
        return None
    angle = math.radians(wind_from + 180.0)
    return _agreement(t, east * math.sin(angle) + north * math.cos(angle))
