"""What a core process must know of the one before it, read back from the records."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TypeVar

from bihuan.core import HOUR, Ref, Suspects, Verdict, from_json
from bihuan.store import Records, Row

T = TypeVar("T")

HOURS_SHOWN = timedelta(hours=4)
"""Hourly verdicts shown to the rules: more than any of them needs to fall back."""

DAYS_SHOWN = timedelta(days=32)
"""The same for those of days and longer."""


def shown(verdict: Verdict) -> timedelta:
    """Return for how long after its period a verdict is shown to the rules."""
    return HOURS_SHOWN if verdict.period.length <= HOUR else DAYS_SHOWN


def judged_before(records: Records, now: datetime | None, day_sites: Collection[str]) -> list[Verdict]:
    """Return the verdicts that the rules still have to see at the last complete step.

    Parameters
    ----------
    records : Records
    now : datetime or None
        The last complete step, None before the first.
    day_sites : collection of str
        Sites whose days the rules look at. A month of all hourly verdicts of a city would be hundreds of megabytes.
    """
    if now is None:
        return []
    rows = records.find("verdict", since=now - HOURS_SHOWN - HOUR)
    rows += [row for row in records.find("verdict", since=now - DAYS_SHOWN, subject=day_sites) if _long(row)]
    found = {row.id: from_json(row.body, Verdict) for row in rows}
    return [verdict for verdict in found.values() if verdict.period.end > now - shown(verdict)]


def _long(row: Row) -> bool:
    return row.start is not None and row.end is not None and row.end - row.start > HOUR


def last_ranking(records: Records, event: str) -> Suspects | None:
    """Return the last ranking of an event."""
    rows = records.find("suspects", subject=str(Ref("event", event)))
    found = (from_json(row.body, Suspects) for row in rows)
    return max(found, key=lambda one: (one.period.end, one.period.start), default=None)


def state_of(records: Records, name: str, kind: type[T]) -> dict[str, T]:
    """Return what was remembered under a name, by id."""
    body = records.state(name)
    return from_json(body, dict[str, kind]) if body else {}  # type: ignore[valid-type]
