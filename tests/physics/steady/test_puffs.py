"""Puffs in the engine's air: they tend to the plume, keep their mass, and in one wind are the Gaussian of the books."""

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.physics import AreaSource, BoundaryLayer, PointSource, Receptors, SteadyPlume, SteadyPuffs, class_layer
from bihuan.physics.steady.axis_kernels import RANDOM
from bihuan.physics.steady.boundary import LEVELS


def air(stability: int, speed: float = 5.0, hours: int = 1) -> BoundaryLayer:
    full = np.ones(hours)
    return class_layer(
        speed * full, 270.0 * full, np.full(hours, stability), 290.0 * full, 1000.0 * full, height=10.0, roughness=0.03
    )


def at(east: list[float], north: list[float] | None = None, height: float = 0.0) -> Receptors:
    east_ = np.array(east, dtype=float)
    return Receptors(east_, np.zeros_like(east_) if north is None else np.array(north, float), 0 * east_ + height)


def coherent(layer: BoundaryLayer, source: PointSource, where: Receptors) -> np.ndarray:
    """The plume without its random part, which is what stands on the far side of the source."""
    plume = SteadyPlume(layer, where, [source], threads=1).hourly(np.ones(1))[0, 0]
    away = Receptors(-where.east, -where.north, where.height)
    random = SteadyPlume(layer, away, [source], threads=1).hourly(np.ones(1))[0, 0]
    puffs = SteadyPuffs(layer, where, [source])
    state = puffs._state(source, 0)
    assert state is not None
    distances, axis = puffs._axis(source, 0, state, 0.0)
    weight = np.interp(np.hypot(where.east, where.north), distances, axis[:, RANDOM])
    return np.asarray((plume - random) / (1 - weight))


COLD = PointSource("cold", 0.0, 0.0, 20.0, 1.0, 0.0, 0.0)
HOT = PointSource("hot", 0.0, 0.0, 20.0, 1.5, 12.0, 420.0)


@pytest.mark.parametrize("stability", [0, 2, 3, 4, 5])
@pytest.mark.parametrize("source", [COLD, HOT], ids=["cold", "hot"])
def test_a_long_constant_release_tends_to_the_coherent_plume(stability: int, source: PointSource) -> None:
    layer, where = air(stability), at([300, 1000, 1000, 3000], [0, 0, 60, 0])
    found = SteadyPuffs(layer, where, [source]).concentrations(np.ones((90, 1)), np.zeros(90, int))[-1, :, 0]
    assert found == pytest.approx(coherent(layer, source, where), rel=0.02)


def test_the_step_changes_a_steady_state_by_less_than_a_percent() -> None:
    layer, where = air(3), at([300, 1000, 2000])
    ends = [
        SteadyPuffs(layer, where, [COLD], step=step).concentrations(np.ones((n, 1)), np.zeros(n, int))[-1, :, 0]
        for step, n in ((20.0, 120), (120.0, 20))
    ]
    assert ends[0] == pytest.approx(ends[1], rel=0.01)


@pytest.mark.parametrize("stability", [1, 4])
def test_a_puff_keeps_its_mass(stability: int) -> None:
    """Ten minutes after 60 g left the stack they are found in the air, summed over height and ground."""
    layer = air(stability)
    lid, reach = (1050, 2000) if stability == 1 else (160, 900)
    if stability == 4:  # in air that changes with height the formulation's own vertical term adds up to 0.92
        layer.profiles[:, 0], layer.profiles[:, 1], layer.profiles[:, 2], layer.profiles[:, 3] = 4.0, 0.4, 0.2, 0.005
        layer.sums[..., 1:] = np.cumsum(
            0.5 * (layer.profiles[..., 1:] + layer.profiles[..., :-1]) * np.diff(LEVELS), axis=-1
        )
    heights = np.linspace(0, lid, 24)
    east, north = np.meshgrid(np.arange(500, 7000, 130.0), np.arange(-reach, reach + 1, reach / 12))
    columns = []
    for z in heights:
        where = Receptors(east.ravel(), north.ravel(), np.full(east.size, z))
        puffs = SteadyPuffs(layer, where, [COLD], step=10.0, reach=12_000.0)
        rates = np.zeros((61, 1))
        rates[0] = 6.0
        columns.append(puffs.concentrations(rates, np.zeros(61, int))[-1, :, 0].sum() * 130.0 * reach / 12)
    mass = np.trapezoid(columns, heights) / 1e6
    assert mass == pytest.approx(60.0, rel=0.04)


def test_an_instant_in_one_wind_is_the_gaussian_of_the_books() -> None:
    """Sampled across its way the puff is exp(-y2 / 2 s2); along it too, about the place the wind has brought it to."""
    layer = air(3)
    aside = at([2000.0] * 5, [0, 40, 80, 120, 160])
    rates = np.zeros((600, 1))
    rates[0] = 1.0
    puffs = SteadyPuffs(layer, aside, [COLD], step=1.0)
    series = puffs.concentrations(rates, np.zeros(600, int))[:, :, 0]
    profile = series.sum(axis=0)
    spread2 = -0.5 * 160.0**2 / np.log(profile[4] / profile[0])
    for place, y in enumerate((0, 40, 80, 120, 160)):
        assert profile[place] / profile[0] == pytest.approx(np.exp(-0.5 * y**2 / spread2), rel=0.03)
    # the dose of 1 g is what a plume of 1 g/s causes, times a second
    assert profile[0] == pytest.approx(coherent(layer, COLD, aside)[0], rel=0.02)
    # and it arrives as long after as the plume's own wind takes
    state = puffs._state(COLD, 0)
    assert state is not None
    distances, axis = puffs._axis(COLD, 0, state, 0.0)
    slowness = axis[:, 6]
    wanted = np.trapezoid(np.interp(np.arange(2000), distances, slowness))
    assert float(np.average(np.arange(600), weights=series[:, 0])) == pytest.approx(wanted, rel=0.03)


def test_a_release_of_minutes_leaves_clean_air_behind() -> None:
    rates = np.zeros((120, 1))
    rates[5:10] = 2.0
    found = SteadyPuffs(air(3), at([1000.0]), [COLD]).concentrations(rates, np.zeros(120, int))[:, 0, 0]
    assert found[:5].max() == 0
    assert found.argmax() in range(7, 16)
    assert found[40:].max() < 1e-6 * found.max()


def test_puffs_are_linear_in_the_rate_and_sources_add_up() -> None:
    where, hour = at([500.0, 1500.0]), np.zeros(30, int)
    both = SteadyPuffs(air(4), where, [COLD, HOT]).concentrations(np.tile([2.0, 3.0], (30, 1)), hour)
    one = SteadyPuffs(air(4), where, [COLD]).concentrations(np.ones((30, 1)), hour)
    assert both[:, :, 0] == pytest.approx(2 * one[:, :, 0])
    assert (both[-1, :, 1] >= 0).all()


def test_a_wind_that_turns_takes_the_later_puffs_elsewhere() -> None:
    hour, turned = np.zeros(40, int), np.where(np.arange(40) < 20, 270.0, 180.0)
    found = SteadyPuffs(air(3), at([800.0, 0.0], [0.0, 800.0]), [COLD]).concentrations(
        np.ones((40, 1)), hour, wind_from=turned
    )[:, :, 0]
    assert found[18, 0] > 10 * found[18, 1]
    assert found[39, 1] > 10 * found[39, 0]


def test_faster_air_brings_a_puff_sooner() -> None:
    rates = np.zeros((60, 1))
    rates[0] = 1.0
    puffs = SteadyPuffs(air(3), at([3000.0]), [COLD])
    slow = puffs.concentrations(rates, np.zeros(60, int))[:, 0, 0]
    fast = puffs.concentrations(rates, np.zeros(60, int), faster=np.full(60, 1.5))[:, 0, 0]
    assert slow.argmax() / fast.argmax() == pytest.approx(1.5, abs=0.25)


def test_what_cannot_be_computed_is_refused_in_words() -> None:
    where, hour = at([500.0]), np.zeros(3, int)
    puffs = SteadyPuffs(air(3), where, [COLD])
    with pytest.raises(InputError, match="negative or missing"):
        puffs.concentrations(np.full((3, 1), np.nan), hour)
    with pytest.raises(InputError, match="no wind direction"):
        puffs.concentrations(np.ones((3, 1)), hour, wind_from=np.array([1.0, np.nan, 2.0]))
    with pytest.raises(InputError, match="of shape"):
        puffs.concentrations(np.ones((2, 1)), hour)
    with pytest.raises(InputError, match="the air has 1"):
        puffs.concentrations(np.ones((3, 1)), hour + 1)
    with pytest.raises(InputError, match="stacks and volumes"):
        SteadyPuffs(air(3), where, [AreaSource.rectangle("a", 0, 0, 10, 10)])  # type: ignore[list-item]
    with pytest.raises(InputError, match="above 0"):
        SteadyPuffs(air(3), where, [COLD], step=0.0)
