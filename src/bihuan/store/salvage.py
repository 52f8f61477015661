"""What of a damaged segment can still be believed, and exactly what cannot.

Three things are believed: an entry whose checksum holds and which stands where the one before it ended; a group mark
that names its own place; and, inside a group, the place to which a damaged entry's own length leads when something
whole begins there. Where a length is destroyed as well, the entries behind it are believed only when they lead,
unbroken, exactly to the next group and their number says that one entry is missing: what merely looks like an entry
may be the content of one, which a device has chosen.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

from bihuan.core import JournalError
from bihuan.store.sealed import PIECE
from bihuan.store.segments import (
    GROUP_LENGTH,
    HEADER_LENGTH,
    Position,
    claimed_end,
    decode_entry,
    entry_mark_from,
    group_count,
    next_group,
)

MARKS_TRIED = 4096
"""Places that look like the begin of an entry and are tried behind one damage: content may be full of them."""

SECTOR = 4096
"""What a disk loses at once. [bytes]"""


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a segment that cannot be believed.

    Attributes
    ----------
    start, end : int
        [bytes]
    frames : int
        How many entries are lost, at least; 0 where only a mark between them was hit.
    """

    start: int
    end: int
    frames: int


def damages(data: bytes, segment: int) -> list[Damage]:
    """Return every damage of a segment, in order.

    Parameters
    ----------
    data : bytes
        The segment from its first byte to where it is durable; what cannot be read stands as zeros.
    segment : int
        Its number.
    """
    found: list[Damage] = []
    at = HEADER_LENGTH
    known: int | None = 0  # entries of the group still to come; None where its mark was lost
    while at < len(data):
        entry = decode_entry(data, at)
        if entry is not None:
            at = entry[0]
            known = None if known is None else max(0, known - 1)
            continue
        count = group_count(data, at, Position(segment, at))
        if count is not None:
            at, known = at + GROUP_LENGTH, count
            continue
        damage, known = _behind(data, at, segment, known)
        found.append(damage)
        at = damage.end
    return found


def _behind(data: bytes, at: int, segment: int, left: int | None) -> tuple[Damage, int | None]:
    """Return the damage that begins at a place, and how many entries of its group follow it."""
    if left == 0:  # a group begins here, and its mark is what was hit
        first = at + GROUP_LENGTH
        if decode_entry(data, first) is not None:
            return Damage(at, first, 0), None
    else:
        end = claimed_end(data, at)
        if end is not None and _leads_on(data, end, segment):
            return Damage(at, end, 1), None if left is None else left - 1
    edge = next_group(data[at:], Position(segment, at))
    end = len(data) if edge is None else at + edge
    if left is not None and left > 1:
        place = _chain(data, at, end, left - 1)
        if place is not None:
            return Damage(at, place, 1), left - 1
    return Damage(at, end, max(left or 0, 1)), 0


def _leads_on(data: bytes, at: int, segment: int) -> bool:
    """Say whether something whole begins at a place, or behind further damaged entries by their own lengths."""
    place: int | None = at
    while place is not None:
        if place == len(data) or group_count(data, place, Position(segment, place)) is not None:
            return True
        if decode_entry(data, place) is not None:
            return True
        place = claimed_end(data, place)
    return False


def _chain(data: bytes, at: int, end: int, wanted: int) -> int | None:
    """Return from where so many entries lead exactly to an end."""
    for _ in range(MARKS_TRIED):
        found = entry_mark_from(data, at + 1, end)
        if found is None:
            return None
        at, place, count = found, found, 0
        while place < end and count <= wanted and (entry := decode_entry(data, place)) is not None:
            place, count = entry[0], count + 1
        if (place, count) == (end, wanted):
            return at
    return None


def readable(read: Callable[[int, int], bytes], length: int) -> bytes:
    """Return a segment as far as the disk gives it, with zeros for what it does not. [bytes]

    Parameters
    ----------
    read : callable
        ``read(offset, size)`` of the segment.
    length : int
        Up to where. [bytes]
    """
    pieces = []
    for start in range(0, length, PIECE):
        size = min(PIECE, length - start)
        try:
            piece = read(start, size)
        except JournalError:  # a packed piece: all of it or nothing
            piece = b""
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
            piece = _by_sectors(read, start, size)
        pieces.append(piece.ljust(size, b"\0"))
    return b"".join(pieces)


def _by_sectors(read: Callable[[int, int], bytes], start: int, size: int) -> bytes:
    found = []
    for at in range(start, start + size, SECTOR):
        length = min(SECTOR, start + size - at)
        try:
            found.append(read(at, length).ljust(length, b"\0"))
        except OSError:
            found.append(bytes(length))
    return b"".join(found)
