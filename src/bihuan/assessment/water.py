"""The class of a river section by its worst item (GB 3838-2002, 环办〔2011〕22号), and its trend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from bihuan.assessment.index import least_sure
from bihuan.core import InputError, Status, exact
from bihuan.standards import Row, lookup

CODE = "GB 3838"
CLASSES = ("I", "II", "III", "IV", "V", "worse_than_V")
"""Labels by class number 1 .. 6; the last is 劣Ⅴ类."""

WaterBody = Literal["river", "lake"]
YEAR = np.timedelta64(31_556_925, "s")
"""A tropical year."""

FEWEST = 8
"""With fewer values the order says too little: a single value out of line takes the significance away."""


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
    not_assessed : tuple of str
        Items of the single-factor method that had no value.
    standard, clause : str
    status : Status
    """

    number: int | None
    label: str
    items: tuple[tuple[str, float, int], ...]
    worst: tuple[str, ...]
    not_assessed: tuple[str, ...]
    standard: str
    clause: str
    status: Status


def section_class(values: Mapping[str, float | None], *, on: date, water_body: WaterBody = "river") -> SectionClass:
    """Return the class of a section: the worst of its assessed items decides.

    Parameters
    ----------
    values : mapping of str to float or None
        Mean of the period by item. [mg/L, pH 1]
    on : date
        Day whose edition judges.
    water_body : {"river", "lake"}
        Phosphorus has a column of its own for lakes; total nitrogen is never assessed here.
    """
    law = lookup(CODE, on=on)
    left_out = {row.item for row in law.table("not_assessed")}
    rows = {
        row.item: row
        for row in law.table("classes")
        if row["water_body"] in ("any", water_body) and row.item not in left_out
    }
    items = tuple(
        (item, float(value), _class_of(row, exact(float(value))))
        for item, row in rows.items()
        if (value := values.get(item)) is not None and np.isfinite(value)
    )
    number = max((found for _, _, found in items), default=None)
    rule = law.row("section_class", "class")
    return SectionClass(
        number=number,
        label=CLASSES[number - 1] if number else "",
        items=items,
        worst=tuple(item for item, _, found in items if found == number),
        not_assessed=tuple(item for item in rows if item not in {name for name, _, _ in items}),
        standard=law.number,
        clause=f"{rows[items[0][0]].clause if items else law.clause}; {rule.clause}",
        status=least_sure(rule.status, *(rows[item].status for item, _, _ in items)),
    )


def _class_of(row: Row, value: Decimal) -> int:
    kind = row["kind"]
    for number, limit in enumerate(row["classes"], start=1):
        if kind == "range":
            meets = limit[0] <= value <= limit[1]
        else:
            meets = value <= limit if kind == "max" else value >= limit
        if meets:
            return number
    return len(CLASSES)


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


@dataclass(frozen=True, slots=True)
class Trend:
    """Change of one item over a window.

    Attributes
    ----------
    slope, low, high : float or None
        Theil-Sen slope and its interval. [unit of the item / year]
    p : float or None
        Of the Mann-Kendall test, two-sided.
    direction : {"rising", "falling", "none", "cannot_tell"}
    count : int
        Values behind it.
    confidence : float
    """

    slope: float | None
    low: float | None
    high: float | None
    p: float | None
    direction: Literal["rising", "falling", "none", "cannot_tell"]
    count: int
    confidence: float


def trend(start: NDArray[np.datetime64], values: NDArray[np.float64], *, confidence: float = 0.95) -> Trend:
    """Return the Theil-Sen slope with the Mann-Kendall test (Mann 1945, Kendall 1975, Sen 1968).

    Parameters
    ----------
    start : ndarray of datetime64, shape (n,)
    values : ndarray of float64, shape (n,)
        NaN where missing. The test takes values as independent: give means at least some days apart, and the
        same seasons at both ends.
    confidence : float
        Of the interval and the direction.

    Returns
    -------
    Trend
        ``cannot_tell`` with fewer than 8 values.
    """
    present = np.isfinite(values)
    count = int(present.sum())
    if count < FEWEST:
        return Trend(None, None, None, None, "cannot_tell", count, confidence)
    years = (start[present] - start[present][0]) / YEAR
    found = values[present]
    if (found == found[0]).all():
        return Trend(0.0, 0.0, 0.0, 1.0, "none", count, confidence)
    slope, _, low, high = scipy.stats.theilslopes(found, years, confidence)
    p = float(scipy.stats.kendalltau(years, found).pvalue)
    direction: Literal["rising", "falling", "none"] = "none"
    if p < 1 - confidence and slope != 0:
        direction = "rising" if slope > 0 else "falling"
    return Trend(float(slope), float(low), float(high), p, direction, count, confidence)
