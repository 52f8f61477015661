"""What a station measured of the surface layer itself: two heights of temperature, or u*, L and the heat flux.

Equations are numbered as in EPA-454/B-24-010, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, StationHours

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

KARMAN, GRAVITY, HEAT = 0.4, 9.80655, 1004.0
"""Constant of von Karman; [m/s2]; heat of air [J/kg/K]."""
BETA = 5.0
"""Of the stable wind profile (eq. 12)."""
DRY_ADIABAT = 0.0098
"""[K/m]"""
VERY_STABLE = 0.5
"""Height over Obukhov length from which eq. 19 takes the place of eq. 12."""
VERY_STABLE_ADJUSTED = 0.7
"""The same for u* adjusted for low winds (section 3.5)."""
ALPHA, POWER, GAMMA = 4.0, 0.5, 0.3
"""Of the profile of Luhar and Rayner 2009 (section 3.3.2)."""
ROUNDS, SETTLED = 400, 1e-6


@dataclass(frozen=True, slots=True)
class Levels:
    """Heights of the wind, of both temperatures and of the roughness. [m]"""

    wind: float
    lower: float
    upper: float
    roughness: float


def check_levels(levels: Levels) -> None:
    """Refuse heights that say nothing of a gradient.

    Raises
    ------
    InputError
        If the upper temperature is not measured above the lower, or the lower not above the roughness.
    """
    if not levels.upper > levels.lower > levels.roughness:
        raise InputError(
            f"temperatures at {levels.lower:g} and {levels.upper:g} m over roughness {levels.roughness:g} m: the upper "
            "height must be above the lower, and that above the roughness"
        )


def by_richardson(
    speed: Float, lower: Float, upper: Float, levels: Levels, *, adjusted: bool
) -> tuple[Float, Float, Float]:
    """Return u* [m/s], L [m] and the temperature scale [K] of stable air from two temperatures and a wind.

    Wind, temperature scale and length are found by turns until they agree (eqs. 11, 12, 18 and 19). With `adjusted`,
    where the wind stands above 0.7 of that length, u* follows from it by the profile of Luhar and Rayner, and scale and
    length from that u* (sections 3.3.2 and 3.5, as they read: no hours of AERMET with two temperatures were at hand).

    Parameters
    ----------
    speed, lower, upper : ndarray
        Wind [m/s], temperatures [K]; NaN where missing.
    levels : Levels
    adjusted : bool
        Adjust u* of stable hours for low winds.

    Returns
    -------
    tuple of ndarray
        NaN where something is missing, or the air is not warmer above.
    """
    step = upper - lower + DRY_ADIABAT * (levels.upper - levels.lower)
    step = np.where((step > 0.0) & (speed > 0.0), step, np.nan)
    length = np.full(len(speed), 100.0)
    friction = scale = np.full(len(speed), np.nan)
    for _ in range(ROUNDS):
        friction, scale = KARMAN * speed / _profile(length, levels), _scale(step, length, levels)
        again = np.sqrt(length * _length(friction, scale, lower))  # by half a step, for the two chase one another
        if np.nanmax(np.abs(again / length - 1.0), initial=0.0) < SETTLED:
            break
        length = np.where(np.isfinite(again), again, length)
    if adjusted:
        calm = levels.wind > VERY_STABLE_ADJUSTED * length
        lifted = ALPHA * (_bent(levels.wind / length) - _bent(levels.roughness / length))
        friction = np.where(calm, KARMAN * speed / lifted, friction)
        length = np.where(calm, _length(friction, scale, lower), length)
    known = np.isfinite(friction) & np.isfinite(scale)
    return np.where(known, friction, np.nan), np.where(known, length, np.nan), np.where(known, scale, np.nan)


def _scale(step: Float, length: Float, levels: Levels) -> Float:
    """Temperature scale of a step between two heights. [K] (eq. 18)"""
    between = np.log(levels.upper / levels.lower) + BETA * (levels.upper - levels.lower) / length
    return np.asarray(KARMAN * step / between, dtype=np.float64)


def _length(friction: Float, scale: Float, air: Float) -> Float:
    """Obukhov length. [m] (eq. 11)"""
    return np.maximum(air * friction**2 / (KARMAN * GRAVITY * scale), 1e-3)


def _profile(length: Float, levels: Levels) -> Float:
    """k u / u* in stable air (eq. 12; in very stable air eq. 19)."""
    over = levels.wind / length
    log = np.log(levels.wind / levels.roughness)
    strong = log + 7.0 * np.log(over) + 4.25 / over - 0.5 / over**2 + BETA / 2.0 - 1.648
    return np.where(over > VERY_STABLE, strong, log + BETA * over)


def _bent(over: Float) -> Float:
    return np.asarray(over**POWER * (1.0 + GAMMA * over ** (1.0 - POWER)), dtype=np.float64)


def taken_over(
    station: StationHours, friction: Float, length: Float, heat: Float, density: Float
) -> tuple[Float, Float, Float]:
    """Return u*, L and heat flux with what was measured in place of what was computed.

    Two of the three give the third (eq. 8); u* or the flux alone changes L with it, L alone changes only itself.

    Raises
    ------
    InputError
        If u* is not above 0, L is 0, or the signs of L and of the flux contradict each other; the message names the
        hour.
    """
    u, own, flux = (
        np.full(len(friction), np.nan) if values is None else np.asarray(values, dtype=np.float64)
        for values in (station.friction_velocity, station.obukhov_length, station.heat_flux)
    )
    for bad, what in (
        (u <= 0.0, "friction velocity must be above 0"),
        (own == 0.0, "Obukhov length must not be 0"),
        (own * flux > 0.0, "Obukhov length and heat flux must have opposite signs"),
    ):
        if bad.any():
            raise InputError(f"the hour of the station that begins {station.start[int(bad.argmax())]}: its {what}")
    friction = np.where(np.isfinite(u), u, friction)
    warmth = density * HEAT * station.temperature / (KARMAN * GRAVITY)
    with np.errstate(divide="ignore", invalid="ignore"):
        both = np.isfinite(u) & np.isfinite(own)
        heat = np.where(np.isfinite(flux), flux, np.where(both, -warmth * friction**3 / own, heat))
        by_flux = -warmth * friction**3 / heat
    changed = np.isfinite(u) | np.isfinite(flux)
    length = np.where(np.isfinite(own), own, np.where(changed, by_flux, length))
    return friction, length, heat
