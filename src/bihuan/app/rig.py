"""A synthetic city wired to the loop: its loggers connect to a real gateway over TCP, its people act on the cases."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bihuan.app.city import City, write_layers
from bihuan.app.clock import CityClock
from bihuan.app.gateway import Answer, DeviceLink, Gateway, GatewayConfig, Limits, write_devices
from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications, OutboxNotifier
from bihuan.app.orderdesk import OrderBook
from bihuan.app.outcome import Outcome
from bihuan.app.recall import SETTING as RECALL
from bihuan.app.settings import read_settings
from bihuan.cases import SYSTEM, Action, Case, CaseSettings
from bihuan.core import CHINA, CaseError, Language, Ref, Suspects, local_date
from bihuan.store import CitySetting, Store, open_store

log = logging.getLogger("bihuan.city")

T = TypeVar("T")

QUICK = Limits(frames_per_second=1e6, frames_per_second_per_address=1e6, idle=1e9)
"""A city that runs as fast as the machine can sends a day's frames in seconds, from one address."""


class Wire:
    """The gateway and the loggers' connections on an event loop of their own.

    Parameters
    ----------
    store : Store
    clock : CityClock
        Stamps what is received.
    answer : callable, optional
        How the loggers answer orders.
    """

    def __init__(self, store: Store, clock: CityClock, answer: Answer | None = None) -> None:
        self._answer = answer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bihuan-gateway", daemon=True)
        self._thread.start()
        config = GatewayConfig(
            journal=store.home.journal, devices=store.home.devices, port=0, limits=QUICK, orders=store.home.orders
        )
        self.gateway = Gateway(config, clock)
        self._links: dict[str, DeviceLink] = {}
        self._await(self.gateway.start())

    def send(self, frames: Iterable[tuple[str, bytes]]) -> int:
        """Send each logger's frames over its own connection and return how many were not acknowledged in the end."""
        by_logger: dict[str, list[bytes]] = {}
        for mn, frame in frames:
            by_logger.setdefault(mn, []).append(frame)
        return self._await(self._send(by_logger))

    async def _send(self, by_logger: dict[str, list[bytes]]) -> int:
        lost = await asyncio.gather(*(self._send_one(mn, frames) for mn, frames in by_logger.items()))
        return sum(lost)

    async def _send_one(self, mn: str, frames: list[bytes]) -> int:
        link = self._links.get(mn)
        if link is None:
            link = DeviceLink("127.0.0.1", self.gateway.port, window=64, answer=self._answer)
            self._links[mn] = link
            await link.__aenter__()
        before = len(link.report.unanswered)
        await link.send(*frames)
        return len((await link.settle()).unanswered) - before

    def close(self) -> None:
        """Hang up, stop the gateway, end the thread."""
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        for link in self._links.values():
            await link.close()
        await self.gateway.stop()

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        waiting: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return waiting.result()


class CityRun:
    """One run of a synthetic city through the whole loop.

    Parameters
    ----------
    city : City
    home : Path
        An empty folder; holds what the loop remembers.
    clock : CityClock, optional
        Of the city; one that is moved by hand if not given.
    language : Language
        Of the outbox.
    case_settings : CaseSettings, optional
        Of the city; the defaults if not given.

    Attributes
    ----------
    raised : list of (Event, datetime)
        Every event with the city's time at which it was first raised, for the scorer.
    """

    def __init__(
        self,
        city: City,
        home: Path,
        clock: CityClock | None = None,
        language: Language = "zh",
        case_settings: CaseSettings | None = None,
    ) -> None:
        self.city = city
        self.clock = clock or CityClock(city.start)
        self._by_hand = clock is None
        self.store = open_store(home)
        self.store.records.save_facts(city.plan.register)
        write_devices(self.store.home.devices, city.plan.register, local_date(city.start, CHINA))
        write_layers(city.plan, home)
        if self._by_hand:
            self._ask_for_nothing()
        outbox = OutboxNotifier(home / "outbox", language)
        notifications = Notifications([outbox], home / "notices.jsonl")
        self.loop = Loop(
            self.store, CHINA, notifications, city.start, case_settings=case_settings,
            tracing_model=read_settings(home).text("tracing_model"),
        )  # fmt: skip
        self.wire = Wire(self.store, self.clock, city.answer)
        self.rankings: dict[Ref, Suspects] = {}
        self._played: set[str] = set()
        self.orders = OrderBook(self.store, CHINA)
        self.raised: dict[str, tuple[Any, datetime]] = {}
        self.refused: list[str] = []

    def __enter__(self) -> CityRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def tick(self) -> Outcome:
        """Let the city live one tick and the loop answer."""
        now = self.city.now + TICK
        lived = self.city.advance(now, self._left_to_the_city(), self.rankings)
        if self._by_hand:
            self.clock.advance_to(now)
        lost = self.wire.send((mn, frame) for mn, _, frame in lived.frames)
        if lost:
            log.warning("%d frames were not acknowledged", lost)
        for ident, action in lived.actions:
            self._act(ident, action)
        outcome = self.loop.step(now)
        self.orders.follow(self.loop, now)
        self.rankings.update({found.ref: found for found in outcome.suspects})
        for event in outcome.events:
            self.raised.setdefault(event.id, (event, now))
        return outcome

    def ticks(self, until: datetime | None = None) -> Iterator[Outcome]:
        """Run to an instant, or to the end of the city."""
        until = until or self.city.end
        while self.city.now + TICK <= until:
            yield self.tick()

    def _ask_for_nothing(self) -> None:
        """Switch the automatic recall off: loggers answer in seconds of the wall, a city that lives faster in any tick.

        What the loop sees would then depend on the machine, and a city lived twice would not be the same.
        """
        off = {"on": False}
        day = local_date(self.city.start, CHINA)
        why = "the city lives faster than its loggers can be asked"
        self.store.settings.set(CitySetting(RECALL, off, day, "system:city", why, self.city.start))

    def _left_to_the_city(self) -> list[Case]:
        """Cases that nobody at a screen has taken over; a visit that somebody there reported is a visit."""
        left = []
        for case in self.loop.desk.cases:
            own = [
                step for step in case.steps if step.action.by.person != SYSTEM.person and step.id not in self._played
            ]
            for step in own:
                seen = step.action.kind == "handle" or (step.action.kind == "conclude" and step.before == "on_site")
                if seen and self.city.visited(case, step.at):
                    log.info("a visit ended what went on", extra={"case": case.id})
            if not own:
                left.append(case)
        return left

    def _act(self, ident: str, action: Action) -> None:
        """People act on what they saw last; what the case no longer allows is refused and they look again."""
        self._played.add(action.id)
        try:
            with self.store.step:
                self.loop.desk.act(ident, action)
        except CaseError as refused:
            self.refused.append(str(refused))
            log.info("refused: %s", refused)

    def close(self) -> None:
        """End the gateway and give the store back."""
        self.wire.close()
        self.store.close()
