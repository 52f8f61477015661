"""How much of an episode the city made itself: what it measured against what the air brought in from upwind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError

Float = NDArray[np.float64]

BLOCK = 6
"""Hours of an episode are alike: they are drawn again in blocks of so many. [h]"""

DRAWS = 2000
SECTOR = 45.0
"""A place is upwind that lies within this of where the wind comes from. [degrees]"""

SLOWEST = 1.0
"""Below this wind nothing is brought in that could be told: the hour is left out. [m/s]"""

FEWEST = 12
"""Hours below which no share is told."""


@dataclass(frozen=True, slots=True)
class TransportShare:
    """What an episode was made of.

    Attributes
    ----------
    regional, low, high : float or None
        Share that came in with the air, and its 80 % interval. 0-1; None where it cannot be told.
    local_rise : float or None
        Mean of city less upwind. Unit of the values.
    hours, used : int
        Of the episode, and those with a wind, a city value and an upwind one.
    cannot_tell : str
        ``calm few_hours no_upwind`` or empty.
    """

    regional: float | None
    low: float | None
    high: float | None
    local_rise: float | None
    hours: int
    used: int
    cannot_tell: str = ""


def transport_share(
    city: Float,
    around: Float,
    bearing: Float,
    away: Float,
    wind_speed: Float,
    wind_from: Float,
    first: int,
    last: int,
    seed: int = 1,
) -> TransportShare:
    """Return the share of an episode that the air brought in.

    Parameters
    ----------
    city : ndarray, shape (hours,)
        Mean of the city, NaN where missing.
    around : ndarray, shape (hours, places)
        Of places around it.
    bearing, away : ndarray, shape (places,)
        Where they lie from the city [degrees] and how far [m].
    wind_speed, wind_from : ndarray, shape (hours,)
        At the city. [m/s], [degrees]
    first, last : int
        Hours of the episode, the last one included.
    seed : int
        Of the draws of the interval.

    Raises
    ------
    InputError
        If shapes do not fit or the episode lies outside the hours.

    Notes
    -----
    In each hour the upwind places within `SECTOR` of the wind are looked at as they were when the air passed them,
    distance over wind speed ago; their mean, weighted by one over the distance, is what came in, and at most the city's
    own value. Share = sum of what came in over the sum of the city. Interval: blocks of `BLOCK` hours and the upwind
    places drawn again; blocks hold the first and last hours less often than the others, so that a peak at the end
    could push the whole interval beside the share: it is widened to hold it. It is a balance of what was measured, no
    model: what forms on the way counts as brought in.
    """
    if around.shape != (len(city), len(bearing)) or away.shape != bearing.shape or wind_speed.shape != city.shape:
        raise InputError(f"{len(city)} hours of the city and {around.shape} around it do not fit: (hours, places)")
    if not 0 <= first <= last < len(city):
        raise InputError(f"an episode of hours {first} to {last} lies outside the {len(city)} hours given")
    which = np.arange(first, last + 1)
    blowing = which[np.isfinite(wind_speed[which]) & (wind_speed[which] >= SLOWEST) & np.isfinite(wind_from[which])]
    if not len(blowing):
        return TransportShare(None, None, None, None, len(which), 0, "calm")
    came, weight = _came(around, bearing, away, wind_speed, wind_from, blowing)
    known = (weight.sum(axis=1) > 0) & np.isfinite(city[blowing])
    if not known.any():
        return TransportShare(None, None, None, None, len(which), 0, "no_upwind")
    came, weight, own = came[known], weight[known], city[blowing][known]
    used = len(own)
    if used < FEWEST:
        return TransportShare(None, None, None, None, len(which), used, "few_hours")
    share = _share(came, weight, own)
    draws = _draws(came, weight, own, np.random.default_rng(seed))
    low, high = np.quantile(draws, [0.1, 0.9])
    brought = np.minimum((came * weight).sum(axis=1) / weight.sum(axis=1), own)
    low, high = min(float(low), share), max(float(high), share)
    return TransportShare(share, low, high, float((own - brought).mean()), len(which), used)


def _came(
    around: Float, bearing: Float, away: Float, speed: Float, origin: Float, hours: NDArray[np.int64]
) -> tuple[Float, Float]:
    """Values of the places when the air passed them, and their weights, shape (hours, places)."""
    off = np.abs((bearing[None] - origin[hours, None] + 180.0) % 360.0 - 180.0)
    lag = np.rint(away[None] / np.maximum(speed[hours, None], SLOWEST) / 3600.0).astype(np.int64)
    then = hours[:, None] - lag
    inside = then >= 0
    values = np.where(inside, around[np.maximum(then, 0), np.arange(len(bearing))[None]], np.nan)
    weight = np.where((off <= SECTOR) & np.isfinite(values), 1.0 / np.maximum(away[None], 1.0), 0.0)
    return np.nan_to_num(values), weight


def _share(came: Float, weight: Float, own: Float) -> float:
    total = weight.sum(axis=1)
    brought = np.minimum((came * weight).sum(axis=1) / np.where(total > 0, total, np.nan), own)
    known = np.isfinite(brought)
    amount = own[known].sum()
    return float(np.clip(brought[known].sum() / amount, 0.0, 1.0)) if amount > 0 else math.nan


def _draws(came: Float, weight: Float, own: Float, rng: np.random.Generator) -> Float:
    blocks = -(-len(own) // BLOCK)
    found = []
    for _ in range(DRAWS):
        starts = rng.integers(0, max(len(own) - BLOCK, 0) + 1, blocks)
        hours = (starts[:, None] + np.arange(min(BLOCK, len(own)))[None]).ravel()
        times = np.bincount(rng.integers(0, came.shape[1], came.shape[1]), minlength=came.shape[1])
        found.append(_share(came[hours], weight[hours] * times, own[hours]))
    return np.array([one for one in found if math.isfinite(one)])
