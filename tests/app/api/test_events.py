"""Alarms over the interface: who sees which, honest odds, final marks, and dispatches that nobody makes twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from fastapi.testclient import TestClient

from bihuan.app.api import Office
from bihuan.app.desk import Desk
from bihuan.app.marks import Mark
from bihuan.app.notify import Notifications
from bihuan.cases import Calendar, case_settings
from bihuan.core import Ref, StoreError, from_json, to_json
from bihuan.store import Row
from tests.app.api.alarms import audited, client, fresh_alarm, rises


@pytest.fixture(scope="module")
def duty(office: Office) -> TestClient:
    return client(office)


def listed(seen: TestClient, **asked: str) -> list[dict[str, object]]:
    answer = seen.get("/api/events", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["events"]
    return found


def test_open_alarms_stand_first_then_the_newest(duty: TestClient) -> None:
    found = listed(duty)
    order = [(not one["open"], [-ord(letter) for letter in str(one["start"])]) for one in found]
    assert found
    assert order == sorted(order)


def test_filters_leave_only_what_was_asked_for(duty: TestClient) -> None:
    assert {one["open"] for one in listed(duty, state="closed")} == {False}
    assert {one["kind"] for one in listed(duty, kind="pattern")} == {"pattern"}
    district = next(str(one["district"]) for one in listed(duty) if one["district"])
    assert {one["district"] for one in listed(duty, district=district)} == {district}


def test_a_time_without_zone_is_refused_with_what_to_write(duty: TestClient) -> None:
    answer = duty.get("/api/events", params={"since": "2026-11-02T00:00:00"})
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


def test_an_alarm_says_in_both_languages_what_it_is_and_what_it_rests_on(office: Office) -> None:
    event = rises(office)[0]
    zh = client(office, language="zh").get(f"/api/events/{event.id}").json()
    en = client(office).get(f"/api/events/{event.id}").json()
    assert zh["event"]["kind_words"] == "异常提示"
    assert zh["event"]["words"] != en["event"]["words"]
    assert zh["rule"]["id"] == event.rule
    assert zh["rule"]["numbers"]["thresholds"]["absolute"] > 0
    assert zh["inputs"] == [str(ref) for ref in event.inputs]


def test_a_district_sees_its_own_alarms_and_is_told_why_not_another(office: Office) -> None:
    dispatcher = client(office, "dispatcher")
    mine = dispatcher.get("/api/session").json()["district"]
    found = listed(dispatcher)
    assert mine
    assert {one["district"] for one in found} <= {mine, ""}
    others = [one for one in listed(client(office)) if one["district"] not in (mine, "")]
    assert others
    for path in ("", "/trace", "/dispatch"):
        answer = dispatcher.get(f"/api/events/{others[0]['id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "event_area")


def test_an_enterprise_sees_only_alarms_of_its_own_outlets(office: Office) -> None:
    manager = client(office, "enterprise_manager")
    unit = manager.get("/api/session").json()["unit"]
    outlets = {f"outlet:{one.id}" for one in office.town.outlets if one.enterprise == unit}
    assert {one["subject"] for one in listed(manager)} <= outlets
    assert manager.get(f"/api/events/{rises(office)[0].id}/trace").status_code == 403


# -- the trace -------------------------------------------------------------------------------------------------------


def test_the_odds_of_a_trace_add_up_and_nothing_uncertain_is_nothing_or_certain(
    office: Office, duty: TestClient
) -> None:
    for event in rises(office):
        page = duty.get(f"/api/events/{event.id}/trace").json()
        total = sum(one["probability"] for one in page["answers"]) + page["others"]
        assert total == pytest.approx(1.0, abs=1e-9)
        assert {"none", "regional"} <= {one["kind"] for one in page["answers"]}
        for one in page["answers"]:
            assert one["odds"] not in {"0", "100"}
            assert not any(re.search(r"\b(0|100) %", words) for words in one["evidence"])
        assert [one["probability"] for one in page["answers"]] == sorted(
            (one["probability"] for one in page["answers"]), reverse=True
        )


def test_a_trace_shows_the_rise_at_every_station_on_one_clock(office: Office, duty: TestClient) -> None:
    event = rises(office)[0]
    page = duty.get(f"/api/events/{event.id}/trace").json()
    assert len(page["blocks"]) == len(page["wind_from"]) > page["onset"]
    for station in page["stations"]:
        assert len(station["excess"]) == len(page["blocks"])
    own = next(one for one in page["stations"] if one["subject"])
    assert own["ref"] == str(event.subject)
    assert own["rise"] == pytest.approx(max(v for v in own["excess"][page["onset"] :] if v is not None), abs=0.01)


def test_a_suspect_with_hours_that_speak_has_a_footprint_downwind_of_it(office: Office, duty: TestClient) -> None:
    drawn = 0
    for event in rises(office):
        for one in duty.get(f"/api/events/{event.id}/trace").json()["answers"]:
            if one["footprint"] is None:
                assert one["kind"] != "suspect" or not one["hours"]
                continue
            drawn += 1
            assert [part["properties"]["level"] for part in one["footprint"]["features"]] == [0.1, 0.3, 0.6]
            ring = one["footprint"]["features"][-1]["geometry"]["coordinates"][0][0]
            assert ring[0] == ring[-1]
    assert drawn


def test_the_sheet_of_a_ranking_is_made_once(office: Office, duty: TestClient) -> None:
    event = rises(office)[-1]
    found = office.loop.ranking(event.id)
    assert found is not None
    duty.get(f"/api/events/{event.id}/trace")
    assert office.sheets.sheet(office.town, event, found) is office.sheets.sheet(office.town, event, found)


# -- marks -----------------------------------------------------------------------------------------------------------


def test_a_mark_carries_the_persons_name_and_stands_in_the_ledger(office: Office, duty: TestClient) -> None:
    event, _ = fresh_alarm(office, "mark")
    asked = {"kind": "confirmed", "note": "seen on camera"}
    made = duty.post(f"/api/events/{event.id}/marks", json=asked).json()
    me = duty.get("/api/session").json()
    assert (made["mark"]["name"], made["mark"]["kind"], made["fresh"]) == (me["name"], "confirmed", True)
    assert audited(office, "mark_event", event.ref) == [me["person"]]
    assert duty.get(f"/api/events/{event.id}").json()["event"]["mark"]["note"] == "seen on camera"


def test_the_same_mark_sent_twice_is_one_and_a_later_one_does_not_rewrite_it(office: Office, duty: TestClient) -> None:
    event, _ = fresh_alarm(office, "twice")
    asked = {"kind": "confirmed", "note": ""}
    first = duty.post(f"/api/events/{event.id}/marks", json=asked).json()
    again = duty.post(f"/api/events/{event.id}/marks", json=asked).json()
    assert (again["fresh"], again["mark"]) == (False, first["mark"])
    duty.post(f"/api/events/{event.id}/marks", json={"kind": "false", "note": "calibration"})
    marks = duty.get(f"/api/events/{event.id}").json()["marks"]
    assert [one["kind"] for one in marks] == ["confirmed", "false"]
    assert len(audited(office, "mark_event", event.ref)) == 2


def test_a_mark_is_final_in_the_records(office: Office, duty: TestClient) -> None:
    event, _ = fresh_alarm(office, "final")
    made = duty.post(f"/api/events/{event.id}/marks", json={"kind": "confirmed"}).json()["mark"]
    row = office.store.records.get("mark", made["id"])
    assert row is not None
    other = to_json(from_json(row.body, Mark)).replace(b'"confirmed"', b'"false"')
    with pytest.raises(StoreError, match="final"):
        office.store.records.save("mark", [Row(row.id, other, row.subject)])


def test_whoever_marks_on_an_old_sight_of_the_alarm_is_told_who_was_first(office: Office, duty: TestClient) -> None:
    event, _ = fresh_alarm(office, "race")
    duty.post(f"/api/events/{event.id}/marks", json={"kind": "confirmed", "seen": ""})
    late = client(office, "duty_leader").post(f"/api/events/{event.id}/marks", json={"kind": "false", "seen": ""})
    assert (late.status_code, late.json()["code"]) == (409, "event_changed")
    assert duty.get("/api/session").json()["name"] in late.json()["detail"]


def test_a_merge_needs_another_alarm(office: Office, duty: TestClient) -> None:
    event, _ = fresh_alarm(office, "merge")
    for into in (None, event.id):
        answer = duty.post(f"/api/events/{event.id}/marks", json={"kind": "merged", "into": into})
        assert (answer.status_code, answer.json()["code"]) == (422, "merge_into")
    other = rises(office)[0].id
    assert duty.post(f"/api/events/{event.id}/marks", json={"kind": "merged", "into": other}).status_code == 200


def test_who_has_no_right_marks_and_sends_nothing(office: Office) -> None:
    event, _ = fresh_alarm(office, "rights")
    officer = client(office, "verifier")
    assert officer.post(f"/api/events/{event.id}/marks", json={"kind": "confirmed"}).status_code == 403
    assert officer.post(f"/api/events/{event.id}/dispatch", json={}).status_code == 403
    assert audited(office, "mark_event", event.ref) == []


# -- dispatch --------------------------------------------------------------------------------------------------------


def test_the_preview_names_who_gets_it_and_by_when(office: Office, duty: TestClient) -> None:
    event, ranked = fresh_alarm(office, "preview")
    shown = duty.get(f"/api/events/{event.id}/dispatch", params={"suspect": str(ranked[1].source)}).json()
    assert (shown["suspect_name"], shown["matter"]) == (ranked[1].name, "industry")
    assert shown["unit_name"]
    assert shown["sign_by"] <= shown["arrive_by"]
    assert shown["case"] is None


def test_a_dispatch_opens_the_case_at_the_chosen_suspect_and_marks_the_alarm(office: Office, duty: TestClient) -> None:
    event, ranked = fresh_alarm(office, "dispatch")
    shown = duty.get(f"/api/events/{event.id}/dispatch", params={"suspect": str(ranked[1].source)}).json()
    asked = {"suspect": str(ranked[1].source), "note": "look at the stack"}
    sent = duty.post(f"/api/events/{event.id}/dispatch", json=asked).json()
    case = office.desk.get(sent["case"]["id"])
    assert sent["outcome"] == "dispatched"
    assert (case.suspect, case.place, case.state) == (ranked[1].source, ranked[1].place, "dispatched")
    assert (case.lead, case.officer) == (shown["unit"], shown["officer"])
    assert sent["mark"]["kind"] == "dispatched"
    assert audited(office, "dispatch_case", case.ref) == [duty.get("/api/session").json()["person"]]


def test_the_same_dispatch_sent_twice_is_one_step(office: Office, duty: TestClient) -> None:
    event, ranked = fresh_alarm(office, "double")
    asked = {"suspect": str(ranked[0].source), "note": "go", "revision": 0}
    first = duty.post(f"/api/events/{event.id}/dispatch", json=asked).json()
    again = duty.post(f"/api/events/{event.id}/dispatch", json=asked).json()
    assert again["outcome"] == "unchanged"
    assert again["case"]["revision"] == first["case"]["revision"]
    assert len(audited(office, "dispatch_case", Ref("case", first["case"]["id"]))) == 1


def test_the_second_of_two_people_is_told_what_changed(office: Office, duty: TestClient) -> None:
    event, ranked = fresh_alarm(office, "two")
    leader = client(office, "duty_leader")
    duty.post(f"/api/events/{event.id}/dispatch", json={"suspect": str(ranked[0].source), "revision": 0})
    late = leader.post(f"/api/events/{event.id}/dispatch", json={"suspect": str(ranked[2].source), "revision": 0})
    assert (late.status_code, late.json()["code"]) == (409, "case_changed")
    assert duty.get("/api/session").json()["name"] in late.json()["detail"]
    assert ranked[0].name in late.json()["detail"]
    case = office.desk.case_of(event.ref)
    assert case is not None
    assert case.suspect == ranked[0].source


def test_a_dispatched_case_is_reassigned_and_none_of_the_listed_sends_a_patrol(
    office: Office, duty: TestClient
) -> None:
    event, ranked = fresh_alarm(office, "patrol")
    first = duty.post(f"/api/events/{event.id}/dispatch", json={"suspect": str(ranked[0].source)}).json()
    asked = {"suspect": None, "revision": first["case"]["revision"]}
    sent = duty.post(f"/api/events/{event.id}/dispatch", json=asked).json()
    case = office.desk.get(sent["case"]["id"])
    assert sent["outcome"] == "reassigned"
    assert (case.suspect, case.matter, case.place) == (None, "unknown_source", event.place)


def test_only_suspects_of_the_ranking_and_units_of_the_register_are_sent(office: Office, duty: TestClient) -> None:
    event, ranked = fresh_alarm(office, "unknown")
    stranger = duty.post(f"/api/events/{event.id}/dispatch", json={"suspect": "outlet:nowhere"})
    assert (stranger.status_code, stranger.json()["code"]) == (422, "no_suspect")
    nobody = duty.post(f"/api/events/{event.id}/dispatch", json={"suspect": str(ranked[0].source), "unit": "nobody"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "no_unit")
    assert office.desk.case_of(event.ref) is None


# -- while the city lets cases wait for the duty officer ------------------------------------------------------------


@pytest.fixture
def waits(office: Office) -> Iterator[None]:
    """The city lets an alarm's case wait half an hour."""
    before = office.loop.desk
    calendar = Calendar(case_settings({"dispatch": {"wait_minutes": 30}}))
    quiet = Notifications([], office.store.home.path / "quiet.jsonl")
    office.loop.desk = Desk(office.store.records, lambda: office.register, calendar, quiet)
    yield
    after = office.loop.desk
    office.loop.desk = before
    for case in after.cases:
        before._cases[case.id] = case


def test_the_waiting_case_of_a_false_alarm_is_void_and_nobody_is_sent(
    office: Office, duty: TestClient, waits: None
) -> None:
    event, _ = fresh_alarm(office, "void")
    case = office.desk.from_event(event, office.loop.ranking(event.id), office.now).case
    assert case.state == "registered"
    duty.post(f"/api/events/{event.id}/marks", json={"kind": "false", "note": "calibration"})
    assert office.desk.get(case.id).state == "void"
    office.desk.run_clocks(office.now + timedelta(hours=2))
    assert office.desk.get(case.id).state == "void"


def test_the_waiting_case_of_a_merged_alarm_goes_into_the_other_one(
    office: Office, duty: TestClient, waits: None
) -> None:
    main, ranked = fresh_alarm(office, "main")
    other, _ = fresh_alarm(office, "other")
    sent = duty.post(f"/api/events/{main.id}/dispatch", json={"suspect": str(ranked[0].source)}).json()["case"]
    case = office.desk.from_event(other, office.loop.ranking(other.id), office.now).case
    duty.post(f"/api/events/{other.id}/marks", json={"kind": "merged", "into": main.id})
    assert (office.desk.get(case.id).state, office.desk.get(case.id).merged_into) == ("merged", sent["id"])


def test_a_waiting_case_is_sent_where_the_duty_officer_says(office: Office, duty: TestClient, waits: None) -> None:
    event, ranked = fresh_alarm(office, "decides")
    case = office.desk.from_event(event, office.loop.ranking(event.id), office.now).case
    assert case.suspect == ranked[0].source
    asked = {"suspect": str(ranked[1].source), "revision": case.revision}
    sent = duty.post(f"/api/events/{event.id}/dispatch", json=asked).json()
    assert (sent["outcome"], sent["case"]["suspect"]) == ("dispatched", str(ranked[1].source))


def test_the_hours_around_an_alarm_have_no_gap_in_their_times_and_say_what_is_missing(
    office: Office, duty: TestClient
) -> None:
    event = rises(office)[0]
    page = duty.get(f"/api/events/{event.id}/series").json()
    starts = [datetime.fromisoformat(one) for one in page["start"]]
    assert starts
    assert {b - a for a, b in pairwise(starts)} == {timedelta(hours=1)}
    assert len(page["value"]) == len(page["usable"]) == len(starts)
    assert all(value is not None or not usable for value, usable in zip(page["value"], page["usable"], strict=True))
    assert page["threshold"] is None, "what a rise is compared with is no line"
