"""The SQL of the series: made from the Arrow schemas of `core`, so that the two cannot drift apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from bihuan.core import BASES, KEY_COLUMNS, LEVELS, READINGS_SCHEMA, ROLLUP_KEY, ROLLUP_SCHEMA

TableName = Literal["readings", "hours", "days"]

_TYPES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int32(): "INTEGER",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def _names(columns: list[str], of: str = "") -> str:
    return ", ".join(f'{of}"{column}"' for column in columns)


def _rank(of: str) -> str:
    levels = ", ".join(f"'{level}'" for level in LEVELS)
    return f"list_position([{levels}], {of}.level)"


@dataclass(frozen=True)
class Kept:
    """One table of the series and the statements that fill it.

    The statements hold ``{first}`` and ``{last}``, the time range of the batch, to be filled with literals: bound
    parameters cost DuckDB's Python client 0.2 ms a statement, much of a small commit.

    Attributes
    ----------
    name : str
    schema : pyarrow.Schema
    key : tuple of str
        A later row with this key replaces the earlier one.
    sticky : bool
        Whether a flag set by a check outlives the same value sent again without it.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    sticky: bool

    @property
    def columns(self) -> list[str]:
        """Columns that come in; the table adds ``revision``."""
        return list(self.schema.names)

    @property
    def create(self) -> str:
        """Make the table. No primary key: it costs 16 times the disk and 9 times the time."""
        rows = [f'"{field.name}" {_TYPES[field.type]}{"" if field.nullable else " NOT NULL"}' for field in self.schema]
        return f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(rows)}, revision INTEGER NOT NULL)"

    @property
    def insert_all(self) -> str:
        """Add the whole batch, where nothing of its time is there yet."""
        return f"INSERT INTO {self.name} SELECT {_names(self.columns)}, 1 FROM batch"

    @property
    def any_between(self) -> str:
        """Ask whether anything of the batch's time is there yet, of those it is about."""
        return (
            f"SELECT 1 FROM {self.name} WHERE start BETWEEN {{first}} AND {{last}} "
            f'AND "{self.key[0]}" IN (SELECT DISTINCT "{self.key[0]}" FROM batch) LIMIT 1'
        )

    @property
    def insert_new(self) -> str:
        """Add the rows of the batch whose key is not there; the time range keeps the search small."""
        keys = list(self.key)
        return (
            f"INSERT INTO {self.name} SELECT {_names(self.columns, 'b.')}, 1 FROM batch b ANTI JOIN "
            f"(SELECT {_names(keys)} FROM {self.name} WHERE start BETWEEN {{first}} AND {{last}}) k "
            f"USING ({_names(keys)})"
        )

    @property
    def revise(self) -> str:
        """Replace rows that differ and raise their revision; a lower data level never replaces a higher one."""
        rest = [column for column in self.columns if column not in self.key]
        content = [column for column in rest if column not in {"origin", "frame", "quality", "reason"}]
        flags = "(r.quality, r.reason) IS DISTINCT FROM (b.quality, b.reason)"
        if self.sticky:
            flags = f"({flags} AND b.quality <> 'good')"
        changes = ", ".join(f'"{column}" = b."{column}"' for column in rest)
        return (
            f"UPDATE {self.name} r SET {changes}, "
            f"revision = r.revision + 1 FROM batch b WHERE {self._same_key} "
            f"AND {_rank('b')} >= {_rank('r')} "
            f"AND (({_names(content, 'r.')}) IS DISTINCT FROM ({_names(content, 'b.')}) OR {flags})"
        )

    @property
    def flag(self) -> str:
        """Set quality and reason, and nothing else."""
        return (
            f"UPDATE {self.name} r SET quality = b.quality, reason = b.reason, revision = r.revision + 1 "
            f"FROM batch b WHERE {self._same_key} "
            "AND (r.quality, r.reason) IS DISTINCT FROM (b.quality, b.reason)"
        )

    @property
    def of_record(self) -> str:
        """Keep one row a period: the first basis that has a value."""
        others = _names([column for column in self.key if column != "basis"])
        bases = ", ".join(f"'{basis}'" for basis in BASES)
        return (
            f"QUALIFY row_number() OVER (PARTITION BY {others} "
            f"ORDER BY value IS NULL, list_position([{bases}], basis)) = 1"
        )

    @property
    def order(self) -> str:
        """Order in which rows are handed out and sealed days are stored."""
        return _names(list(self.key))

    @property
    def _same_key(self) -> str:
        pairs = " AND ".join(f'r."{column}" = b."{column}"' for column in self.key)
        return f"r.start BETWEEN {{first}} AND {{last}} AND {pairs}"


READINGS = Kept("readings", READINGS_SCHEMA, KEY_COLUMNS, sticky=True)
HOURS = Kept("hours", ROLLUP_SCHEMA, ROLLUP_KEY, sticky=False)
DAYS = Kept("days", ROLLUP_SCHEMA, ROLLUP_KEY, sticky=False)
TABLES: dict[TableName, Kept] = {"readings": READINGS, "hours": HOURS, "days": DAYS}

LATEST_KEY = ("device", "pollutant", "stat", "interval")

CREATE_OTHERS = (
    "CREATE TABLE IF NOT EXISTS meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL)",
    'CREATE TABLE IF NOT EXISTS consumed (gateway VARCHAR NOT NULL, segment BIGINT NOT NULL, "offset" BIGINT NOT NULL)',
    READINGS.create.replace("readings", "latest", 1),
)

FIND_LATEST = (
    f"CREATE OR REPLACE TEMP TABLE found AS SELECT * FROM readings WHERE start >= ? "
    f"QUALIFY row_number() OVER (PARTITION BY {_names(list(LATEST_KEY))} ORDER BY start DESC) = 1"
)
DROP_OLDER = (
    "DELETE FROM latest USING found WHERE "
    + " AND ".join(f'latest."{column}" = found."{column}"' for column in LATEST_KEY)
    + " AND found.start >= latest.start"
)
ADD_LATEST = f"INSERT INTO latest SELECT found.* FROM found ANTI JOIN latest USING ({_names(list(LATEST_KEY))})"
