"""Compiled runs with removal: what falls, sticks to the ground, is rained out or decays on the way.

What remains of an emission is a factor along the axis of the plume, so a receptor stays a look-up and a Gaussian. A
source has one or more substances (classes of particles, or a gas), each with its own tilt, velocity and factor.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.area_kernels import add_area
from bihuan.physics.steady.axis_kernels import (
    AXIS_COLUMNS,
    DIRECT,
    DIRECT_COLUMN,
    MICROGRAMS,
    MOST_PARTS,
    NOTHING,
    PART_COLUMNS,
    PART_FIRST,
    PART_NODES,
    PENETRATED,
    PENETRATED_COLUMN,
    RANDOM,
    SPREAD_OUT,
    Air,
    fill_axis,
    lay_axis,
)
from bihuan.physics.steady.deposition_kernels import (
    AIR_KELVIN,
    DECAY,
    DRY,
    DRY_SPENT,
    FROM_MONTH,
    GAS,
    INERT,
    ROUGHNESS,
    SHARE,
    VISCOSITY,
    WET_SPENT,
    fall_speed,
    velocity_of_gas,
    velocity_of_particles,
    washed_out,
)
from bihuan.physics.steady.deposition_kernels import KIND as SUBSTANCE_KIND
from bihuan.physics.steady.field_kernels import NEAREST, add_plume, cubic, looked_up
from bihuan.physics.steady.layer_kernels import HALF_DEPTH, between, cell_of
from bihuan.physics.steady.profile_kernels import ADIABATIC, BASE, LID, THETA, USED
from bihuan.physics.steady.run_kernels import SINGLE_VOLUME, AirTables, ReceptorTables, SourceTables
from bihuan.physics.steady.spread_kernels import depth_aloft, depth_in_stable, depths_in_convective, up_and_down
from bihuan.physics.steady.state_kernels import (
    ABOVE,
    AREA,
    EAST,
    ESCAPED,
    ESCAPED_HEIGHT,
    FALL,
    FROM,
    GAUSSIAN,
    GRADIENT_S,
    HEIGHT,
    KIND,
    NORTH,
    SIGMA_W_S,
    SIGMA_Y_0,
    STACK,
    STATE_COLUMNS,
    STEADY_RISE,
    THETA_S,
    VOLUME,
    WIND_S,
    fill_state,
)

Float = NDArray[np.float64]
Int = NDArray[np.int64]

FAR = 20000.0
"""Where the top of the plume is taken for rain. [m] (as in the source)"""
LOWEST_TOP, HIGHEST_TOP = 500.0, 10000.0
"""[m] (as in the source)"""
HALF_GAUSS = 0.5 / math.sqrt(3.0)
"""Of two-point Gauss, from the middle, in lengths."""
CONCENTRATION, DRY_FLUX, WET_FLUX = range(3)
QUANTITIES = 3


class RemovalTables(NamedTuple):
    """What is removed, and how."""

    substances: Float
    """Columns of `deposition_kernels`; those of source ``s`` are ``substances[first[s]:first[s + 1]]``."""
    first: Int
    weather: Float
    """By hour."""
    lands: Float
    """By season and land."""
    sectors: Int
    """Season of each month and, from place 12 on, land towards 10, 20 ... 360 degrees; both from 0."""
    coarse: bool
    """Two points for the whole way, the wind and the warmth of the stack's end, as AERMOD takes them, in place of the
    integral and of the warmth near the ground."""


@compiled
def top_of_plume(source: Float, state: Float, hour: Float, air: Air) -> float:
    """Depth of air through which rain falls past the plume. [m] (as in the source)"""
    levels, profile, _ = air
    wind, lid = state[WIND_S], hour[LID]
    if state[GAUSSIAN] != 0.0:
        height = state[STACK] + state[STEADY_RISE]
        theta = between(cell_of(height, levels), height, levels, profile[THETA])
        depth = depth_in_stable(
            FAR, wind, state[SIGMA_W_S], state[GRADIENT_S], theta, source[HEIGHT], height, hour
        )  # fmt: skip
        return min(max(LOWEST_TOP, lid, height + HALF_DEPTH * depth), HIGHEST_TOP)
    centre, top = source[HEIGHT], 0.0
    if state[ESCAPED] < 1.0:
        up, down = up_and_down(state[SIGMA_W_S], centre, hour)
        above, below = depths_in_convective(FAR, wind, up, down, centre, 0.0, hour)
        top = (1.0 - state[ESCAPED]) * (state[STACK] + state[STEADY_RISE] + HALF_DEPTH * 0.5 * (above + below))
    if state[ESCAPED] > 0.0:
        aloft = depth_aloft(FAR / wind, state[SIGMA_W_S], state[ESCAPED_HEIGHT], 0.0)
        top += state[ESCAPED] * (state[ESCAPED_HEIGHT] + HALF_DEPTH * aloft)
    return min(max(LOWEST_TOP, lid, top), HIGHEST_TOP)


@compiled
def take_warmth_of_release(weather: Float, kelvin: float) -> None:
    """Let the air at the height of release set velocities and rain's share, as AERMOD has it (as in the source)."""
    weather[VISCOSITY] *= (kelvin / weather[AIR_KELVIN]) ** 1.772
    weather[AIR_KELVIN] = kelvin


@compiled
def velocity(substance: Float, hour: Float, weather: Float, state: Float, removal: RemovalTables) -> float:
    """Of dry deposition under this wind. [m/s]"""
    if substance[DRY] == 0.0 or substance[SUBSTANCE_KIND] == INERT:
        return 0.0
    if substance[SUBSTANCE_KIND] != GAS:
        return velocity_of_particles(substance, hour, weather)
    towards = (state[FROM] + 180.0) % 360.0
    sector = int(towards * 0.1 + 0.4999)
    land = removal.sectors[12 + (35 if sector == 0 else sector - 1)]
    season = removal.sectors[int(weather[FROM_MONTH])]
    return velocity_of_gas(substance, hour, weather, removal.lands[season * 9 + land])


@compiled
def on_ground(axis: Float, k: int) -> float:
    """Concentration near the ground under the axis, across the wind summed up, per emission. [s/m2]"""
    return (math.exp(axis[k, DIRECT]) + math.exp(axis[k, PENETRATED])) / MICROGRAMS


@compiled
def fill_lost(
    distances: Float, parts: Float, count: int, axis: Float, speed: float, rate: float, lost: Float
) -> None:  # fmt: skip
    """Logarithm of what remains at each distance, from the integral of all losses along the way.

    Parameters
    ----------
    axis : ndarray
        Of the plume near the ground.
    speed : float
        Of dry deposition. [m/s]
    rate : float
        Of rain and decay. [1/s]
    lost : ndarray
        Filled.
    """
    total = -rate * distances[0] * (axis[0, DIRECT_COLUMN] + axis[0, PENETRATED_COLUMN])  # of the first metre
    for part in range(count):
        first, nodes = int(parts[part, PART_FIRST]), int(parts[part, PART_NODES])
        length = math.log(distances[first + nodes - 1] / distances[first]) / (nodes - 1)
        lost[first] = total
        for k in range(first, first + nodes - 1):
            a = min(max(k - 1, first), first + nodes - 4)  # four rows around the cell
            share = 0.0
            for m in range(4):
                row = a + m
                loss = speed * on_ground(axis, row) + rate * (axis[row, DIRECT_COLUMN] + axis[row, PENETRATED_COLUMN])
                share += cell_weight(k - a, m) * loss * distances[row]
            total -= max(share * length, 0.0)
            lost[k + 1] = total


@compiled
def cell_weight(cell: int, row: int) -> float:
    """Of a row in the integral of a cubic over one of the three cells between four rows."""
    if cell == 1:
        return 13.0 / 24.0 if abs(row - 1.5) < 1.0 else -1.0 / 24.0
    place = row if cell == 0 else 3 - row
    if place == 0:
        return 9.0 / 24.0
    if place == 1:
        return 19.0 / 24.0
    return -5.0 / 24.0 if place == 2 else 1.0 / 24.0


@compiled
def fill_lost_coarsely(
    distances: Float, nodes: int, parts: Float, count: int, axis: Float, speed: float, rain: float, decay: float,
    wind: float, lost: Float,
) -> None:  # fmt: skip
    """Logarithm of what remains as AERMOD has it: two points for the way, and rain by the wind of the stack."""
    for k in range(nodes):
        x = distances[k]
        middle, way = 0.5 * (x + 1.0), x - 1.0
        total = 0.0
        for side in (-HALF_GAUSS, HALF_GAUSS):
            row, a, b, c, d = cubic(math.log(max(middle + side * way, 1.0)), parts, count)
            total += math.exp(looked_up(axis, DIRECT, row, a, b, c, d))
            total += math.exp(looked_up(axis, PENETRATED, row, a, b, c, d))
        column = axis[k, DIRECT_COLUMN] + axis[k, PENETRATED_COLUMN]
        lost[k] = -min(speed * 0.5 * way * total / MICROGRAMS, 50.0) - rain * x / wind - decay * x * column


@compiled
def deplete(axis: Float, nodes: int, lost: Float) -> None:
    """Take what is lost out of a table."""
    for k in range(nodes):
        axis[k, DIRECT] += lost[k]
        axis[k, PENETRATED] += lost[k]
        axis[k, SPREAD_OUT] *= math.exp(lost[k])


@compiled
def stand_up(axis: Float, distances: Float, nodes: int) -> None:
    """Turn a table of concentrations into one of what stands above a metre of ground."""
    for k in range(nodes):
        a, b = axis[k, DIRECT_COLUMN], axis[k, PENETRATED_COLUMN]
        axis[k, DIRECT] = math.log(MICROGRAMS * a) if a > 0.0 else NOTHING
        axis[k, PENETRATED] = math.log(MICROGRAMS * b) if b > 0.0 else NOTHING
        axis[k, SPREAD_OUT] = MICROGRAMS * axis[k, RANDOM] * (a + b) / (2.0 * math.pi * distances[k])


@compiled
def respond_removed(
    s: int, h: int, tables: SourceTables, air: AirTables, where: ReceptorTables, removal: RemovalTables, work: Float,
    unit: Float, out: Float,
) -> bool:  # fmt: skip
    """Set `out` to what a unit emission causes: concentration, dry and wet deposition.

    Parameters
    ----------
    s, h, tables, air, where, work
        As for `run_kernels.respond`; `work` has two columns more.
    removal : RemovalTables
    unit : ndarray, shape (receptors,)
        Room.
    out : ndarray, shape (3, receptors)
        [ug/m3 per g/s] and [ug/m2/s per g/s]

    Returns
    -------
    bool
        False, with `out` untouched, in a calm or missing hour.
    """
    source, layer = tables.rows[s], tables.layers[s]
    hour = air.hours[layer, h]
    if hour[USED] == 0.0:
        return False
    column = (air.levels, air.profiles[layer, h], air.sums[layer, h])
    weather = removal.weather[h].copy()
    out[:] = 0.0
    state, parts = np.empty(STATE_COLUMNS), np.empty((MOST_PARTS, PART_COLUMNS))
    axis, distances, lost = work[:, :AXIS_COLUMNS], work[:, AXIS_COLUMNS], work[:, AXIS_COLUMNS + 1]
    fill_state(source, hour, air.levels, column[1], state)
    if removal.coarse:
        take_warmth_of_release(weather, state[THETA_S] - ADIABATIC * (source[HEIGHT] + hour[BASE]))
    nodes, count = lay_axis(state, where.reaches[s, 0], where.reaches[s, 1], where.step, distances, parts)
    depth = top_of_plume(source, state, hour, column)
    for c in range(removal.first[s], removal.first[s + 1]):
        substance = removal.substances[c]
        speed = velocity(substance, hour, weather, state, removal)
        rain = washed_out(substance, weather, depth)
        taken, washed = speed * substance[DRY_SPENT], rain * substance[WET_SPENT]
        state[FALL] = fall_speed(substance)
        for k in range(len(where.heights)):
            here, z = where.chosen[where.first[k] : where.first[k + 1]], where.heights[k]
            # where velocities hold: above the ground, also under a receptor that stands above it (as in the source)
            state[ABOVE] = weather[ROUGHNESS] + 1.0 - z
            fill_axis(distances, nodes, z, source, state, hour, column, axis)
            if removal.coarse:
                stack, decay = state[WIND_S], substance[DECAY]
                fill_lost_coarsely(distances, nodes, parts, count, axis, taken, washed, decay, stack, lost)
            else:
                fill_lost(distances, parts, count, axis, taken, washed + substance[DECAY], lost)
            deplete(axis, nodes, lost)
            if speed > 0.0:
                share = substance[SHARE] * speed
                scatter(s, tables, state, axis, parts, count, here, where, unit, share, out[DRY_FLUX])
            if rain > 0.0:
                stand_up(axis, distances, nodes)
                deplete(axis, nodes, lost)
                share = substance[SHARE] * rain
                scatter(s, tables, state, axis, parts, count, here, where, unit, share, out[WET_FLUX])
            state[ABOVE] = 0.0
            fill_axis(distances, nodes, z, source, state, hour, column, axis)
            deplete(axis, nodes, lost)
            scatter(s, tables, state, axis, parts, count, here, where, unit, substance[SHARE], out[CONCENTRATION])
    return True


@compiled
def scatter(
    s: int, tables: SourceTables, state: Float, axis: Float, parts: Float, count: int, here: Int,
    where: ReceptorTables, unit: Float, factor: float, out: Float,
) -> None:  # fmt: skip
    """Add `factor` times what a table says to receptors of one height."""
    source = tables.rows[s]
    origin = math.radians(state[FROM])
    sine, cosine = math.sin(origin), math.cos(origin)
    unit[:] = 0.0
    if source[KIND] == AREA:
        ring = tables.corners[tables.ring_first[s] : tables.ring_first[s + 1]]
        add_area(axis, parts, count, sine, cosine, ring, tables.areas[s], here, where.places, unit)
    else:
        nearest = SINGLE_VOLUME * source[SIGMA_Y_0] + 0.99 if source[KIND] == VOLUME else NEAREST
        penetrated = state[ESCAPED] > 0.0
        add_plume(
            axis, parts, count, sine, cosine, source[EAST], source[NORTH], nearest, penetrated, here, where.places, unit
        )
    for r in here:
        out[r] += factor * unit[r]


@compiled
def run_removed(
    which: Int, tables: SourceTables, rates: Float, groups: Float, air: AirTables, where: ReceptorTables,
    removal: RemovalTables, out: Float,
) -> None:  # fmt: skip
    """Add up groups of sources hour by hour.

    Parameters
    ----------
    which, tables, rates, groups, air, where
        As for `run_kernels.run_hours`.
    removal : RemovalTables
    out : ndarray, shape (len(which), 3, groups, receptors)
        Added to. [ug/m3] and [ug/m2/s]
    """
    work = np.empty((where.nodes, AXIS_COLUMNS + 2))
    unit, found = np.empty(len(where.places)), np.empty((QUANTITIES, len(where.places)))
    for place in range(len(which)):
        h = which[place]
        for s in range(len(tables.rows)):
            if rates[h, s] == 0.0 or not respond_removed(s, h, tables, air, where, removal, work, unit, found):
                continue
            for g in range(len(groups)):
                if groups[g, s] != 0.0:
                    for q in range(QUANTITIES):
                        for r in range(len(unit)):
                            out[place, q, g, r] += rates[h, s] * found[q, r]
