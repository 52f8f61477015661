"""Parts of a polar surface that resemble each other in place and height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bihuan.core import InputError
from bihuan.tracing.sectors.hours import Float, Whole, WindHours
from bihuan.tracing.sectors.polar_surface import PolarSurface

STARTS, ROUNDS = 8, 100
EVERY = 2
"""Every so manieth place of the picture is clustered: 101 of 201 a side, as openair does."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """A surface cut into parts.

    Attributes
    ----------
    axis : array, (n,)
        Of both coordinates. [m/s]
    cluster : array of int, (n, n)
        1 for the part with the highest mean surface; 0 where the surface is empty.
    centre : array, (k, 3)
        Mean u, v [m/s] and value of each part.
    share : array, (k,)
        Share of the hours. [1]
    mean : array, (k,)
        Mean of the measured values in each part, NaN where none lies there.
    """

    axis: Float
    cluster: Whole
    centre: Float
    share: Float
    mean: Float


def polar_clusters(surface: PolarSurface, hours: WindHours, k: int = 6, seed: int = 1) -> Clusters:
    """Cut a surface into parts by k-means over u, v and value, each over its standard deviation.

    Parameters
    ----------
    surface : PolarSurface
    hours : WindHours
        Those the surface was made of.
    k : int
        Parts.
    seed : int
        Of the first centres; the best of `STARTS` starts is kept.

    Returns
    -------
    Clusters

    Raises
    ------
    InputError
        If the surface has fewer places than parts.

    Notes
    -----
    Carslaw and Beevers 2013. openair 2.18 takes medoids (PAM) over mean absolute deviations; parts differ at their
    edges.
    """
    axis = surface.axis[::EVERY]
    value = surface.value[::EVERY, ::EVERY]
    seen = np.isfinite(value)
    if seen.sum() < k:
        raise InputError(f"{int(seen.sum())} places of the surface cannot be cut into {k} parts: take fewer")
    u, v = np.meshgrid(axis, axis)
    place = np.column_stack([u[seen], v[seen], value[seen]])
    spread = place.std(axis=0)
    scaled = (place - place.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found = _best(scaled, k, seed)
    height = np.array([place[found == one, 2].mean() for one in range(k)])
    rank = np.empty(k, np.int64)
    rank[np.argsort(-height, kind="stable")] = np.arange(k)
    named = np.zeros(value.shape, np.int64)
    named[seen] = rank[found] + 1
    centre = np.array([place[rank[found] == one].mean(axis=0) for one in range(k)])
    share, mean = _measured(surface, hours, axis, named, k)
    return Clusters(axis, named, centre, share, mean)


def _best(place: Float, k: int, seed: int) -> Whole:
    random = np.random.default_rng(seed)
    found, least = np.zeros(len(place), np.int64), np.inf
    for _ in range(STARTS):
        labels, loss = _settle(place, _spread_out(place, k, random))
        if loss < least - 1e-9:
            found, least = labels, loss
    return found


def _spread_out(place: Float, k: int, random: np.random.Generator) -> Float:
    """First centres far apart: each drawn by its squared distance from those there are (k-means++)."""
    chosen = [place[random.integers(len(place))]]
    distance = ((place - chosen[0]) ** 2).sum(axis=1)
    while len(chosen) < k:
        total = distance.sum()
        at = int(np.searchsorted(np.cumsum(distance), random.random() * total)) if total > 0 else 0
        chosen.append(place[min(at, len(place) - 1)])
        distance = np.minimum(distance, ((place - chosen[-1]) ** 2).sum(axis=1))
    return np.array(chosen)


def _settle(place: Float, centre: Float) -> tuple[Whole, float]:
    square = (place**2).sum(axis=1)
    labels = np.full(len(place), -1)
    k = len(centre)
    for _ in range(ROUNDS):
        distance = square[:, None] - 2 * place @ centre.T + (centre**2).sum(axis=1)
        fresh = np.argmin(distance, axis=1)
        if np.array_equal(fresh, labels):
            break
        labels = fresh
        many = np.bincount(labels, minlength=k)
        total = np.column_stack([np.bincount(labels, column, k) for column in place.T])
        centre = np.where(many[:, None] > 0, total / np.maximum(many, 1)[:, None], centre)
    return labels, float(distance[np.arange(len(place)), labels].sum())


def _measured(surface: PolarSurface, hours: WindHours, axis: Float, named: Whole, k: int) -> tuple[Float, Float]:
    use = hours.only(hours.complete)
    angle, radius = np.radians(use.wind_from), use.wind_speed - surface.base
    step = float(axis[1] - axis[0])
    column = np.clip(np.rint((radius * np.sin(angle) - axis[0]) / step).astype(np.int64), 0, len(axis) - 1)
    row = np.clip(np.rint((radius * np.cos(angle) - axis[0]) / step).astype(np.int64), 0, len(axis) - 1)
    mine = named[row, column]
    many = np.bincount(mine, minlength=k + 1)[1:]
    total = np.bincount(mine, use.value, k + 1)[1:]
    return many / max(len(use), 1), np.where(many > 0, total / np.maximum(many, 1), np.nan)
