"""Which table is this: a sheet is known by its header, not by its name, place or order of columns."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from bihuan.formats.faults import RowFault
from bihuan.formats.layouts import Column, Kind, Sheet, guide, plain_header, sheets

_ROWS_LOOKED_AT = 10
"""A bureau's table may carry a title, a unit and a date above its header."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns of a sheet stand.

    Attributes
    ----------
    sheet : Sheet
        Layout it follows.
    row : int
        Of the header, counted from 0.
    columns : tuple of (int, Kind, Column)
        Place of every column that is understood.
    width : int
        Number of headed columns.
    unknown : tuple of str
        Headers that are not understood.
    """

    sheet: Sheet
    row: int
    columns: tuple[tuple[int, Kind, Column], ...]
    width: int
    unknown: tuple[str, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of which every required column is there."""
        return tuple(kind for kind in self.sheet.kinds if not self.missing(kind))

    def missing(self, kind: Kind) -> tuple[Column, ...]:
        """Return the required columns of a kind that are not there."""
        there = {column.key for _, one, column in self.columns if one is kind}
        return tuple(column for column in kind.required if column.key not in there)

    def told(self, kind: Kind) -> frozenset[str]:
        """Return the keys of the columns that are there."""
        return frozenset(column.key for _, one, column in self.columns if one is kind)

    def faults(self, name: str) -> list[RowFault]:
        """Return what is wrong with the header itself."""
        known = self.sheet.known()
        found = []
        for header in self.unknown:
            near = difflib.get_close_matches(plain_header(header), known, 1, cutoff=0.5)
            allowed = known[near[0]][1].zh if near else "、".join(column.zh for _, column in self.sheet.columns)
            found.append(RowFault(name, self.row + 1, header, header, "unknown_column", allowed, "warning"))
        for kind in self.sheet.kinds:
            if len(self.sheet.kinds) > 1 and "id" not in self.told(kind):
                continue  # the other kind of the sheet may come alone
            found += [RowFault(name, self.row + 1, c.zh, "", "missing_column", c.note) for c in self.missing(kind)]
        return found


def find_header(rows: Sequence[Sequence[Any]], name: str, kind: str | None = None) -> Header | None:
    """Return the header among the first rows of a sheet, or None when they hold none of ours.

    Parameters
    ----------
    rows : sequence of rows
        At least the first ten.
    name : str
        Of the sheet; decides between layouts that fit equally well.
    kind : str, optional
        Only layouts with this kind.
    """
    best: tuple[tuple[int, int, int, int], Header] | None = None
    for sheet in sheets():
        if kind and kind not in [one.name for one in sheet.kinds]:
            continue
        known = sheet.known()
        for index, row in enumerate(rows[:_ROWS_LOOKED_AT]):
            header = _read(sheet, known, index, row)
            whole = max(len(one.required) - len(header.missing(one)) for one in sheet.kinds)
            share = max(2 * (len(one.required) - len(header.missing(one))) >= len(one.required) for one in sheet.kinds)
            if not share or (len(header.columns) < 2 and not kind):
                continue
            score = (len(header.kinds), whole, len(header.columns), plain_header(sheet.name) in plain_header(name))
            if best is None or score > best[0]:
                best = (score, header)
    return best[1] if best else None


def is_example(cells: Iterable[Any]) -> bool:
    """Say whether a row is the example of the template."""
    return any(isinstance(cell, str) and cell.strip() in _examples() for cell in cells)


@cache
def _examples() -> frozenset[str]:
    return frozenset((guide("zh").example, guide("en").example))


def _read(sheet: Sheet, known: dict[str, tuple[Kind, Column]], index: int, row: Sequence[Any]) -> Header:
    columns: list[tuple[int, Kind, Column]] = []
    unknown: list[str] = []
    taken: set[tuple[str, str]] = set()
    width = 0
    numbers = {plain_header(guide("zh").number), plain_header(guide("en").number)}
    for place, cell in enumerate(row):
        if not isinstance(cell, str) or not cell.strip():
            continue
        width = place + 1
        # a header in two languages is known by either of its lines
        names = [plain_header(one) for one in (cell, *reversed(cell.splitlines()))]
        found = next((known[name] for name in names if name in known), None)
        if found and (found[0].name, found[1].key) not in taken:
            taken.add((found[0].name, found[1].key))
            columns.append((place, *found))
        elif numbers.isdisjoint(names):
            unknown.append(cell.strip())
    return Header(sheet, index, tuple(columns), width, tuple(unknown))
