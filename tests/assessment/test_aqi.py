"""Hours and days get the index that HJ 633 prints for them, under the edition of their own day."""

import itertools
from datetime import date
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import both_laws, daily_aqi, hourly_aqi
from bihuan.core import NATIONAL_SIX, InputError, NotCovered, round_half_even
from bihuan.standards import lookup
from tests.assessment.frames import CLEAN, hours, local, one_day, one_hour

OLD, NEW = date(2020, 6, 1), date(2026, 6, 1)


def hour(**changed: Any) -> dict[str, Any]:
    return hourly_aqi(one_hour(**changed)).row(0, named=True)


def day(**changed: Any) -> dict[str, Any]:
    return daily_aqi(one_day(**changed)).row(0, named=True)


def formula(item: str, averaging: str, value: float, on: date = OLD) -> int:
    """IAQI by the formula of HJ 633, in fractions, written apart from the code under test."""
    standard = lookup("HJ 633", on=on)
    row = standard.row("breakpoints", item, averaging=averaging)
    rounded = Fraction(round_half_even(value, 1 if item == "co" else 0))
    points = list(zip(map(Fraction, row["concentration"]), row["iaqi"], strict=True))
    if rounded > points[-1][0]:
        return int(points[-1][1])
    for (low, below), (high, above) in itertools.pairwise(points):
        if rounded <= high:
            return ceil(Fraction(above - below) / (high - low) * (rounded - low) + below)
    raise AssertionError(value)


@pytest.mark.parametrize("on", [OLD, NEW])
def test_every_breakpoint_has_its_printed_index(on: date) -> None:
    for row in lookup("HJ 633", on=on).table("breakpoints"):
        for concentration, iaqi in zip(row["concentration"], row["iaqi"], strict=True):
            values = dict.fromkeys(CLEAN) | {row.item: float(concentration)}
            name = f"iaqi_{row.item}"
            if row["averaging"] == "1h":
                got = hourly_aqi(one_hour(f"{on}T08:00", **values))[name][0]
            else:
                got = daily_aqi(one_day(f"{on}", o3_1h=None, **values))[name][0]
            assert got == iaqi, (row.id, concentration)


@pytest.mark.parametrize(
    ("item", "value", "iaqi"),
    [
        ("pm25", 60.5, 82),  # 60.5 is a tie and goes to 60, not 61
        ("pm25", 61.5, 84),
        ("co", 2.2, 55),  # exactly 55: a float ceiling gives 56
        ("so2", 150.0, 100),
        ("so2", 50.0, 50),
        ("no2", 40.0, 50),
        ("pm10", 150.0, 100),
        ("o3", 160.0, 100),
        ("pm10", 151.0, 101),
        ("pm25", 500.4, 500),
        ("pm25", 900.0, 500),
    ],
)
def test_worked_values_of_2012(item: str, value: float, iaqi: int) -> None:
    assert day(**{item: value})[f"iaqi_{item}"] == iaqi


@pytest.mark.parametrize(
    ("item", "value", "iaqi"),
    [("pm25", 60.5, 100), ("pm25", 60.6, 101), ("pm25", 61.0, 101), ("co", 2.2, 55), ("so2", 150.0, 100)],
)
def test_worked_values_of_2026(item: str, value: float, iaqi: int) -> None:
    assert day(first="2026-06-01", **{item: value})[f"iaqi_{item}"] == iaqi


def test_the_hour_reads_particles_off_the_daily_table() -> None:
    row = hour(pm25=107.0, pm10=80.0)
    assert (row["iaqi_pm25"], row["iaqi_pm10"], row["aqi"], row["primary"]) == (140, 65, 140, "pm25")
    assert (row["label"], row["standard"], row["status"], row["reason"]) == ("light", "HJ 633-2012", "confirmed", "")


def test_ties_of_rounding_go_to_the_even_digit() -> None:
    table = hours("2020-06-01", {"pm25": [34.5, 35.5, 36.5, 37.5], "co": [1.45, 1.55, 2.25, 0.05]})
    judged = hourly_aqi(table)
    assert judged["iaqi_pm25"].to_list() == [formula("pm25", "24h", value) for value in (34, 36, 36, 38)]
    assert judged["iaqi_co"].to_list() == [14, 16, 22, 0]


def test_the_edition_changes_at_local_midnight() -> None:
    values = {"pm25": [60.0] * 3} | {code: [CLEAN[code]] * 3 for code in CLEAN if code != "pm25"}
    judged = hourly_aqi(hours("2026-02-28T23:00", values))
    assert judged["standard"].to_list() == ["HJ 633-2012", "HJ 633-2026", "HJ 633-2026"]
    assert judged["aqi"].to_list() == [82, 100, 100]
    assert judged["start"][1] == local("2026-03-01")


def test_a_named_days_law_judges_every_row() -> None:
    beside = both_laws(one_hour(pm25=70.0), NEW, hourly_aqi).row(0, named=True)
    assert (beside["aqi"], beside["standard"], beside["label"]) == (94, "HJ 633-2012", "moderate")
    assert (beside["aqi_today"], beside["standard_today"], beside["label_today"]) == (110, "HJ 633-2026", "light")
    assert beside["status_today"] == "single_source"
    daily = both_laws(one_day(pm10=130.0), NEW).row(0, named=True)
    assert (daily["aqi"], daily["aqi_today"]) == (90, 104)


def test_ties_name_every_primary_pollutant_and_clean_air_names_none() -> None:
    assert hour(pm25=75.0, pm10=150.0)["primary"] == "pm10;pm25"
    assert hour()["primary"] == ""
    assert hour(pm25=35.0)["primary"] == ""
    assert hour(pm25=36.0)["primary"] == "pm25"


@pytest.mark.parametrize(
    ("aqi", "label"),
    [
        (50, "good"),
        (51, "moderate"),
        (100, "moderate"),
        (101, "light"),
        (150, "light"),
        (151, "medium"),
        (200, "medium"),
        (201, "heavy"),
        (300, "heavy"),
        (301, "severe"),
        (500, "severe"),
    ],
)
def test_levels_begin_and_end_where_the_standard_says(aqi: int, label: str) -> None:
    value = next(value for value in np.arange(0, 501, 1.0) if formula("pm25", "24h", float(value)) >= aqi)
    row = hour(pm25=float(value))
    assert row["aqi"] >= aqi
    if row["aqi"] == aqi:
        assert row["label"] == label


def test_a_missing_item_in_2012_leaves_the_index_of_the_others() -> None:
    row = hour(pm10=None, pm25=40.0)
    assert (row["aqi"], row["reason"], row["status"]) == (57, "items_missing", "single_source")


def test_a_missing_item_in_2026_lets_only_a_polluted_index_out() -> None:
    clean, dirty = (hour(first="2026-06-01T08:00", pm10=None, pm25=value) for value in (60.0, 61.0))
    assert (clean["aqi"], clean["label"], clean["primary"]) == (None, "", "")
    assert (clean["iaqi_pm25"], clean["reason"]) == (100, "items_missing_not_published")
    assert (dirty["aqi"], dirty["label"], dirty["reason"]) == (101, "light", "items_missing")


def test_an_item_that_was_never_monitored_is_not_missing() -> None:
    table = one_hour("2026-06-01T08:00", pm25=40.0).drop("co")
    assert hourly_aqi(table)["aqi"][0] is None
    row = hourly_aqi(table, not_monitored={"co"}).row(0, named=True)
    assert (row["aqi"], row["reason"], row["iaqi_co"]) == (60, "", None)


def test_an_hour_without_any_value_has_no_index() -> None:
    row = hour(**dict.fromkeys(NATIONAL_SIX))
    assert (row["aqi"], row["label"], row["reason"]) == (None, "", "no_items")


def test_a_negative_concentration_counts_as_missing() -> None:
    row = hour(so2=-3.0)
    assert (row["iaqi_so2"], row["reason"]) == (None, "items_missing")
    assert hour(so2=-0.4)["iaqi_so2"] == 0


def test_sulphur_dioxide_above_800_in_an_hour() -> None:
    old = {code: [CLEAN[code]] * 24 for code in CLEAN} | {"so2": [50.0] * 23 + [850.0]}
    judged = hourly_aqi(hours("2020-06-01", old))
    assert judged["iaqi_so2"][23] == formula("so2", "24h", (50 * 23 + 850) / 24) == 67
    assert hourly_aqi(hours("2026-06-01", old))["iaqi_so2"][23] == 200
    assert hour(so2=850.0)["iaqi_so2"] is None  # no 24-h mean to fall back on


def test_ozone_above_800_as_eight_hour_mean() -> None:
    assert day(o3=850.0, o3_1h=900.0)["iaqi_o3"] == formula("o3", "1h", 900.0) == 350
    assert day(first="2026-06-01", o3=850.0, o3_1h=900.0)["iaqi_o3"] == 300


def test_the_daily_report_of_2012_has_seven_items_and_that_of_2026_six() -> None:
    assert day(o3=60.0, o3_1h=250.0)["iaqi_o3"] == 125
    assert day(first="2026-06-01", o3=60.0, o3_1h=250.0)["iaqi_o3"] == 30


def test_the_report_of_2012_uses_rolling_means() -> None:
    values = {code: [CLEAN[code]] * 24 for code in CLEAN} | {"pm25": [40.0] * 23 + [160.0], "o3": [150.0] * 24}
    table = hours("2020-06-01", values)
    last = hourly_aqi(table, method="report_2012").row(23, named=True)
    assert last["iaqi_pm25"] == formula("pm25", "24h", 45.0) == 63
    assert last["iaqi_o3"] == max(formula("o3", "1h", 150.0), formula("o3", "8h", 150.0)) == 92
    assert hourly_aqi(table)["iaqi_pm25"][23] == formula("pm25", "24h", 160.0)
    early = hourly_aqi(table, method="report_2012").row(18, named=True)  # 19 hours are too few for a 24-h mean
    assert (early["iaqi_pm25"], early["reason"]) == (None, "items_missing")


def test_the_report_of_2012_ended_with_its_standard() -> None:
    with pytest.raises(NotCovered, match="HJ 633-2026 has no hourly method 'report_2012'"):
        hourly_aqi(one_hour("2026-06-01T08:00"), method="report_2012")


def test_hours_before_the_first_edition_are_not_covered() -> None:
    with pytest.raises(NotCovered, match="HJ 633"):
        hourly_aqi(one_hour("2011-06-01T08:00"))


def test_a_table_without_instants_in_utc_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="'start'"):
        hourly_aqi(one_hour().drop("start"))
    with pytest.raises(InputError, match="time zone"):
        hourly_aqi(one_hour().with_columns(pl.col("start").dt.replace_time_zone(None)))


def test_two_rows_for_one_hour_are_refused_where_they_would_count_twice() -> None:
    double = pl.concat([one_hour(), one_hour()])
    with pytest.raises(InputError, match="two rows for the hour"):
        hourly_aqi(double, method="report_2012")


def test_an_empty_table_stays_empty() -> None:
    judged = hourly_aqi(one_hour().clear())
    assert judged.height == 0
    assert "aqi" in judged.columns


def test_single_precision_is_judged_as_it_was_printed() -> None:
    single = one_hour(co=10.05).with_columns(pl.col("co").cast(pl.Float32))
    assert hourly_aqi(single)["iaqi_co"][0] == formula("co", "1h", 10.0) == 100


ITEMS = st.sampled_from(["so2", "no2", "pm10", "pm25", "co", "o3"])


@given(ITEMS, st.lists(st.integers(0, 100_000), min_size=2, max_size=40), st.sampled_from([OLD, NEW]))
def test_the_index_never_falls_when_the_concentration_rises(item: str, digits: list[int], on: date) -> None:
    values = sorted(number / (1000 if item == "co" else 50) for number in digits)
    if item == "so2":
        values = [min(value, 800.0) for value in values]
    judged = hourly_aqi(hours(f"{on}", {item: values}))[f"iaqi_{item}"]
    assert judged.is_sorted()


@given(ITEMS, st.integers(0, 8_000), st.integers(0, 2), st.sampled_from([OLD, NEW]))
def test_the_index_is_the_exact_one(item: str, digits: int, places: int, on: date) -> None:
    value = digits / 10**places if item != "co" else digits / 10 ** (places + 1)
    if item == "so2":
        value = min(value, 800.0)
    averaging = "24h" if item in {"pm10", "pm25"} else "1h"
    got = hourly_aqi(hours(f"{on}", {item: [value]}))[f"iaqi_{item}"][0]
    assert got == formula(item, averaging, value, on)
