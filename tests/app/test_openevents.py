"""A station that rises first is looked at once more when the whole network follows; its case is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bihuan.app.openevents import ENDED_KEPT, OpenEvents
from bihuan.app.outcome import Outcome
from bihuan.core import Period, Ref, Suspects
from tests.app.hamlet import HOUR, MIDNIGHT, Hamlet
from tests.app.rises import ONSET, rise

FRONT = MIDNIGHT + 6.25 * HOUR
FIRST, LEAD, RAMP, HEIGHT = 3, HOUR / 2, 1.5 * HOUR, 90.0
END = FRONT + 2.75 * HOUR


def carried_in(town: Hamlet, number: int) -> float:
    """PM2.5 of a front that comes with the wind, to the third station in the west first."""
    since = town.now - FRONT - (0 * HOUR if number == FIRST else LEAD)
    return HEIGHT * min(max(since / RAMP, 0.0), 1.0)


def evening(town: Hamlet, anew: bool) -> Iterator[Outcome]:
    """Nothing in the hamlet caused what comes."""
    town.weather.wind_from = 270.0
    while town.now < END:
        town.rise = {number: {"pm25": carried_in(town, number)} for number in range(1, 7)}
        town.hear(town.quiet(town.now))
        if anew and town.now >= FRONT + 1.5 * HOUR:
            town.reopen()
        yield town.step()


def rankings(outcomes: list[Outcome], rule: str) -> list[Suspects]:
    refs = {event.ref for one in outcomes for event in one.events if event.rule == rule}
    return [found for one in outcomes for found in one.suspects if found.event in refs]


def test_the_station_that_rose_first_is_not_blamed_on_anybody_once_the_whole_network_rose(tmp_path: Path) -> None:
    with Hamlet(tmp_path / "once") as town:
        outcomes = list(evening(town, anew=False))
        found = rankings(outcomes, "local_rise")
        before = [one for one in found if ("note_network", "") not in one.notes]
        after = [one for one in found if ("note_network", "") in one.notes]
        assert before[-1].regional < 0.5 < after[-1].regional
        assert after[-1].period.end > max(one.period.end for one in before)
        assert all(one.regional > 0.5 for one in rankings(outcomes, "regional_rise_minute"))
        case = town.loop.desk.case_of(found[0].event)
        assert case is not None and after[-1].ref in case.sources, "the officer has to know"
        kept = sorted((row.id, row.body) for row in town.store.records.find("suspects"))
    with Hamlet(tmp_path / "anew") as town:
        list(evening(town, anew=True))
        assert sorted((row.id, row.body) for row in town.store.records.find("suspects")) == kept


def test_what_ended_is_kept_for_hours_and_only_if_it_asked_for_a_source() -> None:
    known = OpenEvents({"a": rise(id="a", open=False), "b": rise(id="b"), "c": rise(id="c", open=False, kind="limit")})
    known.part(ONSET + HOUR)
    assert (set(known.events), set(known.ended)) == ({"b"}, {"a"})
    known.part(ONSET + ENDED_KEPT)
    assert (set(known.events), set(known.ended)) == ({"b"}, set())


def test_what_concerns_the_whole_city_comes_first() -> None:
    city = rise(id="z", subject=Ref("city", "410100"), period=Period(ONSET + HOUR, ONSET + 2 * HOUR))
    known = OpenEvents({"b": rise(id="b"), "z": city}, {"a": rise(id="a", open=False)})
    assert [event.id for event in known.in_order] == ["z", "a", "b"]
