"""Compiled tables of a plume along its axis.

For one hour and one source everything but the crosswind term depends only on the distance and the height of the
receptor, so it is tabled on a graded axis of distances and receptors look it up (`field_kernels`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.layer_kernels import (
    LEAST_INTENSITY,
    between,
    cell_of,
    layer_mean,
    layer_of,
    means_of,
    values_at,
)
from bihuan.physics.steady.profile_kernels import CONVECTIVE, FRICTION, GRADIENT, LID, MECHANICAL_LID, THETA, URBAN
from bihuan.physics.steady.spread_kernels import (
    depth_aloft,
    depth_in_stable,
    depths_in_convective,
    effective_lid,
    half_reflected,
    reflected,
    squared_sum,
    up_and_down,
    weight_of_random,
    width,
)
from bihuan.physics.steady.state_kernels import (
    ABOVE,
    BUOYANCY,
    ESCAPED,
    ESCAPED_HEIGHT,
    FALL,
    GAUSSIAN,
    HEIGHT,
    MIXED_X,
    MOMENTUM,
    SIGMA_W_S,
    SIGMA_Y_0,
    SIGMA_Z_0,
    STACK,
    STEADY_RISE,
    STEADY_X,
    WIND_S,
    free_rise,
    rise_in_stable,
)

Float = NDArray[np.float64]
Air = tuple[Float, Float, Float]
"""Levels, the profiles of the hour, and their integrals upwards."""

INDUCED = 0.4
"""Of the rise becomes buoyancy-induced spread, times the root of 2 (eq. 88)."""
LOFTING_WIDTH = 0.4
"""beta-2 (eq. 93)"""
MICROGRAMS = 1e6
"""In a gram."""
NOTHING = -700.0
"""Logarithm of a concentration that is none."""

# Columns of a table along the axis.
DIRECT, DIRECT_NARROW, PENETRATED, PENETRATED_NARROW, SPREAD_OUT, RANDOM = range(6)
# What stands above a metre of ground, for rain and decay: share over effective wind of the same two. [s/m]
DIRECT_COLUMN, PENETRATED_COLUMN = 6, 7
AXIS_COLUMNS = 8

# Columns of the parts of an axis.
PART_BEGIN, PART_END, PART_CELLS_PER, PART_FIRST, PART_NODES = range(5)
PART_COLUMNS = 5
MOST_PARTS = 3


@compiled
def centre_of_mass(x: float, rise: float, state: Float, lid: float) -> float:
    """Height around which the plume is in convective air, H_p. [m] (section 4.2, eq. 47)"""
    if x < state[STEADY_X]:
        return min(state[STACK] + rise, lid)
    if x >= state[MIXED_X]:
        return 0.5 * lid
    begin = min(state[STACK] + state[STEADY_RISE], lid)
    return begin + (x - state[STEADY_X]) / (state[MIXED_X] - state[STEADY_X]) * (0.5 * lid - begin)


@compiled
def fallen(x: float, height: float, state: Float) -> float:
    """Height of a plume that tilts because what it carries falls. [m] (as in the source)"""
    return max(height - x / state[WIND_S] * state[FALL], 0.0)


@compiled
def lofting(x: float, state: Float, hour: Float) -> float:
    """Height by which the indirect plume lags. [m] (eqs. 92 and 93)"""
    wind = state[WIND_S]
    narrow = LOFTING_WIDTH * (hour[LID] - state[STACK])
    section = narrow * narrow + 0.25 * 0.1 * 2.3**1.5 * hour[CONVECTIVE] ** 2 * x * x / (wind * wind)
    return math.sqrt(2.0 * state[BUOYANCY] * hour[LID] / (1.4 * wind * section)) * x / wind


@compiled
def fill_stable(x: float, z: float, source: Float, state: Float, hour: Float, air: Air, row: Float) -> None:
    """One distance of a plume in stable air, or of one released above the lid (section 5.3)."""
    levels, profile, sums = air
    release, urban = source[HEIGHT], hour[URBAN] != 0.0
    rise = rise_in_stable(x, state, hour[FRICTION], levels, profile)
    height = max(state[STACK] + rise, 0.0)
    induced = INDUCED * rise / math.sqrt(2.0)
    added = squared_sum(induced, source[SIGMA_Z_0])
    k = cell_of(height, levels)
    wind, _, sigma_w = values_at(height, levels, profile)
    gradient, theta = between(k, height, levels, profile[GRADIENT]), between(k, height, levels, profile[THETA])
    own = depth_in_stable(x, wind, sigma_w, 0.0 if urban else gradient, theta, release, height, hour)
    low, high = layer_of(height, squared_sum(added, own), z, hour[LID], True)
    wind, sigma_v, sigma_w = means_of(low, high, levels, profile, sums)
    a, b = cell_of(low, levels), cell_of(high, levels)
    gradient = 0.0 if urban else layer_mean(low, high, a, b, levels, profile[GRADIENT], sums[GRADIENT])
    own = depth_in_stable(x, wind, sigma_w, gradient, theta, release, height, hour)
    settled = fallen(x, height, state)
    lid = effective_lid(x, settled, added, release, hour, levels, profile)
    row[DIRECT] = reflected(z + state[ABOVE], settled, squared_sum(added, own), lid) / wind
    wide = squared_sum(induced, source[SIGMA_Y_0])
    row[DIRECT_NARROW] = 1.0 / squared_sum(wide, width(x, wind, sigma_v, height, hour[MECHANICAL_LID]))
    row[PENETRATED], row[PENETRATED_NARROW] = 0.0, 1.0
    row[DIRECT_COLUMN], row[PENETRATED_COLUMN] = 1.0 / wind, 0.0
    row[RANDOM] = weight_of_random(x, wind, sigma_v)


@compiled
def fill_convective(x: float, z: float, source: Float, state: Float, hour: Float, air: Air, row: Float) -> None:
    """One distance of a plume in convective air: direct, indirect and penetrated parts (section 5.2)."""
    escaped = state[ESCAPED]
    row[DIRECT], row[DIRECT_NARROW], row[RANDOM] = 0.0, 1.0, 0.0
    row[PENETRATED], row[PENETRATED_NARROW] = 0.0, 1.0
    row[DIRECT_COLUMN], row[PENETRATED_COLUMN] = 0.0, 0.0
    if escaped < 1.0:
        fill_trapped(x, z, source, state, hour, air, row)
    if escaped > 0.0:
        fill_penetrated(x, z, source, state, hour, air, row)


@compiled
def fill_trapped(x: float, z: float, source: Float, state: Float, hour: Float, air: Air, row: Float) -> None:
    """The direct and the indirect part, which stay below the lid (sections 5.2.1 and 5.2.2)."""
    levels, profile, sums = air
    lid, trapped = hour[LID], 1.0 - state[ESCAPED]
    rise = free_rise(x, state[BUOYANCY], state[MOMENTUM], state[WIND_S])
    centre = centre_of_mass(x, rise, state, lid)
    induced = INDUCED * rise / math.sqrt(2.0)
    added = squared_sum(induced, source[SIGMA_Z_0])
    up, down = up_and_down(state[SIGMA_W_S], centre, hour)
    wind, sigma_v, sigma_w = values_at(centre, levels, profile)
    above, below = depths_in_convective(x, wind, up, down, centre, added, hour)
    low, high = layer_of(centre, 0.5 * (above + below), z, lid, True)
    high = min(high, lid)
    if high > low:
        wind, sigma_v, sigma_w = means_of(low, high, levels, profile, sums)
    else:
        wind, sigma_v, sigma_w = values_at(lid, levels, profile)
    at = z + state[ABOVE]
    if at <= lid:
        up, down = up_and_down(sigma_w, centre, hour)
        above, below = depths_in_convective(x, wind, up, down, centre, added, hour)
        drift = hour[CONVECTIVE] * x / wind
        weight = down / (down - up)  # of the updraft (eq. 61)
        height = state[STACK] + rise - x / state[WIND_S] * state[FALL]
        lofted = height - lofting(x, state, hour)
        row[DIRECT] = trapped / wind * (
            weight * half_reflected(at, height + up * drift, above, lid, False)
            + (1.0 - weight) * half_reflected(at, height + down * drift, below, lid, False)
            + weight * half_reflected(at, lofted + up * drift, above, lid, True)
            + (1.0 - weight) * half_reflected(at, lofted + down * drift, below, lid, True)
        )  # fmt: skip
    slope = max(78.0 * 0.46 / max(source[HEIGHT], 0.46), 0.7)  # alpha of eq. 78, not below 0.7 (as in the source)
    spread = max(LEAST_INTENSITY, sigma_v / wind) * x
    wide = squared_sum(induced, source[SIGMA_Y_0])
    row[DIRECT_NARROW] = 1.0 / squared_sum(wide, spread / (1.0 + slope * spread / lid) ** 0.3)
    row[DIRECT_COLUMN] = trapped / wind
    row[RANDOM] = trapped * weight_of_random(x, wind, sigma_v)


@compiled
def fill_penetrated(x: float, z: float, source: Float, state: Float, hour: Float, air: Air, row: Float) -> None:
    """The part that went through the lid (sections 5.2.3 and 5.5.1.2)."""
    levels, profile, sums = air
    escaped, height = state[ESCAPED], state[ESCAPED_HEIGHT]
    induced = INDUCED * escaped * (height - state[STACK]) / math.sqrt(2.0)
    wind, _, sigma_w = values_at(height, levels, profile)
    own = depth_aloft(x / wind, sigma_w, height, 0.0)
    low, high = layer_of(height, squared_sum(induced, own), z, hour[LID], False)
    wind, sigma_v, sigma_w = means_of(low, high, levels, profile, sums)
    sigma_z = squared_sum(induced, depth_aloft(x / wind, sigma_w, height, 0.0))
    settled = fallen(x, height, state)
    lid = effective_lid(x, settled, induced, source[HEIGHT], hour, levels, profile)
    row[PENETRATED] = escaped / wind * reflected(z + state[ABOVE], settled, sigma_z, lid)
    row[PENETRATED_COLUMN] = escaped / wind
    row[PENETRATED_NARROW] = 1.0 / squared_sum(induced, width(x, wind, sigma_v, height, hour[MECHANICAL_LID]))
    row[RANDOM] += escaped * weight_of_random(x, wind, sigma_v)


@compiled
def lay_axis(state: Float, first: float, last: float, step: float, distances: Float, parts: Float) -> tuple[int, int]:
    """Choose the distances of a table: even in the logarithm between the places where the plume changes its ways.

    Fills `distances` and `parts` (`PART_COLUMNS` each) and returns how many of each there are. A table begins anew
    where a plume ends to rise and where it is well mixed, because a smooth curve through a kink would miss it.
    """
    breaks = np.empty(4)
    breaks[0], count = first, 1
    for x in (state[STEADY_X], state[MIXED_X] if state[GAUSSIAN] == 0.0 else 0.0):
        if breaks[count - 1] * 1.01 < x < last / 1.01:
            breaks[count] = x
            count += 1
    breaks[count] = last
    nodes = 0
    for part in range(count):
        begin, end = math.log(breaks[part]), math.log(breaks[part + 1])
        cells = max(math.ceil((end - begin) / step), 3)
        own = (end - begin) / cells
        parts[part, PART_BEGIN], parts[part, PART_END] = begin, end
        parts[part, PART_CELLS_PER], parts[part, PART_FIRST], parts[part, PART_NODES] = 1.0 / own, nodes, cells + 1
        for k in range(cells + 1):
            # a hair inside, so that each end belongs to its own part
            inside = 1e-9 if k == 0 and part > 0 else 0.0
            distances[nodes] = math.exp(begin + own * k + inside) if k < cells else breaks[part + 1] * (1.0 - 1e-9)
            nodes += 1
    return nodes, count


@compiled
def fill_axis(
    distances: Float, count: int, z: float, source: Float, state: Float, hour: Float, air: Air, axis: Float
) -> None:
    """Table a plume along its axis for receptors at height `z`; `axis` has a row a distance.

    Concentrations per unit emission, without the crosswind term, are kept as logarithms, and of widths one over
    them [1/m], as the crosswind term wants it; the random part is kept as it is added to a receptor: its weight, spread
    evenly over a circle. [ug/m3 per g/s]
    """
    row = np.empty(AXIS_COLUMNS)
    for k in range(count):
        x = distances[k]
        if state[GAUSSIAN] != 0.0:
            fill_stable(x, z, source, state, hour, air, row)
        else:
            fill_convective(x, z, source, state, hour, air, row)
        for part in (DIRECT, PENETRATED):
            axis[k, part] = math.log(MICROGRAMS * row[part]) if row[part] > 1e-300 else NOTHING
            axis[k, part + 1] = row[part + 1]
        axis[k, SPREAD_OUT] = MICROGRAMS * row[RANDOM] * (row[DIRECT] + row[PENETRATED]) / (2.0 * math.pi * x)
        axis[k, RANDOM] = row[RANDOM]
        axis[k, DIRECT_COLUMN], axis[k, PENETRATED_COLUMN] = row[DIRECT_COLUMN], row[PENETRATED_COLUMN]
