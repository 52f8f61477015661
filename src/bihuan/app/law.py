"""What `bihuan standards` prints: the law as this version holds it."""

from __future__ import annotations

from datetime import date
from typing import Any

from bihuan.core import Language
from bihuan.standards import check, editions, page, standards


def list_editions() -> list[dict[str, Any]]:
    """Return one line an edition: code, number, dates, status, how many rows."""
    return [
        {
            "code": edition.code,
            "number": edition.number,
            "title": edition.title_zh,
            "from": str(edition.effective_from),
            "to": str(edition.effective_to) if edition.effective_to else None,
            "status": edition.status,
            "rows": len(edition.rows),
        }
        for edition in standards()
    ]


def show_edition(code: str, on: date | None, language: Language = "zh") -> str:
    """Return the page of the editions of a code, only those in force when a day is given.

    Raises
    ------
    NotCovered
        If the code is not held.
    """
    found = editions(code)
    wanted = [edition for edition in found if on is None or edition.holds(on)] or found
    return "\n".join(page(edition, language) for edition in wanted)


def check_all() -> list[str]:
    """Return every finding of the tables of law as one line; none when all hold."""
    return [f"{finding.standard}: {finding.where}: {finding.what}" for finding in check()]
