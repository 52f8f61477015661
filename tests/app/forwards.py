"""Targets of our own making, for the tests of forwarding: one without a network, one that listens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bihuan.app.gateway.forward_lanes import LINK_PAUSE, pause
from bihuan.app.gateway.forward_plan import Peer, TargetPlan
from bihuan.app.gateway.forward_target import Spool
from bihuan.devices.hj212 import Envelope, Framer, acknowledgement, encode, envelope, read_frame
from bihuan.store import Journal, encode_entry

T0 = datetime(2026, 1, 31, 16, tzinfo=UTC)


def minute_frame(mn: str, number: int, *, flag: int | None = 5, cn: str = "2051") -> bytes:
    """A minute mean whose value tells its number, with a QN that does as well."""
    stamp = (T0 + timedelta(hours=8, minutes=number)).strftime("%Y%m%d%H%M%S")
    groups = [
        [("DataTime", stamp)],
        [("a34004-Avg", f"{number % 500}.25"), ("a34004-Flag", "N")],
        [("a21026-Avg", "12.5"), ("a21026-Flag", "N")],
    ]
    return encode(cn, mn, groups, qn=f"{stamp}{number % 1000:03d}", st="22", flag=flag)[:-2]


def plan(mns: Iterable[str], **other: Any) -> TargetPlan:
    fields: dict[str, Any] = {
        "id": "province",
        "name": "",
        "host": "127.0.0.1",
        "port": 9,
        "devices": {mn: Peer(mn=mn) for mn in mns},
        "since": T0,
        "mode": "raw",
        "timeout": 10.0,
    }
    return TargetPlan(**(fields | other))


def append(journal: Journal, raws: Iterable[bytes], received: datetime, status: Any = "known") -> None:
    journal.append([encode_entry(raw, received, "10.0.0.1:1", status) for raw in raws])


@dataclass
class Silent:
    """A target without a network: answers what `answers` lets through, and keeps what it took, in order."""

    spool: Spool
    answers: Callable[[Envelope, float], bytes | None] = lambda head, now: acknowledgement(head)
    took: dict[str, list[str]] = field(default_factory=dict)
    written: int = 0
    most_held: int = 0
    tries: int = 0
    closed_until: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(5))

    def turn(self, now: float) -> int:
        """Fill, send and answer once; return how many frames were answered."""
        lanes = self.spool.lanes
        self.spool.fill()
        self.most_held = max(self.most_held, lanes.held)
        answered = 0
        if now < self.closed_until:
            return 0
        for item in lanes.send(now):
            self.written += 1
            head = envelope(item.frame.data)
            answer = self.answers(head, now)
            if answer is not None:
                if envelope(answer).cn == "9014":
                    self.took.setdefault(head.mn, []).append(head.qn)
                    answered += 1
                lanes.heard(read_frame(answer), now)
        self.tries = 0 if answered else self.tries
        if lanes.unusable:
            lanes.lost()
            self.tries += 1
            self.closed_until = now + pause(self.tries, LINK_PAUSE, self.chance)
        return answered


@dataclass
class Host:
    """A listening target: takes every frame, answers it where `answers` says so, and keeps it in order."""

    answers: Callable[[Envelope], bytes | None] = acknowledgement
    frames: list[bytes] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        framer = Framer()
        try:
            while chunk := await reader.read(1 << 16):
                for frame in framer.feed(chunk)[0]:
                    self.frames.append(frame.raw)
                    answer = self.answers(envelope(frame.data))
                    if answer is not None:
                        writer.write(answer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.open.discard(writer)

    @property
    def qns(self) -> dict[str, list[str]]:
        """QN of what came, by MN, in order."""
        found: dict[str, list[str]] = {}
        for raw in self.frames:
            head = envelope(raw)
            found.setdefault(head.mn, []).append(head.qn)
        return found


@asynccontextmanager
async def hosting(host: Host, port: int = 0, **other: Any) -> AsyncIterator[Host]:
    """Let a host listen on loopback."""
    server = await asyncio.start_server(host.serve, "127.0.0.1", port, **other)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for writer in list(host.open):
            writer.transport.abort()
        await server.wait_closed()
        await until(lambda: not host.open)


async def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something to become true, at most so long."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def journal_of(home: Path, gateway: str = "g1") -> Journal:
    return Journal(home / "journal", gateway, segment_bytes=200_000)
