"""Outlines that are as large as the map says, and a round whose first stop tells most and whose way is short."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise, permutations

import numpy as np
import pytest
from shapely.geometry import Polygon

from bihuan.core import Period, Ref, Suspect, Suspects
from bihuan.tracing import HiddenCell, HiddenMap, SearchArea, Stop, plan_round, search_areas
from tests.tracing.scenes import PLANE, START

SIDE = 1000.0


def cell(east: float, north: float, probability: float, within: int, side: float = SIDE) -> HiddenCell:
    place = PLANE.place(east, north)
    return HiddenCell(place.lon, place.lat, side, probability, within)


def hidden(*peaks: tuple[float, float, float], bits: float = 0.4) -> HiddenMap:
    """Cells of a kilometre over the whole square; peaks (east, north, probability) hold all but a tenth."""
    middles = np.arange(-5500.0, 6000.0, SIDE)
    rest = 1 - sum(one[2] for one in peaks)
    told = {(east, north): probability for east, north, probability in peaks}
    cells = [
        cell(
            float(e), float(n), told.get((float(e), float(n)), rest / (144 - len(peaks))), 50 if (e, n) in told else 100
        )
        for n in middles
        for e in middles
    ]
    at = PLANE.place(500.0, 2500.0)
    return HiddenMap(tuple(sorted(cells, key=lambda one: -one.probability)), len(peaks) * 1.0, len(peaks) + 1.0,
                     at.lon, at.lat, bits, "")  # fmt: skip


def ranking(*suspects: tuple[float, float, float], none: float = 0.5) -> Suspects:
    rows = tuple(
        Suspect(Ref("outlet", f"o{n}"), f"o{n}", PLANE.place(east, north), probability)
        for n, (east, north, probability) in enumerate(suspects)
    )
    period = Period(START, START + timedelta(hours=1))
    return Suspects("s", Ref("event", "e"), "so2", period, rows, none, 0.0)


def square_km(area: SearchArea) -> float:
    total = 0.0
    for rings in area.polygons:
        flat = [np.column_stack(PLANE.forward([p[0] for p in ring], [p[1] for p in ring])) for ring in rings]
        total += Polygon(flat[0], flat[1:]).area
    return total / 1e6


def test_the_outlines_are_as_large_as_the_map_says_and_hold_the_peak() -> None:
    wide, narrow = search_areas(hidden((500.0, 500.0, 0.9)), PLANE)
    assert (wide.share, narrow.share) == (0.9, 0.5)
    assert square_km(narrow) == pytest.approx(narrow.square_km, rel=0.25)
    assert square_km(wide) == pytest.approx(wide.square_km, rel=0.25)
    east, north = PLANE.forward([p[0] for p in narrow.polygons[0][0]], [p[1] for p in narrow.polygons[0][0]])
    assert Polygon(np.column_stack([east, north])).contains(Polygon([(300, 300), (700, 300), (700, 700), (300, 700)]))


def test_every_ring_closes() -> None:
    for area in search_areas(hidden((-5500.0, 500.0, 0.5), (500.0, 500.0, 0.4)), PLANE):
        for rings in area.polygons:
            for ring in rings:
                assert ring[0] == ring[-1]


def test_the_round_begins_where_a_measurement_tells_most_and_goes_on_by_the_shortest_way() -> None:
    found = ranking((3000.0, 500.0, 0.2), (-2000.0, 4000.0, 0.15), (1000.0, -2500.0, 0.1), none=0.5)
    stops = plan_round(hidden((500.0, 500.0, 0.9)), found, PLANE)
    assert stops[0].kind == "monitor"
    assert {one.kind for one in stops} == {"monitor", "patch", "suspect"}
    assert stops[0].leg == 0.0

    def way(order: tuple[Stop, ...]) -> float:
        at = np.column_stack(PLANE.forward([one.lon for one in order], [one.lat for one in order]))
        return float(sum(np.hypot(*(b - a)) for a, b in pairwise(at)))

    assert way(stops) == pytest.approx(min(way((stops[0], *order)) for order in permutations(stops[1:])))
    assert sum(one.leg for one in stops) == pytest.approx(way(stops), abs=len(stops))


def test_a_source_that_nobody_doubts_gets_the_first_stop_when_no_measurement_is_worth_a_drive() -> None:
    stops = plan_round(hidden((500.0, 500.0, 0.9), bits=0.01), ranking((3000.0, 500.0, 0.95), none=0.03), PLANE)
    assert [(one.kind, one.source) for one in stops] == [("suspect", Ref("outlet", "o0"))]


def test_stops_that_lie_together_are_one() -> None:
    found = ranking((600.0, 2450.0, 0.3), (700.0, 2450.0, 0.3), none=0.4)
    stops = plan_round(hidden((5500.0, -5500.0, 0.9)), found, PLANE)
    assert [one.kind for one in stops] == ["monitor", "patch"]


def test_nothing_likely_means_no_round() -> None:
    assert plan_round(None, ranking((3000.0, 500.0, 0.01), none=0.01), PLANE) == ()
