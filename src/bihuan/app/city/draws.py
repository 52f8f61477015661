"""Every draw of the city: from its seed and from what is drawn, never from a clock or an order of calls."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Table = Mapping[str, Any]


@cache
def table(name: str) -> dict[str, Any]:
    """Read ``defaults``, ``names`` or ``rough`` of this folder."""
    return tomllib.loads(resources.files("bihuan.app.city").joinpath(f"{name}.toml").read_text("utf-8"))


def draws(seed: int, *what: object) -> np.random.Generator:
    """Return the stream of random numbers that belongs to one purpose.

    Parameters
    ----------
    seed : int
        Of the city.
    *what : object
        Names the purpose, for instance ``"gaps", station id``; another purpose never shifts this one.
    """
    text = "\x1f".join(str(part) for part in (seed, *what))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def between(rng: np.random.Generator, span: Sequence[float]) -> float:
    """Draw evenly from a low and a high."""
    return float(rng.uniform(span[0], span[1]))


def log_between(rng: np.random.Generator, span: Sequence[float]) -> float:
    """Draw evenly in the logarithm from a low and a high above 0."""
    return float(math.exp(rng.uniform(math.log(span[0]), math.log(span[1]))))


def whole_between(rng: np.random.Generator, span: Sequence[int]) -> int:
    """Draw a whole number from a low to a high, both included."""
    return int(rng.integers(span[0], span[1] + 1))


def wander(rng: np.random.Generator, shape: tuple[int, ...], step: float, memory: float) -> Float:
    """Return a stationary first-order process of unit variance along the first axis.

    Parameters
    ----------
    shape : tuple of int
        Steps first, then independent series.
    step, memory : float
        Length of a step and e-folding time, in the same unit.
    """
    keep = math.exp(-step / memory)
    noise = rng.standard_normal(shape)
    out = np.empty(shape)
    if shape[0] == 0:
        return out
    out[0] = noise[0]
    fresh = math.sqrt(1.0 - keep * keep)
    for i in range(1, shape[0]):
        out[i] = keep * out[i - 1] + fresh * noise[i]
    return out


def by_hour(shape: Sequence[float], hours: Float) -> Float:
    """Read a curve of 24 local hours at fractional hours, straight between the middles of the hours."""
    middles = np.arange(24) + 0.5
    return np.interp(hours, middles, np.asarray(shape, dtype=np.float64), period=24.0)
