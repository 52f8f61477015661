"""Mixtures whose sources are known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bihuan.tracing.receptor import Material, prepare

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def mixture(
    samples: int = 150, noise: float = 0.05, seed: int = 0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return X, U, G and F of three sources of eight species: each source has a species and hours of its own, so that
    no rotation is left open."""
    draw = np.random.default_rng(seed)
    profiles = np.array(
        [
            [4.0, 1.0, 0.0, 0.0, 0.5, 0.2, 0.0, 1.0],
            [0.0, 0.5, 3.0, 1.0, 0.0, 0.4, 0.8, 0.0],
            [0.0, 0.0, 0.0, 2.0, 1.5, 3.0, 0.3, 0.6],
        ]
    )
    contributions = draw.gamma(1.2, 1.0, (samples, 3))
    contributions[draw.uniform(size=contributions.shape) < 0.25] = 0.0
    contributions /= contributions.mean(0)
    exact = contributions @ profiles
    uncertainty = noise * exact + 0.02
    return exact + draw.normal(size=exact.shape) * uncertainty, uncertainty, contributions, profiles


def material(values: Any, uncertainty: Any, **options: Any) -> Material:
    """Return a mixture made ready, species a, b, c ..."""
    names = [chr(ord("a") + at) for at in range(values.shape[1])]
    times = [BEGAN + timedelta(days=at) for at in range(len(values))]
    return prepare(times, names, ["ug/m3"] * len(names), values, uncertainty, **options)


def matched(found: Any, true: Any) -> list[int]:
    """Return the place in `found` (K, M) of each row of `true`."""
    return [int(np.argmax([np.corrcoef(row, one)[0, 1] for one in found])) for row in true]
