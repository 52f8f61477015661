"""Alarms: the list, one alarm with what it rests on, and the marks that named people set."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session, sight_of
from bihuan.app.api.alarms import (
    EventLine,
    EventList,
    Lines,
    MarkLine,
    hides,
    mark_line,
    rule_of,
    seen_event,
    sees,
    written,
)
from bihuan.app.api.change_lines import SettingChangeLine, change_line
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.gaps import DoubleShown, double_shown
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.marks import Mark, MarkKind, Marks
from bihuan.app.presence import Double, double_of
from bihuan.app.settingbook import Change, change_of
from bihuan.cases import Action, allowed
from bihuan.core import Event, Language, Ref, Verdict, from_json, text, to_json
from bihuan.register import District
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["events"], responses=PROBLEMS)  # type: ignore[arg-type]

SHOWN_BACK = timedelta(hours=48)
"""Ended alarms of this time are listed when the page does not say since when."""

ADVISED = frozenset({"double_peer", "uncontrolled_line"})
"""Rules with words of their own on what to do."""

MOST = 500
"""Lines of one answer."""

Reader = Annotated[Session, needs("event.read")]
Marker = Annotated[Session, needs("event.mark")]


class RuleLine(BaseModel):
    """The rule that found an alarm."""

    id: str
    metric: str
    grade: str
    period_minutes: float
    rise: tuple[int, int] = Field(description="n of the last m periods over the threshold")
    fall: int
    numbers: dict[str, Any] = Field(description="the rule's own numbers for this pollutant, as they stand in its data")


class VerdictLine(BaseModel):
    """A verdict that an alarm rests on."""

    id: str
    kind: str
    label: str
    value: float | None
    unit: str
    standard: str
    clause: str
    to_check: bool = Field(description="the text of law is not confirmed: print it so")
    start: datetime
    end: datetime


class EventPage(BaseModel):
    """One alarm with what it rests on."""

    event: EventLine
    method: str
    rule: RuleLine | None
    verdicts: list[VerdictLine]
    inputs: list[str]
    doubles: list[DoubleShown] = Field(description="addresses that speak under one MN")
    changes: list[SettingChangeLine] = Field(description="changes of settings and run states that it rests on")
    advice: str = Field(description="what to do first, empty where the rule has no words of its own")
    marks: list[MarkLine]
    may_mark: bool
    may_dispatch: bool


class MarkAsked(BaseModel):
    """What a named person makes of an alarm."""

    kind: Literal["confirmed", "false", "merged"]
    note: str = Field(default="", max_length=2000)
    into: str | None = Field(default=None, max_length=64, description="event that answers for a merged one")
    seen: str | None = Field(default=None, max_length=64, description="last mark the page showed; empty for none")


class Marked(BaseModel):
    """The marks of an alarm after one was set."""

    mark: MarkLine
    fresh: bool
    marks: list[MarkLine]


@router.get("/events", responses={200: {"model": EventList}})
def events(
    office: TheOffice,
    session: Reader,
    language: TheLanguage,
    state: Literal["open", "closed"] | None = None,
    kind: Literal["pattern", "limit", "silence"] | None = None,
    district: str | None = None,
    since: datetime | None = None,
) -> Response:
    """List alarms: open ones first, then the newest."""
    if since is not None and since.tzinfo is None:
        raise Refused(422, "malformed", f"since={since.isoformat()} has no time zone: write 2026-11-02T00:00:00Z")
    records, begin = office.store.records, since or office.now - SHOWN_BACK
    rows = [] if state == "closed" else records.find("event", state="open")
    rows += [] if state == "open" else records.find("event", state="closed", since=begin)
    found = [from_json(row.body, Event) for row in rows]
    found = [event for event in found if (kind is None or event.kind == kind) and sees(session, office, event.subject)]
    found = [event for event in found if not hides(session, event)]
    found.sort(key=lambda event: (not event.open, -event.period.start.timestamp(), event.id))
    lines = Lines(office, found[:MOST], language, sight_of(session))
    shown = [line for line in map(lines.line, lines.events) if not district or line.district == district]
    areas = [d for d in office.register.all(District, office.town.on) if session.person.district in ("", d.id)]
    named = [(one.id, one.name_en or one.name if language == "en" else one.name) for one in areas]
    body = EventList(as_of=office.now, events=shown, districts=named, more=len(found) > MOST)
    return Response(body.model_dump_json(), media_type="application/json")


@router.get("/event-areas", response_class=Response, responses={200: {"content": {"application/geo+json": {}}}})
def event_areas(office: TheOffice, session: Reader, language: TheLanguage) -> Response:
    """Return the outlines of the districts, to draw alarms upon."""
    features = [
        {
            "type": "Feature",
            "properties": {"id": one.id, "name": one.name_en or one.name if language == "en" else one.name},
            "geometry": {"type": "MultiPolygon", "coordinates": [[_closed(ring)] for ring in one.boundary]},
        }
        for one in office.register.all(District, office.town.on)
        if one.boundary
    ]
    body = to_json({"type": "FeatureCollection", "features": features})
    return Response(body, media_type="application/geo+json", headers={"Cache-Control": "private, max-age=300"})


def _closed(ring: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    return [*ring, ring[0]] if ring and ring[0] != ring[-1] else list(ring)


@router.get("/events/{ident}")
def event(ident: str, office: TheOffice, session: Reader, language: TheLanguage) -> EventPage:
    """Return one alarm: its sentence, rule, clauses, verdicts, inputs, case and marks."""
    found = seen_event(ident, session, office)
    records = office.store.records
    told = [
        one
        for ref in found.inputs
        if ref.kind == "presence" and (one := double_of(records, ref.id) or change_of(records, ref.id)) is not None
    ]
    return EventPage(
        event=Lines(office, [found], language, sight_of(session)).line(found),
        method=found.method,
        rule=_rule_line(found, office),
        verdicts=[_verdict_line(verdict, language) for verdict in _verdicts(found, office)],
        inputs=[str(ref) for ref in found.inputs],
        doubles=[double_shown(one) for one in told if isinstance(one, Double)],
        changes=[change_line(one, office, language) for one in told if isinstance(one, Change)],
        advice=_advice(found.rule, language),
        marks=[mark_line(mark) for mark in Marks(office.store.records).of(found.ref)],
        may_mark=session.may("event.mark"),
        may_dispatch=session.may("event.dispatch"),
    )


@router.post("/events/{ident}/marks")
def mark(ident: str, asked: MarkAsked, office: TheOffice, session: Marker, language: TheLanguage) -> Marked:
    """Confirm an alarm, call it false or merge it; the mark is final and carries the person's name."""
    found = seen_event(ident, session, office)
    into = _other(found, asked, session, office)
    with office.store.step, office.store.records.transaction():
        made, fresh = set_mark(found, asked.kind, session, office, note=asked.note, into=into, seen=asked.seen)
        if fresh and asked.kind != "confirmed":
            _settle_case(made, session, office, language)
    if fresh:
        office.live.tell("event", id=ident)
    marks = Marks(office.store.records).of(found.ref)
    return Marked(mark=mark_line(made), fresh=fresh, marks=[mark_line(one) for one in marks])


def set_mark(
    found: Event,
    kind: MarkKind,
    session: Session,
    office: Office,
    *,
    note: str = "",
    into: Ref | None = None,
    case: Ref | None = None,
    seen: str | None = None,
) -> tuple[Mark, bool]:
    """Set a mark and write it into the ledger, within the caller's transaction.

    Raises
    ------
    Refused
        409 if somebody else marked it since the page was read.
    """
    marks, person = Marks(office.store.records), session.person
    wanted = Mark(
        id="",
        event=found.ref,
        kind=kind,
        by=person.id,
        name=person.name,
        at=office.now,
        note=written(note),
        into=into,
        case=case,
    )
    before = marks.of(found.ref)
    last = before[-1] if before else None
    if seen is not None and last is not None and last.id != seen and last.by != person.id:
        raise Refused(409, "event_changed", f"{last.name} marked it {last.kind} at {last.at.isoformat()}: look again")
    made, fresh = marks.add(wanted)
    if fresh:
        office.store.ledger.add(Entry(office.now, person.id, "mark_event", str(found.ref), to_json(made)))
    return made, fresh


def _other(found: Event, asked: MarkAsked, session: Session, office: Office) -> Ref | None:
    """The event that answers for a merged one; it has to exist, be seen and be another."""
    if asked.kind != "merged":
        return None
    if not asked.into or asked.into == found.id:
        raise Refused(422, "merge_into", "a merged alarm needs into: the id of another alarm that answers for it")
    return seen_event(asked.into, session, office).ref


def _settle_case(made: Mark, session: Session, office: Office, language: Language) -> None:
    """What nobody was sent for yet need not be sent: the waiting case of a false alarm is void, of a merged one merged.

    A case that somebody already works on, or that answers for other alarms too, stays as it is.
    """
    case = office.desk.case_of(made.event)
    if case is None or case.state != "registered":
        return
    others = [ref for ref in case.sources if ref.kind == "event" and ref != made.event]
    marks = Marks(office.store.records).latest(others)
    if any(ref not in marks or marks[ref].kind not in {"false", "merged"} for ref in others):
        return
    main = office.desk.case_of(made.into) if made.into else None
    reason = made.note or text(f"alarm.mark_{made.kind}", language)
    if main is not None and main.id != case.id and not main.ended:
        fields = {"case": main.id, "reason": reason}
        office.desk.merge(case.id, Action("merge", session.actor, office.now, fields))
    elif "void" in allowed(case, session.actor, office.desk.calendar.settings):
        office.desk.act(case.id, Action("void", session.actor, office.now, {"reason": reason}))
    office.live.tell("case", id=case.id)


def _rule_line(found: Event, office: Office) -> RuleLine | None:
    rule = rule_of(found, office)
    if rule is None:
        return None
    numbers: dict[str, Any] = {}
    for name in ("thresholds", "levels", "limit", "day_limit", "silence"):
        table = rule.tables.get(name, {})
        own = table.get(found.pollutant) if name in ("thresholds", "levels") else table
        if own:
            numbers[name] = own
    minutes = rule.period.total_seconds() / 60
    return RuleLine(
        id=rule.id,
        metric=rule.metric,
        grade=rule.grade,
        period_minutes=minutes,
        rise=rule.rise,
        fall=rule.fall,
        numbers=numbers,
    )


def _advice(rule: str, language: Language) -> str:
    """What whoever is sent should do first, where the rule says so."""
    return text(f"alarm.advice_{rule}", language) if rule in ADVISED else ""


def _verdicts(found: Event, office: Office) -> list[Verdict]:
    rows = (office.store.records.get("verdict", ref.id) for ref in found.inputs if ref.kind == "verdict")
    return [from_json(row.body, Verdict) for row in rows if row]


def _verdict_line(verdict: Verdict, language: Language) -> VerdictLine:
    return VerdictLine(
        id=verdict.id,
        kind=verdict.kind,
        label=verdict.label,
        value=verdict.value,
        unit=verdict.unit,
        standard=verdict.standard,
        clause=verdict.clause,
        to_check=verdict.status not in ("confirmed", "single_source"),
        start=verdict.period.start,
        end=verdict.period.end,
    )
