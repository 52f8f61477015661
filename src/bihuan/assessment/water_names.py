"""Names, units and signs that a table of water samples may use (`water_columns.toml`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from bihuan.core import InputError

TABLE = "assessment/water_columns.toml"

_UNIT = re.compile(r"[(\[\uff08\u3010]\s*([^()\[\]\uff08\uff09\u3010\u3011]*)\s*[)\]\uff09\u3011]\s*$")
_JOINTS = re.compile(r"[\s._\-]")
_WIDE_SIGNS = str.maketrans({"\uff08": "(", "\uff09": ")", "\uff1c": "<", "\u2160": "I"})


@dataclass(frozen=True, slots=True)
class Item:
    """One item that a table may hold.

    Attributes
    ----------
    code, unit : str
    low, high : float
        What can be measured at all. [unit]
    declare : bool
        Nothing is assumed of a value without a unit.
    """

    code: str
    unit: str
    low: float
    high: float
    declare: bool


@dataclass(frozen=True, slots=True)
class Header:
    """What the head of a column says.

    Attributes
    ----------
    column : str
        As in the table.
    key : str
        ``site start end item value unit water_body level built``, or empty.
    item : Item or None
    unit : str or None
        As declared in brackets, in the spelling of the house; None where none is declared, empty where it is unknown.
    """

    column: str
    key: str
    item: Item | None
    unit: str | None


@cache
def accepted() -> Mapping[str, Any]:
    """Return the table of names."""
    return tomllib.loads(resources.files("bihuan.assessment").joinpath("water_columns.toml").read_text("utf-8"))


@cache
def items() -> Mapping[str, Item]:
    """Return every item that may be read, by its code."""
    found = accepted()["items"].items()
    return {
        code: Item(code, row["unit"], float(row["possible"][0]), float(row["possible"][1]), row.get("declare", False))
        for code, row in found
    }


def plain_name(words: str) -> str:
    """Return a name without case, spaces, dots, underscores and hyphens."""
    return _JOINTS.sub("", words.strip().translate(_WIDE_SIGNS)).lower()


@cache
def _item_names() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for code, row in accepted()["items"].items():
        for name in (code, *row["names"]):
            if found.setdefault(plain_name(name), code) != code:
                raise InputError(f"{TABLE}: {name!r} is a name of both {found[plain_name(name)]} and {code}")
    return found


def item_of(words: str) -> Item | None:
    """Return the item a name means, None if it is no name of one."""
    code = _item_names().get(plain_name(words))
    return None if code is None else items()[code]


def unit_of(words: str) -> str:
    """Return the unit a spelling means, empty if it is not known."""
    plain = re.sub(r"\s", "", words.translate(_WIDE_SIGNS)).lower()
    return next((unit for unit, spellings in accepted()["unit_words"].items() if plain in spellings), "")


def power_between(unit: str, wanted: str) -> int | None:
    """Return the power of ten by which a number in `unit` becomes one in `wanted`, None where there is none."""
    if unit == wanted:
        return 0
    for kind in accepted()["powers"].values():
        if unit in kind and wanted in kind:
            return int(kind[unit] - kind[wanted])
    return None


def choice(table: str, words: str) -> str:
    """Return the key of ``bodies`` or ``levels`` that a word means, empty if none."""
    plain = plain_name(words)
    rows = accepted()[table].items()
    return next((key for key, names in rows if plain in {plain_name(name) for name in names}), "")


def header(column: str) -> Header:
    """Read the head of a column: ``NH3-N (ug/L)`` is ammonia nitrogen in ug/L."""
    item, unit, name = item_of(column), None, column
    if item is None and (found := _UNIT.search(column)):
        name, unit = column[: found.start()], unit_of(found.group(1))
        item = item_of(name)
    plain = plain_name(name)
    key = next((key for key, names in accepted()["keys"].items() if plain in map(plain_name, names)), "")
    return Header(column, "" if item else key, item, unit)
