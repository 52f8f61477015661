"""Logging in and out, and who one is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from bihuan import __version__
from bihuan.app.access import Account, Pass, Session, ident_of, rights_of
from bihuan.app.api.attempts import Attempts
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import COOKIE, TheOffice, TheSession, roles_of
from bihuan.app.api.office import Office
from bihuan.app.api.start import is_empty
from bihuan.core import RightRefused, to_json
from bihuan.register import District, Person, Unit
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["session"], responses=PROBLEMS)  # type: ignore[arg-type]


class Demo(BaseModel):
    """The synthetic city that runs here."""

    seed: int
    rough: bool
    pace: float | None = Field(description="city seconds a second; null while it stands still")
    catching_up: bool = Field(description="it lives through its first night as fast as the machine can")


class About(BaseModel):
    """What everyone may know before logging in."""

    version: str
    city: str
    zone: str
    now: datetime
    demo: Demo | None
    empty: bool = Field(description="the register holds neither a city nor a site: the first start")
    accounts: bool = Field(description="whether anybody can log in: the first account is made on the server itself")
    map_tiles: str = Field(description="address of the raster tiles, empty for the city's own layers only")
    map_attribution: str
    map_review: str = Field(description="review number (GS) of the base map")


class LogIn(BaseModel):
    """What a person types to come in."""

    login: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class NewPassword(BaseModel):
    """A change of one's own password."""

    old: str = Field(min_length=1, max_length=256)
    new: str = Field(min_length=1, max_length=256)


class Me(BaseModel):
    """Who is logged in, and what they may do."""

    login: str
    person: str
    name: str
    roles: list[str]
    rights: list[str]
    unit: str
    unit_name: str
    district: str
    district_name: str
    csrf: str
    renew: bool = Field(description="the password has to be changed first")
    last_login: datetime | None


class OpenSession(BaseModel):
    """One screen at which a person is logged in."""

    id: str
    label: str
    began: datetime
    seen: datetime
    this: bool


@router.get("/about")
def about(office: TheOffice) -> About:
    """Tell version, city, clock and map settings."""
    city = office.town.cell
    return About(
        version=__version__,
        city=office.settings.text("city_name") or (city.name if city else ""),
        zone=office.zone.key,
        now=office.now,
        demo=Demo.model_validate(office.demo.describe()) if office.demo else None,
        empty=is_empty(office.town),
        accounts=office.store.records.count("account") > 0,
        map_tiles=office.settings.text("map_tiles"),
        map_attribution=office.settings.text("map_attribution"),
        map_review=office.settings.text("map_review"),
    )


def attempts_of(request: Request) -> Attempts:
    """Return who tried to log in lately."""
    attempts: Attempts = request.app.state.attempts
    return attempts


@router.post("/session", responses={429: PROBLEMS[401]})
def log_in(
    asked: LogIn,
    office: TheOffice,
    request: Request,
    response: Response,
    attempts: Annotated[Attempts, Depends(attempts_of)],
) -> Me:
    """Log in; the cookie is HttpOnly and SameSite, the CSRF token comes back in the answer."""
    address, now = request.client.host if request.client else "", office.wall.now()
    if not attempts.allow(address, now):
        raise Refused(429, "too_many", f"too many log-ins from {address or 'your address'}: wait five minutes")
    before = office.accounts.get(asked.login)
    try:
        account = office.accounts.log_in(asked.login, asked.password, now)
    except RightRefused as refused:
        _note_failure(office, asked.login, address, str(refused))
        code = {"locked": "locked", "switche": "switched_off"}.get(str(refused).split(" ")[0][:7], "wrong_password")
        raise Refused(401, code, str(refused)) from None
    person = office.register.get(Person, account.person, office.today)
    if person is None:
        raise Refused(403, "no_person", f"person {account.person} is not in the register today: ask who keeps it")
    secret, kept = office.sessions.begin(asked.login, now, request.headers.get("user-agent", "")[:120])
    session = Session(kept=kept, person=replace(person, roles=roles_of(account, person)))
    office.audit(session, "log_in", f"account:{asked.login}", {"address": address})
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, secret, httponly=True, samesite="strict", secure=secure, path="/")
    return _me(session, office, before)


def _note_failure(office: Office, login: str, address: str, why: str) -> None:
    """Who tries a password leaves a trace; what they typed does not, but for the login."""
    known = office.accounts.get(login)
    who = known.person if known else "unknown"
    body = to_json({"login": login if known else "", "address": address, "why": why})
    office.store.ledger.add(Entry(office.now, who, "log_in_failed", f"account:{login}" if known else "", body))


@router.get("/session")
def me(session: TheSession, office: TheOffice) -> Me:
    """Tell who is logged in."""
    return _me(session, office, office.accounts.get(session.login))


@router.delete("/session", status_code=204)
def log_out(session: TheSession, office: TheOffice, response: Response) -> None:
    """Log out."""
    office.sessions.end("session", session.kept)
    office.audit(session, "log_out", f"account:{session.login}")
    response.delete_cookie(COOKIE)


@router.put("/session/password", status_code=204)
def change_password(asked: NewPassword, session: TheSession, office: TheOffice) -> None:
    """Change one's own password; every other screen of this person is logged out."""
    try:
        account = office.accounts.log_in(session.login, asked.old, office.wall.now())
    except RightRefused as refused:
        _note_failure(office, session.login, "", f"change of the password: {refused}")
        raise Refused(403, "wrong_password", f"the old password: {refused}") from None
    with office.store.records.transaction():
        office.accounts.renew(account, asked.new)
        ended = office.sessions.end_all(session.login, but=session.kept.digest)
        office.audit(session, "change_password", f"account:{session.login}", {"ended": ended})


@router.get("/sessions")
def sessions(session: TheSession, office: TheOffice) -> list[OpenSession]:
    """List the screens at which one is logged in."""
    return [_screen(kept, session) for kept in office.sessions.of("session", session.login, office.wall.now())]


@router.delete("/sessions", status_code=204)
def end_others(session: TheSession, office: TheOffice) -> None:
    """Log out everywhere but here."""
    ended = office.sessions.end_all(session.login, but=session.kept.digest)
    office.audit(session, "log_out_elsewhere", f"account:{session.login}", {"ended": ended})


def _screen(kept: Pass, session: Session) -> OpenSession:
    this = kept.digest == session.kept.digest
    return OpenSession(id=ident_of(kept), label=kept.label, began=kept.began, seen=kept.seen, this=this)


def _me(session: Session, office: Office, account: Account | None) -> Me:
    person, today = session.person, office.today
    unit = office.register.get(Unit, person.unit, today) if person.unit else None
    district = office.register.get(District, person.district, today) if person.district else None
    rights = [right for right in rights_of(person.roles) if session.may(right)]
    return Me(
        login=session.login,
        person=person.id,
        name=person.name,
        roles=list(person.roles),
        rights=rights,
        unit=person.unit,
        unit_name=unit.name if unit else person.unit,
        district=person.district,
        district_name=district.name if district else person.district,
        csrf=session.csrf,
        renew=bool(account and account.renew),
        last_login=account.last_login if account else None,
    )
