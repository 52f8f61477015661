"""What was handled is measured: did the excess go away once the wind is taken into account (见效评价)?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import polars as pl

from bihuan.app.suspicion import Suspicion
from bihuan.app.values import as_values, instants
from bihuan.cases import Case
from bihuan.core import HOUR, Effect, Event, Interval, Period, Series
from bihuan.store import Store
from bihuan.verification import ACUTE, LASTING, effect, effect_at_outlet

FIRST_LOOK = timedelta(hours=3)
"""So long after 办结 the first measured verdict is tried."""

AGAIN = timedelta(hours=3)

LASTS = timedelta(hours=36)
"""What went on for less is an incident and is compared by its minutes; what lasted longer by its hours."""

LAST_LOOK = timedelta(hours=24)
"""After this 无法评估 stands."""


class Measure:
    """Looks at handled cases until a verdict can be told.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tried: dict[str, datetime] = {}

    def due(self, cases: Iterable[Case], now: datetime) -> tuple[Case, ...]:
        """Return the cases whose effect is to be measured now."""
        return tuple(case for case in cases if self._is_due(case, now))

    def _is_due(self, case: Case, now: datetime) -> bool:
        if case.done is None or case.kind == "maintenance" or case.effective is not None:
            return False
        if case.state not in {"reported", "checking", "closed"} or now - case.done.at < FIRST_LOOK:
            return False
        return now - self._tried.get(case.id, case.done.at) >= AGAIN or case.id not in self._tried

    def effect(self, case: Case, event: Event | None, suspicion: Suspicion, now: datetime) -> Effect | None:
        """Measure one case before against after.

        Returns
        -------
        Effect or None
            None while more hours may still tell it; `cannot_tell` only when the last look is over.
        """
        if case.done is None or event is None or not event.pollutant:
            return None
        self._tried[case.id] = now
        before = Period(min(event.period.start, case.done.at - HOUR), case.done.at)
        after = Period(case.done.at, now)
        acute = before.length < LASTS
        interval: Interval = "minute" if acute else "hour"
        scale = ACUTE if acute else LASTING
        rows = self._values(Period(before.start - HOUR, now), interval, suspicion)
        if event.subject.kind == "outlet":
            series = _outlet_series(rows, str(event.subject), event.pollutant, interval)
            found = effect_at_outlet(case.ref, series, event.threshold or float("inf"), before, after, scale)
        else:
            observations = suspicion.series(rows, event.pollutant, interval)
            weather = suspicion.weather(rows, timedelta(seconds=scale.step))
            found = effect(case.ref, event.pollutant, observations, case.place, weather, before, after, scale)
        if found.verdict == "cannot_tell" and now - case.done.at < LAST_LOOK:
            return None
        return found

    def _values(self, period: Period, interval: Interval, suspicion: Suspicion) -> pl.DataFrame:
        """Hours of record, or the minute readings of an incident that lasted hours."""
        if interval == "hour":
            rows = self._store.series.hours(period=period, of_record=True)
        else:
            rows = suspicion.with_sites(self._store.series.readings(interval="minute", period=period))
        return as_values(rows.filter(pl.col("end") <= period.end), interval)


def _outlet_series(rows: pl.DataFrame, site: str, pollutant: str, interval: Interval) -> Series:
    mine = rows.filter((pl.col("site") == site) & (pl.col("pollutant") == pollutant)).sort("start")
    return Series(
        site=site,
        pollutant=pollutant,
        interval=interval,
        start=instants(mine["start"]),
        end=instants(mine["end"]),
        value=mine["value"].fill_null(float("nan")).to_numpy(),
        usable=mine["usable"].to_numpy(),
    )
