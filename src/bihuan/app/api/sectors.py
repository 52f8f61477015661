"""Wind and sources over the interface: one answer a kind of picture, kept as bytes until the next hour is in."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.kept import Kept
from bihuan.app.api.office import Office
from bihuan.app.api.overview import remembered
from bihuan.app.api.sites import allowed
from bihuan.core import HOUR, InputError, Language, NotCovered, Period, Ref, floor_to, parse_instant, pollutant, to_json

router = APIRouter(prefix="/api", tags=["sectors"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("site.read")]
Kind = Literal["rose", "cpf", "polar", "nwr", "ratio", "fingerprint", "trend", "smooth"]

LONGEST = timedelta(days=3700)
USUAL = timedelta(days=90)

_ANSWERS = Kept(128)


class SectorWind(BaseModel):
    """Where the wind was measured."""

    site: str = Field(description="empty where nobody measured it")
    name: str
    distance: float | None = Field(description="from the site, null where the wind is its own [m]")


class SectorDoubt(BaseModel):
    """Why nothing, or little, can be concluded."""

    code: str
    weight: str = Field(description="blocks or caution")
    words: str


class SectorAnswer(BaseModel):
    """One picture with its sentence."""

    kind: str
    site: str
    pollutant: str
    unit: str
    start: datetime | None
    end: datetime | None
    hours: int
    usable: int
    wind: SectorWind
    doubts: list[SectorDoubt]
    conclusion: str
    limits: str = Field(description="what must not be concluded")
    method: str
    result: dict[str, Any] | None = Field(description="null where nothing can be concluded")


@router.get("/sectors/{kind}", responses={200: {"model": SectorAnswer}})
def sector(
    kind: Kind,
    office: TheOffice,
    session: Reader,
    language: TheLanguage,
    request: Request,
    site: str,
    code: Annotated[str, Query(alias="pollutant")] = "pm25",
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
    statistic: Literal["mean", "cpf"] = "mean",
) -> Response:
    """Tell one picture of wind and sources at a site: figures, doubts, what may and what may not be concluded."""
    ref = allowed(site, office, session)
    if ref.kind not in ("station", "city"):
        raise Refused(422, "bad_ref", f"{ref} is no station: wind and sources are of stations of air", ["site"])
    period = _period(office, code, since, until)
    key: Hashable = (id(office.store), kind, ref, code, period, statistic, language)
    state = (floor_to(remembered(office).watermark(office) or office.now, HOUR), id(office.town))
    make = partial(_made, kind, office, ref, code, period, statistic, language)
    return _ANSWERS.get(key, state, make).answer(request)


def _period(office: Office, code: str, since: str, until: str) -> Period:
    try:
        pollutant(code)
    except NotCovered as problem:
        raise Refused(422, "bad_pollutant", str(problem), ["pollutant"]) from None
    try:
        end = parse_instant(until, office.zone) if until else floor_to(office.now, HOUR)
        period = Period(parse_instant(since, office.zone) if since else end - USUAL, end)
    except (InputError, OverflowError) as problem:
        raise Refused(422, "bad_period", str(problem), ["from", "to"]) from None
    if period.length > LONGEST:
        raise Refused(422, "bad_period", f"{period} is longer than {LONGEST.days} days", ["from", "to"])
    return period


def _made(kind: Kind, office: Office, ref: Ref, code: str, period: Period, statistic: str, language: Language) -> bytes:
    from bihuan.app.sector_answers import Wanted, answer  # noqa: PLC0415  # a server starts without these libraries
    from bihuan.app.sectors import stored_hours  # noqa: PLC0415

    asked = stored_hours(office.store, office.town, ref, code, period)
    found = answer(kind, asked, office.zone, language, Wanted(statistic=statistic))
    wind = asked.wind_site
    found["wind"]["name"] = office.name(Ref.parse(wind), language) if wind else ""
    found["unit"] = pollutant(code).unit
    return to_json(found)
