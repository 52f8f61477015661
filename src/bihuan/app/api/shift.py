"""The shift log: the running shift, remarks, hand-over and signature, and the shifts before."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bihuan.alerts import Warning, headline
from bihuan.app.access import Session
from bihuan.app.api.alarms import person_name, sees, subject_name, unit_name, words_of, written
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.shifts import Remark, Shift, ShiftLine, Shifts, happened, seal, sent
from bihuan.core import Language, from_json, text, to_json
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["shift"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("shift.read")]
Signer = Annotated[Session, needs("shift.sign")]


class LogLine(BaseModel):
    """One thing that happened."""

    kind: str
    ref: str
    id: str
    at: datetime
    words: str
    mark: str
    name: str
    note: str
    marked: datetime | None
    open: bool


class RemarkLine(BaseModel):
    """A remark."""

    id: str
    name: str
    at: datetime
    text: str


class ShiftPage(BaseModel):
    """One shift, running or handed over."""

    id: str | None = Field(description="null while it runs")
    seal: str = Field(description="what the list is known by: the same content gives the same")
    since: datetime
    until: datetime
    lines: list[LogLine]
    remarks: list[RemarkLine]
    note: str
    left_name: str
    taken_name: str
    taken_at: datetime | None
    unmarked: int
    open: int


class ShiftBoard(BaseModel):
    """The running shift, and the one that waits for a signature."""

    running: ShiftPage
    waiting: ShiftPage | None
    may_sign: bool
    may_take: bool
    why_not: str = Field(description="code of what forbids taking over, empty when nothing does")


class ShiftRow(BaseModel):
    """One hand-over in the list of them."""

    id: str
    since: datetime
    until: datetime
    left_name: str
    taken_name: str
    taken_at: datetime | None
    alarms: int
    unmarked: int
    open: int


class RemarkAsked(BaseModel):
    """What an officer writes into the log."""

    text: str = Field(min_length=1, max_length=4000)


class HandOverAsked(BaseModel):
    """The leaving officer's word; `seal` is that of the list they had before their eyes."""

    note: str = Field(default="", max_length=4000)
    seal: str = Field(max_length=64)


@router.get("/shift", responses={200: {"model": ShiftBoard}})
def board(office: TheOffice, session: Reader, language: TheLanguage) -> Response:
    """Return the running shift, and the hand-over that nobody signed for yet."""
    shifts = Shifts(office.store.records)
    last, running = shifts.last(), _running(office)
    waiting = last if last and not last.taken_by else None
    why = "" if waiting is None or waiting.left_by != session.person.id else "same_person"
    body = ShiftBoard(
        running=_page(running, office, session, language, frozen=False),
        waiting=_page(waiting, office, session, language) if waiting else None,
        may_sign=session.may("shift.sign"),
        may_take=bool(waiting) and not why and session.may("shift.sign"),
        why_not=why,
    )
    return Response(body.model_dump_json(), media_type="application/json")


@router.post("/shift/remarks")
def remark(asked: RemarkAsked, office: TheOffice, session: Signer) -> RemarkLine:
    """Write a remark into the log of the running shift."""
    words = written(asked.text)
    if not words:
        raise Refused(422, "empty_remark", "a remark needs words")
    with office.store.step, office.store.records.transaction():
        made, fresh = Shifts(office.store.records).remark(session.person.id, session.person.name, words, office.now)
        if fresh:
            entry = Entry(office.now, session.person.id, "remark", f"shift:{made.id}", to_json(made))
            office.store.ledger.add(entry)
    office.live.tell("shift")
    return _remark(made)


@router.post("/shift/hand-over")
def hand_over(asked: HandOverAsked, office: TheOffice, session: Signer, language: TheLanguage) -> ShiftPage:
    """Freeze the list of the running shift (交班); the next shift signs for what is open."""
    shifts = Shifts(office.store.records)
    with office.store.step, office.store.records.transaction():
        last = shifts.last()
        if last and not last.taken_by:
            if last.id == asked.seal and last.left_by == session.person.id:
                return _page(last, office, session, language)  # the same form sent twice
            raise Refused(409, "shift_waiting", f"{last.left_name} handed over and nobody signed yet: sign first")
        running = _running(office)
        if running.id != asked.seal:
            raise Refused(
                409, "shift_changed", "something happened since you looked: read the list again, then hand over"
            )
        person = session.person
        made = shifts.hand_over(
            Shift(
                id=running.id,
                since=running.since,
                until=running.until,
                lines=running.lines,
                remarks=running.remarks,
                note=written(asked.note),
                left_by=person.id,
                left_name=person.name,
            )
        )
        body = {"open": len(made.open_lines), "lines": len(made.lines), "note": made.note}
        office.store.ledger.add(Entry(office.now, person.id, "hand_over", f"shift:{made.id}", to_json(body)))
    office.live.tell("shift")
    return _page(made, office, session, language)


@router.post("/shift/{ident}/sign")
def take(ident: str, office: TheOffice, session: Signer, language: TheLanguage) -> ShiftPage:
    """Sign for what is open (接班): another person than the one who left."""
    shifts, person = Shifts(office.store.records), session.person
    with office.store.step, office.store.records.transaction():
        shift = shifts.get(ident)
        if shift is None:
            raise Refused(404, "no_shift", f"shift {ident!r} does not exist: list them at /api/shifts")
        if shift.taken_by:
            if shift.taken_by == person.id:
                return _page(shift, office, session, language)
            raise Refused(409, "shift_taken", f"{shift.taken_name} signed for it already")
        if shift.left_by == person.id:
            raise Refused(
                409, "same_person", "whoever hands over does not sign for the next shift: another person does"
            )
        taken = shifts.take(shift, person.id, person.name, office.now)
        body = {"open": [str(line.ref) for line in taken.open_lines]}
        office.store.ledger.add(Entry(office.now, person.id, "take_over", f"shift:{ident}", to_json(body)))
    office.live.tell("shift")
    return _page(taken, office, session, language)


@router.get("/shifts")
def shifts(office: TheOffice, session: Reader) -> list[ShiftRow]:
    """List the last hand-overs, newest first."""
    return [_row(shift) for shift in Shifts(office.store.records).history()]


@router.get("/shifts/{ident}", responses={200: {"model": ShiftPage}})
def shift(ident: str, office: TheOffice, session: Reader, language: TheLanguage) -> Response:
    """Return one hand-over as it was frozen, for reading and for print."""
    found = Shifts(office.store.records).get(ident)
    if found is None:
        raise Refused(404, "no_shift", f"shift {ident!r} does not exist: list them at /api/shifts")
    body = _page(found, office, session, language)
    return Response(body.model_dump_json(), media_type="application/json")


def _running(office: Office) -> Shift:
    """The log since the last hand-over, as it stands now; its id is what it would be frozen under."""
    records, now = office.store.records, office.now
    since = Shifts(records).since(now)
    lines = tuple(sorted([*_alarms(office, since), *_sent(office, since), *_warnings(office, since)], key=_order))
    remarks = Shifts(records).remarks(since, now)
    return Shift(
        id=seal(lines, remarks, since),
        since=since,
        until=now,
        lines=lines,
        remarks=remarks,
        note="",
        left_by="",
        left_name="",
    )


def _order(line: ShiftLine) -> tuple[datetime, str, str]:
    return line.at, line.kind, str(line.ref)


def _alarms(office: Office, since: datetime) -> list[ShiftLine]:
    events, marks = happened(office.store.records, since, office.now)
    carried = Shifts(office.store.records).last()
    known = {event.ref for event in events}
    left = [line for line in carried.open_lines if line.kind == "alarm" and line.ref not in known] if carried else []
    lines = []
    for event in events:
        mark = marks.get(event.ref)
        lines.append(
            ShiftLine(
                kind="alarm",
                ref=event.ref,
                at=event.period.start,
                zh=words_of(event, office, "zh"),
                en=words_of(event, office, "en"),
                mark=mark.kind if mark else "",
                by=mark.by if mark else "",
                name=mark.name if mark else "",
                note=mark.note if mark else "",
                marked=mark.at if mark else None,
                open=mark is None or (event.open and mark.kind in ("confirmed", "dispatched")),
            )
        )
    return [*lines, *left]


def _sent(office: Office, since: datetime) -> list[ShiftLine]:
    lines = []
    for case, at, kind, by in sent(office.desk.cases, since, office.now):
        to = unit_name(case.lead, office)
        lines.append(
            ShiftLine(
                kind="dispatch",
                ref=case.ref,
                at=at,
                zh=text("shift.sent", "zh", title=office.title(case, "zh"), unit=to),
                en=text("shift.sent", "en", title=office.title(case, "en"), unit=to),
                mark=kind,
                by=by,
                name=person_name(by, office),
                open=not case.ended,
            )
        )
    return lines


def _warnings(office: Office, since: datetime) -> list[ShiftLine]:
    found = (from_json(row.body, Warning) for row in office.store.records.find("warning"))
    lines = []
    for one in found:
        at = one.signed_at or (one.period.start if one.period else None)
        if at is None or (one.signed and at < since) or at > office.now:
            continue
        names = {language: subject_name(office.town.ref, office, language) for language in ("zh", "en")}
        lines.append(
            ShiftLine(
                kind="warning",
                ref=one.ref,
                at=at,
                zh=headline(one, names["zh"], "zh"),
                en=headline(one, names["en"], "en"),
                by=one.signed_by.id if one.signed_by else "",
                name=one.signed_name,
                marked=one.signed_at,
                open=not one.signed,
            )
        )
    return lines


def _page(shift: Shift, office: Office, session: Session, language: Language, frozen: bool = True) -> ShiftPage:
    shown = [line for line in shift.lines if line.kind != "alarm" or _seen(line, office, session)]
    lines = [_line(line, language) for line in shown]
    return ShiftPage(
        id=shift.id if frozen else None,
        seal=shift.id,
        since=shift.since,
        until=shift.until,
        lines=lines,
        remarks=[_remark(one) for one in shift.remarks],
        note=shift.note,
        left_name=shift.left_name,
        taken_name=shift.taken_name,
        taken_at=shift.taken_at,
        unmarked=sum(line.kind == "alarm" and not line.mark for line in lines),
        open=sum(line.open for line in lines),
    )


def _seen(line: ShiftLine, office: Office, session: Session) -> bool:
    if not session.person.district:
        return True
    row = office.store.records.get("event", line.ref.id)
    return row is not None and sees(session, office, line.ref.__class__.parse(row.subject))


def _line(line: ShiftLine, language: Language) -> LogLine:
    return LogLine(
        kind=line.kind,
        ref=str(line.ref),
        id=line.ref.id,
        at=line.at,
        words=line.zh if language == "zh" else line.en,
        mark=line.mark,
        name=line.name,
        note=line.note,
        marked=line.marked,
        open=line.open,
    )


def _remark(one: Remark) -> RemarkLine:
    return RemarkLine(id=one.id, name=one.name, at=one.at, text=one.text)


def _row(shift: Shift) -> ShiftRow:
    alarms = [line for line in shift.lines if line.kind == "alarm"]
    return ShiftRow(
        id=shift.id,
        since=shift.since,
        until=shift.until,
        left_name=shift.left_name,
        taken_name=shift.taken_name,
        taken_at=shift.taken_at,
        alarms=len(alarms),
        unmarked=sum(not line.mark for line in alarms),
        open=len(shift.open_lines),
    )
