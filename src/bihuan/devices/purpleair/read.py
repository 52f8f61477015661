"""The adapter of PurpleAir: channel A and B, ATM or CF=1, Fahrenheit inside the case.

``ATM`` is what the maker shows for outdoor air, ``CF=1`` what published corrections start from. One series holds one of
the two: protocol ``purpleair`` keeps ATM, ``purpleair-cf1`` keeps CF=1; the other stays in the journal. Nothing is
corrected here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, Decoded
from bihuan.devices.documents import Number, instant_of, json_of, listed, number_of
from bihuan.devices.gathering import Gathering, Setup, When
from bihuan.devices.plausible import Kind
from bihuan.register import Device

PARTICLES = MappingProxyType({"pm1": "pm1_0", "pm25": "pm2_5", "pm10": "pm10_0"})
"""Pollutant -> what its fields begin with."""

WEATHER = MappingProxyType(
    {
        "current_temp_f": ("air_temperature", "degF"),
        "temperature": ("air_temperature", "degF"),
        "current_humidity": ("humidity", "%"),
        "humidity": ("humidity", "%"),
        "pressure": ("air_pressure", "hPa"),
    }
)
"""Fields of the weather inside the case, which is warmer and drier than the air."""

MEAN = 120
"""Seconds that a value is the mean of, where the register row names no rhythm. [s]"""

LOW_COST, DISAGREE, ONE_CHANNEL, IN_CASE = "low_cost", "channels_disagree", "one_channel", "inside_case"


class Agreement(NamedTuple):
    """Differences beyond which two lasers contradict each other."""

    difference: float
    share: float


class PurpleAirAdapter:
    """Reads the JSON of one sensor; implements `bihuan.core.Adapter`.

    Parameters
    ----------
    device : Device
        Its code is the ``SensorId`` (or ``sensor_index``) with colons left out.
    kind : {"environment", "outlet"}
    zone : ZoneInfo
        Of times without an offset; the sensor's own are UTC.
    channel : str
        ``atm`` or ``cf_1``.

    Raises
    ------
    SettingError
        If a unit or rhythm of the register row cannot be.
    """

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo = CHINA, channel: str = "atm") -> None:
        self._setup, self._channel = Setup(device, kind, zone), channel
        self._mean = device.rhythm.get("minute", MEAN)

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one document."""
        gathering = Gathering(self._setup, received, frame)
        for number, outer in enumerate(listed(json_of(data, gathering.complain)), 1):
            sensor = outer.get("sensor")
            row = _plain(sensor if isinstance(sensor, Mapping) else outer)
            where = f"row {number}"
            named = str(row.get("sensorid", row.get("sensor_index", self._setup.device.id))).replace(":", "")
            if named.lower() != self._setup.device.id.lower():
                gathering.say("mn_other", f"sensor {named[:40]!r} is not this device", where, "error")
                continue
            given = row.get("datetime", row.get("last_seen"))
            when = gathering.when(instant_of(_utc(given), self._setup.zone), "minute", where, given, self._mean)
            if when is not None:
                self._row(row, when, gathering)
        return gathering.decoded()

    def _row(self, row: Mapping[str, Any], when: When, gathering: Gathering) -> None:
        for pollutant, begins in PARTICLES.items():
            stem = f"{begins}_{self._channel}"
            first, second = row.get(f"{stem}_a", row.get(stem)), row.get(f"{stem}_b")
            if first is None and second is None:
                continue
            self._pair(pollutant, number_of(first), number_of(second), when, gathering)
        for name, (pollutant, unit) in WEATHER.items():
            if name in row:
                gathering.add(pollutant, row[name], when, name, unit=unit, suspect=IN_CASE)

    def _pair(self, pollutant: str, one: Number, two: Number, when: When, gathering: Gathering) -> None:
        """Keep the mean of both lasers, with a doubt where they contradict each other or one is silent."""
        if one.value is None or two.value is None:
            alone = one if one.value is not None else two
            gathering.say_once("one_channel", "only one of the two lasers speaks", pollutant)
            gathering.add(pollutant, alone, when, pollutant, suspect=ONE_CHANNEL)
            return
        mean, apart, known = (one.value + two.value) / 2, abs(one.value - two.value), agreement()
        contrary = apart >= known.difference and mean > 0 and apart >= known.share * mean
        if contrary:
            detail = f"channels A {one.value:g} and B {two.value:g} ug/m3 contradict each other; clean the sensor"
            gathering.say_once("channels_disagree", detail, pollutant)
        gathering.add(pollutant, Number(mean), when, pollutant, suspect=DISAGREE if contrary else LOW_COST)


def purpleair_cf1(device: Device, kind: Kind, zone: ZoneInfo = CHINA) -> PurpleAirAdapter:
    """Return the adapter that keeps CF=1."""
    return PurpleAirAdapter(device, kind, zone, "cf_1")


@cache
def agreement() -> Agreement:
    """Return the differences of `agreement.toml`."""
    table = tomllib.loads(resources.files("bihuan.devices.purpleair").joinpath("agreement.toml").read_text("utf-8"))
    return Agreement(float(table["difference"]), float(table["share"]))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Write the names of the device and of the public interface alike: ``pm2.5_atm_a`` is ``pm2_5_atm_a``."""
    return {str(name).lower().replace(".", "_"): value for name, value in row.items()}


def _utc(given: Any) -> Any:
    return given.strip().upper() if isinstance(given, str) else given
