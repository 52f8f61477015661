"""From where a receptor gets what it measures: the steady plume seen backwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.physics.steady.boundary import BoundaryLayer
from bihuan.physics.steady.plume import Receptors, SteadyPlume
from bihuan.physics.steady.sources import PointSource, VolumeSource

Float = NDArray[np.float64]
Emitter = TypeVar("Emitter", PointSource, VolumeSource)


def footprint(
    air: BoundaryLayer, emitter: Emitter, receptor: tuple[float, float, float], east: Float, north: Float, *,
    hours: NDArray[np.int64] | None = None,
) -> Float:  # fmt: skip
    """Return what a source of one kind would cause at one receptor from each of many places.

    Over flat ground and in the same air only the way from source to receptor counts, so one table of the plume an hour
    serves all places: a source at the origin and the receptor moved by each place.

    Parameters
    ----------
    air : BoundaryLayer
    emitter : PointSource or VolumeSource
        The kind of source; its own place does not matter.
    receptor : (float, float, float)
        East, north, height. [m]
    east, north : ndarray, shape (places,)
        Where it might stand. [m]
    hours : ndarray of int64, optional
        Of the meteorology; all by default.

    Returns
    -------
    ndarray, shape (hours, places)
        [ug/m3 per g/s]; 0 in calm and missing hours

    Raises
    ------
    InputError
        If the emitter stands in a city's air: give that air itself.
    """
    if emitter.city:
        raise InputError(f"source {emitter.name} is in city {emitter.city}: give that city's own air and city 0")
    at_origin = replace(emitter, east=0.0, north=0.0)
    moved = Receptors(receptor[0] - east, receptor[1] - north, np.full(len(east), receptor[2]))
    return SteadyPlume(air, moved, [at_origin]).hourly(np.ones(1), hours=hours)[:, 0]
