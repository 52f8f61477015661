"""What a deck wants at its receptors: concentration, and what comes down; in its order, columns and units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.formats import Deck
from bihuan.physics import Deposited

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

COLUMNS = {"CONC": "AVERAGE CONC", "DEPOS": "TOTAL DEPO", "DDEP": "DRY DEPO", "WDEP": "WET DEPO"}
"""Heads of columns, in the order of AERMOD's files."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One of them.

    Attributes
    ----------
    option : str
        Of MODELOPT: ``CONC``, ``DEPOS``, ``DDEP``, ``WDEP``.
    scale : float
        From ug/m3, or ug/m2 in the hour, to the deck's own unit.
    unit : str
    """

    option: str
    scale: float
    unit: str

    @property
    def column(self) -> str:
        """Head of its column."""
        return COLUMNS[self.option]

    @property
    def total(self) -> bool:
        """Whether hours are added up and not averaged."""
        return self.option != "CONC"


def quantities_of(deck: Deck) -> tuple[Quantity, ...]:
    """Return what the deck wants; concentration if it says nothing."""
    wanted = [option for option in COLUMNS if option in deck.options] or ["CONC"]
    ground = deck.deposition
    return tuple(
        Quantity(option, deck.scale, deck.unit) if option == "CONC" else Quantity(option, ground.scale, ground.unit)
        for option in wanted
    )


def rows(wanted: tuple[Quantity, ...], found: Deposited | Float) -> Float:
    """Return values by quantity and group as one axis: shape (hours, quantities x groups, receptors)."""
    if not isinstance(found, Deposited):
        return found * wanted[0].scale if wanted[0].scale != 1.0 else found
    parts = {"CONC": found.concentration, "DDEP": found.dry, "WDEP": found.wet}
    return np.concatenate(
        [(found.dry + found.wet if q.option == "DEPOS" else parts[q.option]) * q.scale for q in wanted], axis=1
    )


def totals(wanted: tuple[Quantity, ...], groups: int) -> Bool | None:
    """Return which of those rows are added up; None if none is."""
    found = np.repeat([quantity.total for quantity in wanted], groups)
    return found if found.any() else None
