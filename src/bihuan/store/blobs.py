"""Photos and documents, kept by their digest: the same bytes once, and never other bytes under the same name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bihuan.core import InputError, NotCovered, StoreError
from bihuan.store.digests import Algorithm, holds, named_digest
from bihuan.store.files import REAL_FILES, Files, write_whole

_DIGEST = re.compile(r"(sha256|sm3):([0-9a-f]{64})")


class Blobs:
    """A folder of bytes by digest: ``<folder>/sha256/ab/cdef...``.

    Parameters
    ----------
    folder : Path
    algorithm : str
        ``sha256`` or ``sm3`` for new ones; both are read.
    files : Files
    """

    def __init__(self, folder: Path, algorithm: Algorithm = "sha256", files: Files = REAL_FILES) -> None:
        self.folder = folder
        self._algorithm, self._files = algorithm, files

    def put(self, data: bytes) -> str:
        """Keep bytes durably and return their digest; keeping them again changes nothing.

        Raises
        ------
        DiskFull, StoreError
        """
        digest = named_digest(data, self._algorithm)
        path = self.path(digest)
        if not self._files.exists(path):
            self._files.make_folder(path.parent)
            write_whole(path, data, self._files)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes of a digest.

        Raises
        ------
        NotCovered
            If they are not kept here.
        StoreError
            If what is kept no longer has this digest.
        """
        path = self.path(digest)
        if not self._files.exists(path):
            raise NotCovered(f"{digest} is not kept here: restore it from a backup")
        handle = self._files.open(path)
        try:
            data = handle.read(0, handle.size())
        finally:
            handle.close()
        if not holds(data, digest):
            raise StoreError(f"{path} no longer has the digest it is named by: restore it from a backup")
        return data

    def path(self, digest: str) -> Path:
        """Return where the bytes of a digest are kept.

        Raises
        ------
        InputError
            If the text is no digest.
        """
        found = _DIGEST.fullmatch(digest)
        if not found:
            raise InputError(f"digest {digest!r} cannot be read: write sha256: or sm3: and 64 small hex digits")
        return self.folder / found[1] / found[2][:2] / found[2][2:]

    def __contains__(self, digest: str) -> bool:
        return self._files.exists(self.path(digest))

    def __iter__(self) -> Iterator[str]:
        for algorithm in self._files.names(self.folder):
            for front in self._files.names(self.folder / algorithm):
                for rest in self._files.names(self.folder / algorithm / front):
                    if not rest.startswith("."):
                        yield f"{algorithm}:{front}{rest}"
