"""The shift log: what happened stands in it, one person hands over, another signs, and the list stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bihuan.app.api import Office
from bihuan.app.clock import CityClock
from bihuan.store import backup
from tests.app.api.alarms import audited, client, fresh_alarm
from tests.app.api.stand import standing
from tests.app.lived import Lived


@pytest.fixture
def desk(lived: Lived, tmp_path: Path) -> Iterator[Office]:
    """An office of its own: a hand-over ends the shift for everybody."""
    backup(lived.run.store, tmp_path / "home", lived.outcomes[-1].now)
    with standing(tmp_path / "home") as office:
        yield office


def later(office: Office, minutes: int) -> None:
    office.clock = CityClock(office.now + timedelta(minutes=minutes))


def running(seen: TestClient) -> dict[str, object]:
    found: dict[str, object] = seen.get("/api/shift").json()["running"]
    return found


def test_the_log_holds_alarms_with_who_marked_them_and_what_nobody_marked_stays_open(desk: Office) -> None:
    duty = client(desk)
    event, _ = fresh_alarm(desk, "log")
    before = {one["id"]: one for one in running(duty)["lines"]}  # type: ignore[attr-defined]
    assert (before[event.id]["mark"], before[event.id]["open"]) == ("", True)
    duty.post(f"/api/events/{event.id}/marks", json={"kind": "false", "note": "calibration gas"})
    later(desk, 1)
    after = {one["id"]: one for one in running(duty)["lines"]}  # type: ignore[attr-defined]
    assert (after[event.id]["mark"], after[event.id]["open"]) == ("false", False)
    assert after[event.id]["name"] == duty.get("/api/session").json()["name"]


def test_a_remark_sent_twice_is_one_and_stands_in_the_ledger(desk: Office) -> None:
    duty = client(desk)
    first = duty.post("/api/shift/remarks", json={"text": "phone call from the plant"}).json()
    assert duty.post("/api/shift/remarks", json={"text": " phone call from the plant "}).json() == first
    assert [one["text"] for one in running(duty)["remarks"]] == ["phone call from the plant"]  # type: ignore[attr-defined]
    assert len([entry for entry in desk.store.ledger.entries() if entry.action == "remark"]) == 1
    empty = duty.post("/api/shift/remarks", json={"text": "  "})
    assert (empty.status_code, empty.json()["code"]) == (422, "empty_remark")


def test_one_hands_over_another_signs_and_a_new_shift_begins(desk: Office) -> None:
    duty, leader = client(desk), client(desk, "duty_leader")
    now = running(duty)
    made = duty.post("/api/shift/hand-over", json={"note": "watch the kiln", "seal": now["seal"]}).json()
    assert (made["id"], made["lines"], made["note"]) == (now["seal"], now["lines"], "watch the kiln")
    assert duty.post("/api/shift/hand-over", json={"seal": now["seal"]}).json() == made, "the form sent twice"
    own = duty.post(f"/api/shift/{made['id']}/sign")
    assert (own.status_code, own.json()["code"]) == (409, "same_person")
    later(desk, 5)
    taken = leader.post(f"/api/shift/{made['id']}/sign").json()
    assert taken["taken_name"] == leader.get("/api/session").json()["name"]
    ref = next(entry.subject for entry in desk.store.ledger.entries() if entry.action == "hand_over")
    assert ref == f"shift:{made['id']}"
    board = duty.get("/api/shift").json()
    assert board["waiting"] is None
    assert board["running"]["since"] == made["until"]
    assert [row["id"] for row in duty.get("/api/shifts").json()] == [made["id"]]


def test_what_nobody_marked_is_carried_into_the_next_shift(desk: Office) -> None:
    duty, leader = client(desk), client(desk, "duty_leader")
    event, _ = fresh_alarm(desk, "carried")
    made = duty.post("/api/shift/hand-over", json={"seal": running(duty)["seal"]}).json()
    later(desk, 60)
    leader.post(f"/api/shift/{made['id']}/sign")
    lines = {one["id"]: one for one in running(leader)["lines"]}  # type: ignore[attr-defined]
    assert lines[event.id]["open"]
    leader.post(f"/api/events/{event.id}/marks", json={"kind": "confirmed"})
    later(desk, 1)
    lines = {one["id"]: one for one in running(leader)["lines"]}  # type: ignore[attr-defined]
    assert lines[event.id]["mark"] == "confirmed"


def test_a_list_that_changed_is_read_again_before_it_is_handed_over(desk: Office) -> None:
    duty = client(desk)
    seal = running(duty)["seal"]
    duty.post("/api/shift/remarks", json={"text": "just now"})
    answer = duty.post("/api/shift/hand-over", json={"seal": seal})
    assert (answer.status_code, answer.json()["code"]) == (409, "shift_changed")


def test_a_frozen_list_does_not_change_when_an_alarm_is_marked_later(desk: Office) -> None:
    duty = client(desk)
    event, _ = fresh_alarm(desk, "frozen")
    made = duty.post("/api/shift/hand-over", json={"seal": running(duty)["seal"]}).json()
    duty.post(f"/api/events/{event.id}/marks", json={"kind": "false", "note": "x"})
    kept = duty.get(f"/api/shifts/{made['id']}").json()
    assert kept["lines"] == made["lines"]


def test_who_may_read_the_log_may_not_for_that_sign_it(desk: Office) -> None:
    signatory = client(desk, "signatory")
    seal = running(signatory)["seal"]
    assert signatory.post("/api/shift/hand-over", json={"seal": seal}).status_code == 403
    assert client(desk, "grid_officer").get("/api/shift").status_code == 403
    assert audited(desk, "hand_over", desk.town.ref) == []
