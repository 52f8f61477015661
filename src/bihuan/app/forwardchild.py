"""The forwarding process of a server: there while anything is to be forwarded, started again when it dies."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from bihuan.app.clock import Clock
from bihuan.app.supervision import FAREWELL, LONGEST_PAUSE, PAUSE, SETTLED
from bihuan.store import Home

log = logging.getLogger("bihuan.serve")


@dataclass(slots=True)
class ForwardChild:
    """One process for every target of a home.

    Attributes
    ----------
    home : Home
    clock : Clock
    log_level : str
    deaths : int
    """

    home: Home
    clock: Clock
    log_level: str = "INFO"
    deaths: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _born: float = 0.0
    _next_birth: float = 0.0
    _pause: float = PAUSE

    def watch(self, wanted: bool) -> None:
        """Start it when it is wanted, start it again when it died; it ends with its last target only at `stop`."""
        now = self.clock.monotonic()
        if self._process is not None and self._process.poll() is not None:
            log.error("forwarding ended with code %s and is started again", self._process.returncode)
            self._hang_up()
            self._pause = PAUSE if now - self._born > SETTLED else min(self._pause * 2, LONGEST_PAUSE)
            self._process, self._next_birth, self.deaths = None, now + self._pause, self.deaths + 1
        if wanted and self._process is None and now >= self._next_birth:
            self._born = now
            options: dict[str, Any] = {"home": self.home.path, "log-level": self.log_level}
            words = [f"--{name}={value}" for name, value in options.items()]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bihuan.app.gateway.forwarder", "--while-stdin", *words],
                stdin=subprocess.PIPE,  # never written to: it ends when this process dies, and forwarding with it
                stdout=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process, 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def stop(self) -> None:
        """Let it write down how far it came, and end."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            log.error("forwarding did not stop and is killed; it goes on from what it had written down")
            self._process.kill()
            self._process.wait()
        self._hang_up()
        self._process = None

    def _hang_up(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
