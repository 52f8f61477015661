"""A source-receptor matrix: what it is of, and its parts on their way from `physics` into `store`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core.errors import InputError

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MatrixPlan:
    """The axes of a source-receptor matrix, and where its numbers come from.

    Attributes
    ----------
    method : str
        Of the model, with its version.
    sources : tuple of str
    east, north, height : ndarray, shape (receptors,)
        [m]
    periods : tuple of str
        ``2026-01``, ``night`` ... : hours of one name are one mean.
    hours : tuple of int
        With wind and data in each period; a period of 0 hours has no mean.
    inputs : str
        Digest of whatever else decides the numbers: weather, stacks, settings.
    floor : float
        Share of the largest value of a source and period below which a value is not kept.
    together : int
        Sources in one part.

    Raises
    ------
    InputError
        If an axis is empty or two sources share a name.
    """

    method: str
    sources: tuple[str, ...]
    east: Float
    north: Float
    height: Float
    periods: tuple[str, ...]
    hours: tuple[int, ...]
    inputs: str
    floor: float = 1e-6
    together: int = 16

    def __post_init__(self) -> None:
        if not (self.sources and len(self.east) and self.periods):
            raise InputError("a source-receptor matrix needs a source, a receptor and a period at least")
        if len(set(self.sources)) < len(self.sources):
            twice = sorted({name for name in self.sources if self.sources.count(name) > 1})
            raise InputError(f"sources {', '.join(twice)} stand twice: a row of the matrix is found by its name")
        if not 0.0 <= self.floor < 1.0 or self.together < 1:
            raise InputError(f"floor {self.floor} must lie in 0..1 and {self.together} sources a part be 1 or more")

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-len(self.sources) // self.together)

    def part(self, number: int) -> slice:
        """Return which sources a part holds."""
        first = number * self.together
        return slice(first, min(first + self.together, len(self.sources)))
