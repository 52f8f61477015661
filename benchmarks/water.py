"""All 21 items of a million river samples, beside the least that any code must do.

The bare baseline compares every value with its five limits and keeps the worst class: no items that decide, no
multiples, no values below detection, no status, no names of what was not measured.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.aqi import timed
from bihuan.assessment import judge_water, water_classes, water_law, water_means

ON, ROWS, SITES = date(2024, 1, 1), 1_000_000, 200


def samples(rows: int = ROWS) -> pl.DataFrame:
    """Gamma-distributed samples around half of class III, oxygen 2 to 10 mg/L, pH 6.5 to 8.8; six decimals."""
    random = np.random.default_rng(3838)
    columns: dict[str, np.ndarray] = {}
    for item, row in water_law(ON).items.items():
        if row["kind"] == "max":
            columns[item] = random.gamma(2.0, float(row["classes"][2]) / 6, rows).round(6)
        else:
            columns[item] = random.uniform(*((6.5, 8.8) if row["kind"] == "range" else (2.0, 10.0)), rows).round(2)
    hours = np.datetime64("2012-01-01", "us") + np.repeat(np.arange(rows // SITES), SITES) * np.timedelta64(4, "h")
    sites = np.tile([f"section:{place}" for place in range(SITES)], rows // SITES)
    return pl.DataFrame({"site": sites, "start": pl.Series(hours).dt.replace_time_zone("UTC")} | columns)


def bare(frame: pl.DataFrame) -> np.ndarray:
    """The worst class only."""
    worst = np.ones(frame.height, np.uint8)
    for item, row in water_law(ON).items.items():
        values, number = frame[item].to_numpy(), np.ones(frame.height, np.uint8)
        for limit in row["classes"]:
            if row["kind"] == "range":
                number += (values < limit[0]) | (values > limit[1])
            else:
                number += (values > float(limit)) if row["kind"] == "max" else (values < float(limit))
        np.maximum(worst, number, out=worst)
    return worst


def main() -> None:
    """Print the table."""
    frame = samples()
    law = water_law(ON)
    holes = frame.with_columns(
        pl.when(pl.int_range(pl.len()) % 5 == place % 5).then(None).otherwise(pl.col(item)).alias(item)
        for place, item in enumerate(law.items)
    )
    ready = frame.with_columns(pl.int_range(1, pl.len() + 1).alias("row"), pl.lit("river").alias("water_body"))
    tasks: list[tuple[str, int, Callable[[], object]]] = [
        ("bare comparisons, worst class only", frame.height, lambda: bare(frame)),
        ("water_classes: 21 items, worst, multiples, status", frame.height, lambda: water_classes(frame, law)),
        ("water_classes, a fifth of the values missing", frame.height, lambda: water_classes(holes, law)),
        ("water_means by month (exact)", frame.height, lambda: water_means(ready, "month")),
        ("judge_water, the whole door", frame.height, lambda: judge_water(frame)),
    ]
    table = Table("task", "samples", "processor s", "wall s", "samples / s (wall)", "ratio to bare (wall)")
    base = 0.0
    for name, rows, work in tasks:
        processor, wall = timed(work)
        base = base or wall
        table.add_row(name, f"{rows:,}", f"{processor:.2f}", f"{wall:.2f}", f"{rows / wall:,.0f}", f"{wall / base:.1f}")
    Console(width=130).print(table)
