"""CSV as people really save it: any of the usual encodings and separators in, one safe form out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from bihuan.core import FormatError

_SEPARATORS = ",\t;，"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by a spreadsheet; see OWASP, CSV injection."""

csv.field_size_limit(16 * 1024 * 1024)


def decoded(data: bytes, name: str) -> str:
    """Return the text of a file in UTF-8, UTF-8 or UTF-16 with a byte order mark, or GB18030.

    Raises
    ------
    FormatError
        If it is none of them.
    """
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise FormatError(f"{name} is no text: save it as CSV (UTF-8 or GB18030), XLSX or GeoJSON")


def read_rows(text: str) -> list[list[str]]:
    """Return the rows of a CSV text; the separator is the one that its first rows hold most.

    Raises
    ------
    FormatError
        If a quoted cell never ends within reason.
    """
    head = text[:4096].splitlines()[:5]
    separator = max(_SEPARATORS, key=lambda mark: max((line.count(mark) for line in head), default=0))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as problem:
        raise FormatError(f"the text is no table: {problem}; save it as CSV from a spreadsheet") from None
    return [[_unguarded(cell) if cell[:1] == "'" else cell for cell in row] for row in rows]


def written(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a CSV that Excel opens as it is: UTF-8 with a byte order mark, no cell that it would run."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([[_shown(cell) for cell in row] for row in rows])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _shown(cell: Any) -> Any:
    if isinstance(cell, str):
        # text that already begins with guarding quotes gets one more, so that reading takes exactly one away
        return "'" + cell if cell.lstrip("'").startswith(_FORMULA) else cell
    return cell.isoformat() if isinstance(cell, date) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.lstrip("'").startswith(_FORMULA) else cell
