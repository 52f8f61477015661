"""`bihuan serve`: gateway processes that journal and acknowledge, and this one process that runs the loop.

The core owns series and records. It takes in new frames every `loop_seconds`, and steps the loop on each `TICK` of the
wall clock; after a start it catches up tick by tick. Whatever fails in it, the gateways go on: devices lose nothing.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bihuan import __version__
from bihuan.app.api import ApiServer, Office, draft_bulletins
from bihuan.app.api.beside import beside_of
from bihuan.app.awaiting import CATALOG_AWAY, Awaiting, Ended
from bihuan.app.claiming import finish_claims
from bihuan.app.clock import Clock, JumpWatch, WallClock
from bihuan.app.forwardchild import ForwardChild
from bihuan.app.forwarding import renew_plan
from bihuan.app.gateway import write_devices
from bihuan.app.gateway.folder import Inbox, InboxThread
from bihuan.app.hosts import GATEWAY, INGEST, GatewayHost, IngestHost, role_of
from bihuan.app.importing import import_files
from bihuan.app.judging import JUDGED_ELSEWHERE, Judging, judged_here
from bihuan.app.logs import start_logging
from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications, mail_addresses, notifiers_of
from bihuan.app.opened import lake_of, lent
from bihuan.app.orderdesk import OrderBook
from bihuan.app.orderpost import OrderPost, post_of
from bihuan.app.receipts import Report
from bihuan.app.sealing import Sealing
from bihuan.app.settings import Settings, read_settings
from bihuan.app.state import state_of
from bihuan.app.supervision import Gateways
from bihuan.app.troubles import Troubles
from bihuan.cases import case_settings
from bihuan.core import (
    HOUR,
    CatalogAway,
    DiskFull,
    LedgerError,
    StoreError,
    StoreLocked,
    floor_to,
    iso,
    local_date,
    to_json,
)
from bihuan.store import Home, LedgerHead, Store, open_store, write_whole

log = logging.getLogger("bihuan.serve")

CATCH_UP = timedelta(hours=24)
"""A core that was away for longer takes in what came, and concludes from the last of it only."""

STATUS_EVERY = 2.0
"""How often `status.json` is written. [s]"""

PLAN_EVERY = 10
"""How often the plan of forwarding is compared with register and targets; a change of a target is told at once. [s]"""

ORDERS_EVERY = 0.5
"""How often it is looked what came of the orders to devices. [s]"""

LOOK = 0.1
"""How often the core looks whether something is due. [s]"""


def run_server(home: Path, overrides: Mapping[str, Any]) -> None:
    """Serve until SIGTERM or Ctrl-C, then stop cleanly.

    Parameters
    ----------
    home : Path
        ``BIHUAN_HOME``; a store is made there when there is none.
    overrides : mapping
        Settings of the process, over the file and the environment.

    Raises
    ------
    SettingError
        If a setting is wrong or the port is taken.
    StoreLocked
        If another process owns the store, or another host of the lake judges the city.
    """
    environment = os.environ | {f"BIHUAN_{name.upper()}": str(value) for name, value in overrides.items()}
    settings = read_settings(home, environment)
    start_logging(settings.text("log_level"), folder=home / "logs", days=settings.whole("log_days"))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    role, clock = role_of(settings), WallClock()
    if role == GATEWAY:
        GatewayHost(Home(home), settings, clock).run(ended)
        return
    awaiting = Awaiting(Home(home), settings, clock, ended)
    try:
        with open_store(home, series=lake_of(settings), waiting=awaiting) as store:
            if role == INGEST:
                IngestHost(store, settings, clock, awaiting.leave()).run(ended)
            else:
                with judged_here(store, clock, awaiting.patiently) as judging:
                    Server(store, settings, clock, awaiting=awaiting, judging=judging).run(ended)
    except Ended:
        log.info("stopped while it waited")
    except BaseException:
        awaiting.stop()
        raise


@dataclass(slots=True)
class Server:
    """The core process.

    Attributes
    ----------
    store : Store
    settings : Settings
    clock : Clock
    awaiting : Awaiting or None
        Waits for a catalog that goes away while the server starts, and holds gateways that run already.
    judging : Judging or None
        The lease of the one host of a lake that judges.
    """

    store: Store
    settings: Settings
    clock: Clock
    troubles: Troubles = field(default_factory=Troubles)
    awaiting: Awaiting | None = None
    judging: Judging | None = None
    _gateways: Gateways = field(init=False)
    _forward: ForwardChild = field(init=False)
    _forwards: bool = False
    _api: ApiServer = field(init=False)
    _loop: Loop = field(init=False)
    _sealing: Sealing = field(init=False)
    _began: datetime = field(init=False)
    _day: date | None = None
    _due: dict[str, float] = field(default_factory=dict)
    _orders: OrderBook = field(init=False)
    _post: OrderPost | None = None
    _ledger: str = ""
    _head: LedgerHead | None = None

    def run(self, ended: threading.Event) -> None:
        """Serve until `ended`."""
        self._began = self.clock.now()
        self._post = post_of(self.store, self.clock)
        self._orders = OrderBook(self.store, self.settings.zone, self._post)
        self._sealing = Sealing(self.store.series)
        self._ledger = self._check_ledger()
        started = self._prepare()
        office = Office(self.store, lambda: self._loop, self.clock, self.settings, troubles=self.troubles)
        if self._head is not None:
            office.chain.note(self._head, self.clock.now())
        self._api = ApiServer(office, self.settings.text("host"), self.settings.whole("port"))
        self._gateways = started or Gateways(self.store.home, self.settings, self.clock)
        if started is None:
            self._gateways.start()
        self._forward = ForwardChild(self.store.home, self.clock, self.settings.text("log_level"))
        self._api.start()
        inbox = self._inbox(office)
        watch = JumpWatch(self.clock)
        said = False
        try:
            while not ended.wait(LOOK):
                self._gateways.watch()
                self._watch_forwarding()
                self._note_jump(watch)
                self._work(ended)
                self._tell()
                if not said and self._gateways.listening:
                    said = True
                    self._announce()
        finally:
            if inbox is not None:
                inbox.stop()
            self._sealing.stop()
            self._api.stop()
            self._gateways.stop()
            self._forward.stop()
            self._farewell()
            if self._post is not None:
                self._post.close()

    def _prepare(self) -> Gateways | None:
        """Make what the server begins with; return the gateways that were started while its catalog was away."""

        def make() -> None:
            self._renew()
            self._write_devices()
            self._finish_claims()

        if self.awaiting is None:
            make()
            return None
        self.awaiting.patiently(make)
        return self.awaiting.leave()

    def _inbox(self, office: Office) -> InboxThread | None:
        """Begin to watch the folder of the settings, if there is one."""
        folder = self.settings.text("inbox")
        if not folder:
            return None

        def take(path: Path, layout: str, device: str) -> Report:
            with lent(self.store):
                known = layout or None
                return import_files(
                    self.store.home.path,
                    [path],
                    known,
                    clock=self.clock,
                    beside=beside_of(office),
                    roles=False,  # whoever may drop a file may not give anybody another role
                    device=device,
                )[0]

        quiet = float(self.settings.whole("inbox_quiet_seconds"))
        thread = InboxThread(Inbox(Path(folder).absolute(), quiet, self.clock, self.settings.zone, take))
        thread.start()
        return thread

    def _finish_claims(self) -> None:
        """Take in the frames of loggers whose claim a crash cut short."""
        frames = finish_claims(self.store, self._loop, self.clock.now())
        if frames:
            log.info("%d frames of claimed loggers were taken in after a crash", frames)

    def _renew(self) -> None:
        """Make the loop from what is stored: at the start, and after a step that failed half-way."""
        on = local_date(self.clock.now(), self.settings.zone)
        home, city = self.store.home.path, self.store.settings
        addresses = mail_addresses(
            self.store.records.register, lambda: local_date(self.clock.now(), self.settings.zone)
        )
        notifications = Notifications(notifiers_of(self.settings, home / "outbox", addresses), home / "notices.jsonl")
        self._loop = Loop(
            self.store,
            self.settings.zone,
            notifications,
            self._began,
            frozenset(city.get("standards.allow", on, ())),
            case_settings(city.get("cases", on, {})),
            self.settings.text("tracing_model"),
        )

    def _work(self, ended: threading.Event) -> None:
        """Step what is due, or at least take in what has come; nothing that fails here ends the server."""
        if self._cools:
            return
        try:
            self._hold()
            now = self.clock.now()
            for tick in self._ticks(now):
                if ended.is_set():
                    return
                self._hold()
                until = tick if now - tick >= TICK else None
                while self._loop.take(tick, until).full and not ended.is_set():
                    self._tell()
                outcome = self._loop.step(tick, until)
                self._api.office.live.tell_outcome(outcome)
                draft_bulletins(self._api.office, tick)
                self._new_day(tick)
                self._tell()
            if self._is_due("take", self.settings.whole("loop_seconds")):
                self._loop.take(now)
            if self._is_due("orders", ORDERS_EVERY):
                for order in self._orders.follow(self._loop, now):
                    self._api.office.live.tell("device", id=order.device)
            self.troubles.now = ""
        except DiskFull as problem:
            self._trouble("disk_full", problem)
        except CatalogAway as problem:
            self._trouble(f"{CATALOG_AWAY}: {problem}", problem)
        except StoreLocked as problem:
            self._trouble(f"{JUDGED_ELSEWHERE}: {problem}", problem)
        except Exception as problem:  # a device must never lose a frame to a fault of the loop
            self.troubles.failures += 1
            self._trouble(f"{type(problem).__name__}: {problem}", problem)

    @property
    def _cools(self) -> bool:
        """Whether what failed is left to cool; its trouble is told until it is tried again."""
        return self._due.get("retry", 0.0) > self.clock.monotonic()

    def _hold(self) -> None:
        """See that the city is still ours to judge."""
        if self.judging is not None:
            self.judging.hold()

    def _ticks(self, now: datetime) -> list[datetime]:
        """Ticks that are due, the earliest first."""
        last, current = self._loop.watermark, floor_to(now, TICK)
        first = current if last is None else max(last + TICK, current - CATCH_UP)
        return [first + TICK * number for number in range(max(0, (current - first) // TICK + 1))]

    def _trouble(self, what: str, problem: Exception) -> None:
        """Say what failed, once a minute at most, and go on from what is stored."""
        if self.troubles.now != what:
            log.error("the loop stands still: %s", problem, exc_info=not isinstance(problem, StoreError))
        self.troubles.now = what
        self._due["retry"] = self.clock.monotonic() + self.settings.whole("loop_seconds")
        try:
            self._renew()
        except Exception as again:
            log.error("the loop cannot be made anew yet: %s", again)

    def _is_due(self, what: str, seconds: float) -> bool:
        now = self.clock.monotonic()
        if self._due.get(what, 0.0) > now or self._cools:
            return False
        self._due[what] = now + seconds
        return True

    def _note_jump(self, watch: JumpWatch) -> None:
        jump = watch.check()
        if jump is None:
            return
        self.troubles.clock_jumps += 1
        last = self._loop.watermark
        waits = last is not None and self.clock.now() < last
        after = f"; the loop waits until it is past {iso(last)}" if waits and last is not None else ""
        log.warning("the clock of this machine was set by %+.1f s%s", jump.total_seconds(), after)

    def _new_day(self, tick: datetime) -> None:
        """Once a day: who may send by the register of the day, and older days put in the order they are asked in.

        Once an hour: so is what has come of the open day, where that is much.
        """
        if self._is_due("hours in order", HOUR.total_seconds()):
            self._sealing.begin_hours(tick)
        day = local_date(tick, self.settings.zone)
        if day == self._day:
            return
        self._day = day
        self._write_devices()
        self._sealing.begin(tick)

    def _write_devices(self) -> None:
        on = local_date(self.clock.now(), self.settings.zone)
        write_devices(self.store.home.devices, self.store.records.register(), on)

    def _watch_forwarding(self) -> None:
        """Keep the forwarding process and its plan; what fails here holds up nothing else."""
        try:
            if self._is_due("plan", PLAN_EVERY):
                on = local_date(self.clock.now(), self.settings.zone)
                self._forwards = renew_plan(self.store, self._loop.town.register, on, self.settings.zone.key)
            self._forward.watch(self._forwards)
        except (StoreError, OSError) as problem:
            log.error("forwarding is not looked after: %s", problem)

    def _check_ledger(self) -> str:
        try:
            self._head = self.store.ledger.check()
        except LedgerError as problem:
            log.error("%s", problem)
            return str(problem)
        return ""

    # -- what others read ------------------------------------------------------------------------------------------

    def _announce(self) -> None:
        """Say where devices reach us, to commands and to the terminal."""
        address = {
            "pid": os.getpid(),
            "version": __version__,
            "host": self.settings.text("host"),
            "hj212_port": self._gateways.port,
            "port": self._api.port,
            "url": self._api.address,
            "token": self._api.office.operator,
            "began": iso(self._began),
        }
        write_whole(self.store.home.server, to_json(address), durable=False, private=True)
        log.info("devices are listened to on %s:%d", address["host"], self._gateways.port)
        log.info("the pages stand at %s", self._api.address)

    def _tell(self) -> None:
        """Write `status.json`, for `bihuan doctor` while this process owns the store."""
        if self._due.get("tell", 0.0) > self.clock.monotonic():
            return
        self._due["tell"] = self.clock.monotonic() + STATUS_EVERY
        self._write_status(os.getpid())

    def _write_status(self, pid: int) -> None:
        status = {
            "pid": pid,
            "at": iso(self.clock.now()),
            "began": iso(self._began),
            "gateways": self._gateways.describe(),
            "trouble": self.troubles.now,
            "failures": self.troubles.failures,
            "clock_jumps": self.troubles.clock_jumps,
        }
        try:
            state = state_of(self.store, self._loop.town, self._ledger, self._loop.ingest.counts)
            write_whole(self.store.home.path / "status.json", to_json(status | {"store": state}), durable=False)
        except StoreError as problem:
            log.error("status was not written: %s", problem)

    def _farewell(self) -> None:
        """Take in what the gateways made durable at the last, and say that nobody serves any more."""
        try:
            self._hold()
            self._loop.take(self.clock.now())
            self._write_status(0)
        except StoreError as problem:
            log.error("the last frames wait in the journal for the next start: %s", problem)
        self.store.home.server.unlink(missing_ok=True)
        log.info("stopped")
