"""The file layer of everything that must survive a power cut; injectable, so that a test can cut the power.

Durable means: the bytes were synced AND the entry of the file in its folder was. Both are asked for by name here
(`Handle.sync`, `Files.sync_folder`), because forgetting the second one is the classic way to lose a whole file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bihuan.core import DiskFull, StoreError, StoreLocked

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when nothing more fits."""


class Handle(Protocol):
    """One open file."""

    def append(self, data: bytes) -> None:
        """Write at the end."""
        ...

    def overwrite(self, data: bytes) -> None:
        """Write at the beginning, leaving what follows."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        ...

    def size(self) -> int:
        """Return the length. [bytes]"""
        ...

    def truncate(self, size: int) -> None:
        """Cut to `size` bytes."""
        ...

    def sync(self) -> None:
        """Return once every byte written so far is on the disk."""
        ...

    def close(self) -> None:
        """Give the file back."""
        ...


class Lock(Protocol):
    """A lock held on a file."""

    def release(self) -> None:
        """Let the next owner in."""
        ...


class Files(Protocol):
    """The few file operations the store needs."""

    def open(self, path: Path, write: bool = False) -> Handle:
        """Open a file; with `write` it is made when absent."""
        ...

    def exists(self, path: Path) -> bool:
        """Say whether a file or folder is there."""
        ...

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder, sorted; none when it is absent."""
        ...

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, durably."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Move a file over another."""
        ...

    def remove(self, path: Path) -> None:
        """Delete a file."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Return once the entries of a folder are on the disk."""
        ...

    def lock(self, path: Path, what: str) -> Lock:
        """Take a lock for as long as this process lives, or raise StoreLocked."""
        ...


@contextmanager
def room_on_disk(path: Path) -> Iterator[None]:
    """Turn the system's word for a full disk into DiskFull, any other failure into StoreError."""
    try:
        yield
    except OSError as problem:
        if problem.errno in FULL:
            raise DiskFull(
                f"no room left on the disk of {path}: nothing more is acknowledged until some is freed"
            ) from problem
        raise StoreError(f"{path} cannot be written: {problem.strerror}; check the disk and its rights") from problem


class RealHandle:
    """One open file of the operating system."""

    def __init__(self, path: Path, write: bool) -> None:
        flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
        self._fd = os.open(path, flags | os.O_CLOEXEC, 0o640)
        self._end = os.fstat(self._fd).st_size if write else 0

    def append(self, data: bytes) -> None:
        """Write at the end."""
        view = memoryview(data)
        while view:
            done = os.pwrite(self._fd, view, self._end)
            self._end += done
            view = view[done:]

    def overwrite(self, data: bytes) -> None:
        """Write at the beginning, leaving what follows."""
        os.pwrite(self._fd, data, 0)
        self._end = max(self._end, len(data))

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        return os.pread(self._fd, size, offset)

    def size(self) -> int:
        """Return the length. [bytes]"""
        return os.fstat(self._fd).st_size

    def truncate(self, size: int) -> None:
        """Cut to `size` bytes."""
        os.ftruncate(self._fd, size)
        self._end = size

    def sync(self) -> None:
        """Return once every byte written so far is on the disk; fdatasync also flushes a changed length."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)


class RealLock:
    """An flock, which the system drops when its process dies however it dies."""

    def __init__(self, path: Path, what: str, stamp: bool = True) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreLocked(
                f"{what} is open in process {owner} ({path}): one process owns it; "
                "talk to that one through its API, or stop it first"
            ) from None
        if stamp:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next owner in."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class RealFiles:
    """The files of the operating system."""

    def open(self, path: Path, write: bool = False) -> RealHandle:
        """Open a file; with `write` it is made when absent."""
        return RealHandle(path, write)

    def exists(self, path: Path) -> bool:
        """Say whether a file or folder is there."""
        return path.exists()

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder, sorted; none when it is absent."""
        return sorted(os.listdir(folder)) if folder.is_dir() else []  # noqa: PTH208  # names, not paths

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, durably."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            self.sync_folder(path.parent)

    def rename(self, old: Path, new: Path) -> None:
        """Move a file over another."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Delete a file."""
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Return once the entries of a folder are on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def lock(self, path: Path, what: str, stamp: bool = True) -> RealLock:
        """Take a lock for as long as this process lives, or raise StoreLocked; `stamp` leaves our process id."""
        return RealLock(path, what, stamp)


REAL_FILES = RealFiles()


def write_whole(
    path: Path, data: bytes, files: Files = REAL_FILES, durable: bool = True, private: bool = False
) -> None:
    """Put a file in place as a whole: a reader sees the old content or the new one, never a part.

    Parameters
    ----------
    durable : bool
        False for figures that are written again in a second and may be lost with the power.
    private : bool
        Whether its owner alone may read it (mode 0600), from before its first byte on.

    Raises
    ------
    DiskFull, StoreError
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    with room_on_disk(path):
        handle = files.open(fresh, write=True)
        try:
            if private:
                fresh.chmod(0o600)
            handle.truncate(0)
            handle.append(data)
            if durable:
                handle.sync()
        finally:
            handle.close()
        files.rename(fresh, path)
        if durable:
            files.sync_folder(path.parent)
