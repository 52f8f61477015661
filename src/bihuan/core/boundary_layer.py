"""Hours of boundary-layer meteorology as a steady plume needs them; made by `formats`, used by `physics`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceHours:
    """What is known of the surface layer, one value an hour; NaN where missing. Shapes are (hours,).

    Attributes
    ----------
    start : ndarray of datetime64[h]
        Begin of the hour, local standard time of the place.
    heat_flux : ndarray
        Sensible heat flux. [W/m2]
    friction_velocity, convective_velocity : ndarray
        u* and w*. [m/s]
    gradient_above : ndarray
        Potential temperature gradient in the 500 m above the mixing height. [K/m]
    convective_height, mechanical_height : ndarray
        Mixing heights. [m]
    obukhov_length : ndarray
        Positive in stable hours. [m]
    roughness : ndarray
        [m]
    bowen_ratio, albedo : ndarray
    wind_speed : ndarray
        0 in a calm. [m/s]
    wind_from : ndarray
        [degrees]
    wind_height, temperature_height : ndarray
        Of the reference measurements. [m]
    temperature : ndarray
        [K]
    precipitation_code : ndarray of int64
        1-18 liquid, 19-32 frozen, 0 none.
    precipitation : ndarray
        [mm/h]
    humidity : ndarray
        [%]
    pressure : ndarray
        [hPa]
    cloud_cover : ndarray
        [tenths]
    latitude, longitude : float or None
        [degrees]
    adjusted_friction_velocity : bool
        Stable u* was adjusted for low wind (AERMET's ADJ_U*), which changes the temperature gradient that goes with it.
    """

    start: NDArray[np.datetime64]
    heat_flux: Float
    friction_velocity: Float
    convective_velocity: Float
    gradient_above: Float
    convective_height: Float
    mechanical_height: Float
    obukhov_length: Float
    roughness: Float
    bowen_ratio: Float
    albedo: Float
    wind_speed: Float
    wind_from: Float
    wind_height: Float
    temperature: Float
    temperature_height: Float
    precipitation_code: NDArray[np.int64]
    precipitation: Float
    humidity: Float
    pressure: Float
    cloud_cover: Float
    latitude: float | None = None
    longitude: float | None = None
    adjusted_friction_velocity: bool = False

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True, eq=False)
class ProfileHours:
    """What was measured along the mast, hours one after the other, lowest level first; NaN where missing.

    Attributes
    ----------
    first : ndarray of int64, shape (hours + 1,)
        Levels ``first[h]:first[h + 1]`` belong to hour ``h``.
    height : ndarray, shape (levels,)
        [m]
    wind_from : ndarray
        [degrees]
    wind_speed : ndarray
        [m/s]
    temperature : ndarray
        [K]
    sigma_theta : ndarray
        Standard deviation of the wind direction. [degrees]
    sigma_w : ndarray
        Standard deviation of the vertical wind. [m/s]
    """

    first: NDArray[np.int64]
    height: Float
    wind_from: Float
    wind_speed: Float
    temperature: Float
    sigma_theta: Float
    sigma_w: Float


@dataclass(frozen=True, slots=True, eq=False)
class StationHours:
    """What a station measured, one value an hour, NaN where missing; shapes are (hours,).

    Attributes
    ----------
    start : ndarray of datetime64[h]
        Begin of the hour, local standard time.
    wind_speed, wind_from : ndarray
        0 in a calm. [m/s, degrees]
    temperature : ndarray
        [K]
    cloud_cover : ndarray
        [tenths]
    pressure, radiation, net_radiation, convective_height, mechanical_height : ndarray, optional
        Of the station [hPa]; of the sun on level ground, and net [W/m2]; of the mixed layers [m].
    upper_temperature : ndarray, optional
        At a second, greater height. [K]
    friction_velocity, obukhov_length, heat_flux : ndarray, optional
        As measured, in place of what wind and sky would give. [m/s, m, W/m2]
    precipitation, humidity : ndarray, optional
        [mm in the hour, %]
    """

    start: NDArray[np.datetime64]
    wind_speed: Float
    wind_from: Float
    temperature: Float
    cloud_cover: Float
    pressure: Float | None = None
    radiation: Float | None = None
    net_radiation: Float | None = None
    convective_height: Float | None = None
    mechanical_height: Float | None = None
    upper_temperature: Float | None = None
    friction_velocity: Float | None = None
    obukhov_length: Float | None = None
    heat_flux: Float | None = None
    precipitation: Float | None = None
    humidity: Float | None = None
