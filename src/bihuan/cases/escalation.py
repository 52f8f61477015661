"""催办 -> 督办 -> 提级: each level once a clock, logged in the case with whom it told and when they read it."""

from __future__ import annotations

from datetime import datetime

from bihuan.cases.actions import SYSTEM, Action, Actor
from bihuan.cases.clocks import Calendar, Clock, running
from bihuan.cases.machine import machine, step
from bihuan.cases.model import Case
from bihuan.cases.routing import addressees
from bihuan.cases.settings import EscalationLevel
from bihuan.cases.telling import cause_of, make_notice
from bihuan.core import Notice, Ref, iso, local_date
from bihuan.register import Register


def escalate(
    case: Case, now: datetime, register: Register, calendar: Calendar, by: Actor = SYSTEM
) -> tuple[Case, tuple[Notice, ...]]:
    """Run every level that is due and has not run.

    Parameters
    ----------
    case : Case
    now : datetime
    register : Register
        Who is to be told.
    calendar : Calendar
        With the settings: shares of the limit, and whom each level tells.

    Returns
    -------
    Case
        The same object when nothing was due.
    tuple of Notice
        To send; ids from content, so that a second run after a crash sends nothing twice.

    Notes
    -----
    A paused clock does not escalate. While a case is not signed for, its arrival is not urged as well.
    """
    notices: list[Notice] = []
    for clock in _pressing(case, now, calendar):
        for level in calendar.settings.escalation:
            if clock.share >= level.share and not _ran(case, clock, level.level):
                case, fresh = press(case, level, clock, now, register=register, calendar=calendar, by=by)
                notices += fresh
    return case, tuple(notices)


def press(
    case: Case,
    level: EscalationLevel,
    clock: Clock,
    now: datetime,
    *,
    register: Register,
    calendar: Calendar,
    by: Actor = SYSTEM,
) -> tuple[Case, tuple[Notice, ...]]:
    """Run one level now, by hand (a duty officer's 催办) or by the clock.

    Raises
    ------
    RightRefused
        If `by` has no right to it.
    """
    on = local_date(now, calendar.settings.zone)
    told = tuple(dict.fromkeys(ref for name in level.tells for ref in addressees(name, case, register, on)))
    cause = cause_of(clock) if by == SYSTEM else f"{cause_of(clock)} {by.person} {iso(now)}"
    notices = tuple(make_notice(level.level, case, to, now, cause=cause, clock=clock) for to in told)
    fields: dict[str, str | tuple[str, ...]] = {
        "clock": clock.name,
        "started": iso(clock.started),
        "told": tuple(str(ref) for ref in told),
        "notices": tuple(notice.id for notice in notices),
    }
    return step(case, Action(level.level, by, now, fields), calendar.settings), notices


def read(case: Case, notice: str, by: Actor, at: datetime, calendar: Calendar) -> Case:
    """Log that a person opened a notice; a second opening changes nothing.

    Raises
    ------
    StepRefused
        If the notice did not go to this person or unit.
    """
    mine = [told for told in case.told if told.notice == notice and told.to in _names(by)]
    if mine and all(told.read is not None for told in mine):
        return case
    return step(case, Action("read", by, at, {"notice": notice}), calendar.settings)


def unread(case: Case) -> tuple[Ref, ...]:
    """Return who was told and has not opened it."""
    return tuple(dict.fromkeys(told.to for told in case.told if told.read is None))


def _names(by: Actor) -> tuple[Ref, ...]:
    return (Ref("person", by.person), Ref("unit", by.unit or "-"))


def _ran(case: Case, clock: Clock, level: str) -> bool:
    return any(told.level == level and told.clock == clock.name and told.started == clock.started for told in case.told)


def _pressing(case: Case, now: datetime, calendar: Calendar) -> list[Clock]:
    going = [clock for clock in running(case, now, calendar) if not clock.paused]
    if machine().row("urge", case.state, case.kind) is None:
        return []
    unsigned = any(clock.name == "sign" for clock in going)
    return [clock for clock in going if not (unsigned and clock.name == "arrive")]
