"""One band of numbers on an even grid as GeoTIFF (OGC 19-008r4): 32-bit floating point, deflated, no value as NaN."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from bihuan.core import InputError

Float = NDArray[np.float64]

PIXEL_SCALE, TIE_POINT, GEO_KEYS, NO_DATA, DESCRIPTION = 33550, 33922, 34735, 42113, 270
DOUBLE, SHORT = 12, 3
PROJECTED, USER_DEFINED, AREA = 1, 32767, 1
METRE = 9001


def write_geotiff(path: Path, values: Float, west: float, north: float, step: tuple[float, float], *,
                  epsg: int | None = None, description: str = "") -> None:  # fmt: skip
    """Write a grid.

    Parameters
    ----------
    path : Path
    values : ndarray, shape (rows, columns)
        Northernmost row first.
    west, north : float
        Outer edge of the north-western cell. [m]
    step : (float, float)
        Width and height of a cell. [m]
    epsg : int, optional
        Of the projected plane; a plane that nobody named by default.
    description : str

    Raises
    ------
    InputError
        If the cells have no size or the code is none of a projected plane.
    """
    if not (step[0] > 0.0 and step[1] > 0.0):
        raise InputError(f"{path.name}: cells of {step[0]:g} x {step[1]:g} m: both must be above 0")
    if epsg is not None and not 1024 <= epsg < USER_DEFINED:
        raise InputError(f"{path.name}: EPSG code {epsg}: a projected plane, as 4547 or 32650")
    tags = ImageFileDirectory_v2()
    tags[PIXEL_SCALE], tags.tagtype[PIXEL_SCALE] = (step[0], step[1], 0.0), DOUBLE
    tags[TIE_POINT], tags.tagtype[TIE_POINT] = (0.0, 0.0, 0.0, west, north, 0.0), DOUBLE
    keys = [(1024, PROJECTED), (1025, AREA), (3072, epsg or USER_DEFINED), (3076, METRE)]
    tags[GEO_KEYS] = (1, 1, 0, len(keys), *(part for key, value in keys for part in (key, 0, 1, value)))
    tags.tagtype[GEO_KEYS] = SHORT
    tags[NO_DATA] = "nan"
    if description:
        tags[DESCRIPTION] = description
    Image.fromarray(np.ascontiguousarray(values, dtype=np.float32)).save(
        path, format="TIFF", tiffinfo=tags, compression="tiff_deflate"
    )
