"""What a core holds in memory once its windows are full: a day and a half of every logger's minutes.

`python -m benchmarks window [--loggers 250] [--hours 34]`. The minutes of some loggers with ten factors each lie in the
embedded store; a core begins in a process of its own, takes a step, then one five minutes later, and tells its largest
memory. Without rows beside it: what a core takes before any minute. Both together give the cost of a row.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from benchmarks.away import EVERY, POLLUTANTS, minutes, settle
from bihuan.app.loop import TICK, WATERMARK, Loop
from bihuan.app.notify import Notifications
from bihuan.app.rollups import roll_touched
from bihuan.core import CHINA, HOUR, floor_to, iso, to_json
from bihuan.store import open_store

CITY = 5_000
"""Loggers of a city, for what is extrapolated."""


def fill(home: Path, loggers: int, began: datetime, now: datetime) -> int:
    """Store every minute of a stretch, an hour in a commit."""
    rows, at, sites = 0, began, {f"MN{n:06d}": f"station:{n}" for n in range(loggers)}
    with open_store(home, threads=2) as store:
        while at < now:
            pieces = [minutes(loggers, at + n * timedelta(minutes=EVERY)) for n in range(60 // EVERY)]
            rows += store.series.append(pl.concat(pieces)).new
            at += HOUR
            roll_touched(store.series, sites, 45.0, at + HOUR)  # as a core that judged all the time has done
        store.records.set_state(WATERMARK, to_json(iso(now)))
    return rows


def begin(home: Path, now: datetime) -> None:
    """Let a core take its first two steps, and print what they took."""
    with open_store(home, threads=2) as store:
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), now)
        told = {}
        for name, at in (("first", now + TICK), ("second", now + 2 * TICK)):
            wall, used = time.perf_counter(), time.process_time()
            loop.step(at)
            told[name] = {"wall": time.perf_counter() - wall, "own": time.process_time() - used}
            told[name]["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            told[name]["held"] = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    print(json.dumps(told), flush=True)


def run(folder: Path, loggers: int, hours: int) -> tuple[int, dict[str, dict[str, float]]]:
    """Fill a home and let a core begin there; return the rows and what it told."""
    folder.mkdir()
    now = floor_to(datetime.now(UTC), HOUR)
    settle(folder, loggers)
    rows = fill(folder, loggers, now - hours * HOUR, now)
    command = [sys.executable, "-m", "benchmarks", "window", "--child", str(folder), "--now", iso(now)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return rows, json.loads(said.splitlines()[-1])


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--loggers", type=int, default=250)
    parser.add_argument("--hours", type=int, default=34)
    parser.add_argument("--child", default="")
    parser.add_argument("--now", default="")
    asked = parser.parse_known_args(words)[0]
    if asked.child:
        begin(Path(asked.child), datetime.fromisoformat(asked.now))
        return
    print(f"{'loggers':>8} {'rows':>12} {'step':>7} {'wall s':>8} {'own s':>8} {'held MB':>9} {'most MB':>9}")
    with tempfile.TemporaryDirectory(prefix="bihuan-window-") as folder:
        found = {}
        for loggers, hours in ((asked.loggers, 0), (asked.loggers, asked.hours)):
            rows, told = run(Path(folder, str(hours)), loggers, hours)
            found[hours] = (rows, told)
            for name, row in told.items():
                print(
                    f"{loggers:8,} {rows:12,} {name:>7} {row['wall']:8.1f} {row['own']:8.1f} {row['held']:9,.0f} "
                    f"{row['peak']:9,.0f}"
                )
    (_, bare), (rows, full) = found[0], found[asked.hours]
    per_row = (full["second"]["peak"] - bare["second"]["peak"]) * 2**20 / rows
    city = CITY * len(POLLUTANTS) * 60 * asked.hours
    print(f"{per_row:.0f} bytes a row at most; a city's {city:,} rows: {city * per_row / 2**30:.1f} GB (extrapolated)")


if __name__ == "__main__":
    main()
