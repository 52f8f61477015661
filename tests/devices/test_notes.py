"""What a device says of itself: kinds, times, what it is about, and what is refused with a word."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import CHINA, Decoded, DeviceNote, texts
from bihuan.devices.hj212 import Hj212Adapter, wrap
from bihuan.devices.hj212.notes import NOTE_KINDS
from tests.devices.samples import RECEIVED, device, reasons, segment

EIGHT = datetime(2016, 8, 1, 8, 58, 57, tzinfo=CHINA)


def decode(cp: str, cn: str, **row: object) -> Decoded:
    return Hj212Adapter(device(**row)).decode(wrap(segment(cp, cn)), RECEIVED, "F1")


def only(decoded: Decoded) -> DeviceNote:
    (note,) = decoded.notes
    assert not decoded.readings
    return note


@pytest.mark.parametrize(
    ("cn", "cp", "kind", "about", "values"),
    [
        ("2021", "DataTime=20160801085857;SB1-RS=1;SB2-RS=0", "run_state", "", [("SB1-RS", "1"), ("SB2-RS", "0")]),
        (
            "2041",
            "DataTime=20160801085857;SB1-RT=1.0;SB2-RT=24",
            "run_hours",
            "",
            [("SB1-RT", "1.0"), ("SB2-RT", "24")],
        ),
        (
            "2081",
            "DataTime=20160801085857;RestartTime=20160801085624",
            "start_up",
            "",
            [("RestartTime", "20160801085624")],
        ),
        ("1011", "PolId=w01018;SystemTime=20160801085857", "clock", "w01018", [("SystemTime", "20160801085857")]),
        ("1013", "PolId=w01018", "asks_clock", "w01018", []),
        ("1061", "RtdInterval=30", "rt_interval", "", [("RtdInterval", "30")]),
        ("1063", "MinInterval=10", "minute_interval", "", [("MinInterval", "10")]),
        ("3015", "DataTime=20160801085857;VaseNo=1", "sample_kept", "", [("VaseNo", "1")]),
        (
            "3017",
            "PolId=w01018;CstartTime=000000;CTime=2",
            "sampling_period",
            "w01018",
            [("CstartTime", "000000"), ("CTime", "2")],
        ),
        ("3018", "PolId=w01018;Stime=40", "sampling_time", "w01018", [("Stime", "40")]),
        (
            "3019",
            "PolId=w01018;w01018-SN=010000A8900016F000169DC1",
            "serial",
            "w01018",
            [("w01018-SN", "010000A8900016F000169DC1")],
        ),
        (
            "3020",
            "DataTime=20160801085857;PolId=w01018;i11001-Info=//清洗管路//",
            "log",
            "w01018",
            [("i11001", "清洗管路")],
        ),
        (
            "3020",
            "DataTime=20160801085857;PolId=w01018;i12001-Info=1;i12003-Info=0",
            "state",
            "w01018",
            [("i12001", "1"), ("i12003", "0")],
        ),
        (
            "3020",
            "DataTime=20160801085857;PolId=w01018;i13004-Info=168.0",
            "parameter",
            "w01018",
            [("i13004", "168.0")],
        ),
        ("1001", "i23005-Info=1;i23006-Info=A", "hardware", "", [("i23005-Info", "1"), ("i23006-Info", "A")]),
        (
            "2062",
            "DataTime=20160801085857;w01018-SampleRd=40.1,w01018-StandardValue=40",
            "standard_check",
            "",
            [("w01018-SampleRd", "40.1"), ("w01018-StandardValue", "40")],
        ),
        ("9011", "QnRtn=1", "accepted", "", [("QnRtn", "1")]),
        ("9012", "ExeRtn=100", "executed", "", [("ExeRtn", "100")]),
    ],
)
def test_each_kind_of_the_annex_becomes_a_note(
    cn: str, cp: str, kind: str, about: str, values: list[tuple[str, str]]
) -> None:
    decoded = decode(cp, cn)
    note = only(decoded)
    assert (note.kind, note.about, list(note.values)) == (kind, about, values)
    assert note.at == (EIGHT if "DataTime" in cp else None)
    assert (note.qn, note.frame) == ("20260101080000123", "F1")
    assert reasons(decoded.complaints) in ([], ["logger_restart"])


def test_what_is_about_two_analysers_makes_two_notes() -> None:
    """Names repeat across groups; the standard prints it so for 3020."""
    notes = decode(
        "DataTime=20160801085857;PolId=w01019,i12001-Info=0;PolId=w21001,i12001-Info=1,i13001-Info=9", "3020"
    ).notes
    assert [(note.kind, note.about, note.values) for note in notes] == [
        ("state", "w01019", (("i12001", "0"),)),
        ("state", "w21001", (("i12001", "1"),)),
        ("parameter", "w21001", (("i13001", "9"),)),
    ]


def test_secrets_stand_in_no_note() -> None:
    told = decode("SKCreateTime=20240601085857223,NewSK=0123456789abcdef", "1014")
    assert only(told).values == (("SKCreateTime", "20240601085857223"),)
    assert "0123456789abcdef" not in repr(told)


def test_commands_whose_fields_were_not_at_hand_are_refused_with_a_word() -> None:
    for cn in ("2013", "2052"):
        decoded = decode("DataTime=20160801085857;a34004-Rtd=35", cn)
        assert not decoded.readings and not decoded.notes
        assert reasons(decoded.complaints) == ["content_unknown"]
    assert reasons(decode("DataTime=20160801085857;011-Rtd=35", "2071").complaints) == ["command_2005"]


def test_electricity_and_production_conditions_keep_what_is_known_and_name_the_rest() -> None:
    """ST 44 and 45 of 2025 come with CN 2011; their lists of codes and marks were not at hand."""
    for code, reason in (("d20105", "code_electricity"), ("p99101", "code_condition"), ("e30101", "code_process")):
        decoded = decode(f"DataTime=20260101080000;{code}-Rtd=1,{code}-Flag=N;a34004-Rtd=35,a34004-Flag=N", "2011")
        assert reasons(decoded.complaints) == [reason]
        assert [reading.value for reading in decoded.readings] == [35]
    condition = wrap(segment("DataTime=20260101080000;a34004-Rtd=35,a34004-Flag=St").replace(b"ST=22", b"ST=45"))
    decoded = Hj212Adapter(device()).decode(condition, RECEIVED, "F")
    assert reasons(decoded.complaints) == ["condition_mark"]
    assert (decoded.readings[0].value, decoded.readings[0].quality) == (35, "suspect")


def test_an_answer_without_its_result_is_said() -> None:
    assert reasons(decode("", "9012").complaints) == ["result_missing"]
    assert reasons(decode("DataTime=20160801085857;XX1=1", "2021").complaints) == ["name_unknown"]


def test_the_furnace_s_five_minutes_are_a_mean_of_five_minutes_whatever_the_rhythm() -> None:
    decoded = decode("DataTime=20260101075500;a01901-Avg=912.5,a01901-Flag=N", "2111", rhythm={"minute": 600})
    (reading,) = decoded.readings
    assert (reading.pollutant, reading.value, reading.interval) == ("furnace_temperature", 912.5, "minute")
    assert (reading.end - reading.start).total_seconds() == 300 and not decoded.complaints


def test_noise_levels_are_figures_of_their_period() -> None:
    """C.29 and C.31: the levels of an hour; of a day's parts only Ld and Ln have codes of their own."""
    hour = decode("DataTime=20260101070000;L5-Data=53.0;Leq-Data=50.0;LMx-Data=54.0;LMn-Data=42.0", "2061")
    assert {(one.pollutant, one.stat): one.value for one in hour.readings} == {
        ("noise_l5", "avg"): 53, ("noise_leq", "avg"): 50, ("noise_lmax", "avg"): 54, ("noise_lmin", "avg"): 42,
    }  # fmt: skip
    day = decode("DataTime=20251231000000;Ldn-Data=50.0;L5-DayData=53.0;Ld-DayData=52.5;Ln-NightData=51.5", "2031")
    assert {one.pollutant: one.value for one in day.readings} == {"noise_ldn": 50, "noise_ld": 52.5, "noise_ln": 51.5}
    assert not hour.complaints + day.complaints


def test_a_metal_whose_unit_is_not_clear_is_read_once_the_register_says_it() -> None:
    """Annex B.1 prints ug/L for total lead; a surface-water station sends 0.00011, which can only be mg/L."""
    item = "DataTime=20260101070000;w20120-Avg=0.35,w20120-Flag=N"
    said = decode(item, "2061")
    assert reasons(said.complaints) == ["unit_unset"] and not said.readings
    (reading,) = decode(item, "2061", units={"lead": "ug/L"}).readings
    assert (reading.pollutant, reading.value) == ("lead", 0.00035)


def test_every_kind_has_its_words() -> None:
    kinds = {*NOTE_KINDS.values(), "log", "state", "parameter"}
    for language in ("zh", "en"):
        assert kinds <= set(texts(language)["device_note"])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(NOTE_KINDS)), st.text(alphabet="PolId=;,-SB1RTSi2Info0DataTime清/N", max_size=60))
def test_no_content_raises_and_every_reason_has_its_words(cn: str, cp: str) -> None:
    decoded = decode(cp, cn)
    assert not decoded.readings
    assert {complaint.reason for complaint in decoded.complaints} <= set(texts("zh")["complaint"])
