"""What other hosts of a lake stored since one looked last: rows of the snapshots that others committed.

Each transaction of a host carries the name of the host as its author. Snapshots without an author only lay files anew.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import duckdb
import polars as pl

from bihuan.store.tables import HOURS, READINGS, Kept


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
    """

    readings: pl.DataFrame
    hours: pl.DataFrame
    upto: int
    whole: bool = True


def mark_author(connection: duckdb.DuckDBPyConnection, host: str) -> None:
    """Write the name of the host on the transaction that is open."""
    connection.execute("CALL lake.set_commit_message(?, '')", [f"host/{host}"])


def added_by_others(catalog: Any, connection: duckdb.DuckDBPyConnection, schema: str, host: str, since: int) -> Added:
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
    """
    found = catalog.execute(
        f'SELECT snapshot_id, author FROM "{schema}".ducklake_snapshot_changes WHERE snapshot_id >= %s ORDER BY 1',
        [since],
    ).fetchall()
    whole = bool(found) and int(found[0][0]) == since  # else it is no longer kept, or the lake is another one
    upto = int(found[-1][0]) if found else snapshot_of(catalog, schema)
    others = [int(number) for number, author in found[1:] if author not in {None, f"host/{host}"}]
    if not others or not whole:
        return Added(_empty(READINGS), _empty(HOURS), upto, whole)
    return Added(_rows(connection, READINGS, others), _rows(connection, HOURS, others), upto)


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


def _empty(kept: Kept) -> pl.DataFrame:
    frame = pl.from_arrow(kept.schema.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame
