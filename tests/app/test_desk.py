"""Four doors, one desk: who gets a case, what follows, who is told, and what a refusal leaves untouched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.desk import Desk
from bihuan.app.notify import Notifications, OutboxNotifier
from bihuan.cases import (
    Action,
    Actor,
    Calendar,
    Case,
    Choice,
    FieldReport,
    Order,
    Photo,
    PublicComplaint,
    case_settings,
    choose,
    choose_for,
)
from bihuan.core import (
    CHINA,
    CaseChanged,
    Effect,
    Event,
    InputError,
    Period,
    Place,
    Ref,
    RightRefused,
    StepRefused,
    Suspect,
    Suspects,
    local_date,
    to_json,
)
from bihuan.register import Register
from bihuan.store import Records, Row
from tests.app.hamlet import HOUR, STACK, at_km, facts

NOON = datetime(2026, 3, 11, 4, tzinfo=UTC)
"""A Wednesday, 12:00 local time."""

REGISTER = Register(facts())
OFFICER = Actor("officer", ("grid_officer",), "street", "d")
CHECKER = Actor("checker", ("verifier",), "", "d")
DUTY = Actor("duty", ("duty_officer",))
SITE = at_km(-1.5, -1.0)


class World:
    """A desk over records of its own; `again` is what a restart makes of them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.records = Records(home / "records.sqlite")
        self.desk = self.again()

    def again(self) -> Desk:
        outbox = Notifications([OutboxNotifier(self.home / "outbox")], self.home / "notices.jsonl")
        self.desk = Desk(self.records, lambda: REGISTER, Calendar(), outbox)
        return self.desk

    def outbox(self) -> list[tuple[str, str]]:
        path = self.home / "outbox" / "outbox.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [(row["kind"], row["to"]) for row in map(json.loads, lines)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.records.close()


STATION = Ref("station", "s1")


def event(ident: str = "ev1", subject: Ref = STATION, **changes: object) -> Event:
    fields: dict[str, object] = {
        "id": ident,
        "rule": "local_rise",
        "kind": "pattern",
        "subject": subject,
        "place": at_km(0.0, 0.0),
        "period": Period(NOON - HOUR, NOON),
        "pollutant": "so2",
        "grade": "minor",
        "value": 160.0,
        "threshold": 40.0,
        **changes,
    }
    return Event(**fields)  # type: ignore[arg-type]


def ranking(of: Event, *odds: tuple[Ref, Place, float], ident: str = "r1") -> Suspects:
    ranked = tuple(Suspect(ref, ref.id, place, probability) for ref, place, probability in odds)
    left = 1.0 - sum(probability for *_, probability in odds)
    return Suspects(ident, of.ref, of.pollutant, of.period, ranked, none_of_listed=left, regional=0.0)


STACK_FIRST = ((Ref("outlet", STACK), at_km(0.0, 1.0), 0.6), (Ref("worksite", "y1"), SITE, 0.3))


def photo(words: str) -> tuple[Photo, ...]:
    return (Photo(f"sha256:{words}", "after", NOON, SITE),)


def walk(desk: Desk, case: Case, at: datetime, result: str = "fixed_on_site") -> Case:
    """Sign, arrive, handle."""
    for action in (
        Action("sign", OFFICER, at),
        Action("arrive", OFFICER, at + timedelta(minutes=20), place=case.place),
        Action("handle", OFFICER, at + timedelta(minutes=40), {"result": result, "note": "x"}, photos=photo(case.id)),
    ):
        case = desk.act(case.id, action)
    return case


def finish(desk: Desk, case: Case, at: datetime) -> Case:
    """Hand in, check, pass."""
    for action in (
        Action("report", OFFICER, at, {"note": "done"}, photos=photo(f"r{case.id}")),
        Action("check", CHECKER, at + timedelta(minutes=10)),
        Action("pass", CHECKER, at + timedelta(minutes=20), {"note": "seen"}, photos=photo(f"p{case.id}")),
    ):
        case = desk.act(case.id, action)
    return case


def complaint(number: str = "W1", place: Place | None = SITE) -> PublicComplaint:
    return PublicComplaint(number=number, received=NOON, matter="construction", content="dust", place=place)


def test_each_of_the_four_doors_opens_a_case_that_the_duty_table_sends_on(world: World) -> None:
    rise = event()
    desk = world.desk
    alarm = desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON).case
    far = at_km(5.0, 5.0)
    report = FieldReport(by=OFFICER, matter="construction", place=far, photos=photo("door"), created=NOON)
    officer = desk.from_report(report, NOON).case
    public = desk.from_complaint(complaint(place=at_km(-5.0, 5.0)), NOON).case
    order = Order(number="No. 1", issuer="city", title="t", matter="construction", issued=NOON, by=DUTY, place=far)
    superior = desk.from_order(order, NOON).case
    cases = (alarm, officer, public, superior)
    assert [case.door for case in cases] == ["alarm", "officer", "complaint", "order"]
    assert [case.state for case in cases] == ["dispatched"] * 4
    assert [(case.matter, case.lead) for case in cases] == [("industry", "ecology"), *[("construction", "housing")] * 3]
    assert {case.officer for case in cases} == {"officer"}
    assert [case.id for case in desk.cases] == sorted(case.id for case in cases)


def test_a_silent_logger_goes_to_its_maintainer(world: World) -> None:
    silent = event(rule="silence", kind="silence", pollutant="", value=None, threshold=None)
    case = world.desk.from_event(silent, None, NOON).case
    assert (case.kind, case.lead, case.officer) == ("maintenance", "mender", "")


def test_the_same_door_twice_is_one_case(world: World) -> None:
    rise = event()
    first = world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON).case
    world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON)
    world.desk.from_complaint(complaint(place=at_km(5, 5)), NOON)
    again = world.desk.from_complaint(complaint(place=at_km(5, 5)), NOON + HOUR)
    assert [case.id for case in world.desk.cases] == sorted([first.id, again.case.id])
    assert world.records.count("case") == 2


def test_a_wrong_visit_sends_the_case_to_the_next_of_the_ranking(world: World) -> None:
    rise = event()
    ranked = ranking(rise, *STACK_FIRST)
    case = world.desk.from_event(rise, ranked, NOON).case
    case = walk(world.desk, case, NOON + HOUR, result="not_found")
    assert case.suspect == Ref("outlet", STACK)
    case = world.desk.redirect(case.id, ranked, NOON + 2 * HOUR)
    assert (case.state, case.suspect, case.matter) == ("dispatched", Ref("worksite", "y1"), "construction")
    assert case.place == SITE
    case = walk(world.desk, case, NOON + 3 * HOUR, result="not_found")
    after = world.desk.redirect(case.id, ranked, NOON + 4 * HOUR)
    assert after is case, "nobody is left: the officer's report ends the search"


def test_a_visit_that_found_the_source_is_not_redirected(world: World) -> None:
    rise = event()
    case = world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON).case
    case = walk(world.desk, case, NOON + HOUR)
    assert world.desk.redirect(case.id, ranking(rise, *STACK_FIRST), NOON + 2 * HOUR) is case


def test_clocks_run_and_press_each_level_once(world: World) -> None:
    rise = event()
    case = world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON).case
    world.desk.send(NOON)
    assert world.desk.run_clocks(NOON + timedelta(minutes=1)) == ()
    levels = []
    for minutes in range(5, 24 * 60, 5):
        now = NOON + timedelta(minutes=minutes)
        levels += [pressed.level for pressed in world.desk.run_clocks(now)]
        assert world.desk.run_clocks(now) == ()
        world.desk.send(now)
    assert (levels[0], levels[-1]) == ("urge", "elevate")
    pressed = [kind for kind, _ in world.outbox() if kind in {"urge", "supervise", "elevate"}]
    assert {"urge", "supervise", "elevate"} == set(pressed)
    told = world.desk.get(case.id).told
    assert len(told) == len({(one.level, one.clock, one.to) for one in told})


def test_everybody_is_told_once_also_when_the_process_ended_before_it_could_send(world: World) -> None:
    rise = event()
    world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON)
    world.again()  # nothing was sent yet
    world.desk.send(NOON)
    told = world.outbox()
    assert ("dispatch", "person:officer") in told
    world.again().send(NOON + HOUR)
    world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON + HOUR)
    world.desk.send(NOON + HOUR)
    assert world.outbox() == told


def test_an_escalation_that_was_recorded_but_not_sent_is_sent_by_the_next_process(world: World) -> None:
    rise = event()
    world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON)
    world.desk.send(NOON)
    before = world.outbox()
    assert world.desk.run_clocks(NOON + 48 * HOUR)
    world.again().send(NOON + 48 * HOUR)
    assert {"urge", "supervise", "elevate"} & {kind for kind, _ in world.outbox()[len(before) :]}


def test_a_complaint_about_what_is_known_is_merged_and_closed_with_its_main_case(world: World) -> None:
    desk = world.desk
    report = FieldReport(by=OFFICER, matter="construction", place=SITE, photos=photo("door"), created=NOON)
    main = desk.from_report(report, NOON).case
    intake = desk.from_complaint(complaint(), NOON + HOUR)
    assert (intake.outcome, intake.case.id) == ("merged", main.id)
    follower = next(case for case in desk.cases if case.kind == "complaint")
    assert (follower.state, follower.merged_into) == ("merged", main.id)
    assert desk.get(main.id).merged == (follower.id,)
    assert not follower.ended, "the caller still has to hear the answer"
    main = finish(desk, walk(desk, desk.get(main.id), NOON + 2 * HOUR), NOON + 4 * HOUR)
    follower = desk.get(follower.id)
    assert (main.state, follower.state) == ("closed", "closed")
    assert main.ended and not follower.ended
    called = Action("revisit", DUTY, NOON + 6 * HOUR, {"satisfaction": "satisfied"})
    assert desk.act(follower.id, called).ended


@pytest.mark.parametrize(
    ("action", "refusal"),
    [
        (Action("pass", CHECKER, NOON), StepRefused),
        (Action("sign", CHECKER, NOON), RightRefused),
        (Action("dance", OFFICER, NOON), StepRefused),
    ],
    ids=["too early", "not addressed", "unknown"],
)
def test_an_action_that_is_refused_changes_nothing(world: World, action: Action, refusal: type[Exception]) -> None:
    rise = event()
    case = world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON).case
    rows = world.records.find("case"), world.records.find("step")
    with pytest.raises(refusal):
        world.desk.act(case.id, action)
    assert world.desk.get(case.id) is case
    assert (world.records.find("case"), world.records.find("step")) == rows
    assert world.again().get(case.id) == case


def test_a_case_that_does_not_exist_is_named(world: World) -> None:
    with pytest.raises(InputError, match="'nobody' does not exist"):
        world.desk.act("nobody", Action("sign", OFFICER, NOON))


def test_an_action_taken_twice_is_one_step(world: World) -> None:
    rise = event()
    case = world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON).case
    signed = world.desk.act(case.id, Action("sign", OFFICER, NOON))
    assert world.desk.act(case.id, Action("sign", OFFICER, NOON)) is signed


def test_a_measured_effect_stands_beside_the_other_two_verdicts(world: World) -> None:
    rise = event()
    case = world.desk.from_event(rise, ranking(rise, *STACK_FIRST), NOON).case
    case = finish(world.desk, walk(world.desk, case, NOON + HOUR), NOON + 3 * HOUR)
    assert case.done and case.fixed and case.effective is None
    effect = Effect("e1", case.ref, "so2", 120.0, 2.0, -118.0, -130.0, -100.0, "effective")
    case = world.desk.measured(effect, NOON + 8 * HOUR)
    assert case.effective is not None and case.effective.value == "effective"
    assert case.state == "closed"


def test_a_photo_that_was_shown_in_another_case_is_flagged_also_after_a_restart(world: World) -> None:
    report = FieldReport(by=OFFICER, matter="construction", place=SITE, photos=photo("same"), created=NOON)
    world.desk.from_report(report, NOON)
    far = at_km(6.0, 6.0)
    second = FieldReport(by=OFFICER, matter="road", place=far, photos=photo("same"), created=NOON + HOUR)
    case = world.again().from_report(second, NOON + HOUR).case
    assert "photo_reused" in {odd.reason for odd in case.complaints}


# -- the duty officer decides --------------------------------------------------------------------------------------


def waiting(world: World, minutes: int = 20) -> Desk:
    """A desk whose city lets an alarm's case wait for the duty officer."""
    outbox = Notifications([OutboxNotifier(world.home / "outbox")], world.home / "notices.jsonl")
    settings = case_settings({"dispatch": {"wait_minutes": minutes}})
    world.desk = Desk(world.records, lambda: REGISTER, Calendar(settings), outbox)
    return world.desk


def decided(at: datetime = NOON, revision: int | None = 0, by: Actor = DUTY, **fields: str) -> Action:
    return Action("dispatch", by, at, fields, revision=revision)


def chosen(source: Ref | None, place: Place) -> Choice:
    return choose(source, place, REGISTER, local_date(NOON, CHINA))


STACK_REF = Ref("outlet", STACK)
YARD_REF = Ref("worksite", "y1")


def test_an_alarms_case_waits_for_the_duty_officer_and_then_goes_by_the_duty_table(world: World) -> None:
    desk, rise = waiting(world, 20), event()
    found = ranking(rise, (STACK_REF, at_km(0, 1), 0.9))
    case = desk.from_event(rise, found, NOON).case
    assert case.state == "registered"
    desk.run_clocks(NOON + timedelta(minutes=19))
    desk.from_event(rise, found, NOON + timedelta(minutes=19))
    assert desk.get(case.id).state == "registered"
    desk.run_clocks(NOON + timedelta(minutes=20))
    after = desk.get(case.id)
    assert (after.state, after.steps[-1].action.by.person, after.lead) == ("dispatched", "system", "ecology")


def test_a_waiting_case_that_turned_out_to_be_regional_is_sent_to_nobody_but_by_the_duty_officer(world: World) -> None:
    desk = waiting(world)
    first = ranking(event(), (STACK_REF, at_km(0, 1), 0.8))
    later = replace(first, id="r2", ranked=(), none_of_listed=0.05, regional=0.95)
    rows = [Row(one.id, to_json(one), str(one.event)) for one in (first, later)]
    world.records.save("suspects", rows)
    case = desk.from_event(event(), first, NOON).case
    desk.from_event(event(), later, NOON + timedelta(minutes=15))
    desk.run_clocks(NOON + timedelta(minutes=25))
    assert later.ref in desk.get(case.id).sources
    assert desk.get(case.id).state == "registered"


def test_without_a_wait_an_alarms_case_is_sent_at_once_as_before(world: World) -> None:
    rise = event()
    case = world.desk.from_event(rise, ranking(rise, (STACK_REF, at_km(0, 1), 0.9)), NOON).case
    assert world.desk.get(case.id).state == "dispatched"


def test_a_work_order_for_a_maintainer_does_not_wait(world: World) -> None:
    desk = waiting(world)
    silent = event(kind="silence", rule="silence", pollutant="")
    assert desk.from_event(silent, None, NOON).case.state == "dispatched"


def test_the_duty_officer_sends_a_waiting_case_to_another_suspect_than_the_first(world: World) -> None:
    desk, rise = waiting(world), event()
    found = ranking(rise, (STACK_REF, at_km(0, 1), 0.6), (YARD_REF, SITE, 0.3))
    case = desk.from_event(rise, found, NOON).case
    sent = desk.send_to(rise, found, chosen(YARD_REF, SITE), decided(revision=case.revision, note="dust seen"))
    assert (sent.outcome, sent.case.state, sent.case.suspect) == ("dispatched", "dispatched", YARD_REF)
    assert (sent.case.place, sent.case.officer, sent.case.district) == (SITE, "officer", "d")
    assert world.again().get(case.id).suspect == YARD_REF


def test_a_decision_sent_twice_is_one_step(world: World) -> None:
    desk, rise = waiting(world), event()
    found = ranking(rise, (STACK_REF, at_km(0, 1), 0.9))
    first = desk.send_to(rise, found, chosen(STACK_REF, at_km(0, 1)), decided(note="go"))
    again = desk.send_to(rise, found, chosen(STACK_REF, at_km(0, 1)), decided(NOON + timedelta(minutes=1), note="go"))
    assert (again.outcome, again.case.revision) == ("unchanged", first.case.revision)


def test_whoever_decides_second_hears_that_the_case_changed(world: World) -> None:
    desk, rise = waiting(world), event()
    found = ranking(rise, (STACK_REF, at_km(0, 1), 0.6), (YARD_REF, SITE, 0.3))
    case = desk.from_event(rise, found, NOON).case
    first = desk.send_to(rise, found, chosen(STACK_REF, at_km(0, 1)), decided(revision=case.revision))
    with pytest.raises(CaseChanged, match="duty did dispatch"):
        desk.send_to(
            rise, found, chosen(YARD_REF, SITE), decided(revision=case.revision, by=Actor("other", ("duty_leader",)))
        )
    assert desk.get(case.id) == first.case


def test_a_dispatched_case_is_reassigned_to_the_suspect_chosen_and_none_means_a_patrol(world: World) -> None:
    rise = event()
    found = ranking(rise, (STACK_REF, at_km(0, 1), 0.9))
    case = world.desk.from_event(rise, found, NOON).case
    case = world.desk.get(case.id)
    sent = world.desk.send_to(rise, found, chosen(None, at_km(0, 0)), decided(revision=case.revision))
    assert (sent.outcome, sent.case.state, sent.case.suspect) == ("reassigned", "dispatched", None)
    assert (sent.case.matter, sent.case.place) == ("unknown_source", at_km(0, 0))


def test_a_suspect_that_a_visit_cleared_is_not_visited_again_by_choice(world: World) -> None:
    rise = event()
    found = ranking(rise, (STACK_REF, at_km(0, 1), 0.9))
    case = world.desk.from_event(rise, found, NOON).case
    here = at_km(0, 1)
    for kind, fields in (("sign", {}), ("arrive", {}), ("handle", {"result": "untrue"})):
        photos = (Photo(f"sha256:{kind}"),)
        world.desk.act(case.id, Action(kind, OFFICER, NOON + HOUR, fields, photos, place=here))
    now = world.desk.get(case.id)
    with pytest.raises(StepRefused, match="visited already"):
        world.desk.send_to(rise, found, chosen(STACK_REF, here), decided(NOON + 2 * HOUR, now.revision))
    sent = world.desk.send_to(rise, found, chosen(YARD_REF, SITE), decided(NOON + 2 * HOUR, now.revision))
    assert (sent.outcome, sent.case.suspect, sent.case.result) == ("redirected", YARD_REF, "")


def test_a_fault_of_an_instrument_stays_one_whoever_sends_it() -> None:
    silent = event(kind="silence", rule="silence", pollutant="")
    choice = choose_for(silent, None, at_km(0, 0), REGISTER, local_date(NOON, CHINA))
    assert (choice.matter, choice.way.lead, choice.way.officer) == ("device_fault", "mender", "")
    outlet = event(kind="limit", rule="outlet_over", subject=STACK_REF)
    assert choose_for(outlet, STACK_REF, at_km(0, 1), REGISTER, local_date(NOON, CHINA)).matter == "industry"
    rise = choose_for(event(), YARD_REF, SITE, REGISTER, local_date(NOON, CHINA))
    assert (rise.matter, rise.way.lead) == ("construction", "housing")


def test_a_closed_case_is_opened_again_by_a_decision_that_says_why(world: World) -> None:
    rise = event()
    found = ranking(rise, (STACK_REF, at_km(0, 1), 0.9))
    case = world.desk.from_event(rise, found, NOON).case
    here = at_km(0, 1)
    walk = (
        ("sign", OFFICER, {}),
        ("arrive", OFFICER, {}),
        ("handle", OFFICER, {"result": "untrue"}),
        ("report", OFFICER, {"note": "nothing"}),
        ("check", CHECKER, {}),
        ("pass", CHECKER, {"note": "seen"}),
    )
    for kind, who, fields in walk:
        world.desk.act(case.id, Action(kind, who, NOON + HOUR, fields, (Photo(f"sha256:{kind}"),), place=here))
    now = world.desk.get(case.id)
    assert now.state == "closed"
    with pytest.raises(StepRefused, match="lacks reason"):
        world.desk.send_to(rise, found, chosen(STACK_REF, here), decided(NOON + 2 * HOUR, now.revision))
    asked = decided(NOON + 2 * HOUR, now.revision, note="it smokes again")
    sent = world.desk.send_to(rise, found, chosen(STACK_REF, here), asked)
    assert (sent.outcome, sent.case.state, sent.case.rebounds) == ("reopened", "dispatched", 1)
    assert [past.action.kind for past in sent.case.steps[-2:]] == ["reopen", "dispatch"]
    again = world.desk.send_to(rise, found, chosen(STACK_REF, here), replace(asked, at=NOON + 3 * HOUR))
    assert (again.outcome, again.case.revision) == ("unchanged", sent.case.revision)
    assert world.again().get(case.id) == sent.case
