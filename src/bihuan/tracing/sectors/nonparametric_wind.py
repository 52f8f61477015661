"""Non-parametric wind regression: the mean value around every direction and speed, weighted by nearness.

The kernel estimate of Henry et al. (2009, Environ. Sci. Technol. 43, 4090), Gaussian in direction and speed. Hours
are counted into fine bins once; the kernel of direction is a circular convolution (by FFT) and that of speed a product
of matrices, so that the cost hardly grows with the hours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bihuan.core import InputError
from bihuan.tracing.sectors.hours import Float, WindHours, sector_of
from bihuan.tracing.sectors.polar_surface import drawn, few_weights, seen_places, speed_class
from bihuan.tracing.sectors.rose import middles
from bihuan.tracing.sectors.thin_plate import ring_basis, smooth

SPEED_BIN = 0.02
"""Width of the bins into which hours are counted; a fortieth of the kernel at most. [m/s]"""
TURN = 360
"""Bins of direction: one a degree."""
DIRECTIONS, SPEEDS = 36, 40
"""Directions and speeds at which the regression is computed."""
TERMS = 200
"""Terms of the spline that is laid through it; so many that it hardly smooths."""
DIRECTION_SPREAD, SPEED_SPREAD = 5.0, 1.5
"""Standard deviations of the kernels. [deg, m/s]"""


@dataclass(frozen=True, slots=True)
class WindRegression:
    """The regression on directions and speeds, and as a picture.

    Attributes
    ----------
    direction : array, (k,)
        The last is north, 360. [deg]
    speed : array, (m,)
        Above `base`. [m/s]
    estimate : array, (k, m)
        Weighted mean. [unit of the pollutant]
    support : array, (k, m)
        Hours that the weights add up to, the nearest counting 1: how much an estimate rests on.
    axis : array, (n,)
        Of the picture: u towards the east, v towards the north. [m/s]
    value : array, (n, n)
        Rows along v; NaN where no hours are near.
    base : float
        Lowest wind speed. [m/s]
    hours : int
    """

    direction: Float
    speed: Float
    estimate: Float
    support: Float
    axis: Float
    value: Float
    base: float
    hours: int


def wind_regression(
    hours: WindHours, direction_spread: float = DIRECTION_SPREAD, speed_spread: float = SPEED_SPREAD
) -> WindRegression:
    """Regress the value on wind direction and speed.

    Parameters
    ----------
    hours : WindHours
    direction_spread, speed_spread : float
        Standard deviations of the Gaussian kernels. [deg, m/s]

    Returns
    -------
    WindRegression

    Raises
    ------
    InputError
        If no hour has wind, direction and value together, or all have one speed.
    """
    use = hours.only(hours.complete)
    base = float(use.wind_speed.min()) if len(use) else 0.0
    top = float(use.wind_speed.max()) - base if len(use) else 0.0
    if top <= 0:
        raise InputError("a regression on wind needs hours of more than one wind speed, with direction and value")
    speed = np.linspace(0, top, SPEEDS)
    estimate, support = kernel_means(use, speed + base, direction_spread, speed_spread)
    basis, where = ring_basis(speed, DIRECTIONS, TERMS)
    sector = sector_of(use.wind_from, 360 / DIRECTIONS) - 1
    cell = sector * SPEEDS + speed_class(use.wind_speed - base, top, SPEEDS)
    count = np.bincount(cell, minlength=DIRECTIONS * SPEEDS)
    known = np.isfinite(estimate.ravel())
    root = np.sqrt(np.maximum(estimate.ravel()[known], 0.0))
    fitted = smooth(basis, where[known], root, np.where(count == 0, 1.0, few_weights(count))[known])
    places = basis.points[where][count > 0]
    axis, seen = seen_places(places[:, 0], places[:, 1], top)
    return WindRegression(
        direction=middles(360 / DIRECTIONS),
        speed=speed,
        estimate=estimate,
        support=support,
        axis=axis,
        # a weighted mean never leaves the range of the values; a spline between few points would
        value=np.clip(drawn(fitted, top, seen), float(use.value.min()), float(use.value.max())),
        base=base,
        hours=len(use),
    )


def kernel_means(use: WindHours, speed: Float, direction_spread: float, speed_spread: float) -> tuple[Float, Float]:
    """Return weighted means and summed weights at the directions 10, 20 .. 360 and at some speeds, (36, m) each.

    Hours are counted to the next degree and the next `SPEED_BIN`; the kernel of direction goes round the circle.
    """
    row = np.rint(use.wind_speed / SPEED_BIN).astype(np.int64)
    column = np.rint(use.wind_from).astype(np.int64) % TURN
    size = int(row.max()) + 1
    cell = row * TURN + column
    count = np.bincount(cell, minlength=size * TURN).reshape(size, TURN).astype(np.float64)
    total = np.bincount(cell, use.value, size * TURN).reshape(size, TURN)
    near = np.exp(-0.5 * ((speed[:, None] - SPEED_BIN * np.arange(size)) / speed_spread) ** 2)
    around = np.minimum(np.arange(TURN), TURN - np.arange(TURN))
    wave = np.fft.rfft(np.exp(-0.5 * (around / direction_spread) ** 2))
    both = np.vstack([near @ total, near @ count])
    turned = np.fft.irfft(np.fft.rfft(both, axis=1) * wave, TURN, axis=1)
    turned = np.roll(turned, -1, axis=1)[:, TURN // DIRECTIONS - 1 :: TURN // DIRECTIONS].T
    weighted, weight = turned[:, : len(speed)], turned[:, len(speed) :]
    reached = weight > 1e-9  # what the transform leaves of nothing
    return np.where(reached, weighted / np.where(reached, weight, 1.0), np.nan), np.where(reached, weight, 0.0)
