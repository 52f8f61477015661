"""A source found again from the arcs of a field study, by the engine's plume."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.arc_source import AXIS, STABILITY, Axis, found_source, main


def axis_of_any_stability() -> Axis:
    """Plumes that thin out the slower the more stable the air."""
    steeper = STABILITY[:, None]
    value = np.log(20.0) - (1.8 - 0.15 * steeper) * np.log(AXIS / 50.0)
    return Axis(value, np.log(0.12 * AXIS**0.93) - 0.1 * steeper)


def test_a_source_is_found_again_though_the_air_was_twice_as_stable_as_told() -> None:
    axis = axis_of_any_stability()
    rng = np.random.default_rng(3)
    arcs = np.repeat([50.0, 100.0, 200.0, 400.0, 800.0], 45)
    angle = np.radians(np.tile(np.linspace(-22, 22, 45), 5))
    east, north = arcs * np.sin(angle), arcs * np.cos(angle)
    values = axis.at(east + 5.0, north - 4.0, -0.05, np.log(50.0), 0.0, np.log(2.0))
    x, y, rate = found_source(axis, east, north, values * rng.lognormal(0, 0.1, len(arcs)), arcs)
    assert np.hypot(x + 5.0, y - 4.0) < 12.0
    assert rate == pytest.approx(50.0, rel=0.3)


def test_between_two_stabilities_a_plume_lies_between_and_beyond_the_last_it_stays() -> None:
    axis = axis_of_any_stability()
    east, north = np.zeros(1), np.full(1, 400.0)
    at = [float(np.log(axis.at(east, north, 0.0, 0.0, 0.0, s))[0]) for s in np.log([0.1, 0.25, 1.0, 1.41421356, 2.0])]
    assert at[0] == pytest.approx(at[1])
    assert at[3] == pytest.approx((at[2] + at[4]) / 2, abs=1e-6)


def test_a_made_up_source_is_found_again_with_its_rate() -> None:
    axis = axis_of_any_stability()
    rng = np.random.default_rng(2)
    arcs = np.repeat([50.0, 100.0, 200.0, 400.0, 800.0], 45)
    angle = np.radians(np.tile(np.linspace(-22, 22, 45), 5))
    east, north = arcs * np.sin(angle), arcs * np.cos(angle)
    values = axis.at(east - 8.0, north + 15.0, 0.03, np.log(70.0), 0.05, 0.0) * rng.lognormal(0, 0.15, len(arcs))
    x, y, rate = found_source(axis, east, north, values, arcs)
    assert np.hypot(x - 8.0, y + 15.0) < 12.0
    assert rate == pytest.approx(70.0, rel=0.25)


@pytest.mark.reference
def test_prairie_grass_gives_back_its_source_as_measured(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(shared / "data" / "dispersion" / "prairie_grass")]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["runs"] == 35
    assert line["within25"] >= 0.94  # 33 of 35
    assert line["within25_odd"] >= 0.88  # the half on which nothing was chosen
    assert line["fac2"] >= 0.91  # 33 of 35, two ratios at 2.0
    assert line["median_m"] <= 7.0  # 5.9
