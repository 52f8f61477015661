"""`bihuan sector` and the page of wind and sources: hours out of the store or a file, and what is drawn from them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from bihuan.app.town import Town
from bihuan.app.values import as_values
from bihuan.core import FormatError, InputError, NotCovered, Period, Ref, parse_instant
from bihuan.store import Store, apply_corrections, load_corrections
from bihuan.tracing.sectors import WindHours

Kind = Literal["rose", "cpf", "polar", "nwr", "ratio", "fingerprint", "trend", "smooth"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WIND = ("wind_speed", "wind_from")
IN_RATIOS = ("pm25", "pm10", "so2", "no2", "nox", "co")

FILE_NAMES: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "start", "time"),
    "wind_speed": ("ws", "wind_speed"),
    "wind_from": ("wd", "wind_from"),
}
"""Columns of a file: ours, and those that openair and its users write."""

MISSING = frozenset({"", "NA", "NaN", "nan", "null", "None", "-", "--"})
NOT_MEASURED = frozenset({-999.0, -9999.0, -99.0})
"""Figures that files write for a missing value; none of them is a concentration or a wind."""


@dataclass(frozen=True, slots=True)
class SectorHours:
    """Hours at one site, with what is told of them.

    Attributes
    ----------
    site : str
        Its ref, or the name of the file.
    pollutant : str
        Code.
    hours : WindHours
    others : mapping of str to array
        Hourly means of the pollutants that ratios are made of, on the same hours.
    wind_site : str
        Where the wind was measured; empty where nobody measured it.
    distance : float or None
        From the site; None where the wind is its own. [m]
    period : Period or None
        Asked for; None for all there is.
    """

    site: str
    pollutant: str
    hours: WindHours
    others: Mapping[str, Any]
    wind_site: str
    distance: float | None
    period: Period | None


def stored_hours(store: Store, town: Town, ref: Ref, pollutant: str, period: Period | None) -> SectorHours:
    """Return the usable hours of record at a site with its own wind, or that of the nearest station that measured any.

    Parameters
    ----------
    store : Store
    town : Town
    ref : Ref
    pollutant : str
        Code.
    period : Period or None
        None for all that is stored.

    Raises
    ------
    NotCovered
        If the register does not know the site.
    """
    if ref != town.ref and town.register.resolve(ref, town.on) is None:
        raise NotCovered(f"{ref} is not in the register: look for it among the sites, as station:1001A")
    site = str(ref)
    wanted = list(dict.fromkeys((pollutant, *IN_RATIOS)))
    own = usable_hours(store, [site], wanted, period)
    wide = _wide(own, wanted)
    wind_site, distance, wind = wind_near(store, town, ref, period)
    joined = wide.join(wind, on="start", how="full", coalesce=True).sort("start") if len(wind) else _no_wind(wide)
    return SectorHours(
        site=site,
        pollutant=pollutant,
        hours=WindHours.of_frame(joined, pollutant),
        others=_others(joined),
        wind_site=wind_site,
        distance=distance,
        period=period,
    )


def hours_of_file(file: Path, pollutant: str, zone: ZoneInfo, period: Period | None = None) -> SectorHours:
    """Read hours of a CSV file with the columns date, ws, wd and the pollutant's name.

    Parameters
    ----------
    file : Path
        Times without a zone are local; speeds in m/s, directions in degrees it blows from.
    pollutant : str
        Name of its column.
    zone : ZoneInfo
    period : Period, optional

    Raises
    ------
    FormatError
        If it is no table, a column is missing, or a time or number cannot be read; names the line.
    """
    columns = _columns(file, pollutant, zone)
    frame = pl.DataFrame(columns, schema_overrides={"start": pl.Datetime("us", "UTC")}).sort("start")
    if period is not None:
        frame = frame.filter(pl.col("start").is_between(period.start, period.end, closed="left"))
    return SectorHours(
        site=file.name,
        pollutant=pollutant,
        hours=WindHours.of_frame(frame, pollutant),
        others=_others(frame),
        wind_site=file.name,
        distance=None,
        period=period,
    )


def usable_hours(store: Store, sites: list[str], wanted: list[str], period: Period | None) -> pl.DataFrame:
    """Return the usable hours of record of sites, corrections applied: ``site pollutant start value``."""
    rows = store.series.hours(sites, wanted, period, of_record=True)
    rows = apply_corrections(rows, "hours", load_corrections(store.records, "hours", period))
    found = as_values(rows.drop("correction"), "hour")
    return found.filter(pl.col("usable")).select("site", "pollutant", "start", "value")


def _wide(rows: pl.DataFrame, wanted: list[str]) -> pl.DataFrame:
    wide = rows.pivot("pollutant", index="start", values="value", aggregate_function="first")
    absent = [pl.lit(None, pl.Float64).alias(name) for name in wanted if name not in wide.columns]
    return wide.with_columns(absent).sort("start")


def wind_near(store: Store, town: Town, ref: Ref, period: Period | None) -> tuple[str, float | None, pl.DataFrame]:
    """Return a site's own wind, else that of the nearest station that measured it long enough.

    Returns
    -------
    (str, float or None, DataFrame)
        Where it was measured, how far away [m] (None where it is its own), and ``start wind_speed wind_from``.
    """
    place = town.register.place_of(ref, town.on) or town.centre
    sites = [str(ref), *sorted(town.weather_sites - {str(ref)})]
    rows = usable_hours(store, sites, list(WIND), period)
    near: list[tuple[float, str]] = []
    for site in _long_enough(rows):
        there = town.register.place_of(Ref.parse(site), town.on)
        if site == str(ref) or there is not None:
            near.append((0.0 if site == str(ref) or there is None else place.distance(there), site))
    if not near:
        return "", None, pl.DataFrame()
    distance, site = min(near)
    wind = _wide(rows.filter(pl.col("site") == site), list(WIND)).select("start", *WIND)
    return site, None if site == str(ref) else round(distance), wind


def _long_enough(rows: pl.DataFrame) -> list[str]:
    """Sites whose wind covers at least half of what the best covers: a mast of last week does not stand for a year."""
    counts = rows.group_by("site").agg(pl.col("start").n_unique().alias("hours")).sort("site")
    return counts.filter(pl.col("hours") >= 0.5 * pl.col("hours").max())["site"].to_list()


def _no_wind(wide: pl.DataFrame) -> pl.DataFrame:
    return wide.with_columns(*(pl.lit(None, pl.Float64).alias(name) for name in WIND))


def _others(frame: pl.DataFrame) -> dict[str, Any]:
    return {
        name: frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        for name in IN_RATIOS
        if name in frame.columns and frame[name].null_count() < frame.height
    }


def _columns(file: Path, pollutant: str, zone: ZoneInfo) -> dict[str, list[Any]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.reader(opened)
            heads = [name.strip() for name in next(rows, [])]
            at = _places(file, heads, pollutant)
            found: dict[str, list[Any]] = {name: [] for name in at}
            for line, row in enumerate(rows, 2):
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(heads):
                    raise FormatError(f"{file.name} line {line}: {len(row)} cells, the head names {len(heads)}")
                for name, place in at.items():
                    found[name].append(_cell(file, line, name, row[place].strip(), zone))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise FormatError(f"{file.name} is no CSV file in UTF-8: {problem}; save it as CSV UTF-8") from None
    return found


def _places(file: Path, heads: list[str], pollutant: str) -> dict[str, int]:
    at: dict[str, int] = {}
    for name, known in FILE_NAMES.items():
        found = next((one for one in known if one in heads), None)
        if found is None:
            raise FormatError(f"{file.name} line 1: no column {' or '.join(known)}; there are: {', '.join(heads)}")
        at["start" if name == "date" else name] = heads.index(found)
    if pollutant not in heads:
        raise FormatError(f"{file.name} line 1: no column {pollutant}; there are: {', '.join(heads)}")
    return at | {name: heads.index(name) for name in dict.fromkeys((pollutant, *IN_RATIOS)) if name in heads}


def _cell(file: Path, line: int, name: str, words: str, zone: ZoneInfo) -> datetime | float | None:
    if name == "start":
        try:
            return parse_instant(words.replace("/", "-"), zone)
        except InputError as problem:
            raise FormatError(f"{file.name} line {line}: {problem}") from None
    if words in MISSING:
        return None
    try:
        value = float(words)
    except ValueError:
        raise FormatError(
            f"{file.name} line {line}: {name} {words!r} is no number; leave missing cells empty"
        ) from None
    return value if np.isfinite(value) and value not in NOT_MEASURED else None
