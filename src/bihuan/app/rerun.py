"""The loop's own rules over stored hours, hour by hour, as if each had arrived when it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.alerts import Facts, RuleRow, RuleSet, RulesState, Site, default_rules
from bihuan.app.declared import industries
from bihuan.app.town import Town
from bihuan.assessment import Circumstances, aqi_verdict, hourly_aqi, outlet_days, outlet_hours, section_verdict
from bihuan.core import HOUR, NATIONAL_SIX, READINGS_SCHEMA, Event, Period, Ref, Verdict
from bihuan.observations import flag, of_record

AFTER = timedelta(minutes=10)
"""An hour is judged so long after its end, as in the loop."""

REGION = Ref("region", "stored")
"""Subject of what concerns most of the cities of a store at once."""

OF_CITIES = frozenset({"value", "regional", "flagged", "verdict"})
"""Metrics that mean something for city values; the others compare the stations of one city with each other."""

AROUND = 8
"""Hours before and after a verdict beyond its threshold that the rule must see, to fall back."""

_VERDICTS_SHOWN = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Network:
    """Sites that the rules look at together.

    Attributes
    ----------
    subject : Ref
        Who a regional event is about.
    sites : tuple of Site
        Sorted by ref.
    rules : tuple of RuleRow
    """

    subject: Ref
    sites: tuple[Site, ...]
    rules: tuple[RuleRow, ...]

    @property
    def names(self) -> list[str]:
        """References as in the table of hours."""
        return [str(site.ref) for site in self.sites]


def networks_of(stored: Iterable[str], town: Town) -> tuple[Network, ...]:
    """Part the stored sites into cities on one side and stations, outlets and sections of the city on the other.

    A station that the register does not know is looked at as one of the national network, without a place.
    """
    known = {str(site.ref): site for site in town.sites}
    refs = [Ref.parse(name) for name in sorted(set(stored))]
    cities = tuple(Site(ref, "city") for ref in refs if ref.kind == "city" and str(ref) not in known)
    own = tuple(known.get(str(ref), Site(ref, "national")) for ref in refs if ref.kind != "city" or str(ref) in known)
    hourly = tuple(rule for rule in default_rules() if rule.interval != "minute" and rule.metric != "silence")
    networks = [
        Network(REGION, cities, tuple(rule for rule in hourly if rule.metric in OF_CITIES)),
        Network(town.ref, own, hourly),
    ]
    return tuple(network for network in networks if network.sites)


def rerun(
    network: Network,
    hours: pl.DataFrame,
    days: pl.DataFrame,
    period: Period,
    town: Town,
    *,
    zone: ZoneInfo,
    allow: frozenset[str] = frozenset(),
) -> tuple[Event, ...]:
    """Return the events of a period as they stood at its end, oldest first.

    Parameters
    ----------
    network : Network
    hours, days : DataFrame of `ROLLUP_SCHEMA`
        Of the sites of the network; the hours from some days before the period on, since the rules look back.
    period : Period
    town : Town
    zone : ZoneInfo
    allow : frozenset of str
        Rows of law that the city has switched on.
    """
    rules = RuleSet(network.rules, allow)
    values = _values(flagged(of_record(hours.select(_COLUMNS)), network))
    verdicts = sorted(_verdicts(network, hours, days, town, zone, allow), key=lambda v: (v.period.end, v.id))
    windows = _Windows(values, verdicts, rules.lookback("hour"))
    state, known = RulesState(), dict[str, Event]()
    now = period.start + HOUR + AFTER
    while now <= period.end + AFTER:
        shown, judged = windows.at(now)
        facts = Facts(now, network.subject, network.sites, shown, judged, place_code=town.ref.id)
        state, events = rules.step(state, facts, now)
        known |= {event.id: event for event in events}
        now += HOUR
    return tuple(sorted(known.values(), key=lambda event: (event.period.start, event.rule, event.id)))


_COLUMNS = ["site", "pollutant", "stat", "basis", "start", "end", "value", "mark", "quality", "reason", "level"]


def flagged(hours: pl.DataFrame, network: Network) -> pl.DataFrame:
    """Let the checks of the observations room mark the hours; values stay as they are."""
    readings = hours.rename({"site": "device"}).with_columns(
        pl.lit("hour").alias("interval"), pl.lit("file").alias("origin"), pl.lit("").alias("frame")
    )
    placed = [
        (str(site.ref), str(site.ref), site.kind, site.place.lon, site.place.lat)
        for site in network.sites
        if site.place is not None
    ]
    sites = pl.DataFrame(
        placed,
        schema={"device": pl.String, "site": pl.String, "kind": pl.String, "lon": pl.Float64, "lat": pl.Float64},
        orient="row",
    )
    return flag(readings.select(READINGS_SCHEMA.names), sites=sites).rename({"device": "site"})


def _values(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as `Facts.values` wants them, in order of time."""
    keys = ["site", "pollutant", "start"]
    judged = rows.filter(pl.col("stat").is_in(["avg", "zs_avg"])).sort(*keys, "stat")
    usable = pl.col("value").is_not_null() & ~pl.col("quality").is_in(["bad", "missing"])
    return (
        judged.unique(keys, keep="last", maintain_order=True)
        .with_columns(usable.alias("usable"))
        .sort("start", "site", "pollutant")
        .select("site", "pollutant", "interval", "start", "end", "value", "usable", "reason")
    )


class _Windows:
    """The part of values and verdicts that the rules are shown at an instant, found by bisection."""

    def __init__(self, values: pl.DataFrame, verdicts: Sequence[Verdict], lookback: timedelta) -> None:
        self._values, self._verdicts = values, verdicts
        self._lookback = lookback + HOUR
        self._starts: NDArray[np.int64] = values["start"].dt.timestamp("us").to_numpy()
        self._ends = np.array([_micros(verdict.period.end) for verdict in verdicts], dtype=np.int64)

    def at(self, now: datetime) -> tuple[pl.DataFrame, tuple[Verdict, ...]]:
        """Return what had arrived by an instant and is not older than the rules look back."""
        first = np.searchsorted(self._starts, _micros(now - self._lookback))
        last = np.searchsorted(self._starts, _micros(now - HOUR), side="right")
        old = np.searchsorted(self._ends, _micros(now - _VERDICTS_SHOWN))
        new = np.searchsorted(self._ends, _micros(now), side="right")
        return self._values.slice(int(first), int(last - first)), tuple(self._verdicts[int(old) : int(new)])


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _verdicts(
    network: Network, hours: pl.DataFrame, days: pl.DataFrame, town: Town, zone: ZoneInfo, allow: frozenset[str]
) -> Iterator[Verdict]:
    """Verdicts that rules read: indices of cities near a threshold, outlets, sections."""
    wide = _wide(hours.filter(pl.col("site").str.starts_with("city:")))
    if wide.height:
        above = min(float(r.table("verdict")["above"]) for r in network.rules if "above" in r.tables.get("verdict", {}))
        near = hourly_aqi(wide, zone=zone).sort("site", "start")
        for row in near.filter(_around(near, above)).iter_rows(named=True):
            yield aqi_verdict(Ref.parse(row["site"]), row, basis="file")
    known = Circumstances(zone, allow, industries(town))
    for outlet in town.outlets:
        yield from outlet_hours(outlet, hours, known)
        yield from outlet_days(outlet, hours, days, known)
    for section in town.sections:
        rows = days.filter((pl.col("site") == f"section:{section.id}") & (pl.col("stat") == "avg"))
        for (start, end), part in rows.group_by(["start", "end"], maintain_order=True):
            assert isinstance(start, datetime)
            assert isinstance(end, datetime)
            values = dict(part.select("pollutant", "value").iter_rows())
            yield section_verdict(section, Period(start, end), values, zone=zone)


def _wide(rows: pl.DataFrame) -> pl.DataFrame:
    kept = of_record(rows.filter((pl.col("stat") == "avg") & pl.col("pollutant").is_in(list(NATIONAL_SIX))))
    kept = kept.filter(pl.col("value").is_not_null())
    if kept.is_empty():
        return kept
    return kept.pivot("pollutant", index=["site", "start", "end"], values="value").sort("site", "start")


def _around(table: pl.DataFrame, above: float) -> pl.Series:
    """Mark the hours within `AROUND` hours of one above a threshold; the rest of a winter says nothing to the rule."""
    over = (pl.col("aqi") > above).fill_null(False)
    rows = [over.shift(by, fill_value=False).over("site") for by in range(-AROUND, AROUND + 1)]
    return table.select(pl.any_horizontal(rows).alias("near"))["near"]
