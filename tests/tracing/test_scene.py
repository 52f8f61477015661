"""What is background and what is excess."""

import numpy as np
import pytest

from bihuan.tracing.scene import background, regional_shares


def network(rng: np.random.Generator, stations: int = 12, blocks: int = 20) -> np.ndarray:
    """Each station its own level over a common course, 3 % noise."""
    level = rng.uniform(-10, 10, (stations, 1))
    course = 60 + 10 * np.sin(np.arange(blocks) / 4)
    return level + course + rng.normal(0, 2, (stations, blocks))


def test_a_plume_on_two_stations_is_the_excess_and_nothing_else_is() -> None:
    values = network(np.random.default_rng(1))
    values[3, 14:] += 80
    values[7, 16:] += 40
    excess, noise, _ = background(values, 13)
    assert excess[3, 14:] == pytest.approx(80, abs=8)
    assert excess[7, 16:] == pytest.approx(40, abs=8)
    quiet = np.delete(excess, [3, 7], axis=0)
    assert np.abs(quiet).max() < 12
    assert np.median(noise) < 10


def test_a_rise_of_all_stations_leaves_no_excess() -> None:
    values = network(np.random.default_rng(2))
    values[:, 13:] += 70
    excess, noise, common = background(values, 13)
    assert np.abs(excess).max() < 12
    shared, rising = regional_shares(values, common, noise, 13, 0)
    assert shared == pytest.approx(1.0, abs=0.1)
    assert rising == 1.0


def test_a_rise_of_one_station_is_not_regional() -> None:
    values = network(np.random.default_rng(3))
    values[0, 13:] += 70
    _, noise, common = background(values, 13)
    shared, rising = regional_shares(values, common, noise, 13, 0)
    assert shared < 0.2
    assert rising < 0.3


def test_gaps_stay_gaps_and_a_dead_block_harms_nothing() -> None:
    values = network(np.random.default_rng(4))
    values[2] = np.nan
    values[:, 5] = np.nan
    values[4, :12] = np.nan
    excess, noise, common = background(values, 13)
    assert np.isnan(excess[2]).all()
    assert np.isnan(common[5])
    assert np.isfinite(excess[4, 13:]).all()
    assert np.isnan(noise[np.isnan(values)]).all()


def test_two_stations_get_a_wide_noise() -> None:
    values = network(np.random.default_rng(5), stations=2)
    noise = background(values, 13)[1]
    assert np.median(noise / values) > 0.25
