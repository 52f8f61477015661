"""What was handled is measured: did the excess go away once the wind is taken into account (见效评价)?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from bihuan.app.suspicion import Suspicion
from bihuan.cases import Case
from bihuan.core import Effect, Event, Period, Series
from bihuan.verification import effect, effect_at_outlet

FIRST_LOOK = timedelta(hours=3)
"""So long after 办结 the first measured verdict is tried."""

AGAIN = timedelta(hours=3)
LAST_LOOK = timedelta(hours=24)
"""After this 无法评估 stands."""

BEFORE = timedelta(hours=24)


class Measure:
    """Looks at handled cases until a verdict can be told."""

    def __init__(self) -> None:
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

    def effect(
        self, case: Case, event: Event | None, suspicion: Suspicion, values: pl.DataFrame, now: datetime
    ) -> Effect | None:
        """Measure one case.

        Returns
        -------
        Effect or None
            None while more hours may still tell it; `cannot_tell` only when the last look is over.
        """
        if case.done is None or event is None or not event.pollutant:
            return None
        self._tried[case.id] = now
        before = Period(max(event.period.start, case.done.at - BEFORE), case.done.at)
        after = Period(case.done.at, now)
        if event.subject.kind == "outlet":
            series = _outlet_series(values, str(event.subject), event.pollutant)
            found = effect_at_outlet(case.ref, event.pollutant, series, event.threshold, before, after)
        else:
            observations = suspicion.series(values, event.pollutant)
            weather = suspicion.weather(values)
            found = effect(case.ref, event.pollutant, observations, case.place, weather, before, after)
        if found.verdict == "cannot_tell" and now - case.done.at < LAST_LOOK:
            return None
        return found


def _outlet_series(values: pl.DataFrame, site: str, pollutant: str) -> Series:
    rows = values.filter(
        (pl.col("site") == site) & (pl.col("pollutant") == pollutant) & (pl.col("interval") == "hour")
    ).sort("start")
    return Series(
        site=site,
        pollutant=pollutant,
        interval="hour",
        start=_instants(rows["start"]),
        end=_instants(rows["end"]),
        value=rows["value"].fill_null(float("nan")).to_numpy(),
        usable=rows["usable"].to_numpy(),
    )


def _instants(column: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return column.dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
