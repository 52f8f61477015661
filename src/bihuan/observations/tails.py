"""The end of each series, so that `flag` needs not be handed hours of history at every step.

Of a series the checks look back on few readings, and at how long the last value has stood still. Both are kept here,
brought up to date with each batch. What does not simply go on at the end of its series (late or replaced readings, a
run that began before the window) is looked up in the whole history, as if nothing had been kept: the answers are the
same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.observations.checks import JUDGED_STATS, least_spans
from bihuan.observations.settings import Settings, default_settings

SERIES_KEY = ("device", "pollutant", "stat", "interval")
Int = NDArray[np.int64]
Float = NDArray[np.float64]
Whole = Callable[[pl.DataFrame], pl.DataFrame]
"""Returns all rows of some series, given by their key columns."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = pl.Datetime("us", "UTC")
NO_RUN = (pl.lit(None, _INSTANT).alias("since"), pl.lit(None, pl.Int64).alias("length"))
"""Columns of rows that stand for themselves alone."""

_FIRST_ROOM = 1024
_KEPT = ("start", "end", "since", "length")


class Tails:
    """The last readings of each series.

    Parameters
    ----------
    rows : DataFrame of `READINGS_SCHEMA`
        The window as it stands.
    settings : mapping, optional
        Tables of `flags.toml`.
    """

    def __init__(self, rows: pl.DataFrame, settings: Settings | None = None) -> None:
        table = settings or default_settings()
        half = max(
            int(table["jump"]["readings"]), int(table["spike"]["readings"]), int(table["noisy"]["readings"]) // 2
        )
        self._depth = half + 3
        self._least = least_spans(table).group_by("pollutant").agg(pl.col("least").min())
        self._keys = pl.DataFrame(schema={**dict.fromkeys(SERIES_KEY, pl.String), "number": pl.Int64})
        self._room(0)
        self._whole_for: pl.DataFrame | None = None
        self._push(self._numbered(rows), None)

    def history(self, batch: pl.DataFrame, since: datetime, whole: Whole) -> pl.DataFrame:
        """Return what `flag` must see beside a batch; call `take` with the same batch afterwards.

        Parameters
        ----------
        batch : DataFrame of `READINGS_SCHEMA`
        since : datetime
            Beginning of the window: history before it counts for nothing.
        whole : callable
            Finds the window's rows of series that do not simply go on.

        Returns
        -------
        DataFrame
            Rows with ``since`` and ``length`` of the run that each ends; of series looked up in full both are null.
        """
        rows = self._numbered(batch)
        edge = _micros(since)
        numbers, at = np.unique(rows["number"].to_numpy(), return_inverse=True)
        first = np.full(len(numbers), np.iinfo(np.int64).max)
        np.minimum.at(first, at, rows["start"].cast(pl.Int64).to_numpy())
        count = self._count[numbers]
        last = (count - 1) % self._depth
        ends = self._start[numbers, last]
        inside = (count > 0) & (ends >= edge)
        odd = (count > 0) & ((first <= ends) | (inside & (self._since[numbers, last] < edge)))
        self._whole_for = self._names(numbers[odd])
        plain = ~odd & inside
        lively = self._lively(numbers, at, rows["value"].to_numpy(), edge)
        found = [self._rows(numbers[plain & ~lively], 1, edge), self._rows(numbers[plain & lively], self._depth, edge)]
        if odd.any():
            found.append(whole(self._whole_for.select(SERIES_KEY)).select(found[0].columns[:-2]).with_columns(*NO_RUN))
        return pl.concat(found)

    def take(self, batch: pl.DataFrame, since: datetime, whole: Whole) -> None:
        """Bring the tails up to date with a batch that was judged and is in the window now."""
        rows = self._numbered(batch)
        if self._whole_for is not None and self._whole_for.height:
            again = self._whole_for.select(SERIES_KEY)
            numbers = self._whole_for["number"].to_numpy()
            self._count[numbers] = 0
            rows = rows.filter(~pl.col("number").is_in(self._whole_for["number"].implode()))
            self._push(self._numbered(whole(again)), None)
        self._whole_for = None
        self._push(rows, _micros(since))

    def _numbered(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Judged rows with the number of their series; a new series gets the next one."""
        rows = batch.filter(pl.col("stat").is_in([*JUDGED_STATS]))
        joined = rows.join(self._keys, on=SERIES_KEY, how="left", maintain_order="left")
        if not joined["number"].null_count():
            return joined
        new = joined.filter(pl.col("number").is_null()).select(SERIES_KEY).unique(maintain_order=True)
        numbers = np.arange(self._keys.height, self._keys.height + new.height)
        self._keys = pl.concat([self._keys, new.with_columns(number=pl.Series(numbers, dtype=pl.Int64))])
        self._room(self._keys.height)
        return rows.join(self._keys, on=SERIES_KEY, how="left", maintain_order="left")

    def _room(self, series: int) -> None:
        """Have room for so many series."""
        if not hasattr(self, "_count"):
            room = _FIRST_ROOM
            self._count: Int = np.zeros(room, np.int64)
            self._value: Float = np.full((room, self._depth), np.nan)
            self._start, self._end, self._since, self._length = (np.zeros((room, self._depth), np.int64) for _ in _KEPT)
        more = max(0, series - len(self._count))
        if more:
            more = max(more, len(self._count))
            self._count = np.concatenate([self._count, np.zeros(more, np.int64)])
            self._value = np.concatenate([self._value, np.full((more, self._depth), np.nan)])
            self._start, self._end, self._since, self._length = (
                np.concatenate([kept, np.zeros((more, self._depth), np.int64)])
                for kept in (self._start, self._end, self._since, self._length)
            )
        least = self._keys.join(self._least, on="pollutant", how="left", maintain_order="left")["least"]
        self._floor: Float = least.fill_null(np.inf).to_numpy()

    def _push(self, rows: pl.DataFrame, edge: int | None) -> None:
        """Put usable rows at the end of their series; `edge` is where the window begins, None: all is within."""
        usable = pl.col("value").is_not_null() & ~pl.col("quality").is_in(["bad", "missing"])
        rows = rows.filter(usable).sort("number", "start")
        if rows.is_empty():
            return
        number, value = rows["number"].to_numpy(), rows["value"].to_numpy()
        start, end = (rows[name].cast(pl.Int64).to_numpy() for name in ("start", "end"))
        turn = np.arange(len(number))
        first = np.concatenate([[True], number[1:] != number[:-1]])
        before = np.concatenate([[np.nan], value[:-1]])
        last = (self._count[number] - 1) % self._depth
        goes_on = first & (self._count[number] > 0)
        if edge is not None:
            goes_on &= self._start[number, last] >= edge
        before = np.where(first, np.where(goes_on, self._value[number, last], np.nan), before)
        same = ((value == before) | (np.isnan(value) & np.isnan(before))) & (~first | goes_on)
        begins = np.maximum.accumulate(np.where(first | ~same, turn, 0))
        carried = first & same
        since = np.where(carried, self._since[number, last], start)[begins]
        length = np.where(carried, self._length[number, last] + 1, 1)[begins] + turn - begins
        place = np.maximum.accumulate(np.where(first, turn, 0))
        slot = (self._count[number] + turn - place) % self._depth
        for kept, column in (
            (self._value, value),
            (self._start, start),
            (self._end, end),
            (self._since, since),
            (self._length, length),
        ):
            kept[number, slot] = column
        np.add.at(self._count, number, 1)

    def _lively(self, numbers: Int, at: Int, fresh: Float, edge: int) -> NDArray[np.bool_]:
        """Say which series span as much as a check of steps asks for, the batch included."""
        known = np.minimum(self._count[numbers], self._depth)[:, None] > np.arange(self._depth)[None]
        known &= self._start[numbers] >= edge
        values = self._value[numbers]
        high = np.where(known, values, -np.inf).max(axis=1, initial=-np.inf)
        low = np.where(known, values, np.inf).min(axis=1, initial=np.inf)
        given = ~np.isnan(fresh)
        np.maximum.at(high, at[given], fresh[given])
        np.minimum.at(low, at[given], fresh[given])
        span = high - low
        lively: NDArray[np.bool_] = ~(span < self._floor[numbers] * (1 - 1e-9))
        return lively

    def _rows(self, numbers: Int, depth: int, edge: int) -> pl.DataFrame:
        """Return the last readings of some series, in order of time."""
        back = np.arange(depth)[::-1][None]
        slot = (self._count[numbers][:, None] - 1 - back) % self._depth
        series = np.broadcast_to(numbers[:, None], slot.shape)
        known = (back < np.minimum(self._count[numbers], self._depth)[:, None]) & (self._start[series, slot] >= edge)
        series, slot = series[known], slot[known]
        names = self._keys[series].select(SERIES_KEY)
        plain = {name: pl.Series(getattr(self, f"_{name}")[series, slot], dtype=pl.Int64) for name in _KEPT}
        instants = {name: plain[name].cast(_INSTANT) for name in ("start", "end", "since")}
        rows: pl.DataFrame = names.with_columns(
            start=instants["start"],
            end=instants["end"],
            value=pl.Series(self._value[series, slot], dtype=pl.Float64),
            quality=pl.lit("good"),
            since=instants["since"],
            length=plain["length"],
        )
        return rows

    def _names(self, numbers: Int) -> pl.DataFrame:
        found: pl.DataFrame = self._keys[numbers]
        return found


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)
