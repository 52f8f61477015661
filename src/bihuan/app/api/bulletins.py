"""Bulletins: list, read, draft, edit the advice, check, sign, correct; a signed one is its frozen bytes."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from bihuan.app.access import Session
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
from bihuan.app.bulletins import Bulletins, Issue, Signature, signature
from bihuan.core import InputError, Language

router = APIRouter(prefix="/api", tags=["bulletins"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("bulletin.read")]


class BulletinList(BaseModel):
    """Every issue, newest day first."""

    bulletins: list[BulletinLine]
    may_make: bool


class MakeBulletin(BaseModel):
    """Of which day."""

    day: date


@router.get("/bulletins")
def list_bulletins(session: Reader, office: TheOffice) -> BulletinList:
    """List every issue."""
    found = _desk(office).all()
    return BulletinList(bulletins=lines_of(found), may_make=session.may("bulletin.edit"))


@router.post("/bulletins")
def make_bulletin(
    asked: MakeBulletin, session: Annotated[Session, needs("bulletin.edit")], office: TheOffice
) -> BulletinLine:
    """Make the draft of a day; an unsigned draft of that day is drawn up anew, its advice kept."""
    with acting(), office.store.step:
        made = _desk(office).make(asked.day, _by(session, office), office.town, office.desk.cases)
    return _told(office, made)


@router.get("/bulletins/{ident}")
def get_bulletin(ident: str, session: Reader, office: TheOffice, language: TheLanguage) -> BulletinData:
    """Tell what an issue says, its chain of corrections, and what this person may do with it."""
    return data_of(_desk(office), _issue(office, ident), session, "bulletin", language)


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
    with acting(), office.store.step:
        made = _desk(office).edit(ident, asked.revision, asked.advice, _by(session, office))
    return _told(office, made)


@router.post("/bulletins/{ident}/check")
def check_bulletin(
    ident: str, asked: ActOnBulletin, session: Annotated[Session, needs("bulletin.check")], office: TheOffice
) -> BulletinLine:
    """Check a draft; not by who prepared it."""
    _issue(office, ident)
    with acting(), office.store.step:
        made = _desk(office).check(ident, asked.revision, _by(session, office))
    return _told(office, made)


@router.post("/bulletins/{ident}/sign")
def sign_bulletin(
    ident: str, asked: ActOnBulletin, session: Annotated[Session, needs("bulletin.sign")], office: TheOffice
) -> BulletinLine:
    """Sign a checked issue: it gets its number and never changes again."""
    _issue(office, ident)
    with acting(), office.store.step:
        made = _desk(office).sign(ident, asked.revision, _by(session, office))
    return _told(office, made)


@router.post("/bulletins/{ident}/correct")
def correct_bulletin(
    ident: str, asked: CorrectBulletin, session: Annotated[Session, needs("bulletin.edit")], office: TheOffice
) -> BulletinLine:
    """Begin a new issue that corrects a signed one."""
    _issue(office, ident)
    with acting(), office.store.step:
        made = _desk(office).correct(ident, asked.reason, _by(session, office), office.town, office.desk.cases)
    return _told(office, made)


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
    return line_of(issue)
