"""Reading 298,000 city hours of a feed to rows ready for the store, beside what polars alone needs to melt the table.

The file is made here, of the size and form of the national feed (61 cities, six pollutants, float32 Parquet). The
bare baseline reads it and melts it: no exact decimals, no zone, no checks, no complaints, none of the store's columns.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from bihuan.devices.csv import read_feed

CITIES, HOURS = 61, 4_888
LEVELS = {"PM2.5": 60, "PM10": 110, "SO2": 15, "NO2": 38, "O3": 66, "CO": 1}


def write_feed(path: Path) -> int:
    """Write a file of the form of the national feed; return its rows."""
    random = np.random.default_rng(212)
    first = datetime(2018, 12, 1, tzinfo=UTC).replace(tzinfo=None)
    stamps = pl.datetime_range(first, first + timedelta(hours=HOURS - 1), "1h", eager=True, time_unit="us")
    rows = CITIES * HOURS
    columns = {
        name: random.gamma(2.0, level / 2, rows).round(2 if name == "CO" else 0).astype(np.float32)
        for name, level in LEVELS.items()
    }
    cities = np.repeat([f"合成市{number}" for number in range(CITIES)], HOURS)
    index = random.integers(20, 300, rows).astype(np.float32)
    pl.DataFrame({"time": pl.concat([stamps] * CITIES), "city": cities, "AQI": index} | columns).write_parquet(path)
    return rows


def melt(path: Path) -> pl.DataFrame:
    """Bare reading."""
    return pl.read_parquet(path).unpivot(list(LEVELS), index=["time", "city"])


def timed(work: Callable[[], object]) -> float:
    """Return wall time, the best of three. [s]"""
    runs = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        runs.append(time.perf_counter() - began)
    return min(runs)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path, text = Path(folder) / "feed.parquet", Path(folder) / "feed.csv"
        rows = write_feed(path)
        pl.read_parquet(path).write_csv(text)
        tasks: list[tuple[str, Callable[[], object]]] = [
            ("bare polars read and melt", lambda: melt(path)),
            ("read_feed, Parquet", lambda: read_feed(path)),
            ("read_feed, CSV", lambda: read_feed(text)),
        ]
        table = Table("task", "city hours", "values", "wall s", "ratio to bare")
        base = 0.0
        for name, work in tasks:
            wall = timed(work)
            base = base or wall
            table.add_row(name, f"{rows:,}", f"{rows * len(LEVELS):,}", f"{wall:.2f}", f"{wall / base:.1f}")
        Console(width=100).print(table)
