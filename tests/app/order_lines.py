"""Orders in the inbox of a gateway, and devices that answer them: for the tests of orders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bihuan.app.clock import CityClock
from bihuan.app.gateway import DeviceLink, Gateway, KnownDevice, OrderFile, Told
from bihuan.core import from_json, to_json
from bihuan.devices.hj212 import (
    Envelope,
    Frame,
    executed,
    reply,
)
from tests.app.gateways import config, frame
from tests.app.small import MNS

T = TypeVar("T")

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
MN = MNS[0]
KEY, NEXT = "A" * 16, "B" * 16


def order_file(command: str, arguments: dict[str, str] | None = None, **other: Any) -> OrderFile:
    fields: dict[str, Any] = {"id": f"o-{command}", "device": MN, "command": command, "arguments": arguments or {}}
    fields |= {"asked": NOW, "expires": NOW + timedelta(hours=1), "password": "123456", "protocol": "hj212-2017"}
    return OrderFile(**(fields | {"timeout": 0.2, "resends": 2, "execution": 0.5} | other))


def hand(folder: Path, order: OrderFile, gateway: str = "g1") -> Path:
    inbox = folder / "orders" / gateway
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / f"{order.id}.json").write_bytes(to_json(order))
    return inbox / f"{order.id}.told"


async def told(path: Path, until: Callable[[Told], bool]) -> Told:
    """What the gateway says of an order once it is as wanted."""
    async with asyncio.timeout(10):
        while True:
            found = from_json(path.read_bytes(), Told) if path.exists() else None
            if found is not None and until(found):
                return found
            await asyncio.sleep(0.02)


def over(one: Told) -> bool:
    return one.state not in ("waiting", "sent", "accepted")


def run(work: Any) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


async def started(folder: Path, **other: Any) -> Gateway:
    gateway = Gateway(
        config(folder, orders=folder / "orders", **other), CityClock(NOW), known={MN: KnownDevice("123456")}
    )
    await gateway.start()
    return gateway


Answering = Callable[[Envelope, Frame], list[bytes]]


def obliging(head: Envelope, taken: Frame) -> list[bytes]:
    return [reply(head, 1), executed(head, 1)]


async def talking(gateway: Gateway, answer: Answering) -> DeviceLink:
    link = DeviceLink("127.0.0.1", gateway.port, answer=answer)
    await link.__aenter__()
    await link.send(frame(1, mn=MN))
    await link.settle()
    return link


@asynccontextmanager
async def line(folder: Path, answer: Answering, **other: Any) -> AsyncIterator[tuple[Gateway, DeviceLink]]:
    """A gateway, and a device that talks to it and answers."""
    gateway = await started(folder, **other)
    link = await talking(gateway, answer)
    yield gateway, link
    await link.close()
    await gateway.stop()


def heard(of: Callable[[Envelope, Frame], T]) -> tuple[list[T], Answering]:
    """What of each frame a device that obliges was sent, and the device."""
    asked: list[T] = []

    def answer(head: Envelope, taken: Frame) -> list[bytes]:
        asked.append(of(head, taken))
        return obliging(head, taken)

    return asked, answer
