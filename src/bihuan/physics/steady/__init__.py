"""A steady-state plume of AERMOD's class: boundary-layer profiles, tables along the wind, receptors from look-ups."""

from bihuan.physics.steady.averages import Averager, Highest, percentile, ranks_for
from bihuan.physics.steady.boundary import BoundaryLayer
from bihuan.physics.steady.building import Building
from bihuan.physics.steady.classes import class_layer
from bihuan.physics.steady.deposited import Deposited, DepositingPlume
from bihuan.physics.steady.emission_factors import Axis, emission_factors
from bihuan.physics.steady.engine import EnginePlume
from bihuan.physics.steady.footprint import footprint
from bihuan.physics.steady.nitrogen import AmbientRatio, FixedShare, NitrogenShare, OzoneLimit, nitrogen_dioxide
from bihuan.physics.steady.pits import PitSource
from bihuan.physics.steady.plume import Receptors, SteadyPlume
from bihuan.physics.steady.puffs import SteadyPuffs
from bihuan.physics.steady.removal import FineAndCoarse, Gas, Ground, Particles, Removal
from bihuan.physics.steady.roads import RoadSource
from bihuan.physics.steady.sources import AreaSource, PointSource, SteadySource, VolumeSource
from bihuan.physics.steady.station import Site, station_hours

__all__ = [
    "AmbientRatio",
    "AreaSource",
    "Averager",
    "Axis",
    "BoundaryLayer",
    "Building",
    "Deposited",
    "DepositingPlume",
    "EnginePlume",
    "FineAndCoarse",
    "FixedShare",
    "Gas",
    "Ground",
    "Highest",
    "NitrogenShare",
    "OzoneLimit",
    "Particles",
    "PitSource",
    "PointSource",
    "Receptors",
    "Removal",
    "RoadSource",
    "Site",
    "SteadyPlume",
    "SteadyPuffs",
    "SteadySource",
    "VolumeSource",
    "class_layer",
    "emission_factors",
    "footprint",
    "nitrogen_dioxide",
    "percentile",
    "ranks_for",
    "station_hours",
]
