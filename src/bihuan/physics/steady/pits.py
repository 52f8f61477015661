"""Open pits: quarries and mines that emit below their rim."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.physics.steady.pit_kernels import within
from bihuan.physics.steady.state_kernels import PIT

Float = NDArray[np.float64]

FLAT = 4.3
"""Depth of a pit over its initial vertical spread (as in the source)."""


@dataclass(frozen=True, slots=True)
class PitSource:
    """A rectangular open pit that emits gas, or dust of which part never leaves it.

    Attributes
    ----------
    name : str
    east, north : float
        South-west corner, about which it is turned. [m]
    width, length : float
        Sides that run east and north before it is turned. [m]
    volume : float
        [m3]; over width and length it gives the depth
    angle : float
        Clockwise. [degrees]
    height : float
        Of release above the pit's floor. [m]
    grains : tuple of (float, float)
        Of dust: mass share and settling velocity [m/s] of each size; empty for gas. They decide what escapes from
        the pit; what settles from the plume afterwards is not computed here.
    city : int

    Raises
    ------
    InputError
        If it has no size, releases above its rim, or its grains' shares do not add up to 1.

    References
    ----------
    EPA-454/B-95-003b (ISC3), section 1.2.4.
    """

    name: str
    east: float
    north: float
    width: float
    length: float
    volume: float
    angle: float = 0.0
    height: float = 0.0
    grains: tuple[tuple[float, float], ...] = ()
    city: int = 0

    def __post_init__(self) -> None:
        if not (self.width > 0.0 and self.length > 0.0 and self.volume > 0.0):
            raise InputError(
                f"source {self.name}: a pit of {self.width} x {self.length} m and {self.volume} m3: all must be above 0"
            )
        if not 0.0 <= self.height <= self.depth:
            raise InputError(
                f"source {self.name}: release {self.height} m above the floor of a pit {self.depth:g} m deep: it must "
                "be between floor and rim"
            )
        shares = [share for share, _ in self.grains]
        if self.grains and not (abs(sum(shares) - 1.0) < 0.02 and min(min(grain) for grain in self.grains) >= 0.0):
            raise InputError(
                f"source {self.name}: mass shares {shares} of a pit's dust must add up to 1, and no share or settling "
                "velocity may be below 0"
            )

    @property
    def depth(self) -> float:
        """[m]"""
        return self.volume / (self.width * self.length)

    @property
    def area(self) -> float:
        """[m2]"""
        return self.width * self.length

    @property
    def ring(self) -> tuple[tuple[float, float], ...]:
        """Its corners, east and north. [m]"""
        sine, cosine = math.sin(math.radians(self.angle)), math.cos(math.radians(self.angle))
        corners = ((0.0, 0.0), (0.0, self.length), (self.width, self.length), (self.width, 0.0))
        return tuple((self.east + x * cosine + y * sine, self.north - x * sine + y * cosine) for x, y in corners)

    @property
    def row(self) -> tuple[float, ...]:
        """Its row in the table of sources."""
        ring = self.ring
        east, north = (sum(corner[axis] for corner in ring) / 4.0 for axis in (0, 1))
        drop = self.depth - self.height
        return (east, north, 0.0, drop, 0.0, 0.0, float(PIT), 0.0, self.depth / FLAT)

    def holds(self, east: Float, north: Float) -> NDArray[np.bool_]:
        """Return which places are inside."""
        ring = np.asarray(self.ring)
        return np.array([within(ring, e, n) for e, n in zip(east, north, strict=True)], dtype=np.bool_)
