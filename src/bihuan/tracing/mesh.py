"""Where a source might stand that is in no register."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Place, Plane, Ref, Source

RINGS = (300.0, 600.0, 1000.0, 1600.0, 2500.0, 4000.0, 6500.0)
"""Distances of hidden positions from the station with the largest rise. [m]"""
BEARINGS = 24
SECTOR = 75.0
"""Hidden positions lie within this angle of upwind. [degrees]"""
HEIGHT = 12.0
"""Release height of a hidden source. [m]"""


def hidden_mesh(
    east: float, north: float, plane: Plane, wind_from: NDArray[np.float64]
) -> tuple[tuple[Source, ...], NDArray[np.float64]]:
    """Return positions upwind of a station and the share of the searched area each stands for.

    Parameters
    ----------
    east, north : float
        Of the station. [m]
    plane : Plane
    wind_from : ndarray
        Directions of the event, NaN where unknown; without any the whole circle is searched. [degrees]
    """
    winds = wind_from[np.isfinite(wind_from)]
    sources, shares = [], []
    for b in range(BEARINGS):
        bearing = 360.0 * b / BEARINGS
        apart = np.abs((winds - bearing + 180) % 360 - 180)
        if len(winds) and apart.min() > SECTOR:
            continue
        for distance in RINGS:
            angle = math.radians(bearing)
            place = plane.place(east + distance * math.sin(angle), north + distance * math.cos(angle))
            sources.append(unknown_source(place))
            shares.append(distance**2)
    return tuple(sources), np.array(shares) / sum(shares)


def unknown_source(place: Place) -> Source:
    """Return a source that nobody listed, at a place."""
    return Source(Ref("hidden", f"{place.lon:.5f},{place.lat:.5f}"), "", place, "stack", height=HEIGHT)
