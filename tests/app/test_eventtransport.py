"""What an event's air brought in: hours of stations against those upwind, with an answer that was put in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from bihuan.app.eventtransport import BEFORE, LEAD, Transports, transport_of_event, window_of
from bihuan.app.town import Town
from bihuan.app.tracesheet import StationRise, TraceSheet
from bihuan.core import HOUR, Event, Period, Place, Ref, Suspects
from bihuan.register import Station
from bihuan.reports import TransportRow, transport_words
from bihuan.store import Store, open_store
from tests.observations.tables import rollups

ZONE = ZoneInfo("UTC")
START = datetime(2026, 3, 10, 0, tzinfo=UTC)
HERE = Place(116.0, 39.0)
"""The station of the event; the others lie to the west of it, from where the wind blows."""
KM = 1 / 86.6
"""Degrees of longitude of a kilometre there."""


def station(ident: str, km: float, north: float = 0.0, kind: str = "city") -> Station:
    place = Place(HERE.lon + km * KM, HERE.lat + north / 111.2)
    return Station(id=ident, name=f"n {ident}", kind=kind, place=place, district="D1")  # type: ignore[arg-type]


def event_of(period: Period) -> Event:
    return Event("e1", "local_rise", "pattern", Ref("station", "S0"), HERE, period, "pm25", "minor", 60.0, 20.0)


def suspects_of(event: Event) -> Suspects:
    return Suspects("s1", event.ref, "pm25", event.period, (), 0.6, 0.4, method="plume-tracer/1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    placed = {"S0": 0, "NEAR": -1, "W1": -7, "E1": 7}
    stations = [*(station(ident, km) for ident, km in placed.items()), station("MAST", 0, 0.1, "weather")]
    with open_store(tmp_path, threads=1) as found:
        found.records.save_facts(stations)
        yield found


def hours(store: Store, speed: float = 2.0, own: float = 50.0, west: float = 40.0) -> Event:
    """Twenty hours of event with even values: `own` at the station, `west` upwind of it."""
    begin, count = START - BEFORE, 32
    values = {"S0": own, "NEAR": own, "W1": west, "E1": 5.0}
    rows = [rollups([value] * count, f"station:{ident}", start=begin) for ident, value in values.items()]
    for code, value in (("wind_speed", speed), ("wind_from", 270.0)):
        rows.append(rollups([value] * count, "station:MAST", start=begin, pollutant=code))
    store.series.append(hours=pl.concat(rows))
    return event_of(Period(START, START + 20 * HOUR))


def sheet_of(risen: int = 5) -> TraceSheet:
    """A scene of 24 blocks of a quarter of an hour; so many stations rise, one block after the other."""
    names = [f"station:{one}" for one in ("S0", "NEAR", "W1", "E1")][:risen]
    blocks = tuple(START + n * timedelta(minutes=15) for n in range(24))
    rises = tuple(
        StationRise(name, tuple(10.0 if n < 10 + k else 60.0 for n in range(24)), (0.0,) * 24, 50.0, blocks[12], True)
        for k, name in enumerate(names)
    )
    return TraceSheet(blocks, 900.0, 8, (2.0,) * 24, (270.0,) * 24, rises, (), 0.0, 0)


def told(store: Store, event: Event, sheet: TraceSheet | None = None) -> TransportRow:
    town = Town(store.records.register(), START.date())
    found = transport_of_event(store, town, event, suspects_of(event), sheet or sheet_of(), {"station:S0": "here"})
    assert found is not None
    return found


def test_what_came_from_upwind_is_the_share_and_the_rest_was_added_here(store: Store) -> None:
    row = told(store, hours(store))
    assert row.share.regional == pytest.approx(40 / 50)
    assert row.share.local_rise == pytest.approx(10)
    assert (row.share.hours, row.share.used) == (20, 20)
    assert "80%" in transport_words(row, "ug/m3", ZONE, "en")[0]


def test_a_station_beside_tells_nothing_of_what_came_in(store: Store) -> None:
    """The neighbour a kilometre away stands upwind too: with it the share would be one."""
    assert told(store, hours(store)).share.regional == pytest.approx(0.8)


def test_calm_hours_and_a_wind_from_where_nobody_measures_cannot_tell(store: Store) -> None:
    event = hours(store, speed=0.3)
    row = told(store, event)
    assert (row.share.regional, row.share.cannot_tell) == (None, "calm")
    assert "cannot be told apart" in transport_words(row, "ug/m3", ZONE, "en")[0]
    assert "无法判断" in transport_words(row, "ug/m3", ZONE, "zh")[0]


def test_a_short_event_is_told_by_the_day_before_its_end(store: Store) -> None:
    event = replace(hours(store), period=Period(START + 17 * HOUR, START + 20 * HOUR))
    assert window_of(event, suspects_of(event)) == Period(START - 4 * HOUR, START + 20 * HOUR)
    assert told(store, event).share.regional == pytest.approx(0.8)


def test_four_stations_are_too_few_for_an_order(store: Store) -> None:
    event = hours(store)
    row = told(store, event, sheet_of(4))
    assert row.arrival is not None
    assert row.arrival.cannot_tell == "few_places"
    assert row.first == START + (8 - LEAD) * timedelta(minutes=15)
    assert "Only 4 stations" in transport_words(row, "ug/m3", ZONE, "en")[1]


def test_what_was_not_estimated_has_no_transport_and_answers_are_kept(store: Store) -> None:
    event = hours(store)
    town = Town(store.records.register(), START.date())
    nothing = replace(sheet_of(), start=())
    assert transport_of_event(store, town, event, suspects_of(event), nothing, {}) is None
    kept, found = Transports(store), suspects_of(event)
    assert kept.of(town, event, found, sheet_of(), {}) is kept.of(town, event, found, sheet_of(), {})
