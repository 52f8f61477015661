"""The series keep one current row a key, whatever comes twice."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import LEVELS, FormatError, InputError, Period, Reading, StoreError
from bihuan.store import Position, SeriesStore, Written
from tests.store.rows import MINUTE, T0, hour, many, reading, table


def rows(store: SeriesStore, *columns: str) -> list[tuple[object, ...]]:
    return store.readings().select(columns).rows()


def test_a_reading_comes_back_as_it_went_in(series: SeriesStore) -> None:
    given_ = reading(value=0.1)
    assert series.append(table(given_, reading("MN2", value=None, quality="missing", reason="empty"))) == Written(2)
    found = series.readings(devices=["MN1"]).row(0, named=True)
    assert found.pop("revision") == 1
    assert Reading(**found) == given_
    assert rows(series, "device", "value", "reason") == [("MN1", 0.1, ""), ("MN2", None, "empty")]


def test_the_same_batch_twice_changes_nothing(series: SeriesStore) -> None:
    batch = many(20, minute=0)
    assert series.append(batch) == Written(new=200)
    before = series.readings()
    assert series.append(batch.with_columns(frame=pl.lit("g1-9/999"), origin=pl.lit("resent"))) == Written(
        unchanged=200
    )
    assert series.readings().equals(before)


def test_another_value_replaces_the_row_and_raises_its_revision(series: SeriesStore) -> None:
    series.append(table(reading(value=1.0), reading(minute=1)))
    assert series.append(table(reading(value=2.0, frame="g1-1/99"))) == Written(revised=1)
    assert rows(series, "value", "revision", "frame") == [(2.0, 2, "g1-1/99"), (1.0, 1, "g1-1/64")]


def test_of_two_rows_with_one_key_in_a_batch_the_last_wins(series: SeriesStore) -> None:
    assert series.append(table(reading(value=1.0), reading(value=2.0), reading(value=3.0))) == Written(new=1)
    assert rows(series, "value", "revision") == [(3.0, 1)]


def test_unreviewed_data_never_replaces_reviewed(series: SeriesStore) -> None:
    series.append(table(reading(value=5.0, level="reviewed"), reading(value=9.0)))
    assert rows(series, "value", "level") == [(5.0, "reviewed")]
    assert series.append(table(reading(value=7.0))) == Written(unchanged=1)
    assert series.append(table(reading(value=6.0, level="reviewed"))) == Written(revised=1)
    assert rows(series, "value", "level") == [(6.0, "reviewed")]


def test_flags_change_quality_and_reason_and_never_the_value(series: SeriesStore) -> None:
    series.append(table(reading(value=123.4), reading(minute=1)))
    flags = series.readings().head(1).with_columns(quality=pl.lit("suspect"), reason=pl.lit("jump"), value=pl.lit(0.0))
    assert series.flag(flags) == 1
    assert series.flag(flags) == 0
    assert rows(series, "value", "quality", "reason", "revision")[0] == (123.4, "suspect", "jump", 2)


def test_a_resent_value_does_not_wash_off_a_flag_but_a_new_value_does(series: SeriesStore) -> None:
    series.append(table(reading(value=1.0)))
    series.flag(series.readings().with_columns(quality=pl.lit("suspect"), reason=pl.lit("stuck")))
    assert series.append(table(reading(value=1.0, origin="resent"))) == Written(unchanged=1)
    assert rows(series, "quality", "reason") == [("suspect", "stuck")]
    series.append(table(reading(value=2.0)))
    assert rows(series, "quality", "reason") == [("good", "")]


def test_nan_is_stored_as_missing(series: SeriesStore) -> None:
    series.append(table(reading(value=float("nan"))))
    assert rows(series, "value") == [(None,)]


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


def test_the_latest_reading_follows_late_and_corrected_ones(series: SeriesStore) -> None:
    def latest() -> list[tuple[object, ...]]:
        return series.latest().select("device", "start", "value").rows()

    assert latest() == []
    series.append(table(reading(minute=5, value=5.0), reading("MN2", minute=1, value=1.0)))
    assert latest() == [("MN1", T0 + 5 * MINUTE, 5.0), ("MN2", T0 + MINUTE, 1.0)]
    series.append(table(reading(minute=4, value=4.0)))
    assert latest()[0] == ("MN1", T0 + 5 * MINUTE, 5.0)
    series.append(table(reading(minute=5, value=5.5), reading("MN2", minute=9, value=9.0)))
    assert latest() == [("MN1", T0 + 5 * MINUTE, 5.5), ("MN2", T0 + 9 * MINUTE, 9.0)]
    assert series.latest(["MN2"]).height == 1


def test_the_latest_reading_survives_a_restart_before_it_was_asked_for(tmp_path: Path) -> None:
    store = SeriesStore(tmp_path / "s.duckdb")
    store.append(table(reading(minute=5, value=5.0)))
    store.close()
    store = SeriesStore(tmp_path / "s.duckdb")
    assert store.latest()["value"].to_list() == [5.0]
    store.close()


def test_the_latest_reading_survives_a_process_that_died_before_it_was_asked_for(tmp_path: Path) -> None:
    code = (
        "import sys, os, pathlib\nfrom bihuan.store import SeriesStore\n"
        "from tests.store.rows import reading, table\nstore = SeriesStore(pathlib.Path(sys.argv[1]))\n"
        "store.append(table(reading(minute=5, value=5.0)))\nstore.latest()\n"
        "store.append(table(reading(minute=7, value=7.0), reading('MN2', minute=-5000, value=2.0)))\nos._exit(1)"
    )
    path = tmp_path / "s.duckdb"
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{root / 'src'}:{root}"}
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=root, env=environment)
    store = SeriesStore(path)
    assert store.latest().select("device", "value").rows() == [("MN1", 7.0), ("MN2", 2.0)]
    store.append(table(reading(minute=8, value=8.0)))
    assert store.latest()["value"].to_list() == [8.0, 2.0]
    store.close()


def test_readings_and_consumed_position_commit_together_or_not_at_all(series: SeriesStore) -> None:
    series.append(table(reading()), consumed={"g1": Position(1, 500)})
    assert series.consumed() == {"g1": Position(1, 500)}
    with pytest.raises(StoreError):
        series.append(table(reading(minute=1)), consumed={"g1": Position(1, 10**30)})
    assert series.counts()["readings"] == 1
    assert series.consumed() == {"g1": Position(1, 500)}
    assert series.latest().height == 1
    series.append(consumed={"g1": Position(2, 64), "g2": Position(1, 80)})
    assert series.consumed() == {"g1": Position(2, 64), "g2": Position(1, 80)}


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (many(1, 0).drop("mark"), "lacks mark"),
        (many(1, 0).with_columns(mark=pl.lit(None, pl.String)), "nothing in mark"),
        (many(1, 0).with_columns(pl.col("start").dt.replace_time_zone(None)), "must be microseconds in UTC"),
        (many(1, 0).with_columns(level=pl.lit("final")), "allowed are realtime"),
    ],
)
def test_a_batch_of_the_wrong_shape_is_refused_by_name(series: SeriesStore, batch: pl.DataFrame, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        series.append(batch)
    assert series.counts()["readings"] == 0


def test_a_second_process_is_refused_and_told_who_owns_the_file(embedded: SeriesStore) -> None:
    import os

    code = (
        "import sys, pathlib\nfrom bihuan.core import StoreLocked\nfrom bihuan.store import SeriesStore\n"
        "try:\n    SeriesStore(pathlib.Path(sys.argv[1]))\nexcept StoreLocked as problem:\n    print(problem)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(embedded.path)], capture_output=True, text=True, check=True
    ).stdout
    assert f"open in process {os.getpid()}" in said


def test_sorting_sealed_days_changes_their_order_only(embedded: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(0, 3 * 1440, 480):
        embedded.append(many(30, minute))
    before = embedded.readings()
    monkeypatch.setattr("bihuan.store.series.PIECE", 100)
    assert embedded.resort(T0 + timedelta(days=1)) == 1 * 300 + 0
    assert embedded.readings().equals(before)
    day = embedded.query("SELECT device, spot FROM kept_readings WHERE start < ? ", [T0 + timedelta(hours=8)])
    assert day["spot"].is_sorted()
    assert day["device"].rle().len() == 30, "the rows of a logger lie together"
    assert embedded.resort(T0 + timedelta(days=1)) == 0
    assert embedded.append(many(30, 0)) == Written(unchanged=300)


def test_sorting_that_is_stopped_goes_on_the_next_time(embedded: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(0, 1440, 360):
        embedded.append(many(30, minute))
    before = embedded.readings()
    monkeypatch.setattr("bihuan.store.series.PIECE", 100)
    asked = iter([False, False, False, False, True, True, True])
    stopped = embedded.resort(T0 + timedelta(days=2), stop=lambda: next(asked))
    assert 0 < stopped < 600
    assert embedded.readings().equals(before)
    assert embedded.resort(T0 + timedelta(days=2)) == 1200
    assert embedded.readings().equals(before)


def test_a_file_of_an_older_bihuan_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    store = SeriesStore(path)
    store.append(pl.concat([many(3, 0), many(3, 1)]))
    before, latest = store.readings(), store.latest()
    with store._writing() as connection:
        connection.execute("CREATE TABLE plain AS SELECT * FROM readings")
        connection.execute("DROP VIEW readings")
        connection.execute("DROP TABLE kept_readings")
        connection.execute("ALTER TABLE plain RENAME TO readings")
        connection.execute("DROP TABLE touched")
        connection.execute("INSERT INTO meta VALUES ('latest_from', '2026-01-31T16:01:00Z')")
    store.close()
    store = SeriesStore(path)
    assert store.readings().equals(before)
    assert store.latest().equals(latest)
    assert store.readings(["MN000001"]).height == 20
    store.close()


def test_loggers_whose_numbers_begin_alike_are_told_apart(series: SeriesStore) -> None:
    batch = many(200, 0).with_columns(device=pl.lit("4101000000001234") + pl.col("device"))
    series.append(batch)
    found = series.readings(["4101000000001234MN000007"])
    assert found.height == 10
    assert set(found["device"]) == {"4101000000001234MN000007"}


def test_the_latest_reading_follows_a_flag_and_the_level_that_stands(series: SeriesStore) -> None:
    series.append(table(reading(minute=0, value=1.0), reading(minute=1, value=2.0, level="reviewed")))
    series.append(table(reading(minute=1, value=9.0)))
    assert series.latest().equals(series.readings().tail(1))
    series.flag(series.readings().with_columns(quality=pl.lit("suspect"), reason=pl.lit("jump")))
    assert series.latest()["quality"].to_list() == ["suspect"]
    assert series.latest().equals(series.readings().tail(1))


def test_touched_hours_are_those_of_new_changed_and_flagged_readings_until_they_are_rolled(
    series: SeriesStore,
) -> None:
    later = T0 + timedelta(days=1)
    series.append(table(reading(minute=5), reading("MN2", minute=70), reading("MN3", interval="hour")))
    touched = series.touched(later)
    assert touched.rows() == [("MN1", T0), ("MN2", T0 + timedelta(hours=1))]
    assert series.touched(T0 + timedelta(hours=1)).rows() == [("MN1", T0)]
    series.append(hours=hour(), rolled=touched)
    assert series.touched(later).is_empty()
    series.append(table(reading(minute=5)))
    assert series.touched(later).is_empty(), "nothing new was said"
    series.append(table(reading(minute=5, value=7.0)))
    assert series.touched(later).rows() == [("MN1", T0)]
    series.append(rolled=touched)
    series.flag(series.readings(["MN2"]).with_columns(quality=pl.lit("bad"), reason=pl.lit("stuck")))
    assert series.touched(later).rows() == [("MN2", T0 + timedelta(hours=1))]


def test_a_large_batch_onto_the_same_hours_is_added_beside_what_is_there(series: SeriesStore) -> None:
    first = pl.concat([many(500, minute) for minute in range(5)])
    other = pl.concat([many(500, minute, first=500) for minute in range(5)])
    assert series.append(first) == Written(new=25_000)
    assert series.append(pl.concat([first, other])) == Written(new=25_000, unchanged=25_000)


def test_what_came_from_the_journal_can_be_dropped_and_comes_again(series: SeriesStore) -> None:
    live, imported = table(reading(), reading("MN2")), table(reading("file", frame="import:2019.csv/7"))
    series.append(imported)
    series.append(live, consumed={"g1": Position(1, 500)}, hours=hour())
    before = series.readings()
    assert series.forget_journalled() == 2
    assert (series.consumed(), series.counts()["readings"], series.counts()["hours"]) == ({}, 1, 1)
    assert series.latest()["device"].to_list() == ["file"]
    series.append(live, consumed={"g1": Position(1, 500)})
    assert series.readings().equals(before)
    assert series.latest().height == 3


VALUES = st.sampled_from([None, 0.0, 0.1, 1.0])
ROWS = st.builds(
    lambda device, minute, value, level, mark: reading(
        device, minute, value, level=level, mark=mark, quality="missing" if value is None else "good"
    ),
    st.sampled_from(["MN1", "MN2"]),
    st.integers(0, 3),
    VALUES,
    st.sampled_from(LEVELS[:2]),
    st.sampled_from(["N", "D"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(ROWS, max_size=6), max_size=6), st.booleans())
def test_append_does_what_a_dictionary_would_however_the_rows_are_cut_into_batches(
    batches: list[list[Reading]], searched: bool
) -> None:
    """Small batches are searched for in the table; of those of a step the table names what it has, here of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bihuan.store.series.LARGE", 20_000 if searched else 1)
        _append_as_a_dictionary(batches)


def _append_as_a_dictionary(batches: list[list[Reading]]) -> None:
    store = SeriesStore(Path(":memory:"))
    model: dict[object, tuple[Reading, int]] = {}
    for batch in batches:
        last: dict[object, Reading] = {}
        for row in batch:
            held = last.get(row.key)
            if held is None or LEVELS.index(row.level) >= LEVELS.index(held.level):
                last[row.key] = row
        for key, row in last.items():
            old, revision = model.get(key, (None, 0))
            if old is None:
                model[key] = (row, 1)
            elif LEVELS.index(row.level) >= LEVELS.index(old.level) and row != old:
                model[key] = (row, revision + 1)
        store.append(table(*batch))
    found = {
        (r["device"], r["pollutant"], r["stat"], r["interval"], r["start"]): r
        for r in store.readings().iter_rows(named=True)
    }
    assert set(found) == set(model)
    for key, (row, revision) in model.items():
        held = found[key]
        assert held.pop("revision") == revision
        assert Reading(**held) == row
    newest = {}
    for row, _ in model.values():
        held_latest = newest.get(row.device)
        if held_latest is None or row.start > held_latest.start:
            newest[row.device] = row
    assert store.latest().select("device", "start", "value").rows() == [
        (device, newest[device].start, newest[device].value) for device in sorted(newest)
    ]
    store.close()


def test_the_latest_readings_are_right_however_often_what_is_gathered_was_thinned_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older and corrected rows among it; thinned in memory (few series), or brought into the table (many, or long)."""
    chance = np.random.default_rng(3)
    for most, unsettled in ((4, 10**9), (40, 10**9), (40, 60)):
        monkeypatch.setattr("bihuan.store.following.MANY", most)
        monkeypatch.setattr("bihuan.store.following.UNSETTLED", unsettled)
        store = SeriesStore(tmp_path / f"{most}-{unsettled}.duckdb")
        for _ in range(30):
            minutes = chance.integers(0, 40, 6)
            store.append(table(*(reading(f"MN{n % 3}", int(at), float(at + n)) for n, at in enumerate(minutes))))
        newest = store.readings().sort("start").unique(["device"], keep="last").sort("device")
        assert store.latest().equals(newest)
        store.close()


@pytest.mark.parametrize("large", [1, 20_000])
def test_an_hour_among_those_of_many_other_sites_is_new_revised_or_unchanged_as_among_few(
    series: SeriesStore, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.store.series.LARGE", large)
    others = pl.concat([hour(f"station:{number}") for number in range(10, 30)])
    assert series.append(hours=others) == Written(new=20)
    assert series.append(hours=hour("station:1")) == Written(new=1)
    assert series.append(hours=hour("station:1")) == Written(unchanged=1)
    both = pl.concat([hour("station:1", value=2.0), hour("station:2")])
    assert series.append(hours=both) == Written(new=1, revised=1)
    assert series.hours(["station:1", "station:2"]).select("value", "revision").rows() == [(2.0, 2), (1.0, 1)]
    assert series.counts()["hours"] == 22


@pytest.mark.parametrize("large", [1, 20_000])
def test_a_batch_of_which_a_part_is_known_is_new_in_the_rest(
    series: SeriesStore, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.store.series.LARGE", large)
    series.append(many(5, minute=0))
    wider = pl.concat([many(8, minute=0), many(8, minute=1)]).with_columns(
        value=pl.when(pl.col("device") == "MN000001").then(500.0).otherwise("value")
    )
    assert series.append(wider) == Written(new=110, revised=10, unchanged=40)
    changed = series.readings(["MN000001"])
    assert changed["revision"].to_list() == [2, 1] * 10
    assert changed["value"].unique().to_list() == [500.0]
    assert series.append(wider) == Written(unchanged=160)


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
