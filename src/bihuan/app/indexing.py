"""From stored hours to indices and days: what follows from an import, and from every later correction of it.

Everything here reads the hours of record out of the store, so that two files, or a file and a logger, that each tell
a part of an hour make one index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.town import Town
from bihuan.assessment import city_mean, daily_aqi, daily_means, hourly_aqi
from bihuan.core import BASES, DAY, NATIONAL_SIX, Period, local_date, local_day
from bihuan.observations import days_from_hours, needed
from bihuan.store import INDICES_SCHEMA, SeriesStore

HOURLY = "aqi_hour_1h/1"
DAILY = "aqi_day/1"
"""Methods as `assessment.aqi_verdict` names them; the id of a verdict holds the name."""

PUBLISHED = "published_hour"
"""Kind of the index that a feed computed itself: kept beside ours, never mixed with it, and no verdict of ours."""


_LEVEL = (
    "CASE WHEN min(level) = max(level) THEN min(level) "
    "WHEN bool_or(level = 'realtime') THEN 'realtime' ELSE 'reviewed' END"
)
"""A mean is as final as its least final part."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Sites and a stretch of time whose hours an import changed."""

    sites: frozenset[str]
    period: Period


def merged(parts: Iterable[Touched]) -> list[Touched]:
    """Join parts that lie within a day of each other, so that a day of many hourly files is rolled up once."""
    found: list[Touched] = []
    for part in sorted(parts, key=lambda one: (one.period.start, one.period.end, sorted(one.sites))):
        last = found[-1] if found else None
        if last is not None and part.period.start <= last.period.end + DAY:
            span = Period(last.period.start, max(last.period.end, part.period.end))
            found[-1] = Touched(last.sites | part.sites, span)
        else:
            found.append(part)
    return found


def wide_hours_of(
    series: SeriesStore, sites: Collection[str] | None, period: Period, official: Collection[str] = ()
) -> pl.DataFrame:
    """Return one row a site and hour with the six pollutants, as `assessment.wide_hours` makes it, by the database.

    Parameters
    ----------
    series : SeriesStore
    sites : collection of str or None
        As in the table of hours; None for all that have any of the six.
    period : Period
    official : collection of str
        Sites whose series is official: our flags never take a value of theirs out. A ``city:`` value is one always.

    Returns
    -------
    DataFrame
        ``site start end level``, then the six [ug/m3, CO mg/m3], null where missing; ordered by site and start. An
        hour of which nothing is left is a row of nulls.

    Notes
    -----
    A pivot of 1.8 million rows takes 3 s in polars and a third of one here.
    """
    bases = ", ".join(f"'{basis}'" for basis in BASES)
    six = ", ".join(f"'{code}'" for code in NATIONAL_SIX)
    cells = ", ".join(
        f"arg_min(v, r) FILTER (pollutant = '{code}' AND v IS NOT NULL) AS {code}" for code in NATIONAL_SIX
    )
    among = "" if sites is None else "AND site IN (SELECT unnest(?::VARCHAR[])) "
    usable = "quality IN ('good', 'suspect') OR site LIKE 'city:%' OR site IN (SELECT unnest(?::VARCHAR[]))"
    return series.query(
        f'SELECT site, start, max("end") AS "end", {_LEVEL} AS level, {cells} FROM ('
        f'SELECT site, pollutant, start, "end", level, CASE WHEN {usable} THEN value END AS v, '
        f"list_position([{bases}], basis) AS r FROM hours "
        f"WHERE stat = 'avg' AND pollutant IN ({six}) AND start >= ? AND start < ? "
        f'AND "end" - start = INTERVAL 1 HOUR {among}) GROUP BY site, start ORDER BY site, start',
        [list(official), period.start, period.end, *([] if sites is None else [list(sites)])],
    )


def city_hours_of(series: SeriesStore, town: Town, sites: Collection[str] | None, period: Period) -> pl.DataFrame:
    """Return hours as `wide_hours_of` does, and those of our own city as the mean of its stations.

    The mean stands in where the city's own hours are not stored themselves and it is asked for (or everything is).
    """
    wide, own = wide_hours_of(series, sites, period, town.official), str(town.ref)
    if (sites is not None and own not in sites) or own in wide["site"].unique():
        return wide
    stations = wide_hours_of(series, town.city_stations, period, town.official)
    if stations.is_empty():
        return wide
    mean = city_mean(stations.drop("level"), own)
    levels = stations.group_by("start").agg(_least_final())
    return pl.concat([wide, mean.join(levels, on="start", how="left").select(wide.columns)])


def _least_final() -> pl.Expr:
    """A mean is as final as its least final part."""
    level = pl.col("level")
    unlike = pl.when((level == "realtime").any()).then(pl.lit("realtime")).otherwise(pl.lit("reviewed"))
    return pl.when(level.n_unique() == 1).then(level.first()).otherwise(unlike).alias("level")


def whole_days(period: Period, zone: ZoneInfo) -> Period:
    """Return the natural days that a period touches, as one period."""
    last = local_date(period.end - timedelta(microseconds=1), zone)
    return Period(local_day(local_date(period.start, zone), zone).start, local_day(last, zone).end)


def follow(series: SeriesStore, touched: Touched, zone: ZoneInfo, official: Collection[str] = ()) -> None:
    """Compute and store what follows from hours that changed: hourly indices, days, daily indices."""
    days = whole_days(touched.period, zone)
    wide = wide_hours_of(series, touched.sites, days, official)
    inside = pl.col("start").is_between(touched.period.start, touched.period.end, closed="left")
    indices = [hour_indices(wide.filter(inside), zone), day_indices(wide, zone)]
    hours = series.hours(touched.sites, period=days)
    if hours.height:
        series.append(days=_days(hours, zone), indices=pl.concat(indices))


def hour_indices(wide: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Return the hourly indices of a wide table as rows of `INDICES_SCHEMA`."""
    return _rows(hourly_aqi(wide, zone=zone), "aqi_hour", HOURLY)


def day_indices(wide: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Return the daily indices of a wide table of whole days as rows of `INDICES_SCHEMA`."""
    day = pl.col("start").dt.convert_time_zone(zone.key).dt.date().alias("day")
    levels = wide.group_by("site", day).agg(_least_final())
    judged = daily_aqi(daily_means(wide, zone=zone), zone=zone).with_columns(day)
    return _rows(judged.join(levels, on=["site", "day"], how="left", maintain_order="left"), "aqi_day", DAILY)


def published_indices(published: pl.DataFrame) -> pl.DataFrame:
    """Return a feed's own index (`devices.csv.PUBLISHED_SCHEMA`) as rows of `INDICES_SCHEMA`."""
    empty = ("primary", "label", "standard", "status", "reason")
    return published.with_columns(
        pl.lit(PUBLISHED).alias("kind"),
        pl.lit("published").alias("method"),
        pl.lit("realtime").alias("level"),
        *(pl.lit("").alias(name) for name in empty),
    ).select(INDICES_SCHEMA.names)


def _rows(judged: pl.DataFrame, kind: str, method: str) -> pl.DataFrame:
    return judged.with_columns(
        pl.lit(kind).alias("kind"), pl.lit(method).alias("method"), pl.col("aqi").cast(pl.Int32)
    ).select(INDICES_SCHEMA.names)


def _days(hours: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Roll hours up to days, each by the counts in force on that day."""
    local = hours["start"].dt.convert_time_zone(zone.key).dt.date()
    parts = []
    for first, last, counts in _same_counts(sorted(local.unique())):
        parts.append(days_from_hours(hours.filter(local.is_between(first, last)), counts, zone))
    return pl.concat(parts)


def _same_counts(days: list[date]) -> Iterator[tuple[date, date, dict[str, int]]]:
    """Yield runs of days whose validity counts are the same."""
    first: date | None = None
    last: date | None = None
    known: dict[str, int] = {}
    for day in days:
        counts = dict(needed(day).hours)
        if first is not None and last is not None and counts != known:
            yield first, last, known
            first = None
        first, last, known = first or day, day, counts
    if first is not None and last is not None:
        yield first, last, known
