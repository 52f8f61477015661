"""What changed, told to every open page at once, each what its session may know (server-sent events)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bihuan.app.outcome import Outcome
from bihuan.core import to_json

WAITING = 64
"""Messages that one slow page may have waiting; it then reads everything anew instead."""

BEAT = 20.0
"""A comment keeps the connection open when nothing changes, and it is looked whether the session still holds. [s]"""

RIGHTS_OF = {
    "bulletin": "bulletin.read",
    "case": "case.read",
    "clock": "",
    "device": "device.read",
    "event": "event.read",
    "forward": "forward.read",
    "job": "",
    "overview": "overview.read",
    "shift": "shift.read",
    "sign": "sign.read",
    "standard": "standard.read",
    "trace_report": "tracereport.read",
    "warning": "warning.read",
}
"""Kind of message -> right of those who hear of it; empty for everyone who is logged in (of jobs, those concerned)."""

ENDED = b"event: ended\ndata: {}\n\n"
RENEW = b"event: renew\ndata: {}\n\n"

Hears = Callable[[str, str, dict[str, Any]], bool | None]
"""Takes kind, right and body; None: hears nothing; False: that something of the kind changed; True: all of it."""


@dataclass(slots=True, eq=False)
class Listener:
    """One open page.

    Attributes
    ----------
    digest : str
        Of the session's secret.
    hears : Hears
    holds : callable
        Says whether the session still holds; may ask the records, and is asked on a thread of its own.
    """

    digest: str
    hears: Hears
    holds: Callable[[], bool]
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(WAITING))


class Live:
    """Broadcasts small messages from any thread to the pages that listen."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._listeners: set[Listener] = set()

    @property
    def listeners(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    def tell(self, kind: str, **body: Any) -> None:
        """Tell every page that may hear of it: a kind of `RIGHTS_OF`, and an `id` for those who see that very thing."""
        right = RIGHTS_OF[kind]
        with self._mutex:
            listeners = list(self._listeners)

        @cache
        def message(whole: bool) -> bytes:
            return f"event: {kind}\ndata: {to_json(body if whole else {}).decode()}\n\n".encode()

        for one in listeners:
            heard = one.hears(kind, right, body)
            if heard is not None:
                _send(one, message(heard))

    def tell_outcome(self, outcome: Outcome, pace: float | None = 1.0) -> None:
        """Tell what one step of the loop changed, and what time it is."""
        self.tell("clock", now=outcome.now, pace=pace)
        for event in outcome.events:
            self.tell("event", id=event.id, open=event.open)
        for found in outcome.suspects:
            self.tell("event", id=found.event.id)
        for case in outcome.cases:
            self.tell("case", id=case.id, state=case.state)
        if outcome.signs:
            self.tell("sign")
        self.tell("overview", now=outcome.now)

    def end(self, digest: str) -> None:
        """Hang up on the pages of a session that has ended."""
        with self._mutex:
            listeners = [one for one in self._listeners if one.digest == digest]
        for one in listeners:
            _send(one, ENDED)

    async def listen(self, digest: str, hears: Hears, holds: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield messages as they come, and a heart-beat, until the session ends."""
        loop = asyncio.get_running_loop()
        one = Listener(digest, hears, holds, loop)
        with self._mutex:
            self._listeners.add(one)
        try:
            yield b": hello\n\n"
            due = loop.time() + BEAT
            while True:
                try:
                    message = await asyncio.wait_for(one.queue.get(), max(0.0, due - loop.time()))
                except TimeoutError:
                    message = b": beat\n\n" if await asyncio.to_thread(holds) else ENDED
                    due = loop.time() + BEAT
                yield message
                if message is ENDED:
                    return
        finally:
            with self._mutex:
                self._listeners.discard(one)


def _send(one: Listener, message: bytes) -> None:
    with contextlib.suppress(RuntimeError):  # its server is just closing
        one.loop.call_soon_threadsafe(_offer, one.queue, message)


def _offer(queue: asyncio.Queue[bytes], message: bytes) -> None:
    if queue.full() or message is ENDED:
        ended = message is ENDED
        while not queue.empty():
            ended = queue.get_nowait() is ENDED or ended
        message = ENDED if ended else RENEW
    queue.put_nowait(message)
