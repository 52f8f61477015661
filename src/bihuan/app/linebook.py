"""What each logger sent last, read from the journal as it lies there: for whoever makes badly speaking loggers speak.

It is read only when somebody asks, and only forwards: the first time from the beginning of the last segments, then what
has come since. Nothing of it goes into the series, and the loop never sees it.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.app.adapters import HeldAdapter
from bihuan.app.heads import head_of
from bihuan.core import Complaint, Decoded
from bihuan.devices.hj212 import Envelope, envelope
from bihuan.register import Device
from bihuan.store import JournalReader, Position, Record

KEPT = 20
"""Frames kept of each logger; its complaints are those of these frames, so that a repaired logger soon looks well."""

SEGMENTS = 2
"""Segments of each gateway that are looked through at the start."""

STRANGERS = 5000
"""Unknown loggers kept; of more, those heard longest ago are dropped, so that nobody can fill the memory."""

NOBODY = ""
"""Line of the bytes that name no logger."""

_PASSWORD = re.compile(rb"(PW=|NewSK=)[^;,&]*")


@dataclass(slots=True)
class Sent:
    """One frame as it came, and what its decoder said once somebody looked."""

    record: Record
    head: Envelope
    reasons: tuple[str, ...] | None = None


@dataclass(slots=True)
class Line:
    """One logger's line.

    Attributes
    ----------
    mn : str
    first, last : datetime
        When frames of it came, of those that were looked through.
    frames : int
        How many of them.
    peers : OrderedDict
        Addresses it came from, the last one last.
    commands : Counter
        CN -> frames.
    kept : deque of Sent
        The last ones.
    """

    mn: str
    first: datetime
    last: datetime
    frames: int = 0
    peers: OrderedDict[str, int] = field(default_factory=OrderedDict)
    commands: Counter[str] = field(default_factory=Counter)
    kept: deque[Sent] = field(default_factory=lambda: deque(maxlen=KEPT))

    def note(self, record: Record, head: Envelope) -> None:
        """Take one more frame."""
        self.frames += 1
        self.first, self.last = min(self.first, record.received), max(self.last, record.received)
        host = record.peer.rpartition(":")[0] or record.peer
        self.peers[host] = self.peers.pop(host, 0) + 1
        while len(self.peers) > KEPT:
            self.peers.popitem(last=False)
        if head.cn and (head.cn in self.commands or len(self.commands) < KEPT):
            self.commands[head.cn] += 1
        self.kept.append(Sent(record, head))


class LineBook:
    """The lines of all loggers.

    Parameters
    ----------
    journal : Path
        Folder of the journal.
    zone : ZoneInfo
        Local time of the loggers.

    Attributes
    ----------
    mutex : RLock
        Held by whoever reads a line.
    since : datetime or None
        Nothing earlier was looked through.
    made : dict
        What was made of it for the page: language -> what it was made of, the rows, the bytes.
    """

    def __init__(self, journal: Path, zone: ZoneInfo) -> None:
        self.mutex = threading.RLock()
        self.since: datetime | None = None
        self.made: dict[str, tuple[Any, list[Any], bytes]] = {}
        self._reader = JournalReader(journal, salvage=True)
        self._zone = zone
        self._read: dict[str, Position] = {}
        self._lines: OrderedDict[str, Line] = OrderedDict()

    def renew(self, known: Mapping[str, Device]) -> dict[str, Position]:
        """Read what has come since, and return how far; the caller holds `mutex`."""
        for gateway in self._reader.gateways():
            at = self._read.get(gateway)
            if at is None:
                at = Position(max(0, self._reader.end(gateway).segment - SEGMENTS + 1), 0)
            while True:
                records, at = self._reader.tail(gateway, at)
                for record in records:
                    self._note(record)
                self._read[gateway] = at
                if not records:
                    break
        self._drop_strangers(known)
        return dict(self._read)

    def line(self, mn: str) -> Line | None:
        """Return the line of a logger; None when nothing of it came."""
        return self._lines.get(mn)

    def strangers(self, known: Mapping[str, Device]) -> list[Line]:
        """Return the lines of loggers that the register does not know (待认领), the last heard first."""
        found = [line for mn, line in self._lines.items() if mn != NOBODY and mn not in known]
        return sorted(found, key=lambda line: (line.last, line.mn), reverse=True)

    def complaints(self, line: Line, device: Device) -> Counter[str]:
        """Return in how many of the kept frames each complaint stands."""
        counted: Counter[str] = Counter()
        reader = FrameReader(device, self._zone)
        for sent in line.kept:
            if sent.reasons is None:
                said = reader.read(sent.record).complaints
                sent.reasons = tuple(sorted({one.reason for one in said if one.severity != "note"}))
            counted.update(sent.reasons)
        return counted

    def forget_reasons(self, mn: str) -> None:
        """Decode a logger's frames anew when they are next looked at: its row of the register changed."""
        line = self._lines.get(mn)
        for sent in line.kept if line else ():
            sent.reasons = None

    def close(self) -> None:
        """Give the files back."""
        self._reader.close()

    def _note(self, record: Record) -> None:
        self.since = record.received if self.since is None else min(self.since, record.received)
        head = head_of(record)
        line = self._lines.get(head.mn)
        if line is None:
            line = self._lines[head.mn] = Line(head.mn, record.received, record.received)
        line.note(record, head)
        self._lines.move_to_end(head.mn)

    def _drop_strangers(self, known: Mapping[str, Device]) -> None:
        strange = [mn for mn in self._lines if mn not in known]
        for mn in strange[: max(0, len(strange) - STRANGERS)]:
            del self._lines[mn]


class FrameReader:
    """Reads frames of one logger for people, in their order, so that the parts of a split message find each other.

    Parameters
    ----------
    device : Device
    zone : ZoneInfo
    """

    def __init__(self, device: Device, zone: ZoneInfo) -> None:
        spoken_for = replace(device, line="shown")  # whose meters they are decides what is stored, not what is shown
        self._adapter = HeldAdapter(device, zone, lambda _: spoken_for)

    def read(self, record: Record) -> Decoded:
        """Return what a frame says; bytes that hold no frame say only that."""
        if record.status == "garbage" and not envelope(record.raw).mn:
            said = Complaint("garbage", "these bytes hold no frame that can be checked", "", "error")
            return Decoded((), (said,))
        return self._adapter.decode(record.raw, record.received, record.frame)


def stranger(mn: str, head: Envelope) -> Device:
    """Return a logger as it presents itself, to read the frames of one that the register does not know.

    Nobody has told its rhythm yet, so its minutes are held against whole minutes only.
    """
    return Device(id=mn, name="", site="", password=head.pw, rhythm={"minute": 60})


def shown(raw: bytes) -> str:
    """Return a frame as text with passwords and keys masked; what is no text is written as escapes."""
    masked = _PASSWORD.sub(rb"\1******", raw)
    text = masked.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() or letter in "\r\n" else f"\\x{ord(letter):02x}" for letter in text)
