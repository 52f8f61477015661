"""The head of a frame and the answers made from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.devices.hj212 import Envelope, acknowledgement, encode, envelope, heartbeat, read_frame, wrap
from tests.devices.samples import MN, RECEIVED, air, device, segment


def test_the_head_is_read_without_the_data() -> None:
    head = envelope(air())
    assert head == Envelope("20260101080000123", "22", "2011", "123456", MN, 5)
    assert head.answer_wanted and not head.split and head.version == 1
    assert envelope(read_frame(air()).data) == head


@pytest.mark.parametrize(
    "text",
    [
        "ST=32;QN=1;MN=M;CN=2011;PW=p;Flag=7;PNO=1;PNUM=2;CP=&&MN=other&&",
        "QN=1,ST=32;CN=2011;PW=p;MN=M;PNUM=2;PNO=1;Flag=7CP=&&&&",
    ],
)
def test_order_and_separators_of_the_annex_s_misprints_do_not_matter(text: str) -> None:
    assert envelope(text.encode()) == Envelope("1", "32", "2011", "p", "M", 7, 2, 1)


def test_a_frame_of_2005_without_flag_wants_no_answer() -> None:
    head = envelope(b"ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20160824003817&&")
    assert head.qn == "" and head.flag is None and not head.answer_wanted


def test_the_answer_is_9014_with_the_sender_s_own_number_and_no_wish_for_an_answer() -> None:
    """HJ 212-2017 clause 6.5.2; the frame is vector v087 of the standard's annex C under another QN."""
    data = b"QN=20160801085000001;ST=32;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"
    assert acknowledgement(envelope(data)) == (
        b"##0087QN=20160801085000001;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&C241\r\n"
    )


@pytest.mark.parametrize(("asked", "answered"), [("1", "0"), ("5", "4"), ("7", "4"), ("9", "8"), ("11", "8")])
def test_version_bits_are_kept_and_the_wish_for_an_answer_is_not(asked: str, answered: str) -> None:
    head = envelope(segment("", flag=f"Flag={asked};", more="PNUM=2;PNO=1;"))
    answer = envelope(acknowledgement(head))
    assert head.answer_wanted
    assert (str(answer.flag), answer.pnum, answer.answer_wanted) == (answered, None, False)


def test_an_answer_is_never_answered() -> None:
    for command in ("9011", "9012", "9013", "9014", "9021"):
        assert not envelope(segment("", command)).answer_wanted


def test_a_heartbeat_is_answered_like_data_and_a_question_for_the_time_with_9013() -> None:
    assert envelope(heartbeat(device(), RECEIVED)).answer_wanted
    assert envelope(acknowledgement(envelope(heartbeat(device(), RECEIVED)))).cn == "9014"
    assert envelope(acknowledgement(envelope(segment("", "1013")))).cn == "9013"


@given(st.binary(max_size=200))
def test_any_bytes_have_an_envelope_and_an_answer(data: bytes) -> None:
    assert acknowledgement(envelope(data)).startswith(b"##")


fields = st.text(st.sampled_from("0123456789ABCDEF_abc"), min_size=1, max_size=24)


@given(st.tuples(fields, fields, fields), st.integers(0, 255), st.none() | st.integers(1, 9999), st.booleans())
def test_what_is_encoded_is_read_back(names: tuple[str, str, str], flag: int, part: int | None, refilled: bool) -> None:
    mn, pw, qn = names
    frame = encode("2011", mn, qn=qn, st="22", pw=pw, flag=flag, pnum=part, pno=part, refilled=refilled)
    assert envelope(frame) == Envelope(qn, "22", "2011", pw, mn, flag, part, part, refilled)
    assert wrap(read_frame(frame).data) == frame


@pytest.mark.parametrize("split", [(None, None), (3, 2)])
@pytest.mark.parametrize("wrapped", [True, False])
def test_the_usual_head_is_read_at_once_as_field_by_field(split: tuple[int | None, int | None], wrapped: bool) -> None:
    pnum, pno = split
    raw = encode("2051", "M1", [], qn="20260201080000123", st="22", pw="\u00fc1", flag=7, pnum=pnum, pno=pno)
    raw = raw if wrapped else raw[6:-6]
    slow = envelope(raw.replace(b"ST=22;", b"").replace(b";CP=", b";ST=22;CP="))  # another order is read field by field
    assert envelope(raw) == slow
    assert (slow.mn, slow.flag, slow.pnum, slow.pno, slow.refilled) == ("M1", 7, pnum, pno, False)
