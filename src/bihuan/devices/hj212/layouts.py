"""Data frames that look like the last one of their device, read at once: the quick way of nearly every frame.

A device sends the same names in the same order, minute after minute, and mostly nothing is odd about it. When a frame
was read in full and nothing had to be said about it, the names, marks and signs of its text are remembered as a
`Layout`, one expression that finds the figures. A later frame that fits it wholly, figure by figure, gives a `Report`;
whatever does not fit, or would give a complaint or a doubt, gives none and is read in full (`Hj212Adapter.decode`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bihuan.core import Flag, Interval, Origin, Stat
from bihuan.devices.hj212.codes import DATA_COMMANDS, SENTINEL
from bihuan.devices.hj212.envelope import Envelope
from bihuan.devices.hj212.items import Channel
from bihuan.devices.hj212.parse import Group
from bihuan.devices.hj212.stamps import CLOCK_TOLERANCE, IMPOSSIBLE, LATE, read_stamp, span
from bihuan.devices.units import SAME, Conversion

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIGURE = rb"(-?\d{1,12}(?:\.\d{1,12})?)"
_HEAD = rb"##\d{4}QN=[^;,&=]*;ST=[^;,&=]*;CN=[^;,&=]*;PW=[^;,&=]*;MN=[^;,&=]*;Flag=\d{1,4};CP=&&DataTime=(\d{14})"
_TAIL = rb"&&[0-9A-F]{4}"
_IGNORED = rb"[A-Za-z0-9_.:+ -]*"
_LONGEST = 200


class Layout(NamedTuple):
    """What stands where in a frame's data, and what it means.

    Attributes
    ----------
    pattern : Pattern
        Fits a whole plain frame; its groups are DataTime and the figures.
    pollutants, stats, marks : tuple of str
        Of each figure, in the order in which they are decoded.
    low, high : tuple of float
        Outside of them the unit of a figure is doubted.
    converted : tuple of (int, Conversion)
        Figures that are sent in another unit than they are kept in.
    """

    pattern: re.Pattern[bytes]
    pollutants: tuple[str, ...]
    stats: tuple[Stat, ...]
    marks: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    converted: tuple[tuple[int, Conversion], ...]


class Report(NamedTuple):
    """What a frame of a known layout says: good readings, and nothing to complain of.

    Attributes
    ----------
    device : str
    interval : Interval
    start, end : int
        Both ends of the period, since 1970. [us]
    origin : Origin
    layout : Layout
    values : list of float
        In the order of the layout.
    """

    device: str
    interval: Interval
    start: int
    end: int
    origin: Origin
    layout: Layout
    values: list[float]


def layout_of(
    groups: Sequence[Group], channels: Mapping[str, Channel], marks: Mapping[str, Flag], *, instant: bool
) -> Layout | None:
    """Return the layout of a frame that was read in full without a complaint, None where it has none.

    Parameters
    ----------
    groups : sequence of Group
    channels : mapping of str to Channel
        Names of the device that are spelled as the standard has them.
    marks : mapping of str to Flag
    instant : bool
        Whether it is of momentary values (CN 2011); in means Rtd is mended, which is a complaint.
    """
    names: list[tuple[str, Channel]] = []
    marked: dict[str, str] = {}
    text = [_HEAD]
    for at, group in enumerate(groups):
        for place, (name, value) in enumerate(group):
            if at == place == 0:
                if name != "DataTime":
                    return None
                continue
            text.append(b"," if place else b";")
            channel = channels.get(name)
            if not name.isascii():
                return None
            text.append(re.escape(name).encode() + b"=")
            if channel is None:  # it is no reading, whatever it says, and nothing was said about it
                text.append(_IGNORED)
            elif channel.stat is not None:
                names.append((name, channel))
                text.append(_FIGURE)
            elif channel.pollutant not in marked and marks.get(value) == Flag("good"):
                marked[channel.pollutant] = value
                text.append(re.escape(value).encode())
            else:
                return None
    chosen = tuple(channel for _, channel in names)
    keys = {(channel.pollutant, channel.stat) for channel in chosen}
    if not chosen or len(chosen) > _LONGEST or len(keys) < len(chosen):
        return None
    if not instant and any(channel.stat in ("rtd", "zs_rtd") for channel in chosen):
        return None
    return _layout(b"".join(text) + _TAIL, chosen, tuple(marked.get(one.pollutant, "") for one in chosen))


@lru_cache(maxsize=4096)
def _layout(pattern: bytes, channels: tuple[Channel, ...], marks: tuple[str, ...]) -> Layout:
    """One object for all devices that send alike, so that their figures can be stored side by side."""
    return Layout(
        re.compile(pattern),
        tuple(channel.pollutant for channel in channels),
        tuple(channel.stat or "rtd" for channel in channels),
        marks,
        tuple(channel.bounds.low for channel in channels),
        tuple(channel.bounds.high for channel in channels),
        tuple((at, channel.convert) for at, channel in enumerate(channels) if channel.convert is not SAME),
    )


def figures(layout: Layout, texts: Sequence[bytes]) -> list[float] | None:
    """Return the figures in the units kept, None where one of them means something else or is doubted."""
    values = [float(text) for text in texts]
    if SENTINEL in values:
        return None
    for at, convert in layout.converted:
        values[at] = convert(values[at])
    for value, low, high in zip(values, layout.low, layout.high, strict=True):
        if value > high or 0 < value < low:
            return None
    return values


class Times:
    """Periods and clocks of the frames of devices in one zone, each time read once.

    Parameters
    ----------
    rhythm : mapping of interval to int
        Of the device. [s]
    zone : ZoneInfo
    """

    def __init__(self, rhythm: Mapping[str, int], zone: ZoneInfo) -> None:
        self._rhythm = tuple(sorted(rhythm.items()))
        self._zone = zone

    def period(self, head: Envelope, text: str, received: datetime) -> tuple[Interval, int, int, Origin] | None:
        """Return interval, both ends [us] and origin of a frame; None where its times give something to say."""
        interval = DATA_COMMANDS.get(head.cn)
        if interval is None:
            return None
        found = _period(interval, text, self._rhythm, self._zone)
        sent = _sent(head.qn[:14], self._zone)
        if found is None or sent is None or len(head.qn) != 17 or not head.qn.isdigit() or not head.qn.isascii():
            return None
        start, end, first, last = found
        stamp = sent + timedelta(milliseconds=int(head.qn[14:]))
        ahead = start if interval == "rt" else max(start, stamp)
        if received - stamp > CLOCK_TOLERANCE or ahead - received > CLOCK_TOLERANCE or start - received > IMPOSSIBLE:
            return None
        if interval != "rt" and end - received > CLOCK_TOLERANCE:
            return None
        return interval, first, last, "resent" if received - end > LATE[interval] else "live"


@lru_cache(maxsize=65_536)
def _period(
    interval: Interval, text: str, rhythm: tuple[tuple[str, int], ...], zone: ZoneInfo
) -> tuple[datetime, datetime, int, int] | None:
    stamp = read_stamp(text, zone)
    if stamp is None:
        return None
    start, end, aligned = span(interval, stamp, dict(rhythm), zone)
    return (start, end, (start - EPOCH) // _MICROSECOND, (end - EPOCH) // _MICROSECOND) if aligned else None


@lru_cache(maxsize=65_536)
def _sent(text: str, zone: ZoneInfo) -> datetime | None:
    stamp = read_stamp(text, zone)
    return None if stamp is None else stamp.astimezone(UTC)
