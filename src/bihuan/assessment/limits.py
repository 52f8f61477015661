"""Concentrations against the limits of GB 3095, both classes of area, under the edition and step of each day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.means import KEYS, concentration, instants
from bihuan.core import CHINA, InputError, exact, scaled_half_even
from bihuan.standards import Row, Standard, editions, lookup

CODE = "GB 3095"
Averaging = Literal["hour", "day", "month", "quarter", "year"]
OZONE_OF_DAY = "mda8"


def limit_grades(
    table: pl.DataFrame,
    *,
    averaging: Averaging,
    zone: ZoneInfo = CHINA,
    law: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
) -> pl.DataFrame:
    """Compare every concentration with both limits of its item.

    Parameters
    ----------
    table : DataFrame
        ``site start end`` (UTC) and pollutants of GB 3095; of a day ``o3`` is MDA8. [ug/m3, CO mg/m3]
    averaging : {"hour", "day", "month", "quarter", "year"}
        What the concentrations are means of; items without a limit for it are left out.
    zone : ZoneInfo
        Of the day that decides the edition; of a longer period its last day decides.
    law : date or None
        Judge every row by the law of this day instead.
    place, allow
        As in `bihuan.standards.lookup`.

    Returns
    -------
    DataFrame
        One row a site, period and item: ``site start end item averaging value limit1 limit2 grade multiple edition
        clause status``. ``value`` is rounded half to even to the digits of the limit (CO one decimal). ``grade`` is
        1, 2, or 3 for above the second limit, and ``multiple`` is how far above it (value / limit - 1), to two
        decimals. A missing concentration has no grade.

    Raises
    ------
    NotCovered
        If a row lies before the first edition.
    InputError
        If no column of the table has a limit for this averaging time.
    """
    start = instants(table, "start")
    days = _days(table, averaging, zone) if law is None else np.full(len(start), np.datetime64(law))
    parts = []
    for rows, standard in _laws(days, place, allow):
        parts += [_compared(table[rows], standard, row) for row in _limits(standard, averaging, table.columns)]
    if not parts:
        raise InputError(
            f"no column of {', '.join(table.columns)} has a limit of {CODE} for a mean of one {averaging}; see "
            "standards/air/gb_3095_2026.toml, table limits"
        )
    return pl.concat(parts).sort("site", "start", "item", maintain_order=True)


def _days(table: pl.DataFrame, averaging: Averaging, zone: ZoneInfo) -> NDArray[np.datetime64]:
    """The local day that decides: that of the start of an hour or a day, the last of a longer period."""
    column = pl.col("start") if averaging in ("hour", "day") else pl.col("end") - pl.duration(seconds=1)
    found: NDArray[np.datetime64] = table.select(column.dt.convert_time_zone(zone.key).dt.date()).to_series().to_numpy()
    return found


def _laws(
    days: NDArray[np.datetime64], place: str, allow: frozenset[str]
) -> Iterator[tuple[NDArray[np.uint32], Standard]]:
    """Rows by the edition, and step of it, that holds on their day."""
    steps = sorted({np.datetime64(row.effective_from) for edition in editions(CODE) for row in edition.rows})
    part = np.searchsorted(np.array(steps), days, side="right")
    for number in np.unique(part):
        rows = np.nonzero(part == number)[0].astype(np.uint32)
        first: date = days[rows].min().astype("datetime64[D]").item()
        yield rows, lookup(CODE, on=first, place=place, allow=allow)


def _limits(standard: Standard, averaging: Averaging, columns: list[str]) -> Iterator[Row]:
    for row in standard.table("limits"):
        ozone = row.item == "o3" and averaging == "day"
        if row.item in columns and row["averaging"] == (OZONE_OF_DAY if ozone else averaging):
            yield row


def _compared(part: pl.DataFrame, standard: Standard, row: Row) -> pl.DataFrame:
    """Both limits against one item: whole numbers of the last digit, so that equal is equal."""
    places = max(_places(row["grade1"]), _places(row["grade2"]), 1 if row.item == "co" else 0)
    low, high = (int(Fraction(row[name]) * 10**places) for name in ("grade1", "grade2"))
    scaled = scaled_half_even(concentration(part, row.item), places)
    missing = scaled < 0
    grade = np.where(scaled <= low, 1, np.where(scaled <= high, 2, 3))
    over = np.where(missing | (scaled <= high), 0, scaled - high)
    multiple = scaled_half_even(over / high, 2) / 100
    return part.select(*KEYS).with_columns(
        item=pl.lit(row.item),
        averaging=pl.lit(row["averaging"]),
        value=pl.Series(np.where(missing, np.nan, scaled / 10**places)).fill_nan(None),
        limit1=pl.lit(float(row["grade1"])),
        limit2=pl.lit(float(row["grade2"])),
        grade=pl.Series(grade.astype(np.int8)).set(pl.Series(missing), None),
        multiple=pl.Series(np.where(missing | (over == 0), np.nan, multiple)).fill_nan(None),
        edition=pl.lit(standard.number),
        clause=pl.lit(row.clause),
        status=pl.lit(row.status),
    )


def _places(limit: object) -> int:
    """Decimals of a limit as it is printed."""
    return max(0, -int(exact(limit).as_tuple().exponent))  # type: ignore[arg-type]
