"""Two indices of water: `cwqi_cn`, by which Chinese cities are ranked (2017), and the trophic state of lakes (TLI).

`cwqi_cn` is a sum of ratios to class III, smaller is better. The Canadian CWQI (0 to 100, larger is better) is another
thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import log
from typing import Any

import polars as pl

from bihuan.assessment.index import least_sure
from bihuan.assessment.water import NOTHING, RULE, WaterBody, class_number, water_law
from bihuan.assessment.water_bulk import LOW
from bihuan.core import InputError, NotCovered, Status, exact
from bihuan.standards import Row, Standard, lookup

RANKING = "city water ranking"
DECIMALS = 4
"""Of the index as printed; ranks go by the index itself."""


def item_index(row: Row, value: Fraction, limit: Fraction | None) -> Fraction:
    """Return the index of one item by its row of ``item_index``.

    Parameters
    ----------
    row : Row
        ``ratio`` C / S, ``inverse`` S / C, or the two branches of pH.
    value : Fraction
    limit : Fraction or None
        Limit of class III; pH needs none.

    Raises
    ------
    InputError
        If dissolved oxygen is zero: the index of none would be endless.
    """
    if row["form"] == "ph":
        neutral = Fraction(row["neutral"])
        return (neutral - value) / Fraction(row["below"] if value <= neutral else -row["above"])
    assert limit is not None
    if row["form"] == "ratio":
        return value / limit
    if value == 0:
        raise InputError(
            f"{row.item} is 0, so its index S / C has no value; leave the item out or give the measured one"
        )
    return limit / value


@dataclass(frozen=True, slots=True)
class CityIndex:
    """Water index of a section, or of the mean of several.

    Attributes
    ----------
    value : Fraction or None
        None unless all 21 items are there, and none of them leaves it open.
    low, high : Fraction or None
        Between them it lies where values are below detection.
    items : dict of str to Fraction
        Index of each item; the upper one where there are two.
    not_assessed : tuple of str
    edition, clause : str
    status : Status
    reason : str
    """

    value: Fraction | None
    low: Fraction | None
    high: Fraction | None
    items: Mapping[str, Fraction]
    not_assessed: tuple[str, ...]
    edition: str
    clause: str
    status: Status
    reason: str


def cwqi_cn(
    values: Mapping[str, Any],
    *,
    on: date,
    water_body: WaterBody = "river",
    place: str = "",
    allow: frozenset[str] = NOTHING,
) -> CityIndex:
    """Return the water index of a section from the means of its 21 items.

    Parameters
    ----------
    values : mapping of str to float or None
        By item, in the units of GB 3838; ``<item>_low`` (0) beside a value below detection.
    on : date
    water_body : {"river", "lake"}
        Phosphorus goes by its column.
    place : str
    allow : frozenset of str
        ``cwqi_2017#below_detection`` lets half of the limit stand for a value below detection (recalled).

    Raises
    ------
    InputError
        If dissolved oxygen is zero.
    NotCovered
        If no rule of ranking is in force on that day.
    """
    rule = lookup(RANKING, on=on, place=place, allow=allow)
    law = water_law(on, water_body, place=place, allow=allow)
    halves = rule.table("below_detection")
    place_of = class_number(rule.row("sum", "cwqi")["class"]) - 1
    found: dict[str, tuple[Fraction, Fraction]] = {}
    halved = False
    for item, row in law.items.items():
        if values.get(item) is None:
            continue
        limit = None if row["kind"] == "range" else Fraction(row["classes"][place_of])
        ends, half = _ends(values, item, halves)
        form = _form(rule, item)
        halved |= half
        if form["form"] == "inverse" and 0 in ends and len(set(ends)) > 1:
            continue
        indices = [item_index(form, end, limit) for end in ends]
        found[item] = (min(indices), max(indices))
    return _index(rule, found, tuple(law.items), halves[0].status if halved else rule.row("sum", "cwqi").status)


def _form(rule: Standard, item: str) -> Row:
    rows = {row.item: row for row in rule.table("item_index")}
    return rows.get(item, rows["default"])


def _ends(values: Mapping[str, Any], item: str, halves: tuple[Row, ...]) -> tuple[tuple[Fraction, ...], bool]:
    value, low = Fraction(exact(float(values[item]))), values.get(f"{item}{LOW}")
    if low is None or Fraction(exact(float(low))) == value:
        return (value,), False
    if halves:
        return (value * Fraction(halves[0]["share"]),), True
    return (Fraction(exact(float(low))), value), False


def _index(
    rule: Standard, found: Mapping[str, tuple[Fraction, Fraction]], names: tuple[str, ...], status: Status
) -> CityIndex:
    missing = tuple(item for item in names if item not in found)
    low = sum((ends[0] for ends in found.values()), Fraction(0)) if not missing else None
    high = sum((ends[1] for ends in found.values()), Fraction(0)) if not missing else None
    sure = low is not None and low == high
    return CityIndex(
        value=low if sure else None,
        low=low,
        high=high,
        items={item: ends[1] for item, ends in found.items()},
        not_assessed=missing,
        edition=rule.number,
        clause=rule.clause,
        status=least_sure(rule.status, status),
        reason="" if sure else "items_missing" if missing else "water_bounds_open",
    )


def city_index(sections: pl.DataFrame, *, on: date, place: str = "", allow: frozenset[str] = NOTHING) -> dict[str, Any]:
    """Return the value of a city: rivers and lakes by the means of their sections, weighed by the number of sections.

    Parameters
    ----------
    sections : DataFrame
        One row a section with ``water_body`` and the means of the period by item.
    on : date
    place : str
    allow : frozenset of str
        The weighing is recalled: without ``cwqi_2017#city`` there is no value.

    Returns
    -------
    dict
        ``cwqi rivers lakes river_sections lake_sections edition clause status reason``; the indices are `Fraction`.
    """
    rule = lookup(RANKING, on=on, place=place, allow=allow)
    rows = rule.table("city")
    told: dict[str, Any] = {
        "edition": rule.number,
        "clause": rule.clause,
        "status": rows[0].status if rows else "unconfirmed",
    }
    indices: dict[WaterBody, Fraction | None] = {}
    counts: dict[WaterBody, int] = {}
    bodies: tuple[WaterBody, ...] = ("river", "lake")
    for body in bodies:
        part = sections.filter(pl.col("water_body") == body)
        counts[body] = part.height
        if part.height:
            mean = _mean_of(part, list(water_law(on, body, place=place, allow=allow).items))
            indices[body] = cwqi_cn(mean, on=on, water_body=body, place=place, allow=allow).value
    told |= {"rivers": indices.get("river"), "lakes": indices.get("lake")}
    told |= {"river_sections": counts["river"], "lake_sections": counts["lake"]}
    if not rows:
        return told | {"cwqi": None, "reason": "water_held_back"}
    if not indices or None in indices.values():
        return told | {"cwqi": None, "reason": "items_missing"}
    total = sum((index * counts[body] for body, index in indices.items() if index is not None), Fraction(0))
    return told | {"cwqi": total / sum(counts.values()), "reason": ""}


def _mean_of(part: pl.DataFrame, items: list[str]) -> dict[str, Any]:
    """Exact means of the sections that have the item; both ends where some are below detection."""
    found: dict[str, Any] = {}
    for name in (name for item in items for name in (item, f"{item}{LOW}") if name in part.columns):
        given = [Fraction(exact(float(value))) for value in part[name].drop_nulls()]
        found[name] = float(sum(given, Fraction(0)) / len(given)) if given else None
    return found


def cwqi_change(
    now: Fraction, before: Fraction, *, on: date, place: str = "", allow: frozenset[str] = NOTHING
) -> Fraction:
    """Return the change against an earlier period, negative where water has become better. [%]

    Raises
    ------
    NotCovered
        Unless ``cwqi_2017#change`` is switched on: the formula is recalled.
    InputError
        If the earlier index is not positive.
    """
    rule = lookup(RANKING, on=on, place=place, allow=allow)
    if not rule.table("change"):
        raise NotCovered(f"the change of {rule.number} is recalled only; a city may switch it on as 'cwqi_2017#change'")
    if before <= 0:
        raise InputError(f"an index of {before} has no change; it must be above 0")
    return (now - before) / before * 100


def rank_improvement(
    table: pl.DataFrame, *, on: date, place: str = "", allow: frozenset[str] = NOTHING
) -> pl.DataFrame:
    """Add ``rank``: 1 is the largest improvement (the smallest change), equal changes share a rank.

    Parameters
    ----------
    table : DataFrame
        ``change`` [%] as `cwqi_change` gives it, and ``class_number``. What already meets class II is left out, and so
        is what has no change: their rank is null.
    on : date
    place : str
    allow : frozenset of str

    Raises
    ------
    InputError
        If a column is absent.
    """
    absent = [name for name in ("change", "class_number") if name not in table.columns]
    if absent:
        raise InputError(f"no column {', '.join(absent)} to rank by; there are: {', '.join(table.columns)}")
    rule = lookup(RANKING, on=on, place=place, allow=allow).row("ranking", "change_sign")
    good = pl.col("class_number") <= class_number(rule["left_out"])
    counted = pl.when(~good.fill_null(False)).then(pl.col("change"))
    return table.with_columns(counted.rank("min").cast(pl.Int32).alias("rank"))


@dataclass(frozen=True, slots=True)
class TrophicState:
    """Trophic state of a lake or reservoir.

    Attributes
    ----------
    value : float or None
        Weighed sum of the five, None unless all are there.
    items : dict of str to float
        Index of each item.
    weights : dict of str to Fraction
        r squared by the sum of all r squared.
    grade : str
        ``oligotrophic`` ..., empty unless the city switched the grades on.
    not_assessed : tuple of str
    edition, clause : str
    status : Status
    reason : str
    """

    value: float | None
    items: Mapping[str, float]
    weights: Mapping[str, Fraction]
    grade: str
    not_assessed: tuple[str, ...]
    edition: str
    clause: str
    status: Status
    reason: str


def tli(
    values: Mapping[str, float | None], *, on: date, place: str = "", allow: frozenset[str] = NOTHING
) -> TrophicState:
    """Return the comprehensive trophic level index: the weighed sum of 10 (a + b ln x).

    Parameters
    ----------
    values : mapping of str to float or None
        ``chla`` [mg/m3], ``tp tn codmn`` [mg/L], ``transparency`` [cm]. Phosphorus is in mg/L: 0.05 gives 45.7; in ug/L
        it would give 157.9, a known mistake of others.
    on : date
    place : str
    allow : frozenset of str
        ``mep_2011_22#tli_grades`` switches the grades on; one of their limits is recalled.

    Raises
    ------
    InputError
        If a value is not above zero: it has no logarithm.
    NotCovered
        If no rule is in force on that day.
    """
    rule = lookup(RULE, on=on, place=place, allow=allow)
    rows = {row.item: row for row in rule.table("tli")}
    squares = {item: Fraction(row["r"]) ** 2 for item, row in rows.items()}
    weights = {item: square / sum(squares.values()) for item, square in squares.items()}
    found = {item: _level(row, value) for item, row in rows.items() if (value := values.get(item)) is not None}
    missing = tuple(item for item in rows if item not in found)
    value = None if missing else sum(float(weights[item]) * index for item, index in found.items())
    grades = rule.table("tli_grades")
    grade = next((row.item for row in grades if value is not None and _in_grade(row, value)), "")
    used = [row.status for row in rows.values()] + ([grades[0].status] if grade else [])
    return TrophicState(
        value=value,
        items=found,
        weights=weights,
        grade=grade,
        not_assessed=missing,
        edition=rule.number,
        clause=rows["chla"].clause,
        status=least_sure(rule.status, *used),
        reason="items_missing" if missing else "",
    )


def _level(row: Row, value: float) -> float:
    if not value > 0:
        raise InputError(f"{row.item} is {value}: the index needs its logarithm, so it must be above 0")
    measured = value / 100 if row["unit"] == "m" else value
    return 10 * (float(row["a"]) + float(row["b"]) * log(measured))


def _in_grade(row: Row, value: float) -> bool:
    above, at_least = row.fields.get("above"), row.fields.get("from")
    to, below = row.fields.get("to"), row.fields.get("below")
    return (
        (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (to is None or value <= to)
        and (below is None or value < below)
    )
