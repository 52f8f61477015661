"""Sector tools on openair's own hours (65,533 of London Marylebone Road), beside openair's measured times.

``python -m benchmarks sectors -- DIR``: DIR holds `mydata.rda`; without it the shared data beside the project is looked
for, and hours of the same number are made up where there is none. openair does not run here: its CPU seconds were
measured once with R 4.2.2 on a loaded machine of two cores and are quoted, not measured. One thread of linear algebra,
as R's own has: on a loaded machine a second one only waits.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks._rdata import read_frame
from bihuan.tracing.sectors import (
    WindHours,
    cpf,
    fingerprints,
    means,
    polar_clusters,
    polar_frequency,
    polar_surface,
    pollution_rose,
    rolling_means,
    theil_sen,
    wind_regression,
    wind_rose,
)

HERE = Path(__file__).parents[1].parent / "shared" / "data" / "receptor" / "openair"
ROUNDS = 5
LONDON = ZoneInfo("Europe/London")

QUOTED = {
    "mean of days": "0.52-0.74",
    "mean of months, 75 %": "0.82-1.2",
    "rolling mean of 8 h": "0.16-0.24",
    "wind rose": "0.25",
    "pollution rose": "0.68",
    "CPF": "0.37",
    "polar frequency": "0.20",
    "polar surface, mean": "0.93",
    "polar surface with band": "1.27",
    "polar surface, CPF": "2.07",
    "wind regression (NWR)": "15.2",
    "clusters, 6": "5.47",
    "Theil-Sen": "1.59",
    "Theil-Sen, season out, blocks": "1.85",
    "fingerprints": "2.10",
}
"""CPU seconds of openair 2.18.2.9005 as the project's reference tells them."""


def hours_of(folder: Path) -> tuple[dict[str, WindHours], str]:
    """Real hours, or as many made-up ones."""
    file = folder / "mydata.rda"
    if file.is_file():
        frame = read_frame(file).rename({"date": "start", "ws": "wind_speed", "wd": "wind_from"})
        return {name: WindHours.of_frame(frame, name) for name in ("nox", "so2", "o3")}, file.name
    random, n = np.random.default_rng(1), 65_533
    start = np.datetime64("1998-01-01", "us") + np.arange(n) * np.timedelta64(1, "h")
    made = WindHours.of(start, random.weibull(2, n) * 5, 10.0 * random.integers(1, 37, n), random.gamma(2, 60, n))
    return dict.fromkeys(("nox", "so2", "o3"), made), "made-up hours"


def works(hours: dict[str, WindHours]) -> dict[str, Callable[[], Any]]:
    """Every tool under the name of its row."""
    nox, so2 = hours["nox"], hours["so2"]
    surface = polar_surface(nox)
    return {
        "mean of days": lambda: means(nox, "day", 0.0),
        "mean of months, 75 %": lambda: means(nox, "month", 0.75),
        "rolling mean of 8 h": lambda: rolling_means(hours["o3"].value, 8),
        "wind rose": lambda: wind_rose(so2),
        "pollution rose": lambda: pollution_rose(so2),
        "CPF": lambda: cpf(so2, 95),
        "polar frequency": lambda: polar_frequency(so2),
        "polar surface, mean": lambda: polar_surface(nox),
        "polar surface with band": lambda: polar_surface(nox, uncertainty=True),
        "polar surface, CPF": lambda: polar_surface(so2, "cpf"),
        "wind regression (NWR)": lambda: wind_regression(so2),
        "clusters, 6": lambda: polar_clusters(surface, nox, 6),
        "Theil-Sen": lambda: theil_sen(nox),
        "Theil-Sen, season out, blocks": lambda: theil_sen(nox, deseasonalise=True, autocorrelated=True),
        "fingerprints": lambda: fingerprints(nox, LONDON),
    }


def main() -> None:
    """Print one table."""
    given = [word for word in sys.argv[1:] if Path(word).is_dir()]
    hours, source = hours_of(Path(given[0]) if given else HERE)
    table = Table(title=f"65,533 hours ({source}), best of {ROUNDS}", title_justify="left")
    for head in ("tool", "CPU s", "wall s", "openair CPU s (quoted)", "ratio"):
        table.add_column(head, justify="left" if head == "tool" else "right")
    for name, work in works(hours).items():
        cpu, wall = _least(work)
        quoted = QUOTED[name]
        ratio = float(quoted.split("-", maxsplit=1)[0]) / max(cpu, 1e-4)
        table.add_row(name, f"{cpu:.4f}", f"{wall:.4f}", quoted, f"{ratio:.0f} x")
    Console(width=110).print(table)


def _least(work: Callable[[], Any]) -> tuple[float, float]:
    cpu, wall = [], []
    for _ in range(ROUNDS):
        before, clock = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - before)
        wall.append(time.perf_counter() - clock)
    return min(cpu), min(wall)


if __name__ == "__main__":
    main()
