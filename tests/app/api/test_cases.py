import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bihuan.app.api import Office
from bihuan.app.api.tables import safe_cell
from bihuan.cases import Case, measure
from bihuan.core import Period, iso, local_day
from bihuan.register import Person
from tests.app.api.busy import advance, busy, person, picture, reported
from tests.app.api.people import at_screen
from tests.app.api.stand import PASSWORD


@pytest.fixture(scope="session")
def desk(office: Office) -> dict[str, Case]:
    return busy(office)


@pytest.fixture(scope="session")
def officer(office: Office) -> TestClient:
    return at_screen(office, "grid_officer")


def seen(client: TestClient, case: Case) -> dict[str, Any]:
    answer = client.get(f"/api/cases/{case.id}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


def act(client: TestClient, case: Case, office: Office, kind: str, **more: Any) -> Any:
    body = {"kind": kind, "at": iso(office.now), **more}
    return client.post(f"/api/cases/{case.id}/actions", json=body)


def uploaded(client: TestClient, text: str) -> str:
    answer = client.post("/api/photos", files={"file": ("gate.jpg", picture(text), "image/jpeg")})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["digest"])


def test_the_board_counts_what_the_desk_holds_and_puts_the_overdue_first(office: Office, desk: dict[str, Case]) -> None:
    board = at_screen(office, "duty_officer").get("/api/cases", params={"size": 200}).json()
    assert board["total"] == len(office.desk.cases)
    counts = {column["state"]: column["count"] for column in board["columns"] if column["count"]}
    states = [case.state for case in office.desk.cases]
    assert counts == {state: states.count(state) for state in set(states)}
    late = [line["overdue"] for line in board["cases"]]
    assert late == sorted(late, reverse=True)
    assert desk["late"].id in {line["id"] for line in board["cases"] if line["overdue"]}


def test_mine_are_those_i_have_to_act_on_now(office: Office, desk: dict[str, Case], officer: TestClient) -> None:
    mine = {line["id"] for line in officer.get("/api/cases", params={"mine": True, "size": 200}).json()["cases"]}
    assert {desk["dispatched"].id, desk["signed"].id, desk["on_site"].id} <= mine
    assert desk["reported"].id not in mine


def test_a_case_tells_what_this_person_may_do_and_what_it_needs(
    office: Office, desk: dict[str, Case], officer: TestClient
) -> None:
    allowed = {step["kind"]: step for step in seen(officer, desk["on_site"])["allowed"]}
    assert [need["names"] for need in allowed["report"]["needs"]] == [["note"], ["photo"], ["result"]]
    assert "pass" not in allowed
    leader = {step["kind"] for step in seen(at_screen(office, "duty_leader"), desk["on_site"])["allowed"]}
    assert {"reassign", "suspend", "urge"} <= leader
    assert "report" not in leader


def test_a_phone_is_told_beforehand_what_comes_next(desk: dict[str, Case], officer: TestClient) -> None:
    ahead = seen(officer, desk["dispatched"])["ahead"]
    assert "arrive" in {step["kind"] for step in ahead["signed"]}
    assert {"handle", "report"} <= {step["kind"] for step in ahead["on_site"]}


def test_an_action_sent_twice_is_one_step_with_one_entry_in_the_ledger(office: Office, officer: TestClient) -> None:
    case = reported(office, "white_pollution", 8, 9)
    body = {"kind": "sign", "at": iso(office.now - timedelta(minutes=3)), "revision": case.revision}
    first = officer.post(f"/api/cases/{case.id}/actions", json=body)
    entries = len(office.store.ledger.entries())
    second = officer.post(f"/api/cases/{case.id}/actions", json=body)
    assert first.status_code == second.status_code == 200
    assert first.json()["revision"] == second.json()["revision"] == case.revision + 1
    assert len(office.store.ledger.entries()) == entries
    signed = first.json()["steps"][-1]
    assert signed["offline"] is True
    assert signed["at"] == iso(office.now - timedelta(minutes=3))


def test_the_second_of_two_is_told_what_changed_and_how_it_stands(office: Office, officer: TestClient) -> None:
    case = reported(office, "solid_waste", 9, 12)
    looked_at = case.revision
    assert act(officer, case, office, "sign", revision=looked_at).status_code == 200
    leader = at_screen(office, "duty_leader")
    body = {"reason": "not theirs", "unit": "housing"}
    moved = act(leader, case, office, "reassign", fields=body, revision=looked_at)
    assert moved.status_code == 409
    told = moved.json()
    assert told["code"] == "case_changed"
    assert [step["kind"] for step in told["changed"]] == ["sign"]
    assert told["case"]["state"] == "signed"


def test_a_phone_whose_clock_is_ahead_is_flagged_and_not_refused(office: Office, officer: TestClient) -> None:
    case = reported(office, "outfall", 10, 14)
    body = {"kind": "sign", "at": iso(office.now + timedelta(hours=7))}
    answer = officer.post(f"/api/cases/{case.id}/actions", json=body)
    assert answer.status_code == 200
    assert "time_ahead" in {odd["reason"] for odd in answer.json()["steps"][-1]["complaints"]}


def test_a_place_given_by_hand_is_taken_and_flagged(office: Office, officer: TestClient) -> None:
    case = advance(office, reported(office, "waste_water", 11, 16), "signed", minutes=1)
    assert case.place is not None
    answer = act(
        officer, case, office, "arrive",
        place={"lon": case.place.lon, "lat": case.place.lat},
        fields={"place_by": "hand", "place_reason": "no signal"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert "place_by_hand" in {odd["reason"] for odd in answer.json()["steps"][-1]["complaints"]}


def test_the_check_list_and_the_result_come_back_in_words(office: Office, officer: TestClient) -> None:
    case = advance(office, reported(office, "construction", 12, 30), "on_site", minutes=1)
    fields = {"result": "fixed_on_site", "note": "covered", "checks": ["fence=yes", "cover=no", "wash=na"]}
    photos = [{"digest": uploaded(officer, "checks"), "role": "after"}]
    answer = act(officer, case, office, "report", fields=fields, photos=photos, revision=case.revision)
    assert answer.status_code == 200, answer.text
    said = {field["name"]: field["value"] for field in answer.json()["steps"][-1]["fields"]}
    assert said["checks"].count(";") == 2
    assert ": no" in said["checks"]
    assert answer.json()["verdicts"][0]["value"] == "done"
    assert answer.json()["verdicts"][1]["value"] == ""


def test_a_step_lacking_what_it_needs_is_refused_with_the_case_as_it_stands(
    office: Office, desk: dict[str, Case], officer: TestClient
) -> None:
    answer = act(officer, desk["on_site"], office, "report", fields={"note": "done"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "step_refused"
    assert "photo" in answer.json()["detail"]
    assert answer.json()["case"]["state"] == "on_site"


def test_fields_that_only_the_machine_sets_are_not_taken_from_people(
    office: Office, desk: dict[str, Case], officer: TestClient
) -> None:
    answer = act(officer, desk["dispatched"], office, "return", fields={"reason": "x", "district": "990101"})
    assert (answer.status_code, answer.json()["code"]) == (422, "field_unknown")
    assert act(officer, desk["dispatched"], office, "assess_effect").json()["code"] == "step_unknown"


def test_a_case_of_another_district_is_refused(office: Office, desk: dict[str, Case]) -> None:
    everyone = office.register.all(Person, office.today)
    stranger = next(one for one in everyone if "dispatcher" in one.roles and one.district != desk["signed"].district)
    office.accounts.add("stranger", stranger.id, PASSWORD, office.now)
    client = at_screen(office, "stranger")
    assert client.get(f"/api/cases/{desk['signed'].id}").json()["code"] == "wrong_area"
    answer = act(client, desk["signed"], office, "urge")
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_area")
    assert desk["signed"].id not in client.get("/api/cases", params={"size": 200}).text


def test_an_enterprise_sees_only_what_concerns_it(office: Office, desk: dict[str, Case]) -> None:
    unit = person(office, "enterprise_manager").unit
    board = at_screen(office, "enterprise_manager").get("/api/cases", params={"size": 200}).json()
    own = [case for case in office.desk.cases if unit in {case.lead, *case.support, case.opening.enterprise}]
    assert board["total"] == len(own)


def test_whoever_has_no_right_to_cases_gets_none(office: Office) -> None:
    assert at_screen(office, "audit_admin").get("/api/cases").status_code == 403


def test_personal_data_is_masked_and_each_reading_is_in_the_ledger(office: Office, desk: dict[str, Case]) -> None:
    client = at_screen(office, "duty_officer")
    assert "138****1234" not in client.get(f"/api/cases/{desk['complaint'].id}").json()["content"][:10]
    told = client.get(f"/api/cases/{desk['complaint'].id}/personal").json()
    assert "13800001234" not in told["reporter"]
    assert told["reporter"]
    last = office.store.ledger.entries()[-1]
    assert (last.action, last.subject) == ("case.read_personal", f"case:{desk['complaint'].id}")


def test_an_urging_by_hand_is_told_and_sent_twice_is_one(office: Office, desk: dict[str, Case]) -> None:
    client = at_screen(office, "duty_officer")
    first = act(client, desk["new"], office, "urge")
    assert first.status_code == 200, first.text
    again = act(client, desk["new"], office, "urge")
    assert again.json()["revision"] == first.json()["revision"]
    assert any(told["level"] == "urge" for told in first.json()["told"])


def test_two_cases_are_merged_by_hand_and_both_say_so(office: Office) -> None:
    one, other = reported(office, "bank_litter", 13, 20), reported(office, "sewer_mix", 14, 18)
    client = at_screen(office, "duty_officer")
    answer = act(client, one, office, "merge", fields={"case": other.id, "reason": "one drain"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "merged"
    assert [row["relation"] for row in seen(client, other)["related"]] == ["merged"]


def test_a_report_of_a_grid_officer_becomes_a_case_and_the_same_once_more_changes_nothing(
    office: Office, officer: TestClient
) -> None:
    place = next(case.place for case in office.desk.cases if case.officer == person(office, "grid_officer").id)
    assert place is not None
    body = {
        "matter": "noise", "at": iso(office.now), "place": {"lon": place.lon, "lat": place.lat},
        "note": "call 13912345678", "photos": [{"digest": uploaded(officer, "noise")}],
    }  # fmt: skip
    first = officer.post("/api/cases", json=body)
    assert first.status_code == 200, first.text
    assert first.json()["outcome"] == "opened"
    assert first.json()["case"]["content"] == "call 139****5678"
    assert officer.post("/api/cases", json=body).json()["outcome"] == "known"


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_cell_that_begins_like_a_formula_is_made_text(value: str) -> None:
    assert safe_cell(value) == "'" + value
    assert safe_cell(-1.5) == "-1.5"


def test_the_table_of_cases_holds_no_formula(office: Office, desk: dict[str, Case]) -> None:
    answer = at_screen(office, "duty_officer").get("/api/cases/export")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == len(office.desk.cases) + 1
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@" and cell]


@pytest.mark.parametrize("by", ["city", "district", "unit", "officer"])
def test_the_metrics_are_those_of_the_cases_room(office: Office, desk: dict[str, Case], by: str) -> None:
    found = at_screen(office, "duty_officer").get("/api/cases/metrics", params={"by": by}).json()
    period = Period(local_day(office.today.replace(day=1)).start, local_day(office.today).end)
    ours = measure(office.desk.cases, period, office.now, office.desk.calendar, by)  # type: ignore[arg-type]
    assert [(row["metric"], row["group"], row["numerator"], row["denominator"]) for row in found["figures"]] == [
        (figure.metric, figure.group, figure.numerator, figure.denominator) for figure in ours
    ]
    assert found["figures"][0]["formula"] == ours[0].formula("en")


def test_the_check_list_of_every_matter_is_in_words(officer: TestClient) -> None:
    choices = officer.get("/api/matters").json()
    assert all(matter["checklist"] for matter in choices["matters"])
    assert "transferred" not in {result["ref"] for result in choices["results"]}
