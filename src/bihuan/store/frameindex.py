"""An index beside each sealed segment: which device's frames stand where, so that one day of one is read alone.

Beside ``00000001.log.zst`` lies ``00000001.idx``: a header with the times between which the segment was received and
the digest of the sealed file, then the devices sorted by name with where their rows begin, then the rows: offset and
seconds since the first frame. It is made when a segment is sealed, or when somebody first asks, and may be thrown away
at any time: everything in it can be read from the segment again.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from google_crc32c import value as crc32c

from bihuan.core import JournalError
from bihuan.store.files import Files, write_whole
from bihuan.store.sealed import Sealed
from bihuan.store.segments import EPOCH, HEADER_LENGTH, Position, Record, decode_block, decode_header

MAGIC = b"BIHUANX1"

Name = Callable[[Record], str]
"""Which device sent a frame; empty when it names none. Given by the room that knows the protocol."""

_BLOCK = 4 << 20


class Head(msgspec.Struct, array_like=True):
    """What an index says of its segment.

    Attributes
    ----------
    gateway : str
    segment, size, frames : int
        Size before it was packed. [bytes]
    first, last : int
        Earliest and latest receipt; a clock that is set back makes them no order. [us since 1970]
    digest : str
        SHA-256 of the sealed file.
    names : list of str
        Devices, sorted.
    begins : list of int
        Of each device the number of its first row, and behind the last one the number of all rows.
    """

    gateway: str
    segment: int
    size: int
    frames: int
    first: int
    last: int
    digest: str
    names: list[str]
    begins: list[int]


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """The index of one segment.

    Attributes
    ----------
    head : Head
    offsets, seconds : array of int
        A row a frame: where it begins [bytes], and when it came after the first [s].
    """

    head: Head
    offsets: array[int]
    seconds: array[int]

    @property
    def first(self) -> datetime:
        """Earliest receipt."""
        return EPOCH + timedelta(microseconds=self.head.first)

    @property
    def last(self) -> datetime:
        """Latest receipt."""
        return EPOCH + timedelta(microseconds=self.head.last)

    def found(self, name: str, start: datetime, end: datetime) -> list[tuple[datetime, Position]]:
        """Return when frames of a device came, to the second, and where they begin, of those within a time."""
        at = bisect_left(self.head.names, name)
        if at == len(self.head.names) or self.head.names[at] != name:
            return []
        first = self.first
        low, high = (start - first).total_seconds() - 1, (end - first).total_seconds()
        rows = range(self.head.begins[at], self.head.begins[at + 1])
        return [
            (first + timedelta(seconds=self.seconds[row]), Position(self.head.segment, self.offsets[row]))
            for row in rows
            if low < self.seconds[row] < high
        ]

    def covers(self, start: datetime, end: datetime) -> bool:
        """Say whether any frame of the segment came within a time."""
        return bool(self.head.frames) and self.first < end and start <= self.last


def index_path(segment: Path) -> Path:
    """Return where the index of a segment lies, plain or packed."""
    return segment.with_name(f"{segment.name[:8]}.idx")


def make_index(data: bytes, gateway: str, segment: int, digest: str, name: Name) -> FrameIndex:
    """Index the content of a segment.

    Raises
    ------
    JournalError
        If it is damaged; names the byte.
    """
    times: list[int] = []
    found: dict[str, list[int]] = {}
    offsets: list[int] = []
    for record in records_of(data, gateway, segment):
        found.setdefault(name(record), []).append(len(offsets))
        offsets.append(record.position.offset)
        times.append((record.received - EPOCH) // timedelta(microseconds=1))
    first, last = (min(times), max(times)) if times else (0, 0)
    names = sorted(found)
    begins, places, seconds = [0], array("I"), array("I")
    for one in names:
        places.extend(offsets[row] for row in found[one])
        seconds.extend((times[row] - first) // 1_000_000 for row in found[one])
        begins.append(len(places))
    head = Head(gateway, segment, len(data), len(offsets), first, last, digest, names, begins)
    return FrameIndex(head, places, seconds)


def records_of(data: bytes, gateway: str, segment: int) -> Iterator[Record]:
    """Yield every frame of a whole segment.

    Raises
    ------
    JournalError
        If it is damaged; names the byte.
    """
    at = HEADER_LENGTH
    while at < len(data):
        block = data[at : at + _BLOCK]
        records, used = decode_block(block, gateway, Position(segment, at), limit=len(data))
        if not used:
            raise JournalError(f"segment {segment} of gateway {gateway} is damaged at byte {at}")
        yield from records
        at += used


def write_index(files: Files, path: Path, index: FrameIndex) -> None:
    """Put an index beside its segment."""
    head = msgspec.msgpack.encode(index.head)
    body = len(head).to_bytes(4, "little") + head + index.offsets.tobytes() + index.seconds.tobytes()
    write_whole(path, MAGIC + crc32c(body).to_bytes(4, "little") + body, files)


def read_index(files: Files, path: Path) -> FrameIndex | None:
    """Return the index that lies there; None where there is none or it is torn: it is then made anew."""
    try:
        handle = files.open(path)
    except FileNotFoundError:
        return None
    try:
        data = handle.read(0, handle.size())
    finally:
        handle.close()
    if data[:8] != MAGIC or len(data) < 16 or crc32c(data[12:]) != int.from_bytes(data[8:12], "little"):
        return None
    length = int.from_bytes(data[12:16], "little")
    head = msgspec.msgpack.decode(data[16 : 16 + length], type=Head)
    offsets, seconds = array("I"), array("I")
    middle = 16 + length + 4 * head.frames
    offsets.frombytes(data[16 + length : middle])
    seconds.frombytes(data[middle:])
    return FrameIndex(head, offsets, seconds)


def read_sealed(files: Files, path: Path) -> tuple[bytes, str]:
    """Return the whole content of a sealed segment and the digest of its file.

    Raises
    ------
    JournalError
        If a piece of it does not hold what its checksum promises.
    """
    handle = files.open(path)
    packed = handle.read(0, handle.size())
    sealed = Sealed(handle, path.name)
    try:
        data = sealed.read(0, sealed.size())
    finally:
        sealed.close()
    header = decode_header(data)
    if header is None or header[1] != int(path.name[:8]):
        raise JournalError(f"sealed segment {path} does not begin with its own header: restore it from a backup")
    return data, digest_of(packed)


def digest_of(packed: bytes) -> str:
    """Return the digest of a sealed file."""
    return "sha256:" + hashlib.sha256(packed).hexdigest()
