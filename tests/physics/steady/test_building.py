"""Stacks beside buildings: dimensions against published ones, and what must hold of every wake."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import InputError
from bihuan.physics import BoundaryLayer, Building, PointSource, Receptors, SteadyPlume
from bihuan.physics.steady.boundary import LEVELS
from bihuan.physics.steady.state_kernels import STATE_COLUMNS, WIND_S, fill_state
from bihuan.physics.steady.wake_field_kernels import captured_share, near_building, sector_of
from bihuan.physics.steady.wake_kernels import (
    CAVITY,
    FAR_WAKE,
    INSIDE,
    OUTSIDE,
    Site,
    cavity_at,
    site_of,
    wake_at,
    wake_of,
    whereabouts,
)
from bihuan.physics.steady.wake_rise_kernels import Path, rise_near_building
from bihuan.physics.steady.wake_spread_kernels import Spreads, height_at, spreads_of
from tests.physics.steady.hours import STABLE, layer

HALL = Building.everywhere(25.0, 40.0, 40.0, -25.0, 0.0)
LOW = PointSource("low", 0.0, 0.0, 30.0, 1.2, 12.0, 400.0)
BESIDE = replace(LOW, building=HALL)
HOURS = pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])


def unit(air: BoundaryLayer, source: PointSource, east: object, north: object, height: float = 0.0) -> np.ndarray:
    e, n = np.broadcast_arrays(np.asarray(east, float), np.asarray(north, float))
    where = Receptors(e.ravel().copy(), n.ravel().copy(), np.full(e.size, height))
    return SteadyPlume(air, where, [source]).hourly(np.ones(1))[:, 0]


def beside(air: BoundaryLayer, source: PointSource) -> tuple[Site, Path, Spreads, np.ndarray]:
    """Return how the first hour takes a plume past its building."""
    assert source.building is not None
    row, state = np.array(source.row), np.empty(STATE_COLUMNS)
    fill_state(row, air.hours[0], LEVELS, air.profiles[0], state)
    buildings = source.building.rows
    wake = wake_of(buildings[sector_of(source.height, LEVELS, air.profiles[0])])
    site = site_of(wake, air.hours[0], LEVELS, air.profiles[0], air.sums[0])
    path = rise_near_building(row, source.temperature, state, site)
    return site, path, spreads_of(path.enter, path.depth, path.across, path.heights, state[WIND_S], True, site), state


def test_dimensions_of_a_hall_are_those_that_bpipprm_made_of_it() -> None:
    # EPA's test case ALLSRCS: a hall of 50 x 75 m whose east side is 10 m west of the stack
    ring = [(-60.0, -37.5), (-10.0, -37.5), (-10.0, 37.5), (-60.0, 37.5)]
    hall = Building.standing(ring, 50.0, 0.0, 0.0)
    published = {  # degrees towards: BUILDWID, BUILDLEN, XBADJ, YBADJ
        10: (62.26, 82.54, -47.35, 34.47), 50: (89.59, 86.51, -70.07, 22.50), 90: (75.00, 50.00, -60.00, 0.00),
        180: (50.00, 75.00, -37.50, -35.00), 220: (86.51, 89.59, -22.30, -26.81), 360: (50.00, 75.00, -37.50, 35.00),
    }  # fmt: skip
    for towards, dimensions in published.items():
        got = hall.rows[towards // 10 - 1]
        assert got[0] == 50.0
        assert got[1:] == pytest.approx(dimensions, abs=0.006)


def test_the_wake_of_a_cube_has_the_published_lengths() -> None:
    wake = wake_of(np.array([20.0, 20.0, 20.0, 0.0, 0.0]))
    assert wake.scale == pytest.approx(20.0)  # Wilson: the square root of both sides, weighted to the smaller
    assert wake.top == pytest.approx(1.22 * 20.0)  # Wilson
    assert wake.roof == pytest.approx(0.9 * 20.0)
    assert wake.cavity == pytest.approx(1.8 / 1.24 * 20.0)  # Fackrell
    assert wake_at(1e-9, wake)[0] == pytest.approx(20.0, rel=1e-6)  # the wake begins at the roof
    assert cavity_at(wake.length + wake.cavity, wake) == (0.0, 0.0)
    assert wake_of(np.array([10.0, 500.0, 10.0, 0.0, 0.0])).scale == pytest.approx(20.0)  # no wider than eight heights


def test_places_are_told_apart() -> None:
    wake = wake_of(np.array([20.0, 30.0, 25.0, 0.0, 0.0]))
    assert whereabouts(10.0, 5.0, 3.0, wake) == INSIDE
    assert whereabouts(-1.0, 0.0, 3.0, wake) == OUTSIDE
    assert whereabouts(30.0, 5.0, 3.0, wake) == CAVITY
    assert whereabouts(200.0, 5.0, 3.0, wake) == FAR_WAKE
    assert whereabouts(200.0, 5.0, 90.0, wake) == OUTSIDE
    assert whereabouts(200.0, 90.0, 3.0, wake) == OUTSIDE


@HOURS
def test_a_source_without_a_building_is_computed_as_ever(hour: dict[str, float]) -> None:
    air = layer(**(hour | {"wind_from": [250.0, 270.0, 300.0]}))
    east, north = np.meshgrid(np.linspace(-400.0, 2000.0, 9), np.linspace(-300.0, 300.0, 7))
    plain = unit(air, LOW, east, north)
    where = Receptors(east.ravel(), north.ravel(), np.zeros(east.size))
    both = SteadyPlume(air, where, [LOW, BESIDE]).hourly(np.ones(2), groups=np.eye(2))
    assert np.array_equal(both[:, 0], plain)
    assert not np.array_equal(both[:, 1], plain)
    none = replace(LOW, building=Building.everywhere(0.0, 0.0, 0.0, 0.0, 0.0))
    assert np.array_equal(unit(air, none, east, north), plain)


@HOURS
def test_upwind_and_far_away_nothing_tells_of_the_building(hour: dict[str, float]) -> None:
    air = layer(**hour)
    places = ([-200.0, -60.0, 100.0, 60000.0], [0.0, 40.0, 3000.0, 0.0])
    assert np.array_equal(unit(air, BESIDE, *places), unit(air, LOW, *places))


@HOURS
def test_a_building_draws_a_low_plume_down(hour: dict[str, float]) -> None:
    air = layer(**hour)
    x = np.array([60.0, 100.0, 150.0])
    assert (unit(air, BESIDE, x, 0.0) > 3.0 * unit(air, LOW, x, 0.0)).all()


def test_a_stack_far_above_its_building_keeps_its_plume() -> None:
    air, x = layer(wind_speed=3.0), np.geomspace(100.0, 2000.0, 20)
    high = replace(LOW, height=90.0, velocity=25.0)
    plain, found = unit(air, high, x, 0.0)[0], unit(air, replace(high, building=HALL), x, 0.0)[0]
    assert abs(found.max() / plain.max() - 1.0) < 0.25
    low = unit(air, BESIDE, x, 0.0)[0].max() / unit(air, LOW, x, 0.0)[0].max()
    assert low > 2.0


@HOURS
@pytest.mark.parametrize("wind_from", [0.0, 40.0, 270.0])
def test_an_even_building_has_an_even_field(hour: dict[str, float], wind_from: float) -> None:
    turn = np.radians(wind_from + 180.0)
    along, side = np.array([np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), -np.sin(turn)])
    places = np.array([along * x + side * sign * y for x in (50, 90, 300) for y in (7, 25, 60) for sign in (-1, 1)])
    got = unit(layer(**(hour | {"wind_from": wind_from})), BESIDE, places[:, 0], places[:, 1])[0]
    assert got[::2] == pytest.approx(got[1::2], rel=1e-9, abs=1e-12)


@HOURS
def test_wind_building_and_receptors_turned_together_change_nothing(hour: dict[str, float]) -> None:
    ring = np.array([(-60.0, -20.0), (5.0, -20.0), (5.0, 30.0), (-60.0, 30.0)])
    places = np.array([(40.0, 5.0), (90.0, -20.0), (200.0, 30.0), (900.0, -50.0)])
    found = []
    for degrees in (0.0, 70.0, 200.0):
        sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        turned = [points @ np.array([[cosine, -sine], [sine, cosine]]) for points in (ring, places)]
        building = Building.standing([tuple(corner) for corner in turned[0]], 24.0, 0.0, 0.0)
        air = layer(**(hour | {"wind_from": (270.0 + degrees) % 360.0}))
        found.append(unit(air, replace(LOW, building=building), turned[1][:, 0], turned[1][:, 1])[0])
    assert found[1] == pytest.approx(found[0], rel=1e-6)
    assert found[2] == pytest.approx(found[0], rel=1e-6)


@HOURS
@pytest.mark.parametrize("across", [0.0, 15.0])
def test_behind_the_cavity_the_concentration_does_not_jump_with_distance(hour: dict[str, float], across: float) -> None:
    x = np.geomspace(75.0, 8000.0, 801)
    got = unit(layer(**hour), BESIDE, x, across)[0]
    assert np.abs(np.diff(np.log(got))).max() < 0.06


@HOURS
@pytest.mark.parametrize("stack", [12.0, 30.0, 45.0])
def test_the_plume_in_the_wake_carries_what_the_cavity_does_not(hour: dict[str, float], stack: float) -> None:
    site, path, spreads, state = beside(layer(**hour), replace(BESIDE, height=stack))
    captured = captured_share(path, site)
    assert 0.0 <= captured <= 1.0
    wake = site.wake
    x = wake.length + 2.0 * wake.cavity
    y, z = np.linspace(-400.0, 400.0, 161), np.linspace(0.0, 400.0 if hour else 900.0, 161)
    field = np.array([[near_building(x, b, a, OUTSIDE, captured, path, spreads, site, stack) for b in y] for a in z])
    flux = np.trapezoid(np.trapezoid(field, y, axis=1), z)
    assert flux == pytest.approx(1.0 - captured, abs=0.004)
    assert state[WIND_S] > 0.0


def test_the_lower_the_stack_the_more_of_its_plume_the_cavity_takes() -> None:
    heights = (10.0, 20.0, 26.0, 32.0, 40.0, 60.0)
    shares = []
    for height in heights:
        site, path, _, _ = beside(layer(**STABLE), replace(BESIDE, height=height, velocity=5.0, temperature=300.0))
        shares.append(captured_share(path, site))
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.5
    assert shares[-1] < 0.01


@HOURS
def test_the_path_of_a_plume_has_no_steps(hour: dict[str, float]) -> None:
    _, path, _, _ = beside(layer(**hour), BESIDE)
    heights = np.array([height_at(x, path.heights) for x in np.arange(0.0, 600.0, 0.5)])
    assert np.abs(np.diff(heights[4:])).max() < 0.7
    assert heights.min() > 0.0


def test_a_plume_that_passes_over_the_cavity_is_not_left_out_in_it() -> None:
    high = replace(BESIDE, height=55.0, velocity=0.5, temperature=294.0)
    air = layer(wind_speed=6.0)
    site, path, spreads, _ = beside(air, high)
    end = site.wake.length + site.wake.cavity
    assert path.enter > end
    assert captured_share(path, site) == 0.0
    inside, behind = (near_building(x, 0.0, 2.0, place, 0.0, path, spreads, site, 55.0)
                      for x, place in ((end - 1e-3, CAVITY), (end + 1e-3, FAR_WAKE)))  # fmt: skip
    assert inside == pytest.approx(behind, rel=1e-3)
    assert inside > 0.0


def test_a_matrix_knows_of_which_building_it_is() -> None:
    air, where = layer(), Receptors(np.array([300.0]), np.array([0.0]), np.zeros(1))
    period = np.zeros(1, dtype=np.int64)
    lower = replace(BESIDE, building=replace(HALL, height=(20.0,) * 36))
    told = {SteadyPlume(air, where, [source]).inputs(period) for source in (LOW, BESIDE, lower)}
    assert len(told) == 3


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.booleans(), st.floats(0.3, 20.0), st.floats(0.03, 1.5), st.floats(1.0, 500.0), st.floats(20.0, 3500.0),
    st.floats(0.05, 3.0), st.floats(0.0, 150.0), st.floats(0.0, 40.0), st.floats(280.0, 900.0),
    st.tuples(st.floats(1.0, 200.0), st.floats(1.0, 300.0), st.floats(1.0, 300.0), st.floats(-400.0, 400.0),
              st.floats(-200.0, 200.0)),
    st.sampled_from(["upright", "capped", "horizontal"]),
)  # fmt: skip
def test_any_hour_stack_and_building_gives_numbers(
    stable: bool, wind: float, friction: float, length: float, lid: float, convective: float, stack: float,
    speed: float, heat: float, building: tuple[float, float, float, float, float], outlet: str,
) -> None:  # fmt: skip
    hour = {
        "wind_speed": wind, "friction_velocity": friction, "obukhov_length": length if stable else -length,
        "mechanical_height": lid, "convective_height": np.nan if stable else lid * 1.5,
        "convective_velocity": np.nan if stable else convective,
    }  # fmt: skip
    source = PointSource("any", 0.0, 0.0, stack, 2.0, speed, heat, outlet, building=Building.everywhere(*building))  # type: ignore[arg-type]
    turns = np.radians(np.arange(0.0, 360.0, 30.0))
    radii = np.array([1500.0, 4000.0])
    got = unit(layer(**hour), source, np.outer(radii, np.cos(turns)), np.outer(radii, np.sin(turns)))
    assert np.isfinite(got).all()
    assert (got >= 0).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"height": (25.0,) * 35}, "source low: its building's height has 35 values"),
        ({"width": (-1.0, *(40.0,) * 35)}, "source low: its building's width is -1 m for winds towards 10 degrees"),
        ({"length": (40.0,) * 35 + (0.0,)}, "source low: its building's length is 0 m for winds towards 360 degrees"),
        ({"aside": (float("nan"),) * 36}, "source low: its building's aside has a value that is not a number"),
    ],
)  # fmt: skip
def test_a_building_that_cannot_be_is_refused_with_the_name_of_its_source(
    change: dict[str, tuple[float, ...]], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        replace(LOW, building=replace(HALL, **change))


def test_a_receptor_in_the_building_is_refused_and_one_on_its_roof_is_not() -> None:
    ring = [(10.0, -10.0), (40.0, -10.0), (40.0, 10.0), (10.0, 10.0)]
    source = replace(LOW, building=Building.standing(ring, 25.0, LOW.east, LOW.north))
    with pytest.raises(InputError, match=r"receptor 2 at \(25, 5\) m is inside the building of source low"):
        unit(layer(), source, [60.0, 25.0], [0.0, 5.0])
    assert unit(layer(), source, [60.0, 42.0], [0.0, 5.0]).min() > 0.0
    assert np.isfinite(unit(layer(), source, [25.0], [5.0], height=25.5)).all()
