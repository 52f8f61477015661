"""What follows from a trace: where to search, what would change the odds, what findings did, and its report."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session, sight_of
from bihuan.app.api.alarms import seen_event, unit_of
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.issue_lines import DOCX, SANDBOX
from bihuan.app.api.office import Office
from bihuan.app.dossier import Asked, Form, Reader, findings_rows, gather_trace, trace_file
from bihuan.app.findings import HALF_LIFE
from bihuan.app.names import cell_words, change_words, names_of
from bihuan.app.tracesearch import Change, TraceSearch
from bihuan.core import Event, Language, Suspects, text
from bihuan.reports import TransportRow, transport_words
from bihuan.tracing import WORTH_A_DRIVE, odds

router = APIRouter(prefix="/api", tags=["events"], responses=PROBLEMS)  # type: ignore[arg-type]

DossierReader = Annotated[Session, needs("dossier.read")]


class StopLine(BaseModel):
    """One stop of the mobile monitor's round."""

    letter: str
    kind: str = Field(description="monitor, patch or suspect")
    name: str
    source: str | None
    lon: float
    lat: float
    leg: float = Field(description="m from the stop before, as the crow flies")
    why: str


class ChangeLine(BaseModel):
    """What would change the ranking."""

    kind: str
    what: str
    then: str
    changes: bool = Field(description="whether another answer would stand first")


class PriorLine(BaseModel):
    """A finding of an officer that counted in the ranking."""

    source: str | None = Field(description="null: a patrol found somebody outside the list")
    name: str
    result: str
    result_words: str
    role: str
    at: datetime
    until: datetime
    factor: float | None = Field(description="on the weight of the source now; null of what concerns the cell")
    fresh: float | None
    case: str = Field(description="empty where the reader may not see it")


class ShareLine(BaseModel):
    """How much of what a station measured came in from upwind, with its 80 % interval. 0-1"""

    regional: float
    low: float
    high: float


class SearchPage(BaseModel):
    """What follows from the last ranking of an alarm."""

    suspects: str | None = Field(description="id of the ranking; null while nothing was traced")
    areas: dict[str, Any] | None = Field(description="GeoJSON: 90 % and 50 % area of a source outside the list")
    area50: float | None = Field(description="km2")
    area90: float | None
    monitor_bits: float | None
    worth_a_drive: bool
    cannot_tell: str
    stops: list[StopLine]
    way: float = Field(description="length of the round as the crow flies [m]")
    changes: list[ChangeLine]
    prior: list[PriorLine]
    cell_words: str
    half_life_days: float
    share: ShareLine | None = Field(description="null where it cannot be told")
    transport: list[str] = Field(description="local or brought in, in words; empty while nothing was traced")


@router.get("/events/{ident}/trace/search", responses={200: {"model": SearchPage}})
def search(
    ident: str, office: TheOffice, session: Annotated[Session, needs("dossier.read")], language: TheLanguage
) -> Response:
    """Return where to search and drive, what would change the ranking, and which findings counted in it."""
    event = seen_event(ident, session, office)
    found = office.loop.ranking(event.id)
    page = _nothing() if found is None else _page(event, found, office, session, language)
    return Response(page.model_dump_json(), media_type="application/json")


@router.get("/events/{ident}/trace/report.html", response_class=Response)
def report_html(
    ident: str, session: DossierReader, office: TheOffice, language: Annotated[Language, Query()] = "zh"
) -> Response:
    """Return the trace report; a browser shows it in a sandbox."""
    body = _file(ident, session, office, language, "html")
    return Response(body, media_type="text/html; charset=utf-8", headers=SANDBOX)


@router.get("/events/{ident}/trace/report.docx", response_class=Response)
def report_docx(
    ident: str, session: DossierReader, office: TheOffice, language: Annotated[Language, Query()] = "zh"
) -> Response:
    """Return the trace report for a word processor."""
    body = _file(ident, session, office, language, "docx")
    headers = {"Content-Disposition": f'attachment; filename="bihuan-trace-{ident}-{language}.docx"'}
    return Response(body, media_type=DOCX, headers=headers)


def _file(ident: str, session: Session, office: Office, language: Language, form: Form) -> bytes:
    """Make the file and note in the ledger who took it: it names suspects."""
    event = seen_event(ident, session, office)
    asked = asked_of(event, office)
    sight = sight_of(session)
    reader = Reader(sees=sight.sees, signs=session.may("sign.read"))
    material = gather_trace(
        office.store, office.town, office.settings, asked, office.desk.cases, office.now, language, reader
    )
    body = trace_file(material, language, form, office.settings)
    with office.store.records.transaction():
        office.audit(
            session, "trace.report", event.ref, {"ranking": asked.found.id, "form": form, "language": language}
        )
    return body


def asked_of(event: Event, office: Office) -> Asked:
    """Return the last ranking of an event with its sheet and search.

    Raises
    ------
    Refused
        404 while it was not traced.
    """
    found = office.loop.ranking(event.id)
    if found is None:
        raise Refused(404, "no_trace", f"event {event.id} has no ranking yet: there is nothing to report")
    return Asked(event, found, office.sheets.sheet(office.town, event, found), _search(event, found, office))


def _search(event: Event, found: Suspects, office: Office) -> TraceSearch:
    return office.searches.search(office.town, event, found, office.desk.cases)


def _nothing() -> SearchPage:
    return SearchPage(
        suspects=None, areas=None, area50=None, area90=None, monitor_bits=None, worth_a_drive=False, cannot_tell="",
        stops=[], way=0.0, changes=[], prior=[], cell_words="", half_life_days=_days(),
        share=None, transport=[],
    )  # fmt: skip


def _days() -> float:
    return HALF_LIFE.total_seconds() / 86400


def _page(event: Event, found: Suspects, office: Office, session: Session, language: Language) -> SearchPage:
    told = _search(event, found, office)
    hidden, names = told.hidden, names_of(office.town, office.settings)
    moved = office.transports.of(office.town, event, found, office.sheets.sheet(office.town, event, found), names)
    return SearchPage(
        suspects=found.id,
        areas=_geojson(told),
        area50=hidden.area50 if hidden else None,
        area90=hidden.area90 if hidden else None,
        monitor_bits=hidden.monitor_bits if hidden else None,
        worth_a_drive=hidden is not None and hidden.monitor_bits >= WORTH_A_DRIVE,
        cannot_tell=text(f"tracing.{hidden.cannot_tell}", language) if hidden and hidden.cannot_tell else "",
        stops=_stops(told, names, language),
        way=sum(stop.leg for stop in told.stops),
        changes=[_change(row, names, language) for row in told.changes],
        prior=_prior(told, office, session, names, language),
        cell_words="" if told.cell is None else cell_words(told.cell, names, office.zone, language),
        half_life_days=_days(),
        share=_shared(moved),
        transport=[] if moved is None else list(transport_words(moved, unit_of(event), office.zone, language)),
    )


def _shared(moved: TransportRow | None) -> ShareLine | None:
    if moved is None or moved.share.regional is None or moved.share.low is None or moved.share.high is None:
        return None
    return ShareLine(regional=moved.share.regional, low=moved.share.low, high=moved.share.high)


def _geojson(told: TraceSearch) -> dict[str, Any] | None:
    if not told.areas:
        return None
    features = [
        {
            "type": "Feature",
            "properties": {"share": area.share, "square_km": round(area.square_km, 2)},
            "geometry": {"type": "MultiPolygon", "coordinates": area.polygons},
        }
        for area in told.areas
    ]
    return {"type": "FeatureCollection", "features": features}


def _stops(told: TraceSearch, names: dict[str, str], language: Language) -> list[StopLine]:
    rows = []
    for number, stop in enumerate(told.stops):
        values = {"bits": f"{stop.chance:.2f}"} if stop.kind == "monitor" else {"percent": odds(stop.chance)}
        name = text(f"dossier.stop_{stop.kind}", language) if stop.source is None else names.get(str(stop.source), "")
        rows.append(
            StopLine(
                letter=chr(65 + number),
                kind=stop.kind,
                name=name or str(stop.source),
                source=None if stop.source is None else str(stop.source),
                lon=stop.lon,
                lat=stop.lat,
                leg=stop.leg,
                why=text(f"dossier.why_{stop.kind}", language, **values),
            )
        )
    return rows


def _change(row: Change, names: dict[str, str], language: Language) -> ChangeLine:
    what, then = change_words(row, names, language)
    return ChangeLine(kind=row.kind, what=what, then=then, changes=row.changes)


def _prior(
    told: TraceSearch, office: Office, session: Session, names: dict[str, str], language: Language
) -> list[PriorLine]:
    sight = sight_of(session)
    seen = frozenset(case.id for case in office.desk.cases if sight.sees(case))
    rows = findings_rows(told, office.town, names, language, seen)
    return [
        PriorLine(
            source=None if one.source is None else str(one.source),
            name=row.about,
            result=one.result,
            result_words=row.result,
            role=row.role,
            at=one.at,
            until=one.until,
            factor=row.factor,
            fresh=None if one.source is None else one.fresh,
            case=row.case,
        )
        for one, row in rows
    ]
