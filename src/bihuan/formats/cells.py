"""One cell of a table: what people type to what facts hold, and back."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from bihuan.core import NotCovered, exact
from bihuan.formats.as_typed import EDGES, EXCEL_ERRORS, as_decimal, narrow, plain, plain_number, without_point
from bihuan.formats.faults import BadCell
from bihuan.formats.layouts import Column
from bihuan.formats.pollutant_cells import amounts, limits, pairs, short_name, shown_limit

Parser = Callable[[Any], Any]
"""Value of a cell (text, number, date, None) -> value of a fact; None for blank.

Raises `BadCell`.
"""

_LOST_DIGITS = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_DAY = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s]+\d{1,2}:\d{2}(?::\d{2})?(?:\.0+)?)?"
)
_DEGREES = re.compile(
    r"[A-Z东西南北经纬:]*(\d{1,3})[°º度](?:(\d{1,2}(?:\.\d+)?)[′'’分])?(?:(\d{1,2}(?:\.\d+)?)[″\"”秒])?[A-Z]?"
)
_PLAIN_DEGREES = re.compile(r"[0-9]{1,3}(\.[0-9]+)?")
_SEPARATORS = re.compile(r"[、,;|/\s]+")
_OPEN_CODE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_YES = {"是": True, "y": True, "yes": True, "true": True, "1": True, "√": True}
_NO = {"否": False, "n": False, "no": False, "false": False, "0": False, "×": False}
_EXCEL_EPOCH = date(1899, 12, 30)
_DATE_EXAMPLE = "2026-01-31"


def parser(column: Column) -> Parser:
    """Return the function that reads the cells of a column.

    Raises
    ------
    NotCovered
        If `templates.toml` gives the column a type that is not one of its list.
    """
    if column.type in _READERS:
        return _READERS[column.type]
    if column.type in _MAKERS:
        return _MAKERS[column.type](column)
    raise NotCovered(f"column type {column.type!r} of {column.key} is not one of templates.toml")


def show(column: Column, value: Any) -> Any:
    """Return what stands in the cell for a value of a fact: text, number or date; None is blank."""
    if value is None:
        return None
    shown = _WRITERS[column.type](column, value) if column.type in _WRITERS else value
    return None if shown == "" else shown


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return str(without_point(value))
    value = value.strip(EDGES)  # width is left alone: names of firms hold full-width brackets
    if value in EXCEL_ERRORS:
        raise BadCell("excel_error")
    return value or None


def _code(value: Any) -> str | None:
    value = plain(value)
    if isinstance(value, str):
        if _LOST_DIGITS.fullmatch(value):
            raise BadCell("digits_lost", "'41010200000001")
        return value
    if isinstance(value, (int, float)) and abs(value) >= 10**15:
        raise BadCell("digits_lost", "'41010200000001")  # Excel keeps 15 digits of a number
    return None if value is None else str(without_point(value))


def _codes(value: Any) -> tuple[str, ...] | None:
    return _many(value, _code)


def _many(value: Any, one: Parser) -> tuple[Any, ...] | None:
    value = plain(value)
    if value is None:
        return None
    parts = value if isinstance(value, list) else [str(without_point(value))]
    parts = [part for text in parts for part in _SEPARATORS.split(str(text)) if part]
    return tuple(dict.fromkeys(one(part) for part in parts))


def _number_parser(column: Column) -> Parser:
    offset, allowed = exact(column.offset), _range(column)
    low = None if column.low is None else exact(column.low)  # 20.9 as a double is a little less than 20.9
    high = None if column.high is None else exact(column.high)

    def parse(value: Any) -> float | None:
        number = as_decimal(value, allowed or "35.2")
        if number is None:
            return None
        if (low is not None and number < low) or (high is not None and number > high):
            raise BadCell("range", allowed)
        return float(number + offset)

    return parse


def _integer_parser(column: Column) -> Parser:
    number = _number_parser(column)

    def parse(value: Any) -> int | None:
        found = number(value)
        if found is not None and not found.is_integer():
            raise BadCell("integer", _range(column))
        return None if found is None else int(found)

    return parse


def _range(column: Column) -> str:
    if column.low is None or column.high is None:
        return ""
    return f"{column.low:g} – {column.high:g} {column.unit}".strip()


def _degrees(value: Any) -> float | None:
    if isinstance(value, str) and _PLAIN_DEGREES.fullmatch(value):
        return float(value)  # what nearly every cell holds
    allowed = "113.65724 / 113°39′26″"
    if isinstance(value, str) and ("°" in value or "度" in value or "º" in value):
        match = _DEGREES.fullmatch(re.sub(r"\s", "", value).replace("''", '"'))
        if not match:
            raise BadCell("number", allowed)
        degrees, minutes, seconds = (float(part or 0) for part in match.groups())
        if minutes >= 60 or seconds >= 60:
            raise BadCell("number", allowed)
        return round(degrees + minutes / 60 + seconds / 3600, 8)
    number = as_decimal(value, allowed)
    return None if number is None else float(number)


def _date(value: Any) -> date | None:
    value = plain(value)
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _excel_day(value)
    return _written_day(str(value))


def _excel_day(value: float) -> date:
    if 10**7 <= value < 10**8 and float(value).is_integer():
        return _written_day(str(int(value)))  # 20260131
    if not 18_264 <= value < 110_000:  # 1950 to 2201: a smaller number is a slip, not a day
        raise BadCell("date", _DATE_EXAMPLE)
    return _EXCEL_EPOCH + timedelta(days=int(value))


@cache
def _written_day(text: str) -> date:
    match = _DAY.fullmatch(text)
    parts = match.groups() if match else (text[:4], text[4:6], text[6:]) if re.fullmatch(r"\d{8}", text) else ()
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError:
        raise BadCell("date", _DATE_EXAMPLE) from None


def _yesno(value: Any) -> bool | None:
    value = plain(value)
    if value is None:
        return None
    found = (_YES | _NO).get(str(without_point(value)).lower())
    if found is None:
        raise BadCell("choice", "是、否")
    return found


def _choice_parser(column: Column) -> Parser:
    words = {narrow(word).lower(): code for code, word in column.values.items()}
    words |= {code.lower(): code for code in column.values}

    def parse(value: Any) -> str | None:
        value = plain(value)
        if value is None:
            return None
        written = str(without_point(value))
        code = words.get(written.lower())
        if code is None and column.open and _OPEN_CODE.fullmatch(written):
            return written
        if code is None:
            near = difflib.get_close_matches(written.lower(), words, 1)
            hint = f" ({column.values[words[near[0]]]}?)" if near else ""
            raise BadCell("choice", "、".join(column.values.values()) + hint)
        return code

    return parse


def _points(value: Any) -> tuple[tuple[float, float], ...] | None:
    value = plain(value)
    if value is None:
        return None
    allowed = "113.65 34.77, 113.66 34.77, 113.66 34.78"
    try:
        points = tuple((float(lon), float(lat)) for lon, lat in (part.split() for part in str(value).split(",")))
    except ValueError:
        raise BadCell("points", allowed) from None
    if not all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in points):
        raise BadCell("points", allowed)
    return points


def _choices_parser(column: Column) -> Parser:
    choice = _choice_parser(column)
    return lambda value: _many(value, choice)


_READERS: Mapping[str, Parser] = {
    "text": _text,
    "code": _code,
    "codes": _codes,
    "lon": _degrees,
    "lat": _degrees,
    "date": _date,
    "yesno": _yesno,
    "limits": limits,
    "amounts": amounts,
    "pairs": pairs,
    "points": _points,
}
_MAKERS: Mapping[str, Callable[[Column], Parser]] = {
    "number": _number_parser,
    "integer": _integer_parser,
    "choice": _choice_parser,
    "choices": _choices_parser,
}
_WRITERS: Mapping[str, Callable[[Column, Any], Any]] = {
    "number": lambda column, value: plain_number(exact(float(value)) - exact(column.offset)),
    "yesno": lambda column, value: "是" if value else "否",
    "choice": lambda column, value: column.values.get(str(value), str(value)),
    "choices": lambda column, value: "、".join(column.values.get(code, code) for code in value),
    "codes": lambda column, value: "、".join(value),
    "limits": lambda column, value: "; ".join(map(shown_limit, value)),
    "amounts": lambda column, value: "; ".join(
        f"{short_name(code)} {plain_number(exact(rate))}" for code, rate in value.items()
    ),
    "pairs": lambda column, value: "; ".join(f"{short_name(code)} {unit}" for code, unit in value.items()),
    "points": lambda column, value: ", ".join(
        f"{plain_number(exact(lon))} {plain_number(exact(lat))}" for lon, lat in value
    ),
}
