"""Digits: figures that somebody made up.

The last digit of a measured value far above its resolution is as good as drawn from a hat, while people shun some
digits and love others. Conversions of units leave marks of their own (a factor of 2.62 never gives some last digits):
so the week is held against the weeks before at the same site, not against the hat alone, and a sign needs both to
speak. Hours that repeat the one before are counted once. Of tens of thousands of series some look odd by themselves:
the false discovery rate of the run is held (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from bihuan.observations.signs.sign import Sign, sign_settings
from bihuan.observations.signs.window import Block, Bool, Float, adjusted, discoveries, own_sign

TENS = 10


def odd_digits(block: Block) -> list[Sign]:
    """Return the signs ``digits`` of a block."""
    table = sign_settings()["digits"]
    steps, free = block.steps, _free(block.steps, int(table["free"]))
    now, before = (
        digit_counts(steps[:, part], free[:, part]) for part in (slice(block.tested, None), slice(block.tested))
    )
    count, past = now.sum(axis=1), before.sum(axis=1)
    asked = block.enough() & (count >= int(table["least"])) & (past >= 2 * int(table["least"]))
    asked &= _wide(np.where(free, steps, np.nan)[:, block.tested :], float(table["spread"]))
    asked &= ~_coarser(now) & ~_coarser(before)
    if not asked.any():
        return []
    even = ((now - count[:, None] / TENS) ** 2).sum(axis=1) / np.maximum(count / TENS, 1e-9)
    moved, freedom = homogeneity(now, before)
    # sites of one network share conversions and levels: the week of the others is a control as well
    others = np.where(asked[:, None], now, 0).sum(axis=0) - np.where(asked[:, None], now, 0)
    apart, apart_freedom = homogeneity(now, others)
    p_others = np.where(others.sum(axis=1) >= int(table["least"]), chdtrc(apart_freedom, apart), 0.0)
    p = np.maximum(np.maximum(chdtrc(TENS - 1, even), chdtrc(freedom, moved)), p_others)
    effect = np.sqrt(moved / np.maximum(count + past, 1)) * np.sqrt((count + past) / np.maximum(count, 1))
    p = np.where(asked, p, np.nan)
    chosen = discoveries(p, float(table["fdr"])) & (effect >= float(table["effect"]))
    told, tests = adjusted(p), int(asked.sum())
    found = []
    for row in np.flatnonzero(chosen):
        loved = int(np.argmax(now[row] / count[row] - before[row] / max(past[row], 1)))
        figures = {"digit": float(loved), "share": round(100 * float(now[row, loved] / count[row]), 1)}
        figures["usual"] = round(100 * float(before[row, loved] / max(past[row], 1)), 1)
        found.append(own_sign(block, "digits", int(row), float(effect[row]), float(told[row]), tests, figures))
    return found


def _wide(kept: Float, spread: float) -> Bool:
    """Say which rows range over several tens: the last digit of a level that stays is not free."""
    ordered = np.sort(kept, axis=1)
    count = np.isfinite(kept).sum(axis=1)
    rows = np.arange(len(kept))
    low = ordered[rows, (0.1 * count).astype(np.int64)]
    high = ordered[rows, np.maximum((0.9 * count).astype(np.int64) - 1, 0)]
    return np.asarray(np.where(count > 0, high - low, 0.0) >= spread)


def _coarser(counts: Float) -> Bool:
    """Say which rows hold many noughts and few fives: part of them was printed a place coarser, which nobody hides."""
    whole = np.maximum(counts.sum(axis=1), 1)
    return np.asarray((counts[:, 0] / whole > 0.3) & (counts[:, 5] / whole < 0.15))


def _free(steps: Float, least: int) -> Bool:
    """Values whose last digit is free, and that differ from the hour before."""
    changed = np.ones(steps.shape, dtype=bool)
    changed[:, 1:] = steps[:, 1:] != steps[:, :-1]
    return np.isfinite(steps) & (steps >= least) & changed


def digit_counts(steps: Float, free: Bool) -> Float:
    """Count the last digits of each row, shape (rows, 10)."""
    last = np.where(free, np.where(np.isfinite(steps), steps, 0) % TENS, TENS).astype(np.int64)
    counts = np.zeros((len(steps), TENS + 1))
    np.add.at(counts, (np.repeat(np.arange(len(steps)), steps.shape[1]), last.ravel()), 1.0)
    return counts[:, :TENS]


def homogeneity(one: Float, other: Float) -> tuple[Float, Float]:
    """Return chi square and degrees of freedom of two sets of counts being drawn alike, row by row."""
    whole = one + other
    share = one.sum(axis=1, keepdims=True) / np.maximum(whole.sum(axis=1, keepdims=True), 1)
    first, second = whole * share, whole * (1 - share)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(whole > 0, (one - first) ** 2 / first + (other - second) ** 2 / second, 0.0)
    return parts.sum(axis=1), np.maximum((whole > 0).sum(axis=1) - 1, 1).astype(float)
