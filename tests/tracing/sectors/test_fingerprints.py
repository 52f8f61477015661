"""When it is high: in the city's time, with intervals that know that neighbouring hours resemble each other."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bihuan.tracing.sectors import WindHours, fingerprints
from tests.tracing.sectors.winds import times

CHINA = ZoneInfo("Asia/Shanghai")


def of(value: np.ndarray) -> WindHours:
    none = np.full(len(value), np.nan)
    return WindHours.of(times(len(value)), none, none, value)


def test_the_hour_is_the_citys_and_not_utc() -> None:
    hour = np.arange(24 * 70) % 24
    found = fingerprints(of(np.where(hour == 0, 90.0, 30.0)), CHINA)
    assert int(np.argmax(found.hour.mean)) == 8
    assert (found.hour.mean[8], found.hour.lower[8], found.hour.upper[8]) == pytest.approx((90, 90, 90))


def test_days_of_the_week_and_months_carry_their_names() -> None:
    n = 24 * 400
    local = times(n) + np.timedelta64(8, "h")
    monday = (local.astype("datetime64[D]").astype(int) - 4) % 7 == 0
    january = local.astype("datetime64[M]").astype(int) % 12 == 0
    found = fingerprints(of(20.0 + 30 * monday + 50 * january), CHINA)
    assert found.weekday.at[int(np.argmax(found.weekday.mean))] == 1
    assert found.month.at[int(np.nanargmax(found.month.mean))] == 1
    assert found.hour_of_week.count.sum() == n


def test_weeks_that_hang_together_widen_the_interval() -> None:
    random = np.random.default_rng(1)
    weekly = random.normal(0, 10, 40)
    n = 24 * 7 * 40
    monday = np.datetime64("2025-01-05T16", "us") - times(1)[0]  # midnight of a Monday in China
    none = np.full(n, np.nan)
    hours = [
        WindHours.of(times(n) + monday, none, none, 50 + value)
        for value in (random.normal(0, 10, n), np.repeat(weekly, 24 * 7))
    ]
    widths = [np.nanmean(found.hour.upper - found.hour.lower) for found in (fingerprints(h, CHINA) for h in hours)]
    assert widths[0] == pytest.approx(2 * 1.96 * 10 / np.sqrt(40 * 7), rel=0.15)
    assert widths[1] == pytest.approx(2 * 1.96 * weekly.std() / np.sqrt(40), rel=0.15)


def test_what_was_seen_in_one_week_only_has_no_interval() -> None:
    found = fingerprints(of(np.arange(48.0)), CHINA)
    assert found.weeks == 1
    assert np.isnan(found.hour.lower).all() and np.isfinite(found.hour.mean).all()
    empty = fingerprints(of(np.full(24, np.nan)), CHINA)
    assert empty.weeks == 0 and np.isnan(empty.hour.mean).all()
