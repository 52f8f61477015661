"""Bulletins: list, read, draft, edit the advice, check, sign, correct; a signed one is its frozen bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.bulletins import BulletinChanged, Bulletins, Issue, Signature, signature
from bihuan.core import InputError, Language

router = APIRouter(prefix="/api", tags=["bulletins"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("bulletin.read")]
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SANDBOX = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
"""The document may show itself and do nothing else."""


class By(BaseModel):
    """Who did it and when."""

    person: str
    name: str = Field(description="empty: the program")
    at: datetime


class BulletinLine(BaseModel):
    """One issue of the list."""

    id: str
    ref: str
    day: date
    city: str
    state: str
    revision: int = Field(description="send it back with every act")
    year: int | None
    number: int | None
    made: datetime
    prepared: By
    checked: By | None
    signed: By | None
    advice: str
    corrects: str
    corrects_number: str
    reason: str
    corrected_by: str


class SectionBrief(BaseModel):
    """A section as data: what it concludes, and how much stands in it."""

    title: str
    empty: bool
    sentences: list[str]
    tables: int
    figures: int


class BulletinData(BaseModel):
    """One issue with what it says."""

    line: BulletinLine
    as_of: datetime | None
    level: str
    sections: list[SectionBrief]
    chain: list[BulletinLine] = Field(description="every issue of the day, oldest first")
    may: list[str] = Field(description="what this person may do now: edit, check, sign, correct, instruct")


class BulletinList(BaseModel):
    """Every issue, newest day first."""

    bulletins: list[BulletinLine]
    may_make: bool


class MakeBulletin(BaseModel):
    """Of which day."""

    day: date


class EditBulletin(BaseModel):
    """The free text of section 10."""

    revision: int
    advice: str = Field(max_length=4000)


class ActOnBulletin(BaseModel):
    """Check or sign what was seen."""

    revision: int


class CorrectBulletin(BaseModel):
    """Why the signed issue is corrected."""

    reason: str = Field(min_length=1, max_length=500)


@router.get("/bulletins")
def list_bulletins(session: Reader, office: TheOffice) -> BulletinList:
    """List every issue."""
    found = _desk(office).all()
    return BulletinList(bulletins=_lines(found), may_make=session.may("bulletin.edit"))


@router.post("/bulletins")
def make_bulletin(
    asked: MakeBulletin, session: Annotated[Session, needs("bulletin.edit")], office: TheOffice
) -> BulletinLine:
    """Make the draft of a day; an unsigned draft of that day is drawn up anew, its advice kept."""
    with _acting(), office.store.step:
        made = _desk(office).make(asked.day, _by(session, office), office.town, office.desk.cases)
    return _told(office, made)


@router.get("/bulletins/{ident}")
def get_bulletin(ident: str, session: Reader, office: TheOffice, language: TheLanguage) -> BulletinData:
    """Tell what an issue says, its chain of corrections, and what this person may do with it."""
    desk, issue = _desk(office), _issue(office, ident)
    content = desk.content(issue, language)
    chain = _lines(sorted((one for one in desk.all() if one.day == issue.day), key=lambda one: (one.made, one.id)))
    line = next(one for one in chain if one.id == issue.id)
    sections = [
        SectionBrief(
            title=section.title,
            empty=section.empty,
            sentences=list(section.sentences),
            tables=len(section.tables),
            figures=len(section.figures),
        )
        for section in content.sections
    ]
    may = _may(session, issue, bool(line.corrected_by))
    return BulletinData(line=line, as_of=content.as_of, level=content.level, sections=sections, chain=chain, may=may)


@router.get("/bulletins/{ident}/document.html", response_class=Response)
def bulletin_html(
    ident: str, session: Reader, office: TheOffice, language: Annotated[Language, Query()] = "zh"
) -> Response:
    """Return the document; a browser shows it in a sandbox."""
    body = _desk(office).file(_issue(office, ident), language, "html")
    return Response(body, media_type="text/html; charset=utf-8", headers=SANDBOX)


@router.get("/bulletins/{ident}/document.docx", response_class=Response)
def bulletin_docx(
    ident: str, session: Reader, office: TheOffice, language: Annotated[Language, Query()] = "zh"
) -> Response:
    """Return the document for a word processor."""
    issue = _issue(office, ident)
    body = _desk(office).file(issue, language, "docx")
    headers = {"Content-Disposition": f'attachment; filename="bihuan-daily-{issue.day}-{language}.docx"'}
    return Response(body, media_type=DOCX, headers=headers)


@router.put("/bulletins/{ident}/advice")
def edit_bulletin(
    ident: str, asked: EditBulletin, session: Annotated[Session, needs("bulletin.edit")], office: TheOffice
) -> BulletinLine:
    """Change the advice; who saw an older revision is refused and keeps what was typed."""
    _issue(office, ident)
    with _acting(), office.store.step:
        made = _desk(office).edit(ident, asked.revision, asked.advice, _by(session, office))
    return _told(office, made)


@router.post("/bulletins/{ident}/check")
def check_bulletin(
    ident: str, asked: ActOnBulletin, session: Annotated[Session, needs("bulletin.check")], office: TheOffice
) -> BulletinLine:
    """Check a draft; not by who prepared it."""
    _issue(office, ident)
    with _acting(), office.store.step:
        made = _desk(office).check(ident, asked.revision, _by(session, office))
    return _told(office, made)


@router.post("/bulletins/{ident}/sign")
def sign_bulletin(
    ident: str, asked: ActOnBulletin, session: Annotated[Session, needs("bulletin.sign")], office: TheOffice
) -> BulletinLine:
    """Sign a checked issue: it gets its number and never changes again."""
    _issue(office, ident)
    with _acting(), office.store.step:
        made = _desk(office).sign(ident, asked.revision, _by(session, office))
    return _told(office, made)


@router.post("/bulletins/{ident}/correct")
def correct_bulletin(
    ident: str, asked: CorrectBulletin, session: Annotated[Session, needs("bulletin.edit")], office: TheOffice
) -> BulletinLine:
    """Begin a new issue that corrects a signed one."""
    _issue(office, ident)
    with _acting(), office.store.step:
        made = _desk(office).correct(ident, asked.reason, _by(session, office), office.town, office.desk.cases)
    return _told(office, made)


@contextmanager
def _acting() -> Iterator[None]:
    """Answer what the bulletin does not allow with 409."""
    try:
        yield
    except BulletinChanged as refused:
        raise Refused(409, refused.code, str(refused)) from None


def _desk(office: Office) -> Bulletins:
    return Bulletins(office.store, office.settings)


def _issue(office: Office, ident: str) -> Issue:
    try:
        return _desk(office).get(ident)
    except InputError as problem:
        raise Refused(404, "no_bulletin", str(problem)) from None


def _by(session: Session, office: Office) -> Signature:
    return signature(session.person, office.now)


def _told(office: Office, issue: Issue) -> BulletinLine:
    office.live.tell("bulletin", id=issue.id)
    return _line(issue, "")


def _lines(issues: list[Issue]) -> list[BulletinLine]:
    after = {one.corrects: one.id for one in issues if one.corrects}
    return [_line(one, after.get(one.id, "")) for one in issues]


def _line(issue: Issue, corrected_by: str) -> BulletinLine:
    def by(one: Signature | None) -> By | None:
        return By(person=one.person, name=one.name, at=one.at) if one else None

    prepared = by(issue.prepared)
    assert prepared is not None
    return BulletinLine(
        id=issue.id,
        ref=issue.ref,
        day=issue.day,
        city=issue.city,
        state=issue.state,
        revision=issue.revision,
        year=issue.year,
        number=issue.number,
        made=issue.made,
        prepared=prepared,
        checked=by(issue.checked),
        signed=by(issue.signed),
        advice=issue.advice,
        corrects=issue.corrects,
        corrects_number=issue.corrects_number,
        reason=issue.reason,
        corrected_by=corrected_by,
    )


def _may(session: Session, issue: Issue, corrected: bool) -> list[str]:
    own = session.person.id == issue.prepared.person
    allowed = {
        "edit": session.may("bulletin.edit") and issue.state != "signed",
        "check": session.may("bulletin.check") and issue.state == "draft" and not own,
        "sign": session.may("bulletin.sign") and issue.state == "checked" and not own,
        "correct": session.may("bulletin.edit") and issue.state == "signed" and not corrected,
        "instruct": session.may("case.instruct"),
    }
    return [name for name, granted in allowed.items() if granted]
