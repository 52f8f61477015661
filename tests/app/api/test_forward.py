"""Targets of forwarding over the interface, from the command line and in a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bihuan.app.api import Office, create_app
from bihuan.app.api.forward import trouble_words
from bihuan.app.cli import cli
from bihuan.app.clock import CityClock
from bihuan.app.forwarding import Target, plan_of, renew_plan, save_target, target_of
from bihuan.app.gateway.forward_plan import PlanFile, plan_path
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.settings import Settings
from bihuan.core import CHINA, InputError, NotCovered, SettingError, from_json, to_json
from bihuan.register import Device, Person
from bihuan.store import backup, open_store, restore
from tests.app.api.handmade import TestClient
from tests.app.small import facts

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
PASSWORD = "Hand-made-2026"
TARGET = {"host": "10.1.2.3", "port": 9213, "name": "省平台", "password": "654321", "factors": ["so2"]}
ASKED = TARGET | {"reason": "as agreed"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_store(tmp_path, threads=1) as store:
        people = [
            Person(id="P1", name="e", roles=("data_engineer",)),
            Person(id="P2", name="d", roles=("data_engineer",), district="D1"),
            Person(id="P3", name="o", roles=("duty_officer",)),
        ]
        store.records.save_facts([*facts(), *people])
        loop = Loop(store, CHINA, Notifications((), tmp_path / "notices.jsonl"), NOW)
        found = Office(store, lambda: loop, CityClock(NOW), Settings(), wall=CityClock(NOW))
        for number in (1, 2, 3):
            found.accounts.add(f"u{number}", f"P{number}", PASSWORD, NOW)
        yield found


def entered(office: Office, login: str = "u1") -> TestClient:
    client = TestClient(create_app(office), headers={"Accept-Language": "en"})
    told = client.post("/api/session", json={"login": login, "password": PASSWORD})
    client.headers["X-CSRF-Token"] = told.json()["csrf"]
    return client


def target(**other: object) -> Target:
    fields: dict[str, object] = {"id": "province", "name": "", "host": "h", "port": 9, "since": NOW}
    return Target(**(fields | other))  # type: ignore[arg-type]


def test_a_target_is_added_changed_paused_and_resumed_each_with_its_row_in_the_ledger(office: Office) -> None:
    client = entered(office)
    made = client.post("/api/forward/targets/province", json=ASKED)
    assert made.status_code == 201, made.text
    assert (made.json()["state"], made.json()["line"], made.json()["devices"]) == ("active", "stopped", None)
    changed = {"host": "10.1.2.4", "port": 9214, "name": "省平台", "reason": "moved"}
    assert client.put("/api/forward/targets/province", json=changed).json()["host"] == "10.1.2.4"
    assert target_of(office.store, "province").password == "654321", "a password that is left out stays"
    assert client.post("/api/forward/targets/province/pause").json()["state"] == "paused"
    assert client.post("/api/forward/targets/province/resume").json()["state"] == "active"
    entries = [one for one in office.store.ledger.entries() if one.subject == "target:province"]
    assert [(one.action, one.actor) for one in entries] == [
        ("forward.add", "P1"), ("forward.change", "P1"), ("forward.pause", "P1"), ("forward.resume", "P1"),
    ]  # fmt: skip
    reasons = [from_json(one.body, dict).get("reason") for one in entries]
    assert reasons[:2] == ["as agreed", "moved"]
    assert not any(b"654321" in one.body for one in entries), "the ledger holds no password"
    assert b"654321" not in client.get("/api/forward/targets").content


def test_a_target_is_not_added_without_a_reason(office: Office) -> None:
    assert entered(office).post("/api/forward/targets/province", json=TARGET).status_code == 422
    assert not office.store.records.count("target")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("ConnectionRefusedError: [Errno 111] Connect call failed ('10.1.2.4', 9212)", "refuses the connection"),
        ("TimeoutError", "does not respond"),
        ("OSError: [Errno 113] Connect call failed ('10.1.2.4', 9212)", "No route to the host"),
        ("gaierror: [Errno -2] Name or service not known", "name of the host is not known"),
        ("SSLCertVerificationError: certificate verify failed", "No encrypted line"),
        ("OSError: [Errno 28] No space left on device", "disk space"),
        ("ValueError: odd", "tried again by itself"),
        ("", ""),
    ],
)
def test_why_a_line_does_not_stand_is_said_in_plain_words(told: str, said: str) -> None:
    words = trouble_words(told, "en")
    assert said in words
    assert "Error" not in words
    assert bool(trouble_words(told, "zh")) == bool(told)


def test_only_whoever_answers_for_the_whole_city_changes_targets(office: Office) -> None:
    assert entered(office, "u2").post("/api/forward/targets/x", json=ASKED).json()["code"] == "wrong_area"
    officer = entered(office, "u3")
    assert officer.post("/api/forward/targets/x", json=ASKED).json()["code"] == "no_right"
    assert officer.get("/api/forward/targets").json()["targets"] == []


def test_the_plan_of_the_process_follows_targets_and_register(office: Office) -> None:
    entered(office).post("/api/forward/targets/province", json=ASKED)
    path = plan_path(office.store.home.path)
    (planned,) = PlanFile(path).plan.targets
    devices = office.register.all(Device, office.today)
    assert devices and set(planned.devices) == {device.id for device in devices}
    assert {peer.password for peer in planned.devices.values()} == {"654321"}
    assert path.stat().st_mode & 0o777 == 0o600
    news = Device(id="NEW1", name="", site="outlet:DA1", units={"so2": "ug/m3"})
    later, _ = office.register.merge([news])
    assert renew_plan(office.store, later, office.today, "Asia/Shanghai")
    (planned,) = PlanFile(path).plan.targets
    assert (planned.devices["NEW1"].kind, planned.devices["NEW1"].units) == ("outlet", {"so2": "ug/m3"})


def test_the_list_tells_how_a_target_stands(office: Office) -> None:
    client = entered(office)
    client.post("/api/forward/targets/province", json=ASKED)
    status = {
        "pid": 1,
        "at": "2026-03-10T01:00:00Z",
        "targets": {
            "province": {
                "state": "connected", "trouble": "", "connected": "2026-03-10T00:00:00Z",
                "answered": "2026-03-10T00:59:00Z", "oldest": "2026-03-10T00:58:30Z", "waiting": 7, "unread": 0,
                "stuck": 1, "counts": {"answered": 90, "refused": 3, "refused_4": 3, "answer_flag": 2, "aside": 1},
            }
        },
    }  # fmt: skip
    folder = office.store.home.path / "forward"
    (folder / "status.json").write_bytes(to_json(status))
    (folder / "province").mkdir()
    row = {"at": "2026-03-10T00:00:00Z", "frame": "g1-1/64", "mn": "M1", "why": "refused_4"}
    (folder / "province" / "aside.jsonl").write_bytes(2 * (to_json(row) + b"\n"))
    (line,) = client.get("/api/forward/targets").json()["targets"]
    assert (line["line"], line["lag"], line["waiting"], line["stuck"], line["forwarded"]) == (
        "connected",
        90.0,
        7,
        1,
        90,
    )
    assert [(one["reason"], one["count"]) for one in line["troubles"]] == [("refused_4", 3), ("answer_flag", 2)]
    assert line["troubles"][0]["words"] == "refused by the target, QnRtn=4"
    assert client.get("/api/forward/targets/province/aside").json() == [
        row | {"words": "refused by the target, QnRtn=4", "again": False, "device": ""}
    ]
    assert client.get("/api/forward/targets/none/aside").json()["code"] == "not_covered"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"id": "No Good"}, "target id 'No Good' cannot be used"),
        ({"port": 0}, "give host and port"),
        ({"protocol": "modbus"}, "protocol 'modbus' is none of hj212-2005"),
        ({"until": NOW}, "would end before it begins"),
        ({"window": 0}, "window is 1-1024"),
        ({"kinds": ("20",)}, "must be commands of four digits"),
        ({"factors": ("gold",)}, "factors gold are not in core/pollutants.toml"),
        ({"password": "a;b"}, "none of ; , & or blank"),
        ({"mode": "raw", "password": "x", "factors": ("so2",)}, "so password, factors cannot be changed on the way"),
        ({"devices": {"A": "X", "B": "X"}}, "two loggers would be X there"),
    ],
)
def test_a_target_that_cannot_be_is_refused_with_what_is_allowed(office: Office, wrong: dict, said: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=said):
        save_target(office.store, target(**wrong), "P1", NOW, new=True)
    assert office.store.records.count("target") == 0


def test_a_target_is_added_once_and_its_beginning_stays(office: Office) -> None:
    save_target(office.store, target(), "P1", NOW, new=True)
    with pytest.raises(InputError, match="is there already"):
        save_target(office.store, target(), "P1", NOW, new=True)
    later = NOW + timedelta(days=1)
    with pytest.raises(InputError, match="has begun on 2026-03-10T01:00Z"):
        save_target(office.store, target(since=later), "P1", later, new=False)
    with pytest.raises(NotCovered, match="known: province"):
        save_target(office.store, target(id="other"), "P1", NOW, new=False)
    with pytest.raises(SettingError, match="cannot become"):
        save_target(office.store, target(id="units", units={"so2": "mg/L"}), "P1", NOW, new=True)


def test_named_devices_only_are_in_the_plan_of_a_target(office: Office) -> None:
    first = office.register.all(Device, office.today)[0]
    planned = plan_of(target(devices={first.id: "THERE", "GONE": ""}), office.register, office.today)
    assert {mn: peer.mn for mn, peer in planned.devices.items()} == {first.id: "THERE"}


def test_the_command_line_adds_lists_pauses_and_tells_targets(tmp_path: Path) -> None:
    def said(*words: str, given: str | None = None) -> str:
        done = CliRunner().invoke(cli, ["forward", *words], env={"BIHUAN_HOME": str(tmp_path)}, input=given)
        assert done.exit_code == 0, done.output
        return done.output

    add = ["add", "province", "--host", "h", "--port", "9", "--device", "A=B", "--device", "C", "--factor", "so2"]
    assert said(*add, "--password-stdin", given="secret\n") == "province  h:9\n"
    (row,) = [json.loads(line) for line in said("list", "--json").splitlines()]
    assert (row["devices"], row["factors"], row["password"], row["is"]) == (
        {"A": "B", "C": ""},
        ["so2"],
        True,
        "active",
    )
    assert said("pause", "province") == "province  paused\n"
    assert said("status").startswith("province  paused  stopped  lag 0 s  waiting 0")
    assert said("resume", "province") == "province  active\n"
    assert from_json(plan_path(tmp_path).read_bytes(), dict)["targets"][0]["id"] == "province"
    assert said("list").startswith("province  h:9  rewritten  hj212-2017  active  2 devices")


def test_frames_that_were_set_aside_are_sent_again_by_a_named_person_with_a_reason(office: Office) -> None:
    client = entered(office)
    client.post("/api/forward/targets/province", json=ASKED)
    folder = office.store.home.forward / "province"
    folder.mkdir(parents=True)
    rows = [{"at": "2026-03-10T00:00:00Z", "frame": f"g1-1/{k}", "mn": "M1", "why": "refused_4"} for k in (64, 128)]
    (folder / "aside.jsonl").write_bytes(b"".join(to_json(row) + b"\n" for row in rows))
    door = "/api/forward/targets/province/aside"
    assert client.post(door, json={"reason": ""}).status_code == 422
    assert client.post(door, json={"reason": "MN agreed", "frames": ["g1-9/1"]}).status_code == 422
    one = client.post(door, json={"reason": "MN agreed", "frames": ["g1-1/64"]}).json()
    assert {line["frame"]: line["again"] for line in one} == {"g1-1/64": True, "g1-1/128": False}
    every = client.post(door, json={"reason": "password agreed"}).json()
    assert all(line["again"] for line in every)
    assert len(list((folder / "again").iterdir())) == 2
    told = [entry for entry in office.store.ledger.entries() if entry.action == "forward.retry"]
    assert [(entry.actor, from_json(entry.body, dict)["reason"]) for entry in told] == [
        ("P1", "MN agreed"), ("P1", "password agreed"),
    ]  # fmt: skip
    assert entered(office, "u3").post(door, json={"reason": "why not"}).json()["code"] == "no_right"
    with (folder / "aside.jsonl").open("ab") as file:
        file.write(to_json(rows[0] | {"why": "sent"}) + b"\n")
    assert [line["frame"] for line in client.get(door).json()] == ["g1-1/128"], "what was sent is settled"


def test_a_target_is_removed_only_when_it_rests_and_one_of_its_name_begins_anew(office: Office) -> None:
    client = entered(office)
    client.post("/api/forward/targets/province", json=ASKED)
    folder = office.store.home.forward / "province"
    folder.mkdir(parents=True)
    (folder / "place.json").write_bytes(b"{}")
    door = "/api/forward/targets/province/remove"
    assert client.post(door, json={"reason": "moved"}).status_code == 422, "it is active"
    client.post("/api/forward/targets/province/pause")
    assert entered(office, "u2").post(door, json={"reason": "moved"}).json()["code"] == "wrong_area"
    assert client.post(door, json={"reason": "moved"}).json()["targets"] == []
    (entry,) = [one for one in office.store.ledger.entries() if one.action == "forward.remove"]
    assert from_json(entry.body, dict)["reason"] == "moved" and b"654321" not in entry.body
    client.post("/api/forward/targets/province", json=ASKED)
    assert not (folder / "place.json").exists()


def test_a_restored_home_goes_on_from_the_places_of_its_targets(office: Office, tmp_path: Path) -> None:
    folder = office.store.home.forward / "province"
    (folder / "again").mkdir(parents=True)
    for name in ("place.json", "aside.jsonl", "again/g1-1_64.json"):
        (folder / name).write_bytes(name.encode())
    (office.store.home.forward / "plan.json").write_bytes(b"654321")
    manifest = backup(office.store, tmp_path / "copy", NOW)
    assert {name for name in manifest.files if name.startswith("forward/")} == {
        f"forward/province/{name}" for name in ("place.json", "aside.jsonl", "again/g1-1_64.json")
    }, "the plan holds passwords and is made anew"
    restore(tmp_path / "copy", tmp_path / "home")
    assert (tmp_path / "home/forward/province/place.json").read_bytes() == b"place.json"
