"""Series and weather on one clock of equal blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Series, Weather

Float = NDArray[np.float64]
SECOND = np.timedelta64(1, "s")


def block_starts(first: np.datetime64, step: float, count: int) -> NDArray[np.datetime64]:
    """Return the starts of `count` blocks of `step` seconds."""
    return first + np.arange(count) * np.timedelta64(round(step * 1e6), "us")


def block_means(series: Series, first: np.datetime64, step: float, count: int) -> Float:
    """Return the mean of the usable values whose middle falls into each block; NaN where there is none."""
    middle = series.start + (series.end - series.start) / 2
    at = np.floor((middle - first) / SECOND / step).astype(np.int64)
    good = series.usable & np.isfinite(series.value) & (at >= 0) & (at < count)
    values = np.bincount(at[good], weights=series.value[good], minlength=count)
    counts = np.bincount(at[good], minlength=count)
    return np.where(counts > 0, values / np.maximum(counts, 1), np.nan)


def block_weather(weather: Weather, starts: NDArray[np.datetime64], step: float, back: float = 0.0) -> Weather:
    """Return the mean weather of each block and of `back` seconds before it.

    Notes
    -----
    The speed is the mean of speeds, which dilutes; the direction is that of the mean vector, which leads.
    A block without wind has NaN for both; the class is the median one.
    """
    length, lead = np.timedelta64(round(step * 1e6), "us"), np.timedelta64(round(back * 1e6), "us")
    blowing = np.isfinite(weather.wind_speed) & (np.isfinite(weather.wind_from) | (weather.wind_speed == 0))
    angle = np.radians(np.where(np.isfinite(weather.wind_from), weather.wind_from, 0.0))
    columns = np.column_stack(
        [
            weather.wind_speed,
            weather.wind_speed * np.sin(angle),
            weather.wind_speed * np.cos(angle),
            weather.stability,
            weather.temperature,
            weather.mixing_height,
        ]
    )
    rows = np.full((len(starts), 6), np.nan)
    begins = np.searchsorted(weather.end, starts - lead, side="right")
    ends = np.searchsorted(weather.start, starts + length, side="left")
    for k, (low, high) in enumerate(zip(begins, ends, strict=True)):
        part = columns[low:high][blowing[low:high]]
        if len(part):
            rows[k, :3] = part[:, :3].mean(axis=0)
            rows[k, 3] = np.median(part[:, 3])
            rows[k, 4:] = [_known_mean(part[:, 4]), _known_mean(part[:, 5])]
    heading = np.degrees(np.arctan2(rows[:, 1], rows[:, 2])) % 360
    stability = np.where(np.isfinite(rows[:, 3]), rows[:, 3], 3).astype(np.int64)
    return Weather(
        starts, starts + length, rows[:, 0], heading, stability, rows[:, 4], rows[:, 5], weather.height, weather.place
    )


def _known_mean(values: Float) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
