"""The list of 168 cities, the ranking by improvement, and the mean of three years."""

from datetime import date

import polars as pl
import pytest

from bihuan.assessment import (
    city_list,
    composite_index,
    daily_statistics,
    improvement,
    rank,
    three_year_mean,
)
from bihuan.core import NotCovered
from tests.assessment.test_statistics import flat


def test_the_list_names_168_cities_once_each() -> None:
    cities = city_list(on=date(2026, 11, 1))
    assert len(cities) == len(set(cities)) == 168
    assert {"北京", "郑州", "乌鲁木齐"} <= set(cities)
    with pytest.raises(NotCovered, match="168 cities"):
        city_list(on=date(2015, 1, 1))


def months(before: dict[str, float], after: dict[str, float]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Index and statistics of June in two years, by the PM2.5 of each city."""
    parts = [flat(f"{year}-06-01", 30, city, pm25=value)
             for year, values in (("2020", before), ("2021", after)) for city, value in values.items()]  # fmt: skip
    statistics = daily_statistics(pl.concat(parts))
    return composite_index(statistics), statistics


def test_improvement_is_the_change_of_the_index_and_the_clean_do_not_worsen() -> None:
    indices, statistics = months(
        {"city:A": 80.0, "city:B": 60.0, "city:C": 50.0, "city:D": 10.0, "city:E": 50.0},
        {"city:A": 60.0, "city:B": 59.0, "city:C": 70.0, "city:D": 20.0, "city:E": 55.0},
    )
    found = {row["site"]: row for row in improvement(indices, statistics).to_dicts()}
    assert [found[f"city:{city}"]["rank_improvement"] for city in "ABECD"] == [1, 2, 3, 5, 4]
    assert [found[f"city:{city}"]["rank_worsening"] for city in "ABCDE"] == [None, None, 1, None, 2]
    assert found["city:D"]["meets_grade2"] and found["city:D"]["index_percent"] > 0
    assert set(rank(indices)["stamp"]) == {found["city:A"]["stamp"]}


def test_a_city_with_an_item_missing_does_not_meet_the_grade() -> None:
    indices, statistics = months({"city:A": 10.0}, {"city:A": 20.0})
    short = statistics.filter(pl.col("item") != "co")
    assert improvement(indices, short)["meets_grade2"].to_list() == [False]
    assert improvement(indices, short)["rank_worsening"].to_list() == [1]


def test_the_mean_of_three_years_waits_for_its_text() -> None:
    years = pl.concat(
        [flat(f"{year}-01-01", 365, pm25=value) for year, value in ((2025, 40.0), (2026, 35.0), (2027, 31.0))]
    )
    yearly = daily_statistics(years, period="year")
    allow = frozenset({"hj_663_2026#three_year_mean"})
    held = three_year_mean(yearly).filter((pl.col("item") == "pm25") & (pl.col("last") == 2027)).row(0, named=True)
    assert (held["value"], held["reason"], held["status"]) == (None, "rule_held_back", "unconfirmed")
    found = three_year_mean(yearly, allow=allow).filter(pl.col("item") == "pm25").sort("last").to_dicts()
    assert [(one["first"], one["value"], one["reason"]) for one in found] == [
        (2023, None, "rule_held_back"),
        (2024, None, "year_missing"),
        (2025, 35.0, ""),
    ]
