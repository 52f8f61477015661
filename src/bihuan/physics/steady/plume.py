"""The steady plume over hours: what sources cause at receptors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, digest
from bihuan.physics.steady.axis_kernels import MOST_PARTS
from bihuan.physics.steady.boundary import LEVELS, BoundaryLayer
from bihuan.physics.steady.pits import PitSource
from bihuan.physics.steady.roads import RoadSource
from bihuan.physics.steady.run_kernels import AirTables, ReceptorTables, SourceTables, run_hours, sum_hours
from bihuan.physics.steady.sources import PointSource, SteadySource, tables, wakes

Float = NDArray[np.float64]
Int = NDArray[np.int64]

STEP = 0.05
"""Of a table, in the logarithm of the distance; see docs/dispersion.md for the error it leaves."""

ROOM = 3.0
"""Rows kept free, over those of even steps: room for a table that is cut everywhere (`grading_kernels`)."""

FIRST_OF_NEAREST = 6.0
"""A table begins at this fraction of the nearest receptor's distance: nearer along the wind no plume is that wide."""


@dataclass(frozen=True, eq=False)
class Receptors:
    """Where concentrations are wanted. Shapes are (receptors,).

    Attributes
    ----------
    east, north : ndarray
        [m]
    height : ndarray
        Above the ground on which the sources stand. [m]; below 0 on lower ground
    hill : ndarray, optional
        Height of the hill that rules the place, above that ground. [m] Kept for terrain, which is not computed: any
        above 0 is refused.

    Raises
    ------
    InputError
        If a hill rises above the ground.
    """

    east: Float
    north: Float
    height: Float
    hill: Float | None = None

    def __post_init__(self) -> None:
        if self.hill is not None and (self.hill > 0.0).any():
            place = int((self.hill > 0.0).argmax())
            raise InputError(
                f"receptor {place + 1} at ({self.east[place]:g}, {self.north[place]:g}) m is ruled by a hill of "
                f"{self.hill[place]:g} m: terrain is not computed, all ground is flat"
            )

    def __len__(self) -> int:
        return len(self.east)


class SteadyPlume:
    """A steady-state plume of AERMOD's class over many hours.

    Parameters
    ----------
    country : BoundaryLayer
    receptors : Receptors
    sources : sequence of PointSource, VolumeSource, AreaSource, RoadSource or PitSource
    cities : sequence of BoundaryLayer
        Air of city 1, 2 ... of the sources, from `BoundaryLayer.over_city`.
    step : float
        Of a table, in the logarithm of the distance.
    threads : int
        At most; the machine's cores by default.

    Raises
    ------
    InputError
        If there is no receptor or no source, a source names a city that is not given, or a receptor is inside the
        building of a source.

    Notes
    -----
    Flat terrain. A receptor less than 1 m from a point, or inside a volume source, gets nothing from it.

    References
    ----------
    EPA-454/B-24-010 (formulation of AERMOD 24142).
    """

    method = "steady-plume/1"

    def __init__(
        self, country: BoundaryLayer, receptors: Receptors, sources: Sequence[SteadySource], *,
        cities: Sequence[BoundaryLayer] = (), step: float = STEP, threads: int | None = None,
    ) -> None:  # fmt: skip
        if not len(receptors):
            raise InputError("no receptor: give at least one place where concentrations are wanted")
        if not sources:
            raise InputError("no source: give at least one that emits")
        for source in sources:
            if not 0 <= source.city <= len(cities):
                raise InputError(f"source {source.name} is in city {source.city}; {len(cities)} cities are given")
        self.country, self.receptors, self.sources = country, receptors, tuple(sources)
        self.cities, self.step = tuple(cities), step
        self.threads = threads or os.cpu_count() or 1
        layers = (country, *cities)
        self._air = AirTables(
            np.stack([layer.hours for layer in layers]), LEVELS,
            np.stack([layer.profiles for layer in layers]), np.stack([layer.sums for layer in layers]),
            np.stack([layer.ground for layer in layers]),
        )  # fmt: skip
        self._tables = tables(self.sources)
        self._where = _where(receptors, self._tables, step)
        self._wakes = wakes(self.sources)
        _refuse_indoors(receptors, self.sources)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about receptors that stand on a source."""
        found = []
        for source in self.sources:
            if isinstance(source, RoadSource | PitSource):
                on = int(source.holds(self.receptors.east, self.receptors.north).sum())
                place = "on the road itself: pieces nearer than 1 m count as 1 m away"
                if isinstance(source, PitSource):
                    place = "inside the pit, where nothing is computed"
                if on:
                    found.append(
                        f"source {source.name}: {on} of {len(self.receptors)} receptors are {place}; move them out"
                    )
        return tuple(found)

    def hourly(self, rates: Float, *, hours: Int | None = None, groups: Float | None = None) -> Float:
        """Return the concentration of groups of sources in each hour.

        Parameters
        ----------
        rates : ndarray, shape (sources,) or (hours of the meteorology, sources)
            Emission. [g/s]; of an area as a whole
        hours : ndarray of int64, optional
            Which hours of the meteorology; all by default.
        groups : ndarray, shape (groups, sources), optional
            1 where a source belongs to a group; one group of all by default.

        Returns
        -------
        ndarray, shape (hours, groups, receptors)
            [ug/m3]; 0 in calm and missing hours
        """
        which = np.arange(len(self.country)) if hours is None else np.asarray(hours, dtype=np.int64)
        members = np.ones((1, len(self.sources))) if groups is None else np.ascontiguousarray(groups, dtype=np.float64)
        emitted = self._spread(rates)
        out = np.zeros((len(which), len(members), len(self.receptors)))

        def run(part: Int) -> None:
            here = out[part[0] : part[-1] + 1]
            run_hours(which[part], self._tables, emitted, members, self._air, self._where, self._wakes, here)

        self._share(run, len(which))
        return out

    def matrix(self, *, weights: Float | None = None, hours: Int | None = None) -> Float:
        """Return the mean response of every receptor to every source: a source-receptor matrix.

        Parameters
        ----------
        weights : ndarray, shape (hours of the meteorology, sources), optional
            Emission factors by hour; 1 by default.
        hours : ndarray of int64, optional

        Returns
        -------
        ndarray, shape (sources, receptors)
            Mean over the hours with wind and data. [ug/m3 per g/s]

        Raises
        ------
        InputError
            If none of the hours has wind and data.
        """
        period = np.zeros(len(self.country), dtype=np.int64)
        if hours is not None:
            period -= 1
            period[hours] = 0
        if not self.valid_hours(period)[0]:
            raise InputError(f"none of {int((period == 0).sum())} hours has wind and data: there is no mean")
        return self.responses(period, weights=weights)[:, 0]

    def responses(self, period: Int, *, weights: Float | None = None, sources: slice = slice(None)) -> Float:
        """Return the mean response to sources in each of several periods: part of a source-receptor matrix.

        Parameters
        ----------
        period : ndarray of int64, shape (hours of the meteorology,)
            Which period an hour belongs to, from 0; below 0 it is left out.
        weights : ndarray, shape (hours of the meteorology, sources), optional
            Emission factors by hour; 1 by default.
        sources : slice
            Which of the sources, all by default.

        Returns
        -------
        ndarray, shape (sources, periods, receptors)
            Mean over the hours with wind and data, NaN where a period has none. [ug/m3 per g/s]
        """
        chosen = np.arange(len(self.sources))[sources]
        valid = self.valid_hours(period)
        factors = self._spread(np.ones(len(self.sources)) if weights is None else weights)
        out = np.zeros((len(chosen), len(valid), len(self.receptors)))

        def run(part: Int) -> None:
            here = out[part[0] : part[-1] + 1]
            which = np.asarray(period, np.int64)
            sum_hours(which, chosen[part], self._tables, factors, self._air, self._where, self._wakes, here)

        self._share(run, len(chosen))
        with np.errstate(invalid="ignore"):
            mean: Float = out / valid[:, None]
        return mean

    def valid_hours(self, period: Int) -> Int:
        """Return how many hours with wind and data each period has."""
        period = np.asarray(period, dtype=np.int64)
        usable = (period >= 0) & ~(self.country.calm | self.country.missing)
        return np.bincount(period[usable], minlength=int(period.max(initial=0)) + 1).astype(np.int64)

    def inputs(self, period: Int, weights: Float | None = None) -> str:
        """Return a digest of all that decides what `responses` returns."""
        told = [*self._air, *self._tables, *(part for part in self._where if isinstance(part, np.ndarray)), period]
        told += [*(self._wakes or ()), np.asarray(self.step)] + ([] if weights is None else [self._spread(weights)])
        return digest(b"".join(np.ascontiguousarray(part).tobytes() for part in told))

    def _spread(self, rates: Float) -> Float:
        shape = (len(self.country), len(self.sources))
        return np.ascontiguousarray(np.broadcast_to(np.asarray(rates, dtype=np.float64), shape))

    def _share(self, run: Callable[[Int], None], count: int) -> None:
        """Run parts of ``range(count)`` side by side; the loops hold no lock of Python."""
        parts = [part for part in np.array_split(np.arange(count), min(self.threads, count)) if len(part)]
        if len(parts) == 1:
            run(parts[0])
            return
        with ThreadPoolExecutor(len(parts)) as pool:
            for done in [pool.submit(run, part) for part in parts]:
                done.result()


def _refuse_indoors(receptors: Receptors, sources: Sequence[SteadySource]) -> None:
    for source in sources:
        if isinstance(source, PointSource) and source.building is not None:
            inside = source.building.holds(
                receptors.east - source.east, receptors.north - source.north, receptors.height
            )
            if inside.any():
                place = int(inside.argmax())
                raise InputError(
                    f"receptor {place + 1} at ({receptors.east[place]:g}, {receptors.north[place]:g}) m is inside the "
                    f"building of source {source.name}: move it out or leave it out ({int(inside.sum())} such)"
                )


def _where(receptors: Receptors, sources: SourceTables, step: float) -> ReceptorTables:
    places = np.stack([receptors.east, receptors.north, receptors.height], axis=1).astype(np.float64)
    heights, first, chosen = _by_height(places[:, 2])
    reaches = _reaches(sources, places)
    longest = float(np.log(reaches[:, 1] / reaches[:, 0]).max())
    rows = int(longest / step * ROOM) + 8 * MOST_PARTS
    return ReceptorTables(places, heights, first, chosen, reaches, step, rows)


def _by_height(height: Float) -> tuple[Float, Int, Int]:
    """Distinct heights, and the receptors of each: ``chosen[first[k]:first[k + 1]]``."""
    heights, place = np.unique(height, return_inverse=True)
    chosen = np.argsort(place, kind="stable").astype(np.int64)
    first = np.searchsorted(place[chosen], np.arange(len(heights) + 1)).astype(np.int64)
    return heights, first, chosen


def _reaches(sources: SourceTables, places: Float) -> Float:
    """Nearest and farthest distance that a table of each source must hold. [m]"""
    found = np.empty((len(sources.rows), 2))
    for s, row in enumerate(sources.rows):
        distance = np.hypot(places[:, 0] - row[0], places[:, 1] - row[1])
        ring = sources.corners[sources.ring_first[s] : sources.ring_first[s + 1]]
        if len(ring):  # an area reaches from under a receptor to its farthest corner
            size = float(np.hypot(ring[:, 0] - row[0], ring[:, 1] - row[1]).max())
            found[s] = 1.0, distance.max() + size
        else:
            near = distance[distance >= 1.0]
            found[s] = max(near.min(initial=np.inf) / FIRST_OF_NEAREST, 1.0) if len(near) else 1.0, distance.max()
        found[s, 1] = max(found[s, 1], 2.0 * found[s, 0]) * 1.001
    return found
