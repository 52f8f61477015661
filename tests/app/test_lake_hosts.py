"""Two gateway hosts and two query hosts over one lake, whose catalog goes away: nothing is lost, nothing double."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.app.gateway import write_devices
from bihuan.core import Place
from bihuan.devices.hj212 import uplink
from bihuan.register import Device, Station
from bihuan.store import open_store
from tests.store.conftest import postgresql  # noqa: F401  # a fixture
from tests.store.postgres import Server, free_port

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONUNBUFFERED": "1"}
LOGGERS, PATIENCE = 6, 120.0
BEGIN = datetime(2026, 3, 10, 16, tzinfo=UTC)


@dataclass
class Host:
    """One host: a name, an address, and how a command is run there."""

    name: str
    address: str
    run: list[str] = field(default_factory=list)


class Network:
    """Namespaces on a bridge, removed at the end; or, without them, everything on loopback."""

    def __init__(self, apart: bool) -> None:
        self.apart = apart
        self.mark = f"bh{os.getpid() % 10_000}"
        self.net = f"10.231.{os.getpid() % 250}"  # two runs on one machine have a net each
        self.server = f"{self.net}.1" if apart else "127.0.0.1"
        names = ("ga", "gb", "qa", "qb")
        addresses = [f"{self.net}.{10 + n}" if apart else "127.0.0.1" for n in range(4)]
        self.hosts = {
            name: Host(name, address, ["ip", "netns", "exec", f"{self.mark}{name}"] if apart else [])
            for name, address in zip(names, addresses, strict=True)
        }

    def make(self) -> None:
        if not self.apart:
            return
        if os.geteuid() != 0 or shutil.which("ip") is None:
            pytest.skip("network namespaces need root and iproute2, which are not here")
        try:
            self._ip("link", "add", self.mark, "type", "bridge")
            self._ip("addr", "add", f"{self.net}.1/24", "dev", self.mark)
            self._ip("link", "set", self.mark, "up")
            for host in self.hosts.values():
                space, near, far = f"{self.mark}{host.name}", f"{self.mark}{host.name}0", f"{self.mark}{host.name}1"
                self._ip("netns", "add", space)
                self._ip("link", "add", near, "type", "veth", "peer", "name", far)
                self._ip("link", "set", near, "master", self.mark, "up")
                self._ip("link", "set", far, "netns", space)
                self._ip("-n", space, "addr", "add", f"{host.address}/24", "dev", far)
                self._ip("-n", space, "link", "set", far, "up")
                self._ip("-n", space, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as problem:
            self.remove()
            pytest.skip(f"network namespaces are not allowed here: {problem.stderr.decode().strip()}")

    def remove(self) -> None:
        if self.apart:
            for host in self.hosts.values():
                subprocess.run(["ip", "netns", "del", f"{self.mark}{host.name}"], check=False, capture_output=True)
            subprocess.run(["ip", "link", "del", self.mark], check=False, capture_output=True)

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)


class Process:
    """A process of a host that answers lines with lines."""

    def __init__(self, host: Host, words: list[str]) -> None:
        self.process = subprocess.Popen(
            [*host.run, sys.executable, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT,
        )  # fmt: skip
        self.first = self.line()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, words: Any = None) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    def end(self) -> str:
        assert self.process.stdin is not None
        said = ""
        if self.process.poll() is None:
            self.process.stdin.close()
            said = self.process.stdout.read() if self.process.stdout else ""
            self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()
        return said


@dataclass
class Cluster:
    """All of them."""

    network: Network
    server: Server
    ports: dict[str, int]
    queries: list[Process]
    ingests: list[Process]
    loggers: Process

    def send(self, gateway: str, minutes: range) -> None:
        """All loggers send some minutes to one gateway, and every frame is acknowledged."""
        frames = [
            frame
            for minute in minutes
            for logger in LOGGER
            for frame in uplink(
                logger, "minute", BEGIN + timedelta(minutes=minute), {"so2": {"avg": 5.0 + minute % 40}},
                sent=BEGIN + timedelta(minutes=minute + 1),
            )
        ]  # fmt: skip
        host = self.network.hosts[gateway].address
        words = {"host": host, "port": self.ports[gateway], "frames": [frame.hex() for frame in frames]}
        assert self.loggers.ask(words) == {"acknowledged": len(frames), "lost": 0}

    def await_rows(self, rows: int) -> list[dict[str, Any]]:
        """Wait until both query hosts see as many rows, and return what they see."""
        ended = time.monotonic() + PATIENCE
        while True:
            seen = [query.ask() for query in self.queries]
            if all(one.get("rows") == rows for one in seen) or time.monotonic() > ended:
                return seen
            time.sleep(0.3)


LOGGER = [Device(id=f"MN{n}", name="", site=f"station:s{n}", rhythm={"minute": 60}) for n in range(1, LOGGERS + 1)]
STATIONS = [
    Station(id=f"s{n}", name=f"{n}", kind="city", place=Place(113.6, 34.7), district="d") for n in range(1, LOGGERS + 1)
]


@contextmanager
def cluster(network: Network, folder: Path) -> Iterator[Cluster]:
    network.make()
    with ExitStack() as stack:
        stack.callback(network.remove)
        server = Server(host=network.server, listen="*" if network.apart else "127.0.0.1")
        stack.callback(server.remove)
        server.start()
        words = {"catalog": server.address, "data": str(folder / "shared")}
        ports, ingests = {}, []
        for name in ("ga", "gb"):
            home, host = folder / name, network.hosts[name]
            with open_store(home) as store:
                store.records.save_facts([*STATIONS, *LOGGER])
                write_devices(store.home.devices, store.records.register(), date(2026, 3, 11))
            port = free_port()
            options = {"home": str(home), "gateway": f"{name}1", "host": host.address, "port": str(port)}
            gateway = Process(
                host,
                ["-m", "bihuan.app.gateway", "--while-stdin", *(w for k, v in options.items() for w in (f"--{k}", v))],
            )
            stack.callback(gateway.end)
            assert "listens" in gateway.first
            ports[name] = port
            config = json.dumps(words | {"role": "ingest", "home": str(home), "host": name})
            ingests.append(Process(host, ["-m", "tests.app.lake_host", config]))
            stack.callback(ingests[-1].end)
        queries = []
        for name in ("qa", "qb"):
            queries.append(
                Process(network.hosts[name], ["-m", "tests.app.lake_host", json.dumps(words | {"role": "query"})])
            )
            stack.callback(queries[-1].end)
        outside = Host("outside", network.server)  # the loggers: of this machine, beyond the bridge
        loggers = Process(outside, ["-m", "tests.app.lake_host", json.dumps({"role": "send"})])
        stack.callback(loggers.end)
        assert {process.first for process in (*ingests, *queries, loggers)} == {"ready"}
        yield Cluster(network, server, ports, queries, ingests, loggers)


def live_through(made: Cluster, away: float) -> None:
    """Frames into both gateways, some into both; the catalog is away for some seconds."""
    made.send("ga", range(4))
    made.send("gb", range(2, 6))
    seen = made.await_rows(6 * LOGGERS)
    assert seen[0] == seen[1]
    assert (seen[0]["rows"], seen[0]["latest"]) == (6 * LOGGERS, LOGGERS)
    made.server.stop()
    begun, minute = time.monotonic(), 6
    while time.monotonic() < begun + away:
        made.send("ga", range(minute, minute + 2))
        made.send("gb", range(minute + 1, minute + 3))
        minute += 3
        time.sleep(min(2.0, away / 3))
    assert made.queries[0].ask() == {"away": True}
    made.server.start()
    seen = made.await_rows(minute * LOGGERS)
    assert seen[0] == seen[1]
    assert (seen[0]["rows"], seen[0]["latest"]) == (minute * LOGGERS, LOGGERS)
    waited = [json.loads(ingest.end())["waits"] for ingest in made.ingests]
    assert min(waited) >= 1, "both cores met the catalog that was away"


def test_two_gateways_and_two_readers_over_one_lake_whose_catalog_is_away_for_a_moment(
    postgresql: str,  # noqa: F811  # makes PostgreSQL's user, or skips
    tmp_path: Path,
) -> None:
    with cluster(Network(apart=False), tmp_path) as made:
        live_through(made, away=3.0)


@pytest.mark.long
def test_hosts_in_network_namespaces_live_through_a_catalog_that_is_away_for_a_minute(
    postgresql: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    with cluster(Network(apart=True), tmp_path) as made:
        live_through(made, away=60.0)
