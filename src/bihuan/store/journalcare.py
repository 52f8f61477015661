"""Care of the journal: every segment checked against its seal, and old ones let go, never below the legal floor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bihuan.core import JournalError
from bihuan.store.files import REAL_FILES, Files
from bihuan.store.frameindex import index_path, read_sealed, records_of
from bihuan.store.journal import segment_name, segment_numbers
from bihuan.store.sealed import Sealed
from bihuan.store.segments import EPOCH, HEADER_LENGTH, START, Position, decode_header
from bihuan.store.tail import JournalReader, Loss


@dataclass(frozen=True, slots=True)
class SegmentState:
    """What a check found of one segment.

    Attributes
    ----------
    gateway : str
    segment : int
    sealed : bool
    frames : int
        That could be read.
    digest : str
        Of the seal; empty where it has none.
    losses : tuple of Loss
    """

    gateway: str
    segment: int
    sealed: bool
    frames: int
    digest: str
    losses: tuple[Loss, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything in it could be read."""
        return not self.losses


@dataclass(frozen=True, slots=True)
class Pruned:
    """A segment that may go or went: its times and size. [bytes]"""

    gateway: str
    segment: int
    last: datetime
    size: int


def check_journal(folder: Path, files: Files = REAL_FILES) -> list[SegmentState]:
    """Read every segment of every gateway to its end, behind damages too, and compare it with its seal."""
    reader = JournalReader(folder, files, salvage=True)
    try:
        return [
            _check(reader, files, folder, gateway, segment)
            for gateway in reader.gateways()
            for segment in _segments(files, folder / gateway, reader.end(gateway))
        ]
    finally:
        reader.close()


def _segments(files: Files, folder: Path, end: Position) -> list[int]:
    """Segments that there are or should be, up to where the journal is durable."""
    numbers = segment_numbers(files, folder)
    return list(range(numbers[0], max(numbers[-1], min(end.segment, numbers[-1])) + 1)) if numbers else []


def _check(reader: JournalReader, files: Files, folder: Path, gateway: str, segment: int) -> SegmentState:
    path = folder / gateway / segment_name(segment)
    packed = path.with_suffix(".log.zst")
    sealed = not files.exists(path)
    before, frames, digest = len(reader.lost), 0, ""
    losses: list[Loss] = []
    if sealed and not files.exists(packed):
        return SegmentState(gateway, segment, False, 0, "", (Loss(gateway, segment, 0, 0, f"{path} is missing"),))
    at = Position(segment, HEADER_LENGTH)
    while at.segment == segment:
        try:
            records, at = reader.tail(gateway, at)
        except JournalError as problem:
            losses.append(Loss(gateway, segment, at.offset, at.offset, str(problem)))
            break
        frames += sum(record.position.segment == segment for record in records)
        if not records or records[-1].position.segment != segment:
            break
    losses += [loss for loss in reader.lost[before:] if loss.segment == segment]
    if sealed:
        digest, wrong = _digest(files, packed)
        losses += [Loss(gateway, segment, 0, 0, wrong)] if wrong and not losses else []
    return SegmentState(gateway, segment, sealed, frames, digest, tuple(losses))


def _digest(files: Files, packed: Path) -> tuple[str, str]:
    """Return the digest of the seal, and what is wrong with it."""
    handle = files.open(packed)
    try:
        sealed = Sealed(handle, packed.name)
        digest = sealed.digest
        header = decode_header(sealed.read(0, HEADER_LENGTH))
        if header is None or header[1] != int(packed.name[:8]):
            return digest, f"{packed.name} does not begin with its own header"
        found, at = hashlib.sha256(), 0
        while data := sealed.read(at, 1 << 20):
            found.update(data)
            at += len(data)
        if digest and digest != "sha256:" + found.hexdigest():
            return digest, f"{packed.name} does not have the digest of its seal: restore it from a backup"
        return digest, ""
    except JournalError as problem:
        return "", str(problem)
    finally:
        handle.close()


def prunable(
    folder: Path, consumed: Mapping[str, Position], before: datetime, files: Files = REAL_FILES
) -> list[Pruned]:
    """Return the segments that may go: sealed, read into the series, and with no frame received at or after `before`.

    From the oldest on, up to the first that has to stay: what is left has no holes. A segment that cannot be read
    stays, for nobody can say how old it is.
    """
    reader = JournalReader(folder, files)
    found = []
    try:
        for gateway in reader.gateways():
            for segment in segment_numbers(files, folder / gateway):
                path = folder / gateway / segment_name(segment)
                packed = path.with_suffix(".log.zst")
                if files.exists(path) or segment >= consumed.get(gateway, START).segment:
                    break
                last = _last(files, packed, gateway, segment)
                if last is None or last >= before:
                    break
                handle = files.open(packed)
                found.append(Pruned(gateway, segment, last, handle.size()))
                handle.close()
    finally:
        reader.close()
    return found


def _last(files: Files, packed: Path, gateway: str, segment: int) -> datetime | None:
    """Return when the last frame of a sealed segment came; None where it cannot be read."""
    try:
        data, _ = read_sealed(files, packed)
        return max((record.received for record in records_of(data, gateway, segment)), default=EPOCH)
    except JournalError:
        return None


def prune(folder: Path, old: list[Pruned], files: Files = REAL_FILES) -> int:
    """Remove segments with their indexes, the oldest first, and return how many bytes that freed. [bytes]"""
    freed = 0
    for one in old:
        path = folder / one.gateway / f"{segment_name(one.segment)}.zst"
        files.remove(path)
        index = index_path(path)
        if files.exists(index):
            files.remove(index)
        files.sync_folder(path.parent)
        freed += one.size
    return freed


def days_kept(years: int) -> timedelta:
    """Return years as days, leap years counted in. [d]"""
    return timedelta(days=-(-years * 1461 // 4))
