"""The mean of three calendar years, which HJ 663-2026 is said to have."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.statistics import assessment_law
from bihuan.core import CHINA, exact


def three_year_mean(
    yearly: pl.DataFrame, *, zone: ZoneInfo = CHINA, allow: frozenset[str] = frozenset()
) -> pl.DataFrame:
    """Return the mean of three calendar years, of HJ 663-2026.

    Its text has not been read: the row is unconfirmed, so nothing comes out until a city allows
    ``hj_663_2026#three_year_mean``; then it is the plain mean of the unrounded means of three complete years.

    Parameters
    ----------
    yearly : DataFrame
        As `daily_statistics` gives it with ``period="year"``.
    zone : ZoneInfo
    allow : frozenset of str

    Returns
    -------
    DataFrame
        ``site item first last value status reason``: the years, and null with a reason where a year is absent or
        incomplete (``year_missing``) or the rule is held back (``rule_held_back``).
    """
    means = yearly.filter(pl.col("figure") == "mean").with_columns(
        year=pl.col("start").dt.convert_time_zone(zone.key).dt.year()
    )
    held = {(site, item, year): (value, complete) for site, item, year, value, complete in
            means.select("site", "item", "year", "exact", "complete").iter_rows()}  # fmt: skip
    rows = []
    for site, item, last in held:
        three = [held.get((site, item, year), (None, False)) for year in range(last - 2, last + 1)]
        law = assessment_law(date(last, 12, 31), allow)
        rule = law.table("three_year_mean")
        whole_set = all(complete and value is not None for value, complete in three)
        reason = "" if rule and whole_set else "year_missing" if rule else "rule_held_back"
        total = sum((Fraction(exact(value)) for value, _ in three if value is not None), Fraction(0))
        decimals = int(law.rounding.get(item, law.rounding["default"]))
        value = None if reason else float(round(total / 3, decimals))
        status = rule[0].status if rule else "unconfirmed"
        rows.append((site, item, last - 2, last, value, status, reason))
    names = ("site", "item", "first", "last", "value", "status", "reason")
    kinds = (pl.String, pl.String, pl.Int32, pl.Int32, pl.Float64, pl.String, pl.String)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")
