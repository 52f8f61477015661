"""How many factors: what Q says, what the starts agree on, and what held-out cells say.

Q falls with every factor, so it chooses nothing alone. Cross-validation leaves cells out by giving them no weight and
asks how well they are foretold: it rises again where factors begin to fit noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bihuan.tracing.receptor.material import Material
from bihuan.tracing.receptor.problem import Problem, random_starts
from bihuan.tracing.receptor.robust import scaled_residuals
from bihuan.tracing.receptor.rules import rule
from bihuan.tracing.receptor.solution import descend, factorise
from bihuan.tracing.receptor.solver import Stopping

AGREE = 0.001
"""Relative distance of Q within which two starts found the same."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One number of factors.

    Attributes
    ----------
    factors : int
    q_true, q_robust, q_expected : float
    ratio : float or None
        Q(robust) over Q expected; None where there are as many unknowns as cells.
    agreeing : float
        Share of the starts whose Q is within 0.1 % of the best.
    converged : float
        Share of the starts.
    held_out : float
        Root mean square of the scaled residuals of cells that were left out; those beyond alpha count linearly.
    held_out_error : float
        Its standard error over the folds.
    least_explained : float
        Smallest squared correlation of modelled and measured among strong species; nan without one.
    """

    factors: int
    q_true: float
    q_robust: float
    q_expected: float
    ratio: float | None
    agreeing: float
    converged: float
    held_out: float
    held_out_error: float
    least_explained: float


def choose(
    material: Material,
    counts: Sequence[int],
    *,
    seeds: Sequence[int] = tuple(range(10)),
    folds: int = 5,
    robust: bool = False,
    stopping: Stopping | None = None,
) -> tuple[Choice, ...]:
    """Return the table of numbers of factors.

    Parameters
    ----------
    material : Material
    counts : sequence of int
        Numbers of factors to try.
    seeds : sequence of int
    folds : int
        Parts into which the cells are split.
    robust : bool
    stopping : Stopping, optional
    """
    rows = []
    for factors in counts:
        found = factorise(material, factors, seeds=seeds, robust=robust, stopping=stopping)
        merits = np.array([run.q_robust if robust else run.q_true for run in found.runs])
        errors = _held_out(material, factors, list(seeds)[:5], folds, robust, stopping)
        strong = found.explained[~material.weak]
        expected = found.q_expected
        rows.append(
            Choice(
                factors,
                found.run.q_true,
                found.run.q_robust,
                expected,
                found.run.q_robust / expected if expected > 0 else None,
                float((merits <= merits.min() * (1 + AGREE)).mean()),
                float(np.mean([run.converged for run in found.runs])),
                float(np.mean(errors)),
                float(np.std(errors, ddof=1) / np.sqrt(len(errors))) if len(errors) > 1 else float("nan"),
                float(np.nanmin(strong)) if np.isfinite(strong).any() else float("nan"),
            )
        )
    return tuple(rows)


def advised(rows: Sequence[Choice]) -> int:
    """Return the least number of factors whose held-out error is within one standard error of the best."""
    best = min(rows, key=lambda row: row.held_out)
    margin = 0.0 if np.isnan(best.held_out_error) else best.held_out_error
    return min(row.factors for row in rows if row.held_out <= best.held_out + margin)


def _held_out(
    material: Material, factors: int, seeds: list[int], folds: int, robust: bool, stopping: Stopping | None
) -> list[float]:
    """Return the error of each fold, at the start that fits the kept cells best."""
    alpha = rule("robust")["alpha"]
    fold = np.random.default_rng(0).integers(0, folds, material.values.shape)
    errors = []
    for at in range(folds):
        left = fold == at
        problem = Problem(material.values, np.where(left, 0.0, material.weights), factors)
        fitted, _ = descend(problem, *random_starts(problem, seeds), robust, stopping)
        best = int(np.argmin(fitted.objective))
        whole = replace(problem, weights=material.weights)
        scaled = np.abs(
            scaled_residuals(whole.values, whole.weights, fitted.given[:, [best]], fitted.held[:, [best]])[0]
        )
        asked = left & (material.weights > 0)
        errors.append(float(np.sqrt((scaled * np.minimum(scaled, alpha))[asked].mean())))
    return errors
