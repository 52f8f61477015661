"""The hours in which a source had stations downwind, and what these had above the stations that were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Period, Place, Plane, Series, Weather
from bihuan.physics import block_means, block_starts, block_weather

Float = NDArray[np.float64]
Int = NDArray[np.int64]

NEAREST, FURTHEST = 50.0, 5000.0
"""A station this near stands within the site; beyond the other its plume is lost in the background. [m]"""
SECTOR = 30.0
"""A station is downwind when it lies within this angle of where the wind blows to. [degrees]"""
CLEAR = 70.0
"""And is background from this angle on. [degrees]"""
SLOWEST = 0.7
"""Below this the wind carries nothing in a known direction. [m/s]"""
BRISK = 2.5
"""Hours are compared within light and brisk winds, and within stable air or not. [m/s]"""


@dataclass(frozen=True, slots=True)
class Scale:
    """How finely two periods are cut and how much of them is needed.

    Attributes
    ----------
    step : float
        Length of a step. [s]
    block : int
        Steps that hang together and are drawn as one.
    least : int
        Steps needed on each side, in at least `blocks` blocks.
    blocks : int
    """

    step: float
    block: int
    least: int
    blocks: int


LASTING = Scale(3600.0, 12, 6, 3)
"""A source of days: winds, nights and a background out of place hang together for about half a day."""

ACUTE = Scale(600.0, 3, 9, 3)
"""An incident of hours, seen in minute readings: within one episode what hangs together is the eddies and the noise of
half an hour. It says that this incident ended, not that the source is cured for good."""


@dataclass(frozen=True, slots=True, eq=False)
class DownwindHours:
    """Hours of one period with a station downwind.

    Attributes
    ----------
    excess : ndarray, shape (hours,)
        Mean of the downwind stations above the background, unit of the pollutant.
    stratum : ndarray of int, shape (hours,)
        Kind of weather, 0 to 3.
    block : ndarray of int, shape (hours,)
        Number of the block of `Scale.block` steps; those of one block are not independent.
    """

    excess: Float
    stratum: Int
    block: Int

    def __len__(self) -> int:
        return len(self.excess)

    def only(self, keep: NDArray[np.bool_]) -> DownwindHours:
        """Return a part of the hours."""
        return DownwindHours(self.excess[keep], self.stratum[keep], self.block[keep])


def downwind_hours(
    observations: Sequence[Series],
    source: Place,
    weather: Weather,
    periods: Sequence[Period],
    scale: Scale = LASTING,
) -> tuple[DownwindHours, ...]:
    """Return the downwind hours (or shorter steps) of each period.

    Notes
    -----
    A station's own level, as a multiple of the network, is learnt from all hours of all periods in which it was
    NOT downwind, so a station that is always higher gives no excess, nor one that is so when the whole region
    is. The background of an hour is the median of the
    stations that are neither downwind nor close to it.
    """
    plane = Plane(source)
    places = [series.place for series in observations if series.place is not None]
    east, north = plane.forward([p.lon for p in places], [p.lat for p in places])
    values, winds = [], []
    for period in periods:
        first = np.datetime64(period.start.replace(tzinfo=None), "us")
        steps = int(period.length.total_seconds() // scale.step)
        values.append(np.array([block_means(s, first, scale.step, steps) for s in observations]))
        winds.append(block_weather(weather, block_starts(first, scale.step, steps), scale.step))
    down, clear = zip(*(_sectors(east, north, wind) for wind in winds), strict=True)
    level = _own_level(np.concatenate(values, axis=1), np.concatenate(clear, axis=1))
    parts = zip(values, down, clear, winds, strict=True)
    return tuple(_excess(v / level[:, None], d, c, w, scale.block) for v, d, c, w in parts)


def _sectors(east: Float, north: Float, wind: Weather) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which stations are downwind, and which clear of the plume, shape (stations, hours)."""
    away = np.hypot(east, north)
    bearing = np.degrees(np.arctan2(east, north))
    apart = np.abs((bearing[:, None] - (wind.wind_from[None, :] + 180) + 180) % 360 - 180)
    blows = (wind.wind_speed >= SLOWEST)[None, :]
    reach = ((away > NEAREST) & (away < FURTHEST))[:, None]
    return reach & blows & (apart <= SECTOR), blows & (apart >= CLEAR)


def _own_level(values: Float, clear: NDArray[np.bool_]) -> Float:
    """How many times the network a station has while clear of the plume; 1 where it seldom is."""
    network = np.full(values.shape[1], np.nan)
    known = (np.isfinite(values) & clear).sum(axis=0) >= 2
    network[known] = np.nanmedian(np.where(clear, values, np.nan)[:, known], axis=0)
    own = np.where(clear & (values > 0) & (network > 0), values, np.nan) / network
    level = np.ones(len(values))
    often = np.isfinite(own).sum(axis=1) >= 6
    if often.any():
        level[often] = np.nanmedian(own[often], axis=1)
    return level


def _excess(
    values: Float, down: NDArray[np.bool_], clear: NDArray[np.bool_], wind: Weather, block: int
) -> DownwindHours:
    seen, around = np.isfinite(values) & down, np.isfinite(values) & clear
    use = np.flatnonzero((seen.sum(axis=0) >= 1) & (around.sum(axis=0) >= 2))
    background = np.nanmedian(np.where(around, values, np.nan)[:, use], axis=0) if len(use) else np.zeros(0)
    means = np.where(seen, values, 0)[:, use].sum(axis=0) / seen[:, use].sum(axis=0)
    stratum = 2 * (wind.wind_speed[use] >= BRISK) + (wind.stability[use] >= 4)
    return DownwindHours(means - background, stratum.astype(np.int64), (use // block).astype(np.int64))
