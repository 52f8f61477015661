"""Columns of local time to both ends of the periods in UTC."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.devices.csv.layout import TimeColumns

_FORMATS = (
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y%m%d%H%M%S",
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S%#z",
)
"""Tried in this order; the first that reads a cell counts."""

_DAY = 86_400_000_000
_MIDNIGHT = " 24:"
"""Midnight at the end of a day, as many Chinese tables write it."""


def periods(frame: pl.DataFrame, where: TimeColumns, city: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    """Return start and end of each row in UTC; null where the time cannot be read or does not exist."""
    zone = where.zone or city.key
    if len(where.columns) == 4:
        parts = [pl.col(name).cast(pl.Int32, strict=False) for name in where.columns]
        stamp = _from_parts(frame.select(*(part.alias(str(index)) for index, part in enumerate(parts))))
    else:
        stamp = _from_one(frame[where.columns[0]], where.format, zone)
    if isinstance(stamp.dtype, pl.Datetime) and stamp.dtype.time_zone:
        instant = stamp.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    else:
        local = stamp.cast(pl.Datetime("us"))
        local = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        instant = local.dt.convert_time_zone("UTC")
    length = timedelta(hours=where.hours)
    return (instant, instant + length) if where.stamp == "start" else (instant - length, instant)


def _from_parts(parts: pl.DataFrame) -> pl.Series:
    """Year, month, day and hour; hour 24 is midnight of the next day. Parts that are no date give null."""
    year, month, day, hour = (pl.col(str(index)) for index in range(4))
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    short = pl.when(month == 2).then(pl.when(leap).then(29).otherwise(28)).otherwise(30)
    last = pl.when(month.is_in([1, 3, 5, 7, 8, 10, 12])).then(31).otherwise(short)
    real = year.is_between(1900, 2199) & month.is_between(1, 12) & (day >= 1) & (day <= last) & hour.is_between(0, 24)
    safe = [pl.when(real).then(part).otherwise(None) for part in (year, month, day)]
    moment = pl.datetime(*safe) + pl.duration(hours=pl.when(real).then(hour).otherwise(None))
    return parts.select(moment.alias("stamp"))["stamp"]


def _from_one(column: pl.Series, form: str, zone: str) -> pl.Series:
    if column.dtype.is_temporal():
        return column
    text = column.cast(pl.String).str.strip_chars()
    late = text.str.contains(_MIDNIGHT, literal=True).fill_null(False)
    text = text.str.replace(_MIDNIGHT, " 00:", literal=True)
    stamp = pl.Series(column.name, [None] * len(column), pl.Datetime("us"))
    for attempt in (form,) if form else _FORMATS:
        left = stamp.is_null() & text.is_not_null()
        if not left.any():
            break
        read = text.str.to_datetime(attempt, time_unit="us", strict=False)
        if isinstance(read.dtype, pl.Datetime) and read.dtype.time_zone:
            read = read.dt.convert_time_zone(zone).dt.replace_time_zone(None)
        stamp = stamp.zip_with(~left, read)
    return stamp + (late.cast(pl.Int64) * _DAY).cast(pl.Duration("us"))
