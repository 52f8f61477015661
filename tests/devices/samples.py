"""Frames and devices of our own making for the tests of this room."""

from datetime import UTC, datetime

from bihuan.core import Complaint
from bihuan.devices.hj212 import Frame, Framer, wrap
from bihuan.register import Device

MN = "410100AIR0000000000000A1"
RECEIVED = datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
"""08:00:05 in China."""


def device(**changes: object) -> Device:
    """The register row of an air station's logger."""
    row: dict[str, object] = {"id": MN, "name": "数采仪", "site": "station:S1"}
    return Device(**(row | changes))  # type: ignore[arg-type]


def segment(cp: str, cn: str = "2011", qn: str = "20260101080000123", flag: str = "Flag=5;", more: str = "") -> bytes:
    """A data segment of that logger."""
    return f"QN={qn};ST=22;CN={cn};PW=123456;MN={MN};{flag}{more}CP=&&{cp}&&".encode()


def air(pm25: float = 35, stamp: str = "20260101080000") -> bytes:
    """A whole plain frame: one momentary PM2.5."""
    return wrap(segment(f"DataTime={stamp};a34004-Rtd={pm25:g},a34004-Flag=N"))


def frames_of(*reads: bytes) -> tuple[list[Frame], list[Complaint]]:
    """Everything a fresh framer makes of some reads, the end of the connection included."""
    framer = Framer()
    frames: list[Frame] = []
    said: list[Complaint] = []
    for read in reads:
        more, about = framer.feed(read)
        frames += more
        said += about
    more, about = framer.flush()
    return frames + more, said + about


def reasons(complaints: tuple[Complaint, ...] | list[Complaint]) -> list[str]:
    """Their reason codes, in order."""
    return [complaint.reason for complaint in complaints]
