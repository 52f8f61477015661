"""The journals of all gateways as one stream by the time of receipt, and the place of a target in it on the disk.

The journal is the spool: a target owns no copy of frames, only its place. On the disk stands how far was read, and for
every device that is not answered from where on. Both are written after answers came, so a process that is killed sends
again what it had not noted yet, and never skips anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bihuan.app.gateway.forward_lanes import Lanes
from bihuan.core import FormatError, JournalError, StoreError, from_json, to_json
from bihuan.store import START, JournalReader, Position, Record, write_whole

PIECE = 500
"""Frames read from one gateway at once."""


class Stream:
    """Frames of all gateways, the earliest received first, from a place on.

    Parameters
    ----------
    reader : JournalReader
    begin : mapping of gateway to Position
        A gateway that is not named begins at its start.
    gateways : list of str, optional
        Only these; without it all that ever wrote, also those that begin later.
    """

    def __init__(self, reader: JournalReader, begin: Mapping[str, Position], gateways: list[str] | None = None) -> None:
        self._reader = reader
        self._only = gateways
        self._after = dict(begin)
        self._held: dict[str, deque[Record]] = {gateway: deque() for gateway in gateways or ()}
        self._dry: set[str] = set()
        self.meet()

    @property
    def gateways(self) -> list[str]:
        """The gateways that are read."""
        return list(self._held)

    @property
    def place(self) -> dict[str, Position]:
        """Behind the last frame that was taken, by gateway."""
        held = {gateway: records[0].position for gateway, records in self._held.items() if records}
        return self._after | held

    def look(self) -> None:
        """Ask every gateway again whether it has written more."""
        self._dry.clear()

    def take(self, until: Mapping[str, Position] | None = None) -> tuple[Record, Position] | None:
        """Return the next frame and where the one behind it stands, or None when nothing more is durable.

        Parameters
        ----------
        until : mapping of gateway to Position, optional
            Stop there.

        Raises
        ------
        JournalError
            If a segment is missing or damaged.
        """
        best: Record | None = None
        for gateway in self._held:
            records = self._filled(gateway)
            if records and (until is None or records[0].position < until.get(gateway, START)):
                first = records[0]
                if best is None or (first.received, gateway) < (best.received, best.gateway):
                    best = first
        if best is None:
            return None
        records = self._held[best.gateway]
        records.popleft()
        return best, records[0].position if records else self._after[best.gateway]

    def _filled(self, gateway: str) -> deque[Record]:
        records = self._held[gateway]
        if not records and gateway not in self._dry:
            found, self._after[gateway] = self._reader.tail(gateway, self._after.get(gateway, START), PIECE)
            records.extend(found)
            if not found:
                self._dry.add(gateway)
        return records

    def meet(self) -> None:
        """Take in gateways that began to write since."""
        if self._only is None:
            for gateway in self._reader.gateways():
                self._held.setdefault(gateway, deque())


def place_at(reader: JournalReader, since: datetime) -> dict[str, Position]:
    """Return a place in every journal before which nothing was received at or after an instant: whole segments back.

    Raises
    ------
    JournalError
        If a segment cannot be read.
    """
    return {gateway: _segment_before(reader, gateway, since) for gateway in reader.gateways()}


def _segment_before(reader: JournalReader, gateway: str, since: datetime) -> Position:
    at = reader.end(gateway)
    for number in range(at.segment, 0, -1):
        try:
            first, _ = reader.tail(gateway, Position(number, 0), 1)
        except JournalError:
            return at  # nothing older is kept
        at = Position(number, 0)
        if first and first[0].received < since:
            break
    return at


@dataclass(frozen=True, slots=True)
class Behind:
    """A device that is not answered: from where on, how many frames, since when. [s since 1970]"""

    at: dict[str, Position]
    frames: int = 0
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """How far a target has come.

    Attributes
    ----------
    read : dict of gateway to Position
        Everything before was answered, set aside, not for it, or is of a device in `behind`.
    behind : dict of str to Behind
    counts : dict of str to int
        Over restarts.
    answered : datetime or None
        When the target answered last.
    """

    read: dict[str, Position] = field(default_factory=dict)
    behind: dict[str, Behind] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    answered: datetime | None = None


class PlaceFile:
    """The place of one target, in a folder of its own.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "place.json"
        self._last = b""

    def load(self) -> Place | None:
        """Return the place as it was kept, None before there was one.

        Raises
        ------
        StoreError
            If it cannot be read: nothing is guessed, for that would skip frames or send years again.
        """
        try:
            return from_json(self._path.read_bytes(), Place)
        except FileNotFoundError:
            return None
        except (OSError, FormatError) as problem:
            raise StoreError(
                f"{self._path} cannot be read ({problem}): restore it from a backup, or remove it to begin at the "
                "target's first day again"
            ) from None

    def save(self, place: Place) -> bool:
        """Keep a place where it changed; say whether it did.

        Raises
        ------
        DiskFull, StoreError
            Then the earlier place stays in force.
        """
        body = to_json(place)
        if body == self._last:
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, body)
        self._last = body
        return True


def place_of(stream: Stream, lanes: Lanes, answered: datetime | None) -> Place:
    """Return the place of a target as it stands."""
    behind = {name: Behind(at, frames, since) for name, at, frames, since in lanes.unanswered()}
    return Place(stream.place, behind, dict(lanes.counts), answered)
