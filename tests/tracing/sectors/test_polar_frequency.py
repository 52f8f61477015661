"""Cells of direction and speed hold what was measured there."""

from pathlib import Path

import numpy as np
import pytest

from bihuan.tracing.sectors import WindHours, polar_frequency
from tests.tracing.sectors import openair
from tests.tracing.sectors.winds import one_source, times


@pytest.mark.parametrize(
    ("statistic", "want"), [("count", 4), ("mean", 4), ("median", 3), ("maximum", 8), ("deviation", 3.16227766)]
)
def test_a_statistic_of_one_cell_is_that_of_its_hours(statistic: str, want: float) -> None:
    hours = WindHours.of(times(6), [1.5, 2, 1.2, 1.1, 5, np.nan], [90, 91, 89, 94, 90, 90], [1, 5, 2, 8, 100, 7])
    found = polar_frequency(hours, statistic)  # type: ignore[arg-type]
    values = [1.0, 5.0, 2.0, 8.0]
    want = {"median": 3.5, "deviation": float(np.std(values, ddof=1))}.get(statistic, want)
    assert found.value[8, 1] == pytest.approx(want)
    assert (found.count[8, 1], found.count.sum()) == (4, 5)


def test_contributions_add_up_to_all_and_thin_cells_are_left_out() -> None:
    assert np.nansum(polar_frequency(one_source(), "contribution").value) == pytest.approx(100)
    thin = polar_frequency(one_source(n=200), need=3)
    assert np.isnan(thin.value[thin.count < 3]).all()


@pytest.mark.reference
def test_every_cell_is_openairs(shared: Path) -> None:
    told = {(wd, ws): z**2 for ws, wd, z in openair.table(shared, "polarFreq_so2").select("ws", "wd", "weights").rows()}
    north = openair.frame(shared).sort("start")["wind_from"].to_numpy() == 0  # openair keeps 0 and 360 apart
    hours, seen = openair.hours(shared, "so2"), 0
    for part, name in ((hours.only(~north), 360), (hours.only(north), 0)):
        found = polar_frequency(part)
        for row, column in np.argwhere(np.isfinite(found.value)):
            direction = int(found.direction[row])
            key = (name if direction == 360 else direction, int(found.speed[column]))
            assert found.value[row, column] == pytest.approx(told[key], rel=1e-9), key
            seen += 1
    assert seen == len(told) == 489
