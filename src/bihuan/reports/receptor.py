"""Pictures of a receptor model: the profile of each factor with its interval, and what each gives over time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure as Canvas

from bihuan.core import Language, text
from bihuan.reports.charts import DPI, INK, QUIET, font, plainly, png

BAR, SHARE = "#2b7a78", "#d1495b"
GAP = 10
"""Usual steps between samples beyond which a line is broken."""

LEAST = 1e-4
"""Smallest amount drawn, as a share of the largest: profiles span decades."""


def _canvas(factors: int, width: float, height: float) -> tuple[Canvas, Any]:
    picture = Canvas(figsize=(width, 0.6 + height * factors), dpi=DPI, layout="constrained")
    FigureCanvasAgg(picture)
    return picture, np.atleast_1d(picture.subplots(factors, 1, sharex=True))


def profiles_picture(found: Any, interval: tuple[Any, Any] | None, language: Language) -> bytes:
    """Return a PNG: amounts as columns on a decade scale, the share of each species as dots, intervals as whiskers.

    Parameters
    ----------
    found : Solution
        Of the receptor model in `tracing`.
    interval : tuple of ndarray, optional
        Low and high of the profiles, (K, M) each. [unit of the species]
    language : {'zh', 'en'}
    """
    names = found.material.names
    place = np.arange(len(names))
    picture, rows = _canvas(found.factors, max(6.0, 0.27 * len(names) + 1.4), 1.45)
    lowest = LEAST * float(found.profiles.max() or 1.0)
    unit = found.material.units[0] if len(set(found.material.units)) == 1 else ""
    for factor, axes in enumerate(rows):
        amount = found.profiles[factor]
        axes.bar(place, np.maximum(amount, lowest) - lowest, 0.72, bottom=lowest, color=BAR)
        if interval is not None:
            low, high = np.maximum(interval[0][factor], lowest), np.maximum(interval[1][factor], lowest)
            axes.vlines(place, low, high, color=INK, linewidth=1.1)
        axes.set_yscale("log")
        axes.set_ylim(lowest, 3 * float(found.profiles.max() or 1.0))
        axes.minorticks_off()
        title = text("receptor.axis_factor", language, number=factor + 1)
        axes.set_title(title, loc="left", fontproperties=font(9), color=INK, pad=3)
        second = axes.twinx()
        second.plot(place, 100 * found.shares_of_species[factor], "o", color=SHARE, markersize=3.6)
        second.set_ylim(0, 105)
        second.spines["top"].set_visible(False)
        second.spines["right"].set_color(QUIET)
        second.set_ylabel("%", fontproperties=font(8), color=SHARE)
        plainly(axes, f"[{unit}]" if unit else text("receptor.axis_amount", language))
        for label in second.get_yticklabels():
            label.set_fontproperties(font(8))
    rows[-1].set_xticks(place, names, rotation=90, fontproperties=font(8))
    rows[-1].set_xlim(-0.7, len(names) - 0.3)
    picture.suptitle(text("receptor.profiles_title", language), fontproperties=font(10), color=INK)
    return png(picture)


def contributions_picture(found: Any, zone: ZoneInfo, language: Language) -> bytes:
    """Return a PNG: what each factor gives over time, in the unit of the total where that is known.

    Parameters
    ----------
    found : Solution
        Of the receptor model in `tracing`.
    zone : ZoneInfo
    language : {'zh', 'en'}
    """
    shares, amount, how = found.shares_of_total()
    picture, rows = _canvas(found.factors, 8.2, 1.25)
    times = [time.astimezone(zone) for time in found.material.times]
    unit = "" if amount is None else found.material.total_unit or found.material.units[0]
    table = found.contributions if amount is None else found.contributions * amount
    for factor, axes in enumerate(rows):
        axes.plot(*_broken(times, table[:, factor]), color=BAR, linewidth=0.9)
        axes.axhline(0, color=QUIET, linewidth=0.6)
        title = text("receptor.axis_factor", language, number=factor + 1)
        title += "" if how == "none" else f"  {100 * shares[factor]:.1f}%"
        axes.set_title(title, loc="left", fontproperties=font(9), color=INK, pad=3)
        plainly(
            axes, f"[{unit}]" if unit else text(f"receptor.axis_{'relative' if amount is None else 'amount'}", language)
        )
    locator = AutoDateLocator(tz=zone, maxticks=9)  # type: ignore[no-untyped-call]
    rows[-1].xaxis.set_major_locator(locator)
    rows[-1].xaxis.set_major_formatter(DateFormatter("%Y-%m-%d", tz=zone))  # type: ignore[no-untyped-call]
    for label in rows[-1].get_xticklabels():
        label.set_fontproperties(font(8))
    picture.suptitle(text("receptor.contributions_title", language), fontproperties=font(10), color=INK)
    return png(picture)


def _broken(times: list[Any], values: Any) -> tuple[list[Any], list[float]]:
    """Break a line where nothing was sampled for long: nothing is drawn that nobody measured."""
    steps = [(after - before).total_seconds() for before, after in pairwise(times)]
    usual = float(np.median(steps)) if steps else 0.0
    shown_times, shown = list(times[:1]), [float(value) for value in values[:1]]
    for time, value, step in zip(times[1:], values[1:], steps, strict=True):
        if step > GAP * usual:
            shown_times.append(time)
            shown.append(float("nan"))
        shown_times.append(time)
        shown.append(float(value))
    return shown_times, shown
