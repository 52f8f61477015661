"""The adapter of reports: one JSON document, or a CSV table with a header, to readings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, INTERVALS, Decoded, Interval, Stat
from bihuan.devices.documents import instant_of, is_json, json_of, listed, number_of, table_of
from bihuan.devices.gathering import Gathering, Setup, When
from bihuan.devices.plausible import Kind
from bihuan.devices.reports.names import time_column, value_columns
from bihuan.register import Device

LONGEST = 86_400.0
"""A minute report covers no more than a day. [s]"""

STATS = frozenset(get_args(Stat))


class ReportAdapter:
    """Reads ``{"time": ..., "values": {"pm25": 35.1}}`` and tables; implements `bihuan.core.Adapter`.

    Parameters
    ----------
    device : Device
        Its ``units`` say what it really sends; its ``rhythm`` says what a table without intervals holds.
    kind : {"environment", "outlet"}
    zone : ZoneInfo
        Of times without an offset.

    Raises
    ------
    SettingError
        If a unit or rhythm of the register row cannot be.
    """

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo = CHINA) -> None:
        self._setup = Setup(device, kind, zone)
        usual: tuple[Interval, ...] = ("minute", "rt", "hour", "day")
        self._usual = next((name for name in usual if name in device.rhythm), usual[0])

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one report; what is no report gives complaints."""
        gathering = Gathering(self._setup, received, frame)
        if is_json(data):
            self._document(json_of(data, gathering.complain), gathering)
        else:
            self._table(data, gathering)
        return gathering.decoded()

    # -- JSON ------------------------------------------------------------------------------------------------------

    def _document(self, found: Any, gathering: Gathering) -> None:
        for outer in listed(found):
            reports = outer.get("reports")
            for number, report in enumerate(listed(reports) if reports is not None else [outer]):
                where = f"report {number + 1}"
                named = report.get("device", outer.get("device", self._setup.device.id))
                if str(named) != self._setup.device.id:
                    gathering.say("mn_other", f"device {str(named)[:40]!r} is not this device", where, "error")
                    continue
                self._report(report, gathering, where)

    def _report(self, report: Mapping[str, Any], gathering: Gathering, where: str) -> None:
        interval = report.get("interval", self._usual)
        values = report.get("values")
        if interval not in INTERVALS:
            allowed = ", ".join(INTERVALS)
            gathering.say("interval_unknown", f"{str(interval)[:20]!r} is none of {allowed}", where, "error")
            return
        if not isinstance(values, Mapping):
            gathering.say("values_missing", "a report holds values by the code of their pollutant", where, "error")
            return
        seconds = number_of(report.get("seconds")).value
        if seconds is not None and not 1.0 <= seconds <= LONGEST:
            gathering.say("interval_unknown", f"seconds {seconds:g}; 1 to {LONGEST:g} are allowed", where)
            seconds = None
        given = report.get("time")
        when = gathering.when(instant_of(given, self._setup.zone), cast(Interval, interval), where, given, seconds)
        if when is not None:
            self._values(values, when, gathering, where)

    def _values(self, values: Mapping[str, Any], when: When, gathering: Gathering, where: str) -> None:
        columns = value_columns(str(name) for name in values)
        for name, sent in values.items():
            column = columns.get(str(name))
            at = f"{where} {str(name)[:40]}"
            if column is None:
                detail = f"{str(name)[:40]!r} is no pollutant of core/pollutants.toml"
                gathering.say_once("code_unknown", detail, str(name)[:40])
                continue
            more = sent if isinstance(sent, Mapping) else {"value": sent}
            unit, stat = str(more.get("unit", column.unit))[:20], str(more.get("stat", "avg"))
            if stat not in STATS:
                gathering.say("stat_unknown", f"{stat[:20]!r} is none of {', '.join(sorted(STATS))}", at, "error")
                continue
            mark = str(more.get("flag", ""))
            gathering.add(column.pollutant, more.get("value"), when, at, unit=unit, stat=cast(Stat, stat), mark=mark)

    # -- tables ----------------------------------------------------------------------------------------------------

    def _table(self, data: bytes, gathering: Gathering) -> None:
        columns, at = None, ""
        for line, row in table_of(data, gathering.complain):
            if columns is None:
                columns, at = value_columns(row), time_column(row)
                if not at or not columns:
                    detail = "the header needs a column of time and one of a pollutant"
                    gathering.say("header_unknown", detail, "row 1", "error")
                    return
                strange = [name for name in row if name not in columns and name != at]
                if strange:
                    detail = f"columns {', '.join(strange)[:200]} were not read"
                    gathering.say("column_unknown", detail, "row 1", "note")
            where = f"row {line}"
            when = gathering.when(instant_of(row[at], self._setup.zone), self._usual, where, row[at])
            if when is None:
                continue
            for name, column in columns.items():
                gathering.add(column.pollutant, row[name], when, f"{where} {name[:40]}", unit=column.unit)
