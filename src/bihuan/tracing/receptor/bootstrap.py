"""How far a factorisation hangs on which samples there happen to be: block bootstrap, warm from the base run.

Blocks of successive samples are drawn with replacement until there are as many as before; a sample that is drawn
twice counts twice (EPA PMF 5.0 guide). All resamples are solved in one batch from the base run. A resampled factor is
the base factor with whose contributions it correlates best, if it correlates enough; the others are counted, not
forced into place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.tracing.receptor.problem import Floats, Whole
from bihuan.tracing.receptor.rules import rule
from bihuan.tracing.receptor.solution import Solution, descend
from bihuan.tracing.receptor.solver import Stopping

BATCH = 50
PERCENTILES = (5.0, 25.0, 50.0, 75.0, 95.0)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the resamples say.

    Attributes
    ----------
    block : int
        Samples in a block.
    profiles : ndarray, shape (B, K, M)
        Of each resample in the base run's order; nan where a base factor was not found again.
    mapped : ndarray of int, shape (K, K + 1)
        Resampled factors that became each base factor (columns; the last: none). Rows are base factors by the place
        from which the resample started.
    objective : ndarray, shape (B,)
        Q of each resample.
    percentiles : ndarray, shape (5, K, M)
        5, 25, 50, 75 and 95 % of the profiles. [unit of the species]
    times : ndarray, shape (N, B)
        How often each resample counts each sample.
    """

    block: int
    profiles: Floats
    mapped: Whole
    objective: Floats
    percentiles: Floats
    times: Floats

    @property
    def found(self) -> Floats:
        """Share of the resamples in which each base factor was found again. Shape (K,)."""
        return np.asarray(np.isfinite(self.profiles).all(2).mean(0))


def block_times(samples: int, runs: int, block: int, seed: int) -> Floats:
    """Return how often each of `runs` resamples counts each sample. Shape (N, B)."""
    draw = np.random.default_rng(seed)
    times = np.zeros((samples, runs))
    count = -(-samples // block)
    for run in range(runs):
        begins = draw.integers(0, samples - block + 1, count)
        rows = (begins[:, None] + np.arange(block)).ravel()[:samples]
        np.add.at(times[:, run], rows, 1)
    return times


def default_block(samples: int) -> int:
    """Return a length of blocks that grows with the cube root of the samples (Politis and White 2004 give the rate)."""
    return int(np.clip(np.rint(1.5 * np.cbrt(samples)), 1, samples))


def bootstrap(
    base: Solution, runs: int = 100, *, block: int | None = None, seed: int = 0, stopping: Stopping | None = None
) -> Bootstrap:
    """Solve resamples of the samples.

    Parameters
    ----------
    base : Solution
    runs : int
    block : int, optional
        Samples in a block; by default 1.5 times the cube root of the number of samples.
    seed : int
        Of the draw.
    stopping : Stopping, optional

    Raises
    ------
    InputError
        If there are fewer than two runs, or a block is longer than the record.
    """
    samples = len(base.material.times)
    length = default_block(samples) if block is None else block
    if runs < 2 or not 1 <= length <= samples:
        raise InputError(f"a bootstrap needs at least 2 runs and blocks of 1 to {samples} samples")
    times = block_times(samples, runs, length, seed)
    profiles = np.full((runs, base.factors, len(base.material.names)), np.nan)
    mapped = np.zeros((base.factors, base.factors + 1), dtype=np.intp)
    objective = np.empty(runs)
    for begin in range(0, runs, BATCH):
        part = times[:, begin : begin + BATCH]
        given, held, objective[begin : begin + BATCH] = resolve(base, part, stopping)
        for at in range(part.shape[1]):
            places = match(given[:, at], base.contributions, part[:, at])
            for place, target in enumerate(places):
                mapped[place, target] += 1
                if target >= 0:
                    profiles[begin + at, target] = held[:, at, place]
    percentiles = np.full((len(PERCENTILES), *profiles.shape[1:]), np.nan)
    for at in range(base.factors):
        seen = profiles[np.isfinite(profiles[:, at]).all(1), at]
        if len(seen):
            percentiles[:, at] = np.percentile(seen, PERCENTILES, axis=0)
    return Bootstrap(length, profiles, mapped, objective, percentiles, times)


def resolve(base: Solution, times: Floats, stopping: Stopping | None = None) -> tuple[Floats, Floats, Floats]:
    """Return G, F with means of one over each resample, and Q, of resamples solved from the base run."""
    runs = times.shape[1]
    problem = replace(base.problem, times=times, weights=base.material.weights)
    given = np.repeat(base.contributions[:, None], runs, axis=1)
    held = np.repeat(base.profiles.T[:, None], runs, axis=1)
    fitted, _ = descend(problem, given, held, base.robust, stopping)
    mean = (fitted.given * times[:, :, None]).sum(0) / times.sum(0)[:, None]
    scale = np.where(mean > 0, mean, 1.0)
    return fitted.given / scale, fitted.held * scale, fitted.objective


def match(given: Floats, base: Floats, times: Floats) -> NDArray[np.intp]:
    """Return the base factor of each column of G, -1 for none: best correlations first, each base factor once.

    Parameters
    ----------
    given, base : ndarray, shape (N, K)
    times : ndarray, shape (N,)
        Weight of each sample.
    """

    def standard(array: Floats) -> Floats:
        share = times / times.sum()
        centred = array - share @ array
        spread = np.sqrt(share @ centred**2)
        return np.asarray(centred / np.where(spread > 0, spread, 1) * np.sqrt(share)[:, None])

    likeness = standard(given).T @ standard(base)
    places = np.full(given.shape[1], -1, dtype=np.intp)
    for _ in range(given.shape[1]):
        one, other = np.unravel_index(int(np.argmax(likeness)), likeness.shape)
        if likeness[one, other] < rule("bootstrap")["correlation"]:
            break
        places[one] = other
        likeness[one, :] = likeness[:, other] = -np.inf
    return places
