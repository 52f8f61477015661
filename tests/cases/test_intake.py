"""The four doors, what is known already, what repeats another, what comes back; photos that are odd."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bihuan.alerts import default_rules
from bihuan.cases import (
    Case,
    Order,
    PublicComplaint,
    case_settings,
    default_settings,
    examine,
    mask_name,
    mask_numbers,
    mask_phone,
    merge_by_hand,
    next_suspect,
    open_from_complaint,
    open_from_event,
    open_from_order,
    open_from_report,
    replay,
    settle_followers,
    step,
)
from bihuan.core import Place, Ref, RightRefused, StepRefused, Suspect, digest, from_json, to_json
from bihuan.register import Outlet, Register, Section
from tests.cases.test_machine import walked
from tests.cases.town import HOUR, NOON, ROLES, YARD, act, event, facts, fresh, photo, report, suspects, town

DAY = timedelta(days=1)
COMPLAINT = PublicComplaint(
    number="ZZ20260302001",
    received=NOON - HOUR,
    matter="construction",
    content="工地夜间施工扬尘大,请回电13812345678",
    place=YARD,
    reporter="张三丰",
    phone="138-1234-5678",
    due=NOON + 5 * DAY,
)


def east(metres: float) -> Place:
    return Place(YARD.lon + metres / (111_320 * 0.8217), YARD.lat)


def closed(case: Case) -> Case:
    return walked("pass", case)


def test_an_event_with_a_suspect_becomes_a_case_at_the_suspects_place_with_its_evidence() -> None:
    rise = event()
    case = open_from_event(rise, town(), NOON, suspects=suspects(rise)).case
    assert (case.kind, case.door, case.matter, case.place) == ("issue", "alarm", "construction", YARD)
    assert (case.lead, case.officer, case.cell) == ("housing", "officer", "e1")
    assert case.sources == (Ref("event", "ev1"), Ref("suspects", "su-ev1"))
    assert [item.digest for item in case.evidence] == [digest(to_json(rise)), digest(to_json(suspects(rise)))]
    assert case.title() == "东一站 PM10 异常提示,疑似污染源 一号工地:施工扬尘"


@pytest.mark.parametrize(
    ("changes", "odds", "matter"),
    [
        ({"kind": "silence", "pollutant": ""}, None, "device_fault"),
        ({"subject": Ref("outlet", "o1"), "kind": "limit"}, None, "industry"),
        ({"subject": Ref("outlet", "w1"), "kind": "limit"}, None, "waste_water"),
        ({"subject": Ref("section", "r1"), "kind": "limit"}, None, "section"),
        ({"rule": "stuck_series"}, None, "device_fault"),
        ({"rule": "copied_series"}, None, "data_quality"),
        ({"rule": "regional_rise", "subject": Ref("city", "c")}, None, "regional"),
        ({}, None, "unknown_source"),
        ({}, {"first": 0.3, "none": 0.6, "regional": 0.1}, "unknown_source"),
        ({}, {"first": 0.2, "none": 0.1, "regional": 0.7}, "regional"),
        ({}, {"first": 0.5, "none": 0.3, "regional": 0.2}, "construction"),
    ],
)
def test_event_and_suspects_tell_the_matter(
    changes: dict[str, object], odds: dict[str, float] | None, matter: str
) -> None:
    drain = Outlet(id="w1", name="排口", enterprise="plant", place=YARD, district="east", medium="water")
    reach = Section(id="r1", name="断面", place=YARD, district="east", river="r")
    rise = event(**changes)
    found = suspects(rise, **odds) if odds else None
    case = open_from_event(rise, Register([*facts(), drain, reach]), NOON, suspects=found).case
    assert case.matter == matter
    assert case.title()
    assert case.title("en")


def test_every_rule_about_data_goes_to_who_looks_into_instruments_and_never_to_a_grid_officer() -> None:
    about_data = [row.id for row in default_rules() if row.id.endswith(("_series", "_whole")) or row.id == "silence"]
    assert len(about_data) >= 7
    for rule in about_data:
        case = open_from_event(event(rule=rule), town(), NOON).case
        assert (case.lead, case.officer) in {("mender", ""), ("ecology", "")}, rule
    assert open_from_event(event(rule="stuck_series"), town(), NOON).case.kind == "maintenance"


def test_the_caller_can_name_the_matter() -> None:
    assert open_from_event(event(), town(), NOON, matter="data_quality").case.lead == "ecology"


def test_an_event_that_stays_open_opens_no_second_case() -> None:
    rise = event()
    case = open_from_event(rise, town(), NOON).case
    longer = replace(rise, value=400.0)
    again = open_from_event(longer, town(), NOON + HOUR, existing=[case])
    assert (again.outcome, again.case.id) == ("known", case.id)
    assert again.case.steps == case.steps


def test_suspects_that_come_later_are_attached_once() -> None:
    rise = event()
    case = open_from_event(rise, town(), NOON).case
    later = open_from_event(rise, town(), NOON + HOUR, suspects=suspects(rise), existing=[case])
    assert (later.outcome, later.changed) == ("known", (later.case,))
    assert later.case.sources[-1] == Ref("suspects", "su-ev1")
    third = open_from_event(rise, town(), NOON + 2 * HOUR, suspects=suspects(rise), existing=[later.case])
    assert third.changed == ()


def test_a_source_that_rises_again_within_the_days_of_a_rebound_reopens_its_case() -> None:
    rise, again = event(), event(id="ev2")
    case = closed(open_from_event(rise, town(), NOON, suspects=suspects(rise)).case)
    back = open_from_event(again, town(), NOON + 3 * DAY, suspects=suspects(again), existing=[case])
    assert (back.outcome, back.case.id, back.case.state) == ("reopened", case.id, "registered")
    assert (back.case.rebounds, back.case.fixed, back.case.done) == (1, None, None)
    assert Ref("event", "ev2") in back.case.sources
    late = open_from_event(again, town(), NOON + 40 * DAY, suspects=suspects(again), existing=[case])
    assert late.outcome == "opened"


def test_a_suspect_that_was_not_it_sends_the_case_to_the_next_of_the_ranking() -> None:
    rise = event()
    plant = Suspect(Ref("outlet", "o1"), "一号排口", Place(113.652, 34.752), 0.3)
    ranking = suspects(rise, first=0.5, none=0.15, regional=0.05)
    ranking = replace(ranking, ranked=(*ranking.ranked, plant))
    case = walked("arrive", open_from_event(rise, town(), NOON, suspects=ranking).case)
    with pytest.raises(StepRefused, match="not allowed while the case is on_site"):
        next_suspect(case, ranking, town(), NOON + HOUR)
    guilty = step(case, act("handle", "grid_officer", NOON + HOUR, result="true"))
    with pytest.raises(StepRefused, match="the visit found true"):
        next_suspect(guilty, ranking, town(), NOON + HOUR)
    case = step(case, act("handle", "grid_officer", NOON + HOUR, result="not_found"))
    case = next_suspect(case, ranking, town(), NOON + 2 * HOUR)
    assert (case.state, case.suspect, case.place, case.matter) == ("dispatched", plant.source, plant.place, "industry")
    assert (case.lead, case.officer, case.result) == ("ecology", "officer", "")
    assert (case.cell, case.district) == ("e1", "east")
    assert [(visit.suspect.id, visit.result, visit.by) for visit in case.visits] == [("y1", "not_found", "officer")]
    for kind in ("sign", "arrive"):
        case = step(case, act(kind, "grid_officer", NOON + 3 * HOUR))
    case = step(case, act("handle", "grid_officer", NOON + 3 * HOUR, result="untrue"))
    assert next_suspect(case, ranking, town(), NOON + 4 * HOUR) is case
    assert from_json(to_json(case), Case) == case
    assert replay(case.opening, case.steps) == case


def test_a_next_suspect_less_likely_than_nobody_listed_is_not_visited() -> None:
    rise = event()
    ranking = suspects(rise, first=0.5, none=0.4, regional=0.05)
    ranking = replace(ranking, ranked=(*ranking.ranked, Suspect(Ref("outlet", "o1"), "一号排口", YARD, 0.05)))
    case = walked("arrive", open_from_event(rise, town(), NOON, suspects=ranking).case)
    case = step(case, act("handle", "grid_officer", NOON + HOUR, result="not_found"))
    assert next_suspect(case, ranking, town(), NOON + 2 * HOUR) is case


def test_another_source_at_the_same_station_is_no_rebound() -> None:
    rise, other = event(), event(id="ev2")
    case = closed(open_from_event(rise, town(), NOON, suspects=suspects(rise)).case)
    elsewhere = suspects(other)
    elsewhere = replace(elsewhere, ranked=(replace(elsewhere.ranked[0], source=Ref("worksite", "y2")),))
    fresh_one = open_from_event(other, town(), NOON + DAY, suspects=elsewhere, matter="construction", existing=[case])
    assert fresh_one.outcome == "opened"


def test_a_report_takes_photo_kind_and_place_and_keeps_when_it_was_made_offline() -> None:
    case = open_from_report(report(at=NOON), town(), NOON + 5 * HOUR).case
    assert (case.opening.created, case.opened) == (NOON, NOON + 5 * HOUR)
    assert (case.door, case.kind, case.officer) == ("officer", "issue", "officer")
    assert case.complaints == ()


def test_the_same_report_sent_twice_is_one_case() -> None:
    first = open_from_report(report(), town(), NOON)
    second = open_from_report(report(), town(), NOON + HOUR, existing=[first.case])
    assert (second.outcome, second.changed) == ("known", ())


def test_a_report_from_the_future_is_taken_and_flagged() -> None:
    case = open_from_report(report(at=NOON + 2 * HOUR), town(), NOON).case
    assert [odd.reason for odd in case.complaints] == ["time_ahead"]
    assert case.opening.created == NOON


@pytest.mark.parametrize(
    ("metres", "hours", "matter", "outcome"),
    [
        (90, 23, "construction", "merged"),
        (110, 1, "construction", "opened"),
        (10, 25, "construction", "opened"),
        (10, 1, "road", "opened"),
    ],
)
def test_a_duplicate_is_the_same_matter_within_100_m_and_24_h(
    metres: float, hours: float, matter: str, outcome: str
) -> None:
    first = fresh()
    at = NOON + hours * HOUR
    assert open_from_report(report(matter, at, east(metres)), town(), at, existing=[first]).outcome == outcome


def test_distance_and_hours_of_a_duplicate_are_settings() -> None:
    city = case_settings({"duplicates": {"metres": 500}})
    second = open_from_report(report(at=NOON + HOUR, place=east(400)), town(), NOON, existing=[fresh()], settings=city)
    assert second.outcome == "merged"


def test_a_merged_case_points_at_the_one_that_answers_for_it_and_back() -> None:
    first = fresh()
    intake = open_from_complaint(COMPLAINT, town(), NOON + HOUR, existing=[first])
    main, follower = intake.changed
    assert (intake.outcome, intake.case.id, main.merged) == ("merged", first.id, (follower.id,))
    assert (follower.state, follower.merged_into, follower.opening.number) == ("merged", first.id, "ZZ20260302001")
    assert not follower.ended


def test_a_merged_complaint_is_asked_after_the_case_that_answers_for_it_was_closed() -> None:
    main, follower = open_from_complaint(COMPLAINT, town(), NOON, existing=[fresh()]).changed
    assert settle_followers(main, [follower], NOON + HOUR, default_settings()) == ()
    main = closed(main)
    (settled,) = settle_followers(main, [follower, fresh()], NOON + DAY, default_settings())
    assert (settled.state, settled.fixed and settled.fixed.ref) == ("closed", main.ref)
    with pytest.raises(StepRefused, match="ends only after its reporter was asked"):
        step(settled, act("archive", "system", NOON + DAY))
    assert step(settled, act("revisit", "duty_officer", NOON + DAY)).ended


def test_whoever_handled_a_merged_case_may_not_settle_it_by_hand() -> None:
    main, follower = open_from_complaint(COMPLAINT, town(), NOON, existing=[fresh()]).changed
    by_hand = act("settle", "duty_officer", NOON + DAY, case=main.id)
    handled = replace(follower, handlers=(by_hand.by.person,))
    with pytest.raises(RightRefused, match="whoever handled it"):
        step(handled, by_hand)
    assert step(follower, by_hand).state == "closed"


def test_a_dispatcher_can_merge_by_hand_and_neither_case_changes_when_one_refuses() -> None:
    one, two = fresh(), fresh("road")
    merged, main = merge_by_hand(one, two, act("merge", "dispatcher", NOON + HOUR))
    assert (merged.merged_into, main.merged) == (two.id, (one.id,))
    with pytest.raises(StepRefused):
        merge_by_hand(walked("pass"), two, act("merge", "dispatcher", NOON + HOUR))


def test_regional_transport_is_one_case_for_the_whole_city() -> None:
    one, two = event(), event(id="ev2", place=Place(113.57, 34.76))
    first = open_from_event(one, town(), NOON, matter="regional").case
    assert open_from_event(two, town(), NOON + HOUR, matter="regional", existing=[first]).outcome == "merged"


def test_a_complaint_keeps_its_number_and_loses_the_name_of_its_reporter() -> None:
    case = open_from_complaint(COMPLAINT, town(), NOON).case
    assert (case.kind, case.opening.number, case.opening.demanded) == ("complaint", "ZZ20260302001", NOON + 5 * DAY)
    assert case.opening.reporter == "张** 138****5678"
    stored = to_json(case).decode() + repr(replace(COMPLAINT, content=""))
    for private in ("张三丰", "138-1234-5678", "13812345678", "12345678"):
        assert private not in stored
    assert open_from_complaint(COMPLAINT, town(), NOON + HOUR, existing=[case]).outcome == "known"


def test_a_complaint_without_a_place_is_routed_by_its_district() -> None:
    case = open_from_complaint(replace(COMPLAINT, place=None, district="east"), town(), NOON).case
    assert (case.lead, case.officer, case.district, case.place) == ("housing", "", "east", None)


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        ("13812345678", "138****5678"),
        ("138 1234 5678", "138****5678"),
        ("0371-67181234", "0371****1234"),
        ("41010119900101123X", "410101********123X"),
        ("AQI 156,PM2.5 87", "AQI 156,PM2.5 87"),
        ("工单 20260302000123456789", "工单 20260302000123456789"),
    ],
)
def test_numbers_of_people_are_hidden_in_free_text(words: str, masked: str) -> None:
    assert mask_numbers(words) == masked


def test_what_is_no_number_is_hidden_whole() -> None:
    assert (mask_phone("微信abc"), mask_phone("67181234"), mask_name("李"), mask_name("")) == (
        "*****",
        "*" * 8,
        "*",
        "",
    )


def order(**changes: object) -> Order:
    fields: dict[str, object] = {
        "number": "郑环攻坚〔2026〕12号",
        "issuer": "省攻坚办",
        "title": "核查一号工地",
        "matter": "construction",
        "issued": NOON - DAY,
        "by": ROLES["duty_officer"],
        "place": YARD,
        "due": NOON + 2 * DAY,
        **changes,
    }
    return Order(**fields)  # type: ignore[arg-type]


def test_an_order_of_a_superior_may_name_its_unit_and_is_never_merged() -> None:
    first = fresh()
    intake = open_from_order(order(lead="ecology"), town(), NOON, existing=[first])
    assert (intake.outcome, intake.case.kind, intake.case.lead) == ("opened", "order", "ecology")
    assert intake.case.title() == "省攻坚办交办:核查一号工地(施工扬尘)"
    assert intake.case.opening.routing == "order:郑环攻坚〔2026〕12号"
    assert open_from_order(order(), town(), NOON).case.lead == "housing"


def test_ids_come_from_content() -> None:
    assert fresh().id == fresh().id
    assert fresh().id != fresh("road").id
    assert open_from_order(order(), town(), NOON).case.id == open_from_order(order(), town(), NOON + DAY).case.id
    assert from_json(to_json(fresh()), Case) == fresh()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"place": east(190)}, None),
        ({"place": east(210)}, "photo_far"),
        ({"place": None}, "photo_unplaced"),
        ({"taken": None}, "photo_untimed"),
        ({"taken": NOON - 23 * HOUR}, None),
        ({"taken": NOON - 25 * HOUR}, "photo_early"),
        ({"taken": NOON + timedelta(minutes=4)}, None),
        ({"taken": NOON + timedelta(minutes=6)}, "photo_late"),
        ({"digest": "sha256:seen"}, "photo_reused"),
    ],
)
def test_a_photo_that_is_odd_is_flagged_with_its_reason(changes: dict[str, object], reason: str | None) -> None:
    used = {"sha256:seen": Ref("case", "c0")}
    odd = examine((photo("new", **changes),), YARD, NOON, default_settings(), used)
    assert [complaint.reason for complaint in odd] == ([reason] if reason else [])


def test_the_same_photo_twice_in_one_step_or_again_later_is_flagged_and_never_refused() -> None:
    case = walked("arrive")
    action = act("handle", "grid_officer", NOON + HOUR)
    same = photo("once", taken=NOON + HOUR)
    case = step(case, replace(action, photos=(same, same)))
    assert [odd.reason for odd in case.steps[-1].complaints] == ["photo_reused"]
    case = step(case, replace(act("report", "grid_officer", NOON + 2 * HOUR), photos=(same,)))
    assert [odd.reason for odd in case.steps[-1].complaints] == ["photo_reused"]
    elsewhere = {"sha256:x": Ref("case", "other")}
    foreign = replace(act("check", "verifier", NOON + 3 * HOUR), photos=(photo("x", taken=NOON + 3 * HOUR),))
    assert step(case, foreign, used=elsewhere).complaints[-1].detail == "the same photo was shown in case:other"


def test_arriving_far_from_the_case_is_flagged() -> None:
    case = step(walked("sign"), replace(act("arrive", "grid_officer", NOON + HOUR), place=east(900)))
    assert [odd.reason for odd in case.steps[-1].complaints] == ["place_far"]
    assert case.state == "on_site"


def test_a_case_without_a_place_gets_it_from_whoever_arrives() -> None:
    case = open_from_complaint(replace(COMPLAINT, place=None, district="east"), town(), NOON).case
    assert walked("arrive", replace(case, support=("street",))).place == YARD
