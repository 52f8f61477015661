"""The scorer on loops made by hand: what is perfect scores 1, what sees nothing scores 0, and nothing counts twice."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bihuan.app.city import City, Fate, air_stations, calibration, pool, score, wilson
from bihuan.app.city.score import belongs, fits, matches
from bihuan.cases import SYSTEM, Case, Opening, Outcome, open_case
from bihuan.core import Effect, Event, Message, Period, Place, Ref, Suspect, Suspects, local_date
from bihuan.register import Outlet
from tests.app.house_plan import SCORE_KEYS


def event_of(fate: Fate, ident: str, minutes: float = 30.0) -> tuple[Event, datetime]:
    incident = fate.incident
    raised = incident.period.start + timedelta(minutes=minutes)
    kind = {"silent": "silence", "falsified": "pattern"}.get(incident.kind, "limit")
    pollutant = "" if kind == "silence" else incident.pollutants[0]
    subject = incident.subject or Ref("station", "GK01")
    period = Period(incident.period.start, raised)
    event = Event(ident, "r", kind, subject, incident.place, period, pollutant, "note", 1.0, 1.0)
    return event, raised


def ranking_of(fate: Fate, event: Event, made: datetime, right: bool = True) -> Suspects:
    incident = fate.incident
    wrong = [Suspect(Ref("outlet", f"wrong-{k}"), "", None, 0.1) for k in range(3)]
    sure = 0.7 if right else 0.0
    ranked = [Suspect(incident.source, "", None, sure), *wrong] if incident.source else wrong
    ranked.sort(key=lambda row: -row.probability)
    return Suspects(
        f"s-{event.id}-{right}",
        event.ref,
        event.pollutant,
        Period(event.period.start, made),
        tuple(ranked),
        none_of_listed=sure if incident.hidden else 0.01,
        regional=sure if incident.kind == "regional" else 0.01,
    )


def case_of(fate: Fate, event: Event, opened: datetime) -> Case:
    opening = Opening(
        id=f"case-{event.id}",
        kind="issue",
        door="alarm",
        matter="industry",
        title=Message("case.title_limit", {}, {}),
        opened=opened,
        created=opened,
        by=SYSTEM,
        place=fate.incident.place,
        sources=(event.ref,),
    )
    return open_case(opening)


def perfect(city: City) -> dict[str, Any]:
    events, suspects, cases = [], [], []
    for number, fate in enumerate(city.reveal()):
        event, raised = event_of(fate, f"e-{number}")
        events.append((event, raised))
        suspects.append(ranking_of(fate, event, raised + timedelta(minutes=10)))
        case = case_of(fate, event, raised + timedelta(minutes=15))
        by = Outcome("fixed", raised, "verifier")
        worked = Outcome("effective", raised, "system")
        cases.append(replace(case, done=by, fixed=by, effective=worked))
    return score(city, events, suspects, cases)


def test_a_perfect_loop_scores_one(easy: City) -> None:
    result = perfect(easy)
    assert [key for key in result if key in list(SCORE_KEYS)] == list(SCORE_KEYS)
    assert (result["mode"], result["seed"], result["hours"]) == ("easy", 1, 48)
    assert result["incidents"] == len(easy.reveal()) >= 12
    for key in ("found", "top1", "top3", "none_of_listed_right", "found_strict", "regional_right", "top3_gate"):
        assert result[key] == 1.0
    assert result["verdicts"] == {"done": 1.0, "fixed": 1.0, "effective": 1.0}
    assert result["minutes_to_warning_median"] == 30.0
    assert result["minutes_to_case_median"] == 45.0
    assert result["false_alarms_per_station_day"] == 0.0
    assert result["false_alarms_uncaused_per_station_day"] == 0.0


def test_a_loop_that_sees_nothing_scores_zero_and_says_null_where_there_is_nothing_to_judge(easy: City) -> None:
    result = score(easy, [])
    for key in ("found", "top1", "top3", "none_of_listed_right"):
        assert result[key] == 0.0
    assert result["verdicts"] == {"done": None, "fixed": None, "effective": None}
    assert result["minutes_to_warning_median"] is None
    assert result["minutes_to_case_median"] is None
    assert result["false_alarms_per_station_day"] == 0.0
    assert result["tonnes_cut_per_officer_hour"] is None


def test_the_mode_is_named(rough: City) -> None:
    assert score(rough, [])["mode"] == "rough"


def test_an_event_far_off_or_too_late_or_too_early_finds_nothing(easy: City) -> None:
    fate = next(f for f in easy.reveal() if f.incident.kind == "night_stack")
    event, raised = event_of(fate, "e")
    assert matches(event, raised, fate)
    east, north = easy.plan.plane.forward(fate.incident.place.lon, fate.incident.place.lat)
    near, far = (easy.plan.plane.place(float(east) + away, float(north)) for away in (2950.0, 3050.0))
    assert matches(replace(event, place=near), raised, fate)
    assert not matches(replace(event, place=far), raised, fate)
    assert matches(event, fate.ended + timedelta(hours=2), fate)
    assert not matches(event, fate.ended + timedelta(hours=2, seconds=1), fate)
    assert not matches(event, fate.incident.period.start - timedelta(seconds=1), fate)
    stopped = replace(fate, ended=fate.incident.period.start + timedelta(hours=1))
    assert not matches(event, stopped.ended + timedelta(hours=3), stopped)


def test_a_regional_episode_is_found_anywhere_in_the_city_and_by_an_event_of_the_city(easy: City) -> None:
    fate = next(f for f in easy.reveal() if f.incident.kind == "regional")
    event, raised = event_of(fate, "e")
    edge = easy.plan.plane.place(0.0, 14_000.0)
    assert matches(replace(event, place=edge), raised, fate)
    assert matches(replace(event, place=None), raised, fate)
    stack = next(f for f in easy.reveal() if f.incident.kind == "night_stack")
    other, when = event_of(stack, "o")
    assert not matches(replace(other, place=None), when, stack)


def test_an_event_about_something_else_matches_but_does_not_fit(easy: City) -> None:
    fate = next(f for f in easy.reveal() if f.incident.kind == "dust_site")
    event, raised = event_of(fate, "e")
    assert fits(event, raised, fate)
    assert not fits(replace(event, pollutant="o3"), raised, fate)
    assert not fits(replace(event, kind="silence", pollutant=""), raised, fate)
    silent = next(f for f in easy.reveal() if f.incident.kind == "silent")
    event, raised = event_of(silent, "e")
    assert fits(event, raised, silent)
    assert not fits(replace(event, subject=Ref("station", "other")), raised, silent)
    assert matches(replace(event, subject=Ref("station", "other")), raised, silent)


def test_an_event_that_matches_nothing_is_one_false_alarm_whatever_its_updates(easy: City) -> None:
    early = easy.start + timedelta(hours=1)
    place = Place(easy.plan.centre.lon, easy.plan.centre.lat)
    event = Event("f", "r", "limit", Ref("station", "GK01"), place, Period(easy.start, early), "o3", "note", 1.0, 1.0)
    later = replace(event, open=False)
    result = score(easy, [(event, early), (later, early + timedelta(hours=1)), (event, early)])
    station_days = len(air_stations(easy.plan)) * 2
    assert result["false_alarms_per_station_day"] == pytest.approx(1 / station_days, abs=1e-4)
    two = score(easy, [(event, early), (replace(event, id="g"), early)])
    assert two["false_alarms_per_station_day"] == pytest.approx(2 / station_days, abs=1e-4)


def test_a_daily_limit_and_a_section_downstream_belong_to_their_incident_but_do_not_find_it(easy: City) -> None:
    fate = next(f for f in easy.reveal() if f.incident.kind == "water_outfall")
    day = Period(easy.start, easy.start + timedelta(hours=48))
    event, _ = event_of(fate, "day")
    late = fate.ended + timedelta(hours=6)
    outlet = replace(event, subject=fate.incident.source, period=day)
    assert belongs(outlet, late, fate)
    assert not matches(outlet, late, fate)
    section, delay = max(fate.incident.downstream.items(), key=lambda item: item[1])
    passing = fate.incident.period.start + timedelta(seconds=delay + 600)
    seen = Period(passing, passing + timedelta(hours=1))
    far = easy.plan.register.place_of(section, local_date(easy.start))
    there = replace(event, subject=section, place=far, period=seen)
    assert belongs(there, seen.end, fate)
    before = Period(fate.incident.period.start - timedelta(hours=3), fate.incident.period.start)
    assert not belongs(replace(there, period=before), before.start, fate)


def test_an_alarm_beyond_three_kilometres_is_false_but_caused_where_the_plume_really_went(easy: City) -> None:
    stacks = [fate for fate in easy.reveal() if fate.incident.kind == "night_stack"]
    found = []
    for fate in stacks:
        for station in air_stations(easy.plan):
            for hour in range(5, 47):
                period = hour_of(easy, hour)
                event, _ = event_of(fate, "far")
                event = replace(event, subject=Ref("station", station.id), place=station.place, period=period)
                added = easy.raised_by(fate.incident, event.subject, event.pollutant, period)
                if added > 6 and not any(belongs(event, period.end, any_fate) for any_fate in easy.reveal()):
                    found.append((event, period.end))
    assert found
    result = score(easy, found[:1])
    assert result["false_alarms_per_station_day"] > 0
    assert result["false_alarms_uncaused_per_station_day"] == 0.0
    other = [(replace(found[0][0], pollutant="o3"), found[0][1])]
    assert score(easy, other)["false_alarms_uncaused_per_station_day"] > 0


def hour_of(city: City, hour: int) -> Period:
    return Period(city.start + timedelta(hours=hour), city.start + timedelta(hours=hour + 1))


def test_the_last_ranking_of_the_first_fitting_event_decides(easy: City) -> None:
    fate = next(f for f in easy.reveal() if f.incident.kind == "dust_site")
    event, raised = event_of(fate, "a")
    second, later = event_of(fate, "b", 60.0)
    right, wrong = (ranking_of(fate, event, raised + timedelta(minutes=m), good) for m, good in ((5, True), (9, False)))
    of = score(easy, [])["counts"]["top1"][1]
    assert score(easy, [(event, raised)], [right])["counts"]["top1"] == [1, of]
    assert score(easy, [(event, raised)], [right, wrong])["counts"]["top1"] == [0, of]
    assert score(easy, [(event, raised)], [right, wrong])["counts"]["top3"] == [0, of]
    other = ranking_of(fate, second, later + timedelta(minutes=5), True)
    assert score(easy, [(event, raised), (second, later)], [right, wrong, other])["counts"]["top1"] == [0, of]
    assert score(easy, [(event, raised), (second, later)], [other])["counts"]["top1"] == [1, of]
    too_late = ranking_of(fate, event, fate.ended + timedelta(hours=3), True)
    assert score(easy, [(event, raised)], [wrong, too_late])["counts"]["top1"] == [0, of]


def test_an_outlet_over_its_limit_names_itself(easy: City) -> None:
    fate = next(f for f in easy.reveal() if f.incident.kind == "night_stack")
    event, raised = event_of(fate, "a")
    event = replace(event, subject=fate.incident.source)
    assert score(easy, [(event, raised)])["counts"]["top1"][0] == 1


def test_a_neighbouring_stack_of_the_right_enterprise_counts_for_the_gate_only(easy: City) -> None:
    outlets = easy.plan.register.all(Outlet, local_date(easy.start))
    fate, sibling = next(
        (fate, outlet)
        for fate in easy.reveal()
        for outlet in outlets
        if fate.incident.kind == "night_stack" and outlet.id != fate.incident.source.id
        if easy.plan.gate_of(Ref("outlet", outlet.id)) == easy.plan.gate_of(fate.incident.source)
    )
    event, raised = event_of(fate, "a")
    result = score(easy, [(replace(event, subject=Ref("outlet", sibling.id)), raised)])
    assert result["counts"]["top1"][0] == 0
    assert result["counts"]["top1_gate"][0] == 1


def test_effects_count_only_where_they_can_be_told(easy: City) -> None:
    fates = [f for f in easy.reveal() if f.incident.kind in {"night_stack", "dust_site"}][:3]
    pairs = [event_of(fate, f"e{n}") for n, fate in enumerate(fates)]
    cases = [case_of(fate, event, raised) for fate, (event, raised) in zip(fates, pairs, strict=True)]
    verdicts = ("effective", "not_effective", "cannot_tell")
    effects = [
        Effect(f"x{n}", case.ref, "so2", None, None, None, None, None, verdict)  # type: ignore[arg-type]
        for n, (case, verdict) in enumerate(zip(cases, verdicts, strict=True))
    ]
    result = score(easy, pairs, [], cases, effects)
    assert result["verdicts"] == {"done": 0.0, "fixed": 0.0, "effective": 0.5}
    assert result["effective_right"] == 0.5


def test_wilson_interval_of_a_worked_example() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_runs_are_pooled_by_counts(easy: City) -> None:
    pooled = pool([perfect(easy), score(easy, [])])
    assert pooled["found"]["share"] == 0.5
    assert pooled["found"]["of"] == 2 * len(easy.reveal())
    assert pooled["found"]["low"] < 0.5 < pooled["found"]["high"]


def test_calibration_bins_hold_every_row_once() -> None:
    bins = calibration([(0.05, False), (0.62, True), (0.68, False), (1.0, True)])
    assert sum(row["rows"] for row in bins) == 4
    assert bins[1] == {"low": 0.6, "high": 0.7, "rows": 2, "mean": 0.65, "right": 0.5}
    assert bins[2]["low"] == 0.9
