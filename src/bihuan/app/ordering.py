"""Orders to devices (反控): who asked what of which device, why, and what came of it; a record and ledger rows each.

`place_order` only writes them down; `bihuan.app.orderdesk` hands them to the gateways and follows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from bihuan.core import (
    DAY,
    HOUR,
    InputError,
    Interval,
    Reading,
    content_id,
    from_json,
    local_date,
    parse_instant,
    to_json,
)
from bihuan.devices.hj212 import DATA_COMMANDS, MINUTES, SECRET_ARGUMENTS, checked, command_of, exchange
from bihuan.register import Device, Register
from bihuan.store import Entry, Row, Store

KIND = "order"
"""Kind of the records."""

OPEN = tuple(sorted(exchange.OPEN))
"""States of orders that are under way."""

MASKED = "******"

VALID = HOUR
"""How long an order waits for its device to be on line."""

VALID_RECALL = DAY
"""The same for data asked for once more: devices keep a year of it."""

SETTLING = timedelta(minutes=2)
"""Data that ended this shortly before it was asked for may as well have come by itself; and answers that are on their
way through the journal when the order ends still belong to it."""

_LONGEST_REASON = 500


class Order(msgspec.Struct, frozen=True):
    """One order.

    Attributes
    ----------
    id : str
        From content.
    device : str
        MN.
    command : str
        Code of texts ``[order]``.
    arguments : dict of str to str
        Secrets masked.
    person, reason : str
        Who asked and why; the system's own parts ask as ``system:...``.
    asked, expires : datetime
    state : str
        ``waiting sent accepted done refused failed timeout``.
    qn : str
        Number of the exchange.
    sent, ended : datetime or None
    attempts, frames : int
        How often it was sent; data frames that came in answer.
    returned, executed : int or None
        QnRtn, ExeRtn.
    answer : dict of str to str
        What the device said, secrets left out.
    evidence : tuple of str
        Ids of the frames of the answers in the journal.
    """

    id: str
    device: str
    command: str
    arguments: dict[str, str]
    person: str
    reason: str
    asked: datetime
    expires: datetime
    state: str = "waiting"
    qn: str = ""
    sent: datetime | None = None
    ended: datetime | None = None
    attempts: int = 0
    frames: int = 0
    returned: int | None = None
    executed: int | None = None
    answer: dict[str, str] = {}
    evidence: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing will come of it any more."""
        return self.state not in exchange.OPEN


def place_order(
    store: Store,
    device: str,
    command: str,
    arguments: Mapping[str, str],
    person: str,
    reason: str,
    now: datetime,
    *,
    known: Device | None = None,
) -> Order:
    """Write an order down, with its row in the ledger, in one transaction; it goes out within a second.

    Parameters
    ----------
    store : Store
    device : str
        MN.
    command : str
        Code of the table of orders.
    arguments : mapping of str to str
        Instants as ISO text; those of `bihuan.devices.hj212.Command`.
    person : str
        Id of who asks, or ``system:...``.
    reason : str
    now : datetime
    known : Device, optional
        Its row of the register, where the caller holds it.

    Returns
    -------
    Order
        The same once more, when it was placed before.

    Raises
    ------
    InputError
        If the device is not in the register, there is no such order, an argument cannot be, or the reason is missing.
    """
    reason = reason.strip()
    if not reason or len(reason) > _LONGEST_REASON:
        raise InputError(
            f"the reason of order {command} has {len(reason)} characters: say why in 1 to {_LONGEST_REASON}"
        )
    if not person:
        raise InputError(f"order {command} names nobody who asks: a person of the register, or system:...")
    row = known or Register(store.records.facts_of("device", device)).get(Device, device, local_date(now))
    if row is None:
        raise InputError(f"device {device!r} is not in the register: claim or import it first")
    chosen = command_of(command, row.protocol)
    plain = checked(chosen, arguments)
    shown = {name: MASKED if name in SECRET_ARGUMENTS else text for name, text in plain.items()}
    ident = content_id(KIND, device, command, sorted(shown.items()), person, reason, now)
    before = order_of(store, ident)
    if before is not None:
        return before
    expires = now + (VALID_RECALL if chosen.recalls else VALID)
    order = Order(ident, device, command, shown, person, reason, now, expires)
    body = {"id": ident, "command": command, "arguments": shown, "reason": reason}
    with store.records.transaction():
        save(store, order)
        if shown != plain:
            store.records.set_state(secret_name(ident), to_json({n: plain[n] for n in plain if n in SECRET_ARGUMENTS}))
        if command == "set_key":
            store.records.save_facts([_with_next_key(row, plain["key"])])
        store.ledger.add(Entry(now, person, "order", f"device:{device}", to_json(body)))
    return order


def place_first_orders(store: Store, device: Device, person: str, reason: str, now: datetime) -> list[Order]:
    """Place what is set when a device connects for the first time (HJ 212-2017 clause 6.7), one after the other.

    Clock, time-out and resends, then the intervals that the register says and the data that belong to them.
    """
    limits = {"timeout": str(device.timeout_seconds), "resends": str(device.resends)}
    wanted: list[tuple[str, dict[str, str]]] = [("set_clock", {}), ("set_timeout", limits)]
    rhythm = device.rhythm
    if 30 <= rhythm.get("rt", 0) <= 3600:
        wanted.append(("set_rt_interval", {"rt_seconds": str(rhythm["rt"])}))
    if rhythm.get("minute", 1) % 60 == 0 and rhythm["minute"] // 60 in MINUTES:
        wanted.append(("set_minute_interval", {"minutes": str(rhythm["minute"] // 60)}))
    wanted += [("start_rt" if "rt" in rhythm else "stop_rt", {}), ("stop_states", {})]
    with store.records.transaction():
        return [
            place_order(
                store, device.id, command, given, person, reason, now + timedelta(milliseconds=number), known=device
            )
            for number, (command, given) in enumerate(wanted)
        ]


def save(store: Store, order: Order) -> None:
    """Store an order as it stands."""
    subject = f"device:{order.device}"
    store.records.save(KIND, [Row(order.id, to_json(order), subject, order.state, "", order.asked, order.ended)])


def order_of(store: Store, ident: str) -> Order | None:
    """Return one order."""
    row = store.records.get(KIND, ident)
    return None if row is None else from_json(row.body, Order)


def orders_of(store: Store, device: str, limit: int = 100) -> list[Order]:
    """Return the orders to a device, the newest first."""
    rows = store.records.find(KIND, subject=f"device:{device}", limit=limit, newest_first=True)
    return [from_json(row.body, Order) for row in rows]


def open_orders(store: Store) -> list[Order]:
    """Return the orders that are under way, the oldest first."""
    return [from_json(row.body, Order) for row in store.records.find(KIND, state=OPEN)]


def secret_name(ident: str) -> str:
    """Name in `Records.state` of what an order carries and nobody may read."""
    return f"order/secret/{ident}"


def _with_next_key(row: Device, key: str) -> Device:
    """Remember the key that a device is told to take; one it never answered for may still be in use."""
    unanswered = (row.cipher_key_next,) if row.cipher_key_next else ()
    return replace(row, cipher_key_next=key, cipher_keys_old=(*unanswered, *row.cipher_keys_old))


class Recalls:
    """Which readings came because they were asked for (补取): by device, interval, period and the time they came.

    Parameters
    ----------
    orders : iterable of Order
    """

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self._of: dict[tuple[str, Interval], list[tuple[Order, datetime, datetime]]] = {}
        for order in orders:
            interval = _INTERVAL_OF.get(order.command)
            if interval is not None:
                begin, end = (parse_instant(order.arguments[name]) for name in ("begin", "end"))
                self._of.setdefault((order.device, interval), []).append((order, begin, end))

    @classmethod
    def of(cls, store: Store, since: datetime) -> Recalls:
        """Return the recalls that were asked for since an instant."""
        return cls(from_json(row.body, Order) for row in store.records.find(KIND, since=since))

    def __bool__(self) -> bool:
        return bool(self._of)

    def about(self, device: str, interval: Interval) -> bool:
        """Whether data of this kind was asked for at all."""
        return (device, interval) in self._of

    def marked(self, readings: Iterable[Reading], received: datetime) -> list[Reading]:
        """Return readings with the origin ``recalled`` where an order had asked for them when they came."""
        return [replace(one, origin="recalled") if self._asked(one, received) else one for one in readings]

    def _asked(self, reading: Reading, received: datetime) -> bool:
        return any(
            begin <= reading.start <= end
            and reading.end <= order.asked - SETTLING
            and order.asked <= received <= (order.ended or order.expires) + SETTLING
            for order, begin, end in self._of.get((reading.device, reading.interval), ())
        )


_INTERVAL_OF: dict[str, Interval] = {f"recall_{name}": name for name in DATA_COMMANDS.values() if name != "rt"}
