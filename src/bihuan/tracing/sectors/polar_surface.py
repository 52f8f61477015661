"""Bivariate polar plot: a smooth surface of the value over wind direction and speed.

Cells of direction and speed, the square root of their statistic smoothed by a thin-plate spline over ``u, v``, and
places too far from any cell left empty: as openair's polarPlot makes it (Carslaw and Beevers 2013,
doi:10.1016/j.envsoft.2012.09.005; Uria-Tellaetxe and Carslaw 2014 for CPF). The spline is `thin_plate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

from bihuan.core import InputError
from bihuan.tracing.sectors.hours import Flags, Float, Whole, WindHours, sector_of
from bihuan.tracing.sectors.rose import sectors
from bihuan.tracing.sectors.thin_plate import Smooth, basis_of, smooth

Statistic = Literal["mean", "median", "maximum", "cpf"]

SPEED_CLASSES = 30
TERMS = 100
"""Terms of the spline before smoothing."""
FEW_WEIGHTS = (0.25, 0.5, 0.75)
"""Weight of a cell of one, two and three hours; of more it is 1."""
COARSE, FINE = 51, 201
"""Side of the grid on which the spline is computed, and of that onto which it is interpolated."""
FAR = 0.05
"""Of the side of the picture: what lies farther than this from every cell is left empty."""
LEAST_CELLS = 12
"""Fewer cells of direction and speed carry no surface."""


@dataclass(frozen=True, slots=True)
class PolarSurface:
    """A smooth surface over wind direction and speed.

    Attributes
    ----------
    axis : array, (n,)
        Of both coordinates: u towards the east, v towards the north. [m/s]
    value : array, (n, n)
        Rows along v, columns along u; NaN where no hours are near. [unit of the pollutant; 1 for cpf]
    lower, upper : array, (n, n), or None
        About 95 % (two standard errors) of the surface, cells weighted by their hours.
    statistic : str
    threshold : float
        What a value had to exceed, for cpf; NaN otherwise.
    base : float
        Lowest wind speed: what the middle of the picture stands for. [m/s]
    cells, hours : int
        Cells of direction and speed with hours, and those hours.
    freedom, explained : float
        Effective degrees of freedom, and the share of the cells' variance that the surface takes up.
    """

    axis: Float
    value: Float
    lower: Float | None
    upper: Float | None
    statistic: str
    threshold: float
    base: float
    cells: int
    hours: int
    freedom: float
    explained: float


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of direction and speed, direction by direction.

    Attributes
    ----------
    u, v : array, (n,)
        Where a cell is drawn. [m/s]
    count : array of int, (n,)
    value : array, (n,)
        NaN where there are too few hours.
    top : float
        Highest wind speed above the lowest. [m/s]
    """

    u: Float
    v: Float
    count: Whole
    value: Float
    top: float


def polar_surface(
    hours: WindHours,
    statistic: Statistic = "mean",
    percentile: float = 90.0,
    *,
    width: float = 10.0,
    need: int = 1,
    uncertainty: bool = False,
) -> PolarSurface:
    """Fit a surface of a statistic over wind direction and speed.

    Parameters
    ----------
    hours : WindHours
    statistic : str
        ``cpf`` is the share of hours above a percentile of all.
    percentile : float
        For ``cpf``. [%]
    width : float
        Of a sector. [deg]
    need : int
        Hours a cell must have.
    uncertainty : bool
        Whether a band is fitted too, at the cost of a second fit.

    Returns
    -------
    PolarSurface

    Raises
    ------
    InputError
        If fewer than `LEAST_CELLS` cells have hours.
    """
    use = hours.only(hours.complete)
    if not len(use):
        raise InputError("no hour has wind, direction and value together: a surface needs hours with all three")
    base = float(use.wind_speed.min())
    limit = float(np.quantile(use.value, percentile / 100)) if statistic == "cpf" else np.nan
    cells = cells_of(use, statistic, limit, width, SPEED_CLASSES, need)
    some = np.isfinite(cells.value)
    if some.sum() < LEAST_CELLS:
        raise InputError(
            f"{int(some.sum())} cells of wind direction and speed have hours: a surface needs {LEAST_CELLS}; "
            "take a longer time"
        )
    u, v, count = cells.u[some], cells.v[some], cells.count[some]
    basis, where = basis_of(u, v, TERMS)
    root = np.sqrt(np.maximum(cells.value[some], 0.0))
    fitted = smooth(basis, where, root, few_weights(count))
    axis, seen = seen_places(u, v, cells.top)
    made = drawn(fitted, cells.top, seen)
    lower, upper = None, None
    if uncertainty:
        counted = smooth(basis, where, root, count.astype(np.float64))
        lower, upper = band(fitted, counted, cells.top, seen)
    if statistic == "cpf":
        made = np.minimum(made, 1.0)
        lower, upper = (one if one is None else np.minimum(one, 1.0) for one in (lower, upper))
    return PolarSurface(
        axis=axis,
        value=made,
        lower=lower,
        upper=upper,
        statistic=statistic,
        threshold=limit,
        base=base,
        cells=int(some.sum()),
        hours=len(use),
        freedom=fitted.freedom,
        explained=fitted.explained,
    )


def cells_of(use: WindHours, statistic: Statistic, limit: float, width: float, classes: int, need: int = 1) -> Cells:
    """Put hours into cells of direction and speed; the classes of speed divide the span from lowest to highest."""
    k = sectors(width)
    speed = use.wind_speed - use.wind_speed.min()
    top = float(speed.max())
    cell = (sector_of(use.wind_from, width) - 1) * classes + speed_class(speed, top, classes)
    size = k * classes
    count = np.bincount(cell, minlength=size)
    value = _figures(statistic, limit, cell, use.value, count)
    value = np.where(count >= max(need, 1), value, np.nan)
    radius, angle = (
        np.tile(np.linspace(0, top, classes), k),
        np.radians(np.repeat(width * np.arange(1, k + 1), classes)),
    )
    return Cells(radius * np.sin(angle), radius * np.cos(angle), count, value, top)


def speed_class(speed: Float, top: float, classes: int) -> Whole:
    """Return the class of each speed, 0 for the slowest; a class holds its upper edge."""
    edges = np.linspace(0, top, classes + 1)
    return np.clip(np.searchsorted(edges, speed, side="left") - 1, 0, classes - 1)


def few_weights(count: Whole) -> Float:
    """Return the weight of cells: what rests on an hour or two pulls less."""
    table = np.array([1.0, *FEW_WEIGHTS, 1.0])
    return table[np.minimum(count, len(table) - 1)]


def seen_places(u: Float, v: Float, top: float) -> tuple[Float, Flags]:
    """Return the axis of the picture and which of its places lie near enough to a cell."""
    axis = np.linspace(-top, top, FINE)
    unit = np.linspace(0, 1, FINE)
    side = 2 * top if top > 0 else 1.0
    tree = cKDTree(np.column_stack([(u + top) / side, (v + top) / side]))
    places = np.column_stack([np.tile(unit, FINE), np.repeat(unit, FINE)])
    distance, _ = tree.query(places, distance_upper_bound=FAR * 1.000001)
    return axis, (distance <= FAR).reshape(FINE, FINE)


def drawn(fitted: Smooth, top: float, seen: Flags) -> Float:
    """Square a surface of roots on the coarse grid and interpolate it onto the picture."""
    u, v, needed = coarse_places(top, seen)
    value = np.zeros(len(needed))
    value[needed] = fitted.predict(u[needed], v[needed]) ** 2
    return laid_out(value, seen)


def band(fitted: Smooth, counted: Smooth, top: float, seen: Flags) -> tuple[Float, Float]:
    """Return two standard errors below and above; a root below 0 is 0, not its square."""
    u, v, needed = coarse_places(top, seen)
    middle, half = np.zeros(len(needed)), np.zeros(len(needed))
    middle[needed] = fitted.predict(u[needed], v[needed])
    half[needed] = 2 * counted.deviation(u[needed], v[needed])
    return laid_out(np.maximum(middle - half, 0.0) ** 2, seen), laid_out((middle + half) ** 2, seen)


def coarse_places(top: float, seen: Flags) -> tuple[Float, Float, Flags]:
    """Return the coarse grid and which of its places anything seen is interpolated from."""
    axis = np.linspace(-top, top, COARSE)
    reached = (_stretch().T > 0) @ seen @ (_stretch() > 0)
    return np.tile(axis, COARSE), np.repeat(axis, COARSE), (reached > 0).ravel()


def laid_out(value: Float, seen: Flags) -> Float:
    """Interpolate the coarse grid onto the fine one, linearly along both axes."""
    stretch = _stretch()
    return np.where(seen, stretch @ value.reshape(COARSE, COARSE) @ stretch.T, np.nan)


def _stretch() -> Float:
    at = np.linspace(0, COARSE - 1, FINE)
    low = np.minimum(at.astype(np.int64), COARSE - 2)
    made = np.zeros((FINE, COARSE))
    rows = np.arange(FINE)
    made[rows, low] = 1 - (at - low)
    made[rows, low + 1] = at - low
    return made


def _figures(statistic: Statistic, limit: float, cell: Whole, value: Float, count: Whole) -> Float:
    size, number = len(count), np.maximum(count, 1)
    if statistic == "mean":
        made: Float = np.bincount(cell, value, size) / number
        return made
    if statistic == "cpf":
        return np.bincount(cell[value > limit], minlength=size) / number
    ordered = value[np.lexsort((value, cell))]
    last = np.cumsum(count) - 1
    first = last - count + 1
    some = count > 0
    made = np.full(size, np.nan)
    if statistic == "maximum":
        made[some] = ordered[last[some]]
    else:
        made[some] = (ordered[first[some] + (count[some] - 1) // 2] + ordered[first[some] + count[some] // 2]) / 2
    return made
