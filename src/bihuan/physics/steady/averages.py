"""Averages of hourly values by AERMOD's rule for calm and missing hours; highest values and percentiles.

Calm and missing hours count as nothing. An average of 2 to 24 hours, or of a month, is the sum over its hours divided
by the hours with wind and data, but by no less than three quarters of its hours (EPA-454/B-24-007, section 3.2.2); the
mean of a period or of a year divides by the hours with wind and data.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.physics.compiling import compiled

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
Hours = NDArray[np.datetime64]


class Averager:
    """Averages of one length, fed with hours in order, a part at a time.

    Parameters
    ----------
    length : int or {"MONTH", "PERIOD", "YEAR"}
        Hours of the day that make an average, counted from midnight; or calendar months, the whole, calendar years.
    totals : ndarray of bool, optional
        Along the second axis of the values: which are added up and not divided, as what comes down is.

    Attributes
    ----------
    used : list of int
        Hours with wind and data in each average returned so far.
    """

    def __init__(self, length: int | str, totals: Bool | None = None) -> None:
        if not (length in ("MONTH", "PERIOD", "YEAR") or (isinstance(length, int) and 1 <= length <= 24)):
            raise InputError(f"average of {length}: 1 to 24 hours, MONTH, PERIOD or YEAR")
        self.length, self.totals = length, totals
        self.used: list[int] = []
        self._key = -1
        self._sum: Float | None = None
        self._hours = self._usable = 0
        self._last = np.datetime64("NaT", "h")
        self._shape: tuple[int, ...] = ()

    def add(self, values: Float, usable: Bool, start: Hours) -> tuple[Hours, Float]:
        """Take hours and return the averages that are complete.

        Parameters
        ----------
        values : ndarray, shape (hours, ...)
        usable : ndarray of bool, shape (hours,)
            Hours with wind and data.
        start : ndarray of datetime64[h], shape (hours,)

        Returns
        -------
        last : ndarray of datetime64[h]
            Begin of the last hour of each average.
        averages : ndarray, shape (averages, ...)
        """
        self._shape = values.shape[1:]
        if self.length == 1:
            self.used += usable.astype(int).tolist()
            return start, values
        keys = self._keys(start)
        firsts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        ends = [*firsts[1:], len(keys)]
        last: list[np.datetime64] = []
        found: list[Float] = []
        for a, b in zip(firsts, ends, strict=True):
            if keys[a] != self._key:
                self._close(last, found)
                self._key, self._sum, self._hours, self._usable = int(keys[a]), np.zeros(values.shape[1:]), 0, 0
            assert self._sum is not None
            self._sum += values[a:b][usable[a:b]].sum(axis=0)
            self._hours += int(b - a)
            self._usable += int(usable[a:b].sum())
            self._last = start[b - 1]
        return _stacked(last, found, self._shape)

    def finish(self) -> tuple[Hours, Float]:
        """Return the average that was still open, if there is one."""
        last: list[np.datetime64] = []
        found: list[Float] = []
        self._close(last, found)
        self._key = -1
        return _stacked(last, found, self._shape)

    def _keys(self, start: Hours) -> Int:
        if self.length == "PERIOD":
            return np.zeros(len(start), dtype=np.int64)
        if self.length in ("MONTH", "YEAR"):
            return start.astype(f"datetime64[{str(self.length)[0]}]").astype(np.int64) + 1_000_000
        day = start.astype("datetime64[D]")
        hour = (start - day).astype("timedelta64[h]").astype(np.int64)
        return np.asarray(day.astype(np.int64) * 24 + hour // int(self.length), dtype=np.int64) + 10**9

    def _close(self, last: list[np.datetime64], found: list[Float]) -> None:
        if self._sum is None:
            return
        if self.length in ("PERIOD", "YEAR"):
            least = 1
        else:
            hours = self.length if isinstance(self.length, int) else self._hours
            least = round(0.75 * hours + 0.4)  # three quarters, rounded up (as in the source)
        mean = self._sum / max(self._usable, least, 1)
        if self.totals is not None:
            mean[self.totals] = self._sum[self.totals]
        found.append(mean)
        last.append(self._last)
        self.used.append(self._usable)
        self._sum = None


def _stacked(last: list[np.datetime64], found: list[Float], shape: tuple[int, ...]) -> tuple[Hours, Float]:
    stamps = np.array(last, dtype="datetime64[h]")
    return stamps, np.stack(found) if found else np.zeros((0, *shape))


class Highest:
    """The highest averages of every group and receptor, and when they came.

    Parameters
    ----------
    count : int
        How many of them.
    groups, receptors : int

    Attributes
    ----------
    values : ndarray, shape (count, groups, receptors)
        Highest first; 0 where there were fewer.
    when : ndarray of datetime64[h], shape (count, groups, receptors)
        Begin of the last hour of the average; NaT where the value is 0.
    seen : int
        Averages looked at.
    """

    def __init__(self, count: int, groups: int, receptors: int) -> None:
        self.values: Float = np.zeros((count, groups, receptors))
        self.when: Hours = np.full((count, groups, receptors), np.datetime64("NaT", "h"), dtype="datetime64[h]")
        self.seen = 0

    def add(self, last: Hours, values: Float) -> None:
        """Take averages, shape (averages, groups, receptors)."""
        _keep_highest(values, last.astype(np.int64), self.values, self.when.view(np.int64))
        self.seen += len(values)

    def add_at(self, when: Hours, values: Float) -> None:
        """Take one average of every group and receptor, each with a time of its own, shape (groups, receptors)."""
        _keep_each(values, when.astype(np.int64), self.values, self.when.view(np.int64))
        self.seen += 1


@compiled
def _keep_highest(values: Float, last: Int, top: Float, when: Int) -> None:
    """Insert each value into the highest so far of its group and receptor."""
    count = len(top)
    for place in range(len(values)):
        for g in range(values.shape[1]):
            for r in range(values.shape[2]):
                value = values[place, g, r]
                if value <= top[count - 1, g, r]:
                    continue
                k = count - 1
                while k > 0 and top[k - 1, g, r] < value:
                    top[k, g, r] = top[k - 1, g, r]
                    when[k, g, r] = when[k - 1, g, r]
                    k -= 1
                top[k, g, r] = value
                when[k, g, r] = last[place]


@compiled
def _keep_each(values: Float, last: Int, top: Float, when: Int) -> None:
    """The same for one value of each, with its own time."""
    count = len(top)
    for g in range(values.shape[0]):
        for r in range(values.shape[1]):
            if values[g, r] <= top[count - 1, g, r]:
                continue
            k = count - 1
            while k > 0 and top[k - 1, g, r] < values[g, r]:
                top[k, g, r] = top[k - 1, g, r]
                when[k, g, r] = when[k - 1, g, r]
                k -= 1
            top[k, g, r] = values[g, r]
            when[k, g, r] = last[g, r]


def ranks_for(percent: float, count: int) -> int:
    """Return how many of the highest of `count` values a percentile needs."""
    place = 1.0 + (count - 1) * percent / 100.0
    return max(count - int(place) + 1, 1)


def percentile(highest: Float, percent: float, count: int) -> Float:
    """Return a percentile of `count` values of which the highest are known.

    Parameters
    ----------
    highest : ndarray, shape (ranks, ...)
        Highest first; at least `ranks_for` of them.
    percent : float
        Above 0 and below 100.
    count : int
        Values altogether.

    Returns
    -------
    ndarray
        Between two values, by the share of the place ``1 + (count - 1) percent / 100`` (HJ 663-2013, annex A).

    Raises
    ------
    InputError
        If there is no value, or too few of the highest are known.
    """
    if count < 1 or not 0.0 < percent < 100.0:
        raise InputError(f"percentile {percent:g} of {count} values: there must be values, and it is between 0 and 100")
    place = 1.0 + (count - 1) * percent / 100.0
    below = int(place)
    low = count - below  # places from the top, from 0
    if low >= len(highest):
        raise InputError(
            f"percentile {percent:g} of {count} values needs the {low + 1} highest, there are {len(highest)}"
        )
    high = max(low - 1, 0)
    found: Float = highest[low] + (place - below) * (highest[high] - highest[low])
    return found
