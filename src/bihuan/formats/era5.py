"""Hours of one place from NetCDF in ERA5's layout (single levels, classic form).

Names and units: Copernicus Climate Data Store, ERA5 hourly data on single levels: ``u10 v10`` [m/s], ``t2m`` [K],
``tcc`` [0-1]; ``sp`` [Pa], ``ssrd`` [J/m2 over the hour before] and ``blh`` [m] where the file has them.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.core import FormatError, NotCovered, StationHours
from bihuan.formats.netcdf import Variable, read_netcdf

Float = NDArray[np.float64]

NEEDED = ("u10", "v10", "t2m", "tcc")
UNITS = {"hours": "h", "seconds": "s", "minutes": "m", "days": "D"}


def read_era5(path: Path, longitude: float, latitude: float, hours_east: float) -> StationHours:
    """Read the cell of the grid that a place lies in.

    Parameters
    ----------
    path : Path
    longitude, latitude : float
        [degrees]
    hours_east : float
        Local standard time minus UTC. [h]

    Returns
    -------
    StationHours
        Wind at 10 m, temperature at 2 m; the value of a time stands for the hour that ends then.

    Raises
    ------
    FormatError
        If a variable is missing or has other dimensions than time, latitude, longitude.
    NotCovered
        If the place lies outside the grid.
    """
    held = read_netcdf(path)
    missing = [name for name in (*NEEDED, "latitude", "longitude") if name not in held]
    if missing:
        raise FormatError(f"{path.name} has no {', '.join(missing)}; it has {', '.join(held)}")
    clock = "valid_time" if "valid_time" in held else "time"
    north, east = _cell(path, held["latitude"], latitude, 360.0), _cell(path, held["longitude"], longitude, 360.0)
    ends = times_of(path, held.get(clock)) + np.timedelta64(round(hours_east * 60), "m")

    def at(name: str, factor: float = 1.0) -> Float | None:
        variable = held.get(name)
        if variable is None:
            return None
        if variable.dimensions != (clock, "latitude", "longitude"):
            raise FormatError(f"{path.name}: {name} has dimensions {variable.dimensions}: time, latitude, longitude")
        return np.asarray(variable.values[:, north, east], dtype=np.float64) * factor

    u, v, air, cloud = (np.asarray(at(name)) for name in NEEDED)
    origin = np.mod(np.degrees(np.arctan2(-u, -v)), 360.0)
    return StationHours(
        start=(ends - np.timedelta64(60, "m")).astype("datetime64[h]"),
        wind_speed=np.hypot(u, v), wind_from=np.where(origin == 0.0, 360.0, origin), temperature=air,
        cloud_cover=10.0 * cloud, pressure=at("sp", 0.01), radiation=at("ssrd", 1.0 / 3600.0),
        convective_height=at("blh"),
    )  # fmt: skip


def _cell(path: Path, axis: Variable, wanted: float, turn: float) -> int:
    places = np.asarray(axis.values, dtype=np.float64)
    away = np.abs((places - wanted + turn / 2) % turn - turn / 2)
    step = float(np.abs(np.diff(places)).max()) if len(places) > 1 else 0.25
    if away.min() > step:
        raise NotCovered(f"{path.name}: {wanted:g} degrees lies outside its grid, {places.min():g} to {places.max():g}")
    return int(away.argmin())


def times_of(path: Path, variable: Variable | None) -> NDArray[np.datetime64]:
    """Return the instants of a time axis that counts hours, minutes, seconds or days since a day.

    Raises
    ------
    FormatError
        If it does not.
    """
    told = re.match(r"(\w+) since (\d{4}-\d{1,2}-\d{1,2})", str(variable.attributes.get("units"))) if variable else None
    if variable is None or told is None or told[1] not in UNITS:
        raise FormatError(f"{path.name} has no time in hours or seconds since a day")
    counts = np.asarray(variable.values).astype(np.int64)
    year, month, day = (int(part) for part in told[2].split("-"))
    begin = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}T00:00", "m")
    return (begin + counts.astype(f"timedelta64[{UNITS[told[1]]}]")).astype("datetime64[m]")
