"""A lake is written by several and read by several, and none of them sees a row twice or loses one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.core import CatalogAway, SettingError
from bihuan.store import LakeAddress, LakeStore, Position, SeriesStore, Written
from bihuan.store.files import REAL_FILES
from bihuan.store.lakefiles import sync_new
from tests.store.rows import MINUTE, T0, many, reading, table

LATER = T0 + timedelta(days=1)


@pytest.fixture
def two(lake_address: LakeAddress, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LakeStore, LakeStore]]:
    monkeypatch.setattr("bihuan.store.lake.INLINED", 5)
    first, second = LakeStore(lake_address), LakeStore(lake_address)
    yield first, second
    first.close()
    second.close()


def test_what_one_stores_the_other_reads_at_once(two: tuple[LakeStore, LakeStore]) -> None:
    first, second = two
    assert first.append(many(20, 0), consumed={"a1": Position(1, 500)}) == Written(new=200)
    assert second.append(many(20, 0), consumed={"b1": Position(3, 64)}) == Written(unchanged=200)
    assert second.append(table(reading(value=2.0))) == Written(new=1)
    assert first.readings().equals(second.readings())
    assert first.consumed() == second.consumed() == {"a1": Position(1, 500), "b1": Position(3, 64)}
    assert first.latest().equals(second.latest())
    assert first.latest().height == 201


def test_two_hosts_with_a_gateway_of_one_name_read_their_own_journals(
    two: tuple[LakeStore, LakeStore], lake_address: LakeAddress
) -> None:
    hosts = [LakeStore(replace(lake_address, host=name)) for name in ("a", "b")]
    for number, host in enumerate(hosts, 1):
        host.append(many(1, number), consumed={"core": Position(number, 64)})
    assert [host.consumed() for host in hosts] == [{"core": Position(1, 64)}, {"core": Position(2, 64)}]
    for host in hosts:
        host.close()


def test_two_that_store_the_same_keys_at_once_leave_one_row_a_key(two: tuple[LakeStore, LakeStore]) -> None:
    def store(one: LakeStore, name: str) -> None:
        for minute in range(6):
            one.append(many(5, minute).with_columns(frame=pl.lit(name)), consumed={name: Position(1, minute)})

    threads = [threading.Thread(target=store, args=(one, name)) for one, name in zip(two, ("a1", "b1"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    rows = two[0].readings()
    assert rows.height == 6 * 50
    assert not rows.select("device", "pollutant", "stat", "interval", "start").is_duplicated().any()
    assert two[1].consumed() == {"a1": Position(1, 5), "b1": Position(1, 5)}


def test_the_latest_of_a_reader_follows_what_others_store_change_flag_and_forget(
    two: tuple[LakeStore, LakeStore],
) -> None:
    writer, reader = two
    writer.append(pl.concat([many(4, 0), many(4, 1)]))
    assert reader.latest()["start"].unique().to_list() == [T0 + MINUTE]
    writer.append(many(4, 0).with_columns(value=pl.lit(7.0)))
    writer.append(many(4, 1).head(10).with_columns(value=pl.lit(9.0)))
    assert reader.latest()["value"].head(10).unique().to_list() == [9.0]
    writer.flag(writer.readings().with_columns(quality=pl.lit("suspect"), reason=pl.lit("jump")))
    assert reader.latest()["quality"].unique().to_list() == ["suspect"]
    assert reader.latest().equals(writer.latest())
    writer.forget_journalled()
    assert reader.latest().is_empty()
    writer.append(many(2, 5))
    assert reader.latest().height == 20


def test_a_process_that_starts_after_a_tidying_knows_the_latest_of_before_and_after(
    two: tuple[LakeStore, LakeStore], lake_address: LakeAddress
) -> None:
    writer, _ = two
    writer.append(many(4, 0))
    writer.tidy()
    writer.append(many(2, 1))
    fresh = LakeStore(lake_address)
    assert fresh.latest().equals(writer.latest())
    assert fresh.latest().height == 40
    assert fresh.query("SELECT count(*) AS n FROM lake.latest")["n"].to_list() == [40]
    fresh.close()


def test_merging_small_files_leaves_the_rows_and_lays_them_in_order(two: tuple[LakeStore, LakeStore]) -> None:
    writer, reader = two
    for minute in range(8):
        writer.append(many(20, minute))
    writer.append(many(20, 3).with_columns(value=pl.lit(1.5)))
    before = writer.readings()
    files = "SELECT count(*) AS n FROM ducklake_list_files('lake', 'kept_readings')"
    assert writer.query(files)["n"].item() >= 8
    assert writer.resort(LATER) >= 8
    writer.tidy()
    assert writer.query(files)["n"].item() < 8
    assert reader.readings().equals(before)
    assert reader.append(many(20, 3).with_columns(value=pl.lit(1.5))) == Written(unchanged=200)
    assert reader.latest().equals(writer.latest())


class Counting(type(REAL_FILES)):  # type: ignore[misc]
    """A disk that tells what was synced."""

    def __init__(self) -> None:
        self.synced: list[Path] = []

    def open(self, path: Path, *, write: bool = False):  # type: ignore[no-untyped-def]
        self.synced.append(path)
        return super().open(path, write=write)

    def sync_folder(self, folder: Path) -> None:
        self.synced.append(folder)
        super().sync_folder(folder)


def test_every_file_of_a_transaction_and_the_folders_above_it_are_synced_before_it_commits(
    lake_address: LakeAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.store.lake.INLINED", 5)
    store = LakeStore(lake_address)
    data, disk, seen = Path(lake_address.data), Counting(), []

    def synced(data: Path, since: str, folders: Iterable[Path]) -> list[Path]:
        found = sync_new(data, since, folders, files=disk)
        seen.extend(found)
        return found

    monkeypatch.setattr("bihuan.store.lake.sync_new", synced)
    before = set(data.rglob("*.parquet"))
    store.append(pl.concat([many(20, 0), many(20, 1440)]))
    store.append(many(20, 0).head(150).with_columns(value=pl.lit(3.25)))
    made = set(data.rglob("*.parquet")) - before
    assert len(made) >= 4
    assert made == set(seen)
    assert any("delete" in path.name for path in made)
    for path in made:
        assert {path, path.parent, path.parent.parent, data} <= set(disk.synced)
    store.close()


def test_while_the_catalog_is_away_nothing_is_stored_and_afterwards_it_goes_on(
    away: tuple[LakeAddress, object],
) -> None:
    address, server = away
    store = LakeStore(address)
    store.append(many(3, 0), consumed={"g1": Position(1, 64)})
    server.stop()  # type: ignore[attr-defined]
    with pytest.raises(CatalogAway, match="does not answer"):
        store.append(many(3, 1), consumed={"g1": Position(1, 128)})
    with pytest.raises(CatalogAway):
        store.readings()
    server.start()  # type: ignore[attr-defined]
    assert store.consumed() == {"g1": Position(1, 64)}
    assert store.append(many(3, 1), consumed={"g1": Position(1, 128)}) == Written(new=30)
    assert store.latest()["start"].unique().to_list() == [T0 + MINUTE]
    assert store.counts()["readings"] == 60
    store.close()


def test_a_copy_of_a_lake_is_an_embedded_file_with_the_same_answers(
    two: tuple[LakeStore, LakeStore], tmp_path: Path
) -> None:
    lake, _ = two
    lake.append(many(5, 0), consumed={"g1": Position(1, 64)})
    lake.append(many(5, 0).head(3).with_columns(value=pl.lit(0.5)))
    with lake.pin(tmp_path / "copy.duckdb") as pinned:
        lake.append(many(5, 1))
        counts, consumed = pinned.copy()
    assert (counts["readings"], consumed) == (50, {"g1": Position(1, 64)})
    copy = SeriesStore(tmp_path / "copy.duckdb")
    assert copy.readings().equals(lake.readings().filter(pl.col("start") == T0))
    assert copy.latest().height == 50
    assert copy.append(many(5, 0).tail(47)) == Written(unchanged=47)
    copy.close()


@pytest.mark.parametrize(
    ("catalog", "data", "schema", "said"),
    [
        ("mysql://x", "/tmp/x", "bihuan", "lake_catalog"),
        ("postgresql://x/y", "shared/x", "bihuan", "lake_data"),
        ("postgresql://x/y", "/tmp/x", "City-1", "lake_schema"),
    ],
)
def test_an_address_that_cannot_be_is_refused_by_name(catalog: str, data: str, schema: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        LakeAddress(catalog, data, schema)


def test_a_password_never_stands_in_a_message() -> None:
    address = LakeAddress("postgresql://bihuan:geheim@127.0.0.1:1/none", "/tmp/none")
    assert "geheim" not in repr(address.name)
    assert "geheim" not in address.hidden("cannot reach postgresql://bihuan:geheim@127.0.0.1:1/none password=geheim x")
    with pytest.raises(CatalogAway) as told:
        LakeStore(address)
    assert "geheim" not in str(told.value)
