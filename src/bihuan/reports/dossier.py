"""The trace report (溯源专报): who and how probable first, then what it rests on, what to do and what was done.

It is a clue for people who look, never a ground for a penalty; that stands at the head of every page.
"""

from __future__ import annotations

import math
from dataclasses import replace

from bihuan.core import Language, local_date, printed_unit, text
from bihuan.reports.dossier_charts import event_winds, rose_chart, series_chart, trace_map
from bihuan.reports.dossier_material import TraceMaterial, odds, say
from bihuan.reports.dossier_transport import arrival_table, transport_words
from bihuan.reports.dossier_work import check_section, method_section, work_section
from bihuan.reports.material import amount, item_name
from bihuan.reports.model import Content, Section, Table

CALM = 0.7
"""Below this the air carries in no known direction, as the tracer has it. [m/s]"""
CLASSES = "ABCDEF"
NAMES = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
RATIOS = (("pm25", "pm10"), ("so2", "no2"), ("co", "no2"))
"""Ratios that tell kinds of source apart: coarse dust, combustion of coal, traffic."""
RISEN = 2.0
"""So many times its day before, an outlet's own reading is told in the conclusion."""
GAPS = frozenset({"note_wind", "note_stations"})
"""Notes of a ranking that the report tells with figures of its own."""
STATIONS, SUSPECTS = 8, 8
"""Rows printed."""


def compose_trace(given: TraceMaterial, language: Language = "zh") -> Content:
    """Return what the report says in one language."""
    sections = (
        conclusion_section(given, language),
        episode_section(given, language),
        weather_section(given, language),
        ratio_section(given, language),
        suspects_section(given, language),
        excluded_section(given, language),
        doubt_section(given, language),
        check_section(given, language),
        work_section(given, language),
        method_section(given, language),
    )
    return Content(
        day=local_date(given.event.period.start, given.zone),
        city=given.city,
        as_of=given.found.period.end,
        level="realtime",
        sections=sections,
        language=language,
        title=say("title", language, city=given.city),
        banner=say("banner", language),
    )


def percent(probability: float, estimated: bool = True) -> str:
    """Return a probability as it is printed."""
    return f"{odds(probability)}%" if estimated else "—"


def conclusion_section(given: TraceMaterial, language: Language) -> Section:
    """1: who, how probable, what to check."""
    lines = [given.event_words, *_answer(given, language)]
    if given.stops:
        first = given.stops[0]
        lines.append(
            say(f"go_{first.kind}", language, name=given.name(first.source) if first.source else "",
                lon=f"{first.lon:.4f}", lat=f"{first.lat:.4f}")
        )  # fmt: skip
    lines += _risen(given, language)
    moved = [row for row in given.changes if row.changes]
    if moved:
        lines.append(say("would_change", language, what=moved[0].what, then=moved[0].then))
    elif given.changes:
        lines.append(say("nothing_changes", language, count=len(given.changes)))
    return Section(title=say("section_conclusion", language), sentences=tuple(lines))


def _answer(given: TraceMaterial, language: Language) -> list[str]:
    found = given.found
    if found.cannot_tell:
        return [say("cannot_tell", language, why=text(f"tracing.{found.cannot_tell}", language))]
    if not given.estimated:
        named = found.ranked[0].name if found.ranked else given.name(given.event.subject)
        return [say("own_reading", language, name=named)]
    rows = [(one.probability, say("answer_suspect", language, **_named(given, one.source))) for one in found.ranked[:4]]
    rows.append((found.none_of_listed, say("answer_none", language)))
    rows.append((found.regional, say("answer_regional", language)))
    rows.sort(key=lambda row: -row[0])
    lines = [say("first", language, name=rows[0][1], percent=odds(rows[0][0]))]
    mark = say("list_mark", language)
    others = mark.join(say("next_one", language, name=name, percent=odds(p)) for p, name in rows[1:4] if p >= 0.01)
    if others:
        lines.append(say("next", language, others=others))
    if rows[0][0] < 0.5:
        lines.append(say("open", language))
    return lines


def _risen(given: TraceMaterial, language: Language) -> list[str]:
    """The suspect whose own logger rose most, in the item of the event: nobody should have to look for it."""
    best: tuple[float, str] | None = None
    for row in given.suspects[:SUSPECTS]:
        for one in row.running:
            if one.code == given.event.pollutant and one.before and one.during is not None:
                times = one.during / one.before
                if times >= RISEN and (best is None or times > best[0]):
                    item = item_name(one.code, language)
                    figures = {"during": amount(one.during, 1), "before": amount(one.before, 1)}
                    said = say("own_rise", language, name=row.suspect.name, item=item, unit=printed_unit(one.unit),
                               times=f"{times:.1f}", **figures)  # fmt: skip
                    best = (times, said)
    return [] if best is None else [best[1]]


def _named(given: TraceMaterial, ref: object) -> dict[str, str]:
    return {"name": given.name(ref)}


def episode_section(given: TraceMaterial, language: Language) -> Section:
    """2: start, end, peak, the series with its background, and what rose around."""
    event, unit = given.event, printed_unit(given.unit)
    known = [(v, at) for v, at in zip(given.values, given.blocks, strict=True) if v is not None]
    late = [(v, at) for v, at in known if at >= event.period.start]
    rows = [
        (say("began", language), given.clock(event.period.start)),
        (say("ended", language), say("going_on", language) if event.open else given.clock(event.period.end)),
        (say("peak", language), f"{amount(event.value, 1)} {unit}"),
        (say("threshold", language), "—" if event.threshold is None else f"{amount(event.threshold, 1)} {unit}"),
        (say("rule", language), f"{event.rule} ({event.method})"),
    ]
    if late:
        value, at = max(late)
        rows.insert(3, (say("peak_block", language), f"{value:.1f} {unit} ({given.clock(at)})"))
    head = (say("col_fact", language), say("col_value", language))
    tables = [Table(title=say("table_episode", language), head=head, rows=tuple(rows))]
    if given.stations:
        tables.append(_stations(given, language))
    return Section(
        title=say("section_episode", language),
        tables=tuple(tables),
        figures=series_chart(given, language),
        notes=(say("note_background", language),) if given.blocks else (),
    )


def _stations(given: TraceMaterial, language: Language) -> Table:
    rows = tuple(
        (
            one.name + (say("this_station", language) if one.subject else ""),
            amount(one.rise, 1),
            given.clock(one.at) if one.at else "—",
            say("stands_out" if one.stands_out else "within_noise", language),
            f"{100 * one.covered:.0f}%",
        )
        for one in given.stations[:STATIONS]
    )
    unit = printed_unit(given.unit)
    head = (
        say("col_station", language), say("col_rise", language, unit=unit), say("col_when", language),
        say("col_against_background", language), say("col_covered", language),
    )  # fmt: skip
    note = say("note_stations", language, shown=len(rows), of=len(given.stations))
    return Table(title=say("table_stations", language), head=head, rows=rows, note=note)


def weather_section(given: TraceMaterial, language: Language) -> Section:
    """3: the wind of the episode, its class, and what it carries."""
    winds = event_winds(given)
    title = say("section_weather", language)
    moved = _moved(given, language)
    if not winds:
        said = (say("no_wind", language), *moved) if given.blocks else ()
        return Section(title=title, sentences=said)
    speeds = [speed for speed, _ in winds]
    east = sum(s * math.sin(math.radians(d)) for s, d in winds) / len(winds)
    north = sum(s * math.cos(math.radians(d)) for s, d in winds) / len(winds)
    steady = math.hypot(east, north) / max(sum(speeds) / len(speeds), 1e-9)
    towards = math.degrees(math.atan2(east, north)) % 360
    calm = sum(speed < CALM for speed in speeds) / len(speeds)
    lines = [
        say("wind_said", language, direction=text(f"tracing.{NAMES[round(towards / 45) % 8]}", language),
            degrees=f"{towards:.0f}", low=f"{min(speeds):.1f}", high=f"{max(speeds):.1f}",
            mean=f"{sum(speeds) / len(speeds):.1f}"),
        say("steady" if steady >= 0.8 else "turning", language, steady=f"{steady:.2f}"),
        say("calm_said", language, percent=f"{100 * calm:.0f}"),
    ]  # fmt: skip
    classes = given.stability[given.onset :]
    if classes:
        parts = [
            say("class_part", language, letter=CLASSES[n], percent=f"{100 * classes.count(n) / len(classes):.0f}")
            for n in sorted(set(classes))
        ]
        lines.append(say("class_said", language, classes=say("list_mark", language).join(parts)))
    if given.estimated and not given.found.cannot_tell:
        lines.append(say("transport_said", language, percent=odds(given.found.regional)))
    order = None if given.transport is None else arrival_table(given.transport, given.zone, language)
    notes = (say("note_weather", language), *((say("note_transport", language),) if moved else ()))
    return Section(
        title=title,
        sentences=(*lines, *moved),
        tables=() if order is None else (order,),
        figures=rose_chart(given, language),
        notes=notes,
    )


def _moved(given: TraceMaterial, language: Language) -> tuple[str, ...]:
    """Local or brought in, and the order of arrival."""
    return () if given.transport is None else transport_words(given.transport, given.unit, given.zone, language)


def ratio_section(given: TraceMaterial, language: Language) -> Section:
    """4: what the station measured beside, and ratios; what is missing says so."""
    title = say("section_ratio", language)
    known = {one.code: one for one in given.beside if one.during is not None}
    if not known:
        return Section(title=title, sentences=(say("nothing_beside", language),))
    rows = tuple(
        (
            item_name(one.code, language),
            amount(one.before, 1),
            amount(one.during, 1),
            _times(one.before, one.during),
            f"{100 * one.covered:.0f}%",
        )
        for one in given.beside
    )
    head = tuple(say(f"col_{name}", language) for name in ("item", "before", "during", "times", "covered"))
    note = say("note_beside", language)
    tables = [Table(title=say("table_beside", language), head=head, rows=rows, note=note)]
    lines, ratios = [], []
    for over, under in RATIOS:
        name = f"{item_name(over, language)}/{item_name(under, language)}"
        a, b = known.get(over), known.get(under)
        if a is None or b is None or not b.during or a.during is None:
            ratios.append((name, "—", "—", say("ratio_missing", language)))
            continue
        during = a.during / b.during
        before = a.before / b.before if a.before is not None and b.before else None
        ratios.append((name, amount(before, 2), f"{during:.2f}", _ratio_words(over, before, during, language)))
    head = tuple(say(f"col_{name}", language) for name in ("ratio", "before", "during", "reads"))
    tables.append(Table(title=say("table_ratio", language), head=head, rows=tuple(ratios)))
    missing = [item_name(one.code, language) for one in given.beside if one.during is None]
    if missing:
        lines.append(say("not_measured", language, items=say("list_mark", language).join(missing)))
    return Section(title=title, sentences=tuple(lines), tables=tuple(tables), notes=(say("note_ratio", language),))


def _times(before: float | None, during: float | None) -> str:
    return "—" if before is None or during is None or before <= 0 else f"{during / before:.2f}"


def _ratio_words(over: str, before: float | None, during: float, language: Language) -> str:
    """Which way it went; a change within a tenth says nothing."""
    if before is None or abs(during - before) <= 0.1 * before:
        return say("ratio_same", language)
    return say(f"ratio_{over}_{'up' if during > before else 'down'}", language)


def suspects_section(given: TraceMaterial, language: Language) -> Section:
    """5: every answer with its odds, hours for and against, running state and history."""
    title = say("section_suspects", language)
    if given.found.cannot_tell and not given.suspects:
        return Section(title=title, sentences=(text(f"tracing.{given.found.cannot_tell}", language),))
    tables = [_ranking(given, language), _hours(given, language), _history(given, language)]
    if given.changes:
        head = tuple(say(f"col_{name}", language) for name in ("what_if", "then", "first_changes"))
        rows = tuple((row.what, row.then, say("yes" if row.changes else "no", language)) for row in given.changes)
        tables.append(
            Table(title=say("table_changes", language), head=head, rows=rows, note=say("note_changes", language))
        )
    return Section(
        title=title,
        sentences=(say("honest", language),) if given.estimated else (),
        tables=tuple(table for table in tables if table.rows),
        figures=trace_map(given, language),
        notes=(say("note_map", language),) if given.suspects else (),
    )


def _ranking(given: TraceMaterial, language: Language) -> Table:
    lines: list[tuple[float, tuple[str, ...]]] = []
    for number, row in enumerate(given.suspects[:SUSPECTS], 1):
        one = row.suspect
        rate = "—"
        if one.rate is not None and one.rate_low is not None and one.rate_high is not None and one.hours:
            rate = f"{one.rate:.2g} ({one.rate_low:.2g}–{one.rate_high:.2g})"
        far = "—" if one.distance is None else f"{one.distance / 1000:.1f}"
        lines.append(
            (
                one.probability,
                (
                    str(number),
                    one.name,
                    percent(one.probability, given.estimated),
                    far,
                    rate,
                    _wind(one.wind_from, language),
                ),
            )
        )
    if given.estimated:
        for name, value in (("answer_none", given.found.none_of_listed), ("answer_regional", given.found.regional)):
            lines.append((value, ("—", say(name, language), percent(value), "—", "—", "—")))
    lines.sort(key=lambda line: -line[0])
    left = len(given.suspects) - len(given.suspects[:SUSPECTS]) + given.others_count
    if left and given.estimated:
        rest = given.others + sum(row.suspect.probability for row in given.suspects[SUSPECTS:])
        lines.append((0.0, ("—", say("others", language, count=left), percent(rest), "—", "—", "—")))
    head = tuple(say(f"col_{name}", language) for name in ("rank", "answer", "odds", "distance", "rate", "wind"))
    return Table(title=say("table_ranking", language), head=head, rows=tuple(cells for _, cells in lines))


def _wind(degrees: float | None, language: Language) -> str:
    if degrees is None:
        return "—"
    return f"{text(f'tracing.{NAMES[round(degrees / 45) % 8]}', language)} {degrees:.0f}°"


def _hours(given: TraceMaterial, language: Language) -> Table:
    rows = []
    for row in given.suspects[:SUSPECTS]:
        unseen = given.spans(row.unseen)
        if row.unseen and row.unseen_at:
            unseen += say("at_stations", language, names=say("list_mark", language).join(row.unseen_at[:3]))
        rows.append((row.suspect.name, given.spans(row.suspect.hours), unseen, given.spans(row.unexplained)))
    head = tuple(say(f"col_{name}", language) for name in ("source", "hours_for", "unseen", "unexplained"))
    shown = tuple(rows) if given.estimated else ()
    return Table(title=say("table_hours", language), head=head, rows=shown, note=say("note_hours", language))


def _history(given: TraceMaterial, language: Language) -> Table:
    rows = []
    for row in given.suspects[:SUSPECTS]:
        parts = [
            say("running_part", language, item=item_name(one.code, language), during=amount(one.during, 1),
                before=amount(one.before, 1), unit=printed_unit(one.unit))
            for one in row.running[:3]
        ]  # fmt: skip
        running = say("list_mark", language).join(parts) or say(
            "running_silent" if row.monitored else "running_none", language
        )
        signs = "—" if row.signs is None else str(row.signs)
        counted = say("history_part", language, cases=row.cases, caught=row.caught, alarms=row.alarms, signs=signs)
        weight = "—" if row.factor is None else f"×{row.factor:.2f}"
        rows.append((row.suspect.name, running, counted, row.last or say("never_visited", language), weight))
    head = tuple(say(f"col_{name}", language) for name in ("source", "running", "history", "last_visit", "factor"))
    return Table(title=say("table_history", language), head=head, rows=tuple(rows), note=say("note_history", language))


def excluded_section(given: TraceMaterial, language: Language) -> Section:
    """6: listed sources near the station that are no suspects, and why."""
    title = say("section_excluded", language)
    if not given.estimated:
        return Section(title=title, sentences=(say("nothing_estimated", language),))
    lines = (
        [say("others_said", language, count=given.others_count, percent=odds(given.others))]
        if given.others_count
        else []
    )
    rows = tuple(
        (one.name, f"{one.distance / 1000:.1f}", percent(one.probability), say(f"excluded_{one.why}", language))
        for one in given.excluded
    )
    head = tuple(say(f"col_{name}", language) for name in ("source", "distance", "odds", "why"))
    tables = (Table(title=say("table_excluded", language), head=head, rows=rows),) if rows else ()
    return Section(
        title=title, sentences=tuple(lines), tables=tables, notes=(say("note_excluded", language),) if rows else ()
    )


def doubt_section(given: TraceMaterial, language: Language) -> Section:
    """7: what the odds cannot carry, and where data are missing."""
    found, lines = given.found, []
    if found.cannot_tell:
        lines.append(text(f"tracing.{found.cannot_tell}", language))
    from bihuan.tracing import note_words  # noqa: PLC0415  # the physics behind it: a bulletin needs none

    # gaps of wind and stations stand below with their names
    lines += note_words(replace(found, notes=tuple(one for one in found.notes if one[0] not in GAPS)), language)
    if given.blocks:
        late = given.wind_speed[given.onset :]
        gone = [one.name for one in given.stations if one.covered < 0.75]
        missing = sum(value is None for value in late)
        lines.append(say("wind_gaps", language, missing=missing, of=len(late)))
        lines.append(
            say("station_gaps", language, count=len(gone), names=say("list_mark", language).join(gone[:6]))
            if gone
            else say("no_station_gaps", language, of=len(given.stations))
        )
    if given.estimated:
        lines += [say(f"doubt_{name}", language) for name in ("measured", "two", "same_bearing")]
        unmonitored = sum(not row.monitored for row in given.suspects[:SUSPECTS])
        if unmonitored:
            lines.append(say("doubt_rates", language, count=unmonitored, of=len(given.suspects[:SUSPECTS])))
    if given.hidden_cases:
        lines.append(say("hidden_cases", language, count=given.hidden_cases))
    return Section(title=say("section_doubt", language), sentences=tuple(lines), notes=(say("note_level", language),))
