"""Clocks of a case: working hours, nights and holidays counted, standing still only in 延期 and 挂账."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Any, cast

import holidays
from holidays.registry import EntityLoader

from bihuan.cases.actions import Pause
from bihuan.cases.machine import machine
from bihuan.cases.matters import matter_of
from bihuan.cases.model import Case
from bihuan.cases.settings import CaseSettings, ClockName, Limit, default_settings
from bihuan.core import DAY, SettingError, local_date

FAR = 3700
"""Days after which a search for counted time gives up."""


class Calendar:
    """When time counts in the city.

    Parameters
    ----------
    settings : CaseSettings, optional

    Raises
    ------
    SettingError
        If the package of holidays does not know the country.

    Notes
    -----
    Statutory holidays and adjusted working days (调休) are those of the State Council's yearly notices as the
    package ``holidays`` holds them; a year whose notice it does not hold yet counts statutory days only, and the
    city adds the rest with ``calendar.extra_off`` and ``calendar.extra_working``.
    """

    def __init__(self, settings: CaseSettings | None = None) -> None:
        self.settings = settings or default_settings()
        if self.settings.country not in EntityLoader.get_country_codes():
            raise SettingError(f"calendar.country = {self.settings.country!r} is unknown; write CN")
        self._windows = lru_cache(maxsize=20_000)(self._find_windows)

    @cached_property
    def _holidays(self) -> Any:
        """Loaded when the first day is asked for: the package reads the rules of every country, a fifth of a second."""
        return holidays.country_holidays(self.settings.country)

    def working(self, day: date) -> bool:
        """Say whether a day is a working day: the city's own word, then the State Council's."""
        if day in self.settings.extra_working:
            return True
        return day not in self.settings.extra_off and bool(self._holidays.is_working_day(day))

    def add(self, start: datetime, span: timedelta, on: str) -> datetime:
        """Return when `span` of counted time has run since `start`."""
        left = span
        for first, last in self._windows_from(start, on):
            room = last - max(first, start)
            if room >= left:
                return max(first, start) + left
            left -= room
        raise SettingError(f"hours {on!r} do not hold {span} within ten years; widen their windows")

    def between(self, start: datetime, end: datetime, on: str) -> timedelta:
        """Return the counted time from `start` to `end`; zero when `end` is not later."""
        total = timedelta(0)
        for first, last in self._windows_from(start, on):
            if first >= end:
                break
            total += max(timedelta(0), min(last, end) - max(first, start))
        return total

    def due(self, start: datetime, limit: Limit) -> datetime:
        """Return when a limit that began at `start` ends.

        Days are counted after 民法典 (Civil Code) articles 201-203: the day it began is not counted, a last day that
        is a holiday moves to the next working day, and the end is the close of business of that day.
        """
        if not limit.days:
            return self.add(start, timedelta(minutes=limit.minutes), limit.on)
        day, left = local_date(start, self.settings.zone), limit.days
        working_days = self.settings.hours[limit.on].working_days
        while left:
            day += DAY
            left -= self.working(day) or not working_days
        while not self.working(day):
            day += DAY
        return self._windows(day, limit.on)[-1][1]

    def _windows_from(self, start: datetime, on: str) -> Iterator[tuple[datetime, datetime]]:
        day = local_date(start, self.settings.zone)
        for offset in range(FAR):
            for first, last in self._windows(day + timedelta(days=offset), on):
                if last > start:
                    yield first, last

    def _find_windows(self, day: date, on: str) -> tuple[tuple[datetime, datetime], ...]:
        hours = self.settings.hours[on]
        if hours.working_days and not self.working(day):
            return ()
        return tuple((self._instant(day, first), self._instant(day, last)) for first, last in hours.windows)

    def _instant(self, day: date, minute: int) -> datetime:
        local = datetime.combine(day + timedelta(days=minute // 1440), time(minute % 1440 // 60, minute % 60))
        return local.replace(tzinfo=self.settings.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """One running or stopped clock of a case.

    Attributes
    ----------
    name : str
        Words under ``[case]`` as ``clock_...``.
    started, due : datetime
        `due` moves with approved pauses only.
    stopped : datetime or None
        When the work it measures was done; None while it runs.
    limit : timedelta
        Counted time allowed.
    left : timedelta
        Counted time left; negative when overdue.
    overdue : bool
        Not done by `due`, or done later.
    paused : bool
        It stands still now, for `reason`.
    reason : str
    status : str
        How sure the limit's source is; ``design`` for our default.
    """

    name: str
    started: datetime
    due: datetime
    stopped: datetime | None
    limit: timedelta
    left: timedelta
    overdue: bool
    paused: bool
    reason: str
    status: str

    @property
    def share(self) -> float:
        """Part of the limit that has run; above 1 when overdue."""
        used = (self.limit - self.left) / self.limit if self.limit else 1.0
        return max(used, 1.0) if self.overdue else used


Stretch = tuple[datetime, datetime]
Span = tuple[datetime, datetime | None]


def clocks(case: Case, now: datetime, calendar: Calendar) -> tuple[Clock, ...]:
    """Return every clock of a case, those of earlier rounds included, in the order they began.

    The verdict on the effect has no clock: it never makes a case overdue.
    """
    found = [
        _clock(case, cast(ClockName, name), span, now, calendar)
        for name, spans in _spans(case).items()
        for span in spans
    ]
    order = list(machine().clocks)
    return tuple(sorted(found, key=lambda clock: (clock.started, order.index(clock.name))))


def running(case: Case, now: datetime, calendar: Calendar) -> tuple[Clock, ...]:
    """Return the clocks that run now."""
    return tuple(clock for clock in clocks(case, now, calendar) if clock.stopped is None)


def _spans(case: Case) -> dict[str, list[Span]]:
    """Return when each clock ran, read from the log alone."""
    spans: dict[str, list[Span]] = {}
    state = ""
    for entry in case.steps:
        after = state if entry.after == "suspended" else entry.after
        for name, row in machine().clocks.items():
            if (row.kinds and case.kind not in row.kinds) or (name == "demanded" and not _is_demanded(case)):
                continue
            own = spans.setdefault(name, [])
            renewed = entry.action.kind in row.renewed_by
            ended = after not in row.runs_in or renewed or entry.action.kind in row.ends_with
            if own and own[-1][1] is None and ended:
                own[-1] = (own[-1][0], entry.at)
            if after in row.runs_in and (state not in row.runs_in or renewed):
                own.append((entry.at, None))
        state = after
    return spans


def _is_demanded(case: Case) -> bool:
    return case.opening.demanded is not None or case.kind == "complaint"


def _clock(case: Case, name: ClockName, span: Span, now: datetime, calendar: Calendar) -> Clock:
    start, stop = span
    limit = calendar.settings.limit(matter_of(case.matter).limit_class, name)
    fixed = case.opening.demanded if name == "demanded" else None
    due = first_due = fixed or calendar.due(start, limit)
    stretches: list[Stretch] = []
    on = "always" if fixed else limit.on
    for pause in () if name == "demanded" else case.pauses:
        end = _end(pause, now, calendar, on)
        first = max([pause.start, *(last for _, last in stretches)])
        if start <= pause.start and first < min(end, due):
            stretch = (first, end)
            due = calendar.add(due, calendar.between(*stretch, on), on)
            stretches.append(stretch)
    until = stop or now
    total = calendar.between(start, first_due, on)
    left = -calendar.between(due, until, on)
    if until <= due:
        ahead = sum((calendar.between(max(first, until), last, on) for first, last in stretches), timedelta(0))
        left = calendar.between(until, due, on) - ahead
    holding = [pause for pause, stretch in _held(case.pauses, stretches, until) if stop is None]
    reason = holding[-1].reason if holding else ""
    return Clock(name, start, due, stop, total, left, until > due, bool(holding), reason, limit.status)


def _end(pause: Pause, now: datetime, calendar: Calendar, on: str) -> datetime:
    if pause.why == "extension":
        return calendar.add(pause.start, timedelta(hours=pause.hours), on)
    return pause.end or now


def _held(pauses: tuple[Pause, ...], stretches: list[Stretch], at: datetime) -> list[tuple[Pause, Stretch]]:
    return [
        (pause, stretch)
        for stretch in stretches
        for pause in pauses
        if stretch[0] <= at < stretch[1] and pause.start <= stretch[0]
    ]
