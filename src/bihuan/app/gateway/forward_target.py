"""One target: its frames from the journal, through its lanes, over its line; whatever fails, it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import random
import socket
import ssl
import struct
import termios
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.app.clock import Clock
from bihuan.app.gateway.forward_again import AT_ONCE, asked_again, write_rows
from bihuan.app.gateway.forward_feed import PIECE, Place, PlaceFile, Stream, place_at, place_of
from bihuan.app.gateway.forward_frames import Preparer, Unfit
from bihuan.app.gateway.forward_lanes import LINK_PAUSE, Aside, Item, Lanes, pause
from bihuan.app.gateway.forward_plan import TargetPlan
from bihuan.core import BihuanError, iso
from bihuan.devices.hj212 import Framer
from bihuan.store import START, JournalReader, Position, Record, frame_id

logger = logging.getLogger("bihuan.forward")

CONNECT = 10.0
"""Until a target that does not open the line counts as away. [s]"""

LOOK = 0.1
"""How often the journal is looked at while nothing else happens. [s]"""

KEEP = 2.0
"""How often the place of a target is written. [s]"""


class Spool:
    """Frames of one target: from the journal into its lanes, and its place on the disk. No network.

    Parameters
    ----------
    target : TargetPlan
    journal, folder : Path
        The journal of the store, and where the target keeps its place.
    zone : ZoneInfo
    chance : Random
        For the jitter.

    Raises
    ------
    StoreError, JournalError
        If its place or the journal cannot be read.
    """

    def __init__(self, target: TargetPlan, journal: Path, folder: Path, zone: ZoneInfo, chance: random.Random) -> None:
        self.target = target
        self.lanes = Lanes(target.window, target.timeout, target.refusals, chance)
        self.answered: datetime | None = None
        self._reader = JournalReader(journal, salvage=True)
        self._preparer = Preparer(target, zone)
        self._file = PlaceFile(folder)
        place = self._file.load() or Place(place_at(self._reader, target.since))
        self.lanes.counts.update(place.counts)
        self.answered = place.answered
        for name, behind in place.behind.items():
            self.lanes.recall(name, behind.at, behind.frames, behind.since)
        self._stream = Stream(self._reader, place.read)
        self._again: Stream | None = None
        self._asked: dict[str, Path] = {}

    def fill(self, most: int = PIECE) -> bool:
        """Read on where memory has room, at most `most` frames of each stream; say whether anything came.

        Raises
        ------
        JournalError
        """
        came = False
        if not self._stream.gateways:
            self._stream.meet()
        self._stream.look()
        for _ in range(most):
            found = self._stream.take() if self.lanes.room else None
            if found is None:
                break
            came = True
            self._take(*found)
        return self._fill_again(most) or came

    def _take(self, record: Record, following: Position) -> None:
        item = self._item(record)
        if isinstance(item, Item):
            self.lanes.offer(item)
        elif isinstance(item, Aside):
            self.lanes.counts["aside"] += 1
            self.lanes.aside.append(item)

    def _fill_again(self, most: int) -> bool:
        """Go on with the pass over the journal for lanes that missed frames, or begin one."""
        if self._again is None:
            begin = self.lanes.join_pass()
            if not begin:
                return False
            self._again = Stream(self._reader, begin, sorted(begin))
        upto = self._stream.place
        self._again.look()
        for _ in range(most):
            if not self.lanes.room:
                return True
            found = self._again.take(upto)
            if found is None:
                self._again = None
                self.lanes.end_pass()
                return True
            record, following = found
            item = self._item(record)
            if isinstance(item, Item):
                self.lanes.again(item, following)
        return True

    def _item(self, record: Record) -> Item | Aside | None:
        ready = self._preparer.prepare(record)
        if ready is None:
            return None
        if isinstance(ready, Unfit):
            return Aside(record.gateway, record.position, ready.lane, ready.reason)
        return Item(record.gateway, record.position, record.received.timestamp(), ready)

    def keep(self, now: datetime) -> None:
        """Write what was set aside, then the place; in this order, so that a crash repeats and never forgets.

        Raises
        ------
        DiskFull, StoreError
            The earlier place stays in force: what follows it will be sent again.
        """
        if self.lanes.aside or self.lanes.ended or self.lanes.dropped:
            self._write_aside(now)
        self._take_again(now)
        self._file.save(place_of(self._stream, self.lanes, self.answered))
        self._stream.meet()

    def _write_aside(self, now: datetime) -> None:
        """Write what was set aside and what was sent after all, then take away the files that asked for it."""
        lanes = self.lanes
        aside = {(one.gateway, one.position) for one in lanes.aside}
        sent = [item for item in lanes.ended if (item.gateway, item.position) not in aside]
        write_rows(self._file.folder, lanes.aside, sent, now)
        lanes.counts["aside"] = max(0, lanes.counts["aside"] - len(lanes.ended))
        for item in lanes.ended:
            path = self._asked.pop(frame_id(item.gateway, item.position), None)
            if path is not None:
                path.unlink(missing_ok=True)
        for item in lanes.dropped:
            self._asked.pop(frame_id(item.gateway, item.position), None)
        lanes.aside.clear()
        lanes.ended.clear()
        lanes.dropped.clear()

    def _take_again(self, now: datetime) -> None:
        """Take up frames that somebody wants sent once more, where their lanes have room."""
        for frame, path in list(asked_again(self._file.folder).items())[:AT_ONCE]:
            if frame in self._asked:
                continue
            item: Item | Aside | None = None
            with contextlib.suppress(BihuanError):  # what cannot be read any more cannot be sent
                item = self._item(self._reader.read(frame))
            if isinstance(item, Item):
                if self.lanes.retry(item._replace(retried=True)):
                    self._asked[frame] = path
                continue
            if isinstance(item, Aside):
                write_rows(self._file.folder, [item], [], now)
            path.unlink(missing_ok=True)

    @property
    def unread(self) -> int:
        """Bytes of the journal that were not looked at; more than a segment counts as one byte more than its end."""
        behind, place = 0, self._stream.place
        for gateway in self._stream.gateways:
            end, at = self._reader.end(gateway), place.get(gateway, START)
            behind += max(0, end.offset - at.offset) if at.segment == end.segment else end.offset + 1
        return behind

    def close(self) -> None:
        """Give the journal back."""
        self._reader.close()


@dataclass(slots=True)
class Line:
    """How the line to a target stands, for the status."""

    state: str = "waiting"
    trouble: str = ""
    tries: int = 0
    connected: datetime | None = None


class TargetTask:
    """Brings everything to one target for as long as it runs.

    Parameters
    ----------
    target : TargetPlan
    journal, folder : Path
    zone : ZoneInfo
    clock : Clock
    """

    def __init__(self, target: TargetPlan, journal: Path, folder: Path, zone: ZoneInfo, clock: Clock) -> None:
        self.target, self.line = target, Line()
        self._journal, self._folder, self._zone, self._clock = journal, folder, zone, clock
        self._chance = random.Random()
        self._spool: Spool | None = None
        self._framer = Framer()
        self._awake = asyncio.Event()
        self._kept = 0.0
        self._unconfirmed: list[str] = []

    async def run(self) -> None:
        """Run until cancelled; nothing that fails here ends it."""
        try:
            while True:
                try:
                    await self._serve()
                except (OSError, TimeoutError, BihuanError) as problem:
                    self._say(problem)
                except Exception as problem:  # one target must never end the others
                    logger.exception("target %s", self.target.id)
                    self._say(problem)
                await self._rest()
        finally:
            self._end()

    def _say(self, problem: Exception) -> None:
        told = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
        if told != self.line.trouble:
            logger.warning("target %s: %s", self.target.id, told)
        self.line.trouble = told

    async def _rest(self) -> None:
        """Wait before the next call, reading on and keeping the place meanwhile."""
        self.line.connected = None
        self.line.state = "paused" if self.target.paused else "away"
        self.line.tries += 1
        until = self._clock.monotonic() + pause(self.line.tries, LINK_PAUSE, self._chance)
        while self._clock.monotonic() < until or self.target.paused:
            with contextlib.suppress(BihuanError, OSError):
                self._look_on()
            await asyncio.sleep(min(1.0, max(0.05, until - self._clock.monotonic())))

    def _look_on(self) -> None:
        if self._spool is not None:
            self._spool.fill()
            self._keep()

    async def _serve(self) -> None:
        if self._spool is None:
            self._spool = Spool(self.target, self._journal, self._folder, self._zone, self._chance)
        if self.target.paused:
            return
        self.line.state = "calling"
        reader, writer = await self._connect()
        self.line.state, self.line.trouble, self.line.connected = "connected", "", self._clock.now()
        listening = asyncio.get_running_loop().create_task(self._listen(reader))
        try:
            await self._talk(writer, listening)
        finally:
            self._spool.lanes.lost()
            self._unconfirmed.clear()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = self.target
        context = None
        if target.tls:
            context = ssl.create_default_context(cafile=target.tls_ca or None)
        async with asyncio.timeout(CONNECT):
            reader, writer = await asyncio.open_connection(
                target.host,
                target.port,
                ssl=context,
                server_hostname=(target.tls_name or target.host) if target.tls else None,
            )
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return reader, writer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        assert self._spool is not None
        self._framer = Framer()
        while chunk := await reader.read(1 << 16):
            frames, complaints = self._framer.feed(chunk)
            self._spool.lanes.counts["answer_noise"] += len(complaints) and sum(c.reason == "noise" for c in complaints)
            before = self._spool.lanes.counts["answered"]
            for frame in frames:
                self._spool.lanes.heard(frame, self._clock.monotonic())
            if self._spool.lanes.counts["answered"] > before:
                self._spool.answered = self._clock.now()
                self.line.tries = 0
            self._awake.set()
        raise ConnectionError("the target closed the line")

    async def _talk(self, writer: asyncio.StreamWriter, listening: asyncio.Task[None]) -> None:
        spool = self._spool
        assert spool is not None
        while True:
            if listening.done():
                listening.result()
            came = spool.fill()
            out = spool.lanes.send(self._clock.monotonic())
            if spool.lanes.unusable:
                raise TimeoutError("the target answers nothing: the line is opened anew")
            if out:
                writer.write(b"".join(item.frame.data for item in out))
                self._unconfirmed += [item.frame.lane for item in out if not item.frame.answered]
                async with asyncio.timeout(self.target.timeout * 4):
                    await writer.drain()
            self._confirm(writer)
            self._keep()
            if not out and not came:
                self._awake.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._awake.wait()
            else:
                await asyncio.sleep(0)

    def _confirm(self, writer: asyncio.StreamWriter) -> None:
        """Frames that ask for no answer count as taken once the other machine has confirmed every byte sent."""
        if not self._unconfirmed or writer.transport.get_write_buffer_size():
            return
        if _unsent(writer.get_extra_info("socket")) == 0:
            assert self._spool is not None
            for name in self._unconfirmed:
                self._spool.lanes.taken(name)
            self._unconfirmed.clear()

    def _keep(self, now_or_never: bool = False) -> None:
        now = self._clock.monotonic()
        if self._spool is None or (now - self._kept < KEEP and not now_or_never):
            return
        self._kept = now
        try:
            self._spool.keep(self._clock.now())
        except BihuanError as problem:  # a full disk: the earlier place stays, what follows it is sent again
            self._say(problem)

    def _end(self) -> None:
        with contextlib.suppress(BihuanError, OSError):
            self._keep(now_or_never=True)
        if self._spool is not None:
            self._spool.close()
        self.line = Line("stopped", self.line.trouble)

    def status(self) -> dict[str, Any]:
        """Return how it stands, as plain values."""
        spool, line = self._spool, self.line
        told: dict[str, Any] = {
            "state": "paused" if self.target.paused else line.state,
            "trouble": line.trouble,
            "connected": iso(line.connected) if line.connected else None,
        }
        if spool is None:
            return told
        oldest = spool.lanes.oldest
        return told | {
            "answered": iso(spool.answered) if spool.answered else None,
            "oldest": iso(datetime.fromtimestamp(oldest, UTC)) if oldest is not None else None,
            "waiting": spool.lanes.waiting,
            "unread": spool.unread,
            "stuck": spool.lanes.stuck,
            "counts": {name: count for name, count in sorted(spool.lanes.counts.items()) if count},
        }


def _unsent(sock: Any) -> int:
    """Return how many bytes the other machine has not confirmed yet."""
    return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0)))[0])
