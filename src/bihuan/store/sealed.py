"""Sealed segments: zstd in the seekable format, so that one frame is read without unpacking the rest.

Source: Zstandard seekable format 0.1.0 (contrib/seekable_format of the zstd project): independent zstd frames, then a
skippable frame that lists their sizes. Every ordinary ``zstd -d`` reads such a file. In front of that list stands one
more skippable frame, the seal proper: the SHA-256 of what was sealed. It is listed as a piece without content.
"""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from itertools import accumulate

import zstandard

from bihuan.core import JournalError
from bihuan.store.files import Handle

PIECE = 1 << 20
"""Raw bytes of one independent frame."""

_SEAL = 0x184D2A50
_SEAL_MARK = b"BIHUANS1"
_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_SKIP_HEAD = struct.Struct("<II")
_ROW = struct.Struct("<II")
_FOOT = struct.Struct("<IBI")


def seal(data: bytes) -> bytes:
    """Return `data` in the seekable zstd format, each piece with its own checksum."""
    packer = zstandard.ZstdCompressor(level=3, write_checksum=True, write_content_size=True)
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    packed = [packer.compress(piece) for piece in pieces]
    stamp = _SEAL_MARK + hashlib.sha256(data).digest()
    packed.append(_SKIP_HEAD.pack(_SEAL, len(stamp)) + stamp)
    pieces.append(b"")
    table = b"".join(_ROW.pack(len(small), len(piece)) for small, piece in zip(packed, pieces, strict=True))
    table += _FOOT.pack(len(pieces), 0, _SEEKABLE)
    return b"".join(packed) + _SKIP_HEAD.pack(_SKIPPABLE, len(table)) + table


class Sealed:
    """Reads a sealed segment as if it had never been packed.

    Raises
    ------
    JournalError
        If the file is no sealed segment or a piece does not hold what its checksum promises.
    """

    def __init__(self, handle: Handle, name: str) -> None:
        self._handle, self._name = handle, name
        foot = handle.read(max(0, handle.size() - _FOOT.size), _FOOT.size)
        count, _, magic = _FOOT.unpack(foot) if len(foot) == _FOOT.size else (0, 0, 0)
        if magic != _SEEKABLE:
            raise JournalError(f"sealed segment {name} has no table at its end: restore it from a backup")
        table = handle.read(handle.size() - _FOOT.size - count * _ROW.size, count * _ROW.size)
        rows: list[tuple[int, int]] = list(_ROW.iter_unpack(table))
        self._packed = [0, *accumulate(row[0] for row in rows)]
        self._plain = [0, *accumulate(row[1] for row in rows)]
        self._unpacker = zstandard.ZstdDecompressor()
        self._last: tuple[int, bytes] = (-1, b"")

    @property
    def digest(self) -> str:
        """SHA-256 of what was sealed, as the seal has it; empty in a segment that was sealed before seals had one."""
        if len(self._plain) < 2 or self._plain[-1] != self._plain[-2]:
            return ""
        start, end = self._packed[-2:]
        stamp = self._handle.read(start, end - start)[_SKIP_HEAD.size :]
        return "sha256:" + stamp[len(_SEAL_MARK) :].hex() if stamp.startswith(_SEAL_MARK) else ""

    def size(self) -> int:
        """Return the length of what was sealed. [bytes]"""
        return self._plain[-1]

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` of what was sealed."""
        found = []
        while size > 0 and offset < self._plain[-1]:
            number = bisect_right(self._plain, offset) - 1
            within = offset - self._plain[number]
            part = self._piece(number)[within : within + size]
            found.append(part)
            offset += len(part)
            size -= len(part)
        return b"".join(found)

    def close(self) -> None:
        """Give the file back."""
        self._handle.close()

    def _piece(self, number: int) -> bytes:
        if self._last[0] != number:
            start, end = self._packed[number : number + 2]
            try:
                plain = self._unpacker.decompress(self._handle.read(start, end - start))
            except zstandard.ZstdError as problem:
                raise JournalError(
                    f"sealed segment {self._name} is damaged at byte {start} ({problem}): restore it from a backup"
                ) from None
            self._last = (number, plain)
        return self._last[1]
