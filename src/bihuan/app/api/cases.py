"""Reading cases: the board, one case, what its forms offer, and the personal data behind their own audited door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from bihuan.app.access import Session, sees_case
from bihuan.app.api.case_personal import personal_of
from bihuan.app.api.case_shapes import (
    Board,
    BoardLine,
    CaseDetail,
    Choices,
    Column,
    MatterShown,
    Named,
    Personal,
)
from bihuan.app.api.case_views import case_for, checklist_of, detail_of, line_of
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.tables import as_csv
from bihuan.cases import CAUSES, FINDINGS, MARKS, RESULTS, SATISFACTIONS, machine, matters
from bihuan.core import Language, text, to_json
from bihuan.register import Unit
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["cases"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("case.read")]
Scope = Literal["open", "ended", "all"]

SIZE = 60
"""Cases of one page, unless asked otherwise."""

EXPORTED = (
    "id", "title", "state_words", "kind_words", "matter_words", "district_name", "lead_name", "officer_name", "opened",
    "due_words", "due", "overdue", "level_words", "done", "fixed", "effective", "result_words",
)  # fmt: skip
"""Columns of the table that leaves the house; words under ``board.col_...``."""


def as_json(model: BaseModel) -> Response:
    """Answer with a model that is written out once and not checked a second time."""
    return Response(model.model_dump_json(), media_type="application/json")


@router.get("/cases", responses={200: {"model": Board}}, response_class=Response)
def case_board(
    session: Reader,
    office: TheOffice,
    language: TheLanguage,
    scope: Scope = "all",
    state: str = "",
    district: str = "",
    mine: bool = False,
    overdue: bool = False,
    level: str = "",
    text: str = "",
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1, le=200)] = SIZE,
) -> Response:
    """Give the board: overdue first, then what ends first; counts by state follow every filter but the state."""
    lines = seen_lines(session, office, language, scope)
    districts = sorted({(line.district, line.district_name) for line in lines if line.district})
    wanted = text.strip().casefold()
    lines = [
        line
        for line in lines
        if (not district or line.district == district)
        and (not mine or line.mine)
        and (not overdue or line.overdue)
        and (not level or line.level == level)
        and (not wanted or wanted in _searched(line))
    ]
    chosen = [line for line in lines if not state or line.state == state]
    chosen.sort(key=_urgency)
    board = Board(
        now=office.now,
        total=len(chosen),
        overdue=sum(line.overdue for line in lines),
        mine=sum(line.mine for line in lines),
        page=page,
        pages=max(1, -(-len(chosen) // size)),
        columns=_columns(lines, language),
        districts=[Named(ref=code, name=name) for code, name in districts],
        cases=chosen[(page - 1) * size : page * size],
    )
    return as_json(board)


def seen_lines(session: Session, office: Office, language: Language, scope: Scope = "all") -> list[BoardLine]:
    """Return every case that a person may see, as lines."""
    now = office.now
    return [
        line_of(case, session, office, language, now)
        for case in office.desk.cases
        if sees_case(session, case) and (scope == "all" or case.ended == (scope == "ended"))
    ]


def _urgency(line: BoardLine) -> tuple[bool, bool, bool, float, float]:
    """Overdue first, what ends first next; what nobody waits for comes last, the newest first."""
    due = line.due.timestamp() if line.due else 0.0
    return (line.ended, not line.overdue, line.due is None or line.paused, due, -line.opened.timestamp())


def _searched(line: BoardLine) -> str:
    parts = (line.id, line.title, line.lead_name, line.officer_name, line.district_name, line.suspect_name)
    return " ".join(parts).casefold()


def _columns(lines: Iterable[BoardLine], language: Language) -> list[Column]:
    counts: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for line in lines:
        counts[line.state] += 1
        late[line.state] += line.overdue
    return [
        Column(state=state, words=text(f"case.state_{state}", language), count=counts[state], overdue=late[state])
        for state in machine().states
    ]


@router.get("/cases/export", response_class=Response)
def export_cases(session: Reader, office: TheOffice, language: TheLanguage, scope: Scope = "all") -> Response:
    """Give the cases as a table (CSV) that no spreadsheet takes for formulas."""
    header = [text(f"board.col_{name}", language) for name in EXPORTED]
    rows = [[getattr(line, name) for name in EXPORTED] for line in seen_lines(session, office, language, scope)]
    body = to_json({"scope": scope, "rows": len(rows)})
    office.store.ledger.add(Entry(office.now, session.person.id, "case.export", "", body))
    return as_csv("cases.csv", header, rows)


@router.get("/cases/{ident}", responses={200: {"model": CaseDetail}}, response_class=Response)
def one_case(ident: str, session: Reader, office: TheOffice, language: TheLanguage) -> Response:
    """Give a case with everything that a person needs who acts on it."""
    case = case_for(session, office, ident)
    return as_json(detail_of(case, session, office, language, office.now))


@router.get("/cases/{ident}/personal")
def case_personal(ident: str, session: Reader, office: TheOffice, language: TheLanguage) -> Personal:
    """Give reporter, positions and telephones as the role may read them; every reading is in the audit log."""
    case = case_for(session, office, ident)
    return personal_of(case, session, office, language)


@router.get("/matters", responses={200: {"model": Choices}}, response_class=Response)
def case_choices(session: Reader, office: TheOffice, language: TheLanguage) -> Response:
    """Give what the forms of a case offer: matters with their check-lists, units, results, answers of a 回访."""
    choices = Choices(
        matters=[
            MatterShown(
                code=matter.code,
                words=matter.words(language),
                medium=matter.medium,
                grid_officer=matter.grid_officer,
                checklist=checklist_of(matter.code, language),
            )
            for matter in matters().values()
        ],
        units=[Named(ref=unit.id, name=unit.name) for unit in office.register.all(Unit, office.today)],
        results=[Named(ref=one, name=text(f"result.{one}", language)) for one in RESULTS if one != "transferred"],
        satisfactions=[Named(ref=one, name=text(f"case.{one}", language)) for one in SATISFACTIONS],
        causes=[Named(ref=one, name=text(f"law_outlet.cause_{one}", language)) for one in CAUSES],
        marks=[Named(ref=one, name=text(f"law_outlet.state_{one}", language)) for one in MARKS],
        findings=[Named(ref=one, name=text(f"law_outlet.finding_{one}", language)) for one in FINDINGS],
    )
    return as_json(choices)
