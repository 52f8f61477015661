"""What stands in a cell before anybody asks for its type: spaces, width, marks of nothing, numbers as typed."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

from bihuan.core import exact
from bihuan.formats.faults import BadCell

EDGES = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff"
_BLANK = frozenset({"", "-", "--", "—", "——", "/", "\\", "无", "n/a", "na", "null", "none", "nan"})
_LONGEST_BLANK = max(map(len, _BLANK))
EXCEL_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


def narrow(text: str) -> str:
    """Return text in half-width letters and digits, without the spaces around it that nobody sees."""
    return text.strip(EDGES) if text.isascii() else unicodedata.normalize("NFKC", text).strip(EDGES)


def plain(value: Any) -> Any:
    """Return the value of a cell with blanks as None; text narrow.

    Raises
    ------
    BadCell
        If it is the error of a formula.
    """
    if isinstance(value, str):
        value = narrow(value)
        if value[:1] == "#" and value in EXCEL_ERRORS:
            raise BadCell("excel_error")
        return None if len(value) <= _LONGEST_BLANK and value.lower() in _BLANK else value
    return value


def without_point(value: Any) -> Any:
    """Return 35 for 35.0: a spreadsheet knows no whole numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_decimal(value: Any, allowed: str = "35.2") -> Decimal | None:
    """Return the number of a cell as it was printed.

    Raises
    ------
    BadCell
        If it is none; `allowed` is an example of one.
    """
    value = plain(value)
    if value is None:
        return None
    if isinstance(value, str):
        value = value.replace(",", "") if _THOUSANDS.fullmatch(value) else value
        value = value.replace("−", "-")
    try:
        if isinstance(value, (bool, date)) or "_" in str(value):  # Python would read 1_000
            raise ValueError
        number = exact(float(value))
    except (ValueError, TypeError, OverflowError):
        raise BadCell("number", allowed) from None
    if not number.is_finite():
        raise BadCell("number", allowed)
    return number


def plain_number(value: Decimal) -> int | float:
    """Return a number as a spreadsheet prints it: 35 and not 35.0."""
    whole = value == value.to_integral_value() and abs(value) < 10**15
    return int(value) if whole else float(value)
