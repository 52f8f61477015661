"""Verdicts of an outlet as pages show them: each with its limit, and why on one click."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session, sees_case
from bihuan.app.api.alarms import pollutant_name
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.explanations import ExplanationView
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.sites import allowed
from bihuan.assessment import explain_outlet_verdict
from bihuan.core import Event, InputError, Language, Ref, Verdict, from_json, printed_unit, text

router = APIRouter(prefix="/api", tags=["sites"], responses=PROBLEMS)  # type: ignore[arg-type]

RECENT = timedelta(days=3)
"""How old the last verdict of a limit may be to be shown: waste water is judged by the day."""

SHOWN = 48
"""Verdicts of one alarm that are shown, the newest; the rest is counted."""


class OutletVerdict(BaseModel):
    """One verdict of an outlet, and why."""

    ref: str
    start: datetime
    end: datetime
    averaging: str = Field(description="hour or day")
    pollutant: str
    pollutant_name: str
    value: float | None = Field(description="as it was held against the limit")
    limit: float | None
    unit: str
    multiple: float | None = Field(description="(C - limit) / limit of what is over")
    label: str = Field(description="suspected_over within not_evidence no_value undecided")
    label_words: str
    reason_words: str
    timing_words: str = Field(description="when a mark was set, where it says so")
    why: ExplanationView | None = Field(description="null for a verdict of an earlier method, which kept less")


class OutletVerdicts(BaseModel):
    """Verdicts of one outlet."""

    ref: str
    count: int = Field(description="all there are; the newest of them are listed")
    verdicts: list[OutletVerdict]


@router.get("/sites/{ref}/verdicts")
def outlet_verdicts(
    ref: str,
    office: TheOffice,
    language: TheLanguage,
    session: Annotated[Session, needs("site.read")],
    of: str = "",
) -> OutletVerdicts:
    """Tell the last verdict of each limit of an outlet, or those behind an alarm or case (``of=event:...``)."""
    asked = allowed(ref, office, session)
    found = _behind(asked, of, office, session) if of else _last(asked, office)
    name = office.name(asked, language)
    shown = [_shown(one, name, office, language) for one in found[:SHOWN]]
    return OutletVerdicts(ref=str(asked), count=len(found), verdicts=shown)


def _last(ref: Ref, office: Office) -> list[Verdict]:
    """The last verdict of each pollutant and averaging, what is over first."""
    rows = office.store.records.find("verdict", subject=str(ref), since=office.now - RECENT, until=office.now)
    last: dict[tuple[str, str], Verdict] = {}
    for verdict in _of_outlets(from_json(row.body, Verdict) for row in rows):
        key = (verdict.kind, verdict.items[0][0])
        if key not in last or verdict.period.start > last[key].period.start:
            last[key] = verdict
    return sorted(last.values(), key=lambda one: (one.label != "suspected_over", one.kind != "outlet_hour", one.items))


def _behind(ref: Ref, of: str, office: Office, session: Session) -> list[Verdict]:
    """Every verdict of the outlet on which an alarm rests, or the alarms of a case, the newest first."""
    wanted = {one.id: one for event in _events(ref, of, office, session) for one in event.inputs}
    rows = (office.store.records.get("verdict", ident) for ident, one in wanted.items() if one.kind == "verdict")
    found = _of_outlets(from_json(row.body, Verdict) for row in rows if row is not None)
    return sorted(found, key=lambda one: (one.period.start, one.id), reverse=True)


def _events(ref: Ref, of: str, office: Office, session: Session) -> Iterator[Event]:
    try:
        asked = Ref.parse(of)
    except InputError as problem:
        raise Refused(422, "bad_ref", str(problem), ["of"]) from None
    if asked.kind not in ("event", "case"):
        raise Refused(422, "bad_ref", f"{of!r} is neither an alarm nor a case: write event:... or case:...", ["of"])
    idents = [asked.id]
    if asked.kind == "case":
        case = office.desk.find(asked.id)
        if case is None or not sees_case(session, case):
            raise Refused(404, "no_case", f"case {asked.id!r} does not exist, or is not yours: list them at /api/cases")
        idents = [source.id for source in case.sources if source.kind == "event"]
    for ident in idents:
        row = office.store.records.get("event", ident)
        event = from_json(row.body, Event) if row is not None else None
        if event is not None and event.subject == ref:
            yield event


def _of_outlets(found: Iterable[Verdict]) -> Iterator[Verdict]:
    return (one for one in found if one.kind in ("outlet_hour", "outlet_day") and one.items)


def _shown(verdict: Verdict, name: str, office: Office, language: Language) -> OutletVerdict:
    figures = {item: value for item, value, _ in verdict.items}
    item, timing = verdict.items[0][0], dict(verdict.notes).get("mark_timing")
    return OutletVerdict(
        ref=str(verdict.ref),
        start=verdict.period.start,
        end=verdict.period.end,
        averaging=verdict.kind.removeprefix("outlet_"),
        pollutant=item,
        pollutant_name=pollutant_name(item, language),
        value=verdict.value,
        limit=figures.get("limit"),
        unit=printed_unit(verdict.unit),
        multiple=figures.get("multiple"),
        label=verdict.label,
        label_words=text(f"law_outlet.label_{verdict.label}", language),
        reason_words=text(f"law_outlet.reason_{verdict.reason}", language) if verdict.reason else "",
        timing_words=text(f"law_outlet.timing_{timing}", language) if timing else "",
        why=why_of(verdict, name, office, language),
    )


def why_of(verdict: Verdict, name: str, office: Office, language: Language) -> ExplanationView | None:
    """Return why a verdict of an outlet says what it says, None for one of another kind or of an earlier method."""
    try:
        found = explain_outlet_verdict(verdict, name)
    except InputError:
        return None
    return ExplanationView.of(found, language, office.zone)
