"""A lake made anew beside the one in use, which it replaces in one commit of the catalog."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from bihuan.core import StoreError
from bihuan.store.lake import LakeStore
from bihuan.store.lakeaddress import LakeAddress, files_of
from bihuan.store.segments import FRAME_PATTERN
from bihuan.store.series import SeriesStore

_OTHERS = f"regexp_full_match(frame, '{FRAME_PATTERN}') AND split_part(frame, '-', 1) NOT IN (SELECT unnest(?))"
"""Rows that frames of gateways brought whose journals lie on other hosts."""

DAY = timedelta(days=1)


def beside(address: LakeAddress) -> LakeAddress:
    """Return the address of the lake that is made anew; what a rebuild that was cut short left there goes first."""
    import psycopg  # noqa: PLC0415  # part of the extra

    fresh = replace(address, schema=f"{address.schema[:30]}_rebuilt")
    with psycopg.connect(address.conninfo) as connection:
        folder = files_of(connection, fresh.schema)
        connection.execute(f'DROP SCHEMA IF EXISTS "{fresh.schema}" CASCADE')  # a checked name
    _remove(fresh, folder)
    return fresh


@contextmanager
def alone(lake: LakeStore) -> Iterator[None]:
    """Hold the lock of the city's writers, and see that no other process has the lake open.

    Raises
    ------
    StoreError
        If one has: it would go on from a catalog that is no longer there.
    """
    with lake.exclusive() as connection:
        mine = lake.address.session
        rows = connection.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE starts_with(application_name, %s) "
            "AND application_name <> %s",
            [lake.address.sessions, mine],
        ).fetchall()
        if rows:
            who = ", ".join(sorted(str(row[0]).removeprefix(lake.address.sessions) for row in rows))
            raise StoreError(
                f"{lake.address.name} is open elsewhere ({who}): stop every server of this city that uses it, rebuild, "
                "and start them again; hosts with role = 'gateway' go on journalling meanwhile"
            )
        yield


def of_others(lake: SeriesStore, own: Collection[str]) -> Iterator[pl.DataFrame]:
    """Yield the readings that other hosts brought in, day by day."""
    days = lake.query(f"SELECT DISTINCT date_trunc('day', start) AS day FROM readings WHERE {_OTHERS}", [list(own)])
    for day in sorted(days["day"].cast(pl.Datetime("us", "UTC"))):
        start: datetime = day
        yield lake.query(
            f"SELECT * EXCLUDE revision FROM readings WHERE {_OTHERS} AND start >= ? AND start < ?",
            [list(own), start, start + DAY],
        )


def copy_consumed(old: LakeStore, fresh: LakeStore) -> None:
    """Copy how far the journals of other hosts were read."""
    rows = old.query("SELECT * FROM consumed")
    mark = f"{old.address.host}/"
    others = rows.filter(~pl.col("gateway").str.starts_with(mark)) if old.address.host else rows.clear()
    with fresh.changing() as connection:
        connection.register("others", others.to_arrow())
        connection.execute("INSERT INTO consumed BY NAME SELECT * FROM others")
        connection.unregister("others")


def swap_in(fresh: LakeAddress, place: LakeAddress) -> None:
    """Let a lake that nobody has open take the place of another, which goes with its files."""
    import psycopg  # noqa: PLC0415

    with psycopg.connect(place.conninfo) as connection:
        folder = files_of(connection, place.schema)
        connection.execute(f'DROP SCHEMA "{place.schema}" CASCADE')
        connection.execute(f'ALTER SCHEMA "{fresh.schema}" RENAME TO "{place.schema}"')
    _remove(place, folder)


def _remove(address: LakeAddress, folder: str) -> None:
    """Remove the folder of a lake that is no more; none in a bucket, and none that others may share."""
    path = Path(folder or address.data)
    if not address.remote and Path(address.data) in path.parents:
        shutil.rmtree(path, ignore_errors=True)
