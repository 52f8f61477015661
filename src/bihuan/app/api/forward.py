"""Forwarding (转发): targets with how they stand, adding, changing, pausing, and the frames that were set aside."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.forwarding import (
    Target,
    aside_of,
    describe,
    pause_target,
    remove_target,
    renew_plan,
    retry_aside,
    save_target,
    target_of,
)
from bihuan.app.gateway.forward_plan import Mode
from bihuan.core import Language, text
from bihuan.register import Device

router = APIRouter(prefix="/api/forward", tags=["forward"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("forward.read")]
Editor = Annotated[Session, needs("forward.edit")]

Word = Annotated[str, Field(max_length=64, pattern=r"^[^;,&\s]*$")]


class TargetAsked(BaseModel):
    """A target as somebody wants it; what is left out keeps its default."""

    name: str = Field(default="", max_length=80)
    host: str = Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9.:\-]+$")
    port: int = Field(ge=1, le=65535)
    mode: Mode = "rewritten"
    protocol: str = Field(default="hj212-2017", max_length=16)
    since: datetime | None = Field(default=None, description="from when on; now when left out")
    until: datetime | None = None
    devices: dict[Word, Word] = Field(default_factory=dict, max_length=20_000, description="our MN: its MN there")
    password: Word | None = Field(default=None, description="PW there; left out of a change, the known one stays")
    passwords: dict[Word, Word] | None = Field(default=None, max_length=20_000)
    kinds: list[str] = Field(default=["2011", "2051", "2061", "2031"], max_length=32)
    factors: list[str] = Field(default_factory=list, max_length=400)
    units: dict[str, str] = Field(default_factory=dict, max_length=400)
    window: int = 32
    timeout: float = 10.0
    refusals: int = 10
    tls: bool = False
    tls_ca: str = Field(default="", max_length=400)
    tls_name: str = Field(default="", max_length=255)
    reason: str = Field(min_length=2, max_length=300, description="why; goes into the ledger")


class Trouble(BaseModel):
    """One kind of answer that was not right, or of refusal."""

    reason: str
    words: str
    count: int


class TargetLine(BaseModel):
    """One target and how it stands; passwords are never told."""

    id: str
    name: str
    host: str
    port: int
    mode: str
    protocol: str
    tls: bool
    kinds: list[str]
    factors: list[str]
    devices: int | None = Field(description="loggers that are named; null for all of the register")
    since: datetime
    until: datetime | None
    state: str = Field(description="active, paused or ended")
    line: str = Field(description="connected, calling, away, waiting, paused or stopped")
    trouble: str = Field(description="as the system says it; empty while nothing is wrong")
    trouble_words: str = Field(description="the same in plain words")
    lag: float | None = Field(description="since the oldest frame that is not answered was received [s]; 0 for none")
    answered: datetime | None = Field(description="when it answered last")
    connected: datetime | None
    waiting: int | None = Field(description="frames that were read and are not answered")
    unread: int | None = Field(description="bytes of the journal that were not looked at yet")
    stuck: int = Field(description="loggers that it leaves unanswered or refuses, while it answers others")
    forwarded: int
    unconfirmed: int = Field(description="frames that asked for no answer and left this machine")
    resent: int
    refused: int
    aside: int = Field(description="frames that were refused for good, or could not be written as it wants them")
    troubles: list[Trouble]


class TargetList(BaseModel):
    """Every target."""

    as_of: datetime
    running: bool = Field(description="whether the forwarding process runs")
    targets: list[TargetLine]


class AsideLine(BaseModel):
    """A frame that was set aside."""

    at: datetime
    frame: str = Field(description="its id in the journal")
    mn: str = Field(description="as the target knows it")
    device: str = Field(description="our MN; empty where the target's cannot be told back")
    why: str
    words: str
    again: bool = Field(description="somebody wants it sent once more, and it is not answered yet")


class Why(BaseModel):
    """Why somebody does it."""

    reason: str = Field(min_length=2, max_length=300)


class RetryAsked(Why):
    """Frames that were set aside and are to be sent once more."""

    frames: list[str] | None = Field(default=None, max_length=1000, description="ids in the journal; null for all")


@router.get("/targets")
def forward_targets(office: TheOffice, session: Reader, language: TheLanguage) -> TargetList:
    """List every target with how it stands."""
    rows = describe(office.store, office.now)
    running = any(row["running"] for row in rows)
    return TargetList(as_of=office.now, running=running, targets=[_line(row, office, language) for row in rows])


@router.post("/targets/{ident}", status_code=201)
def forward_add(
    ident: str, asked: TargetAsked, office: TheOffice, session: Editor, language: TheLanguage
) -> TargetLine:
    """Add a target; it begins with what is received from now on, unless `since` says otherwise."""
    _whole_city(session)
    who = (session.person.id, asked.reason.strip())
    save_target(office.store, _target(ident, asked, None, office), who, office.now, new=True)
    return _changed(ident, office, language)


@router.put("/targets/{ident}")
def forward_change(
    ident: str, asked: TargetAsked, office: TheOffice, session: Editor, language: TheLanguage
) -> TargetLine:
    """Change a target; it keeps its place, and a password that is left out stays."""
    _whole_city(session)
    with office.store.step:
        target = _target(ident, asked, target_of(office.store, ident), office)
        save_target(office.store, target, (session.person.id, asked.reason.strip()), office.now, new=False)
    return _changed(ident, office, language)


@router.post("/targets/{ident}/pause")
def forward_pause(ident: str, office: TheOffice, session: Editor, language: TheLanguage) -> TargetLine:
    """Let a target rest; it keeps its place."""
    _whole_city(session)
    pause_target(office.store, ident, True, session.person.id, office.now)
    return _changed(ident, office, language)


@router.post("/targets/{ident}/resume")
def forward_resume(ident: str, office: TheOffice, session: Editor, language: TheLanguage) -> TargetLine:
    """Let a target go on from its place."""
    _whole_city(session)
    pause_target(office.store, ident, False, session.person.id, office.now)
    return _changed(ident, office, language)


@router.get("/targets/{ident}/aside")
def forward_aside(ident: str, office: TheOffice, session: Reader, language: TheLanguage) -> list[AsideLine]:
    """List the last hundred frames that were set aside."""
    target = target_of(office.store, ident)
    ours = {theirs: own for own, theirs in target.devices.items()}
    known = {one.id for one in office.register.all(Device, office.today)}
    return [
        AsideLine(
            at=row["at"],
            frame=row["frame"],
            mn=row["mn"],
            device=ours.get(row["mn"], row["mn"] if row["mn"] in known else ""),
            why=row["why"],
            words=words_of(row["why"], language),
            again=row["again"],
        )
        for row in aside_of(office.store.home, target.id)
    ]


@router.post("/targets/{ident}/aside")
def forward_retry(
    ident: str, asked: RetryAsked, office: TheOffice, session: Editor, language: TheLanguage
) -> list[AsideLine]:
    """Have frames that were set aside sent once more, one, some or all; the reason goes into the ledger."""
    _whole_city(session)
    with office.store.step:
        retry_aside(office.store, ident, asked.frames, (session.person.id, asked.reason), office.now)
    office.live.tell("forward", id=ident)
    return forward_aside(ident, office, session, language)


@router.post("/targets/{ident}/remove")
def forward_remove(ident: str, asked: Why, office: TheOffice, session: Editor, language: TheLanguage) -> TargetList:
    """Take a target that rests or has ended away for good; the reason goes into the ledger."""
    _whole_city(session)
    with office.store.step:
        remove_target(office.store, ident, (session.person.id, asked.reason), office.now)
    renew_plan(office.store, office.register, office.today, office.zone.key)
    office.live.tell("forward", id=ident)
    return forward_targets(office, session, language)


def words_of(reason: str, language: Language) -> str:
    """Return the words of a reason; a refusal names its code."""
    head, _, code = reason.partition("_")
    if head == "refused" and code:
        return text("forward.refused_code", language, code=code)
    return text(f"forward.why_{reason}", language)


TROUBLES = {
    "ConnectionRefusedError": "refused",
    "TimeoutError": "timeout",
    "gaierror": "name",
    "ConnectionResetError": "dropped",
    "ConnectionAbortedError": "dropped",
    "BrokenPipeError": "dropped",
    "IncompleteReadError": "dropped",
    "PermissionError": "disk",
    "FileNotFoundError": "disk",
}
"""Names of errors of the system by what they mean to whoever looks after a target."""


def trouble_words(told: str, language: Language) -> str:
    """Return in plain words why a line does not stand; empty while nothing is wrong."""
    if not told:
        return ""
    name = told.partition(":")[0].strip()
    kind = TROUBLES.get(name) or ("tls" if name.startswith(("SSL", "Cert")) else "")
    if not kind and any(sign in told for sign in ("[Errno 101]", "[Errno 113]")):
        kind = "unreachable"
    if not kind and "[Errno 28]" in told:
        kind = "disk"
    return text(f"forward.trouble_{kind or 'other'}", language)


def _whole_city(session: Session) -> None:
    if session.person.district:
        raise Refused(403, "wrong_area", "targets get the frames of the whole city: your login has one district only")


def _target(ident: str, asked: TargetAsked, before: Target | None, office: Office) -> Target:
    given = asked.model_dump(exclude={"password", "passwords", "since", "kinds", "factors", "reason"})
    known = before or Target(id=ident, name="", host=asked.host, port=asked.port, since=office.now)
    return replace(
        known,
        **given,
        since=asked.since or known.since,
        kinds=tuple(asked.kinds),
        factors=tuple(asked.factors),
        password=known.password if asked.password is None else asked.password,
        passwords=known.passwords if asked.passwords is None else asked.passwords,
    )


def _changed(ident: str, office: Office, language: Language) -> TargetLine:
    """Tell the process and the pages at once, and answer with the target as it stands."""
    renew_plan(office.store, office.register, office.today, office.zone.key)
    office.live.tell("forward", id=ident)
    row = next(row for row in describe(office.store, office.now) if row["id"] == ident)
    return _line(row, office, language)


def _line(row: dict[str, Any], office: Office, language: Language) -> TargetLine:
    status: dict[str, Any] = row["status"] or {}
    counts: dict[str, int] = status.get("counts", {})
    oldest = status.get("oldest")
    lag = None
    if "waiting" in status:
        lag = max(0.0, (office.now - datetime.fromisoformat(oldest)).total_seconds()) if oldest else 0.0
    odd = sorted(
        (name for name in counts if name.startswith(("answer_", "refused_", "command"))), key=lambda n: -counts[n]
    )
    return TargetLine(
        **{name: row[name] for name in ("id", "name", "host", "port", "mode", "protocol", "tls", "since", "until")},
        kinds=list(row["kinds"]),
        factors=list(row["factors"]),
        devices=len(row["devices"]) or None,
        state=row["is"],
        line=status.get("state", "waiting") if row["running"] else "stopped",
        trouble=status.get("trouble", ""),
        trouble_words=trouble_words(status.get("trouble", ""), language),
        lag=lag,
        answered=status.get("answered"),
        connected=status.get("connected"),
        waiting=status.get("waiting"),
        unread=status.get("unread"),
        stuck=status.get("stuck", 0),
        forwarded=counts.get("answered", 0),
        unconfirmed=counts.get("unconfirmed", 0),
        resent=counts.get("resent", 0),
        refused=counts.get("refused", 0),
        aside=counts.get("aside", 0),
        troubles=[Trouble(reason=name, words=words_of(name, language), count=counts[name]) for name in odd],
    )
