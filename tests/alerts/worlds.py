"""Small worlds for the rules: a grid of stations with series made by hand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from bihuan.alerts import VALUES_COLUMNS, Facts, RuleRow, RuleSet, RulesState, Site, default_rules
from bihuan.core import Event, Place, Ref, Verdict

T0 = datetime(2026, 4, 6, 0, tzinfo=UTC)
CITY = Ref("city", "410100")
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
SCHEMA = {
    "site": pl.String,
    "pollutant": pl.String,
    "interval": pl.String,
    "start": pl.Datetime("us", "UTC"),
    "end": pl.Datetime("us", "UTC"),
    "value": pl.Float64,
    "usable": pl.Boolean,
    "reason": pl.String,
}


def stations(count: int, kind: str = "micro") -> tuple[Site, ...]:
    return tuple(
        Site(Ref("station", f"S{k:03d}"), kind, Place(113.5 + 0.01 * (k % 20), 34.7 + 0.01 * (k // 20)))
        for k in range(count)
    )


def table(
    values: Mapping[str, np.ndarray],
    start: datetime = T0,
    step: timedelta = HOUR,
    pollutant: str = "pm25",
    interval: str = "hour",
    reason: str = "",
) -> pl.DataFrame:
    """One row a value; NaN is left out."""
    rows = []
    for site, series in values.items():
        for index, value in enumerate(series):
            if np.isfinite(value):
                at = start + index * step
                rows.append((site, pollutant, interval, at, at + step, float(value), True, reason))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").select(VALUES_COLUMNS)


def rule(ident: str) -> RuleRow:
    return next(row for row in default_rules() if row.id == ident)


def run(
    rules: RuleSet,
    sites: tuple[Site, ...],
    values: pl.DataFrame,
    first: datetime,
    last: datetime,
    step: timedelta = HOUR,
    verdicts: tuple[Verdict, ...] = (),
    state: RulesState | None = None,
) -> tuple[RulesState, list[Event]]:
    """Step from `first` to `last` and return every event told, in order."""
    state = state or RulesState()
    told: list[Event] = []
    now = first
    while now <= last:
        seen = values.filter(pl.col("end") <= now)
        facts = Facts(now, CITY, sites, seen, tuple(v for v in verdicts if v.period.end <= now))
        state, events = rules.step(state, facts, now)
        told += events
        now += step
    return state, told


def latest(told: list[Event]) -> dict[str, Event]:
    return {event.id: event for event in told}
