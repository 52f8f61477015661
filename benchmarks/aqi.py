"""Hourly index of 3.5 million station hours, beside the least that any float code must do.

The bare baseline interpolates six columns with `numpy.interp`, takes the largest and rounds it up: no half-even
rounding, no exact ceiling, no missing rule, no primary pollutant, no edition by date.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from bihuan.assessment import daily_aqi, daily_means, hourly_aqi, rolling_mean
from bihuan.standards import lookup

ROWS, SITES = 3_500_000, 100
BLOCK, MANY = 2_000_000, 100_000_000
LEVELS = {"so2": 10, "no2": 40, "pm10": 90, "pm25": 50, "co": 1, "o3": 80}


def station_hours(rows: int = ROWS, sites: int = SITES) -> pl.DataFrame:
    """Gamma-distributed hours of some stations up to the change of law, CO with two decimals."""
    random = np.random.default_rng(633)
    length = rows // sites
    first = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(hours=length // 2)
    start = pl.datetime_range(first, first + timedelta(hours=length - 1), "1h", eager=True, time_unit="us")
    starts = pl.concat([start] * sites)
    columns = {
        code: random.gamma(2.0, level / 2, rows).round(2 if code == "co" else 0) for code, level in LEVELS.items()
    }
    names = np.repeat([f"station:{place}" for place in range(sites)], length)
    return pl.DataFrame({"site": names, "start": starts, "end": starts + timedelta(hours=1)} | columns)


def bare(hours: pl.DataFrame) -> np.ndarray:
    """Plain float interpolation by the tables of 2012."""
    standard = lookup("HJ 633", on=datetime(2026, 1, 1, tzinfo=UTC).date())
    parts = []
    for code in LEVELS:
        row = standard.row("breakpoints", code, averaging="24h" if code.startswith("pm") else "1h")
        points, indices = [float(value) for value in row["concentration"]], [float(value) for value in row["iaqi"]]
        parts.append(np.interp(hours[code].to_numpy(), points, indices))
    return np.ceil(np.max(parts, axis=0))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return processor and wall time, the better of two runs. [s]"""
    runs = []
    for _ in range(2):
        processor, wall = time.process_time(), time.perf_counter()
        work()
        runs.append((time.process_time() - processor, time.perf_counter() - wall))
    return min(runs)


def in_blocks(hours: pl.DataFrame, rows: int, work: Callable[[pl.DataFrame], object]) -> tuple[float, float, int]:
    """Return processor and wall time [s] of a work over many rows, block by block, and how many rows it were.

    Each block is the one before with its concentrations moved on by a row, so that no block is the same table again.
    """
    processor = wall = 0.0
    done, block = 0, hours
    while done < rows:
        began = time.process_time(), time.perf_counter()
        work(block)
        processor, wall = processor + time.process_time() - began[0], wall + time.perf_counter() - began[1]
        done += block.height
        moved = {code: np.roll(block[code].to_numpy(), 1) for code in LEVELS}
        block = block.with_columns(pl.Series(code, values) for code, values in moved.items())
    return processor, wall, done


def blocks_table() -> Table:
    """100 M hours in blocks of 2 M: what one core does a second."""
    hours = station_hours(BLOCK)
    table = Table("task", "rows", "block", "processor s", "wall s", "rows / processor s", "rows / s (wall)", "ratio")
    base = 0.0
    tasks: list[tuple[str, Callable[[pl.DataFrame], object]]] = [
        ("bare numpy interpolation, float ceil", bare),
        ("hourly_aqi hour_1h", hourly_aqi),
    ]
    for name, work in tasks:
        processor, wall, rows = in_blocks(hours, MANY, work)
        base = base or processor
        speed = (f"{rows / processor:,.0f}", f"{rows / wall:,.0f}", f"{processor / base:.1f}")
        table.add_row(name, f"{rows:,}", f"{BLOCK:,}", f"{processor:.1f}", f"{wall:.1f}", *speed)
    return table


def main() -> None:
    """Print the tables."""
    hours = station_hours()
    year = hours.filter(pl.int_range(pl.len()).over("site") < 24 * 365)
    tasks: list[tuple[str, int, Callable[[], object]]] = [
        ("bare numpy interpolation (wrong at ties and ceilings)", hours.height, lambda: bare(hours)),
        ("hourly_aqi hour_1h", hours.height, lambda: hourly_aqi(hours)),
        ("rolling_mean 24 h, six pollutants", year.height, lambda: rolling_mean(year, 24, at_least=20)),
        ("daily_means + daily_aqi", year.height, lambda: daily_aqi(daily_means(year))),
    ]
    table = Table("task", "rows", "processor s", "wall s", "rows / s (wall)", "ratio to bare, per row")
    base = 0.0
    for name, rows, work in tasks:
        processor, wall = timed(work)
        base = base or processor / rows
        ratio = processor / rows / base
        table.add_row(name, f"{rows:,}", f"{processor:.2f}", f"{wall:.2f}", f"{rows / wall:,.0f}", f"{ratio:.1f}")
    Console(width=120).print(table)
    Console(width=120).print(blocks_table())
