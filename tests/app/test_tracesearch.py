"""What would change a ranking, and what is kept: a hamlet with two stacks side by side that share the odds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bihuan.app.findings import learned
from bihuan.app.suspicion import Suspicion
from bihuan.app.town import Town
from bihuan.app.tracesearch import TraceSearch, TraceSearches, make_search
from bihuan.app.values import as_values
from bihuan.core import Suspects
from bihuan.store import Store
from tests.app.hamlet import HOUR, MIDNIGHT, Hamlet
from tests.app.test_findings import ON, REGISTER, SOURCE, VISIT, rise, visited

TOWN = Town(REGISTER, ON)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Suspects]]:
    """Its store after an hour in which the first station rose, and the ranking of that rise."""
    with Hamlet(tmp_path_factory.mktemp("hamlet") / "home") as town:
        town.pass_time(2)
        town.rise = {1: {"so2": 150.0}}
        town.pass_time(1)
        suspicion = Suspicion(TOWN)
        values = as_values(suspicion.with_sites(town.store.series.readings(interval="minute")), "minute")
        yield town.store, suspicion.rank(rise(), values, MIDNIGHT + 3 * HOUR)


def asked(lived: tuple[Store, Suspects], *cases: object) -> TraceSearch:
    store, found = lived
    prior = learned(cases, found.period.end, REGISTER)  # type: ignore[arg-type]
    return make_search(store, TOWN, rise(), found, prior)


def test_a_first_suspect_that_is_cleared_gives_way_to_its_twin(lived: tuple[Store, Suspects]) -> None:
    first, second = (row.source for row in lived[1].ranked[:2])
    cleared = next(one for one in asked(lived).changes if one.kind == "cleared")
    assert (cleared.about, cleared.answer, cleared.first, cleared.changes) == (first, "suspect", second, True)
    assert cleared.before < cleared.probability


def test_a_change_that_moves_nothing_says_so(lived: tuple[Store, Suspects]) -> None:
    found = lived[1]
    for one in asked(lived).changes:
        same = one.answer == "suspect" and one.first == found.ranked[0].source
        assert one.changes == (not same)


def test_without_findings_nothing_is_asked_about_them_and_with_them_it_is(lived: tuple[Store, Suspects]) -> None:
    assert "without_findings" not in {one.kind for one in asked(lived).changes}
    told = asked(lived, visited("untrue"))
    assert "without_findings" in {one.kind for one in told.changes}
    assert [one.source for one in told.prior.findings] == [SOURCE]


def test_where_the_tracer_cannot_tell_no_change_is_tried(lived: tuple[Store, Suspects]) -> None:
    store, found = lived
    doubtful = replace(found, cannot_tell="calm")
    assert make_search(store, TOWN, rise(), doubtful, learned([], VISIT)).changes == ()


def test_an_answer_is_kept_until_another_finding_counts(lived: tuple[Store, Suspects], tmp_path: Path) -> None:
    store, found = lived
    kept = TraceSearches(store)
    first = kept.search(TOWN, rise(), found, [])
    assert kept.search(TOWN, rise(), found, []) is first
    assert kept.search(TOWN, rise(), found, [visited("true")]) is not first


def test_an_event_that_named_its_source_itself_has_only_its_gate(lived: tuple[Store, Suspects]) -> None:
    store, found = lived
    own = replace(found, method="own_reading/1")
    told = make_search(store, TOWN, rise(), own, learned([], VISIT))
    assert (told.hidden, told.areas, told.changes) == (None, (), ())
    assert {one.kind for one in told.stops} == {"suspect"}
