"""What is measured and what raises dust: stations, river sections, building sites, yards and roads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from shapely import Point

from bihuan.app.city.draws import between, draws, log_between, table
from bihuan.app.city.ground import Ground, scatter
from bihuan.register import Fact, Section, Station, WorkSite

STATION_CODES = {"national": "GK", "provincial": "SK", "city": "SH", "micro": "WZ", "dust": "YC", "weather": "QX"}
"""Initials of 国控 省控 市控 微站 扬尘 气象."""

FACTORS = {
    "national": ("so2", "no2", "pm10", "pm25", "co", "o3"),
    "provincial": ("so2", "no2", "pm10", "pm25", "co", "o3"),
    "city": ("so2", "no2", "pm10", "pm25", "co", "o3"),
    "micro": ("so2", "no2", "pm10", "pm25", "co", "o3"),
    "dust": ("tsp", "pm10", "pm25"),
    "weather": ("wind_speed", "wind_from", "air_temperature", "humidity", "air_pressure"),
}
"""What each kind of station sends."""


@dataclass(slots=True)
class Taken:
    """Where something stands already, so that nothing is drawn on top of it. [m]"""

    points: list[tuple[float, float]] = field(default_factory=list)

    def free(self, east: float, north: float, apart: float) -> bool:
        """Say whether nothing stands nearer than `apart`. [m]"""
        return all(math.hypot(east - x, north - y) >= apart for x, y in self.points)

    def draw(self, rng: np.random.Generator, ground: Ground, apart: float) -> tuple[float, float]:
        """Draw a free point where sources lie and take it."""
        west, south, east, north = ground.works.bounds
        for _ in range(2000):
            point = (between(rng, (west, east)), between(rng, (south, north)))
            if self.free(*point, apart) and ground.works.contains(Point(point)):
                break
        self.points.append(point)
        return point


def _name(ground: Ground, east: float, north: float, label: str, number: int) -> tuple[str, str]:
    """District code and a name that tells district, kind and number."""
    code = ground.district_at(east, north)
    names = table("names")
    district = names["district"]["zh"][int(code) - int(table("defaults")["first_code"]) - 1]
    return code, f"{names['mark']}{district}{label}{number:02d}"


def draw_stations(seed: int, ground: Ground, taken: Taken) -> list[Fact]:
    """Air stations spread over the built-up area, the official ones nearest to its middle, and the weather masts."""
    rng = draws(seed, "stations")
    counts = table("defaults")["stations"]
    kinds = [kind for kind in ("national", "provincial", "city", "micro") for _ in range(counts[kind])]
    points = scatter(rng, ground.built, len(kinds))
    order = sorted(range(len(points)), key=lambda k: math.hypot(*points[k]) * between(rng, (0.5, 1.5)))
    facts = [_station(ground, kind, n, points[k]) for n, (kind, k) in enumerate(zip(kinds, order, strict=True))]
    for k in range(counts["weather"]):
        angle, r = 2 * math.pi * k / max(counts["weather"] - 1, 1) + between(rng, (0, 1)), 0.0 if k == 0 else 7000.0
        facts.append(_station(ground, "weather", k, (r * math.cos(angle) + 60.0, r * math.sin(angle) + 60.0)))
    taken.points += [ground.plane.forward(f.place.lon, f.place.lat) for f in facts]  # type: ignore[misc]
    return list(facts)


def _station(ground: Ground, kind: str, index: int, point: tuple[float, float]) -> Station:
    counts, names = table("defaults")["stations"], table("names")
    ordinary = ("national", "provincial", "city", "micro")
    before = sum(counts[k] for k in ordinary[: ordinary.index(kind)]) if kind in ordinary else 0
    number = index - before + 1
    code, name = _name(ground, *point, names["station"][kind], number)
    ident = f"{STATION_CODES[kind]}{number:02d}"
    place = ground.plane.place(*point)
    return Station(id=ident, name=name, kind=kind, place=place, district=code, source=names["source"])  # type: ignore[arg-type]


def draw_worksites(seed: int, ground: Ground, taken: Taken) -> list[WorkSite]:
    """Building sites, muck yards, bare soil and dusty road sections, with the rates they reported."""
    facts = []
    names = table("names")
    for matter, settings in table("defaults")["worksites"].items():
        rng = draws(seed, "worksites", matter)
        for number in range(1, settings["count"] + 1):
            point = taken.draw(rng, ground, 300.0)
            code, name = _name(ground, *point, names["worksite"][matter], number)
            pm10, side = log_between(rng, settings["pm10"]), between(rng, settings["side"])
            rates = {"pm10": pm10, "pm25": pm10 * settings["pm25_share"], "tsp": pm10 * settings["tsp_share"]}
            facts.append(
                WorkSite(
                    id=f"{matter}-{number:02d}",
                    name=name,
                    place=ground.plane.place(*point),
                    district=code,
                    matter=matter,
                    area=round(side * side, 0),
                    rates={key: round(rate, 4) for key, rate in rates.items()},
                    source=names["source"],
                )
            )
    return facts


def draw_dust_stations(seed: int, ground: Ground, worksites: list[WorkSite]) -> list[Fact]:
    """Dust monitors at the fence of some building sites."""
    rng = draws(seed, "dust stations")
    building = [site for site in worksites if site.matter == "construction"]
    chosen = rng.permutation(len(building))[: table("defaults")["stations"]["dust"]]
    facts: list[Fact] = []
    for n, k in enumerate(sorted(int(c) for c in chosen)):
        site = building[k]
        east, north = ground.plane.forward(site.place.lon, site.place.lat)
        away, angle = 0.5 * math.sqrt(site.area) + between(rng, (60, 160)), between(rng, (0, 2 * math.pi))
        facts.append(
            _station(ground, "dust", n, (float(east) + away * math.cos(angle), float(north) + away * math.sin(angle)))
        )
    return facts


def draw_sections(ground: Ground) -> list[Section]:
    """Sections of every river; where the main river enters and leaves the city they are official."""
    names, settings = table("names"), table("defaults")["rivers"]
    facts: list[Section] = []
    for river, shares in zip(ground.rivers, settings["sections"], strict=True):
        for share in shares:
            point = river.at(share * river.length)
            number = len(facts) + 1
            facts.append(
                Section(
                    id=f"DM{number:02d}",
                    name=f"{river.name}断面{number:02d}",
                    place=ground.plane.place(*point),
                    district=ground.district_at(*point),
                    river=river.name,
                    target_class=settings["target_class"],
                    official=not river.into and share in (shares[0], shares[-1]),
                    source=names["source"],
                )
            )
    return facts
