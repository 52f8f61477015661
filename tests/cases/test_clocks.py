"""Clocks: worked examples of nights, weekends, 春节 with its adjusted days, pauses and rounds."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bihuan.cases import (
    Calendar,
    Case,
    Clock,
    Limit,
    PublicComplaint,
    case_settings,
    clocks,
    default_settings,
    open_from_complaint,
    open_from_report,
    running,
    step,
)
from bihuan.cases.settings import CLOCKS
from bihuan.core import SettingError, texts
from tests.cases.test_machine import walked
from tests.cases.town import HOUR, MAIN_WAY, NOON, act, fresh, report, town

ZHENGZHOU = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar()


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZHENGZHOU)


def clock(case: Case, name: str, now: datetime, calendar: Calendar = CALENDAR) -> Clock:
    return next(one for one in reversed(clocks(case, now, calendar)) if one.name == name)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-02-13", True),  # the last Friday before 春节
        ("2026-02-14", True),  # a Saturday worked for 20 February
        ("2026-02-16", False),  # 除夕
        ("2026-02-23", False),  # the Monday still off
        ("2026-02-24", True),
        ("2026-02-28", True),  # a Saturday worked for 23 February
        ("2026-03-01", False),  # an ordinary Sunday
        ("2025-01-26", True),  # 国办发明电〔2024〕12号: a Sunday worked
        ("2025-02-04", False),
        ("2019-05-05", True),
    ],
)
def test_working_days_follow_the_notices_of_the_state_council(day: str, working: bool) -> None:
    assert CALENDAR.working(date.fromisoformat(day)) is working


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        # the day it began is not counted (民法典 201)
        ("2026-03-02T09:00", 1, "2026-03-03T18:00"),
        # over a weekend
        ("2026-03-06T09:00", 5, "2026-03-13T18:00"),
        # over 春节 2026: 13 Feb + Sat 14 worked, 15-23 off, 24 on
        ("2026-02-13T16:00", 2, "2026-02-24T18:00"),
        # Sat 28 Feb is worked, Sun 1 Mar is not
        ("2026-02-27T10:00", 2, "2026-03-02T18:00"),
    ],
)
def test_working_days_are_counted_as_the_civil_code_counts(start: str, days: int, due: str) -> None:
    assert CALENDAR.due(local(start), Limit(0, days, "office", "design")) == local(due)


def test_a_limit_in_natural_days_that_ends_on_a_holiday_moves_to_the_next_working_day() -> None:
    assert CALENDAR.due(local("2026-02-13T16:00"), Limit(0, 5, "always", "design")) == local("2026-02-25T00:00")


@pytest.mark.parametrize(
    ("start", "minutes", "on", "due"),
    [
        ("2026-03-02T20:45", 30, "patrol", "2026-03-03T07:15"),  # the night does not count
        ("2026-03-02T23:00", 30, "patrol", "2026-03-03T07:30"),
        ("2026-03-02T20:45", 30, "always", "2026-03-02T21:15"),
        ("2026-03-02T11:50", 20, "office", "2026-03-02T13:40"),  # lunch
        ("2026-03-06T17:50", 20, "office", "2026-03-09T08:40"),  # the weekend
        ("2026-02-14T17:50", 20, "office", "2026-02-24T08:40"),  # 春节
    ],
)
def test_minutes_count_only_while_the_clock_runs(start: str, minutes: int, on: str, due: str) -> None:
    assert CALENDAR.due(local(start), Limit(minutes, 0, on, "design")) == local(due)


def test_the_city_can_name_days_off_and_worked_beside_the_notices() -> None:
    city = case_settings({"calendar": {"extra_off": ["2026-03-03"], "extra_working": ["2026-03-07"]}})
    calendar = Calendar(city)
    assert (calendar.working(date(2026, 3, 3)), calendar.working(date(2026, 3, 7))) == (False, True)
    assert calendar.due(local("2026-03-02T09:00"), Limit(0, 4, "office", "city")) == local("2026-03-07T18:00")


@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001
    minutes=st.integers(1, 20_000),
    on=st.sampled_from(["always", "patrol", "office"]),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_what_is_added_is_counted_back(start: datetime, minutes: int, on: str) -> None:
    begin = start.replace(tzinfo=UTC)
    span = timedelta(minutes=minutes)
    end = CALENDAR.add(begin, span, on)
    assert CALENDAR.between(begin, end, on) == span
    assert CALENDAR.add(begin, span + timedelta(minutes=1), on) > end


def test_each_matter_has_its_own_time_limit() -> None:
    limits = {
        matter: clock(fresh(matter), "done", NOON).limit / HOUR
        for matter in ("burning", "construction", "restaurant", "black_smoke", "industry", "black_water", "plot")
    }
    assert limits == {
        "burning": 2,
        "construction": 24,
        "restaurant": 48,
        "black_smoke": 48,
        "industry": 72,
        "black_water": 72,
        "plot": 360,
    }


def test_clocks_run_in_the_order_of_the_work() -> None:
    case = walked("dispatch")
    now = NOON + HOUR
    assert [one.name for one in running(case, now, CALENDAR)] == ["done", "sign", "arrive"]
    sign = clock(case, "sign", now)
    assert (sign.due, sign.overdue) == (NOON + timedelta(minutes=35), True)
    assert sign.left == -timedelta(minutes=25)
    case = step(case, act("sign", "grid_officer", now))
    assert [one.name for one in running(case, now, CALENDAR)] == ["done", "arrive"]
    assert clock(case, "sign", now).stopped == now
    assert clock(case, "sign", now).overdue


def test_passing_a_case_on_buys_no_time_for_handing_it_in() -> None:
    case = walked("sign")
    due = clock(case, "done", NOON).due
    case = step(case, act("return", "grid_officer", NOON + 2 * HOUR))
    case = step(case, act("dispatch", "dispatcher", NOON + 3 * HOUR))
    case = step(case, act("reassign", "dispatcher", NOON + 4 * HOUR))
    assert clock(case, "done", NOON + 5 * HOUR).due == due
    assert clock(case, "sign", NOON + 5 * HOUR).started == NOON + 4 * HOUR


def test_an_extension_moves_the_due_time_by_its_hours_and_holds_the_clock() -> None:
    case = walked("sign")
    due = clock(case, "done", NOON).due
    case = step(case, act("ask_extension", "grid_officer", NOON + 2 * HOUR, hours="6", reason="the crane is booked"))
    assert clock(case, "done", NOON + 3 * HOUR).due == due
    case = step(case, act("grant_extension", "duty_leader", NOON + 4 * HOUR))
    held = clock(case, "done", NOON + 5 * HOUR)
    assert (held.due, held.paused, held.reason) == (due + 6 * HOUR, True, "the crane is booked")
    assert held.left == clock(case, "done", NOON + 9 * HOUR).left == 20 * HOUR
    assert not clock(case, "done", NOON + 11 * HOUR).paused
    assert clock(case, "done", NOON + 11 * HOUR).left == 19 * HOUR


def test_a_refused_extension_moves_nothing() -> None:
    case = step(walked("sign"), act("ask_extension", "grid_officer", NOON + 2 * HOUR))
    due = clock(case, "done", NOON).due
    case = step(case, act("refuse_extension", "duty_leader", NOON + 3 * HOUR))
    assert clock(case, "done", NOON + 4 * HOUR).due == due
    assert not case.pauses


def test_a_suspended_case_stands_still_until_it_is_resumed_or_its_day_comes() -> None:
    case = walked("sign")
    due = clock(case, "done", NOON).due
    until = NOON + 10 * HOUR
    held = step(case, act("suspend", "duty_leader", NOON + 2 * HOUR, until=until.isoformat(), reason="court order"))
    assert clock(held, "done", NOON + 9 * HOUR).paused
    assert clock(held, "done", NOON + 9 * HOUR).left == 22 * HOUR
    late = clock(held, "done", NOON + 40 * HOUR)
    assert (late.due, late.overdue, late.paused) == (due + 8 * HOUR, True, False)
    early = step(held, act("resume", "duty_leader", NOON + 5 * HOUR))
    assert clock(early, "done", NOON + 6 * HOUR).due == due + 3 * HOUR


def test_two_pauses_that_overlap_count_once() -> None:
    case = step(walked("sign"), act("ask_extension", "grid_officer", NOON + HOUR, hours="6"))
    case = step(case, act("grant_extension", "duty_leader", NOON + 2 * HOUR))
    due = clock(case, "done", NOON).due
    case = step(case, act("suspend", "duty_leader", NOON + 4 * HOUR, until=(NOON + 10 * HOUR).isoformat()))
    assert clock(case, "done", NOON + 5 * HOUR).due == due + 2 * HOUR


def test_a_pause_after_the_due_time_excuses_nothing() -> None:
    case = walked("sign")
    due = clock(case, "done", NOON).due
    case = step(case, act("suspend", "duty_leader", due + HOUR, until=(due + 9 * HOUR).isoformat()))
    assert clock(case, "done", due + 2 * HOUR).overdue
    assert clock(case, "done", due + 2 * HOUR).due == due


def test_rework_and_rebound_begin_new_rounds_of_the_clocks() -> None:
    case = step(walked("check"), act("rework", "verifier", NOON + 30 * HOUR))
    rounds = [one for one in clocks(case, NOON + 31 * HOUR, CALENDAR) if one.name == "done"]
    assert [one.started for one in rounds] == [NOON, NOON + 30 * HOUR]
    assert (rounds[0].overdue, rounds[1].overdue) == (False, False)


def test_an_extension_of_an_earlier_round_moves_nothing_in_the_next() -> None:
    case = step(walked("sign"), act("ask_extension", "grid_officer", NOON + HOUR, hours="200"))
    case = step(case, act("grant_extension", "duty_leader", NOON + HOUR))
    for number, (kind, role) in enumerate(MAIN_WAY[2:6], 2):
        case = step(case, act(kind, role, NOON + number * HOUR))
    case = step(case, act("rework", "verifier", NOON + 8 * HOUR))
    assert clock(case, "done", NOON + 9 * HOUR).due == NOON + 32 * HOUR
    assert not clock(case, "done", NOON + 9 * HOUR).paused


def test_the_verdict_on_the_effect_has_no_clock() -> None:
    assert "effect" not in CLOCKS
    case = walked("pass")
    assert not running(case, NOON + 5000 * HOUR, CALENDAR)
    case = step(case, act("assess_effect", "system", NOON + 5000 * HOUR, verdict="cannot_tell"))
    assert not any(one.overdue for one in clocks(case, NOON + 9000 * HOUR, CALENDAR))


def test_the_time_limit_of_the_hotline_is_not_moved_by_our_pauses() -> None:
    due = NOON + 30 * HOUR
    order = PublicComplaint(number="ZZ1", received=NOON, matter="construction", content="", due=due, district="east")
    case = open_from_complaint(order, town(), NOON).case
    case = step(case, act("dispatch", "system", NOON + HOUR))
    case = step(case, act("suspend", "duty_leader", NOON + 2 * HOUR))
    assert clock(case, "demanded", NOON + 3 * HOUR).due == due
    assert not clock(case, "demanded", NOON + 3 * HOUR).paused
    without = PublicComplaint(number="ZZ2", received=NOON, matter="construction", content="dust")
    default = clock(open_from_complaint(without, town(), NOON).case, "demanded", NOON)
    assert (default.due, default.status) == (local("2026-03-23T18:00"), "unconfirmed")


def test_a_public_complaint_has_a_clock_for_asking_the_reporter() -> None:
    order = PublicComplaint(number="ZZ1", received=NOON, matter="construction", content="dust", district="east")
    case = step(open_from_complaint(order, town(), NOON).case, act("void", "dispatcher", NOON + HOUR))
    assert [one.name for one in running(case, NOON + HOUR, CALENDAR)] == ["revisit"]
    case = step(case, act("revisit", "duty_officer", NOON + 2 * HOUR))
    assert not running(case, NOON + 3 * HOUR, CALENDAR)


def test_every_clock_has_its_words() -> None:
    assert {f"clock_{name}" for name in CLOCKS} <= set(texts("zh")["case"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"limits": {}}, "table 'limits' of the settings of cases is unknown"),
        ({"returns": {"most": 3}}, "setting returns.most of cases is unknown"),
        ({"returns": {"max": -1}}, "whole number"),
        ({"limit": {"dust": {"done": {"hours": 24, "on": "nights"}}}}, "is no set of hours"),
        ({"limit": {"dust": {"done": {"hours": 24, "days": 1, "on": "always"}}}}, "one of minutes, hours, days"),
        ({"limit": {"dust": {"effect": {"hours": 24, "on": "always"}}}}, "no such clock"),
        ({"hours": {"late": {"days": "all", "windows": [["21:00", "07:00"]]}}}, "must ascend"),
        ({"hours": {"late": {"days": "some", "windows": [["07:00", "08:00"]]}}}, "all or working"),
        ({"hours": {"late": {"days": "all", "windows": [["7", "8"]]}}}, "no time of day"),
        ({"calendar": {"zone": "Mars"}}, "no time zone"),
        ({"duplicates": {"metres": "far"}}, "above 0"),
        ({"escalation": [{"level": "shout", "share": 1, "tells": []}]}, "urge, supervise or elevate"),
        ({"escalation": [{"level": "urge"}]}, "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        case_settings(wrong)


def test_an_unknown_country_is_named() -> None:
    with pytest.raises(SettingError, match="calendar.country = 'XX'"):  # noqa: RUF043
        Calendar(case_settings({"calendar": {"country": "XX"}}))


def test_the_city_can_change_one_limit_and_keep_the_rest() -> None:
    city = case_settings({"limit": {"dust": {"done": {"hours": 12, "on": "always"}}}})
    case = open_from_report(report(), town(), NOON).case
    changed = clock(case, "done", NOON, Calendar(city))
    assert (changed.limit, changed.status) == (12 * HOUR, "city")
    assert city.limit("dust", "sign") == default_settings().limit("dust", "sign")
