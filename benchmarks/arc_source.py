"""Where a tracer was released and how much, found again from its arcs of samplers and the engine's plume.

``python benchmarks/arc_source.py DIR``, DIR the Prairie Grass folder (``pg_*.csv pg_D.sfc pg_D.pfl``).
Told are the samplers and the hour's meteorology; found are place, rate, direction and width of the plume, and how
stable the air was: the length of Obukhov comes from a little wind and temperature and is known within a factor. Errors
of the engine beside that are two offsets an arc, of the logarithms of its level and of its width; runs of even place
chose the spreads below (the least mean of log(1 + distance / 10 m), and of that plus the size of the logarithm of the
rate's ratio), all are reported.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from bihuan.formats import read_profile, read_surface
from bihuan.physics import BoundaryLayer, PointSource, Receptors, SteadyPlume

Float = np.ndarray

FLOOR = 0.2
"""Of the largest value of an arc: below it a value hardly counts."""
WIDTH_SPREAD, STABILITY_SPREAD, ARC_SPREAD, ARC_WIDTH_SPREAD = 0.15, 1.4, 0.2, 0.3
"""Errors of the logarithm of the width, of the length of Obukhov, of an arc's level and of an arc's width, over that of
a sampler. An arc's own: ten minutes of wind turn about their mean differently at every distance."""
STABILITY = np.log([0.25, 0.5, 1.0, 2.0, 4.0])
"""Logarithms of the factors of that length for which the engine computes the plume."""
AXIS = np.geomspace(3.0, 1500.0, 80)
"""Distances at which the plume is looked up. [m]"""
ASIDE = 0.08
"""Crosswind offset over distance at which its width is read."""
SEARCHED, SPACING, REFINED = 150.0, 50.0, 4
"""Half side and spacing of the places tried first, and how many of the best are refined. [m]"""


@dataclass(frozen=True)
class Axis:
    """One hour's plume: logarithms of its value on the axis [mg/m3 per g/s] and of its width [m], by stability."""

    value: Float
    width: Float

    def at(self, east: Float, north: Float, heading: float, log_rate: float, log_width: Float, stable: float) -> Float:
        """Return what a source at the origin of these offsets causes. [mg/m3]"""
        along = east * np.sin(heading) + north * np.cos(heading)
        aside = east * np.cos(heading) - north * np.sin(heading)
        t = np.log(np.maximum(along, AXIS[0]))
        width = np.exp(np.interp(t, np.log(AXIS), _between(self.width, stable)) + log_width)
        middle = log_rate + np.interp(t, np.log(AXIS), _between(self.value, stable)) - log_width
        return np.where(along > 1.0, np.exp(middle - 0.5 * (aside / width) ** 2), 0.0)


def _between(table: Float, stable: float) -> Float:
    """A row of a table by stability."""
    stable = min(max(stable, STABILITY[0]), STABILITY[-1])
    low = min(int(np.searchsorted(STABILITY, stable, side="right")) - 1, len(STABILITY) - 2)
    share = (stable - STABILITY[low]) / (STABILITY[low + 1] - STABILITY[low])
    return (1.0 - share) * table[low] + share * table[low + 1]


def axes(folder: Path) -> list[Axis]:
    """The engine's plume of every hour and stability, of the release of the field study 0.46 m above the ground."""
    surface = read_surface(folder / "pg_D.sfc")
    mast = read_profile(folder / "pg_D.pfl", surface.start)
    found = []
    for factor in np.exp(STABILITY):
        # the flux of heat goes with the friction velocity over the length, the convective velocity with its root
        other = replace(
            surface, obukhov_length=surface.obukhov_length * factor, heat_flux=surface.heat_flux / factor,
            convective_velocity=surface.convective_velocity / np.cbrt(factor),
        )  # fmt: skip
        found.append(_plumes(BoundaryLayer(other, mast)))
    hours = range(len(surface))
    return [Axis(*(np.array([one[part][hour] for one in found]) for part in (0, 1))) for hour in hours]


def _plumes(air: BoundaryLayer) -> tuple[Float, Float]:
    """Logarithms of value and width on the axis: (hours, distances)."""
    none = np.zeros_like(AXIS)
    where = Receptors(
        np.concatenate([none, ASIDE * AXIS, none]), np.concatenate([AXIS, AXIS, -AXIS]), np.full(3 * len(AXIS), 1.5)
    )
    plume = SteadyPlume(air, where, [PointSource("release", 0.0, 0.0, 0.46, 0.051, 0.01, 0.0)])
    middle, aside, random = np.split(plume.hourly(np.ones(1))[:, 0] / 1000, 3, axis=1)
    share = np.clip((aside - random) / np.maximum(middle - random, 1e-12), 1e-300, 0.99999)
    width = ASIDE * AXIS * np.sqrt(0.5 / -np.log(share))
    return np.log(np.maximum(middle, 1e-12)), np.log(width)


def found_source(axis: Axis, east: Float, north: Float, values: Float, arcs: Float) -> tuple[float, float, float]:
    """Return place [m] and rate [g/s] that explain the samples."""
    names, arc = np.unique(arcs, return_inverse=True)
    floor = np.array([max(FLOOR * values[arc == k].max(), 1e-3) for k in range(len(names))])[arc]
    weight = np.sqrt(20.0 / np.bincount(arc)[arc])

    def misfit(p: Float) -> Float:
        level, width = p[6 : 6 + len(names)], p[6 + len(names) :]
        computed = axis.at(east - p[0], north - p[1], p[2], p[3], p[4] + width[arc], p[5]) * np.exp(level[arc])
        left = weight * (np.log(computed + floor) - np.log(values + floor))
        own = [[p[4] / WIDTH_SPREAD, p[5] / STABILITY_SPREAD], level / ARC_SPREAD, width / ARC_WIDTH_SPREAD]
        return np.concatenate([left, *own])

    heading = float(np.arctan2((east * values).sum(), (north * values).sum()))
    # the heading of a place tried: to the middle of the farthest arc
    far = arc == len(names) - 1
    aim = (east[far] * values[far]).sum() / values[far].sum(), (north[far] * values[far]).sum() / values[far].sum()
    across = np.arange(-SEARCHED, SEARCHED + 1, SPACING)
    starts = []
    for x in across:
        for y in across:
            to = float(np.arctan2(aim[0] - x, aim[1] - y)) if values[far].sum() > 0 else heading
            for rate in (20.0, 60.0):
                start = np.concatenate([[x, y, to, np.log(rate), 0.0, 0.0], np.zeros(2 * len(names))])
                starts.append((float((misfit(start) ** 2).sum()), start))
    best = None
    scale = np.concatenate([[20, 20, 0.1, 0.5, 0.2, 0.3], np.full(len(names), 0.2), np.full(len(names), 0.1)])
    for _, start in sorted(starts, key=lambda one: one[0])[:REFINED]:
        one = least_squares(misfit, start, x_scale=scale, loss="soft_l1", max_nfev=60)
        best = one if best is None or one.cost < best.cost else best
    assert best is not None
    return float(best.x[0]), float(best.x[1]), float(np.exp(best.x[3]))


def main(arguments: list[str] | None = None) -> int:
    """Print one JSON line."""
    folder = Path((arguments or sys.argv[1:])[0])

    def rows(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((folder / name).read_text("utf-8").splitlines()))

    rates = {row["run"]: float(row["Q_g_s"]) for row in rows("pg_runs.csv")}
    samples: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for row in rows("pg_samples.csv"):
        samples[row["run"]].append((float(row["arc_m"]), float(row["azimuth_deg"]), float(row["conc_mg_m3"])))
    away, ratio = [], []
    for axis, row in zip(axes(folder), rows("pg_D_hours.csv"), strict=True):
        arc, azimuth, value = np.array([one for one in samples[row["run"]] if one[2] >= 0]).T
        angle = np.radians(azimuth)
        east, north, rate = found_source(axis, arc * np.sin(angle), arc * np.cos(angle), value, arc)
        away.append(float(np.hypot(east, north)))
        ratio.append(rate / rates[row["run"]])
    near, ratios = np.array(away) <= 25.0, np.array(ratio)
    within = (ratios >= 0.5) & (ratios <= 2.0)
    line = {
        "runs": len(near), "within25": round(float(near.mean()), 3), "fac2": round(float(within.mean()), 3),
        "within25_even": round(float(near[::2].mean()), 3), "within25_odd": round(float(near[1::2].mean()), 3),
        "median_m": round(float(np.median(away)), 1), "largest_m": round(max(away), 1),
        "median_ratio": round(float(np.median(ratios)), 2),
    }  # fmt: skip
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
