"""Compiled loops over receptors: a look-up along the axis and a Gaussian across it.

One file of its own, because numba's cache on disk watches only the file of the function it compiled.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.kernels import compiled

Float = NDArray[np.float64]

# Columns of a table along the axis, as `point_kernels` fills it.
DIRECT, DIRECT_WIDTH, PENETRATED, PENETRATED_WIDTH, SPREAD_OUT, RANDOM = range(6)

NEAREST = 1.0
"""Nearer than this to a source nothing is computed. [m] (as in the source)"""
NEGLIGIBLE = -50.0
"""Exponents below this count as none (as in the source)."""
NORMAL = 0.5 * math.log(2.0 * math.pi)


@compiled
def cubic(t: float, count: int) -> tuple[int, float, float, float, float]:
    """First of four nodes around place `t` of an even axis, and their Lagrange weights."""
    k = min(max(int(t) - 1, 0), count - 4)
    u = t - k
    a, b, c = u - 1.0, u - 2.0, u - 3.0
    return k, -a * b * c / 6.0, 0.5 * u * b * c, -0.5 * u * a * c, u * a * b / 6.0


@compiled
def add_source(
    axis: Float, begin: float, step: float, sine: float, cosine: float, rate: float,
    place: Float, chosen: NDArray[np.int64], east: Float, north: Float, out: Float,
) -> None:  # fmt: skip
    """Add one source under one wind to receptors.

    Parameters
    ----------
    axis : ndarray, shape (distances, 6)
    begin, step : float
        Logarithm of the first distance, and between distances.
    sine, cosine : float
        Of the direction the wind blows from.
    rate : float
        Emission. [g/s]
    place : ndarray, shape (2,)
        East and north of the source. [m]
    chosen : ndarray of int64
        Which receptors have the height of this table.
    east, north, out : ndarray
        Of all receptors; `out` is added to. [m, m, ug/m3]
    """
    count = len(axis)
    penetrated = axis[count // 2, PENETRATED] > -600.0 or axis[count - 1, PENETRATED] > -600.0
    for r in chosen:
        dx, dy = east[r] - place[0], north[r] - place[1]
        squared = dx * dx + dy * dy
        if squared < NEAREST * NEAREST:
            continue
        k, a, b, c, d = cubic((0.5 * math.log(squared) - begin) / step, count)
        total = (
            a * axis[k, SPREAD_OUT] + b * axis[k + 1, SPREAD_OUT]
            + c * axis[k + 2, SPREAD_OUT] + d * axis[k + 3, SPREAD_OUT]
        )  # fmt: skip
        x = -(dx * sine + dy * cosine)
        if x >= NEAREST:
            weight = a * axis[k, RANDOM] + b * axis[k + 1, RANDOM] + c * axis[k + 2, RANDOM] + d * axis[k + 3, RANDOM]
            y = dx * cosine - dy * sine
            total += (1.0 - weight) * coherent(axis, (math.log(x) - begin) / step, y * y, penetrated)
        out[r] += rate * max(total, 0.0)


@compiled
def coherent(axis: Float, t: float, y2: float, penetrated: bool) -> float:
    """Concentration of the coherent plume at a distance and the square of a crosswind offset (eq. 69)."""
    k, a, b, c, d = cubic(t, len(axis))
    total = 0.0
    for part in (DIRECT, PENETRATED):
        if part == PENETRATED and not penetrated:
            break
        wide = part + 1
        log_width = a * axis[k, wide] + b * axis[k + 1, wide] + c * axis[k + 2, wide] + d * axis[k + 3, wide]
        across = -0.5 * y2 * math.exp(-2.0 * log_width)
        if across > NEGLIGIBLE:
            height = a * axis[k, part] + b * axis[k + 1, part] + c * axis[k + 2, part] + d * axis[k + 3, part]
            total += math.exp(height + across - log_width - NORMAL)
    return total
