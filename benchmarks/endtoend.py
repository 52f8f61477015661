"""Frames of ten factors over TCP into a gateway, and how long until their rows can be queried, at a steady rate.

    python -m benchmarks endtoend [--minutes 5] [--rate 5000] [--devices 5000]

Three processes, as in operation: a sender with a connection for every ten loggers, the gateway (journal, group sync,
acknowledgement), and a core that takes in (decode, flags, series) as fast as it can and averages hours at each tick of
the loop, as in operation. After each take the core says how
many frames stand in the series; lag is how long ago the sender had sent as many. A bare asyncio echo of the same frames
runs first, so that the figures can be read as ratios. On a machine that others use too, processor time a packet says
more than the clock.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import cast

import click

from benchmarks.gateway import ECHO, cpu_seconds
from bihuan.app.gateway import write_devices
from bihuan.core import CHINA, Place
from bihuan.devices.hj212 import uplink
from bihuan.register import Device, Fact, Register, Station
from bihuan.store import open_store

FACTORS = ("pm25", "pm10", "so2", "no2", "co", "o3", "air_temperature", "humidity", "wind_speed", "wind_from")
BESIDE = 10
"""Loggers behind one connection."""

CORE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from bihuan.app.ingest import Ingest
from bihuan.app.loop import TICK
from bihuan.app.town import Town
from bihuan.core import CHINA, floor_to
from bihuan.store import open_store
with open_store(Path(sys.argv[1])) as store:
    town = Town(store.records.register(), datetime.now(UTC).date())
    ingest = Ingest(store, CHINA)
    ingest.take(town, datetime.now(UTC))
    frames, averaged = 0, floor_to(datetime.now(UTC), TICK)
    print("ready", flush=True)
    while True:
        now = datetime.now(UTC)
        tick = floor_to(now, TICK)
        taken = ingest.take(town, now, average=tick != averaged)
        averaged = tick
        frames += taken.frames
        print("told", time.monotonic(), frames, flush=True)
        time.sleep(0.0 if taken.frames else 0.2)
"""


def city(devices: int) -> Register:
    """Loggers, each at a station of its own."""
    facts: list[Fact] = []
    for number in range(devices):
        place = Place(102 + number % 100 / 100, 39 + number // 100 / 100)
        facts.append(Station(id=f"S{number}", name="", kind="micro", place=place, district="D"))
        facts.append(Device(id=f"MN{number:05d}", name="", site=f"station:S{number}", rhythm={"rt": 1}))
    return Register(facts)


class Line(asyncio.Protocol):
    """One connection of several loggers; counts answers by their line ends and times each."""

    def __init__(self, times: list[float]) -> None:
        self._times, self._begun = times, deque[float]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, frames: list[bytes]) -> None:
        self._begun.extend([time.perf_counter()] * len(frames))
        self.transport.write(b"".join(frames))

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        for _ in range(data.count(b"\n")):
            self._times.append(now - self._begun.popleft())


async def send(
    port: int, devices: list[Device], rate: int, seconds: float, sent: list[tuple[float, int]]
) -> list[float]:
    """Send at a steady rate; every logger once in turn. Returns the time of every answer [s]."""
    times: list[float] = []
    loop = asyncio.get_running_loop()
    lines = [
        (await loop.create_connection(lambda: Line(times), "127.0.0.1", port))[1]
        for _ in range(max(1, len(devices) // BESIDE))
    ]
    began, count = time.monotonic(), 0
    while (now := time.monotonic()) - began < seconds:
        due = int((now - began) * rate) - count
        while due > 0:
            line = count // BESIDE % len(lines)
            stamp = datetime.now(UTC)
            frames = []
            for beside in range(BESIDE):
                device = devices[(count + beside) % len(devices)]
                # a second of its own for each report of a logger, whatever the rate
                at = (stamp - timedelta(minutes=20)).replace(microsecond=0) + timedelta(seconds=count // len(devices))
                figures = {code: {"rtd": 12.3 + n + (count + beside) % 50 / 10} for n, code in enumerate(FACTORS)}
                frames += uplink(device, "rt", at, figures, sent=stamp)  # type: ignore[arg-type]
            lines[line].send(frames)
            count, due = count + BESIDE, due - BESIDE
        sent.append((time.monotonic(), count))
        await asyncio.sleep(0.01)
    deadline = time.monotonic() + 30
    while len(times) < count and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    for line in lines:
        line.transport.close()
    return times


def lags(sent: list[tuple[float, int]], told: list[tuple[float, int]]) -> list[float]:
    """How long ago as much had been sent as the core tells to have stored, each time it tells. [s]"""
    found, at = [], 0
    for when, frames in told:
        while at < len(sent) and sent[at][1] <= frames:
            at += 1
        if at < len(sent) and sent[at][0] <= when:
            found.append(when - sent[at][0])
        elif frames:
            found.append(0.0)
    return found


def quantile(values: list[float], share: float) -> float:
    """Return a quantile, 0 of nothing."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def echo_cpu(frame: bytes) -> float:
    """Processor seconds a packet of a bare asyncio echo, twenty thousand packets in batches of ten."""
    server = subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline().rsplit(":", 1)[1])

        async def run() -> float:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            used = cpu_seconds(server.pid)
            for _ in range(2_000):
                writer.write(frame * BESIDE)
                await reader.readexactly(len(frame) * BESIDE)
            writer.close()
            return (cpu_seconds(server.pid) - used) / (2_000 * BESIDE)

        return asyncio.run(run())
    finally:
        server.terminate()
        server.wait()


def run(minutes: float, rate: int, devices: int) -> None:
    """Run it and print the table."""
    register = city(devices)
    loggers = list(register.all(Device, date(2026, 1, 1)))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    sample = uplink(loggers[0], "rt", datetime.now(UTC), {c: {"rtd": 1.5} for c in FACTORS}, sent=datetime.now(UTC))[0]
    bare = echo_cpu(sample)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        home = Path(folder)
        with open_store(home) as store:
            store.records.save_facts(list(register))
        write_devices(home / "devices.json", register, datetime.now(CHINA).date())
        many = ["--frames-per-second", "1e9", "--frames-per-second-per-address", "1e9", "--log-level", "ERROR"]
        command = [sys.executable, "-m", "bihuan.app.gateway", "--home", folder, "--port", "0", *many]
        gateway = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        log = home / "core.txt"
        with log.open("w") as out:
            core = subprocess.Popen([sys.executable, "-c", CORE, folder], stdout=out, text=True, env=environment)
        try:
            assert gateway.stdout is not None
            port = int(gateway.stdout.readline().rsplit(":", 1)[1])
            while "ready" not in log.read_text():
                assert core.poll() is None, "the core ended"
                time.sleep(0.1)
            used = cpu_seconds(gateway.pid), cpu_seconds(core.pid)
            sent: list[tuple[float, int]] = []
            times = asyncio.run(send(port, loggers, rate, minutes * 60, sent))
            gate = (cpu_seconds(gateway.pid) - used[0]) / max(1, sent[-1][1])
            while taken(log)[-1][1] < sent[-1][1] and core.poll() is None and time.monotonic() < sent[-1][0] + 120:
                time.sleep(0.2)
            told = taken(log)
            report(
                minutes, rate, sent, told, times, bare, gate, (cpu_seconds(core.pid) - used[1]) / max(1, told[-1][1])
            )
        finally:
            for process in (gateway, core):
                process.terminate()
                process.wait()


def taken(log: Path) -> list[tuple[float, int]]:
    """When the core told, and how many frames were in the series then."""
    rows = [line.split() for line in log.read_text().splitlines()]
    return [(float(row[1]), int(row[2])) for row in rows if len(row) == 3 and row[0] == "told"] or [(0.0, 0)]


def report(
    minutes: float,
    rate: int,
    sent: list[tuple[float, int]],
    told: list[tuple[float, int]],
    times: list[float],
    bare: float,
    gate: float,
    core: float,
) -> None:
    """Print what was found."""
    late = lags(sent, told)
    whole, seconds = sent[-1][1], sent[-1][0] - sent[0][0]
    moved = [(a, b) for a, b in pairwise(told) if b[1] > a[1]]
    stored = (told[-1][1] - told[0][1]) / max(1e-9, moved[-1][1][0] - moved[0][0][0]) if moved else 0.0
    rows = (
        ("asked packets/s", f"{rate:,}"),
        ("sent packets/s", f"{whole / seconds:,.0f}"),
        ("acknowledged", f"{len(times):,} of {whole:,}"),
        ("acknowledgement p50, p99 [ms]", f"{quantile(times, 0.5) * 1e3:.1f}, {quantile(times, 0.99) * 1e3:.1f}"),
        ("rows that can be queried", f"{told[-1][1] * len(FACTORS):,} of {whole * len(FACTORS):,}"),
        ("stored packets/s", f"{stored:,.0f}"),
        (
            "lag p50, p99, most [s]",
            f"{quantile(late, 0.5):.1f}, {quantile(late, 0.99):.1f}, {max(late, default=0.0):.1f}",
        ),
        ("processor us a packet: echo", f"{bare * 1e6:.0f}"),
        ("  gateway, to echo", f"{gate * 1e6:.0f}, {gate / bare:.1f}"),
        ("  core, to echo", f"{core * 1e6:.0f}, {core / bare:.1f}"),
        ("load of the machine at the end", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"),
    )
    print(f"{minutes:g} min, {datetime.now(UTC):%Y-%m-%d}")
    for name, value in rows:
        print(f"{name:34}{value}")


@click.command()
@click.option("--minutes", default=0.5, help="how long to send")
@click.option("--rate", default=5_000, help="packets a second")
@click.option("--devices", default=5_000, help="loggers")
def command(minutes: float, rate: int, devices: int) -> None:
    """Measure."""
    run(minutes, rate, devices)


def main() -> None:
    """Print the table; ``--minutes 5`` for the whole run."""
    options = sys.argv[1:] if "endtoend" not in sys.argv else sys.argv[sys.argv.index("endtoend") + 1 :]
    command.main(options if "endtoend" in sys.argv or __name__ == "__main__" else [], standalone_mode=False)


if __name__ == "__main__":
    main()
