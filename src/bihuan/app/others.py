"""What other hosts of a lake stored: their minutes stand beside our own, and the city is judged from both.

The hosts of a city take turns: each looks at what the others stored, checks and averages with it, and stores, before
the next one does. So a site whose loggers speak to several hosts has one hour, made of all its minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import polars as pl

from bihuan.app.presence import Arrival
from bihuan.app.rollups import SHORT
from bihuan.core import KEY_COLUMNS, ROLLUP_KEY, DeviceNote, Period, from_json, to_json
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

    def look(self, now: datetime, until: datetime | None = None) -> Added | None:
        """Return what others stored since `seen` was called last, None where there are no others.

        With `until` what was stored later is left for the next time.
        """

    def telling(self, arrivals: Sequence[Arrival], notes: Sequence[Note]) -> AbstractContextManager[Any]:
        """Tell the others, with what is stored meanwhile, whose frames came and what devices said of themselves."""

    def seen(self, found: Added | None) -> None:
        """What was returned is stored beside our own and handed on."""

    def keep(self) -> None:
        """Remember how far was concluded; belongs into the transaction that holds what was."""


Note = tuple[str, DeviceNote]
"""Whose, and what it said of itself."""


class ToldByHost(msgspec.Struct, frozen=True):
    """What a host that only takes in tells the one that judges, beside readings.

    Attributes
    ----------
    arrivals : list of Arrival
        Which known logger's frames came when and from where.
    notes : list of (MN, DeviceNote)
        What devices said of themselves, secrets left out.
    """

    arrivals: list[Arrival] = []
    notes: list[Note] = []


def others_of(store: Store, *, tells: bool = False) -> Others:
    """Return what follows the other hosts of a store; nobody where one process owns it.

    Parameters
    ----------
    store : Store
    tells : bool
        Whether this host concludes nothing from what comes beside readings, and so tells it the one that does.
    """
    series = store.series
    return OtherHosts(store, series, tells) if isinstance(series, LakeStore) else Nobody()


class Nobody:
    """An embedded store has one process."""

    def turn(self) -> AbstractContextManager[Any]:
        """Nobody to wait for."""
        return nullcontext()

    def look(self, now: datetime, until: datetime | None = None) -> Added | None:
        """Nothing."""
        return None

    def telling(self, arrivals: Sequence[Arrival], notes: Sequence[Note]) -> AbstractContextManager[Any]:
        """Nobody to tell."""
        return nullcontext()

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
    tells : bool
        Whether it tells them what comes beside readings.
    """

    def __init__(self, store: Store, series: LakeStore, tells: bool = False) -> None:
        self._records, self._series, self._tells = store.records, series, tells
        known = self._records.state(FOLLOWED)
        self._concluded = from_json(known, int) if known else None
        self._upto: int | None = None

    def turn(self) -> AbstractContextManager[Any]:
        """Hold the lock of the city's writers."""
        return self._series.exclusive()

    def look(self, now: datetime, until: datetime | None = None) -> Added:
        """Return what others stored; belongs into `turn`.

        Notes
        -----
        At the first look of a process its memory is made from the store, which holds the others' minutes already; only
        their hours since the last complete step have still to be judged. One that catches up begins its memory where
        it stopped, and is then given the others' minutes slice by slice: a day of a city is more than a memory holds.
        """
        if self._upto is not None:
            found = self._series.added(self._upto, until)
            if found.whole:
                return found
        elif self._concluded is not None:
            found = self._series.added(self._concluded, until, hours_only=until is None)
            if found.whole:
                return found
        found = self._series.added(None)
        period = Period(now - HOURS_BACK, now + timedelta(days=1))
        minutes = found.readings
        if self._upto is not None:
            rows = [self._series.readings(interval=interval, period=period) for interval in SHORT]
            minutes = pl.concat(rows).select(minutes.columns)
        hours = self._series.hours(period=period).select(found.hours.columns)
        return found._replace(readings=minutes, hours=hours, told=self._series.told_since(now - HOURS_BACK))

    def telling(self, arrivals: Sequence[Arrival], notes: Sequence[Note]) -> AbstractContextManager[Any]:
        """Tell the one that judges, in the transaction that stores what the frames held."""
        if not self._tells or not (arrivals or notes):
            return nullcontext()
        return self._series.telling(to_json(ToldByHost(list(arrivals), list(notes))).decode())

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
    if found is None or (found.readings.is_empty() and found.hours.is_empty() and not found.told):
        return taken
    told = [from_json(body.encode(), ToldByHost) for body in found.told]
    return replace(
        taken,
        readings=_both(found.readings, taken.readings, KEY_COLUMNS),
        hours=_both(found.hours, taken.hours, ROLLUP_KEY),
        arrivals=[*(one for part in told for one in part.arrivals), *taken.arrivals],
        notes=(*(one for part in told for one in part.notes), *taken.notes),
    )


def _both(theirs: pl.DataFrame, ours: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    rows = pl.concat([theirs.select(ours.columns), ours])
    return rows.unique(list(key), keep="last", maintain_order=True)
