"""The explanation of anything over the interface: the whole chain, in words, and only what the reader may see."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from bihuan.app.api import Office
from bihuan.core import Effect, Event, from_json
from tests.app.api.people import at_screen


def explained(client: TestClient, ref: str) -> dict[str, Any]:
    answer = client.get(f"/api/explain/{ref}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stage(stages: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(one for one in stages if one["kind"] == kind)


def test_a_case_is_walked_back_to_frames_and_each_line_leads_on(office: Office) -> None:
    duty = at_screen(office, "duty_officer", "zh")
    case = next(case for case in office.desk.cases if case.sources and case.sources[0].kind == "event")
    chain = explained(duty, str(case.ref))
    assert chain["asked"]["title"] == office.title(case, "zh")
    kinds = [one["kind"] for one in chain["back"]]
    assert kinds == [
        kind for kind in ("frame", "readings", "verdict", "event", "suspects", "register") if kind in kinds
    ]
    frames = stage(chain["back"], "frame")
    assert frames["count"] >= len(frames["things"]) > 0
    assert frames["things"][0]["title"].startswith("##")
    assert "PW=******" in frames["things"][0]["title"]
    alarm = stage(chain["back"], "event")["things"][0]
    assert alarm["link"] == f"/alarms/{alarm['ref'].removeprefix('event:')}"
    assert str(case.ref) in {one["ref"] for one in stage(explained(duty, alarm["ref"])["forward"], "case")["things"]}


def test_a_reading_leads_to_the_alarm_that_rests_on_it(office: Office) -> None:
    duty = at_screen(office, "duty_officer")
    event = next(from_json(row.body, Event) for row in office.store.records.find("event") if b"local_rise" in row.body)
    readings = stage(explained(duty, str(event.ref))["back"], "readings")["things"][0]
    assert "μg/m³" in readings["detail"]
    forward = explained(duty, readings["ref"])["forward"]
    assert str(event.ref) in {one["ref"] for one in stage(forward, "event")["things"]}


def test_a_person_of_a_district_sees_nothing_of_another(office: Office) -> None:
    dispatcher = at_screen(office, "dispatcher")
    mine = dispatcher.get("/api/session").json()["district"]
    assert mine
    shut = (case for case in office.desk.cases if dispatcher.get(f"/api/cases/{case.id}").status_code == 403)
    other = next(shut)
    answer = dispatcher.get(f"/api/explain/{other.ref}")
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_area")
    open_to_me = (case for case in office.desk.cases if dispatcher.get(f"/api/cases/{case.id}").status_code == 200)
    for case in open_to_me:
        for one in explained(dispatcher, str(case.ref))["back"]:
            assert all(thing["hidden"] == (not thing["ref"]) for thing in one["things"])
            assert one["kind"] != "frame" or all(thing["hidden"] for thing in one["things"])


def test_what_cannot_be_explained_is_said(office: Office) -> None:
    duty = at_screen(office, "duty_officer")
    assert duty.get("/api/explain/case:none").json()["code"] == "no_such_ref"
    assert duty.get("/api/explain/person:P1").json()["code"] == "malformed"
    assert duty.get("/api/explain/nothing").json()["code"] == "malformed"


def test_an_effect_names_its_case(office: Office) -> None:
    rows = office.store.records.find("effect")
    for row in rows[:1]:
        effect = from_json(row.body, Effect)
        chain = explained(at_screen(office, "duty_officer"), str(effect.ref))
        assert str(effect.case) in {one["ref"] for one in stage(chain["back"], "case")["things"]}
