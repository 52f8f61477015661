"""The adapter of electricity: one collector speaks for the meters of its site, in JSON or CSV.

``{"time": ..., "meters": [{"id": "M1", "power": 12.5, "energy": 1034.2, "current": 21.0, "voltage": 380}]}``; power in
kW, energy as the total of the meter in kWh. A meter is a device of its own in the register, with its line
(``production:NAME`` or ``control:NAME``) and the site of the collector; readings of others are not stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, Decoded
from bihuan.devices.documents import instant_of, is_json, json_of, listed, table_of
from bihuan.devices.gathering import Gathering, Setup, When
from bihuan.devices.plausible import Kind
from bihuan.register import Device

VALUES = MappingProxyType({"power": "kW", "energy": "kWh", "current": "A", "voltage": "V"})
"""Values of a meter and their units."""

COLUMNS = MappingProxyType(
    {"功率": "power", "有功功率": "power", "电量": "energy", "累计电量": "energy", "电流": "current", "电压": "voltage"}
)
METER = ("meter", "id", "电表", "电表编号", "监测点", "监测点编号")
TIME = ("time", "时间", "采集时间", "数据时间")


class ElectricityAdapter:
    """Reads what a collector of meters sends; implements `bihuan.core.Adapter`.

    Raises
    ------
    SettingError
        If a unit or rhythm of the register row cannot be.
    """

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo = CHINA) -> None:
        self._setup = Setup(device, kind, zone, dict(VALUES))

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one document or table."""
        gathering = Gathering(self._setup, received, frame)
        if is_json(data):
            for number, row in enumerate(listed(json_of(data, gathering.complain)), 1):
                self._document(row, gathering, f"row {number}")
        else:
            self._table(data, gathering)
        return gathering.decoded()

    def _document(self, row: Mapping[str, Any], gathering: Gathering, where: str) -> None:
        named = row.get("device", self._setup.device.id)
        if str(named) != self._setup.device.id:
            gathering.say("mn_other", f"device {str(named)[:40]!r} is not this device", where, "error")
            return
        when = self._when(row.get("time"), gathering, where)
        meters = row.get("meters", [row])
        if when is None:
            return
        for meter in listed(meters):
            ident = str(meter.get("id", self._setup.device.id))[:64]
            self._meter(ident, {name: meter[name] for name in VALUES if name in meter}, when, gathering, where)

    def _table(self, data: bytes, gathering: Gathering) -> None:
        for line, row in table_of(data, gathering.complain):
            where = f"row {line}"
            at = next((name for name in row if name.lower() in TIME), "")
            values = {COLUMNS.get(name, name.lower()): text for name, text in row.items()}
            values = {name: text for name, text in values.items() if name in VALUES}
            if not at or not values:
                gathering.say("header_unknown", "the header needs a time and one of power, energy, current, voltage")
                return
            when = self._when(row[at], gathering, where)
            if when is not None:
                meter = next((row[name] for name in row if name.lower() in METER), "")
                self._meter(meter[:64] or self._setup.device.id, values, when, gathering, where)

    def _when(self, given: Any, gathering: Gathering, where: str) -> When | None:
        return gathering.when(instant_of(given, self._setup.zone), "minute", where, given)

    def _meter(self, ident: str, values: Mapping[str, Any], when: When, gathering: Gathering, where: str) -> None:
        for name, value in values.items():
            if isinstance(value, list):  # three phases: the sum of the powers is sent as power
                gathering.say_once("value_unreadable", f"{name} is a list; one number a meter is read", name)
                continue
            gathering.add(name, value, when, f"{where} {ident} {name}", device=ident)
