"""Effects with a known truth: a source that stops, halves, goes on, or never was."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bihuan.core import Effect, Period, Series, Weather, text
from bihuan.verification import ACUTE, effect, effect_at_outlet
from tests.verification.scenes import CASE, PLACE, START, Scene, incident, make


def judge(scene: Scene, **changes: object) -> Effect:
    given = {
        "observations": scene.observations,
        "source_place": PLACE,
        "weather": scene.weather,
        "before": scene.before,
        "after": scene.after,
    } | changes
    return effect(CASE, "pm10", **given)  # type: ignore[arg-type]


def verdicts(count: int, first: int = 5000, **how: float) -> Counter[str]:
    """Verdicts on seeds the method was not built on (it was on 0 to 299)."""
    return Counter(judge(make(seed, **how)).verdict for seed in range(first, first + count))


def test_a_source_that_stopped_is_found_effective() -> None:
    assert verdicts(40, left=0.0)["effective"] >= 36


def test_a_source_cut_to_a_fifth_is_mostly_found_effective() -> None:
    assert verdicts(40, left=0.2)["effective"] >= 32


def test_nothing_changed_is_hardly_ever_called_effective() -> None:
    """Measured over 400 seeds: 4 %; one side of the 90 % interval allows 5 %, and 8 of 60 would be bad luck."""
    assert verdicts(60, left=1.0)["effective"] <= 7


@pytest.mark.long
@pytest.mark.parametrize("rate", [20.0, 5.0, 0.01])
def test_nothing_changed_is_called_effective_in_at_most_one_of_twenty(rate: float) -> None:
    assert verdicts(400, left=1.0, rate=rate)["effective"] <= 0.05 * 400


def test_the_interval_holds_the_true_change_most_of_the_time() -> None:
    """A stopped source takes away its whole excess: the truth is the mean excess before."""
    held = 0
    for seed in range(40):
        with_source, without = judge(make(seed, left=0.0)), judge(make(seed, left=0.0, rate=1e-6))
        truth = without.change - with_source.before + without.before  # type: ignore[operator]
        held += with_source.low <= truth <= with_source.high  # type: ignore[operator]
    assert held >= 34


def test_the_same_question_has_the_same_answer_whatever_the_order() -> None:
    scene = make(3, left=0.2)
    assert judge(scene) == judge(scene, observations=scene.observations[::-1])


def test_the_answer_explains_itself() -> None:
    found = judge(make(4, left=0.0))
    assert found.change == pytest.approx(found.after - found.before)  # type: ignore[operator]
    assert found.low < found.change < found.high  # type: ignore[operator]
    assert [ref.id for ref in found.inputs] == [f"S{i}" for i in range(9)]
    assert found.method == "downwind-excess/1"


def test_without_a_place_nothing_can_be_told() -> None:
    assert judge(make(1, left=0.0), source_place=None).reason == "no_place"


def test_two_stations_are_too_few() -> None:
    scene = make(1, left=0.0)
    assert judge(scene, observations=scene.observations[:2]).reason == "no_stations"


def test_a_wind_that_never_came_from_there_is_said() -> None:
    scene = make(1, left=0.0)
    calm = scene.weather.wind_speed.copy()
    half = len(calm) // 2
    calm[half:] = 0.1
    assert judge(scene, weather=replace(scene.weather, wind_speed=calm)).reason == "few_after"
    calm = np.full_like(calm, 0.1)
    assert judge(scene, weather=replace(scene.weather, wind_speed=calm)).reason == "few_before"


def test_weather_that_is_too_different_is_said() -> None:
    scene = make(1, left=0.0)
    speed = np.where(np.arange(len(scene.weather)) < len(scene.weather) // 2, 1.5, 5.0)
    assert judge(scene, weather=replace(scene.weather, wind_speed=speed)).reason == "weather_differs"


def test_where_nothing_rose_nothing_can_fall() -> None:
    reasons = Counter(judge(make(seed, left=1.0, rate=1e-6)).reason for seed in range(20))
    assert reasons["no_rise_before"] >= 15


def test_a_missing_wind_is_not_a_wind() -> None:
    scene = make(1, left=0.0)
    missing = np.full(len(scene.weather), np.nan)
    weather: Weather = replace(scene.weather, wind_speed=missing, wind_from=missing)
    assert judge(scene, weather=weather).reason == "few_before"


def outlet(values: np.ndarray) -> tuple[Series, Period, Period]:
    start = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(len(values)) * np.timedelta64(1, "h")
    series = Series("outlet:DA001", "so2", "hour", start, start + np.timedelta64(1, "h"), values, np.isfinite(values))
    middle = START + timedelta(hours=len(values) // 2)
    return series, Period(START, middle), Period(middle, START + timedelta(hours=len(values)))


def outlet_values(before: float, after: float, hours: int = 96) -> np.ndarray:
    noise = np.random.default_rng(1).normal(1, 0.1, hours)
    return np.where(np.arange(hours) < hours // 2, before, after) * noise


def test_an_outlet_back_under_its_limit_is_effective() -> None:
    found = effect_at_outlet(CASE, outlet(outlet_values(80, 20))[0], 35.0, *outlet(outlet_values(80, 20))[1:])
    assert found.verdict == "effective"
    assert found.change == pytest.approx(-60, abs=3)


def test_an_outlet_that_fell_but_still_exceeds_is_not_effective() -> None:
    series, before, after = outlet(outlet_values(80, 50))
    assert effect_at_outlet(CASE, series, 35.0, before, after).verdict == "not_effective"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (outlet_values(20, 20), "not_over_before"),
        (np.where(np.arange(96) < 40, np.nan, 50.0), "few_hours_before"),
        (np.where(np.arange(96) > 52, np.nan, 50.0), "few_hours_after"),
        (np.where(np.arange(96) == 3, 50.0, 30.0), "too_uncertain"),
    ],
)
def test_an_outlet_that_cannot_be_judged_says_why(values: np.ndarray, reason: str) -> None:
    series, before, after = outlet(values)
    found = effect_at_outlet(CASE, series, 35.0, before, after)
    assert (found.verdict, found.reason) == ("cannot_tell", reason)
    assert text(f"effect.{reason}", "zh") != text(f"effect.{reason}", "en")


def acute(seed: int, *, stops: bool) -> str:
    scene = incident(seed, stops=stops)
    periods = (scene.before, scene.after)
    return effect(CASE, "pm10", scene.observations, PLACE, scene.weather, *periods, ACUTE).verdict


def test_an_incident_that_was_stopped_is_mostly_seen_to_have_ended() -> None:
    found = Counter(acute(seed, stops=True) for seed in range(40))
    assert found["effective"] >= 20
    assert found["not_effective"] <= 1


def test_an_incident_that_goes_on_is_seldom_called_ended() -> None:
    found = Counter(acute(seed, stops=False) for seed in range(40))
    assert found["effective"] <= 4  # one side of a 90 % interval
