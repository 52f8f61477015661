"""Automatic recall (自动补采): what a logger did not send is asked for again, by the same orders that people give."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from bihuan.app.gapkeeping import GapKeeper
from bihuan.app.ordering import OPEN, Order, place_order
from bihuan.core import InputError, iso
from bihuan.observations import Asked, Gap
from bihuan.register import Device
from bihuan.store import CitySettings, Store

log = logging.getLogger("bihuan.recall")

PERSON = "system:recall"
"""Who orders, as the ledger has it."""

SETTING = "gaps.recall"
"""Name of the city's setting, in the layout of `RecallSettings`."""

COMMANDS: Mapping[str, str] = {"minute": "recall_minute", "hour": "recall_hour", "day": "recall_day"}
"""Order by interval; instants are not kept by loggers."""

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (10, 30, 120, 480, 1440))
"""Waited after each try of one range; after the last it is given up."""

ANSWERED_WITHIN = timedelta(minutes=30)
"""An order without an answer holds its place so long."""

ON_ITS_WAY = frozenset(OPEN)


class RecallSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a city has set.

    Attributes
    ----------
    on : bool
        Whether anything is recalled.
    off : list of str
        Devices (MN) that are never asked.
    at_once : int
        Orders on their way at once.
    reports : int
        Most reports one order asks for: a logger answers a long range slowly or not at all.
    days : int
        Older gaps are given up.
    """

    on: bool = True
    off: list[str] = []
    at_once: int = 20
    reports: int = 120
    days: int = 30


class Ordering(Protocol):
    """What places orders: `bihuan.app.ordering.place_order`."""

    def __call__(
        self,
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
        """Place an order, with its row in the ledger."""
        ...


def recall_settings(settings: CitySettings, now: datetime, zone: ZoneInfo) -> RecallSettings:
    """Return what holds on the city's day.

    Raises
    ------
    SettingError
        If the stored value cannot be.
    """
    return settings.read(SETTING, now.astimezone(zone).date(), RecallSettings)


class Recaller:
    """Asks for gaps.

    Parameters
    ----------
    store : Store
    keeper : GapKeeper
    zone : ZoneInfo
    place : Ordering or None
        None where nothing can be ordered: then nothing is asked for, and gaps stay open.
    """

    def __init__(self, store: Store, keeper: GapKeeper, zone: ZoneInfo, place: Ordering = place_order) -> None:
        self._store, self._keeper, self._zone, self._place = store, keeper, zone, place

    def step(self, devices: Mapping[str, Device], now: datetime) -> list[Gap]:
        """Ask for what is due, and return the gaps that changed.

        A logger that is still silent is not asked: it answers nothing. Each is asked for one range at a time, the
        newest gap first, for it is looked at first.
        """
        told = recall_settings(self._store.settings, now, self._zone)
        if not told.on:
            return []
        changed: dict[str, Gap] = {}
        judged = self._keeper.judged
        off = frozenset(told.off)
        busy = Counter[str]()
        wanted = []
        for gap in self._keeper.held:
            if gap.interval not in COMMANDS or gap.device in off or gap.device not in devices:
                continue
            if self._waits(gap, now):
                busy[gap.device] += 1
            elif gap.state in ("open", "recalled") and gap.end < judged[gap.interval]:
                wanted.append(gap)
        for gap in sorted(wanted, key=lambda gap: (gap.start, gap.id), reverse=True):
            if busy[gap.device] or not self._due(gap, now):
                continue
            part = next_part(gap, told)
            if part is None or gap.end < now - timedelta(days=told.days):
                gap.state, gap.next_try = "given_up", None
                changed[gap.id] = gap
            elif busy.total() < told.at_once:
                self._ask(gap, devices[gap.device], *part, now)
                busy[gap.device] += 1
                changed[gap.id] = gap
        self._keeper.save(changed.values())
        return list(changed.values())

    def _waits(self, gap: Gap, now: datetime) -> bool:
        """Whether its last order may still be answered."""
        last = gap.asked[-1] if gap.asked else None
        if last is None or now >= last.at + ANSWERED_WITHIN or not _is_missing(gap, last):
            return False
        row = self._store.records.get("order", last.order)
        return row is not None and row.state in ON_ITS_WAY

    def _due(self, gap: Gap, now: datetime) -> bool:
        """Whether it may be asked for again: at once where the last answer was good."""
        return gap.next_try is None or now >= gap.next_try or not _is_missing(gap, gap.asked[-1])

    def _ask(self, gap: Gap, device: Device, start: datetime, end: datetime, now: datetime) -> None:
        """Place the order; a device that cannot be asked so is given up, and the log says why."""
        span = {"begin": iso(start), "end": iso(end)}
        reason = f"gap:{gap.id}"
        try:
            order = self._place(self._store, device.id, COMMANDS[gap.interval], span, PERSON, reason, now, known=device)
        except InputError as problem:
            log.warning("gap %s of %s cannot be recalled: %s", gap.id, gap.device, problem)
            gap.state, gap.next_try = "given_up", None
            return
        gap.asked = [*gap.asked, Asked(order.id, now, start, end)]
        gap.state, gap.next_try = "recalled", now + BACK_OFF[_tries(gap, start, end) - 1]


def next_part(gap: Gap, told: RecallSettings) -> tuple[datetime, datetime] | None:
    """Return the first range of a gap that is missing and has tries left, cut to what a logger takes."""
    longest = timedelta(seconds=gap.seconds * told.reports)
    for start, end in gap.left:
        at = start
        while at < end:
            part = at, min(at + longest, end)
            if _tries(gap, *part) < len(BACK_OFF):
                return part
            at = part[1]
    return None


def _tries(gap: Gap, start: datetime, end: datetime) -> int:
    """How often the beginning of a range was asked for."""
    return sum(one.start <= start < one.end for one in gap.asked)


def _is_missing(gap: Gap, asked: Asked) -> bool:
    return any(start < asked.end and asked.start < end for start, end in gap.left)
