"""Whether the server lives and keeps up, told to people, probes and Prometheus."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from bihuan import __version__
from bihuan.app.api import Office, create_app
from bihuan.app.commands import COMMANDS, Scene
from bihuan.app.notify import Delivery
from bihuan.app.opened import lent
from bihuan.app.pulse import LOOP_LATE
from bihuan.app.upkeep import BACKUP_OLD, GIVEN_UP_SHOWN, note_backup, unsent_of
from bihuan.core import Message, Notice, Ref
from tests.app.api.onboard import MIDNIGHT, NOW, logged_in, small_office
from tests.app.small import day_of_frames

STATUS = {
    "gateway": "g1",
    "pid": 0,
    "port": 9212,
    "at": "2026-03-10T19:00:00Z",
    "frames_received": 150,
    "frames_acknowledged": 149,
    "frames_quarantined": 36,
    "complaints": {"crc_bad": 1},
    "connections": 4,
    "acknowledged_seconds": {"p50": 0.002, "p99": 0.008},
    "acknowledged_ms_classes": {"2.000": 100, "8.000": 49},
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with small_office(tmp_path / "home", day_of_frames(MIDNIGHT, 3)) as made:
        (made.store.home.journal / "g1" / "status.json").write_text(json.dumps(STATUS))
        yield made


def test_a_probe_needs_no_login_and_learns_when_the_loop_falls_behind(office: Office) -> None:
    client = TestClient(create_app(office))
    assert client.get("/healthz").json() == {"status": "ok"}
    told = client.get("/readyz")
    assert (told.status_code, told.json()["marks"]["loop"]) == (200, "ok")
    office.clock.advance_to(NOW + timedelta(seconds=LOOP_LATE + 1))  # type: ignore[attr-defined]
    told = client.get("/readyz")
    assert (told.status_code, told.json()["ready"], told.json()["marks"]["loop"]) == (503, False, "wrong")
    assert client.get("/healthz").status_code == 200


def test_health_tells_latency_lag_and_complaints_as_they_were_counted(office: Office) -> None:
    told = logged_in(office, "data_engineer").get("/api/health").json()
    (gate,) = told["gateways"]
    assert (gate["p50"], gate["p99"], gate["running"]) == (0.002, 0.008, False)
    assert gate["unread"] is True, "the last minutes came after the last step"
    assert gate["behind"] > 0
    assert told["loop_lag"] == 0.0
    assert {c["reason"]: c["frames"] for c in told["complaints"]}["crc_bad"] == 1
    assert (told["marks"]["gateways"], told["marks"]["devices"], told["unclaimed"]) == ("wrong", "look", 1)


def test_without_a_gateways_word_latency_is_missing_and_not_zero(office: Office) -> None:
    (office.store.home.journal / "g1" / "status.json").unlink()
    (gate,) = logged_in(office, "data_engineer").get("/api/health").json()["gateways"]
    assert gate["p50"] is None
    assert gate["told"] is None


def test_a_gateway_to_which_no_device_has_come_yet_is_told_of(office: Office) -> None:
    fresh = office.store.home.journal / "g2"
    fresh.mkdir()
    quiet = {"gateway": "g2", "pid": os.getpid(), "port": 9212, "at": "2026-03-10T19:00:00Z", "connections": 0}
    (fresh / "status.json").write_text(json.dumps(quiet))
    _, gate = logged_in(office, "data_engineer").get("/api/health").json()["gateways"]
    assert (gate["name"], gate["running"], gate["unread"], gate["p50"]) == ("g2", True, False, None)


def test_health_needs_its_right(office: Office) -> None:
    assert logged_in(office, "grid_officer").get("/api/health").status_code == 403
    assert TestClient(create_app(office)).get("/api/health").status_code == 401


def test_metrics_are_for_this_machine_or_for_who_may_read_health(office: Office) -> None:
    app = create_app(office)
    assert TestClient(app, client=("10.1.2.3", 5000)).get("/metrics").status_code == 401
    near = TestClient(app, client=("127.0.0.1", 5000))
    assert near.get("/metrics").status_code == 200
    assert near.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 401
    assert logged_in(office, "data_engineer").get("/metrics").status_code == 200
    assert logged_in(office, "grid_officer").get("/metrics").status_code == 403


def test_prometheus_reads_the_metrics_and_finds_the_known_figures(office: Office) -> None:
    body = TestClient(create_app(office), client=("127.0.0.1", 5000)).get("/metrics").text
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    g1 = ("gateway", "g1")
    assert found["bihuan_frames_total", ("fate", "acknowledged"), g1] == 149
    assert found["bihuan_acknowledgement_seconds_bucket", g1, ("le", "0.002")] == 100
    assert found["bihuan_acknowledgement_seconds_bucket", g1, ("le", "+Inf")] == 149
    assert found["bihuan_complaints_total", ("reason", "crc_bad")] == 1
    assert found[("bihuan_loop_lag_seconds",)] == 0
    assert found[("bihuan_live_viewers",)] == 0
    assert found["bihuan_journal_lag_bytes", g1] > 0
    assert found[("bihuan_disk_free_bytes",)] > 0
    assert found["bihuan_build_info", ("version", __version__)] == 1
    assert found[("bihuan_devices",)] == 3
    assert found["bihuan_jobs", ("state", "failed")] == 0
    assert ("bihuan_last_backup_timestamp_seconds",) not in found, "what is not known is left out, never 0"


def test_every_metric_stands_in_the_docs(office: Office) -> None:
    note_backup(office.store.records, NOW)
    body = TestClient(create_app(office), client=("127.0.0.1", 5000)).get("/metrics").text
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "watch-the-server.md").read_text("utf-8")
    names = {line.split()[2] for line in body.splitlines() if line.startswith("# TYPE")}
    assert len(names) > 15
    assert sorted(name for name in names if f"`{name}`" not in page) == []


def test_the_last_backup_is_remembered_and_an_old_one_is_worth_a_look(office: Office, tmp_path: Path) -> None:
    client = logged_in(office, "system_admin")
    told = client.get("/api/health").json()
    assert (told["backup"], told["marks"]["backup"]) == (None, "look")
    with lent(office.store):
        list(COMMANDS["backup"].run(Scene(office.store.home.path, office.clock), {"target": str(tmp_path / "b")}, "en"))
    told = client.get("/api/health").json()
    assert (datetime.fromisoformat(told["backup"]), told["marks"]["backup"]) == (NOW, "ok")
    office.clock.advance_to(NOW + BACKUP_OLD + timedelta(seconds=1))  # type: ignore[attr-defined]
    assert client.get("/api/health").json()["marks"]["backup"] == "look"


def test_a_logger_that_is_not_heard_for_an_hour_is_silent(office: Office) -> None:
    client = logged_in(office, "system_admin")
    told = client.get("/api/health").json()["devices"]
    assert (told["known"], told["heard"], told["silent"]) == (3, 3, 0)
    office.clock.advance_to(NOW + timedelta(hours=2))  # type: ignore[attr-defined]
    told = client.get("/api/health").json()
    assert (told["devices"]["heard"], told["devices"]["silent"], told["marks"]["heard"]) == (0, 3, "look")


def notice(ident: str, queued: datetime, **fields: object) -> Delivery:
    words = Message("notice.dispatched_title", {})
    person = Ref("person", "P1")
    made = Notice(ident, "dispatched", Ref("case", "1"), person, words, words, queued)
    return Delivery(made, "mail", queued, **fields)  # type: ignore[arg-type]


def test_the_oldest_notice_that_waits_is_told_and_what_was_given_up_for_a_day() -> None:
    hour = timedelta(hours=1)
    found = unsent_of(
        [
            notice("sent", NOW - 9 * hour, sent=NOW),
            notice("young", NOW - hour, next_try=NOW, detail="busy"),
            notice("old", NOW - 3 * hour, next_try=NOW, detail="no answer"),
            notice("lost", NOW - 2 * hour, attempts=6, detail="no such address"),
            notice("long ago", NOW - GIVEN_UP_SHOWN - hour, attempts=6),
        ],
        NOW,
    )
    assert (found.waiting, found.oldest, found.given_up) == (2, NOW - 3 * hour, 1)
    assert (found.detail, found.channels) == ("no answer", {"mail": 3})
