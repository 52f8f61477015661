"""The air quality index of hours and days, under the law of the day or under a named day's law.

Two hourly methods: ``hour_1h`` reads the 1-h particles off the 24-h table, as the national feed does
and HJ 633-2026 says; ``report_2012`` is the report of nine items of HJ 633-2012 (particles as 24-h
rolling means, ozone also as 8-h mean).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.index import ELSEWHERE, MISSING, Figure, Index, IndexLaw, by_law, least_sure
from bihuan.assessment.means import Hours, concentration, instants, quotient
from bihuan.core import CHINA, NATIONAL_SIX, Status

HourlyMethod = Literal["hour_1h", "report_2012"]

_REASONS = ("", "items_missing", "items_missing_not_published", "no_items")
_NONE, _INCOMPLETE, _HELD_BACK, _NOTHING = range(4)

BOTH_KEYS = ("site", "start", "end", "item", "figure")
"""What makes a row of a verdict the same row under another law, as far as the table has it."""

Reader = Callable[[Figure, str], NDArray[np.float64] | None]
"""Gives the concentrations of a figure, the averaging time wanted; None where the table has none."""


def hourly_aqi(
    wide: pl.DataFrame,
    *,
    method: HourlyMethod = "hour_1h",
    zone: ZoneInfo = CHINA,
    law: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
    not_monitored: Collection[str] = (),
) -> pl.DataFrame:
    """Add the air quality index to a table of hours (HJ 633-2012, HJ 633-2026).

    Parameters
    ----------
    wide : DataFrame
        ``site start end`` (UTC) and any of the six pollutants, null where missing. [ug/m3, CO mg/m3]
    method : {"hour_1h", "report_2012"}
    zone : ZoneInfo
        Local time that tells on which day, and so under which edition, an hour falls.
    law : date or None
        Judge every row by the law of this day instead: what the same air would be under today's law.
    place : str
        Administrative code, where a place has an edition of its own.
    allow : frozenset of str
        Rows that a city has switched on, as in `bihuan.standards.lookup`.
    not_monitored : collection of str
        Pollutants never measured here and never primary in three years: shown as ``/``, not as missing.

    Returns
    -------
    DataFrame
        The table with ``iaqi_<code>``, ``aqi`` (null where there is none or it must not be published),
        ``primary`` (joined by ``;``), ``label``, ``standard``, ``status`` and ``reason`` added.

    Raises
    ------
    NotCovered
        If an hour lies before the first edition, or the edition of a row has no such method.
    InputError
        If the table has no instants in UTC, or two rows for one hour where rolling means are needed.
    """
    law_of = _LawOf(zone, law, place, allow)
    return _judge(wide, ("hourly", method), _hour_reader(wide), law_of, not_monitored)


def daily_aqi(
    days: pl.DataFrame, *, zone: ZoneInfo = CHINA, law: date | None = None, not_monitored: Collection[str] = ()
) -> pl.DataFrame:
    """Add the air quality index to a table of days as `daily_means` or `city_mean` makes it.

    Parameters and columns are those of `hourly_aqi`; ``o3`` is MDA8, and under HJ 633-2012 the largest
    hour ``o3_1h`` counts too.
    """

    def read(figure: Figure, averaging: str) -> NDArray[np.float64] | None:
        name = "o3_1h" if (figure.item, averaging) == ("o3", "1h") else figure.item
        return concentration(days, name) if name in days.columns else None

    return _judge(days, ("daily", "day"), read, _LawOf(zone, law), not_monitored)


def _hour_reader(wide: pl.DataFrame) -> Reader:
    ordered: list[Hours] = []

    def read(figure: Figure, averaging: str) -> NDArray[np.float64] | None:
        if figure.item not in wide.columns:
            return None
        values = concentration(wide, figure.item)
        if averaging == "1h":
            return values
        if not ordered:
            ordered.append(Hours(wide))
        hours = int(averaging.removesuffix("h"))
        return quotient(*ordered[0].trailing(values, hours), at_least={8: 6, 24: 20}[hours])

    return read


class _LawOf(NamedTuple):
    """What decides by which edition a row is judged: as the arguments of `hourly_aqi`."""

    zone: ZoneInfo
    law: date | None
    place: str = ""
    allow: frozenset[str] = frozenset()


def _judge(
    frame: pl.DataFrame, report: tuple[str, str], read: Reader, law_of: _LawOf, not_monitored: Collection[str]
) -> pl.DataFrame:
    start = instants(frame, "start")
    verdict = _Columns(len(start))
    for index_law, rows in by_law(start, *law_of):
        figures, status = index_law.figures(*report)
        sub_indices = _sub_indices(index_law, figures, read, rows)
        verdict.fill(rows, index_law, sub_indices, status, not_monitored)
    return frame.with_columns(verdict.series())


def _sub_indices(
    law: IndexLaw, figures: tuple[Figure, ...], read: Reader, rows: NDArray[np.intp] | slice
) -> dict[str, Index]:
    """IAQI by pollutant; of two averaging times of one pollutant the larger counts."""
    found: dict[str, Index] = {}
    for figure in figures:
        values = read(figure, figure.averaging)
        if values is None:
            continue
        table = law.sub_indices[figure.item, figure.table]
        index = table.of(values[rows])
        elsewhere = index == ELSEWHERE
        if elsewhere.any():
            other = Figure(figure.item, table.instead, table.instead)
            index = np.where(elsewhere, MISSING, index) if other in figures else index.copy()
            if other not in figures:
                instead = read(other, table.instead)
                assert instead is not None
                index[elsewhere] = law.sub_indices[figure.item, table.instead].of(instead[rows][elsewhere])
        found[figure.item] = np.maximum(found[figure.item], index) if figure.item in found else index
    return found


class _Columns:
    """The columns that a verdict adds, filled law by law."""

    def __init__(self, rows: int) -> None:
        self.iaqi = {code: np.full(rows, MISSING, np.int16) for code in NATIONAL_SIX}
        self.aqi = np.full(rows, MISSING, np.int16)
        self.primary = np.zeros(rows, np.uint8)
        self.label = np.zeros(rows, np.uint8)
        self.rule = np.zeros(rows, np.uint8)
        self.reason = np.zeros(rows, np.uint8)
        self.labels: list[str] = [""]
        self.rules: list[tuple[str, Status]] = []

    def fill(
        self,
        rows: NDArray[np.intp] | slice,
        law: IndexLaw,
        found: dict[str, Index],
        status: Status,
        not_monitored: Collection[str],
    ) -> None:
        """Judge some rows by one law."""
        aqi = np.full(len(self.aqi[rows]), MISSING, np.int16)
        for code, index in found.items():
            self.iaqi[code][rows] = index
            np.maximum(aqi, index, out=aqi)
        missing = np.zeros(len(aqi), bool)
        for code in set(NATIONAL_SIX) - set(not_monitored):
            missing |= found[code] == MISSING if code in found else True
        held_back = missing & (aqi <= law.publish_above) & (aqi != MISSING)
        reason = np.where(missing, _INCOMPLETE, _NONE)
        reason[held_back] = _HELD_BACK
        reason[aqi == MISSING] = _NOTHING
        self.reason[rows] = reason
        self.primary[rows] = self._primary(found, aqi, law, held_back)
        aqi[held_back] = MISSING
        self.aqi[rows] = aqi
        self.label[rows] = self._levels(law)[aqi]
        self.rule[rows] = np.where(missing, self._rule(law, status, law.status_incomplete), self._rule(law, status))

    @staticmethod
    def _primary(found: dict[str, Index], aqi: Index, law: IndexLaw, held_back: NDArray[np.bool_]) -> NDArray[np.uint8]:
        named = (aqi > law.primary_above) & ~held_back
        bits = np.zeros(len(aqi), np.uint8)
        for place, code in enumerate(NATIONAL_SIX):
            if code in found:
                bits |= ((found[code] == aqi) & named).astype(np.uint8) << np.uint8(place)
        return bits

    def _levels(self, law: IndexLaw) -> NDArray[np.uint8]:
        """Place of the label in `labels` by index; the last entry is that of no index."""
        for label in law.labels:
            if label not in self.labels:
                self.labels.append(label)
        return np.array([*(self.labels.index(label) for label in law.labels), 0], dtype=np.uint8)

    def _rule(self, law: IndexLaw, *statuses: Status) -> int:
        rule = (law.standard.number, least_sure(*statuses))
        if rule not in self.rules:
            self.rules.append(rule)
        return self.rules.index(rule)

    def series(self) -> list[pl.Series]:
        """Return the columns."""
        rules = self.rules or [("", "confirmed")]
        ties = [";".join(code for place, code in enumerate(NATIONAL_SIX) if bits >> place & 1) for bits in range(64)]
        return [
            *(_index(f"iaqi_{code}", values) for code, values in self.iaqi.items()),
            _index("aqi", self.aqi),
            _words("primary", ties, self.primary),
            _words("label", self.labels, self.label),
            _words("standard", [number for number, _ in rules], self.rule),
            _words("status", [status for _, status in rules], self.rule),
            _words("reason", list(_REASONS), self.reason),
        ]


def _index(name: str, values: Index) -> pl.Series:
    return pl.Series(name, values).replace(MISSING, None)


def _words(name: str, words: list[str], places: NDArray[np.uint8]) -> pl.Series:
    return pl.Series(name, words, dtype=pl.String).gather(pl.Series(places.astype(np.uint32)))


def both_laws(
    frame: pl.DataFrame, today: date, judge: Callable[..., pl.DataFrame] = daily_aqi, **settings: object
) -> pl.DataFrame:
    """Judge a table under the law of its own days and, beside it, under the law of today.

    Parameters
    ----------
    frame : DataFrame
    today : date
    judge : callable
        `hourly_aqi`, `daily_aqi`, `day_counts`, `composite_index`, or another that takes ``law``.
    **settings
        Passed on to `judge`.

    Returns
    -------
    DataFrame
        The verdict of then, with every column that the verdict added once more as ``<name>_today``.
    """
    then = judge(frame, **settings)
    now = judge(frame, law=today, **settings)
    keys = [name for name in BOTH_KEYS if name in then.columns]
    kept = frame.columns if set(frame.columns) <= set(then.columns) else keys
    added = [pl.col(name).alias(f"{name}_today") for name in now.columns if name not in kept]
    return then.join(now.select(*keys, *added), on=keys, how="left", maintain_order="left")
