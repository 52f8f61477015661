"""Where the air of an event came from: the share that it brought in, and the order in which stations rose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.app.lastanswers import LastAnswers
from bihuan.app.sectors import usable_hours, wind_near
from bihuan.app.town import Town
from bihuan.app.tracesheet import TraceSheet
from bihuan.core import HOUR, Event, Period, Place, Ref, Suspects, floor_to
from bihuan.register import Station
from bihuan.reports import TransportRow
from bihuan.store import Store
from bihuan.tracing import Arrival, TransportShare, arrival_order, transport_share

Float = NDArray[np.float64]

WINDOW = timedelta(hours=24)
"""Hours looked at where the event itself is too short for a share."""

LEAST = timedelta(hours=12)
"""An event of so many hours is looked at by itself."""

BEFORE = timedelta(hours=12)
"""So much earlier places upwind are read: the air needs its time from there."""

BEYOND = 3000.0
"""Nearer than this a station measures the same air as the subject and tells nothing of what came in. [m]"""

LEAD = 4
"""Blocks before the onset that the order of arrival looks at."""


def transport_of_event(
    store: Store, town: Town, event: Event, found: Suspects, sheet: TraceSheet, names: Mapping[str, str]
) -> TransportRow | None:
    """Return what the air brought in and in which order stations rose; None where nothing was estimated.

    Parameters
    ----------
    store, town
    event : Event
    found : Suspects
        Its ranking: tells up to when data were used.
    sheet : TraceSheet
        The scene, block by block.
    names : mapping of text ref to name
    """
    if not event.pollutant or not sheet.start or event.subject.kind not in ("station", "city"):
        return None
    period = window_of(event, found)
    arrival, stations = _arrival(town, sheet)
    return TransportRow(
        share=_share(store, town, event, period),
        period=period,
        beyond=_reach(town, event),
        arrival=arrival,
        stations=tuple(names.get(one, one) for one in stations),
        first=sheet.start[max(sheet.onset - LEAD, 0)],
    )


def window_of(event: Event, found: Suspects) -> Period:
    """Return the whole hours of an event up to the data used; the day before their end where it is short."""
    last = max(found.period.end, event.period.start + HOUR)
    end = floor_to(last, HOUR)
    start = floor_to(event.period.start, HOUR)
    return Period(start if end - start >= LEAST else end - WINDOW, end)


def _share(store: Store, town: Town, event: Event, period: Period) -> TransportShare:
    """What was measured against what came from upwind, hour by hour."""
    around = _around(town, event)
    here = event.place or town.register.place_of(event.subject, town.on) or town.centre
    own = list(town.city_stations) if event.subject.kind == "city" else [str(event.subject)]
    wide = Period(period.start - BEFORE, period.end)
    clock = [wide.start + n * HOUR for n in range(int(wide.length / HOUR))]
    rows = usable_hours(store, [*own, *around], [event.pollutant], wide)
    columns = _columns(rows, "site", clock)
    _, _, blown = wind_near(store, town, event.subject, wide)
    wind = {name: _laid(blown, name, clock) for name in ("wind_speed", "wind_from")}
    first = int((period.start - wide.start) / HOUR)
    nothing = np.full((len(clock), 1), np.nan)
    return transport_share(
        _mean([columns[site] for site in own if site in columns], len(clock)),
        np.stack([columns.get(site, nothing[:, 0]) for site in around], axis=1) if around else nothing,
        np.array([here.bearing(place) for place in around.values()] or [0.0]),
        np.array([here.distance(place) for place in around.values()] or [1.0]),
        wind["wind_speed"], wind["wind_from"], first, len(clock) - 1,
    )  # fmt: skip


def _around(town: Town, event: Event) -> dict[str, Place]:
    """Stations of air that can tell what came in: outside of what the event is about."""
    placed = {f"station:{one.id}": one.place for one in town.stations if one.place is not None}
    here = event.place or town.register.place_of(event.subject, town.on) or town.centre
    if event.subject.kind == "station":
        return {ref: at for ref, at in placed.items() if here.distance(at) >= BEYOND}
    reach = _reach(town, event)
    return {ref: at for ref, at in placed.items() if here.distance(at) > reach}


def _reach(town: Town, event: Event) -> float:
    """How far around counts as here: of a station `BEYOND`, of the city as far as its own stations stand. [m]"""
    if event.subject.kind == "station":
        return BEYOND
    here = event.place or town.register.place_of(event.subject, town.on) or town.centre
    own = frozenset(town.city_stations)
    away = [here.distance(one.place) for one in town.stations if f"station:{one.id}" in own and one.place is not None]
    return max(away, default=math.inf)


def _columns(rows: pl.DataFrame, name: str, clock: Sequence[datetime]) -> dict[str, Float]:
    parts = rows.partition_by(name, as_dict=True)
    return {str(key[0]): _laid(part, "value", clock) for key, part in parts.items()}


def _laid(rows: pl.DataFrame, name: str, clock: Sequence[datetime]) -> Float:
    """A column on the clock; NaN where it has no row or no value."""
    laid = np.full(len(clock), np.nan)
    if name not in rows.columns:
        return laid
    place = {at: n for n, at in enumerate(clock)}
    for at, value in zip(rows["start"].to_list(), rows[name].to_list(), strict=True):
        if value is not None and at in place:
            laid[place[at]] = value
    return laid


def _mean(columns: Sequence[Float], hours: int) -> Float:
    """Mean over stations of the hours in which at least half of them have a value."""
    if not columns:
        return np.full(hours, np.nan)
    table = np.stack(columns)
    known = np.isfinite(table).sum(axis=0)
    total = np.where(np.isfinite(table), table, 0.0).sum(axis=0)
    return np.where(2 * known >= len(columns), total / np.maximum(known, 1), np.nan)


def _arrival(town: Town, sheet: TraceSheet) -> tuple[Arrival, tuple[str, ...]]:
    """In which order the stations of the scene rose around the onset, and whether that agrees with the wind."""
    from_block = max(sheet.onset - LEAD, 0)
    placed = []
    for one in sheet.stations:
        fact = town.register.get(Station, Ref.parse(one.site).id, town.on)
        if fact is not None and fact.place is not None:
            placed.append((one.site, fact.place, one.value[from_block:]))
    placed.sort(key=lambda row: row[0])
    count = len(sheet.start) - from_block
    values = np.full((count, len(placed)), np.nan)
    for k, (_, _, series) in enumerate(placed):
        values[:, k] = [math.nan if value is None else value for value in series]
    east, north = town.plane.forward([at.lon for _, at, _ in placed], [at.lat for _, at, _ in placed])
    wind = _mean_wind(sheet.wind_speed[from_block:], sheet.wind_from[from_block:])
    found = arrival_order(values, np.asarray(east), np.asarray(north), wind_from=wind, step=sheet.step / 3600.0)
    return found, tuple(site for site, _, _ in placed)


def _mean_wind(speed: Sequence[float | None], origin: Sequence[float | None]) -> float | None:
    known = [(s, d) for s, d in zip(speed, origin, strict=True) if s is not None and d is not None]
    if not known:
        return None
    east = sum(s * math.sin(math.radians(d)) for s, d in known)
    north = sum(s * math.cos(math.radians(d)) for s, d in known)
    return math.degrees(math.atan2(east, north)) % 360.0


class Transports:
    """Makes answers and keeps the last ones.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: LastAnswers[str, TransportRow | None] = LastAnswers()

    def of(
        self, town: Town, event: Event, found: Suspects, sheet: TraceSheet, names: Mapping[str, str]
    ) -> TransportRow | None:
        """Return the answer for a ranking, as `transport_of_event`."""
        return self._kept.get(found.id, lambda: transport_of_event(self._store, town, event, found, sheet, names))
