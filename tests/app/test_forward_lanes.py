"""Forwarding without a network: order, window, resends, back-off, refusals, and a target that is silent for a day."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bihuan.app.gateway.forward_again import SENT, ask_again, asked_again, rows_of
from bihuan.app.gateway.forward_lanes import HELD, LANE_PAUSE, pause
from bihuan.app.gateway.forward_plan import TargetPlan
from bihuan.app.gateway.forward_target import Spool
from bihuan.devices.hj212 import Envelope, acknowledgement, encode, envelope, read_frame, wrap
from bihuan.store import Journal
from tests.app.forwards import T0, Silent, append, journal_of, minute_frame, plan

CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = journal_of(tmp_path)
    yield found
    found.close()


def spool(home: Path, target: TargetPlan) -> Spool:
    return Spool(target, home / "journal", home / "forward" / target.id, CHINA, random.Random(7))


def numbers(qns: list[str]) -> list[int]:
    return [int(qn[-3:]) for qn in qns]


def refusal(head: Envelope, code: int = 4) -> bytes:
    text = f"QN={head.qn};ST=91;CN=9011;PW={head.pw};MN={head.mn};Flag=4;CP=&&QnRtn={code}&&"
    return wrap(text.encode())


def test_a_target_that_acknowledges_nothing_for_a_day_loses_nothing_and_gets_every_device_in_order(
    tmp_path: Path, journal: Journal
) -> None:
    mns = [f"MN{number:03d}" for number in range(12)]
    work = spool(tmp_path, plan(mns))
    now, dead = 0.0, [True]
    host = Silent(work, lambda head, at: None if dead[0] else acknowledgement(head))
    for ten in range(0, 24 * 60, 10):
        received = T0 + timedelta(minutes=ten)
        append(journal, [minute_frame(mn, minute) for minute in range(ten, ten + 10) for mn in mns], received)
        for _ in range(10):
            host.turn(now)
            now += 60
    assert not host.took
    assert host.most_held <= HELD + len(mns)
    assert host.written < 3 * 24 * 60, "a silent target is asked by a few frames only"
    work.keep(T0)
    dead[0] = False
    turns = 0
    while work.lanes.waiting or work.unread:
        host.turn(now)
        now += 0.05
        turns += 1
        assert turns < 40_000
    expected = [envelope(minute_frame("", minute)).qn for minute in range(24 * 60)]
    assert host.took == dict.fromkeys(mns, expected)
    assert host.most_held <= HELD + len(mns)
    assert work.lanes.counts["answered"] == 12 * 24 * 60


def test_a_device_that_is_left_unanswered_waits_alone_and_comes_after(tmp_path: Path, journal: Journal) -> None:
    mns = ["GOOD1", "BAD", "GOOD2"]
    work = spool(tmp_path, plan(mns))
    healed = [False]
    host = Silent(work, lambda head, at: acknowledgement(head) if head.mn != "BAD" or healed[0] else None)
    now = 0.0
    for minute in range(300):
        if minute % 10 == 0:
            ten = [minute_frame(mn, number) for number in range(minute, minute + 10) for mn in mns]
            append(journal, ten, T0 + timedelta(minutes=minute))
        for tenth in range(10):
            host.turn(now + tenth / 10)
        host.turn(now + 1)
        now += 60
    assert numbers(host.took["GOOD1"]) == numbers(host.took["GOOD2"]) == list(range(300))
    assert work.lanes.stuck == 1
    assert work.lanes.held == 1, "the others of the stuck device stay in the journal"
    assert work.lanes.waiting == 300
    healed[0] = True
    for _ in range(4000):
        host.turn(now)
        now += 1
    assert numbers(host.took["BAD"]) == list(range(300))
    assert (work.lanes.waiting, work.lanes.stuck) == (0, 0)


def test_a_frame_that_is_refused_again_and_again_is_set_aside_and_shown(tmp_path: Path, journal: Journal) -> None:
    work = spool(tmp_path, plan(["A", "B"], refusals=3))
    append(journal, [minute_frame(mn, minute) for minute in range(3) for mn in "AB"], T0)
    wrong = envelope(minute_frame("", 1)).qn
    host = Silent(work, lambda head, at: refusal(head) if (head.mn, head.qn) == ("A", wrong) else acknowledgement(head))
    for second in range(200):
        host.turn(float(second))
    assert numbers(host.took["A"]) == [0, 2]
    assert numbers(host.took["B"]) == [0, 1, 2]
    assert (work.lanes.counts["refused"], work.lanes.counts["refused_4"], work.lanes.counts["aside"]) == (3, 3, 1)
    work.keep(T0)
    (row,) = (tmp_path / "forward" / "province" / "aside.jsonl").read_text().splitlines()
    assert '"mn":"A"' in row and '"why":"refused_4"' in row and '"frame":"g1-1/' in row


@pytest.mark.parametrize(
    ("answer", "count", "taken"),
    [
        (lambda head: acknowledgement(head).replace(b"Flag=4", b"Flag=5"), "answer_crc", False),
        (lambda head: wrap(_said(head).replace("Flag=4", "Flag=5").encode()), "answer_flag", True),
        (lambda head: wrap(_said(head).replace(head.qn, "20200101000000000").encode()), "answer_unknown", False),
        (lambda head: wrap(_said(head).replace(f"MN={head.mn}", "MN=ELSE").encode()), "answer_unknown", False),
        (lambda head: encode("2051", head.mn, [], qn=head.qn, st="22", flag=5), "command", False),
        (lambda head: refusal(head, 1), "answer_other", False),
    ],
)
def test_an_answer_that_is_not_right_is_counted(
    tmp_path: Path, journal: Journal, answer: object, count: str, taken: bool
) -> None:
    work = spool(tmp_path, plan(["A"]))
    append(journal, [minute_frame("A", 1)], T0)
    Silent(work, lambda head, at: answer(head)).turn(0.0)  # type: ignore[operator]
    assert work.lanes.counts[count] == 1
    assert work.lanes.counts["answered"] == taken
    assert work.lanes.waiting == (0 if taken else 1)


def _said(head: Envelope) -> str:
    return f"QN={head.qn};ST=91;CN=9014;PW={head.pw};MN={head.mn};Flag=4;CP=&&&&"


def test_a_late_second_answer_takes_no_other_frame(tmp_path: Path, journal: Journal) -> None:
    work = spool(tmp_path, plan(["A"]))
    append(journal, [minute_frame("A", 1), minute_frame("A", 2)], T0)
    work.fill()
    (first,) = work.lanes.send(0.0)
    answer = read_frame(acknowledgement(envelope(first.frame.data)))
    work.lanes.heard(answer, 1.0)
    work.lanes.send(1.0)
    work.lanes.heard(answer, 2.0)
    assert (work.lanes.counts["answer_repeated"], work.lanes.waiting) == (1, 1)


def test_no_more_than_the_window_is_under_way_and_only_a_few_before_the_first_answer(
    tmp_path: Path, journal: Journal
) -> None:
    mns = [f"MN{number}" for number in range(50)]
    work = spool(tmp_path, plan(mns, window=16))
    append(journal, [minute_frame(mn, 1) for mn in mns], T0)
    work.fill()
    first = work.lanes.send(0.0)
    assert len(first) == 4
    work.lanes.heard(read_frame(acknowledgement(envelope(first[0].frame.data))), 0.1)
    assert len(work.lanes.send(0.2)) == 16 - 3


def test_three_resends_without_any_answer_open_the_line_anew_and_send_the_same_again(
    tmp_path: Path, journal: Journal
) -> None:
    work = spool(tmp_path, plan(["A"]))
    append(journal, [minute_frame("A", 1), minute_frame("A", 2)], T0)
    work.fill()
    sent = []
    for second in (0, 10, 20, 30, 40):
        sent += work.lanes.send(float(second))
        assert work.lanes.unusable == (second == 40)
    work.lanes.lost()
    sent += work.lanes.send(41.0)
    assert len({item.frame.qn for item in sent}) == 1
    assert work.lanes.counts["resent"] == 4


def test_a_restart_goes_on_from_the_place_and_repeats_only_what_was_not_answered(
    tmp_path: Path, journal: Journal
) -> None:
    mns = ["A", "B", "C"]
    for minute in range(40):
        append(journal, [minute_frame(mn, minute) for mn in mns], T0 + timedelta(minutes=minute))
    first = spool(tmp_path, plan(mns))
    host = Silent(first, lambda head, at: acknowledgement(head) if head.mn != "C" else None)
    for second in range(200):
        host.turn(second / 10)
    first.keep(T0)
    second = spool(tmp_path, plan(mns))
    assert second.lanes.waiting == first.lanes.waiting == 40
    assert second.lanes.counts["answered"] == 80
    again = Silent(second)
    for tenth in range(200):
        again.turn(tenth / 10)
    assert {mn: numbers(qns) for mn, qns in again.took.items()} == {"C": list(range(40))}


def test_what_was_not_kept_before_a_crash_is_sent_again_and_nothing_is_skipped(
    tmp_path: Path, journal: Journal
) -> None:
    """The place is kept after answers: whenever the process dies, the union of what came is whole and in order."""
    mns = [f"MN{number}" for number in range(5)]
    chance = random.Random(3)
    took: dict[str, list[int]] = {mn: [] for mn in mns}
    minute = 0
    for _ in range(30):
        work = spool(tmp_path, plan(mns))
        host = Silent(work, lambda head, at: acknowledgement(head) if chance.random() < 0.8 else None)
        for turn in range(chance.randrange(1, 60)):
            if turn % 8 == 0:
                append(journal, [minute_frame(mn, minute) for mn in mns], T0 + timedelta(minutes=minute))
                minute += 1
            host.turn(turn * 5.0)
            if chance.random() < 0.04:
                work.keep(T0)
        for mn, qns in host.took.items():
            took[mn] += numbers(qns)
        assert minute < 1000
    work = spool(tmp_path, plan(mns))
    host = Silent(work)
    for turn in range(600):
        host.turn(float(turn))
    for mn in mns:
        took[mn] += numbers(host.took.get(mn, []))
        seen: list[int] = []
        for number in took[mn]:
            assert not seen or number <= seen[-1] + 1, "nothing is skipped"
            seen.append(number)
        assert set(seen) == set(range(minute))


def test_frames_of_two_gateways_go_by_the_time_they_were_received(tmp_path: Path, journal: Journal) -> None:
    other = journal_of(tmp_path, "g2")
    for minute in range(60):
        append(journal if minute % 3 else other, [minute_frame("A", minute)], T0 + timedelta(minutes=minute))
    other.close()
    host = Silent(spool(tmp_path, plan(["A"])))
    for second in range(70):
        host.turn(float(second))
    assert numbers(host.took["A"]) == list(range(60))


def test_a_new_target_begins_on_its_day_and_skips_what_is_not_for_it(tmp_path: Path, journal: Journal) -> None:
    for minute in range(10):
        append(journal, [minute_frame("A", minute), minute_frame("OTHER", minute)], T0 + timedelta(minutes=minute))
    append(journal, [minute_frame("A", 10)], T0 + timedelta(minutes=10), "wrong_password")
    append(journal, [b"no frame"], T0 + timedelta(minutes=10), "garbage")
    append(journal, [minute_frame("A", 11, cn="2061")], T0 + timedelta(minutes=11))
    target = plan(["A"], since=T0 + timedelta(minutes=4), until=T0 + timedelta(minutes=8), kinds=("2051",))
    work = spool(tmp_path, target)
    host = Silent(work)
    for second in range(20):
        host.turn(float(second))
    assert numbers(host.took["A"]) == [4, 5, 6, 7]
    assert work.lanes.waiting == 0


def test_frames_that_ask_for_no_answer_count_as_taken_when_the_line_has_taken_them(
    tmp_path: Path, journal: Journal
) -> None:
    work = spool(tmp_path, plan(["A"]))
    append(journal, [minute_frame("A", 1, flag=4)], T0)
    work.fill()
    (item,) = work.lanes.send(0.0)
    assert not item.frame.answered
    work.lanes.taken("A")
    assert (work.lanes.counts["unconfirmed"], work.lanes.waiting) == (1, 0)


def test_a_pause_doubles_up_to_its_longest_and_two_of_them_differ() -> None:
    chance = random.Random(1)
    first, longest = LANE_PAUSE
    for tries in range(1, 40):
        found = pause(tries, LANE_PAUSE, chance)
        whole = min(longest, first * 2 ** (tries - 1))
        assert whole / 2 <= found <= whole
    assert pause(20, LANE_PAUSE, chance) != pause(20, LANE_PAUSE, chance)


def test_memory_is_bounded_however_many_frames_one_device_sends(tmp_path: Path, journal: Journal) -> None:
    append(journal, [minute_frame("BUSY", minute) for minute in range(2500)], T0)
    append(journal, [minute_frame("CALM", 1)], T0 + timedelta(minutes=1))
    work = spool(tmp_path, plan(["BUSY", "CALM"]))
    host = Silent(work)
    now, first_calm = 0.0, None
    while work.lanes.waiting or work.unread or not host.took:
        host.turn(now)
        if first_calm is None and "CALM" in host.took:
            first_calm = len(host.took["BUSY"])
        now += 0.1
    assert host.most_held <= HELD // 8 + 1
    assert len(host.took["BUSY"]) == 2500
    assert first_calm is not None and first_calm < 100, "a calm device does not wait for the busy one"


def _set_aside(tmp_path: Path, journal: Journal, refuses: list[bool]) -> tuple[Silent, str]:
    """A target that refused the second frame of A for good; whether it still would stands in `refuses`."""
    wrong = envelope(minute_frame("A", 1)).qn
    work = spool(tmp_path, plan(["A", "B"], refusals=3))
    append(journal, [minute_frame(mn, number) for number in range(4) for mn in ("A", "B")], T0)

    def answers(head: Envelope, at: float) -> bytes:
        return refusal(head) if refuses[0] and (head.mn, head.qn) == ("A", wrong) else acknowledgement(head)

    host = Silent(work, answers)
    turns(host, 0, 4000)
    work.keep(T0)
    return host, wrong


def turns(host: Silent, first: int, last: int) -> None:
    for second in range(first, last):
        host.turn(float(second))


def test_a_frame_that_was_set_aside_is_sent_once_more_when_somebody_asks_and_is_then_settled(
    tmp_path: Path, journal: Journal
) -> None:
    refuses = [True]
    host, wrong = _set_aside(tmp_path, journal, refuses)
    folder = tmp_path / "forward" / "province"
    (row,) = rows_of(folder)
    assert wrong not in host.took["A"] and host.spool.lanes.counts["aside"] == 1
    refuses[0] = False
    assert ask_again(folder, [row["frame"]], T0) == [row["frame"]]
    assert ask_again(folder, [row["frame"]], T0) == [], "asked for twice is once"
    host.spool.keep(T0)
    before = place_of(host)
    turns(host, 4000, 4010)
    host.spool.keep(T0)
    assert host.took["A"].count(wrong) == 1
    assert [one["why"] for one in rows_of(folder)] == ["refused_4", SENT]
    assert asked_again(folder) == {} and host.spool.lanes.counts["aside"] == 0
    assert place_of(host) == before, "a frame that is sent once more moves no place back"


def place_of(host: Silent) -> object:
    lanes = list(host.spool.lanes.unanswered())
    return host.spool._stream.place, lanes


def test_one_that_is_refused_again_is_set_aside_again(tmp_path: Path, journal: Journal) -> None:
    host, wrong = _set_aside(tmp_path, journal, [True])
    folder = tmp_path / "forward" / "province"
    ask_again(folder, [rows_of(folder)[0]["frame"]], T0)
    host.spool.keep(T0)
    turns(host, 4000, 8000)
    host.spool.keep(T0)
    assert wrong not in host.took["A"]
    assert [one["why"] for one in rows_of(folder)] == ["refused_4", "refused_4"]
    assert asked_again(folder) == {} and host.spool.lanes.counts["aside"] == 1


def test_a_process_that_dies_with_a_frame_on_its_way_once_more_takes_it_up_again(
    tmp_path: Path, journal: Journal
) -> None:
    refuses = [True]
    host, wrong = _set_aside(tmp_path, journal, refuses)
    folder = tmp_path / "forward" / "province"
    ask_again(folder, [rows_of(folder)[0]["frame"]], T0)
    host.spool.keep(T0)
    host.spool.close()
    fresh = Silent(spool(tmp_path, plan(["A", "B"], refusals=3)))
    fresh.spool.keep(T0)
    turns(fresh, 0, 10)
    fresh.spool.keep(T0)
    assert fresh.took == {"A": [wrong]}, "nothing else is sent again"
    assert asked_again(folder) == {}
