"""How a batch comes into a table: rows with a new key are added, rows that differ replace what was there.

Why no MERGE: measured on commits of 1,000 rows, an anti-joined INSERT, and an UPDATE only where a key was there
already, take half the time of a MERGE, and MERGE would let two rows of one key in when both are in the batch.
"""

from __future__ import annotations

import duckdb
import polars as pl

from bihuan.store.batches import Written, bounds_of, count_of, given, lent
from bihuan.store.tables import Kept

LARGE = 20_000
"""From here on a batch is worth a look at what its time holds already, and one thread for writing. [rows]"""

PLENTY = 500_000
"""From here on a batch is written with all threads, and searched by DuckDB. Below it a second thread costs more than it
brings: of 50,000 rows the insert took 21 ms of processor time with one and 70 with two, the checkpoint half. To change
the number takes 3 ms, which a small commit does not earn. [rows]"""


def of_a_step(rows: int) -> bool:
    """Say whether a batch is of the size that the loop stores, neither a handful nor an import."""
    return LARGE <= rows < PLENTY


def store_batch(connection: duckdb.DuckDBPyConnection, kept: Kept, batch: pl.DataFrame) -> Written:
    """Store a batch, inside a transaction.

    Parameters
    ----------
    batch : DataFrame
        As `batches.prepared` returns it, not empty.

    Notes
    -----
    One of a step is stored as it lies in memory: the table names what it holds, little mostly.
    """
    if not of_a_step(batch.height):
        return _store_among_many(connection, kept, batch)
    keys, most = list(kept.key), 2 * batch.height + 1
    known = connection.execute(kept.keys_between.format(**bounds_of(batch), most=most)).pl()
    if known.height == most:  # much of other owners lies in that time
        return _store_among_many(connection, kept, batch)
    there = batch.join(known, on=keys, how="semi", maintain_order="left") if known.height else batch.clear()
    fresh = batch.join(known, on=keys, how="anti", maintain_order="left") if there.height else batch
    new, revised = fresh.height, 0
    if new:
        with lent(connection, "batch", fresh):
            connection.execute(kept.insert_all)
    if there.height:
        with given(connection, "batch", there):
            revised = count_of(connection.execute(kept.revise.format(**bounds_of(there))))
    return Written(new, revised, batch.height - new - revised)


def _store_among_many(connection: duckdb.DuckDBPyConnection, kept: Kept, batch: pl.DataFrame) -> Written:
    bounds = bounds_of(batch)
    large = batch.height >= LARGE
    with given(connection, "batch", batch):
        if large and not connection.execute(kept.any_between.format(**bounds)).fetchone():
            new, revised = count_of(connection.execute(kept.insert_all)), 0
        else:
            new = count_of(connection.execute(kept.insert_new.format(**bounds)))
            known = batch.height - new
            revised = count_of(connection.execute(kept.revise.format(**bounds))) if known else 0
    return Written(new, revised, batch.height - new - revised)
