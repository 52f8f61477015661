"""A boundary layer from a stability class and a wind: what a city knows of its air within the minute."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, ProfileHours, SurfaceHours
from bihuan.physics.steady.boundary import BoundaryLayer
from bihuan.physics.steady.station import EQUILIBRIUM, KARMAN

Float = NDArray[np.float64]
Int = NDArray[np.int64]

GOLDER = np.array([(-0.096, 0.029), (-0.037, 0.029), (-0.002, 0.018), (0.0, 0.0), (0.004, -0.018), (0.035, -0.036)])
"""1/L of the classes A to F is a + b log10 of the roughness. [1/m], roughness in m

Golder 1972 in the fit of Seinfeld and Pandis (Atmospheric Chemistry and Physics); neither was at hand: unconfirmed.
"""
NEUTRAL = 5000.0
"""Obukhov length of class D: so long that it does nothing. [m]"""
SHORTEST = 5.0
"""Least amount of an Obukhov length. [m]"""
USUAL_LID = 1000.0
"""Convective height where none is known. [m]"""
LOWEST_LID = 50.0
"""[m]"""


def obukhov_length(stability: Int, roughness: float) -> Float:
    """Return the Obukhov length of Pasquill classes, 0 = A .. 5 = F; positive where stable. [m]"""
    inverse = GOLDER[stability, 0] + GOLDER[stability, 1] * np.log10(roughness)
    # over rough ground the fit lets B to F meet the neutral: none crosses it
    unstable = np.asarray(stability) < 3
    inverse = np.where(unstable, np.minimum(inverse, -1.0 / NEUTRAL), np.maximum(inverse, 1.0 / NEUTRAL))
    length = np.where(np.asarray(stability) == 3, NEUTRAL, 1.0 / inverse)
    return np.sign(length) * np.maximum(np.abs(length), SHORTEST)


def friction_velocity(speed: Float, height: float, length: Float, roughness: float) -> Float:
    """Return u* from the wind at one height. [m/s] (EPA-454/B-24-010, eqs. 6, 7 and 28)"""

    def bend(z: float) -> Float:
        mu = (1.0 - 16.0 * z / np.minimum(length, -1e-9)) ** 0.25
        unstable = 2 * np.log((1 + mu) / 2) + np.log((1 + mu**2) / 2) - 2 * np.arctan(mu) + np.pi / 2
        stable = -17.0 * (1.0 - np.exp(-0.29 * z / np.maximum(length, 1e-9)))
        return np.where(length < 0, unstable, stable)

    found: Float = KARMAN * speed / (np.log(height / roughness) - bend(height) + bend(roughness))
    return found


def class_layer(
    speed: Float, wind_from: Float, stability: Int, temperature: Float, mixing_height: Float, *,
    height: float, roughness: float,
) -> BoundaryLayer:  # fmt: skip
    """Return hours of a boundary layer, one for each wind.

    Parameters
    ----------
    speed, wind_from : ndarray, shape (hours,)
        [m/s], [degrees]
    stability : ndarray of int64
        Pasquill class, 0 = A .. 5 = F.
    temperature, mixing_height : ndarray
        [K], [m]; NaN for a mixing height that is not known.
    height : float
        Of the anemometer. [m]
    roughness : float
        [m]

    Raises
    ------
    InputError
        If the anemometer stands below seven roughness lengths.
    """
    if not height >= 7.0 * roughness > 0.0:
        raise InputError(f"wind at {height} m over roughness {roughness} m: it must be seven roughness lengths or more")
    count = len(speed)
    length = obukhov_length(stability, roughness)
    friction = np.maximum(friction_velocity(speed, height, length, roughness), 0.02)
    lid = np.where(np.isfinite(mixing_height), np.maximum(mixing_height, LOWEST_LID), np.nan)
    convective = np.where(length < 0, np.where(np.isfinite(lid), lid, USUAL_LID), np.nan)
    own = np.maximum(EQUILIBRIUM * friction**1.5, LOWEST_LID)
    mechanical = np.where((np.asarray(stability) == 3) & np.isfinite(lid), np.maximum(own, lid), own)
    nothing, full = np.full(count, np.nan), np.ones(count)
    surface = SurfaceHours(
        start=np.datetime64("2000-01-01T00", "h") + np.arange(count), heat_flux=nothing, friction_velocity=friction,
        convective_velocity=np.where(length < 0, friction * np.cbrt(convective / (KARMAN * np.abs(length))), np.nan),
        gradient_above=0.005 * full, convective_height=convective, mechanical_height=mechanical, obukhov_length=length,
        roughness=roughness * full, bowen_ratio=full, albedo=0.2 * full, wind_speed=speed, wind_from=wind_from,
        wind_height=height * full, temperature=temperature, temperature_height=2.0 * full,
        precipitation_code=np.zeros(count, dtype=np.int64), precipitation=nothing, humidity=nothing, pressure=nothing,
        cloud_cover=nothing,
    )  # fmt: skip
    mast = ProfileHours(np.arange(count + 1), height * full, wind_from, speed, temperature, nothing, nothing)
    return BoundaryLayer(surface, mast)
