from datetime import timedelta

import pytest

from bihuan.app.api import Office
from bihuan.core import iso
from tests.app.api.busy import person, reported
from tests.app.api.people import at_screen


def test_an_instruction_becomes_a_case_with_owner_and_deadline_linked_to_what_it_is_about(office: Office) -> None:
    about = reported(office, "fireworks", 18, 50)
    due = office.now + timedelta(days=2)
    unit = person(office, "grid_officer").unit
    leader = at_screen(office, "duty_leader")
    body = {
        "about": f"case:{about.id}", "title": "Look into every yard", "content": "report by Thursday",
        "unit": unit, "due": iso(due), "at": iso(office.now),
    }  # fmt: skip
    answer = leader.post("/api/instructions", json=body)
    assert answer.status_code == 200, answer.text
    case = office.desk.get(answer.json()["case"]["id"])
    assert (case.kind, case.lead, case.opening.demanded, case.matter) == ("order", unit, due, "fireworks")
    assert case.state == "dispatched"
    assert leader.post("/api/instructions", json=body).json()["case"]["id"] == case.id
    listed = leader.get("/api/instructions", params={"about": f"case:{about.id}"}).json()
    assert [row["case"]["id"] for row in listed] == [case.id]
    related = leader.get(f"/api/cases/{about.id}").json()["related"]
    assert [(row["ref"], row["relation"]) for row in related] == [(f"case:{case.id}", "instruction")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"due": "2020-01-01T00:00:00Z"}, "deadline_past"),
        ({"unit": "nobody"}, "unit_unknown"),
        ({"about": "case:none"}, "about_missing"),
        ({"about": "outlet:DA001"}, "about"),
        ({"matter": "weather"}, "matter_unknown"),
    ],
)
def test_an_instruction_that_cannot_hold_is_refused_with_words(
    office: Office, change: dict[str, str], code: str
) -> None:
    about = office.desk.cases[0]
    body = {
        "about": f"case:{about.id}", "title": "x", "unit": person(office, "grid_officer").unit,
        "due": iso(office.now + timedelta(days=1)), "at": iso(office.now), **change,
    }  # fmt: skip
    assert at_screen(office, "duty_leader").post("/api/instructions", json=body).json()["code"] == code


def test_a_duty_officer_may_not_instruct(office: Office) -> None:
    body = {"about": "case:x", "title": "x", "unit": "x", "due": iso(office.now), "at": iso(office.now)}
    answer = at_screen(office, "duty_officer").post("/api/instructions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "no_right")
