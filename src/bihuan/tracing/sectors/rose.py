"""Wind rose, pollution rose and percentile rose: how often, how much, from where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bihuan.core import InputError
from bihuan.tracing.sectors.hours import Float, Whole, WindHours, sector_of

WIDTH = 30.0
"""Usual width of a sector. [deg]"""

SPEEDS = (0.0, 2.0, 4.0, 6.0)
"""Usual lower edges of the classes of wind speed. [m/s]"""


@dataclass(frozen=True, slots=True)
class Rose:
    """Hours by sector and class.

    Attributes
    ----------
    direction : array, (k,)
        Middle of each sector; the last is north, 360. [deg]
    edges : array, (m + 1,)
        Of the classes; an hour belongs to a class when it lies above its lower edge and at most at its upper.
    count : array of int, (k, m)
        Hours by sector and class.
    moving : array of int, (k,)
        Hours by sector, also those without a value.
    calm : array of int, (m,)
        Calm hours by class; a calm has no direction.
    still, undirected : int
        Calm hours, and hours whose wind has a speed and no direction.
    below : int
        Hours of a sector whose value is at most the lowest edge.
    hours : int
        Hours with a wind speed: what shares refer to.
    mean : array, (k,)
        Mean value of each sector; NaN where nothing was measured.
    mean_wind_from : float
        Direction of the mean unit vector of hours that are not calm. [deg]
    """

    direction: Float
    edges: Float
    count: Whole
    moving: Whole
    calm: Whole
    still: int
    undirected: int
    below: int
    hours: int
    mean: Float
    mean_wind_from: float

    @property
    def share(self) -> Float:
        """Share of all hours by sector and class. [1]"""
        return self.count / max(self.hours, 1)


def wind_rose(hours: WindHours, edges: Sequence[float] = SPEEDS, width: float = WIDTH, calm_below: float = 0.0) -> Rose:
    """Count hours by sector and wind speed.

    Parameters
    ----------
    hours : WindHours
    edges : sequence of float
        Lower edges of the classes, ascending; the last class reaches to the highest speed. [m/s]
    width : float
        Of a sector; 360 must be a multiple of it. [deg]
    calm_below : float
        Wind slower than that is calm; at 0 only wind of exactly 0 is. [m/s]

    Returns
    -------
    Rose

    Raises
    ------
    InputError
        If the edges do not ascend or the width does not divide 360.
    """
    return _rose(hours, hours.wind_speed, edges, width, calm_below)


def pollution_rose(
    hours: WindHours, edges: Sequence[float] | None = None, width: float = WIDTH, calm_below: float = 0.0
) -> Rose:
    """Count hours by sector and class of the pollutant.

    Parameters
    ----------
    hours, width, calm_below
        As in `wind_rose`.
    edges : sequence of float, optional
        Lower edges of the classes; round numbers from the lowest value to the 90th percentile without it.

    Returns
    -------
    Rose

    Raises
    ------
    InputError
        As `wind_rose`.
    """
    known = hours.value[np.isfinite(hours.value)]
    if edges is None:
        edges = round_edges(float(known.min()), float(np.quantile(known, 0.9))) if len(known) else (0.0, 1.0)
    return _rose(hours, hours.value, edges, width, calm_below)


def percentile_rose(
    hours: WindHours, percentiles: Sequence[float] = (25.0, 50.0, 75.0, 90.0, 95.0), width: float = 10.0
) -> Float:
    """Return percentiles of the value by sector.

    Parameters
    ----------
    hours : WindHours
        Hours of exactly no wind are left out: they have no direction.
    percentiles : sequence of float
        Between 0 and 100.
    width : float
        Of a sector. [deg]

    Returns
    -------
    array, (sectors, percentiles)
        The first sector is around `width`, the last around north; NaN where nothing was measured.
    """
    k = sectors(width)
    use = np.isfinite(hours.value) & np.isfinite(hours.wind_from) & ~(hours.wind_speed == 0)
    sector, value = sector_of(hours.wind_from[use], width) - 1, hours.value[use]
    found = np.full((k, len(percentiles)), np.nan)
    for one in np.unique(sector):
        found[one] = np.percentile(value[sector == one], percentiles)
    return found


def round_edges(low: float, high: float, about: int = 6) -> tuple[float, ...]:
    """Return about so many round numbers (1, 2 or 5 times a power of ten) that embrace a span."""
    span = high - low
    if span <= 0:
        return (low, low + (abs(low) or 1.0))
    rough = span / about
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if rough <= m * power * 1.000001)
    # a step that leaves twice as many classes as asked for is taken when it is nearer, as tables of round numbers do
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return tuple(float(np.round(step * at, 10)) for at in np.arange(first, last + 1))


def sectors(width: float) -> int:
    """Return how many sectors of a width close the circle."""
    if width <= 0 or abs(360 / width - round(360 / width)) > 1e-9:
        raise InputError(f"sectors of {width} degrees do not close the circle: write a divisor of 360, as 10 or 30")
    return round(360 / width)


def middles(width: float) -> Float:
    """Return the middle of each sector; the last is north, 360. [deg]"""
    return np.arange(1, sectors(width) + 1, dtype=np.float64) * width


def _rose(hours: WindHours, classed: Float, edges: Sequence[float], width: float, calm_below: float) -> Rose:
    k = sectors(width)
    told = np.isfinite(hours.wind_speed)
    speed, turn, classed = hours.wind_speed[told], hours.wind_from[told], classed[told]
    value = hours.value[told]
    known = classed[np.isfinite(classed)]
    bounds = np.asarray(edges, dtype=np.float64)
    if len(bounds) < 1 or np.any(np.diff(bounds) <= 0):
        raise InputError(f"edges of classes {list(edges)} do not ascend: write them from low to high")
    if len(known) and known.max() > bounds[-1]:
        bounds = np.append(bounds, known.max())
    if len(bounds) < 2:
        bounds = np.append(bounds, bounds[-1] + 1.0)
    calm = (speed == 0) | (speed < calm_below)
    sited = ~calm & np.isfinite(turn)
    sector = np.where(sited, sector_of(np.where(sited, turn, 360.0), width) - 1, -1)
    place = np.searchsorted(bounds, classed, side="left") - 1  # (lower, upper]
    classes = len(bounds) - 1
    inside = np.isfinite(classed) & (place >= 0) & (place < classes)
    cell = sector * classes + place
    measured = sited & np.isfinite(value)
    amount = np.bincount(sector[measured], value[measured], k)
    many = np.bincount(sector[measured], minlength=k)
    angle = np.radians(turn[sited])
    east, north = (float(f(angle).mean()) if sited.any() else np.nan for f in (np.sin, np.cos))
    return Rose(
        direction=middles(width),
        edges=bounds,
        count=np.bincount(cell[sited & inside], minlength=k * classes).reshape(k, classes),
        moving=np.bincount(sector[sited], minlength=k),
        calm=np.bincount(place[calm & inside], minlength=classes),
        still=int(calm.sum()),
        undirected=int((~calm & ~np.isfinite(turn)).sum()),
        below=int((sited & np.isfinite(classed) & (place < 0)).sum()),
        hours=int(told.sum()),
        mean=np.where(many > 0, amount / np.maximum(many, 1), np.nan),
        mean_wind_from=float(np.degrees(np.arctan2(east, north)) % 360),
    )
