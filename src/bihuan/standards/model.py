"""One form for every table of law: `Standard` with its `Row`s, read from TOML.

A file holds a header and `[[group]]`s of rows; a group names its table and gives clause, status,
source and dates to its rows, and a row may overrule each of them. `[[example]]`s are worked examples
that a test recomputes. Numbers are exact (`Decimal`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_args

from bihuan.core import FormatError, NotCovered, Status

STATUSES: tuple[Status, ...] = get_args(Status)

DECIDING: frozenset[Status] = frozenset({"confirmed", "single_source"})
"""Rows of these statuses decide unless held back; the others only where they are switched on by name."""

_HEADER = {
    "code": str,
    "number": str,
    "title_zh": str,
    "title_en": str,
    "medium": str,
    "clause": str,
    "replaces": list,
    "effective_from": date,
    "places": list,
    "unit": dict,
    "averaging": dict,
    "validity": dict,
    "rounding": dict,
    "status": str,
    "source": str,
}
_EXAMPLE = {"clause", "status", "source", "by", "input", "expected"}
_GROUP = {"table", "clause", "status", "source", "rows", "effective_from", "effective_to", "held"}
_NAMING = ("averaging", "water_body", "land_use")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row of a table of law.

    Attributes
    ----------
    id : str
        ``<standard id>#<table>.<item>[.<averaging, water body or land use>]``; two rows of one id are two spans of
        time.
    table, item : str
    fields : mapping
        What the row says; whole numbers are ``int``, others ``Decimal``, lists ``tuple``.
    clause, source : str
    status : Status
    effective_from : date
    effective_to : date or None
        First day it no longer holds.
    held : bool
        Held back until a city switches it on, whatever its status.
    """

    id: str
    table: str
    item: str
    fields: Mapping[str, Any]
    clause: str
    status: Status
    source: str
    effective_from: date
    effective_to: date | None
    held: bool = False

    def __getitem__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise NotCovered(f"row {self.id} says nothing of {name!r}; it has: {', '.join(self.fields)}") from None

    def holds(self, on: date) -> bool:
        """Say whether the row is in force on a day."""
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One worked example: what goes in, and what somebody else has printed or counted by hand.

    Attributes
    ----------
    id : str
        ``<standard id>#example.<number from 1>``.
    by : str
        What judges it: empty for the judge of the medium over one row, else ``day``, ``percentile``, ``index`` ...
    input, expected : mapping
        Columns of the row, and those of the verdict that must come out; numbers are exact.
    clause, source : str
    status : Status
    """

    id: str
    by: str
    input: Mapping[str, Any]
    expected: Mapping[str, Any]
    clause: str
    status: Status
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """One edition of a standard, notice, plan or act.

    Attributes
    ----------
    id : str
        Name of its file.
    code : str
        What all its editions share: ``GB 3095``.
    number, title_zh, title_en, medium, clause : str
    replaces : tuple of str
        Numbers of the editions it ended.
    effective_from : date
    effective_to : date or None
        First day it is no longer in force.
    places : tuple of str
        Beginnings of the administrative codes it holds for; ``""`` is the whole country.
    unit, averaging, validity, rounding : mapping
    status, source : Status, str
    rows : tuple of Row
    examples : tuple of Example
    """

    id: str
    code: str
    number: str
    title_zh: str
    title_en: str
    medium: str
    clause: str
    replaces: tuple[str, ...]
    effective_from: date
    effective_to: date | None
    places: tuple[str, ...]
    unit: Mapping[str, Any]
    averaging: Mapping[str, Any]
    validity: Mapping[str, Any]
    rounding: Mapping[str, Any]
    status: Status
    source: str
    rows: tuple[Row, ...]
    examples: tuple[Example, ...] = ()

    def holds(self, on: date) -> bool:
        """Say whether the edition is in force on a day."""
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)

    def covers(self, place: str) -> int:
        """Return how closely it names a place: length of the code's beginning, -1 if it does not hold there."""
        return max((len(code) for code in self.places if place.startswith(code)), default=-1)

    def table(self, name: str) -> tuple[Row, ...]:
        """Return the rows of one table, in the order of the standard."""
        return tuple(row for row in self.rows if row.table == name)

    def row(self, table: str, item: str, **wanted: Any) -> Row:
        """Return the one row of an item, for instance ``row("limits", "pm25", averaging="day")``.

        Raises
        ------
        NotCovered
            If no row or more than one fits.
        """
        found = [
            row
            for row in self.table(table)
            if row.item == item and all(row.fields.get(name) == value for name, value in wanted.items())
        ]
        if len(found) != 1:
            raise NotCovered(
                f"{self.number} has {len(found)} rows in {table!r} for {item!r} {wanted or ''}; "
                f"it has: {', '.join(row.id for row in self.table(table)) or 'none in force'}"
            )
        return found[0]

    @property
    def reference_state(self) -> Row:
        """Temperature [K] and pressure [hPa] to which its values refer.

        Raises
        ------
        NotCovered
            If the edition names none, or several spans of time are still in it.
        """
        return self.row("reference_state", "state")

    def only(self, rows: tuple[Row, ...]) -> Standard:
        """Return the same edition with fewer rows."""
        return replace(self, rows=rows)


def parse(text: str, ident: str) -> Standard:
    """Read one edition from TOML text; `ident` is the name of its file.

    Raises
    ------
    FormatError
        If the text is no TOML, a field of the header is missing or of another kind, or a row lacks
        its item, clause, status or source.
    """
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as problem:
        raise FormatError(f"standard {ident}: no TOML: {problem}") from None
    for name, kind in _HEADER.items():
        if not isinstance(raw.get(name), kind):
            raise FormatError(f"standard {ident}: {name} must be given as {kind.__name__}, found {raw.get(name)!r}")
    span = (raw["effective_from"], _end(raw.get("effective_to"), ident))
    groups = [
        *({**state, "table": "reference_state", "rows": [_state(state)]} for state in raw.pop("reference_state", [])),
        *raw.pop("group", []),
    ]
    rows = tuple(row for group in groups for row in _rows(ident, group, span))
    return Standard(
        id=ident,
        **{name: _frozen(raw[name]) for name in _HEADER if name != "effective_from"},
        effective_from=span[0],
        effective_to=span[1],
        rows=rows,
        examples=tuple(_example(ident, place, raw) for place, raw in enumerate(raw.pop("example", []), 1)),
    )


def _example(ident: str, place: int, raw: Mapping[str, Any]) -> Example:
    missing = [name for name in sorted(_EXAMPLE - {"by"}) if not raw.get(name)]
    if missing or set(raw) - _EXAMPLE:
        found = ", ".join(missing) or ", ".join(sorted(set(raw) - _EXAMPLE))
        raise FormatError(f"standard {ident}: example {place} lacks or does not know {found}; it has {_EXAMPLE}")
    fields = {name: _frozen(raw[name]) for name in _EXAMPLE - {"by"}}
    return Example(id=f"{ident}#example.{place}", by=raw.get("by", ""), **fields)


def _state(group: Mapping[str, Any]) -> dict[str, Any]:
    return {"item": "state"} | {name: value for name, value in group.items() if name not in _GROUP}


def _rows(ident: str, group: Mapping[str, Any], span: tuple[date, date | None]) -> Iterator[Row]:
    for raw in group.get("rows", []):
        own = {name: raw.get(name, group.get(name)) for name in _GROUP}
        missing = [name for name in ("table", "clause", "status", "source") if not own[name]]
        if missing or "item" not in raw:
            raise FormatError(f"standard {ident}: row {raw} lacks {', '.join(missing) or 'item'}")
        fields = {name: _frozen(value) for name, value in raw.items() if name not in _GROUP | {"item"}}
        kind = next((f".{fields[name]}" for name in _NAMING if name in fields), "")
        yield Row(
            id=f"{ident}#{own['table']}.{raw['item']}{kind}",
            table=own["table"],
            item=raw["item"],
            fields=MappingProxyType(fields),
            clause=own["clause"],
            status=own["status"],
            source=own["source"],
            effective_from=own["effective_from"] or span[0],
            effective_to=_end(own["effective_to"], ident) or span[1],
            held=bool(own["held"]),
        )


def _end(value: object, ident: str) -> date | None:
    if value is None or isinstance(value, date):
        return value
    raise FormatError(f"standard {ident}: effective_to must be a day, the first it no longer holds; found {value!r}")


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(part) for part in value)
    if isinstance(value, dict):
        return MappingProxyType({name: _frozen(part) for name, part in value.items()})
    return value
