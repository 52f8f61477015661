"""How much a station scatters against its network: measured on the city's own hours, else taken from the table."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

MAD_TO_SD = 1.4826
FEWEST_STATIONS, FEWEST_HOURS = 3, 24
"""Below these a scatter against a network cannot be measured."""


@dataclass(frozen=True, slots=True)
class UsualNoise:
    """The table.

    Attributes
    ----------
    noise : dict of str to float
        By pollutant. [ug/m3, CO mg/m3]
    status, source : str
    """

    noise: dict[str, float]
    status: str
    source: str


@cache
def usual_noise() -> UsualNoise:
    """Return the noise of a station where none was measured."""
    told = tomllib.loads(files("bihuan.tracing.network").joinpath("noise.toml").read_text("utf-8"))["noise"]
    status, source = told.pop("status"), told.pop("source")
    return UsualNoise({name: float(value) for name, value in told.items()}, status, source)


def measured_noise(values: Float) -> Float | None:
    """Return each station's scatter against its network, None where there is too little of it.

    Parameters
    ----------
    values : ndarray, shape (hours, stations)
        NaN where missing.

    Returns
    -------
    ndarray of shape (stations,) or None
        Robust standard deviation of what is left when the median over the stations of the hour and the station's own
        median are taken off; NaN for stations of fewer than `FEWEST_HOURS`.
    """
    values = values[np.isfinite(values).sum(axis=1) >= FEWEST_STATIONS]
    enough = np.isfinite(values).sum(axis=0) >= FEWEST_HOURS
    if enough.sum() < FEWEST_STATIONS:
        return None
    left = values - np.nanmedian(values, axis=1)[:, None]
    noise = np.full(values.shape[1], np.nan)
    mine = left[:, enough] - np.nanmedian(left[:, enough], axis=0)
    noise[enough] = MAD_TO_SD * np.nanmedian(np.abs(mine), axis=0)
    noise[~(noise > 0)] = np.nan
    return noise if np.isfinite(noise).any() else None
