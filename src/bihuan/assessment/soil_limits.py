"""The limits of GB 36600 and GB 15618 as one table to join with: a row an edition, use of land, item and pH bin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import Any

import polars as pl

from bihuan.assessment.index import least_sure
from bihuan.core import NotCovered, Status
from bihuan.standards import Row, Standard, lookup

LAND_CODES = {
    "class_1": "GB 36600",
    "class_2": "GB 36600",
    "paddy": "GB 15618",
    "other": "GB 15618",
    "orchard": "GB 15618",
    "rotation": "GB 15618",
}
"""Which standard judges which use of land."""

ANY_PH = -1
"""Bin of a limit that holds at every pH."""

FALLBACK = {"paddy": ("paddy", "other", "any"), "orchard": ("orchard", "other", "any"), "other": ("other", "any")}
"""Whose limit a use of farmland has: its own, that of all other farmland, or the one for all."""

SCHEMA = pl.Schema(
    {
        "law": pl.Int64,
        "land_use": pl.String,
        "item": pl.String,
        "ph_bin": pl.Int64,
        "screening": pl.Float64,
        "control": pl.Float64,
        "clause": pl.String,
        "status": pl.String,
        "may_be_background": pl.Boolean,
        "undecided": pl.Boolean,
    }
)


def covered(code: str, on: date, place: str, allow: frozenset[str]) -> Standard | None:
    """Return the edition in force, None when there is none."""
    try:
        return lookup(code, on=on, place=place, allow=allow)
    except NotCovered:
        return None


@lru_cache(maxsize=64)
def limit_rows(law: Standard, number: int) -> pl.DataFrame:
    """Return the limits of an edition under a number that stands for it in a join.

    `undecided` marks an item of rotated land whose limit hangs on a rule that is not switched on.
    """
    rows = _construction(law) if law.code == "GB 36600" else _farmland(law)
    return pl.DataFrame([{"law": number, "undecided": False, **row} for row in rows], schema=SCHEMA)


@lru_cache(maxsize=64)
def ph_edges(law: Standard) -> tuple[float, ...]:
    """Return the upper edges of the bins of pH, each in the bin below it; empty where pH does not matter."""
    return tuple(float(edge) for row in law.table("ph_bins") for edge in row["edges"])


def next_step(law: Standard, label: str) -> Row | None:
    """Return what the standard says must come next, None when it holds nothing of it."""
    return next((row for row in law.table("next_step") if row.item == label), None)


def _construction(law: Standard) -> Iterator[dict[str, Any]]:
    for row in law.table("limits"):
        for place, land in enumerate(("class_1", "class_2")):
            yield {
                "land_use": land,
                "item": row.item,
                "ph_bin": ANY_PH,
                "screening": float(row["screening"][place]),
                "control": float(row["control"][place]),
                "clause": row.clause,
                "status": row.status,
                "may_be_background": land in row.fields.get("background", ()),
            }


def _farmland(law: Standard) -> Iterator[dict[str, Any]]:
    controls = {row.item: row for row in law.table("control")}
    rules = law.table("rotation")
    for item in dict.fromkeys(row.item for row in law.table("screening")):
        held = {str(row["land_use"]): row for row in law.table("screening") if row.item == item}
        for land, order in FALLBACK.items():
            own = next((held[name] for name in order if name in held), None)
            if own is not None:
                yield from _bins(land, [own], controls.get(item))
        either = [held[name] for name in ("paddy", "other") if name in held] or [held["any"]]
        for line in _bins("rotation", either, controls.get(item), rules):
            yield line | {"undecided": len(either) > 1 and not rules}


def _bins(land: str, rows: list[Row], control: Row | None, rules: Iterable[Row] = ()) -> Iterator[dict[str, Any]]:
    """One line a bin: the least of the screening values, and the control value that stands beside it."""
    bins = len(rows[0]["limits"])
    used: list[Status] = [row.status for row in (*rows, *([control] if control else []))]
    if len(rows) > 1:
        used += [rule.status for rule in rules]
    clauses = dict.fromkeys([*(row.clause for row in rows), *([control.clause] if control else [])])
    for place in range(bins):
        yield {
            "land_use": land,
            "item": rows[0].item,
            "ph_bin": place if bins > 1 else ANY_PH,
            "screening": min(float(row["limits"][place]) for row in rows),
            "control": float(control["limits"][place]) if control else None,
            "clause": "; ".join(clauses),
            "status": least_sure(*used),
            "may_be_background": False,
        }
