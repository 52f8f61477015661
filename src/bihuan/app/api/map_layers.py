"""What the map draws under the sites: districts, grid cells, and the city's own files of rivers, roads and the like."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from bihuan.app.api.office import Office
from bihuan.register import Cell, District, Rings, outer_rings

FOLDER = "map"
"""Below BIHUAN_HOME; each ``*.geojson`` in it is a layer with the file's name."""

LARGEST = 8 * 1024 * 1024
"""Of one file; a base map of a city is far smaller, and every open page has to carry it. [bytes]"""

DIMENSIONS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""Geometries that are drawn, and how deep their positions lie."""


class Refusal(BaseModel):
    """A file that was not taken."""

    file: str
    why: str


class MapLayers(BaseModel):
    """The layers as GeoJSON."""

    bounds: list[float] | None = Field(description="west south east north; null where nothing has a place")
    districts: dict[str, Any]
    cells: dict[str, Any]
    base: dict[str, dict[str, Any]] = Field(description="name of the file -> FeatureCollection")
    refused: list[Refusal]


def files_of(office: Office) -> list[Path]:
    """Return the city's own layers, by name."""
    folder = office.store.home.path / FOLDER
    return sorted(folder.glob("*.geojson")) if folder.is_dir() else []


def state_of(office: Office) -> Hashable:
    """Return what the layers are made from, in short."""
    files = tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files_of(office))
    return id(office.town), files


def map_layers(office: Office) -> dict[str, Any]:
    """Return the layers as plain values; their shape is `MapLayers`."""
    on, register = office.town.on, office.register
    districts = [
        _feature(one.boundary, id=one.id, name=one.name, name_en=one.name_en)
        for one in register.all(District, on)
        if one.boundary
    ]
    cells = [
        _feature(one.boundary, id=one.id, name=one.name, level=one.level, district=one.district)
        for one in register.all(Cell, on)
        if one.boundary and one.level > 2  # level 1 is the city and level 2 its districts once more
    ]
    base, refused = {}, []
    for path in files_of(office):
        try:
            base[path.stem] = read_layer(path)
        except ValueError as why:
            refused.append({"file": path.name, "why": str(why)})
    return {
        "bounds": _bounds(register.all(District, on)) or _bounds(register.all(Cell, on)),
        "districts": _collection(districts),
        "cells": _collection(cells),
        "base": base,
        "refused": refused,
    }


def read_layer(path: Path) -> dict[str, Any]:
    """Read one GeoJSON file and leave everything out of it but geometry and name.

    Raises
    ------
    ValueError
        If it is too large, no GeoJSON FeatureCollection, or holds a position that is not on the globe.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"is larger than {LARGEST // 1024 // 1024} MB: simplify it")
    try:
        told = msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeError) as problem:
        raise ValueError(f"is no JSON: {problem}") from None
    if (
        not isinstance(told, dict)
        or told.get("type") != "FeatureCollection"
        or not isinstance(told.get("features"), list)
    ):
        raise ValueError("is no FeatureCollection: export it as GeoJSON in EPSG:4490 or 4326")
    return _collection([_checked(feature, place) for place, feature in enumerate(told["features"])])


def _checked(feature: object, place: int) -> dict[str, Any]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(feature, dict) or not isinstance(geometry, dict) or kind not in DIMENSIONS:
        raise ValueError(f"feature {place} has geometry {kind!r}: allowed are {', '.join(DIMENSIONS)}")
    positions = list(_positions(geometry.get("coordinates"), DIMENSIONS[str(kind)], place))
    if not positions:
        raise ValueError(f"feature {place} has no position")
    known = feature.get("properties")
    name = known.get("name") if isinstance(known, dict) else None
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": geometry["coordinates"]},
        "properties": {"name": name if isinstance(name, str) else ""},
    }


def _positions(told: object, depth: int, place: int) -> Iterator[tuple[float, float]]:
    if not isinstance(told, list):
        raise ValueError(f"feature {place} has a position that is no list")
    if depth:
        for part in told:
            yield from _positions(part, depth - 1, place)
        return
    numbers = [part for part in told if isinstance(part, int | float) and math.isfinite(part)]
    if len(numbers) < 2 or len(numbers) != len(told) or abs(numbers[0]) > 180 or abs(numbers[1]) > 90:
        raise ValueError(f"feature {place} has position {told!r}: write longitude, latitude in degrees")
    yield float(numbers[0]), float(numbers[1])


def _feature(rings: Rings, **properties: object) -> dict[str, Any]:
    """Rings of the register as GeoJSON: each outer ring with its holes."""
    if len(rings) == 1:
        return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": rings}, "properties": properties}
    homes = outer_rings(rings)
    parts = [
        [rings[outer], *(ring for at, ring in enumerate(rings) if homes[at] == outer and at != outer)]
        for outer in sorted(set(homes))
    ]
    return {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": parts}, "properties": properties}


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _bounds(facts: Iterable[District | Cell]) -> list[float] | None:
    points = [point for fact in facts for ring in fact.boundary for point in ring]
    if not points:
        return None
    lons, lats = [point[0] for point in points], [point[1] for point in points]
    return [min(lons), min(lats), max(lons), max(lats)]
