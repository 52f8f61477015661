"""The gateway's end of orders: files in, frames out over the logger's own line, and what became of them in files back.

The core process writes ``<home>/orders/<gateway>/<id>.json``; the gateway holds no database. Of several gateways the
one that holds the logger's line takes the order, by making a file that only one can make. What came back stands in
``<id>.told``; the answers themselves are in the journal like every frame. One order at a time goes to a logger, in the
order they were asked. A gateway that starts again goes on where its file says it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from bihuan.app.clock import Clock
from bihuan.app.gateway.tcp import Door
from bihuan.core import BihuanError, from_json, to_json
from bihuan.devices.hj212 import Envelope, Frame, command_of, exchange, request, result_of, write_stamp
from bihuan.store import write_whole

logger = logging.getLogger("bihuan.gateway")

CLAIMS = "taken"
"""Folder of the files that say which gateway has an order."""


class OrderFile(msgspec.Struct, frozen=True):
    """One order as the core hands it out.

    Attributes
    ----------
    id, device, command : str
    arguments : dict of str to str
        Secrets among them: the file is its owner's alone.
    asked, expires : datetime
        An order that did not go out by `expires` never will.
    password, protocol, key : str
        Of the device.
    zone : str
        Local time of the device.
    timeout, execution : float
        [s]
    resends : int
    """

    id: str
    device: str
    command: str
    arguments: dict[str, str]
    asked: datetime
    expires: datetime
    password: str
    protocol: str
    key: str = ""
    zone: str = "Asia/Shanghai"
    timeout: float = 10.0
    resends: int = 3
    execution: float = 60.0


class Told(msgspec.Struct, frozen=True):
    """What became of an order.

    Attributes
    ----------
    state : str
        As `bihuan.devices.hj212.exchange` names it.
    qn : str
    attempts, frames : int
    returned, executed : int or None
        QnRtn, ExeRtn.
    sent, ended : datetime or None
    """

    state: str
    qn: str = ""
    attempts: int = 0
    frames: int = 0
    returned: int | None = None
    executed: int | None = None
    sent: datetime | None = None
    ended: datetime | None = None


@dataclass(slots=True)
class _Talk:
    """One order under way."""

    order: OrderFile
    exchange: exchange.Exchange
    sent: datetime | None = None


class OrderDesk:
    """Orders of one gateway.

    Parameters
    ----------
    folder : Path
        ``<home>/orders``.
    gateway : str
    door : Door
    clock : Clock
        Time that is written into orders, and by which they expire.
    """

    def __init__(self, folder: Path, gateway: str, door: Door, clock: Clock) -> None:
        self._folder, self._gateway, self._door, self._clock = folder, gateway, door, clock
        self._inbox = folder / gateway
        self._inbox.mkdir(parents=True, exist_ok=True)  # so that the core knows that this gateway stands
        self._queues: dict[str, list[OrderFile]] = {}
        self._talks: dict[str, _Talk] = {}
        self._known: set[str] = set()
        self._numbers: dict[str, datetime] = {}

    def look(self) -> None:
        """Take new orders, send what can go, let time pass; called every second."""
        try:
            self._read()
        except OSError as problem:
            logger.error("orders cannot be read: %s: %s", self._inbox, problem)
        now = asyncio.get_running_loop().time()
        for mn, talk in list(self._talks.items()):
            after, again = exchange.tick(talk.exchange, now)
            self._move(talk, after)
            if again:
                self._post(talk)
            if after.over:
                self._end(mn)
        for mn in list(self._queues):
            if mn not in self._talks:
                self._start(mn, now)

    def heard(self, head: Envelope, frame: Frame) -> None:
        """Take a frame of a logger that an order waits for."""
        talk = self._talks.get(head.mn)
        if talk is None:
            return
        now = asyncio.get_running_loop().time()
        self._move(talk, exchange.hear(talk.exchange, head.cn, head.qn, result_of(frame, head.cn), now))
        if talk.exchange.over:
            self._end(head.mn)
            self._start(head.mn, now)

    def _read(self) -> None:
        if not self._inbox.is_dir():
            return
        present = {
            entry.name.removesuffix(".json") for entry in os.scandir(self._inbox) if entry.name.endswith(".json")
        }
        self._known &= present  # the core takes away what is over
        for ident in sorted(present - self._known):
            order = self._load(ident)
            if order is None:
                continue
            self._known.add(ident)
            queue = self._queues.setdefault(order.device, [])
            queue.append(order)
            queue.sort(key=lambda one: (one.asked, one.id))
        for mn, queue in list(self._queues.items()):
            queue[:] = [order for order in queue if order.id in present]
            if not queue:
                del self._queues[mn]

    def _load(self, ident: str) -> OrderFile | None:
        try:
            return from_json((self._inbox / f"{ident}.json").read_bytes(), OrderFile)
        except (OSError, BihuanError, msgspec.MsgspecError, ValueError) as problem:
            logger.error("order %s cannot be read: %s", ident, problem)
            self._known.add(ident)
            return None

    def _start(self, mn: str, now: float) -> None:
        """Send the next order of a logger whose line is here."""
        queue = self._queues.get(mn)
        while queue:
            order = queue[0]
            before = self._told(order.id)
            if self._clock.now() > order.expires and (before is None or before.state == "waiting"):
                queue.pop(0)
                if self._take(order.id):
                    self._tell(_Talk(order, exchange.give_up(exchange.Exchange(""))))
                continue
            if mn not in self._door.senders or not self._take(order.id):
                return
            queue.pop(0)
            talk = self._talk(order, before, now)
            if talk is None:
                continue
            self._talks[mn] = talk
            self._door.asked[mn] = self.heard
            if before is None:
                self._post(talk)
            self._tell(talk)
            return
        self._queues.pop(mn, None)

    def _talk(self, order: OrderFile, before: Told | None, now: float) -> _Talk | None:
        """Begin an order, or go on with one that an earlier process of this gateway began; None when it is over."""
        command = command_of(order.command, order.protocol)
        patience = exchange.Patience(order.timeout, order.resends, order.execution)
        notice = command.pattern == "notice"
        if before is None:
            fresh = exchange.Exchange(self._number(order), notice, command.answer, patience)
            return _Talk(order, exchange.begin(fresh, now), self._clock.now())
        if before.state not in ("sent", "accepted"):
            return None
        wait = order.timeout if before.state == "sent" else order.execution
        going = exchange.Exchange(before.qn, notice, command.answer, patience, deadline=now + wait)
        going = replace(going, state=before.state, attempts=before.attempts, frames=before.frames)  # type: ignore[arg-type]
        return _Talk(order, going, before.sent)

    def _number(self, order: OrderFile) -> str:
        """A QN of the present instant, never the same twice for one logger."""
        now, last = self._clock.now(), self._numbers.get(order.device)
        if last is not None and now - last < timedelta(milliseconds=1):
            now = last + timedelta(milliseconds=1)
        self._numbers[order.device] = now
        return write_stamp(now, ZoneInfo(order.zone), milliseconds=True)

    def _post(self, talk: _Talk) -> None:
        order, connection = talk.order, self._door.senders.get(talk.order.device)
        if connection is None:
            return  # the line broke: the next resend goes over the new one
        frame = request(
            command_of(order.command, order.protocol),
            order.arguments,
            mn=order.device,
            password=order.password,
            system=connection.names.get(order.device) or "22",
            protocol=order.protocol,
            qn=talk.exchange.qn,
            now=self._clock.now(),
            zone=ZoneInfo(order.zone),
            key=order.key,
        )
        connection.post(frame)
        logger.info("order %s (%s) sent to %s", order.id, order.command, order.device)

    def _move(self, talk: _Talk, after: exchange.Exchange) -> None:
        before, talk.exchange = talk.exchange, after
        if (before.state, before.attempts) != (after.state, after.attempts):  # data frames are told at the end
            self._tell(talk)

    def _end(self, mn: str) -> None:
        del self._talks[mn]
        self._door.asked.pop(mn, None)

    def _take(self, ident: str) -> bool:
        """Make the file that says that this gateway has an order; False when another was faster."""
        path = self._folder / CLAIMS / ident
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(self._gateway)
        except FileExistsError:
            with contextlib.suppress(OSError):
                return path.read_text("utf-8") == self._gateway
            return False
        except OSError as problem:
            logger.error("order %s cannot be taken: %s", ident, problem)
            return False
        return True

    def _told(self, ident: str) -> Told | None:
        try:
            return from_json((self._inbox / f"{ident}.told").read_bytes(), Told)
        except (OSError, BihuanError, msgspec.MsgspecError):
            return None

    def _tell(self, talk: _Talk) -> None:
        now, order = talk.exchange, talk.order
        told = Told(
            now.state,
            now.qn,
            now.attempts,
            now.frames,
            now.returned,
            now.executed,
            talk.sent,
            self._clock.now() if now.over else None,
        )
        try:
            write_whole(self._inbox / f"{order.id}.told", to_json(told), durable=False, private=True)
        except (OSError, BihuanError) as problem:
            logger.error("what became of order %s was not written: %s", order.id, problem)
