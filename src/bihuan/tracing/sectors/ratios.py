"""Ratios of two pollutants, and which kind of source they would speak for."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from bihuan.core import InputError, Status
from bihuan.standards import DECIDING
from bihuan.tracing.sectors.hours import Flags, Float, Instants

BEFORE = 6
"""Hours before, whose median a rise is measured against. [hours]"""
LEAST_SHARE = 0.05
"""Least value of the divisor, as a share of its median: a ratio to next to nothing says nothing. [1]"""


@dataclass(frozen=True, slots=True)
class KindRow:
    """One row of `kinds.toml`.

    Attributes
    ----------
    id, kind : str
    ratio : tuple of str
        Pollutants, the first over the second.
    above, below : float or None
        The ratio lies above, and at most at `below`.
    rise : tuple or None
        A pollutant, and how many times the median of the hours before it must reach.
    status : Status
    source_zh, source_en : str
    """

    id: str
    kind: str
    ratio: tuple[str, str]
    above: float | None
    below: float | None
    rise: tuple[str, float] | None
    status: Status
    source_zh: str
    source_en: str


@dataclass(frozen=True, slots=True)
class RatioSeries:
    """A ratio hour by hour.

    Attributes
    ----------
    pair : tuple of str
    value : array, (n,)
        NaN where one is missing or the divisor is next to nothing.
    median, low, high : float
        Median and quartiles; NaN without hours.
    of_means : float
        Ratio of the two means over hours with both.
    correlation : float
        Of the two, Pearson's; NaN with fewer than three hours. A ratio of what does not vary together is no source's.
    hours : int
    """

    pair: tuple[str, str]
    value: Float
    median: float
    low: float
    high: float
    of_means: float
    correlation: float
    hours: int


@dataclass(frozen=True, slots=True)
class KindFinding:
    """Hours that fulfil a row.

    Attributes
    ----------
    row : KindRow
    decides : bool
        Whether the row may decide; otherwise it is shown as 待核.
    hours, of : int
        Hours that fulfil it, of those with what it needs.
    """

    row: KindRow
    decides: bool
    hours: int
    of: int


@dataclass(frozen=True, slots=True)
class Ratios:
    """Ratios, what they would speak for, and the kind of each hour that a deciding row names."""

    series: tuple[RatioSeries, ...]
    findings: tuple[KindFinding, ...]
    kind: tuple[str, ...]


@cache
def kind_rows() -> tuple[KindRow, ...]:
    """Return the rows that ship with Bihuan."""
    raw = tomllib.loads(resources.files("bihuan.tracing.sectors").joinpath("kinds.toml").read_text("utf-8"))
    return tuple(
        KindRow(
            id=row["id"],
            kind=row["kind"],
            ratio=(row["ratio"][0], row["ratio"][1]),
            above=row.get("above"),
            below=row.get("below"),
            rise=(row["rise"][0], float(row["rise"][1])) if "rise" in row else None,
            status=row["status"],
            source_zh=row["source_zh"],
            source_en=row["source_en"],
        )
        for row in raw["row"]
    )


def ratios(
    start: Instants, values: Mapping[str, Float], allow: Collection[str] = (), rows: tuple[KindRow, ...] | None = None
) -> Ratios:
    """Return the ratios that the rows ask for.

    Parameters
    ----------
    start : array of datetime64, (n,)
        Ascending.
    values : mapping of str to array, (n,)
        Hourly means by pollutant, NaN where missing.
    allow : collection of str
        Ids of rows that decide here although they are not confirmed.
    rows : tuple of KindRow, optional
        In place of those that ship.

    Returns
    -------
    Ratios
        Only of pollutants that are there. ``kind`` is empty for an hour no deciding row names, and where two kinds are
        named: two answers are none.

    Raises
    ------
    InputError
        If `allow` names a row that does not exist.
    """
    rows = kind_rows() if rows is None else rows
    unknown = sorted(set(allow) - {row.id for row in rows})
    if unknown:
        raise InputError(f"rows {', '.join(unknown)} do not exist; there are: {', '.join(row.id for row in rows)}")
    pairs = dict.fromkeys(row.ratio for row in rows if set(row.ratio) <= set(values))
    series = {pair: _series(pair, values) for pair in pairs}
    named = np.full(len(start), "", dtype=object)
    findings = []
    for row in rows:
        if row.ratio not in series or (row.rise and row.rise[0] not in values):
            continue
        found, known = _fulfilled(row, series[row.ratio].value, start, values)
        decides = row.status in DECIDING or row.id in allow
        if decides:
            other = (named != "") & (named != row.kind)
            named[found] = np.where(other[found], "?", row.kind)
        findings.append(KindFinding(row, decides, int(found.sum()), int(known.sum())))
    kind = tuple("" if one == "?" else str(one) for one in named)
    return Ratios(tuple(series.values()), tuple(findings), kind)


def _series(pair: tuple[str, str], values: Mapping[str, Float]) -> RatioSeries:
    over, under = values[pair[0]], values[pair[1]]
    both = np.isfinite(over) & np.isfinite(under)
    least = LEAST_SHARE * float(np.median(under[both])) if both.any() else 0.0
    both &= (under > least) & (under > 0)
    value = np.where(both, over / np.where(both, under, 1.0), np.nan)
    low, median, high = (float(one) for one in np.quantile(value[both], (0.25, 0.5, 0.75))) if both.any() else _NONE
    varied = both.sum() > 2 and np.ptp(over[both]) > 0 and np.ptp(under[both]) > 0
    return RatioSeries(
        pair=pair,
        value=value,
        median=median,
        low=low,
        high=high,
        of_means=float(over[both].mean() / under[both].mean()) if both.any() else float("nan"),
        correlation=float(np.corrcoef(over[both], under[both])[0, 1]) if varied else float("nan"),
        hours=int(both.sum()),
    )


_NONE = (float("nan"),) * 3


def _fulfilled(row: KindRow, value: Float, start: Instants, values: Mapping[str, Float]) -> tuple[Flags, Flags]:
    known = np.isfinite(value)
    with np.errstate(invalid="ignore"):
        found = known & (value > (-np.inf if row.above is None else row.above))
        found &= value <= (np.inf if row.below is None else row.below)
    if row.rise is not None:
        risen = _risen(start, values[row.rise[0]])
        known = known & np.isfinite(risen)
        with np.errstate(invalid="ignore"):
            found = found & known & (risen >= row.rise[1])
    return found, known


def _risen(start: Instants, value: Float) -> Float:
    """Return each hour over the median of the hours before; NaN without three of them."""
    made = np.full(len(value), np.nan)
    for at in range(len(value)):
        first = int(np.searchsorted(start, start[at] - BEFORE * np.timedelta64(1, "h")))
        before = value[first:at]
        before = before[np.isfinite(before)]
        if len(before) >= 3 and np.median(before) > 0:
            made[at] = value[at] / np.median(before)
    return made
