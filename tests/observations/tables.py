"""Tables of readings made by hand, for the tests of this room."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from bihuan.core import READINGS_SCHEMA, ROLLUP_SCHEMA

T0 = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)


def rows(
    values: Sequence[float | None],
    device: str = "D1",
    pollutant: str = "pm25",
    interval: str = "minute",
    step: timedelta = timedelta(minutes=5),
    start: datetime = T0,
    **fields: str,
) -> pl.DataFrame:
    """One reading a step from `start`."""
    table = {
        "device": device,
        "pollutant": pollutant,
        "stat": "avg",
        "interval": interval,
        "mark": "",
        "origin": "live",
        "quality": "good",
        "reason": "",
        "level": "realtime",
        "frame": "f",
    } | fields
    starts = [start + index * step for index in range(len(values))]
    frame = pl.DataFrame(
        {"value": list(values), "start": starts, "end": [at + step for at in starts]},
        schema={"value": pl.Float64, "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")},
    )
    return frame.with_columns(**{name: pl.lit(word) for name, word in table.items()}).select(READINGS_SCHEMA.names)


def hourly(values: Sequence[float | None], device: str = "D1", pollutant: str = "pm25", **fields: str) -> pl.DataFrame:
    """One hourly reading an hour from `T0`."""
    return rows(values, device, pollutant, "hour", timedelta(hours=1), **fields)


def rollups(
    values: Sequence[float | None], site: str = "station:A", basis: str = "device", start: datetime = T0, **fields: str
) -> pl.DataFrame:
    """One hourly roll-up an hour from `start`."""
    step = timedelta(hours=1)
    table = {"site": site, "pollutant": "pm25", "stat": "avg", "basis": basis, "mark": "", "quality": "good"}
    table |= {"reason": "", "level": "realtime"} | fields
    starts = [start + index * step for index in range(len(values))]
    frame = pl.DataFrame(
        {"value": list(values), "start": starts, "end": [at + step for at in starts], "count": [0] * len(values)},
        schema={
            "value": pl.Float64,
            "start": pl.Datetime("us", "UTC"),
            "end": pl.Datetime("us", "UTC"),
            "count": pl.Int32,
        },
    )
    return frame.with_columns(**{name: pl.lit(word) for name, word in table.items()}).select(ROLLUP_SCHEMA.names)
