"""Statistics of months, quarters and years: means and percentiles with their validity, day counts.

Everything takes ``law``: left out, a period is judged by the law of its last day; given, by that
day's. Values are never changed here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.aqi import daily_aqi
from bihuan.assessment.index import least_sure
from bihuan.assessment.means import MILLIONTHS, concentration, instants, quotient, whole
from bihuan.core import CHINA, NATIONAL_SIX, local_day, round_half_even, scaled_half_even
from bihuan.standards import Standard, editions, lookup

PeriodKind = Literal["month", "quarter", "year"]

EVERY: dict[PeriodKind, str] = {"month": "1mo", "quarter": "1q", "year": "1y"}
PERIOD_KEYS = ["site", "start", "end"]
INSTANT = pl.Datetime("us", "UTC")


def assessment_law(on: date, allow: frozenset[str] = frozenset()) -> Standard:
    """Return the edition of HJ 663 of a day; its first edition judges the days of GB 3095-2012 before it, too."""
    return lookup("HJ 663", on=max(on, editions("HJ 663")[0].effective_from), allow=allow)


def daily_statistics(
    days: pl.DataFrame,
    *,
    period: PeriodKind = "month",
    zone: ZoneInfo = CHINA,
    law: date | None = None,
    grade: str = "grade2",
) -> pl.DataFrame:
    """Return means and percentiles of daily values (HJ 663 table 1).

    Parameters
    ----------
    days : DataFrame
        Days as `daily_means` or `city_mean` gives them; days that the authority has taken out (dust) left out.
    period : {"month", "quarter", "year"}
    zone : ZoneInfo
    law : date or None
    grade : str
        Limit to compare with.

    Returns
    -------
    DataFrame
        One row for ``site start end item figure`` (figure ``mean`` or ``percentile``): ``exact``, ``value`` (rounded
        half to even as the law says), ``days``, ``complete`` (27 days a month, 25 in February, 324 a year),
        ``limit`` (annual for the mean of a year, daily for a percentile, else null), ``over``, ``standard``,
        ``status``.
    """
    keyed = _with_period(days, period, zone)
    items = [code for code in NATIONAL_SIX if code in days.columns]
    groups = keyed.select(*PERIOD_KEYS, "first", "next").unique().sort("site", "start").with_row_index("group")
    group = keyed.join(groups, on=["site", "start"], how="left", maintain_order="left")["group"].to_numpy()
    months = _month_counts(keyed, items)
    rows = []
    for item in items:
        values, present = whole(concentration(days, item))
        table = _Grouped(group[present].astype(np.int64), values[present], groups.height)
        for place, key in enumerate(groups.iter_rows(named=True)):
            on = law or key["next"] - timedelta(days=1)
            counts = months.get((key["site"], item), {})
            complete = _complete(key["first"], key["next"], counts)
            rows += [
                {name: key[name] for name in PERIOD_KEYS}
                | figure
                | {"days": int(table.count[place]), "complete": complete}
                for figure in _figures(item, table, place, on=on, period=period, grade=grade)
            ]
    return pl.DataFrame(rows, schema=_STATISTICS)


_STATISTICS = pl.Schema(
    [
        ("site", pl.String()),
        ("start", INSTANT),
        ("end", INSTANT),
        ("item", pl.String()),
        ("figure", pl.String()),
        ("exact", pl.Float64()),
        ("value", pl.Float64()),
        ("days", pl.Int32()),
        ("complete", pl.Boolean()),
        ("limit", pl.Float64()),
        ("over", pl.Boolean()),
        ("standard", pl.String()),
        ("status", pl.String()),
    ]
)


class _Grouped:
    """Whole millionths sorted within their groups."""

    def __init__(self, group: NDArray[np.int64], values: NDArray[np.int64], groups: int) -> None:
        order = np.lexsort((values, group))
        self.values = values[order]
        self.count = np.bincount(group, minlength=groups).astype(np.int64)
        self.begin = np.concatenate(([0], np.cumsum(self.count)))[:-1]

    def mean(self, place: int) -> float:
        """Mean of a group, NaN where it is empty."""
        part = self._of(place)
        return float(quotient(np.array([part.sum()]), np.array([len(part)]))[0])

    def percentile(self, place: int, percent: int) -> float:
        """Percentile by k = 1 + (n - 1) p, linear between neighbours; one division, so exact."""
        part = self._of(place)
        if not len(part):
            return float("nan")
        at, share = divmod((len(part) - 1) * percent, 100)
        upper = part[min(at + 1, len(part) - 1)]
        return int(part[at] * (100 - share) + upper * share) / (100 * MILLIONTHS)

    def _of(self, place: int) -> NDArray[np.int64]:
        return self.values[self.begin[place] : self.begin[place] + self.count[place]]


def _figures(
    item: str, table: _Grouped, place: int, *, on: date, period: PeriodKind, grade: str
) -> list[dict[str, object]]:
    law = assessment_law(on)
    limits = {row["averaging"]: row for row in lookup("GB 3095", on=on).table("limits") if row.item == item}
    percentile = law.row("percentiles", item)
    yearly, daily = limits.get("year") if period == "year" else None, limits.get(percentile["averaging"])
    bounds = [None if row is None else float(row[grade]) for row in (yearly, daily)]
    sure = least_sure(percentile.status, law.row("percentile_method", "rank").status)
    return [
        {"figure": "mean"} | _figure(item, table.mean(place), bounds[0], law, law.status),
        {"figure": "percentile"} | _figure(item, table.percentile(place, percentile["percent"]), bounds[1], law, sure),
    ]


def _figure(item: str, unrounded: float, bound: float | None, law: Standard, status: str) -> dict[str, object]:
    decimals = int(law.rounding.get(item, law.rounding["default"]))
    found = np.isfinite(unrounded)
    value = float(round_half_even(unrounded, decimals)) if found else None
    return {
        "item": item,
        "exact": unrounded if found else None,
        "value": value,
        "limit": bound,
        "over": None if value is None or bound is None else value > bound,
        "standard": law.number,
        "status": status,
    }


def _with_period(days: pl.DataFrame, period: PeriodKind, zone: ZoneInfo) -> pl.DataFrame:
    instants(days, "start")
    first = pl.col("start").dt.convert_time_zone(zone.key).dt.date().dt.truncate(EVERY[period])
    keyed = days.drop("end").with_columns(day=pl.col("start"), first=first, site=pl.col("site").cast(pl.String))
    keyed = keyed.with_columns(next=pl.col("first").dt.offset_by(EVERY[period]))
    edges = {day: local_day(day, zone).start for name in ("first", "next") for day in keyed[name].unique()}
    return keyed.with_columns(
        start=pl.col("first").replace_strict(edges, return_dtype=INSTANT),
        end=pl.col("next").replace_strict(edges, return_dtype=INSTANT),
        local_day=pl.col("day").dt.convert_time_zone(zone.key).dt.date(),
    )


def _month_counts(keyed: pl.DataFrame, items: Sequence[str]) -> dict[tuple[str, str], dict[date, int]]:
    month = pl.col("local_day").dt.truncate("1mo").alias("month")
    counted = keyed.group_by("site", month).agg(pl.col(item).is_not_nan().sum().alias(item) for item in items)
    found: dict[tuple[str, str], dict[date, int]] = {}
    for row in counted.iter_rows(named=True):
        for item in items:
            found.setdefault((row["site"], item), {})[row["month"]] = row[item]
    return found


def _complete(first: date, following: date, counts: Mapping[date, int]) -> bool:
    """Whether enough days stand behind a period (GB 3095 table 4)."""
    rules = lookup("GB 3095", on=following - timedelta(days=1))
    monthly = rules.row("validity", "basic", averaging="month")
    months = []
    while first < following:
        months.append(first)
        first = (first + timedelta(days=32)).replace(day=1)
    needed = {month: monthly["at_least_february"] if month.month == 2 else monthly["at_least"] for month in months}
    if any(counts.get(month, 0) < need for month, need in needed.items()):
        return False
    yearly = rules.row("validity", "basic", averaging="year")["at_least"]
    return len(months) < 12 or sum(counts[month] for month in months) >= yearly


def day_counts(
    days: pl.DataFrame,
    *,
    period: PeriodKind = "year",
    zone: ZoneInfo = CHINA,
    law: date | None = None,
    not_monitored: Collection[str] = (),
) -> pl.DataFrame:
    """Count days by level: good days (AQI <= 100), heavy days (AQI > 200), and days by primary pollutant.

    Parameters
    ----------
    days : DataFrame
        Concentrations of days; dust days kept (national practice keeps them in day counts).
    period, zone, law, not_monitored
        As in `daily_statistics` and `daily_aqi`.

    Returns
    -------
    DataFrame
        ``site start end days`` (with an index), ``good_days heavy_days good_share`` [%], one column a level
        (``level_good`` ...) and one a primary pollutant (``primary_<code>``), ``standard``.
    """
    judged = daily_aqi(days, zone=zone, law=law, not_monitored=not_monitored)
    labels = [row.item for row in lookup("HJ 633", on=date.max).table("levels")]
    counted = (
        _with_period(judged, period, zone)
        .group_by(PERIOD_KEYS)
        .agg(
            pl.col("aqi").count().alias("days"),
            (pl.col("aqi") <= 100).sum().alias("good_days"),
            (pl.col("aqi") > 200).sum().alias("heavy_days"),
            *((pl.col("label") == label).sum().alias(f"level_{label}") for label in labels),
            *(
                pl.col("primary").str.split(";").list.contains(code).sum().alias(f"primary_{code}")
                for code in NATIONAL_SIX
            ),
            pl.col("standard").unique().sort().str.join(";"),
        )
        .sort("site", "start")
    )
    share = quotient(
        counted["good_days"].to_numpy().astype(np.int64) * 100 * MILLIONTHS, counted["days"].to_numpy().astype(np.int64)
    )
    tenths = scaled_half_even(share, 1)
    return counted.with_columns(pl.Series("good_share", np.where(tenths < 0, np.nan, tenths / 10)).fill_nan(None))
