"""What a plume loses on the way: AERMOD's own deposition, the balance of mass, and what is refused."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.formats import read_profile, read_surface
from bihuan.physics import (
    AreaSource,
    BoundaryLayer,
    Building,
    DepositingPlume,
    FineAndCoarse,
    Gas,
    Ground,
    Particles,
    PitSource,
    PointSource,
    Receptors,
    Removal,
    SteadyPlume,
    VolumeSource,
)
from bihuan.physics.steady.boundary import LEVELS
from bihuan.physics.steady.deposition_kernels import DIAMETER, SUBSTANCE_COLUMNS, fall_speed
from tests.physics.steady.hours import STABLE, layer

LOW = PointSource("low", 0.0, 0.0, 10.0, 0.5, 5.0, 293.0)
DUST = Particles((1.0, 10.0, 40.0), (0.3, 0.5, 0.2), (2.6, 2.6, 2.6))
BENZENE = Gas(0.08962e-4, 1.04e-9, 2.51e6, 557.0)
WOODS = Ground((4, 4, 4, 5, 1, 1, 1, 1, 1, 2, 3, 3), (4,) * 36)
DAY_AND_NIGHT = pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])


def along(*distances: float) -> Receptors:
    """Receptors east of the source, under a wind from the west."""
    return Receptors(np.array(distances), np.zeros(len(distances)), np.zeros(len(distances)))


def even(hour: dict[str, float]) -> BoundaryLayer:
    """Air of one wind at all heights."""
    air = layer(**hour)
    air.profiles[:, 0], air.profiles[:, 1] = 3.0, 0.5
    air.sums[..., 1:] = np.cumsum(0.5 * (air.profiles[..., 1:] + air.profiles[..., :-1]) * np.diff(LEVELS), axis=-1)
    return air


@cache
def against(shared: Path, name: str, losses: str) -> tuple[np.ndarray, np.ndarray]:
    """Return ours and AERMOD's, shape (concentration dry wet, hours, receptors)."""
    folder = shared / "data/dispersion"
    surface = read_surface(folder / "met/test.sfc")
    air = BoundaryLayer(surface, read_profile(folder / "met/test.pfl", surface.start))
    lines = gzip.decompress((folder / f"epa_testcases/{name}_01H.PST.gz").read_bytes()).decode().splitlines()
    post = np.array([[float(word) for word in line.split()[:5]] for line in lines]).reshape(len(surface), -1, 5)
    what = BENZENE if name == "TESTGAS" else FineAndCoarse(0.55, 1.2)
    where = Receptors(post[0, :, 0].copy(), post[0, :, 1].copy(), np.zeros(post.shape[1]))
    stack = PointSource("STACK1", 0.0, 0.0, 35.0, 2.4, 11.7, 432.0)
    plume = DepositingPlume(air, where, [stack], [Removal(what)], ground=WOODS, losses=losses)  # type: ignore[arg-type]
    got = plume.deposited(np.array([100.0]))
    unit = 1.0 if name == "TESTGAS" else 1e-3  # the particles' flux is asked for in mg/m2
    return np.stack([got.concentration[:, 0], got.dry[:, 0] * unit, got.wet[:, 0] * unit]), np.moveaxis(
        post[..., 2:], 2, 0
    )


@pytest.mark.reference
@pytest.mark.parametrize("name", ["TESTGAS", "TESTPART"])
@pytest.mark.parametrize("quantity", [0, 1, 2], ids=["concentration", "dry", "wet"])
def test_deposition_is_that_of_aermod(shared: Path, name: str, quantity: int) -> None:
    for losses, band, of_means in (("aermod", 0.001, 0.001), ("integral", 0.025, 0.025)):
        ours, theirs = (values[quantity] for values in against(shared, name, losses))
        large = theirs > 0.01 * theirs.max()
        assert large.sum() > 80
        assert np.percentile(np.abs(ours[large] / theirs[large] - 1), 95) < band
        mean, their_mean = ours.mean(axis=0), theirs.mean(axis=0)
        large = their_mean > 0.01 * their_mean.max()
        assert np.percentile(np.abs(mean[large] / their_mean[large] - 1), 95) < of_means


@DAY_AND_NIGHT
def test_without_removal_not_a_bit_changes(hour: dict[str, float]) -> None:
    air, where = layer(**hour), along(150.0, 900.0, 4000.0)
    sources = [LOW, VolumeSource("hall", 0.0, 0.0, 8.0, 10.0, 4.0), AreaSource.rectangle("yard", -20, -20, 40, 40)]
    plain = SteadyPlume(air, where, sources).hourly(np.ones(3), groups=np.eye(3))
    nothing = DepositingPlume(air, where, sources, [None, None, None])
    assert (nothing.hourly(np.ones(3), groups=np.eye(3)) == plain).all()
    assert (nothing.deposited(np.ones(3)).dry == 0.0).all()
    beside = DepositingPlume(air, where, sources, [None, None, Removal(decay=1e-4)]).hourly(
        np.ones(3), groups=np.eye(3)
    )
    assert beside[:, :2] == pytest.approx(plain[:, :2], rel=2e-4)  # only the table begins nearer
    assert (beside[:, 2] < plain[:, 2]).all()


def plane(reach: float) -> tuple[Receptors, np.ndarray]:
    """Receptors around the origin and the area each stands for. [m2]"""
    edges = np.exp(np.linspace(0.0, np.log(reach), 241))
    radii = np.sqrt(edges[1:] * edges[:-1])
    turns = (np.arange(720) + 0.5) * np.pi / 360.0
    east, north = np.outer(radii, np.sin(turns)).ravel(), np.outer(radii, np.cos(turns)).ravel()
    area = np.repeat(np.diff(edges**2) * np.pi / 720.0, 720)
    return Receptors(east, north, np.zeros(east.size)), area


@pytest.mark.parametrize(
    ("hour", "what", "rain"),
    [
        ({}, Particles((120.0,), (1.0,), (2.6,)), 0.0),
        (STABLE, Particles((120.0,), (1.0,), (2.6,)), 0.0),
        ({}, FineAndCoarse(0.5, 1.0), 60.0),
        (STABLE, FineAndCoarse(0.5, 1.0), 60.0),
    ],
    ids=["falls by day", "falls by night", "rains by day", "rains by night"],
)
def test_all_that_is_emitted_comes_down(hour: dict[str, float], what: object, rain: float) -> None:
    where, area = plane(60000.0)
    air = even({**hour, "precipitation": rain})
    got = DepositingPlume(air, where, [LOW], [Removal(what)]).deposited(np.ones(1))  # type: ignore[arg-type]
    down = ((got.dry + got.wet)[0, 0] * area).sum() / 3600.0
    assert down == pytest.approx(1e6, rel=0.005)


@DAY_AND_NIGHT
def test_decay_takes_a_share_of_every_second_of_travel(hour: dict[str, float]) -> None:
    air, where = even(hour), along(300.0, 2000.0, 9000.0)
    plain = SteadyPlume(air, where, [LOW]).hourly(np.ones(1))[0, 0]
    got = DepositingPlume(air, where, [LOW], [Removal(decay=2e-4)]).hourly(np.ones(1))[0, 0]
    assert got / plain == pytest.approx(np.exp(-2e-4 * where.east / 3.0), rel=2e-3)


def test_particles_fall_as_stokes_says() -> None:
    row = np.zeros(SUBSTANCE_COLUMNS)
    row[2], row[3] = (
        10e-6,
        1e6,
    )  # 10 um of water: 0.305 cm/s, 1 um: 0.0035 cm/s (Seinfeld and Pandis, table of chapter 9)
    assert fall_speed(row) == pytest.approx(3.05e-3, rel=0.01)
    row[DIAMETER] = 1e-6
    assert fall_speed(row) == pytest.approx(3.5e-5, rel=0.02)


@DAY_AND_NIGHT
def test_large_particles_come_down_nearer_and_classes_add_up(hour: dict[str, float]) -> None:
    air, where = layer(**hour), along(200.0, 5000.0)
    alone = [Particles((size,), (1.0,), (2.6,)) for size in DUST.diameters]
    stacks = [PointSource(f"s{k}", 0.0, 0.0, 10.0, 0.5, 5.0, 293.0) for k in range(4)]
    got = DepositingPlume(air, where, stacks, [Removal(what) for what in (*alone, DUST)]).deposited(
        np.ones(4), groups=np.eye(4)
    )
    left = got.concentration[0, :, 1] / got.concentration[0, :, 0]
    assert left[0] > left[1] > left[2]
    assert got.dry[0, 2, 0] > got.dry[0, 1, 0] > got.dry[0, 0, 0] > 0.0
    for values in (got.concentration, got.dry):
        assert values[0, 3] == pytest.approx(np.array(DUST.shares) @ values[0, :3], rel=1e-12)


def test_rain_takes_only_while_it_rains_and_ways_can_be_closed() -> None:
    air, where = layer(precipitation=[0.0, 4.0, 4.0]), along(500.0, 3000.0)
    both = DepositingPlume(air, where, [LOW], [Removal(DUST)]).deposited(np.ones(1))
    assert (both.wet[0] == 0.0).all()
    assert (both.wet[1:] > 0.0).all()
    assert (both.concentration[0] > both.concentration[1]).all()
    dry = DepositingPlume(air, where, [LOW], [Removal(DUST, wet=False)]).deposited(np.ones(1))
    assert (dry.wet == 0.0).all()
    assert dry.dry[1] == pytest.approx(dry.dry[0], rel=1e-12)
    wet = DepositingPlume(air, where, [LOW], [Removal(BENZENE, dry=False)]).deposited(np.ones(1))
    assert (wet.dry == 0.0).all()
    assert (wet.wet[1] > 0.0).all()


def test_woods_take_more_of_a_gas_in_summer_than_bare_ground() -> None:
    air, where = layer(), along(1000.0)
    summer = (1,) * 12
    lands = {land: Ground(summer, (land,) * 36) for land in (4, 8)}
    taken = {
        land: DepositingPlume(air, where, [LOW], [Removal(BENZENE)], ground=ground).deposited(np.ones(1)).dry[0, 0, 0]
        for land, ground in lands.items()
    }
    assert taken[4] > 2.0 * taken[8] > 0.0
    # the wind blows towards 90 degrees: only that sector counts
    mixed = Ground(summer, tuple(4 if sector == 8 else 8 for sector in range(36)))
    got = DepositingPlume(air, where, [LOW], [Removal(BENZENE)], ground=mixed).deposited(np.ones(1))
    assert got.dry[0, 0, 0] == taken[4]


@pytest.mark.parametrize("losses", ["integral", "aermod"])
def test_what_comes_down_under_a_flagpole_comes_down_on_the_ground(losses: str) -> None:
    air, where = layer(**STABLE), along(50.0)
    raised = Receptors(where.east, where.north, np.full(1, 8.0))
    low, high = (
        DepositingPlume(air, places, [LOW], [Removal(FineAndCoarse(0.55, 1.2))], losses=losses).deposited(np.ones(1))  # type: ignore[arg-type]
        for places in (where, raised)
    )
    assert high.concentration[0, 0, 0] > 10.0 * low.concentration[0, 0, 0]  # the plume is aloft
    # the layer that carries the plume reaches down to the receptor, as in AERMOD, so not quite the same
    assert 0.2 < high.dry[0, 0, 0] / low.dry[0, 0, 0] < 2.0


def test_an_area_of_dust_is_a_point_of_dust_seen_from_afar() -> None:
    air, where = even(STABLE), along(4000.0)
    yard = AreaSource.rectangle("yard", -2.0, -2.0, 4.0, 4.0, height=10.0)
    calm_stack = VolumeSource("cloud", 0.0, 0.0, 10.0, 1.0, 1e-3)
    got = DepositingPlume(air, where, [yard, calm_stack], [Removal(DUST)] * 2).deposited(np.ones(2), groups=np.eye(2))
    fall = got.dry[0, :, 0] / got.concentration[0, :, 0]
    assert fall[0] == pytest.approx(fall[1], rel=0.01)


@pytest.mark.parametrize(
    ("removal", "words"),
    [
        (Removal(Particles((1.0, 5.0), (0.5, 0.3), (1.0, 1.0))), "low: shares of mass add up to 0.8, not to 1"),
        (Removal(Particles((0.0,), (1.0,), (1.0,))), "low: class of 0.0 um"),
        (Removal(Particles((1.0,), (0.5, 0.5), (1.0,))), "low: 1 diameters, 2 shares of mass, 1 densities"),
        (Removal(FineAndCoarse(1.2, 1.0)), "low: share 1.2 of fine mass"),
        (Removal(FineAndCoarse(0.5, 0.0)), "low: mean diameter 0.0 um"),
        (Removal(Gas(0.0, 1e-9, 1e6, 500.0)), "low: diffusivities"),
        (Removal(Gas(1e-5, 1e-9, 1e6, 500.0, reactive=2.0)), "low: reactivity 2.0"),
        (Removal(BENZENE), "low emits a gas that the ground takes: give its seasons"),
        (Removal(decay=-1.0), "low: decay -1.0"),
    ],
)
def test_a_removal_that_is_not_sound_is_refused_with_its_source(removal: Removal, words: str) -> None:
    with pytest.raises(InputError, match=words):
        DepositingPlume(layer(), along(500.0), [LOW], [removal])


def test_hours_that_lack_rain_or_pressure_are_named() -> None:
    air = layer(precipitation=[0.0, np.nan, np.nan], pressure=[1000.0, 1000.0, np.nan])
    with pytest.raises(InputError, match=r"precipitation, which is missing in 2 of 3 hours, .* begins 2026-01-01T01"):
        DepositingPlume(layer(precipitation=[0.0, np.nan, np.nan]), along(500.0), [LOW], [Removal(DUST)])
    with pytest.raises(InputError, match=r"pressure, which is missing in 1 of 3 hours, .* begins 2026-01-01T02"):
        DepositingPlume(air, along(500.0), [LOW], [Removal(DUST, wet=False)])
    DepositingPlume(air, along(500.0), [LOW], [Removal(decay=1e-5)])


def test_what_is_not_computed_is_refused() -> None:
    indoors = PointSource(
        "indoors", 0.0, 0.0, 10.0, 0.5, 5.0, 293.0, building=Building.everywhere(20.0, 30.0, 30.0, 0.0, 0.0)
    )
    with pytest.raises(InputError, match="indoors has a building and a removal"):
        DepositingPlume(layer(), along(500.0), [indoors], [Removal(DUST)])
    with pytest.raises(InputError, match="cannot be one run"):
        DepositingPlume(layer(), along(500.0), [indoors, LOW], [None, Removal(DUST)])
    pit = PitSource("pit", 0.0, 0.0, 100.0, 50.0, 1e5)
    with pytest.raises(InputError, match="source pit: removal is computed for points, volumes and areas"):
        DepositingPlume(layer(), along(500.0), [pit, LOW], [None, Removal(DUST)])
    with pytest.raises(InputError, match="2 removals for 1 sources"):
        DepositingPlume(layer(), along(500.0), [LOW], [None, None])
    with pytest.raises(InputError, match="matrix is not made with removal"):
        DepositingPlume(layer(), along(500.0), [LOW], [Removal(DUST)]).matrix()
    with pytest.raises(InputError, match="give 12 months of 1-5"):
        Ground((1,) * 11, (1,) * 36)
    with pytest.raises(InputError, match="give 36 sectors of 1-9"):
        Ground((1,) * 12, (10,) * 36)
