"""Frames as a target wants them: original bytes, or MN, PW, version, factors and units put right."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.app.gateway.forward_frames import Prepared, Preparer, Unfit, check_units
from bihuan.app.gateway.forward_plan import Peer, PlanFile, plan_path, write_plan
from bihuan.core import SettingError
from bihuan.devices.hj212 import encode, parse, read_frame
from bihuan.store import Position, Record
from tests.app.forwards import T0, minute_frame, plan

CHINA = ZoneInfo("Asia/Shanghai")
GROUPS = [
    [("DataTime", "20260201080000")],
    [("a34004-Avg", "0.0352"), ("a34004-Min", "0.01"), ("a34004-Cou", "7.5"), ("a34004-Flag", "N")],
    [("a21026-Avg", "12.50"), ("a21026-Flag", "D")],
    [("a99999-Avg", "1"), ("a99999-Flag", "N")],
]


def record(raw: bytes, status: Any = "known", after: float = 0.0) -> Record:
    return Record("g1", Position(1, 64), T0 + timedelta(seconds=after), "", status, raw)


def frame(**other: Any) -> bytes:
    fields = {"qn": "20260201080100123", "st": "22", "pw": "123456", "flag": 5} | other
    cn, groups = fields.pop("cn", "2051"), fields.pop("groups", GROUPS)
    return encode(cn, "M1", groups, **fields)[:-2]


def rewritten(raw: bytes, peer: Peer | None = None, **other: Any) -> Prepared:
    target = plan([], devices={"M1": peer or Peer(mn="41000000000001", password="654321")}, mode="rewritten", **other)
    found = Preparer(target, CHINA).prepare(record(raw))
    assert isinstance(found, Prepared)
    return found


def test_original_bytes_go_as_they_came_with_their_line_end(tmp_path: Path) -> None:
    raw = minute_frame("M1", 7)
    found = Preparer(plan(["M1"]), CHINA).prepare(record(raw))
    assert found == Prepared("M1", parse(read_frame(raw).data).head.qn, raw + b"\r\n", True)


def test_a_rewritten_frame_carries_the_targets_mn_and_pw_and_the_loggers_words() -> None:
    found = rewritten(frame())
    taken = read_frame(found.data)
    segment = parse(taken.data)
    head = segment.head
    assert (taken.crc, taken.complaints) == ("ok", ())
    assert (head.mn, head.pw, head.qn, head.cn, head.st, head.flag) == (
        "41000000000001", "654321", "20260201080100123", "2051", "22", 5,
    )  # fmt: skip
    assert [list(group) for group in segment.groups] == GROUPS
    assert (found.lane, found.qn, found.answered) == ("41000000000001", "20260201080100123", True)


@pytest.mark.parametrize(
    ("protocol", "flag", "code"),
    [("hj212-2005", 1, "02"), ("hj212-2017", 5, "a21026"), ("hj212-2025", 9, "a21026")],
)
def test_version_bits_and_codes_are_those_of_the_target(protocol: str, flag: int, code: str) -> None:
    segment = parse(read_frame(rewritten(frame(flag=4), protocol=protocol).data).data)
    assert segment.head.flag == flag
    assert segment.groups[2][0] == (f"{code}-Avg", "12.50")
    assert segment.groups[1][0] == ("a34004-Avg", "0.0352"), "a factor without a code of that version keeps its own"


def test_only_the_chosen_factors_go_and_a_frame_without_any_does_not() -> None:
    segment = parse(read_frame(rewritten(frame(), factors=("so2",)).data).data)
    assert [group[0][0] for group in segment.groups] == ["DataTime", "a21026-Avg"]
    target = plan([], devices={"M1": Peer(mn="X")}, mode="rewritten", factors=("o3",))
    assert Preparer(target, CHINA).prepare(record(frame())) is None


def test_values_are_turned_into_the_unit_the_target_wants_and_totals_are_not() -> None:
    peer = Peer(mn="X", units={"pm25": "mg/m3"})
    segment = parse(read_frame(rewritten(frame(), peer, units={"pm25": "ug/m3"}).data).data)
    assert dict(segment.groups[1]) == {
        "a34004-Avg": "35.2", "a34004-Min": "10", "a34004-Cou": "7.5", "a34004-Flag": "N",
    }  # fmt: skip
    assert segment.groups[2][0] == ("a21026-Avg", "12.50"), "what is not converted keeps its digits"


@pytest.mark.parametrize("text", ["", "--", "NaN?", "null"])
def test_a_missing_value_stays_as_it_was_sent(text: str) -> None:
    groups = [[("DataTime", "20260201080000")], [("a34004-Avg", text), ("a34004-Flag", "D")]]
    peer = Peer(mn="X", units={"pm25": "mg/m3"})
    segment = parse(read_frame(rewritten(frame(groups=groups), peer, units={"pm25": "ug/m3"}).data).data)
    assert segment.groups[1][0] == ("a34004-Avg", text)


def test_a_frame_without_qn_gets_the_same_one_each_time_it_is_sent() -> None:
    first, second = rewritten(frame(qn="")), rewritten(frame(qn=""))
    assert first.qn == second.qn == "20260201000000000"


def test_parts_of_a_split_message_keep_their_numbers() -> None:
    head = parse(read_frame(rewritten(frame(flag=7, pnum=3, pno=2)).data).data).head
    assert (head.flag, head.pnum, head.pno) == (7, 3, 2)


def test_the_mark_of_a_refill_goes_to_targets_of_2025_only() -> None:
    assert b"RF=1" in rewritten(frame(refilled=True), protocol="hj212-2025").data
    assert b"RF=" not in rewritten(frame(refilled=True), protocol="hj212-2017").data


def test_a_frame_that_cannot_be_read_is_named_and_not_sent() -> None:
    target = plan([], devices={"M1": Peer(mn="X")}, mode="rewritten")
    broken = frame().replace(b"0.0352", b"0.0353")
    assert Preparer(target, CHINA).prepare(record(broken)) == Unfit("X", "encrypted")


def test_a_unit_that_cannot_be_turned_into_the_targets_is_refused_before_it_is_used() -> None:
    target = plan([], devices={"M1": Peer(mn="X", units={"pm25": "mg/m3"})}, units={"pm25": "mg/L"})
    with pytest.raises(SettingError, match="device M1, pm25: unit 'mg/m3' cannot become 'mg/L'"):
        check_units(target)
    with pytest.raises(SettingError, match="not in core/pollutants"):
        check_units(plan(["M1"], units={"gold": "mg/L"}))


def test_the_plan_is_written_where_it_changed_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    assert write_plan(tmp_path, "Asia/Shanghai", [plan(["A"])])
    assert not write_plan(tmp_path, "Asia/Shanghai", [plan(["A"])])
    path = plan_path(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    file = PlanFile(path)
    assert file.plan.targets == (plan(["A"]),)
    assert not file.refresh()
    assert write_plan(tmp_path, "Asia/Shanghai", [plan(["A"], paused=True)])
    assert file.refresh() and file.plan.targets[0].paused
    path.write_bytes(b"{")
    assert not file.refresh() and file.plan.targets[0].paused, "a broken file changes nothing"
