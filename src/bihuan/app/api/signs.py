"""Signs of falsification over the interface: the list, one sign with its evidence, dismissal and a check.

Nobody of an enterprise or a maintainer sees them: whoever is to be visited is not told by us.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.alarms import pollutant_name, sees, subject_name, written
from bihuan.app.api.change_lines import SettingChangeLine, change_line, setting_words
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.settingbook import change_of
from bihuan.app.signing import KeptSign, Signs, State, alarm_of_sign, decision, last_run, save_alarm
from bihuan.core import InputError, Language, NotCovered, Ref, pollutant, text
from bihuan.observations import SignKind, describe_sign

router = APIRouter(prefix="/api", tags=["signs"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("sign.read")]
Judge = Annotated[Session, needs("sign.judge")]

MOST = 500
"""Lines of one answer."""

SIDES = frozenset({"earlier", "limit", "own", "neighbours"})


class SignLine(BaseModel):
    """One sign: a reason for a visit, no finding."""

    id: str
    kind: str
    kind_words: str
    state: str
    state_words: str
    site: str
    site_name: str
    pollutant: str
    pollutant_name: str
    words: str
    start: datetime
    end: datetime
    found: datetime
    p: float = Field(description="chance of it by itself, all comparisons of the run counted; 1 at most")
    tests: int
    by: str
    name: str
    reason: str
    at: datetime | None
    event: str = Field(description="alarm that a person made of it, empty for none")


class SignList(BaseModel):
    """Signs, those that wait first, then the newest, then the least likely."""

    as_of: datetime
    looked: date | None = Field(description="last day of which the hours were looked at")
    signs: list[SignLine]
    more: bool
    may_judge: bool


class EvidenceLine(BaseModel):
    """An hour of what was compared."""

    start: datetime
    value: float | None
    other: float | None


class SignPage(BaseModel):
    """One sign with what it rests on and what would explain it."""

    sign: SignLine
    against: str
    against_words: str
    statistic: float
    unit: str
    evidence: list[EvidenceLine]
    innocent: list[str]
    changes: list[SettingChangeLine] = Field(description="changes of settings that it rests on")
    method: str
    may_judge: bool


class Dismissal(BaseModel):
    """Why a sign is no reason for a visit."""

    reason: str = Field(min_length=1, max_length=2000)


class CheckAsked(BaseModel):
    """A check is advised."""

    note: str = Field(default="", max_length=2000)


@router.get("/signs", responses={200: {"model": SignList}})
def signs(
    office: TheOffice,
    session: Reader,
    language: TheLanguage,
    state: State | None = None,
    kind: SignKind | None = None,
    site: str | None = None,
) -> Response:
    """List signs of falsification, of one site or of all that the person may see."""
    found = [kept for kept in Signs(office.store.records).find(state, site) if kind is None or kept.sign.kind == kind]
    found = [kept for kept in found if sees(session, office, kept.sign.site)]
    found.sort(key=lambda kept: (kept.state != "open", -kept.found.timestamp(), kept.sign.p, kept.sign.id))
    body = SignList(
        as_of=office.now,
        looked=last_run(office.store.records),
        signs=[_line(kept, office, language) for kept in found[:MOST]],
        more=len(found) > MOST,
        may_judge=session.may("sign.judge"),
    )
    return Response(body.model_dump_json(), media_type="application/json")


@router.get("/signs/{ident}")
def one_sign(ident: str, office: TheOffice, session: Reader, language: TheLanguage) -> SignPage:
    """Return one sign: its sentence, what was compared hour by hour, and what would explain it innocently."""
    kept = _seen(ident, session, office)
    return _page(kept, session, office, language)


@router.post("/signs/{ident}/dismiss")
def dismiss_sign(ident: str, asked: Dismissal, office: TheOffice, session: Judge, language: TheLanguage) -> SignPage:
    """Dismiss a sign with a reason, which goes into the ledger; it does not come back while its hours are looked at."""
    _seen(ident, session, office)
    return _page(_decided(ident, "dismissed", written(asked.reason), session, office), session, office, language)


@router.post("/signs/{ident}/check")
def check_sign(ident: str, asked: CheckAsked, office: TheOffice, session: Judge, language: TheLanguage) -> SignPage:
    """Have a sign checked: an alarm of the lowest grade (核查建议) is opened, dispatched by a person as any other."""
    _seen(ident, session, office)
    return _page(_decided(ident, "sent", written(asked.note), session, office), session, office, language)


def _decided(
    ident: str, state: Literal["dismissed", "sent"], reason: str, session: Session, office: Office
) -> KeptSign:
    """State, alarm and ledger in one transaction."""
    records, who = Signs(office.store.records), session.person
    kept = records.get(ident)
    assert kept is not None  # seen above
    event = alarm_of_sign(kept, office.town) if state == "sent" else None
    try:
        with office.store.step, office.store.records.transaction():
            told = event.id if event else ""
            decided = records.decide(ident, state, (who.id, who.name), reason, office.now, told)
            if event is not None:
                save_alarm(office.store, event, kept.sign)
            office.store.ledger.add(decision(decided, who.id, office.now))
    except InputError as problem:
        taken = kept.state != "open" or bool(reason)
        raise Refused(409 if taken else 422, "sign_decided" if taken else "sign_reason", str(problem)) from None
    office.live.tell("sign")
    if event is not None:
        office.live.tell("event", id=event.id)
    return decided


def _seen(ident: str, session: Session, office: Office) -> KeptSign:
    kept = Signs(office.store.records).get(ident)
    if kept is None:
        raise Refused(404, "no_sign", f"sign {ident!r} does not exist: list them at /api/signs")
    if not sees(session, office, kept.sign.site):
        raise Refused(403, "not_your_area", f"sign {ident} concerns {kept.sign.site}, outside the area of your role")
    return kept


def _line(kept: KeptSign, office: Office, language: Language) -> SignLine:
    found = kept.sign
    name = subject_name(found.site, office, language)
    return SignLine(
        id=found.id,
        kind=found.kind,
        kind_words=text(f"signs.kind_{found.kind}", language),
        state=kept.state,
        state_words=text(f"signs.state_{kept.state}", language),
        site=str(found.site),
        site_name=name,
        pollutant=found.pollutant,
        pollutant_name=pollutant_name(found.pollutant, language),
        words=describe_sign(found, name, _against(found.against, office, language, plain=True), language),
        start=found.period.start,
        end=found.period.end,
        found=kept.found,
        p=found.p,
        tests=found.tests,
        by=kept.by,
        name=kept.name,
        reason=kept.reason,
        at=kept.at,
        event=kept.event,
    )


def _against(against: str, office: Office, language: Language, plain: bool = False) -> str:
    """Who or what it was held against, in words; a parameter by its own name."""
    if against in SIDES:
        return "" if plain else text(f"signs.against_{against}", language)
    try:
        return subject_name(Ref.parse(against), office, language)
    except InputError:
        return setting_words(against, language)


def _page(kept: KeptSign, session: Session, office: Office, language: Language) -> SignPage:
    found = kept.sign
    return SignPage(
        sign=_line(kept, office, language),
        against=found.against,
        against_words=_against(found.against, office, language),
        statistic=found.statistic,
        unit=_unit(found.pollutant, found.site),
        evidence=[EvidenceLine(start=row.start, value=row.value, other=row.other) for row in found.evidence],
        changes=[
            change_line(one, office, language)
            for ref in found.inputs
            if ref.kind == "presence" and (one := change_of(office.store.records, ref.id)) is not None
        ],
        innocent=[text(f"signs.innocent_{code}", language) for code in found.innocent],
        method=found.method,
        may_judge=session.may("sign.judge") and kept.state == "open",
    )


def _unit(code: str, site: Ref) -> str:
    try:
        about = pollutant(code)
    except NotCovered:
        return ""
    return about.outlet_unit if site.kind == "outlet" else about.unit
