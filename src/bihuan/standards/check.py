"""Holds the tables of law to their form: what `bihuan standards check` runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from bihuan.core import pollutants
from bihuan.standards.editions import standards
from bihuan.standards.model import STATUSES, Example, Row, Standard

MEDIA = ("air", "water", "soil", "outlet", "mobile", "noise", "act")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a table of law that does not hold.

    Attributes
    ----------
    standard : str
        Id of the edition.
    where : str
        Id of the row, or the name of the header's field.
    what : str
        What was found and what is allowed.
    """

    standard: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.standard}: {self.where}: {self.what}"


def check(tables: Iterable[Standard] | None = None) -> tuple[Finding, ...]:
    """Return everything that does not hold in the tables given, by default in all that are held.

    Dates follow each other without gap or overlap, numbers ascend, units are those of the pollutant list,
    and every row names its clause, status and source.
    """
    held = standards() if tables is None else tuple(tables)
    findings: list[Finding] = []
    for standard in held:
        findings += _header(standard)
        findings += _spans(standard)
        findings += _levels(standard)
        for row in standard.rows:
            findings += (Finding(standard.id, row.id, what) for what in _row(row, standard.medium))
        findings += (Finding(standard.id, where, what) for where, what in _soil(standard))
        for one in standard.examples:
            findings += (Finding(standard.id, one.id, what) for what in _named(one))
    return (*findings, *_successions(held))


def _header(standard: Standard) -> Iterator[Finding]:
    if standard.medium not in MEDIA:
        yield Finding(standard.id, "medium", f"{standard.medium!r} is none of {', '.join(MEDIA)}")
    if standard.status not in STATUSES:
        yield Finding(standard.id, "status", f"{standard.status!r} is none of {', '.join(STATUSES)}")
    for name in ("clause", "source", "title_zh", "title_en"):
        if not getattr(standard, name).strip():
            yield Finding(standard.id, name, "is empty")
    # an act says what must be done, not what a value is
    for name in () if standard.medium == "act" else ("unit", "averaging", "validity", "rounding"):
        if not getattr(standard, name):
            yield Finding(standard.id, name, "says nothing")
    if not standard.places:
        yield Finding(standard.id, "places", 'names no place; "" is the whole country')
    if standard.effective_to is not None and standard.effective_to <= standard.effective_from:
        yield Finding(standard.id, "effective_to", f"{standard.effective_to} does not follow {standard.effective_from}")


def _spans(standard: Standard) -> Iterator[Finding]:
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in standard.rows:
        by_id[row.id].append(row)
        before = row.effective_from < standard.effective_from
        after = standard.effective_to is not None and (row.effective_to or date.max) > standard.effective_to
        if before or after:
            yield Finding(standard.id, row.id, "holds on days on which the edition does not")
    for ident, rows in by_id.items():
        for what in _order([(row.effective_from, row.effective_to) for row in rows]):
            yield Finding(standard.id, ident, what)


def _levels(standard: Standard) -> Iterator[Finding]:
    for low, high in pairwise(standard.table("levels")):
        if high["aqi_from"] != low["aqi_to"] + 1:
            yield Finding(
                standard.id, high.id, f"begins at {high['aqi_from']}, the level below ends at {low['aqi_to']}"
            )
    for low, high in pairwise(standard.table("grades")):
        if "order" in low.fields and high["order"] != low["order"] + 1:
            yield Finding(standard.id, high.id, f"order {high['order']} does not follow {low['order']}")


def _successions(held: Sequence[Standard]) -> Iterator[Finding]:
    by_place: dict[tuple[str, str], list[Standard]] = defaultdict(list)
    by_number = {standard.number: standard for standard in held}
    for standard in held:
        for place in standard.places:
            by_place[standard.code, place].append(standard)
        for number in standard.replaces:
            before = by_number.get(number)
            if before is not None and before.effective_to != standard.effective_from:
                yield Finding(
                    standard.id,
                    "replaces",
                    f"{number} ends on {before.effective_to}, its successor begins on {standard.effective_from}",
                )
    for (code, place), group in by_place.items():
        # an edition for a larger area fills what lies between two editions for a smaller one
        wider = [one for (other, area), ones in by_place.items() if other == code and place != area for one in ones]
        fill = [one for one in wider if one.covers(place) >= 0]
        ordered = sorted(group, key=lambda one: one.effective_from)
        for what in _order([(one.effective_from, one.effective_to) for one in ordered], fill):
            yield Finding(ordered[-1].id, "effective_from", f"{code} at {place or 'any place'}: {what}")


def _order(spans: Sequence[tuple[date, date | None]], fill: Sequence[Standard] = ()) -> Iterator[str]:
    for (_, end), (start, _) in pairwise(sorted(spans, key=lambda span: span[0])):
        if end is None or start < end:
            yield f"the span from {start} overlaps the one before, which ends on {end}"
            continue
        reached = end
        while reached < start:
            ends = [one.effective_to or date.max for one in fill if one.holds(reached)]
            if not ends:
                yield f"nothing holds from {reached} to {start}"
                break
            reached = max(ends)


def _named(row: Row | Example) -> Iterator[str]:
    if row.status not in STATUSES:
        yield f"status {row.status!r} is none of {', '.join(STATUSES)}"
    for name in ("clause", "source"):
        if not str(getattr(row, name)).strip():
            yield f"{name} is empty"


def _row(row: Row, medium: str) -> Iterator[str]:
    yield from _named(row)
    if row.effective_to is not None and row.effective_to <= row.effective_from:
        yield f"effective_to {row.effective_to} does not follow {row.effective_from}"
    yield from _unit(row, medium)
    yield from _numbers(row)


def _unit(row: Row, medium: str) -> Iterator[str]:
    known = pollutants().get(row.item)
    unit = row.fields.get("unit")
    listed = "" if known is None else known.soil_unit if medium == "soil" else known.unit
    if listed and unit is not None and unit != listed:
        yield f"unit {unit!r} differs from {listed!r} of the pollutant list"


def _numbers(row: Row) -> Iterator[str]:
    fields = row.fields
    if "grade1" in fields and fields["grade1"] > fields["grade2"]:
        yield f"grade 1 ({fields['grade1']}) is laxer than grade 2 ({fields['grade2']})"
    if "concentration" in fields:
        yield from _breakpoints(fields["concentration"], fields["iaqi"])
    if "at_least" in fields and fields["at_least"] > fields.get("of", fields["at_least"]):
        yield f"asks for {fields['at_least']} of {fields['of']}"
    if row.table == "classes" and fields["kind"] in ("max", "min"):
        limits = fields["classes"]
        if list(limits) != sorted(limits, reverse=fields["kind"] == "min") or len(limits) != 5:
            yield f"classes I to V do not get laxer: {[str(limit) for limit in limits]}"
    for part in (part for alternative in fields.get("alternatives", ()) for part in alternative):
        yield from _condition(part)


def _soil(standard: Standard) -> Iterator[tuple[str, str]]:
    """Screening is never above control, no limit below zero, and every pH bin has its limit."""
    for row in standard.rows:
        if {"screening", "control"} <= set(row.fields):
            pairs = list(zip(row["screening"], row["control"], strict=True))
            if len(pairs) != 2 or any(not 0 < screening <= control for screening, control in pairs):
                yield row.id, f"screening {row['screening']} does not stay below control {row['control']} twice"
    bins = {len(row["edges"]) + 1 for row in standard.table("ph_bins")} | {1}
    for row in standard.rows:
        if "limits" in row.fields and (len(row["limits"]) not in bins or min(row["limits"]) <= 0):
            yield row.id, f"{len(row['limits'])} limits stand beside {max(bins)} bins of pH, or one is not above 0"


def _breakpoints(concentration: Sequence[Any], iaqi: Sequence[Any]) -> Iterator[str]:
    if len(concentration) != len(iaqi):
        yield f"{len(concentration)} concentrations stand beside {len(iaqi)} sub-indices"
    if any(low >= high for steps in (concentration, iaqi) for low, high in pairwise(steps)):
        yield "breakpoints do not ascend"
    if concentration[0] != 0 or iaqi[0] != 0:
        yield "breakpoints do not begin at 0"


def _condition(part: Any) -> Iterator[str]:
    if set(part) != {"metric", "above", "hours"}:
        yield f"a condition holds metric, above and hours; found {', '.join(part)}"
    elif part["hours"] < 24 or part["above"] < 0:
        yield f"a condition of {part['hours']} hours above {part['above']} cannot be meant"
