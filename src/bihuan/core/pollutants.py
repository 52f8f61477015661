"""The one code list of pollutants (`pollutants.toml`); adapters map to it and nothing else does."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from bihuan.core.errors import NotCovered

NATIONAL_SIX = ("so2", "no2", "pm10", "pm25", "co", "o3")
"""The six basic items of GB 3095, in the order of HJ 633's tables."""


@dataclass(frozen=True, slots=True)
class Pollutant:
    """One pollutant or state quantity.

    Attributes
    ----------
    code : str
    zh, en : str
        Names as printed.
    cas : str
        Registry number, empty where none applies.
    unit, outlet_unit : str
        Unit of a reading at a station or section, and at an outlet.
    hj212_2017, hj212_2005 : tuple of str
        Codes on the wire.
    decimals : int
        Places kept when printed.
    medium : str
        ``air water soil weather noise state``.
    soil_unit : str
        Unit in a sample of soil, dry weight; empty where it is not judged in soil.
    """

    code: str
    zh: str
    en: str
    cas: str
    unit: str
    outlet_unit: str
    hj212_2017: tuple[str, ...]
    hj212_2005: tuple[str, ...]
    decimals: int
    medium: str
    soil_unit: str = ""


@cache
def pollutants() -> Mapping[str, Pollutant]:
    """Return every pollutant by its code."""
    text = resources.files("bihuan.core").joinpath("pollutants.toml").read_text("utf-8")
    return MappingProxyType({code: _row(code, row) for code, row in tomllib.loads(text).items()})


def pollutant(code: str) -> Pollutant:
    """Return one pollutant.

    Raises
    ------
    NotCovered
        If the code is not in the list.
    """
    try:
        return pollutants()[code]
    except KeyError:
        raise NotCovered(
            f"pollutant {code!r} is not in core/pollutants.toml; known: {', '.join(pollutants())}"
        ) from None


def _row(code: str, row: dict[str, object]) -> Pollutant:
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Pollutant(code=code, **fields)  # type: ignore[arg-type]  # the table's own test holds the types
