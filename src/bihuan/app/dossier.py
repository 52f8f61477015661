"""The trace report of one event: everything the report prints, read out of the store, and the files themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import polars as pl

from bihuan import __version__
from bihuan.alerts import default_rules, describe, kind_words
from bihuan.app.clock import Clock, WallClock
from bihuan.app.dossierrows import beside_rows, excluded_rows, station_rows, suspect_rows
from bihuan.app.eventtransport import transport_of_event
from bihuan.app.findings import HALF_LIFE, Learned
from bihuan.app.memory import last_ranking
from bihuan.app.names import cell_words, change_words, names_of
from bihuan.app.opened import opened
from bihuan.app.settings import Settings, read_settings
from bihuan.app.suspicion import LOOK_BACK
from bihuan.app.town import Town
from bihuan.app.tracesearch import Change, TraceSearch, TraceSearches
from bihuan.app.tracesheet import TraceSheet, TraceSheets
from bihuan.app.values import as_values
from bihuan.cases import Case
from bihuan.core import (
    Effect,
    Event,
    Language,
    NotCovered,
    Period,
    Suspects,
    from_json,
    local_date,
    pollutant,
    text,
)
from bihuan.register import District
from bihuan.reports import ChangeRow, Cover, FindingRow, TraceMaterial, compose_trace, docx, html
from bihuan.store import Store, write_whole
from bihuan.tracing import TraceSettings

Form = Literal["html", "docx"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: what is outside of his area is counted, not named.

    Attributes
    ----------
    sees : callable
        Whether a case may be shown.
    signs : bool
        Whether signs of falsification may be counted.
    """

    sees: Callable[[Case], bool] = lambda case: True
    signs: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """One trace with its sheet and search."""

    event: Event
    found: Suspects
    sheet: TraceSheet
    search: TraceSearch


def gather_trace(
    store: Store,
    town: Town,
    settings: Settings,
    asked: Asked,
    cases: Iterable[Case],
    now: datetime,
    language: Language = "zh",
    reader: Reader | None = None,
) -> TraceMaterial:
    """Read everything that the report of a trace tells of.

    Parameters
    ----------
    store, town, settings
    asked : Asked
    cases : iterable of Case
        All there are; the reader's area decides which are named.
    now : datetime
        UTC.
    language : Language
        Of the words inside rows.
    reader : Reader, optional
        Everything by default.
    """
    reader, event, found, sheet, search = reader or Reader(), asked.event, asked.found, asked.sheet, asked.search
    all_cases = tuple(cases)
    names = names_of(town, settings)
    minutes = _minutes(store, town, event, found)
    mine = [case for case in all_cases if event.ref in case.sources]
    own = next((one for one in sheet.stations if one.site == str(event.subject)), None)
    values = own.value if own else _city_mean(sheet, town)
    first = sheet.suspects[0] if sheet.suspects else None
    seen = frozenset(case.id for case in all_cases if reader.sees(case))
    return TraceMaterial(
        city=settings.text("city_name") or (town.cell.name if town.cell else ""),
        event_words=event_words(event, names, language),
        unit=pollutant(event.pollutant).unit if event.pollutant else "",
        zone=settings.zone,
        now=now,
        event=event,
        found=found,
        names=names,
        blocks=sheet.start,
        step=sheet.step,
        onset=sheet.onset,
        values=values,
        background=_background(own.value, own.excess) if own else (None,) * len(values),
        wind_speed=sheet.wind_speed,
        wind_from=sheet.wind_from,
        stability=sheet.stability,
        stations=station_rows(sheet, town, names, event),
        suspects=suspect_rows(store, town, sheet, search, all_cases, names, event, found, language, reader.sees,
                              reader.signs),
        others=sheet.others,
        others_count=sheet.others_count,
        beside=beside_rows(minutes, event, found),
        excluded=excluded_rows(store, town, event, found, search, names),
        findings=tuple(row for _, row in findings_rows(search, town, names, language, seen)),
        cell_words="" if search.cell is None else cell_words(search.cell, names, settings.zone, language),
        changes=tuple(_change(one, names, language) for one in search.changes),
        hidden=search.hidden,
        areas=search.areas,
        stops=search.stops,
        footprint=first.footprint if first else None,
        transport=transport_of_event(store, town, event, found, sheet, names),
        outlines=tuple(ring for one in town.register.all(District, town.on) for ring in one.boundary),
        cases=tuple(case for case in mine if reader.sees(case)),
        hidden_cases=sum(not reader.sees(case) for case in mine),
        effects=_effects(store, mine),
        settings=_settings(found, settings),
        inputs=found.inputs,
        half_life_days=HALF_LIFE.total_seconds() / 86400,
        version=__version__,
    )  # fmt: skip


def trace_file(material: TraceMaterial, language: Language, form: Form, settings: Settings) -> bytes:
    """Return the document."""
    cover = Cover(issuer=settings.text("issuing_unit"), copies=settings.text("copies_to"))
    write = html if form == "html" else docx
    return write(compose_trace(material, language), cover, zone=settings.zone)


@dataclass(frozen=True, slots=True)
class TraceWritten:
    """What was written: paths, the event, the first answer and its probability."""

    html: str
    docx: str
    event: str
    sections: int
    suspects: int


def report_trace(
    home: Path, ident: str, out: Path, *, language: Language = "zh", clock: Clock | None = None
) -> TraceWritten:
    """Write ``bihuan-trace-<event>.html`` and ``.docx`` of a stored event; nothing is stored.

    Raises
    ------
    NotCovered
        If there is no such event, or nobody was asked about it.
    StoreLocked
        If a server owns the store.
    """
    ident = ident.removeprefix("event:")
    settings, now = read_settings(home), (clock or WallClock()).now()
    with opened(home) as store:
        row = store.records.get("event", ident)
        if row is None:
            raise NotCovered(f"event:{ident} is not stored here: check the id, or the BIHUAN_HOME it is looked for in")
        found = last_ranking(store.records, ident)
        if found is None:
            raise NotCovered(
                f"event:{ident} has no ranking: only a rise above the network and an outlet over its limit have one"
            )
        event = from_json(row.body, Event)
        town = Town(store.records.register(), local_date(event.period.start, settings.zone))
        cases = tuple(from_json(one.body, Case) for one in store.records.find("case"))
        sheet = TraceSheets(store).sheet(town, event, found)
        asked = Asked(event, found, sheet, TraceSearches(store).search(town, event, found, cases))
        material = gather_trace(store, town, settings, asked, cases, now, language)
    out.mkdir(parents=True, exist_ok=True)
    paths = {form: out / f"bihuan-trace-{ident}.{form}" for form in ("html", "docx")}
    forms: tuple[Form, ...] = ("html", "docx")
    for form in forms:
        write_whole(paths[form], trace_file(material, language, form, settings))
    return TraceWritten(str(paths["html"]), str(paths["docx"]), f"event:{ident}", 10, len(found.ranked))


def event_words(event: Event, names: dict[str, str], language: Language) -> str:
    """Return one sentence about an event."""
    name = names.get(str(event.subject), event.subject.id)
    rule = next((one for one in default_rules() if one.id == event.rule), None)
    try:
        return describe(event, rule, name, language) if rule else f"{name} {kind_words(event, language)}"
    except NotCovered:
        return f"{name} {kind_words(event, language)}"


def _change(change: Change, names: dict[str, str], language: Language) -> ChangeRow:
    what, then = change_words(change, names, language)
    return ChangeRow(what=what, then=then, changes=change.changes)


def findings_rows(
    search: TraceSearch, town: Town, names: dict[str, str], language: Language, seen: frozenset[str]
) -> tuple[tuple[Learned, FindingRow], ...]:
    """Return the findings that counted here, in words: at a listed source of air, or in the station's cell.

    Parameters
    ----------
    search, town
    names : dict of text ref to name
    language : Language
    seen : frozenset of str
        Cases that may be named to the reader.
    """
    listed = {source.ref for source in town.sources}
    weighing = search.prior.of_source
    rows = []
    for one in search.prior.findings:
        about = names.get(str(one.source), str(one.source))
        if one.source is None:
            if search.cell is None or one.cell != search.cell.cell:
                continue
            about = text("dossier.patrol_cell", language, cell=names.get(f"cell:{one.cell}", one.cell))
        elif one.source not in listed or weighing.get(one.source) is not one:
            continue
        row = FindingRow(
            about=about,
            result=text(f"result.{one.result}", language),
            role=text(f"role.{one.role}", language) if one.role else "—",
            at=one.at,
            until=one.until,
            factor=None if one.source is None else one.factor,
            case=one.case if one.case in seen else "",
        )
        rows.append((one, row))
    return tuple(rows)


def _city_mean(sheet: TraceSheet, town: Town) -> tuple[float | None, ...]:
    """What an event of the whole city has in place of a station's values: the mean of the city's stations by block."""
    rows = [one.value for one in sheet.stations if one.site in town.city_stations] or [
        one.value for one in sheet.stations
    ]
    found: list[float | None] = []
    for at in range(len(sheet.start)):
        known = [value for row in rows if (value := row[at]) is not None]
        found.append(sum(known) / len(known) if known else None)
    return tuple(found)


def _background(value: tuple[float | None, ...], excess: tuple[float | None, ...]) -> tuple[float | None, ...]:
    return tuple(None if v is None or e is None else v - e for v, e in zip(value, excess, strict=True))


def _minutes(store: Store, town: Town, event: Event, found: Suspects) -> pl.DataFrame:
    """Everything that the station of the event measured, minute by minute, from the look back on."""
    devices = [mn for mn, site in town.site_of.items() if site == str(event.subject)]
    if not devices:
        devices = ["-"]
    period = Period(event.period.start - LOOK_BACK, max(found.period.end, event.period.end))
    rows = store.series.readings(devices=devices, interval="minute", period=period)
    return as_values(rows.join(town.loggers, on="device", how="inner"), "minute")


def _effects(store: Store, cases: Iterable[Case]) -> dict[str, Effect]:
    found: dict[str, Effect] = {}
    for case in cases:
        outcome = case.effective
        row = store.records.get("effect", outcome.ref.id) if outcome and outcome.ref else None
        if row is not None:
            found[case.id] = from_json(row.body, Effect)
    return found


def _settings(found: Suspects, settings: Settings) -> tuple[tuple[str, str], ...]:
    if not found.method.startswith("plume-tracer/"):
        return ()
    used = TraceSettings()
    names = (
        "before",
        "block",
        "direction_sd",
        "model_error",
        "rate_factor",
        "hidden_share",
        "regional_share",
        "blunder",
    )
    return (("tracing_model", settings.text("tracing_model")), *((name, f"{getattr(used, name):g}") for name in names))
