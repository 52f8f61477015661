"""GCJ-02 (高德, 腾讯 and every public Chinese map) to WGS84 / CGCS2000 and back.

The offset is the published one: two sums of sines over the distance from 105 E, 35 N, turned into degrees on the
Krasovsky ellipsoid, as found in the open converters (eviltransform, coordtransform, geojson-frykit). The way back
has no closed form and is solved by fixed-point steps, which shrink the error by about 1e-3 each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Degrees = NDArray[np.float64]

_A = 6_378_245.0
"""Semi-major axis of the Krasovsky 1940 ellipsoid. [m]"""
_E2 = 0.00669342162296594323
"""Its squared eccentricity."""
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
"""Outside this box GCJ-02 is WGS84. [degrees]"""
_STEPS = 6
"""0.6 km x (1e-3)**6 is far below the 1e-7 degrees that anyone prints."""


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Shift WGS84 coordinates as a Chinese map would.

    Parameters
    ----------
    lon, lat : array_like of float
        [degrees]

    Returns
    -------
    lon, lat : ndarray of float64, same shape
        [degrees]
    """
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    east, north = _offset(x, y)
    return x + east, y + north


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Undo the shift; the result shifted again is the input to better than a millimetre.

    Parameters
    ----------
    lon, lat : array_like of float
        [degrees]

    Returns
    -------
    lon, lat : ndarray of float64, same shape
        [degrees]
    """
    shifted_x, shifted_y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    x, y = shifted_x, shifted_y
    for _ in range(_STEPS):
        east, north = _offset(x, y)
        x, y = shifted_x - east, shifted_y - north
    return x, y


def _offset(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    x, y = lon - 105.0, lat - 35.0
    root, pi = np.sqrt(np.abs(x)), np.pi
    waves = (20 * np.sin(6 * pi * x) + 20 * np.sin(2 * pi * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north = north + (20 * np.sin(pi * y) + 40 * np.sin(pi * y / 3)) * 2 / 3
    north = north + (160 * np.sin(pi * y / 12) + 320 * np.sin(pi * y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east = east + (20 * np.sin(pi * x) + 40 * np.sin(pi * x / 3)) * 2 / 3
    east = east + (150 * np.sin(pi * x / 12) + 300 * np.sin(pi * x / 30)) * 2 / 3
    latitude = np.radians(lat)
    magic = 1 - _E2 * np.sin(latitude) ** 2
    inside = (lon >= _WEST) & (lon <= _EAST) & (lat >= _SOUTH) & (lat <= _NORTH)
    east = np.degrees(east / (_A / np.sqrt(magic) * np.cos(latitude)))
    north = np.degrees(north / (_A * (1 - _E2) / (magic * np.sqrt(magic))))
    return np.where(inside, east, 0.0), np.where(inside, north, 0.0)
