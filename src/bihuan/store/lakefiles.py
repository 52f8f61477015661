"""What DuckLake does not do: sync the files it writes.

The catalog is synced by PostgreSQL, the Parquet files are left to the operating system. After a power cut the catalog
could name a file that is not there, and every frame that went into it would be said to be consumed. So the files of a
transaction are synced before it commits, found by their names: these begin with the time they were made at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bihuan.store.files import REAL_FILES, Files

PREFIX = "ducklake-"


def sync_new(data: Path, since: str, folders: Iterable[Path] | None = None, files: Files = REAL_FILES) -> list[Path]:
    """Sync every file of a lake that was made since, and the folders that name them.

    Parameters
    ----------
    data : Path
        Folder of the lake.
    since : str
        A time-ordered UUID (version 7) made before the first of them.
    folders : iterable of Path, optional
        Where to look, without what is below; everywhere when not given.
    files : Files
        The disk.

    Returns
    -------
    list of Path
    """
    found = []
    for folder in folders_below(data) if folders is None else [folder for folder in folders if folder.is_dir()]:
        fresh = [path for path in folder.iterdir() if _made_since(path, since)]
        for path in fresh:
            handle = files.open(path, write=True)
            handle.sync()
            handle.close()
        if fresh:
            for above in _up_to(folder, data):
                files.sync_folder(above)
        found += fresh
    return found


def _made_since(path: Path, since: str) -> bool:
    name = path.name
    return name.startswith(PREFIX) and name.endswith(".parquet") and name[len(PREFIX) :] >= since


def folders_below(folder: Path) -> Iterator[Path]:
    """Yield a folder and every folder in it, at any depth."""
    if folder.is_dir():
        yield folder
        for path in folder.iterdir():
            if path.is_dir():
                yield from folders_below(path)


def _up_to(folder: Path, top: Path) -> list[Path]:
    """A new folder is only durable when the one above it is synced as well."""
    return [folder, *(above for above in folder.parents if above == top or top in above.parents)]
