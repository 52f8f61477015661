"""What changed, told to every open page at once: each message is made once and sent to all (server-sent events)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

from bihuan.app.loop import Outcome
from bihuan.core import to_json

WAITING = 64
"""Messages that one slow page may have waiting; it then reads everything anew instead."""

BEAT = 20.0
"""A comment keeps the connection open when nothing changes. [s]"""


class Live:
    """Broadcasts small messages from any thread to the pages that listen."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[bytes]]] = set()

    @property
    def listeners(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    def tell(self, kind: str, **body: object) -> None:
        """Tell every page: ``case``, ``event``, ``overview``, ``clock`` ..."""
        message = f"event: {kind}\ndata: {to_json(body).decode()}\n\n".encode()
        with self._mutex:
            listeners = list(self._listeners)
        for loop, queue in listeners:
            with contextlib.suppress(RuntimeError):  # its server is just closing
                loop.call_soon_threadsafe(_offer, queue, message)

    def tell_outcome(self, outcome: Outcome, pace: float | None = 1.0) -> None:
        """Tell what one step of the loop changed, and what time it is."""
        self.tell("clock", now=outcome.now, pace=pace)
        for event in outcome.events:
            self.tell("event", id=event.id, open=event.open)
        for found in outcome.suspects:
            self.tell("event", id=found.event.id)
        for case in outcome.cases:
            self.tell("case", id=case.id, state=case.state)
        self.tell("overview", now=outcome.now)

    async def listen(self) -> AsyncIterator[bytes]:
        """Yield messages as they come, and a heart-beat."""
        entry = (asyncio.get_running_loop(), asyncio.Queue[bytes](WAITING))
        with self._mutex:
            self._listeners.add(entry)
        try:
            yield b": hello\n\n"
            while True:
                try:
                    yield await asyncio.wait_for(entry[1].get(), BEAT)
                except TimeoutError:
                    yield b": beat\n\n"
        finally:
            with self._mutex:
                self._listeners.discard(entry)


def _offer(queue: asyncio.Queue[bytes], message: bytes) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        message = b"event: renew\ndata: {}\n\n"
    queue.put_nowait(message)
