"""Files that come through the pages: a name that leads nowhere else, and a size that is bounded."""

from __future__ import annotations

from pathlib import Path

from fastapi import UploadFile

from bihuan.app.api.errors import Refused

PIECE = 1 << 20


def upload_name(given: str) -> str:
    """Return the last part of a file name, without what could lead elsewhere."""
    last = given.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable()).strip(". ")
    while len(kept.encode()) > 200:  # a name of a file system is 255 bytes at most; the ending says what it is
        kept = kept[1:]
    return kept or "upload"


def keep_upload(file: UploadFile, path: Path, limit: int) -> int:
    """Write an upload to a file and return its size [bytes].

    Raises
    ------
    Refused
        413, when it is larger than `limit` bytes.
    """
    size = 0
    with path.open("wb") as target:
        while piece := file.file.read(PIECE):
            size += len(piece)
            if size > limit:
                raise Refused(
                    413,
                    "too_large",
                    f"{path.name} is larger than {limit >> 20} MiB: split it, use the command line, or set upload_mib",
                )
            target.write(piece)
    return size
