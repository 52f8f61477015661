"""The answers of the sector tools as plain values, for programs and pages: figures, doubts, and a sentence of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from bihuan.app.sector_words import conclusion_of, doubt_words, limits_words
from bihuan.app.sectors import Kind, SectorHours
from bihuan.core import InputError, Language, NotCovered, pollutant, printed_unit
from bihuan.tracing.sectors import (
    LEAST_CELLS,
    LEAST_MONTHS,
    Clusters,
    Doubt,
    Fingerprint,
    PolarSurface,
    Rose,
    WindHours,
    blocked,
    cbpf,
    cpf,
    doubts,
    fingerprints,
    local_times,
    percentile_rose,
    polar_clusters,
    polar_surface,
    pollution_rose,
    ratios,
    round_edges,
    smooth_trend,
    theil_sen,
    wind_regression,
    wind_rose,
)

METHOD = "sectors/1"
FIGURES = 5
"""Significant figures of what is sent."""
PERCENTILES = (25.0, 50.0, 75.0, 90.0, 95.0)
THIN = 2
"""Every so manieth place of a picture is sent: 101 a side."""
ROSE_CLASSES = 4
"""About so many classes of the pollution rose, that colours can be told apart."""
MOVING = 0.5
"""Calm below it, in roses of the page. [m/s]"""

SURFACE_HOURS = 100
"""Usable hours below which a surface only draws single hours, so that none is drawn."""

NEEDS_WIND = frozenset({"rose", "cpf", "polar", "nwr"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may be said about how an answer is made.

    Attributes
    ----------
    percentile : float
        Of CPF, and of the polar surface when it is one of CPF. [%]
    statistic : str
        Of the polar surface: ``mean`` or ``cpf``.
    clusters : int
        Parts of the polar surface; 0 for none.
    deseasonalise : bool
        Of the trend.
    """

    percentile: float = 90.0
    statistic: str = "mean"
    clusters: int = 0
    deseasonalise: bool = True


def answer(kind: Kind, asked: SectorHours, zone: ZoneInfo, language: Language, wanted: Wanted | None = None) -> Any:
    """Return one answer.

    Parameters
    ----------
    kind : str
    asked : SectorHours
    zone : ZoneInfo
        Of the city: fingerprints and months are in its time.
    language : Language
    wanted : Wanted, optional

    Returns
    -------
    dict
        ``kind site pollutant hours usable wind doubts conclusion limits method result``; `result` is null where
        nothing can be concluded.
    """
    hours = asked.hours
    found = doubts(hours, kind in NEEDS_WIND, few_days=14 if kind == "fingerprint" else 0)
    if kind in ("ratio", "trend", "smooth"):
        found = tuple(one for one in found if one.code not in ("few_hours", "no_values", "one_value", "flat"))
    usable = int((hours.complete if kind in NEEDS_WIND else np.isfinite(hours.value)).sum())
    if kind in ("polar", "nwr") and not blocked(found) and usable < SURFACE_HOURS:
        found = (*found, Doubt("few_surface", "blocks", {"count": usable, "need": SURFACE_HOURS}))
    result = None
    if not blocked(found):
        try:
            result = MAKERS[kind](asked, zone, wanted or Wanted())
        except InputError:
            need = {"trend": LEAST_MONTHS, "smooth": LEAST_MONTHS, "polar": LEAST_CELLS}.get(kind, 0)
            found = (*found, Doubt("short_trend" if kind == "smooth" else f"short_{kind}", "blocks", {"need": need}))
    if kind in ("trend", "smooth") and result is not None and not result["deseasonalised"]:
        found = (*found, Doubt("season_left", "caution"))
    if kind == "ratio" and result is not None and not result["pairs"]:
        result, found = None, (*found, Doubt("no_pair", "blocks"))
    return {
        "kind": kind,
        "site": asked.site,
        "pollutant": asked.pollutant,
        "start": _instant(hours, 0),
        "end": _instant(hours, -1),
        "hours": len(hours),
        "usable": usable,
        "wind": {"site": asked.wind_site, "distance": asked.distance},
        "doubts": [{"code": one.code, "weight": one.weight, "words": doubt_words(one, language)} for one in found],
        "conclusion": conclusion_of(kind, result, found, language, _unit(asked.pollutant)),
        "limits": limits_words(kind, language),
        "method": METHOD,
        "result": result,
    }


def _rose(asked: SectorHours, zone: ZoneInfo, wanted: Wanted) -> dict[str, Any]:
    hours = asked.hours
    known = hours.value[np.isfinite(hours.value)]
    edges = round_edges(float(known.min()), float(np.quantile(known, 0.9)), ROSE_CLASSES)
    wind, dirt = wind_rose(hours, (0.0, 2.0, 4.0, 6.0), 22.5, MOVING), pollution_rose(hours, edges, 22.5, MOVING)
    total = max(wind.hours, 1)
    return {
        "direction": figures(wind.direction),
        "wind": _counted(wind),
        "pollutant": _counted(dirt) | {"mean": figures(dirt.mean)},
        "percentiles": {
            "at": list(PERCENTILES),
            "direction": figures(np.arange(1, 37) * 10.0),
            "value": figures(percentile_rose(hours, PERCENTILES)),
        },
        "calm_share": figure(wind.still / total),
        "undirected_share": figure(wind.undirected / total),
        "overall": figure(float(np.nanmean(hours.value[np.isfinite(hours.wind_speed)]))),
        "mean_wind_from": figure(wind.mean_wind_from),
    }


def _counted(rose: Rose) -> dict[str, Any]:
    return {"edges": figures(rose.edges), "share": figures(rose.share)}


def _cpf(asked: SectorHours, zone: ZoneInfo, wanted: Wanted) -> dict[str, Any]:
    found = cpf(asked.hours, wanted.percentile)
    both = cbpf(asked.hours, wanted.percentile, 100.0, need=3)
    return {
        "direction": figures(found.direction),
        "threshold": figure(found.threshold),
        "percentile": wanted.percentile,
        "overall": figure(found.overall),
        "probability": figures(found.probability),
        "lower": figures(found.low),
        "upper": figures(found.upper),
        "count": found.count.tolist(),
        "bivariate": {"speed": figures(both.speed), "probability": figures(both.probability)},
    }


def _polar(asked: SectorHours, zone: ZoneInfo, wanted: Wanted) -> dict[str, Any]:
    statistic = "cpf" if wanted.statistic == "cpf" else "mean"
    found = polar_surface(asked.hours, statistic, wanted.percentile, uncertainty=True)  # type: ignore[arg-type]
    made = _picture(found)
    if wanted.clusters:
        made["clusters"] = _clusters(polar_clusters(found, asked.hours, wanted.clusters))
    return made


def _picture(found: PolarSurface) -> dict[str, Any]:
    return {
        "axis": figures(found.axis[::THIN]),
        "value": figures(found.value[::THIN, ::THIN]),
        "lower": None if found.lower is None else figures(found.lower[::THIN, ::THIN]),
        "upper": None if found.upper is None else figures(found.upper[::THIN, ::THIN]),
        "statistic": found.statistic,
        "threshold": figure(found.threshold),
        "base": figure(found.base),
        "cells": found.cells,
        "freedom": figure(found.freedom),
        "explained": figure(found.explained),
    }


def _clusters(found: Clusters) -> dict[str, Any]:
    return {
        "cluster": found.cluster.tolist(),
        "centre": figures(found.centre),
        "share": figures(found.share),
        "mean": figures(found.mean),
    }


def _nwr(asked: SectorHours, zone: ZoneInfo, wanted: Wanted) -> dict[str, Any]:
    found = wind_regression(asked.hours)
    return {
        "axis": figures(found.axis[::THIN]),
        "value": figures(found.value[::THIN, ::THIN]),
        "base": figure(found.base),
        "direction": figures(found.direction),
        "speed": figures(found.speed + found.base),
        "estimate": figures(found.estimate),
        "support": figures(found.support),
    }


def _ratio(asked: SectorHours, zone: ZoneInfo, wanted: Wanted) -> dict[str, Any]:
    found = ratios(asked.hours.start, asked.others)
    pairs = [
        {
            "over": one.pair[0],
            "under": one.pair[1],
            "median": figure(one.median),
            "low": figure(one.low),
            "high": figure(one.high),
            "of_means": figure(one.of_means),
            "correlation": figure(one.correlation),
            "hours": one.hours,
        }
        for one in found.series
        if one.hours
    ]
    rows = [
        {
            "id": one.row.id,
            "kind": one.row.kind,
            "over": one.row.ratio[0],
            "under": one.row.ratio[1],
            "above": one.row.above,
            "below": one.row.below,
            "rise": list(one.row.rise) if one.row.rise else None,
            "status": one.row.status,
            "source": {"zh": one.row.source_zh, "en": one.row.source_en},
            "decides": one.decides,
            "hours": one.hours,
            "of": one.of,
        }
        for one in found.findings
        if one.of
    ]
    return {"pairs": pairs, "rows": rows}


def _fingerprint(asked: SectorHours, zone: ZoneInfo, wanted: Wanted) -> dict[str, Any]:
    found = fingerprints(asked.hours, zone)
    week = np.array(found.hour_of_week.mean).reshape(7, 24)
    return {
        "hour": _print_of(found.hour),
        "weekday": _print_of(found.weekday),
        "month": _print_of(found.month),
        "hour_of_week": figures(week),
        "weeks": found.weeks,
    }


def _print_of(found: Fingerprint) -> dict[str, Any]:
    return {
        "at": list(found.at),
        "mean": figures(found.mean),
        "lower": figures(found.lower),
        "upper": figures(found.upper),
        "count": found.count.tolist(),
    }


def _trend(asked: SectorHours, zone: ZoneInfo, wanted: Wanted) -> dict[str, Any]:
    hours = asked.hours
    local = WindHours(local_times(hours.start, zone), hours.wind_speed, hours.wind_from, hours.value)
    found = theil_sen(local, deseasonalise=wanted.deseasonalise, autocorrelated=True, need=0.75)
    return {
        "month": [str(one) for one in found.month.astype("datetime64[M]")],
        "value": figures(found.value),
        "measured": figures(found.measured),
        "line": figures(found.line),
        "slope": figure(found.slope),
        "lower": figure(found.lower),
        "upper": figure(found.upper),
        "percent": figure(found.percent),
        "percent_lower": figure(found.percent_lower),
        "percent_upper": figure(found.percent_upper),
        "p": figure(found.p),
        "months": found.months,
        "block": found.block,
        "deseasonalised": found.deseasonalised,
        "conclusive": found.conclusive,
    }


def _smooth(asked: SectorHours, zone: ZoneInfo, wanted: Wanted) -> dict[str, Any]:
    hours = asked.hours
    local = WindHours(local_times(hours.start, zone), hours.wind_speed, hours.wind_from, hours.value)
    found = smooth_trend(local, deseasonalise=wanted.deseasonalise, need=0.75)
    return {
        "month": [str(one) for one in found.month.astype("datetime64[M]")],
        "value": figures(found.value),
        "measured": figures(found.measured),
        "day": [str(one) for one in found.day],
        "curve": figures(found.curve),
        "lower": figures(found.lower),
        "upper": figures(found.upper),
        "freedom": figure(found.freedom),
        "months": found.months,
        "deseasonalised": found.deseasonalised,
        "conclusive": found.conclusive,
    }


MAKERS: dict[Kind, Callable[[SectorHours, ZoneInfo, Wanted], dict[str, Any]]] = {
    "rose": _rose,
    "cpf": _cpf,
    "polar": _polar,
    "nwr": _nwr,
    "ratio": _ratio,
    "fingerprint": _fingerprint,
    "trend": _trend,
    "smooth": _smooth,
}


def figure(value: float) -> float | None:
    """Return a figure as it is sent; what is no number is null."""
    return float(f"{float(value):.{FIGURES}g}") if np.isfinite(value) else None


def figures(values: Any) -> Any:
    """Return figures in the shape of an array."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim > 1:
        return [figures(row) for row in array]
    return [figure(value) for value in array]


def _instant(hours: WindHours, at: int) -> str | None:
    return f"{hours.start[at].astype('datetime64[s]')}Z" if len(hours) else None


def _unit(code: str) -> str:
    """Unit as it is printed; nothing for the column of a file that is no pollutant of ours."""
    try:
        return printed_unit(pollutant(code).unit)
    except NotCovered:
        return ""
