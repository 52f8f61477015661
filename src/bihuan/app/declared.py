"""Marks that enterprises have set for their outlets (标记), as the assessment asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.app.desk import Desk
from bihuan.app.law import ALLOWED
from bihuan.app.town import Town
from bihuan.assessment import Circumstances, Declared
from bihuan.cases import Case, alarm_of
from bihuan.core import HOUR, Event, Period, floor_to, from_json
from bihuan.register import Enterprise
from bihuan.store import Records, Store

LATE = timedelta(days=45)
"""How long after its alarm a mark is still looked for: hours can be repaired for weeks, not for good."""


def declared_marks(
    records: Records, cases: Iterable[Case], since: datetime | None = None, until: datetime | None = None
) -> tuple[Declared, ...]:
    """Return the conditions that were declared in the cases of outlets' own alarms, the first word first.

    A mark speaks for the hours of its alarm that were over when it reached us: nobody excuses an hour to come. When it
    was set and when the alarm was raised is kept with it; a mark without a time counts as set when it was declared.

    Parameters
    ----------
    records : Records
        Where the events of the alarms are.
    cases : iterable of Case
    since, until : datetime, optional
        Only words that reached us in this time, both ends included.
    """
    found = []
    for case in cases:
        for said in case.declarations if case.kind == "outlet" else ():
            wanted = (since is None or since <= said.logged) and (until is None or said.logged <= until)
            if said.mark and wanted:
                marked = said.marked_at or said.at
                found += [
                    (said.logged, Declared(event.subject.id, period, said.mark, marked, alarm_of(case)))
                    for event, period in _alarms(records, case, said.logged)
                ]
    return tuple(one for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].outlet, pair[1].period.start)))


def _alarms(records: Records, case: Case, logged: datetime) -> Iterator[tuple[Event, Period]]:
    for ref in case.sources:
        row = records.get("event", ref.id) if ref.kind == "event" else None
        event = from_json(row.body, Event) if row else None
        if event is None or event.subject.kind != "outlet":
            continue
        over = floor_to(logged, HOUR)
        # the last hour may be over and not judged yet, so an open alarm does not know of it
        end = over if event.open else min(event.period.end, over)
        if event.period.start < end:
            yield event, Period(event.period.start, end)


def marks_at(
    records: Records, desk: Desk, before: datetime, now: datetime
) -> tuple[Callable[[], tuple[Declared, ...]], tuple[Declared, ...]]:
    """Return how to read every mark that may still matter, and those that came since the last step.

    Parameters
    ----------
    records : Records
    desk : Desk
    before : datetime
        Instant of the last step. At that very instant words may have come after it, so that counts.
    now : datetime
    """

    def every() -> tuple[Declared, ...]:
        return declared_marks(records, (case for case in desk.cases if case.opened > now - LATE), until=now)

    return every, declared_marks(records, desk.cases, before, now)


def circumstances(store: Store, town: Town, cases: Iterable[Case], zone: ZoneInfo) -> Circumstances:
    """Return what is known of the outlets of a day beside their readings: as the loop knows it, from what is stored.

    Parameters
    ----------
    store : Store
    town : Town
        Of the day.
    cases : iterable of Case
    zone : ZoneInfo
    """
    allow = frozenset(store.settings.get(ALLOWED, town.on, ()))
    return Circumstances(zone, allow, industries(town), declared_marks(store.records, cases))


def industries(town: Town) -> dict[str, str]:
    """Return the industry of each enterprise of a day, as the register has it."""
    return {one.id: one.industry for one in town.register.all(Enterprise, town.on)}


def hours_of(marks: Iterable[Declared]) -> frozenset[datetime]:
    """Return the hours that marks speak of, by their start."""
    found: set[datetime] = set()
    for one in marks:
        start = floor_to(one.period.start, HOUR)
        while start < one.period.end:
            found.add(start)
            start += HOUR
    return frozenset(found)
