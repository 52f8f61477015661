"""`bihuan assess MEDIUM FILE`: a table from anywhere, judged without being stored, and what could not be judged.

`FILED` says which media can be: a function that judges a table, and one that explains a row of its verdicts. The
command line and the interface are built over it, so a medium is one row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console, Group
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from bihuan.app.sheets import cell
from bihuan.assessment import (
    AIR_OUT,
    REFUSED_SCHEMA,
    Explanation,
    Judged,
    explain_air,
    explain_dust,
    explain_outlet,
    explain_soil,
    explain_soil_risk,
    explain_vehicle,
    explain_water,
    judge_air,
    judge_dust,
    judge_outlet,
    judge_soil,
    judge_vehicle,
    judge_water,
    soil_site_risk,
)
from bihuan.core import CHINA, InputError, Language, NotCovered, text
from bihuan.devices.csv.layout import Csv
from bihuan.devices.csv.table import ROW, is_parquet, read_table

MEDIA = ("air", "water", "soil", "outlet", "vehicle", "dust")
PRINTED = 40
"""Rows of each table that people see; programs get all of them."""


WIDEST = 10_000
"""A width that squeezes nothing. [characters]"""


@dataclass(frozen=True, slots=True)
class Filed:
    """How the tables of one medium are judged.

    Attributes
    ----------
    judge : callable
        ``judge(table, on=, place=, allow=, zone=) -> Judged``.
    explain : callable
        Takes one row of the verdicts.
    shown : tuple of str
        Columns that people see first.
    out : tuple of str
        Columns of `--out`; every column when empty.
    words : str
        Table of ``texts`` with words of its own: ``title``, ``col_<column>``, ``<column>_<value>``.
    """

    judge: Callable[..., Judged]
    explain: Callable[[Mapping[str, Any]], Explanation]
    shown: tuple[str, ...]
    out: tuple[str, ...] = ()
    words: str = ""


FILED: Mapping[str, Filed] = {
    "air": Filed(
        judge_air,
        explain_air,
        shown=("row", "site", "start", "aqi", "level", "label", "primary", "edition", "status", "reason"),
        out=AIR_OUT,
    ),
    "outlet": Filed(
        judge_outlet,
        explain_outlet,
        shown=(
            *("row", "site", "start", "averaging", "pollutant", "compared", "limit", "multiple", "label", "edition"),
            *("status", "reason"),
        ),
        words="law_outlet",
    ),
    "vehicle": Filed(
        judge_vehicle,
        explain_vehicle,
        shown=("row", "vehicle", "time", "test", "item", "value", "limit", "label", "result", "edition", "status"),
        words="law_mobile",
    ),
    "dust": Filed(
        judge_dust,
        explain_dust,
        shown=(
            *("row", "site", "start", "pollutant", "values", "over", "let_pass", "highest", "limit", "label"),
            *("edition", "reason"),
        ),
        words="law_dust",
    ),
    "soil": Filed(
        judge_soil,
        explain_soil,
        shown=(
            *("row", "site", "land_use", "label", "next_step", "worst", "item", "value", "screening", "control"),
            *("over_screening", "date", "edition", "status", "reason"),
        ),
    ),
    "water": Filed(
        judge_water,
        explain_water,
        shown=("row", "site", "start", "class", "worst", "over", "multiples", "edition", "status", "reason"),
    ),
}
"""Media that can be judged from a file."""

RISKS: Mapping[str, Filed] = {
    "soil": Filed(
        soil_site_risk,
        explain_soil_risk,
        shown=(
            *("row", "site", "date", "land_use", "item", "value", "carcinogenic_risk", "hazard_quotient"),
            *("main_route", "label", "recomputed_value", "driver", "chance_risk", "chance_hazard", "worst", "status"),
        ),
    ),
}
"""Media whose risk can be computed from a file: by a model, so neither a verdict nor a limit."""


def filed(medium: str, *, risk: bool = False) -> Filed:
    """Return how a medium is judged, or how its risk is computed.

    Raises
    ------
    NotCovered
        If no table of it can be judged.
    """
    known, done = (RISKS, "assessed for its risk") if risk else (FILED, "judged")
    if medium not in known:
        raise NotCovered(f"no file of {medium!r} can be {done}; there are: {', '.join(known)}")
    return known[medium]


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of one file.

    Attributes
    ----------
    medium, file : str
    rows : int
        Data rows of the file, torn ones too.
    judged : Judged
        ``row`` counts the data rows of the file from 1.
    zone : ZoneInfo
        In which instants are printed for people.
    risk : bool
        Whether a model computed it, so that it is no verdict.
    """

    medium: str
    file: str
    rows: int
    judged: Judged
    zone: ZoneInfo = CHINA
    risk: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Rows read, verdicts, rows refused, and verdicts that rest on a rule still to be checked (待核)."""
        verdicts, refused = self.judged.verdicts, self.judged.refused
        unsure = int((verdicts["status"] != "confirmed").sum())
        return {
            "rows": self.rows,
            "verdicts": verdicts.height,
            "refused": refused["row"].n_unique(),
            "to_check": unsure,
        }

    @property
    def code(self) -> int:
        """Exit code: 0 all judged, 1 some rows refused, 2 nothing could be judged."""
        return 2 if self.judged.verdicts.is_empty() else 1 if self.judged.refused.height else 0

    def as_dict(self, language: Language = "zh") -> dict[str, Any]:
        """Return one document for programs."""
        refused = [
            line | {"words": text(f"refused.{line['reason']}", language)} for line in self.judged.refused.to_dicts()
        ]
        found: dict[str, Any] = {"medium": self.medium, "file": self.file, "counts": self.counts}
        found["editions"] = self.editions
        found |= {"risk": True, "note": text("law_soil.not_a_limit", language)} if self.risk else {}
        return found | {"verdicts": self.judged.verdicts.to_dicts(), "refused": refused}

    @property
    def editions(self) -> dict[str, int]:
        """How many verdicts rest on each edition."""
        counted = self.judged.verdicts.group_by("edition", maintain_order=True).len()
        return {str(edition): int(count) for edition, count in counted.iter_rows()}

    def write(self, target: Path) -> None:
        """Write the verdicts as Parquet, in the columns that the medium hands out."""
        columns = filed(self.medium, risk=self.risk).out or self.judged.verdicts.columns
        target.parent.mkdir(parents=True, exist_ok=True)
        self.judged.verdicts.select(columns).write_parquet(target)

    def tables(self, language: Language = "zh", width: int = WIDEST) -> list[Table | Group]:
        """Return the verdicts and the refused rows for a terminal, the first `PRINTED` of each.

        A table that the `width` [characters] would squeeze is printed as lines, head by head.
        """
        verdicts, refused = self.judged.verdicts, self.judged.refused
        own = filed(self.medium, risk=self.risk).words
        title = f"{own}.title" if own else f"assess.file_{'risks' if self.risk else 'verdicts'}_{self.medium}"
        titles = (title, "assess.file_refused")
        parts = [(titles[0], verdicts.select(self.shown)), (titles[1], refused)]
        return [self._printed(title, frame, language, width) for title, frame in parts if frame.height]

    def _printed(self, title: str, frame: pl.DataFrame, language: Language, width: int) -> Table | Group:
        words = text(title, language)
        if frame.height > PRINTED:
            words += " · " + text("assess.file_first", language, shown=PRINTED, all=frame.height)
        heads = [self.head(column, language) for column in frame.columns]
        # escaped: the brackets of a name (benzo[a]pyrene) are no markup
        rows = [
            [escape(self.cell(column, value, language)) for column, value in row.items()]
            for row in frame.head(PRINTED).iter_rows(named=True)
        ]
        table = Table(title=words, title_justify="left")
        for head, kind in zip(heads, frame.dtypes, strict=True):
            table.add_column(head, justify="right" if kind.is_numeric() else "left")
        for row in rows:
            table.add_row(*row)
        wide = Console(width=WIDEST)
        if Measurement.get(wide, wide.options, table).maximum <= width:
            return table
        return Group(f"[bold]{words}[/bold]", *(_line(heads, row) for row in rows))

    @property
    def shown(self) -> list[str]:
        """Columns that people see first."""
        return [name for name in filed(self.medium, risk=self.risk).shown if name in self.judged.verdicts.columns]

    def head(self, column: str, language: Language) -> str:
        """Return the head of a column; instants are shown in local time."""
        verdicts = self.judged.verdicts
        local = column in verdicts.columns and verdicts.schema[column] == pl.Datetime
        own = filed(self.medium, risk=self.risk).words
        return column_words(f"{column}_local" if local else column, language, own)

    def cell(self, column: str, value: Any, language: Language) -> str:
        """Return one value as people read it."""
        if isinstance(value, datetime):
            return f"{value.astimezone(self.zone):%Y-%m-%d %H:%M}"
        return verdict_cell(column, value, language, filed(self.medium, risk=self.risk).words)


def _line(heads: list[str], row: list[str]) -> Padding:
    """One row with the head before each of its values, what is empty left out."""
    said = (f"[dim]{head}[/dim] {value}" for head, value in zip(heads, row, strict=True) if value not in ("", "-"))
    return Padding("  ".join(said), (0, 0, 1, 2))


def verdict_cell(column: str, value: Any, language: Language, words: str = "") -> str:
    """Return one value of a table of verdicts or refused rows as people read it."""
    known = [f"refused.{value}", f"verdict.{value}"] if column == "reason" and value else []
    if isinstance(value, str) and value:
        known = [*([f"{words}.{column}_{value}"] if words else []), *known]
    return _first(known, language) or cell(column, value, language)


def column_words(column: str, language: Language, words: str = "") -> str:
    """Return the head of a column: the words of the medium, those of all, or its name where it has none."""
    known = [*([f"{words}.col_{column}"] if words else []), f"assess.col_{column}"]
    return _first(known, language) or column


def _first(keys: list[str], language: Language) -> str:
    for key in keys:
        try:
            return text(key, language)
        except NotCovered:
            continue
    return ""


def judge_file(
    path: Path,
    medium: str,
    *,
    on: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
    zone: ZoneInfo = CHINA,
    risk: bool = False,
    draws: int = 0,
) -> Findings:
    """Judge a file, CSV (UTF-8 or GB18030, also gzip) or Parquet.

    Parameters
    ----------
    path : Path
    medium : str
        One of `FILED`.
    on : date or None
        Day whose law judges every row; left out, each row's own.
    place : str
        Administrative code.
    allow : frozenset of str
        Rows that are switched on although they are unconfirmed.
    zone : ZoneInfo
        Of stamps without an offset.
    risk : bool
        Compute risk by a model instead of judging by limits; one of `RISKS`.
    draws : int
        Of the Monte Carlo run of a risk; none when 0.

    Raises
    ------
    InputError
        If the file is no table, or whole columns are named wrongly.
    NotCovered
        If the medium cannot be judged, or no edition is in force on `on`.
    """
    how = filed(medium, risk=risk)
    table, lines, torn = _read(path)
    judge = partial(how.judge, on=on, place=place, allow=allow, zone=zone, **({"draws": draws} if risk else {}))
    found = judge(table)
    renumber = pl.col("row").replace_strict(
        pl.Series(range(1, len(lines) + 1), dtype=pl.Int64), lines, return_dtype=pl.Int64
    )
    verdicts, refused = found.verdicts, found.refused
    if len(lines) and lines[-1] != len(lines):
        verdicts, refused = verdicts.with_columns(renumber), refused.with_columns(renumber)
    refused = pl.concat([refused.select(REFUSED_SCHEMA.names()), torn]).sort("row", maintain_order=True)
    return Findings(medium, path.name, table.height + torn.height, Judged(verdicts, refused), zone, risk)


def _read(path: Path) -> tuple[pl.DataFrame, pl.Series, pl.DataFrame]:
    """Return the table, the data row of the file behind each of its rows, and the rows that were torn."""
    read = read_table(path, Csv())
    head = 0 if is_parquet(path) else 1
    lines = read.frame[ROW].cast(pl.Int64) - head
    torn = [
        {"row": int(one.where.removeprefix("row ")) - head, "column": "", "value": one.detail, "reason": "row_torn"}
        for one in read.complaints
        if one.reason == "row_torn"
    ]
    table = read.frame.drop(ROW)
    if not table.width:
        raise InputError(f"{path}: a table without columns: name them in the first line")
    return table, lines, pl.DataFrame(torn, schema=REFUSED_SCHEMA)
