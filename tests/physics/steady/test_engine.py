"""The engine as a forward model of tracing: it is `SteadyPlume` in any wind, and knows what is missing."""

import numpy as np
import pytest

from bihuan.core import ForwardModel, InputError, Weather
from bihuan.physics import AreaSource, EnginePlume, PointSource, Receptors, SteadyPlume, class_layer
from bihuan.physics.steady.classes import friction_velocity, obukhov_length
from tests.physics.scenes import PLANE, patch, stack, steady

MODEL: ForwardModel = EnginePlume(PLANE, meander=True)
EAST, NORTH = np.array([300.0, 900.0, 900.0, 4000.0]), np.array([0.0, 0.0, 70.0, 100.0])


def engine(source: PointSource | AreaSource, stability: int, speed: float) -> np.ndarray:
    one = np.ones(1)
    air = class_layer(speed * one, 270 * one, np.array([stability]), 290 * one, 1000 * one, height=10.0, roughness=0.03)
    where = Receptors(EAST, NORTH, np.zeros(4))
    return SteadyPlume(air, where, [source], threads=1).hourly(np.ones(1))[0, 0]


@pytest.mark.parametrize("stability", [0, 2, 3, 5])
def test_a_stack_is_that_of_the_steady_plume(stability: int) -> None:
    speed = float(np.exp(0.06 * 23))  # on the grid of kinds of air
    lid = float(np.exp(0.25 * 28))
    got = MODEL.unit_response([stack(hot=True)], EAST, NORTH, steady(1, speed, stability=stability, lid=lid))[0, :, 0]
    one = np.ones(1)
    air = class_layer(speed * one, 270 * one, np.array([stability]), 290 * one, lid * one, height=10.0, roughness=0.03)
    point = PointSource("s", 0.0, 0.0, 40.0, 1.5, 12.0, 420.0)
    want = SteadyPlume(air, Receptors(EAST, NORTH, np.zeros(4)), [point], threads=1).hourly(np.ones(1))[0, 0]
    assert got == pytest.approx(want, rel=0.02, abs=1e-6)


def test_a_speed_between_two_kinds_of_air_errs_by_three_percent_at_most() -> None:
    for speed in (3.05, 4.0, 6.3):
        got = MODEL.unit_response([stack(height=10)], EAST[:1], NORTH[:1], steady(1, speed))[0, 0, 0]
        point = PointSource("s", 0.0, 0.0, 10.0, 0.01, 0.0, 0.0, tip_downwash=False)
        assert got == pytest.approx(engine(point, 3, speed)[0], rel=0.035)


def test_without_meander_nothing_goes_upwind_and_the_axis_has_more() -> None:
    east, north = np.array([900.0, -300.0]), np.zeros(2)
    coherent = EnginePlume(PLANE).unit_response([stack()], east, north, steady(1))[0, :, 0]
    whole = MODEL.unit_response([stack()], east, north, steady(1))[0, :, 0]
    assert coherent[1] == 0.0 < whole[1]
    assert coherent[0] > whole[0]


def test_a_patch_is_the_area_of_the_steady_plume() -> None:
    speed = float(np.exp(0.06 * 23))
    got = MODEL.unit_response([patch(200.0)], EAST, NORTH, steady(1, speed))[0, :, 0]
    area = AreaSource.rectangle("a", -100.0, -100.0, 200.0, 200.0, height=3.0, sigma_z=3.0 / 2.15)
    assert got == pytest.approx(engine(area, 3, speed), rel=0.03)


def test_turning_the_wind_turns_the_field_and_makes_no_new_table() -> None:
    model = EnginePlume(PLANE)
    west = model.unit_response([stack()], np.array([900.0]), np.array([0.0]), steady(1))
    kept = len(model._kept)
    south = model.unit_response([stack()], np.array([0.0]), np.array([900.0]), steady(1, wind_from=180.0))
    assert south == pytest.approx(west, rel=1e-9)
    assert len(model._kept) == kept


def test_sources_of_one_kind_share_a_table_and_answer_from_their_own_places() -> None:
    both = MODEL.unit_response([stack(), stack(500.0, 0.0)], np.array([1400.0]), np.array([0.0]), steady(1))[0, 0]
    alone = MODEL.unit_response([stack()], np.array([900.0]), np.array([0.0]), steady(1))[0, 0, 0]
    assert both[1] == pytest.approx(alone, rel=1e-4)


def test_a_calm_spreads_over_all_directions() -> None:
    east, north = np.array([800.0, 0, -800, 0]), np.array([0.0, 800, 0, -800])
    got = MODEL.unit_response([stack(height=5)], east, north, steady(1, speed=0.2, wind_from=float("nan")))[0, :, 0]
    assert (got > 0).all()
    assert got == pytest.approx(np.full(4, got[0]), rel=1e-3)


def test_a_missing_wind_gives_no_number() -> None:
    weather = steady(3)
    weather.wind_speed[0], weather.wind_from[1] = np.nan, np.nan
    got = MODEL.unit_response([stack(), patch(50)], np.array([900.0]), np.array([0.0]), weather)
    assert np.isnan(got[:2]).all()
    assert np.isfinite(got[2]).all()


def test_no_source_and_no_receptor_are_an_empty_answer() -> None:
    nobody = np.zeros(0)
    assert MODEL.unit_response([], EAST, NORTH, steady(2)).shape == (2, 4, 0)
    assert MODEL.unit_response([stack()], nobody, nobody, steady(2)).shape == (2, 0, 1)


def test_an_unknown_mixing_height_and_temperature_take_usual_ones() -> None:
    weather = steady(1, stability=1)
    bare = Weather(
        weather.start, weather.end, weather.wind_speed, weather.wind_from, weather.stability,
        np.array([np.nan]), np.array([np.nan]),
    )  # fmt: skip
    assert np.isfinite(MODEL.unit_response([stack()], EAST, NORTH, bare)).all()


def test_the_friction_velocity_gives_back_the_wind_it_was_made_from() -> None:
    length = np.array([-20.0, 50.0, 5000.0])
    friction = friction_velocity(np.full(3, 4.0), 10.0, length, 0.03)
    neutral = 0.4 * 4.0 / np.log(10 / 0.03)
    assert friction[0] > neutral > friction[1]
    assert friction[2] == pytest.approx(neutral, rel=0.02)


@pytest.mark.parametrize("roughness", [0.006, 0.03, 0.3, 1.0])
def test_classes_keep_their_order_over_any_ground(roughness: float) -> None:
    inverse = 1 / obukhov_length(np.arange(6), roughness)
    assert (np.diff(inverse) >= -1e-12).all()
    assert inverse[0] < 0 < inverse[5]


def test_an_anemometer_among_the_obstacles_is_refused() -> None:
    with pytest.raises(InputError, match="seven roughness lengths"):
        EnginePlume(PLANE, roughness=3.0).unit_response([stack()], EAST, NORTH, steady(1))
    with pytest.raises(InputError, match="above 0"):
        EnginePlume(PLANE, roughness=-1.0)
