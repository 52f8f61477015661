"""The series from one back end into the other: day by day, each checked by its count and its digest, and resumable.

The lake's DuckDB attaches the embedded file, so that rows go from one to the other without passing through Python. A
part that is equal on both sides already is left alone: a move that was cut short goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bihuan.core import DAY, InputError, StoreError, floor_to
from bihuan.store.files import REAL_FILES
from bihuan.store.indices import FILES, INDICES
from bihuan.store.lake import LakeStore
from bihuan.store.lakeaddress import LakeAddress
from bihuan.store.series import SeriesStore
from bihuan.store.tables import HOURS_SORTED_UNTIL, SORTED_UNTIL, TABLES, Kept

MOVING = "moving"
"""Key of `meta` while a move is under way: a target with rows and without it belongs to somebody else."""

_WHOLE = timedelta(days=31)
"""Hours and days go by spans of this length, readings by days."""

Tell = Callable[[str, int, int], None]
"""Told table, part and number of parts."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did.

    Attributes
    ----------
    counts : dict of str to int
        Rows of each table, equal on both sides.
    copied, equal : int
        Parts that were copied, and that were there already.
    """

    counts: dict[str, int]
    copied: int
    equal: int


@dataclass(frozen=True, slots=True)
class _Part:
    kept: Kept | None
    table: str
    where: str
    words: str


def move_to_lake(path: Path, address: LakeAddress, tell: Tell | None = None) -> Moved:
    """Copy the series of a file that nobody has open into a lake; the file stays as it is.

    Raises
    ------
    InputError
        If the lake holds rows that no move has put there.
    StoreError
        If a part does not arrive as it was.
    """
    SeriesStore(path).close()  # brings an older file up to date and `latest` with it
    lake = LakeStore(address)
    try:
        return _Move(lake, path, "embedded", "lake", tell or _silent).run()
    finally:
        lake.close()


def move_to_embedded(address: LakeAddress, path: Path, tell: Tell | None = None) -> Moved:
    """Copy the series of a lake into a file beside `path`, which takes its place at the end; the lake stays.

    Notes
    -----
    A file that stood there is kept as ``series.before.duckdb``.
    """
    fresh = path.with_name("series.moving.duckdb")
    SeriesStore(fresh).close()
    lake = LakeStore(address)
    try:
        moved = _Move(lake, fresh, "lake", "embedded", tell or _silent).run()
    finally:
        lake.close()
    store = SeriesStore(fresh)  # makes `latest` from what came
    store.latest()
    store.checkpoint()
    store.close()
    if path.exists():
        REAL_FILES.rename(path, path.with_name("series.before.duckdb"))
    REAL_FILES.rename(fresh, path)
    REAL_FILES.sync_folder(path.parent)
    return moved


def _silent(table: str, part: int, parts: int) -> None:
    return None


class _Move:
    def __init__(self, lake: LakeStore, path: Path, source: str, target: str, tell: Tell) -> None:
        self._lake, self._path, self._tell = lake, path, tell
        self._source, self._target = source, target

    def run(self) -> Moved:
        """Copy what differs, and check all of it at the end."""
        quoted = str(self._path).replace("'", "''")
        with self._lake.raw() as connection:
            connection.execute(f"ATTACH '{quoted}' AS embedded")
        try:
            self._claim()
            copied = equal = 0
            for part, number, parts in self._parts():
                self._tell(part.table, number, parts)
                if self._digest(self._source, part) == self._digest(self._target, part):
                    equal += 1
                    continue
                self._copy(part)
                copied += 1
            counts = self._check()
            self._finish()
        finally:
            with self._lake.raw() as connection:
                connection.execute("DETACH embedded")
        return Moved(counts, copied, equal)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._lake.raw() as connection:
            return list(connection.execute(sql).fetchall())

    def _claim(self) -> None:
        held = sum(self._rows(f"SELECT count(*) FROM {self._target}.{kept.stored}")[0][0] for kept in TABLES.values())
        marked = self._rows(f"SELECT value FROM {self._target}.meta WHERE key = '{MOVING}'")
        if held and not marked:
            raise InputError(
                f"the target of the move holds {held} rows that no move has put there: choose an empty lake_schema or "
                "folder, or remove what is there"
            )
        if not marked:
            with self._lake.changing() as connection:
                connection.execute(f"INSERT INTO {self._target}.meta VALUES ('{MOVING}', '1')")

    def _parts(self) -> Iterator[tuple[_Part, int, int]]:
        parts = [part for kept in TABLES.values() for part in self._spans(kept)]
        parts += [_Part(kept, kept.stored, "true", "all") for kept in (INDICES, FILES)]
        parts += [_Part(None, name, "true", "all") for name in ("consumed", "touched")]
        for number, part in enumerate(parts, 1):
            yield part, number, len(parts)

    def _spans(self, kept: Kept) -> list[_Part]:
        """Of both sides: rows that a cut-short move or an older one left in the target are looked at as well."""
        ends = [
            row
            for side in (self._source, self._target)
            for row in self._rows(f"SELECT epoch_us(min(start)), epoch_us(max(start)) FROM {side}.{kept.stored}")
            if row[0] is not None
        ]
        if not ends:
            return []
        length = DAY if kept.spotted else _WHOLE
        at = floor_to(_instant(min(row[0] for row in ends)), DAY)
        last, parts = _instant(max(row[1] for row in ends)), []
        while at <= last:
            where = f"start >= TIMESTAMPTZ '{at.isoformat()}' AND start < TIMESTAMPTZ '{(at + length).isoformat()}'"
            parts.append(_Part(kept, kept.stored, where, at.date().isoformat()))
            at += length
        return parts

    def _digest(self, side: str, part: _Part) -> tuple[int, str]:
        """Number of rows and a sum over the hashes of whole rows: the same whatever their order."""
        columns = ", ".join(f'"{name}"' for name in _columns(part))
        rows = self._rows(f"SELECT count(*), sum(hash({columns}))::VARCHAR FROM {side}.{part.table} WHERE {part.where}")
        return int(rows[0][0]), str(rows[0][1])

    def _copy(self, part: _Part) -> None:
        order = f" ORDER BY {part.kept.sealed_order}" if part.kept and part.kept.spotted else ""
        columns = ", ".join(f'"{name}"' for name in _columns(part))
        with self._lake.changing() as connection:
            connection.execute(f"DELETE FROM {self._target}.{part.table} WHERE {part.where}")
            connection.execute(
                f"INSERT INTO {self._target}.{part.table} ({columns}) "
                f"SELECT {columns} FROM {self._source}.{part.table} WHERE {part.where}{order}"
            )
        if self._digest(self._source, part) != self._digest(self._target, part):
            raise StoreError(
                f"{part.table} of {part.words} did not arrive as it was: the source stays in use; check the disks, "
                "then move again, what did arrive is not copied twice"
            )

    def _check(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for name, kept in TABLES.items():
            here, there = (
                self._rows(f"SELECT count(*) FROM {side}.{kept.stored}")[0][0] for side in (self._source, self._target)
            )
            if here != there:
                raise StoreError(f"{name} has {here} rows in the source and {there} in the target: move again")
            counts[name] = int(here)
        return counts

    def _finish(self) -> None:
        with self._lake.changing() as connection:
            connection.execute(
                f"DELETE FROM {self._target}.meta WHERE key IN ('{MOVING}', '{SORTED_UNTIL}', '{HOURS_SORTED_UNTIL}')"
            )
            host = self._lake.address.host
            if host and self._target == "lake":
                connection.execute(f"UPDATE lake.consumed SET gateway = '{host}/' || gateway")
            if host and self._target == "embedded":
                connection.execute(f"DELETE FROM embedded.consumed WHERE NOT starts_with(gateway, '{host}/')")
                connection.execute(f"UPDATE embedded.consumed SET gateway = substr(gateway, {len(host) + 2})")
            if self._target == "embedded":
                connection.execute("DELETE FROM embedded.latest")
                connection.execute("INSERT INTO embedded.unsettled VALUES ('true')")


def _columns(part: _Part) -> list[str]:
    if part.kept is None:
        return ["gateway", "segment", "offset"] if part.table == "consumed" else ["device", "start"]
    return [*part.kept.columns, "revision", *(["spot"] if part.kept.spotted else [])]


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))


_EPOCH = floor_to(datetime.fromisoformat("1970-01-01T00:00:00+00:00"), DAY)
