"""Due, received, missing: against a day with holes cut by hand."""

from datetime import date, timedelta

import polars as pl

from bihuan.core import Period, Ref
from bihuan.observations import Rhythm, gaps, rhythms, transmission
from bihuan.register import Device, Register
from tests.observations.tables import T0, hourly, rows

DAY = Period(T0, T0 + timedelta(days=1))
OWED = (Rhythm("D1", Ref("station", "A"), "hour", 3600, date(2026, 1, 1)),)


def test_a_hole_of_three_hours_is_one_gap_of_three() -> None:
    day = hourly([40.0] * 24)
    holed = pl.concat([day[:5], day[8:]])
    found = gaps(holed, OWED, DAY)
    assert found.rows() == [("D1", "hour", T0 + timedelta(hours=5), T0 + timedelta(hours=8), 3)]


def test_two_holes_are_two_gaps() -> None:
    day = hourly([40.0] * 24)
    found = gaps(pl.concat([day[1:5], day[6:]]), OWED, DAY)
    assert found["missing"].to_list() == [1, 1]


def test_a_silent_device_is_one_gap_from_end_to_end() -> None:
    found = gaps(hourly([]), OWED, DAY)
    assert found.rows() == [("D1", "hour", DAY.start, DAY.end, 24)]


def test_a_row_without_value_is_a_report_but_not_a_valid_one() -> None:
    rate = transmission(hourly([40.0] * 12 + [None] * 6), OWED, DAY).row(0, named=True)
    assert (rate["due"], rate["received"], rate["valid"]) == (24, 18, 12)
    assert (rate["transmission"], rate["validity"], rate["efficiency"]) == (0.75, 12 / 18, 0.5)


def test_where_nothing_came_the_validity_is_unknown_not_zero() -> None:
    rate = transmission(hourly([]), OWED, DAY).row(0, named=True)
    assert (rate["transmission"], rate["validity"], rate["efficiency"]) == (0.0, None, None)


def test_reports_off_the_full_step_count_for_the_step_they_fall_in() -> None:
    five = (Rhythm("D1", Ref("station", "A"), "minute", 300, date(2026, 1, 1)),)
    hour = Period(T0, T0 + timedelta(hours=1))
    assert gaps(rows([1.0] * 12, start=T0 + timedelta(seconds=90)), five, hour).is_empty()


def test_nothing_is_due_before_a_device_was_installed() -> None:
    later = (Rhythm("D1", Ref("station", "A"), "hour", 3600, date(2026, 1, 6)),)
    found = gaps(hourly([]), later, DAY)
    assert found["missing"].to_list() == [8]  # the city's 6 January begins at 16:00 UTC


def test_the_rhythm_comes_from_the_register_of_that_day() -> None:
    device = Device(id="D1", name="logger", site="station:A", rhythm={"hour": 3600, "minute": 300})
    gone = Device(id="D2", name="old", site="station:B", rhythm={"hour": 3600}, valid_to=date(2025, 1, 1))
    owed = rhythms(Register([device, gone]), date(2026, 1, 5))
    assert [(row.device, row.interval, row.seconds) for row in owed] == [("D1", "hour", 3600), ("D1", "minute", 300)]
