"""The overview's work: what waits for somebody, the odds of the gravest event, cases, water, what loggers owe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from bihuan.alerts import LadderState, RuleRow, Warning, describe, headline, kind_words, scheme_on
from bihuan.app.access import Area, Sight
from bihuan.app.api.office import Office
from bihuan.app.api.overview_air import judged_until
from bihuan.app.api.overview_models import (
    CaseCounts,
    ItemOver,
    Outlooked,
    SectionRow,
    Sent,
    Share,
    Silent,
    SuspectRow,
    Task,
    Todo,
    Traced,
    Transmission,
)
from bihuan.app.gapkeeping import first_heard
from bihuan.app.indexing import city_hours_of
from bihuan.app.marks import Marks
from bihuan.app.outlook import STATE
from bihuan.app.suspicion import is_traced
from bihuan.assessment import CLASSES, beyond_class_three, class_number, hourly_aqi, mean_24h_aqi
from bihuan.cases import Case, Clock, measure, running
from bihuan.core import (
    DAY,
    HOUR,
    Event,
    Language,
    NotCovered,
    Period,
    Ref,
    Suspects,
    Verdict,
    from_json,
    local_date,
    local_day,
    text,
)
from bihuan.observations import rhythms, transmission
from bihuan.register import Person, Section, Unit

GRADES = ("major", "minor", "note")
KINDS = ("limit", "pattern", "silence")
SETTLED = ("false", "merged")
"""An alarm that a person marked so waits for nobody."""

VERIFYING = ("reported", "checking")
SHARES = ("on_time", "closing", "effective")
SECTION_AGE = timedelta(days=4)
"""A section's class is of the last day that was judged, if it is not older."""


@dataclass(frozen=True, slots=True)
class Board:
    """Events and cases of one area as they stand.

    Attributes
    ----------
    events : tuple of Event
        Open ones, the gravest first.
    cases : tuple of Case
        All of them.
    clocks : mapping of case id to tuple of Clock
        Of the open ones, those that run.
    case_of : mapping of event id to Case
        Who answers for an event; of a merged case the one that took it over.
    """

    events: tuple[Event, ...]
    cases: tuple[Case, ...]
    clocks: Mapping[str, tuple[Clock, ...]]
    case_of: Mapping[str, Case]


def board_of(office: Office, area: Area, now: datetime, sight: Sight | None = None) -> Board:
    """Return what is open in an area, of cases what `sight` lets through (without it all of the area's district)."""
    sight = sight or Sight(everything=area.whole, district=area.district or None)
    found = [from_json(row.body, Event) for row in office.store.records.find("event", state="open")]
    marked = Marks(office.store.records).latest(event.ref for event in found)
    settled = {ref for ref, mark in marked.items() if mark.kind in SETTLED}
    events = [event for event in found if event.ref not in settled and area.sees(event.subject, office.town)]
    cases = tuple(case for case in office.desk.cases if sight.sees(case))
    by_id = {case.id: case for case in cases}
    case_of = {}
    for case in cases:
        answering = by_id.get(case.merged_into, case)
        case_of.update({ref.id: answering for ref in case.sources if ref.kind == "event"})
    clocks = {case.id: running(case, now, office.desk.calendar) for case in cases if not case.ended}
    return Board(tuple(sorted(events, key=gravity)), cases, clocks, case_of)


def gravity(event: Event) -> tuple[int, int, datetime, str]:
    """Order of events: by grade, a limit before a pattern before silence, the oldest first."""
    grade = GRADES.index(event.grade) if event.grade in GRADES else len(GRADES)
    return grade, KINDS.index(event.kind), event.period.start, event.id


def words_of(event: Event, office: Office, language: Language) -> str:
    """Return one sentence about an event; what kind it is, where its rule is no longer known."""
    rules: dict[str, RuleRow] = {rule.id: rule for rule in office.loop.rules.rules}
    name = office.name(event.subject, language)
    if event.rule not in rules:
        return f"{name} {kind_words(event, language)}"
    return describe(event, rules[event.rule], name, language)


# -- what must be handled now -----------------------------------------------------------------------------------------


def todo(office: Office, board: Board, language: Language) -> Todo:
    """Return everything that waits for somebody, each with its age and who has it."""
    events = [_event_task(event, board, office, language) for event in board.events]
    official = office.town.official
    silent = {str(event.subject) for event in board.events if event.kind == "silence"} & official
    offline = [
        task
        for task, event in zip(events, board.events, strict=True)
        if event.kind == "silence" and str(event.subject) in silent
    ]
    late, unsigned = [], []
    for case in board.cases:
        clocks = board.clocks.get(case.id, ())
        over = [clock for clock in clocks if clock.overdue and not clock.paused]
        waiting = [clock for clock in clocks if clock.name == "sign"]
        late += [_case_task(case, min(over, key=lambda one: one.due), "overdue", office, language)] if over else []
        unsigned += [_case_task(case, waiting[0], "sign", office, language)] if waiting else []
    warnings = _warnings(office, language)
    kinds = [event.kind for event in board.events]
    counts = {kind: kinds.count(kind) for kind in KINDS}  # type: ignore[arg-type]
    counts |= {"offline": len(offline), "unsigned": len(unsigned), "overdue": len(late)}
    counts |= {state: sum(task.kind == state for task in warnings) for state in ("draft", "in_force")}
    return Todo(
        counts=counts,
        events=events,
        offline=offline,
        unsigned=sorted(unsigned, key=lambda task: task.since),
        overdue=sorted(late, key=lambda task: task.due or task.since),
        warnings=warnings,
    )


def _event_task(event: Event, board: Board, office: Office, language: Language) -> Task:
    case = board.case_of.get(event.id)
    return Task(
        ref=str(event.ref),
        kind=event.kind,
        grade=event.grade,
        words=words_of(event, office, language),
        since=event.period.start,
        who=holder(case, office) if case else "",
        link=f"/alarms/{event.id}",
    )


def _case_task(case: Case, clock: Clock, kind: str, office: Office, language: Language) -> Task:
    return Task(
        ref=str(case.ref),
        kind=kind,
        grade=case.level,
        words=f"{office.title(case, language)} · {text(f'case.clock_{clock.name}', language)}",
        since=clock.started,
        due=clock.due,
        who=holder(case, office),
        link=f"/cases/{case.id}",
    )


def holder(case: Case, office: Office) -> str:
    """Return who has a case: the officer, else the unit that leads."""
    person = office.register.get(Person, case.officer, office.town.on) if case.officer else None
    if person is not None:
        return person.name
    unit = office.register.get(Unit, case.lead, office.town.on) if case.lead else None
    return unit.name if unit else case.lead


def _warnings(office: Office, language: Language) -> list[Task]:
    """Drafts that wait for a signature, and the message by which a warning is in force."""
    ladder = _ladder(office)
    last: dict[str, Warning] = {}
    drafts = []
    for row in office.store.records.find("warning"):
        found = from_json(row.body, Warning)
        if found.state == "proposed":
            drafts.append((found, row.start))
        elif found.id == ladder.warning and ladder.in_force:
            last[found.id] = max(found, last.get(found.id, found), key=lambda one: one.sequence)
    area = office.town.cell.name if office.town.cell else office.town.ref.id
    tasks = [(one, start, "draft") for one, start in drafts]
    tasks += [(one, one.signed_at, "in_force") for one in last.values()]
    return [
        Task(
            ref=str(one.ref),
            kind=kind,
            grade=one.grade,
            words=headline(one, area, language),
            since=start or office.now,
            who=one.signed_name,
            link="/warnings",
        )
        for one, start, kind in tasks
    ]


def _ladder(office: Office) -> LadderState:
    kept = office.store.records.state(STATE)
    return from_json(kept, LadderState) if kept else LadderState()


# -- suspects and cases -----------------------------------------------------------------------------------------------


def traced(office: Office, board: Board, language: Language, shown: int = 5) -> Traced | None:
    """Return the odds of the gravest open event that has any, with the two rows that name nobody."""
    for event in board.events:
        ranking = office.loop.ranking(event.id) if is_traced(event) else None
        if ranking is not None:
            return Traced(
                event=event.id,
                words=words_of(event, office, language),
                since=event.period.start,
                asked=ranking.period.end,
                cannot_tell=text(f"tracing.{ranking.cannot_tell}", language) if ranking.cannot_tell else "",
                rows=_odds(ranking, language, shown),
                link=f"/alarms/{event.id}",
            )
    return None


def _odds(ranking: Suspects, language: Language, shown: int) -> list[SuspectRow]:
    if ranking.cannot_tell:
        return []
    rows = [
        SuspectRow(
            source=str(one.source),
            name=one.name,
            probability=one.probability,
            distance=one.distance,
            wind_from=one.wind_from,
            kind="source",
        )
        for one in ranking.ranked[:shown]
    ]
    nobody = {"none": ranking.none_of_listed, "regional": ranking.regional}
    return rows + [
        SuspectRow(
            source="",
            name=text(f"tracing.{kind}_name", language),
            probability=share,
            distance=None,
            wind_from=None,
            kind=kind,
        )
        for kind, share in nobody.items()
    ]


def case_counts(office: Office, board: Board, now: datetime, language: Language) -> CaseCounts:
    """Return new, open, overdue and waiting cases, and the shares of the month with their formula."""
    since = now - DAY
    live = [case for case in board.cases if not case.ended]
    month = Period(local_day(local_date(now, office.zone).replace(day=1), office.zone).start, now + HOUR)
    figures = measure(board.cases, month, now, office.desk.calendar)
    return CaseCounts(
        since=since,
        new=sum(since <= case.opened <= now and not case.merged_into for case in board.cases),
        open=len(live),
        overdue=sum(any(clock.overdue for clock in board.clocks[case.id]) for case in live),
        to_verify=sum(case.state in VERIFYING for case in live),
        shares=[
            Share(metric=one.metric, name=one.name(language), value=one.value, formula=one.formula(language))
            for one in figures
            if one.metric in SHARES
        ],
    )


# -- water, outlook, loggers ------------------------------------------------------------------------------------------


def water(office: Office, area: Area, now: datetime) -> list[SectionRow]:
    """Return each section's last class against the one it must reach."""
    sections = [one for one in office.town.sections if area.sees(Ref("section", one.id), office.town)]
    refs = [f"section:{one.id}" for one in sections]
    rows = office.store.records.find("verdict", subject=refs, since=now - SECTION_AGE) if refs else []
    last = {row.subject: from_json(row.body, Verdict) for row in rows}
    found = [_section(one, last.get(f"section:{one.id}"), office) for one in sections]
    return sorted(found, key=lambda row: (row.worse is not True, row.label == "", row.river, row.ref))


def _section(section: Section, verdict: Verdict | None, office: Office) -> SectionRow:
    label, target = verdict.label if verdict else "", section.target_class
    known = label in CLASSES and target in CLASSES
    beyond = beyond_class_three(verdict, zone=office.zone) if verdict else ()
    return SectionRow(
        ref=f"section:{section.id}",
        name=section.name,
        river=section.river,
        label=label,
        target=target,
        worse=class_number(label) > class_number(target) if known else None,
        day=local_date(verdict.period.start, office.zone) if verdict else None,
        official=section.official,
        over=[ItemOver(item=item, times=times) for item, times in beyond],
    )


def outlook(office: Office, now: datetime) -> Outlooked:
    """Return where the heavy-pollution ladder stands; nothing is forecast yet."""
    ladder, until = _ladder(office), judged_until(now)
    shown = Outlooked(
        plan="",
        plan_reason="",
        in_force=ladder.in_force,
        proposed=ladder.proposed,
        mean_24h=None,
        hours_24h=0,
        lower_since=ladder.lower_since,
    )
    try:
        shown.plan = scheme_on(local_date(now, office.zone), office.town.ref.id, office.loop.rules.allow).number
    except NotCovered as why:
        shown.plan_reason = str(why)
    wide = city_hours_of(office.store.series, office.town, [str(office.town.ref)], Period(until - DAY, until))
    if wide.height:
        last = mean_24h_aqi(hourly_aqi(wide, zone=office.zone)).row(-1, named=True)
        shown.hours_24h = last["count_24h"]
        shown.mean_24h = None if last["aqi_24h"] is None else round(last["aqi_24h"], 1)
    return shown


REPORTS = """
SELECT device, '' AS pollutant, interval, start, max("end") AS "end", 1.0 AS value,
  CASE WHEN avg(CASE WHEN value IS NOT NULL AND quality NOT IN ('bad', 'missing') THEN 1.0 ELSE 0.0 END) >= 0.5
  THEN 'good' ELSE 'bad' END AS quality
FROM readings WHERE start >= ? AND start < ? GROUP BY device, interval, start
"""
"""One row a report: `observations.transmission` asks of it whether at least half of its values are usable."""


def loggers(office: Office, area: Area, now: datetime, language: Language) -> Transmission:
    """Return what loggers owed and sent in the last day, by kind of site, and which sites say nothing."""
    until = judged_until(now)
    day = Period(until - DAY, until)
    began = first_heard(office.store.records)
    owed = tuple(
        replace(one, began=began.get(one.device))  # who never spoke owes everything
        for one in rhythms(office.register, local_date(now, office.zone))
        if area.whole or area.sees(one.site, office.town)
    )
    rates = transmission(office.store.series.query(REPORTS, [day.start, day.end]), owed, day, office.zone)
    kinds = pl.DataFrame(
        {"device": [one.device for one in owed], "kind": [one.site.kind for one in owed]},
        schema={"device": pl.String, "kind": pl.String},
    ).unique()
    sums = rates.join(kinds, on="device").group_by("kind").agg(pl.col("due", "received", "valid").sum()).sort("kind")
    rows = [
        Sent(kind=kind, due=due, received=received, valid=valid, efficiency=valid / due if due else None)
        for kind, due, received, valid in sums.iter_rows()
    ]
    return Transmission(start=day.start, end=day.end, rows=rows, silent=_silent(office, area, language))


def _silent(office: Office, area: Area, language: Language) -> list[Silent]:
    events: Iterable[Event] = (from_json(row.body, Event) for row in office.store.records.find("event", state="open"))
    return [
        Silent(
            ref=str(event.subject),
            name=office.name(event.subject, language),
            since=event.period.start,
            link=f"/sites/{event.subject}",
        )
        for event in events
        if event.kind == "silence" and area.sees(event.subject, office.town)
    ]
