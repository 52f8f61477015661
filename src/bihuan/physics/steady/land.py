"""Resistances of nine kinds of land in five seasons to gases (ANL/ER/TR-01/003, table 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.steady import deposition_kernels as d

Float = NDArray[np.float64]

LANDS, SEASONS = 9, 5
FORESTS = (4, 6)

_C = d.CLOSED
_WAX = (1e-5, 6.0, 5.0, 7.0, 3.0, 4.0, 1e-5, 1e-5, 3.0)
"""By which leaves outdo a single one, by land."""

# Stomata, cuticle to SO2 and to O3, canopy, ground to SO2 and to O3, by land 1-9. [s/m]
_MIDSUMMER = (
    (_C, 60.0, 120.0, 100.0, 200.0, 150.0, _C, _C, 80.0),
    (_C, 2000.0, 2000.0, 2000.0, 2000.0, 2000.0, _C, _C, 2500.0),
    (_C, 1000.0, 1000.0, 1000.0, 2000.0, 2000.0, _C, _C, 1000.0),
    (100.0, 200.0, 100.0, 2000.0, 100.0, 1500.0, 0.0, 0.0, 300.0),
    (400.0, 150.0, 350.0, 300.0, 500.0, 450.0, 0.0, 1000.0, 0.0),
    (300.0, 150.0, 200.0, 200.0, 300.0, 300.0, 2000.0, 400.0, 1000.0),
)
_AUTUMN = (
    (_C, _C, _C, 350.0, _C, 700.0, _C, _C, _C),
    (_C, 6500.0, 6500.0, 3000.0, 2000.0, 2000.0, _C, _C, 6500.0),
    (_C, 400.0, 300.0, 500.0, 600.0, 1000.0, _C, _C, 300.0),
    (100.0, 150.0, 100.0, 1700.0, 100.0, 1200.0, 0.0, 0.0, 200.0),
    (400.0, 200.0, 350.0, 300.0, 500.0, 450.0, 0.0, 1000.0, 0.0),
    (300.0, 150.0, 200.0, 200.0, 300.0, 300.0, 2000.0, 400.0, 800.0),
)
_LATE_AUTUMN = (
    (_C, _C, _C, 500.0, _C, 1000.0, _C, _C, _C),
    (_C, _C, 9000.0, 6000.0, 2000.0, 2000.0, _C, _C, 9000.0),
    (_C, _C, 400.0, 600.0, 800.0, 1600.0, _C, _C, 800.0),
    (100.0, 0.0, 100.0, 1500.0, 100.0, 1000.0, 0.0, 0.0, 100.0),
    (400.0, 150.0, 350.0, 300.0, 500.0, 450.0, 0.0, 0.0, 1000.0),
    (300.0, 150.0, 200.0, 200.0, 300.0, 300.0, 2000.0, 400.0, 1000.0),
)
_WINTER = (
    (_C, _C, _C, 800.0, _C, 1600.0, _C, _C, _C),
    (_C, _C, _C, 400.0, _C, 800.0, _C, _C, 9000.0),
    (_C, 2000.0, 1000.0, 600.0, 2000.0, 1200.0, _C, _C, 800.0),
    (100.0, 0.0, 10.0, 1500.0, 100.0, 1000.0, 0.0, 0.0, 50.0),
    (100.0, 100.0, 100.0, 100.0, 200.0, 200.0, 0.0, 1000.0, 100.0),
    (600.0, 3500.0, 3500.0, 3500.0, 500.0, 500.0, 2000.0, 400.0, 3500.0),
)
_SPRING = (
    (_C, 100.0, 120.0, 100.0, 200.0, 150.0, _C, _C, 80.0),
    (_C, 2000.0, 2000.0, 1500.0, 2000.0, 2000.0, _C, _C, 2000.0),
    (_C, 1000.0, 250.0, 350.0, 500.0, 700.0, _C, _C, 300.0),
    (100.0, 50.0, 80.0, 1500.0, 100.0, 1000.0, 0.0, 0.0, 200.0),
    (500.0, 150.0, 350.0, 300.0, 500.0, 450.0, 0.0, 1000.0, 0.0),
    (300.0, 150.0, 200.0, 200.0, 300.0, 300.0, 2000.0, 400.0, 1000.0),
)


def land_table(autumn: float, spring: float) -> Float:
    """Return columns of `deposition_kernels` by season and land, shape (45, columns).

    Parameters
    ----------
    autumn, spring : float
        Share of the leaves that are there in seasons 2 and 5.
    """
    table = np.zeros((SEASONS, LANDS, d.LAND_COLUMNS))
    leaves = (1.0, autumn, 1.0, 1.0, spring)
    for season, resistances in enumerate((_MIDSUMMER, _AUTUMN, _LATE_AUTUMN, _WINTER, _SPRING)):
        table[season, :, : d.LEAVES] = np.array(resistances).T
        table[season, :, d.LEAVES] = np.sqrt(leaves[season])
        table[season, :, d.LIGHT] = 100.0
        for forest in FORESTS:  # leaves of woods work as one canopy
            table[season, forest - 1, d.LEAVES] = leaves[season]
            table[season, forest - 1, d.LIGHT] = 30.0
        table[season, :, d.WAX] = _WAX
        table[season, :, d.SNOWY] = season == 3
    return table.reshape(SEASONS * LANDS, d.LAND_COLUMNS)
