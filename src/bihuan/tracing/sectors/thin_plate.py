"""A thin-plate regression spline of two coordinates, its smoothness chosen by generalised cross-validation.

The method is Wood's (2003, doi:10.1111/1467-9868.00374), written from the paper: the full thin-plate basis of all
distinct points is cut to its `k` leading eigenvectors, kept orthogonal to the plane, and fitted with a penalty whose
weight minimises GCV. Coordinates keep their unit: cutting the basis does not commute with stretching it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cholesky, qr, solve_triangular
from scipy.optimize import minimize_scalar
from scipy.sparse.linalg import eigsh
from scipy.special import xlogy

from bihuan.core import InputError
from bihuan.tracing.sectors.hours import Float, Whole

PLANE = 3
"""Terms that are not penalised: one, u and v."""

SOUND = 1e-4
"""Least pivot of normal equations with columns of length 1 that are still solved; squared it is far above rounding."""

DENSE = 400
"""So many points and fewer are decomposed whole; of more only the leading eigenvectors are sought."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The cut thin-plate basis of a set of points.

    Attributes
    ----------
    points : array, (n, 2)
        Distinct points, about their centre.
    centre : array, (2,)
    bend : array, (n, k - 3)
        Weight of each radial function in each bending term.
    design : array, (n, k)
        Bending terms, then one, u and v, at the points.
    penalty : array, (k - 3, k - 3)
    """

    points: Float
    centre: Float
    bend: Float
    design: Float
    penalty: Float

    def at(self, u: Float, v: Float) -> tuple[Float, Float]:
        """Return the radial functions and the plane at other places, (m, n) and (m, 3)."""
        place = np.column_stack([u, v]) - self.centre
        return radial(place, self.points), np.column_stack([np.ones(len(place)), place])


@dataclass(frozen=True, slots=True)
class Smooth:
    """A fitted surface.

    Attributes
    ----------
    basis : Basis
    coefficient : array, (k,)
    root : array, (k, k)
        ``root @ root.T`` times `scale` is the posterior covariance of the coefficients.
    scale : float
        Variance of a datum of weight 1.
    freedom : float
        Effective degrees of freedom.
    score : float
        GCV at its minimum.
    explained : float
        Share of the weighted variance. [1]
    """

    basis: Basis
    coefficient: Float
    root: Float
    scale: float
    freedom: float
    score: float
    explained: float

    def predict(self, u: Float, v: Float) -> Float:
        """Return the surface at places."""
        near, plane = self.basis.at(u, v)
        bends = len(self.coefficient) - PLANE
        made: Float = near @ (self.basis.bend @ self.coefficient[:bends]) + plane @ self.coefficient[bends:]
        return made

    def deviation(self, u: Float, v: Float) -> Float:
        """Return the standard error of the surface at places, of the posterior given the smoothness."""
        near, plane = self.basis.at(u, v)
        rows = np.hstack([near @ self.basis.bend, plane]) @ self.root
        found: Float = np.sqrt(self.scale * np.einsum("ij,ij->i", rows, rows))
        return found


def radial(a: Float, b: Float) -> Float:
    """Return the thin-plate function r^2 ln r of the distances between two sets of points, over 8 pi."""
    square = np.add.outer(np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)) - 2.0 * (a @ b.T)
    np.maximum(square, 0.0, out=square)
    made: Float = xlogy(square, square) / (16 * np.pi)
    return made


def basis_of(u: Float, v: Float, k: int) -> tuple[Basis, Whole]:
    """Return the basis of a set of data points and the distinct point of each.

    Parameters
    ----------
    u, v : array, (n,)
    k : int
        Terms; cut to the number of distinct points.

    Raises
    ------
    InputError
        If there are fewer than 4 distinct points.
    """
    points, where = np.unique(np.column_stack([u, v]) + 0.0, axis=0, return_inverse=True)
    if len(points) <= PLANE:
        raise InputError(f"{len(points)} distinct points carry no surface: at least {PLANE + 1} are needed")
    k = min(k, len(points))
    centre = points.mean(axis=0)
    bending = radial(points - centre, points - centre)
    if len(points) <= max(DENSE, 2 * k):
        strength, vectors = np.linalg.eigh(bending)
        leading = np.argsort(-np.abs(strength), kind="stable")[:k]
        strength, vectors = strength[leading], vectors[:, leading]
    else:
        start = np.random.default_rng(0).normal(size=len(points))  # fixed: the same data give the same surface
        strength, vectors = eigsh(bending, k, which="LM", v0=start)
    return cut(points - centre, centre, strength, vectors), where.ravel()


def ring_basis(radii: Float, count: int, k: int) -> tuple[Basis, Whole]:
    """Return the basis of full rings of evenly spaced points, which needs no large decomposition.

    On rings the radial functions depend on the difference of angles alone, so that every harmonic around the circle
    has eigenvectors of its own, of as many entries as there are rings.

    Parameters
    ----------
    radii : array, (m,)
        Ascending; a first radius of 0 is one point, told `count` times.
    count : int
        Points of a ring, even, the first one step clockwise of north.
    k : int
        Terms; one less where the last would be half of a pair.

    Returns
    -------
    basis, where
        `where` runs through the points direction by direction, the radii within each.
    """
    centred = radii[0] == 0
    rings = radii[1:] if centred else radii
    turn = 2 * np.pi * np.arange(count) / count
    square = (
        rings[:, None, None] ** 2
        + rings[None, :, None] ** 2
        - 2 * np.multiply.outer(np.multiply.outer(rings, rings), np.cos(turn))
    )
    square = np.maximum(square, 0.0)
    waves = np.fft.rfft(xlogy(square, square) / (16 * np.pi), axis=2).real
    still = waves[:, :, 0]
    if centred:
        spoke = np.sqrt(count) * xlogy(rings**2, rings**2) / (16 * np.pi)
        still = np.block([[still, spoke[:, None]], [spoke[None, :], np.zeros((1, 1))]])
    parts = [_Part(float(one), 0, False, vector) for one, vector in zip(*_columns(np.linalg.eigh(still)), strict=True)]
    last = count // 2
    decomposed = np.linalg.eigh(np.moveaxis(waves, 2, 0)[1 : last + 1])
    for harmonic, strengths, vectors in zip(range(1, last + 1), *decomposed, strict=True):
        paired = harmonic < last
        parts += [_Part(float(one), harmonic, paired, row) for one, row in zip(strengths, vectors.T, strict=True)]
    angle = 2 * np.pi * np.arange(1, count + 1) / count
    strength, columns = _leading(parts, angle, len(rings), k)
    points = np.stack([np.multiply.outer(np.sin(angle), rings), np.multiply.outer(np.cos(angle), rings)], axis=2)
    points = points.reshape(-1, 2)
    where = np.arange(len(points)).reshape(count, len(rings))
    if centred:
        points = np.vstack([points, np.zeros((1, 2))])
        where = np.hstack([np.full((count, 1), len(points) - 1), where])
    else:
        columns = columns[: len(points)]
    return cut(points, np.zeros(2), strength, columns), where.ravel()


class _Part(NamedTuple):
    """An eigenvector of one harmonic around the circle: its entries by ring, after them the centre's."""

    strength: float
    harmonic: int
    paired: bool
    by_ring: Float


def _columns(decomposed: Any) -> tuple[Float, Float]:
    return decomposed[0], decomposed[1].T


def _leading(parts: list[_Part], angle: Float, rings: int, k: int) -> tuple[Float, Float]:
    """Write out the strongest eigenvectors over all points, the centre last."""
    parts.sort(key=lambda part: (-abs(part.strength), part.harmonic))
    strength: list[float] = []
    columns: list[Float] = []
    for part in parts:
        if len(strength) + 1 + part.paired > k:
            break
        size = np.sqrt((2 if part.paired else 1) / len(angle))
        for wave in (np.cos, np.sin)[: 1 + part.paired]:
            column = np.zeros(len(angle) * rings + 1)
            column[:-1] = (size * np.multiply.outer(wave(part.harmonic * angle), part.by_ring[:rings])).ravel()
            if len(part.by_ring) > rings:
                column[-1] = part.by_ring[rings]
            strength.append(part.strength)
            columns.append(column)
    return np.array(strength), np.column_stack(columns)


def cut(points: Float, centre: Float, strength: Float, vectors: Float) -> Basis:
    """Hold the leading eigenvectors orthogonal to the plane and lay the plane beside them."""
    plane = np.column_stack([np.ones(len(points)), points])
    turned, _ = qr(vectors.T @ plane)
    free = turned[:, PLANE:]
    bent = vectors @ free
    return Basis(
        points=points,
        centre=centre,
        bend=bent,
        design=np.hstack([(vectors * strength) @ free, plane]),
        penalty=free.T @ (strength[:, None] * free),
    )


def smooth(basis: Basis, where: Whole, value: Float, weight: Float) -> Smooth:
    """Fit a surface to data.

    Parameters
    ----------
    basis : Basis
    where : array of int, (n,)
        Point of each datum.
    value, weight : array, (n,)

    Returns
    -------
    Smooth
        Of the smoothness with the least GCV, ``n D / (n - freedom)^2``.

    Raises
    ------
    InputError
        If there are not more data than the plane has terms.
    """
    root_weight = np.sqrt(weight)
    if len(value) <= PLANE:
        raise InputError(f"{len(value)} values carry no surface: at least {PLANE + 1} are needed")
    design = basis.design[where] * root_weight[:, None]
    k = design.shape[1]
    inverse = _inverse_root(design)
    bends = k - PLANE
    bent = inverse[:bends].T @ basis.penalty @ inverse[:bends]
    roughness, turned = np.linalg.eigh((bent + bent.T) / 2)
    roughness = np.maximum(roughness, 0.0)
    target = turned.T @ (inverse.T @ (design.T @ (value * root_weight)))
    total = float(((value * root_weight) ** 2).sum())
    amount, score = _least(roughness, target, total, len(value))
    shrink = 1 / (1 + amount * roughness)
    rest = max(total - 2 * float((target**2 * shrink).sum()) + float(((target * shrink) ** 2).sum()), 0.0)
    freedom = float(shrink.sum())
    mean = float((weight * value).sum() / weight.sum())
    spread = float((weight * (value - mean) ** 2).sum())
    return Smooth(
        basis=basis,
        coefficient=inverse @ (turned @ (target * shrink)),
        root=(inverse @ turned) * np.sqrt(shrink),
        scale=rest / max(len(value) - freedom, 1.0),
        freedom=freedom,
        score=score,
        explained=1 - rest / spread if spread > 0 else 0.0,
    )


def _inverse_root(design: Float) -> Float:
    """Return R^-1 of the QR decomposition of a design matrix, of its normal equations where these are sound."""
    size = np.sqrt(np.einsum("ij,ij->j", design, design))
    size[size == 0] = 1.0
    scaled = design / size
    try:
        root = cholesky(scaled.T @ scaled)
        sound = float(np.abs(np.diag(root)).min()) > SOUND
    except np.linalg.LinAlgError:
        sound = False
    if not sound:
        _, root = qr(scaled, mode="economic")
    made: Float = solve_triangular(root, np.eye(design.shape[1])) / size[:, None]
    return made


def _least(roughness: Float, target: Float, total: float, count: int) -> tuple[float, float]:
    """Return the weight of the penalty with the least GCV, and that GCV."""
    square = target**2

    def score(log_amount: Float) -> Float:
        shrink = 1 / (1 + np.multiply.outer(np.exp(log_amount), roughness))
        rest = total - 2 * shrink @ square + shrink**2 @ square
        left = np.maximum(count - shrink.sum(axis=-1), 1e-9)
        made: Float = count * np.maximum(rest, 0.0) / left**2
        return made

    stiff = float(roughness.max()) or 1.0
    tried = np.linspace(np.log(1e-10 / stiff), np.log(1e12 / stiff), 240)
    best = int(np.argmin(score(tried)))
    near = tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)]
    found = minimize_scalar(lambda x: float(score(np.array([x]))[0]), bounds=near, method="bounded")
    return float(np.exp(found.x)), float(found.fun)
