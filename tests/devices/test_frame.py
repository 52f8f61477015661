"""What a line can do to frames, and what comes out."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bihuan.devices.hj212 import Framer, checksum, read_frame, wrap
from bihuan.devices.hj212.crc import modbus
from tests.devices.samples import air, frames_of, reasons, segment

LOG = "DataTime=20260101080000;PolId=w01018;i11001-Info=//{}//"


def with_checksum(data: bytes, digits: bytes) -> bytes:
    return b"##%04d%b%b\r\n" % (len(data), data, digits)


def test_a_plain_frame_comes_out_without_complaint() -> None:
    frames, said = frames_of(air())
    assert [frame.raw for frame in frames] == [air()[:-2]]
    assert frames[0].data == air()[6:-6]
    assert frames[0].crc_ok and not frames[0].complaints and not said


def test_several_frames_in_one_read() -> None:
    frames, said = frames_of(air(1) + air(2) + air(3))
    assert [frame.raw + b"\r\n" for frame in frames] == [air(1), air(2), air(3)]
    assert not said


def test_a_frame_in_several_reads_comes_with_its_last_digit() -> None:
    framer = Framer()
    whole = air()
    for byte in whole[:-3]:
        assert framer.feed(bytes([byte])) == ([], [])
    assert framer.pending == len(whole) - 3
    frames, _ = framer.feed(whole[-3:-2])  # the last digit; CR LF is not waited for
    assert len(frames) == 1
    assert framer.pending == 0


@pytest.mark.parametrize("off", [-120, -3, -1, 1, 2, 9, 700, 1500, 9800])
def test_a_wrong_length_is_mended_by_the_end_of_the_segment(off: int) -> None:
    wrong = b"##%04d" % (len(air(1)) - 12 + off) + air(1)[6:]
    frames, noise = frames_of(wrong + air(2))
    assert [frame.crc for frame in frames] == ["ok", "ok"]
    assert reasons(frames[0].complaints) == ["length_wrong"]
    assert not noise
    assert not frames[0].accepted("strict") and frames[0].accepted("tolerant")


def test_a_length_never_satisfied_does_not_hold_up_the_next_frame() -> None:
    framer = Framer()
    framer.feed(b"##9999QN=20260101080000001;ST=22;CN=2011;PW=123")
    frames, said = framer.feed(air())
    assert [frame.raw for frame in frames] == [air()[:-2]]
    assert reasons(said) == ["frame_torn"]


def test_a_bad_frame_with_a_wrong_length_ends_when_a_new_line_begins() -> None:
    wrong = b"##9999" + segment("DataTime=20260101080000") + b"0000\r\n"
    framer = Framer()
    assert framer.feed(wrong) == ([], [])
    frames, _ = framer.feed(air()[:8])
    assert reasons(frames[0].complaints) == ["length_wrong", "crc_bad"]


def test_garbage_is_counted_and_skipped() -> None:
    frames, said = frames_of(b"AT+CIPSEND\r\nOK\r\n\x00\x00" + air() + b"\xff\xfe#")
    assert len(frames) == 1
    assert reasons(said) == ["noise", "noise"]
    assert said[0].detail.startswith("12 bytes") and said[1].detail.startswith("3 bytes")


def test_hashes_in_noise_hide_no_frame() -> None:
    frames, _ = frames_of(b"####01##0\x00##12##abc##9999##" + air())
    assert [frame.raw for frame in frames] == [air()[:-2]]


def test_hashes_in_the_text_of_a_log_do_not_cut_it() -> None:
    whole = wrap(segment(LOG.format("restart ##0010 test"), "3020"))
    frames, said = frames_of(whole)
    assert [frame.raw for frame in frames] == [whole[:-2]] and not said


def test_a_frame_cut_off_is_torn_and_the_next_one_stands() -> None:
    for lost in range(10, len(air()) - 3):
        frames, said = frames_of(air(1)[:lost] + air(2))
        assert frames[-1].raw == air(2)[:-2], lost
        assert said or len(frames) == 2


def test_lower_case_modbus_and_swapped_checksums_are_told_apart() -> None:
    data = segment("DataTime=20260101080000;a34004-Rtd=36")
    right = checksum(data)
    digits = {
        "crc_lower": b"%04x" % right,
        "crc_modbus": b"%04X" % modbus(data),
        "crc_swapped": b"%02X%02X" % (right & 0xFF, right >> 8),
        "crc_bad": b"%04X" % (right ^ 0x0101),
    }
    assert digits["crc_lower"].upper() != digits["crc_lower"]
    for reason, text in digits.items():
        frames, _ = frames_of(with_checksum(data, text))
        assert reasons(frames[0].complaints) == [reason]
        assert frames[0].accepted("tolerant") == (reason != "crc_bad")
        assert not frames[0].accepted("strict")


def test_a_lost_leading_zero_is_taken_by_a_tolerant_station() -> None:
    datas = (segment(f"DataTime=20260101080000;a34004-Rtd={n}") for n in range(1000))
    data = next(data for data in datas if 0x0FFF >= checksum(data) > 0xFF)
    frames, said = frames_of(with_checksum(data, b"%X" % checksum(data)) + air())
    assert [frame.crc for frame in frames] == ["short", "ok"] and not said
    assert frames[0].accepted("tolerant") and not frames[0].accepted("strict")


def test_missing_line_ends_are_a_note() -> None:
    frames, said = frames_of(air(1)[:-2] + air(2)[:-2] + air(3)[:-1])
    assert len(frames) == 3
    assert [(complaint.reason, complaint.severity) for complaint in said] == [("crlf_missing", "note")] * 3


def test_a_line_end_in_the_next_read_is_not_missing() -> None:
    frames, said = frames_of(air()[:-2], b"\r", b"\n" + air())
    assert len(frames) == 2 and not said


def test_chinese_text_is_framed_by_its_bytes_in_both_encodings() -> None:
    for encoding in ("utf-8", "gb18030"):
        data = segment(LOG, "3020").decode().format("设备校准").encode(encoding)
        frames, _ = frames_of(wrap(data))
        assert frames[0].data == data and frames[0].crc_ok


def test_a_length_counted_in_characters_is_mended() -> None:
    data = segment(LOG.format("设备校准"), "3020")
    frames, _ = frames_of(b"##%04d" % len(data.decode()) + data + b"%04X\r\n" % checksum(data))
    assert frames[0].crc_ok and reasons(frames[0].complaints) == ["length_wrong"]


def test_longer_than_the_standard_is_taken_and_said() -> None:
    long = wrap(segment(LOG.format("x" * 3000), "3020"))
    frames, _ = frames_of(long)
    assert frames[0].raw == long[:-2] and reasons(frames[0].complaints) == ["length_over"]


def test_what_is_held_stays_small_whatever_comes() -> None:
    framer = Framer()
    for piece in (b"\x00" * 50_000, b"#" * 50_000, b"##9999QN=" + b"a" * 5_000, b"##9998ST=&&" * 5_000, b"&&" * 40_000):
        _, said = framer.feed(piece)
        assert framer.pending <= 10_015
        assert len(said) <= 2


@pytest.mark.parametrize("nothing", [b"", b"#", b"##", b"##0138", b"hello", b"##0138QN=2026", b"\xff" * 300])
def test_reading_one_frame_of_bytes_that_hold_none_says_so(nothing: bytes) -> None:
    frame = read_frame(nothing)
    assert (frame.raw, frame.data, frame.crc) == (nothing, b"", "bad")


pieces = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([b"##", b"&&", b"\r\n", b"##0010", b"##0012QN=", b"##9999ST=", b"&&21C0", b"#", b"CP=&&"]),
    st.builds(air, st.integers(0, 500)),
    st.builds(lambda at: air()[:at], st.integers(1, 140)),
    st.builds(lambda at: air()[at:], st.integers(1, 140)),
    st.builds(lambda text: wrap(segment(LOG.format(text), "3020")), st.text(max_size=20)),
    st.builds(lambda size: b"##%04d" % size + air()[6:], st.integers(0, 400)),
    st.builds(lambda digits: air()[:-6] + b"%04x\r\n" % digits, st.integers(0, 0xFFFF)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=8), st.data())
@example([b"##0300QN=", air()], None)
def test_the_same_bytes_give_the_same_frames_however_they_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    whole = frames_of(stream)
    assert frames_of(*(stream[at : at + 1] for at in range(len(stream)))) == whole
    if data is not None:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
        edges = [0, *cuts, len(stream)]
        assert frames_of(*(stream[one:other] for one, other in pairwise(edges))) == whole
    for frame in whole[0]:
        assert read_frame(frame.raw) == frame


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), min_size=1, max_size=5))
def test_whatever_is_wrapped_comes_out_again(texts: list[str]) -> None:
    clean = [text.replace("#", "").replace("&", "").replace("\r", "") for text in texts]
    datas = [segment(LOG.format(text), "3020") for text in clean]
    frames, said = frames_of(b"".join(wrap(data) for data in datas))
    assert [frame.data for frame in frames] == datas and not said
