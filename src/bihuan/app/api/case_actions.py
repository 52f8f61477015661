"""Acting on cases: every step, a grid officer's report, and what the one who comes second is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from bihuan.app.access import Session, sees_case
from bihuan.app.api.case_shapes import CaseConflict, CaseDetail, Spot
from bihuan.app.api.case_views import BY_HAND, case_for, changed_since, detail_of
from bihuan.app.api.case_words import Words
from bihuan.app.api.cases import as_json
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.photos import photo_of
from bihuan.cases import Action, Case, FieldReport, Photo, PhotoRole, machine, mask_numbers, matters
from bihuan.core import CaseChanged, Place, Ref, StepRefused, Suspects, from_json, to_json, utc
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["cases"], responses=PROBLEMS)  # type: ignore[arg-type]

Worker = Annotated[Session, needs("case.act")]
Reporter = Annotated[Session, needs("case.report")]

FIELDS = frozenset({
    "reason", "note", "unit", "result", "hours", "until", "satisfaction", "case", "suspect", "checks", "place_by",
    "place_reason", "notice", "cause", "mark", "marked_at", "finding",
})  # fmt: skip
"""What a person may say with a step; everything else of a step is found by the machine."""

PRESSING = frozenset({"urge", "supervise", "elevate"})
WORDS = 2000
"""Letters of one field."""


class PhotoGiven(BaseModel):
    """A photo that was uploaded before; time and place are taken from its own EXIF where it has them."""

    digest: str = Field(max_length=80)
    role: PhotoRole = "scene"
    taken: AwareDatetime | None = None
    place: Spot | None = None


class ActionGiven(BaseModel):
    """What a person wants to do to a case."""

    kind: str = Field(max_length=32)
    at: AwareDatetime = Field(description="by the clock of the phone; a wrong one is flagged, not refused")
    fields: dict[str, str | list[str]] = Field(default_factory=dict, max_length=len(FIELDS))
    photos: list[PhotoGiven] = Field(default_factory=list, max_length=9)
    place: Spot | None = None
    revision: int | None = Field(None, ge=0, description="of the case the person was looking at")


class ReportGiven(BaseModel):
    """A grid officer's report: photo, matter, place."""

    matter: str
    at: AwareDatetime
    place: Spot
    place_by: Literal["phone", "hand"] = "phone"
    note: str = Field("", max_length=WORDS)
    photos: list[PhotoGiven] = Field(min_length=1, max_length=9)


class Reported(BaseModel):
    """What came of a report: a new case, one that was known, or one it was merged into."""

    outcome: str
    case: CaseDetail


@router.post(
    "/cases/{ident}/actions",
    responses={200: {"model": CaseDetail}, 409: {"model": CaseConflict}},
    response_class=Response,
)
def act_on_case(ident: str, asked: ActionGiven, session: Worker, office: TheOffice, language: TheLanguage) -> Response:
    """Take a step. Sent twice it is one step; one who comes second is told what changed (409)."""
    case_for(session, office, ident)
    _check_fields(asked)
    with office.store.step:
        before = case_for(session, office, ident)
        try:
            after = _take(before, asked, session, office)
        except StepRefused as refused:
            return _conflict(refused, before, asked, session, office, language)
        if after is not before:
            _tell(office, after)
    return as_json(detail_of(after, session, office, language, office.now))


def _take(case: Case, asked: ActionGiven, session: Session, office: Office) -> Case:
    """Take the step and write it into the ledger, both or neither."""
    now = office.now
    action = _action(case, asked, session, office, now)
    body = to_json({"kind": asked.kind, "at": action.at, "fields": action.fields, "revision": asked.revision})
    with office.store.records.transaction():
        if asked.kind in PRESSING:
            after = office.desk.press(case.id, asked.kind, session.actor, min(action.at, now))
        elif asked.kind == "merge":
            _sees_other(session, office, action.get("case"))
            after = office.desk.merge(case.id, action)
        else:
            after = office.desk.act(case.id, action)
        if after is not case:
            office.store.ledger.add(Entry(now, session.person.id, f"case.{asked.kind}", str(case.ref), body))
    return after


def _check_fields(asked: ActionGiven) -> None:
    kinds = [kind for kind in machine().kinds if kind == "read" or kind not in BY_HAND]
    if asked.kind not in kinds:
        raise Refused(422, "step_unknown", f"kind {asked.kind!r} is no step of a person: {', '.join(kinds)}", ["kind"])
    unknown = sorted(set(asked.fields) - FIELDS)
    if unknown:
        told = f"fields {', '.join(unknown)} are not asked for; known: {', '.join(sorted(FIELDS))}"
        raise Refused(422, "field_unknown", told, unknown)
    long = [name for name, value in asked.fields.items() if len(str(value)) > WORDS]
    if long:
        raise Refused(422, "too_long", f"{', '.join(long)}: at most {WORDS} letters each", long)


def _action(case: Case, asked: ActionGiven, session: Session, office: Office, now: datetime) -> Action:
    fields = {
        name: tuple(value) if isinstance(value, list) else mask_numbers(value.strip())
        for name, value in sorted(asked.fields.items())
        if value
    }
    place = _place(asked.place)
    if asked.kind == "redirect" and place is None:
        place = _place_of_suspect(case, str(fields.get("suspect", "")), office)
    return Action(
        kind=asked.kind,
        by=session.actor,
        at=utc(asked.at, office.zone),
        fields=fields,
        photos=tuple(_photo(photo, session, office) for photo in asked.photos),
        place=place,
        received=now,
        revision=asked.revision,
    )


def _photo(given: PhotoGiven, session: Session, office: Office) -> Photo:
    """What the camera wrote beats what the phone says beside it."""
    kept = photo_of(office, given.digest)
    if kept is None:
        told = f"photo {given.digest} is not kept here: upload it first (POST /api/photos), then send the step again"
        raise Refused(422, "photo_unknown", told, ["photos"])
    taken = kept.taken or (utc(given.taken, office.zone) if given.taken else None)
    return Photo(given.digest, given.role, taken, kept.place or _place(given.place))


def _place(given: Spot | None) -> Place | None:
    return Place(given.lon, given.lat) if given else None


def _place_of_suspect(case: Case, suspect: str, office: Office) -> Place | None:
    refs = [ref for ref in case.sources if ref.kind == "suspects"]
    row = office.store.records.get("suspects", refs[-1].id) if refs else None
    ranked = from_json(row.body, Suspects).ranked if row else ()
    return next((one.place for one in ranked if str(one.source) == suspect), None)


def _sees_other(session: Session, office: Office, ident: str) -> None:
    other = office.desk.find(ident)
    if other is None:
        raise Refused(404, "no_case", f"case {ident!r} does not exist: look for it on the board", ["case"])
    if not sees_case(session, other):
        raise Refused(403, "wrong_area", f"case {ident} belongs to another area", ["case"])


def _conflict(
    refused: StepRefused, case: Case, asked: ActionGiven, session: Session, office: Office, language: TheLanguage
) -> JSONResponse:
    words = Words(office, language, office.now)
    changed = changed_since(case, asked.revision) if isinstance(refused, CaseChanged) else ()
    body = CaseConflict(
        code="case_changed" if isinstance(refused, CaseChanged) else "step_refused",
        detail=str(refused),
        changed=[words.step(case, step) for step in changed],
        case=detail_of(case, session, office, language, office.now),
    )
    return JSONResponse(body.model_dump(mode="json"), 409)


@router.post("/cases", responses={200: {"model": Reported}}, response_class=Response)
def report_case(asked: ReportGiven, session: Reporter, office: TheOffice, language: TheLanguage) -> Response:
    """Report something (上报). The same report a second time changes nothing; one near an open case is merged."""
    if asked.matter not in matters():
        raise Refused(422, "matter_unknown", f"matter {asked.matter!r} is unknown; see GET /api/matters", ["matter"])
    place = Place(asked.place.lon, asked.place.lat)
    with office.store.step:
        now = office.now
        report = FieldReport(
            by=session.actor,
            matter=asked.matter,
            place=place,
            photos=tuple(_photo(photo, session, office) for photo in asked.photos),
            created=utc(asked.at, office.zone),
            note=asked.note.strip(),
        )
        with office.store.records.transaction():
            intake = office.desk.from_report(report, now)
            body = to_json({"matter": asked.matter, "outcome": intake.outcome, "place_by": asked.place_by})
            if intake.changed:
                ref = str(Ref("case", intake.case.id))
                office.store.ledger.add(Entry(now, session.person.id, "case.report_new", ref, body))
        _tell(office, intake.case)
    case = intake.case
    detail = detail_of(case, session, office, language, office.now)
    return as_json(Reported(outcome=intake.outcome, case=detail))


def _tell(office: Office, case: Case) -> None:
    office.live.tell("case", id=case.id, state=case.state, revision=case.revision)
    office.live.tell("overview")
