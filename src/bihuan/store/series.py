"""The series: readings, hours and days in one DuckDB file that one process owns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from bihuan.core import Period, StoreError
from bihuan.store.batches import (
    Batch,
    Written,
    bounds_of,
    columns_of,
    count_of,
    error_of,
    given,
    prepared,
    where_of,
    with_spots,
)
from bihuan.store.following import Following
from bihuan.store.indices import FILES, INDICES, store_files, store_indices
from bihuan.store.pinned import Pinned
from bihuan.store.reading import SeriesReading
from bihuan.store.sealeddays import put_hours_in_order, put_in_order
from bihuan.store.segments import FRAME_PATTERN, Position, checked_gateway
from bihuan.store.storing import of_a_step, store_batch
from bihuan.store.tables import (
    ALL_LATEST,
    CREATE_OTHERS,
    DAYS,
    HOURS,
    READINGS,
    SORTED_UNTIL,
    SPOT,
    TABLES,
    Kept,
    TableName,
)


class SeriesStore(SeriesReading):
    """Readings and roll-ups by key, with one current row each.

    Parameters
    ----------
    path : Path
        The DuckDB file; made when absent.
    threads : int
        Of DuckDB, for queries and large imports; what comes in a step is written with one.

    Raises
    ------
    StoreLocked
        If another process owns the file.
    """

    def __init__(self, path: Path, threads: int = 2) -> None:
        self.path = path
        self._threads = self._in_use = threads
        self._mutex = threading.RLock()
        self._following = self._new_following()
        try:
            self._connection = self._open()
        except duckdb.Error as problem:
            raise self._error(problem) from problem
        self._settle()
        self._unsettled = bool(self.query("SELECT 1 FROM unsettled LIMIT 1").height)

    def _open(self) -> duckdb.DuckDBPyConnection:
        config = {"threads": self._threads, "preserve_insertion_order": False, "checkpoint_threshold": "64MB"}
        connection = duckdb.connect(str(self.path), config=config)  # type: ignore[arg-type]
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def _new_following(self) -> Following:
        return Following()

    def _error(self, problem: duckdb.Error) -> StoreError:
        return error_of(problem, self.path)

    def _before_commit(self) -> None:
        """Nothing here: DuckDB syncs its own log."""

    def _settle(self) -> None:
        """Make the tables, and bring those of an older Bihuan up to date."""
        with self._writing() as connection:
            older = connection.execute(
                "SELECT 1 FROM duckdb_tables() WHERE table_name = 'readings' AND NOT internal"
            ).fetchone()
            if older:
                connection.execute("ALTER TABLE readings RENAME TO older_readings")
            for kept in (*TABLES.values(), INDICES, FILES):
                connection.execute(kept.create)
            for statement in CREATE_OTHERS:
                connection.execute(statement)
            if older:
                self._take_older(connection)

    def _take_older(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give rows that have no spot one; hours of the last of them may not have been averaged yet."""
        devices = connection.execute("SELECT DISTINCT device FROM older_readings").pl()
        with given(connection, "spots", with_spots(devices)):
            connection.execute(
                f"INSERT INTO {READINGS.stored} SELECT o.*, s.{SPOT} FROM older_readings o JOIN spots s USING (device)"
            )
        connection.execute("DROP TABLE older_readings")
        connection.execute("DELETE FROM latest")
        connection.execute("INSERT INTO latest " + ALL_LATEST.format(source=READINGS.stored, within="true"))
        connection.execute(f"DELETE FROM meta WHERE key IN ('latest_from', '{SORTED_UNTIL}')")

    def append(
        self,
        readings: Batch | None = None,
        *,
        hours: Batch | None = None,
        days: Batch | None = None,
        indices: Batch | None = None,
        files: Batch | None = None,
        consumed: Mapping[str, Position] | None = None,
        rolled: pl.DataFrame | None = None,
    ) -> Written:
        """Store rows and how far the journal was read, in one durable transaction.

        Parameters
        ----------
        readings : table of `core.READINGS_SCHEMA`
        hours, days : tables of `core.ROLLUP_SCHEMA`
        indices : table of `INDICES_SCHEMA`
            Not counted in what is returned: they follow from the hours.
        files : table of `FILES_SCHEMA`
        consumed : mapping of gateway to Position
            Behind the last frame that these readings were made from.
        rolled : DataFrame with device, start
            Hours of loggers whose means `hours` hold, these readings included: no longer `touched`.

        Notes
        -----
        Of two rows with one key the later one wins, in a batch and across batches, unless its data level is lower
        (实时 never replaces 已审核). A row that brings nothing new keeps its revision and its frame. A reading that
        comes again with the same value and no flag does not wash off the flag a check has set: `flag` does that.

        Raises
        ------
        FormatError
            If a table does not have the columns of its schema.
        DiskFull, StoreError
            Nothing was stored.
        """
        given: list[tuple[Kept, Batch]] = [
            (kept, batch) for kept, batch in ((READINGS, readings), (HOURS, hours), (DAYS, days)) if batch is not None
        ]
        batches = [(kept, prepared(kept, batch)) for kept, batch in given]
        written = Written()
        alone = of_a_step(sum(batch.height for _, batch in batches))
        with self._threads_for_writing(1 if alone else self._threads):
            with self._writing() as connection:
                for kept, batch in batches:
                    if batch.height:
                        stored = store_batch(connection, kept, batch)
                        written += stored
                        if kept is READINGS and stored.new + stored.revised:
                            self._following.take(connection, batch, changed=stored.new < batch.height)
                if rolled is not None and rolled.height:
                    self._following.unmark(connection, rolled)
                if indices is not None:
                    store_indices(connection, indices)
                if files is not None:
                    store_files(connection, files)
                for gateway, position in (consumed or {}).items():
                    self._consume(connection, gateway, position)
            if self._following.full:
                self._settle_latest()
        return written

    def flag(self, flags: Batch, of: TableName = "readings") -> int:
        """Set quality and reason of stored rows by their key and return how many changed; values stay as they are.

        Parameters
        ----------
        flags : table
            The key columns of the table, ``quality`` and ``reason``.
        """
        kept = TABLES[of]
        rows = columns_of(flags, [*kept.key, "quality", "reason"])
        if not rows.height:
            return 0
        rows = rows.unique(subset=list(kept.key), keep="last", maintain_order=True)
        rows = with_spots(rows) if kept.spotted else rows
        with self._writing() as connection:
            with given(connection, "batch", rows):
                changed = count_of(connection.execute(kept.flag.format(**bounds_of(rows))))
            if kept is READINGS and changed:
                self._following.take(connection, rows, changed=True)
        return changed

    def forget_journalled(self) -> int:
        """Drop every reading that came from the journal and how far it was read; return how many there were.

        Notes
        -----
        For `bihuan rebuild`: the journal then gives them all again. Imported files, hours and days stay.
        """
        with self._writing() as connection:
            dropped = connection.execute(
                f"DELETE FROM {READINGS.stored} WHERE regexp_full_match(frame, '{FRAME_PATTERN}')"
            )
            count = count_of(dropped)
            for table in ("consumed", "latest", "touched", "unsettled"):
                connection.execute(f"DELETE FROM {table}")
            connection.execute("INSERT INTO latest " + ALL_LATEST.format(source=READINGS.stored, within="true"))
        self._following.forget()
        return count

    def forget_readings(self, devices: Iterable[str], period: Period, gateways: Iterable[str] | None = None) -> int:
        """Drop readings of loggers within a time that frames of the journal can make again; return how many.

        Parameters
        ----------
        gateways : iterable of str, optional
            Only what their frames brought: others' journals may lie on another host.
        """
        where, values = where_of(period, device=devices)
        if gateways is not None:
            where += " AND split_part(frame, '-', 1) IN (SELECT unnest(?))"
            values.append(list(gateways))
        with self._writing() as connection:
            dropped = connection.execute(
                f"DELETE FROM {READINGS.stored} {where} AND regexp_full_match(frame, '{FRAME_PATTERN}')", values
            )
            count = count_of(dropped)
            connection.execute("DELETE FROM latest")
            connection.execute("INSERT INTO latest " + ALL_LATEST.format(source=READINGS.stored, within="true"))
        self._following.forget()
        return count

    def resort(self, before: datetime, stop: Callable[[], bool] = lambda: False) -> int:
        """Store the readings of the days before an instant ordered by device, and return how many rows that were.

        Parameters
        ----------
        before : datetime
            Days (UTC) that ended by then and were not put in order yet.
        stop : callable
            Asked between two pieces; what is left is done the next time.

        Notes
        -----
        Each day is done once (`bihuan.store.sealeddays`), in pieces of which each is a transaction; what arrives for
        it later stays behind it.
        """
        total = put_in_order(self, self._writing, before, stop)
        if total:
            self.checkpoint()
        return total

    def order_hours(self, before: datetime, stop: Callable[[], bool] = lambda: False) -> int:
        """Order what has come of days that are not sealed, hours before an instant, once that is much; return rows.

        Parameters
        ----------
        before, stop : as for `resort`
        """
        return put_hours_in_order(self, self._writing, before, stop)

    def latest(self, devices: Iterable[str] | None = None) -> pl.DataFrame:
        """Return the newest reading of each device, pollutant, stat and interval.

        Notes
        -----
        Kept as a table and brought up to date when asked for, or when much has come.
        """
        self._settle_latest()
        return super().latest(devices)

    def query(self, sql: str, values: Sequence[Any] = ()) -> pl.DataFrame:
        """Return the answer to a SELECT, of what is committed; instants are in UTC."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("SET TimeZone = 'UTC'")
            frame: pl.DataFrame = cursor.execute(sql, list(values)).pl()
            return frame
        except duckdb.Error as problem:
            raise self._error(problem) from problem
        finally:
            cursor.close()

    def pin(self, target: Path) -> Pinned:
        """Hold the series as they are now, for a copy into a new file while writing goes on."""
        with self._mutex:
            self._settle_latest()
            return Pinned(self._connection.cursor(), target)

    def tidy(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Do what the files need once a day; nothing here, where the log is folded in as it grows."""

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file."""
        with self._mutex:
            self._connection.execute("CHECKPOINT")

    def close(self) -> None:
        """Fold the log in and give the file to whoever asks next."""
        with self._mutex:
            with suppress(StoreError):  # what is noted is found again at the next start
                self._settle_latest()
            self._connection.close()

    def _settle_latest(self) -> None:
        with self._mutex:
            if self._following.rows or self._unsettled:
                with self._writing() as connection:
                    self._following.settle(connection)
                self._following.settled()
                self._unsettled = False

    @contextmanager
    def _threads_for_writing(self, threads: int) -> Iterator[None]:
        """Let DuckDB use so many threads; afterwards all that queries may have."""
        with self._mutex:
            self._use_threads(threads)
            try:
                yield
            finally:
                with suppress(StoreError):
                    self._use_threads(self._threads)

    def _use_threads(self, threads: int) -> None:
        if threads != self._in_use:
            try:
                self._connection.execute(f"SET threads = {threads}")
            except duckdb.Error as problem:
                raise self._error(problem) from problem
            self._in_use = threads

    def _consumed_as(self, gateway: str) -> str:
        return checked_gateway(gateway)

    def _consume(self, connection: duckdb.DuckDBPyConnection, gateway: str, position: Position) -> None:
        segment, offset = int(position.segment), int(position.offset)
        name = self._consumed_as(gateway)
        done = connection.execute(
            f"UPDATE consumed SET segment = {segment}, \"offset\" = {offset} WHERE gateway = '{name}'"
        )
        if not count_of(done):
            connection.execute(f"INSERT INTO consumed VALUES ('{name}', {segment}, {offset})")

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction of the one writer; rolled back as a whole when anything in it fails."""
        with self._mutex:
            try:
                self._connection.execute("BEGIN")
                yield self._connection
                self._before_commit()
                self._connection.execute("COMMIT")
                self._following.committed()
            except BaseException as problem:
                self._following.rolled_back()
                self._roll_back()
                if isinstance(problem, duckdb.Error):
                    raise self._error(problem) from problem
                raise

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:  # a commit that failed has ended the transaction already
            return
