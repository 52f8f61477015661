"""What a gateway has to survive: a full disk under load, a device that sends garbage, everybody reconnecting at once.

In all of them: acknowledged means kept.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bihuan.devices.hj212 import Framer, envelope
from bihuan.store import JournalReader
from tests.app.gateways import frame, journalled, running
from tests.app.killed import doomed, gateway_process
from tests.store.power import PowerCutFiles

Answered = set[tuple[str, str]]


@asynccontextmanager
async def line(
    port: int, address: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def answers_of(reader: asyncio.StreamReader, into: Answered) -> None:
    """Note MN and QN of every answer until the line ends."""
    framer = Framer()
    while chunk := await reader.read(1 << 16):
        into |= {(head.mn, head.qn) for head in (envelope(one.data) for one in framer.feed(chunk)[0])}


def kept(folder: Path) -> Answered:
    return {(head.mn, head.qn) for head in (envelope(record.raw) for record in journalled(folder))}


@pytest.mark.parametrize("rounds", [3, pytest.param(40, marks=pytest.mark.long)])
def test_a_disk_that_fills_up_under_load_keeps_what_it_acknowledged_and_goes_on(tmp_path: Path, rounds: int) -> None:
    answered: Answered = set()
    sent: Answered = set()
    chance = random.Random(rounds)

    async def run() -> None:
        async with running(tmp_path, files=disk) as gateway, contextlib.AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(line(gateway.port)) for _ in range(6)]
            listening = [asyncio.create_task(answers_of(reader, answered)) for reader, _ in lines]
            number = 0
            for _ in range(rounds):
                disk.room = chance.randrange(4_000)
                refused = gateway.counters.complaints["disk_full"]
                while gateway.counters.complaints["disk_full"] == refused:
                    for place, (_, writer) in enumerate(lines):
                        number += 1
                        sent.add((f"MN{place:04d}", envelope(frame(number)).qn))
                        writer.write(frame(number, f"MN{place:04d}"))
                    await asyncio.sleep(0.01)
                assert gateway.counters.frames_acknowledged == gateway.counters.frames_received
                disk.room = None
            last = {(f"MN{place:04d}", envelope(frame(999_999)).qn) for place in range(6)}
            for place, (_, writer) in enumerate(lines):  # room came back: the devices send again what was not answered
                writer.write(frame(999_999, f"MN{place:04d}"))
            async with asyncio.timeout(20):
                while not last <= answered:
                    await asyncio.sleep(0.01)
            for task in listening:
                task.cancel()

    disk = PowerCutFiles()
    asyncio.run(run())
    records = JournalReader(tmp_path / "journal", disk).follow("g1")
    assert answered <= {(head.mn, head.qn) for head in (envelope(record.raw) for record in records)}
    assert sent - answered, "some frames met a full disk"


GARBAGE = [
    lambda chance: chance.randbytes(1 << 16),
    lambda chance: b"##9999QN=" * 7_000,
    lambda chance: b"##" * 32_000,
    lambda chance: b"&&ABCD" * 10_000,
    lambda chance: b"##0100ST=22;CP=&&" + b"A" * 60_000,
]
"""Noise, headers without an end, beginnings of headers, ends without a beginning, an endless segment."""


@pytest.mark.parametrize("seconds", [0.6, pytest.param(20.0, marks=pytest.mark.long)])
def test_devices_that_send_garbage_at_full_speed_take_neither_memory_nor_answers_of_others(
    tmp_path: Path, seconds: float
) -> None:
    answered: Answered = set()

    async def garbage(port: int, number: int, ended: asyncio.Event) -> int:
        chance, closed = random.Random(number), 0
        while not ended.is_set():
            with contextlib.suppress(OSError):
                async with line(port) as (_, writer):
                    while not ended.is_set():
                        writer.write(GARBAGE[number % len(GARBAGE)](chance))
                        await writer.drain()
            closed += 1
        return closed

    async def run(port: int, pid: int) -> tuple[int, int]:
        ended = asyncio.Event()
        before = memory(pid)
        noisy = [asyncio.create_task(garbage(port, number, ended)) for number in range(len(GARBAGE))]
        async with contextlib.AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(line(port)) for _ in range(10)]
            listening = [asyncio.create_task(answers_of(reader, answered)) for reader, _ in lines]
            loop = asyncio.get_running_loop()
            until, number = loop.time() + seconds, 0
            while loop.time() < until:
                number += 1
                for place, (_, writer) in enumerate(lines):
                    writer.write(frame(number, f"MN{place:04d}"))
                await asyncio.sleep(0.02)
            async with asyncio.timeout(60):
                while len(answered) < 10 * number:
                    await asyncio.sleep(0.01)
            ended.set()
            closed = sum(await asyncio.gather(*noisy))
            for task in listening:
                task.cancel()
        return closed, memory(pid) - before

    with doomed(gateway_process, tmp_path) as (port, kill):
        closed, grown = asyncio.run(run(port, pid_of(tmp_path)))
        kill()
    assert closed >= len(GARBAGE), "such a line is closed again and again"
    assert grown < 64 << 20
    assert answered <= kept(tmp_path)


@pytest.mark.parametrize("devices", [300, pytest.param(5_000, marks=pytest.mark.long)])
def test_every_device_that_reconnects_at_the_same_moment_is_served(tmp_path: Path, devices: int) -> None:
    answered: Answered = set()

    async def device(port: int, number: int, turn: int) -> None:
        async with line(port, f"127.0.0.{1 + number % 50}") as (reader, writer):
            writer.write(frame(turn, f"MN{number:04d}"))
            head = envelope(await reader.readuntil(b"\r\n"))
            answered.add((head.mn, head.qn))
            together.release()
            await everybody.wait()  # all lines are open at once

    async def run(port: int, pid: int) -> None:
        nonlocal together, everybody
        for turn in (1, 2):  # and once more, as after a broken line of the city
            together, everybody = asyncio.Semaphore(0), asyncio.Event()
            tasks = [asyncio.create_task(device(port, number, turn)) for number in range(devices)]
            async with asyncio.timeout(280):
                for _ in range(devices):
                    await together.acquire()
            assert memory(pid) < 300 << 20
            everybody.set()
            await asyncio.gather(*tasks)

    together, everybody = asyncio.Semaphore(0), asyncio.Event()
    with doomed(gateway_process, tmp_path) as (port, kill):
        asyncio.run(run(port, pid_of(tmp_path)))
        kill()
    assert len(answered) == 2 * devices
    assert answered <= kept(tmp_path)


def pid_of(folder: Path) -> int:
    return int((folder / "journal" / "g1" / "lock").read_text())


def memory(pid: int) -> int:
    """Most that a process ever held in memory. [bytes]"""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) << 10 for row in rows if row.startswith("VmHWM"))
