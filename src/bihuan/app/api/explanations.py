"""Why a verdict says what it says, as pages show it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from bihuan.assessment import Explanation
from bihuan.core import Language, plain


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
            clause=found.clause,
            status=found.status,
            steps=[step.say(language, zone) for step in found.steps],
            sentence=found.sentence.say(language, zone),
            fields=plain(dict(found.fields)),
        )
