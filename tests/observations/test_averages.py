"""Hours and days against means worked by hand."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import ROLLUP_SCHEMA
from bihuan.observations import (
    as_reported,
    days_from_hours,
    days_touched,
    hours_from_minutes,
    hours_touched,
    needed,
    of_record,
)
from tests.observations.tables import T0, hourly, rollups, rows

SITES = {"D1": "station:A", "D2": "station:A"}
TEN = timedelta(minutes=10)


def one(frame: pl.DataFrame) -> dict[str, object]:
    assert len(frame) == 1, frame
    return frame.row(0, named=True)


def test_an_hour_is_the_mean_of_its_minutes_and_carries_both_ends() -> None:
    hour = one(hours_from_minutes(rows([10.0] * 6 + [20.0] * 6), SITES, 45))
    assert (hour["value"], hour["count"], hour["quality"], hour["basis"]) == (15.0, 12, "good", "minutes")
    assert (hour["start"], hour["end"]) == (T0, T0 + timedelta(hours=1))


def test_the_table_has_exactly_the_schema_of_rollups() -> None:
    table = hours_from_minutes(rows([1.0] * 12), SITES, 45).to_arrow()
    assert table.schema.names == ROLLUP_SCHEMA.names
    assert table.schema.field("count").type == ROLLUP_SCHEMA.field("count").type
    assert table.schema.field("start").type == ROLLUP_SCHEMA.field("start").type


@pytest.mark.parametrize(("parts", "quality"), [(5, "good"), (4, "bad")])
def test_fifty_minutes_are_an_hour_and_forty_are_not(parts: int, quality: str) -> None:
    hour = one(hours_from_minutes(rows([30.0] * parts, step=TEN), SITES, 45))
    assert (hour["quality"], hour["value"], hour["count"]) == (quality, 30.0, parts)
    assert (hour["reason"] == "too_few") is (quality == "bad")


def test_exactly_45_single_minutes_are_enough_and_44_are_not() -> None:
    minute = timedelta(minutes=1)
    assert one(hours_from_minutes(rows([7.0] * 45, step=minute), SITES, 45))["quality"] == "good"
    assert one(hours_from_minutes(rows([7.0] * 44, step=minute), SITES, 45))["quality"] == "bad"


def test_a_mean_of_decimals_is_the_decimal_people_expect() -> None:
    """The plain binary sum of these gives 75.49999999999999, which rounds to 75 instead of the even 76."""
    assert (
        one(hours_from_minutes(rows([75.1, 75.2, 75.3, 75.4, 75.5, 75.6, 75.7, 75.8, 75.9] + [75.5] * 3), SITES, 45))[
            "value"
        ]
        == 75.5
    )


def test_bad_minutes_are_left_out_and_suspect_ones_stay() -> None:
    table = pl.concat(
        [
            rows([10.0] * 9),
            rows([1000.0], start=T0 + timedelta(minutes=45), quality="bad", reason="mark_calibration", mark="C"),
            rows([70.0, 70.0], start=T0 + timedelta(minutes=50), quality="suspect", reason="jump"),
        ]
    )
    hour = one(hours_from_minutes(table, SITES, 45))
    assert hour["value"] == pytest.approx((90 + 140) / 11)
    assert (hour["quality"], hour["count"]) == ("good", 11)


def test_an_hour_mostly_suspect_is_suspect_with_the_commonest_reason() -> None:
    table = pl.concat(
        [rows([5.0] * 4), rows([5.0] * 8, start=T0 + timedelta(minutes=20), quality="suspect", reason="stuck")]
    )
    hour = one(hours_from_minutes(table, SITES, 45))
    assert (hour["quality"], hour["reason"]) == ("suspect", "stuck")


def test_an_hour_without_a_usable_minute_is_null_and_says_why() -> None:
    hour = one(hours_from_minutes(rows([3.0] * 12, quality="bad", reason="mark_maintenance", mark="M"), SITES, 45))
    assert (hour["value"], hour["quality"], hour["reason"], hour["mark"]) == (None, "missing", "mark_maintenance", "M")


def test_wind_from_350_and_10_degrees_is_north() -> None:
    hour = one(hours_from_minutes(rows([350.0, 10.0] * 6, pollutant="wind_from"), SITES, 45))
    assert hour["value"] == pytest.approx(0.0, abs=1e-6) or hour["value"] == pytest.approx(360.0, abs=1e-6)


def test_a_wind_that_turned_all_around_has_no_mean_direction() -> None:
    hour = one(hours_from_minutes(rows([0.0, 90.0, 180.0, 270.0] * 3, pollutant="wind_from"), SITES, 45))
    assert (hour["value"], hour["quality"], hour["reason"]) == (None, "missing", "wind_variable")


def test_every_stat_of_an_outlet_is_carried() -> None:
    table = pl.concat([rows([10.0, 20.0] * 6, stat=stat) for stat in ("avg", "zs_avg", "min", "max", "cou")])
    found = hours_from_minutes(table, SITES, 45)
    assert dict(found.select("stat", "value").iter_rows()) == {
        "avg": 15.0, "zs_avg": 15.0, "min": 10.0, "max": 20.0, "cou": 180.0,
    }  # fmt: skip


def test_instants_serve_only_where_no_minute_mean_came() -> None:
    both = pl.concat([rows([10.0] * 12), rows([99.0] * 12, interval="rt", stat="rtd")])
    assert one(hours_from_minutes(both, SITES, 45))["value"] == 10.0
    assert one(hours_from_minutes(rows([99.0] * 12, interval="rt", stat="rtd"), SITES, 45))["value"] == 99.0


def test_two_devices_of_one_site_count_once() -> None:
    table = pl.concat([rows([10.0] * 12, device="D2"), rows([None] * 6 + [20.0] * 6, device="D1", quality="good")])
    hour = one(hours_from_minutes(table, SITES, 45))
    assert (hour["count"], hour["value"]) == (12, 15.0)


def test_unclaimed_devices_have_no_hours() -> None:
    assert hours_from_minutes(rows([1.0] * 12, device="new"), SITES, 45).is_empty()


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(random) -> None:  # type: ignore[no-untyped-def]
    table = pl.concat([rows([float(3 * k % 17) / 10 for k in range(24)], device=d) for d in ("D1", "D2")])
    order = list(range(len(table)))
    random.shuffle(order)
    assert hours_from_minutes(table[order], SITES, 45).equals(hours_from_minutes(table, SITES, 45))


def test_a_day_is_the_natural_day_of_the_city() -> None:
    """16:00 UTC is midnight in Shanghai."""
    start = datetime(2026, 1, 4, 16, tzinfo=UTC)
    days = days_from_hours(rollups([float(k) for k in range(48)], start=start), 20)
    assert days["value"].to_list() == [11.5, 35.5]
    assert days["start"].to_list() == [start, start + timedelta(days=1)]
    assert days["basis"].unique().to_list() == ["hours"]


@pytest.mark.parametrize(("hours", "quality"), [(20, "good"), (19, "bad")])
def test_twenty_hours_are_a_day(hours: int, quality: str) -> None:
    start = datetime(2026, 1, 4, 16, tzinfo=UTC)
    day = one(days_from_hours(rollups([50.0] * hours, start=start), 20))
    assert (day["quality"], day["count"]) == (quality, hours)


def test_a_day_of_four_hourly_samples_counts_each_by_its_length() -> None:
    """Sections report every 4 hours: five samples are 20 hours and valid, four are not."""
    start = datetime(2026, 1, 4, 16, tzinfo=UTC)  # midnight in the city
    table = rollups([float(k) for k in range(24)], start=start).gather_every(4)
    samples = table.with_columns(end=pl.col("start").dt.offset_by("4h"))
    day = one(days_from_hours(samples.head(5), 20))
    assert (day["value"], day["count"], day["quality"]) == (8.0, 5, "good")
    assert one(days_from_hours(samples.head(4), 20))["quality"] == "bad"


def test_the_devices_own_hour_is_of_record_and_ours_stands_beside_it() -> None:
    both = pl.concat([rollups([40.0], basis="minutes"), rollups([42.0], basis="device"), rollups([41.0], basis="file")])
    assert one(of_record(both))["value"] == 42.0
    assert of_record(both).columns == ROLLUP_SCHEMA.names


def test_a_missing_hour_of_the_device_steps_back_and_a_bad_one_does_not() -> None:
    ours = rollups([40.0], basis="minutes")
    missing = rollups([None], quality="missing", reason="no_value")
    bad = rollups([42.0], quality="bad", reason="mark_maintenance")
    assert one(of_record(pl.concat([ours, missing])))["basis"] == "minutes"
    assert one(of_record(pl.concat([ours, bad])))["basis"] == "device"


def test_an_hour_that_was_sent_whole_keeps_its_value_mark_and_source() -> None:
    device = one(as_reported(hourly([33.0], mark="N"), SITES, "hour"))
    assert (device["basis"], device["count"], device["mark"], device["value"]) == ("device", 0, "N", 33.0)
    assert one(as_reported(hourly([33.0], origin="file"), SITES, "hour"))["basis"] == "file"


def test_late_data_touch_only_their_own_hours_and_days() -> None:
    late = rows([1.0, 2.0], start=T0 + timedelta(minutes=57))
    touched = hours_touched(late, SITES)
    assert touched["start"].to_list() == [T0, T0 + timedelta(hours=1)]
    days = days_touched(rollups([1.0], start=datetime(2026, 1, 5, 15, 30, tzinfo=UTC)))
    assert days["end"].to_list() == [datetime(2026, 1, 5, 16, tzinfo=UTC)]


def test_recomputing_only_the_touched_hours_gives_the_same_as_all() -> None:
    minutes = rows([float(k % 7) for k in range(60)])
    whole = hours_from_minutes(minutes, SITES, 45)
    touched = hours_touched(minutes[13:14], SITES)
    part = minutes.filter((pl.col("start") >= touched["start"][0]) & (pl.col("start") < touched["end"][0]))
    again = hours_from_minutes(part, SITES, 45)
    assert again.equals(whole.filter(pl.col("start") == touched["start"][0]))


def test_the_counts_come_from_the_standard_in_force() -> None:
    for day in (date(2013, 3, 1), date(2019, 2, 6), date(2026, 3, 1), date(2031, 6, 1)):
        counts = needed(day)
        assert (counts.minutes, counts.hours["pm25"], counts.hours["tsp"], counts.hours[""]) == (45, 20, 24, 20)
        assert "GB 3095" in counts.source


def test_a_day_of_tsp_needs_all_24_hours() -> None:
    start = datetime(2026, 1, 4, 16, tzinfo=UTC)
    hours = needed(date(2026, 3, 1)).hours
    short = rollups([90.0] * 23, start=start, pollutant="tsp")
    assert one(days_from_hours(short, hours))["quality"] == "bad"
    assert one(days_from_hours(short.with_columns(pollutant=pl.lit("pm10")), hours))["quality"] == "good"
