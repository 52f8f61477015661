"""Processes that are killed in the middle of their work, for the kill tests.

They come from a fork server that has imported everything once, so that fifty rounds do not import fifty times.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bihuan.app.gateway import Limits, run_gateway, write_devices
from bihuan.core import readings_table
from bihuan.devices.hj212 import Hj212Adapter
from bihuan.register import Device, Register
from bihuan.store import START, Position, Record, Store, open_store
from tests.app.gateways import config

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.app.killed"])

DEVICES = [Device(id=f"MN{number:04d}", name="", site="station:1") for number in range(8)]
STEP = 40


def register_devices(home: Path) -> None:
    write_devices(home / "devices.json", Register(DEVICES), date(2026, 1, 1))


def gateway_process(home: Path, pipe: Connection) -> None:
    """Run a gateway and say its port."""
    fast = Limits(frames_per_second=1e6, frames_per_second_per_address=1e6)
    run_gateway(config(home, limits=fast, segment_bytes=100_000), ready=pipe.send)


def core_process(home: Path, pipe: Connection) -> None:
    """Bring the journal into the series, batch by batch, for as long as it lives; speak after the first."""
    store = open_store(home, threads=1)
    at = begun = store.series.consumed().get("g1", START)
    while True:
        end = take(store, at)
        if end == at:
            time.sleep(0.002)
        elif at == begun:
            pipe.send(0)
        at = end


def take(store: Store, at: Position, limit: int = STEP) -> Position:
    """Bring one batch of frames into the series and return how far the journal was read."""
    records, end = store.journal.tail("g1", at, limit)
    if records:
        store.series.append(readings_table(_readings(records)), consumed={"g1": end})
    return end


def _readings(records: list[Record]) -> Iterator[Any]:
    adapter = Hj212Adapter(DEVICES[1])
    for record in records:
        yield from adapter.decode(record.raw, record.received, record.frame).readings


@contextmanager
def doomed(work: Callable[[Path, Connection], None], home: Path) -> Iterator[tuple[int, Callable[[], None]]]:
    """Start a process; yield what it said first and what kills it with SIGKILL, at the latest after the block."""
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=work, args=(home, there))
    process.start()
    there.close()

    def kill() -> None:
        if process.pid is not None and process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            process.join()

    try:
        yield here.recv(), kill
    finally:
        kill()
        here.close()
        assert process.exitcode == -signal.SIGKILL
