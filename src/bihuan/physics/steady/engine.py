"""The steady engine as a forward model of tracing: unit responses under the winds of stations."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, Plane, Ref, Source, Weather
from bihuan.physics.sources import source_table
from bihuan.physics.steady import state_kernels as k
from bihuan.physics.steady.axis_kernels import MOST_PARTS, RANDOM, SPREAD_OUT
from bihuan.physics.steady.boundary import LEVELS
from bihuan.physics.steady.classes import class_layer
from bihuan.physics.steady.response_kernels import empty_tables, fill_tables, look_up

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Tables = tuple[Float, Float, Int, NDArray[np.bool_]]

REACH = (2.0, 60_000.0)
"""First and last distance of a table. [m]"""
STEP = 0.1
"""Of a table, in the logarithm of the distance: twice that of `SteadyPlume`, for half the work."""
CALM = 0.5
"""Below this speed a plume goes everywhere. [m/s]"""
AROUND = 24
"""Directions that stand for everywhere."""
SPEED_STEP, LID_STEP, WARM_STEP = 0.06, 0.25, 5.0
"""Winds within this are one kind of air: of the logarithms of speed and mixing height, and of the temperature [K].
A concentration moves by half of the first at most, 3 %."""
STANDARD_AIR = 293.15
"""Air temperature where none was measured. [K]"""
ROUGH = {True: 1.0, False: 0.03}
"""Roughness of a city and of open country. [m]"""
KEPT = 64
"""Kinds of air whose tables are kept."""


class EnginePlume:
    """The engine of `SteadyPlume` behind the contract of `bihuan.core.ForwardModel`.

    Parameters
    ----------
    plane : Plane
    urban : bool
        Whether the ground is a city's; sets the roughness unless it is given.
    receptor_height : float
        [m]
    roughness : float, optional
        [m]
    meander : bool
        Whether the random part of the plume is in it, which stands for winds that turn within the hour (eqs. 71-73).
        Left out by default: whoever traces sums over errors of the direction and looks at minutes, and with it each
        turn of the wind would count twice.

    Notes
    -----
    The class of the hour becomes an Obukhov length (`classes`), wind and roughness a friction velocity, and these the
    profiles of the engine. Periods with the same air share their tables whatever the direction, and the tables of the
    last `KEPT` kinds of air are kept, so tracing an event again costs look-ups. Below 0.5 m/s the plume is spread over
    all directions. NaN where speed is missing, or direction is missing in a wind.

    References
    ----------
    EPA-454/B-24-010.
    """

    method = "steady-engine/2"

    def __init__(
        self, plane: Plane, *, urban: bool = False, receptor_height: float = 0.0, roughness: float | None = None,
        meander: bool = False,
    ) -> None:  # fmt: skip
        self.plane, self.receptor_height, self.meander = plane, receptor_height, meander
        self.roughness = ROUGH[urban] if roughness is None else roughness
        if not self.roughness > 0.0:
            raise InputError(f"roughness {roughness} m: it must be above 0")
        self._kept: OrderedDict[bytes, Tables] = OrderedDict()
        self._mutex = Lock()

    def unit_response(self, sources: Sequence[Source], east: Float, north: Float, weather: Weather) -> Float:
        """Return what 1 g/s of every source causes at every receptor.

        Parameters
        ----------
        sources : sequence of Source
        east, north : ndarray, shape (receptors,)
            In the plane. [m]
        weather : Weather
            One wind for the whole plane, n periods.

        Returns
        -------
        ndarray, shape (periods, receptors, sources)
            [ug/m3 per g/s]
        """
        out = np.full((len(weather), len(east), len(sources)), np.nan)
        speed = np.asarray(weather.wind_speed, dtype=np.float64)
        calm = speed < CALM
        usable = np.isfinite(speed) & (calm | np.isfinite(weather.wind_from))
        if not (usable.any() and len(sources) and len(east)):
            return out
        rows, rings, areas = _rows(sources, self.plane)
        kinds, kind_of = _kinds(rows)
        places = np.column_stack([east, north, np.full(len(east), self.receptor_height)]).astype(np.float64)
        airs, air_of = _airs(weather, usable)
        for n, air in enumerate(airs):
            tables = self._tables(kinds, air, float(weather.height))
            for blowing in (True, False):
                which = np.flatnonzero(usable)[(air_of == n) & (calm[usable] != blowing)]
                if not len(which):
                    continue
                turned = np.asarray(weather.wind_from)[which] if blowing else np.arange(AROUND) * 360.0 / AROUND
                found = np.zeros((len(turned), len(sources), len(east)))
                look_up(rows, kind_of, rings, areas, np.radians(turned), places, *tables, found)
                out[which] = (found if blowing else found.mean(axis=0, keepdims=True)).transpose(0, 2, 1)
        return out

    def warm(self) -> None:
        """Compile the loops, or read them from disk, before anybody waits for them."""
        start = np.array(["2000-01-01"], dtype="datetime64[us]")
        one = np.ones(1)
        source = Source(Ref("outlet", "warm"), "", self.plane.centre, "stack", height=10.0)
        for stability in (0, 4):
            air = np.array([stability])
            end = np.array(["2000-01-01T01"], dtype="datetime64[us]")
            weather = Weather(start, end, 3 * one, 0 * one, air, 290 * one, 800 * one)
            self.unit_response([source], np.array([0.0]), np.array([-500.0]), weather)

    def _tables(self, kinds: Float, air: Float, height: float) -> Tables:
        """Tables of every kind of source in one kind of air, kept."""
        key = kinds.tobytes() + air.tobytes() + np.float64(height).tobytes()
        with self._mutex:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._made(kinds, air, height)
        with self._mutex:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _made(self, kinds: Float, air: Float, height: float) -> Tables:
        speed, stability, temperature, lid = air
        layer = class_layer(
            np.array([speed]), np.array([360.0]), np.array([int(stability)]), np.array([temperature]),
            np.array([lid]), height=height, roughness=self.roughness,
        )  # fmt: skip
        rows = int(np.log(REACH[1] / REACH[0]) / STEP) + 8 * MOST_PARTS
        tables = empty_tables(len(kinds), rows)
        fill_tables(
            kinds, layer.hours[0], LEVELS, layer.profiles[0], layer.sums[0], self.receptor_height, REACH, STEP, *tables
        )
        if not self.meander:
            tables[0][:, :, [SPREAD_OUT, RANDOM]] = 0.0
        return tables


def _rows(sources: Sequence[Source], plane: Plane) -> tuple[Float, Float, Float]:
    """Rows of the engine, and corners [m] and areas [m2] of patches."""
    table = source_table(sources, plane)
    rows = np.zeros((len(table), k.SOURCE_COLUMNS))
    rows[:, [k.EAST, k.NORTH, k.HEIGHT]] = table[:, :3]
    side = table[:, 6]
    patch = side > 0
    # the usual start of a patch whose matter rises from its whole height (ISC3 user's guide, volume II, 1.2.2)
    rows[:, k.SIGMA_Z_0] = np.where(patch, table[:, 2] / 2.15, 0.0)
    rows[:, k.DIAMETER] = np.where(patch, 0.0, np.maximum(table[:, 3], 0.01))
    rows[:, k.EXIT_VELOCITY] = np.where(patch, 0.0, np.maximum(table[:, 4], 1e-5))
    # a stack without a jet blows air as warm as the air around it: 0 K above it
    jet = (table[:, 3] > 0) & (table[:, 4] > 0) & (table[:, 5] > 0)
    rows[:, k.EXIT_TEMPERATURE] = np.where(patch, 0.0, np.where(jet, table[:, 5], -1e-6))
    rows[:, k.KIND] = np.where(patch, k.AREA, np.where(jet, k.UPRIGHT, k.NO_DOWNWASH))
    corners = np.array([(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)])
    rings = table[:, None, :2] + np.maximum(side, 1.0)[:, None, None] * corners
    return rows, np.ascontiguousarray(rings), np.maximum(side, 1.0) ** 2


def _kinds(rows: Float) -> tuple[Float, Int]:
    """Rows that differ in more than where they stand, and which of them each source is."""
    bare = rows.copy()
    bare[:, [k.EAST, k.NORTH]] = 0.0
    kinds, of = np.unique(bare, axis=0, return_inverse=True)
    return np.ascontiguousarray(kinds), np.asarray(of, dtype=np.int64).reshape(-1)


def _airs(weather: Weather, usable: NDArray[np.bool_]) -> tuple[Float, Int]:
    """Kinds of air (speed, class, temperature, mixing height), and which of them each usable period has."""
    speed = np.maximum(np.asarray(weather.wind_speed)[usable], CALM)
    air = np.asarray(weather.temperature, dtype=np.float64)[usable]
    lid = np.asarray(weather.mixing_height, dtype=np.float64)[usable]
    with np.errstate(invalid="ignore", divide="ignore"):
        table = np.column_stack([
            np.exp(np.round(np.log(speed) / SPEED_STEP) * SPEED_STEP),
            np.asarray(weather.stability)[usable],
            np.round(np.where(np.isfinite(air), air, STANDARD_AIR) / WARM_STEP) * WARM_STEP,
            np.where(lid > 0, np.exp(np.round(np.log(lid) / LID_STEP) * LID_STEP), -1.0),
        ])  # fmt: skip
    kinds, of = np.unique(table, axis=0, return_inverse=True)
    kinds[:, 3] = np.where(kinds[:, 3] > 0, kinds[:, 3], np.nan)
    return np.ascontiguousarray(kinds), np.asarray(of, dtype=np.int64).reshape(-1)
