"""Adapters of the further doors: what each reads, what it refuses, and that no bytes make it raise."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import CHINA, Complaint, Decoded, Fix, Passage, Picture, Place, Reading, SettingError, texts
from bihuan.devices import BUILT_IN, adapter
from bihuan.devices.electricity import line_of, line_states, states
from bihuan.devices.gates import fuel_of, stage_of
from bihuan.register import Device

NOW = datetime(2026, 11, 3, tzinfo=UTC)
"""08:00 of the city."""

FRAME = "mqtt-1/64"
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 20


def read(protocol: str, data: bytes | object, device: str = "D1", **more: Any) -> Decoded:
    row = Device(id=device, name="", site="station:s1", protocol=protocol, **more)
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return adapter(protocol)(row, "environment", CHINA).decode(raw, NOW, FRAME)


def values(said: Decoded) -> dict[str, tuple[float | None, str]]:
    return {one.pollutant: (one.value, one.reason) for one in said.readings}


def reasons(said: Decoded) -> list[str]:
    return [one.reason for one in said.complaints]


# ---- reports of micro-stations and road dust ----


def test_a_report_is_read_in_the_units_that_it_names() -> None:
    said = read("report", {"time": "2026-11-03T07:50:00+08:00", "seconds": 600, "values": {
        "pm25": 35.1, "a34002": {"value": "0.06", "unit": "mg/m3"}, "no2": {"value": 40, "flag": "C"}, "so2": None,
    }})  # fmt: skip
    assert values(said) == {
        "pm25": (35.1, ""), "pm10": (60.0, ""), "no2": (40.0, "calibration"), "so2": (None, "no_value")
    }  # fmt: skip
    first = said.readings[0]
    assert (first.start, first.end) == (NOW - timedelta(minutes=10), NOW)
    assert (first.interval, first.stat, first.frame, first.origin) == ("minute", "avg", FRAME, "live")


def test_a_table_of_a_road_dust_instrument_is_read_by_the_names_its_maker_writes() -> None:
    table = "时间,TSP(mg/m³),积尘负荷,备注\n2026-11-03 07:55:00,0.21,1.4,西环路\n2026-11-03 07:56:00,-999,--,x\n"
    said = read("report", table.encode("gb18030"), rhythm={"minute": 60})
    first = [(one.pollutant, one.value) for one in said.readings[:2]]
    assert first == [("tsp", 210.0), ("silt_load", 1.4)]
    assert [(one.value, one.reason) for one in said.readings[2:]] == [(None, "sentinel"), (None, "no_value")]
    assert reasons(said) == ["text_gb18030", "column_unknown", "value_sentinel"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"values": {"pm25": 1}}, "time_unreadable"),
        ({"time": "2026-11-05T00:00:00Z", "values": {"pm25": 1}}, "clock_impossible"),
        ({"time": "2026-11-03T00:00:00Z", "values": {"pm99": 1}}, "code_unknown"),
        ({"time": "2026-11-03T00:00:00Z", "values": [1]}, "values_missing"),
        ({"time": "2026-11-03T00:00:00Z", "interval": "week", "values": {}}, "interval_unknown"),
        ({"time": "2026-11-03T00:00:00Z", "values": {"pm25": {"value": 1, "unit": "ppb"}}}, "unit_unknown"),
        ({"time": "2026-11-03T00:00:00Z", "values": {"pm25": {"value": 1, "stat": "mode"}}}, "stat_unknown"),
        ({"device": "D2", "time": "2026-11-03T00:00:00Z", "values": {"pm25": 1}}, "mn_other"),
        (b"{", "json_unreadable"),
        (b"a,b\n1,2\n", "header_unknown"),
        (b"", "frame_empty"),
    ],
)
def test_a_report_that_cannot_be_read_says_why(data: object, reason: str) -> None:
    said = read("report", data)
    assert not [one for one in said.readings if one.value is not None]
    assert reason in reasons(said)


# ---- sensor.community ----


def test_a_row_of_the_public_feed_is_of_the_time_before_its_stamp_and_marked_low_cost() -> None:
    row = {"timestamp": "2026-11-02 23:58:20", "sensor": {"id": 1234}, "sensordatavalues": [
        {"value_type": "P1", "value": "12.30"}, {"value_type": "P2", "value": "5.67"},
        {"value_type": "pressure", "value": "98123.4"}, {"value_type": "durP9", "value": "1"},
    ]}  # fmt: skip
    other = {"timestamp": "2026-11-02 23:58:20", "sensor": {"id": 9}, "sensordatavalues": []}
    said = read("sensor-community", [row, other], "1234")
    assert values(said) == {
        "pm10": (12.3, "low_cost"), "pm25": (5.67, "low_cost"), "air_pressure": (98.1234, "low_cost")
    }  # fmt: skip
    assert {one.quality for one in said.readings} == {"suspect"}
    assert said.readings[0].start == datetime(2026, 11, 2, 23, 55, tzinfo=UTC)
    assert reasons(said) == ["code_unknown", "rows_of_others"]


def test_what_a_sensor_posts_itself_is_of_the_time_of_receipt() -> None:
    post = {"esp8266id": "77", "software_version": "x", "sensordatavalues": [
        {"value_type": "SDS_P1", "value": "20"}, {"value_type": "BME280_temperature", "value": "8.5"},
        {"value_type": "min_micro", "value": "30"},
    ]}  # fmt: skip
    said = read("sensor-community", post, "77", rhythm={"minute": 120})
    assert values(said) == {"pm10": (20.0, "low_cost"), "air_temperature": (8.5, "low_cost")}
    assert (said.readings[0].start, said.readings[0].end) == (NOW - timedelta(minutes=2), NOW)


# ---- PurpleAir ----

AIR: Mapping[str, Any] = {
    "SensorId": "84:f3:eb:1:2:3", "DateTime": "2026/11/02T23:56:10z", "current_temp_f": 68, "current_humidity": 40,
    "pressure": 1001.5, "pm2_5_atm": 20.0, "pm2_5_atm_b": 22.0, "pm2_5_cf_1": 30.0, "pm2_5_cf_1_b": 34.0,
}  # fmt: skip


@pytest.mark.parametrize(("protocol", "expected"), [("purpleair", 21.0), ("purpleair-cf1", 32.0)])
def test_two_lasers_that_agree_give_their_mean_of_the_channel_that_was_chosen(protocol: str, expected: float) -> None:
    said = read(protocol, AIR, "84f3eb123")
    assert values(said) == {
        "pm25": (expected, "low_cost"), "air_temperature": (20.0, "inside_case"), "humidity": (40.0, "inside_case"),
        "air_pressure": (100.15, "inside_case"),
    }  # fmt: skip


def test_lasers_that_contradict_each_other_or_one_that_is_silent_are_said() -> None:
    said = read("purpleair", {**AIR, "pm2_5_atm_b": 60.0}, "84f3eb123")
    assert values(said)["pm25"] == (40.0, "channels_disagree") and "channels_disagree" in reasons(said)
    said = read("purpleair", {**AIR, "pm2_5_atm_b": None}, "84f3eb123")
    assert values(said)["pm25"] == (20.0, "one_channel")


def test_a_sensor_of_the_public_interface_is_read_by_the_same_adapter() -> None:
    row = {"sensor": {"sensor_index": 555, "last_seen": 1793663700, "pm2.5_atm_a": 8.0, "pm2.5_atm_b": 9.0}}
    assert values(read("purpleair", row, "555"))["pm25"] == (8.5, "low_cost")
    assert reasons(read("purpleair", row, "556")) == ["mn_other"]


# ---- electricity ----


def test_a_collector_speaks_for_its_meters() -> None:
    said = read("electricity", {"time": "2026-11-03T07:55:00", "meters": [
        {"id": "P1", "power": 12.5, "energy": 100}, {"id": "C1", "power": "0.0"}, {"id": "C2", "power": [1, 2, 3]},
    ]}, rhythm={"minute": 300})  # fmt: skip
    assert [(one.device, one.pollutant, one.value) for one in said.readings] == [
        ("P1", "power", 12.5), ("P1", "energy", 100.0), ("C1", "power", 0.0)
    ]  # fmt: skip
    assert reasons(said) == ["value_unreadable"]
    table = "采集时间,电表编号,功率\n2026-11-03 07:55:00,P1,12500\n"
    said = read("electricity", table.encode(), units={"power": "W"})
    assert [(one.device, one.value) for one in said.readings] == [("P1", 12.5)]


METERS = (
    Device(id="P1", name="", site="outlet:DA1", protocol="electricity", line="production:kiln"),
    Device(id="C1", name="", site="outlet:DA1", protocol="electricity", line="control:kiln"),
    Device(id="P2", name="", site="outlet:DA1", protocol="electricity", line="production:mill"),
)


def power(device: str, minute: int, value: float | None) -> Reading:
    start = NOW + timedelta(minutes=minute)
    quality: Any = "missing" if value is None else "good"
    end = start + timedelta(minutes=5)
    return Reading(device, "power", "avg", "minute", start, end, value, quality=quality, frame=f"f-{minute}")


def test_a_line_that_produces_while_its_treatment_stands_still_is_said_after_it_lasted() -> None:
    rows = [power("P1", at, 30.0) for at in range(0, 30, 5)]
    rows += [power("C1", at, 5.0 if at < 10 else 0.1) for at in range(0, 30, 5)]
    found = line_states(METERS, rows)
    assert [(one.line, one.work, one.held, one.production, one.control) for one in found] == [
        ("kiln", "controlled", False, 30.0, 5.0), ("kiln", "uncontrolled", True, 30.0, 0.1)
    ]  # fmt: skip
    assert (found[1].start, found[1].end) == (NOW + timedelta(minutes=10), NOW + timedelta(minutes=30))
    assert found[1].status == states().status == "unconfirmed", "no text that we have sets the thresholds"


def test_nothing_is_said_of_a_treatment_that_nobody_measures() -> None:
    rows = [power("P2", at, 30.0) for at in range(0, 30, 5)]
    rows += [power("P1", at, 30.0) for at in range(0, 30, 5)] + [power("C1", at, None) for at in range(0, 30, 5)]
    assert {one.work for one in line_states(METERS, rows)} == {"unknown"}


def test_what_a_meter_measures_stands_in_its_line() -> None:
    assert line_of(METERS[0]) == ("production", "kiln")
    assert line_of(Device(id="x", name="", site="station:s1")) is None
    assert line_of(Device(id="x", name="", site="station:s1", line="other:kiln")) is None


# ---- gates ----


def test_a_gates_log_in_a_vendors_table_becomes_passages() -> None:
    table = (
        "过车时间,车牌号,进出方向,排放标准,燃料类型,车辆类型,净重,道闸\n"
        "2026-11-03 07:12:30,豫A12345,进,国五,柴油,重型货车,42.5,1号门\n"
        "2026-11-03 07:20:01,豫AD12345,出厂,国Ⅵ,纯电动,重型货车,16000,1号门\n"
        "2026-11-03 07:21:00,,进,欧四,木炭,,,\n"
        "yesterday,豫A1,进,5,柴油,,,\n"
    )
    said = read("gates", table.encode())
    assert said.sightings[0] == Passage(
        at=datetime(2026, 11, 2, 23, 12, 30, tzinfo=UTC), plate="豫A12345", direction="in", stage="5", fuel="diesel",
        vehicle="重型货车", mass=42.5, lane="1号门",
    )  # fmt: skip
    rest = [(one.direction, one.stage, one.fuel, one.mass) for one in said.sightings[1:] if isinstance(one, Passage)]
    assert rest == [("out", "6", "electric", None), ("in", "", "", None)]
    assert reasons(said) == ["value_unreadable", "stage_unknown", "fuel_unknown", "time_unreadable"]
    assert not said.readings


@pytest.mark.parametrize(
    ("text", "stage"), [("国五", "5"), ("国Ⅵ", "6"), ("国6b", "6"), (" 4 ", "4"), ("欧四", ""), ("", ""), ("9", "")]
)
def test_an_emission_stage_is_read_from_what_is_written_at_gates(text: str, stage: str) -> None:
    assert stage_of(text) == stage


def test_a_fuel_that_is_not_known_is_empty() -> None:
    assert (fuel_of("柴油"), fuel_of("NG?")) == ("diesel", "")


# ---- tracks ----

GPX = b"""<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="34.75" lon="113.65"><time>2026-11-02T23:30:00Z</time>
<extensions><pm25>41.5</pm25><speed>8.3</speed></extensions></trkpt>
<trkpt lat="91" lon="113.65"><time>2026-11-02T23:30:01Z</time></trkpt>
</trkseg></trk></gpx>"""


def test_a_track_in_gpx_csv_and_json_is_the_same_points() -> None:
    point = Fix(datetime(2026, 11, 2, 23, 30, tzinfo=UTC), Place(113.65, 34.75), {"pm25": 41.5}, 8.3)
    said = read("tracks", GPX)
    assert said.sightings == (point,) and reasons(said) == ["site_place"]
    assert read("tracks", b"time,lng,lat,PM2.5,speed\n2026-11-03 07:30:00,113.65,34.75,41.5,8.3\n").sightings == (
        point,
    )
    flat = {"time": "2026-11-02T23:30:00Z", "lon": 113.65, "lat": 34.75, "speed": 8.3}
    document = {"datum": "WGS84", "points": [{**flat, "values": {"a34004": 41.5}}]}
    assert read("tracks", document).sightings == (point,)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"datum": "GCJ02", "points": []}, "datum_unknown"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><gpx>&a;</gpx>', "xml_unreadable"),
        (b"<gpx", "xml_unreadable"),
        (b"time,pm25\n2026-11-03 07:30:00,1\n", "header_unknown"),
        ({"points": [{"time": "2026-11-02T23:30:00Z", "lon": 0, "lat": 0}]}, "site_place"),
    ],
)
def test_a_track_that_cannot_be_placed_is_refused_with_its_reason(data: object, reason: str) -> None:
    said = read("tracks", data)
    assert (said.sightings, reasons(said)) == ((), [reason])


# ---- video ----


def test_a_video_is_its_address_and_one_picture() -> None:
    shot = base64.b64encode(JPEG).decode()
    said = read("video", {"url": "https://video.example/c1", "title": "东门", "time": 1793664000, "snapshot": shot})
    assert said.sightings == (Picture(NOW, "https://video.example/c1", "东门", JPEG, "image/jpeg"),)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "", "file:///etc/passwd", "https://", "rtsp://user:secret@host/1", "//x"]
)
def test_an_address_that_no_page_should_show_is_refused(url: str) -> None:
    said = read("video", {"url": url})
    assert (said.sightings, reasons(said)) == ((), ["url_refused"])


def test_a_snapshot_that_is_no_picture_is_left_out_and_the_address_kept() -> None:
    for snapshot in ("!!", base64.b64encode(b"<svg onload=x>").decode()):
        said = read("video", {"url": "https://video.example/c1", "snapshot": snapshot})
        assert isinstance(said.sightings[0], Picture) and said.sightings[0].content == b""
        assert reasons(said) == ["picture_unreadable"]


# ---- all of them ----

DOORS = tuple(name for name in BUILT_IN if not name.startswith("hj212"))

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
NAMES = """
time values reports device pm25 value unit stat flag seconds interval meters id power passes plate points lon lat datum
url snapshot sensor sensordatavalues value_type timestamp DateTime pm2_5_atm pm2_5_atm_b last_seen mass stage
"""
names = st.sampled_from(NAMES.split())
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6), max_leaves=20
)
times = st.sampled_from(
    ["2026-11-03T07:00:00", "20261103070000", "1793664000", "0001-01-01", "9999-12-31T23:59:59Z", ""]
)
cells = (
    st.sampled_from(["1", "-999", "1,5", "1e999", "nan", "豫A12345", "国五", '"', ";", "\x00", "113.6", "34.7"]) | times
)
tables = st.lists(st.lists(cells, min_size=2, max_size=5), max_size=6).map(
    lambda rows: "\n".join(["time,lon,lat,pm25,power", *(",".join(row) for row in rows)]).encode()
)


def _sound(said: Decoded) -> None:
    known = texts("en")["complaint"]
    for one in said.complaints:
        assert isinstance(one, Complaint) and one.reason in known
    for reading in said.readings:
        assert reading.end > reading.start and reading.start.tzinfo is UTC
        assert reading.value is None or abs(reading.value) < float("inf")
        assert (reading.value is None) == (reading.quality == "missing")
    for seen in said.sightings:
        assert seen.at.tzinfo is UTC


@pytest.mark.parametrize("protocol", DOORS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300) | documents.map(lambda found: json.dumps(found).encode()) | tables)
def test_no_bytes_make_an_adapter_raise(protocol: str, data: bytes) -> None:
    _sound(read(protocol, data))


@pytest.mark.parametrize("protocol", DOORS)
def test_a_rhythm_or_unit_that_cannot_be_is_refused_when_the_adapter_is_made(protocol: str) -> None:
    with pytest.raises(SettingError, match="rhythm"):
        read(protocol, b"", rhythm={"minute": 0})
    with pytest.raises(SettingError, match="units"):
        read(protocol, b"", units={"pm99": "ug/m3"})
