"""Where a source outside the list would stand: a map that holds it as often as it says, and where to measure next."""

from dataclasses import replace

import numpy as np
import pytest

from bihuan.core import Source
from bihuan.physics import GaussianPlume
from bihuan.tracing import HiddenMap, PlumeTracer, search_hidden
from bihuan.tracing.hidden import _information
from tests.tracing import scenes
from tests.tracing.scenes import PLANE, make

TRACER = PlumeTracer(GaussianPlume(PLANE), PLANE)


def hidden_scene(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[scenes.Scene, tuple[float, float]]:
    """A scene with a culprit outside the list, and where it stands [m]."""
    kept: list[Source] = []
    plant = scenes.plant

    def keeping(*given: object) -> tuple[Source, float]:
        found = plant(*given)  # type: ignore[arg-type]
        kept.append(found[0])
        return found

    monkeypatch.setattr(scenes, "plant", keeping)
    made = make(seed, rough=False, truth="hidden")
    monkeypatch.setattr(scenes, "plant", plant)
    return made, PLANE.forward(kept[-1].place.lon, kept[-1].place.lat)


def searched(made: scenes.Scene) -> HiddenMap:
    assert made.event is not None
    found = search_hidden(TRACER, made.event, made.observations, made.candidates, made.weather)
    assert found is not None
    return found


def within(found: HiddenMap, place: tuple[float, float]) -> int:
    """50, 90 or 100: the smallest area that the place lies in."""
    for cell in found.cells:
        east, north = PLANE.forward(cell.lon, cell.lat)
        if abs(east - place[0]) <= cell.side / 2 + 2 and abs(north - place[1]) <= cell.side / 2 + 2:
            return cell.within
    return 100


def test_the_map_holds_the_true_place_about_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    for seed in range(100, 110):
        made, truth = hidden_scene(seed, monkeypatch)
        if made.event is not None:
            places.append(within(searched(made), truth))
    assert len(places) >= 7
    assert np.mean([place <= 90 for place in places]) >= 0.75
    assert np.mean([place == 50 for place in places]) >= 0.4


def test_cells_add_up_and_the_smallest_areas_are_nested(monkeypatch: pytest.MonkeyPatch) -> None:
    found = searched(hidden_scene(103, monkeypatch)[0])
    assert sum(cell.probability for cell in found.cells) == pytest.approx(1.0)
    assert sum(cell.side**2 for cell in found.cells) == pytest.approx(12_000.0**2)
    assert 0 < found.area50 <= found.area90 <= 144.0
    dense = [cell.probability / cell.side**2 for cell in found.cells]
    assert dense == sorted(dense, reverse=True)
    for share, levels in ((0.5, (50,)), (0.9, (50, 90))):
        assert sum(cell.probability for cell in found.cells if cell.within in levels) >= share
    assert min(cell.side for cell in found.cells) == 125.0
    assert found.area90 < 20


def test_without_wind_or_values_there_is_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    made = hidden_scene(103, monkeypatch)[0]
    assert made.event is not None
    still = replace(made.weather, wind_speed=np.full(len(made.weather), np.nan))
    assert search_hidden(TRACER, made.event, made.observations, made.candidates, still) is None
    assert search_hidden(TRACER, made.event, [], made.candidates, made.weather) is None


def test_a_flat_network_leaves_the_map_wide_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made = hidden_scene(103, monkeypatch)[0]
    made.observations = [replace(one, value=np.full(len(one), 60.0)) for one in made.observations]
    found = searched(made)
    assert found.cannot_tell == "flat"
    assert found.area90 > 40


def test_information_is_none_where_all_hypotheses_expect_the_same_and_a_bit_where_two_differ() -> None:
    wind, chance = np.ones(1), np.array([0.5, 0.5])
    expected = np.array([[[0.0, 0.0], [0.0, 6.0]]])  # one direction, two places, two hypotheses
    found = _information(expected, wind, chance)
    assert found[0] == pytest.approx(0.0, abs=1e-9)
    assert found[1] == pytest.approx(1.0, abs=0.01)


def test_a_wind_that_is_not_known_takes_information_away() -> None:
    chance = np.array([0.5, 0.5])
    sure = _information(np.array([[[0.0, 6.0]]]), np.ones(1), chance)[0]
    unsure = _information(np.array([[[0.0, 6.0]], [[6.0, 0.0]]]), np.array([0.7, 0.3]), chance)[0]
    assert unsure < 0.5 * sure


def test_the_place_to_measure_next_lies_near_and_tells_something(monkeypatch: pytest.MonkeyPatch) -> None:
    found = searched(hidden_scene(103, monkeypatch)[0])
    assert found.monitor_lon is not None
    assert found.monitor_lat is not None
    top = found.cells[0]
    east, north = PLANE.forward(found.monitor_lon, found.monitor_lat)
    here = PLANE.forward(top.lon, top.lat)
    assert np.hypot(east - here[0], north - here[1]) < 6000
    assert found.monitor_bits > 0.05
