"""Rows of a table to records, and records to facts, with everything that is wrong named by row and column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bihuan.formats.cells import Parser, parser
from bihuan.formats.faults import BadCell, RowFault
from bihuan.formats.headers import Header, is_example
from bihuan.formats.layouts import Column, Kind


@dataclass(slots=True)
class Record:
    """One thing told by one row: its kind, where it stands, and the cells that were filled.

    Attributes
    ----------
    kind : Kind
    sheet : str
    row : int
        As the spreadsheet counts.
    values : dict of str to object
        Key of the column -> value; blank cells are absent.
    """

    kind: Kind
    sheet: str
    row: int
    values: dict[str, Any]

    def fault(self, column: str, value: object, reason: str, allowed: str = "") -> RowFault:
        """Return a fault of this row; `column` is a key."""
        headers = {one.key: one.zh for one in self.kind.columns}
        return RowFault(self.sheet, self.row, headers.get(column, column), _brief(value), reason, allowed)


@dataclass(slots=True)
class Harvest:
    """What the tables of a file gave: records yet to be made facts, and every fault."""

    records: list[Record] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    told: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def faults_in_order(self) -> list[RowFault]:
        """Return every fault as a reader meets them: sheet by sheet, row by row."""
        sheets = list(dict.fromkeys([record.sheet for record in self.records] + [one.sheet for one in self.faults]))
        place = {sheet: number for number, sheet in enumerate(sheets)}
        return sorted(self.faults, key=lambda fault: (place[fault.sheet], fault.row))


def read_table(header: Header, rows: Iterable[Sequence[Any]], name: str, harvest: Harvest) -> None:
    """Read the rows below a header into `harvest`.

    Parameters
    ----------
    header : Header
    rows : iterable of rows
        Those below the header, in order.
    name : str
        Of the sheet, for faults.
    """
    harvest.faults += header.faults(name)
    plans = [(kind, _plan(header, kind)) for kind in header.kinds]
    for kind, _ in plans:
        harvest.told[kind.name] |= header.told(kind)
    if len(plans) > 1:
        harvest.told["person"].add("cells")  # the cell of the row is one of theirs
    if not plans:
        return
    for number, row in enumerate(rows, header.row + 2):
        if _blank(row) or is_example(row[:2]):
            continue
        faults = _too_wide(header, row, name, number)
        parts = [_filled(Record(kind, name, number, {}), plan, row, faults) for kind, plan in plans]
        if faults:
            harvest.faults += faults
        elif len(parts) > 1:
            harvest.records += _side_by_side(parts, faults)
            harvest.faults += faults
        else:
            _need(parts[0], faults)
            harvest.records += [] if faults else parts
            harvest.faults += faults


Plan = list[tuple[int, Column, Parser]]


def _plan(header: Header, kind: Kind) -> Plan:
    return [(place, column, _remembering(column)) for place, one, column in header.columns if one is kind]


def _remembering(column: Column) -> Parser:
    """Return the parser of a column; one that remembers where the same few words come again and again."""
    few = column.of or column.values or column.type in ("date", "yesno")
    return lru_cache(maxsize=4096, typed=True)(parser(column)) if few else parser(column)


def _blank(row: Sequence[Any]) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)


def _too_wide(header: Header, row: Sequence[Any], name: str, number: int) -> list[RowFault]:
    """A cell beyond the header means that a separator stood where none belongs, and every column is in doubt."""
    extra = [cell for cell in row[header.width :] if cell not in (None, "")] if len(row) > header.width else []
    return [RowFault(name, number, "", _brief(extra[0]), "too_wide", str(header.width))] if extra else []


def _filled(record: Record, plan: Plan, row: Sequence[Any], faults: list[RowFault]) -> Record:
    width, values = len(row), record.values
    for place, column, parse in plan:
        cell = row[place] if place < width else None
        if cell is None or cell == "":
            continue
        try:
            value = parse(cell)
        except BadCell as bad:
            faults.append(record.fault(column.key, cell, bad.reason, bad.allowed))
            continue
        if value is not None:
            values[column.key] = value
    return record


def _need(record: Record, faults: list[RowFault]) -> None:
    for column in record.kind.required:
        if column.key not in record.values:
            faults.append(record.fault(column.key, "", "required", column.note or str(column.example or "")))


def _side_by_side(parts: Sequence[Record], faults: list[RowFault]) -> Iterator[Record]:
    """Return the records of a row that holds a cell of the grid and one of its people.

    A cell of which only the code is told is a reference: its own row stands elsewhere.
    """
    cell, person = parts
    named = cell.values.get("id")
    if person.values:
        if named is not None:
            person.values["cells"] = tuple(dict.fromkeys((named, *person.values.get("cells", ()))))
        _need(person, faults)
    if cell.values and not (person.values and cell.values.keys() <= {"id"}):
        _need(cell, faults)
        yield from () if faults else (cell,)
    if person.values and not faults:
        yield person


def merge_repeats(records: Sequence[Record], faults: list[RowFault]) -> list[Record]:
    """Join the rows that tell one cell or one person again, as a sheet of cells with their people must.

    Rows of other kinds that tell an id again for the same day are faults; the first stands.
    """
    first: dict[tuple[str, str, Any], Record] = {}
    for record in records:
        key = (record.kind.name, record.values["id"], record.values.get("valid_from"))
        known = first.setdefault(key, record)
        if known is record:
            continue
        if record.kind.name not in ("cell", "person"):
            faults.append(record.fault("id", key[1], "duplicate", str(known.row)))
            continue
        other = _contradiction(known.values, record.values)
        if other:
            faults.append(record.fault(other, record.values[other], "contradiction", str(known.row)))
            continue
        joined = tuple(dict.fromkeys((*known.values.get("cells", ()), *record.values.get("cells", ()))))
        known.values |= record.values
        if joined:
            known.values["cells"] = joined
    return list(first.values())


def _contradiction(known: Mapping[str, Any], again: Mapping[str, Any]) -> str:
    return next((key for key, value in again.items() if key != "cells" and known.get(key, value) != value), "")


def _brief(value: object) -> str:
    text = str(value).strip()
    return text if len(text) <= 40 else text[:39] + "…"
