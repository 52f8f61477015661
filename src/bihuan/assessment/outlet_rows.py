"""One value of an outlet, judged: folded, compared, or set aside with the reason why it is no evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from typing import Literal

from bihuan.assessment.index import least_sure
from bihuan.assessment.outlet_limits import HeldTo
from bihuan.core import NotCovered, Status, pollutant
from bihuan.standards import Row, Standard, lookup

CODE = "HJ 76"
MARKING = "CEMS marking"
METHOD = "outlet_limit/2"

TOO_FEW = "too_few"
"""Reason of the observations room for a mean of too few parts."""

Label = Literal["suspected_over", "within", "not_evidence", "no_value", "undecided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a row says of one period and pollutant.

    Attributes
    ----------
    pollutant : str
    start, end : datetime or None
        UTC.
    value : Decimal, Fraction or None
        Measured, dry standard state. [outlet unit]
    own : Decimal or None
        As the device folded it itself. [outlet unit]
    o2 : Decimal or None
        [%]
    count : int or None
        Valid minutes of the hour, or hours of the day; None when the row does not say.
    marks : tuple of str
        Data flags of HJ 212.
    bad : str
        Why a check of ours found the value, or the oxygen beside it, to be of bad quality: code of a flag's reason.
    state, industry : str
        Condition declared under the rules of marking, and whose rules they are.
    marked_at, alarm_at : datetime or None
    """

    pollutant: str
    start: datetime | None = None
    end: datetime | None = None
    value: Decimal | Fraction | None = None
    own: Decimal | None = None
    o2: Decimal | None = None
    count: int | None = None
    marks: tuple[str, ...] = ()
    bad: str = ""
    state: str = ""
    industry: str = ""
    marked_at: datetime | None = None
    alarm_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it.

    Attributes
    ----------
    label : Label
    reason : str
        Key of ``texts`` under ``law_outlet`` as ``reason_...``; empty when nothing is to be said.
    judged : Fraction or None
        Value that was held against the limit. [outlet unit]
    folded : bool
        Whether we folded it.
    multiple : Fraction or None
        (C - limit) / limit of what is over.
    clauses : tuple of str
    status : Status
    mark_timing : str
        ``in_time after_period after_alarm``, empty without the time of a mark.
    """

    label: Label
    reason: str
    judged: Fraction | None
    folded: bool = False
    multiple: Fraction | None = None
    clauses: tuple[str, ...] = ()
    status: Status = "single_source"
    mark_timing: str = field(default="")


@lru_cache(maxsize=4096)
def monitoring_law(on: date, allow: frozenset[str]) -> Standard:
    """Return the edition of HJ 76 in force, with the rows that may decide.

    Raises
    ------
    NotCovered
        If none is in force on that day.
    """
    return lookup(CODE, on=on, allow=allow)


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What judging asks of an edition of HJ 76 at every value, looked up once.

    Attributes
    ----------
    number : str
    air : int
        Oxygen from which on nothing is folded. [%]
    not_folded : frozenset of str
        Conditions under which nothing is folded.
    evidence : frozenset of str
        Data flags that speak for an exceedance.
    at_least : mapping of str to int
        Valid minutes of an hour, valid hours of a day.
    exceedance : mapping of str to Row
        By medium, air and water.
    folding : Row
    """

    number: str
    air: int
    not_folded: frozenset[str]
    evidence: frozenset[str]
    at_least: Mapping[str, int]
    exceedance: Mapping[str, Row]
    folding: Row


@lru_cache(maxsize=256)
def rules_of(law: Standard) -> Rules:
    """Return what judging asks of an edition of HJ 76.

    Raises
    ------
    NotCovered
        If the edition lacks one of the rows.
    """
    folding = law.row("folding", "o2")
    return Rules(
        number=law.number,
        air=int(folding["air"]),
        not_folded=frozenset(folding["not_folded"]),
        evidence=frozenset(one.item for one in law.table("marks") if one["evidence"]),
        at_least={one.item: int(one["at_least"]) for one in law.table("validity")},
        exceedance={medium: law.row("exceedance", medium) for medium in ("air", "water")},
        folding=folding,
    )


@cache
def marking_industries(on: date, allow: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the industries whose marks count on a day; empty before the notice."""
    try:
        notice = lookup(MARKING, on=on, allow=allow)
    except NotCovered:
        return frozenset()
    return frozenset(row.item for row in notice.table("industries"))


def judge(row: Measured, held: HeldTo, on: date, allow: frozenset[str] = frozenset()) -> Finding:
    """Hold one value against one limit.

    Parameters
    ----------
    row : Measured
    held : HeldTo
    on : date
        Day whose law holds.
    allow : frozenset of str
        Rows that a city has switched on.

    Returns
    -------
    Finding
        What speaks against a value as evidence comes first: a data flag, a declared condition under the rules of
        marking; then what is missing; then the comparison, unless the limit itself is still to be checked.

    Raises
    ------
    NotCovered
        If no edition of HJ 76 is in force on that day.
    """
    rules = rules_of(monitoring_law(on, allow))
    value, folded = _value(row, held, rules)
    clauses, status = _clauses(row, held, rules, folded)
    done = {"clauses": clauses, "status": status, "mark_timing": timing(row)}
    reason = _no_evidence(row, held, rules, on, allow)
    if reason:
        return Finding("not_evidence", reason, value, folded, **done)  # type: ignore[arg-type]
    missing = _missing(row, held, rules, value)
    if missing:
        return Finding("no_value", missing, None, folded, **done)  # type: ignore[arg-type]
    assert value is not None
    if held.open_reason:
        return Finding("undecided", held.open_reason, value, folded, **done)  # type: ignore[arg-type]
    limit = Fraction(held.limit)
    over = value > limit
    said = "state_outside_rule" if row.state not in ("", "running") else ""
    multiple = (value - limit) / limit if over and limit else None
    return Finding(
        "suspected_over" if over else "within",
        said,
        value,
        folded,
        multiple,
        **done,  # type: ignore[arg-type]
    )


def timing(row: Measured) -> str:
    """Say when a mark was made: in time, after the period it is about, or only after the alarm."""
    if row.marked_at is None:
        return ""
    if row.alarm_at is not None and row.marked_at > row.alarm_at:
        return "after_alarm"
    return "after_period" if row.end is not None and row.marked_at > row.end else "in_time"


def foldable(o2: Decimal | None, rules: Rules) -> bool:
    """Say whether an oxygen can be folded with: it is there, not negative, and below that of air."""
    return o2 is not None and 0 <= o2 < rules.air


def folds(item: str, held: HeldTo) -> bool:
    """Oxygen is folded for gases of air only; a mean of values that were folded is not folded again."""
    return held.o2_reference is not None and pollutant(item).medium == "air"


def _value(row: Measured, held: HeldTo, rules: Rules) -> tuple[Fraction | None, bool]:
    if not folds(row.pollutant, held):
        return (None if row.value is None else Fraction(row.value)), False
    if row.o2 is None or row.value is None:
        # without oxygen only the value that the device folded itself is left
        return (None if row.own is None else Fraction(row.own)), False
    if not foldable(row.o2, rules) or row.state in rules.not_folded:
        return None, True
    assert held.o2_reference is not None
    return folded_to(row.value, row.o2, held.o2_reference, rules.air), True


def folded_to(value: Decimal | Fraction, o2: Decimal, reference: Decimal, air: int) -> Fraction:
    """Return C (air - reference) / (air - O2), exactly; one fraction is made, which is what takes the time."""
    (v, by), (r, of), (o, out_of) = value.as_integer_ratio(), reference.as_integer_ratio(), o2.as_integer_ratio()
    return Fraction(v * (air * of - r) * out_of, by * of * (air * out_of - o))


def _no_evidence(row: Measured, held: HeldTo, rules: Rules, on: date, allow: frozenset[str]) -> str:
    if any(mark not in rules.evidence for mark in row.marks):
        return "marked_invalid"
    if row.state not in ("", "running"):
        if row.industry in marking_industries(on, allow):
            return "marked_by_rule"
        if folds(row.pollutant, held) and row.state in rules.not_folded:
            return "start_or_stop"
    return "flagged_bad" if row.bad not in ("", TOO_FEW) else ""


def _missing(row: Measured, held: HeldTo, rules: Rules, value: Fraction | None) -> str:
    short = row.count is not None and row.count < rules.at_least.get(held.averaging, 0)
    if short or row.bad == TOO_FEW:
        return "too_few_minutes" if held.averaging == "hour" else "too_few_hours"
    if value is not None:
        return ""
    if folds(row.pollutant, held) and row.value is not None:
        return "no_oxygen" if row.o2 is None else "cannot_be_folded"
    return "no_items"


def _clauses(row: Measured, held: HeldTo, rules: Rules, folded: bool) -> tuple[tuple[str, ...], Status]:
    medium = "water" if pollutant(row.pollutant).medium == "water" else "air"
    return _cited(held.clause, held.status, rules, medium, folded)


@lru_cache(maxsize=4096)
def _cited(clause: str, status: Status, rules: Rules, medium: str, folded: bool) -> tuple[tuple[str, ...], Status]:
    rule = rules.exceedance[medium]
    used = (rule, rules.folding) if folded else (rule,)
    clauses = [clause] if clause else []
    clauses += [f"{rules.number} {one.clause}" for one in used]
    return tuple(dict.fromkeys(clauses)), least_sure(status, *(one.status for one in used))
