"""Why a verdict says what it says, as pages show it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.overview_air import RECENT, judged_until
from bihuan.app.api.overview_work import SECTION_AGE
from bihuan.app.api.sites import allowed
from bihuan.app.why import hour_said, section_said
from bihuan.assessment import Explanation
from bihuan.core import Language, plain
from bihuan.standards import clause_words


class ExplanationView(BaseModel):
    """One verdict explained."""

    value: str
    limit: str
    unit: str
    edition: str
    clause: str
    status: str = Field(description="confirmed; every other is to be checked")
    steps: list[str] = Field(description="inputs, rounding, formula, comparison, in this order")
    sentence: str = Field(description="what a bureau would write of it")
    fields: dict[str, Any]

    @classmethod
    def of(cls, found: Explanation, language: Language, zone: ZoneInfo) -> ExplanationView:
        """Say an explanation in a language and the city's time."""
        return cls(
            value=found.value,
            limit=found.limit,
            unit=found.unit,
            edition=found.edition,
            clause=clause_words(found.clause, language),
            status=found.status,
            steps=[step.say(language, zone) for step in found.steps],
            sentence=found.sentence.say(language, zone),
            fields=plain(dict(found.fields)),
        )


class SiteWhy(BaseModel):
    """What a site says now, and why."""

    ref: str
    start: datetime
    end: datetime
    aqi: int | None
    label: str = Field(description="level of the index, or class of the water")
    kind: str = Field(description="aqi or class")
    why: ExplanationView


router = APIRouter(prefix="/api", tags=["sites"], responses=PROBLEMS)  # type: ignore[arg-type]


@router.get("/sites/{ref}/why")
def site_why(
    ref: str, office: TheOffice, language: TheLanguage, session: Annotated[Session, needs("site.read")]
) -> SiteWhy | None:
    """Tell the last index of a station or city, or the last class of a section, and why; null where there is none."""
    asked = allowed(ref, office, session)
    name = office.name(asked, language)
    if asked.kind in ("station", "city"):
        until = judged_until(office.now)
        found = hour_said(office.store, office.town, asked, name, until, RECENT, office.zone)
    elif asked.kind == "section":
        found = section_said(office.store, asked, name, office.now, SECTION_AGE, office.zone)
    else:
        found = None
    if found is None:
        return None
    return SiteWhy(
        ref=str(asked),
        start=found.period.start,
        end=found.period.end,
        aqi=found.aqi,
        label=found.label,
        kind="class" if asked.kind == "section" else "aqi",
        why=ExplanationView.of(found.why, language, office.zone),
    )
