"""The steady plume against what must hold exactly."""

import numpy as np
import pytest
from scipy.integrate import dblquad

from bihuan.core import ForwardModel, InputError, Weather
from bihuan.physics import GaussianPlume, curves, kernels, sigma_y, sigma_z
from tests.physics.scenes import PLANE, patch, stack, steady

MODEL = GaussianPlume(PLANE)


def at(model: ForwardModel, source: object, east: float, north: float, weather: Weather) -> float:
    return float(model.unit_response([source], np.array([east]), np.array([north]), weather)[0, 0, 0])  # type: ignore[list-item]


def test_ground_axis_value_is_the_textbook_formula() -> None:
    height, speed, x = 40.0, 4.0, np.array([1500.0])
    sy, sz = sigma_y(x, 3)[0], sigma_z(x, 3)[0]
    aloft = speed * (height / 10) ** 0.15
    expected = 1e6 / (np.pi * aloft * sy * sz) * np.exp(-0.5 * (height / sz) ** 2)
    assert at(MODEL, stack(height=height), 1500, 0, steady(1, lid=5000)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("stability", range(6))
@pytest.mark.parametrize("x", [200.0, 3000.0])
def test_flux_through_a_plane_across_the_wind_equals_the_emission(stability: int, x: float) -> None:
    curve = curves("rural").sigma[stability]
    wind, lid = 3.0, 400.0 if stability < 4 else np.inf
    y = np.linspace(-3000, 3000, 1201)
    z = np.linspace(0, 400 if stability < 4 else 600, 401)
    grid = [
        [kernels.point_plume(x, yy, zz, curve, wind, lid, (60.0, 30.0, 0.9), (0.0, 0.0), False) for zz in z] for yy in y
    ]
    flux = wind * np.trapezoid(np.trapezoid(np.array(grid), z, axis=1), y)
    assert flux == pytest.approx(1.0, rel=0.01)


def test_the_plume_follows_the_wind_and_is_symmetric_about_it() -> None:
    for wind_from in (0.0, 45.0, 200.0, 331.0):
        turn = np.radians(wind_from + 180)
        axis, side = np.array([np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), -np.sin(turn)])
        left, right = axis * 2000 + side * 150, axis * 2000 - side * 150
        east, north = np.array([left[0], right[0], -axis[0] * 2000]), np.array([left[1], right[1], -axis[1] * 2000])
        got = MODEL.unit_response([stack()], east, north, steady(1, wind_from=wind_from))[0, :, 0]
        assert got[0] == pytest.approx(got[1], rel=1e-4)
        assert got[0] > 0
        assert got[2] == 0


def test_concentration_falls_with_the_wind_where_nothing_rises() -> None:
    slow, fast = at(MODEL, stack(), 1500, 0, steady(1, 3.0)), at(MODEL, stack(), 1500, 0, steady(1, 6.0))
    assert slow == pytest.approx(2 * fast, rel=1e-9)


def test_a_low_lid_mixes_the_column_evenly() -> None:
    x = np.array([20_000.0])
    got = at(MODEL, stack(), 20_000, 0, steady(1, 4.0, lid=100.0))
    expected = 1e6 / (np.sqrt(2 * np.pi) * sigma_y(x, 3)[0] * 4.0 * 4**0.15 * 100.0)
    assert got == pytest.approx(expected, rel=1e-4)


def test_a_plume_above_the_lid_leaves_the_ground_clean() -> None:
    assert at(MODEL, stack(height=120), 3000, 0, steady(1, lid=100)) == 0


def test_rise_is_that_of_briggs_worked_by_hand() -> None:
    """F = 9.80665 x 12 x 1.5^2 x (420 - 290) / (4 x 420) = 20.49 m4/s3; neutral rise 21.425 F^0.75 / u at 5 m/s."""
    row = np.array([0, 0, 40.0, 1.5, 12.0, 420.0, 0.0])
    release, rise, gradual = kernels.stack_rise(row, 5.0, 290.0, 3)
    assert release == 40.0
    assert rise == pytest.approx(21.425 * 20.489**0.75 / 5, rel=1e-3)
    assert gradual == pytest.approx(1.6 * 20.489 ** (1 / 3) / 5, rel=1e-3)
    stable = kernels.stack_rise(row, 5.0, 290.0, 5)[1]
    s = 9.80665 * 0.035 / 290
    assert stable == pytest.approx(2.6 * (20.489 / (5 * s)) ** (1 / 3), rel=1e-3)


def test_a_slow_jet_is_drawn_down_behind_its_stack() -> None:
    row = np.array([0, 0, 20.0, 1.0, 3.0, 290.0, 0.0])
    assert kernels.stack_rise(row, 6.0, 290.0, 3)[0] == pytest.approx(20 + 2 * (0.5 - 1.5))


@pytest.mark.parametrize(("east", "north"), [(400, 0), (700, 60), (1500, 0), (150, 90)])
def test_a_patch_is_the_integral_of_points_over_its_square(east: float, north: float) -> None:
    side, curve, wind = 200.0, curves("rural").sigma[3], 4.0
    x_z = kernels.distance_of_sigma_z(curve, 5.0 / 2.15)

    def point(n: float, e: float) -> float:
        return kernels.point_plume(east - e, north - n, 0.0, curve, wind, 1000.0, (5.0, 0.0, 0.0), (0.5, x_z), False)

    half = side / 2
    exact = 1e6 * dblquad(point, -half, half, -half, half, epsabs=1e-12, epsrel=1e-3)[0] / side**2
    assert at(MODEL, patch(side, height=5.0), east, north, steady(1)) == pytest.approx(exact, rel=0.06)


def test_a_patch_reaches_a_receptor_that_stands_on_it_but_none_upwind() -> None:
    assert at(MODEL, patch(300), 0, 0, steady(1)) > at(MODEL, patch(300), 1000, 0, steady(1)) > 0
    assert at(MODEL, patch(300), -500, 0, steady(1)) == 0


def test_a_calm_spreads_over_all_directions() -> None:
    east, north = np.array([800.0, 0, -800, 0]), np.array([0.0, 800, 0, -800])
    got = MODEL.unit_response([stack()], east, north, steady(1, speed=0.2, wind_from=float("nan")))[0, :, 0]
    assert got > 0 if got.ndim == 0 else (got > 0).all()
    assert np.allclose(got, got[0], rtol=1e-3)


def test_a_missing_wind_gives_no_number() -> None:
    weather = steady(3)
    weather.wind_speed[0], weather.wind_from[1] = np.nan, np.nan
    got = MODEL.unit_response([stack(), patch(50)], np.array([900.0]), np.array([0.0]), weather)
    assert np.isnan(got[:2]).all()
    assert np.isfinite(got[2]).all()


def test_an_anemometer_at_no_height_is_refused() -> None:
    weather = steady(1)
    flat = Weather(*(getattr(weather, name) for name in list(Weather.__slots__)[:7]), height=0.0)
    with pytest.raises(InputError, match="anemometer height"):
        at(MODEL, stack(), 1, 1, flat)
