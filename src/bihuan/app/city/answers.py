"""How the loggers of the city answer orders: time, intervals, stored data, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from bihuan.app.city.devices import Logger, recalled
from bihuan.app.city.plan import CityPlan
from bihuan.app.city.signals import Report
from bihuan.core import CHINA, Ref
from bihuan.devices.hj212 import Envelope, Frame, encode, executed, parse, read_stamp, reply, write_stamp

DONE, FAILED, NO_DATA = 1, 2, 100
"""ExeRtn (HJ 212-2017 table 11)."""

ACCEPTED, WRONG_PASSWORD, NO_COMMAND = 1, 3, 8
"""QnRtn (table 10)."""

NOTICES = frozenset({"2012", "2022"})
RECALLS: dict[str, Literal["minute", "hour"]] = {"2051": "minute", "2061": "hour"}
OBEYED = frozenset({"1000", "1062", "1064", "1072", "2011", "2021", "3011", "3012", "3013", "3014", "3016", "3021"})
"""What a logger of the city simply does; nothing of it changes what it measures."""


class Answers:
    """The loggers of a city as they answer.

    Parameters
    ----------
    plan : CityPlan
    loggers : tuple of Logger
    """

    def __init__(self, plan: CityPlan, loggers: tuple[Logger, ...]) -> None:
        self._plan = plan
        self._loggers = {logger.device.id: logger for logger in loggers}
        self._ahead: dict[str, timedelta] = {}

    def to(
        self,
        head: Envelope,
        frame: Frame,
        reports: Mapping[tuple[Ref, str], Report],
        silences: Mapping[Ref, tuple[datetime, datetime]],
        now: datetime,
    ) -> list[bytes]:
        """Return the frames that answer one order.

        Parameters
        ----------
        head : Envelope
        frame : Frame
        reports : mapping of (site, ``minute`` or ``hour``) to Report
            What the loggers hold.
        silences : mapping of site to (start, end)
        now : datetime
            Of the city.
        """
        logger = self._loggers.get(head.mn)
        if logger is None or not frame.crc_ok:
            return []
        silence = silences.get(logger.site)
        if silence is not None and silence[0] <= now < silence[1]:
            return []
        if head.cn in NOTICES:
            return [reply(head, None)]
        if head.pw != logger.device.password:
            return [reply(head, WRONG_PASSWORD)]
        answers = self._answers(logger, head, frame, reports, now)
        return [reply(head, NO_COMMAND)] if answers is None else [reply(head, ACCEPTED), *answers]

    def _answers(
        self,
        logger: Logger,
        head: Envelope,
        frame: Frame,
        reports: Mapping[tuple[Ref, str], Report],
        now: datetime,
    ) -> list[bytes] | None:
        """Data and result of an order, None where the logger does not know it."""
        if head.cn in OBEYED:
            return [executed(head, DONE)]
        asked = parse(frame.data)
        if head.cn == "1012":
            told = read_stamp(asked.first("SystemTime"), CHINA)
            if told is not None:
                self._ahead[head.mn] = told - now
            return [executed(head, DONE if told else FAILED)]
        if head.cn in ("2031", "2041"):
            return [executed(head, NO_DATA)]
        if head.cn in RECALLS:
            begin, end = (read_stamp(asked.first(name), CHINA) for name in ("BeginTime", "EndTime"))
            frames = []
            if begin is not None and end is not None:
                frames = recalled(self._plan, logger, RECALLS[head.cn], (begin, end), reports, now)
            return [*frames, executed(head, DONE if frames else NO_DATA)]
        value = self._value(logger, head.cn, now)
        if value is None:
            return None
        flag = (head.flag or 0) & ~1
        told_of = encode(head.cn, head.mn, (value,), qn=head.qn, st=logger.system, pw=head.pw, flag=flag)
        return [told_of, executed(head, DONE)]

    def _value(self, logger: Logger, command: str, now: datetime) -> tuple[tuple[str, str], ...] | None:
        """What a logger says of itself when it is asked."""
        rhythm = logger.device.rhythm
        if command == "1011":
            clock = now + self._ahead.get(logger.device.id, timedelta())
            return (("SystemTime", write_stamp(clock, CHINA)),)
        if command == "1061":
            return (("RtdInterval", str(rhythm.get("rt", 30))),)
        if command == "1063":
            return (("MinInterval", str(rhythm.get("minute", 600) // 60)),)
        return None
