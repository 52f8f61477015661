"""The watch over loggers: gaps, automatic recall, times on line; one part of a step of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.alerts import Noticed
from bihuan.app.gapkeeping import GapKeeper
from bihuan.app.linecare import LineCare
from bihuan.app.linewatch import LineWatch
from bihuan.app.ordering import place_order
from bihuan.app.presence import SAME_TIME, Arrival, Double, PresenceKeeper
from bihuan.app.recall import Ordering, Recaller
from bihuan.app.settingbook import Change, SettingBook
from bihuan.app.town import Town
from bihuan.core import DeviceNote, Ref
from bihuan.observations import Gap
from bihuan.store import Store

_HEARD = 'SELECT device, max("end") AS last FROM latest GROUP BY device'


@dataclass(frozen=True, slots=True)
class Watched:
    """What one step of the watch brought."""

    gaps: tuple[Gap, ...] = ()
    doubles: tuple[Double, ...] = ()
    changes: tuple[Change, ...] = ()


class Watch:
    """Looks after what loggers owe.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
    place : Ordering
        Places orders.
    """

    def __init__(self, store: Store, zone: ZoneInfo, place: Ordering = place_order) -> None:
        self._store = store
        self.keeper = GapKeeper(store, zone)
        self._recaller = Recaller(store, self.keeper, zone, place)
        self._presence: PresenceKeeper | None = None
        self.settings = SettingBook(store.records)
        self._care = LineCare(store, zone)
        self._lines = LineWatch(store.records, self.settings)

    def step(
        self,
        town: Town,
        readings: pl.DataFrame,
        arrivals: Sequence[Arrival],
        now: datetime,
        notes: Sequence[tuple[str, DeviceNote]] = (),
    ) -> Watched:
        """Take what came by an instant; belongs into the transaction of the step."""
        gaps = {gap.id: gap for gap in self.keeper.step(town, readings, now)}
        asked = self._recaller.step(town.devices, now)
        if self._presence is None:
            heard = dict(self._store.series.query(_HEARD).iter_rows())
            self._presence = PresenceKeeper(self._store.records, heard)
        self._care.step(town.devices, arrivals, notes, now)  # before anybody notes that they were heard
        doubles = self._presence.step(town.devices, arrivals, now)
        changes = self.settings.step(town.devices, notes, now)
        return Watched(tuple((gaps | {gap.id: gap for gap in asked}).values()), tuple(doubles), tuple(changes))

    def noticed(self, town: Town, recent: pl.DataFrame, now: datetime) -> tuple[Noticed, ...]:
        """Return what the rules are told: lines that produce untreated, and two addresses under one MN.

        Parameters
        ----------
        town : Town
        recent : DataFrame of `READINGS_SCHEMA`
            Minutes of the last hours.
        now : datetime
        """
        assert self._presence is not None
        doubles = (_told_of(one, town, now) for one in self._presence.doubles(now))
        return (*self._lines.step(town, recent, now), *(one for one in doubles if one is not None))

    def heard(self, device: str) -> datetime | None:
        """Return when a logger that is on line was heard last, by whichever host."""
        return None if self._presence is None else self._presence.heard(device)

    def keep(self) -> None:
        """Keep what lasts as it stands, before nobody watches any more."""
        if self._presence is not None:
            self._presence.keep()


def _told_of(one: Double, town: Town, now: datetime) -> Noticed | None:
    """A double as the rules see it: it goes on until neither has taken the other's place for a while."""
    if one.device not in town.devices:
        return None
    return Noticed(
        metric="double",
        site=Ref.parse(one.site),
        since=one.first,
        over=now - one.last <= SAME_TIME,
        value=float(one.times),
        inputs=(Ref("presence", one.id),),
    )
