"""Logging in and out, and who one is."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from bihuan import __version__
from bihuan.app.access import Session, rights_of
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import COOKIE, TheOffice, TheSession
from bihuan.register import District, Person, Unit

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
    empty: bool = Field(description="nothing is stored yet: the first start")
    map_tiles: str = Field(description="address of the raster tiles, empty for the city's own layers only")
    map_attribution: str
    map_review: str = Field(description="review number (GS) of the base map")


class LogIn(BaseModel):
    """What a person types to come in."""

    login: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


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
        empty=city is None,
        map_tiles=office.settings.text("map_tiles"),
        map_attribution=office.settings.text("map_attribution"),
        map_review=office.settings.text("map_review"),
    )


@router.post("/session")
def log_in(asked: LogIn, office: TheOffice, request: Request, response: Response) -> Me:
    """Log in; the cookie is HttpOnly and SameSite, the CSRF token comes back in the answer."""
    account = office.accounts.get(asked.login)
    if account is None or not office.accounts.matches(account, asked.password):
        raise Refused(401, "wrong_password", "login or password is wrong")
    person = office.register.get(Person, account.person, office.today)
    if person is None:
        raise Refused(403, "no_person", f"person {account.person} is not in the register today: ask who keeps it")
    session = office.sessions.begin(asked.login, person, office.now)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, session.token, httponly=True, samesite="strict", secure=secure)
    return _me(session, office)


@router.get("/session")
def me(session: TheSession, office: TheOffice) -> Me:
    """Tell who is logged in."""
    return _me(session, office)


@router.delete("/session", status_code=204)
def log_out(session: TheSession, office: TheOffice, response: Response) -> None:
    """Log out."""
    office.sessions.end(session.token)
    response.delete_cookie(COOKIE)


def _me(session: Session, office: TheOffice) -> Me:
    person, today = session.person, office.today
    account = office.accounts.get(session.login)
    unit = office.register.get(Unit, person.unit, today) if person.unit else None
    district = office.register.get(District, person.district, today) if person.district else None
    return Me(
        login=session.login,
        person=person.id,
        name=person.name,
        roles=list(person.roles),
        rights=list(rights_of(person.roles)),
        unit=person.unit,
        unit_name=unit.name if unit else person.unit,
        district=person.district,
        district_name=district.name if district else person.district,
        csrf=session.csrf,
        renew=bool(account and account.renew),
    )
