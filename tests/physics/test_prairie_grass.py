"""Project Prairie Grass 1956 (Barad 1958): arc maxima of a real release near the ground, as measured.

The class of each run comes from its Obukhov length by Golder 1972 in the fit of Seinfeld and Pandis
(1/L = a + b log10 z0) with z0 = 0.007 m, the nearest class winning. Every run with meteorology is scored.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from bihuan.core import Ref, Source, Weather
from bihuan.physics import GaussianPlume
from tests.physics.scenes import PLANE

GOLDER = np.array([(-0.096, 0.029), (-0.037, 0.029), (-0.002, 0.018), (0.0, 0.0), (0.004, -0.018), (0.035, -0.036)])
ROUGHNESS = 0.007


def pairs(folder: Path) -> np.ndarray:
    """Rows of class, arc [m], observed and computed maximum [mg/m3]."""
    runs = {row["run"]: row for row in csv.DictReader((folder / "pg_runs.csv").read_text("utf-8").splitlines())}
    rows = []
    for row in csv.DictReader((folder / "pg_arcmax_obs_and_aermod24142.csv").read_text("utf-8").splitlines()):
        run = runs[row["run"]]
        inverse = GOLDER[:, 0] + GOLDER[:, 1] * np.log10(ROUGHNESS)
        stability = int(np.argmin(np.abs(inverse - 1 / float(run["L_m"]))))
        arc = float(row["arc_m"])
        rows.append((stability, arc, float(row["obs_max_mg_m3"]), computed(run, stability, arc)))
    return np.array(rows)


def computed(run: dict[str, str], stability: int, arc: float) -> float:
    start = np.array(["1956-07-01T00:00"], dtype="datetime64[us]")
    one = np.ones(1)
    lid = float(run["zi_m"]) if run["zi_m"] else np.nan
    weather = Weather(
        start,
        start + np.timedelta64(10, "m"),
        float(run["u_2m_m_s"]) * one,
        270 * one,
        np.array([stability]),
        300 * one,
        lid * one,
        height=2.0,
    )
    source = Source(Ref("outlet", "pg"), "pg", PLANE.centre, "stack", height=float(run["src_h_m"]))
    model = GaussianPlume(PLANE, receptor_height=float(run["rec_h_m"]))
    unit = model.unit_response([source], np.array([arc]), np.zeros(1), weather)[0, 0, 0]
    return float(unit) * float(run["Q_g_s"]) / 1000


@pytest.mark.reference
def test_prairie_grass_arc_maxima_agree_within_the_measured_factors(shared: Path) -> None:
    rows = pairs(shared / "data" / "dispersion" / "prairie_grass")
    assert len(rows) == 175
    ratio = rows[:, 3] / rows[:, 2]
    within_two = np.mean((ratio > 0.5) & (ratio < 2))
    bias, scatter = np.exp(-np.mean(np.log(ratio))), np.exp(np.mean(np.log(ratio) ** 2))
    # Measured: 0.789, MG 1.116 (under-prediction), VG 1.448. AERMOD 24142 on the same arcs: 0.59 to 0.92,
    # MG 1.56 to 1.09, VG 1.65 to 1.25, depending on the turbulence it is given.
    assert within_two == pytest.approx(0.789, abs=0.01)
    assert bias == pytest.approx(1.116, abs=0.01)
    assert scatter == pytest.approx(1.448, abs=0.01)


@pytest.mark.reference
def test_no_class_of_prairie_grass_is_off_by_more_than_a_factor_of_two_in_the_median(shared: Path) -> None:
    rows = pairs(shared / "data" / "dispersion" / "prairie_grass")
    for stability in range(6):
        mine = rows[rows[:, 0] == stability]
        assert 0.5 < np.median(mine[:, 3] / mine[:, 2]) < 2
