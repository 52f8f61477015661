"""What `bihuan standards` prints: the law as this version holds it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from bihuan.core import InputError, Language, NotCovered
from bihuan.standards import DECIDING, check, editions, page, standards
from bihuan.store import CitySetting, Store


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


ALLOWED = "standards.allow"
"""Setting of the city: ids of rules that decide although they are unconfirmed or held back."""


def city_switches(store: Store, on: date) -> frozenset[str]:
    """Return the rules that the city has switched on, as they stand on a day."""
    return frozenset(store.settings.get(ALLOWED, on, ()))


def switch(store: Store, rule: str, on: bool, author: str, reason: str, now: datetime, today: date) -> frozenset[str]:
    """Switch an unconfirmed rule on or off for the city, from a day on; who and why stay with it.

    Parameters
    ----------
    store : Store
    rule : str
        Id of an edition, ``<edition>#<table>``, or id of a row.
    on : bool
    author, reason : str
    now : datetime
    today : date
        First day it holds.

    Returns
    -------
    frozenset of str
        Every rule that is switched on then.

    Raises
    ------
    NotCovered
        If no such rule is held.
    InputError
        If it decides by itself, so that there is nothing to switch.
    SettingError
        If no reason is given.
    """
    _switchable(rule)
    held = city_switches(store, today)
    wanted = held | {rule} if on else held - {rule}
    # a city clock may stand: the later of two switches of one instant must be the later one in the records too
    last = max((made.at for made in store.settings.history(ALLOWED)), default=now)
    at = now if last < now else last + timedelta(microseconds=1)
    store.settings.set(CitySetting(ALLOWED, sorted(wanted), today, author, reason, at))
    return wanted


def _switchable(rule: str) -> None:
    ident = rule.partition("#")[0]
    edition = next((one for one in standards() if one.id == ident), None)
    rows = [row for row in edition.rows if rule in (ident, f"{ident}#{row.table}", row.id)] if edition else []
    if edition is None or (not rows and rule != ident):
        raise NotCovered(f"no rule {rule!r} is held; bihuan standards list and show tell their ids")
    waits = edition.status not in DECIDING and rule == ident
    if not waits and all(row.status in DECIDING and not row.held for row in rows):
        raise InputError(f"rule {rule!r} decides by itself: there is nothing to switch")
