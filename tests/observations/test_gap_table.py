"""The gap table against a count by hand, whatever comes when."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.devices.hj212.stamps import LATE
from bihuan.observations import GRACE, REPORTS_SCHEMA, Gap, GapTable, Learner, Owed

T0 = datetime(2026, 3, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)


def minutes(mn: str = "A", seconds: int = 300, since: datetime = LONG_AGO) -> Owed:
    return Owed(mn, "station:1", "minute", seconds, since)


def reports(*steps: int, mn: str = "A", origin: str = "live", interval: str = "minute") -> pl.DataFrame:
    rows = [(mn, interval, T0 + STEP * step, origin) for step in steps]
    return pl.DataFrame(rows, REPORTS_SCHEMA, orient="row")


def table(*owed: Owed) -> GapTable:
    found = GapTable()
    found.owe(owed or [minutes()])
    return found


def at(step: float) -> datetime:
    """An instant at which the five minutes before `step` are judged and no later ones."""
    return T0 + STEP * step + GRACE["minute"]


def told(gaps: list[Gap]) -> list[tuple[int, int, str]]:
    """Where a gap begins, how many are missing, and its state."""
    return sorted((int((gap.start - T0) / STEP), gap.missing, gap.state) for gap in gaps)


def test_a_report_is_missing_from_the_moment_on_at_which_the_adapter_calls_it_late() -> None:
    assert dict(GRACE) == dict(LATE)
    gaps = table()
    gaps.step(reports(0), T0)
    assert gaps.step(reports(), at(2) - timedelta(seconds=1)) == []
    assert told(gaps.step(reports(), at(2))) == [(1, 1, "open")]


def test_nothing_is_owed_before_the_first_report_nor_before_the_register_says_so() -> None:
    gaps = table(minutes("A"), minutes("B", since=T0 + STEP * 6), minutes("C"))
    gaps.step(reports(3), T0)
    gaps.step(pl.concat([reports(3, 9), reports(0, 9, mn="B")]), at(0))
    changed = gaps.step(reports(), at(10))
    assert sorted((gap.device, int((gap.start - T0) / STEP), gap.missing) for gap in changed) == [
        ("A", 4, 5),
        ("B", 6, 3),
    ]


def test_neighbouring_missing_steps_are_one_gap_over_many_looks() -> None:
    gaps = table()
    gaps.step(reports(0), T0)
    seen = [told(gaps.step(reports(), at(step))) for step in (2, 3, 5)]
    assert seen == [[(1, 1, "open")], [(1, 2, "open")], [(1, 4, "open")]]


def test_late_data_splits_what_is_left_and_closes_it_at_last() -> None:
    gaps = table()
    gaps.step(reports(0, 6), T0)
    gaps.step(reports(), at(7))
    (gap,) = gaps.step(reports(3, origin="resent"), at(7))
    assert [(int((a - T0) / STEP), int((b - T0) / STEP)) for a, b in gap.left] == [(1, 3), (4, 6)]
    assert (gap.lost, gap.missing, gap.resent, gap.recalled, gap.state) == (5, 4, 1, 0, "open")
    (gap,) = gaps.step(pl.concat([reports(1, 2, 4, origin="recalled"), reports(5, origin="resent")]), at(7.5))
    assert (gap.missing, gap.resent, gap.recalled, gap.state, gap.closed) == (0, 2, 3, "filled", at(7.5))
    assert list(gaps.gaps) == []
    assert told(gaps.step(reports(), at(8))) == [(7, 1, "open")], "a gap that was filled does not go on"


def test_a_report_that_comes_again_changes_nothing() -> None:
    gaps = table()
    gaps.step(reports(0, 2), T0)
    gaps.step(reports(), at(3))
    assert gaps.step(reports(0, 2, 0, origin="resent"), at(3)) == []


def test_two_devices_and_two_intervals_do_not_touch_each_other() -> None:
    gaps = table(minutes("A"), minutes("B", 600), Owed("A", "station:1", "hour", 3600, LONG_AGO))
    gaps.step(pl.concat([reports(0), reports(0, mn="B"), reports(0, interval="hour")]), T0)
    gaps.step(reports(2, mn="B"), T0)
    changed = gaps.step(reports(), at(24))
    found = {(gap.device, gap.interval): (gap.missing, gap.seconds) for gap in changed}
    assert found == {("A", "minute"): (23, 300), ("B", "minute"): (10, 600)}, "the hour has two hours of grace"
    (hour,) = gaps.step(reports(), T0 + timedelta(hours=4))[-1:]
    assert {gap.interval for gap in gaps.gaps} == {"minute", "hour"}
    assert hour is not None


def test_days_begin_at_midnight_of_the_city() -> None:
    midnight = datetime(2026, 2, 28, 16, tzinfo=UTC)
    gaps = table(Owed("A", "station:1", "day", 86400, LONG_AGO, offset=-8 * 3600))
    rows = pl.DataFrame([("A", "day", midnight, "live")], REPORTS_SCHEMA, orient="row")
    gaps.step(rows, midnight)
    (gap,) = gaps.step(reports(), midnight + timedelta(days=2, hours=12))
    assert (gap.start, gap.end) == (midnight + timedelta(days=1), midnight + timedelta(days=2))


def test_a_clock_that_is_set_back_judges_nothing_twice() -> None:
    gaps = table()
    gaps.step(reports(0), T0)
    gaps.step(reports(), at(4))
    assert gaps.step(reports(), at(2)) == []
    assert told(gaps.step(reports(), at(5))) == [(1, 4, "open")]


def test_a_new_life_goes_on_where_the_last_one_stopped() -> None:
    one, other = table(), table()
    for gaps in (one, other):
        gaps.step(reports(0, 1, 4), T0)
        gaps.step(reports(6), at(3))
    again = GapTable(other.judged, other.began, other.gaps)
    again.owe([minutes()])
    again.wait_for(reports(4, 6))
    assert told(one.step(reports(2), at(8))) == told(again.step(reports(2), at(8)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=60),
    st.lists(st.integers(1, 9), min_size=1, max_size=12),
)
def test_whatever_comes_when_the_missing_steps_are_those_that_never_came(
    came: list[tuple[int, int]], looks: list[int]
) -> None:
    """Each report is a step and when it came; at every look what is missing is counted by hand."""
    gaps = table()
    gaps.step(reports(0), T0)
    began, now, seen = 0, 0, {0}
    for look in looks:
        before, now = now, now + look
        fresh = [step for step, when in came if before <= when < now]
        seen |= set(fresh)
        gaps.step(reports(*fresh), at(now))
        due = set(range(began, now))
        missing = {int((a - T0) / STEP) + n for gap in gaps.gaps for a, b in gap.left for n in range((b - a) // STEP)}
        assert missing == due - seen
        assert sum(gap.missing for gap in gaps.gaps) == len(missing)


def test_a_rhythm_is_believed_after_a_dozen_equal_steps_and_a_changed_one_is_learnt_anew() -> None:
    learner = Learner()
    assert not learner.take(reports(*range(12)), ["A"])
    assert learner.rhythm("A") == {}
    assert learner.take(reports(12), ["A"])
    assert learner.rhythm("A") == {"minute": 300}
    assert not learner.take(reports(*range(13), mn="B"), ["A"]), "B's stands in the register"


@pytest.mark.parametrize(("interval", "seconds"), [("hour", 3600), ("day", 86400)])
def test_hours_and_days_need_only_be_sent_twice(interval: str, seconds: int) -> None:
    learner = Learner()
    learner.take(reports(0, interval=interval), ["A"])
    assert learner.take(reports(300, interval=interval), ["A"])
    assert learner.rhythm("A") == {interval: seconds}


def test_no_rhythm_is_read_off_reports_that_come_anyhow() -> None:
    learner = Learner()
    assert not learner.take(reports(*(n * n for n in range(40))), ["A"])
    assert learner.rhythm("A") == {}
