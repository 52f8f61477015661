"""`bihuan network`: the design of the city's network (织密) on what is stored: register, winds, scatter of hours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bihuan.app.suspicion import forward_model
from bihuan.app.town import Town
from bihuan.app.weather import WEATHER_POLLUTANTS, city_weather
from bihuan.core import InputError, NotCovered, Period, Place, Ref, Weather, pollutant
from bihuan.formats import read_era5
from bihuan.physics import mixing_height, solar_altitude, turner_class
from bihuan.register import District
from bihuan.store import Store
from bihuan.tracing import (
    Monitor,
    MonitorKind,
    NetworkDesign,
    NetworkSettings,
    climate,
    design_network,
    measured_noise,
    mesh,
    usual_noise,
)

POLLUTANTS = ("pm10", "pm25", "so2", "no2", "co")
SPACING = 1500.0
"""[m]"""

MOST = 30
"""Monitors in one design."""

WINDS_OF, NOISE_OF = timedelta(days=3 * 366), timedelta(days=30)
"""How far back winds and the scatter of the stations are looked at."""

WATER = ("river", "water", "lake", "canal")
"""Layers of the map that hold one of these words in their name are water."""

HOUR = timedelta(hours=1)
KINDS = ("township", "micro", "dust", "city")
"""What may be added: 国控 and 省控 are not the city's to place."""


@dataclass(frozen=True, slots=True)
class AskedNetwork:
    """What is asked for.

    Attributes
    ----------
    monitors : int
        To be placed; 0 only looks at the present network.
    kind : str
        Of new ones, one of `KINDS`.
    pollutants : tuple of str
    spacing : float
        Of the mesh of places. [m]
    wind : Path or None
        ERA5 file to take the winds from instead of the stored ones.
    noise : mapping of str to float
        Told by the user, by pollutant; wins over what is measured.
    cost, yearly : float or None
        Of one new monitor. [CNY]
    exact : bool
    model : str
        Physics, as the setting `tracing_model`.
    """

    monitors: int = 0
    kind: str = "micro"
    pollutants: tuple[str, ...] = POLLUTANTS
    spacing: float = SPACING
    wind: Path | None = None
    noise: Mapping[str, float] = field(default_factory=dict)
    cost: float | None = None
    yearly: float | None = None
    exact: bool = False
    model: str = "plume"

    def __post_init__(self) -> None:
        if not 0 <= self.monitors <= MOST:
            raise InputError(f"{self.monitors} monitors: a design places 1 to {MOST} at a time, or 0 to look only")
        if self.kind not in KINDS:
            raise InputError(f"kind {self.kind!r} cannot be placed by the city: choose one of {', '.join(KINDS)}")
        if not self.pollutants:
            raise InputError(f"name a pollutant that monitors measure: {', '.join(POLLUTANTS)}")
        for code in (*self.pollutants, *self.noise):
            pollutant(code)


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredNetwork:
    """A design and what it rests on.

    Attributes
    ----------
    design : NetworkDesign
    asked : AskedNetwork
    town : Town
    monitors : tuple of Monitor
    kind : MonitorKind
        Of new ones.
    winds : str
        ``stored`` or the name of a file.
    basis : mapping of str to str
        Where the noise of each pollutant is from: ``told measured table``.
    """

    design: NetworkDesign
    asked: AskedNetwork
    town: Town
    monitors: tuple[Monitor, ...]
    kind: MonitorKind
    winds: str
    basis: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; shares lie between 0 and 1."""
        found = self.design
        names = {str(source.ref): source.name for source in self.town.sources}
        return {
            "method": f"network/1 {self.asked.model}",
            "monitors": self.asked.monitors,
            "kind": self.asked.kind,
            "pollutants": list(self.kind.noise),
            "noise": [
                {"pollutant": code, "noise": round(value, 4), "basis": self.basis[code]}
                for code, value in self.kind.noise.items()
            ],
            "hours": found.climate.total,
            "hours_missing": found.climate.missing,
            "hours_enough": found.climate.enough,
            "winds": self.winds,
            "spacing": found.mesh.spacing,
            "places": len(found.mesh.east),
            "excluded": dict(found.mesh.excluded),
            "present": _shares(found.present),
            "proposals": [
                {
                    "number": n,
                    "lon": one.place.lon,
                    "lat": one.place.lat,
                    "district": self._district(one.place),
                    "gain": _round(one.gain),
                    "after": _shares(one.after),
                    "sources": [{"ref": str(ref), "name": names.get(str(ref), ref.id)} for ref in one.sources],
                }
                for n, one in enumerate(found.proposals, 1)
            ],
            "certificate": self._certificate(),
            "spare": [_station(one) | {"loss": _round(loss, 6)} for one, loss in found.spare],
            "stations": [_station(one) for one in self.monitors],
            "sources": [
                {
                    "ref": str(one.ref), "name": one.name, "kind": one.kind, "lon": one.place.lon, "lat": one.place.lat,
                    "reports": one.reports, "present": _round(one.present), "proposed": _round(one.proposed),
                }
                for one in found.sources
            ],
            "cells": [[_round(x, 5), _round(y, 5), _round(now), _round(then)] for x, y, now, then in found.cells],
            "by_sector": [
                {"hours": hours, "present": _round(now), "proposed": _round(then)}
                for hours, now, then in found.by_sector
            ],
            "by_air": {
                name: {"hours": hours, "present": _round(now), "proposed": _round(then)}
                for name, (hours, now, then) in found.by_air.items()
            },
            "cost": self._cost(),
        }  # fmt: skip

    def _district(self, place: Place) -> str:
        found = self.town.register.district_at(place, self.town.on)
        return found.name if found else ""

    def _certificate(self) -> dict[str, Any] | None:
        chosen = self.design.chosen
        if chosen is None:
            return None
        return {
            "guaranteed": _round(chosen.guaranteed),
            "certified": _round(chosen.certified),
            "worth": _round(chosen.worth),
            "bound": _round(chosen.bound),
            "exact": chosen.exact,
        }

    def _cost(self) -> dict[str, Any]:
        count = len(self.design.proposals)
        rows = {"each": self.asked.cost, "yearly_each": self.asked.yearly}
        return rows | {
            "total": None if self.asked.cost is None else self.asked.cost * count,
            "yearly": None if self.asked.yearly is None else self.asked.yearly * count,
        }


def answer_network(store: Store, town: Town, asked: AskedNetwork, now: datetime) -> AnsweredNetwork:
    """Design the network of a city.

    Raises
    ------
    InputError
        If the register has no boundary or no rates, no wind is known, or something asked is out of range.
    NotCovered
        If nothing stands in the register, or a wind file does not cover the city.
    """
    if not town.sources:
        raise NotCovered("the register holds no source of air pollution: import outlets and work sites first")
    if asked.wind is None:
        blowing, winds = climate(stored_weather(store, town, now)), "stored"
    else:
        blowing, winds = climate(era5_weather(asked.wind, town.centre)), asked.wind.name
    kinds, basis = station_kinds(store, town, asked, now)
    monitors = tuple(
        Monitor(
            Ref("station", station.id), station.name or station.id, station.place, kinds[station.kind], station.official
        )
        for station in town.stations
    )
    places = mesh(
        _rings(town), town.plane, asked.spacing, water=water_of(store.home.path),
        sources=[source.place for source in town.sources], stations=[one.place for one in monitors],
    )  # fmt: skip
    design = design_network(
        forward_model(asked.model, town.plane), town.plane, town.sources, monitors, places, blowing, kinds[asked.kind],
        asked.monitors, NetworkSettings(), asked.exact,
    )  # fmt: skip
    return AnsweredNetwork(design, asked, town, monitors, kinds[asked.kind], winds, basis)


def stored_weather(store: Store, town: Town, now: datetime) -> Weather:
    """Return the city's hourly winds as its weather stations measured them."""
    rows = store.series.hours(
        sites=town.weather_sites, pollutants=WEATHER_POLLUTANTS, period=Period(now - WINDS_OF, now), of_record=True
    )
    rows = rows.filter((pl.col("stat") == "avg") & ~pl.col("quality").is_in(["bad", "missing"]))
    if rows.filter(pl.col("pollutant") == "wind_from").is_empty():
        raise InputError(
            "no hour of a wind is stored: import hours of a weather station, or name an ERA5 file with --wind"
        )
    return city_weather(rows, town.centre, HOUR)


def era5_weather(path: Path, centre: Place) -> Weather:
    """Return the winds of a place from a file in ERA5's layout, in UTC."""
    held = read_era5(path, centre.lon, centre.lat, 0.0)
    start = held.start.astype("datetime64[us]")
    speed = np.where(np.isfinite(held.wind_speed), held.wind_speed, 0.0)
    stability = turner_class(speed, solar_altitude(start, centre.lon, centre.lat), most_stable=4)
    return Weather(
        start, (start + np.timedelta64(1, "h")).astype("datetime64[us]"), held.wind_speed,
        held.wind_from, stability, held.temperature,
        mixing_height(speed, stability), place=centre,
    )  # fmt: skip


def station_kinds(
    store: Store, town: Town, asked: AskedNetwork, now: datetime
) -> tuple[dict[str, MonitorKind], dict[str, str]]:
    """Return what each kind of station sees, and where each pollutant's noise is from."""
    sites = {f"station:{station.id}": station.kind for station in town.stations}
    rows = store.series.hours(
        sites=list(sites), pollutants=asked.pollutants, period=Period(now - NOISE_OF, now), of_record=True
    )
    rows = rows.filter((pl.col("stat") == "avg") & ~pl.col("quality").is_in(["bad", "missing"]))
    every: dict[str, dict[str, list[float]]] = {}
    for (code,), part in rows.group_by(["pollutant"], maintain_order=True):
        wide = part.pivot("site", index="start", values="value", aggregate_function="last").sort("start").drop("start")
        scatter = measured_noise(wide.to_numpy().astype(np.float64))
        for site, value in zip(wide.columns, [] if scatter is None else scatter, strict=False):
            if np.isfinite(value):
                every.setdefault(str(code), {}).setdefault(sites[site], []).append(float(value))
    basis = {code: _basis(code, asked, every) for code in asked.pollutants}
    kinds = {}
    for kind in {*sites.values(), asked.kind}:
        noise = {code: _noise(code, kind, asked, every) for code in asked.pollutants}
        known = {code: value for code, value in noise.items() if value is not None}
        mine = kind == asked.kind
        kinds[kind] = MonitorKind(kind, known, asked.cost if mine else None, asked.yearly if mine else None)
    return kinds, basis


def _basis(code: str, asked: AskedNetwork, every: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    return "told" if code in asked.noise else "measured" if code in every else "table"


def _noise(
    code: str, kind: str, asked: AskedNetwork, every: Mapping[str, Mapping[str, Sequence[float]]]
) -> float | None:
    """Noise of a pollutant at a kind of station, None where such a station does not measure it or nobody knows."""
    if code in asked.noise:
        return asked.noise[code]
    of_kinds = every.get(code, {})
    if kind in of_kinds:
        return float(np.median(of_kinds[kind]))
    if kind == "dust" and code not in ("pm10", "pm25", "tsp"):
        return None
    if of_kinds:
        return float(np.median([value for values in of_kinds.values() for value in values]))
    return usual_noise().noise.get(code)


def _rings(town: Town) -> list[Any]:
    if town.cell and town.cell.boundary:
        return list(town.cell.boundary)
    return [ring for district in town.register.all(District, town.on) for ring in district.boundary]


def water_of(home: Path) -> list[list[tuple[float, float]]]:
    """Return the lines and outer rings of the city's own layers of water; a file that cannot be read is left out."""
    found: list[list[tuple[float, float]]] = []
    for path in sorted((home / "map").glob("*.geojson")):
        if not any(word in path.stem.lower() for word in WATER):
            continue
        try:
            features = json.loads(path.read_bytes())["features"]
            for feature in features:
                found += _courses(feature["geometry"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _courses(geometry: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    told = geometry["coordinates"]
    kind = str(geometry["type"])
    lines = [told] if kind == "LineString" else told if kind == "MultiLineString" else []
    if kind == "Polygon":
        lines = told[:1]
    if kind == "MultiPolygon":
        lines = [part[0] for part in told]
    return [[(float(point[0]), float(point[1])) for point in line] for line in lines]


def _shares(found: Any) -> dict[str, float | None]:
    return {name: _round(getattr(found, name)) for name in ("found", "unlisted", "told_apart", "worth")}


def _station(one: Monitor) -> dict[str, Any]:
    return {
        "ref": str(one.ref), "name": one.name, "kind": one.kind.name, "lon": one.place.lon, "lat": one.place.lat,
        "fixed": one.fixed,
    }  # fmt: skip


def _round(value: float, digits: int = 5) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None
