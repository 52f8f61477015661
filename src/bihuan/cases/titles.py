"""The title of a case as it stands now: it follows the case to another suspect, and says names for codes."""

from __future__ import annotations

from datetime import date

from bihuan.cases.model import Case
from bihuan.core import NATIONAL_SIX, Language, Message, pollutants
from bihuan.register import District, Register

_SUSPECT = "_suspect"


def title_of(case: Case, register: Register, on: date, language: Language = "zh") -> str:
    """Return the title of a case with its present suspect and matter, and the names of the register.

    Parameters
    ----------
    case : Case
    register : Register
    on : date
        Day by which the register is read.
    language : str

    Returns
    -------
    str
    """
    opening = case.opening
    key, values = opening.title.key, dict(opening.title.values)
    words = dict(opening.title.words)
    if "matter" in words:
        words["matter"] = f"matter.{case.matter}"
    if "suspect" in values and case.suspect != opening.suspect:
        fact = register.resolve(case.suspect, on) if case.suspect else None
        values["suspect"] = fact.name if fact else case.suspect.id if case.suspect else ""
        base = key.removesuffix(_SUSPECT)
        key = base + _SUSPECT if case.suspect and base != "case.title_silence" else base
    if "where" in values:
        district = register.get(District, values["where"], on)
        if district:
            values["where"] = (district.name_en or district.name) if language == "en" else district.name
    if values.get("pollutant") and language == "zh":
        said = values["pollutant"]
        values["pollutant"] = next(
            (one.zh for one in pollutants().values() if one.en == said and one.code not in NATIONAL_SIX), said
        )
    return Message(key, values, words, opening.title.times).say(language)
