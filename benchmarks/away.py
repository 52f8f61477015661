"""A judging core that was away: how much memory and time it takes until it has judged what another host stored.

``python -m benchmarks away [--loggers 250] [--hours 6]``. Another host stores the minutes of some loggers with ten
factors each while nobody judges; then a core begins in a process of its own, catches up and tells its largest memory.
Beside it, in another process, the same at one go: the core is given everything at its first step.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from bihuan.app.loop import TICK, WATERMARK, Loop
from bihuan.app.notify import Notifications
from bihuan.app.others import FOLLOWED
from bihuan.core import CHINA, READINGS_SCHEMA, Place, floor_to, iso, to_json
from bihuan.register import Device, Station
from bihuan.store import LakeAddress, LakeStore, open_store

POLLUTANTS = ("pm25", "pm10", "so2", "no2", "nox", "co", "o3", "tsp", "nmhc", "no")
EVERY = 5
"""Minutes of one commit."""


def settle(home: Path, loggers: int) -> None:
    """Make a home that knows the loggers."""
    place = Place(113.6, 34.7)
    with open_store(home, threads=1) as store:
        stations = [Station(id=str(n), name="", kind="city", place=place, district="d") for n in range(loggers)]
        devices = [Device(id=f"MN{n:06d}", name="", site=f"station:{n}", rhythm={"minute": 60}) for n in range(loggers)]
        store.records.save_facts([*stations, *devices])


def minutes(loggers: int, start: datetime) -> pl.DataFrame:
    """Return some minutes of all loggers."""
    names = pl.DataFrame({"device": [f"MN{n:06d}" for n in range(loggers)]}).join(
        pl.DataFrame({"pollutant": POLLUTANTS}), how="cross"
    )
    times = pl.DataFrame({"start": [start + timedelta(minutes=n) for n in range(EVERY)]}).with_columns(
        pl.col("start").dt.cast_time_unit("us")
    )
    fixed = {"stat": "avg", "interval": "minute", "mark": "N", "origin": "live", "quality": "good", "reason": ""}
    words = fixed | {"level": "realtime", "frame": "gb1-1/64"}
    return (
        names.join(times, how="cross")
        .with_columns(
            *(pl.lit(value).alias(name) for name, value in words.items()),
            end=pl.col("start") + timedelta(minutes=1),
            value=10.0 + (pl.col("device").hash(1) % 5 + pl.col("start").dt.minute() % 3).cast(pl.Float64),
        )
        .select(READINGS_SCHEMA.names)
    )


def catch_up(home: Path, address: LakeAddress, began: datetime, now: datetime, at_once: bool) -> None:
    """Take the steps of a core that was away, and print what they took."""
    with open_store(home, threads=2, series=address) as store:
        wall, used = time.perf_counter(), time.process_time()
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), began)
        ticks = [now] if at_once else [began + TICK * n for n in range(1, (now - began) // TICK + 1)]
        rows = 0
        for tick in ticks:
            taken = loop.step(tick, None if at_once or tick == ticks[-1] else tick).taken
            rows += taken.readings.height
        figures = {
            "rows": rows,
            "verdicts": store.records.count("verdict"),
            "steps": len(ticks),
            "wall": time.perf_counter() - wall,
            "own": time.process_time() - used,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    print(json.dumps(figures), flush=True)


def fill(address: LakeAddress, loggers: int, began: datetime, now: datetime) -> int:
    """Store the minutes as another host does; each commit is dated as if it had been made in its time."""
    import psycopg  # noqa: PLC0415  # part of the extra

    other, rows, at = LakeStore(replace(address, host="gb"), threads=2), 0, began
    while at < now:
        rows += other.append(minutes(loggers, at)).new
        at += timedelta(minutes=EVERY)
        with psycopg.connect(address.conninfo, autocommit=True) as connection:
            connection.execute(
                f'UPDATE "{address.schema}".ducklake_snapshot SET snapshot_time = %s '
                f'WHERE snapshot_id = (SELECT max(snapshot_id) FROM "{address.schema}".ducklake_snapshot)',
                [at],
            )
    other.close()
    return rows


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--loggers", type=int, default=250)
    parser.add_argument("--hours", type=int, default=6)
    parser.add_argument("--child", default="")
    asked = parser.parse_known_args(words)[0]
    if asked.child:
        given = json.loads(asked.child)
        address = LakeAddress(given["catalog"], given["data"], "city", "ga")
        times = (datetime.fromisoformat(given[name]) for name in ("began", "now"))
        catch_up(Path(given["home"]), address, *times, given["at_once"])
        return
    from tests.store.postgres import Server  # noqa: PLC0415  # only who runs it needs a server

    server = Server()
    with tempfile.TemporaryDirectory(prefix="bihuan-away-") as folder:
        try:
            server.start()
            run(server.address, Path(folder), asked.loggers, asked.hours)
        finally:
            server.remove()


def run(catalog: str, folder: Path, loggers: int, hours: int) -> None:
    """Fill the lake and let cores begin, one after the other, each in a home of its own."""
    now = floor_to(datetime.now(UTC), TICK)
    began = now - timedelta(hours=hours)
    address = LakeAddress(catalog, str(folder / "lake"), "city", "ga")
    empty = LakeStore(address)
    with empty.exclusive():
        followed = empty.added(None).upto
    empty.close()
    rows = fill(address, loggers, began, now)
    print(f"{loggers} loggers x {len(POLLUTANTS)} factors x {hours} h = {rows:,} rows stored while nobody judged")
    print(f"{'':12} {'steps':>6} {'rows given':>12} {'wall s':>8} {'own s':>8} {'peak MB':>8}")
    for name, at_once, since in (("nothing", True, now), ("slices", False, began), ("at one go", True, began)):
        home = folder / name.replace(" ", "")
        settle(home, loggers)
        with open_store(home, threads=1) as store:
            store.records.set_state(WATERMARK, to_json(iso(since)))
            store.records.set_state(FOLLOWED, to_json(followed))
        given = {"catalog": catalog, "data": str(folder / "lake"), "home": str(home), "at_once": at_once}
        child = json.dumps(given | {"began": iso(began), "now": iso(now)})
        command = [sys.executable, "-m", "benchmarks", "away", "--child", child]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        print(
            f"{name:12} {told['steps']:>6} {told['rows']:>12,} {told['wall']:>8.1f} {told['own']:>8.1f} "
            f"{told['peak']:>8,.0f}"
        )


if __name__ == "__main__":
    main()
