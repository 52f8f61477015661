"""Low-cost sensors against a reference: known coefficients come back, unseen errors are honest, real drift is seen."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.core import InputError
from bihuan.observations import Calibration, calibrate, growth, recheck
from bihuan.observations.calibration import blocks_of

T0 = np.datetime64("2026-01-01T00:00")


def pairs(hours: int = 24 * 40, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    start = T0 + np.arange(hours) * np.timedelta64(1, "h")
    humidity = np.clip(60 + 25 * np.sin(np.arange(hours) / 24 * 2 * np.pi) + 6 * rng.standard_normal(hours), 10, 94)
    reference = np.exp(3.5 + 0.6 * np.sin(np.arange(hours) / 90) + 0.2 * rng.standard_normal(hours))
    return {"start": start, "humidity": humidity, "reference": reference, "noise": rng.standard_normal(hours)}


def test_the_growth_of_particles_is_the_formula_of_the_theory() -> None:
    """kappa 0.4, density 1.65, RH 80 %: 1 + 0.4 / 1.65 * 0.8 / 0.2, by hand."""
    assert growth(np.array([80.0]), 0.4)[0] == pytest.approx(1 + 0.4 / 1.65 * 4)
    assert growth(np.array([50.0]), 0.0)[0] == 1.0
    assert growth(np.array([100.0]), 0.4)[0] == growth(np.array([95.0]), 0.4)[0], "no pole at saturation"


def test_a_linear_sensor_gives_its_line_back_and_no_form_with_more_terms_is_chosen() -> None:
    p = pairs()
    raw = (p["reference"] - 5) / 0.5 + p["noise"]
    made = calibrate(p["start"], raw, p["reference"], p["humidity"])
    assert made.form == "linear"
    assert made.coefficients == pytest.approx((5, 0.5), abs=0.3)


def test_a_sensor_that_drinks_water_is_told_by_the_growth_form_with_its_kappa() -> None:
    p = pairs()
    raw = p["reference"] * growth(p["humidity"], 0.4) * 2 + p["noise"]
    made = calibrate(p["start"], raw, p["reference"], p["humidity"])
    assert made.form == "growth"
    assert made.kappa == pytest.approx(0.4)
    assert made.coefficients[1] == pytest.approx(0.5, rel=0.02)


def test_the_interval_holds_what_it_promises_on_later_data() -> None:
    p = pairs(24 * 80)
    raw = p["reference"] * 1.5 + 6 * p["noise"]
    half = len(raw) // 2
    made = calibrate(p["start"][:half], raw[:half], p["reference"][:half])
    later = recheck(made, p["start"][half:], raw[half:], p["reference"][half:])
    assert later.holds
    assert 0.92 < later.covered < 0.98


def test_a_sensor_that_loses_its_gain_no_longer_holds() -> None:
    p = pairs(24 * 80)
    gain = np.where(np.arange(24 * 80) < 24 * 40, 1.5, 0.8)
    raw, half = p["reference"] * gain + 2 * p["noise"], 24 * 40
    made = calibrate(p["start"][:half], raw[:half], p["reference"][:half])
    found = recheck(made, p["start"][half:], raw[half:], p["reference"][half:])
    assert not found.holds
    assert found.high < 0


def test_blocks_follow_each_other_in_time() -> None:
    block = blocks_of(T0 + np.arange(100) * np.timedelta64(1, "h"), 5)
    assert np.all(np.diff(block) >= 0)
    assert np.bincount(block).tolist() == [20, 20, 20, 20, 20]


def test_an_unseen_error_is_not_the_error_of_the_fit() -> None:
    """A reference that steps half way: the fit spreads the step, hidden blocks show it."""
    p = pairs()
    reference = p["reference"] + np.where(np.arange(len(p["reference"])) < 24 * 20, 0, 40)
    made = calibrate(p["start"], p["reference"] + p["noise"], reference, forms=("linear",))
    inside = np.sqrt(np.mean((made(p["reference"] + p["noise"]) - reference) ** 2))
    assert made.scores[0].rmse > 1.1 * inside


def test_too_few_pairs_are_refused_with_what_is_needed() -> None:
    p = pairs(100)
    with pytest.raises(InputError, match="200 pairs on 14 days"):
        calibrate(p["start"], p["reference"], p["reference"])


def test_a_form_that_needs_humidity_says_so_when_there_is_none() -> None:
    p = pairs()
    made = calibrate(p["start"], p["reference"] * growth(p["humidity"], 0.6), p["reference"], p["humidity"])
    with pytest.raises(InputError, match="needs humidity"):
        made(p["reference"])


def devito(shared: Path) -> pl.DataFrame:
    table = pl.read_csv(shared / "data" / "uci_air_quality_devito" / "devito_2004-03_09.csv.gz")
    numbers = [name for name in table.columns if name not in {"Date", "Time"}]
    return table.with_columns(
        start=(pl.col("Date") + "T" + pl.col("Time")).str.to_datetime(),
        **{name: pl.when(pl.col(name) == -200).then(None).otherwise(pl.col(name)).cast(pl.Float64) for name in numbers},
    ).sort("start")


def columns(table: pl.DataFrame, *names: str) -> list[np.ndarray]:
    return [table[name].fill_null(np.nan).to_numpy() for name in names]


def fitted(table: pl.DataFrame) -> Calibration:
    raw, co, humidity, temperature = columns(table, "PT08.S1(CO)", "CO(GT)", "RH", "T")
    return calibrate(table["start"].to_numpy(), raw, co, humidity, temperature, ("linear", "humidity", "weather"))


@pytest.mark.reference
def test_a_real_metal_oxide_sensor_is_calibrated_and_seen_to_drift(shared: Path) -> None:
    """De Vito 2008: CO by a metal-oxide sensor beside an analyser; five weeks to learn on, months to check."""
    table = devito(shared)
    begin = datetime(2004, 3, 11, tzinfo=UTC).replace(tzinfo=None)
    made = fitted(table.filter(pl.col("start").is_between(begin, begin + timedelta(days=42))))
    best = next(score for score in made.scores if score.form == made.form)
    assert best.r2 > 0.75
    assert made.uncertainty > 1.5 * best.rmse, "the interval comes from unseen errors"
    covered = []
    for month in (5, 7, 9):
        part = table.filter(pl.col("start").dt.month() == month)
        raw, co, humidity, temperature = columns(part, "PT08.S1(CO)", "CO(GT)", "RH", "T")
        covered.append(recheck(made, part["start"].to_numpy(), raw, co, humidity, temperature).covered)
    assert covered[0] > 0.85
