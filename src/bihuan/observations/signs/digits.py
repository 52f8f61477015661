"""Digits: figures that somebody made up.

The last digit of a measured value that moves by much more than its resolution is as good as drawn from a hat, while
people shun some digits and love others. How free a last digit is follows from the hours beside it: a value lies about
the mean of the hour before and the hour after, off by as much as the series is usually off at that level, which gives
each of the ten digits its chance, hour by hour. A calm or a low hour expects its own digit and says little; nothing has
to be left out for it. Conversions of units leave marks of their own (a factor of 2.62 never gives some last digits): so
the week is held against the weeks before at the same site and against the week of the other sites as well, and a sign
needs all three to speak. Hours that repeat the one before are counted once. Of tens of thousands of series some look
odd by themselves: the false discovery rate of the run is held (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from bihuan.observations.signs.sign import Sign, sign_settings
from bihuan.observations.signs.window import Block, Bool, Float, Table, adjusted, discoveries, own_sign

TENS = 10
ROWS = 500
"""Series whose chances are laid out at once: 54 MB a week."""

PRIOR = 5.0
"""Hours that a digit is given as expected, on either side, before its share of the weeks before is taken."""


Groups = tuple[tuple[int, ...], ...]

ALL: Groups = (tuple(range(TENS)),)
PRINTED: Groups = ((1, 3, 7, 9), (2, 4, 6, 8))
"""A series of which part is printed in steps of two, five or ten favours noughts, fives or even digits, and among the
odd ones or the other even ones none: there somebody's choice still shows."""


class Tally(NamedTuple):
    """Last digits of a stretch, shapes (rows, 10) but `own` (rows,).

    Attributes
    ----------
    seen : ndarray
        How often each digit stands there.
    due : ndarray
        How often it should, by the hours beside each.
    own : ndarray
        Mean of chi square of `seen` about `due`: 9 where all digits are free, less where they are not.
    """

    seen: Float
    due: Float
    own: Float


def odd_digits(block: Block) -> list[Sign]:
    """Return the signs ``digits`` of a block."""
    table = sign_settings()["digits"]
    steps = block.steps
    now, before = (tally(steps[:, part], table) for part in (slice(block.tested, None), slice(block.tested)))
    count, past = now.seen.sum(axis=1), before.seen.sum(axis=1)
    asked = block.enough() & (count >= int(table["least"])) & (past >= 2 * int(table["least"]))
    asked &= now.own >= float(table["freedom"])
    if not asked.any():
        return []
    p, effect = _odd(now, before, asked, table)
    chosen = discoveries(p, float(table["fdr"])) & (effect >= float(table["effect"]))
    told, tests = adjusted(p), int(asked.sum())
    found = []
    for row in np.flatnonzero(chosen):
        loved = int(np.argmax(now.seen[row] / count[row] - before.seen[row] / max(past[row], 1)))
        figures = {"digit": float(loved), "share": round(100 * float(now.seen[row, loved] / count[row]), 1)}
        figures["usual"] = round(100 * float(before.seen[row, loved] / max(past[row], 1)), 1)
        found.append(own_sign(block, "digits", int(row), float(effect[row]), float(told[row]), tests, figures))
    return found


def _odd(now: Tally, before: Tally, asked: Bool, table: Table) -> tuple[Float, Float]:
    """Chance of the digits of each row by whichever of three controls says most for them, and how far off they are."""
    count = np.maximum(now.seen.sum(axis=1), 1)
    # sites of one network share conversions and levels: the week of the others is a control as well
    others = [np.where(asked[:, None], one, 0) for one in (now.seen, now.due)]
    seen, due = (one.sum(axis=0) - one for one in others)
    alone = seen.sum(axis=1) < int(table["least"])
    now_coarse, past_coarse = _coarser(now.seen), _coarser(before.seen)
    p, effect = np.full(len(count), np.nan), np.zeros(len(count))
    for groups, rows in ((ALL, asked & ~now_coarse & ~past_coarse), (PRINTED, asked & (now_coarse | past_coarse))):
        even = _off(now, now.due, np.zeros_like(now.due), groups)
        moved = _against(now, before.seen, before.due, groups)
        moved = np.where(past_coarse, even, moved)  # printed otherwise then: no control
        apart = np.where(alone, np.inf, _against(now, seen, due, groups))
        freedom = sum(len(one) - 1 for one in groups)
        p[rows] = chdtrc(freedom, np.minimum(np.minimum(even, moved), apart))[rows]
        effect[rows] = np.sqrt(moved / count)[rows]
    return p, effect


def tally(steps: Float, table: Table) -> Tally:
    """Count the last digits of each row and work out how often each was due.

    Parameters
    ----------
    steps : ndarray, shape (rows, hours)
        Whole numbers of resolutions, NaN where missing.
    table : mapping
        ``[digits]`` of `signs.toml`.
    """
    parts = [_tally(steps[first : first + ROWS], table) for first in range(0, len(steps), ROWS)]
    if not parts:
        return Tally(np.zeros((0, TENS)), np.zeros((0, TENS)), np.zeros(0))
    return Tally(*(np.concatenate(one) for one in zip(*parts, strict=True)))


def _tally(steps: Float, table: Table) -> Tally:
    middle = np.full(steps.shape, np.nan)
    middle[:, 1:-1] = (steps[:, :-2] + steps[:, 2:]) / 2
    free = np.isfinite(steps) & np.isfinite(middle) & (steps >= int(table["free"])) & (middle >= int(table["free"]))
    free[:, 1:] &= steps[:, 1:] != steps[:, :-1]
    place = np.nonzero(free)
    level = middle[place] ** float(table["power"])
    off = np.abs(steps[place] - middle[place]) / level
    count = np.maximum(np.bincount(place[0], minlength=len(steps)), 1)
    usual = np.bincount(place[0], weights=off, minlength=len(steps)) / count
    width = np.maximum(usual[place[0]] * level, float(table["narrowest"]))
    # a Laplace law about the middle, wound round the ten digits
    away = (np.arange(TENS) - middle[place][:, None]) % TENS
    chance = np.exp(-away / width[:, None]) + np.exp((away - TENS) / width[:, None])
    chance /= chance.sum(axis=1, keepdims=True)
    seen, due, spread = (np.zeros((len(steps), TENS)) for _ in range(3))
    np.add.at(seen, (place[0], (steps[place] % TENS).astype(np.int64)), 1.0)
    for digit in range(TENS):
        due[:, digit] = np.bincount(place[0], weights=chance[:, digit], minlength=len(steps))
        squares = chance[:, digit] * (1 - chance[:, digit])
        spread[:, digit] = np.bincount(place[0], weights=squares, minlength=len(steps))
    return Tally(seen, due, (spread / np.maximum(due, 1e-9)).sum(axis=1))


def _off(now: Tally, due: Float, doubt: Float, groups: Groups) -> Float:
    """Chi square of what was seen about what was due within groups of digits; `doubt` is the variance of `due`."""
    found = np.zeros(len(now.seen))
    with np.errstate(divide="ignore", invalid="ignore"):
        for group in groups:
            seen, likely, wide = (one[:, list(group)] for one in (now.seen, due, doubt))
            times = seen.sum(axis=1, keepdims=True) / likely.sum(axis=1, keepdims=True)
            variance = likely * times + wide * times**2
            found += np.where(variance > 0, (seen - likely * times) ** 2 / variance, 0.0).sum(axis=1)
        return np.where(now.own > 0, found * (TENS - 1) / now.own, 0.0)


def _against(now: Tally, seen: Float, due: Float, groups: Groups) -> Float:
    """The same when each digit is due as much more or less often as it was seen elsewhere."""
    likely = now.due * (seen + PRIOR) / (due + PRIOR)
    return _off(now, likely, likely**2 / (seen + PRIOR), groups)


def _coarser(counts: Float) -> Bool:
    """Say which rows hold many noughts and few fives: part of them was printed a place coarser, which nobody hides."""
    whole = np.maximum(counts.sum(axis=1), 1)
    return np.asarray((counts[:, 0] / whole > 0.3) & (counts[:, 5] / whole < 0.15))
