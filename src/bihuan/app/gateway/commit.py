"""Journal first, then acknowledge: everything that came while the last group was synced makes up the next one."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

from bihuan.app.gateway.counters import Counters
from bihuan.core import DiskFull, StoreError
from bihuan.store import FrameStatus, Journal

logger = logging.getLogger("bihuan.gateway")

PAUSE_AFTER_FAILURE = 0.2
"""A disk that is full is not asked again at once. [s]"""


class Sender(Protocol):
    """A connection that waits for its frames to become durable."""

    def durable(self, size: int, answers: bytes) -> None:
        """Hear that `size` raw bytes are durable and send the answers to them."""
        ...

    def refused(self, size: int) -> None:
        """Hear that `size` raw bytes could not be made durable; the device will send them again."""
        ...


class Waiting(NamedTuple):
    """One frame on its way to the disk."""

    entry: bytes
    status: FrameStatus
    size: int
    sender: Sender
    answer: bytes
    came: float


class Committer:
    """Groups frames, has them synced in a thread of its own, then lets the answers go.

    Parameters
    ----------
    journal : Journal
    counters : Counters
    """

    def __init__(self, journal: Journal, counters: Counters) -> None:
        self._journal, self._counters = journal, counters
        self._waiting: list[Waiting] = []
        self._awake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._task = asyncio.get_running_loop().create_task(self._run())

    def add(self, frame: Waiting) -> None:
        """Put a frame into the next group."""
        self._waiting.append(frame)
        self._idle.clear()
        self._awake.set()

    async def drain(self) -> None:
        """Return once nothing is on its way to the disk."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Drain, then end the thread."""
        await self.drain()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._awake.wait()
            self._awake.clear()
            group, self._waiting = self._waiting, []
            entries = [frame.entry for frame in group]
            try:
                await loop.run_in_executor(self._thread, self._journal.append, entries)
            except StoreError as problem:
                self._refuse(group, problem)
                await asyncio.sleep(PAUSE_AFTER_FAILURE)
            else:
                self._acknowledge(group, loop.time())
            if not self._waiting:
                self._idle.set()

    def _acknowledge(self, group: list[Waiting], now: float) -> None:
        counters = self._counters
        counters.journalled(frame.status for frame in group)
        at = 0
        while at < len(group):  # frames of one connection stand together as they were read: one write for all
            sender, came = group[at].sender, group[at].came
            answers, size = [], 0
            while at < len(group) and group[at].sender is sender:
                size += group[at].size
                if group[at].answer:
                    answers.append(group[at].answer)
                at += 1
            sender.durable(size, b"".join(answers))
            if answers:
                counters.frames_acknowledged += len(answers)
                counters.latency.add(now - came, len(answers))

    def _refuse(self, group: list[Waiting], problem: StoreError) -> None:
        reason = "disk_full" if isinstance(problem, DiskFull) else "journal_failed"
        self._counters.complaints[reason] += len(group)
        logger.error("%d frames were not journalled and not acknowledged: %s", len(group), problem)
        for frame in group:
            frame.sender.refused(frame.size)
