"""What `bihuan standards` prints: the law as this version holds it."""

from __future__ import annotations

from datetime import date
from typing import Any

from bihuan.core import Language, NotCovered
from bihuan.standards import check, editions, page, standards


def list_editions(medium: str | None = None, on: date | None = None, language: Language = "zh") -> list[dict[str, Any]]:
    """Return one line an edition: id, code, number, dates, status, how many rows.

    Parameters
    ----------
    medium : str or None
        Only those of one medium.
    on : date or None
        Only those in force on a day.
    language : Language
        Of the title.

    Raises
    ------
    NotCovered
        If nothing of the medium is held.
    """
    known = sorted({edition.medium for edition in standards()})
    if medium is not None and medium not in known:
        raise NotCovered(f"no standard of {medium!r} is held; there are: {', '.join(known)}")
    return [
        {
            "id": edition.id,
            "code": edition.code,
            "number": edition.number,
            "title": edition.title_zh if language == "zh" else edition.title_en,
            "medium": edition.medium,
            "from": str(edition.effective_from),
            "to": str(edition.effective_to) if edition.effective_to else None,
            "places": list(edition.places),
            "status": edition.status,
            "rows": len(edition.rows),
        }
        for edition in standards()
        if medium in (None, edition.medium) and (on is None or edition.holds(on))
    ]


def show_edition(code: str, on: date | None, language: Language = "zh") -> str:
    """Return the pages of the editions of a code, or of one edition by its id or number.

    Parameters
    ----------
    code : str
        ``GB 3095``, ``GB 3095-2026`` or ``gb_3095_2026``.
    on : date or None
        Only what is in force on this day: its edition, and of that the rows that hold.
    language : Language

    Raises
    ------
    NotCovered
        If the code is not held, or nothing of it is in force on the day.
    """
    wanted = [one for one in standards() if code in (one.id, one.number)] or list(editions(code))
    if on is not None:
        spans = "; ".join(f"{one.number} from {one.effective_from} to {one.effective_to or 'now'}" for one in wanted)
        wanted = [one.only(tuple(row for row in one.rows if row.holds(on))) for one in wanted if one.holds(on)]
        if not wanted:
            raise NotCovered(f"nothing of {code!r} is in force on {on}; held: {spans}")
    return "\n".join(page(edition, language) for edition in wanted)


def check_all() -> list[str]:
    """Return every finding of the tables of law as one line; none when all hold."""
    return [f"{finding.standard}: {finding.where}: {finding.what}" for finding in check()]
