"""Retention with its legal floor, the check that doctor repeats, raw frames found by device and time."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.clock import CityClock
from bihuan.app.doctor import examine
from bihuan.app.framebook import FrameBook
from bihuan.app.journalkeeping import CODE, check_home, keep_for, may_go, prune_journal, retention
from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications
from bihuan.core import CHINA, SettingError
from bihuan.standards import lookup
from bihuan.store import Home, Journal, encode_entry, open_store
from tests.app.small import MNS, day_of_frames, minute_frame, settle

T0 = datetime(2026, 3, 1, 11, tzinfo=UTC)
LATER = T0 + timedelta(days=365 * 6)


def packed(home: Path, hours: int = 6, size: int = 8_000) -> None:
    """A home whose frames lie in small sealed segments but for the last ones, all of them read."""
    settle(home)
    writer = Journal(home / "journal", "g1", segment_bytes=size)
    for raw, came, status in day_of_frames(T0, hours):
        writer.append([encode_entry(raw, came, "10.0.0.1:4001", status)])  # type: ignore[arg-type]
    writer.seal()
    writer.close()
    with open_store(home, threads=1) as store:
        Loop(store, CHINA, Notifications((), home / "n.jsonl"), T0).step(T0 + timedelta(hours=hours + 1))


def test_the_floor_of_five_years_stands_as_data_with_clause_and_status() -> None:
    row = lookup(CODE, on=date(2026, 3, 1)).row("kept", "raw_frames")
    assert (row["at_least"], row["count"], row.status) == (5, "years", "single_source")


def test_less_than_the_floor_is_refused_and_what_is_set_stands_in_the_ledger(tmp_path: Path) -> None:
    home, today = tmp_path / "home", T0.date()
    settle(home)
    with open_store(home, threads=1) as store:
        assert retention(store, today).years == 5
        with pytest.raises(SettingError, match="at least 5"):
            keep_for(store, 4, "P1", "no room", T0, today)
        assert store.ledger.head().rows == 0
        assert keep_for(store, 7, "P1", "asked by the province", T0, today).years == 7
        (entry,) = store.ledger.entries()
        assert (entry.actor, entry.action) == ("P1", "journal.keep")


def test_prune_takes_old_segments_only_and_writes_them_into_the_ledger_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    packed(home)
    with open_store(home, threads=1) as store:
        before = store.series.counts()
        assert prune_journal(store, "command line", T0 + timedelta(days=300), T0.date()) == []
        with pytest.raises(SettingError, match="kept for 5 years"):
            prune_journal(store, "command line", LATER, LATER.date(), before=LATER - timedelta(days=30))
        wanted = may_go(store, T0 + timedelta(hours=3))
        old = prune_journal(store, "command line", LATER, LATER.date(), before=T0 + timedelta(hours=3))
        assert old == wanted and old
        (entry,) = store.ledger.entries()
        assert entry.action == "journal.prune" and str(old[-1].segment) in entry.body.decode()
        assert not (home / "journal" / "g1" / "00000001.log.zst").exists()
        assert store.series.counts() == before
        assert all(one.whole for one in check_home(home, home / "journal", LATER))


def test_doctor_repeats_what_the_last_check_found_until_the_segment_is_restored(tmp_path: Path) -> None:
    home = tmp_path / "home"
    packed(home, hours=2)
    place = Home(home)
    check_home(home, place.journal, T0)
    assert not [finding for finding in examine(home, CityClock(T0)).findings if "journal" in finding]
    segment = home / "journal" / "g1" / "00000002.log.zst"
    data = segment.read_bytes()
    segment.write_bytes(data[: len(data) // 2] + b"\xff" + data[len(data) // 2 + 1 :])
    check_home(home, place.journal, T0)
    said = examine(home, CityClock(T0)).findings
    assert [finding for finding in said if "journal segment g1/00000002 is damaged" in finding]
    segment.write_bytes(data)
    check_home(home, place.journal, T0)
    assert not [finding for finding in examine(home, CityClock(T0)).findings if "journal" in finding]
    late = examine(home, CityClock(T0 + timedelta(days=100))).findings
    assert [finding for finding in late if "run bihuan journal check" in finding]


def test_frames_of_a_logger_are_found_by_time_over_sealed_and_growing_segments_of_all_gateways(tmp_path: Path) -> None:
    home = tmp_path / "home"
    packed(home)
    other = Journal(home / "journal", "g2")
    late = T0 + timedelta(hours=4, seconds=30)
    other.append([encode_entry(minute_frame(MNS[0], T0, 1.0, 999), late, "10.0.0.2:1", "known")])
    book = FrameBook(home / "journal")
    begin, end = T0 + timedelta(hours=2), T0 + timedelta(hours=5)
    found = book.find(MNS[0], begin, end)
    frames = book.read(found.places)
    assert found.lost == []
    assert {MNS[0].encode() in frame.raw for frame in frames} == {True}
    assert [frame.received for frame in frames] == sorted(frame.received for frame in frames)
    wanted = [raw for raw, came, _ in day_of_frames(T0, 6) if MNS[0].encode() in raw and begin <= came < end]
    assert sorted(frame.raw for frame in frames if frame.gateway == "g1") == sorted(wanted)
    assert [frame.received for frame in frames if frame.gateway == "g2"] == [late]
    assert list((home / "journal" / "g1").glob("*.idx")), "indexes are kept"
    other.append([encode_entry(minute_frame(MNS[0], T0, 2.0, 1), end - TICK, "10.0.0.2:1", "known")])
    assert len(book.find(MNS[0], begin, end).places) == len(frames) + 1
    assert book.find("nobody", begin, end).places == []
    other.close()
    book.close()


def test_a_segment_that_cannot_be_read_is_named_beside_the_frames_of_the_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    packed(home)
    segment = home / "journal" / "g1" / "00000002.log.zst"
    whole = segment.read_bytes()
    segment.write_bytes(whole[: len(whole) // 2] + b"\x00\xff" + whole[len(whole) // 2 + 2 :])
    book = FrameBook(home / "journal")
    found = book.find(MNS[0], T0, T0 + timedelta(hours=6))
    assert [(one.gateway, one.segment) for one in found.lost] == [("g1", 2)]
    assert len(book.read(found.places)) > 40
    book.close()
