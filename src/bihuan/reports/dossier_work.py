"""The last parts of a trace report: where to look and drive, what was done and found, and what it rests on."""

from __future__ import annotations

from bihuan.cases import Case
from bihuan.core import Language, printed_unit, text
from bihuan.reports.dossier_material import TraceMaterial, odds, say
from bihuan.reports.model import Section, Table

KINDS = ("industry", "construction", "road", "bare_soil")
"""Kinds of source with points of their own to check; every other has the general ones."""
INPUTS = 12
"""Refs printed one by one; the rest is counted."""


def check_section(given: TraceMaterial, language: Language) -> Section:
    """8: points to check on site, and a round for the mobile monitor."""
    lines = []
    kinds: list[str] = []
    for row in given.suspects[:5]:
        if row.suspect.probability >= 0.05 or not given.estimated:
            kind = row.kind if row.kind in KINDS else "other"
            if kind not in kinds:
                kinds.append(kind)
    lines += [say(f"check_{kind}", language) for kind in kinds]
    if given.estimated and given.found.none_of_listed >= 0.05:
        lines.append(say("check_none", language))
    if given.hidden is not None and given.found.none_of_listed >= 0.01:
        lines.append(say("area_said", language, half=f"{given.hidden.area50:.1f}", most=f"{given.hidden.area90:.1f}"))
    tables = (_route(given, language),) if given.stops else ()
    if not tables and given.estimated:
        lines.append(say("no_route", language))
    notes = (say("note_route", language),) if tables else ()
    return Section(title=say("section_check", language), sentences=tuple(lines), tables=tables, notes=notes)


def _route(given: TraceMaterial, language: Language) -> Table:
    rows, way = [], 0.0
    for number, stop in enumerate(given.stops):
        way += stop.leg
        name = given.name(stop.source) if stop.source else say(f"stop_{stop.kind}", language)
        why = (
            say("why_monitor", language, bits=f"{stop.chance:.2f}")
            if stop.kind == "monitor"
            else say(f"why_{stop.kind}", language, percent=odds(stop.chance))
        )
        leg = "—" if not number else f"{stop.leg / 1000:.1f}"
        rows.append((chr(65 + number), name, f"{stop.lon:.5f}, {stop.lat:.5f}", leg, why))
    head = tuple(say(f"col_{name}", language) for name in ("order", "where", "lonlat", "leg", "why_go"))
    title = say("table_route", language, km=f"{way / 1000:.1f}")
    return Table(title=title, head=head, rows=tuple(rows))


def work_section(given: TraceMaterial, language: Language) -> Section:
    """9: what was dispatched and found: cases, visits, photos by digest, measured effect; findings that counted."""
    title = say("section_work", language)
    tables = [_cases(given, language), _visits(given, language), _photos(given, language)]
    lines = [_effect(given, case, language) for case in given.cases]
    if not given.cases:
        lines = [say("not_dispatched", language)]
    if given.findings:
        lines.append(say("findings_said", language, count=len(given.findings), days=f"{given.half_life_days:.0f}"))
        tables.append(_findings(given, language))
    else:
        lines.append(say("no_findings", language))
    if given.cell_words:
        lines.append(given.cell_words)
    return Section(
        title=title,
        sentences=tuple(line for line in lines if line),
        tables=tuple(table for table in tables if table.rows),
        notes=(say("note_photos", language),) if tables[2].rows else (),
    )


def _cases(given: TraceMaterial, language: Language) -> Table:
    rows = []
    for case in given.cases:
        sent = next((step.at for step in reversed(case.steps) if step.after == "dispatched" != step.before), None)
        result = text(f"result.{case.result}", language) if case.result else "—"
        lead = given.name(case.lead) if case.lead else "—"
        rows.append((case.id[:12], case.state_words(language), lead, given.clock(sent) if sent else "—", result))
    head = tuple(say(f"col_{name}", language) for name in ("case", "state", "lead", "sent", "found"))
    return Table(title=say("table_cases", language), head=head, rows=tuple(rows))


def _visits(given: TraceMaterial, language: Language) -> Table:
    rows = []
    for case in given.cases:
        roles = {(step.at, step.action.by.person): step.role for step in case.steps}
        for visit in case.visits:
            role = roles.get((visit.at, visit.by), "")
            rows.append(
                (
                    given.clock(visit.at),
                    given.name(visit.suspect),
                    text(f"result.{visit.result}", language),
                    text(f"role.{role}", language) if role else "—",
                    case.id[:12],
                )
            )
    head = tuple(say(f"col_{name}", language) for name in ("when", "source", "found", "role", "case"))
    return Table(title=say("table_visits", language), head=head, rows=tuple(rows))


def _photos(given: TraceMaterial, language: Language) -> Table:
    rows = [
        (say(f"photo_{photo.role}", language), given.clock(photo.taken) if photo.taken else "—", _digest(photo.digest))
        for case in given.cases
        for photo in case.photos
    ]
    head = tuple(say(f"col_{name}", language) for name in ("photo", "taken", "digest"))
    return Table(title=say("table_photos", language), head=head, rows=tuple(rows))


def _digest(digest: str) -> str:
    """Cut so that it fits, long enough to find the photo by it."""
    name, _, value = digest.partition(":")
    return f"{name}:{value[:24]}…" if len(value) > 24 else digest


def _effect(given: TraceMaterial, case: Case, language: Language) -> str:
    found = given.effects.get(case.id)
    if found is None:
        return say("effect_pending", language, case=case.id[:12])
    verdict = say(f"effect_{found.verdict}", language)
    if found.change is None or found.low is None or found.high is None:
        return say("effect_untold", language, case=case.id[:12], verdict=verdict)
    values = {"change": f"{found.change:+.1f}", "low": f"{found.low:+.1f}", "high": f"{found.high:+.1f}"}
    unit = printed_unit(given.unit)
    return say("effect_said", language, case=case.id[:12], verdict=verdict, unit=unit, **values)


def _findings(given: TraceMaterial, language: Language) -> Table:
    rows = tuple(
        (
            given.clock(one.at), one.about, one.result, one.role, "—" if one.factor is None else f"×{one.factor:.2f}",
            given.clock(one.until), one.case[:12] or "—",
        )
        for one in given.findings
    )  # fmt: skip
    names = ("when", "about", "found", "role", "factor", "until", "case")
    head = tuple(say(f"col_{name}", language) for name in names)
    return Table(title=say("table_findings", language), head=head, rows=rows)


def method_section(given: TraceMaterial, language: Language) -> Section:
    """10: method, settings and inputs, so that anybody can follow it."""
    found = given.found
    rows = [
        (say("fact_method", language), found.method or "—"),
        (say("fact_version", language), given.version),
        (say("fact_ranking", language), str(found.ref)),
        (say("fact_event", language), str(given.event.ref)),
        (say("fact_data", language), given.span(found.period)),
        (say("fact_made", language), given.clock(given.now)),
    ]
    if given.settings:
        rows.append((say("fact_settings", language), ", ".join(f"{name}={value}" for name, value in given.settings)))
    shown = [str(ref) for ref in given.inputs[:INPUTS]]
    if len(given.inputs) > INPUTS:
        shown.append(say("more", language, count=len(given.inputs) - INPUTS))
    rows.append((say("fact_inputs", language), ", ".join(shown) or "—"))
    head = (say("col_fact", language), say("col_value", language))
    return Section(
        title=say("section_method", language),
        sentences=(say("method_said", language),),
        tables=(Table(title=say("table_method", language), head=head, rows=tuple(rows)),),
        notes=(say("note_explain", language, ref=str(found.ref)),),
    )
