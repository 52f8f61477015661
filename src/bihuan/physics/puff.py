"""The Gaussian puff: short releases under winds that change in time and from place to place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, Plane, Source, Weather
from bihuan.physics import kernels
from bihuan.physics.dispersion import Terrain, curves
from bihuan.physics.plume import STANDARD_AIR
from bihuan.physics.sources import source_table

Float = NDArray[np.float64]
Instants = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class WindField:
    """Wind at several places; between them by inverse squared distance, in time each row holds until the next.

    Attributes
    ----------
    start : ndarray of datetime64[us], shape (n,)
        When each row begins to hold, UTC, ascending; the first row also holds before it.
    east, north : ndarray, shape (places,)
        In the plane. [m]
    wind_speed : ndarray, shape (n, places)
        At `height`. [m/s]
    wind_from : ndarray, shape (n, places)
        Clockwise from north. [degrees]
    stability : ndarray of int64, shape (n,)
        Pasquill class, 0 = A .. 5 = F.
    temperature : ndarray, shape (n,)
        [K]
    mixing_height : ndarray, shape (n,)
        [m]
    height : float
        Of the anemometers. [m]

    Raises
    ------
    InputError
        If shapes do not fit or a wind is missing: fill gaps before.
    """

    start: Instants
    east: Float
    north: Float
    wind_speed: Float
    wind_from: Float
    stability: NDArray[np.int64]
    temperature: Float
    mixing_height: Float
    height: float = 10.0

    def __post_init__(self) -> None:
        want = (len(self.start), len(self.east))
        if self.wind_speed.shape != want or self.wind_from.shape != want or 0 in want:
            raise InputError(
                f"wind field of {want[0]} rows and {want[1]} places holds arrays of shape "
                f"{self.wind_speed.shape} and {self.wind_from.shape}: both must be (rows, places)"
            )
        if not (np.isfinite(self.wind_speed).all() and np.isfinite(self.wind_from).all()):
            raise InputError("wind field has missing values: fill gaps before, a puff needs a wind at all times")

    @classmethod
    def of(cls, weather: Weather) -> WindField:
        """Return the same wind everywhere."""
        one = np.zeros(1)
        return cls(
            weather.start,
            one,
            one,
            weather.wind_speed[:, None],
            weather.wind_from[:, None],
            weather.stability,
            weather.temperature,
            weather.mixing_height,
            weather.height,
        )


class PuffModel:
    """Gaussian puffs with Briggs spreads and rise, independent of the steady plume in how mass travels.

    Parameters
    ----------
    plane : Plane
        Local metric plane in which receptors and wind places are given.
    urban : bool
        Urban spreads and wind profile.
    receptor_height : float
        [m]
    step : float
        Seconds between puffs of a source, and of their straight steps, at most. [s]
    reach, oldest : float
        A puff is dropped after this way and this age. [m], [s]

    Notes
    -----
    Each source releases a puff a step; a puff moves with the wind at its own place and grows from its own
    size under the class of the hour (virtual distance). Within a step its passing by a receptor is
    integrated exactly, so period means are smooth however coarse the step.

    Examples
    --------
    >>> puffs = PuffModel(plane, urban=True)                                    # doctest: +SKIP
    >>> c = puffs.concentrations(sources, rates, east, north, field, edges)     # doctest: +SKIP

    References
    ----------
    Spreads and rise as `GaussianPlume`. Puffs with virtual distances: Zannetti 1990, Air Pollution
    Modeling, chapter 8.
    """

    method = "gaussian-puff/1"

    def __init__(
        self,
        plane: Plane,
        *,
        urban: bool = False,
        receptor_height: float = 0.0,
        step: float = 60.0,
        reach: float = 30_000.0,
        oldest: float = 4 * 3600.0,
    ) -> None:
        if step <= 0:
            raise InputError(f"puff step {step} s: it must be above 0, usually 60")
        self.plane = plane
        self.terrain: Terrain = "urban" if urban else "rural"
        self.receptor_height = receptor_height
        self.step, self.reach, self.oldest = step, reach, oldest

    def concentrations(
        self, sources: Sequence[Source], rates: Float, east: Float, north: Float, wind: WindField, edges: Instants
    ) -> Float:
        """Return what every source causes at every receptor, mean of each period.

        Parameters
        ----------
        sources : sequence of Source
        rates : ndarray, shape (periods, sources)
            Emission during each period; the air is clean before the first. [g/s]
        east, north : ndarray, shape (receptors,)
            In the plane. [m]
        wind : WindField
        edges : ndarray of datetime64, shape (periods + 1,)
            Ends of the periods, UTC, ascending.

        Returns
        -------
        ndarray, shape (periods, receptors, sources)
            [ug/m3]

        Raises
        ------
        InputError
            If `rates` does not fit `edges` and `sources`, or is negative or missing.
        """
        rates = np.asarray(rates, dtype=np.float64)
        self._check(rates, len(edges) - 1, len(sources))
        clock = self._clock(np.asarray(edges, dtype="datetime64[us]"), wind)
        towards = np.radians(wind.wind_from + 180.0)
        blowing = (wind.wind_speed * np.sin(towards), wind.wind_speed * np.cos(towards))
        air = np.where(np.isfinite(wind.temperature), wind.temperature, STANDARD_AIR)
        sky = (np.asarray(wind.stability, np.int64), air, np.asarray(wind.mixing_height, np.float64))
        coefficients = curves(self.terrain)
        receptors = np.array([east, north], dtype=np.float64)
        table = source_table(sources, self.plane)
        out = np.zeros((len(edges) - 1, receptors.shape[1], len(sources)))
        for s in np.flatnonzero(rates.any(axis=0)):
            out[:, :, s] = kernels.puff_source(
                table[s],
                np.ascontiguousarray(rates[:, s]),
                clock,
                receptors,
                self.receptor_height,
                np.array([wind.east, wind.north], dtype=np.float64),
                blowing,
                sky,
                float(wind.height),
                coefficients.sigma,
                coefficients.wind_exponent,
                (self.reach, self.oldest),
            )
        return out

    @staticmethod
    def _check(rates: Float, periods: int, sources: int) -> None:
        if rates.shape != (periods, sources):
            raise InputError(
                f"rates of shape {rates.shape} for {periods} periods and {sources} sources: give (periods, sources)"
            )
        if not np.isfinite(rates).all() or (rates < 0).any():
            raise InputError("rates hold missing or negative values: an emission is 0 or more, in g/s")

    def _clock(self, edges: Instants, wind: WindField) -> tuple[NDArray[np.int64], Float, NDArray[np.int64]]:
        """Steps of each period, their length [s], and the wind row that holds in the middle of each step."""
        seconds = (edges - edges[0]) / np.timedelta64(1, "s")
        lengths = np.diff(seconds)
        if (lengths <= 0).any():
            raise InputError("edges of the periods must ascend")
        steps = np.ceil(lengths / self.step).astype(np.int64)
        dt = lengths / steps
        middles = np.concatenate([seconds[p] + (np.arange(n) + 0.5) * dt[p] for p, n in enumerate(steps)])
        starts = (wind.start.astype("datetime64[us]") - edges[0]) / np.timedelta64(1, "s")
        row = np.clip(np.searchsorted(starts, middles, side="right") - 1, 0, len(starts) - 1)
        return steps, dt, row.astype(np.int64)
