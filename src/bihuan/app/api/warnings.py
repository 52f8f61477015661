"""Warnings (预警): drafts of the ladder, what is in force, the history; a signatory signs, and only then CAP leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bihuan.alerts import CapArea, CapSender, Warning, basis, cap, headline, scheme_named
from bihuan.app.access import Session
from bihuan.app.api.alarms import subject_name
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.core import Language, NotCovered, Verdict, from_json, text, to_json
from bihuan.register import Cell
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["warnings"], responses=PROBLEMS)  # type: ignore[arg-type]

BEFORE = timedelta(hours=24)
"""Hours of the city's AQI shown before the episode of a warning."""

Reader = Annotated[Session, needs("warning.read")]


class AqiHour(BaseModel):
    """One hour of the city's AQI."""

    start: datetime
    aqi: float | None
    label: str = Field(description="grade, as judged")


class Threshold(BaseModel):
    """A condition of the grade: a mean above so much for so many hours."""

    above: float
    hours: int


class WarningLine(BaseModel):
    """One message of a warning."""

    id: str
    state: str
    state_words: str
    action: str
    grade: str
    grade_words: str
    response: str
    headline: str
    basis: str
    to_check: bool = Field(description="the plan is not confirmed: print it as to be checked")
    start: datetime | None
    end: datetime | None
    signed_by: str
    signed_at: datetime | None
    in_force: bool
    advice: str
    hours: list[AqiHour] = Field(description="the city's hours that speak for it, as measured")
    thresholds: list[Threshold]


class WarningList(BaseModel):
    """Drafts, what is in force, and what was."""

    as_of: datetime
    drafts: list[WarningLine]
    in_force: list[WarningLine]
    history: list[WarningLine]
    may_sign: bool


class SignAsked(BaseModel):
    """The signature; `headline` is the text that the signatory had before their eyes."""

    headline: str = Field(max_length=500)


@router.get("/warnings")
def warnings(office: TheOffice, session: Reader, language: TheLanguage) -> WarningList:
    """List drafts, what is in force and the history, newest first."""
    rows = office.store.records.find("warning", newest_first=True)
    found = [from_json(row.body, Warning) for row in rows]
    last = _last_signed(found)
    holding = {one.ref for one in last.values() if one.state != "lifted"}
    lines = {one.ref: _line(one, one.ref in holding, office, language) for one in found}
    signed = [one for one in found if one.signed]
    # a draft that a later message of the same warning has overtaken is history: it can no longer be signed
    drafts = [one for one in found if not one.signed and not _overtaken(one, last)]
    return WarningList(
        as_of=office.now,
        drafts=[lines[one.ref] for one in drafts],
        in_force=[lines[one.ref] for one in signed if one.ref in holding],
        history=[lines[one.ref] for one in found if one.ref not in holding and one not in drafts],
        may_sign=session.may("warning.sign"),
    )


@router.post("/warnings/{ident}/sign")
def sign(
    ident: str,
    asked: SignAsked,
    office: TheOffice,
    session: Annotated[Session, needs("warning.sign")],
    language: TheLanguage,
) -> WarningLine:
    """Sign a draft (签发): from here on this person answers for it."""
    drafted = _warning(ident, office)
    if asked.headline != headline(drafted, _area(office, language), language):
        raise Refused(409, "warning_changed", f"warning {ident} is not what the page showed: read it again, then sign")
    with office.store.step, office.store.records.transaction():
        signed = office.loop.outlook.sign(ident, session.person, office.now)
        body = {"headline": headline(signed, _area(office, "zh"), "zh"), "grade": signed.grade, "action": signed.action}
        entry = Entry(office.now, session.person.id, "sign_warning", str(signed.ref), to_json(body))
        office.store.ledger.add(entry)
    office.live.tell("warning", id=ident)
    office.live.tell("overview")
    return _line(signed, signed.state != "lifted", office, language)


@router.get("/warnings/{ident}/cap.xml", response_class=Response, responses={200: {"content": {"application/xml": {}}}})
def cap_xml(ident: str, office: TheOffice, session: Reader, language: Literal["zh", "en", "both"] = "both") -> Response:
    """Return a signed warning as CAP 1.2, in one language or in both."""
    warning = _warning(ident, office)
    cell = office.register.get(Cell, warning.area.id, office.town.on)
    names = (_area(office, "zh"), _area(office, "en"))
    area = CapArea(names, cell.boundary if cell else (), (("GB/T 2260", warning.area.id),))
    sender = CapSender(f"bihuan.{warning.area.id}", names)
    status: Literal["Exercise", "Actual"] = "Exercise" if office.demo else "Actual"
    languages: tuple[Language, ...] = ("zh", "en") if language == "both" else (language,)
    body = cap(warning, area, sender, status, office.zone, languages)
    name = f"{ident}.{language}.cap.xml"
    return Response(
        body, media_type="application/xml", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _warning(ident: str, office: Office) -> Warning:
    row = office.store.records.get("warning", ident)
    if row is None:
        raise Refused(404, "no_warning", f"warning {ident!r} does not exist: list them at /api/warnings")
    return from_json(row.body, Warning)


def _last_signed(found: list[Warning]) -> dict[str, Warning]:
    """The last signed message of each warning."""
    last: dict[str, Warning] = {}
    for one in sorted((one for one in found if one.signed), key=lambda one: one.sequence):
        last[one.id] = one
    return last


def _overtaken(one: Warning, last: dict[str, Warning]) -> bool:
    return one.id in last and last[one.id].sequence >= one.sequence


def _area(office: Office, language: Language) -> str:
    return subject_name(office.town.ref, office, language)


def _line(one: Warning, holds: bool, office: Office, language: Language) -> WarningLine:
    return WarningLine(
        id=one.ref.id,
        state=one.state,
        state_words=text(f"warning_page.state_{one.state}", language),
        action=one.action,
        grade=one.grade,
        grade_words=text(f"warning.{one.grade}", language),
        response=one.response,
        headline=headline(one, _area(office, language), language),
        basis=basis(one, language),
        to_check=one.status not in ("confirmed", "single_source"),
        start=one.period.start if one.period else None,
        end=one.period.end if one.period else None,
        signed_by=one.signed_name,
        signed_at=one.signed_at,
        in_force=holds,
        advice=text(f"warning.advice_{'lift' if one.action == 'lift' else 'all'}", language),
        hours=_hours(one, office),
        thresholds=_thresholds(one),
    )


def _hours(one: Warning, office: Office) -> list[AqiHour]:
    """The city's hours around the episode, as measured."""
    if one.period is None:
        return []
    since, until = one.period.start - BEFORE, one.period.end
    rows = office.store.records.find("verdict", subject=str(one.area), since=since, until=until)
    verdicts = (from_json(row.body, Verdict) for row in rows)
    return [AqiHour(start=v.period.start, aqi=v.value, label=v.label) for v in verdicts if v.kind == "aqi_hour"]


def _thresholds(one: Warning) -> list[Threshold]:
    try:
        grade = scheme_named(one.scheme, allow_unconfirmed=True).grade(one.grade)
    except NotCovered:
        return []
    return [Threshold(above=rule.above, hours=rule.hours) for group in grade.alternatives for rule in group]
