"""Black and odorous water: light or severe by four indicators (guide of 2015), villages by three (2019, recalled)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from bihuan.assessment.index import least_sure
from bihuan.assessment.judged import REFUSED_SCHEMA, Judged
from bihuan.assessment.water import NOTHING
from bihuan.assessment.water_bulk import LOW
from bihuan.core import InputError, NotCovered, exact
from bihuan.standards import Row, Standard, lookup

METHOD = "black_odorous/1"
CODES = {"urban": "black odorous water", "rural": "black odorous water, rural"}
GRADES = {"urban": ("black_none", "black_light", "black_severe"), "rural": ("black_none", "black_black")}
"""Grades of a sample, the best first."""


def indicator_grade(row: Row, value: Decimal) -> int:
    """Return the grade of one indicator: 0 neither, 1 light (or black in a village), 2 severe.

    Both ends of the printed range of light belong to it.
    """
    if "light" in row.fields:
        low, high = row["light"]
        if row["worse"] == "higher":
            return 2 if value > high else int(value >= low)
        return 2 if value < low else int(value <= high)
    if row["worse"] == "higher":
        return int(value > row["black_above"])
    return int(value < row["black_below"])


def black_odorous(
    values: Mapping[str, float | None],
    *,
    on: date,
    kind: str = "urban",
    place: str = "",
    allow: frozenset[str] = NOTHING,
) -> dict[str, Any]:
    """Grade one sample.

    Parameters
    ----------
    values : mapping of str to float or None
        ``transparency`` [cm], ``do`` [mg/L], ``orp`` [mV], ``nh3n`` [mg/L]; ``<item>_low`` for a value below detection.
    on : date
    kind : {"urban", "rural"}
    place : str
    allow : frozenset of str
        ``urban_black_odorous_2015#combine`` lets the worst indicator decide; without it a sample whose indicators
        differ has bounds only. ``rural_black_odorous_2019`` switches the rural guide on.

    Returns
    -------
    dict
        ``class class_best class_worst worst assessed not_assessed edition clause status method reason``.

    Raises
    ------
    InputError
        If the kind is unknown.
    NotCovered
        If no guide is in force, or the rural one is not switched on.
    """
    if kind not in CODES:
        raise InputError(f"kind {kind!r} of black-odorous water is not known; give {', '.join(CODES)}")
    law = lookup(CODES[kind], on=on, place=place, allow=allow)
    return _graded(law, values, GRADES[kind])


def _graded(law: Standard, values: Mapping[str, float | None], names: tuple[str, ...]) -> dict[str, Any]:
    rows = {row.item: row for row in law.table("indicators")}
    found = dict(_bounds(rows, values))
    combine = law.table("combine")
    best = max((low for low, _ in found.values()), default=None)
    worst = max((high for _, high in found.values()), default=None)
    if found and not combine:
        best = min(low for low, _ in found.values())
    sure = best is not None and best == worst
    used = [rows[item].status for item in found] + [row.status for row in combine]
    reason = "no_items" if not found else ""
    if found and not sure:
        reason = "water_bounds_open" if combine else "water_combining_open"
    elif len(found) < len(rows) and found:
        reason = "part_of_the_items"
    return {
        "class": names[best] if sure and best is not None else None,
        "class_best": best,
        "class_worst": worst,
        "worst": ";".join(item for item, (_, high) in found.items() if high == worst and high),
        "assessed": len(found),
        "not_assessed": ";".join(item for item in rows if item not in found),
        "edition": law.number,
        "clause": law.clause,
        "status": least_sure(law.status, *used),
        "method": METHOD,
        "reason": reason,
    }


def _bounds(rows: Mapping[str, Row], values: Mapping[str, float | None]) -> Iterator[tuple[str, tuple[int, int]]]:
    for item, row in rows.items():
        value = values.get(item)
        if value is None:
            continue
        low = values.get(f"{item}{LOW}")
        ends = [indicator_grade(row, exact(float(one))) for one in (value, value if low is None else low)]
        yield item, (min(ends), max(ends))


def judge_black_odorous(samples: pl.DataFrame, *, place: str = "", allow: frozenset[str] = NOTHING) -> Judged:
    """Judge samples of urban or rural water, as `judge_water` reads them."""
    verdicts, refused = [], []
    for row in samples.iter_rows(named=True):
        try:
            found = black_odorous(row, on=row["day"], kind=row["water_body"], place=place, allow=allow)
        except NotCovered:
            refused.append(
                {"row": row["row"], "column": "start", "value": str(row["day"]), "reason": "water_no_edition"}
            )
            continue
        verdicts.append(row | found)
    frame = pl.DataFrame(verdicts, infer_schema_length=None) if verdicts else pl.DataFrame()
    return Judged(frame, pl.DataFrame(refused, schema=REFUSED_SCHEMA))
