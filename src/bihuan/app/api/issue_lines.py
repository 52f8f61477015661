"""What the interface tells of a document that people answer for: a bulletin of a day, or the report of a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime

from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import Refused
from bihuan.app.issues import BulletinChanged, Issue, Issues, Signature
from bihuan.core import Language

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
    about: str = Field(description="event:<id> of a trace report; empty of a bulletin of a day")
    about_words: str


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


@contextmanager
def acting() -> Iterator[None]:
    """Answer what the document does not allow with 409."""
    try:
        yield
    except BulletinChanged as refused:
        raise Refused(409, refused.code, str(refused)) from None


def data_of(
    desk: Issues, issue: Issue, session: Session, rights: str, language: Language, about_words: str = ""
) -> BulletinData:
    """Tell what an issue says, its chain of corrections, and what this person may do with it."""
    content = desk.content(issue, language)
    chain = lines_of(
        sorted((one for one in desk.all() if one.chain == issue.chain), key=lambda one: one.place),
        {issue.about: about_words},
    )
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
    may = may_of(session, issue, bool(line.corrected_by), rights)
    return BulletinData(line=line, as_of=content.as_of, level=content.level, sections=sections, chain=chain, may=may)


def lines_of(issues: Sequence[Issue], words: Mapping[str, str] | None = None) -> list[BulletinLine]:
    """Return issues as lines; `words` says what each is about."""
    after = {one.corrects: one.id for one in issues if one.corrects}
    return [line_of(one, after.get(one.id, ""), (words or {}).get(one.about, "")) for one in issues]


def line_of(issue: Issue, corrected_by: str = "", about_words: str = "") -> BulletinLine:
    """Return one issue as a line."""

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
        about=issue.about,
        about_words=about_words,
    )


def may_of(session: Session, issue: Issue, corrected: bool, rights: str) -> list[str]:
    """Return what a person may do with an issue; `rights` is the first part of the rights of its kind."""
    held = {act: session.may(f"{rights}.{act}") for act in ("edit", "check", "sign")}
    own = session.person.id == issue.prepared.person
    allowed = {
        "edit": held["edit"] and issue.state != "signed",
        "check": held["check"] and issue.state == "draft" and not own,
        "sign": held["sign"] and issue.state == "checked" and not own,
        "correct": held["edit"] and issue.state == "signed" and not corrected,
        "instruct": not issue.about and session.may("case.instruct"),
    }
    return [name for name, granted in allowed.items() if granted]
