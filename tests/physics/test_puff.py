"""The puff against the plume where they must agree, and where only a puff is right."""

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.physics import GaussianPlume, PuffModel, WindField
from tests.physics.scenes import PLANE, patch, stack, steady

EAST = np.array([500.0, 1000.0, 2000.0, 4000.0])
NORTH = np.zeros(4)


@pytest.mark.parametrize("urban", [False, True])
@pytest.mark.parametrize("stability", range(6))
def test_a_train_of_puffs_in_a_steady_wind_is_the_plume(stability: int, urban: bool) -> None:
    weather = steady(40, stability=stability)
    edges = np.append(weather.start, weather.end[-1])
    for hot, tolerance in ((False, 0.1), (True, 0.15)):
        source = stack(hot=hot)
        plume = GaussianPlume(PLANE, urban=urban).unit_response([source], EAST, NORTH, weather)[-1, :, 0]
        puffs = PuffModel(PLANE, urban=urban).concentrations(
            [source], np.ones((40, 1)), EAST, NORTH, WindField.of(weather), edges
        )[-1, :, 0]
        seen = plume > 1e-3 * plume.max()
        assert puffs[seen] == pytest.approx(plume[seen], rel=tolerance)
        assert np.median(np.abs(puffs[seen] / plume[seen] - 1)) < 0.04


def test_a_patch_of_puffs_is_the_patch_plume_far_from_it() -> None:
    weather = steady(40)
    edges = np.append(weather.start, weather.end[-1])
    source = [patch(200)]
    plume = GaussianPlume(PLANE).unit_response(source, EAST[2:], NORTH[2:], weather)[-1]
    puffs = PuffModel(PLANE).concentrations(source, np.ones((40, 1)), EAST[2:], NORTH[2:], WindField.of(weather), edges)
    assert puffs[-1] == pytest.approx(plume, rel=0.03)


def test_the_dose_of_a_short_release_passing_by_is_that_of_the_plume() -> None:
    """Steady wind: the time integral behind a 10-minute release equals 10 minutes under the plume."""
    weather = steady(40)
    edges = np.append(weather.start, weather.end[-1])
    rates = np.zeros((40, 1))
    rates[1:3] = 2.0
    puffs = PuffModel(PLANE).concentrations([stack()], rates, EAST, NORTH, WindField.of(weather), edges)[:, :, 0]
    plume = GaussianPlume(PLANE).unit_response([stack()], EAST, NORTH, weather)[0, :, 0]
    assert puffs.sum(axis=0) == pytest.approx(plume * 4.0, rel=0.06)
    arrival = [int(np.argmax(puffs[:, r] > 0.3 * puffs[:, r].max())) for r in range(4)]
    assert arrival[3] > arrival[0]


def test_concentrations_are_linear_in_the_rates() -> None:
    weather = steady(12)
    edges = np.append(weather.start, weather.end[-1])
    model, field = PuffModel(PLANE), WindField.of(weather)
    rates = np.random.default_rng(5).uniform(0, 2, (12, 2))
    sources = [stack(hot=True), patch(100, 300, 40)]
    one = model.concentrations(sources, rates, EAST, NORTH, field, edges)
    three = model.concentrations(sources, 3 * rates, EAST, NORTH, field, edges)
    assert np.allclose(three, 3 * one)


def test_steps_may_be_coarse_without_beads_on_the_string() -> None:
    weather = steady(60, speed=6.0)
    edges = np.append(weather.start, weather.end[-1])
    close = np.array([250.0, 400.0, 600.0])
    got = [
        PuffModel(PLANE, step=step).concentrations(
            [stack(height=5)], np.ones((60, 1)), close, np.zeros(3), WindField.of(weather), edges
        )[-1, :, 0]
        for step in (10.0, 150.0)
    ]
    assert got[1] == pytest.approx(got[0], rel=0.1)


def test_puffs_turn_with_a_wind_that_differs_from_place_to_place() -> None:
    """West wind at the source, south wind 3 km east of it: only the receptor north of the bend is hit late."""
    weather = steady(48, speed=3.0)
    field = WindField(
        weather.start,
        np.array([0.0, 4000.0]),
        np.zeros(2),
        np.full((48, 2), 3.0),
        np.tile([270.0, 180.0], (48, 1)),
        weather.stability,
        weather.temperature,
        weather.mixing_height,
    )
    edges = np.append(weather.start, weather.end[-1])
    east, north = np.array([3500.0, 9000.0]), np.array([3500.0, 0.0])
    bent = PuffModel(PLANE).concentrations([stack()], np.ones((48, 1)), east, north, field, edges)[-1, :, 0]
    straight = PuffModel(PLANE).concentrations([stack()], np.ones((48, 1)), east, north, WindField.of(weather), edges)[
        -1, :, 0
    ]
    assert bent[0] > 100 * max(straight[0], 1e-9)
    assert bent[1] < 0.01 * straight[1]


def test_a_wind_that_turns_in_time_sweeps_the_plume() -> None:
    weather = steady(48, speed=4.0)
    weather.wind_from[24:] = 180.0
    edges = np.append(weather.start, weather.end[-1])
    east, north = np.array([2000.0, 0.0]), np.array([0.0, 2000.0])
    got = PuffModel(PLANE).concentrations([stack()], np.ones((48, 1)), east, north, WindField.of(weather), edges)
    assert got[23, 0, 0] > 0
    assert got[23, 1, 0] == 0
    assert got[47, 1, 0] > 0
    assert got[47, 0, 0] < 1e-3 * got[23, 0, 0]


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (np.ones((3, 1)), "give \\(periods, sources\\)"),
        (np.full((2, 1), -1.0), "0 or more"),
        (np.full((2, 1), np.nan), "0 or"),
    ],
)
def test_rates_that_do_not_fit_are_refused(rates: np.ndarray, message: str) -> None:
    weather = steady(2)
    edges = np.append(weather.start, weather.end[-1])
    with pytest.raises(InputError, match=message):
        PuffModel(PLANE).concentrations([stack()], rates, EAST, NORTH, WindField.of(weather), edges)


def test_a_wind_field_with_gaps_is_refused() -> None:
    weather = steady(2)
    weather.wind_speed[1] = np.nan
    with pytest.raises(InputError, match="fill gaps"):
        WindField.of(weather)


def test_a_step_of_no_length_is_refused() -> None:
    with pytest.raises(InputError, match="usually 60"):
        PuffModel(PLANE, step=0.0)
