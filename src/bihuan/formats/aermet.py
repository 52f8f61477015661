"""AERMET's two files of hourly meteorology, ``.SFC`` (surface layer) and ``.PFL`` (mast), plain or gzipped.

Layouts: EPA-454/B-24-007 (user's guide of AERMOD), appendix D.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.core import FormatError, ProfileHours, SurfaceHours

Float = NDArray[np.float64]

KELVIN = 273.16
"""Of 0 degrees Celsius in AERMOD. [K]"""

CENTURY = 50
"""Two-digit years from this one on are of 19xx, as AERMET writes them."""

SURFACE_FIELDS = 20
"""Numbers a row must have; what follows (precipitation, humidity, pressure, cloud, flags) may be left out."""

PROFILE_FIELDS = 11

_COORDINATES = re.compile(r"^\s*([\d.]+)\s*([NS])\s+([\d.]+)\s*([EW])")


def read_surface(path: Path) -> SurfaceHours:
    """Read a ``.SFC`` file.

    Parameters
    ----------
    path : Path
        Ends in ``.gz`` when gzipped.

    Raises
    ------
    FormatError
        If the header or a row is not AERMET's, or the hours do not ascend; the message names the line.
    """
    with _opened(path) as lines:
        header = lines.readline()
        rows, stamps = _rows(lines, path, SURFACE_FIELDS, (0, 1, 2, 4))
    if ":" not in header:
        raise FormatError(f"{path.name}: line 1 is no header of AERMET (… VERSION: …): is this a .SFC file?")
    latitude, longitude = _coordinates(header)
    table = _padded(rows, 25)
    column = table.T
    return SurfaceHours(
        start=_ascending(stamps, path, 2),
        heat_flux=_known(column[5], lambda v: v > -998),
        friction_velocity=_known(column[6], lambda v: (v >= 0) & (v < 9)),
        convective_velocity=_known(column[7], lambda v: v >= 0),
        gradient_above=_known(column[8], lambda v: v > -9),
        convective_height=_known(column[9], lambda v: (v >= 0) & (v <= 90000)),
        mechanical_height=_known(column[10], lambda v: (v >= 0) & (v <= 90000)),
        obukhov_length=_known(column[11], lambda v: v >= -99990),
        roughness=_known(column[12], lambda v: v > 0),
        bowen_ratio=column[13],
        albedo=column[14],
        wind_speed=_known(column[15], lambda v: (v >= 0) & (v < 90)),
        wind_from=_known(column[16], lambda v: (v > -9) & (v <= 900)),
        wind_height=column[17],
        temperature=_known(column[18], lambda v: (v > 0) & (v <= 900)),
        temperature_height=column[19],
        precipitation_code=np.nan_to_num(_known(column[20], lambda v: (v >= 0) & (v < 99))).astype(np.int64),
        precipitation=_known(column[21], lambda v: (v >= 0) & (v < 999)),
        humidity=_known(column[22], lambda v: (v >= 0) & (v <= 100)),
        pressure=_known(column[23], lambda v: (v > 0) & (v < 90000)),
        cloud_cover=_known(column[24], lambda v: (v >= 0) & (v <= 10)),
        latitude=latitude,
        longitude=longitude,
        adjusted_friction_velocity="ADJ_U*" in header,
    )


def read_profile(path: Path, hours: NDArray[np.datetime64]) -> ProfileHours:
    """Read a ``.PFL`` file that goes with a ``.SFC`` file.

    Parameters
    ----------
    path : Path
    hours : ndarray of datetime64[h]
        Begins of the hours of the ``.SFC`` file.

    Raises
    ------
    FormatError
        If a row is not AERMET's, or an hour of the surface file has no level here.
    """
    with _opened(path) as lines:
        rows, stamps = _rows(lines, path, PROFILE_FIELDS, (0, 1, 2, 3))
    column = _padded(rows, PROFILE_FIELDS).T
    start = np.array(stamps, dtype="datetime64[h]")
    if (np.diff(start) < np.timedelta64(0)).any():
        at = int(np.argmax(np.diff(start) < np.timedelta64(0)))
        raise FormatError(f"{path.name}: line {at + 2} goes back in time: hours must ascend, as AERMET writes them")
    first = np.searchsorted(start, hours, "left")
    last = np.searchsorted(start, hours, "right")
    if (last == first).any():
        missing = hours[int(np.argmax(last == first))]
        raise FormatError(f"{path.name}: no level for the hour beginning {missing}, which the surface file has")
    take = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    kept = column[:, take]
    return ProfileHours(
        first=np.concatenate([[0], np.cumsum(last - first)]).astype(np.int64),
        height=kept[4].copy(),
        wind_from=_known(kept[6], lambda v: (v >= 0) & (v <= 900)),
        wind_speed=_known(kept[7], lambda v: (v >= 0) & (v <= 90)),
        temperature=_known(kept[8], lambda v: (v > -90) & (v < 90)) + KELVIN,
        sigma_theta=_known(kept[9], lambda v: (v >= 0) & (v < 99)),
        sigma_w=_known(kept[10], lambda v: (v >= 0) & (v <= 90)),
    )


def _opened(path: Path) -> io.TextIOBase:
    body = path.read_bytes()
    return io.StringIO((gzip.decompress(body) if path.suffix == ".gz" else body).decode("latin-1"))


def _rows(
    lines: io.TextIOBase, path: Path, fewest: int, stamp: tuple[int, int, int, int]
) -> tuple[list[list[float]], list[np.datetime64]]:
    rows: list[list[float]] = []
    stamps: list[np.datetime64] = []
    for number, line in enumerate(lines, start=2 if fewest == SURFACE_FIELDS else 1):
        words = line.split()
        if not words or ":" in line:  # a file of several years repeats the header
            continue
        values = _numbers(words)
        if len(values) < fewest:
            raise FormatError(
                f"{path.name}: line {number} has {len(values)} numbers, {fewest} are needed: {line[:60]!r}"
            )
        try:
            stamps.append(_start(*(int(values[place]) for place in stamp)))
        except ValueError as problem:
            raise FormatError(f"{path.name}: line {number} has no date: {problem}: {line[:30]!r}") from None
        rows.append(values)
    if not rows:
        raise FormatError(f"{path.name} holds no hour")
    return rows, stamps


def _numbers(words: Sequence[str]) -> list[float]:
    """The numbers a row begins with; flags such as ``NAD-SFC`` end it."""
    values: list[float] = []
    for word in words:
        try:
            values.append(float(word))
        except ValueError:
            break
    return values


def _start(year: int, month: int, day: int, hour: int) -> np.datetime64:
    if not 1 <= hour <= 24:
        raise ValueError(f"hour {hour} is not 1-24")
    if year < 100:
        year += 1900 if year >= CENTURY else 2000
    return np.datetime64(f"{year:04d}-{month:02d}-{day:02d}T00", "h") + np.timedelta64(hour - 1, "h")


def _ascending(stamps: list[np.datetime64], path: Path, first_line: int) -> NDArray[np.datetime64]:
    start = np.array(stamps, dtype="datetime64[h]")
    back = np.diff(start) <= np.timedelta64(0)
    if back.any():
        line = int(np.argmax(back)) + first_line + 1
        raise FormatError(f"{path.name}: line {line} does not follow the hour before it: hours must ascend")
    return start


def _padded(rows: list[list[float]], width: int) -> Float:
    table = np.full((len(rows), width), np.nan)
    for place, row in enumerate(rows):
        kept = row[:width]
        table[place, : len(kept)] = kept
    return table


def _known(values: Float, valid: Callable[[Float], NDArray[np.bool_]]) -> Float:
    return np.where(valid(values), values, np.nan)


def _coordinates(header: str) -> tuple[float | None, float | None]:
    found = _COORDINATES.match(header)
    if found is None:
        return None, None
    latitude = float(found[1]) * (1 if found[2] == "N" else -1)
    return latitude, float(found[3]) * (1 if found[4] == "E" else -1)
