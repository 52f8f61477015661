"""Metrics of cases with formula, numerator and denominator, and the hand-over table (交办表)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session, sees_case
from bihuan.app.api.case_words import Words
from bihuan.app.api.cases import as_json
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.tables import as_csv
from bihuan.cases import METRICS, Figure, GroupBy, Handover, handover, measure
from bihuan.core import Language, Period, local_day, text, to_json
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["cases"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("case.read")]
KINDS = {"city": "", "district": "district", "unit": "unit", "officer": "person"}


class FigureShown(BaseModel):
    """One share and what it was made of."""

    metric: str
    name: str
    group: str
    group_name: str
    value: float | None
    numerator: int
    denominator: int
    apart: int
    formula: str = Field(description="with its numbers")
    counted: list[str] = Field(description="ids of the cases in the denominator")


class HandoverShown(BaseModel):
    """One row of the hand-over table."""

    group: str
    group_name: str
    today: int
    total: int
    done: int
    on_time: int
    due: int
    done_share: float | None
    on_time_share: float | None


class Metrics(BaseModel):
    """Every metric for every group, and the hand-over table of the last day."""

    since: date
    until: date = Field(description="last day, itself included")
    by: GroupBy
    figures: list[FigureShown]
    handover: list[HandoverShown]


@router.get("/cases/metrics", responses={200: {"model": Metrics}}, response_class=Response)
def case_metrics(
    session: Reader,
    office: TheOffice,
    language: TheLanguage,
    by: GroupBy = "city",
    since: date | None = None,
    until: date | None = None,
) -> Response:
    """Give the metrics of a period, this month so far unless asked otherwise, over the cases one may see."""
    return as_json(_metrics(session, office, language, by, since, until))


@router.get("/cases/metrics/export", response_class=Response)
def export_metrics(
    session: Reader,
    office: TheOffice,
    language: TheLanguage,
    by: GroupBy = "city",
    since: date | None = None,
    until: date | None = None,
) -> Response:
    """Give the metrics as a table (CSV), each with its formula."""
    found = _metrics(session, office, language, by, since, until)
    header = [text(f"board.col_{name}", language) for name in ("group", "metric", "value", "numerator", "denominator")]
    header.append(text("board.col_formula", language))
    rows = [
        [
            row.group_name or text("board.city", language),
            row.name,
            row.value,
            row.numerator,
            row.denominator,
            row.formula,
        ]
        for row in found.figures
    ]
    body = to_json({"by": by, "since": found.since, "until": found.until})
    office.store.ledger.add(Entry(office.now, session.person.id, "case.export_metrics", "", body))
    return as_csv("case-metrics.csv", header, rows)


def _metrics(
    session: Session, office: Office, language: Language, by: GroupBy, since: date | None, until: date | None
) -> Metrics:
    until = until or office.today
    since = since or until.replace(day=1)
    if since > until:
        raise Refused(422, "period", f"since {since} is after until {until}: exchange them", ["since", "until"])
    period = Period(local_day(since, office.zone).start, local_day(until, office.zone).end)
    cases = [case for case in office.desk.cases if sees_case(session, case)]
    calendar, now = office.desk.calendar, office.now
    words = Words(office, language, now)
    figures = measure(cases, period, now, calendar, by)
    rows = handover(cases, local_day(until, office.zone), now, calendar, "district" if by == "city" else by)
    group_by = "district" if by == "city" else by
    return Metrics(
        since=since,
        until=until,
        by=by,
        figures=[_figure(figure, by, words, language) for figure in figures if figure.metric in METRICS],
        handover=[_handover(row, group_by, words) for row in rows],
    )


def _figure(figure: Figure, by: str, words: Words, language: Language) -> FigureShown:
    return FigureShown(
        metric=figure.metric,
        name=figure.name(language),
        group=figure.group,
        group_name=words.name(KINDS[by], figure.group),
        value=figure.value,
        numerator=figure.numerator,
        denominator=figure.denominator,
        apart=figure.apart,
        formula=figure.formula(language),
        counted=[ref.id for ref in figure.counted],
    )


def _handover(row: Handover, by: str, words: Words) -> HandoverShown:
    return HandoverShown(
        group=row.group,
        group_name=words.name(KINDS[by], row.group),
        today=row.today,
        total=row.total,
        done=row.done,
        on_time=row.on_time,
        due=row.due,
        done_share=row.done_share,
        on_time_share=row.on_time_share,
    )
