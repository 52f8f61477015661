"""The hours of one pollutant at all sites as one table of numbers, and what its instruments print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import HOUR, Period, Ref
from bihuan.observations.signs.sign import EvidenceRow, Sign, SignKind, sign_id, sign_settings

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

WEEK = 168
"""Hours."""

SIGN_SITES_SCHEMA = pl.Schema({"site": pl.String(), "kind": pl.String(), "lon": pl.Float64(), "lat": pl.Float64()})
"""Sites that may be asked: their kind and place. [degrees]"""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One pollutant, all sites, the weeks before and the week that is asked.

    Attributes
    ----------
    pollutant : str
    sites : tuple of str
    kinds : tuple of str
    lon, lat : ndarray, shape (sites,)
        [degrees], NaN where unknown.
    start : datetime
        First hour, UTC.
    value : ndarray, shape (sites, hours)
        NaN where missing or unusable.
    tested : int
        Column at which the week that is asked begins.
    limit : ndarray, shape (sites,)
        Hourly limit, NaN where there is none.
    resolution : ndarray, shape (sites,)
        Step that the instrument prints. [unit of the pollutant]
    """

    pollutant: str
    sites: tuple[str, ...]
    kinds: tuple[str, ...]
    lon: Float
    lat: Float
    start: datetime
    value: Float
    tested: int
    limit: Float
    resolution: Float

    @property
    def steps(self) -> Float:
        """Values as whole numbers of resolutions, NaN where missing; shape (sites, hours)."""
        return np.asarray(np.round(self.value / self.resolution[:, None]))

    def at(self, column: int) -> datetime:
        """Return the begin of an hour."""
        return self.start + column * HOUR

    def period(self, first: int, last: int) -> Period:
        """Return the time of the columns from `first` up to, not including, `last`."""
        return Period(self.at(first), self.at(last))

    @property
    def week(self) -> datetime:
        """Begin of the week that is asked."""
        return self.at(self.tested)

    def enough(self) -> Bool:
        """Say which sites have hours enough in the week and before it."""
        table = sign_settings()["window"]
        known = np.isfinite(self.value)
        now, before = known[:, self.tested :].sum(axis=1), known[:, : self.tested].sum(axis=1)
        return np.asarray((now >= int(table["least_test"])) & (before >= int(table["least_reference"])))

    def rows(
        self, row: int, first: int, last: int, other: Float | None = None, most: int = 48
    ) -> tuple[EvidenceRow, ...]:
        """Return hours of a site as evidence, beside what they were held against (shape as the columns)."""
        found = []
        for place, column in enumerate(range(first, min(last, first + most))):
            beside = None if other is None else _number(other[place])
            found.append(EvidenceRow(self.at(column), _number(self.value[row, column]), beside))
        return tuple(found)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def span_of(end: datetime) -> Period:
    """Return the hours that a run at the end of a week looks at."""
    table = sign_settings()["window"]
    return Period(end - timedelta(hours=int(table["test_hours"]) + int(table["reference_hours"])), end)


def block_of(
    hours: pl.DataFrame,
    pollutant: str,
    end: datetime,
    sites: pl.DataFrame,
    limits: Mapping[str, float] | None = None,
) -> Block:
    """Lay the hours of one pollutant out.

    Parameters
    ----------
    hours : DataFrame
        ``site start value`` of usable hourly means of one pollutant and stat.
    pollutant : str
    end : datetime
        End of the week that is asked, a whole hour, UTC.
    sites : DataFrame of `SIGN_SITES_SCHEMA`
    limits : mapping of str to float, optional
        Hourly limit by site.
    """
    span, table = span_of(end), sign_settings()["window"]
    count = int(span.length / HOUR)
    inside = hours.filter(
        (pl.col("start") >= span.start) & (pl.col("start") < span.end) & pl.col("value").is_not_null()
    )
    names = inside["site"].unique().sort()
    about = pl.DataFrame({"site": names}).join(
        sites.unique("site", keep="first"), on="site", how="left", maintain_order="left"
    )
    value = np.full((len(names), count), np.nan)
    if inside.height:
        row = names.search_sorted(inside["site"]).to_numpy()
        column = (inside["start"].dt.epoch("s") - int(span.start.timestamp())).to_numpy() // 3600
        value[row, column] = inside["value"].to_numpy()
    known = limits or {}
    return Block(
        pollutant=pollutant,
        sites=tuple(names),
        kinds=tuple(about["kind"].fill_null("")),
        lon=about["lon"].fill_null(np.nan).to_numpy(),
        lat=about["lat"].fill_null(np.nan).to_numpy(),
        start=span.start,
        value=value,
        tested=int(table["reference_hours"]),
        limit=np.array([known.get(name, np.nan) for name in names]),
        resolution=resolutions(value, table["resolutions"], float(table["fits"])),
    )


def resolutions(value: Float, tried: Sequence[float], fits: float) -> Float:
    """Return the coarsest step that almost all values of each row are whole multiples of, shape (rows,)."""
    found = np.full(len(value), float(tried[-1]))
    known = np.isfinite(value)
    count = np.maximum(known.sum(axis=1), 1)
    open_rows: Bool = np.asarray(known.any(axis=1))
    for step in tried:
        if not open_rows.any():
            break
        part = value[open_rows] / step
        off = np.abs(part - np.round(part)) < 1e-6 * np.maximum(np.abs(part), 1.0)
        good = off.sum(axis=1) >= fits * count[open_rows]
        rows = np.flatnonzero(open_rows)[good]
        found[rows] = step
        open_rows[rows] = False
    return found


def discoveries(p: Float, rate: float) -> Bool:
    """Say which of many p values are discoveries when a share `rate` of them may be false (Benjamini-Hochberg 1995)."""
    known = np.isfinite(p)
    found = np.zeros(p.shape, dtype=bool)
    count = int(known.sum())
    if not count:
        return found
    ordered = np.sort(p[known])
    below = np.flatnonzero(ordered <= rate * np.arange(1, count + 1) / count)
    if len(below):
        found[known] = p[known] <= ordered[below[-1]]
    return found


def adjusted(p: Float) -> Float:
    """Return p values adjusted for their number as `discoveries` counts them, NaN where there was no test."""
    known = np.flatnonzero(np.isfinite(p))
    out = np.full(p.shape, np.nan)
    if len(known):
        order = known[np.argsort(p[known], kind="stable")]
        scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
        out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out


Table = Mapping[str, Any]


def own_sign(
    block: Block, kind: SignKind, row: int, statistic: float, p: float, tests: int, figures: dict[str, float],
    *, week_before: bool = False,
) -> Sign:  # fmt: skip
    """Return a sign of a site that was compared with its own past.

    Parameters
    ----------
    block : Block
    kind : SignKind
    row : int
        Of the site in the block.
    statistic, p : float
        What was found, and its chance [1].
    tests : int
        Comparisons it was chosen among.
    figures : dict
        What the words are made of.
    week_before : bool
        Show the same hours a week before beside the last two days.
    """
    name, last = block.sites[row], block.value.shape[1]
    first = last - 48
    beside = block.value[row, first - WEEK : last - WEEK] if week_before else None
    return Sign(
        id=sign_id(kind, name, block.pollutant, block.week),
        kind=kind,
        site=Ref.parse(name),
        pollutant=block.pollutant,
        period=block.period(block.tested, last),
        statistic=statistic,
        p=p,
        tests=tests,
        against="own",
        figures=figures,
        evidence=block.rows(row, first, last, beside),
    )
