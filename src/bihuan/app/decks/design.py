"""Ranks as standards want them: the nth highest of each year's daily maxima (or days), averaged over the years.

AERMOD writes PLOTFILEs of NO2 and SO2 by the hour, and of PM2.5 by the day, in this way unless the deck says H1H, H2H
or INC beside the pollutant, or NOCHKD (EPA-454/B-24-007, section 3.2.13). Years are those of the calendar here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.physics import Highest

Float = NDArray[np.float64]
Hours = NDArray[np.datetime64]


class YearlyRanks:
    """Highest days of every year.

    Parameters
    ----------
    count : int
        Ranks that are kept.
    rows, receptors : int
    daily : bool
        Whether a day counts with its highest average; else every average counts.

    Attributes
    ----------
    years : dict of int to Highest
    count : int
    """

    def __init__(self, count: int, rows: int, receptors: int, *, daily: bool) -> None:
        self.years: dict[int, Highest] = {}
        self.count = count
        self._shape = (count, rows, receptors)
        self._daily = daily
        self._day: np.datetime64 | None = None
        self._best: Float = np.zeros((rows, receptors))
        self._when: Hours = np.full((rows, receptors), np.datetime64("NaT", "h"), dtype="datetime64[h]")

    def add(self, last: Hours, values: Float) -> None:
        """Take averages in order, shape (averages, rows, receptors); `last` is when the last hour of each begins."""
        if not self._daily:
            for year in np.unique(last.astype("datetime64[Y]")):
                chosen = last.astype("datetime64[Y]") == year
                self._of(year).add(last[chosen], values[chosen])
            return
        days = last.astype("datetime64[D]")
        for day in np.unique(days):
            chosen = np.flatnonzero(days == day)
            if day != self._day:
                self._close()
                self._day = day
            part = values[chosen]
            place = part.argmax(axis=0)
            best = np.take_along_axis(part, place[None], axis=0)[0]
            higher = best > self._best
            self._best = np.where(higher, best, self._best)
            self._when = np.where(higher, last[chosen][place], self._when)

    def finish(self) -> None:
        """Close the day that is still open."""
        self._close()

    def rank(self, rank: int) -> tuple[Float, list[tuple[int, Float, Hours]]]:
        """Return a rank averaged over the years, shape (rows, receptors), and of each year with its times."""
        each = [(year, kept.values[rank - 1], kept.when[rank - 1]) for year, kept in sorted(self.years.items())]
        mean: Float = np.mean([values for _, values, _ in each], axis=0)
        return mean, each

    def _close(self) -> None:
        if self._day is None:
            return
        year = self._of(self._day.astype("datetime64[Y]"))
        # days of one row and receptor may have their highest hours at different times: kept one by one
        year.add_at(self._when, self._best)
        self._best = np.zeros(self._shape[1:])
        self._when = np.full(self._shape[1:], np.datetime64("NaT", "h"), dtype="datetime64[h]")
        self._day = None

    def _of(self, year: np.datetime64) -> Highest:
        number = int(year.astype("datetime64[Y]").astype(np.int64)) + 1970
        if number not in self.years:
            self.years[number] = Highest(*self._shape)
        return self.years[number]
