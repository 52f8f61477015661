"""The series in a lake: the same tables and statements, a catalog in PostgreSQL, Parquet files that many hosts see.

Several writers may store at once: each holds a lock of the catalog during its transaction, because DuckLake lets two of
them in that add the same key. The files of a transaction are synced before it commits. The newest reading of each
series is kept by every process for itself, brought up to date from what was added since it looked last.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from bihuan.core import CatalogAway, Period, SettingError, StoreError
from bihuan.store.batches import count_of, error_of, set_meta, where_of
from bihuan.store.following import Following
from bihuan.store.indices import FILES, INDICES
from bihuan.store.lakeadded import CREATE_TOLD, TOLD, Added, added_by_others, mark_author, snapshot_of
from bihuan.store.lakeaddress import LakeAddress, extension_files, files_of
from bihuan.store.lakefiles import folders_below, sync_new
from bihuan.store.lakelatest import LakeLatest
from bihuan.store.pinned import LakePinned
from bihuan.store.segments import Position
from bihuan.store.series import SeriesStore
from bihuan.store.tables import CREATE_OTHERS, HOURS, READINGS, TABLES

INLINED = 500
"""Rows up to which an insert goes into the catalog itself, to be written out with the next tidying. [rows]"""

KEEP_SNAPSHOTS = timedelta(days=2)
"""For how long a reader may go on from an older state."""

MERGED_AT_ONCE = 200
"""Files merged in one transaction; writers wait for it."""

_PARTITIONS = (
    f"ALTER TABLE {READINGS.stored} SET PARTITIONED BY (year(start), month(start), day(start))",
    f"ALTER TABLE {READINGS.stored} SET SORTED BY ({READINGS.sealed_order})",
    "ALTER TABLE hours SET PARTITIONED BY (year(start), month(start))",
    f"ALTER TABLE hours SET SORTED BY ({HOURS.order})",
)

_LOST = ("connect", "server closed", "terminating", "shutting down", "starting up", "no route", "timed out", "ssl")
"""Words of messages that mean the catalog, in small letters."""


class LakeStore(SeriesStore):
    """Readings and roll-ups by key in a lake, with one current row each.

    Parameters
    ----------
    address : LakeAddress
    threads : int
        Of DuckDB in this process.

    Raises
    ------
    SettingError
        If the extensions are not installed.
    CatalogAway
        If the catalog does not answer.
    """

    def __init__(self, address: LakeAddress, threads: int = 2) -> None:
        self.address = address
        self._extensions = extension_files(address.remote)
        self._lock_number = zlib.crc32(f"bihuan {address.schema}".encode())
        self._lock: Any = None
        self._depth = 0
        self._broken = False
        self._latest = LakeLatest()
        self._telling = ""
        super().__init__(Path(address.data) / address.schema, threads)

    # -- opening and the catalog -----------------------------------------------------------------------------------

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"threads": self._threads, "preserve_insertion_order": False})
        for file in self._extensions:
            connection.execute(f"LOAD '{file}'")
        if self.address.remote:
            connection.execute(self.address.secret)
        else:
            Path(self.address.data).mkdir(parents=True, exist_ok=True)
        self._folder = self._settled_folder()
        where = f"ducklake:postgres:{self.address.conninfo}".replace("'", "''")
        data = self._folder.replace("'", "''")
        connection.execute(
            f"ATTACH '{where}' AS lake (DATA_PATH '{data}', METADATA_SCHEMA '{self.address.schema}', "
            f"DATA_INLINING_ROW_LIMIT {INLINED})"
        )
        self._latest.begin(connection)
        connection.execute("USE lake")
        connection.execute("SET TimeZone = 'UTC'")
        self._broken = False
        return connection

    def _settled_folder(self) -> str:
        """Return where the files lie: as the catalog says, or for a new lake in a folder of its own.

        Of its own, because the nightly tidying removes every file of the folder that the catalog does not name.
        """
        import psycopg  # noqa: PLC0415

        try:
            with psycopg.connect(self.address.conninfo, autocommit=True) as connection:
                known = files_of(connection, self.address.schema)
        except psycopg.Error as problem:
            raise self._error(problem) from problem
        top = self.address.data.rstrip("/") + "/"
        if known and not known.startswith(top):
            raise SettingError(
                f"lake_data = {self.address.data!r} is not where the catalog has the files of {self.address.schema}: "
                f"they lie in {known}; set lake_data to it, or to the folder above it"
            )
        return known or f"{top}{self.address.schema}-{secrets.token_hex(4)}/"

    def _settle(self) -> None:
        with self._writing() as connection:
            rows = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_catalog = 'lake'")
            known = {str(name) for (name,) in rows.fetchall()}
            if TOLD not in known:
                connection.execute(CREATE_TOLD)
            if READINGS.stored in known:
                return
            for kept in (*TABLES.values(), INDICES, FILES):
                connection.execute(kept.create)
            for statement in (*CREATE_OTHERS, *_PARTITIONS):
                connection.execute(statement)

    def _new_following(self) -> Following:
        return Following(alone=False)

    def _ensure(self) -> None:
        """Open anew what was lost with the catalog."""
        if self._broken:
            with suppress(duckdb.Error):
                self._connection.close()
            try:
                self._connection = self._open()
            except duckdb.Error as problem:
                raise self._error(problem) from problem

    def _error(self, problem: Exception) -> StoreError:
        said = self.address.hidden(str(problem))
        if any(word in said.lower() for word in _LOST) or not self._answers():
            self._broken = True
            of, runs = ("bucket", "the bucket is there") if "HTTP" in said else ("catalog", "PostgreSQL runs")
            return CatalogAway(
                f"the {of} of {self.address.name} does not answer ({said.splitlines()[0][:200]}): nothing was "
                f"stored, the journal holds what came; see that {runs}, then it goes on by itself"
            )
        return error_of(duckdb.Error(said), Path(self.address.name))

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415

        try:
            with psycopg.connect(self.address.conninfo, autocommit=True) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the writers; one that dies loses it with its connection."""
        import psycopg  # noqa: PLC0415

        if self._depth:
            yield
            return
        try:
            if self._lock is None or self._lock.closed:
                self._lock = psycopg.connect(self.address.conninfo, autocommit=True)
            self._lock.execute("SELECT pg_advisory_lock(%s)", [self._lock_number])
        except psycopg.Error as problem:
            self._drop_lock()
            raise self._error(problem) from problem
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            try:
                self._lock.execute("SELECT pg_advisory_unlock(%s)", [self._lock_number])
            except psycopg.Error:
                self._drop_lock()

    def _drop_lock(self) -> None:
        if self._lock is not None:
            with suppress(Exception):
                self._lock.close()
        self._lock = None

    @contextmanager
    def _writing(self, authored: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._mutex, self._locked():
            if hasattr(self, "_connection"):
                self._ensure()
            self._since = str(self._connection.execute("SELECT uuidv7()::VARCHAR").fetchall()[0][0])
            with super()._writing() as connection:
                if authored:
                    mark_author(connection, self.address.host)
                yield connection

    def _before_commit(self) -> None:
        """Say what is told beside it, sync the files of the transaction, and see that the lock is still ours."""
        if self._telling:
            values = [self.address.host, self._telling]
            self._connection.execute(f"INSERT INTO {TOLD} VALUES (now(), ?, ?)", values)
        if not self.address.remote:
            sync_new(Path(self.address.data), self._since, folders_below(Path(self._folder)))
        import psycopg  # noqa: PLC0415

        try:
            self._lock.execute("SELECT 1")
        except psycopg.Error as problem:
            self._drop_lock()
            raise self._error(problem) from problem

    @contextmanager
    def raw(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give the connection itself, for statements that a move needs; the lake is its default."""
        with self._mutex:
            self._ensure()
            try:
                yield self._connection
            except duckdb.Error as problem:
                raise self._error(problem) from problem

    @contextmanager
    def changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give the connection in a transaction of a writer."""
        with self._writing() as connection:
            yield connection

    # -- what differs ----------------------------------------------------------------------------------------------

    def query(self, sql: str, values: Sequence[Any] = ()) -> pl.DataFrame:
        """Return the answer to a SELECT, of what is committed; instants are in UTC.

        Raises
        ------
        CatalogAway
            If the catalog does not answer.
        """
        for last in (False, True):
            with self._mutex:
                self._ensure()
                cursor = self._connection.cursor()
            try:
                cursor.execute("USE lake")
                cursor.execute("SET TimeZone = 'UTC'")
                frame: pl.DataFrame = cursor.execute(sql, list(values)).pl()
                return frame
            except duckdb.Error as problem:
                error = self._error(problem)
                if last or not (self._broken and self._answers()):
                    raise error from problem
            finally:
                cursor.close()
        raise AssertionError("the second try answers or raises")

    def latest(self, devices: Iterable[str] | None = None) -> pl.DataFrame:
        """Return the newest reading of each device, pollutant, stat and interval.

        Notes
        -----
        Every process keeps its own table, brought up to date from what was added since it was asked last.
        """
        with self._mutex:
            self._ensure()
            try:
                self._latest.catch_up(self._connection)
            except duckdb.Error as problem:
                raise self._error(problem) from problem
        where, values = where_of(None, device=devices)
        return self.query(f"SELECT * FROM memory.latest {where} ORDER BY device, pollutant, stat, interval", values)

    def consumed(self) -> dict[str, Position]:
        """Return up to where each gateway's journal of this host has been read into the series."""
        mark = f"{self.address.host}/" if self.address.host else ""
        found = super().consumed()
        return {name.removeprefix(mark): at for name, at in found.items() if name.startswith(mark)}

    def gateways(self) -> dict[str, str]:
        """Return the gateways whose journals were ever read into the lake, with the host that reads each."""
        found = (name.rpartition("/") for name in super().consumed())
        return {gateway: host for host, _, gateway in found}

    def _consumed_as(self, gateway: str) -> str:
        name = super()._consumed_as(gateway)
        return f"{self.address.host}/{name}" if self.address.host else name

    @contextmanager
    def exclusive(self) -> Iterator[Any]:
        """Hold the lock of the city's writers for longer, and give the connection that holds it."""
        with self._mutex, self._locked():
            yield self._lock

    @contextmanager
    def telling(self, body: str) -> Iterator[None]:
        """Let what is stored in the block tell the other hosts something, in the same transaction."""
        with self._mutex:
            self._telling = body
            try:
                yield
            finally:
                self._telling = ""

    def told_since(self, at: datetime) -> tuple[str, ...]:
        """Return what other hosts told since an instant: for whoever cannot say what of it is known."""
        rows = self.query(
            f"SELECT body FROM {TOLD} WHERE told_at >= ? AND host <> ? ORDER BY told_at, host", [at, self.address.host]
        )
        return tuple(rows["body"])

    def added(self, since: int | None, until: datetime | None = None, *, hours_only: bool = False) -> Added:
        """Return what other hosts stored since one looked last; belongs into `exclusive`.

        Parameters
        ----------
        since : int or None
            `Added.upto` of the last time; None asks for nothing but how far the lake is.
        until : datetime, optional
            Leave what was stored later for the next time.
        hours_only : bool
            Leave the readings out.
        """
        import psycopg  # noqa: PLC0415

        assert self._depth, "others may store while one looks"
        self._ensure()
        try:
            if since is None:
                since = snapshot_of(self._lock, self.address.schema)
            where = (self.address.schema, self.address.host, since, until)
            return added_by_others(self._lock, self._connection, *where, hours_only=hours_only)
        except (duckdb.Error, psycopg.Error) as problem:
            raise self._error(problem) from problem

    def forget_readings(self, devices: Iterable[str], period: Period, gateways: Iterable[str] | None = None) -> int:
        """Drop readings as in a file; every process then makes its newest readings anew."""
        count = super().forget_readings(devices, period, gateways)
        with self._writing() as connection:
            connection.execute("DELETE FROM latest")
            set_meta(connection, "forgotten", str(self._snapshot()))
        return count

    def forget_journalled(self) -> int:
        """Drop every reading that came from the journal and how far it was read; return how many there were."""
        count = super().forget_journalled()
        with self._writing() as connection:
            connection.execute("DELETE FROM latest")
            set_meta(connection, "forgotten", str(self._snapshot()))
        return count

    def resort(self, before: datetime, stop: Callable[[], bool] = lambda: False) -> int:
        """Merge the small files of the commits: what is merged lies in the order of sealed days.

        Returns
        -------
        int
            How many files were merged into others.
        """
        self._maintain("CALL ducklake_flush_inlined_data('lake')")
        total = 0
        for table in (READINGS.stored, "hours", "days"):
            merged = -1
            while merged and not stop():
                merged = sum(
                    int(row[2])
                    for row in self._maintain(
                        f"SELECT schema_name, table_name, files_processed FROM ducklake_merge_adjacent_files("
                        f"'lake', '{table}', max_compacted_files => {MERGED_AT_ONCE})"
                    )
                )
                total += merged
        return total

    def order_hours(self, before: datetime, stop: Callable[[], bool] = lambda: False) -> int:
        """Nothing here: what commits wrote is merged in the night."""
        return 0

    def tidy(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Once a day: write deletions into their files, let go of old snapshots, remove files nobody names any more."""
        self.latest()
        with self._writing() as connection:
            self._latest.keep(connection)
            connection.execute(f"DELETE FROM {TOLD} WHERE told_at < now() - INTERVAL {KEEP_SNAPSHOTS.days} DAY")
        for statement in (
            "CALL ducklake_rewrite_data_files('lake')",
            f"CALL ducklake_expire_snapshots('lake', older_than => now() - INTERVAL {KEEP_SNAPSHOTS.days} DAY)",
            f"CALL ducklake_cleanup_old_files('lake', older_than => now() - INTERVAL {KEEP_SNAPSHOTS.days} DAY)",
            f"CALL ducklake_delete_orphaned_files('lake', older_than => now() - INTERVAL {KEEP_SNAPSHOTS.days} DAY)",
        ):
            if not stop():
                self._maintain(statement)

    def _maintain(self, statement: str) -> list[tuple[Any, ...]]:
        with self._writing(authored=False) as connection:
            return list(connection.execute(statement).pl().rows())  # instants as Python's would need one more package

    def pin(self, target: Path) -> LakePinned:  # type: ignore[override]  # used in a with, and copied from, alike
        """Hold the series as they are now, for a copy into a new file while writing goes on."""
        with self._mutex:
            self._ensure()
            cursor = self._connection.cursor()
            cursor.execute("USE lake")
            return LakePinned(cursor, target)

    def checkpoint(self) -> None:
        """Write what the catalog holds itself out into files."""
        self._maintain("CALL ducklake_flush_inlined_data('lake')")

    def close(self) -> None:
        """Let go of catalog and files."""
        with self._mutex:
            self._drop_lock()
            self._connection.close()

    def disconnect(self) -> None:
        """Let go of the catalog's tables while the lock is still held: the lake is about to be replaced."""
        with self._mutex:
            self._connection.close()

    def _settle_latest(self) -> None:
        """Nothing is gathered here."""

    def _use_threads(self, threads: int) -> None:
        """Nothing here: a commit waits for files and for the catalog, and the connection may have to be made anew."""

    def _snapshot(self) -> int:
        return count_of(self._connection.execute("SELECT id FROM ducklake_current_snapshot('lake')"))
