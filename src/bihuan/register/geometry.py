"""Which area holds a place."""

from __future__ import annotations

from functools import lru_cache

from shapely import Point, Polygon, prepare

from bihuan.core import Place

Rings = tuple[tuple[tuple[float, float], ...], ...]
"""Outer ring first, then holes; each a closed or open ring of (lon, lat). [degrees]"""


def contains(rings: Rings, place: Place) -> bool:
    """Say whether an area holds a place; an area without rings holds nothing."""
    return bool(rings) and bool(_polygon(rings).covers(Point(place.lon, place.lat)))


@lru_cache(maxsize=8192)
def _polygon(rings: Rings) -> Polygon:
    polygon = Polygon(rings[0], rings[1:])
    prepare(polygon)
    return polygon
