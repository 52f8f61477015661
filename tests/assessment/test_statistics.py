"""Means and percentiles, the composite index, ranks, day counts, years side by side, and what is left for a target."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import (
    STAMP,
    both_laws,
    composite_index,
    daily_statistics,
    day_counts,
    index_variants,
    rank,
    remaining_control_value,
    year_on_year,
)
from bihuan.core import InputError, text
from tests.assessment.frames import CLEAN, hours, local

DAY = timedelta(days=1)


def days(first: str, values: dict[str, list[float | None]], site: str = "city:A") -> pl.DataFrame:
    return hours(first, values, site, DAY)


def flat(first: str, count: int, site: str = "city:A", **changed: float | None) -> pl.DataFrame:
    values = CLEAN | {"o3_1h": 70.0} | changed
    return days(first, {code: [value] * count for code, value in values.items()}, site)


def figure(statistics: pl.DataFrame, item: str, kind: str) -> dict[str, object]:
    return statistics.filter((pl.col("item") == item) & (pl.col("figure") == kind)).row(0, named=True)


def test_the_percentile_lies_between_its_neighbours() -> None:
    # n = 30, p = 0.9: k = 1 + 29 * 0.9 = 27.1, so a tenth of the way from the 27th to the 28th value
    ozone = [float(value) for value in range(10, 310, 10)]
    found = figure(daily_statistics(days("2020-06-01", {"o3": ozone[::-1]})), "o3", "percentile")
    assert (found["exact"], found["value"]) == (271.0, 271.0)
    assert found["standard"] == "HJ 663-2013"


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=31))
def test_a_percentile_is_the_linear_one_of_numpy(tenths: list[int]) -> None:
    table = days("2020-03-01", {"co": [number / 100 for number in tenths]})
    found = figure(daily_statistics(table), "co", "percentile")["exact"]
    assert found == pytest.approx(np.percentile(np.array(tenths) / 100, 95), abs=1e-12)


def test_means_are_exact_and_rounded_half_to_even() -> None:
    found = figure(daily_statistics(days("2020-06-01", {"pm25": [60.0, 61.0, 60.0, 61.0]})), "pm25", "mean")
    assert (found["exact"], found["value"], found["days"]) == (60.5, 60.0, 4)
    carbon = figure(daily_statistics(days("2020-06-01", {"co": [0.1, 0.2]})), "co", "mean")
    assert (carbon["exact"], carbon["value"]) == (0.15, 0.2)


def test_a_month_is_complete_with_27_days_and_february_with_25() -> None:
    assert figure(daily_statistics(flat("2020-06-01", 27)), "pm25", "mean")["complete"] is True
    assert figure(daily_statistics(flat("2020-06-01", 26)), "pm25", "mean")["complete"] is False
    assert figure(daily_statistics(flat("2021-02-01", 25)), "pm25", "mean")["complete"] is True
    assert figure(daily_statistics(flat("2021-02-01", 24)), "pm25", "mean")["complete"] is False


def test_a_year_needs_324_days_and_every_month() -> None:
    year = flat("2021-01-01", 365)
    assert figure(daily_statistics(year, period="year"), "pm25", "mean")["complete"] is True
    local_day = pl.col("start").dt.convert_time_zone("Asia/Shanghai").dt.date()
    no_june_half = year.filter(~local_day.is_between(date(2021, 6, 1), date(2021, 6, 10)))
    assert no_june_half.height > 324
    assert figure(daily_statistics(no_june_half, period="year"), "pm25", "mean")["complete"] is False
    without_three = year.filter(local_day.dt.day() > 3)
    assert without_three.height == 329
    assert figure(daily_statistics(without_three, period="year"), "pm25", "mean")["complete"] is True
    every_month_but_322_days = without_three.filter(local_day.dt.day() < 31)
    assert every_month_but_322_days.height == 322
    assert figure(daily_statistics(every_month_but_322_days, period="year"), "pm25", "mean")["complete"] is False


def test_annual_limits_change_with_the_law_of_the_last_day() -> None:
    old = figure(daily_statistics(flat("2025-01-01", 365, pm25=33.0), period="year"), "pm25", "mean")
    new = figure(daily_statistics(flat("2027-01-01", 365, pm25=33.0), period="year"), "pm25", "mean")
    far = figure(daily_statistics(flat("2031-01-01", 365, pm25=26.0), period="year"), "pm25", "mean")
    assert (old["limit"], old["over"]) == (35.0, False)
    assert (new["limit"], new["over"]) == (30.0, True)
    assert (far["limit"], far["over"]) == (25.0, True)


def test_the_percentile_is_compared_with_the_daily_limit() -> None:
    found = figure(daily_statistics(flat("2025-06-01", 30, o3=161.0)), "o3", "percentile")
    assert (found["limit"], found["over"]) == (160.0, True)
    assert figure(daily_statistics(flat("2025-06-01", 30)), "pm25", "mean")["limit"] is None


def test_the_composite_index_is_the_sum_of_c_over_s() -> None:
    table = flat("2020-06-01", 30, so2=6.0, no2=30.0, pm10=84.0, pm25=42.0, co=0.8, o3=144.0)
    row = composite_index(daily_statistics(table)).row(0, named=True)
    expected = Fraction(6, 60) + Fraction(30, 40) + Fraction(84, 70) + Fraction(42, 35) + Fraction(8, 40)
    assert row["index"] == float(round(expected + Fraction(144, 160), 2)) == 4.35
    assert (row["index_pm25"], row["index_o3"], row["largest"]) == (1.2, 0.9, "pm10;pm25")
    assert (row["standard"], row["status"], row["reason"]) == ("HJ 663-2013", "confirmed", "")


def test_an_index_needs_all_six_items() -> None:
    row = composite_index(daily_statistics(flat("2020-06-01", 30, co=None))).row(0, named=True)
    assert (row["index"], row["reason"], row["index_co"]) == (None, "items_missing", None)


def test_the_index_of_2026_is_held_back_until_it_is_switched_on() -> None:
    statistics = daily_statistics(flat("2026-06-01", 30, so2=6.0, no2=30.0, pm10=84.0, pm25=42.0, co=0.8, o3=144.0))
    held = composite_index(statistics).row(0, named=True)
    assert (held["index"], held["reason"], held["status"]) == (None, "weights_held_back", "unconfirmed")
    on = composite_index(statistics, allow=frozenset({"hj_663_2026#composite_index"})).row(0, named=True)
    assert on["index"] == float(round(Fraction("0.1") + Fraction("1.5") + Fraction("1.4") + Fraction("4.2") + 2, 2))
    assert on["status"] == "single_source"
    variants = index_variants(statistics).row(0, named=True)
    assert variants["index_2013"] == 4.35
    assert variants["index_2026"] == on["index"]
    assert variants["index_new_limits"] == 4.75
    assert variants["index_new_weights"] == pytest.approx(0.1 + 1.5 + 1.2 + 3.6 + 0.2 + 1.8)


def test_old_and_new_law_stand_beside_each_other() -> None:
    table = flat("2025-01-01", 365, pm25=70.0)
    counted = both_laws(table, date(2026, 11, 1), day_counts, period="year").row(0, named=True)
    assert (counted["good_days"], counted["good_share"], counted["standard"]) == (365, 100.0, "HJ 633-2012")
    assert (counted["good_days_today"], counted["standard_today"]) == (0, "HJ 633-2026")
    yearly = both_laws(table, date(2026, 11, 1), daily_statistics, period="year")
    row = yearly.filter((pl.col("item") == "pm25") & (pl.col("figure") == "mean")).row(0, named=True)
    assert (row["limit"], row["limit_today"]) == (35.0, 30.0)


def test_equal_values_share_a_rank_and_every_rank_is_unofficial() -> None:
    start = pl.Series([local("2020-06-01")] * 4, dtype=pl.Datetime("us", "UTC"))
    table = pl.DataFrame({"site": list("ABCD"), "start": start, "end": start + DAY, "index": [4.1, 3.9, 3.9, None]})
    ranked = rank(table)
    assert ranked["rank"].to_list() == [3, 1, 1, None]
    assert ranked["stamp"].unique().to_list() == [STAMP]
    assert text(f"verdict.{STAMP}") == "自算,非官方"
    with pytest.raises(InputError, match="'score'"):
        rank(table, by="score")


def test_days_are_counted_by_level_and_by_primary_pollutant() -> None:
    pm25 = [15.0, 60.0, 100.0, 140.0, 200.0, 300.0, None]
    table = days("2020-06-01", {code: [value] * 7 for code, value in CLEAN.items()} | {"pm25": pm25})
    row = day_counts(table.with_columns(o3_1h=pl.lit(70.0)), period="month").row(0, named=True)
    levels = [row[f"level_{label}"] for label in ("good", "moderate", "light", "medium", "heavy", "severe")]
    assert levels == [2, 1, 1, 1, 1, 1]
    assert (row["days"], row["good_days"], row["heavy_days"], row["good_share"]) == (7, 3, 2, 42.9)
    assert (row["primary_pm25"], row["primary_pm10"]) == (5, 0)


def test_a_period_is_set_beside_the_same_one_a_year_earlier() -> None:
    table = pl.concat([flat("2020-02-01", 29, pm25=50.0), flat("2021-02-01", 28, pm25=40.0)])
    statistics = daily_statistics(table).filter((pl.col("item") == "pm25") & (pl.col("figure") == "mean"))
    rows = year_on_year(statistics, ["value"], keys=["site", "item"]).to_dicts()
    assert rows[0]["value_before"] is None
    assert (rows[1]["value_before"], rows[1]["value_change"], rows[1]["value_percent"]) == (50.0, -10.0, -20.0)


def remaining(values: list[float | None], target: float, through: str) -> tuple[object, ...]:
    (found,) = remaining_control_value(
        days("2020-06-01", {"pm25": values}),
        "pm25",
        target,
        first=date(2020, 6, 1),
        last=date(2020, 6, 30),
        through=date.fromisoformat(through),
    )
    return found.outcome, found.value, found.days, found.days_left, found.reached_share


def test_the_days_left_may_average_what_the_target_leaves() -> None:
    # 10 days at 50, target 40 over 30 days: (40 * 30 - 500) / 20 = 35
    assert remaining([50.0] * 10, 40.0, "2020-06-10") == ("attainable", 35.0, 10, 20, 0.0)
    # a day without a value counts neither way: (40 * 29 - 450) / 20
    assert remaining([50.0] * 9 + [None], 40.0, "2020-06-10")[:4] == ("attainable", 35.5, 9, 20)


def test_an_unattainable_target_is_called_so() -> None:
    outcome, value, *_ = remaining([100.0] * 20, 40.0, "2020-06-20")
    assert outcome == "unattainable"
    assert value == (40.0 * 30 - 2000) / 10 < 0


def test_at_the_end_the_target_is_met_or_missed() -> None:
    assert remaining([40.0] * 30, 40.0, "2020-06-30")[0] == "met"
    assert remaining([40.0] * 29 + [40.1], 40.0, "2020-06-30")[0] == "missed"
    with pytest.raises(InputError, match="outside the period"):
        remaining([1.0], 40.0, "2020-07-01")


@given(st.lists(st.integers(0, 300), min_size=1, max_size=29), st.integers(1, 200))
def test_the_days_left_at_that_value_meet_the_target_exactly(values: list[int], target: int) -> None:
    left = 30 - len(values)
    _, value, *_ = remaining([float(one) for one in values], float(target), f"2020-06-{len(values):02}")
    assert isinstance(value, float)
    assert (sum(values) + left * value) / 30 == pytest.approx(target)


def test_the_words_for_what_is_left_exist() -> None:
    for outcome in ("attainable", "unattainable", "met", "missed"):
        words = text(f"verdict.remaining_{outcome}", days=20, value=35, target=40, unit="ug/m3")
        assert "40" in words
