"""The layout of a journal segment: a header, then groups of entries, each under its own CRC-32C.

::

    segment = header(64)  group...
    header  = "BIHUANJ1" | crc | segment | end of the previous segment | gateway, zero-padded
    group   = mark "\\xb1G" | crc | segment | own offset | number of entries      followed by its entries
    entry   = mark "\\xb1n" | crc | length | received | status | peer length | peer | raw bytes

All numbers are little-endian. A group is written only after the one before it was synced. So a whole group mark
PROVES that everything before it had been durable: damage in front of one is corruption, damage behind the last
one is a torn tail that was never acknowledged. No other bookkeeping is needed to tell the two apart.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, get_args

from google_crc32c import value as crc32c

from bihuan.core import InputError, JournalError

FrameStatus = Literal["known", "unknown", "wrong_password", "garbage"]
"""``known`` and ``unknown`` (待认领) devices are acknowledged; a wrong password and garbage are only kept."""

STATUSES: tuple[FrameStatus, ...] = get_args(FrameStatus)

MAGIC = b"BIHUANJ1"
HEADER_LENGTH = 64
RAW_LIMIT = 1 << 20
"""Longest raw content of one entry. [bytes]"""

_HEADER = struct.Struct("<IQ32s")
_GROUP = struct.Struct("<IQI")
_ENTRY = struct.Struct("<IqBB")
_CRC = struct.Struct("<I")
_GROUP_MARK = b"\xb1G"
_ENTRY_MARK = b"\xb1n"
_FRONT = 6  # mark and CRC
GROUP_LENGTH = _FRONT + _GROUP.size
ENTRY_LENGTH = _FRONT + _ENTRY.size

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Where counted time begins."""

_GATEWAY = re.compile(r"[a-z][a-z0-9]{0,15}")
FRAME_PATTERN = r"([a-z][a-z0-9]{0,15})-(\d{1,9})/(\d{1,15})"
"""Id of a journalled frame; rows of imported files have other ids."""

_FRAME = re.compile(FRAME_PATTERN)


class Position(NamedTuple):
    """A place in the journal of one gateway; later is greater.

    Attributes
    ----------
    segment : int
        From 1; 0 is before everything.
    offset : int
        [bytes]
    """

    segment: int
    offset: int


START = Position(0, 0)
"""Before the first frame."""


@dataclass(frozen=True, slots=True)
class Record:
    """One frame as it came.

    Attributes
    ----------
    gateway : str
    position : Position
    received : datetime
        UTC.
    peer : str
        Address it came from.
    status : FrameStatus
    raw : bytes
    """

    gateway: str
    position: Position
    received: datetime
    peer: str
    status: FrameStatus
    raw: bytes

    @property
    def frame(self) -> str:
        """Its id, ``<gateway>-<segment>/<offset>``; readings made from it carry this."""
        return frame_id(self.gateway, self.position)


def frame_id(gateway: str, position: Position) -> str:
    """Return the id of the frame at a position."""
    return f"{gateway}-{position.segment}/{position.offset}"


def parse_frame_id(frame: str) -> tuple[str, Position]:
    """Return gateway and position of a frame id.

    Raises
    ------
    InputError
        If the text is none.
    """
    found = _FRAME.fullmatch(frame)
    if not found:
        raise InputError(f"frame id {frame!r} cannot be read: write gateway-segment/offset, for instance g1-3/10452")
    return found[1], Position(int(found[2]), int(found[3]))


def checked_gateway(gateway: str) -> str:
    """Return the name of a gateway if it is one.

    Raises
    ------
    InputError
    """
    if not _GATEWAY.fullmatch(gateway):
        raise InputError(f"gateway name {gateway!r} cannot be used: a lower letter, then up to 15 letters and digits")
    return gateway


def encode_header(gateway: str, segment: int, previous_end: int) -> bytes:
    """Return the first bytes of a segment; `previous_end` is how much of the one before it was durable."""
    rest = _HEADER.pack(segment, previous_end, gateway.encode())
    return (MAGIC + _CRC.pack(crc32c(rest)) + rest).ljust(HEADER_LENGTH, b"\0")


def decode_header(data: bytes) -> tuple[str, int, int] | None:
    """Return gateway, segment and end of the previous segment, or None when this is no whole header."""
    front = len(MAGIC) + _CRC.size
    rest = data[front : front + _HEADER.size]
    if len(data) < HEADER_LENGTH or data[: len(MAGIC)] != MAGIC:
        return None
    if _CRC.unpack_from(data, len(MAGIC))[0] != crc32c(rest):
        return None
    segment, previous_end, gateway = _HEADER.unpack(rest)
    return gateway.rstrip(b"\0").decode("ascii"), segment, previous_end


def encode_group(position: Position, count: int) -> bytes:
    """Return the mark of a group that begins at `position`."""
    rest = _GROUP.pack(position.segment, position.offset, count)
    return _GROUP_MARK + _CRC.pack(crc32c(rest)) + rest


def encode_entry(raw: bytes, received: datetime, peer: str, status: FrameStatus) -> bytes:
    """Return one entry, ready for `Journal.append`.

    Raises
    ------
    InputError
        If the content is longer than `RAW_LIMIT`.
    """
    if len(raw) > RAW_LIMIT:
        raise InputError(f"a frame of {len(raw)} bytes is too long for the journal: at most {RAW_LIMIT}")
    address = peer.encode()[:255]
    age = received - EPOCH
    micros = (age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds
    rest = _ENTRY.pack(len(raw), micros, STATUSES.index(status), len(address)) + address + raw
    return _ENTRY_MARK + _CRC.pack(crc32c(rest)) + rest


def decode_entry(data: bytes, at: int) -> tuple[int, int, int, bytes, bytes] | None:
    """Return end, microseconds, status number, peer and raw bytes of the entry at `at`, or None if none is whole."""
    body = at + ENTRY_LENGTH
    if body > len(data) or data[at : at + 2] != _ENTRY_MARK:
        return None
    length, micros, status, peer = _ENTRY.unpack_from(data, at + _FRONT)
    end = body + peer + length
    if length > RAW_LIMIT or end > len(data) or status >= len(STATUSES):
        return None
    if _CRC.unpack_from(data, at + 2)[0] != crc32c(data[at + _FRONT : end]):
        return None
    return end, micros, status, data[body : body + peer], data[body + peer : end]


def claimed_end(data: bytes, at: int) -> int | None:
    """Return where the entry at `at` says that it ends, whatever its checksum says; None where it says nothing sane."""
    body = at + ENTRY_LENGTH
    if body > len(data) or data[at : at + 2] != _ENTRY_MARK:
        return None
    length, _, _, peer = _ENTRY.unpack_from(data, at + _FRONT)
    end: int = body + peer + length
    return end if length <= RAW_LIMIT and end <= len(data) else None


def entry_mark_from(data: bytes, at: int, end: int) -> int | None:
    """Return where the next two bytes stand, from `at` on and before `end`, that an entry begins with."""
    found = data.find(_ENTRY_MARK, at, end)
    return None if found < 0 else found


def group_count(data: bytes, at: int, position: Position) -> int | None:
    """Return how many entries the group at `at` has, if a whole mark stands there that names `position` as its own."""
    rest = data[at + _FRONT : at + GROUP_LENGTH]
    if len(rest) < _GROUP.size or data[at : at + 2] != _GROUP_MARK:
        return None
    if _CRC.unpack_from(data, at + 2)[0] != crc32c(rest):
        return None
    segment, offset, count = _GROUP.unpack(rest)
    return int(count) if (segment, offset) == position else None


def is_group(data: bytes, at: int, position: Position) -> bool:
    """Say whether a whole mark of a group stands at `at` and names `position` as its own."""
    return group_count(data, at, position) is not None


def decode_block(data: bytes, gateway: str, base: Position, limit: int) -> tuple[list[Record], int]:
    """Read entries from a block of a segment until it ends, is damaged, or `limit` entries are read.

    Parameters
    ----------
    data : bytes
        Content of the segment from `base` on.

    Returns
    -------
    records : list of Record
    used : int
        How far the block could be read; less than its length at a part or a damage. [bytes]
    """
    records: list[Record] = []
    at = 0
    while len(records) < limit:
        entry = decode_entry(data, at)
        if entry is not None:
            end, micros, status, peer, raw = entry
            position = Position(base.segment, base.offset + at)
            received = EPOCH + timedelta(microseconds=micros)
            records.append(Record(gateway, position, received, peer.decode("utf-8", "replace"), STATUSES[status], raw))
            at = end
        elif is_group(data, at, Position(base.segment, base.offset + at)):
            at += GROUP_LENGTH
        else:
            break
    return records, at


def whole_length(data: bytes, segment: int) -> int:
    """Return how much of a segment, header included, can be read. [bytes]"""
    at = HEADER_LENGTH
    while at < len(data):
        entry = decode_entry(data, at)
        if entry is not None:
            at = entry[0]
        elif is_group(data, at, Position(segment, at)):
            at += GROUP_LENGTH
        else:
            break
    return at


def proof_of_corruption(data: bytes, damage: int, segment: int) -> int | None:
    """Return the offset of a group behind a damage, which proves that the damaged part had been durable."""
    found = next_group(data[damage:], Position(segment, damage))
    return None if found is None else damage + found


def next_group(data: bytes, base: Position) -> int | None:
    """Return where in `data`, which begins at `base`, the first whole group mark stands that names its own place."""
    at = data.find(_GROUP_MARK)
    while at >= 0:
        if is_group(data, at, Position(base.segment, base.offset + at)):
            return at
        at = data.find(_GROUP_MARK, at + 1)
    return None


def entry_offsets(start: Position, entries: Sequence[bytes]) -> list[Position]:
    """Return where the entries of a group that begins at `start` stand."""
    at = start.offset + GROUP_LENGTH
    found = []
    for entry in entries:
        found.append(Position(start.segment, at))
        at += len(entry)
    return found


def damaged(path: object, offset: int, what: str) -> JournalError:
    """Return the error that names segment and offset."""
    return JournalError(
        f"journal segment {path} is damaged at byte {offset}: {what}; nothing was changed: "
        "restore this segment from a backup, then run bihuan rebuild"
    )
