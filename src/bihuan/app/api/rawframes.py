"""Raw frames of one logger by the time they came, with what they say and what is wrong with them beside it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.device_lines import FrameLine, frame_lines, seen_device
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.heads import head_of
from bihuan.app.linebook import Sent, stranger
from bihuan.devices.hj212 import envelope

router = APIRouter(prefix="/api/devices", tags=["devices"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("device.read")]

LONGEST = timedelta(days=31)
"""A look reaches this far at most."""

PAGE = 50


class LostPart(BaseModel):
    """A segment of the journal that could not be read."""

    gateway: str
    segment: int
    problem: str


class FramePage(BaseModel):
    """Frames of one logger that came within a time, the earliest first."""

    mn: str
    start: datetime
    end: datetime
    count: int = Field(description="all of that time")
    page: int
    pages: int
    frames: list[FrameLine]
    lost: list[LostPart]


@router.get("/{mn}/journal")
def device_journal(
    mn: str,
    office: TheOffice,
    session: Reader,
    language: TheLanguage,
    start: Annotated[datetime | None, Query(description="a day before the end without it")] = None,
    end: Annotated[datetime | None, Query(description="not included; now without it")] = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> FramePage:
    """Show raw frames of a logger by the time they came, a page at a time."""
    device = seen_device(mn, session, office)
    until = end or office.now + timedelta(seconds=1)
    since = start or until - timedelta(days=1)
    if since.tzinfo is None or until.tzinfo is None or not since < until or until - since > LONGEST:
        raise Refused(
            422, "bad_period", f"{since} to {until}: give two instants with their zone, at most 31 days apart"
        )
    with office.frames.mutex:
        found = office.frames.find(mn, since, until)
        shown = office.frames.read(found.places[(page - 1) * PAGE : page * PAGE])
    kept = [Sent(record, head_of(record)) for record in shown]
    reads_as = device or stranger(mn, kept[0].head if kept else envelope(b""))
    lines = frame_lines(kept, reads_as, office, language)[::-1]
    lost = [LostPart(gateway=one.gateway, segment=one.segment, problem=one.problem) for one in found.lost]
    count = len(found.places)
    return FramePage(
        mn=mn,
        start=since,
        end=until,
        count=count,
        page=page,
        pages=max(1, -(-count // PAGE)),
        frames=lines,
        lost=lost,
    )
