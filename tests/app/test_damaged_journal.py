"""A running city goes on behind a damaged journal: what is lost is named and asked for, nothing comes twice."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from bihuan.app.doctor import examine
from bihuan.app.gapkeeping import gaps_of
from bihuan.app.loop import TICK, Loop
from bihuan.app.losses import skipped_of
from bihuan.app.notify import Notifications
from bihuan.app.pulse import feel
from bihuan.app.rebuild import rebuild_series
from bihuan.core import CHINA, parse_instant
from bihuan.store import Journal, encode_entry, open_store
from tests.app.small import MNS, minute_frame
from tests.app.test_watch import T0, Place, living, orders


def send_all(place: Place, step: int) -> None:
    """A report of each of two loggers in one group, as a busy gateway writes them."""
    at = T0 + TICK * step
    frames = [minute_frame(mn, at, 30.0, step) for mn in MNS[:2]]
    place.writer.append([encode_entry(raw, place.now, "10.0.0.1:4001", "known") for raw in frames])


def spoil(home: Path, step: int, mn: str) -> None:
    """Change one byte of a report that lies in the journal."""
    path = home / "journal" / "g1" / "00000001.log"
    data = bytearray(path.read_bytes())
    at = data.index(minute_frame(mn, T0 + TICK * step, 30.0, step))
    data[at + 20] ^= 0x40
    path.write_bytes(data)


def rows(place: Place, mn: str) -> list[int]:
    """Steps whose report is stored."""
    starts = place.store.series.readings([mn], interval="minute")["start"]
    return [(start - T0) // TICK for start in starts]


def test_a_damaged_report_is_left_out_named_and_recalled_and_the_others_come_once(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        for step in range(18):
            send_all(place, step)
            if step == 6:  # a group that the loop has not read yet
                spoil(tmp_path, step, MNS[0])
            place.step()
        assert rows(place, MNS[0]) == [step for step in range(18) if step != 6]
        assert rows(place, MNS[1]) == list(range(18)), "the report beside it in the same group is kept"
        assert place.loop.ingest.counts.frames == 35
        (one,) = skipped_of(place.store)
        assert (one.name, one.frames, one.at) == ("g1/00000001", 1, T0 + TICK * 7)
        (row,) = [entry for entry in place.store.ledger.entries() if entry.action == "journal.skip"]
        body = json.loads(row.body)
        assert (row.subject, body["frames"]) == ("journal:g1/00000001", 1)
        assert body["places"] == [list(part) for part in one.parts]
        (gap,) = gaps_of(place.store.records)
        (order,) = orders(place)
        assert (gap.device, gap.start, gap.missing) == (MNS[0], T0 + TICK * 6, 1)
        assert (order.command, order.reason) == ("recall_minute", f"gap:{gap.id}")
        assert parse_instant(order.arguments["begin"]) == T0 + TICK * 6
        place.send(T0 + TICK * 6)
        place.step()
        assert rows(place, MNS[0]) == list(range(18))
        assert gaps_of(place.store.records)[0].state == "filled"
        pulse = feel(place.store, place.loop.ingest.counts, place.loop.ingest.read_to, place.now)
        assert pulse.marks["journal"] == "look" and [one.frames for one in pulse.skipped] == [1]
        assert pulse.marks["loop"] != "wrong" and pulse.trouble == ""


def test_a_step_that_meets_the_damage_again_after_a_crash_counts_and_names_it_once(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        for step in range(4):
            send_all(place, step)
            spoil(tmp_path, step, MNS[0]) if step == 2 else None
            if step != 2:
                place.step()
            else:
                place.now += TICK
                place.loop.take(place.now)  # stored, and then the process dies before the step concludes
                place.loop = Loop(place.store, CHINA, Notifications((), tmp_path / "n.jsonl"), T0)
                place.loop.step(place.now)
        assert (rows(place, MNS[0]), rows(place, MNS[1])) == ([0, 1, 3], [0, 1, 2, 3])
        assert place.loop.ingest.counts.frames == 7
        assert [one.frames for one in skipped_of(place.store)] == [1]
        assert sum(entry.action == "journal.skip" for entry in place.store.ledger.entries()) == 1


def test_a_torn_last_record_is_no_damage_and_the_next_gateway_goes_on_behind_it(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        for step in range(3):
            send_all(place, step)
            place.step()
        place.writer.close()
        path = tmp_path / "journal" / "g1" / "00000001.log"
        whole = encode_entry(minute_frame(MNS[0], T0 + TICK * 3, 30.0, 3), place.now, "10.0.0.1:4001", "known")
        path.write_bytes(path.read_bytes() + whole[:-9])
        place.step()  # the core runs on while the gateway is dead
        place.writer = Journal(tmp_path / "journal", "g1")
        assert (place.writer.cut, place.writer.problem) == (len(whole) - 9, "")
        send_all(place, 3)
        place.step()
        assert rows(place, MNS[0]) == rows(place, MNS[1]) == [0, 1, 2, 3]
        assert skipped_of(place.store) == []


def test_a_segment_that_is_gone_does_not_stop_the_city_and_comes_back_by_a_rebuild(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        place.writer.close()
        place.writer = Journal(tmp_path / "journal", "g1", segment_bytes=600)
        for step in range(12):
            send_all(place, step)
        lost = tmp_path / "journal" / "g1" / "00000002.log"
        kept = lost.read_bytes()
        lost.unlink()
        place.step(12)
        assert rows(place, MNS[0])[-1] == 11 and len(rows(place, MNS[0])) < 12
        (one,) = skipped_of(place.store)
        assert one.segment == 2 and "missing" in one.problem
        lost.write_bytes(kept)
    report = examine(tmp_path)
    assert any("g1/00000002 is damaged" in finding for finding in report.findings)
    rebuild_series(tmp_path)
    with open_store(tmp_path, create=False, threads=1) as store:
        assert store.series.readings([MNS[0]], interval="minute").height == 12
        assert skipped_of(store) == []
    assert not any("g1/00000002" in finding for finding in examine(tmp_path).findings)


def test_what_was_left_out_of_a_segment_that_the_law_lets_go_is_forgotten(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        place.writer.close()
        place.writer = Journal(tmp_path / "journal", "g1", segment_bytes=600)
        for step in range(12):
            send_all(place, step)
        spoil(tmp_path, 0, MNS[0])
        place.step(12)
        assert [one.segment for one in skipped_of(place.store)] == [1]
        (tmp_path / "journal" / "g1" / "00000001.log").unlink()  # pruned
        assert skipped_of(place.store) == []
        send_all(place, 12)
        place.now += timedelta(minutes=5)
        place.loop.step(place.now)
        assert rows(place, MNS[1])[-1] == 12


def test_the_same_minute_three_times_keeps_the_last_value_with_its_revision_and_every_frame(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        for value in (30.0, 42.0, 7.0):
            place.send(T0, value=value)
            place.step()
        (row,) = place.store.series.readings([MNS[0]], interval="minute").iter_rows(named=True)
        assert (row["value"], row["revision"]) == (7.0, 3)
        assert [frame.position for frame in place.store.journal.follow("g1")] == sorted(
            {frame.position for frame in place.store.journal.follow("g1")}
        )
        assert sum(1 for _ in place.store.journal.follow("g1")) == 3
