"""What comes into the series and what goes out: batches of the right columns, clauses, arrays, errors."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from bihuan.core import LEVELS, QUALITIES, DiskFull, FormatError, Period, StoreError, StoreLocked
from bihuan.store.tables import SPOT, Kept

Batch: TypeAlias = "pa.Table | pl.DataFrame"

SPOTS = 32_768
"""Numbers that loggers are spread over: some hundred loggers of a block of 122,880 sealed rows share few of them."""

PART = "\x1f"
"""Parts names in a text that holds many; no code of a device or site has it."""

FEW = 64
"""Up to so many spots are named in a clause; with more, most blocks would be looked at anyway."""


@dataclass(frozen=True, slots=True)
class Written:
    """What an append did.

    Attributes
    ----------
    new, revised, unchanged : int
        Rows with a new key, with a known key and other content, and with nothing new; repeats inside the batch are
        not counted.
    """

    new: int = 0
    revised: int = 0
    unchanged: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(self.new + other.new, self.revised + other.revised, self.unchanged + other.unchanged)


def prepared(kept: Kept, batch: Batch) -> pl.DataFrame:
    """Return the batch in the order of the schema, missing as null, the last row of each key only."""
    frame = columns_of(batch, kept.columns)
    frame = frame.with_columns(pl.col("value").cast(pl.Float64).fill_nan(None))
    for column, words in (("quality", QUALITIES), ("level", LEVELS)):
        strange = set(frame[column].unique()) - set(words)
        if strange:
            raise FormatError(f"{column} {sorted(strange)} of a batch is unknown; allowed are {', '.join(words)}")
    keys = list(kept.key)
    if frame.select(keys).is_duplicated().any():
        rank = pl.col("level").replace_strict(LEVELS, list(range(len(LEVELS))))
        frame = frame.sort(rank, maintain_order=True).unique(subset=keys, keep="last", maintain_order=True)
    return with_spots(frame) if kept.spotted else frame


def spot_of(device: str) -> int:
    """Return the number by which sealed days lie in order: the same on every machine and in every version."""
    return zlib.crc32(device.encode()) % SPOTS


def with_spots(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the spot of their device."""
    names = frame["device"].unique()
    spots = pl.DataFrame({"device": names, SPOT: [spot_of(name) for name in names]}, schema_overrides={SPOT: pl.Int16})
    return frame.join(spots, on="device", how="left", maintain_order="left")


def columns_of(batch: Batch, columns: list[str], may_be_null: Collection[str] = ("value",)) -> pl.DataFrame:
    """Return the columns of a batch in the order given; only those of `may_be_null` may hold nothing.

    Raises
    ------
    FormatError
        If one is missing, holds nothing where something must stand, or is no instant in UTC.
    """
    frame = batch if isinstance(batch, pl.DataFrame) else pl.DataFrame(pl.from_arrow(batch))
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise FormatError(
            f"a batch for the series lacks {', '.join(missing)}; its columns are {', '.join(columns)}: "
            "make it with core.readings_table or after core.ROLLUP_SCHEMA"
        )
    frame = frame.select(columns)
    empty = [column for column in columns if column not in may_be_null and frame[column].null_count()]
    if empty:
        raise FormatError(
            f"a batch for the series has nothing in {', '.join(empty)}; only {', '.join(may_be_null)} may be null"
        )
    for column in ("start", "end"):
        if column in columns and frame[column].dtype != pl.Datetime("us", "UTC"):
            raise FormatError(f"column {column} of a batch is {frame[column].dtype}; it must be microseconds in UTC")
    return frame


def bounds_of(frame: pl.DataFrame) -> dict[str, str]:
    """Return as SQL where rows ``r`` with the keys of a batch can lie: first and last start, and few spots."""
    first, last = frame.select(pl.col("start").min().alias("first"), pl.col("start").max().alias("last")).row(0)
    within = f"r.start BETWEEN {literal(first)} AND {literal(last)}"
    spots = spots_clause(frame[SPOT].unique().sort().to_list(), "r.") if SPOT in frame.columns else ""
    within += f" AND {spots}" if spots else ""
    return {"within": within}


@contextmanager
def given(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> Iterator[None]:
    """Give rows to the statements inside, as a table of the connection.

    Notes
    -----
    A table, and not the Arrow memory itself: a join that DuckDB turns around would push instants as a filter into that
    memory, and its Python client fails there.
    """
    connection.register(f"{name}_in", rows.to_arrow())
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {name}_in")
        yield
        connection.execute(f"DROP TABLE temp.{name}")
    finally:
        connection.unregister(f"{name}_in")


@contextmanager
def lent(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> Iterator[None]:
    """Lend rows to one plain INSERT, from where they lie in memory: no join, no filter (`given` says why)."""
    connection.register(name, rows.to_arrow())
    try:
        yield
    finally:
        connection.unregister(name)


def spots_clause(spots: list[int], of: str = "") -> str:
    """Return what keeps a search to a few spots, empty where there are many."""
    return f"{of}{SPOT} IN ({', '.join(map(str, spots))})" if 0 < len(spots) <= FEW else ""


def literal(value: str | datetime) -> str:
    """Return a text or an instant as it stands in a statement."""
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.astimezone(UTC).isoformat()}'"
    return "'" + value.replace("'", "''") + "'"


def error_of(problem: duckdb.Error, path: Path) -> StoreError:
    """Return our error for one of DuckDB's."""
    said = str(problem)
    owner = re.search(r"PID (\d+)", said)
    if "lock" in said and owner:
        return StoreLocked(
            f"the series are open in process {owner[1]} ({path}): one process owns them; "
            "talk to that one through its API, or stop it first"
        )
    if "No space left" in said or "File too large" in said or "disk quota" in said.lower():
        return DiskFull(f"no room left on the disk of {path}: nothing was stored; free some, then go on")
    return StoreError(f"{path} cannot be used: {said.splitlines()[0]}")


def where_of(period: Period | None, **columns: Iterable[str] | None) -> tuple[str, list[Any]]:
    """Return a WHERE clause and its values; a column that is None is not asked for.

    Notes
    -----
    Names go as one text: for every member of a list DuckDB's Python client tries to import four optional packages
    anew, which cost 0.2 ms a name (5,000 loggers: a second).
    """
    parts: list[str] = []
    values: list[Any] = []
    for column, wanted in columns.items():
        if wanted is not None:
            names = list(wanted)
            joined = PART.join(names)
            if names and joined.count(PART) == len(names) - 1:
                parts.append(f'"{column}" IN (SELECT unnest(string_split(?, chr({ord(PART)}))))')
                values.append(joined)
            else:
                parts.append(f'"{column}" IN (SELECT unnest(?::VARCHAR[]))')
                values.append(names)
    if period is not None:
        parts.append("start >= ? AND start < ?")
        values += [period.start, period.end]
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


def count_of(result: duckdb.DuckDBPyConnection) -> int:
    """Return how many rows a statement changed."""
    row = result.fetchone()
    return int(row[0]) if row else 0


def set_meta(connection: duckdb.DuckDBPyConnection, key: str, value: str) -> None:
    """Keep what the series know of themselves, inside a transaction."""
    connection.execute("DELETE FROM meta WHERE key = ?", [key])
    connection.execute("INSERT INTO meta VALUES (?, ?)", [key, value])


def in_order(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return rows in the order of their keys.

    Notes
    -----
    Of a logger's week DuckDB's own ORDER BY over five columns, four of them texts, took longer than to find the rows;
    here the columns that say the same in every row (the logger, the interval) are left out, and the others are made
    one number, which is sorted in half the time.
    """
    if frame.is_empty():
        return frame
    vary = [key for key in keys if not (frame[key] == frame[key][0]).all()]
    ranks = [_ranks(frame[key]) for key in vary]
    sizes = [int(numbers.max()) + 1 for numbers in ranks]  # type: ignore[arg-type]  # a key is never null
    if not vary or prod(sizes) >= 2**63:
        return frame.sort(vary) if vary else frame
    place = ranks[0]
    for numbers, size in zip(ranks[1:], sizes[1:], strict=True):
        place = place * size + numbers
    return frame[place.arg_sort()]


def _ranks(column: pl.Series) -> pl.Series:
    """Return numbers from 0 on in the order of the values."""
    if column.dtype == pl.String:
        return column.cast(pl.Enum(column.unique().sort())).to_physical().cast(pl.Int64)
    numbers = column.to_physical()
    return numbers - numbers.min()


def instants_of(column: pl.Series) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    """Return a column of instants as plain UTC for computing."""
    return column.dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
