"""What other hosts of a lake stored: their minutes stand beside our own, and the city is judged from both.

The hosts of a city take turns: each looks at what the others stored, checks and averages with it, and stores, before
the next one does. So a site whose loggers speak to several hosts has one hour, made of all its minutes.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from bihuan.app.rollups import SHORT
from bihuan.core import KEY_COLUMNS, ROLLUP_KEY, Period, from_json, to_json
from bihuan.store import Added, LakeStore, Store

if TYPE_CHECKING:
    from bihuan.app.ingest import Taken

FOLLOWED = "ingest/followed"
"""Name in `Records.state`: snapshot of the lake up to which other hosts' hours were concluded from."""

HOURS_BACK = timedelta(hours=30)
"""So far back the hours of the lake are taken for new when the snapshots since the last step are no longer kept."""


class Others(Protocol):
    """What other hosts store."""

    def turn(self) -> AbstractContextManager[Any]:
        """Hold the turn: nobody else stores meanwhile."""

    def look(self, now: datetime) -> Added | None:
        """Return what others stored since `seen` was called last, None where there are no others."""

    def seen(self, found: Added | None) -> None:
        """What was returned is stored beside our own and handed on."""

    def keep(self) -> None:
        """Remember how far was concluded; belongs into the transaction that holds what was."""


def others_of(store: Store) -> Others:
    """Return what follows the other hosts of a store; nobody where one process owns it."""
    series = store.series
    return OtherHosts(store, series) if isinstance(series, LakeStore) else Nobody()


class Nobody:
    """An embedded store has one process."""

    def turn(self) -> AbstractContextManager[Any]:
        """Nobody to wait for."""
        return nullcontext()

    def look(self, now: datetime) -> Added | None:
        """Nothing."""
        return None

    def seen(self, found: Added | None) -> None:
        """Nothing."""

    def keep(self) -> None:
        """Nothing."""


class OtherHosts:
    """The other hosts of a lake.

    Parameters
    ----------
    store : Store
    series : LakeStore
        Its series.
    """

    def __init__(self, store: Store, series: LakeStore) -> None:
        self._records, self._series = store.records, series
        known = self._records.state(FOLLOWED)
        self._concluded = from_json(known, int) if known else None
        self._upto: int | None = None

    def turn(self) -> AbstractContextManager[Any]:
        """Hold the lock of the city's writers."""
        return self._series.exclusive()

    def look(self, now: datetime) -> Added:
        """Return what others stored; belongs into `turn`.

        Notes
        -----
        At the first look of a process its memory is made from the store, which holds the others' minutes already; only
        their hours since the last complete step have still to be judged.
        """
        if self._upto is not None:
            found = self._series.added(self._upto)
            if found.whole:
                return found
        elif self._concluded is not None:
            found = self._series.added(self._concluded)
            if found.whole:
                return found._replace(readings=found.readings.clear())
        found = self._series.added(None)
        period = Period(now - HOURS_BACK, now + timedelta(days=1))
        minutes = found.readings
        if self._upto is not None:
            rows = [self._series.readings(interval=interval, period=period) for interval in SHORT]
            minutes = pl.concat(rows).select(minutes.columns)
        return found._replace(readings=minutes, hours=self._series.hours(period=period).select(found.hours.columns))

    def seen(self, found: Added | None) -> None:
        """Go on behind it the next time."""
        assert found is not None
        self._upto = found.upto

    def keep(self) -> None:
        """Remember how far was concluded."""
        if self._upto is not None and self._upto != self._concluded:
            self._records.set_state(FOLLOWED, to_json(self._upto))
            self._concluded = self._upto


def beside(taken: Taken, found: Added | None) -> Taken:
    """Return what a step took in with what other hosts stored beside it; of one key our own row is the later one."""
    if found is None or (found.readings.is_empty() and found.hours.is_empty()):
        return taken
    return replace(
        taken,
        readings=_both(found.readings, taken.readings, KEY_COLUMNS),
        hours=_both(found.hours, taken.hours, ROLLUP_KEY),
    )


def _both(theirs: pl.DataFrame, ours: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    rows = pl.concat([theirs.select(ours.columns), ours])
    return rows.unique(list(key), keep="last", maintain_order=True)
