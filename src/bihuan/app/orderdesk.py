"""Orders on their way: handed to the gateways as files, followed until they are over, and what they change noted."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from bihuan.app.gateway import CLAIMS, OrderFile, Told, write_devices
from bihuan.app.loop import Loop
from bihuan.app.ordering import SETTLING, Order, open_orders, save, secret_name
from bihuan.app.orderpost import OrderPost
from bihuan.core import BihuanError, DeviceNote, from_json, local_date, to_json
from bihuan.devices.hj212 import INFO_KINDS, NOTE_KINDS, commands
from bihuan.register import Device
from bihuan.store import Entry, Store, write_whole

log = logging.getLogger("bihuan.orders")

PROGRAM = "bihuan"
"""Who writes the end of an order into the ledger."""

GRACE = timedelta(minutes=10)
"""An order of which no gateway tells anything is given up so long after it expired."""

EVIDENCE = 50
"""Frames of answers that an order names."""

_ANSWERED = frozenset({"accepted", "executed", "notice_taken", "data_taken"})


class OrderBook:
    """Follows the orders of one store; one process holds it.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
        Local time of the devices.
    post : OrderPost, optional
        To the other hosts of a lake.
    """

    def __init__(self, store: Store, zone: ZoneInfo, post: OrderPost | None = None) -> None:
        self._store, self._zone, self._post = store, zone, post
        self._ended: dict[str, Order] = {}

    def follow(self, loop: Loop, now: datetime) -> list[Order]:
        """Hand out what is new, read what came of the rest, and return the orders that changed."""
        notes = loop.ingest.told()
        orders = open_orders(self._store)
        if not orders and not self._ended:
            return []
        changed = []
        for order in orders:
            after = self._answered(self._followed(order, loop, now), notes, now)
            if after != order:
                self._keep(after, loop, now)
                changed.append(after)
        for order in list(self._ended.values()):
            after = self._answered(order, notes, now)
            if after != order:
                save(self._store, after)
                self._ended[order.id] = after
                changed.append(after)
        self._ended = {
            ident: order for ident, order in self._ended.items() if order.ended and now - order.ended < SETTLING
        }
        return changed

    def _followed(self, order: Order, loop: Loop, now: datetime) -> Order:
        """An order with what its gateway has told."""
        gateways = self._gateways()
        told = next(filter(None, (self._told(gateway, order.id) for gateway in gateways)), None)
        if told is None and self._post is not None:
            told = self._post.told(order.id)
        if told is None:
            if now > order.expires + GRACE:
                return msgspec.structs.replace(order, state="timeout", ended=now)
            self._hand_out(order, gateways, loop, now)
            return order
        return msgspec.structs.replace(
            order,
            state=told.state,
            qn=told.qn,
            sent=told.sent,
            ended=told.ended,
            attempts=told.attempts,
            frames=told.frames,
            returned=told.returned,
            executed=told.executed,
        )

    def _gateways(self) -> list[str]:
        """Gateways that have ever stood here: each makes its folder when it starts."""
        folder = self._store.home.orders
        return sorted(one.name for one in folder.iterdir() if one.name != CLAIMS) if folder.is_dir() else []

    def _hand_out(self, order: Order, gateways: Iterable[str], loop: Loop, now: datetime) -> None:
        """Write the files of an order where they are not yet, or let the host carry it that heard the device last."""
        host = self._post.host_of(order.device) if self._post is not None else ""
        if host:
            self._send_to(host, order, loop, now)
            return
        folder = self._store.home.orders
        missing = [gateway for gateway in gateways if not (folder / gateway / f"{order.id}.json").exists()]
        if not missing:
            return
        if order.command == "set_key":  # who listens must know the new key before the device does
            self._renew(loop, now)
        device = loop.town.devices.get(order.device)
        if device is None:
            log.error("order %s waits: device %s is not in the register today", order.id, order.device)
            return
        body = to_json(self._file(order, device))
        for gateway in missing:
            (folder / gateway).mkdir(parents=True, exist_ok=True)
            write_whole(folder / gateway / f"{order.id}.json", body, private=True)

    def _send_to(self, host: str, order: Order, loop: Loop, now: datetime) -> None:
        if order.command == "set_key":
            self._renew(loop, now)
        device = loop.town.devices.get(order.device)
        if device is None:
            log.error("order %s waits: device %s is not in the register today", order.id, order.device)
            return
        assert self._post is not None
        self._post.hand(host, order, self._file(order, device), device)

    def _file(self, order: Order, device: Device) -> OrderFile:
        secret = self._store.records.state(secret_name(order.id))
        hidden = from_json(secret, dict[str, str]) if secret else {}
        return OrderFile(
            order.id,
            order.device,
            order.command,
            order.arguments | hidden,
            order.asked,
            order.expires,
            device.password,
            device.protocol,
            device.cipher_key,
            self._zone.key,
            float(device.timeout_seconds),
            device.resends,
        )

    def _told(self, gateway: str, ident: str) -> Told | None:
        try:
            return from_json((self._store.home.orders / gateway / f"{ident}.told").read_bytes(), Told)
        except (OSError, BihuanError):
            return None

    def _answered(self, order: Order, notes: Iterable[tuple[str, DeviceNote]], now: datetime) -> Order:
        """An order with what its device has said, as the journal holds it."""
        about = commands().get(order.command)
        kind = NOTE_KINDS.get(about.answer, "") if about else ""
        kinds = frozenset(INFO_KINDS.values()) | {kind} if kind == "info" else frozenset({kind} - {""})
        answer, evidence = dict(order.answer), list(order.evidence)
        for mn, note in notes:
            own = bool(order.qn) and note.qn == order.qn
            if mn != order.device or not order.sent or not (own or note.kind in kinds):
                continue
            if note.kind not in _ANSWERED:
                answer |= {f"{note.about}.{name}" if note.about else name: text for name, text in note.values}
            evidence.append(note.frame)
        return msgspec.structs.replace(
            order, answer=answer, evidence=tuple(dict.fromkeys(filter(None, evidence)))[:EVIDENCE]
        )

    def _keep(self, order: Order, loop: Loop, now: datetime) -> None:
        """Store how far an order is; at its end also what it changed, and its end in the ledger."""
        device = loop.town.devices.get(order.device)
        with self._store.step:
            changed = self._changed(order, device) if order.over and device is not None else None
            with self._store.records.transaction():
                save(self._store, order)
                if order.over:
                    body: dict[str, object] = {"id": order.id, "command": order.command, "state": order.state}
                    body |= {"qn_rtn": order.returned, "exe_rtn": order.executed, "attempts": order.attempts}
                    subject = f"device:{order.device}"
                    self._store.ledger.add(Entry(now, PROGRAM, "order_end", subject, to_json(body)))
                    self._store.records.set_state(secret_name(order.id), b"{}")
                if order.command == "set_parameter" and order.state == "done" and device is not None:
                    who, frame = (order.person, order.reason), next(iter(order.evidence), "")
                    settings = loop.watch.settings
                    settings.ordered(device, order.id, order.arguments, who, order.ended or now, frame)
                if changed is not None:
                    self._store.records.save_facts([changed])
            if changed is not None:
                self._renew(loop, now)
        if order.over:
            self._ended[order.id] = order
            self._clear(order.id)
            if self._post is not None:
                self._post.end(order, loop.town.devices.get(order.device))

    def _changed(self, order: Order, device: Device) -> Device | None:
        """The row of the register after an order that changed how a device is spoken to; None when it stays."""
        secret = self._store.records.state(secret_name(order.id))
        hidden = from_json(secret, dict[str, str]) if secret else {}
        done, told = order.state == "done", order.arguments
        changed: Device | None = None
        if order.command == "set_key" and done and device.cipher_key_next:
            old = (device.cipher_key,) if device.cipher_key else ()
            kept = (*old, *device.cipher_keys_old)
            changed = replace(device, cipher_key=device.cipher_key_next, cipher_key_next="", cipher_keys_old=kept)
        elif order.command == "set_key" and order.state in ("refused", "failed"):
            changed = replace(device, cipher_key_next="")
        elif not done:
            return None
        elif order.command == "set_password" and hidden.get("password"):
            changed = replace(device, password=hidden["password"])
        elif order.command == "set_timeout":
            changed = replace(device, timeout_seconds=int(told["timeout"]), resends=int(told["resends"]))
        elif order.command == "set_minute_interval":
            changed = replace(device, rhythm=device.rhythm | {"minute": int(told["minutes"]) * 60})
        elif order.command == "set_rt_interval":
            changed = replace(device, rhythm=device.rhythm | {"rt": int(told["rt_seconds"])})
        return None if changed == device else changed

    def _renew(self, loop: Loop, now: datetime) -> None:
        """Let the loop and the gateways know the register as it is now."""
        register = self._store.records.register()
        loop.renew_register(register)
        write_devices(self._store.home.devices, register, local_date(now, self._zone))

    def _clear(self, ident: str) -> None:
        """Take away the files of an order that is over."""
        folder = self._store.home.orders
        files = [folder / CLAIMS / ident]
        for gateway in self._gateways():
            files += [folder / gateway / f"{ident}.json", folder / gateway / f"{ident}.told"]
        for file in files:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
