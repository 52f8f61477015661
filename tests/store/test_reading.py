"""What is asked of the series is found, in order, and only that."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from bihuan.core import InputError, Period
from bihuan.store import SeriesStore
from bihuan.store.batches import in_order
from tests.store.rows import MINUTE, T0, hour, many, reading, table


def test_readings_are_found_by_device_pollutant_interval_and_period(series: SeriesStore) -> None:
    for minute in range(10):
        series.append(many(3, minute, pollutants=2))
    series.append(many(3, 0, pollutants=2, interval="hour"))
    found = series.readings(["MN000001"], ["p1"], "minute", Period(T0 + 2 * MINUTE, T0 + 5 * MINUTE))
    assert found["start"].to_list() == [T0 + 2 * MINUTE, T0 + 3 * MINUTE, T0 + 4 * MINUTE]
    assert set(found["device"]) == {"MN000001"}
    assert str(found["start"].dtype) == "Datetime(time_unit='us', time_zone='UTC')"


def test_the_hour_of_record_is_the_devices_own_and_ours_where_it_has_no_value(series: SeriesStore) -> None:
    ours = [hour(hours=h, value=10.0 + h) for h in range(3)]
    device = [hour(hours=0, value=20.0, basis="device"), hour(hours=1, value=None, basis="device")]
    series.append(hours=pl.concat(ours + device))
    found = series.hours(["station:1"], of_record=True)
    assert found["value"].to_list() == [20.0, 11.0, 12.0]
    assert series.hours().height == 5
    assert series.hours(["station:2"]).height == 0


def test_a_series_of_hours_holds_gaps_missing_and_bad_ones_apart(series: SeriesStore) -> None:
    parts = [hour(hours=0), hour(hours=1, value=None), hour(hours=3, quality="bad"), hour(hours=4, quality="suspect")]
    series.append(hours=pl.concat(parts), days=hour(value=7.0))
    found = series.series("station:1", "so2", "hour", Period(T0, T0 + timedelta(days=1)))
    assert len(found) == 4
    assert found.start.dtype == np.dtype("datetime64[us]")
    assert found.start[2] == np.datetime64("2026-01-31T19:00:00")
    assert found.usable.tolist() == [True, False, False, True]
    assert np.isnan(found.value[1])
    assert series.series("station:1", "so2", "day", Period(T0, T0 + timedelta(days=1))).value.tolist() == [7.0]


def test_plain_means_by_day_are_of_the_good_hours_of_the_local_day(series: SeriesStore) -> None:
    rows = [hour(hours=h, value=float(h)) for h in range(30)]  # T0 is midnight of Shanghai
    series.append(hours=pl.concat([*rows, hour("station:2", 3, 9.0), hour("station:1", 5, 99.0, pollutant="no2")]))
    series.append(hours=hour(hours=23, value=1000.0, quality="bad"))
    period = Period(T0, T0 + timedelta(days=2))
    found = series.means_by_day(["station:1"], period, timedelta(hours=8)).sort("pollutant", "day")
    assert [(str(row[2]), row[3], row[4]) for row in found.rows()] == [
        ("2026-02-01", 99.0, 1),
        ("2026-02-01", sum(range(23)) / 23, 23),
        ("2026-02-02", sum(range(24, 30)) / 6, 6),
    ]


def test_a_minute_series_needs_its_loggers(series: SeriesStore) -> None:
    series.append(table(reading(), reading(minute=1, value=4.0)))
    period = Period(T0, T0 + timedelta(days=1))
    assert series.series("station:1", "so2", "minute", period, devices=["MN1"]).value.tolist() == [1.0, 4.0]
    with pytest.raises(InputError, match="needs the loggers"):
        series.series("station:1", "so2", "minute", period)


def test_loggers_whose_numbers_begin_alike_are_told_apart(series: SeriesStore) -> None:
    batch = many(200, 0).with_columns(device=pl.lit("4101000000001234") + pl.col("device"))
    series.append(batch)
    found = series.readings(["4101000000001234MN000007"])
    assert found.height == 10
    assert set(found["device"]) == {"4101000000001234MN000007"}


def test_plain_means_by_day_are_the_same_for_most_of_the_sites_and_for_a_few_of_many(series: SeriesStore) -> None:
    """24 hours of 12 sites from 16:00 UTC on, values site + hour: the local day's mean is site + 11.5."""
    rows_ = [hour(f"station:{site}", at, float(site + at)) for site in range(12) for at in range(24)]
    series.append(hours=pl.concat([*rows_, hour("station:0", 3, 99.0, stat="max"), hour("station:0", 24, 7.0)]))
    period, local = Period(T0, T0 + timedelta(days=2)), timedelta(hours=8)
    every = [f"station:{site}" for site in range(12)]
    whole = series.means_by_day(every, period, local).sort("day", "value")
    assert whole["value"].to_list() == [site + 11.5 for site in range(12)] + [7.0]
    for few in (every[1:2], every[3:6], every[1:]):
        found = series.means_by_day(few, period, local).sort("value")
        assert found.equals(whole.filter(pl.col("site").is_in(few)).sort("value"))
    assert series.means_by_day(["station:0"], period, local, "max")["value"].to_list() == [99.0]
    assert series.means_by_day([], period, local).is_empty()
    with pytest.raises(InputError, match="stat"):
        series.means_by_day(every, period, local, "mean'")  # type: ignore[arg-type]


def test_rows_come_in_the_order_of_their_key_whatever_was_asked(series: SeriesStore) -> None:
    mixed = [
        reading(device, minute, stat=stat, pollutant=pollutant, interval=interval)
        for minute in (2, 0, 1) for stat in ("rtd", "avg") for interval in ("rt", "minute")
        for pollutant in ("so2", "no2", "O3x") for device in ("MN2", "MN10", "mn1")
    ]  # fmt: skip
    series.append(table(*mixed))
    keys = ["device", "pollutant", "stat", "interval", "start"]
    for asked in ({}, {"devices": ["MN10"]}, {"devices": ["mn1"], "interval": "rt"}, {"pollutants": ["so2"]}):
        found = series.readings(**asked).select(keys).rows()  # type: ignore[arg-type]
        assert found == sorted(found)
        assert found
    assert [row[:4] for row in series.latest().select(keys).rows()] == sorted({row.key[:4] for row in mixed})


def test_rows_over_a_span_of_keys_too_wide_for_one_number_are_ordered_as_well() -> None:
    chance = np.random.default_rng(5)
    centuries = pl.Series([datetime(year, 1, 1, tzinfo=UTC) for year in (1900, 2026, 2200)])
    frame = pl.DataFrame(
        {
            "device": [f"MN{n}" for n in chance.permutation(30)],
            "start": centuries.gather(chance.integers(0, 3, 30)),
            "end": centuries.gather(chance.integers(0, 3, 30)),
        }
    )
    for keys in (["start", "end", "device"], ["start", "device"], ["device"]):
        assert in_order(frame, keys).equals(frame.sort(keys))
    assert in_order(frame.head(1), ["start", "device"]).equals(frame.head(1))


def test_a_text_with_a_quote_in_it_stands_in_a_statement_as_it_is(series: SeriesStore) -> None:
    series.append(table(reading("O'MN", interval="hour"), reading("O'MN")))
    found = series.readings(["O'MN"], None, "hour", Period(T0, T0 + MINUTE))
    assert found.select("device", "interval").rows() == [("O'MN", "hour")]
    assert series.readings(["MN1"], None, "it's").is_empty()  # type: ignore[arg-type]
