"""What one frame says, put together value by value: units converted, doubts said, repeats left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bihuan.core import (
    HOUR,
    INTERVALS,
    Complaint,
    Decoded,
    Flag,
    Interval,
    Origin,
    Quality,
    Reading,
    SettingError,
    Severity,
    Sighting,
    Stat,
    local_day,
    pollutants,
)
from bihuan.devices.documents import Number, number_of
from bihuan.devices.hj212.codes import by_code, marks
from bihuan.devices.hj212.stamps import CLOCK_TOLERANCE, IMPOSSIBLE, LATE, RHYTHM
from bihuan.devices.plausible import Kind, plausible
from bihuan.devices.units import Conversion, conversion
from bihuan.register import Device

MOST = 50_000
"""Complaints and readings of one frame beyond which the rest is only counted."""

LISTED = 200
"""Complaints of one frame that are kept one by one."""


class When(NamedTuple):
    """The period of a value, where it came from, and why its time is doubted."""

    start: datetime
    end: datetime
    interval: Interval
    origin: Origin = "live"
    doubt: str = ""


class Setup:
    """What an adapter knows of its device before anything comes.

    Parameters
    ----------
    device : Device
    kind : {"environment", "outlet"}
    zone : ZoneInfo
    sent : mapping of str to str, optional
        Units that the protocol itself lays down, by pollutant; the device's own setting goes before them.

    Raises
    ------
    SettingError
        If a rhythm or a unit of the register row cannot be.
    """

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo, sent: dict[str, str] | None = None) -> None:
        wrong = {name: step for name, step in device.rhythm.items() if name not in INTERVALS or step <= 0}
        if wrong:
            raise SettingError(
                f"device {device.id}: rhythm {wrong} cannot be; give seconds above 0 for {', '.join(INTERVALS)}"
            )
        strange = sorted(set(device.units) - set(pollutants()))
        if strange:
            raise SettingError(f"device {device.id}: units name {', '.join(strange)}, not in core/pollutants.toml")
        self.device, self.kind, self.zone = device, kind, zone
        self._sent = (sent or {}) | device.units
        for code, unit in self._sent.items():
            self.convert(code, unit)

    def kept(self, pollutant: str) -> str:
        """Return the unit that is kept of a pollutant at this site."""
        found = pollutants()[pollutant]
        return found.unit if self.kind == "environment" else found.outlet_unit

    def convert(self, pollutant: str, unit: str = "") -> Conversion:
        """Return how values in a unit, or in the one the device sends, become values that are kept.

        Raises
        ------
        SettingError
        """
        return conversion(unit or self._sent.get(pollutant) or self.kept(pollutant), self.kept(pollutant))

    def span(self, interval: Interval, start: datetime, seconds: float | None = None) -> timedelta:
        """Return how long a period of an interval is, by the frame, else by the register row."""
        if interval == "hour":
            return HOUR
        if interval == "day":
            day = local_day(start.astimezone(self.zone).date(), self.zone)
            return day.end - day.start
        return timedelta(seconds=seconds or self.device.rhythm.get(interval, RHYTHM[interval]))


def known_pollutant(name: str) -> str:
    """Return the code of a pollutant by our code or a code of HJ 212, empty when it is none."""
    name = name.strip()
    lower = name.lower()
    if lower in pollutants():
        return lower
    found = by_code().get(name) or by_code().get(lower)
    return found.code if found else ""


class Gathering:
    """One frame on its way to `Decoded`.

    Parameters
    ----------
    setup : Setup
    received : datetime
    frame : str
    """

    def __init__(self, setup: Setup, received: datetime, frame: str) -> None:
        self.setup, self.received, self.frame = setup, received.astimezone(UTC), frame
        self._readings: dict[tuple[Any, ...], Reading] = {}
        self._sightings: list[Sighting] = []
        self._complaints: list[Complaint] = []
        self._said: set[tuple[str, str]] = set()
        self._unsaid = 0

    def complain(self, complaint: Complaint) -> None:
        """Take a complaint; the many of one frame are counted after the first."""
        if len(self._complaints) < LISTED:
            self._complaints.append(complaint)
        else:
            self._unsaid += 1

    def say(self, reason: str, detail: str, where: str = "", severity: Severity = "warning") -> None:
        """Complain of one thing."""
        self.complain(Complaint(reason, detail, where, severity))

    def say_once(self, reason: str, detail: str, where: str, severity: Severity = "warning") -> None:
        """Complain of a thing that stands in every row, once."""
        if (reason, where) not in self._said:
            self._said.add((reason, where))
            self.say(reason, detail, where, severity)

    def when(
        self, instant: datetime | None, interval: Interval, where: str, given: object, seconds: float | None = None
    ) -> When | None:
        """Return the period that begins at an instant, or None with a complaint."""
        if instant is None:
            allowed = "write ISO 8601, with an offset or in local time"
            self.say("time_unreadable", f"time {str(given)[:40]!r}; {allowed}", where, "error")
            return None
        if instant - self.received > IMPOSSIBLE:
            detail = f"time {str(given)[:40]} is more than a day after receipt; set the clock of the device"
            self.say("clock_impossible", detail, where, "error")
            return None
        start = self._start(instant, interval)
        end = start + self.setup.span(interval, start, seconds)
        doubt = ""
        if start - self.received > CLOCK_TOLERANCE:
            self.say_once("clock_ahead", f"{start - self.received} ahead of receipt; set the clock", where)
            doubt = "clock"
        late = self.received - end > LATE[interval]
        return When(start, end, interval, "resent" if late else "live", doubt)

    def _start(self, instant: datetime, interval: Interval) -> datetime:
        if interval == "rt":
            return instant
        local = instant.astimezone(self.setup.zone).replace(microsecond=0)
        if interval == "minute":
            return local.replace(second=0).astimezone(UTC)
        if interval == "hour":
            return local.replace(minute=0, second=0).astimezone(UTC)
        return local_day(local.date(), self.setup.zone).start

    def add(
        self,
        pollutant: str,
        given: Any,
        when: When,
        where: str,
        *,
        unit: str = "",
        stat: Stat = "avg",
        mark: str = "",
        device: str = "",
        suspect: str = "",
    ) -> float | None:
        """Take one value and return it in the unit that is kept; None when there is none.

        Parameters
        ----------
        suspect : str
            Reason why the value is doubted whatever it is.
        """
        if len(self._readings) >= MOST:
            self.say_once("frame_too_long", f"more than {MOST} values in one frame; split it", "", "error")
            return None
        number = given if isinstance(given, Number) else number_of(given)
        value, quality, reason = self._judged(pollutant, number, given, where, unit)
        if mark:
            quality, reason = self._marked(mark, pollutant, quality, reason)
        if quality == "good" and (suspect or when.doubt):
            quality, reason = "suspect", suspect or when.doubt
        source = device or self.setup.device.id
        stat = "rtd" if when.interval == "rt" and stat == "avg" else stat
        key = (source, pollutant, stat, when.interval, when.start)
        if key in self._readings:
            self.say_once("code_repeated", "stands twice for one period; the last was kept", pollutant)
        self._readings[key] = Reading(
            source,
            pollutant,
            stat,
            when.interval,
            when.start,
            when.end,
            value,
            mark[:8],
            when.origin,
            quality,
            reason,
            "realtime",
            self.frame,
        )
        return value if quality in ("good", "suspect") else None

    def _marked(self, mark: str, where: str, quality: Quality, reason: str) -> tuple[Quality, str]:
        """Let the device's own mark, in the letters of HJ 212, lower the quality; it never raises it."""
        flag = marks().get(mark.strip().upper())
        if flag is None:
            self.say_once("mark_unknown", f"flag {mark[:8]!r} is none of {' '.join(marks())}", where)
            flag = Flag("suspect", "mark_unknown")
        return (flag.quality, flag.reason) if quality == "good" else (quality, reason)

    def _judged(
        self, pollutant: str, number: Number, given: Any, where: str, unit: str
    ) -> tuple[float | None, Quality, str]:
        if number.value is None:
            if number.why == "unreadable":
                self.say("value_unreadable", f"{str(given)[:40]!r} is no number", where)
            elif number.why == "sentinel":
                self.say_once("value_sentinel", f"{str(given)[:40]} means no value", pollutant, "note")
            return None, "missing", number.why
        try:
            value = self.setup.convert(pollutant, unit)(number.value)
        except SettingError as problem:
            self.say_once("unit_unknown", str(problem), pollutant, "error")
            return None, "missing", "unreadable"
        if abs(value) == float("inf"):
            return None, "missing", "unreadable"
        looks = plausible(self.setup.kind, pollutant).doubt(value)
        if looks:
            self.say_once("unit_suspect", f"{value:g} looks like {looks}; set the unit of the device", pollutant)
            return value, "suspect", "unit_suspect"
        return value, "good", ""

    def see(self, sighting: Sighting) -> None:
        """Take what is no value of a site over a period."""
        if len(self._sightings) < MOST:
            self._sightings.append(sighting)
        else:
            self.say_once("frame_too_long", f"more than {MOST} rows in one frame; split it", "", "error")

    def decoded(self) -> Decoded:
        """Return everything."""
        said = list(self._complaints)
        if self._unsaid:
            said.append(Complaint("more_complaints", f"{self._unsaid} further complaints about this frame", "", "note"))
        if not (said or self._readings or self._sightings):
            said.append(Complaint("frame_empty", "the frame holds nothing that can be kept", "", "note"))
        return Decoded(tuple(self._readings.values()), tuple(said), sightings=tuple(self._sightings))


__all__ = ["Gathering", "Setup", "When", "known_pollutant"]
