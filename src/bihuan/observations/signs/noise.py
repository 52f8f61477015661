"""Noise that a live instrument does not make: suddenly almost none, or one that repeats itself or has no memory.

The bend of an hour, its value less the mean of the two beside it, is mostly noise. How large it is depends on the
level and on the weather of the week, which all sites share: both are taken out before a site is compared with its own
weeks before.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from bihuan.observations.signs.sign import Sign, sign_settings
from bihuan.observations.signs.window import WEEK, Block, Bool, Float, adjusted, discoveries, own_sign


def low_noise(block: Block) -> list[Sign]:
    """Return the signs ``noise_low`` of a block."""
    table = sign_settings()["noise_low"]
    size = _sizes(block, float(table["power"]))
    weeks = size.shape[1]
    asked = block.enough() & np.isfinite(size).all(axis=1) & _alive(block, int(table["least_distinct"]))
    if asked.sum() < 3 or weeks < 3:
        return []
    logs = np.log(np.maximum(np.where(np.isfinite(size), size, 1.0), 1e-9))
    logs = logs - np.median(logs[asked], axis=0)  # what the week did to all sites
    change = logs[:, -1] - logs[:, :-1].mean(axis=1)
    scatter = (logs[:, :-1] - logs[:, :-1].mean(axis=1, keepdims=True))[asked]
    freedom = (weeks - 1) / max(weeks - 2, 1)
    usual = float(np.sqrt(np.mean(scatter**2) * freedom * (1 + 1 / (weeks - 1))))
    p = np.where(asked, ndtr(change / max(usual, 0.05)), np.nan)
    chosen = discoveries(p, float(table["fdr"])) & (np.exp(change) < float(table["ratio"]))
    told, tests = adjusted(p), int(asked.sum())
    return [
        own_sign(
            block,
            "noise_low",
            int(row),
            float(np.exp(change[row])),
            float(told[row]),
            tests,
            {"ratio": _two(np.exp(change[row]))},
            week_before=True,
        )
        for row in np.flatnonzero(chosen)
    ]


def _two(value: float) -> float:
    return round(float(value), 2)


def bends(value: Float) -> Float:
    """Return each hour less the mean of the two beside it, shape as given; NaN at the ends and beside gaps."""
    out = np.full(value.shape, np.nan)
    out[:, 1:-1] = value[:, 1:-1] - (value[:, 2:] + value[:, :-2]) / 2
    return out


def _sizes(block: Block, power: float) -> Float:
    """Usual bend of each week as a share of the level, shape (sites, weeks); NaN where the week has too few hours."""
    weeks = block.value.shape[1] // WEEK
    first = block.value.shape[1] - weeks * WEEK
    level = np.maximum(block.value, 5 * block.resolution[:, None]) ** power
    share = np.abs(bends(block.value) / level)[:, first:].reshape(len(block.sites), weeks, WEEK)
    known = np.isfinite(share)
    # a mean of what is not extreme: the median of whole steps of a coarse instrument jumps from one step to the next
    ordered = np.sort(np.where(known, share, np.inf), axis=2)
    place = np.maximum(np.ceil(0.9 * known.sum(axis=2)).astype(np.int64) - 1, 0)
    top = np.take_along_axis(ordered, place[:, :, None], 2)[:, :, 0]
    kept = known & (share <= top[:, :, None])
    count = kept.sum(axis=2)
    total = np.where(kept, share, 0.0).sum(axis=2)
    return np.where(count >= 80, total / np.maximum(count, 1), np.nan)


def _alive(block: Block, distinct: int) -> Bool:
    ordered = np.sort(block.value[:, block.tested :], axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.diff(ordered, axis=1) > 0).sum(axis=1) + 1 >= distinct)


def regular_noise(block: Block) -> list[Sign]:
    """Return the signs ``noise_regular`` of a block: bends that come again, or values without memory."""
    table = sign_settings()["noise_regular"]
    asked = block.enough() & _alive(block, 6)
    if not asked.any():
        return []
    week = block.value[:, block.tested :]
    bend = bends(week)
    again = np.stack([correlation(bend, int(lag)) for lag in table["lags"]])
    again = np.where(np.isfinite(again), again, -1.0)
    best, lag = again.max(axis=0), again.argmax(axis=0)
    memory, before = correlation(week, 1), correlation(block.value[:, : block.tested], 1)
    count = np.isfinite(week).sum(axis=1) / float(table["inflation"])
    wide = 1 / np.sqrt(np.maximum(count - 3, 1))
    p_again = np.minimum(ndtr(-_fisher(best) / wide) * len(table["lags"]), 1.0)
    past = 1 / np.sqrt(
        np.maximum(np.isfinite(block.value[:, : block.tested]).sum(axis=1) / float(table["inflation"]) - 3, 1)
    )
    p_white = ndtr(-(_fisher(before) - _fisher(memory)) / np.hypot(wide, past))
    periodic = best >= float(table["correlation"])
    white = (memory < float(table["white"])) & (before > float(table["alive"]))
    p = np.where(asked, np.minimum(2 * np.minimum(p_again, p_white), 1.0), np.nan)
    chosen = discoveries(p, float(table["fdr"])) & (periodic | white)
    told, tests = adjusted(p), int(asked.sum())
    found = []
    for row in np.flatnonzero(chosen):
        figures = _figures(bool(periodic[row]), float(best[row]), float(memory[row]), int(table["lags"][lag[row]]))
        size, chance = figures["correlation"], float(told[row])
        found.append(own_sign(block, "noise_regular", int(row), size, chance, tests, figures, week_before=True))
    return found


def _figures(periodic: bool, best: float, memory: float, lag: int) -> dict[str, float]:
    return {"correlation": _two(best if periodic else memory), "lag": float(lag if periodic else 1)}


def correlation(value: Float, lag: int) -> Float:
    """Return the correlation of each row with itself `lag` hours later, NaN where fewer than 30 pairs are known."""
    one, other = value[:, :-lag], value[:, lag:]
    both = np.isfinite(one) & np.isfinite(other)
    count = both.sum(axis=1)
    x, y = np.where(both, one, 0.0), np.where(both, other, 0.0)
    n = np.maximum(count, 1)
    mx, my = x.sum(axis=1) / n, y.sum(axis=1) / n
    dx, dy = np.where(both, one - mx[:, None], 0.0), np.where(both, other - my[:, None], 0.0)
    scale = np.sqrt((dx**2).sum(axis=1) * (dy**2).sum(axis=1))
    return np.where((count >= 30) & (scale > 0), (dx * dy).sum(axis=1) / np.maximum(scale, 1e-300), np.nan)


def _fisher(r: Float) -> Float:
    return np.asarray(np.arctanh(np.clip(np.where(np.isfinite(r), r, 0.0), -0.999, 0.999)))
