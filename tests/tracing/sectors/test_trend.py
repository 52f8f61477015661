"""Trends: known slopes come back, flat ones are not called trends, and openair's slope to the last digit."""

from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.tracing.sectors import WindHours, means, rolling_means, theil_sen
from bihuan.tracing.sectors.seasons import filled_months, parts_of
from tests.tracing.sectors import openair

DAYS = 365.0


def daily(years: int, slope: float, season: float = 0.0, noise: float = 0.0, seed: int = 1) -> WindHours:
    """A value a day at noon: 100, a slope a year, a season."""
    day = np.arange(round(365.25 * years))
    start = np.datetime64("2015-01-01T12", "us") + day * np.timedelta64(1, "D")
    wave = season * np.cos(2 * np.pi * day / 365.25)
    value = 100 + slope * day / DAYS + wave + np.random.default_rng(seed).normal(0, 1, len(day)) * noise
    none = np.full(len(day), np.nan)
    return WindHours.of(start, none, none, value)


def test_a_straight_line_has_its_own_slope() -> None:
    found = theil_sen(daily(6, -4.0))
    assert (found.slope, found.lower, found.upper) == pytest.approx((-4.0, -4.0, -4.0), abs=0.02)
    assert found.percent == pytest.approx(-4.0, abs=0.1)
    assert found.p == 0 and found.conclusive
    assert found.line[-1] == pytest.approx(found.value[-1], abs=0.2)


def test_the_season_is_taken_out_before_the_slope() -> None:
    hours = daily(6, -3.0, season=30.0, noise=5.0)
    plain, taken = theil_sen(hours), theil_sen(hours, deseasonalise=True)
    assert taken.slope == pytest.approx(-3.0, abs=0.3)
    assert taken.upper - taken.lower < 0.5 * (plain.upper - plain.lower)
    assert taken.deseasonalised and not plain.deseasonalised


def test_noise_without_a_slope_is_no_trend() -> None:
    found = theil_sen(daily(5, 0.0, noise=8.0, seed=3), autocorrelated=True)
    assert not found.conclusive
    assert found.lower < 0 < found.upper
    assert found.block == 4  # cube root of 60 months


def test_one_bad_month_does_not_turn_the_trend() -> None:
    hours = daily(4, 2.0, noise=1.0)
    value = hours.value.copy()
    value[-20:] = 900
    spoilt = WindHours(hours.start, hours.wind_speed, hours.wind_from, value)
    assert theil_sen(spoilt).slope == pytest.approx(2.0, abs=0.35)


def test_a_hole_of_months_stays_a_hole() -> None:
    hours = daily(5, -3.0, season=20.0)
    month = hours.start.astype("datetime64[M]").astype(int) - 540
    value = np.where((month >= 20) & (month < 23), np.nan, hours.value)
    found = theil_sen(WindHours(hours.start, hours.wind_speed, hours.wind_from, value), deseasonalise=True)
    assert np.isnan(found.value[20:23]).all() and found.months == 57
    assert found.slope == pytest.approx(-3.0, abs=0.3)


def test_five_months_are_too_few() -> None:
    with pytest.raises(InputError, match="5 months have a mean: a trend needs 6"):
        theil_sen(daily(6, 1.0).between("2015-01-01", "2015-06-01"))


def test_a_series_of_trend_and_season_is_taken_apart() -> None:
    at = np.arange(96)
    season = 10 * np.sin(2 * np.pi * at / 12)
    parts = parts_of(50 + 0.2 * at + season)
    assert parts.season[12:-12] == pytest.approx(season[12:-12], abs=0.3)
    assert parts.trend + parts.season + parts.rest == pytest.approx(50 + 0.2 * at + season)
    holed = np.where(at == 40, np.nan, 50 + season)
    assert filled_months(holed)[40] == pytest.approx(50 + season[40], abs=2)
    with pytest.raises(InputError, match="two cycles"):
        parts_of(season[:20])


def test_rolling_means_ask_for_their_share() -> None:
    value = np.array([1.0, 2, np.nan, 4, 5, 6])
    assert rolling_means(value, 3, 0.6) == pytest.approx([np.nan, 1.5, 3, 4.5, 5, np.nan], nan_ok=True)
    assert np.isnan(rolling_means(value, 3, 1.0)[1:4]).all()


@pytest.mark.reference
@pytest.mark.parametrize(("pollutant", "digits"), [("nox", 1e-11), ("o3", 1e-11), ("pm25", 1e-11), ("co", 1e-11)])
def test_means_of_days_and_months_are_openairs(shared: Path, pollutant: str, digits: float) -> None:
    hours = openair.hours(shared, pollutant)
    for name, every, need in (("day", "day", 0.0), ("month75", "month", 0.75)):
        told, found = openair.table(shared, f"timeAverage_{name}"), means(hours, every, need)  # type: ignore[arg-type]
        assert found.value == pytest.approx(openair.numbers(told, pollutant), rel=digits, nan_ok=True)
        assert found.wind_speed == pytest.approx(openair.numbers(told, "ws"), rel=digits, nan_ok=True)
        assert found.wind_from == pytest.approx(openair.numbers(told, "wd"), rel=digits, nan_ok=True)


@pytest.mark.reference
def test_rolling_means_are_openairs_away_from_the_ends(shared: Path) -> None:
    told = openair.numbers(openair.table(shared, "rolling8_head3000"), "rolling8o3")
    ozone = openair.frame(shared)["o3"].head(3000).fill_null(float("nan")).to_numpy()
    assert rolling_means(ozone, 8)[8:-8] == pytest.approx(told[8:-8], rel=1e-11, nan_ok=True)


@pytest.mark.reference
def test_the_slope_is_openairs(shared: Path) -> None:
    found, told = theil_sen(openair.hours(shared, "nox")), openair.table(shared, "TheilSen_nox").to_dicts()[0]
    assert found.slope == pytest.approx(told["slope"], rel=1e-12)
    assert found.percent == pytest.approx(told["slope.percent"], rel=1e-12)
    # intervals are of other draws
    assert (found.lower, found.upper) == pytest.approx((told["lower"], told["upper"]), abs=0.5)
    assert found.p == told["p"] == 0


@pytest.mark.reference
def test_without_the_season_the_slope_lies_within_a_quarter_of_a_percent_of_openairs(shared: Path) -> None:
    found = theil_sen(openair.hours(shared, "nox"), deseasonalise=True, autocorrelated=True)
    told = openair.table(shared, "TheilSen_nox_deseason_autocor").to_dicts()[0]
    assert found.slope == pytest.approx(told["slope"], rel=2.5e-3)
    assert found.block == 4
