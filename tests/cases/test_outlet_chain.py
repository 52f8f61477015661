"""An outlet's own alarm: the word of the enterprise, the judgement from afar, the visit, the finding, the end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bihuan.cases import (
    FINDINGS,
    Action,
    Actor,
    Calendar,
    Case,
    addressees,
    allowed,
    checklist_of_case,
    notices_of,
    open_from_event,
    replay,
    running,
    step,
)
from bihuan.core import Ref, RightRefused, StepRefused, from_json, local_date, text, to_json
from tests.cases.town import HOUR, NOON, OUTLET_WAY, ROLES, YARD, act, event, town

CALENDAR = Calendar()


def alarm(**changes: Any) -> Case:
    told = {"kind": "limit", "rule": "outlet_over", "subject": Ref("outlet", "o1"), "place": YARD, "pollutant": "nox"}
    return open_from_event(event(**told | changes), town(), NOON).case


def walked(until: str, **fields: Any) -> Case:
    case = alarm()
    for number, (kind, role) in enumerate(OUTLET_WAY, 1):
        case = step(case, act(kind, role, NOON + number * timedelta(minutes=5), **fields))
        if kind == until:
            break
    return case


def declared(**fields: Any) -> Case:
    case = step(alarm(), act("ask_enterprise", "system", NOON))
    return step(case, act("declare", "enterprise_manager", NOON + HOUR / 2, **fields))


def concluded(finding: str) -> Case:
    return walked("conclude", finding=finding)


def test_a_limit_of_an_outlet_is_a_case_of_its_own_kind_and_a_rise_near_it_is_none() -> None:
    case = alarm()
    assert (case.kind, case.opening.enterprise, case.state) == ("outlet", "plant", "registered")
    assert alarm(kind="pattern").kind == "issue"
    assert open_from_event(event(kind="limit"), town(), NOON).case.kind == "issue"


def test_an_alarm_that_a_condition_explains_walks_from_the_word_to_the_archive() -> None:
    case = walked("archive")
    assert [entry.after for entry in case.steps] == [
        *("registered", "explaining", "reviewing", "dispatched", "signed", "on_site", "concluded", "reported"),
        *("checking", "closed", "archived"),
    ]
    assert (case.finding, case.ended) == ("condition", True)
    assert [(visit.suspect, visit.result) for visit in case.visits] == [(Ref("outlet", "o1"), "untrue")]
    assert replay(case.opening, case.steps) == case
    assert from_json(to_json(case), Case) == case


@pytest.mark.parametrize(("finding", "wanted"), [("device_fault", True), ("condition", True), ("over", False)])
def test_what_explains_an_alarm_can_be_told_from_a_desk_and_an_exceedance_cannot(finding: str, wanted: bool) -> None:
    action = act("conclude", "duty_officer", NOON + HOUR, finding=finding)
    if wanted:
        assert step(declared(), action).state == "concluded"
        return
    with pytest.raises(StepRefused, match="cannot be told from a desk"):
        step(declared(), action)
    assert step(declared(cause="over"), action).finding == "over"


def test_a_false_mark_is_never_found_from_a_desk() -> None:
    with pytest.raises(StepRefused, match="cannot be told from a desk"):
        step(declared(cause="over"), act("conclude", "duty_officer", NOON + HOUR, finding="false_mark"))


def test_a_mark_made_after_the_alarm_is_kept_as_such() -> None:
    late = declared(mark="fault", marked_at=(NOON + HOUR / 4).isoformat())
    early = declared(mark="fault", marked_at=(NOON - HOUR).isoformat())
    undated = declared(mark="fault")
    assert [one.declarations[0].after_alarm for one in (late, early, undated)] == [True, False, True]
    assert late.declarations[0].marked_at == NOON + HOUR / 4
    assert [odd.reason for odd in late.complaints] == ["mark_after_alarm"]
    assert {odd.severity for odd in late.complaints} == {"note"}
    assert early.complaints == ()
    assert late.state == early.state == "reviewing"


def test_a_second_word_stands_beside_the_first_and_moves_nothing() -> None:
    case = step(walked("arrive"), act("declare", "enterprise_manager", NOON + 3 * HOUR, cause="over", note="we admit"))
    assert [one.cause for one in case.declarations] == ["condition", "over"]
    assert case.state == "on_site"


def test_the_word_of_another_enterprise_is_refused() -> None:
    case = step(alarm(), act("ask_enterprise", "system"))
    other = replace(act("declare", "enterprise_manager", NOON + HOUR), by=Actor("x", ("enterprise_manager",), "mill"))
    with pytest.raises(RightRefused, match="it concerns the enterprise plant"):
        step(case, other)
    assert allowed(case, ROLES["enterprise_manager"]) == ("declare",) or "declare" in allowed(
        case, ROLES["enterprise_manager"]
    )


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("cause", "weather", "cause 'weather' must be one of over, device_fault"),
        ("mark", "asleep", "mark 'asleep' must be one of start_up"),
        ("marked_at", "yesterday", "is no time"),
    ],
)
def test_a_word_says_a_known_cause_a_known_mark_and_a_time(field: str, value: str, told: str) -> None:
    case = step(alarm(), act("ask_enterprise", "system"))
    with pytest.raises(StepRefused, match=told):
        step(case, act("declare", "enterprise_manager", NOON + HOUR, **{"mark": "fault", field: value}))


@pytest.mark.parametrize("finding", FINDINGS)
def test_each_finding_opens_the_ways_that_are_its_own(finding: str) -> None:
    ways = set(allowed(concluded(finding))) & {"order_rectify", "transfer", "report"}
    wanted = {
        "over": {"order_rectify", "transfer"},
        "false_mark": {"transfer"},
        "device_fault": {"report"},
        "condition": {"report"},
    }
    assert ways == wanted[finding]


def test_an_exceedance_is_ordered_rectified_by_the_enterprise_and_closed_by_a_checker() -> None:
    case = step(concluded("over"), act("order_rectify", "duty_officer", NOON + 2 * HOUR))
    case = step(case, act("rectify", "enterprise_manager", NOON + 3 * HOUR))
    case = step(case, act("report", "enterprise_manager", NOON + 4 * HOUR))
    case = step(case, act("check", "verifier", NOON + 5 * HOUR))
    case = step(case, Action("pass", ROLES["verifier"], NOON + 6 * HOUR, {"note": "seven hours within the limit"}))
    assert (case.state, case.finding, case.done and case.done.value) == ("closed", "over", "done")


def test_a_false_mark_goes_to_enforcement() -> None:
    case = step(concluded("false_mark"), act("transfer", "duty_officer", NOON + 2 * HOUR))
    assert (case.state, case.result) == ("enforcement", "transferred")


def test_a_check_that_does_not_hold_sends_it_back_to_be_judged_and_takes_the_finding_away() -> None:
    case = step(walked("check"), act("rework", "verifier", NOON + 3 * HOUR))
    assert (case.state, case.finding, case.result, case.done, case.reworks) == ("reviewing", "", "", None, 1)


def test_whoever_concluded_may_not_check() -> None:
    case = step(declared(), act("conclude", "duty_officer", NOON + HOUR))
    case = step(case, act("report", "duty_officer", NOON + 2 * HOUR))
    both = Actor("desk", ("duty_officer", "verifier"))
    with pytest.raises(RightRefused, match="whoever handled it"):
        step(case, replace(act("check", "verifier", NOON + 3 * HOUR), by=both))


def test_an_officer_on_site_concludes_and_does_not_handle() -> None:
    here = allowed(walked("arrive"), ROLES["grid_officer"])
    assert "conclude" in here
    assert not {"handle", "report", "transfer"} & set(here)


def test_the_clocks_follow_the_chain() -> None:
    names = []
    for until in ("ask_enterprise", "declare", "dispatch", "conclude"):
        case = walked(until)
        names.append({clock.name for clock in running(case, case.since, CALENDAR)})
    assert names == [{"explain", "done"}, {"review", "done"}, {"sign", "arrive", "done"}, {"decide", "done"}]
    asked = walked("ask_enterprise")
    (explain,) = [clock for clock in running(asked, asked.since, CALENDAR) if clock.name == "explain"]
    assert explain.limit == HOUR


def test_the_enterprise_is_told_and_then_the_desk() -> None:
    on = local_date(NOON)
    asked = walked("ask_enterprise")
    assert addressees("addressee", asked, town(), on) == (Ref("person", "manager"),)
    told = notices_of(asked, town(), CALENDAR)
    assert [(one.to, one.kind) for one in told] == [(Ref("person", "manager"), "ask_enterprise")]
    assert "2026-03-02 13:05" in told[0].body.say("zh")
    assert [one.to for one in notices_of(walked("declare"), town(), CALENDAR)] == [Ref("person", "desk")]


def test_an_outlets_alarm_does_not_disappear_in_a_complaint_about_the_same_place() -> None:
    issue = open_from_event(event(id="rise", kind="pattern", subject=Ref("outlet", "o1"), place=YARD), town(), NOON)
    told = {"kind": "limit", "rule": "outlet_over", "subject": Ref("outlet", "o1"), "place": YARD, "pollutant": "nox"}
    intake = open_from_event(event(**told), town(), NOON, existing=[issue.case])
    assert (intake.outcome, intake.case.kind) == ("opened", "outlet")
    again = open_from_event(event(**told | {"id": "ev2"}), town(), NOON + HOUR, existing=[intake.case])
    assert (again.outcome, again.case.id) == ("merged", intake.case.id)


def test_every_item_of_its_check_list_has_words_in_both_languages() -> None:
    for code in checklist_of_case("outlet", "industry"):
        assert text(f"check.{code}", "zh") != text(f"check.{code}", "en")
    assert checklist_of_case("issue", "construction")[0] == "fence"
