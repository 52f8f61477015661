"""Stored hours and days of an outlet, judged as a file of them would be: one engine, one verdict a limit.

What comes out is 疑似超标 at most. Whether it is unlawful is for people to find.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from math import isfinite
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.filed_rows import layout, plain_word
from bihuan.assessment.outlet_days import day_mean
from bihuan.assessment.outlet_limits import PERMIT, HeldTo, limits_of_outlet
from bihuan.assessment.outlet_rows import METHOD, Measured
from bihuan.assessment.outlet_stricter import Decided, judge_stricter
from bihuan.assessment.verdicts import reading_ref
from bihuan.core import (
    BASES,
    CHINA,
    Level,
    Period,
    Ref,
    Verdict,
    content_id,
    exact,
    local_date,
    local_day,
    pollutant,
)
from bihuan.register import Outlet

Cell = Mapping[str, Any]
Cells = dict[tuple[str, str], Cell]
"""Roll-up rows of one period by pollutant and statistic, the basis of record."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A condition of an outlet that its enterprise has declared for a time (标记).

    Attributes
    ----------
    outlet : str
        Id in the register.
    period : Period
    state : str
        Of the rules of marking: ``start_up fault`` ...
    marked_at, alarm_at : datetime or None
        When it was declared, and when the alarm about that time was raised.
    """

    outlet: str
    period: Period
    state: str
    marked_at: datetime | None = None
    alarm_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of outlets beside their readings.

    Attributes
    ----------
    zone : ZoneInfo
        Local time that tells on which day, and so under which rules, a period falls.
    allow : frozenset of str
        Rows of law that the city has switched on.
    industries : mapping of str to str
        Industry of each enterprise, as the register has it; marks count for some only.
    declared : tuple of Declared
    """

    zone: ZoneInfo = CHINA
    allow: frozenset[str] = frozenset()
    industries: Mapping[str, str] = field(default_factory=dict)
    declared: tuple[Declared, ...] = ()


USUAL = Circumstances()
"""China's time, nothing switched on, nothing declared."""


def outlet_hours(outlet: Outlet, hours: pl.DataFrame, known: Circumstances = USUAL) -> tuple[Verdict, ...]:
    """Judge the hours of an outlet by the limits of the hour, the stricter of permit and standard.

    Parameters
    ----------
    outlet : Outlet
    hours : DataFrame
        Roll-ups (`bihuan.core.ROLLUP_SCHEMA`) of any sites; those of the outlet are taken.
    known : Circumstances

    Returns
    -------
    tuple of Verdict
        One for each hour and pollutant, by time then pollutant. Labels as of `judge_outlet`. `items` begin with the
        value as judged and hold ``limit``, ``o2`` and further figures by name; `notes` hold what is said in words.
    """
    site = Ref("outlet", outlet.id)
    return tuple(
        _verdict(outlet, "hour", period, judge_stricter(pairs, day, known.allow), used)
        for period, cells in _periods(hours, site)
        for day, used, pairs in _hour_pairs(outlet, period, cells, known)
    )


def _hour_pairs(
    outlet: Outlet, period: Period, cells: Cells, known: Circumstances
) -> Iterator[tuple[date, list[Cell], list[tuple[Measured, HeldTo]]]]:
    """Each pollutant of an hour with the limits of the hour it is held to."""
    day = local_date(period.start, known.zone)
    for item, limits in _by_item(outlet, day, "hour", known).items():
        if not any(code == item for code, _ in cells):
            continue
        measured, used = _measured(outlet, item, period, cells, known)
        yield day, used, [(measured, held) for held in limits]


def outlet_days(
    outlet: Outlet,
    hours: pl.DataFrame,
    days: pl.DataFrame,
    known: Circumstances = USUAL,
) -> tuple[Verdict, ...]:
    """Judge the days of an outlet by the limits of the day.

    Parameters
    ----------
    outlet : Outlet
    hours, days : DataFrame
        Roll-ups of any sites. A day of local time is the mean of its valid hours, each folded before; a day of which
        no hour is there is judged by its row in `days`.
    known : Circumstances

    Returns
    -------
    tuple of Verdict
        As `outlet_hours`, one for each day and pollutant.
    """
    if not outlet.standard and all(one.averaging != "day" for one in outlet.limits):
        return ()
    site = Ref("outlet", outlet.id)
    by_day: dict[date, list[tuple[Period, Cells]]] = {}
    for period, cells in _periods(hours, site):
        by_day.setdefault(local_date(period.start, known.zone), []).append((period, cells))
    whole = {local_date(period.start, known.zone): (period, cells) for period, cells in _periods(days, site)}
    found: list[Verdict] = []
    for day in sorted({*by_day, *whole}):
        for item, limits in _by_item(outlet, day, "day", known).items():
            verdict = _day(outlet, item, limits, day, by_day.get(day, []), whole.get(day), known)
            found += [verdict] if verdict is not None else []
    return tuple(found)


def _day(
    outlet: Outlet,
    item: str,
    limits: Sequence[HeldTo],
    day: date,
    hours: Sequence[tuple[Period, Cells]],
    whole: tuple[Period, Cells] | None,
    known: Circumstances,
) -> Verdict | None:
    having = [(period, cells) for period, cells in hours if any(code == item for code, _ in cells)]
    if not having:
        if whole is None or not any(code == item for code, _ in whole[1]):
            return None
        measured, used = _measured(outlet, item, whole[0], whole[1], replace(known, declared=()))
        decided = judge_stricter([(measured, held) for held in limits], day, known.allow)
        return _verdict(outlet, "day", whole[0], decided, used)
    span = local_day(day, known.zone)
    read = [_measured(outlet, item, period, cells, known) for period, cells in having]
    values = [(measured, day) for measured, _ in read]
    pairs = [(day_mean(item, span, values, held, known.allow), replace(held, o2_reference=None)) for held in limits]
    own = whole[1].get((item, "avg")) if whole is not None else None
    folded = any(held.o2_reference is not None for held in limits)
    cells = [own] if own is not None and not folded else [cell for _, used in read for cell in used]
    return _verdict(outlet, "day", span, judge_stricter(pairs, day, known.allow), cells)


def _by_item(outlet: Outlet, day: date, averaging: str, known: Circumstances) -> dict[str, list[HeldTo]]:
    found: dict[str, list[HeldTo]] = {}
    for item, held in limits_of_outlet(outlet, day, allow=known.allow):
        if held.averaging == averaging:
            found.setdefault(item, []).append(held)
    return dict(sorted(found.items()))


def _periods(rows: pl.DataFrame, site: Ref) -> Iterator[tuple[Period, Cells]]:
    """Cells of each period by pollutant and statistic, the basis of record first."""
    rank = {basis: place for place, basis in enumerate(BASES)}
    own = rows.filter(pl.col("site") == str(site))
    # a dozen rows an outlet and hour: a table takes longer to be asked than the rows to be sorted
    ordered = sorted(own.iter_rows(named=True), key=lambda row: (row["start"], rank.get(row["basis"], len(BASES))))
    for start, part in groupby(ordered, key=itemgetter("start")):
        cells: Cells = {}
        end = start
        for row in part:
            cells.setdefault((row["pollutant"], row["stat"]), row)
            end = max(end, row["end"])
        yield Period(start, end), cells


def _measured(
    outlet: Outlet, item: str, period: Period, cells: Cells, known: Circumstances
) -> tuple[Measured, list[Cell]]:
    """What a period says of an item, and the cells it rests on."""
    value, own = cells.get((item, "avg")), cells.get((item, "zs_avg"))
    folds = outlet.medium == "air" and (outlet.o2_reference is not None or bool(outlet.standard))
    o2 = cells.get(("o2", "avg")) if folds else None
    if folds and (_number(value) is None or _number(o2) is None) and own is not None:
        value, o2 = None, None  # only the value that the device folded itself is left
    else:
        own = None
    used = [cell for cell in (value, own, o2) if cell is not None]
    said = next((one for one in known.declared if one.outlet == outlet.id and one.period.overlaps(period)), None)
    measured = Measured(
        pollutant=item,
        start=period.start,
        end=period.end,
        value=_number(value),
        own=_number(own),
        o2=_number(o2),
        count=_count(value, period),
        marks=tuple(dict.fromkeys(mark for cell in used for mark in cell["mark"].split(";") if mark)),
        bad=next((cell["reason"] or "bad" for cell in used if cell["quality"] == "bad"), ""),
        state=said.state if said else "",
        industry=_industry(known.industries.get(outlet.enterprise, "")) if said else "",
        marked_at=said.marked_at if said else None,
        alarm_at=said.alarm_at if said else None,
    )
    return measured, used


def _count(cell: Cell | None, period: Period) -> int | None:
    """Valid hours of a day that we averaged; the parts of an hour are no minutes, its quality says what was short."""
    if cell is None or cell["basis"] != "hours" or period.length.total_seconds() <= 3600:
        return None
    return int(cell["count"])


def _industry(named: str) -> str:
    """Industry as the rules of marking call it, or as the register does."""
    return layout("outlet").words["industry"].get(plain_word(named), named)


def _number(cell: Cell | None) -> Decimal | None:
    if cell is None or cell["value"] is None or cell["quality"] == "missing" or not isfinite(cell["value"]):
        return None
    return exact(float(cell["value"]))


def _verdict(outlet: Outlet, averaging: str, period: Period, decided: Decided, used: Sequence[Cell]) -> Verdict:
    site, found, held = Ref("outlet", outlet.id), decided.finding, decided.held
    item, kind = decided.measured.pollutant, f"outlet_{averaging}"
    value, notes = _float(found.judged), tuple(_notes(decided))
    return Verdict(
        id=content_id(kind, site, period, item, METHOD),
        kind=kind,
        subject=site,
        period=period,
        value=value,
        unit=pollutant(item).outlet_unit,
        label=found.label,
        standard=held.basis if held.basis != PERMIT else dict(notes)["edition"],
        clause="; ".join(found.clauses),
        status=found.status,
        items=((item, value, None), *_figures(decided)),
        primary=(item,) if found.label == "suspected_over" else (),
        inputs=tuple(
            reading_ref(cell["site"], cell["pollutant"], cell["stat"], cell["basis"], cell["start"]) for cell in used
        ),
        method=METHOD,
        level=_level(used),
        reason=found.reason,
        notes=notes,
    )


def _figures(decided: Decided) -> Iterator[tuple[str, float | None, int | None]]:
    """The other figures of a verdict by name; what is not there is left out."""
    measured, held = decided.measured, decided.held
    beside = None if decided.beside is None else decided.beside.held.limit
    for name, value in (
        ("o2", measured.o2),
        ("limit", held.limit),
        ("o2_reference", held.o2_reference),
        ("measured", measured.value),
        ("multiple", decided.finding.multiple),
        ("beside_limit", beside),
    ):
        if value is not None:
            yield name, float(value), None
    if measured.count is not None:
        yield "count", None, measured.count


def _notes(decided: Decided) -> Iterator[tuple[str, str]]:
    measured, held, beside = decided.measured, decided.held, decided.beside
    said = {
        "folded": "here" if decided.finding.folded else "",
        "mark": ";".join(measured.marks),
        "state": measured.state,
        "industry": measured.industry,
        "mark_timing": decided.finding.mark_timing,
        "basis": held.basis,
        "edition": held.edition or decided.finding.clauses[-1].partition(" annex")[0],
        "law_row": held.row,
    }
    if beside is not None:
        said |= {
            "beside_basis": beside.held.basis,
            "beside_clause": beside.held.clause,
            "beside_status": beside.held.status,
            "beside_why": beside.why,
        }
    yield from ((name, words) for name, words in said.items() if words)


def _level(used: Iterable[Cell]) -> Level:
    """A verdict is as final as the least final of its readings."""
    levels: set[Level] = {cell["level"] for cell in used}
    if not levels or "realtime" in levels:
        return "realtime"
    return levels.pop() if len(levels) == 1 else "reviewed"


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
