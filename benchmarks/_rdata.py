"""Reads the data frame of an R data file (XDR, format 2 or 3): numbers, whole numbers and instants, nothing else."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

MISSING_WHOLE = -(2**31)

REFERENCE, NOTHING, GLOBAL = 255, 254, 253
SYMBOL, PAIRS, LETTERS = 1, 2, 9
LOGICAL, WHOLE, REAL, STRINGS, LIST = 10, 13, 14, 16, 19
ALTERNATIVE = 238


def read_frame(path: Path) -> pl.DataFrame:
    """Return the first data frame of a file, its instants as ``Datetime("us", "UTC")``, NA as null."""
    raw = path.read_bytes()
    for magic, opened in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress)):
        if raw.startswith(magic):
            raw = opened(raw)
    assert raw[:7] in (b"RDX2\nX\n", b"RDX3\nX\n"), f"{path.name} is no XDR data file"
    top = _Reader(raw, 7).top()
    _, (columns, about) = next(iter(top.items()))
    return pl.DataFrame({name: _column(*column) for name, column in zip(about["names"][0], columns, strict=True)})


def _column(values: Any, about: dict[str, Any]) -> pl.Series:
    array = np.asarray(values)
    if array.dtype.kind == "i":
        return pl.Series(array.astype(np.float64)).set(pl.Series(array == MISSING_WHOLE), None)
    column = pl.Series(array.astype(np.float64)).fill_nan(None)
    if "POSIXct" in about.get("class", ([], {}))[0]:
        return (column * 1_000_000).cast(pl.Int64).cast(pl.Datetime("us", "UTC"))
    return column


class _Reader:
    """Walks the serialised objects; every object is a pair of its value and its attributes."""

    def __init__(self, raw: bytes, at: int) -> None:
        self._raw, self._at, self._seen = raw, at, list[Any]()

    def top(self) -> dict[str, Any]:
        version = self._int()
        self._at += 8
        if version == 3:
            self._at += self._int()
        return self._object()[0]

    def _int(self) -> int:
        self._at += 4
        return int(struct.unpack_from(">i", self._raw, self._at - 4)[0])

    def _numbers(self, kind: str, size: int) -> np.ndarray:
        count = self._int()
        self._at += count * size
        return np.frombuffer(self._raw, kind, count, self._at - count * size)

    def _object(self) -> Any:  # noqa: PLR0911  # one line a kind of object
        flags = self._int()
        kind, has_about, tagged = flags & 255, bool(flags & 512), bool(flags & 1024)
        if kind in (NOTHING, GLOBAL):
            return None, {}
        if kind == REFERENCE:
            return self._seen[(flags >> 8 or self._int()) - 1]
        if kind == SYMBOL:
            self._seen.append((self._object()[0], {}))
            return self._seen[-1]
        if kind == LETTERS:
            size = self._int()
            self._at += max(size, 0)
            return (None if size < 0 else self._raw[self._at - size : self._at].decode("latin-1")), {}
        if kind == PAIRS:
            return self._pairs(has_about, tagged)
        if kind == ALTERNATIVE:
            return self._alternative()
        value: Any
        if kind in (LOGICAL, WHOLE):
            value = self._numbers(">i4", 4)
        elif kind == REAL:
            value = self._numbers(">f8", 8)
        elif kind in (STRINGS, LIST):
            every = [self._object() for _ in range(self._int())]
            value = [one[0] for one in every] if kind == STRINGS else every
        else:
            raise ValueError(f"objects of kind {kind} are not read")
        return value, self._object()[0] if has_about else {}

    def _pairs(self, has_about: bool, tagged: bool) -> Any:
        if has_about:
            self._object()
        tag = self._object()[0] if tagged else ""
        found = {tag: self._object()}
        return found | (self._object()[0] or {}), {}

    def _alternative(self) -> Any:
        """A compact sequence: length, first, step."""
        _, state, _ = self._object(), self._object(), self._object()
        length, first, step = state[0]
        return np.arange(int(length)) * step + first, {}
