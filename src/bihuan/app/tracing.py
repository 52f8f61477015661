"""`bihuan trace`: the ranking of a stored event, or of a rise that a person names in stored readings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.opened import opened
from bihuan.app.settings import read_settings
from bihuan.app.suspicion import LOOK_BACK, Suspicion, model_of
from bihuan.app.town import Town
from bihuan.app.values import as_values
from bihuan.cases import Case
from bihuan.core import (
    Event,
    InputError,
    Language,
    NotCovered,
    Period,
    Ref,
    Suspects,
    content_id,
    from_json,
    local_date,
    plain,
    pollutant,
    text,
)
from bihuan.store import Store
from bihuan.tracing import HiddenMap

WORTH_A_DRIVE = 0.1
"""Expected information below which no place is worth sending the mobile monitor to. [bit]"""

LONGEST = timedelta(days=2)
"""A rise lasts hours; of a longer stretch nobody could be named."""


def ranking_of(home: Path, event: str) -> tuple[Suspects, HiddenMap | None]:
    """Return the last ranking of a stored event, and where a source outside the list would stand.

    The map is computed anew from stored readings; None where the event named its source itself, or nothing is stored.

    Parameters
    ----------
    event : str
        Its id, with or without ``event:``.

    Raises
    ------
    NotCovered
        If there is no such event, or nobody was asked about it.
    StoreLocked
        If a running server owns the store.
    """
    ref = Ref("event", event.removeprefix("event:"))
    settings = read_settings(home)
    with opened(home) as store:
        stored = store.records.get("event", ref.id)
        if stored is None:
            raise NotCovered(f"{ref} is not stored here: check the id, or the BIHUAN_HOME it is looked for in")
        rows = store.records.find("suspects", subject=str(ref))
        if not rows:
            raise NotCovered(
                f"{ref} has no ranking: only a rise above the network and an outlet over its limit have one"
            )
        found = max((from_json(row.body, Suspects) for row in rows), key=lambda one: (one.period.end, one.id))
        return found, _map_of(store, from_json(stored.body, Event), found, settings.zone)


def _map_of(store: Store, event: Event, found: Suspects, zone: ZoneInfo) -> HiddenMap | None:
    if not found.method.startswith("plume-tracer/") or event.period.start >= found.period.end:
        return None
    town = Town(store.records.register(), local_date(event.period.start, zone))
    values = _values(store, town, Period(event.period.start - LOOK_BACK, found.period.end))
    seen = replace(event, period=Period(event.period.start, found.period.end))
    return Suspicion(town, model=model_of(found.method)).search(seen, values, found.period.end)


def trace_stored(
    home: Path, start: datetime, end: datetime, station: str, code: str
) -> tuple[Suspects, HiddenMap | None]:
    """Rank the sources of a rise at a station over a stretch of stored readings, and say where one outside the list
    would stand; nothing is stored.

    Parameters
    ----------
    start, end : datetime
        The rise; four hours before it are looked at as well.
    station : str
        Its id, with or without ``station:``.
    code : str
        Pollutant.

    Raises
    ------
    InputError
        If the stretch is empty or too long, or the pollutant is unknown.
    NotCovered
        If there is no such station, or it has no readings of that time.
    StoreLocked
        If a running server owns the store.
    """
    if not start < end <= start + LONGEST:
        raise InputError(
            f"a rise from {start} to {end} cannot be traced: give at most {LONGEST.days} days, first first"
        )
    pollutant(code)
    site = Ref("station", station.removeprefix("station:"))
    period = Period(start, end)
    with opened(home) as store:
        settings = read_settings(home)
        town = Town(store.records.register(), local_date(start, settings.zone))
        if str(site) not in {str(known.ref) for known in town.sites}:
            known = ", ".join(sorted(one.id for one in town.stations)[:10])
            raise NotCovered(f"{site} does not stand in the register of that day; known are {known}")
        values = _values(store, town, Period(start - LOOK_BACK, end))
        mine = values.filter((pl.col("site") == str(site)) & (pl.col("pollutant") == code) & (pl.col("start") >= start))
        if mine.is_empty():
            raise NotCovered(
                f"{site} has no {code} between {start} and {end}: choose a time that doctor or explain shows"
            )
        place = next(known.place for known in town.sites if known.ref == site)
        event = Event(
            id=content_id("event", "asked", site, code, period),
            rule="asked",
            kind="pattern",
            subject=site,
            place=place,
            period=period,
            pollutant=code,
            grade="note",
            value=mine["value"].max(),  # type: ignore[arg-type]  # a column of floats
            threshold=None,
            method="asked/1",
            open=False,
        )
        cases = [from_json(row.body, Case) for row in store.records.find("case", until=start)]
        suspicion = Suspicion(town, model=settings.text("tracing_model"))
        return suspicion.rank(event, values, end, cases), suspicion.search(event, values, end)


def _values(store: Store, town: Town, period: Period) -> pl.DataFrame:
    sites = pl.DataFrame(
        {"device": list(town.site_of), "site": list(town.site_of.values())},
        schema={"device": pl.String, "site": pl.String},
    )
    rows = store.series.readings(interval="minute", period=period)
    return as_values(rows.join(sites, on="device", how="inner"), "minute")


def ranking_plain(found: Suspects, hidden: HiddenMap | None) -> dict[str, Any]:
    """Return what a program reads: the ranking, and under ``hidden`` the map of a source outside the list or null."""
    return {**plain(found), "hidden": None if hidden is None else plain(hidden)}


def ranking_words(found: Suspects, language: Language = "zh", hidden: HiddenMap | None = None) -> str:
    """Return what a person reads: every suspect with its odds, the answers that name nobody, where to search."""
    lines = [f"{found.ref}  {found.event}  {found.pollutant}  {found.period}"]
    for number, suspect in enumerate(found.ranked, 1):
        percent = f"{suspect.probability * 100:.1f}"
        if suspect.distance is None:
            said = text("tracing.suspect_only", language, name=suspect.name, percent=percent)
        else:
            kilometres = f"{suspect.distance / 1000:.1f}"
            said = text("tracing.suspect", language, name=suspect.name, percent=percent, kilometres=kilometres)
        lines.append(f"{number}. {said} {suspect.source}")
    lines.append(text("tracing.none_of_listed", language, percent=f"{found.none_of_listed * 100:.1f}"))
    lines.append(text("tracing.regional", language, percent=f"{found.regional * 100:.1f}"))
    if hidden is not None:
        lines.append(_hidden_words(hidden, language))
    if found.cannot_tell:
        lines.append(text(f"tracing.{found.cannot_tell}", language))
    return "\n".join(lines)


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
