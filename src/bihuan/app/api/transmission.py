"""传输有效率 of outlets by month: shares with their numbers, and the hours that can still be repaired."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session, area_of
from bihuan.app.api.cases import as_json
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.tables import as_csv
from bihuan.assessment import Transmission, outlet_transmission
from bihuan.core import Language, Period, Ref, local_day, pollutant, text
from bihuan.register import Enterprise, Outlet

router = APIRouter(prefix="/api", tags=["transmission"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("site.read")]
Level = Literal["outlet", "enterprise", "district"]

SPANS = 500
"""Spans to be repaired that an answer lists; all of them stand in the CSV."""


class ShareLine(BaseModel):
    """One outlet, enterprise or district; counts are hours times items of the permit."""

    ref: str
    name: str
    due: int
    received: int
    valid: int
    marked: int
    transmission: float | None
    validity: float | None
    efficiency: float | None


class RepairLine(BaseModel):
    """Hours of one outlet and item that are missing or not valid and can still be repaired."""

    ref: str
    name: str
    pollutant: str
    start: datetime
    end: datetime
    hours: int
    why: str
    until: datetime = Field(description="after this the first of them cannot be repaired any more")


class TransmissionMonth(BaseModel):
    """A month of outlets."""

    month: str
    until: datetime | None = Field(description="hours before this are counted; null before the month has begun")
    by: Level
    lines: list[ShareLine]
    repairable: list[RepairLine]
    repairable_total: int
    repair_days: int
    repair_status: str


@router.get("/transmission", responses={200: {"model": TransmissionMonth}}, response_class=Response)
def transmission_month(
    session: Reader,
    office: TheOffice,
    language: TheLanguage,
    month: Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$", description="2026-11; this month without it")] = None,
    by: Level = "outlet",
) -> Response:
    """Give 传输率, 有效率, 传输有效率 of a month with their numbers, by outlet, enterprise or district."""
    found, named = _counted(session, office, month)
    lines = []
    for row in found.by(by).iter_rows(named=True):
        ident = row.pop("site" if by == "outlet" else by)
        ref = Ref.parse(ident) if by == "outlet" else Ref(by, ident)
        lines.append(ShareLine(ref=str(ref), name=_name(office, ref, language), **row))
    spans = [_span(row, office, language) for row in found.open.head(SPANS).iter_rows(named=True)]
    return as_json(
        TransmissionMonth(
            month=f"{named:%Y-%m}",
            until=found.period.end if found.period else None,
            by=by,
            lines=lines,
            repairable=spans,
            repairable_total=found.open.height,
            repair_days=found.repair_days,
            repair_status=found.status,
        )
    )


@router.get("/transmission.csv", response_class=Response)
def transmission_csv(
    session: Reader,
    office: TheOffice,
    language: TheLanguage,
    month: Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$")] = None,
) -> Response:
    """Give every span of hours that can still be repaired, as a table."""
    found, named = _counted(session, office, month)
    names = ("outlet", "pollutant", "start", "end", "hours", "why", "until")
    header = [text(f"law_outlet.repair_{name}", language) for name in names]
    rows = (_span(row, office, language) for row in found.open.iter_rows(named=True))
    zone = office.zone
    cells = (
        (
            *(one.name, one.pollutant, f"{one.start.astimezone(zone):%Y-%m-%d %H:%M}"),
            *(f"{one.end.astimezone(zone):%Y-%m-%d %H:%M}", one.hours, text(f"law_outlet.why_{one.why}", language)),
            f"{one.until.astimezone(zone):%Y-%m-%d %H:%M}",
        )
        for one in rows
    )
    return as_csv(f"repairable-{named:%Y-%m}.csv", header, cells)


def _counted(session: Session, office: Office, month: str | None) -> tuple[Transmission, date]:
    first = _first_day(month) if month else office.today.replace(day=1)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    period = Period(local_day(first, office.zone).start, local_day(after, office.zone).start)
    area = area_of(session)
    outlets = [one for one in office.town.outlets if area.sees(Ref("outlet", one.id), office.town)]
    sites = [str(Ref("outlet", one.id)) for one in outlets]
    hours = office.store.series.hours(sites=sites, period=period, stat="avg", of_record=True)
    began = office.store.series.query("SELECT site, min(start) AS first FROM hours GROUP BY site", [])
    since = dict(began.iter_rows())
    return outlet_transmission(outlets, hours, period, office.now, zone=office.zone, since=since), first


def _first_day(month: str) -> date:
    try:
        found = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise Refused(422, "input", f"month {month!r} cannot be read: write 2026-11", ["month"]) from None
    if not 2000 <= found.year <= 2100:
        raise Refused(422, "input", f"month {month!r} must lie between 2000 and 2100", ["month"])
    return found


def _name(office: Office, ref: Ref, language: Language) -> str:
    """The name of a thing; an outlet says whose it is as well."""
    name = office.name(ref, language)
    outlet = office.register.get(Outlet, ref.id, office.today) if ref.kind == "outlet" else None
    owner = office.register.get(Enterprise, outlet.enterprise, office.today) if outlet else None
    return f"{owner.name} {name}" if owner and owner.name not in name else name


def _span(row: dict[str, object], office: Office, language: Language) -> RepairLine:
    ref = Ref.parse(str(row["site"]))
    about = pollutant(str(row["pollutant"]))
    said = {name: row[name] for name in ("start", "end", "hours", "why", "until")}
    item = about.zh if language == "zh" else about.en
    return RepairLine(ref=str(ref), name=_name(office, ref, language), pollutant=item, **said)  # type: ignore[arg-type]
