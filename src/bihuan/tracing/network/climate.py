"""The winds of a place in classes: each a state of the air with the hours that were like it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, Weather

Float = NDArray[np.float64]

SECTOR = 10.0
"""Width of a class of directions. [degrees]"""

SPEEDS = (1.0, 2.0, 3.0, 5.0, 8.0)
"""Bounds of the classes of speeds. [m/s]"""

ENOUGH = 2160
"""Below so many hours (a season) winds are no climatology, and the answer says so. [h]"""


@dataclass(frozen=True, slots=True, eq=False)
class Climate:
    """Classes of weather.

    Attributes
    ----------
    states : Weather
        One row a class: mean speed, mean direction, stability, mean temperature and mixing height of its hours.
    hours : ndarray, shape (classes,)
        Of each class. [h]
    missing : float
        Without wind. [h]
    """

    states: Weather
    hours: Float
    missing: float

    @property
    def total(self) -> float:
        """[h]"""
        return float(self.hours.sum())

    @property
    def enough(self) -> bool:
        """Whether the hours reach over a season."""
        return self.total >= ENOUGH


def climate(weather: Weather, sector: float = SECTOR) -> Climate:
    """Put weather into classes of direction, speed and stability.

    Parameters
    ----------
    weather : Weather
        Any length of period; longer ones weigh more.
    sector : float
        Width of a class of directions; divides 360. [degrees]

    Raises
    ------
    InputError
        If no period has a wind.
    """
    if sector <= 0 or abs(360 / sector - round(360 / sector)) > 1e-9:
        raise InputError(f"a sector of {sector} degrees does not divide the circle: 10, 15, 22.5 and 30 do")
    length = (weather.end - weather.start) / np.timedelta64(1, "h")
    known = np.isfinite(weather.wind_speed) & np.isfinite(weather.wind_from)
    if not known.any():
        raise InputError("no hour has a wind: a network cannot be designed without knowing where the air goes")
    speed, origin = weather.wind_speed[known], weather.wind_from[known] % 360.0
    sectors = np.floor((origin + sector / 2) % 360.0 / sector).astype(np.int64)
    classes = np.column_stack([sectors, np.searchsorted(SPEEDS, speed, side="right"), weather.stability[known]])
    _, member = np.unique(classes, axis=0, return_inverse=True)
    member = member.ravel()
    weight = length[known]
    hours = np.asarray(np.bincount(member, weight), np.float64)

    def mean(values: Float) -> Float:
        filled = np.where(np.isfinite(values), values, np.nanmean(values) if np.isfinite(values).any() else np.nan)
        return np.asarray(np.bincount(member, weight * filled) / hours)

    angle = np.radians(origin)
    first = np.unique(member, return_index=True)[1]
    states = Weather(
        start=weather.start[known][first],
        end=weather.end[known][first],
        wind_speed=mean(speed),
        wind_from=np.degrees(np.arctan2(mean(np.sin(angle)), mean(np.cos(angle)))) % 360.0,
        stability=weather.stability[known][first],
        temperature=mean(weather.temperature[known]),
        mixing_height=mean(weather.mixing_height[known]),
        height=weather.height,
        place=weather.place,
    )
    return Climate(states, hours, float(length[~known].sum()))
