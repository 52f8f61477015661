"""What `bihuan assess` hands out: sheets of rows, plain for programs, as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.table import Table

from bihuan.core import Language, NotCovered, plain, pollutant, text

ITEMS = frozenset({"item", "pollutant", "primary", "primary_today", "largest", "largest_today", "worst", "over"})
LABELS = frozenset(
    {"class", "label", "label_today", "reason", "stamp", "direction", "figure", "kind"}
    | {"land_use", "next_step", "main_route", "driver"}
)
STATUSES = frozenset({"status", "status_today"})
_KINDS = ("aqi.", "verdict.", "verdict.class_", "assess.", "law_water.", "law_soil.")
NUMBERS = frozenset({"aqi", "aqi_today", "rank", "rank_today"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table.

    Attributes
    ----------
    name : str
        Its title stands in ``texts`` under ``assess.sheet_<name>``, the heads of its columns under
        ``assess.col_<column>``.
    rows : tuple of mapping
        Plain values by column; instants are UTC, days are days of the city.
    shown : tuple of str
        Columns that are printed; all of them go into JSON.
    """

    name: str
    rows: tuple[Mapping[str, Any], ...]
    shown: tuple[str, ...]

    def table(self, language: Language = "zh") -> Table:
        """Return the sheet for a terminal."""
        found = Table(title=text(f"assess.sheet_{self.name}", language), title_justify="left")
        for column in self.shown:
            numeric = any(isinstance(row.get(column), (int, float)) for row in self.rows)
            found.add_column(text(f"assess.col_{column}", language), justify="right" if numeric else "left")
        for row in self.rows:
            found.add_row(*(cell(column, row.get(column), language) for column in self.shown))
        return found


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that one `bihuan assess` says.

    Attributes
    ----------
    medium : str
    sheets : tuple of Sheet
    """

    medium: str
    sheets: tuple[Sheet, ...]

    def sheet(self, name: str) -> Sheet:
        """Return one sheet.

        Raises
        ------
        NotCovered
            If there is none of that name.
        """
        for one in self.sheets:
            if one.name == name:
                return one
        raise NotCovered(f"no sheet {name!r} was made; there are {', '.join(one.name for one in self.sheets)}")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        rows = {sheet.name: [_plain(row) for row in sheet.rows] for sheet in self.sheets}
        return {"medium": self.medium, **rows, "note": text("verdict.own_calculation")}

    def tables(self, language: Language = "zh") -> list[Table]:
        """Return every sheet that has rows, for a terminal."""
        return [sheet.table(language) for sheet in self.sheets if sheet.rows]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: str(value) if type(value) is date else plain(value) for key, value in row.items()}


def cell(column: str, value: Any, language: Language) -> str:
    """Return one value as it is printed."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return text("assess.yes" if value else "assess.no", language)
    if isinstance(value, float):
        return f"{value:.0f}" if column in NUMBERS else f"{value:.6g}"
    return _word(column, str(value), language)


def _word(column: str, value: str, language: Language) -> str:
    if column in STATUSES:
        return "" if value in ("", "confirmed") else text("verdict.to_check", language)
    if column in ITEMS:
        return "、".join(_item(code, language) for code in value.split(";")) if value else "-"
    return _label(value, language) if column in LABELS and value else value


def _item(code: str, language: Language) -> str:
    try:
        found = pollutant(code)
    except NotCovered:
        return _named(code, (f"law_water.item_{code}",), language)
    return found.zh if language == "zh" else found.en


def _label(code: str, language: Language) -> str:
    return _named(code, (f"{kind}{code}" for kind in _KINDS), language)


def _named(code: str, keys: Iterable[str], language: Language) -> str:
    for key in keys:
        try:
            return text(key, language)
        except NotCovered:
            continue
    return code
