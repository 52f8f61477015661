"""Gaps and times on line made anew, beside the replay of the frames."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.gapkeeping import BEGAN, JUDGED, LEARNT, GapKeeper, gaps_of
from bihuan.app.ingest import Taken
from bihuan.app.loop import TICK, WATERMARK
from bihuan.app.presence import PresenceKeeper
from bihuan.app.settingbook import STATE, TOLD, SettingBook, change_of
from bihuan.app.town import Town
from bihuan.core import from_json, local_date, parse_instant, readings_table
from bihuan.observations import Gap
from bihuan.register import Register
from bihuan.store import Store

EMPTY: pl.DataFrame = pl.DataFrame(pl.from_arrow(readings_table([])))


class WatchReplay:
    """Steps the watch through the past.

    Parameters
    ----------
    store : Store
        Its records are those in force; belongs into their transaction.
    register : Register
    zone : ZoneInfo
    fresh : bool
        Whether gaps and times on line are made anew; otherwise only the register of each day is given out.
    """

    def __init__(self, store: Store, register: Register, zone: ZoneInfo, *, fresh: bool = True) -> None:
        self._store, self._register, self._zone = store, register, zone
        self._town: Town | None = None
        self._now: datetime | None = None
        self._before: dict[str, Gap] = {}
        self._spells: list[str] = []
        body = store.records.state(WATERMARK)
        self._until = parse_instant(from_json(body, str)) if body else None
        if fresh:
            self._forget()
        self._keeper = GapKeeper(store, zone)
        self._presence = PresenceKeeper(store.records)
        self._settings = SettingBook(store.records)

    def town(self, now: datetime) -> Town:
        """Return the register as it stood on a day."""
        on = local_date(now, self._zone)
        if self._town is None or self._town.on != on:
            self._town = Town(self._register, on)
        return self._town

    def step(self, taken: Taken, now: datetime) -> None:
        """Take what came by a tick, after the ticks at which nothing came."""
        for quiet in self._quiet(now):
            self._nothing(quiet)
        town = self.town(now)
        self._keeper.step(town, taken.readings, now)
        self._presence.step(town.devices, taken.arrivals, now)
        self._settings.step(town.devices, taken.notes, now)
        self._now = now

    def finish(self) -> None:
        """Go on to the last step of the loop, and give gaps back what had been ordered for them."""
        if self._until is not None and self._now is not None and self._now < self._until:
            for quiet in (*self._quiet(self._until), self._until):
                self._nothing(quiet)
        self._presence.keep()
        changed = []
        for gap in gaps_of(self._store.records):
            old = self._before.get(gap.id)
            if old is None or not (old.asked or old.state == "given_up"):
                continue
            gap.asked = old.asked
            if gap.state != "filled":
                gap.state, gap.next_try = old.state if old.state != "filled" else "recalled", old.next_try
            changed.append(gap)
        self._keeper.save(changed)

    def _quiet(self, until: datetime) -> Iterator[datetime]:
        """Ticks since the last one at which frames came, without the one at `until`."""
        at = until if self._now is None else self._now + TICK
        while at < until:
            yield at
            at += TICK

    def _nothing(self, at: datetime) -> None:
        town = self.town(at)
        self._keeper.step(town, EMPTY, at)
        self._presence.step(town.devices, (), at)

    def _forget(self) -> None:
        """Drop what is made anew; what lies before the frames that are kept stays."""
        records, first = self._store.records, self._first()
        gaps = gaps_of(records, since=first)
        self._before = {gap.id: gap for gap in gaps}
        records.remove("gap", [gap.id for gap in gaps])
        rows = records.find("presence", since=first)
        ordered = {row.id for row in rows if row.state == STATE and (one := change_of(records, row.id)) and one.order}
        records.remove("presence", [row.id for row in rows if row.id not in ordered])  # no frame tells of an order
        for name in (JUDGED, BEGAN, LEARNT, TOLD):
            records.set_state(name, b"{}")

    def _first(self) -> datetime | None:
        """When the first frame came that is kept; None where nothing was let go."""
        journal, found = self._store.journal, []
        for gateway in journal.gateways():
            records, _ = journal.tail(gateway, limit=1)
            if records and records[0].position.segment > 1:
                found.append(records[0].received)
        return max(found, default=None)
