"""The steady plume with removal: concentrations that wane on the way, and what comes down on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.physics.steady.axis_kernels import MOST_PARTS
from bihuan.physics.steady.boundary import BoundaryLayer
from bihuan.physics.steady.plume import STEP, Receptors, SteadyPlume
from bihuan.physics.steady.removal import Ground, Losses, Removal, removal_tables
from bihuan.physics.steady.removal_kernels import CONCENTRATION, DRY_FLUX, QUANTITIES, WET_FLUX, run_removed
from bihuan.physics.steady.sources import AreaSource, PointSource, SteadySource, VolumeSource

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Deposited:
    """What groups of sources cause in each hour. Shapes are (hours, groups, receptors).

    Attributes
    ----------
    concentration : ndarray
        [ug/m3]
    dry, wet : ndarray
        What comes down within the hour. [ug/m2]
    """

    concentration: Float
    dry: Float
    wet: Float


class DepositingPlume(SteadyPlume):
    """A steady plume that loses particles or gas on the way.

    Parameters
    ----------
    country, receptors, sources, cities, step, threads
        As of `SteadyPlume`.
    removals : sequence of Removal or None
        One for each source; None loses nothing.
    ground : Ground, optional
        Needed where the ground takes a gas.
    losses : {"integral", "aermod"}
        How much is lost up to a distance: the integral of all that comes down before it, so that deposits and what
        remains add up to the emission; or as AERMOD has it, two points for the whole way, and the wind and warmth at
        the end of the stack for rain and velocities, which add up less well.

    Raises
    ------
    InputError
        As of `SteadyPlume`; if a removal is not sound, the meteorology lacks what it needs, or a source with one
        stands beside a building.

    Notes
    -----
    Without removals it returns what `SteadyPlume` does, bit for bit. No source-receptor matrices are made with removal.
    """

    def __init__(
        self, country: BoundaryLayer, receptors: Receptors, sources: Sequence[SteadySource],
        removals: Sequence[Removal | None], *, ground: Ground | None = None, losses: Losses = "integral",
        cities: Sequence[BoundaryLayer] = (), step: float = STEP, threads: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(country, receptors, sources, cities=cities, step=step, threads=threads)
        if len(removals) != len(self.sources):
            raise InputError(f"{len(removals)} removals for {len(self.sources)} sources: give one each, or None")
        self.removals = tuple(removals)
        self._removal = None
        if not any(self.removals):
            return
        self._refuse_what_is_not_computed()
        used = ~(country.calm | country.missing)
        names = [source.name for source in self.sources]
        self._removal = removal_tables(names, self.removals, country.surface, used, ground, losses)
        # what is lost is lost from the source on, so tables begin there
        reaches = self._where.reaches.copy()
        reaches[:, 0] = 1.0
        longest = float(np.log(reaches[:, 1]).max())
        self._where = self._where._replace(reaches=reaches, nodes=int(longest / step) + 8 * MOST_PARTS)

    def _refuse_what_is_not_computed(self) -> None:
        for source, removal in zip(self.sources, self.removals, strict=True):
            if not isinstance(source, PointSource | VolumeSource | AreaSource):
                raise InputError(
                    f"source {source.name}: removal is computed for points, volumes and areas; run the others apart "
                    "and add them up"
                )
            if removal is not None and getattr(source, "building", None) is not None:
                raise InputError(
                    f"source {source.name} has a building and a removal: deposition in a wake is not computed; leave "
                    "out one of them"
                )
        if self._wakes is not None:
            raise InputError("sources with removal and sources beside buildings cannot be one run: make two and add up")

    def deposited(self, rates: Float, *, hours: Int | None = None, groups: Float | None = None) -> Deposited:
        """Return concentration, dry and wet deposition of groups of sources in each hour.

        Parameters
        ----------
        rates, hours, groups
            As for `SteadyPlume.hourly`.
        """
        which = np.arange(len(self.country)) if hours is None else np.asarray(hours, dtype=np.int64)
        members = np.ones((1, len(self.sources))) if groups is None else np.ascontiguousarray(groups, dtype=np.float64)
        if self._removal is None:
            found = super().hourly(rates, hours=hours, groups=groups)
            return Deposited(found, np.zeros_like(found), np.zeros_like(found))
        tables, emitted = self._removal, self._spread(rates)
        out = np.zeros((len(which), QUANTITIES, len(members), len(self.receptors)))

        def run(part: Int) -> None:
            here = out[part[0] : part[-1] + 1]
            run_removed(which[part], self._tables, emitted, members, self._air, self._where, tables, here)

        self._share(run, len(which))
        return Deposited(out[:, CONCENTRATION], 3600.0 * out[:, DRY_FLUX], 3600.0 * out[:, WET_FLUX])

    def hourly(self, rates: Float, *, hours: Int | None = None, groups: Float | None = None) -> Float:
        """Return the concentration of groups of sources in each hour, as `SteadyPlume.hourly`."""
        return self.deposited(rates, hours=hours, groups=groups).concentration

    def responses(self, period: Int, *, weights: Float | None = None, sources: slice = slice(None)) -> Float:
        """Refuse a source-receptor matrix if anything is removed; else as `SteadyPlume.responses`."""
        if self._removal is not None:
            raise InputError("a source-receptor matrix is not made with removal: use hourly() with one group a source")
        return super().responses(period, weights=weights, sources=sources)
