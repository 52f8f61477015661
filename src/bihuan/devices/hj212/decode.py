"""Frames of one logger to readings and complaints: the adapter of HJ 212-2005 and 2017."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, INTERVALS, Complaint, Decoded, Flag, Interval, Origin, Reading, SettingError, Severity
from bihuan.devices.hj212.codes import DATA_COMMANDS, HEARTBEAT, OTHER_COMMANDS, START_UP, marks
from bihuan.devices.hj212.envelope import Envelope
from bihuan.devices.hj212.frame import Frame, read_frame
from bihuan.devices.hj212.items import Gathered, Items
from bihuan.devices.hj212.parse import Segment, parse
from bihuan.devices.hj212.parts import Parts
from bihuan.devices.hj212.stamps import CLOCK_TOLERANCE, IMPOSSIBLE, LATE, Span, read_stamp, span
from bihuan.devices.plausible import Kind
from bihuan.register import Device

_VERSION_2025 = 2
_GOOD = Flag("good")


class _When(NamedTuple):
    """The period of a frame's data, where it came from, and why its time is doubted."""

    start: datetime
    end: datetime
    origin: Origin
    doubt: str


class Hj212Adapter:
    """Decodes the frames of one device; implements `bihuan.core.Adapter`.

    Parameters
    ----------
    device : Device
        Its register row: MN, password, strictness, rhythm and the units it really sends.
    kind : {"environment", "outlet"}
        What its site is, which decides the unit kept (ug/m3 in the surroundings, mg/m3 in a stack).
    zone : ZoneInfo
        Local time of the device.

    Raises
    ------
    SettingError
        If a unit or rhythm of the register row cannot be.

    Notes
    -----
    ``DataTime`` of means is the start of their interval (HJ 212-2017 table 4). ``Cou`` is a total of the
    period in kg, or in m3 for a flow (annex B), and is kept as sent. A strict station's frame with any
    deviation is not used, its deviating items are left out; a tolerant station's are mended and said.
    """

    def __init__(self, device: Device, kind: Kind = "environment", zone: ZoneInfo = CHINA) -> None:
        wrong = {name: step for name, step in device.rhythm.items() if name not in INTERVALS or step <= 0}
        if wrong:
            raise SettingError(
                f"device {device.id}: rhythm {wrong} cannot be; give seconds above 0 for {', '.join(INTERVALS)}"
            )
        self._device = device
        self._strict = device.strictness == "strict"
        self._zone = zone
        self._items = Items(device, kind)
        self._parts = Parts()
        self._marks = marks()

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one journalled frame.

        Parameters
        ----------
        data : bytes
            The raw frame, with or without CR LF.
        received : datetime
            When it came, aware.
        frame : str
            Its id in the journal, carried into every reading.
        """
        taken = read_frame(data)
        said = list(taken.complaints)
        segment = parse(taken.data)
        said += segment.complaints
        if not self._usable(taken, segment, said):
            return Decoded((), tuple(said))
        interval = DATA_COMMANDS.get(segment.head.cn)
        if interval is None:
            said += _about_command(segment)
            return Decoded((), tuple(said))
        if self._parts or segment.head.pnum:
            said += self._parts.add(segment.head, segment.first("DataTime"), received)
        when = self._when(interval, segment, received, said)
        if when is None:
            return Decoded((), tuple(said))
        gathered = self._items.gather(segment.groups, instant=interval == "rt")
        readings = self._readings(gathered, interval, when, frame)
        return Decoded(readings, tuple(said + gathered.complaints))

    def _usable(self, taken: Frame, segment: Segment, said: list[Complaint]) -> bool:
        """Check what the weak checksum cannot: that this is a frame of this device."""
        head = segment.head
        if _encrypted(taken, segment):
            said[:] = [
                Complaint("encrypted", "the data is SM4 ciphertext (HJ 212-2025 6.4); no key is set", "CP", "error")
            ]
            return False
        missing = [name for name, text in (("CN", head.cn), ("MN", head.mn)) if not text]
        if missing:
            said.append(Complaint("head_missing", f"the head has no {' and no '.join(missing)}", "head", "error"))
        elif head.mn != self._device.id:
            said.append(Complaint("mn_other", f"MN {head.mn[:30]!r} is not this device", "MN", "error"))
        elif self._device.password and head.pw != self._device.password:
            said.append(Complaint("password_wrong", "PW is not the one given to this device", "PW", "error"))
        if self._strict:
            said[:] = [_sharpened(complaint) for complaint in said]
        return not any(complaint.severity == "error" for complaint in said)

    def _when(self, interval: Interval, segment: Segment, received: datetime, said: list[Complaint]) -> _When | None:
        text = segment.first("DataTime")
        stamp = read_stamp(text.strip(), self._zone)
        if stamp is None:
            allowed = "it is YYYYMMDDhhmmss, local time"
            said.append(Complaint("time_unreadable", f"DataTime {text[:30]!r}; {allowed}", "DataTime", "error"))
            return None
        covered = span(interval, stamp, self._device.rhythm, self._zone)
        start, end, aligned = covered
        if not aligned:
            severity: Severity = "error" if self._strict else "warning"
            detail = f"DataTime {text[:20]} is no start of a {interval}; taken as {start:%Y-%m-%dT%H:%M:%SZ}"
            said.append(Complaint("time_unaligned", detail, "DataTime", severity))
            if self._strict:
                return None
        if start - received > IMPOSSIBLE:
            detail = f"DataTime {text} is more than a day after receipt; set the clock of the device"
            said.append(Complaint("clock_impossible", detail, "DataTime", "error"))
            return None
        doubt = self._clock(interval, segment.head, covered, received, said)
        resent = segment.head.refilled or received - end > LATE[interval]
        return _When(start, end, "resent" if resent else "live", doubt)

    def _clock(
        self, interval: Interval, head: Envelope, covered: Span, received: datetime, said: list[Complaint]
    ) -> str:
        """Compare the device's times with receipt; return why the time of the data is doubted."""
        start, end, _ = covered
        sent = read_stamp(head.qn, self._zone)
        if sent is not None and received - sent > CLOCK_TOLERANCE:
            detail = f"QN {head.qn} is {received - sent} before receipt: the clock is slow or the frame was kept back"
            said.append(Complaint("clock_behind", detail, "QN", "note"))
        ahead = (start if interval == "rt" or sent is None else max(start, sent)) - received
        if ahead > CLOCK_TOLERANCE:
            detail = f"the device's time is {ahead} ahead of receipt; set the clock of the device"
            said.append(Complaint("clock_ahead", detail, "DataTime"))
            return "clock"
        if interval != "rt" and end - received > CLOCK_TOLERANCE:
            detail = (
                f"the {interval} that begins at {start:%H:%MZ} is not over: the device may stamp the END of intervals"
            )
            said.append(Complaint("period_unfinished", detail, "DataTime"))
            return "period_unfinished"
        return ""

    def _readings(self, gathered: Gathered, interval: Interval, when: _When, frame: str) -> tuple[Reading, ...]:
        device = self._device.id
        start, end, origin, doubt = when
        flags = {pollutant: self._flag(pollutant, gathered) for pollutant, _ in gathered.values}
        readings = []
        for (pollutant, stat), (value, why) in gathered.values.items():
            mark, flag = flags[pollutant]
            quality, reason = flag.quality, flag.reason
            if value is None:
                quality, reason = "missing", reason or why
            elif quality == "good" and (doubt or why):
                quality, reason = "suspect", doubt or why
            readings.append(
                Reading(
                    device,
                    pollutant,
                    stat,
                    interval,
                    start,
                    end,
                    value,
                    mark,
                    origin,
                    quality,
                    reason,
                    "realtime",
                    frame,
                )
            )
        return tuple(readings)

    def _flag(self, pollutant: str, gathered: Gathered) -> tuple[str, Flag]:
        text = gathered.marks.get(pollutant)
        if text is None:
            return "", _GOOD
        flag = self._marks.get(text)
        if flag is None:
            text = text.strip().upper()[:8]
            flag = self._marks.get(text)
        if flag is None:
            known = " ".join(self._marks)
            gathered.say("mark_unknown", f"Flag={text!r} is none of {known}", f"{pollutant} Flag")
            flag = Flag("suspect", "mark_unknown")
        return text, flag


def _encrypted(taken: Frame, segment: Segment) -> bool:
    """Tell SM4 ciphertext, raw or printed as ``{0xE4,...``, from a frame that is merely torn."""
    if taken.crc != "bad" or segment.head.version != _VERSION_2025:
        return False
    _, _, data = taken.data.partition(b"CP=&&")
    return data.startswith(b"{0x") or sum(byte > 0x7E or byte < 0x20 for byte in data) > len(data) // 8


def _sharpened(complaint: Complaint) -> Complaint:
    """A strict station's frame is not used for what a tolerant one's is only warned for."""
    if complaint.severity != "warning":
        return complaint
    return Complaint(complaint.reason, complaint.detail, complaint.where, "error")


def _about_command(segment: Segment) -> list[Complaint]:
    command = segment.head.cn
    if command == HEARTBEAT:
        return []
    if command == START_UP:
        detail = f"the logger started at {segment.first('RestartTime')[:17] or 'a time it does not say'}"
        return [Complaint("logger_restart", detail, "CN", "note")]
    if command in OTHER_COMMANDS:
        return [Complaint("command_other", f"CN={command} carries no reading; kept in the journal", "CN", "note")]
    return [
        Complaint("command_unknown", f"CN={command[:10]!r} is no command of the standard; kept in the journal", "CN")
    ]
