"""The enterprises of the synthetic city, their stacks (DA) and their waste-water outlets (DW), with permits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from shapely import Point

from bihuan.app.city.draws import Table, between, draws, table, whole_between
from bihuan.app.city.ground import Ground, River
from bihuan.app.city.sites import Taken
from bihuan.core import Place
from bihuan.register import Enterprise, Fact, Outlet, PermitLimit

NORMAL = 273.15
"""Temperature of the dry normal state in which stack concentrations are reported. [K]"""

AMBIENT_O2 = 21.0
"""Oxygen of air, as the standards fold with it. [%]"""


def normal_flow(outlet: Outlet) -> float:
    """Dry exhaust flow of a stack at normal state. [m3/s]"""
    area = math.pi * outlet.diameter**2 / 4
    return area * outlet.exit_velocity * NORMAL / outlet.exit_temperature


def water_flow(outlet: Outlet) -> float:
    """Flow of a waste-water outlet, a pipe running full. [m3/s]"""
    return math.pi * outlet.diameter**2 / 4 * outlet.exit_velocity


def unfolded(folded: float, outlet: Outlet, o2: float) -> float:
    """Concentration as measured at `o2` [%] that folds to `folded` at the reference oxygen. [mg/m3]"""
    if outlet.o2_reference is None:
        return folded
    return folded * (AMBIENT_O2 - o2) / (AMBIENT_O2 - outlet.o2_reference)


def usual_o2(outlet: Outlet) -> float:
    """Oxygen at which the stack of a permit runs on most days: the middle of its industry's range. [%]"""
    span = industry_of(outlet).get("o2")
    return AMBIENT_O2 if span is None else 0.5 * (span[0] + span[1])


def industry_of(outlet: Outlet) -> Table:
    """Settings of the industry that an outlet belongs to."""
    industry: dict[str, Any] = table("defaults")["enterprises"][outlet.enterprise.split("-")[0]]
    return industry


def air_rates(stack: dict[str, float]) -> dict[str, float]:
    """Rates of a stack's own pollutants and of what stations see of them. [g/s]"""
    settings = table("defaults")["enterprises"]
    rates = dict(stack)
    if "nox" in stack:
        rates["no2"] = stack["nox"] * settings["no2_share"]
    if "pm" in stack:
        rates["pm10"] = stack["pm"] * settings["pm10_share"]
        rates["pm25"] = stack["pm"] * settings["pm25_share"]
    return {key: round(rate, 5) for key, rate in rates.items()}


def draw_enterprises(seed: int, ground: Ground, taken: Taken) -> list[Fact]:
    """Enterprises with stacks: about half gather in industrial parks, the others lie anywhere."""
    rng = draws(seed, "parks")
    settings = table("defaults")["enterprises"]
    parks = [Taken().draw(rng, ground, 0.0) for _ in range(settings["parks"])]
    facts: list[Fact] = []
    for industry, row in settings.items():
        if not isinstance(row, dict) or "count" not in row:
            continue
        for number in range(1, row["count"] + 1):
            rng = draws(seed, "enterprise", industry, number)
            point = _site(rng, ground, taken, parks)
            ident = f"{industry}-{number:02d}"
            enterprise = _enterprise(ground, ident, industry, number, point)
            facts.append(enterprise)
            for k in range(1, whole_between(rng, row["outlets"]) + 1):
                facts.append(_stack(rng, ground, enterprise, point, k, row))
    return facts


def _site(
    rng: np.random.Generator, ground: Ground, taken: Taken, parks: list[tuple[float, float]]
) -> tuple[float, float]:
    settings = table("defaults")["enterprises"]
    if rng.random() < 0.5:
        park = parks[int(rng.integers(len(parks)))]
        for _ in range(60):
            east, north = (p + settings["park_sd"] * 1000 * float(rng.standard_normal()) for p in park)
            if taken.free(east, north, settings["apart"]) and ground.outline.contains(Point(east, north)):
                taken.points.append((east, north))
                return east, north
    return taken.draw(rng, ground, settings["apart"])


def _enterprise(ground: Ground, ident: str, industry: str, number: int, point: tuple[float, float]) -> Enterprise:
    names = table("names")
    return Enterprise(
        id=ident,
        name=f"{names['mark']}{names['enterprise'][industry]}{number:02d}",
        place=ground.plane.place(*point),
        district=ground.district_at(*point),
        industry=industry,
        source=names["source"],
    )


def _stack(
    rng: np.random.Generator, ground: Ground, owner: Enterprise, point: tuple[float, float], k: int, row: Table
) -> Outlet:
    settings = table("defaults")["enterprises"]
    around = (point[0] + between(rng, (-110, 110)), point[1] + between(rng, (-110, 110)))
    limits = tuple(PermitLimit(key, float(value), "hour", settings["basis"]) for key, value in row["limits"].items())
    stack = _outlet(ground, owner, around, f"DA{k:03d}", "air", limits)
    stack = replace(
        stack,
        o2_reference=row.get("o2_reference"),
        standard=row.get("standard", ""),
        regime=row.get("regime", ""),
        height=round(between(rng, row["height"]), 0),
        diameter=round(between(rng, row["diameter"]), 2),
        exit_velocity=round(between(rng, row["velocity"]), 1),
        exit_temperature=round(between(rng, row["temperature"]), 0),
    )
    flow, o2 = normal_flow(stack), usual_o2(stack)
    own = {
        limit.pollutant: flow * unfolded(limit.limit * between(rng, settings["load"]), stack, o2) / 1000
        for limit in limits
    }
    return replace(stack, rates=air_rates(own))


def draw_waste_water(seed: int, ground: Ground, taken: Taken) -> list[Fact]:
    """Enterprises with an outlet into a river, where the middle courses run through the city."""
    settings = table("defaults")["waste_water"]
    facts: list[Fact] = []
    for industry, row in settings.items():
        if not isinstance(row, dict):
            continue
        for number in range(1, row["count"] + 1):
            rng = draws(seed, "waste water", industry, number)
            river = ground.rivers[0 if rng.random() < 0.6 else int(rng.integers(len(ground.rivers)))]
            point = river.at(between(rng, (0.10, 0.70) if not river.into else (0.2, 0.85)) * river.length)
            taken.points.append(point)
            ident = f"{industry}-w{number:02d}"
            owner = _enterprise(ground, ident, industry, number, (0.99 * point[0], 0.99 * point[1]))
            facts += [owner, _outfall(rng, ground, owner, point, river, row)]
    return facts


def _outfall(
    rng: np.random.Generator, ground: Ground, owner: Enterprise, point: tuple[float, float], river: River, row: Table
) -> Outlet:
    basis, load = table("defaults")["enterprises"]["basis"], table("defaults")["waste_water"]["load"]
    limits = tuple(PermitLimit(key, float(value), "day", basis) for key, value in row["limits"].items())
    flow = between(rng, row["flow"])
    rates = {limit.pollutant: round(limit.limit * between(rng, load) * flow, 4) for limit in limits}
    outlet = _outlet(ground, owner, point, "DW001", "water", limits)
    diameter = round(math.sqrt(4 * flow / math.pi), 3)  # of a pipe running full at 1 m/s
    return replace(outlet, river=river.name, rates=rates, diameter=diameter, exit_velocity=1.0)


def _outlet(
    ground: Ground,
    owner: Enterprise,
    point: tuple[float, float],
    code: str,
    medium: str,
    limits: tuple[PermitLimit, ...],
) -> Outlet:
    place: Place = ground.plane.place(*point)
    return Outlet(
        id=f"{owner.id}-{code}",
        name=f"{owner.name}{code}",
        enterprise=owner.id,
        place=place,
        district=ground.district_at(*point),
        medium=medium,  # type: ignore[arg-type]  # air or water by the two callers
        limits=limits,
        source=owner.source,
    )
