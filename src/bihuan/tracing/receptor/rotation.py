"""Rotations: other solutions that fit nearly as well, sought on purpose.

PMF2's FPEAK pushes profiles (above 0) or contributions (below 0) apart. Here the push is written down: the overlap of
the factors, summed over species scaled by their means (or over samples), is added to Q with a strength, and what comes
out is an optimum of that sum. Strengths are ours and not those of PMF2; what compares is the rise of Q.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bihuan.tracing.receptor.problem import Floats
from bihuan.tracing.receptor.solution import Solution, descend, finish, judge
from bihuan.tracing.receptor.solver import Stopping


@dataclass(frozen=True, slots=True)
class Rotated:
    """A pushed solution.

    Attributes
    ----------
    strength : float
    rise : float
        Q above the base run's; PMF practice looks at rotations that cost little.
    solution : Solution
        Factors in the base run's order.
    """

    strength: float
    rise: float
    solution: Solution


def push(base: Solution, strength: float, stopping: Stopping | None = None) -> Rotated:
    """Push the factors of a base run apart.

    Parameters
    ----------
    base : Solution
    strength : float
        Above 0 sharpens profiles, below 0 contributions; 0.1 of Q over the overlap is a gentle push of 1.
    stopping : Stopping, optional
    """
    size = base.profiles / np.maximum(np.abs(base.material.values).mean(0), 1e-300)
    of = size.T if strength > 0 else base.contributions
    overlap = float((of.sum(1) ** 2).sum() - (of**2).sum())
    unit = 0.1 * base.run.q_true / overlap if overlap > 0 else 0.0
    problem = replace(
        base.problem, weights=base.material.weights, overlap=strength * unit, held=np.ones(base.factors, dtype=bool)
    )
    fitted, weights = descend(
        problem, base.contributions[:, None].copy(), base.profiles.T[:, None].copy(), base.robust, stopping
    )
    run = judge(problem, fitted, [base.run.seed])[0]
    before, after = (base.run.q_robust, run.q_robust) if base.robust else (base.run.q_true, run.q_true)
    keep = replace(problem, profile_low=np.zeros((len(base.material.names), 1, base.factors)))
    found = finish(
        base.material, keep, fitted, 0, weights[0] if weights.ndim == 3 else weights, run, base.runs, base.robust
    )
    return Rotated(strength, after - before, found)


@dataclass(frozen=True, slots=True)
class Edge:
    """One pair of factors in the space of contributions.

    Attributes
    ----------
    one, other : int
        Factors, from 0.
    correlation : float
    lower, upper : float
        Slopes of the edges: 2 and 98 % of the angle of (one, other), in degrees from the axis of `one`; a filled
        quadrant reaches from 0 to 90, and an edge well inside it hints that a rotation is left open.
    """

    one: int
    other: int
    correlation: float
    lower: float
    upper: float


def edges(contributions: Floats) -> tuple[Edge, ...]:
    """Return what the plots of contributions against each other (G-space) show.

    Parameters
    ----------
    contributions : ndarray, shape (N, K)
    """
    found = []
    for one in range(contributions.shape[1]):
        for other in range(one + 1, contributions.shape[1]):
            first, second = contributions[:, one], contributions[:, other]
            big = np.hypot(first, second) >= np.median(np.hypot(first, second))
            angle = np.degrees(np.arctan2(np.maximum(second[big], 0), np.maximum(first[big], 0)))
            spread = first.std() > 0 and second.std() > 0
            likeness = float(np.corrcoef(first, second)[0, 1]) if spread else float("nan")
            low, high = np.percentile(angle, (2, 98))
            found.append(Edge(one, other, likeness, float(low), float(high)))
    return tuple(found)
