"""Winds on a grid from NetCDF in its classic form: ERA5's layout, and whatever names its axes and winds alike.

Names: Copernicus Climate Data Store, ERA5 hourly data on pressure levels (``u v`` [m/s], ``w`` [Pa/s]) and on single
levels (``u10 v10``); CF standard names are looked at where none of these stands in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bihuan.core import FormatError, GriddedWind, NotCovered, gridded_wind
from bihuan.formats.era5 import times_of
from bihuan.formats.netcdf import Variable, read_netcdf

TIMES = ("valid_time", "time")
LEVELS = ("pressure_level", "level", "isobaricInhPa", "plev")
LATITUDES, LONGITUDES = ("latitude", "lat"), ("longitude", "lon")
WINDS = (("u", "v"), ("u10", "v10"), ("u100", "v100"))
STANDARD = {"eastward_wind": 0, "northward_wind": 1}
VERTICAL = ("w", "omega")


def read_wind_grid(path: Path) -> GriddedWind:
    """Read the winds of a file: on pressure levels with their vertical wind where it has one, else of one layer.

    Parameters
    ----------
    path : Path

    Returns
    -------
    GriddedWind
        Axes ascending, whichever way they run in the file.

    Raises
    ------
    FormatError
        If it holds no pair of winds, or they have other dimensions than time, level, latitude, longitude.
    NotCovered
        If every value is missing.
    """
    held = read_netcdf(path)
    east, north = _pair(path, held)
    time, lat, lon = (_axis(path, held, names) for names in (TIMES, LATITUDES, LONGITUDES))
    level = next((name for name in LEVELS if name in held[east].dimensions), None)
    wanted = (time, lat, lon) if level is None else (time, level, lat, lon)
    vertical = next((name for name in VERTICAL if name in held), None) if level else None
    fields = [name for name in (east, north, vertical) if name]
    for name in fields:
        if held[name].dimensions != wanted:
            raise FormatError(f"{path.name}: {name} has dimensions {held[name].dimensions}; needed are {wanted}")
    if not np.isfinite(np.asarray(held[east].values, float)).any():
        raise NotCovered(f"{path.name} holds no wind: every value of {east} is missing")
    return gridded_wind(
        times_of(path, held[time]), held[lon].values, held[lat].values, held[east].values, held[north].values,
        pressure=None if level is None else _hectopascals(held[level]),
        omega=None if vertical is None else held[vertical].values,
        name=path.name,
    )  # fmt: skip


def _pair(path: Path, held: Mapping[str, Variable]) -> tuple[str, str]:
    for east, north in WINDS:
        if east in held and north in held:
            return east, north
    found = {held[name].attributes.get("standard_name"): name for name in held}
    if set(STANDARD) <= set(found):
        return found["eastward_wind"], found["northward_wind"]
    raise FormatError(
        f"{path.name} has no wind: it holds {', '.join(held)}; needed are u and v, u10 and v10, or variables of the "
        "standard names eastward_wind and northward_wind"
    )


def _axis(path: Path, held: Mapping[str, Variable], names: tuple[str, ...]) -> str:
    for name in names:
        if name in held:
            return name
    raise FormatError(f"{path.name} has no axis {names[0]}; it holds {', '.join(held)}")


def _hectopascals(level: Variable) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values = np.asarray(level.values, dtype=np.float64)
    return values / 100.0 if str(level.attributes.get("units", "")).strip() == "Pa" else values
