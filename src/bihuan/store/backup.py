"""Backup and restore: one consistent cut of series, records, journal and blobs, with a digest for every file.

The cut is taken between two steps of the loop: records are copied and a snapshot of the series is pinned while the
step is held, which takes seconds at most; everything else only grows, so it is copied afterwards. What is copied
later may hold more than the cut, never less: the journal holds every frame the series were made from, the blobs
every photo that a record names.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bihuan import __version__
from bihuan.core import FormatError, InputError, StoreError, StoreVersionError, from_json, iso, to_json
from bihuan.store.files import REAL_FILES, room_on_disk, write_whole
from bihuan.store.home import FORMAT, Home, Store
from bihuan.store.journal import durable_end, segment_name, segment_numbers, write_durable_end
from bihuan.store.segments import Position

MANIFEST = "manifest.json"
"""Written last: a folder without it is no backup."""

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a backup: its length [bytes] and SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes
    ----------
    format : int
        Of the store.
    written_with : str
        Version of Bihuan.
    at : str
        When, UTC.
    consumed : dict of gateway to (segment, offset)
        Up to where the journal was read into the series.
    ledger : str
        Last hash of the ledger.
    counts : dict of str to int
        Rows of the series.
    files : dict of str to FileEntry
        By path within the backup.
    """

    format: int
    written_with: str
    at: str
    consumed: dict[str, tuple[int, int]]
    ledger: str
    counts: dict[str, int]
    files: dict[str, FileEntry]


def backup(store: Store, target: Path, now: datetime) -> Manifest:
    """Copy an open store into an empty folder, while its process goes on.

    Parameters
    ----------
    store : Store
        Open in this process; a running server backs itself up when it is asked to.
    target : Path
        Absent or empty.
    now : datetime

    Raises
    ------
    InputError
        If the folder holds anything.
    DiskFull, StoreError
    """
    _need_empty(target, "backup")
    with room_on_disk(target):
        REAL_FILES.make_folder(target)
        with store.step:
            store.records.copy_to(target / store.home.records.name)
            head, pinned = store.ledger.head(), store.series.pin(target / store.home.series.name)
        with pinned:
            counts, consumed = pinned.copy()
        files = dict(_sync(target))
        files |= _copy_places(store.home, target)
        files |= _copy_journal(store.home, target, consumed)
        for path in (store.home.devices, store.home.marker, store.home.path / "bihuan.toml"):
            if path.exists():
                files[path.name] = _copy(path, target / path.name)
        for digest in store.blobs:
            source = store.blobs.path(digest)
            name = source.relative_to(store.home.path).as_posix()
            files[name] = _copy(source, target / name)
        manifest = Manifest(
            format=FORMAT,
            written_with=__version__,
            at=iso(now),
            consumed={name: (at.segment, at.offset) for name, at in consumed.items()},
            ledger=head.hash,
            counts=counts,
            files=dict(sorted(files.items())),
        )
        write_whole(target / MANIFEST, to_json(manifest))
    return manifest


def read_manifest(source: Path) -> Manifest:
    """Return what a backup says it holds.

    Raises
    ------
    InputError
        If the folder is no whole backup.
    """
    try:
        return from_json((source / MANIFEST).read_bytes(), Manifest)
    except FileNotFoundError:
        raise InputError(f"{source} is no whole backup: it has no {MANIFEST}, which is written last") from None
    except FormatError as problem:
        raise InputError(f"{source / MANIFEST} cannot be read: {problem}") from None


def restore(source: Path, home: Home | Path) -> Manifest:
    """Put a backup in place as a whole, after checking every file against its digest.

    Parameters
    ----------
    source : Path
    home : Home or Path
        Absent or empty; a store that is there is never overwritten.

    Raises
    ------
    InputError
        If the folder is no backup, or the home holds anything.
    StoreError
        If a file is missing or was changed; names it. Nothing is put in place then.
    StoreVersionError
        If a newer Bihuan made the backup.
    """
    home = home if isinstance(home, Home) else Home(home)
    manifest = read_manifest(source)
    if manifest.format > FORMAT:
        raise StoreVersionError(
            f"the backup {source} has format {manifest.format}, this Bihuan knows up to {FORMAT}: use the newer Bihuan"
        )
    _need_empty(home.path, "restored home")
    fresh = home.path.with_name(f".{home.path.name}.restoring")
    with room_on_disk(home.path):
        shutil.rmtree(fresh, ignore_errors=True)
        REAL_FILES.make_folder(fresh)
        for name, entry in manifest.files.items():
            if not (source / name).is_file():
                raise StoreError(f"the backup {source} lacks {name}: use another backup")
            if _copy(source / name, fresh / name) != entry:
                raise StoreError(f"{name} of the backup {source} does not have its digest: use another backup")
        if home.path.exists():
            home.path.rmdir()
        fresh.rename(home.path)
        REAL_FILES.sync_folder(home.path.parent)
    return manifest


def _need_empty(folder: Path, what: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty: a {what} needs a folder of its own")


def _sync(folder: Path) -> Iterator[tuple[str, FileEntry]]:
    """Sync what the databases wrote themselves, and take its digest."""
    for path in sorted(folder.iterdir()):
        with path.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        handle = REAL_FILES.open(path, write=True)
        handle.sync()
        yield path.name, FileEntry(handle.size(), digest)
        handle.close()
    REAL_FILES.sync_folder(folder)


def _copy_journal(home: Home, target: Path, consumed: dict[str, Position]) -> dict[str, FileEntry]:
    files = {}
    for folder in sorted(home.journal.iterdir()) if home.journal.is_dir() else []:
        end = durable_end(REAL_FILES, folder)
        if end < consumed.get(folder.name, end):
            raise StoreError(f"the journal of {folder.name} ends before what the series were made from: check the disk")
        for number in segment_numbers(REAL_FILES, folder):
            if number > end.segment:
                continue
            limit = end.offset if number == end.segment else None
            source = _segment(folder / segment_name(number))
            name = source.relative_to(home.path).as_posix()
            files[name] = _copy(source, target / name, limit if source.suffix == ".log" else None)
        name = f"journal/{folder.name}/durable"
        if files:
            write_durable_end(REAL_FILES, target / name, end)
            files[name] = _entry(target / name)
    return files


def _copy_places(home: Home, target: Path) -> dict[str, FileEntry]:
    """Copy how far each forward target has come, before the journal: a place never points behind what is copied.

    Each file is whole at every moment; the plan, which holds passwords, is made anew from the records.
    """
    files = {}
    for path in sorted(home.forward.glob("*/*.json*")) + sorted(home.forward.glob("*/again/*.json")):
        if not path.name.startswith("."):
            name = path.relative_to(home.path).as_posix()
            files[name] = _copy(path, target / name)
    return files


def _segment(path: Path) -> Path:
    """Return the file of a segment, plain or packed; packing may take the plain one away at any moment."""
    packed = path.with_suffix(".log.zst")
    return packed if packed.exists() else path


def _entry(path: Path) -> FileEntry:
    with path.open("rb") as file:
        return FileEntry(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _copy(source: Path, target: Path, limit: int | None = None) -> FileEntry:
    """Copy up to `limit` bytes durably and return what was written."""
    REAL_FILES.make_folder(target.parent)
    found = hashlib.sha256()
    left = source.stat().st_size if limit is None else limit
    handle = REAL_FILES.open(target, write=True)
    with source.open("rb") as file:
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            found.update(piece)
            handle.append(piece)
            left -= len(piece)
    handle.sync()
    size = handle.size()
    handle.close()
    REAL_FILES.sync_folder(target.parent)
    return FileEntry(size, found.hexdigest())
