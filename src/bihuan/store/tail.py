"""The journal's reader: follows every gateway from any process, never ahead of what is durable."""

from __future__ import annotations

import errno
import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bihuan.core import JournalError
from bihuan.store.files import REAL_FILES, Files, Handle
from bihuan.store.journal import durable_end, segment_name, segment_numbers
from bihuan.store.salvage import Damage, damages, readable
from bihuan.store.sealed import Sealed
from bihuan.store.segments import (
    ENTRY_LENGTH,
    HEADER_LENGTH,
    RAW_LIMIT,
    START,
    Position,
    Record,
    damaged,
    decode_block,
    decode_header,
    parse_frame_id,
)

log = logging.getLogger("bihuan.journal")

BLOCK = 1 << 20
"""Read at once. [bytes]"""

_OPEN_SEGMENTS = 8


@dataclass(frozen=True, slots=True)
class Loss:
    """What could not be read: bytes of a segment, why, and how many frames that is at least (0: cannot be said)."""

    gateway: str
    segment: int
    start: int
    end: int
    problem: str
    frames: int = 0


class _Source(Protocol):
    def size(self) -> int: ...

    def read(self, offset: int, size: int) -> bytes: ...

    def close(self) -> None: ...


class JournalReader:
    """Reads the journals of all gateways of a store.

    Parameters
    ----------
    folder : Path
        The journal of the store.
    files : Files
    salvage : bool
        Whether to read on behind a damage, leaving out exactly what is damaged; that stands in `lost`. Without it the
        first damage ends the reading with an error.

    Attributes
    ----------
    lost : list of Loss
    """

    def __init__(self, folder: Path, files: Files = REAL_FILES, salvage: bool = False) -> None:
        self.folder = folder
        self.lost: list[Loss] = []
        self._salvage = salvage
        self._files = files
        self._sources: OrderedDict[tuple[str, int], _Source] = OrderedDict()
        self._closed_ends: dict[tuple[str, int], int] = {}
        self._looked: dict[tuple[str, int], tuple[int, list[Damage]]] = {}

    def gateways(self) -> list[str]:
        """Return the gateways that have written, sorted."""
        return [name for name in self._files.names(self.folder) if segment_numbers(self._files, self.folder / name)]

    def end(self, gateway: str) -> Position:
        """Return up to where a gateway's journal is durable."""
        return durable_end(self._files, self.folder / gateway)

    def read(self, frame: str) -> Record:
        """Return one frame by its id.

        Raises
        ------
        InputError
            If the text is no frame id.
        JournalError
            If no whole frame begins there.
        """
        gateway, position = parse_frame_id(frame)
        source = self._source(gateway, position.segment)
        for size in (1 << 14, ENTRY_LENGTH + 255 + RAW_LIMIT):
            records, _ = decode_block(source.read(position.offset, size), gateway, position, limit=1)
            if records and records[0].position == position:
                return records[0]
        raise damaged(segment_name(position.segment), position.offset, f"frame {frame} does not begin there")

    def tail(self, gateway: str, after: Position = START, limit: int = 10_000) -> tuple[list[Record], Position]:
        """Return the frames behind a position and the position to go on from.

        Parameters
        ----------
        after : Position
            Where the last call ended, as stored with what was made of its frames.
        limit : int
            Most frames returned; an empty list means that nothing more is durable now.

        Raises
        ------
        JournalError
            If a segment that should be there is missing or damaged; names segment and byte.
        """
        durable = self.end(gateway)
        found: list[Record] = []
        at = self._first(gateway, after)
        while len(found) < limit and at < durable:
            try:
                end = durable.offset if at.segment == durable.segment else self._closed_end(gateway, at.segment)
            except JournalError as problem:
                if not self._salvage:
                    raise
                end = self._length(gateway, at.segment)
                log.warning("segment %d of %s is read as far as it goes: %s", at.segment, gateway, problem)
            if at.offset >= end:
                at = Position(at.segment + 1, HEADER_LENGTH)
                continue
            try:
                records, at = self._block(gateway, at, end, limit - len(found))
            except JournalError as problem:
                at = self._behind(gateway, at, end, problem)
                continue
            found += records
        return found, at

    def follow(self, gateway: str, after: Position = START, step: int = 10_000) -> Iterator[Record]:
        """Yield every durable frame behind a position, then end."""
        while True:
            records, after = self.tail(gateway, after, step)
            if not records:
                return
            yield from records

    def ends(self) -> Mapping[str, Position]:
        """Return up to where each gateway's journal is durable."""
        return {gateway: self.end(gateway) for gateway in self.gateways()}

    def check(self) -> dict[str, int]:
        """Read everything and return the number of frames by gateway.

        Raises
        ------
        JournalError
            At the first damage.
        """
        return {gateway: sum(1 for _ in self.follow(gateway)) for gateway in self.gateways()}

    def close(self) -> None:
        """Give every file back."""
        while self._sources:
            self._sources.popitem()[1].close()

    def _behind(self, gateway: str, at: Position, end: int, problem: JournalError) -> Position:
        """Return where to go on behind a damage, and note what is left out.

        The whole segment is looked at once, for what may be believed behind a damage hangs on what stands before it.
        """
        if not self._salvage:
            raise problem
        key = (gateway, at.segment)
        upto, found = self._looked.get(key, (0, []))
        damage = next((one for one in found if one.start == at.offset), None)
        if damage is None or (upto < end and damage.end == upto):
            found = self._look(gateway, at.segment, end)
            self._looked[key] = end, found
            damage = next((one for one in found if one.start <= at.offset < one.end), None)
        behind = end if damage is None else min(damage.end, end)
        frames = 0 if damage is None else damage.frames
        self.lost.append(Loss(gateway, at.segment, at.offset, behind, str(problem), frames))
        log.error("left out of the journal of %s: bytes %d-%d; %s", gateway, at.offset, behind, problem)
        return Position(at.segment, behind)

    def _look(self, gateway: str, segment: int, end: int) -> list[Damage]:
        try:
            return damages(readable(self._source(gateway, segment).read, end), segment)
        except JournalError:  # no segment at all
            return [Damage(HEADER_LENGTH, end, 0)]

    def _length(self, gateway: str, segment: int) -> int:
        """Return how long a segment is whose follower cannot be read; nothing where it is gone itself."""
        try:
            source = self._source(gateway, segment)
            return source.size()
        except JournalError as problem:
            self.lost.append(Loss(gateway, segment, 0, 0, str(problem)))
            return 0

    def _first(self, gateway: str, after: Position) -> Position:
        if after.segment:
            return Position(after.segment, max(after.offset, HEADER_LENGTH))
        numbers = segment_numbers(self._files, self.folder / gateway)
        return Position(numbers[0] if numbers else 1, HEADER_LENGTH)

    def _block(self, gateway: str, at: Position, end: int, limit: int) -> tuple[list[Record], Position]:
        source = self._source(gateway, at.segment)
        for size in (BLOCK, BLOCK + RAW_LIMIT):
            wanted = min(size, end - at.offset)
            data = self._got(source, at, wanted)
            if len(data) < wanted:
                raise damaged(
                    segment_name(at.segment), at.offset + len(data), f"it ends there, durable were {end} bytes"
                )
            records, used = decode_block(data, gateway, at, limit)
            if used:
                return records, Position(at.segment, at.offset + used)
            if wanted < size:
                break
        raise damaged(segment_name(at.segment), at.offset, f"an entry of gateway {gateway} does not match its checksum")

    @staticmethod
    def _got(source: _Source, at: Position, size: int) -> bytes:
        try:
            return source.read(at.offset, size)
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
            raise damaged(segment_name(at.segment), at.offset, "the disk cannot read it") from problem

    def _closed_end(self, gateway: str, segment: int) -> int:
        """Return how much of a closed segment counts: the header of the next one says so."""
        key = (gateway, segment)
        if key not in self._closed_ends:
            header = decode_header(self._source(gateway, segment + 1).read(0, HEADER_LENGTH))
            if header is None or header[:2] != (gateway, segment + 1):
                raise damaged(segment_name(segment + 1), 0, "its header cannot be read")
            self._closed_ends[key] = header[2]
        return self._closed_ends[key]

    def _source(self, gateway: str, segment: int) -> _Source:
        key = (gateway, segment)
        if key in self._sources:
            self._sources.move_to_end(key)
            return self._sources[key]
        source = self._open(self.folder / gateway / segment_name(segment))
        self._sources[key] = source
        while len(self._sources) > _OPEN_SEGMENTS:
            self._sources.popitem(last=False)[1].close()
        return source

    def _open(self, path: Path) -> _Source:
        packed = path.with_suffix(".log.zst")
        for _ in range(2):  # sealing may take the plain file away between the two looks
            for candidate in (path, packed):
                try:
                    handle: Handle = self._files.open(candidate)
                except FileNotFoundError:
                    continue
                return Sealed(handle, packed.name) if candidate is packed else handle
        raise JournalError(f"journal segment {path} is missing: restore it from a backup, then run bihuan rebuild")
