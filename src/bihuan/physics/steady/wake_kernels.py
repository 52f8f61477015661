"""Compiled wake of a building: its sizes, where a place is in it, and how the air flows and mixes there.

PRIME, the plume rise model enhancements: Schulman, L. L., Strimaitis, D. G. and Scire, J. S. (2000), Development and
evaluation of the PRIME plume rise and building downwash model, J. Air Waste Manag. Assoc. 50, 378-390; section 5.5.3
of the formulation document. What neither prints was read from AERMOD's public-domain source ("as in the source").

Distances ``x`` here are downwind from the middle of the windward face of the building, ``y`` across from it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.layer_kernels import LEAST_WIND, cell_of, layer_mean, means_of
from bihuan.physics.steady.profile_kernels import ADIABATIC, AIR, BASE, GRADIENT, GRAVITY, LID, STABLE, THETA, WIND

Float = NDArray[np.float64]

DEFICIT = 0.7
"""Of the wind behind the building, over the wind."""
DECAY = 2.0 / 3.0
"""Power by which deficit and turbulence of the wake decay."""
CALM_W, CALM_V = 0.06, 0.08
"""Vertical and lateral intensity of turbulence to which the deficit is scaled (as in the source)."""
STIRRED = 1.7
"""Factor of both behind the building (Weil 1996)."""
NEARLY = 1.3
"""Of the turbulence outside: there the wake has decayed (as in the source)."""
FARTHEST = 15.0
"""Length of the wake at most, in its scale behind the building (as in the source)."""
WAKE_HEIGHT = 1.2
"""Of the height of the wake (Wilson 1979)."""
SLOWEST_SHARE = 0.01
"""Least wind in a wake, over the wind outside (as in the source)."""
GAS = 287.026
"""[J/kg/K]"""

INSIDE, CAVITY, FAR_WAKE, OUTSIDE = 1, 2, 3, 4


class Wake(NamedTuple):
    """A building as one wind sees it, and the lengths of its wake. [m]"""

    height: float
    width: float
    length: float
    ahead: float
    """From the stack downwind to the windward face."""
    aside: float
    """From the stack across to the middle of that face."""
    scale: float
    """R, which all of the flow scales with."""
    cavity: float
    """From the lee face to the end of the cavity."""
    roof: float
    """Of the cavity on the roof; shorter than the roof, the flow attaches again."""
    top: float
    """Of the cavity."""


class Site(NamedTuple):
    """A wake and the air it is in, as the loops of a wake hand them on."""

    wake: Wake
    wind: float
    """Mean below the top of the wake, and so the next three. [m/s]"""
    sigma_v: float
    sigma_w: float
    gradient: float
    hour: Float
    levels: Float
    profile: Float


@compiled
def wake_of(building: Float) -> Wake:
    """Lengths of a wake (Wilson 1979 for R and the roof, Fackrell 1984 for the cavity)."""
    height, width, length = building[0], building[1], building[2]
    small, large = min(height, width), max(height, width)
    scale = small ** (2.0 / 3.0) * min(large, 8.0 * small) ** (1.0 / 3.0)
    wide, long = width / height, min(max(length / height, 0.3), 3.0)
    # a building narrower than high has a cavity that depends less on its length (as in the source)
    power = 0.3 if wide >= 1.0 else max(0.0, 0.3 * (wide - 0.33) / 0.67)
    cavity = 1.8 * width / (long**power * (1.0 + 0.24 * wide))
    return Wake(
        height, width, length, building[3], building[4], scale, cavity, 0.9 * scale, height + 0.22 * scale
    )  # fmt: skip


@compiled
def site_of(wake: Wake, hour: Float, levels: Float, profile: Float, sums: Float) -> Site:
    """Means of the air from the ground to the top of the wake fifteen scales away (as in the source)."""
    high = WAKE_HEIGHT * wake.scale * (FARTHEST + (wake.height / (WAKE_HEIGHT * wake.scale)) ** 3) ** (1.0 / 3.0)
    if hour[STABLE] == 0.0:
        high = min(high, hour[LID])
    low, high = 0.5, max(high, 0.51)
    wind, sigma_v, sigma_w = means_of(low, high, levels, profile, sums)
    a, b = cell_of(low, levels), cell_of(high, levels)
    gradient = layer_mean(low, high, a, b, levels, profile[GRADIENT], sums[GRADIENT])
    return Site(wake, wind, sigma_v, sigma_w, gradient, hour, levels, profile)


@compiled
def wake_at(x: float, wake: Wake) -> tuple[float, float]:
    """Height and half width of the wake. [m]"""
    if x <= 0.0:
        return 0.0, 0.0
    share = x / wake.scale
    foot = (wake.height / (WAKE_HEIGHT * wake.scale)) ** 3
    high = WAKE_HEIGHT * wake.scale * (share + foot) ** (1.0 / 3.0)
    return high, 0.5 * wake.width + wake.scale / 3.0 * share ** (1.0 / 3.0)


@compiled
def cavity_at(x: float, wake: Wake) -> tuple[float, float]:
    """Height and half width of the cavity, of none 0. [m]"""
    end = wake.length + wake.cavity
    if x < 0.0 or x >= end:
        return 0.0, 0.0
    widest = 0.5 * wake.width + wake.scale / 3.0
    if x <= wake.scale:
        wide = widest - (x - wake.scale) ** 2 / (3.0 * wake.scale)
    else:
        wide = widest * math.sqrt(1.0 - ((x - wake.scale) / (end - wake.scale)) ** 2)
    half = 0.5 * wake.scale
    if wake.roof < wake.length:
        high = wake.height
        if x > wake.length:
            high *= math.sqrt(1.0 - ((x - wake.length) / wake.cavity) ** 2)
    elif x <= half:
        high = wake.top + (x - half) ** 2 * (wake.height - wake.top) / half**2
    else:
        high = wake.top * math.sqrt(1.0 - ((x - half) / (end - half)) ** 2)
    return high, wide


@compiled
def whereabouts(x: float, y: float, z: float, wake: Wake) -> int:
    """Whether a place is in the building, its cavity, its far wake or outside."""
    if x <= 0.0:
        return OUTSIDE
    across = abs(y)
    skin = 0.99998  # what touches the building is not in it
    if x < skin * wake.length and z < skin * wake.height and across < skin * 0.5 * wake.width:
        return INSIDE
    high, wide = cavity_at(x, wake)
    if high > 0.0 and z <= high and across <= wide:
        return CAVITY
    high, wide = wake_at(x, wake)
    return FAR_WAKE if z <= high and across <= wide else OUTSIDE


@compiled
def slope(x: float, y: float, z: float, wake: Wake) -> float:
    """Rise of the streamlines over distance around the building."""
    scale, half, lift = wake.scale, 0.5 * wake.scale, wake.top - wake.height
    above = (z - wake.height + scale) / scale
    end = wake.length + wake.cavity
    found = 0.0
    if x < -scale:
        return 0.0
    if x <= half:  # up before and over the windward edge
        if x < 0.0:
            found = 2.0 * lift * (x + scale) / (scale * scale)
            if z <= 0.67 * (wake.height if scale <= wake.height else 2.0 * wake.height - scale):
                found = 0.0
        else:
            found = 4.0 * lift / scale * (1.0 - 2.0 * x / scale)
        if z > wake.height:
            found /= above**3
    else:  # down to the end of the cavity and beyond
        long = end - half
        found = lift * (scale - 2.0 * min(x, end)) / (long * long)
        if x > end:
            found = -2.0 * lift / long * scale / (x - end + scale)
        if z > wake.height:
            found /= above
        else:
            tall = wake.height / wake.width
            power = 0.3 * (0.5 * tall) ** 2 if tall >= 2.0 else 0.3
            found *= (max(z, 0.0) / wake.height) ** power
    beyond = abs(y) - 0.5 * wake.width
    return found * min(max(1.0 - 3.0 * beyond / scale, 0.0), 1.0)


@compiled
def slowed(x: float, y: float, z: float, wake: Wake) -> tuple[float, float]:
    """Wind in the wake over the wind outside, and how that share grows with height. [1, 1/m]"""
    high, wide = wake_at(x, wake)
    across = abs(y)
    if z >= high or across >= wide:
        return 1.0, 0.0
    deficit = DEFICIT * (max(x - wake.length, 0.0) / wake.scale + 1.0) ** (-DECAY)
    core = max(0.5 * wake.width, wide - wake.scale / 3.0)
    if across > core and wide > core:
        deficit *= 1.0 - (across - core) / (wide - core)
    if x < wake.length:
        deficit *= x / wake.length
    cavity, _ = cavity_at(x, wake)
    # constant in the cavity, from there linear to the top of the wake, the mean deficit kept
    inside = max(0.0, 1.0 - 2.0 * high * deficit / (high + cavity))
    growth = (1.0 - inside) / (high - cavity) if z > cavity else 0.0
    return max(SLOWEST_SHARE, inside + growth * (z - cavity)), growth


@compiled
def stirred(x: float, outside: float, calm: float, wake: Wake) -> float:
    """Intensity of turbulence in the wake, over the roof between that outside and that behind (Weil 1996)."""
    far = min(calm, outside)
    share = 1.0 / ((max(x - wake.length, 0.0) / wake.scale + 1.0) ** DECAY - DEFICIT)
    found = far * (1.0 + (STIRRED * calm / far - 1.0 + DEFICIT) * share)
    return outside + x / wake.length * (found - outside) if x < wake.length else found


@compiled
def length_of_stirring(outside: float, calm: float, wake: Wake) -> float:
    """Distance at which the turbulence of the wake has come down to that outside, without a limit. [m]"""
    far = min(calm, outside)
    left = max(outside, NEARLY * far)
    share = DEFICIT + (STIRRED * calm - far * (1.0 - DEFICIT)) / (left - far)
    return wake.length - wake.scale + wake.scale * share**1.5


@compiled
def air_at(x: float, y: float, z: float, site: Site) -> tuple[float, float, float, float, float]:
    """Wind and its shear as the wake changes them, gradient of potential temperature, temperature and density.

    Returns [m/s, 1/s, K/m, K, kg/m3].
    """
    levels, profile, hour = site.levels, site.profile, site.hour
    k = cell_of(z, levels)
    inverse = 1.0 / (levels[k + 1] - levels[k])
    part = (z - levels[k]) * inverse
    shear = (profile[WIND, k + 1] - profile[WIND, k]) * inverse
    wind = max(profile[WIND, k] + (z - levels[k]) * shear, LEAST_WIND)
    gradient = profile[GRADIENT, k] + part * (profile[GRADIENT, k + 1] - profile[GRADIENT, k])
    theta = profile[THETA, k] + part * (profile[THETA, k + 1] - profile[THETA, k])
    temperature = theta - ADIABATIC * (z + hour[BASE])
    # a mean temperature of the column, and 1.2 kg/m3 at the ground (as in the source)
    column = 0.5 * GAS * (temperature + hour[AIR])
    density = 1.2 * hour[AIR] / temperature * math.exp(-GRAVITY * z / column)
    share, growth = slowed(x, y, z, site.wake)
    shear = share * shear + growth * wind
    wind *= share
    return wind, shear, gradient, temperature, density
