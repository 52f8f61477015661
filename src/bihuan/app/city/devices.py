"""The loggers of the city speak: real HJ 212 frames, with the habits that real loggers have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bihuan.app.city.draws import draws, table
from bihuan.app.city.plan import CityPlan
from bihuan.app.city.signals import Report
from bihuan.app.city.truth import Incident
from bihuan.core import CHINA, Ref, Stat, local_date
from bihuan.devices.hj212 import encode, heartbeat, uplink, write_stamp
from bihuan.register import Device, Outlet, Station

Frame = tuple[str, datetime, bytes]
"""MN, when it is sent (UTC), bytes."""

MOST_RECALLED = 2000
"""Frames in answer to one recall: what a logger can hold."""

MINUTE, HOUR, BEAT = 0, 1, 2
"""What a line of the timetable asks for."""
_INTERVALS: dict[int, Literal["minute", "hour"]] = {MINUTE: "minute", HOUR: "hour"}


@dataclass(frozen=True, slots=True)
class Habits:
    """How a logger departs from the standard.

    Attributes
    ----------
    lower_crc, no_crlf, shuffled : bool
        Checksum in small letters; no CR LF behind it; factors in an order of its own.
    beats : bool
        Sends a heartbeat each hour.
    delay : float
        Seconds from the end of a period until it is sent. [s]
    """

    lower_crc: bool
    no_crlf: bool
    shuffled: bool
    beats: bool
    delay: float


@dataclass(frozen=True, slots=True, eq=False)
class Logger:
    """One logger and what it measures."""

    device: Device
    site: Ref
    kind: Literal["environment", "outlet"]
    system: str
    habits: Habits


@dataclass(frozen=True, slots=True, eq=False)
class Timetable:
    """Who sends what and when, for the whole run, by time of sending.

    Attributes
    ----------
    when : ndarray of float64, shape (lines,)
        Since the start of the city. [s]
    logger, what, index : ndarray of int64, shape (lines,)
        Which logger; `MINUTE`, `HOUR` or `BEAT`; which report.
    """

    when: NDArray[np.float64]
    logger: NDArray[np.int64]
    what: NDArray[np.int64]
    index: NDArray[np.int64]


def loggers_of(plan: CityPlan) -> tuple[Logger, ...]:
    """Every logger of the register with its system code and habits, by MN."""
    day = local_date(plan.start)
    found = []
    for device in plan.register.all(Device, day):
        site = Ref.parse(device.site)
        rng, settings = draws(plan.seed, "habits", device.id), table("defaults")["devices"]
        habits = Habits(
            lower_crc=bool(rng.random() < settings["lower_crc"]),
            no_crlf=bool(rng.random() < settings["no_crlf"]),
            shuffled=bool(rng.random() < settings["shuffled"]),
            beats=bool(device.protocol == "hj212-2017" and rng.random() < settings["heartbeat"]),
            delay=float(rng.uniform(2.0, 40.0)),
        )
        kind: Literal["environment", "outlet"] = "outlet" if site.kind == "outlet" else "environment"
        found.append(Logger(device, site, kind, _system(plan, site), habits))
    return tuple(found)


def _system(plan: CityPlan, site: Ref) -> str:
    """ST of HJ 212-2017: 21 surface water, 22 air, 31 stack, 32 waste water, 39 dust."""
    fact = plan.register.resolve(site, local_date(plan.start))
    if isinstance(fact, Outlet):
        return "31" if fact.medium == "air" else "32"
    if isinstance(fact, Station):
        return "39" if fact.kind == "dust" else "22"
    return "21"


def timetable(plan: CityPlan, loggers: tuple[Logger, ...]) -> Timetable:
    """Draw the timetable: reports, heartbeats, lost reports, late ones and those sent twice."""
    lines: list[NDArray[np.float64]] = []
    for number, logger in enumerate(loggers):
        for what, rhythm in _rhythms(logger):
            lines.append(_lines(plan, number, logger, what, rhythm))
    rows = np.concatenate(lines)
    rows = rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))]
    return Timetable(rows[:, 0], *(rows[:, k].astype(np.int64) for k in (1, 2, 3)))


def _rhythms(logger: Logger) -> list[tuple[int, int]]:
    rhythm = logger.device.rhythm
    found = [(what, rhythm[name]) for what, name in _INTERVALS.items() if name in rhythm]
    return [*found, (BEAT, 3600)] if logger.habits.beats else found


def _lines(plan: CityPlan, number: int, logger: Logger, what: int, rhythm: int) -> NDArray[np.float64]:
    """Lines (when, logger, what, index) of one logger in one rhythm."""
    rng, settings = draws(plan.seed, "timetable", logger.device.id, what), table("defaults")
    count = plan.hours * 3600 // rhythm
    index = np.arange(count)
    when = (index + 1) * float(rhythm) + logger.habits.delay + np.round(rng.uniform(0, 2, count), 3)
    if what == BEAT:
        when -= 1800.0
    if what == HOUR:
        when += 5.0
    keep = np.ones(count, dtype=bool)
    if what == MINUTE:
        lost = rng.random(count) < settings["sensor"]["gap_share"]
        late = lost & (rng.random(count) < 0.5)
        when[late] += 900.0
        keep = ~lost | late
        keep[2:] |= ~keep[1:-1] & ~keep[:-2]
    rows = np.column_stack([when, np.full(count, number), np.full(count, what), index])
    again = keep & (rng.random(count) < settings["devices"]["resend"]) & (what != BEAT)
    twice = rows[again]
    twice[:, 0] += 10.0
    return np.concatenate([rows[keep], twice])


def frames_between(
    plan: CityPlan,
    loggers: tuple[Logger, ...],
    times: Timetable,
    reports: Mapping[tuple[Ref, str], Report],
    silences: Mapping[Ref, tuple[datetime, datetime]],
    start: datetime,
    end: datetime,
) -> list[Frame]:
    """Return every frame sent from `start` up to `end`, by time of sending.

    Parameters
    ----------
    reports : mapping of (site, ``minute`` or ``hour``) to Report
        What the loggers have to tell as things stand.
    silences : mapping of site to (start, end)
        When a logger sends nothing; once it is back it reports its start (CN 2081).
    """
    first, last = (np.searchsorted(times.when, (t - plan.start).total_seconds()) for t in (start, end))
    frames = []
    for line in range(first, last):
        logger = loggers[times.logger[line]]
        sent = plan.start + timedelta(seconds=float(times.when[line]))
        silence = silences.get(logger.site)
        if silence is None or not silence[0] <= sent < silence[1]:
            data = _frame(plan, logger, int(times.what[line]), int(times.index[line]), reports, sent)
            frames.append((logger.device.id, sent, _with_habits(data, logger.habits)))
    for logger in loggers:
        silence = silences.get(logger.site)
        if silence is not None and start <= silence[1] < end:
            frames.append((logger.device.id, silence[1], _with_habits(_started(logger, silence[1]), logger.habits)))
    return sorted(frames, key=lambda frame: frame[:2][::-1])


def recalled(
    plan: CityPlan,
    logger: Logger,
    interval: Literal["minute", "hour"],
    period: tuple[datetime, datetime],
    reports: Mapping[tuple[Ref, str], Report],
    now: datetime,
) -> list[bytes]:
    """Return the reports that a logger holds of a range, whether it ever sent them or not: answers to a recall.

    Parameters
    ----------
    period : tuple of datetime
        First and last start asked for, both included, as BeginTime and EndTime are.
    now : datetime
        Of the city: what is not over yet is not there.
    """
    told = reports.get((logger.site, interval))
    if told is None:
        return []
    step = timedelta(seconds=told.rhythm)
    first = max(0, -((plan.start - period[0]) // step))
    last = min(len(told.values) - 1, (period[1] - plan.start) // step, (now - plan.start) // step - 1)
    what = MINUTE if interval == "minute" else HOUR
    frames = []
    for index in range(first, last + 1)[:MOST_RECALLED]:
        sent = now + timedelta(milliseconds=index - first)
        frames.append(_with_habits(_frame(plan, logger, what, index, reports, sent, asked=True), logger.habits))
    return frames


def _frame(
    plan: CityPlan,
    logger: Logger,
    what: int,
    index: int,
    reports: Mapping[tuple[Ref, str], Report],
    sent: datetime,
    asked: bool = False,
) -> bytes:
    if what == BEAT:
        return heartbeat(logger.device, sent, system=logger.system)
    interval = _INTERVALS[what]
    told = reports[(logger.site, interval)]
    values: dict[str, dict[Stat, float | None]] = {}
    marks: dict[str, str] = {}
    order = range(len(told.columns)) if not logger.habits.shuffled else range(len(told.columns) - 1, -1, -1)
    row, row_marks = told.values[index].tolist(), told.marks[index].tolist()
    for k in order:
        pollutant, stat = told.columns[k]
        values.setdefault(pollutant, {})[stat] = row[k] if row[k] == row[k] else None
        marks[pollutant] = row_marks[k]
    begins = plan.start + timedelta(seconds=index * told.rhythm)
    sent_by_clock = plan.start + timedelta(seconds=(index + 1) * told.rhythm + logger.habits.delay)
    return uplink(
        logger.device,
        interval,
        begins,
        values,
        sent=sent if asked else min(sent, sent_by_clock),
        kind=logger.kind,
        system=logger.system,
        marks=marks,
    )[0]


def _started(logger: Logger, at: datetime) -> bytes:
    """Start-up report (CN 2081) after a silence."""
    stamp = write_stamp(at, CHINA)
    groups = ((("DataTime", stamp),), (("RestartTime", stamp),))
    qn = write_stamp(at, CHINA, milliseconds=True)
    return encode("2081", logger.device.id, groups, qn=qn, st=logger.system, pw=logger.device.password)


_CRC = re.compile(rb"[0-9A-F]{4}\r\n$")


def _with_habits(frame: bytes, habits: Habits) -> bytes:
    if habits.lower_crc:
        frame = _CRC.sub(lambda found: found.group().lower(), frame)
    return frame.removesuffix(b"\r\n") if habits.no_crlf else frame


def silences_of(incidents: tuple[Incident, ...], ends: Mapping[str, datetime]) -> dict[Ref, tuple[datetime, datetime]]:
    """When which site's logger is silent, as things stand."""
    return {
        incident.subject: (incident.period.start, ends[incident.id])
        for incident in incidents
        if incident.kind == "silent" and incident.subject is not None
    }
