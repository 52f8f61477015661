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
from bihuan.physics.steady.axis_kernels import DIRECT, DIRECT_NARROW
from bihuan.physics.steady.field_kernels import cubic, looked_up

Float = NDArray[np.float64]
Int = NDArray[np.int64]

NEAREST = 1.01
"""Nearer than this along the wind an area adds nothing. [m] (as in the source)"""
ASIDE = 5.0
"""Widths beside an area after which it adds nothing (as in the source)."""
PANEL = 0.7
"""Longest panel of the integral, in the logarithm of the distance."""
TURN = 3.2
"""Sigmas by which the ends of a chord may move across the plume within a piece of a panel."""
DEEPEST = 24
"""Most halvings of a strip."""
FEWER = ((2, 0.3, 1.0), (3, 0.6, 2.0))
"""Points that do for pieces of at most such a length (in the logarithm) and so many sigmas; else there are four."""
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
SHORT = 0.35
"""Longest area, of its distance, whose strips are integrated over the distance itself and not its logarithm."""
BASE, SLOPE, SIGN = range(3)
"""Columns of a strip's sides: offset across the wind at distance 0, its growth with distance, and which end it is."""

NORMAL_STEP = 0.02
NORMAL_END = 6.0
NORMAL = np.array([0.5 * math.erfc(-(row - 301) * NORMAL_STEP / math.sqrt(2.0)) for row in range(603)])
"""The normal distribution from -6.02 to 6.02: a cubic through four of its rows errs by less than 3e-9."""


@compiled
def normal(z: float) -> float:
    """The normal distribution, within 3e-9."""
    if z <= -NORMAL_END:
        return 0.0
    if z >= NORMAL_END:
        return 1.0
    place = z / NORMAL_STEP + 301.0
    k = int(place) - 1
    u = place - k
    a, b, c = u - 1.0, u - 2.0, u - 3.0
    ends = u * a * b * NORMAL[k + 3] - a * b * c * NORMAL[k]
    return float(ends / 6.0 + 0.5 * (u * b * c * NORMAL[k + 1] - u * a * c * NORMAL[k + 2]))


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
    order = np.sort(along)
    sides, met = np.empty((corners - 1, corners, 3)), np.empty(corners - 1, np.int64)
    for place in range(corners - 1):
        met[place] = sides_between(along, across, order[place], order[place + 1], sides[place])
    left, right = across.min(), across.max()
    ends = np.empty((DEEPEST, 3))
    for r in chosen:
        dx, dy = receptors[r, 0] - ring[0, 0], receptors[r, 1] - ring[0, 1]
        away, aside = -(dx * sine + dy * cosine), dx * cosine - dy * sine
        nearest, farthest = max(away + order[0], NEAREST), away + order[corners - 1]
        if farthest <= NEAREST:
            continue
        narrow = narrowness(axis, parts, count, math.log(farthest))
        if max(aside + left, -(aside + right)) * narrow > ASIDE:
            continue
        if farthest < (1.0 + SHORT) * nearest:
            out[r] += far_area(axis, parts, count, order, sides, met, away, aside, nearest, narrow) / area
        else:
            out[r] += near_area(axis, parts, count, order, sides, met, away, aside, nearest, ends) / area


@compiled
def sides_between(along: Float, across: Float, near: float, far: float, sides: Float) -> int:
    """Fill `sides` with those that chords between two distances end on (any ring, convex or not), and count them."""
    corners, count, middle = len(along), 0, 0.5 * (near + far)
    for k in range(corners):
        m = k + 1 if k + 1 < corners else 0
        if (along[k] > middle) != (along[m] > middle):
            slope = (across[m] - across[k]) / (along[m] - along[k])
            sides[count, BASE], sides[count, SLOPE] = across[k] - along[k] * slope, slope
            sides[count, SIGN] = 1.0 if along[m] > along[k] else -1.0
            count += 1
    return count


@compiled
def far_area(
    axis: Float, parts: Float, count: int, order: Float, sides: Float, met: Int, away: float, aside: float,
    nearest: float, narrow: float,
) -> float:  # fmt: skip
    """The integral over an area that is short for its distance: few points in each of its strips.

    `narrow` is one over sigma-y at its far end, so `SHORT` more at its near end at most. [1/m]
    """
    total = 0.0
    for place in range(len(met)):
        near, far = max(away + order[place], nearest), away + order[place + 1]
        if not far - near > 1e-9:
            continue
        length, steepest = (far - near) / nearest, 0.0
        for k in range(met[place]):
            steepest = max(steepest, abs(sides[place, k, SLOPE]))
        # the ends move across the plume, and the plume widens: by its length times the sigmas that still count
        turns = (1.0 + SHORT) * steepest * (far - near) * narrow + 2.5 * length
        points = enough(length, turns)
        pieces = max(math.ceil(turns / TURN), 1)
        piece = (far - near) / pieces
        for step in range(pieces):
            for point in range(points):
                u = near + (step + ABSCISSAS[points - 2, point]) * piece
                found = slice_at(axis, parts, count, sides[place], met[place], away, aside, u, math.log(u))
                total += WEIGHTS[points - 2, point] * piece * found
    return total


@compiled
def near_area(
    axis: Float, parts: Float, count: int, order: Float, sides: Float, met: Int, away: float, aside: float,
    nearest: float, ends: Float,
) -> float:  # fmt: skip
    """The integral over an area that is long for its distance, in the logarithm of the distance."""
    total, narrow = 0.0, narrowness(axis, parts, count, math.log(nearest))
    for place in range(len(met)):
        near, far = max(away + order[place], nearest), away + order[place + 1]
        if far - near > 1e-9:
            part, narrow = strip(axis, parts, count, sides[place], met[place], away, aside, near, far, narrow, ends)
            total += part
    return total


@compiled
def enough(length: float, turns: float) -> int:
    """How many points a piece needs, by its length (of its distance) and the sigmas that its ends move."""
    for points, longest, widest in FEWER:
        if length <= longest and turns <= widest:
            return points
    return 4


@compiled
def strip(
    axis: Float, parts: Float, count: int, sides: Float, met: int, away: float, aside: float, near: float, far: float,
    narrow: float, ends: Float,
) -> tuple[float, float]:  # fmt: skip
    """The integral between two distances within which the ends of the chords run straight.

    What is too long, or turns too far across the plume, is halved until it does not; what no plume meets is left out.
    `narrow` is one over sigma-y at the near end; that of the far end is returned beside the integral. [1/m] `ends`
    is room for the far ends of halves that wait: logarithm, distance, narrowness.
    """
    t, u, total, waiting = math.log(near), near, 0.0, 1
    ends[0, 0], ends[0, 1] = math.log(far), far
    ends[0, 2] = narrowness(axis, parts, count, ends[0, 0])
    while waiting > 0:
        end = ends[waiting - 1]
        length = end[0] - t
        turns = turned(sides, met, away, aside, u, end[1], narrow, end[2])
        if turns >= 0.0 and (length > PANEL or turns > TURN) and waiting < DEEPEST:
            half = ends[waiting]
            half[0] = t + 0.5 * length
            half[1] = math.exp(half[0])
            half[2] = narrowness(axis, parts, count, half[0])
            waiting += 1
            continue
        if turns >= 0.0:
            total += piece_of(axis, parts, count, sides, met, away, aside, t, length, enough(length, turns))
        t, u, narrow, waiting = end[0], end[1], end[2], waiting - 1
    return total, narrow


@compiled
def piece_of(
    axis: Float, parts: Float, count: int, sides: Float, met: int, away: float, aside: float, t: float, length: float,
    points: int,
) -> float:  # fmt: skip
    """Gauss-Legendre over a piece in the logarithm of the distance."""
    total = 0.0
    for point in range(points):
        at = t + ABSCISSAS[points - 2, point] * length
        u = math.exp(at)
        total += WEIGHTS[points - 2, point] * u * slice_at(axis, parts, count, sides, met, away, aside, u, at)
    return total * length


@compiled
def narrowness(axis: Float, parts: Float, count: int, t: float) -> float:
    """One over sigma-y at the logarithm `t` of a distance. [1/m]"""
    k, a, b, c, d = cubic(t, parts, count)
    return looked_up(axis, DIRECT_NARROW, k, a, b, c, d)


@compiled
def turned(
    sides: Float, met: int, away: float, aside: float, near: float, far: float, narrow_near: float, narrow_far: float
) -> float:
    """By how many sigmas the ends of the chords move where they are within the plume; -1 if no chord meets it."""
    most, width = 0.0, 0.0
    for k in range(met):
        base, slope = aside + sides[k, BASE] - away * sides[k, SLOPE], sides[k, SLOPE]
        a, b = (base + near * slope) * narrow_near, (base + far * slope) * narrow_far
        held, kept = min(max(a, -ASIDE), ASIDE), min(max(b, -ASIDE), ASIDE)
        if held != kept:
            most = max(most, abs(b - a))
        width += held * sides[k, SIGN]
    return -1.0 if most == 0.0 and abs(width) < 1e-9 else most


@compiled
def slice_at(
    axis: Float, parts: Float, count: int, sides: Float, met: int, away: float, aside: float, u: float, t: float
) -> float:
    """What the chord at distance `u`, of logarithm `t`, adds a metre: the table times the share of the plume in it."""
    k, a, b, c, d = cubic(t, parts, count)
    narrow = looked_up(axis, DIRECT_NARROW, k, a, b, c, d)
    share = 0.0
    for place in range(met):
        v = aside + sides[place, BASE] + (u - away) * sides[place, SLOPE]
        share += sides[place, SIGN] * normal(v * narrow)
    share = abs(share)
    if share < 1e-9:
        return 0.0
    return share * math.exp(looked_up(axis, DIRECT, k, a, b, c, d))
