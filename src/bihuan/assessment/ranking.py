"""The composite index and what is built on it: ranks and years side by side.

Ranks of ours are 自算,非官方 and say so in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.index import least_sure
from bihuan.assessment.statistics import INSTANT, PERIOD_KEYS
from bihuan.core import CHINA, NATIONAL_SIX, InputError, exact
from bihuan.standards import Row, editions, lookup

STAMP = "own_calculation"
"""Key of the words 自算,非官方 that stand beside every rank of ours (``verdict.own_calculation``)."""


def composite_index(
    statistics: pl.DataFrame, *, zone: ZoneInfo = CHINA, law: date | None = None, allow: frozenset[str] = frozenset()
) -> pl.DataFrame:
    """Return the composite index of each site and period: the weighted sum of C / S, smaller is better.

    Parameters
    ----------
    statistics : DataFrame
        As `daily_statistics` gives it.
    zone : ZoneInfo
    law : date or None
    allow : frozenset of str
        The weights of HJ 663-2026 are held back until a city allows ``hj_663_2026#composite_index``.

    Returns
    -------
    DataFrame
        ``site start end index`` (two decimals), ``index_<code>``, ``largest``, ``standard status reason``.
    """
    first = editions("HJ 663")[0].effective_from
    rows = []
    for key, end, found in _by_period(statistics):
        last = (end - timedelta(seconds=1)).astimezone(zone).date()
        standard = lookup("HJ 663", on=max(law or last, first), allow=allow)
        weights = standard.table("composite_index")
        index = _index(weights, found, int(standard.rounding["index"]))
        status = least_sure(*(row.status for row in weights)) if weights else "unconfirmed"
        if not weights:
            index["reason"] = "weights_held_back"
        rows.append(key | index | {"standard": standard.number, "status": status})
    return pl.DataFrame(rows, schema=_INDEX)


_KEYS: list[tuple[str, pl.DataType]] = [("site", pl.String()), ("start", INSTANT), ("end", INSTANT)]
_INDEX = pl.Schema(
    [
        *_KEYS,
        ("index", pl.Float64()),
        *((f"index_{code}", pl.Float64()) for code in NATIONAL_SIX),
        *((name, pl.String()) for name in ("largest", "standard", "status", "reason")),
    ]
)


def index_variants(statistics: pl.DataFrame) -> pl.DataFrame:
    """Return the four indices of old or new divisors with old or new weights, so that years can be compared.

    Columns ``index_2013`` (old, old), ``index_new_limits``, ``index_new_weights`` and ``index_2026`` (new, new); the
    new weights rest on one source, so whatever prints them says 待核.
    """
    old, new = (edition.table("composite_index") for edition in editions("HJ 663"))
    mixed = {
        "index_2013": (old, old),
        "index_new_limits": (new, old),
        "index_new_weights": (old, new),
        "index_2026": (new, new),
    }
    rows = []
    for key, _, found in _by_period(statistics):
        row = dict(key)
        for name, (divisors, weights) in mixed.items():
            weight = {one.item: one["weight"] for one in weights}
            row[name] = _index(divisors, found, 2, weight)["index"]
        rows.append(row)
    return pl.DataFrame(rows, schema=pl.Schema([*_KEYS, *((name, pl.Float64()) for name in mixed)]))


def _by_period(
    statistics: pl.DataFrame,
) -> Iterator[tuple[dict[str, object], datetime, dict[tuple[str, str], float | None]]]:
    for (site, start, end), part in statistics.group_by(PERIOD_KEYS, maintain_order=True):
        found = {(item, figure): value for item, figure, value in part.select("item", "figure", "value").iter_rows()}
        assert isinstance(end, datetime)
        yield {"site": site, "start": start, "end": end}, end, found


def _index(
    rows: Sequence[Row],
    found: Mapping[tuple[str, str], float | None],
    decimals: int,
    weights: Mapping[str, int] | None = None,
) -> dict[str, object]:
    parts: dict[str, Fraction] = {}
    for row in rows:
        value = found.get((row.item, row["figure"]))
        if value is not None:
            weight = row["weight"] if weights is None else weights[row.item]
            parts[row.item] = Fraction(exact(value)) * weight / Fraction(row["divisor"])
    named: dict[str, object] = {f"index_{code}": None for code in NATIONAL_SIX}
    named |= {f"index_{code}": _rounded(part, decimals) for code, part in parts.items()}
    whole_set = bool(rows) and len(parts) == len(rows)
    largest = max(parts.values(), default=Fraction(0))
    return named | {
        "index": _rounded(sum(parts.values(), Fraction(0)), decimals) if whole_set else None,
        "largest": ";".join(code for code in NATIONAL_SIX if parts.get(code) == largest),
        "reason": "" if whole_set else "items_missing",
    }


def _rounded(value: Fraction, decimals: int) -> float:
    return float(round(value, decimals))  # of a Fraction: exact, half to even


def rank(table: pl.DataFrame, by: str = "index", *, within: Sequence[str] = ("start", "end")) -> pl.DataFrame:
    """Add ``rank`` (1 = smallest; equal values share a rank) and ``stamp``: every rank of ours is unofficial.

    Raises
    ------
    InputError
        If there is no such column.
    """
    if by not in table.columns:
        raise InputError(f"there is no column {by!r} to rank by; there are: {', '.join(table.columns)}")
    place = pl.col(by).rank("min").over(list(within)).cast(pl.Int32).alias("rank")
    return table.with_columns(place, pl.lit(STAMP).alias("stamp"))


def city_list(*, on: date) -> tuple[str, ...]:
    """Return the cities of the national ranking (168) of a day, in the order of the list.

    Raises
    ------
    NotCovered
        Before the first day of the list.
    """
    return tuple(row.item for row in lookup("city ranking", on=on).table("cities"))


def improvement(indices: pl.DataFrame, statistics: pl.DataFrame, *, zone: ZoneInfo = CHINA) -> pl.DataFrame:
    """Return the ranking by improvement: the index against the same period a year before (scheme of 2017).

    Parameters
    ----------
    indices : DataFrame
        As `composite_index` gives it, with the year before in it.
    statistics : DataFrame
        As `daily_statistics` gives it for the same sites and periods.
    zone : ZoneInfo

    Returns
    -------
    DataFrame
        The periods that have a year before: ``site start end index index_before index_percent rank_improvement``
        (1 = largest fall), ``meets_grade2`` (every divisor of the index is kept to), ``rank_worsening`` (1 = largest
        rise; null for who meets grade 2 or did not rise), ``stamp``.
    """
    compared = year_on_year(indices.select("site", "start", "end", "index", "standard"), ["index"], zone=zone)
    compared = compared.drop_nulls("index_percent")
    kept = [_keeps_grade2(key, statistics) for key in compared.select(*PERIOD_KEYS, "standard").iter_rows()]
    found = compared.with_columns(meets_grade2=pl.Series(kept, dtype=pl.Boolean))
    change, within = pl.col("index_percent"), ["start", "end"]
    worse = pl.when((change > 0) & ~pl.col("meets_grade2")).then(change)
    return found.select(
        *PERIOD_KEYS,
        "index",
        "index_before",
        "index_percent",
        "meets_grade2",
        change.rank("min").over(within).cast(pl.Int32).alias("rank_improvement"),
        worse.rank("min", descending=True).over(within).cast(pl.Int32).alias("rank_worsening"),
        pl.lit(STAMP).alias("stamp"),
    )


def _keeps_grade2(key: tuple[Any, ...], statistics: pl.DataFrame) -> bool:
    """Whether each of the six figures of the index is at most its divisor, which is the limit of grade 2."""
    site, start, end, number = key
    edition = next(one for one in editions("HJ 663") if one.number == number)
    here = (pl.col("site") == site) & (pl.col("start") == start) & (pl.col("end") == end)
    part = statistics.filter(here).select("item", "figure", "value")
    found = {(item, figure): value for item, figure, value in part.iter_rows()}
    rows = edition.table("composite_index")
    values = [(found.get((row.item, row["figure"])), Fraction(row["divisor"])) for row in rows]
    return all(value is not None and Fraction(exact(value)) <= limit for value, limit in values)


def year_on_year(
    table: pl.DataFrame, columns: Sequence[str], *, keys: Sequence[str] = ("site",), zone: ZoneInfo = CHINA
) -> pl.DataFrame:
    """Set each period beside the same one a year earlier.

    Adds ``<column>_before``, ``<column>_change`` and ``<column>_percent``; null where a year earlier is not in
    the table. A negative change of a concentration or an index is an improvement.
    """
    first = pl.col("start").dt.convert_time_zone(zone.key).dt.date()
    length = (pl.col("end") - pl.col("start")).dt.total_days() // 28  # months: leap days do not part equals
    keyed = table.with_columns(_first=first, _length=length)
    before = keyed.select(
        *keys,
        pl.col("_first").dt.offset_by("1y"),
        "_length",
        *(pl.col(name).alias(f"{name}_before") for name in columns),
    )
    joined = keyed.join(before, on=[*keys, "_first", "_length"], how="left", maintain_order="left")
    changes = [(pl.col(name) - pl.col(f"{name}_before")).alias(f"{name}_change") for name in columns]
    percents = [
        pl.when(pl.col(f"{name}_before") != 0)
        .then((pl.col(name) - pl.col(f"{name}_before")) / pl.col(f"{name}_before") * 100)
        .alias(f"{name}_percent")
        for name in columns
    ]
    return joined.with_columns(*changes, *percents).drop("_first", "_length")
