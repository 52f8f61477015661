"""Trace reports (溯源专报) that somebody answers for: drafted, checked by another, signed, then read as frozen bytes.

They name every suspect and case of an event, so only who sees the whole city reads them, and each reading stands in the
ledger. Who has one district takes the report of the moment, which tells what they may see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session, sight_of
from bihuan.app.api.alarms import seen_event
from bihuan.app.api.dossier import asked_of
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.issue_lines import (
    DOCX,
    SANDBOX,
    ActOnBulletin,
    BulletinData,
    BulletinLine,
    CorrectBulletin,
    EditBulletin,
    acting,
    data_of,
    line_of,
    lines_of,
)
from bihuan.app.api.office import Office
from bihuan.app.dossier import Form, event_words
from bihuan.app.issues import Issue, Signature, signature
from bihuan.app.names import names_of
from bihuan.app.tracereports import TraceReports
from bihuan.core import Event, InputError, Language, from_json

router = APIRouter(prefix="/api/trace-reports", tags=["trace reports"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("tracereport.read")]
Editor = Annotated[Session, needs("tracereport.edit")]
Checker = Annotated[Session, needs("tracereport.check")]
Signatory = Annotated[Session, needs("tracereport.sign")]


class TraceReportList(BaseModel):
    """Every trace report, or those of one event."""

    reports: list[BulletinLine]
    may_make: bool


class MakeTraceReport(BaseModel):
    """Of which event."""

    event: str = Field(max_length=64)


@router.get("")
def list_trace_reports(
    session: Reader, office: TheOffice, language: TheLanguage, event: Annotated[str, Query(max_length=64)] = ""
) -> TraceReportList:
    """List every report, newest event first, or those of one event."""
    _whole(session)
    found = [one for one in _desk(office).all() if not event or one.about == f"event:{event}"]
    words = {about: _words(office, about, language) for about in {one.about for one in found}}
    return TraceReportList(reports=lines_of(found, words), may_make=session.may("tracereport.edit"))


@router.post("", status_code=201)
def make_trace_report(
    asked: MakeTraceReport, session: Editor, office: TheOffice, language: TheLanguage
) -> BulletinLine:
    """Make the draft about an event from its last ranking; an unsigned one is drawn up anew, its advice kept."""
    _whole(session)
    event = seen_event(asked.event, session, office)
    with acting(), office.store.step:
        made = _desk(office).make(asked_of(event, office), _by(session, office), office.town, office.desk.cases)
    return _told(office, made, language)


@router.get("/{ident}")
def get_trace_report(ident: str, session: Reader, office: TheOffice, language: TheLanguage) -> BulletinData:
    """Tell what a report says, its chain of corrections, and what this person may do with it."""
    issue = _issue(office, ident, session)
    return data_of(_desk(office), issue, session, "tracereport", language, _words(office, issue.about, language))


@router.get("/{ident}/document.html", response_class=Response)
def trace_report_html(
    ident: str, session: Reader, office: TheOffice, language: Annotated[Language, Query()] = "zh"
) -> Response:
    """Return the document; a browser shows it in a sandbox. The reading stands in the ledger."""
    body = _read(ident, session, office, language, "html")
    return Response(body, media_type="text/html; charset=utf-8", headers=SANDBOX)


@router.get("/{ident}/document.docx", response_class=Response)
def trace_report_docx(
    ident: str, session: Reader, office: TheOffice, language: Annotated[Language, Query()] = "zh"
) -> Response:
    """Return the document for a word processor. The reading stands in the ledger."""
    body = _read(ident, session, office, language, "docx")
    headers = {"Content-Disposition": f'attachment; filename="bihuan-trace-report-{ident}-{language}.docx"'}
    return Response(body, media_type=DOCX, headers=headers)


@router.put("/{ident}/advice")
def edit_trace_report(
    ident: str, asked: EditBulletin, session: Editor, office: TheOffice, language: TheLanguage
) -> BulletinLine:
    """Change the advice; what was checked has to be checked again."""
    return _acted(ident, session, office, language, lambda desk, by: desk.edit(ident, asked.revision, asked.advice, by))


@router.post("/{ident}/check")
def check_trace_report(
    ident: str, asked: ActOnBulletin, session: Checker, office: TheOffice, language: TheLanguage
) -> BulletinLine:
    """Check a draft; not by who prepared it."""
    return _acted(ident, session, office, language, lambda desk, by: desk.check(ident, asked.revision, by))


@router.post("/{ident}/sign")
def sign_trace_report(
    ident: str, asked: ActOnBulletin, session: Signatory, office: TheOffice, language: TheLanguage
) -> BulletinLine:
    """Sign a checked report: it gets its number and never changes again."""
    return _acted(ident, session, office, language, lambda desk, by: desk.sign(ident, asked.revision, by))


@router.post("/{ident}/correct")
def correct_trace_report(
    ident: str, asked: CorrectBulletin, session: Editor, office: TheOffice, language: TheLanguage
) -> BulletinLine:
    """Begin a new report, from the ranking of now, that corrects a signed one."""
    event = _event(office, _issue(office, ident, session).about)
    if event is None:
        raise Refused(404, "no_event", f"the event of report {ident} is not in the store any more")
    with acting(), office.store.step:
        by, given = _by(session, office), asked_of(event, office)
        made = _desk(office).correct(ident, asked.reason, given, by, office.town, office.desk.cases)
    return _told(office, made, language)


def _whole(session: Session) -> None:
    if not sight_of(session).everything:
        raise Refused(
            403, "wrong_area", "a trace report names cases of the whole city: take the report on the page of the alarm"
        )


def _desk(office: Office) -> TraceReports:
    return TraceReports(office.store, office.settings)


def _issue(office: Office, ident: str, session: Session) -> Issue:
    _whole(session)
    try:
        return _desk(office).get(ident)
    except InputError as problem:
        raise Refused(404, "no_trace_report", str(problem)) from None


def _acted(
    ident: str,
    session: Session,
    office: Office,
    language: Language,
    act: Callable[[TraceReports, Signature], Issue],
) -> BulletinLine:
    """Let a person act on a report that they may see."""
    _issue(office, ident, session)
    with acting(), office.store.step:
        made = act(_desk(office), _by(session, office))
    return _told(office, made, language)


def _read(ident: str, session: Session, office: Office, language: Language, form: Form) -> bytes:
    issue = _issue(office, ident, session)
    body = _desk(office).file(issue, language, form)
    told = {"form": form, "language": language, "revision": issue.revision, "about": issue.about}
    with office.store.records.transaction():
        office.audit(session, "trace_report.read", issue.ref, told)
    return body


def _event(office: Office, about: str) -> Event | None:
    row = office.store.records.get("event", about.removeprefix("event:"))
    return None if row is None else from_json(row.body, Event)


def _words(office: Office, about: str, language: Language) -> str:
    event = _event(office, about)
    return "" if event is None else event_words(event, names_of(office.town, office.settings), language)


def _by(session: Session, office: Office) -> Signature:
    return signature(session.person, office.now)


def _told(office: Office, issue: Issue, language: Language) -> BulletinLine:
    office.live.tell("trace_report", id=issue.id)
    return line_of(issue, "", _words(office, issue.about, language))
