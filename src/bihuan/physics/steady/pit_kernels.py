"""Compiled open pits: in an hour a pit is a smaller area at its upwind corner, and holds part of its dust back.

The formulation document is silent on pits; the forms are those of ISC3 (EPA-454/B-95-003b, section 1.2.4), which
AERMOD kept, details as in the source.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.state_kernels import DIAMETER

Float = NDArray[np.float64]
Int = NDArray[np.int64]

DROP = DIAMETER
"""Column of the table of sources in which a pit keeps how deep below its rim it emits. [m]"""
ESCAPE = 0.029
"""Upward speed in a pit over the wind at 10 m."""
WIND_AT = 10.0
"""Height of that wind. [m]"""
DEEP, LEAST = 0.2, 0.08
"""Relative depth from which on the effective area is smallest, and that share of the pit."""


@compiled
def effective_pit(ring: Float, drop: float, origin: float, out: Float) -> float:
    """Set `out` to the corners of the effective area for a wind from `origin` [radians]; return its share of the pit.

    The area lies at the corner that is farthest upwind. Both sides shrink, the one along the wind most.
    """
    first = math.hypot(ring[1, 0] - ring[0, 0], ring[1, 1] - ring[0, 1])
    second = math.hypot(ring[2, 0] - ring[1, 0], ring[2, 1] - ring[1, 1])
    axis = 0 if first >= second else 1
    bearing = math.atan2(ring[axis + 1, 0] - ring[axis, 0], ring[axis + 1, 1] - ring[axis, 1])
    angle = abs((origin - bearing + 0.5 * math.pi) % math.pi - 0.5 * math.pi)
    part = angle / (0.5 * math.pi)
    along = max(first, second) * (1.0 - part) + min(first, second) * part
    relative = drop / along
    share = LEAST if relative >= DEEP else math.sqrt(1.0 - 1.7 * relative ** (1.0 / 3.0))
    sine, cosine = math.sin(origin), math.cos(origin)
    corner, farthest = 0, -np.inf
    for k in range(4):
        upwind = ring[k, 0] * sine + ring[k, 1] * cosine
        if upwind > farthest + 1e-5:
            corner, farthest = k, upwind
    onward, back = (corner + 1) % 4, (corner + 3) % 4
    long_side = share ** (math.cos(angle) ** 2)
    short_side = share ** (1.0 - math.cos(angle) ** 2)
    onward_is_long = (corner % 2) == axis
    a = long_side if onward_is_long else short_side
    b = short_side if onward_is_long else long_side
    for k in range(2):
        u, v = a * (ring[onward, k] - ring[corner, k]), b * (ring[back, k] - ring[corner, k])
        out[0, k] = ring[corner, k]
        out[1, k] = ring[corner, k] + u
        out[2, k] = ring[corner, k] + u + v
        out[3, k] = ring[corner, k] + v
    return share


@compiled
def escaping(grains: Float, wind: float) -> float:
    """Share of a pit's emission that leaves it; `grains` has mass shares and settling velocities [m/s], none: gas."""
    if len(grains) == 0:
        return 1.0
    total = 0.0
    for k in range(len(grains)):
        total += grains[k, 0] / (1.0 + grains[k, 1] / (ESCAPE * wind))
    return total


@compiled
def within(ring: Float, east: float, north: float) -> bool:
    """Whether a place is inside a ring."""
    inside = False
    for k in range(len(ring)):
        m = k + 1 if k + 1 < len(ring) else 0
        if (ring[k, 1] > north) != (ring[m, 1] > north):
            at = ring[k, 0] + (north - ring[k, 1]) / (ring[m, 1] - ring[k, 1]) * (ring[m, 0] - ring[k, 0])
            if east < at:
                inside = not inside
    return inside


@compiled
def finish_pit(ring: Float, share: float, chosen: Int, receptors: Float, out: Float) -> None:
    """Leave receptors inside the pit without its plume, and let the others have what escapes."""
    for r in chosen:
        out[r] = 0.0 if within(ring, receptors[r, 0], receptors[r, 1]) else out[r] * share
