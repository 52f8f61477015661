"""When an hour or a day of the city is over it gets its verdicts, under the law of that day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from bihuan.app.declared import hours_of, industries
from bihuan.app.town import Town
from bihuan.assessment import (
    Circumstances,
    Declared,
    aqi_verdict,
    city_mean,
    daily_aqi,
    daily_means,
    hourly_aqi,
    outlet_days,
    outlet_hours,
    reading_ref,
    section_verdict,
    wide_hours,
)
from bihuan.core import HOUR, NATIONAL_SIX, Period, Ref, Verdict, from_json, local_date, local_day, to_json
from bihuan.observations import days_from_hours, needed, of_record
from bihuan.store import Store

HOUR_GRACE = timedelta(minutes=10)
"""An hour is judged so long after its end: the devices' own hourly report comes in the first minutes."""

DAY_GRACE = timedelta(minutes=40)
"""A day likewise; HJ 633-2026 5.2 asks for it by 12:00 of the next day."""

AFTER_ALARM = ("mark_timing", "after_alarm")
"""Note of a verdict."""

TOUCHED = "loop/touched"
"""Name in `Records.state` of what still has to be judged."""


class Touched(msgspec.Struct):
    """Hours and days with new rows that were not judged since."""

    hours: list[datetime] = []
    days: list[date] = []


class Judge:
    """Gives each hour and day its verdicts, and once more when late data change it.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
    allow : frozenset of str
        Rows of law that the city has switched on although they are unconfirmed.
    """

    def __init__(self, store: Store, zone: ZoneInfo, allow: frozenset[str] = frozenset()) -> None:
        self._store = store
        self._zone = zone
        self._allow = allow
        known = store.records.state(TOUCHED)
        waiting = from_json(known, Touched) if known else Touched()
        self._hours: set[datetime] = set(waiting.hours)
        self._days: set[date] = set(waiting.days)
        self._kept = known
        self._declared: Callable[[], tuple[Declared, ...]] = tuple

    def touched(self, hours: pl.DataFrame) -> None:
        """Remember which hours and days have new or changed rows."""
        starts = hours["start"].unique().to_list()
        self._hours.update(starts)
        self._days.update(local_date(start, self._zone) for start in starts)

    def declared(self, marks: Callable[[], tuple[Declared, ...]], fresh: Iterable[Declared]) -> None:
        """Take the marks that enterprises have set; hours and days of which something new was said are judged again.

        Parameters
        ----------
        marks : callable
            Returns all of them that may still matter; asked only when something is judged.
        fresh : iterable of Declared
            Those that came since the last look.
        """
        self._declared = marks
        hours = hours_of(fresh)
        self._hours.update(hours)
        self._days.update(local_date(start, self._zone) for start in hours)

    def keep(self) -> None:
        """Remember what waits: a new process must judge what this one had only taken in."""
        waiting = to_json(Touched(sorted(self._hours), sorted(self._days)))
        if waiting != self._kept:
            self._store.records.set_state(TOUCHED, waiting)
            self._kept = waiting

    def due(self, town: Town, now: datetime) -> tuple[Verdict, ...]:
        """Return the verdicts of every touched hour and day that has been over for its grace."""
        hours = sorted(start for start in self._hours if start + HOUR + HOUR_GRACE <= now)
        days = sorted(day for day in self._days if local_day(day, self._zone).end + DAY_GRACE <= now)
        self._hours.difference_update(hours)
        self._days.difference_update(days)
        if not hours and not days:
            return ()
        known = Circumstances(self._zone, self._allow, industries(town), self._declared())
        verdicts: list[Verdict] = []
        for start in hours:
            verdicts += self._hour(town, Period(start, start + HOUR), known)
        for day in days:
            verdicts += self._day(town, day, known)
        return tuple(self._as_marked(verdict) for verdict in verdicts)

    def _as_marked(self, verdict: Verdict) -> Verdict:
        """Keep that a data flag came only after the alarm: the hour was judged as over before it was sent again."""
        if verdict.reason != "marked_invalid":
            return verdict
        row = self._store.records.get("verdict", verdict.id)
        before = from_json(row.body, Verdict) if row else None
        late = before is not None and (before.label == "suspected_over" or AFTER_ALARM in before.notes)
        return replace(verdict, notes=(*verdict.notes, AFTER_ALARM)) if late else verdict

    def _hour(self, town: Town, period: Period, known: Circumstances) -> Iterator[Verdict]:
        rows = self._store.series.hours(period=period)
        stations = [f"station:{station.id}" for station in town.stations]
        wide = _with_six(wide_hours(rows.filter(pl.col("site").is_in(stations)), official=town.official))
        if wide.height:
            yield from self._air(town, wide, of_record(rows))
        parts = _by_site(rows)
        for outlet in town.outlets:
            own = parts.get(f"outlet:{outlet.id}")
            if own is not None:
                yield from outlet_hours(outlet, own, known)

    def _air(self, town: Town, wide: pl.DataFrame, record: pl.DataFrame) -> Iterator[Verdict]:
        basis = dict(record.filter(pl.col("stat") == "avg").select("site", "basis").unique("site").iter_rows())
        for row in hourly_aqi(wide, zone=self._zone).iter_rows(named=True):
            yield aqi_verdict(Ref.parse(row["site"]), row, basis=basis.get(row["site"], "minutes"))
        own = wide.filter(pl.col("site").is_in(town.city_stations))
        if own.height:
            for row in hourly_aqi(city_mean(own, str(town.ref)), zone=self._zone).iter_rows(named=True):
                yield aqi_verdict(town.ref, row, inputs=_station_refs(own, basis))

    def _day(self, town: Town, day: date, known: Circumstances) -> Iterator[Verdict]:
        period = local_day(day, self._zone)
        hours = self._store.series.hours(period=period)
        days = days_from_hours(hours, needed(day).hours, self._zone)
        self._store.series.append(days=days)
        stations = [f"station:{station.id}" for station in town.stations]
        wide = _with_six(wide_hours(hours.filter(pl.col("site").is_in(stations)), official=town.official))
        if wide.height:
            yield from self._air_day(town, wide)
        by_hour, by_day = _by_site(hours), _by_site(days)
        for outlet in town.outlets:
            name = f"outlet:{outlet.id}"
            if name in by_hour or name in by_day:
                own = by_hour.get(name, hours.clear()), by_day.get(name, days.clear())
                yield from outlet_days(outlet, *own, known)
        for section in town.sections:
            rows = days.filter((pl.col("site") == f"section:{section.id}") & (pl.col("stat") == "avg"))
            if rows.height:
                values = dict(rows.select("pollutant", "value").iter_rows())
                yield section_verdict(section, period, values, zone=self._zone)

    def _air_day(self, town: Town, wide: pl.DataFrame) -> Iterator[Verdict]:
        means = daily_means(wide, zone=self._zone)
        for row in daily_aqi(means, zone=self._zone).iter_rows(named=True):
            yield aqi_verdict(Ref.parse(row["site"]), row)
        own = wide.filter(pl.col("site").is_in(town.city_stations))
        if own.height:
            city = daily_means(city_mean(own, str(town.ref)), zone=self._zone)
            for row in daily_aqi(city, zone=self._zone).iter_rows(named=True):
                yield aqi_verdict(town.ref, row, inputs=_station_refs(own, {}))


def _by_site(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Cut once instead of searching all rows for each of hundreds of outlets."""
    return {str(site): part for (site,), part in rows.partition_by("site", as_dict=True).items()}


def _with_six(wide: pl.DataFrame) -> pl.DataFrame:
    """Keep the six items only: an index has no place for what the station measures besides."""
    kept = [name for name in wide.columns if name in {"site", "start", "end", *NATIONAL_SIX}]
    six = [name for name in kept if name in NATIONAL_SIX]
    return (
        wide.select(kept).filter(pl.any_horizontal([pl.col(name).is_not_null() for name in six]))
        if six
        else wide.clear()
    )


def _station_refs(own: pl.DataFrame, basis: dict[str, str]) -> tuple[Ref, ...]:
    """What a city mean was made from: every station value that was there."""
    codes: Iterable[str] = [name for name in own.columns if name in NATIONAL_SIX]
    return tuple(
        reading_ref(row["site"], code, "avg", basis.get(row["site"], "device"), row["start"])
        for row in own.sort("site", "start").iter_rows(named=True)
        for code in codes
        if row[code] is not None
    )
