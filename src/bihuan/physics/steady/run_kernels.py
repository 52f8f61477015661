"""Compiled runs over hours and sources: every source's unit response, added up as the caller wants it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.area_kernels import add_area
from bihuan.physics.steady.axis_kernels import AXIS_COLUMNS, MOST_PARTS, PART_COLUMNS
from bihuan.physics.steady.field_kernels import NEAREST, add_plume
from bihuan.physics.steady.grading_kernels import GRADED_PARTS, grade_axis
from bihuan.physics.steady.layer_kernels import between, cell_of
from bihuan.physics.steady.pit_kernels import DROP, WIND_AT, effective_pit, escaping, finish_pit
from bihuan.physics.steady.profile_kernels import USED, WIND
from bihuan.physics.steady.road_kernels import WIND_FROM, add_road, fill_road, lay_road
from bihuan.physics.steady.state_kernels import (
    AREA,
    EAST,
    ESCAPED,
    FROM,
    KIND,
    NORTH,
    PIT,
    ROAD,
    SIGMA_Y_0,
    STATE_COLUMNS,
    VOLUME,
    fill_state,
)
from bihuan.physics.steady.wake_field_kernels import add_wake

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class SourceTables(NamedTuple):
    """What emits. `rows` has the columns of `state_kernels`; areas are in m2."""

    rows: Float
    layers: Int
    """Boundary layer each is in: country, or one of the cities."""
    corners: Float
    """Of all rings; the ring of source ``s`` is ``corners[ring_first[s]:ring_first[s + 1]]``. [m]"""
    ring_first: Int
    areas: Float
    grains: Float
    """Mass share and settling velocity [m/s] of the dust of all pits; as for rings, none for gas."""
    grain_first: Int


class WakeTables(NamedTuple):
    """Buildings beside stacks, for the wake behind them (`wake_field_kernels`)."""

    which: Int
    """Of the buildings, for each source; -1 for none."""
    buildings: Float
    """Height, width, length, along and aside of each, as winds towards 10, 20 ... 360 degrees see it. [m]"""


class AirTables(NamedTuple):
    """Hours, levels and profiles of a `BoundaryLayer`; all but the levels are stacked by boundary layer."""

    hours: Float
    levels: Float
    profiles: Float
    sums: Float
    ground: Float
    """What road lines need beside them, columns of `road_kernels`."""


class ReceptorTables(NamedTuple):
    """Where concentrations are wanted, and what tables of plumes this takes."""

    places: Float
    """East, north, height. [m]"""
    heights: Float
    """Distinct ones; those of ``heights[k]`` are ``chosen[first[k]:first[k + 1]]``."""
    first: Int
    chosen: Int
    reaches: Float
    """Nearest and farthest distance that the table of each source must hold. [m]"""
    step: float
    """Of the tables, in the logarithm of the distance."""
    nodes: int
    """Rows a table may need."""


SINGLE_VOLUME = 2.15
"""Half width of a volume source in its initial sigma-y: nearer there is no receptor (as in the source)."""


@compiled
def respond(
    s: int, h: int, tables: SourceTables, air: AirTables, where: ReceptorTables, wakes: WakeTables | None,
    work: Float, out: Float,
) -> bool:  # fmt: skip
    """Set `out` to what a unit emission of source `s` causes in hour `h` at every receptor. [ug/m3 per g/s]

    Parameters
    ----------
    s, h : int
    tables : SourceTables
    air : AirTables
    where : ReceptorTables
    wakes : WakeTables, optional
        None compiles a loop that knows of no buildings.
    work : ndarray, shape (rows, AXIS_COLUMNS + 1)
        Room for a table.
    out : ndarray, shape (receptors,)

    Returns
    -------
    bool
        False, with `out` untouched, in a calm or missing hour.
    """
    source, layer = tables.rows[s], tables.layers[s]
    hour, levels, receptors = air.hours[layer, h], air.levels, where.places
    if hour[USED] == 0.0:
        return False
    column = (levels, air.profiles[layer, h], air.sums[layer, h])
    out[:] = 0.0
    if source[KIND] == ROAD:
        respond_road(s, hour, air.ground[layer, h], tables, where, work, out)
        return True
    state = np.empty(STATE_COLUMNS)
    parts = np.empty((GRADED_PARTS, PART_COLUMNS))
    distances, axis = work[:, AXIS_COLUMNS], work[:, :AXIS_COLUMNS]
    fill_state(source, hour, levels, column[1], state)
    origin = math.radians(state[FROM])
    sine, cosine = math.sin(origin), math.cos(origin)
    nearest = SINGLE_VOLUME * source[SIGMA_Y_0] + 0.99 if source[KIND] == VOLUME else NEAREST
    for k in range(len(where.heights)):
        count = grade_axis(
            where.heights[k], where.reaches[s, 0], where.reaches[s, 1], where.step, source, state, hour, column,
            distances, axis, parts,
        )  # fmt: skip
        here = where.chosen[where.first[k] : where.first[k + 1]]
        if source[KIND] == AREA:
            ring = tables.corners[tables.ring_first[s] : tables.ring_first[s + 1]]
            add_area(axis, parts, count, sine, cosine, ring, tables.areas[s], here, receptors, out)
        elif source[KIND] == PIT:
            respond_pit(s, origin, column, axis, parts, count, tables, here, receptors, out)
        else:
            penetrated = state[ESCAPED] > 0.0
            add_plume(
                axis, parts, count, sine, cosine, source[EAST], source[NORTH], nearest, penetrated, here, receptors, out
            )
    if wakes is not None and wakes.which[s] >= 0:
        add_wake(source, wakes.buildings[wakes.which[s]], state, hour, levels, column[1], column[2], receptors, out)
    return True


@compiled
def respond_pit(
    s: int, origin: float, column: tuple[Float, Float, Float], axis: Float, parts: Float, count: int,
    tables: SourceTables, here: Int, receptors: Float, out: Float,
) -> None:  # fmt: skip
    """Add what a unit emission of pit `s` causes at the receptors `here` under a wind from `origin` [radians]."""
    ring = tables.corners[tables.ring_first[s] : tables.ring_first[s + 1]]
    smaller = np.empty((4, 2))
    area = tables.areas[s] * effective_pit(ring, tables.rows[s, DROP], origin, smaller)
    add_area(axis, parts, count, math.sin(origin), math.cos(origin), smaller, area, here, receptors, out)
    levels, profile = column[0], column[1]
    wind = between(cell_of(WIND_AT, levels), WIND_AT, levels, profile[WIND])
    grains = tables.grains[tables.grain_first[s] : tables.grain_first[s + 1]]
    finish_pit(ring, escaping(grains, wind), here, receptors, out)


@compiled
def respond_road(
    s: int, hour: Float, ground: Float, tables: SourceTables, where: ReceptorTables, work: Float, out: Float
) -> None:
    """Add what a unit emission of road `s` causes in an hour; the arguments are those of `respond`."""
    source, ends = tables.rows[s], tables.corners[tables.ring_first[s] : tables.ring_first[s + 1]]
    origin = math.radians(ground[WIND_FROM])
    sine, cosine = math.sin(origin), math.cos(origin)
    east, north = ends[1, 0] - ends[0, 0], ends[1, 1] - ends[0, 1]
    across = abs(east * sine + north * cosine) / math.hypot(east, north)
    distances, axis, parts = work[:, AXIS_COLUMNS], work[:, :AXIS_COLUMNS], np.empty((MOST_PARTS, PART_COLUMNS))
    nodes, count = lay_road(where.reaches[s, 1], where.step, source, hour, ground, distances, parts)
    for k in range(len(where.heights)):
        fill_road(where.heights[k], across, source, hour, ground, distances, nodes, axis)
        here = where.chosen[where.first[k] : where.first[k + 1]]
        add_road(axis, parts, count, sine, cosine, ends, here, where.places, out)


@compiled
def run_hours(
    which: Int, tables: SourceTables, rates: Float, groups: Float, air: AirTables, where: ReceptorTables,
    wakes: WakeTables | None, out: Float,
) -> None:  # fmt: skip
    """Add up groups of sources hour by hour.

    Parameters
    ----------
    which : ndarray of int64
        Hours to run.
    tables, air, where, wakes
        As for `respond`.
    rates : ndarray, shape (hours, sources)
        Emission. [g/s]
    groups : ndarray, shape (groups, sources)
        1 where a source belongs to a group.
    out : ndarray, shape (len(which), groups, receptors)
        Added to. [ug/m3]
    """
    work = np.empty((where.nodes, AXIS_COLUMNS + 1))
    unit = np.empty(len(where.places))
    for place in range(len(which)):
        h = which[place]
        for s in range(len(tables.rows)):
            if rates[h, s] == 0.0 or not respond(s, h, tables, air, where, wakes, work, unit):
                continue
            for g in range(len(groups)):
                if groups[g, s] != 0.0:
                    for r in range(len(unit)):
                        out[place, g, r] += rates[h, s] * unit[r]


@compiled
def sum_hours(
    period: Int, places: Int, tables: SourceTables, weights: Float, air: AirTables, where: ReceptorTables,
    wakes: WakeTables | None, out: Float,
) -> None:  # fmt: skip
    """Add up the hours of each source's unit response: rows of a source-receptor matrix.

    Parameters
    ----------
    period : ndarray of int64, shape (hours,)
        Which period an hour belongs to; below 0 it is left out.
    places : ndarray of int64
        Of the sources to run.
    tables, air, where, wakes
        As for `respond`.
    weights : ndarray, shape (hours, sources)
        Of an hour for a source: 1, or its emission factor.
    out : ndarray, shape (len(places), periods, receptors)
        Added to. [ug/m3 per g/s, times hours]
    """
    work = np.empty((where.nodes, AXIS_COLUMNS + 1))
    unit = np.empty(len(where.places))
    for place in range(len(places)):
        s = places[place]
        for h in range(len(period)):
            if period[h] >= 0 and weights[h, s] != 0.0 and respond(s, h, tables, air, where, wakes, work, unit):
                for r in range(len(unit)):
                    out[place, period[h], r] += weights[h, s] * unit[r]
