"""Frames of one device to readings: values, units, times, marks and complaints."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import Adapter, Decoded, SettingError, pollutant
from bihuan.devices.hj212 import Hj212Adapter, checksum, read_stamp, uplink, wrap
from tests.devices.samples import RECEIVED, air, device, reasons, segment


def decode(
    cp: str, cn: str = "2011", received: datetime = RECEIVED, kind: str = "environment", **row: object
) -> Decoded:
    head = {key: str(row.pop(key)) for key in ("qn", "flag", "more") if key in row}
    adapter = Hj212Adapter(device(**row), kind)  # type: ignore[arg-type]
    return adapter.decode(wrap(segment(cp, cn, **head)), received, "F1")


def value_of(decoded: Decoded) -> float | None:
    (reading,) = decoded.readings
    return reading.value


def test_a_momentary_value_becomes_a_reading() -> None:
    adapter: Adapter = Hj212Adapter(device(rhythm={"rt": 60}))
    decoded = adapter.decode(air(), RECEIVED, "F1")
    (reading,) = decoded.readings
    assert not decoded.complaints
    assert reading.key == (device().id, "pm25", "rtd", "rt", datetime(2026, 1, 1, tzinfo=UTC))
    assert reading.end - reading.start == timedelta(seconds=60)
    assert (reading.value, reading.mark, reading.origin, reading.quality, reading.frame) == (
        35,
        "N",
        "live",
        "good",
        "F1",
    )


@pytest.mark.parametrize(
    ("cn", "stamp", "interval", "length"),
    [
        ("2051", "20260101074000", "minute", 600),
        ("2061", "20260101070000", "hour", 3600),
        ("2031", "20251231000000", "day", 86400),
    ],
)
def test_means_run_from_their_stamp_for_their_interval(cn: str, stamp: str, interval: str, length: int) -> None:
    """HJ 212-2017 table 4: DataTime of means is the START of the interval, in local time."""
    decoded = decode(f"DataTime={stamp};a34004-Min=1,a34004-Avg=2,a34004-Max=3,a34004-Cou=4,a34004-Flag=N", cn)
    assert not decoded.complaints
    assert [(reading.stat, reading.value) for reading in decoded.readings] == [
        ("min", 1),
        ("avg", 2),
        ("max", 3),
        ("cou", 4),
    ]
    start = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC) - timedelta(hours=8)
    for reading in decoded.readings:
        assert (reading.interval, reading.start) == (interval, start)
        assert reading.end - reading.start == timedelta(seconds=length)


def test_the_folded_fields_and_codes_of_2005_are_known() -> None:
    decoded = decode("DataTime=20260101080000;02-ZsRtd=31.5,02-Rtd=20,02-Flag=N;S01-Rtd=12.6", kind="outlet")
    assert {(reading.pollutant, reading.stat): reading.value for reading in decoded.readings} == {
        ("so2", "zs_rtd"): 31.5,
        ("so2", "rtd"): 20,
        ("o2", "rtd"): 12.6,
    }


def test_units_become_those_of_the_site() -> None:
    """ug/m3 in the surroundings, mg/m3 at an outlet; another is a setting, a flow comes in annex B's L/s."""
    assert value_of(decode("DataTime=20260101080000;a34004-Rtd=0.035", units={"pm25": "mg/m3"})) == 35
    assert value_of(decode("DataTime=20260101080000;a21026-Rtd=35", kind="outlet")) == 35
    assert value_of(decode("DataTime=20260101080000;a21026-Rtd=35900", kind="outlet", units={"so2": "ug/m3"})) == 35.9
    assert value_of(decode("DataTime=20260101080000;w00000-Rtd=16.4", kind="outlet")) == 0.0164
    assert value_of(decode("DataTime=20260101080000;a00000-Rtd=9000", kind="outlet", units={"gas_flow": "m3/h"})) == 2.5
    assert value_of(decode("DataTime=20260101080000;a01001-Rtd=300.15", units={"air_temperature": "K"})) == 27
    assert value_of(decode("DataTime=20260101080000;a01006-Rtd=1013.25", units={"air_pressure": "hPa"})) == 101.325


def test_a_total_keeps_its_own_unit() -> None:
    decoded = decode("DataTime=20260101070000;w00000-Cou=63.0,w00000-Avg=17.5", "2061", kind="outlet")
    assert [reading.value for reading in decoded.readings] == [63.0, 0.0175]


@pytest.mark.parametrize(
    ("item", "unit"), [("a21005-Rtd=900", "ug/m3"), ("a34004-Rtd=0.035", "mg/m3"), ("a01006-Rtd=1013", "hPa")]
)
def test_a_value_that_looks_like_another_unit_is_said_and_not_changed(item: str, unit: str) -> None:
    decoded = decode(f"DataTime=20260101080000;{item}")
    assert reasons(decoded.complaints) == ["unit_suspect"] and unit in decoded.complaints[0].detail
    assert value_of(decoded) == float(item.partition("=")[2])
    assert (decoded.readings[0].quality, decoded.readings[0].reason) == ("suspect", "unit_suspect")


def test_a_unit_that_cannot_be_is_refused_when_the_device_is_set_up() -> None:
    for units, word in (({"pm25": "ppb"}, "pm25"), ({"co": "m/s"}, "co"), ({"smoke": "mg/m3"}, "smoke")):
        with pytest.raises(SettingError, match=word):
            Hj212Adapter(device(units=units))
    with pytest.raises(SettingError, match="rhythm"):
        Hj212Adapter(device(rhythm={"minute": 0}))


@pytest.mark.parametrize("text", ["", "-", "--", "NaN", "null", " "])
def test_a_value_that_is_not_there_is_missing(text: str) -> None:
    decoded = decode(f"DataTime=20260101080000;a34004-Rtd={text},a34004-Flag=N")
    (reading,) = decoded.readings
    assert (reading.value, reading.quality, reading.reason) == (None, "missing", "no_value")
    assert not decoded.complaints


@pytest.mark.parametrize("text", ["abc", "1_0", "1,2", "1e999", "0x10", "12.3.4"])
def test_a_value_that_is_no_number_is_missing_and_said(text: str) -> None:
    decoded = decode(f"DataTime=20260101080000;a34004-Rtd={text}")
    if text != "1,2":  # the comma ends the item
        assert (decoded.readings[0].value, decoded.readings[0].reason) == (None, "unreadable")
    assert decoded.complaints[0].reason == ("item_unreadable" if text == "1,2" else "value_unreadable")


def test_the_sentinel_of_2025_is_missing_before_anyone_compares_it() -> None:
    decoded = decode("DataTime=20260101070000;a21026-ZsAvg=9999.99,a21026-Flag=N", "2061", kind="outlet")
    (reading,) = decoded.readings
    assert (reading.value, reading.quality, reading.reason) == (None, "missing", "sentinel")


@pytest.mark.parametrize(
    ("mark", "quality", "reason"),
    [
        ("N", "good", ""),
        ("n", "good", ""),
        ("D", "bad", "fault"),
        ("F", "bad", "stopped"),
        ("M", "bad", "maintenance"),
        ("C", "bad", "calibration"),
        ("B", "bad", "link_down"),
        ("T", "suspect", "over_range"),
        ("S", "suspect", "manual_setting"),
        ("Q", "suspect", "mark_unknown"),
    ],
)
def test_marks_decide_the_quality(mark: str, quality: str, reason: str) -> None:
    decoded = decode(f"DataTime=20260101080000;a34004-Rtd=35,a34004-Flag={mark}")
    (reading,) = decoded.readings
    assert (reading.quality, reading.reason, reading.mark) == (quality, reason, mark.upper())
    assert reasons(decoded.complaints) == (["mark_unknown"] if mark == "Q" else [])


def test_a_missing_value_keeps_the_reason_of_its_mark() -> None:
    (reading,) = decode("DataTime=20260101080000;a34004-Rtd=,a34004-Flag=D").readings
    assert (reading.value, reading.quality, reading.reason) == (None, "missing", "fault")


def test_an_unknown_code_is_said_once_and_the_rest_stands() -> None:
    decoded = decode("DataTime=20260101080000;a99999-Rtd=1,a99999-Flag=N;FANSTATUS=1;a34004-Rtd=35;a34004-Ori=9")
    assert reasons(decoded.complaints) == ["code_unknown", "name_unknown", "field_unknown"]
    assert value_of(decoded) == 35


def test_misprints_of_the_annex_are_mended_for_a_tolerant_and_left_out_for_a_strict_station() -> None:
    cp = "DataTime=20260101080000;w01018-SampleTime=20260101070000,01018-Rtd=2.2,w01018-Flag=N;W01001-rtd=7.1"
    tolerant = decode(cp)
    assert {reading.pollutant: reading.value for reading in tolerant.readings} == {"cod": 2.2, "ph": 7.1}
    assert reasons(tolerant.complaints) == ["code_repaired", "code_repaired"]
    strict = decode(cp, strictness="strict")
    assert not strict.readings and {complaint.severity for complaint in strict.complaints} == {"error"}


def test_a_mark_without_a_factor_goes_to_the_factor_before_it() -> None:
    decoded = decode("DataTime=20260101080000;a34001-Rtd=92;Flag=D")
    assert decoded.readings[0].quality == "bad" and reasons(decoded.complaints) == ["flag_without_factor"]


def test_of_a_repeated_item_the_first_is_kept() -> None:
    decoded = decode("DataTime=20260101080000;a34004-Rtd=35;a34004-Rtd=36")
    assert value_of(decoded) == 35 and reasons(decoded.complaints) == ["code_repeated"]


def test_a_mean_sent_in_the_momentary_field_is_taken_as_mean_and_said() -> None:
    decoded = decode("DataTime=20260101070000;a34004-Rtd=35", "2061")
    assert decoded.readings[0].stat == "avg" and reasons(decoded.complaints) == ["rtd_in_mean"]


def test_a_strict_station_is_held_to_the_standard_and_a_tolerant_one_is_not() -> None:
    data = segment("DataTime=20260101080000;a34004-Rtd=36")
    lower = b"##%04d" % len(data) + data + b"%04x\r\n" % checksum(data)
    assert len(Hj212Adapter(device()).decode(lower, RECEIVED, "F").readings) == 1
    strict = Hj212Adapter(device(strictness="strict")).decode(lower, RECEIVED, "F")
    assert not strict.readings and strict.complaints[0].severity == "error"


@pytest.mark.parametrize("spoil", [b"0000", b"ZZZZ", b""])
def test_a_bad_checksum_gives_complaints_and_no_readings(spoil: bytes) -> None:
    decoded = Hj212Adapter(device()).decode(air()[:-6] + spoil + b"\r\n", RECEIVED, "F")
    assert not decoded.readings and "error" in {complaint.severity for complaint in decoded.complaints}


def test_another_device_s_number_or_a_wrong_password_is_refused() -> None:
    other = Hj212Adapter(device(id="OTHER")).decode(air(), RECEIVED, "F")
    assert not other.readings and reasons(other.complaints) == ["mn_other"]
    wrong = Hj212Adapter(device(password="654321")).decode(air(), RECEIVED, "F")
    assert not wrong.readings and reasons(wrong.complaints) == ["password_wrong"]


@pytest.mark.parametrize(
    ("stamp", "start"),
    [("20260101070001", "07"), ("20260101065959", "07"), ("20260101070100", "07"), ("20260101064500", "06")],
)
def test_an_hour_beside_its_boundary_is_that_hour(stamp: str, start: str) -> None:
    decoded = decode(f"DataTime={stamp};a34004-Avg=35", "2061")
    assert reasons(decoded.complaints) == ["time_unaligned"]
    assert decoded.readings[0].start == read_stamp(f"20260101{start}0000", Hj212Adapter(device())._zone)
    assert not decode(f"DataTime={stamp};a34004-Avg=35", "2061", strictness="strict").readings


@pytest.mark.parametrize(
    "stamp",
    ["", "2026", "20261301080000", "20260101250000", "00010101000000", "２０２６０１０１０８００００", "x" * 14],
)
def test_a_time_that_is_none_is_an_error(stamp: str) -> None:
    decoded = decode(f"DataTime={stamp};a34004-Rtd=35")
    assert not decoded.readings and reasons(decoded.complaints) == ["time_unreadable"]


def test_milliseconds_in_the_data_time_are_read() -> None:
    decoded = decode("DataTime=20260101080000250;a34004-Rtd=35")
    assert decoded.readings[0].start == datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)


def test_late_or_refilled_data_is_marked_as_sent_again() -> None:
    cp = "DataTime=20260101030000;a34004-Avg=35"
    assert decode(cp, "2061").readings[0].origin == "resent"
    assert decode("DataTime=20260101070000;a34004-Avg=35", "2061").readings[0].origin == "live"
    assert decode("DataTime=20260101070000;a34004-Avg=35", "2061", more="RF=1;").readings[0].origin == "resent"


def test_a_clock_ahead_is_said_and_makes_the_value_suspect() -> None:
    decoded = decode("DataTime=20260101083000;a34004-Rtd=35", qn="20260101083000123")
    assert reasons(decoded.complaints) == ["clock_ahead"]
    assert (decoded.readings[0].quality, decoded.readings[0].reason) == ("suspect", "clock")
    impossible = decode("DataTime=20260301080000;a34004-Rtd=35")
    assert not impossible.readings and reasons(impossible.complaints) == ["clock_impossible"]


def test_a_clock_behind_is_a_note() -> None:
    decoded = decode("DataTime=20260101075000;a34004-Rtd=35", qn="20260101075001000")
    assert [(complaint.reason, complaint.severity) for complaint in decoded.complaints] == [("clock_behind", "note")]


def test_an_hour_stamped_at_its_end_is_noticed() -> None:
    """The trap of the national feed, whose stamps are ends: the hour sent at 08:00:05 cannot begin at 08:00."""
    decoded = decode("DataTime=20260101080000;a34004-Avg=35", "2061")
    assert reasons(decoded.complaints) == ["period_unfinished"]
    assert decoded.readings[0].quality == "suspect"


def test_start_up_heartbeat_and_other_commands_carry_no_readings() -> None:
    assert reasons(decode("DataTime=20260101080000;RestartTime=20260101075800", "2081").complaints) == [
        "logger_restart"
    ]
    assert decode("", "9015") == Decoded((), ())
    assert not decode("QnRtn=1", "9011").complaints
    assert reasons(decode("OverTime=5;ReCount=3", "1000").complaints) == ["command_other"]
    assert reasons(decode("a34004-Rtd=35", "7777").complaints) == ["command_unknown"]


def test_gb18030_text_is_read() -> None:
    data = segment("DataTime=20260101080000;a34004-Rtd=35;a34004-Info=").decode() + "x"
    mixed = data.replace("Info=&&x", "Info=设备校准&&").encode("gb18030")
    decoded = Hj212Adapter(device()).decode(wrap(mixed), RECEIVED, "F")
    assert value_of(decoded) == 35 and reasons(decoded.complaints) == ["text_gb18030"]


def test_ciphertext_of_2025_is_refused_by_name() -> None:
    cipher = bytes(range(128, 255))
    data = segment("", flag="Flag=9;")[:-2] + cipher + b"&&"
    for frame in (
        b"##%04d" % len(data) + data + b"DA81\r\n",
        b"##0141" + segment("{0xE4,0x3E}", flag="Flag=9;") + b"DA81\r\n",
    ):
        decoded = Hj212Adapter(device()).decode(frame, RECEIVED, "F")
        assert not decoded.readings and reasons(decoded.complaints) == ["encrypted"]


def test_each_part_of_a_split_message_decodes_alone_and_a_missing_one_is_said() -> None:
    adapter = Hj212Adapter(device())
    parts = [
        wrap(segment(f"DataTime=20260101070000;{item}", "2061", f"2026010108000000{n}", "Flag=7;", f"PNUM=3;PNO={n};"))
        for n, item in ((1, "a34004-Avg=1"), (2, "a34002-Avg=2"), (3, "a21026-Avg=3"))
    ]
    first = adapter.decode(parts[2], RECEIVED, "F3")
    second = adapter.decode(parts[0], RECEIVED + timedelta(seconds=1), "F1")
    assert [reading.pollutant for reading in (*first.readings, *second.readings)] == ["so2", "pm25"]
    assert not first.complaints + second.complaints
    later = adapter.decode(air(), RECEIVED + timedelta(seconds=62), "F9")
    assert reasons(later.complaints) == ["parts_missing"] and "[2]" in later.complaints[0].detail
    assert not adapter.decode(air(), RECEIVED + timedelta(seconds=70), "F9").complaints


def test_a_complete_split_message_leaves_no_complaint() -> None:
    adapter = Hj212Adapter(device())
    for n in (2, 1, 1):
        frame = wrap(segment("DataTime=20260101070000;a34004-Avg=1", "2061", more=f"PNUM=2;PNO={n};"))
        assert not adapter.decode(frame, RECEIVED, "F").complaints
    assert not adapter.decode(air(), RECEIVED + timedelta(seconds=90), "F9").complaints
    wrong = wrap(segment("DataTime=20260101070000;a34004-Avg=1", "2061", more="PNUM=2;PNO=5;"))
    assert reasons(adapter.decode(wrong, RECEIVED, "F").complaints) == ["parts_wrong"]


AIR = (
    "pm25",
    "pm10",
    "so2",
    "no2",
    "co",
    "o3",
    "nox",
    "air_temperature",
    "humidity",
    "air_pressure",
    "wind_speed",
    "wind_from",
)
WATER = ("flow", "ph", "cod", "nh3n", "tp", "tn", "ss", "conductivity", "do", "codmn", "petroleum", "turbidity")
numbers = st.integers(-5_000_000, 5_000_000).map(lambda n: n / 1000)
figures = st.dictionaries(st.sampled_from(["min", "avg", "max", "cou", "zs_avg"]), st.none() | numbers, min_size=1)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(AIR + WATER), figures, min_size=1),
    st.sampled_from(["minute", "hour", "day"]),
    st.sampled_from(["environment", "outlet"]),
    st.sampled_from(["hj212-2005", "hj212-2017"]),
    st.sampled_from([{}, {"so2": "mg/m3", "air_pressure": "hPa", "flow": "m3/h", "air_temperature": "K"}]),
)
def test_what_a_device_sends_is_what_is_decoded(values, interval, kind, protocol, units) -> None:  # type: ignore[no-untyped-def]
    row = device(protocol=protocol, units=units)
    start = datetime(2025, 12, 30, 16, tzinfo=UTC)
    adapter = Hj212Adapter(row, kind)
    back = {}
    frames = uplink(row, interval, start, values, sent=RECEIVED - timedelta(seconds=2), kind=kind)
    for frame in frames:
        assert len(frame) <= 1024 + 12
        decoded = adapter.decode(frame, RECEIVED, "F")
        assert not [
            complaint for complaint in decoded.complaints if complaint.reason not in ("unit_suspect", "value_sentinel")
        ]
        for reading in decoded.readings:
            assert (reading.interval, reading.start, reading.mark) == (interval, start, "N")
            back[reading.pollutant, reading.stat] = reading.value
    sent = {(code, stat): value for code, parts in values.items() for stat, value in parts.items()}
    assert back.keys() == sent.keys()
    for key, value in sent.items():
        assert back[key] == (value if value is None else pytest.approx(value, abs=1e-9)), key
        if not units and key[0] != "flow":
            assert back[key] == value


def test_a_long_report_is_split_into_numbered_parts() -> None:
    values = {code: {"min": 1.25, "avg": 2.5, "max": 3.75} for code in AIR + WATER}
    frames = uplink(device(), "hour", datetime(2025, 12, 31, 23, tzinfo=UTC), values, sent=RECEIVED)
    assert len(frames) > 1
    for number, frame in enumerate(frames, 1):
        assert f"Flag=7;PNUM={len(frames)};PNO={number};".encode() in frame
    assert pollutant("pm25").hj212_2017[0].encode() in frames[0]
