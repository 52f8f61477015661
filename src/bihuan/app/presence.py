"""When each logger was on line, from where and why that ended, and two peers that speak under one MN.

All of it is read off the frames in the journal and the addresses they came from, so that it can be made again from
there. A logger counts as on line from its first frame until it is silent for longer than `patience`, or speaks from
another address. What the network did to the connection beneath is not known here.

Behind one address stand many: a company's router or a mobile network hands the ports of its one address out anew, so
the same port may come back to a logger that connected again. Two ports of one address are two peers only where both
speak so soon after one another that the router cannot have given the port away in between, and go on doing so.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from bihuan.app.heads import speaker_of
from bihuan.core import content_id, from_json, iso, to_json
from bihuan.register import Device
from bihuan.store import Records, Row

Why = Literal["", "silent", "moved"]
"""Why a spell ended: nothing came any more, or it came from another address; empty while it lasts."""

SHORTEST_PATIENCE = timedelta(minutes=10)
REPORTS_MISSED = 3

SAME_TIME = timedelta(minutes=30)
"""An address that speaks again within this time, after another one had taken its place, never went away."""

PORT_KEPT = timedelta(minutes=4)
"""A router keeps the port of a connection that ended for four minutes at least (RFC 5382, section 5, REQ-5), and the
logger's own end as long (RFC 9293, section 3.4.2): what speaks from it again sooner is the same connection."""

TURNS = 3
"""So often two ports of one address take each other's place before they are two: not every router keeps the rule."""

ADDRESSES = 8
"""Addresses remembered of a logger."""

SAVED_EVERY = 12
"""Spells that last are kept once in so many steps, not at each: they take turns."""


class Arrival(NamedTuple):
    """One frame that came: whose it was, when, and from which address."""

    mn: str
    received: datetime
    peer: str


class Spell(msgspec.Struct):
    """A time on line.

    Attributes
    ----------
    id : str
    device, site : str
    peer : str
        Host the frames came from.
    first, last : datetime
        First and last frame.
    frames, connections : int
        Frames, and how often the port changed, the first connection counted.
    why : Why
    """

    id: str
    device: str
    site: str
    peer: str
    first: datetime
    last: datetime
    frames: int = 0
    connections: int = 1
    why: Why = ""


class Double(msgspec.Struct):
    """Two peers that spoke under one MN at the same time, on one day.

    Attributes
    ----------
    id : str
    device, site : str
    peers : list of str
        Both addresses, sorted.
    seen : list of datetime
        When each was heard last, in the order of `peers`.
    first, last : datetime
        When it was noticed first and last on that day.
    times : int
        How often one took the place of the other.
    """

    id: str
    device: str
    site: str
    peers: list[str]
    seen: list[datetime]
    first: datetime
    last: datetime
    times: int = 1


class _Line(msgspec.Struct):
    """What is remembered of one logger: its spell, when each address was heard last, and ports that changed places."""

    spell: Spell
    address: str
    heard: dict[str, datetime] = {}
    ports: tuple[str, ...] = ()
    turns: int = 0


class PresenceKeeper:
    """Keeps the spells in the records.

    Parameters
    ----------
    records : Records
    last : mapping of MN to datetime
        When each logger was last heard by the series: what an earlier life knew and did not keep.
    """

    def __init__(self, records: Records, last: Mapping[str, datetime] | None = None) -> None:
        self._records = records
        self._lines: dict[str, _Line] = {}
        self._doubles: dict[str, Double] = {}
        self._steps = 0
        self._read = False
        for row in records.find("presence", state="on"):
            spell = from_json(row.body, Spell)
            spell.last = max(spell.last, (last or {}).get(spell.device, spell.last))
            self._lines[spell.device] = _Line(spell, "")

    def step(self, devices: Mapping[str, Device], arrivals: Iterable[Arrival], now: datetime) -> list[Double]:
        """Take frames that came by an instant, in whatever order; return the doubles that were noticed."""
        changed: dict[str, Spell] = {}
        noticed: dict[str, Double] = {}
        for mn, frames in _by_speaker(arrivals).items():
            device = devices.get(mn)
            if device is None or self._goes_on(device, frames):
                continue
            for _, received, peer in sorted(frames):
                self._hear(device, received, peer, changed, noticed)
        for mn, line in list(self._lines.items()):
            spell = line.spell
            if now - spell.last > patience(devices.get(mn)):
                self._end(line, "silent", changed)
                del self._lines[mn]
        self._steps += 1
        turn = self._steps % SAVED_EVERY
        lasting = {
            line.spell.id: line.spell
            for mn, line in self._lines.items()
            if zlib.crc32(mn.encode()) % SAVED_EVERY == turn
        }
        self._records.save("presence", [_row_of(spell) for spell in (changed | lasting).values()])
        self._records.save("presence", [_double_row(one) for one in noticed.values()])
        return list(noticed.values())

    def heard(self, device: str) -> datetime | None:
        """Return when a logger that is on line was heard last."""
        line = self._lines.get(device)
        return None if line is None else line.spell.last

    def doubles(self, now: datetime) -> list[Double]:
        """Return the doubles of the last day, those of an earlier life too, whether they go on or not."""
        if not self._read:
            self._read = True
            for one in doubles_of(self._records, since=now - timedelta(days=1)):
                self._doubles.setdefault(one.id, one)
        return sorted(self._doubles.values(), key=lambda one: (one.first, one.id))

    def keep(self) -> None:
        """Keep every spell that lasts as it stands."""
        self._records.save("presence", [_row_of(line.spell) for line in self._lines.values()])

    def _goes_on(self, device: Device, frames: list[Arrival]) -> bool:
        """Whether nothing but more of the same came, which is then noted at once."""
        line = self._lines.get(device.id)
        if line is None or any(frame.peer != line.address for frame in frames):
            return False
        spell, first, last = line.spell, min(frames).received, max(frames).received
        if last - min(first, spell.last) > patience(device):
            return False
        spell.last, spell.frames = max(spell.last, last), spell.frames + len(frames)
        line.heard[line.address] = spell.last
        return True

    def _hear(
        self, device: Device, received: datetime, peer: str, changed: dict[str, Spell], noticed: dict[str, Double]
    ) -> None:
        line, host = self._lines.get(device.id), host_of(peer)
        if line is not None and received - line.spell.last > patience(device):
            self._end(line, "silent", changed)
            line = None
        if line is None:
            spell = _begin(device, host, received)
            line = self._lines[device.id] = _Line(spell, peer)
            changed[spell.id] = spell
        elif peer != line.address and line.address:
            self._note_double(line, peer, received, noticed)
            if host != line.spell.peer:
                self._end(line, "moved", changed)
                line.spell = _begin(device, host, received)
                changed[line.spell.id] = line.spell
            else:
                line.spell.connections += 1
        elif host != line.spell.peer:  # the first frame after a restart, from elsewhere
            self._end(line, "moved", changed)
            line.spell = _begin(device, host, received)
            changed[line.spell.id] = line.spell
        line.address = peer
        line.heard[peer] = received
        line.spell.last, line.spell.frames = max(line.spell.last, received), line.spell.frames + 1
        if len(line.heard) > ADDRESSES:
            del line.heard[min(line.heard, key=lambda address: line.heard[address])]

    def _end(self, line: _Line, why: Why, changed: dict[str, Spell]) -> None:
        line.spell.why = why
        changed[line.spell.id] = line.spell

    def _note_double(self, line: _Line, peer: str, received: datetime, noticed: dict[str, Double]) -> None:
        """An address comes back after another one had spoken: both are there."""
        before = line.heard.get(peer)
        if before is None or received - before > SAME_TIME:
            line.turns = 0
            return
        if host_of(peer) == host_of(line.address) and not self._both_open(line, peer, received - before):
            return
        spell = line.spell
        peers = sorted((peer, line.address))
        seen = [line.heard[line.address] if one == line.address else received for one in peers]
        ident = content_id("double", spell.device, *map(host_of, peers), received.date())
        one = self._doubles.get(ident) or self._known(ident)
        if one is None:
            one = Double(ident, spell.device, spell.site, peers, seen, received, received)
        else:
            one.peers, one.seen, one.last, one.times = peers, seen, received, one.times + 1
        self._doubles = {key: kept for key, kept in self._doubles.items() if received - kept.last < timedelta(days=1)}
        self._doubles[ident] = noticed[ident] = one

    def _both_open(self, line: _Line, peer: str, away: timedelta) -> bool:
        """Whether two ports of one address are two connections that are open at the same time."""
        pair = tuple(sorted((peer, line.address)))
        line.turns = line.turns + 1 if pair == line.ports else 1
        line.ports = pair
        if away > PORT_KEPT:
            line.turns = 0
        return line.turns >= TURNS

    def _known(self, ident: str) -> Double | None:
        row = self._records.get("presence", ident)
        return from_json(row.body, Double) if row else None


def host_of(peer: str) -> str:
    """Return the address without its port; a peer that has none is taken whole."""
    host, colon, port = peer.rpartition(":")
    return host if colon and port.isdigit() else peer


def patience(device: Device | None) -> timedelta:
    """Return how long a logger may say nothing and still be on line: three of its reports, ten minutes at least."""
    shortest = min(device.rhythm.values(), default=0) if device else 0
    return max(SHORTEST_PATIENCE, timedelta(seconds=REPORTS_MISSED * shortest))


def spells_of(records: Records, device: str, since: datetime | None = None, limit: int = 100) -> list[Spell]:
    """Return times on line of a logger, the newest first."""
    rows = records.find(
        "presence", subject=f"device:{device}", state=("on", "off"), since=since, limit=limit, newest_first=True
    )
    return [from_json(row.body, Spell) for row in rows]


def double_of(records: Records, ident: str) -> Double | None:
    """Return one double, None where there is none of that id."""
    row = records.get("presence", ident)
    return from_json(row.body, Double) if row is not None and row.state == "double" else None


def doubles_of(records: Records, device: str | None = None, since: datetime | None = None) -> list[Double]:
    """Return where two peers spoke under one MN, of one logger or of all, the newest first."""
    subject = None if device is None else f"device:{device}"
    rows = records.find("presence", subject=subject, state="double", since=since, newest_first=True)
    return [from_json(row.body, Double) for row in rows]


def _by_speaker(arrivals: Iterable[Arrival]) -> dict[str, list[Arrival]]:
    """Arrivals of each logger; a file that was imported is no sign of life of a line."""
    found: dict[str, list[Arrival]] = {}
    for one in arrivals:
        speaker = one.peer if one.peer[:1].isdigit() else speaker_of(one.peer)
        if speaker:
            found.setdefault(one.mn, []).append(one if speaker == one.peer else one._replace(peer=speaker))
    return found


def _begin(device: Device, host: str, at: datetime) -> Spell:
    ident = content_id("presence", device.id, host, iso(at))
    return Spell(ident, device.id, device.site, host, at, at)


def _row_of(spell: Spell) -> Row:
    state = "off" if spell.why else "on"
    return Row(spell.id, to_json(spell), f"device:{spell.device}", state, start=spell.first, end=spell.last)


def _double_row(one: Double) -> Row:
    return Row(one.id, to_json(one), f"device:{one.device}", "double", start=one.first, end=one.last)
