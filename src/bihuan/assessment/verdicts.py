"""Verdicts that explain themselves: from a row of a table or a result to `bihuan.core.Verdict`.

Ids come from subject, period, rule and method: the same judgement made again is the same verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.assessment.water import SectionClass, WaterBody, class_number, section_class
from bihuan.assessment.water_trend import Trend
from bihuan.core import (
    CHINA,
    HOUR,
    NATIONAL_SIX,
    Level,
    Period,
    Ref,
    Verdict,
    content_id,
    iso,
    local_date,
    pollutant,
    utc,
)
from bihuan.register import Section
from bihuan.standards import standards

VERSION = "1"


def reading_ref(site: Ref | str, item: str, stat: str, basis: str, start: datetime) -> Ref:
    """Point at one hourly or daily value of a site: ``reading:<site>/<pollutant>/<stat>/<basis>/<start>``."""
    return Ref("reading", f"{site}/{item}/{stat}/{basis}/{iso(start)}")


def aqi_verdict(
    site: Ref,
    row: Mapping[str, Any],
    *,
    method: str = "hour_1h",
    basis: str = "device",
    level: Level = "realtime",
    inputs: tuple[Ref, ...] | None = None,
) -> Verdict:
    """Make the verdict of one row of `hourly_aqi` or `daily_aqi`.

    Parameters
    ----------
    site : Ref
        Station, district or city.
    row : mapping
        The row, as ``DataFrame.row(named=True)`` gives it.
    method : str
        ``hour_1h``, ``report_2012``; of a day it is ``day``.
    basis : str
        Where the hourly values came from (`bihuan.core.BASES`).
    level : Level
    inputs : tuple of Ref or None
        What it was made from; left out, the hourly readings of the row, or of the day's hours that were present.
        Give the station readings or verdicts for a city mean, and the earlier hours for rolling means.
    """
    period = Period(row["start"], row["end"])
    kind = "aqi_hour" if period.length <= HOUR else "aqi_day"
    name = f"aqi_{method if kind == 'aqi_hour' else 'day'}/{VERSION}"
    codes = [code for code in NATIONAL_SIX if row.get(code) is not None or row.get(f"iaqi_{code}") is not None]
    if inputs is None:
        inputs = tuple(reading_ref(site, code, "avg", basis, start) for code in codes for start in _hours(row, code))
    return Verdict(
        id=content_id(kind, site, period, row["standard"], name),
        kind=kind,
        subject=site,
        period=period,
        value=None if row["aqi"] is None else float(row["aqi"]),
        unit="1",
        label=row["label"],
        standard=row["standard"],
        clause=_clause(row["standard"]),
        status=row["status"],
        items=tuple((code, row.get(code), row[f"iaqi_{code}"]) for code in codes),
        primary=tuple(row["primary"].split(";")) if row["primary"] else (),
        inputs=inputs,
        method=name,
        level=level,
        reason=row["reason"],
    )


def _hours(row: Mapping[str, Any], code: str) -> tuple[datetime, ...]:
    """Starts of the hours behind a value: the row's own, or those whose bit `daily_means` has set."""
    start = utc(row["start"])
    bits = row.get(f"hours_{code}")
    if bits is None:
        return (start,)
    return tuple(start + timedelta(hours=hour) for hour in range(bits.bit_length()) if bits >> hour & 1)


def _clause(number: str) -> str:
    return next((standard.clause for standard in standards() if standard.number == number), "")


def index_verdict(
    site: Ref, row: Mapping[str, Any], *, inputs: tuple[Ref, ...] = (), level: Level = "realtime"
) -> Verdict:
    """Make the verdict of one row of `composite_index`, with its rank where `rank` has added one."""
    period = Period(row["start"], row["end"])
    name = f"composite_index/{VERSION}"
    return Verdict(
        id=content_id("index", site, period, row["standard"], name),
        kind="index",
        subject=site,
        period=period,
        value=row["index"],
        unit="1",
        label=row.get("stamp", ""),
        standard=row["standard"],
        clause=_clause(row["standard"]),
        status=row["status"],
        items=(
            *((code, row[f"index_{code}"], None) for code in NATIONAL_SIX if row[f"index_{code}"] is not None),
            *([("rank", None, row["rank"])] if row.get("rank") is not None else []),
        ),
        primary=tuple(row["largest"].split(";")) if row["largest"] else (),
        inputs=inputs,
        method=name,
        level=level,
        reason=row["reason"],
    )


def section_verdict(
    section: Section,
    period: Period,
    values: Mapping[str, float | None],
    *,
    basis: str = "hours",
    water_body: WaterBody = "river",
    zone: ZoneInfo = CHINA,
    level: Level = "realtime",
    inputs: tuple[Ref, ...] | None = None,
) -> Verdict:
    """Judge a section over a period by its worst item, beside the class it must reach.

    Parameters
    ----------
    section : Section
    period : Period
    values : mapping of str to float or None
        Mean of the period by item. [mg/L, pH 1]
    basis : str
        Of the readings that the means were made from.
    water_body : {"river", "lake"}
    zone : ZoneInfo
    level : Level
    inputs : tuple of Ref or None
        What the means were made from; left out, the readings of the period's start.

    Returns
    -------
    Verdict
        `value` is the class number 1 .. 6, `label` its class, `reason` ``worse_than_target`` where it misses
        `Section.target_class`, else ``part_of_the_items`` where items of the method had no value.
    """
    site = Ref("section", section.id)
    found = section_class(values, on=local_date(period.start, zone), water_body=water_body)
    if inputs is None:
        inputs = tuple(reading_ref(site, item, "avg", basis, period.start) for item, _, _ in found.items)
    name = f"section_class/{VERSION}"
    return Verdict(
        id=content_id("section_class", site, period, found.standard, name),
        kind="section_class",
        subject=site,
        period=period,
        value=None if found.number is None else float(found.number),
        unit="1",
        label=found.label,
        standard=found.standard,
        clause=found.clause,
        status=found.status,
        items=found.items,
        primary=found.worst,
        inputs=inputs,
        method=name,
        level=level,
        reason=_section_reason(section, found),
    )


def _section_reason(section: Section, found: SectionClass) -> str:
    if found.number is None:
        return "no_items"
    if section.target_class and found.number > class_number(section.target_class):
        return "worse_than_target"
    return "part_of_the_items" if found.not_assessed else ""


def beyond_class_three(
    verdict: Verdict, *, water_body: WaterBody = "river", zone: ZoneInfo = CHINA
) -> tuple[tuple[str, float | None], ...]:
    """Return the items of a section's verdict beyond class III, the worst first, and by how many times.

    Empty where the verdict is of another kind. Oxygen and pH have no multiple.
    """
    if verdict.kind != "section_class" or not verdict.items:
        return ()
    values = {item: value for item, value, _ in verdict.items}
    return section_class(values, on=local_date(verdict.period.start, zone), water_body=water_body).over


def trend_verdict(section: Section, item: str, period: Period, trend: Trend, inputs: tuple[Ref, ...] = ()) -> Verdict:
    """Make the verdict of a trend: `value` is the slope a year, `label` its direction."""
    site = Ref("section", section.id)
    name = f"theil_sen_mann_kendall/{VERSION}"
    return Verdict(
        id=content_id("section_trend", site, period, item, name),
        kind="section_trend",
        subject=site,
        period=period,
        value=trend.slope,
        unit=f"{pollutant(item).unit}/a",
        label=trend.direction,
        standard="",
        clause="",
        status="confirmed",
        items=((item, trend.slope, None), ("low", trend.low, None), ("high", trend.high, None), ("p", trend.p, None)),
        inputs=inputs,
        method=name,
        reason="too_few_values" if trend.direction == "cannot_tell" else "",
    )
