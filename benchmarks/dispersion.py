"""The steady plume beside AERMOD 24142: how right, against its own outputs, and how fast, against its measured cost.

AERMOD's cost is quoted (two cores, loaded, the same meteorology: reference/air_dispersion.md, section 3), not measured
here. Without the real data beside the project only a word is printed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table
from tests.conftest import SHARED
from tests.physics.steady.test_against_aermod import CASES, air, compared

from bihuan.physics import AreaSource, Building, PointSource, Receptors, RoadSource, SteadyPlume, VolumeSource
from bihuan.physics.steady import SteadySource

TALL = PointSource("stack", 0.0, 0.0, 50.0, 2.0, 15.0, 425.0)
DOWN = PointSource(
    "downwash", 0.0, 0.0, 50.0, 2.0, 15.0, 425.0, building=Building.everywhere(40.0, 50.0, 50.0, -25.0, 0.0)
)  # fmt: skip
VENT = VolumeSource("volume", 0.0, 0.0, 5.0, 8.0, 3.0)
YARD = AreaSource.rectangle("area", -250.0, -250.0, 500.0, 500.0, height=1.0)
ROAD = AreaSource.line("line", (-510.0, -177.0), (510.0, 177.0), 20.0, height=1.0, sigma_z=1.5)

LANES = RoadSource("road line", (-510.0, -177.0), (510.0, 177.0), 20.0, 1.0, 1.5)

QUOTED = {"stack": 1.8, "downwash": 2.95, "volume": 1.02, "area": 12.6, "line": 10.0, "road line": 16.7}
"""AERMOD's cost of a source, receptor and valid hour. [us]"""


def grid(side: int) -> Receptors:
    """A square of receptors, 200 m apart at 32 a side, of the same extent whatever their number."""
    line = np.linspace(-3100.0, 3100.0, side)
    east, north = (axis.ravel().copy() for axis in np.meshgrid(line, line))
    return Receptors(east, north, np.zeros(side * side))


def right() -> None:
    """Print errors case by case."""
    table = Table(title="|ours / AERMOD - 1| where AERMOD exceeds 1 % of the largest of its case")
    for head in ("case", "hours", "values", "95 %", "median", "largest", "period means, 95 %"):
        table.add_column(head, justify="left" if head in ("case", "hours") else "right")
    for name in CASES:
        ours, theirs, stable = compared(SHARED, name)
        large = theirs > 0.01 * theirs.max()
        mean, their_mean = ours.mean(axis=0), theirs.mean(axis=0)
        chosen = their_mean > 0.01 * their_mean.max()
        means = np.percentile(np.abs(mean[chosen] / their_mean[chosen] - 1), 95)
        for kind, hours in (("stable", stable), ("convective", ~stable)):
            where = large & hours[:, None]
            if where.any():
                error = np.abs(ours[where] / theirs[where] - 1)
                shown = (np.percentile(error, 95), np.median(error), error.max(), means)
                table.add_row(
                    name, kind, str(len(error)), *(f"{100 * part:.3f} %" for part in shown), f"{100 * means:.3f} %"
                )
    Console(width=120).print(table)


def fast() -> None:
    """Print the cost of a source, receptor and hour of a year."""
    layer = air(SHARED, "HOUSTON")
    hours = np.flatnonzero(~layer.calm & ~layer.missing)
    table = Table(title=f"{len(hours)} valid hours of a year; processor time of one evaluation")
    for head in (
        "source",
        "receptors",
        "threads",
        "processor s",
        "wall s",
        "ns",
        "AERMOD quoted, us",
        "ratio",
        "error, 95 %",
    ):
        table.add_column(head, justify="left" if head == "source" else "right")
    down = [(DOWN, 32), (DOWN, 100)]
    runs = [*down, (TALL, 32), (TALL, 100), (VENT, 100), (YARD, 32), (YARD, 100), (ROAD, 100)]
    runs += [(LANES, 32), (LANES, 100)]
    for source, side in runs:
        table.add_row(*_timed(layer, [source], grid(side), hours, 1))
    table.add_row(*_timed(layer, [TALL] * 8, grid(64), hours[::8], 1))
    table.add_row(*_timed(layer, [TALL] * 8, grid(64), hours[::8], 2))
    Console(width=140).print(table)


def _timed(
    layer: object, sources: Sequence[SteadySource], where: Receptors, hours: np.ndarray, threads: int
) -> list[str]:
    plume = SteadyPlume(layer, where, sources, threads=threads)  # type: ignore[arg-type]
    plume.matrix(hours=hours[:2])
    processor, wall = time.process_time(), time.perf_counter()
    plume.matrix(hours=hours)
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    each = processor / (len(hours) * len(where) * len(sources))
    quoted = QUOTED[sources[0].name]
    some = hours[:: len(hours) // 40]
    rough = plume.hourly(np.ones(len(sources)), hours=some)[:, 0]
    fine = SteadyPlume(layer, where, sources, step=0.0125, threads=threads)
    exact = fine.hourly(np.ones(len(sources)), hours=some)[:, 0]
    large = exact > 0.01 * exact.max()
    error = np.percentile(np.abs(rough[large] / exact[large] - 1), 95)
    return [
        f"{len(sources)} x {sources[0].name}" if len(sources) > 1 else sources[0].name, str(len(where)), str(threads),
        f"{processor:.2f}", f"{wall:.2f}", f"{1e9 * each:.0f}", f"{quoted}", f"{quoted / (1e6 * each):.0f}",
        f"{100 * error:.3f} %",
    ]  # fmt: skip


def main() -> None:
    """Print both tables."""
    if not (SHARED / "data").is_dir():
        print("the outputs of AERMOD are not here: nothing can be compared")
        return
    right()
    fast()
