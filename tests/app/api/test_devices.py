"""Loggers as the data engineer meets them: how each speaks, who waits, and claiming."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from bihuan.app.api import Office
from bihuan.app.claiming import PENDING, finish_claims
from bihuan.core import Place, from_json, to_json
from bihuan.devices.hj212 import encode
from bihuan.register import Device, Station
from bihuan.store import open_store
from tests.app.api.onboard import MIDNIGHT, NOW, logged_in, small_office
from tests.app.small import MNS, STRANGER, day_of_frames, minute_frame

HOURS = 3
CLAIM = {"mn": STRANGER, "site": "station:3", "password": "123456", "rhythm": {"minute": 300}}


def third() -> Station:
    return Station(id="3", name="三号", kind="city", place=Place(113.65, 34.75), district="410102")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    frames = day_of_frames(MIDNIGHT, HOURS)
    broken = minute_frame(MNS[0], MIDNIGHT, 35.0, 1)[:-6] + b"0000"
    frames.append((broken, NOW - timedelta(minutes=1), "known"))
    frames.append((minute_frame(MNS[1], MIDNIGHT, 35.0, 1, pw="999999"), NOW - timedelta(seconds=50), "wrong_password"))
    frames.append((b"GET /<script>alert(1)</script> HTTP/1.1", NOW - timedelta(seconds=40), "garbage"))
    with small_office(tmp_path / "home", frames, [third()]) as made:
        yield made


def stored(office: Office, mn: str) -> int:
    return int(office.store.series.query("SELECT count(*) AS n FROM readings WHERE device = ?", [mn])["n"][0])


def test_the_list_tells_of_each_logger_when_it_was_heard_what_is_owed_and_what_is_wrong(office: Office) -> None:
    told = logged_in(office, "data_engineer").get("/api/devices").json()
    one, two, stack = told["devices"]
    assert [line["mn"] for line in told["devices"]] == list(MNS)
    assert told["unknown"] == 1
    assert (one["due"], one["received"], one["interval"]) == (36, 35, "minute"), "the last minutes come after 03:00"
    assert one["efficiency"] == pytest.approx(35 / 36)
    assert (stack["due"], stack["interval"]) == (18, "minute")
    assert {c["reason"]: c["frames"] for c in one["complaints"]}["crc_bad"] == 1
    assert {c["reason"]: c["frames"] for c in two["complaints"]}["password_wrong"] == 1
    assert (one["silent"], one["missed"]) == (0.0, 0)
    office.clock.advance_to(NOW + timedelta(minutes=31))  # type: ignore[attr-defined]
    later = logged_in(office, "data_engineer").get("/api/devices").json()["devices"][0]
    assert later["missed"] == 6


def test_the_bytes_of_the_list_are_made_once_until_something_came(office: Office) -> None:
    client = logged_in(office, "duty_officer")
    first = client.get("/api/devices").content
    kept = office.lines.made["en"]
    assert client.get("/api/devices").content == first
    assert office.lines.made["en"] is kept


def test_a_maintainer_sees_its_own_loggers_only(tmp_path: Path) -> None:
    own = Device(id="MN0777", name="", site="station:1", maintainer="U1", rhythm={"minute": 300})
    with small_office(tmp_path / "home", [], [own]) as office:
        client = logged_in(office, "maintainer")
        assert [line["mn"] for line in client.get("/api/devices").json()["devices"]] == ["MN0777"]
        assert client.get(f"/api/devices/{MNS[0]}/frames").status_code == 403
        assert client.get("/api/devices/unknown").status_code == 403
        assert logged_in(office, "grid_officer").get("/api/devices").status_code == 403


def test_the_last_frames_are_shown_with_what_they_say_in_words_and_without_their_password(office: Office) -> None:
    told = logged_in(office, "data_engineer", "zh").get(f"/api/devices/{MNS[0]}/frames").json()
    before, _, torn = told["frames"][:3]
    assert torn["complaints"][0]["reason"] == "crc_bad"
    assert torn["complaints"][0]["advice"].startswith("校验错误")
    assert torn["complaints"][0]["severity"] == "error"
    assert torn["readings"] == []
    assert before["command_words"] == "小时数据"
    assert [(r["pollutant"], r["value"], r["unit"]) for r in before["readings"]] == [("pm25", 38.0, "ug/m3")]
    assert all("PW=******" in frame["raw"] and "123456" not in frame["raw"] for frame in told["frames"])


def test_who_waits_to_be_claimed_is_shown_with_what_it_sends(office: Office) -> None:
    told = logged_in(office, "data_engineer").get("/api/devices/unknown").json()
    (waiting,) = told["devices"]
    assert (waiting["mn"], waiting["frames"], waiting["peers"]) == (STRANGER, 36, ["10.0.0.1"])
    assert waiting["rhythm"] == {"minute": 300}
    assert waiting["commands"] == ["2051"]
    assert waiting["outlet"] is False
    (noise,) = told["noise"]
    assert noise["raw"] == "GET /<script>alert(1)</script> HTTP/1.1", "text, which the page escapes"
    assert noise["complaints"][0]["reason"] == "garbage"


def test_a_claim_takes_in_the_waiting_frames_exactly_once(office: Office) -> None:
    counts = office.loop.ingest.counts
    before = (counts.frames, stored(office, MNS[0]))
    assert counts.unclaimed == {STRANGER: 35}, "the thirty-sixth came after the last step"
    client = logged_in(office, "data_engineer")
    told = client.post("/api/devices/claim", json=CLAIM)
    assert told.status_code == 200, told.text
    assert told.json() == {"mn": STRANGER, "frames": 35, "readings": 35, "valid_from": "2026-03-11"}
    assert stored(office, STRANGER) == 35
    office.loop.step(NOW + timedelta(minutes=5))
    counts = office.loop.ingest.counts
    assert stored(office, STRANGER) == 36
    assert counts.unclaimed == {}
    assert stored(office, MNS[0]) == before[1] + 2, "its last minutes and its last hour"
    hours = office.store.series.hours(["station:3"], ["pm25"])
    assert list(hours.filter(hours["basis"] == "minutes")["count"]) == [12, 12, 12]
    assert client.post("/api/devices/claim", json=CLAIM).json()["code"] == "device_known"
    assert client.get("/api/devices/unknown").json()["devices"] == []


def test_a_claim_is_dated_authored_in_the_ledger_and_known_to_the_gateways(office: Office) -> None:
    logged_in(office, "data_engineer").post("/api/devices/claim", json=CLAIM)
    fact = office.register.get(Device, STRANGER, date(2026, 3, 11))
    assert fact is not None
    assert fact.valid_from == date(2026, 3, 11)
    assert "P-data_engineer" in fact.source
    entry = next(one for one in office.store.ledger.entries() if one.action == "claim_device")
    assert (entry.actor, entry.subject) == ("P-data_engineer", f"device:{STRANGER}")
    assert b"123456" not in entry.body
    assert STRANGER in json.loads(office.store.home.devices.read_bytes())
    assert from_json(office.store.records.state(PENDING) or b"", dict) == {}


def test_what_a_crash_left_of_a_claim_is_taken_in_at_the_next_start_once(office: Office) -> None:
    row = Device(id=STRANGER, name="", site="station:3", rhythm={"minute": 300})
    upto = office.loop.ingest.read_to
    with office.store.records.transaction():
        office.store.records.save_facts([row])
        office.store.records.set_state(PENDING, to_json({STRANGER: upto}))
    office.loop.renew_register()
    assert finish_claims(office.store, office.loop, NOW) == 35
    assert stored(office, STRANGER) == 35
    assert finish_claims(office.store, office.loop, NOW) == 0
    assert stored(office, STRANGER) == 35


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"site": "station:404"}, 422, "register"),
        ({"rhythm": {"week": 300}}, 422, "rhythm"),
        ({"mn": MNS[0]}, 409, "device_known"),
        ({"mn": "a;b"}, 422, "malformed"),
        ({"rhythm": {"minute": 0}}, 422, "malformed"),
    ],
)
def test_a_claim_that_cannot_be_says_why_and_changes_nothing(
    office: Office, change: dict[str, object], status: int, code: str
) -> None:
    client = logged_in(office, "data_engineer")
    rows = office.store.ledger.head().rows
    told = client.post("/api/devices/claim", json=CLAIM | change)
    assert (told.status_code, told.json()["code"]) == (status, code)
    assert STRANGER not in office.town.devices
    assert office.store.ledger.head().rows == rows


def test_only_who_may_claims(office: Office) -> None:
    assert logged_in(office, "duty_officer").post("/api/devices/claim", json=CLAIM).status_code == 403


def test_a_pasted_frame_is_read_and_nothing_of_it_is_stored(office: Office) -> None:
    client = logged_in(office, "duty_officer")
    before = (office.store.series.counts(), office.store.journal.ends(), office.loop.ingest.counts.frames)
    groups = [[("DataTime", "20260311020000")], [("a34004-Avg", "41"), ("a34004-Flag", "N")]]
    raw = encode("2061", "NEW1", groups, qn="20260311030000123", st="22", pw="secret").decode()
    told = client.post("/api/devices/try", json={"frame": raw}).json()
    assert (told["mn"], told["known"]) == ("NEW1", False)
    assert [reading["value"] for reading in told["line"]["readings"]] == [41.0]
    assert "secret" not in told["line"]["raw"]
    assert told["line"]["complaints"] == []
    told = client.post("/api/devices/try", json={"frame": "hello\u0000\u202e"}).json()
    assert told["line"]["readings"] == []
    assert told["line"]["complaints"]
    assert "\u202e" not in told["line"]["raw"]
    assert (office.store.series.counts(), office.store.journal.ends(), office.loop.ingest.counts.frames) == before


def test_what_to_type_into_a_logger_says_that_only_this_machine_is_heard(office: Office) -> None:
    told = logged_in(office, "data_engineer").get("/api/devices/connect").json()
    assert (told["host"], told["only_here"], told["port"]) == ("127.0.0.1", True, 9212)
    assert [row["code"] for row in told["commands"]] == ["2011", "2051", "2061", "2031"]
    office.store.home.server.write_text(json.dumps({"host": "0.0.0.0", "hj212_port": 4321}))
    told = logged_in(office, "data_engineer").get("/api/devices/connect").json()
    assert (told["host"], told["only_here"], told["port"]) == ("testserver", False, 4321)


def test_the_claimed_register_outlives_the_process(office: Office, tmp_path: Path) -> None:
    logged_in(office, "data_engineer").post("/api/devices/claim", json=CLAIM)
    home = office.store.home.path
    office.store.close()
    with open_store(home, threads=1) as store:
        assert store.records.register().get(Device, STRANGER, date(2026, 3, 11)) is not None
