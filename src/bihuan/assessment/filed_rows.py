"""The rows of a table as a file holds it: columns found by their names, cells read one by one, what is wrong named.

Each medium has a table of names (``outlet_columns.toml`` and its like); text and numbers are read alike, and numbers
keep the decimals that the file printed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.judged import REFUSED_SCHEMA
from bihuan.core import InputError, RowError, exact, local_date, local_day, utc, widened

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H", "%Y-%m-%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d")
_UNIT = re.compile(r"[(\[\uff08\u3010]\s*([^)\]\uff09\u3011]*)\s*[)\]\uff09\u3011]")
_JOINTS = re.compile(r"[\s._\-]")


class CellRefused(RowError):
    """A cell for which its row is refused; `reason` is a key of ``texts`` under ``refused``."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(f"{column} {value!r}: {reason}")
        self.column, self.value, self.reason = column, value, reason


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The table of names of one medium.

    Attributes
    ----------
    file : str
        Name of the table, for messages.
    keys : mapping
        Names that a column may have, by what it is.
    words : mapping
        Words that a cell may hold, by column and code.
    units : mapping
        Other ways to write a unit.
    blank : frozenset of str
    sentinels : frozenset of Decimal
        Numbers that stand for no value.
    """

    file: str
    keys: Mapping[str, tuple[str, ...]]
    words: Mapping[str, Mapping[str, str]]
    units: Mapping[str, str]
    blank: frozenset[str]
    sentinels: frozenset[Decimal]


@cache
def layout(name: str) -> Layout:
    """Return the table ``<name>_columns.toml``."""
    file = f"{name}_columns.toml"
    raw = tomllib.loads(resources.files("bihuan.assessment").joinpath(file).read_text("utf-8"))
    words = {
        column: {plain_word(word): code for code, names in codes.items() for word in (code, *names)}
        for column, codes in raw.get("words", {}).items()
    }
    return Layout(
        file=f"assessment/{file}",
        keys={what: tuple(names) for what, names in raw["keys"].items()},
        words=words,
        units={name: unit for unit, names in raw.get("units", {}).items() for name in (unit, *names)},
        blank=frozenset(raw["missing"]["texts"]),
        sentinels=frozenset(Decimal(str(value)) for value in raw["missing"]["values"]),
    )


def plain_word(word: str) -> str:
    """Return a word as it is compared: without spaces, dots, underscores and hyphens, in one case."""
    return _JOINTS.sub("", word).casefold()


class FiledRows:
    """A table with its columns found.

    Parameters
    ----------
    table : DataFrame
        As read: text or numbers.
    medium : str
        Whose names are looked for.
    needed : tuple of str
        Columns without which nothing can be judged; ``a/b``: one of them.
    zone : ZoneInfo
        Of stamps without an offset.

    Raises
    ------
    InputError
        If one of `needed` is absent or two columns are one thing; the message lists the accepted names.
    """

    def __init__(self, table: pl.DataFrame, medium: str, needed: tuple[str, ...], zone: ZoneInfo) -> None:
        self.names = layout(medium)
        self.zone = zone
        self.columns, self.units = self._found(table.columns)
        missing = [name for name in needed if not set(name.split("/")) & set(self.columns)]
        if missing:
            accepted = "; ".join(f"{what}: {', '.join(names)}" for what, names in self.names.keys.items())
            raise InputError(
                f"the table has no column for {' and for '.join(missing)}; it has: {', '.join(table.columns)}. "
                f"{self.names.file} lists the names that are read: {accepted}"
            )
        self._table = _exact_singles(table.select(list(self.columns.values())))
        self._refused: list[dict[str, Any]] = []

    def _found(self, columns: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        meaning = {plain_word(name): what for what, names in self.names.keys.items() for name in names}
        found: dict[str, str] = {}
        units: dict[str, str] = {}
        for column in columns:
            what = meaning.get(plain_word(_UNIT.sub("", column)))
            if what is None:
                continue
            if what in found:
                raise InputError(
                    f"columns {found[what]!r} and {column!r} are both {what} ({self.names.file}); keep one"
                )
            found[what] = column
            unit = _UNIT.search(column)
            if unit and unit.group(1):
                units[what] = unit.group(1)
        return found, units

    def __iter__(self) -> Iterator[FiledRow]:
        for number, values in enumerate(self._table.iter_rows(), 1):
            yield FiledRow(number, dict(zip(self.columns, values, strict=True)), self)

    def refuse(self, number: int, why: CellRefused) -> None:
        """Note a row that cannot be judged."""
        column = self.columns.get(why.column, why.column)
        self._refused.append({"row": number, "column": column, "value": why.value, "reason": why.reason})

    @property
    def refused(self) -> pl.DataFrame:
        """Everything noted, by row."""
        return pl.DataFrame(self._refused, schema=REFUSED_SCHEMA).sort("row", maintain_order=True)


@dataclass(frozen=True, slots=True)
class FiledRow:
    """One row; every reading of a cell may raise `CellRefused`."""

    number: int
    cells: Mapping[str, Any]
    rows: FiledRows

    def text(self, name: str) -> str:
        """Return a cell as text, empty where it holds nothing."""
        value = self.cells.get(name)
        if value is None:
            return ""
        text = str(value).strip()
        return "" if text in self.rows.names.blank else text

    def required(self, name: str, reason: str) -> str:
        """Return a cell that may not be empty."""
        found = self.text(name)
        if not found:
            raise CellRefused(name, "", reason)
        return found

    def number_of(self, name: str, reason: str) -> Decimal | None:
        """Return a number as the file printed it; None for nothing, and for a number that stands for nothing.

        Parameters
        ----------
        name : str
        reason : str
            Why the row is refused when the cell is no number.
        """
        found = _number(self.text(name))
        if found is None:
            raise CellRefused(name, self.text(name), reason)
        return None if found.is_nan() or found in self.rows.names.sentinels else found

    def instant(self, name: str, reason: str) -> datetime | None:
        """Return a stamp in UTC, None where there is none."""
        value = self.cells.get(name)
        if isinstance(value, datetime):
            return utc(value, self.rows.zone)
        if isinstance(value, date):
            return local_day(value, self.rows.zone).start
        text = self.text(name)
        if not text:
            return None
        found = _instant(text, self.rows.zone)
        if found is None:
            raise CellRefused(name, text, reason)
        return found

    def day(self, name: str, reason: str) -> date | None:
        """Return the local day of a stamp."""
        found = self.instant(name, reason)
        return None if found is None else local_date(found, self.rows.zone)

    def word(self, name: str, reason: str, *, free: bool = False) -> str:
        """Return the code of a cell that may hold one of some words; `free`: any other word stands for itself."""
        text = self.text(name)
        if not text:
            return ""
        code = self.rows.names.words[name].get(plain_word(text))
        if code is None and not free:
            raise CellRefused(name, text, reason)
        return code or text

    def unit(self, name: str, of: str) -> str:
        """Return the unit of a cell, by its column or by the head of the column it belongs to; empty when not said."""
        said = self.text(name) or self.rows.units.get(of, "")
        return self.rows.names.units.get(said, said)


@lru_cache(maxsize=65_536)
def _number(text: str) -> Decimal | None:
    """A decimal, NaN for nothing, None for what is no number."""
    if not text:
        return Decimal("NaN")
    try:
        found = Decimal(text.replace("\uff0e", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


@lru_cache(maxsize=65_536)
def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    plain = text.replace("/", "-")
    for form in _FORMATS:
        try:
            return utc(datetime.strptime(plain, form), zone)  # noqa: DTZ007  # local time of the zone given
        except ValueError:
            continue
    try:
        return utc(datetime.fromisoformat(text), zone)
    except ValueError:
        return None


def _exact_singles(table: pl.DataFrame) -> pl.DataFrame:
    """Single-precision columns as the decimals that their source printed."""
    singles = [name for name, kind in table.schema.items() if kind == pl.Float32]
    return table.with_columns(
        *(pl.Series(name, widened(table[name].to_numpy())).fill_nan(None) for name in singles),
    )


def printed(value: Any) -> str:
    """Return a number as one reads it: its shortest decimal, without an exponent."""
    if value is None:
        return ""
    text = f"{exact(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
