"""Many small least squares between bounds at once: coordinate sweeps over normal matrices.

A receptor model solves, for each of hundreds of samples and of each start, a quadratic of a few unknowns that may not
fall below a bound. One sweep minimises along every coordinate in turn, which never raises the objective and ends at
the optimum because each quadratic is convex (Franc, Hlavac and Navara 2005, "Sequential coordinate-wise algorithm for
the non-negative least squares problem", CAIP 2005).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled

Floats = NDArray[np.float64]


@compiled
def _unpack(packed: Floats, full: Floats) -> None:
    """Fill a symmetric matrix from its upper triangle."""
    at = 0
    for one in range(full.shape[0]):
        for other in range(one, full.shape[0]):
            full[one, other] = packed[at]
            full[other, one] = packed[at]
            at += 1


@compiled
def _sweep(full: Floats, slope: Floats, found: Floats, low: Floats, high: Floats) -> float:
    """Minimise along each coordinate once; keep the slope right; return what was gained."""
    gained = 0.0
    for one in range(found.shape[0]):
        curve = full[one, one]
        if curve <= 0.0:
            continue
        after = min(max(found[one] - slope[one] / curve, low[one]), high[one])
        moved = after - found[one]
        if moved != 0.0:
            gained -= moved * (2.0 * slope[one] + curve * moved)
            found[one] = after
            for other in range(found.shape[0]):
                slope[other] += full[other, one] * moved
    return gained


@compiled
def box_sweeps(
    normal: Floats, right: Floats, found: Floats, low: Floats, high: Floats, sweeps: int, tolerance: float
) -> Floats:
    """Minimise x'Ax - 2b'x between bounds for every row and start, in place.

    Parameters
    ----------
    normal : ndarray, shape (R, S, P)
        Upper triangles of A, row by row, P = K (K + 1) / 2.
    right : ndarray, shape (R, S, K)
        The vectors b; holds the slope Ax - b at the optimum afterwards.
    found : ndarray, shape (R, S, K)
        First guess; holds the optimum afterwards.
    low, high : ndarray, shape (R, S, K)
        Bounds; equal ones hold an unknown where it is.
    sweeps : int
        At most so many a row.
    tolerance : float
        A row is done when a sweep gained less than this share of what it has gained over all at zero.

    Returns
    -------
    ndarray, shape (S,)
        Sum of x'Ax - 2b'x over the rows of each start.
    """
    rows, starts, size = found.shape
    total = np.zeros(starts)
    full = np.empty((size, size))
    slope = np.empty(size)
    for row in range(rows):
        for start in range(starts):
            _unpack(normal[row, start], full)
            here = found[row, start]
            reach = 0.0
            for one in range(size):
                here[one] = min(max(here[one], low[row, start, one]), high[row, start, one])
            for one in range(size):
                slope[one] = -right[row, start, one]
                for other in range(size):
                    slope[one] += full[one, other] * here[other]
                reach += abs(right[row, start, one] * here[one])
            for _ in range(sweeps):
                if _sweep(full, slope, here, low[row, start], high[row, start]) <= tolerance * reach:
                    break
            for one in range(size):
                total[start] += here[one] * (slope[one] - right[row, start, one])
                right[row, start, one] = slope[one]
    return total


@compiled
def box_gains(normal: Floats, slope: Floats, found: Floats, low: Floats, high: Floats) -> Floats:
    """Return how much each start could still gain, each coordinate moved alone to its best place. It is nought exactly
    where the conditions of Karush, Kuhn and Tucker hold.

    Parameters
    ----------
    normal, found, low, high : ndarray
        As for `box_sweeps`.
    slope : ndarray, shape (R, S, K)
        Ax - b at `found`.

    Returns
    -------
    ndarray, shape (S,)
        In the unit of the objective.
    """
    rows, starts, size = found.shape
    total = np.zeros(starts)
    for row in range(rows):
        for start in range(starts):
            at = 0
            for one in range(size):
                curve = normal[row, start, at]
                at += size - one
                if curve > 0.0:
                    after = found[row, start, one] - slope[row, start, one] / curve
                    after = min(max(after, low[row, start, one]), high[row, start, one])
                    moved = after - found[row, start, one]
                    total[start] -= moved * (2.0 * slope[row, start, one] + curve * moved)
    return total
