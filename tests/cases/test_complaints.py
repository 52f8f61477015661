"""Tables of 12345 work orders: columns by any name, every bad row named, the good ones read."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bihuan.cases import Calendar, matter_of_words, matters, open_from_complaint, read_complaints
from bihuan.cases.complaints import _table
from bihuan.core import FormatError, Place, iso
from tests.cases.town import NOON, town

CALENDAR = Calendar()
HEADER = "工单编号,受理时间,问题类型,诉求内容,事发地点,所属区县,经度,纬度,诉求人,联系电话,办理时限"
ROWS = (
    "A1,2026-03-02 08:30,施工扬尘,工地不洒水,文化路1号,东区,113.651,34.751,王五,13800001111,2026-03-06 18:00",
    "A2,2026/3/2 9:05:30,,夜里有人烧垃圾,文化路2号,西区,,,赵六,13800002222,5个工作日",
    "A3,2026年3月2日 10时15分,投诉举报,楼下饭店油烟大,文化路3号,东区,113.66,34.76,,,",
)


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows)).encode()


def test_a_table_of_the_hotline_is_read_row_by_row() -> None:
    found = read_complaints(table(*ROWS), CALENDAR, {"东区": "east"})
    assert found.complaints == ()
    one, two, three = found.rows
    assert (one.number, iso(one.received), one.matter, one.place) == (
        *("A1", "2026-03-02T00:30:00Z", "construction", Place(113.651, 34.751)),
    )
    assert (one.district, two.district) == ("east", "西区")
    assert (two.matter, iso(two.received)) == ("burning", "2026-03-02T01:05:30Z")
    assert two.due is not None
    assert iso(two.due) == "2026-03-09T10:00:00Z"  # five working days after Monday end next Monday at 18:00
    assert (three.matter, iso(three.received), three.due) == ("restaurant", "2026-03-02T02:15:00Z", None)


def test_three_bad_rows_in_a_thousand_are_listed_and_the_rest_is_read() -> None:
    rows = [f"N{number},2026-03-02 08:30,施工扬尘,尘,,,,,,," for number in range(1000)]
    rows[10] = ",2026-03-02 08:30,施工扬尘,尘,,,,,,,"
    rows[500] = "N500,昨天,施工扬尘,尘,,,,,,,"
    rows[900] = "N900,2026-03-02 08:30,施工扬尘,尘,,,,,,,2026-03-01 08:30"
    found = read_complaints(table(*rows), CALENDAR)
    assert len(found.rows) == 997
    assert [(odd.where, odd.severity) for odd in found.complaints] == [
        *(("row 12", "error"), ("row 502", "error"), ("row 902", "error"))
    ]
    assert "received = '昨天' is no time; write 2026-01-05 08:30" in found.complaints[1].detail


def test_the_same_table_twice_opens_nothing_new() -> None:
    rows = read_complaints(table(*ROWS), CALENDAR, {"东区": "east", "西区": "west"}).rows
    cases = [open_from_complaint(row, town(), NOON).case for row in rows]
    again = [open_from_complaint(row, town(), NOON, existing=cases) for row in rows]
    assert [intake.outcome for intake in again] == ["known"] * 3


def test_a_number_that_stands_twice_is_read_once() -> None:
    found = read_complaints(table(ROWS[0], ROWS[0]), CALENDAR)
    assert len(found.rows) == 1
    assert [(odd.reason, odd.where) for odd in found.complaints] == [("row_repeated", "row 3")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_encoding_and_separator_are_found_out(encoding: str, mark: str) -> None:
    data = table(*ROWS).decode().replace(",", mark).encode(encoding)
    assert len(read_complaints(data, CALENDAR).rows) == 3


@pytest.mark.parametrize(("lon", "lat"), [("34.7", "113.6"), ("abc", "34.7"), ("113.6", "")])
def test_coordinates_that_cannot_be_used_are_said_and_the_row_is_kept(lon: str, lat: str) -> None:
    found = read_complaints(table(f"A1,2026-03-02 08:30,施工扬尘,尘,,,{lon},{lat},,,"), CALENDAR)
    assert found.rows[0].place is None
    assert [odd.reason for odd in found.complaints] == ["place_bad"]


def test_a_table_that_lacks_a_column_is_refused_with_the_names_it_may_have() -> None:
    with pytest.raises(FormatError, match="lacks received: 受理时间 / 来电时间"):
        read_complaints(table("1,尘", header="工单编号,诉求内容"), CALENDAR)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00\x81", b"\n\n"])
def test_what_is_no_table_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_complaints(data, CALENDAR)


@pytest.mark.parametrize(
    ("category", "content", "matter"),
    [
        ("construction", "", "construction"),
        ("黑臭水体", "", "black_water"),
        ("", "渣土车抛洒一路", "muck_truck"),
        ("", "工厂晚上偷排废水", "outfall"),
        ("", "有股刺鼻味道", "odour"),
        ("", "路灯不亮", "other"),
    ],
)
def test_category_or_words_tell_the_matter(category: str, content: str, matter: str) -> None:
    assert matter_of_words(category, content) == matter


def test_a_matter_that_is_not_recognised_is_said() -> None:
    found = read_complaints(table("A1,2026-03-02 08:30,市政,路灯不亮,,,,,,,"), CALENDAR)
    assert [(odd.reason, odd.severity) for odd in found.complaints] == [("matter_unknown", "note")]


def test_every_word_of_the_table_points_at_a_matter() -> None:
    assert set(_table()["words"]) <= set(matters())


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
@hypothesis_settings(max_examples=150, deadline=None)
def test_whatever_stands_below_the_header_gives_rows_or_complaints(body: bytes) -> None:
    try:
        found = read_complaints(HEADER.encode() + b"\n" + body, CALENDAR)
    except FormatError:
        return
    assert all(row.number for row in found.rows)
