"""批示: a leader's instruction on a case, an event or a bulletin becomes a case with owner and deadline."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from bihuan.app.access import Session, sees_case
from bihuan.app.api.alarms import seen_event
from bihuan.app.api.case_shapes import BoardLine
from bihuan.app.api.case_views import line_of
from bihuan.app.api.case_words import INSTRUCTION
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.cases import Order, matters
from bihuan.core import InputError, Place, Ref, to_json, utc
from bihuan.register import Unit
from bihuan.store import Entry, Link

router = APIRouter(prefix="/api", tags=["instructions"], responses=PROBLEMS)  # type: ignore[arg-type]

KINDS = ("case", "event", "bulletin")
"""What a leader may write an instruction on."""


class InstructionGiven(BaseModel):
    """What a leader writes."""

    about: str = Field(description="case:<id>, event:<id> or bulletin:<id>", max_length=160)
    title: str = Field(min_length=1, max_length=120)
    content: str = Field("", max_length=2000)
    unit: str = Field(description="who answers for it", min_length=1, max_length=64)
    due: AwareDatetime
    at: AwareDatetime = Field(description="when it was written; the same once more changes nothing")
    matter: str = ""
    number: str = Field("", max_length=64)


class Instruction(BaseModel):
    """An instruction, what it is about and the case it became."""

    about: str
    case: BoardLine


@router.post("/instructions")
def give_instruction(
    asked: InstructionGiven,
    session: Annotated[Session, needs("case.instruct")],
    office: TheOffice,
    language: TheLanguage,
) -> Instruction:
    """Write an instruction (批示): it becomes a case with owner and deadline, linked to what it is about."""
    about = _about(asked.about)
    with office.store.step:
        now = office.now
        order = _order(asked, about, session, office, now)
        with office.store.records.transaction():
            intake = office.desk.from_order(order, now)
            if intake.changed:
                body = to_json({"about": asked.about, "unit": asked.unit, "due": order.due, "title": asked.title})
                office.store.records.link([Link(about, intake.case.ref, INSTRUCTION)])
                office.store.ledger.add(Entry(now, session.person.id, "case.instruct", str(intake.case.ref), body))
        office.live.tell("case", id=intake.case.id)
        office.live.tell("overview")
    return Instruction(about=asked.about, case=line_of(intake.case, session, office, language, office.now))


@router.get("/instructions")
def instructions(
    session: Annotated[Session, needs("case.read")], office: TheOffice, language: TheLanguage, about: str = ""
) -> list[Instruction]:
    """List the instructions, the newest first, perhaps only those about one thing."""
    orders = [case for case in office.desk.cases if case.kind == "order" and sees_case(session, case)]
    links = office.store.records.linked([case.ref for case in orders], "back", INSTRUCTION)
    source = {link.to_ref: str(link.from_ref) for link in links}
    found = [case for case in reversed(orders) if case.ref in source and about in ("", source[case.ref])]
    return [
        Instruction(about=source[case.ref], case=line_of(case, session, office, language, office.now)) for case in found
    ]


def _about(said: str) -> Ref:
    try:
        about = Ref.parse(said)
    except InputError:
        about = None
    if about is None or about.kind not in KINDS:
        raise Refused(422, "about", f"about {said!r} must be case:, event: or bulletin: and an id", ["about"])
    return about


def _order(asked: InstructionGiven, about: Ref, session: Session, office: Office, now: datetime) -> Order:
    due = utc(asked.due, office.zone)
    if due <= now:
        raise Refused(422, "deadline_past", f"due {due.isoformat()} is not after now: choose a later time", ["due"])
    if office.register.get(Unit, asked.unit, office.today) is None:
        raise Refused(
            422, "unit_unknown", f"unit {asked.unit!r} is not in the register: see GET /api/matters", ["unit"]
        )
    matter, place, district = _where(about, session, office)
    matter = asked.matter or matter
    if matter not in matters():
        raise Refused(422, "matter_unknown", f"matter {matter!r} is unknown: see GET /api/matters", ["matter"])
    return Order(
        number=asked.number,
        issuer=session.person.name,
        title=asked.title,
        matter=matter,
        issued=utc(asked.at, office.zone),
        by=session.actor,
        content=asked.content,
        place=place,
        district=district,
        lead=asked.unit,
        due=due,
    )


def _where(about: Ref, session: Session, office: Office) -> tuple[str, Place | None, str]:
    """Return matter, place and district of what an instruction is about; it must exist."""
    if about.kind == "case":
        case = office.desk.find(about.id)
        if case is not None and sees_case(session, case):
            return case.matter, case.place, case.district
    if about.kind == "event":
        event = seen_event(about.id, session, office)
        return "other", event.place, getattr(office.register.resolve(event.subject, office.town.on), "district", "")
    if about.kind == "case" or office.store.records.get(about.kind, about.id) is None:
        raise Refused(404, "about_missing", f"{about} does not exist: write on what you have before you", ["about"])
    return "other", None, ""
