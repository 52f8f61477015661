"""One gateway process on one core: packets a second durably acknowledged, beside a bare asyncio echo on the same core.

1,000 connections, 10-factor packets, one or four under way on each; the senders run on the other core. The echo server
parses, journals and syncs nothing: the ratio says what durability and the protocol cost. On a machine that others use
too, packets a second of the server's own CPU time say what it could do with the core to itself.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, cast

import numpy as np

from bihuan.app.gateway import read_status
from bihuan.devices.hj212 import encode

CONNECTIONS = 1_000
MANY = 5_000
"""Connections at which the memory is looked at."""

SECONDS = 5.0
FACTORS = ["a34004", "a34002", "a21026", "a21004", "a21005", "a05024", "a01001", "a01002", "a01006", "a01007"]

ECHO = """
import asyncio
class Echo(asyncio.Protocol):
    def connection_made(self, transport): self.write = transport.write
    def data_received(self, data): self.write(data)
async def serve():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=1024)
    print("echo listens on x:%d" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(serve())
"""


def packet(number: int, mn: str) -> bytes:
    """One real-time packet of ten factors with flags."""
    values = [f"{(number * 7 + place) % 997 / 10:.1f}" for place in range(len(FACTORS))]
    groups = [[("DataTime", "20260131160000")]]
    groups += [[(f"{code}-Rtd", value), (f"{code}-Flag", "N")] for code, value in zip(FACTORS, values, strict=True)]
    return encode("2011", mn, groups, qn=f"20260131{number:09d}", st="22")


class Sender(asyncio.Protocol):
    """Sends a packet for every answer and times it; answers are counted by their line ends."""

    def __init__(self, packets: list[bytes], seconds: list[float]) -> None:
        self.packets, self.seconds, self.sent, self.begun = packets, seconds, 0, deque[float]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def go(self, count: int) -> None:
        now = perf_counter()
        first = self.sent % (len(self.packets) // 2)
        self.transport.write(b"".join(self.packets[first : first + count]))
        self.sent += count
        self.begun.extend([now] * count)

    def data_received(self, data: bytes) -> None:
        count, now = data.count(b"\n"), perf_counter()
        self.seconds.extend(now - self.begun.popleft() for _ in range(count))
        if count:
            self.go(count)


class Measured(NamedTuple):
    """Packets a second, packets a second of the server's CPU time, and the time of each answer [s]."""

    rate: float
    rate_of_cpu: float
    times: np.ndarray


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used, all its threads together."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def load(port: int, pid: int, under_way: int) -> Measured:
    """Send for `SECONDS` after a second of warming up."""
    loop = asyncio.get_running_loop()
    seconds: list[float] = []
    senders = []
    for n in range(CONNECTIONS):
        packets = [packet(number, f"MN{n:04d}") for number in range(8)] * 2
        _, sender = await loop.create_connection(lambda p=packets: Sender(p, seconds), "127.0.0.1", port)
        senders.append(sender)
    for sender in senders:
        sender.go(under_way)
    await asyncio.sleep(1.0)
    seconds.clear()
    begun, used = perf_counter(), cpu_seconds(pid)
    await asyncio.sleep(SECONDS)
    length, times, used = perf_counter() - begun, np.array(seconds), cpu_seconds(pid) - used
    for sender in senders:
        sender.transport.abort()
    return Measured(len(times) / length, len(times) / used, times)


def measure(command: list[str], under_way: int) -> Measured:
    """Run a server on the first core and the senders on the last."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    os.sched_setaffinity(0, cores[-1:])
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline().rsplit(":", 1)[1])
        return asyncio.run(load(port, server.pid, under_way))
    finally:
        server.terminate()
        server.wait()
        os.sched_setaffinity(0, cores)


def measure_gateway(loop: str, under_way: int) -> Measured:
    """Run a gateway on an empty home on this disk."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        command = [sys.executable, "-m", "bihuan.app.gateway", "--home", folder, "--port", "0", "--loop", loop]
        many = ["--frames-per-second", "1e9", "--frames-per-second-per-address", "1e9", "--log-level", "ERROR"]
        measured = measure([*command, *many], under_way)
        status = read_status(Path(folder) / "journal", "g1")
        assert status["frames_received"] >= status["frames_acknowledged"] >= len(measured.times)
    return measured


GATEWAY = ("-m", "bihuan.app.gateway", "--log-level", "ERROR", "--connections-per-address", "9000")
UNBOUND = ("--frames-per-second", "1e9", "--frames-per-second-per-address", "1e9")


def measure_two() -> float:
    """Return packets a second of processor time of two gateways at work at once, each with its own senders."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        servers: list[subprocess.Popen[str]] = []
        try:
            for name in ("g1", "g2"):
                where = ("--home", folder, "--gateway", name, "--port", "0", "--loop", "asyncio")
                command = [sys.executable, *GATEWAY, *UNBOUND, *where]
                servers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
            ports = [int(server.stdout.readline().rsplit(":", 1)[1]) for server in servers if server.stdout]

            async def both() -> list[Measured]:
                return await asyncio.gather(*(load(port, one.pid, 1) for port, one in zip(ports, servers, strict=True)))

            found = asyncio.run(both())
            packets = [len(one.times) for one in found]
            return sum(packets) / sum(count / one.rate_of_cpu for count, one in zip(packets, found, strict=True))
        finally:
            for server in servers:
                server.terminate()
                server.wait()


def memory() -> float:
    """Return the memory of a gateway with `MANY` connections, each of which has sent a frame. [MB]"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        command = [sys.executable, *GATEWAY, *UNBOUND, "--home", folder, "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rsplit(":", 1)[1])

            async def run() -> float:
                writers = []
                for number in range(MANY):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(packet(number, f"MN{number:04d}"))
                    await reader.readuntil(b"\n")
                    writers.append(writer)
                status = Path(f"/proc/{server.pid}/status").read_text()
                held = next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmRSS"))
                for writer in writers:
                    writer.close()
                return held / 1e3

            return asyncio.run(run())
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    """Print the table."""
    print(f"{CONNECTIONS} connections, {len(packet(0, 'MN0000'))} bytes a packet, {datetime.now(UTC):%Y-%m-%d}")
    heads = ("under way", "packets/s", "p50 ms", "p99 ms", "to echo", "/CPU s", "to echo")
    print(f"{'server on one core':20}" + "".join(f"{head:>11}" for head in heads))
    loops = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]
    for under_way in (1, 4):
        base = measure([sys.executable, "-c", ECHO], under_way)
        row("asyncio echo", under_way, base, base)
        for loop in loops:
            row(
                f"gateway, {loop}",
                under_way,
                measure_gateway("asyncio" if loop == "asyncio" else "auto", under_way),
                base,
            )
    one, two = measure_gateway("asyncio", 1).rate_of_cpu, measure_two()
    print(
        f"two processes: {two:,.0f} packets a processor second, one: {one:,.0f}; a packet costs {one / two:.2f} times"
    )
    print(f"memory with {MANY:,} connections: {memory():.0f} MB")
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


def row(name: str, under_way: int, found: Measured, base: Measured) -> None:
    """Print one row."""
    p50, p99 = np.quantile(found.times, [0.5, 0.99]) * 1e3
    print(
        f"{name:20}{under_way:11}{found.rate:11,.0f}{p50:11.1f}{p99:11.1f}{found.rate / base.rate:11.2f}"
        f"{found.rate_of_cpu:11,.0f}{found.rate_of_cpu / base.rate_of_cpu:11.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
