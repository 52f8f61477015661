"""Trajectories against winds whose paths are known: circles, shear, great circles, winds that change in time."""

from __future__ import annotations

import numpy as np
import pytest

from bihuan.core import GriddedWind, InputError, NotCovered, Place, gridded_wind
from bihuan.physics import station_wind, trajectories
from bihuan.physics.trajectory_kernels import EARTH_RADIUS

T0 = np.datetime64("2026-01-01T00:00", "s")
DEGREE = np.pi / 180 * EARTH_RADIUS


def hours(*counts: float) -> np.ndarray:
    return T0 + np.array([round(count * 3600) for count in counts]).astype("timedelta64[s]")


def axis_rotation(
    axis: tuple[float, float], period: float, lon: np.ndarray, lat: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Winds of the whole sphere turning about an axis once in `period` hours."""
    lam, phi = np.radians(axis)
    pole = np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    x, y = np.meshgrid(np.radians(lon), np.radians(lat))
    point = np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=-1)
    flow = np.cross(pole, point) * 2 * np.pi / (period * 3600) * EARTH_RADIUS
    east = np.stack([-np.sin(x), np.cos(x), 0 * x], axis=-1)
    north = np.stack([-np.sin(y) * np.cos(x), -np.sin(y) * np.sin(x), np.cos(y)], axis=-1)
    return (flow * east).sum(-1), (flow * north).sum(-1)


def turning(axis: tuple[float, float], lon: np.ndarray, lat: np.ndarray, period: float = 72.0) -> GriddedWind:
    u, v = axis_rotation(axis, period, lon, lat)
    return gridded_wind(hours(0, 72), lon, lat, np.stack([u, u]), np.stack([v, v]))


def gap(found: object, n: int, place: tuple[float, float]) -> float:
    """From the end of a trajectory to a place. [km]"""
    end = Place(float(found.lon[n, -1]), float(found.lat[n, -1]))  # type: ignore[attr-defined]
    return end.distance(Place(*place)) / 1000


LON, LAT = np.linspace(98, 128, 61), np.linspace(22, 47, 51)


@pytest.mark.parametrize("scheme", ["rk4", "petterssen"])
def test_a_solid_rotation_comes_back_to_its_start(scheme: str) -> None:
    wind = turning((113.0, 34.5), LON, LAT)
    starts = np.array([113.0, 115.0, 119.0]), np.array([36.0, 30.0, 34.5])
    found = trajectories(wind, *starts, hours(72), 72, scheme=scheme)  # type: ignore[arg-type]
    assert [found.why(n) for n in range(3)] == ["whole"] * 3
    for n, place in enumerate(zip(*starts, strict=True)):
        assert gap(found, n, place) < 0.1
    assert found.hours[-1] == -72
    away = [
        Place(float(x), float(y)).distance(Place(113.0, 34.5)) for x, y in zip(found.lon[2], found.lat[2], strict=True)
    ]
    assert max(away) - min(away) < 500


def test_every_order_of_the_axes_gives_the_same_path() -> None:
    """Descending latitudes, longitudes from 0 to 360 and levels from the ground up: a known trap."""
    u, v = axis_rotation((113.0, 34.5), 72, LON, LAT)
    rng = np.random.default_rng(1)
    level = np.array([700.0, 850.0, 1000.0])
    gain = np.array([1.4, 1.2, 1.0])[None, :, None, None]
    east, north = np.stack([u, u])[:, None] * gain, np.stack([v, v])[:, None] * gain
    sinking = 0.02 * rng.normal(size=east.shape)
    plain = gridded_wind(hours(0, 72), LON, LAT, east, north, pressure=level, omega=sinking)
    where = {"lon": [115.0, 119.0], "lat": [30.0, 36.0], "start": hours(72, 60), "hours": 48, "pressure": [850, 925]}
    wanted = trajectories(plain, **where)
    assert np.ptp(wanted.pressure) > 1.0
    for flips in ((1,), (2,), (3,), (0, 1, 2, 3)):
        axes = [hours(0, 72), level, LAT, LON - 360.0]
        fields = [np.flip(field, flips) for field in (east, north, sinking)]
        t, z, y, x = (np.flip(axis) if n in flips else axis for n, axis in enumerate(axes))
        other = gridded_wind(t, x, y, fields[0], fields[1], pressure=z, omega=fields[2])
        found = trajectories(other, **where)
        assert len(found.hours) == 49
        np.testing.assert_allclose(found.lon, wanted.lon, atol=1e-9)
        np.testing.assert_allclose(found.lat, wanted.lat, atol=1e-9)
        np.testing.assert_allclose(found.pressure, wanted.pressure, atol=1e-9)


def test_in_a_shear_each_latitude_goes_its_own_way() -> None:
    """Westerlies that grow with the latitude: a point stays on its parallel and turns by u t / (R cos phi)."""
    u = np.broadcast_to((5.0 + 0.5 * (LAT - 22))[:, None], (len(LAT), len(LON)))
    wind = gridded_wind(hours(0), LON, LAT, u[None], 0 * u[None])
    lat = np.array([25.0, 33.25, 44.0])
    found = trajectories(wind, np.full(3, 100.0), lat, hours(7), 24, backward=False)
    speed = 5.0 + 0.5 * (lat - 22)
    turned = np.degrees(speed * 86400 / (EARTH_RADIUS * np.cos(np.radians(lat))))
    np.testing.assert_allclose(found.lon[:, -1], 100.0 + turned, atol=1e-4)
    np.testing.assert_allclose(found.lat[:, -1], lat, atol=1e-5)


def test_there_and_back_is_where_it_was() -> None:
    rng = np.random.default_rng(3)
    fields = 12 * rng.normal(size=(2, 13, len(LAT[::8]), len(LON[::8])))
    wind = gridded_wind(hours(*range(0, 78, 6)), LON[::8], LAT[::8], fields[0], fields[1])
    x, y = rng.uniform(111, 116, 20), rng.uniform(32, 37, 20)
    there = trajectories(wind, x, y, hours(60), 24, step=60.0)
    kept = there.ended == 0
    assert kept.sum() > 15
    back = trajectories(wind, there.lon[kept, -1], there.lat[kept, -1], hours(36), 24, step=60.0, backward=False)
    for n, place in enumerate(zip(x[kept], y[kept], strict=True)):
        assert gap(back, n, place) < 0.05


def test_a_great_circle_crosses_the_pole() -> None:
    """The sphere turns about a point of the equator: air of 60 north goes over the pole and comes back in 72 h."""
    lon, lat = np.arange(0.0, 360.0, 0.5), np.linspace(90, -90, 361)
    wind = turning((0.0, 0.0), lon, lat)
    assert wind.around
    found = trajectories(wind, [90.0, 200.0], [60.0, 84.0], hours(0), 72, backward=False)
    assert gap(found, 0, (90.0, 60.0)) < 1.0
    assert gap(found, 1, (-160.0, 84.0)) < 1.0
    over = trajectories(wind, [90.0], [60.0], hours(0), 12, backward=False)
    assert gap(over, 0, (-90.0, 60.0)) < 0.3
    assert over.lat.max() > 89.9


def test_a_wind_that_changes_in_time_is_followed_exactly() -> None:
    """From the south at 2 + 0.25 t m/s with t in hours: a parabola along the meridian."""
    times = hours(0, 24, 48)
    v = np.broadcast_to((2.0 + 0.25 * np.array([0, 24, 48]))[:, None, None], (3, len(LAT), len(LON)))
    wind = gridded_wind(times, LON, LAT, 0 * v, v)
    found = trajectories(wind, [113.0], [45.0], hours(48), 48)
    hour = 48 + found.hours
    metres = (2.0 * (hour - 48) + 0.125 * (hour**2 - 48**2)) * 3600
    np.testing.assert_allclose(found.lat[0], 45.0 + metres / DEGREE, atol=1e-8)
    assert found.why(0) == "whole", "the first instant of the file is reached, not missed by a step"


@pytest.mark.parametrize(("scheme", "least", "most"), [("rk4", 3.7, 4.4), ("petterssen", 1.8, 2.2)])
def test_the_error_shrinks_with_the_order_of_the_scheme(scheme: str, least: float, most: float) -> None:
    """Inside a single cell the winds are smooth: halving the step takes 16 (4) times off the error."""
    axis = np.array([90.0, 130.0]), np.array([10.0, 50.0])
    u = np.array([[[-20.0, -16.0], [40.0, 32.0]], [[-30.0, 10.0], [20.0, 30.0]]])
    v = np.array([[[30.0, -25.0], [15.0, -30.0]], [[-10.0, 25.0], [-15.0, 10.0]]])
    wind = gridded_wind(hours(0, 48), *axis, u, v)
    place = {"lon": [108.0], "lat": [28.0], "start": hours(48), "hours": 48, "every": 4.0, "scheme": scheme}
    best = trajectories(wind, **place, step=30.0)  # type: ignore[arg-type]
    assert best.why(0) == "whole"
    errors = []
    for step in (14400.0, 7200.0, 3600.0):
        found = trajectories(wind, **place, step=step)  # type: ignore[arg-type]
        errors.append(gap(found, 0, (best.lon[0, -1], best.lat[0, -1])))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > least).all()
    assert (orders < most).all()


def test_a_border_is_named_and_the_path_ends_inside() -> None:
    u = np.full((2, len(LAT), len(LON)), 10.0)
    wind = gridded_wind(hours(0, 240), LON, LAT, u, 0 * u)
    found = trajectories(wind, [99.0, 127.0], [34.0, 34.0], hours(240), 96)
    assert found.why(0) == "west"
    assert 98.0 <= found.end_lon[0] < 98.1
    assert np.isnan(found.lon[0, -1])
    assert -4 < found.end_hours[0] < -2
    ahead = trajectories(wind, [127.0], [34.0], hours(0), 96, backward=False)
    assert ahead.why(0) == "east"
    late = trajectories(wind, [113.0], [34.0], hours(10), 24)
    assert late.why(0) == "before"
    assert late.end_hours[0] == pytest.approx(-10.0)
    up = trajectories(gridded_wind(hours(0, 240), LON, LAT, 0 * u, u), [113.0], [30.0], hours(200), 120)
    assert up.why(0) == "south"


def test_air_above_the_highest_level_or_in_a_hole_ends_there_and_at_the_ground_it_stays() -> None:
    shape = (2, 2, len(LAT), len(LON))
    u = np.full(shape, 1.0)
    grid = (hours(0, 72), LON, LAT, u, 0 * u)
    rising = gridded_wind(*grid, pressure=[500.0, 1000.0], omega=np.full(shape, -0.5))
    found = trajectories(rising, [113.0], [34.0], hours(0), 72, pressure=[900.0], backward=False)
    assert found.why(0) == "top"
    assert found.end_hours[0] == pytest.approx(400.0 * 100 / 0.5 / 3600, abs=0.2)
    sinking = gridded_wind(*grid, pressure=[500.0, 1000.0], omega=np.full(shape, 0.5))
    low = trajectories(sinking, [113.0], [34.0], hours(0), 24, pressure=[900.0], backward=False)
    assert low.why(0) == "whole"
    assert low.pressure is not None
    assert low.pressure[0, -1] == 1000.0
    u[:, :, 30:] = np.nan
    torn = gridded_wind(hours(0, 72), LON, LAT, u, 0 * u, pressure=[500.0, 1000.0])
    assert trajectories(torn, [113.0], [40.0], hours(72), 3, pressure=900.0).why(0) == "missing"


def test_stations_blow_air_as_they_measured() -> None:
    """The same wind at three stations is a straight line; the nearer of two different ones weighs more."""
    lon, lat = [113.5, 113.7, 113.6], [34.7, 34.7, 34.85]
    speed, origin = np.full((25, 3), 2.0), np.full((25, 3), 270.0)
    wind = station_wind(hours(*range(25)), lon, lat, speed, origin)
    found = trajectories(wind, [113.6], [34.75], hours(24), 3)
    metres = Place(float(found.lon[0, -1]), float(found.lat[0, -1])).distance(Place(113.6, 34.75))
    assert metres == pytest.approx(3 * 3600 * 2.0, rel=1e-3)
    assert found.lon[0, -1] < 113.6
    far = trajectories(wind, [113.6], [34.75], hours(24), 12)
    assert far.why(0) == "west", "beyond the stations nobody knows the wind"
    origin[:, 0], speed[5, :] = 90.0, np.nan
    mixed = station_wind(hours(*range(25)), lon, lat, speed, origin)
    at = int(np.argmin(np.abs(mixed.lat - 34.7))), int(np.argmin(np.abs(mixed.lon - 113.5)))
    assert mixed.u[0, 0, at[0], at[1]] < -1.0
    assert trajectories(mixed, [113.6], [34.75], hours(8), 5).why(0) == "missing"


def test_what_cannot_be_followed_is_said() -> None:
    wind = turning((113.0, 34.5), LON, LAT)
    place = ([113.0], [34.0])
    with pytest.raises(NotCovered, match="outside the grid of wind: longitude 98 to 128"):
        trajectories(wind, [80.0], [34.0], hours(72), 24)
    with pytest.raises(NotCovered, match="outside the times"):
        trajectories(wind, *place, hours(90), 24)
    with pytest.raises(InputError, match="whole number"):
        trajectories(wind, *place, hours(72), 24.5)
    with pytest.raises(InputError, match="0 < every"):
        trajectories(wind, *place, hours(72), float("nan"))
    with pytest.raises(InputError, match="one layer"):
        trajectories(wind, *place, hours(72), 24, pressure=[850.0])
    with pytest.raises(InputError, match="no place on the globe"):
        trajectories(wind, [float("nan")], [34.0], hours(72), 24)
    u = np.ones((2, 2, len(LAT), len(LON)))
    layers = gridded_wind(hours(0, 72), LON, LAT, u, u, pressure=[1000.0, 850.0])
    with pytest.raises(InputError, match="at which pressure"):
        trajectories(layers, *place, hours(72), 24)
    with pytest.raises(NotCovered, match="850 to 1000 hPa"):
        trajectories(layers, *place, hours(72), 24, pressure=[700.0])
    with pytest.raises(InputError, match="neither ascends nor descends"):
        gridded_wind(hours(0, 48, 24), LON, LAT, u[[0, 1, 0], 0], u[[0, 1, 0], 0])
    with pytest.raises(InputError, match="axes of lengths"):
        gridded_wind(hours(0, 72), LAT, LON, u[:, 0], u[:, 0])
