"""A disk whose power can be cut: what was not synced, bytes and names of files alike, is gone."""

from __future__ import annotations

import errno
import random
from pathlib import Path


class Inode:
    """The content of one file, and the part of it that is on the disk."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.durable = bytes(content)


class CutHandle:
    def __init__(self, disk: PowerCutFiles, inode: Inode) -> None:
        self._disk, self._inode = disk, inode

    def append(self, data: bytes) -> None:
        fits = self._disk.take(len(data))
        self._inode.content += data[:fits]
        if fits < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")

    def overwrite(self, data: bytes) -> None:
        self._disk.step()
        self._inode.content[: len(data)] = data

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self._inode.content[offset : offset + size])

    def size(self) -> int:
        return len(self._inode.content)

    def truncate(self, size: int) -> None:
        self._disk.step()
        del self._inode.content[size:]

    def sync(self) -> None:
        self._disk.step()
        if self._disk.sync_fails:
            raise OSError(errno.EIO, "Input/output error")
        self._inode.durable = bytes(self._inode.content)

    def close(self) -> None:
        pass


class NoLock:
    def release(self) -> None:
        pass


class PowerCut(BaseException):
    """The lights went out in the middle of an operation."""


class PowerCutFiles:
    """`bihuan.store.Files` in memory.

    Parameters
    ----------
    fuse : int or None
        Number of changing operations after which the power fails.
    room : int or None
        Bytes that still fit on the disk.
    """

    def __init__(self, fuse: int | None = None, room: int | None = None) -> None:
        self.fuse, self.room, self.sync_fails = fuse, room, False
        self.names_now: dict[Path, Inode] = {}
        self.names_durable: dict[Path, Inode] = {}
        self.changes: list[tuple[Path | None, Path | None, Inode]] = []
        self.folders: set[Path] = set()

    def step(self) -> None:
        if self.fuse is not None:
            if self.fuse <= 0:
                raise PowerCut
            self.fuse -= 1

    def take(self, size: int) -> int:
        self.step()
        if self.room is None:
            return size
        fits = min(size, self.room)
        self.room -= fits
        return fits

    def open(self, path: Path, write: bool = False) -> CutHandle:
        if path not in self.names_now:
            if not write:
                raise FileNotFoundError(path)
            self.step()
            self._change(None, path, Inode())
        return CutHandle(self, self.names_now[path])

    def exists(self, path: Path) -> bool:
        return path in self.names_now or path in self.folders

    def names(self, folder: Path) -> list[str]:
        entries = {*self.names_now, *self.folders}
        return sorted(path.name for path in entries if path.parent == folder)

    def make_folder(self, folder: Path) -> None:
        self.folders |= {folder, *folder.parents}

    def rename(self, old: Path, new: Path) -> None:
        self.step()
        self._change(old, new, self.names_now[old])

    def remove(self, path: Path) -> None:
        self.step()
        self._change(path, None, self.names_now[path])

    def _change(self, gone: Path | None, come: Path | None, inode: Inode) -> None:
        self.changes.append((gone, come, inode))
        _apply(self.names_now, self.changes[-1])

    def sync_folder(self, folder: Path) -> None:
        self.step()
        for change in self.changes:
            if folder in {path.parent for path in change[:2] if path is not None}:
                _apply(self.names_durable, change)
        self.changes = [
            change for change in self.changes if folder not in {path.parent for path in change[:2] if path is not None}
        ]

    def lock(self, path: Path, what: str) -> NoLock:
        return NoLock()

    def after_power_cut(self, torn: random.Random | None = None) -> PowerCutFiles:
        """Return the disk as it is found afterwards.

        With `torn` the unsynced end of each file may have reached the disk in part, with holes: sectors of 512 bytes,
        each written, zero or missing, as real disks leave them; and each change of names may have reached it or not.
        """
        found = PowerCutFiles()
        found.folders = set(self.folders)
        names = dict(self.names_durable)
        for change in self.changes:
            if torn is not None and torn.random() < 0.5:
                _apply(names, change)
        for path, inode in names.items():
            content = inode.durable
            if torn is not None:
                content = _torn(inode, torn)
            found.names_now[path] = Inode(content)
        found.names_durable = dict(found.names_now)
        return found


def _apply(names: dict[Path, Inode], change: tuple[Path | None, Path | None, Inode]) -> None:
    gone, come, inode = change
    if gone is not None:
        names.pop(gone, None)
    if come is not None:
        names[come] = inode


def _torn(inode: Inode, chance: random.Random) -> bytes:
    durable, now = inode.durable, bytes(inode.content)
    if not now.startswith(durable) or len(now) == len(durable):
        return chance.choice([durable, now])
    tail = now[len(durable) :]
    sectors = [tail[at : at + 512] for at in range(0, len(tail), 512)]
    kept = [chance.choice([sector, sector, b"\0" * len(sector)]) for sector in sectors]
    return durable + b"".join(kept[: chance.randint(0, len(kept))])
