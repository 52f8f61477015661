"""How wide a plume is and how wind grows with height, by Pasquill class: the tables of `dispersion.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bihuan.core import STABILITY_CLASSES
from bihuan.physics import kernels

Float = NDArray[np.float64]

Terrain = Literal["rural", "urban"]


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Coefficients of one terrain.

    Attributes
    ----------
    sigma : ndarray, shape (6, 5)
        a, b, c, d, e of the classes A to F.
    wind_exponent : ndarray, shape (6,)
        Of the power law of wind with height.
    source : str
        Who published them.
    """

    sigma: Float
    wind_exponent: Float
    source: str


@cache
def curves(terrain: Terrain) -> Curves:
    """Return the coefficients of a terrain (Briggs 1973; ISC3 for the wind profile)."""
    table = tomllib.loads(resources.files("bihuan.physics").joinpath("dispersion.toml").read_text("utf-8"))[terrain]
    sigma = np.array([table[letter] for letter in STABILITY_CLASSES], dtype=np.float64)
    return Curves(sigma, np.array(table["wind_exponent"], dtype=np.float64), table["source"])


def sigma_y(distance: Float, stability: int, terrain: Terrain = "rural") -> Float:
    """Return the lateral spread of a plume. [m]

    Parameters
    ----------
    distance : ndarray
        Downwind of the source. [m]
    stability : int
        Pasquill class, 0 = A .. 5 = F.
    terrain : {"rural", "urban"}
    """
    curve = curves(terrain).sigma[stability]
    return np.array([kernels.sigma_y(curve, x) for x in np.atleast_1d(np.asarray(distance, float))])


def sigma_z(distance: Float, stability: int, terrain: Terrain = "rural") -> Float:
    """Return the vertical spread of a plume, same arguments as `sigma_y`. [m]"""
    curve = curves(terrain).sigma[stability]
    return np.array([kernels.sigma_z(curve, x) for x in np.atleast_1d(np.asarray(distance, float))])
