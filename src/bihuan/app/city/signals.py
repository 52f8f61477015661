"""What the city's instruments show: true values with noise, drift, calibration, and with what somebody did to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bihuan.app.city.air import Air
from bihuan.app.city.draws import Float, draws, table, wander
from bihuan.app.city.forward import AIR
from bihuan.app.city.sites import FACTORS
from bihuan.app.city.sky import local_hours
from bihuan.app.city.truth import STEP, Incident, Truth
from bihuan.core import Ref, Stat, local_date
from bihuan.register import OFFICIAL, Station

Marks = NDArray[np.str_]
Column = tuple[str, Stat]

DECIMALS = {"co": 3, "wind_speed": 1, "wind_from": 0, "air_pressure": 2, "humidity": 0, "tp": 3, "ph": 2, "gas_flow": 2}
"""Places that instruments print; others print one, nutrients two."""
TWO = frozenset({"nh3n", "tn", "cod", "codmn", "flow", "pm", "so2_stack"})
"""Pollutants printed with two places."""
HOUR_VALID = 0.75
"""Share of an hour's parts below which a logger marks its hour as faulty (HJ 212-2017, 45 of 60 minutes)."""


@dataclass(slots=True, eq=False)
class Report:
    """All reports of one logger in one rhythm.

    Attributes
    ----------
    columns : tuple of (pollutant, stat)
    values : ndarray, shape (reports, columns)
        In the unit of the reading; NaN is sent as an empty value.
    marks : ndarray of str, shape (reports, columns)
        HJ 212 data flags.
    rhythm : int
        [s]
    """

    columns: tuple[Column, ...]
    values: Float
    marks: Marks
    rhythm: int


Ends = Mapping[str, datetime]
"""When each incident ends as things stand: planned, or earlier by an officer's visit."""


def decimals(pollutant: str) -> int:
    """Places after the point that an instrument prints."""
    return DECIMALS.get(pollutant, 2 if pollutant in TWO else 1)


def report(columns: tuple[Column, ...], values: Float, marks: Marks, rhythm: int) -> Report:
    """Round as instruments do and pack."""
    rounded = np.column_stack([np.round(values[:, k], decimals(name)) for k, (name, _) in enumerate(columns)])
    return Report(columns, rounded, marks, rhythm)


def hourly(minutes: Report) -> Report:
    """Return the logger's own hours: means of its good parts, marked faulty where too few are good."""
    per_hour = 3600 // minutes.rhythm
    hours = len(minutes.values) // per_hour
    values = minutes.values[: hours * per_hour].reshape(hours, per_hour, -1)
    marks = minutes.marks[: hours * per_hour].reshape(hours, per_hour, -1)
    good = np.isfinite(values) & (marks == "N")
    count = good.sum(axis=1)
    total = np.where(good, values, 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    for k, (name, _) in enumerate(minutes.columns):
        if name == "wind_from":
            mean[:, k] = _mean_direction(values[:, :, k])
    return report(minutes.columns, mean, np.where(count >= HOUR_VALID * per_hour, "N", "D"), 3600)


def _mean_direction(degrees: Float) -> Float:
    turn = np.radians(degrees)
    east, north = np.nanmean(np.sin(turn), axis=1), np.nanmean(np.cos(turn), axis=1)
    return np.asarray(np.degrees(np.arctan2(east, north)) % 360)


def tampered(values: Float, incident: Incident, rhythm: int, start: datetime, end: datetime) -> Float:
    """Return a logger's values with one falsified stretch.

    Parameters
    ----------
    values : ndarray, shape (reports, columns)
    incident : Incident
        Says how: ``flat`` holds the last value, ``clipped`` cuts at what half of the stretch exceeds,
        ``copied`` plays what was before it once more.
    rhythm : int
        [s]
    start, end : datetime
        Of the run, and of the falsification as things stand.
    """
    first = int((incident.period.start - start).total_seconds()) // rhythm
    last = min(-(-int((end - start).total_seconds()) // rhythm), len(values))
    out = values.copy()
    stretch = slice(first, last)
    if last <= first or first == 0:
        return out
    if incident.mode == "flat":
        out[stretch] = values[first - 1]
    elif incident.mode == "clipped":
        planned = min(-(-int((incident.period.end - start).total_seconds()) // rhythm), len(values))
        out[stretch] = np.minimum(values[stretch], np.nanmedian(values[first:planned], axis=0))
    else:
        back = min(first, 86_400 // rhythm)
        out[stretch] = values[first - back + np.arange(last - first) % back]
    return out


def silent_mask(steps: int, rhythm: int, start: datetime, incident: Incident, end: datetime) -> NDArray[np.bool_]:
    """Say which reports fall into a silence, by the end of what they report."""
    ends = (np.arange(steps) + 1) * rhythm
    first, last = ((t - start).total_seconds() for t in (incident.period.start, end))
    return (ends > first) & (ends <= last)


class StationSignals:
    """Air stations and weather masts; noise is drawn once, so a change of the truth changes only what it must."""

    def __init__(self, truth: Truth, air: Air) -> None:
        self._truth, self._air = truth, air
        shape = air.normal.shape
        settings, seed = table("defaults"), truth.plan.seed
        self._gain, self._noise = np.empty(shape), np.empty(shape)
        floors = np.array([settings["sensor"]["floor"][name] for name in AIR])
        for k, station in enumerate(air.stations):
            drift = settings["stations"]["drift"]
            wobble = wander(draws(seed, "drift", station.id), (shape[0], len(AIR)), 1 / 12, drift["memory"])
            noise = draws(seed, "noise", station.id).standard_normal((2, shape[0], len(AIR)))
            share = settings["stations"]["noise"][station.kind]
            self._gain[:, k] = (1 + drift[station.kind] * wobble) * (1 + 0.5 * share * noise[0])
            self._noise[:, k] = 0.5 * floors * (1 + 10 * share) * noise[1]
        self._masts = tuple(
            s for s in truth.plan.register.all(Station, local_date(truth.plan.start)) if s.kind == "weather"
        )

    def minutes(self, ends: Ends) -> dict[Ref, Report]:
        """Return the five-minute reports of every station."""
        shown = np.maximum(self._air.concentrations() * self._gain + self._noise, 0.0)
        found: dict[Ref, Report] = {}
        for k, station in enumerate(self._air.stations):
            names = FACTORS[station.kind]
            values = shown[:, k, [AIR.index(name) for name in names]]
            marks = np.full(values.shape, "N")
            if station.kind in OFFICIAL | {"city"}:
                self._calibrate(values, marks, names)
            ref = Ref("station", station.id)
            values = self._falsify(ref, values, ends)
            found[ref] = report(tuple((name, "avg") for name in names), values, marks, int(STEP.total_seconds()))
        return found | self._weather()

    def _calibrate(self, values: Float, marks: Marks, names: tuple[str, ...]) -> None:
        """Zero checks of the gas analysers at night, marked C."""
        hour = table("defaults")["sensor"]["calibration_hour"]
        local = local_hours(self._truth.plan.start, len(values), STEP)
        now = (local >= hour) & (local < hour + 2 * STEP / timedelta(hours=1))
        for k, name in enumerate(names):
            if name in {"so2", "no2", "co", "o3"}:
                values[now, k] *= 0.02
                marks[now, k] = "C"

    def _falsify(self, ref: Ref, values: Float, ends: Ends) -> Float:
        for incident in self._truth.incidents:
            if incident.kind == "falsified" and incident.subject == ref:
                start = self._truth.plan.start
                values = tampered(values, incident, int(STEP.total_seconds()), start, ends[incident.id])
        return values

    def _weather(self) -> dict[Ref, Report]:
        """Masts show the weather that the loop may believe, with the flutter of five minutes."""
        plan = self._truth.plan
        told, per_hour = plan.weather, int(timedelta(hours=1) / STEP)
        found = {}
        for mast in self._masts:
            noise = draws(plan.seed, "mast", mast.id).standard_normal((5, len(told) * per_hour))
            warm = np.repeat(told.temperature, per_hour) - 273.15 + 0.2 * noise[2]
            columns = {
                "wind_speed": np.maximum(np.repeat(told.wind_speed, per_hour) * (1 + 0.08 * noise[0]), 0.1),
                "wind_from": (np.repeat(told.wind_from, per_hour) + 5 * noise[1]) % 360,
                "air_temperature": warm,
                "humidity": np.clip(70 - 2.2 * (warm - 8) + 2 * noise[3], 15, 98),
                "air_pressure": 90.5 + 0.03 * noise[4],
            }
            values = np.column_stack([columns[name] for name in FACTORS["weather"]])
            marks = np.full(values.shape, "N")
            heads: tuple[Column, ...] = tuple((name, "avg") for name in FACTORS["weather"])
            found[Ref("station", mast.id)] = report(heads, values, marks, int(STEP.total_seconds()))
        return found
