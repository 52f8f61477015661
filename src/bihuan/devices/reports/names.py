"""Names of columns and keys: our codes, those of HJ 212, and what vendors write (`names.toml`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from bihuan.devices.gathering import known_pollutant
from bihuan.devices.units import UNITS

_BRACKETS = re.compile(r"[((\[](.*?)[))\]]")
_SPELT = {
    "ug/m³": "ug/m3",
    "mg/m³": "mg/m3",
    "℃": "degC",
    "°c": "degC",
    "°f": "degF",
    "°": "deg",
    "db(a)": "dB",
    "g/㎡": "g/m2",
    "g/m²": "g/m2",
}
"""Spellings of units; both signs for micro are read as u before."""


class Column(NamedTuple):
    """What a column or key holds: a pollutant, and its unit where the name says it."""

    pollutant: str
    unit: str


def bare(name: str) -> str:
    """Return a name without brackets, blanks and case."""
    return _BRACKETS.sub("", name).replace(" ", "").strip("_-").lower()


def bracketed(name: str) -> str:
    """Return the unit that a name carries in brackets, empty when it carries none that is known."""
    found = _BRACKETS.search(name)
    if found is None:
        return ""
    unit = found[1].strip().replace("\u00b5", "u").replace("\u03bc", "u")
    unit = _SPELT.get(unit.lower(), unit)
    return unit if unit in UNITS else ""


def value_columns(names: Iterable[str]) -> dict[str, Column]:
    """Return the names that are pollutants."""
    found = {}
    for name in names:
        code = known_pollutant(_BRACKETS.sub("", name)) or _aliases().get(bare(name), "")
        if code:
            found[name] = Column(code, bracketed(name))
    return found


def time_column(names: Iterable[str], what: str = "time") -> str:
    """Return the name that holds the time (or ``lon``, ``lat``), empty when there is none."""
    wanted = _table()["columns"][what]
    return next((name for name in names if bare(name) in wanted), "")


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("bihuan.devices.reports").joinpath("names.toml").read_text("utf-8"))


@cache
def _aliases() -> dict[str, str]:
    return {bare(alias): code for code, aliases in _table()["pollutants"].items() for alias in aliases}
