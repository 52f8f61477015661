"""A station that measures the surface layer itself: two temperatures, u*, L, heat flux, a profile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bihuan.core import InputError, ProfileHours, StationHours
from bihuan.physics import BoundaryLayer, station_hours
from bihuan.physics.steady.measured import Levels, by_richardson
from tests.physics.steady.test_station import SITE, days

HEIGHTS = Levels(10.0, 2.0, 20.0, 0.1)


def profile_of(friction: float, length: float, air: float = 290.0) -> tuple[float, float, float]:
    """Wind at 10 m, temperatures at 2 and 20 m of a stable layer (eqs. 11, 12 and 17)."""
    scale = air * friction**2 / (0.4 * 9.80655 * length)
    speed = friction / 0.4 * (np.log(10 / 0.1) + 5 * 10 / length)
    step = scale / 0.4 * (np.log(20 / 2) + 5 * 18 / length)
    return float(speed), air, float(air + step - 0.0098 * 18)


@pytest.mark.parametrize("adjusted", [True, False])
@pytest.mark.parametrize(("friction", "length"), [(0.1, 22.0), (0.2, 60.0), (0.35, 200.0), (0.5, 900.0)])
def test_two_temperatures_give_back_the_layer_they_were_made_of(adjusted: bool, friction: float, length: float) -> None:
    speed, lower, upper = (np.array([value]) for value in profile_of(friction, length))
    u, own, scale = by_richardson(speed, lower, upper, HEIGHTS, adjusted=adjusted)
    assert u[0] == pytest.approx(friction, rel=1e-4)
    assert own[0] == pytest.approx(length, rel=1e-4)
    assert scale[0] == pytest.approx(290.0 * friction**2 / (0.4 * 9.80655 * length), rel=1e-4)


def test_very_stable_air_satisfies_its_own_profile_and_is_more_stable_the_warmer_above() -> None:
    upper = np.array([290.5, 291.0, 292.0, 294.0])
    speed, lower = np.full(4, 1.0), np.full(4, 290.0)
    u, length, scale = by_richardson(speed, lower, upper, HEIGHTS, adjusted=False)
    assert (np.diff(length) < 0).all()
    assert (np.diff(u) < 0).all()
    assert length == pytest.approx(290.0 * u**2 / (0.4 * 9.80655 * scale), rel=1e-4)
    over = 10 / length
    assert (over > 0.5).all()
    shape = np.log(100) + 7 * np.log(over) + 4.25 / over - 0.5 / over**2 + 0.852  # Holtslag 1984
    assert u == pytest.approx(0.4 / shape, rel=1e-4)
    # adjusted: u* from that length by Luhar and Rayner 2009, scale kept, length anew
    low = 0.1 / length
    lifted = 4 * (np.sqrt(over) * (1 + 0.3 * np.sqrt(over)) - np.sqrt(low) * (1 + 0.3 * np.sqrt(low)))
    raised, longer, same = by_richardson(speed, lower, upper, HEIGHTS, adjusted=True)
    assert (over > 0.7).all()
    assert raised == pytest.approx(0.4 / lifted, rel=1e-6)
    assert same == pytest.approx(scale)
    assert longer == pytest.approx(290.0 * raised**2 / (0.4 * 9.80655 * scale), rel=1e-6)
    assert (raised > u).all()


def test_a_station_uses_its_second_temperature_at_night_and_its_cloud_else() -> None:
    station = days(1, wind_speed=2.0)
    site = replace(SITE, roughness=0.1, upper_height=20.0)
    plain, _ = station_hours(station, site, morning_gradient=0.01, adjusted=False)
    upper = np.full(24, 298.6)
    upper[2], upper[3] = np.nan, 297.0  # missing; not stable
    found, _ = station_hours(replace(station, upper_temperature=upper), site, morning_gradient=0.01, adjusted=False)
    night = plain.obukhov_length > 0
    assert night[[1, 2, 3]].all()
    assert found.friction_velocity[[2, 3]] == pytest.approx(plain.friction_velocity[[2, 3]])
    assert found.friction_velocity[1] != pytest.approx(plain.friction_velocity[1], rel=0.01)
    u, length, scale = by_richardson(
        np.array([2.0]), np.array([298.0]), np.array([298.6]), Levels(10.0, 2.0, 20.0, 0.1), adjusted=False
    )
    assert (found.friction_velocity[1], found.obukhov_length[1]) == pytest.approx((u[0], length[0]))
    density = 101325 / (287.04 * 298)
    assert found.heat_flux[1] == pytest.approx(-density * 1004 * u[0] * scale[0])
    assert np.array_equal(found.friction_velocity[~night], plain.friction_velocity[~night])


def test_measured_values_stand_in_for_computed_ones() -> None:
    station = days(1)
    nothing = np.full(24, np.nan)
    u, length, heat = nothing.copy(), nothing.copy(), nothing.copy()
    u[1], length[1] = 0.21, 44.0
    u[12], heat[12] = 0.4, 120.0
    length[13] = -55.0
    u[14], length[14], heat[14] = 0.3, 80.0, -30.0  # a cold front at two in the afternoon
    given = replace(station, friction_velocity=u, obukhov_length=length, heat_flux=heat)
    plain, _ = station_hours(station, SITE, morning_gradient=0.01)
    found, mast = station_hours(given, SITE, morning_gradient=0.01)
    density = 101325 / (287.04 * 298)
    by_heat = -density * 1004 * 298 / (0.4 * 9.80655)
    assert (found.friction_velocity[1], found.obukhov_length[1]) == (0.21, 44.0)
    assert found.heat_flux[1] == pytest.approx(by_heat * 0.21**3 / 44.0)
    assert (found.friction_velocity[12], found.heat_flux[12]) == (0.4, 120.0)
    assert found.obukhov_length[12] == pytest.approx(by_heat * 0.4**3 / 120.0)
    assert found.obukhov_length[13] == -55.0
    assert found.friction_velocity[13] == plain.friction_velocity[13]
    assert np.isfinite(found.convective_height[13])
    assert np.isnan(found.convective_height[14])
    assert found.obukhov_length[14] == 80.0
    untouched = [hour for hour in range(12) if hour != 1]
    assert np.array_equal(found.friction_velocity[untouched], plain.friction_velocity[untouched], equal_nan=True)
    assert not BoundaryLayer(found, mast).missing.any()


def test_measured_mixing_heights_and_rain_reach_the_hours() -> None:
    station = replace(
        days(1), mechanical_height=np.full(24, 321.0), convective_height=np.full(24, 888.0),
        precipitation=np.full(24, 0.5), humidity=np.full(24, 70.0),
    )  # fmt: skip
    found, _ = station_hours(station, SITE, morning_gradient=0.01)
    assert np.allclose(found.mechanical_height, 321.0)
    assert np.nanmax(found.convective_height) == np.nanmin(found.convective_height) == 888.0
    assert (found.precipitation == 0.5).all()
    assert (found.humidity == 70.0).all()


def test_a_profile_of_the_same_hours_is_the_mast() -> None:
    count, nothing = 24, np.full(48, np.nan)
    mast = ProfileHours(
        np.arange(0, 2 * count + 1, 2), np.tile([10.0, 60.0], count), np.tile([200.0, 230.0], count),
        np.tile([3.0, 6.0], count), nothing, nothing, nothing,
    )  # fmt: skip
    surface, found = station_hours(days(1), SITE, morning_gradient=0.01, profile=mast)
    assert found is mast
    at = [12, 13, 14, 15, 16, 17]  # levels around 60 m
    assert 5.0 < BoundaryLayer(surface, found).profiles[12, 0][at].max() < 7.0
    with pytest.raises(InputError, match="a profile of 24 hours for 48 of the station"):
        station_hours(days(2), SITE, morning_gradient=0.01, profile=mast)


@pytest.mark.parametrize(
    ("station", "upper", "words"),
    [
        (replace(days(1), upper_temperature=np.full(24, 300.0)), None, r"second temperature: give its height"),
        (replace(days(1), upper_temperature=np.full(24, 300.0)), 1.5, "temperatures at 2 and 1.5 m over roughness 0.3"),
        (replace(days(1), friction_velocity=np.zeros(24)), None, "begins 2026-06-10T00: its friction velocity must be"),
        (replace(days(1), obukhov_length=np.zeros(24)), None, "its Obukhov length must not be 0"),
        (
            replace(days(1), obukhov_length=np.full(24, 50.0), heat_flux=np.full(24, 20.0)),
            None,
            "Obukhov length and heat flux must have opposite signs",
        ),
    ],
)
def test_what_cannot_have_been_measured_is_refused(station: StationHours, upper: float | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        station_hours(station, replace(SITE, upper_height=upper), morning_gradient=0.01)
