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
    AreaSource,
    Averager,
    Axis,
    BoundaryLayer,
    Building,
    Highest,
    PointSource,
    Receptors,
    Site,
    SteadyPlume,
    SteadySource,
    VolumeSource,
    emission_factors,
    footprint,
    percentile,
    ranks_for,
    station_hours,
)

__all__ = [
    "AreaSource",
    "Averager",
    "Axis",
    "BoundaryLayer",
    "Building",
    "Curves",
    "GaussianPlume",
    "Highest",
    "PointSource",
    "PuffModel",
    "Receptors",
    "Site",
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
    "emission_factors",
    "footprint",
    "mixing_height",
    "percentile",
    "ranks_for",
    "sigma_y",
    "sigma_z",
    "solar_altitude",
    "source_table",
    "station_hours",
    "turner_class",
]
