"""What emits: stacks, volumes and areas, in a local metric plane; roads stand in `roads`, pits in `pits`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.physics.steady import state_kernels as k
from bihuan.physics.steady.building import Building
from bihuan.physics.steady.pits import PitSource
from bihuan.physics.steady.roads import RoadSource
from bihuan.physics.steady.run_kernels import SourceTables, WakeTables

Float = NDArray[np.float64]

Outlet = Literal["upright", "capped", "horizontal"]

_KINDS: dict[Outlet, int] = {"upright": k.UPRIGHT, "capped": k.CAPPED, "horizontal": k.HORIZONTAL}


@dataclass(frozen=True, slots=True)
class PointSource:
    """A stack.

    Attributes
    ----------
    name : str
    east, north : float
        [m]
    height, diameter : float
        [m]
    velocity : float
        Of the gas at the exit. [m/s]
    temperature : float
        Of the gas. [K]; at or below 0 it is that much above the air
    outlet : {"upright", "capped", "horizontal"}
    tip_downwash : bool
        Whether a slow plume is drawn down behind the tip of the stack.
    city : int
        Which city's air it is in, counted from 1; 0 is open country.
    building : Building, optional
        In whose wake its plume may be drawn down.

    Raises
    ------
    InputError
        If the stack ends below the ground or has no diameter, or its building lacks a dimension.
    """

    name: str
    east: float
    north: float
    height: float
    diameter: float
    velocity: float
    temperature: float
    outlet: Outlet = "upright"
    tip_downwash: bool = True
    city: int = 0
    building: Building | None = None

    def __post_init__(self) -> None:
        if not self.height >= 0.0:
            raise InputError(f"source {self.name}: stack height {self.height} m: it must not end below the ground")
        if not self.diameter > 0.0:
            raise InputError(f"source {self.name}: diameter {self.diameter} m: it must be above 0")
        if not self.velocity >= 0.0:
            raise InputError(f"source {self.name}: exit velocity {self.velocity} m/s: it must not be below 0")
        faults = [] if self.building is None else self.building.faults()
        if faults:
            raise InputError(f"source {self.name}: its building's {faults[0]}")

    @property
    def row(self) -> tuple[float, ...]:
        """Its row in the table of sources."""
        upright = self.outlet == "upright"
        kind = k.NO_DOWNWASH if upright and not self.tip_downwash else _KINDS[self.outlet]
        # a gas that stands still has no plume of its own; the model needs a trace of a velocity
        speed = max(self.velocity, 1e-5)
        return (self.east, self.north, self.height, self.diameter, speed, self.temperature, float(kind), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class VolumeSource:
    """A cloud of known size: a hall's roof vents, a transfer point, a piece of road.

    Attributes
    ----------
    name : str
    east, north, height : float
        Of its centre. [m]
    sigma_y, sigma_z : float
        Initial spreads. [m]
    city : int
    """

    name: str
    east: float
    north: float
    height: float
    sigma_y: float
    sigma_z: float
    city: int = 0

    def __post_init__(self) -> None:
        if not (self.height >= 0.0 and self.sigma_y > 0.0 and self.sigma_z > 0.0):
            raise InputError(
                f"source {self.name}: height {self.height} m must not be below 0, initial spreads {self.sigma_y} and "
                f"{self.sigma_z} m must be above 0"
            )

    @property
    def row(self) -> tuple[float, ...]:
        """Its row in the table of sources."""
        return (self.east, self.north, self.height, 0.0, 0.0, 0.0, float(k.VOLUME), self.sigma_y, self.sigma_z)


@dataclass(frozen=True, slots=True)
class AreaSource:
    """A flat area that emits evenly; make it by `polygon`, `rectangle`, `circle` or `line`.

    Attributes
    ----------
    name : str
    ring : tuple of (float, float)
        Corners in order, east and north, the first not repeated. [m]
    height : float
        Of release. [m]
    sigma_z : float
        Initial vertical spread. [m]
    city : int
    """

    name: str
    ring: tuple[tuple[float, float], ...]
    height: float
    sigma_z: float = 0.0
    city: int = 0

    def __post_init__(self) -> None:
        if len(self.ring) < 3 or not self.area > 0.0:
            raise InputError(f"source {self.name}: an area needs three corners or more and a size above 0 m2")
        if not (self.height >= 0.0 and self.sigma_z >= 0.0):
            raise InputError(f"source {self.name}: height and initial spread must not be below 0 m")

    @property
    def area(self) -> float:
        """[m2]"""
        ring = np.asarray(self.ring)
        east, north = ring[:, 0] - ring[0, 0], ring[:, 1] - ring[0, 1]
        return float(0.5 * abs((east * np.roll(north, -1) - north * np.roll(east, -1)).sum()))

    @property
    def row(self) -> tuple[float, ...]:
        """Its row in the table of sources."""
        east, north = (sum(corner[axis] for corner in self.ring) / len(self.ring) for axis in (0, 1))
        return (east, north, self.height, 0.0, 0.0, 0.0, float(k.AREA), 0.0, self.sigma_z)

    @classmethod
    def rectangle(
        cls, name: str, east: float, north: float, width: float, depth: float, *, angle: float = 0.0,
        height: float = 0.0, sigma_z: float = 0.0, city: int = 0,
    ) -> AreaSource:  # fmt: skip
        """Return a rectangle from its south-west corner, turned clockwise about it by `angle`. [m, degrees]"""
        sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
        corners = ((0.0, 0.0), (0.0, depth), (width, depth), (width, 0.0))
        ring = tuple((east + x * cosine + y * sine, north - x * sine + y * cosine) for x, y in corners)
        return cls(name, ring, height, sigma_z, city)

    @classmethod
    def circle(
        cls, name: str, east: float, north: float, radius: float, *, corners: int = 20,
        height: float = 0.0, sigma_z: float = 0.0, city: int = 0,
    ) -> AreaSource:  # fmt: skip
        """Return a regular polygon of the circle's own area. [m]"""
        turns = [2.0 * math.pi * corner / corners for corner in range(corners)]
        # the radius of the corners, so that the polygon is as large as the circle
        reach = radius * math.sqrt(2.0 * math.pi / (corners * math.sin(2.0 * math.pi / corners)))
        ring = tuple((east + reach * math.sin(turn), north + reach * math.cos(turn)) for turn in turns)
        return cls(name, ring, height, sigma_z, city)

    @classmethod
    def line(
        cls, name: str, start: tuple[float, float], end: tuple[float, float], width: float, *,
        height: float = 0.0, sigma_z: float = 0.0, city: int = 0,
    ) -> AreaSource:  # fmt: skip
        """Return a strip of a width along a straight line. [m]"""
        (e1, n1), (e2, n2) = start, end
        length = math.hypot(e2 - e1, n2 - n1)
        if not length > 0.0:
            raise InputError(f"source {name}: a line from {start} to {end} has no length")
        aside = (0.5 * width * (n2 - n1) / length, -0.5 * width * (e2 - e1) / length)
        ring = (
            (e1 + aside[0], n1 + aside[1]), (e1 - aside[0], n1 - aside[1]),
            (e2 - aside[0], n2 - aside[1]), (e2 + aside[0], n2 + aside[1]),
        )  # fmt: skip
        return cls(name, ring, height, sigma_z, city)


SteadySource = PointSource | VolumeSource | AreaSource | RoadSource | PitSource


def tables(sources: Sequence[SteadySource]) -> SourceTables:
    """Return what the compiled loops read of them."""
    rows = np.array([source.row for source in sources], dtype=np.float64).reshape(-1, k.SOURCE_COLUMNS)
    layers = np.array([source.city for source in sources], dtype=np.int64)
    rings = [np.asarray(getattr(source, "ring", np.empty((0, 2)))) for source in sources]
    first = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int64)
    corners = np.concatenate([*rings, np.empty((0, 2))]).astype(np.float64)
    areas = np.array([source.area if isinstance(source, AreaSource | PitSource) else 1.0 for source in sources])
    dust = [np.reshape(source.grains if isinstance(source, PitSource) else (), (-1, 2)) for source in sources]
    grains = np.concatenate([*dust, np.empty((0, 2))]).astype(np.float64)
    grain_first = np.concatenate([[0], np.cumsum([len(part) for part in dust])]).astype(np.int64)
    return SourceTables(rows, layers, corners, first, areas, grains, grain_first)


def wakes(sources: Sequence[SteadySource]) -> WakeTables | None:
    """Return what the compiled loops read of their buildings; None if there are none."""
    beside = [source.building if isinstance(source, PointSource) else None for source in sources]
    found = [building.rows for building in beside if building is not None]
    if not found:
        return None
    which = np.cumsum([building is not None for building in beside]) - 1
    which[[building is None for building in beside]] = -1
    return WakeTables(which.astype(np.int64), np.stack(found))
