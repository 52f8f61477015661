"""The last hours as the rules and the tracer read them, brought up to date instead of made anew at every step.

A city of 5,000 loggers has 3 million minutes an hour and rules that look back on a day and more: the rows lie hour by
hour, so that a step touches the hours it has news of and copies no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import polars as pl

from bihuan.app.values import as_values
from bihuan.core import HOUR, Interval, floor_to

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
        self._hours: dict[datetime, pl.DataFrame] | None = None
        self._nothing = pl.DataFrame()

    def fill(self, pieces: Iterable[pl.DataFrame]) -> None:
        """Make the window anew of everything that is kept, at least one piece; the rows of one start stand in one."""
        self._hours = {}
        for piece in pieces:
            for hour, rows in self._by_hour(piece):
                known = self._hours.get(hour)
                self._hours[hour] = rows if known is None else pl.concat([known, rows])

    def take(self, kept: pl.DataFrame, fresh: pl.DataFrame) -> None:
        """Bring a window that was filled up to date.

        Parameters
        ----------
        kept : DataFrame
            `fresh` rows among it, and every other row of their keys.
        fresh : DataFrame
            What came in since the last time; rows with the same start are made anew, all others stay.
        """
        assert self._hours is not None, "a window is filled before it is brought up to date"
        starts = fresh["start"].unique().implode()
        for hour, touched in self._by_hour(kept.filter(pl.col("start").is_in(starts))):
            known = self._hours.get(hour, self._nothing)
            hit = pl.col("start").is_in(starts)
            others = known.filter(hit).join(touched, on=KEY, how="anti", maintain_order="left")
            self._hours[hour] = pl.concat([known.filter(~hit), others, touched])

    def cut(self, since: datetime) -> None:
        """Forget periods that began before an instant."""
        first = floor_to(since, HOUR)
        self._hours = {hour: rows for hour, rows in (self._hours or {}).items() if hour >= first}
        if first in self._hours:
            self._hours[first] = self._hours[first].filter(pl.col("start") >= since)

    def rows(self, since: datetime, until: datetime | None = None) -> pl.DataFrame:
        """Return what began at an instant or later, and ended by another, with `alerts.VALUES_COLUMNS`.

        Hours that lie whole between them are not copied; no period is taken to be longer than an hour.
        """
        first = floor_to(since, HOUR)
        found = [self._nothing]
        for hour, rows in sorted((self._hours or {}).items(), key=lambda item: item[0]):
            if hour < first:
                continue
            shown = rows.filter(pl.col("start") >= since) if hour == first else rows
            found.append(shown.filter(pl.col("end") <= until) if until and until < hour + 2 * HOUR else shown)
        return pl.concat(found, rechunk=False)

    @property
    def empty(self) -> bool:
        """Whether it is to be filled."""
        return self._hours is None

    def forget(self) -> None:
        """Make the window anew the next time: the register has changed."""
        self._hours = None

    def _by_hour(self, kept: pl.DataFrame) -> list[tuple[datetime, pl.DataFrame]]:
        judged = as_values(self._prepare(kept), self._interval)
        self._nothing = judged.clear()
        hour = pl.col("start").dt.truncate("1h")
        return [(start, rows) for (start,), rows in judged.group_by(hour, maintain_order=True)]
