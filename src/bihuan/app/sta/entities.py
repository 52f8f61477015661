"""Entities of the service and the ways between them: by id, by a navigation, by a path of a filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bihuan.app.sta.catalog import FEED, Catalog, Stream, observation, stream_of
from bihuan.app.sta.problems import StaError
from bihuan.app.sta.query import instants_of
from bihuan.app.sta.values import Bounds, rows_of
from bihuan.core import InputError, parse_instant, pollutants

COLLECTIONS = (
    "Things",
    "Locations",
    "HistoricalLocations",
    "Datastreams",
    "Sensors",
    "ObservedProperties",
    "Observations",
    "FeaturesOfInterest",
)

NAVIGATION: Mapping[str, Mapping[str, str]] = {
    "Things": {
        "Locations": "Locations",
        "HistoricalLocations": "HistoricalLocations",
        "Datastreams": "Datastreams",
    },
    "Locations": {"Things": "Things", "HistoricalLocations": "HistoricalLocations"},
    "HistoricalLocations": {"Thing": "Things", "Locations": "Locations"},
    "Datastreams": {
        "Thing": "Things",
        "Sensor": "Sensors",
        "ObservedProperty": "ObservedProperties",
        "Observations": "Observations",
    },
    "Sensors": {"Datastreams": "Datastreams"},
    "ObservedProperties": {"Datastreams": "Datastreams"},
    "Observations": {"Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"},
    "FeaturesOfInterest": {"Observations": "Observations"},
}
"""Collection -> name of a navigation -> collection it leads to. Names without an ``s`` lead to one entity."""

SINGLE = frozenset({"Thing", "Sensor", "ObservedProperty", "Datastream", "FeatureOfInterest"})

_TIMED = ("phenomenonTime", "resultTime", "time")


class Entity(NamedTuple):
    """One entity: its collection, what it stands for, and its own properties."""

    collection: str
    key: Any
    body: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.body["@iot.id"])


class All(NamedTuple):
    """A whole collection, not looked up yet."""

    collection: str


class Observed(NamedTuple):
    """The observations of some series, not looked up yet."""

    streams: tuple[Stream, ...]


@dataclass(frozen=True, slots=True)
class Entities:
    """What one login may see, found and followed.

    Attributes
    ----------
    catalog : Catalog
    """

    catalog: Catalog

    def entity(self, collection: str, key: str) -> Entity:
        """Return one entity by its id.

        Raises
        ------
        StaError
            404 where it is not there or may not be seen.
        """
        found = self._find(collection, key)
        if found is None:
            raise StaError(404, f"{collection}('{key[:80]}') is not there, or not for this login")
        return found

    def _find(self, collection: str, key: str) -> Entity | None:
        catalog = self.catalog
        if collection in ("Things", "Locations", "FeaturesOfInterest"):
            return self._site(collection, key) if key in catalog.sites else None
        if collection == "HistoricalLocations":
            site = key.rpartition("@")[0]
            rows = catalog.history(site) if site in catalog.sites else []
            return next((_past(row) for row in rows if row["@iot.id"] == key), None)
        if collection == "ObservedProperties":
            return self._property(key) if catalog.known(key) else None
        if collection == "Sensors":
            device = catalog.town.devices.get(key)
            seen = key == FEED or (device is not None and device.site in catalog.sites)
            return Entity("Sensors", key, catalog.sensor(key)) if seen else None
        if collection == "Datastreams":
            stream = stream_of(key)
            return self._stream(stream) if stream is not None and stream.site in catalog.sites else None
        return self._observation(key)

    def _observation(self, key: str) -> Entity | None:
        ident, _, start = key.rpartition("~")
        stream = stream_of(ident)
        if stream is None or stream.site not in self.catalog.sites:
            return None
        try:
            at = parse_instant(start)
        except InputError:
            return None
        rows = rows_of(
            self.catalog, stream, Bounds(at, at.replace(microsecond=at.microsecond // 1000 * 1000 + 999)), False
        )
        return next((self.value(stream, row) for row in rows if row["start"] == at), None)

    def _site(self, collection: str, site: str) -> Entity:
        made = {
            "Things": self.catalog.thing,
            "Locations": self.catalog.location,
            "FeaturesOfInterest": self.catalog.feature,
        }
        return Entity(collection, site, made[collection](site))

    def _property(self, code: str) -> Entity:
        return Entity("ObservedProperties", code, self.catalog.observed_property(code))

    def _stream(self, stream: Stream) -> Entity:
        return Entity("Datastreams", stream, self.catalog.datastream(stream))

    def value(self, stream: Stream, row: Mapping[str, Any]) -> Entity:
        """Return one observation."""
        return Entity("Observations", stream, observation(stream, row))

    # -- stepping --------------------------------------------------------------------------------------------------

    def step(self, entity: Entity, name: str, key: str | None) -> Any:
        """Follow a part of a path: a navigation, and of several the one with an id.

        Raises
        ------
        StaError
            404 where that one is not among them.
        """
        reached = self.navigate(entity, name)
        if key is None:
            return reached
        if isinstance(reached, Observed):
            found = self._find("Observations", key)
            reached = [found] if found is not None and found.key in reached.streams else []
        one = next((one for one in reached if one.id == key), None) if not isinstance(reached, Entity) else None
        if one is None:
            raise StaError(404, f"{name}('{key[:80]}') is not there")
        return one

    def navigate(self, entity: Entity, name: str) -> Any:
        """Follow a navigation: one entity, a list of them, or series whose observations are meant."""
        step: Callable[[Entity, str], Any] = {
            "Things": self._from_site,
            "Locations": self._from_site,
            "HistoricalLocations": self._from_site,
            "FeaturesOfInterest": self._from_site,
            "Datastreams": self._from_stream,
            "Observations": self._from_stream,
            "Sensors": self._from_sensor,
            "ObservedProperties": self._from_property,
        }[entity.collection]
        return step(entity, name)

    def _from_site(self, entity: Entity, name: str) -> Any:
        site = entity.key
        streams = [one for one in self.catalog.streams if one.site == site]
        if name == "HistoricalLocations":
            return [_past(row) for row in self.catalog.history(site)]
        if name == "Datastreams":
            return [self._stream(one) for one in streams]
        if name == "Observations":
            return Observed(tuple(streams))
        found = self._site("Locations" if name == "Locations" else "Things", site)
        return found if name in SINGLE else [found]

    def _from_stream(self, entity: Entity, name: str) -> Any:
        stream: Stream = entity.key
        if name == "Observations":
            return Observed((stream,))
        if name == "Datastream":
            return self._stream(stream)
        if name == "Sensor":
            key = self.catalog.sensor_of(stream)
            return Entity("Sensors", key, self.catalog.sensor(key))
        if name == "ObservedProperty":
            return self._property(stream.pollutant)
        return self._site("FeaturesOfInterest" if name == "FeatureOfInterest" else "Things", stream.site)

    def _from_sensor(self, entity: Entity, name: str) -> Any:
        return [self._stream(one) for one in self.catalog.streams if self.catalog.sensor_of(one) == entity.key]

    def _from_property(self, entity: Entity, name: str) -> Any:
        return [self._stream(one) for one in self.catalog.streams if one.pollutant == entity.key]

    def everything(self, collection: str) -> Any:
        """Return all of a collection, or the series whose observations are meant."""
        catalog = self.catalog
        if collection == "Observations":
            return Observed(catalog.streams)
        if collection in ("Things", "Locations", "FeaturesOfInterest"):
            sites: Iterable[str] = catalog.sites
            if collection != "Things":
                sites = [site for site in sites if catalog.place(site) is not None]
            return [self._site(collection, site) for site in sites]
        if collection == "HistoricalLocations":
            return [_past(row) for site in catalog.sites for row in catalog.history(site)]
        if collection == "Datastreams":
            return [self._stream(one) for one in catalog.streams]
        if collection == "ObservedProperties":
            codes = {one.pollutant for one in catalog.streams}
            return [self._property(code) for code in pollutants() if code in codes]
        keys = dict.fromkeys(catalog.sensor_of(one) for one in catalog.streams)
        return [Entity("Sensors", key, catalog.sensor(key)) for key in keys]

    def lookup(self, entity: Any, steps: tuple[str, ...]) -> list[Any]:
        """Follow a path of a filter or an order."""
        name, rest = steps[0], steps[1:]
        if isinstance(entity, Entity):
            if name in NAVIGATION[entity.collection] and rest:
                reached = self.navigate(entity, name)
                if isinstance(reached, Observed):
                    raise StaError(501, "a filter does not run through Observations: ask the Datastream for them")
                many = [reached] if isinstance(reached, Entity) else reached
                return [value for one in many for value in self.lookup(one, rest)]
            body: Any = {"id": entity.id} | entity.body
        else:
            body = entity
        if not isinstance(body, Mapping):
            return []
        if name not in body:
            if isinstance(entity, Entity):
                known = ", ".join(sorted(key for key in body if not key.startswith(("_", "@"))))
                raise StaError(400, f"{name[:40]!r} is no property of {entity.collection}: {known}")
            return []
        value = body[name]
        if rest:
            return self.lookup(value, rest)
        return [instants_of(value) if name in _TIMED and isinstance(value, str) else value]


def _past(row: dict[str, Any]) -> Entity:
    return Entity("HistoricalLocations", row["_site"], row)
