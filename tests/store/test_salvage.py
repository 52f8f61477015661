"""Exactly what is damaged is left out, and nothing that a device made up is believed."""

from __future__ import annotations

import errno
import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.store import Journal, JournalReader, Loss, encode_entry
from bihuan.store.salvage import damages, readable
from bihuan.store.segments import ENTRY_LENGTH, GROUP_LENGTH, HEADER_LENGTH, encode_group, encode_header
from bihuan.store.segments import Position as At

NOW = datetime(2026, 1, 31, 16, tzinfo=UTC)
PEER = "10.0.0.1:4001"


def raw(number: int, size: int = 60) -> bytes:
    return f"##{number:06d}".encode().ljust(size, b"x")


def segment(*groups: list[bytes]) -> tuple[bytearray, list[int]]:
    """A segment of groups of frames, and where its entries begin."""
    data, begins = bytearray(encode_header("g1", 1, 0)), []
    for group in groups:
        data += encode_group(At(1, len(data)), len(group))
        for one in group:
            begins.append(len(data))
            data += encode_entry(one, NOW, PEER, "known")
    return data, begins


def three_groups() -> tuple[bytearray, list[int]]:
    return segment([raw(n) for n in range(5)], [raw(n) for n in range(5, 10)], [raw(10)])


@pytest.mark.parametrize("where", ["mark", "checksum", "length", "status", "peer length", "peer", "content"])
@pytest.mark.parametrize("number", range(11))
def test_one_damaged_frame_costs_itself_alone_wherever_it_was_hit(number: int, where: str) -> None:
    data, begins = three_groups()
    at = {"mark": 0, "checksum": 3, "length": 9, "status": 18, "peer length": 19, "peer": 22, "content": 50}[where]
    data[begins[number] + at] ^= 0xFF
    (found,) = damages(bytes(data), 1)
    end = [*begins, len(data)][number + 1]
    if number in (4, 9):  # behind it stands the mark of the next group
        end -= GROUP_LENGTH
    assert (found.start, found.end, found.frames) == (begins[number], end, 1)


def test_a_damaged_mark_between_two_groups_costs_no_frame() -> None:
    data, begins = three_groups()
    data[begins[5] - GROUP_LENGTH + 8] ^= 1
    (found,) = damages(bytes(data), 1)
    assert (found.start, found.end, found.frames) == (begins[5] - GROUP_LENGTH, begins[5], 0)


def test_several_damaged_frames_of_a_group_cost_themselves_alone() -> None:
    data, begins = three_groups()
    for number in (1, 2, 7):
        data[begins[number] + 60] ^= 1
    found = damages(bytes(data), 1)
    assert [(one.start, one.frames) for one in found] == [(begins[number], 1) for number in (1, 2, 7)]


def test_a_lost_sector_costs_what_it_covers() -> None:
    data, begins = segment([raw(n) for n in range(40)], [raw(n) for n in range(40, 80)])
    start, end = begins[10] + 5, begins[20] + 5
    data[start:end] = bytes(end - start)
    found = damages(bytes(data), 1)
    assert (found[0].start, found[-1].end) == (begins[10], begins[40] - GROUP_LENGTH)
    assert sum(one.frames for one in found) == 30, "lengths are gone too: what follows in this group is not believed"


def test_a_frame_that_a_device_hid_in_the_content_of_another_is_not_believed() -> None:
    forged = encode_entry(b"##forged", NOW, PEER, "known")
    data, begins = segment([raw(0), b"y" * 30 + forged, raw(2)], [raw(3)])
    data[begins[1] : begins[1] + 20] = bytes(20)  # its length too, so that only its content is left to look at
    (found,) = damages(bytes(data), 1)
    assert (found.start, found.end, found.frames) == (begins[1], begins[2], 1)
    data, begins = segment([raw(0), b"y" * 30 + forged], [raw(2)])
    data[begins[1] : begins[1] + 20] = bytes(20)
    (found,) = damages(bytes(data), 1)
    assert (found.start, found.end, found.frames) == (begins[1], begins[2] - GROUP_LENGTH, 1)


def test_content_full_of_marks_is_given_up_soon() -> None:
    data, begins = segment([raw(0), b"\xb1n" * 400_000, raw(2)], [raw(3)])
    data[begins[1] + 8] ^= 0xFF
    (found,) = damages(bytes(data), 1)
    assert (found.start, found.end, found.frames) == (begins[1], begins[3] - GROUP_LENGTH, 2)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.binary(max_size=80), min_size=1, max_size=6), min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_what_is_not_damaged_comes_back_and_nothing_else(
    groups: list[list[bytes]], hits: list[tuple[float, int]]
) -> None:
    """Every damage holds a byte that was hit, no frame comes that was not sent, and damages do not overlap."""
    data, begins = segment(*groups)
    whole = bytes(data)
    for share, bits in hits:
        data[HEADER_LENGTH + int(share * (len(data) - HEADER_LENGTH))] ^= bits
    found = damages(bytes(data), 1)
    changed = [at for at in range(len(data)) if data[at] != whole[at]]
    assert all(any(one.start <= at < one.end for one in found) for at in changed)
    assert all(any(one.start <= at < one.end for at in changed) for one in found)
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))
    lost = sum(one.frames for one in found)
    covered = sum(any(one.start <= at < one.end for one in found) for at in begins)
    assert lost <= covered, "at least so many"


class Torn:
    """A disk with sectors that cannot be read."""

    def __init__(self, data: bytes, bad: set[int]) -> None:
        self.data, self.bad = data, bad

    def read(self, offset: int, size: int) -> bytes:
        if any(offset <= sector * 4096 < offset + size for sector in self.bad):
            raise OSError(errno.EIO, "Input/output error")
        return self.data[offset : offset + size]


def test_sectors_that_the_disk_cannot_read_stand_as_zeros_and_the_rest_as_it_is() -> None:
    data = bytes(range(1, 256)) * 100
    found = readable(Torn(data, {2}).read, len(data))
    assert found[:8192] == data[:8192] and found[12288:] == data[12288:]
    assert found[8192:12288] == bytes(4096)


def test_a_disk_that_is_gone_is_no_damage() -> None:
    def gone(offset: int, size: int) -> bytes:
        raise OSError(errno.ENODEV, "No such device")

    with pytest.raises(OSError, match="No such device"):
        readable(gone, 100)


def test_a_reader_goes_on_in_a_segment_that_still_grows_and_names_each_damage_once(tmp_path: Path) -> None:
    writer = Journal(tmp_path, "g1")
    writer.append([encode_entry(raw(n), NOW, PEER, "known") for n in range(3)])
    reader, path = JournalReader(tmp_path, salvage=True), tmp_path / "g1" / "00000001.log"
    size = ENTRY_LENGTH + len(PEER) + 60
    hit = [HEADER_LENGTH + GROUP_LENGTH + size + 40, HEADER_LENGTH + GROUP_LENGTH + 3 * size + GROUP_LENGTH + 40]
    found, at = [], At(0, 0)
    for number, place in enumerate(hit):
        if number:
            writer.append([encode_entry(raw(n), NOW, PEER, "known") for n in range(3, 6)])
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(data)
        records, at = reader.tail("g1", at)
        found += [record.raw for record in records]
        assert reader.tail("g1", at) == ([], at)
    writer.close()
    assert found == [raw(0), raw(2), raw(4), raw(5)]
    assert [(type(loss), loss.frames) for loss in reader.lost] == [(Loss, 1), (Loss, 1)]
