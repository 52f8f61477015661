"""A source, nine stations around it and a wind that turns, for three days before and three days after."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from bihuan.core import Period, Place, Plane, Ref, Series, Source, Weather
from bihuan.physics import GaussianPlume

PLACE = Place(113.6, 34.75)
PLANE = Plane(PLACE)
START = datetime(2026, 1, 10, tzinfo=UTC)
CASE = Ref("case", "c1")


@dataclass
class Scene:
    observations: list[Series]
    weather: Weather
    before: Period
    after: Period


def wander(rng: np.random.Generator, n: int, columns: int, memory: float) -> np.ndarray:
    keep = np.exp(-1 / memory)
    out = rng.normal(size=(n, columns))
    for t in range(1, n):
        out[t] = keep * out[t - 1] + np.sqrt(1 - keep**2) * out[t]
    return out


def make(seed: int, *, left: float, rate: float = 20.0, days: int = 3, swing: float = 60.0) -> Scene:
    """Hourly PM10; after the middle the source emits `left` of its rate [g/s]; the region is lower or higher then."""
    rng = np.random.default_rng(seed)
    hours = 48 * days
    start = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(hours) * np.timedelta64(1, "h")
    turn = rng.uniform(0, 360) + swing * wander(rng, hours, 1, 12)[:, 0]
    speed = np.exp(np.log(2.5) + 0.35 * wander(rng, hours, 1, 8)[:, 0])
    night = (np.arange(hours) % 24 < 10).astype(np.int64)
    weather = Weather(
        start,
        start + np.timedelta64(1, "h"),
        speed,
        turn % 360,
        3 + night,
        np.full(hours, 285.0),
        np.full(hours, 700.0),
    )
    angle = np.radians(np.arange(9) * 40 + rng.uniform(0, 40))
    away = rng.uniform(700, 2500, 9)
    east, north = away * np.sin(angle), away * np.cos(angle)
    source = Source(Ref("outlet", "DA1"), "stack", PLACE, "stack", height=20.0)
    emitted = np.where(np.arange(hours) < hours // 2, 1.0, left) * rate * np.exp(0.3 * wander(rng, hours, 1, 3)[:, 0])
    plume = GaussianPlume(PLANE).unit_response([source], east, north, weather)[:, :, 0] * emitted[:, None]
    region = (
        70
        * np.exp(0.3 * wander(rng, hours, 1, 24))
        * (1 + rng.uniform(-0.3, 0.3) * (np.arange(hours) > hours // 2))[:, None]
    )
    values = region * np.exp(rng.normal(0, 0.1, 9)) * (1 + 0.08 * wander(rng, hours, 9, 5)) + plume
    values[rng.random(values.shape) < 0.03] = np.nan
    observations = [
        Series(
            f"station:S{i}",
            "pm10",
            "hour",
            start,
            weather.end,
            values[:, i],
            np.isfinite(values[:, i]),
            PLANE.place(float(east[i]), float(north[i])),
        )
        for i in range(9)
    ]
    middle = START + timedelta(days=days)
    return Scene(observations, weather, Period(START, middle), Period(middle, middle + timedelta(days=days)))


def incident(seed: int, *, stops: bool) -> Scene:
    """Three hours of an incident in ten-minute readings and three hours after somebody came."""
    rng = np.random.default_rng(seed)
    steps = 36
    start = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(steps) * np.timedelta64(10, "m")
    end = start + np.timedelta64(10, "m")
    turn = rng.uniform(0, 360) + 12 * wander(rng, steps, 1, 6)[:, 0]
    speed = np.exp(np.log(2.2) + 0.15 * wander(rng, steps, 1, 6)[:, 0])
    weather = Weather(start, end, speed, turn % 360, np.full(steps, 3), np.full(steps, 285.0), np.full(steps, 700.0))
    angle = np.radians(np.arange(12) * 30.0)
    away = rng.uniform(700, 2500, 12)
    east, north = away * np.sin(angle), away * np.cos(angle)
    source = Source(Ref("worksite", "W1"), "site", PLACE, "area", height=2.0, side=80.0)
    emitted = np.where((np.arange(steps) < steps // 2) | (not stops), 8.0, 0.0)
    plume = GaussianPlume(PLANE).unit_response([source], east, north, weather)[:, :, 0] * emitted[:, None]
    region = 80 * np.exp(0.1 * wander(rng, steps, 1, 18))
    values = region * (1 + 0.08 * wander(rng, steps, 12, 2)) + plume
    places = [PLANE.place(float(e), float(n)) for e, n in zip(east, north, strict=True)]
    good = np.ones(steps, dtype=bool)
    observations = [
        Series(f"station:S{i}", "pm10", "minute", start, end, values[:, i], good, places[i]) for i in range(12)
    ]
    middle, last = START + timedelta(hours=3), START + timedelta(hours=6)
    return Scene(observations, weather, Period(START, middle), Period(middle, last))
