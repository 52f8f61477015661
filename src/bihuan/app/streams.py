"""Sections and outlets as `bihuan assess` shows them: classes with their trend, permit limits with what was over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.declared import LATE, circumstances
from bihuan.app.sheets import Sheet
from bihuan.app.town import Town
from bihuan.assessment import outlet_days, outlet_hours, section_verdict, trend, trend_verdict
from bihuan.cases import Case
from bihuan.core import NotCovered, Period, Verdict, from_json, local_date
from bihuan.observations import of_record
from bihuan.register import Outlet, Section
from bihuan.store import Store


def water_sheets(store: Store, town: Town, site: str | None, period: Period, zone: ZoneInfo) -> tuple[Sheet, ...]:
    """Return the class of each section by month, and the trend of each item over the period.

    Raises
    ------
    NotCovered
        If no section of the register has a day in the period.
    """
    classes: list[dict[str, Any]] = []
    trends: list[dict[str, Any]] = []
    for section in _wanted(town.sections, site, "section"):
        rows = store.series.days([f"section:{section.id}"], period=period, stat="avg").drop("revision")
        months = _months(of_record(rows), zone)
        for (start, end), part in months.group_by(["start", "end"], maintain_order=True):
            assert isinstance(start, datetime)
            assert isinstance(end, datetime)
            values = dict(part.select("pollutant", "value").iter_rows())
            classes.append(_class_row(section, section_verdict(section, Period(start, end), values, zone=zone), zone))
        trends += _trends(section, months, period)
    if not classes:
        raise NotCovered(
            f"no day of {site or 'a section of the register'} is stored in {period}: "
            "import the register and the readings of its sections first"
        )
    shown = ("site", "name", "from", "label", "target", "worst", "reason", "status")
    return (
        Sheet("sections", tuple(classes), shown),
        Sheet("trends", tuple(trends), ("site", "name", "item", "slope", "low", "high", "p", "direction")),
    )


def outlet_sheets(store: Store, town: Town, site: str | None, period: Period, zone: ZoneInfo) -> tuple[Sheet, ...]:
    """Return what was judged at each outlet and limit, and every hour or day that is 疑似超标.

    Raises
    ------
    NotCovered
        If no outlet of the register has a value in the period.
    """
    verdicts: list[tuple[Outlet, Verdict]] = []
    cases = (from_json(row.body, Case) for row in store.records.find("case", until=period.end + LATE))
    known = circumstances(store, town, cases, zone)
    for outlet in _wanted(town.outlets, site, "outlet"):
        name = f"outlet:{outlet.id}"
        hours = store.series.hours([name], period=period)
        days = store.series.days([name], period=period)
        verdicts += [(outlet, one) for one in outlet_hours(outlet, hours, known)]
        verdicts += [(outlet, one) for one in outlet_days(outlet, hours, days, known)]
    if not verdicts:
        raise NotCovered(
            f"nothing of {site or 'an outlet with a permit limit'} can be judged in {period}: import the register "
            "with the limits of its outlets, and their readings, first"
        )
    over = [_over_row(outlet, one) for outlet, one in verdicts if one.label == "suspected_over"]
    shown = ("site", "name", "item", "kind", "judged", "suspected_over", "not_evidence", "no_value", "highest", "limit")
    return (
        Sheet("outlets", tuple(_summary(verdicts)), shown),
        Sheet("over", tuple(over), ("site", "name", "item", "start", "value", "limit", "label", "status")),
    )


def _wanted(known: Iterable[Any], site: str | None, kind: str) -> list[Any]:
    return [fact for fact in known if site in (None, f"{kind}:{fact.id}")]


def _months(days: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Monthly means of the valid days, by pollutant."""
    usable = days.filter(pl.col("value").is_not_null() & pl.col("quality").is_in(["good", "suspect"]))
    month = pl.col("start").dt.convert_time_zone(zone.key).dt.truncate("1mo")
    return (
        usable.group_by(month.alias("month"), "pollutant", maintain_order=True)
        .agg(pl.col("value").mean().round(9))
        .with_columns(
            start=pl.col("month").dt.convert_time_zone("UTC"),
            end=pl.col("month").dt.offset_by("1mo").dt.convert_time_zone("UTC"),
        )
        .sort("start", "pollutant")
    )


def _class_row(section: Section, verdict: Verdict, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "site": str(verdict.subject),
        "name": section.name,
        "from": local_date(verdict.period.start, zone),
        "start": verdict.period.start,
        "end": verdict.period.end,
        "label": verdict.label,
        "target": section.target_class,
        "worst": ";".join(verdict.primary),
        "items": [{"item": item, "value": value, "class": number} for item, value, number in verdict.items],
        "reason": verdict.reason,
        "standard": verdict.standard,
        "clause": verdict.clause,
        "status": verdict.status,
    }


def _trends(section: Section, months: pl.DataFrame, period: Period) -> Iterator[dict[str, Any]]:
    for (item,), part in months.group_by(["pollutant"], maintain_order=True):
        starts = part["start"].dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
        verdict = trend_verdict(section, str(item), period, trend(starts, part["value"].to_numpy()))
        figures = {name: value for name, value, _ in verdict.items[1:]}
        yield {
            "site": str(verdict.subject),
            "name": section.name,
            "item": str(item),
            "slope": verdict.value,
            "unit": verdict.unit,
            "direction": verdict.label,
            "months": part.height,
            **figures,
        }


def _summary(verdicts: Iterable[tuple[Outlet, Verdict]]) -> Iterator[dict[str, Any]]:
    parts: dict[tuple[str, str, str], list[tuple[Outlet, Verdict]]] = defaultdict(list)
    for outlet, verdict in verdicts:
        parts[str(verdict.subject), verdict.items[0][0], verdict.kind].append((outlet, verdict))
    for (site, item, kind), found in sorted(parts.items()):
        counted = Counter(verdict.label for _, verdict in found)
        values = [
            verdict.value for _, verdict in found if verdict.value is not None and verdict.label != "not_evidence"
        ]
        yield {
            "site": site,
            "name": found[0][0].name,
            "item": item,
            "kind": kind,
            "judged": len(found),
            **{label: counted[label] for label in ("suspected_over", "within", "not_evidence", "no_value")},
            "highest": max(values, default=None),
            "limit": _limit(found[0][1]),
            "unit": found[0][1].unit,
        }


def _over_row(outlet: Outlet, verdict: Verdict) -> dict[str, Any]:
    return {
        "site": str(verdict.subject),
        "name": outlet.name,
        "item": verdict.primary[0],
        "kind": verdict.kind,
        "start": verdict.period.start,
        "end": verdict.period.end,
        "value": verdict.value,
        "unit": verdict.unit,
        "limit": _limit(verdict),
        "label": verdict.label,
        "verdict": str(verdict.ref),
        "standard": verdict.standard,
        "clause": verdict.clause,
        "status": verdict.status,
    }


def _limit(verdict: Verdict) -> float | None:
    return next((value for name, value, _ in verdict.items if name == "limit"), None)
