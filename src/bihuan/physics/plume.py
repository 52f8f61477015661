"""The steady Gaussian plume: what a unit emission causes at receptors under one wind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, Plane, Source, Weather
from bihuan.physics import kernels
from bihuan.physics.dispersion import Terrain, curves
from bihuan.physics.sources import source_table

Float = NDArray[np.float64]

STANDARD_AIR = 293.15
"""Air temperature where none was measured. [K]"""


class GaussianPlume:
    """A Gaussian plume with Briggs spreads and rise; implements `bihuan.core.ForwardModel`.

    Parameters
    ----------
    plane : Plane
        Local metric plane in which receptors are given.
    urban : bool
        Urban spreads and wind profile instead of those of open country.
    receptor_height : float
        Of the samplers above ground. [m]

    Notes
    -----
    Ground and lid reflect; classes E and F have no lid; a plume that rises above the lid leaves the ground
    clean. Below 0.5 m/s the mass is spread evenly over all directions. Where speed is missing, or direction
    is missing in a wind, the response is NaN. Transport takes no time: use `PuffModel` where it matters.

    References
    ----------
    Spreads: Briggs 1973 (see `dispersion.toml`). Rise, stack-tip downwash, lid, virtual sources:
    EPA-454/B-95-003b (ISC3 user's guide, volume II), sections 1.1 and 1.2.
    """

    method = "gaussian-plume/1"

    def __init__(self, plane: Plane, *, urban: bool = False, receptor_height: float = 0.0) -> None:
        self.plane = plane
        self.terrain: Terrain = "urban" if urban else "rural"
        self.receptor_height = receptor_height

    def unit_response(self, sources: Sequence[Source], east: Float, north: Float, weather: Weather) -> Float:
        """Return what 1 g/s of every source causes at every receptor.

        Parameters
        ----------
        sources : sequence of Source
        east, north : ndarray, shape (receptors,)
            In the plane. [m]
        weather : Weather
            One wind for the whole plane, n periods.

        Returns
        -------
        ndarray, shape (periods, receptors, sources)
            [ug/m3 per g/s]
        """
        return self.response_of(source_table(sources, self.plane), east, north, weather)

    def response_of(self, table: Float, east: Float, north: Float, weather: Weather) -> Float:
        """Return the same for sources already in a `source_table`: spares projecting them again."""
        if weather.height <= 0:
            raise InputError(f"anemometer height {weather.height} m: it must be above 0, usually 10")
        coefficients = curves(self.terrain)
        air = np.where(np.isfinite(weather.temperature), weather.temperature, STANDARD_AIR)
        return kernels.plume_responses(
            table,
            np.ascontiguousarray(east, dtype=np.float64),
            np.ascontiguousarray(north, dtype=np.float64),
            self.receptor_height,
            np.ascontiguousarray(weather.wind_speed, dtype=np.float64),
            np.ascontiguousarray(weather.wind_from, dtype=np.float64),
            np.ascontiguousarray(weather.stability, dtype=np.int64),
            air,
            np.ascontiguousarray(weather.mixing_height, dtype=np.float64),
            float(weather.height),
            coefficients.sigma,
            coefficients.wind_exponent,
        )
