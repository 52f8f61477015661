"""What a ranking must hold whatever the weather."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bihuan.core import Event, Period, Ref, SettingError, Suspects, Tracer, content_id, from_json, text, to_json
from bihuan.physics import GaussianPlume, block_weather
from bihuan.tracing import PlumeTracer, TraceSettings, explain_suspect, read_scene
from tests.tracing.scenes import ONSET, PLANE, START, STEP, Scene, make

TRACER: Tracer = PlumeTracer(GaussianPlume(PLANE), PLANE)
CLEAR = make(201, rough=False, stations=25, stacks=40, patches=10)


def rank(scene: Scene, **changes: object) -> Suspects:
    given = {
        "event": scene.event,
        "observations": scene.observations,
        "candidates": scene.candidates,
        "meteorology": scene.weather,
    } | changes
    return TRACER.rank(**given)  # type: ignore[arg-type]


def total(found: Suspects) -> float:
    return sum(row.probability for row in found.ranked) + found.none_of_listed + found.regional


def test_the_culprit_of_a_clear_scene_comes_first_with_its_reasons() -> None:
    found = rank(CLEAR)
    first = found.ranked[0]
    assert first.source == CLEAR.culprit
    assert first.probability > 0.4
    assert first.rate_low < CLEAR.rate < first.rate_high  # type: ignore[operator]
    assert first.rate_low < first.rate < first.rate_high  # type: ignore[operator]
    onset = START + timedelta(seconds=ONSET * STEP)
    assert first.hours
    assert all(hours.end > onset for hours in first.hours)
    assert first.distance < 5000  # type: ignore[operator]
    assert found.cannot_tell == ""


def test_the_wind_of_a_suspect_points_from_the_station_to_it() -> None:
    first = rank(CLEAR).ranked[0]
    assert CLEAR.event
    assert CLEAR.event.place
    bearing = CLEAR.event.place.bearing(first.place)  # type: ignore[arg-type]
    assert abs((first.wind_from - bearing + 180) % 360 - 180) < 30  # type: ignore[operator]


@pytest.mark.parametrize("truth", ["listed", "hidden", "regional"])
def test_all_rows_add_up_to_one_and_are_sorted(truth: str) -> None:
    found = rank(make(203, rough=True, truth=truth, stacks=60))  # type: ignore[arg-type]
    assert total(found) == pytest.approx(1.0)
    chances = [row.probability for row in found.ranked]
    assert chances == sorted(chances, reverse=True)
    assert len(found.ranked) == TraceSettings().listed


def test_the_same_question_has_the_same_answer_in_any_order() -> None:
    again = rank(CLEAR, observations=CLEAR.observations[::-1], candidates=CLEAR.candidates[::-1])
    assert again == rank(CLEAR)
    assert to_json(again) == to_json(rank(CLEAR))
    assert from_json(to_json(again), Suspects) == again


def test_the_id_comes_from_event_method_and_period() -> None:
    found = rank(CLEAR)
    assert found.id == content_id("e", "plume-tracer/2 gaussian-plume/1", found.period)
    assert found.event == Ref("event", "e")
    assert Ref("station", "S00") in found.inputs


def test_a_source_cleared_by_an_officer_is_out_and_one_found_guilty_gains() -> None:
    culprit = CLEAR.culprit
    assert culprit
    cleared = rank(CLEAR, prior={culprit: 0.0})
    assert all(row.probability == 0 for row in cleared.ranked if row.source == culprit)
    second = rank(CLEAR).ranked[1].source
    gained = next(row for row in rank(CLEAR, prior={second: 20.0}).ranked if row.source == second)
    assert gained.probability > rank(CLEAR).ranked[1].probability


def test_a_hidden_source_is_none_of_the_listed() -> None:
    scene = make(204, rough=False, truth="hidden", stacks=40, patches=10)
    found = rank(scene)
    assert found.none_of_listed > 0.5
    assert found.none_of_listed > found.ranked[0].probability


def test_a_rise_of_the_whole_region_is_regional() -> None:
    found = rank(make(204, rough=True, truth="regional", stacks=40))
    assert found.regional > 0.5


def test_without_candidates_it_is_none_of_the_listed() -> None:
    found = rank(CLEAR, candidates=[])
    assert found.ranked == ()
    assert found.none_of_listed + found.regional == pytest.approx(1.0)


def test_the_city_scale_unit_mg_is_heeded() -> None:
    """CO is in mg/m3: the same scene in mg gives the same odds."""
    event = replace(CLEAR.event, pollutant="co")  # type: ignore[type-var]
    series = [replace(s, pollutant="co", value=s.value / 1000) for s in CLEAR.observations]
    sources = [replace(s, rates={"co": s.rates["pm10"]}) for s in CLEAR.candidates]
    found = rank(CLEAR, event=event, observations=series, candidates=sources)
    assert found.ranked[0].source == CLEAR.culprit
    assert found.ranked[0].probability == pytest.approx(rank(CLEAR).ranked[0].probability, rel=1e-6)


def test_hourly_values_serve_too() -> None:
    hourly = [
        replace(
            s,
            interval="hour",
            start=s.start[::12],
            end=s.end[11::12],
            value=np.nanmean(s.value.reshape(-1, 12), axis=1),
            usable=np.ones(len(s) // 12, bool),
        )
        for s in CLEAR.observations
    ]
    begin = START + timedelta(hours=4)
    event = replace(CLEAR.event, period=Period(begin, begin + timedelta(hours=2)))  # type: ignore[type-var]
    found = rank(CLEAR, event=event, observations=hourly)
    assert CLEAR.culprit in [row.source for row in found.ranked[:3]]


def silenced(scene: Scene, site: str) -> list[object]:
    return [replace(s, usable=np.zeros(len(s), bool)) if s.site == site else s for s in scene.observations]


def test_what_cannot_be_told_is_said_with_wide_odds() -> None:
    full = np.ones(len(CLEAR.weather))
    subject = str(CLEAR.event.subject)  # type: ignore[union-attr]
    own = next(s for s in CLEAR.observations if s.site == subject)
    late = own.start < np.datetime64((START + timedelta(hours=4, minutes=15)).replace(tzinfo=None), "us")
    others = [s for s in CLEAR.observations if s.site != subject]
    flat = [replace(s, value=np.full(len(s), 50.0)) for s in CLEAR.observations]
    cases: dict[str, dict[str, object]] = {
        "no_data": {"observations": []},
        "few_stations": {"observations": CLEAR.observations[:2]},
        "gaps": {"observations": [replace(own, usable=late), *others]},
        "calm": {"meteorology": replace(CLEAR.weather, wind_speed=0.2 * full)},
        "no_wind": {"meteorology": replace(CLEAR.weather, wind_speed=np.nan * full)},
        "flat": {"observations": flat},
    }
    for reason, changes in cases.items():
        found = rank(CLEAR, **changes)
        assert found.cannot_tell == reason
        assert total(found) == pytest.approx(1.0)
        assert all(row.probability < 0.5 for row in found.ranked)
        for language in ("zh", "en"):
            assert text(f"tracing.{reason}", language)  # type: ignore[arg-type]


def test_a_station_that_went_dead_is_left_out() -> None:
    site = next(s.site for s in CLEAR.observations if s.site != str(CLEAR.event.subject))  # type: ignore[union-attr]
    assert rank(CLEAR, observations=silenced(CLEAR, site)).ranked[0].source == CLEAR.culprit


def test_an_event_of_one_short_period_can_be_traced() -> None:
    period = CLEAR.event.period  # type: ignore[union-attr]
    event: Event = replace(CLEAR.event, period=Period(period.start, period.start + timedelta(minutes=20)))  # type: ignore[type-var]
    assert total(rank(CLEAR, event=event)) == pytest.approx(1.0)


def test_a_suspect_is_explained_in_both_languages() -> None:
    first = rank(CLEAR).ranked[0]
    chinese, english = explain_suspect(first), explain_suspect(first, "en")
    assert first.name in chinese
    assert first.name in english
    assert "g/s" in english
    assert f"{100 * first.probability:.0f}" in chinese
    last = replace(first, hours=(), wind_from=None)
    assert text("tracing.no_hours", "en") in explain_suspect(last, "en")
    assert explain_suspect(replace(last, distance=None), "en").count("km") == 0


@pytest.mark.parametrize(
    "changes",
    [{"memory": 0.0}, {"hidden_share": 1.0}, {"block": float("nan")}, {"hidden_share": 0.6, "regional_share": 0.5}],
)
def test_a_setting_out_of_range_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(SettingError, match="tracing setting"):
        TraceSettings(**changes)  # type: ignore[arg-type]


def test_a_rise_of_the_network_is_regional_whatever_a_plume_explains_at_one_station() -> None:
    assert CLEAR.event
    found = rank(CLEAR, event=replace(CLEAR.event, subject=Ref("city", "990100")))
    assert found.regional >= 0.85 > rank(CLEAR).regional


def test_the_more_looks_share_their_errors_the_less_they_say() -> None:
    def told(shared: float) -> float:
        """The strongest evidence for any candidate against background alone, in logarithms."""
        tracer = PlumeTracer(GaussianPlume(PLANE), PLANE, TraceSettings(shared=shared))
        assert CLEAR.event
        seen = read_scene(CLEAR.event, CLEAR.observations, PLANE, tracer.settings)
        assert seen
        weather = block_weather(CLEAR.weather, seen.start, seen.step, back=seen.step)
        rates = tracer.hidden_rates(CLEAR.candidates, CLEAR.candidates, CLEAR.event.pollutant)
        return float(tracer.weigh(seen, CLEAR.candidates, weather, rates, "ug/m3", "").total.max())

    assert told(0.0) > told(0.2) > told(0.8) > 0
    with pytest.raises(SettingError, match="shared"):
        TraceSettings(shared=1.0)
