"""The quick way of frames that look like their device's last one says what the full way says, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.app.columns import Columns
from bihuan.core import CHINA, KEY_COLUMNS, readings_table
from bihuan.devices.hj212 import Hj212Adapter, envelope, wrap
from bihuan.register import Device

RECEIVED = datetime(2026, 11, 1, 4, 0, 30, tzinfo=UTC)
FIGURES = st.one_of(
    st.floats(-50, 5000, allow_nan=False).map(lambda value: f"{value:.3f}"),
    st.integers(-5, 99999).map(str),
    st.sampled_from(["", "-", "9999.99", "1e3", "1_0", "NaN", "007.50", "--", "12.", ".5", "12345678901234"]),
)
MARKS = st.sampled_from(["N", "N", "N", "n", "F", "T", "3", "", "Z"])


def frame(
    figures: list[str], marks: list[str], *, command: str, at: datetime, sent: datetime, flag: str = "5"
) -> bytes:
    local = [moment.astimezone(CHINA) for moment in (at, sent)]
    stat = "Rtd" if command == "2011" else "Avg"
    codes = ("a34004", "a21026", "a21005")
    items = ";".join(f"{c}-{stat}={v},{c}-Flag={m}" for c, v, m in zip(codes, figures, marks, strict=True))
    head = f"QN={local[1]:%Y%m%d%H%M%S}123;ST=22;CN={command};PW=123456;MN=A1;Flag={flag};"
    return wrap(f"{head}CP=&&DataTime={local[0]:%Y%m%d%H%M%S};{items}&&".encode()).rstrip()


@settings(max_examples=300, deadline=None)
@given(
    figures=st.lists(FIGURES, min_size=3, max_size=3),
    marks=st.lists(MARKS, min_size=3, max_size=3),
    command=st.sampled_from(["2011", "2051", "2061", "2031"]),
    age=st.integers(-100_000, 100_000),
    delay=st.integers(-900, 900),
    strict=st.booleans(),
    units=st.sampled_from([{}, {"pm25": "mg/m3", "co": "ug/m3"}]),
    flag=st.sampled_from(["5", "5", "4", "9", "55555", ""]),
)
def test_a_report_holds_exactly_what_the_full_decoder_makes_of_the_frame(
    figures: list[str],
    marks: list[str],
    command: str,
    age: int,
    delay: int,
    strict: bool,
    units: dict[str, str],
    flag: str,
) -> None:
    device = Device(id="A1", name="", site="station:S", strictness="strict" if strict else "tolerant", units=units)
    quick, full = Hj212Adapter(device, "environment", CHINA), Hj212Adapter(device, "environment", CHINA)
    hour = RECEIVED.replace(minute=0, second=0) - timedelta(hours=1 if command != "2031" else 36)
    plain = frame(["12.5", "13", "0.8"], ["N"] * 3, command=command, at=hour, sent=RECEIVED)
    learned = quick.decode(plain, RECEIVED, "g1-1/1")
    asked = frame(
        figures,
        marks,
        command=command,
        at=RECEIVED + timedelta(seconds=age if age % 3 else age // 3600 * 3600 - 30),
        sent=RECEIVED + timedelta(seconds=delay),
        flag=flag,
    )
    report = quick.report(asked, envelope(asked), RECEIVED)
    expected = full.decode(asked, RECEIVED, "g1-1/2")
    if report is None:
        assert quick.decode(asked, RECEIVED, "g1-1/2") == expected
        return
    assert expected.complaints == () and learned.complaints == ()
    columns = Columns()
    columns.add(report, "g1-1/2")
    table = pl.DataFrame(pl.from_arrow(readings_table(expected.readings))).sort(list(KEY_COLUMNS))
    assert columns.table().equals(table)


def test_an_ordinary_minute_takes_the_quick_way() -> None:
    adapter = Hj212Adapter(Device(id="A1", name="", site="station:S"), "environment", CHINA)
    first = frame(["12.5", "13", "0.8"], ["N"] * 3, command="2011", at=RECEIVED, sent=RECEIVED)
    assert adapter.report(first, envelope(first), RECEIVED) is None
    adapter.decode(first, RECEIVED, "g1-1/1")
    later = RECEIVED + timedelta(seconds=30)
    next_one = frame(["-0.5", "13.25", "1"], ["N"] * 3, command="2011", at=later, sent=later)
    report = adapter.report(next_one + b"\r\n", envelope(next_one), later)
    assert report is not None and report.values == [-0.5, 13.25, 1.0]
    changed = frame(["-0.5", "13.25", "1"], ["N", "D", "N"], command="2011", at=later, sent=later)
    assert adapter.report(changed, envelope(changed), later) is None


def test_of_two_frames_with_one_key_the_later_counts_whichever_way_each_was_read() -> None:
    adapter = Hj212Adapter(Device(id="A1", name="", site="station:S"), "environment", CHINA)
    first = frame(["1", "2", "3"], ["N"] * 3, command="2011", at=RECEIVED, sent=RECEIVED)
    second = frame(["4", "5", "6"], ["N"] * 3, command="2011", at=RECEIVED, sent=RECEIVED)
    full = adapter.decode(first, RECEIVED, "g1-1/1").readings
    report = adapter.report(second, envelope(second), RECEIVED)
    assert report is not None
    for turns, values in ((("full", "quick"), [6.0, 5.0, 4.0]), (("quick", "full"), [3.0, 2.0, 1.0])):
        columns = Columns()
        for turn in turns:
            if turn == "full":
                columns.extend(full)
            else:
                columns.add(report, "g1-1/2")
        assert sorted(columns.table()["value"], reverse=True) == values
