"""Signs of falsification: found and falsely raised, on real series with planted forgeries, and what a run costs.

Thresholds were chosen on the first half of the months (``--half first``) and are reported on the second.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import beta

from benchmarks import planting
from bihuan.observations import CHANGES_SCHEMA, Block, Sign, block_of, find_signs, span_of

SHARED = Path(os.environ.get("BIHUAN_SHARED", Path(__file__).parents[2] / "shared"))
WEEK = timedelta(days=7)
SPLIT = datetime(2014, 9, 1, tzinfo=UTC)
HALVES = {"first": (datetime(2013, 4, 1, tzinfo=UTC), SPLIT), "second": (SPLIT, datetime(2016, 2, 27, tzinfo=UTC))}
HOURS = 168
CHANGED = 6
"""Hours that a forgery has to change to be one."""


def interval(hits: int, of: int) -> str:
    """Return a share with its 95 % interval (Clopper-Pearson)."""
    if not of:
        return "-"
    low = beta.ppf(0.025, hits, of - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, of - hits) if hits < of else 1.0
    return f"{hits}/{of} = {hits / of:.2f} ({low:.2f}-{high:.2f})"


def blocks_at(hours: pl.DataFrame, sites: pl.DataFrame, end: datetime) -> dict[str, Block]:
    """Lay all pollutants of the weeks before an instant out."""
    span = span_of(end)
    inside = hours.filter(pl.col("start").is_between(span.start, span.end, closed="left"))
    return {
        str(code): block_of(part, str(code), end, sites)
        for (code,), part in sorted(inside.partition_by("pollutant", as_dict=True).items())
    }


def ends(half: str) -> list[datetime]:
    """Return the ends of the weeks of a half, every second week."""
    first, last = HALVES[half]
    count = int((last - first - timedelta(days=28)) / (2 * WEEK))
    return [first + timedelta(days=28) + k * 2 * WEEK for k in range(count)]


def with_values(block: Block, row: int, value: np.ndarray) -> Block:  # type: ignore[type-arg]
    """Return a block with one series replaced."""
    changed = block.value.copy()
    changed[row] = value
    return replace(block, value=changed)


def limited(block: Block, row: int) -> Block:
    """Give one series a limit that its own week exceeds now and then, and the others theirs."""
    known = np.isfinite(block.value).any(axis=1)
    limits = np.full(len(known), np.nan)
    limits[known] = np.nanquantile(block.value[known], 0.88, axis=1)
    return replace(block, limit=np.round(limits / block.resolution) * block.resolution)


def planted(
    blocks: dict[str, Block], kind: str, rng: np.random.Generator
) -> tuple[dict[str, Block], str, pl.DataFrame | None] | None:
    """Plant one forgery; return the blocks, the site and the log of settings; None where the week has too few hours."""
    code = str(rng.choice(sorted({"pm25", "pm10", "no2", "o3"} & set(blocks))))
    block = blocks[code]
    rows = np.flatnonzero(block.enough())
    if len(rows) < 3:
        return None
    row, other = (int(one) for one in rng.choice(rows, 2, replace=False))
    changes = None
    if kind == "divergence":
        return _sprayed(blocks, row, rng)
    if kind in {"clipped_limit", "parameter_change"}:
        block = limited(block, row)
    if kind == "parameter_change":
        value, at, slope = planting.turned_down(block.value[row], HOURS, rng, float(block.resolution[row]))
        log = (block.sites[row], code, block.at(at), "slope", 1.0, slope)
        changes = pl.DataFrame([log], schema=CHANGES_SCHEMA, orient="row")
    else:
        around = planting.Around(float(block.resolution[row]), float(block.limit[row]), block.value[other])
        value = planting.FORGERS[kind](block.value[row], HOURS, rng, around)
    if np.sum(np.isfinite(value) & (value != block.value[row])) < CHANGED:
        return None  # there was nothing to forge: the week never came up to the limit
    return blocks | {code: with_values(block, row, value)}, block.sites[row], changes


def _sprayed(blocks: dict[str, Block], row: int, rng: np.random.Generator) -> tuple[dict[str, Block], str, None] | None:
    if not {"pm10", "pm25"} <= set(blocks):
        return None
    name = blocks["pm10"].sites[row % len(blocks["pm10"].sites)]
    if name not in blocks["pm25"].sites:
        return None
    at = {code: blocks[code].sites.index(name) for code in ("pm10", "pm25")}
    wet = planting.sprayed({code: blocks[code].value[place] for code, place in at.items()}, rng)
    return blocks | {code: with_values(blocks[code], at[code], wet[code]) for code in at}, name, None


KINDS = (*planting.FORGERS, "divergence", "parameter_change")


def untouched(hours: pl.DataFrame, sites: pl.DataFrame, half: str) -> tuple[Counter[str], int, list[Sign]]:
    """Return the signs of untouched weeks by kind, and how many weeks of sites were asked."""
    found: list[Sign] = []
    asked = 0
    for end in ends(half):
        blocks = {code: limited(block, 0) for code, block in blocks_at(hours, sites, end).items()}
        asked += sum(int(block.enough().sum()) for block in blocks.values())
        found += find_signs(blocks.values(), _false_changes(blocks, end))
    return Counter(sign.kind for sign in found), asked, found


def _false_changes(blocks: dict[str, Block], end: datetime) -> pl.DataFrame:
    """A change of a setting at every station in the middle of the week, after which nothing happened."""
    at = end - timedelta(days=3, hours=7)
    rows = [(name, code, at, "slope", 1.0, 1.01) for code, block in blocks.items() for name in block.sites]
    return pl.DataFrame(rows, schema=CHANGES_SCHEMA, orient="row")


def recall(hours: pl.DataFrame, sites: pl.DataFrame, half: str, kind: str) -> tuple[int, int, int]:
    """Return found, planted, and signs elsewhere (not at the planted site) for one kind over the weeks of a half."""
    hit = count = elsewhere = 0
    for number, end in enumerate(ends(half)):
        rng = np.random.default_rng([number, KINDS.index(kind)])
        made = planted(blocks_at(hours, sites, end), kind, rng)
        if made is None:
            continue
        blocks, site, changes = made
        found = find_signs(blocks.values(), changes)
        hit += any(sign.kind == kind and str(sign.site) == site for sign in found)
        # a copy names both sites of the pair, each from its side
        elsewhere += sum(sign.kind == kind and site not in (str(sign.site), sign.against) for sign in found)
        count += 1
    return hit, count, elsewhere


def main(arguments: list[str] | None = None) -> None:
    """Print recall, precision and the rate of false signs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=[*HALVES], default="second")
    parser.add_argument("--kind", choices=KINDS, action="append")
    chosen = parser.parse_args(arguments)
    hours, sites = planting.beijing(SHARED)
    begun = time.perf_counter()
    kinds, asked, _ = untouched(hours, sites, chosen.half)
    print(f"untouched, {chosen.half} half: {sum(kinds.values())} signs in {asked} series-weeks {dict(kinds)}")
    print(f"{'kind':18} {'recall (95 %)':28} {'precision (95 %)':28}")
    for kind in chosen.kind or KINDS:
        hit, count, elsewhere = recall(hours, sites, chosen.half, kind)
        print(f"{kind:18} {interval(hit, count):28} {interval(hit, hit + elsewhere):28}")
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
