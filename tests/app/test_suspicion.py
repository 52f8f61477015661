"""What the tracer is shown, and when it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.alerts import VALUES_COLUMNS
from bihuan.app.suspicion import (
    AGAIN,
    LONG_ENOUGH,
    Suspicion,
    is_traced,
    model_of,
    own_suspect,
)
from bihuan.app.town import Town
from bihuan.app.values import as_values
from bihuan.core import CHINA, Event, Period, Ref, SettingError, Suspects, local_date
from bihuan.register import Register
from tests.app.hamlet import HOUR, MIDNIGHT, STACK, Hamlet, facts
from tests.app.rises import ONSET, rise

ON = local_date(MIDNIGHT, CHINA)
REGISTER = Register(facts())
SOURCE = Ref("outlet", STACK)


def ranked(home: Path, speed: float = 3.0, wind_from: float = 0.0) -> Suspects:
    """Two quiet hours, then half an hour of SO2 at the first station; what the tracer makes of it."""
    with Hamlet(home) as town:
        town.weather.speed, town.weather.wind_from = speed, wind_from
        town.pass_time(2)
        town.rise = {1: {"so2": 150.0}}
        outcomes = town.pass_time(1.5)
        found = [ranking for outcome in outcomes for ranking in outcome.suspects]
        assert found, [outcome.events for outcome in outcomes]
        return found[-1]


def test_the_stack_upwind_of_the_station_is_the_first_suspect(tmp_path: Path) -> None:
    found = ranked(tmp_path)
    assert found.ranked[0].source == SOURCE
    assert found.ranked[0].probability > 0.8
    assert sum(row.probability for row in found.ranked) + found.none_of_listed + found.regional == pytest.approx(1.0)


def test_with_the_wind_from_elsewhere_the_stack_is_not_blamed(tmp_path: Path) -> None:
    found = ranked(tmp_path, wind_from=180.0)
    odds = {row.source: row.probability for row in found.ranked}
    assert odds.get(SOURCE, 0.0) < 0.1
    assert found.none_of_listed > 0.5


def test_in_a_calm_it_says_that_it_cannot_tell(tmp_path: Path) -> None:
    assert ranked(tmp_path, speed=0.2).cannot_tell == "calm"


def test_without_any_reading_it_says_so() -> None:
    assert Suspicion(Town(REGISTER, ON)).rank(rise(), _no_values(), ONSET + HOUR).cannot_tell == "no_data"


def test_without_wind_it_says_so(tmp_path: Path) -> None:
    with Hamlet(tmp_path) as town:
        town.pass_time(1)
        values = _minutes(town)
        deaf = values.filter(~pl.col("pollutant").is_in(["wind_speed", "wind_from"]))
        suspicion = Suspicion(Town(REGISTER, ON))
        event = rise(period=Period(MIDNIGHT + HOUR / 2, MIDNIGHT + HOUR))
        assert suspicion.rank(event, deaf, MIDNIGHT + HOUR).cannot_tell == "no_wind"


def _minutes(town: Hamlet) -> pl.DataFrame:
    rows = town.store.series.readings(interval="minute")
    return as_values(Suspicion(Town(REGISTER, ON)).with_sites(rows), "minute")


def _no_values() -> pl.DataFrame:
    kinds = {"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"), "value": pl.Float64}
    return pl.DataFrame(
        schema={name: kinds.get(name, pl.Boolean if name == "usable" else pl.String) for name in VALUES_COLUMNS}
    )


def test_an_event_is_traced_at_once_then_again_while_it_lasts_and_never_after_it_ended() -> None:
    suspicion = Suspicion(Town(REGISTER, ON))
    now = ONSET + HOUR
    assert suspicion.due(rise(), now)
    suspicion.rank(rise(), _no_values(), now)
    assert not suspicion.due(rise(), now + AGAIN - timedelta(seconds=1))
    assert suspicion.due(rise(), now + AGAIN)
    assert not suspicion.due(rise(open=False), now + AGAIN)


def test_what_lasts_long_is_traced_again_only_when_it_rises_further() -> None:
    suspicion = Suspicion(Town(REGISTER, ON))
    now = ONSET + HOUR
    suspicion.rank(rise(), _no_values(), now)
    late = now + LONG_ENOUGH + AGAIN
    assert not suspicion.due(rise(), late)
    assert suspicion.due(rise(value=400.0), late)


CITY = Ref("city", "410100")


def _network(**changes: object) -> Event:
    """A rise of the whole network in PM2.5, an hour after the first station's."""
    return rise(
        id="ev2", method="alerts/regional/1", subject=CITY, place=None, pollutant="pm25",
        period=Period(ONSET + HOUR, ONSET + 2 * HOUR), **changes,
    )  # fmt: skip


def test_what_preceded_a_rise_of_the_whole_network_is_looked_at_again_though_it_ended() -> None:
    suspicion = Suspicion(Town(REGISTER, ON))
    first, whole, now = rise(pollutant="pm10", open=False), _network(), ONSET + 2 * HOUR
    suspicion.rank(first, _no_values(), ONSET + HOUR)
    assert suspicion.noticed(first, [first, whole]) is None, "nobody noticed yet"
    assert not suspicion.due(first, now)
    suspicion.rank(whole, _no_values(), now)
    noticed = suspicion.noticed(first, [first, whole])
    assert noticed == now
    assert suspicion.due(first, now, noticed)
    found = suspicion.rank(first, _no_values(), now, noticed=noticed)
    assert found.period == Period(ONSET, now), "all data up to now, not only the event's own period"
    assert ("note_network", "") in found.notes
    assert not suspicion.due(first, now + HOUR - AGAIN, noticed)
    assert suspicion.due(first, now + HOUR, noticed)
    assert not suspicion.due(first, now + LONG_ENOUGH + AGAIN, noticed), "what it was is settled by then"


@pytest.mark.parametrize(
    "other",
    [
        rise(pollutant="so2"),
        rise(pollutant="pm25", period=Period(ONSET - 2 * HOUR, ONSET + HOUR)),
        rise(pollutant="pm25", period=Period(ONSET + 3 * HOUR, ONSET + 4 * HOUR)),
        _network(),
    ],
    ids=["another pollutant", "hours before", "after it", "the rise itself"],
)
def test_a_rise_of_the_network_does_not_explain_everything(other: Event) -> None:
    suspicion = Suspicion(Town(REGISTER, ON))
    suspicion.rank(_network(), _no_values(), ONSET + 2 * HOUR)
    assert suspicion.noticed(other, [_network()]) is None


def test_when_it_was_asked_outlives_the_midnight_and_the_process() -> None:
    asked: dict[str, object] = {}
    Suspicion(Town(REGISTER, ON), asked).rank(rise(), _no_values(), ONSET + HOUR)  # type: ignore[arg-type]
    assert not Suspicion(Town(REGISTER, ON + timedelta(days=1)), asked).due(rise(), ONSET + HOUR)  # type: ignore[arg-type]


def test_only_rises_are_traced() -> None:
    """Everything else names its subject itself."""
    assert is_traced(rise())
    assert is_traced(rise(method="alerts/regional/1", subject=Ref("city", "410100")))
    assert not is_traced(rise(kind="silence", method="alerts/silence/1"))
    assert not is_traced(rise(kind="limit", method="alerts/verdict/1", subject=SOURCE))


def test_an_outlet_over_its_limit_names_itself() -> None:
    event = rise(subject=SOURCE, kind="limit", rule="outlet_over", method="alerts/verdict/1")
    found = own_suspect(event, "一号排口")
    assert [(row.source, row.probability) for row in found.ranked] == [(SOURCE, 1.0)]
    assert (found.none_of_listed, found.regional, found.method) == (0.0, 0.0, "own_reading/1")
    assert own_suspect(replace(event, value=999.0), "一号排口").id == found.id


def test_each_physics_ranks_by_its_own_method_and_an_unknown_physics_is_refused() -> None:
    town = Town(REGISTER, ON)
    usual, simple = Suspicion(town), Suspicion(town, model="plume")
    assert usual.rank(rise(), _no_values(), ONSET + HOUR).method == "plume-tracer/2 steady-engine/2"
    found = simple.rank(rise(), _no_values(), ONSET + HOUR)
    assert model_of(found.method) == "plume" and model_of("plume-tracer/1") == "plume"
    assert model_of("plume-tracer/2 steady-engine/3") == "engine"
    with pytest.raises(SettingError, match="engine, plume"):
        Suspicion(town, model="guess")
