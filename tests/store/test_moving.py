"""Moving the series copies every row, checks every day, goes on where it was cut short, and leaves the old ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from bihuan.core import InputError
from bihuan.store import LakeAddress, LakeStore, Position, SeriesStore, Written, move_to_embedded, move_to_lake
from tests.store.rows import T0, hour, many, reading, table

DAY = timedelta(days=1)


def fill(store: SeriesStore) -> None:
    for minute in (0, 1440, 2880, 4320):
        store.append(many(10, minute), hours=hour(hours=minute // 60), consumed={"g1": Position(1, 64 + minute)})
    store.append(many(10, 0).head(40).with_columns(value=pl.lit(0.25)), days=hour(value=None, quality="missing"))
    store.append(table(reading(value=None, quality="missing", reason="empty")))


def answers(store: SeriesStore) -> list[pl.DataFrame]:
    later = T0 + 30 * DAY
    return [store.readings(), store.hours(), store.days(), store.latest(), store.touched(later)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "series.duckdb"
    store = SeriesStore(path)
    fill(store)
    store.close()
    return path


def test_a_file_goes_into_a_lake_and_back_with_the_same_answers(file: Path, lake_address: LakeAddress) -> None:
    before = SeriesStore(file)
    held, consumed = answers(before), before.consumed()
    before.close()
    lake_address = replace(lake_address, host="a")
    moved = move_to_lake(file, lake_address)
    assert moved.counts == {"readings": 401, "hours": 4, "days": 1}
    assert moved.equal < moved.copied
    lake = LakeStore(lake_address)
    assert all(left.equals(right) for left, right in zip(answers(lake), held, strict=True))
    assert lake.consumed() == consumed
    assert lake.append(many(10, 1440)) == Written(unchanged=100)
    lake.append(many(10, 5000))
    held = answers(lake)
    lake.close()
    back = move_to_embedded(lake_address, file)
    assert back.counts["readings"] == 501
    after = SeriesStore(file)
    assert after.consumed() == consumed
    assert all(left.equals(right) for left, right in zip(answers(after), held, strict=True))
    after.close()
    assert file.with_name("series.before.duckdb").exists(), "the file of before stays until it is dropped"


def test_a_move_that_is_cut_short_copies_only_the_rest_the_next_time(file: Path, lake_address: LakeAddress) -> None:
    class Cut(Exception):
        pass

    def tell(table: str, part: int, parts: int) -> None:
        if part == 4:
            raise Cut

    with pytest.raises(Cut):
        move_to_lake(file, lake_address, tell)
    moved = move_to_lake(file, lake_address)
    assert moved.equal >= 3
    lake = LakeStore(lake_address)
    assert lake.counts() == {"readings": 401, "hours": 4, "days": 1}
    lake.close()


def test_a_day_that_changed_meanwhile_is_copied_again_as_a_whole(file: Path, lake_address: LakeAddress) -> None:
    def tell(table: str, part: int, parts: int) -> None:
        if table == "hours":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_to_lake(file, lake_address, tell)
    store = SeriesStore(file)
    store.append(many(10, 1440).head(7).with_columns(value=pl.lit(77.0)))
    held = store.readings()
    store.close()
    move_to_lake(file, lake_address)
    lake = LakeStore(lake_address)
    assert lake.readings().equals(held)
    lake.close()


def test_a_lake_with_rows_of_somebody_else_is_not_written_over(file: Path, lake_address: LakeAddress) -> None:
    lake = LakeStore(lake_address)
    lake.append(table(reading("OTHER")))
    lake.close()
    with pytest.raises(InputError, match="no move has put there"):
        move_to_lake(file, lake_address)
    lake = LakeStore(lake_address)
    assert lake.readings()["device"].to_list() == ["OTHER"]
    lake.close()


def test_moving_leaves_the_source_as_it_was(file: Path, lake_address: LakeAddress) -> None:
    with duckdb.connect(str(file)) as connection:
        before = connection.execute("SELECT count(*), sum(hash(*COLUMNS(*))) FROM kept_readings").fetchall()
    move_to_lake(file, lake_address)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("SELECT count(*), sum(hash(*COLUMNS(*))) FROM kept_readings").fetchall() == before
