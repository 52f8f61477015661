"""What a packet of ten factors costs the core: the steps of `Ingest` over a journal made once, without any network.

    python -m benchmarks ingest [--seconds 30] [--rate 5000] [--devices 5000] [--piece 5000] [--profile]

The journal holds what `endtoend` sends. The core then takes it in pieces, as it would if it kept up, and processor time
(of all threads) a packet is printed for each tenth of the way: what grows with the window shows. `--profile` prints
where the time of the main thread goes. On a machine that others use too, processor time says more than the clock.
"""

from __future__ import annotations

import cProfile
import pstats
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

import click

from benchmarks.endtoend import FACTORS, city
from bihuan.app.ingest import Ingest
from bihuan.app.town import Town
from bihuan.core import CHINA
from bihuan.devices.hj212 import uplink
from bihuan.register import Device, Register
from bihuan.store import Journal, Record, Store, encode_entry, open_store

BEGAN = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)


def write(home: Path, register: Register, seconds: int, rate: int) -> None:
    """Write the journal of some seconds; every logger once in turn."""
    loggers = list(register.all(Device, date(2026, 1, 1)))
    journal = Journal(home / "journal", "g1")
    count = 0
    for second in range(seconds):
        received = BEGAN + timedelta(seconds=second)
        entries = []
        for _ in range(rate):
            at = BEGAN - timedelta(minutes=20) + timedelta(seconds=count // len(loggers))
            figures = {code: {"rtd": 12.3 + n + count % 50 / 10} for n, code in enumerate(FACTORS)}
            frames = uplink(loggers[count % len(loggers)], "rt", at, figures, sent=received)  # type: ignore[arg-type]
            entries.append(
                encode_entry(frames[0].rstrip(), received, f"127.0.0.1:{count % len(loggers) // 10 + 1024}", "known")
            )
            count += 1
        journal.append(entries)
    journal.close()


def pieces(store: Store, size: int) -> Iterator[list[Record]]:
    """Read the journal in pieces."""
    records = store.journal.follow("g1")
    while piece := list(islice(records, size)):
        yield piece


def measure(store: Store, seconds: int, rate: int, size: int, profile: cProfile.Profile | None) -> None:
    """Take the journal in and print what it cost."""
    town = Town(store.records.register(), BEGAN.date())
    ingest = Ingest(store, CHINA)
    ingest.feed(town, [], {}, BEGAN)
    frames, told, whole = 0, 0, seconds * rate
    slowest, begun, spent = 0.0, time.perf_counter(), time.process_time()
    first = spent
    print(f"{'packets':>10} {'processor us a packet':>22} {'slowest step s':>15} {'resident MB':>12}")
    if profile:
        profile.enable()
    for piece in pieces(store, size):
        at = time.perf_counter()
        end = piece[-1].position
        ingest.feed(town, piece, {"g1": end}, piece[-1].received)
        frames += len(piece)
        slowest = max(slowest, time.perf_counter() - at)
        if (frames - told) * 10 >= whole:
            now = time.process_time()
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            print(
                f"{frames:10,} {(now - spent) / (frames - told) * 1e6:22.0f} {slowest:15.2f} {memory:12,.0f}",
                flush=True,
            )
            told, spent, slowest = frames, time.process_time(), 0.0
    if profile:
        profile.disable()
    used, wall = time.process_time() - first, time.perf_counter() - begun
    print(f"all: {used / frames * 1e6:.0f} us a packet of the processor, {frames / wall:,.0f} packets/s by the clock")


@click.command()
@click.option("--seconds", default=30, help="of the journal")
@click.option("--rate", default=5_000, help="packets a second")
@click.option("--devices", default=5_000, help="loggers")
@click.option("--piece", default=5_000, help="packets a step")
@click.option(
    "--home", type=click.Path(path_type=Path), help="a store to keep for the next time; its journal is made when absent"
)
@click.option("--profile", is_flag=True, help="say where the time goes")
def command(seconds: int, rate: int, devices: int, piece: int, home: Path | None, profile: bool) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        place = home or Path(folder)
        if not (place / "journal" / "g1").exists():
            register = city(devices)
            with open_store(place) as store:
                store.records.save_facts(list(register))
            write(place, register, seconds, rate)
        series = place / "series.duckdb"
        series.unlink(missing_ok=True)
        watcher = cProfile.Profile() if profile else None
        with open_store(place) as store:
            measure(store, seconds, rate, piece, watcher)
        if watcher:
            pstats.Stats(watcher).sort_stats("tottime").print_stats(45)
            pstats.Stats(watcher).sort_stats("cumulative").print_stats(45)


def main() -> None:
    """Print the table."""
    options = sys.argv[1:] if "ingest" not in sys.argv else sys.argv[sys.argv.index("ingest") + 1 :]
    command.main(options if "ingest" in sys.argv or __name__ == "__main__" else [], standalone_mode=False)


if __name__ == "__main__":
    main()
