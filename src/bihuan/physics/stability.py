"""What the air does, from what a weather station measures: sun, Pasquill class, mixing height.

The engine that replaces this needs no classes; until then a city without cloud observations gets Turner's key.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Instants = NDArray[np.datetime64]

TURNER_SPEEDS = np.array([0.75, 1.85, 2.85, 3.35, 3.85, 4.85, 5.45, 5.95])
"""Upper bounds of the rows of `TURNER_KEY`. [m/s]"""

TURNER_KEY = np.array(
    [
        [1, 1, 2, 3, 4, 6, 6],
        [1, 2, 2, 3, 4, 6, 6],
        [1, 2, 3, 4, 4, 5, 6],
        [2, 2, 3, 4, 4, 5, 6],
        [2, 2, 3, 4, 4, 4, 5],
        [2, 3, 3, 4, 4, 4, 5],
        [3, 3, 4, 4, 4, 4, 5],
        [3, 3, 4, 4, 4, 4, 4],
        [3, 4, 4, 4, 4, 4, 4],
    ]
)
"""Class 1-6 by wind speed (rows) and net radiation index 4 .. -2 (columns): Turner 1964 as printed in
EPA-454/R-99-005 table 6-4, with G counted as F."""

INSOLATION_BOUNDS = (15.0, 35.0, 60.0)
"""Solar altitude above which insolation is class 2, 3, 4; EPA-454/R-99-005 table 6-5. [degrees]"""

MECHANICAL_HEIGHT = 2300.0
"""Height of the mechanically mixed layer over u*^1.5, Venkatram 1980 as AERMET uses it (EPA-454/B). [m (m/s)^-1.5]"""

CONVECTIVE_FLOOR = (1500.0, 1200.0, 800.0)
"""Least mixing height in classes A, B, C: round afternoon figures, an assumption of this simple engine. [m]"""

VON_KARMAN = 0.4


def solar_altitude(instants: Instants, lon: float, lat: float) -> Float:
    """Return the height of the sun above the horizon. [degrees]

    Parameters
    ----------
    instants : ndarray of datetime64[us], shape (n,)
        UTC.
    lon, lat : float
        [degrees]

    Notes
    -----
    Declination and equation of time by Spencer 1971; good to about half a degree.
    """
    day = instants.astype("datetime64[D]")
    year = day.astype("datetime64[Y]")
    angle = 2 * np.pi * (day - year).astype(np.int64) / 365.0
    declination = (
        0.006918
        - 0.399912 * np.cos(angle)
        + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle)
        - 0.002697 * np.cos(3 * angle)
        + 0.00148 * np.sin(3 * angle)
    )
    equation = 229.18 * (
        0.000075
        + 0.001868 * np.cos(angle)
        - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle)
        - 0.040849 * np.sin(2 * angle)
    )
    minutes = (instants - day).astype("timedelta64[s]").astype(np.float64) / 60
    hour_angle = np.radians((minutes + equation + 4 * lon) / 4 - 180)
    latitude = np.radians(lat)
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    altitude: Float = np.degrees(np.arcsin(np.clip(height, -1, 1)))
    return altitude


def turner_class(wind_speed: Float, altitude: Float, cloudy: bool = True, most_stable: int = 5) -> Int:
    """Return the Pasquill class, 0 = A .. 5 = F, by Turner's key.

    Parameters
    ----------
    wind_speed : ndarray, shape (n,)
        At 10 m. [m/s]
    altitude : ndarray, shape (n,)
        Of the sun. [degrees]
    cloudy : bool
        More than 4/10 of the night sky covered: index -1 instead of -2. Unknown sky counts as cloudy.
    most_stable : int
        Cap on the class; 4 (E) over a built-up city, whose warm ground keeps F away.
    """
    insolation = 1 + np.searchsorted(INSOLATION_BOUNDS, altitude, side="left")
    index = np.where(altitude > 0, insolation, -1 if cloudy else -2)
    row = np.searchsorted(TURNER_SPEEDS, wind_speed, side="left")
    found: Int = np.minimum(TURNER_KEY[row, 4 - index] - 1, most_stable).astype(np.int64)
    return found


def mixing_height(wind_speed: Float, stability: Int, roughness: float = 1.0) -> Float:
    """Return the height up to which pollution mixes. [m]

    Parameters
    ----------
    wind_speed : ndarray, shape (n,)
        At 10 m. [m/s]
    stability : ndarray of int64, shape (n,)
        0 = A .. 5 = F.
    roughness : float
        Of the ground, 1 m for a city. [m]
    """
    friction = VON_KARMAN * np.maximum(wind_speed, 0.5) / np.log(10.0 / roughness)
    floor = np.array([*CONVECTIVE_FLOOR, 0.0, 0.0, 0.0])[stability]
    height: Float = np.maximum(MECHANICAL_HEIGHT * friction**1.5, floor)
    return height
