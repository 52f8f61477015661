"""What other hosts of a lake stored since one looked last: rows of the snapshots that others committed.

Each transaction of a host carries the name of the host as its author. Snapshots without an author only lay files anew.
Beside readings and hours a host may tell what else its frames said, in the transaction that stores what they held.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import duckdb
import polars as pl

from bihuan.store.tables import HOURS, READINGS, Kept

TOLD = "told"
CREATE_TOLD = f"CREATE TABLE {TOLD} (told_at TIMESTAMPTZ, host VARCHAR, body VARCHAR)"
"""What hosts tell each other of their loggers beside readings: texts that only `bihuan.app` reads."""


class Added(NamedTuple):
    """What others stored.

    Attributes
    ----------
    readings, hours : DataFrame
        Rows as they were stored, of one key the newest.
    upto : int
        The snapshot that was looked at last.
    whole : bool
        False where the snapshots since are no longer kept: then nothing is here, and what is stored has to be read.
    told : tuple of str
        What else others told, the oldest first.
    """

    readings: pl.DataFrame
    hours: pl.DataFrame
    upto: int
    whole: bool = True
    told: tuple[str, ...] = ()


def mark_author(connection: duckdb.DuckDBPyConnection, host: str) -> None:
    """Write the name of the host on the transaction that is open."""
    connection.execute("CALL lake.set_commit_message(?, '')", [f"host/{host}"])


def added_by_others(
    catalog: Any,
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    host: str,
    since: int,
    until: datetime | None = None,
    *,
    hours_only: bool = False,
) -> Added:
    """Return what others stored after a snapshot.

    Parameters
    ----------
    catalog : psycopg.Connection
        Holding the lock of the writers, so that nothing is committed meanwhile.
    connection : DuckDBPyConnection
        With the lake attached.
    schema : str
        Of the catalog.
    host : str
        Whose own commits are left out.
    since : int
        Snapshot that was looked at last.
    until : datetime, optional
        Leave what was stored later, by the clock of the catalog, for the next time.
    hours_only : bool
        Leave the readings out: hours of them may be more than a memory holds.
    """
    found = catalog.execute(
        f'SELECT snapshot_id, author FROM "{schema}".ducklake_snapshot_changes '
        f'JOIN "{schema}".ducklake_snapshot USING (snapshot_id) '
        "WHERE snapshot_id = %(since)s OR snapshot_id > %(since)s "
        "AND (%(until)s::timestamptz IS NULL OR snapshot_time <= %(until)s) ORDER BY 1",
        {"since": since, "until": until},
    ).fetchall()
    whole = bool(found) and int(found[0][0]) == since  # else it is no longer kept, or the lake is another one
    upto = int(found[-1][0]) if found else snapshot_of(catalog, schema)
    others = [int(number) for number, author in found[1:] if author not in {None, f"host/{host}"}]
    if not others or not whole:
        return Added(_empty(READINGS), _empty(HOURS), upto, whole)
    readings = _empty(READINGS) if hours_only else _rows(connection, READINGS, others)
    told = _told(catalog, connection, schema, others)
    return Added(readings, _rows(connection, HOURS, others), upto, told=told)


def snapshot_of(catalog: Any, schema: str) -> int:
    """Return the newest snapshot."""
    return int(catalog.execute(f'SELECT max(snapshot_id) FROM "{schema}".ducklake_snapshot').fetchone()[0])


def _rows(connection: duckdb.DuckDBPyConnection, kept: Kept, snapshots: list[int]) -> pl.DataFrame:
    """Rows that some snapshots stored: a row that was changed is deleted there and stored anew."""
    key = ", ".join(f'"{name}"' for name in kept.key)
    columns = ", ".join(f'"{name}"' for name in kept.columns)
    frame: pl.DataFrame = connection.execute(
        f"SELECT {columns} FROM ducklake_table_insertions('lake', 'main', '{kept.stored}', {snapshots[0]}, "
        f"{snapshots[-1]}) WHERE snapshot_id IN ({', '.join(map(str, snapshots))}) "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY snapshot_id DESC) = 1 ORDER BY {key}"
    ).pl()
    return frame


def _told(catalog: Any, connection: duckdb.DuckDBPyConnection, schema: str, snapshots: list[int]) -> tuple[str, ...]:
    """What else was told in some snapshots; nothing in those before there was anything to tell it in."""
    row = catalog.execute(
        f'SELECT begin_snapshot FROM "{schema}".ducklake_table WHERE table_name = %s AND end_snapshot IS NULL', [TOLD]
    ).fetchone()
    wanted = [number for number in snapshots if row is not None and number > int(row[0])]
    if not wanted:
        return ()
    rows = connection.execute(
        f"SELECT body FROM ducklake_table_insertions('lake', 'main', '{TOLD}', {wanted[0]}, {wanted[-1]}) "
        f"WHERE snapshot_id IN ({', '.join(map(str, wanted))}) ORDER BY snapshot_id"
    ).fetchall()
    return tuple(str(body) for (body,) in rows)


def _empty(kept: Kept) -> pl.DataFrame:
    frame = pl.from_arrow(kept.schema.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame
