"""Cells that name pollutants: permit limits, rates, units."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from bihuan.core import NotCovered, exact, pollutant, pollutants
from bihuan.formats.as_typed import EDGES, as_decimal, narrow, plain, plain_number
from bihuan.formats.faults import BadCell
from bihuan.register import PermitLimit

_ITEM = re.compile(r"(?:【[^】]*】|[^;；\n])+")
_LIMIT = re.compile(r"(.+?)\s+(\S+)\s+(小时|日|hour|day)\s*(?:【(.*)】)?", re.DOTALL)
_AVERAGING: dict[str, str] = {"小时": "hour", "日": "day", "hour": "hour", "day": "day"}
_EXAMPLES = {"hour": "小时", "day": "日"}


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


def _near(key: str) -> list[str]:
    """Return the nearest known name; of two as near, that of the pollutant that stands first in the code list."""
    known = list(pollutant_names())
    close = difflib.get_close_matches(key, known, 3)
    closeness = {name: difflib.SequenceMatcher(None, name, key).ratio() for name in close}
    return sorted(close, key=lambda name: (-closeness[name], known.index(name)))[:1]


def _name_key(name: str) -> str:
    return re.sub(r"[\s._()]", "", narrow(name)).lower()


def _known_pollutant(name: str) -> str:
    code = pollutant_names().get(_name_key(name))
    if code is None:
        near = _near(_name_key(name))
        raise BadCell("pollutant", short_name(pollutant_names()[near[0]]) if near else "颗粒物、SO2、NOx、COD")
    return code


def _items(value: Any) -> list[str]:
    """Split at semicolons and line ends that stand outside 【】."""
    parts = (part.strip(EDGES) for part in _ITEM.findall(value))
    return [part for part in parts if part]


def limits(value: Any) -> tuple[PermitLimit, ...] | None:
    """Return the permit limits of a cell: pollutant, limit, averaging, basis in 【】."""
    if plain(value) is None:
        return None
    allowed = "颗粒物 10 小时; SO2 35 小时 【GB 13223-2011】"
    found = []
    for item in _items(str(value)):
        match = _LIMIT.fullmatch(item)
        if not match:
            raise BadCell("limits", allowed)
        name, written, averaging, basis = match.groups()
        limit = as_decimal(written, allowed)
        if limit is None or limit < 0:
            raise BadCell("limits", allowed)
        found.append(PermitLimit(_known_pollutant(name), float(limit), _AVERAGING[averaging], basis or ""))  # type: ignore[arg-type]
    return tuple(found)


def shown_limit(limit: PermitLimit) -> str:
    """Return a limit as its cell shows it."""
    basis = f" 【{limit.basis}】" if limit.basis else ""
    return f"{short_name(limit.pollutant)} {plain_number(exact(limit.limit))} {_EXAMPLES[limit.averaging]}{basis}"


def amounts(value: Any) -> dict[str, float] | None:
    """Return numbers by pollutant."""
    pairs = _split_pairs(value, "颗粒物 0.5; SO2 1.2")
    if pairs is None:
        return None
    found = {}
    for code, written in pairs.items():
        number = as_decimal(written, "颗粒物 0.5; SO2 1.2")
        if number is None or number < 0:
            raise BadCell("amounts", "颗粒物 0.5; SO2 1.2")
        found[code] = float(number)
    return found


def pairs(value: Any) -> dict[str, str] | None:
    """Return words by pollutant."""
    return _split_pairs(value, "CO ug/m3; SO2 mg/m3")


def _split_pairs(value: Any, allowed: str) -> dict[str, str] | None:
    if plain(value) is None:
        return None
    found: dict[str, str] = {}
    for item in _items(str(value)):
        name, _, rest = item.rpartition(" ")
        code = _known_pollutant(name.strip(EDGES)) if name else ""
        if not code or code in found:
            raise BadCell("amounts", allowed)
        found[code] = narrow(rest)
    return found
