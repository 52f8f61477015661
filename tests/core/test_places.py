"""Space: degrees at the doors, metres inside."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import InputError, Place, Plane

places = st.builds(Place, st.floats(-180, 180), st.floats(-89, 89))
near = st.builds(Place, st.floats(112.7, 114.3), st.floats(34.2, 35.0))
CENTRE = Place(113.65, 34.76)


@given(places, places)
def test_distance_is_symmetric_and_at_most_half_round_the_earth(one: Place, two: Place) -> None:
    assert one.distance(two) == pytest.approx(two.distance(one), abs=1e-3)
    assert 0 <= one.distance(two) <= 20_016_000
    assert one.distance(one) == 0


@given(places, places)
def test_a_bearing_is_below_360(one: Place, two: Place) -> None:
    assert 0 <= one.bearing(two) < 360


def test_a_degree_of_latitude_is_a_60th_of_111_2_km_a_minute() -> None:
    assert Place(0, 0).distance(Place(0, 1)) == pytest.approx(111_195, abs=1)
    assert Place(0, 0).distance(Place(180, 0)) == pytest.approx(math.pi * 6_371_008.8)


@pytest.mark.parametrize(("lon", "lat", "bearing"), [(0, 1, 0), (1, 0, 90), (0, -1, 180), (-1, 0, 270)])
def test_bearings_run_clockwise_from_north(lon: float, lat: float, bearing: float) -> None:
    assert Place(0, 0).bearing(Place(lon, lat)) == pytest.approx(bearing)


@given(near)
def test_the_plane_returns_every_place_within_a_centimetre(place: Place) -> None:
    plane = Plane(CENTRE)
    east, north = plane.forward(place.lon, place.lat)
    assert plane.place(float(east), float(north)).distance(place) < 0.02


@given(near, near)
def test_lengths_on_the_plane_are_lengths_on_the_ground(one: Place, two: Place) -> None:
    plane = Plane(CENTRE)
    east, north = plane.forward(np.array([one.lon, two.lon]), np.array([one.lat, two.lat]))
    flat = math.hypot(east[1] - east[0], north[1] - north[0])
    assert flat == pytest.approx(one.distance(two), rel=4e-3, abs=0.02)  # the sphere stands for the ellipsoid


def test_the_centre_is_the_origin_and_axes_point_east_and_north() -> None:
    plane = Plane(CENTRE)
    east, north = plane.forward([CENTRE.lon, CENTRE.lon + 0.1], [CENTRE.lat, CENTRE.lat + 0.1])
    assert (east[0], north[0]) == pytest.approx((0, 0), abs=1e-6)
    assert east[1] > 9_000
    assert north[1] > 11_000


@pytest.mark.parametrize(
    ("lon", "lat", "words"), [(34.7, 113.6, "swapped"), (200, 10, "longitude is"), (math.nan, 34, "outside the globe")]
)
def test_a_coordinate_outside_the_globe_is_named(lon: float, lat: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Place(lon, lat)
