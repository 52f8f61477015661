"""The ladder of heavy-pollution grades over hourly city AQI: which grade is due in which hour.

A window is any 24 consecutive hours, across midnight, with at least 20 hours of data. An hour lies above a threshold
when any window that holds it has a mean above it. A run of such hours meets a condition when it is long enough, counted
in whole natural days (or, where a city says so, in windows back to back). A grade with several conditions takes the run
of its lowest threshold and counts the others inside it. The higher grade wins. Two episodes whose gap is shorter than
what would lift the first are one episode, and the stricter of their grades holds for all of it. A natural day carries
the highest grade that holds through all of its hours; a run that fills no day is the grade of the day it fills most.

Sources: the schemes in `standards/warning`; merging and the higher grade: letter of the ministry of 2016-02-04 and its
slides of 2017-09-20 (single source); lifting after 36 hours: unconfirmed. The plans say "48 hours" and "2 days" as if
they were the same; that whole days count, and the grade of a day, are choices of ours (`ladder.toml`) that reproduce an
independent calculation for Zhengzhou 2019 day by day; the reference test says what the other reading changes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import CHINA, HOUR, InputError, NotCovered, Period, Status
from bihuan.standards import DECIDING, Standard, editions, lookup

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]

CODE = "heavy pollution warning"


@dataclass(frozen=True, slots=True)
class Condition:
    """AQI above a threshold for so long. [h]"""

    above: float
    hours: int


@dataclass(frozen=True, slots=True)
class Grade:
    """One step of the ladder; any one of `alternatives`, all of its conditions."""

    code: str
    order: int
    response: str
    alternatives: tuple[tuple[Condition, ...], ...]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A plan's ladder.

    Attributes
    ----------
    id, number, title_zh, title_en, clause : str
    status : Status
        Of its grades; all but ``confirmed`` print 待核.
    grades : tuple of Grade
        Lowest first.
    counting : ``days`` or ``windows``
    lift_hours : int
    lift_status : Status or ``design``
        ``design`` when the number is a setting of ours.
    leaves_out_dust : bool
        Whether the plan leaves out pollution caused by sand and dust.
    """

    id: str
    number: str
    title_zh: str
    title_en: str
    clause: str
    status: Status
    grades: tuple[Grade, ...]
    counting: Literal["days", "windows"] = "days"
    lift_hours: int = 36
    lift_status: str = "design"
    leaves_out_dust: bool = False

    def grade(self, code: str) -> Grade:
        """Return one grade.

        Raises
        ------
        NotCovered
            If the plan has no such grade.
        """
        for grade in self.grades:
            if grade.code == code:
                return grade
        known = ", ".join(grade.code for grade in self.grades)
        raise NotCovered(f"plan {self.number} has no grade {code!r}; it has: {known}")

    def order(self, code: str) -> int:
        """Return the rank of a grade, 0 for none."""
        return self.grade(code).order if code else 0

    def code(self, order: int) -> str:
        """Return the grade of a rank, empty for 0."""
        return next((grade.code for grade in self.grades if grade.order == order), "")


@dataclass(frozen=True, slots=True)
class DayGrade:
    """The grade of one natural day, by what was measured.

    Attributes
    ----------
    day : date
    grade : str
        Empty for none.
    mean : float or None
        Mean AQI of the day, None with fewer than 20 hours.
    hours : int
        Hours with data.
    """

    day: date
    grade: str
    mean: float | None
    hours: int


@cache
def ladder_settings() -> Mapping[str, Any]:
    """Return `ladder.toml`."""
    return tomllib.loads(resources.files("bihuan.alerts").joinpath("ladder.toml").read_text("utf-8"))


def scheme_on(on: date, place: str, allow: frozenset[str] = frozenset()) -> Scheme:
    """Return the ladder in force at a place on a day.

    Raises
    ------
    NotCovered
        If none is, or the one in force is unconfirmed and was not switched on.
    """
    return _scheme(lookup(CODE, on=on, place=place, allow=allow))


def scheme_named(name: str, allow_unconfirmed: bool = False) -> Scheme:
    """Return a ladder by its name (``zhengzhou-2023``), whatever the day: for what-ifs, which are labelled as such.

    Raises
    ------
    NotCovered
        If there is none of that name, or its grades are unconfirmed and `allow_unconfirmed` is not given.
    """
    ident = name.replace("-", "_")
    for edition in editions(CODE):
        if edition.id == ident:
            rows = edition.rows if allow_unconfirmed else tuple(r for r in edition.rows if r.status in DECIDING)
            if not any(row.table == "grades" for row in rows):
                raise NotCovered(
                    f"the grades of {edition.number} are {edition.status}, so they decide nothing by themselves; "
                    "switch them on to see what they would say"
                )
            return _scheme(edition.only(rows))
    known = ", ".join(edition.id.replace("_", "-") for edition in editions(CODE))
    raise NotCovered(f"no heavy-pollution plan is called {name!r}; known: {known}")


def _scheme(edition: Standard) -> Scheme:
    settings = ladder_settings()
    rows = sorted(edition.table("grades"), key=lambda row: int(row["order"]))
    if not rows:
        raise NotCovered(f"no grade of {edition.number} may decide; a setting of the city may switch on {edition.id!r}")
    grades = tuple(
        Grade(row.item, int(row["order"]), str(row["response"]), tuple(map(_conditions, row["alternatives"])))
        for row in rows
    )
    lift = next((row for row in edition.table("process") if row.item == "lift"), None)
    return Scheme(
        id=edition.id.replace("_", "-"),
        number=edition.number,
        title_zh=edition.title_zh,
        title_en=edition.title_en,
        clause=rows[0].clause,
        status=rows[0].status,
        grades=grades,
        counting=settings["counting"],
        lift_hours=int(settings["lift_hours"]) if lift is None else int(lift["hours"]),
        lift_status="design" if lift is None else lift.status,
        leaves_out_dust=any(row.item == "dust" for row in edition.table("order")),
    )


def _conditions(rows: tuple[Mapping[str, Any], ...]) -> tuple[Condition, ...]:
    return tuple(Condition(float(row["above"]), int(row["hours"])) for row in rows)


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Hourly city AQI without holes in time.

    Attributes
    ----------
    first : datetime
        Start of the first hour, UTC.
    aqi : ndarray of float64, shape (n,)
        NaN where missing.
    """

    first: datetime
    aqi: Float

    @classmethod
    def of(cls, table: pl.DataFrame, dust_days: Collection[date] = (), zone: ZoneInfo = CHINA) -> Hours:
        """Lay out a table with ``start`` (UTC) and ``aqi``; hours of dust days become missing.

        Raises
        ------
        InputError
            If the table has no hour, or one hour twice.
        """
        rows = table.select(pl.col("start"), pl.col("aqi").cast(pl.Float64)).sort("start")
        if rows.is_empty():
            raise InputError("the hourly AQI has no row: give at least one hour")
        if rows["start"].n_unique() != len(rows):
            raise InputError("the hourly AQI names an hour twice: give each hour once")
        first, last = rows["start"][0], rows["start"][-1]
        aqi = np.full((last - first) // HOUR + 1, np.nan)
        place = ((rows["start"] - first).dt.total_microseconds() // 3_600_000_000).to_numpy()
        aqi[place] = rows["aqi"].fill_null(float("nan")).to_numpy()
        hours = cls(first, aqi)
        if dust_days:
            aqi[np.isin(hours.days(zone), [day.toordinal() for day in dust_days])] = np.nan
        return hours

    def __len__(self) -> int:
        return len(self.aqi)

    def at(self, place: int) -> datetime:
        """Return the start of an hour."""
        return self.first + place * HOUR

    def period(self, start: int, end: int) -> Period:
        """Return hours `start` up to, not including, `end`."""
        return Period(self.at(start), self.at(end))

    def days(self, zone: ZoneInfo) -> Int:
        """Return the ordinal of the natural day of each hour, shape (n,)."""
        return np.array([self.at(k).astimezone(zone).date().toordinal() for k in range(len(self))], dtype=np.int64)


def window_means(aqi: Float) -> Float:
    """Return the mean of the 24 hours that end with each hour, shape (n,); NaN without 20 hours of data."""
    length, valid = int(ladder_settings()["window_hours"]), int(ladder_settings()["window_valid"])
    known = np.isfinite(aqi)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, aqi, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    means = np.full(len(aqi), np.nan)
    number = count[length:] - count[:-length]
    enough = number >= valid
    sums = total[length:] - total[:-length]
    means[length - 1 :][enough] = sums[enough] / number[enough]
    return means


def above(means: Float, threshold: float) -> Bool:
    """Return which hours lie in any window with a mean above the threshold, shape (n,)."""
    length = int(ladder_settings()["window_hours"])
    with np.errstate(invalid="ignore"):
        over = np.flatnonzero(means > threshold)
    edges = np.zeros(len(means) + 1, dtype=np.int64)
    np.add.at(edges, over - length + 1, 1)
    np.add.at(edges, over + 1, -1)
    return np.cumsum(edges[:-1]) > 0


def runs(mask: Bool) -> list[tuple[int, int]]:
    """Return start and end (exclusive) of every run of True."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(change[0::2], change[1::2], strict=True)]


def hour_orders(hours: Hours, scheme: Scheme, zone: ZoneInfo = CHINA) -> Int:
    """Return the rank of the grade due in each hour, shape (n,); 0 for none."""
    means, days = window_means(hours.aqi), hours.days(zone)
    orders = np.zeros(len(hours), dtype=np.int64)
    for grade in scheme.grades:
        for conditions in grade.alternatives:
            for start, end in _met(means, days, conditions, scheme.counting):
                orders[start:end] = np.maximum(orders[start:end], grade.order)
    return _merged(orders, scheme.lift_hours)


def _met(means: Float, days: Int, conditions: tuple[Condition, ...], counting: str) -> list[tuple[int, int]]:
    """Runs of the lowest threshold in which every condition is met."""
    lowest = min(condition.above for condition in conditions)
    count = _whole_days if counting == "days" else _windows
    return [
        run
        for run in runs(above(means, lowest))
        if all(24 * count(means, days, condition.above, run) >= condition.hours for condition in conditions)
    ]


def _whole_days(means: Float, days: Int, threshold: float, run: tuple[int, int]) -> int:
    """Natural days of a run whose every hour lies above; 1 where a window lies above but fills no day."""
    mask = above(means, threshold)[run[0] : run[1]]
    _, count = np.unique(days[run[0] : run[1]][mask], return_counts=True)
    return max(int((count == 24).sum()), int(mask.any()))


def _windows(means: Float, days: Int, threshold: float, run: tuple[int, int]) -> int:
    """Most windows back to back inside a run, all of them above."""
    del days
    length = int(ladder_settings()["window_hours"])
    with np.errstate(invalid="ignore"):
        over = means > threshold
    chain = np.zeros(len(means), dtype=np.int64)
    for end in range(run[0] + length - 1, run[1]):
        if over[end]:
            chain[end] = 1 + (chain[end - length] if end >= length else 0)
    return int(chain[run[0] : run[1]].max(initial=0))


def _merged(orders: Int, lift_hours: int) -> Int:
    """Join episodes whose gap cannot lift the first; the stricter grade holds for all of the joined one."""
    joined = orders.copy()
    spans = runs(orders > 0)
    groups: list[list[tuple[int, int]]] = []
    for span in spans:
        if groups and span[0] - groups[-1][-1][1] < lift_hours:
            groups[-1].append(span)
        else:
            groups.append([span])
    for group in groups:
        if len(group) > 1:
            start, end = group[0][0], group[-1][1]
            joined[start:end] = orders[start:end].max()
    return joined


def grade_history(
    table: pl.DataFrame,
    scheme: Scheme | str,
    allow_unconfirmed: bool = False,
    dust_days: Collection[date] = (),
    zone: ZoneInfo = CHINA,
) -> tuple[DayGrade, ...]:
    """Grade every natural day of a measured series, as if each hour had been forecast rightly.

    Parameters
    ----------
    table : DataFrame
        ``start`` (UTC) and ``aqi`` of the city, hourly. Give some days before the first one asked for: an
        episode may have begun earlier.
    scheme : Scheme or str
        A name is looked up whatever the day (`scheme_named`).
    allow_unconfirmed : bool
        Switch on unconfirmed grades of a named scheme.
    dust_days : collection of date
        Days that a person or the province called sand and dust.

    Returns
    -------
    tuple of DayGrade
        Every result carries the stamp 按实况反演,非实际发布 (``warning.replay_stamp``) wherever it is shown: nobody
        issued it.
    """
    ladder = scheme_named(scheme, allow_unconfirmed) if isinstance(scheme, str) else scheme
    hours = Hours.of(table, dust_days if ladder.leaves_out_dust else (), zone)
    raw = Hours.of(table)
    days = hours.days(zone)
    orders = _day_orders(hour_orders(hours, ladder, zone), days)
    found = []
    for ordinal, order in sorted(orders.items()):
        mine = days == ordinal
        known = raw.aqi[mine][np.isfinite(raw.aqi[mine])]
        mean = float(known.mean()) if len(known) >= int(ladder_settings()["window_valid"]) else None
        found.append(DayGrade(date.fromordinal(ordinal), ladder.code(order), mean, len(known)))
    return tuple(found)


def _day_orders(orders: Int, days: Int) -> dict[int, int]:
    """Rank of each natural day from the ranks of its hours."""
    found = {int(ordinal): 0 for ordinal in np.unique(days)}
    for order in range(1, int(orders.max(initial=0)) + 1):
        for start, end in runs(orders >= order):
            ordinals, count = np.unique(days[start:end], return_counts=True)
            whole = ordinals[count == 24]
            for ordinal in whole if len(whole) else ordinals[[np.argmax(count)]]:
                found[int(ordinal)] = order
    return found
