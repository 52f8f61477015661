"""Which stations a source can reach at all: thousands of candidates and hundreds of stations in seconds.

A network the size of a district is weighed whole, as it always was. Of a larger one each source is weighed at the
stations its air can have passed. A source whose air cannot have passed the station of the event, or that is far from
it, cannot well be the cause; what refutes or favours it is what the nearest stations downwind of it saw or did not see,
so it is weighed at those alone; where pairs are counted by the million it keeps the odds it had before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Weather
from bihuan.physics import compiled
from bihuan.tracing.evidence import CALM
from bihuan.tracing.scene import Scene
from bihuan.tracing.settings import TraceSettings

Float = NDArray[np.float64]
Whole = NDArray[np.int64]

LARGE = 100_000
"""Pairs of source and station up to which all are weighed: a second or two of one processor."""

FAR, FELT = 15_000.0, 25_000.0
"""From farther no source is a likely cause; one that is weighed is felt at stations so far downwind. [m]"""

VAST = 500_000
"""Pairs from which on unlikely causes are not weighed at all."""

FEW = 6
"""Stations at which an unlikely cause is weighed: the nearest that its air can have passed."""

CLOSE = 1_000.0
"""Within this the direction matters less: patches are wide, plumes spread to all sides. [m]"""

FLANK = 25.0
"""A plume is felt this far to either side of its axis. [degrees]"""

CELL, WIDE_CELL = 2_500.0, 5_000.0
"""Sources of one cell share their stations; the second for unlikely causes. [m]"""

AT_ONCE = 64
"""Sources weighed together: so much memory is taken at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Sources that are weighed together, at the stations that any of them can reach.

    Attributes
    ----------
    sources, stations : ndarray of int
        Rows.
    """

    sources: Whole
    stations: Whole


def portions(east: Float, north: Float, scene: Scene, weather: Weather, settings: TraceSettings) -> list[Portion]:
    """Cut the sources into portions; one whose air can have passed no station at all stands in none.

    Parameters
    ----------
    east, north : ndarray, shape (sources,)
        [m]
    scene : Scene
    weather : Weather
        Of its blocks.
    settings : TraceSettings
        Its error of the direction widens what can be reached.

    Returns
    -------
    list of Portion
        One with everything where there are at most `LARGE` pairs.
    """
    if len(east) * len(scene.east) <= LARGE:
        return [Portion(np.arange(len(east)), np.arange(len(scene.east)))]
    felt = reached(east, north, scene, weather, settings)
    away = np.hypot(east[:, None] - scene.east, north[:, None] - scene.north)
    likely = felt[:, scene.subject] & (away[:, scene.subject] <= FAR)
    rest = np.flatnonzero(~likely) if felt.size < VAST else np.empty(0, np.int64)
    felt[rest] = _nearest(felt[rest], away[rest])
    chosen = _together(np.flatnonzero(likely), east, north, CELL) + _together(rest, east, north, WIDE_CELL)
    made = [Portion(part, np.flatnonzero(felt[part].any(axis=0))) for part in chosen]
    return [one for one in made if len(one.stations)]


def _nearest(felt: NDArray[np.bool_], away: Float) -> NDArray[np.bool_]:
    """Keep the `FEW` nearest of the stations that each source reaches."""
    apart = np.where(felt, away, np.inf)
    if apart.shape[1] > FEW:
        apart[apart > np.partition(apart, FEW - 1, axis=1)[:, FEW - 1 : FEW]] = np.inf
    return np.isfinite(apart)


def _together(chosen: Whole, east: Float, north: Float, side: float) -> list[Whole]:
    """Sources cell by cell, at most `AT_ONCE` of them."""
    column, row = np.floor(east[chosen] / side), np.floor(north[chosen] / side)
    order = np.lexsort((chosen, row, column))
    borders = np.flatnonzero((np.diff(column[order]) != 0) | (np.diff(row[order]) != 0)) + 1
    return [
        group[first : first + AT_ONCE]
        for group in np.split(chosen[order], borders)
        for first in range(0, len(group), AT_ONCE)
    ]


def reached(east: Float, north: Float, scene: Scene, weather: Weather, settings: TraceSettings) -> NDArray[np.bool_]:
    """Say which station the air of each source can have passed, shape (sources, stations).

    Near enough, and in some block within the flank of a plume under a wind that errs by two standard deviations. In a
    calm every direction is possible.
    """
    de, dn = scene.east - east[:, None], scene.north - north[:, None]
    away = np.hypot(de, dn)
    known = np.isfinite(weather.wind_speed) & np.isfinite(weather.wind_from)
    if (weather.wind_speed[known] < CALM).any():
        return np.asarray(away <= FELT)
    least = np.cos(np.radians(min(FLANK + settings.direction_step + 2 * settings.direction_sd, 180.0)))
    towards = np.radians(np.unique(np.round(weather.wind_from[known] + 180.0)))
    return _passed(de, dn, away, np.sin(towards), np.cos(towards), float(least))


@compiled
def _passed(de: Float, dn: Float, away: Float, axis_east: Float, axis_north: Float, least: float) -> NDArray[np.bool_]:
    """Say of each pair whether it is close, or lies within the flank of the plume of any of the winds."""
    found = np.zeros(away.shape, np.bool_)
    for k in range(away.shape[0]):
        for i in range(away.shape[1]):
            if away[k, i] > FELT:
                continue
            found[k, i] = away[k, i] <= CLOSE
            for n in range(axis_east.size):
                if found[k, i]:
                    break
                found[k, i] = de[k, i] * axis_east[n] + dn[k, i] * axis_north[n] >= least * away[k, i]
    return found
