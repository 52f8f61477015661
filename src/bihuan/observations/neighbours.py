"""A station against the stations around it: robust, so that one bad neighbour does not decide."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import EARTH_RADIUS

Float = NDArray[np.float64]
Int = NDArray[np.int64]


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
    rad = np.pi / 180
    north = np.subtract.outer(lat, lat) * rad
    east = np.subtract.outer(lon, lon) * rad * np.cos(np.add.outer(lat, lat) / 2 * rad)
    distance = np.hypot(north, east) * EARTH_RADIUS
    np.fill_diagonal(distance, np.inf)
    order = np.argsort(distance, axis=1, kind="stable")[:, :most]
    found = np.where(np.take_along_axis(distance, order, axis=1) <= radius, order, -1)
    if found.shape[1] < most:
        found = np.pad(found, ((0, 0), (0, most - found.shape[1])), constant_values=-1)
    return found


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
