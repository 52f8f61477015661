"""What is left of a series when its neighbours and the other pollutants of its site have said their part.

Weather moves all stations, traffic moves all pollutants of one. A linear fit of the log of a series on the logs of both
takes that out; the middle of the neighbours is free, single neighbours and companions are held back (ridge), so that
few hours decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bihuan.observations.neighbours import median_last, nearest
from bihuan.observations.signs.window import Block, Bool, Float, Table


def around(block: Block, row: int, table: Table) -> list[int]:
    """Rows of the nearest other stations; none for an outlet, which has no neighbours.

    Parameters
    ----------
    block : Block
    row : int
    table : mapping
        With ``radius`` [m] and ``most``; where the place is not known, the first others stand for the nearest.
    """
    if block.sites[row].startswith("outlet:"):
        return []
    if not np.isfinite(block.lon[row]):
        return [k for k in range(len(block.sites)) if k != row][: int(table["most"])]
    lon, lat = (np.where(np.isfinite(one), one, 0.0) for one in (block.lon, block.lat))
    return [int(k) for k in nearest(lon, lat, float(table["radius"]), int(table["most"]))[row] if k >= 0]


def columns_of(
    block: Block, near: Sequence[int], floor: float, companions: Sequence[Float], table: Table
) -> tuple[list[Float], list[Float]]:
    """Return the columns of the fit: those that are free, and those that are held back.

    Parameters
    ----------
    block : Block
    near : sequence of int
        Rows of the neighbours; fewer than ``least`` of `table` are none.
    floor : float
        Added before the log is taken: low hours say little about a share. [unit of the pollutant]
    companions : sequence of ndarray, shape (hours,)
        Logs of other pollutants of the site.
    table : mapping
        With ``least`` and ``known``, the share of the hours that a column must have.
    """
    single, free = list(companions), []
    if len(near) >= int(table["least"]):
        others = np.log(np.maximum(block.value[list(near)], 0.0) + floor)
        middle = median_last(others.T)[0]
        free.append(middle)
        single += [one - middle for one in others]
    return free, [one for one in single if np.isfinite(one).mean() >= float(table["known"])]


def rest(value: Float, free: Sequence[Float], held: Sequence[Float], fit: Bool, ridge: float, least: int) -> Float:
    """Return a series less what a fit on its columns says, shape (hours,).

    Parameters
    ----------
    value : ndarray, shape (hours,)
        Logs, NaN where missing.
    free, held : sequence of ndarray, shape (hours,)
        Columns; where one is missing it says nothing.
    fit : ndarray of bool, shape (hours,)
        Hours that the fit may see.
    ridge : float
        By which the held ones are held back: the share of an hour's weight that each stands against.
    least : int
        Hours needed beyond the number of columns; with fewer the series is returned as it is.
    """
    made = np.array([_standard(one, fit) for one in (*free, *held)]).reshape(-1, len(value))
    seen = fit & np.isfinite(value)
    if not len(made) or seen.sum() < len(made) + least:
        return np.asarray(value)
    design = np.vstack([np.ones(len(value)), made])
    back = np.concatenate([np.full(1 + len(free), 1e-9), np.full(len(held), ridge)]) * seen.sum()
    factors = np.linalg.solve(design[:, seen] @ design[:, seen].T + np.diag(back), design[:, seen] @ value[seen])
    return np.asarray(value - factors @ design)


def _standard(value: Float, fit: Bool) -> Float:
    """A column with mean 0 and scatter 1 over the fitted hours; where it is missing it says nothing."""
    known = np.isfinite(value)
    base = value[known & fit]
    if not len(base):
        return np.zeros(len(value))
    return np.where(known, (value - float(np.mean(base))) / max(float(np.std(base)), 1e-9), 0.0)
