"""What a logger says of itself: states, logs, parameters, samples and answers, as notes beside the readings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bihuan.core import Complaint, DeviceNote
from bihuan.devices.hj212.frame import Frame
from bihuan.devices.hj212.parse import Segment, parse
from bihuan.devices.hj212.stamps import read_stamp

NOTE_KINDS: MappingProxyType[str, str] = MappingProxyType(
    {
        "1001": "hardware",
        "1011": "clock",
        "1013": "asks_clock",
        "1014": "asks_key",
        "1061": "rt_interval",
        "1063": "minute_interval",
        "2021": "run_state",
        "2041": "run_hours",
        "2062": "standard_check",
        "2081": "start_up",
        "3015": "sample_kept",
        "3017": "sampling_period",
        "3018": "sampling_time",
        "3019": "serial",
        "3020": "info",
        "9011": "accepted",
        "9012": "executed",
        "9013": "notice_taken",
        "9014": "data_taken",
        "9015": "heartbeat",
    }
)
"""Command -> kind of what is said (HJ 212-2017 annex C; 1001, 1014, 2062, 9015 of 2025)."""

INFO_KINDS = MappingProxyType({"1": "log", "2": "state", "3": "parameter"})
"""Third character of an InfoId -> kind: i11001 a log, i12001 a state, i13004 a parameter (annex B.10)."""

UNKNOWN_CONTENT = MappingProxyType(
    {
        "2013": "the fields of raw data (2013) stand in the text of HJ 212-2025, which was not at hand",
        "2052": "the fields of a single noise measurement (2052) stand in HJ 212-2025, which was not at hand",
    }
)
"""Commands of 2025 that are known by name only: refused with a word, kept in the journal."""

RESULTS = MappingProxyType({"9011": "QnRtn", "9012": "ExeRtn"})
"""Answers that carry a result, and its name."""

SECRET = frozenset({"NewSK", "NewPW", "PW"})
"""Names whose value no note holds."""

_RUN = re.compile(r"SB\d{1,4}-R[ST]")
_INFO = re.compile(r"i\d{5}|i\d{4}x|I\d{5}", re.ASCII)


def notes_of(segment: Segment, zone: ZoneInfo, frame: str) -> tuple[tuple[DeviceNote, ...], list[Complaint]]:
    """Return what a frame says that is no reading.

    Parameters
    ----------
    segment : Segment
    zone : ZoneInfo
        Local time of the device.
    frame : str
        Its id in the journal.

    Returns
    -------
    tuple of DeviceNote
        One for each thing it is about; none for a command whose content is not known.
    list of Complaint
        What is missing or wrong in it.
    """
    head = segment.head
    kind = NOTE_KINDS.get(head.cn)
    if kind is None or kind == "heartbeat":
        return (), []
    at = read_stamp(segment.first("DataTime").strip(), zone)
    said = _about_content(segment, at)
    notes = []
    for about, values in _things(segment):
        for which, pairs in _kinds(kind, values):
            notes.append(DeviceNote(which, at, head.qn, about, tuple(pairs), frame))
    if not notes:
        notes.append(DeviceNote(kind, at, head.qn, "", (), frame))
    return tuple(notes), said


def result_of(frame: Frame, command: str) -> int | None:
    """Return QnRtn or ExeRtn of an answer, None for another command or where it carries none."""
    if command not in RESULTS:
        return None
    text = parse(frame.data).first(RESULTS[command]).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def _things(segment: Segment) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Values by what they are about: each ``PolId`` begins another thing."""
    about, held = "", list[tuple[str, str]]()
    for group in segment.groups:
        for name, value in group:
            if name == "PolId":
                if held:
                    yield about, held
                about, held = value[:40], []
            elif name not in SECRET and name != "DataTime":
                held.append((name[:40], value[:1000]))
    if held or about:
        yield about, held


def _kinds(kind: str, values: list[tuple[str, str]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Part the values of 3020 into logs, states and parameters; all others are of one kind."""
    if kind != "info":
        yield kind, values
        return
    found: dict[str, list[tuple[str, str]]] = {}
    for name, value in values:
        code = name.partition("-")[0]
        which = INFO_KINDS.get(code[2:3], "info") if _INFO.fullmatch(code) else "info"
        found.setdefault(which, []).append((code if name.endswith("-Info") else name, value.strip("/")))
    yield from found.items()


def _about_content(segment: Segment, at: datetime | None) -> list[Complaint]:
    """Say what a command ought to carry and does not."""
    cn = segment.head.cn
    if cn in RESULTS and not segment.first(RESULTS[cn]).strip().isdigit():
        return [Complaint("result_missing", f"CN={cn} carries no {RESULTS[cn]}", "CP")]
    if cn in ("2021", "2041"):
        names = [name for group in segment.groups for name, _ in group if name != "DataTime"]
        if names and at is None:
            return [Complaint("time_unreadable", f"CN={cn} without a DataTime that can be read", "DataTime")]
        strange = [name for name in names if not _RUN.fullmatch(name)]
        if strange:
            return [
                Complaint("name_unknown", f"{strange[0][:40]!r} is no SBn-RS and no SBn-RT", f"item {strange[0][:40]}")
            ]
    return []
