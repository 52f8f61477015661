"""Where the air of polluted hours came over: PSCF, CWT and SQTBA of back trajectories on a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError

Float = NDArray[np.float64]
Method = Literal["pscf", "cwt", "sqtba"]

METHODS: tuple[Method, ...] = ("pscf", "cwt", "sqtba")

WEIGHTS = ((3.0, 1.0), (1.5, 0.7), (1.0, 0.4), (0.0, 0.2))
"""A cell with more than so many times the mean number of points counts with this weight: steps in use for PSCF and CWT
since Polissar et al. (1999, 2001), J. Geophys. Res. 104 D17; they are a convention, and the docs say so."""

SPREAD = 1.5
"""Growth of the standard deviation of where the air was, each hour back, as openair's trajLevel takes it by default;
Ashbaugh et al. (1985) took 5.4. [km/h]"""

MOST_CELLS = 250_000


@dataclass(frozen=True, slots=True, eq=False)
class TransportField:
    """A field on a grid of cells.

    Attributes
    ----------
    method : Method
    lon, lat : ndarray, shape (x,), (y,)
        Middles of the cells. [degrees]
    value : ndarray, shape (y, x)
        ``pscf``: share of the points that belong to high values, 0-1. ``cwt``, ``sqtba``: unit of the values. Weighted
        where the weighting is on; NaN where no (or too little) air passed.
    points : ndarray, shape (y, x)
        Of trajectories in each cell; for ``sqtba`` their summed probability.
    weight : ndarray, shape (y, x)
    threshold : float or None
        Above which a value is high, only for ``pscf``.
    used : int
        Trajectories with a value.
    """

    method: Method
    lon: Float
    lat: Float
    value: Float
    points: Float
    weight: Float
    threshold: float | None
    used: int


def transport_field(
    lon: Float,
    lat: Float,
    values: Float,
    *,
    method: Method = "pscf",
    cell: float = 0.5,
    threshold: float | None = None,
    hours: Float | None = None,
    weighted: bool = True,
    least: int = 1,
) -> TransportField:
    """Compute where the air of high values came over.

    Parameters
    ----------
    lon, lat : ndarray, shape (n, m)
        Back trajectories at even steps of time, NaN behind their end. [degrees]
    values : ndarray, shape (n,)
        Measured where and when each arrived; NaN where missing: such a trajectory is left out.
    method : Method
        ``pscf``: points of trajectories above the threshold over all points. ``cwt``: mean value of the trajectories
        by their time in the cell. ``sqtba``: the same with each point spread to a probability that widens with its age.
    cell : float
        Side of a cell. [degrees]
    threshold : float, optional
        For ``pscf``; the 75th percentile of the values without it.
    hours : ndarray, shape (m,), optional
        Age of the points, needed for ``sqtba``. [h]
    weighted : bool
        Take down cells with few points by `WEIGHTS`.
    least : int
        Cells with fewer points are NaN.

    Raises
    ------
    InputError
        If shapes do not fit, no trajectory has a value, or a number is out of range.

    References
    ----------
    Ashbaugh, Malm and Sadeh (1985), Atmos. Environ. 19, 1263-1270 (PSCF). Hsu, Holsen and Hopke (2003), Atmos.
    Environ. 37, 545-562 (CWT). Zhou, Hopke and Liu (2004), Atmos. Environ. 38, 1955-1963 (SQTBA, CWT compared).
    """
    if lon.shape != lat.shape or lon.ndim != 2 or values.shape != lon.shape[:1]:
        raise InputError(f"trajectories of shape {lon.shape} and {lat.shape} with {values.shape} values do not fit")
    if method not in METHODS:
        raise InputError(f"method {method!r} is not known: {', '.join(METHODS)}")
    if not (math.isfinite(cell) and cell > 0):
        raise InputError(f"cells of {cell} degrees: give a number above 0, 0.5 is usual")
    used = np.isfinite(values)
    if not used.any() or not np.isfinite(lon[used]).any():
        raise InputError("no trajectory has a measured value: check that both are of the same times, in UTC")
    lon, lat, values = _unwrapped(lon[used]), lat[used], values[used]
    if method == "pscf" and threshold is None:
        threshold = float(np.quantile(values, 0.75))
    x, y = _axis(lon, cell), _axis(lat, cell)
    if len(x) * len(y) > MOST_CELLS:
        raise InputError(f"{len(x)} x {len(y)} cells of {cell:g} degrees are more than {MOST_CELLS:,}: take wider ones")
    if method == "sqtba":
        total, sums = _spread(lon, lat, values, _ages(hours, lon.shape[1]), x, y)
    else:
        told = values if method == "cwt" else (values > _needed(threshold)).astype(np.float64)
        total, sums = _counted(lon, lat, told, x, y, cell)
    known = total >= (least if method != "sqtba" else 1e-6 * total.max())
    weight = _weights(total) if weighted else np.ones_like(total)
    value = np.where(known, weight * sums / np.where(total > 0, total, 1.0), np.nan)
    return TransportField(method, x, y, value, total, weight, threshold if method == "pscf" else None, int(used.sum()))


def _needed(threshold: float | None) -> float:
    if threshold is None or not math.isfinite(threshold):
        raise InputError(f"threshold {threshold}: give a number in the unit of the values")
    return threshold


def _ages(hours: Float | None, points: int) -> Float:
    if hours is None or hours.shape != (points,):
        raise InputError("sqtba needs the age of each point of the trajectories, in hours")
    return np.abs(hours)


def _unwrapped(lon: Float) -> Float:
    """Longitudes of one run, wherever the paths cross 180 degrees."""
    middle = math.degrees(math.atan2(np.nanmean(np.sin(np.radians(lon))), np.nanmean(np.cos(np.radians(lon)))))
    return np.asarray(middle + (lon - middle + 180.0) % 360.0 - 180.0)


def _axis(values: Float, cell: float) -> Float:
    low, high = math.floor(float(np.nanmin(values)) / cell), math.floor(float(np.nanmax(values)) / cell)
    return np.asarray((np.arange(low, high + 1) + 0.5) * cell, np.float64)


def _counted(lon: Float, lat: Float, told: Float, x: Float, y: Float, cell: float) -> tuple[Float, Float]:
    known = np.isfinite(lon) & np.isfinite(lat)
    column = np.clip(np.floor((lon[known] - x[0]) / cell + 0.5).astype(np.int64), 0, len(x) - 1)
    row = np.clip(np.floor((lat[known] - y[0]) / cell + 0.5).astype(np.int64), 0, len(y) - 1)
    where = row * len(x) + column
    of = np.broadcast_to(told[:, None], lon.shape)[known]
    total, sums = (np.bincount(where, weight, minlength=len(x) * len(y)) for weight in (np.ones(len(of)), of))
    shape = (len(y), len(x))
    return np.asarray(total, np.float64).reshape(shape), np.asarray(sums, np.float64).reshape(shape)


def _spread(lon: Float, lat: Float, values: Float, ages: Float, x: Float, y: Float) -> tuple[Float, Float]:
    """Sum of probabilities, and of probabilities times values: Gaussians whose sd grows by `SPREAD` an hour."""
    total, sums = np.zeros((len(y), len(x))), np.zeros((len(y), len(x)))
    for m, age in enumerate(ages):
        known = np.isfinite(lon[:, m])
        if age <= 0 or not known.any():
            continue
        sd = SPREAD * age / 111.195  # degrees of latitude
        narrow = np.cos(np.radians(lat[known, m]))[:, None]
        across = np.exp(-0.5 * (((x[None] - lon[known, m, None]) * narrow) / sd) ** 2) * narrow
        along = np.exp(-0.5 * ((y[None] - lat[known, m, None]) / sd) ** 2) / (2 * np.pi * sd * sd)
        total += along.T @ across
        sums += (along * values[known, None]).T @ across
    return total, sums


def _weights(total: Float) -> Float:
    mean = total[total > 0].mean()
    weight = np.zeros_like(total)
    for above, value in reversed(WEIGHTS):
        weight[total > above * mean] = value
    return weight
