"""Winds on a grid of longitudes and latitudes, as a file of a weather model holds them: one form for all axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bihuan.core.errors import InputError

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GriddedWind:
    """Winds on a grid, every axis ascending; made by `gridded_wind`.

    Attributes
    ----------
    time : ndarray of datetime64[s], shape (t,)
        Instants, UTC. A single one is a wind that never changes.
    lon, lat : ndarray, shape (x,), (y,)
        [degrees]; a grid around the globe has its first column once more at the end.
    u, v : ndarray, shape (t, z, y, x)
        Towards east and north, NaN where missing. [m/s]
    pressure : ndarray of shape (z,), or None
        Of the levels, None where there is one layer of no told pressure. [hPa]
    omega : ndarray of shape (t, z, y, x), or None
        Vertical wind, above 0 downwards. [Pa/s]
    name : str
        Of the file, for messages.
    """

    time: NDArray[np.datetime64]
    lon: Float
    lat: Float
    u: Float
    v: Float
    pressure: Float | None
    omega: Float | None
    name: str

    @property
    def around(self) -> bool:
        """Whether the grid closes around the globe."""
        return bool(self.lon[-1] - self.lon[0] >= 360.0 - 1e-9)


def gridded_wind(
    time: ArrayLike,
    lon: ArrayLike,
    lat: ArrayLike,
    u: ArrayLike,
    v: ArrayLike,
    *,
    pressure: ArrayLike | None = None,
    omega: ArrayLike | None = None,
    name: str = "wind",
) -> GriddedWind:
    """Bring winds into one form, whichever way their axes run.

    Parameters
    ----------
    time : array of datetime64, shape (t,)
    lon, lat : array, shape (x,), (y,)
        Ascending or descending, longitudes from 0 to 360 or -180 to 180, also across 180. [degrees]
    u, v : array, shape (t, z, y, x), or (t, y, x) without levels
        [m/s]
    pressure : array, shape (z,), optional
        Ascending or descending. [hPa]
    omega : array, shape of `u`, optional
        [Pa/s]
    name : str

    Raises
    ------
    InputError
        If shapes do not fit, or an axis neither ascends nor descends.
    """
    times = np.asarray(time, dtype="datetime64[s]")
    x = np.rad2deg(np.unwrap(np.deg2rad(np.asarray(lon, dtype=np.float64))))
    y = np.asarray(lat, dtype=np.float64)
    z = None if pressure is None else np.asarray(pressure, dtype=np.float64)
    if omega is not None and z is None:
        raise InputError(f"{name} has a vertical wind and no pressures of its levels: name the levels, or leave it out")
    fields = [_four(name, field, z is None) for field in (u, v, omega) if field is not None]
    want = (len(times), 1 if z is None else len(z), len(y), len(x))
    for field in fields:
        if field.shape != want:
            raise InputError(f"{name}: winds of shape {field.shape} on axes of lengths {want} (time, level, lat, lon)")
    if len(x) < 2 or len(y) < 2 or not len(times):
        raise InputError(f"{name} has {len(x)} longitudes, {len(y)} latitudes, {len(times)} times: 2, 2 and 1 at least")
    if np.abs(y).max() > 90.0 or (z is not None and z.min() <= 0):
        raise InputError(f"{name}: latitudes lie within 90 degrees and pressures above 0 hPa; the axes may be swapped")
    steps = times.astype(np.int64).astype(np.float64)
    for axis, (what, values) in enumerate([("time", steps), ("pressure", z), ("latitude", y), ("longitude", x)]):
        if values is None or _ascends(name, what, values):
            continue
        fields = [np.flip(field, axis) for field in fields]
    times, x, y = np.sort(times), np.sort(x), np.sort(y)
    z = None if z is None else np.sort(z)
    x = x - 360.0 * np.round((x[0] + x[-1]) / 720.0)
    if 360.0 - 1e-6 > x[-1] - x[0] >= 360.0 - 1.5 * float(np.diff(x).max()):
        x = np.append(x, x[0] + 360.0)
        fields = [np.concatenate([field, field[..., :1]], axis=-1) for field in fields]
    fields = [np.ascontiguousarray(field) for field in fields]
    return GriddedWind(times, x, y, fields[0], fields[1], z, fields[2] if len(fields) > 2 else None, name)


def _four(name: str, field: ArrayLike, flat: bool) -> Float:
    values = np.asarray(field, dtype=np.float64)
    if flat and values.ndim == 3:
        values = values[:, None]
    if values.ndim != 4:
        raise InputError(f"{name}: a wind has {values.ndim} dimensions; time, (level,) latitude, longitude are needed")
    return values


def _ascends(name: str, what: str, values: Float) -> bool:
    steps = np.diff(values)
    if not np.isfinite(values).all() or not ((steps > 0).all() or (steps < 0).all()):
        raise InputError(f"{name}: its {what} neither ascends nor descends throughout: sort the file by {what}")
    return not len(steps) or bool(steps[0] > 0)
