"""A matrix is the same wherever its parts are computed, and goes on after an interruption."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bihuan.app import compute
from bihuan.app.compute import matrix_plan, run_matrix
from bihuan.core import InputError, StoreError
from bihuan.physics import AreaSource, PointSource, Receptors, SteadyPlume, VolumeSource, footprint
from tests.physics.steady.hours import STABLE, layer

HOURS = {name: [noon, STABLE.get(name, noon), 0.0] for name, noon in (("wind_speed", 3.0),)} | {
    "wind_from": [270.0, 225.0, 0.0]
}
SOURCES = [
    PointSource("stack", 0.0, 0.0, 40.0, 1.0, 10.0, 400.0),
    VolumeSource("hall", 50.0, 20.0, 5.0, 8.0, 3.0),
    AreaSource.rectangle("yard", -100.0, -50.0, 80.0, 60.0),
]
RECEPTORS = Receptors(np.array([500.0, 900.0, 400.0]), np.array([0.0, 40.0, 380.0]), np.zeros(3))


@pytest.fixture(scope="module")
def plume() -> SteadyPlume:
    return SteadyPlume(layer(**HOURS), RECEPTORS, SOURCES, threads=1)


PERIOD = np.array([0, 1, 1])
"""A calm hour is the third."""


@pytest.mark.parametrize("where", ["here", "threads", "processes"])
def test_a_matrix_is_the_same_wherever_it_is_computed(tmp_path: Path, plume: SteadyPlume, where: str) -> None:
    pools: dict[str, Executor | None] = {"here": None, "threads": ThreadPoolExecutor(2)}
    if where == "processes":
        pools[where] = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    told: list[float] = []
    matrix = run_matrix(tmp_path, plume, PERIOD, ["day", "night"], executor=pools[where], progress=told.append)
    rates = np.array([10.0, 2.0, 5.0])
    hourly = plume.hourly(rates)[:, 0]
    assert matrix.concentrations(rates) == pytest.approx(hourly[:2], rel=1e-5)  # the night's other hour is calm
    assert told == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])
    assert matrix.plan.hours == (1, 1)


def test_a_matrix_goes_on_where_it_stopped(tmp_path: Path, plume: SteadyPlume, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_matrix(tmp_path / "whole", plume, PERIOD, ["day", "night"])

    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_matrix(tmp_path / "cut", plume, PERIOD, ["day", "night"], progress=stop)
    asked: list[slice] = []
    responses = SteadyPlume.responses

    def watched(self: SteadyPlume, period: np.ndarray, **more: object) -> np.ndarray:
        asked.append(more["sources"])  # type: ignore[arg-type]
        return responses(self, period, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(SteadyPlume, "responses", watched)
    cut = run_matrix(tmp_path / "cut", plume, PERIOD, ["day", "night"])
    assert asked == [slice(2, 3)]
    assert (cut.concentrations(np.ones(3)) == whole.concentrations(np.ones(3))).all()


def test_other_weather_does_not_go_on_in_the_same_folder(tmp_path: Path, plume: SteadyPlume) -> None:
    run_matrix(tmp_path, plume, PERIOD, ["day", "night"])
    turned = SteadyPlume(layer(**HOURS | {"wind_from": [90.0, 225.0, 0.0]}), RECEPTORS, SOURCES)
    with pytest.raises(StoreError, match="of other inputs"):
        run_matrix(tmp_path, turned, PERIOD, ["day", "night"])


def test_emission_factors_weigh_the_hours(tmp_path: Path, plume: SteadyPlume) -> None:
    factors = np.array([[1.0, 1.0, 1.0], [0.5, 0.0, 2.0], [1.0, 1.0, 1.0]])
    matrix = run_matrix(tmp_path, plume, np.zeros(3, dtype=np.int64), ["all"], weights=factors)
    hourly = plume.hourly(factors)[:, 0]
    assert matrix.concentrations(np.ones(3))[0] == pytest.approx(hourly[:2].mean(axis=0), rel=1e-5)


def test_a_matrix_too_large_for_the_memory_says_so(plume: SteadyPlume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "MEMORY", 40)
    with pytest.raises(InputError, match="take fewer periods or receptors"):
        matrix_plan(plume, PERIOD, ["day", "night"])
    with pytest.raises(InputError, match="1 names for 2 periods"):
        matrix_plan(plume, PERIOD, ["day"])


def test_a_footprint_is_the_plume_seen_from_the_receptor() -> None:
    air = layer(**HOURS)
    east, north = np.array([-400.0, 0.0, 150.0]), np.array([30.0, -60.0, 0.0])
    seen = footprint(air, SOURCES[0], (300.0, 20.0, 1.5), east, north)
    receptor = Receptors(np.array([300.0]), np.array([20.0]), np.array([1.5]))
    for place in range(3):
        stack = PointSource("stack", east[place], north[place], 40.0, 1.0, 10.0, 400.0)
        there = SteadyPlume(air, receptor, [stack]).hourly(np.ones(1))[:, 0, 0]
        # its own table begins at another distance, so the curve between its rows differs by its error
        assert seen[:, place] == pytest.approx(there, rel=5e-3)
    assert seen[0].max() > 0.0
