"""Compiled walk of puffs: each carries the mass of one step, moves with the minute's wind and grows with its age."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# Columns of a table over the age of a puff.
AGE, WAY, WIDTH, STANDS = range(4)
"""Logarithm of the age [s], way [m], logarithm of the spread [m] and of share times vertical term [ug/m per g]."""
AGE_COLUMNS = 4

YOUNGEST = 0.5
"""The first piece of a way ends at this age at the latest. [s]"""
GROWTH = 1.12
"""Within a piece of its way a puff grows older by this factor at most; its spread is that of the middle."""
NEAR_BY = 4.0
"""The vertical term is taken no farther along the wind than by this factor from a puff's own way."""
FAR = 5.0
"""Spreads from the way of a puff beyond which nothing is added."""


@compiled
def at_age(age: float, table: Float) -> tuple[float, float]:
    """Way and spread at an age, linear between rows in the logarithm of the age. [m]"""
    t = math.log(max(age, 1e-9))
    count = len(table)
    k = min(max(int(np.searchsorted(table[:, AGE], t)) - 1, 0), count - 2)
    u = (t - table[k, AGE]) / (table[k + 1, AGE] - table[k, AGE])
    if u < 0.0:  # younger than the table: as fast and as slender as in its first row
        share = max(age, 1e-9) / math.exp(table[0, AGE])
        return table[0, WAY] * share, max(math.exp(table[0, WIDTH]) * share, 1e-3)
    u = min(u, 1.0)
    way = table[k, WAY] + u * (table[k + 1, WAY] - table[k, WAY])
    return way, math.exp(table[k, WIDTH] + u * (table[k + 1, WIDTH] - table[k, WIDTH]))


@compiled
def at_way(way: float, table: Float) -> float:
    """Share times vertical term at a way. [ug/m per g]"""
    k = min(max(int(np.searchsorted(table[:, WAY], way)) - 1, 0), len(table) - 2)
    u = min(max((way - table[k, WAY]) / max(table[k + 1, WAY] - table[k, WAY], 1e-9), 0.0), 1.0)
    return math.exp(table[k, STANDS] + u * (table[k + 1, STANDS] - table[k, STANDS]))


@compiled
def add_puffs(
    tables: Float, table_of: Int, east: float, north: float, mass: Float, winds: Float, step: float, chosen: Int,
    receptors: Float, out: Float,
) -> None:  # fmt: skip
    """Add the puffs of one source, one each step, to the means of every step.

    Parameters
    ----------
    tables : ndarray, shape (hours, rows, AGE_COLUMNS)
        Of this source; a puff keeps the air of the hour in which it was released.
    table_of : ndarray of int64, shape (steps,)
        Which of them a puff of each step takes; below 0 for none.
    east, north : float
        Of the source. [m]
    mass : ndarray, shape (steps,)
        Released in each step. [g]
    winds : ndarray, shape (steps, 3)
        East and north component of the way of the air, and how many times as fast as the hour's wind it goes.
    step : float
        [s]
    chosen : ndarray of int64
        Receptors of the height of these tables.
    receptors : ndarray, shape (receptors, 3)
        [m]
    out : ndarray, shape (steps, receptors)
        Added to: mean of each step. [ug/m3]
    """
    steps = len(mass)
    for s in range(steps):
        if mass[s] == 0.0 or table_of[s] < 0:
            continue
        table = tables[table_of[s]]
        oldest = math.exp(table[-1, AGE])
        x, y, age = east, north, 0.0
        for t in range(s, steps):
            left = step
            while left > 1e-9:
                piece = min(left, max(YOUNGEST - age, (GROWTH - 1.0) * age))
                x, y = pass_by(table, age, piece, x, y, winds[t], mass[s] * piece / step, chosen, receptors, out[t])
                age += piece
                left -= piece
            if age > oldest:
                break


@compiled
def pass_by(
    table: Float, age: float, piece: float, x: float, y: float, wind: Float, mass: float, chosen: Int,
    receptors: Float, out: Float,
) -> tuple[float, float]:  # fmt: skip
    """Add one straight piece of a puff's way, integrated exactly, and return where it ends; `mass` is mass times the
    share of the step that the piece takes."""
    before, after = at_age(age, table)[0], at_age(age + piece, table)[0]
    middle = age + 0.5 * piece
    centre, spread = at_age(middle, table)
    length = (after - before) * wind[2]
    for r in chosen:
        dx, dy = receptors[r, 0] - x, receptors[r, 1] - y
        across = dx * wind[1] - dy * wind[0]
        if abs(across) > FAR * spread:
            continue
        along = dx * wind[0] + dy * wind[1]
        if along < -FAR * spread or along > length + FAR * spread:
            continue
        # the vertical term belongs to the air at the receptor: it varies along the wind faster than the spread does
        way = before + along / max(wind[2], 0.1)
        stands = at_way(min(max(way, centre / NEAR_BY), centre * NEAR_BY), table)
        root = math.sqrt(2.0) * spread
        if length > 1e-3 * spread:
            share = 0.5 * (math.erf(along / root) - math.erf((along - length) / root)) / length
        else:
            share = math.exp(-((along / root) ** 2)) / (math.sqrt(2.0 * math.pi) * spread)
        out[r] += mass * stands * share * math.exp(-((across / root) ** 2)) / (math.sqrt(2.0 * math.pi) * spread)
    return x + length * wind[0], y + length * wind[1]
