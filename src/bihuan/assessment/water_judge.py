"""Samples of water from a file, judged in bulk: sections, black-odorous water and treated sewage, each by its law."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from bihuan.assessment.black_odorous import judge_black_odorous
from bihuan.assessment.discharge import judge_discharge
from bihuan.assessment.index import least_sure
from bihuan.assessment.judged import REFUSED_SCHEMA, Judged
from bihuan.assessment.water import CODE, NOTHING, RULE, WaterLaw, water_law
from bihuan.assessment.water_bulk import LOW, water_classes
from bihuan.assessment.water_names import accepted
from bihuan.assessment.water_statistics import WaterPeriod, water_means
from bihuan.assessment.water_table import read_samples
from bihuan.core import CHINA, InputError, NotCovered
from bihuan.standards import editions, lookup

METHOD = "single_factor/1"
BODIES = ("river", "lake", "urban", "rural", "effluent")
_FIRST = ("row", "site", "start", "end", "water_body", "class", "class_number", "class_best", "class_worst", "worst")
_THEN = ("over", "multiples", "grade", "assessed", "not_assessed", "below", "samples")
_LAST = ("edition", "clause", "status", "method", "reason")


def judge_water(
    table: pl.DataFrame,
    *,
    on: date | None = None,
    place: str = "",
    allow: frozenset[str] = NOTHING,
    zone: ZoneInfo = CHINA,
    water_body: str = "river",
    period: WaterPeriod = "sample",
) -> Judged:
    """Judge a table of water samples.

    Parameters
    ----------
    table : DataFrame
        Long form (``site start item value unit``) or wide form (``site start`` and one column an item, its unit in
        brackets where it is not that of GB 3838). Optional: ``end``, ``water_body`` (river lake urban rural effluent),
        and for effluent ``level`` (1A 1B 2 3) and ``built``. `water_columns.toml` lists every name, also in Chinese.
    on : date or None
        Judge by the law of this day; left out, by that of each sample's own.
    place : str
        Administrative code.
    allow : frozenset of str
        Rows that a city has switched on, as in `bihuan.standards.lookup`: ``mep_2011_22#grades``,
        ``mep_2011_22#below_detection``, ``gb_18918_2002#bracket`` ...
    zone : ZoneInfo
        Of stamps without an offset, and of months and years.
    water_body : str
        Where no column says it.
    period : {"sample", "month", "quarter", "year"}
        What gets a verdict; means are for rivers and lakes only.

    Returns
    -------
    Judged
        ``verdicts``: ``row site start end water_body class class_number class_best class_worst worst over multiples
        grade assessed not_assessed below samples edition clause status method reason`` and the items. ``class`` is of
        `CLASSES` for rivers and lakes, ``black_none black_light black_severe`` (villages: ``black_black``) for
        black-odorous water, ``within suspected_over`` for effluent; null where it cannot be told: see ``reason``.

    Raises
    ------
    InputError
        If whole columns are absent, or an option is unknown; the message lists what is allowed.
    NotCovered
        If no edition is in force on `on`.
    """
    if water_body not in BODIES:
        raise InputError(f"water body {water_body!r} is not known; give one of {', '.join(BODIES)}")
    if on is not None and water_body in ("river", "lake"):
        lookup(CODE, on=on, place=place, allow=allow)
        lookup(RULE, on=on, place=place, allow=allow)
    samples = read_samples(table, zone=zone, water_body=water_body, on=on)
    frame = samples.frame
    surface = frame.filter(pl.col("water_body").is_in(["river", "lake"]))
    parts = [_surface(surface, place, allow, zone, period, on)]
    judges = {"urban": judge_black_odorous, "rural": judge_black_odorous, "effluent": judge_discharge}
    for body, judge in judges.items():
        part = frame.filter(pl.col("water_body") == body)
        if part.height:
            parts.append(judge(part, place=place, allow=allow))
    verdicts = pl.concat([one.verdicts for one in parts], how="diagonal_relaxed").sort("row", maintain_order=True)
    refused = pl.concat([samples.refused, *(one.refused for one in parts)]).sort("row", maintain_order=True)
    return Judged(_ordered(verdicts), refused)


def _ordered(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Columns in one order, whatever was judged."""
    named = [name for name in (*_FIRST, *_THEN, *_LAST) if name in verdicts.columns]
    values = [name for code in accepted()["items"] for name in (code, f"{code}{LOW}") if name in verdicts.columns]
    rest = [name for name in ("level", "built") if name in verdicts.columns]
    words = [pl.col(name).fill_null("") for name in ("worst", "over", "multiples", "below", "not_assessed")]
    return verdicts.select(*named, *rest, *values).with_columns(*words, pl.col("samples").fill_null(1).cast(pl.Int64))


def _surface(
    frame: pl.DataFrame,
    place: str,
    allow: frozenset[str],
    zone: ZoneInfo,
    period: WaterPeriod,
    on: date | None,
) -> Judged:
    """Judge rivers and lakes, each under the law of its day."""
    if period == "sample":
        frame = frame.with_columns(
            pl.lit(1).alias("samples"), _below(frame).alias("below"), pl.lit(False).alias("halved")
        )
    else:
        refused = _refused(frame.filter(pl.col("start").is_null()), "water_no_date")
        made = _means(frame, place, allow, zone, period, on)
        judged = _by_law(made, place, allow)
        return Judged(judged.verdicts, pl.concat([refused, judged.refused]))
    return _by_law(frame, place, allow)


def _means(
    frame: pl.DataFrame, place: str, allow: frozenset[str], zone: ZoneInfo, period: WaterPeriod, on: date | None
) -> pl.DataFrame:
    last = on or frame["day"].max()
    share = None
    if isinstance(last, date):
        try:
            rows = lookup(RULE, on=last, place=place, allow=allow).table("below_detection")
            share = Fraction(rows[0]["share"]) if rows else None
        except NotCovered:
            share = None
    made = water_means(frame, period, zone=zone, share=share)
    return made if on is None else made.with_columns(pl.lit(on).alias("day"))


def _by_law(frame: pl.DataFrame, place: str, allow: frozenset[str]) -> Judged:
    verdicts, refused = [], [pl.DataFrame(schema=REFUSED_SCHEMA)]
    for law, part in _parts(frame, place, allow):
        if law is None:
            refused.append(_refused(part, "water_no_edition"))
        else:
            verdicts.append(_judged(part, law))
    if not verdicts:
        verdicts = [_judged(frame.clear(), water_law(date.max, place=place, allow=allow))]
    return Judged(pl.concat(verdicts, how="diagonal_relaxed"), pl.concat(refused))


def _parts(frame: pl.DataFrame, place: str, allow: frozenset[str]) -> Iterator[tuple[WaterLaw | None, pl.DataFrame]]:
    """Yield the samples of one water body under one law; no law where none is in force."""
    held = [row for code in (CODE, RULE) for edition in editions(code) for row in edition.rows]
    cuts = sorted({row.effective_from for row in held} | {row.effective_to for row in held if row.effective_to})
    segment = np.searchsorted(np.array(cuts, dtype="datetime64[D]"), frame["day"].to_numpy(), side="right")
    for body in ("river", "lake"):
        for kind in np.unique(segment):
            part = frame.filter((pl.col("water_body") == body) & pl.Series(segment == kind))
            if not part.height:
                continue
            try:
                law = water_law(cuts[kind - 1], body, place=place, allow=allow) if kind else None
            except NotCovered:
                law = None
            yield law, part


def _judged(part: pl.DataFrame, law: WaterLaw) -> pl.DataFrame:
    classes = water_classes(part, law)
    reason = (
        pl.when(pl.col("assessed") == 0)
        .then(pl.lit("no_items"))
        .when(pl.col("class").is_null())
        .then(pl.lit("water_bounds_open"))
        .when(pl.col("not_assessed") != "")
        .then(pl.lit("part_of_the_items"))
        .otherwise(pl.lit(""))
    )
    halves = law.rule.table("below_detection")
    halved = least_sure(law.status, *(row.status for row in halves))
    status = pl.when("halved").then(pl.lit(halved)).otherwise("status")
    return pl.concat([part, classes], how="horizontal").with_columns(
        pl.lit(law.standard.number).alias("edition"),
        pl.lit(law.clause).alias("clause"),
        pl.lit(METHOD).alias("method"),
        status.alias("status"),
        reason.alias("reason"),
    )


def _below(frame: pl.DataFrame) -> pl.Expr:
    """Say which values are below detection: ``tp<0.02;mercury<0.00004``."""
    parts = [
        pl.when(pl.col(f"{code}{LOW}") != pl.col(code))
        .then(pl.format(f"{code}<{{}}", pl.col(code)))
        .otherwise(pl.lit(""))
        for code in accepted()["items"]
        if f"{code}{LOW}" in frame.columns
    ]
    if not parts:
        return pl.lit("")
    return pl.concat_list(parts).list.eval(pl.element().filter(pl.element() != "")).list.join(";")


def _refused(part: pl.DataFrame, reason: str) -> pl.DataFrame:
    return part.select(
        "row",
        pl.lit("start").alias("column"),
        pl.col("day").cast(pl.String).fill_null("").alias("value"),
        pl.lit(reason).alias("reason"),
    )
