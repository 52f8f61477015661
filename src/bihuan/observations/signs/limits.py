"""Values held just under the limit: a heap of hours below the limit in which the series stays, and none above.

Two things a live series does not do together. Its density falls off smoothly towards its highest values, so a band
under the top of the week holds no more than the bands below it (a discontinuity of the density, McCrary 2008,
doi:10.1016/j.jeconom.2007.05.005). And it moves: how often it is still within a band of the same share of its level an
hour later is known from its own hours at all lower levels, of the week and of the weeks before. A logger that lets
nothing through holds the values in the band for as long as the true ones are above it. Hours of one visit hang
together, which is what is counted here: each of them says only whether the next one stayed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import bdtrc, betaincinv

from bihuan.core import Ref
from bihuan.observations.signs.sign import Sign, sign_id, sign_settings
from bihuan.observations.signs.window import Block, Bool, Float, Table, adjusted, discoveries


class Heap(NamedTuple):
    """The hours under the highest value of a week that is not above the limit.

    Attributes
    ----------
    p : float
        Chance of so many stays at the rate of the lower levels, widths tried counted.
    times : float
        Hours in the band over those in a band of the same width below it.
    visits, days : int
        How often the series came into the band, and on how many days.
    share : float
        Of the known hours of the week that lie in it.
    upper : float
        Of the hours of the band that lie in its upper half: towards the top of a live series they grow rare.
    stays, usual : float
        Share of hours that were followed by another one in the band; the same at lower levels.
    """

    p: float
    times: float
    visits: int
    days: int
    share: float
    upper: float
    stays: float
    usual: float


def clipped_at_limit(block: Block) -> list[Sign]:
    """Return the signs ``clipped_limit`` of a block."""
    table = sign_settings()["clipped_limit"]
    rows = np.flatnonzero(block.enough() & np.isfinite(block.limit) & (block.limit > 0))
    share = block.value[rows] / block.limit[rows, None]
    asked = np.flatnonzero(_under(share[:, block.tested :], table))
    if not len(asked):
        return []
    step = block.resolution[rows] / block.limit[rows]
    heaps = [heap(share[k], block.tested, float(step[k]), table) for k in asked]
    p = np.array([one.p for one in heaps])
    chosen, told = discoveries(p, float(table["fdr"])) & (p <= float(table["p"])), adjusted(p)
    return [
        _sign(block, int(rows[asked[k]]), float(told[k]), len(asked), heaps[k])
        for k in np.flatnonzero(chosen)
        if _is_heap(heaps[k], table)
    ]


def _under(week: Float, table: Table) -> Bool:
    """Say which weeks come near the limit and as good as never above it."""
    known = np.isfinite(week)
    count = np.maximum(known.sum(axis=1), 1)
    top = np.max(np.where(known & (week <= 1), week, -np.inf), axis=1, initial=-np.inf)
    above = (known & (week > 1)).sum(axis=1)
    return np.asarray((top >= float(table["near"])) & (above <= float(table["most_above"]) * count))


def heap(share: Float, tested: int, step: float, table: Table) -> Heap:
    """Return the heap under the top of a week, of the width that speaks most.

    Parameters
    ----------
    share : ndarray, shape (hours,)
        Values as a share of the limit, NaN where missing.
    tested : int
        Where the week that is asked begins.
    step : float
        What the instrument prints, as a share of the limit.
    table : mapping
        ``[clipped_limit]`` of `signs.toml`.
    """
    widths = sorted({max(float(width), 2 * step) for width in table["widths"]})
    tries = [_of_width(share, tested, step, width, table) for width in widths]
    best = min(tries, key=lambda one: (not _is_heap(one, table), one.p, -one.times))
    return best._replace(p=min(best.p * len(widths), 1.0))


def _is_heap(one: Heap, table: Table) -> bool:
    """Say whether hours are heaped up at the top, on several days: a mode further down is none."""
    dense = one.times >= float(table["times"]) and one.upper >= float(table["upper"])
    return dense and one.days >= int(table["least_days"])


def _of_width(share: Float, tested: int, step: float, width: float, table: Table) -> Heap:
    week = share[tested:]
    known = np.isfinite(week)
    top = float(np.max(week[known & (week <= 1)]))
    low = top - width - step / 2  # values are whole steps: no edge lies on one
    inside = known & (week > low) & (week <= 1 + step / 2)
    wide = int(table["below"])
    under = int((known & (week > low - wide * width) & (week <= low)).sum())
    hours, kept = stays(week, low, 1 + step / 2)
    seen = np.zeros(2, dtype=np.int64)
    for level in np.arange(*table["levels"]):
        high = top * float(level)  # bands as wide in proportion, but never narrower than two steps
        seen += stays(share, high - max(width * float(level), 2 * step), high)
    # cautious: the high end of what its own lower levels say
    usual = float(betaincinv(seen[1] + 1, max(seen[0] - seen[1], 0) + 1, 0.95))
    return Heap(
        p=float(bdtrc(kept - 1, hours, usual)) if kept else 1.0,
        times=float(inside.sum()) / ((under + 1) / wide),
        visits=int((inside & ~np.concatenate([[False], inside[:-1]])).sum()),
        days=len(np.unique(np.flatnonzero(inside) // 24)),
        share=float(inside.sum() / max(known.sum(), 1)),
        upper=float((inside & (week > top - width / 2 - step / 2)).sum() / max(inside.sum(), 1)),
        stays=kept / max(hours, 1),
        usual=float(seen[1] / max(seen[0], 1)),
    )


def stays(share: Float, low: float, high: float) -> tuple[int, int]:
    """Count hours within a band whose next hour is known, and those whose next one lies in it as well.

    Parameters
    ----------
    share : ndarray, shape (hours,)
        NaN where missing.
    low, high : float
        The lower edge is left out.
    """
    inside = (share > low) & (share <= high)
    first = inside[:-1] & np.isfinite(share[1:])
    return int(first.sum()), int((first & inside[1:]).sum())


def _sign(block: Block, row: int, p: float, tests: int, seen: Heap) -> Sign:
    name, limit = block.sites[row], float(block.limit[row])
    week = block.value[row, block.tested :]
    first = block.tested + int(np.argmax(np.where(np.isfinite(week) & (week <= limit), week, -np.inf)))
    first = max(min(first - 12, block.value.shape[1] - 48), block.tested)
    figures = {"visits": float(seen.visits), "ups": float(np.sum(week > limit)), "limit": limit}
    figures |= {"share": round(100 * seen.share, 1), "times": round(seen.times, 1)}
    figures |= {"stays": round(100 * seen.stays, 0), "usual": round(100 * seen.usual, 0)}
    return Sign(
        id=sign_id("clipped_limit", name, block.pollutant, block.week),
        kind="clipped_limit",
        site=Ref.parse(name),
        pollutant=block.pollutant,
        period=block.period(block.tested, block.value.shape[1]),
        statistic=seen.share,
        p=p,
        tests=tests,
        against="limit",
        figures=figures,
        evidence=block.rows(row, first, first + 48, np.full(48, limit)),
    )
