"""The adapter of tracks: every point becomes a `Fix`, none a reading, which would be of a site that stands still."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, Decoded, Fix, InputError, Place, SettingError
from bihuan.devices.documents import instant_of, is_json, json_of, listed, number_of, table_of
from bihuan.devices.gathering import Gathering, Setup
from bihuan.devices.plausible import Kind
from bihuan.devices.reports import bare, time_column, value_columns
from bihuan.register import Device

DATUMS = frozenset({"", "wgs84", "wgs-84", "cgcs2000", "epsg:4326", "epsg:4490"})
"""Declared positions that are taken as they stand; others have to be converted before they are sent."""

SPEED = ("speed", "速度", "车速")


class TrackAdapter:
    """Reads tracks of one instrument; implements `bihuan.core.Adapter`.

    Raises
    ------
    SettingError
        If a unit or rhythm of the register row cannot be.
    """

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo = CHINA) -> None:
        self._setup = Setup(device, kind, zone)

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one track or a part of one."""
        gathering = Gathering(self._setup, received, frame)
        if data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            for number, row in enumerate(_gpx(data, gathering), 1):
                self._point(row, gathering, f"point {number}")
        elif is_json(data):
            self._document(json_of(data, gathering.complain), gathering)
        else:
            for line, row in table_of(data, gathering.complain):
                if not (time_column(row) and time_column(row, "lon") and time_column(row, "lat")):
                    detail = "the header needs columns of time, longitude and latitude"
                    gathering.say("header_unknown", detail, "row 1", "error")
                    break
                self._point(row, gathering, f"row {line}")
        return gathering.decoded()

    def _document(self, found: Any, gathering: Gathering) -> None:
        for outer in listed(found):
            named = outer.get("device", self._setup.device.id)
            if str(named) != self._setup.device.id:
                gathering.say("mn_other", f"device {str(named)[:40]!r} is not this device", "", "error")
                continue
            datum = str(outer.get("datum", "")).strip().lower()
            if datum not in DATUMS:
                detail = f"positions in {datum[:20]!r}; send WGS84 or CGCS2000 (GCJ-02 has to be converted first)"
                gathering.say("datum_unknown", detail, "datum", "error")
                continue
            for number, point in enumerate(listed(outer.get("points", outer)), 1):
                values = point.get("values")
                flat = {**{key: value for key, value in point.items() if key != "values"}}
                flat |= values if isinstance(values, Mapping) else {}
                self._point({str(name): value for name, value in flat.items()}, gathering, f"point {number}")

    def _point(self, row: Mapping[str, Any], gathering: Gathering, where: str) -> None:
        at, lon, lat = (row.get(time_column(row, what)) for what in ("time", "lon", "lat"))
        when = gathering.when(instant_of(at, self._setup.zone), "rt", where, at)
        if when is None:
            return
        place = _place(number_of(lon).value, number_of(lat).value)
        if place is None:
            detail = f"{str(lon)[:20]}, {str(lat)[:20]} is no longitude and latitude"
            gathering.say("site_place", detail, where, "error")
            return
        speed = number_of(next((row[name] for name in row if bare(name) in SPEED), None)).value
        gathering.see(Fix(when.start, place, self._values(row, gathering), speed))

    def _values(self, row: Mapping[str, Any], gathering: Gathering) -> dict[str, float]:
        found = {}
        for name, column in value_columns(row).items():
            number = number_of(row[name])
            if number.value is None:
                if number.why == "unreadable":
                    gathering.say_once("value_unreadable", f"{str(row[name])[:40]!r} is no number", name[:40])
                continue
            try:
                found[column.pollutant] = self._setup.convert(column.pollutant, column.unit)(number.value)
            except SettingError as problem:
                gathering.say_once("unit_unknown", str(problem), name[:40], "error")
        return found


def _place(lon: float | None, lat: float | None) -> Place | None:
    if lon is None or lat is None or (lon == 0.0 and lat == 0.0):  # what receivers send before they have a fix
        return None
    try:
        return Place(lon, lat)
    except InputError:
        return None


def _gpx(data: bytes, gathering: Gathering) -> Iterator[dict[str, str]]:
    """Yield the points of a GPX track; values stand in its extensions by name. Nothing of a DTD is ever read."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        gathering.say("xml_unreadable", "a GPX track has no DTD and no entities; left unread", "", "error")
        return
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as problem:
        gathering.say("xml_unreadable", f"no XML: {str(problem)[:120]}", "", "error")
        return
    for point in root.iter():
        if _local(point.tag) not in ("trkpt", "wpt", "rtept"):
            continue
        row = {"lon": point.get("lon", ""), "lat": point.get("lat", "")}
        for child in point.iter():
            if child is not point and child.text and child.text.strip():
                row[_local(child.tag)] = child.text.strip()
        yield row


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
