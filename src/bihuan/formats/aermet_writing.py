"""Hours of a boundary layer written as AERMET's two files, ``.SFC`` and ``.PFL``.

Columns and codes of missing values: EPA-454/B-24-007 (user's guide of AERMOD), appendix D.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bihuan.core import InputError, ProfileHours, SurfaceHours

KELVIN = 273.16
"""Of 0 degrees Celsius in AERMOD. [K]"""


def write_surface(path: Path, surface: SurfaceHours) -> None:
    """Write a ``.SFC`` file.

    Parameters
    ----------
    path : Path
    surface : SurfaceHours
        NaN becomes the code of missing of its column; digits are those of AERMET.
    """
    adjusted = "  ADJ_U*" if surface.adjusted_friction_velocity else ""
    head = f"{_degrees(surface.latitude, 'NS')} {_degrees(surface.longitude, 'EW')}"
    with path.open("w", encoding="ascii") as out:
        out.write(f"{head}          UA_ID:           SF_ID:           OS_ID:          VERSION: BIHUAN{adjusted}\n")
        for place in range(len(surface)):
            out.write(_row(surface, place) + "\n")


def write_profile(path: Path, surface: SurfaceHours, mast: ProfileHours) -> None:
    """Write the ``.PFL`` file that goes with a ``.SFC`` file.

    Raises
    ------
    InputError
        If the two do not cover the same hours.
    """
    if len(mast.first) != len(surface) + 1:
        raise InputError(f"{path.name}: {len(surface)} hours at the surface, {len(mast.first) - 1} on the mast")
    with path.open("w", encoding="ascii") as out:
        for place in range(len(surface)):
            first, last = int(mast.first[place]), int(mast.first[place + 1])
            year, month, day, hour, _ = _stamp(surface, place)
            for level in range(first, last):
                top = int(level == last - 1)
                out.write(
                    f"{year:02d} {month:2d} {day:2d} {hour:2d} {mast.height[level]:7.1f} {top} "
                    f"{_or(mast.wind_from[level], -999.0):7.1f} {_or(mast.wind_speed[level], -99.0):8.2f} "
                    f"{_or(mast.temperature[level] - KELVIN, 99.0):8.2f} {_or(mast.sigma_theta[level], 99.0):8.2f} "
                    f"{_or(mast.sigma_w[level], 99.0):8.2f}\n"
                )


def _stamp(surface: SurfaceHours, place: int) -> tuple[int, int, int, int, int]:
    """Year of two digits, month, day, hour from 1 to 24, day of the year."""
    start = surface.start[place]
    day = start.astype("datetime64[D]")
    first = start.astype("datetime64[Y]").astype("datetime64[D]")
    told = str(day)
    hour = int((start - day).astype("timedelta64[h]").astype(int)) + 1
    return int(told[2:4]), int(told[5:7]), int(told[8:10]), hour, int((day - first).astype(int)) + 1


def _row(surface: SurfaceHours, place: int) -> str:
    year, month, day, hour, of_year = _stamp(surface, place)

    def at(name: str, missing: float) -> float:
        return _or(float(getattr(surface, name)[place]), missing)

    return (
        f"{year:02d} {month:2d} {day:2d} {of_year:3d} {hour:2d} {at('heat_flux', -999.0):6.1f} "
        f"{at('friction_velocity', -9.0):6.3f} {at('convective_velocity', -9.0):6.3f} "
        f"{at('gradient_above', -9.0):6.3f} {at('convective_height', -999.0):5.0f}. "
        f"{at('mechanical_height', -999.0):5.0f}. {at('obukhov_length', -99999.0):8.1f} {at('roughness', -9.0):7.4f} "
        f"{at('bowen_ratio', -9.0):6.2f} {at('albedo', -9.0):6.2f} {at('wind_speed', 999.0):7.2f} "
        f"{at('wind_from', 999.0):6.1f} {at('wind_height', -9.0):6.1f} {at('temperature', 999.0):6.1f} "
        f"{at('temperature_height', -9.0):6.1f} {int(surface.precipitation_code[place]):5d} "
        f"{at('precipitation', -9.0):6.2f} {at('humidity', 999.0):6.0f}. {at('pressure', 99999.0):6.0f}. "
        f"{int(at('cloud_cover', 99.0)):5d} NAD NoSubs"
    )


def _or(value: float, missing: float) -> float:
    return value if np.isfinite(value) else missing


def _degrees(value: float | None, letters: str) -> str:
    known = 0.0 if value is None else value
    return f"{abs(known):9.3f}{letters[0] if known >= 0 else letters[1]}"
