"""Time: UTC inside, both ends kept, local days of the city."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import (
    CHINA,
    DAY,
    HOUR,
    InputError,
    Period,
    floor_to,
    hours_of,
    iso,
    local_date,
    local_day,
    parse_instant,
    utc,
)
from tests.strategies import INSTANTS

BERLIN = ZoneInfo("Europe/Berlin")
instants = INSTANTS
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))


@given(instants, lengths)
def test_a_period_holds_its_start_and_not_its_end(start: datetime, length: timedelta) -> None:
    period = Period(start, start + length)
    assert start in period
    assert start + length not in period
    assert period.length == length


@given(instants, lengths, instants, lengths)
def test_overlap_is_symmetric_and_needs_a_shared_instant(
    one: datetime, first: timedelta, two: datetime, second: timedelta
) -> None:
    a, b = Period(one, one + first), Period(two, two + second)
    assert a.overlaps(b) == b.overlaps(a)
    assert a.overlaps(b) == (max(a.start, b.start) in a and max(a.start, b.start) in b)


def test_periods_that_touch_do_not_overlap() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert not Period(start, start + HOUR).overlaps(Period(start + HOUR, start + 2 * HOUR))


def test_ends_given_in_another_zone_are_kept_in_utc() -> None:
    start = datetime(2026, 3, 1, 8, tzinfo=CHINA)
    period = Period(start, start + HOUR)
    assert period.start.tzinfo is UTC
    assert str(period) == "2026-03-01T00:00:00Z/2026-03-01T01:00:00Z"


def test_the_hour_that_a_summer_time_repeats_is_a_period() -> None:
    first = datetime(2025, 10, 26, 2, 30, tzinfo=BERLIN)
    again = first.replace(fold=1)
    assert Period(first, again).length == HOUR


@pytest.mark.parametrize("end", [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)])
def test_an_empty_period_is_refused(end: datetime) -> None:
    with pytest.raises(InputError, match="empty"):
        Period(datetime(2026, 3, 1, tzinfo=UTC), end)


def test_an_end_without_a_zone_is_refused() -> None:
    with pytest.raises(InputError, match="time zone"):
        Period(datetime(2026, 3, 1), datetime(2026, 3, 2, tzinfo=UTC))  # noqa: DTZ001  # what is tested


@given(instants, st.integers(-12, 14))
def test_iso_text_reads_back_whatever_the_zone(instant: datetime, hours: int) -> None:
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert iso(elsewhere) == iso(instant)
    assert parse_instant(iso(elsewhere)) == instant


def test_text_without_an_offset_is_local_time_of_the_city() -> None:
    assert parse_instant(" 2019-02-06 ") == datetime(2019, 2, 5, 16, tzinfo=UTC)
    assert parse_instant("2019-02-06T08:00") == datetime(2019, 2, 6, tzinfo=UTC)
    assert parse_instant("2019-02-06T08:00Z") == datetime(2019, 2, 6, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2019-02-30", "2019-02-06T25:00", "0001-01-01"])
def test_text_that_is_no_time_is_named(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse_instant(text)


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.sampled_from([CHINA, BERLIN]))
def test_every_instant_of_a_local_day_falls_on_it(day: date, zone: ZoneInfo) -> None:
    period = local_day(day, zone)
    last = period.end - timedelta(microseconds=1)
    assert local_date(period.start, zone) == local_date(last, zone) == day
    assert local_date(period.end, zone) == day + DAY


def test_a_day_that_changes_its_clock_has_23_or_25_hours() -> None:
    assert local_day(date(2025, 3, 30), BERLIN).length == 23 * HOUR
    assert local_day(date(2025, 10, 26), BERLIN).length == 25 * HOUR
    assert local_day(date(1986, 5, 4), CHINA).length == 23 * HOUR  # China kept a summer time from 1986 to 1991


@given(instants, st.sampled_from([timedelta(milliseconds=250), timedelta(minutes=5), HOUR, DAY]))
def test_flooring_never_passes_the_instant_and_stays_within_a_step(instant: datetime, step: timedelta) -> None:
    floor = floor_to(instant, step)
    assert floor <= instant < floor + step
    assert floor_to(floor, step) == floor
    assert floor.tzinfo is UTC


@given(st.integers(0, 72), st.timedeltas(timedelta(0), timedelta(minutes=59)))
def test_hours_of_a_period_are_whole_and_follow_each_other(count: int, rest: timedelta) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    end = start + count * HOUR + rest
    hours = list(hours_of(Period(start, end))) if end > start else []
    assert len(hours) == count
    assert all(one.end == two.start for one, two in pairwise(hours))


def test_an_instant_without_a_zone_is_local() -> None:
    assert utc(datetime(2026, 3, 1, 8)) == datetime(2026, 3, 1, tzinfo=UTC)  # noqa: DTZ001  # what is tested
    assert utc(datetime(2026, 3, 1, 8, tzinfo=UTC)) == datetime(2026, 3, 1, 8, tzinfo=UTC)
