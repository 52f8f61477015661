"""Documents that people answer for: drafted, checked by another, signed with a number, and then never changed.

The bulletin of a day (日报) and the trace report of an event (溯源专报) go this way. A signed one is its frozen bytes;
what was wrong in it is told by a later issue that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar, Literal

from bihuan.app.settings import Settings
from bihuan.core import BihuanError, InputError, Language, Ref, content_id, from_json, iso, local_date, text, to_json
from bihuan.register import Person
from bihuan.reports import Content, Cover, docx, html
from bihuan.store import Entry, Link, Row, Store

Kind = Literal["daily", "trace"]
State = Literal["draft", "checked", "signed"]
Form = Literal["html", "docx"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

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
    """One document as a record.

    Attributes
    ----------
    id : str
        From content: day or event, place in the chain of corrections.
    day : date
        Of a bulletin; of a trace report the day on which its event began.
    state : State
    revision : int
        Counts every act.
    content : dict of str to str
        Language to digest of what it says, frozen when the draft was made.
    year, number : int or None
        Given at signing, without gaps within a year and kind.
    advice : str
    files : dict of ``zh.html`` ... to digest
        Frozen when signed.
    corrects, reason : str
        Id of the issue that this one corrects, and why.
    kind : Kind
    about : str
        ``event:...`` of a trace report; empty of a bulletin.
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
    kind: Kind = "daily"
    about: str = ""

    @property
    def chain(self) -> str:
        """What it is about: issues of one chain correct each other."""
        return self.about or f"day:{self.day}"

    @property
    def place(self) -> tuple[datetime, bool, int, str]:
        """Its place in time; of issues made at one instant the signed one comes first."""
        return self.made, self.number is None, self.number or 0, self.id

    @property
    def ref(self) -> str:
        """Points at this issue, as text."""
        return f"bulletin:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a draft says, in every language.

    Attributes
    ----------
    city : str
    contents : mapping of Language to Content
    """

    city: str
    contents: Mapping[Language, Content]


class Issues:
    """The documents of one kind of a home.

    Parameters
    ----------
    store : Store
    settings : Settings
    """

    kind: ClassVar[Kind]
    action: ClassVar[str]
    """First part of its acts in the ledger."""
    listed: ClassVar[str]
    """Where the interface lists them."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings, self._zone = store, settings, settings.zone

    def all(self) -> list[Issue]:
        """Return every issue, newest day first."""
        rows = self._store.records.find("bulletin")
        found = [one for one in (from_json(row.body, Issue) for row in rows) if one.kind == self.kind]
        return sorted(found, key=lambda one: (one.day, one.place), reverse=True)

    def get(self, ident: str) -> Issue:
        """Return one issue.

        Raises
        ------
        InputError
            If there is none of that id and kind.
        """
        row = self._store.records.get("bulletin", ident)
        issue = None if row is None else from_json(row.body, Issue)
        if issue is None or issue.kind != self.kind:
            raise InputError(f"{self.action} {ident!r} does not exist: list them under {self.listed}")
        return issue

    def content(self, issue: Issue, language: Language) -> Content:
        """Return what an issue says."""
        return from_json(self._store.blobs.get(issue.content[language]), Content)

    def draft(
        self, chain: Issue, by: Signature, draw: Callable[[], Drawn], correcting: Issue | None = None, why: str = ""
    ) -> Issue:
        """Keep a draft; made again, an unsigned draft of the chain is drawn up anew with its advice kept.

        Parameters
        ----------
        chain : Issue
            What a new issue begins as: its day, kind and subject; city and content are filled in.
        by : Signature
        draw : callable
            Makes what it says; asked only if a draft is allowed.
        correcting : Issue, optional
            The signed one that this one corrects.
        why : str
            Reason of the correction.

        Raises
        ------
        BulletinChanged
            If the chain has a signed issue: correct that one.
        """
        earlier = [one for one in self.all() if one.chain == chain.chain]
        pending = next((one for one in earlier if one.state != "signed"), None)
        if pending is None and correcting is None and earlier:
            raise BulletinChanged(
                f"{chain.chain} has a signed {self.action}, which never changes: correct it by a new issue",
                "bulletin_state",
            )
        drawn = draw()
        digests: dict[str, str] = {one: self._store.blobs.put(to_json(drawn.contents[one])) for one in LANGUAGES}
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
            return self._keep(made, by, "make")
        corrects = correcting.id if correcting else ""
        named = (chain.day,) if not chain.about else (chain.about, chain.day)
        issue = replace(
            chain,
            id=content_id("bulletin", *named, corrects, iso(by.at)),
            city=drawn.city,
            content=digests,
            corrects=corrects,
            reason=why,
            advice=correcting.advice if correcting else "",
            corrects_number=f"{correcting.year}-{correcting.number}" if correcting else "",
        )
        return self._keep(issue, by, "correct" if correcting else "make")

    def begun(self, day: date, by: Signature, about: str = "") -> Issue:
        """Return what a new issue begins as."""
        return Issue(
            id="", day=day, city="", state="draft", revision=1, made=by.at, content={}, prepared=by, kind=self.kind,
            about=about,
        )  # fmt: skip

    def edit(self, ident: str, revision: int, advice: str, by: Signature) -> Issue:
        """Change the free text of section 10; what was checked has to be checked again."""
        issue = self._open(ident, revision, ("draft", "checked"))
        changed = replace(issue, advice=advice.strip(), revision=revision + 1, state="draft", checked=None)
        return self._keep(changed, by, "edit")

    def check(self, ident: str, revision: int, by: Signature) -> Issue:
        """Check a draft (审核); not by the one who prepared it."""
        issue = self._open(ident, revision, ("draft",))
        self._another(by, issue.prepared)
        return self._keep(replace(issue, state="checked", checked=by, revision=revision + 1), by, "check")

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
            return self._keep(replace(signed, files=files), by, "sign")

    def correctable(self, ident: str, why: str) -> Issue:
        """Return a signed issue that may be corrected.

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
                f"{self.action} {ident} is {issue.state} or has its correction: correct the last signed issue",
                "bulletin_state",
            )
        return issue

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
                f"{self.action} {ident} is at revision {issue.revision}, you saw {revision}: "
                "look at it again, then repeat"
            )
        if issue.state not in states:
            raise BulletinChanged(
                f"{self.action} {ident} is {issue.state}; this is allowed when it is {' or '.join(states)}",
                "bulletin_state",
            )
        return issue

    def _another(self, by: Signature, prepared: Signature) -> None:
        if by.person == prepared.person:
            raise BulletinChanged(f"{by.name} prepared it: somebody else checks and signs it", "bulletin_state")

    def _keep(self, issue: Issue, by: Signature, action: str) -> Issue:
        row = Row(issue.id, to_json(issue), issue.chain, issue.state, start=issue.made)
        body = {"day": issue.day.isoformat(), "state": issue.state, "revision": issue.revision, "number": issue.number}
        if issue.about:
            body["about"] = issue.about
        if issue.files:
            body["files"] = issue.files
        with self._store.records.transaction():
            self._store.records.save("bulletin", [row])
            if issue.corrects:
                from_ref, to_ref = Ref("bulletin", issue.corrects), Ref("bulletin", issue.id)
                self._store.records.link([Link(from_ref, to_ref, "corrected")])
            self._store.ledger.add(Entry(by.at, by.person, f"{self.action}.{action}", issue.ref, to_json(body)))
        return issue


def signature(person: Person, now: datetime) -> Signature:
    """Return that a person of the register acts now."""
    return Signature(person=person.id, name=person.name, at=now)
