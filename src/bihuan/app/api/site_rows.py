"""Every site of the city in one table, for the map and the list: where it is, what it says now, whether it speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from bihuan.app.access import Area
from bihuan.app.api.office import Office
from bihuan.app.api.overview_air import RECENT, judged_until
from bihuan.app.api.overview_work import SECTION_AGE, gravity
from bihuan.app.indexing import wide_hours_of
from bihuan.app.signing import RULE as SIGN_RULE
from bihuan.assessment import hourly_aqi
from bihuan.core import NATIONAL_SIX, Event, Period, Ref, Verdict, from_json
from bihuan.register import Device, Outlet, Section, Station, WorkSite
from bihuan.store import Row

WORST = ("suspected_over", "not_evidence", "within")
"""Labels of an outlet's verdicts, the one that is shown first."""

DAYS_SHOWN = timedelta(days=3)
"""Waste water is judged by the day: its last day may be so old."""

WATER_RECENT = timedelta(hours=9)
"""A section measures every four hours: its last values may be so old and still be called present."""


class SiteRow(BaseModel):
    """One site as the bulk route tells it."""

    ref: str
    type: str = Field(description="station section outlet worksite")
    kind: str = Field(description="national micro ..., medium of an outlet, matter of a work site")
    name: str
    district: str
    lon: float
    lat: float
    at: datetime | None = Field(description="end of the period of the values")
    aqi: int | None
    label: str = Field(description="grade, class or verdict; empty where there is none")
    primary: str
    values: dict[str, float | None]
    online: bool | None = Field(description="null where no logger is registered")
    alarm: str = Field(description="kind of the gravest open event, empty for none")
    event: str


class SiteTable(BaseModel):
    """Every site that a session may see."""

    as_of: datetime | None
    sites: list[SiteRow]


class Now(BaseModel):
    """What a site says now."""

    at: datetime | None = None
    aqi: int | None = None
    label: str = ""
    primary: str = ""
    values: dict[str, float | None] = {}


def site_table(office: Office, area: Area, now: datetime) -> dict[str, Any]:
    """Return the table as plain values, ready for `core.to_json`; its shape is `SiteTable`."""
    said = {**stations_now(office, now), **outlets_now(office, now), **sections_now(office, now)}
    alarms = alarms_of(office)
    loggers = {device.site for device in office.register.all(Device, office.town.on)}
    rows = []
    for ref, fact, kind in _sites(office):
        if not area.whole and not area.sees(ref, office.town):
            continue
        name, event = str(ref), alarms.get(str(ref))
        silent = event is not None and any(one.kind == "silence" for one in event)
        rows.append(
            {
                "ref": name,
                "type": ref.kind,
                "kind": kind,
                "name": fact.name,
                "district": fact.district,
                "lon": fact.place.lon,
                "lat": fact.place.lat,
                **(said.get(name) or Now()).model_dump(),
                "online": not silent if name in loggers else None,
                "alarm": event[0].kind if event else "",
                "event": event[0].id if event else "",
            }
        )
    ends = [row["at"] for row in rows if row["at"] is not None]
    return {"as_of": max(ends, default=None), "sites": rows}


def _sites(office: Office) -> Iterator[tuple[Ref, Station | Section | Outlet | WorkSite, str]]:
    on = office.town.on
    for station in office.register.all(Station, on):
        yield Ref("station", station.id), station, station.kind
    for section in office.register.all(Section, on):
        yield Ref("section", section.id), section, "official" if section.official else "own"
    for outlet in office.register.all(Outlet, on):
        yield Ref("outlet", outlet.id), outlet, outlet.medium
    for site in office.register.all(WorkSite, on):
        yield Ref("worksite", site.id), site, site.matter


def alarms_of(office: Office) -> dict[str, list[Event]]:
    """Return the open events of each site, the gravest first."""
    found: dict[str, list[Event]] = {}
    events: Iterable[Event] = (from_json(row.body, Event) for row in office.store.records.find("event", state="open"))
    # the table is shared by everybody of an area: what is kept from some of them is not in it
    for event in sorted((event for event in events if event.rule != SIGN_RULE), key=gravity):
        found.setdefault(str(event.subject), []).append(event)
    return found


def stations_now(office: Office, now: datetime) -> dict[str, Now]:
    """Return the index and the values of the last judged hour of each station."""
    until = judged_until(now)
    refs = [f"station:{station.id}" for station in office.town.stations]
    wide = wide_hours_of(office.store.series, refs, Period(until - RECENT, until), office.town.official)
    wide = wide.filter(pl.any_horizontal(pl.col(code).is_not_null() for code in NATIONAL_SIX))
    if wide.is_empty():
        return {}
    last = hourly_aqi(wide, zone=office.zone).sort("site", "start").unique("site", keep="last", maintain_order=True)
    return {
        row["site"]: Now(
            at=row["end"],
            aqi=row["aqi"],
            label=row["label"],
            primary=row["primary"],
            values={code: row[code] for code in NATIONAL_SIX if row[code] is not None},
        )
        for row in last.iter_rows(named=True)
    }


def outlets_now(office: Office, now: datetime) -> dict[str, Now]:
    """Return the last verdicts of each outlet: the hour's of a stack, the day's of waste water."""
    until = judged_until(now)
    stacks = {f"outlet:{outlet.id}" for outlet in office.town.outlets}
    drains = [f"outlet:{outlet.id}" for outlet in office.town.outlets if outlet.medium == "water"]
    rows = office.store.records.find("verdict", subject=drains, since=until - DAYS_SHOWN) if drains else []
    rows += office.store.records.find("verdict", since=until - RECENT, until=until)
    last: dict[str, list[Row]] = {}
    for row in rows:
        if row.subject in stacks:
            known = last.get(row.subject, [])
            last[row.subject] = [row, *(one for one in known if one.start == row.start)]
    return {ref: _judged([from_json(row.body, Verdict) for row in found]) for ref, found in last.items()}


def _judged(verdicts: list[Verdict]) -> Now:
    """The worst label, and every value as it was judged; the first item of a verdict is what it is about."""
    labels = {verdict.label for verdict in verdicts}
    values = {verdict.items[0][0]: verdict.items[0][1] for verdict in verdicts if verdict.items}
    label = next((one for one in WORST if one in labels), "")
    return Now(at=verdicts[0].period.end, label=label, values=dict(sorted(values.items())))


def sections_now(office: Office, now: datetime) -> dict[str, Now]:
    """Return the last class of each section and its last values."""
    refs = [f"section:{section.id}" for section in office.town.sections]
    if not refs:
        return {}
    rows = office.store.records.find("verdict", subject=refs, since=now - SECTION_AGE)
    labels = {row.subject: from_json(row.body, Verdict).label for row in rows}
    span = Period(now - WATER_RECENT, now)
    hours = office.store.series.hours(refs, period=span, stat="avg", of_record=True)
    found: dict[str, Now] = {ref: Now(label=label) for ref, label in labels.items()}
    for row in hours.filter(pl.col("value").is_not_null()).sort("start").iter_rows(named=True):
        here = found.setdefault(row["site"], Now())
        here.values = {**here.values, row["pollutant"]: row["value"]}
        here.at = row["end"] if here.at is None else max(here.at, row["end"])
    return found
