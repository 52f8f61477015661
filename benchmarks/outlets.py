"""Hours of outlets held against their permit: tables of files and stored hours, beside the least that must be done.

The bare baseline folds and compares three columns with polars in double precision: no exact comparison, no marks, no
declared conditions, no limit by date, no multiple, no clause, no reason for what cannot be judged.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.aqi import timed
from bihuan.assessment import Circumstances, judge_outlet, outlet_days, outlet_hours
from bihuan.core import Place
from bihuan.register import Outlet, PermitLimit

OUTLETS, HOURS = 150, 240
ITEMS = {"pm": 10.0, "so2": 35.0, "nox": 50.0}
FIRST = datetime(2026, 6, 1, 16, tzinfo=UTC)
"""Midnight in China."""


def city() -> list[Outlet]:
    """Stacks with three limits of the hour and one of the day, and beside the permit a table of a standard."""
    limits = tuple(PermitLimit(item, limit, "hour", "permit") for item, limit in ITEMS.items())
    limits += (PermitLimit("nox", 45.0, "day", "permit"),)
    usual = {"enterprise": "E", "place": Place(113.6, 34.7), "district": "410102", "medium": "air", "limits": limits}
    named = {"o2_reference": 6.0, "standard": "power ultra-low", "regime": "coal"}
    return [Outlet(id=f"DA{number:03d}", name="stack", **usual, **named) for number in range(OUTLETS)]  # type: ignore[arg-type]


def filed() -> pl.DataFrame:
    """The same as a file: a row an outlet, hour and pollutant."""
    random, rows = np.random.default_rng(76), OUTLETS * HOURS * len(ITEMS)
    limit = np.tile(list(ITEMS.values()), OUTLETS * HOURS)
    starts = np.repeat(np.arange(HOURS), OUTLETS * len(ITEMS)) * np.timedelta64(1, "h")
    return pl.DataFrame(
        {
            "site": np.tile(np.repeat([f"DA{number:03d}" for number in range(OUTLETS)], len(ITEMS)), HOURS),
            "start": pl.Series(np.datetime64(FIRST.replace(tzinfo=None), "us") + starts).dt.replace_time_zone("UTC"),
            "pollutant": np.tile(list(ITEMS), OUTLETS * HOURS),
            "value": (random.gamma(4.0, 0.15, rows) * limit).round(2),
            "o2": random.uniform(5, 12, rows).round(2),
            "limit": limit,
            "o2_reference": 6.0,
            "averaging": "hour",
        }
    )


def stored(table: pl.DataFrame) -> pl.DataFrame:
    """The same as roll-ups: the pollutants and the oxygen of an outlet and hour."""
    site = pl.format("outlet:{}", "site").alias("site")
    values = table.select(site, "pollutant", "start", "value")
    oxygen = table.select(site, pl.lit("o2").alias("pollutant"), "start", pl.col("o2").alias("value"))
    rows = pl.concat([values, oxygen.unique(["site", "start"], keep="first", maintain_order=True)])
    return rows.with_columns(
        (pl.col("start") + timedelta(hours=1)).alias("end"),
        pl.lit("avg").alias("stat"),
        pl.lit("device").alias("basis"),
        pl.lit(0).alias("count"),
        pl.lit("N").alias("mark"),
        pl.lit("good").alias("quality"),
        pl.lit("").alias("reason"),
        pl.lit("realtime").alias("level"),
    )


def bare(table: pl.DataFrame) -> pl.DataFrame:
    """Fold and compare, nothing else."""
    return table.select(
        (pl.col("value") * (21 - pl.col("o2_reference")) / (21 - pl.col("o2")) > pl.col("limit")).alias("over")
    )


def main() -> None:
    """Print what a second judges, and what an hour and a day of a city take."""
    table, outlets, known = filed(), city(), Circumstances()
    hours = stored(table)
    parts = {str(site): part for (site,), part in hours.partition_by("site", as_dict=True).items()}
    hour = {site: part.filter(pl.col("start") == FIRST) for site, part in parts.items()}
    day = {site: part.filter(pl.col("start") < FIRST + timedelta(days=1)) for site, part in parts.items()}
    own = [(outlet, f"outlet:{outlet.id}") for outlet in outlets]
    none = hours.clear()
    everything, an_hour = table.height, OUTLETS * len(ITEMS)
    tasks = (
        ("bare polars: folded and compared", everything, lambda: bare(table)),
        ("`judge_outlet`, a table of hours", everything, lambda: judge_outlet(table)),
        ("`outlet_hours`, stored hours, permit and standard", everything,
         lambda: [outlet_hours(outlet, parts[site], known) for outlet, site in own]),
        ("one hour of the loop, 150 outlets", an_hour,
         lambda: [outlet_hours(outlet, hour[site], known) for outlet, site in own]),
        ("one day of the loop, 150 outlets, 24 hours each", OUTLETS * 24,
         lambda: [outlet_days(outlet, day[site], none, known) for outlet, site in own]),
    )  # fmt: skip
    shown = Table("task", "rows", "processor s", "wall s", "rows / processor s", "ratio to bare, per row")
    base = 0.0
    for name, rows, work in tasks:
        processor, wall = timed(work)
        base = base or processor / rows
        per_second = f"{rows / processor:,.0f}"
        shown.add_row(
            name, f"{rows:,}", f"{processor:.3f}", f"{wall:.3f}", per_second, f"{processor / rows / base:,.0f}"
        )
    Console(width=140).print(shown)


if __name__ == "__main__":
    main()
