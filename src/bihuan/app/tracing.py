"""`bihuan trace`: the ranking of a stored event, or of a rise that a person names in stored readings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.names import names_of
from bihuan.app.opened import opened
from bihuan.app.settings import Settings, read_settings
from bihuan.app.suspicion import LOOK_BACK, Suspicion
from bihuan.app.town import Town
from bihuan.app.tracesearch import TraceSearch, TraceSearches
from bihuan.app.tracesheet import TraceSheet, TraceSheets
from bihuan.app.values import as_values
from bihuan.cases import Case
from bihuan.core import (
    Event,
    InputError,
    NotCovered,
    Period,
    Ref,
    Suspects,
    content_id,
    from_json,
    local_date,
    pollutant,
)
from bihuan.store import Store

LONGEST = timedelta(days=2)
"""A rise lasts hours; of a longer stretch nobody could be named."""


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """One trace as a command tells it.

    Attributes
    ----------
    found : Suspects
    sheet : TraceSheet
        Hours for and against.
    search : TraceSearch
        Search area, round, what would change the ranking, findings that counted.
    names : dict of text ref to name
    zone : ZoneInfo
    """

    found: Suspects
    sheet: TraceSheet
    search: TraceSearch
    names: dict[str, str]
    zone: ZoneInfo


def ranking_of(home: Path, event: str) -> Traced:
    """Return the last ranking of a stored event with what follows from it, computed anew from stored readings.

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
        known = from_json(stored.body, Event)
        town = Town(store.records.register(), local_date(known.period.start, settings.zone))
        return _traced(store, town, settings, known, found, _cases(store))


def _cases(store: Store) -> tuple[Case, ...]:
    return tuple(from_json(row.body, Case) for row in store.records.find("case"))


def _traced(
    store: Store, town: Town, settings: Settings, event: Event, found: Suspects, cases: tuple[Case, ...]
) -> Traced:
    sheet = TraceSheets(store).sheet(town, event, found)
    search = TraceSearches(store).search(town, event, found, cases)
    return Traced(found, sheet, search, names_of(town, settings), settings.zone)


def trace_stored(home: Path, start: datetime, end: datetime, station: str, code: str) -> Traced:
    """Rank the sources of a rise at a station over any stretch of stored readings, event or not; nothing is stored.

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
        # findings that reached us before the end of the stretch count, as if it had been traced then
        cases = _cases(store)
        found = Suspicion(town, model=settings.text("tracing_model")).rank(event, values, end, cases)
        return _traced(store, town, settings, event, found, cases)


def _values(store: Store, town: Town, period: Period) -> pl.DataFrame:
    sites = pl.DataFrame(
        {"device": list(town.site_of), "site": list(town.site_of.values())},
        schema={"device": pl.String, "site": pl.String},
    )
    rows = store.series.readings(interval="minute", period=period)
    return as_values(rows.join(sites, on="device", how="inner"), "minute")
