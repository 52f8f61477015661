"""The shift log (值班日志): what happened since the last hand-over, handed on by one person, signed for by the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from bihuan.app.marks import Mark, Marks
from bihuan.cases import Case
from bihuan.core import Event, Ref, content_id, from_json, iso, to_json
from bihuan.store import Records, Row

FIRST_BACK = timedelta(hours=24)
"""So far back the first log of a city reaches."""

LineKind = Literal["alarm", "dispatch", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftLine:
    """One thing that happened, in both languages as it read then.

    Attributes
    ----------
    kind : LineKind
    ref : Ref
        Event, case or warning.
    at : datetime
    zh, en : str
    mark, by, name, note : str
        Mark of an alarm and who set it, or who dispatched or signed; empty where nobody did.
    marked : datetime or None
    open : bool
        Whether the next shift has to look after it.
    """

    kind: LineKind
    ref: Ref
    at: datetime
    zh: str
    en: str
    mark: str = ""
    by: str = ""
    name: str = ""
    note: str = ""
    marked: datetime | None = None
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What an officer wrote into the log."""

    id: str
    by: str
    name: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One hand-over: the list is frozen and its id is its content.

    Attributes
    ----------
    id : str
    since, until : datetime
    lines : tuple of ShiftLine
    remarks : tuple of Remark
    note : str
        Of the leaving officer.
    left_by, left_name : str
    taken_by, taken_name : str
        Who signed for what is open; empty until then.
    taken_at : datetime or None
    """

    id: str
    since: datetime
    until: datetime
    lines: tuple[ShiftLine, ...]
    remarks: tuple[Remark, ...]
    note: str
    left_by: str
    left_name: str
    taken_by: str = ""
    taken_name: str = ""
    taken_at: datetime | None = None

    @property
    def open_lines(self) -> tuple[ShiftLine, ...]:
        """What the next shift answers for."""
        return tuple(line for line in self.lines if line.open)


def seal(lines: Iterable[ShiftLine], remarks: Iterable[Remark], since: datetime) -> str:
    """Return what a list is known by: the same content gives the same."""
    return content_id("shift", iso(since), to_json(list(lines)).decode(), to_json(list(remarks)).decode())


class Shifts:
    """The log in the records.

    Parameters
    ----------
    records : Records
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def last(self) -> Shift | None:
        """Return the last hand-over."""
        rows = self._records.find("shift", state=["written", "taken"], newest_first=True, limit=1)
        return from_json(rows[0].body, Shift) if rows else None

    def history(self, limit: int = 60) -> list[Shift]:
        """Return the hand-overs, newest first."""
        rows = self._records.find("shift", state=["written", "taken"], newest_first=True, limit=limit)
        return [from_json(row.body, Shift) for row in rows]

    def get(self, ident: str) -> Shift | None:
        """Return one hand-over, or None."""
        row = self._records.get("shift", ident)
        return from_json(row.body, Shift) if row and row.state != "remark" else None

    def since(self, now: datetime) -> datetime:
        """Return when the running shift began."""
        last = self.last()
        return last.until if last else now - FIRST_BACK

    def remarks(self, since: datetime, until: datetime) -> tuple[Remark, ...]:
        """Return what was written within a time."""
        rows = self._records.find("shift", state="remark", since=since)
        found = (from_json(row.body, Remark) for row in rows)
        return tuple(one for one in found if one.at <= until)

    def remark(self, by: str, name: str, words: str, now: datetime) -> tuple[Remark, bool]:
        """Write a remark; the same words of the same person in one shift are one."""
        ident = content_id("remark", iso(self.since(now)), by, words)
        row = self._records.get("shift", ident)
        if row is not None:
            return from_json(row.body, Remark), False
        made = Remark(id=ident, by=by, name=name, at=now, text=words)
        self._records.save("shift", [Row(ident, to_json(made), f"person:{by}", "remark", start=now)])
        return made, True

    def hand_over(self, shift: Shift) -> Shift:
        """Freeze a list."""
        self._keep(shift, "written")
        return shift

    def take(self, shift: Shift, by: str, name: str, now: datetime) -> Shift:
        """Sign for what is open."""
        taken = replace(shift, taken_by=by, taken_name=name, taken_at=now)
        self._keep(taken, "taken")
        return taken

    def _keep(self, shift: Shift, state: str) -> None:
        row = Row(shift.id, to_json(shift), f"person:{shift.left_by}", state, start=shift.until, end=shift.taken_at)
        self._records.save("shift", [row])


def happened(records: Records, since: datetime, until: datetime) -> tuple[list[Event], dict[Ref, Mark]]:
    """Return the alarms of a shift with their last marks: what began, what is open, and what was marked in it."""
    found = {row.id: from_json(row.body, Event) for row in records.find("event", since=since, until=until)}
    found |= {row.id: from_json(row.body, Event) for row in records.find("event", state="open")}
    marks = Marks(records)
    for mark in marks.since(since, until):
        row = records.get("event", mark.event.id)
        if row is not None:
            found[row.id] = from_json(row.body, Event)
    # what ended unmarked in an earlier shift was handed on with that one: it stays open until somebody marks it
    events = sorted(found.values(), key=lambda event: (event.period.start, event.id))
    return events, marks.latest(event.ref for event in events)


def sent(cases: Iterable[Case], since: datetime, until: datetime) -> list[tuple[Case, datetime, str, str]]:
    """Return what was dispatched in a shift: case, when, by which step and by whom."""
    kinds = {"dispatch", "reassign", "redirect"}
    found = [
        (case, step.at, step.action.kind, step.action.by.person)
        for case in cases
        for step in case.steps
        if step.action.kind in kinds and since <= step.at < until
    ]
    return sorted(found, key=lambda row: (row[1], row[0].id))
