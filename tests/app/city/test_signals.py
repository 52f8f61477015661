"""What instruments show, and what somebody did to them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bihuan.app.city import City
from bihuan.app.city.signals import Report, hourly, silent_mask, tampered
from bihuan.app.city.truth import Incident
from bihuan.core import Period, Place, Ref, local_date
from bihuan.register import Outlet

START = datetime(2026, 11, 1, 16, tzinfo=UTC)


def falsified(mode: str) -> Incident:
    period = Period(START + timedelta(hours=2), START + timedelta(hours=4))
    site = Ref("station", "X")
    return Incident("falsified-1", "falsified", period, Place(102.0, 39.8), subject=site, mode=mode)


def series() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(50, 5, (72, 2))


def test_a_flat_series_holds_its_last_value() -> None:
    values, incident = series(), falsified("flat")
    shown = tampered(values, incident, 300, START, incident.period.end)
    assert (shown[24:48] == values[23]).all()
    assert np.array_equal(shown[:24], values[:24])
    assert np.array_equal(shown[48:], values[48:])


def test_a_clipped_series_never_exceeds_its_own_middle() -> None:
    values, incident = series(), falsified("clipped")
    shown = tampered(values, incident, 300, START, incident.period.end)
    cap = np.median(values[24:48], axis=0)
    assert (shown[24:48] <= cap).all()
    assert (shown[24:48] == cap).sum(axis=0).min() >= 12


def test_a_copied_series_plays_what_was_before_once_more() -> None:
    values, incident = series(), falsified("copied")
    shown = tampered(values, incident, 300, START, incident.period.end)
    assert np.array_equal(shown[24:48], values[:24])


def test_a_falsification_ends_when_somebody_ends_it() -> None:
    values, incident = series(), falsified("flat")
    shown = tampered(values, incident, 300, START, incident.period.start + timedelta(hours=1))
    assert np.array_equal(shown[36:], values[36:])


def test_the_hour_of_a_logger_is_the_mean_of_its_good_parts() -> None:
    values = np.arange(24, dtype=float).reshape(24, 1)
    marks = np.full((24, 1), "N")
    values[0, 0], marks[0, 0] = 900.0, "C"
    values[12:16, 0] = np.nan
    found = hourly(Report((("so2", "avg"),), values, marks, 300))
    assert found.values[0, 0] == pytest.approx(6.0)
    assert found.marks[:, 0].tolist() == ["N", "D"]


def test_the_mean_direction_of_a_north_wind_is_north() -> None:
    values = np.array([350.0, 10.0] * 6).reshape(12, 1)
    found = hourly(Report((("wind_from", "avg"),), values, np.full((12, 1), "N"), 300))
    assert found.values[0, 0] % 360 == pytest.approx(0.0, abs=1e-6)


def test_reports_that_end_inside_a_silence_are_not_sent() -> None:
    incident = falsified("flat")
    away = silent_mask(72, 300, START, incident, incident.period.end)
    assert np.flatnonzero(away).tolist() == list(range(24, 48))


def over(city: City, outlet: Outlet, pollutant: str, hour: int) -> bool:
    told = city._reports[(Ref("outlet", outlet.id), "hour")]
    limit = next(limit.limit for limit in outlet.limits if limit.pollutant == pollutant)
    return bool(told.values[hour, told.columns.index((pollutant, "zs_avg"))] > limit)


def test_an_honest_monitor_shows_the_night_and_a_dishonest_one_hides_it(easy: City) -> None:
    seen = set()
    for fate in easy.reveal():
        incident = fate.incident
        if incident.kind != "night_stack":
            continue
        outlet = easy.plan.register.need(Outlet, incident.source.id, local_date(easy.start))
        own = next(limit.pollutant for limit in outlet.limits if limit.pollutant in incident.amounts)
        hour = int((incident.period.start - easy.start) / timedelta(hours=1)) + 1
        assert over(easy, outlet, own, hour) == incident.honest
        seen.add(incident.honest)
    assert seen == {True, False}


def test_no_other_stack_exceeds_its_permit_in_any_hour(easy: City) -> None:
    guilty = {fate.incident.source for fate in easy.reveal() if fate.incident.kind == "night_stack"}
    day = local_date(easy.start)
    for outlet in easy.plan.register.all(Outlet, day):
        if outlet.medium == "air" and Ref("outlet", outlet.id) not in guilty:
            for limit in outlet.limits:
                assert not any(over(easy, outlet, limit.pollutant, hour) for hour in range(48)), outlet.id


def test_reference_stations_check_their_gas_zero_at_night_and_say_so(easy: City) -> None:
    told = easy._reports[(Ref("station", "GK01"), "minute")]
    so2 = told.columns.index(("so2", "avg"))
    marked = told.marks[:, so2] == "C"
    assert marked.sum() == 4
    assert told.values[marked, so2].max() < 2.0
    assert not (told.marks[:, told.columns.index(("pm25", "avg"))] == "C").any()


def test_masts_tell_the_weather_that_the_loop_may_believe(easy: City) -> None:
    told = easy._reports[(Ref("station", "QX01"), "hour")]
    columns = [name for name, _ in told.columns]
    speed, direction = told.values[:, columns.index("wind_speed")], told.values[:, columns.index("wind_from")]
    assert np.abs(speed / easy.weather.wind_speed - 1).max() < 0.15
    assert np.abs((direction - easy.weather.wind_from + 180) % 360 - 180).max() < 8
