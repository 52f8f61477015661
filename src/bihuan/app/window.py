"""The last hours as the rules and the tracer read them, brought up to date instead of made anew at every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import polars as pl

from bihuan.core import Interval

VALUE_STATS = ("avg", "zs_avg")
"""What a site is judged by; of the two an outlet's folded mean stands before the other."""


KEY = ["site", "pollutant", "start"]


class Window:
    """One value a site, pollutant and period.

    Parameters
    ----------
    interval : Interval
        Written into the rows.
    prepare : callable
        Makes rows with a site, one a key, of the rows as they are kept.
    """

    def __init__(self, interval: Interval, prepare: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        self._interval = interval
        self._prepare = prepare
        self._rows: pl.DataFrame | None = None

    def take(self, kept: pl.DataFrame, fresh: pl.DataFrame, since: datetime) -> pl.DataFrame:
        """Bring the window up to date and return it.

        Parameters
        ----------
        kept : DataFrame
            `fresh` rows among it, and every other row of their keys. Of an empty window: everything.
        fresh : DataFrame
            What came in since the last time; rows with the same start are made anew, all others stay.
        since : datetime
            Older periods fall out.

        Returns
        -------
        DataFrame of `alerts.VALUES_COLUMNS`
        """
        if self._rows is None:
            self._rows = self._judged(kept)
        else:
            starts = fresh["start"].unique().implode()
            touched = self._judged(kept.filter(pl.col("start").is_in(starts)))
            hit = pl.col("start").is_in(starts)
            others = self._rows.filter(hit).join(touched, on=KEY, how="anti", maintain_order="left")
            self._rows = pl.concat([self._rows.filter(~hit), others, touched])
        self._rows = self._rows.filter(pl.col("start") >= since)
        return self._rows

    @property
    def empty(self) -> bool:
        """Whether it is to be made anew."""
        return self._rows is None

    def forget(self) -> None:
        """Make the window anew the next time: the register has changed."""
        self._rows = None

    def _judged(self, kept: pl.DataFrame) -> pl.DataFrame:
        """One value a site, pollutant and period: what an outlet is judged by (zs_avg), else the mean.

        The checks look at what was measured; a folded mean is as doubtful as the one it was folded from.
        """
        before = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in KEY).fill_null(False)
        folded = before & (pl.col("reason") == "")
        return (
            self._prepare(kept)
            .filter(pl.col("stat").is_in(list(VALUE_STATS)))
            .sort(*KEY, "stat")
            .with_columns(reason=pl.when(folded).then(pl.col("reason").shift(1)).otherwise("reason"))
            .unique(KEY, keep="last", maintain_order=True)
            .select(
                "site",
                "pollutant",
                pl.lit(self._interval).alias("interval"),
                "start",
                "end",
                "value",
                (pl.col("value").is_not_null() & ~pl.col("quality").is_in(["bad", "missing"])).alias("usable"),
                "reason",
            )
        )
