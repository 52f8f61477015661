"""One cell of a table: what people type to what facts hold, and back."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from bihuan.core import NotCovered, exact, pollutant, pollutants
from bihuan.formats.faults import BadCell
from bihuan.formats.layouts import Column
from bihuan.register import PermitLimit

Parser = Callable[[Any], Any]
"""Value of a cell (text, number, date, None) -> value of a fact; None for blank.

Raises `BadCell`.
"""

_EDGES = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff"
_BLANK = frozenset({"", "-", "--", "—", "——", "/", "\\", "无", "n/a", "na", "null", "none", "nan"})
_EXCEL_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})
_LOST_DIGITS = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_DAY = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s]+\d{1,2}:\d{2}(?::\d{2})?(?:\.0+)?)?"
)
_DEGREES = re.compile(
    r"[A-Z东西南北经纬:]*(\d{1,3})[°º度](?:(\d{1,2}(?:\.\d+)?)[′'’分])?(?:(\d{1,2}(?:\.\d+)?)[″\"”秒])?[A-Z]?"
)
_SEPARATORS = re.compile(r"[、,;|/\s]+")
_ITEM = re.compile(r"(?:【[^】]*】|[^;；\n])+")
_LIMIT = re.compile(r"(.+?)\s+(\S+)\s+(小时|日|hour|day)\s*(?:【(.*)】)?", re.DOTALL)
_OPEN_CODE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_YES = {"是": True, "y": True, "yes": True, "true": True, "1": True, "√": True}
_NO = {"否": False, "n": False, "no": False, "false": False, "0": False, "×": False}
_EXCEL_EPOCH = date(1899, 12, 30)
_AVERAGING: dict[str, str] = {"小时": "hour", "日": "day", "hour": "hour", "day": "day"}
_EXAMPLES = {"hour": "小时", "day": "日"}
_DATE_EXAMPLE = "2026-01-31"


def narrow(text: str) -> str:
    """Return text in half-width letters and digits, without the spaces around it that nobody sees."""
    return text.strip(_EDGES) if text.isascii() else unicodedata.normalize("NFKC", text).strip(_EDGES)


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


def plain_number(value: Decimal) -> int | float:
    """Return a number as a spreadsheet prints it: 35 and not 35.0."""
    whole = value == value.to_integral_value() and abs(value) < 10**15
    return int(value) if whole else float(value)


@cache
def pollutant_names() -> Mapping[str, str]:
    """Return code by every name a clerk may write, in `narrow` lower case without dots and brackets."""
    found: dict[str, str] = {}
    for code, row in pollutants().items():
        for name in (code, row.zh, row.en):
            found.setdefault(_name_key(name), code)
            found.setdefault(_name_key(re.sub(r"\(.*\)", "", narrow(name))), code)
    found |= {_name_key(name): code for name, code in {"烟尘": "pm", "非甲烷总烃": "nmhc", "COD": "cod"}.items()}
    return found


@cache
def short_name(code: str) -> str:
    """Return the name that a sheet shows for a pollutant: what reads back to its code."""
    names = pollutant_names()
    try:
        row = pollutant(code)
    except NotCovered:
        return code
    candidates = (row.en, re.sub(r"\(.*\)", "", row.zh), row.zh)
    return next((name for name in candidates if names.get(_name_key(name)) == code and len(name) <= 8), code)


def _name_key(name: str) -> str:
    return re.sub(r"[\s._()]", "", narrow(name)).lower()


def _plain(value: Any) -> Any:
    """Return the value of a cell with blanks as None; text narrow."""
    if isinstance(value, str):
        value = narrow(value)
        if value in _EXCEL_ERRORS:
            raise BadCell("excel_error")
        return None if value.lower() in _BLANK else value
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return str(_whole(value))
    value = value.strip(_EDGES)  # width is left alone: names of firms hold full-width brackets
    if value in _EXCEL_ERRORS:
        raise BadCell("excel_error")
    return value or None


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _code(value: Any) -> str | None:
    value = _plain(value)
    if isinstance(value, str):
        if _LOST_DIGITS.fullmatch(value):
            raise BadCell("digits_lost", "'41010200000001")
        return value
    if isinstance(value, (int, float)) and abs(value) >= 10**15:
        raise BadCell("digits_lost", "'41010200000001")  # Excel keeps 15 digits of a number
    return None if value is None else str(_whole(value))


def _codes(value: Any) -> tuple[str, ...] | None:
    return _many(value, _code)


def _many(value: Any, one: Parser) -> tuple[Any, ...] | None:
    value = _plain(value)
    if value is None:
        return None
    parts = value if isinstance(value, list) else [str(_whole(value))]
    parts = [part for text in parts for part in _SEPARATORS.split(str(text)) if part]
    return tuple(dict.fromkeys(one(part) for part in parts))


def _number(value: Any, allowed: str = "35.2") -> Decimal | None:
    value = _plain(value)
    if value is None:
        return None
    if isinstance(value, str):
        value = value.replace(",", "") if _THOUSANDS.fullmatch(value) else value
        value = value.replace("−", "-")
    try:
        if isinstance(value, (bool, date)):
            raise ValueError
        number = exact(float(value))
    except (ValueError, TypeError, OverflowError):
        raise BadCell("number", allowed) from None
    if not number.is_finite():
        raise BadCell("number", allowed)
    return number


def _number_parser(column: Column) -> Parser:
    offset, allowed = exact(column.offset), _range(column)
    low = None if column.low is None else exact(column.low)  # 20.9 as a double is a little less than 20.9
    high = None if column.high is None else exact(column.high)

    def parse(value: Any) -> float | None:
        number = _number(value, allowed or "35.2")
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
    allowed = "113.65724 / 113°39′26″"
    if isinstance(value, str) and ("°" in value or "度" in value or "º" in value):
        match = _DEGREES.fullmatch(re.sub(r"\s", "", value).replace("''", '"'))
        if not match:
            raise BadCell("number", allowed)
        degrees, minutes, seconds = (float(part or 0) for part in match.groups())
        if minutes >= 60 or seconds >= 60:
            raise BadCell("number", allowed)
        return round(degrees + minutes / 60 + seconds / 3600, 8)
    number = _number(value, allowed)
    return None if number is None else float(number)


def _date(value: Any) -> date | None:
    value = _plain(value)
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
    value = _plain(value)
    if value is None:
        return None
    found = (_YES | _NO).get(str(_whole(value)).lower())
    if found is None:
        raise BadCell("choice", "是、否")
    return found


def _choice_parser(column: Column) -> Parser:
    words = {narrow(word).lower(): code for code, word in column.values.items()}
    words |= {code.lower(): code for code in column.values}

    def parse(value: Any) -> str | None:
        value = _plain(value)
        if value is None:
            return None
        written = str(_whole(value))
        code = words.get(written.lower())
        if code is None and column.open and _OPEN_CODE.fullmatch(written):
            return written
        if code is None:
            near = difflib.get_close_matches(written.lower(), words, 1)
            hint = f" ({column.values[words[near[0]]]}?)" if near else ""
            raise BadCell("choice", "、".join(column.values.values()) + hint)
        return code

    return parse


def _known_pollutant(name: str) -> str:
    code = pollutant_names().get(_name_key(name))
    if code is None:
        near = difflib.get_close_matches(_name_key(name), pollutant_names(), 1)
        raise BadCell("pollutant", short_name(pollutant_names()[near[0]]) if near else "颗粒物、SO2、NOx、COD")
    return code


def _items(value: Any) -> list[str]:
    """Split at semicolons and line ends that stand outside 【】."""
    parts = (part.strip(_EDGES) for part in _ITEM.findall(value))
    return [part for part in parts if part]


def _limits(value: Any) -> tuple[PermitLimit, ...] | None:
    if _plain(value) is None:
        return None
    allowed = "颗粒物 10 小时; SO2 35 小时 【GB 13223-2011】"
    found = []
    for item in _items(str(value)):
        match = _LIMIT.fullmatch(item)
        if not match:
            raise BadCell("limits", allowed)
        name, number, averaging, basis = match.groups()
        limit = _number(number, allowed)
        if limit is None or limit < 0:
            raise BadCell("limits", allowed)
        found.append(PermitLimit(_known_pollutant(name), float(limit), _AVERAGING[averaging], basis or ""))  # type: ignore[arg-type]
    return tuple(found)


def _shown_limit(limit: PermitLimit) -> str:
    basis = f" 【{limit.basis}】" if limit.basis else ""
    return f"{short_name(limit.pollutant)} {plain_number(exact(limit.limit))} {_EXAMPLES[limit.averaging]}{basis}"


def _amounts(value: Any) -> dict[str, float] | None:
    pairs = _split_pairs(value, "颗粒物 0.5; SO2 1.2")
    if pairs is None:
        return None
    found = {}
    for code, written in pairs.items():
        number = _number(written, "颗粒物 0.5; SO2 1.2")
        if number is None or number < 0:
            raise BadCell("amounts", "颗粒物 0.5; SO2 1.2")
        found[code] = float(number)
    return found


def _pairs(value: Any) -> dict[str, str] | None:
    return _split_pairs(value, "CO ug/m3; SO2 mg/m3")


def _split_pairs(value: Any, allowed: str) -> dict[str, str] | None:
    if _plain(value) is None:
        return None
    found: dict[str, str] = {}
    for item in _items(str(value)):
        name, _, rest = item.rpartition(" ")
        code = _known_pollutant(name.strip(_EDGES)) if name else ""
        if not code or code in found:
            raise BadCell("amounts", allowed)
        found[code] = narrow(rest)
    return found


def _points(value: Any) -> tuple[tuple[float, float], ...] | None:
    value = _plain(value)
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
    "limits": _limits,
    "amounts": _amounts,
    "pairs": _pairs,
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
    "limits": lambda column, value: "; ".join(map(_shown_limit, value)),
    "amounts": lambda column, value: "; ".join(
        f"{short_name(code)} {plain_number(exact(rate))}" for code, rate in value.items()
    ),
    "pairs": lambda column, value: "; ".join(f"{short_name(code)} {unit}" for code, unit in value.items()),
    "points": lambda column, value: ", ".join(
        f"{plain_number(exact(lon))} {plain_number(exact(lat))}" for lon, lat in value
    ),
}
