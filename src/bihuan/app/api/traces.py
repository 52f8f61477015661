"""The trace of an alarm: who could have caused it with honest odds, what speaks for each, and where its plume lay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session, Sight, sight_of
from bihuan.app.api.alarms import Point, point, pollutant_name, seen_event, unit_of
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.findings import Learned, learned
from bihuan.app.tracesheet import StationRise, SuspectSheet, TraceSheet
from bihuan.core import Event, Language, Ref, Suspects, printed_unit, text
from bihuan.register import Station
from bihuan.tracing import Footprint, explain_suspect, note_words, odds

router = APIRouter(prefix="/api", tags=["events"], responses=PROBLEMS)  # type: ignore[arg-type]

TRACED = "plume-tracer/"
"""Method of a ranking that estimates; every other names its source itself."""


class Hours(BaseModel):
    """A time that speaks for a suspect."""

    start: datetime
    end: datetime


class Finding(BaseModel):
    """What an officer found at a source before."""

    at: datetime
    result: str
    result_words: str
    case: str


class Added(BaseModel):
    """What the plume of a suspect adds at a station, next to the measured rise, mean over the hours that speak."""

    station: str
    name: str
    computed: float
    measured: float


class SuspectLine(BaseModel):
    """One answer of the ranking."""

    ref: str | None = Field(description="null for the answers that name nobody")
    kind: str = Field(description="suspect, none or regional")
    rank: int | None
    name: str
    source_kind: str
    place: Point | None
    probability: float
    odds: str = Field(description="per cent in words: 62, <1, >99; empty where it is no estimate")
    rate: float | None = Field(description="g/s that explain the rise")
    rate_low: float | None
    rate_high: float | None
    hours: list[Hours]
    distance: float | None = Field(description="m from the station with the largest rise")
    bearing: float | None = Field(description="degrees, from the source to the station of the alarm")
    wind_from: float | None
    evidence: list[str]
    findings: list[Finding]
    added: list[Added]
    footprint: dict[str, Any] | None = Field(description="GeoJSON FeatureCollection of contours, widest first")
    unseen: list[Hours] = Field(default_factory=list, description="against it: should have been felt and was not")
    unseen_at: list[str] = Field(default_factory=list, description="names of the stations")
    unexplained: list[Hours] = Field(default_factory=list, description="against it: rose while its plume lay elsewhere")
    factor: float | None = Field(default=None, description="what an officer's finding did to its prior weight")


class StationLine(BaseModel):
    """One station and its rise on the clock of the trace."""

    ref: str
    name: str
    kind: str
    place: Point | None
    value: list[float | None]
    excess: list[float | None]
    rise: float | None
    at: datetime | None
    stands_out: bool
    subject: bool


class TracePage(BaseModel):
    """The last ranking of an alarm."""

    event: str
    suspects: str | None = Field(description="id of the ranking; null while nothing was traced")
    method: str
    pollutant: str
    pollutant_name: str
    unit: str
    start: datetime | None
    end: datetime | None
    estimated: bool
    cannot_tell: str = Field(description="why no source can be named, in words; empty when one can")
    notes: list[str] = Field(description="what was left out or is bad in the data, in words")
    answers: list[SuspectLine]
    others: float
    others_odds: str
    others_count: int
    blocks: list[datetime]
    step: float
    onset: int
    wind_speed: list[float | None]
    wind_from: list[float | None]
    stations: list[StationLine]
    footprint_words: str


@router.get("/events/{ident}/trace", responses={200: {"model": TracePage}})
def trace(
    ident: str, office: TheOffice, session: Annotated[Session, needs("event.read")], language: TheLanguage
) -> Response:
    """Return who could have caused a rise, what speaks for each, and where each plume lay."""
    event = seen_event(ident, session, office)
    found = office.loop.ranking(event.id)
    page = _nothing(event, language) if found is None else _page(event, found, office, language, sight_of(session))
    return Response(page.model_dump_json(), media_type="application/json")


def _nothing(event: Event, language: Language) -> TracePage:
    return TracePage(
        event=event.id,
        suspects=None,
        method="",
        pollutant=event.pollutant,
        pollutant_name=pollutant_name(event.pollutant, language),
        unit=unit_of(event),
        start=None,
        end=None,
        estimated=False,
        cannot_tell="",
        notes=[],
        answers=[],
        others=0.0,
        others_odds="",
        others_count=0,
        blocks=[],
        step=0.0,
        onset=0,
        wind_speed=[],
        wind_from=[],
        stations=[],
        footprint_words="",
    )


def _page(event: Event, found: Suspects, office: Office, language: Language, sight: Sight) -> TracePage:
    sheet = office.sheets.sheet(office.town, event, found)
    estimated = found.method.startswith(TRACED)
    return TracePage(
        event=event.id,
        suspects=found.id,
        method=found.method,
        pollutant=event.pollutant,
        pollutant_name=pollutant_name(event.pollutant, language),
        unit=unit_of(event),
        start=found.period.start,
        end=found.period.end,
        estimated=estimated,
        cannot_tell=text(f"tracing.{found.cannot_tell}", language) if found.cannot_tell else "",
        notes=list(note_words(found, language)),
        answers=list(_answers(event, found, sheet, office, language, sight)),
        others=sheet.others,
        others_odds=odds(sheet.others),
        others_count=sheet.others_count,
        blocks=list(sheet.start),
        step=sheet.step,
        onset=sheet.onset,
        wind_speed=list(sheet.wind_speed),
        wind_from=list(sheet.wind_from),
        stations=[_station(rise, event, office) for rise in sheet.stations],
        footprint_words=text("alarm.footprint_words", language),
    )


def _answers(
    event: Event, found: Suspects, sheet: TraceSheet, office: Office, language: Language, sight: Sight
) -> Iterable[SuspectLine]:
    """Every named answer, likeliest first, those that name nobody among them."""
    seen = _findings(office, language, sight)
    known = learned(office.desk.cases, found.period.end, office.register).of_source
    lines = [
        _suspect(
            n, one, event, found, seen.get(one.suspect.source, []), office, language, known.get(one.suspect.source)
        )
        for n, one in enumerate(sheet.suspects, 1)
    ]
    if found.method.startswith(TRACED):
        lines += [
            _nobody("none", found.none_of_listed, "tracing.none_of_listed", language),
            _nobody("regional", found.regional, "tracing.regional", language),
        ]
    return sorted(lines, key=lambda line: -line.probability)


def _nobody(kind: str, probability: float, key: str, language: Language) -> SuspectLine:
    said = odds(probability)
    return SuspectLine(
        ref=None,
        kind=kind,
        rank=None,
        name=text(f"tracing.{'none' if kind == 'none' else 'regional'}_name", language),
        source_kind="",
        place=None,
        probability=probability,
        odds=said,
        rate=None,
        rate_low=None,
        rate_high=None,
        hours=[],
        distance=None,
        bearing=None,
        wind_from=None,
        evidence=[text(key, language, percent=said), text(f"alarm.{kind}_words", language)],
        findings=[],
        added=[],
        footprint=None,
    )


def _suspect(
    rank: int,
    sheet: SuspectSheet,
    event: Event,
    found: Suspects,
    seen: list[Finding],
    office: Office,
    language: Language,
    known: Learned | None = None,
) -> SuspectLine:
    one, estimated = sheet.suspect, found.method.startswith(TRACED)
    source = next((source for source in office.town.sources if source.ref == one.source), None)
    added = _added(sheet, office, language)
    evidence = [explain_suspect(one, language)] if estimated else [text("alarm.own_reading", language, name=one.name)]
    unit = unit_of(event)
    for part in added[:2]:
        values = {
            "name": part.name,
            "unit": printed_unit(unit),
            "computed": _short(part.computed),
            "measured": _short(part.measured),
        }
        evidence.append(text("alarm.added", language, **values))
    for finding in seen:
        evidence.append(
            text(
                "alarm.found_before",
                language,
                at=f"{finding.at.astimezone(office.zone):%m-%d %H:%M}",
                result=finding.result_words,
            )
        )
    weighed = known if estimated else None
    if weighed is not None:
        evidence.append(_prior_words(weighed, office, language))
    return SuspectLine(
        ref=str(one.source),
        kind="suspect",
        rank=rank,
        name=one.name,
        source_kind=source.kind if source else "",
        place=point(one.place),
        probability=one.probability,
        odds=odds(one.probability) if estimated else "",
        rate=one.rate if one.hours else None,
        rate_low=one.rate_low if one.hours else None,
        rate_high=one.rate_high if one.hours else None,
        hours=[Hours(start=hours.start, end=hours.end) for hours in one.hours],
        distance=one.distance,
        bearing=one.place.bearing(event.place) if one.place and event.place and one.distance else None,
        wind_from=one.wind_from,
        evidence=evidence,
        findings=seen,
        added=added,
        footprint=_geojson(sheet.footprint, one.rate, unit),
        unseen=[Hours(start=hours.start, end=hours.end) for hours in sheet.against.unseen],
        unseen_at=[office.name(Ref.parse(site), language) for site in sheet.against.unseen_at],
        unexplained=[Hours(start=hours.start, end=hours.end) for hours in sheet.against.unexplained],
        factor=weighed.factor if weighed else None,
    )


def _prior_words(known: Learned, office: Office, language: Language) -> str:
    """Say which finding moved the odds before anything was measured: what, when, by whom, how much, until when."""
    return text(
        "dossier.prior_words",
        language,
        role=text(f"role.{known.role}", language) if known.role else "",
        at=f"{known.at.astimezone(office.zone):%m-%d %H:%M}",
        result=text(f"result.{known.result}", language),
        factor=f"{known.factor:.2f}",
        until=f"{known.until.astimezone(office.zone):%m-%d}",
    )


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}"


def _added(sheet: SuspectSheet, office: Office, language: Language) -> list[Added]:
    rows = [
        Added(station=site, name=office.name(Ref.parse(site), language), computed=computed, measured=measured)
        for site, (computed, measured) in sheet.added.items()
    ]
    return sorted(rows, key=lambda row: (-row.measured, row.station))


def _geojson(drawn: Footprint | None, rate: float | None, unit: str) -> dict[str, Any] | None:
    """The contours with the addition that each stands for at the rate that explains the rise."""
    if drawn is None or not drawn.contours:
        return None
    scale = 1e-3 if unit == "mg/m3" else 1.0
    features = [
        {
            "type": "Feature",
            "properties": {
                "level": contour.share,
                "value": None if rate is None else float(f"{contour.value * rate * scale:.2g}"),
            },
            "geometry": {"type": "MultiPolygon", "coordinates": contour.polygons},
        }
        for contour in drawn.contours
    ]
    return {"type": "FeatureCollection", "features": features}


def _findings(office: Office, language: Language, sight: Sight) -> dict[Ref, list[Finding]]:
    """What officers found at each source so far, newest first; the case is named to who sees it."""
    found: dict[Ref, list[Finding]] = {}
    for case in office.desk.cases:
        named = case.id if sight.sees(case) else ""
        for visit in case.visits:
            words = text(f"result.{visit.result}", language)
            line = Finding(at=visit.at, result=visit.result, result_words=words, case=named)
            found.setdefault(visit.suspect, []).insert(0, line)
    return found


def _station(rise: StationRise, event: Event, office: Office) -> StationLine:
    ref = Ref.parse(rise.site)
    fact = office.register.get(Station, ref.id, office.town.on)
    return StationLine(
        ref=rise.site,
        name=fact.name if fact else ref.id,
        kind=fact.kind if fact else "",
        place=point(fact.place) if fact else None,
        value=list(rise.value),
        excess=list(rise.excess),
        rise=rise.rise,
        at=rise.at,
        stands_out=rise.stands_out,
        subject=ref == event.subject,
    )
