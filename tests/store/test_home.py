"""One folder, one owner, one format; a backup comes back equal or is refused."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from bihuan.core import InputError, NotCovered, Ref, StoreError, StoreLocked, StoreVersionError
from bihuan.register import Device
from bihuan.store import (
    CitySetting,
    Entry,
    Home,
    Journal,
    JournalReader,
    Link,
    Position,
    Row,
    Store,
    backup,
    encode_entry,
    open_store,
    read_manifest,
    restore,
    survey,
)
from bihuan.store import home as home_module
from tests.store.rows import T0, hour, many, reading, table

OLD = Path(__file__).parents[1] / "data" / "store_v1.tar.xz"


def fill(store: Store) -> None:
    """Put something of everything into a store."""
    journal = Journal(store.home.journal, "g1", segment_bytes=2000)
    for number in range(12):
        journal.append([encode_entry(b"##frame %d" % number * 20, T0, "10.0.0.1:4001", "known")])
    journal.seal()
    journal.append([encode_entry(b"##last", T0, "10.0.0.1:4001", "unknown")])
    end = journal.end
    journal.close()
    store.series.append(many(5, 0), hours=hour(), days=hour(value=2.0), consumed={"g1": end})
    store.series.append(table(reading("MN000001", value=99.0, pollutant="p1")))
    with store.records.transaction():
        store.records.save("event", [Row("e1", b'{"n":1}', "station:1", "open", start=T0)])
        store.records.link([Link(Ref("frame", "g1-1/86"), Ref("event", "e1"))])
        store.records.save_facts([Device(id="MN1", name="", site="station:1")])
        store.ledger.add(Entry(T0, "p1", "sign_warning", "warning:w1", b'{"grade":"orange"}'))
    store.settings.set(CitySetting("limit_hours", 24, date(2026, 1, 1), "p1", "order 12", T0))
    store.blobs.put(b"a photo")


def everything(store: Store) -> dict[str, object]:
    """All that a store remembers, to compare."""
    return {
        "readings": store.series.readings().to_dicts(),
        "hours": store.series.hours().to_dicts(),
        "days": store.series.days().to_dicts(),
        "latest": store.series.latest().to_dicts(),
        "consumed": store.series.consumed(),
        "frames": list(store.journal.follow("g1")),
        "events": store.records.find("event"),
        "links": store.records.walk(Ref("event", "e1"), "back"),
        "facts": store.records.facts(),
        "ledger": (store.ledger.entries(), store.ledger.check()),
        "settings": store.settings.history(),
        "blobs": {digest: store.blobs.get(digest) for digest in store.blobs},
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "home")
    fill(store)
    yield store
    store.close()


def test_a_store_opened_again_holds_what_it_held(tmp_path: Path) -> None:
    with open_store(tmp_path / "home") as store:
        fill(store)
        before = everything(store)
    with open_store(Home(tmp_path / "home"), create=False) as store:
        assert everything(store) == before
        assert store.series.consumed()["g1"] == store.journal.end("g1")


def test_a_home_without_a_store_is_refused_when_none_may_be_made(tmp_path: Path) -> None:
    with pytest.raises(NotCovered, match="holds no store: start one"):
        open_store(tmp_path / "home", create=False)
    assert not (tmp_path / "home").exists()


def test_a_second_owner_is_refused_and_told_which_process_owns_the_store(store: Store) -> None:
    with pytest.raises(StoreLocked, match=rf"is open in process {os.getpid()}.*API"):
        open_store(store.home)
    code = (
        "import sys, pathlib\nfrom bihuan.core import StoreLocked\nfrom bihuan.store import open_store\n"
        "try:\n    open_store(pathlib.Path(sys.argv[1]))\nexcept StoreLocked as problem:\n    print(problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(store.home.path)], capture_output=True, text=True, check=True
    )
    assert f"is open in process {os.getpid()}" in done.stdout


def test_a_store_of_a_newer_bihuan_is_refused_untouched(tmp_path: Path) -> None:
    open_store(tmp_path / "home").close()
    home = Home(tmp_path / "home")
    home.marker.write_text("format = 99\n")
    with pytest.raises(StoreVersionError, match=r"has format 99.*newer"):
        open_store(home)
    assert home.marker.read_text() == "format = 99\n"
    home.marker.write_text("format = soon")
    with pytest.raises(StoreError, match="must say format"):
        open_store(home)


def test_the_stored_layout_of_format_1_opens_with_everything_in_it(tmp_path: Path) -> None:
    with tarfile.open(OLD) as packed:
        packed.extractall(tmp_path, filter="data")
    expected = json.loads((tmp_path / "home" / "expected.json").read_bytes())
    with open_store(tmp_path / "home", create=False) as store:
        assert store.series.counts() == expected["counts"]
        assert {name: list(at) for name, at in store.series.consumed().items()} == expected["consumed"]
        assert [record.raw.decode() for record in store.journal.follow("g1")] == expected["frames"]
        assert [row.id for row in store.records.find("event")] == expected["events"]
        assert store.ledger.check().hash == expected["ledger"]
        assert list(store.blobs) == expected["blobs"]
        assert store.series.append(many(5, 0).filter(pl.col("pollutant") != "p1")).new == 0


def test_an_upgrade_step_runs_once_and_survives_being_killed_before_its_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(OLD) as packed:
        packed.extractall(tmp_path, filter="data")
    home = Home(tmp_path / "home")
    runs: list[int] = []

    def step(which: Home) -> None:
        runs.append(which.format())
        (which.path / "new_in_2").write_text("made by the step")
        if len(runs) == 1:
            raise RuntimeError("killed")

    monkeypatch.setattr(home_module, "FORMAT", 2)
    monkeypatch.setitem(home_module.UPGRADES, 1, step)
    with pytest.raises(RuntimeError):
        open_store(home)
    assert home.format() == 1
    for _ in range(2):
        open_store(home).close()
    assert runs == [1, 1]
    assert home.format() == 2


def test_a_store_is_surveyed_from_outside_whether_it_is_open_or_not(tmp_path: Path) -> None:
    store = open_store(tmp_path / "home")
    fill(store)
    seen = survey(store.home)
    assert (seen.format, f"open in process {os.getpid()}" in seen.owned) == (1, True)
    assert all(size > 0 for size in seen.sizes.values())
    assert seen.journals["g1"].end == store.journal.end("g1")
    assert 0 < seen.journals["g1"].sealed < seen.journals["g1"].segments
    lock = store.home.lock.read_text()
    store.close()
    assert survey(store.home).owned == ""
    assert store.home.lock.read_text() == lock
    assert survey(tmp_path / "nothing").format is None
    assert not (tmp_path / "nothing").exists()


def test_a_backup_restores_equal_while_the_store_stays_open(store: Store, tmp_path: Path) -> None:
    store.home.devices.write_text("{}")
    before = everything(store)
    manifest = backup(store, tmp_path / "backup", T0)
    assert everything(store) == before
    assert manifest == read_manifest(tmp_path / "backup")
    assert manifest.consumed == {"g1": tuple(store.series.consumed()["g1"])}
    restore(tmp_path / "backup", tmp_path / "restored")
    with open_store(tmp_path / "restored", create=False) as restored:
        assert everything(restored) == before
        assert restored.home.devices.read_text() == "{}"
        journal = Journal(restored.home.journal, "g1")
        journal.append([encode_entry(b"##after", T0, "p", "known")])
        journal.close()
        assert [record.raw for record in restored.journal.follow("g1", Position(*manifest.consumed["g1"]))] == [
            b"##after"
        ]


def test_what_is_written_after_the_cut_is_not_in_the_backup(store: Store, tmp_path: Path) -> None:
    pinned = store.series.pin(tmp_path / "copy.duckdb")
    store.series.append(many(50, 7), consumed={"g1": Position(9, 99)})
    store.series.flag(store.series.readings().head(3).with_columns(reason=pl.lit("late")))
    with pinned:
        counts, consumed = pinned.copy()
    assert counts["readings"] == 50
    assert consumed == {"g1": store.journal.end("g1")}
    assert store.series.counts()["readings"] == 550


def test_a_backup_that_was_changed_is_refused_by_file_and_nothing_is_put_in_place(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "backup", T0)
    for name in ("records.sqlite", "series.duckdb", next(iter((tmp_path / "backup").rglob("*.zst"))).name):
        changed = tmp_path / f"changed-{name}"
        shutil.copytree(tmp_path / "backup", changed)
        path = next(iter(changed.rglob(name)))
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with pytest.raises(StoreError, match=f"{name} of the backup .* does not have its digest"):
            restore(changed, tmp_path / "restored")
        path.unlink()
        with pytest.raises(StoreError, match=f"lacks .*{name}"):
            restore(changed, tmp_path / "restored")
        assert not (tmp_path / "restored").exists()


def test_a_folder_that_is_no_whole_backup_is_refused(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "backup", T0)
    (tmp_path / "backup" / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"no whole backup: it has no manifest\.json"):
        restore(tmp_path / "backup", tmp_path / "restored")


def test_neither_backup_nor_restore_writes_over_anything(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not empty"):
        backup(store, store.home.path, T0)
    backup(store, tmp_path / "backup", T0)
    with pytest.raises(InputError, match="is not empty"):
        restore(tmp_path / "backup", store.home)


def test_a_backup_of_a_newer_format_is_refused(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "backup", T0)
    path = tmp_path / "backup" / "manifest.json"
    path.write_text(path.read_text().replace('"format":1', '"format":7'))
    with pytest.raises(StoreVersionError, match="format 7"):
        restore(tmp_path / "backup", tmp_path / "restored")


def test_a_backup_whose_journal_ends_before_the_series_is_not_made(store: Store, tmp_path: Path) -> None:
    store.series.append(consumed={"g1": Position(99, 64)})
    with pytest.raises(StoreError, match="ends before what the series were made from"):
        backup(store, tmp_path / "backup", T0)
    assert JournalReader(store.home.journal).check() == {"g1": 13}
