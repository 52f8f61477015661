"""Which stations a source can reach at all: thousands of candidates and hundreds of stations in seconds.

A network the size of a district is weighed whole, as it always was. Of a larger one each source is weighed at the
stations its air can have passed, and a source whose air cannot have passed the station of the event keeps the odds it
had before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Weather
from bihuan.tracing.evidence import CALM
from bihuan.tracing.scene import Scene
from bihuan.tracing.settings import TraceSettings

Float = NDArray[np.float64]
Whole = NDArray[np.int64]

LARGE = 50_000
"""Pairs of source and station up to which all are weighed."""

FAR, FELT = 15_000.0, 25_000.0
"""From farther no source is weighed for one event; one that is weighed is felt at stations so far downwind. [m]"""

CLOSE = 1_000.0
"""Within this the direction matters less: patches are wide, plumes spread to all sides. [m]"""

FLANK = 25.0
"""A plume is felt this far to either side of its axis. [degrees]"""

CELL = 2_500.0
"""Sources of one cell share their stations. [m]"""

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
    """Cut the sources into portions; one that cannot reach the station of the event stands in none.

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
    subject = scene.seen_by(np.array([scene.subject]))
    away = np.hypot(east - subject.east, north - subject.north)
    chosen = np.flatnonzero(reached(east, north, subject, weather, settings)[:, 0] & (away <= FAR))
    column, row = np.floor(east[chosen] / CELL), np.floor(north[chosen] / CELL)
    chosen = chosen[np.lexsort((chosen, row, column))]
    cell = np.column_stack([np.floor(east[chosen] / CELL), np.floor(north[chosen] / CELL)])
    borders = np.flatnonzero((np.diff(cell, axis=0) != 0).any(axis=1)) + 1
    felt = np.zeros((len(east), len(scene.east)), dtype=np.bool_)
    felt[chosen] = reached(east[chosen], north[chosen], scene, weather, settings)
    made = []
    for group in np.split(chosen, borders):
        for first in range(0, len(group), AT_ONCE):
            part = group[first : first + AT_ONCE]
            made.append(Portion(part, np.flatnonzero(felt[part].any(axis=0))))
    return [one for one in made if len(one.sources)]


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
    found = away <= CLOSE
    towards = np.radians(np.unique(np.round(weather.wind_from[known] + 180.0)))
    for angle in towards:
        found |= de * np.sin(angle) + dn * np.cos(angle) >= least * away
    return np.asarray(found & (away <= FELT))
