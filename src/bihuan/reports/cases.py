"""Sections 8 to 10: cases, weather and outlook, advice. Advice is derived or a person's, never made up."""

from __future__ import annotations

import numpy as np
import polars as pl

from bihuan.alerts import headline
from bihuan.cases import Case, GroupBy, clocks, leading_suspect, matter_of_event, measure, route
from bihuan.core import Event, Language, pollutant, printed_unit
from bihuan.register import Person
from bihuan.reports.material import Material, amount, word
from bihuan.reports.model import Section, Table
from bihuan.reports.streams import event_words

PRINTED = ("on_time", "closing", "signed_on_time", "effective")
"""Metrics whose formula is printed."""

ADVISED = 12
"""Open matters printed; the rest is counted."""


def cases_section(given: Material, language: Language) -> Section:
    """8: new, closed, open and overdue by district and by department, with the formulas."""
    if not given.cases:
        return Section(title=word("section_cases", language))
    tables = tuple(_by(given, by, language) for by in ("district", "unit"))
    figures = {one.metric: one for one in measure(given.cases, given.period, given.now, given.calendar)}
    notes = [
        f"{one.name(language)}: {one.formula(language)}"
        + (f" = {one.value * 100:.1f}%" if one.value is not None else "")
        for name in PRINTED
        if (one := figures[name]).denominator
    ]
    counts = _counts(given, list(given.cases))
    names = ("new", "closed", "open", "overdue")
    said = word("cases_said", language, **dict(zip(names, counts, strict=True)))
    return Section(
        title=word("section_cases", language),
        sentences=(said,),
        tables=tables,
        notes=(*notes, word("formula_overdue", language)),
    )


def _by(given: Material, by: GroupBy, language: Language) -> Table:
    groups: dict[str, list[Case]] = {}
    for case in given.cases:
        groups.setdefault(case.district if by == "district" else case.lead, []).append(case)
    rows = [
        (given.name(group) if group else word("nobody", language), *map(str, _counts(given, found)))
        for group, found in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]
    head = tuple(
        word(f"col_{name}", language)
        for name in ("district" if by == "district" else "lead", "new", "closed", "open", "overdue")
    )
    return Table(title=word(f"table_cases_{by}", language), head=head, rows=tuple(rows))


def _counts(given: Material, cases: list[Case]) -> tuple[int, int, int, int]:
    new = sum(case.opened in given.period for case in cases)
    closed = sum(case.ended and case.since in given.period for case in cases)
    open_cases = [case for case in cases if not case.ended]
    overdue = sum(overdue_now(given, case) for case in open_cases)
    return new, closed, len(open_cases), overdue


def overdue_now(given: Material, case: Case) -> bool:
    """Say whether a clock of an open case has run out without its step."""
    return any(clock.overdue and clock.stopped is None for clock in clocks(case, given.now, given.calendar))


def weather_section(given: Material, language: Language) -> Section:
    """9: the weather that was measured; no outlook where no forecast is stored."""
    usable = given.weather.filter(pl.col("value").is_not_null()) if given.weather.height else given.weather
    said = []
    for code in ("air_temperature", "wind_speed", "humidity", "air_pressure"):
        values = usable.filter(pl.col("pollutant") == code)["value"].to_numpy() if usable.height else np.zeros(0)
        if values.size:
            unit = printed_unit(pollutant(code).unit)
            low, mean, high = amount(values.min(), 1), amount(values.mean(), 1), amount(values.max(), 1)
            said.append(word(f"weather_{code}", language, low=low, mean=mean, high=high, unit=unit))
    if not said:
        return Section(title=word("section_weather", language))
    return Section(
        title=word("section_weather", language),
        sentences=(*said, word("no_outlook", language)),
        notes=(word("weather_note", language),),
    )


def advice_section(given: Material, language: Language) -> Section:
    """10: what is open now and who answers for it: warnings in force, open alarms, the duty table."""
    lines = [headline(one, given.city, language) for one in given.warnings]
    waiting = [case for case in given.cases if not case.ended]
    rows = []
    by_source = {source: case for case in waiting for source in case.sources}
    people = {one.id: one.name for one in given.register.all(Person, given.day)}
    for event in (one for one in given.events if one.open):
        case = by_source.get(event.ref)
        if case and case.lead:
            state, lead, officer = case.state_words(language), given.name(case.lead), case.officer
        else:
            unit, officer = _answering(given, event)
            state = case.state_words(language) if case else word("not_dispatched", language)
            lead = word("by_duty", language, lead=given.name(unit)) if unit else "—"
        rows.append((event_words(given, event, language), state, lead, people.get(officer, "—")))
    if not rows and not lines:
        return Section(title=word("section_advice", language))
    head = tuple(word(f"col_{name}", language) for name in ("what", "state", "lead", "officer"))
    tables = (Table(title=word("table_advice", language), head=head, rows=tuple(rows[:ADVISED])),) if rows else ()
    if rows:
        lines.append(word("advice_said", language, count=len(rows), shown=min(len(rows), ADVISED)))
    return Section(
        title=word("section_advice", language),
        sentences=tuple(lines),
        tables=tables,
        notes=(word("advice_note", language),),
    )


def _answering(given: Material, event: Event) -> tuple[str, str]:
    """Unit and officer who would answer for an alarm without a case, by the duty table of the register."""
    found = next((one for one in reversed(given.suspects) if one.event == event.ref), None)
    suspect = leading_suspect(found)
    matter = matter_of_event(event, found, suspect, given.register, given.day)
    place = (suspect.place if suspect else None) or event.place or given.register.place_of(event.subject, given.day)
    way = route(matter, place, given.register, given.day, subject=event.subject)
    return way.lead, way.officer
