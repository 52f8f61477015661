"""`bihuan assess air|water|outlet`: stored hours and days judged under the law of their day and, beside it, today's.

Ranks are ours and say so (自算,非官方). Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.clock import WallClock
from bihuan.app.indexing import city_hours_of, whole_days
from bihuan.app.opened import opened
from bihuan.app.settings import read_settings
from bihuan.app.sheets import Assessment, Sheet
from bihuan.app.streams import outlet_sheets, water_sheets
from bihuan.app.town import Town
from bihuan.assessment import (
    PeriodKind,
    both_laws,
    composite_index,
    daily_aqi,
    daily_means,
    daily_statistics,
    day_counts,
    rank,
    remaining_control_value,
    year_on_year,
)
from bihuan.core import (
    NATIONAL_SIX,
    InputError,
    Language,
    NotCovered,
    Period,
    iso,
    local_date,
    pollutant,
    printed_unit,
    text,
)
from bihuan.store import Store

Medium = Literal["air", "water", "outlet"]
MEDIA: tuple[Medium, ...] = ("air", "water", "outlet")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be assessed.

    Attributes
    ----------
    site : str or None
        ``city:... station:... section:... outlet:...``; every one of the medium when left out.
    period : Period
        Whole days of the city.
    by : PeriodKind
        ``month``, ``quarter`` or ``year``.
    targets : mapping of str to float
        Mean of the year to reach by pollutant. [ug/m3, CO mg/m3]
    today : date
    zone : ZoneInfo
    language : Language
    """

    site: str | None
    period: Period
    by: PeriodKind
    targets: Mapping[str, float]
    today: date
    zone: ZoneInfo
    language: Language


def assess(
    home: Path,
    medium: str,
    *,
    site: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    by: PeriodKind = "month",
    targets: Mapping[str, float] | None = None,
    today: date | None = None,
    language: Language = "zh",
) -> Assessment:
    """Assess what is stored.

    Parameters
    ----------
    home : Path
        ``BIHUAN_HOME``; nothing in it changes.
    medium : str
        ``air water outlet``.
    site : str or None
    start, end : datetime or None
        UTC, end exclusive; widened to whole days of the city. Left out, everything that is stored.
    by : {"month", "quarter", "year"}
        Of the statistics.
    targets : mapping of str to float, optional
        Mean of the calendar year to reach by pollutant, for 剩余日控制值. [ug/m3, CO mg/m3]
    today : date or None
        Whose law stands beside that of the day; the machine's date by default.
    language : Language
        Of the sentences about targets.

    Raises
    ------
    InputError
        If the medium, a target or the period is wrong.
    NotCovered
        If nothing of it is stored.
    StoreLocked
        If a server owns the store.
    """
    if medium not in MEDIA:
        raise InputError(f"medium {medium!r} cannot be assessed; choose one of {', '.join(MEDIA)}")
    zone = read_settings(home).zone
    for item in targets or {}:
        if item not in NATIONAL_SIX:
            raise InputError(f"a target for {item!r} cannot be judged; choose one of {', '.join(NATIONAL_SIX)}")
    with opened(home) as store:
        period = _period(store, medium, site, start, end, zone)
        today = today or local_date(WallClock().now(), zone)
        asked = Asked(site, period, by, targets or {}, today, zone, language)
        town = Town(store.records.register(), local_date(period.end - timedelta(seconds=1), zone))
        if medium == "air":
            return Assessment("air", _air(store, town, asked))
        if medium == "water":
            return Assessment("water", water_sheets(store, town, site, period, zone))
        return Assessment("outlet", outlet_sheets(store, town, site, period, zone))


KINDS: dict[str, tuple[str, ...]] = {"air": ("city", "station"), "water": ("section",), "outlet": ("outlet",)}
"""Kinds of sites of a medium."""


def _period(
    store: Store, medium: str, site: str | None, start: datetime | None, end: datetime | None, zone: ZoneInfo
) -> Period:
    kinds = [f"{kind}:%" for kind in KINDS[medium]]
    where = " OR ".join("site LIKE ?" for _ in kinds)
    found = store.series.query(f'SELECT min(start) AS a, max("end") AS b FROM hours WHERE {where}', kinds)
    first, last = found.row(0)
    if first is None:
        raise NotCovered(f"nothing of {medium} is stored: import a file of {' or '.join(KINDS[medium])} hours first")
    start, end = start or first, end or last
    if end <= start:
        raise InputError(f"the period {iso(start)} .. {iso(end)} is empty: its end must follow its start")
    if site is not None and site.partition(":")[0] not in KINDS[medium]:
        raise InputError(f"site {site} is not of {medium}: write {' or '.join(f'{k}:...' for k in KINDS[medium])}")
    return whole_days(Period(start, end), zone)


# -- air --------------------------------------------------------------------------------------------------------------


YEAR_BEFORE = timedelta(days=366)
"""Hours read before the period, so that each month stands beside that of the year before."""


def _air(store: Store, town: Town, asked: Asked) -> tuple[Sheet, ...]:
    """Every sheet of air; a site is ranked among all of its kind, and shown alone."""
    everyone = daily_means(_wide(store, town, asked), zone=asked.zone)
    inside = pl.col("start") >= asked.period.start
    days = everyone.filter(inside & (pl.col("site") == asked.site if asked.site else True))
    if days.is_empty():
        raise NotCovered(f"no hour of {asked.site or 'any city or station'} is stored in {asked.period}")
    sheets = (
        _days(days, asked),
        _statistics(everyone, asked),
        _index(everyone, asked),
        _counts(everyone, asked),
        _targets(everyone, asked),
    )
    return tuple(sheet for sheet in sheets if sheet.rows)


def _wide(store: Store, town: Town, asked: Asked) -> pl.DataFrame:
    """Hours of every city, or of every station where no city is stored or a station is asked for."""
    span = Period(asked.period.start - YEAR_BEFORE, asked.period.end)
    wide = city_hours_of(store.series, town, None, span).drop("level")
    is_city = pl.col("site").str.starts_with("city:")
    cities = wide.filter(is_city)
    wanted = asked.site.startswith("city:") if asked.site else cities.height > 0
    return cities if wanted else wide.filter(~is_city)


def _asked_only(frame: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Leave the year before and the other sites out."""
    frame = frame.filter(pl.col("end") > asked.period.start)
    return frame.filter(pl.col("site") == asked.site) if asked.site else frame


def _days(days: pl.DataFrame, asked: Asked) -> Sheet:
    judged = both_laws(days, asked.today, partial(daily_aqi, zone=asked.zone))
    shown = ("site", "day", "aqi", "label", "primary", "aqi_today", "label_today", "primary_today", "reason")
    kept = [*NATIONAL_SIX, "o3_1h", *(f"iaqi_{code}" for code in NATIONAL_SIX), "standard", "status"]
    kept += ["standard_today", "status_today"]
    names = [name for name in ("site", "start", "end", *shown[2:], *kept) if name in judged.columns]
    return Sheet("days", _rows(judged.select(names), asked.zone), shown)


def _statistics(days: pl.DataFrame, asked: Asked) -> Sheet:
    judged = both_laws(days, asked.today, partial(daily_statistics, period=asked.by, zone=asked.zone))
    judged = _asked_only(judged, asked)
    shown = ("site", "from", "to", "item", "figure", "value", "limit", "over", "limit_today", "over_today", "complete")
    return Sheet("statistics", _spans(judged, asked.zone), shown)


def _index(days: pl.DataFrame, asked: Asked) -> Sheet:
    figures = daily_statistics(days, period=asked.by, zone=asked.zone)
    judged = both_laws(figures, asked.today, partial(composite_index, zone=asked.zone))
    ranked = rank(judged).with_columns(pl.len().over("start", "end").alias("of"))
    ranked = _asked_only(year_on_year(ranked, ["index"], zone=asked.zone), asked).sort("start", "rank", "site")
    shown = ("site", "from", "to", "index", "rank", "of", "largest", "index_before", "index_percent", "stamp", "reason")
    return Sheet("index", _spans(ranked, asked.zone), shown)


def _counts(days: pl.DataFrame, asked: Asked) -> Sheet:
    judged = both_laws(days, asked.today, partial(day_counts, period=asked.by, zone=asked.zone))
    judged = _asked_only(year_on_year(judged, ["good_days", "heavy_days"], zone=asked.zone), asked)
    shown = ("site", "from", "to", "days", "good_days", "good_share", "heavy_days", "good_days_today")
    return Sheet("day_counts", _spans(judged, asked.zone), (*shown, "good_days_change"))


def _targets(days: pl.DataFrame, asked: Asked) -> Sheet:
    """剩余日控制值 of the calendar year of the last day, said plainly."""
    through = local_date(asked.period.end - timedelta(seconds=1), asked.zone)
    first, last = date(through.year, 1, 1), date(through.year, 12, 31)
    days = days.filter(pl.col("site") == asked.site) if asked.site else days
    rows: list[dict[str, Any]] = []
    for item, target in sorted(asked.targets.items()):
        found = remaining_control_value(days, item, target, first=first, last=last, through=through, zone=asked.zone)
        for one in found:
            value = None if one.value is None else round(one.value, 1)
            row = {
                "site": one.site,
                "item": one.item,
                "target": one.target,
                "so_far": None if one.so_far is None else round(one.so_far, 1),
                "days": one.days,
                "days_left": one.days_left,
                "control_value": value,
                "reached_share": one.reached_share,
                "outcome": one.outcome,
            }
            words = {
                "days": one.days_left,
                "value": value,
                "target": one.target,
                "unit": printed_unit(pollutant(item).unit),
            }
            rows.append(row | {"said": text(f"verdict.remaining_{one.outcome}", asked.language, **words)})
    shown = ("site", "item", "so_far", "days", "days_left", "control_value", "said")
    return Sheet("remaining", tuple(rows), shown)


def _rows(frame: pl.DataFrame, zone: ZoneInfo) -> tuple[dict[str, Any], ...]:
    day = pl.col("start").dt.convert_time_zone(zone.key).dt.date().alias("day")
    return tuple(frame.with_columns(day).iter_rows(named=True))


def _spans(frame: pl.DataFrame, zone: ZoneInfo) -> tuple[dict[str, Any], ...]:
    """Rows with the first and last day of their period."""
    first = pl.col("start").dt.convert_time_zone(zone.key).dt.date().alias("from")
    last = (pl.col("end") - timedelta(seconds=1)).dt.convert_time_zone(zone.key).dt.date().alias("to")
    return tuple(frame.with_columns(first, last).iter_rows(named=True))
