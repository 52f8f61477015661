"""The air of the city, every five minutes at every station: background, listed sources, incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from bihuan.app.city.draws import Float, by_hour, draws, table, wander
from bihuan.app.city.forward import AIR, air_stations, responses, running
from bihuan.app.city.sky import local_hours
from bihuan.app.city.truth import STEP, Incident, Truth
from bihuan.register import Station

MILLIGRAMS = {"co": 1e-3}
"""Unit of the reading over ug/m3, where it is another."""


@dataclass(slots=True, eq=False)
class Air:
    """What the air holds; an incident's share can be cut short when its source is stopped.

    Attributes
    ----------
    truth : Truth
    stations : tuple of Station
        Receptors, by id.
    normal : ndarray, shape (steps, stations, pollutants)
        Background and listed sources. [unit of the reading]
    extra : dict of str to ndarray, same shape
        What each incident adds, by its id.
    """

    truth: Truth
    stations: tuple[Station, ...]
    normal: Float
    extra: dict[str, Float]

    def concentrations(self) -> Float:
        """Return the sum, shape (steps, stations, pollutants). [unit of the reading]"""
        total = self.normal.copy()
        for part in self.extra.values():
            total += part
        return total

    def stop(self, incident: Incident, at: datetime) -> None:
        """Let an incident's emission end at an instant; what is already in the air still passes by."""
        if incident.id in self.extra and incident.emitter is not None:
            self.extra[incident.id] = _incident_air(self.truth, self.stations, incident, at)


def make_air(truth: Truth) -> Air:
    """Compute the air of the whole run, all incidents lasting as planned."""
    stations = air_stations(truth.plan)
    extra = {
        incident.id: _incident_air(truth, stations, incident, incident.period.end)
        for incident in truth.incidents
        if incident.emitter is not None or incident.rise
    }
    return Air(truth, stations, _background(truth, stations) + _listed(truth, stations), extra)


def _background(truth: Truth, stations: Sequence[Station]) -> Float:
    """Level by hour of day times a wobble shared by the city and a smaller one of each station."""
    plan, settings = truth.plan, table("defaults")["background"]
    steps, step = len(truth.activity), STEP.total_seconds() / 3600
    hours = local_hours(plan.start, steps, STEP)
    out = np.empty((steps, len(stations), len(AIR)))
    wobble = table("rough")["background"] if plan.rough else {"sd": settings["wobble"], "memory": settings["memory"]}
    for k, name in enumerate(AIR):
        shared = wander(draws(plan.seed, "background", name), (steps, 1), step, wobble["memory"])
        own = wander(draws(plan.seed, "background of stations", name), (steps, len(stations)), step, 3.0)
        factor = 1 + wobble["sd"] * shared + settings["local"] * own
        level = settings[name]["mean"] * by_hour(settings[name]["hours"], hours)
        out[:, :, k] = level[:, None] * np.maximum(factor, 0.15)
    return out


def _listed(truth: Truth, stations: Sequence[Station]) -> Float:
    """What all listed sources together add while they run as usual."""
    response = responses(truth, stations, truth.sources, truth.activity)
    rates = np.array([[s.rates.get(name, 0.0) * MILLIGRAMS.get(name, 1.0) for name in AIR] for s in truth.sources])
    return np.asarray(response @ rates)


def _incident_air(truth: Truth, stations: Sequence[Station], incident: Incident, until: datetime) -> Float:
    shape = (len(truth.activity), len(stations), len(AIR))
    if incident.rise:
        return _regional(truth, stations, incident)
    assert incident.emitter is not None and incident.amounts is not None
    on = running(truth, incident.period.start, until)
    response = responses(truth, stations, [incident.emitter], on[:, None])[:, :, 0]
    amounts = np.array([incident.amounts.get(name, 0.0) * MILLIGRAMS.get(name, 1.0) for name in AIR])
    return np.asarray(response[:, :, None] * amounts).reshape(shape)


def _regional(truth: Truth, stations: Sequence[Station], incident: Incident) -> Float:
    """A front with a ramp on both sides, which reaches the upwind stations first."""
    plan, settings = truth.plan, table("defaults")["incidents"]["regional_at"]
    steps = len(truth.activity)
    since = (np.arange(steps) + 0.5) * STEP.total_seconds() / 3600
    onset, end = ((t - plan.start).total_seconds() / 3600 for t in (incident.period.start, incident.period.end))
    hour = min(int(onset), plan.hours - 1)
    speed, towards = truth.weather.wind_speed[hour], np.radians(truth.weather.wind_from[hour] + 180)
    east, north = plan.plane.forward([s.place.lon for s in stations], [s.place.lat for s in stations])
    along = (east * np.sin(towards) + north * np.cos(towards)) / 1000
    delay = (along - along.min()) / (3.6 * max(speed, 1.5) * 2.5)  # fronts ride the faster wind aloft
    rng = draws(plan.seed, "regional", incident.id)
    level = 1 + 0.08 * wander(rng, (steps, len(stations)), STEP.total_seconds() / 3600, 2.0)
    shape = np.clip((since[:, None] - onset - delay) / settings["ramp"], 0, 1)
    shape *= np.clip((end - since[:, None] + settings["ramp"] / 2) / settings["ramp"], 0, 1)
    rise = np.array([(incident.rise or {}).get(name, 0.0) for name in AIR])
    return np.asarray((shape * level)[:, :, None] * rise)
