"""Compiled loops of the vertical profiles (formulation document, section 4.1 and appendix A.1)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled

Float = NDArray[np.float64]
Int = NDArray[np.int64]

GRAVITY = 9.80616
"""[m/s2] (as AERMOD rounds it)"""
KARMAN = 0.4
ADIABATIC = 0.00977
"""Fall of temperature of dry air with height, g / cp. [K/m] (eq. 32)"""
SLOWEST = 0.01
"""Least wind speed of a profile. [m/s] (appendix A.1 leaves it open; as in the source)"""
SAME_LEVEL = 0.1
"""A measurement this near to a height is taken as it is. [m] (as in the source)"""

# Columns of the table of hours.
LID, CONVECTIVE_LID, MECHANICAL_LID, FRICTION, CONVECTIVE, OBUKHOV, AIR, GRADIENT_ABOVE, THETA_AT_LID = range(9)
MEAN_WIND, MEAN_SIGMA_W, STABLE, USED, BASE, URBAN = range(9, 15)
HOUR_COLUMNS = 15

# Rows of a profile.
WIND, SIGMA_V, SIGMA_W, GRADIENT, THETA, DIRECTION = range(6)
PROFILE_ROWS = 6


@compiled
def similarity_wind(z: float, friction: float, obukhov: float, roughness: float) -> float:
    """Logarithmic wind at height `z` with its stability term. [m/s] (eqs. 28, 29 and 7)"""
    if obukhov < 0.0:
        a = (1.0 - 16.0 * z / obukhov) ** 0.25
        b = (1.0 - 16.0 * roughness / obukhov) ** 0.25
        psi_z = 2.0 * math.log((1.0 + a) / 2.0) + math.log((1.0 + a * a) / 2.0) - 2.0 * math.atan(a)
        psi_0 = 2.0 * math.log((1.0 + b) / 2.0) + math.log((1.0 + b * b) / 2.0) - 2.0 * math.atan(b)
    else:
        psi_z = -17.0 * (1.0 - math.exp(-0.29 * z / obukhov))
        psi_0 = -17.0 * (1.0 - math.exp(-0.29 * roughness / obukhov))
    return float(friction / KARMAN * (math.log(z / roughness) - psi_z + psi_0))


@compiled
def shape_of_wind(z: float, hour: Float, roughness: float, measured: float, measured_at: float) -> float:
    """Wind that similarity expects: linear below 7 roughness lengths, constant above the lid. [m/s] (eq. 28)"""
    foot = 7.0 * roughness
    lid = hour[LID]
    if measured_at <= foot and z <= foot:  # both among the obstacles: nothing but the linear law is used
        return measured * z / measured_at
    if z > lid:
        if measured_at > lid:
            return measured
        return similarity_wind(lid, hour[FRICTION], hour[OBUKHOV], roughness)
    if z > foot:
        return similarity_wind(z, hour[FRICTION], hour[OBUKHOV], roughness)
    at_foot = similarity_wind(foot, hour[FRICTION], hour[OBUKHOV], roughness)
    # a reference above the lid leaves the lowest layer at the wind of its top (as in the source)
    return at_foot if measured_at > lid else at_foot * z / foot


@compiled
def shape_of_sigma_v(z: float, hour: Float) -> float:
    """Lateral turbulence. [m/s] (eqs. 38-41)"""
    ground = 3.6 * hour[FRICTION] ** 2
    aloft = min(ground, 0.25)
    top = hour[MECHANICAL_LID]
    variance = ground + (aloft - ground) * min(z / top, 1.0)
    if hour[STABLE] == 0.0:
        mixed = 0.35 * hour[CONVECTIVE] ** 2
        residual = min(mixed, 0.25)
        lid = hour[CONVECTIVE_LID]
        beyond = min(max((z - lid) / (0.2 * lid), 0.0), 1.0)
        variance += mixed + (residual - mixed) * beyond
    return math.sqrt(variance)


@compiled
def shape_of_sigma_w(z: float, hour: Float, residual: float) -> float:
    """Vertical turbulence; `residual` is its value above the lid. [m/s] (eqs. 34-37)"""
    share = z / hour[LID]
    variance = (residual * min(share, 1.0)) ** 2
    if share < 1.0:
        variance += 1.69 * hour[FRICTION] ** 2 * (1.0 - share)
    variance = max(variance, 1e-8)
    if hour[STABLE] == 0.0:
        lid, w2 = hour[CONVECTIVE_LID], hour[CONVECTIVE] ** 2
        if z <= 0.1 * lid:
            convective = 1.6 * (z / lid) ** (2.0 / 3.0) * w2
        elif z <= lid:
            convective = 0.35 * w2
        else:
            convective = 0.35 * w2 * math.exp(max(-6.0 * (z - lid) / lid, -100.0))
        variance += max(convective, 1e-8)
    return math.sqrt(variance)


@compiled
def surface_gradient(z: float, scale: float, obukhov: float, adjusted: bool) -> float:
    """Gradient of potential temperature in the stable surface layer. [K/m] (eq. 30)

    With the adjusted friction velocity the coefficients are those of Businger et al. (1971), as Luhar and
    Rayner (2009) use them (section 3.3.2; the pair as in the source).
    """
    z = max(z, 2.0)
    if adjusted:
        return scale / (KARMAN * z) * (0.74 + 4.7 * z / obukhov)
    return scale / (KARMAN * z) * (1.0 + 5.0 * z / obukhov)


@compiled
def shape_of_gradient(z: float, hour: Float, scale: float, adjusted: bool) -> float:
    """Gradient of potential temperature. [K/m] (section 4.1.3, eqs. 30 and 31)"""
    lid = hour[LID]
    if hour[STABLE] == 0.0:
        if z <= lid:
            return 0.0
        return hour[GRADIENT_ABOVE] if z <= lid + 500.0 else 0.005
    if z <= 100.0:
        found = surface_gradient(z, scale, hour[OBUKHOV], adjusted)
    else:
        top = surface_gradient(100.0, scale, hour[OBUKHOV], adjusted)
        found = top * math.exp(max(-(z - 100.0) / (0.44 * max(lid, 100.0)), -100.0))
    return max(found, 0.002)


@compiled
def stretched(below: float, above: float, z: float, at_below: float, at_above: float, shapes: Float) -> float:
    """Measured values between two levels in the shape of similarity (appendix A.1).

    `shapes` holds similarity's values at the lower level, at `z` and at the upper level.
    """
    share = (z - at_below) / (at_above - at_below)
    measured = below + share * (above - below)
    expected = shapes[0] + share * (shapes[2] - shapes[0])
    return measured * shapes[1] / expected


@compiled
def nearest(z: float, heights: Float, values: Float) -> tuple[int, int]:
    """Places of the measured levels below and above `z`, -1 where there is none; a level at `z` is both."""
    below, above = -1, -1
    for level in range(len(heights)):
        if math.isnan(values[level]):
            continue
        if abs(heights[level] - z) <= SAME_LEVEL:
            return level, level
        if heights[level] < z:
            below = level
        elif above < 0:
            above = level
    return below, above


@compiled
def fill_winds(
    levels: Float, hour: Float, roughness: float, reference: Float, mast: Float, wind: Float, direction: Float
) -> None:
    """Wind speed and direction at every height of the profile. `reference` is speed, direction, height."""
    shapes = np.empty(3)
    speed, origin, height = reference[0], reference[1], reference[2]
    for k in range(len(levels)):
        z = levels[k]
        below, above = nearest(z, mast[0], mast[1])
        expected = shape_of_wind(z, hour, roughness, speed, height)
        if below >= 0 and below == above:
            found = mast[1, below]
        elif below >= 0 and above >= 0:
            shapes[0] = shape_of_wind(mast[0, below], hour, roughness, speed, height)
            shapes[1] = expected
            shapes[2] = shape_of_wind(mast[0, above], hour, roughness, speed, height)
            found = stretched(mast[1, below], mast[1, above], z, mast[0, below], mast[0, above], shapes)
        else:
            level = max(below, above)
            value, at = (mast[1, level], mast[0, level]) if level >= 0 else (speed, height)
            found = value * expected / shape_of_wind(at, hour, roughness, speed, height)
        wind[k] = max(found, SLOWEST)
        below, above = nearest(z, mast[0], mast[2])
        if below < 0 and above < 0:
            direction[k] = origin
        elif below == above or above < 0:
            direction[k] = mast[2, below]
        elif below < 0:
            direction[k] = mast[2, above]
        else:
            turn = (mast[2, above] - mast[2, below] + 540.0) % 360.0 - 180.0
            share = (z - mast[0, below]) / (mast[0, above] - mast[0, below])
            direction[k] = mast[2, below] + share * turn
        if k > 0:  # unwrapped, so that heights between two levels can be interpolated
            direction[k] = direction[k - 1] + (direction[k] - direction[k - 1] + 540.0) % 360.0 - 180.0


@compiled
def fill_turbulence(levels: Float, hour: Float, residual: float, mast: Float, vertical: bool, out: Float) -> None:
    """One of the two turbulences at every height; `mast` holds heights and measured values."""
    shapes = np.empty(3)
    for k in range(len(levels)):
        z = levels[k]
        expected = shape_of_sigma_w(z, hour, residual) if vertical else shape_of_sigma_v(z, hour)
        below, above = nearest(z, mast[0], mast[1])
        if below < 0 and above < 0:
            out[k] = expected
        elif below == above:
            out[k] = mast[1, below]
        elif below >= 0 and above >= 0:
            for place, at in ((0, mast[0, below]), (2, mast[0, above])):
                shapes[place] = shape_of_sigma_w(at, hour, residual) if vertical else shape_of_sigma_v(at, hour)
            shapes[1] = expected
            out[k] = stretched(mast[1, below], mast[1, above], z, mast[0, below], mast[0, above], shapes)
        else:
            at = mast[0, max(below, above)]
            there = shape_of_sigma_w(at, hour, residual) if vertical else shape_of_sigma_v(at, hour)
            out[k] = mast[1, max(below, above)] * expected / there


@compiled
def measured_gradients(mast: Float, stable: bool) -> Float:
    """Gradients of potential temperature between the measured levels: heights and values, shape (2, n). [m, K/m]"""
    found = np.full((2, max(mast.shape[1], 1)), np.nan)
    count, low = 0, -1
    for level in range(mast.shape[1]):
        if math.isnan(mast[3, level]):
            continue
        if low >= 0:
            rise = (mast[3, level] - mast[3, low]) / (mast[0, level] - mast[0, low]) + ADIABATIC
            found[0, count] = 0.5 * (mast[0, level] + mast[0, low])
            found[1, count] = max(rise, 0.002) if stable else rise
            count += 1
        low = level
    return found[:, :count]


@compiled
def temperature_scale(hour: Float, roughness: float, gradients: Float, adjusted: bool) -> float:
    """theta-star of a stable hour. [K] (section 4.1.3)"""
    for k in range(gradients.shape[1]):
        if gradients[0, k] > roughness:
            if gradients[0, k] <= 100.0:
                z = gradients[0, k]
                return gradients[1, k] * KARMAN * z / (1.0 + 5.0 * z / hour[OBUKHOV])
            return hour[FRICTION] ** 2 * hour[AIR] / (GRAVITY * KARMAN * hour[OBUKHOV])
    if adjusted:
        return 0.08  # of an adjusted friction velocity [K] (after Qian and Venkatram 2011, as in the source)
    return hour[FRICTION] ** 2 * hour[AIR] / (GRAVITY * KARMAN * hour[OBUKHOV])


@compiled
def fill_gradient(levels: Float, hour: Float, roughness: float, gradients: Float, adjusted: bool, out: Float) -> None:
    """Gradient of potential temperature at every height. [K/m]"""
    stable = hour[STABLE] != 0.0
    scale = temperature_scale(hour, roughness, gradients, adjusted) if stable else 0.0
    shapes = np.empty(3)
    for k in range(len(levels)):
        z = levels[k]
        below, above = nearest(z, gradients[0], gradients[1]) if stable else (-1, -1)
        expected = shape_of_gradient(z, hour, scale, adjusted)
        if below < 0 and above < 0:
            out[k] = expected
        elif below == above:
            out[k] = gradients[1, below]
        elif below < 0:  # theta-star was made from the lowest measurement: below it similarity needs no factor
            out[k] = surface_gradient(z, scale, hour[OBUKHOV], adjusted)
        elif above >= 0:
            shapes[0] = shape_of_gradient(gradients[0, below], hour, scale, adjusted)
            shapes[1] = expected
            shapes[2] = shape_of_gradient(gradients[0, above], hour, scale, adjusted)
            if abs(shapes[2] - shapes[0]) > 1e-4:
                out[k] = stretched(
                    gradients[1, below], gradients[1, above], z, gradients[0, below], gradients[0, above], shapes
                )
            else:
                share = (z - gradients[0, below]) / (gradients[0, above] - gradients[0, below])
                out[k] = gradients[1, below] + share * (gradients[1, above] - gradients[1, below])
        elif gradients[0, below] <= 100.0:
            there = shape_of_gradient(gradients[0, below], hour, scale, adjusted)
            out[k] = gradients[1, below] * (expected / there if there >= 1e-4 else 1.0)
        else:
            fall = -(z - gradients[0, below]) / (0.44 * max(hour[LID], 100.0))
            out[k] = gradients[1, below] * math.exp(max(fall, -100.0))
        if stable or z > hour[LID]:
            out[k] = max(out[k], 0.002)


@compiled
def fill_theta(levels: Float, gradient: Float, air: float, measured_at: float, base: float, out: Float) -> None:
    """Potential temperature at every height, through the reference measurement. [K] (eqs. 32 and 33)"""
    low = min(int(np.searchsorted(levels, measured_at, "right")) - 1, len(levels) - 2)
    theta = air + ADIABATIC * (measured_at + base)
    out[low] = theta - 0.5 * (gradient[low + 1] + gradient[low]) * (measured_at - levels[low])
    for k in range(low - 1, -1, -1):
        out[k] = out[k + 1] - 0.5 * (gradient[k + 1] + gradient[k]) * (levels[k + 1] - levels[k])
    for k in range(low + 1, len(levels)):
        out[k] = out[k - 1] + 0.5 * (gradient[k] + gradient[k - 1]) * (levels[k] - levels[k - 1])


@compiled
def value_at(z: float, levels: Float, values: Float) -> float:
    """Linear interpolation, constant beyond the ends."""
    k = min(max(int(np.searchsorted(levels, z, "right")) - 1, 0), len(levels) - 2)
    share = min(max((z - levels[k]) / (levels[k + 1] - levels[k]), 0.0), 1.0)
    return values[k] + share * (values[k + 1] - values[k])


@compiled
def mean_below(z: float, levels: Float, values: Float) -> float:
    """Mean of a piecewise linear profile between the ground and `z`."""
    total, k = 0.0, 1
    while k < len(levels) and levels[k] <= z:
        total += 0.5 * (values[k] + values[k - 1]) * (levels[k] - levels[k - 1])
        k += 1
    total += 0.5 * (value_at(z, levels, values) + values[k - 1]) * (z - levels[k - 1])
    return total / z


@compiled
def fill_hour(
    levels: Float, hour: Float, roughness: float, reference: Float, mast: Float, adjusted: bool, profile: Float
) -> None:
    """Fill the profile of one hour and the columns of `hour` that come from it.

    `reference`: wind speed, wind from, height of wind, height of temperature.
    `mast`: height, wind speed, wind from, temperature, sigma-v, sigma-w; NaN where missing.
    """
    lid = hour[LID]
    fill_winds(levels, hour, roughness, reference, mast, profile[WIND], profile[DIRECTION])
    gradients = measured_gradients(mast, hour[STABLE] != 0.0)
    fill_gradient(levels, hour, roughness, gradients, adjusted, profile[GRADIENT])
    fill_theta(levels, profile[GRADIENT], hour[AIR], reference[3], hour[BASE], profile[THETA])
    hour[THETA_AT_LID] = value_at(lid, levels, profile[THETA])
    count, total = 0, 0.0
    for level in range(mast.shape[1]):
        if mast[0, level] >= lid and not math.isnan(mast[5, level]):
            count += 1
            total += mast[5, level]
    residual = total / count if count else 0.02 * value_at(lid, levels, profile[WIND])  # section 4.1.5
    measured = np.empty((2, mast.shape[1]))
    measured[0] = mast[0]
    measured[1] = mast[4]
    fill_turbulence(levels, hour, residual, measured, False, profile[SIGMA_V])
    measured[1] = mast[5]
    fill_turbulence(levels, hour, residual, measured, True, profile[SIGMA_W])
    hour[MEAN_WIND] = mean_below(lid, levels, profile[WIND])
    hour[MEAN_SIGMA_W] = mean_below(lid, levels, profile[SIGMA_W])


@compiled
def fill_hours(
    levels: Float, hours: Float, roughness: Float, references: Float, first: Int, masts: Float, adjusted: bool,
    profiles: Float,
) -> None:  # fmt: skip
    """`fill_hour` for every hour that is used."""
    for h in range(len(hours)):
        if hours[h, USED] != 0.0:
            mast = masts[:, first[h] : first[h + 1]]
            fill_hour(levels, hours[h], roughness[h], references[h], mast, adjusted, profiles[h])
