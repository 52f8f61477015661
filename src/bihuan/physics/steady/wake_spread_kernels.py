"""Compiled growth of a plume in the wake of a building (PRIME, see `wake_kernels`)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.layer_kernels import LEAST_INTENSITY, between, cell_of
from bihuan.physics.steady.profile_kernels import FRICTION, LID, MECHANICAL_LID, OBUKHOV, STABLE, THETA, URBAN, WIND
from bihuan.physics.steady.spread_kernels import depth_in_stable, squared_sum, width
from bihuan.physics.steady.wake_kernels import (
    CALM_V,
    CALM_W,
    FARTHEST,
    Site,
    Wake,
    length_of_stirring,
    stirred,
    wake_at,
)

Float = NDArray[np.float64]

STEP = 2.0
"""Of the growth in a wake. [m] (as in the source)"""
TOP_HAT = math.sqrt(2.0 * math.pi)
"""Width of an even distribution of the same peak, in sigma."""

# Columns of a table of spreads.
DEPTH, WIDTH, CAVITY_DEPTH, CAVITY_WIDTH = range(4)
SPREAD_COLUMNS = 4


class Spreads(NamedTuple):
    """A table of spreads along a wake, even in distance, and what is added in quadrature beyond it. [m]"""

    table: Float
    begin: float
    """Distance from the stack of the first row: the plume enters the wake."""
    step: float
    rows: int
    depth: float
    width: float
    cavity_begin: float
    cavity_depth: float
    cavity_width: float


@compiled
def height_at(x: float, path: Float) -> float:
    """Height of the plume at a distance from the stack; `path` has one a metre. [m]"""
    k = int(x)
    if x <= 0.0 or k >= len(path) - 1:
        return path[0] if x <= 0.0 else path[-1]
    return path[k] + (x - k) * (path[k + 1] - path[k])


@compiled
def outside_depth(x: float, z: float, site: Site) -> float:
    """Vertical spread at a distance from the stack by the turbulence outside the wake. [m] (eqs. 79-87)"""
    hour = site.hour
    if hour[STABLE] != 0.0:
        theta = between(cell_of(z, site.levels), z, site.levels, site.profile[THETA])
        gradient = 0.0 if hour[URBAN] != 0.0 else site.gradient
        return depth_in_stable(x, site.wind, site.sigma_w, gradient, theta, 0.0, z, hour)
    share = 10.0 * z / hour[LID]
    ground, alpha = 0.0, 1.0
    if share < 1.0:
        ground = 0.5 * (1.0 - share) * (hour[FRICTION] / site.wind) ** 2 * x * x / abs(hour[OBUKHOV])
        alpha = 0.6 + 0.4 * share
    return squared_sum(alpha * site.sigma_w * x / site.wind, ground)


@compiled
def outside_width(x: float, z: float, site: Site) -> float:
    """Lateral spread at a distance from the stack by the turbulence outside the wake. [m] (eqs. 76-78)"""
    hour = site.hour
    if hour[STABLE] != 0.0:
        return width(x, site.wind, site.sigma_v, z, hour[MECHANICAL_LID])
    spread = max(LEAST_INTENSITY, site.sigma_v / site.wind) * x
    return spread / (1.0 + max(78.0 * 0.46 / max(z, 0.46), 0.7) * spread / hour[LID]) ** 0.3


@compiled
def stirring_ends(site: Site) -> tuple[float, float]:
    """Distances from the windward face at which depth and width begin to grow as outside. [m]"""
    wake = site.wake
    last = wake.length + FARTHEST * wake.scale
    return (
        min(length_of_stirring(site.sigma_w / site.wind, CALM_W, wake), last),
        min(length_of_stirring(site.sigma_v / site.wind, CALM_V, wake), last),
    )


@compiled
def grown(begin: float, end: float, linear: float, size: float, held: float, vertical: bool, site: Site
) -> tuple[float, float]:  # fmt: skip
    """One step of a spread in the wake: with the turbulence up to `linear`, beyond by a diffusivity (Weil 1996).

    `held` is the size of the spread in the wake where it turned from one to the other, kept from step to step.
    """
    wake, middle = site.wake, 0.5 * (begin + end)
    high, wide = wake_at(end, wake)
    if vertical:
        intensity, room = stirred(middle, site.sigma_w / site.wind, CALM_W, wake), high
    else:
        intensity, room = stirred(middle, site.sigma_v / site.wind, CALM_V, wake), 2.0 * wide
    if end < linear:
        return size + (end - begin) * intensity, held
    if begin <= linear:
        size += (linear - begin) * intensity
        held = 2.0 * size / room
        begin = linear
    return math.sqrt(size * size + (end - begin) * held * intensity * room), held


@compiled
def fill_growth(
    column: Float, begin: float, step: float, start: float, linear: float, end: float, first: float, least: float,
    vertical: bool, path: Float, site: Site,
) -> float:  # fmt: skip
    """Fill one column of spreads; distances from the windward face. Returns what is added beyond. [m]

    Parameters
    ----------
    begin, step : float
        Of the rows.
    start : float
        Before it the spread is `first`.
    linear : float
        Up to it the spread grows with the turbulence.
    end : float
        Beyond it the spread grows as outside.
    least : float
        Nowhere less in the wake.
    vertical : bool
    path : ndarray
        Height of the plume, one a metre from the stack.
    site : Site
    """
    added, held, ahead = 0.0, 0.0, site.wake.ahead
    column[0] = first
    for n in range(1, len(column)):
        old, x = begin + (n - 1) * step, begin + n * step
        if x <= start:
            column[n] = first
            continue
        if x < end:
            size, held = grown(old, x, linear, column[n - 1], held, vertical, site)
            column[n] = max(size, least)
            continue
        if old < end and start <= end:
            size, held = grown(old, end, linear, column[n - 1], held, vertical, site)
            z = height_at(end + ahead, path)
            outside = outside_depth(end + ahead, z, site) if vertical else outside_width(end + ahead, z, site)
            added = max(math.sqrt(max(size * size - outside * outside, 0.0)), least)
        else:
            added = max(added, first)  # as in the source
        z = height_at(x + ahead, path)
        outside = outside_depth(x + ahead, z, site) if vertical else outside_width(x + ahead, z, site)
        column[n] = squared_sum(outside, added)
    return added


@compiled
def cavity_spread(entering: float, stack_wind: float, wake: Wake, site: Site) -> tuple[float, float]:
    """Depth and width of a source on the ground that stands for the cavity (Wilson and Britter 1982). [m]

    Parameters
    ----------
    entering : float
        Lateral spread of the plume where the cavity takes it. [m]
    stack_wind : float
        [m/s]
    """
    wide = max(min(wake.width, 3.0 * wake.height), wake.height / 3.0, min(TOP_HAT * entering, wake.width))
    high = wake.height if wake.roof < wake.length else wake.top
    roof_wind = between(cell_of(wake.height, site.levels), wake.height, site.levels, site.profile[WIND])
    return math.sqrt(2.0 / math.pi) * roof_wind / stack_wind * high / 3.0, wide / TOP_HAT


@compiled
def spreads_of(enter: float, depth: float, across: float, path: Float, stack_wind: float, whole: bool, site: Site
) -> Spreads:  # fmt: skip
    """Spreads of a plume that enters the wake at a distance from the windward face.

    Parameters
    ----------
    enter : float
        [m]
    depth, across : float
        Its spreads there. [m]
    path : ndarray
        Its height, one a metre from the stack.
    stack_wind : float
        [m/s]
    whole : bool
        With the cavity.
    site : Site
    """
    wake = site.wake
    depth_end, width_end = stirring_ends(site)
    lee, last = wake.length, wake.length + wake.cavity
    reach = max(depth_end, width_end, last) - enter + STEP
    rows = max(int(reach / STEP + 0.5) + 1, 2)
    step = reach / (rows - 1)
    table, added, ground = np.empty((rows, SPREAD_COLUMNS)), np.empty(SPREAD_COLUMNS), np.empty(1)
    ground[0] = 0.0
    start = min(max(enter, lee), last)
    first_depth, first_width = cavity_spread(across, stack_wind, wake, site)
    added[CAVITY_DEPTH], added[CAVITY_WIDTH] = first_depth, first_width
    for column in range(SPREAD_COLUMNS if whole and enter < last else CAVITY_DEPTH):
        vertical = column == DEPTH or column == CAVITY_DEPTH  # noqa: PLR1714 (a set costs seconds to compile)
        first, least, begin, along = depth if vertical else across, 0.0, enter, path
        if column >= CAVITY_DEPTH:
            first, begin, along = first_depth if vertical else first_width, start, ground
            least = first_depth if vertical else 0.0
        if column == CAVITY_WIDTH and enter < lee:  # it has grown before the cavity takes it
            node = min(math.ceil((lee - enter) / step), rows - 1)
            _, later = cavity_spread(table[node, WIDTH], stack_wind, wake, site)
            if later > first_width:
                first_width = first = later
                begin = enter + node * step
        linear = (start if column >= CAVITY_DEPTH else enter) + wake.cavity
        end = depth_end if vertical else width_end
        added[column] = fill_growth(
            table[:, column], enter, step, begin, linear, end, first, least, vertical, along, site
        )  # fmt: skip
    table[0, CAVITY_DEPTH], table[0, CAVITY_WIDTH] = first_depth, first_width
    return Spreads(
        table, enter + wake.ahead, step, rows, added[DEPTH], added[WIDTH], start + wake.ahead, added[CAVITY_DEPTH],
        added[CAVITY_WIDTH],
    )  # fmt: skip


@compiled
def radius_growth(x: float, spreads: Spreads) -> float:
    """Growth of the radius of the plume with distance by the turbulence of the wake."""
    place = (x - spreads.begin) / spreads.step
    if place < 0.0 or place > spreads.rows - 1:
        return 0.0
    k = min(int(place), spreads.rows - 2)
    table = spreads.table
    here = table[k, DEPTH] - table[k - 1, DEPTH] if k > 0 else 0.0
    there = table[k + 1, DEPTH] - table[k, DEPTH]
    return math.sqrt(0.5 * math.pi) * (here + (place - k) * (there - here)) / spreads.step


@compiled
def spread_at(x: float, z: float, induced: float, cavity: bool, spreads: Spreads, site: Site) -> tuple[float, float]:
    """Depth and width at a distance from the stack, of the plume or of what the cavity lets out. [m]

    `induced` is what the rise has added to a plume that is not yet in the wake.
    """
    table, column = spreads.table, CAVITY_DEPTH if cavity else DEPTH
    place = (x - spreads.begin) / spreads.step
    if cavity and x < spreads.cavity_begin:
        return table[0, column], table[0, column + 1]
    if 0.0 <= place <= spreads.rows - 1.0:
        k = min(int(place), spreads.rows - 2)
        part = place - k
        return (
            table[k, column] + part * (table[k + 1, column] - table[k, column]),
            table[k, column + 1] + part * (table[k + 1, column + 1] - table[k, column + 1]),
        )
    depth, across = outside_depth(x, z, site), outside_width(x, z, site)
    if place < 0.0:
        return squared_sum(depth, induced), squared_sum(across, induced)
    if cavity:
        return squared_sum(depth, spreads.cavity_depth), squared_sum(across, spreads.cavity_width)
    return squared_sum(depth, spreads.depth), squared_sum(across, spreads.width)
