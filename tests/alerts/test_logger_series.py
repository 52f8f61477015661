"""Series that a live instrument does not write, one plume at several stations, and a day limit in danger."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from bihuan.alerts import RuleSet, RulesState, Site, describe
from bihuan.core import Place, Ref
from tests.alerts.worlds import HOUR, QUARTER, T0, latest, rule, run, stations, table

FIVE = timedelta(minutes=5)
HALF = timedelta(minutes=30)


def living(count: int, hours: int, level: float = 60.0, every: int = 12) -> dict[str, np.ndarray]:
    """Readings of instruments that move, printed with one place."""
    rng = np.random.default_rng(5)
    readings = hours * every
    wave = level * (1 + 0.2 * np.sin(np.arange(readings) / readings * 4 * np.pi))
    return {f"station:S{k:03d}": np.round(wave * (1 + 0.05 * rng.standard_normal(readings)), 1) for k in range(count)}


def minutes(values: dict[str, np.ndarray], step: timedelta = FIVE) -> pl.DataFrame:
    return table(values, T0, step, interval="minute")


@pytest.mark.parametrize("lag", [24 * 12, 7 * 12 + 5])
def test_a_logger_that_plays_an_earlier_stretch_again_is_found_whatever_the_lag(lag: int) -> None:
    values = living(4, 32)
    first = 26 * 12
    values["station:S001"][first:] = values["station:S001"][first - lag : first - lag + 6 * 12]
    _, told = run(RuleSet([rule("replayed_series")]), stations(4), minutes(values), T0 + 26 * HOUR, T0 + 32 * HOUR)
    assert {event.subject.id for event in told} == {"S001"}
    assert latest(told).popitem()[1].period.start >= T0 + 27 * HOUR
    assert "回放" in describe(told[0], rule("replayed_series"), "点位")


def test_a_flat_series_is_not_called_replayed() -> None:
    values = living(4, 32)
    values["station:S001"][20 * 12 :] = 44.0
    _, told = run(RuleSet([rule("replayed_series")]), stations(4), minutes(values), T0 + 26 * HOUR, T0 + 32 * HOUR)
    assert told == []


def test_a_series_cut_off_at_a_ceiling_is_found_and_the_ceiling_named() -> None:
    values = living(4, 12)
    values["station:S002"][60:] = np.minimum(values["station:S002"][60:], 62.0)
    _, told = run(RuleSet([rule("ceiling_series")]), stations(4), minutes(values), T0 + HOUR, T0 + 12 * HOUR, HALF)
    assert {event.subject.id for event in told} == {"S002"}
    assert {event.threshold for event in latest(told).values()} == {62.0}


def test_low_nights_printed_in_whole_numbers_have_no_ceiling() -> None:
    values = {site: np.round(series / 20) for site, series in living(4, 12).items()}
    _, told = run(RuleSet([rule("ceiling_series")]), stations(4), minutes(values), T0 + HOUR, T0 + 12 * HOUR, HALF)
    assert told == []


def test_readings_flagged_stuck_are_told_from_the_minutes_of_a_logger_that_sends_them() -> None:
    fine = living(2, 6)
    stuck = table({"station:S000": np.full(36, 88.0)}, T0 + 3 * HOUR, FIVE, interval="minute", reason="stuck")
    fine["station:S000"] = fine["station:S000"][:36]
    values = pl.concat([minutes(fine), stuck])
    _, told = run(RuleSet([rule("stuck_minutes")]), stations(2), values, T0 + HOUR, T0 + 6 * HOUR, HALF)
    assert {(event.subject.id, event.period.start) for event in told} == {("S000", T0 + 3 * HOUR)}


def test_one_plume_at_two_stations_near_each_other_is_told_where_it_stands_highest() -> None:
    hours = {f"station:S{k:03d}": np.full(36, 60.0) + np.arange(36) % 3 for k in range(12)}
    fine = {site: np.repeat(series[30:], 4) for site, series in hours.items()}
    fine["station:S004"][8:20] += 90
    fine["station:S005"][8:20] += 50
    values = pl.concat([table(hours), table(fine, T0 + 30 * HOUR, QUARTER, interval="minute")])
    span = (T0 + 30 * HOUR, T0 + 36 * HOUR, QUARTER)
    _, together = run(RuleSet([rule("local_rise")]), stations(12), values, *span)
    assert {event.subject.id for event in together} == {"S004"}
    sites = [*stations(12)]
    sites[5] = Site(sites[5].ref, "micro", Place(113.9, 34.9))
    _, apart = run(RuleSet([rule("local_rise")]), tuple(sites), values, *span)
    assert {event.subject.id for event in apart} == {"S004", "S005"}


def test_waste_water_far_above_the_limit_of_the_day_is_told_before_the_day_is_over() -> None:
    outlet = Site(Ref("outlet", "W"), "outlet", day_limits={"nh3n": 8.0})
    steady = Site(Ref("outlet", "V"), "outlet", day_limits={"nh3n": 8.0})
    values = table(
        {"outlet:W": np.r_[np.full(5, 4.0), np.full(5, 30.0)], "outlet:V": np.full(10, 9.0)}, pollutant="nh3n"
    )
    _, told = run(RuleSet([rule("outlet_day_watch")]), (steady, outlet), values, T0 + HOUR, T0 + 11 * HOUR)
    (event,) = latest(told).values()
    assert (event.subject.id, event.kind, event.period.start) == ("W", "pattern", T0 + 5 * HOUR)


def test_a_rule_that_looks_back_on_a_day_wants_it_only_when_it_is_due() -> None:
    rules = RuleSet([rule("replayed_series"), rule("local_rise")])
    values = minutes(living(4, 28))
    at = T0 + 27 * HOUR + timedelta(minutes=5)
    assert rules.wanted(RulesState(), "minute", at) > 26 * HOUR
    state, _ = run(rules, stations(4), values, at, at)
    assert rules.wanted(state, "minute", at + FIVE) < 4 * HOUR
    assert rules.wanted(state, "minute", at + HOUR) > 26 * HOUR
