"""Readings and hours of our own making, for the tests of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from bihuan.core import READINGS_SCHEMA, ROLLUP_SCHEMA, Reading, readings_table

T0 = datetime(2026, 1, 31, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def reading(device: str = "MN1", minute: int = 0, value: float | None = 1.0, **other: Any) -> Reading:
    start = T0 + minute * MINUTE
    fields: dict[str, Any] = {"pollutant": "so2", "stat": "avg", "interval": "minute", "mark": "N", "frame": "g1-1/64"}
    return Reading(device=device, start=start, end=start + MINUTE, value=value, **(fields | other))


def table(*readings: Reading) -> Any:
    return readings_table(readings)


def many(devices: int, minute: int, pollutants: int = 10, interval: str = "minute", first: int = 0) -> pl.DataFrame:
    """One reading of each pollutant of each device at one minute."""
    size = devices * pollutants
    start = T0 + minute * MINUTE
    frame = pl.DataFrame(
        {
            "device": [f"MN{first + number // pollutants:06d}" for number in range(size)],
            "pollutant": [f"p{number % pollutants}" for number in range(size)],
            "value": [float((number * 7 + minute) % 101) for number in range(size)],
            "frame": [f"g1-1/{64 + number // pollutants * 500}" for number in range(size)],
        }
    )
    fixed = {"stat": "avg", "interval": interval, "mark": "N", "origin": "live", "quality": "good"}
    return frame.with_columns(
        *(pl.lit(text).alias(name) for name, text in (fixed | {"reason": "", "level": "realtime"}).items()),
        pl.lit(start).dt.cast_time_unit("us").alias("start"),
        pl.lit(start + MINUTE).dt.cast_time_unit("us").alias("end"),
    ).select(READINGS_SCHEMA.names)


def hour(site: str = "station:1", hours: int = 0, value: float | None = 1.0, **other: Any) -> pl.DataFrame:
    start = T0 + timedelta(hours=hours)
    row: dict[str, Any] = {
        "site": site, "pollutant": "so2", "stat": "avg", "basis": "minutes", "start": start,
        "end": start + timedelta(hours=1), "value": value, "count": 60, "mark": "", "quality": "good", "reason": "",
        "level": "realtime",
    }  # fmt: skip
    frame = pl.DataFrame([row | other], schema_overrides={"value": pl.Float64, "count": pl.Int32})
    return frame.select(ROLLUP_SCHEMA.names)
