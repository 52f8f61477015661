"""How far the risk model gives back the screening values of GB 36600: the test that holds the model up.

The one place where a legal limit and a recomputed value stand side by side, each under its own name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Context, Decimal
from typing import Any, Literal, get_args

import numpy as np
import polars as pl

from bihuan.assessment.soil_model import CODE, LAND_CLASSES, SoilModel
from bihuan.assessment.soil_risk import Recomputed, recompute
from bihuan.core import exact, pollutant, text
from bihuan.standards import editions, lookup

LIMITS = "GB 36600"

Agreement = Literal["reproduced", "near", "one_class", "not"]
"""Both classes of land, both within 20 %, one class only, or less than that."""

AGREEMENTS: tuple[Agreement, ...] = get_args(Agreement)

_SAME, _NEAR = Decimal("0.05"), Decimal("0.2")
"""Within 5 %, or equal when rounded to the digits that are printed, is the same; within 20 % is near."""


def reproduction(model: SoilModel, on: date | None = None) -> pl.DataFrame:
    """Compare the model with every screening value of GB 36600.

    Parameters
    ----------
    model : SoilModel
    on : date or None
        Day whose edition of GB 36600 is taken; the newest when left out.

    Returns
    -------
    DataFrame
        One row an item, in the order of the standard: ``item gb_36600_class_1 recomputed_class_1 driver_class_1`` and
        the same of class 2, ``agreement`` of both, and ``reason``, why the published value is another, as far as it is
        known (``background blood_lead mixture unknown``, empty where the model agrees). Null where the model holds no
        toxicity: such an item is not reproduced.
    """
    law = lookup(LIMITS, on=on or editions(LIMITS)[-1].effective_from)
    found = {land: recompute(model, land) for land in LAND_CLASSES}
    reasons = _reasons()
    rows: list[dict[str, Any]] = []
    for row in law.table("limits"):
        line: dict[str, Any] = {"item": row.item}
        same = []
        for land, limit in zip(LAND_CLASSES, row["screening"], strict=True):
            value, driver = _of(found[land], row.item)
            line |= {f"gb_36600_{land}": float(limit), f"recomputed_{land}": value, f"driver_{land}": driver}
            same.append(_closeness(value, Decimal(limit)))
        agreement = _agreement(same)
        told = agreement in ("not", "one_class")
        rows.append(line | {"agreement": agreement, "reason": reasons.get(row.item, "unknown") if told else ""})
    return pl.DataFrame(rows, infer_schema_length=None)


def reproduction_page(model: SoilModel) -> str:
    """Return the comparison as a page, in Chinese with English beside it; a test holds ``docs`` equal to it."""

    def both(key: str) -> str:
        return f"{text(f'law_soil.{key}')} / {text(f'law_soil.{key}', 'en')}"

    found = reproduction(model)
    heads = ["page_item", "page_limit_1", "page_recomputed_1", "page_limit_2", "page_recomputed_2"]
    heads += ["page_driver", "page_agreement", "page_reason"]
    lines = [f"# {both('page_title')}", "", text("law_soil.page_words"), "", text("law_soil.page_words", "en"), ""]
    counts = ", ".join(f"{both(f'page_{kind}')}: {(found['agreement'] == kind).sum()}" for kind in AGREEMENTS)
    lines += [counts, "", "| " + " | ".join(both(head) for head in heads) + " |", "|---" * len(heads) + "|"]
    for row in found.iter_rows(named=True):
        about = pollutant(row["item"])
        drivers = dict.fromkeys(row[f"driver_{land}"] for land in LAND_CLASSES if row[f"driver_{land}"])
        cells = [f"{about.zh} {about.en}"]
        for land in LAND_CLASSES:
            cells += [_said(row[f"gb_36600_{land}"]), _said(row[f"recomputed_{land}"])]
        cells += [", ".join(both(driver) for driver in drivers), both(f"page_{row['agreement']}")]
        cells += [both(row["reason"]) if row["reason"] else ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _said(value: float | None) -> str:
    """Four significant digits without an exponent."""
    return "-" if value is None else format(Context(prec=4).create_decimal(exact(value)).normalize(), "f")


def _reasons() -> dict[str, str]:
    law = lookup(CODE, on=editions(CODE)[-1].effective_from, allow_unconfirmed=True)
    return {row.item: str(row["reason"]) for row in law.table("differs")}


def _of(found: Recomputed, item: str) -> tuple[float | None, str]:
    if item not in found.items:
        return None, ""
    place = found.items.index(item)
    value = float(found.value[place])
    return (value, found.driver[place]) if np.isfinite(value) else (None, "")


def _closeness(value: float | None, limit: Decimal) -> int:
    """Return 2 for the same, 1 for near, 0 for neither."""
    if value is None:
        return 0
    off = abs(exact(value) / limit - 1)
    return 2 if off <= _SAME or _printed(value, limit) == limit else 1 if off <= _NEAR else 0


def _printed(value: float, limit: Decimal) -> Decimal:
    """Round to as many significant digits as the limit is printed with, its closing zeros not counted."""
    digits = len(limit.normalize().as_tuple().digits)
    return Context(prec=digits).create_decimal(exact(value))


def _agreement(same: list[int]) -> Agreement:
    def kinds() -> Iterator[tuple[Agreement, bool]]:
        yield "reproduced", min(same) == 2
        yield "near", min(same) >= 1
        yield "one_class", max(same) == 2

    return next((kind for kind, holds in kinds() if holds), "not")
