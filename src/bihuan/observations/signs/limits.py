"""Values held just under the limit: the series comes up to it again and again and never goes through.

The control is the series itself. A live series that enters a narrow band from below leaves it upwards about as often
as its own bands further down say; a series that is cut off never does. Hours of one visit are not counted one by one,
for they hang together.
"""

from __future__ import annotations

import numpy as np
from scipy.special import bdtr, betaincinv

from bihuan.core import Ref
from bihuan.observations.signs.sign import Sign, sign_id, sign_settings
from bihuan.observations.signs.window import Block, Float, Int, adjusted, discoveries


def clipped_at_limit(block: Block) -> list[Sign]:
    """Return the signs ``clipped_limit`` of a block."""
    table = sign_settings()["clipped_limit"]
    rows = np.flatnonzero(block.enough() & np.isfinite(block.limit))
    if not len(rows):
        return []
    band = float(table["band"])
    share = block.value[rows] / block.limit[rows, None]
    week = share[:, block.tested :]
    visits, ups = passages(week, 1 - band, 1.0)
    usual = np.zeros((2, len(rows)), dtype=np.int64)
    for level in table["levels"]:
        usual += np.stack(passages(share, float(level) - band, float(level)))
    chance = betaincinv(usual[1] + 1, usual[0] - usual[1] + 1, 0.05)  # cautious: the low end of what its bands say
    p = bdtr(ups, visits, chance)
    known = np.isfinite(week).sum(axis=1)
    inside = ((week > 1 - band) & (week <= 1)).sum(axis=1) / np.maximum(known, 1)
    above = (week > 1).sum(axis=1) / np.maximum(known, 1)
    asked = (visits >= int(table["least_visits"])) & (inside >= float(table["least_share"]))
    asked &= above <= float(table["most_above"])
    p = np.where(asked, p, np.nan)
    chosen, told = discoveries(p, float(table["fdr"])), adjusted(p)
    return [
        _sign(block, int(rows[k]), float(told[k]), int(asked.sum()), (int(visits[k]), int(ups[k]), float(inside[k])))
        for k in np.flatnonzero(chosen)
    ]


def passages(share: Float, low: float, high: float) -> tuple[Int, Int]:
    """Count how often each row enters a band from below, and how often it leaves it upwards.

    Parameters
    ----------
    share : ndarray, shape (rows, hours)
        Missing hours are passed over.
    low, high : float
    """
    rows = len(share)
    inside = np.zeros(rows, dtype=bool)
    below = np.zeros(rows, dtype=bool)
    visits, ups = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64)
    for column in share.T:
        known = np.isfinite(column)
        over, under = known & (column > high), known & (column <= low)
        enters = known & ~over & ~under & below & ~inside
        leaps = over & below & ~inside  # through the band within the hour: a visit that went on
        visits += enters | leaps
        ups += (inside & over) | leaps
        inside = np.where(known, (inside | enters) & ~over & ~under, inside)
        below = np.where(known, under, below)
    return visits, ups


def _sign(block: Block, row: int, p: float, tests: int, seen: tuple[int, int, float]) -> Sign:
    name, limit = block.sites[row], float(block.limit[row])
    week = block.value[row, block.tested :]
    first = block.tested + int(np.argmax(np.where(np.isfinite(week) & (week <= limit), week, -np.inf)))
    first = max(min(first - 12, block.value.shape[1] - 48), block.tested)
    return Sign(
        id=sign_id("clipped_limit", name, block.pollutant, block.week),
        kind="clipped_limit",
        site=Ref.parse(name),
        pollutant=block.pollutant,
        period=block.period(block.tested, block.value.shape[1]),
        statistic=seen[2],
        p=p,
        tests=tests,
        against="limit",
        figures={"visits": float(seen[0]), "ups": float(seen[1]), "limit": limit, "share": round(100 * seen[2], 1)},
        evidence=block.rows(row, first, first + 48, np.full(48, limit)),
    )
