"""Which listed sources released, when and how much: made-up minutes with a known truth, and a real week."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from bihuan.core import InputError, SettingError
from bihuan.tracing import Evidence, ReleaseSettings, SiteRecord, detect, follow, invert
from bihuan.tracing.course import _turning
from bihuan.tracing.record import excess_of, without_common
from bihuan.tracing.releases import subsets
from bihuan.tracing.response import SECTORS, Response

MINUTES, SENSORS, SOURCES = 1440, 8, 4
START = np.datetime64("2026-01-10T00:00", "m")


def record(rates: dict[int, tuple[int, int, float]], seed: int = 1, scatter: float = 0.05) -> SiteRecord:
    """Sources in a square inside a ring of sensors, a wind that turns; `rates` maps a source to (first, last, rate)."""
    rng = np.random.default_rng(seed)
    places = 40.0 * np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
    ring = 2 * np.pi * np.arange(SENSORS) / SENSORS
    sensors = 110 * np.column_stack([np.cos(ring), np.sin(ring)])
    towards = np.cumsum(rng.normal(0, 0.12, MINUTES)) + rng.normal(0, 0.1, MINUTES)
    away = sensors[None, None] - places[:, None, None]  # (sources, 1, sensors, 2)
    along = away[..., 0] * np.cos(towards)[:, None] + away[..., 1] * np.sin(towards)[:, None]
    across = away[..., 1] * np.cos(towards)[:, None] - away[..., 0] * np.sin(towards)[:, None]
    unit = np.where(along > 5, np.exp(-0.5 * (across / (0.2 * np.maximum(along, 5))) ** 2) * 100 / along.clip(5), 0.0)
    values = 2.0 + 0.1 * rng.normal(size=SENSORS) + scatter * rng.normal(size=(MINUTES, SENSORS))
    for source, (first, last, rate) in rates.items():
        values[first:last] += rate * unit[source, first:last] * rng.lognormal(0, 0.3, (last - first, SENSORS))
    names = tuple("ABCD")
    return SiteRecord(START + np.arange(MINUTES), values, unit, tuple(f"S{i}" for i in range(SENSORS)), names)


def blowing() -> np.ndarray:
    """The wind of `record` with its default seed, 3 m/s."""
    rng = np.random.default_rng(1)
    towards = np.cumsum(rng.normal(0, 0.12, MINUTES)) + rng.normal(0, 0.1, MINUTES)
    return 3.0 * np.column_stack([np.cos(towards), np.sin(towards)])


def minutes(first: int, last: int) -> np.ndarray:
    return np.arange(first, last)


def test_a_single_release_is_located_with_its_rate_inside_the_interval() -> None:
    found = invert(Evidence(record({2: (600, 780, 1.5)})), minutes(600, 780))
    assert found.sources[found.first] == "C"
    assert found.probability[2] > 0.9
    assert found.rate[2] == pytest.approx(1.5, rel=0.35)
    assert found.low[2] < 1.5 < found.high[2]
    assert found.cannot_tell == ""
    assert found.combinations[0][0] == ("C",)


def test_two_sources_at_once_are_the_likeliest_combination() -> None:
    found = invert(Evidence(record({0: (600, 840, 1.5), 3: (600, 840, 2.0)})), minutes(600, 840))
    assert found.combinations[0][0] == ("A", "D")
    assert found.probability[[0, 3]].min() > 0.8
    assert found.probability[[1, 2]].max() < 0.2


def test_where_nothing_is_released_none_is_likeliest_and_it_says_so() -> None:
    found = invert(Evidence(record({})), minutes(600, 780))
    assert found.none > 0.8
    assert found.cannot_tell == "flat"


def test_a_window_that_no_source_would_be_seen_in_cannot_tell_and_keeps_the_prior() -> None:
    made = record({1: (600, 780, 1.5)})
    made.unit[:, 600:780] = 0.0
    found = invert(Evidence(made), minutes(600, 780))
    assert found.cannot_tell == "blind"
    assert np.ptp(found.probability) < 1e-9


def test_a_source_that_cannot_be_seen_is_not_cleared_by_silence() -> None:
    made = record({})
    made.unit[3] = 0.0
    found = invert(Evidence(made), minutes(600, 780))
    assert found.probability[3] > 3 * found.probability[:3].max()


def test_the_evidence_of_a_value_is_its_share_of_the_published_distribution() -> None:
    made = record({1: (600, 780, 1.5)})
    evidence = Evidence(replace(made, values=made.values[:, :3], unit=made.unit[:, :, :3], sensors=("A", "B", "C")))
    s, at = evidence.settings, np.array([650])
    told, unlisted = evidence.of(at)
    value, unit, rate = evidence.excess[650], made.unit[1, 650, :3], np.exp(evidence.rates[6])

    def scale(x: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(x, -s.soft) + s.soft) - np.sqrt(s.soft)

    middle = scale(rate * unit)
    listed = student.logpdf(scale(value), s.freedom, middle, np.hypot(s.noise, s.grows * middle)).sum()
    quiet = student.logpdf(scale(value), s.freedom, 0.0, s.noise).sum()
    wide = student.logpdf(scale(value), s.freedom, 0.0, np.hypot(s.noise, s.loud)).sum()
    assert told[1, 6] == pytest.approx(s.own * (listed - quiet), rel=1e-9)
    assert unlisted == pytest.approx(s.own * (wide - quiet), rel=1e-9)


def test_every_combination_of_one_or_two_is_tried_once() -> None:
    assert subsets(3, 2) == ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
    assert subsets(3, 1) == ((0,), (1,), (2,))


def test_a_rise_that_no_listed_source_explains_is_charged_to_none_of_them() -> None:
    made = record({})
    values = made.values.copy()
    out = made.unit[:, 600:780].max(axis=0) < 0.02  # where nothing listed arrives
    values[600:780][out] += 3.0
    found = invert(Evidence(replace(made, values=values)), minutes(600, 780))
    assert found.none > 0.8
    assert found.probability.max() < 0.2


def test_a_source_is_named_only_where_the_wind_as_measured_lets_a_sensor_bear_witness() -> None:
    made = replace(record({2: (600, 780, 1.5)}), wind=blowing())
    unit = made.unit.copy()
    unit[2, 700:715] = 0.0  # the vane is off for a while: by it the plume passes between the sensors
    off = replace(made, unit=unit)
    found = invert(Evidence(off), minutes(700, 715))
    assert found.first == 2
    assert found.cannot_tell == "blind"
    assert invert(Evidence(made), minutes(700, 715)).cannot_tell == ""


def test_what_is_known_by_direction_gives_back_a_plume_that_depends_on_it_alone() -> None:
    turn = np.linspace(0, 20 * np.pi, MINUTES)
    wind = 2.0 * np.column_stack([np.cos(turn), np.sin(turn)])
    unit = np.exp(2.0 * (np.cos(turn) - 1.0))[None, :, None] / 2.0
    made = SiteRecord(START + np.arange(MINUTES), np.zeros((MINUTES, 1)), unit, ("S",), ("A",), wind)
    response = Response(made, spread=5.0, turned=8.0, asked=0.1, fewest=1.0, online=False)
    assert response.unit.shape == (5, 1, MINUTES, 1)
    assert np.exp(response.chance).sum() == pytest.approx(1.0)
    assert response.unit[2, 0, 100:, 0] == pytest.approx(unit[0, 100:, 0], abs=0.03)
    # turned by two sectors, it is that of the minute when the wind has turned so far
    later = round(2 * MINUTES / 10 / SECTORS)
    assert response.unit[4, 0, 100:900, 0] == pytest.approx(unit[0, 100 + later : 900 + later, 0], abs=0.06)


def test_what_is_known_by_direction_online_is_unchanged_by_what_comes_later() -> None:
    made = replace(record({}), wind=blowing())
    other = replace(made, unit=np.where(np.arange(MINUTES)[:, None] >= 720, 9.0, made.unit))
    known = [
        Response(one, spread=5.0, turned=8.0, asked=0.1, fewest=5.0, online=True).unit[:, :, :720]
        for one in (made, other)
    ]
    assert np.array_equal(*known)


@pytest.mark.parametrize("wind", [None, np.full((MINUTES, 2), np.nan)])
def test_without_a_wind_the_responses_of_the_minutes_are_used(wind: np.ndarray | None) -> None:
    made = replace(record({2: (600, 780, 1.5)}), wind=wind)
    response = Response(made, spread=5.0, turned=8.0, asked=0.1, fewest=5.0, online=True)
    assert all(np.array_equal(turned, made.unit) for turned in response.unit)
    assert invert(Evidence(made), minutes(600, 780)).first == 2


def test_air_that_rises_at_all_sensors_is_no_plume() -> None:
    drift = 2.0 * np.sin(np.arange(MINUTES) / 200.0)[:, None]
    made = record({})
    higher = replace(made, values=made.values + drift)
    assert detect(follow(Evidence(higher, online=True))) == ()
    left = without_common(excess_of(higher.values, online=True), online=True)
    assert np.nanmedian(np.abs(left[500:])) < 0.1


def test_with_few_sensors_a_release_is_not_taken_for_background() -> None:
    made = record({2: (600, 660, 3.0)})
    two = np.argsort(-made.unit[2, 600:660].sum(axis=0))[:2]
    few = replace(made, values=made.values[:, two], unit=made.unit[:, :, two], sensors=("A", "B"))
    left = without_common(excess_of(few.values, online=False), online=False)
    assert np.nanmax(left[600:660]) > 0.8 * np.nanmax(few.values[600:660] - 2.0)


def test_the_online_course_names_the_source_and_knows_nothing_of_the_future() -> None:
    made = record({1: (600, 840, 1.5)})
    course = follow(Evidence(made, online=True))
    assert int(np.argmax(course.at(700))) == 1
    assert course.running[course.seen <= 590].max() < 0.5
    later = replace(made, values=np.where(np.arange(MINUTES)[:, None] >= 720, 50.0, made.values))
    again = follow(Evidence(later, online=True))
    known = course.seen <= 720
    assert np.array_equal(course.probability[known], again.probability[known])


def test_a_release_is_detected_once_soon_after_it_began() -> None:
    found = detect(follow(Evidence(record({1: (600, 840, 1.5)}), online=True)))
    assert len(found) == 1
    assert 600 < found[0].raised <= 645
    assert 840 <= found[0].cleared < 960


def test_a_release_below_the_least_rate_is_followed_but_raises_no_alarm() -> None:
    evidence = Evidence(record({1: (600, 840, 1.5)}), ReleaseSettings(least_rate=20.0), online=True)
    course = follow(evidence)
    assert course.running[(course.seen > 650) & (course.seen < 830)].min() > 0.9
    assert course.counted.max() < 0.5
    assert detect(course) == ()


def test_a_rate_is_believed_by_the_share_that_the_error_of_the_level_leaves_it() -> None:
    # four hours at one rate show it sharply; of two normal errors of which the sum is seen, the published shares hold
    made, long = record({2: (600, 840, 6.0)}, scatter=0.01), minutes(600, 840)
    exact = ReleaseSettings(rate_error=0.01)
    shown = np.log(invert(Evidence(made, exact), long).rate[2] / exact.typical_rate)
    rough = replace(exact, rate_error=1.2)
    found = invert(Evidence(made, rough), long)
    assert np.log(found.rate[2] / rough.typical_rate) == pytest.approx(0.5 * shown, rel=0.05)
    reach = np.log(found.high[2] / found.low[2]) / 2 / 1.2816
    assert reach == pytest.approx(1.2 * np.sqrt(0.5), rel=0.05)


def test_rates_between_those_that_are_tried_are_told_apart() -> None:
    settings, true = ReleaseSettings(rate_error=0.01), np.array([1.2, 1.5, 1.9, 2.4])  # tried are 0.88, 1.5 and 2.5
    found = [
        invert(Evidence(record({2: (600, 840, rate)}), settings), minutes(600, 840)).rate[2] for rate in true.tolist()
    ]
    assert np.diff(np.log(found)) == pytest.approx(np.diff(np.log(true)), abs=0.06)


def test_with_a_wind_the_plume_may_be_wider_and_without_one_it_is_as_given() -> None:
    made = record({})
    assert len(Evidence(made).unit) == 1
    evidence = Evidence(replace(made, wind=blowing()))
    assert len(evidence.unit) == 10
    assert np.exp(evidence.way).sum() == pytest.approx(1.0)
    narrow, wide = evidence.unit[2, 0], evidence.unit[7, 0]  # not turned
    assert wide.max(axis=0).max() < narrow.max(axis=0).max()
    assert (wide > 0.02).mean() > (narrow > 0.02).mean()


def test_a_quiet_day_raises_no_alarm() -> None:
    assert [len(detect(follow(Evidence(record({}, seed), online=True)))) for seed in range(3)] == [0, 0, 0]


def test_missing_values_and_a_dead_sensor_change_little() -> None:
    made = record({2: (600, 780, 1.5)})
    values = made.values.copy()
    values[np.random.default_rng(1).random(values.shape) < 0.2] = np.nan
    values[:, 4] = np.nan
    found = invert(Evidence(replace(made, values=values)), minutes(600, 780))
    assert found.sources[found.first] == "C"
    assert found.rate[2] == pytest.approx(1.5, rel=0.4)


def test_the_chances_of_what_follows_add_up_to_one() -> None:
    for sources in (1, 5):
        turning = _turning(ReleaseSettings(), sources, np.array([0.25, 0.5, 0.25]))
        assert turning.sum(axis=1) == pytest.approx(np.ones(3 * sources + 2))
        assert turning.min() >= 0


def test_the_level_online_is_unchanged_by_what_comes_later() -> None:
    values = record({}).values
    changed = values.copy()
    changed[900:] += 10
    assert np.array_equal(excess_of(values, online=True)[400:900], excess_of(changed, online=True)[400:900])


def test_records_and_settings_that_cannot_be_are_refused_in_words() -> None:
    made = record({})
    with pytest.raises(InputError, match="does not go on"):
        replace(made, start=np.where(np.arange(MINUTES) > 5, made.start + np.timedelta64(3, "m"), made.start))
    with pytest.raises(InputError, match="of shape"):
        replace(made, unit=made.unit[:2])
    with pytest.raises(InputError, match="no sensor"):
        replace(made, values=np.full_like(made.values, np.nan))
    with pytest.raises(InputError, match="east and north"):
        replace(made, wind=np.zeros(MINUTES))
    with pytest.raises(InputError, match="4 minutes"):
        follow(Evidence(made.until(4), online=True))
    with pytest.raises(SettingError, match="own"):
        ReleaseSettings(own=1.5)
    with pytest.raises(SettingError, match="most_at_once"):
        ReleaseSettings(most_at_once=3)
