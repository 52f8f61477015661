"""What the keeper of a server looks after besides its pulse: answers, devices, notices, jobs and the last backup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bihuan.app.jobs import Job
from bihuan.app.linebook import LineBook
from bihuan.app.notify import Delivery
from bihuan.app.pulse import Mark, Pulse
from bihuan.core import from_json, iso, parse_instant, to_json
from bihuan.register import Device
from bihuan.store import Records

BACKUP = "backup/last"
"""Name in `Records.state` of when the last whole backup was taken."""

BACKUP_OLD = timedelta(days=7)
"""A backup older than this is worth a look."""

SLOW, VERY_SLOW = 0.5, 5.0
"""Slowest hundredth of the answers: worth a look, and wrong, as loggers send again after some seconds. [s]"""

UNSENT_LATE, UNSENT_LOST = timedelta(minutes=15), timedelta(hours=1)
"""A notice that has waited for so long is worth a look, and is wrong."""

GIVEN_UP_SHOWN = timedelta(days=1)
"""Notices given up within this are said; older ones stand in the log of notices."""

SILENT = timedelta(hours=1)
"""A logger not heard for so long, or for three of its reports where these lie further apart, is silent."""

REPORTS_MISSED = 3


@dataclass(frozen=True, slots=True)
class Unsent:
    """Notices that no channel has taken.

    Attributes
    ----------
    waiting : int
        That will be tried again.
    oldest : datetime or None
        Since when the first of them waits.
    given_up : int
        Within `GIVEN_UP_SHOWN`; nobody tries them again.
    channels : dict of str to int
        Waiting and given up, by channel.
    detail : str
        What the channel of the oldest said last.
    """

    waiting: int = 0
    oldest: datetime | None = None
    given_up: int = 0
    channels: dict[str, int] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """Loggers of the register.

    Attributes
    ----------
    known, heard, silent : int
        Registered; of these heard lately, and not heard lately or never.
    strangers : int
        That send and wait to be claimed.
    last : datetime or None
        When the last frame of any logger came.
    """

    known: int = 0
    heard: int = 0
    silent: int = 0
    strangers: int = 0
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Everything of this file at one moment, with a mark for each."""

    unsent: Unsent
    heard: Heard
    jobs: dict[str, int]
    backup: datetime | None
    slowest: float | None
    marks: dict[str, Mark]


def look_after(
    pulse: Pulse,
    deliveries: Iterable[Delivery],
    lines: LineBook,
    devices: Mapping[str, Device],
    jobs: Iterable[Job],
    records: Records,
) -> Upkeep:
    """Return what else there is to look after.

    Parameters
    ----------
    pulse : Pulse
    deliveries : iterable of Delivery
    lines : LineBook
    devices : mapping of str to Device
        Of the register, by MN.
    jobs : iterable of Job
    records : Records
    """
    now = pulse.at
    unsent, heard = unsent_of(deliveries, now), heard_of(lines, devices, now)
    states = Counter(job.state for job in jobs)
    last, slowest = last_backup(records), slowest_of(pulse)
    marks: dict[str, Mark] = {
        "answers": _answers(slowest),
        "heard": "look" if heard.silent or not heard.known else "ok",
        "notices": _notices(unsent, now),
        "jobs": "look" if states["failed"] else "ok",
        "backup": "ok" if last is not None and now - last <= BACKUP_OLD else "look",
    }
    return Upkeep(unsent, heard, {str(state): count for state, count in states.items()}, last, slowest, marks)


def unsent_of(deliveries: Iterable[Delivery], now: datetime) -> Unsent:
    """Return the notices that no channel has taken."""
    waiting, given_up = [], []
    for one in deliveries:
        if one.sent is not None:
            continue
        if one.next_try is not None:
            waiting.append(one)
        elif now - one.queued <= GIVEN_UP_SHOWN:
            given_up.append(one)
    first = min(waiting, key=lambda one: one.queued, default=None)
    told = first or max(given_up, key=lambda one: one.queued, default=None)
    return Unsent(
        waiting=len(waiting),
        oldest=first.queued if first else None,
        given_up=len(given_up),
        channels=dict(sorted(Counter(one.channel for one in (*waiting, *given_up)).items())),
        detail=told.detail if told else "",
    )


def heard_of(lines: LineBook, devices: Mapping[str, Device], now: datetime) -> Heard:
    """Return how many loggers were heard lately."""
    with lines.mutex:
        lines.renew(devices)
        strangers = lines.strangers(devices)
        known = {mn: line.last for mn in devices if (line := lines.line(mn)) is not None}
    heard = sum(now - last <= _patience(devices[mn]) for mn, last in known.items())
    instants = [*known.values(), *(line.last for line in strangers)]
    return Heard(len(devices), heard, len(devices) - heard, len(strangers), max(instants, default=None))


def _patience(device: Device) -> timedelta:
    """How long a logger may be silent before somebody should look."""
    shortest = min(device.rhythm.values(), default=0)
    return max(SILENT, timedelta(seconds=REPORTS_MISSED * shortest))


def slowest_of(pulse: Pulse) -> float | None:
    """Return the slowest hundredth of the answers of any gateway, None where none told. [s]"""
    return max((gate.p99 for gate in pulse.gateways if gate.p99 is not None), default=None)


def note_backup(records: Records, at: datetime) -> None:
    """Remember that a whole backup was taken."""
    records.set_state(BACKUP, to_json(iso(at)))


def last_backup(records: Records) -> datetime | None:
    """Return when the last whole backup was taken by `bihuan backup`; None where none is known."""
    body = records.state(BACKUP)
    return parse_instant(from_json(body, str)) if body else None


def _answers(slowest: float | None) -> Mark:
    if slowest is None:
        return "look"
    return "wrong" if slowest > VERY_SLOW else "look" if slowest > SLOW else "ok"


def _notices(unsent: Unsent, now: datetime) -> Mark:
    waited = now - unsent.oldest if unsent.oldest else timedelta(0)
    if waited > UNSENT_LOST:
        return "wrong"
    return "look" if waited > UNSENT_LATE or unsent.given_up else "ok"
