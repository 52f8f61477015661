"""A path and its options to an answer: entities, collections with pages, properties; every link can be followed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from bihuan.app.sta.catalog import FEED, Catalog, Stream, observation, stream_of
from bihuan.app.sta.problems import StaError
from bihuan.app.sta.query import Instants, Name, Options, holds, instants_of
from bihuan.app.sta.values import Bounds, bounds_of, count_of, rows_of
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
SERIES = 200
"""Series whose observations one answer may have to look through."""

READ = 200_000
"""Observations that one answer looks at."""

_SEGMENT = re.compile(r"([A-Za-z]+|\$ref|\$value)(?:\('((?:[^']|'')*)'\)|\((\d+)\))?")
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


@dataclass(slots=True)
class Answerer:
    """Answers for one session.

    Attributes
    ----------
    catalog : Catalog
    root : str
        Address of the service, without a slash at its end.
    """

    catalog: Catalog
    root: str
    _read: int = field(default=0)

    def index(self) -> dict[str, Any]:
        """Return what the service offers."""
        base = "http://www.opengis.net/spec/iot_sensing/1.1/req"
        kinds = ("thing", "location", "historical-location", "datastream", "sensor", "observed-property")
        served = [f"{base}/datamodel/{kind}" for kind in (*kinds, "observation", "feature-of-interest")]
        options = ("filter", "expand", "select", "orderby", "top", "skip", "count", "pagination", "status-codes")
        served += [f"{base}/request-data/{option}" for option in options]
        served += [f"{base}/data-array/data-array", f"{base}/resource-path/resource-path-to-entities"]
        return {
            "value": [{"name": name, "url": f"{self.root}/{name}"} for name in COLLECTIONS],
            "serverSettings": {"conformance": served},
        }

    def get(self, path: str, options: Options) -> Any:
        """Answer a path below the service root.

        Raises
        ------
        StaError
        """
        segments = _segments(path)
        if not segments:
            return self.index()
        found: Any = None
        collection, refs = "", False
        for number, (name, key) in enumerate(segments):
            last = number == len(segments) - 1
            if name == "$ref" and last and found is not None:
                refs = True
            elif isinstance(found, Entity) and name in NAVIGATION[found.collection]:
                collection = NAVIGATION[found.collection][name]
                found = self._step(found, name, key)
            elif found is None and number == 0 and name in COLLECTIONS:
                collection = name
                found = _All(name) if key is None else self.entity(name, key)
            elif isinstance(found, Entity) and name in found.body and key is None:
                return _property(found, name, segments[number + 1 :])
            else:
                raise StaError(404, f"{path[:120]!r} leads nowhere: {name[:40]} is not known there")
        if isinstance(found, Entity):
            return self.shown(found, options)
        return self.page(found, collection, options, path, refs)

    # -- finding ---------------------------------------------------------------------------------------------------

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
        return next((self._value(stream, row) for row in rows if row["start"] == at), None)

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

    def _value(self, stream: Stream, row: Mapping[str, Any]) -> Entity:
        return Entity("Observations", stream, observation(stream, row))

    # -- stepping --------------------------------------------------------------------------------------------------

    def _step(self, entity: Entity, name: str, key: str | None) -> Any:
        reached = self.navigate(entity, name)
        if key is None:
            return reached
        if isinstance(reached, _Observed):
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
            return _Observed(tuple(streams))
        found = self._site("Locations" if name == "Locations" else "Things", site)
        return found if name in SINGLE else [found]

    def _from_stream(self, entity: Entity, name: str) -> Any:
        stream: Stream = entity.key
        if name == "Observations":
            return _Observed((stream,))
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

    def _everything(self, collection: str) -> Any:
        catalog = self.catalog
        if collection == "Observations":
            return _Observed(catalog.streams)
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

    # -- showing ---------------------------------------------------------------------------------------------------

    def page(self, found: Any, collection: str, options: Options, path: str, refs: bool = False) -> dict[str, Any]:
        """Return one page of a collection, with the address of the next."""
        if isinstance(found, _All):
            found = self._everything(collection)
        if isinstance(found, _Observed):
            chosen, more, count, token = self._observations(found, options)
        else:
            chosen, more, count = self._chosen(found, options)
            token = ""
        answer: dict[str, Any] = {"@iot.count": count} if options.count else {}
        if more:
            answer["@iot.nextLink"] = self._next(path, options, token)
        if refs:
            return answer | {"value": [{"@iot.selfLink": self._link(one)} for one in chosen]}
        return answer | {"value": [self.shown(one, options) for one in chosen]}

    def _chosen(self, found: list[Entity], options: Options) -> tuple[list[Entity], bool, int]:
        kept = [one for one in found if options.filter is None or holds(options.filter, one, self._lookup)]
        for name, descending in reversed(options.orderby):
            steps = name.steps
            kept = sorted(kept, key=partial(self._sort_key, steps), reverse=descending)
        end = options.skip + options.top
        return kept[options.skip : end], end < len(kept), len(kept)

    def _sort_key(self, steps: tuple[str, ...], one: Entity) -> tuple[int, Any]:
        return _sortable(self._lookup(one, steps))

    def _observations(self, found: _Observed, options: Options) -> tuple[list[Entity], bool, int, str]:
        """Return observations of one or more series; of one in windows, of several in order of time over all."""
        streams = [one for one in found.streams if one.interval != "rt"] if len(found.streams) > 1 else found.streams
        bounds = bounds_of(options.filter)
        if len(streams) > 1 and (bounds.low is None or len(streams) > SERIES):
            raise StaError(
                400,
                f"observations of {len(streams)} series at once: go through one Datastream, or of at most {SERIES} "
                "series give $filter=phenomenonTime ge ...",
            )
        by_time, descending = _by_time(options)
        if options.token:
            bounds = _after(options.token, bounds, descending)
        each = [self._of_stream(stream, bounds, descending, options) for stream in streams]
        if len(each) == 1:
            rows: Iterator[Entity] = each[0]
        else:
            rows = iter(sorted(itertools.chain(*each), key=lambda one: one.body["phenomenonTime"], reverse=descending))
        if not by_time:
            kept, more, count = self._chosen(list(rows), Options(options.top, options.skip, orderby=options.orderby))
            return kept, more, count, ""
        taken = list(itertools.islice(rows, options.skip, options.skip + options.top + 1))
        more = len(taken) > options.top
        count = self._count(list(streams), options) if options.count else 0
        token = taken[options.top - 1].body["phenomenonTime"].partition("/")[0] if more and options.top else ""
        return taken[: options.top], more, count, token if len(streams) == 1 else ""

    def _of_stream(self, stream: Stream, bounds: Bounds, descending: bool, options: Options) -> Iterator[Entity]:
        for row in rows_of(self.catalog, stream, bounds, descending):
            self._read += 1
            if self._read > READ:
                raise StaError(400, f"more than {READ} observations would have to be read: narrow the time")
            one = self._value(stream, row)
            if options.filter is None or holds(options.filter, one, self._lookup):
                yield one

    def _count(self, streams: list[Stream], options: Options) -> int:
        if options.filter is None:
            return sum(count_of(self.catalog, stream, Bounds()) for stream in streams)
        bounds = bounds_of(options.filter)
        return sum(1 for stream in streams for _ in self._of_stream(stream, bounds, False, options))

    def shown(self, entity: Entity, options: Options) -> dict[str, Any]:
        """Return an entity with its links, what was selected of it, and what was expanded."""
        navigation = NAVIGATION[entity.collection]
        strange = set(options.expand) - set(navigation)
        if strange:
            raise StaError(400, f"$expand {sorted(strange)[0]}: {entity.collection} leads to {', '.join(navigation)}")
        link = self._link(entity)
        wanted = set(options.select)
        answer: dict[str, Any] = {"@iot.selfLink": link, "@iot.id": entity.id}
        if wanted and wanted <= {"id", "@iot.id"}:
            answer.pop("@iot.selfLink")
        for name, value in entity.body.items():
            if not name.startswith(("_", "@")) and (not wanted or name in wanted):
                answer[name] = value
        for name in navigation:
            if name in options.expand:
                answer |= self._expanded(entity, name, options.expand[name], link)
            elif not wanted or name in wanted:
                answer[f"{name}@iot.navigationLink"] = f"{link}/{name}"
        return answer

    def _expanded(self, entity: Entity, name: str, options: Options, link: str) -> dict[str, Any]:
        found = self.navigate(entity, name)
        if isinstance(found, Entity):
            return {name: self.shown(found, options)}
        path = f"{link[len(self.root) + 1 :]}/{name}"
        page = self.page(found, NAVIGATION[entity.collection][name], options, path)
        made = {name: page["value"]}
        for mark in ("count", "nextLink"):
            if f"@iot.{mark}" in page:
                made[f"{name}@iot.{mark}"] = page[f"@iot.{mark}"]
        return made

    def _link(self, entity: Entity) -> str:
        return f"{self.root}/{entity.collection}('{quote(entity.id.replace(chr(39), chr(39) * 2), safe=':~@.-_')}')"

    def _next(self, path: str, options: Options, token: str) -> str:
        given = dict(options.given)
        if token:
            given["$skiptoken"] = token
            given.pop("$skip", None)
        else:
            given["$skip"] = str(options.skip + options.top)
        return f"{self.root}/{quote(path, safe='/()~:@,.-_$' + chr(39))}?{urlencode(given)}"

    def _lookup(self, entity: Any, steps: tuple[str, ...]) -> list[Any]:
        """Follow a path of a filter or an order."""
        name, rest = steps[0], steps[1:]
        if isinstance(entity, Entity):
            if name in NAVIGATION[entity.collection] and rest:
                reached = self.navigate(entity, name)
                if isinstance(reached, _Observed):
                    raise StaError(501, "a filter does not run through Observations: ask the Datastream for them")
                many = [reached] if isinstance(reached, Entity) else reached
                return [value for one in many for value in self._lookup(one, rest)]
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
            return self._lookup(value, rest)
        return [instants_of(value) if name in _TIMED and isinstance(value, str) else value]


class _All(NamedTuple):
    """A whole collection, not looked up yet."""

    collection: str


class _Observed(NamedTuple):
    """The observations of some series, not looked up yet."""

    streams: tuple[Stream, ...]


def _segments(path: str) -> list[tuple[str, str | None]]:
    """Cut a path at its slashes, those within quoted ids left alone."""
    found: list[tuple[str, str | None]] = []
    rest = path.strip("/")
    while rest:
        match = _SEGMENT.match(rest)
        if match is None or (match.end() < len(rest) and rest[match.end()] != "/"):
            raise StaError(404, f"{rest[:60]!r} is no part of a path: Things('station:1001A')/Datastreams")
        key = match[2].replace("''", "'") if match[2] is not None else match[3]
        found.append((match[1], key))
        rest = rest[match.end() + 1 :]
    return found


def _property(entity: Entity, name: str, rest: list[tuple[str, str | None]]) -> Any:
    value = entity.body[name]
    if rest == [("$value", None)]:
        return value
    if rest:
        raise StaError(404, f"{rest[0][0][:40]} is not known below a property")
    return {name: value}


def _past(row: dict[str, Any]) -> Entity:
    return Entity("HistoricalLocations", row["_site"], row)


def _by_time(options: Options) -> tuple[bool, bool]:
    """Say whether observations are asked for in order of time, and whether the latest come first."""
    if not options.orderby:
        return True, False
    (name, descending), *others = options.orderby
    return not others and isinstance(name, Name) and name.steps in (
        (("phenomenonTime",)),
        (("resultTime",)),
    ), descending


def _after(token: str, bounds: Bounds, descending: bool) -> Bounds:
    at = instants_of(token).start
    if descending:
        return Bounds(bounds.low, at if bounds.high is None else min(at, bounds.high))
    after = at + timedelta(microseconds=1)
    return Bounds(after if bounds.low is None else max(after, bounds.low), bounds.high)


def _sortable(values: list[Any]) -> tuple[int, Any]:
    value = values[0] if values else None
    if isinstance(value, Instants):
        return 1, value.start.timestamp()
    if isinstance(value, int | float):
        return 1, float(value)
    return (0, "") if value is None else (2, str(value))
