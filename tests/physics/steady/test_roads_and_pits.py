"""Roads and open pits against what must hold whatever their constants: sums, symmetry, order, their own formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.physics import AreaSource, DepositingPlume, PitSource, Receptors, Removal, RoadSource, SteadyPlume
from bihuan.physics.steady import road_kernels as k
from bihuan.physics.steady.pit_kernels import effective_pit, escaping
from tests.physics.steady.hours import STABLE, layer

ROAD = RoadSource("road", (-300.0, 0.0), (300.0, 100.0), 15.0, 1.0, 1.5)
PIT = PitSource("pit", -100.0, -100.0, 1800.0, 180.0, 1.6e7, -45.0)
WINDS = {"wind_from": [200.0, 259.0, 350.0, 80.0]}


def around(height: float = 0.0) -> Receptors:
    """Receptors beside, downwind and upwind of the road, none on it."""
    east, north = (
        axis.ravel() for axis in np.meshgrid(np.linspace(-1000.0, 1000.0, 17), np.linspace(-900.0, 900.0, 13))
    )
    return Receptors(east, north, np.full(len(east), height))


def unit(source: object, where: Receptors, hour: dict[str, object], **settings: object) -> np.ndarray:
    plume = SteadyPlume(layer(**hour), where, [source], threads=1, **settings)  # type: ignore[list-item, arg-type]
    return plume.hourly(np.ones(1))[:, 0]


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
def test_a_road_cut_in_two_is_the_whole_road(hour: dict[str, object]) -> None:
    where, middle = around(), (60.0, 60.0)
    straight = RoadSource("whole", (-300.0, 0.0), (420.0, 120.0), 15.0, 1.0, 1.5)
    parts = [
        RoadSource("a", straight.start, middle, 15.0, 1.0, 1.5),
        RoadSource("b", middle, straight.end, 15.0, 1.0, 1.5),
    ]
    rates = np.array([part.length for part in parts]) / straight.length
    cut = SteadyPlume(layer(**(hour | WINDS)), where, parts).hourly(rates)[:, 0]
    whole = unit(straight, where, hour | WINDS)
    large = whole > 0.01 * whole.max()
    error = np.abs(cut[large] / whole[large] - 1)
    assert np.percentile(error, 95) < 1e-3
    assert error.max() < 3e-3


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
def test_halving_the_mesh_of_a_road_changes_less_than_a_thousandth(hour: dict[str, object]) -> None:
    rough, fine = (unit(ROAD, around(), hour | WINDS, step=step) for step in (0.05, 0.025))
    large = fine > 0.01 * fine.max()
    assert np.abs(rough[large] / fine[large] - 1).max() < 1e-3


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
@pytest.mark.parametrize("turn", [0.0, 90.0], ids=["along the wind", "across the wind"])
def test_a_road_line_is_the_sum_of_its_points(hour: dict[str, object], turn: float) -> None:
    sine, cosine = math.sin(math.radians(turn)), math.cos(math.radians(turn))
    road = RoadSource("road", (-100.0 * cosine, -100.0 * sine), (100.0 * cosine, 100.0 * sine), 10.0, 1.0, 1.5)
    where = Receptors(np.array([150.0, 400.0, -200.0, 30.0]), np.array([40.0, 60.0, 50.0, 20.0]), np.zeros(4))
    points = 20_000
    steps = (np.arange(points) + 0.5) / points
    row, air = np.array(road.row), layer(**(hour | {"wind_from": 270.0}))
    axis = np.empty((700, k.TABLE_COLUMNS))
    k.fill_road(0.0, cosine, row, air.hours[0], air.ground[0], np.exp(0.0125 * np.arange(700)), 700, axis)
    expected = []
    for x, y in zip(where.east, where.north, strict=True):
        dx = x - (-100.0 + 200.0 * steps) * cosine
        dy = y - (-100.0 + 200.0 * steps) * sine
        far = np.log(np.maximum(np.hypot(dx, dy), 1.0)) / 0.0125
        ahead = np.log(np.maximum(dx, 1.0)) / 0.0125
        column = [np.interp(ahead, np.arange(700), axis[:, c]) for c in (k.WIDTH, k.DENSE)]
        share, around_ = (np.interp(far, np.arange(700), axis[:, c]) for c in (k.SHARE, k.ROUND))
        plume = np.where(dx > 0, column[1] * np.exp(-0.5 * (dy / column[0]) ** 2) * (1 - share), 0.0)
        expected.append((plume + around_ / np.maximum(np.hypot(dx, dy), 1.0)).mean())
    assert unit(road, where, hour | {"wind_from": 270.0})[0] == pytest.approx(np.array(expected), rel=2e-3)


def test_a_road_is_linear_in_its_emission_and_the_same_on_both_sides_of_the_wind() -> None:
    across = RoadSource("road", (0.0, -200.0), (0.0, 200.0), 10.0, 1.0, 1.5)
    north = Receptors(np.array([50.0, 300.0, -80.0]), np.array([70.0, 150.0, 30.0]), np.zeros(3))
    south = Receptors(north.east, -north.north, north.height)
    assert unit(across, north, {})[0] == pytest.approx(unit(across, south, {})[0], rel=1e-9)
    turned = RoadSource("road", (0.0, 200.0), (0.0, -200.0), 10.0, 1.0, 1.5)
    assert unit(across, north, {})[0] == pytest.approx(unit(turned, north, {})[0], rel=1e-6)
    twice = SteadyPlume(layer(), north, [across]).hourly(np.array([2.0]))[0, 0]
    assert twice == pytest.approx(2.0 * unit(across, north, {})[0], rel=1e-12)


def test_any_hour_gives_a_road_numbers() -> None:
    draw = np.random.default_rng(7)
    count = 60
    stable = np.arange(count) % 2 == 0
    lid = draw.uniform(20.0, 3500.0, count)
    hours = {
        "wind_speed": list(draw.uniform(0.3, 20.0, count)), "friction_velocity": list(draw.uniform(0.03, 1.5, count)),
        "obukhov_length": list(np.where(stable, 1.0, -1.0) * draw.uniform(1.0, 500.0, count)),
        "mechanical_height": list(lid), "convective_height": list(np.where(stable, np.nan, 1.5 * lid)),
        "convective_velocity": list(np.where(stable, np.nan, draw.uniform(0.05, 3.0, count))),
        "roughness": list(draw.uniform(0.01, 2.0, count)), "wind_from": list(draw.uniform(0.0, 360.0, count)),
    }  # fmt: skip
    where = Receptors(
        np.array([-3000.0, 10.0, 0.0, 20000.0]), np.array([0.0, 55.0, 300.0, 9.0]), np.array([0.0, 1.5, 40.0, 0.0])
    )
    found = unit(ROAD, where, hours)
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()
    assert (found.max(axis=1) > 0.0).all()


def test_a_plume_of_a_road_carries_its_emission() -> None:
    # the coherent part alone, through a wall of receptors across the wind: flux is the emission less the random share
    road, air = RoadSource("road", (0.0, -50.0), (0.0, 50.0), 10.0, 1.0, 1.5), layer()
    row, ground = np.array(road.row), air.ground[0]
    x = 100.0
    wind = k.effective_wind(x, 3.0, row, air.hours[0], ground)
    heights = np.linspace(0.0, 150.0, 301)
    level = []
    for z in heights:
        axis = np.empty((1, k.TABLE_COLUMNS))
        k.fill_road(z, 1.0, row, air.hours[0], ground, np.array([x]), 1, axis)
        level.append(axis[0, k.DENSE] * math.sqrt(2 * math.pi) * axis[0, k.WIDTH] * wind / 1e6)
    assert np.trapezoid(level, heights) == pytest.approx(1.0, rel=2e-3)


def test_the_roads_wind_goes_through_the_measured_one_and_never_below_its_least() -> None:
    air = layer(wind_speed=3.0)
    assert k.road_wind(10.0, air.hours[0], air.ground[0]) == pytest.approx(3.0)
    assert k.road_wind(0.1, air.hours[0], air.ground[0]) >= air.ground[0, k.LEAST]


def test_receptors_on_a_road_or_in_a_pit_are_told_of() -> None:
    where = Receptors(np.array([0.0, 900.0]), np.array([50.0, -900.0]), np.zeros(2))
    remarks = SteadyPlume(layer(), where, [ROAD]).remarks
    assert len(remarks) == 1
    assert "road: 1 of 2 receptors are on the road" in remarks[0]
    inside = Receptors(np.array([400.0]), np.array([500.0]), np.zeros(1))
    assert "inside the pit" in SteadyPlume(layer(), inside, [PIT]).remarks[0]
    assert unit(PIT, inside, {})[0, 0] == 0.0


@pytest.mark.parametrize("origin", [45.0, 135.0, 315.0])
def test_a_pit_shrinks_to_its_upwind_corner(origin: float) -> None:
    # 49.4 m deep, turned so that its 1,800 m lie along a wind from 45 degrees and its 180 m along one from 135
    ring, smaller = np.array(PIT.ring), np.empty((4, 2))
    share = effective_pit(ring, PIT.depth, math.radians(origin), smaller)
    upwind = ring @ np.array([math.sin(math.radians(origin)), math.cos(math.radians(origin))])
    assert smaller[0] == pytest.approx(ring[int(np.flatnonzero(upwind > upwind.max() - 1e-6)[0])])
    length = {45.0: 1800.0, 135.0: 180.0, 315.0: 180.0}[origin]
    relative = PIT.depth / length
    expected = 0.08 if relative >= 0.2 else math.sqrt(1 - 1.7 * relative ** (1 / 3))
    assert share == pytest.approx(expected)
    a, b = smaller[1] - smaller[0], smaller[3] - smaller[0]
    assert abs(a[0] * b[1] - a[1] * b[0]) == pytest.approx(share * PIT.area)


def test_coarse_dust_stays_in_a_pit_and_gas_leaves_it() -> None:
    assert escaping(np.empty((0, 2)), 3.0) == 1.0
    assert escaping(np.array([[1.0, 0.029 * 3.0]]), 3.0) == pytest.approx(0.5)
    dusty = PitSource("pit", -100.0, -100.0, 300.0, 180.0, 1.6e6, grains=((0.5, 0.0), (0.5, 1e9)))
    gas = PitSource("pit", -100.0, -100.0, 300.0, 180.0, 1.6e6)
    assert unit(dusty, around(), {}) == pytest.approx(0.5 * unit(gas, around(), {}))


def test_a_shallow_pit_is_nearly_its_own_area() -> None:
    shallow = PitSource("pit", -50.0, -50.0, 100.0, 100.0, 1e-6)
    yard = AreaSource.rectangle("yard", -50.0, -50.0, 100.0, 100.0)
    where = Receptors(np.array([200.0, 500.0]), np.array([0.0, 60.0]), np.zeros(2))
    assert unit(shallow, where, {}) == pytest.approx(unit(yard, where, {}), rel=0.01)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda: RoadSource("r1", (1.0, 1.0), (1.0, 1.0), 5.0), "r1: a road .* no length"),
        (lambda: RoadSource("r1", (0.0, 0.0), (9.0, 0.0), 0.0), "r1: width 0.0 m"),
        (lambda: RoadSource("r1", (0.0, 0.0), (9.0, 0.0), 5.0, -1.0), "r1: height -1.0 m"),
        (lambda: PitSource("p1", 0.0, 0.0, 10.0, 0.0, 100.0), "p1: a pit of"),
        (lambda: DepositingPlume(layer(), around(), [ROAD], [Removal(decay=1e-4)]), "road: removal is computed"),
        (lambda: PitSource("p1", 0.0, 0.0, 10.0, 10.0, 100.0, height=2.0), "p1: release 2.0 m"),
        (lambda: PitSource("p1", 0.0, 0.0, 9.0, 9.0, 100.0, grains=((0.5, 0.1),)), "p1: mass shares"),
    ],
)  # fmt: skip
def test_a_road_or_pit_that_cannot_be_is_refused_by_name(broken: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        broken()  # type: ignore[operator]
