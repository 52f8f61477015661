"""Charts of a bulletin as PNG: restrained, readable in black and white, each with its words (`alt`)."""

from __future__ import annotations

import io
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import noto_cjk_sans_otc
import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties

from bihuan.core import Language, pollutant, printed_unit
from bihuan.reports.material import item_name, word
from bihuan.reports.model import Figure

COLOURS = {
    "good": "#00e400",
    "moderate": "#ffff00",
    "light": "#ff7e00",
    "medium": "#ff0000",
    "heavy": "#99004c",
    "severe": "#7e0023",
}
"""Colours of HJ 633 table 2."""

INKS = {"medium": "#ffffff", "heavy": "#ffffff", "severe": "#ffffff"}
DPI = 150
INK, QUIET = "#1d2b33", "#8a98a0"


@cache
def font(size: float) -> FontProperties:
    """Return the typeface of the package in a size. [pt]"""
    return FontProperties(fname=str(noto_cjk_sans_otc.FONT_PATH), size=size)


def canvas(width: float, height: float) -> tuple[Canvas, Any]:
    """Return an empty picture and its one pair of axes. [inch]"""
    found = Canvas(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(found)
    return found, found.add_subplot()


def png(picture: Canvas) -> bytes:
    """Return the bytes of a picture; the same picture gives the same bytes."""
    out = io.BytesIO()
    picture.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def plainly(axes: Any, left: str) -> None:
    """Leave only what is needed of the frame."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(QUIET)
    axes.tick_params(colors=INK, length=3)
    axes.grid(axis="y", color="#e3e8eb", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_ylabel(left, fontproperties=font(8.5), color=INK)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(font(8))


def hours_chart(judged: pl.DataFrame, zone: ZoneInfo, language: Language) -> Figure:
    """Return the hourly index as coloured columns with the particles as lines."""
    hours = [start.astimezone(zone).hour for start in judged["start"]]
    index, labels = judged["aqi"].to_list(), judged["label"].to_list()
    picture, axes = canvas(6.1, 2.7)
    for hour, value, label in zip(hours, index, labels, strict=True):
        if value is not None:
            axes.bar(hour, value, 0.82, color=COLOURS.get(label, QUIET), edgecolor=INK, linewidth=0.4)
    axes.set_xticks(range(0, 24, 3), [f"{hour:02d}:00" for hour in range(0, 24, 3)])
    axes.set_xlim(-0.8, 23.8)
    axes.set_ylim(0, max((value for value in index if value is not None), default=1) * 1.22 or 1)
    second = axes.twinx()
    highest = 1.0
    for code, style in (("pm25", "-"), ("pm10", "--")):
        if code in judged.columns and judged[code].null_count() < judged.height:
            highest = max(highest, *(value for value in judged[code].to_list() if value is not None))
            second.plot(hours, judged[code].to_list(), style, color=INK, linewidth=1.3, label=item_name(code, language))
    second.set_ylim(0, highest * 1.22)
    second.spines["top"].set_visible(False)
    second.set_ylabel(word("axis_particles", language), fontproperties=font(8.5), color=INK)
    for label in second.get_yticklabels():
        label.set_fontproperties(font(8))
    if second.lines:
        second.legend(prop=font(8), frameon=False, loc="upper right", ncols=2)
    plainly(axes, "AQI")
    known = [(value, hour) for value, hour in zip(index, hours, strict=True) if value is not None]
    alt = word("alt_hours_none", language)
    if known:
        (low, low_hour), (high, high_hour) = min(known), max(known)
        words = {"low": int(low), "low_hour": low_hour, "high": int(high), "high_hour": high_hour}
        alt = word("alt_hours", language, **words)
    return Figure(title=word("figure_hours", language), alt=alt, png=png(picture))


FEWEST = 3
"""Days below which a line says nothing."""


def year_chart(days: pl.DataFrame, day: date, zone: ZoneInfo, language: Language) -> tuple[Figure, ...]:
    """Return the daily PM2.5 (else the first item there is) of the year so far; nothing with too few days."""
    days = days.sort("start")
    codes = [code for code in ("pm25", "pm10", "o3", "no2", "so2", "co") if code in days.columns]
    code = next((code for code in codes if days[code].count() >= FEWEST), None)
    if code is None:
        return ()
    local = [start.astimezone(zone).date() for start in days["start"]]
    values = days[code].to_list()
    picture, axes = canvas(6.1, 2.3)
    axes.plot(local, [float("nan") if value is None else value for value in values], color=INK, linewidth=1.2)
    axes.set_ylim(0, max(value for value in values if value is not None) * 1.12 or 1)
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%m-%d"))  # type: ignore[no-untyped-call]
    plainly(axes, f"{item_name(code, language)} ({printed_unit(pollutant(code).unit)})")
    known = [value for value in values if value is not None]
    words = {"item": item_name(code, language), "year": day.year}
    alt = word("alt_year", language, **words, days=len(known), low=f"{min(known):.0f}", high=f"{max(known):.0f}")
    return (Figure(title=word("figure_year", language, **words), alt=alt, png=png(picture)),)
