"""The classes of surface water and the single factor: GB 3838-2002 read by 环办〔2011〕22号."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np

from bihuan.assessment.index import least_sure
from bihuan.core import InputError, Status, exact
from bihuan.standards import Row, Standard, lookup

CODE = "GB 3838"
RULE = "surface water evaluation"
CLASSES = ("I", "II", "III", "IV", "V", "worse_than_V")
"""Labels by class number 1 .. 6; the last is 劣Ⅴ类."""

NOTHING: frozenset[str] = frozenset()
WaterBody = Literal["river", "lake"]


@dataclass(frozen=True, slots=True, eq=False)
class WaterLaw:
    """What judges one kind of water body on a day.

    Attributes
    ----------
    standard : Standard
        GB 3838, with the rows that may decide.
    rule : Standard
        How sections are judged by it.
    water_body : {"river", "lake"}
    items : dict of str to Row
        Items of the single factor (21), each with its five limits, in the order of the table.
    others : dict of str to Row
        Items that have limits but take no part (total nitrogen, faecal coliforms).
    status : Status
        Of the rule that the worst item decides.
    clause : str
    """

    standard: Standard
    rule: Standard
    water_body: WaterBody
    items: Mapping[str, Row]
    others: Mapping[str, Row]
    status: Status
    clause: str

    def grade(self, number: int | None) -> str:
        """Return the word of a class (``excellent good light medium heavy``), empty unless the city switched it on."""
        for row in self.rule.table("grades") if number else ():
            if CLASSES[(number or 0) - 1] in row["classes"]:
                return row.item
        return ""


@lru_cache(maxsize=1024)
def water_law(
    on: date, water_body: WaterBody = "river", *, place: str = "", allow: frozenset[str] = NOTHING
) -> WaterLaw:
    """Return the law of surface water in force on a day.

    Raises
    ------
    NotCovered
        If GB 3838 or the rule of evaluation is not in force on that day.
    InputError
        If the water body has no column in the table.
    """
    if water_body not in ("river", "lake"):
        raise InputError(f"water body {water_body!r} has no classes; give river or lake")
    standard, rule = lookup(CODE, on=on, place=place, allow=allow), lookup(RULE, on=on, place=place, allow=allow)
    left_out = {row.item for row in rule.table("not_assessed")}
    rows = {row.item: row for row in standard.table("classes") if row["water_body"] in ("any", water_body)}
    single = rule.row("section_class", "class")
    return WaterLaw(
        standard=standard,
        rule=rule,
        water_body=water_body,
        items={item: row for item, row in rows.items() if item not in left_out},
        others={item: row for item, row in rows.items() if item in left_out},
        status=single.status,
        clause=f"{standard.clause}; {rule.number}, {single.clause}",
    )


@dataclass(frozen=True, slots=True)
class SectionClass:
    """Class of a section and of each of its items.

    Attributes
    ----------
    number : int or None
        1 .. 6, None without any assessed item.
    label : str
        Of `CLASSES`, empty without a class.
    items : tuple of (str, float, int)
        Item, value, class number.
    worst : tuple of str
        Items that decide the class.
    over : tuple of (str, float or None)
        Items beyond class III, the worst first, and by how many times (see `times_over`).
    not_assessed : tuple of str
        Items of the single-factor method that had no value.
    standard, clause : str
    status : Status
    """

    number: int | None
    label: str
    items: tuple[tuple[str, float, int], ...]
    worst: tuple[str, ...]
    over: tuple[tuple[str, float | None], ...]
    not_assessed: tuple[str, ...]
    standard: str
    clause: str
    status: Status


def section_class(
    values: Mapping[str, float | None],
    *,
    on: date,
    water_body: WaterBody = "river",
    place: str = "",
    allow: frozenset[str] = NOTHING,
) -> SectionClass:
    """Return the class of a section: the worst of its assessed items decides.

    Parameters
    ----------
    values : mapping of str to float or None
        Mean of the period by item. [mg/L, pH 1]
    on : date
        Day whose edition judges.
    water_body : {"river", "lake"}
        Phosphorus has a column of its own for lakes; total nitrogen is never assessed here.
    place : str
    allow : frozenset of str
        Rows that a city has switched on.

    Raises
    ------
    NotCovered
        If nothing is in force on that day.
    """
    law = water_law(on, water_body, place=place, allow=allow)
    items = tuple(
        (item, float(value), class_of(row, exact(float(value))))
        for item, row in law.items.items()
        if (value := values.get(item)) is not None and np.isfinite(value)
    )
    number = max((found for _, _, found in items), default=None)
    return SectionClass(
        number=number,
        label=CLASSES[number - 1] if number else "",
        items=items,
        worst=tuple(item for item, _, found in items if found == number),
        over=_over(law, items),
        not_assessed=tuple(item for item in law.items if item not in {name for name, _, _ in items}),
        standard=law.standard.number,
        clause=law.clause,
        status=least_sure(law.status, *(law.items[item].status for item, _, _ in items)),
    )


def _over(law: WaterLaw, items: tuple[tuple[str, float, int], ...]) -> tuple[tuple[str, float | None], ...]:
    order = list(law.items)
    found = [(item, number, times_over(law.items[item], exact(value))) for item, value, number in items if number > 3]
    found.sort(key=lambda one: (-one[1], -(one[2] or 0.0), order.index(one[0])))
    return tuple((item, times) for item, _, times in found)


def class_of(row: Row, value: Decimal) -> int:
    """Return the class number of one exact value: the first class whose limit it meets; a limit is in its class."""
    kind = row["kind"]
    for number, limit in enumerate(row["classes"], start=1):
        if kind == "range":
            meets = limit[0] <= value <= limit[1]
        else:
            meets = value <= limit if kind == "max" else value >= limit
        if meets:
            return number
    return len(CLASSES)


def times_over(row: Row, value: Decimal, class_label: str = "III") -> float | None:
    """Return by how many times a value lies beyond the limit of a class: (C - S) / S, two decimals, half to even.

    None where the limit is a minimum or a range (dissolved oxygen, pH), or the value is not beyond it.
    """
    if row["kind"] != "max":
        return None
    limit = row["classes"][class_number(class_label) - 1]
    return float(round((Fraction(value) - Fraction(limit)) / Fraction(limit), 2)) if value > limit else None


def class_number(label: str) -> int:
    """Return the number of a class (``III`` -> 3).

    Raises
    ------
    InputError
        If the label is no class.
    """
    if label not in CLASSES:
        raise InputError(f"{label!r} is no class of water; the classes are {', '.join(CLASSES)}")
    return CLASSES.index(label) + 1
