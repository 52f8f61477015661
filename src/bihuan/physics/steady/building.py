"""Buildings beside stacks, as winds from all sides see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

DIRECTIONS = 36
"""Winds towards 10, 20 ... 360 degrees."""


@dataclass(frozen=True, slots=True)
class Building:
    """Dimensions of the building that a stack stands beside or on, one a direction the wind blows towards.

    The first is of a wind towards 10 degrees, the last towards 360. A height or width of 0 means no building in that
    direction. AERMOD names them BUILDHGT, BUILDWID, BUILDLEN, XBADJ and YBADJ; so does BPIPPRM, which makes them.

    Attributes
    ----------
    height : tuple of float
        [m]
    width : tuple of float
        Across the wind. [m]
    length : tuple of float
        Along the wind. [m]
    along : tuple of float
        From the stack downwind to the windward face, below 0 if the face is upwind. [m]
    aside : tuple of float
        From the stack to the middle of that face, to the left of someone who looks downwind. [m]

    Notes
    -----
    A `PointSource` refuses a building with `faults`, in a sentence that names the source.
    """

    height: tuple[float, ...]
    width: tuple[float, ...]
    length: tuple[float, ...]
    along: tuple[float, ...]
    aside: tuple[float, ...]

    def faults(self) -> list[str]:
        """What is wrong with it, each in half a sentence that begins with the name of a dimension."""
        found = []
        for field in fields(self):
            values = getattr(self, field.name)
            if len(values) != DIRECTIONS:
                found.append(
                    f"{field.name} has {len(values)} values: give {DIRECTIONS}, for winds towards 10 to 360 degrees"
                )
            elif not all(math.isfinite(value) for value in values):
                found.append(f"{field.name} has a value that is not a number: give metres")
            elif field.name in ("height", "width", "length") and min(values) < 0.0:
                towards = 10 * (values.index(min(values)) + 1)
                found.append(
                    f"{field.name} is {min(values):g} m for winds towards {towards} degrees: it must not be below 0"
                )
        return found or self._flat()

    def _flat(self) -> list[str]:
        seen = zip(self.height, self.width, self.length, strict=True)
        flat = [place for place, (high, wide, long) in enumerate(seen) if high > 0.0 and wide > 0.0 and not long > 0.0]
        return [f"length is 0 m for winds towards {10 * (place + 1)} degrees: it must be above 0" for place in flat]

    @property
    def rows(self) -> Float:
        """Shape (36, 5): height, width, length, along, aside. [m]"""
        return np.array([getattr(self, field.name) for field in fields(self)], dtype=np.float64).T.copy()

    @classmethod
    def everywhere(cls, height: float, width: float, length: float, along: float, aside: float) -> Building:
        """Return a building of the same dimensions whatever the wind. [m]"""
        return cls(*((value,) * DIRECTIONS for value in (height, width, length, along, aside)))

    @classmethod
    def standing(cls, ring: Sequence[tuple[float, float]], height: float, east: float, north: float) -> Building:
        """Return one building from its corners on the ground, for a stack at a place.

        It takes every wind, whatever the distance: which of several buildings counts, and from how near, is a matter
        of good engineering practice (BPIPPRM), not of this function.

        Parameters
        ----------
        ring : sequence of (float, float)
            Corners, east and north. [m]
        height : float
            Of its roof. [m]
        east, north : float
            Of the stack. [m]
        """
        corners = np.asarray(ring, dtype=np.float64) - (east, north)
        towards = np.radians(10.0 * np.arange(1, DIRECTIONS + 1))
        along = corners[:, :1] * np.sin(towards) + corners[:, 1:] * np.cos(towards)
        # as the plume counts it: of a wind towards the north, x is north and y is west
        aside = corners[:, 1:] * np.sin(towards) - corners[:, :1] * np.cos(towards)
        middle = 0.5 * (aside.max(axis=0) + aside.min(axis=0))
        columns = (np.full(DIRECTIONS, height), np.ptp(aside, axis=0), np.ptp(along, axis=0), along.min(axis=0), middle)
        return cls(*(tuple(map(float, column)) for column in columns))

    def holds(self, east: Float, north: Float, height: Float) -> Bool:
        """Whether places are inside: below its roof and between its faces whatever the wind.

        Parameters
        ----------
        east, north : ndarray
            From the stack. [m]
        height : ndarray
            Above the ground. [m]
        """
        inside: Bool = np.full(len(east), min(self.height) > 0.0)
        for place in range(DIRECTIONS):
            towards = math.radians(10.0 * (place + 1))
            sine, cosine = math.sin(towards), math.cos(towards)
            x = east * sine + north * cosine - self.along[place]
            y = north * sine - east * cosine - self.aside[place]
            across = np.abs(y) < 0.5 * self.width[place]
            inside &= (x > 0.0) & (x < self.length[place]) & across & (height < self.height[place])
        return inside
