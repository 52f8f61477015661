"""Who does what to a case: actors, actions with their photos, and what a step leaves in the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bihuan.core import Complaint, Evidence, Place, Ref, content_id, iso

PhotoRole = Literal["before", "after", "scene", "check"]
"""整改前, 整改后, 现场, 核查."""

RESULTS = ("true", "partly_true", "untrue", "not_found", "no_access", "fixed_on_site", "transferred")
"""属实, 部分属实, 不属实, 未发现, 无法进入, 当场整改, 移交执法; words under ``[result]``."""

SATISFACTIONS = ("satisfied", "fair", "dissatisfied", "unreachable")
"""Answers to a 回访: 满意, 基本满意, 不满意, 联系不上."""

Fields = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Attributes
    ----------
    person : str
        Id in the register, or ``system``.
    roles : tuple of str
        Codes of ``texts`` table ``[role]``.
    unit, district : str
        Empty for the whole city.
    """

    person: str
    roles: tuple[str, ...]
    unit: str = ""
    district: str = ""


SYSTEM = Actor("system", ("system",))
"""The loop itself: dispatches by the duty table, urges, attaches; it never signs, visits or checks."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo by the digest of its stored bytes.

    Attributes
    ----------
    digest : str
    role : PhotoRole
    taken : datetime or None
        As the camera says, UTC.
    place : Place or None
        As the camera says.
    """

    digest: str
    role: PhotoRole = "scene"
    taken: datetime | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What someone wants to do to a case.

    Attributes
    ----------
    kind : str
        A step of ``machine.toml``; words under ``[step]``.
    by : Actor
    at : datetime
        When it was done, by the clock of whoever did it. UTC
    fields : mapping
        What the step asks for: ``reason unit result note hours until ...``; every value is text.
    photos, evidence : tuple
    place : Place or None
        Where the actor stood.
    received : datetime or None
        When it reached us; later than `at` when it was done offline. None: at once.
    revision : int or None
        Revision of the case that the actor was looking at; None skips the check.
    """

    kind: str
    by: Actor
    at: datetime
    fields: Fields = field(default_factory=dict)
    photos: tuple[Photo, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    place: Place | None = None
    received: datetime | None = None
    revision: int | None = None

    @property
    def id(self) -> str:
        """From what was done, by whom and when; a second arrival of the same action has the same id."""
        asked = sorted(self.fields.items())
        shown = [photo.digest for photo in self.photos] + [f"{item.ref}{item.digest}" for item in self.evidence]
        return content_id("action", self.kind, self.by.person, iso(self.at), asked, shown)

    def get(self, name: str) -> str:
        """Return one field as text, empty where it was not given."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ",".join(value)


@dataclass(frozen=True, slots=True)
class Step:
    """An action as it was logged.

    Attributes
    ----------
    id : str
        Of the action.
    action : Action
    role : str
        Role that gave the right.
    before, after : str
        State.
    at : datetime
        Time that counts for the clocks: when it was done, never before the state was entered and
        never after it reached us.
    logged : datetime
        When it reached us; never before the step above it.
    complaints : tuple of Complaint
        What is odd about its photos, place and time; never a reason to refuse.
    """

    id: str
    action: Action
    role: str
    before: str
    after: str
    at: datetime
    logged: datetime
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the three verdicts on a case, each with its own author.

    Attributes
    ----------
    value : str
        ``done``; ``fixed`` / ``not_fixed``; ``effective`` / ``not_effective`` / ``cannot_tell``; a satisfaction.
    at : datetime
    by : str
        Person or ``system``.
    ref : Ref or None
        What it leans on, for instance ``effect:...``.
    reason : str
    """

    value: str
    at: datetime
    by: str
    ref: Ref | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """What was found at one suspected source; tracing takes it as a prior.

    Attributes
    ----------
    suspect : Ref
    result : str
        One of `RESULTS`.
    at : datetime
    by : str
    """

    suspect: Ref
    result: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A time the clocks stand still: an approved extension or 挂账.

    Attributes
    ----------
    why : str
        ``extension`` or ``suspended``.
    start : datetime
    end : datetime or None
        None while `hours` of the clock's own counted time are still to be given.
    hours : float
        Of an extension, counted on the calendar of each clock. [h]
    reason : str
    """

    why: Literal["extension", "suspended"]
    start: datetime
    end: datetime | None = None
    hours: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Whom an escalation told, and when that person opened it.

    Attributes
    ----------
    level : str
        ``urge supervise elevate``: 催办, 督办, 提级.
    clock : str
        Name of the clock, and `started` when it began, so that each level runs once a clock.
    to : Ref
        ``person:...`` or ``unit:...``.
    notice : str
        Id of the notice.
    at : datetime
    read : datetime or None
    """

    level: str
    clock: str
    started: datetime
    to: Ref
    notice: str
    at: datetime
    read: datetime | None = None
