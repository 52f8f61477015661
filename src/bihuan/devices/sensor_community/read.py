"""The adapter of sensor.community: values are texts, P1 is PM10, P2 is PM2.5, and every one is of a cheap sensor.

Two shapes of JSON: what a sensor posts (``esp8266id``, no time: the time of receipt counts), and rows of the public
feed (``sensor.id``, ``timestamp`` in UTC). Values are kept as sent; correcting them is the calibration's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, Decoded
from bihuan.devices.documents import instant_of, json_of, listed
from bihuan.devices.gathering import Gathering, Setup
from bihuan.devices.plausible import Kind
from bihuan.register import Device

VALUES = MappingProxyType(
    {
        "p0": ("pm1", ""),
        "p1": ("pm10", ""),
        "p2": ("pm25", ""),
        "temperature": ("air_temperature", ""),
        "humidity": ("humidity", ""),
        "pressure": ("air_pressure", "Pa"),
        "noise_laeq": ("noise_leq", ""),
    }
)
"""Type of a value, without the name of its sensor -> pollutant, and its unit where it is not ours."""

UNUSED = frozenset(
    {"samples", "min_micro", "max_micro", "signal", "interval", "pressure_at_sealevel", "lat", "lon", "height"}
    | {"date", "time", "noise_la_max", "noise_la_min", "p4", "n05", "n1", "n25", "n4", "n10", "ts"}
)
"""Types that are known and not kept."""

MEAN = 150
"""Seconds that a value is the mean of, where the register row names no rhythm: firmware sends every 145 s. [s]"""

LOW_COST = "low_cost"


class SensorCommunityAdapter:
    """Reads the JSON of one sensor; implements `bihuan.core.Adapter`.

    Parameters
    ----------
    device : Device
        Its code is the number of the sensor (``sensor.id`` of the feed, ``esp8266id`` of a post).
    kind : {"environment", "outlet"}
    zone : ZoneInfo
        Not used: times of this feed are UTC.

    Raises
    ------
    SettingError
        If a unit or rhythm of the register row cannot be.
    """

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo = CHINA) -> None:
        self._setup = Setup(device, kind, zone)
        self._mean = device.rhythm.get("minute", MEAN)

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one post or some rows of the feed; rows of other sensors are passed over."""
        gathering = Gathering(self._setup, received, frame)
        others = 0
        for number, row in enumerate(listed(json_of(data, gathering.complain)), 1):
            if _sensor(row) not in ("", self._setup.device.id):
                others += 1
                continue
            self._row(row, gathering, f"row {number}")
        if others:
            gathering.say("rows_of_others", f"{others} rows of other sensors were passed over", "", "note")
        return gathering.decoded()

    def _row(self, row: Mapping[str, Any], gathering: Gathering, where: str) -> None:
        given = row.get("timestamp")
        seen = gathering.received if given is None else instant_of(given, ZoneInfo("UTC"))
        begun = None if seen is None else seen.astimezone(UTC) - timedelta(seconds=self._mean)
        when = gathering.when(begun, "minute", where, given, self._mean)
        if when is None:
            return
        values = row.get("sensordatavalues")
        if not isinstance(values, list):
            gathering.say("values_missing", "a row holds sensordatavalues", where, "error")
            return
        for value in listed(values):
            name = str(value.get("value_type", ""))[:40]
            kept = VALUES.get(_bare(name))
            if kept is None:
                if _bare(name) not in UNUSED:
                    gathering.say_once("code_unknown", f"{name!r} is no value type that is kept", name)
                continue
            gathering.add(kept[0], value.get("value"), when, f"{where} {name}", unit=kept[1], suspect=LOW_COST)


def _sensor(row: Mapping[str, Any]) -> str:
    sensor = row.get("sensor")
    number = sensor.get("id") if isinstance(sensor, Mapping) else row.get("esp8266id", row.get("sensor_id"))
    return "" if number is None else str(number)


def _bare(name: str) -> str:
    """Take the sensor's own name off: ``SDS_P1`` and ``BME280_temperature`` of a post."""
    lower = name.lower()
    head, mark, tail = lower.partition("_")
    return tail if mark and lower not in VALUES and head not in ("min", "max", "noise", "pressure") else lower
