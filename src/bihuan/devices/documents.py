"""Documents of devices and feeds: text, JSON, tables, times and numbers as the field really writes them.

Nothing here raises for what a device sent: what cannot be read is said, and the rest is read.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bihuan.core import Complaint

Say = Callable[[Complaint], None]

SENTINELS = frozenset({-999.0, -9999.0, -99999.0, 9999.0, 99999.0, 9999.99})
"""Figures that cheap loggers agree on for no value; none of them is a concentration."""

MISSING = frozenset({"", "-", "--", "---", "/", "null", "none", "na", "n/a", "nan", "invalid", "nil"})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(1990, 2200)
_MILLISECONDS = 1e11
"""Counts of seconds since 1970 stay below it until the year 5138; larger counts are of milliseconds."""

DEEP = 20
"""Levels of a JSON document that are walked."""


class Number(NamedTuple):
    """A value as it was read: what it is, or why there is none (`no_value`, `sentinel`, `unreadable`)."""

    value: float | None
    why: str = ""


def text_of(data: bytes, say: Say) -> str:
    """Return the text of some bytes: UTF-8 with or without its mark, else GB18030, which is said."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        found = data.decode("gb18030")
    except UnicodeDecodeError:
        say(Complaint("text_unreadable", "neither UTF-8 nor GB18030; what cannot be read was left out"))
        return data.decode("utf-8", "ignore")
    say(Complaint("text_gb18030", "read as GB18030; UTF-8 is expected", "", "note"))
    return found


def json_of(data: bytes, say: Say) -> Any:
    """Return a JSON document, or None with a complaint; NaN and Infinity become None."""
    try:
        return json.loads(text_of(data, say), parse_constant=lambda _: None)
    except (ValueError, RecursionError) as problem:
        say(Complaint("json_unreadable", f"no JSON: {str(problem)[:120]}", "", "error"))
        return None


def listed(found: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a document that is one object or a list of them."""
    rows = found if isinstance(found, list) else [found]
    return [row for row in rows if isinstance(row, Mapping)]


def number_of(found: Any) -> Number:
    """Read a number: JSON's own, or text with a point or a decimal comma."""
    text = found.strip() if isinstance(found, str) else found
    if text is None or (isinstance(text, str) and text.lower() in MISSING):
        return Number(None, "no_value")
    value = _float(text)
    if not math.isfinite(value):
        return Number(None, "unreadable")
    return Number(None, "sentinel") if value in SENTINELS else Number(value)


def _float(found: Any) -> float:
    """Return a float, NaN for what is none; Python's own 1_000 and true are none."""
    if isinstance(found, bool) or (isinstance(found, str) and "_" in found):
        return math.nan
    if isinstance(found, str) and found.count(",") == 1 and "." not in found:
        found = found.replace(",", ".")
    try:
        return float(found)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def instant_of(found: Any, zone: ZoneInfo) -> datetime | None:
    """Read a time: ISO text, ``YYYY-MM-DD hh:mm:ss`` and its kin, ``YYYYMMDDhhmmss``, or seconds since 1970.

    Text without an offset is local time of `zone`.
    """
    if isinstance(found, int | float) and not isinstance(found, bool):
        return _counted(float(found)) if abs(found) < 1e16 else None
    return _written(found, zone) if isinstance(found, str) else None


def _written(found: str, zone: ZoneInfo) -> datetime | None:
    text = found.strip().replace("/", "-").rstrip("zZ") + ("+00:00" if found.strip()[-1:] in "zZ" and found else "")
    digits = text.removesuffix("+00:00")
    if digits.isascii() and digits.isdigit() and len(digits) in (10, 13):
        return _counted(float(digits))
    try:
        instant = datetime.fromisoformat(text)
        if instant.year not in _YEARS:
            return None
        return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _counted(seconds: float) -> datetime | None:
    if not math.isfinite(seconds):
        return None
    seconds = seconds / 1000.0 if abs(seconds) >= _MILLISECONDS else seconds
    try:
        instant = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return instant if instant.year in _YEARS else None


def table_of(data: bytes, say: Say) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV table by its header, with their line; torn rows are said and left out.

    Commas, semicolons and tabs separate, whichever the header holds most of.
    """
    text = text_of(data, say)
    head = text.partition("\n")[0]
    mark = max((",", ";", "\t"), key=head.count)
    rows = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=mark)
    header: list[str] = []
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as problem:
            say(Complaint("row_torn", str(problem), f"row {rows.line_num}", "error"))
            return
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            header = [cell.strip() for cell in row]
        elif len(row) != len(header):
            say(
                Complaint(
                    "row_torn", f"{len(row)} fields, the header has {len(header)}", f"row {rows.line_num}", "error"
                )
            )
        else:
            yield rows.line_num, {name: cell.strip() for name, cell in zip(header, row, strict=True)}


def is_json(data: bytes) -> bool:
    """Say whether bytes look like a JSON document."""
    return data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
