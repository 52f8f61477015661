"""From proposal to signature to lift, and what leaves the house."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as Xml

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.alerts import (
    CapArea,
    CapSender,
    LadderState,
    Order,
    Proposal,
    Warning,
    basis,
    cap,
    draft,
    headline,
    in_force,
    ladder_step,
    scheme_named,
    sign,
)
from bihuan.core import InputError, Period, Ref, WarningRefused, from_json, to_json
from bihuan.register import Person

MIDNIGHT = datetime(2024, 1, 9, 16, tzinfo=UTC)  # 10 January in Shanghai
HOUR = timedelta(hours=1)
CITY = Ref("city", "410100")
SCHEME = scheme_named("zhengzhou-2023")
SIGNER = Person(id="p1", name="值班负责人", roles=("signatory",))
AREA = CapArea(("合成市", "Synthetic City"), [[(113.0, 34.0), (114.0, 34.0), (114.0, 35.0)]], [("GB/T 2260", "410100")])
SENDER = CapSender("bihuan@example.invalid", ("市攻坚办", "City office"), contact="0371-12345")


def outlook(daily: Sequence[float]) -> pl.DataFrame:
    values = [v for v in daily for _ in range(24)]
    table = pl.DataFrame({"start": [MIDNIGHT + k * HOUR for k in range(len(values))], "aqi": values})
    return table.with_columns(pl.col("start").cast(pl.Datetime("us", "UTC")), pl.col("aqi").cast(pl.Float64))


def at(day: float) -> datetime:
    return MIDNIGHT + day * 24 * HOUR


def signed(proposal: Proposal, before: Warning | None = None, when: datetime | None = None) -> Warning:
    return sign(draft(proposal, CITY, before), SIGNER, when or proposal.made + HOUR)


def test_a_proposal_names_the_hours_that_speak_for_it_and_comes_once() -> None:
    air = outlook([60, 60, 210, 210, 60, 60, 60])
    state, (proposal,) = ladder_step(LadderState(), SCHEME, air, at(1))
    assert (proposal.action, proposal.grade, proposal.response, proposal.before) == ("issue", "orange", "II", "")
    assert proposal.period is not None
    assert at(2) in proposal.period
    assert {one.above for one in proposal.speaks} == {150, 200}
    assert max(one.highest for one in proposal.speaks) == 210
    again, nothing = ladder_step(state, SCHEME, air, at(1) + HOUR)
    assert (again, nothing) == (state, ())


def test_clean_air_proposes_nothing() -> None:
    assert ladder_step(LadderState(), SCHEME, outlook([90] * 7), at(3)) == (LadderState(), ())


def test_the_whole_way_issue_upgrade_downgrade_lift() -> None:
    said: list[tuple[str, str]] = []
    state, last = LadderState(), None
    forecast = {0: [60, 60, 210, 60, 60, 60, 60, 60, 60, 60], 1: [60, 60, 210, 320, 210, 160, 160, 60, 60, 60]}
    for hour in range(24, 24 * 9, 6):
        air = outlook(forecast[0] if hour < 30 else forecast[1])
        state, proposals = ladder_step(state, SCHEME, air, MIDNIGHT + hour * HOUR)
        for proposal in proposals:
            last = signed(proposal, last)
            state = in_force(state, last)
            said.append((proposal.action, proposal.grade))
    assert said == [("issue", "yellow"), ("upgrade", "red"), ("downgrade", "orange"), ("lift", "orange")]
    assert last is not None
    assert (last.state, last.sequence, len(last.earlier)) == ("lifted", 3, 3)
    assert state == LadderState()


def test_a_lower_forecast_has_to_last_before_it_counts() -> None:
    state = LadderState(in_force="orange", warning="w")
    low = outlook([60, 60, 210, 60, 60, 60, 60])
    state, first = ladder_step(state, SCHEME, low, at(2))
    state, second = ladder_step(state, SCHEME, low, at(2) + 11 * HOUR)
    swung, _ = ladder_step(state, SCHEME, outlook([60, 60, 210, 210, 60, 60, 60]), at(2) + 11.5 * HOUR)
    _, third = ladder_step(state, SCHEME, low, at(2) + 12 * HOUR)
    assert (first, second, swung.lower_since) == ((), (), None)
    assert [proposal.action for proposal in third] == ["downgrade"]


def test_nothing_is_lifted_on_a_forecast_that_does_not_reach_far_enough() -> None:
    state = LadderState(in_force="yellow", warning="w")
    assert ladder_step(state, SCHEME, outlook([210, 60, 60]), at(2))[1] == ()
    assert [p.action for p in ladder_step(state, SCHEME, outlook([210, 60, 60, 60, 60]), at(2))[1]] == ["lift"]


def test_a_superiors_order_holds_even_in_moderate_air_and_until_it_ends() -> None:
    order = Order("豫-7", "orange", "province", Period(at(1), at(3)))
    air = outlook([120] * 9)
    state, (proposal,) = ladder_step(LadderState(), SCHEME, air, at(1), [order])
    assert (proposal.action, proposal.grade, proposal.ordered, proposal.speaks) == ("issue", "orange", ("豫-7",), ())
    warning = signed(proposal)
    assert "豫-7" in basis(warning)
    state = in_force(state, warning)
    assert ladder_step(state, SCHEME, air, at(2), [order])[1] == ()
    assert [p.action for p in ladder_step(state, SCHEME, air, at(3), [order])[1]] == ["lift"]


def test_an_order_never_lowers_what_the_ladder_says() -> None:
    order = Order("x", "yellow", "province", Period(at(0), at(9)))
    _, (proposal,) = ladder_step(LadderState(), SCHEME, outlook([60, 210, 310, 210, 60, 60, 60]), at(1), [order])
    assert proposal.grade == "red"


def test_dust_is_outside_the_plan_when_a_person_says_so() -> None:
    air = outlook([60, 60, 450, 60, 60, 60])
    assert ladder_step(LadderState(), SCHEME, air, at(1))[1][0].grade == "yellow"
    assert ladder_step(LadderState(), SCHEME, air, at(1), dust_days={date(2024, 1, 12)})[1] == ()


def test_only_somebody_with_the_role_may_sign_and_only_once() -> None:
    _, (proposal,) = ladder_step(LadderState(), SCHEME, outlook([60, 210, 60, 60, 60]), at(0.5))
    paper = draft(proposal, CITY)
    assert not paper.signed
    assert headline(paper, "合成市").startswith("【拟发布建议,未签发】")
    with pytest.raises(WarningRefused, match="signatory"):
        sign(paper, Person(id="p2", name="网格员", roles=("grid_officer",)), at(1))
    with pytest.raises(WarningRefused, match="not signed"):
        in_force(LadderState(), paper)
    warning = sign(paper, SIGNER, at(1))
    assert (warning.state, warning.signed_name) == ("issued", SIGNER.name)
    with pytest.raises(WarningRefused, match="already"):
        sign(warning, SIGNER, at(1))


def test_messages_follow_in_order() -> None:
    _, (issue,) = ladder_step(LadderState(), SCHEME, outlook([60, 210, 60, 60, 60]), at(0.5))
    warning = signed(issue)
    with pytest.raises(WarningRefused, match="issue"):
        draft(issue, CITY, warning)
    with pytest.raises(WarningRefused, match="none is in force"):
        draft(replace(issue, action="lift"), CITY)
    with pytest.raises(WarningRefused, match="proposed"):
        draft(replace(issue, action="upgrade"), CITY, draft(issue, CITY))


def test_an_unconfirmed_plan_says_so_in_its_basis() -> None:
    scheme = scheme_named("national-2018", allow_unconfirmed=True)
    _, (proposal,) = ladder_step(LadderState(), scheme, outlook([60, 210, 210, 60, 60, 60]), at(0.5))
    assert "待核" in basis(draft(proposal, CITY))


# CAP 1.2, section 3.2: every element in its order, with the fewest and most times it may stand.
ALERT = "identifier sender sent status msgType source scope restriction addresses code note references incidents info"
INFO = (
    "language category event responseType urgency severity certainty audience eventCode effective onset expires "
    "senderName headline description instruction web contact parameter resource area"
)
PLACE = "areaDesc polygon circle geocode altitude ceiling"
REQUIRED = {
    "alert": {"identifier", "sender", "sent", "status", "msgType", "scope"},
    "info": {"category", "event", "urgency", "severity", "certainty"},
    "area": {"areaDesc"},
}
MANY = {"code", "info", "category", "responseType", "eventCode", "parameter", "resource", "area", "polygon", "circle"}
MANY |= {"geocode"}
WORDS = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
    "responseType": {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"},
}
SPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"


def conforms(element: Xml.Element) -> None:
    name = element.tag.removeprefix(SPACE)
    order = {"alert": ALERT, "info": INFO, "area": PLACE}.get(name)
    assert element.tag.startswith(SPACE)
    if name in WORDS:
        assert element.text in WORDS[name]
    if order is None:
        return
    names = [child.tag.removeprefix(SPACE) for child in element]
    places = [order.split().index(child) for child in names]
    assert places == sorted(places), f"{name}: {names}"
    assert set(names) >= REQUIRED[name]
    assert all(names.count(child) == 1 for child in set(names) - MANY)
    for child in element:
        conforms(child)


def find(root: Xml.Element, path: str) -> list[str]:
    return [found.text or "" for found in root.findall("/".join(SPACE + part for part in path.split("/")))]


def test_cap_of_every_message_follows_the_schema_and_refers_to_the_earlier_ones() -> None:
    _, (proposal,) = ladder_step(LadderState(), SCHEME, outlook([60, 210, 60, 60, 60]), at(0.5))
    first = signed(proposal)
    second = signed(replace(proposal, action="upgrade", grade="red", response="I", before="yellow"), first, at(1))
    third = signed(replace(proposal, action="lift", period=None), second, at(2))
    roots = [Xml.fromstring(cap(warning, AREA, SENDER)) for warning in (first, second, third)]
    for root in roots:
        conforms(root)
    assert [find(root, "msgType")[0] for root in roots] == ["Alert", "Update", "Cancel"]
    assert find(roots[0], "references") == []
    sent = [f"{SENDER.address},{find(root, 'identifier')[0]},{find(root, 'sent')[0]}" for root in roots]
    assert find(roots[1], "references") == [sent[0]]
    assert find(roots[2], "references") == [" ".join(sent[:2])]
    assert find(roots[0], "info/language") == ["zh-CN", "en-US"]
    assert find(roots[1], "info/severity") == ["Extreme"] * 2
    assert find(roots[2], "info/responseType") == ["AllClear"] * 2
    assert len({find(root, "identifier")[0] for root in roots}) == 3


def test_cap_writes_local_time_with_its_offset_and_a_closed_ring_as_lat_lon() -> None:
    _, (proposal,) = ladder_step(LadderState(), SCHEME, outlook([60, 210, 60, 60, 60]), at(0.5))
    root = Xml.fromstring(cap(signed(proposal, when=at(0.75)), AREA, SENDER, status="Exercise"))
    assert find(root, "sent") == ["2024-01-10T18:00:00+08:00"]
    ring = find(root, "info/area/polygon")[0].split()
    assert ring[0] == ring[-1] == "34.000000,113.000000"
    assert len(ring) == 4
    assert find(root, "info/area/geocode/value") == ["410100"] * 2
    assert SIGNER.name in find(root, "info/description")[0]


def test_cap_of_a_draft_is_refused() -> None:
    _, (proposal,) = ladder_step(LadderState(), SCHEME, outlook([60, 210, 60, 60, 60]), at(0.5))
    paper = draft(proposal, CITY)
    with pytest.raises(WarningRefused, match="not signed"):
        cap(paper, AREA, SENDER)
    with pytest.raises(WarningRefused, match="not signed"):
        cap(replace(paper, state="issued"), AREA, SENDER)
    with pytest.raises(InputError, match="sender"):
        cap(signed(proposal), AREA, CapSender("a b", ("x", "y")))


def test_a_warning_survives_json() -> None:
    state, (proposal,) = ladder_step(LadderState(), SCHEME, outlook([60, 210, 60, 60, 60]), at(0.5))
    warning = signed(proposal)
    assert from_json(to_json(warning), Warning) == warning
    assert from_json(to_json(proposal), Proposal) == proposal
    assert from_json(to_json(state), LadderState) == state


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(30, 420), min_size=6, max_size=9))
def test_whatever_the_air_the_messages_form_one_orderly_story(daily: list[int]) -> None:
    """With every proposal signed at once: each change follows what is in force, and nothing is said twice."""
    air = outlook([float(v) for v in (60, 60, *daily, 60, 60, 60, 60)])
    state, last, grade = LadderState(), None, ""
    for hour in range(24, 24 * (len(daily) + 4), 6):
        state, proposals = ladder_step(state, SCHEME, air, MIDNIGHT + hour * HOUR)
        assert len(proposals) <= 1
        for proposal in proposals:
            assert proposal.before == grade
            change = SCHEME.order(proposal.grade) - SCHEME.order(grade)
            assert {"issue": change > 0 and not grade, "upgrade": change > 0, "downgrade": change < 0, "lift": True}[
                proposal.action
            ]
            last = signed(proposal, last if last and last.state != "lifted" else None)
            state = in_force(state, last)
            grade = state.in_force
    assert grade == ""
