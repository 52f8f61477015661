"""Merging: twice changes nothing, a change closes the old span, nothing is told twice for one day."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import Ref, RegisterError
from bihuan.register import Cell, Change, Fact, Person, Register, Unit, same_content

D24, D25, D26 = date(2024, 1, 1), date(2025, 1, 1), date(2026, 1, 1)


def unit(name: str, since: date | None = None, until: date | None = None) -> Unit:
    fact = Unit(id="u", name=name, valid_to=until)
    return replace(fact, valid_from=since) if since else fact


def spans(register: Register) -> list[Fact]:
    return list(register)


def test_the_same_facts_twice_change_nothing() -> None:
    facts = [unit("a", until=D24), unit("b", D24), Unit(id="v", name="v")]
    first, changes = Register().merge(facts)
    again, none = first.merge([replace(fact, source="the same list, other file") for fact in facts])
    assert [change.action for change in changes] == ["added"] * 3
    assert none == ()
    assert spans(again) == spans(first)


def test_a_merge_leaves_the_register_it_began_with_untouched() -> None:
    before = Register([unit("a")])
    after, _ = before.merge([unit("b", D24)])
    assert spans(before) == [unit("a")]
    assert spans(after) == [unit("a", until=D24), unit("b", D24)]


def test_a_change_from_a_day_closes_the_old_span() -> None:
    _, changes = Register([unit("a")]).merge([unit("b", D24)])
    assert changes == (
        Change(Ref("unit", "u"), "closed", unit("a"), unit("a", until=D24)),
        Change(Ref("unit", "u"), "added", None, unit("b", D24)),
    )


def test_news_without_dates_corrects_the_last_span_or_begins_on_the_day_given() -> None:
    known = Register([unit("a", until=D24), unit("b", D24)])
    corrected, changes = known.merge([unit("c")])
    assert spans(corrected) == [unit("a", until=D24), unit("c", D24)]
    assert [change.action for change in changes] == ["changed"]
    dated, _ = known.merge([unit("c")], since=D25)
    assert spans(dated) == [unit("a", until=D24), unit("b", D24, D25), unit("c", D25)]
    assert dated.merge([unit("c")], since=D25)[1] == ()
    assert dated.merge([unit("c")], since=D26)[1] == ()


def test_an_end_told_for_a_known_span_ends_it() -> None:
    ended, changes = Register([unit("a")]).merge([unit("a", until=D25)])
    assert spans(ended) == [unit("a", until=D25)]
    assert [change.action for change in changes] == ["closed"]
    assert ended.merge([unit("a")])[1] == ()  # an open end says nothing about the end


def test_news_of_some_days_leaves_the_days_around_them() -> None:
    painted, _ = Register([unit("a")]).merge([unit("b", D24, D25)])
    assert spans(painted) == [unit("a", until=D24), unit("b", D24, D25), unit("a", D25)]


def test_news_that_covers_a_known_span_takes_its_place() -> None:
    _, changes = Register([unit("a", D24, D25), unit("b", D25)]).merge([unit("c", date(2023, 1, 1), D26)])
    assert [(change.action, change.before and change.before.name) for change in changes] == [
        ("added", None),
        ("removed", "a"),
        ("removed", "b"),
        ("added", None),
    ]


def test_history_that_arrives_late_reaches_to_what_is_known() -> None:
    register, _ = Register([unit("b", D25)]).merge([unit("a", D24)])
    assert spans(register) == [unit("a", D24, D25), unit("b", D25)]


def test_fields_that_a_source_does_not_speak_of_keep_their_value() -> None:
    officer = Person(id="p", name="网格员", roles=("grid_officer",), cells=("1",), phone="1")
    ring = ((113.0, 34.0), (114.0, 34.0), (114.0, 35.0))
    cell = Cell(id="1", name="一号", level=4, district="D", boundary=(ring,))
    known = Register([officer, cell])
    told = {"person": {"name", "roles", "phone"}, "cell": {"name", "level", "district"}}
    news = [replace(officer, cells=(), phone="2"), replace(cell, boundary=(), name="1号")]
    after, _ = known.merge(news, told=told)
    assert spans(after) == [replace(cell, name="1号"), replace(officer, phone="2")]
    after, _ = known.merge(news)
    assert set(map(repr, after)) == set(map(repr, news))


def test_a_boundary_drawn_the_other_way_round_is_the_same() -> None:
    ring = ((113.0, 34.0), (114.0, 34.0), (114.0, 35.0))
    cell = Cell(id="1", name="一号", level=4, district="D", boundary=(ring,))
    assert same_content(cell, replace(cell, boundary=((ring[0], ring[2], ring[1], ring[0]),)))
    assert not same_content(cell, replace(cell, boundary=((*ring, (113.0, 35.5)),)))


def test_one_id_told_twice_for_one_day_is_refused_and_changes_nothing() -> None:
    known = Register([unit("a")])
    with pytest.raises(RegisterError, match="u is told twice for 2024-06-01"):
        known.merge([unit("b", D24, D25), unit("c", date(2024, 6, 1))])
    with pytest.raises(RegisterError, match="must follow"):
        known.merge([unit("b", D25, D24)])
    assert spans(known) == [unit("a")]


days = st.integers(0, 40).map(lambda n: D24 + timedelta(days=n))


@st.composite
def histories(draw: st.DrawFn) -> list[Unit]:
    """Spans of one id that do not overlap; the last may be open, and the first may have no dates at all."""
    marks = sorted(draw(st.sets(days, min_size=1, max_size=6)))
    names = st.sampled_from("abc")
    facts = [unit(draw(names), one, two) for one, two in pairwise(marks) if draw(st.booleans())]
    if draw(st.booleans()):
        facts.append(unit(draw(names), marks[-1]))
    if draw(st.booleans()):
        facts.append(unit(draw(names)))
    return facts


@given(histories(), histories(), st.one_of(st.none(), days))
def test_whatever_is_merged_twice_changes_nothing_the_second_time(
    known: list[Unit], news: list[Unit], since: date | None
) -> None:
    register, _ = Register().merge(known)
    once, _ = register.merge(news, since=since)
    twice, changes = once.merge(news, since=since)
    assert changes == ()
    assert spans(twice) == spans(once)
    Register(once)  # no day is told twice


@given(histories(), histories())
def test_changes_lead_from_the_old_register_to_the_new(known: list[Unit], news: list[Unit]) -> None:
    register, _ = Register().merge(known)
    after, changes = register.merge(news)
    rebuilt = {(fact.id, fact.valid_from): fact for fact in register}
    for change in changes:
        assert change.before == (rebuilt.pop((change.before.id, change.before.valid_from)) if change.before else None)
        if change.after:
            rebuilt[change.after.id, change.after.valid_from] = change.after
    assert sorted(rebuilt.values(), key=lambda fact: fact.valid_from) == spans(after)


@given(histories(), histories())
def test_on_days_that_news_speaks_of_the_news_holds(known: list[Unit], news: list[Unit]) -> None:
    dated = [fact for fact in news if fact.valid_to or fact.valid_from >= D24]
    register, _ = Register().merge(known)
    after, _ = register.merge(dated)
    for fact in dated:
        found = after.get(Unit, "u", fact.valid_from)
        assert found is not None
        assert found.name == fact.name
