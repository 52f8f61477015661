"""Acts and their articles as dated rows: whoever cites one asks for the day of the fact.

An act is an edition of medium ``act``; its rows of the table ``articles`` name what they speak of. A row without a
number cites the act as a whole: the act is known, the article has not been read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bihuan.core import Language, NotCovered, Status, text
from bihuan.standards.editions import NOTHING, standards
from bihuan.standards.model import DECIDING, Row, Standard


@dataclass(frozen=True, slots=True)
class Article:
    """What may be cited on a day.

    Attributes
    ----------
    id : str
        Of its row.
    subject : str
        What it speaks of: ``air water soil waste noise zoning``.
    title_zh, title_en : str
        Of the act.
    article : str
        ``66-67``; empty where the act is cited as a whole.
    status : Status
        All but ``confirmed`` print 待核.
    source : str
    """

    id: str
    subject: str
    title_zh: str
    title_en: str
    article: str
    status: Status
    source: str

    def words(self, language: Language = "zh") -> str:
        """Return it as it is cited, with 待核 where it is not confirmed."""
        title = self.title_zh if language == "zh" else self.title_en
        key = "article" if self.article else "act"
        doubt = "" if self.status == "confirmed" else text("standards.doubt", language)
        return text(f"standards.{key}", language, title=title, article=self.article) + doubt


def article(subject: str, *, on: date, place: str = "", allow: frozenset[str] = NOTHING) -> Article:
    """Return what is in force on the day of the fact about a subject.

    Parameters
    ----------
    subject : str
        ``air water soil waste noise zoning``.
    on : date
        Day of the fact, in the city's calendar.
    place : str
        Administrative code.
    allow : frozenset of str
        Ids of acts or rows that a city has switched on although they are unconfirmed.

    Raises
    ------
    NotCovered
        If no act in force there on that day speaks of it, or only unconfirmed ones that are not switched on.
    """
    known = [(act, row) for act in acts() for row in act.table("articles") if row.item == subject]
    held = [(act, row) for act, row in known if row.holds(on) and act.covers(place) >= 0]
    decided = [(act, row) for act, row in held if row.status in DECIDING or {act.id, row.id} & allow]
    if not decided:
        raise NotCovered(_why(subject, on, known, held))
    act, row = max(decided, key=lambda pair: (pair[0].covers(place), pair[1].effective_from))
    number = str(row.fields.get("article", ""))
    return Article(row.id, subject, act.title_zh, act.title_en, number, row.status, row.source)


def acts() -> tuple[Standard, ...]:
    """Return every act held, by code and date."""
    return tuple(standard for standard in standards() if standard.medium == "act")


def _why(subject: str, on: date, known: list[tuple[Standard, Row]], held: list[tuple[Standard, Row]]) -> str:
    if held:
        return (
            f"{', '.join(act.number for act, _ in held)} is in force on {on} but {held[0][1].status}, so it is "
            f"not cited by itself; a city may switch it on: {', '.join(row.id for _, row in held)}"
        )
    if known:
        spans = (f"{act.number} from {row.effective_from} to {row.effective_to or 'now'}" for act, row in known)
        return f"no act about {subject!r} is in force on {on}; held: {'; '.join(spans)}"
    subjects = sorted({row.item for act in acts() for row in act.table("articles")})
    return f"no act about {subject!r} is held; standards/acts/ knows: {', '.join(subjects)}"
