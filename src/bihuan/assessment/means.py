"""Means over hours, days and stations, exact to the last digit.

Concentrations are summed as whole millionths, and one division gives the mean: it is the double
nearest to the true quotient, so that a tie of rounding is a tie here too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import BASES, CHINA, NATIONAL_SIX, InputError, local_day, scaled_half_even, widened
from bihuan.standards import editions, lookup

Float = NDArray[np.float64]
Int = NDArray[np.int64]

MILLIONTHS = 1_000_000
HOUR_US = 3_600_000_000
KEYS = ("site", "start", "end")
DAY_HOURS = 25
"""Longest local day, where clocks are set back."""

FIGURES = (*NATIONAL_SIX, "o3_1h")
"""Concentration columns that a wide table may hold; `o3_1h` is the day's largest hour."""


def concentration(frame: pl.DataFrame, name: str) -> Float:
    """Return a column as doubles, NaN where missing; single precision is read as it was printed."""
    column = frame[name]
    if column.dtype == pl.Float32:
        return widened(column.to_numpy())
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def instants(frame: pl.DataFrame, name: str) -> NDArray[np.datetime64]:
    """Return a column of instants in UTC as datetime64[us].

    Raises
    ------
    InputError
        If the column is absent or carries no time zone.
    """
    if name not in frame.columns:
        raise InputError(f"the table has no column {name!r}; it needs {', '.join(KEYS)} and some of {FIGURES}")
    kind = frame.schema[name]
    if not isinstance(kind, pl.Datetime) or kind.time_zone is None:
        raise InputError(f"column {name!r} is {kind}; give instants in UTC (datetime with time zone)")
    wide = frame[name].cast(pl.Datetime("us", kind.time_zone)).dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return wide.to_numpy()


def whole(values: Float) -> tuple[Int, NDArray[np.bool_]]:
    """Return concentrations as whole millionths, 0 where missing, and where they are present."""
    present = np.isfinite(values)
    return np.rint(np.where(present, values, 0.0) * MILLIONTHS).astype(np.int64), present


def quotient(total: Int, count: Int, at_least: int = 1) -> Float:
    """Return the mean of whole millionths, NaN where fewer than `at_least` parts stand behind it."""
    enough = count >= max(at_least, 1)
    result = np.full(total.shape, np.nan)
    np.divide(total, count * MILLIONTHS, out=result, where=enough)
    return result


class Hours:
    """The rows of a table of hours, ordered by site and time whatever their order in the table.

    Raises
    ------
    InputError
        If a site has two rows for one hour.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        site = frame["site"].cast(pl.String).rank("dense").to_numpy().astype(np.int64)
        hour = instants(frame, "start").astype(np.int64) // HOUR_US
        key = (site << 32) + hour
        self.order = np.argsort(key, kind="stable")
        self.key = key[self.order]
        double = np.nonzero(np.diff(self.key) == 0)[0]
        if double.size:
            row = frame.row(int(self.order[double[0]]), named=True)
            raise InputError(f"site {row['site']!r} has two rows for the hour from {row['start']}; keep one of them")

    def trailing(self, values: Float, hours: int) -> tuple[Int, Int]:
        """Return sum [millionths] and count of the last `hours` hours up to and with each row."""
        parts, present = whole(values[self.order])
        total = np.concatenate(([0], np.cumsum(parts)))
        count = np.concatenate(([0], np.cumsum(present)))
        first = np.searchsorted(self.key, self.key - hours, side="right")
        upto = np.arange(1, len(self.key) + 1)
        sums, counts = np.empty_like(total[1:]), np.empty_like(count[1:])
        sums[self.order] = total[upto] - total[first]
        counts[self.order] = count[upto] - count[first]
        return sums, counts


def rolling_mean(hours: pl.DataFrame, window: int, *, at_least: int, codes: Sequence[str] = ()) -> pl.DataFrame:
    """Add the mean of the last `window` hours of each pollutant, and how many hours stand behind it.

    Parameters
    ----------
    hours : DataFrame
        ``site start end`` and pollutants.
    window, at_least : int
        GB 3095 asks for 6 of 8 hours and for 20 of 24.
    codes : sequence of str
        Pollutants; all of the six that the table has by default.

    Returns
    -------
    DataFrame
        With ``<code>_<window>h`` and ``count_<code>_<window>h`` added; null below `at_least`.
    """
    ordered = Hours(hours)
    added = []
    for code in codes or [code for code in NATIONAL_SIX if code in hours.columns]:
        total, count = ordered.trailing(concentration(hours, code), window)
        added += [
            pl.Series(f"{code}_{window}h", quotient(total, count, at_least)).fill_nan(None),
            pl.Series(f"count_{code}_{window}h", count.astype(np.int32)),
        ]
    return hours.with_columns(added)


def mean_24h_aqi(hourly: pl.DataFrame, *, at_least: int = 20) -> pl.DataFrame:
    """Add the mean AQI of any 24 consecutive hours, across midnight: the metric of the warning plans.

    Adds ``aqi_24h`` (null with fewer than `at_least` hours) and ``count_24h`` to the table of `hourly_aqi`.
    """
    total, count = Hours(hourly).trailing(concentration(hourly, "aqi"), 24)
    mean = pl.Series("aqi_24h", quotient(total, count, at_least)).fill_nan(None)
    return hourly.with_columns(mean, pl.Series("count_24h", count.astype(np.int32)))


def city_mean(stations: pl.DataFrame, city: str) -> pl.DataFrame:
    """Return the city's concentrations: the mean over its stations, before any index (HJ 663).

    Parameters
    ----------
    stations : DataFrame
        Hours or days of the stations that count for the city; control stations left out by the caller.
    city : str
        The ``site`` of the result, for instance ``city:410100``.

    Returns
    -------
    DataFrame
        ``site start end``, each concentration, and ``stations_<code>``, how many stations stand behind it.
    """
    codes = [code for code in FIGURES if code in stations.columns]
    parts = []
    for code in codes:
        total, present = whole(concentration(stations, code))
        parts += [pl.Series(f"sum_{code}", total), pl.Series(f"stations_{code}", present.astype(np.int32))]
    summed = stations.select("start", "end").with_columns(parts).group_by("start", "end").sum().sort("start")
    means = [
        pl.Series(
            code, quotient(summed[f"sum_{code}"].to_numpy(), summed[f"stations_{code}"].to_numpy().astype(np.int64))
        ).fill_nan(None)
        for code in codes
    ]
    counts = [pl.col(f"stations_{code}") for code in codes]
    return summed.select(pl.lit(city).alias("site"), "start", "end", *means, *counts)


def wide_hours(rows: pl.DataFrame, *, official: Collection[str] = (), stat: str = "avg") -> pl.DataFrame:
    """Turn stored roll-ups into a wide table, one row a site and period.

    Parameters
    ----------
    rows : DataFrame
        Columns of `bihuan.core.ROLLUP_SCHEMA`.
    official : collection of str
        Sites (``station:...``) whose series is official: our flags never take a value of theirs out.
    stat : str

    Returns
    -------
    DataFrame
        ``site start end`` and one column a pollutant. Where a period has several bases the one of record
        counts (device, file, minutes, hours). Suspect values stay, bad ones are left out.
    """
    rank = pl.col("basis").replace_strict({basis: place for place, basis in enumerate(BASES)}, default=len(BASES))
    usable = pl.col("quality").is_in(["good", "suspect"]) | pl.col("site").is_in(list(official))
    return (
        rows.filter((pl.col("stat") == stat) & usable & pl.col("value").is_not_null())
        .sort(rank, maintain_order=True)
        .unique(["site", "pollutant", "start"], keep="first", maintain_order=True)
        .pivot("pollutant", index=list(KEYS), values="value")
        .sort("site", "start")
    )


class _Days:
    """Hours laid out as one line of up to 25 hours for every site and local day."""

    def __init__(self, hours: pl.DataFrame, zone: ZoneInfo) -> None:
        start = pl.col("start").dt.convert_time_zone(zone.key)
        keyed = hours.select(pl.col("site").cast(pl.String), day=start.dt.date(), start="start")
        self.table = keyed.select("site", "day").unique().sort("site", "day").with_row_index("line")
        lines = keyed.join(self.table, on=["site", "day"], how="left", maintain_order="left")["line"].to_numpy()
        midnights = {day: local_day(day, zone) for day in self.table["day"].unique()}
        self.starts: list[datetime] = [midnights[day].start for day in self.table["day"]]
        self.ends: list[datetime] = [midnights[day].end for day in self.table["day"]]
        begin = np.array([int(instant.timestamp()) * MILLIONTHS for instant in self.starts], dtype=np.int64)
        position = (instants(hours, "start").astype(np.int64) - begin[lines]) // HOUR_US
        Hours(hours)  # refuses two rows for one hour
        self.where = (lines.astype(np.intp), position.astype(np.intp))
        self.shape = (self.table.height, DAY_HOURS)

    def lay(self, values: Float) -> tuple[Int, NDArray[np.bool_]]:
        """Return whole millionths and presence, shape (days, 25)."""
        parts, present = np.zeros(self.shape, np.int64), np.zeros(self.shape, bool)
        parts[self.where], present[self.where] = whole(values)
        return parts, present


@lru_cache(maxsize=4096)
def _day_rules(on: date) -> tuple[int, int, int, int, int]:
    """Hours a day needs; hours a window needs; first and last end of a window; windows a day needs."""
    limits = lookup("GB 3095", on=on)
    # HJ 663 came a year and a half after GB 3095-2012; its first edition judges the days before it, too.
    rule = lookup("HJ 663", on=max(on, editions("HJ 663")[0].effective_from)).row("mda8", "o3")
    return (
        limits.row("validity", "basic", averaging="day")["at_least"],
        limits.row("validity", "o3", averaging="8h")["at_least"],
        rule["first_end"],
        rule["last_end"],
        rule["at_least"],
    )


def mda8(hours: pl.DataFrame, *, zone: ZoneInfo = CHINA, grade: str = "grade2") -> pl.DataFrame:
    """Return the daily maximum 8-hour mean of ozone with its validity (GB 3095 3.9, HJ 663 6.1.2).

    Parameters
    ----------
    hours : DataFrame
        ``site start end o3``. [ug/m3]
    zone : ZoneInfo
        Local time of the natural day.
    grade : str
        ``grade1`` or ``grade2``: the limit a day with too few windows must exceed to count.

    Returns
    -------
    DataFrame
        ``site start end``, ``o3`` (null where not valid), ``o3_1h`` (largest hour), ``windows`` (valid ones of
        17), ``count_o3`` (hours).
    """
    days = _Days(hours, zone)
    return _keys(days).with_columns(_ozone(days, concentration(hours, "o3"), grade))


def _ozone(days: _Days, values: Float, grade: str) -> list[pl.Series]:
    parts, present = days.lay(values)
    rules = np.array([_day_rules(day) for day in days.table["day"]], dtype=np.int64).reshape(-1, 5)
    total, count = _windows(parts), _windows(present.astype(np.int64))
    ends = np.arange(8, 8 + total.shape[1])
    counted = (ends >= rules[:, 2:3]) & (ends <= rules[:, 3:4]) & (count >= rules[:, 1:2])
    means = np.where(counted, quotient(total, count), -np.inf)
    largest, windows = means.max(axis=1, initial=-np.inf), counted.sum(axis=1)
    largest[~np.isfinite(largest)] = np.nan
    limit = np.array([_limit(day, grade) for day in days.table["day"]], dtype=np.int64)
    largest[(windows < rules[:, 4]) & ~(scaled_half_even(largest) > limit)] = np.nan
    hour = np.where(present, parts, -1).max(axis=1, initial=-1)
    return [
        pl.Series("o3", largest).fill_nan(None),
        pl.Series("o3_1h", np.where(hour < 0, np.nan, hour / MILLIONTHS)).fill_nan(None),
        pl.Series("windows", windows.astype(np.int32)),
        pl.Series("count_o3", present.sum(axis=1).astype(np.int32)),
    ]


@lru_cache(maxsize=4096)
def _limit(on: date, grade: str) -> int:
    return int(lookup("GB 3095", on=on).row("limits", "o3", averaging="mda8")[grade])


def _windows(parts: Int) -> Int:
    """Sums of 8 consecutive hours of a day, by the hour at which they end (8, 9, ...)."""
    running = np.concatenate((np.zeros((len(parts), 1), np.int64), np.cumsum(parts, axis=1)), axis=1)
    return running[:, 8:] - running[:, :-8]


def _keys(days: _Days) -> pl.DataFrame:
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "site": days.table["site"],
            "start": pl.Series(days.starts, dtype=instant),
            "end": pl.Series(days.ends, dtype=instant),
        }
    )


def daily_means(hours: pl.DataFrame, *, zone: ZoneInfo = CHINA, grade: str = "grade2") -> pl.DataFrame:
    """Return natural-day means of the hours, MDA8 for ozone, with the hours that stand behind them.

    Parameters
    ----------
    hours : DataFrame
        ``site start end`` and any of the six pollutants. [ug/m3, CO mg/m3]
    zone : ZoneInfo
    grade : str
        Limit that lets an ozone day with too few windows count.

    Returns
    -------
    DataFrame
        ``site start end`` (both ends of the local day), each pollutant (null with fewer than 20 hours;
        ``o3`` is MDA8), ``o3_1h`` (largest hour), ``windows``, ``count_<code>``, and ``hours_<code>``: bit h is
        set where the hour that begins h hours after midnight is present.
    """
    days = _Days(hours, zone)
    needed = np.array([_day_rules(day)[0] for day in days.table["day"]], dtype=np.int64)
    result = _keys(days)
    for code in (code for code in NATIONAL_SIX if code in hours.columns):
        values = concentration(hours, code)
        parts, present = days.lay(values)
        if code == "o3":
            result = result.with_columns(_ozone(days, values, grade))
        else:
            count = present.sum(axis=1).astype(np.int64)
            mean = np.where(count >= needed, quotient(parts.sum(axis=1), count), np.nan)
            result = result.with_columns(
                pl.Series(code, mean).fill_nan(None), pl.Series(f"count_{code}", count.astype(np.int32))
            )
        bits = (present << np.arange(DAY_HOURS)).sum(axis=1)
        result = result.with_columns(pl.Series(f"hours_{code}", bits.astype(np.uint32)))
    return result
