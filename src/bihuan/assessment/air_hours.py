"""A table of hours of air as files hold it, to the hours that can be judged and the rows that cannot.

Two forms are read: the national feed (``time city PM2.5 PM10 SO2 NO2 O3 CO``, the stamp is the end of the hour) and the
plain one (``site start [end] pm25 ...``). `air_columns.toml` lists the names; local time unless a stamp has an offset.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.judged import REFUSED_SCHEMA
from bihuan.assessment.means import concentration
from bihuan.core import NATIONAL_SIX, InputError, NotCovered, pollutant
from bihuan.observations import default_settings
from bihuan.standards import lookup

TABLE = "assessment/air_columns.toml"
INSTANT = pl.Datetime("us", "UTC")
HOUR = timedelta(hours=1)

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y-%m-%d")
_BARE_HOUR = (r"^(\d{4}-\d{1,2}-\d{1,2} \d{1,2})$", r"^(\d{10})$")
"""An hour without minutes, parted or not."""
_DAY = 86_400_000_000
_OFFSET = r"(Z|[+-]\d\d:?\d\d)$"
_UNIT = re.compile(r"[(\[\uff08\u3010]\s*([^)\]\uff09\u3011]*)\s*[)\]\uff09\u3011]")
_JOINTS = re.compile(r"[\s._\-]")


@cache
def accepted() -> Mapping[str, Any]:
    """Return the names, units and signs for no value that are read."""
    return tomllib.loads(resources.files("bihuan.assessment").joinpath("air_columns.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class AirColumns:
    """Which column of a file is what.

    Attributes
    ----------
    keys : mapping
        ``site``, and ``time`` (the end of the hour) or ``start``, or both.
    values : mapping
        Column by pollutant.
    published : str
        Column of an index that the file brings, shown beside ours; empty for none.
    """

    keys: Mapping[str, str]
    values: Mapping[str, str]
    published: str


def air_columns(columns: Sequence[str]) -> AirColumns:
    """Find the columns of a file.

    Raises
    ------
    InputError
        If site, time or every pollutant is absent, two columns are one thing, or a unit is another than that kept.
    """
    known = accepted()
    meaning = _meanings()
    found: dict[str, str] = {}
    for column in columns:
        unit = _UNIT.search(column)
        what = meaning.get(_JOINTS.sub("", _UNIT.sub("", column)).casefold())
        if what is None:
            continue
        if what in found:
            raise InputError(f"columns {found[what]!r} and {column!r} are both {what} ({TABLE}); keep one")
        if unit and what in NATIONAL_SIX:
            _same_unit(column, what, unit.group(1))
        found[what] = column
    keys = {name: found[name] for name in known["keys"] if name in found}
    values = {code: found[code] for code in NATIONAL_SIX if code in found}
    missing = [name for name in ("site",) if name not in keys]
    missing += [] if {"time", "start"} & set(keys) else ["time or start"]
    missing += [] if values else ["any of " + " ".join(NATIONAL_SIX)]
    if missing:
        raise InputError(
            f"the table has no column for {' and for '.join(missing)}; it has: {', '.join(map(str, columns))}. "
            f"{TABLE} lists the names that are read: {_names(known)}"
        )
    return AirColumns(keys, values, found.get("aqi", ""))


@cache
def _meanings() -> Mapping[str, str]:
    tables = [accepted()[part] for part in ("keys", "values", "published")]
    return {name: what for table in tables for what, names in table.items() for name in names}


def _names(known: Mapping[str, Any]) -> str:
    parts = {what: names for part in ("keys", "values") for what, names in known[part].items()}
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items())


def _same_unit(column: str, code: str, unit: str) -> None:
    wanted = pollutant(code).unit
    if unit and unit not in accepted()["units"][wanted]:
        raise InputError(
            f"column {column!r} is in {unit}; {code} is judged in {wanted} (core/pollutants.toml, table breakpoints of "
            "HJ 633): convert the column and name its unit, or leave a wrong unit out of the name"
        )


def air_hours(
    table: pl.DataFrame, *, zone: ZoneInfo, on: date | None = None, place: str = "", allow: frozenset[str] = frozenset()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the hours that can be judged, and the rows that cannot.

    Parameters
    ----------
    table : DataFrame
        As read: text or numbers.
    zone : ZoneInfo
        Of stamps without an offset, and of the day that decides the edition.
    on : date or None
        Named day whose law judges every row; left out, each row needs an edition of its own day.
    place, allow
        As in `bihuan.standards.lookup`.

    Returns
    -------
    hours : DataFrame
        ``row site start end`` (UTC), the pollutants that the table has [ug/m3, CO mg/m3], ``published``.
    refused : DataFrame
        Rows of `REFUSED_SCHEMA`.

    Raises
    ------
    InputError
        If whole columns are absent or in another unit.
    """
    columns = air_columns(table.columns)
    reading = _Reading(table)
    site = table[columns.keys["site"]].cast(pl.String).str.strip_chars()
    reading.refuse(columns.keys["site"], site.is_null() | (site == ""), "air_site_missing")
    hours = pl.DataFrame({"row": reading.rows, "site": site}).with_columns(_span(reading, columns, zone))
    for code, column in columns.values.items():
        hours = hours.with_columns(_values(reading, column, code))
    if columns.published:
        index, _ = _numbers(table[columns.published])
        hours = hours.with_columns(index.alias("published"))
    if on is None:
        stamp = columns.keys.get("start", columns.keys.get("time", ""))
        reading.refuse(stamp, _uncovered(hours["start"], zone, place, allow), "air_outside_editions")
    kept = hours.filter(~reading.wrong)
    repeated = ~kept.select(pl.struct("site", "start").is_last_distinct()).to_series()
    doubles = pl.Series(reading.rows.is_in(kept["row"].filter(repeated).implode()))
    reading.refuse(columns.keys["site"], doubles, "air_repeated")
    return kept.filter(~repeated), reading.refused()


class _Reading:
    """The rows of one table, and what is wrong with them."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table
        self.rows = pl.Series("row", range(1, table.height + 1), dtype=pl.Int64)
        self.wrong = pl.repeat(False, table.height, dtype=pl.Boolean, eager=True)
        self._parts: list[pl.DataFrame] = []

    def refuse(self, column: str, where: pl.Series, reason: str) -> None:
        """Note the rows where something is wrong with a cell."""
        where = where.fill_null(False)
        if not where.any():
            return
        self.wrong = self.wrong | where
        cells = self.table[column].cast(pl.String).filter(where).fill_null("")
        part = pl.DataFrame({"row": self.rows.filter(where), "value": cells})
        self._parts.append(
            part.with_columns(column=pl.lit(column), reason=pl.lit(reason)).select(REFUSED_SCHEMA.names())
        )

    def refused(self) -> pl.DataFrame:
        """Return everything noted, by row."""
        empty = pl.DataFrame(schema=REFUSED_SCHEMA)
        return pl.concat([empty, *self._parts]).sort("row", maintain_order=True)


def _span(reading: _Reading, columns: AirColumns, zone: ZoneInfo) -> list[pl.Series]:
    """Both ends of the hours in UTC; a stamp alone is one end, and the other an hour away."""
    ends: dict[str, pl.Series] = {}
    for key in ("start", "time"):
        if key in columns.keys:
            column = columns.keys[key]
            stamps = _stamps(reading.table[column], zone)
            blank = _blank(reading.table[column])
            reading.refuse(column, blank, "air_time_missing")
            reading.refuse(column, stamps.is_null() & ~blank, "air_time_unreadable")
            local = stamps.dt.convert_time_zone(zone.key)
            reading.refuse(column, (local.dt.minute() != 0) | (local.dt.second() != 0), "air_not_an_hour")
            ends[key] = stamps
    start = ends["start"] if "start" in ends else ends["time"] - HOUR
    end = ends["time"] if "time" in ends else start + HOUR
    if len(ends) == 2:
        reading.refuse(columns.keys["time"], (end - start) != HOUR, "air_not_an_hour")
    return [start.alias("start"), end.alias("end")]


def _blank(column: pl.Series) -> pl.Series:
    if column.dtype != pl.String:
        return column.is_null()
    return column.is_null() | column.str.strip_chars().is_in(accepted()["missing"]["texts"])


def _stamps(column: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Instants of a column of local time or of text; null where it cannot be read or does not exist."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return column.dt.convert_time_zone("UTC").cast(INSTANT)
    if kind in (pl.Datetime, pl.Date):
        return _placed(column.cast(pl.Datetime("us")), zone)
    text = (
        column.cast(pl.String)
        .str.strip_chars()
        .str.replace_all("/", "-", literal=True)
        .str.replace(r"(\d)T(\d)", "${1} ${2}")
    )
    offset = text.str.contains(r":.*" + _OFFSET).fill_null(False)
    late = text.str.contains(" 24:", literal=True).fill_null(False)
    plain_text = text.set(offset, None).str.replace(" 24:", " 00:", literal=True)
    stamp = pl.Series(column.name, [None] * len(column), pl.Datetime("us"))
    for form in _FORMATS:
        left = stamp.is_null() & plain_text.is_not_null()
        if not left.any():
            break
        stamp = stamp.zip_with(~left, plain_text.str.to_datetime(form, time_unit="us", strict=False))
    placed = _placed(stamp, zone) + (late.cast(pl.Int64) * _DAY).cast(pl.Duration("us"))
    if offset.any():
        told = text.set(~offset, None).str.replace(r"Z$", "+00:00")
        for form in ("%Y-%m-%d %H:%M:%S%:z", "%Y-%m-%d %H:%M%:z", "%Y-%m-%d %H:%M:%S%z"):
            read = told.str.to_datetime(form, time_unit="us", strict=False).dt.convert_time_zone("UTC")
            placed = placed.zip_with(read.is_null(), read)
    return placed


def _placed(local: pl.Series, zone: ZoneInfo) -> pl.Series:
    there = local.dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
    return there.dt.convert_time_zone("UTC").cast(INSTANT)


def _numbers(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return a column as doubles that print as the file did, and where a cell is no number."""
    if column.dtype.is_numeric():
        values = pl.Series(concentration(column.to_frame("x"), "x")).fill_nan(None)
        return values, values.is_infinite().fill_null(False)
    text = column.cast(pl.String).str.strip_chars()
    text = text.set(text.is_in(accepted()["missing"]["texts"]), None)
    values = text.cast(pl.Float64, strict=False)
    broken = text.is_not_null() & ~values.is_finite().fill_null(False)
    return values.set(broken, None), broken


def _values(reading: _Reading, column: str, code: str) -> pl.Series:
    """Concentrations of one pollutant; what no instrument can have measured is refused, not read as missing."""
    values, broken = _numbers(reading.table[column])
    reading.refuse(column, broken, "air_no_number")
    values = values.set(values.is_in(accepted()["missing"]["values"]).fill_null(False), None)
    largest = default_settings()["range"]["station"][code]["possible"][1]
    reading.refuse(column, values < 0, "air_negative")
    reading.refuse(column, values > largest, "air_impossible")
    return values.alias(code)


def _uncovered(start: pl.Series, zone: ZoneInfo, place: str, allow: frozenset[str]) -> pl.Series:
    """Where no edition of HJ 633 is in force on the day of the hour."""
    days = start.dt.convert_time_zone(zone.key).dt.date()
    without = [day for day in days.drop_nulls().unique() if not _covered(day, place, allow)]
    return days.is_in(without)


@cache
def _covered(day: date, place: str, allow: frozenset[str]) -> bool:
    try:
        lookup("HJ 633", on=day, place=place, allow=allow)
    except NotCovered:
        return False
    return True
