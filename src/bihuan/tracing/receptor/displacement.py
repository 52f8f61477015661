"""How far each profile element can be moved before Q has risen by so much: DISP, and BS-DISP over resamples.

Each element of each profile is held away from its fitted value, everything else is solved again, and the value at
which Q has risen by 4, 8, 15 and 25 is sought (Paatero, Eberly, Brown and Norris 2014, Atmos. Meas. Tech. 7, 781-797).
It shows what rotations and the fit leave open; errors of the uncertainties themselves it does not show. All elements
are moved in one batch, both ways, warm from the last place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.tracing.receptor.bootstrap import Bootstrap, match, resolve
from bihuan.tracing.receptor.problem import Floats, Problem, Whole
from bihuan.tracing.receptor.rules import rule
from bihuan.tracing.receptor.solution import Solution
from bihuan.tracing.receptor.solver import Stopping, solve

BATCH, TRIES, CLOSE = 96, 6, 0.05
"""Elements in one batch; values tried a level; share of the level within which a rise is near enough."""

REFIT = Stopping(relative=3e-7, kkt=3e-7, iterations=400)


@dataclass(frozen=True, slots=True)
class Displacement:
    """Intervals of the profiles.

    Attributes
    ----------
    rises : tuple of float
        dQmax.
    low, high : ndarray, shape (R, K, M)
        Least and largest value at each rise; nan for elements that were not displaced. [unit of the species]
    swaps : ndarray of int, shape (R, K)
        Displacements of a factor's elements after which a factor was no longer itself.
    fall : float
        Largest fall of Q below the base run: above 1 % of Q the base run was no optimum.
    """

    rises: tuple[float, ...]
    low: Floats
    high: Floats
    swaps: Whole
    fall: float


def displace(
    base: Solution, *, rises: Sequence[float] | None = None, species: Sequence[str] | None = None
) -> Displacement:
    """Displace the profiles of a base run; robust weights are held as they are.

    Parameters
    ----------
    base : Solution
    rises : sequence of float, optional
        Rises of Q, ascending; 4, 8, 15 and 25.
    species : sequence of str, optional
        Which to displace; those that are not weak.

    Raises
    ------
    InputError
        If a species is not fitted.
    """
    levels = tuple(rises or rule("displacement")["rises"])
    columns = _columns(base, species)
    elements = [(factor, column) for factor in range(base.factors) for column in columns]
    weights = base.problem.weights
    problem = replace(base.problem, weights=weights, held=np.ones(base.factors, dtype=bool), overlap=0.0)
    start = _Start(base.contributions, base.profiles.T, base.contributions)
    return _collect(problem, start, elements, levels, base)


def displace_resamples(
    base: Solution,
    drawn: Bootstrap,
    *,
    species: Sequence[str],
    rises: Sequence[float] | None = None,
    runs: int = 20,
) -> Displacement:
    """Displace the key species of resamples too (BS-DISP): intervals for random error and rotation together.

    Parameters
    ----------
    base : Solution
    drawn : Bootstrap
    species : sequence of str
        The few that tell the factors apart; each costs a displacement in every resample.
    rises : sequence of float, optional
    runs : int
        Resamples that are displaced, the first ones.
    """
    levels = tuple(rises or rule("displacement")["rises"][:1])
    elements = [(factor, column) for factor in range(base.factors) for column in _columns(base, species)]
    found: list[Displacement] = []
    for at in range(min(runs, drawn.times.shape[1])):
        times = drawn.times[:, at : at + 1]
        given, held, _ = resolve(base, times)
        places = match(given[:, 0], base.contributions, times[:, 0])
        if (places < 0).any():
            continue  # a factor that is not there again cannot be displaced: the bootstrap's table counts it
        order = np.argsort(places)
        problem = replace(base.problem, times=times, held=np.ones(base.factors, dtype=bool), overlap=0.0)
        start = _Start(given[:, 0, order], held[:, 0, order], base.contributions)
        found.append(_collect(problem, start, elements, levels, base))
    if not found:
        raise InputError("no resample kept all factors: there are too many for these data; take fewer")
    low = np.array([one.low for one in found])
    high = np.array([one.high for one in found])
    swaps = np.array([one.swaps for one in found]).sum(0)
    return Displacement(levels, low.min(0), high.max(0), swaps, max(one.fall for one in found))


@dataclass(frozen=True, slots=True)
class _Start:
    given: Floats
    held: Floats
    like: Floats


def _columns(base: Solution, species: Sequence[str] | None) -> list[int]:
    names = base.material.names
    if species is None:
        return [int(at) for at in np.flatnonzero(~base.material.weak)]
    unknown = [name for name in species if name not in names]
    if unknown:
        raise InputError(
            f"species {', '.join(unknown)} are not fitted and cannot be displaced; these are: {', '.join(names)}"
        )
    return [names.index(name) for name in species]


def _collect(
    problem: Problem, start: _Start, elements: list[tuple[int, int]], levels: tuple[float, ...], base: Solution
) -> Displacement:
    shape = (len(levels), base.factors, len(base.material.names))
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    swaps = np.zeros((len(levels), base.factors), dtype=np.intp)
    fall = 0.0
    for sign, into in ((-1, low), (1, high)):
        for begin in range(0, len(elements), BATCH):
            search = _Search(problem, start, elements[begin : begin + BATCH], sign)
            for level, rise in enumerate(levels):
                value, swapped = search.reach(rise)
                into[level, search.factors, search.columns] = value
                np.add.at(swaps[level], search.factors, swapped)
            fall = max(fall, search.fall)
    return Displacement(levels, low, high, swaps, fall)


class _Search:
    """One batch of elements, all moved the same way."""

    def __init__(self, problem: Problem, start: _Start, elements: list[tuple[int, int]], sign: int) -> None:
        self.factors = np.array([factor for factor, _ in elements])
        self.columns = np.array([column for _, column in elements])
        self.sign, self.like = sign, start.like
        count = len(elements)
        if problem.times is not None:
            problem = replace(problem, times=np.repeat(problem.times, count, axis=1))
        self.problem = problem
        self.given = np.repeat(start.given[:, None], count, axis=1)
        self.held = np.repeat(start.held[:, None], count, axis=1)
        self.base = start.held[self.columns, self.factors]
        self.best = self._objective(start)
        times = 1.0 if problem.times is None else problem.times[:, :1]
        weight = problem.weights[:, self.columns] * times
        curve = (weight * start.given[:, self.factors] ** 2).sum(0)
        self.curve = np.maximum(curve, 1e-300)  # of Q along the element alone: a lower bound of how far it can go
        self.step = np.zeros(count)
        self.fall = 0.0

    def _objective(self, start: _Start) -> float:
        problem = self.problem
        times = 1.0 if problem.times is None else problem.times[:, :1]
        left = problem.values - start.given @ start.held.T
        return float((problem.weights * left**2 * times).sum())

    def reach(self, rise: float) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the values at which Q has risen by `rise`, and where a factor swapped on the way."""
        limit = self.base if self.sign < 0 else np.full_like(self.base, np.inf)
        step = np.maximum(self.step, np.sqrt(rise / self.curve))
        inside, outside = np.zeros_like(step), np.full_like(step, np.inf)
        below, above = np.zeros_like(step), np.full_like(step, np.inf)
        done = np.zeros(len(step), dtype=bool)
        for _ in range(TRIES):
            step = np.minimum(step, limit)
            move = np.flatnonzero(~done)
            if not len(move):
                break
            risen = self._refit(move, self.base[move] + self.sign * step[move])
            under = risen <= rise
            inside[move] = np.where(under, step[move], inside[move])
            below[move] = np.where(under, risen, below[move])
            outside[move] = np.where(under, outside[move], step[move])
            above[move] = np.where(under, above[move], risen)
            near = np.abs(risen - rise) <= CLOSE * rise
            done[move] = near | (under & (step[move] >= limit[move]))
            step = np.where(done, step, self._next(step, inside, outside, below, above, rise))
        self.step = np.minimum(step, limit)
        swapped = self._swapped()
        return self.base + self.sign * self.step, swapped

    @staticmethod
    def _next(step: Floats, inside: Floats, outside: Floats, below: Floats, above: Floats, rise: float) -> Floats:
        """Interpolate the root of the rise, which is nearly linear in the step."""
        low, high, aim = np.sqrt(np.maximum(below, 0)), np.sqrt(np.where(np.isfinite(above), above, 0)), np.sqrt(rise)
        bracketed = np.isfinite(outside)
        share = np.clip((aim - low) / np.maximum(high - low, 1e-12), 0.05, 0.95)
        far = step * np.clip(aim / np.maximum(low, 0.2 * aim), 1.1, 5.0)
        width = np.where(bracketed, outside, 0.0) - inside
        return np.asarray(np.where(bracketed, inside + share * width, far))

    def _refit(self, move: Whole, value: Floats) -> Floats:
        count = len(move)
        shape = (len(self.held), count, self.held.shape[2])
        low, high = np.zeros(shape), np.full(shape, np.inf)
        if self.problem.profile_low is not None and self.problem.profile_high is not None:
            low, high = low + self.problem.profile_low, np.minimum(high, self.problem.profile_high)
        place = (self.columns[move], np.arange(count), self.factors[move])
        low[place] = high[place] = value
        times = None if self.problem.times is None else self.problem.times[:, move]
        problem = replace(self.problem, times=times, profile_low=low, profile_high=high)
        fitted = solve(problem, self.given[:, move], self.held[:, move], REFIT)
        self.given[:, move], self.held[:, move] = fitted.given, fitted.held
        risen = fitted.objective - self.best
        self.fall = max(self.fall, float(-risen.min()))
        return np.asarray(risen)

    def _swapped(self) -> NDArray[np.bool_]:
        times = np.ones(len(self.like)) if self.problem.times is None else self.problem.times[:, 0]
        own = np.arange(self.like.shape[1])
        return np.array([(match(self.given[:, at], self.like, times) != own).any() for at in range(len(self.base))])
