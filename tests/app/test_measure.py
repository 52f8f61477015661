"""见效 is tried three hours after 办结, again every three hours, and given up as 无法评估 only after a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.loop import TICK
from bihuan.app.measure import AGAIN, FIRST_LOOK, LAST_LOOK, Measure
from bihuan.app.suspicion import Suspicion, own_suspect
from bihuan.app.town import Town
from bihuan.cases import Case, open_from_event
from bihuan.cases.actions import Outcome
from bihuan.core import CHINA, Effect, Event, Period, Ref, local_date
from bihuan.register import Register
from tests.app.hamlet import HOUR, MIDNIGHT, STACK, Hamlet, facts

REGISTER = Register(facts())
SOURCE = Ref("outlet", STACK)
DONE = MIDNIGHT + 20 * HOUR
OVER = Event(
    id="ev1",
    rule="outlet_over",
    kind="limit",
    subject=SOURCE,
    place=REGISTER.place_of(SOURCE, local_date(MIDNIGHT, CHINA)),
    period=Period(MIDNIGHT + 4 * HOUR, MIDNIGHT + 5 * HOUR),
    pollutant="so2",
    grade="major",
    value=80.0,
    threshold=35.0,
)


def handled(done: datetime = DONE, event: Event = OVER) -> Case:
    """The case of an event, handed in."""
    opened = event.period.end
    case = open_from_event(event, REGISTER, opened, suspects=own_suspect(event, "一号排口")).case
    return replace(case, state="reported", since=done, done=Outcome("done", done, "officer"))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Hamlet]:
    """The stack was over its limit from four to eight at night and, after the visit, is so no more."""
    with Hamlet(tmp_path) as made:
        yield made


def measured(town: Hamlet, after: float, hours: float) -> None:
    """The stack's own minutes: 80 mg/m3 until it was handled, another level from then on."""
    for number in range(int(hours * HOUR / TICK)):
        start = MIDNIGHT + number * TICK
        value = 80.0 if start < DONE else after
        town.report("MNA", "minute", start, {"so2": value + number % 5, "o2": 6.0})
    town.step(MIDNIGHT + hours * HOUR)


def looked(town: Hamlet, case: Case, event: Event, measure: Measure, now: datetime) -> Effect | None:
    return measure.effect(case, event, Suspicion(Town(REGISTER, local_date(now, CHINA))), now)


def test_the_first_look_is_three_hours_after_the_hand_in_and_then_every_three(town: Hamlet) -> None:
    measure, case = Measure(town.store), handled()
    assert not measure.due([case], DONE + FIRST_LOOK - timedelta(seconds=1))
    assert measure.due([case], DONE + FIRST_LOOK) == (case,)
    assert looked(town, case, OVER, measure, DONE + FIRST_LOOK) is None
    assert not measure.due([case], DONE + FIRST_LOOK + AGAIN - timedelta(seconds=1))
    assert measure.due([case], DONE + FIRST_LOOK + AGAIN) == (case,)


@pytest.mark.parametrize(
    "changes",
    [{"done": None}, {"state": "handling"}, {"effective": Outcome("effective", DONE, "system")}],
    ids=["not handed in", "still worked on", "measured"],
)
def test_nothing_else_is_measured(town: Hamlet, changes: dict[str, object]) -> None:
    assert not Measure(town.store).due([replace(handled(), **changes)], DONE + LAST_LOOK)  # type: ignore[arg-type]


def test_a_work_order_on_a_device_has_no_effect_on_the_air(town: Hamlet) -> None:
    silent = replace(OVER, kind="silence", rule="silence", subject=Ref("station", "s1"), pollutant="")
    case = open_from_event(silent, REGISTER, MIDNIGHT).case
    case = replace(case, state="reported", done=Outcome("done", DONE, "fitter"))
    assert case.kind == "maintenance"
    assert not Measure(town.store).due([case], DONE + LAST_LOOK)


def test_it_cannot_tell_only_after_a_day(town: Hamlet) -> None:
    """Without a single hour measured."""
    measure, case = Measure(town.store), handled()
    assert looked(town, case, OVER, measure, DONE + LAST_LOOK - timedelta(minutes=5)) is None
    found = looked(town, case, OVER, measure, DONE + LAST_LOOK)
    assert found is not None
    assert (found.verdict, found.case) == ("cannot_tell", case.ref)
    assert found.reason


def test_a_stack_that_fell_below_its_limit_is_effective(town: Hamlet) -> None:
    measured(town, 12.0, 23)
    found = looked(town, handled(), OVER, Measure(town.store), DONE + FIRST_LOOK)
    assert found is not None and found.verdict == "effective"
    assert found.before is not None and found.after is not None and found.before > 35 > found.after


def test_a_stack_that_goes_on_is_not(town: Hamlet) -> None:
    measured(town, 80.0, 23)
    found = looked(town, handled(), OVER, Measure(town.store), DONE + FIRST_LOOK)
    assert found is not None and found.verdict == "not_effective"


def test_what_was_measured_after_the_look_does_not_count(town: Hamlet) -> None:
    """A replay over stored data gives the verdict that was given then."""
    measured(town, 12.0, 23)
    then = looked(town, handled(), OVER, Measure(town.store), DONE + FIRST_LOOK)
    for number in range(24):
        town.report("MNA", "minute", DONE + FIRST_LOOK + number * TICK, {"so2": 90.0, "o2": 6.0})
    town.step(DONE + FIRST_LOOK + 2 * HOUR)
    assert then is not None
    assert looked(town, handled(), OVER, Measure(town.store), DONE + FIRST_LOOK) == then


def test_when_it_was_tried_is_remembered_for_the_next_process(town: Hamlet) -> None:
    tried: dict[str, datetime] = {}
    looked(town, handled(), OVER, Measure(town.store, tried), DONE + FIRST_LOOK)
    assert not Measure(town.store, tried).due([handled()], DONE + FIRST_LOOK + timedelta(hours=1))
