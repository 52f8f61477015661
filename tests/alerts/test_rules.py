"""What each metric finds in a small world, and what it leaves alone."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.alerts import (
    Facts,
    Heard,
    RuleSet,
    RulesState,
    Site,
    default_rules,
    describe,
    kind_words,
    parse_rule,
    sites_of,
    with_rules,
)
from bihuan.alerts.metrics_air import background_without
from bihuan.assessment import outlet_hours
from bihuan.core import Event, Period, Place, Ref, SettingError, Verdict, from_json, to_json
from bihuan.register import Outlet, PermitLimit, Register, Section, Station
from tests.alerts.worlds import CITY, HOUR, QUARTER, T0, latest, rule, run, stations, table


def network(count: int, hours: int, level: float = 60.0, noise: float = 0.06) -> dict[str, np.ndarray]:
    """A diurnal wave that all stations share, with a little noise of their own."""
    rng = np.random.default_rng(11)
    wave = level * (1 + 0.2 * np.sin(np.arange(hours) / 24 * 2 * np.pi))
    return {f"station:S{k:03d}": np.round(wave * (1 + noise * rng.standard_normal(hours)), 1) for k in range(count)}


def quarters(hours: dict[str, np.ndarray], start_hour: int) -> dict[str, np.ndarray]:
    return {site: np.repeat(series[start_hour:], 4) for site, series in hours.items()}


def test_the_background_of_a_station_is_the_median_of_the_others() -> None:
    value = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 7.0], [10.0, 9.0], [np.nan, 1.0]])
    member = np.array([True, True, True, False, True])
    median, count, spread = background_without(value, member)
    for row in range(5):
        others = [k for k in range(5) if k != row and member[k]]
        assert median[row] == pytest.approx(np.nanmedian(value[others], axis=0))
        assert list(count[row]) == list(np.isfinite(value[others]).sum(axis=0))
    pool = value[member]
    assert spread == pytest.approx(1.4826 * np.nanmedian(np.abs(pool - np.nanmedian(pool, axis=0)), axis=0))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**31))
def test_leaving_one_out_agrees_with_leaving_it_out_by_hand(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = rng.integers(0, 6, (rows, columns)).astype(float)
    value[rng.random(value.shape) < 0.3] = np.nan
    member = rng.random(rows) < 0.7
    median, _, _ = background_without(value, member)
    for row in range(rows):
        for column in range(columns):
            pool = [value[k, column] for k in range(rows) if k != row and member[k] and np.isfinite(value[k, column])]
            assert (np.isnan(median[row, column]) and not pool) or median[row, column] == np.median(pool)


def test_a_local_rise_is_found_at_its_station_and_nowhere_else() -> None:
    hours = network(12, 36)
    fine = quarters(hours, 30)
    fine["station:S004"][8:16] += 90
    values = pl.concat([table(hours), table(fine, T0 + 30 * HOUR, QUARTER, interval="minute")])
    rules = RuleSet([rule("local_rise")])
    _, told = run(rules, stations(12), values, T0 + 30 * HOUR, T0 + 36 * HOUR, QUARTER)
    (event,) = latest(told).values()
    assert event.subject == Ref("station", "S004")
    assert (event.kind, event.pollutant, event.open) == ("pattern", "pm25", False)
    assert event.period.start == T0 + 32 * HOUR
    assert event.period.end == T0 + 34 * HOUR
    assert event.value is not None
    assert event.threshold is not None
    assert event.value > event.threshold
    first = min(index for index, e in enumerate(told) if e.open)
    assert first >= 0


def test_a_city_that_rises_together_is_regional_and_no_station_is_named() -> None:
    hours = {site: series.copy() for site, series in network(12, 48).items()}
    for series in hours.values():
        series[40:46] *= 3
    fine = quarters(hours, 36)
    values = pl.concat([table(hours), table(fine, T0 + 36 * HOUR, QUARTER, interval="minute")])
    rules = RuleSet([rule("local_rise"), rule("regional_rise"), rule("regional_rise_minute")])
    _, told = run(rules, stations(12), values, T0 + 38 * HOUR, T0 + 48 * HOUR, QUARTER)
    (event,) = latest(told).values()
    assert event.subject == CITY
    assert event.rule == "regional_rise_minute"
    assert event.period.start == T0 + 40 * HOUR
    assert "区域" in describe(event, rule("regional_rise_minute"), "合成市")


def test_a_network_of_hours_only_is_told_by_its_hours() -> None:
    hours = {site: series.copy() for site, series in network(12, 48).items()}
    for series in hours.values():
        series[40:46] *= 3
    rules = RuleSet([rule("regional_rise"), rule("regional_rise_minute")])
    _, told = run(rules, stations(12), table(hours), T0 + 38 * HOUR, T0 + 48 * HOUR)
    (event,) = latest(told).values()
    assert (event.rule, event.subject, event.period.start) == ("regional_rise", CITY, T0 + 40 * HOUR)


@pytest.mark.parametrize(("known", "noticed"), [(6, True), (2, False)])
def test_a_network_that_is_hours_old_notices_a_rise_and_one_that_is_younger_does_not(known: int, noticed: bool) -> None:
    """The rise begins `known` + 3 hours after the first report; the last three hours are left out of what is usual."""
    onset = known + 3
    hours = {site: series[: onset + 3].copy() for site, series in network(12, 48).items()}
    for series in hours.values():
        series[onset:] *= 3
    fine = quarters(hours, 0)
    values = pl.concat([table(hours), table(fine, T0, QUARTER, interval="minute")])
    _, told = run(RuleSet([rule("regional_rise_minute")]), stations(12), values, T0, T0 + (onset + 1) * HOUR, QUARTER)
    assert {event.subject for event in told} == ({CITY} if noticed else set())


def test_a_station_that_always_stands_high_is_its_own_habit() -> None:
    hours = {site: series.copy() for site, series in network(12, 36).items()}
    hours["station:S003"] *= 1.55
    fine = quarters(hours, 30)
    values = pl.concat([table(hours), table(fine, T0 + 30 * HOUR, QUARTER, interval="minute")])
    _, told = run(RuleSet([rule("local_rise")]), stations(12), values, T0 + 30 * HOUR, T0 + 36 * HOUR, QUARTER)
    assert told == []


def test_a_station_of_hours_only_is_watched_by_the_hourly_rule() -> None:
    hours = {site: series.copy() for site, series in network(12, 36).items()}
    hours["station:S005"][33:35] += 120
    fine = {site: series for site, series in quarters(hours, 30).items() if site != "station:S005"}
    values = pl.concat([table(hours), table(fine, T0 + 30 * HOUR, QUARTER, interval="minute")])
    rules = RuleSet([rule("local_rise"), rule("local_rise_hour")])
    _, told = run(rules, stations(12), values, T0 + 30 * HOUR, T0 + 36 * HOUR, QUARTER)
    assert {(event.rule, event.subject.id) for event in told} == {("local_rise_hour", "S005")}


def test_three_stations_are_no_network() -> None:
    hours = network(3, 36)
    fine = quarters(hours, 30)
    fine["station:S001"][8:16] += 300
    values = pl.concat([table(hours), table(fine, T0 + 30 * HOUR, QUARTER, interval="minute")])
    assert run(RuleSet([rule("local_rise")]), stations(3), values, T0 + 30 * HOUR, T0 + 36 * HOUR, QUARTER)[1] == []


def test_an_hour_limit_of_the_standard_is_an_alarm_only_when_exceeded() -> None:
    series = np.array([150.0, 200.0, 201.0, 240.0, 150.0, 140.0, 130.0])
    values = table({"station:S000": series}, pollutant="o3")
    _, told = run(RuleSet([rule("station_hour_limit")]), stations(1), values, T0 + HOUR, T0 + 8 * HOUR)
    (event,) = latest(told).values()
    assert (event.period.start, event.period.end) == (T0 + 2 * HOUR, T0 + 4 * HOUR)
    assert (event.value, event.threshold, event.kind, event.open) == (240.0, 200.0, "limit", False)


def verdict(kind: str, subject: Ref, hour: int, value: float | None, label: str, pollutant: str = "") -> Verdict:
    period = Period(T0 + hour * HOUR, T0 + (hour + 1) * HOUR)
    items = ((pollutant, value, None), ("limit", 50.0, None)) if pollutant else ()
    ident = f"{kind}-{subject.id}-{hour}"
    return Verdict(ident, kind, subject, period, value, "", label, "s", "c", "confirmed", items)


STACK = Site(Ref("outlet", "DA001"), "outlet", Place(113.6, 34.7))


def stack_hours(*labelled: tuple[float, str]) -> list[Event]:
    verdicts = tuple(verdict("outlet_hour", STACK.ref, k, v, label, "nox") for k, (v, label) in enumerate(labelled))
    last = T0 + len(labelled) * HOUR
    return run(RuleSet([rule("outlet_over")]), (STACK,), table({}), T0 + HOUR, last, verdicts=verdicts)[1]


def test_an_outlet_over_its_permit_is_an_alarm_until_it_complied_twice() -> None:
    over, within = "suspected_over", "within"
    told = stack_hours((40, within), (80, over), (120, over), (45, within), (41, within), (30, within))
    (event,) = latest(told).values()
    assert (event.subject, event.pollutant, event.value, event.threshold) == (STACK.ref, "nox", 120.0, 50.0)
    assert (event.period.start, event.period.end, event.open) == (T0 + HOUR, T0 + 3 * HOUR, False)
    assert set(map(str, event.inputs)) == {"verdict:outlet_hour-DA001-1", "verdict:outlet_hour-DA001-2"}
    words = describe(event, rule("outlet_over"), "1号烟囱")
    assert "疑似超标" in words
    assert "违法" not in words


def test_hours_that_are_no_evidence_neither_raise_nor_end_an_alarm() -> None:
    assert stack_hours((400, "not_evidence"), (400, "not_evidence")) == []
    told = stack_hours((80, "suspected_over"), *[(10, "not_evidence")] * 6)
    assert latest(told)[told[0].id].open


def test_a_verdict_that_comes_after_those_of_other_outlets_is_not_lost() -> None:
    rules, other = RuleSet([rule("outlet_over")]), Site(Ref("outlet", "DA002"), "outlet")
    prompt = verdict("outlet_hour", STACK.ref, 0, 10.0, "within", "nox")
    late = verdict("outlet_hour", other.ref, 0, 99.0, "suspected_over", "nox")
    now, sites = T0 + HOUR, (STACK, other)
    state, nothing = rules.step(RulesState(), Facts(now, CITY, sites, table({}), (prompt,)), now)
    later = now + timedelta(minutes=7)
    _, (event,) = rules.step(state, Facts(later, CITY, sites, table({}), (prompt, late)), later)
    assert (nothing, event.subject) == ((), other.ref)


def test_the_verdict_of_the_assessment_room_is_understood() -> None:
    limit = PermitLimit("nox", 50.0, "hour", "permit")
    outlet = Outlet(
        id="DA001", name="b", enterprise="e", place=Place(113.6, 34.7), district="1", medium="air", limits=(limit,)
    )
    row = {"site": str(STACK.ref), "pollutant": "nox", "stat": "avg", "basis": "device", "start": T0, "value": 81.0}
    row |= {"end": T0 + HOUR, "count": 0, "mark": "N", "quality": "good", "reason": "", "level": "realtime"}
    verdicts = outlet_hours(outlet, pl.DataFrame([row]))
    assert [one.label for one in verdicts] == ["suspected_over"]
    facts = Facts(T0 + HOUR, CITY, (STACK,), table({}), verdicts)
    _, (event,) = RuleSet([rule("outlet_over")]).step(RulesState(), facts, facts.now)
    assert (event.pollutant, event.value, event.threshold, event.inputs) == ("nox", 81.0, 50.0, (verdicts[0].ref,))


def test_a_city_aqi_above_200_is_heavy() -> None:
    verdicts = tuple(verdict("aqi_hour", CITY, k, v, "x") for k, v in enumerate([199.0, 200.0, 201.0, 250.0]))
    _, told = run(RuleSet([rule("aqi_heavy")]), (), table({}), T0 + HOUR, T0 + 4 * HOUR, verdicts=verdicts)
    (event,) = latest(told).values()
    assert (event.period.start, event.value, event.grade) == (T0 + 2 * HOUR, 250.0, "major")


def test_a_section_is_measured_by_its_own_target() -> None:
    good = Site(Ref("section", "A"), "section", target="III")
    poor = Site(Ref("section", "B"), "section", target="II")
    verdicts = tuple(verdict("section_class", site.ref, 0, None, "III") for site in (good, poor))
    _, told = run(RuleSet([rule("section_worse")]), (good, poor), table({}), T0 + HOUR, T0 + HOUR, verdicts=verdicts)
    assert [event.subject for event in told] == [poor.ref]
    assert "Ⅲ" in describe(told[0], rule("section_worse"), "断面")


def heard(site: Site, minutes_ago: float | None, now_hour: int, rhythm: float = 300) -> Heard:
    now = T0 + now_hour * HOUR
    last = None if minutes_ago is None else now - timedelta(minutes=minutes_ago)
    return Heard(site.ref, f"MN-{site.ref.id}", "minute", rhythm, last, T0 - HOUR)


def silent_step(ages: dict[int, float | None], count: int = 10, state: RulesState | None = None, hour: int = 1):  # type: ignore[no-untyped-def]
    sites = stations(count)
    now = T0 + hour * HOUR
    reports = tuple(heard(site, ages.get(k, 1.0), hour) for k, site in enumerate(sites))
    facts = Facts(now, CITY, sites, table({}), heard=reports)
    return RuleSet([rule("silence")]).step(state or RulesState(), facts, now)


def test_a_site_is_silent_after_the_reports_it_may_miss() -> None:
    assert silent_step({3: 16.9})[1] == ()
    (event,) = silent_step({3: 17.5})[1]
    assert (event.subject.id, event.kind, event.pollutant, event.open) == ("S003", "silence", "", True)
    assert event.period.start == T0 + HOUR - timedelta(minutes=17.5)


def test_a_device_never_heard_is_silent_from_when_it_owed_reports() -> None:
    (event,) = silent_step({3: None})[1]
    assert event.period.start == T0 - HOUR


def test_silence_has_one_event_and_ends_when_the_site_speaks() -> None:
    state, first = silent_step({3: 20.0})
    state, second = silent_step({3: 80.0}, state=state, hour=2)
    state, third = silent_step({}, state=state, hour=3)
    assert first[0].id == second[0].id == third[0].id
    assert (second[0].open, third[0].open) == (True, False)
    assert not state.rules["silence"].open


def test_when_most_sites_fall_silent_the_city_is_told_once() -> None:
    _, told = silent_step(dict.fromkeys(range(7), 40.0))
    assert [event.subject for event in told] == [CITY]
    assert "平台" in describe(told[0], rule("silence"), "合成市")


def test_hours_flagged_stuck_ask_for_a_look_at_the_instrument() -> None:
    steady = table({"station:S000": np.full(8, 88.0)}, reason="stuck")
    _, told = run(RuleSet([rule("stuck_series")]), stations(1), steady, T0 + HOUR, T0 + 9 * HOUR)
    (event,) = latest(told).values()
    assert (event.kind, event.grade, event.period.start) == ("pattern", "note", T0)
    assert "运维" in describe(event, rule("stuck_series"), "点位")


def test_a_station_that_falls_away_from_its_neighbours_diverges() -> None:
    hours = {site: series.copy() for site, series in network(8, 48).items()}
    hours["station:S002"][34:] *= 0.25
    _, told = run(
        RuleSet([rule("diverging_series")]), stations(8, "national"), table(hours), T0 + 33 * HOUR, T0 + 48 * HOUR
    )
    assert {event.subject.id for event in told} == {"S002"}


def test_a_station_that_always_stood_low_does_not_diverge() -> None:
    hours = {site: series.copy() for site, series in network(8, 48).items()}
    hours["station:S002"] *= 0.3
    _, told = run(RuleSet([rule("diverging_series")]), stations(8), table(hours), T0 + 33 * HOUR, T0 + 48 * HOUR)
    assert told == []


def test_a_series_held_flat_by_hand_is_too_smooth() -> None:
    hours = {site: series.copy() for site, series in network(8, 48, noise=0.15).items()}
    hours["station:S006"][20:] = 60 + 0.2 * (np.arange(28) % 3)
    _, told = run(RuleSet([rule("smooth_series")]), stations(8), table(hours), T0 + 18 * HOUR, T0 + 48 * HOUR)
    assert {event.subject.id for event in told} == {"S006"}


def test_a_series_copied_from_a_neighbour_is_found_at_both() -> None:
    hours = {site: series.copy() for site, series in network(8, 48).items()}
    hours["station:S001"][30:44] = hours["station:S007"][30:44]
    _, told = run(RuleSet([rule("copied_series")]), stations(8), table(hours), T0 + 30 * HOUR, T0 + 48 * HOUR)
    assert {event.subject.id for event in told} == {"S001", "S007"}


def test_a_series_that_repeats_its_own_day_before_is_found() -> None:
    hours = {site: series.copy() for site, series in network(8, 60).items()}
    hours["station:S001"][40:52] = hours["station:S001"][16:28]
    _, told = run(RuleSet([rule("copied_series")]), stations(8), table(hours), T0 + 34 * HOUR, T0 + 60 * HOUR)
    assert {event.subject.id for event in told} == {"S001"}


def test_flat_low_nights_of_two_stations_are_no_copy() -> None:
    hours = {site: np.full(40, 5.0) for site in network(6, 40)}
    _, told = run(RuleSet([rule("copied_series")]), stations(6), table(hours), T0 + 33 * HOUR, T0 + 40 * HOUR)
    assert told == []


def test_an_outlet_that_hugs_its_limit_is_noted_and_one_that_exceeds_it_is_not() -> None:
    rng = np.random.default_rng(3)
    hug = Site(Ref("outlet", "A"), "outlet", limits={"nox": 50.0})
    over = Site(Ref("outlet", "B"), "outlet", limits={"nox": 50.0})
    near = np.round(48 + 1.8 * rng.random(30), 2)
    far = near.copy()
    far[10] = 70
    values = table({"outlet:A": near, "outlet:B": far}, pollutant="nox")
    _, told = run(RuleSet([rule("clipped_series")]), (hug, over), values, T0 + 20 * HOUR, T0 + 30 * HOUR)
    assert {event.subject.id for event in told} == {"A"}


def mixed_world() -> tuple[tuple[Site, ...], pl.DataFrame]:
    hours = {site: series.copy() for site, series in network(9, 48, noise=0.12).items()}
    hours["station:S001"][40:44] += 150
    hours["station:S002"][34:] *= 0.25
    fine = quarters(hours, 36)
    return stations(9), pl.concat(
        [
            table(hours),
            table({s: v * 1.6 for s, v in hours.items()}, pollutant="pm10"),
            table(fine, T0 + 36 * HOUR, QUARTER, interval="minute"),
        ]
    )


def test_the_order_of_rows_does_not_matter_byte_for_byte() -> None:
    sites, values = mixed_world()
    span = (T0 + 40 * HOUR, T0 + 44 * HOUR, HOUR)
    state, told = run(RuleSet(), sites, values, *span)
    assert told
    for seed in range(3):
        shuffled = values.sample(fraction=1.0, shuffle=True, seed=seed)
        again, events = run(RuleSet(), sites, shuffled, *span)
        assert to_json(again) == to_json(state)
        assert to_json(events) == to_json(told)


def test_the_whole_state_survives_json_in_the_middle() -> None:
    sites, values = mixed_world()
    whole, told = run(RuleSet(), sites, values, T0 + 38 * HOUR, T0 + 46 * HOUR)
    half, first = run(RuleSet(), sites, values, T0 + 38 * HOUR, T0 + 42 * HOUR)
    back = from_json(to_json(half), RulesState)
    end, second = run(RuleSet(), sites, values, T0 + 43 * HOUR, T0 + 46 * HOUR, state=back)
    assert to_json(end) == to_json(whole)
    assert first + second == told


def test_a_device_whose_clock_jumped_changes_nothing() -> None:
    sites, values = mixed_world()
    mad = [table({"station:S000": np.array([70.0])}, T0 + days * 24 * HOUR) for days in (-9000, 9000)]
    now = T0 + 44 * HOUR
    told = [
        RuleSet().step(RulesState(), Facts(now, CITY, sites, rows), now)[1]
        for rows in (values, pl.concat([values, *mad]))
    ]
    assert told[0]
    assert told[0] == told[1]


def test_a_city_may_replace_a_rule_and_a_wrong_one_is_named() -> None:
    raw = {"id": "aqi_heavy", "metric": "verdict", "kind": "limit", "grade": "minor", "text": "aqi_heavy"}
    raw |= {"scope": ["city"], "interval": "hour", "period": 3600, "lag": 0, "rise": [2, 2], "fall": 4, "forget": 9}
    raw |= {"verdict": {"kinds": ["aqi_hour"], "above": 150}}
    changed = with_rules([raw])
    assert [row.id for row in changed] == [row.id for row in default_rules()]
    assert next(row for row in changed if row.id == "aqi_heavy").rise == (2, 2)
    for wrong, named in (
        ({"rise": [4, 3]}, "rise"),
        ({"holdtime": 3}, "holdtime"),
        ({"metric": "excess"}, "rule.background"),
        ({"metric": "excess", "background": {"kinds": []}}, "own_hours"),
        ({"verdict": {"kinds": ["aqi_hour"]}}, "above"),
        ({"thresholds": {"pm25": {"absolute": 1}}}, "pm25.relative"),
    ):
        with pytest.raises(SettingError, match=named):
            parse_rule(raw | wrong)
    with pytest.raises(SettingError, match="missing"):
        parse_rule({"id": "x"})


def test_every_rule_has_words_and_no_automatic_word_is_a_warning() -> None:
    for row in default_rules():
        for language in ("zh", "en"):
            subject = Ref("city", "x") if row.metric == "silence" else Ref("station", "x")
            period = Period(T0, T0 + HOUR)
            event = Event("i", row.id, row.kind, subject, None, period, "pm25", row.grade, 3.0, 2.0)
            words = describe(event, row, "甲", language) + kind_words(event, language)
            assert "预警" not in words
            assert "warning" not in words


def test_the_register_tells_the_rules_what_stands_where() -> None:
    place = Place(113.6, 34.7)
    limit = PermitLimit("nox", 50.0, "hour")
    register = Register(
        [
            Station(id="1", name="a", kind="national", place=place, district="410102"),
            Outlet(id="DA1", name="b", enterprise="e", place=place, district="410102", medium="air", limits=(limit,)),
            Section(id="X", name="c", place=place, district="410102", river="r", target_class="III"),
        ]
    )
    sites = sites_of(register, T0.date())
    assert [(site.ref.kind, site.kind) for site in sites] == [
        ("outlet", "outlet"), ("section", "section"), ("station", "national"),
    ]  # fmt: skip
    assert (sites[0].limits["nox"], sites[1].target) == (50.0, "III")
