"""Sub-indices by look-up: every whole (or tenth) concentration has its exact IAQI before any data comes.

HJ 633 rounds the concentration half to even, interpolates, and rounds up. A table made once with
fractions holds the result of each rounded concentration, so no float is ever rounded up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from fractions import Fraction
from functools import lru_cache
from math import ceil
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bihuan.core import NotCovered, Status, scaled_half_even
from bihuan.standards import Row, Standard, editions, lookup

CODE = "HJ 633"
MISSING = -1
ELSEWHERE = -2
"""Marks a concentration for which the law looks at another averaging time (SO2 1 h, O3 8 h above 800 in 2012)."""

Index = NDArray[np.int16]
_SURE: tuple[Status, ...] = ("confirmed", "single_source", "unconfirmed", "conflicting")


def least_sure(*statuses: Status) -> Status:
    """Return the status of a result that rests on several rows: the least sure of them."""
    return max(statuses, key=_SURE.index)


@dataclass(frozen=True, slots=True, eq=False)
class SubIndex:
    """Exact IAQI of one item and averaging time.

    Attributes
    ----------
    decimals : int
        Places to which the concentration is rounded first.
    table : ndarray of int16
        IAQI by scaled concentration; the last but one entry stands for all above, the last for missing.
    instead : str
        Averaging time that decides where the entry is `ELSEWHERE`, else empty.
    """

    decimals: int
    table: Index
    instead: str

    def of(self, values: NDArray[np.float64]) -> Index:
        """Return the IAQI of concentrations [ug/m3, CO mg/m3], `MISSING` where there is none."""
        scaled = scaled_half_even(values, self.decimals)
        return self.table[np.clip(scaled, MISSING, len(self.table) - 2)]


@dataclass(frozen=True, slots=True)
class Figure:
    """One item of a report: which mean of which pollutant is read off which table.

    Attributes
    ----------
    item : str
        Pollutant.
    averaging : str
        Mean that is judged: ``1h 8h 24h``.
    table : str
        Averaging time of the table it is judged by; 1-h particles are read off the 24-h table.
    """

    item: str
    averaging: str
    table: str


@dataclass(frozen=True, slots=True, eq=False)
class IndexLaw:
    """One edition of HJ 633, ready for arrays.

    Attributes
    ----------
    standard : Standard
    sub_indices : dict of (str, str) to SubIndex
        By item and averaging time of the table.
    publish_above : int
        With an item missing, the index is published only above this.
    primary_above : int
        A primary pollutant is named only above this.
    labels : tuple of str
        Code of the level by index 0 .. 500.
    numbers : mapping of str to int
        Number of the level (1 to 6) by its code.
    """

    standard: Standard
    sub_indices: dict[tuple[str, str], SubIndex]
    publish_above: int
    primary_above: int
    labels: tuple[str, ...]
    numbers: Mapping[str, int]

    def figures(self, report: str, method: str) -> tuple[tuple[Figure, ...], Status]:
        """Return what a report (``hourly``, ``daily``) is made of, and how sure that is.

        Raises
        ------
        NotCovered
            If the edition has no such method.
        """
        rows = {row.item: row for row in self.standard.table(report)}
        if method not in rows:
            raise NotCovered(
                f"{self.standard.number} has no {report} method {method!r} on these days; it has: {', '.join(rows)}"
            )
        figures = tuple(_figure(words) for words in rows[method]["items"])
        tables = (self.standard.row("breakpoints", one.item, averaging=one.table).status for one in figures)
        return figures, least_sure(rows[method].status, *tables)

    def clause(self, report: str, method: str) -> str:
        """Return the places in the edition by which a report is judged: its table of breakpoints, and its items."""
        table = self.standard.table("breakpoints")[0].clause
        return f"{table}; {self.standard.row(report, method).clause}"

    @property
    def status_incomplete(self) -> Status:
        """How sure the rule for missing items is."""
        return self.standard.row("missing", "aqi").status


def _figure(words: str) -> Figure:
    item, averaging, *table = words.split()
    return Figure(item, averaging, table[0] if table else averaging)


@lru_cache(maxsize=64)
def index_law(on: date, place: str = "", allow: frozenset[str] = frozenset()) -> IndexLaw:
    """Return the law of the air quality index in force on a day, with what a city has switched on (`lookup`).

    Raises
    ------
    NotCovered
        If no edition of HJ 633 is in force on that day.
    """
    standard = lookup(CODE, on=on, place=place, allow=allow)
    levels = standard.table("levels")
    return IndexLaw(
        standard=standard,
        sub_indices={(row.item, row["averaging"]): _sub_index(standard, row) for row in standard.table("breakpoints")},
        publish_above=standard.row("missing", "aqi")["publish_above"],
        primary_above=standard.row("primary", "aqi")["above"],
        labels=tuple(row.item for row in levels for _ in range(row["aqi_from"], row["aqi_to"] + 1)),
        numbers={row.item: row["number"] for row in levels},
    )


def _sub_index(standard: Standard, row: Row) -> SubIndex:
    decimals = int(standard.rounding.get(row.item, standard.rounding["default"]))
    points = [int(value * 10**decimals) for value in row["concentration"]]
    indices = [int(value) for value in row["iaqi"]]
    table = [_exact(step, points, indices) for step in range(points[-1] + 1)]
    above, instead = indices[-1], ""
    for over in standard.table("over_top"):
        if (over.item, over["averaging"]) == (row.item, row["averaging"]):
            instead = over.fields.get("instead", "")
            above = ELSEWHERE if instead else int(over["iaqi"])
    return SubIndex(decimals, np.array([*table, above, MISSING], dtype=np.int16), instead)


def _exact(concentration: int, points: list[int], indices: list[int]) -> int:
    """IAQI of a scaled concentration by the formula of HJ 633 (4.2), rounded up, in fractions."""
    upper = next(place for place, point in enumerate(points) if concentration <= point and place > 0)
    low, high = points[upper - 1], points[upper]
    slope = Fraction(indices[upper] - indices[upper - 1], high - low)
    return ceil(slope * (concentration - low) + indices[upper - 1])


def by_law(
    start: NDArray[np.datetime64],
    zone: ZoneInfo,
    law: date | None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
) -> Iterator[tuple[IndexLaw, NDArray[np.intp] | slice]]:
    """Yield each law that judges some of the rows, with those rows; `law` makes one day's law judge all."""
    if law is not None or not start.size:
        yield index_law(law or date.max, place, allow), slice(None)
        return
    days = sorted({row.effective_from for edition in editions(CODE) for row in edition.rows})
    cuts = np.array([_midnight(day, zone) for day in days])
    part = np.searchsorted(cuts, start, side="right")
    kinds = np.unique(part)
    if kinds[0] == 0:
        first = start.min().astype("datetime64[D]").item()
        lookup(CODE, on=min(first, date.fromordinal(days[0].toordinal() - 1)), place=place)
    for kind in kinds:
        rows = slice(None) if kinds.size == 1 else np.nonzero(part == kind)[0]
        yield index_law(days[kind - 1], place, allow), rows


def _midnight(day: date, zone: ZoneInfo) -> np.datetime64:
    instant = datetime.combine(day, time(), zone)
    return np.datetime64(int(instant.timestamp() * 1_000_000), "us")
