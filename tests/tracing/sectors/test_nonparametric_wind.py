"""The kernel by FFT is the sum over all hours, and the surface is openair's."""

from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.tracing.sectors import WindHours, wind_regression
from bihuan.tracing.sectors.nonparametric_wind import kernel_means
from tests.tracing.sectors import openair
from tests.tracing.sectors.test_polar_surface import peak_of
from tests.tracing.sectors.winds import apart, one_source, times


def direct(hours: WindHours, speed: np.ndarray, direction_spread: float, speed_spread: float) -> np.ndarray:
    """The definition: a weighted mean over all hours for every direction and speed."""
    made = np.empty((36, len(speed)))
    for i, direction in enumerate(np.arange(1, 37) * 10.0):
        off = (hours.wind_from - direction + 180) % 360 - 180
        around = np.exp(-0.5 * (off / direction_spread) ** 2)
        for j, at in enumerate(speed):
            weight = around * np.exp(-0.5 * ((hours.wind_speed - at) / speed_spread) ** 2)
            made[i, j] = (weight * hours.value).sum() / weight.sum()
    return made


def test_the_fft_kernel_is_the_direct_sum() -> None:
    random = np.random.default_rng(4)
    n = 500
    hours = WindHours.of(
        times(n), np.rint(random.uniform(0, 10, n) / 0.02) * 0.02, random.integers(1, 361, n), random.normal(50, 9, n)
    )
    speed = np.linspace(0, 10, 7)
    found, support = kernel_means(hours, speed, 12.0, 1.5)
    assert found == pytest.approx(direct(hours, speed, 12.0, 1.5), abs=1e-9)
    assert (support > 0).all()


def test_hours_between_the_bins_move_it_by_less_than_a_thousandth_of_its_range() -> None:
    hours, speed = one_source(n=3000), np.linspace(0.5, 8, 6)
    found, _ = kernel_means(hours, speed, 5.0, 1.5)
    truth = direct(hours, speed, 5.0, 1.5)
    assert np.sqrt(np.mean((found - truth) ** 2)) < 1.5e-3 * np.ptp(truth)


def test_a_source_in_the_north_is_whole_on_both_sides_of_it() -> None:
    found = wind_regression(one_source(360.0))
    assert apart(peak_of(found.axis, found.value), 0.0) < 12
    left, right = found.estimate[34], found.estimate[0]  # 350 and 10 degrees
    assert left[5:20] == pytest.approx(right[5:20], rel=0.1)


def test_a_few_hours_give_no_value_outside_their_own_range() -> None:
    for seed in range(4):
        hours = one_source(n=32, seed=seed)
        found = wind_regression(hours).value
        assert np.nanmin(found) >= hours.value.min() and np.nanmax(found) <= hours.value.max()


def test_one_speed_or_no_hour_is_refused() -> None:
    for speed in ([2.0, 2.0], [np.nan, np.nan]):
        with pytest.raises(InputError, match="more than one wind speed"):
            wind_regression(WindHours.of(times(2), speed, [10, 20], [1, 2]))


@pytest.mark.reference
def test_the_regression_is_openairs(shared: Path) -> None:
    found = wind_regression(openair.hours(shared, "so2"))
    told = openair.surface(shared, "polarPlot_so2_nwr")
    assert (np.isfinite(found.value) == np.isfinite(told)).all()
    correlation, rms = openair.agreement(found.value, told)
    assert correlation > 0.99999 and rms < 0.001  # the target is 0.01
