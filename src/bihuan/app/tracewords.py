"""A trace as a person reads it in the terminal, and as a program reads it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from bihuan.app.names import cell_words, change_words
from bihuan.app.tracesheet import SuspectSheet
from bihuan.app.tracing import Traced
from bihuan.core import Language, Period, plain, text
from bihuan.tracing import WORTH_A_DRIVE, HiddenMap, note_words

NAMED, WORTH = 5, 0.01
"""Suspects printed: the first ones, and every one as likely as this; the others are counted."""


def ranking_plain(traced: Traced) -> dict[str, Any]:
    """Return what a program reads.

    The ranking; under ``hidden`` the map of a source outside the list or null; under ``against`` the hours against each
    suspect shown; under ``changes`` what would change it; under ``round`` the stops of the mobile monitor; under
    ``prior`` the findings of officers that counted and under ``cell`` what they did to 清单外来源.
    """
    search = traced.search
    return {
        **plain(traced.found),
        "hidden": None if search.hidden is None else plain(search.hidden),
        "against": {str(one.suspect.source): plain(one.against) for one in traced.sheet.suspects},
        "changes": [plain(one) for one in search.changes],
        "round": [plain(one) for one in search.stops],
        "prior": [plain(one) for one in search.prior.findings],
        "cell": None if search.cell is None else plain(search.cell),
    }


def ranking_words(traced: Traced, language: Language = "zh") -> str:
    """Return what a person reads: every answer with its odds and hours, where to search, what would change it."""
    found, search = traced.found, traced.search
    lines = [f"{found.ref}  {found.event}  {found.pollutant}  {found.period}"]
    if found.cannot_tell:
        lines.append(text(f"tracing.{found.cannot_tell}", language))
    lines += note_words(found, language)
    sheets = {one.suspect.source: one for one in traced.sheet.suspects}
    named = [one for n, one in enumerate(found.ranked) if n < NAMED or one.probability >= WORTH]
    for number, suspect in enumerate(named, 1):
        percent = _percent(suspect.probability)
        if suspect.distance is None:
            said = text("tracing.suspect_only", language, name=suspect.name, percent=percent)
        else:
            kilometres = f"{suspect.distance / 1000:.1f}"
            said = text("tracing.suspect", language, name=suspect.name, percent=percent, kilometres=kilometres)
        lines.append(f"{number}. {said} {suspect.source}")
        if suspect.source in sheets and traced.sheet.start:
            lines += _hours(sheets[suspect.source], traced, language)
    left = found.ranked[len(named) :]
    if left:
        rest = _percent(sum(one.probability for one in left))
        lines.append(text("alarm.others", language, count=len(left), odds=rest))
    lines.append(text("tracing.none_of_listed", language, percent=_percent(found.none_of_listed)))
    lines.append(text("tracing.regional", language, percent=_percent(found.regional)))
    if search.hidden is not None:
        lines.append(_hidden_words(search.hidden, language))
    lines += _changes(traced, language)
    lines += _findings(traced, language)
    return "\n".join(lines)


def _percent(probability: float) -> str:
    """With one decimal; an estimate is never printed as nothing or certain."""
    percent = f"{probability * 100:.1f}"
    return {"0.0": "<0.1", "100.0": ">99.9"}.get(percent, percent)


def _hours(sheet: SuspectSheet, traced: Traced, language: Language) -> list[str]:
    rows = (
        ("hours_for", sheet.suspect.hours),
        ("hours_unseen", sheet.against.unseen),
        ("hours_unexplained", sheet.against.unexplained),
    )
    said = [
        "   " + text(f"dossier.{key}", language, hours=_spans(periods, traced.zone)) for key, periods in rows if periods
    ]
    return said or ["   " + text("tracing.no_hours", language)]


def _spans(periods: tuple[Period, ...], zone: ZoneInfo) -> str:
    return ", ".join(f"{one.start.astimezone(zone):%m-%d %H:%M}–{one.end.astimezone(zone):%H:%M}" for one in periods)


def _changes(traced: Traced, language: Language) -> list[str]:
    lines = []
    for one in traced.search.changes:
        what, then = change_words(one, traced.names, language)
        key = "cli_changes" if one.changes else "cli_stays"
        lines.append(text(f"dossier.{key}", language, what=what, then=then))
    return lines


def _findings(traced: Traced, language: Language) -> list[str]:
    """Findings that weighed on a suspect that is listed, and what was learned in the cell."""
    lines = []
    for source, one in traced.search.prior.of_source.items():
        if source not in {row.source for row in traced.found.ranked}:
            continue
        said = text(
            "dossier.prior_words",
            language,
            role=text(f"role.{one.role}", language) if one.role else "",
            at=f"{one.at.astimezone(traced.zone):%m-%d %H:%M}",
            result=text(f"result.{one.result}", language),
            factor=f"{one.factor:.2f}",
            until=f"{one.until.astimezone(traced.zone):%m-%d}",
        )
        lines.append(f"{traced.names.get(str(source), source.id)}: {said}")
    if traced.search.cell is not None:
        lines.append(cell_words(traced.search.cell, traced.names, traced.zone, language))
    return lines


def _hidden_words(hidden: HiddenMap, language: Language) -> str:
    top = hidden.cells[0]
    values = {
        "half": f"{hidden.area50:.1f}",
        "most": f"{hidden.area90:.1f}",
        "lon": f"{top.lon:.4f}",
        "lat": f"{top.lat:.4f}",
    }
    said = text("tracing.search_area", language, **values)
    if hidden.monitor_lon is None or hidden.monitor_lat is None or hidden.monitor_bits < WORTH_A_DRIVE:
        return said
    where = {"lon": f"{hidden.monitor_lon:.4f}", "lat": f"{hidden.monitor_lat:.4f}"}
    drive = text("tracing.mobile_monitor", language, **where)
    return said + drive if language == "zh" else f"{said} {drive}"
