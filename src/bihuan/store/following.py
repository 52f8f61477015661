"""What follows the readings: the newest of each series, and the hours whose means do not hold them yet.

Both are kept as tables. The newest readings are gathered in memory and brought into `latest` when somebody asks or many
have come, which costs an append little; where they can lie is noted in `unsettled` in the transaction that stores
them, so that a process that died in between looks there only.
"""

from __future__ import annotations

import duckdb
import polars as pl

from bihuan.store.batches import bounds_of, given
from bihuan.store.tables import (
    ADD_LATEST,
    ALL_LATEST,
    DROP_OLDER,
    DROP_TOUCHED,
    LATEST_KEY,
    MARK_TOUCHED,
    READINGS,
    STORED_NEWEST,
)

SHORT = ("rt", "minute")
"""Intervals that hours are made of."""

MANY = 300_000
"""Of so many gathered rows the newest of each series are kept; the rest is of no use any more."""

UNSETTLED = 3_000_000
"""So many readings may have gone by before `latest` is brought up to date though nobody asked: after a crash as much is
looked through."""

_MARK = pl.Schema({"device": pl.String(), "start": pl.Datetime("us", "UTC")})


class Following:
    """State beside the tables `latest`, `unsettled` and `touched`; valid for the one writer of a file.

    Parameters
    ----------
    alone : bool
        Whether nobody else writes to the tables. In a lake others do: marks that were written may be gone again, and
        the newest readings are every process's own (`LakeLatest`).
    """

    def __init__(self, alone: bool = True) -> None:
        self._alone = alone
        self.forget()

    def forget(self) -> None:
        """Begin with what the tables say."""
        self._pending: list[pl.DataFrame] = []
        self._passed = 0
        self._fresh: list[pl.DataFrame] = []
        self._noted: set[str] = set()
        self._marked = pl.DataFrame(schema=_MARK)

    @property
    def rows(self) -> int:
        """How many rows are gathered."""
        return sum(frame.height for frame in self._pending)

    @property
    def full(self) -> bool:
        """Whether it is time to settle; gathered rows that newer ones have replaced are let go before."""
        if self.rows <= MANY:
            return False
        self._pending = [_newest(pl.concat(self._pending))]
        return self._passed > UNSETTLED or self.rows > MANY // 2

    def take(self, connection: duckdb.DuckDBPyConnection, batch: pl.DataFrame, changed: bool) -> None:
        """Follow readings that are being stored.

        Parameters
        ----------
        connection : DuckDBPyConnection
            In the transaction that stores them.
        batch : DataFrame
            Key columns at least, with spots; all columns unless `changed`.
        changed : bool
            Whether rows were there already, which may hold more than the batch says: a flag, a higher data level.
        """
        self.mark(connection, batch)
        if not self._alone:
            return
        if changed:
            newest = _newest(batch.select([*READINGS.key, "spot"]))
            with given(connection, "newest", newest.select(READINGS.key)):
                rows = connection.execute(STORED_NEWEST.format(**bounds_of(newest))).pl()
        else:
            rows = batch.select(*READINGS.columns, pl.lit(1, pl.Int32).alias("revision"))
        self._fresh.append(_newest(rows) if rows.height > MANY else rows)
        hour = pl.col("start").dt.truncate("1h")
        wide = pl.concat([batch.select(hour, "spot"), batch.select(hour.dt.offset_by("1h"), "spot")])
        within = bounds_of(wide)["within"]
        if within not in self._noted:
            connection.execute("INSERT INTO unsettled VALUES (?)", [within])
            self._noted.add(within)

    def committed(self) -> None:
        """The transaction stands."""
        self._pending += self._fresh
        self._passed += sum(rows.height for rows in self._fresh)
        self._fresh = []

    def rolled_back(self) -> None:
        """Nothing of the transaction stands; what was gathered before is found again by its note."""
        self._fresh = []
        self._noted = set()
        self._marked = self._marked.clear()

    def mark(self, connection: duckdb.DuckDBPyConnection, batch: pl.DataFrame) -> None:
        """Name the hours of loggers that some readings change."""
        hour = pl.col("start").dt.truncate("1h")
        marks = batch.lazy().filter(pl.col("interval").is_in(SHORT)).select("device", start=hour).unique().collect()
        marks = marks.join(self._marked, on=["device", "start"], how="anti")
        if marks.height:
            with given(connection, "marks", marks):
                connection.execute(MARK_TOUCHED)
            if self._alone:
                self._marked = pl.concat([self._marked, marks])

    def unmark(self, connection: duckdb.DuckDBPyConnection, rolled: pl.DataFrame) -> None:
        """Hours of loggers hold all that is stored."""
        marks = rolled.select("device", "start")
        with given(connection, "marks", marks):
            connection.execute(DROP_TOUCHED)
        self._marked = self._marked.join(marks, on=["device", "start"], how="anti")

    def settle(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bring `latest` up to date, inside a transaction; `settled` after it stands."""
        for rows in self._gathered(connection):
            if rows.height:
                with given(connection, "newest", rows):
                    connection.execute(DROP_OLDER)
                    connection.execute(ADD_LATEST)
        connection.execute("DELETE FROM unsettled")

    def settled(self) -> None:
        """`latest` holds everything."""
        self._pending, self._noted, self._passed = [], set(), 0

    def _gathered(self, connection: duckdb.DuckDBPyConnection) -> list[pl.DataFrame]:
        noted = {str(row[0]) for row in connection.execute("SELECT DISTINCT within FROM unsettled").fetchall()}
        left = sorted(noted - self._noted)  # of a process that died
        found = [connection.execute(ALL_LATEST.format(source=READINGS.stored, within=clause)).pl() for clause in left]
        return [*found, _newest(pl.concat(self._pending))] if self._pending else found


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the newest row of each series, of equal ones the last."""
    return rows.sort("start", maintain_order=True).unique(LATEST_KEY, keep="last", maintain_order=True)
