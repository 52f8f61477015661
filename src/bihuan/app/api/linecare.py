"""What the platform does at the lines by itself, as the city has set it, and keys that grow old."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.device_lines import sees_device
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.linecare import LINE_CARE, KeyAge, LineCareSettings, key_ages, line_care_settings
from bihuan.core import Language, Ref, plain
from bihuan.store import CitySetting

router = APIRouter(prefix="/api", tags=["line-care"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("device.read")]
Controller = Annotated[Session, needs("device.control")]


class KeyLine(BaseModel):
    """A key of HJ 212-2025 that nears its end, or is past it."""

    mn: str
    site_name: str
    since: datetime = Field(description="since when the register has it; the logger may have had it before")
    ends: datetime
    state: str = Field(description="near or over")
    to_check: bool = Field(description="the rule is known from one source only")


class LineCareView(BaseModel):
    """What is done by itself."""

    first: bool = Field(description="set up devices that connect for the first time (HJ 212-2017 6.7)")
    clock: bool = Field(description="answer CN 1013 with CN 1012")
    off: list[str]
    keys: list[KeyLine]
    may_set: bool


class LineCareAsked(BaseModel):
    """What is to be done by itself, and why."""

    first: bool
    clock: bool
    reason: str = Field(min_length=2, max_length=200)


@router.get("/line-care")
def line_care(office: TheOffice, session: Reader, language: TheLanguage) -> LineCareView:
    """Tell what the platform does at the lines by itself, and whose key nears its end."""
    told = line_care_settings(office.store.settings, office.now, office.zone)
    mine = [one for one in office.town.devices.values() if sees_device(session, one, office)]
    ages = key_ages(office.store, mine, office.now)
    keys = [_key(mn, one, office, language) for mn, one in sorted(ages.items()) if one.state != "fresh"]
    return LineCareView(
        first=told.first,
        clock=told.clock,
        off=list(told.off),
        keys=sorted(keys, key=lambda one: (one.ends, one.mn)),
        may_set=session.may("device.control"),
    )


@router.put("/line-care")
def line_care_set(asked: LineCareAsked, office: TheOffice, session: Controller, language: TheLanguage) -> LineCareView:
    """Switch the first connection and the answer to CN 1013 on or off: a setting of the city with author and reason."""
    store, now = office.store, office.now
    with store.step, store.records.transaction():
        told = line_care_settings(store.settings, now, office.zone)
        value = plain(LineCareSettings(asked.first, asked.clock, told.off))
        store.settings.set(CitySetting(LINE_CARE, value, office.today, session.person.id, asked.reason, now))
        body = {"first": asked.first, "clock": asked.clock, "reason": asked.reason}
        office.audit(session, "line_care", str(office.town.ref), body)
    office.live.tell("device")
    return line_care(office, session, language)


def _key(mn: str, one: KeyAge, office: Office, language: Language) -> KeyLine:
    site = Ref.parse(office.town.devices[mn].site)
    return KeyLine(
        mn=mn,
        site_name=office.name(site, language),
        since=one.since,
        ends=one.ends,
        state=one.state,
        to_check=one.status != "confirmed",
    )
