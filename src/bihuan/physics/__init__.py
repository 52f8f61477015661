"""Pure arrays in, arrays out: plume, puff and what they need. Compiled loops live in `kernels`."""

from bihuan.physics.blocks import (
    block_means,
    block_starts,
    block_weather,
)
from bihuan.physics.compiling import (
    compiled,
)
from bihuan.physics.dispersion import (
    Curves,
    Terrain,
    curves,
    sigma_y,
    sigma_z,
)
from bihuan.physics.plume import (
    GaussianPlume,
)
from bihuan.physics.puff import (
    PuffModel,
    WindField,
)
from bihuan.physics.sources import (
    source_table,
)
from bihuan.physics.stability import (
    mixing_height,
    solar_altitude,
    turner_class,
)
from bihuan.physics.steady import (
    AmbientRatio,
    AreaSource,
    BoundaryLayer,
    Building,
    Deposited,
    DepositingPlume,
    FineAndCoarse,
    FixedShare,
    Gas,
    Ground,
    NitrogenShare,
    OzoneLimit,
    Particles,
    PitSource,
    PointSource,
    Receptors,
    Removal,
    RoadSource,
    SteadyPlume,
    SteadySource,
    VolumeSource,
    footprint,
    nitrogen_dioxide,
)

__all__ = [
    "AmbientRatio",
    "AreaSource",
    "BoundaryLayer",
    "Building",
    "Curves",
    "Deposited",
    "DepositingPlume",
    "FineAndCoarse",
    "FixedShare",
    "Gas",
    "GaussianPlume",
    "Ground",
    "NitrogenShare",
    "OzoneLimit",
    "Particles",
    "PitSource",
    "PointSource",
    "PuffModel",
    "Receptors",
    "Removal",
    "RoadSource",
    "SteadyPlume",
    "SteadySource",
    "Terrain",
    "VolumeSource",
    "WindField",
    "block_means",
    "block_starts",
    "block_weather",
    "compiled",
    "curves",
    "footprint",
    "mixing_height",
    "nitrogen_dioxide",
    "sigma_y",
    "sigma_z",
    "solar_altitude",
    "source_table",
    "turner_class",
]
