"""The SQL of the series: made from the Arrow schemas of `core`, so that the two cannot drift apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from bihuan.core import BASES, KEY_COLUMNS, LEVELS, READINGS_SCHEMA, ROLLUP_KEY, ROLLUP_SCHEMA

SPOT = "spot"

TableName = Literal["readings", "hours", "days"]

_TYPES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int32(): "INTEGER",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def names_of(columns: list[str], of: str = "") -> str:
    """Return columns as they stand in a statement."""
    return ", ".join(f'{of}"{column}"' for column in columns)


def _rank(of: str) -> str:
    levels = ", ".join(f"'{level}'" for level in LEVELS)
    return f"list_position([{levels}], {of}.level)"


@dataclass(frozen=True)
class Kept:
    """One table of the series and the statements that fill it.

    The statements hold ``{within}``, where the rows of a batch can lie (`batches.bounds_of`), to be filled with
    literals: bound parameters cost DuckDB's Python client 0.2 ms a statement, much of a small commit.

    Attributes
    ----------
    name : str
    schema : pyarrow.Schema
    key : tuple of str
        A later row with this key replaces the earlier one.
    sticky : bool
        Whether a flag set by a check outlives the same value sent again without it.
    spotted : bool
        Whether a row also holds its ``spot`` (`batches.spot_of`), a number by which sealed days lie in order. DuckDB
        skips blocks by the first 8 bytes of a text only, and the numbers of one city's loggers share more than that.
        Rows lie in `stored` then, and `name` is the view of it without the spot.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    sticky: bool
    spotted: bool = False

    @property
    def stored(self) -> str:
        """Name of the table that rows are written to."""
        return f"kept_{self.name}" if self.spotted else self.name

    @property
    def columns(self) -> list[str]:
        """Columns that come in; the table adds ``revision``."""
        return list(self.schema.names)

    @property
    def create(self) -> str:
        """Make the table. No primary key: it costs 16 times the disk and 9 times the time."""
        spot = f", {SPOT} SMALLINT NOT NULL" if self.spotted else ""
        return f"CREATE TABLE IF NOT EXISTS {self.stored} ({self.described}{spot})"

    @property
    def described(self) -> str:
        """Columns with their types, as people ask for them."""
        rows = [f'"{field.name}" {_TYPES[field.type]}{"" if field.nullable else " NOT NULL"}' for field in self.schema]
        return f"{', '.join(rows)}, revision INTEGER NOT NULL"

    @property
    def view(self) -> str:
        """Make the view that hides the spot."""
        columns = names_of([*self.columns, "revision"])
        return f"CREATE VIEW IF NOT EXISTS {self.name} AS SELECT {columns} FROM {self.stored}"

    @property
    def insert_all(self) -> str:
        """Add the whole batch, where nothing of its time is there yet."""
        spot = f", {SPOT}" if self.spotted else ""
        return f"INSERT INTO {self.stored} SELECT {names_of(self.columns)}, 1{spot} FROM batch"

    @property
    def keys_between(self) -> str:
        """Name up to ``{most}`` keys that are there where the rows of a batch can lie."""
        return f"SELECT {names_of(list(self.key))} FROM {self.stored} r WHERE {{within}} LIMIT {{most}}"

    @property
    def any_between(self) -> str:
        """Ask whether anything of the batch's time is there yet, of those it is about."""
        return (
            f"SELECT 1 FROM {self.stored} r WHERE {{within}} "
            f'AND "{self.key[0]}" IN (SELECT DISTINCT "{self.key[0]}" FROM batch) LIMIT 1'
        )

    @property
    def insert_new(self) -> str:
        """Add the rows of the batch whose key is not there; where they can lie keeps the search small."""
        keys = list(self.key)
        spot = f", b.{SPOT}" if self.spotted else ""
        return (
            f"INSERT INTO {self.stored} SELECT {names_of(self.columns, 'b.')}, 1{spot} FROM batch b ANTI JOIN "
            f"(SELECT {names_of(keys)} FROM {self.stored} r WHERE {{within}}) k "
            f"USING ({names_of(keys)})"
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
            f"UPDATE {self.stored} r SET {changes}, "
            f"revision = r.revision + 1 FROM batch b WHERE {self._same_key} "
            f"AND {_rank('b')} >= {_rank('r')} "
            f"AND (({names_of(content, 'r.')}) IS DISTINCT FROM ({names_of(content, 'b.')}) OR {flags})"
        )

    @property
    def flag(self) -> str:
        """Set quality and reason, and nothing else."""
        return (
            f"UPDATE {self.stored} r SET quality = b.quality, reason = b.reason, revision = r.revision + 1 "
            f"FROM batch b WHERE {self._same_key} "
            "AND (r.quality, r.reason) IS DISTINCT FROM (b.quality, b.reason)"
        )

    @property
    def of_record(self) -> str:
        """Keep one row a period: the first basis that has a value."""
        others = names_of([column for column in self.key if column != "basis"])
        bases = ", ".join(f"'{basis}'" for basis in BASES)
        return (
            f"QUALIFY row_number() OVER (PARTITION BY {others} "
            f"ORDER BY value IS NULL, list_position([{bases}], basis)) = 1"
        )

    @property
    def order(self) -> str:
        """Order in which rows are handed out."""
        return names_of(list(self.key))

    @property
    def sealed_order(self) -> str:
        """Order in which sealed days are stored: what came in one frame stays together, which packs better."""
        return f'{SPOT}, device, "interval", start, pollutant, stat'

    @property
    def _same_key(self) -> str:
        pairs = " AND ".join(f'r."{column}" = b."{column}"' for column in self.key)
        return f"{{within}} AND {pairs}"


READINGS = Kept("readings", READINGS_SCHEMA, KEY_COLUMNS, sticky=True, spotted=True)
HOURS = Kept("hours", ROLLUP_SCHEMA, ROLLUP_KEY, sticky=False)
DAYS = Kept("days", ROLLUP_SCHEMA, ROLLUP_KEY, sticky=False)
TABLES: dict[TableName, Kept] = {"readings": READINGS, "hours": HOURS, "days": DAYS}

LATEST_KEY = ("device", "pollutant", "stat", "interval")

SORTED_UNTIL = "sorted_until"
"""Where `meta` has up to when sealed days are in order."""

HOURS_SORTED_UNTIL = "hours_sorted_until"
"""Where `meta` has up to when hours of days that are not sealed are in order."""

CREATE_OTHERS = (
    READINGS.view,
    "CREATE TABLE IF NOT EXISTS meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL)",
    'CREATE TABLE IF NOT EXISTS consumed (gateway VARCHAR NOT NULL, segment BIGINT NOT NULL, "offset" BIGINT NOT NULL)',
    "CREATE TABLE IF NOT EXISTS touched (device VARCHAR NOT NULL, start TIMESTAMPTZ NOT NULL)",
    "CREATE TABLE IF NOT EXISTS unsettled (within VARCHAR NOT NULL)",
    f"CREATE TABLE IF NOT EXISTS latest ({READINGS.described})",
)

_SAME_SERIES = " AND ".join(f'latest."{column}" = newest."{column}"' for column in LATEST_KEY)
_AS_LATEST = names_of([*READINGS.columns, "revision"], "r.")

ALL_LATEST = (
    f"SELECT {_AS_LATEST} FROM {{source}} r WHERE {{within}} "
    f"QUALIFY row_number() OVER (PARTITION BY {names_of(list(LATEST_KEY), 'r.')} ORDER BY r.start DESC) = 1"
)
"""The newest reading of each series among some rows."""

STORED_NEWEST = (
    f"SELECT {_AS_LATEST} FROM {READINGS.stored} r SEMI JOIN newest USING ({names_of(list(KEY_COLUMNS))}) "
    "WHERE {within}"
)
"""The rows of some keys as they stand now."""

DROP_OLDER = f"DELETE FROM latest USING newest WHERE {_SAME_SERIES} AND newest.start >= latest.start"
ADD_LATEST = f"INSERT INTO latest SELECT newest.* FROM newest ANTI JOIN latest USING ({names_of(list(LATEST_KEY))})"

MARK_TOUCHED = "INSERT INTO touched SELECT marks.* FROM marks ANTI JOIN touched USING (device, start)"
DROP_TOUCHED = "DELETE FROM touched USING marks WHERE touched.device = marks.device AND touched.start = marks.start"
