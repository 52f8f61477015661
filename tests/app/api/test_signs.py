"""Signs over the interface: evidence and innocent explanations, decisions with a reason, and nobody warned."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from bihuan.app.api import Office
from bihuan.app.signing import KeptSign
from bihuan.core import Event, Period, Ref, from_json, to_json
from bihuan.observations import EvidenceRow, Sign, sign_id
from bihuan.register import Outlet
from bihuan.store import Row
from tests.app.api.alarms import audited, client


@pytest.fixture(scope="module")
def duty(office: Office) -> TestClient:
    return client(office)


def planted(office: Office, name: str) -> Sign:
    """A sign about an outlet, kept as the daily run keeps it."""
    outlet = office.register.all(Outlet, office.town.on)[len(name) % 7]
    end = office.now.replace(minute=0, second=0, microsecond=0)
    period = Period(end - timedelta(hours=12), end)
    rows = tuple(EvidenceRow(period.start + timedelta(hours=k), 49.0 - k % 2, 50.0) for k in range(12))
    figures = {"visits": 9.0, "ups": 0.0, "limit": 50.0, "share": 61.0}
    ident = sign_id("clipped_limit", f"outlet:{outlet.id}", name, period.start)
    site = Ref("outlet", outlet.id)
    sign = Sign(ident, "clipped_limit", site, "so2", period, 0.61, 0.0004, 212, "limit", figures, rows)
    body = to_json(KeptSign(sign, "open", office.now))
    row = Row(ident, body, str(site), "open", start=period.start, end=period.end)
    office.store.records.save("sign", [row])
    return sign


def test_a_sign_shows_its_evidence_and_what_would_explain_it(office: Office, duty: TestClient) -> None:
    sign = planted(office, "evidence")
    page = duty.get(f"/api/signs/{sign.id}").json()
    assert page["sign"]["kind_words"] == "held just under the limit"
    assert "50" in page["sign"]["words"] and "{" not in page["sign"]["words"]
    assert len(page["evidence"]) == 12
    assert page["evidence"][0]["other"] == 50.0
    assert any("set point" in words for words in page["innocent"])
    assert page["may_judge"] is True
    zh = client(office, language="zh").get(f"/api/signs/{sign.id}").json()
    assert zh["sign"]["state_words"] == "待处理" and "限值" in zh["sign"]["words"]


def test_the_list_begins_with_what_waits_and_takes_filters(office: Office, duty: TestClient) -> None:
    sign = planted(office, "list")
    listed = duty.get("/api/signs").json()
    states = [one["state"] for one in listed["signs"]]
    assert states == sorted(states, key=lambda state: state != "open")
    mine = duty.get("/api/signs", params={"site": str(sign.site), "kind": "clipped_limit", "state": "open"}).json()
    assert sign.id in {one["id"] for one in mine["signs"]}
    assert duty.get("/api/signs", params={"kind": "digits"}).json()["signs"] == []


def test_a_dismissal_carries_reason_and_name_and_stands_in_the_audit(office: Office, duty: TestClient) -> None:
    sign = planted(office, "dismissal")
    assert duty.post(f"/api/signs/{sign.id}/dismiss", json={"reason": ""}).status_code == 422
    assert duty.post(f"/api/signs/{sign.id}/dismiss", json={"reason": "   "}).json()["code"] == "sign_reason"
    page = duty.post(f"/api/signs/{sign.id}/dismiss", json={"reason": "set point of the burner"}).json()
    assert (page["sign"]["state"], page["sign"]["reason"]) == ("dismissed", "set point of the burner")
    assert page["sign"]["name"]
    assert audited(office, "sign.dismissed", sign.ref)
    again = duty.post(f"/api/signs/{sign.id}/check", json={})
    assert (again.status_code, again.json()["code"]) == (409, "sign_decided")


def test_a_check_becomes_an_alarm_that_a_person_dispatches(office: Office, duty: TestClient) -> None:
    sign = planted(office, "a check of this")
    cases = len(office.desk.cases)
    page = duty.post(f"/api/signs/{sign.id}/check", json={"note": "look at the analyser"}).json()
    assert page["sign"]["state"] == "sent"
    event = from_json(office.store.records.get("event", page["sign"]["event"]).body, Event)  # type: ignore[union-attr]
    assert (event.rule, event.grade, event.open) == ("sign_series", "note", True)
    assert len(office.desk.cases) == cases, "nobody is sent by the sign itself"
    alarm = duty.get(f"/api/events/{event.id}").json()
    assert "no finding" in alarm["event"]["words"]
    assert audited(office, "sign.sent", sign.ref)
    preview = duty.get(f"/api/events/{event.id}/dispatch").json()
    assert preview["unit"]


def test_an_enterprise_and_a_maintainer_are_not_told(office: Office, duty: TestClient) -> None:
    sign = planted(office, "tell nobody of it")
    ident = duty.post(f"/api/signs/{sign.id}/check", json={}).json()["sign"]["event"]
    for login in ("enterprise_manager", "maintainer", "grid_officer"):
        other = client(office, login)
        assert other.get("/api/signs").json()["code"] == "no_right"
        assert other.get(f"/api/signs/{sign.id}").status_code == 403
        assert other.get(f"/api/events/{ident}").status_code == 404
        assert ident not in {one["id"] for one in other.get("/api/events").json()["events"]}
    page = duty.get(f"/api/sites/{sign.site}").json()
    assert ident in {one["id"] for one in page["events"]}


def test_who_may_only_read_decides_nothing(office: Office) -> None:
    sign = planted(office, "read only")
    reader = client(office, "signatory")
    assert reader.get(f"/api/signs/{sign.id}").json()["may_judge"] is False
    assert reader.post(f"/api/signs/{sign.id}/dismiss", json={"reason": "x"}).json()["code"] == "no_right"


def test_an_unknown_sign_is_refused_in_words(duty: TestClient) -> None:
    answer = duty.get("/api/signs/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_sign")
