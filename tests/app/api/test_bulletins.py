"""Bulletins over the interface: rights, stale revisions, frozen documents in a sandbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bihuan.app.api import Office
from bihuan.core import iso
from tests.app.api.people import at_screen


@pytest.fixture
def day(office: Office) -> str:
    """A day that is over; each test of this file works on the same chain."""
    return (office.today - timedelta(days=1)).isoformat()


def test_a_bulletin_is_drafted_checked_signed_and_corrected_by_different_people(office: Office, day: str) -> None:
    duty, leader, signatory = (at_screen(office, role) for role in ("duty_officer", "duty_leader", "signatory"))
    made = duty.post("/api/bulletins", json={"day": day})
    assert made.status_code == 200, made.text
    line = made.json()
    at = f"/api/bulletins/{line['id']}"
    advice = {"revision": line["revision"], "advice": "sweep <the> ring road"}
    edited = duty.put(f"{at}/advice", json=advice).json()
    stale = duty.put(f"{at}/advice", json=advice)
    assert (stale.status_code, stale.json()["code"]) == (409, "bulletin_changed")
    assert duty.post(f"{at}/check", json={"revision": edited["revision"]}).status_code == 403
    early = signatory.post(f"{at}/sign", json={"revision": edited["revision"]})
    assert (early.status_code, early.json()["code"]) == (409, "bulletin_state")
    checked = leader.post(f"{at}/check", json={"revision": edited["revision"]}).json()
    signed = signatory.post(f"{at}/sign", json={"revision": checked["revision"]}).json()
    assert (signed["state"], signed["number"], signed["year"]) == ("signed", 1, office.today.year)
    frozen = duty.get(f"{at}/document.docx").content
    again = duty.post("/api/bulletins", json={"day": day})
    assert (again.status_code, again.json()["code"]) == (409, "bulletin_state")
    new = duty.post(f"{at}/correct", json={"reason": "PM10 was wrong"}).json()
    assert (new["corrects"], new["reason"], new["number"]) == (line["id"], "PM10 was wrong", None)
    assert duty.get(f"{at}/document.docx").content == frozen
    data = leader.get(f"/api/bulletins/{line['id']}").json()
    assert data["line"]["corrected_by"] == new["id"]
    assert [one["id"] for one in data["chain"]] == [line["id"], new["id"]]


def test_the_document_is_shown_in_a_sandbox_and_its_text_is_escaped(office: Office, day: str) -> None:
    duty = at_screen(office, "duty_officer")
    line = next(one for one in duty.get("/api/bulletins").json()["bulletins"] if one["day"] == day)
    answer = duty.get(f"/api/bulletins/{line['id']}/document.html", params={"language": "en"})
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "sweep &lt;the&gt; ring road" in answer.text


@pytest.mark.parametrize("role", ["data_engineer", "enterprise_manager", "audit_admin"])
def test_who_has_no_right_reads_no_bulletin(office: Office, role: str) -> None:
    answer = at_screen(office, role).get("/api/bulletins")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_right")


def test_an_unknown_bulletin_is_not_found(office: Office) -> None:
    answer = at_screen(office, "duty_officer").get("/api/bulletins/none")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_bulletin")


def test_a_leader_writes_an_instruction_on_a_bulletin(office: Office, day: str) -> None:
    leader = at_screen(office, "duty_leader")
    line = next(one for one in leader.get("/api/bulletins").json()["bulletins"] if one["day"] == day)
    assert "instruct" in leader.get(f"/api/bulletins/{line['id']}").json()["may"]
    unit = office.desk.cases[0].lead
    body = {
        "about": line["ref"], "title": "Look into the outlets", "unit": unit,
        "due": iso(office.now + timedelta(days=2)), "at": iso(office.now),
    }  # fmt: skip
    answer = leader.post("/api/instructions", json=body)
    assert answer.status_code == 200, answer.text
