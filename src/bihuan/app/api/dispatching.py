"""Sending somebody because of an alarm: to a suspected source, or on patrol when none of the listed is believed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.alarms import (
    AlarmCase,
    MarkLine,
    case_line,
    district_name,
    mark_line,
    person_name,
    seen_event,
    subject_name,
    unit_name,
    units,
    written,
)
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.events import set_mark
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.desk import Sent
from bihuan.cases import PATROL, Action, Case, Choice, choose_for, matter_of
from bihuan.core import CaseChanged, Event, Language, Place, Ref, Suspects, text, to_json
from bihuan.register import Unit
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["events"], responses=PROBLEMS)  # type: ignore[arg-type]

Sender = Annotated[Session, needs("event.dispatch")]


class Preview(BaseModel):
    """Who would get it, and by when."""

    suspect: str | None = Field(description="null for a patrol around the station")
    suspect_name: str
    matter: str
    matter_name: str
    unit: str
    unit_name: str
    officer: str
    officer_name: str
    support: list[str]
    district: str
    district_name: str
    basis: str
    sign_by: datetime
    arrive_by: datetime
    done_by: datetime
    case: AlarmCase | None
    units: list[tuple[str, str]]


class DispatchAsked(BaseModel):
    """The decision of the desk."""

    suspect: str | None = Field(default=None, max_length=160, description="reference of a suspect; null sends a patrol")
    unit: str = Field(default="", max_length=64, description="another unit than the duty table names")
    note: str = Field(default="", max_length=2000)
    revision: int = Field(default=0, ge=0, description="revision of the case that the page showed; 0 for none")


class Dispatched(BaseModel):
    """What came of it."""

    outcome: str = Field(description="dispatched, reassigned, redirected, reopened or unchanged")
    case: AlarmCase
    mark: MarkLine


@router.get("/events/{ident}/dispatch")
def preview(
    ident: str, office: TheOffice, session: Sender, language: TheLanguage, suspect: str | None = None
) -> Preview:
    """Tell who would get the case of an alarm for a suspect, or for a patrol, and by when."""
    event = seen_event(ident, session, office)
    choice = _choice(event, suspect, office)
    calendar, now = office.desk.calendar, office.now
    group = matter_of(choice.matter).limit_class
    case, way = office.desk.case_of(event.ref), choice.way
    began = case.opened if case and not case.ended else now
    return Preview(
        suspect=str(choice.suspect) if choice.suspect else None,
        suspect_name=office.name(choice.suspect, language)
        if choice.suspect
        else _target(event, choice, office, language),
        matter=choice.matter,
        matter_name=text(f"matter.{choice.matter}", language),
        unit=way.lead,
        unit_name=unit_name(way.lead, office),
        officer=way.officer,
        officer_name=person_name(way.officer, office),
        support=[unit_name(unit, office) for unit in way.support],
        district=way.district,
        district_name=district_name(way.district, office, language),
        basis=way.basis,
        sign_by=calendar.due(now, calendar.settings.limit(group, "sign")),
        arrive_by=calendar.due(now, calendar.settings.limit(group, "arrive")),
        done_by=calendar.due(began, calendar.settings.limit(group, "done")),
        case=case_line(case, office, language) if case else None,
        units=units(office, way.district),
    )


@router.post("/events/{ident}/dispatch")
def dispatch(ident: str, asked: DispatchAsked, office: TheOffice, session: Sender, language: TheLanguage) -> Dispatched:
    """Send the case of an alarm to a suspect or on patrol; the same form sent twice does nothing twice."""
    event = seen_event(ident, session, office)
    choice = _choice(event, asked.suspect, office)
    if asked.unit and office.register.get(Unit, asked.unit, office.today) is None:
        raise Refused(422, "no_unit", f"unit {asked.unit!r} is not in the register today: choose one of the list")
    fields = {"unit": asked.unit, "note": written(asked.note)}
    with office.store.step:
        action = Action("dispatch", session.actor, office.now, fields, revision=asked.revision)
        try:
            sent, mark = _send(event, office.loop.ranking(event.id), choice, action, session, office)
        except CaseChanged as problem:
            case = office.desk.case_of(event.ref)
            detail = _changes(case, asked.revision, office, language) if case else str(problem)
            raise Refused(409, "case_changed", detail) from None
    if sent.outcome != "unchanged":
        office.live.tell("case", id=sent.case.id)
        office.live.tell("event", id=ident)
    return Dispatched(outcome=sent.outcome, case=case_line(sent.case, office, language), mark=mark)


def _send(
    event: Event, found: Suspects | None, choice: Choice, action: Action, session: Session, office: Office
) -> tuple[Sent, MarkLine]:
    """Case, mark and ledger in one transaction."""
    with office.store.records.transaction():
        sent = office.desk.send_to(event, found, choice, action)
        mark, _ = set_mark(event, "dispatched", session, office, note=action.get("note"), case=sent.case.ref)
        if sent.outcome != "unchanged":
            body = {"event": event.id, "outcome": sent.outcome, **choice.fields(action.get("unit"), action.get("note"))}
            entry = Entry(office.now, session.person.id, "dispatch_case", str(sent.case.ref), to_json(body))
            office.store.ledger.add(entry)
    return sent, mark_line(mark)


def _choice(event: Event, suspect: str | None, office: Office) -> Choice:
    """The source that was named and who answers for it.

    Raises
    ------
    Refused
        422 when it is not a suspect of the last ranking.
    """
    if not suspect:
        return choose_for(event, None, _place(event, office), office.register, office.today)
    found = office.loop.ranking(event.id)
    named = next((one for one in found.ranked if str(one.source) == suspect), None) if found else None
    if named is None:
        raise Refused(422, "no_suspect", f"{suspect!r} is no suspect of event {event.id}: choose one of its ranking")
    place = named.place or office.register.place_of(named.source, office.today) or _place(event, office)
    return choose_for(event, named.source, place, office.register, office.today)


def _target(event: Event, choice: Choice, office: Office, language: Language) -> str:
    """What a dispatch without a suspect is about: a patrol, or the subject of the alarm itself."""
    patrol = choice.matter == PATROL
    return text("alarm.patrol", language) if patrol else subject_name(event.subject, office, language)


def _place(event: Event, office: Office) -> Place | None:
    return event.place or office.register.place_of(event.subject, office.today)


def _changes(case: Case, revision: int, office: Office, language: Language) -> str:
    """What others did since the page was read, in words."""
    lines = []
    for past in case.steps[max(revision, 1) :]:
        who = person_name(past.action.by.person, office) or text("role.system", language)
        at = past.at.astimezone(office.zone)
        sent = unit_name(past.action.get("unit"), office)
        named = past.action.get("suspect")
        where = office.name(Ref.parse(named), language) if ":" in named else ""
        what = " ".join(filter(None, (text(f"step.{past.action.kind}", language), sent, where)))
        lines.append(text("alarm.change", language, at=f"{at:%H:%M}", name=who, what=what))
    state = text("alarm.change_state", language, state=case.state_words(language))
    return text("alarm.change_join", language).join([*lines, state])
