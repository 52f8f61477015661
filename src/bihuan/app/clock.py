"""The only file that reads a clock: the wall's, or the synthetic city's."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bihuan.core import SettingError, iso, parse_instant

JUMP = timedelta(seconds=2)
"""Larger steps of the wall clock against the monotonic one are said; slewing by NTP stays far below."""


class Clock(Protocol):
    """Where `now` comes from, for silence, deadlines, time-outs and the stamp of a received frame."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""
        ...

    async def wait_until(self, instant: datetime) -> None:
        """Return once `now` is at or after an instant."""
        ...


class WallClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def wait_until(self, instant: datetime) -> None:
        """Return once the wall clock shows an instant; looks again each second, in case it was set."""
        while (left := (instant - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, 1.0))


class CityClock:
    """The clock of a synthetic city.

    Parameters
    ----------
    start : datetime
        City time at the beginning, UTC.
    pace : float or None
        City seconds a second; None stands still and is moved by `advance_to` and `wait_until`, as fast as the
        machine can.
    anchor : float or None
        `monotonic` at the beginning, for a second process of the same machine; None for now.
    """

    def __init__(self, start: datetime, pace: float | None = None, anchor: float | None = None) -> None:
        if pace is not None and pace <= 0:
            raise SettingError(f"pace {pace} of the city clock is not allowed: more than 0, or none to step by hand")
        self._start = start.astimezone(UTC)
        self._pace = pace
        self._anchor = time.monotonic() if anchor is None else anchor

    def now(self) -> datetime:
        """Return the present instant of the city in UTC."""
        if self._pace is None:
            return self._start
        return self._start + timedelta(seconds=(time.monotonic() - self._anchor) * self._pace)

    def monotonic(self) -> float:
        """Return seconds of the machine that never go back."""
        return time.monotonic()

    def advance_to(self, instant: datetime) -> None:
        """Move a clock that stands still forward; it never goes back.

        Raises
        ------
        SettingError
            If the clock runs by itself.
        """
        if self._pace is not None:
            raise SettingError(f"this city clock runs at pace {self._pace}: it cannot be moved by hand")
        self._start = max(self._start, instant.astimezone(UTC))

    async def wait_until(self, instant: datetime) -> None:
        """Return once the city has come to an instant."""
        if self._pace is None:
            self.advance_to(instant)
            await asyncio.sleep(0)
            return
        while (left := (instant - self.now()).total_seconds()) > 0:
            await asyncio.sleep(left / self._pace)

    def describe(self) -> str:
        """Return the text that gives `clock_of` in another process the same clock."""
        return f"city@{iso(self._start)}@{self._pace or ''}@{self._anchor!r}"


def clock_of(text: str) -> WallClock | CityClock:
    """Return the clock that a text describes: ``wall``, or what `CityClock.describe` wrote.

    Raises
    ------
    SettingError
        If it describes none.
    """
    if text == "wall":
        return WallClock()
    kind, *rest = text.split("@")
    try:
        start, pace, anchor = rest
        if kind == "city":
            return CityClock(parse_instant(start), float(pace) if pace else None, float(anchor))
    except ValueError:
        pass
    raise SettingError(f"clock {text!r} is unknown: write wall, or city@START@PACE@ANCHOR")


class JumpWatch:
    """Notices when the wall clock was set: it moved against the clock that only counts seconds.

    Parameters
    ----------
    clock : Clock
    tolerance : timedelta
    """

    def __init__(self, clock: Clock, tolerance: timedelta = JUMP) -> None:
        self._clock, self._tolerance = clock, tolerance
        self._now, self._monotonic = clock.now(), clock.monotonic()

    def check(self) -> timedelta | None:
        """Return by how much the clock jumped since the last look (back is negative), or None."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        jump = (now - self._now) - timedelta(seconds=monotonic - self._monotonic)
        self._now, self._monotonic = now, monotonic
        return jump if abs(jump) > self._tolerance else None
