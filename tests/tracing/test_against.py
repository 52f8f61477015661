"""Hours that speak against a suspect: felt nowhere though it should have been, or the rise came from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from bihuan.core import Ref, Source, Weather
from bihuan.physics import GaussianPlume
from bihuan.tracing import Against, Scene, against
from tests.tracing.scenes import PLANE, START

BLOCKS, ONSET, STEP = 12, 4, 900.0
PLUME = GaussianPlume(PLANE)
TIMES = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(BLOCKS) * np.timedelta64(int(STEP), "s")
SOURCE = Source(Ref("outlet", "DA1"), "DA1", PLANE.place(0.0, 1500.0), "stack", {"so2": 2.0}, 20.0, 0.8, 8.0, 350.0)
"""A stack 1.5 km north of the first station."""
RATE = 40.0


def weather(wind_from: float) -> Weather:
    full = np.ones(BLOCKS)
    return Weather(TIMES, TIMES + np.timedelta64(int(STEP), "s"), 3 * full, wind_from * full,
                   np.full(BLOCKS, 3), 288 * full, 900 * full)  # fmt: skip


def scene(first: float) -> Scene:
    """Three stations; from the onset on the first one stands `first` above its background."""
    excess = np.zeros((3, BLOCKS))
    excess[0, ONSET:] = first
    noise = np.full((3, BLOCKS), 1.0)
    sites = tuple(f"station:s{n}" for n in range(1, 4))
    east, north = np.array([0.0, 4000.0, -4000.0]), np.array([0.0, 0.0, 0.0])
    return Scene(sites, east, north, TIMES, STEP, ONSET, excess + 20, excess, noise, 0.0, 0.3, 0)


def test_a_plume_that_should_have_been_felt_and_was_not_speaks_against_its_source() -> None:
    found = against(scene(0.0), weather(0.0), PLUME, SOURCE, RATE)
    assert found.unseen_at == ("station:s1",)
    assert [(one.start, one.end) for one in found.unseen] == [(_at(ONSET), _at(BLOCKS))]
    assert found.unexplained == ()


def test_a_rise_while_the_plume_lay_elsewhere_is_not_explained_by_it() -> None:
    found = against(scene(50.0), weather(180.0), PLUME, SOURCE, RATE)
    assert [(one.start, one.end) for one in found.unexplained] == [(_at(ONSET), _at(BLOCKS))]
    assert found.unseen == ()


def test_what_fits_has_nothing_against_it() -> None:
    response = PLUME.unit_response([SOURCE], np.zeros(1), np.zeros(1), weather(0.0))[0, 0, 0]
    assert against(scene(float(response) * RATE), weather(0.0), PLUME, SOURCE, RATE) == Against()


@pytest.mark.parametrize("off", [-15.0, 15.0])
def test_a_rise_a_little_beside_the_plume_is_no_evidence(off: float) -> None:
    """The wind may have been wrong by its usual error."""
    assert against(scene(30.0), weather(off), PLUME, SOURCE, RATE).unexplained == ()


def test_a_silence_beside_the_plume_is_no_evidence() -> None:
    assert against(scene(0.0), weather(180.0), PLUME, SOURCE, RATE).unseen == ()


def test_hours_without_wind_or_value_say_nothing() -> None:
    still = replace(weather(180.0), wind_speed=np.full(BLOCKS, np.nan))
    assert against(scene(50.0), still, PLUME, SOURCE, RATE) == Against()
    blind = scene(0.0)
    blind.excess[:] = np.nan
    assert against(blind, weather(0.0), PLUME, SOURCE, RATE) == Against()


def _at(block: int) -> datetime:
    return START + timedelta(seconds=block * STEP)
