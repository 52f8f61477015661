"""A real mosquitto on a loopback port, for the tests of the MQTT door; absent, they are skipped and say so."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_broker = pytest.mark.skipif(
    MOSQUITTO is None, reason="no mosquitto here: install the package mosquitto of Debian"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """A broker that can be taken away and come back on the same port."""

    folder: Path
    port: int
    more: str = ""
    process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        config = self.folder / "mosquitto.conf"
        users = self.more or "allow_anonymous true"
        config.write_text(f"user root\nlistener {self.port} 127.0.0.1\npersistence false\n{users}\n")
        assert MOSQUITTO is not None
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@contextmanager
def broker(folder: Path, more: str = "") -> Iterator[Broker]:
    folder.mkdir(parents=True, exist_ok=True)
    made = Broker(folder, free_port(), more)
    made.begin()
    try:
        yield made
    finally:
        made.end()
