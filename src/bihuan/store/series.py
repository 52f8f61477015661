"""The series: readings, hours and days in one DuckDB file that one process owns.

Why no MERGE: measured on commits of 1,000 rows, an anti-joined INSERT, and an UPDATE only where a key was there
already, take half the time of a MERGE, and MERGE would let two rows of one key in when both are in the batch.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from bihuan.core import (
    DAY,
    InputError,
    Interval,
    Period,
    Place,
    Series,
    Stat,
    floor_to,
    iso,
    parse_instant,
)
from bihuan.store.batches import (
    Batch,
    Written,
    bounds_of,
    columns_of,
    count_of,
    error_of,
    instants_of,
    prepared,
    where_of,
)
from bihuan.store.indices import FILES, INDICES, VERDICT_ID, store_files, store_indices
from bihuan.store.pinned import Pinned
from bihuan.store.segments import EPOCH, FRAME_PATTERN, Position, checked_gateway
from bihuan.store.tables import (
    ADD_LATEST,
    CREATE_OTHERS,
    DAYS,
    DROP_OLDER,
    FIND_LATEST,
    HOURS,
    READINGS,
    TABLES,
    Kept,
    TableName,
)

LARGE = 20_000
"""From here on a batch is worth a look whether its time is empty. [rows]"""


class SeriesStore:
    """Readings and roll-ups by key, with one current row each.

    Parameters
    ----------
    path : Path
        The DuckDB file; made when absent.
    threads : int
        Of DuckDB. Commits of 1,000 rows are a third faster with one, large imports and queries with all.

    Raises
    ------
    StoreLocked
        If another process owns the file.
    """

    def __init__(self, path: Path, threads: int = 2) -> None:
        self.path = path
        self._mutex = threading.RLock()
        try:
            self._connection = duckdb.connect(
                str(path),
                config={"threads": threads, "preserve_insertion_order": False, "checkpoint_threshold": "64MB"},
            )
        except duckdb.Error as problem:
            raise error_of(problem, path) from problem
        with self._writing() as connection:
            for kept in (*TABLES.values(), INDICES, FILES):
                connection.execute(kept.create)
            for statement in CREATE_OTHERS:
                connection.execute(statement)
        self._latest_from = self._meta_instant("latest_from")

    def append(
        self,
        readings: Batch | None = None,
        *,
        hours: Batch | None = None,
        days: Batch | None = None,
        indices: Batch | None = None,
        files: Batch | None = None,
        consumed: Mapping[str, Position] | None = None,
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
        with self._writing() as connection:
            for kept, batch in batches:
                if batch.height:
                    written += self._store(connection, kept, batch)
            if indices is not None:
                store_indices(connection, indices)
            if files is not None:
                store_files(connection, files)
            for gateway, position in (consumed or {}).items():
                self._consume(connection, gateway, position)
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
        with self._writing() as connection:
            connection.register("batch", rows.to_arrow())
            changed = count_of(connection.execute(kept.flag.format(**bounds_of(rows))))
            connection.unregister("batch")
        return changed

    def readings(
        self,
        devices: Iterable[str] | None = None,
        pollutants: Iterable[str] | None = None,
        interval: Interval | None = None,
        period: Period | None = None,
    ) -> pl.DataFrame:
        """Return readings whose period begins within `period`, ordered by key, with their ``revision``."""
        where, values = where_of(period, device=devices, pollutant=pollutants, interval=interval and [interval])
        return self.query(f"SELECT * FROM readings {where} ORDER BY {READINGS.order}", values)

    def hours(
        self,
        sites: Iterable[str] | None = None,
        pollutants: Iterable[str] | None = None,
        period: Period | None = None,
        *,
        stat: Stat | None = None,
        of_record: bool = False,
    ) -> pl.DataFrame:
        """Return hourly rows, ordered by key.

        Parameters
        ----------
        sites : iterable of str
            As in the table: ``station:1001A``.
        of_record : bool
            Only one basis an hour: the device's own 2061 or the feed's before our own means.
        """
        return self._rollup(HOURS, period, of_record, site=sites, pollutant=pollutants, stat=stat and [stat])

    def days(
        self,
        sites: Iterable[str] | None = None,
        pollutants: Iterable[str] | None = None,
        period: Period | None = None,
        *,
        stat: Stat | None = None,
        of_record: bool = False,
    ) -> pl.DataFrame:
        """Return daily rows; parameters as for `hours`."""
        return self._rollup(DAYS, period, of_record, site=sites, pollutant=pollutants, stat=stat and [stat])

    def series(
        self,
        site: str,
        pollutant: str,
        interval: Interval,
        period: Period,
        *,
        devices: Sequence[str] = (),
        stat: Stat = "avg",
        place: Place | None = None,
    ) -> Series:
        """Return one pollutant at one site as arrays: hours and days of record, or the devices' own shorter readings.

        Parameters
        ----------
        site : str
            As in the table of hours: ``station:1001A``.
        devices : sequence of str
            Loggers of the site; needed for ``minute`` and ``rt`` only.

        Raises
        ------
        InputError
            If `interval` is shorter than an hour and no device is named.
        """
        if interval in ("hour", "day"):
            kept = HOURS if interval == "hour" else DAYS
            rows = self._rollup(kept, period, True, site=[site], pollutant=[pollutant], stat=[stat])
        elif devices:
            rows = self.readings(devices, [pollutant], interval, period).filter(pl.col("stat") == stat)
            rows = rows.unique(subset="start", keep="first").sort("start")
        else:
            raise InputError(f"{interval} series of {site} needs the loggers of the site: give devices=(...)")
        return Series(
            site=site,
            pollutant=pollutant,
            interval=interval,
            start=instants_of(rows["start"]),
            end=instants_of(rows["end"]),
            value=rows["value"].fill_null(np.nan).to_numpy().astype(np.float64),
            usable=(~rows["quality"].is_in(["bad", "missing"]) & rows["value"].is_not_null()).to_numpy(),
            place=place,
        )

    def indices(
        self,
        sites: Iterable[str] | None = None,
        kind: str | None = None,
        period: Period | None = None,
        *,
        verdict: str | None = None,
    ) -> pl.DataFrame:
        """Return indices of `INDICES_SCHEMA` with their ``revision``, ordered by key.

        Parameters
        ----------
        verdict : str or None
            Only the row whose verdict has this id.
        """
        where, values = where_of(period, site=sites, kind=kind and [kind])
        if verdict is not None:
            where += f" {'AND' if where else 'WHERE'} {VERDICT_ID} = ?"
            values.append(verdict)
        return self.query(f"SELECT * FROM indices {where} ORDER BY {INDICES.order}", values)

    def files(self, sites: Iterable[str] | None = None, digest: str | None = None) -> pl.DataFrame:
        """Return what was imported (`FILES_SCHEMA`), the earliest first."""
        where, values = where_of(None, site=sites, digest=digest and [digest])
        return self.query(f"SELECT * FROM files {where} ORDER BY taken, name, digest, layout, site", values)

    def latest(self, devices: Iterable[str] | None = None) -> pl.DataFrame:
        """Return the newest reading of each device, pollutant, stat and interval.

        Notes
        -----
        Kept as a table and brought up to date when asked for, so that appending costs nothing for it.
        """
        with self._mutex:
            if self._latest_from is not None:
                with self._writing() as connection:
                    connection.execute(FIND_LATEST, [self._latest_from])
                    connection.execute(DROP_OLDER)
                    connection.execute(ADD_LATEST)
                    connection.execute("DELETE FROM meta WHERE key = 'latest_from'")
                self._latest_from = None
        where, values = where_of(None, device=devices)
        return self.query(f"SELECT * FROM latest {where} ORDER BY device, pollutant, stat, interval", values)

    def consumed(self) -> dict[str, Position]:
        """Return up to where each gateway's journal has been read into the series."""
        rows = self.query('SELECT gateway, segment, "offset" FROM consumed ORDER BY gateway')
        return {gateway: Position(segment, offset) for gateway, segment, offset in rows.iter_rows()}

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        sums = ", ".join(f"(SELECT count(*) FROM {name}) AS {name}" for name in TABLES)
        return {name: int(count) for name, count in self.query(f"SELECT {sums}").row(0, named=True).items()}

    def forget_journalled(self) -> int:
        """Drop every reading that came from the journal and how far it was read; return how many there were.

        Notes
        -----
        For `bihuan rebuild`: the journal then gives them all again. Imported files, hours and days stay.
        """
        with self._writing() as connection:
            dropped = connection.execute(f"DELETE FROM readings WHERE regexp_full_match(frame, '{FRAME_PATTERN}')")
            count = count_of(dropped)
            connection.execute("DELETE FROM consumed")
            connection.execute("DELETE FROM latest")
            self._note_latest(connection, EPOCH)
        return count

    def forget_readings(self, devices: Iterable[str], period: Period) -> int:
        """Drop readings of loggers within a time that frames of the journal can make again; return how many."""
        where, values = where_of(period, device=devices)
        with self._writing() as connection:
            dropped = connection.execute(
                f"DELETE FROM readings {where} AND regexp_full_match(frame, '{FRAME_PATTERN}')", values
            )
            count = count_of(dropped)
            self._note_latest(connection, period.start)
        return count

    def resort(self, before: datetime) -> int:
        """Store the readings of the days before an instant ordered by device, and return how many rows that were.

        Notes
        -----
        In order of arrival one device's week in 72 million rows took 260 ms, ordered 11 ms. Each day (UTC) is done
        once; what arrives for it later stays behind it.
        """
        start = self._meta_instant("sorted_until")
        if start is None:
            first = self.query("SELECT min(start) AS first FROM readings")["first"][0]
            if first is None:
                return 0
            start = floor_to(first, DAY)
        total = 0
        while start + DAY <= before:
            total += self._resort_day(start)
            start += DAY
        if total:
            self.checkpoint()
        return total

    def query(self, sql: str, values: Sequence[Any] = ()) -> pl.DataFrame:
        """Return the answer to a SELECT, of what is committed; instants are in UTC."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("SET TimeZone = 'UTC'")
            frame: pl.DataFrame = cursor.execute(sql, list(values)).pl()
            return frame
        except duckdb.Error as problem:
            raise error_of(problem, self.path) from problem
        finally:
            cursor.close()

    def pin(self, target: Path) -> Pinned:
        """Hold the series as they are now, for a copy into a new file while writing goes on."""
        with self._mutex:
            return Pinned(self._connection.cursor(), target)

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file."""
        with self._mutex:
            self._connection.execute("CHECKPOINT")

    def close(self) -> None:
        """Fold the log in and give the file to whoever asks next."""
        with self._mutex:
            self._connection.close()

    def _store(self, connection: duckdb.DuckDBPyConnection, kept: Kept, batch: pl.DataFrame) -> Written:
        bounds = bounds_of(batch)
        large = batch.height >= LARGE
        connection.register("batch", batch.to_arrow())
        try:
            if large and not connection.execute(kept.any_between.format(**bounds)).fetchone():
                new, revised = count_of(connection.execute(kept.insert_all)), 0
            else:
                new = count_of(connection.execute(kept.insert_new.format(**bounds)))
                known = batch.height - new
                revised = count_of(connection.execute(kept.revise.format(**bounds))) if known else 0
        finally:
            connection.unregister("batch")
        if kept is READINGS and new + revised:
            self._note_latest(connection, batch["start"].min())
        return Written(new, revised, batch.height - new - revised)

    def _note_latest(self, connection: duckdb.DuckDBPyConnection, start: Any) -> None:
        if self._latest_from is None or start < self._latest_from:
            connection.execute("DELETE FROM meta WHERE key = 'latest_from'")
            connection.execute("INSERT INTO meta VALUES ('latest_from', ?)", [iso(start)])
            self._latest_from = start

    def _consume(self, connection: duckdb.DuckDBPyConnection, gateway: str, position: Position) -> None:
        segment, offset = int(position.segment), int(position.offset)
        name = checked_gateway(gateway)
        done = connection.execute(
            f"UPDATE consumed SET segment = {segment}, \"offset\" = {offset} WHERE gateway = '{name}'"
        )
        if not count_of(done):
            connection.execute(f"INSERT INTO consumed VALUES ('{name}', {segment}, {offset})")

    def _rollup(
        self, kept: Kept, period: Period | None, of_record: bool, **columns: Iterable[str] | None
    ) -> pl.DataFrame:
        where, values = where_of(period, **columns)
        qualify = kept.of_record if of_record else ""
        return self.query(f"SELECT * FROM {kept.name} {where} {qualify} ORDER BY {kept.order}", values)

    def _resort_day(self, start: datetime) -> int:
        end = start + DAY - timedelta(microseconds=1)
        with self._writing() as connection:
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE day AS SELECT * FROM readings WHERE start BETWEEN ? AND ?", [start, end]
            )
            count = count_of(connection.execute("DELETE FROM readings WHERE start BETWEEN ? AND ?", [start, end]))
            connection.execute("SET preserve_insertion_order = true")
            connection.execute(f"INSERT INTO readings SELECT * FROM day ORDER BY {READINGS.order}")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("DROP TABLE day")
            connection.execute("DELETE FROM meta WHERE key = 'sorted_until'")
            connection.execute("INSERT INTO meta VALUES ('sorted_until', ?)", [iso(start + DAY)])
        return count

    def _meta_instant(self, key: str) -> datetime | None:
        found = self.query("SELECT value FROM meta WHERE key = ?", [key])
        return parse_instant(found["value"][0]) if found.height else None

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction of the one writer; rolled back as a whole when anything in it fails."""
        with self._mutex:
            before = getattr(self, "_latest_from", None)
            try:
                self._connection.execute("BEGIN")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as problem:
                self._latest_from = before
                self._roll_back()
                if isinstance(problem, duckdb.Error):
                    raise error_of(problem, self.path) from problem
                raise

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:  # a commit that failed has ended the transaction already
            return
