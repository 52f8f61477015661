"""Trends: known slopes come back, flat ones are not called trends, and openair's slope to the last digit."""

from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.tracing.sectors import WindHours, means, rolling_means, seasons, smooth_trend, theil_sen
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


# How R's stl, asked as openair asks it, weighed the months of NOx: six times what it took for the median size of the
# rest in each round. In four rounds it is not the median (72.125, 69.962, 72.021, 69.825): its partial sort is told the
# two middle places of an even number in the wrong order. Measured with R 4.2.2.
SIX_MEDIANS = [
    75.0580945321600, 69.0783609991220, 71.9521790973687, 69.8358738639176, 69.7241785221646, 71.1936241267294,
    118.4288927104820, 72.3966864776275, 72.0770780492925, 62.6188069183404, 67.3547434063687, 70.3021172936340,
    69.5997377611197, 69.7362799431553, 62.9578207136453,
]  # fmt: skip


@pytest.mark.reference
def test_with_the_medians_that_r_took_the_slope_without_the_season_is_openairs(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = iter(SIX_MEDIANS)

    def weighed(rest: np.ndarray) -> np.ndarray:
        size, six = np.abs(rest), next(rounds)
        near = (1 - np.minimum(size / six, 1.0) ** 2) ** 2
        return np.where(size <= 0.001 * six, 1.0, np.where(size <= 0.999 * six, near, 0.0))

    monkeypatch.setattr(seasons, "_robust", weighed)
    found = theil_sen(openair.hours(shared, "nox"), deseasonalise=True, autocorrelated=True)
    told = openair.table(shared, "TheilSen_nox_deseason_autocor").to_dicts()[0]
    assert found.slope == pytest.approx(told["slope"], rel=1e-9)
    assert found.value.mean() == pytest.approx(told["conc"], rel=1e-10)


@pytest.mark.reference
def test_of_an_odd_number_of_months_the_season_is_rs(shared: Path) -> None:
    """89 months, where R's median is one: `stl(x, s.window=11, s.degree=1, robust=TRUE)` of R 4.2.2."""
    parts = parts_of(means(openair.hours(shared, "nox"), "month", 0.0).value[:89])
    told = [3.09357596429217, 88.7226886801465, 0.050161124611971, 0.626089490247105, -35.5302021208108]
    assert parts.season[[0, 1, 44, 87, 88]] == pytest.approx(told, rel=1e-10)
    assert parts.season.mean() == pytest.approx(-0.409792530005635, rel=1e-10)


def test_a_smooth_trend_follows_a_bend_and_its_band_holds_it() -> None:
    hours = daily(8, 0.0, noise=8.0, seed=5)
    day = (hours.start - hours.start[0]) / np.timedelta64(1, "D")
    bend = 20 * np.sin(2 * np.pi * day / day[-1])
    found = smooth_trend(WindHours(hours.start, hours.wind_speed, hours.wind_from, hours.value + bend))
    at = (found.day - hours.start[0].astype("datetime64[D]")) / np.timedelta64(1, "D") + 15
    true = 100 + 20 * np.sin(2 * np.pi * at / day[-1])
    assert np.abs(found.curve - true)[3:-3].max() < 2.0
    assert ((found.lower < true) & (true < found.upper)).mean() > 0.8
    assert found.conclusive and 4 < found.freedom < 10


def test_a_level_series_becomes_a_level_and_a_line_a_line() -> None:
    level = smooth_trend(daily(5, 0.0, noise=8.0, seed=3))
    assert not level.conclusive
    assert np.ptp(level.curve) < 1.5
    line = smooth_trend(daily(6, -4.0))
    assert line.curve[-1] - line.curve[0] == pytest.approx(-4.0 * 71 / 12, abs=0.2)
    assert line.conclusive


def test_a_smooth_trend_takes_the_season_out_and_leaves_holes() -> None:
    hours = daily(6, -3.0, season=30.0, noise=5.0)
    month = hours.start.astype("datetime64[M]").astype(int) - 540
    holed = WindHours(
        hours.start, hours.wind_speed, hours.wind_from, np.where((month >= 20) & (month < 23), np.nan, hours.value)
    )
    plain, taken = smooth_trend(holed), smooth_trend(holed, deseasonalise=True)
    assert taken.months == 69 and np.isnan(taken.value[20:23]).all() and np.isfinite(taken.curve).all()
    assert (taken.upper - taken.lower).mean() < 0.5 * (plain.upper - plain.lower).mean()
    with pytest.raises(InputError, match="a trend needs 6"):
        smooth_trend(hours.between("2015-01-01", "2015-06-01"))


@pytest.mark.reference
def test_the_smooth_trend_is_that_of_a_gam_with_shrinkage(shared: Path) -> None:
    """`gam(y ~ s(x), select = TRUE)` of mgcv 1.8-41 on the monthly means, as openair's smoothTrend asks it."""
    found = smooth_trend(openair.hours(shared, "nox"))
    five = [0, 24, 49, 74, 99]
    told = [194.906935978277, 207.255052705746, 178.18361729518, 155.935918620455, 152.290217423346]
    error = [11.5751667795019, 7.22853337188902, 7.2191597317977, 7.22315956353778, 11.5851145059451]
    assert found.score <= 1254.66137685611 * (1 + 1e-6)
    assert found.freedom == pytest.approx(4.57285789575118, rel=1e-2)
    assert found.curve[five] == pytest.approx(told, rel=1e-2)  # another point of a flat minimum, of no larger score
    assert ((found.upper - found.lower) / 2 / 1.959963984540054)[five] == pytest.approx(error, rel=7e-2)
