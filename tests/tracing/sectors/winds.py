"""Made-up hours of wind with one source in a known direction."""

import numpy as np

from bihuan.tracing.sectors import WindHours

START = np.datetime64("2025-01-01T00", "us")
HOUR = np.timedelta64(1, "h")


def times(n: int) -> np.ndarray:
    return START + HOUR * np.arange(n)


def one_source(at: float = 225.0, n: int = 4000, seed: int = 1, height: float = 60.0) -> WindHours:
    """Wind from everywhere; wind from within some 15 degrees of `at` brings `height` on top of 20."""
    random = np.random.default_rng(seed)
    turn, speed = random.uniform(0.01, 360, n), random.weibull(2, n) * 4 + 0.3
    off = (turn - at + 180) % 360 - 180
    value = 20 + height * np.exp(-0.5 * (off / 15) ** 2) + random.normal(0, 2, n)
    return WindHours.of(times(n), speed, turn, value)


def apart(a: float, b: float) -> float:
    """Angle between two directions. [deg]"""
    return abs((a - b + 180) % 360 - 180)
