"""A core that starts while the catalog of its lake is away: it waits, says so, and its gateways keep every frame."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from bihuan.app.clock import Clock
from bihuan.app.porch import Porch
from bihuan.app.settings import Settings
from bihuan.app.supervision import Gateways
from bihuan.core import CatalogAway, StoreError, iso, to_json
from bihuan.store import Home, write_whole

log = logging.getLogger("bihuan.serve")

FIRST, LONGEST = 0.5, 30.0
"""Between two looks for the catalog; doubled each time. [s]"""

LOOK = 0.1
"""How often gateways and the end of the server are looked after meanwhile. [s]"""

CATALOG_AWAY = "catalog_away"
"""The word for it, in `/readyz`, `status.json` and the doctor."""

Made = TypeVar("Made")


class Ended(Exception):  # no error of ours: somebody stopped the server while it waited
    """The server was told to end before the catalog came back."""


@dataclass(slots=True)
class Awaiting:
    """Waits for a catalog, with the gateways running and the probes answered.

    Attributes
    ----------
    home : Home
    settings : Settings
    clock : Clock
    ended : Event
        Set when the server shall end.
    gateways : Gateways or None
        Started when there was something to wait for; the server takes them over.
    """

    home: Home
    settings: Settings
    clock: Clock
    ended: threading.Event
    gateways: Gateways | None = None
    _porch: Porch | None = None
    _pause: float = FIRST
    _began: datetime | None = None
    _trouble: str = ""
    _told: float = field(default=0.0)

    def __call__(self, problem: CatalogAway) -> None:
        """Wait a while; the caller then tries again.

        Raises
        ------
        Ended
            If the server shall end.
        """
        if self.gateways is None:
            self._begin()
        if not self._trouble:
            log.error("waiting for the catalog; devices are journalled meanwhile: %s", problem)
        self._trouble = f"{CATALOG_AWAY}: {problem}"
        until = self.clock.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST)
        while self.clock.monotonic() < until:
            assert self.gateways is not None
            self.gateways.watch()
            self._tell()
            if self.ended.wait(LOOK):
                self.stop()
                raise Ended

    def patiently(self, make: Callable[[], Made]) -> Made:
        """Return what a function makes, which is called again for as long as the catalog is away."""
        while True:
            try:
                return make()
            except CatalogAway as problem:
                self(problem)

    def leave(self) -> Gateways | None:
        """Answer no more: the server is there. Return the gateways, if they run already."""
        if self._porch is not None:
            self._porch.close()
            self._porch = None
            log.info("the catalog is back; the server goes on")
        self._trouble, self._pause = "", FIRST
        return self.gateways

    def stop(self) -> None:
        """End everything."""
        self.leave()
        if self.gateways is not None:
            self.gateways.stop()
        self.home.server.unlink(missing_ok=True)

    def _begin(self) -> None:
        self._began = self.clock.now()
        self._porch = Porch(self.settings, self._ready)
        self.gateways = Gateways(self.home, self.settings, self.clock)
        self.gateways.start()

    def _ready(self) -> dict[str, Any]:
        marks = {"loop": "wrong", "catalog": "wrong"}
        return {"ready": False, "marks": marks, "trouble": self._trouble, "skipped_frames": 0}

    def _tell(self) -> None:
        """Write `status.json`, for `bihuan doctor`."""
        if self._told > self.clock.monotonic() or self.gateways is None or self._began is None:
            return
        self._told = self.clock.monotonic() + 2.0
        status = {
            "pid": os.getpid(),
            "at": iso(self.clock.now()),
            "began": iso(self._began),
            "gateways": self.gateways.describe(),
            "trouble": self._trouble,
            "failures": 0,
            "clock_jumps": 0,
        }
        with suppress(StoreError):  # told again two seconds later
            write_whole(self.home.path / "status.json", to_json(status), durable=False)
