"""Facts of the register as GeoJSON (RFC 7946): one feature a fact, properties as the columns of the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import shapely

from bihuan.core import FormatError, RegisterError
from bihuan.formats.cells import parser, show
from bihuan.formats.facts_of import Crs, shifted, values_of
from bihuan.formats.faults import BadCell, RowFault
from bihuan.formats.layouts import Column, Kind, Sheet, kinds, plain_header
from bihuan.formats.tables import Harvest, Record
from bihuan.register import ALWAYS, KIND_OF, KINDS, Fact, Ring, Rings, canonical, outer_rings

_SAME_DATUM = ("CRS84", "4326", "4490", "WGS84", "CGCS2000")


def written(facts: Iterable[Fact]) -> bytes:
    """Return the facts as one FeatureCollection.

    Notes
    -----
    Coordinates are CGCS2000 / WGS84 without a ``crs`` member, outer rings run counter-clockwise (RFC 7946,
    sections 4 and 3.1.6). A fact without place has a null geometry; dates and lists are the text of the tables.
    """
    collection = {"type": "FeatureCollection", "features": [_feature(fact) for fact in facts]}
    return (json.dumps(collection, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n").encode()


def read(text: str, name: str, harvest: Harvest, kind: str | None, crs: Crs) -> None:
    """Read the features of a GeoJSON text into `harvest`.

    Parameters
    ----------
    text : str
    name : str
        Of the file, for messages.
    kind : str or None
        Of features without a property ``kind``; None: known by their properties.
    crs : Crs

    Raises
    ------
    FormatError
        If the text is no GeoJSON, or its ``crs`` member names another datum.
    """
    for number, feature in enumerate(features_of(text, name), 1):
        properties = properties_of(feature)
        which = _kind(properties, kind)
        if which is None:
            harvest.faults.append(RowFault(name, number, "kind", "", "unknown_kind", "、".join(KINDS)))
            continue
        _read_feature(Record(which, which.name, number, {}), feature, properties, harvest, crs)


def features_of(text: str, name: str) -> list[Mapping[str, Any]]:
    """Return the features of a GeoJSON text.

    Raises
    ------
    FormatError
        As `read`.
    """
    try:
        source = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise FormatError(f"{name} is no JSON: {problem}") from None
    features = source.get("features") if isinstance(source, dict) else None
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise FormatError(f"{name} is no GeoJSON FeatureCollection: it must hold a list of features")
    datum = json.dumps(source.get("crs") or "CRS84")
    if not any(mark in datum for mark in _SAME_DATUM):
        raise FormatError(f"{name} names the datum {datum[:80]}: convert it to CGCS2000 / WGS84 longitude, latitude")
    return features


def properties_of(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties of a feature; none where they are no object."""
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def kind_of(properties: Mapping[str, Any]) -> str | None:
    """Return the kind that the properties of a feature fit, or None: all required columns must be there."""
    fits = {
        kind.name: len(_columns(kind, properties))
        for kind in kinds().values()
        if kind.name in KINDS and {c.key for c in kind.required} - {"lon", "lat"} <= _columns(kind, properties).keys()
    }
    return max(fits, key=lambda name: fits[name]) if fits else None


def _kind(properties: Mapping[str, Any], kind: str | None) -> Kind | None:
    told = properties.get("fact", kind or kind_of(properties))
    return kinds()[told] if isinstance(told, str) and told in KINDS else None


def _columns(kind: Kind, properties: Mapping[str, Any]) -> dict[str, tuple[str, Column]]:
    """Return the property and the column of every key that is understood."""
    known = Sheet("", (kind,), "").known()
    found: dict[str, tuple[str, Column]] = {}
    for name in properties:
        match = known.get(plain_header(name))
        if match:
            found.setdefault(match[1].key, (name, match[1]))
    for column in kind.columns:  # the exact key beats any alias
        if column.key in properties:
            found[column.key] = (column.key, column)
    return found


def _read_feature(
    record: Record, feature: Mapping[str, Any], properties: Mapping[str, Any], harvest: Harvest, crs: Crs
) -> None:
    kind = record.kind
    columns = _columns(kind, properties)
    faults: list[RowFault] = []
    for key, (name, column) in columns.items():
        try:
            value = parser(column)(_scalar(properties[name], column))
        except BadCell as bad:
            faults.append(record.fault(key, properties[name], bad.reason, bad.allowed))
            continue
        if value is not None:
            record.values[key] = value
    keys = {*columns}
    try:
        found = _geometry(kind, feature.get("geometry"), record.values.get("crs", crs))
        record.values |= found
        keys |= found.keys()
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RegisterError, shapely.GEOSException):
        faults.append(record.fault("geometry", "", "geometry", "Point" if kind.place == "place" else "Polygon"))
    for column in kind.required:
        if column.key not in record.values and not any(fault.column == column.zh for fault in faults):
            faults.append(record.fault(column.key, "", "required", column.note))
    harvest.told[kind.name] |= keys
    harvest.faults += faults
    harvest.records += [] if faults else [record]


def _scalar(value: Any, column: Column) -> Any:
    """Return a property as a cell; a list only where the table would hold one."""
    if isinstance(value, dict) or (isinstance(value, list) and column.type not in ("codes", "choices")):
        raise BadCell("nested", str(column.example or column.note))
    return value


def _geometry(kind: Kind, geometry: Mapping[str, Any] | None, crs: Crs) -> dict[str, Any]:
    """Return what a geometry says: lon and lat, or a boundary. A site drawn as an area stands at a point inside it."""
    if geometry is None or not kind.place:
        return {}
    if geometry["type"] == "Point":
        lon, lat = geometry["coordinates"][:2]
        return {"lon": float(lon), "lat": float(lat)}
    if geometry["type"] == "Polygon":
        polygons = [geometry["coordinates"]]
    elif geometry["type"] == "MultiPolygon":
        polygons = geometry["coordinates"]
    else:
        raise ValueError
    if kind.place == "centre":
        rings = tuple(tuple(shifted([point[:2] for point in ring], crs)) for part in polygons for ring in part)
        return {"boundary": canonical(rings)}
    inner = shapely.MultiPolygon([(part[0], part[1:]) for part in polygons]).representative_point()
    return {"lon": round(inner.x, 7), "lat": round(inner.y, 7)}


def _feature(fact: Fact) -> dict[str, Any]:
    kind = kinds()[KIND_OF[type(fact)]]
    values = values_of(fact)
    shown = {column.key: _json(show(column, values[column.key])) for column in kind.columns}
    boundary = getattr(fact, "boundary", ())
    place = getattr(fact, kind.place) if kind.place else None
    geometry: dict[str, Any] | None = None
    if boundary:
        geometry = _area(boundary)
    elif place:
        geometry = {"type": "Point", "coordinates": [place.lon, place.lat]}
        shown |= {"lon": None, "lat": None}
    since = "" if fact.valid_from == ALWAYS else f"@{fact.valid_from}"
    properties = {"fact": kind.name} | {key: value for key, value in shown.items() if value is not None}
    return {"type": "Feature", "id": f"{kind.name}:{fact.id}{since}", "geometry": geometry, "properties": properties}


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _area(boundary: Rings) -> dict[str, Any]:
    rings = canonical(boundary)
    parts: dict[int, list[Ring]] = {}
    for index, home in enumerate(outer_rings(rings)):
        parts.setdefault(home, []).append(rings[index])
    polygons = list(parts.values())
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}
