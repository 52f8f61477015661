"""The newest reading of each series of a lake, in a table of this process.

A table of the lake itself would be rewritten with every commit. Once a day it is kept there, so that a process that
starts has only to read what was added since.
"""

from __future__ import annotations

import duckdb

from bihuan.store.tables import LATEST_KEY, READINGS

_COLUMNS = ", ".join(f'"{column}"' for column in [*READINGS.columns, "revision"])
_KEY = ", ".join(f'"{column}"' for column in LATEST_KEY)
_SAME = " AND ".join(f'memory.latest."{column}" = newest."{column}"' for column in LATEST_KEY)

_NEWEST = (
    f"CREATE OR REPLACE TEMP TABLE newest AS SELECT {_COLUMNS} FROM {{source}} "
    f"QUALIFY row_number() OVER (PARTITION BY {_KEY} ORDER BY start DESC{{last}}) = 1"
)


class LakeLatest:
    """State beside the table `memory.latest` of a connection."""

    def __init__(self) -> None:
        self._seen: int | None = None
        self._forgotten = ""

    def begin(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the empty table of a fresh connection."""
        connection.execute(f"CREATE OR REPLACE TABLE memory.latest ({READINGS.described})")
        self._seen = None

    def catch_up(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bring the table up to date."""
        meta = dict(connection.execute("SELECT key, value FROM lake.meta").fetchall())
        if meta.get("forgotten", "") != self._forgotten:
            self._forgotten, self._seen = meta.get("forgotten", ""), None
        now = int(connection.execute("SELECT id FROM ducklake_current_snapshot('lake')").fetchall()[0][0])
        if self._seen is None:
            self._seen = self._load(connection, meta)
        if self._seen is not None and self._seen < now:
            try:
                self._add(
                    connection,
                    f"ducklake_table_insertions('lake', 'main', '{READINGS.stored}', {self._seen + 1}, {now})",
                    ", snapshot_id DESC",
                )
                self._seen = now
            except duckdb.Error as problem:
                if "snapshot" not in str(problem).lower():
                    raise
                self._seen = None  # longer away than snapshots are kept
        if self._seen is None:
            connection.execute("DELETE FROM memory.latest")
            self._add(connection, f"lake.{READINGS.stored}", "")
            self._seen = now

    def keep(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Keep the table in the lake for processes that start."""
        connection.execute("DELETE FROM lake.latest")
        connection.execute("INSERT INTO lake.latest SELECT * FROM memory.latest")
        connection.execute("DELETE FROM lake.meta WHERE key = 'latest_at'")
        connection.execute("INSERT INTO lake.meta VALUES ('latest_at', ?)", [str(self._seen)])

    def _load(self, connection: duckdb.DuckDBPyConnection, meta: dict[str, str]) -> int | None:
        at = meta.get("latest_at")
        if at is None or int(at) < int(meta.get("forgotten") or 0):
            return None
        connection.execute("DELETE FROM memory.latest")
        connection.execute("INSERT INTO memory.latest SELECT * FROM lake.latest")
        return int(at)

    def _add(self, connection: duckdb.DuckDBPyConnection, source: str, last: str) -> None:
        connection.execute(_NEWEST.format(source=source, last=last))
        connection.execute(f"DELETE FROM memory.latest USING newest WHERE {_SAME} AND newest.start >= latest.start")
        connection.execute(
            f"INSERT INTO memory.latest SELECT newest.* FROM newest ANTI JOIN memory.latest USING ({_KEY})"
        )
        connection.execute("DROP TABLE temp.newest")
