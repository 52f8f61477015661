"""What the pages of alarms share: the lines of events, who may see which, and words in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import BaseModel, Field

from bihuan.alerts import RuleRow, describe, kind_words
from bihuan.app.access import Session, Sight, area_of
from bihuan.app.api.errors import Refused
from bihuan.app.api.office import Office
from bihuan.app.marks import Mark, Marks
from bihuan.app.signing import RULE as SIGN_RULE
from bihuan.cases import Case
from bihuan.core import Event, Language, NotCovered, Place, Ref, Suspects, from_json, pollutant, text
from bihuan.register import District, Unit
from bihuan.tracing import odds


class Point(BaseModel):
    """A place on the map."""

    lon: float
    lat: float


class MarkLine(BaseModel):
    """A mark as people read it."""

    id: str
    kind: str
    note: str
    by: str
    name: str
    at: datetime
    into: str | None = None
    case: str | None = None


class AlarmCase(BaseModel):
    """The case that answers for an event, as it stands."""

    id: str
    state: str
    state_words: str
    revision: int
    lead: str
    lead_name: str
    officer: str
    officer_name: str
    suspect: str | None
    suspect_name: str
    ended: bool
    dispatched: datetime | None


class FirstLine(BaseModel):
    """The likeliest answer of the last ranking."""

    kind: str = Field(description="suspect, none, regional or cannot_tell")
    name: str
    odds: str = Field(description="per cent in words: 62, <1, >99; empty where it is no estimate")


class EventLine(BaseModel):
    """One alarm."""

    id: str
    rule: str
    kind: str
    kind_words: str
    grade: str
    open: bool
    start: datetime
    end: datetime
    pollutant: str
    pollutant_name: str
    unit: str
    value: float | None
    threshold: float | None
    subject: str
    subject_name: str
    district: str
    district_name: str
    place: Point | None
    words: str
    mark: MarkLine | None
    case: AlarmCase | None
    first: FirstLine | None


class EventList(BaseModel):
    """Alarms, open ones first, then the newest."""

    as_of: datetime
    events: list[EventLine]
    districts: list[tuple[str, str]]
    more: bool


def sees(session: Session, office: Office, subject: Ref) -> bool:
    """Say whether a person may see what concerns a subject: own district, own outlets, own devices."""
    return area_of(session).sees(subject, office.town)


def hides(session: Session, event: Event) -> bool:
    """Say whether an alarm is kept from a person: one made of a sign of falsification, from whoever it may be about."""
    return event.rule == SIGN_RULE and not session.may("sign.read")


def seen_event(ident: str, session: Session, office: Office) -> Event:
    """Return an event that the person may see.

    Raises
    ------
    Refused
        404 when there is none, 403 outside the person's area.
    """
    row = office.store.records.get("event", ident)
    if row is None:
        raise Refused(404, "no_event", f"event {ident!r} does not exist: list them at /api/events")
    event = from_json(row.body, Event)
    if hides(session, event):
        raise Refused(404, "no_event", f"event {ident!r} does not exist: list them at /api/events")
    if not sees(session, office, event.subject):
        raise Refused(403, "event_area", f"event {ident} concerns {event.subject}, outside the area of {session.login}")
    return event


def rule_of(event: Event, office: Office) -> RuleRow | None:
    """Return the rule that found an event, as it stands today."""
    return next((rule for rule in office.loop.rules.rules if rule.id == event.rule), None)


def subject_name(ref: Ref, office: Office, language: Language = "zh") -> str:
    """Return what the subject of an event is called; the city itself by its own name."""
    if ref == office.town.ref:
        cell = office.town.cell
        return office.settings.text("city_name") or (cell.name if cell else ref.id)
    return office.name(ref, language)


def words_of(event: Event, office: Office, language: Language) -> str:
    """Return one sentence about an event; of a rule that is no longer in force, its kind and subject."""
    rule, name = rule_of(event, office), subject_name(event.subject, office, language)
    try:
        return describe(event, rule, name, language) if rule else f"{name} {kind_words(event, language)}"
    except NotCovered:
        return f"{name} {kind_words(event, language)}"


def mark_line(mark: Mark) -> MarkLine:
    """Return a mark as people read it."""
    return MarkLine(
        id=mark.id,
        kind=mark.kind,
        note=mark.note,
        by=mark.by,
        name=mark.name,
        at=mark.at,
        into=mark.into.id if mark.into else None,
        case=mark.case.id if mark.case else None,
    )


def case_line(case: Case, office: Office, language: Language) -> AlarmCase:
    """Return a case as the page of an alarm shows it."""
    sent = next((step.at for step in reversed(case.steps) if step.after == "dispatched" != step.before), None)
    return AlarmCase(
        id=case.id,
        state=case.state,
        state_words=case.state_words(language),
        revision=case.revision,
        lead=case.lead,
        lead_name=unit_name(case.lead, office),
        officer=case.officer,
        officer_name=person_name(case.officer, office),
        suspect=str(case.suspect) if case.suspect else None,
        suspect_name=office.name(case.suspect, language) if case.suspect else "",
        ended=case.ended,
        dispatched=sent,
    )


def unit_name(unit: str, office: Office) -> str:
    """Return what a unit is called."""
    return office.name(Ref("unit", unit)) if unit else ""


def person_name(person: str, office: Office) -> str:
    """Return what a person is called; of the system itself, nothing."""
    return office.name(Ref("person", person)) if person and person != "system" else ""


def first_line(found: Suspects | None, language: Language) -> FirstLine | None:
    """Return the likeliest answer of a ranking."""
    if found is None:
        return None
    if found.cannot_tell:
        return FirstLine(kind="cannot_tell", name=text(f"tracing.{found.cannot_tell}", language), odds="")
    first = found.ranked[0] if found.ranked else None
    rows = [("none", text("tracing.none_name", language), found.none_of_listed)]
    rows.append(("regional", text("tracing.regional_name", language), found.regional))
    if first is not None:
        rows.insert(0, ("suspect", first.name, first.probability))
    kind, name, probability = max(rows, key=lambda row: row[2])
    estimated = found.method.startswith("plume-tracer/")
    return FirstLine(kind=kind, name=name, odds=odds(probability) if estimated else "")


class Lines:
    """Makes the lines of many events with few questions to the records.

    Parameters
    ----------
    office : Office
    events : iterable of Event
    language : Language
    sight : Sight
        Cases that are named.
    """

    def __init__(self, office: Office, events: Iterable[Event], language: Language, sight: Sight) -> None:
        self.events = list(events)
        self._office, self._language = office, language
        self._marks = Marks(office.store.records).latest(event.ref for event in self.events)
        answering = _by_event(office.desk.cases)
        self._cases = {ref: case for ref, case in answering.items() if sight.sees(case)}
        self._ranked = _last_rankings(office, self.events)

    def line(self, event: Event) -> EventLine:
        """Return one line."""
        office, language = self._office, self._language
        fact = office.register.resolve(event.subject, office.town.on)
        district = getattr(fact, "district", "")
        mark, case = self._marks.get(event.ref), self._cases.get(event.ref)
        return EventLine(
            id=event.id,
            rule=event.rule,
            kind=event.kind,
            kind_words=kind_words(event, language),
            grade=event.grade,
            open=event.open,
            start=event.period.start,
            end=event.period.end,
            pollutant=event.pollutant,
            pollutant_name=pollutant_name(event.pollutant, language),
            unit=unit_of(event),
            value=event.value,
            threshold=event.threshold,
            subject=str(event.subject),
            subject_name=subject_name(event.subject, office, language),
            district=district,
            district_name=district_name(district, office, language),
            place=point(event.place),
            words=words_of(event, office, language),
            mark=mark_line(mark) if mark else None,
            case=case_line(case, office, language) if case else None,
            first=first_line(self._ranked.get(event.id), language),
        )


def _by_event(cases: Iterable[Case]) -> Mapping[Ref, Case]:
    """The case that answers for each event; one that was merged gives way to the one that answers for it."""
    by_id = {case.id: case for case in cases}
    found: dict[Ref, Case] = {}
    for one in by_id.values():
        case = one
        while case.state == "merged" and case.merged_into in by_id:
            case = by_id[case.merged_into]
        for ref in case.sources:
            if ref.kind == "event" and (ref not in found or found[ref].state == "merged"):
                found[ref] = case
    return found


def _last_rankings(office: Office, events: list[Event]) -> dict[str, Suspects]:
    """The last ranking of each event; only that one is read, the others are passed over by their period."""
    found = {}
    subjects = [str(event.ref) for event in events]
    newest: dict[str, tuple[tuple[datetime, datetime], bytes]] = {}
    for at in range(0, len(subjects), 500):
        for row in office.store.records.find("suspects", subject=subjects[at : at + 500]):
            if row.start is None or row.end is None:
                continue
            key = (row.end, row.start)
            if row.subject not in newest or key > newest[row.subject][0]:
                newest[row.subject] = (key, row.body)
    for subject, (_, body) in newest.items():
        found[Ref.parse(subject).id] = from_json(body, Suspects)
    return found


def pollutant_name(code: str, language: Language) -> str:
    """Return what a pollutant is called, its code where the list does not hold it."""
    if not code:
        return ""
    try:
        about = pollutant(code)
    except NotCovered:
        return code
    return about.zh if language == "zh" else about.en


def unit_of(event: Event) -> str:
    """Return the unit of an event's value: of air, or of what an outlet puts out."""
    try:
        about = pollutant(event.pollutant)
    except NotCovered:
        return ""
    return about.outlet_unit if event.subject.kind == "outlet" else about.unit


def district_name(district: str, office: Office, language: Language) -> str:
    """Return what a district is called."""
    fact = office.register.get(District, district, office.town.on) if district else None
    if fact is None:
        return district
    return fact.name_en or fact.name if language == "en" else fact.name


def units(office: Office, district: str) -> list[tuple[str, str]]:
    """Return the units that may be given a case in a district."""
    found = office.register.all(Unit, office.town.on)
    return [(unit.id, unit.name) for unit in found if unit.district in ("", district)]


def written(words: str) -> str:
    """Return what somebody typed without the spaces around it, and without NUL, which no database keeps."""
    return words.replace("\x00", "").strip()


def point(place: Place | None) -> Point | None:
    """Return a place for the wire."""
    return Point(lon=place.lon, lat=place.lat) if place else None
