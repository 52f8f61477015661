"""Sections 1 to 3: the day's air, month and year so far, ranks. Every figure is `bihuan.assessment`'s."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from bihuan.assessment import (
    composite_index,
    daily_aqi,
    daily_statistics,
    day_counts,
    hourly_aqi,
    rank,
    remaining_control_value,
)
from bihuan.core import NATIONAL_SIX, Language, NotCovered, local_date, pollutant, printed_unit, text
from bihuan.reports.charts import hours_chart, year_chart
from bihuan.reports.map import city_map
from bihuan.reports.material import Material, amount, item_name, law_words, signed_percent, word
from bihuan.reports.model import Cells, Figure, Section, Table
from bihuan.standards import Standard, lookup, standards

PERCENTILE = frozenset({"co", "o3"})
"""Judged by their percentile over a period, not by a mean (HJ 663 table 1)."""


def day_section(given: Material, language: Language) -> Section:
    """1: six items, AQI, primary pollutant, year on year, peak hours, dust."""
    title = word("section_day", language)
    judged = daily_aqi(given.days, zone=given.zone) if given.days.height else given.days
    found = given.on_day(judged)
    if not found.height or all(found[code][0] is None for code in _items(found)):
        return Section(title=title)
    row = found.row(0, named=True)
    before = _same_day_before(given, judged)
    sentences = [_said(given, row, before, language), word("dust_unknown", language)]
    peaks = given.on_day(given.hours)
    tables = [_six(given, row, before, language)]
    if peaks.height:
        tables.append(_peaks(given, peaks, language))
    return Section(
        title=title,
        sentences=tuple(sentences),
        tables=tuple(tables),
        figures=hours_figure(given, peaks, language),
        notes=(*_law_notes(given.day, row, language), word("day_before_note", language)),
    )


def _items(frame: pl.DataFrame) -> list[str]:
    return [code for code in NATIONAL_SIX if code in frame.columns]


def _same_day_before(given: Material, judged: pl.DataFrame) -> dict[str, Any] | None:
    day = same_day(given.day)
    for row in judged.iter_rows(named=True):
        if local_date(row["start"], given.zone) == day:
            return row
    return None


def same_day(day: date, back: int = 1) -> date:
    """Return the same day of an earlier year; 29 February meets the 28th."""
    try:
        return day.replace(year=day.year - back)
    except ValueError:
        return day.replace(year=day.year - back, day=28)


def primaries(codes: str, language: Language) -> str:
    """Return primary pollutants as words."""
    mark = word("list_mark", language)
    return mark.join(item_name(code, language) for code in codes.split(";")) if codes else word("no_primary", language)


def _said(given: Material, row: dict[str, Any], before: dict[str, Any] | None, language: Language) -> str:
    if row["aqi"] is None:
        return word("day_no_aqi", language, city=given.city, reason=text(f"verdict.{row['reason']}", language))
    said = word(
        "day_said",
        language,
        city=given.city,
        aqi=int(row["aqi"]),
        label=text(f"aqi.{row['label']}", language),
        primary=primaries(row["primary"], language),
    )
    if before is not None and before["aqi"] is not None:
        said += word("day_before", language, aqi=int(before["aqi"]), label=text(f"aqi.{before['label']}", language))
    return said


def _six(given: Material, row: dict[str, Any], before: dict[str, Any] | None, language: Language) -> Table:
    limits = lookup("GB 3095", on=given.day)
    rows = []
    for code in NATIONAL_SIX:
        value, earlier = row.get(code), before.get(code) if before else None
        change = (value - earlier) / earlier * 100 if value is not None and earlier else None
        about = pollutant(code)
        limit = _daily_limit(limits, code)
        rows.append((
            item_name(code, language),
            printed_unit(about.unit),
            amount(value, about.decimals),
            amount(row.get(f"iaqi_{code}"), 0),
            "—" if limit is None else f"{limit:g}",
            amount(earlier, about.decimals),
            signed_percent(change),
        ))  # fmt: skip
    head = tuple(
        word(f"col_{name}", language) for name in ("item", "unit", "value", "iaqi", "limit", "before", "change")
    )
    return Table(title=word("table_six", language), head=head, rows=tuple(rows), note=word("o3_note", language))


def _daily_limit(limits: Standard, code: str) -> float | None:
    for averaging in ("day", "mda8"):
        try:
            return float(limits.row("limits", code, averaging=averaging)["grade2"])
        except NotCovered:
            continue
    return None


def _peaks(given: Material, hours: pl.DataFrame, language: Language) -> Table:
    rows: list[Cells] = []
    for code in _items(hours):
        best = hours.filter(pl.col(code).is_not_null()).sort(code, "start", descending=[True, False])
        about = pollutant(code)
        if best.height:
            top = best.row(0, named=True)
            rows.append(
                (
                    item_name(code, language),
                    printed_unit(about.unit),
                    amount(top[code], about.decimals),
                    given.hour_span(top["start"]),
                )
            )
    head = tuple(word(f"col_{name}", language) for name in ("item", "unit", "peak", "peak_hour"))
    return Table(title=word("table_peaks", language), head=head, rows=tuple(rows))


def hours_figure(given: Material, hours: pl.DataFrame, language: Language) -> tuple[Figure, ...]:
    """Hourly index and particles of the day."""
    if not hours.height:
        return ()
    judged = hourly_aqi(hours.drop("level", strict=False), zone=given.zone).sort("start")
    return (hours_chart(judged, given.zone, language),)


def _law_notes(day: date, row: dict[str, Any], language: Language) -> tuple[str, ...]:
    air = lookup("GB 3095", on=day)
    clause = air.row("limits", "pm25", averaging="day").clause
    index = next(one for one in standards() if one.number == row["standard"])
    return (
        law_words(air.number, clause, air.status, language),
        law_words(index.number, index.clause, row["status"], language),
    )


# -- 2 ------------------------------------------------------------------------------------------------------------


def so_far_section(given: Material, language: Language) -> Section:
    """2: month and year so far, against the target and the year before, 剩余日控制值."""
    title = word("section_so_far", language)
    inside = _between(given, given.days, date(given.day.year, 1, 1), given.day)
    if not inside.height or all(inside[code].null_count() == inside.height for code in _items(inside)):
        return Section(title=title)
    month = figures_of(given, given.day.replace(day=1), "month")
    year = figures_of(given, date(given.day.year, 1, 1), "year")
    remaining, said = _remaining(given, inside, language)
    tables = [
        _so_far(given, month, word("table_month", language, month=given.day.month), False, language),
        _so_far(given, year, word("table_year", language, year=given.day.year), True, language),
        *remaining,
    ]
    law = year["law"]
    return Section(
        title=title,
        sentences=(*_counts(given, inside, language), *said),
        tables=tuple(tables),
        figures=year_chart(inside, given.day, given.zone, language),
        notes=(
            word("partial_note", language),
            law_words(law[0], word("clause_statistics", language), law[1], language),
            word("formula_remaining", language),
        ),
    )


def _between(given: Material, frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    local = pl.col("start").dt.convert_time_zone(given.zone.key).dt.date()
    return frame.filter(local.is_between(first, last))


def figures_of(given: Material, first: date, period: Any) -> dict[str, Any]:
    """Return the mean (CO, O3: percentile) of each item since `first`, and of the same days a year before."""
    found: dict[str, Any] = {"law": ("", "confirmed")}
    for name, start, end in (
        ("now", first, given.day),
        ("before", same_day(first), same_day(given.day)),
    ):
        part = _between(given, given.days, start, end)
        table = daily_statistics(part, period=period, zone=given.zone) if part.height else None
        values: dict[str, Any] = {}
        for row in table.iter_rows(named=True) if table is not None else ():
            if row["figure"] == ("percentile" if row["item"] in PERCENTILE else "mean"):
                values[row["item"]] = row
                if name == "now":
                    found["law"] = (row["standard"], row["status"])
        found[name] = values
    return found


def _so_far(given: Material, found: dict[str, Any], title: str, targets: bool, language: Language) -> Table:
    rows = []
    for code in NATIONAL_SIX:
        now, before = found["now"].get(code), found["before"].get(code)
        value = now["value"] if now else None
        earlier = before["value"] if before else None
        change = (value - earlier) / earlier * 100 if value is not None and earlier else None
        places = pollutant(code).decimals
        line = [
            item_name(code, language),
            printed_unit(pollutant(code).unit),
            amount(value, places),
            amount(earlier, places),
        ]
        line += [signed_percent(change), str(now["days"]) if now and value is not None else "—"]
        if targets:
            target = given.targets.get(code)
            gap = value - target if value is not None and target is not None else None
            line += ["—" if target is None else f"{target:g}", "—" if gap is None else f"{gap:+.{places}f}"]
        rows.append(tuple(line))
    names = ["item", "unit", "figure", "before", "change", "days", *(["target", "gap"] if targets else [])]
    head = tuple(word(f"col_{name}", language) for name in names)
    return Table(title=title, head=head, rows=tuple(rows), note=word("percentile_note", language))


def _counts(given: Material, inside: pl.DataFrame, language: Language) -> tuple[str, ...]:
    found = day_counts(inside, period="year", zone=given.zone)
    if not found.height or not found["days"][0]:
        return ()
    row = found.row(0, named=True)
    return (
        word(
            "counts_said",
            language,
            days=row["days"],
            good=row["good_days"],
            share=amount(row["good_share"], 1),
            heavy=row["heavy_days"],
        ),
    )


def _remaining(given: Material, inside: pl.DataFrame, language: Language) -> tuple[list[Table], list[str]]:
    if not given.targets:
        return [], [word("no_target", language)]
    first, last = date(given.day.year, 1, 1), date(given.day.year, 12, 31)
    rows, said = [], []
    for item, target in sorted(given.targets.items()):
        for one in remaining_control_value(
            inside, item, target, first=first, last=last, through=given.day, zone=given.zone
        ):
            value = None if one.value is None else round(one.value, 1)
            unit = printed_unit(pollutant(item).unit)
            words = {"days": one.days_left, "value": value, "target": one.target, "unit": unit}
            said.append(f"{item_name(item, language)}: " + text(f"verdict.remaining_{one.outcome}", language, **words))
            cells = (item_name(item, language), unit, f"{target:g}", amount(one.so_far, 1), str(one.days))
            rows.append((*cells, str(one.days_left), amount(value, 1)))
    names = ("item", "unit", "target", "so_far", "days", "days_left", "control")
    head = tuple(word(f"col_{name}", language) for name in names)
    return [Table(title=word("table_remaining", language), head=head, rows=tuple(rows))], said


# -- 3 ------------------------------------------------------------------------------------------------------------

SHOWN = 5
"""Cities shown at each end of a long table."""


def ranks_section(given: Material, language: Language) -> Section:
    """3: districts, stations, and the city among the stored cities."""
    tables: list[Table] = []
    for kind, frame in (("districts", given.districts), ("stations", given.stations)):
        rows = ranked_by_aqi(given, frame.filter(pl.col("site").is_in(given.counted)) if kind == "stations" else frame)
        if len(rows) > (1 if kind == "districts" else 0):
            tables.append(_ranked(given, rows, word(f"table_{kind}", language), language))
    cities, said = _among_cities(given, language)
    figures = city_map(given, ranked_by_aqi(given, given.stations), ranked_by_aqi(given, given.districts), language)
    return Section(
        title=word("section_ranks", language),
        sentences=tuple(said),
        tables=tuple(tables + cities),
        figures=figures,
        notes=(text("verdict.own_calculation", language), word("rank_note", language)) if tables or cities else (),
    )


def ranked_by_aqi(given: Material, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the sites of the day that have an index, cleanest first, equal ones sharing a rank."""
    found = given.on_day(frame) if frame.height else frame
    if not found.height:
        return []
    judged = daily_aqi(found, zone=given.zone).filter(pl.col("aqi").is_not_null())
    return list(rank(judged, "aqi", within=("start",)).sort("rank", "site").iter_rows(named=True))


def _ranked(given: Material, rows: list[dict[str, Any]], title: str, language: Language) -> Table:
    body = []
    for row in rows:
        cells = [str(row["rank"]), given.name(row["site"]), str(int(row["aqi"])), text(f"aqi.{row['label']}", language)]
        cells.append(primaries(row["primary"], language))
        cells += [amount(row.get(code), 0) for code in ("pm25", "pm10", "o3")]
        body.append(tuple(cells))
    names = ("rank", "name", "aqi", "label", "primary", "pm25", "pm10", "o3")
    head = tuple(word(f"col_{name}", language) for name in names)
    return Table(title=title, head=head, rows=tuple(body))


def _among_cities(given: Material, language: Language) -> tuple[list[Table], list[str]]:
    rows = ranked_by_aqi(given, given.cities)
    if len(rows) < 2:
        return [], []
    place = next((number for number, row in enumerate(rows) if row["site"] == given.site), None)
    chosen = [
        row
        for number, row in enumerate(rows)
        if number < SHOWN or number >= len(rows) - SHOWN or (place is not None and abs(number - place) <= 1)
    ]
    said = []
    if place is not None:
        said.append(word("city_rank", language, city=given.city, rank=rows[place]["rank"], of=len(rows)))
    month = _between(given, given.cities, given.day.replace(day=1), given.day)
    index = rank(composite_index(daily_statistics(month, period="month", zone=given.zone), zone=given.zone))
    ours = index.filter((pl.col("site") == given.site) & pl.col("index").is_not_null())
    if ours.height:
        row = ours.row(0, named=True)
        said.append(
            word(
                "city_index",
                language,
                index=amount(row["index"], 2),
                rank=row["rank"],
                of=index["index"].count(),
                law=law_words(row["standard"], word("clause_index", language), row["status"], language),
            )
        )
    title = word("table_cities", language, of=len(rows), shown=len(chosen))
    return [_ranked(given, chosen, title, language)], said


__all__ = ["day_section", "figures_of", "ranks_section", "same_day", "so_far_section"]
