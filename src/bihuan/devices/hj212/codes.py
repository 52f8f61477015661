"""Names on the wire: code and field of an item to pollutant and figure, and the marks of a value."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from bihuan.core import Flag, Interval, Pollutant, Quality, Stat, pollutants

DATA_COMMANDS: MappingProxyType[str, Interval] = MappingProxyType(
    {"2011": "rt", "2051": "minute", "2061": "hour", "2031": "day"}
)
"""Commands whose data become readings."""

START_UP = "2081"
HEARTBEAT = "9015"

FIELDS: MappingProxyType[str, Stat] = MappingProxyType(
    {
        "Rtd": "rtd",
        "Min": "min",
        "Avg": "avg",
        "Max": "max",
        "Cou": "cou",
        "ZsRtd": "zs_rtd",
        "ZsMin": "zs_min",
        "ZsAvg": "zs_avg",
        "ZsMax": "zs_max",
    }
)
"""Fields of a value and the figure each is."""

SENTINEL = 9999.99
"""HJ 212-2025 clause 8.1.1 d: sent for a folded value that cannot be computed (O2 at 21 % or above)."""


@cache
def _wire() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files("bihuan.devices.hj212").joinpath("wire.toml").read_text("utf-8"))


KEPT_IN_JOURNAL = frozenset(_wire()["names"]["fields"])
"""Fields of the standards that are no value of a pollutant; read from the journal when needed."""

PLAIN_NAMES = frozenset(_wire()["names"]["plain"])
"""Names without a code."""

OTHER_COMMANDS = frozenset(_wire()["names"]["commands"])
"""Commands of HJ 212-2017 and 2025 that carry nothing Bihuan keeps as a reading; they stay in the journal."""


@cache
def by_code() -> MappingProxyType[str, Pollutant]:
    """Return every pollutant by each of its codes of 2005 and 2017."""
    return MappingProxyType(
        {code: found for found in pollutants().values() for code in (*found.hj212_2005, *found.hj212_2017)}
    )


@cache
def _loose_codes() -> dict[str, str]:
    return {code.lower(): code for code in by_code()}


@cache
def _loose_fields() -> dict[str, str]:
    return {field.lower(): field for field in (*FIELDS, "Flag", *KEPT_IN_JOURNAL)}


def right_code(code: str) -> str:
    """Return the code in the standard's spelling, or unchanged when no spelling of it is known."""
    return code if code in by_code() else _loose_codes().get(code.lower(), code)


def right_field(field: str) -> str:
    """Return the field in the standard's spelling, or unchanged when no spelling of it is known."""
    return field if field in FIELDS else _loose_fields().get(field.lower(), field)


@cache
def marks() -> MappingProxyType[str, Flag]:
    """Return quality and reason of each mark."""
    table = _wire()["marks"]
    qualities: tuple[Quality, ...] = ("good", "suspect", "bad")
    return MappingProxyType(
        {mark: Flag(quality, reason) for quality in qualities for mark, reason in table[quality].items()}
    )


def wire_unit(pollutant: Pollutant, kept: str) -> str:
    """Return the unit the standard sends a pollutant in."""
    unit = _wire()["units"].get(pollutant.code, kept)
    return str(unit)
