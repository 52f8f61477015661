"""A logger as the standard wants it: sends, waits for the answer, sends again. For `bihuan send` and the city."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable
from dataclasses import dataclass, field

from bihuan.devices.hj212 import Envelope, Frame, Framer, envelope

ANSWERS = frozenset({"9013", "9014"})
"""Commands that say that a frame was taken."""

TIMEOUT = 10.0
"""HJ 212-2017 clause 9: default time-out of an answer. [s]"""

RESENDS = 3

Answer = Callable[[Envelope, Frame], Iterable[bytes]]
"""What a logger sends when the platform asks something of it."""


@dataclass(slots=True)
class SendReport:
    """What became of the frames.

    Attributes
    ----------
    sent : int
        Frames posted, each counted once.
    acknowledged : int
        Of those that wanted an answer, how many got it.
    resent : int
        Repetitions.
    unanswered : list of bytes
        Frames given up after the last resend.
    seconds : list of float
        From first sending to the answer. [s]
    """

    sent: int = 0
    acknowledged: int = 0
    resent: int = 0
    unanswered: list[bytes] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Pending:
    frame: bytes
    posted: float
    deadline: float
    resends: int = 0


class DeviceLink:
    """One connection of a logger, or of a concentrator that speaks for many.

    Parameters
    ----------
    host : str
    port : int
    window : int
        Frames under way at once.
    timeout : float
        Until a frame is sent again. [s]
    resends : int
        How often; then it is given up.
    answer : callable, optional
        Answers what the platform asks; without it orders are not heard.

    Notes
    -----
    An answer is matched by MN and QN. A line that breaks is opened again at the next time-out, and the frames under way
    are sent once more: the platform must take a repetition, and ours does.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        window: int = 16,
        timeout: float = TIMEOUT,
        resends: int = RESENDS,
        answer: Answer | None = None,
    ) -> None:
        self.report = SendReport()
        self._host, self._port = host, port
        self._window, self._timeout, self._resends = window, timeout, resends
        self._answer = answer
        self._pending: dict[tuple[str, str], deque[_Pending]] = {}
        self._under_way = 0
        self._changed = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> DeviceLink:
        await self.connect()
        self._tasks.append(asyncio.get_running_loop().create_task(self._watch()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Open the line.

        Raises
        ------
        OSError
            If nobody listens there.
        """
        reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.get_running_loop().create_task(self._listen(reader)))

    async def send(self, *frames: bytes) -> None:
        """Send frames, waiting first while the window is full."""
        for frame in frames:
            while self._under_way >= self._window:
                self._changed.clear()
                await self._changed.wait()
            self._post(frame)
        writer = self._writer
        if writer is not None and not writer.is_closing():
            with contextlib.suppress(ConnectionError):
                await writer.drain()

    async def settle(self) -> SendReport:
        """Return once every frame is answered or given up."""
        while self._under_way:
            self._changed.clear()
            await self._changed.wait()
        return self.report

    async def close(self) -> None:
        """Close the line; what is under way stays unanswered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None

    def _post(self, frame: bytes) -> None:
        self.report.sent += 1
        self._write(frame)
        head = envelope(frame)
        if not head.answer_wanted:
            return
        now = asyncio.get_running_loop().time()
        self._pending.setdefault((head.mn, head.qn), deque()).append(_Pending(frame, now, now + self._timeout))
        self._under_way += 1

    def _write(self, data: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        framer = Framer()
        with contextlib.suppress(OSError):
            while chunk := await reader.read(1 << 16):
                frames, _ = framer.feed(chunk)
                for frame in frames:
                    head = envelope(frame.data)
                    if head.cn in ANSWERS:
                        self._answered((head.mn, head.qn))
                    elif self._answer is not None:
                        for own in self._answer(head, frame):
                            self._post(own)
        if self._writer is not None:
            self._writer.close()

    def _answered(self, key: tuple[str, str]) -> None:
        waiting = self._pending.get(key)
        if not waiting:
            return
        pending = waiting.popleft()
        if not waiting:
            del self._pending[key]
        self.report.acknowledged += 1
        self.report.seconds.append(asyncio.get_running_loop().time() - pending.posted)
        self._ended()

    def _ended(self) -> None:
        self._under_way -= 1
        self._changed.set()

    async def _watch(self) -> None:
        """Send again what was not answered in time, over a new line where the old one broke."""
        while True:
            await asyncio.sleep(self._timeout / 10)
            now = asyncio.get_running_loop().time()
            late = [(key, p) for key, waiting in self._pending.items() for p in waiting if p.deadline <= now]
            if late and (self._writer is None or self._writer.is_closing()):
                with contextlib.suppress(OSError):
                    await self.connect()
            for key, pending in late:
                if pending.resends == self._resends:
                    self._give_up(key, pending)
                    continue
                pending.resends += 1
                pending.deadline = now + self._timeout
                self.report.resent += 1
                self._write(pending.frame)

    def _give_up(self, key: tuple[str, str], pending: _Pending) -> None:
        waiting = self._pending[key]
        waiting.remove(pending)
        if not waiting:
            del self._pending[key]
        self.report.unanswered.append(pending.frame)
        self._ended()


async def send_frames(
    host: str,
    port: int,
    frames: Iterable[bytes] | AsyncIterable[bytes],
    *,
    window: int = 16,
    timeout: float = TIMEOUT,
    resends: int = RESENDS,
) -> SendReport:
    """Send frames over one connection and return what became of them.

    Parameters
    ----------
    host : str
    port : int
    frames : iterable or async iterable of bytes
        Whole frames; those that ask for an answer are awaited, the others only sent.
    window : int
        Frames under way at once.
    timeout : float
        Until a frame is sent again. [s]
    resends : int
        How often.

    Raises
    ------
    OSError
        If nobody listens there.
    """
    async with DeviceLink(host, port, window=window, timeout=timeout, resends=resends) as link:
        if isinstance(frames, AsyncIterable):
            async for frame in frames:
                await link.send(frame)
        else:
            for frame in frames:
                await link.send(frame)
        return await link.settle()
