"""What both forms of a bulletin print around its sections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from bihuan.core import Language
from bihuan.reports.material import word
from bihuan.reports.model import Content, Cover


@dataclass(frozen=True, slots=True)
class Frame:
    """Printed lines of the head and the foot."""

    issuer: str
    number: str
    title: str
    day: str
    as_of: str
    dated: str
    correction: str
    prepared: str
    checked: str
    signed: str
    copies: str
    draft: bool


def frame(content: Content, cover: Cover, zone: ZoneInfo) -> Frame:
    """Return head and foot in the content's language; what is not known yet says so."""
    tongue: Language = content.language
    day = _date(content.day, tongue)
    missing = word("not_yet", tongue)
    as_of = content.as_of.astimezone(zone).strftime("%Y-%m-%d %H:%M") if content.as_of else word("no_data", tongue)
    dated = _date(cover.dated, tongue) if cover.dated else ""
    level = word(f"level_{content.level}", tongue) if content.level else word("no_data", tongue)
    number = word("number", tongue, year=cover.year, number=cover.number) if cover.number else word("no_number", tongue)
    return Frame(
        issuer=cover.issuer or word("issuer_default", tongue, city=content.city),
        number=number,
        title=content.title or word("title", tongue, city=content.city),
        day=day,
        as_of=word("as_of", tongue, time=as_of, level=level),
        dated=dated or missing,
        correction=word("corrects", tongue, number=cover.corrects, reason=cover.reason) if cover.corrects else "",
        prepared=cover.prepared or missing,
        checked=cover.checked or missing,
        signed=cover.signed or missing,
        copies=cover.copies or missing,
        draft=not cover.number,
    )


def _date(day: date, language: Language) -> str:
    return word("date", language, year=day.year, month=day.month, day=day.day)


def heading(place: int, title: str, language: Language) -> str:
    """Return the heading of a section with its number."""
    return word(f"heading_{place}", language, title=title)
