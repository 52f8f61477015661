"""A few values again and again: weeks that get by with a short list where a measured series would take many more.

How many different values a week of measurements has follows from how many it holds and how far they spread. That
number is worked out from the week's own crowd, smoothed so that single values do not stand out of it; the weeks before
say by how much the series falls short of it by itself (conversions of units leave holes), and what befalls many series
of an item at once is the network's doing and nobody's in particular.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bihuan.observations.signs.sign import Sign, sign_settings
from bihuan.observations.signs.window import WEEK, Block, Bool, Float, Table, own_sign

POINTS = 400
"""Places at which the smoothed crowd is summed up."""

COARSER = (10, 5, 4, 3, 2)
"""Multiples of the resolution that a series may be printed in for a week: nobody hides that."""


class Variety(NamedTuple):
    """How many different values a stretch has, how many it should have, and the scatter of that number."""

    seen: float
    expected: float
    scatter: float

    @property
    def share(self) -> float:
        """Seen over expected."""
        return self.seen / self.expected


def repeated_values(block: Block) -> list[Sign]:
    """Return the signs ``repetition`` of a block."""
    table = sign_settings()["repetition"]
    steps = block.steps
    asked = block.enough() & _known(steps[:, block.tested :], int(table["least"]))
    poor: dict[int, tuple[Variety, float, float]] = {}
    for row in np.flatnonzero(asked & _narrow(steps[:, block.tested :], float(table["share"]))).tolist():
        now = variety(steps[row, block.tested :], table)
        if now is not None and now.expected >= float(table["expected"]) and now.share <= float(table["share"]):
            usual = _usual(steps[row, : block.tested], table)
            z = (now.expected * usual - now.seen) / now.scatter
            if now.share <= float(table["share"]) * usual and z >= float(table["z"]):
                poor[row] = (now, usual, z)
    tests = int(asked.sum())
    if len(poor) >= int(table["network_least"]) and len(poor) > float(table["network"]) * tests:
        return []
    found = []
    for row, (now, usual, z) in poor.items():
        figures = {"times": round(1 / now.share, 1), "usual": round(1 / usual, 1)}
        figures |= {"values": now.seen, "expected": round(now.expected, 0)}
        p = min(float(np.exp(-0.5 * z * z)) * tests, 1.0)
        found.append(own_sign(block, "repetition", row, float(z), p, tests, figures))
    return found


def _known(week: Float, least: int) -> Bool:
    """Say which rows have values enough that differ from the hour before."""
    moved = np.isfinite(week[:, 1:]) & (week[:, 1:] != week[:, :-1])
    return np.asarray(moved.sum(axis=1) >= least)


def _narrow(week: Float, share: float) -> Bool:
    """Say which rows have so few different values that the smoothed crowd is worth working out: quick, misses none."""
    ordered = np.sort(week, axis=1)
    with np.errstate(invalid="ignore"):
        different = np.isfinite(ordered[:, 0]).astype(int) + (ordered[:, 1:] > ordered[:, :-1]).sum(axis=1)
    moved = 1 + (np.isfinite(week[:, 1:]) & (week[:, 1:] != week[:, :-1])).sum(axis=1)
    return np.asarray(different <= share * moved)


def _usual(steps: Float, table: Table) -> float:
    """Least share of the expected that a week before had, 1 at most: what the series does by itself."""
    weeks = len(steps) // WEEK
    told = [variety(steps[len(steps) - (k + 1) * WEEK : len(steps) - k * WEEK], table) for k in range(weeks)]
    return min([1.0, *(one.share for one in told if one is not None)])


def variety(steps: Float, table: Table) -> Variety | None:
    """Return how many different values a stretch has and how many a smooth crowd like it would have.

    Values that repeat the hour before count once. None where there are too few.

    Parameters
    ----------
    steps : ndarray, shape (hours,)
        Whole numbers of resolutions, NaN where missing.
    table : mapping
        ``[repetition]`` of `signs.toml`.
    """
    known = steps[np.isfinite(steps)]
    if not len(known):
        return None
    values = known[np.concatenate([[True], known[1:] != known[:-1]])]
    if len(values) < int(table["least"]):
        return None
    coarser = next((k for k in COARSER if np.mean(values % k == 0) >= float(table["coarser"])), 1)
    crowd, counts = np.unique(values / coarser, return_counts=True)
    # wide enough for a part of the crowd: two levels far apart are two levels, and nothing is expected in between
    ordered = np.sort(values / coarser)
    near = max(int(float(table["part"]) * len(ordered)), 2)
    first = np.clip(np.searchsorted(ordered, crowd) - near // 2, 0, len(ordered) - near)
    reach = np.maximum(ordered[first + near - 1] - crowd, crowd - ordered[first])
    width = np.maximum(float(table["least_width"]), np.minimum(float(table["width"]) * np.abs(crowd), reach))
    at = np.linspace(crowd[0], crowd[-1], min(POINTS, int(crowd[-1] - crowd[0]) + 1))
    each = (crowd[-1] - crowd[0] + 1) / len(at)
    density = (np.exp(-0.5 * ((at[:, None] - crowd) / width) ** 2) / width) @ counts
    density /= density.sum() * each  # the crowd lies within its own range
    absent = np.exp(len(values) * np.log1p(-np.minimum(density, 1 - 1e-9)))
    expected, wide = float((1 - absent).sum() * each), float((absent * (1 - absent)).sum() * each)
    return Variety(float(len(np.unique(values))), expected, max(wide**0.5, 1.0))
