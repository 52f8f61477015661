"""What a named person made of an alarm: confirmed, false, merged, dispatched; marks are final, the last one counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from bihuan.core import Ref, content_id, from_json, to_json
from bihuan.store import Link, Records, Row

MarkKind = Literal["confirmed", "false", "merged", "dispatched"]
"""属实, 误报, 并入, 已派发."""

MARK_KINDS: tuple[MarkKind, ...] = get_args(MarkKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One mark.

    Attributes
    ----------
    id : str
        From content and from the mark before it, so that the same form sent twice is one mark.
    event : Ref
    kind : MarkKind
    by : str
        Id of the person.
    name : str
        As the register had it then.
    at : datetime
    note : str
    into : Ref or None
        Event that answers for a merged one.
    case : Ref or None
        Case of a dispatched one.
    """

    id: str
    event: Ref
    kind: MarkKind
    by: str
    name: str
    at: datetime
    note: str = ""
    into: Ref | None = None
    case: Ref | None = None


class Marks:
    """The marks in the records.

    Parameters
    ----------
    records : Records
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def of(self, event: Ref) -> tuple[Mark, ...]:
        """Return the marks of an event, oldest first."""
        rows = self._records.find("mark", subject=str(event))
        return tuple(sorted((from_json(row.body, Mark) for row in rows), key=lambda mark: (mark.at, mark.id)))

    def latest(self, events: Iterable[Ref]) -> dict[Ref, Mark]:
        """Return the last mark of each event that has one."""
        subjects = [str(event) for event in events]
        found: dict[Ref, Mark] = {}
        for at in range(0, len(subjects), 500):
            for row in self._records.find("mark", subject=subjects[at : at + 500]):
                mark = from_json(row.body, Mark)
                found[mark.event] = mark
        return found

    def since(self, start: datetime, until: datetime) -> tuple[Mark, ...]:
        """Return the marks set within a time, oldest first."""
        return tuple(from_json(row.body, Mark) for row in self._records.find("mark", since=start, until=until))

    def add(self, mark: Mark) -> tuple[Mark, bool]:
        """Set a mark, and say whether it is new; the same one again returns the one that stands.

        Parameters
        ----------
        mark : Mark
            Its `id` is made here.
        """
        before = self.of(mark.event)
        last = before[-1] if before else None
        if last is not None and _said(last) == _said(mark):
            return last, False
        made = Mark(
            id=content_id("mark", mark.event, last.id if last else "", *_said(mark)),
            event=mark.event,
            kind=mark.kind,
            by=mark.by,
            name=mark.name,
            at=mark.at,
            note=mark.note,
            into=mark.into,
            case=mark.case,
        )
        self._records.save("mark", [Row(made.id, to_json(made), str(made.event), made.kind, start=made.at)])
        self._records.link([Link(made.event, Ref("mark", made.id), "marked")])
        return made, True


def _said(mark: Mark) -> tuple[str, ...]:
    return (mark.kind, mark.by, mark.note, str(mark.into or ""), str(mark.case or ""))
