"""Stored rows in the form that rules, tracer and verification read: one value a site, pollutant and period."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import Interval

VALUE_STATS = ("avg", "zs_avg")
"""The mean; of an outlet the mean folded to reference O2, by which it is judged, takes its place."""


def as_values(rows: pl.DataFrame, interval: Interval) -> pl.DataFrame:
    """Return rows with the columns of `alerts.VALUES_COLUMNS`.

    Parameters
    ----------
    rows : DataFrame
        ``site pollutant stat start end value quality reason`` of one interval; hours of record only.
    interval : Interval

    Notes
    -----
    The checks look at what was measured; a folded mean is as doubtful as the one it was folded from.
    """
    keys = ["site", "pollutant", "start"]
    before = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in keys).fill_null(False)
    folded = before & (pl.col("reason") == "")
    return (
        rows.filter(pl.col("stat").is_in(list(VALUE_STATS)))
        .sort(*keys, "stat")
        .with_columns(reason=pl.when(folded).then(pl.col("reason").shift(1)).otherwise("reason"))
        .unique(keys, keep="last", maintain_order=True)
        .select(
            "site",
            "pollutant",
            pl.lit(interval).alias("interval"),
            "start",
            "end",
            "value",
            (pl.col("value").is_not_null() & ~pl.col("quality").is_in(["bad", "missing"])).alias("usable"),
            "reason",
        )
    )


def instants(column: pl.Series) -> NDArray[np.datetime64]:
    """Return a column of instants in UTC as datetime64[us]."""
    return column.dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
