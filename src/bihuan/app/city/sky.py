"""The weather of the synthetic city: the true one, and what the loop is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bihuan.app.city.draws import Float, draws, table, wander
from bihuan.core import CHINA, Place, Weather


def local_hours(start: datetime, steps: int, step: timedelta) -> Float:
    """Local hour of the day in the middle of each step. [hours]"""
    local = start.astimezone(CHINA)
    first = local.hour + local.minute / 60 + step.total_seconds() / 7200
    return (first + np.arange(steps) * step.total_seconds() / 3600) % 24


def instants(start: datetime, steps: int, step: timedelta) -> NDArray[np.datetime64]:
    """Starts of `steps` steps as UTC datetime64[us]."""
    first = np.datetime64(start.astimezone(UTC).replace(tzinfo=None), "us")
    return first + np.arange(steps) * np.timedelta64(int(step.total_seconds()), "s")


def true_weather(seed: int, start: datetime, hours: int, place: Place) -> Weather:
    """Draw hourly weather: light autumn winds, a prevailing direction that turns slowly, warm calm nights.

    Parameters
    ----------
    seed : int
    start : datetime
        UTC, on an hour.
    hours : int
    place : Place
        Of the weather station.
    """
    settings = table("defaults")["weather"]
    rng = draws(seed, "weather")
    hour = local_hours(start, hours, timedelta(hours=1))
    day = np.clip(np.sin((hour - 7.0) / 11.0 * np.pi), 0.0, None) * ((hour > 7) & (hour < 18))
    gusts = wander(rng, (hours,), 1.0, settings["speed_memory"])
    mean = settings["speed_night"] + (settings["speed_day"] - settings["speed_night"]) * day
    speed = np.maximum(mean * np.exp(settings["speed_sd"] * gusts), 0.8)
    prevailing = rng.uniform(0, 360) + np.cumsum(np.full(hours, rng.uniform(-2.5, 2.5)))
    turn = settings["turn_sd"] * wander(rng, (hours,), 1.0, settings["turn_memory"])
    cold, warm = settings["temperature"]
    low, high = settings["mixing_height"]
    return Weather(
        start=instants(start, hours, timedelta(hours=1)),
        end=instants(start + timedelta(hours=1), hours, timedelta(hours=1)),
        wind_speed=np.round(speed, 2),
        wind_from=np.round((prevailing + turn) % 360, 1),
        stability=_stability(rng, day, speed),
        temperature=np.round(cold + (warm - cold) * day, 2),
        mixing_height=np.round(low + (high - low) * day, 0),
        place=place,
    )


def _stability(rng: np.random.Generator, day: Float, speed: Float) -> NDArray[np.int64]:
    """Pasquill class from sun and wind: neutral in wind and at dusk, unstable at noon, weakly stable at night."""
    settings = table("defaults")["weather"]
    unstable, weak, neutral = settings["day_classes"]
    neutral_night, stable = settings["night_classes"]
    noon = np.where((day > 0.7) & (speed < 3.0), unstable, np.where(day > 0.3, weak, neutral))
    night = np.where((speed > 2.2) | (rng.random(day.size) < 0.25), neutral_night, stable)
    return np.asarray(np.where(day > 0.0, noon, night), dtype=np.int64)


def seen_weather(seed: int, true: Weather, rough: bool) -> Weather:
    """Return the weather that the loop is told: the true one in easy mode, a wrong one in rough mode."""
    if not rough:
        return true
    settings = table("rough")["weather"]
    n = len(true)
    rng = draws(seed, "weather error")
    turn = settings["direction_sd"] * wander(rng, (n,), 1.0, settings["error_memory"])
    factor = settings["speed_factor"] ** wander(rng, (n,), 1.0, settings["error_memory"])
    off = rng.integers(-settings["stability_step"], settings["stability_step"] + 1, n)
    return replace(
        true,
        wind_speed=np.round(np.maximum(true.wind_speed * factor, 0.3), 2),
        wind_from=np.round((true.wind_from + turn) % 360, 1),
        stability=np.clip(true.stability + off, 0, 5).astype(np.int64),
    )
