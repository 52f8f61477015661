"""Draw ours against AERMOD and against Prairie Grass: ``python -m benchmarks._dispersion_pictures docs/pictures``."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from tests.conftest import SHARED
from tests.physics.steady.prairie_grass import arc_maxima
from tests.physics.steady.test_against_aermod import CASES, compared

INK, PALE, LINE = "#1f2933", "#52616b", "#c3ccd3"
STABLE, CONVECTIVE, OTHER = "#1d4e89", "#c2571a", "#7a8b99"
SHOWN = 900
"""Most points of a case that are drawn, every one that is farthest off among them."""


def against_aermod() -> Figure:
    """Every case in a small field of its own: hourly values of both, each by the largest of AERMOD's."""
    names = list(CASES)
    figure = Figure(figsize=(12.4, 9.6), layout="constrained")
    fields = figure.subplots(4, 6, sharex=True, sharey=True).ravel()
    for field, name in zip(fields, names, strict=True):
        ours, theirs, stable = compared(SHARED, name)
        _field(field, ours, theirs, stable, name)
    figure.supxlabel("AERMOD 24142, share of its largest hourly value", color=INK)
    figure.supylabel("Bihuan, share of AERMOD's largest", color=INK)
    figure.legend(*fields[1].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    return figure


def _field(field: Axes, ours: np.ndarray, theirs: np.ndarray, stable: np.ndarray, name: str) -> None:
    top = theirs.max()
    both = (theirs > 1e-4 * top) & (ours > 0.0)
    field.plot([1e-4, 1.3], [1e-4, 1.3], color=LINE, linewidth=1.0, zorder=1)
    for hours, color, label in ((stable, STABLE, "stable hours"), (~stable, CONVECTIVE, "convective hours")):
        chosen = both & hours[:, None]
        x, y = theirs[chosen] / top, ours[chosen] / top
        worst = np.argsort(-np.abs(np.log(y / x)))
        kept = np.unique(np.concatenate([worst[: SHOWN // 3], np.arange(0, len(x), max(1, len(x) // SHOWN))]))
        field.plot(x[kept], y[kept], ".", markersize=2.2, color=color, label=label, zorder=2)
    large = theirs > 0.01 * top
    error = 100 * np.percentile(np.abs(ours[large] / theirs[large] - 1), 95)
    field.set(xscale="log", yscale="log", xlim=(1e-4, 1.5), ylim=(1e-4, 1.5))
    field.set_title(name, fontsize=8.5, color=INK)
    field.text(0.95, 0.06, f"95 %: {error:.2f} %", transform=field.transAxes, ha="right", fontsize=8, color=PALE)
    _plain(field)


def against_prairie_grass() -> Figure:
    """Arc maxima as measured, beside ours and AERMOD's."""
    observed, ours, theirs = arc_maxima(SHARED)
    figure = Figure(figsize=(7.2, 6.4), layout="constrained")
    field = figure.subplots()
    ends = np.array([0.02, 1500.0])
    field.fill_between(ends, ends / 2, ends * 2, color="#eef2f5", zorder=0, label="within a factor of two")
    field.plot(ends, ends, color=LINE, linewidth=1.0, zorder=1)
    field.plot(observed, theirs, "o", markersize=7, markerfacecolor="none", color=OTHER, label="AERMOD 24142", zorder=2)
    field.plot(observed, ours, ".", markersize=6, color=STABLE, label="Bihuan", zorder=3)
    field.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    field.set_xlabel("measured maximum of the arc [mg/m$^3$]", color=INK)
    field.set_ylabel("computed maximum of the arc [mg/m$^3$]", color=INK)
    field.set_title("Project Prairie Grass 1956, 35 releases, arcs at 50 to 800 m", fontsize=10, color=INK)
    field.legend(frameon=False, loc="upper left")
    _plain(field)
    return figure


def _plain(field: Axes) -> None:
    field.tick_params(labelsize=7.5, colors=PALE, which="both", length=2)
    for side in ("top", "right"):
        field.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        field.spines[side].set_color(LINE)


def main(folder: Path) -> None:
    """Draw both pictures into a folder."""
    mpl.use("Agg")
    for name, draw in (("dispersion-aermod", against_aermod), ("dispersion-prairie-grass", against_prairie_grass)):
        figure = draw()
        figure.savefig(folder / f"{name}.png", dpi=110, facecolor="white")
        with Image.open(folder / f"{name}.png") as drawn:
            drawn.convert("RGB").save(folder / f"{name}.webp", lossless=True, method=6)
        (folder / f"{name}.png").unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
