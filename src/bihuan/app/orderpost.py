"""Orders to loggers whose line another host of the lake holds: laid in the catalog, taken there, told back so too.

The host that judges keeps the order, its ledger rows and its end. An order goes to the host whose gateway brought the
newest reading of the device; what the device answers comes back with the frames. Whoever may read the catalog can read
passwords and keys of a device while an order to it is under way: the letter goes when the order ends.
"""

from __future__ import annotations

import contextlib
import logging
from datetime import date

import msgspec

from bihuan.app.clock import Clock
from bihuan.app.gateway import CLAIMS, OrderFile, Told, write_devices
from bihuan.app.heardat import heard_elsewhere
from bihuan.app.ordering import Order, save
from bihuan.core import BihuanError, from_json, to_json
from bihuan.register import Device
from bihuan.store import LakeHosts, LakeStore, Store, write_whole

log = logging.getLogger("bihuan.orders")

LOOK_EVERY = 1.0
"""How often a host looks for letters, and for what came of them. [s]"""


HEARD_EVERY = 20.0
"""How often it is looked anew which host heard a device last. [s]"""


class Letter(msgspec.Struct, frozen=True):
    """What is laid for a host.

    Attributes
    ----------
    device : Device
        Its row of the register, which the host takes over: a key has to be known before the device is told it.
    order : Order or None
        Secrets masked; none where only the row is told, after an order that changed it.
    file : OrderFile or None
        As the gateway takes it.
    """

    device: Device
    order: Order | None = None
    file: OrderFile | None = None


class OrderPost:
    """The post of the host that judges.

    Parameters
    ----------
    store : Store
    series : LakeStore
    clock : Clock
    """

    def __init__(self, store: Store, series: LakeStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._hosts = LakeHosts(series.address)
        self._told: dict[str, str] = {}
        self._heard: dict[str, tuple[float, str]] = {}
        self._looked = float("-inf")

    def host_of(self, device: str) -> str:
        """Return the other host that heard a device last; empty where it is ours, or nobody has heard it."""
        at, known = self._clock.monotonic(), self._heard.get(device)
        if known is None or at - known[0] >= HEARD_EVERY:
            known = self._heard[device] = (at, heard_elsewhere(self._store, [device]).get(device, ""))
        return known[1]

    def hand(self, host: str, order: Order, file: OrderFile, device: Device) -> None:
        """Lay an order for a host, once."""
        self._look()
        if order.id in self._told:
            return
        self._hosts.post(order.id, host, to_json(Letter(device, order, file)).decode())
        self._told[order.id] = ""
        log.info("order %s (%s) to %s goes through host %s", order.id, order.command, order.device, host)

    def told(self, ident: str) -> Told | None:
        """Return what became of an order; None while nothing is known, or it did not go this way."""
        self._look()
        body = self._told.get(ident)
        return from_json(body.encode(), Told) if body else None

    def end(self, order: Order, device: Device | None) -> None:
        """Take an order back that is over; a host that carried it is told the row of the device as it is now."""
        self._look(now=True)
        if order.id not in self._told:
            return
        host = self.host_of(order.device)
        self._hosts.withdraw(order.id)
        self._told.pop(order.id, None)
        if host and device is not None:
            self._hosts.post(f"device:{device.id}", host, to_json(Letter(device)).decode())

    def close(self) -> None:
        """Let go of the catalog."""
        self._hosts.close()

    def _look(self, now: bool = False) -> None:
        at = self._clock.monotonic()
        if now or at - self._looked >= LOOK_EVERY:
            self._told, self._looked = self._hosts.told(), at


def post_of(store: Store, clock: Clock) -> OrderPost | None:
    """Return the post to the other hosts; None where one process owns the store."""
    series = store.series
    return OrderPost(store, series, clock) if isinstance(series, LakeStore) else None


class OrderRelay:
    """The same at a host that only takes in: letters become files for its gateways, and their words go back.

    Parameters
    ----------
    store : Store
    series : LakeStore
    clock : Clock
    """

    def __init__(self, store: Store, series: LakeStore, clock: Clock) -> None:
        self._store, self._host, self._clock = store, series.address.host, clock
        self._hosts = LakeHosts(series.address)
        self._carried: dict[str, tuple[Order, bytes]] = {}
        self._begun = False
        self._looked = float("-inf")

    def look(self, on: date) -> bool:
        """Carry what lies there, once in `LOOK_EVERY`; True where the register changed.

        Raises
        ------
        CatalogAway
        """
        at = self._clock.monotonic()
        if at - self._looked < LOOK_EVERY:
            return False
        self._looked = at
        found = {ident: from_json(body.encode(), Letter) for ident, body in self._hosts.letters(self._host).items()}
        changed = self._learn(found, on)
        for ident, letter in found.items():
            if letter.order is None or letter.file is None:
                self._hosts.withdraw(ident)
            else:
                self._carry(letter.order, letter.file)
        self._drop(found)
        return changed

    def close(self) -> None:
        """Let go of the catalog."""
        self._hosts.close()

    def _learn(self, found: dict[str, Letter], on: date) -> bool:
        """Take the rows of the register over, and let the gateways know before they are given an order."""
        if not found:
            return False
        register = self._store.records.register()
        fresh = [one.device for one in found.values() if register.get(Device, one.device.id, on) != one.device]
        if not fresh:
            return False
        self._store.records.save_facts(fresh)
        write_devices(self._store.home.devices, self._store.records.register(), on)
        return True

    def _carry(self, order: Order, file: OrderFile) -> None:
        """Write the files of an order where they are not yet, and tell what the gateways say."""
        known = self._carried.get(order.id)
        if known is None:
            with self._store.step:
                save(self._store, order)  # data that come because of it are marked as asked for
            known = self._carried[order.id] = (order, b"")
        folder, body = self._store.home.orders, to_json(file)
        told = known[1]
        for gateway in self._gateways():
            path = folder / gateway / f"{order.id}.json"
            if not path.exists():
                write_whole(path, body, private=True)
            with contextlib.suppress(OSError):
                told = (folder / gateway / f"{order.id}.told").read_bytes()
        if told == known[1]:
            return
        try:
            said = from_json(told, Told)
        except BihuanError as problem:
            log.error("what became of order %s cannot be read: %s", order.id, problem)
            return
        self._hosts.tell(order.id, self._host, told.decode())
        after = msgspec.structs.replace(order, state=said.state, qn=said.qn, sent=said.sent, ended=said.ended)
        with self._store.step:
            save(self._store, after)
        self._carried[order.id] = (order, told)

    def _drop(self, found: dict[str, Letter]) -> None:
        """Take away the files of orders that are over, those of an earlier life too."""
        gone = set(self._carried) - set(found)
        if not self._begun:
            self._begun = True
            for gateway in self._gateways():
                files = (self._store.home.orders / gateway).glob("*.json")
                gone |= {path.stem for path in files} - set(found)
        for ident in gone:
            self._carried.pop(ident, None)
            for path in (CLAIMS, *self._gateways()):
                names = [ident] if path == CLAIMS else [f"{ident}.json", f"{ident}.told"]
                for name in names:
                    with contextlib.suppress(OSError):
                        (self._store.home.orders / path / name).unlink(missing_ok=True)

    def _gateways(self) -> list[str]:
        folder = self._store.home.orders
        return sorted(one.name for one in folder.iterdir() if one.name != CLAIMS) if folder.is_dir() else []


def relay_of(store: Store, clock: Clock) -> OrderRelay | None:
    """Return what carries orders at a host that only takes in; None where one process owns the store."""
    series = store.series
    return OrderRelay(store, series, clock) if isinstance(series, LakeStore) else None
