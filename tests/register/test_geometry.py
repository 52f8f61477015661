"""Areas: odd number of rings, one canonical form."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import Place, RegisterError
from bihuan.register import Ring, canonical, contains
from bihuan.register.geometry import Areas


def square(lon: float, lat: float, half: float) -> Ring:
    return ((lon - half, lat - half), (lon + half, lat - half), (lon + half, lat + half), (lon - half, lat + half))


OUTER, HOLE, ISLAND, PART = (
    square(113.5, 34.5, 0.4),
    square(113.5, 34.5, 0.2),
    square(113.5, 34.5, 0.05),
    square(114.5, 34.5, 0.1),
)


@pytest.mark.parametrize(
    ("lon", "inside"), [(113.2, True), (113.35, False), (113.5, True), (114.5, True), (114.2, False), (115, False)]
)
def test_a_place_is_inside_an_odd_number_of_rings(lon: float, inside: bool) -> None:
    assert contains((OUTER, HOLE, ISLAND, PART), Place(lon, 34.5)) is inside


def test_edges_belong_to_the_area_and_no_rings_hold_nothing() -> None:
    assert contains((OUTER,), Place(113.1, 34.5))
    assert contains((OUTER, HOLE), Place(113.3, 34.5))
    assert not contains((), Place(113.5, 34.5))


def signed_area(ring: Ring) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) / 2


def test_the_canonical_form_is_closed_outer_rings_counter_clockwise_each_with_its_holes() -> None:
    rings = canonical((OUTER[::-1], PART, HOLE, ISLAND[::-1]))
    assert [round(signed_area(ring), 6) for ring in rings] == [0.64, -0.16, 0.04, 0.01]
    assert all(ring[0] == ring[-1] for ring in rings)
    assert canonical(rings) == rings


@given(st.integers(3, 12), st.floats(0.01, 0.3), st.booleans(), st.booleans())
def test_turning_or_closing_a_ring_changes_no_area(corners: int, radius: float, turn: bool, close: bool) -> None:
    angles = [2 * math.pi * k / corners for k in range(corners)]
    ring = tuple((113.5 + radius * math.cos(a), 34.5 + radius * math.sin(a)) for a in angles)
    other = (*ring, ring[0]) if close else ring
    other = (other[0], *other[:0:-1]) if turn else other
    assert {*canonical((other,))[0]} == {*canonical((ring,))[0]}
    assert signed_area(canonical((other,))[0]) == pytest.approx(signed_area(canonical((ring,))[0]))
    assert signed_area(canonical((ring,))[0]) > 0


@pytest.mark.parametrize("ring", [(), ((113.0, 34.0),), ((113.0, 34.0), (114.0, 34.0), (113.0, 34.0))])
def test_a_ring_that_encloses_nothing_is_refused(ring: Ring) -> None:
    with pytest.raises(RegisterError, match="three different corners"):
        canonical((ring,))
    with pytest.raises(RegisterError, match="three different corners"):
        contains((ring,), Place(113, 34))


def test_a_ring_that_crosses_itself_still_answers() -> None:
    bow_tie = ((113.0, 34.0), (114.0, 35.0), (114.0, 34.0), (113.0, 35.0))
    assert contains((bow_tie,), Place(113.1, 34.5))
    assert not contains((bow_tie,), Place(113.5, 34.1))


def test_areas_are_found_by_place_in_the_order_given() -> None:
    areas = Areas(["part", "outer", "nowhere"], [(PART,), (OUTER,), ()])
    assert areas.at(Place(113.5, 34.5)) == ["outer"]
    assert areas.at(Place(114.5, 34.5)) == ["part"]
    assert areas.at(Place(120, 34.5)) == []
    assert Areas([], []).at(Place(120, 34.5)) == []


@given(st.floats(113, 114), st.floats(34, 35))
def test_the_index_agrees_with_asking_each_area(lon: float, lat: float) -> None:
    areas = {"a": (OUTER, HOLE), "b": (ISLAND,), "c": (square(113.7, 34.6, 0.3),)}
    index = Areas(list(areas), list(areas.values()))
    assert index.at(Place(lon, lat)) == [name for name, rings in areas.items() if contains(rings, Place(lon, lat))]
