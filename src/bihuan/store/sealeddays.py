"""Sealed days: readings of days that are over lie in the order of their loggers, so that one logger's are found soon.

In order of arrival every block of rows holds every logger, and one logger's week in 72 million rows took 260 ms; in
order it took 11 ms. Each day is done once, and what arrives for it later stays behind it. Of a day that is not over the
hours are put in order whenever so many readings have gathered that to look through them takes long: a city's day would
have 586 blocks, in order of some hours each it has some 60 that hold one logger.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import duckdb

from bihuan.core import DAY, HOUR, StoreError, floor_to, iso, parse_instant
from bihuan.store.batches import SPOTS, count_of, literal, set_meta
from bihuan.store.reading import SeriesReading
from bihuan.store.tables import HOURS_SORTED_UNTIL, READINGS, SORTED_UNTIL, SPOT

PIECE = 2_000_000
"""Rows of a sealed day that are put in order in one transaction: between two of them others may write."""

GATHERED = 2_000_000
"""Rows of hours that are over from which to order them pays; a city of 5,000 loggers has 3 million an hour."""

HOURS_PIECE = 500_000
"""As `PIECE`, while the loop waits for what came in the last seconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Writing: TypeAlias = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
"""Begins one transaction of the one writer of the series."""


def put_hours_in_order(series: SeriesReading, writing: Writing, before: datetime, stop: Callable[[], bool]) -> int:
    """Store readings of days that are not sealed ordered by device, as many hours at once as make `GATHERED` rows.

    Parameters
    ----------
    series, writing, stop : as for `put_in_order`
    before : datetime
        Hours that ended by then; of those before the last two days nothing is looked at.

    Returns
    -------
    int
        How many rows were put in order.
    """
    end = floor_to(before, HOUR)
    known = [_meta_instant(series, key) for key in (SORTED_UNTIL, HOURS_SORTED_UNTIL)]
    start = max([floor_to(before, DAY) - DAY, *(instant for instant in known if instant is not None)])
    total, gathered = 0, 0
    for hour, rows in _rows_by_hour(series, start, end):
        gathered += rows
        if gathered < GATHERED:
            continue
        if stop():
            return total
        total += _order_span(writing, start, hour + HOUR, gathered, HOURS_PIECE, stop)
        if stop():
            return total
        start, gathered = hour + HOUR, 0
        with writing() as connection:
            set_meta(connection, HOURS_SORTED_UNTIL, iso(start))
    return total


def put_in_order(series: SeriesReading, writing: Writing, before: datetime, stop: Callable[[], bool]) -> int:
    """Store the readings of the days before an instant ordered by device, and return how many rows that were.

    Parameters
    ----------
    series : SeriesReading
    writing : callable
        Gives the connection of the series in a transaction; a piece of a day is one.
    before : datetime
        Days (UTC) that ended by then and were not put in order yet.
    stop : callable
        Asked between two pieces; what is left is done the next time.
    """
    start = _first_day(series)
    total = 0
    while start is not None and start + DAY <= before and not stop():
        total += _order_day(series, writing, start, stop)
        start += DAY
    return total


def _first_day(series: SeriesReading) -> datetime | None:
    """Return the day to go on with; None when there is nothing."""
    known = _meta_instant(series, SORTED_UNTIL)
    if known is not None:
        return known
    first: datetime | None = series.query("SELECT min(start) AS first FROM readings")["first"][0]
    return None if first is None else floor_to(first, DAY)


def _meta_instant(series: SeriesReading, key: str) -> datetime | None:
    found = series.query("SELECT value FROM meta WHERE key = ?", [key])
    return parse_instant(found["value"][0]) if found.height else None


def _rows_by_hour(series: SeriesReading, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    long = HOUR // timedelta(microseconds=1)  # a calendar would cost many times what a division costs
    found = series.query(
        f"SELECT epoch_us(start) // {long} AS hour, count(*) AS rows FROM {READINGS.stored} "
        f"WHERE {_between(start, end)} GROUP BY hour ORDER BY hour"
    )
    return [(_EPOCH + int(hour) * HOUR, int(rows)) for hour, rows in found.iter_rows()]


def _between(start: datetime, end: datetime) -> str:
    return f"start >= {literal(start)} AND start < {literal(end)}"


def _order_day(series: SeriesReading, writing: Writing, start: datetime, stop: Callable[[], bool]) -> int:
    end = start + DAY
    rows = int(series.query(f"SELECT count(*) FROM {READINGS.stored} WHERE {_between(start, end)}").item())
    total = _order_span(writing, start, end, rows, PIECE, stop)
    if not stop():
        with writing() as connection:
            set_meta(connection, SORTED_UNTIL, iso(end))
    return total


def _order_span(
    writing: Writing, start: datetime, end: datetime, rows: int, most: int, stop: Callable[[], bool]
) -> int:
    """Order rows of a span of time, loggers after loggers so that about `most` rows are moved in a transaction."""
    pieces = max(1, -(-rows // most))
    total = 0
    for piece in range(pieces):
        if stop():
            break
        first, last = (SPOTS * number // pieces for number in (piece, piece + 1))
        total += _order_piece(writing, f"{_between(start, end)} AND {SPOT} BETWEEN {first} AND {last - 1}")
    return total


def _order_piece(writing: Writing, where: str) -> int:
    try:
        with writing() as connection:
            connection.execute("SET preserve_insertion_order = true")
            connection.execute(f"CREATE OR REPLACE TEMP TABLE piece AS SELECT * FROM {READINGS.stored} WHERE {where}")
            count = count_of(connection.execute(f"DELETE FROM {READINGS.stored} WHERE {where}"))
            connection.execute(f"INSERT INTO {READINGS.stored} SELECT * FROM piece ORDER BY {READINGS.sealed_order}")
            connection.execute("DROP TABLE piece")
    finally:  # not inside: DuckDB takes no setting while a transaction waits to be rolled back
        with suppress(StoreError), writing() as connection:
            connection.execute("SET preserve_insertion_order = false")
    return count
