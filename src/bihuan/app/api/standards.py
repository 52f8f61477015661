"""The law as this version holds it: every edition with its dates and status, and one of them with its tables."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.law import city_switches, list_editions, switch
from bihuan.core import Language, pollutants, texts
from bihuan.standards import DECIDING, Row, Standard, cell_words, clause_words, standards, table_columns

router = APIRouter(prefix="/api", tags=["standards"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("standard.read")]


class EditionLine(BaseModel):
    """One edition in the list."""

    id: str
    code: str
    number: str
    title: str
    medium: str
    start: date
    end: date | None = Field(description="first day it no longer holds")
    places: list[str]
    status: str
    rows: int
    in_force: bool = Field(description="on the day asked for, by default today")


class LawRow(BaseModel):
    """One row of a table of law."""

    id: str
    item: str
    item_words: str
    cells: list[str]
    clause: str
    status: str
    source: str
    start: date
    end: date | None
    held: bool
    in_force: bool
    decides: bool = Field(description="by itself, or because the city has switched it on")
    switched_on: bool = Field(description="by the city")


class LawTable(BaseModel):
    """One table of an edition."""

    name: str
    title: str
    columns: list[str]
    heads: list[str]
    rows: list[LawRow]


class WorkedExample(BaseModel):
    """One example that a test recomputes."""

    input: str
    expected: str
    clause: str
    status: str
    source: str


class EditionView(EditionLine):
    """One edition with everything it holds."""

    title_other: str
    clause: str
    replaces: list[str]
    unit: str
    averaging: str
    validity: str
    rounding: str
    source: str
    tables: list[LawTable]
    examples: list[WorkedExample]


@router.get("/standards")
def standard_list(
    office: TheOffice, session: Reader, language: TheLanguage, medium: str = "", on: date | None = None
) -> list[EditionLine]:
    """List the editions, those in force on a day where one is given."""
    today = on or office.today
    lines = list_editions(medium or None, on, language)
    return [EditionLine(**_line(line, today)) for line in lines]


@router.get("/standards/{ident}")
def one_standard(
    ident: str, office: TheOffice, session: Reader, language: TheLanguage, on: date | None = None
) -> EditionView:
    """Tell one edition with its tables, sources and worked examples."""
    found = next((one for one in standards() if one.id == ident), None)
    if found is None:
        raise Refused(404, "no_standard", f"no edition {ident!r}: /api/standards lists their ids", ["ident"])
    today = on or office.today
    line = next(one for one in list_editions(found.medium, None, language) if one["id"] == ident)
    return EditionView(
        **_line(line, today),
        title_other=found.title_en if language == "zh" else found.title_zh,
        clause=clause_words(found.clause, language),
        replaces=list(found.replaces),
        unit=cell_words(found.unit),
        averaging=cell_words(found.averaging),
        validity=cell_words(found.validity),
        rounding=cell_words(found.rounding),
        source=found.source,
        tables=_tables(found, today, language, city_switches(office.store, today)),
        examples=[
            WorkedExample(
                input=cell_words(one.input),
                expected=cell_words(one.expected),
                clause=clause_words(one.clause, language),
                status=one.status,
                source=one.source,
            )
            for one in found.examples
        ],
    )


class Switch(BaseModel):
    """A rule that is unconfirmed or held back, switched on or off for the city."""

    rule: str = Field(max_length=200, description="id of an edition, <edition>#<table>, or id of a row")
    on: bool
    reason: str = Field(max_length=500, description="why, and on whose word")


@router.get("/standard-switches")
def switched_on(office: TheOffice, session: Reader) -> list[str]:
    """Tell which unconfirmed rules the city has switched on today."""
    return sorted(city_switches(office.store, office.today))


@router.put("/standard-switches")
def switch_rule(asked: Switch, office: TheOffice, session: Annotated[Session, needs("standard.switch")]) -> list[str]:
    """Switch a rule on or off from today: files are judged by it at once, the loop from its next start."""
    with office.store.step, office.store.records.transaction():
        found = switch(office.store, asked.rule, asked.on, session.person.id, asked.reason, office.now, office.today)
        office.audit(session, "switch_rule", body={"rule": asked.rule, "on": asked.on, "reason": asked.reason})
    office.live.tell("standard")
    return sorted(found)


def _line(line: dict[str, Any], today: date) -> dict[str, Any]:
    start, end = str(line["from"]), line["to"]
    holds = date.fromisoformat(start) <= today and (end is None or today < date.fromisoformat(str(end)))
    return {name: value for name, value in line.items() if name not in ("from", "to")} | {
        "start": start,
        "end": end,
        "in_force": holds,
    }


def _tables(found: Standard, today: date, language: Language, allow: frozenset[str]) -> list[LawTable]:
    names = dict.fromkeys(row.table for row in found.rows)
    return [_table(found.id, name, found.table(name), today, language, allow) for name in names]


def _table(
    ident: str, name: str, rows: tuple[Row, ...], today: date, language: Language, allow: frozenset[str]
) -> LawTable:
    columns = table_columns(rows)
    lines = [
        LawRow(
            id=row.id,
            item=row.item,
            item_words=_item(row.item, language),
            cells=[_cell(column, row.fields.get(column), language) for column in columns],
            clause=clause_words(row.clause, language),
            status=row.status,
            source=row.source,
            start=row.effective_from,
            end=row.effective_to,
            held=row.held,
            in_force=row.holds(today),
            decides=bool({ident, f"{ident}#{name}", row.id} & allow) or (row.status in DECIDING and not row.held),
            switched_on=bool({ident, f"{ident}#{name}", row.id} & allow),
        )
        for row in rows
    ]
    heads = [_words(f"col_{column}", column, language) for column in columns]
    return LawTable(name=name, title=_words(f"table_{name}", name, language), columns=columns, heads=heads, rows=lines)


def _item(item: str, language: Language) -> str:
    known = pollutants().get(item)
    return item if known is None else known.zh if language == "zh" else known.en


def _cell(column: str, value: object, language: Language) -> str:
    said = cell_words(value)
    return _words(f"mean_{said}", said, language) if column == "averaging" else said


def _words(key: str, otherwise: str, language: Language) -> str:
    """Words of the page for a table, a column or an averaging time; the name of the table of law where it has none."""
    return texts(language)["law_page"].get(key, otherwise)
