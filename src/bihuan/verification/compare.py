"""Two sets of hours compared within equal weather, with an interval that knows that hours hang together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from bihuan.verification.downwind import DownwindHours

Float = NDArray[np.float64]

STRATA = 4
REPEATS = 1000
LEVEL = 0.90
"""Of the interval."""


@dataclass(frozen=True, slots=True)
class Change:
    """Mean before and after within equal weather, and the interval of their difference.

    Attributes
    ----------
    before, after, change, low, high : float
        Unit of the pollutant.
    before_low : float
        Lower end of the mean before.
    """

    before: float
    after: float
    change: float
    low: float
    high: float
    before_low: float


def matched(before: DownwindHours, after: DownwindHours) -> tuple[DownwindHours, DownwindHours]:
    """Keep the hours whose kind of weather occurs in both."""
    both = np.intersect1d(before.stratum, after.stratum)
    return before.only(np.isin(before.stratum, both)), after.only(np.isin(after.stratum, both))


def compare(before: DownwindHours, after: DownwindHours, seed: int) -> Change:
    """Compare matched hours.

    Parameters
    ----------
    before, after : DownwindHours
        Matched, of at least two blocks each.
    seed : int
        The same seed gives the same interval.

    Notes
    -----
    A block bootstrap gives the standard error, Student's t with the blocks of the smaller side less one
    the width: with few blocks percentiles are too narrow (Davison and Hinkley 1997, section 8.2).
    """
    rng = np.random.default_rng(seed)
    weights = _weights(before, after)
    one, two = _stratified(before, weights, None, rng), _stratified(after, weights, None, rng)
    boot_one, boot_two = _stratified(before, weights, REPEATS, rng), _stratified(after, weights, REPEATS, rng)
    blocks = (len(np.unique(before.block)), len(np.unique(after.block)))
    factor = float(scipy.stats.t.ppf(0.5 + LEVEL / 2, max(min(blocks) - 1, 1)))
    change = float(two[0] - one[0])
    # With n blocks a resampled mean varies too little by the factor (n - 1) / n.
    spread = [float(b.std()) * (n / max(n - 1, 1)) ** 0.5 for b, n in zip((boot_one, boot_two), blocks, strict=True)]
    reach = factor * float(np.hypot(*spread))
    return Change(
        float(one[0]), float(two[0]), change, change - reach, change + reach, float(one[0]) - factor * spread[0]
    )


def _weights(before: DownwindHours, after: DownwindHours) -> Float:
    """Share of each kind of weather: the harmonic mean of its hours, which makes the difference sharpest."""
    one, two = (np.bincount(hours.stratum, minlength=STRATA).astype(np.float64) for hours in (before, after))
    both = np.where((one > 0) & (two > 0), one * two / np.maximum(one + two, 1), 0.0)
    shares: Float = both / both.sum()
    return shares


def _stratified(hours: DownwindHours, weights: Float, repeats: int | None, rng: np.random.Generator) -> Float:
    """Weighted mean over the strata, as it is or with blocks drawn again; a stratum missed in a draw is left out."""
    _, block = np.unique(hours.block, return_inverse=True)
    count = int(block.max()) + 1
    sums, sizes = np.zeros((count, STRATA)), np.zeros((count, STRATA))
    np.add.at(sums, (block, hours.stratum), hours.excess)
    np.add.at(sizes, (block, hours.stratum), 1.0)
    draws = np.ones((1, count)) if repeats is None else rng.multinomial(count, np.full(count, 1 / count), repeats)
    total, size = draws @ sums, draws @ sizes
    share = np.where(size > 0, weights, 0.0)
    mean = np.where(size > 0, total / np.maximum(size, 1), 0.0)
    held = share.sum(axis=1)
    means: Float = (share * mean).sum(axis=1)[held > 0] / held[held > 0]
    return means
