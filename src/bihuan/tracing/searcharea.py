"""The map of a hidden source as people use it: outlines to search, and a round of stops for the mobile monitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label

from bihuan.core import Plane, Ref, Suspects
from bihuan.tracing.footprint import Ring
from bihuan.tracing.hidden import REACH, HiddenMap

Float = NDArray[np.float64]

CELL = 125.0
"""Side of the raster: that of the finest cells of the map. [m]"""
BLUR = 0.7
"""Squares become rounded outlines by so many cells (sd of a normal kernel)."""
SHARES = (0.9, 0.5)

WORTH_A_DRIVE = 0.1
"""Expected information below which no place is worth sending the mobile monitor to. [bit]"""
WORTH_A_STOP = 0.05
"""Probability below which neither a suspect nor a patch of the map gets a stop."""
SUSPECTS, PATCHES = 4, 3
"""Stops at gates and in the search area, at most."""
TOGETHER = 250.0
"""Stops nearer than this are one. [m]"""


@dataclass(frozen=True, slots=True)
class SearchArea:
    """Smallest area that holds a share of the probability.

    Attributes
    ----------
    share : float
    square_km : float
        As the map counts its cells; the outline is rounded. [km2]
    polygons : tuple of polygons of rings of (lon, lat)
    """

    share: float
    square_km: float
    polygons: tuple[tuple[Ring, ...], ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of a round.

    Attributes
    ----------
    kind : str
        ``monitor`` (where a measurement tells most), ``patch`` (of the search area), ``suspect`` (at the gate).
    lon, lat : float
    source : Ref or None
        Of a suspect.
    chance : float
        Probability of the suspect, or that the hidden source stands in the patch, all answers counted. 0-1; for the
        monitor the information expected. [bit]
    leg : float
        From the stop before, as the crow flies; 0 for the first. [m]
    """

    kind: str
    lon: float
    lat: float
    source: Ref | None
    chance: float
    leg: float = 0.0


def search_areas(hidden: HiddenMap, plane: Plane) -> tuple[SearchArea, ...]:
    """Return the outlines of the 90 % and the 50 % area, widest first."""
    east, north, mass = _raster(hidden, plane)
    if not mass.sum() > 0:
        return ()
    smooth = gaussian_filter(mass, BLUR, mode="constant")
    lines = contour_generator(east, north, smooth, fill_type=FillType.OuterOffset)
    sizes = {0.5: hidden.area50, 0.9: hidden.area90}
    return tuple(
        SearchArea(share, sizes[share], _polygons(lines.filled(_level(smooth, sizes[share]), np.inf), plane))
        for share in SHARES
    )


def plan_round(hidden: HiddenMap | None, found: Suspects, plane: Plane) -> tuple[Stop, ...]:
    """Return the stops of the mobile monitor: the most informative place first, then the shortest way over the rest.

    Parameters
    ----------
    hidden : HiddenMap or None
    found : Suspects
        Whose likely sources get a stop at their gate.
    plane : Plane

    Returns
    -------
    tuple of Stop
        Empty where nothing is worth a drive.
    """
    gates = [
        Stop("suspect", one.place.lon, one.place.lat, one.source, one.probability)
        for one in found.ranked[:SUSPECTS]
        if one.place is not None and one.probability >= WORTH_A_STOP
    ]
    wanted = [*_monitor(hidden, found), *gates, *_patches(hidden, found, plane)]
    stops: list[Stop] = []
    for one in wanted:
        if all(_away(plane, one, other) > TOGETHER for other in stops):
            stops.append(one)
    if not stops:
        return ()
    first = stops[0] if stops[0].kind == "monitor" else max(stops, key=lambda one: one.chance)
    rest = [one for one in stops if one is not first]
    return _measured(plane, (first, *_shortest(plane, first, rest)))


def _monitor(hidden: HiddenMap | None, found: Suspects) -> list[Stop]:
    if hidden is None or hidden.monitor_lon is None or hidden.monitor_lat is None:
        return []
    if hidden.monitor_bits < WORTH_A_DRIVE or found.none_of_listed < WORTH_A_STOP:
        return []
    return [Stop("monitor", hidden.monitor_lon, hidden.monitor_lat, None, hidden.monitor_bits)]


def _patches(hidden: HiddenMap | None, found: Suspects, plane: Plane) -> list[Stop]:
    """The likeliest spot of every patch of the 50 % area that holds enough."""
    if hidden is None:
        return []
    east, north, mass = _raster(hidden, plane)
    if not mass.sum() > 0:
        return []
    smooth = gaussian_filter(mass, BLUR, mode="constant")
    patches, count = label(smooth >= _level(smooth, hidden.area50))
    stops = []
    for number in range(1, count + 1):
        inside = patches == number
        chance = found.none_of_listed * float(mass[inside].sum())
        row, column = np.unravel_index(int(np.argmax(np.where(inside, smooth, -1.0))), smooth.shape)
        place = plane.place(float(east[column]), float(north[row]))
        if chance >= WORTH_A_STOP:
            stops.append(Stop("patch", round(place.lon, 5), round(place.lat, 5), None, chance))
    return sorted(stops, key=lambda one: -one.chance)[:PATCHES]


def _raster(hidden: HiddenMap, plane: Plane) -> tuple[Float, Float, Float]:
    """Easting and northing of the cells of an even raster, and the probability in each."""
    east, north = plane.forward([cell.lon for cell in hidden.cells], [cell.lat for cell in hidden.cells])
    side = np.array([cell.side for cell in hidden.cells])
    west, south = float((east - side / 2).min()), float((north - side / 2).min())
    count = round(2 * REACH / CELL)
    mass = np.zeros((count, count))
    for x, y, wide, cell in zip(east, north, side, hidden.cells, strict=True):
        many = max(round(wide / CELL), 1)
        column, row = round((x - wide / 2 - west) / CELL), round((y - wide / 2 - south) / CELL)
        mass[row : row + many, column : column + many] += cell.probability / many**2
    # one empty ring around it, so that every outline closes
    mass = np.pad(mass, 1)
    at = (np.arange(count + 2, dtype=np.float64) - 0.5) * CELL
    return np.add(west, at, dtype=np.float64), np.add(south, at, dtype=np.float64), mass


def _level(density: Float, square_km: float) -> float:
    """Value above which the densest cells cover an area: the rounded outline is as large as the map says."""
    count = round(square_km * 1e6 / CELL**2)
    ordered = np.sort(density.ravel())[::-1]
    last = min(max(count, 1), len(ordered) - 1)
    return float(ordered[last - 1] + ordered[last]) / 2


def _polygons(filled: object, plane: Plane) -> tuple[tuple[Ring, ...], ...]:
    found = []
    for points, offsets in zip(*filled, strict=True):  # type: ignore[misc]
        lon, lat = plane.inverse(points[:, 0], points[:, 1])
        pairs = [(round(float(x), 5), round(float(y), 5)) for x, y in zip(lon, lat, strict=True)]
        found.append(tuple(tuple(pairs[a:b]) for a, b in pairwise(offsets)))
    return tuple(found)


def _away(plane: Plane, one: Stop, other: Stop) -> float:
    east, north = plane.forward([one.lon, other.lon], [one.lat, other.lat])
    return float(np.hypot(east[0] - east[1], north[0] - north[1]))


def _shortest(plane: Plane, first: Stop, rest: Sequence[Stop]) -> tuple[Stop, ...]:
    """The order with the least way; so few stops are tried in every order."""

    def length(order: tuple[Stop, ...]) -> float:
        return sum(_away(plane, a, b) for a, b in pairwise((first, *order)))

    if len(rest) > 6:  # nearest next: nobody waits for ten thousand orders
        left, way = list(rest), [first]
        while left:
            near = min(left, key=lambda one: _away(plane, way[-1], one))
            left.remove(near)
            way.append(near)
        return tuple(way[1:])
    return min(permutations(rest), key=length)


def _measured(plane: Plane, stops: Sequence[Stop]) -> tuple[Stop, ...]:
    legs = [0.0, *(_away(plane, a, b) for a, b in pairwise(stops))]
    return tuple(
        Stop(one.kind, one.lon, one.lat, one.source, one.chance, round(leg))
        for one, leg in zip(stops, legs, strict=True)
    )
