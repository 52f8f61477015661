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
from bihuan.physics.steady.axis_kernels import (
    DIRECT_NARROW,
    PART_BEGIN,
    PART_CELLS_PER,
    PART_FIRST,
    PART_NODES,
)
from bihuan.physics.steady.field_kernels import NARROWEST, ROOM
from bihuan.physics.steady.ladder_kernels import DENSE, LADDER_COLUMNS, NARROW, climb, held_at, normal, rung_of

Float = NDArray[np.float64]
Int = NDArray[np.int64]
NEAREST = 1.01
"""Nearer than this along the wind an area adds nothing. [m] (as in the source)"""
ASIDE = 5.0
"""Widths beside an area after which it adds nothing (as in the source)."""
PANEL = 2.0
"""Farthest over nearest distance of a piece of the integral, at most."""
TURN = 2.5
"""Sigmas by which the ends of a chord may move across the plume within a piece."""
DEEPEST = 24
"""Most halvings of a panel."""
FEWER = ((2, 0.2, 0.6), (3, 0.5, 1.5))
"""Points that do for pieces of at most such a length (over their middle) and so many sigmas; else there are four."""
ABSCISSAS = np.array(
    [
        [0.211324865405187118, 0.788675134594812882, 0.0, 0.0],
        [0.112701665379258311, 0.5, 0.887298334620741689, 0.0],
        [0.069431844202973712, 0.330009478207571868, 0.669990521792428132, 0.930568155797026288],
    ]
)
WEIGHTS = np.array(
    [
        [0.5, 0.5, 0.0, 0.0],
        [0.277777777777777778, 0.444444444444444444, 0.277777777777777778, 0.0],
        [0.173927422568726929, 0.326072577431273071, 0.326072577431273071, 0.173927422568726929],
    ]
)
"""Gauss-Legendre of two, three and four points."""
# Columns of a strip: where it begins and ends along the wind, and offset across the wind at distance 0 and growth with
# distance of both its sides.
BEGIN, END, LEFT, LEFT_SLOPE, RIGHT, RIGHT_SLOPE = range(6)
STRIP_COLUMNS = 6


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

    Notes
    -----
    The wind cuts the ring into strips once, seen from its first corner; for a receptor they are only moved.
    """
    corners = len(ring)
    along, across = np.empty(corners), np.empty(corners)
    for k in range(corners):
        dx, dy = ring[0, 0] - ring[k, 0], ring[0, 1] - ring[k, 1]
        along[k] = -(dx * sine + dy * cosine)
        across[k] = dx * cosine - dy * sine
    strips = np.empty((corners * corners // 2, STRIP_COLUMNS))
    count_of_strips = cut_ring(along, across, strips)
    first, last, left, right = along.min(), along.max(), across.min(), across.max()
    widest = fan_of_area(axis, parts, count)
    near, far = seen_between(first, last, left, right, widest, sine, cosine, ring, chosen, receptors)
    if far <= NEAREST:
        return
    lowest, highest = rung_of(near)[0], rung_of(far)[0]
    ladder, ends = np.empty((highest - lowest + 1, LADDER_COLUMNS)), np.empty((DEEPEST, 2))
    climb(axis, parts, count, lowest, ladder)
    for r in chosen:
        dx, dy = receptors[r, 0] - ring[0, 0], receptors[r, 1] - ring[0, 1]
        away, aside = -(dx * sine + dy * cosine), dx * cosine - dy * sine
        farthest, off = away + last, max(aside + left, -(aside + right))
        if farthest <= NEAREST or off > widest * farthest or off * narrowness(ladder, lowest, farthest) > ASIDE:
            continue
        total = 0.0
        for place in range(count_of_strips):
            begin, end, a, slope_a, b, slope_b = strips[place]
            near, far = max(away + begin, NEAREST), away + end
            if far - near > 1e-9:
                a, b = aside + a - away * slope_a, aside + b - away * slope_b
                total += strip(ladder, lowest, a, slope_a, b, slope_b, near, far, ends)
        out[r] += total / area


@compiled
def cut_ring(along: Float, across: Float, strips: Float) -> int:
    """Cut a ring, convex or not, along the wind at each of its corners, and count the strips."""
    corners, count = len(along), 0
    offsets, sides = np.empty(corners), np.empty(corners, np.int64)
    ranks = in_order(along)
    for place in range(corners - 1):
        begin, end = along[ranks[place]], along[ranks[place + 1]]
        middle, met = 0.5 * (begin + end), 0
        for k in range(corners if end - begin > 1e-9 else 0):
            m = k + 1 if k + 1 < corners else 0
            if (along[k] > middle) != (along[m] > middle):
                slope = (across[m] - across[k]) / (along[m] - along[k])
                offsets[met], sides[met] = across[k] + (middle - along[k]) * slope, k
                met += 1
        across_in_order = in_order(offsets[:met])
        for pair in range(met // 2):
            strips[count, BEGIN], strips[count, END] = begin, end
            for side in range(2):
                k = sides[across_in_order[2 * pair + side]]
                m = k + 1 if k + 1 < corners else 0
                slope = (across[m] - across[k]) / (along[m] - along[k])
                strips[count, LEFT + 2 * side] = across[k] - along[k] * slope
                strips[count, LEFT_SLOPE + 2 * side] = slope
            count += 1
    return count


@compiled
def in_order(values: Float) -> Int:
    """Places of a few values from the smallest on (numpy's sort costs seconds to compile)."""
    places = np.empty(len(values), np.int64)
    for k in range(len(values)):
        at = k
        while at > 0 and values[places[at - 1]] > values[k]:
            places[at] = places[at - 1]
            at -= 1
        places[at] = k
    return places


@compiled
def fan_of_area(axis: Float, parts: Float, count: int) -> float:
    """Offset across the wind over distance beyond which an area adds nothing at any distance. [1]"""
    slimmest = NARROWEST
    for part in range(count):
        x, growth = math.exp(parts[part, PART_BEGIN]), math.exp(1.0 / parts[part, PART_CELLS_PER])
        row = int(parts[part, PART_FIRST])
        for k in range(row, row + int(parts[part, PART_NODES])):
            slimmest = min(slimmest, axis[k, DIRECT_NARROW] * x)
            x *= growth
    return ROOM * ASIDE / slimmest


@compiled
def seen_between(
    first: float, last: float, left: float, right: float, widest: float, sine: float, cosine: float, ring: Float,
    chosen: Int, receptors: Float,
) -> tuple[float, float]:  # fmt: skip
    """Nearest and farthest distance at which any receptor within the fan sees an area, 0 m if none does."""
    nearest, farthest = math.inf, 0.0
    for r in chosen:
        dx, dy = receptors[r, 0] - ring[0, 0], receptors[r, 1] - ring[0, 1]
        away, aside = -(dx * sine + dy * cosine), dx * cosine - dy * sine
        far = away + last
        if far > NEAREST and max(aside + left, -(aside + right)) <= widest * far:
            nearest, farthest = min(nearest, away + first), max(farthest, far)
    return max(nearest, NEAREST), farthest


@compiled
def strip(
    ladder: Float, lowest: int, a: float, slope_a: float, b: float, slope_b: float, near: float, far: float, ends: Float
) -> float:
    """The integral between two distances and two straight sides: offset at distance 0, growth with distance.

    What is too long, or turns too far across the plume, is cut until it does not; what no plume meets is left out.
    `ends` is room for the far ends of halves that wait: distance, one over sigma-y.
    """
    total, narrow = 0.0, narrowness(ladder, lowest, near)
    while near < far:
        panel = far  # what is left, in panels of the same shape as far as it goes
        if far > PANEL * near:
            panel = PANEL * near if far > PANEL * PANEL * near else math.sqrt(near * far)
        ends[0, 0], ends[0, 1], waiting = panel, narrowness(ladder, lowest, panel), 1
        while waiting > 0:
            end, then = ends[waiting - 1, 0], ends[waiting - 1, 1]
            turns = turned(
                (a + near * slope_a) * narrow, (a + end * slope_a) * then,
                (b + near * slope_b) * narrow, (b + end * slope_b) * then,
            )  # fmt: skip
            if turns > TURN and waiting < DEEPEST:
                half = 0.5 * (near + end)
                ends[waiting, 0], ends[waiting, 1] = half, narrowness(ladder, lowest, half)
                waiting += 1
                continue
            if turns >= 0.0:
                total += piece_of(ladder, lowest, a, slope_a, b, slope_b, near, end, turns)
            near, narrow, waiting = end, then, waiting - 1
    return total


@compiled
def turned(a: float, a_then: float, b: float, b_then: float) -> float:
    """By how many sigmas two sides move where they are within the plume; -1 if the plume does not pass between them.

    Offsets of both at the near and at the far end. [sigmas]
    """
    low, low_then = min(max(a, -ASIDE), ASIDE), min(max(a_then, -ASIDE), ASIDE)
    high, high_then = min(max(b, -ASIDE), ASIDE), min(max(b_then, -ASIDE), ASIDE)
    if low == high and low_then == high_then and low == low_then:
        return -1.0
    return max(abs(a_then - a) if low != low_then else 0.0, abs(b_then - b) if high != high_then else 0.0)


@compiled
def enough(length: float, turns: float) -> int:
    """How many points a piece needs, by its length (of its distance) and the sigmas that its sides move."""
    for points, longest, widest in FEWER:
        if length <= longest and turns <= widest:
            return points
    return 4


@compiled
def piece_of(
    ladder: Float, lowest: int, a: float, slope_a: float, b: float, slope_b: float, near: float, far: float,
    turns: float,
) -> float:  # fmt: skip
    """Gauss-Legendre over a piece, denser towards its near end as a logarithm is.

    The distance is a quadratic of the variable, whose slopes at the ends are to each other as the distances are. Each
    distance adds the table times the share of the plume between the sides.
    """
    span = far - near
    slow = 2.0 * near / (near + far)  # slope at the near end, over the span
    points = enough(2.0 * span / (near + far), turns)
    total = 0.0
    for point in range(points):
        s = ABSCISSAS[points - 2, point]
        u = near + span * s * (slow + (1.0 - slow) * s)
        k, w = rung_of(u)
        narrow = held_at(ladder, NARROW, k - lowest, w)
        share = normal((b + u * slope_b) * narrow) - normal((a + u * slope_a) * narrow)
        dense = WEIGHTS[points - 2, point] * (slow + 2.0 * (1.0 - slow) * s) * held_at(ladder, DENSE, k - lowest, w)
        total += max(dense, 0.0) * share
    return total * span


@compiled
def narrowness(ladder: Float, lowest: int, u: float) -> float:
    """One over sigma-y at a distance. [1/m]"""
    k, w = rung_of(u)
    return held_at(ladder, NARROW, k - lowest, w)
