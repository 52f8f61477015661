"""An event that rises above the network asks who it was: what the tracer is shown, and when it is asked again."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from bihuan.app.findings import cell_of, learned
from bihuan.app.town import Town
from bihuan.app.values import instants
from bihuan.app.weather import city_weather
from bihuan.cases import Case
from bihuan.core import (
    HOUR,
    Event,
    ForwardModel,
    Interval,
    Period,
    Place,
    Plane,
    Series,
    SettingError,
    Suspect,
    Suspects,
    Weather,
    content_id,
    floor_to,
)
from bihuan.physics import EnginePlume, GaussianPlume
from bihuan.tracing import HiddenMap, PlumeTracer, search_hidden

LOOK_BACK = timedelta(hours=4)
"""Data shown to the tracer before the onset: enough to know what is usual."""

AGAIN = timedelta(minutes=15)
"""An open event is traced again so often; later data settle what the first minutes could not."""

LONG_ENOUGH = timedelta(hours=2)
"""After so long another look tells little new, unless the rise has grown beyond what was seen before."""

EARLIER = timedelta(hours=2)
"""A station's event that began so long before the rise of the whole network, or less, may have been its beginning."""

PARTICLES = frozenset({"pm25", "pm10", "tsp"})
"""One is part of the other: when the network rises in one of them, events in any of them are looked at again."""

TRACED_METHODS = ("alerts/excess/", "alerts/regional/")
"""Events of these metrics are rises that ask for a source, be it the answer that all stations rose together; all others
name their subject themselves."""

WEATHER_STEP = timedelta(minutes=5)

MODELS = ("engine", "plume")
"""Physics of tracing; the first is the default."""


def forward_model(name: str, plane: Plane) -> ForwardModel:
    """Return the physics that a setting or the method of a ranking names.

    Raises
    ------
    SettingError
        If there is none of that name.
    """
    if name not in MODELS:
        raise SettingError(f"setting tracing_model = {name!r}: choose one of {', '.join(MODELS)}")
    return EnginePlume(plane, urban=True) if name == "engine" else GaussianPlume(plane, urban=True)


def model_of(method: str) -> str:
    """Return the name of the physics behind a ranking, from its method."""
    return "engine" if EnginePlume.method.partition("/")[0] in method else "plume"


def is_traced(event: Event) -> bool:
    """Say whether an event asks for a source: a rise of one station above the others, or of all of them."""
    return event.kind == "pattern" and event.method.startswith(TRACED_METHODS)


@dataclass(frozen=True, slots=True)
class Asked:
    """When an event was first and last traced, and its peak then."""

    first: datetime
    last: datetime
    peak: float


class Suspicion:
    """Asks the tracer.

    Parameters
    ----------
    town : Town
    asked : dict of event id to Asked
        When each event was traced; kept up to date here, remembered by the caller.
    model : str
        Physics, one of `MODELS`. The engine is compiled, or read from disk, beside whatever else happens.
    """

    def __init__(self, town: Town, asked: dict[str, Asked] | None = None, model: str = MODELS[0]) -> None:
        physics = forward_model(model, town.plane)
        if isinstance(physics, EnginePlume):
            threading.Thread(target=physics.warm, name="warm-engine", daemon=True).start()
        self._tracer = PlumeTracer(physics, town.plane)
        self._town = town
        self._places: dict[str, Place] = {str(site.ref): site.place for site in town.sites if site.place}
        self._air = {f"station:{station.id}" for station in town.stations}
        self._asked = {} if asked is None else asked

    @property
    def tracer(self) -> PlumeTracer:
        """Who ranks, before anything was learned from findings."""
        return self._tracer

    def noticed(self, event: Event, known: Iterable[Event]) -> datetime | None:
        """Return when a rise of the whole network was noticed that a station's event may belong to, None without one.

        Parameters
        ----------
        event : Event
            Of a station, open or ended.
        known : iterable of Event
            Those of the last hours; rises of the whole network that were traced are heeded.
        """
        when = [
            self._asked[rise.id].first
            for rise in known
            if rise.subject.kind == "city"
            and rise.id in self._asked
            and _related(rise.pollutant, event.pollutant)
            and rise.period.start - EARLIER <= event.period.start <= rise.period.end
        ]
        return None if event.subject.kind == "city" else max(when, default=None)

    def due(self, event: Event, now: datetime, noticed: datetime | None = None) -> bool:
        """Say whether an event is to be traced at `now`: at once, then each `AGAIN` while it lasts and tells more.

        Where the whole network was seen to rise (`noticed`), every event that may have been its beginning is looked
        at once more, though it ended, and each hour until `LONG_ENOUGH` after that: what looked like one place's
        trouble need not be it.
        """
        asked = self._asked.get(event.id)
        if asked is None:
            return True
        if noticed is not None and (
            asked.last < noticed or (now - noticed <= LONG_ENOUGH and now - asked.last >= HOUR)
        ):
            return True
        if not event.open or now - asked.last < AGAIN:
            return False
        return now - asked.first <= LONG_ENOUGH or _peak(event) > asked.peak

    def rank(
        self,
        event: Event,
        values: pl.DataFrame,
        now: datetime,
        cases: Iterable[Case] = (),
        noticed: datetime | None = None,
    ) -> Suspects:
        """Rank the sources for one event.

        Parameters
        ----------
        event : Event
        values : DataFrame of `alerts.VALUES_COLUMNS`
            Minute readings of every site of the last hours, weather stations included.
        now : datetime
        cases : iterable of Case
            What officers have found so far.
        noticed : datetime, optional
            When the whole network was seen to rise: then the data up to now count, not only those of the event's own
            period, and the ranking says so.
        """
        asked = self._asked.get(event.id)
        self._asked[event.id] = Asked(asked.first if asked else now, now, _peak(event))
        if noticed is not None:
            until = max(event.period.end, floor_to(now, AGAIN))
            event = replace(event, period=Period(event.period.start, until))
        since = event.period.start - LOOK_BACK
        rows = values.filter((pl.col("interval") == "minute") & (pl.col("start") >= since) & (pl.col("end") <= now))
        # as of the end of what is looked at, so that anybody can tell later which findings counted
        found = learned(cases, event.period.end, self._town.register)
        tracer = found.fitted(self._tracer, cell_of(event.subject, self._town.register, event.period.end))
        series = self.series(rows, event.pollutant)
        ranking = tracer.rank(event, series, self._town.sources, self.weather(rows), found.weights)
        return ranking if noticed is None else replace(ranking, notes=(*ranking.notes, ("note_network", "")))

    def search(self, event: Event, values: pl.DataFrame, now: datetime) -> HiddenMap | None:
        """Say where a source outside the list would stand; the arguments are those of `rank`. None without data."""
        since = event.period.start - LOOK_BACK
        rows = values.filter((pl.col("interval") == "minute") & (pl.col("start") >= since) & (pl.col("end") <= now))
        series = self.series(rows, event.pollutant)
        return search_hidden(self._tracer, event, series, self._town.sources, self.weather(rows))

    def with_sites(self, readings: pl.DataFrame) -> pl.DataFrame:
        """Add the site of each logger; those that nobody claimed are left out."""
        return readings.join(self._town.device_sites.select("device", "site"), on="device", how="inner")

    def weather(self, rows: pl.DataFrame, step: timedelta = WEATHER_STEP) -> Weather:
        """Return the weather that the stations measured, averaged into periods of `step`."""
        usable = rows.filter(pl.col("site").is_in(list(self._town.weather_sites)) & pl.col("usable"))
        return city_weather(usable, self._town.centre, step)

    def series(self, rows: pl.DataFrame, pollutant: str, interval: Interval = "minute") -> tuple[Series, ...]:
        """Return one pollutant at every air station; `rows` are of that interval."""
        wanted = rows.filter((pl.col("pollutant") == pollutant) & pl.col("site").is_in(list(self._air)))
        found = []
        for (site,), part in wanted.sort("site", "start").group_by(["site"], maintain_order=True):
            found.append(
                Series(
                    site=str(site),
                    pollutant=pollutant,
                    interval=interval,
                    start=instants(part["start"]),
                    end=instants(part["end"]),
                    value=part["value"].fill_null(float("nan")).to_numpy(),
                    usable=part["usable"].to_numpy(),
                    place=self._places.get(str(site)),
                )
            )
        return tuple(found)


def _related(one: str, other: str) -> bool:
    return one == other or {one, other} <= PARTICLES


def _peak(event: Event) -> float:
    return 0.0 if event.value is None else event.value


def own_suspect(event: Event, name: str) -> Suspects:
    """Return the ranking of an event that names its source itself: an outlet's own reading."""
    suspect = Suspect(event.subject, name, event.place, 1.0, hours=(event.period,))
    method = "own_reading/1"
    return Suspects(
        id=content_id("suspects", event.id, method, event.period.start),
        event=event.ref,
        pollutant=event.pollutant,
        period=event.period,
        ranked=(suspect,),
        none_of_listed=0.0,
        regional=0.0,
        inputs=event.inputs,
        method=method,
    )
