"""A file of a feed as a table of columns as they stand, text still text; torn rows are set aside and listed."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import Complaint, FormatError
from bihuan.devices.csv.layout import Csv

ROW = "__row"
"""Column of the line number of each row: the header is line 1 of a CSV file; a Parquet file counts from 1."""

LISTED = 1000
"""Rows listed one by one for each reason; more are counted in one line."""

_SEPARATORS = ",;\t|"
_HEADER_BYTES = 65536


Lines = NDArray[np.int64]


class Torn(NamedTuple):
    """A line with another number of fields than the header."""

    row: int
    found: int
    wanted: int


class Table(NamedTuple):
    """Columns of a file, with `ROW`, and what could not be taken."""

    frame: pl.DataFrame
    complaints: tuple[Complaint, ...]


def is_parquet(path: Path) -> bool:
    """Say whether a file is Parquet, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def header_of(path: Path, form: Csv) -> list[str]:
    """Return the names of the columns, without reading the rest of the file.

    Raises
    ------
    FormatError
        If the file is no Parquet and no text with a header.
    """
    if is_parquet(path):
        try:
            return list(pl.read_parquet_schema(path))
        except pl.exceptions.PolarsError as problem:
            raise FormatError(f"{path}: torn Parquet file: {problem}") from None
    text, _ = _decoded(_bytes(path, _HEADER_BYTES), path, cut=True)
    first = text.partition("\n")[0].rstrip("\r")
    names = next(csv.reader([first], delimiter=form.separator or _separator(first)), [])
    if not any(name.strip() for name in names):
        raise FormatError(f"{path}: the first line is no header; it must name the columns")
    return [name.strip() for name in names]


def read_table(path: Path, form: Csv) -> Table:
    """Read a whole file.

    Raises
    ------
    FormatError
        If the file is torn or is no table.
    """
    if is_parquet(path):
        try:
            frame = pl.read_parquet(path)
            flat = [name for name, kind in frame.schema.items() if not kind.is_nested()]
            return Table(frame.select(flat).with_row_index(ROW, 1), ())
        except pl.exceptions.PolarsError as problem:
            raise FormatError(f"{path}: torn Parquet file: {problem}") from None
    text, said = _decoded(_bytes(path), path)
    separator = form.separator or _separator(text.partition("\n")[0])
    lines, skipped, torn = _whole_lines(text.encode(), separator)
    said += [
        Complaint("row_torn", f"{line.found} fields, the header has {line.wanted}", f"row {line.row}", "error")
        for line in torn
    ]
    try:
        frame = pl.read_csv(io.BytesIO(lines), separator=separator, infer_schema=False, raise_if_empty=False)
        frame = frame.rename({name: name.strip() for name in frame.columns})
    except pl.exceptions.PolarsError as problem:
        raise FormatError(f"{path}: no table of fields parted by {separator!r}: {problem}") from None
    return Table(frame.with_columns(_line_numbers(frame.height, skipped)), tuple(said))


def _line_numbers(height: int, skipped: Lines) -> pl.Series:
    numbers = np.setdiff1d(np.arange(2, height + 2 + len(skipped)), skipped, assume_unique=True)
    return pl.Series(ROW, numbers[:height], pl.UInt32)


def _bytes(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as plain:
            if plain.read(2) != b"\x1f\x8b":
                plain.seek(0)
                return plain.read(most)
        with gzip.open(path) as packed:
            return packed.read(most)
    except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
        raise FormatError(f"{path}: torn gzip file: {problem}") from None


def _decoded(raw: bytes, path: Path, *, cut: bool = False) -> tuple[str, list[Complaint]]:
    """Text of a file in UTF-8 or GB18030 (Chinese vendors), a byte order mark left out."""
    end = raw.rfind(b"\n") + 1 if cut else 0
    data = raw[:end] if end else raw
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("gb18030"), [Complaint("text_gb18030", "the file is GB18030, read as such", "", "note")]
    except UnicodeDecodeError:
        raise FormatError(f"{path}: neither UTF-8 nor GB18030 text, nor Parquet") from None


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


def _whole_lines(data: bytes, separator: str) -> tuple[bytes, Lines, list[Torn]]:
    """Leave out blank lines and those with more or fewer fields than the header; return their numbers."""
    if b'"' in data:
        return _whole_records(data, separator)
    data = data.rstrip(b"\r\n") + b"\n"
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == ord("\n")) + 1
    starts = np.concatenate([[0], ends[:-1]])
    separators = np.add.reduceat((array == ord(separator)).astype(np.int32), starts)
    wrong = np.flatnonzero(separators != separators[0])
    if not len(wrong):
        return data, wrong, []
    keep = np.ones(len(array), dtype=bool)
    for line in wrong:
        keep[starts[line] : ends[line]] = False
    torn = [
        Torn(int(line) + 1, int(separators[line]) + 1, int(separators[0]) + 1)
        for line in wrong
        if data[starts[line] : ends[line]].strip()
    ]
    return array[keep].tobytes(), wrong + 1, torn


def _whole_records(data: bytes, separator: str) -> tuple[bytes, Lines, list[Torn]]:
    """The same for a file with quoted fields, which may hold separators and line ends."""
    records = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=separator))
    wanted = len(records[0])
    wrong = [row for row, record in enumerate(records, 1) if len(record) != wanted]
    torn = [Torn(row, len(records[row - 1]), wanted) for row in wrong if records[row - 1]]
    if not wrong:
        return data, np.array([], dtype=np.int64), []
    kept = io.StringIO(newline="")
    csv.writer(kept, delimiter=separator).writerows(record for record in records if len(record) == wanted)
    return kept.getvalue().encode(), np.array(wrong), torn


def listed(
    frame: pl.DataFrame, wrong: pl.Series, reason: str, detail: str, shown: tuple[str, ...]
) -> Iterator[Complaint]:
    """Complain of each row where `wrong` holds, with what stands in the columns `shown`, up to `LISTED` rows."""
    if not wrong.any():
        return
    found = frame.filter(wrong)
    for row in found.head(LISTED).select(ROW, *shown).iter_rows():
        seen = f", found {' '.join(str(cell)[:30] for cell in row[1:])!r}" if shown else ""
        yield Complaint(reason, detail + seen, f"row {row[0]}", "error")
    if found.height > LISTED:
        yield Complaint(reason, f"{found.height - LISTED} further rows: {detail}", "", "error")
