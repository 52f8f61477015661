"""Orders on the page of a logger: who may give which, with a reason, in the ledger; keys are never told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bihuan.app.api import Office
from bihuan.app.ordering import orders_of
from tests.app.api.onboard import logged_in, small_office
from tests.app.small import MNS

KEY = "SM4-key-16-chars"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with small_office(tmp_path / "home", []) as made:
        yield made


def order(command: str, reason: str = "gap of the night", **arguments: str) -> dict[str, Any]:
    return {"command": command, "arguments": arguments, "reason": reason}


def acts(office: Office) -> list[tuple[str, str, str]]:
    return [(one.actor, one.action, one.subject) for one in office.store.ledger.entries() if "order" in one.action]


def test_an_order_is_placed_with_person_reason_and_ledger_row_and_listed(office: Office) -> None:
    client = logged_in(office, "duty_officer")
    asked = order("recall_minute", begin="2026-03-10T16:00:00Z", end="2026-03-10T17:00:00Z")
    told = client.post(f"/api/devices/{MNS[0]}/orders", json=asked)
    assert told.status_code == 200, told.text
    (line,) = client.get(f"/api/devices/{MNS[0]}/orders").json()["orders"]
    assert line == told.json()["orders"][0]
    assert (line["words"], line["state"], line["by"]) == ("Recall minute data", "waiting", "duty_officer")
    assert line["reason"] == "gap of the night"
    assert acts(office) == [("P-duty_officer", "order", f"device:{MNS[0]}")]


def test_risky_orders_have_a_right_and_a_door_of_their_own(office: Office) -> None:
    officer, engineer = logged_in(office, "duty_officer"), logged_in(office, "data_engineer")
    clean = order("clean", analyser="w01018")
    assert officer.post(f"/api/devices/{MNS[0]}/controls", json=clean).json()["code"] == "no_right"
    assert officer.post(f"/api/devices/{MNS[0]}/orders", json=clean).json()["code"] == "order_door"
    assert engineer.post(f"/api/devices/{MNS[0]}/controls", json=order("set_clock")).json()["code"] == "order_door"
    assert engineer.post(f"/api/devices/{MNS[0]}/controls", json=clean).status_code == 200
    allowed = {one["code"]: one["allowed"] for one in officer.get(f"/api/devices/{MNS[0]}/orders").json()["commands"]}
    assert allowed["set_clock"] and not allowed["clean"]


def test_a_maintainer_reads_but_gives_no_order_and_sees_no_names(office: Office) -> None:
    logged_in(office, "data_engineer").post(f"/api/devices/{MNS[0]}/orders", json=order("read_clock"))
    maintainer = logged_in(office, "maintainer")
    assert maintainer.post(f"/api/devices/{MNS[0]}/orders", json=order("read_clock")).status_code == 403


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (order("read_clock", reason=""), 422),
        (order("read_clock", reason="   "), 422),
        (order("dance"), 422),
        (order("set_alarm_limits"), 422),
        (order("set_rt_interval", rt_seconds="5"), 422),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(office: Office, asked: dict[str, Any], status: int) -> None:
    client = logged_in(office, "data_engineer")
    assert client.post(f"/api/devices/{MNS[0]}/orders", json=asked).status_code == status
    assert not orders_of(office.store, MNS[0]) and not acts(office)


def test_the_first_connection_is_a_sequence(office: Office) -> None:
    """HJ 212-2017 clause 6.7, with the intervals of the register."""
    client = logged_in(office, "data_engineer")
    told = client.post(f"/api/devices/{MNS[0]}/orders", json=order("first_connection", "new logger")).json()
    assert [one["command"] for one in told["orders"]] == [
        "set_clock", "set_timeout", "set_minute_interval", "stop_rt", "stop_states",
    ]  # fmt: skip
    assert len(acts(office)) == 5


def test_version_and_key_are_set_with_a_reason_and_the_key_is_never_told(office: Office) -> None:
    client = logged_in(office, "data_engineer")
    asked = {"protocol": "hj212-2025", "cipher_key": KEY, "reason": "activated"}
    told = client.put(f"/api/devices/{MNS[0]}/line", json=asked)
    assert told.json() == {"mn": MNS[0], "protocol": "hj212-2025", "cipher": "set"}
    assert office.town.devices[MNS[0]].cipher_key == KEY
    listed = client.get(f"/api/devices/{MNS[0]}/orders").text + client.get("/api/devices").text
    ledger = b"".join(one.body for one in office.store.ledger.entries())
    assert KEY not in listed + told.text and KEY.encode() not in ledger and b"activated" in ledger
    assert "set_key" in listed
    wrong = client.put(f"/api/devices/{MNS[0]}/line", json=asked | {"cipher_key": "short"})
    assert wrong.json()["code"] == "cipher_key" and office.town.devices[MNS[0]].cipher_key == KEY
    kept = client.put(f"/api/devices/{MNS[0]}/line", json={"protocol": "hj212-2025", "reason": "look"})
    assert kept.json()["cipher"] == "set"
