"""Readings of the last hours in memory: pieces as they came, never copied as a whole.

A step adds a piece; pieces of like size are put together, so that a row is copied a few times in its life. Only pieces
whose time a new one touches are searched for rows that it replaces, and only the oldest are cut when time goes on.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl

from bihuan.core import KEY_COLUMNS

LARGEST = 2_000_000
"""Rows up to which pieces are put together."""


class _Piece(NamedTuple):
    rows: pl.DataFrame
    first: datetime
    last: datetime


class Recent:
    """Rows of `core.READINGS_SCHEMA`, one a key.

    Parameters
    ----------
    rows : DataFrame
        What is known at the beginning.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self._empty = rows.clear()
        self._pieces: list[_Piece] = []
        self._since: datetime | None = None
        self._add(rows)

    @property
    def rows(self) -> pl.DataFrame:
        """Everything, the newest pieces last; nothing is copied."""
        return pl.concat([self._empty, *(piece.rows for piece in self._pieces)], rechunk=False)

    @property
    def whole_from(self) -> datetime | None:
        """From when on nothing that is known is missing here; None where there is nothing.

        A late row may lie before that: what else belongs to its time was forgotten.
        """
        oldest = min((piece.first for piece in self._pieces), default=None)
        return oldest if oldest is None or self._since is None else max(oldest, self._since)

    def cut(self, since: datetime) -> None:
        """Forget what began before an instant."""
        self._since = since
        kept: list[_Piece] = []
        for piece in self._pieces:
            if piece.first >= since:
                kept.append(piece)
            elif piece.last >= since:
                rows = piece.rows.filter(pl.col("start") >= since)
                kept.append(_piece(rows))
        self._pieces = kept

    def take(self, batch: pl.DataFrame) -> None:
        """Add rows; what they replace goes."""
        if batch.is_empty():
            return
        fresh = _piece(batch)
        self._pieces = [left for piece in self._pieces if (left := _without(piece, fresh)) is not None]
        self._add(batch)

    def of_series(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of some series: device, pollutant, stat, interval."""
        names = keys.columns
        found = [
            piece.rows.filter(pl.col("device").is_in(keys["device"].unique().implode())).join(
                keys, on=names, how="semi", maintain_order="left"
            )
            for piece in self._pieces
        ]
        return pl.concat([self._empty, *found])

    def _add(self, rows: pl.DataFrame) -> None:
        if rows.is_empty():
            return
        self._pieces.append(_piece(rows))
        while len(self._pieces) > 1:
            before, last = self._pieces[-2:]
            if before.rows.height > 2 * last.rows.height or before.rows.height + last.rows.height > LARGEST:
                return
            joined = pl.concat([before.rows, last.rows], rechunk=True)
            self._pieces[-2:] = [_Piece(joined, min(before.first, last.first), max(before.last, last.last))]


def _piece(rows: pl.DataFrame) -> _Piece:
    first, last = rows.select(first=pl.col("start").min(), last=pl.col("start").max()).row(0)
    return _Piece(rows, first, last)


def _without(piece: _Piece, fresh: _Piece) -> _Piece | None:
    """Leave out what fresh rows replace: only rows of their time are compared, and mostly none of them is replaced."""
    if piece.last < fresh.first or piece.first > fresh.last:
        return piece
    numbered = piece.rows.with_row_index("row")
    near = numbered.filter(pl.col("start").is_between(fresh.first, fresh.last))
    replaced = near.join(fresh.rows, on=list(KEY_COLUMNS), how="semi")["row"]
    if replaced.is_empty():
        return piece
    left = numbered.filter(~pl.col("row").is_in(replaced.implode())).drop("row")
    return _piece(left) if left.height else None
