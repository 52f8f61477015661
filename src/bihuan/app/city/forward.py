"""The city's own forward model: what sources cause at its stations, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from bihuan.app.city.draws import Float
from bihuan.app.city.plan import CityPlan
from bihuan.app.city.sky import instants
from bihuan.app.city.truth import STEP, Truth
from bihuan.core import Source, local_date
from bihuan.physics import GaussianPlume, PuffModel
from bihuan.register import Station

AIR = ("so2", "no2", "pm10", "pm25", "co", "o3", "tsp")
"""Pollutants of the city's air, in the order of the last axis of every array here."""

FINE = (150.0, 14_000.0, 3 * 3600.0)
"""Seconds between puffs, way and age after which one is dropped: the city's air. Passing by a receptor is integrated
exactly, so coarse steps stay smooth. [s], [m], [s]"""

QUICK = (300.0, 7_000.0, 1.5 * 3600.0)
"""The same for a first look at what stations near a source would see."""


def air_stations(plan: CityPlan) -> tuple[Station, ...]:
    """Every station that measures air, by id: the receptors of the city's air."""
    return tuple(s for s in plan.register.all(Station, local_date(plan.start)) if s.kind != "weather")


def running(truth: Truth, start: datetime, end: datetime) -> Float:
    """Share of each step during which something runs."""
    first, last = ((instant - truth.plan.start) / STEP for instant in (start, end))
    steps = np.arange(len(truth.activity))
    return np.asarray(np.clip(np.minimum(last, steps + 1) - np.maximum(first, steps), 0.0, 1.0))


def responses(
    truth: Truth,
    stations: Sequence[Station],
    sources: Sequence[Source],
    activity: Float,
    puff: tuple[float, float, float] = FINE,
) -> Float:
    """Concentration per g/s of mean rate, shape (steps, stations, sources). [ug/m3 per g/s]

    Easy mode: the tracer's own plume on the hour's wind. Rough mode: puffs in a wind that changes all the time.
    """
    plan = truth.plan
    east, north = plan.plane.forward([s.place.lon for s in stations], [s.place.lat for s in stations])
    if truth.wind is None:
        hourly = GaussianPlume(plan.plane, urban=plan.urban).unit_response(sources, east, north, truth.weather)
        per_hour = len(activity) // len(hourly)
        return np.asarray(np.repeat(hourly, per_hour, axis=0) * activity[:, None, :])
    puffs = PuffModel(plan.plane, urban=plan.urban, step=puff[0], reach=puff[1], oldest=puff[2])
    edges = instants(plan.start, len(activity) + 1, STEP)
    return puffs.concentrations(sources, activity, east, north, truth.wind, edges)
