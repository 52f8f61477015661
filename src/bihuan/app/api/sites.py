"""Sites: all of them at once for the map, one by one for the station page; and the layers under them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import polars as pl
from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from bihuan.app.access import Session, area_of, sees_case
from bihuan.app.api import map_layers
from bihuan.app.api.alarms import hides
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs, office_of, session_of
from bihuan.app.api.map_layers import MapLayers
from bihuan.app.api.office import Office
from bihuan.app.api.overview import remembered
from bihuan.app.api.overview_air import SHOWN
from bihuan.app.api.overview_work import words_of
from bihuan.app.api.site_csv import csv_of
from bihuan.app.api.site_rows import SiteTable, site_table
from bihuan.app.api.site_series import (
    CalendarAnswer,
    SeriesAnswer,
    WindAnswer,
    asked_for,
    calendar_of,
    series_of,
    wind_of,
)
from bihuan.assessment import regime_words
from bihuan.core import NATIONAL_SIX, Event, InputError, Language, NotCovered, Ref, from_json, to_json
from bihuan.core import pollutant as known_pollutant
from bihuan.register import District, Enterprise, Fact, Outlet, Section, Station, Unit, WorkSite

router = APIRouter(prefix="/api", tags=["sites"], responses=PROBLEMS)  # type: ignore[arg-type]

PAST = timedelta(days=30)
"""Events listed on a station page."""

SITE_TYPES = (Station, Section, Outlet, WorkSite)

Reader = Annotated[Session, needs("site.read")]


class DeviceFact(BaseModel):
    """A logger of the site, without its password."""

    mn: str
    name: str
    protocol: str
    rhythm: dict[str, int]
    maintainer: str
    heard: datetime | None


class Measured(BaseModel):
    """A pollutant that the site has told of."""

    code: str
    name: str
    unit: str


class Happened(BaseModel):
    """An event of the site."""

    id: str
    words: str
    kind: str
    grade: str
    start: datetime
    end: datetime
    open: bool
    link: str


class CaseOf(BaseModel):
    """A case about the site."""

    id: str
    title: str
    state: str
    opened: datetime
    link: str


class PermitOf(BaseModel):
    """One limit of a permit."""

    pollutant: str
    limit: float
    unit: str
    averaging: str
    basis: str


class SiteFacts(BaseModel):
    """What the register knows of a site, and what hangs on it."""

    ref: str
    type: str
    kind: str
    name: str
    district: str
    district_name: str
    enterprise: str
    river: str
    target_class: str
    official: bool
    lon: float | None
    lat: float | None
    valid_from: date
    valid_to: date | None
    source: str
    pollutants: list[Measured]
    devices: list[DeviceFact]
    permit: list[PermitOf]
    standard: str = Field(description="emission standard that holds beside the permit, empty where none is registered")
    regime: str = Field(description="which of its tables, by name")
    events: list[Happened]
    cases: list[CaseOf]


class Quick(APIRoute):
    """Answers what is kept without leaving the event loop; what has to be made is made the usual way, in a thread.

    The hops of a plain route and its dependencies into the thread pool leave a fifth of the requests a second
    (measured: 855 instead of 4,330). Who asks and whether they may is asked of the same two functions as everywhere.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route."""
        usual = super().get_route_handler()
        may_read: Callable[[Session, Office], Session] = needs("site.read").dependency

        async def handler(request: Request) -> Response:
            office = office_of(request)
            key, state = _table_key(office, may_read(session_of(request, office), office))
            known = remembered(office).answers.fresh(key, state)
            return await usual(request) if known is None else known.answer(request)

        return handler


bulk = APIRouter(prefix="/api", tags=["sites"], responses=PROBLEMS, route_class=Quick)  # type: ignore[arg-type]


def _table_key(office: Office, session: Session) -> tuple[Hashable, Hashable]:
    """Who shares a table of sites, and until when it is good."""
    return ("sites", area_of(session)), (remembered(office).watermark(office), id(office.town))


@bulk.get("/sites", responses={200: {"model": SiteTable}})
def sites(office: TheOffice, session: Reader, request: Request) -> Response:
    """Tell every site with its last values; made once after each step of the loop, then handed out as bytes."""
    key, state = _table_key(office, session)
    area = area_of(session)
    made = remembered(office).answers.get(key, state, lambda: to_json(site_table(office, area, office.now)))
    return made.answer(request)


@router.get("/map", responses={200: {"model": MapLayers}})
def layers(office: TheOffice, session: Reader, request: Request) -> Response:
    """Tell districts, grid cells and the city's own layers (``map/*.geojson`` below BIHUAN_HOME)."""
    state = map_layers.state_of(office)
    made = remembered(office).answers.get("map", state, lambda: to_json(map_layers.map_layers(office)))
    return made.answer(request)


@router.get("/sites/{ref}")
def site(ref: str, office: TheOffice, language: TheLanguage, session: Reader) -> SiteFacts:
    """Tell what the register knows of a site, its loggers, events and cases."""
    asked = allowed(ref, office, session)
    fact = office.register.resolve(asked, office.town.on)
    at = office.register.place_of(asked, office.town.on) or (office.town.centre if asked == office.town.ref else None)
    district = getattr(fact, "district", "")
    area = office.register.get(District, district, office.town.on) if district else None
    owner = office.register.get(Enterprise, fact.enterprise, office.town.on) if isinstance(fact, Outlet) else None
    medium = fact.medium if isinstance(fact, Outlet) else fact.matter if isinstance(fact, WorkSite) else ""
    known = fact or Fact(id=asked.id, name=office.town.cell.name if office.town.cell else asked.id)
    return SiteFacts(
        ref=str(asked),
        type=asked.kind,
        kind=fact.kind if isinstance(fact, Station) else medium,
        name=known.name,
        district=district,
        district_name=(area.name_en if language == "en" and area.name_en else area.name) if area else district,
        enterprise=owner.name if owner else "",
        river=getattr(fact, "river", ""),
        target_class=fact.target_class if isinstance(fact, Section) else "",
        official=bool(getattr(fact, "official", False)),
        lon=at.lon if at else None,
        lat=at.lat if at else None,
        valid_from=known.valid_from,
        valid_to=known.valid_to,
        source=known.source,
        pollutants=measured_at(office, asked, language),
        devices=_devices(office, asked),
        permit=_permit(fact, language),
        standard=fact.standard if isinstance(fact, Outlet) else "",
        regime=regime_words(fact, office.town.on, language) if isinstance(fact, Outlet) else "",
        events=_events(session, office, asked, language),
        cases=_cases(session, office, asked, language),
    )


@router.get("/sites/{ref}/series")
def series(
    ref: str,
    office: TheOffice,
    language: TheLanguage,
    session: Reader,
    pollutant: str,
    interval: str = "hour",
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
) -> SeriesAnswer:
    """Tell one series with flags, origin and the limits of its last day; ``aqi`` is a pollutant here, too."""
    asked = asked_for(office, allowed(ref, office, session), pollutant, interval, since, until)
    return series_of(office, asked, language)


@router.get("/sites/{ref}/series.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def series_csv(
    ref: str,
    office: TheOffice,
    language: TheLanguage,
    session: Reader,
    pollutant: str,
    interval: str = "hour",
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
) -> Response:
    """Give one series as a file, in the city's time."""
    asked = asked_for(office, allowed(ref, office, session), pollutant, interval, since, until)
    title = office.name(asked.ref, language)
    body = csv_of(office, series_of(office, asked, language), title, language)
    name = quote(f"{asked.ref.id}_{asked.code}_{asked.interval}.csv")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/sites/{ref}/wind")
def wind(
    ref: str,
    office: TheOffice,
    language: TheLanguage,
    session: Reader,
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
) -> WindAnswer:
    """Tell hours of wind at the site, or at the nearest station that measures it."""
    asked = asked_for(office, allowed(ref, office, session), "wind_from", "hour", since, until)
    return wind_of(office, asked.ref, asked.period, language)


@router.get("/sites/{ref}/calendar")
def calendar(
    ref: str,
    office: TheOffice,
    session: Reader,
    year: Annotated[int, Query(ge=1990, le=2200)],
) -> CalendarAnswer:
    """Tell the days of a year."""
    return calendar_of(office, allowed(ref, office, session), year)


def allowed(text: str, office: Office, session: Session) -> Ref:
    """Return the site a page asks for.

    Raises
    ------
    Refused
        422 where it is no ``kind:id`` of a site, 404 where the register does not know it, 403 outside one's area.
    """
    try:
        ref = Ref.parse(text)
    except InputError as problem:
        raise Refused(422, "bad_ref", str(problem), ["ref"]) from None
    kinds = ("station", "section", "outlet", "worksite", "city")
    if ref.kind not in kinds:
        raise Refused(422, "bad_ref", f"{ref.kind!r} is no kind of site: write {', '.join(kinds)}", ["ref"])
    if ref != office.town.ref and not isinstance(office.register.resolve(ref, office.town.on), SITE_TYPES):
        raise Refused(404, "no_site", f"{text} is not in the register today: look for it in the list of sites", ["ref"])
    if not area_of(session).sees(ref, office.town):
        raise Refused(403, "not_your_area", f"{text} lies outside the area of your role", ["ref"])
    return ref


def measured_at(office: Office, ref: Ref, language: Language) -> list[Measured]:
    """Return what a site has measured, the six items first."""
    found = office.store.series.query(
        "SELECT DISTINCT pollutant FROM hours WHERE site = ? AND stat IN ('avg', 'zs_avg')", [str(ref)]
    )
    codes = set(found["pollutant"])
    if ref == office.town.ref:
        codes |= set(NATIONAL_SIX)
    order = [*SHOWN, *sorted(codes - set(SHOWN))]
    made = []
    for code in (code for code in order if code in codes):
        try:
            about = known_pollutant(code)
        except NotCovered:
            continue
        unit = about.outlet_unit if ref.kind == "outlet" else about.unit
        made.append(Measured(code=code, name=about.zh if language == "zh" else about.en, unit=unit))
    return made


def _devices(office: Office, ref: Ref) -> list[DeviceFact]:
    devices = office.register.devices_of(ref, office.town.on)
    latest = office.store.series.latest([one.id for one in devices]) if devices else None
    heard = dict(latest.group_by("device").agg(pl.col("end").max()).iter_rows()) if latest is not None else {}
    units = {one.maintainer: office.register.get(Unit, one.maintainer, office.town.on) for one in devices}
    return [
        DeviceFact(
            mn=one.id,
            name=one.name,
            protocol=one.protocol,
            rhythm=one.rhythm,
            maintainer=unit.name if (unit := units[one.maintainer]) else one.maintainer,
            heard=heard.get(one.id),
        )
        for one in devices
    ]


def _permit(fact: Fact | None, language: Language) -> list[PermitOf]:
    if not isinstance(fact, Outlet):
        return []
    made = []
    for limit in fact.limits:
        about = known_pollutant(limit.pollutant)
        name = about.zh if language == "zh" else about.en
        row = {"limit": limit.limit, "averaging": limit.averaging, "basis": limit.basis}
        made.append(PermitOf(pollutant=name, unit=about.outlet_unit, **row))  # type: ignore[arg-type]
    return made


def _events(session: Session, office: Office, ref: Ref, language: Language) -> list[Happened]:
    rows = office.store.records.find("event", subject=str(ref), since=office.now - PAST, newest_first=True, limit=50)
    events = (event for row in rows if not hides(session, event := from_json(row.body, Event)))
    return [
        Happened(
            id=one.id,
            words=words_of(one, office, language),
            kind=one.kind,
            grade=one.grade,
            start=one.period.start,
            end=one.period.end,
            open=one.open,
            link=f"/alarms/{one.id}",
        )
        for one in events
    ]


def _cases(session: Session, office: Office, ref: Ref, language: Language, shown: int = 20) -> list[CaseOf]:
    found = [
        case for case in office.desk.cases if ref in (case.opening.subject, case.suspect) and sees_case(session, case)
    ]
    return [
        CaseOf(
            id=case.id,
            title=office.title(case, language),
            state=case.state_words(language),
            opened=case.opened,
            link=f"/cases/{case.id}",
        )
        for case in reversed(found[-shown:])
    ]
