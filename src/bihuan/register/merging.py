"""How new facts meet known ones: the same twice changes nothing, a change closes the old span.

The rules, for the spans of one id:

- A row without dates speaks of the last known span. Equal: nothing changes. Different: that span is corrected in
  place, or, when the caller names the day the news holds from (`since`), closed on that day and followed by a new one.
- A row with dates speaks of those days. On the days of an equal span it changes at most the end; on the days of
  others it takes their place and they keep the rest.
- An open end says nothing about the end: it reaches to the next known span.
- Who says so (`source`) is not content: the same fact from another file changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from itertools import pairwise
from typing import Literal, TypeVar

from bihuan.core import Ref, RegisterError
from bihuan.register.facts import ALWAYS, Fact
from bihuan.register.geometry import canonical

F = TypeVar("F", bound=Fact)

Action = Literal["added", "changed", "closed", "removed"]
"""``closed``: only its last day changed; ``removed``: other facts now stand on all its days."""

_SPAN = frozenset({"id", "valid_from", "valid_to", "source"})
_NAMES: dict[type[Fact], tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """One span of the register that a merge made, altered or took away.

    Attributes
    ----------
    ref : Ref
        What it is about.
    action : Action
    before, after : Fact or None
        None where the span was not there, or is no more. A span is known by kind, id and `valid_from`.
    """

    ref: Ref
    action: Action
    before: Fact | None
    after: Fact | None


def same_content(one: Fact, other: Fact) -> bool:
    """Say whether two facts say the same of a thing, whenever they hold and whoever says so."""
    if type(one) is not type(other) or one.id != other.id:
        return False
    for name in _content(one):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine != theirs and not (name == "boundary" and mine and theirs and canonical(mine) == canonical(theirs)):
            return False
    return True


def ordered(facts: Iterable[F]) -> list[F]:
    """Return the spans of one id by their first day, each open one ending where the next begins.

    Raises
    ------
    RegisterError
        If two of them hold on one day, or one ends before it begins.
    """
    spans = sorted(facts, key=lambda fact: fact.valid_from)
    for fact in spans:
        if fact.valid_to is not None and fact.valid_to <= fact.valid_from:
            raise RegisterError(f"{fact.id} ends on {fact.valid_to}: valid_to must follow {fact.valid_from}")
    for index, (fact, following) in enumerate(pairwise(spans)):
        end = fact.valid_to or following.valid_from
        if end > following.valid_from or fact.valid_from == following.valid_from:
            raise RegisterError(
                f"{fact.id} is told twice for {following.valid_from}: give every span of one id its own days"
            )
        spans[index] = replace(fact, valid_to=end)
    return spans


def merged(
    spans: Sequence[Fact], fact: Fact, told: Collection[str] | None = None, since: date | None = None
) -> list[Fact]:
    """Return the spans of one id after hearing of one more fact; see the rules at the top.

    Parameters
    ----------
    spans : sequence of Fact
        Known ones by their first day.
    fact : Fact
    told : collection of str, optional
        Names of the fields that the source speaks of at all; the others keep their known values.
    since : date, optional
        First day of news that carries no dates.
    """
    if not spans:
        return [fact]
    if fact.valid_from == ALWAYS and fact.valid_to is None:
        return _undated(spans, fact, told, since)
    exact = next((span for span in spans if span.valid_from == fact.valid_from), None)
    here = exact or next((span for span in spans if span.holds(fact.valid_from)), None)
    fact = _filled(fact, here or _before(spans, fact.valid_from), told)
    if here and same_content(fact, here):
        if fact.valid_to in (None, here.valid_to):
            return list(spans)
        return _painted([span for span in spans if span is not here], replace(here, valid_to=fact.valid_to))
    if fact.valid_to is None:
        following = next((span.valid_from for span in spans if span.valid_from > fact.valid_from), None)
        fact = replace(fact, valid_to=exact.valid_to if exact else following)
    return _painted([span for span in spans if span is not exact], fact)


def changes(kind: str, before: Sequence[Fact], after: Sequence[Fact]) -> list[Change]:
    """Return what differs between two histories of one id, by first day."""
    old = {span.valid_from: span for span in before}
    new = {span.valid_from: span for span in after}
    found = []
    for day in sorted(old.keys() | new.keys()):
        one, two = old.get(day), new.get(day)
        if one == two:
            continue
        action: Action = "added" if one is None else "removed" if two is None else "changed"
        if one and two and same_content(one, two) and two.valid_to is not None:
            action = "closed"
        found.append(Change(Ref(kind, (one or two).id), action, one, two))  # type: ignore[union-attr]  # one of them is
    return found


def _undated(spans: Sequence[Fact], fact: Fact, told: Collection[str] | None, since: date | None) -> list[Fact]:
    *earlier, last = spans
    fact = _filled(fact, last, told)
    if same_content(fact, last):
        return list(spans)
    if since is None or since <= last.valid_from:
        return [*earlier, replace(fact, valid_from=last.valid_from, valid_to=last.valid_to)]
    if last.valid_to is not None and last.valid_to <= since:
        return [*spans, replace(fact, valid_from=since)]
    return [*earlier, replace(last, valid_to=since), replace(fact, valid_from=since, valid_to=last.valid_to)]


def _painted(others: Sequence[Fact], fact: Fact) -> list[Fact]:
    """Return the spans with `fact` on its days, the others cut where they meet it."""
    end = fact.valid_to or date.max
    kept = [fact]
    for span in others:
        if span.valid_from < fact.valid_from:
            kept.append(replace(span, valid_to=min(span.valid_to or date.max, fact.valid_from)))
        if (span.valid_to or date.max) > end:
            kept.append(replace(span, valid_from=max(span.valid_from, end)))
    return sorted(kept, key=lambda span: span.valid_from)


def _before(spans: Sequence[Fact], day: date) -> Fact:
    """Return the span whose untold values a new one takes over: the last that began before, else the first."""
    return next((span for span in reversed(spans) if span.valid_from <= day), spans[0])


def _filled(fact: F, known: Fact, told: Collection[str] | None) -> F:
    if told is None:
        return fact
    untold = {name: getattr(known, name) for name in _content(fact) if name not in told}
    return replace(fact, **untold)


def _content(fact: Fact) -> tuple[str, ...]:
    """Return the names of the fields that say something of the thing itself."""
    kind = type(fact)
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(fact) if field.name not in _SPAN)
    return _NAMES[kind]
