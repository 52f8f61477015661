"""The footprint of a suspected source against the plume it is made of, and odds that stay honest."""

from __future__ import annotations

import numpy as np
import pytest
from shapely.geometry import MultiPolygon, Point, Polygon

from bihuan.core import Place, Ref, Suspect
from bihuan.physics import GaussianPlume
from bihuan.tracing import Contour, TraceSettings, explain_suspect, footprint, odds
from tests.physics.scenes import PLANE, stack, steady

MODEL = GaussianPlume(PLANE)
SHARP = TraceSettings(direction_step=1e-6)
"""No blur: the plume itself."""


def shape(contour: Contour) -> MultiPolygon:
    """A contour in metres of the plane."""
    polygons = []
    for rings in contour.polygons:
        flat = [np.column_stack(PLANE.forward(*np.array(ring).T)) for ring in rings]
        polygons.append(Polygon(flat[0], flat[1:]))
    return MultiPolygon(polygons)


@pytest.mark.parametrize("wind_from", [0.0, 75.0, 200.0, 331.0])
def test_under_a_steady_wind_the_footprint_lies_downwind_and_its_middle_is_the_axis_of_the_plume(
    wind_from: float,
) -> None:
    drawn = footprint(MODEL, PLANE, stack(), steady(4, wind_from=wind_from), reach=5000)
    assert drawn.bearing == pytest.approx((wind_from + 180) % 360)
    axis = np.radians(wind_from + 180)
    for contour in drawn.contours:
        middle = shape(contour).centroid
        along = middle.x * np.sin(axis) + middle.y * np.cos(axis)
        aside = middle.x * np.cos(axis) - middle.y * np.sin(axis)
        assert along > 300
        assert abs(aside) < 0.01 * along


def test_on_a_contour_the_plume_has_the_value_that_the_contour_says() -> None:
    weather = steady(1, wind_from=270.0)
    drawn = footprint(MODEL, PLANE, stack(), weather, reach=5000, settings=SHARP)
    contour = drawn.contours[0]
    east, north = np.array(shape(contour).geoms[0].exterior.coords).T
    inside = (np.abs(north) > 60) & (east > 1000) & (east < 4800)  # coarser near by, cut at the ends
    values = MODEL.unit_response([stack()], east[inside], north[inside], weather)[0, :, 0]
    assert inside.sum() > 20
    assert values == pytest.approx(np.full(inside.sum(), contour.value), rel=0.1)


def test_contours_lie_within_one_another_and_upwind_stays_clean() -> None:
    drawn = footprint(MODEL, PLANE, stack(), steady(1, wind_from=270.0), reach=4000)
    wide, middle, narrow = (shape(one) for one in drawn.contours)
    assert wide.buffer(1).contains(middle)
    assert middle.buffer(1).contains(narrow)
    assert not wide.contains(Point(-400, 0))


def test_a_wind_that_turns_spreads_the_footprint_over_its_directions() -> None:
    weather = steady(2)
    weather.wind_from[:] = [240.0, 300.0]
    drawn = footprint(MODEL, PLANE, stack(), weather, reach=4000)
    assert drawn.bearing == pytest.approx(90.0)
    there = shape(drawn.contours[0])
    for bearing in (60.0, 120.0):
        angle = np.radians(bearing)
        assert there.contains(Point(1000 * np.sin(angle), 1000 * np.cos(angle)))


def test_without_a_known_wind_nothing_is_drawn() -> None:
    weather = steady(3)
    weather.wind_from[:] = np.nan
    drawn = footprint(MODEL, PLANE, stack(), weather)
    assert (drawn.contours, drawn.bearing, drawn.periods) == ((), None, 0)


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.0, "<1"),
        (1e-9, "<1"),
        (0.004, "<1"),
        (0.014, "1"),
        (0.62, "62"),
        (0.985, "98"),
        (0.9951, ">99"),
        (1.0, ">99"),
    ],
)
def test_what_is_uncertain_is_never_printed_as_nothing_or_as_certain(probability: float, said: str) -> None:
    assert odds(probability) == said


def test_the_sentence_about_a_suspect_keeps_its_odds_honest() -> None:

    suspect = Suspect(Ref("outlet", "o"), "Works", Place(113.6, 34.7), 0.0004)
    assert "<1%" in explain_suspect(suspect, "en")
    assert " 0%" not in explain_suspect(suspect, "en")
