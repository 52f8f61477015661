"""`bihuan trace`: the ranking of a stored event, or of a rise that a person names in stored readings."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from bihuan.app.opened import opened
from bihuan.app.settings import read_settings
from bihuan.app.suspicion import LOOK_BACK, Suspicion
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
    pollutant,
    text,
)
from bihuan.store import Store

LONGEST = timedelta(days=2)
"""A rise lasts hours; of a longer stretch nobody could be named."""


def ranking_of(home: Path, event: str) -> Suspects:
    """Return the last ranking of a stored event.

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
    with opened(home) as store:
        if store.records.get("event", ref.id) is None:
            raise NotCovered(f"{ref} is not stored here: check the id, or the BIHUAN_HOME it is looked for in")
        rows = store.records.find("suspects", subject=str(ref))
    if not rows:
        raise NotCovered(f"{ref} has no ranking: only a rise above the network and an outlet over its limit have one")
    found = [from_json(row.body, Suspects) for row in rows]
    return max(found, key=lambda one: (one.period.end, one.id))


def trace_stored(home: Path, start: datetime, end: datetime, station: str, code: str) -> Suspects:
    """Rank the sources of a rise at a station over a stretch of stored readings; nothing is stored.

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
        return Suspicion(town, model=settings.text("tracing_model")).rank(event, values, end, cases)


def _values(store: Store, town: Town, period: Period) -> pl.DataFrame:
    sites = pl.DataFrame(
        {"device": list(town.site_of), "site": list(town.site_of.values())},
        schema={"device": pl.String, "site": pl.String},
    )
    rows = store.series.readings(interval="minute", period=period)
    return as_values(rows.join(sites, on="device", how="inner"), "minute")


def ranking_words(found: Suspects, language: Language = "zh") -> str:
    """Return what a person reads: every suspect with its odds, then the answers that name nobody."""
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
    if found.cannot_tell:
        lines.append(text(f"tracing.{found.cannot_tell}", language))
    return "\n".join(lines)
