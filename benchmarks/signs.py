"""Signs of falsification: found and falsely raised, on real series with planted forgeries, and what a run costs.

Thresholds were chosen on the first half of the months (``--half first``) and are reported on the second.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import beta

from benchmarks import planting
from bihuan.app.city import City
from bihuan.core import local_date
from bihuan.observations import CHANGES_SCHEMA, SIGN_SITES_SCHEMA, Block, Sign, block_of, find_signs, span_of
from bihuan.observations.signs.slopes import changed_settings
from bihuan.register import Outlet, Station

SHARED = Path(os.environ.get("BIHUAN_SHARED", Path(__file__).parents[2] / "shared"))
WEEK = timedelta(days=7)
SPLIT = datetime(2014, 9, 1, tzinfo=UTC)
HALVES = {
    "first": (datetime(2013, 4, 1, tzinfo=UTC), SPLIT),
    "second": (SPLIT, datetime(2016, 2, 27, tzinfo=UTC)),
    "cities": (datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 6, 30, tzinfo=UTC)),
}
"""Months of the Beijing stations, and those of 61 cities that no threshold saw."""
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
        log = (block.sites[row], code, block.at(at), "slope", 1.0, slope, None)
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
DISGUISED = ("scaled_site", "shifted_site", "scaled_earlier", "shifted_earlier")
SAID: dict[str, tuple[str, ...]] = {
    kind: (f"reworked_{kind.split('_')[1]}", f"copied_{kind.split('_')[1]}") for kind in DISGUISED
}
"""Kinds of signs that answer a forgery of another name: a series set off by whole hours is a plain copy."""
DRAWN = tuple(kind for kind in KINDS if kind not in DISGUISED) + DISGUISED
"""Order of the draws: what is planted of one kind does not change when another is added."""


def untouched(hours: pl.DataFrame, sites: pl.DataFrame, half: str) -> tuple[Counter[str], int, list[Sign]]:
    """Return the signs of untouched weeks by kind, and how many weeks of sites were asked."""
    found: list[Sign] = []
    asked = 0
    for end in ends(half):
        blocks = {code: limited(block, 0) for code, block in blocks_at(hours, sites, end).items()}
        asked += sum(int(block.enough().sum()) for block in blocks.values())
        found += find_signs(blocks.values())
        for code, block in blocks.items():  # one analyser at a time is set: the others of its site stand beside it
            found += changed_settings(blocks, _false_changes({code: block}, end))
    return Counter(sign.kind for sign in found), asked, found


def _false_changes(blocks: dict[str, Block], end: datetime) -> pl.DataFrame:
    """A change of a setting at every station in the middle of the week, after which nothing happened."""
    at = end - timedelta(days=3, hours=7)
    rows = [(name, code, at, "slope", 1.0, 1.01, None) for code, block in blocks.items() for name in block.sites]
    return pl.DataFrame(rows, schema=CHANGES_SCHEMA, orient="row")


def recall(hours: pl.DataFrame, sites: pl.DataFrame, half: str, kind: str) -> tuple[int, int, int]:
    """Return found, planted, and signs elsewhere (not at the planted site) for one kind over the weeks of a half."""
    hit = count = elsewhere = 0
    for number, end in enumerate(ends(half)):
        rng = np.random.default_rng([number, DRAWN.index(kind)])
        made = planted(blocks_at(hours, sites, end), kind, rng)
        if made is None:
            continue
        blocks, site, changes = made
        found = find_signs(blocks.values(), changes)
        said = SAID.get(kind, (kind,))
        hit += any(sign.kind in said and str(sign.site) == site for sign in found)
        # a copy names both sites of the pair, each from its side
        elsewhere += sum(sign.kind in said and site not in (str(sign.site), sign.against) for sign in found)
        count += 1
    return hit, count, elsewhere


def city_blocks(city: City) -> tuple[list[Block], list[Block]]:
    """Return plain and folded blocks of a city that has lived for some weeks, as the loop would read them."""
    kinds = {f"station:{one.id}": one for one in city.plan.register.all(Station, local_date(city.start))}
    outlets = {f"outlet:{one.id}": one for one in city.plan.register.all(Outlet, local_date(city.start))}
    sites = pl.DataFrame(
        [(name, one.kind, one.place.lon, one.place.lat) for name, one in kinds.items()]
        + [(name, "outlet", one.place.lon, one.place.lat) for name, one in outlets.items()],
        schema=SIGN_SITES_SCHEMA,
        orient="row",
    )
    parts: dict[tuple[str, str], list[pl.DataFrame]] = {}
    for (site, code, stat), values in city.hourly().items():
        start = [city.start + timedelta(hours=k) for k in range(len(values))]
        table = pl.DataFrame({"site": [str(site)] * len(values), "start": start, "value": values})
        parts.setdefault((stat, code), []).append(
            table.with_columns(pl.col("start").dt.cast_time_unit("us"), pl.col("value").fill_nan(None))
        )
    made: dict[str, list[Block]] = {"avg": [], "zs_avg": []}
    for (stat, code), tables in sorted(parts.items()):
        limits = {n: x.limit for n, one in outlets.items() for x in one.limits if x.pollutant == code}
        made[stat].append(block_of(pl.concat(tables), code, city.end, sites, limits if stat == "zs_avg" else {}))
    return made["avg"], made["zs_avg"]


def of_city(seeds: list[int], hours: int) -> None:
    """Print what is found in synthetic cities of some weeks with one forgery of each kind."""
    hit: Counter[str] = Counter()
    elsewhere: Counter[str] = Counter()
    asked = 0
    for seed in seeds:
        city = City(seed, hours, forged=True)
        plain, folded = city_blocks(city)
        asked += sum(int(block.enough().sum()) for block in plain)
        told = {(one.kind, str(one.subject)): one for one in city.reveal_forgeries()}
        log = [
            (
                str(one.subject),
                one.pollutant,
                one.period.start + one.period.length / 2,
                "slope",
                1.0,
                1 - one.strength,
                None,
            )
            for one in told.values()
            if one.kind == "parameter_change"
        ]
        changes = pl.DataFrame(log, schema=CHANGES_SCHEMA, orient="row")
        plain = [_with_a_limit(block, log) for block in plain]
        found = find_signs(plain, changes, folded)
        seen = {(sign.kind, str(sign.site)) for sign in found}
        hits = {(kind, site) for kind, site in told if any((one, site) in seen for one in SAID.get(kind, (kind,)))}
        hit.update(kind for kind, _ in hits)
        # sites that the city's own incidents falsify (flat, clipped, copied) are no honest ones either
        incidents = {str(fate.incident.subject) for fate in city.reveal() if fate.incident.kind == "falsified"}
        known = incidents | {site for _, site in told} | {str(one.other) for one in told.values() if one.other}
        others = [sign for sign in found if str(sign.site) not in known]
        elsewhere.update(sign.kind for sign in others)
        missed = sorted(kind for kind, _ in set(told) - hits)
        print(f"seed {seed}: {len(hits)} of {len(told)} found, missed {missed or 'none'}", flush=True)
    print(f"{'kind':18} {'recall (95 %)':28} elsewhere, in {asked} series-weeks")
    for kind in sorted({*hit, *elsewhere, *KINDS, "o2_dilution"}):
        print(f"{kind:18} {interval(hit[kind], len(seeds)):28} {elsewhere[kind]}")


def _with_a_limit(block: Block, log: list[tuple[str, str, datetime, str, float, float, None]]) -> Block:
    """A limit that the forger of a slope had in sight."""
    limit = block.limit.copy()
    for site, code, *_ in log:
        if code == block.pollutant and site in block.sites:
            row = block.sites.index(site)
            known = block.value[row][np.isfinite(block.value[row])]
            limit[row] = np.quantile(known, 0.85)
    return replace(block, limit=limit)


def main(arguments: list[str] | None = None) -> None:
    """Print recall, precision and the rate of false signs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=[*HALVES], default="second")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--hours", type=int, default=672, help="of a synthetic city, at least 408")
    parser.add_argument("--untouched", action="store_true", help="only what honest series raise")
    parser.add_argument("--city", type=int, action="append", help="synthetic cities of these seeds instead")
    chosen = parser.parse_args(arguments or [])
    if chosen.city:
        of_city(chosen.city, chosen.hours)
        return
    hours, sites = planting.cities(SHARED) if chosen.half == "cities" else planting.beijing(SHARED)
    begun = time.perf_counter()
    kinds, asked, _ = untouched(hours, sites, chosen.half)
    print(f"untouched, {chosen.half} half: {sum(kinds.values())} signs in {asked} series-weeks {dict(kinds)}")
    if chosen.untouched:
        print(f"{time.perf_counter() - begun:.0f} s, {time.process_time():.0f} processor s")
        return
    print(f"{'kind':18} {'recall (95 %)':28} {'precision (95 %)':28}")
    for kind in chosen.kind or KINDS:
        hit, count, elsewhere = recall(hours, sites, chosen.half, kind)
        print(f"{kind:18} {interval(hit, count):28} {interval(hit, hit + elsewhere):28}")
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
