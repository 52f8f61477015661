"""The synthetic city's time: only where one runs."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheOffice, TheSession
from bihuan.app.pacing import FASTEST

router = APIRouter(prefix="/api", tags=["demo"], responses=PROBLEMS)  # type: ignore[arg-type]


class Pace(BaseModel):
    """How fast the city's time is to go by."""

    pace: float | None = Field(gt=0, le=FASTEST, description="city seconds a second; null to stand still")


@router.put("/demo")
def set_pace(asked: Pace, office: TheOffice, session: TheSession) -> Pace:
    """Let the synthetic city's time go by faster, slower, or stand still."""
    if office.demo is None:
        raise Refused(404, "no_demo", "no synthetic city runs here: its time cannot be set")
    office.demo.change(asked.pace)
    office.live.tell("clock", now=office.now, pace=asked.pace)
    return asked
