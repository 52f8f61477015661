"""Pictures of the sector tools' answers, as PNG or SVG."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import matplotlib as mpl
import noto_cjk_sans_otc
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from bihuan.core import Language, pollutants, printed_unit, text

Form = Literal["png", "svg"]
DPI = 150
INK, QUIET, ACCENT = "#12262f", "#8a98a0", "#0b7285"
CLASSES = ("#cfe8ec", "#8fc9d2", "#4fa3b1", "#1f7a8c", "#f2a65a", "#d1495b", "#7a1f3d")
POINTS = ("n", "e", "s", "w")


def picture(answer: dict[str, Any], form: Form, language: Language) -> bytes | None:
    """Return the picture of an answer, None where nothing can be concluded.

    Parameters
    ----------
    answer : dict
        As `sector_answers.answer` gives it.
    form : str
    language : Language
    """
    if answer["result"] is None:
        return None
    wide = answer["kind"] in ("rose", "fingerprint")
    canvas = Figure(figsize=(9.0, 4.6) if wide else (6.4, 5.4), dpi=DPI, layout="constrained")
    FigureCanvasAgg(canvas)
    DRAWERS[answer["kind"]](canvas, answer, language)
    heading = f"{text('sectors.' + answer['kind'], language)}  {answer['site']} {answer['pollutant']}"
    canvas.suptitle(heading, fontproperties=font(11), color=INK, x=0.02, ha="left")
    out = io.BytesIO()
    # one picture, one sequence of bytes: neither the hour of making nor random ids stand in it
    about = {"Software": None} if form == "png" else {"Date": None}
    with mpl.rc_context({"svg.hashsalt": "bihuan", "svg.fonttype": "path"}):
        canvas.savefig(out, format=form, metadata=about)
    return out.getvalue()


@cache
def font(size: float) -> FontProperties:
    """Return the typeface of the package in a size. [pt]"""
    return FontProperties(fname=str(noto_cjk_sans_otc.FONT_PATH), size=size)


def unit_of(code: str) -> str:
    """Return the printed unit of a pollutant, empty for a column we do not know."""
    known = pollutants().get(code)
    return printed_unit(known.unit) if known else ""


def _rose(canvas: Figure, answer: dict[str, Any], language: Language) -> None:
    result = answer["result"]
    for at, part in enumerate(("wind", "pollutant"), 1):
        axes = canvas.add_subplot(1, 2, at, projection="polar")
        _compass(axes, language)
        angle = np.radians(result["direction"])
        share, edges = np.array(result[part]["share"]), result[part]["edges"]
        base = np.zeros(len(angle))
        for one in range(share.shape[1]):
            colour = CLASSES[min(one, len(CLASSES) - 1)]
            label = _between(edges, one, language)
            axes.bar(angle, share[:, one], 0.9 * 2 * np.pi / len(angle), base, color=colour, label=label)
            base = base + share[:, one]
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
        axes.set_title(
            text(f"sectors.rose_{part}", language, unit=unit_of(answer["pollutant"])), fontproperties=font(9)
        )
        axes.legend(prop=font(7), frameon=False, loc="lower left", bbox_to_anchor=(-0.16, -0.12))


def _between(edges: list[float], at: int, language: Language) -> str:
    if at == len(edges) - 2:
        return text("sectors.above", language, low=f"{edges[at]:g}")
    return text("sectors.between", language, low=f"{edges[at]:g}", high=f"{edges[at + 1]:g}")


def _compass(axes: Any, language: Language) -> None:
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_xticks(np.radians([0, 90, 180, 270]))
    axes.set_xticklabels([text(f"tracing.{one}", language) for one in POINTS], fontproperties=font(8))
    axes.tick_params(labelsize=7, colors=QUIET)
    axes.grid(color=QUIET, alpha=0.35, linewidth=0.6)
    axes.spines["polar"].set_visible(False)


def _cpf(canvas: Figure, answer: dict[str, Any], language: Language) -> None:
    result = answer["result"]
    axes = canvas.add_subplot(projection="polar")
    _compass(axes, language)
    angle = np.radians(result["direction"])
    share, low, high = (_numbers(result[name]) for name in ("probability", "lower", "upper"))
    axes.bar(angle, np.nan_to_num(share), 2 * np.pi / len(angle) * 0.92, color=ACCENT, alpha=0.75)
    axes.vlines(angle, np.nan_to_num(low), np.nan_to_num(high), color=INK, linewidth=0.8)
    around = np.linspace(0, 2 * np.pi, 181)
    axes.plot(around, np.full(181, result["overall"]), color="#b3261e", linewidth=1.2, linestyle="--")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    told = {"percentile": f"{result['percentile']:g}", "value": f"{result['threshold']:.3g}"}
    axes.set_title(text("sectors.cpf_share", language, **told), fontproperties=font(8))


def _surface(canvas: Figure, answer: dict[str, Any], language: Language) -> None:
    result = answer["result"]
    axes = canvas.add_subplot()
    axis, base = np.array(result["axis"]), result["base"] or 0.0
    shown = axes.pcolormesh(axis, axis, _numbers(result["value"]), cmap="viridis", shading="nearest", rasterized=True)
    bar = canvas.colorbar(shown, ax=axes, shrink=0.75)
    share = result.get("statistic") == "cpf"
    unit = text("sectors.polar_cpf", language) if share else unit_of(answer["pollutant"])
    bar.set_label(unit, fontproperties=font(8))
    bar.ax.tick_params(labelsize=7)
    top = float(axis[-1])
    step = _ring(top)
    around = np.linspace(0, 2 * np.pi, 181)
    for ring in np.arange(step, top * 1.0001, step):
        axes.plot(ring * np.sin(around), ring * np.cos(around), color=QUIET, linewidth=0.6, linestyle=":")
        axes.text(-0.7071 * ring, 0.7071 * ring, f"{ring + base:g}", fontsize=7, color=INK, ha="center")
    for name, place in zip(POINTS, ((0, 1), (1, 0), (0, -1), (-1, 0)), strict=True):
        words = text(f"tracing.{name}", language)
        axes.text(1.04 * top * place[0], 1.04 * top * place[1], words, fontproperties=font(9), ha="center", va="center")
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(text("sectors.axis_speed", language), fontproperties=font(8), color=QUIET)


def _ring(top: float) -> float:
    power = 10.0 ** math.floor(math.log10(top / 3))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power * 4 >= top)


def _ratio(canvas: Figure, answer: dict[str, Any], language: Language) -> None:
    pairs = answer["result"]["pairs"]
    axes = canvas.add_subplot()
    for at, pair in enumerate(pairs):
        axes.plot([pair["low"], pair["high"]], [at, at], color=ACCENT, linewidth=6, solid_capstyle="butt", alpha=0.5)
        axes.plot(pair["median"], at, marker="|", markersize=16, color=INK)
    axes.set_yticks(range(len(pairs)), [f"{one['over']}/{one['under']}" for one in pairs])
    axes.set_xscale("log")
    axes.set_xlabel(text("sectors.ratio_middle", language), fontproperties=font(8))
    _plain(axes)


def _fingerprint(canvas: Figure, answer: dict[str, Any], language: Language) -> None:
    first = None
    for at, name in enumerate(("hour", "weekday", "month"), 1):
        axes = canvas.add_subplot(1, 3, at, sharey=first)
        first = first or axes
        row = answer["result"][name]
        mean, low, high = (_numbers(row[one]) for one in ("mean", "lower", "upper"))
        axes.fill_between(row["at"], low, high, color=ACCENT, alpha=0.2, linewidth=0)
        axes.plot(row["at"], mean, color=ACCENT, marker="o", markersize=2.5, linewidth=1.4)
        axes.set_title(text(f"sectors.by_{name}", language), fontproperties=font(9))
        _plain(axes)
    if first is not None:
        first.set_ylabel(unit_of(answer["pollutant"]), fontproperties=font(8))


def _trend(canvas: Figure, answer: dict[str, Any], language: Language) -> None:
    result = answer["result"]
    axes = canvas.add_subplot()
    month = np.array(result["month"], dtype="datetime64[M]").astype("datetime64[D]")
    measured, value, line = (_numbers(result[name]) for name in ("measured", "value", "line"))
    axes.plot(month, measured, color=QUIET, linewidth=0.9, label=text("sectors.trend_measured", language))
    if result["deseasonalised"]:
        axes.plot(month, value, color=ACCENT, linewidth=1.4, label=text("sectors.trend_value", language))
    axes.plot(month, line, color="#b3261e", linewidth=1.6, label=text("sectors.trend_line", language))
    axes.legend(prop=font(8), frameon=False)
    axes.set_ylabel(unit_of(answer["pollutant"]), fontproperties=font(8))
    _plain(axes)


def _smooth(canvas: Figure, answer: dict[str, Any], language: Language) -> None:
    result = answer["result"]
    axes = canvas.add_subplot()
    month = np.array(result["month"], dtype="datetime64[M]").astype("datetime64[D]")
    day = np.array(result["day"], dtype="datetime64[D]")
    measured, value, curve, lower, upper = (
        _numbers(result[name]) for name in ("measured", "value", "curve", "lower", "upper")
    )
    axes.plot(month, measured, color=QUIET, linewidth=0.9, label=text("sectors.trend_measured", language))
    if result["deseasonalised"]:
        axes.plot(month, value, color=ACCENT, linewidth=1.2, label=text("sectors.trend_value", language))
    axes.fill_between(day, lower, upper, color="#b3261e", alpha=0.18, linewidth=0, label=text("sectors.band", language))
    axes.plot(day, curve, color="#b3261e", linewidth=1.6, label=text("sectors.smooth_line", language))
    axes.legend(prop=font(8), frameon=False)
    axes.set_ylabel(unit_of(answer["pollutant"]), fontproperties=font(8))
    _plain(axes)


def _plain(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=7, colors=INK)
    axes.grid(color=QUIET, alpha=0.25, linewidth=0.6)


def _numbers(values: Any) -> Any:
    return np.array(values, dtype=np.float64)  # None is NaN


DRAWERS: dict[str, Callable[[Figure, dict[str, Any], Language], None]] = {
    "rose": _rose,
    "cpf": _cpf,
    "polar": _surface,
    "nwr": _surface,
    "ratio": _ratio,
    "fingerprint": _fingerprint,
    "trend": _trend,
    "smooth": _smooth,
}
