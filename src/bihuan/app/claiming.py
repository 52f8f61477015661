"""Claiming a logger (认领): its row of the register, and its waiting frames taken in exactly once.

The row, the entry in the ledger and the note of what has still to be taken in are one commit. What a crash leaves
untaken is taken in at the next start; frames that are read twice make the same rows of the series, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime

from bihuan.app.gateway import write_devices
from bihuan.app.heads import head_of
from bihuan.app.loop import Loop
from bihuan.app.rebuild import by_tick
from bihuan.core import RegisterError, from_json, local_date, to_json
from bihuan.register import Device
from bihuan.store import START, Entry, JournalReader, Position, Record, Store

PENDING = "onboarding/claims"
"""Name in `Records.state`: MN -> gateway -> up to where its waiting frames lie."""

PIECE = 500
"""Waiting frames that are stored together, at least."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim brought.

    Attributes
    ----------
    device : Device
        As it stands in the register now.
    frames, readings : int
        That had waited and were taken in.
    """

    device: Device
    frames: int
    readings: int


def claim(store: Store, loop: Loop, device: Device, actor: str, now: datetime) -> Claimed:
    """Add a logger to the register, dated from its first waiting frame, and take these frames in.

    Parameters
    ----------
    store : Store
    loop : Loop
    device : Device
        Its dates and source are set here.
    actor : str
        Id of the person who claims.
    now : datetime

    Raises
    ------
    RegisterError
        If the register knows the logger today, or not the site it is to measure.
    """
    zone = loop.zone
    today = local_date(now, zone)
    _refuse(loop, device, today)
    so_far = loop.ingest.read_to
    seen = _frames(store, device.id, {}, so_far)  # a long journal is read before anybody has to wait
    with store.step:
        _refuse(loop, device, today)
        upto = loop.ingest.read_to
        seen += _frames(store, device.id, so_far, upto)
        seen = [record for record in seen if _waited(loop, device.id, local_date(record.received, zone))]
        first = min((local_date(record.received, zone) for record in seen), default=today)
        row = replace(device, valid_from=first, source=f"person:{actor} {today:%Y-%m-%d}")
        before = loop.town.register
        after, changes = before.merge([row])
        body = {"site": row.site, "protocol": row.protocol, "rhythm": row.rhythm, "from": first, "frames": len(seen)}
        with store.records.transaction():
            store.records.save_facts([change.after for change in changes if change.after is not None])
            store.ledger.add(Entry(now, actor, "claim_device", f"device:{row.id}", to_json(body)))
            _note(store, row.id, upto)
        loop.renew_register(after)
        write_devices(store.home.devices, after, today)
        readings = _take(loop, row.id, seen, now)
        with store.records.transaction():
            _note(store, row.id, None)
    return Claimed(row, len(seen), readings)


def finish_claims(store: Store, loop: Loop, now: datetime) -> int:
    """Take in what a crash has left of claims, and return how many frames that were."""
    frames = 0
    with store.step:
        for mn, upto in _pending(store).items():
            seen = _frames(store, mn, {}, upto)
            _take(loop, mn, seen, now)
            frames += len(seen)
            with store.records.transaction():
                _note(store, mn, None)
    return frames


def _refuse(loop: Loop, device: Device, on: date) -> None:
    register = loop.town.register
    if register.get(Device, device.id, on) is not None:
        raise RegisterError(f"device {device.id} is in the register already: change its row there")
    kind, _, ident = device.site.partition(":")
    if kind not in ("station", "section", "outlet") or not _exists(loop, device.site):
        raise RegisterError(
            f"site {device.site!r} is not in the register on {on}: give station:..., section:... or outlet:... "
            f"of a row that holds; import it first if {ident or 'it'} is new"
        )


def _exists(loop: Loop, site: str) -> bool:
    return any(str(known.ref) == site for known in loop.town.sites)


def _waited(loop: Loop, mn: str, on: date) -> bool:
    """Whether frames of that day found nobody in the register; a logger may have been there before, and left."""
    return loop.town.register.get(Device, mn, on) is None


def _frames(store: Store, mn: str, after: Mapping[str, Position], upto: Mapping[str, Position]) -> list[Record]:
    """Frames of a logger behind `after` and before `upto`, as they lie; by a reader of its own, beside the loop's."""
    wanted, named, found = mn.encode(), f":{mn}@", []
    with closing(JournalReader(store.home.journal, salvage=True)) as reader:
        for gateway, end in upto.items():
            for record in reader.follow(gateway, after.get(gateway, START)):
                if record.position >= end:
                    break
                if (wanted in record.raw or named in record.peer) and head_of(record).mn == mn:
                    found.append(record)
    return found


def _take(loop: Loop, mn: str, seen: list[Record], now: datetime) -> int:
    """Give the frames to the loop in pieces of the time they came; return how many readings they made."""
    return sum(loop.take_waiting(mn, piece, min(at, now)).readings.height for at, piece in _pieces(seen))


def _pieces(seen: list[Record]) -> Iterator[tuple[datetime, list[Record]]]:
    held: list[Record] = []
    begun = None
    for tick, records in by_tick([iter(sorted(seen, key=lambda record: record.received))]):
        begun = begun or tick
        held += records
        if len(held) >= PIECE:
            yield begun, held
            held, begun = [], None
    if held and begun:
        yield begun, held


def _pending(store: Store) -> dict[str, dict[str, Position]]:
    known = store.records.state(PENDING)
    return from_json(known, dict[str, dict[str, Position]]) if known else {}


def _note(store: Store, mn: str, upto: Mapping[str, Position] | None) -> None:
    pending = _pending(store)
    pending.pop(mn, None)
    if upto is not None:
        pending[mn] = dict(upto)
    store.records.set_state(PENDING, to_json(pending))
