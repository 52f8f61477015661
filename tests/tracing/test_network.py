"""The design of a network: greedy against the exact answer, its certificate, and what is never proposed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bihuan.core import InputError, Place, Plane, Ref, SettingError, Source, Weather
from bihuan.physics import GaussianPlume
from bihuan.tracing.network import (
    Cover,
    Mesh,
    Monitor,
    MonitorKind,
    NetworkDesign,
    NetworkSettings,
    choose,
    choose_exactly,
    climate,
    cover,
    design_network,
    mesh,
    spare,
)

PLANE = Plane(Place(113.6, 34.7))
MODEL = GaussianPlume(PLANE, urban=True)
MICRO = MonitorKind("micro", {"pm10": 6.0})
OFFICIAL = MonitorKind("national", {"pm10": 4.0})
SQUARE = 6000.0


def random_cover(seed: int, places: int, rows: int) -> Cover:
    """Sets drawn at random, with weights: any coverage problem."""
    rng = np.random.default_rng(seed)
    weight = rng.exponential(size=rows)
    sets = tuple(np.flatnonzero(rng.random(rows) < rng.uniform(0.03, 0.4)).astype(np.int32) for _ in range(places))
    return Cover(weight / weight.sum(), sets, rows, 0, 0, 1, np.zeros((0, 2), np.int64))


def sky(speed: np.ndarray, origin: np.ndarray) -> Weather:
    n = len(speed)
    start = np.datetime64("2026-01-01T00", "us") + np.arange(n) * np.timedelta64(1, "h")
    return Weather(
        start, start + np.timedelta64(1, "h"), speed, origin, np.full(n, 3), np.full(n, 288.0), np.full(n, 900.0)
    )


def source(name: str, east: float, north: float, rate: float = 3.0) -> Source:
    return Source(Ref("worksite", name), name, PLANE.place(east, north), "area", {"pm10": rate}, side=80.0)


def ring() -> list[tuple[float, float]]:
    corners = [(-SQUARE, -SQUARE), (SQUARE, -SQUARE), (SQUARE, SQUARE), (-SQUARE, SQUARE), (-SQUARE, -SQUARE)]
    lon, lat = PLANE.inverse(*zip(*corners, strict=True))
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def round_the_rose(n: int = 72) -> Weather:
    return sky(np.full(n, 2.5), np.arange(n) * 360.0 / n)


def monitor(name: str, east: float, north: float, kind: MonitorKind = MICRO) -> Monitor:
    fixed = kind is OFFICIAL
    return Monitor(Ref("station", name), name, PLANE.place(east, north), kind, fixed)


def designed(count: int, monitors: list[Monitor], weather: Weather | None = None, **other: object) -> NetworkDesign:
    """Four sources in a square city, on a mesh of 1,500 m."""
    listed = [source("a", -3000, -3000), source("b", 3000, -3000), source("c", 3000, 3000), source("d", -3000, 3000)]
    places = mesh([ring()], PLANE, 1500.0, sources=[one.place for one in listed])
    blowing = climate(weather or round_the_rose())
    return design_network(MODEL, PLANE, listed, monitors, places, blowing, MICRO, count, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(12))
def test_greedy_is_within_its_bound_and_the_certificate_holds(seed: int) -> None:
    seen = random_cover(seed, places=14, rows=120)
    present, candidates, count = [0, 1], list(range(2, 14)), 1 + seed % 5
    found = choose(seen, present, candidates, count)
    best = max(seen.worth([*present, *some]) for some in itertools.combinations(candidates, count))
    exact = choose_exactly(seen, present, candidates, count)
    assert exact.worth == pytest.approx(best, abs=1e-9)
    assert exact.exact
    reached = (found.worth - found.before) / (best - found.before)
    assert reached >= found.guaranteed - 1e-12
    assert found.guaranteed >= 1 - 1 / np.e
    assert found.worth <= best + 1e-12
    assert best <= found.bound + 1e-12, "the bound is above what is possible"
    assert found.certified <= reached + 1e-12, "it never promises more than is true"


def test_greedy_usually_equals_the_exact_answer() -> None:
    shares = []
    for seed in range(30):
        seen = random_cover(100 + seed, places=12, rows=60)
        best = choose_exactly(seen, [], list(range(12)), 3)
        shares.append(choose(seen, [], list(range(12)), 3).worth / best.worth)
    assert np.mean(np.array(shares) > 1 - 1e-9) >= 0.6
    assert min(shares) > 0.95


def test_lazy_evaluation_takes_the_same_places_as_looking_at_all() -> None:
    for seed in range(5):
        seen = random_cover(200 + seed, places=60, rows=400)
        found = choose(seen, [], list(range(60)), 8)
        taken: list[int] = []
        for _ in range(8):
            gains = [seen.gain(place, seen.covered(taken)) for place in range(60)]
            taken.append(int(np.argmax(gains)))
        assert list(found.monitors) == taken
        assert found.looked < 60 * 8
        assert found.worth == pytest.approx(found.before + sum(found.gains))
        assert all(a >= b - 1e-12 for a, b in itertools.pairwise(found.gains))


def test_what_adds_nothing_is_not_placed() -> None:
    seen = Cover(
        np.array([0.5, 0.5]), (np.array([0, 1]), np.array([0]), np.array([1])), 2, 0, 0, 1, np.zeros((0, 2), int)
    )
    found = choose(seen, [], [0, 1, 2], 3)
    assert found.monitors == (0,)
    assert found.certified == pytest.approx(1.0)
    assert found.worth == pytest.approx(found.bound)


def test_a_station_is_worth_what_it_alone_covers() -> None:
    rows = (np.array([0, 1]), np.array([1, 2]), np.array([2]))
    seen = Cover(np.array([0.5, 0.3, 0.2]), rows, 3, 0, 0, 1, np.zeros((0, 2), int))
    np.testing.assert_allclose(spare(seen, [0, 1, 2]), [0.5, 0.0, 0.0])
    np.testing.assert_allclose(spare(seen, [0, 1]), [0.5, 0.2])


def test_a_monitor_goes_downwind_of_the_sources_nobody_sees() -> None:
    """Wind always from the west: the place chosen lies east of a source, on the level of it."""
    weather = sky(np.full(48, 2.5), np.full(48, 270.0))
    found = designed(4, [], weather, settings=NetworkSettings(told_apart=0.0, unlisted=0.0))
    for one in found.proposals:
        east, north = (float(part) for part in PLANE.forward(one.place.lon, one.place.lat))
        assert min(abs(north - level) for level in (-3000, 3000)) < 800
        assert east > -3000
    west_wind = found.by_sector[12]
    assert west_wind[0] == 48
    assert np.isnan(found.by_sector[4, 1:]).all(), "a wind that never blew is neither blind nor seen"


def test_official_stations_are_never_proposed_to_be_spared() -> None:
    standing = [monitor("GK1", 0, 0, OFFICIAL), monitor("WZ1", 50, 50), monitor("WZ2", 3000, -2000)]
    found = designed(2, standing)
    assert [one.ref.id for one, _ in found.spare] == ["WZ1", "WZ2"], "the one beside the official station loses least"
    assert all(not one.fixed for one, _ in found.spare)
    assert all(PLANE.place(0, 0).distance(one.place) > 100 for one in found.proposals)
    assert found.spare[0][1] <= found.spare[1][1]


def test_the_gains_add_up_and_the_shares_grow() -> None:
    found = designed(5, [monitor("WZ1", 0, 0)])
    assert found.chosen is not None
    assert found.present.worth + sum(one.gain for one in found.proposals) == pytest.approx(found.chosen.worth)
    worths = [found.present.worth, *(one.after.worth for one in found.proposals)]
    assert all(a < b for a, b in itertools.pairwise(worths))
    last = found.proposals[-1].after
    assert last.found >= found.present.found
    assert last.told_apart >= found.present.told_apart
    assert 0 <= last.unlisted <= 1
    assert (found.cells[:, 3] >= found.cells[:, 2]).all()
    assert found.proposals[0].sources
    exact = designed(2, [monitor("WZ1", 0, 0)], exact=True)
    assert exact.chosen is not None
    assert exact.chosen.exact
    assert exact.chosen.worth >= designed(2, [monitor("WZ1", 0, 0)]).chosen.worth - 1e-9  # type: ignore[union-attr]


def test_looking_at_what_stands_proposes_nothing() -> None:
    found = designed(0, [monitor("WZ1", 0, 0)])
    assert found.chosen is None
    assert not found.proposals
    assert all(line.present == line.proposed for line in found.sources)
    assert (found.cells[:, 2] == found.cells[:, 3]).all()
    assert found.cells[:, 2].max() > found.cells[:, 2].min()
    nothing = designed(0, [])
    assert nothing.present.worth == 0
    assert not nothing.cells[:, 2].any()


def test_two_sources_are_told_apart_only_where_they_look_different() -> None:
    """Wind along the line of both: downwind of both they look alike, between them they do not."""
    listed = [source("a", -4000, 0), source("b", 0, 0)]
    weather = climate(sky(np.full(24, 2.5), np.full(24, 270.0)))
    places = np.array([-2500.0, 1500.0, 9000.0]), np.zeros(3)
    settings = NetworkSettings(told_apart=0.5, unlisted=0.0, apart=4.0)
    seen = cover(MODEL, PLANE, listed, (), weather, *places, [MonitorKind("micro", {"pm10": 0.5})] * 3, settings)
    pairs = seen.parts[2]
    assert seen.covered([0])[pairs].all(), "only the first reaches it"
    assert seen.covered([2])[seen.parts[0]].all(), "it sees both"
    assert not seen.covered([2])[pairs].any(), "and could not say which"


def test_weights_of_the_objective_sum_to_one() -> None:
    listed = [source("a", 0, 0), source("b", 900, 0), source("silent", 2000, 0, 0.0)]
    weather = climate(round_the_rose())
    settings = NetworkSettings()
    seen = cover(MODEL, PLANE, listed, [source("u", 500, 500)], weather, np.zeros(1), np.zeros(1), [MICRO], settings)
    found, unlisted, pairs = (float(seen.weight[part].sum()) for part in seen.parts)
    assert found + unlisted + pairs == pytest.approx(1.0)
    assert pairs == pytest.approx(settings.told_apart)
    assert unlisted == pytest.approx((1 - settings.told_apart) * settings.unlisted)
    assert seen.pair.tolist() == [[0, 1]], "a source that reports nothing has no rival"


def test_a_mesh_keeps_out_of_water_fences_and_stations() -> None:
    lake = [(-1500.0, -1500.0), (1500.0, -1500.0), (1500.0, 1500.0), (-1500.0, 1500.0), (-1500.0, -1500.0)]
    lon, lat = PLANE.inverse(*zip(*lake, strict=True))
    course = PLANE.inverse([-6000.0, 6000.0], [4750.0, 4750.0])
    made = mesh(
        [ring()],
        PLANE,
        500.0,
        water=[list(zip(lon, lat, strict=True)), list(zip(*course, strict=True))],
        sources=[PLANE.place(-3750, -3750)],
        stations=[PLANE.place(3750, -3750)],
    )
    assert isinstance(made, Mesh)
    assert not ((np.abs(made.east) < 1500) & (np.abs(made.north) < 1500)).any()
    assert np.abs(made.north - 4750).min() >= 60
    assert np.hypot(made.east + 3750, made.north + 3750).min() >= 200
    assert np.hypot(made.east - 3750, made.north + 3750).min() >= 400
    assert made.excluded["water"] == 36 + 24
    assert np.abs(made.east).max() < SQUARE
    assert len(made.cells_east) == 24 * 24


def test_winds_become_classes_that_keep_their_hours() -> None:
    weather = sky(np.array([2.4, 2.6, 2.5, np.nan, 6.0]), np.array([359.0, 1.0, 90.0, 90.0, 91.0]))
    found = climate(weather)
    assert found.total == 4
    assert found.missing == 1
    assert not found.enough
    assert sorted(found.hours.tolist()) == [1, 1, 2]
    north = int(np.argmax(found.hours))
    assert min(found.states.wind_from[north], 360 - found.states.wind_from[north]) < 1e-6
    assert found.states.wind_speed[north] == pytest.approx(2.5)


def test_what_cannot_be_designed_is_said() -> None:
    with pytest.raises(InputError, match="no hour has a wind"):
        climate(sky(np.full(3, np.nan), np.zeros(3)))
    with pytest.raises(InputError, match="does not divide"):
        climate(round_the_rose(), 7.0)
    with pytest.raises(InputError, match="no boundary"):
        mesh([], PLANE, 500.0)
    with pytest.raises(InputError, match="no mesh of at most"):
        mesh([ring()], PLANE, 1.0)
    with pytest.raises(InputError, match="smaller spacing"):
        mesh([ring()], PLANE, 500.0, sources=[PLANE.place(0, 0)], from_source=1e5)
    with pytest.raises(InputError, match="give 1 to"):
        designed(10_000, [])
    with pytest.raises(InputError, match="too many for an exact answer"):
        choose_exactly(random_cover(1, 201, 30), [], list(range(201)), 2)
    with pytest.raises(InputError, match="measures"):
        design_network(
            MODEL, PLANE, [], [], mesh([ring()], PLANE, 1500.0), climate(round_the_rose()), MonitorKind("micro")
        )
    with pytest.raises(InputError, match="no source of the register reports"):
        silent = [source("a", 0, 0, 0.0)]
        design_network(MODEL, PLANE, silent, [], mesh([ring()], PLANE, 1500.0), climate(round_the_rose()), MICRO, 1)
    with pytest.raises(SettingError, match="above 1"):
        NetworkSettings(apart=1.0)
    with pytest.raises(SettingError, match="must be above 0"):
        MonitorKind("micro", {"pm10": 0.0})
