"""The boundary layer of many hours: profiles of wind, turbulence and temperature, over country and over cities."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, ProfileHours, SurfaceHours
from bihuan.physics.steady import profile_kernels as k
from bihuan.physics.steady.roads import ground_of

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

LEVELS: Float = np.concatenate(
    [
        [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 14.0],
        np.arange(20.0, 100.0, 10.0),
        np.arange(100.0, 200.0, 20.0),
        np.arange(200.0, 2000.0, 50.0),
        np.arange(2000.0, 5001.0, 100.0),
    ]
)
"""Heights at which profiles are kept. [m] (as in the source)"""

HIGHEST_LID = 4000.0
"""[m] (as in the source)"""

SIGMA_THETA = 0.073864
"""Makes a lateral turbulence of a standard deviation of the wind direction (Yamartino 1984, as in the source)."""


class BoundaryLayer:
    """Profiles of every hour, as `steady` plumes need them.

    Parameters
    ----------
    surface : SurfaceHours
    mast : ProfileHours
    base : float
        Height of the foot of the mast above the sea. [m]

    Attributes
    ----------
    calm, missing : ndarray of bool, shape (hours,)
        No wind; something needed is not known. Neither causes a concentration, and means leave both out.
    hours, profiles, sums : ndarray
        Tables as `profile_kernels` names their columns; ``sums`` integrates the profiles upwards.
    ground : ndarray
        What road lines need of every hour beside them, columns of `road_kernels`.

    Raises
    ------
    InputError
        If the two do not cover the same hours, or no hour can be used.

    References
    ----------
    EPA-454/B-24-010, section 4.
    """

    def __init__(self, surface: SurfaceHours, mast: ProfileHours, *, base: float = 0.0) -> None:
        if len(mast.first) != len(surface) + 1:
            raise InputError(
                f"{len(surface)} hours at the surface but {len(mast.first) - 1} on the mast: give the same"
            )
        self.surface = surface
        self.calm: Bool = surface.wind_speed == 0.0
        self.missing: Bool = ~self.calm & ~_complete(surface)
        self.hours = _hours(surface, ~self.calm & ~self.missing, base)
        if not self.hours[:, k.USED].any():
            raise InputError(
                f"none of {len(surface)} hours can be used: {int(self.calm.sum())} calm, {int(self.missing.sum())} "
                "without wind, temperature, friction velocity, Obukhov length or mixing height"
            )
        reference = np.stack(
            [surface.wind_speed, surface.wind_from, surface.wind_height, surface.temperature_height], axis=1
        )
        self.profiles: Float = np.zeros((len(surface), k.PROFILE_ROWS, len(LEVELS)))
        k.fill_hours(
            LEVELS, self.hours, surface.roughness, reference, mast.first, _mast(mast),
            surface.adjusted_friction_velocity, self.profiles,
        )  # fmt: skip
        self.sums: Float = _integrated(self.profiles)
        self.ground: Float = ground_of(surface, self.hours, self.profiles, LEVELS, surface.roughness)

    def __len__(self) -> int:
        return len(self.hours)

    def over_city(self, population: float, *, roughness: float = 1.0) -> BoundaryLayer:
        """Return the same hours over a city, whose heat keeps the nights mixed (section 5.10).

        Parameters
        ----------
        population : float
            [persons]
        roughness : float
            Of the city. [m]

        Raises
        ------
        InputError
            If the population is not above 0.
        """
        if not population > 0.0:
            raise InputError(f"population {population} of a city: it must be above 0")
        city = copy(self)
        city.hours, city.profiles = self.hours.copy(), self.profiles.copy()
        _warm(city.hours, city.profiles, self.surface, population, roughness)
        city.sums = _integrated(city.profiles)
        around = np.where(city.hours[:, k.URBAN] != 0.0, roughness, self.surface.roughness)
        city.ground = ground_of(self.surface, city.hours, city.profiles, LEVELS, around)
        return city


def _complete(surface: SurfaceHours) -> Bool:
    """Hours in which everything that a plume needs is known."""
    needed = (
        surface.wind_speed, surface.wind_from, surface.temperature, surface.obukhov_length, surface.mechanical_height,
        surface.friction_velocity,
    )  # fmt: skip
    known: Bool = np.logical_and.reduce([np.isfinite(values) for values in needed])
    convective = np.isfinite(surface.convective_height) & np.isfinite(surface.convective_velocity)
    return known & ((surface.obukhov_length > 0.0) | convective)


def _hours(surface: SurfaceHours, used: Bool, base: float) -> Float:
    table: Float = np.zeros((len(surface), k.HOUR_COLUMNS))
    stable = surface.obukhov_length > 0.0
    convective = np.clip(surface.convective_height, 1.0, HIGHEST_LID)
    mechanical = np.clip(surface.mechanical_height, 1.0, HIGHEST_LID)
    table[:, k.LID] = np.where(stable, mechanical, np.fmax(convective, mechanical))
    table[:, k.CONVECTIVE_LID] = np.where(stable, 1.0, convective)
    table[:, k.MECHANICAL_LID] = mechanical
    table[:, k.FRICTION] = surface.friction_velocity
    table[:, k.CONVECTIVE] = np.where(stable, 0.0, surface.convective_velocity)
    table[:, k.OBUKHOV] = surface.obukhov_length
    table[:, k.AIR] = surface.temperature
    table[:, k.GRADIENT_ABOVE] = np.where(np.isfinite(surface.gradient_above), surface.gradient_above, 0.005)
    table[:, k.STABLE] = stable
    table[:, k.BASE] = base
    table[:, k.USED] = used
    return table


def _mast(mast: ProfileHours) -> Float:
    """Height, wind speed, wind from, temperature, sigma-v, sigma-w of every level."""
    nothing = (mast.wind_speed == 0.0) & (mast.wind_from == 0.0)  # a calm level says nothing
    speed = np.where(nothing, np.nan, mast.wind_speed)
    origin = np.where(nothing, np.nan, np.where(mast.wind_from == 0.0, 360.0, mast.wind_from))
    spread = np.radians(mast.sigma_theta)
    share = np.sin(spread) * (1.0 - SIGMA_THETA * spread)
    lateral = np.maximum(spread * mast.wind_speed * np.sqrt(1.0 - share**2), 0.2)
    lateral = np.where(mast.wind_speed > 0.0, lateral, np.nan)
    return np.stack([mast.height, speed, origin, mast.temperature, lateral, np.maximum(mast.sigma_w, 0.02)])


def _integrated(profiles: Float) -> Float:
    found = np.zeros_like(profiles)
    found[..., 1:] = np.cumsum(0.5 * (profiles[..., 1:] + profiles[..., :-1]) * np.diff(LEVELS), axis=-1)
    return found


REFERENCE_POPULATION = 2e6
"""[persons] (section 5.10)"""
REFERENCE_LID = 400.0
"""Height of the mixed layer over the reference city at night. [m] (eq. 125)"""
WARMEST = 12.0
"""By which the reference city is warmer than the country. [K] (eq. 120)"""
HEAT = 1004.0
"""Of air. [J/kg/K]"""


def _warm(hours: Float, profiles: Float, surface: SurfaceHours, population: float, roughness: float) -> None:
    """Change stable hours, and convective ones whose lid is still lower than the city's own, into those of a city."""
    lid = REFERENCE_LID * (population / REFERENCE_POPULATION) ** 0.25
    stable = hours[:, k.STABLE] != 0.0
    # until the country's convective layer outgrows the city's, the night goes on (as in the source)
    heated = (hours[:, k.USED] != 0.0) & (stable | (hours[:, k.CONVECTIVE_LID] <= lid))
    warmer = WARMEST * (0.1 * np.log(population / REFERENCE_POPULATION) + 1.0)
    chosen = hours[heated]
    air = chosen[:, k.AIR]
    density = 101325.0 / (287.04 * air)
    flux = 0.03 * warmer * chosen[:, k.FRICTION] * density * HEAT
    scale = np.cbrt(k.GRAVITY / (air * density * HEAT) * flux * lid)
    foot = 7.0 * np.maximum(roughness, surface.roughness[heated])
    top = np.maximum(lid, chosen[:, k.MECHANICAL_LID])
    # the friction velocity whose turbulence at seven roughness lengths equals that of the heat
    own = scale * np.sqrt(1.6 * (foot / lid) ** (2.0 / 3.0)) / (1.3 * np.sqrt(1.0 - foot / top))
    friction = np.maximum(chosen[:, k.FRICTION], own)
    obukhov = -density * HEAT * air * friction**3 / (k.KARMAN * k.GRAVITY * flux)
    rural = chosen[:, k.OBUKHOV]
    chosen[:, k.OBUKHOV] = np.maximum(np.where(stable[heated], np.abs(obukhov), obukhov), rural)
    chosen[:, k.FRICTION], chosen[:, k.LID], chosen[:, k.URBAN] = friction, top, 1.0
    hours[heated] = chosen
    profiles[heated] = _mixed(profiles[heated], chosen, scale, lid, surface.temperature_height[heated])


def _mixed(profiles: Float, hours: Float, scale: Float, lid: float, measured_at: Float) -> Float:
    """Profiles of heated hours: more turbulence, and almost no gradient of temperature below the lid."""
    w2 = (scale**2)[:, None]
    beyond = np.clip((LEVELS - lid) / (0.2 * lid), 0.0, 1.0)
    lateral = 0.35 * w2 + (np.minimum(0.35 * w2, 0.25) - 0.35 * w2) * beyond
    share = LEVELS / lid
    fall = np.where(share <= 1.0, 1.0, np.exp(-6.0 * np.maximum(share - 1.0, 0.0)))
    vertical = np.where(share <= 0.1, 1.6 * share ** (2.0 / 3.0), 0.35 * fall) * w2
    found = profiles.copy()
    found[:, k.SIGMA_V] = np.sqrt(profiles[:, k.SIGMA_V] ** 2 + lateral)
    found[:, k.SIGMA_W] = np.sqrt(profiles[:, k.SIGMA_W] ** 2 + vertical)
    found[:, k.GRADIENT] = np.where(lid >= LEVELS, 1e-5, profiles[:, k.GRADIENT])
    for hour, row, at in zip(found, hours, measured_at, strict=True):
        k.fill_theta(LEVELS, hour[k.GRADIENT], row[k.AIR], at, row[k.BASE], hour[k.THETA])
    return found
