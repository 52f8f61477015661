"""What a factorisation is asked: values, weights, bounds, pulls and ties, for a batch of starts at once.

X is explained by G F: G holds what each factor gives at each sample (its mean is one), F what a factor holds of each
species, in the unit of X. All arrays of unknowns are laid out (rows, starts, factors), so that one matrix product
makes the normal matrices of all starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Tie:
    """Species of one factor that stand in a fixed ratio.

    Attributes
    ----------
    factor : int
    species : tuple of int
    shares : tuple of float
        Multiples of a common unknown, one a species.
    """

    factor: int
    species: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A batch of factorisations of the same values.

    Attributes
    ----------
    values : ndarray, shape (N, M)
        What was measured; where the weight is nought the value says nothing, and is finite.
    weights : ndarray, shape (N, M) or (S, N, M)
        One over the squared uncertainty; nought where a value is missing.
    factors : int
        K.
    times : ndarray, shape (N, S), optional
        How often a start counts each sample (bootstrap); once without it.
    floor : float
        Lowest contribution, as a multiple of a factor's mean; at most 0.
    profile_low, profile_high : ndarray, shape (M, S or 1, K), optional
        Bounds of F.
    sample_high : ndarray, shape (N, 1, K), optional
        Upper bounds of G.
    held : ndarray of bool, shape (K,), optional
        Factors whose mean contribution is held at one, so that a bound of F is one in the unit of X.
    pull_weight, pull_target : ndarray, shape (M, S or 1, K), optional
        Soft pulls on F: adds weight * (F - target)^2 to what is minimised.
    overlap : float
        Penalty on what profiles (above 0) or contributions (below 0) of two factors share.
    ties : tuple of Tie
    """

    values: Floats
    weights: Floats
    factors: int
    times: Floats | None = None
    floor: float = 0.0
    profile_low: Floats | None = None
    profile_high: Floats | None = None
    sample_high: Floats | None = None
    held: NDArray[np.bool_] | None = None
    pull_weight: Floats | None = None
    pull_target: Floats | None = None
    overlap: float = 0.0
    ties: tuple[Tie, ...] = field(default=())

    def __post_init__(self) -> None:
        samples, species = self.values.shape
        if self.weights.shape[-2:] != self.values.shape:
            raise InputError(
                f"weights have the shape {self.weights.shape[-2:]}, values {self.values.shape}; give one of each a cell"
            )
        if not 1 <= self.factors <= min(samples, species):
            raise InputError(
                f"{self.factors} factors cannot be told from {samples} samples of {species} species; "
                f"ask for 1 to {min(samples, species)}"
            )
        if not np.isfinite(self.values).all() or not np.isfinite(self.weights).all() or (self.weights < 0).any():
            raise InputError("values and weights must be finite and weights not below 0; give a missing cell weight 0")
        if self.floor > 0:
            raise InputError(f"lowest contribution {self.floor} is above 0; give 0, or down to -0.2 as PMF5 does")

    @property
    def scaled(self) -> NDArray[np.bool_]:
        """Factors whose scale is held at a mean contribution of one. Shape (K,)."""
        if self.held is not None:
            return self.held
        return np.full(self.factors, self.floor < 0 or self.overlap != 0)

    def taking(self, kept: Whole) -> Problem:
        """Return the same for some of the starts."""

        def some(array: Floats | None) -> Floats | None:
            return array if array is None or array.shape[1] == 1 else np.ascontiguousarray(array[:, kept])

        return replace(
            self,
            weights=self.weights if self.weights.ndim == 2 else self.weights[kept],
            times=some(self.times),
            profile_low=some(self.profile_low),
            profile_high=some(self.profile_high),
            pull_weight=some(self.pull_weight),
            pull_target=some(self.pull_target),
        )

    def bounds(self, starts: int) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Return low and high of G and of F, each (rows, starts, factors)."""
        samples, species = self.values.shape

        def full(array: Floats | None, rows: int, otherwise: float) -> Floats:
            shape = (rows, starts, self.factors)
            if array is None:
                return np.full(shape, otherwise)
            return np.ascontiguousarray(np.broadcast_to(array, shape))

        return (
            (full(None, samples, self.floor), full(self.sample_high, samples, np.inf)),
            (full(self.profile_low, species, 0.0), full(self.profile_high, species, np.inf)),
        )


def random_starts(problem: Problem, seeds: list[int]) -> tuple[Floats, Floats]:
    """Return first guesses of G (N, S, K) and F (M, S, K), one a seed: each is drawn from its own generator, so that
    a seed gives the same start whatever batch it is in."""
    samples, species = problem.values.shape
    weight = problem.weights if problem.weights.ndim == 2 else problem.weights[0]
    known = weight > 0
    mean = np.abs(np.where(known, problem.values, 0).sum(0)) / np.maximum(known.sum(0), 1)
    given = np.empty((samples, len(seeds), problem.factors))
    held = np.empty((species, len(seeds), problem.factors))
    for at, seed in enumerate(seeds):
        draw = np.random.default_rng(seed)
        given[:, at] = draw.uniform(0.1, 1.0, (samples, problem.factors))
        held[:, at] = draw.uniform(0.1, 1.0, (species, problem.factors)) * mean[:, None] / problem.factors
    return given, held
