"""The watch over loggers: gaps, automatic recall, times on line; one part of a step of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.gapkeeping import GapKeeper
from bihuan.app.ordering import place_order
from bihuan.app.presence import Arrival, Double, PresenceKeeper
from bihuan.app.recall import Ordering, Recaller
from bihuan.app.town import Town
from bihuan.observations import Gap
from bihuan.store import Store

_HEARD = 'SELECT device, max("end") AS last FROM latest GROUP BY device'


@dataclass(frozen=True, slots=True)
class Watched:
    """What one step of the watch brought."""

    gaps: tuple[Gap, ...] = ()
    doubles: tuple[Double, ...] = ()


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

    def step(self, town: Town, readings: pl.DataFrame, arrivals: Sequence[Arrival], now: datetime) -> Watched:
        """Take what came by an instant; belongs into the transaction of the step."""
        gaps = {gap.id: gap for gap in self.keeper.step(town, readings, now)}
        asked = self._recaller.step(town.devices, now)
        if self._presence is None:
            heard = dict(self._store.series.query(_HEARD).iter_rows())
            self._presence = PresenceKeeper(self._store.records, heard)
        doubles = self._presence.step(town.devices, arrivals, now)
        return Watched(tuple((gaps | {gap.id: gap for gap in asked}).values()), tuple(doubles))

    def keep(self) -> None:
        """Keep what lasts as it stands, before nobody watches any more."""
        if self._presence is not None:
            self._presence.keep()
