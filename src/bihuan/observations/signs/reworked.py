"""Copied series in disguise: another site's hours, or a site's own from earlier, scaled, offset or set off in time.

Whoever multiplies a series by 0.9, adds a constant or moves it by 20 minutes leaves the shape of its ups and downs: the
hourly changes of a day go with those of the source as no two instruments' do. A shift by part of an hour mixes two
neighbouring hours of the source. Each day of the week that is asked is laid beside those of all other sites, the same
hours and some before, and beside all of its own past, with changes held back that stand out of their day (one storm
makes no copy). What two sites have in common anyway, and what a day has in common with other days, is known from the
weeks before: only a likeness far beyond that is a sign, all comparisons counted. Exact copies are told by `copies`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import ndtr

from bihuan.core import Ref
from bihuan.observations.signs.sign import Sign, SignKind, sign_id, sign_settings
from bihuan.observations.signs.window import Block, Bool, Float, Int, Table, discoveries

Shape = NDArray[np.float32]

ROWS = 200
"""Series that are laid beside all others, or beside all of their past, at once."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A row that looks like another (or itself) so many hours and a part of an hour before, and how much."""

    row: int
    other: int
    lag: int
    part: float
    likeness: float


@dataclass(frozen=True, slots=True)
class _Copy:
    pair: _Pair
    first: int
    last: int
    correlation: float
    p: float


def reworked(block: Block) -> list[Sign]:
    """Return the signs ``reworked_site`` and ``reworked_earlier`` of a block, at most one of each a site."""
    table = sign_settings()["reworked"]
    rows = np.flatnonzero(block.enough())
    if not len(rows) or block.value.shape[1] < block.tested + int(table["window"]):
        return []
    change = np.diff(block.value[rows], axis=1, prepend=np.nan).astype(np.float32)
    step = (float(table["steps"]) * block.resolution[rows]).astype(np.float32)
    starts = np.arange(block.tested, block.value.shape[1] - int(table["window"]) + 1, int(table["every"]))
    found: list[Sign] = []
    searches: tuple[tuple[SignKind, list[_Pair], int], ...] = (
        ("reworked_site", _beside(change, step, starts, table), len(rows) * len(table["lags"])),
        ("reworked_earlier", _before(change, step, starts, table), block.tested),
    )
    for kind, pairs, comparisons in searches:
        tests = comparisons * len(table["parts"]) * len(starts)
        best: dict[int, _Copy] = {}
        for pair in pairs:
            copy = _judged(block, rows, pair, tests, table)
            if copy is not None and (pair.row not in best or copy.p < best[pair.row].p):
                best[pair.row] = copy
        p = np.ones(len(rows))
        for row, copy in best.items():
            p[row] = min(copy.p, 1.0)
        for row in np.flatnonzero(discoveries(p, float(table["fdr"]))).tolist():
            found.append(_sign(block, kind, rows, best[row], len(rows), float(p[row])))
    return found


def shapes(change: Shape, starts: Int, step: Shape, table: Table) -> tuple[Shape, Bool]:
    """Return the changes of windows as vectors of length 1, large ones held back, and which windows say something.

    Parameters
    ----------
    change : ndarray, shape (rows, hours)
        Hourly changes, NaN where missing.
    starts : ndarray of int, shape (windows,)
    step : ndarray, shape (rows,)
        Mean change that a window needs: below it the rounding is what moves.
    table : mapping
        ``[reworked]`` of `signs.toml`.

    Returns
    -------
    ndarray, shape (rows, windows, size), ndarray of bool, shape (rows, windows)
    """
    kept, scale, good = _windows(change, starts, step, table)
    return kept * scale[:, :, None], good


def _windows(change: Shape, starts: Int, step: Shape, table: Table) -> tuple[Shape, Shape, Bool]:
    """Changes of windows, large ones held back, one over their length, and which windows say something."""
    size = int(table["window"])
    known = np.isfinite(change)
    filled = np.where(known, change, np.float32(0))
    count, total, alive = (_sums(one, size)[:, starts] for one in (known, np.abs(filled), filled != 0))
    usual = total / np.maximum(count, 1)
    most = (float(table["clip"]) * usual).astype(np.float32)[:, :, None]
    kept: Shape = np.clip(sliding_window_view(filled, size, axis=1)[:, starts], -most, most)
    length = np.sqrt(np.einsum("rsw,rsw->rs", kept, kept))
    good = (count >= float(table["known"]) * size) & (usual >= step[:, None]) & (2 * alive >= size)
    return kept, (1 / np.maximum(length, 1e-9)).astype(np.float32), good


def _sums(value: NDArray[np.generic], size: int) -> Float:
    """Sum of each window of so many columns, shape (rows, columns - size + 1)."""
    run = np.zeros((len(value), value.shape[1] + 1))
    np.cumsum(value, axis=1, out=run[:, 1:])
    return np.asarray(run[:, size:] - run[:, :-size])


def _mixed(change: Shape, part: float) -> Shape:
    """Changes of a series set off by part of an hour: a mixture of an hour's change and that of the hour before."""
    if not part:
        return change
    out = np.full(change.shape, np.nan, dtype=np.float32)
    out[:, 1:] = np.float32(1 - part) * change[:, 1:] + np.float32(part) * change[:, :-1]
    return out


def _beside(change: Shape, step: Shape, starts: Int, table: Table) -> list[_Pair]:
    """Pairs of rows that are alike on one of the days, the same hours or some hours before; the best lag of each."""
    mine, good = shapes(change, starts, step, table)
    best: dict[tuple[int, int], _Pair] = {}
    for part in table["parts"]:
        mixed = _mixed(change, float(part))
        for lag in table["lags"]:
            theirs, fine = shapes(mixed, starts - int(lag), step, table)
            for number in range(len(starts)):
                like = _alike(mine[good[:, number], number], theirs[fine[:, number], number], table)
                one, other = np.flatnonzero(good[:, number]), np.flatnonzero(fine[:, number])
                for row, source, likeness in zip(one[like[0]], other[like[1]], like[2], strict=True):
                    key = (int(row), int(source))
                    if row != source and (key not in best or best[key].likeness < likeness):
                        best[key] = _Pair(*key, int(lag), float(part), float(likeness))
    return sorted(best.values(), key=lambda pair: -pair.likeness)[: int(table["most"])]


def _alike(mine: Shape, theirs: Shape, table: Table) -> tuple[Int, Int, Float]:
    """Rows of two sets of shapes that go together far more than such rows usually do."""
    least = float(table["alike"])
    sample = mine[:: max(len(mine) // 50, 1)] @ theirs.T if len(mine) and len(theirs) else np.zeros((0, 0))
    if sample.size > 1000:  # a network that moves as one: only what stands out of it
        z = np.arctanh(np.clip(sample, -0.999, 0.999))
        least = max(least, float(np.tanh(np.median(z) + float(table["beyond"]) * np.std(z))))
    parts: list[tuple[Int, Int, Float]] = []
    for first in range(0, len(mine), ROWS):
        likeness = mine[first : first + ROWS] @ theirs.T
        row, other = np.nonzero(likeness >= least)
        told = likeness[row, other].astype(np.float64)
        parts.append((row.astype(np.int64) + first, other.astype(np.int64), told))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    rows, others, all_told = (np.concatenate([one[k] for one in parts]) for k in range(3))
    keep = np.argsort(-all_told, kind="stable")[: int(table["most"])]
    return rows[keep].astype(np.int64), others[keep].astype(np.int64), all_told[keep].astype(np.float64)


def _before(change: Shape, step: Shape, starts: Int, table: Table) -> list[_Pair]:
    """Rows of which a day is like one of their own earlier days, the best lag of each day."""
    found: dict[tuple[int, int, float], _Pair] = {}
    all_starts = np.arange(1, change.shape[1] - int(table["window"]) + 1)
    for first in range(0, len(change), ROWS):
        part_of = slice(first, first + ROWS)
        mine, good = shapes(change[part_of], starts, step[part_of], table)
        for part in table["parts"]:
            kept, scale, fine = _windows(_mixed(change[part_of], float(part)), all_starts, step[part_of], table)
            both = np.matmul(kept, mine.transpose(0, 2, 1)) * scale[:, :, None]
            for number, start in enumerate(starts):
                early = all_starts <= start - int(table["own_lag"])
                like = np.where(fine[:, early] & good[:, number][:, None], both[:, early, number], -1.0)
                best = np.argmax(like, axis=1)
                for row in np.flatnonzero(like[np.arange(len(like)), best] >= float(table["alike"])).tolist():
                    lag = int(start - all_starts[early][best[row]])
                    pair = _Pair(row + first, row + first, lag, float(part), float(like[row, best[row]]))
                    key = (pair.row, lag, pair.part)
                    if key not in found or found[key].likeness < pair.likeness:
                        found[key] = pair
    return sorted(found.values(), key=lambda pair: -pair.likeness)[: int(table["most"])]


def _source(block: Block, rows: Int, pair: _Pair) -> Float:
    """Hours of the source, set off as the pair says; NaN before its first."""
    value = block.value[rows[pair.other]]
    out = np.full(len(value), np.nan)
    back = pair.lag + 1
    out[back:] = (1 - pair.part) * value[1 : len(value) - pair.lag]
    if pair.part:
        out[back:] += pair.part * value[: len(value) - back]
    return out


def _judged(block: Block, rows: Int, pair: _Pair, tests: int, table: Table) -> _Copy | None:
    """The stretch in which a pair is alike, and its chance by what the two are like otherwise."""
    size, every, alike = int(table["window"]), int(table["every"]), float(table["alike"])
    value, source = block.value[rows[pair.row]], _source(block, rows, pair)
    both = np.diff(np.stack([value, source]), axis=1, prepend=np.nan).astype(np.float32)
    starts = np.arange(block.tested % every, len(value) - size + 1, every)
    made, good = shapes(both, starts, np.zeros(2, np.float32), table)
    r = np.where(good.all(axis=0), (made[0] * made[1]).sum(axis=1), np.nan)
    own = pair.row == pair.other
    usual = r[(starts + size <= block.tested) & np.isfinite(r)]
    usual = usual[usual < alike] if own else usual  # of its own past other days of the same lag
    week = np.flatnonzero((starts >= block.tested) & (r >= alike))
    if len(usual) < int(table["least"]) or not len(week):
        return None
    runs = np.split(week, np.flatnonzero(np.diff(week) > size // every) + 1)
    run = max(runs, key=len)
    first, last = int(starts[run[0]]), int(starts[run[-1]]) + size
    first, last = _stretched(both, first, last, block.tested, 1.5 * float(block.resolution[rows[pair.row]]), table)
    part = _held(both[:, first:last], float(table["clip"]))
    count = int(np.isfinite(part).all(axis=0).sum())
    whole = _correlation(part)
    if whole < float(table["sure"]) or count < int(table["least_hours"]) or _equal(block, rows, pair, first, last):
        return None
    z, before = np.arctanh(np.minimum(whole, 0.9999)), np.arctanh(np.clip(usual, -0.999, 0.999))
    chance = float(table["inflation"])
    spread = max(float(np.var(before)) - 1 / (size - 3), 0.0) + chance / (count - 3)
    p = float(ndtr(-(z - float(np.mean(before))) / np.sqrt(spread)))
    return _Copy(pair, first, last, whole, min(p * tests, 1.0))


def _stretched(both: Shape, first: int, last: int, begin: int, rounding: float, table: Table) -> tuple[int, int]:
    """A stretch made longer at both ends as long as the changes go on together as they do within it."""
    part = _held(both[:, first:last], float(table["clip"]))
    known = np.isfinite(part).all(axis=0)
    one, other = part[:, known]
    times = float(one @ other / max(float(other @ other), 1e-9))
    most = max(float(table["apart"]) * float(np.sqrt(np.mean((one - times * other) ** 2))), rounding)
    with np.errstate(invalid="ignore"):
        goes = np.abs(both[0] - times * both[1]) <= most
    while first > begin and goes[first - 1]:
        first -= 1
    while last < both.shape[1] and goes[last]:
        last += 1
    return first, last


def _held(both: Shape, clip: float) -> Shape:
    usual = np.nanmean(np.abs(both), axis=1, keepdims=True)
    return np.clip(both, -clip * usual, clip * usual)


def _correlation(both: Shape) -> float:
    known = np.isfinite(both).all(axis=0)
    one, other = both[:, known]
    return float(one @ other / max(float(np.sqrt((one @ one) * (other @ other))), 1e-9))


def _equal(block: Block, rows: Int, pair: _Pair, first: int, last: int) -> bool:
    """Say whether the hours are equal value by value, which `copies` tells."""
    value, source = block.value[rows[pair.row], first:last], _source(block, rows, pair)[first:last]
    known = np.isfinite(value) & np.isfinite(source)
    return bool(np.mean(np.isclose(value[known], source[known])) > 0.8) if known.any() else True


def _sign(block: Block, kind: SignKind, rows: Int, copy: _Copy, tests: int, p: float) -> Sign:
    pair, first, last = copy.pair, copy.first, copy.last
    row, name = int(rows[pair.row]), block.sites[rows[pair.row]]
    source = _source(block, rows, pair)
    value, beside = block.value[row, first:last], source[first:last]
    known = np.isfinite(value) & np.isfinite(beside)
    factor, offset = np.polyfit(beside[known], value[known], 1)
    figures = {"hours": float(last - first), "lag": round(pair.lag + pair.part, 1)}
    figures |= {"factor": round(float(factor), 2), "offset": round(float(offset), 1)}
    figures["correlation"] = round(copy.correlation, 3)
    return Sign(
        id=sign_id(kind, name, block.pollutant, block.week),
        kind=kind,
        site=Ref.parse(name),
        pollutant=block.pollutant,
        period=block.period(first, last),
        statistic=copy.correlation,
        p=p,
        tests=tests,
        against="earlier" if kind == "reworked_earlier" else block.sites[rows[pair.other]],
        figures=figures,
        evidence=block.rows(row, first, last, beside),
    )
