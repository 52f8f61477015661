import numpy as np
import pytest

from bihuan.physics import mixing_height, solar_altitude, turner_class


@pytest.mark.parametrize(
    ("instant", "lon", "lat", "expected"),
    [
        ("2026-03-20T12:08", 0.0, 0.0, 90.0),  # equinox, true noon on the equator
        ("2026-06-21T04:26", 114.0, 34.75, 90 - 34.75 + 23.44),  # solstice noon in the plain of Henan
        ("2026-12-21T04:22", 114.0, 34.75, 90 - 34.75 - 23.44),
        ("2026-03-20T18:08", 0.0, 0.0, 0.0),  # equinox, sunset on the equator
    ],
)
def test_the_sun_stands_where_astronomy_puts_it(instant: str, lon: float, lat: float, expected: float) -> None:
    altitude = solar_altitude(np.array([instant], "datetime64[us]"), lon, lat)
    assert altitude[0] == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(
    ("speed", "altitude", "cloudy", "expected"),
    [
        (0.5, 70.0, True, "A"),
        (3.0, 40.0, True, "B"),
        (3.0, 20.0, True, "C"),
        (6.5, 70.0, True, "C"),
        (6.5, 40.0, True, "D"),
        (1.0, -10.0, True, "F"),
        (2.5, -10.0, True, "E"),
        (2.5, -10.0, False, "F"),
        (8.0, -10.0, False, "D"),
    ],
)
def test_rows_of_the_printed_turner_key(speed: float, altitude: float, cloudy: bool, expected: str) -> None:
    assert "ABCDEF"[turner_class(np.array([speed]), np.array([altitude]), cloudy)[0]] == expected


def test_a_city_can_keep_the_most_stable_class_away() -> None:
    assert turner_class(np.array([0.5]), np.array([-30.0]), most_stable=4)[0] == 4


def test_the_mixed_layer_grows_with_wind_and_is_deep_when_unstable() -> None:
    speed = np.array([1.0, 2.0, 4.0])
    neutral = mixing_height(speed, np.full(3, 3))
    assert np.all(np.diff(neutral) > 0)
    assert np.all(mixing_height(speed, np.zeros(3, np.int64)) >= 1500)
