"""A city's day in the embedded store: 5,000 loggers x 10 factors x 1,440 minutes, loaded, rolled up, sealed and asked.

Beside it the same Arrow batches go into a bare DuckDB table: no key, no revision, no `latest`, no touched hours, no
position of the journal. `--share 0.1` takes a tenth of the loggers for a quick look. The numbers of the loggers begin
alike, as those of one city do. Values are a daily wave with noise at the instrument's resolution: real ones compress
less well.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

import duckdb
import numpy as np
import polars as pl

from bihuan.app.rollups import roll_touched
from bihuan.core import READINGS_SCHEMA, ROLLUP_SCHEMA, Period
from bihuan.store import Position, SeriesStore
from bihuan.store.batches import prepared
from bihuan.store.tables import READINGS

T0 = datetime(2026, 1, 31, 16, tzinfo=UTC)
LOGGERS, FACTORS, MINUTES, STEP = 5_000, 10, 1_440, 10
STATIONS, DAYS = 200, 365


def name_of(number: int) -> str:
    """Number of a logger, 24 characters of which the first 17 are the city's."""
    return f"41010000000000000MN{number:05d}"


def minutes(loggers: int, first: int, count: int, seed: int = 1) -> pl.DataFrame:
    """All factors of all loggers for some minutes, minute after minute as they arrive."""
    chance = np.random.default_rng(seed + first)
    size = count * loggers * FACTORS
    number = np.arange(size)
    minute = first + number // (loggers * FACTORS)
    logger = number // FACTORS % loggers
    start = np.datetime64(T0.replace(tzinfo=None), "us") + minute.astype("timedelta64[m]")
    value = 50 + 20 * np.sin(2 * np.pi * minute / 1440 + logger) + chance.normal(0, 5, size)
    names = pl.Series([name_of(n) for n in range(loggers)])
    factors = pl.Series([f"p{n}" for n in range(FACTORS)])
    frames = pl.Series([f"g1-{1 + first // 100}/{64 + 500 * n}" for n in range(count * loggers)])
    fixed = {"stat": "avg", "interval": "minute", "mark": "N", "origin": "live", "quality": "good", "reason": ""}
    frame = pl.DataFrame(
        {
            "device": names.gather(logger),
            "pollutant": factors.gather(number % FACTORS),
            "start": pl.Series(start).dt.replace_time_zone("UTC"),
            "end": pl.Series(start + np.timedelta64(1, "m")).dt.replace_time_zone("UTC"),
            "value": np.abs(value).round(1),
            "frame": frames.gather(number // FACTORS),
        }
    )
    return frame.with_columns(
        pl.lit("realtime").alias("level"), *(pl.lit(text).alias(column) for column, text in fixed.items())
    ).select(READINGS_SCHEMA.names)


@contextmanager
def row(what: str, rows: int = 0, base: float | None = None) -> Iterator[dict[str, float]]:
    """Print one row when the work inside is done."""
    told: dict[str, float] = {}
    begun, spent = perf_counter(), process_time()
    yield told
    wall, own = perf_counter() - begun, process_time() - spent
    told["wall"], told["own"] = wall, own
    speed = f"{rows / wall:14,.0f}" if rows else f"{'':14}"
    ratio = f"{own / base:7.2f}" if base else f"{'':7}"
    load = os.getloadavg()[0]
    print(f"{what:58} {rows:12,} {wall:9.3f} {own:9.3f} {speed} {ratio} {load:5.1f}", flush=True)


def best(what: str, work: Callable[[], object], times: int = 5) -> None:
    """Print the best wall and processor time of several, and the worst wall time."""
    walls, owns = [], []
    for _ in range(times):
        begun, spent = perf_counter(), process_time()
        answer = work()
        walls.append(perf_counter() - begun)
        owns.append(process_time() - spent)
    rows = answer.height if isinstance(answer, pl.DataFrame) else 0
    print(
        f"{what:58} {rows:12,} {min(walls):9.3f} {min(owns):9.3f} {'worst ' + format(max(walls), '.3f'):>14} "
        f"{'':7} {os.getloadavg()[0]:5.1f}",
        flush=True,
    )


def bare(folder: Path, loggers: int, step: int) -> tuple[float, int]:
    """Insert the same batches without anything around; return processor seconds and bytes."""
    path = folder / "bare.duckdb"
    connection = duckdb.connect(str(path), config={"threads": 2, "preserve_insertion_order": False})
    connection.execute(READINGS.create)
    rows = MINUTES * loggers * FACTORS
    own = 0.0
    begun = perf_counter()
    for first in range(0, MINUTES, step):
        batch = prepared(READINGS, minutes(loggers, first, step)).to_arrow()
        spent = process_time()
        connection.register("batch", batch)
        connection.execute(READINGS.insert_all)
        connection.unregister("batch")
        own += process_time() - spent
    spent = process_time()
    connection.execute("CHECKPOINT")
    own += process_time() - spent
    connection.close()
    size = path.stat().st_size
    path.unlink()
    print(
        f"{'bare insert of the same batches, making them included':58} {rows:12,} {perf_counter() - begun:9.1f}"
        f" {own:9.1f} {rows / own:14,.0f} {1:7.2f} {os.getloadavg()[0]:5.1f}",
        flush=True,
    )
    print(f"    size {size / 1e6:,.0f} MB, {size / rows:.2f} bytes a row")
    return own, size


def load(series: SeriesStore, loggers: int, step: int, base: float) -> None:
    """The day as it arrives: a commit of all loggers every `step` minutes."""
    rows = MINUTES * loggers * FACTORS
    own, worst, begun = 0.0, 0.0, perf_counter()
    for first in range(0, MINUTES, step):
        batch = minutes(loggers, first, step)
        spent, at = process_time(), perf_counter()
        series.append(batch, consumed={"g1": Position(1 + first, 64)})
        own += process_time() - spent
        worst = max(worst, perf_counter() - at)
    wall = perf_counter() - begun
    print(
        f"{'the day into the series, making batches included':58} {rows:12,} {wall:9.1f} {own:9.1f} {rows / own:14,.0f}"
        f" {own / base if base else 0:7.2f} {os.getloadavg()[0]:5.1f}",
        flush=True,
    )
    print(f"    slowest commit of {step * loggers * FACTORS:,} rows {worst:.2f} s")


def hourly_year(stations: int) -> Iterator[pl.DataFrame]:
    """A year of hours of some stations, a month at a time."""
    size = stations * FACTORS * 24
    for day in range(0, DAYS, 30):
        count = min(30, DAYS - day)
        number = np.arange(size * count)
        hour = day * 24 + number // (stations * FACTORS)
        start = np.datetime64(T0.replace(tzinfo=None), "us") + hour.astype("timedelta64[h]")
        sites = pl.Series([f"station:{1000 + n}A" for n in range(stations)])
        factors = pl.Series([f"p{n}" for n in range(FACTORS)])
        fixed = {"stat": "avg", "basis": "minutes", "mark": "", "quality": "good", "reason": "", "level": "realtime"}
        yield (
            pl.DataFrame(
                {
                    "site": sites.gather(number // FACTORS % stations),
                    "pollutant": factors.gather(number % FACTORS),
                    "start": pl.Series(start).dt.replace_time_zone("UTC"),
                    "end": pl.Series(start + np.timedelta64(1, "h")).dt.replace_time_zone("UTC"),
                    "value": np.abs(50 + 20 * np.sin(hour / 24) + number % 97).round(1),
                    "count": pl.Series(np.full(len(number), 60), dtype=pl.Int32),
                }
            )
            .with_columns(*(pl.lit(text).alias(column) for column, text in fixed.items()))
            .select(ROLLUP_SCHEMA.names)
        )


def daily_year(stations: int) -> Iterator[pl.DataFrame]:
    """A year of days of some stations."""
    for month in hourly_year(stations):
        start = pl.col("start")
        whole = month.filter(start.dt.hour() == T0.hour)
        yield whole.with_columns(end=start.dt.offset_by("24h"), basis=pl.lit("hours"), count=pl.lit(24, pl.Int32))


def many_latest(path: Path) -> None:
    """The newest readings of a whole city, when the day was of a part of it."""
    series = SeriesStore(path)
    for minute in range(4):
        series.append(minutes(LOGGERS, minute, 1))
    best("a minute of 5,000 loggers stored, and latest of all", lambda: _with_news(series), 3)
    best("latest of 5,000 loggers x 10, asked again", series.latest)
    series.close()


def _with_news(series: SeriesStore) -> pl.DataFrame:
    """Store a minute of everybody and ask: both are timed."""
    newest = series.latest()["start"].max()
    series.append(minutes(LOGGERS, 1 + round((newest - T0).total_seconds() / 60), 1))  # type: ignore[operator]
    return series.latest()


def ask(series: SeriesStore, loggers: int, when: str) -> None:
    """What people ask of minutes."""
    week = Period(T0 - timedelta(days=6), T0 + timedelta(days=1))
    asked = [name_of(loggers * part // 7) for part in range(1, 6)]
    turn = iter(range(10**6))
    best(f"one logger's last week, {when}", lambda: series.readings([asked[next(turn) % 5]], None, "minute", week), 10)
    best("latest of all loggers and factors", series.latest)
    best("latest of one logger", lambda: series.latest([name_of(7)]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks citysday")
    parser.add_argument("--share", type=float, default=0.1 if "citysday" not in sys.argv else 1.0)
    parser.add_argument("--bare", action=argparse.BooleanOptionalAction, default=True, help="insert without us as well")
    asked, _ = parser.parse_known_args()
    loggers = max(10, int(LOGGERS * asked.share))
    step = STEP
    rows = MINUTES * loggers * FACTORS
    print(f"{'what':58} {'rows':>12} {'wall s':>9} {'own s':>9} {'rows/s':>14} {'to bare':>7} {'load':>5}")
    with tempfile.TemporaryDirectory(prefix="bihuan-citysday-", dir="/tmp") as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < 20e9 * asked.share + 1e9:
            sys.exit(f"{folder} needs {20 * asked.share + 1:.0f} GB of room")
        base = bare(folder, loggers, step)[0] if asked.bare else 0.0
        series = SeriesStore(folder / "series.duckdb")
        load(series, loggers, step, base)
        series.checkpoint()
        _size(series, rows)
        ask(series, loggers, "the open day")
        with row("its hours put in order as they fill", rows) as told:
            told["rows"] = series.order_hours(T0 + timedelta(days=1))
        print(f"    of which {told['rows']:,.0f} rows were enough; the rest waits for more")
        if told["rows"]:
            ask(series, loggers, "the open day, hours in order")
        sites = {name_of(number): f"station:{number}" for number in range(loggers)}
        with row("hours of the day from its minutes", rows):
            roll_touched(series, sites, 45.0, T0 + timedelta(days=2), piece=loggers)
        late = minutes(loggers, 700, 1, seed=99).head(FACTORS * 50)
        with row("a late correction of 50 loggers stored", late.height):
            series.append(late)
        with row("its hours averaged anew", 50):
            roll_touched(series, sites, 45.0, T0 + timedelta(days=2))
        with row("the day put in order", rows):
            series.resort(T0 + timedelta(days=2))
        _size(series, rows)
        ask(series, loggers, "a sealed day")
        with row("a year of hours of 200 stations stored", STATIONS * FACTORS * DAYS * 24):
            for month in hourly_year(STATIONS):
                series.append(hours=month)
        names = [f"station:{1000 + n}A" for n in range(STATIONS)]
        year = Period(T0, T0 + timedelta(days=DAYS))
        best("daily means of 200 stations over a year", lambda: series.means_by_day(names, year, timedelta(hours=8)))
        for days in daily_year(STATIONS):
            series.append(days=days)
        best("days of record of 200 stations over a year", lambda: series.days(names, period=year))
        series.close()
        if loggers < LOGGERS:
            many_latest(folder / "latest.duckdb")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"    most memory of the process {peak:.1f} GB")


def _size(series: SeriesStore, rows: int) -> None:
    used = series.query("SELECT used_blocks * block_size AS used FROM pragma_database_size()")["used"][0]
    print(f"    size {series.path.stat().st_size / 1e6:,.0f} MB, of which used {used / 1e6:,.0f} MB,", end=" ")
    print(f"{used / rows:.2f} bytes a reading", flush=True)


if __name__ == "__main__":
    main()
