"""Trajectories as files: GeoJSON for maps, NetCDF by CF's discrete sampling geometry ``trajectory`` for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bihuan.formats.netcdf import Variable, write_netcdf

Float = NDArray[np.float64]


def track_features(
    start: NDArray[np.datetime64],
    hours: Float,
    lon: Float,
    lat: Float,
    pressure: Float | None,
    ended: Sequence[str],
    properties: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return trajectories as a FeatureCollection of lines, cut where they cross 180 degrees.

    Parameters
    ----------
    start : ndarray of datetime64, shape (n,)
        UTC.
    hours : ndarray, shape (m,)
        Of the points from the start on. [h]
    lon, lat : ndarray, shape (n, m)
        NaN behind the end. [degrees]
    pressure : ndarray of shape (n, m), or None
        [hPa]
    ended : sequence of str
        How each ended.
    properties : sequence of mapping, optional
        More of each, as a cluster or a value.
    """
    features = []
    for n, begin in enumerate(start):
        known = np.isfinite(lon[n])
        points = [[round(float(x), 5), round(float(y), 5)] for x, y in zip(lon[n][known], lat[n][known], strict=True)]
        told: dict[str, Any] = {
            "start": f"{np.datetime_as_string(begin, unit='s')}Z",
            "hours": [float(hour) for hour in hours[known]],
            "ended": ended[n],
        }
        if pressure is not None:
            told["pressure_hpa"] = [round(float(value), 1) for value in pressure[n][known]]
        told |= dict(properties[n]) if properties else {}
        features.append({"type": "Feature", "geometry": _line(points), "properties": told})
    return {"type": "FeatureCollection", "features": features}


def _line(points: list[list[float]]) -> dict[str, Any]:
    parts: list[list[list[float]]] = [[]]
    for point in points:
        if parts[-1] and abs(point[0] - parts[-1][-1][0]) > 180.0:
            parts.append([])
        parts[-1].append(point)
    lines = [part for part in parts if len(part) > 1]
    if not lines:
        return {"type": "Point", "coordinates": points[0]}
    if len(lines) == 1:
        return {"type": "LineString", "coordinates": lines[0]}
    return {"type": "MultiLineString", "coordinates": lines}


def write_tracks(
    path: Path,
    start: NDArray[np.datetime64],
    hours: Float,
    lon: Float,
    lat: Float,
    pressure: Float | None,
    ended: Sequence[str],
    attributes: Mapping[str, str],
) -> None:
    """Write trajectories as NetCDF; parameters as for `track_features`, NaN where one has ended.

    Notes
    -----
    CF-1.11 section H.4.1: multidimensional arrays, ``featureType = "trajectory"``, an index variable with
    ``cf_role = "trajectory_id"``.
    """
    begun = np.asarray(start, "datetime64[s]").astype(np.int64).astype(np.float64)
    grid = ("trajectory", "obs")
    place: dict[str, str | float] = {"coordinates": "time latitude longitude"}
    variables = {
        "trajectory": Variable(
            ("trajectory",), np.arange(len(start), dtype=np.int32), {"cf_role": "trajectory_id"}
        ),
        "time": Variable(
            grid, begun[:, None] + 3600.0 * hours[None, :],
            {"standard_name": "time", "units": "seconds since 1970-01-01 00:00:00", "calendar": "standard"},
        ),
        "latitude": Variable(grid, lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "longitude": Variable(grid, lon, {"standard_name": "longitude", "units": "degrees_east"}),
        "ended": Variable(("trajectory",), np.array([one.encode() for one in ended], dtype="S7")),
    }  # fmt: skip
    if pressure is not None:
        variables["pressure"] = Variable(grid, pressure, {"standard_name": "air_pressure", "units": "hPa", **place})
    write_netcdf(path, variables, {"featureType": "trajectory", **attributes})
