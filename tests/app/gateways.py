"""Frames and gateways of our own making, for the tests of the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bihuan.app.gateway import Gateway, GatewayConfig, KnownDevice, Limits
from bihuan.devices.hj212 import encode
from bihuan.store import Files, JournalReader, Record

KNOWN = {f"MN{number:04d}": KnownDevice("123456") for number in range(2000)}


def frame(number: int, mn: str = "MN0001", pw: str = "123456", flag: int | None = 5, cn: str = "2011") -> bytes:
    groups = [[("DataTime", "20260131160000")], [("a34004-Rtd", f"{number % 900}.5"), ("a34004-Flag", "N")]]
    return encode(cn, mn, groups, qn=f"20260131{number:09d}", st="22", pw=pw, flag=flag)


def config(folder: Path, **other: Any) -> GatewayConfig:
    fields: dict[str, Any] = {"journal": folder / "journal", "devices": folder / "devices.json", "port": 0}
    return GatewayConfig(**(fields | {"tick": 0.05} | other))


@asynccontextmanager
async def running(folder: Path, files: Files | None = None, **other: Any) -> AsyncIterator[Gateway]:
    """A gateway that knows MN0000 .. MN1999, stopped cleanly at the end."""
    extra = {} if files is None else {"files": files}
    gateway = Gateway(config(folder, **other), known=KNOWN, **extra)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop()


def journalled(folder: Path, gateway: str = "g1") -> list[Record]:
    return list(JournalReader(folder / "journal").follow(gateway))


def limits(**other: Any) -> Limits:
    return Limits(**other)
