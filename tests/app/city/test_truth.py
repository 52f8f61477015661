"""The hidden truth: what is planted, how far the register is off, and that rough mode only gets harder."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from bihuan.app.city.draws import table
from bihuan.app.city.incidents import disturb, draw_truth
from bihuan.app.city.plan import plan_city
from bihuan.app.city.sky import seen_weather, true_weather
from bihuan.app.city.truth import lay_truth
from bihuan.core import CHINA, local_date
from bihuan.register import sources

SIX = {"night_stack", "dust_site", "hidden_source", "regional", "falsified", "silent"}


@pytest.mark.parametrize(("seed", "rough"), [(1, False), (2, False), (3, False), (4, False), (5, False), (2, True)])
def test_two_days_hold_a_dozen_incidents_and_two_of_each_kind_told_apart(seed: int, rough: bool) -> None:
    incidents = draw_truth(plan_city(seed, rough=rough)).incidents
    kinds = Counter(incident.kind for incident in incidents)
    assert len(incidents) >= 12
    assert all(kinds[kind] >= 2 for kind in SIX)
    assert not any(disturb(one, other) for one, other in combinations(incidents, 2))
    assert len({incident.id for incident in incidents}) == len(incidents)


@pytest.mark.long
@pytest.mark.parametrize("rough", [False, True])
@pytest.mark.parametrize("seed", range(1, 21))
def test_every_seed_of_development_holds_two_of_each_kind(seed: int, rough: bool) -> None:
    kinds = Counter(incident.kind for incident in draw_truth(plan_city(seed, rough=rough)).incidents)
    assert all(kinds[kind] >= 2 for kind in SIX)


def test_the_number_of_incidents_grows_with_the_hours() -> None:
    short, long = (len(draw_truth(plan_city(4, hours)).incidents) for hours in (24, 48))
    assert long > short >= 6


def test_every_incident_says_what_it_is() -> None:
    plan = plan_city(1)
    for incident in draw_truth(plan).incidents:
        assert plan.start <= incident.period.start < incident.period.end <= plan.end
        emits = incident.kind in {"night_stack", "dust_site", "hidden_source", "water_outfall"}
        assert bool(incident.amounts) == emits
        assert (incident.source is not None) == (emits and incident.kind != "hidden_source")
        assert (incident.subject is not None) == (incident.kind in {"falsified", "silent"})
        assert incident.hidden == (incident.kind == "hidden_source")
        if emits:
            assert min(incident.amounts.values()) > 0
            assert 0 < incident.tonnes_per_hour < 0.5


def test_stacks_misbehave_at_night_and_some_monitors_hide_it() -> None:
    stacks = [i for i in draw_truth(plan_city(1)).incidents if i.kind == "night_stack"]
    hours = [incident.period.start.astimezone(CHINA).hour for incident in stacks]
    assert all(hour >= 20 or hour < 3 for hour in hours)
    assert {incident.honest for incident in stacks} == {True, False}


def test_the_register_is_right_in_easy_mode_and_off_in_rough_mode_as_the_table_says() -> None:
    plan = plan_city(1)
    listed = sources(plan.register, local_date(plan.start))
    assert lay_truth(plan).sources == listed
    off_east, ratios = [], []
    for seed in (1, 2, 3):
        plan = plan_city(seed, rough=True)
        known = sources(plan.register, local_date(plan.start))
        for one, true in zip(known, lay_truth(plan).sources, strict=True):
            (a, b), _ = plan.plane.forward([one.place.lon, true.place.lon], [one.place.lat, true.place.lat])
            off_east.append(b - a)
            ratios.append(true.rates["pm10"] / one.rates["pm10"])
    assert np.std(off_east) == pytest.approx(50, rel=0.12)
    assert np.exp(np.std(np.log(ratios))) == pytest.approx(2.0, rel=0.12)


def test_the_weather_told_in_rough_mode_is_off_as_the_table_says() -> None:
    turns, factors, steps = [], [], []
    for seed in range(1, 21):
        plan = plan_city(seed)
        true = true_weather(seed, plan.start, 48, plan.centre)
        told = seen_weather(seed, true, rough=True)
        turns.append((told.wind_from - true.wind_from + 180) % 360 - 180)
        factors.append(np.log(told.wind_speed / true.wind_speed))
        steps.append(told.stability - true.stability)
        assert seen_weather(seed, true, rough=False) is true
    assert np.std(turns) == pytest.approx(20, rel=0.15)
    assert np.exp(np.std(factors)) == pytest.approx(1.35, rel=0.15)
    assert set(np.concatenate(steps).tolist()) == {-1, 0, 1}


def test_the_true_wind_of_rough_mode_differs_from_place_to_place() -> None:
    truth = lay_truth(plan_city(1, rough=True))
    assert truth.wind is not None
    turned = (truth.wind.wind_from - truth.wind.wind_from.mean(axis=1, keepdims=True) + 180) % 360 - 180
    assert 5 < np.std(turned) < 40
    assert lay_truth(plan_city(1)).wind is None


def test_rough_mode_may_only_get_harder() -> None:
    """The figures of house plan section 5, as they stood when the file was written."""
    rough = table("rough")
    assert rough["weather"]["direction_sd"] >= 20
    assert rough["weather"]["speed_factor"] >= 1.35
    assert rough["weather"]["error_memory"] >= 3
    assert rough["weather"]["stability_step"] >= 1
    assert rough["space"]["direction_sd"] >= 15
    assert rough["space"]["speed_sd"] >= 0.2
    assert rough["space"]["length"] <= 8
    assert rough["space"]["memory"] <= 3
    assert rough["register"] == {
        "rate_factor": max(2.0, rough["register"]["rate_factor"]),
        "position_sd": max(50.0, rough["register"]["position_sd"]),
        "profile_shift": max(2, rough["register"]["profile_shift"]),
    }
    assert rough["background"]["sd"] >= 0.25
    assert rough["background"]["memory"] <= 6
