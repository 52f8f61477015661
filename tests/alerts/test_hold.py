"""The state machine of hold and hysteresis, by examples and by properties."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.alerts.hold import Levels, RuleState, Subject, advance
from bihuan.alerts.rule import RuleRow, parse_rule
from bihuan.core import Event, Ref, from_json, to_json

T0 = datetime(2026, 4, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(rise: tuple[int, int] = (2, 3), fall: int = 2, forget: int = 4) -> RuleRow:
    return parse_rule(
        {"id": "r", "metric": "value", "kind": "pattern", "grade": "minor", "text": "local_rise", "scope": ["micro"]}
        | {"interval": "hour", "period": 3600, "lag": 0, "rise": list(rise), "fall": fall, "forget": forget}
        | {"limit": {"standard": "GB 3095", "grade": 2, "averaging": "hour", "pollutants": ["so2"]}}
    )


def levels(marks: str, upto: int, window: int = 6, ident: str = "A") -> Levels:
    """``#`` over, ``.`` under, ``-`` between, space missing; the last `window` periods before `upto`."""
    first = max(upto - window, 0)
    part = marks[first:upto]
    over = np.array([[mark == "#" for mark in part]])
    under = np.array([[mark == "." for mark in part]])
    value = np.array([[np.nan if mark == " " else {"#": 9.0, "-": 5.0, ".": 1.0}[mark] for mark in part]])
    ends = tuple(T0 + (first + k + 1) * HOUR for k in range(len(part)))
    return Levels((Subject(Ref("station", ident), "pm25"),), ends, over, under, value, np.full(value.shape, 6.0))


def play(row: RuleRow, marks: str, state: RuleState | None = None, first: int = 1) -> tuple[RuleState, list[Event]]:
    state = state or RuleState()
    told: list[Event] = []
    for upto in range(first, len(marks) + 1):
        state, events = advance(row, state, levels(marks, upto))
        told += events
    return state, told


def spans(told: list[Event]) -> list[tuple[int, int, bool]]:
    """Onset and last hour over of every event, as last told."""
    last = {event.id: event for event in told}
    return [((e.period.start - T0) // HOUR, (e.period.end - T0) // HOUR, e.open) for e in last.values()]


def test_one_period_over_is_not_enough_and_two_of_three_are() -> None:
    assert spans(play(made(), ".#.#")[1]) == [(1, 4, True)]
    assert spans(play(made(), ".#..#..#.")[1]) == []


def test_it_falls_after_the_hold_and_not_before() -> None:
    assert spans(play(made(), "##.#.-..")[1]) == [(0, 4, False)]
    assert spans(play(made(), "##.#.-.")[1]) == [(0, 4, True)]


def test_between_the_thresholds_it_stays_as_it_is() -> None:
    assert spans(play(made(), "##------")[1]) == [(0, 2, True)]
    assert spans(play(made(), "-------")[1]) == []


def test_holes_neither_raise_nor_lower_and_too_many_end_it() -> None:
    assert spans(play(made(), "## . . ")[1]) == [(0, 2, False)]
    assert spans(play(made(forget=9), "##   .   ")[1]) == [(0, 2, True)]
    assert spans(play(made(), "##    ")[1]) == [(0, 2, False)]


def test_periods_before_a_fall_do_not_help_the_next_rise() -> None:
    row = made(rise=(2, 6), fall=1)
    assert spans(play(row, "##.#")[1]) == [(0, 2, False)]
    assert spans(play(row, "##.##")[1]) == [(0, 2, False), (3, 5, True)]


def test_an_event_keeps_its_id_from_its_onset_and_carries_its_peak() -> None:
    _, told = play(made(), "##-#..")
    assert len({event.id for event in told}) == 1
    assert told[-1].value == 9.0
    assert [event.open for event in told] == [True, True, True, True, False]


def test_a_subject_that_is_no_longer_there_is_let_go() -> None:
    row = made()
    state, _ = play(row, "##")
    told: list[Event] = []
    for upto in range(3, 8):
        state, events = advance(row, state, levels("." * 8, upto, ident="B"))
        told += events
    assert told[-1].subject == Ref("station", "A")
    assert not told[-1].open
    assert state.open == {}


def test_the_event_points_at_its_readings() -> None:
    _, told = play(made(), "##")
    assert str(told[-1].inputs[0]) == "readings:station:A/pm25/hour/2026-04-06T00:00:00Z/2026-04-06T02:00:00Z"


MARKS = st.text(alphabet="#.- ", min_size=1, max_size=60)
RULES = st.builds(
    lambda n, extra, fall, forget: made((n, n + extra), fall, forget),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 4),
    st.integers(1, 5),
)


@settings(max_examples=150, deadline=None)
@given(RULES, MARKS)
def test_it_never_flaps_faster_than_its_holds(row: RuleRow, marks: str) -> None:
    """An event lasts at least its fall (or its patience with holes), and the next needs n periods of its own."""
    state = RuleState()
    changes: list[tuple[int, bool]] = []
    for upto in range(1, len(marks) + 1):
        state, _ = advance(row, state, levels(marks, upto))
        is_open = bool(state.open)
        if is_open != (changes[-1][1] if changes else False):
            changes.append((upto, is_open))
    for (opened, _), (closed, _) in zip(changes[0::2], changes[1::2], strict=False):
        assert closed - opened >= min(row.fall, row.forget)
    for (closed, _), (opened, _) in zip(changes[1::2], changes[2::2], strict=False):
        assert opened - closed >= row.rise[0]
        assert marks[closed:opened].count("#") >= row.rise[0]


@settings(max_examples=60, deadline=None)
@given(RULES, MARKS, st.integers(0, 60))
def test_a_state_kept_as_json_has_the_same_future(row: RuleRow, marks: str, cut: int) -> None:
    whole_state, whole = play(row, marks)
    cut = min(cut, len(marks))
    before, told = play(row, marks[:cut])
    again = from_json(to_json(before), RuleState)
    after, rest = play(row, marks, again, cut + 1)
    assert to_json(after) == to_json(whole_state)
    assert told + rest == whole


@settings(max_examples=60, deadline=None)
@given(RULES, MARKS, st.integers(2, 6))
def test_steps_may_be_late_as_long_as_the_window_covers_them(row: RuleRow, marks: str, pace: int) -> None:
    """Events do not depend on how often the loop looks, only on the periods."""
    _, each = play(row, marks)
    state, told = RuleState(), []
    for upto in sorted({*range(pace, len(marks), pace), len(marks)}):
        state, events = advance(row, state, levels(marks, upto, window=len(marks)))
        told += events
    assert {e.id: e for e in told} == {e.id: e for e in each}


@pytest.mark.parametrize("steps", [1, 2])
def test_judging_the_same_period_twice_changes_nothing(steps: int) -> None:
    row = made()
    state, _ = play(row, "##.")
    for _ in range(steps):
        again, told = advance(row, state, levels("##.", 3))
        assert (again, told) == (state, ())


def test_a_period_that_came_late_still_raises_its_event() -> None:
    row = made(rise=(1, 1))
    state, told = advance(row, RuleState(), levels(" ", 1))
    assert told == ()
    state, (event,) = advance(row, state, levels("#", 1))
    assert (event.period.start, event.open) == (T0, True)
    assert advance(row, state, levels("#", 1))[0] == state


def test_what_fell_does_not_rise_again_on_the_same_data() -> None:
    row = made(rise=(1, 1), fall=1)
    state, told = play(row, "#.")
    assert [event.open for event in told] == [True, False]
    for upto in (2, 3, 4):
        state, again = advance(row, state, levels("#...", upto))
        assert again == ()
