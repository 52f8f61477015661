"""The adapter of gates: JSON or a table, every row a `Passage`; plates go on as read, who keeps them hides them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, Decoded, Passage
from bihuan.devices.documents import instant_of, is_json, json_of, listed, number_of, table_of
from bihuan.devices.gathering import Gathering, Setup
from bihuan.devices.plausible import Kind
from bihuan.register import Device

HEAVIEST = 200.0
"""A vehicle with its load; more is a figure in kilograms. [t]"""


class GateAdapter:
    """Reads the log of one gate or one enterprise's gates; implements `bihuan.core.Adapter`."""

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo = CHINA) -> None:
        self._setup = Setup(device, kind, zone)

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode ``{"passes": [...]}``, a list of passes, one pass, or a table with a header."""
        gathering = Gathering(self._setup, received, frame)
        if is_json(data):
            self._document(json_of(data, gathering.complain), gathering)
            return gathering.decoded()
        for line, row in table_of(data, gathering.complain):
            if not _named(row, "at"):
                gathering.say("header_unknown", "the header needs the time of passing", "row 1", "error")
                break
            self._pass(row, gathering, f"row {line}")
        return gathering.decoded()

    def _document(self, found: Any, gathering: Gathering) -> None:
        for outer in listed(found):
            named = outer.get("device", self._setup.device.id)
            if str(named) != self._setup.device.id:
                gathering.say("mn_other", f"device {str(named)[:40]!r} is not this device", "", "error")
                continue
            for number, row in enumerate(listed(outer.get("passes", outer)), 1):
                self._pass(row, gathering, f"row {number}")

    def _pass(self, row: Mapping[str, Any], gathering: Gathering, where: str) -> None:
        given = _value(row, "at")
        when = gathering.when(instant_of(given, self._setup.zone), "rt", where, given)
        if when is None:
            return
        stage, fuel = _text(row, "stage"), _text(row, "fuel")
        if stage and not stage_of(stage):
            gathering.say_once("stage_unknown", f"emission stage {stage!r} is none that is known", "stage")
        if fuel and not fuel_of(fuel):
            gathering.say_once("fuel_unknown", f"fuel {fuel!r} is none that is known", "fuel")
        mass = number_of(_value(row, "mass")).value
        if mass is not None and not 0.0 <= mass <= HEAVIEST:
            detail = f"{mass:g} t is no mass of a vehicle; send tonnes, not kilograms"
            gathering.say_once("value_unreadable", detail, "mass")
            mass = None
        gathering.see(
            Passage(
                at=when.start,
                plate=_text(row, "plate"),
                direction=_word("direction", _text(row, "direction")),
                stage=stage_of(stage),
                fuel=fuel_of(fuel),
                vehicle=_text(row, "vehicle"),
                mass=mass,
                lane=_text(row, "lane"),
            )
        )


def stage_of(text: str) -> str:
    """Return an emission stage as a digit, empty where the text names none."""
    plain = _plain(text)
    return plain if len(plain) == 1 and plain in "0123456" else _word("stage", text)


def fuel_of(text: str) -> str:
    """Return the code of a fuel, empty where the text names none."""
    return _word("fuel", text)


def _word(table: str, text: str) -> str:
    plain = _plain(text)
    return next((code for code, words in _names()[table].items() if plain in words), "") if plain else ""


def _named(row: Mapping[str, Any], column: str) -> str:
    wanted = _names()["columns"][column]
    return next((name for name in row if _plain(str(name)) in wanted), "")


def _value(row: Mapping[str, Any], column: str) -> Any:
    name = _named(row, column)
    return row[name] if name else None


def _text(row: Mapping[str, Any], column: str) -> str:
    found = _value(row, column)
    return str(found).strip()[:60] if isinstance(found, str | int | float) else ""


def _plain(text: str) -> str:
    return "".join(text.split()).lower()


@cache
def _names() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("bihuan.devices.gates").joinpath("names.toml").read_text("utf-8"))
