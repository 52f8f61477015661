"""Positive matrix factorisation: alternating weighted least squares between bounds, all starts in one batch.

Given F, the contributions of each sample are a small least squares, and given G so are the profiles of each species
(Paatero and Tapper 1994, Environmetrics 5, 111-126, for the problem). Both halves are solved to their optimum by
`bihuan.physics.box_sweeps`, and each step is extrapolated with a restart when it did not help (Ang and Gillis 2019,
Neural Computation 31, 417-439). A start is done when the RELATIVE fall of the objective and the residual of the
Karush-Kuhn-Tucker conditions are both small; an absolute step says nothing of how far the minimum is.

Where a bound or a pull is meant in the unit of the values, the mean contribution of the factor is held at one with
the multiplier that the scale's own stationarity gives: along G -> (1 + e) G, F -> (1 - e) F nothing that is modelled
changes except through what may not move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.physics import box_gains, box_sweeps
from bihuan.tracing.receptor.problem import Floats, Problem, Whole

CHECK = 10
"""Iterations between two looks at the convergence."""

ALONE = 250_000
"""Multiplications up to which OpenBLAS uses one thread (262,144)."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """When a start is done.

    Attributes
    ----------
    relative : float
        Largest relative fall of the objective in the last ten iterations.
    kkt : float
        Largest residual of the Karush-Kuhn-Tucker conditions.
    iterations : int
        At most so many.
    """

    relative: float = 1e-7
    kkt: float = 1e-7
    iterations: int = 5000


@dataclass(slots=True)
class Fitted:
    """Where a batch ended.

    Attributes
    ----------
    given : ndarray, shape (N, S, K)
        G.
    held : ndarray, shape (M, S, K)
        F, transposed.
    objective : ndarray, shape (S,)
        Weighted sum of squares, without pulls and penalties.
    kkt : ndarray, shape (S,)
        What could still be gained by moving each unknown alone, as a share of the objective: nought at an optimum.
    iterations : ndarray of int, shape (S,)
    converged : ndarray of bool, shape (S,)
    """

    given: Floats
    held: Floats
    objective: Floats
    kkt: Floats
    iterations: Whole
    converged: NDArray[np.bool_]


def solve(problem: Problem, given: Floats, held: Floats, stopping: Stopping | None = None) -> Fitted:
    """Minimise the weighted sum of squares from first guesses.

    Parameters
    ----------
    problem : Problem
    given : ndarray, shape (N, S, K)
        First guess of G.
    held : ndarray, shape (M, S, K)
        First guess of F.
    stopping : Stopping, optional

    Returns
    -------
    Fitted
    """
    rule = stopping or Stopping()
    starts = given.shape[1]
    ended = Fitted(
        np.array(given),
        np.array(held),
        np.full(starts, np.nan),
        np.full(starts, np.nan),
        np.zeros(starts, dtype=np.intp),
        np.zeros(starts, dtype=bool),
    )
    running = np.arange(starts)
    climb = _Descent(problem, np.array(given, order="C"), np.array(held, order="C"))
    before = np.full(starts, np.inf)
    for iteration in range(1, rule.iterations + 1):
        climb.step()
        if iteration % CHECK and iteration != rule.iterations:
            continue
        fall = (before - climb.merit) / np.maximum(np.abs(climb.merit), 1e-300)
        residual = climb.residual()
        done = (fall <= rule.relative) & (residual <= rule.kkt)
        before = climb.merit.copy()
        leave = np.ones_like(done) if iteration == rule.iterations else done
        out = running[leave]
        ended.given[:, out], ended.held[:, out] = climb.given[:, leave], climb.held[:, leave]
        ended.objective[out], ended.kkt[out] = climb.objective[leave], residual[leave]
        ended.iterations[out], ended.converged[out] = iteration, done[leave]
        if leave.all():
            break
        if leave.any():
            stay = np.flatnonzero(~leave)
            running, before = running[stay], before[stay]
            climb.keep(stay)
    return ended


def _product(left: Floats, right: Floats) -> Floats:
    """Return a matrix product in pieces so small that the library uses one thread for each: they take microseconds,
    and on a busy machine threads would wait for each other a thousand times longer."""
    wide = max(1, ALONE // max(1, left.shape[0] * left.shape[1]))
    out = np.empty((left.shape[0], right.shape[1]))
    for begin in range(0, right.shape[1], wide):
        out[:, begin : begin + wide] = left @ right[:, begin : begin + wide]
    return out


class _Descent:
    """One batch on its way down."""

    SWEEPS, FINE = 8, 1e-8

    def __init__(self, problem: Problem, given: Floats, held: Floats) -> None:
        self.problem = problem
        self.given, self.held = given, held  # the best pair so far
        self.pairs = np.triu_indices(problem.factors)
        starts = given.shape[1]
        self.merit = np.full(starts, np.inf)
        self.objective = np.full(starts, np.inf)
        self.stretch, self.most = np.full(starts, 0.5), np.ones(starts)
        self.multiplier = np.zeros((starts, problem.factors))
        self.scaled = problem.scaled
        self._restart()
        self._settle()

    def _restart(self) -> None:
        self.ahead = np.array(self.held)  # the profiles from which the next contributions are made
        self.last_given, self.last_held = np.array(self.given), np.array(self.held)

    def _settle(self) -> None:
        """Make what depends on which starts are still running."""
        problem, starts = self.problem, self.given.shape[1]
        self.sample_bounds, self.profile_bounds = problem.bounds(starts)
        self.products = problem.weights * problem.values
        squares = self.products * problem.values
        if problem.weights.ndim == 3:
            each = squares.sum(2).T
        else:
            each = np.broadcast_to(squares.sum(1)[:, None], (squares.shape[0], starts))
        times = np.ones_like(each) if problem.times is None else problem.times
        self.constant = (each * times).sum(0)
        self.share = times / times.sum(0)

    def keep(self, stay: Whole) -> None:
        """Go on with some of the starts."""
        self.problem = self.problem.taking(stay)
        for name in ("given", "held", "ahead", "last_given", "last_held"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[:, stay]))
        for name in ("merit", "objective", "stretch", "most", "multiplier"):
            setattr(self, name, getattr(self, name)[stay])
        self._settle()

    def step(self) -> None:
        """Take one extrapolated step of both halves, and go back where it did not help."""
        best, before = self.given, self.stretch[None, :, None]
        fresh = np.array(self.given)
        self._samples(fresh, self.ahead)
        given = np.maximum(fresh + before * (fresh - self.last_given), self.sample_bounds[0])
        given = np.minimum(given, self.sample_bounds[1])
        held = np.array(self.ahead)
        self._rescale(given, held)
        merit, objective = self._profiles(held, given)
        ahead = np.clip(held + np.maximum(before, 0) * (held - self.last_held), *self.profile_bounds)
        worse = ~(merit <= self.merit)
        if worse.any():
            given[:, worse], held[:, worse] = best[:, worse], self.held[:, worse]
            fresh[:, worse], ahead[:, worse] = best[:, worse], self.held[:, worse]
            merit, objective = np.where(worse, self.merit, merit), np.where(worse, self.objective, objective)
        self.given, self.held, self.merit, self.objective = given, held, merit, objective
        self.last_given, self.last_held, self.ahead = fresh, held, ahead
        self.most = np.where(worse, self.stretch, np.minimum(1.0, self.most * 1.01))
        shorter = np.where(
            self.stretch > 0.05, self.stretch / 2, np.where(self.stretch > 0, 0.0, self.stretch / 2 - 0.5)
        )
        longer = np.where(self.stretch < 0.05, 0.05, np.minimum(self.most, self.stretch * 1.05))
        self.stretch = np.where(worse, shorter, longer)

    def _normal(self, other: Floats, flipped: bool) -> tuple[Floats, Floats]:
        """Return the normal matrices (rows, starts, pairs) and right sides (rows, starts, factors) of one half."""
        first, second = self.pairs
        pairs = other[:, :, first] * other[:, :, second]
        if flipped and self.problem.times is not None:
            pairs, other = pairs * self.problem.times[:, :, None], other * self.problem.times[:, :, None]
        weights, products = self.problem.weights, self.products
        rows, starts = weights.shape[-1] if flipped else weights.shape[-2], other.shape[1]
        if weights.ndim == 2:
            left, value = (weights.T, products.T) if flipped else (weights, products)
            return (
                _product(left, pairs.reshape(len(other), -1)).reshape(rows, starts, -1),
                _product(value, other.reshape(len(other), -1)).reshape(rows, starts, -1),
            )
        normal, right = np.empty((rows, starts, pairs.shape[2])), np.empty((rows, starts, other.shape[2]))
        for at in range(starts):
            left, value = (weights[at].T, products[at].T) if flipped else (weights[at], products[at])
            normal[:, at], right[:, at] = _product(left, pairs[:, at]), _product(value, other[:, at])
        return normal, right

    def _samples(self, given: Floats, held: Floats) -> None:
        """Solve the contributions for given profiles, in place."""
        normal, right = self._sample_side(held)
        box_sweeps(normal, right, given, *self.sample_bounds, self.SWEEPS, self.FINE)
        if self.problem.floor < 0:  # what rests on the floor cannot follow the scale
            self.resting = (given <= self.sample_bounds[0]) * self.share[:, :, None]
            self.lift = 2 * ((given <= self.sample_bounds[0]) * given * right).sum(0)

    def _sample_side(self, held: Floats) -> tuple[Floats, Floats]:
        normal, right = self._normal(held, flipped=False)
        if self.scaled.any():
            right = right - self.multiplier / (2 * self.total)
        if self.problem.overlap < 0:
            self._overlap(normal, -self.problem.overlap, np.ones(len(normal)))
        return normal, right

    @property
    def total(self) -> Floats:
        """Samples that each start counts. Shape (S, 1)."""
        times = self.problem.times
        return np.full((self.given.shape[1], 1), float(len(self.given))) if times is None else times.sum(0)[:, None]

    def _overlap(self, normal: Floats, strength: float, scale: Floats) -> None:
        first, second = self.pairs
        normal[:, :, first != second] += (strength / scale)[:, None, None]

    def _rescale(self, given: Floats, held: Floats) -> None:
        """Bring the mean contribution of held factors back to one."""
        if not self.scaled.any():
            return
        mean = (given * self.share[:, :, None]).sum(0)
        mean = np.where(self.scaled & (mean > 0), mean, 1.0)
        given /= mean
        held *= mean
        np.clip(given, *self.sample_bounds, out=given)

    def _profile_side(self, given: Floats) -> tuple[Floats, Floats]:
        problem = self.problem
        normal, right = self._normal(given, flipped=True)
        if problem.pull_weight is not None and problem.pull_target is not None:
            first, second = self.pairs
            normal[:, :, first == second] += problem.pull_weight
            right = right + problem.pull_weight * problem.pull_target
        if problem.overlap > 0:
            self._overlap(normal, problem.overlap, self._spread() ** 2)
        return normal, right

    def _spread(self) -> Floats:
        """A size of each species. Shape (M,)."""
        return np.asarray(np.maximum(np.abs(self.problem.values).mean(0), 1e-300))

    def _profiles(self, held: Floats, given: Floats) -> tuple[Floats, Floats]:
        """Solve the profiles for given contributions, in place; return what is minimised, and Q in it."""
        normal, right = self._profile_side(given)
        low, high = self._tied_bounds(held)
        wanted = np.array(right)
        merit = box_sweeps(normal, right, held, low, high, self.SWEEPS, self.FINE)
        if self.problem.ties:
            merit = self._tie(normal, wanted, right, held, low, high)
        if self.scaled.any():
            self._multiply(held, given, right)
        merit = merit + self.constant + self._pull_constant
        shared = self._shared(held, given)
        if self.problem.overlap < 0:
            merit = merit + shared  # on the other half, so not in this half's quadratic
        return merit, merit - self._pulled(held) - shared

    def _pulled(self, held: Floats) -> Floats:
        """Return what the pulls cost. Shape (S,)."""
        weight, target = self.problem.pull_weight, self.problem.pull_target
        if weight is None or target is None:
            return np.zeros(held.shape[1])
        return np.asarray((weight * (held - target) ** 2).sum((0, 2)))

    @property
    def _pull_constant(self) -> Floats:
        return self._pulled(np.zeros_like(self.held))

    def _shared(self, held: Floats, given: Floats) -> Floats:
        """Return what the overlap of factors costs. Shape (S,)."""
        strength = self.problem.overlap
        if not strength:
            return np.zeros(held.shape[1])
        of = held / self._spread()[:, None, None] if strength > 0 else given
        return np.asarray(abs(strength) * ((of.sum(2) ** 2).sum(0) - (of**2).sum((0, 2))))

    def _multiply(self, held: Floats, given: Floats, slope: Floats) -> None:
        """Find the multipliers of the scales from the slopes of F, which hold pulls and penalties as well."""
        rise = 2 * (held * self._bare(held, slope)).sum(0)
        free = np.ones_like(rise)
        if self.problem.overlap < 0:
            other = given.sum(2, keepdims=True) - given
            rise = rise - 2 * self.problem.overlap * (given * other).sum(0)
        if self.problem.floor < 0:
            free, rise = 1 - self.problem.floor * self.resting.sum(0), rise - self.lift
        self.multiplier = np.where(self.scaled, -rise / np.maximum(free, 0.1), 0.0)

    def _bare(self, held: Floats, slope: Floats) -> Floats:
        """Return the slope of the sum of squares alone."""
        problem = self.problem
        if problem.pull_weight is not None and problem.pull_target is not None:
            slope = slope - problem.pull_weight * (held - problem.pull_target)
        if problem.overlap > 0:
            other = held.sum(2, keepdims=True) - held
            slope = slope - problem.overlap * other / (self._spread() ** 2)[:, None, None]
        return slope

    def _tied_bounds(self, held: Floats) -> tuple[Floats, Floats]:
        """Hold tied species where they are (in their ratio) while the others are solved."""
        low, high = self.profile_bounds
        if not self.problem.ties:
            return low, high
        low, high = low.copy(), high.copy()
        for tie in self.problem.ties:
            rows, shares = list(tie.species), np.array(tie.shares)[:, None]
            unit = np.maximum((held[rows, :, tie.factor] / shares).mean(0), 0.0)
            held[rows, :, tie.factor] = unit * shares
            low[rows, :, tie.factor] = high[rows, :, tie.factor] = held[rows, :, tie.factor]
        return low, high

    def _tie(self, normal: Floats, right: Floats, slope: Floats, held: Floats, low: Floats, high: Floats) -> Floats:
        """Move tied species together, and the others again after them."""
        diagonal = np.flatnonzero(self.pairs[0] == self.pairs[1])
        merit = np.empty(0)
        for _ in range(self.SWEEPS):
            for tie in self.problem.ties:
                rows, shares = list(tie.species), np.array(tie.shares)[:, None]
                curve = (shares**2 * normal[rows, :, diagonal[tie.factor]]).sum(0)
                rise = (shares * slope[rows, :, tie.factor]).sum(0)
                unit = held[rows[0], :, tie.factor] / shares[0]
                unit = np.maximum(unit - np.where(curve > 0, rise / np.where(curve > 0, curve, 1), 0), 0.0)
                held[rows, :, tie.factor] = unit * shares
                low[rows, :, tie.factor] = high[rows, :, tie.factor] = held[rows, :, tie.factor]
            slope[...] = right
            merit = box_sweeps(normal, slope, held, low, high, self.SWEEPS, self.FINE)
        return merit

    def residual(self) -> Floats:
        """Return what each start could still gain by moving one unknown at a time, as a share of the objective."""
        normal, right = self._sample_side(self.held)
        gain = box_gains(normal, self._slope(normal, right, self.given), self.given, *self.sample_bounds)
        normal, right = self._profile_side(self.given)
        slope = self._slope(normal, right, self.held)
        gain = gain + box_gains(normal, slope, self.held, *self._tied_bounds(self.held))
        diagonal = np.flatnonzero(self.pairs[0] == self.pairs[1])
        for tie in self.problem.ties:
            rows, shares = list(tie.species), np.array(tie.shares)[:, None]
            curve = (shares**2 * normal[rows, :, diagonal[tie.factor]]).sum(0)
            rise = (shares * slope[rows, :, tie.factor]).sum(0)
            unit = self.held[rows[0], :, tie.factor] / shares[0]
            move = np.maximum(-rise / np.maximum(curve, 1e-300), -unit)
            gain = gain - move * (2 * rise + curve * move)
        return np.asarray(gain / np.maximum(np.abs(self.objective), 1e-300))

    def _slope(self, normal: Floats, right: Floats, found: Floats) -> Floats:
        first, second = self.pairs
        size = self.problem.factors
        full = np.empty((*normal.shape[:2], size, size))
        full[:, :, first, second] = full[:, :, second, first] = normal
        return np.ascontiguousarray(np.einsum("rskl,rsl->rsk", full, found) - right)
