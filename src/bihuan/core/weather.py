"""Weather as the rooms hand it on: one series of arrays at one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core.places import Place

STABILITY_CLASSES = "ABCDEF"
"""Pasquill classes, very unstable to stable; index 0-5 in `Weather.stability`."""


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """Weather of one place over n periods.

    Attributes
    ----------
    start, end : ndarray of datetime64[us], shape (n,)
        UTC, ascending.
    wind_speed : ndarray of float64, shape (n,)
        At `height`, NaN where missing. [m/s]
    wind_from : ndarray of float64, shape (n,)
        Direction the wind blows FROM, clockwise from north. [degrees]
    stability : ndarray of int64, shape (n,)
        Pasquill class, 0 = A .. 5 = F.
    temperature : ndarray of float64, shape (n,)
        [K]
    mixing_height : ndarray of float64, shape (n,)
        [m]
    height : float
        Height of the anemometer above ground. [m]
    place : Place or None
        Where it was measured; None for a city mean.
    """

    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    wind_speed: NDArray[np.float64]
    wind_from: NDArray[np.float64]
    stability: NDArray[np.int64]
    temperature: NDArray[np.float64]
    mixing_height: NDArray[np.float64]
    height: float = 10.0
    place: Place | None = None

    def __len__(self) -> int:
        return len(self.start)
