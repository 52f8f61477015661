"""A steady-state plume of AERMOD's class: boundary-layer profiles, tables along the wind, receptors from look-ups."""

from bihuan.physics.steady.boundary import BoundaryLayer
from bihuan.physics.steady.building import Building
from bihuan.physics.steady.footprint import footprint
from bihuan.physics.steady.nitrogen import AmbientRatio, FixedShare, NitrogenShare, OzoneLimit, nitrogen_dioxide
from bihuan.physics.steady.plume import Receptors, SteadyPlume
from bihuan.physics.steady.sources import AreaSource, PointSource, SteadySource, VolumeSource

__all__ = [
    "AmbientRatio",
    "AreaSource",
    "BoundaryLayer",
    "Building",
    "FixedShare",
    "NitrogenShare",
    "OzoneLimit",
    "PointSource",
    "Receptors",
    "SteadyPlume",
    "SteadySource",
    "VolumeSource",
    "footprint",
    "nitrogen_dioxide",
]
