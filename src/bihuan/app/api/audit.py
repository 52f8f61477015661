"""The audit, read by the audit administrator alone; no route changes or deletes a row of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.tables import as_csv
from bihuan.core import LedgerError, Ref, iso
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


class AuditPage(BaseModel):
    """Acts, the newest first, and the state of the chain."""

    lines: list[AuditLine]
    found: int
    rows: int
    head: str
    broken: str = Field(description="what the check of the chain found, empty when it holds")


class Asked(BaseModel):
    """What acts are looked for."""

    person: str = Field("", max_length=64)
    action: str = Field("", max_length=64)
    subject: str = Field("", max_length=160)
    since: datetime | None = None
    until: datetime | None = None
    page: int = Field(1, ge=1, le=100_000)
    size: int = Field(100, ge=1, le=500)


@router.get("/audit")
def audit(asked: Annotated[Asked, Query()], session: Auditor, office: TheOffice) -> AuditPage:
    """Read the audit, and check its chain from the first row on."""
    broken = ""
    try:
        office.store.ledger.check()
    except LedgerError as problem:
        broken = str(problem)
    found, head = _found(asked, office), office.store.ledger.head()
    start = (asked.page - 1) * asked.size
    lines = [_line(row, entry, office) for row, entry in found[start : start + asked.size]]
    return AuditPage(lines=lines, found=len(found), rows=head.rows, head=head.hash, broken=broken)


@router.get("/audit.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def audit_csv(asked: Annotated[Asked, Query()], session: Auditor, office: TheOffice) -> Response:
    """Take the acts along as a table; cells that a spreadsheet would run as a formula are disarmed."""
    header = ["row", "at", "actor", "action", "subject", "body"]
    rows = [
        (row, iso(entry.at), entry.actor, entry.action, entry.subject, entry.body.decode())
        for row, entry in _found(asked, office)
    ]
    office.audit(session, "audit.export")
    return as_csv("audit.csv", header, rows)


def _found(asked: Asked, office: Office) -> list[tuple[int, Entry]]:
    """Acts that fit, the newest first, with their row."""
    rows = list(enumerate(office.store.ledger.entries(), start=1))
    since, until = _aware(asked.since, office), _aware(asked.until, office)
    return [
        (number, entry)
        for number, entry in reversed(rows)
        if asked.person in entry.actor
        and asked.action in entry.action
        and asked.subject in entry.subject
        and (since is None or entry.at >= since)
        and (until is None or entry.at < until)
    ]


def _aware(at: datetime | None, office: Office) -> datetime | None:
    """An instant without a zone is one of the city."""
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=office.zone)


def _line(row: int, entry: Entry, office: Office) -> AuditLine:
    name = office.name(Ref("person", entry.actor)) if entry.actor else ""
    body = entry.body.decode()
    return AuditLine(
        row=row, at=entry.at, actor=entry.actor, name=name, action=entry.action, subject=entry.subject, body=body
    )
