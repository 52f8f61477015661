"""Trajectories: where air came from or goes to, on gridded winds, thousands at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bihuan.core import GriddedWind, InputError, NotCovered
from bihuan.physics import trajectory_kernels as kernels

Float = NDArray[np.float64]
Scheme = Literal["rk4", "petterssen"]

ENDS = ("whole", "west", "east", "south", "north", "before", "after", "top", "missing")
"""How a trajectory can end: at its full length, at a border of the grid in space or time, above the highest level, or
where the winds have a hole."""

LONGEST_STEP = 600.0
"""[s]"""

CELLS_A_STEP = 0.5
"""The fastest wind crosses no more of a cell in a step."""

SHORTEST_STEP = 30.0
"""[s]"""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectories:
    """Paths of air.

    Attributes
    ----------
    start : ndarray of datetime64[s], shape (n,)
        When each stands at its place, UTC.
    hours : ndarray, shape (m,)
        Of the points, from the start on; below 0 backwards. [h]
    lon, lat : ndarray, shape (n, m)
        NaN behind the end. Longitudes lie within -180..180. [degrees]
    pressure : ndarray of shape (n, m), or None
        [hPa]; None on a grid without levels.
    ended : ndarray of int64, shape (n,)
        Index in `ENDS`.
    end_hours, end_lon, end_lat : ndarray, shape (n,)
        The last point that was reached, on a step of its own. [h], [degrees]
    step : float
        [s]
    scheme : Scheme
    """

    start: NDArray[np.datetime64]
    hours: Float
    lon: Float
    lat: Float
    pressure: Float | None
    ended: NDArray[np.int64]
    end_hours: Float
    end_lon: Float
    end_lat: Float
    step: float
    scheme: Scheme

    def __len__(self) -> int:
        return len(self.start)

    def why(self, number: int) -> str:
        """How one ended, a word of `ENDS`."""
        return ENDS[int(self.ended[number])]


def trajectories(
    wind: GriddedWind,
    lon: ArrayLike,
    lat: ArrayLike,
    start: ArrayLike,
    hours: float,
    *,
    pressure: ArrayLike | None = None,
    backward: bool = True,
    every: float = 1.0,
    step: float | None = None,
    scheme: Scheme = "rk4",
) -> Trajectories:
    """Follow air back from places and instants, or forward.

    Parameters
    ----------
    wind : GriddedWind
    lon, lat : array of floats, shape (n,)
        Where. [degrees]
    start : array of datetime64, shape (n,)
        When, UTC.
    hours : float
        Length, a whole number of `every`. [h]
    pressure : array of floats, shape (n,), optional
        Height at the start, needed on a grid of several levels. Without a vertical wind it stays. [hPa]
    backward : bool
    every : float
        Between the points that are kept. [h]
    step : float, optional
        Of the integration; it is shortened to divide `every`. By default `LONGEST_STEP`, and less where the fastest
        wind would cross more than `CELLS_A_STEP` of a cell. [s]
    scheme : Scheme
        ``rk4``: classical Runge-Kutta, fourth order in smooth winds. ``petterssen``: second order, as in older models.

    Raises
    ------
    InputError
        If shapes do not fit, or a number is out of range.
    NotCovered
        If a start lies outside the grid in space or time.

    Notes
    -----
    Winds between the nodes are linear in longitude, latitude, pressure and time; beyond 70 degrees of latitude the
    vectors of the nodes are turned into the directions of the point first. Air that sinks below the lowest level stays
    on it. A trajectory that meets a border ends with its last whole step inside, and says which border.

    References
    ----------
    Petterssen, S. (1940), Weather Analysis and Forecasting, McGraw-Hill. Stohl, A. (1998), Computation, accuracy and
    applications of trajectories, Atmos. Environ. 32, 947-966.
    """
    x, y = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
    when = np.atleast_1d(np.asarray(start, dtype="datetime64[s]"))
    x, y, when = np.broadcast_arrays(x, y, when)
    level = _levels(wind, pressure, len(x))
    outputs = _outputs(hours, every)
    begins = (when - wind.time[0]) / np.timedelta64(1, "s")
    _inside(wind, x, y, when, level)
    length = _step(wind, every, step)
    between = math.ceil(every * 3600.0 / length - 1e-9)
    signed = every * 3600.0 / between * (-1.0 if backward else 1.0)
    states = np.column_stack([_sphere(x, y), level])
    path, last = np.full((len(x), outputs + 1, 4), np.nan), np.empty((len(x), 5))
    ended = np.zeros(len(x), np.int64)
    parts = (wind.u, wind.v) if wind.omega is None else (wind.u, wind.v, wind.omega)
    time = (wind.time - wind.time[0]) / np.timedelta64(1, "s")
    levels = np.array([level.max()]) if wind.pressure is None else wind.pressure
    kernels.follow(
        np.ascontiguousarray(states), np.ascontiguousarray(begins), outputs, between, signed, scheme == "rk4", time,
        levels, wind.lat, wind.lon, np.stack(parts), path, ended, last,
    )  # fmt: skip
    points_lon, points_lat = _degrees(path)
    end_lon, end_lat = _degrees(last)
    return Trajectories(
        start=when,
        hours=np.asarray(np.arange(outputs + 1) * every * (-1.0 if backward else 1.0), np.float64),
        lon=points_lon,
        lat=points_lat,
        pressure=None if wind.pressure is None else path[..., 3],
        ended=ended,
        end_hours=(last[:, 4] - begins) / 3600.0,
        end_lon=end_lon,
        end_lat=end_lat,
        step=abs(signed),
        scheme=scheme,
    )


def _outputs(hours: float, every: float) -> int:
    if not (math.isfinite(hours) and math.isfinite(every) and 0 < every <= hours <= 24 * 30):
        raise InputError(f"a trajectory of {hours} h with a point every {every} h: give 0 < every <= hours <= 720")
    outputs = round(hours / every)
    if abs(outputs * every - hours) > 1e-6:
        raise InputError(f"{hours} h is no whole number of {every} h: choose a length that is")
    return outputs


def _levels(wind: GriddedWind, pressure: ArrayLike | None, count: int) -> Float:
    if wind.pressure is None:
        if pressure is not None:
            raise InputError(f"{wind.name} has one layer and no pressures: leave the pressure of the start out")
        return np.zeros(count)
    if pressure is None and len(wind.pressure) > 1:
        told = ", ".join(f"{one:g}" for one in wind.pressure)
        raise InputError(f"{wind.name} has levels {told} hPa: say at which pressure the air stands at the start")
    given = wind.pressure if pressure is None else np.asarray(pressure, float)
    level = np.array(np.broadcast_to(given, (count,)), dtype=np.float64)
    if not ((level >= wind.pressure[0]) & (level <= wind.pressure[-1])).all():
        raise NotCovered(
            f"a start at {level.min():g} hPa lies outside the levels of {wind.name}, "
            f"{wind.pressure[0]:g} to {wind.pressure[-1]:g} hPa"
        )
    return level


def _inside(wind: GriddedWind, lon: Float, lat: Float, when: NDArray[np.datetime64], level: Float) -> None:
    if not len(lon):
        raise InputError("no start was given: name a place and an instant at least")
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()) or np.abs(lat).max() > 90:
        raise InputError("a start has no place on the globe: longitude -180..180, latitude -90..90 degrees")
    off = (lon - wind.lon[0]) % 360.0
    out = (off > wind.lon[-1] - wind.lon[0] + 1e-9) & (360.0 - off > 1e-9)
    out |= (lat < wind.lat[0] - 1e-9) | (lat > wind.lat[-1] + 1e-9)
    if out.any():
        k = int(np.argmax(out))
        raise NotCovered(
            f"{lon[k]:g},{lat[k]:g} lies outside the grid of {wind.name}: longitude {wind.lon[0]:g} to "
            f"{wind.lon[-1]:g}, latitude {wind.lat[0]:g} to {wind.lat[-1]:g}"
        )
    late = (when < wind.time[0]) | (when > wind.time[-1])
    if len(wind.time) > 1 and late.any():
        k = int(np.argmax(late))
        raise NotCovered(f"{when[k]} lies outside the times of {wind.name}: {wind.time[0]} to {wind.time[-1]}, UTC")


def _step(wind: GriddedWind, every: float, step: float | None) -> float:
    if step is not None:
        if not (math.isfinite(step) and step > 0):
            raise InputError(f"a step of {step} s: it must be above 0, {LONGEST_STEP:g} is usual")
        return min(step, every * 3600.0)
    known = np.isfinite(wind.u) & np.isfinite(wind.v)
    if not known.any():
        raise NotCovered(f"{wind.name} holds no wind at all: every value is missing")
    fastest = float(np.hypot(wind.u[known], wind.v[known]).max())
    cell = np.radians(min(np.diff(wind.lat).min(), np.diff(wind.lon).min())) * kernels.EARTH_RADIUS
    wanted = CELLS_A_STEP * float(cell) / max(fastest, 1.0)
    return float(np.clip(wanted, SHORTEST_STEP, min(LONGEST_STEP, every * 3600.0)))


def _sphere(lon: Float, lat: Float) -> Float:
    lam, phi = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def _degrees(state: Float) -> tuple[Float, Float]:
    lon = np.degrees(np.arctan2(state[..., 1], state[..., 0]))
    return lon, np.degrees(np.arcsin(np.clip(state[..., 2], -1.0, 1.0)))
