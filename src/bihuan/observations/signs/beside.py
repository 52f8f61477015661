"""Signs that need something beside the series: a stack's oxygen and load, the neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import stdtr

from bihuan.core import Ref
from bihuan.observations.neighbours import median_last
from bihuan.observations.signs.sign import Sign, sign_id, sign_settings
from bihuan.observations.signs.window import Block, Float, Table, adjusted, discoveries

AIR_O2 = 21.0
"""Oxygen of air by which concentrations are folded (HJ 76, `standards`): [%]"""


def daily(value: Float, least: int) -> Float:
    """Median of each whole day, shape (rows, days); NaN where fewer than `least` hours are known."""
    days = value.shape[1] // 24
    middle, count = median_last(value[:, value.shape[1] - days * 24 :].reshape(len(value), days, 24))
    return np.where(count >= least, middle, np.nan)


def oxygen(blocks: Mapping[str, Block]) -> list[Sign]:
    """Return the signs ``o2_dilution``: the oxygen of a stack moved while its load did not.

    Air let in before the probe raises the oxygen and thins the gas in proportion; folding would undo that, so it is
    done where the raw value is what is looked at, or up to where nothing is folded any more. Oxygen set lower lets the
    folded value pass. Both show as oxygen that moves without a reason in the load; the figures tell which it is like.
    """
    table, block = sign_settings()["o2_dilution"], blocks.get("o2")
    if block is None:
        return []
    o2 = daily(block.value, 12)
    ends = [(span, *_shift(o2, block.tested // 24, int(span), int(table["least_days"]))) for span in table["spans"]]
    p = np.stack([one[2] for one in ends])
    best = np.argmin(np.where(np.isfinite(p), p, np.inf), axis=0)
    rows = np.arange(len(block.sites))
    worst = np.minimum(p[best, rows] * len(ends), 1.0)
    moved = np.stack([one[1] for one in ends])[best, rows]
    chosen = discoveries(worst, float(table["fdr"])) & (np.abs(moved) >= float(table["change"]))
    told, tests = adjusted(worst), int(np.isfinite(worst).sum())
    found = []
    for row in np.flatnonzero(chosen):
        span = int(ends[int(best[row])][0])
        load = _ratio(blocks, ("gas_flow", "gas_temperature"), block.sites[row], span)
        if load is not None and abs(load - 1) > float(table["load"]):
            continue
        found.append(_oxygen_sign(blocks, block, int(row), span, float(moved[row]), float(told[row]), tests, table))
    return found


def _shift(value: Float, first: int, span: int, least: int) -> tuple[Float, Float]:
    """Shift of the last days against the weeks before, and its p by their scatter; NaN where too few are known."""
    now, before = value[:, -span:], value[:, :first]
    count = np.isfinite(before).sum(axis=1)
    middle = median_last(before)[0]
    spread = 1.4826 * median_last(np.abs(before - middle[:, None]))[0]
    shift = median_last(now)[0] - middle
    wide = np.maximum(spread, 0.05) * np.sqrt(1 + 1 / np.maximum(count, 1))
    p = 2 * stdtr(np.maximum(count - 1, 1), -np.abs(shift) / wide)
    good = (count >= least) & (np.isfinite(now).sum(axis=1) * 2 > span)
    return np.where(good, shift, np.nan), np.where(good, p, np.nan)


def _ratio(blocks: Mapping[str, Block], names: tuple[str, ...], site: str, span: int) -> float | None:
    """Level of the last days over the weeks before, of the first of several pollutants that the site has."""
    for name in names:
        block = blocks.get(name)
        if block is not None and site in block.sites:
            row = block.value[block.sites.index(site)][None, :]
            now, _ = median_last(row[:, -24 * span :])
            before, _ = median_last(row[:, : block.tested])
            if np.isfinite(now[0]) and np.isfinite(before[0]) and before[0] > 0:
                return float(now[0] / before[0])
    return None


def _oxygen_sign(
    blocks: Mapping[str, Block], block: Block, row: int, span: int, moved: float, p: float, tests: int, table: Table
) -> Sign:
    name, last = block.sites[row], block.value.shape[1]
    before = float(median_last(block.value[row : row + 1, : block.tested])[0][0])
    now = before + moved
    figures = {"before": round(before, 1), "after": round(now, 1), "days": float(span)}
    thinned = (AIR_O2 - now) / max(AIR_O2 - before, 0.1)
    raw = _ratio(blocks, ("so2", "nox", "pm"), name, span)
    if raw is not None:
        figures |= {"raw": round(raw, 2), "dilution": round(thinned, 2)}
        figures["looks_like_air"] = float(abs(raw / max(thinned, 0.01) - 1) <= float(table["agree"]))
    return Sign(
        id=sign_id("o2_dilution", name, "o2", block.week),
        kind="o2_dilution",
        site=Ref.parse(name),
        pollutant="o2",
        period=block.period(last - 24 * span, last),
        statistic=moved,
        p=p,
        tests=tests,
        against="own",
        figures=figures,
        evidence=block.rows(row, last - 48, last, np.full(48, before)),
    )
