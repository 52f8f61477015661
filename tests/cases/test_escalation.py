"""催办 -> 督办 -> 提级: a worked timeline, whom each level told, and that each runs once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bihuan.cases import (
    Calendar,
    Case,
    PublicComplaint,
    addressees,
    case_settings,
    escalate,
    notices_of,
    open_from_complaint,
    open_from_event,
    press,
    read,
    running,
    step,
    unread,
)
from bihuan.core import Notice, Ref, RightRefused, StepRefused
from bihuan.register import Register
from tests.cases.test_machine import walked
from tests.cases.town import HOUR, NOON, ROLES, YARD, act, event, facts, fresh, town

CALENDAR = Calendar()
MINUTE = timedelta(minutes=1)


def run(case: Case, until: datetime, every: timedelta = 5 * MINUTE) -> tuple[Case, list[tuple[str, str, str, int]]]:
    """Escalate every few minutes and note level, clock, receivers and minutes since noon."""
    told: list[tuple[str, str, str, int]] = []
    now = NOON
    while now <= until:
        before = len(case.steps)
        case, notices = escalate(case, now, town(), CALENDAR)
        assert len(notices) == sum(len(entry.action.fields["told"]) for entry in case.steps[before:])
        for entry in case.steps[before:]:
            receivers = " ".join(ref.partition(":")[2] for ref in entry.action.fields["told"])
            told.append((entry.action.kind, entry.action.get("clock"), receivers, int((now - NOON) / MINUTE)))
        now += every
    return case, told


def test_an_unsigned_case_is_urged_then_supervised_then_elevated_each_once() -> None:
    """Dispatched at 12:05 with 30 minutes to sign (12:35); 24 h to hand in."""
    case, told = run(walked("dispatch"), NOON + 3 * HOUR)
    assert told == [
        ("urge", "sign", "officer clerk", 30),  # 80 % of 30 min after 12:05 is 12:29
        ("supervise", "sign", "officer clerk caller", 35),
        ("elevate", "sign", "officer clerk caller leader", 50),
    ]
    assert case.level == "elevate"
    assert [entry.action.by.person for entry in case.steps[-3:]] == ["system"] * 3


def test_a_second_run_at_the_same_time_tells_nobody_again() -> None:
    case, first = escalate(walked("dispatch"), NOON + 36 * MINUTE, town(), CALENDAR)
    again, second = escalate(case, NOON + 36 * MINUTE, town(), CALENDAR)
    assert len(first) == 2 + 3
    assert again is case
    assert second == ()


def test_a_run_repeated_after_a_crash_makes_the_same_notices() -> None:
    one = escalate(walked("dispatch"), NOON + 36 * MINUTE, town(), CALENDAR)
    two = escalate(walked("dispatch"), NOON + 37 * MINUTE, town(), CALENDAR)
    assert [notice.id for notice in one[1]] == [notice.id for notice in two[1]]
    assert len({notice.id for notice in one[1]}) == len(one[1])


def test_the_hand_in_is_escalated_after_signing_too() -> None:
    case = walked("sign")
    _, told = run(case, NOON + 37 * HOUR, HOUR)
    assert [(level, clock, minutes // 60) for level, clock, _, minutes in told] == [
        ("urge", "arrive", 2),
        ("supervise", "arrive", 3),
        ("elevate", "arrive", 4),
        ("urge", "done", 20),
        ("supervise", "done", 24),
        ("elevate", "done", 36),
    ]


def test_a_paused_clock_escalates_nobody() -> None:
    case = step(walked("sign"), act("suspend", "duty_leader", NOON + HOUR, until=(NOON + 90 * HOUR).isoformat()))
    assert escalate(case, NOON + 80 * HOUR, town(), CALENDAR) == (case, ())
    _, notices = escalate(case, NOON + 140 * HOUR, town(), CALENDAR)
    assert notices


def test_an_overdue_check_goes_to_the_checkers_never_to_the_handler() -> None:
    case = walked("report")
    _, notices = escalate(case, NOON + 24 * 30 * HOUR, town(), CALENDAR)
    assert {notice.to.id for notice in notices if notice.kind == "urge"} == {"checker"}


def test_a_merged_complaint_keeps_the_time_limit_of_the_hotline() -> None:
    words = PublicComplaint(number="Z1", received=NOON, matter="construction", content="", place=YARD, due=NOON + HOUR)
    _, follower = open_from_complaint(words, town(), NOON, existing=[fresh()]).changed
    _, notices = escalate(follower, NOON + 2 * HOUR, town(), CALENDAR)
    assert {notice.to.id for notice in notices if notice.kind == "urge"} == {"caller"}


def test_a_closed_case_escalates_nobody_however_long_its_effect_takes() -> None:
    case = walked("pass")
    assert escalate(case, NOON + 9000 * HOUR, town(), CALENDAR) == (case, ())


def test_who_was_told_and_when_they_read_it_is_logged() -> None:
    case, notices = escalate(walked("dispatch"), NOON + 31 * MINUTE, town(), CALENDAR)
    assert [str(ref) for ref in unread(case)] == ["person:officer", "person:clerk"]
    mine = next(notice for notice in notices if notice.to.id == "officer")
    seen = read(case, mine.id, ROLES["grid_officer"], NOON + 40 * MINUTE, CALENDAR)
    assert [told.read for told in seen.told if told.to.id == "officer"] == [NOON + 40 * MINUTE]
    assert [str(ref) for ref in unread(seen)] == ["person:clerk"]
    assert read(seen, mine.id, ROLES["grid_officer"], NOON + 50 * MINUTE, CALENDAR) is seen
    with pytest.raises(StepRefused, match="did not go to checker"):
        read(seen, mine.id, ROLES["verifier"], NOON + 50 * MINUTE, CALENDAR)


def test_a_duty_officer_can_urge_by_hand_and_an_officer_cannot() -> None:
    case = walked("dispatch")
    level = CALENDAR.settings.escalation[0]
    clock = running(case, NOON + 10 * MINUTE, CALENDAR)[1]
    at = NOON + 10 * MINUTE
    urged, notices = press(case, level, clock, at, register=town(), calendar=CALENDAR, by=ROLES["duty_officer"])
    assert urged.steps[-1].role == "duty_officer"
    assert len(notices) == 2
    with pytest.raises(RightRefused):
        press(case, level, clock, at, register=town(), calendar=CALENDAR, by=ROLES["grid_officer"])


def test_when_nobody_is_there_the_duty_desk_is_told() -> None:
    empty = Register([fact for fact in facts() if getattr(fact, "roles", None) is None])
    case = step(walked("dispatch"), act("reassign", "dispatcher", NOON + HOUR, unit="ecology", officer=""))
    assert addressees("addressee", case, empty, NOON.date()) == (Ref("unit", "ecology"),)
    assert addressees("duty_leader", case, empty, NOON.date()) == (Ref("unit", "city_desk"),)


def test_shares_and_receivers_are_settings_of_the_city() -> None:
    city = case_settings({"escalation": [{"level": "supervise", "share": 0.5, "tells": ["duty_leader"]}]})
    case, notices = escalate(walked("dispatch"), NOON + 21 * MINUTE, town(), Calendar(city))
    assert [(notice.kind, notice.to.id) for notice in notices] == [("supervise", "leader")]
    assert case.level == "supervise"


def say(notice: Notice) -> str:
    return f"{notice.title.say()} | {notice.body.say()}"


def test_each_step_that_asks_somebody_to_act_tells_them() -> None:
    case = walked("dispatch")
    notices = notices_of(case, town(), CALENDAR)
    assert [notice.to.id for notice in notices] == ["officer", "clerk"]
    assert say(notices[0]) == (f"网格员上报:施工扬尘 | 【交办】施工扬尘,编号 {case.id}。请于 2026-03-02 12:35 前签收。")
    back = step(case, act("return", "grid_officer", NOON + HOUR, reason="不属本单位"))
    assert [notice.to.id for notice in notices_of(back, town(), CALENDAR)] == ["caller"]
    assert "退回原因:不属本单位" in say(notices_of(back, town(), CALENDAR)[0])
    handed = walked("report")
    assert [notice.to.id for notice in notices_of(handed, town(), CALENDAR)] == ["checker"]
    assert notices_of(walked("sign"), town(), CALENDAR) == ()


def test_a_notice_is_said_in_english_too() -> None:
    notice = notices_of(walked("dispatch"), town(), CALENDAR)[0]
    assert notice.body.say("en").startswith("[Dispatched] construction dust, number ")


def test_a_maintenance_order_tells_the_maintainer_and_no_grid_officer() -> None:
    case = open_from_event(event(kind="silence", pollutant=""), town(), NOON).case
    case = step(case, replace(act("dispatch", "system"), fields={}))
    assert [notice.to.id for notice in notices_of(case, town(), CALENDAR)] == ["fitter"]
    _, pressed = escalate(case, NOON + 90 * HOUR, town(), CALENDAR)
    assert "officer" not in {notice.to.id for notice in pressed}
