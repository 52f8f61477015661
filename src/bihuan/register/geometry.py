"""Areas as rings of (lon, lat): which one holds a place, and one form for equal areas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
import shapely
from shapely import LinearRing, Point, Polygon, STRtree

from bihuan.core import Place, RegisterError

Ring = tuple[tuple[float, float], ...]
"""A closed or open ring of (lon, lat). [degrees]"""

Rings = tuple[Ring, ...]
"""Outer ring first. A place is inside where it lies in an odd number of rings, so that holes and further
parts (飞地) need no other type."""

A = TypeVar("A")


def contains(rings: Rings, place: Place) -> bool:
    """Say whether an area holds a place, its edge included; an area without rings holds nothing."""
    return bool(rings) and bool(_shape(rings).covers(Point(place.lon, place.lat)))


def canonical(rings: Rings) -> Rings:
    """Return the same area as RFC 7946 wants it: closed rings, outer ones counter-clockwise, each with its holes.

    Raises
    ------
    RegisterError
        If a ring has fewer than three different corners.
    """
    closed = [_closed(ring) for ring in rings]
    if len(closed) == 1:
        return (_turned(closed[0], outer=True),)
    outers = outer_rings(closed)
    holes: dict[int, list[Ring]] = {index: [] for index, home in enumerate(outers) if home == index}
    for index, home in enumerate(outers):
        if home != index:
            holes[home].append(_turned(closed[index], outer=False))
    parts = [(_turned(closed[index], outer=True), *inner) for index, inner in holes.items()]
    return tuple(ring for part in parts for ring in part)


def outer_rings(rings: Sequence[Ring]) -> list[int]:
    """Return for each ring the index of the outer ring it belongs to: its own, or that of the area it is a hole in."""
    areas = [Polygon(_closed(ring)) for ring in rings]
    around = [
        [j for j, other in enumerate(areas) if j != i and _inside(area, other, i > j)] for i, area in enumerate(areas)
    ]
    # a hole belongs to the innermost ring around it
    return [i if len(outer) % 2 == 0 else max(outer, key=lambda j: len(around[j])) for i, outer in enumerate(around)]


class Areas(Generic[A]):
    """Things with areas, found by place.

    Parameters
    ----------
    things : sequence
    rings : sequence of Rings
        Of each thing, in the same order; those without rings are never found.

    Raises
    ------
    RegisterError
        If a ring has fewer than three different corners.
    """

    def __init__(self, things: Sequence[A], rings: Sequence[Rings]) -> None:
        kept = [(thing, area) for thing, area in zip(things, rings, strict=True) if area]
        self._things = [thing for thing, _ in kept]
        self._shapes = np.array([_build(area) for _, area in kept], dtype=object)
        shapely.prepare(self._shapes)
        self._tree = STRtree(self._shapes)

    def at(self, place: Place) -> list[A]:
        """Return everything whose area holds the place, in the order given."""
        point = Point(place.lon, place.lat)
        near = self._tree.query(point)
        return [self._things[i] for i in sorted(near[shapely.covers(self._shapes[near], point)])]


def _inside(area: Polygon, other: Polygon, later: bool) -> bool:
    """Say whether one ring lies in another; of two equal ones the later is inside, so that they cancel."""
    return bool(other.covers(area)) and (later or not area.covers(other))


def _closed(ring: Iterable[tuple[float, float]]) -> Ring:
    corners = tuple((float(lon), float(lat)) for lon, lat in ring)
    if len(set(corners)) < 3:
        raise RegisterError(f"ring of {len(corners)} points encloses nothing: an area needs three different corners")
    return corners if corners[0] == corners[-1] else (*corners, corners[0])


def _turned(ring: Ring, *, outer: bool) -> Ring:
    return ring if bool(LinearRing(ring).is_ccw) == outer else ring[::-1]


@lru_cache(maxsize=1024)
def _shape(rings: Rings) -> shapely.Geometry:
    shape = _build(rings)
    shapely.prepare(shape)
    return shape


def _build(rings: Rings) -> shapely.Geometry:
    shape: shapely.Geometry = Polygon()
    for ring in rings:
        part = Polygon(_closed(ring))
        # a ring that crosses itself is read by the odd-number rule as well, instead of failing every look-up
        part = part if part.is_valid else shapely.make_valid(part)
        shape = part if shape.is_empty else shape.symmetric_difference(part)
    return shape
