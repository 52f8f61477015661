"""Compiled integrals over areas: the table along the wind times the chord that the wind cuts from the area.

Seen from a receptor, an area between the distances u1 and u2 upwind adds the integral of
A(u) [Phi(v2(u) / sigma-y(u)) - Phi(v1(u) / sigma-y(u))] du, where A is the table of a unit emission without its
crosswind term, v1 and v2 are the ends of the chord, and Phi is the normal distribution (section 5.7).
Areas carry no meander.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.axis_kernels import DIRECT
from bihuan.physics.steady.field_kernels import cubic, looked_up

Float = NDArray[np.float64]
Int = NDArray[np.int64]

NEAREST = 1.01
"""Nearer than this along the wind an area adds nothing. [m] (as in the source)"""
ASIDE = 5.0
"""Widths beside an area after which it adds nothing (as in the source)."""
PANEL = 0.7
"""Longest panel of the integral, in the logarithm of the distance."""
TURN = 2.0
"""Sigmas by which the ends of a chord may move across the plume within a panel."""
ABSCISSAS = np.array([0.069431844202973712, 0.330009478207571868, 0.669990521792428132, 0.930568155797026288])
WEIGHTS = np.array([0.173927422568726929, 0.326072577431273071, 0.326072577431273071, 0.173927422568726929])


@compiled
def add_area(
    axis: Float, parts: Float, count: int, sine: float, cosine: float, ring: Float, area: float, chosen: Int,
    receptors: Float, out: Float,
) -> None:  # fmt: skip
    """Add an area of unit emission under one wind to receptors.

    Parameters
    ----------
    axis, parts, count, sine, cosine, chosen, receptors, out
        As in `field_kernels.add_plume`.
    ring : ndarray, shape (vertices, 2)
        Its corners in order, east and north, the first not repeated. [m]
    area : float
        [m2]
    """
    corners = len(ring)
    along, across = np.empty(corners), np.empty(corners)
    order = np.empty(corners + 1)
    for r in chosen:
        nearest, farthest, left, right = np.inf, -np.inf, np.inf, -np.inf
        for k in range(corners):
            dx, dy = receptors[r, 0] - ring[k, 0], receptors[r, 1] - ring[k, 1]
            along[k] = -(dx * sine + dy * cosine)
            across[k] = dx * cosine - dy * sine
            nearest, farthest = min(nearest, along[k]), max(farthest, along[k])
            left, right = min(left, across[k]), max(right, across[k])
        if farthest <= NEAREST:
            continue
        if left > 0.0 or right < 0.0:
            k, a, b, c, d = cubic(math.log(farthest), parts, count)
            widest = math.exp(looked_up(axis, DIRECT + 1, k, a, b, c, d))
            if max(left, -right) > ASIDE * widest:
                continue
        pieces = sorted_within(along, max(nearest, NEAREST), order)
        total = 0.0
        for piece in range(pieces - 1):
            if order[piece + 1] - order[piece] > 1e-9:
                total += strip(axis, parts, count, along, across, order[piece], order[piece + 1])
        out[r] += total / area


@compiled
def sorted_within(along: Float, least: float, order: Float) -> int:
    """Put `least` and the distances beyond it into `order`, ascending, and return how many there are."""
    order[0], count = least, 1
    for k in range(len(along)):
        if along[k] <= least:
            continue
        place = count
        while place > 0 and order[place - 1] > along[k]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = along[k]
        count += 1
    return count


@compiled
def strip(axis: Float, parts: Float, count: int, along: Float, across: Float, near: float, far: float) -> float:
    """The integral between two distances within which the ends of the chords run straight."""
    begin, length = math.log(near), math.log(far / near)
    panels = max(math.ceil(length / PANEL), 1)
    step = length / panels
    total, narrow = 0.0, narrowness(axis, parts, count, begin)
    for panel in range(panels):
        at, before = begin + panel * step, narrow
        narrow = narrowness(axis, parts, count, at + step)
        u = math.exp(at)
        turns = turned(along, across, u * (1.0 + 1e-12), u * math.exp(step) * (1.0 - 1e-12), before, narrow)
        if turns < 0.0:
            continue
        pieces = max(math.ceil(turns / TURN), 1)
        for piece in range(pieces):
            total += gauss(axis, parts, count, along, across, at + piece * step / pieces, step / pieces)
    return total


@compiled
def narrowness(axis: Float, parts: Float, count: int, t: float) -> float:
    """One over sigma-y at the logarithm `t` of a distance. [1/m]"""
    k, a, b, c, d = cubic(t, parts, count)
    return math.exp(-looked_up(axis, DIRECT + 1, k, a, b, c, d))


@compiled
def turned(along: Float, across: Float, near: float, far: float, narrow_near: float, narrow_far: float) -> float:
    """By how many sigmas the ends of the chords move across the plume between two distances; -1 if none meets it."""
    most, corners, sides = 0.0, len(along), 0.0
    for k in range(corners):
        m = k + 1 if k + 1 < corners else 0
        if (along[k] > near) == (along[m] > near):
            continue
        slope = (across[m] - across[k]) / (along[m] - along[k])
        a = min(max((across[k] + (near - along[k]) * slope) * narrow_near, -ASIDE), ASIDE)
        b = min(max((across[k] + (far - along[k]) * slope) * narrow_far, -ASIDE), ASIDE)
        most = max(most, abs(b - a))
        sides += a if along[m] > along[k] else -a
    return -1.0 if most == 0.0 and abs(sides) < 1e-9 else most


@compiled
def gauss(axis: Float, parts: Float, count: int, along: Float, across: Float, begin: float, length: float) -> float:
    """Four-point Gauss-Legendre in the logarithm of the distance."""
    total = 0.0
    for point in range(4):
        t = begin + ABSCISSAS[point] * length
        u = math.exp(t)
        k, a, b, c, d = cubic(t, parts, count)
        scale = math.sqrt(0.5) * math.exp(-looked_up(axis, DIRECT + 1, k, a, b, c, d))
        share = covered(along, across, u, scale)
        if share > 1e-12:
            total += WEIGHTS[point] * length * u * share * math.exp(looked_up(axis, DIRECT, k, a, b, c, d))
    return total


@compiled
def covered(along: Float, across: Float, u: float, scale: float) -> float:
    """Share of a plume's width that the area takes at distance `u`, summed over its sides (any ring, convex or not)."""
    total, corners = 0.0, len(along)
    for k in range(corners):
        m = k + 1 if k + 1 < corners else 0
        if (along[k] > u) != (along[m] > u):
            v = across[k] + (u - along[k]) / (along[m] - along[k]) * (across[m] - across[k])
            side = 0.5 * math.erf(v * scale)
            total += side if along[m] > along[k] else -side
    return abs(total)
