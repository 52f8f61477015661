"""The people of the city: they take their time, follow the ranking, and only what they visit can stop."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from bihuan.app.city import City
from bihuan.app.city.officers import Officers
from bihuan.app.city.truth import Incident
from bihuan.cases import SYSTEM, Action, Case, Opening, allowed, open_case, route, step
from bihuan.core import Message, Period, Place, Ref, Suspect, Suspects, local_date
from bihuan.register import sources


class Town:
    """A city whose one incident and cases are made by the test."""

    def __init__(self, city: City, incident: Incident | None) -> None:
        self.plan, self.stopped = city.plan, {}
        incidents = () if incident is None else (incident,)
        self.officers = Officers(city.plan, incidents, self.active, lambda i, at: self.stopped.setdefault(i.id, at))

    def active(self, incident: Incident, at: datetime) -> bool:
        end = min(self.stopped.get(incident.id, incident.period.end), incident.period.end)
        return incident.period.start <= at < end

    def case(self, suspect: Ref | None, place: Place, ident: str = "case-1", **more: object) -> Case:
        opened = self.plan.start + timedelta(hours=10)
        matter = str(more.pop("matter", "industry"))
        way = route(matter, place, self.plan.register, local_date(opened), subject=more.get("subject"))
        opening = Opening(
            id=ident,
            kind="maintenance" if matter == "device_fault" else "issue",
            door="alarm",
            matter=matter,
            title=Message("case.title_limit", {}, {}),
            opened=opened,
            created=opened,
            by=SYSTEM,
            place=place,
            suspect=suspect,
            cell=way.cell,
            district=way.district,
            lead=way.lead,
            support=way.support,
            officer=way.officer,
            **more,
        )
        return step(open_case(opening), Action("dispatch", SYSTEM, opened + timedelta(minutes=1)))

    def live(self, case: Case, hours: float = 24, attached: dict[Ref, Suspects] | None = None) -> Case:
        now = case.since
        for _ in range(int(hours * 12)):
            now += timedelta(minutes=5)
            for ident, action in self.officers.act([case], now, attached):
                assert ident == case.id
                assert action.at <= now
                case = step(case, action)
        return case


def night(city: City, source: Ref) -> Incident:
    start = city.start
    place = city.plan.register.place_of(source, local_date(start)) or city.plan.centre
    whole = Period(start, start + timedelta(hours=48))
    return Incident("x-1", "night_stack", whole, place, source=source, amounts={"so2": 5.0})


@pytest.fixture
def guilty(easy: City) -> Ref:
    return sources(easy.plan.register, local_date(easy.start))[0].ref


def honest(town: Town, ref: Ref, place: Place, **more: object) -> Case:
    """A case whose officer does not cheat in the first round."""
    cases = (town.case(ref, place, f"case-{n}", **more) for n in range(50))
    return next(case for case in cases if not town.officers._cheats(case))


def test_the_visited_guilty_source_stops_and_the_case_is_closed_by_another_person(easy: City, guilty: Ref) -> None:
    incident = night(easy, guilty)
    town = Town(easy, incident)
    case = town.live(honest(town, guilty, incident.place))
    assert case.state == "closed"
    assert case.result == "fixed_on_site"
    visit = next(s for s in case.steps if s.action.kind == "handle")
    assert town.stopped[incident.id] == visit.at
    assert case.steps[-1].action.by.person not in case.handlers
    assert case.done is not None
    assert case.fixed is not None
    assert case.fixed.value == "fixed"


def test_delays_are_those_of_the_table(easy: City, guilty: Ref) -> None:
    incident = night(easy, guilty)
    town = Town(easy, incident)
    case = town.live(honest(town, guilty, incident.place))
    at = {s.action.kind: s.at for s in case.steps}
    assert timedelta(minutes=8) <= at["sign"] - at["dispatch"] <= timedelta(minutes=45)
    assert timedelta(minutes=20) <= at["arrive"] - at["sign"] <= timedelta(minutes=60)
    assert timedelta(minutes=15) <= at["handle"] - at["arrive"] <= timedelta(minutes=35)
    assert timedelta(hours=1) <= at["check"] - at["report"] <= timedelta(hours=4.5)


def test_behind_a_gate_every_stack_of_the_enterprise_is_seen(easy: City) -> None:
    listed = [source.ref for source in sources(easy.plan.register, local_date(easy.start))]
    one, other = next(
        (a, b) for a, b in pairwise(listed) if easy.plan.gate_of(a) == easy.plan.gate_of(b) and a.kind == "outlet"
    )
    incident = night(easy, one)
    town = Town(easy, incident)
    case = town.live(honest(town, other, incident.place))
    assert case.result == "fixed_on_site"
    assert incident.id in town.stopped


def test_a_wrong_visit_finds_nothing_and_stops_nothing(easy: City, guilty: Ref) -> None:
    other = sources(easy.plan.register, local_date(easy.start))[-1].ref
    incident = night(easy, guilty)
    town = Town(easy, incident)
    case = town.live(honest(town, other, incident.place))
    assert case.result == "not_found"
    assert not town.stopped


def ranking(case: Case, *rows: tuple[Ref, float], none: float = 0.0, regional: float = 0.0) -> Suspects:
    ranked = tuple(Suspect(ref, str(ref), None, p) for ref, p in rows)
    period = Period(case.opened, case.opened + timedelta(hours=1))
    return Suspects("s-1", Ref("event", "e-1"), "so2", period, ranked, none, regional)


def test_places_are_visited_in_the_order_of_the_ranking(easy: City) -> None:
    listed = [source.ref for source in sources(easy.plan.register, local_date(easy.start), "road", "construction")]
    incident = night(easy, listed[2])
    town = Town(easy, incident)
    case = honest(town, listed[0], incident.place, sources=(Ref("suspects", "s-1"),))
    paper = ranking(case, (listed[0], 0.5), (listed[1], 0.3), (listed[2], 0.15), none=0.05)
    case = town.live(case, attached={paper.ref: paper})
    assert case.result == "fixed_on_site"
    at = {s.action.kind: s.at for s in case.steps}
    assert at["handle"] - at["arrive"] > timedelta(minutes=90)
    far = ranking(case, *((ref, 0.2 - 0.01 * k) for k, ref in enumerate([*listed[3:7], listed[2]])))
    other = Town(easy, incident)
    case = other.live(honest(other, listed[3], incident.place, sources=(far.ref,)), attached={far.ref: far})
    assert case.result == "not_found"


def test_a_patrol_may_meet_an_unlisted_source_near_the_place_of_the_case_only(easy: City, guilty: Ref) -> None:
    incident = replace(night(easy, guilty), kind="hidden_source", source=None, hidden=True)
    far = easy.plan.plane.place(9000.0, 9000.0)
    assert far.distance(incident.place) > 1600
    found = missed = 0
    for number in range(24):
        town = Town(easy, incident)
        town.live(town.case(None, incident.place, f"near-{number}", matter="unknown_source"), hours=6)
        found += bool(town.stopped)
        town = Town(easy, incident)
        town.live(town.case(None, far, f"far-{number}", matter="unknown_source"), hours=6)
        missed += bool(town.stopped)
    assert 4 <= found <= 18
    assert missed == 0


def test_some_say_done_without_having_done_and_a_check_sends_them_back(easy: City, guilty: Ref) -> None:
    incident = night(easy, guilty)
    cheats = reworked = 0
    for number in range(60):
        town = Town(easy, incident)
        case = town.case(guilty, incident.place, f"many-{number}")
        if not town.officers._cheats(case):
            continue
        cheats += 1
        case = town.live(case)
        assert case.state == "closed"
        reworked += case.reworks
        assert bool(town.stopped) == bool(case.reworks)
    assert 1 <= cheats <= 16
    assert reworked >= 1


def test_a_maintainer_mends_a_silent_logger(easy: City) -> None:
    site = Ref("station", "WZ01")
    incident = replace(night(easy, site), kind="silent", source=None, subject=site, amounts=None)
    town = Town(easy, incident)
    case = town.live(town.case(None, incident.place, matter="device_fault", subject=site))
    assert case.state == "closed"
    assert "maintainer" in case.steps[2].action.by.roles
    assert incident.id in town.stopped


def test_asked_twice_they_answer_the_same_and_they_never_act_before_their_time(easy: City, guilty: Ref) -> None:
    town = Town(easy, night(easy, guilty))
    case = town.case(guilty, town.plan.centre)
    soon = case.since + timedelta(minutes=5)
    assert town.officers.act([case], soon) == []
    later = case.since + timedelta(hours=2)
    one, two = (town.officers.act([case], later) for _ in range(2))
    assert one == two
    assert one[0][1].kind == "sign"
    assert "sign" in allowed(case)


def test_they_leave_alone_what_nobody_dispatched_or_what_is_over(easy: City, guilty: Ref) -> None:
    town = Town(easy, None)
    case = town.case(guilty, town.plan.centre)
    idle = [replace(case, state=state) for state in ("registered", "closed", "archived", "suspended", "merged")]
    assert town.officers.act(idle, case.since + timedelta(days=2)) == []


def test_their_hours_are_counted(easy: City, guilty: Ref) -> None:
    incident = night(easy, guilty)
    town = Town(easy, incident)
    case = town.live(honest(town, guilty, incident.place))
    at = {s.action.kind: s.at for s in case.steps}
    spent = (at["handle"] - at["sign"]).total_seconds() / 3600
    assert sum(town.officers.hours.values()) == pytest.approx(spent)
