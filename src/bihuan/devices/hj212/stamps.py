"""Times on the wire: local, without a zone, starts of their interval; and what they say about the clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bihuan.core import DAY, HOUR, Interval, local_day

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clock of a device may stand from ours before it is said."""

IMPOSSIBLE = DAY
"""Data this far in the future is not used: it would stand as the latest value for as long."""

LATE: MappingProxyType[Interval, timedelta] = MappingProxyType(
    {
        "rt": timedelta(minutes=10),
        "minute": timedelta(minutes=30),
        "hour": timedelta(hours=2),
        "day": timedelta(hours=12),
    }
)
"""Received this long after its end, data was sent again: a live frame and its three repeats take 40 s, the
longest minute interval of the standard is 30 min, and loggers close the hour and day within this time."""

RHYTHM: MappingProxyType[Interval, int] = MappingProxyType({"rt": 30, "minute": 600, "hour": 3600, "day": 86400})
"""Interval of a device whose register row names none: RtdInterval 30 s and MinInterval 10 min are the
examples of HJ 212-2017 (C.5, C.7). [s]"""

_SLACK = timedelta(seconds=59)
_YEARS = range(1990, 2200)


class Span(NamedTuple):
    """Both ends of the data of a frame in UTC, and whether the stamp stood on its boundary."""

    start: datetime
    end: datetime
    aligned: bool


def read_stamp(text: str, zone: ZoneInfo) -> datetime | None:
    """Read ``YYYYMMDDhhmmss`` with or without milliseconds as local time; None when it is no time."""
    if len(text) not in (14, 17) or not (text.isascii() and text.isdigit()):
        return None
    year = int(text[:4])
    if year not in _YEARS:
        return None
    try:
        return datetime(
            year,
            int(text[4:6]),
            int(text[6:8]),
            int(text[8:10]),
            int(text[10:12]),
            int(text[12:14]),
            int(text[14:]) * 1000 if len(text) == 17 else 0,
            zone,
        )
    except ValueError:
        return None


def write_stamp(instant: datetime, zone: ZoneInfo, *, milliseconds: bool = False) -> str:
    """Write an instant as the wire has it: DataTime, or QN with milliseconds."""
    local = instant.astimezone(zone)
    tail = f"{local.microsecond // 1000:03d}" if milliseconds else ""
    return f"{local:%Y%m%d%H%M%S}{tail}"


def span(interval: Interval, stamp: datetime, rhythm: Mapping[str, int], zone: ZoneInfo) -> Span:
    """Return the period that a DataTime begins (HJ 212-2017 table 4: start of the interval, or the instant).

    A stamp beside its boundary (21:00:01, 20:59:59) means that boundary; minutes keep their minute.
    """
    length = timedelta(seconds=rhythm.get(interval, RHYTHM[interval]))
    if interval == "rt":
        start = stamp.astimezone(UTC)
        return Span(start, start + length, True)
    if interval == "minute":
        minute = stamp.replace(second=0, microsecond=0)
        since = timedelta(hours=minute.hour, minutes=minute.minute)
        start = minute.astimezone(UTC)
        return Span(start, start + length, minute == stamp and not since % length)
    if interval == "hour":
        hour = (stamp + _SLACK).replace(minute=0, second=0, microsecond=0)
        start = hour.astimezone(UTC)
        return Span(start, start + HOUR, hour == stamp)
    near = stamp + _SLACK
    day = local_day(near.date(), zone)
    midnight = near.replace(hour=0, minute=0, second=0, microsecond=0)
    return Span(day.start, day.end, midnight == stamp)
