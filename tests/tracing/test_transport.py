"""Transport statistics: counted by hand, sources that were planted, fronts that were sent over a region."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.core import InputError, Place, Plane
from bihuan.tracing.transport import arrival_order, cluster_paths, transport_field, transport_share


def lines(bearings: np.ndarray, points: int = 25, step: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Straight paths out of 113, 34 by direction. [degrees]"""
    reach = np.arange(points) * step
    angle = np.radians(bearings)[:, None]
    return 113.1 + reach * np.sin(angle), 34.1 + reach * np.cos(angle)


def test_pscf_and_cwt_are_what_counting_by_hand_gives() -> None:
    lon = np.array([[0.5, 1.5, 2.5], [0.5, 1.5, np.nan], [0.5, 0.5, 0.5]])
    lat = np.full((3, 3), 0.5) + 0 * lon
    values = np.array([10.0, 40.0, 100.0])
    share = transport_field(lon, lat, values, cell=1.0, threshold=30.0, weighted=False)
    assert share.points.tolist() == [[5.0, 2.0, 1.0]]
    np.testing.assert_allclose(share.value, [[4 / 5, 1 / 2, 0.0]])
    mean = transport_field(lon, lat, values, cell=1.0, method="cwt", weighted=False)
    np.testing.assert_allclose(mean.value, [[(10 + 40 + 300) / 5, 25.0, 10.0]])
    weighted = transport_field(lon, lat, values, cell=1.0, method="cwt")
    mean_points = 8 / 3
    np.testing.assert_allclose(weighted.weight, [[0.7 if 1.5 * mean_points < 5 else 0.4, 0.2, 0.2]])
    np.testing.assert_allclose(weighted.value, mean.value * weighted.weight)


@pytest.mark.parametrize("method", ["pscf", "cwt", "sqtba"])
def test_a_planted_region_stands_out(method: str) -> None:
    """Air that came over a patch east of the place is dirty, all other air is clean."""
    rng = np.random.default_rng(4)
    bearing = rng.uniform(0, 360, 400)
    lon, lat = lines(bearing)
    dirty = np.abs(bearing - 90) < 15
    values = np.where(dirty, 100.0, 20.0) + rng.normal(0, 5, 400)
    hours = np.arange(25.0)
    found = transport_field(lon, lat, values, method=method, hours=hours, cell=0.5)  # type: ignore[arg-type]
    row, column = np.unravel_index(np.nanargmax(found.value), found.value.shape)
    assert found.lon[column] > 113.5
    assert abs(found.lat[row] - 34.1) < 1.0
    west = found.value[np.abs(found.lat - 34.25).argmin(), np.abs(found.lon - 110.75).argmin()]
    assert west < 0.5 * np.nanmax(found.value)


def test_a_trajectory_without_a_value_counts_nothing_and_the_date_line_is_crossed() -> None:
    lon = np.array([[179.5, -179.5], [179.5, -179.5]])
    lat = np.zeros((2, 2)) + 0.5
    found = transport_field(lon, lat, np.array([10.0, np.nan]), method="cwt", cell=1.0, weighted=False)
    assert found.used == 1
    assert found.lon.tolist() == [179.5, 180.5]
    assert found.points.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("measure", ["angle", "euclid"])
def test_paths_of_three_directions_become_three_clusters(measure: str) -> None:
    rng = np.random.default_rng(2)
    kind = rng.choice(3, 90, p=[0.5, 0.3, 0.2])
    lon, lat = lines(np.array([0.0, 120.0, 240.0])[kind] + rng.normal(0, 6, 90))
    lon[5, 10:] = np.nan
    found = cluster_paths(lon, lat, 3, measure)  # type: ignore[arg-type]
    assert found.member[5] == -1
    for k in range(3):
        assert len(set(found.member[(kind == k) & (found.member >= 0)])) == 1
    assert found.share.tolist() == sorted(found.share, reverse=True)
    assert found.within < 0.2
    assert found.lat[0, -1] > 37, "the largest came from the north"


def test_the_angle_joins_fast_and_slow_paths_and_the_distance_parts_them() -> None:
    slow, fast = lines(np.zeros(10), step=0.05), lines(np.zeros(10), step=0.4)
    lon, lat = np.concatenate([slow[0], fast[0]]), np.concatenate([slow[1], fast[1]])
    lon += np.linspace(0, 1e-3, 20)[:, None] * np.arange(25)
    apart = cluster_paths(lon, lat, 2, "euclid")
    assert len(set(apart.member[:10])) == 1
    assert apart.member[0] != apart.member[-1]
    assert cluster_paths(lon, lat, 2, "euclid").within < 0.05


def episode(brought: float, made: float, hours: int = 72) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(7)
    level = brought * (1 + 0.3 * np.sin(np.arange(hours + 12) / 9))
    around = np.column_stack([level, level, 5 * np.ones(hours + 12)]) * (1 + rng.normal(0, 0.02, (hours + 12, 3)))
    city = np.full(hours + 12, np.nan)
    city[5:] = level[:-5] + made  # 72 km at 4 m/s: five hours
    speed, origin = np.full(hours + 12, 4.0), np.full(hours + 12, 315.0)
    return city, around, np.array([315.0, 320.0, 90.0]), np.array([72e3, 72e3, 60e3]), speed, origin


@pytest.mark.parametrize(("brought", "made"), [(60.0, 20.0), (20.0, 60.0), (80.0, 0.0)])
def test_the_share_of_an_episode_is_what_was_put_in(brought: float, made: float) -> None:
    found = transport_share(*episode(brought, made), 12, 80)
    assert found.regional is not None
    assert found.low is not None
    assert found.high is not None
    assert found.regional == pytest.approx(brought / (brought + made), abs=0.04)
    assert found.low <= found.regional <= found.high + 1e-9
    assert found.local_rise == pytest.approx(made, abs=2.0)


def test_the_interval_holds_the_share_of_an_episode_that_peaks_in_its_last_hour() -> None:
    city, around = np.full(30, 41.0), np.full((30, 3), 40.0)
    city[-1] = 400.0
    bearing, away = np.array([270.0, 280.0, 260.0]), np.full(3, 9e3)
    found = transport_share(city, around, bearing, away, np.full(30, 3.0), np.full(30, 270.0), 6, 29)
    assert found.regional == pytest.approx(24 * 40 / (23 * 41 + 400))
    assert found.low is not None
    assert found.low <= found.regional


def test_a_calm_or_an_hour_without_upwind_places_gives_no_share() -> None:
    city, around, bearing, away, speed, origin = episode(60, 20)
    assert transport_share(city, around, bearing, away, 0 * speed, origin, 12, 80).cannot_tell == "calm"
    assert transport_share(city, around, bearing, away, speed, 0 * origin + 200, 12, 80).cannot_tell == "no_upwind"
    few = transport_share(city, around, bearing, away, speed, origin, 12, 16)
    assert few.cannot_tell == "few_hours"
    assert few.regional is None
    with pytest.raises(InputError, match="outside"):
        transport_share(city, around, bearing, away, speed, origin, 12, 999)


def front(origin: float, speed: float, seed: int, falling: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A front over 25 places within 400 km. [degrees], [m/s]"""
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(-4e5, 4e5, (2, 25))
    towards = math.radians(origin + 180)
    arrival = 30 + (east * math.sin(towards) + north * math.cos(towards)) / speed / 3600
    hour = np.arange(72)[:, None]
    rise = 1 / (1 + np.exp(-(hour - arrival) / 1.5))
    values = 40 + 160 * (1 - rise if falling else rise)
    return values * (1 + rng.normal(0, 0.06, values.shape)), east, north


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("origin", [20.0, 135.0, 310.0])
def test_a_front_is_found_with_its_direction_and_speed(origin: float, falling: bool) -> None:
    found = arrival_order(*front(origin, 9.0, 3, falling), falling=falling, wind_from=origin)
    assert found.came_from is not None
    assert abs((found.came_from - origin + 180) % 360 - 180) < 8
    assert found.speed == pytest.approx(9.0, rel=0.15)
    assert found.order is not None
    assert found.order > 0.8
    assert found.chance is not None
    assert found.chance < 0.01
    assert found.along_wind is not None
    assert found.along_wind > 0.8
    assert found.cannot_tell == ""
    against = arrival_order(*front(origin, 9.0, 3, falling), falling=falling, wind_from=origin + 180)
    assert against.along_wind is not None
    assert against.along_wind < -0.8


def test_a_rise_in_no_order_is_no_front() -> None:
    rng = np.random.default_rng(5)
    values, east, north = front(310, 9.0, 3)
    mixed = np.column_stack([np.roll(values[:, k], int(rng.integers(-12, 12))) for k in rng.permutation(25)])
    found = arrival_order(mixed, east, north)
    assert found.cannot_tell == "no_order"
    few = arrival_order(values[:, :4], east[:4], north[:4])
    assert few.cannot_tell == "few_places"
    assert few.came_from is None
    flat = arrival_order(np.full((72, 25), 50.0), east, north)
    assert flat.hours == (None,) * 25


def test_what_cannot_be_computed_is_said() -> None:
    lon, lat = lines(np.array([0.0, 90.0]))
    with pytest.raises(InputError, match="no trajectory has a measured value"):
        transport_field(lon, lat, np.array([np.nan, np.nan]))
    with pytest.raises(InputError, match="do not fit"):
        transport_field(lon, lat, np.ones(3))
    with pytest.raises(InputError, match="above 0"):
        transport_field(lon, lat, np.ones(2), cell=0.0)
    with pytest.raises(InputError, match="take wider"):
        transport_field(lon, lat, np.ones(2), cell=0.001)
    with pytest.raises(InputError, match="age"):
        transport_field(lon, lat, np.ones(2), method="sqtba")
    with pytest.raises(InputError, match="whole trajectories"):
        cluster_paths(lon, lat, 3)


@pytest.mark.reference
def test_the_dust_of_may_2019_crossed_the_region_in_an_order(shared: Path) -> None:
    """44 cities, 5-6 May 2019, local time: a dust outbreak. No wind stands in the data, so it is the order alone
    that is looked at, and that it came from the side of the deserts."""
    folder = shared / "data" / "china_cities_hourly"
    rows = pl.read_parquet(folder / "regional_neighbours_hourly_2018-12_2019-06.parquet")
    pm10 = next(name for name in rows.columns if name.lower().replace(".", "") == "pm10")
    window = rows.filter(pl.col("time").is_between(pl.datetime(2019, 5, 5), pl.datetime(2019, 5, 7)))
    wide = window.pivot("city", index="time", values=pm10, aggregate_function="mean").sort("time")
    where = {row["city"]: row for row in pl.read_csv(folder / "city_centroids.csv").iter_rows(named=True)}
    cities = [name for name in wide.columns if name in where]
    plane = Plane(Place(113.6, 34.7))
    east, north = plane.forward([where[c]["centroid_lon"] for c in cities], [where[c]["centroid_lat"] for c in cities])
    found = arrival_order(wide.select(cities).to_numpy().astype(float), east, north)
    assert len(cities) > 30
    assert found.order is not None
    assert found.order > 0.5
    assert found.chance is not None
    assert found.chance < 0.01
    assert found.came_from is not None
    assert found.came_from > 270 or found.came_from < 30
    assert found.speed is not None
    assert 5 < found.speed < 30
