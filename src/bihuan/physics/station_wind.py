"""Winds of stations laid on a grid, so that trajectories can follow them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bihuan.core import GriddedWind, InputError, gridded_wind

Float = NDArray[np.float64]

POWER = 2.0
"""Weight of a station: one over its distance to this power."""

NEAREST = 200.0
"""Distances below this count as this, so that no station's wind stands alone like a needle. [m]"""

MOST = 4_000_000
"""Nodes times instants of a grid."""


def station_wind(
    time: ArrayLike,
    lon: ArrayLike,
    lat: ArrayLike,
    wind_speed: ArrayLike,
    wind_from: ArrayLike,
    *,
    spacing: float = 0.02,
    margin: float = 0.2,
) -> GriddedWind:
    """Lay winds of stations on a grid by inverse squared distance of their vectors.

    Parameters
    ----------
    time : array of datetime64, shape (t,)
        UTC.
    lon, lat : array, shape (stations,)
        [degrees]
    wind_speed, wind_from : array, shape (t, stations)
        NaN where missing; a calm needs no direction. [m/s], [degrees]
    spacing : float
        Of the nodes. [degrees of latitude; of longitude as wide in metres]
    margin : float
        How far the grid reaches beyond the outermost stations: farther off their winds say nothing. [degrees]

    Returns
    -------
    GriddedWind
        One layer; NaN at instants at which no station spoke, where trajectories end.

    Raises
    ------
    InputError
        If shapes do not fit, no station has a place, or the grid would be too large.
    """
    x, y = np.asarray(lon, float), np.asarray(lat, float)
    speed, origin = np.asarray(wind_speed, float), np.radians(np.asarray(wind_from, float))
    times = np.asarray(time, "datetime64[s]")
    if speed.shape != (len(times), len(x)) or origin.shape != speed.shape or y.shape != x.shape or not len(x):
        raise InputError(
            f"winds of shape {speed.shape} and {origin.shape} of {len(x)} stations at {len(times)} times: "
            "give (times, stations)"
        )
    if not (spacing > 0 and margin >= spacing):
        raise InputError(f"spacing {spacing} and margin {margin} degrees: a margin is at least one spacing above 0")
    narrow = max(float(np.cos(np.radians(y.mean()))), 0.05)
    east = np.arange(x.min() - margin / narrow, x.max() + margin / narrow + spacing / narrow, spacing / narrow)
    north = np.arange(max(y.min() - margin, -90.0), min(y.max() + margin + spacing, 90.0), spacing)
    if len(east) * len(north) * len(times) > MOST:
        raise InputError(f"a grid of {len(east)} x {len(north)} x {len(times)} is too large: take a wider spacing")
    calm = speed == 0.0
    u = np.where(calm, 0.0, -speed * np.sin(origin))
    v = np.where(calm, 0.0, -speed * np.cos(origin))
    weight = _weights(x, y, east, north, narrow)
    known = np.isfinite(u) & np.isfinite(v)
    total = known @ weight.T
    with np.errstate(invalid="ignore"):
        on_grid = [(np.where(known, part, 0.0) @ weight.T) / np.where(total > 0, total, np.nan) for part in (u, v)]
    shape = (len(times), len(north), len(east))
    return gridded_wind(
        times, east, north, on_grid[0].reshape(shape), on_grid[1].reshape(shape), name="winds of stations"
    )


def _weights(x: Float, y: Float, east: Float, north: Float, narrow: float) -> Float:
    """Of each station at each node, shape (nodes, stations)."""
    metres = 111_195.0  # of a degree of latitude on the mean sphere
    gx, gy = (part.ravel() for part in np.meshgrid(east, north))
    away = np.hypot((gx[:, None] - x) * narrow, gy[:, None] - y) * metres
    return np.asarray(np.maximum(away, NEAREST) ** -POWER)
