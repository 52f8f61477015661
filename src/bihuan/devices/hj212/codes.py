"""Names on the wire: code and field of an item to pollutant and figure, and the marks of a value."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

from bihuan.core import Flag, Interval, Pollutant, Quality, Stat, pollutants

DATA_COMMANDS: MappingProxyType[str, Interval] = MappingProxyType(
    {"2011": "rt", "2051": "minute", "2061": "hour", "2031": "day"}
)
"""Commands whose data become readings."""

FURNACE = "2111"
"""HJ 212-2025: means of five minutes of a waste incinerator's furnace."""

FURNACE_SECONDS = 300

SEALED_COMMANDS = frozenset({"1014", "3020"})
"""Beside 2000-2999 upwards, what 2025 clause 6.4.4 wants encrypted."""

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

NOISE_FIELDS: MappingProxyType[str, Stat] = MappingProxyType({"Data": "avg"})
"""Fields of a noise level (C.29-C.31): the level itself is the figure of its period."""

OF_DAY_AND_NIGHT = MappingProxyType({"DayData": "Ld", "NightData": "Ln"})
"""The one level of a part of the day that has a code of its own; others of these fields stay in the journal."""

SENTINEL = 9999.99
"""HJ 212-2025 clause 8.1.1 d: sent for a folded value that cannot be computed (O2 at 21 % or above)."""


class KeyRule(NamedTuple):
    """How long a key of HJ 212-2025 may be used, and how long before that somebody is reminded."""

    longest: timedelta
    near: timedelta
    clause: str
    status: str


@cache
def _wire() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files("bihuan.devices.hj212").joinpath("wire.toml").read_text("utf-8"))


KEPT_IN_JOURNAL = frozenset(_wire()["names"]["fields"])
"""Fields of the standards that are no value of a pollutant; read from the journal when needed."""

PLAIN_NAMES = frozenset(_wire()["names"]["plain"])
"""Names without a code."""

OTHER_COMMANDS = frozenset(_wire()["names"]["commands"])
"""Commands of HJ 212-2017 and 2025 that carry nothing Bihuan keeps as a reading; they stay in the journal."""


COMMANDS_2005 = frozenset(_wire()["names"]["commands_2005"])
"""Alarm limits and alarm events of HJ/T 212-2005, removed in 2017."""

UNCLEAR_UNITS = frozenset(_wire()["unclear"]["codes"])
"""Codes whose printed unit and practice differ a thousandfold: only the register can say the unit."""


@cache
def parameters() -> MappingProxyType[str, tuple[str, float]]:
    """Return name and least share of a change of each parameter of an analyser, by its code (annex B.10)."""
    table = {code: row for code, row in _wire()["parameters"].items() if isinstance(row, dict)}
    return MappingProxyType({code: (row["name"], float(row.get("moved", 0.0))) for code, row in table.items()})


@cache
def key_rule() -> KeyRule:
    """Return how long a key of 2025 may be used."""
    row = _wire()["key"]
    return KeyRule(timedelta(days=row["days"]), timedelta(days=row["near"]), row["clause"], row["status"])


def pollutant_named(code: str) -> str:
    """Return our code of a factor as devices name it (w01018, a21026), empty where it is none that we know."""
    found = by_code().get(right_code(code.strip()))
    return found.code if found else ""


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
