"""Project Prairie Grass 1956 (Barad 1958): maxima of the arcs, measured, by AERMOD and by ours on the same met.

Scores as Hanna (1989) and Chang and Hanna (2004) define them; the robust highest concentration as Cox and Tikvart
(1990).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.physics import PointSource, Receptors, SteadyPlume
from tests.physics.steady.test_against_aermod import air

Float = NDArray[np.float64]

TOP = 26
"""Values that the robust highest concentration is made of."""


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def arc_maxima(shared: Path) -> tuple[Float, Float, Float]:
    """Return the measured, our and AERMOD's maxima of every arc with meteorology. [mg/m3]"""
    folder = shared / "data/dispersion/prairie_grass"
    arcs = rows(folder / "pg_arcmax_obs_and_aermod24142.csv")
    rate = {row["run"]: float(row["Q_g_s"]) for row in rows(folder / "pg_runs.csv")}
    hour = {row["run"]: place for place, row in enumerate(rows(folder / "pg_D_hours.csv"))}
    distances = (50.0, 100.0, 200.0, 400.0, 800.0)
    turn = np.radians(np.arange(330.0, 391.0))
    far = np.repeat(distances, len(turn))
    around = np.tile(turn, len(distances))
    where = Receptors(far * np.sin(around), far * np.cos(around), np.full(len(far), 1.5))
    stack = PointSource("release", 0, 0, 0.46, 0.051, 0.01, 0.0)
    unit = SteadyPlume(air(shared, "pg_D"), where, [stack]).hourly(np.ones(1))[:, 0]
    largest = unit.reshape(len(unit), len(distances), len(turn)).max(axis=2)
    ours = [largest[hour[row["run"]], distances.index(float(row["arc_m"]))] * rate[row["run"]] / 1000 for row in arcs]
    measured, theirs = ([float(row[name]) for row in arcs] for name in ("obs_max_mg_m3", "aermod_D_k35_turb"))
    return np.array(measured), np.array(ours), np.array(theirs)


def robust_highest(values: Float) -> float:
    """Return X(N) + (mean of the N - 1 above it - X(N)) ln((3N - 1) / 2)."""
    ranked = np.sort(values)[::-1][:TOP]
    least = ranked[-1]
    return float(least + (ranked[:-1].mean() - least) * np.log((3 * TOP - 1) / 2))


def scores(observed: Float, modelled: Float) -> tuple[float, float, float, float, float, float]:
    """Return FB, NMSE, MG, VG, FAC2 and the ratio of the robust highest concentrations, modelled to observed."""
    both = observed.mean() + modelled.mean()
    logs = np.log(observed / modelled)
    ratio = modelled / observed
    return (
        2 * (observed.mean() - modelled.mean()) / both,
        float(np.mean((observed - modelled) ** 2) / (observed.mean() * modelled.mean())),
        float(np.exp(logs.mean())),
        float(np.exp(np.mean(logs**2))),
        float(np.mean((ratio >= 0.5) & (ratio <= 2))),
        robust_highest(modelled) / robust_highest(observed),
    )
