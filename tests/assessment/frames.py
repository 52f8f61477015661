"""Small tables for the tests of this room."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from bihuan.core import CHINA

HOUR = timedelta(hours=1)
CLEAN = {"so2": 5.0, "no2": 20.0, "pm10": 30.0, "pm25": 15.0, "co": 0.5, "o3": 60.0}
"""An hour on which every sub-index is below 50."""


def local(text: str) -> datetime:
    """An instant of Chinese local time, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


def hours(
    first: str, values: Mapping[str, Sequence[float | None]], site: str = "station:A", step: timedelta = HOUR
) -> pl.DataFrame:
    """A table of consecutive periods from a local instant on."""
    count = len(next(iter(values.values())))
    begin = local(first)
    starts = [begin + step * place for place in range(count)]
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "site": [site] * count,
            "start": pl.Series(starts, dtype=instant),
            "end": pl.Series([start + step for start in starts], dtype=instant),
        }
        | {code: pl.Series(list(column), dtype=pl.Float64) for code, column in values.items()}
    )


def one_hour(first: str = "2020-06-01T08:00", **changed: float | None) -> pl.DataFrame:
    """One clean hour with some concentrations changed."""
    return hours(first, {code: [value] for code, value in (CLEAN | changed).items()})


def one_day(first: str = "2020-06-01", **changed: float | None) -> pl.DataFrame:
    """One clean day, as `daily_means` gives it, with some concentrations changed."""
    values = CLEAN | {"o3_1h": 70.0} | changed
    return hours(first, {code: [value] for code, value in values.items()}, step=timedelta(days=1))
