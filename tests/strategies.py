"""Hypothesis strategies of our own types, made from their annotations."""

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from bihuan.core import HOUR, Period, Place, Ref

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
INSTANTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
PLACES = st.builds(Place, st.floats(-180, 180), st.floats(-90, 90))

BASE: dict[Any, st.SearchStrategy[Any]] = {
    str: WORDS,
    float: NUMBERS,
    int: st.integers(-(2**62), 2**62),
    bool: st.booleans(),
    type(None): st.none(),
    date: st.dates(),
    datetime: INSTANTS,
    Place: PLACES,
    Period: st.builds(lambda start, hours: Period(start, start + hours * HOUR), INSTANTS, st.integers(1, 99)),
    Ref: st.builds(Ref, st.sampled_from(["case", "event"]), WORDS.filter(bool)),
}


@cache
def of(hint: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911  # one a shape
    """Return values of an annotation that JSON can carry."""
    if hint in BASE:
        return BASE[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(of, inner))
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(of(inner[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(of, inner))
    if origin in (dict, Mapping):
        return st.dictionaries(of(inner[0]), of(inner[1]), max_size=3)
    assert dataclasses.is_dataclass(hint), f"no strategy for {hint}"
    return st.builds(hint, **{name: of(kind) for name, kind in get_type_hints(hint).items()})
