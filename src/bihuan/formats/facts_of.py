"""Records to facts and facts to rows: the one place that knows how columns make a fact."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from bihuan.core import InputError, Place, Ref
from bihuan.formats.faults import RowFault
from bihuan.formats.gcj02 import gcj02_to_wgs84
from bihuan.formats.layouts import Kind, kinds
from bihuan.formats.tables import Harvest, Record, merge_repeats
from bihuan.register import ALWAYS, KIND_OF, KINDS, Fact, Rings

Crs = Literal["CGCS2000", "WGS84", "GCJ02"]
"""Datums that are understood; the first two are one within a decimetre."""

CONVERTED = "GCJ-02→CGCS2000"
"""Mark in the `source` of a fact whose place was converted at the door."""

_CHINA = (73.0, 136.0, 3.0, 54.0)
"""West, east, south, north of the country, generously. [degrees]"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file gave.

    Attributes
    ----------
    facts : tuple of Fact
        From every row that could be read.
    errors : tuple of RowFault
        Rows that were left out and why.
    warnings : tuple of RowFault
        Taken all the same, but somebody should look.
    told : mapping of str to frozenset of str
        Kind -> fields that the file has columns for; `Register.merge` leaves the others as they are known.
    rows : mapping
        (kind, id, first day) -> the row that told the fact, for what is found wrong with it later.
    """

    facts: tuple[Fact, ...]
    errors: tuple[RowFault, ...]
    warnings: tuple[RowFault, ...]
    told: Mapping[str, frozenset[str]]
    rows: Mapping[tuple[str, str, date], Record] = field(default_factory=dict, repr=False)


def to_facts(harvest: Harvest, name: str, crs: Crs, known: Iterable[Fact] = ()) -> Imported:
    """Make facts of the records of a file.

    Parameters
    ----------
    harvest : Harvest
    name : str
        Of the file: the `source` of facts that name none.
    crs : Crs
        Of coordinates whose row names none.
    known : iterable of Fact
        Facts whose names may stand for their ids, besides those of the file itself.
    """
    faults = harvest.faults
    shapes = [record for record in harvest.records if record.kind.name == "boundary"]
    records = merge_repeats(_with_ids([r for r in harvest.records if r.kind.name != "boundary"]), faults)
    names = _names(records, known)
    rings = _rings(shapes, records, crs, faults)
    built: list[tuple[Record, Fact]] = []
    for record in records:
        fact = _fact(record, name, crs, rings, faults) if _resolved(record, names, faults) else None
        if fact is not None:
            built.append((record, fact))
    told = {kind: _fields(kind, keys) for kind, keys in harvest.told.items() if kind != "boundary"}
    for record in shapes:
        told.setdefault(record.values["kind"], frozenset())
        told[record.values["kind"]] |= {"boundary"}
    facts = _without_overlaps(built, faults)
    heard = harvest.faults_in_order()
    errors = tuple(fault for fault in heard if fault.severity == "error")
    warnings = tuple(fault for fault in heard if fault.severity != "error")
    rows = {(record.kind.name, fact.id, fact.valid_from): record for record, fact in built}
    return Imported(tuple(facts), errors, warnings, told, rows)


def values_of(fact: Fact) -> dict[str, Any]:
    """Return a fact as values by column key: the inverse of what `to_facts` makes of one record."""
    kind = kinds()[KIND_OF[type(fact)]]
    place = getattr(fact, kind.place) if kind.place else None
    found: dict[str, Any] = {}
    for column in kind.columns:
        head, _, rest = column.key.partition(".")
        if column.key in ("lon", "lat"):
            found[column.key] = getattr(place, column.key) if place else None
        elif column.key == "crs":
            found["crs"] = "CGCS2000" if place else ""
        elif column.key in ("site_kind", "site"):
            site_kind, _, ident = fact.site.partition(":")  # type: ignore[attr-defined]
            found[column.key] = site_kind if column.key == "site_kind" else ident
        elif rest:
            found[column.key] = getattr(fact, head).get(rest)
        else:
            found[column.key] = getattr(fact, head)
    if fact.valid_from == ALWAYS:
        found["valid_from"] = None
    return found


def _with_ids(records: Sequence[Record]) -> list[Record]:
    """Give the rows that need no id of their own one that comes from their content."""
    for record in records:
        values = record.values
        if record.kind.name == "duty":
            values.setdefault("id", f"{values['matter']}@{values.get('district', '')}")
            words = next(column for column in record.kind.columns if column.key == "matter").values
            values.setdefault("name", words.get(values["matter"], values["matter"]))
        elif record.kind.name == "device":
            values.setdefault("name", values["id"])
    return list(records)


Names = Mapping[str, tuple[set[str], Mapping[str, set[str]]]]
"""Kind -> ids, and ids by name."""


def _names(records: Sequence[Record], known: Iterable[Fact]) -> Names:
    found: dict[str, tuple[set[str], dict[str, set[str]]]] = {name: (set(), defaultdict(set)) for name in KINDS}
    named = {column.of for kind in {record.kind.name for record in records} for column in kinds()[kind].columns}
    if any(record.kind.name == "device" for record in records):
        named |= {"station", "section", "outlet", "worksite"}
    pairs = [(r.kind.name, r.values["id"], r.values.get("name", "")) for r in records if r.kind.name in named]
    pairs += [(KIND_OF[type(fact)], fact.id, fact.name) for fact in known]
    for kind, ident, name in pairs:
        found[kind][0].add(ident)
        found[kind][1][name].add(ident)
    return found


def _resolved(record: Record, names: Names, faults: list[RowFault]) -> bool:
    """Put the id where a clerk wrote the name; False where a name belongs to several."""
    before = len(faults)
    for column in record.kind.references:
        of = record.values["site_kind"] if column.key == "site" else column.of
        if column.key not in record.values or not names[of][0]:
            continue
        value = record.values[column.key]
        parts = value if isinstance(value, tuple) else (value,)
        ids, by_name = names[of]
        found = []
        for part in parts:
            same = by_name.get(part, ()) if part not in ids else ()
            if len(same) > 1:
                faults.append(record.fault(column.key, part, "ambiguous", "、".join(sorted(same))))
            found.append(next(iter(same)) if len(same) == 1 else part)
        record.values[column.key] = tuple(dict.fromkeys(found)) if isinstance(value, tuple) else found[0]
    return len(faults) == before


def _fact(record: Record, name: str, crs: Crs, rings: Mapping[Any, Rings], faults: list[RowFault]) -> Fact | None:
    values, before = dict(record.values), len(faults)
    first, last = values.get("valid_from", ALWAYS), values.get("valid_to")
    if last is not None and last <= first:
        faults.append(record.fault("valid_to", last, "date_order", f"> {first}"))
        return None
    values.setdefault("source", name)
    crs = values.pop("crs", crs)
    place, converted = _place(record, values.pop("lon", None), values.pop("lat", None), crs, faults)
    if place is not None:
        values[record.kind.place] = place
    boundary = values.pop("boundary", None) or rings.get((record.kind.name, values["id"], first))
    if boundary:
        values["boundary"] = boundary
        converted = converted or crs == "GCJ02"
    if converted and CONVERTED not in values["source"]:
        values["source"] = f"{values['source']} ({CONVERTED})".strip()
    if any(fault.severity == "error" for fault in faults[before:]):
        return None
    return _build(record.kind, values)


def _build(kind: Kind, values: dict[str, Any]) -> Fact:
    if kind.name == "device":
        values["site"] = str(Ref(values.pop("site_kind"), values["site"]))
        rhythm = {key.partition(".")[2]: values.pop(key) for key in sorted(values) if key.startswith("rhythm.")}
        values["rhythm"] = rhythm
    if kind.name == "cell":
        values["level"] = int(values["level"])
        values.setdefault("district", "")
    return KINDS[kind.name](**values)


def _place(
    record: Record, lon: float | None, lat: float | None, crs: Crs, faults: list[RowFault]
) -> tuple[Place | None, bool]:
    """Return the place of a row in CGCS2000 and whether it was converted."""
    if lon is None and lat is None:
        return None, False
    if lon is None or lat is None:
        faults.append(record.fault("lon" if lon is None else "lat", "", "required", ""))
        return None, False
    west, east, south, north = _CHINA
    inside = west <= lon <= east and south <= lat <= north
    if not inside and west <= lat <= east and south <= lon <= north:
        faults.append(record.fault("lon", f"{lon}, {lat}", "swapped", f"{lat}, {lon}"))
        return None, False
    if crs == "GCJ02":
        x, y = gcj02_to_wgs84(lon, lat)
        lon, lat = round(float(x), 8), round(float(y), 8)
    try:
        place = Place(lon, lat)
    except InputError:
        faults.append(record.fault("lon", f"{lon}, {lat}", "outside_globe", "-180 – 180, -90 – 90"))
        return None, False
    if not inside:
        allowed = f"{west:g} – {east:g}, {south:g} – {north:g}"
        faults.append(replace(record.fault("lon", f"{lon}, {lat}", "outside_country", allowed), severity="warning"))
    return place, crs == "GCJ02"


def _rings(shapes: Iterable[Record], records: Iterable[Record], crs: Crs, faults: list[RowFault]) -> dict[Any, Rings]:
    """Join the rows of the sheet of boundaries to rings of one kind, id and first day."""
    owners = {(r.kind.name, r.values["id"], r.values.get("valid_from", ALWAYS)) for r in records}
    found: dict[Any, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for record in shapes:
        values = record.values
        owner = (values["kind"], values["id"], values.get("from", ALWAYS))
        if owner not in owners:
            faults.append(record.fault("id", values["id"], "no_owner"))
            continue
        found[owner][values["ring"]] += shifted(values["points"], crs)
    rings = {owner: tuple(tuple(by[number]) for number in sorted(by)) for owner, by in found.items()}
    small = {owner for owner, area in rings.items() if any(len(set(ring)) < 3 for ring in area)}
    for record in shapes:
        if (record.values["kind"], record.values["id"], record.values.get("from", ALWAYS)) in small:
            faults.append(record.fault("points", "", "points", "≥ 3"))
    return {owner: area for owner, area in rings.items() if owner not in small}


def shifted(points: Sequence[tuple[float, float]], crs: Crs) -> list[tuple[float, float]]:
    """Return points in CGCS2000, rounded to a millimetre where they had to be converted."""
    if crs != "GCJ02" or not points:
        return [(float(lon), float(lat)) for lon, lat in points]
    lon, lat = gcj02_to_wgs84([point[0] for point in points], [point[1] for point in points])
    return [(round(float(x), 8), round(float(y), 8)) for x, y in zip(lon, lat, strict=True)]


def _without_overlaps(built: Sequence[tuple[Record, Fact]], faults: list[RowFault]) -> list[Fact]:
    """Leave out the rows that tell an id for days that an earlier span of the file already tells."""
    times = Counter((record.kind.name, fact.id) for record, fact in built)
    spans: dict[tuple[str, str], list[tuple[Record, Fact]]] = defaultdict(list)
    for record, fact in built:
        if times[record.kind.name, fact.id] > 1:
            spans[record.kind.name, fact.id].append((record, fact))
    refused: set[int] = set()
    for rows in spans.values():
        rows.sort(key=lambda row: row[1].valid_from)
        before, last = rows[0]
        for record, fact in rows[1:]:
            if last.valid_to is not None and last.valid_to > fact.valid_from:
                faults.append(record.fault("valid_from", fact.valid_from, "overlap", f"{before.row}: {last.valid_to}"))
                refused.add(id(record))
            else:
                before, last = record, fact
    return [fact for record, fact in built if id(record) not in refused]


def _fields(kind: str, keys: Iterable[str]) -> frozenset[str]:
    """Return the fields of the fact that columns speak of."""
    place = kinds()[kind].place
    whole = {key.partition(".")[0] for key in keys} - {"crs", "site_kind"}
    if whole & {"lon", "lat"}:
        whole = whole - {"lon", "lat"} | {place}
    return frozenset(whole)
