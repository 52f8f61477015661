"""A station against the stations around it: robust, so that one bad neighbour does not decide."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bihuan.core import EARTH_RADIUS

Float = NDArray[np.float64]
Int = NDArray[np.int64]

FEW = 256
"""Up to so many sites are all compared with each other."""

LEEWAY = 0.01
"""Most by which the plane distance of near sites differs from that through the Earth, a share; at 45 degrees and 100 km
it is 0.0003."""


def nearest(lon: Float, lat: Float, radius: float, most: int) -> Int:
    """Return the nearest other sites of each site.

    Parameters
    ----------
    lon, lat : ndarray, shape (n,)
        [degrees]
    radius : float
        Farther ones do not count. [m]
    most : int

    Returns
    -------
    ndarray of int64, shape (n, most)
        Row numbers, nearest first; -1 where there is none.
    """
    return _nearest(lon.tobytes(), lat.tobytes(), radius, most)


@lru_cache(maxsize=64)
def _nearest(lon_bytes: bytes, lat_bytes: bytes, radius: float, most: int) -> Int:
    """Cached, because the same stations report every five minutes."""
    lon, lat = np.frombuffer(lon_bytes), np.frombuffer(lat_bytes)
    if len(lon) <= FEW:
        return _among_all(lon, lat, np.arange(len(lon)), radius, most)
    return _by_tree(lon, lat, radius, most)


def _among_all(lon: Float, lat: Float, rows: Int, radius: float, most: int) -> Int:
    """Compare some sites with every other one."""
    distance = _distance(lon[rows][:, None], lat[rows][:, None], lon[None], lat[None])
    distance[np.arange(len(rows)), rows] = np.inf
    order = np.argsort(distance, axis=1, kind="stable")[:, :most]
    found = np.where(np.take_along_axis(distance, order, axis=1) <= radius, order, -1)
    return np.pad(found, ((0, 0), (0, most - found.shape[1])), constant_values=-1)


def _by_tree(lon: Float, lat: Float, radius: float, most: int) -> Int:
    """Ask a tree for candidates and put them in the order of `_distance`; what is not certain is compared with all.

    The tree measures straight through the Earth. Sites it left out are at least as far as the last one it named, but
    for `LEEWAY`; a row whose answer could change by that is looked at in full.
    """
    rad = np.pi / 180
    points = np.column_stack([np.cos(lat * rad) * np.cos(lon * rad), np.cos(lat * rad) * np.sin(lon * rad)])
    points = np.column_stack([points, np.sin(lat * rad)]) * EARTH_RADIUS
    asked = min(2 * most + 1, len(lon))
    chord, candidates = cKDTree(points).query(points, k=asked)
    candidates = np.sort(candidates.astype(np.int64), axis=1)  # ties go to the first by number
    own = np.arange(len(lon))[:, None]
    distance = _distance(lon[own], lat[own], lon[candidates], lat[candidates])
    distance[candidates == own] = np.inf
    order = np.argsort(distance, axis=1, kind="stable")[:, :most]
    distance = np.take_along_axis(distance, order, axis=1)
    found = np.where(distance <= radius, np.take_along_axis(candidates, order, axis=1), -1)
    found = np.pad(found, ((0, 0), (0, most - found.shape[1])), constant_values=-1)
    reach = np.minimum(distance[:, -1], radius)
    doubtful = np.flatnonzero(reach >= chord[:, -1] * (1 - LEEWAY))
    for at in range(0, len(doubtful), FEW):
        rows = doubtful[at : at + FEW]
        found[rows] = _among_all(lon, lat, rows, radius, most)
    return found


def _distance(lon: Float, lat: Float, other_lon: Float, other_lat: Float) -> Float:
    rad = np.pi / 180
    north = (lat - other_lat) * rad
    east = (lon - other_lon) * rad * np.cos((lat + other_lat) / 2 * rad)
    return np.hypot(north, east) * EARTH_RADIUS


def median_last(values: Float) -> tuple[Float, Int]:
    """Return median and count of the finite values along the last axis; NaN where there is none.

    `numpy.nanmedian` walks small axes one by one; sorting puts NaN last and serves all at once.
    """
    ordered = np.sort(values, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1)
    low = np.maximum((count - 1) // 2, 0)[..., None]
    high = np.minimum(count // 2, np.maximum(count - 1, 0))[..., None]
    middle = (np.take_along_axis(ordered, low, -1) + np.take_along_axis(ordered, high, -1))[..., 0] / 2
    return np.where(count > 0, middle, np.nan), count


def divergent(part: pl.DataFrame, code: str, setting: dict[str, Any]) -> pl.Series:
    """Return the rows of one pollutant, stat and interval that diverge from their neighbours."""
    sites = part.select("site", "lon", "lat").unique("site", keep="first", maintain_order=True).sort("site")
    starts = part["start"].unique().sort()
    column = part["site"].replace_strict(sites["site"], np.arange(len(sites)), return_dtype=pl.Int64).to_numpy()
    line = starts.search_sorted(part["start"]).to_numpy().astype(np.int64)
    value = part["value"].to_numpy()
    wide = np.full((len(starts), len(sites)), np.nan)
    wide[line, column] = value
    around = nearest(sites["lon"].to_numpy(), sites["lat"].to_numpy(), float(setting["radius"]), int(setting["most"]))
    padded = np.concatenate([wide, np.full((len(starts), 1), np.nan)], axis=1)
    others = padded[:, around]  # -1 takes the padding
    median, count = median_last(others)
    spread = 1.4826 * median_last(np.abs(others - median[..., None]))[0]
    middle, wideness, enough = median[line, column], spread[line, column], count[line, column] >= int(setting["least"])
    above, far = float(setting["above"][code]), float(setting["spreads"]) * wideness
    high = value - middle > np.maximum(np.maximum(above, float(setting["times"]) * middle), far)
    low = (value < float(setting["share"]) * middle) & (middle >= float(setting["median"][code]))
    low &= middle - value > far
    return part["row"].filter(pl.Series(enough & (high | low)))
