"""`bihuan store move`: the observations into a lake or back into one file, and the setting switched at the end."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bihuan.app.opened import lake_of
from bihuan.app.settings import Settings, read_settings
from bihuan.core import InputError, Language, NotCovered, text
from bihuan.store import REAL_FILES, Home, move_to_embedded, move_to_lake, write_whole

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class MoveReport:
    """What a move did.

    Attributes
    ----------
    to : str
        ``lake`` or ``embedded``.
    counts : dict of str to int
        Rows of each table, equal on both sides.
    copied, equal : int
        Parts that were copied, and that were there already.
    left : str
        Where the old series still are.
    """

    to: str
    counts: dict[str, int]
    copied: int
    equal: int
    left: str

    def words(self, language: Language = "zh") -> str:
        """Return what a person reads."""
        rows = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        return text(
            "moving.done", language, to=self.to, rows=rows, copied=self.copied, equal=self.equal, left=self.left
        )


def move_series(path: Path, to: str, given: Mapping[str, str] | None = None, tell: Tell | None = None) -> MoveReport:
    """Move the observations of a home that no server owns.

    Parameters
    ----------
    path : Path
        ``BIHUAN_HOME``.
    to : str
        ``lake`` or ``embedded``.
    given : mapping, optional
        ``lake_catalog lake_data lake_schema``, over the settings.
    tell : callable, optional
        Told table, part and number of parts.

    Raises
    ------
    NotCovered
        If there is no store.
    InputError
        If they are there already, or the setting cannot be switched.
    StoreLocked
        If a server owns the store.
    """
    home = Home(path)
    if not home.exists():
        raise NotCovered(f"{home.path} holds no store: there is nothing to move")
    given = {name: value for name, value in (given or {}).items() if value}
    settings = read_settings(path)
    if settings.text("series") == to:
        raise InputError(f"the observations are {to} already: nothing is to be moved")
    if "BIHUAN_SERIES" in os.environ:
        raise InputError("BIHUAN_SERIES stands in the environment and would undo the switch: take it out, then move")
    address = lake_of(_as_lake(settings, given))
    assert address is not None
    lock = REAL_FILES.lock(home.lock, f"the store {home.path}")
    try:
        if to == "lake":
            moved = move_to_lake(home.series, address, tell)
        else:
            moved = move_to_embedded(address, home.series, tell)
        _switch(path / "bihuan.toml", {"series": to, **({} if to == "embedded" else given)})
    finally:
        lock.release()
    left = str(home.series) if to == "lake" else address.name
    return MoveReport(to, moved.counts, moved.copied, moved.equal, left)


def drop_left(path: Path) -> list[str]:
    """Remove the embedded files that a move left, and return their names.

    Raises
    ------
    InputError
        If the embedded file is the one in use and nothing is left.
    """
    home = Home(path)
    names = ["series.before.duckdb"]
    if read_settings(path).text("series") == "lake":
        names.append(home.series.name)
    lock = REAL_FILES.lock(home.lock, f"the store {home.path}")
    try:
        found = [home.path / f"{name}{end}" for name in names for end in ("", ".wal")]
        gone = [file for file in found if file.exists()]
        for file in gone:
            file.unlink()
        REAL_FILES.sync_folder(home.path)
    finally:
        lock.release()
    if not gone:
        raise InputError("no move has left an embedded file here; a lake is removed with its schema and its folder")
    return [file.name for file in gone]


def _as_lake(settings: Settings, given: Mapping[str, str]) -> Settings:
    names = ("lake_catalog", "lake_data", "lake_schema", "lake_s3_key", "lake_s3_secret", "lake_s3_endpoint")
    values = {name: settings[name] for name in (*names, "lake_s3_region", "gateway_prefix")}
    return Settings({**values, **given, "series": "lake"})


def _switch(path: Path, values: Mapping[str, str]) -> None:
    """Write settings into the file, each in place of its old line; whoever reads meanwhile sees the old or the new."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    names = "|".join(re.escape(name) for name in values)
    kept = [line for line in lines if not re.match(rf"\s*({names})\s*=", line)]
    fresh = [f"{name} = {_quoted(value)}" for name, value in values.items()]
    write_whole(path, ("\n".join([*fresh, *kept]) + "\n").encode())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
