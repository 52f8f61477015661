"""What is told to whom: a notice for each step that asks somebody to act, made from ``tells`` of the machine."""

from __future__ import annotations

from datetime import datetime

from bihuan.cases.clocks import Calendar, Clock, running
from bihuan.cases.machine import machine
from bihuan.cases.model import Case
from bihuan.cases.routing import addressees
from bihuan.core import Message, Notice, Ref, content_id, iso, local_date
from bihuan.register import Register


def notices_of(case: Case, register: Register, calendar: Calendar) -> tuple[Notice, ...]:
    """Return the notices that the last step of a case calls for.

    The same case gives the same notices with the same ids, however often it is asked.
    """
    entry = case.steps[-1]
    row = machine().row(entry.action.kind, entry.before, case.kind)
    if row is None:
        return ()
    on = local_date(entry.logged, calendar.settings.zone)
    receivers = [ref for name in row.tells for ref in addressees(name, case, register, on)]
    clock = min(running(case, entry.at, calendar), key=lambda one: one.due, default=None)
    asked = entry.action.get("reason") or entry.action.get("note")
    return tuple(
        make_notice(entry.action.kind, case, to, entry.logged, cause=entry.id, clock=clock, reason=asked)
        for to in dict.fromkeys(receivers)
        if to.id != entry.action.by.person
    )


def make_notice(
    kind: str, case: Case, to: Ref, made: datetime, *, cause: str, clock: Clock | None = None, reason: str = ""
) -> Notice:
    """Return one notice; `cause` is the step or the clock that calls for it and makes its id."""
    words = {"matter": f"matter.{case.matter}", "state": f"case.state_{case.state}"}
    times = {"opened": case.opened, "due": clock.due if clock else case.opened}
    words["clock"] = f"case.clock_{clock.name}" if clock else f"case.state_{case.state}"
    values = {"id": case.opening.number or case.id, "reason": reason or "-"}
    return Notice(
        id=content_id("notice", kind, case.id, cause, to),
        kind=kind,
        subject=case.ref,
        to=to,
        title=case.opening.title,
        body=Message(f"notice.{kind}", values, words, times),
        made=made,
    )


def cause_of(clock: Clock) -> str:
    """Name a clock so that each escalation of it tells each person once."""
    return f"{clock.name}@{iso(clock.started)}"
