"""`bihuan trajectory`: paths and fields from a file of winds, written as GeoJSON and NetCDF."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from bihuan.app.cli_parts import home_path
from bihuan.app.settings import read_settings
from bihuan.core import BihuanError, FormatError, InputError, Language, NotCovered, Place, parse_instant, text
from bihuan.formats import Variable, read_wind_grid, track_features, write_netcdf, write_tracks
from bihuan.physics import ENDS, Scheme, Trajectories, trajectories
from bihuan.tracing import Clusters, TransportField, cluster_paths, transport_field

Float = NDArray[np.float64]
TOP = 5
"""Cells that are named in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Paths and the files they were written to."""

    paths: Trajectories
    files: tuple[Path, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "trajectories": len(self.paths),
            "ended": dict(Counter(self.paths.why(n) for n in range(len(self.paths)))),
            "step_s": self.paths.step,
            "scheme": self.paths.scheme,
            "ends": [
                {
                    "start": f"{self.paths.start[n]}Z",
                    "lon": round(float(self.paths.end_lon[n]), 5),
                    "lat": round(float(self.paths.end_lat[n]), 5),
                    "hours": round(float(self.paths.end_hours[n]), 4),
                    "ended": self.paths.why(n),
                }
                for n in range(len(self.paths))
            ],
            "files": [str(file) for file in self.files],
        }

    def words(self, language: Language) -> str:
        """Return a line a path, and the files."""
        lines = []
        for one in self.as_dict()["ends"]:
            why = text(f"trajectory.end_{one['ended']}", language)
            shown = {"lon": f"{one['lon']:.3f}", "lat": f"{one['lat']:.3f}", "hours": f"{one['hours']:.1f}"}
            lines.append(text("trajectory.line", language, start=one["start"], why=why, **shown))
        return "\n".join([*lines, *map(str, self.files)])


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field of transport, the clusters of its paths, and the files."""

    field: TransportField
    clusters: Clusters | None
    paths: Trajectories
    left_out: int
    files: tuple[Path, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; the whole field stands in the files."""
        found = self.field
        order = np.argsort(-np.nan_to_num(found.value, nan=-np.inf).ravel(), kind="stable")[:TOP]
        rows, columns = np.unravel_index(order, found.value.shape)
        told: dict[str, Any] = {
            "method": found.method,
            "threshold": found.threshold,
            "trajectories": found.used,
            "left_out": self.left_out,
            "ended": dict(Counter(self.paths.why(n) for n in range(len(self.paths)))),
            "highest": [
                {
                    "lon": round(float(found.lon[c]), 4),
                    "lat": round(float(found.lat[r]), 4),
                    "value": round(float(found.value[r, c]), 4),
                    "points": round(float(found.points[r, c]), 4),
                }
                for r, c in zip(rows, columns, strict=True)
                if np.isfinite(found.value[r, c])
            ],
            "files": [str(file) for file in self.files],
        }
        if self.clusters is not None:
            told["clusters"] = [round(float(share), 4) for share in self.clusters.share]
            told["within"] = round(self.clusters.within, 4)
        return told

    def words(self, language: Language) -> str:
        """Return the highest cells, the clusters and the files."""
        told = self.as_dict()
        name = text(f"trajectory.method_{told['method']}", language)
        lines = [text("trajectory.field", language, method=name, count=told["trajectories"], left_out=told["left_out"])]
        for one in told["highest"]:
            lines.append(text("trajectory.cell", language, **{key: f"{one[key]:g}" for key in ("lon", "lat", "value")}))
        if self.clusters is not None:
            shares = "  ".join(f"{100 * share:.0f}%" for share in told["clusters"])
            lines.append(text("trajectory.clusters", language, count=len(told["clusters"]), shares=shares))
        return "\n".join([*lines, *map(str, self.files)])


def back(
    wind: Path,
    place: str,
    instants: Sequence[datetime],
    hours: float,
    pressure: float | None,
    forward: bool,
    scheme: Scheme,
    out: Path,
) -> Followed:
    """Follow air of a place and write its paths.

    Raises
    ------
    InputError, FormatError, NotCovered
        As the reader and `trajectories`.
    """
    if scheme not in get_args(Scheme):
        raise InputError(f"scheme {scheme!r} is not known: {', '.join(get_args(Scheme))}")
    here = place_of(place)
    at = np.array([np.datetime64(one.astimezone(UTC).replace(tzinfo=None), "s") for one in instants])
    paths = trajectories(
        read_wind_grid(wind), [here.lon], [here.lat], at, hours, pressure=_level(pressure), backward=not forward,
        scheme=scheme,
    )  # fmt: skip
    return Followed(paths, _written(paths, out, wind))


def field_of(
    wind: Path, place: str, series: Path, hours: float, pressure: float | None, out: Path, *, method: Any,
    threshold: float | None, cell: float, weighted: bool, clusters: int | None, distance: Any,
) -> Field:  # fmt: skip
    """Compute and write the field of a series; times that the winds do not cover are left out and counted.

    Raises
    ------
    InputError, FormatError, NotCovered
        As the readers, `trajectories` and `transport_field`.
    """
    here, grid = place_of(place), read_wind_grid(wind)
    at, values = read_series(series)
    inside = (at >= grid.time[0]) & (at <= grid.time[-1]) if len(grid.time) > 1 else np.ones(len(at), dtype=bool)
    if not inside.any():
        raise NotCovered(
            f"no time of {series.name} ({at.min()} to {at.max()} UTC) lies within {wind.name}: "
            f"{grid.time[0]} to {grid.time[-1]}"
        )
    paths = trajectories(grid, [here.lon], [here.lat], at[inside], hours, pressure=_level(pressure))
    found = transport_field(
        paths.lon, paths.lat, values[inside], method=method, cell=cell, threshold=threshold, hours=paths.hours,
        weighted=weighted,
    )  # fmt: skip
    kinds = None if clusters is None else cluster_paths(paths.lon, paths.lat, clusters, distance)
    properties = [{"value": float(value)} for value in values[inside]]
    if kinds is not None:
        properties = [one | {"cluster": int(k)} for one, k in zip(properties, kinds.member, strict=True)]
    files = (*_written(paths, out, wind, properties), *_field_files(found, out, wind))
    return Field(found, kinds, paths, int((~inside).sum()), files)


def place_of(words: str) -> Place:
    """Return the place of LON,LAT.

    Raises
    ------
    InputError
    """
    parts = words.split(",")
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError:
        raise InputError(f"place {words!r} cannot be read: write LON,LAT in degrees, 113.62,34.75") from None
    if not (np.isfinite(lon) and np.isfinite(lat)):
        raise InputError(f"place {words!r} is no place: write LON,LAT in degrees, 113.62,34.75")
    return Place(lon, lat)


def read_series(path: Path) -> tuple[NDArray[np.datetime64], Float]:
    """Read time,value rows; times without an offset are local time of the city, an empty value is missing.

    Raises
    ------
    FormatError
        If a column is missing, a row cannot be read, or there is none.
    """
    zone = read_settings(home_path()).zone
    times, values = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"time", "value"} <= set(rows.fieldnames or ()):
                raise FormatError(f"{path.name} has columns {rows.fieldnames}: needed are time and value")
            for number, row in enumerate(rows, 2):
                times.append(_instant(path, number, str(row["time"]), zone))
                values.append(_value(path, number, (row["value"] or "").strip()))
    except UnicodeDecodeError:
        raise FormatError(f"{path.name} is no text in UTF-8: save it as CSV (UTF-8)") from None
    if not times:
        raise FormatError(f"{path.name} holds no row: give time,value an hour each")
    return np.array(times, dtype="datetime64[s]"), np.array(values)


def _instant(path: Path, number: int, words: str, zone: Any) -> np.datetime64:
    try:
        return np.datetime64(parse_instant(words.strip(), zone).astimezone(UTC).replace(tzinfo=None), "s")
    except BihuanError as problem:
        raise FormatError(f"{path.name} line {number}: {problem}") from None


def _value(path: Path, number: int, words: str) -> float:
    try:
        return float(words) if words else float("nan")
    except ValueError:
        raise FormatError(
            f"{path.name} line {number}: value {words!r} is no number; leave a missing one empty"
        ) from None


def _level(pressure: float | None) -> list[float] | None:
    return None if pressure is None else [pressure]


def _written(paths: Trajectories, out: Path, wind: Path, properties: Sequence[dict[str, Any]] = ()) -> tuple[Path, ...]:
    out.mkdir(parents=True, exist_ok=True)
    ended = [ENDS[int(code)] for code in paths.ended]
    told = (paths.start, paths.hours, paths.lon, paths.lat, paths.pressure, ended)
    drawn, kept = out / "trajectories.geojson", out / "trajectories.nc"
    drawn.write_text(json.dumps(track_features(*told, properties), separators=(",", ":")) + "\n", "utf-8")
    history = {"title": "trajectories", "source": f"bihuan {paths.scheme}, step {paths.step:g} s, winds {wind.name}"}
    write_tracks(kept, *told, history)
    return drawn, kept


def _field_files(found: TransportField, out: Path, wind: Path) -> tuple[Path, ...]:
    path = out / f"{found.method}.nc"
    unit: dict[str, str | float] = {"long_name": found.method, **({"units": "1"} if found.method == "pscf" else {})}
    variables = {
        "latitude": Variable(("latitude",), found.lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "longitude": Variable(("longitude",), found.lon, {"standard_name": "longitude", "units": "degrees_east"}),
        found.method: Variable(("latitude", "longitude"), found.value, unit),
        "points": Variable(("latitude", "longitude"), found.points, {"long_name": "points of trajectories"}),
        "weight": Variable(("latitude", "longitude"), found.weight, {"long_name": "weight of cells", "units": "1"}),
    }
    write_netcdf(path, variables, {"title": found.method, "source": f"bihuan, winds {wind.name}"})
    return (path,)
