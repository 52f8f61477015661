"""The city's weather as its own stations measured it, in the form physics and tracing take."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from bihuan.core import Place, Weather
from bihuan.physics import mixing_height, solar_altitude, turner_class

ZERO_CELSIUS = 273.15
USUAL_TEMPERATURE = 288.15
"""Taken where no station measured it; it only enters the plume rise. [K]"""

URBAN_MOST_STABLE = 4
"""Class E: the warm, rough ground of a city keeps F away (EPA-454/R-99-005 section 6.4)."""

WEATHER_POLLUTANTS = ("wind_speed", "wind_from", "air_temperature")


def city_weather(readings: pl.DataFrame, centre: Place, step: timedelta) -> Weather:
    """Average the weather stations of a city into one series without holes in its times.

    Parameters
    ----------
    readings : DataFrame
        ``site pollutant start value`` of `WEATHER_POLLUTANTS`, UTC, usable values only; any order.
    centre : Place
        Where the sun is reckoned.
    step : timedelta
        Length of a period; readings are averaged into it by their start.

    Returns
    -------
    Weather
        Wind is the vector mean over stations for the direction and the scalar mean for the speed; NaN where no
        station spoke. Empty when there are no readings at all.
    """
    size = int(step.total_seconds()) * 1_000_000
    rows = (
        readings.filter(pl.col("pollutant").is_in(WEATHER_POLLUTANTS) & pl.col("value").is_not_null())
        .with_columns(slot=pl.col("start").dt.timestamp("us") // size)
        .sort("slot", "site", "pollutant", "start")
    )
    wide = rows.pivot("pollutant", index=["slot", "site", "start"], values="value", aggregate_function="last")
    for name in WEATHER_POLLUTANTS:
        if name not in wide.columns:
            wide = wide.with_columns(pl.lit(None, pl.Float64).alias(name))
    angle = pl.col("wind_from").radians()
    mean = (
        wide.group_by("slot")
        .agg(
            pl.col("wind_speed").mean().round(9),
            (pl.col("wind_speed") * angle.sin()).mean().round(9).alias("east"),
            (pl.col("wind_speed") * angle.cos()).mean().round(9).alias("north"),
            pl.col("air_temperature").mean().round(9),
        )
        .sort("slot")
    )
    return _laid_out(mean, centre, size)


def _laid_out(mean: pl.DataFrame, centre: Place, size: int) -> Weather:
    slots = mean["slot"].to_numpy()
    every = np.arange(slots[0], slots[-1] + 1) if len(slots) else np.zeros(0, np.int64)
    at = np.searchsorted(every, slots)

    def filled(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        column = np.full(len(every), np.nan)
        column[at] = mean[name].fill_null(float("nan")).to_numpy()
        return column

    speed, east, north = filled("wind_speed"), filled("east"), filled("north")
    temperature = filled("air_temperature") + ZERO_CELSIUS
    start = (every * size).astype("datetime64[us]")
    known = np.where(np.isfinite(speed), speed, 0.0)
    altitude = solar_altitude(start, centre.lon, centre.lat)
    stability = turner_class(known, altitude, most_stable=URBAN_MOST_STABLE)
    return Weather(
        start=start,
        end=((every + 1) * size).astype("datetime64[us]"),
        wind_speed=speed,
        wind_from=np.degrees(np.arctan2(east, north)) % 360,
        stability=stability,
        temperature=np.where(np.isfinite(temperature), temperature, USUAL_TEMPERATURE),
        mixing_height=mixing_height(known, stability),
        place=None,
    )
