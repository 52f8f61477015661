"""One gateway: a listening socket, the journal, the counters, and a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from bihuan.app.clock import Clock, JumpWatch, WallClock
from bihuan.app.gateway.admission import DevicesFile, Known
from bihuan.app.gateway.commands import OrderDesk
from bihuan.app.gateway.commit import Committer
from bihuan.app.gateway.counters import Counters, read_status, write_status
from bihuan.app.gateway.limits import Limits
from bihuan.app.gateway.tcp import Connection, Door
from bihuan.core import StoreError
from bihuan.store import REAL_FILES, START, Files, Journal, JournalReader, Position

logger = logging.getLogger("bihuan.gateway")

FAREWELL = 5.0
"""How long a clean stop waits for the last answers to go out. [s]"""


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Settings of one gateway process.

    Attributes
    ----------
    journal : Path
        The journal of the store, ``<home>/journal``.
    devices : Path
        The file of known loggers, written by the core process (`write_devices`).
    gateway : str
        Its name: lower letters and digits; a journal of its own.
    host : str
    port : int
        0 takes a free one.
    share_port : bool
        Let several gateway processes of this machine listen on the same port.
    limits : Limits
    clock : str
        ``wall``, or a city's clock as `CityClock.describe` writes it.
    orders : Path or None
        Folder of orders to devices, ``<home>/orders``; None where none are sent.
    tick : float
        How often counters are written, the devices file looked at and the clock checked. [s]
    segment_bytes : int
        Size at which a journal segment is closed and sealed. [bytes]
    """

    journal: Path
    devices: Path
    gateway: str = "g1"
    host: str = "127.0.0.1"
    port: int = 9212
    share_port: bool = False
    limits: Limits = field(default_factory=Limits)
    clock: str = "wall"
    tick: float = 1.0
    segment_bytes: int = 64 << 20
    orders: Path | None = None


class Gateway:
    """Listens, journals, acknowledges.

    Parameters
    ----------
    config : GatewayConfig
    clock : Clock, optional
        Stamps frames.
    known : mapping of MN to KnownDevice, optional
        Instead of the devices file, for a gateway in the same process as the register.
    files : Files
        File layer of the journal.
    """

    def __init__(
        self, config: GatewayConfig, clock: Clock | None = None, known: Known | None = None, files: Files = REAL_FILES
    ) -> None:
        self.config = config
        self.clock = clock or WallClock()
        self.counters = Counters()
        self.port = 0
        self._known, self._files = known, files
        self._devices: DevicesFile | None = None
        self._sealing: asyncio.Future[list[Path]] | None = None

    async def start(self) -> None:
        """Open the journal and listen.

        Raises
        ------
        StoreLocked
            If another process writes the journal.
        OSError
            If the address cannot be listened on.
        """
        config = self.config
        self._journal = Journal(config.journal, config.gateway, self._files, config.segment_bytes)
        if self._journal.cut:
            logger.warning("%d bytes of a torn tail were cut off; none had been acknowledged", self._journal.cut)
        if self._journal.problem:
            logger.error("the journal goes on in a new segment: %s", self._journal.problem)
        self._take_over()
        self._committer = Committer(self._journal, self.counters)
        self._door = Door(self._committer, self.counters, config.limits, self.clock)
        if self._known is None:
            self._devices = DevicesFile(config.devices)
        self._door.known = self._devices.known if self._devices else self._known or {}
        self._orders = OrderDesk(config.orders, config.gateway, self._door, self.clock) if config.orders else None
        self._watch = JumpWatch(self.clock) if isinstance(self.clock, WallClock) else None  # a city's clock may leap
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self._door),
                config.host,
                config.port,
                backlog=1024,
                reuse_port=config.share_port or None,
            )
        except OSError:
            await self._committer.stop()
            self._journal.close()
            raise
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._ticking = loop.create_task(self._tick())
        self._write_status(self.port)
        logger.info("gateway %s listens on %s:%d", config.gateway, config.host, self.port)

    async def stop(self) -> None:
        """Take no more, make everything durable that came, send the answers, close."""
        self._server.close()
        for connection in list(self._door.open):
            connection.stop_reading()
        await self._committer.drain()
        for connection in list(self._door.open):
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                while self._door.open:
                    await asyncio.sleep(0.01)
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        await self._committer.stop()
        if self._sealing is not None:
            await asyncio.gather(self._sealing, return_exceptions=True)
        self._write_status(0)
        self._journal.close()
        logger.info("gateway %s stopped", self.config.gateway)

    def learn(self, known: Known) -> None:
        """Replace the known loggers, for a gateway in the same process as the register."""
        self._door.known = known

    def _take_over(self) -> None:
        status = read_status(self.config.journal, self.config.gateway)
        counted = Position(*status["journal"]) if status.get("journal") else START
        reader = JournalReader(self.config.journal, self._files, salvage=True)
        try:
            self.counters.take_over(status, reader.follow(self.config.gateway, counted))
        except StoreError as problem:
            logger.error("frames since the last count cannot be counted again: %s", problem)
        finally:
            reader.close()

    async def _tick(self) -> None:
        sealed = self._journal.end.segment
        while True:
            await asyncio.sleep(self.config.tick)
            if self._devices is not None and self._devices.refresh():
                self._door.known = self._devices.known
            jump = self._watch.check() if self._watch else None
            if jump is not None:
                self.counters.complaints["clock_jumped"] += 1
                logger.warning("the clock of this machine was set by %+.1f s", jump.total_seconds())
            self._close_idle()
            if self._orders is not None:
                self._orders.look()
            if self._journal.end.segment > sealed and (self._sealing is None or self._sealing.done()):
                sealed = self._journal.end.segment
                self._sealing = asyncio.get_running_loop().run_in_executor(None, self._seal)
            self._write_status(self.port)

    def _seal(self) -> list[Path]:
        try:
            return self._journal.seal()
        except StoreError as problem:
            logger.error("a segment was not sealed, it stays as it is: %s", problem)
            return []

    def _close_idle(self) -> None:
        oldest = asyncio.get_running_loop().time() - self.config.limits.idle
        for connection in [connection for connection in self._door.open if connection.last < oldest]:
            self.counters.complaints["connection_idle"] += 1
            connection.close()

    def _write_status(self, port: int) -> None:
        pid = os.getpid() if port else 0
        status = self.counters.as_status(self.config.gateway, pid, port, self.clock.now(), self._journal.end)
        status |= {"journal_problem": self._journal.problem, "machine": socket.gethostname()}
        try:
            write_status(self.config.journal, status)
        except StoreError as problem:
            logger.error("counters were not written: %s", problem)
