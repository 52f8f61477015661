"""Rolling and daily means, MDA8 and city values, with the counts of GB 3095 and HJ 663."""

from datetime import timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import city_mean, daily_means, mda8, mean_24h_aqi, rolling_mean, wide_hours
from bihuan.core import InputError
from tests.assessment.frames import hours, local

DAY = "2020-06-01"


def test_a_day_needs_twenty_hours() -> None:
    twenty = daily_means(hours(DAY, {"pm25": [60.0] * 20 + [None] * 4}))
    nineteen = daily_means(hours(DAY, {"pm25": [60.0] * 19 + [None] * 5}))
    assert (twenty["pm25"][0], twenty["count_pm25"][0]) == (60.0, 20)
    assert (nineteen["pm25"][0], nineteen["count_pm25"][0]) == (None, 19)


def test_a_day_is_the_natural_day_of_the_city() -> None:
    days = daily_means(hours("2020-05-31T22:00", {"pm25": [500.0] * 2 + [10.0] * 24 + [500.0]}))
    assert days["start"].to_list() == [local("2020-05-31"), local(DAY), local("2020-06-02")]
    assert days["end"][1] - days["start"][1] == timedelta(days=1)
    assert days["pm25"].to_list() == [None, 10.0, None]


def test_the_hours_behind_a_day_are_kept_as_bits() -> None:
    days = daily_means(hours(DAY, {"pm25": [1.0, None, 3.0] + [None] * 21}))
    assert days["hours_pm25"][0] == 0b101


def test_a_mean_of_whole_numbers_is_exact_on_a_tie() -> None:
    days = daily_means(hours(DAY, {"pm25": [60.0] * 12 + [61.0] * 12, "co": [0.1, 0.2] * 12}))
    assert days["pm25"][0] == 60.5
    assert days["co"][0] == 0.15


def test_mda8_is_the_largest_of_seventeen_windows() -> None:
    values = [10.0] * 24
    values[12:20] = [170.0] * 8
    row = mda8(hours(DAY, {"o3": values})).row(0, named=True)
    assert (row["o3"], row["windows"], row["o3_1h"], row["count_o3"]) == (170.0, 17, 170.0, 24)


def test_mda8_windows_do_not_cross_midnight() -> None:
    late, early = [10.0] * 17 + [200.0] * 7, [200.0] * 7 + [10.0] * 17
    both = mda8(hours(DAY, {"o3": late + early}))
    assert both["o3"].to_list() == [(200.0 * 7 + 10.0) / 8] * 2


def test_a_window_needs_six_hours_and_may_end_in_a_gap() -> None:
    values: list[float | None] = [80.0] * 24
    values[10] = values[11] = None
    assert mda8(hours(DAY, {"o3": values}))["windows"][0] == 17
    values[12] = None
    assert mda8(hours(DAY, {"o3": values}))["windows"][0] == 17 - 6


@pytest.mark.parametrize(("level", "kept"), [(160.0, None), (160.5, None), (160.6, 160.6), (200.0, 200.0)])
def test_too_few_windows_count_only_above_the_limit(level: float, kept: float | None) -> None:
    row = mda8(hours(DAY, {"o3": [level] * 12 + [None] * 12})).row(0, named=True)
    assert row["windows"] == 7
    assert row["o3"] == kept


def test_the_limit_of_a_reserve_is_stricter() -> None:
    table = hours(DAY, {"o3": [120.0] * 12 + [None] * 12})
    assert mda8(table)["o3"][0] is None
    assert mda8(table, grade="grade1")["o3"][0] == 120.0


def test_rolling_means_bridge_gaps_and_count_what_they_stand_on() -> None:
    table = hours(DAY, {"o3": [float(value) for value in range(12)]})
    with_gap = pl.concat([table[:4], table[6:]])
    rolled = rolling_mean(with_gap, 8, at_least=6, codes=["o3"])
    last = rolled.row(-1, named=True)
    assert (last["o3_8h"], last["count_o3_8h"]) == (7.5 + 1.0, 6)  # hours 6..11; 4 and 5 are absent
    assert rolled["o3_8h"][3] is None
    assert rolled["count_o3_8h"].to_list() == [1, 2, 3, 4, 5, 6, 6, 6, 6, 6]


def test_rolling_means_do_not_depend_on_the_order_of_the_rows() -> None:
    one = hours(DAY, {"pm25": [float(value) for value in range(30)]})
    two = hours(DAY, {"pm25": [float(3 * value) for value in range(30)]}, site="station:B")
    table = pl.concat([one, two])
    ordered = rolling_mean(table, 24, at_least=20)
    shuffled = rolling_mean(table.sample(fraction=1.0, shuffle=True, seed=1), 24, at_least=20)
    assert shuffled.sort("site", "start").equals(ordered.sort("site", "start"))
    assert ordered["pm25_24h"][29] == 17.5
    assert ordered["pm25_24h"][59] == 52.5


@given(st.lists(st.one_of(st.none(), st.integers(0, 99_999)), min_size=1, max_size=60), st.integers(1, 24))
def test_a_rolling_mean_is_the_exact_quotient(digits: list[int | None], window: int) -> None:
    table = hours(DAY, {"co": [None if number is None else number / 100 for number in digits]})
    rolled = rolling_mean(table, window, at_least=1, codes=["co"])[f"co_{window}h"].to_list()
    for place, got in enumerate(rolled):
        parts = [
            Fraction(number, 100) for number in digits[max(0, place + 1 - window) : place + 1] if number is not None
        ]
        assert got == (float(sum(parts) / len(parts)) if parts else None)


def test_the_metric_of_the_warning_plans_is_the_mean_of_24_hours() -> None:
    table = hours(DAY, {"aqi": [100.0] * 24 + [340.0] * 24})
    mean = mean_24h_aqi(table)
    assert mean["aqi_24h"][18] is None
    assert mean["aqi_24h"][23] == 100.0
    assert mean["aqi_24h"][35] == 220.0
    assert mean["count_24h"][47] == 24


def test_the_city_is_the_mean_of_its_stations_concentrations() -> None:
    stations = pl.concat([hours(DAY, {"pm25": [60.0, 10.0]}), hours(DAY, {"pm25": [61.0, None]}, site="station:B")])
    city = city_mean(stations, "city:410100")
    assert city["site"].to_list() == ["city:410100"] * 2
    assert city["pm25"].to_list() == [60.5, 10.0]
    assert city["stations_pm25"].to_list() == [2, 1]


def test_two_rows_for_one_hour_are_refused() -> None:
    double = pl.concat([hours(DAY, {"pm25": [1.0]})] * 2)
    with pytest.raises(InputError, match="two rows"):
        daily_means(double)
    with pytest.raises(InputError, match="two rows"):
        rolling_mean(double, 24, at_least=20)


def rollup(**changed: object) -> dict[str, object]:
    base: dict[str, object] = {
        "site": "station:A",
        "pollutant": "pm25",
        "stat": "avg",
        "basis": "minutes",
        "start": local(DAY),
        "end": local(DAY) + timedelta(hours=1),
        "value": 50.0,
        "quality": "good",
    }
    return base | changed


def test_the_hour_of_record_counts_and_bad_values_are_left_out() -> None:
    rows = pl.DataFrame(
        [
            rollup(),
            rollup(basis="device", value=51.0),
            rollup(pollutant="so2", quality="suspect", value=7.0),
            rollup(pollutant="no2", quality="bad", value=9.0),
            rollup(stat="max", value=90.0),
        ]
    )
    row = wide_hours(rows).row(0, named=True)
    assert (row["pm25"], row["so2"]) == (51.0, 7.0)
    assert "no2" not in row


def test_our_flags_take_nothing_out_of_an_official_series() -> None:
    rows = pl.DataFrame([rollup(quality="bad", value=9.0), rollup(site="station:B", quality="bad", value=9.0)])
    assert wide_hours(rows, official={"station:B"})["site"].to_list() == ["station:B"]


def test_a_table_of_no_hours_gives_no_days() -> None:
    assert daily_means(hours(DAY, {"pm25": [1.0], "o3": [1.0]}).clear()).height == 0


def test_nan_is_missing() -> None:
    assert daily_means(hours(DAY, {"pm25": [float("nan")] * 5 + [20.0] * 19}))["count_pm25"][0] == 19
