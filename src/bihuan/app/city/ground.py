"""The ground of the synthetic city: its outline, districts, four levels of grid cells and rivers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, MultiPoint, Point, Polygon, voronoi_polygons
from shapely.geometry.base import BaseGeometry

from bihuan.app.city.draws import between, draws, table, whole_between
from bihuan.core import Place, Plane
from bihuan.register import Cell, District, Fact

Rings = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class River:
    """A river of the city, from its source or the city's edge to its mouth.

    Attributes
    ----------
    name : str
        As sections and outlets name it.
    course : tuple of (float, float)
        Easting, northing downstream. [m]
    flow, velocity : float
        Before any outlet. [m3/s], [m/s]
    into : str
        River it flows into, empty for the main one.
    mouth : float
        Where on that river. [m along it]
    """

    name: str
    course: tuple[tuple[float, float], ...]
    flow: float
    velocity: float
    into: str = ""
    mouth: float = 0.0

    @property
    def length(self) -> float:
        """[m]"""
        return float(self._ways()[-1])

    def _ways(self) -> NDArray[np.float64]:
        points = np.asarray(self.course)
        return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])

    def at(self, way: float) -> tuple[float, float]:
        """Easting and northing after a way along the course. [m]"""
        points, ways = np.asarray(self.course), self._ways()
        return float(np.interp(way, ways, points[:, 0])), float(np.interp(way, ways, points[:, 1]))


def way_along(river: River, plane: Plane, place: Place) -> float:
    """Distance along the course of the point nearest to a place. [m]"""
    east, north = (float(value) for value in plane.forward(place.lon, place.lat))
    line = LineString(river.course)
    return float(line.project(Point(east, north)))


def travel_time(rivers: Sequence[River], start: tuple[str, float], end: tuple[str, float]) -> float | None:
    """Time that water takes from a point of a river to another, None where it never comes. [s]

    Parameters
    ----------
    rivers : sequence of River
    start, end : (str, float)
        Name of the river and way along it. [m]
    """
    river = next(river for river in rivers if river.name == start[0])
    if start[0] == end[0]:
        return (end[1] - start[1]) / river.velocity if end[1] >= start[1] else None
    if not river.into:
        return None
    further = travel_time(rivers, (river.into, river.mouth), end)
    return None if further is None else (river.length - start[1]) / river.velocity + further


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything else is placed on."""

    plane: Plane
    outline: Polygon
    built: Polygon
    works: Polygon
    districts: tuple[tuple[str, Polygon], ...]
    facts: tuple[Fact, ...]
    rivers: tuple[River, ...]

    def district_at(self, east: float, north: float) -> str:
        """Code of the district that holds a point, or of the nearest one."""
        point = Point(east, north)
        return min(self.districts, key=lambda row: (row[1].distance(point), row[0]))[0]


def lay_ground(seed: int) -> Ground:
    """Draw outline, districts, cells and rivers."""
    defaults = table("defaults")
    plane = Plane(Place(*defaults["centre"]))
    outline = _outline(seed, defaults["area"]["radius"] * 1000)
    built, works = (_outline(seed, defaults["area"][name] * 1000) for name in ("built", "works"))
    districts = _districts(seed, outline)
    facts: list[Fact] = [_city_cell(plane, outline)]
    for number, (code, polygon) in enumerate(districts):
        facts += _district_facts(seed, plane, number, code, polygon)
    return Ground(plane, outline, built, works, districts, tuple(facts), _rivers(seed, outline))


def _outline(seed: int, radius: float) -> Polygon:
    rng = draws(seed, "outline")
    angles = np.linspace(0, 2 * math.pi, 73)[:-1]
    waves = sum(between(rng, (0.03, 0.09)) * np.cos(k * angles + between(rng, (0, 6.28))) for k in (2, 3, 5))
    r = radius * (1 + waves)
    return Polygon(np.column_stack([r * np.cos(angles), r * np.sin(angles)]))


def _districts(seed: int, outline: Polygon) -> tuple[tuple[str, Polygon], ...]:
    rng = draws(seed, "districts")
    defaults = table("defaults")
    count, radius = defaults["area"]["districts"], defaults["area"]["radius"] * 1000
    turn = between(rng, (0, 2 * math.pi))
    seats = [(between(rng, (-900, 900)), between(rng, (-900, 900)))]
    for k in range(count - 1):
        angle = turn + (k + between(rng, (-0.15, 0.15))) * 2 * math.pi / (count - 1)
        r = radius * between(rng, (0.62, 0.74))
        seats.append((r * math.cos(angle), r * math.sin(angle)))
    first = int(defaults["first_code"])
    return tuple((str(first + 1 + k), part) for k, part in enumerate(split(outline, seats)))


def split(area: Polygon, seats: list[tuple[float, float]]) -> list[Polygon]:
    """Give every point of an area to its nearest seat; of a torn part the largest piece stays."""
    if len(seats) == 1:
        return [area]
    tiles = list(voronoi_polygons(MultiPoint(seats), extend_to=area).geoms)
    parts = []
    for seat in seats:
        tile = min(tiles, key=lambda t: t.distance(Point(seat)))
        parts.append(largest(tile.intersection(area)))
    return parts


def largest(shape: BaseGeometry) -> Polygon:
    """Return the largest polygon of a shape."""
    polygons = [part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon)]
    return max(polygons, key=lambda part: part.area)


def scatter(rng: np.random.Generator, area: Polygon, count: int, rounds: int = 3) -> list[tuple[float, float]]:
    """Draw points inside an area and spread them by Lloyd's method, so that none crowd."""
    west, south, east, north = area.bounds
    seats: list[tuple[float, float]] = []
    while len(seats) < count:
        point = (between(rng, (west, east)), between(rng, (south, north)))
        if area.contains(Point(point)):
            seats.append(point)
    for _ in range(rounds):
        seats = [_middle(part) for part in split(area, seats)]
    return seats


def _middle(area: Polygon) -> tuple[float, float]:
    """Centroid of an area, or some point inside where the centroid lies outside."""
    point = area.centroid if area.contains(area.centroid) else area.representative_point()
    return float(point.x), float(point.y)


def rings(plane: Plane, polygon: Polygon) -> Rings:
    """Outer ring in degrees, closed."""
    east, north = np.asarray(polygon.exterior.coords).T
    lon, lat = plane.inverse(east, north)
    return (tuple((round(float(x), 6), round(float(y), 6)) for x, y in zip(lon, lat, strict=True)),)


def _city_cell(plane: Plane, outline: Polygon) -> Cell:
    names, code = table("names"), table("defaults")["first_code"]
    return Cell(
        id=code,
        name=names["city"],
        level=1,
        district="",
        centre=plane.centre,
        boundary=rings(plane, outline),
        source=names["source"],
    )


def _district_facts(seed: int, plane: Plane, number: int, code: str, polygon: Polygon) -> list[Fact]:
    names, defaults = table("names"), table("defaults")
    name, source = names["mark"] + names["district"]["zh"][number], names["source"]
    english = names["district"]["en"][number] + " (synthetic)"
    shape, centre = rings(plane, polygon), plane.place(*polygon.representative_point().coords[0])
    facts: list[Fact] = [
        District(id=code, name=name, name_en=english, centre=centre, boundary=shape, source=source),
        _cell(plane, code, name, 2, code, defaults["first_code"], polygon),
    ]
    rng = draws(seed, "cells", code)
    towns = split(polygon, scatter(rng, polygon, whole_between(rng, defaults["area"]["towns"])))
    for t, town in enumerate(towns, 1):
        town_id = f"{code}{t:03d}"
        town_name = name + names["cell"]["town"][t - 1] + names["cell"]["town_suffix"]
        facts.append(_cell(plane, town_id, town_name, 3, code, code, town))
        villages = split(town, scatter(rng, town, whole_between(rng, defaults["area"]["villages"])))
        for v, village in enumerate(villages, 1):
            village_name = f"{town_name}{v:02d}{names['cell']['village_suffix']}"
            facts.append(_cell(plane, f"{town_id}{v:03d}", village_name, 4, code, town_id, village))
    return facts


def _cell(plane: Plane, ident: str, name: str, level: int, district: str, parent: str, polygon: Polygon) -> Cell:
    return Cell(
        id=ident,
        name=name,
        level=level,  # type: ignore[arg-type]  # 1 to 4 by the callers above
        district=district,
        parent=parent,
        centre=plane.place(*polygon.representative_point().coords[0]),
        boundary=rings(plane, polygon),
        source=table("names")["source"],
    )


def _rivers(seed: int, outline: Polygon) -> tuple[River, ...]:
    """One river from west to east south of the centre, one tributary from either side."""
    rng = draws(seed, "rivers")
    names, settings = table("names")["river"]["names"], table("defaults")["rivers"]
    mark = table("names")["mark"]
    west, south, east, north = outline.bounds
    x = np.linspace(west * 0.96, east * 0.96, 60)
    phase, base = between(rng, (0, 6.28)), between(rng, (-4500, -2500))
    y = base + 1300 * np.sin(x / 4200 + phase) + 500 * np.sin(x / 1700 + 2 * phase)
    main = River(mark + names[0], _course(x, y, outline), settings["flow"][0], settings["velocity"][0])
    rivers = [main]
    sides = ((between(rng, (0.34, 0.44)), north), (between(rng, (0.58, 0.68)), south))
    for k, (share, edge) in enumerate(sides, 1):
        mouth = main.length * share
        end_x, end_y = main.at(mouth)
        t = np.linspace(0, 1, 40)
        bend = between(rng, (-3000, 3000))
        px = end_x + bend * (1 - t) + 600 * np.sin(7 * t + phase) * (1 - t)
        py = edge * 0.8 * (1 - t) + end_y * t
        flow, velocity = settings["flow"][k], settings["velocity"][k]
        rivers.append(River(mark + names[k], _course(px, py, outline), flow, velocity, main.name, mouth))
    return tuple(rivers)


def _course(x: NDArray[np.float64], y: NDArray[np.float64], outline: Polygon) -> tuple[tuple[float, float], ...]:
    """The longest stretch of a river inside the city, downstream."""
    inside = LineString(np.column_stack([x, y])).intersection(outline)
    stretch = max(getattr(inside, "geoms", [inside]), key=lambda line: line.length)
    return tuple((round(float(a), 1), round(float(b), 1)) for a, b in stretch.coords)
