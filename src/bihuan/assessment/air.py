"""Hours of air from a file: judged in bulk, with the rows that could not be, each under the edition of its day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.air_hours import air_hours
from bihuan.assessment.aqi import HourlyMethod, hourly_aqi
from bihuan.assessment.index import CODE, index_law
from bihuan.assessment.judged import Judged
from bihuan.assessment.means import rolling_mean
from bihuan.core import CHINA, NATIONAL_SIX
from bihuan.standards import editions, lookup

AIR_OUT = ("site", "start", "end", "aqi", "level", "primary", "edition", "method", "reason")
"""Columns of an hour's verdict as programs take it over."""


def judge_air(
    table: pl.DataFrame,
    *,
    on: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
    zone: ZoneInfo = CHINA,
    method: HourlyMethod = "hour_1h",
    not_monitored: Collection[str] = (),
) -> Judged:
    """Judge a table of hours by HJ 633.

    Parameters
    ----------
    table : DataFrame
        ``time city PM2.5 PM10 SO2 NO2 O3 CO`` as the national feed writes it (the stamp is the end of the hour), or
        ``site start [end] pm25 pm10 so2 no2 o3 co``; `air_columns.toml` lists every name. Stamps without an offset are
        local time. [ug/m3, CO mg/m3]
    on : date or None
        Judge every row by the law of this day; left out, by that of its own.
    place : str
        Administrative code.
    allow : frozenset of str
        Rows that a city has switched on, as in `bihuan.standards.lookup`.
    zone : ZoneInfo
    method : {"hour_1h", "report_2012"}
    not_monitored : collection of str
        Pollutants never measured here and never primary in three years: shown as ``/``, not as missing.

    Returns
    -------
    Judged
        ``verdicts``: ``row site start end aqi level label primary edition clause status method reason``, the six
        concentrations and ``iaqi_<code>``; rolling means where the method needs them, and ``published`` where the
        file brings an index of its own. ``level`` is 1 to 6; it and ``aqi`` are null where nothing may be published.

    Raises
    ------
    InputError
        If whole columns are absent or in another unit; the message lists the accepted names.
    NotCovered
        If no edition is in force on `on`, or the edition of a row has no such method.
    """
    if on is not None:
        lookup(CODE, on=on, place=place, allow=allow)
    hours, refused = air_hours(table, zone=zone, on=on, place=place, allow=allow)
    judged = hourly_aqi(hours, method=method, zone=zone, law=on, place=place, allow=allow, not_monitored=not_monitored)
    if method == "report_2012":
        judged = _with_means(judged)
    return Judged(_verdicts(judged, method), refused)


def _with_means(judged: pl.DataFrame) -> pl.DataFrame:
    """Add the rolling means that the report of nine items was judged by, so that they can be shown."""
    for window, enough, codes in ((24, 20, ("pm10", "pm25")), (8, 6, ("o3",))):
        present = [code for code in codes if code in judged.columns]
        if present:
            judged = rolling_mean(judged, window, at_least=enough, codes=present)
    return judged.drop(pl.selectors.starts_with("count_"))


def _verdicts(judged: pl.DataFrame, method: str) -> pl.DataFrame:
    """Name the columns as every medium does, and add level and clause."""
    used = [edition for edition in editions(CODE) if edition.number in set(judged["standard"].unique())]
    laws = [index_law(edition.effective_from) for edition in used]
    clauses = {law.standard.number: law.clause("hourly", method) for law in laws}
    numbers = {label: number for law in laws for label, number in law.numbers.items()}
    found = judged.with_columns(
        pl.col("label").replace_strict(numbers, default=None, return_dtype=pl.Int8).alias("level"),
        pl.col("standard").replace_strict(clauses, default="", return_dtype=pl.String).alias("clause"),
        pl.col("standard").alias("edition"),
        pl.lit(method).alias("method"),
    )
    first = ["row", "site", "start", "end", "aqi", "level", "label", "primary"]
    first += ["edition", "clause", "status", "method", "reason"]
    values = [name for code in NATIONAL_SIX for name in (code, f"{code}_8h", f"{code}_24h") if name in found.columns]
    rest = [*values, *(f"iaqi_{code}" for code in NATIONAL_SIX)]
    return found.select(*first, *rest, *(["published"] if "published" in found.columns else []))
