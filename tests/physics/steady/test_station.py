"""Hours of a boundary layer from a station, against AERMET's own hours and against the equations they must satisfy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError, StationHours
from bihuan.formats import read_profile, read_surface, write_profile, write_surface
from bihuan.physics import BoundaryLayer, Site, station_hours

SITE = Site(34.75, 113.65, 8.0, 10.0, 2.0, 0.3, 1.0, 0.2)


def days(count: int = 2, **given: object) -> StationHours:
    """Clear June days in a light wind."""
    hours = 24 * count
    values = {"wind_speed": 3.0, "wind_from": 200.0, "temperature": 298.0, "cloud_cover": 2.0} | given
    filled = {name: np.broadcast_to(np.asarray(value, float), hours).copy() for name, value in values.items()}
    return StationHours(np.datetime64("2026-06-10T00", "h") + np.arange(hours), **filled)


def test_by_day_wind_and_length_satisfy_the_profile_they_come_from() -> None:
    surface, _ = station_hours(days(), SITE, morning_gradient=0.01)
    day = surface.obukhov_length < 0
    assert 8 <= day[:24].sum() <= 13
    length, friction = surface.obukhov_length[day], surface.friction_velocity[day]
    mu, low = (1 - 16 * 10 / length) ** 0.25, (1 - 16 * 0.3 / length) ** 0.25

    def bend(m: np.ndarray) -> np.ndarray:
        return 2 * np.log((1 + m) / 2) + np.log((1 + m**2) / 2) - 2 * np.arctan(m) + np.pi / 2

    assert np.allclose(friction / 0.4 * (np.log(10 / 0.3) - bend(mu) + bend(low)), 3.0, rtol=0.005)
    density = 101325 / (287.04 * 298)
    by_heat = -density * 1004 * 298 * friction**3 / (0.4 * 9.80655 * surface.heat_flux[day])
    assert np.allclose(by_heat, length, rtol=0.02)


def test_the_heat_of_the_day_eats_up_the_gradient_of_the_morning() -> None:
    surface, _ = station_hours(days(), SITE, morning_gradient=0.01)
    day = np.flatnonzero(np.isfinite(surface.convective_height[:24]))
    taken = 3600 * np.nansum(np.where(surface.obukhov_length[:24] < 0, surface.heat_flux[:24], 0.0))
    density = 101325 / (287.04 * 298)
    top = surface.convective_height[day[-1]]
    assert 0.5 * 0.01 * top**2 == pytest.approx(1.4 * taken / (density * 1004), rel=1e-6)
    assert (np.diff(surface.convective_height[day]) > 0).all()
    assert np.isnan(surface.convective_height[[0, 23]]).all()


@pytest.mark.parametrize("adjusted", [True, False])
def test_a_calmer_night_is_more_stable(adjusted: bool) -> None:
    speeds = [0.6, 1.0, 2.0, 4.0, 8.0]
    found = [
        station_hours(days(1, wind_speed=speed), SITE, morning_gradient=0.01, adjusted=adjusted)[0] for speed in speeds
    ]
    friction, length = (
        [float(getattr(hour, name)[1]) for hour in found] for name in ("friction_velocity", "obukhov_length")
    )
    assert (np.diff(friction) > 0).all()
    assert (np.diff(length) > 0).all()
    assert all(hour.heat_flux[1] >= -64.5 for hour in found)


def test_a_night_without_adjustment_satisfies_its_own_quadratic() -> None:
    surface, _ = station_hours(days(1, wind_speed=4.0), SITE, morning_gradient=0.01, adjusted=False)
    friction, length = surface.friction_velocity[1], surface.obukhov_length[1]
    assert friction / 0.4 * (np.log(10 / 0.3) + 5 * 10 / length) == pytest.approx(4.0, rel=0.01)  # eq. 12


def test_the_mechanical_layer_sinks_slowly_and_rises_at_once() -> None:
    speed = np.r_[np.full(3, 8.0), np.full(21, 1.0)]
    height = station_hours(days(1, wind_speed=speed), SITE, morning_gradient=0.01)[0].mechanical_height
    assert height[2] > height[3] > height[4]
    assert height[3] > 2400 * 0.1**1.5


def test_what_is_missing_stays_missing_and_calms_stay_calm() -> None:
    station = days(1, wind_speed=np.r_[0.0, np.nan, np.full(22, 3.0)])
    station.temperature[5] = np.nan
    surface, mast = station_hours(station, SITE, morning_gradient=0.01)
    air = BoundaryLayer(surface, mast)
    assert list(np.flatnonzero(air.calm)) == [0]
    assert list(np.flatnonzero(air.missing)) == [1, 5]


def test_hours_written_and_read_make_the_same_air(tmp_path: Path) -> None:
    surface, mast = station_hours(days(), SITE, morning_gradient=0.01)
    write_surface(tmp_path / "a.sfc", surface)
    write_profile(tmp_path / "a.pfl", surface, mast)
    back = read_surface(tmp_path / "a.sfc")
    assert back.adjusted_friction_velocity
    again = BoundaryLayer(back, read_profile(tmp_path / "a.pfl", back.start))
    once = BoundaryLayer(surface, mast)
    assert np.array_equal(again.calm | again.missing, once.calm | once.missing)
    assert np.allclose(again.hours, once.hours, rtol=0.01, atol=0.6)
    assert back.latitude == pytest.approx(34.75)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"roughness": 2.0}, "between seven roughness lengths and 100 m"),
        ({"bowen_ratio": 0.0}, "must be above 0"),
    ],
)
def test_a_site_that_cannot_be_is_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        station_hours(days(), replace(SITE, **change), morning_gradient=0.01)


@pytest.mark.reference
def test_a_year_of_houston_comes_out_as_aermet_made_it(shared: Path) -> None:
    """From the file's own wind, cloud, temperature, pressure, albedo and Bowen ratio; its soundings are not there."""
    theirs = read_surface(shared / "data/dispersion/met/HOUSTON_ADJU.SFC.gz")
    station = StationHours(
        theirs.start, theirs.wind_speed, theirs.wind_from, theirs.temperature, theirs.cloud_cover, theirs.pressure
    )
    site = Site(29.967, -95.35, -6.0, 6.1, 2.0, 0.15, 0.7, theirs.albedo)
    ours, _ = station_hours(station, site, morning_gradient=0.01)
    both = np.isfinite(ours.obukhov_length) & np.isfinite(theirs.obukhov_length)
    same = both & (np.sign(ours.obukhov_length) == np.sign(theirs.obukhov_length))
    assert both.sum() > 7000
    assert same.sum() / both.sum() > 0.999
    for stable, name, within, share in (
        (True, "friction_velocity", 0.01, 0.99),
        (False, "friction_velocity", 0.01, 0.99),
        (True, "mechanical_height", 0.01, 0.99),
        (True, "obukhov_length", 0.02, 0.93),
        (False, "obukhov_length", 0.03, 0.95),
    ):
        chosen = same & ((theirs.obukhov_length > 0) == stable)
        a, b = getattr(ours, name)[chosen], getattr(theirs, name)[chosen]
        assert np.mean(np.abs(a / b - 1) < within) > share, (stable, name)
    noon = station_hours(station, replace(site, albedo=0.25), morning_gradient=0.01)[0].albedo
    up = (noon < 1) & (theirs.albedo < 1)
    assert np.percentile(np.abs(noon - theirs.albedo)[up], 95) < 0.01
