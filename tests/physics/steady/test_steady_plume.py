"""The steady plume against what must hold whatever its constants: mass, symmetry, order, continuity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import InputError
from bihuan.physics import AreaSource, BoundaryLayer, PointSource, Receptors, SteadyPlume, VolumeSource
from bihuan.physics.steady.axis_kernels import (
    AXIS_COLUMNS,
    DIRECT,
    PENETRATED,
    fill_axis,
)
from bihuan.physics.steady.boundary import LEVELS
from bihuan.physics.steady.profile_kernels import LID
from bihuan.physics.steady.spread_kernels import effective_lid
from bihuan.physics.steady.state_kernels import ESCAPED, STATE_COLUMNS, fill_state
from tests.physics.steady.hours import STABLE, layer

STACK = PointSource("stack", 0.0, 0.0, 60.0, 3.0, 15.0, 420.0)
LOW = PointSource("low", 0.0, 0.0, 10.0, 0.5, 5.0, 293.0)


def receptors(east: object, north: object, height: float = 0.0) -> Receptors:
    e, n = np.broadcast_arrays(np.asarray(east, float), np.asarray(north, float))
    return Receptors(e.ravel().copy(), n.ravel().copy(), np.full(e.size, height))


def unit(air: BoundaryLayer, source: object, where: Receptors, **settings_of_plume: object) -> np.ndarray:
    plume = SteadyPlume(air, where, [source], **settings_of_plume)  # type: ignore[list-item, arg-type]
    return plume.hourly(np.ones(1))[:, 0]


def vertical(air: BoundaryLayer, source: PointSource, x: float, heights: np.ndarray) -> tuple[np.ndarray, float]:
    """Return C(z) of a unit emission without its crosswind term, and the share that went through the lid."""
    state = np.empty(STATE_COLUMNS)
    row = np.array(source.row)
    fill_state(row, air.hours[0], LEVELS, air.profiles[0], state)
    found = np.zeros((len(heights), 2))
    axis = np.empty((1, AXIS_COLUMNS))
    for place, z in enumerate(heights):
        fill_axis(np.array([x]), 1, z, row, state, air.hours[0], (LEVELS, air.profiles[0], air.sums[0]), axis)
        found[place] = np.exp(axis[0, DIRECT]), np.exp(axis[0, PENETRATED])
    return found, float(state[ESCAPED])


@pytest.mark.parametrize("x", [300.0, 1000.0, 5000.0])
def test_a_plume_that_stays_below_the_lid_of_the_day_carries_its_emission(x: float) -> None:
    # one effective wind for all heights: neither wind nor turbulence changes along a mast of a very rough place
    air = layer()
    air.profiles[:, 0] = 3.0
    air.profiles[:, 1] = 0.8
    air.profiles[:, 2] = 0.9
    air.sums[...] = 0.0
    air.sums[..., 1:] = np.cumsum(0.5 * (air.profiles[..., 1:] + air.profiles[..., :-1]) * np.diff(LEVELS), axis=-1)
    heights = np.linspace(0.0, air.hours[0, LID], 4001)
    values, escaped = vertical(air, LOW, x, heights)
    assert escaped < 1e-6
    flux = 3.0 * np.trapezoid(values[:, 0], heights)
    assert flux == pytest.approx(1e6, rel=0.005)


@pytest.mark.parametrize("x", [200.0, 2000.0, 10000.0])
def test_a_stable_plume_in_even_air_carries_its_emission(x: float) -> None:
    air = layer(**STABLE)
    air.profiles[:, 0], air.profiles[:, 1], air.profiles[:, 2], air.profiles[:, 3] = 2.0, 0.3, 0.15, 0.02
    air.sums[..., 1:] = np.cumsum(0.5 * (air.profiles[..., 1:] + air.profiles[..., :-1]) * np.diff(LEVELS), axis=-1)
    # above its effective lid a plume is not reflected, so what is reflected there stands twice: mass counts below it
    lid = effective_lid(x, 10.0, 0.0, 10.0, air.hours[0], LEVELS, air.profiles[0])
    heights = np.linspace(0.0, lid, 4001)
    values, _ = vertical(air, LOW, x, heights)
    assert 2.0 * np.trapezoid(values[:, 0], heights) == pytest.approx(1e6, rel=0.005)


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
@pytest.mark.parametrize("source", [STACK, LOW, VolumeSource("hall", 0.0, 0.0, 8.0, 10.0, 4.0)], ids=lambda s: s.name)
def test_the_plume_follows_the_wind_and_is_the_same_on_both_sides(hour: dict[str, float], source: object) -> None:
    for wind_from in (0.0, 33.0, 170.0, 299.0):
        turn = np.radians(wind_from + 180.0)
        along, side = np.array([np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), -np.sin(turn)])
        places = np.array([along * 1500 + side * 200, along * 1500 - side * 200, along * 1500, -along * 1500])
        got = unit(layer(**(hour | {"wind_from": wind_from})), source, receptors(places[:, 0], places[:, 1]))[0]
        assert got[0] == pytest.approx(got[1], rel=1e-9)
        assert got[2] > got[0] > got[3] > 0  # upwind only what meanders


def test_sources_add_up_and_hours_do_not_touch_each_other() -> None:
    air = layer(wind_from=[200.0, 270.0, 310.0], wind_speed=[2.0, 4.0, 6.0])
    where = receptors([500.0, 900.0, 1400.0], [0.0, 100.0, -200.0])
    both = SteadyPlume(air, where, [STACK, LOW], threads=2)
    rates = np.array([[1.0, 2.0], [0.0, 3.0], [5.0, 0.0]])
    got = both.hourly(rates, groups=np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))
    one, other = unit(air, STACK, where), unit(air, LOW, where)
    assert np.allclose(got[:, 1], rates[:, :1] * one, rtol=1e-12)
    assert np.allclose(got[:, 2], rates[:, 1:] * other, rtol=1e-12)
    assert np.allclose(got[:, 0], got[:, 1] + got[:, 2], rtol=1e-12)
    assert np.allclose(both.matrix(), [one.mean(axis=0), other.mean(axis=0)], rtol=1e-12)


def test_calm_and_missing_hours_cause_nothing_and_are_left_out_of_means() -> None:
    air = layer(wind_speed=[3.0, 0.0, 3.0], temperature=[293.0, 293.0, np.nan])
    where = receptors([800.0], [0.0])
    got = unit(air, STACK, where)
    assert got[0, 0] > 0
    assert got[1, 0] == got[2, 0] == 0.0
    assert list(air.calm) == [False, True, False]
    assert list(air.missing) == [False, False, True]
    assert SteadyPlume(air, where, [STACK]).matrix()[0, 0] == pytest.approx(got[0, 0])


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
def test_a_small_area_is_a_point_seen_from_afar_without_meander(hour: dict[str, float]) -> None:
    air, where = layer(**hour), receptors([3000.0], [0.0])
    yard = AreaSource.rectangle("yard", -2.0, -2.0, 4.0, 4.0, height=10.0)
    tiny = VolumeSource("tiny", 0.0, 0.0, 10.0, 0.01, 0.01)
    point = unit(air, tiny, where)[0, 0]
    assert 0.6 * point < unit(air, yard, where)[0, 0]
    corners = [(-3.0 + 2 * i, -3.0 + 2 * j) for i in range(3) for j in range(3)]
    nine = [AreaSource.rectangle("part", east, north, 2.0, 2.0, height=10.0) for east, north in corners]
    whole = AreaSource.rectangle("whole", -3.0, -3.0, 6.0, 6.0, height=10.0)
    parts = SteadyPlume(air, where, nine).hourly(np.full(9, 1 / 9))[0, 0, 0]
    assert unit(air, whole, where)[0, 0] == pytest.approx(parts, rel=1e-4)


@pytest.mark.parametrize("wind_from", [270.0, 300.0, 359.0])
def test_an_area_is_the_sum_of_its_parts_however_it_is_cut(wind_from: float) -> None:
    air = layer(wind_from=wind_from)
    east, north = np.meshgrid(np.linspace(-250.0, 450.0, 15), np.linspace(-250.0, 250.0, 11))
    where = receptors(east, north)
    yard = AreaSource.rectangle("yard", -100.0, -60.0, 200.0, 120.0, angle=17.0, sigma_z=2.0)
    a, b, c, d = yard.ring
    mid = ((a[0] + c[0]) / 2, (a[1] + c[1]) / 2)
    cuts = ((a, b, mid), (b, c, mid), (c, d, mid), (d, a, mid))
    quarters = [AreaSource("part", corners, 0.0, 2.0) for corners in cuts]
    rates = np.array([part.area for part in quarters]) / yard.area
    parts = SteadyPlume(air, where, quarters).hourly(rates)[0, 0]
    whole = unit(air, yard, where)[0]
    large = whole > 0.01 * whole.max()
    assert np.abs(parts[large] / whole[large] - 1).max() < 0.01


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
def test_a_finer_table_changes_little(hour: dict[str, float]) -> None:
    air = layer(**(hour | {"wind_from": list(range(180, 300, 10))}))
    turn = np.radians(np.arange(0.0, 360.0, 15.0))
    distances = [150.0, 500.0, 2000.0, 8000.0]
    where = receptors(np.outer(distances, np.sin(turn)), np.outer(distances, np.cos(turn)))
    for source in (STACK, LOW):
        rough, fine = unit(air, source, where), unit(air, source, where, step=0.025)
        large = fine > 0.01 * fine.max()
        assert np.percentile(np.abs(rough[large] / fine[large] - 1), 95) < 0.003


def test_the_table_answers_as_its_own_rows_do_between_them() -> None:
    air = layer(wind_from=270.0)
    x = np.geomspace(80.0, 9000.0, 301)
    rough, fine = (unit(air, STACK, receptors(x, 0.0), step=step)[0] for step in (0.05, 0.005))
    large = fine > 0.01 * fine.max()
    assert np.abs(rough[large] / fine[large] - 1).max() < 0.01


def test_concentration_does_not_jump_with_distance_height_or_wind() -> None:
    x = np.geomspace(200.0, 8000.0, 801)
    along = unit(layer(), STACK, receptors(x, 0.0))[0]
    winds = layer(wind_speed=list(np.geomspace(2.0, 8.0, 200)))
    over_wind = unit(winds, STACK, receptors([2000.0], 0.0))[:, 0]
    heights = np.array([unit(layer(), STACK, receptors([2000.0], 0.0, z))[0, 0] for z in np.linspace(0.0, 60.0, 61)])
    for values in (along[along > 0.01 * along.max()], over_wind, heights):
        assert np.abs(np.diff(np.log(values))).max() < 0.06


def test_over_a_city_at_night_a_low_plume_is_mixed_higher() -> None:
    country = layer(**STABLE)
    where = receptors([2000.0], [0.0])
    dark = unit(country, LOW, where)[0, 0]
    city = SteadyPlume(country, where, [PointSource("low", 0.0, 0.0, 10.0, 0.5, 5.0, 293.0, city=1)],
                       cities=[country.over_city(5e6)]).hourly(np.ones(1))[0, 0, 0]  # fmt: skip
    assert city < 0.7 * dark


def test_by_day_a_city_is_country() -> None:
    noon = layer(convective_height=2500.0)
    assert np.array_equal(noon.over_city(5e6).profiles, noon.profiles)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.booleans(), st.floats(0.3, 20.0), st.floats(0.03, 1.5), st.floats(1.0, 500.0), st.floats(20.0, 3500.0),
    st.floats(0.01, 2.0), st.floats(0.05, 3.0), st.floats(0.0, 250.0), st.floats(250.0, 320.0),
)  # fmt: skip
def test_any_hour_and_stack_gives_numbers(
    stable: bool, wind: float, friction: float, length: float, lid: float, rough: float, convective: float,
    stack: float, air: float,
) -> None:  # fmt: skip
    hour = {
        "wind_speed": wind, "friction_velocity": friction, "obukhov_length": length if stable else -length,
        "mechanical_height": lid, "convective_height": np.nan if stable else lid * 1.5, "roughness": rough,
        "convective_velocity": np.nan if stable else convective, "temperature": air,
    }  # fmt: skip
    source = PointSource("stack", 0.0, 0.0, stack, 2.0, 12.0, 400.0)
    got = unit(layer(**hour), source, receptors(*np.meshgrid([-3000.0, 40.0, 500.0, 20000.0], [0.0, 300.0])))
    assert np.isfinite(got).all()
    assert (got >= 0).all()
    assert got.max() > 0


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda: PointSource("s", 0, 0, -1.0, 1.0, 1.0, 300.0), "below the ground"),
        (lambda: PointSource("s", 0, 0, 10.0, 0.0, 1.0, 300.0), "diameter"),
        (lambda: VolumeSource("v", 0, 0, 2.0, 0.0, 1.0), "spreads"),
        (lambda: AreaSource("a", ((0, 0), (1, 0)), 0.0), "three corners"),
        (lambda: AreaSource.line("l", (1, 1), (1, 1), 5.0), "no length"),
        (lambda: layer().over_city(0.0), "population"),
        (lambda: layer(wind_speed=0.0), "none of 1 hours"),
        (lambda: SteadyPlume(layer(), receptors([], []), [STACK]), "no receptor"),
        (lambda: SteadyPlume(layer(), receptors([1.0], [1.0]), []), "no source"),
        (lambda: unit(layer(), PointSource("s", 0, 0, 10, 1, 1, 300, city=1), receptors([9.0], [9.0])), "city 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused_with_a_reason(broken: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        broken()  # type: ignore[operator]
