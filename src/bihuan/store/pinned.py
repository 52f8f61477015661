"""A moment of the series, held for a copy while the writer goes on."""

from __future__ import annotations

from pathlib import Path

import duckdb

from bihuan.store.batches import error_of
from bihuan.store.indices import FILES, INDICES
from bihuan.store.segments import Position
from bihuan.store.tables import TABLES


class Pinned:
    """The series of one moment, until they are copied; use it in a ``with``."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
        self._cursor, self._target = cursor, target
        quoted = str(target).replace("'", "''")
        cursor.execute(f"ATTACH '{quoted}' AS copied")
        cursor.execute("BEGIN")
        cursor.execute("SELECT count(*) FROM consumed").fetchall()  # a snapshot begins with the first statement

    def __enter__(self) -> Pinned:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()

    def copy(self) -> tuple[dict[str, int], dict[str, Position]]:
        """Write the copy; return its rows by table, and the journal positions it goes with."""
        try:
            here = self._cursor.execute("SELECT current_database()").fetchall()[0][0]
            counts = {
                str(name): int(self._cursor.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]) for name in TABLES
            }
            rows = self._cursor.execute('SELECT gateway, segment, "offset" FROM consumed').fetchall()
            self._cursor.execute(f'COPY FROM DATABASE "{here}" TO copied')
            self._cursor.execute("COMMIT")
            self._cursor.execute("DETACH copied")
        except duckdb.Error as problem:
            raise error_of(problem, self._target) from problem
        return counts, {gateway: Position(segment, offset) for gateway, segment, offset in rows}


class LakePinned:
    """The series of a lake of one moment, until they are copied into a file; use it in a ``with``."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
        self._cursor, self._target = cursor, target
        quoted = str(target).replace("'", "''")
        cursor.execute(f"ATTACH '{quoted}' AS copied")
        cursor.execute("BEGIN")
        cursor.execute("SELECT count(*) FROM lake.consumed").fetchall()

    def __enter__(self) -> LakePinned:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()

    def copy(self) -> tuple[dict[str, int], dict[str, Position]]:
        """Write the copy as an embedded file; return its rows by table, and the journal positions it goes with."""
        try:
            for kept in (*TABLES.values(), INDICES, FILES):
                self._cursor.execute(kept.create.replace(kept.stored, f"copied.{kept.stored}", 1))
                self._cursor.execute(f"INSERT INTO copied.{kept.stored} SELECT * FROM lake.{kept.stored}")
            for name in ("consumed", "touched"):
                self._cursor.execute(f"CREATE TABLE copied.{name} AS SELECT * FROM lake.{name}")
            self._cursor.execute("CREATE TABLE copied.unsettled (within VARCHAR NOT NULL)")
            self._cursor.execute("INSERT INTO copied.unsettled VALUES ('true')")  # so that `latest` is made of all
            counts = {
                str(name): int(self._cursor.execute(f"SELECT count(*) FROM lake.{name}").fetchall()[0][0])
                for name in TABLES
            }
            rows = self._cursor.execute('SELECT gateway, segment, "offset" FROM lake.consumed').fetchall()
            self._cursor.execute("COMMIT")
            self._cursor.execute("DETACH copied")
        except duckdb.Error as problem:
            raise error_of(problem, self._target) from problem
        return counts, {gateway: Position(segment, offset) for gateway, segment, offset in rows}
