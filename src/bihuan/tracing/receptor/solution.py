"""What a factorisation found, and the runs of many seeds it was chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from bihuan.tracing.receptor.material import Material
from bihuan.tracing.receptor.problem import Floats, Problem, Whole, random_starts
from bihuan.tracing.receptor.robust import q_robust, q_true, scaled_residuals, solve_robust
from bihuan.tracing.receptor.rules import rule
from bihuan.tracing.receptor.solver import Fitted, Stopping, solve

BATCH = 64
"""Starts in one batch, at most; it bounds memory."""


@dataclass(frozen=True, slots=True)
class Run:
    """One seed.

    Attributes
    ----------
    seed : int
    q_true, q_robust : float
    kkt : float
        What could still be gained by moving each unknown alone, as a share of Q.
    iterations : int
    converged : bool
    """

    seed: int
    q_true: float
    q_robust: float
    kkt: float
    iterations: int
    converged: bool


@dataclass(frozen=True, slots=True)
class Solution:
    """A factorisation: the best of the seeds.

    Attributes
    ----------
    material : Material
    problem : Problem
        What was solved, for one start; its weights are the robust ones in the robust mode.
    contributions : ndarray, shape (N, K)
        G: each factor's mean is one.
    profiles : ndarray, shape (K, M)
        F: mean concentration of each species from each factor. [unit of the species]
    run : Run
    runs : tuple of Run
        All seeds, in their order.
    robust : bool
    """

    material: Material
    problem: Problem
    contributions: Floats
    profiles: Floats
    run: Run
    runs: tuple[Run, ...]
    robust: bool

    @property
    def factors(self) -> int:
        """K."""
        return len(self.profiles)

    @property
    def modelled(self) -> Floats:
        """G F. Shape (N, M)."""
        return self.contributions @ self.profiles

    @property
    def scaled(self) -> Floats:
        """Residual over uncertainty, nan where nothing was measured. Shape (N, M)."""
        left = (self.material.values - self.modelled) / self.material.uncertainty
        return np.where(np.isfinite(self.material.uncertainty), left, np.nan)

    @property
    def q_expected(self) -> float:
        """Q that uncertainties of the right size lead to."""
        return self.material.expected(self.factors)

    @property
    def shares_of_species(self) -> Floats:
        """Share of each species' modelled mean that a factor makes. Shape (K, M)."""
        whole = self.profiles.sum(0)
        return np.where(whole > 0, self.profiles / np.where(whole > 0, whole, 1), np.nan)

    @property
    def explained(self) -> Floats:
        """Squared correlation of modelled and measured, a species. Shape (M,)."""
        found = np.full(len(self.material.names), np.nan)
        known = np.isfinite(self.material.uncertainty)
        model = self.modelled
        for at in range(len(found)):
            pair = model[known[:, at], at], self.material.values[known[:, at], at]
            if known[:, at].sum() > 2 and pair[0].std() > 0 and pair[1].std() > 0:
                found[at] = np.corrcoef(*pair)[0, 1] ** 2
        return found

    def shares_of_total(self) -> tuple[Floats, Floats | None, str]:
        """Return each factor's mean share, its mean amount and how they were made.

        With a total: non-negative regression of the total on G, the amount in its unit, the share of its measured mean
        (the shares need not add to one: the rest is unexplained). Without one: the sum of the profile where all units
        are equal. Else nan.
        """
        total = self.material.total
        if total is not None:
            known = np.isfinite(total)
            amount, _ = nnls(self.contributions[known], total[known])
            return amount / total[known].mean(), amount, "regression"
        if len(set(self.material.units)) == 1:
            amount = self.profiles.sum(1)
            return amount / amount.sum(), amount, "sum"
        return np.full(self.factors, np.nan), None, "none"

    def reordered(self, order: Sequence[int] | Whole) -> Solution:
        """Return the same with the factors in another order."""
        place = np.asarray(order)
        return Solution(
            self.material,
            self.problem,
            self.contributions[:, place],
            self.profiles[place],
            self.run,
            self.runs,
            self.robust,
        )


def factorise(
    material: Material,
    factors: int,
    *,
    seeds: Sequence[int] = tuple(range(20)),
    robust: bool = False,
    floor: float = 0.0,
    stopping: Stopping | None = None,
) -> Solution:
    """Find the best factorisation of many random starts, factors ordered by what they give.

    Parameters
    ----------
    material : Material
    factors : int
    seeds : sequence of int
        One start each.
    robust : bool
        Let what lies beyond four uncertainties count linearly; the best is then by Q(robust).
    floor : float
        Lowest contribution as a multiple of a factor's mean: 0, or down to -0.2.
    stopping : Stopping, optional
    """
    problem = Problem(material.values, material.weights, factors, floor=floor)
    best: tuple[Fitted, int, Floats] | None = None
    runs: list[Run] = []
    for begin in range(0, len(seeds), BATCH):
        part = list(seeds[begin : begin + BATCH])
        fitted, weights = descend(problem, *random_starts(problem, part), robust, stopping)
        fresh = judge(problem, fitted, part)
        at = min(range(len(part)), key=lambda place: _merit(fresh[place], robust))
        if best is None or _merit(fresh[at], robust) < min(_merit(run, robust) for run in runs):
            best = fitted, at, weights[at] if weights.ndim == 3 else weights
        runs += fresh
    if best is None:
        raise ValueError("no seed was given")
    fitted, at, weights = best
    run = min(runs, key=lambda one: _merit(one, robust))
    return finish(material, problem, fitted, at, weights, run, tuple(runs), robust)


def _merit(run: Run, robust: bool) -> float:
    return run.q_robust if robust else run.q_true


def descend(
    problem: Problem, given: Floats, held: Floats, robust: bool, stopping: Stopping | None = None
) -> tuple[Fitted, Floats]:
    """Solve a batch in either mode; return it with its weights at the end."""
    if robust:
        return solve_robust(problem, given, held, rule("robust")["alpha"], stopping)
    return solve(problem, given, held, stopping), problem.weights


def judge(problem: Problem, fitted: Fitted, seeds: Sequence[int]) -> list[Run]:
    """Return the figures of each start of a batch."""
    scaled = scaled_residuals(problem.values, problem.weights, fitted.given, fitted.held)
    plain, robust = q_true(scaled), q_robust(scaled, rule("robust")["alpha"])
    return [
        Run(
            seed,
            float(plain[at]),
            float(robust[at]),
            float(fitted.kkt[at]),
            int(fitted.iterations[at]),
            bool(fitted.converged[at]),
        )
        for at, seed in enumerate(seeds)
    ]


def normalised(given: Floats, held: Floats) -> tuple[Floats, Floats]:
    """Return G (N, K) with mean one and F (K, M) in the unit of the values."""
    mean = given.mean(0)
    scale = np.where(mean > 0, mean, 1.0)
    return given / scale, (held * scale).T


def finish(
    material: Material,
    problem: Problem,
    fitted: Fitted,
    at: int,
    weights: Floats,
    run: Run,
    runs: tuple[Run, ...],
    robust: bool,
) -> Solution:
    """Return one start of a batch as a solution, factors in the order of what they explain."""
    given, held = normalised(fitted.given[:, at], fitted.held[:, at])
    if problem.profile_low is not None and problem.profile_high is not None:
        # where the scale is held the mean is one to rounding, and a bound is kept to the last digit
        bounded = np.clip(held, problem.profile_low[:, 0].T, problem.profile_high[:, 0].T)
        held = np.where(problem.scaled[:, None], bounded, held)
    one = replace(problem, weights=weights)
    found = Solution(material, one, given, held, run, runs, robust)
    size = (held / np.maximum(np.abs(material.values).mean(0), 1e-300)).sum(1)
    if problem.profile_low is not None or problem.ties or problem.pull_weight is not None:
        return found
    return found.reordered(np.argsort(-size, kind="stable"))
