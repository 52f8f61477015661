"""Trajectories put into a few kinds of path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from bihuan.core import InputError

Float = NDArray[np.float64]
Measure = Literal["angle", "euclid"]

MOST = 3000
"""Trajectories that are clustered at once: every pair is compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Kinds of path.

    Attributes
    ----------
    member : ndarray of int64, shape (n,)
        Cluster of each, 0 the largest; -1 for paths that ended before their full length.
    share : ndarray, shape (clusters,)
        Of the paths that were put into one. 0-1
    lon, lat : ndarray, shape (clusters, m)
        Mean paths. [degrees]
    within : float
        Mean distance of a path to those of its own cluster over that to all: small is well separated. 0-1
    measure : Measure
    """

    member: NDArray[np.int64]
    share: Float
    lon: Float
    lat: Float
    within: float
    measure: Measure


def cluster_paths(lon: Float, lat: Float, count: int, measure: Measure = "angle") -> Clusters:
    """Put trajectories of one place into clusters of average linkage.

    Parameters
    ----------
    lon, lat : ndarray, shape (n, m)
        The first point is the common place; NaN behind an end. [degrees]
    count : int
        Clusters.
    measure : Measure
        ``angle``: mean angle at the place between the two points of the same age, from where the air came whatever its
        speed. ``euclid``: root mean square distance of points of the same age: fast and slow paths part as well.

    Raises
    ------
    InputError
        If fewer whole paths than clusters are left, or too many for comparing every pair.

    References
    ----------
    Sirois and Bottenheim (1995), J. Geophys. Res. 100 D2, 2867-2881 (the angle distance).
    """
    whole = np.isfinite(lon).all(axis=1) & np.isfinite(lat).all(axis=1)
    if not 1 <= count <= int(whole.sum()):
        raise InputError(f"{count} clusters of {int(whole.sum())} whole trajectories: give 1 to that many")
    if whole.sum() > MOST:
        raise InputError(f"{int(whole.sum())} trajectories are more than {MOST}: every pair is compared; take fewer")
    if lon.shape[1] < 2:
        raise InputError("a trajectory of one point has no path: give a length of an hour at least")
    x, y = _metres(lon[whole], lat[whole])
    away = _angles(x, y) if measure == "angle" else _distances(x, y)
    tree = linkage(squareform(away, checks=False), "average") if whole.sum() > 1 else np.zeros((0, 4))
    label = fcluster(tree, count, "maxclust") if len(tree) else np.ones(1, np.int64)
    names, inverse, sizes = np.unique(label, return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    mine = rank[inverse]
    member = np.full(len(lon), -1, np.int64)
    member[whole] = mine
    same = mine[:, None] == mine[None, :]
    mean = away.mean()
    return Clusters(
        member=member,
        share=sizes[order] / sizes.sum(),
        lon=np.array([_mean_lon(lon[member == k]) for k in range(len(names))]),
        lat=np.array([lat[member == k].mean(axis=0) for k in range(len(names))]),
        within=float(away[same].mean() / mean) if mean > 0 else 0.0,
        measure=measure,
    )


def _mean_lon(lon: Float) -> Float:
    angle = np.radians(lon)
    return np.asarray(np.degrees(np.arctan2(np.sin(angle).mean(axis=0), np.cos(angle).mean(axis=0))))


def _metres(lon: Float, lat: Float) -> tuple[Float, Float]:
    """Kilometres east and north of the common place."""
    turn = (lon[:, 1:] - lon[:, :1] + 180.0) % 360.0 - 180.0
    middle = np.radians(0.5 * (lat[:, 1:] + lat[:, :1]))
    return 111.195 * turn * np.cos(middle), 111.195 * (lat[:, 1:] - lat[:, :1])


def _distances(x: Float, y: Float) -> Float:
    points = np.concatenate([x, y], axis=1)
    norm = (points**2).sum(axis=1)
    squared = np.maximum(norm[:, None] + norm[None] - 2.0 * points @ points.T, 0.0) / x.shape[1]
    np.fill_diagonal(squared, 0.0)
    return np.asarray(np.sqrt(0.5 * (squared + squared.T)))


def _angles(x: Float, y: Float) -> Float:
    total = np.zeros((len(x), len(x)))
    for m in range(x.shape[1]):
        bearing = np.arctan2(x[:, m], y[:, m])
        total += np.abs((bearing[:, None] - bearing[None] + np.pi) % (2 * np.pi) - np.pi)
    return np.asarray(np.degrees(total) / x.shape[1])
