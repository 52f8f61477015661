"""Hand-made hours of a city, and the material of a bulletin around them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from bihuan.assessment import daily_means
from bihuan.core import CHINA, NATIONAL_SIX, local_day
from bihuan.register import Register
from bihuan.reports import Material

DAY = date(2019, 2, 6)
NOW = datetime(2019, 2, 7, 0, tzinfo=UTC)
CITY = "city:410100"
SCHEMA = {"site": pl.String, "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")} | dict.fromkeys(
    NATIONAL_SIX, pl.Float64
)


def hours(day: date, site: str = CITY, **values: float) -> pl.DataFrame:
    """A day of equal hours; PM2.5 is 10 higher from 03:00 to 04:00 and 10 lower an hour later."""
    base = {"pm25": 100.0, "pm10": 160.0, "so2": 12.0, "no2": 40.0, "co": 1.2, "o3": 60.0} | values
    start = local_day(day, CHINA).start
    rows: list[dict[str, Any]] = []
    for hour in range(24):
        begins = start + timedelta(hours=hour)
        swing = {3: 10.0, 4: -10.0}.get(hour, 0.0)
        row = base | {"pm25": base["pm25"] + swing}
        rows.append({"site": site, "start": begins, "end": begins + timedelta(hours=1)} | row)
    return pl.DataFrame(rows, schema=SCHEMA)


def empty() -> Material:
    """A home in which nothing is stored."""
    none = pl.DataFrame(schema=SCHEMA)
    days = daily_means(none)
    rows = pl.DataFrame(schema={"site": pl.String, "pollutant": pl.String, "value": pl.Float64})
    return Material(
        day=DAY,
        now=NOW,
        site=CITY,
        city="合成市",
        register=Register(),
        days=days,
        hours=none.with_columns(level=pl.lit("realtime")),
        stations=days,
        districts=days,
        cities=days,
        weather=rows,
        dust=rows,
    )


def known(**changes: Any) -> Material:
    """The day, the days before it in the month, and the same days a year earlier at a fifth less."""
    span = [date(2019, 2, number) for number in range(1, 7)]
    past = [date(2018, 2, number) for number in range(1, 7)]
    everything = pl.concat(
        [hours(day) for day in span] + [hours(day, pm25=125.0) for day in past],
    )
    today = hours(DAY)
    others = daily_means(
        pl.concat([hours(DAY, "city:A", pm25=20.0, pm10=30.0), hours(DAY, "city:B", pm25=300.0), today])
    )
    return replace(
        empty(),
        days=daily_means(everything),
        hours=today.with_columns(level=pl.lit("realtime")),
        cities=others,
        as_of=local_day(DAY, CHINA).end,
        **changes,
    )
