"""A whole synthetic city through a real gateway: the truth stays with the city, the loop sees only frames."""

from __future__ import annotations

import itertools
import json
import random
from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.app.city import City
from bihuan.app.loop import TICK
from bihuan.app.rig import CityRun
from bihuan.core import iso
from bihuan.store import Record
from tests.app.lived import HOURS, SEED, Lived, heard_again, live, said


def test_every_frame_of_the_city_is_journalled_acknowledged_and_taken_in(lived: Lived) -> None:
    sent = sum(len(records) for records in lived.frames.values())
    counts, gateway = lived.run.loop.ingest.counts, lived.run.wire.gateway.counters
    assert sent == counts.frames == gateway.frames_acknowledged > 1000
    assert counts.unclaimed == {}
    assert lived.run.store.series.counts()["readings"] == counts.readings


def test_the_loop_steps_on_whole_ticks_to_the_end_of_the_city(lived: Lived) -> None:
    times = [outcome.now for outcome in lived.outcomes]
    assert times[0] == lived.began + TICK
    assert times[-1] == lived.run.city.end == lived.began + timedelta(hours=HOURS)
    assert {after - before for before, after in itertools.pairwise(times)} == {TICK}
    assert lived.run.loop.watermark == times[-1]


def test_an_event_is_raised_once_with_the_time_at_which_it_was_first_told(lived: Lived) -> None:
    first = {}
    for outcome in lived.outcomes:
        for event in outcome.events:
            first.setdefault(event.id, outcome.now)
    assert first
    assert {ident: at for ident, (_, at) in lived.run.raised.items()} == first


def test_the_silent_station_becomes_a_work_order_of_its_maintainer_and_people_take_it_up(lived: Lived) -> None:
    silences = [event for event, _ in lived.run.raised.values() if event.kind == "silence"]
    assert silences
    cases = [case for case in lived.run.loop.desk.cases if case.kind == "maintenance"]
    assert cases
    assert {case.opening.subject for case in cases} >= {event.subject for event in silences}
    assert all(case.lead.startswith("maintainer") and not case.officer for case in cases), "never to a grid officer"
    assert lived.deeds, "somebody did something"


def test_without_the_truth_the_same_frames_give_the_same_events_byte_for_byte(lived: Lived, tmp_path: Path) -> None:
    """The city is gone: only register, frames and deeds are left; frames come in any order, by three gateways."""
    rng = random.Random(11)

    def any_order(records: list[Record]) -> list[tuple[str, Record]]:
        mixed = [(rng.choice(("g1", "g2", "g3")), record) for record in records]
        rng.shuffle(mixed)
        return mixed

    assert said(heard_again(lived, tmp_path, any_order)) == said(lived.outcomes)


@pytest.mark.long
def test_without_the_truth_the_frames_as_they_came_give_the_same_events(lived: Lived, tmp_path: Path) -> None:
    assert said(heard_again(lived, tmp_path)) == said(lived.outcomes)


@pytest.mark.long
def test_the_same_city_lived_twice_gives_the_same_bytes(lived: Lived, tmp_path: Path) -> None:
    with live(tmp_path) as again:
        assert said(again.outcomes) == said(lived.outcomes)
        assert again.frames.keys() == lived.frames.keys()
        for now, records in again.frames.items():
            assert sorted(record.raw for record in records) == sorted(record.raw for record in lived.frames[now])


def test_what_a_case_no_longer_allows_is_refused_and_the_city_goes_on(tmp_path: Path, lived: Lived) -> None:
    ident, action = next(iter(lived.deeds.values()))[0]
    with CityRun(City(SEED, 1), tmp_path) as run:
        with pytest.raises(Exception, match=ident):
            run._act(ident, action)  # nobody knows this case here: a mistake, not a refusal
        assert not run.refused
        assert run.tick().now == run.city.start + TICK


def test_notices_of_the_city_lie_in_the_outbox_each_once(lived: Lived) -> None:
    lines = (lived.run.store.home.path / "outbox" / "outbox.jsonl").read_text("utf-8").splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    assert ids
    assert len(ids) == len(set(ids))
    assert iso(lived.began) <= min(json.loads(line)["made"] for line in lines)
