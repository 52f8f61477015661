"""A collocation goes from planned to a calibration with dates, and the calibration is applied on read only."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from bihuan.core import InputError, Ref, from_json, to_json
from bihuan.observations import (
    PAIRS_SCHEMA,
    Collocation,
    begin,
    calibrated,
    judge_collocation,
    plan_collocation,
    withdraw,
)
from tests.observations.tables import T0, hourly

HOUR = timedelta(hours=1)
DONE = T0 + timedelta(days=28)
REFERENCE = Ref("station", "1317A")


def side_by_side(gain: float = 0.5, noise: float = 1.0, hours: int = 24 * 28) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    reference = np.exp(3.6 + 0.5 * np.sin(np.arange(hours) / 80) + 0.2 * rng.standard_normal(hours))
    raw = reference / gain + noise * rng.standard_normal(hours)
    starts = [T0 + k * HOUR for k in range(hours)]
    table = {"start": starts, "raw": raw, "reference": reference, "humidity": [None] * hours, "temperature": None}
    return pl.DataFrame(table, schema=PAIRS_SCHEMA)


def running() -> Collocation:
    held = plan_collocation("MN9", "pm25", REFERENCE, T0, "P1", T0)
    return begin(held, "P1", T0 + HOUR)


def passed() -> Collocation:
    return judge_collocation(running(), side_by_side(), "P1", DONE)


def test_a_good_collocation_passes_and_its_calibration_runs_out_by_itself() -> None:
    held = passed()
    assert [step.state for step in held.steps] == ["planned", "running", "passed"]
    assert held.valid is not None
    assert held.state_at(DONE) == "passed"
    assert held.state_at(held.valid.end) == "expired"
    assert from_json(to_json(held), Collocation) == held


def test_a_bad_one_fails_with_the_reason_and_gives_nothing_to_apply() -> None:
    held = judge_collocation(running(), side_by_side(noise=400.0), "P1", DONE)
    assert (held.state, held.finding, held.valid) == ("failed", "error", None)
    few = judge_collocation(running(), side_by_side(hours=50), "P1", DONE)
    assert (few.state, few.finding, few.calibration) == ("failed", "few_pairs", None)


def test_a_calibration_is_laid_over_the_readings_of_its_own_device_and_time_only() -> None:
    held = passed()
    table = pl.concat([hourly([80.0] * 4, device="MN9"), hourly([80.0] * 4, device="MN8")])
    moved = table.with_columns(start=pl.col("start") + timedelta(days=28) - 2 * HOUR)
    read = calibrated(moved, [held])
    assert read["calibration"].to_list() == ["", "", held.id, held.id, "", "", "", ""]
    assert read["value"].to_list() == pytest.approx([80, 80, 40, 40, 80, 80, 80, 80], abs=1.5)
    assert read["uncertainty"].null_count() == 6
    assert moved["value"].to_list() == [80.0] * 8, "what is stored stays"


def test_a_reading_beyond_what_was_compared_says_so() -> None:
    table = hourly([5000.0, 80.0], device="MN9").with_columns(start=pl.col("start") + timedelta(days=29))
    assert calibrated(table, [passed()])["beyond"].to_list() == [True, False]


def test_a_withdrawn_calibration_holds_for_what_was_read_before() -> None:
    held = withdraw(passed(), "P2", DONE + timedelta(days=10), "the inlet was found blocked")
    days = pl.concat([hourly([80.0], device="MN9").with_columns(start=DONE + timedelta(days=d)) for d in (5, 15)])
    days = days.with_columns(pl.col("start").dt.cast_time_unit("us").dt.convert_time_zone("UTC"))
    assert calibrated(days, [held])["calibration"].to_list() == [held.id, ""]


def test_steps_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="planned and cannot become judged"):
        judge_collocation(plan_collocation("MN9", "pm25", REFERENCE, T0, "P1", T0), side_by_side(), "P1", DONE)
    with pytest.raises(InputError, match="only with a reason"):
        withdraw(passed(), "P2", DONE, " ")
    with pytest.raises(InputError, match="needs a person"):
        plan_collocation("MN9", "pm25", REFERENCE, T0, "", T0)
