"""A journal that was damaged is read for all that it still holds, what is lost is named, old frames go by law only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.core import JournalError
from bihuan.store import (
    START,
    Journal,
    JournalReader,
    Position,
    Record,
    check_journal,
    days_kept,
    encode_entry,
    index_path,
    make_index,
    prunable,
    prune,
    read_index,
    read_sealed,
    write_index,
)
from bihuan.store.files import REAL_FILES
from bihuan.store.sealed import Sealed, seal

NOW = datetime(2026, 1, 31, 16, tzinfo=UTC)
GROUPS, EACH, SIZE = 60, 4, 200


def raw(number: int) -> bytes:
    return f"D{number % 7}:{number:08d}".encode().ljust(SIZE, b"x")


def name(record: Record) -> str:
    return record.raw.split(b":")[0].decode()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Six segments of ten groups, the first five closed."""
    writer = Journal(tmp_path, "g1", segment_bytes=9400)
    for group in range(GROUPS):
        numbers = range(group * EACH, (group + 1) * EACH)
        writer.append([encode_entry(raw(n), NOW + timedelta(minutes=n), "10.0.0.1:1", "known") for n in numbers])
    writer.close()
    yield tmp_path


def sealed(folder: Path) -> list[Path]:
    writer = Journal(folder, "g1", segment_bytes=9400)
    found = writer.seal()
    writer.close()
    return found


def spoil(path: Path, at: int, count: int = 1) -> None:
    data = bytearray(path.read_bytes())
    for place in range(at, at + count):
        data[place] ^= 0xFF
    path.write_bytes(data)


def salvaged(folder: Path) -> tuple[list[bytes], JournalReader]:
    reader = JournalReader(folder, salvage=True)
    return [record.raw for record in reader.follow("g1")], reader


def everything() -> list[bytes]:
    return [raw(number) for number in range(GROUPS * EACH)]


def test_a_damaged_group_in_the_middle_loses_itself_and_nothing_else(folder: Path) -> None:
    path = folder / "g1" / "00000003.log"
    spoil(path, path.stat().st_size // 2)
    with pytest.raises(JournalError, match=r"00000003\.log is damaged at byte"):
        list(JournalReader(folder).follow("g1"))
    found, reader = salvaged(folder)
    (loss,) = reader.lost
    gone = [one for one in everything() if one not in found]
    assert (loss.gateway, loss.segment) == ("g1", 3)
    assert loss.start <= path.stat().st_size // 2 < loss.end
    assert 1 <= len(gone) <= EACH
    assert found == [one for one in everything() if one not in gone]


def test_a_segment_that_is_gone_or_rubbish_costs_only_its_own_frames(folder: Path) -> None:
    (folder / "g1" / "00000002.log").unlink()
    (folder / "g1" / "00000004.log").write_bytes(b"rubbish" * 500)
    found, reader = salvaged(folder)
    assert {loss.segment for loss in reader.lost} == {2, 4}
    whole = [record.raw for record in JournalReader(folder).follow("g1", Position(5, 0))]
    assert found[-len(whole) :] == whole
    assert found == [one for one in everything() if one in found]
    assert len(found) >= len(everything()) * 3 // 5


def test_a_damaged_piece_of_a_sealed_segment_is_named_and_the_others_are_read(folder: Path) -> None:
    paths = sealed(folder)
    spoil(paths[2], paths[2].stat().st_size // 2)
    states = {one.segment: one for one in check_journal(folder)}
    assert [number for number, one in states.items() if not one.whole] == [3]
    assert "00000003" in states[3].losses[0].problem
    assert sum(one.frames for one in states.values()) == len(everything()) - 10 * EACH
    found, _ = salvaged(folder)
    assert set(found) == {one for n, one in enumerate(everything()) if n // (10 * EACH) != 2}


def test_the_seal_holds_the_digest_of_what_was_sealed_and_a_changed_one_is_named(folder: Path) -> None:
    path, *_ = sealed(folder)
    assert all(one.whole for one in check_journal(folder))
    handle = REAL_FILES.open(path)
    one = Sealed(handle, path.name)
    plain, digest = one.read(0, one.size()), one.digest
    handle.close()
    assert digest.startswith("sha256:")
    at = path.read_bytes().index(b"BIHUANS1") + 8
    spoil(path, at)
    (state, *rest) = check_journal(folder)
    assert not state.whole and "does not have the digest of its seal" in state.losses[0].problem
    assert all(other.whole for other in rest)
    forged = seal(plain[:-1] + bytes([plain[-1] ^ 1]))
    path.write_bytes(forged)
    assert not check_journal(folder)[0].whole, "a seal made anew over changed frames still shows by their checksums"


def test_a_segment_that_was_sealed_before_seals_had_a_digest_is_still_read(folder: Path) -> None:
    import struct

    import zstandard

    path, *_ = sealed(folder)
    handle = REAL_FILES.open(path)
    one = Sealed(handle, path.name)
    plain = one.read(0, one.size())
    handle.close()
    packed = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(plain)
    table = struct.pack("<II", len(packed), len(plain)) + struct.pack("<IBI", 1, 0, 0x8F92EAB1)
    path.write_bytes(packed + struct.pack("<II", 0x184D2A5E, len(table)) + table)
    state = check_journal(folder)[0]
    assert state.whole and state.digest == "" and state.frames == 10 * EACH


def test_a_torn_end_of_the_last_segment_is_no_damage(folder: Path) -> None:
    path = folder / "g1" / "00000006.log"
    data = path.read_bytes()
    path.write_bytes(data + encode_entry(b"never acknowledged", NOW, "p", "known")[:-4])
    writer = Journal(folder, "g1", segment_bytes=1 << 20)
    assert writer.cut > 0
    writer.close()
    assert all(one.whole for one in check_journal(folder))


def test_an_index_finds_the_frames_of_a_device_within_a_time_and_a_torn_one_is_made_anew(folder: Path) -> None:
    path, *_ = sealed(folder)
    data, digest = read_sealed(REAL_FILES, path)
    made = make_index(data, "g1", 1, digest, name)
    write_index(REAL_FILES, index_path(path), made)
    index = read_index(REAL_FILES, index_path(path))
    assert index is not None and index == made
    begin, end = NOW + timedelta(minutes=5), NOW + timedelta(minutes=25)
    reader = JournalReader(folder)
    frames = [reader.read(f"g1-1/{place.offset}") for _, place in index.found("D3", begin, end)]
    assert [frame.raw for frame in frames] == [raw(n) for n in range(5, 25) if n % 7 == 3]
    assert index.found("D9", begin, end) == []
    assert not index.covers(NOW + timedelta(days=1), NOW + timedelta(days=2))
    spoil(index_path(path), 40)
    assert read_index(REAL_FILES, index_path(path)) is None


def test_only_sealed_and_read_segments_that_are_old_enough_go_from_the_oldest_on(folder: Path) -> None:
    sealed(folder)
    edge = NOW + timedelta(minutes=10 * EACH * 3)
    assert [one.segment for one in prunable(folder, {"g1": Position(6, 0)}, edge)] == [1, 2, 3]
    assert [one.segment for one in prunable(folder, {"g1": Position(2, 0)}, edge)] == [1], "the rest was not read yet"
    assert prunable(folder, {}, edge) == []
    assert prunable(folder, {"g1": Position(6, 0)}, edge - timedelta(minutes=10 * EACH * 3)) == []
    old = prunable(folder, {"g1": Position(6, 0)}, edge)
    assert prune(folder, old) == sum(one.size for one in old)
    left = [record.raw for record in JournalReader(folder).follow("g1", START)]
    assert left == everything()[10 * EACH * 3 :]
    assert all(one.whole for one in check_journal(folder))


def test_a_segment_that_cannot_be_read_stays_whatever_its_age(folder: Path) -> None:
    paths = sealed(folder)
    spoil(paths[1], paths[1].stat().st_size // 2)
    assert [one.segment for one in prunable(folder, {"g1": Position(6, 0)}, NOW + timedelta(days=1))] == [1]


def test_years_are_counted_with_their_leap_days() -> None:
    assert days_kept(5) == timedelta(days=1827)
    assert days_kept(4) == timedelta(days=1461)
