"""Means on one clock."""

import numpy as np
import pytest

from bihuan.core import Series, Weather
from bihuan.physics import block_means, block_starts, block_weather
from tests.physics.scenes import steady

FIRST = np.datetime64("2026-01-01T00:00", "us")


def minutes(values: list[float], usable: list[bool] | None = None) -> Series:
    start = FIRST + np.arange(len(values)) * np.timedelta64(5, "m")
    good = np.array(usable if usable is not None else [True] * len(values))
    return Series("S", "pm10", "minute", start, start + np.timedelta64(5, "m"), np.array(values), good)


def test_a_block_is_the_mean_of_its_usable_values() -> None:
    series = minutes([1, 2, 90, 4, float("nan"), 6], [True, True, False, True, True, True])
    assert block_means(series, FIRST, 900.0, 3)[:2] == pytest.approx([1.5, 5.0])


def test_a_block_without_values_is_missing_and_values_outside_are_left_out() -> None:
    got = block_means(minutes([3.0] * 3), FIRST - np.timedelta64(15, "m"), 900.0, 3)
    assert np.isnan(got[[0, 2]]).all()
    assert got[1] == 3.0


def test_directions_average_as_vectors_across_north() -> None:
    weather = steady(6)
    weather.wind_from[:] = [350, 10, 350, 10, 90, 90]
    got = block_weather(weather, block_starts(FIRST, 600.0, 3), 600.0)
    assert (got.wind_from + 1) % 360 == pytest.approx([1, 1, 91])
    assert got.wind_speed == pytest.approx([4.0] * 3)


def test_looking_back_takes_the_wind_before_the_block() -> None:
    weather = steady(6)
    weather.wind_speed[:] = [2, 2, 4, 4, 6, 6]
    got = block_weather(weather, block_starts(FIRST, 600.0, 3), 600.0, back=600.0)
    assert got.wind_speed == pytest.approx([2, 3, 5])


def test_hourly_weather_serves_shorter_blocks() -> None:
    five = steady(24)
    hour = Weather(
        FIRST + np.arange(2) * np.timedelta64(1, "h"),
        FIRST + np.arange(1, 3) * np.timedelta64(1, "h"),
        np.array([2.0, 5.0]),
        np.array([90.0, 180.0]),
        np.array([3, 4]),
        np.array([280.0, np.nan]),
        np.array([np.nan, 300.0]),
    )
    got = block_weather(hour, five.start, 300.0)
    assert got.wind_speed == pytest.approx([2.0] * 12 + [5.0] * 12)
    assert got.stability.tolist() == [3] * 12 + [4] * 12
    assert np.isnan(got.mixing_height[:12]).all()
    assert np.isnan(got.temperature[12:]).all()


def test_a_missing_wind_stays_missing() -> None:
    weather = steady(4)
    weather.wind_speed[2:] = np.nan
    got = block_weather(weather, block_starts(FIRST, 600.0, 2), 600.0)
    assert np.isfinite(got.wind_from[0])
    assert np.isnan(got.wind_speed[1])
    assert np.isnan(got.wind_from[1])
