"""A case as one person sees it: who may, what is theirs to do, and every part in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bihuan.app.access import Session, hide_contacts, sees_case
from bihuan.app.api.case_personal import has_personal
from bihuan.app.api.case_shapes import (
    Asked,
    BoardLine,
    CaseDetail,
    Check,
    Named,
    Need,
    Spot,
    StepOpen,
    ToldShown,
)
from bihuan.app.api.case_words import Words
from bihuan.app.api.errors import Refused
from bihuan.app.api.office import Office
from bihuan.cases import Case, Clock, Step, allowed, checklist_of_case, clocks, machine, running
from bihuan.core import Language, Place, Ref, text

BY_HAND = frozenset({"settle", "assess_effect", "read"})
"""Steps that no button offers: the loop takes them, or opening the page does."""

DESK = frozenset({"duty_officer", "duty_leader", "dispatcher"})
HANDS = frozenset({"grid_officer", "handler", "maintainer", "enterprise_manager"})
WORKING = frozenset({"dispatched", "signed", "on_site", "handling", "enforcement", "suspended"})
AHEAD = ("signed", "on_site", "concluded", "handling", "reported")
"""States for which a phone is told beforehand what comes next, so that it works without network."""


def case_for(session: Session, office: Office, ident: str) -> Case:
    """Return a case that the person may see.

    Raises
    ------
    Refused
        404 where there is none, 403 where it belongs to another area.
    """
    case = next((found for found in [office.desk.find(ident)] if found), None)
    if case is None:
        raise Refused(404, "no_case", f"case {ident!r} does not exist: look for it on the board")
    if not sees_case(session, case):
        mine = session.person.district or session.person.unit or "nothing"
        raise Refused(403, "wrong_area", f"case {ident} belongs to district {case.district}, yours is {mine}")
    return case


def is_mine(session: Session, case: Case) -> bool:
    """Say whether this person or unit has to act now."""
    person, roles = session.person, set(session.roles)
    near = not person.district or not case.district or person.district == case.district
    if case.asked and near and roles & {"duty_leader", "dispatcher"}:
        return True
    if case.state in WORKING:
        return case.officer == person.id or bool(person.unit and person.unit == case.lead and roles & HANDS)
    if case.state in {"reported", "checking"}:
        row = machine().row("check", "reported", case.kind)
        return bool(row and near and roles & set(row.roles)) and person.id not in case.handlers
    if case.state == "explaining":
        return "enterprise_manager" in roles and person.unit == case.opening.enterprise
    if case.state in {"registered", "reviewing", "concluded"}:
        return near and bool(roles & DESK)
    return case.kind == "complaint" and not case.ended and near and bool(roles & DESK)


def next_clock(case: Case, office: Office, now: datetime) -> Clock | None:
    """Return the running clock that ends first; one that stands still comes last."""
    if case.ended and case.kind != "complaint":
        return None
    going = running(case, now, office.desk.calendar)
    return min(going, key=lambda clock: (clock.paused, clock.due), default=None)


def line_of(case: Case, session: Session, office: Office, language: Language, now: datetime) -> BoardLine:
    """Return a case as one line of the board."""
    return BoardLine(**_line(case, session, Words(office, language, now), next_clock(case, office, now)))


def _line(case: Case, session: Session, words: Words, clock: Clock | None) -> dict[str, Any]:
    say = words.say
    return {
        "id": case.id,
        "title": words.office.title(case, words.language),
        "state": case.state,
        "state_words": case.state_words(words.language),
        "kind": case.kind,
        "kind_words": say(f"case.kind_{case.kind}"),
        "door": case.door,
        "matter": case.matter,
        "matter_words": say(f"matter.{case.matter}"),
        "district": case.district,
        "district_name": words.name("district", case.district),
        "lead": case.lead,
        "lead_name": words.name("unit", case.lead),
        "officer": case.officer,
        "officer_name": words.name("person", case.officer),
        "suspect_name": words.of(case.suspect) if case.suspect else "",
        "place": spot(case.place),
        "opened": case.opened,
        "since": case.since,
        "due": clock.due if clock else None,
        "due_words": say(f"case.clock_{clock.name}") if clock else "",
        "left_hours": hours(clock.left.total_seconds()) if clock else None,
        "overdue": bool(clock and clock.overdue),
        "paused": bool(clock and clock.paused),
        "level": case.level,
        "level_words": say(f"case.level_{case.level}") if case.level else "",
        "done": case.done.value if case.done else "",
        "fixed": case.fixed.value if case.fixed else "",
        "effective": case.effective.value if case.effective else "",
        "result": case.result,
        "result_words": say(f"result.{case.result}") if case.result else "",
        "rebounds": case.rebounds,
        "photos": len(case.photos),
        "mine": is_mine(session, case),
        "ended": case.ended,
        "revision": case.revision,
    }


def detail_of(case: Case, session: Session, office: Office, language: Language, now: datetime) -> CaseDetail:
    """Return a case with everything that a person needs who acts on it."""
    words = Words(office, language, now)
    opening = case.opening
    return CaseDetail(
        **_line(case, session, words, next_clock(case, office, now)),
        number=opening.number,
        content=hide_contacts(opening.content),
        has_personal=has_personal(case, office),
        door_words=words.say(f"case.door_{case.door}"),
        cell=case.cell,
        cell_name=words.name("cell", case.cell),
        routing=opening.routing,
        support=[Named(ref=f"unit:{unit}", name=words.name("unit", unit)) for unit in case.support],
        subject=Named(ref=str(opening.subject), name=words.of(opening.subject)) if opening.subject else None,
        enterprise_name=words.name("enterprise", opening.enterprise),
        ranking=words.ranking(case),
        evidence=words.evidence(case),
        steps=[words.step(case, step) for step in case.steps],
        clocks=[words.clock(clock) for clock in clocks(case, now, office.desk.calendar)],
        verdicts=words.verdicts(case),
        told=_told(case, session, words),
        photo_list=words.photos(case),
        complaints=[words.odd(odd) for odd in case.complaints],
        related=words.related(case, lambda other: sees_case(session, other)),
        asked=_asked(case, words),
        checklist=checklist_of(case.matter, language, case.kind),
        declarations=words.declarations(case),
        finding=case.finding,
        finding_words=words.say(f"law_outlet.finding_{case.finding}") if case.finding else "",
        allowed=open_steps(case, session, office, language),
        ahead={
            state: open_steps(replace(case, state=state), session, office, language)
            for state in AHEAD
            if case.state in WORKING
        },
    )


def open_steps(case: Case, session: Session, office: Office, language: Language) -> list[StepOpen]:
    """Return the steps that this person may take, each with what it needs."""
    found = []
    for kind in allowed(case, session.actor, office.desk.calendar.settings):
        row = machine().row(kind, case.state, case.kind)
        if row is None or kind in BY_HAND:
            continue
        needs = [] if kind in {"urge", "supervise", "elevate"} else [_need(name, case) for name in row.needs]
        found.append(StepOpen(kind=kind, words=text(f"step.{kind}", language), to=row.to, needs=needs))
    return found


def _need(name: str, case: Case) -> Need:
    known = {"unit?": bool(case.lead), "result?": bool(case.result)}
    names = [one for one in name.rstrip("?").split("/") if one not in {"evidence", "sources"}]
    return Need(names=names, optional=known.get(name, False))


def checklist_of(matter: str, language: Language, kind: str = "") -> list[Check]:
    """Return what to look at on site: for a matter, or for a kind of case that has a list of its own."""
    codes = checklist_of_case(kind, matter)
    return [Check(code=code, words=text(f"check.{code}", language)) for code in codes]


def _told(case: Case, session: Session, words: Words) -> list[ToldShown]:
    mine = {Ref("person", session.person.id), Ref("unit", session.person.unit or "-")}
    return [
        ToldShown(
            level=told.level,
            level_words=words.say(f"case.level_{told.level}"),
            clock_words=words.say(f"case.clock_{told.clock}") if told.clock else "",
            to_name=words.of(told.to),
            at=told.at,
            read=told.read,
            notice=told.notice if told.read is None and told.to in mine else "",
        )
        for told in case.told
    ]


def _asked(case: Case, words: Words) -> Asked | None:
    request = next((step for step in case.steps if step.id == case.asked), None) if case.asked else None
    if request is None:
        return None
    action = request.action
    name = words.name("person", action.by.person)
    return Asked(who_name=name, hours=float(action.get("hours")), reason=hide_contacts(action.get("reason")))


def changed_since(case: Case, revision: int | None) -> tuple[Step, ...]:
    """Return the steps that came after the revision a person was looking at."""
    return case.steps[revision:] if revision is not None else ()


def spot(place: Place | None) -> Spot | None:
    """Return a place as the interface says it."""
    return Spot(lon=place.lon, lat=place.lat) if place else None


def hours(seconds: float) -> float:
    """Return seconds as hours, to a hundredth."""
    return round(seconds / 3600, 2)
