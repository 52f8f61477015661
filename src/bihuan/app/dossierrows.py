"""Rows of the trace report: stations, what was measured beside, suspects with state and history, what was excluded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import polars as pl

from bihuan.app.findings import CAUGHT
from bihuan.app.town import Town
from bihuan.app.tracesearch import TraceSearch
from bihuan.app.tracesheet import TraceSheet
from bihuan.app.values import as_values
from bihuan.cases import Case
from bihuan.core import NATIONAL_SIX, Event, Language, Period, Ref, Suspects, pollutant, text
from bihuan.register import Station
from bihuan.reports import Beside, ExcludedRow, Running, StationRow, SuspectRow
from bihuan.store import Store

DAYS_BACK = timedelta(days=90)
"""How far the history of a suspect reaches."""

NEAR = 5000.0
"""Within this of the station a listed source that is no suspect is named. [m]"""

EXCLUDED, EXCLUDED_BELOW = 8, 0.01
"""Excluded sources named, and the probability below which one is excluded."""

ENOUGH = 0.5
"""Share of the minutes that a mean needs."""

RUNNING = ("flow", "so2", "nox", "pm", "dust", "o2")
"""Items of an outlet's own logger that tell its state, in this order before all others."""

DAY = timedelta(days=1)


def station_rows(sheet: TraceSheet, town: Town, names: dict[str, str], event: Event) -> tuple[StationRow, ...]:
    """Return every station of the scene, largest rise first."""
    rows = []
    for one in sheet.stations:
        ref = Ref.parse(one.site)
        fact = town.register.get(Station, ref.id, town.on)
        known = sum(value is not None for value in one.value)
        rows.append(
            StationRow(
                name=names.get(one.site, ref.id),
                place=fact.place if fact else None,
                rise=one.rise,
                at=one.at,
                stands_out=one.stands_out,
                covered=known / max(len(one.value), 1),
                subject=ref == event.subject,
            )
        )
    return tuple(rows)


def beside_rows(minutes: pl.DataFrame, event: Event, found: Suspects) -> tuple[Beside, ...]:
    """Return the six pollutants at the station, before the onset and during the event.

    Parameters
    ----------
    minutes : DataFrame of `alerts.VALUES_COLUMNS`
        Of the station, from some hours before the onset.
    """
    if minutes.is_empty():
        return ()
    end = max(found.period.end, event.period.end)
    early = minutes.filter(pl.col("end") <= event.period.start)
    late = minutes.filter((pl.col("start") >= event.period.start) & (pl.col("end") <= end))
    steps = (late["end"] - late["start"]).median() if late.height else None
    due = event.period.length / steps if isinstance(steps, timedelta) and steps else 0.0
    rows = []
    for code in NATIONAL_SIX:
        during, count = _mean(late, code)
        before, had = _mean(early, code)
        covered = min(count / due, 1.0) if due else 0.0
        rows.append(Beside(code=code, before=before if had else None, during=during if covered >= ENOUGH else None,
                           covered=covered))  # fmt: skip
    return tuple(rows)


def _mean(rows: pl.DataFrame, code: str) -> tuple[float | None, int]:
    values = rows.filter((pl.col("pollutant") == code) & pl.col("usable"))["value"]
    mean = values.mean()
    return (mean if isinstance(mean, float) else None), values.len()


def suspect_rows(
    store: Store,
    town: Town,
    sheet: TraceSheet,
    search: TraceSearch,
    cases: Iterable[Case],
    names: dict[str, str],
    event: Event,
    found: Suspects,
    language: Language,
    sees: Callable[[Case], bool],
    signs: bool,
) -> tuple[SuspectRow, ...]:
    """Return the suspects of the sheet with their running state and history."""
    kinds = {source.ref: source.kind for source in town.sources}
    weights = search.prior.weights
    known = [case for case in cases if sees(case) and event.ref not in case.sources]
    rows = []
    for one in sheet.suspects:
        ref = one.suspect.source
        devices = [mn for mn, site in town.site_of.items() if site == str(ref)]
        rows.append(
            SuspectRow(
                suspect=one.suspect,
                kind=kinds.get(ref, ""),
                unseen=one.against.unseen,
                unexplained=one.against.unexplained,
                unseen_at=tuple(names.get(site, site) for site in one.against.unseen_at),
                factor=weights.get(ref),
                monitored=bool(devices),
                running=_running(store, town, devices, found.period, event) if devices else (),
                **_history(store, ref, known, event, language, signs),  # type: ignore[arg-type]
            )
        )
    return tuple(rows)


def _running(store: Store, town: Town, devices: list[str], period: Period, event: Event) -> tuple[Running, ...]:
    """What an outlet's own loggers sent in the event, next to the day before."""
    wide = Period(event.period.start - DAY, period.end)
    rows = store.series.readings(devices=devices, interval="minute", period=wide)
    values = as_values(rows.join(town.loggers, on="device", how="inner"), "minute").filter(pl.col("usable"))
    late = pl.col("start") >= event.period.start
    means = values.group_by("pollutant").agg(
        during=pl.col("value").filter(late).mean(), before=pl.col("value").filter(~late).mean()
    )
    order = {code: n for n, code in enumerate(RUNNING)}
    found = []
    for code, during, before in means.iter_rows():
        kind = pollutant(code)
        found.append(Running(code=code, unit=kind.outlet_unit or kind.unit, before=before, during=during))
    return tuple(sorted(found, key=lambda one: (order.get(one.code, len(order)), one.code)))


def _history(
    store: Store, ref: Ref, cases: list[Case], event: Event, language: Language, signs: bool
) -> dict[str, object]:
    """Cases, alarms and signs of a source before the event."""
    since, until = event.period.start - DAYS_BACK, event.period.start
    mine = [case for case in cases if since <= case.opened < until and _concerns(case, ref)]
    visits = [v for case in cases for v in case.visits if v.suspect == ref and v.at < until]
    caught = sum(any(v.suspect == ref and v.result in CAUGHT for v in case.visits) for case in mine)
    alarms = store.records.find("event", subject=str(ref), since=since, until=until)
    last = max(visits, key=lambda one: one.at, default=None)
    return {
        "cases": len(mine),
        "caught": caught,
        "alarms": len(alarms),
        "signs": store.records.count("sign", subject=str(ref)) if signs else None,
        "last": "" if last is None else f"{text(f'result.{last.result}', language)} ({last.at:%m-%d})",
    }


def _concerns(case: Case, ref: Ref) -> bool:
    return ref in {case.suspect, case.opening.subject, *(visit.suspect for visit in case.visits)}


def excluded_rows(
    store: Store, town: Town, event: Event, found: Suspects, search: TraceSearch, names: dict[str, str]
) -> tuple[ExcludedRow, ...]:
    """Return listed sources near the station that are no suspects, nearest first."""
    if event.place is None or not found.method.startswith("plume-tracer/") or found.cannot_tell:
        return ()
    chances = {one.source: one for one in found.ranked}
    weights = search.prior.weights
    rows = []
    for source in town.sources:
        if event.pollutant not in source.rates:
            continue
        away, named = source.place.distance(event.place), chances.get(source.ref)
        chance = named.probability if named else 0.0
        if away > NEAR or chance >= EXCLUDED_BELOW:
            continue
        why = "cleared" if weights.get(source.ref, 1.0) < 1 else _why(named)
        rows.append(ExcludedRow(name=source.name, distance=away, probability=chance, why=why))
    return tuple(sorted(rows, key=lambda row: row.distance)[:EXCLUDED])


def _why(named: object) -> str:
    """A source with hours that speak for it lost to a better one; one without was never passed by the wind."""
    return "unlikely" if getattr(named, "hours", ()) else "away"
