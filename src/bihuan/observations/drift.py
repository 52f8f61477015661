"""Slow drift of a site against the sites around it, with an interval that knows that weather lasts for days.

A jump is seen at once; a lamp that ages, a filter that clogs or a zero that creeps is seen only against others. Each
day of a site gives one figure, the median of ``log(site / median of neighbours)`` over its hours; a robust slope
(Theil-Sen, the median of the slopes of all pairs of days) over the window gives the change from its begin to its end.
The interval comes from redrawing whole blocks of days of the residuals (moving block bootstrap, Kuensch 1989), since
neighbouring days resemble each other: residuals drawn one by one would give an interval that is too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import DAY
from bihuan.observations.neighbours import median_last, nearest
from bihuan.observations.settings import Settings, default_settings

Float = NDArray[np.float64]
INSTANT = pl.Datetime("us", "UTC")

DRIFT_SCHEMA = pl.Schema(
    {
        "site": pl.String(),
        "pollutant": pl.String(),
        "start": INSTANT,
        "end": INSTANT,
        "days": pl.Int64(),
        "change": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "neighbours": pl.Int64(),
        "drifting": pl.Boolean(),
    }
)
"""Change of a site against its neighbours over a window, as a share (0.3 = 30 % up), with its interval."""


def drifts(hours: pl.DataFrame, sites: pl.DataFrame, end: datetime, settings: Settings | None = None) -> pl.DataFrame:
    """Return how much each site has moved against its neighbours over the window before an instant.

    Parameters
    ----------
    hours : DataFrame
        ``site pollutant start value`` of usable hourly means; what lies outside the window is not looked at.
    sites : DataFrame
        ``site lon lat`` [degrees].
    end : datetime
        UTC.
    settings : mapping, optional
        Table ``[drift]`` of `flags.toml`.

    Returns
    -------
    DataFrame of `DRIFT_SCHEMA`
        One row a site and pollutant with enough days and neighbours; ``drifting`` where the interval leaves zero out
        and the change is large enough to matter.

    Notes
    -----
    A neighbourhood that changes (a site that was built around) looks the same from here: the flag is a question.
    """
    table = (settings or default_settings())["drift"]
    start = end - int(table["days"]) * DAY
    rows = hours.filter((pl.col("start") >= start) & (pl.col("start") < end) & pl.col("value").is_not_null())
    rows = rows.join(sites.select("site", "lon", "lat").unique("site", keep="first"), on="site", how="inner")
    found: list[dict[str, Any]] = []
    for (code,), part in rows.group_by(["pollutant"], maintain_order=True):
        if str(code) in table["floor"]:
            found += _of_pollutant(part, str(code), start, end, table)
    return pl.DataFrame(found, schema=DRIFT_SCHEMA).sort("site", "pollutant")


def _of_pollutant(
    part: pl.DataFrame, code: str, start: datetime, end: datetime, table: Mapping[str, Any]
) -> list[dict[str, Any]]:
    places = part.select("site", "lon", "lat").unique("site", maintain_order=True).sort("site")
    days = int(table["days"])
    wide = np.full((len(places), days * 24), np.nan)
    row = part["site"].replace_strict(places["site"], np.arange(len(places)), return_dtype=pl.Int64).to_numpy()
    column = ((part["start"] - start).dt.total_hours()).to_numpy()
    wide[row, column] = np.maximum(part["value"].to_numpy(), float(table["floor"][code]))
    daily, around = _daily(np.log(wide), places, table)
    found = []
    for k, name in enumerate(places["site"]):
        known = np.isfinite(daily[k])
        if known.sum() < int(table["least_days"]):
            continue
        change, low, high = change_of(np.flatnonzero(known).astype(float), daily[k, known], days, table)
        matters = abs(np.expm1(change)) >= float(table["change"]) and low * high > 0
        figures = {"change": np.expm1(change), "low": np.expm1(low), "high": np.expm1(high)}
        found.append(
            {"site": name, "pollutant": code, "start": start, "end": end, "days": int(known.sum()), **figures}
            | {"neighbours": int(around[k]), "drifting": bool(matters)}
        )
    return found


def _daily(logs: Float, places: pl.DataFrame, table: Mapping[str, Any]) -> tuple[Float, NDArray[np.int64]]:
    """Daily medians of the log ratio to the neighbours, shape (sites, days), and how many neighbours there are."""
    radius, most = float(table["radius"]), int(table["most"])
    around = nearest(places["lon"].to_numpy(), places["lat"].to_numpy(), radius, most)
    padded = np.concatenate([logs, np.full((1, logs.shape[1]), np.nan)])
    others = np.moveaxis(padded[around], 1, 2)
    middle, count = median_last(others)
    ratio = np.where(count >= int(table["least"]), logs - middle, np.nan)
    daily, hours = median_last(ratio.reshape(len(logs), -1, 24))
    return np.where(hours >= int(table["hours"]), daily, np.nan), (around >= 0).sum(axis=1)


def change_of(day: Float, value: Float, span: float, table: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return the change over a span by the Theil-Sen slope, and its interval by blocks of residuals.

    Parameters
    ----------
    day, value : ndarray, shape (n,)
        Ascending days, log ratios.
    span : float
        [days]
    table : mapping
        ``confidence blocks draws``.
    """
    slope = _theil_sen(day, value[None, :])[0]
    level = np.median(value - slope * day)
    rest = value - level - slope * day
    size = min(int(table["blocks"]), len(rest))
    rng = np.random.default_rng(len(rest))  # the same window gives the same interval
    count = -(-len(rest) // size)
    begins = rng.integers(0, len(rest) - size + 1, (int(table["draws"]), count))
    index = (begins[:, :, None] + np.arange(size)).reshape(len(begins), -1)[:, : len(rest)]
    slopes = _theil_sen(day, level + slope * day + rest[index])
    tail = (1 - float(table["confidence"])) / 2
    low, high = np.quantile(slopes, [tail, 1 - tail])
    return float(slope * span), float(low * span), float(high * span)


def _theil_sen(day: Float, values: Float) -> Float:
    """Median slope of all pairs, row by row; shape (rows, n) -> (rows,)."""
    one, other = np.triu_indices(len(day), 1)
    return np.asarray(np.median((values[:, other] - values[:, one]) / (day[other] - day[one]), axis=1))


def spans_of(found: pl.DataFrame, back: timedelta) -> pl.DataFrame:
    """Return the last part of each window that drifts, as `flag` takes it (`DRIFTS_SCHEMA`)."""
    rows = found.filter(pl.col("drifting")).with_columns(start=pl.max_horizontal("start", pl.col("end") - back))
    return rows.select("site", "pollutant", "start", "end")
