"""The rivers of the city: waste water enters, is carried along and decays, and passes the sections.

Advection without dispersion: what enters at a point reaches a section after its way divided by the velocity and is
thinned by first-order decay; enough for class and trend, not for the shape of a cloud.
"""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np

from bihuan.app.city.draws import Float, by_hour, draws, table, wander
from bihuan.app.city.enterprises import water_flow
from bihuan.app.city.forward import running
from bihuan.app.city.ground import River, way_along
from bihuan.app.city.signals import Column, Ends, Report, report
from bihuan.app.city.sky import local_hours
from bihuan.app.city.truth import STEP, Truth
from bihuan.core import Ref, local_date
from bihuan.register import Outlet, Section

SECTION_ITEMS = ("water_temperature", "ph", "do", "conductivity", "turbidity", "codmn", "nh3n", "tp", "tn")
CARRIED = ("codmn", "nh3n", "tp", "tn")
"""What outlets add to the river."""
DAY_SECONDS = 86_400.0


class WaterSignals:
    """Waste-water outlets every ten minutes, river sections every hour."""

    def __init__(self, truth: Truth) -> None:
        plan = truth.plan
        day = local_date(plan.start)
        self._truth = truth
        self._rivers = {river.name: river for river in plan.rivers}
        self._outlets = [o for o in plan.register.all(Outlet, day) if o.medium == "water"]
        self._sections = plan.register.all(Section, day)
        sites: list[Outlet | Section] = [*self._outlets, *self._sections]
        self._ways = {site.id: way_along(self._rivers[site.river], plan.plane, site.place) for site in sites}

    def outlets(self, ends: Ends) -> dict[Ref, Report]:
        """Return the ten-minute reports of every waste-water outlet."""
        return {Ref("outlet", outlet.id): self._outlet(outlet, ends) for outlet in self._outlets}

    def sections(self, ends: Ends) -> dict[Ref, Report]:
        """Return the hourly reports of every section."""
        return {Ref("section", section.id): self._section(section, ends) for section in self._sections}

    def _outlet(self, outlet: Outlet, ends: Ends) -> Report:
        rhythm = int(table("defaults")["devices"]["outlet_minute"])
        rng, parts = draws(self._truth.plan.seed, "outfall", outlet.id), rhythm // int(STEP.total_seconds())
        n, flow = len(self._truth.activity) // parts, water_flow(outlet)
        wobble = np.exp(0.08 * wander(rng, (n, len(outlet.limits)), rhythm / 3600, 4.0))
        columns: list[Column] = [("flow", "avg"), ("ph", "avg")]
        values = [flow * (1 + 0.05 * rng.standard_normal(n)), 7.3 + 0.1 * wander(rng, (n,), rhythm / 3600, 4.0)]
        for k, limit in enumerate(outlet.limits):
            extra = self._extra(outlet, limit.pollutant, ends, 0.0).reshape(-1, parts).mean(axis=1)
            columns.append((limit.pollutant, "avg"))
            values.append((outlet.rates[limit.pollutant] * wobble[:, k] + extra) / flow)
        shown = np.column_stack(values)
        return report(tuple(columns), shown, np.full(shown.shape, "N"), rhythm)

    def _extra(self, outlet: Outlet, pollutant: str, ends: Ends, delay: float) -> Float:
        """Load on top of the normal one as it passes after a delay [s], step by step. [g/s]"""
        extra, late = np.zeros(len(self._truth.activity)), timedelta(seconds=delay)
        for incident in self._truth.incidents:
            if incident.kind == "water_outfall" and incident.source == Ref("outlet", outlet.id):
                amount = (incident.amounts or {}).get(pollutant, 0.0)
                extra += amount * running(self._truth, incident.period.start + late, ends[incident.id] + late)
        return extra

    def _section(self, section: Section, ends: Ends) -> Report:
        plan, settings = self._truth.plan, table("defaults")["rivers"]
        river, way = self._rivers[section.river], self._ways[section.id]
        rng, hours = draws(plan.seed, "section", section.id), plan.hours
        carried = {name: self._carried(river, way, name, ends) for name in CARRIED}
        noise = 1 + settings["noise"] * wander(rng, (hours, len(SECTION_ITEMS)), 1.0, 2.0)
        day = by_hour(np.sin((np.arange(24) + 0.5 - 9) / 24 * 2 * math.pi).tolist(), self._hours())
        columns = {name: np.full(hours, value) for name, value in settings["upstream"].items()} | carried
        columns["do"] = columns["do"] + 0.5 * day - 0.3 * (carried["codmn"] - settings["upstream"]["codmn"])
        columns["ph"] = columns["ph"] + 0.08 * day
        columns["water_temperature"] = columns["water_temperature"] + 0.6 * day
        values = np.column_stack([columns[name] for name in SECTION_ITEMS]) * noise
        values[:, SECTION_ITEMS.index("ph")] = columns["ph"] + 0.5 * (noise[:, 1] - 1)
        heads: tuple[Column, ...] = tuple((name, "avg") for name in SECTION_ITEMS)
        return report(heads, np.maximum(values, 0.01), np.full(values.shape, "N"), 3600)

    def _hours(self) -> Float:
        return local_hours(self._truth.plan.start, self._truth.plan.hours, timedelta(hours=1))

    def _carried(self, river: River, way: float, name: str, ends: Ends) -> Float:
        """Hourly concentration at a point of a river. [mg/L]"""
        load, flow = self._load(river, way, name, ends, 0.0)
        return np.asarray(load.reshape(self._truth.plan.hours, -1).mean(axis=1) / flow)

    def _load(self, river: River, way: float, name: str, ends: Ends, later: float) -> tuple[Float, float]:
        """Load [g/s] step by step at a point, `later` [s] downstream of it, and the flow [m3/s] there."""
        settings = table("defaults")["rivers"]
        decay = settings["decay"][name] / DAY_SECONDS
        own = "cod" if name == "codmn" else name
        share = settings["codmn_of_cod"] if name == "codmn" else 1.0
        travel = way / river.velocity + later
        load = np.full(len(self._truth.activity), river.flow * settings["upstream"][name] * math.exp(-decay * travel))
        flow = river.flow
        for outlet in self._outlets:
            distance = way - self._ways[outlet.id]
            if outlet.river == river.name and distance >= 0 and own in outlet.rates:
                travel = distance / river.velocity + later
                added = outlet.rates[own] + self._extra(outlet, own, ends, travel)
                load = load + share * math.exp(-decay * travel) * added
                flow += water_flow(outlet)
        for tributary in self._rivers.values():
            if tributary.into == river.name and tributary.mouth <= way:
                travel = (way - tributary.mouth) / river.velocity + later
                more, inflow = self._load(tributary, tributary.length, name, ends, travel)
                load, flow = load + more, flow + inflow
        return load, flow
