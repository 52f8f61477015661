"""Samples of soil from a file, judged in bulk by GB 36600 and GB 15618, each under the edition of its day.

A limit comes from the tables of law only. What the risk model recomputes (`soil_risk`) is of another kind and never
enters here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.index import least_sure
from bihuan.assessment.judged import Judged
from bihuan.assessment.soil_limits import ANY_PH, LAND_CODES, SCHEMA, covered, limit_rows, next_step, ph_edges
from bihuan.assessment.soil_samples import Refusals, soil_samples
from bihuan.core import CHINA, InputError, Status, exact, round_half_even
from bihuan.standards import Standard, lookup

METHOD = "single_item/1"
UNIT = "mg/kg"
SITE = ("site", "date", "land_use")
"""What a verdict on a site is about."""

DECIMALS = 2
"""Places of an exceedance multiple; below 0.01 as many significant digits, so that nothing above a limit reads 0.00."""

SOIL_LABELS = ("below_screening", "within_background", "above_screening", "between", "above_control")
"""From best to worst: not above screening; above it but not above the region's background; above screening where no
control value is set; above screening and not above control; above control."""

SEVERITY = {"below_screening": 0, "within_background": 1, "above_screening": 2, "between": 2, "above_control": 3}

SOIL_COLUMNS = pl.Schema(
    {
        "row": pl.Int64,
        "subject": pl.String,
        "site": pl.String,
        "date": pl.Date,
        "land_use": pl.String,
        "ph": pl.Float64,
        "item": pl.String,
        "value": pl.Float64,
        "below": pl.Boolean,
        "unit": pl.String,
        "screening": pl.Float64,
        "control": pl.Float64,
        "label": pl.String,
        "over_screening": pl.Float64,
        "over_control": pl.Float64,
        "background": pl.Float64,
        "worst": pl.String,
        "next_step": pl.String,
        "not_judged": pl.Int64,
        "edition": pl.String,
        "clause": pl.String,
        "status": pl.String,
        "method": pl.String,
        "reason": pl.String,
    }
)
"""Columns of the verdicts: `subject` is ``site`` or ``item``; `below` says that `value` is a detection limit;
`over_screening` and `over_control` are multiples (value / limit - 1) of what exceeds, of a site the largest; `worst`
are the items that decide it, `not_judged` its values that could not be; `next_step` is a key of ``law_soil``."""


def judge_soil(
    table: pl.DataFrame,
    *,
    on: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
    zone: ZoneInfo = CHINA,
    land_use: str = "",
) -> Judged:
    """Judge a table of soil samples: land for construction by GB 36600, farmland by GB 15618.

    Parameters
    ----------
    table : DataFrame
        ``site date land_use [ph]`` and either a column an item or ``item value [unit detection_limit background]``;
        `soil_columns.toml` lists every name. Values [mg/kg dry weight]; ``<0.5``, ``0.5L`` and ``ND`` are below a
        detection limit.
    on : date or None
        Judge every row by the law of this day; left out, by that of its own.
    place : str
        Administrative code.
    allow : frozenset of str
        Rows that a city has switched on: ``gb_15618_2018#rotation`` for rotated land.
    zone : ZoneInfo
        Of the day of stamps with an offset.
    land_use : str
        Of rows that name none: ``class_1 class_2 paddy other orchard rotation``.

    Returns
    -------
    Judged
        `SOIL_COLUMNS`: first one row a site, day and use of land (its worst item decides), then one an item. `label`
        is null where the law cannot tell: below a detection limit that is above the screening value.

    Raises
    ------
    InputError
        If whole columns are absent, doubled or in another unit, or `land_use` is none.
    NotCovered
        If no edition is in force on `on`.
    """
    if land_use and land_use not in LAND_CODES:
        raise InputError(f"land use {land_use!r} is none of {', '.join(LAND_CODES)}")
    if on is not None:
        for code in dict.fromkeys(LAND_CODES.values()):
            lookup(code, on=on, place=place, allow=allow)
    refusals = Refusals()
    samples, given = soil_samples(table, refusals, zone=zone, land_use=land_use)
    placed, laws = _under_law(samples, refusals, on, place, allow)
    items = _labelled(_with_limits(placed, laws, refusals), laws)
    sites = _sites(items, laws, _lost(given, items, laws))
    verdicts = pl.concat([sites, items.select(SOIL_COLUMNS.names()).cast(SOIL_COLUMNS)])
    return Judged(verdicts, refusals.table())


def _under_law(
    samples: pl.DataFrame, refusals: Refusals, on: date | None, place: str, allow: frozenset[str]
) -> tuple[pl.DataFrame, tuple[Standard, ...]]:
    """Number the edition in force for each sample; samples without a day or an edition are refused."""
    day = pl.lit(on, pl.Date) if on is not None else pl.col("date")
    samples = samples.with_columns(day=day, code=pl.col("land_use").replace_strict(LAND_CODES, return_dtype=pl.String))
    laws: list[Standard] = []
    numbers: list[int | None] = []
    days = samples.select("code", "day").unique(maintain_order=True)
    for code, when in days.iter_rows():
        law = None if when is None else covered(code, when, place, allow)
        numbers.append(None if law is None else _number(law, laws))
    numbered = days.with_columns(law=pl.Series(numbers, dtype=pl.Int64))
    placed = samples.join(numbered, on=("code", "day"), how="left", nulls_equal=True, maintain_order="left")
    missing = pl.col("day").is_null()
    refusals.add(placed.filter(missing).select("row", value=pl.lit("")), "date", "soil_date_missing")
    outside = placed.filter(~missing & pl.col("law").is_null())
    refusals.add(outside.select("row", value=pl.col("day").cast(pl.String)), "date", "soil_outside_editions")
    return placed.filter(pl.col("law").is_not_null()), tuple(laws)


def _number(law: Standard, laws: list[Standard]) -> int:
    """Return the place of an edition with these rows among those met, adding it: many days share one."""
    for number, held in enumerate(laws):
        if held.id == law.id and held.rows == law.rows:
            return number
    laws.append(law)
    return len(laws) - 1


def _with_limits(placed: pl.DataFrame, laws: tuple[Standard, ...], refusals: Refusals) -> pl.DataFrame:
    """Join each value with its limits; what has none, needs a pH or hangs on a rule that is off is refused."""
    limits = pl.concat([pl.DataFrame(schema=SCHEMA), *(limit_rows(law, number) for number, law in enumerate(laws))])
    needs = limits.group_by("law", "land_use", "item").agg(needs_ph=(pl.col("ph_bin") != ANY_PH).any())
    known = placed.join(needs, on=("law", "land_use", "item"), how="left", maintain_order="left")
    edges = {number: ph_edges(law) for number, law in enumerate(laws)}
    parts = [known.filter(law=number).with_columns(ph_bin=_bin(own)) for number, own in edges.items()]
    known = pl.concat(parts).sort("row", maintain_order=True) if parts else known.with_columns(ph_bin=pl.lit(0))
    no_limit = pl.col("needs_ph").is_null()
    needed = pl.col("needs_ph").fill_null(False)
    possible = pl.col("ph").is_between(0, 14)
    tests: Iterable[tuple[pl.Expr, pl.Expr, str]] = (
        (no_limit, pl.col("value"), "soil_no_limit"),
        (needed & pl.col("ph_given").is_null(), pl.lit(""), "soil_ph_missing"),
        (needed & ~possible.fill_null(False), pl.col("ph_given"), "soil_ph_impossible"),
    )
    for where, value, reason in tests:
        column = pl.lit("ph") if "ph" in reason else pl.col("column")
        refusals.add(known.filter(where).with_columns(value=value.cast(pl.String)), column, reason)
        known = known.filter(~where)
    known = known.with_columns(ph_bin=pl.when("needs_ph").then("ph_bin").otherwise(ANY_PH))
    joined = known.join(limits, on=("law", "land_use", "item", "ph_bin"), how="left", maintain_order="left")
    refusals.add(joined.filter("undecided"), pl.col("column"), "soil_rotation")
    return joined.filter(~pl.col("undecided"))


def _bin(edges: tuple[float, ...]) -> pl.Expr:
    """Number of the bin of pH: an edge belongs to the bin below it."""
    above = [(pl.col("ph") > edge).cast(pl.Int64) for edge in edges]
    return pl.sum_horizontal(above) if above else pl.lit(ANY_PH, pl.Int64)


def _labelled(joined: pl.DataFrame, laws: tuple[Standard, ...]) -> pl.DataFrame:
    """Compare. Doubles of decimals of at most 15 digits are ordered as the decimals are, so this is exact."""
    over = pl.col("value") > pl.col("screening")
    over_control = (pl.col("value") > pl.col("control")).fill_null(False)
    measured = ~pl.col("below")
    numbers = {number: law.number for number, law in enumerate(laws)}
    return joined.with_columns(
        subject=pl.lit("item"),
        unit=pl.lit(UNIT),
        label=_label(over, over_control),
        reason=_reason(over),
        over_screening=_multiples(joined, over & measured, "screening"),
        over_control=_multiples(joined, over_control & measured, "control"),
        ph=pl.when("needs_ph").then("ph"),
        worst=pl.lit(""),
        next_step=pl.lit(""),
        not_judged=pl.lit(None, pl.Int64),
        edition=pl.col("law").replace_strict(numbers, default="", return_dtype=pl.String),
        method=pl.lit(METHOD),
    )


def _label(over: pl.Expr, over_control: pl.Expr) -> pl.Expr:
    """One of `SOIL_LABELS`; null where only a detection limit is known and it is above the screening value."""
    natural = pl.col("may_be_background") & (pl.col("value") <= pl.col("background")).fill_null(False)
    return (
        pl.when(over & pl.col("below"))
        .then(None)
        .when(over_control)
        .then(pl.lit("above_control"))
        .when(over & natural)
        .then(pl.lit("within_background"))
        .when(over & pl.col("control").is_null())
        .then(pl.lit("above_screening"))
        .when(over)
        .then(pl.lit("between"))
        .otherwise(pl.lit("below_screening"))
    )


def _reason(over: pl.Expr) -> pl.Expr:
    return (
        pl.when(over & pl.col("below"))
        .then(pl.lit("soil_detection_limit_high"))
        .when("below")
        .then(pl.lit("soil_below_detection"))
        .when(over & pl.col("may_be_background") & pl.col("background").is_null())
        .then(pl.lit("soil_background_unknown"))
        .otherwise(pl.lit(""))
    )


def _multiples(joined: pl.DataFrame, where: pl.Expr, limit: str) -> pl.Series:
    """Value over limit, less one, of the rows that exceed; worked out in decimals, since few do."""
    chosen = joined.select(row_number=pl.int_range(pl.len()), where=where.fill_null(False), value="value", limit=limit)
    over = chosen.filter("where")
    pairs = zip(over["value"], over["limit"], strict=True)
    found = [float(multiple(exact(value), exact(bound))) for value, bound in pairs]
    places = over.select("row_number", found=pl.Series(found, dtype=pl.Float64))
    return chosen.join(places, on="row_number", how="left", maintain_order="left")["found"]


def multiple(value: Decimal, limit: Decimal) -> Decimal:
    """Return by how many times a value exceeds a limit: value / limit - 1, rounded half to even."""
    over = value / limit - 1
    small = over.copy_abs() < Decimal(1).scaleb(-DECIMALS)
    return round_half_even(over, DECIMALS - 1 - over.adjusted() if small and over else DECIMALS)


def _lost(given: pl.DataFrame, items: pl.DataFrame, laws: tuple[Standard, ...]) -> pl.DataFrame:
    """Count the values of a site that got no verdict although the law may have a limit for them."""
    limited = {
        f"{law.code} {row.item}" for law in laws for table in ("limits", "screening") for row in law.table(table)
    }
    clear = items.filter(pl.col("label").is_not_null())
    code = pl.col("land_use").replace_strict(LAND_CODES, return_dtype=pl.String)
    named = pl.concat_str(code, pl.col("item"), separator=" ")
    lost = given.filter(named.is_null() | named.is_in(list(limited)))
    lost = lost.join(clear, on=("row", "item"), how="anti", nulls_equal=False)
    return lost.group_by(SITE).agg(not_judged=pl.len().cast(pl.Int64))


def _sites(items: pl.DataFrame, laws: tuple[Standard, ...], lost: pl.DataFrame) -> pl.DataFrame:
    """One row a site, day and use of land: its worst item decides, and what could not be judged is counted."""
    ranks = {label: rank for rank, label in enumerate(SOIL_LABELS)}
    ranked = items.with_columns(
        rank=pl.col("label").replace_strict(ranks, default=None, return_dtype=pl.Int64),
        severity=pl.col("label").replace_strict(SEVERITY, default=None, return_dtype=pl.Int64),
    )
    deciding = (pl.col("severity") == pl.col("severity").max()) & (pl.col("severity") > 0)
    grouped = ranked.group_by([*SITE, "law"], maintain_order=True).agg(
        row=pl.col("row").min(),
        rank=pl.col("rank").max(),
        worst=pl.col("item").filter(deciding).unique(maintain_order=True).str.join(";"),
        statuses=pl.col("status").unique(maintain_order=True),
        over_screening=pl.col("over_screening").max(),
        over_control=pl.col("over_control").max(),
    )
    grouped = grouped.join(lost, on=SITE, how="left", nulls_equal=True, maintain_order="left")
    rows = [_site_row(line, laws[line["law"]]) for line in grouped.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=SOIL_COLUMNS)


def _site_row(line: Mapping[str, Any], law: Standard) -> dict[str, Any]:
    label = None if line["rank"] is None else SOIL_LABELS[line["rank"]]
    step = None if label is None else next_step(law, "below_screening" if label == "within_background" else label)
    missing = line["not_judged"] or 0
    if missing and SEVERITY.get(label or "", 0) < SEVERITY["between"]:
        step = None  # what is missing may be worse: nothing can be said of what comes next
    statuses: list[Status] = [*line["statuses"], *([] if step is None else [step.status])]
    kept = ("row", "site", "date", "land_use", "over_screening", "over_control", "worst")
    return {name: line[name] for name in kept} | {
        "subject": "site",
        "item": "",
        "unit": UNIT,
        "label": label,
        "next_step": "" if step is None else str(step["say"]),
        "not_judged": missing,
        "edition": law.number,
        "clause": law.clause if step is None else step.clause,
        "status": least_sure(*statuses),
        "method": METHOD,
        "reason": "soil_some_not_judged" if missing else "",
    }
