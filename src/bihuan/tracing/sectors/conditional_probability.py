"""CPF and CBPF: how often a high value comes with wind from there (and of that speed)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bihuan.tracing.sectors.hours import Float, Whole, WindHours, sector_of
from bihuan.tracing.sectors.rose import middles, sectors

Z95 = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class ConditionalProbability:
    """Share of hours above a threshold, by sector.

    Attributes
    ----------
    direction : array, (k,)
        Middle of each sector; the last is north, 360. [deg]
    threshold : float
        Value that had to be exceeded. [unit of the pollutant]
    percentile : float
        Of all usable hours, at which the threshold lies; NaN where it was given. [%]
    high, count : array of int, (k,)
        Hours above the threshold, and all hours that count.
    probability, low, upper : array, (k,)
        Share, with a 95 % interval (Wilson's); NaN where no hour counts. [1]
    overall : float
        Share over all directions: what a sector has to beat. [1]
    """

    direction: Float
    threshold: float
    percentile: float
    high: Whole
    count: Whole
    probability: Float
    low: Float
    upper: Float
    overall: float


@dataclass(frozen=True, slots=True)
class ConditionalBivariate:
    """Share of hours between two values, by sector and wind speed.

    Attributes
    ----------
    direction : array, (k,)
    speed : array, (m + 1,)
        Edges of the classes of speed. [m/s]
    between : tuple of float
        Hours above the first and at most at the second value are counted.
    high, count : array of int, (k, m)
    probability : array, (k, m)
        NaN where too few hours count. [1]
    """

    direction: Float
    speed: Float
    between: tuple[float, float]
    high: Whole
    count: Whole
    probability: Float


def cpf(
    hours: WindHours,
    percentile: float = 90.0,
    width: float = 10.0,
    *,
    threshold: float | None = None,
    count_missing: bool = False,
) -> ConditionalProbability:
    """Return the conditional probability function (Ashbaugh et al. 1985, doi:10.1016/0004-6981(85)90256-2).

    Parameters
    ----------
    hours : WindHours
        Hours of exactly no wind are left out: they have no direction.
    percentile : float
        Of all hours with a value and a direction; a higher value is a high one. [%]
    width : float
        Of a sector. [deg]
    threshold : float, optional
        The value itself, in place of a percentile.
    count_missing : bool
        Count hours without a value as not high, as openair 2.18 does; a sector in which the analyser was often out is
        then told too clean.

    Returns
    -------
    ConditionalProbability

    Raises
    ------
    InputError
        If the width does not divide 360.
    """
    k = sectors(width)
    silent = hours.wind_speed == 0
    value = hours.value[~silent]
    measured, sited = np.isfinite(value), np.isfinite(hours.wind_from[~silent])
    known = value[measured & sited]
    level = float(np.quantile(known, percentile / 100)) if len(known) else np.nan
    limit = level if threshold is None else threshold
    use = sited if count_missing else sited & measured
    sector = sector_of(hours.wind_from[~silent][use], width) - 1
    above = np.where(measured, value, -np.inf)[use] > limit
    count = np.bincount(sector, minlength=k)
    high = np.bincount(sector[above], minlength=k)
    share, low, upper = wilson(high, count)
    return ConditionalProbability(
        direction=middles(width),
        threshold=limit,
        percentile=percentile if threshold is None else np.nan,
        high=high,
        count=count,
        probability=share,
        low=low,
        upper=upper,
        overall=float(high.sum() / count.sum()) if count.sum() else np.nan,
    )


def cbpf(
    hours: WindHours, low: float, high: float, width: float = 10.0, step: float = 1.0, need: int = 1
) -> ConditionalBivariate:
    """Return the conditional bivariate probability function (Uria-Tellaetxe and Carslaw 2014).

    Parameters
    ----------
    hours : WindHours
    low, high : float
        Percentiles between which an hour is counted (100 has no end above). [%]
    width, step : float
        Of a sector [deg] and of a class of speed [m/s].
    need : int
        Hours a cell must have to be told.

    Returns
    -------
    ConditionalBivariate

    Notes
    -----
    doi:10.1016/j.envsoft.2014.05.006.
    """
    k = sectors(width)
    use = hours.complete
    value, speed = hours.value[use], hours.wind_speed[use]
    if not use.any():
        none = np.zeros((k, 1), np.int64)
        return ConditionalBivariate(
            middles(width), np.array([0.0, step]), (np.nan, np.nan), none, none, np.full((k, 1), np.nan)
        )
    bounds = tuple(float(one) for one in np.quantile(value, (low / 100, high / 100)))
    classes = max(1, int(np.ceil(speed.max() / step)))
    place = np.clip(np.ceil(speed / step).astype(np.int64) - 1, 0, classes - 1)
    cell = (sector_of(hours.wind_from[use], width) - 1) * classes + place
    counted = (value > bounds[0]) & ((value <= bounds[1]) | (high >= 100))
    count = np.bincount(cell, minlength=k * classes).reshape(k, classes)
    found = np.bincount(cell[counted], minlength=k * classes).reshape(k, classes)
    share = np.where(count >= max(need, 1), found / np.maximum(count, 1), np.nan)
    edges = np.arange(classes + 1, dtype=np.float64) * step
    return ConditionalBivariate(middles(width), edges, (bounds[0], bounds[1]), found, count, share)


def wilson(found: Whole, count: Whole) -> tuple[Float, Float, Float]:
    """Return shares with Wilson's 95 % interval; NaN where nothing was counted."""
    n = np.where(count > 0, count, np.nan).astype(np.float64)
    share = found / n
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    return share, np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
