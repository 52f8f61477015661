"""Pure arrays in, arrays out: plume, puff and what they need. Compiled loops live in `kernels`."""

from bihuan.physics.blocks import block_means, block_starts, block_weather
from bihuan.physics.dispersion import Curves, Terrain, curves, sigma_y, sigma_z
from bihuan.physics.plume import GaussianPlume
from bihuan.physics.puff import PuffModel, WindField
from bihuan.physics.sources import source_table

__all__ = [
    "Curves",
    "GaussianPlume",
    "PuffModel",
    "Terrain",
    "WindField",
    "block_means",
    "block_starts",
    "block_weather",
    "curves",
    "sigma_y",
    "sigma_z",
    "source_table",
]
