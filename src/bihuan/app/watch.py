"""The watch over loggers: gaps, automatic recall, times on line; one part of a step of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.gapkeeping import GapKeeper, gaps_of
from bihuan.app.presence import Arrival, Double, PresenceKeeper
from bihuan.app.recall import Ordering, Recaller, Recalls
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
    recalls : Recalls
        Shared with the ingest, which marks what was recalled.
    place : Ordering or None
        Places orders; None recalls nothing.
    """

    def __init__(self, store: Store, zone: ZoneInfo, recalls: Recalls, place: Ordering | None) -> None:
        self._store, self._recalls = store, recalls
        self.keeper = GapKeeper(store, zone)
        self._recaller = Recaller(store, self.keeper, zone, place)
        self._presence: PresenceKeeper | None = None

    def step(self, town: Town, readings: pl.DataFrame, arrivals: Sequence[Arrival], now: datetime) -> Watched:
        """Take what came by an instant; belongs into the transaction of the step."""
        gaps = {gap.id: gap for gap in self.keeper.step(town, readings, now)}
        asked = self._recaller.step(town.devices, now)
        self._recalls.note(asked)
        self._recalls.forget(now)
        if self._presence is None:
            heard = dict(self._store.series.query(_HEARD).iter_rows())
            self._presence = PresenceKeeper(self._store.records, heard)
        doubles = self._presence.step(town.devices, arrivals, now)
        return Watched(tuple((gaps | {gap.id: gap for gap in asked}).values()), tuple(doubles))

    def keep(self) -> None:
        """Keep what lasts as it stands, before nobody watches any more."""
        if self._presence is not None:
            self._presence.keep()


def recalls_of(store: Store, all_time: bool = False) -> Recalls:
    """Return what was asked for and has not come; with `all_time` also what has, for a rebuild."""
    found = Recalls()
    found.note(gaps_of(store.records, states=None if all_time else ("recalled",)))
    return found
