"""What the answers of the sector tools mean, in a sentence: what may be concluded, and what may not."""

from __future__ import annotations

import math
from typing import Any

from bihuan.app.sectors import Kind
from bihuan.core import Language, text
from bihuan.tracing.sectors import Doubt

COMPASS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")

LEAST_HIGH = 5
"""High hours that a direction must have to be named. [hours]"""

BLOCKING_FIRST = 1
"""Of several reasons against a conclusion the first is said in its place."""


def doubt_words(doubt: Doubt, language: Language) -> str:
    """Return a doubt as a sentence."""
    told = {name: f"{value:g}" for name, value in doubt.figures.items()}
    return text(f"sectors.doubt_{doubt.code}", language, **told)


def limits_words(kind: Kind, language: Language) -> str:
    """Return what must not be concluded from a kind of picture."""
    return text(f"sectors.limits_{kind}", language)


def conclusion_of(kind: Kind, result: Any, doubts: tuple[Doubt, ...], language: Language, unit: str = "") -> str:
    """Return what an answer says, or that nothing can be concluded and why; `unit` is printed after amounts."""
    if result is None:
        why = [doubt_words(one, language) for one in doubts if one.weight == "blocks"][:BLOCKING_FIRST]
        return text("sectors.nothing", language, why="".join(why))
    said = {
        "rose": _rose, "cpf": _cpf, "polar": _surface, "nwr": _surface, "ratio": _ratio, "trend": _trend,
        "smooth": _smooth,
    }  # fmt: skip
    words: str = said.get(kind, _fingerprint)(result, language, f" {unit}" if unit else "")
    return words


def compass(degrees: float | None, language: Language) -> str:
    """Return where wind comes from, as one of eight points."""
    if degrees is None:
        return "-"
    return text(f"tracing.{COMPASS[round(degrees / 45) % 8]}", language)


def _rose(result: Any, language: Language, unit: str) -> str:
    often = [sum(row) for row in result["wind"]["share"]]
    if not any(often):
        return text("sectors.said_rose_still", language)
    most = max(range(len(often)), key=often.__getitem__)
    enough = [
        (mean, at) for at, mean in enumerate(result["pollutant"]["mean"]) if mean is not None and often[at] >= 0.01
    ]
    told: dict[str, Any] = {
        "often": compass(result["direction"][most], language),
        "share": f"{100 * often[most]:.0f}",
        "calm": f"{100 * result['calm_share']:.0f}",
    }
    if not enough or not result["overall"]:
        return text("sectors.said_rose_wind", language, **told)
    high, at = max(enough)
    told |= {
        "high": compass(result["direction"][at], language),
        "mean": f"{high:.3g}{unit}",
        "times": f"{high / result['overall']:.1f}",
    }
    return text("sectors.said_rose", language, **told)


def _cpf(result: Any, language: Language, unit: str) -> str:
    """A direction is named only where even the lower end of its interval beats the share over all directions."""
    base = result["overall"] or 0.0
    rows = zip(result["probability"], result["lower"], result["count"], strict=True)
    sure = [
        (share, at)
        for at, (share, low, count) in enumerate(rows)
        if share is not None and low is not None and low > base and share * count >= LEAST_HIGH
    ]
    told = {"percentile": f"{result['percentile']:g}", "threshold": f"{result['threshold']:.3g}{unit}"}
    if not sure:
        return text("sectors.said_cpf_none", language, **told)
    share, at = max(sure)
    told |= {"from": f"{result['direction'][at]:.0f}", "where": compass(result["direction"][at], language)}
    told |= {"share": f"{100 * share:.0f}", "overall": f"{100 * base:.0f}", "sectors": f"{len(sure)}"}
    return text("sectors.said_cpf", language, **told)


def _surface(result: Any, language: Language, unit: str) -> str:
    axis, rows = result["axis"], result["value"]
    cells = [
        (value, column, row) for row, line in enumerate(rows) for column, value in enumerate(line) if value is not None
    ]
    if not cells:
        return text("sectors.said_surface_empty", language)
    high, column, row = max(cells)
    u, v = axis[column], axis[row]
    speed = math.hypot(u, v) + (result["base"] or 0.0)
    told: dict[str, Any] = {
        "speed": f"{speed:.1f}",
        "where": compass(math.degrees(math.atan2(u, v)) % 360, language),
        # the surface of high values is a share, and the only one without a unit of its own
        "value": f"{100 * high:.0f}%" if result.get("statistic") == "cpf" else f"{high:.3g}{unit}",
    }
    reach = max(abs(axis[0]), 1e-9)
    key = "near" if math.hypot(u, v) < 0.15 * reach else "edge" if math.hypot(u, v) > 0.75 * reach else "ring"
    return text(f"sectors.said_surface_{key}", language, **told)


def _ratio(result: Any, language: Language, unit: str) -> str:
    deciding = [row for row in result["rows"] if row["decides"] and row["hours"]]
    if deciding:
        top = max(deciding, key=lambda row: row["hours"] / row["of"])
        share = f"{100 * top['hours'] / top['of']:.0f}"
        return text("sectors.said_ratio", language, kind=text(f"sectors.kind_{top['kind']}", language), share=share)
    return text("sectors.said_ratio_unconfirmed", language, pairs=len(result["pairs"]))


def _fingerprint(result: Any, language: Language, unit: str) -> str:
    """An hour is named as high only where its interval lies above the mean of all hours."""
    hour = result["hour"]
    known = [(mean, at) for mean, at in zip(hour["mean"], hour["at"], strict=True) if mean is not None]
    if len(known) < 2:
        return text("sectors.said_fingerprint_none", language)
    level = sum(mean for mean, _ in known) / len(known)
    (high, top), (low, bottom) = max(known), min(known)
    lower = hour["lower"][top]
    key = "said_fingerprint" if lower is not None and lower > level else "said_fingerprint_weak"
    told = {"top": f"{top:02d}", "high": f"{high:.3g}{unit}", "bottom": f"{bottom:02d}", "low": f"{low:.3g}{unit}"}
    return text(f"sectors.{key}", language, weeks=result["weeks"], **told)


def _trend(result: Any, language: Language, unit: str) -> str:
    told: dict[str, Any] = {
        "slope": f"{result['slope']:+.3g}{unit}",
        "lower": f"{result['lower']:+.3g}",
        "upper": f"{result['upper']:+.3g}",
        "months": result["months"],
    }
    if not result["conclusive"]:
        return text("sectors.said_trend_none", language, **told)
    return text("sectors.said_trend_down" if result["slope"] < 0 else "sectors.said_trend_up", language, **told)


def _smooth(result: Any, language: Language, unit: str) -> str:
    curve, day = result["curve"], result["day"]
    top, bottom = curve.index(max(curve)), curve.index(min(curve))
    told: dict[str, Any] = {
        "first": f"{curve[0]:.3g}",
        "last": f"{curve[-1]:.3g}{unit}",
        "high": f"{curve[top]:.3g}",
        "high_month": day[top][:7],
        "low": f"{curve[bottom]:.3g}",
        "low_month": day[bottom][:7],
        "months": result["months"],
    }
    return text("sectors.said_smooth" if result["conclusive"] else "sectors.said_smooth_none", language, **told)
