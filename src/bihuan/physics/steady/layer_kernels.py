"""Compiled steps from a profile to the means of the layer that carries a plume (section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.profile_kernels import SIGMA_V, SIGMA_W, WIND

Float = NDArray[np.float64]

LEAST_SIGMA_V = 0.2
"""[m/s] (section 4.1.6.1)"""
LEAST_INTENSITY = 0.05
"""Least sigma-v over wind speed (as in the source)."""
LEAST_SIGMA_W = 0.02
"""[m/s] (as in the source)"""
LEAST_WIND = 0.2828
"""Of effective winds, the root of twice `LEAST_SIGMA_V` squared. [m/s] (as in the source)"""
HALF_DEPTH = 2.15
"""Half depth of a plume in sigma-z (eq. 43)."""


@compiled
def cell_of(z: float, levels: Float) -> int:
    """Place of the level at or below `z`."""
    below, above = 0, len(levels) - 1
    while above - below > 1:
        middle = (below + above) >> 1
        if levels[middle] <= z:
            below = middle
        else:
            above = middle
    return below


@compiled
def between(k: int, z: float, levels: Float, values: Float) -> float:
    """Linear interpolation in cell `k`."""
    return values[k] + (z - levels[k]) / (levels[k + 1] - levels[k]) * (values[k + 1] - values[k])


@compiled
def layer_mean(low: float, high: float, k_low: int, k_high: int, levels: Float, values: Float, sums: Float) -> float:
    """Mean of a piecewise linear profile between two heights (eq. 42); `sums` is its integral up to each level."""
    if high - low < 1e-6:
        return between(k_low, low, levels, values)
    top = sums[k_high] + 0.5 * (high - levels[k_high]) * (values[k_high] + between(k_high, high, levels, values))
    foot = sums[k_low] + 0.5 * (low - levels[k_low]) * (values[k_low] + between(k_low, low, levels, values))
    return (top - foot) / (high - low)


@compiled
def held(wind: float, sigma_v: float, sigma_w: float) -> tuple[float, float, float]:
    """Effective parameters with their least values."""
    return max(wind, LEAST_WIND), max(sigma_v, LEAST_SIGMA_V, LEAST_INTENSITY * wind), max(sigma_w, LEAST_SIGMA_W)


@compiled
def layer_of(centre: float, sigma: float, z: float, lid: float, shallow: bool) -> tuple[float, float]:
    """Bottom and top of the layer whose means carry the plume to the receptor (eq. 43)."""
    if shallow and centre <= 5.0 and z <= 5.0:  # near the ground the lowest 5 m (as in the source)
        low, high = 0.0, min(5.0, lid)
    elif centre > z:
        low, high = max(centre - HALF_DEPTH * sigma, z), centre
    else:
        low, high = centre, min(centre + HALF_DEPTH * sigma, z)
    return max(low, 0.5), max(high, 0.51)


@compiled
def means_of(low: float, high: float, levels: Float, profile: Float, sums: Float) -> tuple[float, float, float]:
    """Effective wind, sigma-v and sigma-w of a layer, with their least values."""
    a, b = cell_of(low, levels), cell_of(high, levels)
    return held(
        layer_mean(low, high, a, b, levels, profile[WIND], sums[WIND]),
        layer_mean(low, high, a, b, levels, profile[SIGMA_V], sums[SIGMA_V]),
        layer_mean(low, high, a, b, levels, profile[SIGMA_W], sums[SIGMA_W]),
    )


@compiled
def values_at(z: float, levels: Float, profile: Float) -> tuple[float, float, float]:
    """Wind, sigma-v and sigma-w at a height, with their least values."""
    k = cell_of(z, levels)
    return held(
        between(k, z, levels, profile[WIND]),
        between(k, z, levels, profile[SIGMA_V]),
        between(k, z, levels, profile[SIGMA_W]),
    )
