"""The robust mode: what lies far outside its uncertainty counts linearly instead of squared.

Scaled residuals beyond alpha have their uncertainty widened to sqrt(|e| / (alpha u)) u (Paatero 1997, Chemom. Intell.
Lab. Syst. 37, 23-35). The weights are renewed around a whole least-squares descent, so that what ends is an optimum
of Huber's loss and the residual of its conditions means the same as without robust weights.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bihuan.tracing.receptor.problem import Floats, Problem, Whole
from bihuan.tracing.receptor.solver import Fitted, Stopping, solve

ROUNDS, INNER = 300, 20
"""Renewals of the weights at most, and iterations between two."""


def scaled_residuals(values: Floats, weights: Floats, given: Floats, held: Floats) -> Floats:
    """Return residuals over uncertainties of each start, nought where missing. Shape (S, N, M)."""
    model = np.einsum("nsk,msk->snm", given, held)
    return np.asarray((values - model) * np.sqrt(weights))


def robust_share(scaled: Floats, alpha: float) -> Floats:
    """Return the share of its weight that each cell keeps: one within alpha, alpha / |e| beyond."""
    return np.asarray(alpha / np.maximum(np.abs(scaled), alpha))


def q_true(scaled: Floats) -> Floats:
    """Return the sum of squared scaled residuals over the last two axes."""
    return np.asarray((scaled**2).sum((-2, -1)))


def q_robust(scaled: Floats, alpha: float) -> Floats:
    """Return the sum with the robust uncertainties: alpha |e| beyond alpha."""
    return np.asarray((scaled**2 * robust_share(scaled, alpha)).sum((-2, -1)))


def solve_robust(
    problem: Problem, given: Floats, held: Floats, alpha: float, stopping: Stopping | None = None
) -> tuple[Fitted, Floats]:
    """Minimise Huber's loss of the scaled residuals from first guesses.

    Parameters
    ----------
    problem : Problem
        With weights of shape (N, M).
    given, held : ndarray
        First guesses of G (N, S, K) and F (M, S, K).
    alpha : float
        Scaled residual from which a cell counts linearly.
    stopping : Stopping, optional
        Its relative fall holds for Huber's loss over a renewal as well.

    Returns
    -------
    Fitted
    ndarray, shape (S, N, M)
        The weights at the end.
    """
    rule = stopping or Stopping()
    loose = replace(rule, relative=max(rule.relative, 1e-4), kkt=max(rule.kkt, 1e-4))
    fitted = solve(problem, given, held, loose)
    starts = given.shape[1]
    short = replace(rule, iterations=INNER)
    before, running = np.full(starts, np.inf), np.arange(starts)
    weights = np.empty((starts, *problem.values.shape))
    iterations = fitted.iterations.copy()
    for _ in range(ROUNDS):
        scaled = scaled_residuals(problem.values, problem.weights, fitted.given[:, running], fitted.held[:, running])
        weights[running] = problem.weights * robust_share(scaled, alpha)
        part = replace(problem.taking(running), weights=weights[running])
        fresh = solve(part, fitted.given[:, running], fitted.held[:, running], short)
        fitted.given[:, running], fitted.held[:, running] = fresh.given, fresh.held
        fitted.objective[running], fitted.kkt[running] = fresh.objective, fresh.kkt
        iterations[running] += fresh.iterations
        after = _huber(problem, fresh, running, alpha)
        done = (before - after <= rule.relative * after) & (fresh.kkt <= rule.kkt)
        fitted.converged[running] = done
        running, before = running[~done], after[~done]
        if not len(running):
            break
    fitted.iterations = iterations
    return fitted, weights


def _huber(problem: Problem, fresh: Fitted, running: Whole, alpha: float) -> Floats:
    scaled = np.abs(scaled_residuals(problem.values, problem.weights, fresh.given, fresh.held))
    loss = np.where(scaled <= alpha, scaled**2, 2 * alpha * scaled - alpha**2).sum(2).T
    times = 1.0 if problem.times is None else problem.times[:, running]
    return np.asarray((loss * times).sum(0))
