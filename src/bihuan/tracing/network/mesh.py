"""Candidate places of monitors: a mesh over the city, without water, fences of sources and what stands already."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from bihuan.core import InputError, Place, Plane

Float = NDArray[np.float64]
Ring = Sequence[tuple[float, float]]

MOST = 5000
"""Places of a mesh."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Places where a monitor could stand.

    Attributes
    ----------
    east, north : ndarray, shape (n,)
        [m]
    cells_east, cells_north : ndarray, shape (m,)
        Of every point inside the city, the excluded ones too: the cells of the map. [m]
    spacing : float
        [m]
    excluded : mapping of str to int
        How many points were left out: ``water source station``.
    """

    east: Float
    north: Float
    cells_east: Float
    cells_north: Float
    spacing: float
    excluded: Mapping[str, int]


def mesh(
    area: Sequence[Ring],
    plane: Plane,
    spacing: float,
    *,
    water: Sequence[Ring] = (),
    sources: Sequence[Place] = (),
    stations: Sequence[Place] = (),
    from_water: float = 60.0,
    from_source: float = 200.0,
    from_station: float = 400.0,
) -> Mesh:
    """Lay a mesh over an area.

    Parameters
    ----------
    area : sequence of rings of (lon, lat)
        Of the city; a point in an odd number of rings is inside.
    plane : Plane
    spacing : float
        Between points. [m]
    water : sequence of rings or courses of (lon, lat)
        A closed ring is a lake, any other a river's course.
    sources, stations : sequence of Place
    from_water, from_source, from_station : float
        Nearer than this no monitor is placed: ground of a bank, a reading that is the source's own, a reading that is
        had already. [m]

    Raises
    ------
    InputError
        If the area is no area, the spacing would give too many points, or no place is left.
    """
    shape = _area(area, plane)
    west, south, east_end, north_end = shape.bounds
    count = (east_end - west) * (north_end - south) / max(spacing, 1e-9) ** 2
    if not (math.isfinite(spacing) and spacing > 0 and count <= 4 * MOST):
        wanted = math.sqrt((east_end - west) * (north_end - south) / MOST)
        raise InputError(f"a spacing of {spacing:g} m is no mesh of at most {MOST} places: give {wanted:.0f} m or more")
    xs, ys = (np.arange(low + spacing / 2, high, spacing) for low, high in ((west, east_end), (south, north_end)))
    east, north = (part.ravel() for part in np.meshgrid(xs, ys))
    inside = shapely.contains_xy(shape, east, north)
    east, north = east[inside], north[inside]
    if not len(east):
        raise InputError(f"no point of a mesh of {spacing:g} m lies inside the city: take a smaller spacing")
    points = shapely.points(east, north)
    reasons = {
        "water": _near_water(points, water, plane, from_water),
        "source": _near(east, north, sources, plane, from_source),
        "station": _near(east, north, stations, plane, from_station),
    }
    free = ~np.logical_or.reduce(list(reasons.values()))
    if not free.any():
        raise InputError("every point of the mesh lies in water, at a source or at a station: take a smaller spacing")
    told = {name: int(out.sum()) for name, out in reasons.items()}
    return Mesh(east[free], north[free], east, north, spacing, told)


def _area(rings: Sequence[Ring], plane: Plane) -> shapely.Geometry:
    shape: shapely.Geometry = shapely.Polygon()
    for ring in rings:
        if len(ring) >= 3:
            part = shapely.Polygon(_metres(ring, plane))
            shape = shape.symmetric_difference(part if part.is_valid else shapely.make_valid(part))
    if shape.is_empty or not shape.area > 0:
        raise InputError("the city has no boundary in the register: import its districts or its grid with boundaries")
    shapely.prepare(shape)
    return shape


def _metres(ring: Ring, plane: Plane) -> Float:
    points = np.asarray(ring, dtype=np.float64)
    return np.column_stack(plane.forward(points[:, 0], points[:, 1]))


def _near_water(points: NDArray[np.object_], water: Sequence[Ring], plane: Plane, least: float) -> NDArray[np.bool_]:
    near = np.zeros(len(points), dtype=bool)
    for ring in water:
        if len(ring) < 2:
            continue
        metres = _metres(ring, plane)
        closed = len(ring) > 3 and tuple(ring[0]) == tuple(ring[-1])
        near |= shapely.dwithin(points, shapely.Polygon(metres) if closed else shapely.LineString(metres), least)
    return near


def _near(east: Float, north: Float, places: Sequence[Place], plane: Plane, least: float) -> NDArray[np.bool_]:
    if not places:
        return np.zeros(len(east), dtype=bool)
    x, y = plane.forward([p.lon for p in places], [p.lat for p in places])
    near = np.zeros(len(east), dtype=bool)
    for a, b in zip(x, y, strict=True):
        near |= np.hypot(east - a, north - b) < least
    return near
