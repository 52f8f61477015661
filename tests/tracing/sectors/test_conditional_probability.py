"""CPF and CBPF name the direction of a source, with an interval, and agree with openair."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.tracing.sectors import WindHours, cbpf, cpf
from tests.tracing.sectors import openair
from tests.tracing.sectors.winds import apart, one_source, times


def test_the_direction_of_the_source_beats_the_share_over_all() -> None:
    found = cpf(one_source(225.0), 90)
    best = int(np.nanargmax(found.probability))
    assert apart(float(found.direction[best]), 225.0) <= 10
    assert found.low[best] > found.overall == pytest.approx(0.1, abs=0.001)
    away = [i for i in range(36) if apart(float(found.direction[i]), 225.0) > 60]
    assert not (found.low[away] > found.overall).any()


def test_without_a_source_hardly_a_direction_stands_out() -> None:
    found = cpf(one_source(height=0.0), 90)
    assert (found.low > found.overall).sum() <= 3  # 36 intervals of 95 %


def test_hours_without_a_value_do_not_make_a_direction_clean() -> None:
    hours = one_source(225.0)
    lost = np.where(np.arange(len(hours)) % 2 == 0, np.nan, hours.value)
    half = WindHours(hours.start, hours.wind_speed, hours.wind_from, lost)
    assert np.nanmax(cpf(half).probability) == pytest.approx(np.nanmax(cpf(hours).probability), abs=0.12)
    assert np.nanmax(cpf(half, count_missing=True).probability) < 0.6 * np.nanmax(cpf(hours).probability)


def test_a_threshold_can_be_given_and_a_calm_has_no_direction() -> None:
    found = cpf(WindHours.of(times(3), [0, 2, 2], [90, 90, 90], [9, 9, 1]), threshold=5.0)
    assert (found.high[8], found.count[8], found.threshold) == (1, 2, 5.0)
    assert found.probability[8] == 0.5
    assert 0 < found.low[8] < 0.5 < found.upper[8] < 1


def test_the_bivariate_share_finds_the_speed_as_well() -> None:
    random = np.random.default_rng(3)
    n = 6000
    turn, speed = random.uniform(0, 360, n), random.uniform(0, 10, n)
    stack = (np.abs(turn - 90) < 20) & (speed > 6) & (speed < 8)
    found = cbpf(WindHours.of(times(n), speed, turn, np.where(stack, 100.0, 10.0 + random.random(n))), 95, 100, need=3)
    row, column = np.unravel_index(np.nanargmax(found.probability), found.probability.shape)
    assert apart(float(found.direction[row]), 90) <= 20
    assert 6 <= found.speed[column] < 8


def test_no_usable_hour_gives_no_share() -> None:
    empty = WindHours.of(times(2), [np.nan, 1], [np.nan, 20], [5, np.nan])
    assert np.isnan(cbpf(empty, 90, 100).probability).all()
    assert np.isnan(cpf(empty).overall)


@pytest.mark.reference
def test_the_cpf_is_openairs(shared: Path) -> None:
    # openair keeps calms that carry a direction, and counts hours without a value as not high
    frame = openair.frame(shared)
    calm = (pl.col("wind_speed") == 0) & (pl.col("wind_from") == 0)
    kept = pl.when(calm | (pl.col("wind_speed") > 0)).then("wind_speed").otherwise(0.01)
    frame = frame.with_columns(pl.when(pl.col("wind_speed").is_null()).then(None).otherwise(kept).alias("wind_speed"))
    found = cpf(WindHours.of_frame(frame, "so2"), 95, count_missing=True)
    told = openair.table(shared, "cpf_so2_95").filter(pl.col("percentile") == 95)
    middles = {int(wd) + 5: share for wd, share in told.filter(pl.col("id") % 2 == 1).select("wd", "so2").iter_rows()}
    assert {int(at): share for at, share in zip(found.direction, found.probability, strict=True)} == pytest.approx(
        {at: share for at, share in middles.items() if at in range(10, 361, 10)}, abs=1e-12
    )
