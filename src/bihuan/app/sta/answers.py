"""A path and its options to an answer: entities, collections with pages, properties; every link can be followed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from bihuan.app.sta.catalog import Catalog, Stream
from bihuan.app.sta.entities import COLLECTIONS, NAVIGATION, All, Entities, Entity, Observed
from bihuan.app.sta.problems import StaError
from bihuan.app.sta.query import Instants, Name, Options, holds, instants_of
from bihuan.app.sta.values import Bounds, bounds_of, count_of, rows_of

SERIES = 200
"""Series whose observations one answer may have to look through."""

READ = 200_000
"""Observations that one answer looks at."""

_SEGMENT = re.compile(r"([A-Za-z]+|\$ref|\$value)(?:\('((?:[^']|'')*)'\)|\((\d+)\))?")


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
    _entities: Entities = field(init=False)
    _read: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._entities = Entities(self.catalog)

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
                found = self._entities.step(found, name, key)
            elif found is None and number == 0 and name in COLLECTIONS:
                collection = name
                found = All(name) if key is None else self._entities.entity(name, key)
            elif isinstance(found, Entity) and name in found.body and key is None:
                return _property(found, name, segments[number + 1 :])
            else:
                raise StaError(404, f"{path[:120]!r} leads nowhere: {name[:40]} is not known there")
        if isinstance(found, Entity):
            return self.shown(found, options)
        return self.page(found, collection, options, path, refs)

    # -- showing ---------------------------------------------------------------------------------------------------

    def page(self, found: Any, collection: str, options: Options, path: str, refs: bool = False) -> dict[str, Any]:
        """Return one page of a collection, with the address of the next."""
        if isinstance(found, All):
            found = self._entities.everything(collection)
        if isinstance(found, Observed):
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
        kept = [one for one in found if options.filter is None or holds(options.filter, one, self._entities.lookup)]
        for name, descending in reversed(options.orderby):
            steps = name.steps
            kept = sorted(kept, key=partial(self._sort_key, steps), reverse=descending)
        end = options.skip + options.top
        return kept[options.skip : end], end < len(kept), len(kept)

    def _sort_key(self, steps: tuple[str, ...], one: Entity) -> tuple[int, Any]:
        return _sortable(self._entities.lookup(one, steps))

    def _observations(self, found: Observed, options: Options) -> tuple[list[Entity], bool, int, str]:
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
            one = self._entities.value(stream, row)
            if options.filter is None or holds(options.filter, one, self._entities.lookup):
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
        found = self._entities.navigate(entity, name)
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
