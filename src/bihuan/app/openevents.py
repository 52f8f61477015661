"""Events that go on, and rises that ended so lately that the whole network's rise may still explain them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bihuan.app.memory import last_ranking
from bihuan.app.suspicion import is_traced
from bihuan.core import Event, Suspects, from_json
from bihuan.store import Records

ENDED_KEPT = timedelta(hours=6)
"""A rise that began so long ago or later is still looked at again, though it ended, when the whole network rises."""


@dataclass(slots=True)
class OpenEvents:
    """What the loop knows of events between two steps.

    Attributes
    ----------
    events : dict of event id to Event
        Those that have not ended.
    ended : dict of event id to Event
        Rises that ended, as long as they began within `ENDED_KEPT`.
    ranked : dict of event id to Suspects
        The last ranking of each.
    """

    events: dict[str, Event] = field(default_factory=dict)
    ended: dict[str, Event] = field(default_factory=dict)
    ranked: dict[str, Suspects] = field(default_factory=dict)

    @property
    def in_order(self) -> list[Event]:
        """All of them by onset; what concerns the whole city first, for it explains the others."""
        known = {**self.ended, **self.events}.values()
        return sorted(known, key=lambda event: (event.subject.kind != "city", event.period.start, event.id))

    def part(self, now: datetime) -> None:
        """Part what ended from what goes on, and forget what began long ago."""
        over = {ident: event for ident, event in self.events.items() if not event.open and is_traced(event)}
        self.events = {ident: event for ident, event in self.events.items() if event.open}
        ended = {ident: event for ident, event in (self.ended | over).items() if ident not in self.events}
        self.ended = {ident: event for ident, event in ended.items() if event.period.start > now - ENDED_KEPT}


def reopened(records: Records, watermark: datetime | None, leaned_on: Collection[str]) -> OpenEvents:
    """Return what the last process knew after its last complete step.

    Parameters
    ----------
    records : Records
    watermark : datetime or None
        Of that step, None before the first.
    leaned_on : collection of event ids
        Events of cases that are not closed; their rankings are wanted as well.
    """
    known = OpenEvents({row.id: from_json(row.body, Event) for row in records.find("event", state="open")})
    if watermark is not None:
        rows = records.find("event", state="closed", since=watermark - ENDED_KEPT)
        known.ended = {row.id: event for row in rows if is_traced(event := from_json(row.body, Event))}
        known.part(watermark)
    for ident in sorted({*known.events, *known.ended, *leaned_on}):
        found = last_ranking(records, ident)
        if found is not None:
            known.ranked[ident] = found
    return known
