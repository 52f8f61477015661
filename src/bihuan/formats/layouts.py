"""The layout of the register's tables, read from `templates.toml`: kinds, their columns, and sheets."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from bihuan.core import Language, texts


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key : str
        Field of the fact, or ``lon lat crs site_kind`` and ``rhythm.hour``, which make part of one.
    zh, en : str
        Header, and its meaning in English.
    type : str
        See the top of `templates.toml`.
    unit : str
        Printed behind the header, empty for none.
    required : bool
    low, high : float or None
        Allowed range, both included.
    offset : float
        Added to a number on reading (degrees Celsius to kelvin).
    values : mapping of str to str
        Code -> word on the sheet.
    open : bool
        Whether other codes of ``a-z 0-9 _ -`` are taken as they are.
    of : str
        Kind that the code names, empty for none.
    example : object
    note : str
    aliases : tuple of str
    """

    key: str
    zh: str
    en: str
    type: str
    unit: str = ""
    required: bool = False
    low: float | None = None
    high: float | None = None
    offset: float = 0.0
    values: Mapping[str, str] = field(default_factory=dict)
    open: bool = False
    of: str = ""
    example: Any = None
    note: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def header(self) -> str:
        """What stands in the first row of the sheet."""
        return f"{self.zh}({self.unit})" if self.unit else self.zh

    def headed(self, language: Language = "zh") -> str:
        """Return the header with a mark where it is required; the English one has the Chinese one below it."""
        mark = "*" if self.required else ""
        if language == "zh":
            return self.header + mark
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.en}{unit}{mark}\n{self.zh}"

    def listed(self, language: Language = "zh") -> tuple[str, ...]:
        """Return what a cell of fixed words may hold: the words, or in English the codes, which are read as well."""
        return tuple(self.values.values()) if language == "zh" else tuple(self.values)

    def shown(self, language: Language = "zh") -> Any:
        """Return the example."""
        codes = {word: code for code, word in self.values.items()} | {"是": "yes", "否": "no"}
        return self.example if language == "zh" else codes.get(self.example, self.example)


@dataclass(frozen=True, slots=True)
class Kind:
    """The columns of one kind of fact.

    Attributes
    ----------
    name : str
        As in a `Ref`.
    columns : tuple of Column
    place : str
        Field that lon and lat make, empty for none.
    required : tuple of Column
        Those without which no row can be read.
    references : tuple of Column
        Those that name other facts.
    """

    name: str
    columns: tuple[Column, ...]
    place: str = ""

    required: tuple[Column, ...] = field(init=False)
    references: tuple[Column, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "required", tuple(column for column in self.columns if column.required))
        named = tuple(column for column in self.columns if column.of or column.key == "site")
        object.__setattr__(self, "references", named)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of the workbook: the columns of one kind, or of two side by side."""

    name: str
    kinds: tuple[Kind, ...]
    use: str
    export_only: bool = False
    en: str = ""
    use_en: str = ""

    def title(self, language: Language = "zh") -> str:
        """Return what stands on its tab."""
        return self.name if language == "zh" else f"{self.name} {self.en}"

    @property
    def columns(self) -> tuple[tuple[Kind, Column], ...]:
        """Every column with its kind, left to right."""
        return tuple((kind, column) for kind in self.kinds for column in kind.columns)

    def known(self) -> dict[str, tuple[Kind, Column]]:
        """Return every header that is understood, in `plain_header` form."""
        found: dict[str, tuple[Kind, Column]] = {}
        for kind, column in self.columns:
            found.setdefault(plain_header(column.zh), (kind, column))
        for kind, column in self.columns:
            names = [f"{kind.name}.{column.key}", *column.aliases]
            names += [column.key, column.en] if len(self.kinds) == 1 else []
            for name in names:
                found.setdefault(plain_header(name), (kind, column))
        return found


@dataclass(frozen=True, slots=True)
class Guide:
    """Words of the cover sheet and of the column that counts rows."""

    title: str
    subtitle: str
    lines: tuple[str, ...]
    columns: tuple[str, ...]
    colours: tuple[str, ...]
    number: str
    example: str


_UNIT_OR_MARK = re.compile(r"\(.*?\)|\[.*?\]|[\s*:_\ufeff\u200b]")


def plain_header(text: str) -> str:
    """Return a header without unit, marks, spaces and width: ``* 经度 (°)`` and ``经度`` are one."""
    return _UNIT_OR_MARK.sub("", unicodedata.normalize("NFKC", text)).lower()


@cache
def sheets() -> tuple[Sheet, ...]:
    """Return the sheets in the order of the workbook."""
    return tuple(
        Sheet(
            row["name"],
            tuple(kinds()[name] for name in row["kinds"]),
            row["use"],
            row.get("export_only", False),
            row["en"],
            row["use_en"],
        )
        for row in _source()["sheet"]
    )


@cache
def kinds() -> Mapping[str, Kind]:
    """Return the columns of every kind of fact by its name in a `Ref`."""
    return {name: _kind(name, row) for name, row in _source()["kind"].items()}


@cache
def guide(language: Language = "zh") -> Guide:
    """Return the words of the cover sheet."""
    table = _source()["guide" if language == "zh" else "guide_en"]
    row: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}
    return Guide(**row)


def sheet_of(kind: str) -> Sheet:
    """Return the sheet on which a kind stands."""
    return next(sheet for sheet in sheets() if kind in [one.name for one in sheet.kinds])


@cache
def _source() -> dict[str, Any]:
    return tomllib.loads(resources.files("bihuan.formats").joinpath("templates.toml").read_text("utf-8"))


def _kind(name: str, row: Mapping[str, Any]) -> Kind:
    own = [_column(column) for column in row["columns"]]
    if name == "boundary":
        return Kind(name, tuple(own))
    prefix = row.get("prefix", "")
    dates = [_column(column, prefix) for column in _source()["dates"]["columns"]]
    place = row.get("place", "")
    where = []
    if place:
        before = row.get("place_prefix", "")
        where = [_column(column, before, required=place == "place") for column in _source()["place"]["columns"]]
    return Kind(name, (*own, *where, *dates), place)


def _column(row: Mapping[str, Any], prefix: str = "", *, required: bool = True) -> Column:
    fields = {name: value for name, value in row.items() if name != "words"}
    fields["values"] = texts("zh").get(row.get("words", ""), {}) | row.get("values", {})
    fields["aliases"] = tuple(prefix + alias for alias in row.get("aliases", ())) if prefix else row.get("aliases", ())
    fields["aliases"] = tuple(fields["aliases"])
    fields["zh"] = prefix + row["zh"]
    fields["required"] = bool(row.get("required", False)) and required
    if prefix:  # the example of a place belongs to places that need one
        fields.pop("example", None)
    return Column(**fields)
