"""A small made-up neighbourhood with a known culprit, seen through an exact or a rough eye.

Easy: the truth travels with the tracer's own plume under the wind that is reported. Rough: it travels as
puffs under a wind that differs from the reported one (sd 20 degrees, speed x1.35, both lasting for hours,
class +-1) and by another 12 degrees and 20 % from place to place; registered rates are wrong by x2 and
positions by 50 m, the background wanders by 25 % (20 % all together, 15 % each station) over hours.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from bihuan.core import Event, Period, Place, Plane, Ref, Series, Source, Weather
from bihuan.physics import GaussianPlume, PuffModel, WindField

PLANE = Plane(Place(113.6, 34.75))
START = datetime(2026, 1, 10, 12, tzinfo=UTC)
STEP = 300
PERIODS = 96
ONSET = 48
"""Period in which the culprit begins."""

Truth = Literal["listed", "hidden", "regional"]


@dataclass
class Scene:
    event: Event | None
    observations: list[Series]
    candidates: list[Source]
    weather: Weather
    culprit: Ref | None
    rate: float


def wander(rng: np.random.Generator, n: int, shape: tuple[int, ...], memory: float) -> np.ndarray:
    """Unit-variance noise with an exponential memory of `memory` periods along the first axis."""
    keep = np.exp(-1 / memory)
    out = np.empty((n, *shape))
    out[0] = rng.normal(size=shape)
    for t in range(1, n):
        out[t] = keep * out[t - 1] + np.sqrt(1 - keep**2) * rng.normal(size=shape)
    return out


def reported_weather(rng: np.random.Generator) -> Weather:
    start = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(PERIODS) * np.timedelta64(STEP, "s")
    speed = np.exp(np.log(rng.uniform(1.8, 4.5)) + 0.2 * wander(rng, PERIODS, (), 36))
    turn = rng.uniform(0, 360) + 18 * wander(rng, PERIODS, (), 48) + 6 * wander(rng, PERIODS, (), 4)
    stability = int(rng.choice([2, 3, 3, 4]))
    full = np.ones(PERIODS)
    return Weather(
        start,
        start + np.timedelta64(STEP, "s"),
        speed,
        turn % 360,
        np.full(PERIODS, stability),
        285 * full,
        rng.uniform(400, 1200) * full,
    )


def sources(rng: np.random.Generator, stacks: int, patches: int) -> list[Source]:
    rows = []
    for k in range(stacks):
        place = PLANE.place(*rng.uniform(-9000, 9000, 2))
        rate = float(np.exp(rng.normal(np.log(4.0), 0.8)))
        hot = {"diameter": 1.5, "exit_velocity": 10.0, "exit_temperature": float(rng.uniform(330, 430))}
        height = float(rng.uniform(15, 60))
        rows.append(Source(Ref("outlet", f"DA{k:03d}"), f"stack {k}", place, "stack", {"pm10": rate}, height, **hot))
    for k in range(patches):
        place = PLANE.place(*rng.uniform(-9000, 9000, 2))
        rate = float(np.exp(rng.normal(np.log(1.5), 0.6)))
        side = float(rng.uniform(60, 250))
        rows.append(Source(Ref("site", f"G{k:03d}"), f"site {k}", place, "area", {"pm10": rate}, 2.0, side=side))
    return rows


def station_places(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """A jittered grid over the neighbourhood."""
    side = int(np.ceil(count**0.5))
    grid = (np.arange(side) + 0.5) / side * 18_000 - 9000
    east, north = (axis.ravel()[:count] for axis in np.meshgrid(grid, grid))
    return east + rng.uniform(-900, 900, count), north + rng.uniform(-900, 900, count)


def true_response(
    rng: np.random.Generator,
    source: Source,
    rates: np.ndarray,
    east: np.ndarray,
    north: np.ndarray,
    weather: Weather,
    rough: bool,
) -> np.ndarray:
    """What the source really causes, (periods, stations)."""
    if not rough:
        return GaussianPlume(PLANE).unit_response([source], east, north, weather)[:, :, 0] * rates[:, None]
    places = rng.uniform(-9000, 9000, (2, 5))
    lasting = 20 * wander(rng, PERIODS, (1,), 36)
    here = lasting + 12 * wander(rng, PERIODS, (5,), 36)
    field = WindField(
        weather.start,
        *places,
        weather.wind_speed[:, None] * np.exp(np.log(1.35) * wander(rng, PERIODS, (1,), 36) + 0.2 * rng.normal(size=5)),
        weather.wind_from[:, None] + here,
        np.clip(weather.stability + rng.choice([-1, 0, 1]), 0, 5),
        weather.temperature,
        weather.mixing_height,
    )
    edges = np.append(weather.start, weather.end[-1])
    moved = replace(
        source, place=PLANE.place(*(np.array(PLANE.forward(source.place.lon, source.place.lat)) + rng.normal(0, 50, 2)))
    )
    return PuffModel(PLANE).concentrations([moved], rates[:, None], east, north, field, edges)[:, :, 0]


def plant(
    rng: np.random.Generator,
    listed: list[Source],
    truth: Truth,
    east: np.ndarray,
    north: np.ndarray,
    weather: Weather,
    wish: float,
) -> tuple[Source, float]:
    """Draw a culprit and its additional rate [g/s] until a station within 4 km sees the wish by the plume."""
    for _ in range(2000):
        source = listed[int(rng.integers(len(listed)))]
        if truth == "hidden":
            place = PLANE.place(*rng.uniform(-8000, 8000, 2))
            source = Source(Ref("hidden", "x"), "hidden", place, "stack", {"pm10": 3.0}, 10.0)
        rate = source.rates["pm10"] * float(np.exp(rng.uniform(np.log(2), np.log(15))))
        unit = GaussianPlume(PLANE).unit_response([source], east, north, weather)[ONSET : ONSET + 18, :, 0]
        here = PLANE.forward(source.place.lon, source.place.lat)
        near = np.hypot(east - here[0], north - here[1]) < 4000
        if near.any() and rate * unit.mean(axis=0)[near].max() > wish:
            return source, rate
    raise AssertionError("no culprit can be seen under this wind")


def make(
    seed: int, *, rough: bool, truth: Truth = "listed", stations: int = 36, stacks: int = 120, patches: int = 30
) -> Scene:
    """Draw one scene; `event` is None where no station noticed anything (nothing to trace)."""
    rng = np.random.default_rng([seed, rough, len(truth)])
    weather = reported_weather(rng)
    listed = sources(rng, stacks, patches)
    east, north = station_places(rng, stations)
    level = rng.uniform(40, 90)
    common = level * (1 + (0.2 if rough else 0.05) * wander(rng, PERIODS, (), 72))
    if truth == "regional":
        common = common + level * 1.2 * np.clip((np.arange(PERIODS) - ONSET) / 12, 0, 1)
    own = np.exp(rng.normal(0, 0.1, stations)) * (1 + (0.15 if rough else 0.04) * wander(rng, PERIODS, (stations,), 60))
    values = common[:, None] * own * (1 + 0.06 * rng.normal(size=(PERIODS, stations)))
    culprit, rate, added = None, 0.0, np.zeros_like(values)
    if truth != "regional":
        source, rate = plant(rng, listed, truth, east, north, weather, 0.4 * level)
        rates = np.zeros(PERIODS)
        rates[ONSET : ONSET + int(rng.integers(24, 48))] = rate
        added = true_response(rng, source, rates, east, north, weather, rough)
        culprit, values = source.ref, values + added
    if rough:
        listed = [replace(s, rates={"pm10": s.rates["pm10"] * float(2 ** rng.normal())}) for s in listed]
    values = np.maximum(values, 1.0)
    values[rng.random(values.shape) < 0.02] = np.nan
    places = [PLANE.place(float(e), float(n)) for e, n in zip(east, north, strict=True)]
    series = [
        Series(
            f"station:S{i:02d}",
            "pm10",
            "minute",
            weather.start,
            weather.end,
            values[:, i],
            np.isfinite(values[:, i]),
            place,
        )
        for i, place in enumerate(places)
    ]
    near = np.ones(stations, bool)
    if culprit is not None:
        here = PLANE.forward(source.place.lon, source.place.lat)
        near = np.hypot(east - here[0], north - here[1]) < 3000
    return Scene(alarm(values, added, places, near, level), series, listed, weather, culprit, rate)


def alarm(values: np.ndarray, added: np.ndarray, places: list[Place], near: np.ndarray, level: float) -> Event | None:
    """What a good alert would raise: the station within 3 km that gets most, or in a regional rise the highest.

    It is looked at 75 minutes after its onset, the first half hour in which the rise is 30 % of the background.
    """
    if not near.any():
        return None
    rise = added if added.any() else values - np.nanmedian(values[:ONSET], axis=0)
    worst = int(np.argmax(np.where(near, np.nanmean(rise[ONSET : ONSET + 30], axis=0), -np.inf)))
    for t in range(ONSET, PERIODS - 20):
        if np.nanmean(rise[t : t + 6, worst]) > 0.3 * level:
            start = START + timedelta(seconds=STEP * t)
            period = Period(start, start + timedelta(minutes=75))
            value = float(np.nanmax(values[t : t + 6, worst]))
            ref = Ref("station", f"S{worst:02d}")
            return Event("e", "rise", "pattern", ref, places[worst], period, "pm10", "note", value, None)
    return None
