"""What a store looks like from outside, without opening it: for `bihuan doctor`, with and without a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bihuan.core import StoreError, StoreLocked
from bihuan.store.files import REAL_FILES
from bihuan.store.home import Home
from bihuan.store.journal import durable_end, segment_numbers
from bihuan.store.segments import Position


@dataclass(frozen=True, slots=True)
class JournalSurvey:
    """One gateway's journal: its segments, how many of them are sealed, and how far it is durable."""

    segments: int
    sealed: int
    end: Position


@dataclass(frozen=True, slots=True)
class Survey:
    """A store from outside.

    Attributes
    ----------
    path : str
    format : int or None
        None where there is no store.
    owned : str
        Who owns it now, as the lock says it; empty when nobody does.
    sizes : dict of str to int
        By part. [bytes]
    journals : dict of gateway to JournalSurvey
    """

    path: str
    format: int | None
    owned: str
    sizes: dict[str, int]
    journals: dict[str, JournalSurvey]


def survey(home: Home | Path) -> Survey:
    """Look at a store without opening or changing anything.

    Raises
    ------
    StoreError
        If its marker cannot be read.
    """
    home = home if isinstance(home, Home) else Home(home)
    parts = {"journal": home.journal, "series": home.series, "records": home.records, "blobs": home.blobs}
    folders = sorted(home.journal.iterdir()) if home.journal.is_dir() else []
    return Survey(
        path=str(home.path),
        format=home.format() if home.exists() else None,
        owned=_owner(home) if home.exists() else "",
        sizes={name: _size(path) for name, path in parts.items()},
        journals={folder.name: _journal(folder) for folder in folders},
    )


def _owner(home: Home) -> str:
    try:
        REAL_FILES.lock(home.lock, f"the store {home.path}", stamp=False).release()
    except StoreLocked as problem:
        return str(problem)
    except OSError as problem:
        raise StoreError(f"{home.lock} cannot be looked at: {problem.strerror}; check its rights") from problem
    return ""


def _size(path: Path) -> int:
    """Return the length of a file with its write-ahead log, or of all files in a folder. [bytes]"""
    if path.is_dir():
        return sum(found.stat().st_size for found in path.rglob("*") if found.is_file())
    return sum(found.stat().st_size for found in path.parent.glob(f"{path.name}*") if found.is_file())


def _journal(folder: Path) -> JournalSurvey:
    numbers = segment_numbers(REAL_FILES, folder)
    sealed = sum(name.endswith(".log.zst") for name in REAL_FILES.names(folder))
    return JournalSurvey(len(numbers), sealed, durable_end(REAL_FILES, folder))
