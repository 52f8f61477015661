"""Compiled unit responses of many sources under many winds that share few kinds of air.

The table of a plume along its axis does not depend on the direction of the wind, nor on where the source stands; so it
is made once a kind of source and of air, and each place and direction only looks it up.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.area_kernels import add_area
from bihuan.physics.steady.axis_kernels import AXIS_COLUMNS, MOST_PARTS, PART_COLUMNS, fill_axis, lay_axis
from bihuan.physics.steady.field_kernels import NEAREST, add_plume
from bihuan.physics.steady.state_kernels import AREA, EAST, ESCAPED, KIND, NORTH, STATE_COLUMNS, fill_state

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


@compiled
def fill_tables(
    kinds: Float, hour: Float, levels: Float, profile: Float, sums: Float, z: float, reach: tuple[float, float],
    step: float, axes: Float, parts: Float, counts: Int, escaped: Bool,
) -> None:  # fmt: skip
    """Table every kind of source in one hour.

    Parameters
    ----------
    kinds : ndarray, shape (kinds, SOURCE_COLUMNS)
    hour, levels, profile, sums
        One row of `run_kernels.AirTables`.
    z : float
        Height of the receptors. [m]
    reach : (float, float)
        First and last distance. [m]
    step : float
        In the logarithm of the distance.
    axes : ndarray, shape (kinds, rows, AXIS_COLUMNS)
    parts : ndarray, shape (kinds, MOST_PARTS, PART_COLUMNS)
    counts : ndarray of int64, shape (kinds,)
    escaped : ndarray of bool, shape (kinds,)
        Whether any of the plume went through the lid.
    """
    state, distances = np.empty(STATE_COLUMNS), np.empty(axes.shape[1])
    air = (levels, profile, sums)
    for k in range(len(kinds)):
        fill_state(kinds[k], hour, levels, profile, state)
        nodes, counts[k] = lay_axis(state, reach[0], reach[1], step, distances, parts[k])
        fill_axis(distances, nodes, z, kinds[k], state, hour, air, axes[k])
        escaped[k] = state[ESCAPED] > 0.0


@compiled
def look_up(
    sources: Float, kind_of: Int, rings: Float, areas: Float, radians: Float, receptors: Float, axes: Float,
    parts: Float, counts: Int, escaped: Bool, out: Float,
) -> None:  # fmt: skip
    """Add the response of every receptor to every source for winds of one kind of air.

    Parameters
    ----------
    sources : ndarray, shape (sources, SOURCE_COLUMNS)
    kind_of : ndarray of int64, shape (sources,)
        Row of the tables.
    rings, areas : ndarray, shape (sources, 4, 2) and (sources,)
        Of areas; anything for the others. [m], [m2]
    radians : ndarray, shape (winds,)
        Directions the winds blow from.
    receptors : ndarray, shape (receptors, 3)
        [m]
    axes, parts, counts, escaped
        As `fill_tables` fills them.
    out : ndarray, shape (winds, sources, receptors)
        [ug/m3 per g/s]
    """
    chosen = np.arange(len(receptors))
    for w in range(len(radians)):
        sine, cosine = math.sin(radians[w]), math.cos(radians[w])
        for s in range(len(sources)):
            k, row = kind_of[s], sources[s]
            if row[KIND] == AREA:
                add_area(axes[k], parts[k], counts[k], sine, cosine, rings[s], areas[s], chosen, receptors, out[w, s])
            else:
                add_plume(
                    axes[k], parts[k], counts[k], sine, cosine, row[EAST], row[NORTH], NEAREST, escaped[k], chosen,
                    receptors, out[w, s],
                )  # fmt: skip


def empty_tables(kinds: int, rows: int) -> tuple[Float, Float, Int, Bool]:
    """Return room for the tables of that many kinds."""
    return (
        np.empty((kinds, rows, AXIS_COLUMNS)),
        np.empty((kinds, MOST_PARTS, PART_COLUMNS)),
        np.zeros(kinds, dtype=np.int64),
        np.zeros(kinds, dtype=np.bool_),
    )
