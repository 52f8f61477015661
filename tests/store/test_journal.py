"""The journal keeps what it promised and says where it cannot."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import DiskFull, InputError, JournalError, StoreError, StoreLocked
from bihuan.store import START, Journal, JournalReader, Position, encode_entry
from bihuan.store.segments import encode_group
from tests.store.power import PowerCut, PowerCutFiles

NOW = datetime(2026, 1, 31, 16, 0, 0, 123456, tzinfo=UTC)
DISK = Path("/disk/journal")


def entry(number: int, size: int = 40) -> bytes:
    return encode_entry(frame(number, size), NOW + timedelta(seconds=number), f"10.0.0.{number % 250}:4001", "known")


def frame(number: int, size: int = 40) -> bytes:
    return f"##{number:08d}".encode().ljust(size, b"x")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "g1", segment_bytes=4096)
    yield journal
    journal.close()


def test_a_frame_comes_back_as_it_was_by_its_id(journal: Journal, tmp_path: Path) -> None:
    raw = b"##0101QN=...\xff\x00\xb1n\r\n"
    ids = journal.append([encode_entry(raw, NOW, "[::1]:4001", "unknown"), entry(2)])
    record = JournalReader(tmp_path).read(ids[0])
    assert (record.raw, record.received, record.peer, record.status) == (raw, NOW, "[::1]:4001", "unknown")
    assert record.frame == ids[0]
    assert ids[0].startswith("g1-1/")


def test_a_reader_in_another_place_follows_from_where_it_stopped(journal: Journal, tmp_path: Path) -> None:
    reader = JournalReader(tmp_path)
    assert reader.tail("g1") == ([], Position(1, 64))
    journal.append([entry(number) for number in range(5)])
    first, at = reader.tail("g1", START, limit=3)
    for number in range(5, 200, 15):
        journal.append([entry(n) for n in range(number, number + 15)])
    rest, end = reader.tail("g1", at)
    assert [record.raw for record in first + rest] == [frame(number) for number in range(200)]
    assert end.segment > 1
    assert reader.tail("g1", end) == ([], end)


def test_a_journal_opened_again_goes_on_behind_its_last_frame(tmp_path: Path) -> None:
    for number in range(6):
        journal = Journal(tmp_path, "g1")
        journal.append([entry(number)])
        journal.close()
    assert [record.raw for record in JournalReader(tmp_path).follow("g1")] == [frame(number) for number in range(6)]


def test_a_second_writer_is_refused_and_told_who_writes(journal: Journal, tmp_path: Path) -> None:
    import os

    with pytest.raises(StoreLocked, match=f"gateway g1 is open in process {os.getpid()}"):
        Journal(tmp_path, "g1")


def test_a_torn_tail_is_cut_off_and_everything_before_it_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "g1")
    journal.append([entry(1), entry(2)])
    end = journal.end
    journal.close()
    path = tmp_path / "g1" / "00000001.log"
    path.write_bytes(path.read_bytes() + entry(3)[:-5])
    journal = Journal(tmp_path, "g1")
    assert journal.cut == len(entry(3)) - 5
    assert journal.end == end
    journal.append([entry(4)])
    journal.close()
    assert [record.raw for record in JournalReader(tmp_path).follow("g1")] == [frame(1), frame(2), frame(4)]


@pytest.mark.parametrize(("where", "lost"), [(64 + 30, 1), (64 + 22 + 73 + 40, 2)])
def test_damage_in_the_middle_is_never_cut_but_named(tmp_path: Path, where: int, lost: int) -> None:
    journal = Journal(tmp_path, "g1")
    journal.append([entry(1), entry(2)])
    journal.append([entry(3)])
    journal.close()
    path = tmp_path / "g1" / "00000001.log"
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)
    journal = Journal(tmp_path, "g1")
    assert re.search(r"00000001\.log is damaged at byte \d+.*restore", journal.problem)
    assert path.read_bytes() == data
    journal.append([entry(4)])
    journal.close()
    assert path.read_bytes() == data, "devices are answered on, in a new segment"
    with pytest.raises(JournalError, match=r"00000001\.log is damaged at byte"):
        list(JournalReader(tmp_path).follow("g1"))
    found = [record.raw for record in JournalReader(tmp_path, salvage=True).follow("g1")]
    assert found == [one for number, one in enumerate(map(frame, (1, 2, 3, 4)), 1) if number != lost]


@pytest.mark.parametrize("left", [64, 64 + 50, 64 + 22 + 60], ids=["nothing", "half a frame", "a frame"])
def test_what_was_durable_and_is_gone_is_named_and_its_place_never_used_again(tmp_path: Path, left: int) -> None:
    """A disk that lied, or a person who cut the file: the note beside it knows better."""
    journal = Journal(tmp_path, "g1")
    ids = journal.append([entry(1), entry(2)])
    journal.close()
    path = tmp_path / "g1" / "00000001.log"
    path.write_bytes(path.read_bytes()[:left])
    journal = Journal(tmp_path, "g1")
    assert "00000001.log is damaged" in journal.problem
    assert not set(journal.append([entry(3)])) & set(ids)
    journal.close()
    reader = JournalReader(tmp_path, salvage=True)
    assert [record.raw for record in reader.follow("g1")][-1] == frame(3)
    assert {loss.segment for loss in reader.lost} == {1}


def test_a_last_segment_that_is_gone_leaves_its_number_unused(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "g1", segment_bytes=500)
    for number in range(20):
        journal.append([entry(number)])
    end = journal.end
    journal.close()
    (tmp_path / "g1" / f"{end.segment:08d}.log").unlink()
    journal = Journal(tmp_path, "g1")
    assert f"{end.segment:08d}.log is damaged" in journal.problem
    journal.append([entry(99)])
    assert journal.end.segment == end.segment + 1
    journal.close()
    reader = JournalReader(tmp_path, salvage=True)
    records, _ = reader.tail("g1", end)
    assert [record.raw for record in records] == [frame(99)], "a reader that was past the lost segment misses nothing"


def test_a_lost_segment_is_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "g1", segment_bytes=512)
    for number in range(30):
        journal.append([entry(number)])
    journal.close()
    (tmp_path / "g1" / "00000002.log").unlink()
    with pytest.raises(JournalError, match=r"00000002\.log is missing"):
        list(JournalReader(tmp_path).follow("g1"))


def test_a_sealed_segment_reads_the_same_and_so_do_its_frame_ids(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "g1", segment_bytes=100_000)
    ids = [ident for step in range(60) for ident in journal.append([entry(step * 100 + n, 90) for n in range(100)])]
    before = list(JournalReader(tmp_path).follow("g1"))
    sealed = journal.seal()
    assert len(sealed) == 6
    assert all(not path.with_suffix("").exists() for path in sealed)
    reader = JournalReader(tmp_path)
    assert list(reader.follow("g1")) == before
    assert [reader.read(ident).raw for ident in ids[::97]] == [frame(number, 90) for number in range(6000)[::97]]
    assert reader.check() == {"g1": 6000}
    with sealed[0].open("rb") as packed:
        plain = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
    assert plain[:8] == b"BIHUANJ1"
    journal.append([entry(1)])
    journal.close()
    journal = Journal(tmp_path, "g1")
    assert list(JournalReader(tmp_path).follow("g1"))[:-1] == before
    journal.close()


def test_a_damaged_sealed_segment_is_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "g1", segment_bytes=1000)
    journal.append([entry(number) for number in range(50)])
    journal.append([entry(51)])
    (packed,) = journal.seal()
    journal.close()
    data = bytearray(packed.read_bytes())
    data[len(data) // 2] ^= 1
    packed.write_bytes(data)
    with pytest.raises(JournalError, match=r"00000001\.log\.zst is damaged at byte"):
        list(JournalReader(tmp_path).follow("g1"))


def test_a_journal_whose_last_segment_is_sealed_begins_a_new_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "g1", segment_bytes=1000)
    journal.append([entry(number) for number in range(50)])
    journal.seal()
    journal.close()
    journal = Journal(tmp_path, "g1")
    journal.append([entry(50)])
    journal.close()
    assert [record.raw for record in JournalReader(tmp_path).follow("g1")] == [frame(n) for n in range(51)]


def test_a_full_disk_keeps_nothing_of_the_group_and_the_journal_goes_on_when_there_is_room_again() -> None:
    disk = PowerCutFiles()
    journal = Journal(DISK, "g1", disk)
    journal.append([entry(1)])
    disk.room = 30
    for _ in range(3):
        with pytest.raises(DiskFull, match=r"no room left.*acknowledged"):
            journal.append([entry(2), entry(3)])
    disk.room = None
    journal.append([entry(4)])
    assert [record.raw for record in JournalReader(DISK, disk).follow("g1")] == [frame(1), frame(4)]


def test_a_full_disk_at_the_change_of_segment_is_survived_too() -> None:
    disk = PowerCutFiles()
    journal = Journal(DISK, "g1", disk, segment_bytes=100)
    journal.append([entry(1)])
    disk.room = 10
    with pytest.raises(DiskFull):
        journal.append([entry(2)])
    disk.room = None
    journal.append([entry(3)])
    assert [record.raw for record in JournalReader(DISK, disk).follow("g1")] == [frame(1), frame(3)]


def test_a_sync_that_fails_leaves_the_segment_and_nothing_of_the_group_counts() -> None:
    disk = PowerCutFiles()
    journal = Journal(DISK, "g1", disk)
    journal.append([entry(1)])
    disk.sync_fails = True
    with pytest.raises(StoreError, match="cannot be written: Input/output error"):
        journal.append([entry(2)])
    disk.sync_fails = False
    journal.append([entry(3)])
    assert journal.end.segment == 2
    found = [record.raw for record in JournalReader(DISK, disk).follow("g1")]
    assert found == [frame(1), frame(3)]
    after = disk.after_power_cut()
    Journal(DISK, "g1", after)
    assert [record.raw for record in JournalReader(DISK, after).follow("g1")] == found


def work_until_the_power_fails(disk: PowerCutFiles, chance: random.Random, promised: dict[str, bytes]) -> None:
    """Append, follow, seal, close, be killed, open again.

    `promised` gets what was acknowledged or handed to a reader.
    """
    number, at = 0, START
    while True:
        journal = Journal(DISK, "g1", disk, segment_bytes=700)
        records, at = JournalReader(DISK, disk).tail("g1", at)
        promised.update((record.frame, record.raw) for record in records)
        for _ in range(chance.randint(1, 12)):
            group = [frame(number + n, chance.randint(11, 900)) for n in range(chance.randint(1, 6))]
            number += len(group)
            ids = journal.append([encode_entry(raw, NOW, "p", "known") for raw in group])
            promised.update(zip(ids, group, strict=True))
        if chance.random() < 0.3:
            journal.seal()
        if chance.random() < 0.3:  # killed between write and sync: the group is in the file, only not yet on the disk
            path = journal.folder / f"{journal.end.segment:08d}.log"
            if disk.exists(path):
                disk.open(path, write=True).append(encode_group(journal.end, 1) + entry(number))
                number += 1
        else:
            journal.close()


@pytest.mark.parametrize("torn", [False, True], ids=["clean", "torn"])
def test_fifty_power_cuts_lose_nothing_that_was_acknowledged(torn: bool) -> None:
    assert survive(random.Random(212), 50, torn) > 4000


@pytest.mark.long
@pytest.mark.parametrize("torn", [False, True], ids=["clean", "torn"])
def test_two_hundred_power_cuts_lose_nothing_that_was_acknowledged(torn: bool) -> None:
    assert survive(random.Random(2025), 200, torn) > 16_000


def survive(chance: random.Random, rounds: int, torn: bool) -> int:
    """Cut the power again and again; return how many frames were promised and found again."""
    total = 0
    for round_ in range(rounds):
        disk = PowerCutFiles(fuse=chance.randint(1, 600))
        promised: dict[str, bytes] = {}
        with pytest.raises(PowerCut):
            work_until_the_power_fails(disk, chance, promised)
        after = disk.after_power_cut(chance if torn else None)
        journal = Journal(DISK, "g1", after)
        journal.append([entry(99_999_999)])
        recovered = {record.frame: record.raw for record in JournalReader(DISK, after).follow("g1")}
        missing = [ident for ident, raw in promised.items() if recovered.get(ident) != raw]
        assert not missing, f"round {round_}: {len(missing)} of {len(promised)} promised frames are gone"
        assert list(recovered.values())[-1] == frame(99_999_999)
        total += len(promised)
    return total


def test_what_a_killed_writer_left_unsynced_is_synced_before_a_reader_gets_it() -> None:
    disk = PowerCutFiles()
    journal = Journal(DISK, "g1", disk)
    journal.append([entry(1)])
    disk.open(journal.folder / "00000001.log", write=True).append(encode_group(journal.end, 1) + entry(2))
    Journal(DISK, "g1", disk)
    read, _ = JournalReader(DISK, disk).tail("g1")
    after = disk.after_power_cut()
    Journal(DISK, "g1", after)
    assert JournalReader(DISK, after).tail("g1")[0] == read


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=4), max_size=8), st.data())
def test_any_bytes_come_back_whatever_the_groups_and_wherever_the_file_is_torn(
    groups: list[list[bytes]], data: st.DataObject
) -> None:
    disk = PowerCutFiles()
    journal = Journal(DISK, "g1", disk)
    for group in groups:
        journal.append([encode_entry(raw, NOW, "peer", "known") for raw in group])
    raws = [raw for group in groups for raw in group]
    assert [record.raw for record in JournalReader(DISK, disk).follow("g1")] == raws
    if groups:
        inode = disk.names_now[DISK / "g1" / "00000001.log"]
        del inode.content[data.draw(st.integers(64, len(inode.content))) :]
        disk.names_now[DISK / "g1" / "durable"].content.clear()  # the power failed before the group was known durable
        Journal(DISK, "g1", disk)
        found = [record.raw for record in JournalReader(DISK, disk).follow("g1")]
        assert found == raws[: len(found)]


@pytest.mark.parametrize("frame_text", ["", "g1", "g1-1", "G1-1/64", "g1-1/x", "g1-1/64/"])
def test_a_text_that_is_no_frame_id_is_refused(tmp_path: Path, frame_text: str) -> None:
    with pytest.raises(InputError, match="gateway-segment/offset"):
        JournalReader(tmp_path).read(frame_text)


def test_a_frame_id_between_two_frames_is_refused(journal: Journal, tmp_path: Path) -> None:
    journal.append([entry(1), entry(2)])
    with pytest.raises(JournalError, match="does not begin there"):
        JournalReader(tmp_path).read("g1-1/65")
