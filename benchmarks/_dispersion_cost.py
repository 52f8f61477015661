"""What the steady plume costs: an evaluation beside AERMOD's, what two threads gain, a city's year, the first call."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks._aermod import SIDE, binary, grid, seconds
from bihuan.physics import AreaSource, BoundaryLayer, Building, PointSource, RoadSource, SteadyPlume, VolumeSource
from bihuan.physics.steady import SteadySource


@dataclass(frozen=True)
class Timed:
    """One kind of source: ours, the lines of a deck that describe the same to AERMOD, and what AERMOD took elsewhere.

    Attributes
    ----------
    quoted : float
        Cost of a source, receptor and valid hour on a loaded machine of two cores (reference/air_dispersion.md,
        section 3), printed where no binary is named. [us]
    """

    source: SteadySource
    deck: tuple[str, ...]
    quoted: float


_WAKE = ("BUILDHGT S1 36*40.", "BUILDWID S1 36*50.", "BUILDLEN S1 36*50.", "XBADJ    S1 36*-25.", "YBADJ    S1 36*0.")
_STACK = ("LOCATION S1 POINT 0. 0. 0.", "SRCPARAM S1 1. 50. 425. 15. 2.")
_HALL = Building.everywhere(40.0, 50.0, 50.0, -25.0, 0.0)
_AXIS = ((-510.0, -177.0), (510.0, 177.0))

KINDS = {
    "stack": Timed(PointSource("stack", 0, 0, 50, 2, 15, 425), _STACK, 1.8),
    "beside a building": Timed(PointSource("stack", 0, 0, 50, 2, 15, 425, building=_HALL), (*_STACK, *_WAKE), 2.95),
    "volume": Timed(
        VolumeSource("volume", 0, 0, 5, 8, 3), ("LOCATION S1 VOLUME 0. 0. 0.", "SRCPARAM S1 1. 5. 8. 3."), 1.02
    ),
    "area": Timed(
        AreaSource.rectangle("area", -250, -250, 500, 500, height=1),
        ("LOCATION S1 AREA -250. -250. 0.", "SRCPARAM S1 1.0E-5 1. 500. 500."),
        12.6,
    ),
    "line": Timed(
        AreaSource.line("line", *_AXIS, 20, height=1, sigma_z=1.5),
        ("LOCATION S1 LINE -510. -177. 510. 177. 0.", "SRCPARAM S1 1.0E-4 1. 20. 1.5"),
        10.0,
    ),
    "road line": Timed(
        RoadSource("road", *_AXIS, 20, 1, 1.5),
        ("LOCATION S1 RLINE -510. -177. 510. 177. 0.", "SRCPARAM S1 1.0E-4 1. 20. 1.5"),
        16.7,
    ),
}

MONTH = ("1996 4 1", "1996 4 30")
"""Days that both are timed on."""


def fast(layer: BoundaryLayer, met: Path) -> None:
    """Print the cost of a source, receptor and hour of a month, ours and AERMOD's, and the error of our tables."""
    month = (layer.surface.start >= np.datetime64("1996-04-01")) & (layer.surface.start < np.datetime64("1996-05-01"))
    hours = np.flatnonzero(month & ~layer.calm & ~layer.missing)
    program = binary()
    table = _headed(
        f"{len(hours)} valid hours of a month, one thread; processor time of one evaluation",
        "source", "receptors", "processor s", "ns", "AERMOD, ns", "", "ratio", "aim", "error, 95 %",
    )  # fmt: skip
    for name, kind in KINDS.items():
        theirs = kind.quoted * 1000.0
        if program is not None:
            theirs = 1e9 * seconds(program, kind.deck, met, MONTH) / (len(hours) * (SIDE**2 - 1))
        for side in (SIDE, 100):
            spent, _ = _spent(layer, [kind.source], side, hours, 1)
            ours = 1e9 * spent / (len(hours) * side**2)
            aim = 30 if name in ("area", "line", "road line") else 25 if side == 100 else 10
            table.add_row(
                name, str(side**2), f"{spent:.2f}", f"{ours:.0f}", f"{theirs:.0f}",
                "quoted" if program is None else "same run", f"{theirs / ours:.0f}", str(aim),
                f"{100 * _table_error(layer, kind.source, hours):.3f} %",
            )  # fmt: skip
    Console(width=130).print(table)


def threads(layer: BoundaryLayer) -> None:
    """Print what a second thread gains."""
    hours = np.flatnonzero(~layer.calm & ~layer.missing)[::4]
    table = _headed(f"{len(hours)} hours, 4,096 receptors, 8 sources: wall time", "source", "1, s", "2, s", "gain")
    for name in ("stack", "area"):
        many = [KINDS[name].source] * 8
        some = hours if name == "stack" else hours[::8]
        one, two = (min(_spent(layer, many, 64, some, count)[1] for _ in range(3)) for count in (1, 2))
        table.add_row(name, f"{one:.2f}", f"{two:.2f}", f"{one / two:.2f}")
    Console(width=100).print(table)


def city_year(layer: BoundaryLayer) -> None:
    """Print what a year of a city costs, from a share of its hours: 500 stacks, 2,000 road links, 10,000 receptors.

    AERMOD's 24 processor hours and 34 processor days are those of its quoted cost.
    """
    draw = np.random.default_rng(1)
    valid = np.flatnonzero(~layer.calm & ~layer.missing)
    stacks: list[SteadySource] = [
        PointSource(f"s{row}", *draw.uniform(-15e3, 15e3, 2), *draw.uniform((15, 0.5, 5, 330), (120, 5, 20, 450)))
        for row in range(500)
    ]
    roads: list[SteadySource] = []
    for row in range(2000):
        start, turn = draw.uniform(-15e3, 15e3, 2), draw.uniform(0, 2 * np.pi)
        end = start + draw.uniform(100, 800) * np.array([np.cos(turn), np.sin(turn)])
        roads.append(RoadSource(f"r{row}", (start[0], start[1]), (end[0], end[1]), 20, 1, 1.5))
    table = _headed(
        f"a city's year ({len(valid)} valid hours, 10,000 receptors), extrapolated from the hours named",
        "sources", "hours run", "processor s", "year, processor h", "AERMOD quoted, h", "ratio",
    )  # fmt: skip
    for name, many, step, quoted in (("500 stacks", stacks, 64, 24.0), ("2,000 road links", roads, 1024, 34 * 24.0)):
        some = valid[step // 2 :: step]
        spent, _ = _spent(layer, many, 100, some, 2, extent=16e3)
        year = spent * len(valid) / len(some) / 3600.0
        table.add_row(name, str(len(some)), f"{spent:.1f}", f"{year:.2f}", f"{quoted:.0f}", f"{quoted / year:.0f}")
    Console(width=120).print(table)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"largest memory of this process, all tables above included: {memory:.0f} MiB (aim 2,048)")


def first_call() -> None:
    """Print how long a new process waits for its first hour: with the compiled code on disk, and without."""
    code = (
        "import time; import benchmarks._dispersion_cost as c; from tests.conftest import SHARED;"
        "from tests.physics.steady.test_against_aermod import air; from bihuan.physics import SteadyPlume;"
        "layer = air(SHARED, 'HOUSTON'); where = c.grid(4); t = time.perf_counter();"
        "SteadyPlume(layer, where, [c.KINDS['stack'].source]).matrix(hours=[5]); print(time.perf_counter() - t)"
    )
    with tempfile.TemporaryDirectory() as folder:
        for word in ("nothing compiled", "compiled code on disk"):
            done = subprocess.run(
                [sys.executable, "-c", code],
                check=True,
                capture_output=True,
                text=True,
                env=os.environ | {"NUMBA_CACHE_DIR": folder, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            print(f"first hour of a stack, {word}: {float(done.stdout):.1f} s")


def _spent(
    layer: BoundaryLayer,
    sources: Sequence[SteadySource],
    side: int,
    hours: NDArray[np.int64],
    count: int,
    extent: float = 3100.0,
) -> tuple[float, float]:
    plume = SteadyPlume(layer, grid(side, extent), sources, threads=count)
    plume.matrix(hours=hours[:2])
    processor, wall = time.process_time(), time.perf_counter()
    plume.matrix(hours=hours)
    return time.process_time() - processor, time.perf_counter() - wall


def _table_error(layer: BoundaryLayer, source: SteadySource, hours: NDArray[np.int64]) -> float:
    """Return how far the tables' interpolation is from tables four times as fine. [1]"""
    some = hours[:: max(1, len(hours) // 40)]
    rough, fine = (
        SteadyPlume(layer, grid(SIDE), [source], **step).hourly(np.ones(1), hours=some)[:, 0]
        for step in ({}, {"step": 0.0125})
    )
    large = fine > 0.01 * fine.max()
    return float(np.percentile(np.abs(rough[large] / fine[large] - 1), 95))


def _headed(title: str, *heads: str) -> Table:
    table = Table(title=title)
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place else "left")
    return table
