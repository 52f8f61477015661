"""Query options of SensorThings (OData's), ``$filter $expand $select $orderby $top $skip $count``, as types.

Of the operators those that clients use are known: ``eq ne gt ge lt le and or not``, brackets, and the functions
``substringof startswith endswith``. Anything else is answered with 501, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from bihuan.app.sta.problems import StaError
from bihuan.core import InputError, parse_instant

MOST = 1000
"""Entities of one answer."""

USUAL = 100
"""Entities of one answer where nobody asks for a number."""

EXPANDED = 100
"""Entities of an expanded collection."""

DEEPEST = 4
"""Levels of ``$expand``."""

LONGEST = 4000
"""Letters of one option."""

KNOWN = frozenset({"$filter", "$expand", "$select", "$orderby", "$top", "$skip", "$count", "$skiptoken"})


@dataclass(frozen=True, slots=True)
class Instants:
    """A point in time, or a span of it; compared as SensorThings compares them."""

    start: datetime
    end: datetime

    @property
    def instant(self) -> bool:
        """Whether it is a point."""
        return self.start == self.end


@dataclass(frozen=True, slots=True)
class Test:
    """One part of a filter: an operator over paths, literals and other parts."""

    operator: str
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A path to a property: ``Thing/name``."""

    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one collection or entity.

    Attributes
    ----------
    top : int
    skip : int
    count : bool
    filter : Test or None
    orderby : tuple of (Name, whether descending)
    select : tuple of str
        Empty for everything.
    expand : mapping of navigation name to Options
    token : str
        Where a following page begins.
    given : tuple of (str, str)
        The options as they were written, for the address of the next page.
    """

    top: int = USUAL
    skip: int = 0
    count: bool = False
    filter: Any = None
    orderby: tuple[tuple[Name, bool], ...] = ()
    select: tuple[str, ...] = ()
    expand: Mapping[str, Options] = field(default_factory=dict)
    token: str = ""
    given: tuple[tuple[str, str], ...] = ()


def read_options(given: Mapping[str, str], depth: int = 0) -> Options:
    """Read the options of a request, or of one expansion, whose options are written the same way.

    Raises
    ------
    StaError
        400 where an option cannot be read, 501 where it is not known.
    """
    for name, text in given.items():
        if name not in KNOWN:
            raise StaError(501 if name.startswith("$") else 400, f"option {name[:40]} is not known: {', '.join(KNOWN)}")
        if len(text) > LONGEST:
            raise StaError(400, f"option {name} has more than {LONGEST} letters")
    usual = EXPANDED if depth else USUAL
    return Options(
        top=min(MOST, _whole(given, "$top", usual)),
        skip=_whole(given, "$skip", 0),
        count=_yes(given.get("$count", "false")),
        filter=_filter(given["$filter"]) if given.get("$filter", "").strip() else None,
        orderby=_orderby(given.get("$orderby", "")),
        select=tuple(part.strip() for part in given.get("$select", "").split(",") if part.strip()),
        expand=_expand(given.get("$expand", ""), depth),
        token=given.get("$skiptoken", ""),
    )


def _whole(given: Mapping[str, str], name: str, usual: int) -> int:
    text = given.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise StaError(400, f"{name}={text[:20]}: a whole number from 0 is allowed")
    return int(text)


def _yes(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise StaError(400, f"$count={text[:20]}: true or false")
    return text.lower() == "true"


def _orderby(text: str) -> tuple[tuple[Name, bool], ...]:
    found = []
    for part in (one.strip() for one in text.split(",") if one.strip()):
        path, _, order = part.partition(" ")
        if order.strip().lower() not in ("", "asc", "desc") or not _PATH.fullmatch(path):
            raise StaError(400, f"$orderby {part[:60]!r}: a property, then asc or desc")
        found.append((Name(tuple(path.split("/"))), order.strip().lower() == "desc"))
    return tuple(found)


# ---- $expand ----


def _expand(text: str, depth: int) -> dict[str, Options]:
    if not text.strip():
        return {}
    if depth >= DEEPEST:
        raise StaError(400, f"$expand goes {DEEPEST} levels deep at most")
    found: dict[str, Options] = {}
    for part in _split(text, ","):
        path, mark, rest = part.partition("(")
        if mark and not rest.endswith(")"):
            raise StaError(400, f"$expand {part[:60]!r}: a bracket is not closed")
        options: dict[str, str] = {}
        for option in _split(rest[:-1], ";") if mark else ():
            name, equals, value = option.partition("=")
            if not equals:
                raise StaError(400, f"$expand {option[:60]!r}: write $option=value")
            options[name.strip()] = value.strip()
        head, _, below = path.strip().partition("/")
        if not re.fullmatch(r"[A-Za-z]+", head):
            raise StaError(400, f"$expand {path[:60]!r} names no navigation")
        if below:  # Datastreams/Observations(...) is Datastreams($expand=Observations(...))
            rest = below + (f"({rest}" if mark else "")
            options = {"$expand": rest}
        inner = replace(read_options(options, depth + 1), given=tuple(options.items()))
        known = found.get(head)
        found[head] = inner if known is None else replace(known, expand={**known.expand, **inner.expand})
    return found


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that stands in no bracket and no text."""
    parts, level, quoted, begin = [], 0, False, 0
    for at, letter in enumerate(text):
        quoted = quoted != (letter == "'")
        if quoted:
            continue
        level += (letter == "(") - (letter == ")")
        if letter == mark and level == 0:
            parts.append(text[begin:at])
            begin = at + 1
    return [part.strip() for part in (*parts, text[begin:]) if part.strip()]


# ---- $filter ----

_PATH = re.compile(r"[@A-Za-z_][\w.@]*(?:/[@A-Za-z_][\w.@]*)*")
_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})"
_TOKEN = re.compile(
    rf"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>{_TIME}(?:/{_TIME})?)|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    rf"|(?P<mark>[(),])|(?P<path>{_PATH.pattern}))"
)
COMPARED = ("eq", "ne", "gt", "ge", "lt", "le")
FUNCTIONS = {"substringof": 2, "startswith": 2, "endswith": 2}
_WORDS = {"true": True, "false": False, "null": None}
_DEEP = 50


class _Reader:
    """Recursive descent over the tokens of a filter."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise StaError(400, f"$filter cannot be read at {text[at : at + 30]!r}")
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))
            at = found.end()
        self._at = 0
        self._level = 0

    def whole(self) -> Any:
        found = self._either()
        if self._at < len(self._tokens):
            raise StaError(400, f"$filter: {self._tokens[self._at][1][:30]!r} is one word too many")
        return found

    def _word(self) -> str:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return text if kind in ("path", "mark") else ""

    def _take(self, word: str) -> bool:
        if self._word().lower() != word:
            return False
        self._at += 1
        return True

    def _either(self) -> Any:
        self._level += 1
        if self._level > _DEEP:
            raise StaError(400, "$filter is nested too deep")
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        self._level -= 1
        return parts[0] if len(parts) == 1 else Test("or", tuple(parts))

    def _both(self) -> Any:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Test("and", tuple(parts))

    def _not(self) -> Any:
        negated = False
        while self._take("not"):
            negated = not negated
        found = self._comparison()
        return Test("not", (found,)) if negated else found

    def _comparison(self) -> Any:
        left = self._value()
        word = self._word().lower()
        if word not in COMPARED:
            return left
        self._at += 1
        return Test(word, (left, self._value()))

    def _value(self) -> Any:
        if self._take("("):
            found = self._either()
            if not self._take(")"):
                raise StaError(400, "$filter: a bracket is not closed")
            return found
        if self._at >= len(self._tokens):
            raise StaError(400, "$filter ends where a value should stand")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "path" and self._word() == "(":
            return self._function(text)
        return _literal(kind, text)

    def _function(self, name: str) -> Test:
        if name.lower() not in FUNCTIONS:
            raise StaError(501, f"function {name[:30]} is not known: {', '.join(FUNCTIONS)}")
        self._at += 1
        parts = [self._value()]
        while self._take(","):
            parts.append(self._value())
        if not self._take(")") or len(parts) != FUNCTIONS[name.lower()]:
            raise StaError(400, f"function {name} takes {FUNCTIONS[name.lower()]} values in brackets")
        return Test(name.lower(), tuple(parts))


def _literal(kind: str, text: str) -> Any:
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "number":
        return float(text)
    if kind == "time":
        return instants_of(text)
    if kind == "path":
        return _WORDS[text.lower()] if text.lower() in _WORDS else Name(tuple(text.split("/")))
    raise StaError(400, f"$filter: {text!r} stands where a value should")


def _filter(text: str) -> Any:
    return _Reader(text).whole()


def instants_of(text: str) -> Instants:
    """Read a point in time or a span ``start/end``.

    Raises
    ------
    StaError
    """
    start, mark, end = text.partition("/")
    try:
        first = parse_instant(start)
        last = parse_instant(end) if mark else first
    except InputError as problem:
        raise StaError(400, str(problem)) from None
    if last < first:
        raise StaError(400, f"time {text[:60]} ends before it begins")
    return Instants(first, last)


Lookup = Callable[[Any, tuple[str, ...]], list[Any]]
"""Returns what a path leads to from an entity: several values where it runs over a collection."""


def holds(test: Any, entity: Any, lookup: Lookup) -> bool:
    """Say whether an entity passes a filter.

    Raises
    ------
    StaError
        400 where a path leads nowhere.
    """
    if not isinstance(test, Test):
        return any(value is True for value in _values(test, entity, lookup))
    if test.operator == "and":
        return all(holds(part, entity, lookup) for part in test.parts)
    if test.operator == "or":
        return any(holds(part, entity, lookup) for part in test.parts)
    if test.operator == "not":
        return not holds(test.parts[0], entity, lookup)
    left, right = (_values(part, entity, lookup) for part in test.parts)
    return any(_compared(test.operator, one, other) for one in left for other in right)


def _values(part: Any, entity: Any, lookup: Lookup) -> list[Any]:
    if isinstance(part, Name):
        return lookup(entity, part.steps) or [None]
    return [holds(part, entity, lookup)] if isinstance(part, Test) else [part]


def _compared(operator: str, one: Any, other: Any) -> bool:
    if operator in FUNCTIONS:
        if not (isinstance(one, str) and isinstance(other, str)):
            return False
        tests = {"substringof": one in other, "startswith": one.startswith(other), "endswith": one.endswith(other)}
        return tests[operator]
    if isinstance(one, Instants) or isinstance(other, Instants):
        return _in_time(operator, _as_time(one), _as_time(other))
    if one is None or other is None or type(one) is bool or type(other) is bool:
        return (one is other) if operator == "eq" else (one is not other) if operator == "ne" else False
    if isinstance(one, str) != isinstance(other, str):
        return operator == "ne"
    return _PLAIN[operator](one, other)


_PLAIN: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": eq,
    "ne": ne,
    "gt": gt,
    "ge": ge,
    "lt": lt,
    "le": le,
}


def _as_time(found: Any) -> Instants | None:
    if isinstance(found, Instants) or found is None:
        return found
    if isinstance(found, str) and re.fullmatch(rf"{_TIME}(?:/{_TIME})?", found):
        return instants_of(found)
    raise StaError(400, f"{str(found)[:40]!r} cannot be compared with a time")


def _in_time(operator: str, one: Instants | None, other: Instants | None) -> bool:
    """Compare times; a span comes after a point when it begins there or later, before it when it has ended by then."""
    if one is None or other is None:
        return (one is other) == (operator == "eq") and operator in ("eq", "ne")
    return {
        "eq": one == other,
        "ne": one != other,
        "gt": one.start > other.end if one.instant else one.start >= other.end,
        "ge": one.start >= other.start,
        "lt": one.end < other.start if one.instant else one.end <= other.start,
        "le": one.end <= other.end,
    }[operator]
