"""The steady plume beside AERMOD 24142: how right, against its own outputs, and how fast, beside its cost.

``AERMOD=/path/to/aermod python -m benchmarks dispersion`` times that binary in the same run; without it AERMOD's cost
is quoted. Without the real data beside the project only a word is printed.
"""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.table import Table
from tests.conftest import SHARED
from tests.physics.steady.prairie_grass import arc_maxima, scores
from tests.physics.steady.test_against_aermod import CASES, air, compared

from benchmarks import _dispersion_cost as cost


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
                table.add_row(name, kind, str(len(error)), *(f"{100 * part:.3f} %" for part in shown))
    Console(width=120).print(table)


def prairie_grass() -> None:
    """Print how ours and AERMOD score against the release of 1956, on the same meteorology."""
    table = Table(title="Project Prairie Grass 1956, maxima of 175 arcs against the measured ones")
    for head in ("model", "FB", "NMSE", "MG", "VG", "FAC2", "RHC ratio"):
        table.add_column(head, justify="right" if head != "model" else "left")
    observed, ours, theirs = arc_maxima(SHARED)
    for name, modelled in (("ours", ours), ("AERMOD 24142", theirs)):
        table.add_row(name, *(f"{value:.3f}" for value in scores(observed, modelled)))
    Console(width=120).print(table)


def main() -> None:
    """Print the tables."""
    if not (SHARED / "data").is_dir():
        print("the outputs of AERMOD are not here: nothing can be compared")
        return
    right()
    prairie_grass()
    layer, met = air(SHARED, "HOUSTON"), SHARED / "data/dispersion/met/HOUSTON_ADJU.SFC.gz"
    cost.fast(layer, met)
    cost.threads(layer)
    cost.city_year(layer)
    cost.first_call()
