"""The adapter of SensorThings: one Observation, a list of them, or a ``dataArray`` of CreateObservations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, INTERVALS, Decoded, Interval, pollutants
from bihuan.devices.documents import instant_of, json_of, listed
from bihuan.devices.gathering import Gathering, Setup
from bihuan.devices.plausible import Kind
from bihuan.register import Device

LONGEST = 86_400.0
"""A minute value covers no more than a day. [s]"""


class SensorThingsAdapter:
    """Reads observations of the series of one site; implements `bihuan.core.Adapter`.

    Raises
    ------
    SettingError
        If a unit or rhythm of the register row cannot be.
    """

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo = CHINA) -> None:
        self._setup = Setup(device, kind, zone)

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one post; what is of other sites is of other devices and passed over."""
        gathering = Gathering(self._setup, received, frame)
        others = 0
        for number, row in enumerate(_observations(json_of(data, gathering.complain)), 1):
            site, code, interval = (*_stream(row).split("~"), "", "")[:3]
            where = f"observation {number}"
            if site != self._setup.device.site:
                others += 1
            elif code not in pollutants() or interval not in INTERVALS:
                detail = f"Datastream {_stream(row)[:60]!r}: SITE~POLLUTANT~INTERVAL"
                gathering.say("stream_unknown", detail, where, "error")
            else:
                self._observation(row, code, interval, gathering, where)
        if others:
            gathering.say("rows_of_others", f"{others} observations of other sites were passed over", "", "note")
        return gathering.decoded()

    def _observation(
        self, row: Mapping[str, Any], code: str, interval: Interval, gathering: Gathering, where: str
    ) -> None:
        given = row.get("phenomenonTime", row.get("resultTime"))
        start, _, end = given.partition("/") if isinstance(given, str) else (given, "", "")
        begun, ended = instant_of(start, self._setup.zone), instant_of(end, self._setup.zone)
        seconds = (ended - begun).total_seconds() if begun and ended else None
        if seconds is not None and not 1.0 <= seconds <= LONGEST:
            gathering.say("interval_unknown", f"a period of {seconds:g} s; 1 to {LONGEST:g} are allowed", where)
            seconds = None
        when = gathering.when(begun, interval, where, given, seconds)
        if when is not None:
            gathering.add(code, row.get("result"), when, where)


def _observations(found: Any) -> Iterator[Mapping[str, Any]]:
    for row in listed(found):
        table = row.get("dataArray")
        if not isinstance(table, list):
            yield row
            continue
        named = row.get("components")
        components = [str(name) for name in named] if isinstance(named, list) else []
        for values in table:
            if isinstance(values, list):
                yield dict(zip(components, values, strict=False)) | {"Datastream": row.get("Datastream")}


def _stream(row: Mapping[str, Any]) -> str:
    stream = row.get("Datastream")
    return str(stream.get("@iot.id", "")) if isinstance(stream, Mapping) else ""
