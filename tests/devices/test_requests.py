"""Frames of orders: those of annex C byte for byte, arguments held to their ranges, secrets kept."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import InputError, texts
from bihuan.devices.hj212 import decrypt, envelope, key_bytes, parse, read_frame
from bihuan.devices.hj212.requests import REMOVED, checked, command_of, commands, request

NOW = datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)
ROW = {"mn": "010000A8900016F000169DC0", "password": "123456", "system": "32", "qn": "20160801085857223", "now": NOW}


def made(code: str, protocol: str = "hj212-2017", key: str = "", **arguments: str) -> bytes:
    command = command_of(code, protocol)
    return request(command, checked(command, arguments), protocol=protocol, key=key, **ROW)  # type: ignore[arg-type]


@pytest.mark.reference
@pytest.mark.parametrize(
    ("vector", "code", "arguments"),
    [
        ("v064", "set_timeout", {"timeout": "5", "resends": "3"}),
        ("v067", "read_clock", {"analyser": "w01018"}),
        ("v069", "set_clock", {"analyser": "w01018"}),
        ("v072", "read_rt_interval", {}),
        ("v074", "set_rt_interval", {"rt_seconds": "30"}),
        ("v079", "start_rt", {}),
        ("v081", "start_states", {}),
        ("v095", "recall_hour", {"begin": "2016-08-01T08:00:00+08:00", "end": "2016-08-01T00:00:00Z"}),
        ("v110", "compare", {"analyser": "w01018"}),
        ("v111", "keep_sample", {}),
        ("v114", "read_sampling_period", {"analyser": "w01018"}),
        ("v116", "read_sampling_time", {"analyser": "w01018"}),
        ("v118", "read_serial", {"analyser": "w01018"}),
        ("v130", "read_info", {"analyser": "w01018", "info": "i13004"}),
        ("v132", "set_parameter", {"analyser": "w01018", "info": "i13004", "value": "168.0"}),
    ],
)
def test_frames_of_annex_c(shared: Path, vector: str, code: str, arguments: dict[str, str]) -> None:
    lines = (shared / "reference/hj212/vectors.jsonl").read_text("utf-8").splitlines()
    (wanted,) = [row["raw"] for row in map(json.loads, lines) if row["id"] == vector]
    assert made(code, **arguments) == wanted.encode()


@pytest.mark.reference
@pytest.mark.parametrize(
    ("vector", "code", "arguments"),
    [
        ("v171", "set_key", {"key": "0" * 16}),
        ("v172", "check_standard", {"analyser": "w01018"}),
        ("v173", "recall_raw", {"begin": "2024-06-01T00:00:00Z", "end": "2024-06-01T00:00:00Z"}),
        ("v174", "calibrate", {"analyser": "w01018", "calibration": "0"}),
        ("v175", "keep_sample_now", {"analyser": "w01018"}),
    ],
)
def test_frames_of_2025(shared: Path, vector: str, code: str, arguments: dict[str, str]) -> None:
    lines = (shared / "reference/hj212/vectors.jsonl").read_text("utf-8").splitlines()
    (wanted,) = [row["raw"] for row in map(json.loads, lines) if row["id"] == vector]
    command = command_of(code, "hj212-2025")
    at = datetime(2024, 6, 1, 0, 58, 57, 223_000, tzinfo=UTC)
    row = ROW | {"qn": "20240601085857223", "now": at}
    assert request(command, checked(command, arguments), protocol="hj212-2025", **row) == wanted.encode()  # type: ignore[arg-type]


def test_version_bits_follow_the_station_s_setting() -> None:
    for protocol, flag in (("hj212-2005", 1), ("hj212-2017", 5), ("hj212-2025", 9)):
        assert envelope(made("set_clock", protocol)).flag == flag


def test_a_new_key_travels_under_the_old_one() -> None:
    frame = read_frame(made_key())
    assert b"B" * 16 not in frame.raw
    opened = decrypt(frame, [key_bytes("A" * 16)])
    assert opened is not None and parse(opened[0].data).first("NewSK") == "B" * 16


def made_key() -> bytes:
    command = command_of("set_key", "hj212-2025")
    arguments = checked(command, {"key": "B" * 16})
    return request(command, arguments, protocol="hj212-2025", key="A" * 16, **ROW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        ("set_rt_interval", {}, "lacks rt_seconds"),
        ("set_rt_interval", {"rt_seconds": "29"}, "from 30 to 3600"),
        ("set_minute_interval", {"minutes": "7"}, "one of 1, 2, 3"),
        ("recall_hour", {"begin": "2016-08-02T00:00:00Z", "end": "2016-08-01T00:00:00Z"}, "lies after end"),
        ("calibrate", {"analyser": "w01018;CN=1"}, "the code of what it measures"),
        ("set_parameter", {"analyser": "w01018", "info": "i13004", "value": "1;x=2"}, "without ;"),
        ("set_sampling_period", {"analyser": "w01018", "start": "240000", "hours": "2"}, "hhmmss"),
        ("read_clock", {"colour": "red"}, "does not take colour"),
        ("calibrate", {"analyser": "w01018", "calibration": "0"}, "does not take calibration"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_with_what_is_allowed(
    code: str, arguments: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        made(code, **arguments)


def test_a_secret_that_cannot_be_is_not_repeated() -> None:
    with pytest.raises(InputError) as refused:
        made("set_password", password="topsecret")
    assert "topsecret" not in str(refused.value)


def test_what_was_removed_or_is_not_known_is_refused_with_a_word() -> None:
    for code in REMOVED:
        with pytest.raises(InputError, match=r"removed in 2017|not at hand"):
            command_of(code, "hj212-2005")
    with pytest.raises(InputError, match="needs hj212-2025"):
        command_of("set_key", "hj212-2017")
    with pytest.raises(InputError, match="loggers of HJ 212 only"):
        command_of("set_clock", "purpleair")
    with pytest.raises(InputError, match="not known"):
        command_of("dance", "hj212-2017")


def test_every_order_and_argument_has_its_words() -> None:
    names = {name for one in commands().values() for name in (*one.required, *one.optional)}
    wanted = set(commands()) | {f"arg_{name}" for name in names}
    for language in ("zh", "en"):
        assert wanted <= set(texts(language)["order"])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(commands())),
    st.dictionaries(
        st.sampled_from(sorted({name for one in commands().values() for name in (*one.required, *one.optional)})),
        st.text(max_size=24),
    ),
)
def test_no_argument_breaks_out_of_its_frame(code: str, arguments: dict[str, str]) -> None:
    try:
        frame = made(code, "hj212-2025", **arguments)
    except InputError:
        return
    taken = read_frame(frame)
    assert taken.crc_ok and envelope(taken.data).cn == commands()[code].cn
    assert taken.data.count(b"&&") == 2
