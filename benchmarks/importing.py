"""Two files of city hours into an empty store with their indices, beside the least that must be done with the rows.

The bare baseline reads the same Parquet with polars, makes one row a value and inserts those into a new DuckDB file:
no check of a cell, no units or time zones, no key, no days, no index, no way back to the row of the file.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table

from bihuan.app.importing import import_files

SHARED = Path(os.environ.get("BIHUAN_SHARED", Path(__file__).parents[2] / "shared"))
SIX = ("PM2.5", "PM10", "SO2", "NO2", "O3", "CO")


def bare(files: list[Path], folder: Path) -> int:
    """Read, make long, insert."""
    connection = duckdb.connect(str(folder / "bare.duckdb"))
    values = 0
    for place, path in enumerate(files):
        rows = pl.read_parquet(path, columns=["time", "city", *SIX])
        long = rows.unpivot(SIX, index=["time", "city"]).to_arrow()
        connection.register("batch", long)
        connection.execute("CREATE TABLE hours AS FROM batch" if not place else "INSERT INTO hours FROM batch")
        connection.unregister("batch")
        values += long.num_rows
    connection.close()
    return values


def ours(files: list[Path], folder: Path) -> int:
    """Import into a new home."""
    return sum(report.new for report in import_files(folder / "home", files))


def again(files: list[Path], folder: Path) -> int:
    """Import what is there already."""
    return sum(report.unchanged for report in import_files(folder / "home", files))


def main() -> None:
    """Print the table."""
    files = sorted((SHARED / "data" / "china_cities_hourly").glob("*.parquet"))
    if not files:
        print(f"the city hours are not here ({SHARED.name}/data beside the project): nothing measured")
        return
    rows = sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in files)
    tasks: list[tuple[str, Callable[[list[Path], Path], int]]] = [
        ("bare polars read + DuckDB insert", bare),
        ("bihuan import: hours, days, hourly and daily AQI", ours),
        ("bihuan import of the same files again", again),
    ]
    table = Table("task", "city hours", "values", "processor s", "wall s", "rows / s", "values / s", "ratio to bare")
    base = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, work in tasks:
            processor, wall = time.process_time(), time.perf_counter()
            values = work(files, Path(folder))
            processor, wall = time.process_time() - processor, time.perf_counter() - wall
            base = base or wall
            table.add_row(
                name,
                f"{rows:,}",
                f"{values:,}",
                f"{processor:.2f}",
                f"{wall:.2f}",
                f"{rows / wall:,.0f}",
                f"{values / wall:,.0f}",
                f"{wall / base:.1f}",
            )
    Console(width=140).print(table)
