"""Sources as the kernels see them: one row of numbers each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Plane, Source


def source_table(sources: Sequence[Source], plane: Plane) -> NDArray[np.float64]:
    """Return easting, northing, height, diameter, exit velocity, exit temperature, side of every source.

    Parameters
    ----------
    sources : sequence of Source
    plane : Plane
        Local metric plane.

    Returns
    -------
    ndarray, shape (sources, 7)
        [m, m, m, m, m/s, K, m]; a stack has side 0, and a patch at least 1 m.
    """
    if not sources:
        return np.zeros((0, 7))
    east, north = plane.forward([s.place.lon for s in sources], [s.place.lat for s in sources])
    rows = [
        (s.height, s.diameter, s.exit_velocity, s.exit_temperature, 0.0)
        if s.shape == "stack"
        else (s.height, 0.0, 0.0, s.exit_temperature, max(s.side, 1.0))
        for s in sources
    ]
    return np.ascontiguousarray(np.column_stack([east, north, np.array(rows, dtype=np.float64)]))
