"""Compiled ladders: the table of a plume once more, on rungs that a distance finds without a logarithm.

The sum over an area asks its table a dozen times a receptor. A logarithm, a search among the parts of the table and an
exponential each time would be most of its cost; here the bits of a distance are its place: `RUNGS` even steps between
a power of two and the next. Between two rungs stand the cubics of value and slope at both, which keep within 1e-5 of
the table they are made from (tests/physics/steady/test_area.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic
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
)

Float = NDArray[np.float64]
Int = NDArray[np.int64]

RUNG_BITS = 5
RUNGS = 1 << RUNG_BITS
"""Between a distance and twice it."""
SHIFT = 52 - RUNG_BITS
"""Bits of a float behind those that tell its rung."""
BEHIND = (1 << SHIFT) - 1
WHOLE = 1.0 / (1 << SHIFT)
BIAS = 1023
"""Of the exponent of a float."""
OVER_TWO = np.log1p(np.arange(RUNGS) / RUNGS)
"""Logarithm of a rung over the power of two below it."""
LN_2 = math.log(2.0)

# Columns of a rung: four coefficients each, of the density and of one over sigma-y.
DENSE, NARROW = 0, 4
LADDER_COLUMNS = 8

NORMAL_CELLS = 32
"""Of the normal distribution, a sigma."""
NORMAL_END = 6
"""Beyond so many sigmas nothing is left."""


def normal_cells() -> Float:
    """Cubics through the values and slopes of the normal distribution, one a cell from -`NORMAL_END` on."""
    z = np.arange(-NORMAL_END * NORMAL_CELLS, NORMAL_END * NORMAL_CELLS + 1) / NORMAL_CELLS
    value = np.array([0.5 * math.erfc(-place / math.sqrt(2.0)) for place in z])
    slope = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / NORMAL_CELLS
    rise = np.diff(value)
    bend = 3.0 * rise - 2.0 * slope[:-1] - slope[1:], slope[:-1] + slope[1:] - 2.0 * rise
    return np.stack([value[:-1], slope[:-1], *bend], axis=1)


NORMAL = normal_cells()


@compiled
def normal(z: float) -> float:
    """The normal distribution, within 4e-9."""
    place = (min(max(z, -NORMAL_END), NORMAL_END - 1e-9) + NORMAL_END) * NORMAL_CELLS
    k = int(place)
    w = place - k
    return float(NORMAL[k, 0] + w * (NORMAL[k, 1] + w * (NORMAL[k, 2] + w * NORMAL[k, 3])))


def _see_bits(context: Any, number: Any) -> Any:
    """Type and code of `bits_of`, as numba asks for them."""

    def same(of: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.bitcast(given[0], of.get_value_type(signature.return_type))

    return types.int64(types.float64), same


bits_of = cast(Callable[[float], int], intrinsic(_see_bits))
"""The bits of a float, as an integer."""


@compiled
def rung_of(u: float) -> tuple[int, float]:
    """Rung below a distance, counted from that of 1 m, and the share of the way to the next."""
    bits = bits_of(u)
    return (bits >> SHIFT) - (BIAS << RUNG_BITS), float(bits & BEHIND) * WHOLE


@compiled
def held_at(ladder: Float, column: int, k: int, w: float) -> float:
    """The density or one over sigma-y, at a share of the way from a rung to the next."""
    return float(
        ladder[k, column] + w * (ladder[k, column + 1] + w * (ladder[k, column + 2] + w * ladder[k, column + 3]))
    )


@compiled
def climb(axis: Float, parts: Float, count: int, first: int, ladder: Float) -> None:
    """Fill a ladder from a table along the wind; its first rung is the `first` counted from that of 1 m."""
    rungs, part = len(ladder), 0
    before = np.empty(4)  # density, its slope over the distance, the same of one over sigma-y: at the rung before
    for n in range(rungs + 1):
        octave, j = (first + n) >> RUNG_BITS, (first + n) & (RUNGS - 1)
        t = LN_2 * octave + OVER_TWO[j]
        while part < count - 1 and t > parts[part, PART_END]:
            part += 1
        place = (t - parts[part, PART_BEGIN]) * parts[part, PART_CELLS_PER]
        k = min(max(int(place) - 1, 0), int(parts[part, PART_NODES]) - 4)
        v = place - k
        k += int(parts[part, PART_FIRST])
        log_dense, growth = cubic_and_slope(axis, DIRECT, k, v)
        narrow, narrowing = cubic_and_slope(axis, DIRECT_NARROW, k, v)
        dense = math.exp(log_dense)
        scale = (
            parts[part, PART_CELLS_PER] / (1.0 + j / RUNGS) / RUNGS
        )  # of a cell of the table to a step, up from here
        growth, narrowing = dense * growth * scale, narrowing * scale
        if n > 0:
            twice = 2.0 if j == 0 else 1.0  # the step below a power of two is half of that above it
            lay_rung(ladder[n - 1], DENSE, before[0], before[1], dense, growth / twice)
            lay_rung(ladder[n - 1], NARROW, before[2], before[3], narrow, narrowing / twice)
        before[0], before[1], before[2], before[3] = dense, growth, narrow, narrowing


@compiled
def lay_rung(rung: Float, column: int, value: float, slope: float, next_value: float, next_slope: float) -> None:
    """Fill the coefficients of a cubic over a step from the values and slopes at both its ends."""
    rise = next_value - value
    rung[column], rung[column + 1] = value, slope
    rung[column + 2], rung[column + 3] = 3.0 * rise - 2.0 * slope - next_slope, slope + next_slope - 2.0 * rise


@compiled
def cubic_and_slope(axis: Float, column: int, k: int, v: float) -> tuple[float, float]:
    """A column of a table between four of its rows from `k` on, and its growth a row."""
    a, b, c = v - 1.0, v - 2.0, v - 3.0
    first, second, third, fourth = axis[k, column], axis[k + 1, column], axis[k + 2, column], axis[k + 3, column]
    value = (v * a * b * fourth - a * b * c * first) / 6.0 + 0.5 * (v * b * c * second - v * a * c * third)
    slope = (v * a + v * b + a * b) * fourth - (a * b + a * c + b * c) * first
    return value, slope / 6.0 + 0.5 * ((v * b + v * c + b * c) * second - (v * a + v * c + a * c) * third)
