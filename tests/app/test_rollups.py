"""Hours end up the same whatever the order in which minutes arrive, and are those of a full recompute."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.app.recent import Recent
from bihuan.app.rollups import COLUMNS, averaged, hours_of, roll_touched, with_beside
from bihuan.core import KEY_COLUMNS, Reading
from bihuan.observations import hours_from_minutes
from bihuan.store import SeriesStore
from tests.store.rows import T0, reading, table

SITES = {"MN1": "station:1", "MN2": "station:1", "MN3": "station:2"}
LATER = T0 + timedelta(days=1)
NEED = 45.0

ROWS = st.builds(
    lambda device, tens, value, interval: reading(
        device,
        tens * 10,
        value,
        interval=interval,
        stat="avg" if interval == "minute" else "rtd",
        quality="missing" if value is None else "good",
    ),
    st.sampled_from(["MN1", "MN2", "MN3", "MN9"]),
    st.integers(0, 17),
    st.sampled_from([None, 1.0, 2.5, 40.0]),
    st.sampled_from(["minute", "minute", "rt"]),
)


def full(series: SeriesStore) -> pl.DataFrame:
    return hours_from_minutes(series.readings().select(COLUMNS), SITES, NEED)


def kept(series: SeriesStore) -> pl.DataFrame:
    rows = series.hours().drop("revision")
    return rows.sort("site", "pollutant", "stat", "start", "basis")


def last_of(rows: list[Reading]) -> list[Reading]:
    return list({row.key: row for row in rows}.values())


@settings(max_examples=30, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=40), st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_order_of_arrival_gives_the_hours_and_the_latest_of_a_full_recompute(
    rows: list[Reading], chance: object, size: int
) -> None:
    rows = last_of(rows)
    tables = []
    for shuffled in (rows, chance.sample(rows, len(rows))):  # type: ignore[attr-defined]
        series = SeriesStore(Path(":memory:"))
        for at in range(0, len(shuffled), size):
            series.append(table(*shuffled[at : at + size]))
            if (at // size) % 2:
                roll_touched(series, SITES, NEED, LATER, piece=2)
        roll_touched(series, SITES, NEED, LATER)
        assert series.touched(LATER).is_empty()
        assert kept(series).equals(full(series))
        newest = series.readings().sort("start").unique(["device", "pollutant", "stat", "interval"], keep="last")
        assert series.latest().equals(newest.sort("device", "pollutant", "stat", "interval"))
        tables.append((kept(series), series.readings(), series.latest()))
        series.close()
    assert all(first.equals(second) for first, second in zip(*tables, strict=True))


def test_a_flag_set_over_history_repairs_the_hours_made_of_it() -> None:
    series = SeriesStore(Path(":memory:"))
    whole = [reading("MN3", minute, 10.0 if minute < 30 else 20.0) for minute in range(60)]
    series.append(table(*whole))
    roll_touched(series, SITES, NEED, LATER)
    assert series.hours(["station:2"])["value"].to_list() == [15.0]
    wrong = series.readings().filter(pl.col("value") == 20.0).head(12)
    series.flag(wrong.select(*KEY_COLUMNS, quality=pl.lit("bad"), reason=pl.lit("stuck")))
    assert roll_touched(series, SITES, NEED, LATER) == 1
    assert series.hours(["station:2"])["value"].to_list() == [13.75]
    assert kept(series).equals(full(series))
    series.close()


def test_the_hour_of_a_logger_is_averaged_with_those_beside_it_and_no_others() -> None:
    hours = pl.DataFrame({"device": ["MN2", "MN3"], "start": [T0, T0]})
    assert sorted(with_beside(hours, SITES).rows()) == [("MN1", T0), ("MN2", T0), ("MN3", T0)]


def test_an_hour_that_is_not_over_waits() -> None:
    series = SeriesStore(Path(":memory:"))
    series.append(table(reading("MN3", minute=0)))
    assert roll_touched(series, SITES, NEED, T0 + timedelta(minutes=59)) == 0
    assert roll_touched(series, SITES, NEED, T0 + timedelta(minutes=60, seconds=1)) == 1
    series.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 17), st.integers(1, 5))
def test_hours_made_of_memory_and_store_are_those_of_the_store_whatever_lies_where(
    rows: list[Reading], stored: int, since: int, piece: int
) -> None:
    """Memory holds what is new and the last hours; others' touched hours and hours long gone come from the store."""
    rows = last_of(rows)
    series = SeriesStore(Path(":memory:"))
    everything = pl.DataFrame(pl.from_arrow(table(*rows)))
    before, fresh = everything.head(stored), everything.slice(stored)
    series.append(before)
    own, left = hours_of(fresh), series.touched(LATER)
    recent = Recent(before)
    recent.cut(T0 + timedelta(minutes=10 * since))
    recent.take(fresh)
    left = left.join(own, on=["device", "start"], how="anti")
    hours, over = averaged(series, recent, own, left, SITES, NEED, piece)
    series.append(fresh, hours=hours, rolled=over)
    assert series.touched(LATER).is_empty()
    assert kept(series).equals(full(series))
    series.close()
