"""Bulletins: what is stored becomes a day's document; it is drafted, checked, signed, and then never changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

from bihuan.app.gathering import gather
from bihuan.app.settings import Settings
from bihuan.app.town import Town
from bihuan.cases import Case
from bihuan.core import (
    BihuanError,
    InputError,
    Language,
    Ref,
    content_id,
    from_json,
    iso,
    local_date,
    local_day,
    text,
    to_json,
)
from bihuan.register import Person
from bihuan.reports import Content, Cover, compose, docx, html
from bihuan.store import Entry, Link, Row, Store

log = logging.getLogger("bihuan.bulletins")

State = Literal["draft", "checked", "signed"]
Form = Literal["html", "docx"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
DUE = time(7, 30)
"""Local time by which the draft of the day before is ready."""

PROGRAM = "bihuan"
"""Who prepared a draft that nobody asked for."""


class BulletinChanged(BihuanError):
    """Somebody else has acted on the bulletin meanwhile, or its state does not allow the act."""

    def __init__(self, told: str, code: str = "bulletin_changed") -> None:
        super().__init__(told)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who did it and when."""

    person: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One bulletin as a record.

    Attributes
    ----------
    id : str
        From content: day, place in the chain of corrections.
    day : date
    state : State
    revision : int
        Counts every act.
    content : dict of str to str
        Language to digest of what it says, frozen when the draft was made.
    year, number : int or None
        Given at signing, without gaps within a year.
    advice : str
    files : dict of ``zh.html`` ... to digest
        Frozen when signed.
    corrects, reason : str
        Id of the issue that this one corrects, and why.
    """

    id: str
    day: date
    city: str
    state: State
    revision: int
    made: datetime
    content: dict[str, str]
    prepared: Signature
    checked: Signature | None = None
    signed: Signature | None = None
    year: int | None = None
    number: int | None = None
    advice: str = ""
    files: dict[str, str] | None = None
    corrects: str = ""
    corrects_number: str = ""
    reason: str = ""

    @property
    def ref(self) -> str:
        """Points at this issue, as text."""
        return f"bulletin:{self.id}"


class Bulletins:
    """The bulletins of a home.

    Parameters
    ----------
    store : Store
    settings : Settings
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings, self._zone = store, settings, settings.zone

    def all(self) -> list[Issue]:
        """Return every issue, newest day first."""
        rows = self._store.records.find("bulletin")
        found = [from_json(row.body, Issue) for row in rows]
        return sorted(found, key=lambda one: (one.day, one.made, one.id), reverse=True)

    def get(self, ident: str) -> Issue:
        """Return one issue.

        Raises
        ------
        InputError
            If there is none of that id.
        """
        row = self._store.records.get("bulletin", ident)
        if row is None:
            raise InputError(f"bulletin {ident!r} does not exist: list them under /api/bulletins")
        return from_json(row.body, Issue)

    def content(self, issue: Issue, language: Language) -> Content:
        """Return what an issue says."""
        return from_json(self._store.blobs.get(issue.content[language]), Content)

    def make(
        self,
        day: date,
        by: Signature,
        town: Town,
        cases: tuple[Case, ...],
        correcting: Issue | None = None,
        why: str = "",
    ) -> Issue:
        """Make the draft of a day; made again, an unsigned draft of that day is drawn up anew with its advice kept.

        Raises
        ------
        InputError
            If the day is not over.
        BulletinChanged
            If the day has a signed issue: correct that one.
        """
        if day >= local_date(by.at, self._zone):
            raise InputError(f"{day} is not over yet: a bulletin tells of a whole day; choose an earlier one")
        earlier = [one for one in self.all() if one.day == day]
        pending = next((one for one in earlier if one.state != "signed"), None)
        if pending is None and correcting is None and earlier:
            raise BulletinChanged(
                f"{day} has a signed bulletin, which never changes: correct it by a new issue", "bulletin_state"
            )
        given = gather(self._store, town, self._settings, day, by.at, cases)
        digests: dict[str, str] = {one: self._store.blobs.put(to_json(compose(given, one))) for one in LANGUAGES}
        if pending is not None:
            made = replace(
                pending,
                content=digests,
                revision=pending.revision + 1,
                state="draft",
                made=by.at,
                prepared=by,
                checked=None,
            )
            return self._keep(made, by, "bulletin.make")
        corrects = correcting.id if correcting else ""
        issue = Issue(
            id=content_id("bulletin", day, corrects, iso(by.at)),
            day=day, city=given.city, state="draft", revision=1, made=by.at, content=digests, prepared=by,
            corrects=corrects, reason=why, advice=correcting.advice if correcting else "",
            corrects_number=_number(correcting) if correcting else "",
        )  # fmt: skip
        return self._keep(issue, by, "bulletin.correct" if correcting else "bulletin.make")

    def edit(self, ident: str, revision: int, advice: str, by: Signature) -> Issue:
        """Change the free text of section 10; what was checked has to be checked again."""
        issue = self._open(ident, revision, ("draft", "checked"))
        changed = replace(issue, advice=advice.strip(), revision=revision + 1, state="draft", checked=None)
        return self._keep(changed, by, "bulletin.edit")

    def check(self, ident: str, revision: int, by: Signature) -> Issue:
        """Check a draft (审核); not by the one who prepared it."""
        issue = self._open(ident, revision, ("draft",))
        self._another(by, issue.prepared)
        return self._keep(replace(issue, state="checked", checked=by, revision=revision + 1), by, "bulletin.check")

    def sign(self, ident: str, revision: int, by: Signature) -> Issue:
        """Sign a checked issue: it gets its number, and its files are frozen."""
        with self._store.step:
            issue = self._open(ident, revision, ("checked",))
            self._another(by, issue.prepared)
            year = local_date(by.at, self._zone).year
            taken = [one.number or 0 for one in self.all() if one.year == year]
            signed = replace(
                issue, state="signed", signed=by, revision=revision + 1, year=year, number=max(taken, default=0) + 1
            )
            files = {
                f"{language}.{form}": self._store.blobs.put(self._render(signed, language, form))
                for language in LANGUAGES
                for form in ("html", "docx")
            }
            return self._keep(replace(signed, files=files), by, "bulletin.sign")

    def correct(self, ident: str, why: str, by: Signature, town: Town, cases: tuple[Case, ...]) -> Issue:
        """Begin a new issue that names the signed one it corrects and why.

        Raises
        ------
        InputError
            Without a reason.
        BulletinChanged
            If it is not signed, or has been corrected.
        """
        issue = self.get(ident)
        if not why.strip():
            raise InputError("a correction needs a reason: say what was wrong")
        if issue.state != "signed" or any(one.corrects == ident for one in self.all()):
            raise BulletinChanged(
                f"bulletin {ident} is {issue.state} or has its correction: correct the last signed issue of a day",
                "bulletin_state",
            )
        return self.make(issue.day, by, town, cases, issue, why.strip())

    def file(self, issue: Issue, language: Language, form: Form) -> bytes:
        """Return the document: the frozen bytes of a signed issue, the draft as it stands otherwise."""
        if issue.files:
            return self._store.blobs.get(issue.files[f"{language}.{form}"])
        return self._render(issue, language, form)

    def _render(self, issue: Issue, language: Language, form: Form) -> bytes:
        write = html if form == "html" else docx
        return write(self.content(issue, language), self.cover(issue, language), zone=self._zone)

    def cover(self, issue: Issue, language: Language) -> Cover:
        """Return what stands around the content."""

        def named(one: Signature | None) -> str:
            return "" if one is None else one.name or text("bulletin.by_program", language)

        signed = issue.signed
        return Cover(
            issuer=self._settings.text("issuing_unit"),
            copies=self._settings.text("copies_to"),
            year=issue.year,
            number=issue.number,
            prepared=named(issue.prepared),
            checked=named(issue.checked),
            signed=named(signed),
            dated=local_date(signed.at, self._zone) if signed else None,
            advice=issue.advice,
            corrects=issue.corrects_number,
            reason=issue.reason,
        )

    def _open(self, ident: str, revision: int, states: tuple[State, ...]) -> Issue:
        issue = self.get(ident)
        if issue.revision != revision:
            raise BulletinChanged(
                f"bulletin {ident} is at revision {issue.revision}, you saw {revision}: look at it again, then repeat"
            )
        if issue.state not in states:
            raise BulletinChanged(
                f"bulletin {ident} is {issue.state}; this is allowed when it is {' or '.join(states)}", "bulletin_state"
            )
        return issue

    def _another(self, by: Signature, prepared: Signature) -> None:
        if by.person == prepared.person:
            raise BulletinChanged(
                f"{by.name} prepared this bulletin: somebody else checks and signs it", "bulletin_state"
            )

    def _keep(self, issue: Issue, by: Signature, action: str) -> Issue:
        row = Row(issue.id, to_json(issue), f"day:{issue.day}", issue.state, start=issue.made)
        body = {"day": issue.day.isoformat(), "state": issue.state, "revision": issue.revision, "number": issue.number}
        if issue.files:
            body["files"] = issue.files
        with self._store.records.transaction():
            self._store.records.save("bulletin", [row])
            if issue.corrects:
                from_ref, to_ref = Ref("bulletin", issue.corrects), Ref("bulletin", issue.id)
                self._store.records.link([Link(from_ref, to_ref, "corrected")])
            self._store.ledger.add(Entry(by.at, by.person, action, issue.ref, to_json(body)))
        return issue


def _number(issue: Issue) -> str:
    return f"{issue.year}-{issue.number}"


def signature(person: Person, now: datetime) -> Signature:
    """Return that a person of the register acts now."""
    return Signature(person=person.id, name=person.name, at=now)


def due_drafts(
    store: Store, settings: Settings, town: Town, cases: tuple[Case, ...], now: datetime
) -> tuple[Issue, ...]:
    """Make the draft of yesterday once it is 07:30 and there is none; cheap to call at every tick.

    Nothing is drafted while nothing at all is stored of that day.
    """
    local = now.astimezone(settings.zone)
    if local.time() < DUE:
        return ()
    day = local.date() - timedelta(days=1)
    if store.records.count("bulletin", subject=f"day:{day}"):
        return ()
    period = local_day(day, settings.zone)
    stored = "SELECT 1 FROM hours WHERE start >= ? AND start < ? LIMIT 1"
    if store.series.query(stored, [period.start, period.end]).is_empty():
        return ()
    try:
        by = Signature(person=PROGRAM, name="", at=now)
        return (Bulletins(store, settings).make(day, by, town, cases),)
    except InputError as problem:
        log.debug("no draft of %s: %s", day, problem)
        return ()
