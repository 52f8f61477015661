"""Compiled spreads of a plume, its vertical distributions and the weight of its random part."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.layer_kernels import HALF_DEPTH, LEAST_INTENSITY, LEAST_SIGMA_V, between, cell_of, held
from bihuan.physics.steady.profile_kernels import (
    CONVECTIVE,
    FRICTION,
    GRADIENT,
    LID,
    OBUKHOV,
    SIGMA_W,
    STABLE,
    THETA,
    WIND,
)
from bihuan.physics.steady.state_kernels import frequency

Float = NDArray[np.float64]

FARTHEST_OUT = -200.0
"""Powers of e below this count as none: 1e-87 of the middle of a plume."""
MEMORY = 86400.0
"""Time after which the wind at the source says nothing of the plume, T_r. [s] (eq. 73)"""


@compiled
def squared_sum(a: float, b: float) -> float:
    """Root of the sum of two squares; that of the library takes care of numbers that no spread has."""
    return math.sqrt(a * a + b * b)


@compiled
def bell(distance: float, inverse: float) -> float:
    """A Gaussian without its constant; far out nothing, which the library would make an error of first."""
    power = inverse * distance * distance
    return math.exp(power) if power > FARTHEST_OUT else 0.0


@compiled
def pair(z: float, centre: float, inverse: float) -> float:
    """The Gaussians about a height and about its mirror image in the ground."""
    if z == 0.0:
        return 2.0 * bell(centre, inverse)
    return bell(z - centre, inverse) + bell(z + centre, inverse)


@compiled
def reflected(z: float, height: float, sigma: float, lid: float) -> float:
    """Vertical distribution between the ground and a lid; none when the lid is not above `z`. [1/m] (eq. 67)

    Below the foot of the source (`z` below 0) the plume stays level, and the ground it is mirrored in does not (as in
    the source).
    """
    if z < 0.0:
        height, lid = height - z, lid - z
    inverse = -0.5 / (sigma * sigma)
    total = pair(z, height, inverse)
    if z <= lid:
        for image in range(1, 101):
            shift = 2.0 * image * lid
            term = pair(z, shift - height, inverse) + pair(z, shift + height, inverse)
            total += term
            if term <= 1e-6 * total:
                break
    return total / (math.sqrt(2.0 * math.pi) * sigma)


@compiled
def half_reflected(z: float, height: float, sigma: float, lid: float, indirect: bool) -> float:
    """One of the two Gaussians of the direct or the indirect plume in convective air (eqs. 59 and 65). [1/m]

    Below the foot of the source as `reflected`.
    """
    if z < 0.0:
        height, lid = height - z, lid - z
    inverse = -0.5 / (sigma * sigma)
    total = 0.0
    for image in range(1 if indirect else 0, 1000):
        centre = height - 2.0 * image * lid if indirect else height + 2.0 * image * lid
        term = pair(z, centre, inverse)
        total += term
        leaving = centre <= 0.0 if indirect else centre >= 0.0
        if leaving and term <= 5e-7 * total:
            break
    return total / (math.sqrt(2.0 * math.pi) * sigma)


@compiled
def weight_of_random(r: float, wind: float, sigma_v: float) -> float:
    """Share of the random plume in the total (eqs. 71-73)."""
    mean = math.sqrt(max(wind * wind - 2.0 * sigma_v * sigma_v, 0.01))
    random = 2.0 * sigma_v * sigma_v + mean * mean * (1.0 - math.exp(-r / wind / MEMORY))
    return min(random / (wind * wind), 1.0)


@compiled
def width(x: float, wind: float, sigma_v: float, release: float, lid: float) -> float:
    """Lateral spread of a plume in stable air by turbulence. [m] (eqs. 77 and 78)

    The lateral time scale is z_im / (156 sigma-v) max(release, 0.46 m) / 0.46 m, which is eq. 78 rewritten.
    """
    scale = lid / (156.0 * sigma_v) * max(release, 0.46) / 0.46
    return max(LEAST_INTENSITY, sigma_v / wind) * x / (1.0 + x / (2.0 * wind * scale)) ** 0.3


@compiled
def depth_aloft(time: float, sigma_w: float, release: float, n: float) -> float:
    """Elevated part of the vertical spread in stable air. [m] (eq. 83)"""
    path = sigma_w * time
    return path / math.sqrt(1.0 + path * (1.0 / (0.72 * release) + n / (0.54 * sigma_w)))


@compiled
def depth_at_ground(x: float, wind: float, friction: float, obukhov: float) -> float:
    """Surface part of the vertical spread in stable air. [m] (eq. 84)"""
    return math.sqrt(2.0 / math.pi) * friction * x / wind * (1.0 + 0.7 * x / obukhov) ** (-1.0 / 3.0)


@compiled
def depth_in_stable(
    x: float, wind: float, sigma_w: float, gradient: float, theta: float, stack: float, height: float, hour: Float
) -> float:
    """Vertical spread by turbulence in stable air, or above the lid in convective air. [m] (eq. 79)"""
    lid = hour[LID]
    aloft = depth_aloft(x / wind, sigma_w, max(stack, height, 1e-4), frequency(gradient, theta))
    if height >= lid:
        return aloft
    ground = depth_at_ground(x, wind, hour[FRICTION], hour[OBUKHOV]) if hour[STABLE] != 0.0 else 0.0
    share = height / lid
    return (1.0 - share) * ground + share * aloft


@compiled
def effective_lid(
    x: float, height: float, induced: float, stack: float, hour: Float, levels: Float, profile: Float
) -> float:
    """Height at which a plume in or above stable air is reflected. [m] (eq. 68)"""
    k = cell_of(height, levels)
    wind, _, sigma_w = held(
        between(k, height, levels, profile[WIND]), LEAST_SIGMA_V, between(k, height, levels, profile[SIGMA_W])
    )
    gradient = between(k, height, levels, profile[GRADIENT])
    theta = between(k, height, levels, profile[THETA])
    own = depth_in_stable(x, wind, sigma_w, gradient, theta, stack, height, hour)
    return max(hour[LID], height + HALF_DEPTH * math.sqrt(induced * induced + own * own))


@compiled
def up_and_down(sigma_w: float, centre: float, hour: Float) -> tuple[float, float]:
    """Mean speeds of updraft and downdraft over w* (eqs. 62-64)."""
    skewness = 0.125 * min(10.0 * centre / hour[LID], 1.0) * hour[CONVECTIVE] ** 3 / sigma_w**3
    alpha, beta = 5.0 / 13.0, 5.0  # R = 2
    root = math.sqrt((alpha * skewness) ** 2 + 4.0 / beta)
    ratio = 0.5 * sigma_w / hour[CONVECTIVE]
    return ratio * (alpha * skewness + root), ratio * (alpha * skewness - root)


@compiled
def depths_in_convective(
    x: float, wind: float, up: float, down: float, centre: float, induced: float, hour: Float
) -> tuple[float, float]:
    """Vertical spreads of the updraft and the downdraft part. [m] (eqs. 85-87)"""
    share = 10.0 * centre / hour[LID]
    ground, alpha = 0.0, 1.0
    if share < 1.0:
        ground = 0.5 * (1.0 - share) * (hour[FRICTION] / wind) ** 2 * x * x / abs(hour[OBUKHOV])
        alpha = 0.6 + 0.4 * share
    reach = alpha * 2.0 * hour[CONVECTIVE] * x / wind
    rest = ground * ground + induced * induced
    return math.sqrt((reach * up) ** 2 + rest), math.sqrt((reach * down) ** 2 + rest)
