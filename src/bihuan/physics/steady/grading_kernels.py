"""Compiled tables of a plume with wide steps where it runs smoothly and narrow ones where it bends.

Where the layer that carries the plume meets the receptor or the lid, the formulas bend. Those places depend on the
height of the receptor and are found from the table itself: a first one with wide steps is filled, the cells that a
cubic would not bridge are cut, and each run of cut cells becomes a part of its own, its rows behind all others.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.axis_kernels import (
    DIRECT,
    MOST_PARTS,
    NOTHING,
    PART_BEGIN,
    PART_CELLS_PER,
    PART_COLUMNS,
    PART_END,
    PART_FIRST,
    PART_NODES,
    PENETRATED,
    Air,
    fill_axis,
    lay_axis,
)
from bihuan.physics.steady.state_kernels import ESCAPED, KIND, VOLUME

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

COARSER = 2.0
"""Steps between two rows where the plume runs smoothly."""
SMOOTHER = 3.0
"""The same for a volume, from which nothing rises."""
FINER = 4
"""Into how many a cell is cut where it bends."""
MOST_RUNS = 4
"""Of cut cells in a part."""
GRADED_PARTS = MOST_PARTS * (2 * MOST_RUNS + 1)
FEWEST = 3
"""Cells of a part, so that it has the four rows of a cubic."""
BENT = 0.01
"""Fourth difference, of logarithms, that a cubic through four rows bridges with an error of 0.00025."""
MATTERS = 14.0
"""So far below the largest value farther out, in the logarithm, that a concentration matters to nobody."""


@compiled
def grade_axis(
    z: float, first: float, last: float, step: float, source: Float, state: Float, hour: Float, air: Air,
    distances: Float, axis: Float, parts: Float,
) -> int:  # fmt: skip
    """Table a plume along its axis for receptors at height `z`, and return the count of parts.

    Parameters
    ----------
    z, source, state, hour, air, distances, axis
        As for `axis_kernels.fill_axis`.
    first, last, step : float
        As for `axis_kernels.lay_axis`.
    parts : ndarray, shape (GRADED_PARTS, PART_COLUMNS)
        Filled in the order of the distance.
    """
    even = np.empty((MOST_PARTS, PART_COLUMNS))
    coarser = SMOOTHER if source[KIND] == VOLUME else COARSER
    nodes, count = lay_axis(state, first, last, coarser * step, distances, even)
    fill_axis(distances, nodes, z, source, state, hour, air, axis)
    bent = np.empty(nodes, np.bool_)
    mark_bends(axis, nodes, even, count, state[ESCAPED] > 0.0, bent)
    made = 0
    for part in range(count):
        row, cells = int(even[part, PART_FIRST]), int(even[part, PART_NODES]) - 1
        begin, own = even[part, PART_BEGIN], 1.0 / even[part, PART_CELLS_PER]
        done, runs = 0, 0
        while done < cells:
            low, high = next_run(bent[row : row + cells], done)
            if runs == MOST_RUNS or nodes + FINER * (high - low) + 1 > len(distances):
                low, high = cells, cells
            if low > done:
                made = lay_part(parts, made, begin + own * done, own, row + done, low - done)
            if high > low:
                start = begin + own * low
                cut_cells(row + low, high - low, start, own, nodes, z, source, state, hour, air, distances, axis)
                made = lay_part(parts, made, begin + own * low, own / FINER, nodes, FINER * (high - low))
                nodes, runs = nodes + FINER * (high - low) + 1, runs + 1
            done = high
    return made


@compiled
def lay_part(parts: Float, place: int, begin: float, own: float, row: int, cells: int) -> int:
    """Fill a part of `cells` cells of width `own` from a row on, and return the place of the next."""
    parts[place, PART_BEGIN], parts[place, PART_END] = begin, begin + own * cells
    parts[place, PART_CELLS_PER], parts[place, PART_FIRST], parts[place, PART_NODES] = 1.0 / own, row, cells + 1
    return place + 1


@compiled
def cut_cells(
    row: int, cells: int, begin: float, own: float, behind: int, z: float, source: Float, state: Float, hour: Float,
    air: Air, distances: Float, axis: Float,
) -> None:  # fmt: skip
    """Table again, finer, the cells from `row` on, `own` wide from the logarithm `begin`, in rows from `behind` on."""
    for k in range(FINER * cells + 1):
        to = behind + k
        if k % FINER == 0:
            distances[to], axis[to] = distances[row + k // FINER], axis[row + k // FINER]
        else:
            distances[to] = math.exp(begin + own * k / FINER)
            fill_axis(distances[to : to + 1], 1, z, source, state, hour, air, axis[to : to + 1])


@compiled
def next_run(bent: Bool, done: int) -> tuple[int, int]:
    """First and one after the last of the next run of bent cells from `done` on, both at the end if there is none.

    What is left before it and up to the next run or the end is nothing or a part of its own (`FEWEST`).
    """
    cells = len(bent)
    low = done
    while low < cells and not bent[low]:
        low += 1
    high, smooth = low, 0
    while high + smooth < cells and smooth < FEWEST:
        if bent[high + smooth]:
            high, smooth = high + smooth + 1, 0
        else:
            smooth += 1
    if low < cells and low - done < FEWEST:
        low = done
    return low, cells if cells - high < FEWEST else high


@compiled
def mark_bends(axis: Float, nodes: int, parts: Float, count: int, penetrated: bool, bent: Bool) -> None:
    """Mark the cells, by their first row, that a cubic would not bridge within what `BENT` allows."""
    bent[:] = False
    reach = np.empty(nodes)
    for which in range(2 if penetrated else 1):
        base = PENETRATED if which == 1 else DIRECT
        fill_reach(axis, nodes, base, reach)
        for part in range(count):
            row, rows = int(parts[part, PART_FIRST]), int(parts[part, PART_NODES])
            for k in range(rows - 1 if rows > FEWEST + 1 else 0):
                if reach[row + k] > 0.0 or reach[row + k + 1] > 0.0:
                    bend = max(bend_of(axis, base, row, k, rows), bend_of(axis, base + 1, row, k, rows))
                    bent[row + k] = bent[row + k] or bend > BENT


@compiled
def fill_reach(axis: Float, nodes: int, base: int, reach: Float) -> None:
    """Fill how far, in logarithms, the value of each row stands above what matters (`MATTERS`)."""
    largest = NOTHING
    for row in range(nodes - 1, -1, -1):
        here = axis[row, base] + math.log(axis[row, base + 1])
        largest = max(largest, here)
        reach[row] = here - largest + MATTERS if here > 0.5 * NOTHING else 0.0


@compiled
def bend_of(axis: Float, column: int, row: int, k: int, rows: int) -> float:
    """Fourth difference at cell `k` of a part that begins at `row`, of logarithms.

    A kink bends both five rows that hold the four of its own cell, and those of its two neighbours, and of no other
    cell: the smaller of the two tells.
    """
    left = fourth_difference(axis, column, row + min(max(k - 2, 0), rows - 5))
    right = fourth_difference(axis, column, row + min(max(k - 1, 0), rows - 5))
    scale = 1.0 if column in (DIRECT, PENETRATED) else axis[row + k, column]
    return min(abs(left), abs(right)) / scale


@compiled
def fourth_difference(axis: Float, column: int, row: int) -> float:
    """Of five rows of a column from `row` on."""
    ends = axis[row, column] + axis[row + 4, column]
    return ends - 4.0 * (axis[row + 1, column] + axis[row + 3, column]) + 6.0 * axis[row + 2, column]
