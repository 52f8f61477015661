"""A change of a setting as pages show it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bihuan.app.api.alarms import pollutant_name
from bihuan.app.api.office import Office
from bihuan.app.settingbook import Change
from bihuan.core import Language, NotCovered, Ref, text


class SettingChangeLine(BaseModel):
    """A setting or state of an instrument that differs from what was told before."""

    id: str
    device: str
    kind: str = Field(description="parameter, state or run_state")
    about: str = Field(description="of which factor, empty for the logger itself")
    words: str
    code: str
    before: str = Field(description="empty where nothing had been told before")
    after: str
    at: datetime
    frame: str = Field(description="id of the frame that told it, empty where an order changed it")
    order: str
    person_name: str = Field(description="who ordered it")
    reason: str


def change_line(one: Change, office: Office, language: Language) -> SettingChangeLine:
    """Return one change in words."""
    return SettingChangeLine(
        id=one.id,
        device=one.device,
        kind=one.kind,
        about=pollutant_name(one.pollutant, language) if one.pollutant else one.about,
        words=setting_words(one.name, language),
        code=one.code,
        before=one.before,
        after=one.after,
        at=one.at,
        frame=one.frame,
        order=one.order,
        person_name=office.name(Ref("person", one.person), language) if one.person else "",
        reason=one.reason,
    )


def setting_words(name: str, language: Language) -> str:
    """Return what a setting is called, the code of the standard where there are no words."""
    if name.startswith("SB") and name.endswith("-RS"):
        return text("parameter.run_state", language, number=name[2:-3])
    try:
        return text(f"parameter.{name}", language)
    except NotCovered:
        return name
