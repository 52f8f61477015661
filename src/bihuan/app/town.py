"""The city as the loop needs it at one moment: who measures what, drawn from the register once a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from bihuan.alerts import Site, sites_of
from bihuan.core import Place, Plane, Ref, Source
from bihuan.observations import SITES_SCHEMA
from bihuan.register import Cell, Device, Outlet, Register, Section, Station, sources

NOWHERE = Place(0.0, 0.0)

CITY_KINDS = ("national", "provincial", "city")
"""Stations whose mean is the city's, the most official kind that there is (HJ 663: assessment points)."""


@dataclass(frozen=True, slots=False, eq=False)
class Town:
    """The register as it stands on one day.

    Attributes
    ----------
    register : Register
    on : date
        In the city's calendar.
    """

    register: Register
    on: date

    @cached_property
    def cell(self) -> Cell | None:
        """The city's own grid cell, level 1."""
        return next((cell for cell in self.register.all(Cell, self.on) if cell.level == 1), None)

    @cached_property
    def below(self) -> Mapping[str, tuple[str, ...]]:
        """Cells of the grid that lie directly below each cell."""
        found: dict[str, tuple[str, ...]] = {}
        for cell in self.register.all(Cell, self.on):
            if cell.parent:
                found[cell.parent] = (*found.get(cell.parent, ()), cell.id)
        return found

    @cached_property
    def ref(self) -> Ref:
        """The city as subject of a verdict."""
        return Ref("city", self.cell.id if self.cell else "local")

    @cached_property
    def centre(self) -> Place:
        """Centre of its cell, else of its stations."""
        if self.cell and self.cell.centre:
            return self.cell.centre
        places = [site.place for site in self.sites if site.place]
        if not places:
            return NOWHERE
        return Place(sum(p.lon for p in places) / len(places), sum(p.lat for p in places) / len(places))

    @cached_property
    def plane(self) -> Plane:
        """Local metres."""
        return Plane(self.centre)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Every station, outlet and section, and the city itself, by ref."""
        own = Site(self.ref, "city", self.cell.centre if self.cell else None)
        return tuple(sorted((*sites_of(self.register, self.on), own), key=lambda site: site.ref))

    @cached_property
    def stations(self) -> tuple[Station, ...]:
        """Air and dust stations, without those that only measure weather."""
        return tuple(s for s in self.register.all(Station, self.on) if s.medium == "air" and s.kind != "weather")

    @cached_property
    def city_stations(self) -> tuple[str, ...]:
        """Sites whose mean is the city's value, as text refs."""
        for kind in CITY_KINDS:
            found = tuple(f"station:{station.id}" for station in self.stations if station.kind == kind)
            if found:
                return found
        return tuple(f"station:{station.id}" for station in self.stations)

    @cached_property
    def official(self) -> frozenset[str]:
        """Sites whose series are read-only to our flags, as text refs."""
        stations = {f"station:{s.id}" for s in self.stations if s.official}
        return frozenset(stations | {f"section:{s.id}" for s in self.register.all(Section, self.on) if s.official})

    @cached_property
    def weather_sites(self) -> frozenset[str]:
        """Stations that measure weather, as text refs; every station when none is a weather station."""
        kinds = self.register.all(Station, self.on)
        own = frozenset(f"station:{s.id}" for s in kinds if s.kind == "weather")
        return own or frozenset(f"station:{s.id}" for s in kinds)

    @cached_property
    def devices(self) -> Mapping[str, Device]:
        """Loggers by MN."""
        return {device.id: device for device in self.register.all(Device, self.on)}

    @cached_property
    def site_of(self) -> dict[str, str]:
        """Site of each logger, as text ref."""
        return {mn: device.site for mn, device in self.devices.items()}

    @cached_property
    def loggers(self) -> pl.DataFrame:
        """Site of each logger, as a table of device and site."""
        columns = {"device": list(self.site_of), "site": list(self.site_of.values())}
        return pl.DataFrame(columns, schema={"device": pl.String, "site": pl.String})

    @cached_property
    def device_sites(self) -> pl.DataFrame:
        """What `observations.flag` must know of each logger."""
        kinds = {str(site.ref): site for site in self.sites}
        rows = []
        for mn, device in self.devices.items():
            site = kinds.get(device.site)
            place = (site.place if site else None) or NOWHERE
            rows.append((mn, device.site, site.kind if site else "city", place.lon, place.lat))
        return pl.DataFrame(rows, schema=SITES_SCHEMA, orient="row")

    @cached_property
    def outlets(self) -> tuple[Outlet, ...]:
        """排口 of gas and water."""
        return self.register.all(Outlet, self.on)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """断面."""
        return self.register.all(Section, self.on)

    @cached_property
    def day_sites(self) -> tuple[str, ...]:
        """Sites that are judged by the day, as text refs: the city, waste water, sections."""
        water = (f"outlet:{outlet.id}" for outlet in self.outlets if outlet.medium == "water")
        return (str(self.ref), *water, *(f"section:{section.id}" for section in self.sections))

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Stacks, sites and roads that could explain a rise of air pollution."""
        return sources(self.register, self.on)
