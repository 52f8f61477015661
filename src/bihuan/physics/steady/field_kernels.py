"""Compiled loops over receptors: a look-up along the axis and a Gaussian across it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.axis_kernels import (
    DIRECT,
    DIRECT_NARROW,
    PART_BEGIN,
    PART_CELLS_PER,
    PART_END,
    PART_FIRST,
    PART_NODES,
    PENETRATED,
    PENETRATED_NARROW,
    RANDOM,
    SPREAD_OUT,
)

Float = NDArray[np.float64]
Int = NDArray[np.int64]

NEAREST = 1.0
"""Nearer than this to a source nothing is computed. [m] (as in the source)"""
NEGLIGIBLE = -50.0
"""Exponents below this count as none (as in the source)."""
NARROWEST = 1e9
"""A distance over its width beyond that of any plume."""
ROOM = 1.02
"""By how much a width between two rows may exceed both."""
NORMAL = 1.0 / math.sqrt(2.0 * math.pi)


@compiled
def cubic(t: float, parts: Float, count: int) -> tuple[int, float, float, float, float]:
    """First of four rows of a table around the logarithm `t` of a distance, and their Lagrange weights."""
    part = 0
    while part < count - 1 and t > parts[part, PART_END]:
        part += 1
    place = (t - parts[part, PART_BEGIN]) * parts[part, PART_CELLS_PER]
    k = min(max(int(place) - 1, 0), int(parts[part, PART_NODES]) - 4)
    u = place - k
    a, b, c = u - 1.0, u - 2.0, u - 3.0
    row = int(parts[part, PART_FIRST]) + k
    return row, -a * b * c / 6.0, 0.5 * u * b * c, -0.5 * u * a * c, u * a * b / 6.0


@compiled
def looked_up(axis: Float, column: int, k: int, a: float, b: float, c: float, d: float) -> float:
    """A column of a table between four of its rows."""
    return a * axis[k, column] + b * axis[k + 1, column] + c * axis[k + 2, column] + d * axis[k + 3, column]


@compiled
def add_plume(
    axis: Float, parts: Float, count: int, sine: float, cosine: float, east: float, north: float, nearest: float,
    penetrated: bool, chosen: Int, receptors: Float, out: Float,
) -> None:  # fmt: skip
    """Add a unit emission of a point or volume source under one wind to receptors.

    Parameters
    ----------
    axis : ndarray, shape (distances, 6)
    parts, count : ndarray, int
        Of the axis, as `lay_axis` fills them.
    sine, cosine : float
        Of the direction the wind blows from.
    east, north : float
        Of the source. [m]
    nearest : float
        Nearer receptors get nothing. [m]
    penetrated : bool
        Whether any of the plume went through the lid.
    chosen : ndarray of int64
        Which receptors have the height of this table.
    receptors : ndarray, shape (receptors, 3)
        East, north, height. [m]
    out : ndarray, shape (receptors,)
        Added to. [ug/m3 per g/s]
    """
    widest = fan(axis, parts, count, penetrated)
    for r in chosen:
        dx, dy = receptors[r, 0] - east, receptors[r, 1] - north
        squared = dx * dx + dy * dy
        if squared < nearest * nearest:
            continue
        k, a, b, c, d = cubic(0.5 * math.log(squared), parts, count)
        total = looked_up(axis, SPREAD_OUT, k, a, b, c, d)
        x = -(dx * sine + dy * cosine)
        y = dx * cosine - dy * sine
        if x >= NEAREST and abs(y) <= widest * x:
            weight = looked_up(axis, RANDOM, k, a, b, c, d)
            total += (1.0 - weight) * coherent(axis, parts, count, math.log(x), y * y, penetrated)
        out[r] += max(total, 0.0)


@compiled
def fan(axis: Float, parts: Float, count: int, penetrated: bool) -> float:
    """Crosswind offset over distance beyond which the coherent plume is negligible at any distance. [1]"""
    slimmest = NARROWEST
    for part in range(count):
        for k in range(int(parts[part, PART_NODES])):
            row = int(parts[part, PART_FIRST]) + k
            x = math.exp(parts[part, PART_BEGIN] + k / parts[part, PART_CELLS_PER])
            slimmest = min(slimmest, axis[row, DIRECT_NARROW] * x)
            if penetrated:
                slimmest = min(slimmest, axis[row, PENETRATED_NARROW] * x)
    return ROOM * math.sqrt(-2.0 * NEGLIGIBLE) / slimmest


@compiled
def coherent(axis: Float, parts: Float, count: int, t: float, y2: float, penetrated: bool) -> float:
    """Concentration of the coherent plume at a distance and the square of a crosswind offset (eq. 69)."""
    if t < parts[0, PART_BEGIN]:  # a receptor so near across the wind that the plume has no width there yet
        return 0.0
    k, a, b, c, d = cubic(t, parts, count)
    narrow = looked_up(axis, DIRECT_NARROW, k, a, b, c, d)
    across = -0.5 * y2 * narrow * narrow
    total = 0.0
    if across > NEGLIGIBLE:
        total = narrow * math.exp(looked_up(axis, DIRECT, k, a, b, c, d) + across)
    if penetrated:
        narrow = looked_up(axis, PENETRATED_NARROW, k, a, b, c, d)
        across = -0.5 * y2 * narrow * narrow
        if across > NEGLIGIBLE:
            total += narrow * math.exp(looked_up(axis, PENETRATED, k, a, b, c, d) + across)
    return NORMAL * total
