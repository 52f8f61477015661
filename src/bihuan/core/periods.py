"""Time: everything inside is UTC and every averaged value keeps both ends of its period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from bihuan.core.errors import InputError

Interval = Literal["rt", "minute", "hour", "day"]
"""``rt`` an instant of the device, ``minute`` its 1-30 minute mean, then hour and day."""

INTERVALS: tuple[Interval, ...] = get_args(Interval)

CHINA = ZoneInfo("Asia/Shanghai")
"""The default local time of a city; a setting of the city may name another."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `start` up to, not including, `end`; both aware and in UTC.

    Raises
    ------
    InputError
        If an end carries no time zone, or `end` does not follow `start`.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InputError(f"period {self.start} .. {self.end} has no time zone; give both in UTC")
        # before comparing: two instants of one local zone compare by their wall clocks, which a summer time repeats
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end <= self.start:
            raise InputError(f"period {self.start} .. {self.end} is empty; end must follow start")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def __str__(self) -> str:
        return f"{iso(self.start)}/{iso(self.end)}"

    @property
    def length(self) -> timedelta:
        """How long the period is."""
        return self.end - self.start

    def overlaps(self, other: Period) -> bool:
        """Say whether the two share any instant."""
        return self.start < other.end and other.start < self.end


def iso(instant: datetime) -> str:
    """Write an instant as ISO 8601 in UTC, ``2026-01-31T16:00:00Z``; microseconds only if any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def utc(instant: datetime, zone: ZoneInfo = CHINA) -> datetime:
    """Return an instant in UTC; one without a zone is read as local time of `zone`."""
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone)
    return instant.astimezone(UTC)


def parse_instant(text: str, zone: ZoneInfo = CHINA) -> datetime:
    """Read ISO text; without an offset it is local time of `zone`; a bare date is its midnight.

    Raises
    ------
    InputError
        If the text is no date or time.
    """
    try:
        return utc(datetime.fromisoformat(text.strip()), zone)
    except (ValueError, OverflowError):
        raise InputError(
            f"time {text!r} cannot be read: write 2019-02-06 or 2019-02-06T08:00, local time of the city"
        ) from None


def local_date(instant: datetime, zone: ZoneInfo = CHINA) -> date:
    """Return the calendar day on which an instant falls in the city."""
    return instant.astimezone(zone).date()


def local_day(day: date, zone: ZoneInfo = CHINA) -> Period:
    """Return the natural day of the city as a period in UTC."""
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + DAY, time(), zone)
    return Period(start.astimezone(UTC), end.astimezone(UTC))


def floor_to(instant: datetime, step: timedelta) -> datetime:
    """Return the last whole `step` since the epoch that is not after `instant`."""
    return _EPOCH + (instant - _EPOCH) // step * step


def hours_of(period: Period) -> Iterator[Period]:
    """Yield the whole hours of a period that begins on an hour."""
    start = period.start
    while start + HOUR <= period.end:
        yield Period(start, start + HOUR)
        start += HOUR
