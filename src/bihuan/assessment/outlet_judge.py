"""Hours and days of outlets from a file, each held against its permit or a table of a standard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.filed_rows import CellRefused, FiledRow, FiledRows
from bihuan.assessment.judged import LAW_COLUMNS, Judged
from bihuan.assessment.outlet_days import DayMeans
from bihuan.assessment.outlet_limits import (
    PERMIT,
    HeldTo,
    limits_in_register,
    limits_of_standard,
    regime_of,
    standard_code,
    whole_edition,
)
from bihuan.assessment.outlet_rows import METHOD, Measured, monitoring_law
from bihuan.assessment.outlet_stricter import Decided, judge_stricter
from bihuan.core import CHINA, NotCovered, exact, local_date, pollutant, pollutants
from bihuan.observations import default_settings
from bihuan.register import Register

NEEDED = ("site", "pollutant", "value/folded")
SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "instant": timedelta(0)}
SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),
        "site": pl.String(),
        "start": pl.Datetime("us", "UTC"),
        "end": pl.Datetime("us", "UTC"),
        "averaging": pl.String(),
        "pollutant": pl.String(),
        "value": pl.Float64(),
        "unit": pl.String(),
        "o2": pl.Float64(),
        "o2_reference": pl.Float64(),
        "compared": pl.Float64(),
        "folded": pl.Boolean(),
        "limit": pl.Float64(),
        "multiple": pl.Float64(),
        "label": pl.String(),
        "rate": pl.Float64(),
        "count": pl.Int64(),
        "mark": pl.String(),
        "state": pl.String(),
        "industry": pl.String(),
        "mark_timing": pl.String(),
        "basis": pl.String(),
        "beside_limit": pl.Float64(),
        "beside_basis": pl.String(),
        "beside_clause": pl.String(),
        "beside_status": pl.String(),
        "beside_why": pl.String(),
    }
    | LAW_COLUMNS
)
"""Columns of the verdicts, in this order."""


def judge_outlet(
    table: pl.DataFrame,
    *,
    on: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
    zone: ZoneInfo = CHINA,
    register: Register | None = None,
) -> Judged:
    """Judge a table of hours, days or instants of stacks and waste-water outlets.

    Parameters
    ----------
    table : DataFrame
        One row a site, period and pollutant: ``site start [end] pollutant value [unit] averaging``, and of what is
        known ``folded o2 flow minutes hours mark state marked_at alarm_at industry``. The limit is that of the permit,
        ``limit [limit_averaging] [basis] [o2_reference]`` or what `register` has, and that of ``standard`` with
        ``regime`` (a table of `bihuan.standards`); where both are there the stricter that may decide does.
        `outlet_columns.toml` lists every name. Hours under a limit of the day are collected into days of local time.
        Stamps are the start of the period. [outlet unit of the pollutant; o2 %; flow m3/h]
    on : date or None
        Judge every row by the law of this day; left out, by that of its own.
    place : str
        Administrative code (``410100``).
    allow : frozenset of str
        Editions, tables or rows that a city has switched on, as in `bihuan.standards.lookup`.
    zone : ZoneInfo
    register : Register or None
        Permits, by outlet and day, of rows that name neither a limit nor a standard.

    Returns
    -------
    Judged
        ``verdicts``: columns of `SCHEMA`. Labels ``suspected_over within not_evidence no_value undecided``;
        ``compared`` is the value held against the limit, ``folded`` whether it was folded here, ``multiple``
        (C - limit) / limit of what is over, ``rate`` kg/h from the flow. ``undecided``: the limit is 待核 and not
        switched on. ``beside_...`` is the other limit where two hold, and ``beside_why`` it did not decide:
        ``laxer`` or ``to_check``.

    Raises
    ------
    InputError
        If whole columns are absent; the message lists the accepted names.
    NotCovered
        If no edition of HJ 76 is in force on `on`.
    """
    if on is not None:
        monitoring_law(on, allow)
    rows = FiledRows(table, "outlet", NEEDED, zone)
    days = DayMeans(zone, allow)
    verdicts: list[dict[str, Any]] = []
    for row in rows:
        try:
            measured, averaging, limits, law_day, flow = _read(row, on, place, allow, register)
            now = [(measured, held) for held in limits if held.averaging == averaging]
            of_day = tuple(held for held in limits if (averaging, held.averaging) == ("hour", "day"))
            if now:
                found = judge_stricter(now, law_day, allow)
                verdicts.append(_verdict(row.number, row.text("site"), found, flow))
            if of_day:
                days.add(row.number, row.text("site"), measured, of_day, law_day)
        except CellRefused as why:
            rows.refuse(row.number, why)
    for day in days:
        found = judge_stricter(day.pairs, day.law_day, allow)
        verdicts.append(_verdict(day.row, day.site, found, None))
    frame = pl.DataFrame(verdicts, schema=SCHEMA).sort("row", "averaging", maintain_order=True)
    return Judged(frame, rows.refused)


Read = tuple[Measured, str, tuple[HeldTo, ...], date, Decimal | None]


def _read(row: FiledRow, on: date | None, place: str, allow: frozenset[str], register: Register | None) -> Read:
    row.required("site", "outlet_no_site")
    item = pollutant_of(row)
    start = row.instant("start", "outlet_time")
    end = row.instant("end", "outlet_time")
    averaging = _averaging(row, start, end)
    if start is not None and end is None:
        end = start + SPANS[averaging]
    law_day = on or (None if start is None else local_date(start, row.rows.zone))
    if law_day is None:
        raise CellRefused("start", "", "outlet_no_date")
    if not _held_on(law_day, allow):
        raise CellRefused("start", str(law_day), "outlet_outside_editions")
    measured = _measured(row, item, start, end, averaging)
    limits = _limits(row, item, averaging, law_day, place, allow, register)
    return measured, averaging, limits, law_day, _positive(row, "flow")


@cache
def _held_on(day: date, allow: frozenset[str]) -> bool:
    try:
        monitoring_law(day, allow)
    except NotCovered:
        return False
    return True


def pollutant_of(row: FiledRow) -> str:
    """Return the code of the pollutant of a row: our own, a name, or what HJ 212 writes."""
    text = row.required("pollutant", "outlet_unknown_code")
    code = _wire().get(text.casefold()) or row.rows.names.words["pollutant"].get(text.casefold())
    if code is None:
        raise CellRefused("pollutant", text, "outlet_unknown_code")
    unit = row.unit("unit", "value")
    wanted = pollutant(code).outlet_unit
    if unit and unit != wanted:
        raise CellRefused("unit", unit, "outlet_wrong_unit")
    return code


@cache
def _wire() -> Mapping[str, str]:
    ways = {code: (code, one.zh, one.en, *one.hj212_2017, *one.hj212_2005) for code, one in pollutants().items()}
    return {name.casefold(): code for code, names in ways.items() for name in names}


def _averaging(row: FiledRow, start: datetime | None, end: datetime | None) -> str:
    said = row.word("averaging", "outlet_averaging")
    if not said and start is not None and end is not None:
        said = next((name for name, span in SPANS.items() if end - start == span), "")
        if not said:
            raise CellRefused("end", row.text("end"), "outlet_averaging")
    if not said:
        raise CellRefused("averaging", "", "outlet_no_averaging")
    return said


def _measured(row: FiledRow, item: str, start: datetime | None, end: datetime | None, averaging: str) -> Measured:
    value, own, o2 = (_possible(row, name, code) for name, code in (("value", item), ("folded", item), ("o2", "o2")))
    count = row.number_of("minutes" if averaging == "hour" else "hours", "outlet_no_number")
    return Measured(
        pollutant=item,
        start=start,
        end=end,
        value=value,
        own=own,
        o2=o2,
        count=None if count is None else int(count),
        marks=tuple(mark for mark in row.text("mark").upper().replace(",", ";").split(";") if mark),
        state=row.word("state", "outlet_unknown_state"),
        industry=row.word("industry", "", free=True),
        marked_at=row.instant("markedat", "outlet_time"),
        alarm_at=row.instant("alarmat", "outlet_time"),
    )


def _possible(row: FiledRow, name: str, code: str) -> Decimal | None:
    """A number that an instrument can have shown; what none can is refused, never read as missing."""
    found = row.number_of(name, "outlet_no_number")
    if found is None:
        return None
    if found < 0:
        raise CellRefused(name, row.text(name), "outlet_negative")
    known = default_settings()["range"]["outlet"].get(code)
    if known is not None and found > exact(known["possible"][1]):
        raise CellRefused(name, row.text(name), "outlet_impossible")
    return found


def _positive(row: FiledRow, name: str) -> Decimal | None:
    found = row.number_of(name, "outlet_no_number")
    if found is not None and found < 0:
        raise CellRefused(name, row.text(name), "outlet_negative")
    return found


def _limits(
    row: FiledRow,
    item: str,
    averaging: str,
    day: date,
    place: str,
    allow: frozenset[str],
    register: Register | None,
) -> tuple[HeldTo, ...]:
    """Limits that the row is held to: its own or else the register's permit, and those of the table it names."""
    oxygen = _oxygen(row)
    own = row.number_of("limit", "outlet_no_number")
    permit: tuple[HeldTo, ...] = ()
    if own is not None:
        if own <= 0 and item != "ph":
            raise CellRefused("limit", row.text("limit"), "outlet_impossible")
        wanted = row.word("limitaveraging", "outlet_averaging") or averaging
        # beside a limit of its own a standard without one of its tables is only what that limit rests on
        basis = row.text("basis") or ("" if row.text("regime") else row.text("standard")) or PERMIT
        permit = (HeldTo(own, wanted, oxygen, basis),)
    elif register is not None:
        permit = limits_in_register(register, row.text("site").removeprefix("outlet:"), item, day, place, allow)
    named = row.text("standard") and (own is None or row.text("regime"))
    table = _of_standard(row, item, day, place, allow, oxygen, beside=bool(permit)) if named else ()
    rows = {one.row for one in permit if one.row}
    found = (*permit, *(one for one in table if one.row not in rows))
    fit = tuple(one for one in found if one.averaging == averaging or (averaging, one.averaging) == ("hour", "day"))
    if not fit:
        column = "standard" if row.text("standard") and own is None else "limit"
        raise CellRefused(column, row.text(column), "outlet_no_limit")
    return fit


def _oxygen(row: FiledRow) -> Decimal | None:
    found = row.number_of("o2reference", "outlet_no_number")
    if found is not None and not 0 <= found < 21:
        raise CellRefused("o2reference", row.text("o2reference"), "outlet_reference_oxygen")
    return found


def _of_standard(
    row: FiledRow, item: str, day: date, place: str, allow: frozenset[str], oxygen: Decimal | None, *, beside: bool
) -> tuple[HeldTo, ...]:
    """Limits of the table that a row names; none where there is a permit beside and the table does not hold for it."""
    code = standard_code(row.text("standard"))
    if code is None:
        raise CellRefused("standard", row.text("standard"), "outlet_unknown_standard")
    try:
        edition = whole_edition(code, day, place)
    except NotCovered:
        if beside:
            return ()
        raise CellRefused("standard", row.text("standard"), "outlet_outside_editions") from None
    regime = regime_of(edition, row.text("regime"))
    if not regime:
        raise CellRefused("regime", row.text("regime"), "outlet_unknown_regime")
    try:
        return limits_of_standard(code, regime, item, day, place, allow, oxygen)
    except NotCovered:
        if beside:
            return ()
        raise CellRefused("pollutant", row.text("pollutant"), "outlet_item_not_limited") from None


def _verdict(number: int, site: str, decided: Decided, flow: Decimal | None) -> dict[str, Any]:
    measured, held, found, beside = decided.measured, decided.held, decided.finding, decided.beside
    rate = None
    if flow is not None and measured.value is not None and pollutant(measured.pollutant).medium == "air":
        rate = float(Fraction(measured.value) * Fraction(flow) / 1_000_000)
    law = found.clauses[-1].partition(" annex")[0] if not held.edition else held.edition
    return {
        "row": number,
        "site": site,
        "start": measured.start,
        "end": measured.end,
        "averaging": held.averaging,
        "pollutant": measured.pollutant,
        "value": _float(measured.value),
        "unit": pollutant(measured.pollutant).outlet_unit,
        "o2": _float(measured.o2),
        "o2_reference": _float(held.o2_reference),
        "compared": _float(found.judged),
        "folded": found.folded,
        "limit": _float(held.limit),
        "multiple": _float(found.multiple),
        "label": found.label,
        "rate": rate,
        "count": measured.count,
        "mark": ";".join(measured.marks),
        "state": measured.state,
        "industry": measured.industry,
        "mark_timing": found.mark_timing,
        "basis": held.basis,
        "beside_limit": None if beside is None else float(beside.held.limit),
        "beside_basis": "" if beside is None else beside.held.basis,
        "beside_clause": "" if beside is None else beside.held.clause,
        "beside_status": "" if beside is None else beside.held.status,
        "beside_why": "" if beside is None else beside.why,
        "edition": law,
        "clause": "; ".join(found.clauses),
        "status": found.status,
        "method": METHOD,
        "reason": found.reason,
        "law_row": held.row,
    }


def _float(value: Decimal | Fraction | None) -> float | None:
    return None if value is None else float(value)
