"""The report of a trace that people answer for: three people, frozen bytes, a correction, and who may read it."""

from __future__ import annotations

import pytest

from bihuan.app.api import Office
from bihuan.core import Event, text
from bihuan.register import Person
from tests.app.api.alarms import audited, rises
from tests.app.api.people import at_screen

AT = "/api/trace-reports"


@pytest.fixture(scope="module")
def event(office: Office) -> Event:
    return next(one for one in rises(office) if office.loop.ranking(one.id))


def test_a_trace_report_is_drafted_checked_signed_and_corrected_by_different_people(
    office: Office, event: Event
) -> None:
    duty, leader, signatory = (at_screen(office, role) for role in ("duty_officer", "duty_leader", "signatory"))
    assert signatory.post(AT, json={"event": event.id}).json()["code"] == "no_right"
    made = duty.post(AT, json={"event": event.id})
    assert made.status_code == 201, made.text
    line = made.json()
    assert (line["state"], line["about"], line["number"]) == ("draft", str(event.ref), None)
    at = f"{AT}/{line['id']}"
    edited = duty.put(f"{at}/advice", json={"revision": 1, "advice": "look at <the> kiln first"}).json()
    stale = duty.put(f"{at}/advice", json={"revision": 1, "advice": "x"})
    assert (stale.status_code, stale.json()["code"]) == (409, "bulletin_changed")
    early = signatory.post(f"{at}/sign", json={"revision": edited["revision"]})
    assert (early.status_code, early.json()["code"]) == (409, "bulletin_state")
    checked = leader.post(f"{at}/check", json={"revision": edited["revision"]}).json()
    signed = signatory.post(f"{at}/sign", json={"revision": checked["revision"]}).json()
    assert (signed["state"], signed["number"], signed["year"]) == ("signed", 1, office.today.year)
    frozen = duty.get(f"{at}/document.docx").content
    assert duty.post(AT, json={"event": event.id}).json()["code"] == "bulletin_state"
    new = duty.post(f"{at}/correct", json={"reason": "the wind was wrong"}).json()
    assert (new["corrects"], new["corrects_number"], new["number"]) == (line["id"], f"{office.today.year}-1", None)
    assert duty.get(f"{at}/document.docx").content == frozen
    page = leader.get(at).json()
    assert page["line"]["corrected_by"] == new["id"]
    assert [one["id"] for one in page["chain"]] == [line["id"], new["id"]]
    acts = [one.action for one in office.store.ledger.entries() if one.subject == line["ref"]]
    assert [act for act in acts if not act.endswith(".read")] == [
        "trace_report.make", "trace_report.edit", "trace_report.check", "trace_report.sign",
    ]  # fmt: skip


def test_the_signed_page_says_what_it_is_no_ground_for_and_reading_it_stands_in_the_ledger(
    office: Office, event: Event
) -> None:
    leader = at_screen(office, "duty_leader")
    line = leader.get(AT, params={"event": event.id}).json()["reports"][-1]
    answer = leader.get(f"{AT}/{line['id']}/document.html", params={"language": "zh"})
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.text.count(text("dossier.banner", "zh")) >= 2
    assert "look at &lt;the&gt; kiln first" in answer.text
    assert audited(office, "trace_report.read", line["ref"])


def test_reports_and_bulletins_are_counted_and_listed_apart(office: Office, event: Event) -> None:
    duty = at_screen(office, "duty_officer")
    reports = duty.get(AT, params={"event": event.id}).json()["reports"]
    bulletins = duty.get("/api/bulletins").json()["bulletins"]
    assert not {one["id"] for one in reports} & {one["id"] for one in bulletins}
    assert duty.get(f"/api/bulletins/{reports[0]['id']}").json()["code"] == "no_bulletin"
    assert duty.get(f"{AT}/none").json()["code"] == "no_trace_report"
    assert duty.post(AT, json={"event": "none"}).json()["code"] == "no_event"


def test_who_sees_one_district_reads_no_report_of_the_whole_city(office: Office, event: Event) -> None:
    told = at_screen(office, "verifier").get(AT)
    mine = office.accounts.get("verifier")
    assert mine is not None
    held = office.register.get(Person, mine.person, office.today)
    assert held is not None
    assert told.status_code == (403 if held.district else 200), told.text
    assert at_screen(office, "grid_officer").get(AT).json()["code"] == "no_right"
