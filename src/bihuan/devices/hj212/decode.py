"""Frames of one logger to readings, notes and complaints: the adapter of HJ 212-2005, 2017 and 2025."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, INTERVALS, Complaint, Decoded, Flag, Interval, Origin, Reading, SettingError, Severity
from bihuan.devices.hj212.cipher import decrypt, key_bytes, looks_encrypted
from bihuan.devices.hj212.codes import (
    COMMANDS_2005,
    DATA_COMMANDS,
    FURNACE,
    FURNACE_SECONDS,
    OTHER_COMMANDS,
    SEALED_COMMANDS,
    START_UP,
    marks,
)
from bihuan.devices.hj212.envelope import Envelope
from bihuan.devices.hj212.frame import Frame, plain_end, read_frame
from bihuan.devices.hj212.items import Gathered, Items
from bihuan.devices.hj212.layouts import Layout, Report, Times, figures, layout_of
from bihuan.devices.hj212.notes import NOTE_KINDS, UNKNOWN_CONTENT, notes_of
from bihuan.devices.hj212.parse import Segment, parse
from bihuan.devices.hj212.parts import Parts
from bihuan.devices.hj212.stamps import CLOCK_TOLERANCE, IMPOSSIBLE, LATE, Span, read_stamp, span
from bihuan.devices.plausible import Kind
from bihuan.register import Device

_CONDITION_SYSTEM = "45"
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
    Ciphertext of 2025 is opened with the keys of the register row, the current one first.
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
        self._layouts: dict[str, Layout | None] = {}
        self._times = Times(device.rhythm, zone)
        self._keys = [
            key_bytes(key) for key in (device.cipher_key, device.cipher_key_next, *device.cipher_keys_old) if key
        ]
        self._old_keys = len([key for key in (device.cipher_key, device.cipher_key_next) if key])

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
        said: list[Complaint] = []
        if looks_encrypted(taken.data):
            opened = self._opened(taken, said)
            if opened is None:
                return Decoded((), tuple(said))
            taken = opened
        said += taken.complaints
        segment = parse(taken.data)
        said += segment.complaints
        if not self._usable(taken, segment, said):
            return Decoded((), tuple(said))
        interval = DATA_COMMANDS.get(segment.head.cn)
        if interval is None and segment.head.cn != FURNACE:
            notes, about = notes_of(segment, self._zone, frame)
            return Decoded((), tuple(said + about + _about_command(segment)), notes)
        return self._data(segment, interval or "minute", received, frame, said)

    def report(self, data: bytes, head: Envelope, received: datetime) -> Report | None:
        """Read a frame that looks like the last one of its command; None says that `decode` must read it.

        Parameters
        ----------
        data : bytes
            The raw frame.
        head : Envelope
            Its head.
        received : datetime

        Notes
        -----
        Only frames of which `decode` would make good readings without any complaint, the same as those of the report.
        """
        layout = self._layouts.get(head.cn)
        if layout is None or self._parts or self._keys:
            return None
        stop = plain_end(data)
        fitting = layout.pattern.fullmatch(data, 0, stop) if stop else None
        if fitting is None or head.mn != self._device.id:
            return None
        if self._device.password and head.pw != self._device.password:
            return None
        stamp, *texts = fitting.groups()
        period = self._times.period(head, stamp.decode(), received)
        values = figures(layout, texts)
        if period is None or values is None:
            return None
        interval, start, end, origin = period
        return Report(self._device.id, interval, start, end, origin, layout, values)

    def _learn(self, segment: Segment, said: list[Complaint]) -> None:
        """Remember how a frame looks of which nothing had to be said."""
        command = segment.head.cn
        if said or segment.head.pnum is not None or command not in DATA_COMMANDS:
            return
        found = layout_of(segment.groups, self._items.channels, self._marks, instant=command == "2011")
        self._layouts[command] = found

    def _data(
        self, segment: Segment, interval: Interval, received: datetime, frame: str, said: list[Complaint]
    ) -> Decoded:
        """Read the values of a data frame, or of what a part of a split message holds."""
        if self._parts or segment.head.pnum:
            lost = {complaint for complaint in segment.complaints if complaint.reason == "item_unreadable"}
            segment, about = self._parts.take(segment, received)
            said[:] = [complaint for complaint in said if complaint not in lost] + about
            said += [complaint for complaint in segment.complaints if complaint.reason == "item_unreadable"]
        when = self._when(interval, segment, received, said)
        if when is None:
            return Decoded((), tuple(said))
        gathered = self._items.gather(segment.groups, instant=interval == "rt")
        readings = self._readings(gathered, interval, when, frame, segment.head.st)
        self._learn(segment, said + gathered.complaints)
        return Decoded(readings, tuple(said + gathered.complaints))

    def _opened(self, taken: Frame, said: list[Complaint]) -> Frame | None:
        """Decrypt a frame, or say why it cannot be."""
        found = decrypt(taken, self._keys)
        if found is None:
            if self._keys:
                detail = (
                    "the data is SM4 ciphertext and no key of this device fits, or the frame was changed on its way"
                )
                said.append(Complaint("cipher_key_wrong", detail, "CP", "error"))
            else:
                said.append(
                    Complaint("encrypted", "the data is SM4 ciphertext (HJ 212-2025 6.4); no key is set", "CP", "error")
                )
            return None
        opened, number = found
        if number >= self._old_keys:
            said.append(Complaint("cipher_key_old", "the device still encrypts with a key it had before", "CP"))
        return opened

    def _usable(self, taken: Frame, segment: Segment, said: list[Complaint]) -> bool:
        """Check what the weak checksum cannot: that this is a frame of this device."""
        head = segment.head
        missing = [name for name, text in (("CN", head.cn), ("MN", head.mn)) if not text]
        if missing:
            said.append(Complaint("head_missing", f"the head has no {' and no '.join(missing)}", "head", "error"))
        elif head.mn != self._device.id:
            said.append(Complaint("mn_other", f"MN {head.mn[:30]!r} is not this device", "MN", "error"))
        elif self._device.password and head.pw != self._device.password:
            said.append(Complaint("password_wrong", "PW is not the one given to this device", "PW", "error"))
        if self._keys and self._device.protocol == "hj212-2025" and _in_clear(taken, head.cn):
            said.append(Complaint("not_encrypted", "this device has a cipher key and sent data in clear", "CP", "note"))
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
        furnace = segment.head.cn == FURNACE
        rhythm = {"minute": FURNACE_SECONDS} if furnace else self._device.rhythm
        covered = span(interval, stamp, rhythm, self._zone)
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

    def _readings(
        self, gathered: Gathered, interval: Interval, when: _When, frame: str, system: str
    ) -> tuple[Reading, ...]:
        device = self._device.id
        start, end, origin, doubt = when
        flags = {pollutant: self._flag(pollutant, gathered, system) for pollutant, _ in gathered.values}
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

    def _flag(self, pollutant: str, gathered: Gathered, system: str) -> tuple[str, Flag]:
        text = gathered.marks.get(pollutant)
        if text is None:
            return "", _GOOD
        flag = self._marks.get(text)
        if flag is None:
            text = text.strip().upper()[:8]
            flag = self._marks.get(text)
        if flag is None:
            known = " ".join(self._marks)
            if system == _CONDITION_SYSTEM:
                detail = f"Flag={text!r}: the marks of key production conditions (ST 45, 2025) were not at hand"
                gathered.say("condition_mark", detail, f"{pollutant} Flag")
                return text, Flag("suspect", "mark_unknown")
            gathered.say("mark_unknown", f"Flag={text!r} is none of {known}", f"{pollutant} Flag")
            flag = Flag("suspect", "mark_unknown")
        return text, flag


def _in_clear(taken: Frame, command: str) -> bool:
    """Whether a frame that 2025 clause 6.4.4 wants encrypted came in clear."""
    sealed = (len(command) == 4 and command.startswith("2")) or command in SEALED_COMMANDS
    return sealed and taken.data in taken.raw


def _sharpened(complaint: Complaint) -> Complaint:
    """A strict station's frame is not used for what a tolerant one's is only warned for."""
    if complaint.severity != "warning":
        return complaint
    return Complaint(complaint.reason, complaint.detail, complaint.where, "error")


def _about_command(segment: Segment) -> list[Complaint]:
    command = segment.head.cn
    if command == START_UP:
        detail = f"the logger started at {segment.first('RestartTime')[:17] or 'a time it does not say'}"
        return [Complaint("logger_restart", detail, "CN", "note")]
    if command in NOTE_KINDS:
        return []
    if command in UNKNOWN_CONTENT:
        return [Complaint("content_unknown", f"CN={command}: {UNKNOWN_CONTENT[command]}; kept in the journal", "CN")]
    if command in COMMANDS_2005:
        detail = f"CN={command} belongs to HJ/T 212-2005 alone (alarm limits and events); kept in the journal"
        return [Complaint("command_2005", detail, "CN", "note")]
    if command in OTHER_COMMANDS:
        return [Complaint("command_other", f"CN={command} carries no reading; kept in the journal", "CN", "note")]
    return [
        Complaint("command_unknown", f"CN={command[:10]!r} is no command of the standard; kept in the journal", "CN")
    ]
