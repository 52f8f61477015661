"""What the headers and words of a file of soil samples mean (`soil_columns.toml`)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from bihuan.core import InputError, pollutants

TABLE = "assessment/soil_columns.toml"
SAMPLE = ("date", "land_use", "ph", "depth")
"""Columns of a sample beside its site; each may be absent, and what needs it is then refused row by row."""

_JOINTS = re.compile(r"[\s,.'\"\u2032\u00b7_\-\u2010-\u2014()\[\]\uff08\uff09\u3010\u3011{}]")
_LAST_BRACKET = re.compile(r"[(\[]([^()\[\]]*)[)\]]\s*$")


@dataclass(frozen=True, slots=True)
class SoilColumns:
    """Which column of a file is what.

    Attributes
    ----------
    keys : mapping of str to str
        Column by meaning: ``site date land_use ph depth``, of a long table ``item value unit detection_limit
        background`` too.
    items : mapping of str to str
        Of a wide table: item by column.
    backgrounds : mapping of str to str
        Of a wide table: column of the background by item.
    unknown : tuple of str
        Columns that mean nothing here.
    """

    keys: Mapping[str, str]
    items: Mapping[str, str]
    backgrounds: Mapping[str, str]
    unknown: tuple[str, ...]

    @property
    def long(self) -> bool:
        """Say whether each row holds one item."""
        return "item" in self.keys


@cache
def soil_words() -> Mapping[str, Any]:
    """Return the names, units and signs that are read."""
    return tomllib.loads(resources.files("bihuan.assessment").joinpath("soil_columns.toml").read_text("utf-8"))


def key_of(name: str) -> str:
    """Return a name as names are compared."""
    return _JOINTS.sub("", unicodedata.normalize("NFKC", name)).casefold()


@cache
def item_names() -> Mapping[str, str]:
    """Return the code of every item of soil by every name it is read under.

    Raises
    ------
    InputError
        If one name means two items.
    """
    found: dict[str, str] = {}
    for name, code in _names_of_items():
        key = key_of(name)
        if found.setdefault(key, code) != code:
            raise InputError(f"{TABLE}: {name!r} means {found[key]} and {code}")
    return found


def _names_of_items() -> Iterator[tuple[str, str]]:
    for code, row in pollutants().items():
        if row.soil_unit:
            yield from ((name, code) for name in (code, row.zh, row.en, *row.cas.split(";")) if name)
    for code, names in soil_words()["items"].items():
        yield from ((name, code) for name in names)


@cache
def land_use_names() -> Mapping[str, str]:
    """Return the land use by every name it is read under."""
    return {key_of(name): use for use, names in soil_words()["land_uses"].items() for name in names}


@cache
def _key_names() -> Mapping[str, str]:
    return {key_of(name): what for what, names in soil_words()["keys"].items() for name in names}


@cache
def _ignored() -> frozenset[str]:
    return frozenset(key_of(name) for name in soil_words()["ignored"]["names"])


def same_unit(unit: str) -> bool:
    """Say whether a unit is the one that soil is judged in."""
    known = {key_of(name) for name in soil_words()["units"]["mg/kg"]}
    return key_of(unit) in known


def soil_columns(columns: Sequence[str]) -> SoilColumns:
    """Find the columns of a file.

    Raises
    ------
    InputError
        If there is no site or no item, two columns are one thing, or a unit is another than mg/kg.
    """
    keys: dict[str, str] = {}
    items: dict[str, str] = {}
    backgrounds: dict[str, str] = {}
    unknown: list[str] = []
    for column in columns:
        base, unit = _parted(column)
        what = _key_names().get(key_of(base))
        item, of_background = _item_of(base)
        if what is not None:
            _once(keys, what, column)
        elif item is None:
            unknown += [] if key_of(base) in _ignored() else [column]
        elif of_background:
            _once(backgrounds, item, column)
        else:
            _in_unit(column, unit)
            _once(items, item, column)
    _complete(columns, keys, items)
    return SoilColumns(keys, {column: item for item, column in items.items()}, backgrounds, tuple(unknown))


def _parted(column: str) -> tuple[str, str]:
    """Return a header without the unit in its last brackets, and the unit; brackets of a name are kept."""
    plain = unicodedata.normalize("NFKC", column).strip()
    found = _LAST_BRACKET.search(plain)
    if found is None or key_of(plain) in item_names() or key_of(plain) in _key_names():
        return plain, ""
    return plain[: found.start()].strip(), found.group(1).strip()


def _item_of(base: str) -> tuple[str | None, bool]:
    key = key_of(base)
    if key in item_names():
        return item_names()[key], False
    for ending in (key_of(name) for name in soil_words()["keys"]["background"]):
        if key.endswith(ending) and key.removesuffix(ending) in item_names():
            return item_names()[key.removesuffix(ending)], True
    return None, False


def _once(found: dict[str, str], what: str, column: str) -> None:
    if what in found:
        raise InputError(f"columns {found[what]!r} and {column!r} are both {what} ({TABLE}); keep one")
    found[what] = column


def _in_unit(column: str, unit: str) -> None:
    if unit and not same_unit(unit):
        raise InputError(
            f"column {column!r} is in {unit}; soil is judged in mg/kg dry weight (core/pollutants.toml, tables of "
            "standards/soil/): convert the column and name its unit, or leave a wrong unit out of the name"
        )


def _complete(columns: Sequence[str], keys: Mapping[str, str], items: Mapping[str, str]) -> None:
    missing = [] if "site" in keys else ["site"]
    if "item" in keys:
        missing += [] if "value" in keys else ["value"]
    elif not items:
        missing.append("item and value, or any item by name")
    if missing:
        named = {what: soil_words()["keys"][what] for what in ("site", "item", "value")}
        listed = "; ".join(f"{what}: {', '.join(names)}" for what, names in named.items())
        raise InputError(
            f"the table has no column for {' and for '.join(missing)}; it has: {', '.join(columns)}. "
            f"{TABLE} lists the names that are read: {listed}; items by code, name or CAS number of "
            "core/pollutants.toml"
        )
