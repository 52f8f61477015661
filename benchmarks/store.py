"""The series and the journal's reader: small commits, a large import, the same again, beside a bare DuckDB insert.

The bare baseline inserts the same columns into a table of the same types in one transaction: no key, no revision, no
position of the journal, twice the same rows give twice the rows.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import duckdb
import numpy as np
import polars as pl

from bihuan.core import READINGS_SCHEMA
from bihuan.store import Journal, JournalReader, Position, SeriesStore, encode_entry
from bihuan.store.batches import prepared
from bihuan.store.tables import READINGS

T0 = datetime(2026, 1, 31, 16, tzinfo=UTC)
COMMITS, SMALL, LARGE = 200, 1000, 1_800_000


def batch(rows: int, devices: int, first: datetime, step: timedelta) -> pl.DataFrame:
    """Ten pollutants of some devices, period after period."""
    number = np.arange(rows)
    device, period = number // 10 % devices, number // (10 * devices)
    start = pl.Series("start", [first], pl.Datetime("us", "UTC")).gather(np.zeros(rows, np.uint32)) + pl.Series(
        period * int(step.total_seconds() * 1e6), dtype=pl.Duration("us")
    )
    fixed = {"stat": "avg", "interval": "hour", "mark": "N", "origin": "file", "quality": "good", "reason": ""}
    frame = pl.DataFrame(
        {
            "device": pl.Series(device).cast(pl.String),
            "pollutant": pl.Series(number % 10).cast(pl.String),
            "start": start,
            "end": start + step,
            "value": (number * 7919 % 1000) / 10,
            "frame": pl.Series(number // 10).cast(pl.String),
        }
    )
    return frame.with_columns(
        pl.lit("realtime").alias("level"), *(pl.lit(text).alias(name) for name, text in fixed.items())
    ).select(READINGS_SCHEMA.names)


def timed(work: Callable[[], object]) -> float:
    """Return how long a piece of work took. [s]"""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def bare(folder: Path, threads: int) -> Callable[[pl.DataFrame], object]:
    """Return what inserts a batch without a key."""
    connection = duckdb.connect(str(folder / f"bare{threads}.duckdb"), config={"threads": threads})
    connection.execute(READINGS.create)

    def insert(rows: pl.DataFrame) -> None:
        connection.register("batch", prepared(READINGS, rows).to_arrow())
        connection.execute("BEGIN")
        connection.execute(READINGS.insert_all)
        connection.execute("COMMIT")
        connection.unregister("batch")

    return insert


def row(name: str, seconds: float, base: float) -> None:
    """Print one row."""
    print(f"{name:46} {seconds * 1e3:10,.1f} {seconds / base if base else float('nan'):8.2f}", flush=True)


def main() -> None:
    """Print the table."""
    print(f"{'what, load of the machine ' + format(os.getloadavg()[0], '.1f'):46} {'ms':>10} {'to bare':>8}")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        small_commits(folder)
        large_import(folder)
        journal_reading(folder)


def small_commits(folder: Path) -> None:
    """Commits of 1,000 rows with the position of the journal, one thread."""
    insert, store = bare(folder, 1), SeriesStore(folder / "small.duckdb", threads=1)
    batches = [batch(SMALL, 100, T0 + n * timedelta(minutes=5), timedelta(minutes=5)) for n in range(COMMITS)]
    base = float(np.median([timed(lambda b=b: insert(b)) for b in batches]))
    row("commit of 1,000 rows, bare insert", base, base)
    new = [timed(lambda b=b, n=n: store.append(b, consumed={"g1": Position(1, n)})) for n, b in enumerate(batches)]
    row("commit of 1,000 rows, ours", float(np.median(new)), base)
    again = [timed(lambda b=b: store.append(b, consumed={"g1": Position(2, 0)})) for b in batches[:50]]
    row("the same rows sent again", float(np.median(again)), base)
    row("latest of 1,000 series after 200 commits", timed(store.latest), base)
    store.close()


def large_import(folder: Path) -> None:
    """1.8 million rows at once."""
    store = SeriesStore(folder / "large.duckdb")
    rows = batch(LARGE, 300, T0, timedelta(hours=1))
    insert = bare(folder, 2)
    base = timed(lambda: insert(rows))
    row("1.8 million rows, bare insert", base, base)
    row("1.8 million rows, ours", timed(lambda: store.append(rows)), base)
    row("the same file again", timed(lambda: store.append(rows)), base)
    row("all values changed", timed(lambda: store.append(rows.with_columns(pl.col("value") + 1))), base)
    store.close()


def journal_reading(folder: Path) -> None:
    """100,000 frames of 400 bytes: written in groups of 500, then followed; beside reading the bare bytes."""
    journal = Journal(folder / "journal", "g1")
    entries = [encode_entry(b"#" * 400, T0, "10.0.0.1:4001", "known") for _ in range(500)]
    writing = timed(lambda: [journal.append(entries) for _ in range(200)])
    path = folder / "journal" / "g1" / "00000001.log"
    base = timed(path.read_bytes)
    row("100,000 frames into the journal, 200 syncs", writing, base)
    row("100,000 frames out of it, checked", timed(lambda: JournalReader(folder / "journal").check()), base)
    row("sealing them", timed(lambda: seal(journal)), base)
    journal.close()


def seal(journal: Journal) -> None:
    """Close the segment and pack it."""
    journal.append([encode_entry(b"x" * (1 << 20), T0, "p", "known")] * 32)
    journal.append([encode_entry(b"x", T0, "p", "known")])
    assert len(journal.seal()) == 1


if __name__ == "__main__":
    main()
