"""Every row of the machine, who may do what, and what never happens whatever people try."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bihuan.cases import (
    Action,
    Actor,
    Calendar,
    Case,
    Outcome,
    Row,
    Told,
    allowed,
    case_settings,
    clocks,
    machine,
    open_case,
    open_from_event,
    replay,
    step,
)
from bihuan.core import CaseChanged, CaseError, Ref, RightRefused, StepRefused, from_json, texts, to_json
from tests.cases.town import HOUR, MAIN_WAY, NOON, OUTLET_WAY, ROLES, act, event, fresh, town

WALK = [(row, state) for row in machine().rows for state in row.origin]


def walked(until: str, case: Case | None = None) -> Case:
    """A case on the main way, up to and including a step."""
    case = case or fresh()
    for number, (kind, role) in enumerate(MAIN_WAY, 1):
        case = step(case, act(kind, role, NOON + number * timedelta(minutes=5)))
        if kind == until:
            break
    return case


def ready(state: str, row: Row) -> Case:
    """A case in a state, with everything that the conditions of a row ask of it."""
    kind = row.kinds[0] if row.kinds else "complaint" if row.kind == "revisit" else "issue"
    case = fresh()
    asked = step(walked("sign"), act("ask_extension", "grid_officer", NOON + HOUR))
    revisit = Outcome("satisfied", NOON, "desk")
    told = tuple(Told("urge", "sign", NOON, Ref("person", actor.person), "n1", NOON) for actor in ROLES.values())
    return replace(
        case,
        opening=replace(case.opening, kind=kind, enterprise="plant"),
        state=state,
        lead="housing",
        support=("street", "mender", "plant"),
        steps=asked.steps,
        asked=asked.asked if row.kind in {"grant_extension", "refuse_extension"} else "",
        told=told,
        revisit=revisit if row.kind == "archive" else None,
        merged_into="another" if state == "merged" else "",
        result="not_found" if row.kind == "redirect" else "",
        finding="condition" if "found_explained" in row.when else "over",
        resume_to="handling" if state == "suspended" else "",
        pauses=step(walked("sign"), act("suspend", "duty_leader", NOON + HOUR)).pauses,
    )


@pytest.mark.parametrize(("row", "state"), WALK, ids=[f"{r.kind}-{s}-{'-'.join(r.kinds)}" for r, s in WALK])
def test_every_row_takes_the_case_where_it_says(row: Row, state: str) -> None:
    for role in row.roles:
        case = ready(state, row)
        after = step(case, act(row.kind, role, NOON + 2 * HOUR, result="true"))
        wanted = "handling" if row.to == "before" else row.to or state
        assert after.state == wanted
        assert after.steps[-1].role == role
        assert len(after.steps) == len(case.steps) + 1


@pytest.mark.parametrize(("row", "state"), WALK, ids=[f"{r.kind}-{s}-{'-'.join(r.kinds)}" for r, s in WALK])
def test_every_row_refuses_every_other_role(row: Row, state: str) -> None:
    case = ready(state, row)
    for role in set(ROLES) - set(row.roles):
        with pytest.raises(RightRefused, match="allowed to you now"):
            step(case, act(row.kind, role, NOON + 2 * HOUR))


@pytest.mark.parametrize("row", machine().rows, ids=lambda row: f"{row.kind}-{'-'.join(row.kinds)}")
def test_every_field_that_a_row_needs_is_asked_for(row: Row) -> None:
    case = replace(ready(row.origin[0], row), lead="", result="", officer="officer")
    for need in row.needs:
        bare = replace(act(row.kind, row.roles[0], NOON + 2 * HOUR, officer="officer"), evidence=())
        for part in need.rstrip("?").split("/"):
            bare = replace(
                bare,
                fields={name: value for name, value in bare.fields.items() if name != part},
                photos=() if part == "photo" else bare.photos,
                place=None if part == "place" else bare.place,
            )
        with pytest.raises(CaseError):
            step(case, bare)


@pytest.mark.parametrize("kind", machine().kinds)
def test_a_step_from_a_state_of_no_row_is_refused_with_the_steps_that_are_allowed(kind: str) -> None:
    origins = {state for row in machine().rows if row.kind == kind for state in row.origin}
    row = next(row for row in machine().rows if row.kind == kind)
    for state in set(machine().states) - origins:
        with pytest.raises(StepRefused, match=f"not allowed while the case is {state}; allowed to you now: "):
            step(ready(state, row), act(kind, row.roles[0]))


def test_every_state_step_and_role_has_its_words() -> None:
    words = texts("zh")
    assert {f"state_{state}" for state in machine().states} <= set(words["case"])
    assert {*machine().kinds, "register"} <= set(words["step"])
    assert {role for row in machine().rows for role in row.roles} <= set(words["role"])
    assert {row.kind for row in machine().rows if row.tells} <= set(words["notice"])


def test_the_main_way_leads_from_registration_to_the_archive() -> None:
    case = walked("archive")
    assert [entry.after for entry in case.steps] == [
        *("registered", "dispatched", "signed", "on_site", "handling", "reported", "checking", "closed", "archived")
    ]
    assert case.ended
    assert (case.done and case.done.value, case.fixed and case.fixed.value) == ("done", "fixed")
    assert case.effective is None


def test_done_fixed_and_effective_never_stand_for_one_another() -> None:
    case = walked("report")
    assert case.done is not None
    assert case.fixed is None
    case = step(case, act("assess_effect", "system", NOON + 2 * HOUR, verdict="not_effective"))
    assert case.effective is not None
    assert (case.effective.value, case.effective.ref) == ("not_effective", Ref("effect", "e1"))
    assert case.state == "reported"
    assert case.fixed is None


def test_whoever_handled_a_case_may_not_check_it_even_with_the_role() -> None:
    both = Actor("officer", ("grid_officer", "verifier"), "street", "east")
    case = walked("report")
    with pytest.raises(RightRefused, match="whoever handled it may not check it"):
        step(case, replace(act("check", "verifier", NOON + HOUR), by=both))


def test_a_dispatcher_of_another_district_has_no_right_here() -> None:
    with pytest.raises(RightRefused, match="belongs to district east, yours is west"):
        step(fresh(), replace(act("dispatch", "dispatcher"), by=Actor("caller_west", ("dispatcher",), "", "west")))


def test_someone_whom_the_case_was_not_given_to_cannot_sign() -> None:
    stranger = Actor("x", ("handler",), "water")
    with pytest.raises(RightRefused, match="was given to officer and to the units housing"):
        step(walked("dispatch"), replace(act("sign", "handler", NOON + HOUR), by=stranger))


def test_the_same_action_twice_changes_nothing() -> None:
    action = act("sign", "grid_officer", NOON + HOUR)
    once = step(walked("dispatch"), action)
    assert step(once, action) is once
    later = step(once, act("arrive", "grid_officer", NOON + 2 * HOUR))
    assert step(later, replace(action, received=NOON + 3 * HOUR)) is later


def test_the_second_of_two_people_at_once_gets_what_changed() -> None:
    seen = walked("dispatch")
    first = step(seen, replace(act("sign", "grid_officer", NOON + HOUR), revision=seen.revision))
    with pytest.raises(CaseChanged, match=r"officer did sign at 2026-03-02T05:00:00Z; it is signed now"):
        step(first, replace(act("return", "handler", NOON + HOUR), revision=seen.revision))


def test_a_reminder_in_between_hinders_nobody() -> None:
    seen = walked("dispatch")
    urged = step(seen, act("urge", "system", NOON + HOUR))
    assert step(urged, replace(act("sign", "grid_officer", NOON + HOUR), revision=seen.revision)).state == "signed"


def test_after_two_returns_the_duty_leader_decides_and_the_unit_keeps_it() -> None:
    case = walked("dispatch")
    for number in (1, 2):
        case = step(case, act("return", "grid_officer", NOON + number * HOUR, reason=f"not ours {number}"))
        assert (case.state, case.lead, case.officer) == ("registered", "", "")
        if number == 1:
            case = step(case, act("dispatch", "dispatcher", NOON + 1.5 * HOUR))
    with pytest.raises(RightRefused, match="returned 2 times, so the duty leader decides"):
        step(case, act("dispatch", "dispatcher", NOON + 3 * HOUR))
    case = step(case, act("dispatch", "duty_leader", NOON + 3 * HOUR))
    with pytest.raises(StepRefused, match="returned 2 times already"):
        step(case, act("return", "grid_officer", NOON + 4 * HOUR, reason="still not ours"))
    assert "return" not in allowed(case, ROLES["grid_officer"])


def test_a_reopened_case_begins_a_round_of_its_own() -> None:
    case = step(walked("dispatch"), act("return", "grid_officer", NOON + HOUR))
    for number, (kind, role) in enumerate(MAIN_WAY, 2):
        case = step(case, act(kind, role, NOON + number * HOUR, unit="housing"))
    case = step(case, act("reopen", "system", NOON + 20 * HOUR))
    assert (case.returns, case.result, case.done, case.fixed, case.rebounds) == (0, "", None, None, 1)


def test_how_often_a_unit_may_return_is_a_setting_of_the_city() -> None:
    city = case_settings({"returns": {"max": 0}})
    with pytest.raises(StepRefused, match="returned 0 times already"):
        step(walked("dispatch"), act("return", "grid_officer", NOON + HOUR), city)


def test_rework_sends_it_back_and_takes_the_hand_in_away() -> None:
    case = step(walked("check"), act("rework", "verifier", NOON + HOUR))
    assert (case.state, case.reworks, case.done) == ("signed", 1, None)
    assert case.fixed is not None
    assert case.fixed.value == "not_fixed"


def test_a_public_complaint_ends_only_after_its_reporter_was_asked() -> None:
    case = walked("check")
    case = replace(case, opening=replace(case.opening, kind="complaint"))
    case = step(case, act("pass", "verifier", NOON + HOUR))
    assert not case.ended
    with pytest.raises(StepRefused, match="ends only after its reporter was asked"):
        step(case, act("archive", "system", NOON + 2 * HOUR))
    asked = step(case, act("revisit", "duty_officer", NOON + 2 * HOUR))
    assert asked.ended
    assert step(asked, act("archive", "system", NOON + 3 * HOUR)).state == "archived"
    bad = step(case, act("revisit", "duty_officer", NOON + 2 * HOUR, satisfaction="dissatisfied"))
    assert not bad.ended
    with pytest.raises(StepRefused, match="only the duty leader may end it"):
        step(bad, act("archive", "system", NOON + 3 * HOUR))
    with pytest.raises(StepRefused, match="ending it needs a reason"):
        step(bad, act("archive", "duty_leader", NOON + 3 * HOUR, reason=None))
    assert step(bad, act("archive", "duty_leader", NOON + 3 * HOUR)).ended
    again = step(bad, act("reopen", "duty_officer", NOON + 3 * HOUR, reason="dissatisfied"))
    assert (again.state, again.rebounds, again.revisit) == ("registered", 1, None)


def test_the_only_way_out_of_the_archive_is_to_reopen() -> None:
    ways = {row.kind for row in machine().rows if "archived" in row.origin and row.to not in {"", "archived"}}
    assert ways == {"reopen"}


def test_handing_to_enforcement_is_a_result_and_a_state_of_its_own() -> None:
    with pytest.raises(StepRefused, match="for an offence use transfer"):
        step(walked("arrive"), act("handle", "grid_officer", NOON + HOUR, result="transferred"))
    case = step(walked("arrive"), act("transfer", "grid_officer", NOON + HOUR))
    assert (case.state, case.result) == ("enforcement", "transferred")
    assert step(case, act("report", "handler", NOON + 2 * HOUR, result=None)).state == "reported"


def test_a_suspended_case_comes_back_to_where_it_was() -> None:
    case = step(walked("arrive"), act("suspend", "duty_leader", NOON + HOUR))
    assert case.state == "suspended"
    assert step(case, act("resume", "system", NOON + 2 * HOUR)).state == "on_site"


def test_a_device_fault_never_goes_to_a_grid_officer_even_by_hand() -> None:
    case = open_from_event(event(kind="silence", pollutant=""), town(), NOON).case
    case = step(case, act("dispatch", "dispatcher", officer="officer", unit="street"))
    assert "sign" not in allowed(case, ROLES["grid_officer"])
    with pytest.raises(RightRefused, match="needs a role of maintainer, handler"):
        step(case, act("sign", "grid_officer", NOON + HOUR))


def test_a_device_fault_is_mended_from_a_desk_without_photos() -> None:
    case = open_from_event(event(kind="silence", pollutant=""), town(), NOON).case
    assert case.kind == "maintenance"
    case = step(case, Action("dispatch", ROLES["system"], NOON))
    for number, (kind, role, note) in enumerate(
        [("sign", "maintainer", ""), ("handle", "maintainer", "reset"), ("report", "maintainer", "data back")], 1
    ):
        case = step(case, Action(kind, ROLES[role], NOON + number * HOUR, {"note": note}))
    case = step(case, Action("check", ROLES["duty_officer"], NOON + 4 * HOUR))
    assert step(case, Action("pass", ROLES["duty_officer"], NOON + 5 * HOUR, {"note": "seen"})).state == "closed"


def test_what_was_done_offline_counts_when_it_was_done() -> None:
    case = walked("sign")
    urged = step(case, act("urge", "system", NOON + 3 * HOUR))
    late = replace(act("arrive", "grid_officer", NOON + HOUR), received=NOON + 4 * HOUR)
    case = step(urged, late)
    assert (case.steps[-1].at, case.steps[-1].logged) == (NOON + HOUR, NOON + 4 * HOUR)


def test_a_clock_that_is_ahead_or_goes_back_is_flagged_and_never_moves_the_case_back() -> None:
    case = walked("sign")
    ahead = step(case, replace(act("arrive", "grid_officer", NOON + 5 * HOUR), received=NOON + 2 * HOUR))
    assert "time_ahead" in {odd.reason for odd in ahead.steps[-1].complaints}
    assert ahead.since == NOON + 2 * HOUR
    back = step(ahead, act("handle", "grid_officer", NOON - HOUR))
    assert {"time_before", "time_back"} <= {odd.reason for odd in back.steps[-1].complaints}
    assert back.since == ahead.since


def test_a_case_and_its_log_come_back_from_json_as_they_went() -> None:
    case = step(walked("sign"), act("ask_extension", "grid_officer", NOON + HOUR))
    case = step(case, act("grant_extension", "duty_leader", NOON + 2 * HOUR))
    again = from_json(to_json(case), Case)
    assert again == case
    assert to_json(again) == to_json(case)
    assert replay(again.opening, again.steps) == case


FORWARD = {kind for kind, _ in (*MAIN_WAY, *OUTLET_WAY)} | {
    *("review", "order_rectify", "rework", "revisit", "resume", "transfer", "grant_extension")
}


class AnyoneTriesAnything(RuleBasedStateMachine):
    """People of every role try every step at any time; some of it is allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.case = fresh()
        self.now = NOON
        self.tries = 0

    @rule(
        kind=st.sampled_from(machine().kinds),
        role=st.sampled_from(sorted(ROLES)),
        later=st.integers(0, 600),
        offline=st.integers(-30, 300),
        bare=st.booleans(),
    )
    def try_anything(self, kind: str, role: str, later: int, offline: int, bare: bool) -> None:
        self._try(kind, role, later, offline, bare)

    @initialize(kind=st.sampled_from(["issue", "complaint", "outlet"]), steps=st.integers(0, len(MAIN_WAY) - 1))
    def enter(self, kind: str, steps: int) -> None:
        opening = replace(fresh().opening, enterprise="plant")
        self.case = open_case(replace(opening, kind=kind))  # type: ignore[arg-type]
        way = OUTLET_WAY if kind == "outlet" else MAIN_WAY
        for number, (taken, role) in enumerate(way[:steps], 1):
            self.now = NOON + number * timedelta(minutes=5)
            self.case = step(self.case, act(taken, role, self.now))

    @precondition(lambda self: allowed(self.case))
    @rule(data=st.data(), later=st.integers(0, 600))
    def do_what_is_allowed(self, data: st.DataObject, later: int) -> None:
        self._do(data, later, allowed(self.case))

    @precondition(lambda self: set(allowed(self.case)) & FORWARD)
    @rule(data=st.data(), later=st.integers(0, 600))
    def go_on(self, data: st.DataObject, later: int) -> None:
        self._do(data, later, sorted(set(allowed(self.case)) & FORWARD))

    def _do(self, data: st.DataObject, later: int, kinds: Sequence[str]) -> None:
        kind = data.draw(st.sampled_from(kinds))
        row = machine().row(kind, self.case.state, self.case.kind)
        assert row is not None
        self._try(kind, data.draw(st.sampled_from(row.roles)), later, 0, False)

    def _try(self, kind: str, role: str, later: int, offline: int, bare: bool) -> None:
        self.tries += 1
        self.now += timedelta(minutes=later)
        at = self.now - timedelta(minutes=offline)
        action = replace(act(kind, role, at, note=f"try {self.tries}"), received=self.now)
        if kind == "read" and self.case.told:
            told = self.case.told[-1]
            action = replace(action, fields={"notice": told.notice}, by=replace(action.by, person=told.to.id))
        if bare:
            action = replace(action, fields={}, photos=(), place=None)
        before = self.case
        try:
            self.case = step(before, action)
        except CaseError:
            assert self.case is before
            return
        assert self.case.revision == before.revision + 1
        assert self.case.steps[-1].action == action
        assert step(self.case, action) is self.case
        if before.state == "archived" and self.case.state != "archived":
            assert kind == "reopen"

    @invariant()
    def the_checker_is_never_a_handler(self) -> None:
        fixed = self.case.fixed
        assert fixed is None or fixed.by not in self.case.handlers or fixed.by == "system"

    @invariant()
    def time_never_runs_backwards(self) -> None:
        logged = [entry.logged for entry in self.case.steps]
        moves = [entry.at for entry in self.case.steps if entry.before != entry.after]
        assert logged == sorted(logged)
        assert moves == sorted(moves)
        for clock in clocks(self.case, self.now, CALENDAR):
            assert clock.started <= clock.due
            assert clock.stopped is None or clock.started <= clock.stopped

    @invariant()
    def the_log_rebuilds_the_case(self) -> None:
        assert replay(self.case.opening, self.case.steps) == self.case
        assert [entry.before for entry in self.case.steps[1:]] == [entry.after for entry in self.case.steps[:-1]]

    @invariant()
    def an_ended_round_of_verdicts_is_consistent(self) -> None:
        if self.case.state == "closed":
            assert self.case.fixed is not None
            assert self.case.fixed.value == "fixed"
        if self.case.state in {"reported", "checking"}:
            assert self.case.done is not None


CALENDAR = Calendar()
TestAnyoneTriesAnything = AnyoneTriesAnything.TestCase
TestAnyoneTriesAnything.settings = hypothesis_settings(max_examples=40, stateful_step_count=40, deadline=None)
