"""The scorer: what the loop made of the city, held against the hidden truth. House plan, section 5.

Definitions (one event is one count, whatever its updates; an event is one id, raised when it first appeared)
--------------------------------------------------------------------------------------------------------------
matches : an event matches an incident when it was raised from the onset to 2 h after the end (the true end, if an
    officer stopped it) and its place lies within 3 km of the incident's area. The area is a point but for a dust site
    (half its side) and a regional episode (the city). An event without a place matches regional episodes only.
found : share of ALL planted incidents that some event matches.
false alarm : an event that belongs to no incident; per station-day of the stations that measure air. An event belongs
    to an incident that it matches; and, since some limits are judged by the day and water takes its time, to one whose
    own source or site it is about, or a section downstream of it, if its period meets the incident's (as it passes).
fits : an event fits an incident when it matches it and is about it: the silent or falsified site itself, or a
    pollutant that the incident puts out.
deciding ranking : of the earliest fitting event that has one, the last ranking made before 2 h after the end. An event
    about an outlet's own reading ranks that outlet alone.
top1, top3 : share of ALL planted incidents with a listed source whose deciding ranking has it first / among three.
none_of_listed_right : share of ALL planted hidden sources whose deciding ranking gives "none of the listed" the
    greatest probability.
verdicts : of the cases that were not merged into another: share handed in (done), share that passed the check (fixed);
    effective is the share of those with a measured effect that can be told.
minutes_to_... : medians over the found incidents, from the onset to the first matching event, and to the opening of
    the first case that leans on a matching event.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from bihuan.app.city.city import City, Fate
from bihuan.app.city.forward import air_stations
from bihuan.cases import Case
from bihuan.core import Effect, Event, Period, Ref, Suspects

NEAR = 3000.0
"""An alert counts within this of an incident's area. [m]"""

LATE = timedelta(hours=2)
"""And up to so long after its end."""

CAUSED = {"co": 0.1}
"""Hourly rise at a station that counts as caused by an incident, 5 ug/m3 for all others. [unit of the reading]"""

EMITTING = frozenset({"night_stack", "dust_site", "hidden_source", "water_outfall", "regional"})
BINS = 10

Raised = tuple[Event, datetime]
Share = tuple[int, int]
"""Hits, of how many."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The deciding ranking as rows.

    Attributes
    ----------
    listed : tuple of (Ref, float)
        Sources with their probability, likeliest first.
    none_of_listed, regional : float
    """

    listed: tuple[tuple[Ref, float], ...]
    none_of_listed: float = 0.0
    regional: float = 0.0

    @property
    def greatest(self) -> float:
        """Greatest probability of any row."""
        return max([self.none_of_listed, self.regional, *(p for _, p in self.listed)])


@dataclass(frozen=True, slots=True)
class Judged:
    """One incident and what the loop made of it."""

    fate: Fate
    matching: tuple[Raised, ...]
    fitting: tuple[Raised, ...]
    answer: Answer | None
    case_opened: datetime | None


def score(
    city: City,
    events: Iterable[Raised],
    suspects: Iterable[Suspects] = (),
    cases: Iterable[Case] = (),
    effects: Iterable[Effect] = (),
) -> dict[str, Any]:
    """Score one run.

    Parameters
    ----------
    city : City
        That has lived to its end.
    events : iterable of (Event, datetime)
        Every event with the city's time at which it was first raised; of a repeated id the first counts.
    suspects : iterable of Suspects
        Every ranking that was made, updates too.
    cases : iterable of Case
        As they stand at the end.
    effects : iterable of Effect
        Of cases that carry no verdict of effect themselves.

    Returns
    -------
    dict
        The keys of house plan section 5 in their order, then
        `false_alarms_uncaused_per_station_day` (events that no incident belongs to nor raised that station's value),
        `found_strict` (by an event that fits), `top1_gate` and `top3_gate` (enterprises instead of single stacks),
        `regional_right`, `effective_right` (the verdict tells whether the
        source was stopped), `tonnes_cut_per_officer_hour`, `by_kind`, `calibration`, `counts`.
    """
    cases = [case for case in cases if case.state != "merged"]
    first: dict[str, Raised] = {}
    for event, raised in events:
        if event.id not in first or raised < first[event.id][1]:
            first[event.id] = (event, raised)
    once = sorted(first.values(), key=lambda row: (row[1], row[0].id))
    rankings = list(suspects)
    judged = [_judge(fate, once, rankings, cases) for fate in city.reveal()]
    shares = _shares(city, judged)
    result: dict[str, Any] = {
        "mode": "rough" if city.plan.rough else "easy",
        "seed": city.plan.seed,
        "hours": city.plan.hours,
        "incidents": len(judged),
        **{key: _share(shares[key]) for key in ("found", "top1", "top3", "none_of_listed_right")},
        "verdicts": _verdicts(cases, effects),
        **_minutes(judged),
        "false_alarms_per_station_day": _false_alarms(city, once, belongs),
        "false_alarms_uncaused_per_station_day": _false_alarms(city, once, lambda *row: _caused(city, *row)),
    }
    result |= {key: _share(shares[key]) for key in ("found_strict", "top1_gate", "top3_gate", "regional_right")}
    result["effective_right"] = _share(_effective_right(judged, cases, effects))
    result["tonnes_cut_per_officer_hour"] = _tonnes_per_hour(city)
    result["by_kind"] = _by_kind(judged)
    result["calibration"] = calibration(_rows(judged))
    result["counts"] = {key: list(value) for key, value in shares.items()}
    return result


def wilson(hits: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson interval of a share, 95 % by default.

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22:209.
    """
    if of == 0:
        return 0.0, 1.0
    share, square = hits / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == of else middle + half)


def pool(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add up the shares of several runs of one mode, each with its 95 % Wilson interval."""
    pooled = {}
    for key in results[0]["counts"] if results else ():
        hits, of = (sum(result["counts"][key][k] for result in results) for k in (0, 1))
        low, high = wilson(hits, of)
        pooled[key] = {
            "hits": hits,
            "of": of,
            "share": _share((hits, of)),
            "low": round(low, 3),
            "high": round(high, 3),
        }
    return pooled


def calibration(rows: Iterable[tuple[float, bool]]) -> list[dict[str, Any]]:
    """Return reliability bins of probabilities: how many rows, their mean probability, the share that was right."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for probability, right in rows:
        bins.setdefault(min(int(probability * BINS), BINS - 1), []).append((probability, right))
    return [
        {
            "low": k / BINS,
            "high": (k + 1) / BINS,
            "rows": len(found),
            "mean": round(sum(p for p, _ in found) / len(found), 4),
            "right": round(sum(right for _, right in found) / len(found), 4),
        }
        for k, found in sorted(bins.items())
    ]


def matches(event: Event, raised: datetime, fate: Fate) -> bool:
    """Say whether an event was raised near an incident in place and time."""
    incident = fate.incident
    if not incident.period.start <= raised <= fate.ended + LATE:
        return False
    if event.place is None:
        return incident.kind == "regional"
    return event.place.distance(incident.place) <= incident.radius + NEAR


def belongs(event: Event, raised: datetime, fate: Fate) -> bool:
    """Say whether an event is explained by an incident: it matches, or is about its site or what it flows past."""
    incident = fate.incident
    if matches(event, raised, fate):
        return True
    sites = {incident.source, incident.subject}
    delay = 0.0 if event.subject in sites else incident.downstream.get(event.subject)
    if delay is None:
        return False
    late = timedelta(seconds=delay)
    return event.period.overlaps(Period(incident.period.start + late, fate.ended + late + LATE))


def fits(event: Event, raised: datetime, fate: Fate) -> bool:
    """Say whether an event is moreover about what the incident is about."""
    incident = fate.incident
    if not matches(event, raised, fate):
        return False
    if incident.kind == "silent":
        return event.kind == "silence" and event.subject == incident.subject
    if incident.kind == "falsified":
        return event.kind == "pattern" and event.subject == incident.subject
    return event.kind != "silence" and event.pollutant in {*incident.pollutants, *(incident.amounts or {})}


def _judge(fate: Fate, events: list[Raised], rankings: list[Suspects], cases: list[Case]) -> Judged:
    matching = tuple(row for row in events if matches(*row, fate))
    fitting = tuple(row for row in matching if fits(*row, fate))
    refs = {event.ref for event, _ in matching}
    opened = [case.opened for case in cases if refs & set(case.sources)]
    answers = (_answer(event, rankings, fate.ended + LATE) for event, _ in fitting)
    answer = next((found for found in answers if found is not None), None)
    return Judged(fate, matching, fitting, answer, min(opened, default=None))


def _answer(event: Event, rankings: list[Suspects], until: datetime) -> Answer | None:
    made = [r for r in rankings if r.event == event.ref and r.period.end <= until]
    if made:
        last = max(made, key=lambda r: (r.period.end, r.id))
        if last.cannot_tell:
            return Answer(())
        return Answer(tuple((s.source, s.probability) for s in last.ranked), last.none_of_listed, last.regional)
    return Answer(((event.subject, 1.0),)) if event.subject.kind == "outlet" else None


def _shares(city: City, judged: list[Judged]) -> dict[str, Share]:
    listed = [j for j in judged if j.fate.incident.source is not None]
    hidden = [j for j in judged if j.fate.incident.hidden]
    regional = [j for j in judged if j.fate.incident.kind == "regional"]

    def share(rows: list[Judged], hit: Callable[[Judged], bool]) -> Share:
        return sum(hit(row) for row in rows), len(rows)

    return {
        "found": share(judged, lambda j: bool(j.matching)),
        "found_strict": share(judged, lambda j: bool(j.fitting)),
        "top1": share(listed, lambda j: _in_top(j, 1)),
        "top3": share(listed, lambda j: _in_top(j, 3)),
        "top1_gate": share(listed, lambda j: _gate_in_top(city, j, 1)),
        "top3_gate": share(listed, lambda j: _gate_in_top(city, j, 3)),
        "none_of_listed_right": share(hidden, lambda j: j.answer is not None and _leads(j.answer, "none_of_listed")),
        "regional_right": share(regional, lambda j: j.answer is not None and _leads(j.answer, "regional")),
    }


def _in_top(judged: Judged, places: int) -> bool:
    source = judged.fate.incident.source
    return judged.answer is not None and source in [ref for ref, _ in judged.answer.listed[:places]]


def _gate_in_top(city: City, judged: Judged, places: int) -> bool:
    """The same where any stack of the right enterprise counts: stacks side by side cast one plume."""
    source = judged.fate.incident.source
    gates = [] if judged.answer is None else [city.plan.gate_of(ref) for ref, _ in judged.answer.listed]
    return city.plan.gate_of(source) in list(dict.fromkeys(gates))[:places]


def _leads(answer: Answer, row: str) -> bool:
    probability = float(getattr(answer, row))
    return probability > 0 and probability >= answer.greatest


def _share(share: Share) -> float | None:
    hits, of = share
    return round(hits / of, 4) if of else None


def _verdicts(cases: list[Case], effects: Iterable[Effect]) -> dict[str, float | None]:
    told = [verdict for verdict in _effect_of(cases, effects).values() if verdict != "cannot_tell"]
    return {
        "done": _share((sum(case.done is not None for case in cases), len(cases))),
        "fixed": _share((sum(case.fixed is not None and case.fixed.value == "fixed" for case in cases), len(cases))),
        "effective": _share((told.count("effective"), len(told))),
    }


def _effect_of(cases: list[Case], effects: Iterable[Effect]) -> dict[Ref, str]:
    """Verdict of effect by case; what the case itself carries goes before a loose effect."""
    known = {case.ref for case in cases}
    found = {effect.case: str(effect.verdict) for effect in effects if effect.case in known}
    return found | {case.ref: case.effective.value for case in cases if case.effective is not None}


def _effective_right(judged: list[Judged], cases: list[Case], effects: Iterable[Effect]) -> Share:
    """Of the cases of an emission with an effect that can be told: how many tell what happened, stopped or not."""
    verdicts, right, of = _effect_of(cases, effects), 0, 0
    for case in cases:
        verdict = verdicts.get(case.ref, "cannot_tell")
        about = [j for j in judged if {e.ref for e, _ in j.fitting} & set(case.sources)]
        about = [j for j in about if j.fate.incident.amounts]
        if verdict != "cannot_tell" and about:
            of += 1
            right += (verdict == "effective") == any(j.fate.stopped for j in about)
    return right, of


def _minutes(judged: list[Judged]) -> dict[str, float | None]:
    def middle(found: list[timedelta]) -> float | None:
        return round(median(wait.total_seconds() for wait in found) / 60, 1) if found else None

    warned = [j.matching[0][1] - j.fate.incident.period.start for j in judged if j.matching]
    opened = [j.case_opened - j.fate.incident.period.start for j in judged if j.case_opened is not None]
    return {"minutes_to_warning_median": middle(warned), "minutes_to_case_median": middle(opened)}


def _false_alarms(city: City, events: list[Raised], right: Callable[[Event, datetime, Fate], bool]) -> float:
    fates = city.reveal()
    station_days = len(air_stations(city.plan)) * city.plan.hours / 24
    wrong = sum(not any(right(event, raised, fate) for fate in fates) for event, raised in events)
    return round(wrong / station_days, 4)


def _caused(city: City, event: Event, raised: datetime, fate: Fate) -> bool:
    """Say whether an event belongs to an incident or stands where the incident really raised the value."""
    if belongs(event, raised, fate):
        return True
    return city.raised_by(fate.incident, event.subject, event.pollutant, event.period) >= CAUSED.get(
        event.pollutant, 5.0
    )


def _tonnes_per_hour(city: City) -> float | None:
    if city.officer_hours == 0:
        return None
    cut = sum(
        fate.incident.tonnes_per_hour * (fate.incident.period.end - fate.ended).total_seconds() / 3600
        for fate in city.reveal()
        if fate.stopped
    )
    return round(cut / city.officer_hours, 4)


def _by_kind(judged: list[Judged]) -> dict[str, dict[str, int]]:
    kinds: dict[str, dict[str, int]] = {}
    for row in judged:
        counts = kinds.setdefault(
            row.fate.incident.kind, {"planted": 0, "found": 0, "found_strict": 0, "top1": 0, "top3": 0, "stopped": 0}
        )
        counts["planted"] += 1
        counts["found"] += bool(row.matching)
        counts["found_strict"] += bool(row.fitting)
        counts["top1"] += _in_top(row, 1)
        counts["top3"] += _in_top(row, 3)
        counts["stopped"] += row.fate.stopped
    return dict(sorted(kinds.items()))


def _rows(judged: list[Judged]) -> list[tuple[float, bool]]:
    """Every probability of the deciding rankings of emissions, with whether its row was right."""
    rows = []
    for row in judged:
        incident, answer = row.fate.incident, row.answer
        if answer is None or not answer.greatest or incident.kind not in EMITTING:
            continue
        rows += [(probability, ref == incident.source) for ref, probability in answer.listed]
        rows += [(answer.none_of_listed, incident.hidden), (answer.regional, incident.kind == "regional")]
    return rows
