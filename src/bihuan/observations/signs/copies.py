"""Copied series: another site's hours, or the same site's own from earlier, value by value.

How much a run of equal hours tells depends on what the values do: ten hours of 3, 3, 3, 2 ug/m3 are nothing, ten
hours of 61, 74, 70, 88 are much. Each hourly change has a chance under the changes that all series of the block show
from about the same level; a run tells the sum of the negative logarithms, and it is a sign where that exceeds what
the number of comparisons would bring by itself. Only exact copies are found; a copy with noise laid over it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Ref
from bihuan.observations.signs.sign import Sign, SignKind, sign_id, sign_settings
from bihuan.observations.signs.window import Block, Bool, Float, Int, Table

_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class _Run:
    row: int
    first: int
    length: int
    other: int
    other_first: int
    told: float


def copies(block: Block) -> list[Sign]:
    """Return the signs ``copied_site`` and ``copied_earlier`` of a block, at most one of each a site."""
    table = sign_settings()["copied"]
    told = surprise(block, table)
    best: dict[tuple[int, SignKind], _Run] = {}
    compared = np.isfinite(block.value).sum()
    asked = np.isfinite(block.value[:, block.tested :]).sum()
    burden = float(np.log(max(compared, 1)) + np.log(max(asked, 1)))
    for run in _runs(block, told, table):
        kind: SignKind = "copied_earlier" if run.row == run.other else "copied_site"
        key = (run.row, kind)
        if run.length >= int(table["least_hours"]) and (key not in best or run.told > best[key].told):
            best[key] = run
    found = []
    for (row, kind), run in sorted(best.items()):
        p = float(np.exp(min(burden - run.told, 0.0)))
        if p < float(table["alpha"]):
            found.append(_sign(block, kind, row, run, p, int(asked)))
    return found


def surprise(block: Block, table: Table) -> Float:
    """Return what each hourly change tells, in nats: minus the log of its chance from about that level; 0 for none."""
    steps, most = block.steps, int(table["largest"])
    before, change = steps[:, :-1], np.diff(steps, axis=1)
    known = np.isfinite(change)
    level = np.log2(np.clip(np.where(known, before, 1), 1, 4095)).astype(np.int64)
    place = np.clip(np.where(known, change, 0), -most, most).astype(np.int64) + most
    counts = np.zeros((12, 2 * most + 1))
    np.add.at(counts, (level[known], place[known]), 1.0)
    chance = (counts + 0.5) / (counts.sum(axis=1, keepdims=True) + 0.5 * counts.shape[1])
    told = np.zeros(steps.shape)
    told[:, 1:] = np.where(known, -np.log(chance[level, place]), 0.0)
    return told


def _runs(block: Block, told: Float, table: Table) -> list[_Run]:
    """Runs of equal hours, of which one lies in the week that is asked."""
    size, steps = int(table["window"]), block.steps
    rows, hours = steps.shape
    if hours <= size or not rows:
        return []
    whole, code = _windows(steps, size)
    news = np.cumsum(told, axis=1)
    # the first hour of a window tells nothing: only changes inside it do
    whole &= news[:, size - 1 :] - news[:, : hours - size + 1] >= float(table["least_bits"])
    where = np.flatnonzero(whole.ravel())
    codes = code.ravel()[where]
    order = np.argsort(codes, kind="stable")
    where, codes = where[order], codes[order]
    same = np.flatnonzero(codes[1:] == codes[:-1])
    if not len(same):
        return []
    width = hours - size + 1
    one, other = where[same], where[same + 1]
    # each pair both ways: the copy is the one in the week that is asked, and never the earlier of one site
    pairs = np.concatenate([np.stack([one, other]), np.stack([other, one])], axis=1)
    row, column = pairs // width, pairs % width
    fits = column[0] >= block.tested - size + 1
    fits &= (row[0] != row[1]) | (column[0] > column[1])
    fits &= column[0] >= column[1]
    return _joined(steps, told, row[:, fits], column[:, fits], table)


def _windows(steps: Float, size: int) -> tuple[Bool, NDArray[np.uint64]]:
    """Say which windows are complete, and a number for each that equal windows share."""
    whole = np.ones((steps.shape[0], steps.shape[1] - size + 1), dtype=bool)
    code = np.zeros(whole.shape, dtype=np.uint64)
    number = np.where(np.isfinite(steps), steps, 0).astype(np.int64).astype(np.uint64)
    for offset in range(size):
        part = slice(offset, offset + whole.shape[1])
        whole &= np.isfinite(steps[:, part])
        code = (code ^ number[:, part]) * _MIX
        code ^= code >> np.uint64(29)
    return whole, code


def _joined(steps: Float, told: Float, row: Int, column: Int, table: Table) -> list[_Run]:
    """Each pair of windows stretched to the whole run, which is found once."""
    found: dict[tuple[int, int, int, int], _Run] = {}
    ends: dict[tuple[int, int, int], int] = {}
    order = np.lexsort((column[0], column[0] - column[1], row[1], row[0]))
    for k in order:
        mine, other = int(row[0, k]), int(row[1, k])
        first, lag = int(column[0, k]), int(column[0, k] - column[1, k])
        if first < ends.get((mine, other, lag), -1):
            continue
        last = first
        while last < steps.shape[1] and steps[mine, last] == steps[other, last - lag]:
            last += 1
        while first - lag > 0 and first > 0 and steps[mine, first - 1] == steps[other, first - 1 - lag]:
            first -= 1
        ends[mine, other, lag] = last
        weight = float(table["same_hour_weight"]) if lag == 0 else 1.0
        news = weight * float(told[mine, first + 1 : last].sum())
        found[mine, first, other, lag] = _Run(mine, first, last - first, other, first - lag, news)
    return list(found.values())


def _sign(block: Block, kind: SignKind, row: int, run: _Run, p: float, tests: int) -> Sign:
    name, last = block.sites[row], run.first + run.length
    beside = block.value[run.other, run.other_first : run.other_first + run.length]
    return Sign(
        id=sign_id(kind, name, block.pollutant, block.week),
        kind=kind,
        site=Ref.parse(name),
        pollutant=block.pollutant,
        period=block.period(run.first, last),
        statistic=run.told,
        p=p,
        tests=tests,
        against="earlier" if kind == "copied_earlier" else block.sites[run.other],
        figures={"hours": float(run.length), "lag": float(run.first - run.other_first)},
        evidence=block.rows(row, run.first, last, beside),
    )
