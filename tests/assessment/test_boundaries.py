"""Every breakpoint and every class limit of the tables: met exactly, one last digit below it, and one above."""

import itertools
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import polars as pl
import pytest

from bihuan.assessment import daily_aqi, hourly_aqi, limit_grades
from bihuan.core import InputError, NotCovered
from bihuan.standards import Row, editions
from tests.assessment.frames import hours

BREAKPOINTS = [(edition.effective_from, row) for edition in editions("HJ 633") for row in edition.table("breakpoints")]
LIMITS = [row for edition in editions("GB 3095") for row in edition.table("limits")]
LENGTHS = {"hour": 1, "day": 24, "mda8": 24, "quarter": 90 * 24, "year": 365 * 24}


def interpolated(row: Row, value: Decimal) -> int:
    """The formula of HJ 633 in fractions, rounded up; above the last breakpoint its index."""
    points = list(zip(map(Fraction, row["concentration"]), row["iaqi"], strict=True))
    if value > points[-1][0]:
        return int(points[-1][1])
    for (low, below), (high, above) in itertools.pairwise(points):
        if value <= high:
            return ceil(Fraction(above - below) / (high - low) * (Fraction(value) - low) + below)
    raise AssertionError(value)


@pytest.mark.parametrize(("on", "row"), BREAKPOINTS, ids=[f"{row.id}.{row['averaging']}" for _, row in BREAKPOINTS])
def test_the_index_at_below_and_above_every_breakpoint(on: date, row: Row) -> None:
    digit = Decimal("0.1") if row.item == "co" else Decimal(1)
    points = [Decimal(point) for point in row["concentration"]]
    values = [value for point in points for value in (point - digit, point, point + digit) if value >= 0]
    values = [value for value in values if not (value > points[-1] and (row.item, row["averaging"]) in OVER)]
    table = hours(f"{on}", {row.item: [float(value) for value in values]}, "A", timedelta(days=1))
    if row["averaging"] == "1h":
        judged = hourly_aqi(table.with_columns(end=pl.col("start") + timedelta(hours=1)))
    else:
        judged = daily_aqi(table)
    expected = [interpolated(row, value) for value in values]
    assert judged[f"iaqi_{row.item}"].to_list() == expected
    at = [index for value, index in zip(values, expected, strict=True) if value in points]
    assert at == list(row["iaqi"]), "the printed index stands at its printed concentration"


OVER = {("so2", "1h"), ("o3", "8h")}
"""Above their last breakpoint another averaging time decides (2012), or a fixed index (2026): tested in `test_aqi`."""


def graded(row: Row, values: list[Decimal]) -> list[dict[str, Any]]:
    """The grades of some concentrations on the first day on which a limit holds."""
    span = timedelta(hours=LENGTHS[row["averaging"]])
    first = row.effective_from
    table = hours(f"{first}", {row.item: [float(value) for value in values]}, "A", timedelta())
    table = table.with_columns(end=pl.col("start") + span)
    averaging = "day" if row["averaging"] == "mda8" else row["averaging"]
    found = limit_grades(table, averaging=averaging).to_dicts()
    assert {one["averaging"] for one in found} == {row["averaging"]}
    return found


@pytest.mark.parametrize("name", ["grade1", "grade2"])
@pytest.mark.parametrize("row", LIMITS, ids=[f"{row.id}.{row.effective_from}" for row in LIMITS])
def test_a_limit_is_kept_when_it_is_met_and_not_one_digit_above(row: Row, name: str) -> None:
    limit = Decimal(row[name])
    places = max(-Decimal(row[grade]).as_tuple().exponent for grade in ("grade1", "grade2"))  # type: ignore[operator]
    digit = Decimal(1).scaleb(-max(int(places), 1 if row.item == "co" else 0))
    values = [limit - digit, limit, limit + digit]
    found = graded(row, values)
    grades = [1 if value <= row["grade1"] else 2 if value <= row["grade2"] else 3 for value in values]
    assert [one["grade"] for one in found] == grades
    assert [one["value"] for one in found] == [float(value) for value in values]
    assert {(one["limit1"], one["limit2"]) for one in found} == {(float(row["grade1"]), float(row["grade2"]))}
    assert {(one["clause"], one["status"]) for one in found} == {(row.clause, row.status)}
    assert [one["multiple"] is None for one in found] == [grade < 3 for grade in grades]


def test_a_tie_is_rounded_to_the_even_digit_before_it_is_compared() -> None:
    pm25 = next(row for row in LIMITS if row.item == "pm25" and row["averaging"] == "day" and row["grade2"] == 60)
    found = graded(pm25, [Decimal("60.5"), Decimal("60.6"), Decimal("90")])
    assert [(one["value"], one["grade"], one["multiple"]) for one in found] == [
        (60, 2, None),
        (61, 3, 0.02),
        (90, 3, 0.5),
    ]


@pytest.mark.parametrize(
    ("day", "limit", "number"),
    [
        ("2026-02-28", 75, "GB 3095-2012"),
        ("2026-03-01", 60, "GB 3095-2026"),
        ("2030-12-31", 60, "GB 3095-2026"),
        ("2031-01-01", 50, "GB 3095-2026"),
    ],
)
def test_the_limit_changes_at_the_local_midnight_of_both_steps(day: str, limit: int, number: str) -> None:
    found = limit_grades(hours(day, {"pm25": [55.0]}, "A", timedelta(days=1)), averaging="day").row(0, named=True)
    assert (found["limit2"], found["edition"], found["grade"]) == (limit, number, 3 if limit == 50 else 2)


def test_a_year_is_judged_by_the_law_of_its_last_day() -> None:
    year = hours("2026-01-01", {"pm25": [33.0]}, "A", timedelta(days=365))
    assert limit_grades(year, averaging="year")["limit2"][0] == 30
    assert limit_grades(year, averaging="year", law=date(2025, 1, 1))["grade"][0] == 2


def test_a_missing_value_has_no_grade_and_what_has_no_limit_is_named() -> None:
    table = hours("2020-06-01", {"pm25": [None], "o3": [170.0]}, "A")
    found = limit_grades(table, averaging="hour")
    assert found["item"].to_list() == ["o3"], "there is no limit for an hour of PM2.5"
    assert limit_grades(table, averaging="day").filter(pl.col("item") == "pm25")["grade"].to_list() == [None]
    with pytest.raises(InputError, match=r"standards/air/gb_3095_2026\.toml"):
        limit_grades(table.drop("o3"), averaging="hour")
    with pytest.raises(NotCovered, match="GB 3095"):
        limit_grades(hours("2001-06-01", {"o3": [1.0]}, "A"), averaging="hour")
