"""What an enterprise declares to the alarm of its outlet reaches the verdicts, with the time at which it was said."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.declared import declared_marks
from bihuan.cases import Action, Actor, Case
from bihuan.core import Event, Verdict, from_json, iso
from bihuan.register import Enterprise, Person
from tests.app.hamlet import HOUR, MIDNIGHT, STACK, Hamlet, facts

GRACE = timedelta(minutes=10)
ASKED = MIDNIGHT + HOUR + GRACE
BOSS = Actor("boss", ("enterprise_manager",), "plant", "d")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Hamlet]:
    known = [replace(one, industry="水泥") if isinstance(one, Enterprise) else one for one in facts()]
    boss = Person(id="boss", name="企业负责人", roles=("enterprise_manager",), unit="plant")
    with Hamlet(tmp_path, facts=[*known, boss]) as made:
        yield made


def alarm(town: Hamlet) -> Case:
    """One hour of the stack far over its permit, and the case that asks the enterprise."""
    town.report("MNA", "hour", MIDNIGHT, {"so2": 200.0, "o2": 6.0})
    town.step(ASKED)
    (case,) = [one for one in town.loop.desk.cases if one.kind == "outlet"]
    assert case.state == "explaining"
    return case


def declare(town: Hamlet, case: Case, at: datetime, mark: str = "fault", marked_at: datetime | None = None) -> None:
    fields = {"cause": "condition", "mark": mark, "note": "一句话"}
    fields |= {"marked_at": iso(marked_at)} if marked_at else {}
    town.loop.desk.act(case.id, Action("declare", BOSS, at, fields))


def verdict(town: Hamlet, start: datetime = MIDNIGHT) -> Verdict:
    rows = town.store.records.find("verdict", subject=f"outlet:{STACK}")
    (found,) = [one for one in (from_json(row.body, Verdict) for row in rows) if one.period.start == start]
    return found


def test_an_hour_that_was_declared_after_its_alarm_is_judged_again_and_says_so(town: Hamlet) -> None:
    case = alarm(town)
    before = verdict(town)
    assert before.label == "suspected_over"
    declare(town, case, ASKED + timedelta(minutes=2))
    (again,) = [one for one in town.step(ASKED + timedelta(minutes=5)).verdicts if one.kind == "outlet_hour"]
    assert (again.id, again.label, again.reason) == (before.id, "not_evidence", "marked_by_rule")
    assert again.value == before.value
    assert dict(again.notes)["mark_timing"] == "after_alarm"
    assert verdict(town) == again


def test_a_mark_set_before_the_alarm_is_in_time_however_late_we_hear_of_it(town: Hamlet) -> None:
    case = alarm(town)
    declare(town, case, ASKED + timedelta(minutes=2), "start_up", MIDNIGHT + timedelta(minutes=10))
    town.step(ASKED + timedelta(minutes=5))
    assert dict(verdict(town).notes)["mark_timing"] == "in_time"


@pytest.mark.parametrize(("minutes", "excused"), [(12, 1), (59, 1), (65, 2)])
def test_a_mark_speaks_for_the_hours_of_its_alarm_that_were_over(town: Hamlet, minutes: int, excused: int) -> None:
    case = alarm(town)
    for hour in (1, 2):
        town.report("MNA", "hour", MIDNIGHT + hour * HOUR, {"so2": 200.0 + hour, "o2": 6.0})
    declare(town, case, MIDNIGHT + HOUR + timedelta(minutes=minutes))
    town.step(MIDNIGHT + 3 * HOUR + GRACE)
    labels = [verdict(town, MIDNIGHT + hour * HOUR).label for hour in range(3)]
    assert labels == ["not_evidence"] * excused + ["suspected_over"] * (3 - excused)


def test_the_alarm_stays_when_its_hour_is_no_evidence_any_more(town: Hamlet) -> None:
    case = alarm(town)
    declare(town, case, ASKED + timedelta(minutes=2))
    town.step(ASKED + timedelta(minutes=5))
    (row,) = town.store.records.find("event", subject=f"outlet:{STACK}")
    assert from_json(row.body, Event).value == 200.0
    assert town.loop.desk.find(case.id).state == "reviewing"  # type: ignore[union-attr]


def test_a_condition_outside_the_rules_of_marking_changes_no_verdict(tmp_path: Path) -> None:
    boss = Person(id="boss", name="企业负责人", roles=("enterprise_manager",), unit="plant")
    with Hamlet(tmp_path, facts=[*facts(), boss]) as town:
        declare(town, alarm(town), ASKED + timedelta(minutes=2))
        town.step(ASKED + timedelta(minutes=5))
        assert (verdict(town).label, verdict(town).reason) == ("suspected_over", "state_outside_rule")


def test_a_declaration_is_judged_by_the_next_process_too(town: Hamlet) -> None:
    case = alarm(town)
    declare(town, case, ASKED + timedelta(minutes=2))
    town.reopen()
    town.step(ASKED + timedelta(minutes=5))
    assert verdict(town).label == "not_evidence"
    assert town.step(ASKED + timedelta(minutes=10)).verdicts == ()
    (mark,) = declared_marks(town.store.records, town.loop.desk.cases)
    assert (mark.outlet, mark.state, mark.alarm_at) == (STACK, "fault", case.opened)


def test_a_flag_that_comes_only_after_the_alarm_is_kept_as_such(town: Hamlet) -> None:
    alarm(town)
    before = verdict(town)
    frame = town.frame("MNA", "hour", MIDNIGHT, {"so2": 200.0, "o2": 6.0})
    assert b"-Flag=N" in frame
    town.mark_again(frame, ASKED + timedelta(minutes=1))
    town.step(ASKED + timedelta(minutes=5))
    after = verdict(town)
    assert (after.id, after.label, after.reason) == (before.id, "not_evidence", "marked_invalid")
    assert dict(after.notes)["mark_timing"] == "after_alarm"
    town.mark_again(frame, ASKED + timedelta(minutes=6), b"M")
    town.step(ASKED + timedelta(minutes=10))
    assert dict(verdict(town).notes)["mark_timing"] == "after_alarm"


def test_a_flag_that_came_with_its_hour_has_no_such_note(town: Hamlet) -> None:
    town.mark_again(town.frame("MNA", "hour", MIDNIGHT, {"so2": 200.0, "o2": 6.0}), MIDNIGHT + HOUR)
    town.step(ASKED)
    assert (verdict(town).reason, dict(verdict(town).notes).get("mark_timing")) == ("marked_invalid", None)
