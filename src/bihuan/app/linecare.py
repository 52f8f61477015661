"""What the platform does at a device's line by itself: the first connection, the clock when asked, the age of keys.

Each is an order as a person gives it, with a reason and rows in the ledger; the person is ``system:...``. What a
city wants of it is its setting `LINE_CARE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from bihuan.app.ordering import Order, orders_of, place_first_orders, place_order
from bihuan.app.presence import Arrival
from bihuan.core import HOUR, DeviceNote, digest, from_json, to_json
from bihuan.devices.hj212 import key_rule
from bihuan.register import Device
from bihuan.store import CitySettings, Store

LINE_CARE = "hj212.line_care"
"""Name of the city's setting, in the layout of `LineCareSettings`."""

FIRST = "system:first_connection"
CLOCK = "system:clock_asked"
"""Who orders, as the ledger has it."""

REASON_FIRST = "HJ 212-2017 6.7"
REASON_CLOCK = "CN 1013"

CLOCK_EVERY = HOUR
"""A device that asks for the time again and again is answered once in so long."""

KEYS = "hj212/keys"
"""Name in `Records.state`: since when each device has had its key."""


class LineCareSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a city has set.

    Attributes
    ----------
    first : bool
        Whether a device that connects for the first time is set up by itself (HJ 212-2017 clause 6.7). Off until
        somebody switches it on: after an import of a register thousands of devices connect for the first time.
    clock : bool
        Whether a device that asks for the time (CN 1013) is told it (CN 1012).
    off : list of str
        Devices (MN) that are left alone.
    """

    first: bool = False
    clock: bool = True
    off: list[str] = []


class KeySince(msgspec.Struct, frozen=True):
    """A key and since when it has been in the register; the key itself is not told."""

    mark: str
    since: datetime


class KeyAge(msgspec.Struct, frozen=True):
    """How old the key of a device is.

    Attributes
    ----------
    since : datetime
    ends : datetime
        When the rule wants another one.
    state : str
        ``fresh``, ``near`` or ``over``.
    clause, status : str
        Where the rule stands, and how sure that is.
    """

    since: datetime
    ends: datetime
    state: str
    clause: str
    status: str


def line_care_settings(settings: CitySettings, now: datetime, zone: ZoneInfo) -> LineCareSettings:
    """Return what holds on the city's day.

    Raises
    ------
    SettingError
        If the stored value cannot be.
    """
    return settings.read(LINE_CARE, now.astimezone(zone).date(), LineCareSettings)


class LineCare:
    """Looks after the lines of the devices that speak HJ 212.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
    """

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store, self._zone = store, zone
        self._seen: set[str] = set()
        self._answered: dict[str, datetime] = {}
        self._devices: Mapping[str, Device] | None = None

    def step(
        self,
        devices: Mapping[str, Device],
        arrivals: Sequence[Arrival],
        notes: Iterable[tuple[str, DeviceNote]],
        now: datetime,
    ) -> list[Order]:
        """Order what is due, before anybody notes that these devices were heard; belongs into a transaction."""
        if devices is not self._devices:  # the register was read anew
            self._devices = devices
            note_keys(self._store, devices, now)
        asked = sorted({mn for mn, note in notes if note.kind == "asks_clock"})
        told = line_care_settings(self._store.settings, now, self._zone) if asked or arrivals else LineCareSettings()
        made: list[Order] = []
        if told.first:
            fresh = sorted({one.mn for one in arrivals} - self._seen)
            made += [order for mn in fresh for order in self._first(mn, devices.get(mn), told, now)]
        for mn in asked if told.clock else ():
            made += self._clock(mn, devices.get(mn), told, now)
        return made

    def _first(self, mn: str, device: Device | None, told: LineCareSettings, now: datetime) -> list[Order]:
        """The sequence of clause 6.7, once in the life of a device."""
        if device is None:
            return []
        self._seen.add(mn)
        known = self._store.records.find("presence", subject=f"device:{mn}", state=("on", "off"), limit=1)
        if known or mn in told.off or not _speaks(device):
            return []
        if any(order.person == FIRST for order in orders_of(self._store, mn)):
            return []
        return place_first_orders(self._store, device, FIRST, REASON_FIRST, now)

    def _clock(self, mn: str, device: Device | None, told: LineCareSettings, now: datetime) -> list[Order]:
        if device is None or mn in told.off or not _speaks(device):
            return []
        recent = [one for one in orders_of(self._store, mn, limit=20) if one.command == "set_clock"]
        if any(not one.over or now - one.asked < CLOCK_EVERY for one in recent):
            return []
        return [place_order(self._store, mn, "set_clock", {}, CLOCK, REASON_CLOCK, now, known=device)]


def note_keys(store: Store, devices: Mapping[str, Device], now: datetime) -> None:
    """Remember since when each device has had its key; a key that is seen for the first time is new."""
    body = store.records.state(KEYS)
    known = from_json(body, dict[str, KeySince]) if body else {}
    held = {mn: _mark(one) for mn, one in devices.items() if one.cipher_key}
    if {mn: one.mark for mn, one in known.items()} == held:
        return
    kept = {
        mn: known[mn] if mn in known and known[mn].mark == mark else KeySince(mark, now) for mn, mark in held.items()
    }
    store.records.set_state(KEYS, to_json(kept))


def key_ages(store: Store, devices: Iterable[Device], now: datetime) -> dict[str, KeyAge]:
    """Return how old the keys of devices are, by MN; those without a key are left out."""
    body = store.records.state(KEYS)
    known = from_json(body, dict[str, KeySince]) if body else {}
    rule, found = key_rule(), {}
    for device in devices:
        one = known.get(device.id)
        if one is None or not device.cipher_key:
            continue
        since = one.since if one.mark == _mark(device) else now
        ends = since + rule.longest
        state = "over" if now >= ends else "near" if now >= ends - rule.near else "fresh"
        found[device.id] = KeyAge(since, ends, state, rule.clause, rule.status)
    return found


def _speaks(device: Device) -> bool:
    return device.protocol.startswith("hj212-")


def _mark(device: Device) -> str:
    """Tells one key of a device from the next, and nothing else of it."""
    return digest(f"{device.id}/{device.cipher_key}".encode())[:24]
