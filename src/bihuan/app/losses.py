"""What of the journal was left out because it is damaged: counted, named, kept until it is mended.

The loop goes on behind a damage (`bihuan.store.salvage`), so nobody would miss what stood there. Each damaged segment
gets a row of the ledger when it is met, and stays in the pulse, in `bihuan doctor` and on the page of the server until
the segment was restored and a rebuild read it, or until it is too old to be kept at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from bihuan.core import Language, from_json, text, to_json
from bihuan.store import REAL_FILES, Entry, Loss, Records, Store, segment_numbers

LOST = "ingest/lost"
"""Name in `Records.state`."""

PROGRAM = "bihuan"
"""Who signs rows of the ledger that nobody asked for."""

NAMED = 100
"""So many places of one segment are named in a row of the ledger."""


class Skipped(msgspec.Struct):
    """What was left out of one segment.

    Attributes
    ----------
    gateway : str
    segment : int
    at : datetime
        When it was first met.
    problem : str
    parts : list of (start, end)
        [bytes]
    frames : int
        How many frames that are at least; 0 where it cannot be said.
    """

    gateway: str
    segment: int
    at: datetime
    problem: str
    parts: list[tuple[int, int]] = []
    frames: int = 0

    @property
    def name(self) -> str:
        """The segment, as commands name it."""
        return f"{self.gateway}/{self.segment:08d}"

    @property
    def size(self) -> int:
        """How many bytes were left out. [bytes]"""
        return sum(end - start for start, end in self.parts)

    def words(self, language: Language) -> str:
        """Return what a person reads."""
        return text("journal.skipped", language, name=self.name, frames=self.frames, bytes=self.size)


class Losses:
    """What the ingest of this process has left out.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._skipped = {(one.gateway, one.segment): one for one in skipped_of(store)}
        self._fresh: dict[str, list[Loss]] = {}
        self._now: datetime | None = None

    @property
    def frames(self) -> int:
        """How many frames were left out, at least."""
        return sum(one.frames for one in self._skipped.values())

    def note(self, now: datetime) -> None:
        """Take over what the reader of the journal has left out since; a step that is repeated meets it once more."""
        lost, self._store.journal.lost = self._store.journal.lost, []
        self._now = now
        for loss in lost:
            one = self._skipped.get((loss.gateway, loss.segment))
            if one is None or all(loss.start != start for start, _ in one.parts):
                one = added(self._skipped, loss, now)
                self._fresh.setdefault(one.name, []).append(loss)

    def keep(self) -> None:
        """Remember it, with a row of the ledger for each segment; belongs into the transaction of the step."""
        if not self._fresh or self._now is None:
            return
        keep_skipped(self._store.records, self._skipped.values())
        for name, losses in sorted(self._fresh.items()):
            body = {
                "frames": sum(loss.frames for loss in losses),
                "bytes": sum(loss.end - loss.start for loss in losses),
                "places": [[loss.start, loss.end] for loss in losses[:NAMED]],
                "problem": losses[0].problem,
            }
            self._store.ledger.add(Entry(self._now, PROGRAM, "journal.skip", f"journal:{name}", to_json(body)))
        self._fresh = {}


def added(skipped: dict[tuple[str, int], Skipped], loss: Loss, now: datetime) -> Skipped:
    """Add a loss to what was left out of its segment, and return that."""
    key = (loss.gateway, loss.segment)
    one = skipped.setdefault(key, Skipped(loss.gateway, loss.segment, now, loss.problem))
    one.parts = [*one.parts, (loss.start, loss.end)]
    one.frames += loss.frames
    return one


def skipped_of(store: Store) -> list[Skipped]:
    """Return what was left out of segments that are or should be there still, by gateway and segment."""
    body = store.records.state(LOST)
    found = from_json(body, list[Skipped]) if body else []
    gateways = store.journal.gateways()
    first = {gateway: segment_numbers(REAL_FILES, store.home.journal / gateway)[0] for gateway in gateways}
    return [one for one in found if one.segment >= first.get(one.gateway, 1)]


def keep_skipped(records: Records, skipped: Iterable[Skipped]) -> None:
    """Remember what was left out."""
    rows = sorted(skipped, key=lambda one: (one.gateway, one.segment))
    records.set_state(LOST, to_json(rows))


def keep_lost(records: Records, lost: Iterable[Loss], now: datetime) -> None:
    """Remember what a reading of the whole journal could not read, in place of what was known before."""
    skipped: dict[tuple[str, int], Skipped] = {}
    for loss in lost:
        added(skipped, loss, now)
    keep_skipped(records, skipped.values())
