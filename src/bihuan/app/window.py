"""The last hours as the rules and the tracer read them, brought up to date instead of made anew at every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import polars as pl

from bihuan.app.values import as_values
from bihuan.core import Interval

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
        return as_values(self._prepare(kept), self._interval)
