"""The loop gives the same answers whatever the order, and whatever died in between."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.loop import TICK, WATERMARK
from bihuan.app.outcome import Outcome
from bihuan.cases import Action, Actor, Case, Photo
from bihuan.core import digest
from tests.app.hamlet import HOUR, MIDNIGHT, Hamlet, Sent, told

HOURS = 7.25
RISE = (MIDNIGHT + 2 * HOUR, MIDNIGHT + 3.5 * HOUR)
OFFICER = Actor("officer", ("grid_officer",), "street", "d")
CHECKER = Actor("checker", ("verifier",), "", "d")
DUTY = Actor("duty", ("duty_officer",), "", "d")
KINDS = ("verdict", "event", "suspects", "case", "step", "effect", "warning")


def deeds(case: Case, now: datetime) -> Action | None:
    """What the people of the hamlet do about a case, 20 minutes after its last step."""
    if now - case.since < timedelta(minutes=20):
        return None
    photo = (Photo(digest(f"{case.id} {case.revision}".encode()), "after", now, case.place),)
    on_site = {"result": "fixed_on_site", "note": "seen"}
    own = case.kind == "outlet"  # an alarm of the outlet itself is concluded on the spot, then ordered to be mended
    found = Action("conclude", OFFICER, now, {"finding": "over", "note": "seen"}, photos=photo)
    ways = {
        "dispatched": Action("sign", OFFICER, now),
        "signed": Action("arrive", OFFICER, now, place=case.place),
        "on_site": found if own else Action("handle", OFFICER, now, on_site, photos=photo),
        "concluded": Action("order_rectify", DUTY, now, {"reason": "found over"}),
        "handling": Action("report", OFFICER, now, {"note": "done"}, photos=photo),
        "reported": Action("check", CHECKER, now),
        "checking": Action("pass", CHECKER, now, {"note": "seen"}, photos=photo, place=case.place),
    }
    return ways.get(case.state)


def a_day(town: Hamlet, disturb: Callable[[Hamlet, int], None] = lambda town, tick: None) -> Iterator[Outcome]:
    """A stack smokes from two to half past three; an officer goes, another checks; the effect is measured."""
    for tick in range(int(HOURS * HOUR / TICK)):
        smoking = RISE[0] <= town.now < RISE[1]
        town.rise = {1: {"so2": 150.0, "pm10": 40.0}} if smoking else {}
        town.so2_in_stack = 80.0 if smoking else 20.0
        town.hear(town.quiet(town.now))
        for case in town.loop.desk.open_cases:
            action = deeds(case, town.now)
            if action is not None:
                town.loop.desk.act(case.id, action)
        disturb(town, tick)
        yield town.step()


def remembered(town: Hamlet) -> dict[str, list[tuple[str, bytes]]]:
    """Every conclusion in the records, by kind and id."""
    return {kind: sorted((row.id, row.body) for row in town.store.records.find(kind)) for kind in KINDS}


def stored(town: Hamlet) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the series, with how often it was revised."""
    queries = {
        "readings": "SELECT device, pollutant, stat, interval, start, value, quality, reason, revision FROM readings",
        "hours": 'SELECT site, pollutant, stat, basis, start, value, "count", quality, reason FROM hours',
        "days": 'SELECT site, pollutant, stat, basis, start, value, "count", quality, reason FROM days',
    }
    return {name: sorted(town.store.series.query(sql).rows(), key=repr) for name, sql in queries.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hamlet, list[Outcome]]]:
    with Hamlet(tmp_path_factory.mktemp("undisturbed")) as town:
        yield town, list(a_day(town))


def test_a_day_goes_the_whole_way_from_frames_to_the_measured_effect(
    undisturbed: tuple[Hamlet, list[Outcome]],
) -> None:
    town, outcomes = undisturbed
    assert {"local_rise", "outlet_over"} <= {event.rule for one in outcomes for event in one.events}
    assert {verdict.kind for one in outcomes for verdict in one.verdicts} == {"aqi_hour", "outlet_hour"}
    first, *others = town.loop.desk.cases
    assert first.state == "closed"
    assert first.done and first.fixed and first.effective
    assert first.effective.value == "effective"
    # an alarm of the outlet itself is a case of its own kind and is not merged
    assert {case.merged_into for case in others if case.kind != "outlet"} == {first.id}
    assert [effect.case for one in outcomes for effect in one.effects] == [first.ref]


def test_the_order_of_frames_within_a_tick_and_the_gateway_they_came_by_do_not_matter(
    undisturbed: tuple[Hamlet, list[Outcome]], tmp_path: Path
) -> None:
    rng = random.Random(7)
    with Hamlet(tmp_path) as town:
        in_order = town.quiet

        def shuffled(start: datetime) -> list[Sent]:
            frames = in_order(start)
            rng.shuffle(frames)
            return [Sent(one.raw, one.received, rng.choice(("g1", "g2", "g3"))) for one in frames]

        town.quiet = shuffled  # type: ignore[method-assign]
        outcomes = list(a_day(town))
        assert town.store.journal.gateways() == ["g1", "g2", "g3"]
        assert told(outcomes) == told(undisturbed[1])
        assert remembered(town) == remembered(undisturbed[0])


class _PowerCut(Exception):
    pass


def _dies_after_the_series(town: Hamlet) -> None:
    """The readings are committed, the records are not."""

    def dies(*_: object) -> None:
        raise _PowerCut

    town.loop.rules.step = dies  # type: ignore[method-assign, assignment]


def _dies_at_the_watermark(town: Hamlet) -> None:
    """Everything is concluded but for the very last row of the records."""
    real = town.store.records.set_state

    def dies(name: str, body: bytes) -> None:
        if name == WATERMARK:
            raise _PowerCut
        real(name, body)

    town.store.records.set_state = dies  # type: ignore[method-assign]


def _dies_before_the_notices(town: Hamlet) -> None:
    """The records are committed, nobody was told."""

    def dies(now: datetime) -> int:
        raise _PowerCut

    town.loop.desk.send = dies  # type: ignore[method-assign]


DEATHS = (_dies_after_the_series, _dies_at_the_watermark, _dies_before_the_notices)


DEATH_TICKS = (11, 13, 26, 28, 29, 32, 37, 44, 49, 53, 60, 73)
"""Before and within the rise, at the ends of hours, between the steps of the case."""


def _ends_like(town: Hamlet, undisturbed: Hamlet) -> None:
    assert remembered(town) == remembered(undisturbed)
    assert stored(town) == stored(undisturbed)
    assert town.loop.ingest.counts == undisturbed.loop.ingest.counts
    assert _notices(town) == _notices(undisturbed)


def _die(town: Hamlet, death: Callable[[Hamlet], None]) -> None:
    """The core dies in the coming step, and another takes its place."""
    before = town.loop.watermark
    death(town)
    with pytest.raises(_PowerCut):
        town.loop.step(town.now + TICK)
    town.reopen()
    moved = death is _dies_before_the_notices
    assert town.loop.watermark == (town.now + TICK if moved else before), "the watermark moves last"


def test_cores_that_die_in_their_steps_end_where_an_undisturbed_one_does(
    undisturbed: tuple[Hamlet, list[Outcome]], tmp_path: Path
) -> None:
    def disturb(town: Hamlet, tick: int) -> None:
        if tick in DEATH_TICKS:
            _die(town, DEATHS[DEATH_TICKS.index(tick) % len(DEATHS)])
        elif tick in {20, 35, 36}:
            town.reopen()
        elif tick in {24, 30, 40}:
            town.loop.step(town.now)

    with Hamlet(tmp_path) as town:
        list(a_day(town, disturb))
        _ends_like(town, undisturbed[0])


@pytest.mark.long
@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__.strip("_"))
def test_a_core_that_dies_in_a_step_and_takes_it_again_ends_where_an_undisturbed_one_does(
    undisturbed: tuple[Hamlet, list[Outcome]], tmp_path: Path, death: Callable[[Hamlet], None]
) -> None:
    with Hamlet(tmp_path) as town:
        list(a_day(town, lambda town, tick: _die(town, death) if tick in DEATH_TICKS else None))
        _ends_like(town, undisturbed[0])


@pytest.mark.long
def test_a_core_that_is_started_anew_before_every_step_changes_nothing(
    undisturbed: tuple[Hamlet, list[Outcome]], tmp_path: Path
) -> None:
    with Hamlet(tmp_path) as town:
        list(a_day(town, lambda town, tick: town.reopen()))
        _ends_like(town, undisturbed[0])


@pytest.mark.long
def test_a_step_that_is_repeated_changes_nothing(undisturbed: tuple[Hamlet, list[Outcome]], tmp_path: Path) -> None:
    with Hamlet(tmp_path) as town:
        for outcome in a_day(town):
            again = town.loop.step(outcome.now)
            assert not again.taken.frames
        _ends_like(town, undisturbed[0])


def _notices(town: Hamlet) -> list[str]:
    return sorted((town.home / "outbox" / "outbox.jsonl").read_text("utf-8").splitlines())
