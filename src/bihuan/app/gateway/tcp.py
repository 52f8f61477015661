"""The socket side: bytes to frames, frames to the journal, answers back; nothing is decoded here."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from typing import cast

from bihuan.app.clock import Clock
from bihuan.app.gateway.admission import Known, admit
from bihuan.app.gateway.commit import Committer, Waiting
from bihuan.app.gateway.counters import Counters
from bihuan.app.gateway.limits import Bucket, Limits
from bihuan.core import Complaint
from bihuan.devices.hj212 import Envelope, Frame, Framer, acknowledgement, envelope
from bihuan.store import encode_entry

logger = logging.getLogger("bihuan.gateway")

Asker = Callable[[Envelope, Frame], None]
"""Hears the frames of a logger that was asked something."""


class Door:
    """What all connections share.

    Parameters
    ----------
    committer : Committer
    counters : Counters
    limits : Limits
    clock : Clock

    Attributes
    ----------
    known : mapping of MN to KnownDevice
        Replaced as a whole when the register changes.
    asked : dict
        MN -> who hears its frames, while an order to it waits for answers.
    """

    def __init__(self, committer: Committer, counters: Counters, limits: Limits, clock: Clock) -> None:
        self.committer, self.counters, self.limits, self.clock = committer, counters, limits, clock
        self.known: Known = {}
        self.open: set[Connection] = set()
        self.senders: dict[str, Connection] = {}
        self.asked: dict[str, Asker] = {}
        self._by_address: Counter[str] = Counter()
        self._buckets: dict[str, Bucket] = {}

    def enter(self, connection: Connection, address: str) -> bool:
        """Let a connection in, or say no and count why."""
        full = len(self.open) >= self.limits.connections
        if full or self._by_address[address] >= self.limits.connections_per_address:
            self.counters.complaints["connections_full" if full else "connections_of_address"] += 1
            return False
        self.open.add(connection)
        self._by_address[address] += 1
        self.counters.connections_opened += 1
        self.counters.connections = len(self.open)
        return True

    def leave(self, connection: Connection, address: str) -> None:
        """Forget a connection."""
        self.open.discard(connection)
        self.counters.connections = len(self.open)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
            self._buckets.pop(address, None)

    def bucket(self, address: str, now: float) -> Bucket:
        """Return the allowance that all connections of an address share."""
        if address not in self._buckets:
            limits = self.limits
            self._buckets[address] = Bucket(limits.frames_per_second_per_address, limits.burst, now)
        return self._buckets[address]

    def count(self, complaints: list[Complaint]) -> None:
        """Count complaints about bytes that belong to no frame."""
        self.counters.complaints.update(complaint.reason for complaint in complaints)

    def seen(self, mn: str, connection: Connection, system: str = "") -> None:
        """Note over which connection a logger speaks, and as what (ST); two at once under one name are counted."""
        before = self.senders.get(mn)
        if before is connection:
            return
        if before is not None and before in self.open:
            self.counters.complaints["mn_on_two_connections"] += 1
        self.senders[mn] = connection
        connection.names[mn] = system


class Connection(asyncio.Protocol):
    """One logger's line."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._framer = Framer()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._address = self._peer = ""
        self._inside = False
        self._in_flight = 0
        self._without_frame = 0
        self._held_back = False
        self._crowded = False
        self._ending = False
        self.names: dict[str, str] = {}
        self.last = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, if there is room."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("local", 0)
        self._address, self._peer = str(peer[0]), f"{peer[0]}:{peer[1]}"
        self._inside = self._door.enter(self, self._address)
        if not self._inside:
            self._transport.abort()
            return
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        limits = self._door.limits
        self._bucket = Bucket(limits.frames_per_second, limits.burst, self.last)

    def data_received(self, data: bytes) -> None:
        """Take one read."""
        now = self.last = self._loop.time()
        frames, complaints = self._framer.feed(data)
        if complaints:
            self._door.count(complaints)
        if not frames:
            self._without_frame += len(data)
            if self._without_frame > self._door.limits.bytes_without_frame:
                self._door.counters.complaints["bytes_without_frame"] += 1
                self.close()
            return
        self._without_frame = 0
        self._take(frames, now)
        wait = max(self._bucket.take(len(frames), now), self._door.bucket(self._address, now).take(len(frames), now))
        if wait > 0:
            self._door.counters.complaints["too_fast"] += 1
            self._held_back = True
            self._loop.call_later(wait, self._go_on)
        self._steer()

    def eof_received(self) -> bool:
        """Keep the line half open: the answers to the last frames still go out."""
        self._finish()
        if not self._in_flight:
            return False
        self._ending = True
        return True

    def connection_lost(self, problem: Exception | None) -> None:
        """Keep what had come and forget the line."""
        if not self._inside:
            return
        self._finish()
        self._door.leave(self, self._address)
        for mn in self.names:
            if self._door.senders.get(mn) is self:
                del self._door.senders[mn]

    def durable(self, size: int, answers: bytes) -> None:
        """Send the answers to frames that are durable now."""
        if answers and self._transport is not None and not self._transport.is_closing():
            self._transport.write(answers)
        self._landed(size)

    def post(self, frame: bytes) -> bool:
        """Send an order to the logger; say whether the line stands."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(frame)
        return True

    def refused(self, size: int) -> None:
        """Say nothing; the device sends again."""
        self._landed(size)

    def pause_writing(self) -> None:
        """Stop reading from a peer that does not take its answers."""
        self._crowded = True
        self._steer()

    def resume_writing(self) -> None:
        """Go on."""
        self._crowded = False
        self._steer()

    def close(self) -> None:
        """End the line once what was written has gone out."""
        if self._transport is not None:
            self._transport.close()

    def stop_reading(self) -> None:
        """Take no more, for a clean stop."""
        self._held_back = True
        self._steer()

    def _take(self, frames: list[Frame], now: float) -> None:
        door, received = self._door, self._door.clock.now()
        for frame in frames:
            head = envelope(frame.data)
            admission = admit(frame, head, door.known)
            if admission.complaint:
                door.counters.complaints[admission.complaint] += 1
            if admission.status == "unknown":
                door.counters.note_unknown(head.mn, self._peer, received)
            if admission.answered:
                door.seen(head.mn, self, head.st)
                if door.asked and head.mn in door.asked and admission.status == "known":
                    door.asked[head.mn](head, frame)
            answer = acknowledgement(head) if admission.answered and head.answer_wanted else b""
            entry = encode_entry(frame.raw, received, self._peer, admission.status)
            self._in_flight += len(entry)
            door.committer.add(Waiting(entry, admission.status, len(entry), self, answer, now))

    def _finish(self) -> None:
        frames, complaints = self._framer.flush()
        self._door.count(complaints)
        self._take(frames, self._loop.time())

    def _landed(self, size: int) -> None:
        self._in_flight -= size
        self._steer()
        if self._ending and not self._in_flight:
            self.close()

    def _go_on(self) -> None:
        self._held_back = False
        self._steer()

    def _steer(self) -> None:
        """Read while nothing speaks against it."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        stop = self._held_back or self._crowded or self._in_flight > self._door.limits.bytes_in_flight
        if stop and transport.is_reading():
            transport.pause_reading()
        elif not stop and not transport.is_reading() and not self._ending:
            transport.resume_reading()
