"""Facts to the rows of the sheets, ready for any table format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from bihuan.core import FormatError
from bihuan.formats.cells import show
from bihuan.formats.facts_of import values_of
from bihuan.formats.layouts import Kind, Sheet, kinds, sheets
from bihuan.register import ALWAYS, KIND_OF, Fact

Row = list[Any]

_POINTS_A_ROW = 600
"""Keeps the text of a ring below the 32,767 characters of an Excel cell."""

_LIST_MARKS = frozenset("、,;|/ \t\n　，；")


def sheet_rows(facts: Iterable[Fact]) -> list[tuple[Sheet, list[Row]]]:
    """Return the sheets that the facts need with their rows, without header and number.

    Raises
    ------
    FormatError
        If a code that must stand in a list holds a separator of lists.
    """
    by_kind: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_kind[KIND_OF[type(fact)]].append(fact)
    for some in by_kind.values():
        some.sort(key=lambda fact: (fact.id, fact.valid_from))
    found = []
    for sheet in sheets():
        if sheet.export_only:
            rows = _boundary_rows([*by_kind["district"], *by_kind["cell"]])
        elif len(sheet.kinds) > 1:
            rows = _cells_and_people(sheet, by_kind["cell"], by_kind["person"])
        else:
            rows = [_row(sheet.kinds[0], fact) for fact in by_kind[sheet.kinds[0].name]]
        if rows:
            found.append((sheet, rows))
    return found


def _row(kind: Kind, fact: Fact) -> Row:
    values = values_of(fact)
    for column in kind.columns:
        if column.type in ("codes", "choices") and any(_LIST_MARKS & set(code) for code in values[column.key]):
            raise FormatError(
                f"{kind.name} {fact.id}: {column.key} {values[column.key]} cannot stand in one cell: "
                "codes in a list hold no space, comma, semicolon or slash"
            )
    return [show(column, values[column.key]) for column in kind.columns]


def _cells_and_people(sheet: Sheet, cells: Sequence[Fact], people: Sequence[Fact]) -> list[Row]:
    """Put each person who answers for one cell beside it; the others stand in rows of their own."""
    cell, person = sheet.kinds
    waiting: dict[str, list[Row]] = defaultdict(list)
    alone: list[Row] = []
    place = [column.key for column in person.columns].index("cells")
    once = {ident for ident, count in _counts(people).items() if count == 1}
    known = {ident for ident, count in _counts(cells).items() if count == 1}
    for fact in people:
        row = _row(person, fact)
        home = fact.cells  # type: ignore[attr-defined]
        if len(home) == 1 and home[0] in known and fact.id in once:
            row[place] = None
            waiting[home[0]].append(row)
        else:
            alone.append(row)
    rows: list[Row] = []
    nobody: Row = [None] * len(person.columns)
    for fact in cells:
        first, *others = waiting.pop(fact.id, [nobody])
        rows.append([*_row(cell, fact), *first])
        rows += [[fact.id, *[None] * (len(cell.columns) - 1), *other] for other in others]
    return rows + [[*[None] * len(cell.columns), *row] for row in alone]


def _counts(facts: Iterable[Fact]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for fact in facts:
        counts[fact.id] += 1
    return counts


def _boundary_rows(facts: Iterable[Fact]) -> list[Row]:
    points = kinds()["boundary"].columns[-1]
    kind_column = kinds()["boundary"].columns[0]
    rows: list[Row] = []
    for fact in facts:
        first = None if fact.valid_from == ALWAYS else fact.valid_from
        for number, ring in enumerate(fact.boundary, 1):  # type: ignore[attr-defined]
            for start in range(0, len(ring), _POINTS_A_ROW):
                part = show(points, ring[start : start + _POINTS_A_ROW])
                rows.append([show(kind_column, KIND_OF[type(fact)]), fact.id, first, number, part])
    return rows
