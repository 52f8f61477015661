"""Space: lon, lat in degrees at the doors, easting and northing in metres inside physics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer

from bihuan.core.errors import InputError

EARTH_RADIUS = 6_371_008.8
"""Mean radius of the Earth. [m]"""


@dataclass(frozen=True, slots=True)
class Place:
    """A point of the ground, CGCS2000 / WGS84 (EPSG:4490 / 4326).

    Attributes
    ----------
    lon, lat : float
        [degrees]

    Raises
    ------
    InputError
        If a coordinate is outside the globe (swapped ones are named).
    """

    lon: float
    lat: float

    def __post_init__(self) -> None:
        if not (-180 <= self.lon <= 180 and -90 <= self.lat <= 90):
            hint = "; they look swapped" if -90 <= self.lon <= 90 and -180 <= self.lat <= 180 else ""
            raise InputError(
                f"place lon={self.lon} lat={self.lat} is outside the globe{hint}: "
                "longitude is -180..180 and latitude -90..90 degrees"
            )

    def distance(self, other: Place) -> float:
        """Great-circle distance to another place. [m]"""
        lat1, lat2 = math.radians(self.lat), math.radians(other.lat)
        dlon = math.radians(other.lon - self.lon)
        h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
        return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(h)))

    def bearing(self, other: Place) -> float:
        """Direction in which another place lies, clockwise from north. [degrees]"""
        lat1, lat2 = math.radians(self.lat), math.radians(other.lat)
        dlon = math.radians(other.lon - self.lon)
        east = math.sin(dlon) * math.cos(lat2)
        north = math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(dlon)
        return math.degrees(math.atan2(east, north)) % 360 % 360  # -1e-20 % 360 is 360.0


class Plane:
    """The local metric plane of a city: transverse Mercator on its centre.

    Parameters
    ----------
    centre : Place
        Gets easting 0, northing 0.
    """

    def __init__(self, centre: Place) -> None:
        self.centre = centre
        self._forward = _transformer(centre.lon, centre.lat)

    def forward(self, lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Degrees to easting, northing. [m]"""
        east, north = self._forward.transform(np.asarray(lon, float), np.asarray(lat, float))
        return np.asarray(east, float), np.asarray(north, float)

    def inverse(self, east: ArrayLike, north: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Easting, northing [m] to lon, lat in degrees."""
        lon, lat = self._forward.transform(np.asarray(east, float), np.asarray(north, float), direction="INVERSE")
        return np.asarray(lon, float), np.asarray(lat, float)

    def place(self, east: float, north: float) -> Place:
        """The place at an easting and northing. [m]"""
        lon, lat = self.inverse(east, north)
        return Place(round(float(lon), 7), round(float(lat), 7))


@lru_cache(maxsize=64)
def _transformer(lon: float, lat: float) -> Transformer:
    plane = f"+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +units=m"
    return Transformer.from_crs("EPSG:4490", plane, always_xy=True)
