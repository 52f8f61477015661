"""The series keep one current row a key, whatever comes twice."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import LEVELS, FormatError, Reading, StoreError
from bihuan.store import Position, SeriesStore, Written
from tests.store.rows import hour, many, reading, table


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
        patch.setattr("bihuan.store.storing.LARGE", 20_000 if searched else 1)
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


@pytest.mark.parametrize("large", [1, 20_000])
def test_an_hour_among_those_of_many_other_sites_is_new_revised_or_unchanged_as_among_few(
    series: SeriesStore, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.store.storing.LARGE", large)
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
    monkeypatch.setattr("bihuan.store.storing.LARGE", large)
    series.append(many(5, minute=0))
    wider = pl.concat([many(8, minute=0), many(8, minute=1)]).with_columns(
        value=pl.when(pl.col("device") == "MN000001").then(500.0).otherwise("value")
    )
    assert series.append(wider) == Written(new=110, revised=10, unchanged=40)
    changed = series.readings(["MN000001"])
    assert changed["revision"].to_list() == [2, 1] * 10
    assert changed["value"].unique().to_list() == [500.0]
    assert series.append(wider) == Written(unchanged=160)
