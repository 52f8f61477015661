"""All vectors of the reference: frames of the standard, frames met in the wild, broken streams."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bihuan.core import CHINA, Complaint, Decoded, texts
from bihuan.devices.hj212 import Frame, Hj212Adapter, envelope, read_frame, read_stamp
from tests.devices.samples import device, frames_of, reasons

pytestmark = pytest.mark.reference

BY_HAND = {
    "v140": 2,
    "v141": 2,
    "v145": 0,
    "v150": 3,
    "v152": 2,
    "v154": 2,
    "v155": 2,
    "v164": 2,
    "v058": 0,
}
"""Frames a stream holds where it is not one."""

Vectors = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def vectors(shared: Path) -> Vectors:
    lines = (shared / "reference/hj212/vectors.jsonl").read_text("utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def bytes_of(row: dict[str, object]) -> bytes:
    return bytes.fromhex(str(row["raw_hex"])) if "raw_hex" in row else str(row["raw"]).encode()


def decode(frame: Frame) -> Decoded:
    head = envelope(frame.data)
    sent = read_stamp(head.qn, CHINA) or datetime(2021, 1, 1, tzinfo=CHINA)
    kind = "environment" if head.st in ("21", "22", "39") else "outlet"
    row = device(id=head.mn, password=head.pw)
    return Hj212Adapter(row, kind).decode(frame.raw, sent + timedelta(days=31, seconds=2), "F")  # type: ignore[arg-type]


def test_every_vector_is_framed_and_its_checksum_explained(vectors: Vectors) -> None:
    assert len(vectors) == 118
    for name, row in vectors.items():
        frames, _ = frames_of(bytes_of(row))
        assert len(frames) == BY_HAND.get(name, 1), name
        if not frames:
            continue
        kind = str(row["crc_kind"])
        expected = {"hj212": "ok", "len_wrong_but_crc_hj212": "ok", "modbus": "modbus", "bad": "bad"}.get(
            kind, frames[0].crc
        )
        if name == "v160":
            expected = "swapped"  # low byte first; the table calls it bad
        assert frames[0].crc == expected, name
        if row["class"] not in ("stream", "malformed"):
            assert (frames[0].crc == "ok") == row["valid_crc"], name
            assert ("length_wrong" not in reasons(frames[0].complaints)) == row["len_ok"], name


def test_streams_lose_no_good_frame(vectors: Vectors) -> None:
    classes = {name: [frame.crc for frame in frames_of(bytes_of(vectors[name]))[0]] for name in vectors}
    assert classes["v031"] == ["ok"]  # three digits of length
    assert classes["v147"] == ["ok"]  # chatter before it
    assert classes["v149"] == ["ok"]  # ## inside a log
    assert classes["v150"] == ["ok"] * 3  # no CR LF between
    assert classes["v152"] == ["ok", "ok"]  # declares 9,999 bytes
    assert classes["v154"] == ["bad", "ok"]
    assert classes["v155"] == ["bad", "ok"]
    assert classes["v157"] == ["ok"]  # length counted in characters


def test_parts_and_repeats_decode_each_alone(vectors: Vectors) -> None:
    for name in ("v140", "v141"):
        one, other = (decode(frame) for frame in frames_of(bytes_of(vectors[name]))[0])
        assert {reading.pollutant for reading in one.readings} ^ {reading.pollutant for reading in other.readings}
    first, again = (decode(frame) for frame in frames_of(bytes_of(vectors["v164"]))[0])
    assert [reading.key for reading in first.readings] == [reading.key for reading in again.readings]


def test_no_frame_raises_and_every_reason_has_its_words(vectors: Vectors) -> None:
    said: list[Complaint] = []
    readings = 0
    for row in vectors.values():
        frames, about = frames_of(bytes_of(row))
        said += about
        for frame in frames:
            decoded = decode(frame)
            assert read_frame(frame.raw) == frame
            readings += len(decoded.readings)
            said += decoded.complaints
    assert readings > 150
    for language in ("zh", "en"):
        assert {complaint.reason for complaint in said} <= set(texts(language)["complaint"])


def test_worked_values_of_the_annex(vectors: Vectors) -> None:
    """C.41: the hour from 08:00 to 09:00 of 2016-08-01 of a waste-water outlet."""
    (frame,) = frames_of(bytes_of(vectors["v088"]))[0]
    decoded = decode(frame)
    values = {(reading.pollutant, reading.stat): reading.value for reading in decoded.readings}
    assert values["flow", "avg"] == 0.0175 and values["flow", "cou"] == 63.0  # 17.5 L/s for an hour are 63 m3
    assert values["cod", "avg"] == 40.1 and values["ph", "max"] == 7.8
    assert decoded.readings[0].start == datetime(2016, 8, 1, 8, tzinfo=CHINA)
    assert decoded.readings[0].end == datetime(2016, 8, 1, 9, tzinfo=CHINA)


def test_ciphertext_raw_and_printed_opens_with_the_key_of_the_annex(vectors: Vectors) -> None:
    """A.2 of 2025: 16 x 0x30; both ways of sending it hold the same plain text."""
    for name in ("v166", "v167"):
        (frame,) = frames_of(bytes_of(vectors[name]))[0]
        assert [complaint.reason for complaint in decode(frame).complaints] == ["encrypted"]
        row = device(id="010000A8900016F000169DC0", cipher_key="0" * 16, protocol="hj212-2025")
        received = datetime(2024, 5, 20, 21, 6, 2, tzinfo=CHINA)
        (reading,) = Hj212Adapter(row, "outlet").decode(frame.raw, received, "F").readings
        assert (reading.pollutant, reading.value, reading.mark) == ("pm", 12.34, "N")


def test_every_frame_that_is_no_data_says_what_it_is(vectors: Vectors) -> None:
    """Of the annex's messages, those with a right checksum give readings, a note, or one word why they do not."""
    for name, row in vectors.items():
        for frame in frames_of(bytes_of(row))[0]:
            decoded, head = decode(frame), envelope(frame.data)
            told = decoded.readings or decoded.notes or decoded.complaints or head.cn == "9015"
            assert told, name


def test_missing_numbers_in_three_dialects(vectors: Vectors) -> None:
    (frame,) = frames_of(bytes_of(vectors["v161"]))[0]
    readings = decode(frame).readings
    assert [(reading.value, reading.quality, reading.reason) for reading in readings] == [
        (None, "missing", "fault"),
        (None, "missing", "stopped"),
        (None, "missing", "link_down"),
    ]
