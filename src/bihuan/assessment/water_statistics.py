"""Means of sections over months, quarters and years; what a river, a basin or a city is made of (环办〔2011〕22号)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Literal
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.index import least_sure
from bihuan.assessment.water import CLASSES, NOTHING, RULE, class_number
from bihuan.assessment.water_bulk import LOW, NANO
from bihuan.assessment.water_names import accepted, items
from bihuan.core import CHINA, InputError
from bihuan.standards import Standard, lookup

WaterPeriod = Literal["sample", "month", "quarter", "year"]
_EVERY = {"month": "1mo", "quarter": "1q", "year": "1y"}


def water_means(
    samples: pl.DataFrame, period: WaterPeriod, *, zone: ZoneInfo = CHINA, share: Fraction | None = None
) -> pl.DataFrame:
    """Return the arithmetic mean of every item of every section and period.

    Parameters
    ----------
    samples : DataFrame
        ``row site start water_body`` and items, as `judge_water` reads them.
    period : {"month", "quarter", "year"}
        In local time.
    zone : ZoneInfo
    share : Fraction or None
        Share of the detection limit that a value below it counts with. Without it the mean has bounds: with 0 and
        with the whole limit for each such value.

    Returns
    -------
    DataFrame
        ``row`` (the first of several) ``site start end day water_body samples below halved``, the means, and their
        lower ends in ``<item>_low`` where values were below detection; ``below`` is ``tp 3/12`` for 3 values of 12.

    Raises
    ------
    InputError
        If the period is unknown.

    Notes
    -----
    Sums are made of whole numbers of 1e-9 and divided once, so that a mean that equals a limit does so exactly.
    """
    if period not in _EVERY:
        raise InputError(f"period {period!r} has no means; give {', '.join(_EVERY)}")
    codes = [code for code in accepted()["items"] if code in samples.columns]
    local = pl.col("start").dt.convert_time_zone(zone.key).dt.truncate(_EVERY[period])
    keyed = samples.filter(pl.col("start").is_not_null()).with_columns(local.alias("_from"))
    found = keyed.group_by("site", "water_body", "_from", maintain_order=True).agg(
        pl.col("row").min(), pl.len().alias("samples"), *_means(keyed, codes, share)
    )
    below = [f"_below_{code}" for code in codes if f"{code}{LOW}" in samples.columns]
    halved = pl.any_horizontal(pl.col(below) != "") if below and share is not None else pl.lit(False)
    utc = {"start": pl.col("_from"), "end": pl.col("_from").dt.offset_by(_EVERY[period])}
    return found.with_columns(
        *(edge.dt.convert_time_zone("UTC").dt.cast_time_unit("us").alias(name) for name, edge in utc.items()),
        pl.col("_from").dt.date().alias("day"),
        _joined(below).alias("below"),
        halved.alias("halved"),
    ).drop("_from", *below)


def _means(keyed: pl.DataFrame, codes: Sequence[str], share: Fraction | None) -> list[pl.Expr]:
    made: list[pl.Expr] = []
    for code in codes:
        value = pl.col(code)
        if f"{code}{LOW}" not in keyed.columns:
            made.append(_mean(value, code).alias(code))
            continue
        low, under = pl.col(f"{code}{LOW}"), pl.col(f"{code}{LOW}") != value
        count = pl.when(under.sum() > 0).then(pl.format(f"{code} {{}}/{{}}", under.sum(), value.count()))
        made.append(count.otherwise(pl.lit("")).alias(f"_below_{code}"))
        if share is None:
            made += [_mean(value, code).alias(code), _mean(low, code).alias(f"{code}{LOW}")]
        else:
            part = value * share.numerator / share.denominator
            made.append(_mean(pl.when(under).then(part).otherwise(value), code).alias(code))
    return made


def _mean(values: pl.Expr, code: str) -> pl.Expr:
    if items()[code].unit == "1/L":
        return values.mean()
    total = (values * NANO).round().cast(pl.Int128).sum().cast(pl.Float64)
    mean = total / (values.count() * NANO).cast(pl.Float64)
    return pl.when(values.count() > 0).then(mean)


def _joined(columns: Sequence[str]) -> pl.Expr:
    if not columns:
        return pl.lit("")
    parts = pl.concat_list([pl.col(name) for name in columns])
    return parts.list.eval(pl.element().filter(pl.element() != "")).list.join(";")


def class_shares(
    verdicts: pl.DataFrame,
    by: Sequence[str] = ("start", "end"),
    *,
    on: date,
    place: str = "",
    allow: frozenset[str] = NOTHING,
) -> pl.DataFrame:
    """Return how many sections of a river, basin or city have each class, and the shares that are published.

    Parameters
    ----------
    verdicts : DataFrame
        As `judge_water` gives it, one row a section and period, with any columns to group by (``river``, ``basin``).
    by : sequence of str
        Columns of a group.
    on : date
        Day whose rule counts.
    place : str
    allow : frozenset of str
        ``mep_2011_22#river_grades`` switches the grades of rivers on; they are recalled.

    Returns
    -------
    DataFrame
        `by`, ``sections`` (with a class: the denominator), ``without_class``, one count a class, ``good bad`` (counts
        of classes I to III and 劣Ⅴ), ``good_share bad_share`` [%, one decimal, null without sections], ``grade``
        (null unless switched on and five sections or more), ``edition clause status reason``.

    Raises
    ------
    InputError
        If a column to group by is absent.
    """
    absent = [name for name in by if name not in verdicts.columns]
    if absent:
        raise InputError(f"no column {', '.join(absent)} to group by; there are: {', '.join(verdicts.columns)}")
    rule = lookup(RULE, on=on, place=place, allow=allow)
    counts = [(pl.col("class") == label).sum().alias(label) for label in CLASSES]
    told = pl.col("class").is_not_null()
    grouped = verdicts.group_by(list(by), maintain_order=True).agg(
        told.sum().alias("sections"), (~told).sum().alias("without_class"), *counts
    )
    rows = [row | _shares(row, rule) for row in grouped.iter_rows(named=True)]
    schema: dict[str, Any] = dict(grouped.schema) | {"good": pl.Int64, "bad": pl.Int64, "good_share": pl.Float64}
    schema |= {"bad_share": pl.Float64} | dict.fromkeys(("grade", "edition", "clause", "status", "reason"), pl.String)
    return pl.DataFrame(rows, schema=schema)


def _shares(row: dict[str, Any], rule: Standard) -> dict[str, Any]:
    named = {one.item: one for one in rule.table("shares")}
    counted = {item: sum(row[label] for label in one["classes"]) for item, one in named.items()}
    sections = row["sections"]
    exact_shares = {item: Fraction(100 * count, sections) for item, count in counted.items()} if sections else {}
    grades = rule.table("river_grades")
    grade, reason = None, "" if sections else "no_items"
    if grades and sections:
        fits = [one for one in grades if sections >= one["at_least_sections"] and _fits(one.fields, exact_shares)]
        grade = fits[0].item if fits else None
        reason = "" if fits else "water_no_river_grade"
    status = least_sure(*(one.status for one in named.values()), *([grades[0].status] if grade else []))
    shares = {f"{item}_share": float(round(share, 1)) for item, share in exact_shares.items()}
    return {
        **counted,
        "good_share": None,
        "bad_share": None,
        **shares,
        "grade": grade,
        "edition": rule.number,
        "clause": named["good"].clause,
        "status": status,
        "reason": reason,
    }


def _fits(row: Any, shares: dict[str, Fraction]) -> bool:
    for name, share in shares.items():
        at_least, below = row.get(f"{name}_from"), row.get(f"{name}_below")
        if (at_least is not None and share < at_least) or (below is not None and share >= below):
            return False
    return True


def share_meeting(verdicts: pl.DataFrame, targets: dict[str, str]) -> tuple[int, int]:
    """Return how many sections meet the class they must reach, and of how many that can be told.

    Parameters
    ----------
    verdicts : DataFrame
        One row a section.
    targets : dict of str to str
        Class label by site; sections without one do not count.
    """
    held = [
        class_number(label) <= class_number(targets[site])
        for site, label in verdicts.select("site", "class").iter_rows()
        if label is not None and targets.get(site)
    ]
    return sum(held), len(held)
