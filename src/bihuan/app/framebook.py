"""Raw frames of one logger by time: found through the indexes of sealed segments, without reading the others."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bihuan.app.heads import head_of
from bihuan.core import JournalError, StoreError
from bihuan.store import (
    REAL_FILES,
    START,
    FrameIndex,
    JournalReader,
    Loss,
    Position,
    Record,
    index_path,
    make_index,
    read_index,
    read_sealed,
    segment_name,
    segment_numbers,
    write_index,
)

log = logging.getLogger("bihuan.framebook")

INDEXES = 64
"""Indexes held in memory; one of 5,000 loggers takes about 2 MB."""


@dataclass(frozen=True, slots=True)
class Found:
    """Frames of one logger within a time.

    Attributes
    ----------
    places : list of (datetime, gateway, Position)
        When they came, to the second, and where they begin.
    lost : list of Loss
        Segments of that time, or of any time where it cannot be told, that could not be read.
    """

    places: list[tuple[datetime, str, Position]]
    lost: list[Loss]


class FrameBook:
    """The frames of all loggers.

    Parameters
    ----------
    journal : Path
        Folder of the journal. Indexes are written beside the sealed segments that have none yet.

    Attributes
    ----------
    mutex : RLock
        Held by whoever looks.
    """

    def __init__(self, journal: Path) -> None:
        self.mutex = threading.RLock()
        self._folder = journal
        self._reader = JournalReader(journal, salvage=True)
        self._indexes: OrderedDict[tuple[str, int], FrameIndex] = OrderedDict()
        self._spans: dict[tuple[str, int], tuple[datetime, datetime]] = {}
        self._open: dict[str, tuple[Position, list[tuple[str, datetime, Position]]]] = {}

    def find(self, mn: str, start: datetime, end: datetime) -> Found:
        """Return where frames of a logger lie that came within a time."""
        found, lost = [], []
        for gateway in self._reader.gateways():
            for segment in segment_numbers(REAL_FILES, self._folder / gateway):
                if not REAL_FILES.exists(self._packed(gateway, segment)):
                    continue
                try:
                    index = self._index(gateway, segment, start, end)
                except (JournalError, StoreError) as problem:
                    lost.append(Loss(gateway, segment, 0, 0, str(problem)))
                    continue
                if index is not None:
                    found += [(at, gateway, place) for at, place in index.found(mn, start, end)]
            found += [
                (at, gateway, place) for name, at, place in self._growing(gateway) if name == mn and start <= at < end
            ]
        return Found(sorted(found), lost)

    def read(self, places: list[tuple[datetime, str, Position]]) -> list[Record]:
        """Return the frames that lie there, in that order."""
        return [self._reader.read(f"{gateway}-{place.segment}/{place.offset}") for _, gateway, place in places]

    def index_all(self) -> int:
        """Write the indexes that are missing, and return how many."""
        made = 0
        for gateway in self._reader.gateways():
            for segment in segment_numbers(REAL_FILES, self._folder / gateway):
                packed = self._packed(gateway, segment)
                if REAL_FILES.exists(packed) and not REAL_FILES.exists(index_path(packed)):
                    try:
                        self._make(gateway, segment)
                        made += 1
                    except (JournalError, StoreError) as problem:
                        log.warning("segment %d of %s has no index: %s", segment, gateway, problem)
        return made

    def close(self) -> None:
        """Give the files back."""
        self._reader.close()

    def _packed(self, gateway: str, segment: int) -> Path:
        return self._folder / gateway / f"{segment_name(segment)}.zst"

    def _index(self, gateway: str, segment: int, start: datetime, end: datetime) -> FrameIndex | None:
        """The index of a sealed segment, None where it holds nothing of that time."""
        key = (gateway, segment)
        span = self._spans.get(key)
        if span is not None and not (span[0] < end and start <= span[1]):
            return None
        index = self._indexes.get(key)
        if index is None:
            index = read_index(REAL_FILES, index_path(self._packed(gateway, segment))) or self._make(gateway, segment)
            self._spans[key] = (index.first, index.last)
            self._indexes[key] = index
            while len(self._indexes) > INDEXES:
                self._indexes.popitem(last=False)
        self._indexes.move_to_end(key)
        return index if index.covers(start, end) else None

    def _make(self, gateway: str, segment: int) -> FrameIndex:
        packed = self._packed(gateway, segment)
        data, digest = read_sealed(REAL_FILES, packed)
        index = make_index(data, gateway, segment, digest, _name)
        write_index(REAL_FILES, index_path(packed), index)
        return index

    def _growing(self, gateway: str) -> list[tuple[str, datetime, Position]]:
        """Frames of segments that are not sealed yet, held in memory and read on from where the last look ended."""
        numbers = segment_numbers(REAL_FILES, self._folder / gateway)
        plain = [n for n in numbers if not REAL_FILES.exists(self._packed(gateway, n))]
        if not plain:
            return []
        at, held = self._open.get(gateway, (START, []))
        if at.segment < plain[0]:
            at, held = Position(plain[0], 0), []
        held = [row for row in held if row[2].segment >= plain[0]]
        while True:
            records, at = self._reader.tail(gateway, at)
            if not records:
                break
            held += [(_name(record), record.received, record.position) for record in records]
        self._open[gateway] = (at, held)
        return held


def _name(record: Record) -> str:
    return head_of(record).mn
