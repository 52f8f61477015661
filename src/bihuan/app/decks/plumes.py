"""The plumes of a deck: sources that lose something on the way, or stand higher than the receptors, run apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.formats import Deck
from bihuan.physics import (
    BoundaryLayer,
    Deposited,
    DepositingPlume,
    Ground,
    Receptors,
    Removal,
    SteadyPlume,
    SteadySource,
)

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Emitter:
    """A source with what it loses on the way [`Removal`] and how high the receptors stand above its foot [m]."""

    source: SteadySource
    removal: Removal | None = None
    drop: float = 0.0


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of some of the emitters, and what it weighs in their sum."""

    plume: SteadyPlume
    which: Int
    weight: float


class DeckPlumes:
    """Every source of a deck at its receptors.

    Parameters
    ----------
    deck : Deck
    emitters : sequence of Emitter
    country : BoundaryLayer
    cities : sequence of BoundaryLayer
    ground : Ground, optional
    deposits : bool
        Whether what comes down is wanted too.
    threads : int, optional

    Raises
    ------
    InputError
        As of the plumes.
    """

    def __init__(
        self, deck: Deck, emitters: Sequence[Emitter], country: BoundaryLayer, cities: Sequence[BoundaryLayer], *,
        ground: Ground | None = None, deposits: bool = False, threads: int | None = None,
    ) -> None:  # fmt: skip
        self.deposits = deposits
        self._country = country
        self._receptors = len(deck.receptors)
        self._parts: list[_Part] = []
        keys = [(emitter.removal is not None, emitter.drop) for emitter in emitters]
        for key in dict.fromkeys(keys):
            losing, drop = key
            which = np.flatnonzero([other == key for other in keys])
            chosen = [emitters[int(place)] for place in which]
            sources = [emitter.source for emitter in chosen]
            # a level plume and one that follows the ground weigh one half each (module `ground`)
            for lower in (drop, 0.0) if drop else (0.0,):
                where = Receptors(deck.receptors.east, deck.receptors.north, deck.receptors.flag + lower)
                if losing:
                    removals = [emitter.removal for emitter in chosen]
                    plume: SteadyPlume = DepositingPlume(
                        country, where, sources, removals, ground=ground, losses="aermod", cities=cities,
                        threads=threads,
                    )  # fmt: skip
                else:
                    plume = SteadyPlume(country, where, sources, cities=cities, threads=threads)
                self._parts.append(_Part(plume, which, 0.5 if drop else 1.0))

    def hourly(self, rates: Float, members: Float, hours: Int) -> Deposited | Float:
        """Return what groups of sources cause in each hour.

        Parameters
        ----------
        rates : ndarray, shape (hours of the meteorology, sources)
            [g/s]
        members : ndarray, shape (groups, sources)
        hours : ndarray of int64

        Returns
        -------
        Deposited or ndarray, shape (hours, groups, receptors)
            Concentration alone unless what comes down is wanted. [ug/m3], [ug/m2]
        """
        count = 3 if self.deposits else 1
        total = np.zeros((count, len(hours), len(members), self._receptors))
        for part in self._parts:
            groups = np.ascontiguousarray(members[:, part.which])
            emitted = np.ascontiguousarray(rates[:, part.which])
            if self.deposits and isinstance(part.plume, DepositingPlume):
                found = part.plume.deposited(emitted, hours=hours, groups=groups)
                for place, values in enumerate((found.concentration, found.dry, found.wet)):
                    total[place] += part.weight * values
            else:
                total[0] += part.weight * part.plume.hourly(emitted, hours=hours, groups=groups)
        return Deposited(*total) if self.deposits else total[0]

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences of the plumes about receptors."""
        return tuple(dict.fromkeys(told for part in self._parts for told in part.plume.remarks))
