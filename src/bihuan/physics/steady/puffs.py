"""Releases shorter than an hour: puffs in the engine's boundary layer, under the winds of minutes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.physics.steady.axis_kernels import (
    AXIS_COLUMNS,
    DIRECT,
    DIRECT_COLUMN,
    DIRECT_NARROW,
    MOST_PARTS,
    NOTHING,
    PART_COLUMNS,
    PENETRATED,
    PENETRATED_COLUMN,
    PENETRATED_NARROW,
    fill_axis,
    lay_axis,
)
from bihuan.physics.steady.boundary import LEVELS, BoundaryLayer
from bihuan.physics.steady.plume import Receptors
from bihuan.physics.steady.profile_kernels import USED
from bihuan.physics.steady.puff_kernels import AGE, AGE_COLUMNS, add_puffs
from bihuan.physics.steady.sources import PointSource, VolumeSource
from bihuan.physics.steady.state_kernels import ESCAPED, FROM, GAUSSIAN, STATE_COLUMNS, fill_state

Float = NDArray[np.float64]
Int = NDArray[np.int64]

FIRST = 0.5
"""First distance of a table. [m]"""
STEP = 0.03
"""Of a table, in the logarithm of the distance."""
PARTS = ((DIRECT, DIRECT_NARROW, DIRECT_COLUMN), (PENETRATED, PENETRATED_NARROW, PENETRATED_COLUMN))


class SteadyPuffs:
    """Puffs with the profiles, the rise and the spreads of `SteadyPlume`, in the form of travel time.

    Parameters
    ----------
    air : BoundaryLayer
    receptors : Receptors
    sources : sequence of PointSource or VolumeSource
    step : float
        Length of a step of rates and winds; a puff is released at the begin of each. [s]
    reach : float
        Way after which a puff is dropped. [m]

    Raises
    ------
    InputError
        If there is no receptor, no source, a source of another kind or in a city, or a step not above 0.

    Notes
    -----
    Along its axis a plume's effective wind, spread and vertical term are functions of distance; by the wind they become
    functions of age, and a puff of that age has them, its spread along the wind being that across it. So a long
    constant release tends to the coherent plume, but for what the spread along the wind averages (within 2 % beyond
    300 m of a stack, held by a test). The random part of the plume, which stands for winds that turn within the
    hour, is left out: here the minutes' winds do that themselves. A puff keeps the air of the hour it was released in.
    Its mass is kept as the plume's: horizontally it is exact, and the vertical term adds up to what the formulation's
    does (1 in even air; 0.92 to 1 where the layer that carries the plume changes with the height of the receptor).

    Examples
    --------
    >>> puffs = SteadyPuffs(air, receptors, [stack], step=60.0)            # doctest: +SKIP
    >>> c = puffs.concentrations(rates, hour, wind_from=minutes_from)      # doctest: +SKIP
    """

    method = "steady-puffs/1"

    def __init__(
        self, air: BoundaryLayer, receptors: Receptors, sources: Sequence[PointSource | VolumeSource], *,
        step: float = 60.0, reach: float = 30_000.0,
    ) -> None:  # fmt: skip
        if not len(receptors):
            raise InputError("no receptor: give at least one place where concentrations are wanted")
        if not sources:
            raise InputError("no source: give at least one that emits")
        if not (step > 0.0 and reach > 1.0):
            raise InputError(f"puff step {step} s and reach {reach} m: both must be above 0, the reach above 1 m")
        for source in sources:
            if not isinstance(source, PointSource | VolumeSource) or source.city:
                raise InputError(
                    f"source {source.name}: puffs come from stacks and volumes; give a city's own air as `air`"
                )
        self.air, self.receptors, self.sources = air, receptors, tuple(sources)
        self.step, self.reach = step, reach

    def concentrations(
        self, rates: Float, hour: Int, *, wind_from: Float | None = None, faster: Float | None = None
    ) -> Float:
        """Return the mean concentration of every step.

        Parameters
        ----------
        rates : ndarray, shape (steps, sources)
            Mean emission in each step. [g/s]
        hour : ndarray of int64, shape (steps,)
            Which hour of the air each step lies in.
        wind_from : ndarray, shape (steps,), optional
            Of the minutes; that of the hour at the height of the plume by default. [degrees]
        faster : ndarray, shape (steps,), optional
            Wind speed of the step over that of its hour; 1 by default.

        Returns
        -------
        ndarray, shape (steps, receptors, sources)
            [ug/m3]

        Raises
        ------
        InputError
            If shapes do not fit, a rate is negative or missing, a wind is missing, or a step with an emission lies in a
            calm or missing hour.
        """
        steps = len(hour)
        rates = self._rates(rates, steps)
        hour = np.asarray(hour, dtype=np.int64)
        if ((hour < 0) | (hour >= len(self.air))).any():
            raise InputError(f"steps lie in hours {hour.min()} to {hour.max()}; the air has {len(self.air)} from 0 on")
        idle = (self.air.hours[hour, USED] == 0.0) & (rates > 0.0).any(axis=1)
        if idle.any():
            raise InputError(f"step {int(idle.argmax()) + 1} emits in an hour that is calm or lacks data: give a wind")
        used, table_of = np.unique(hour, return_inverse=True)
        out = np.zeros((steps, len(self.receptors), len(self.sources)))
        speed = np.ones(steps) if faster is None else np.asarray(faster, dtype=np.float64)
        for s, source in enumerate(self.sources):
            states = [self._state(source, h) for h in used]
            origin = np.array([0.0 if state is None else state[FROM] for state in states])[table_of]
            winds = _winds(origin if wind_from is None else np.asarray(wind_from, dtype=np.float64), speed)
            self._add(source, used, states, table_of.astype(np.int64), rates[:, s] * self.step, winds, out[:, :, s])
        return out

    def _rates(self, rates: Float, steps: int) -> Float:
        rates = np.asarray(rates, dtype=np.float64)
        if rates.shape != (steps, len(self.sources)):
            raise InputError(f"rates of shape {rates.shape}: give (steps, sources) = ({steps}, {len(self.sources)})")
        if not (np.isfinite(rates) & (rates >= 0.0)).all():
            raise InputError("a rate is negative or missing: say 0 where nothing is emitted")
        return rates

    def _state(self, source: PointSource | VolumeSource, h: int) -> Float | None:
        if self.air.hours[h, USED] == 0.0:
            return None
        state = np.empty(STATE_COLUMNS)
        fill_state(np.array(source.row), self.air.hours[h], LEVELS, self.air.profiles[h], state)
        return state

    def _add(
        self, source: PointSource | VolumeSource, used: Int, states: list[Float | None], table_of: Int, mass: Float,
        winds: Float, out: Float,
    ) -> None:  # fmt: skip
        """Add what one source causes, part of the plume by part and height by height."""
        places = np.stack([self.receptors.east, self.receptors.north, self.receptors.height], axis=1).astype(np.float64)
        for z in np.unique(places[:, 2]):
            chosen = np.flatnonzero(places[:, 2] == z)
            axes = [None if state is None else self._axis(source, int(h), state, float(z))
                    for h, state in zip(used, states, strict=True)]  # fmt: skip
            for n, part in enumerate(PARTS):
                shares = [0.0 if state is None else _share(state, n) for state in states]
                tables = [None if axis is None else by_age(*axis, part, share)
                          for axis, share in zip(axes, shares, strict=True)]  # fmt: skip
                known = [table for table in tables if table is not None]
                if not known:
                    continue
                place = np.cumsum([table is not None for table in tables]) - 1
                place[[table is None for table in tables]] = -1
                found = np.zeros_like(out)
                add_puffs(
                    _even(known), place[table_of].astype(np.int64), source.east, source.north, mass, winds, self.step,
                    chosen, places, found,
                )  # fmt: skip
                out += found

    def _axis(self, source: PointSource | VolumeSource, h: int, state: Float, z: float) -> tuple[Float, Float]:
        """Distances and the plume's table along them, for receptors at height `z`."""
        rows = int(np.log(self.reach / FIRST) / STEP) + 8 * MOST_PARTS
        distances, parts = np.empty(rows), np.empty((MOST_PARTS, PART_COLUMNS))
        count, _ = lay_axis(state, FIRST, self.reach, STEP, distances, parts)
        axis = np.empty((rows, AXIS_COLUMNS))
        column = (LEVELS, self.air.profiles[h], self.air.sums[h])
        fill_axis(distances, count, z, np.array(source.row), state, self.air.hours[h], column, axis)
        return distances[:count], axis[:count]


def _share(state: Float, part: int) -> float:
    """Share of the emission in the direct (0) or the penetrated part (1)."""
    escaped = float(state[ESCAPED]) if state[GAUSSIAN] == 0.0 else 0.0
    return escaped if part == 1 else 1.0 - escaped


def by_age(distances: Float, axis: Float, part: tuple[int, int, int], share: float) -> Float | None:
    """Return one part of a plume as a function of its age (columns of `puff_kernels`), None where there is none of it.

    Parameters
    ----------
    distances, axis : ndarray
        Of the plume. [m]
    part : tuple of int
        Columns of its value, of one over its width, and of what stands above a metre of ground (share over
        effective wind).
    share : float
        Of the emission in this part. 0-1
    """
    value, narrow, column = part
    if not (share > 0.0 and (axis[:, column] > 0.0).all()):
        return None
    slowness = axis[:, column] / share
    pieces = 0.5 * np.diff(distances) * (slowness[1:] + slowness[:-1])
    age = np.cumsum(np.concatenate([[distances[0] * slowness[0]], pieces]))
    none = axis[:, value] <= NOTHING
    stands = np.where(none, NOTHING, axis[:, value] - np.log(slowness))
    return np.column_stack([np.log(age), distances, -np.log(axis[:, narrow]), stands])


def _even(tables: list[Float]) -> Float:
    """Tables of one length: shorter ones go on as they end."""
    rows = max(len(table) for table in tables)
    found = np.empty((len(tables), rows, AGE_COLUMNS))
    for whole, table in zip(found, tables, strict=True):
        whole[: len(table)] = table
        whole[len(table) :] = table[-1]
        whole[len(table) :, AGE] += 1e-9 * np.arange(1, rows - len(table) + 1)
    return found


def _winds(wind_from: Float, faster: Float) -> Float:
    """Unit vector of the way of the air and its speed over the hour's, of each step."""
    if wind_from.shape != faster.shape:
        raise InputError(f"winds of {len(wind_from)} and speeds of {len(faster)} steps: give one of each a step")
    if not (np.isfinite(wind_from) & np.isfinite(faster) & (faster >= 0.0)).all():
        raise InputError("a step has no wind direction or speed: fill gaps before, a puff needs a wind at all times")
    angle = np.radians(wind_from)
    return np.ascontiguousarray(np.column_stack([-np.sin(angle), -np.cos(angle), faster]))
