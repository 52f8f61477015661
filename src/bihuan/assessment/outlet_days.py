"""Hours of outlets into days and months: what is a valid day, a valid month, and how many hours kept the limit."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.outlet_limits import HeldTo, standard_code, whole_edition
from bihuan.assessment.outlet_rows import Finding, Measured, judge, monitoring_law
from bihuan.core import CHINA, InputError, NotCovered, Period, local_date, local_day
from bihuan.standards import Standard


@dataclass(frozen=True, slots=True)
class OutletDay:
    """One day of an outlet, made of its hours.

    Attributes
    ----------
    row : int
        First of the rows it came from.
    site : str
    pairs : tuple of (Measured, HeldTo)
        For each limit the mean of the valid hours, each folded before, and how many there were; with the limit, at
        which nothing is left to fold.
    law_day : date
    """

    row: int
    site: str
    pairs: tuple[tuple[Measured, HeldTo], ...]
    law_day: date


class DayMeans:
    """Collects hours into days of local time; an hour that is no evidence or has no value stays out of the mean."""

    def __init__(self, zone: ZoneInfo, allow: frozenset[str] = frozenset()) -> None:
        self._zone, self._allow = zone, allow
        self._days: dict[tuple[str, str, date], list[tuple[int, Measured, tuple[HeldTo, ...], date]]] = {}

    def add(self, row: int, site: str, measured: Measured, limits: Sequence[HeldTo], law_day: date) -> None:
        """Take one hour, under limits of the day."""
        day = law_day if measured.start is None else local_date(measured.start, self._zone)
        key = (site, measured.pollutant, day)
        self._days.setdefault(key, []).append((row, measured, tuple(limits), law_day))

    def __iter__(self) -> Iterator[OutletDay]:
        for (site, item, day), hours in self._days.items():
            row, _, limits, law_day = hours[0]
            span = local_day(day, self._zone)
            pairs = tuple(
                (
                    day_mean(item, span, [(one, law) for _, one, _, law in hours], held, self._allow),
                    replace(held, o2_reference=None),
                )
                for held in limits
            )
            yield OutletDay(row, site, pairs, law_day)


def day_mean(
    item: str,
    span: Period,
    hours: Sequence[tuple[Measured, date]],
    held: HeldTo,
    allow: frozenset[str] = frozenset(),
) -> Measured:
    """Return the mean of the valid hours of a day, each folded to the reference oxygen of its limit.

    Parameters
    ----------
    item : str
    span : Period
        The local day.
    hours : sequence of (Measured, date)
        Each with the day whose law holds for it.
    held : HeldTo
    allow : frozenset of str
    """
    hourly = replace(held, averaging="hour", open_reason="")
    found = (_hour_value(one, hourly, law_day, allow) for one, law_day in hours)
    values = [value for value in found if value is not None]
    mean = sum(values, Fraction(0)) / len(values) if values else None
    return Measured(pollutant=item, start=span.start, end=span.end, value=mean, count=len(values))


def _hour_value(measured: Measured, held: HeldTo, law_day: date, allow: frozenset[str]) -> Fraction | None:
    """The value of a valid hour; the limit plays no part in it."""
    found: Finding = judge(measured, held, law_day, allow)
    return found.judged if found.label in ("suspected_over", "within") else None


MONTH_SCHEMA = pl.Schema(
    {
        "site": pl.String,
        "month": pl.Date,
        "pollutant": pl.String,
        "hours": pl.Int64,
        "hours_judged": pl.Int64,
        "hours_within": pl.Int64,
        "share_within": pl.Float64,
        "share_needed": pl.Float64,
        "kept": pl.Boolean,
        "days_valid": pl.Int64,
        "days_needed": pl.Int64,
        "month_valid": pl.Boolean,
        "mean": pl.Float64,
        "mass": pl.Float64,
        "edition": pl.String,
        "status": pl.String,
    }
)


def outlet_months(
    verdicts: pl.DataFrame, *, zone: ZoneInfo = CHINA, allow: frozenset[str] = frozenset()
) -> pl.DataFrame:
    """Sum up the hours that `judge_outlet` has judged by month.

    Parameters
    ----------
    verdicts : DataFrame
        ``verdicts`` of `judge_outlet`; its hours are taken.
    zone : ZoneInfo
        Of the days and months.
    allow : frozenset of str

    Returns
    -------
    DataFrame
        One row a site, month, pollutant and edition: hours, those judged (``suspected_over`` or ``within``), those
        within and their share; ``share_needed`` and ``kept`` where the edition asks for a share of hours (steel: 95 %);
        days with 20 valid hours, days needed (25, February 23) and whether the month is valid; the mean of the daily
        means [outlet unit] of a valid month, and the mass of the hours with a flow [kg].

    Raises
    ------
    InputError
        If the table is none of `judge_outlet`.
    """
    missing = [
        name for name in ("site", "start", "averaging", "pollutant", "compared", "label") if name not in verdicts
    ]
    if missing:
        raise InputError(f"no verdicts of outlets: {', '.join(missing)} is absent; give what judge_outlet has made")
    hours = verdicts.filter((pl.col("averaging") == "hour") & pl.col("start").is_not_null()).with_columns(
        pl.col("start").dt.convert_time_zone(zone.key).dt.date().alias("day"),
        pl.col("label").is_in(["suspected_over", "within", "undecided"]).alias("valid"),
    )
    keys = ["site", "pollutant", "edition", "month"]
    hours = hours.with_columns(pl.col("day").dt.month_start().alias("month"))
    found = [
        _month(dict(zip(keys, key, strict=True)), rows, allow)
        for key, rows in hours.group_by(keys, maintain_order=True)
    ]
    return pl.DataFrame(found, schema=MONTH_SCHEMA).sort("site", "pollutant", "month", maintain_order=True)


def _month(key: dict[str, object], rows: pl.DataFrame, allow: frozenset[str]) -> dict[str, object]:
    month = key["month"]
    assert isinstance(month, date)
    law = monitoring_law(month, allow)
    valid = rows.filter("valid")
    enough = int(law.row("validity", "day", averaging="day")["at_least"])
    days = valid.group_by("day").agg(pl.len().alias("n"), pl.col("compared").mean()).filter(pl.col("n") >= enough)
    needed = _days_needed(month, law)
    judged = rows.filter(pl.col("label").is_in(["suspected_over", "within"]))
    within = int((judged["label"] == "within").sum())
    share = within / judged.height if judged.height else None
    wanted = _share_needed(str(key["edition"]), month, allow)
    is_valid = days.height >= needed
    return {
        **key,
        "hours": rows.height,
        "hours_judged": judged.height,
        "hours_within": within,
        "share_within": share,
        "share_needed": wanted,
        "kept": None if wanted is None or share is None else Fraction(within, judged.height) >= Fraction(str(wanted)),
        "days_valid": days.height,
        "days_needed": needed,
        "month_valid": is_valid,
        "mean": days["compared"].mean() if is_valid else None,
        "mass": rows["rate"].sum() if rows["rate"].drop_nulls().len() else None,
        "status": "single_source",
    }


def _days_needed(month: date, law: Standard) -> int:
    row = law.row("validity", "month", averaging="month")
    return int(row["at_least_february"] if month.month == 2 else row["at_least"])


def _share_needed(number: str, month: date, allow: frozenset[str]) -> float | None:
    code = standard_code(number)
    if code is None:
        return None
    last = calendar.monthrange(month.year, month.month)[1]
    try:
        edition = whole_edition(code, month + timedelta(days=last - 1))
    except NotCovered:
        return None
    rows = edition.table("compliance")
    return float(rows[0]["at_least_share"]) if rows else None
