"""The gateway processes of a server: started, started again when they die, stopped cleanly."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bihuan.app.clock import Clock
from bihuan.app.gateway import read_status
from bihuan.app.settings import Settings
from bihuan.core import SettingError
from bihuan.store import Home, checked_gateway

log = logging.getLogger("bihuan.serve")

PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Before a gateway that died is started again; doubled each time, until it has lived for `SETTLED`. [s]"""

SETTLED = 60.0
FAREWELL = 10.0
"""How long a gateway may take to stop. [s]"""


@dataclass(slots=True)
class _Child:
    name: str
    module: str = "bihuan.app.gateway"
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    next_birth: float = 0.0
    pause: float = PAUSE
    deaths: int = 0


@dataclass(slots=True)
class Gateways:
    """The gateway processes of one home.

    Attributes
    ----------
    home : Home
    settings : Settings
        ``host hj212_port gateways idle_seconds max_connections_per_address log_level``.
    clock : Clock
    port : int
        On which they all listen.
    """

    home: Home
    settings: Settings
    clock: Clock
    port: int = 0
    _children: list[_Child] = field(default_factory=list)

    def start(self) -> None:
        """Start all of them.

        Raises
        ------
        SettingError
            If the address cannot be listened on.
        """
        self._await_orphans()
        self.port = settled_port(self.settings.text("host"), self.settings.whole("hj212_port"))
        prefix = self.settings.text("gateway_prefix")
        names = [checked_gateway(f"{prefix}{number}") for number in range(1, self.settings.whole("gateways") + 1)]
        self._children = [_Child(name) for name in names]
        if self.settings.text("mqtt_host"):
            own = "mqtt" if prefix == "g" else f"{prefix}mqtt"  # of its own for each host that shares a lake
            self._children.append(_Child(checked_gateway(own), "bihuan.app.gateway.mqtt_serve"))
        self.watch()

    def _await_orphans(self) -> None:
        """Let the gateways of a server that was killed end first: they stop by themselves within seconds."""
        folder = self.home.journal
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        deadline = self.clock.monotonic() + FAREWELL
        while self.clock.monotonic() < deadline:
            if not any(alive(int(read_status(folder, name).get("pid", 0))) for name in names):
                return
            time.sleep(0.05)

    def watch(self) -> None:
        """Start again what has died."""
        now = self.clock.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._note_death(child, now)
            if child.process is None and now >= child.next_birth:
                self._give_birth(child, now)

    def _note_death(self, child: _Child, now: float) -> None:
        assert child.process is not None
        log.error("gateway %s ended with code %s and is started again", child.name, child.process.returncode)
        _hang_up(child.process)
        child.pause = PAUSE if now - child.born > SETTLED else min(child.pause * 2, LONGEST_PAUSE)
        child.process, child.next_birth, child.deaths = None, now + child.pause, child.deaths + 1

    def _give_birth(self, child: _Child, now: float) -> None:
        child.born = now
        child.process = subprocess.Popen(
            [sys.executable, "-m", child.module, "--while-stdin", *self._words(child)],
            stdin=subprocess.PIPE,  # never written to: it ends when this process dies, and the gateway with it
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C goes to this process alone, which stops them in order
        )

    def _words(self, child: _Child) -> list[str]:
        settings = self.settings
        if child.name == "mqtt":
            return [f"--home={self.home.path}", f"--log-level={settings.text('log_level')}"]
        options: dict[str, Any] = {
            "home": self.home.path,
            "gateway": child.name,
            "host": settings.text("host"),
            "port": self.port,
            "idle": settings.whole("idle_seconds"),
            "connections-per-address": settings.whole("max_connections_per_address"),
            "log-level": settings.text("log_level"),
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        return [*words, "--share-port"] if settings.whole("gateways") > 1 else words

    @property
    def listening(self) -> bool:
        """Whether every one of them has said that it listens."""
        for child in self._children:
            status = read_status(self.home.journal, child.name)
            if child.process is None or status.get("pid") != child.process.pid:
                return False
        return True

    def describe(self) -> list[dict[str, Any]]:
        """Return name, process and deaths of each."""
        return [
            {"gateway": child.name, "pid": child.process.pid if child.process else 0, "deaths": child.deaths}
            for child in self._children
        ]

    def stop(self) -> None:
        """Let each make durable what came, answer it, and end."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                log.error("gateway process %d did not stop and is killed", process.pid)
                process.kill()
                process.wait()
            _hang_up(process)
        self._children = []


def settled_port(host: str, port: int) -> int:
    """Return the port to listen on, a free one for 0, after a look whether it can be had.

    Raises
    ------
    SettingError
        If somebody else listens there, or the address is not of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(found[0], found[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[4])
            return int(probe.getsockname()[1])
    except OSError as problem:
        raise SettingError(
            f"cannot listen for devices on {host}:{port}: {problem.strerror}; "
            "choose another hj212_port, or stop who listens there"
        ) from None


def alive(pid: int) -> bool:
    """Say whether a process of this machine lives."""
    if pid <= 0:
        return False
    if Path("/proc").is_dir() and not Path(f"/proc/{pid}").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
