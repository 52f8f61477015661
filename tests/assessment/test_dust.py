"""Dust that the authority has confirmed is taken out of PM10, PM2.5 and the index; the days are counted as measured."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.assessment import (
    DUST_SCHEMA,
    composite_index,
    daily_statistics,
    day_counts,
    deduct_dust,
    dust_days,
    hourly_aqi,
    propose_dust,
    without_dust,
)
from bihuan.core import InputError
from bihuan.standards import lookup
from tests.assessment.frames import CLEAN, hours, local

ALLOW = frozenset({"dust_2016_120#replacement"})


def event(first: str, last: str, decision: str = "confirmed", site: str = "city:A") -> pl.DataFrame:
    row = {"site": site, "start": local(first), "end": local(last), "evidence": "satellite", "decision": decision}
    return pl.DataFrame([row], schema=DUST_SCHEMA)


def day(dusty: int, days: int = 1, first: str = "2021-03-15") -> pl.DataFrame:
    """Days of which the first begins with some hours of dust."""
    pm10 = [900.0] * dusty + [60.0] * (24 * days - dusty)
    same = {code: [CLEAN[code]] * (24 * days) for code in CLEAN if code != "pm10"}
    return hours(first, same | {"pm10": pm10}, "city:A")


def test_only_confirmed_events_take_hours_out_and_both_values_stay() -> None:
    table = day(3)
    taken = deduct_dust(table, event("2021-03-15T00:00", "2021-03-15T03:00"))
    assert taken["pm10"].to_list() == table["pm10"].to_list()
    assert taken["pm10_deducted"].to_list() == [None] * 3 + [60.0] * 21
    assert taken["dust"].sum() == 3
    for decision in ("proposed", "rejected"):
        left = deduct_dust(table, event("2021-03-15T00:00", "2021-03-15T03:00", decision))
        assert left["pm10_deducted"].to_list() == table["pm10"].to_list()
    elsewhere = deduct_dust(table, event("2021-03-15T00:00", "2021-03-15T03:00", site="city:B"))
    assert not elsewhere["dust"].any()


def test_a_day_keeps_both_means() -> None:
    found = dust_days(day(3), event("2021-03-15T00:00", "2021-03-15T03:00")).row(0, named=True)
    assert found["pm10"] == (3 * 900 + 21 * 60) / 24
    assert (found["pm10_deducted"], found["pm25_deducted"], found["dust_hours"]) == (60.0, 15.0, 3)


def test_a_day_with_too_few_hours_left_has_no_value_until_the_recalled_rule_is_switched_on() -> None:
    dust = event("2021-03-15T00:00", "2021-03-15T11:00")
    assert dust_days(day(11), dust)["pm10_deducted"].to_list() == [None]
    assert dust_days(day(11), dust, allow=ALLOW)["pm10_deducted"].to_list() == [60.0], "11 of 24 hours are below half"
    half = event("2021-03-15T00:00", "2021-03-15T12:00")
    assert dust_days(day(12), half, allow=ALLOW)["pm10_deducted"].to_list() == [None]
    assert lookup("sand-dust deduction", on=date(2021, 3, 15)).table("replacement") == ()


def test_means_and_index_leave_dust_out_and_day_counts_keep_it() -> None:
    table = day(4, days=31, first="2021-03-01")
    days = dust_days(table, event("2021-03-01T00:00", "2021-03-01T04:00"))
    clean = daily_statistics(without_dust(days)).filter((pl.col("item") == "pm10") & (pl.col("figure") == "mean"))
    assert clean["exact"][0] == 60.0
    measured = daily_statistics(days).filter((pl.col("item") == "pm10") & (pl.col("figure") == "mean"))["exact"][0]
    assert measured == (200 + 30 * 60) / 31
    index = [composite_index(daily_statistics(one))["index"][0] for one in (without_dust(days), days)]
    assert index[0] < index[1]
    counted = day_counts(days, period="month").row(0, named=True)
    assert (counted["days"], counted["good_days"], counted["primary_pm10"]) == (31, 30, 31)


def test_before_2017_there_is_no_such_rule() -> None:
    early = dust_days(day(11, first="2016-03-15"), event("2016-03-15T00:00", "2016-03-15T11:00"), allow=ALLOW)
    assert early["pm10_deducted"].to_list() == [None]


def test_a_table_of_events_that_is_no_such_table_is_named() -> None:
    with pytest.raises(InputError, match="have no decision"):
        deduct_dust(day(1), event("2021-03-15T00:00", "2021-03-15T01:00").drop("decision"))
    with pytest.raises(InputError, match=r"\['certain'\]"):
        deduct_dust(day(1), event("2021-03-15T00:00", "2021-03-15T01:00", "certain"))


def test_a_rise_of_coarse_particles_is_proposed_and_never_decided() -> None:
    pm10 = [60.0] * 8 + [400.0, 700.0, 500.0, 200.0] + [62.0] * 6
    pm25 = [30.0] * 8 + [60.0, 80.0, 60.0, 40.0] + [30.0] * 6
    found = propose_dust(hours("2021-03-15", {"pm10": pm10, "pm25": pm25}, "city:A"))
    assert found.height == 1
    row = found.row(0, named=True)
    assert (row["start"], row["end"], row["decision"]) == (
        local("2021-03-15T08:00"),
        local("2021-03-15T12:00"),
        "proposed",
    )
    assert row["evidence"] == "pm10 60 -> 400 ug/m3; pm25/pm10 0.50 -> 0.15"
    smoke = hours("2021-03-15", {"pm10": pm10, "pm25": [value * 0.8 for value in pm10]}, "city:A")
    assert propose_dust(smoke).is_empty(), "fine particles rose as well: no dust"
    gap: list[float | None] = [None, *pm10[1:]]
    assert propose_dust(hours("2021-03-15", {"pm10": gap, "pm25": pm25}, "city:A")).height == 1


@pytest.mark.reference
def test_the_dust_of_2019_05_over_zhengzhou_is_proposed(shared: Path) -> None:
    path = shared / "data" / "china_cities_hourly" / "henan17_hourly_2018-12_2019-06.parquet"
    raw = pl.read_parquet(path).filter(pl.col("city") == "郑州")
    end = pl.col("time").cast(pl.Datetime("us")).dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
    table = raw.select(
        pl.lit("city:A").alias("site"), (end - timedelta(hours=1)).alias("start"), end.alias("end"),
        pl.col("PM10").alias("pm10"), pl.col("PM2.5").alias("pm25"),
    ).sort("start")  # fmt: skip
    found = propose_dust(table)
    days = found["start"].dt.convert_time_zone("Asia/Shanghai").dt.date()
    assert any(date(2019, 5, 4) <= one <= date(2019, 5, 6) for one in days)
    assert found["decision"].unique().to_list() == ["proposed"]
    assert hourly_aqi(table)["aqi"].drop_nulls().len() > 0
