"""Treated sewage against GB 18918 (and other waste water against GB 8978, whose rows are recalled).

Two conditions of GB 18918 are recalled: from which water temperature the number in brackets holds for ammonia, and for
which plants the laxer limit of phosphorus does. Until a city switches them on they decide only where both limits agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import polars as pl

from bihuan.assessment.index import least_sure
from bihuan.assessment.judged import REFUSED_SCHEMA, Judged
from bihuan.assessment.water import NOTHING
from bihuan.assessment.water_bulk import LOW
from bihuan.core import NotCovered, Status, exact
from bihuan.standards import Row, Standard, editions, lookup

METHOD = "discharge_limit/1"
CODE = "GB 18918"
SWITCHED = ("bracket", "limits_older")
"""Tables that take part only where a city has switched them on; the method of a verdict names those that did."""

DischargeCode = Literal["GB 18918", "GB 8978"]


@dataclass(frozen=True, slots=True)
class DischargeLimit:
    """What an item of waste water must keep to at a level.

    Attributes
    ----------
    item, unit : str
    strict, lax : Decimal or tuple of Decimal
        Equal where one limit is known to apply; a range for pH.
    open : str
        Key of the words (``refused``) that say which condition is not known, empty where the limits are equal.
    status : Status
    """

    item: str
    unit: str
    strict: Any
    lax: Any
    open: str
    status: Status

    def holds(self, value: Decimal) -> bool | None:
        """Say whether a daily mean keeps to the limit; None where it depends on a condition that is not known."""
        if isinstance(self.strict, tuple):
            return bool(self.strict[0] <= value <= self.strict[1])
        if value <= self.strict:
            return True
        return None if value <= self.lax else False


def discharge_limits(
    level: str,
    *,
    on: date,
    water_temperature: float | None = None,
    built: date | None = None,
    code: DischargeCode = "GB 18918",
    place: str = "",
    allow: frozenset[str] = NOTHING,
) -> tuple[DischargeLimit, ...]:
    """Return the limits of a level on a day.

    Parameters
    ----------
    level : str
        ``1A 1B 2 3``; of GB 8978 ``1 2 3``.
    on : date
    water_temperature : float or None
        Of the day, for the bracket of ammonia. [degC]
    built : date or None
        When the plant was built, for phosphorus.
    code : str
    place : str
    allow : frozenset of str
        ``gb_18918_2002#bracket``, ``gb_18918_2002#limits_older``, ``gb_8978_1996``.

    Raises
    ------
    NotCovered
        If no edition is in force, it is not switched on, or it has no such level.
    """
    law = lookup(code, on=on, place=place, allow=allow)
    known = levels_of(law)
    if level not in known:
        raise NotCovered(f"{law.number} has no level {level!r}; it has: {', '.join(known)}")
    rows = [row for row in law.table("limits") if level in row["levels"]]
    # the split by date of building is there even while its older half is not switched on
    split = {row.item for one in editions(code) if one.id == law.id for row in one.table("limits_older")}
    return tuple(_limit(law, row, level, water_temperature, built, row.item in split) for row in rows)


def levels_of(law: Standard) -> tuple[str, ...]:
    """Return the levels of a standard of discharge."""
    return tuple(sorted({name for row in law.table("limits") for name in row["levels"]}))


def _limit(
    law: Standard, row: Row, level: str, temperature: float | None, built: date | None, split: bool
) -> DischargeLimit:
    strict = lax = row["levels"][level]
    opened, status = "", row.status
    if level in row.fields.get("bracket", {}):
        rules = [one for one in law.table("bracket") if one.item == row.item]
        cold = None
        if rules and temperature is not None:
            cold = exact(float(temperature)) <= rules[0]["water_temperature_at_most"]
            status = least_sure(status, rules[0].status)
        strict = row["bracket"][level] if cold else strict
        lax = strict if cold is False else row["bracket"][level]
        opened = "" if cold is not None else "water_temperature_open" if rules else "water_bracket_open"
    if split:
        older = [one for one in law.table("limits_older") if one.item == row.item]
        if older and built is not None:
            before = built < older[0]["built_before"]
            status = least_sure(status, older[0].status)
            strict = lax = older[0]["levels"][level] if before else strict
        else:
            # without the older limits nothing beyond the newer one can be called over
            lax = older[0]["levels"][level] if older else Decimal("Infinity")
            opened = "" if strict == lax else "water_built_open"
    return DischargeLimit(row.item, row["unit"], strict, lax, opened, status)


def discharge_verdict(
    values: Mapping[str, Any],
    level: str,
    *,
    on: date,
    built: date | None = None,
    code: DischargeCode = "GB 18918",
    place: str = "",
    allow: frozenset[str] = NOTHING,
) -> dict[str, Any]:
    """Judge the daily means of one outlet.

    Parameters
    ----------
    values : mapping of str to float or None
        Daily means by item, ``water_temperature`` [degC] and ``<item>_low`` among them. [mg/L]
    level, on, built, code, place, allow
        As in `discharge_limits`.

    Returns
    -------
    dict
        ``class`` (``within suspected_over``, None where it cannot be told), ``worst`` (items over, or those that leave
        it open), ``over multiples assessed not_assessed edition clause status method reason``.

    Raises
    ------
    NotCovered
        As `discharge_limits`.
    """
    law = lookup(code, on=on, place=place, allow=allow)
    temperature = values.get("water_temperature")
    limits = discharge_limits(
        level, on=on, water_temperature=temperature, built=built, code=code, place=place, allow=allow
    )
    held = {one.item: (one, _held(one, values)) for one in limits if values.get(one.item) is not None}
    over = sorted(
        ((item, _times(one, values[item])) for item, (one, ok) in held.items() if ok is False),
        key=lambda found: -(found[1] or 0.0),
    )
    unknown = [item for item, (_, ok) in held.items() if ok is None]
    reason = "no_items" if not held else ""
    if held and unknown and not over:
        reason = next((held[item][0].open for item in unknown if held[item][0].open), "water_bounds_open")
    elif held and len(held) < len(limits):
        reason = "part_of_the_items"
    verdict = None if not held else "suspected_over" if over else None if unknown else "within"
    return {
        "class": verdict,
        "worst": ";".join([item for item, _ in over] or unknown),
        "over": ";".join(item for item, _ in over),
        "multiples": ";".join("" if times is None else f"{times:.2f}" for _, times in over),
        "assessed": len(held),
        "not_assessed": ";".join(one.item for one in limits if one.item not in held),
        "edition": law.number,
        "clause": law.clause,
        "status": least_sure(law.status, *(one.status for one, _ in held.values())),
        "method": "+".join([METHOD, *(table for table in SWITCHED if law.table(table))]),
        "reason": reason,
    }


def _held(limit: DischargeLimit, values: Mapping[str, Any]) -> bool | None:
    """Both ends of a value below detection must agree."""
    value, low = values[limit.item], values.get(f"{limit.item}{LOW}")
    upper = limit.holds(exact(float(value)))
    if low is None or low == value or upper is True:
        return upper
    return None


def _times(limit: DischargeLimit, value: float) -> float | None:
    if isinstance(limit.lax, tuple):
        return None
    base = Fraction(limit.lax)
    return float(round((Fraction(exact(float(value))) - base) / base, 2))


def judge_discharge(samples: pl.DataFrame, *, place: str = "", allow: frozenset[str] = NOTHING) -> Judged:
    """Judge daily means of treated sewage, as `judge_water` reads them; a row without a level is refused."""
    verdicts, refused = [], []
    for row in samples.iter_rows(named=True):
        told = {"row": row["row"], "column": "level", "value": str(row["level"] or "")}
        if row["level"] is None:
            refused.append(told | {"reason": "water_no_level"})
            continue
        try:
            law = lookup(CODE, on=row["day"], place=place, allow=allow)
        except NotCovered:
            refused.append(told | {"column": "start", "value": str(row["day"]), "reason": "water_no_edition"})
            continue
        if row["level"] not in levels_of(law):
            refused.append(told | {"reason": "water_unknown_level"})
            continue
        found = discharge_verdict(row, row["level"], on=row["day"], built=row["built"], place=place, allow=allow)
        verdicts.append(row | found)
    frame = pl.DataFrame(verdicts, infer_schema_length=None) if verdicts else pl.DataFrame()
    return Judged(frame, pl.DataFrame(refused, schema=REFUSED_SCHEMA))


def over_items(verdict: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the items over and their multiples as printed."""
    if verdict.get("over"):
        yield from zip(str(verdict["over"]).split(";"), str(verdict["multiples"]).split(";"), strict=True)
