"""The audit, read by the audit administrator alone; no route changes or deletes a row of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.tables import as_csv
from bihuan.app.ledgerwatch import PIECE, Checked
from bihuan.core import Ref, iso
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["audit"], responses=PROBLEMS)  # type: ignore[arg-type]

Auditor = Annotated[Session, needs("audit.read")]


class AuditLine(BaseModel):
    """One act."""

    row: int
    at: datetime
    actor: str
    name: str
    action: str
    subject: str
    body: str


class ChainState(BaseModel):
    """How far the chain was checked, and what was found."""

    rows: int = Field(description="rows that were checked: all that came before row `rows`, and it")
    whole: datetime | None = Field(description="when the chain was last checked from its first row on, since the start")
    share: float | None = Field(description="of a check of the whole chain that is under way")
    broken: str = Field(description="what the check found, empty while the chain holds")


class AuditPage(BaseModel):
    """Acts, the newest first, and the state of the chain."""

    lines: list[AuditLine]
    next: int | None = Field(description="row to go on from with `before`; null at the beginning of the chain")
    rows: int
    head: str
    chain: ChainState


class Looked(BaseModel):
    """What acts are looked for; parts of what stands there."""

    person: str = Field("", max_length=64)
    action: str = Field("", max_length=64)
    subject: str = Field("", max_length=160)
    since: datetime | None = None
    until: datetime | None = None


class Asked(Looked):
    """A page of acts."""

    before: int | None = Field(None, ge=1, le=2**53)
    size: int = Field(100, ge=1, le=500)


@router.get("/audit")
def audit(asked: Annotated[Asked, Query()], session: Auditor, office: TheOffice) -> AuditPage:
    """Read acts before a row, a bounded part of the chain; rows that came since the last look are checked."""
    found, following = office.store.ledger.before(asked.before, most=asked.size, **_wanted(asked, office))
    checked, head = office.chain.go_on(), office.store.ledger.head()
    lines = [_line(row, entry, office) for row, entry in found]
    return AuditPage(lines=lines, next=following, rows=head.rows, head=head.hash, chain=_state(checked))


@router.post("/audit/check", status_code=202)
def check_audit(session: Auditor, office: TheOffice) -> ChainState:
    """Begin to check the whole chain; how far it is stands in every page of the audit."""
    office.audit(session, "audit.check")
    if office.chain.checked.share is None:
        office.jobs.start("audit", session.person.id, "audit", office.now, _work(office))
    return _state(office.chain.checked)


@router.get("/audit.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def audit_csv(asked: Annotated[Looked, Query()], session: Auditor, office: TheOffice) -> Response:
    """Take the acts along as a table; cells that a spreadsheet would run as a formula are disarmed."""
    header = ["row", "at", "actor", "action", "subject", "body"]
    rows = [
        (row, iso(entry.at), entry.actor, entry.action, entry.subject, entry.body.decode())
        for row, entry in _all(asked, office)
    ]
    office.audit(session, "audit.export")
    return as_csv("audit.csv", header, rows)


def _all(asked: Looked, office: Office) -> Iterator[tuple[int, Entry]]:
    wanted, row = _wanted(asked, office), None
    while True:
        found, row = office.store.ledger.before(row, most=PIECE, **wanted)
        yield from found
        if row is None:
            return


def _wanted(asked: Looked, office: Office) -> dict[str, Any]:
    since, until = _aware(asked.since, office), _aware(asked.until, office)
    return {
        "actor": asked.person,
        "action": asked.action,
        "subject": asked.subject,
        "since": since,
        "until": until,
    }


def _work(office: Office) -> Callable[[Callable[[float], None]], Checked]:
    return lambda tell: office.chain.check_whole(office.wall.now, tell)


def _state(checked: Checked) -> ChainState:
    return ChainState(rows=checked.head.rows, whole=checked.whole, share=checked.share, broken=checked.broken)


def _aware(at: datetime | None, office: Office) -> datetime | None:
    """An instant without a zone is one of the city."""
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=office.zone)


def _line(row: int, entry: Entry, office: Office) -> AuditLine:
    name = office.name(Ref("person", entry.actor)) if entry.actor else ""
    body = entry.body.decode()
    return AuditLine(
        row=row, at=entry.at, actor=entry.actor, name=name, action=entry.action, subject=entry.subject, body=body
    )
