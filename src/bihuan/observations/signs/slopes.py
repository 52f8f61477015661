"""A setting was changed with the limit in sight, and the value fell at once.

What the neighbours and the other pollutants of the same site did in every hour of the weeks is taken out first; what is
left remembers itself for some hours and is made free of that (an autoregressive filter). A slope set lower is then a
step at a known hour: its size comes from a least-squares fit of the filtered step, and what such fits give at all other
hours of the same series says how unlikely it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

from bihuan.core import HOUR, Ref
from bihuan.observations.signs.rest import around, columns_of, rest
from bihuan.observations.signs.sign import Sign, sign_id, sign_settings
from bihuan.observations.signs.window import Block, Float, Table

CHANGES_SCHEMA = pl.Schema(
    {
        "site": pl.String(),
        "pollutant": pl.String(),
        "at": pl.Datetime("us", "UTC"),
        "parameter": pl.String(),
        "before": pl.Float64(),
        "after": pl.Float64(),
        "ref": pl.String(),
    }
)
"""Settings of instruments that were changed, as their logs tell (HJ 212: 3020, 3021): range, slope, offset; `ref`
points at the record of the change, null where there is none."""


class Step(NamedTuple):
    """A step at an hour: its size (log), its chance among the other hours, and how many these are."""

    size: float
    p: float
    tests: int


def changed_settings(blocks: Mapping[str, Block], changes: pl.DataFrame) -> list[Sign]:
    """Return the signs ``parameter_change``.

    Parameters
    ----------
    blocks : mapping of pollutant to Block
        All of one week. What was not changed at a site stands beside what was.
    changes : DataFrame of `CHANGES_SCHEMA`
    """
    table = sign_settings()["parameter_change"]
    hours = int(table["hours"])
    rows = changes.filter(pl.col("pollutant").is_in(list(blocks))).sort("site", "pollutant", "at")
    touched = set(zip(rows["site"], rows["pollutant"], strict=True))
    found = []
    for one in rows.iter_rows(named=True):
        block = blocks[one["pollutant"]]
        if one["site"] not in block.sites:
            continue
        row, column = block.sites.index(one["site"]), -((block.start - one["at"]) // HOUR)  # first whole hour after
        if not max(block.tested, hours) <= column <= block.value.shape[1] - hours // 2:
            continue
        before, limit = block.value[row, column - hours : column], float(block.limit[row])
        seen = float(np.max(before[np.isfinite(before)], initial=-np.inf))
        if not (np.isfinite(limit) and limit > 0 and seen >= float(table["near"]) * limit):
            continue
        beside = _companions(blocks, one["site"], one["pollutant"], touched)
        step = step_at(_left_over(block, row, beside, table), column, table)
        if step is not None and step.size <= float(table["change"]) and step.p <= float(table["p"]):
            found.append(_changed(block, row, column, step, one))
    return found


def _companions(blocks: Mapping[str, Block], site: str, pollutant: str, touched: set[tuple[str, str]]) -> list[Float]:
    """Logs of the other pollutants of a site whose settings were left alone."""
    found = []
    for code, block in sorted(blocks.items()):
        if code != pollutant and site in block.sites and (site, code) not in touched:
            value = block.value[block.sites.index(site)]
            known = value[np.isfinite(value)]
            middle = float(np.median(known)) if len(known) else 0.0
            if middle > 0:
                found.append(np.log(np.maximum(value, 0.0) + 0.2 * middle))
    return found


def _left_over(block: Block, row: int, beside: list[Float], table: Table) -> Float:
    """Log of a series without what its neighbours and companions say, shape (hours,).

    A share of the limit is added before the log is taken: low hours say little about a slope.
    """
    floor = float(table["floor"]) * float(block.limit[row])
    value = np.log(np.maximum(block.value[row], 0.0) + floor)
    free, held = columns_of(block, around(block, row, table), floor, beside, table)
    return rest(value, free, held, np.isfinite(value), float(table["ridge"]), int(table["hours"]))


def step_at(left: Float, column: int, table: Table) -> Step | None:
    """Return the step of a series at an hour, None where too little is known.

    Parameters
    ----------
    left : ndarray, shape (hours,)
        Logs, NaN where missing.
    column : int
        First hour after the change.
    table : mapping
        ``[parameter_change]`` of `signs.toml`.
    """
    fits = steps(left, int(table["span"]), int(table["memory"]), float(table["clip"]))
    if fits is None:
        return None
    size, score = fits
    edge, far = int(table["hours"]), 2 * int(table["hours"])
    others = np.concatenate([score[edge : max(column - far, edge)], score[column + far : len(score) - edge]])
    others = others[np.isfinite(others)]
    if len(others) < int(table["moments"]) or not np.isfinite(score[column]):
        return None
    middle = float(np.median(others))
    # the scatter of what the same fit gives where nothing was changed, never less than the fit itself says
    spread = max(1.4826 * float(np.median(np.abs(others - middle))), float(np.std(others)), 1.0)
    return Step(float(size[column]), float(ndtr((score[column] - middle) / spread)), len(others))


def steps(left: Float, span: int, memory: int, clip: float) -> tuple[Float, Float] | None:
    """Return size and score (size over its error) of a step at each hour, by least squares; None of a short series.

    Parameters
    ----------
    left : ndarray, shape (hours,)
        NaN where missing.
    span : int
        Hours before and after that are fitted. [h]
    memory : int
        Hours that the series remembers: the order of the filter.
    clip : float
        Filtered values further off count as so many of their scatter.
    """
    lags = np.array([np.concatenate([np.full(k, np.nan), left[:-k]]) for k in range(1, memory + 1)])
    whole = np.isfinite(left) & np.isfinite(lags).all(axis=0)
    if whole.sum() < 2 * span:
        return None
    middle = float(np.median(left[np.isfinite(left)]))
    past = lags[:, whole] - middle
    phi = np.linalg.solve(past @ past.T + 1e-6 * np.eye(memory), past @ (left[whole] - middle))
    fresh = left - middle - phi @ (lags - middle)
    centre = float(np.nanmedian(fresh))
    scatter = max(1.4826 * float(np.nanmedian(np.abs(fresh - centre))), 1e-6)
    fresh = np.clip(fresh, centre - clip * scatter, centre + clip * scatter)
    rest = max(1 - float(phi.sum()), 0.03)  # a walk at random would forget every level
    shape, level = np.zeros(2 * span), np.full(2 * span, rest)
    shape[span:] = rest
    shape[span : span + memory] = [1 - float(phi[:k].sum()) for k in range(memory)]
    pad = np.full(span, np.nan)
    seen = sliding_window_view(np.concatenate([pad, fresh, pad]), 2 * span)[: len(left)]
    known = np.isfinite(seen)
    value, weight = np.where(known, seen, 0.0), known.astype(float)
    one, both, two = weight @ (shape * shape), weight @ (shape * level), weight @ (level * level)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole_sum = one * two - both * both
        size = ((value @ shape) * two - (value @ level) * both) / whole_sum
        score = size / (scatter * np.sqrt(two / whole_sum))
    return size, score


def _changed(block: Block, row: int, column: int, step: Step, change: Mapping[str, Any]) -> Sign:
    name, last = block.sites[row], min(column + 24, block.value.shape[1])
    at, floor = change["at"], float(sign_settings()["parameter_change"]["floor"])
    assert isinstance(at, datetime)
    # of a value that stood at the limit
    fall = (1 + floor) * (1 - float(np.exp(step.size)))
    figures = {"fall": round(100 * fall, 0), "limit": float(block.limit[row])}
    figures |= {side: float(change[side]) for side in ("before", "after") if isinstance(change[side], float)}
    return Sign(
        id=sign_id("parameter_change", name, block.pollutant, at),
        kind="parameter_change",
        site=Ref.parse(name),
        pollutant=block.pollutant,
        period=block.period(column - 24, last),
        statistic=step.size,
        p=step.p,
        tests=step.tests,
        against=str(change["parameter"]),
        figures=figures,
        evidence=block.rows(row, column - 24, last, np.full(48, block.limit[row])),
        inputs=(Ref.parse(str(change["ref"])),) if change["ref"] else (),
    )
