"""Roads as line sources, and what they need of an hour beside the profiles of other sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, SurfaceHours
from bihuan.physics.steady import profile_kernels as p
from bihuan.physics.steady import road_kernels as k
from bihuan.physics.steady.layer_kernels import LEAST_SIGMA_V, LEAST_WIND
from bihuan.physics.steady.state_kernels import ROAD

Float = NDArray[np.float64]

LEAST_ROUGHNESS = 1e-4
"""[m] (as in the source)"""


@dataclass(frozen=True, slots=True)
class RoadSource:
    """A straight piece of road, level with the ground, without barriers (RLINE).

    Attributes
    ----------
    name : str
    start, end : (float, float)
        Of its axis, east and north. [m]
    width : float
        Of the lanes that emit. [m]
    height : float
        Of release. [m]
    sigma_z : float
        Initial vertical spread, by the wakes of the vehicles. [m]
    city : int
        Which city's air it is in, counted from 1; 0 is open country.

    Raises
    ------
    InputError
        If it has no length or no width, or a height or spread below 0.

    Notes
    -----
    An emission is that of the whole piece in g/s: g/s/m times `length`, or g/s/m2 times `area`. Unlike an
    `AreaSource.line` it has spreads of its own for releases near the ground, and meander.
    """

    name: str
    start: tuple[float, float]
    end: tuple[float, float]
    width: float
    height: float = 0.0
    sigma_z: float = 0.0
    city: int = 0

    def __post_init__(self) -> None:
        if not self.length > 0.0:
            raise InputError(f"source {self.name}: a road from {self.start} to {self.end} has no length")
        if not self.width > 0.0:
            raise InputError(f"source {self.name}: width {self.width} m of a road: it must be above 0")
        if not (self.height >= 0.0 and self.sigma_z >= 0.0):
            raise InputError(
                f"source {self.name}: height {self.height} m and initial spread {self.sigma_z} m of a road: neither "
                "may be below 0"
            )

    @property
    def length(self) -> float:
        """[m]"""
        return math.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1])

    @property
    def area(self) -> float:
        """[m2]"""
        return self.length * self.width

    @property
    def ring(self) -> tuple[tuple[float, float], ...]:
        """Its two ends. [m]"""
        return (self.start, self.end)

    @property
    def row(self) -> tuple[float, ...]:
        """Its row in the table of sources."""
        east, north = (0.5 * (self.start[axis] + self.end[axis]) for axis in (0, 1))
        return (east, north, self.height, 0.0, 0.0, 0.0, float(ROAD), 0.5 * self.width, self.sigma_z)

    def holds(self, east: Float, north: Float) -> NDArray[np.bool_]:
        """Return which places are on the lanes."""
        along = ((self.end[0] - self.start[0]) / self.length, (self.end[1] - self.start[1]) / self.length)
        dx, dy = east - self.start[0], north - self.start[1]
        foot, off = dx * along[0] + dy * along[1], np.abs(dx * along[1] - dy * along[0])
        found: NDArray[np.bool_] = (foot >= 0.0) & (foot <= self.length) & (off <= 0.5 * self.width)
        return found


def ground_of(surface: SurfaceHours, hours: Float, profiles: Float, levels: Float, roughness: Float) -> Float:
    """Return what roads need of every hour, columns of `road_kernels`.

    Roads do not use the profile of the wind but one of their own through the measured reference wind, over
    surroundings of a roughness and a displacement height.

    Parameters
    ----------
    surface : SurfaceHours
    hours, profiles, levels : ndarray
        Of a `BoundaryLayer`.
    roughness : ndarray, shape (hours,)
        Of the surroundings. [m]
    """
    found = np.zeros((len(hours), k.GROUND_COLUMNS))
    found[:, k.ROUGHNESS] = np.maximum(roughness, LEAST_ROUGHNESS)
    found[:, k.WIND_FROM] = surface.wind_from
    found[:, k.FACTOR] = 1.0
    for h in np.flatnonzero(hours[:, p.USED]):
        at = surface.wind_height[h]
        sigma_v = max(float(np.interp(at, levels, profiles[h, p.SIGMA_V])), LEAST_SIGMA_V)
        found[h, k.SIGMA_V_AT] = sigma_v
        found[h, k.LEAST] = max(k.SLOWEST * hours[h, p.FRICTION], math.sqrt(2.0) * sigma_v, LEAST_WIND)
        found[h, k.FACTOR] = surface.wind_speed[h] / k.road_wind(at, hours[h], found[h])
    return found
