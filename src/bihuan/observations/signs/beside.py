"""Signs that need something beside the series: a stack's oxygen and load, the neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr, stdtr

from bihuan.core import Ref
from bihuan.observations.neighbours import median_last, nearest
from bihuan.observations.signs.sign import Sign, sign_id, sign_settings
from bihuan.observations.signs.window import Block, Bool, Float, Table, adjusted, discoveries

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


def divergence(blocks: Mapping[str, Block]) -> list[Sign]:
    """Return the signs ``divergence``: at an official station only the particles fall away from the neighbours'.

    A sprayer beside the inlet takes dust out of the air and no gas; rain or a shift of the wind moves all stations or
    all pollutants. What changed for the particles is held against what the gases of the same station did.
    """
    table = sign_settings()["divergence"]
    ratios = {
        code: _log_ratio(blocks[code], float(table["floor"][code]), table)
        for code in (*table["particles"], *table["gases"])
        if code in blocks
    }
    found: list[Sign] = []
    main = next((code for code in table["particles"] if code in ratios), None)
    if main is None:
        return []
    block = blocks[main]
    tries = [(int(span), *_fall(block, ratios, blocks, int(span), table)) for span in table["spans"]]
    p = np.stack([one[1] for one in tries])
    best = np.argmin(np.where(np.isfinite(p), p, np.inf), axis=0)
    rows = np.arange(len(block.sites))
    worst = np.minimum(p[best, rows] * len(tries), 1.0)
    chosen, told = discoveries(worst, float(table["fdr"])), adjusted(worst)
    for row in np.flatnonzero(chosen):
        span, _, fall, quiet = (one[int(best[row])] for one in zip(*[[*t] for t in tries], strict=True))
        if fall[row] <= float(table["change"]) and quiet[row]:
            found.append(
                _fallen(block, int(row), int(span), float(fall[row]), float(told[row]), int(np.isfinite(worst).sum()))
            )
    return found


def _log_ratio(block: Block, floor: float, table: Table) -> Float:
    """Daily medians of log(site / median of neighbours), shape (sites, days)."""
    logs = np.log(np.maximum(block.value, floor))
    known = np.where(np.isfinite(block.lon), block.lon, 0.0), np.where(np.isfinite(block.lat), block.lat, 0.0)
    around = nearest(*known, float(table["radius"]), int(table["most"]))
    around = np.where(np.isfinite(block.lon)[:, None], around, -1)
    padded = np.concatenate([logs, np.full((1, logs.shape[1]), np.nan)])
    official = np.flatnonzero(np.isin(block.kinds, list(table["kinds"])))
    ratio = np.full(logs.shape, np.nan)
    for row in official:  # few: only official stations are asked
        middle, count = median_last(padded[around[row]].T)
        ratio[row] = np.where(count >= int(table["least"]), logs[row] - middle, np.nan)
    return daily(ratio, int(table["hours"]))


def _fall(
    block: Block, ratios: Mapping[str, Float], blocks: Mapping[str, Block], span: int, table: Table
) -> tuple[Float, Float, Bool]:
    """p of the particles' fall over the last days, its size, and whether the gases stayed; by the rows of `block`."""
    first = block.tested // 24
    p = np.full(len(block.sites), np.nan)
    size = np.full(len(block.sites), np.nan)
    quiet = np.zeros(len(block.sites), dtype=bool)
    for row, name in enumerate(block.sites):
        if block.kinds[row] not in table["kinds"]:
            continue
        z = {}
        for code, ratio in ratios.items():
            if name in blocks[code].sites:
                z[code] = _moved(ratio[blocks[code].sites.index(name)], first, span)
        dust = [z[code] for code in table["particles"] if code in z and np.isfinite(z[code][0])]
        gas = [z[code] for code in table["gases"] if code in z and np.isfinite(z[code][0])]
        if not dust or len(gas) < 2:
            continue
        # PM10 and PM2.5 of one station move together: their sum is wider than of two strangers
        both = sum(one[0] for one in dust) / np.sqrt(len(dust) * (1 + 0.7 * (len(dust) - 1)))
        p[row] = ndtr(both)
        size[row] = dust[0][1]
        middle = float(np.median([one[0] for one in gas]))
        quiet[row] = abs(middle) <= float(table["gas_spreads"]) and all(one[0] < 0 for one in dust)
    return p, size, quiet


def _moved(ratio: Float, first: int, span: int) -> tuple[float, float]:
    """How far the mean of the last days lies from the weeks before, in scatters of such means, and as it is."""
    before, now = ratio[:first], ratio[-span:]
    if np.isfinite(before).sum() < 10 or np.isfinite(now).sum() * 2 <= span:
        return float("nan"), float("nan")
    means = np.array(
        [np.nanmean(before[k : k + span]) for k in range(first - span + 1) if np.isfinite(before[k : k + span]).any()]
    )
    middle = float(np.median(means))
    spread = max(float(1.4826 * np.median(np.abs(means - middle))), float(np.std(means)), 0.03)
    shift = float(np.nanmean(now)) - middle
    return shift / (spread * np.sqrt(1 + span / first)), shift


def _fallen(block: Block, row: int, span: int, fall: float, p: float, tests: int) -> Sign:
    name, last = block.sites[row], block.value.shape[1]
    others = np.delete(block.value[:, last - 48 :], row, axis=0)
    beside = median_last(others.T)[0] if len(others) else np.full(48, np.nan)
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
