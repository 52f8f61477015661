"""The air of the city against the physics that makes it."""

from datetime import timedelta

import numpy as np
import pytest

from bihuan.app.city import City
from bihuan.app.city.air import make_air
from bihuan.app.city.draws import table
from bihuan.app.city.forward import AIR
from bihuan.app.city.incidents import draw_truth
from bihuan.app.city.plan import plan_city
from bihuan.app.city.truth import STEP, Incident
from bihuan.physics import GaussianPlume


def first(city: City, kind: str) -> Incident:
    return next(fate.incident for fate in city.reveal() if fate.incident.kind == kind)


def step_of(city: City, instant) -> int:  # type: ignore[no-untyped-def]
    return int((instant - city.start) / STEP)


def test_easy_air_is_the_plume_of_the_told_weather_times_the_amount(easy: City) -> None:
    incident = first(easy, "night_stack")
    stations = easy._air.stations
    places = [station.place for station in stations]
    east, north = easy.plan.plane.forward([p.lon for p in places], [p.lat for p in places])
    plume = GaussianPlume(easy.plan.plane, urban=easy.plan.urban)
    hourly = plume.unit_response([incident.emitter], east, north, easy.weather)[:, :, 0]
    middle = step_of(easy, incident.period.start + incident.period.length / 2)
    main = incident.pollutants[0]
    added = easy._air.extra[incident.id][middle, :, AIR.index(main)]
    assert added == pytest.approx(hourly[middle // 12] * incident.amounts[main])


@pytest.mark.parametrize("mode", ["easy", "rough"])
def test_an_emission_is_seen_near_by_and_not_before_it_begins(mode: str, request: pytest.FixtureRequest) -> None:
    city: City = request.getfixturevalue(mode)
    settings = table("defaults")["incidents"]
    emissions = [fate.incident for fate in city.reveal() if fate.incident.emitter is not None]
    assert len(emissions) >= 3
    for incident in emissions:
        added = city._air.extra[incident.id][:, :, AIR.index(incident.pollutants[0])]
        assert not added[: step_of(city, incident.period.start)].any()
        near = [k for k, s in enumerate(city._air.stations) if s.place.distance(incident.place) <= 3000]
        hours = added.reshape(-1, 12, added.shape[1]).mean(axis=1)
        least, for_hours, _ = settings["visible"][-1]
        assert (hours[:, near].max(axis=1) >= 0.9 * least).sum() >= for_hours
        assert hours.max() <= settings["ceiling"] * 1.1


def test_only_stations_downwind_rise_in_easy_mode(easy: City) -> None:
    incident = first(easy, "night_stack")
    hour = step_of(easy, incident.period.start + timedelta(hours=2)) // 12
    towards = (easy.weather.wind_from[hour] + 180) % 360
    added = easy._air.extra[incident.id][hour * 12 + 6, :, AIR.index(incident.pollutants[0])]
    for station, value in zip(easy._air.stations, added, strict=True):
        aside = abs((incident.place.bearing(station.place) - towards + 180) % 360 - 180)
        if aside > 90:
            assert value == 0.0


def test_every_station_rises_in_a_regional_episode(easy: City) -> None:
    incident = first(easy, "regional")
    middle = step_of(easy, incident.period.start + 0.6 * incident.period.length)
    added = easy._air.extra[incident.id][middle, :, AIR.index("pm25")]
    assert added.min() > 0.5 * incident.rise["pm25"]
    assert not easy._air.extra[incident.id][:, :, AIR.index("so2")].any()


def test_what_a_stopped_source_put_out_still_passes_by_and_then_it_is_over() -> None:
    plan = plan_city(2, 24, rough=True)
    truth = draw_truth(plan)
    air = make_air(truth)
    incident = next(i for i in truth.incidents if i.kind == "dust_site")
    before = air.extra[incident.id].copy()
    at = incident.period.start + 0.5 * incident.period.length
    step = int((at - plan.start) / STEP)
    air.stop(incident, at)
    after = air.extra[incident.id]
    assert np.array_equal(before[:step], after[:step])
    assert after[step:].sum() < 0.7 * before[step:].sum()
    assert not after[step + 60 :].any()


def test_background_follows_the_day_and_is_rougher_in_rough_mode(easy: City, rough: City) -> None:
    ozone = easy._air.normal[:, :, AIR.index("o3")].mean(axis=1)
    night, noon = ozone[12 * 3 : 12 * 5].mean(), ozone[12 * 14 : 12 * 16].mean()
    assert noon > 2 * night
    assert np.isfinite(easy._air.normal).all()
    assert (easy._air.normal > 0).all()
    pm = AIR.index("pm25")
    spread = [city._air.normal[:, :, pm].mean(axis=1).std() for city in (easy, rough)]
    assert spread[1] > 1.3 * spread[0]
