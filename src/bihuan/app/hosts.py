"""Servers of a city that takes several hosts: one that only takes in, and one that only listens to devices.

``all`` is the whole server of `bihuan.app.serve`. ``ingest`` runs gateways and brings their journals into the lake, and
concludes nothing: one host of the lake is the whole server, so that the city is judged once. ``gateway`` journals and
acknowledges; its journal lies where a core reads it. Neither of the two has pages; both answer the probes.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bihuan.app.awaiting import CATALOG_AWAY
from bihuan.app.clock import Clock
from bihuan.app.gateway import write_devices
from bihuan.app.ingest import Ingest
from bihuan.app.loop import TICK
from bihuan.app.orderpost import OrderRelay, relay_of
from bihuan.app.others import others_of
from bihuan.app.porch import Porch
from bihuan.app.settings import Settings
from bihuan.app.state import state_of
from bihuan.app.supervision import Gateways
from bihuan.app.town import Town
from bihuan.core import CatalogAway, DiskFull, SettingError, StoreError, floor_to, iso, local_date, to_json
from bihuan.store import Home, Store, write_whole

log = logging.getLogger("bihuan.serve")

ALL, INGEST, GATEWAY = "all", "ingest", "gateway"
ROLES = (ALL, INGEST, GATEWAY)

LOOK = 0.1
"""How often it is looked whether something is due. [s]"""

STATUS_EVERY = 2.0
"""[s]"""


def role_of(settings: Settings) -> str:
    """Return what the server of this host does.

    Raises
    ------
    SettingError
        If `role` is no word we know, or cannot be with the other settings.
    """
    role = settings.text("role")
    if role not in ROLES:
        raise SettingError(f"setting role = {role!r} is unknown: {', '.join(ROLES)}")
    if role == INGEST and settings.text("series") != "lake":
        raise SettingError("role = 'ingest' is for hosts of a lake: set series = 'lake', or leave role = 'all'")
    return role


def write_status(home: Home, told: dict[str, Any]) -> None:
    """Write `status.json`, for `bihuan doctor`."""
    write_whole(home.path / "status.json", to_json(told), durable=False)


@dataclass(slots=True)
class GatewayHost:
    """A host that only listens: its gateways journal and acknowledge.

    Attributes
    ----------
    home : Home
        Whose folder ``journal`` a core reads, by a share or because it is the core's own.
    settings : Settings
    clock : Clock
    """

    home: Home
    settings: Settings
    clock: Clock
    _gateways: Gateways = field(init=False)
    _seen: tuple[int, int] = (0, 0)

    def run(self, ended: threading.Event) -> None:
        """Serve until `ended`."""
        self._learn()
        self._gateways = Gateways(self.home, self.settings, self.clock)
        self._gateways.start()
        porch = Porch(self.settings, self._ready)
        said, learnt = False, 0.0
        try:
            while not ended.wait(LOOK):
                self._gateways.watch()
                if self.clock.monotonic() >= learnt:
                    learnt = self.clock.monotonic() + STATUS_EVERY
                    self._learn()
                if not said and self._gateways.listening:
                    said = True
                    _announce(self.home, self.settings, self._gateways.port, porch.port)
        finally:
            porch.close()
            self._gateways.stop()
            _farewell(self.home, self.settings)

    def _learn(self) -> None:
        """Copy the list of known loggers that a core writes elsewhere; without it every logger waits to be claimed."""
        source = self.settings.text("devices_file")
        if not source:
            return
        try:
            found = Path(source).stat()
            if (found.st_mtime_ns, found.st_size) == self._seen:
                return
            self.home.path.mkdir(parents=True, exist_ok=True)
            write_whole(self.home.devices, Path(source).read_bytes(), private=True)
            self._seen = (found.st_mtime_ns, found.st_size)
        except OSError as problem:
            log.error("the known loggers are not renewed: %s: %s", source, problem.strerror)

    def _ready(self) -> dict[str, Any]:
        listening = self._gateways.listening
        return {
            "ready": listening,
            "marks": {"gateways": "ok" if listening else "wrong"},
            "trouble": "",
            "role": GATEWAY,
        }


@dataclass(slots=True)
class IngestHost:
    """A host that listens and brings what it hears into the lake, with its checks and hours, and concludes nothing.

    Attributes
    ----------
    store : Store
    settings : Settings
    clock : Clock
    gateways : Gateways or None
        That run already.
    """

    store: Store
    settings: Settings
    clock: Clock
    gateways: Gateways | None = None
    trouble: str = ""
    failures: int = 0
    _town: Town = field(init=False)
    _ingest: Ingest | None = None
    _relay: OrderRelay | None = None
    _began: datetime = field(init=False)
    _retry: float = 0.0
    _averaged: datetime | None = None
    _due: float = 0.0
    _told: float = 0.0

    def run(self, ended: threading.Event) -> None:
        """Serve until `ended`."""
        self._began = self.clock.now()
        self._renew_town()
        self._relay = relay_of(self.store, self.clock)
        if self.gateways is None:
            self.gateways = Gateways(self.store.home, self.settings, self.clock)
            self.gateways.start()
        porch = Porch(self.settings, self._ready)
        said = False
        try:
            while not ended.wait(LOOK):
                self.gateways.watch()
                self._work(ended)
                self._tell(os.getpid())
                if not said and self.gateways.listening:
                    said = True
                    _announce(self.store.home, self.settings, self.gateways.port, porch.port)
        finally:
            porch.close()
            self.gateways.stop()
            self._work(threading.Event(), last=True)
            if self._relay is not None:
                self._relay.close()
            self._told = 0.0
            self._tell(0)
            _farewell(self.store.home, self.settings)

    def _work(self, ended: threading.Event, last: bool = False) -> None:
        """Take in what has come; nothing that fails here ends the server."""
        now = self.clock.monotonic()
        if not last and (now < self._due or now < self._retry):
            return
        self._due = now + self.settings.whole("loop_seconds")
        try:
            self._take(ended)
            if self._relay is not None and self._relay.look(self._town.on):
                self._renew_town()
            self.trouble = ""
        except CatalogAway as problem:
            self._fail(f"{CATALOG_AWAY}: {problem}", problem)
        except DiskFull as problem:
            self._fail("disk_full", problem)
        except Exception as problem:
            self.failures += 1
            self._fail(f"{type(problem).__name__}: {problem}", problem)

    def _take(self, ended: threading.Event) -> None:
        now = self.clock.now()
        if local_date(now, self.settings.zone) != self._town.on:
            self._renew_town()
        if self._ingest is None:
            self._ingest = Ingest(self.store, self.settings.zone, others=others_of(self.store, tells=True))
        tick = floor_to(now, TICK)
        full = True
        while full and not ended.is_set():
            with self.store.step:
                taken = self._ingest.take(self._town, now, average=tick != self._averaged)
                full, self._averaged = taken.full, tick
                self._ingest.told()
                with self.store.records.transaction():
                    self._ingest.keep()

    def _fail(self, what: str, problem: Exception) -> None:
        if self.trouble != what:
            log.error("nothing is taken in: %s", problem, exc_info=not isinstance(problem, StoreError))
        self.trouble, self._ingest = what, None
        self._retry = self.clock.monotonic() + self.settings.whole("loop_seconds")

    def _renew_town(self) -> None:
        on = local_date(self.clock.now(), self.settings.zone)
        register = self.store.records.register()
        self._town = Town(register, on)
        write_devices(self.store.home.devices, register, on)

    def _ready(self) -> dict[str, Any]:
        away = self.trouble.startswith(CATALOG_AWAY)
        marks = {"loop": "wrong" if self.trouble else "ok", "catalog": "wrong" if away else "ok"}
        return {"ready": not self.trouble, "marks": marks, "trouble": self.trouble, "role": INGEST}

    def _tell(self, pid: int) -> None:
        if self._told > self.clock.monotonic() or self.gateways is None:
            return
        self._told = self.clock.monotonic() + STATUS_EVERY
        status = {
            "pid": pid,
            "role": INGEST,
            "at": iso(self.clock.now()),
            "began": iso(self._began),
            "gateways": self.gateways.describe(),
            "trouble": self.trouble,
            "failures": self.failures,
            "clock_jumps": 0,
        }
        try:
            if self._ingest is not None:
                status["store"] = state_of(self.store, self._town, "", self._ingest.counts)
            write_status(self.store.home, status)
        except StoreError as problem:
            log.error("status was not written: %s", problem)


def _announce(home: Home, settings: Settings, hj212_port: int, port: int) -> None:
    host, role = settings.text("host"), settings.text("role")
    told = {"pid": os.getpid(), "role": role, "host": host, "hj212_port": hj212_port, "port": port}
    write_whole(_server_of(home, settings), to_json(told), durable=False, private=True)
    log.info("devices are listened to on %s:%d; probes on %d (%s)", host, hj212_port, port, role)


def _server_of(home: Home, settings: Settings) -> Path:
    """Where others find us: no `server.json`, which would send commands to us that a whole server answers."""
    return home.path / f"server-{settings.text('gateway_prefix')}.json"


def _farewell(home: Home, settings: Settings) -> None:
    _server_of(home, settings).unlink(missing_ok=True)
    log.info("stopped")
