"""At an official station only the particles fall away: a sprayer beside the inlet takes dust out of the air and no gas.

Rain or a turn of the wind moves all stations or all pollutants. What the neighbours and the gases of the same station
say about its particles is worked out on the weeks before (each of them by the two others, so that the scatter is that
of hours a fit has not seen); what is left of the last days is held against it. The gases, by their neighbours alone,
must have stayed where they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from bihuan.core import Ref
from bihuan.observations.neighbours import median_last
from bihuan.observations.signs.rest import around, columns_of, rest
from bihuan.observations.signs.sign import Sign, sign_id, sign_settings
from bihuan.observations.signs.window import WEEK, Block, Bool, Float, Table, adjusted, discoveries


class Shift(NamedTuple):
    """How far the mean of the last days lies from the weeks before: in scatters of such means, and as it is (log)."""

    z: float
    size: float


UNKNOWN = Shift(float("nan"), float("nan"))


def divergence(blocks: Mapping[str, Block]) -> list[Sign]:
    """Return the signs ``divergence``.

    Parameters
    ----------
    blocks : mapping of pollutant to Block
        All of one week.
    """
    table = sign_settings()["divergence"]
    main = next((code for code in table["particles"] if code in blocks), None)
    if main is None:
        return []
    block, spans = blocks[main], [int(one) for one in table["spans"]]
    p = np.full((len(spans), len(block.sites)), np.nan)
    size = np.full(p.shape, np.nan)
    for row, name in enumerate(block.sites):
        if block.kinds[row] in table["kinds"]:
            for place, fall in enumerate(_falls(blocks, name, spans, table)):
                p[place, row], size[place, row] = fall
    best = np.argmin(np.where(np.isfinite(p), p, np.inf), axis=0)
    rows = np.arange(len(block.sites))
    worst = np.minimum(p[best, rows] * len(spans), 1.0)
    told, tests = adjusted(worst), int(np.isfinite(worst).sum())
    return [
        _fallen(block, int(row), spans[best[row]], float(size[best[row], row]), float(told[row]), tests)
        for row in np.flatnonzero(discoveries(worst, float(table["fdr"])))
    ]


def _falls(blocks: Mapping[str, Block], site: str, spans: list[int], table: Table) -> list[tuple[float, float]]:
    """p and size of the fall of a site's particles; p is 1 where it is small or the gases did not stay."""
    ratios = {code: _logs(blocks[code], site, table) for code in table["gases"] if code in blocks}
    gases = {code: one for code, one in ratios.items() if one is not None}
    left = {
        code: one
        for code in table["particles"]
        if code in blocks and (one := _unseen(blocks[code], site, [*gases.values()], table)) is not None
    }
    air = [one for code in gases if (one := _unseen(blocks[code], site, [], table)) is not None]
    if not left or len(air) < 2:
        return [(float("nan"), float("nan"))] * len(spans)
    first = next(iter(blocks.values())).tested // 24
    both = np.array([one / _spread(one[:first]) for one in left.values()])
    # of both particles together: how alike they are shows in the scatter of their mean
    sum_of = both.mean(axis=0)
    found = []
    for span in spans:
        each = [moved(one, first, span) for one in left.values()]
        still = [one.z for one in (moved(one, first, span) for one in air) if np.isfinite(one.z)]
        known = [one for one in each if np.isfinite(one.z)]
        if not known or len(still) < 2:
            found.append((float("nan"), float("nan")))
            continue
        quiet = abs(float(np.median(still))) <= float(table["gas_spreads"]) and all(one.z < 0 for one in known)
        told, size = (
            moved(sum_of, first, span) if len(known) == len(each) else min(known),
            min(one.size for one in known),
        )
        found.append((float(ndtr(told.z)) if quiet and size <= float(table["change"]) else 1.0, size))
    return found


def _spread(value: Float) -> float:
    known = value[np.isfinite(value)]
    return max(float(np.std(known)), 0.03) if len(known) else 1.0


def _logs(block: Block, site: str, table: Table) -> Float | None:
    """Log of a site over the middle of its neighbours; None where it has too few of them."""
    if site not in block.sites:
        return None
    row, floor = block.sites.index(site), float(table["floor"][block.pollutant])
    near = around(block, row, table)
    if len(near) < int(table["least"]):
        return None
    logs = np.log(np.maximum(block.value[[row, *near]], 0.0) + floor)
    middle, count = median_last(logs[1:].T)
    return np.asarray(logs[0] - np.where(count >= int(table["least"]), middle, np.nan))


def _unseen(block: Block, site: str, companions: list[Float], table: Table) -> Float | None:
    """Daily means of what neighbours and companions leave of a site, each week by a fit that has not seen it."""
    value = _logs(block, site, table)
    if value is None:
        return None
    row, floor = block.sites.index(site), float(table["floor"][block.pollutant])
    free, held = columns_of(block, around(block, row, table), floor, companions, table)
    known = np.isfinite(value)
    before = np.arange(len(value)) < block.tested
    week = (block.tested - 1 - np.arange(len(value))) // WEEK
    out = np.full(len(value), np.nan)
    for number in (-1, *range(block.tested // WEEK)):
        ask = ~before if number < 0 else week == number
        left = rest(value, (), [*free, *held], before & ~ask & known, float(table["ridge"]), int(table["hours"]))
        out[ask] = left[ask]
    return _daily(np.where(known, out, np.nan), int(table["hours"]), float(table["clip"]), known & before)


def _daily(value: Float, least: int, clip: float, base: Bool) -> Float:
    """Mean of each whole day, single hours held back; NaN where fewer than `least` hours are known."""
    middle = float(np.median(value[base])) if base.any() else 0.0
    scatter = max(1.4826 * float(np.median(np.abs(value[base] - middle))), 1e-3) if base.any() else 1.0
    days = len(value) // 24
    held = np.clip(value, middle - clip * scatter, middle + clip * scatter)[len(value) - days * 24 :].reshape(days, 24)
    count = np.isfinite(held).sum(axis=1)
    return np.where(count >= least, np.nansum(held, axis=1) / np.maximum(count, 1), np.nan)


def moved(left: Float, first: int, span: int) -> Shift:
    """Return how far the mean of the last days lies from the weeks before.

    Parameters
    ----------
    left : ndarray, shape (days,)
    first : int
        Day on which the week that is asked begins.
    span : int
        Days at the end. [d]
    """
    before, now = left[:first], left[-span:]
    if np.isfinite(before).sum() < 10 or np.isfinite(now).sum() * 2 <= span:
        return UNKNOWN
    means = np.array(
        [np.nanmean(before[k : k + span]) for k in range(first - span + 1) if np.isfinite(before[k : k + span]).any()]
    )
    middle = float(np.median(means))
    spread = max(float(1.4826 * np.median(np.abs(means - middle))), float(np.std(means)), 0.03)
    shift = float(np.nanmean(now)) - middle
    return Shift(shift / (spread * np.sqrt(1 + span / first)), shift)


def _fallen(block: Block, row: int, span: int, fall: float, p: float, tests: int) -> Sign:
    name, last = block.sites[row], block.value.shape[1]
    near = around(block, row, sign_settings()["divergence"])
    beside = median_last(block.value[near, last - 48 :].T)[0]
    return Sign(
        id=sign_id("divergence", name, block.pollutant, block.week),
        kind="divergence",
        site=Ref.parse(name),
        pollutant=block.pollutant,
        period=block.period(last - 24 * span, last),
        statistic=fall,
        p=p,
        tests=tests,
        against="neighbours",
        figures={"fall": round(100 * (1 - float(np.exp(fall))), 0), "days": float(span)},
        evidence=block.rows(row, last - 48, last, beside),
    )
