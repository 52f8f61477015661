"""The hidden truth of the city: what its sources really do, and the planted incidents.

Only `bihuan.app.city` imports this file; the house test holds it. The loop never sees any of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

import numpy as np

from bihuan.app.city.draws import Float, draws, table, wander
from bihuan.app.city.plan import CityPlan
from bihuan.app.city.sky import local_hours, true_weather
from bihuan.core import Period, Place, Ref, Source, Weather, local_date
from bihuan.physics import WindField
from bihuan.register import Station
from bihuan.register import sources as listed_sources

IncidentKind = Literal["night_stack", "dust_site", "hidden_source", "regional", "falsified", "silent", "water_outfall"]

STEP = timedelta(minutes=5)
"""Resolution of everything that happens in the city."""


@dataclass(frozen=True, slots=True, eq=False)
class Incident:
    """One planted incident.

    Attributes
    ----------
    id : str
        From kind and number.
    kind : IncidentKind
    period : Period
        Onset and end as planned; an officer's visit may end it earlier.
    place : Place
        Centre of what happens.
    radius : float
        Of the area it concerns; 0 for a point. [m]
    pollutants : tuple of str
        As stations (or sections) see them, main one first; empty for silence.
    source : Ref or None
        Listed source that causes it, None where nobody in the register does.
    subject : Ref or None
        Site whose device is falsified or silent.
    hidden : bool
        The cause is not in the register.
    amounts : mapping of str to float
        Emission on top of the normal one by pollutant. [g/s]
    emitter : Source or None
        Where and how it leaves, at its true place.
    honest : bool
        The source's own monitor shows it.
    mode : str
        How a series is falsified: ``flat clipped copied``.
    rise : mapping of str to float
        Plateau of a regional episode above the background. [ug/m3]
    downstream : mapping of Ref to float
        Sections that waste water reaches, and how long it takes. [s]
    """

    id: str
    kind: IncidentKind
    period: Period
    place: Place
    radius: float = 0.0
    pollutants: tuple[str, ...] = ()
    source: Ref | None = None
    subject: Ref | None = None
    hidden: bool = False
    amounts: Mapping[str, float] | None = None
    emitter: Source | None = None
    honest: bool = True
    mode: str = ""
    rise: Mapping[str, float] | None = None
    downstream: Mapping[Ref, float] = field(default_factory=dict)

    @property
    def tonnes_per_hour(self) -> float:
        """Emission on top of the normal one, all its own pollutants together. [t/h]"""
        own = self.amounts or {}
        parts = {"so2", "nox", "pm", "cod"} & set(own) or {"pm10", "nh3n"} & set(own) or set(own)
        return sum(own[key] for key in parts) * 3600 / 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What really is and happens.

    Attributes
    ----------
    plan : CityPlan
    weather : Weather
        True hourly weather at the mast.
    wind : WindField or None
        True wind from place to place in rough mode, None in easy mode.
    sources : tuple of Source
        Listed air sources at their true places with their true mean rates.
    activity : ndarray, shape (steps, sources)
        Emission of every source as a share of its mean, `STEP` by `STEP`.
    incidents : tuple of Incident
        By onset.
    """

    plan: CityPlan
    weather: Weather
    wind: WindField | None
    sources: tuple[Source, ...]
    activity: Float
    incidents: tuple[Incident, ...] = ()


def lay_truth(plan: CityPlan) -> Truth:
    """Draw what really is, without incidents: the same city in both modes, apart from what rough mode hides."""
    day = local_date(plan.start)
    mast = next(s for s in plan.register.all(Station, day) if s.kind == "weather")
    weather = true_weather(plan.seed, plan.start, plan.hours, mast.place)
    sources = tuple(_true_source(plan, source) for source in listed_sources(plan.register, day))
    wind = true_wind(plan, weather) if plan.rough else None
    return Truth(plan, weather, wind, sources, _activity(plan, sources))


def _true_source(plan: CityPlan, source: Source) -> Source:
    if not plan.rough:
        return source
    settings = table("rough")["register"]
    rng = draws(plan.seed, "register error", source.ref)
    factor = settings["rate_factor"] ** float(rng.standard_normal())
    east, north = plan.plane.forward(source.place.lon, source.place.lat)
    off = settings["position_sd"] * rng.standard_normal(2)
    place = plan.plane.place(float(east) + float(off[0]), float(north) + float(off[1]))
    return replace(source, place=place, rates={key: rate * factor for key, rate in source.rates.items()})


def _activity(plan: CityPlan, sources: tuple[Source, ...]) -> Float:
    """Daily profile (shifted in rough mode) times a slow wobble of the load."""
    steps = int(timedelta(hours=plan.hours) / STEP)
    hours = local_hours(plan.start, steps, STEP)
    profiles = table("defaults")["profiles"]
    shift = table("rough")["register"]["profile_shift"] if plan.rough else 0
    out = np.empty((steps, len(sources)))
    for k, source in enumerate(sources):
        rng = draws(plan.seed, "activity", source.ref)
        late = int(rng.integers(-shift, shift + 1))
        shape = np.asarray(profiles.get(source.kind, [1.0] * 24))
        wobble = np.exp(0.08 * wander(rng, (steps,), STEP.total_seconds() / 3600, 3.0))
        out[:, k] = shape[((hours - late) % 24).astype(int)] / shape.mean() * wobble
    return out


def true_wind(plan: CityPlan, weather: Weather) -> WindField:
    """Wind that turns steadily between the hours and differs from place to place (`rough.toml`)."""
    settings = table("rough")["space"]
    per_hour = 4
    rows = plan.hours * per_hour
    axis = np.array([-9000.0, -3000.0, 3000.0, 9000.0])
    east, north = (grid.ravel() for grid in np.meshgrid(axis, axis))
    apart = np.hypot(east[:, None] - east[None, :], north[:, None] - north[None, :]) / 1000
    root = np.linalg.cholesky(np.exp(-apart / settings["length"]) + 1e-9 * np.eye(len(east)))
    rng = draws(plan.seed, "wind in space")
    turn, gain = (wander(rng, (rows, len(east)), 1 / per_hour, settings["memory"]) @ root.T for _ in range(2))
    middle = (np.arange(rows) + 0.5) / per_hour
    speed, direction = _between_hours(weather, middle)
    hour = np.minimum(middle.astype(int), plan.hours - 1)
    step = np.timedelta64(3600 // per_hour, "s")
    return WindField(
        start=weather.start[0] + np.arange(rows) * step,
        east=east,
        north=north,
        wind_speed=np.maximum(speed[:, None] * (1 + settings["speed_sd"] * gain), 0.4),
        wind_from=(direction[:, None] + settings["direction_sd"] * turn) % 360,
        stability=weather.stability[hour],
        temperature=weather.temperature[hour],
        mixing_height=weather.mixing_height[hour],
        height=weather.height,
    )


def _between_hours(weather: Weather, middle: Float) -> tuple[Float, Float]:
    """Speed and unwrapped direction at fractional hours, straight between the middles of the hours."""
    hours = np.arange(len(weather)) + 0.5
    direction = np.degrees(np.unwrap(np.radians(weather.wind_from)))
    return np.interp(middle, hours, weather.wind_speed), np.interp(middle, hours, direction)
