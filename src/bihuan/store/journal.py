"""The journal's writer: frames are on the disk before anyone is told that they came.

One gateway process owns one folder ``<journal>/<gateway>/``: ``00000001.log.zst`` sealed segments, ``00000007.log``
the one being written, ``durable`` how far everything is synced (for readers in other processes), ``lock``.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from pathlib import Path

from google_crc32c import value as crc32c

from bihuan.core import JournalError, StoreError
from bihuan.store.files import REAL_FILES, Files, Handle, room_on_disk, write_whole
from bihuan.store.salvage import damages, readable
from bihuan.store.sealed import Sealed, seal
from bihuan.store.segments import (
    HEADER_LENGTH,
    Position,
    checked_gateway,
    damaged,
    decode_header,
    encode_group,
    encode_header,
    entry_offsets,
    frame_id,
    proof_of_corruption,
    whole_length,
)

SEGMENT_BYTES = 64 << 20
"""A segment that has grown to this is closed and may be sealed. [bytes]"""

_DURABLE = struct.Struct("<IQ")
_CRC = struct.Struct("<I")


class Journal:
    """Append-only segments of one gateway, synced group by group.

    Parameters
    ----------
    folder : Path
        The journal of the store; the gateway gets its own folder in it.
    gateway : str
        Lower letters and digits.
    files : Files
    segment_bytes : int

    Attributes
    ----------
    cut : int
        How many bytes of a torn tail were cut off on opening; none of them had been acknowledged. [bytes]
    problem : str
        What was found damaged on opening although it had been durable, empty when nothing was. The damaged segment
        is left as it is and the journal goes on in a new one: devices are still answered, and readers name the loss.

    Raises
    ------
    StoreLocked
        If another process writes this gateway's journal.
    """

    def __init__(
        self, folder: Path, gateway: str, files: Files = REAL_FILES, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self.gateway = checked_gateway(gateway)
        self.folder = folder / gateway
        self.cut = 0
        self.problem = ""
        self._files, self._segment_bytes = files, segment_bytes
        self._mutex = threading.Lock()
        files.make_folder(self.folder)
        self._lock = files.lock(self.folder / "lock", f"the journal of gateway {gateway}")
        try:
            self._durable = files.open(self.folder / "durable", write=True)
            self._handle: Handle | None = None
            self._end = Position(0, HEADER_LENGTH)
            self._recover()
            self._publish()
        except BaseException:
            self._lock.release()
            raise

    @property
    def end(self) -> Position:
        """Up to here everything is durable."""
        return self._end

    def append(self, entries: Sequence[bytes]) -> list[str]:
        """Write entries made by `encode_entry` and return their frame ids once all of them are durable.

        Notes
        -----
        One sync for the whole group. Call it from a worker thread: it blocks for as long as the disk does.

        Raises
        ------
        DiskFull, StoreError
            Nothing of the group was kept; nothing of it may be acknowledged.
        """
        if not entries:
            return []
        with self._mutex:
            handle = self._handle or self._begin()
            start = self._end
            try:
                with room_on_disk(self._path(start.segment)):
                    handle.append(encode_group(start, len(entries)) + b"".join(entries))
                    handle.sync()
            except StoreError:
                self._abandon(handle)
                raise
            offsets = entry_offsets(start, entries)
            self._end = Position(start.segment, offsets[-1].offset + len(entries[-1]))
            self._publish()
            if self._end.offset >= self._segment_bytes:
                handle.close()
                self._handle = None
        return [frame_id(self.gateway, position) for position in offsets]

    def seal(self) -> list[Path]:
        """Pack every closed segment, check the packed copy, then drop the plain one; return the new files."""
        current = self._end.segment if self._handle else self._end.segment + 1
        sealed = []
        for name in self._files.names(self.folder):
            if name.endswith(".log") and int(name[:8]) < current:
                sealed.append(self._seal(self.folder / name))
        return sealed

    def close(self) -> None:
        """Give everything back; what was appended is durable already."""
        with self._mutex:
            if self._handle:
                self._handle.close()
                self._handle = None
            self._durable.close()
            self._lock.release()

    def _path(self, segment: int) -> Path:
        return self.folder / segment_name(segment)

    def _recover(self) -> None:
        """Find the end of what is durable.

        What this file says itself is the first proof of it. The note that readers follow is the second: it is never
        newer than the journal, so bytes that it knows and that cannot be read any more were damaged, not torn.
        """
        noted = durable_end(self._files, self.folder)
        numbers = segment_numbers(self._files, self.folder)
        while numbers:
            path = self._path(numbers[-1])
            if not self._files.exists(path):  # sealed: closed and whole, so the next group begins a new segment
                self._end = Position(numbers[-1], self._sealed_end(path.with_suffix(".log.zst"), noted))
                break
            if self._reopen(path, numbers[-1], noted):
                break
            numbers.pop()
        if noted.segment > self._end.segment:  # never a number again that frames are known by
            self._close_damaged(self._path(noted.segment), noted, "it is gone although it held durable frames")

    def _sealed_end(self, packed: Path, noted: Position) -> int:
        try:
            return sealed_size(self._files, packed)
        except JournalError as problem:
            self.problem = str(problem)
            return max(HEADER_LENGTH, noted.offset if noted.segment == int(packed.name[:8]) else 0)

    def _reopen(self, path: Path, segment: int, noted: Position) -> bool:
        """Open the last segment behind its last whole entry; False if it never came to hold anything."""
        with room_on_disk(path):
            handle = self._files.open(path, write=True)
            data = readable(handle.read, handle.size())
        known = noted.offset if noted.segment == segment else 0  # so far it had been durable
        headless = decode_header(data) is None
        if headless and not known and proof_of_corruption(data, 0, segment) is None:
            handle.close()
            self._files.remove(path)
            self.cut += len(data)
            return False
        end = whole_length(data, segment)
        if headless or end < known or (end < len(data) and proof_of_corruption(data, end, segment) is not None):
            handle.close()
            left = damages(data, segment)
            torn = bool(left) and left[-1].end == len(data) and left[-1].start >= known
            last = max(known, left[-1].start if torn else len(data), HEADER_LENGTH)
            what = "its header cannot be read" if headless else "an entry that had been durable cannot be read"
            self._close_damaged(path, Position(segment, last), what, 0 if headless else end)
            return True
        if end < len(data):
            handle.truncate(end)
            self.cut += len(data) - end
        handle.sync()
        self._end = Position(segment, end)
        self._handle = handle
        return True

    def _close_damaged(self, path: Path, end: Position, what: str, at: int = 0) -> None:
        """Leave a damaged segment as it is and go on behind it."""
        self.problem = str(damaged(path, at, what))
        self._handle = None
        self._end = end

    def _begin(self) -> Handle:
        segment, previous = self._end.segment + 1, self._end.offset
        path = self._path(segment)
        with room_on_disk(path):
            handle = self._files.open(path, write=True)
            try:
                handle.truncate(0)
                handle.append(encode_header(self.gateway, segment, previous))
                self._files.sync_folder(self.folder)  # the header itself is synced with the first group
            except OSError:
                handle.close()
                raise
        self._end = Position(segment, HEADER_LENGTH)
        self._handle = handle
        return handle

    def _abandon(self, handle: Handle) -> None:
        """Cut off what could not be made durable; where even that fails, go on in a new segment.

        After a failed sync the system may have dropped the pages silently, so nothing of the group counts.
        """
        try:
            handle.truncate(self._end.offset)
            handle.sync()
        except OSError:
            handle.close()
            self._handle = None

    def _publish(self) -> None:
        self._durable.overwrite(_encode_end(self._end))

    def _seal(self, path: Path) -> Path:
        packed, fresh = path.with_suffix(".log.zst"), path.with_suffix(".log.new")
        with room_on_disk(path):
            handle = self._files.open(path)
            data = handle.read(0, handle.size())
            handle.close()
            target = self._files.open(fresh, write=True)
            target.truncate(0)
            target.append(seal(data))
            target.sync()
            again = Sealed(target, packed.name)
            if again.read(0, len(data)) != data:
                raise JournalError(f"{path} did not come back whole from its packed copy: the plain one is kept")
            again.close()
            self._files.rename(fresh, packed)
            self._files.sync_folder(self.folder)  # the packed copy is safe before the plain one goes
            self._files.remove(path)
        return packed


def segment_name(segment: int) -> str:
    """Return the file name of a plain segment."""
    return f"{segment:08d}.log"


def segment_numbers(files: Files, folder: Path) -> list[int]:
    """Return the numbers of all segments in a gateway's folder, ascending."""
    return sorted({int(name[:8]) for name in files.names(folder) if name.endswith((".log", ".log.zst"))})


def sealed_size(files: Files, path: Path) -> int:
    """Return how long a sealed segment was before it was packed. [bytes]"""
    sealed = Sealed(files.open(path), path.name)
    try:
        return sealed.size()
    finally:
        sealed.close()


def _encode_end(end: Position) -> bytes:
    front = _DURABLE.pack(*end)
    return front + _CRC.pack(crc32c(front))


def write_durable_end(files: Files, path: Path, end: Position) -> None:
    """Write the file that tells readers how far a journal is durable, for a copy that has no owner."""
    write_whole(path, _encode_end(end), files)


def durable_end(files: Files, folder: Path) -> Position:
    """Return up to where a gateway's journal is durable, as its owner published it.

    Notes
    -----
    After a power cut the file may be older than the journal, never newer: opening a `Journal` puts it right.
    """
    path = folder / "durable"
    if not files.exists(path):
        return Position(0, 0)
    handle = files.open(path)
    try:
        for _ in range(100):
            data = handle.read(0, _DURABLE.size + _CRC.size)
            front = data[: _DURABLE.size]
            if len(data) == _DURABLE.size + _CRC.size and _CRC.unpack_from(data, _DURABLE.size)[0] == crc32c(front):
                return Position(*_DURABLE.unpack(front))
    finally:
        handle.close()
    return Position(0, 0)
