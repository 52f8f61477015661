"""The hours of what an alarm is about, above all for alarms that name their subject themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import polars as pl
from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.alarms import seen_event, unit_of
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheOffice, needs
from bihuan.app.values import as_values
from bihuan.core import HOUR, Period, floor_to

router = APIRouter(prefix="/api", tags=["events"], responses=PROBLEMS)  # type: ignore[arg-type]

BEFORE, AFTER = timedelta(hours=18), timedelta(hours=6)
"""Shown before the onset and after the end."""

LONGEST = timedelta(days=7)
"""Of a longer alarm the last days are shown."""


class EventSeries(BaseModel):
    """One pollutant at the subject of an alarm, hour by hour."""

    unit: str
    start: list[datetime]
    value: list[float | None] = Field(description="null is missing")
    usable: list[bool]
    threshold: float | None = Field(description="what the alarm compares with; null where it is no line in this chart")
    onset: datetime
    until: datetime


@router.get("/events/{ident}/series")
def event_series(ident: str, office: TheOffice, session: Annotated[Session, needs("event.read")]) -> EventSeries:
    """Return the hours of record around an alarm, without a gap in their times."""
    event = seen_event(ident, session, office)
    end = min(event.period.end + AFTER, office.now)
    begin = max(floor_to(event.period.start - BEFORE, HOUR), floor_to(end - LONGEST, HOUR))
    series = EventSeries(
        unit=unit_of(event),
        start=[],
        value=[],
        usable=[],
        threshold=event.threshold if event.kind == "limit" else None,
        onset=event.period.start,
        until=event.period.end,
    )
    if not event.pollutant or end <= begin:
        return series
    rows = office.store.series.hours([str(event.subject)], [event.pollutant], Period(begin, end), of_record=True)
    found = {
        start: (value, usable)
        for start, value, usable in as_values(rows.filter(pl.col("end") <= end), "hour")
        .select("start", "value", "usable")
        .iter_rows()
    }
    if not found:
        return series
    for hour in range(int((end - begin) / HOUR)):
        start = begin + hour * HOUR
        value, usable = found.get(start, (None, False))
        series.start.append(start)
        series.value.append(value)
        series.usable.append(bool(usable))
    return series
