"""Bulletins: what is stored becomes a day's document; it is drafted, checked, signed, and then never changes."""

from __future__ import annotations

import logging
from datetime import date, datetime, time, timedelta

from bihuan.app.gathering import gather
from bihuan.app.issues import LANGUAGES, PROGRAM, BulletinChanged, Drawn, Issue, Issues, Signature, signature
from bihuan.app.settings import Settings
from bihuan.app.town import Town
from bihuan.cases import Case
from bihuan.core import InputError, local_date, local_day
from bihuan.reports import compose
from bihuan.store import Store

__all__ = ["BulletinChanged", "Bulletins", "Issue", "Signature", "due_drafts", "signature"]

log = logging.getLogger("bihuan.bulletins")

DUE = time(7, 30)
"""Local time by which the draft of the day before is ready."""


class Bulletins(Issues):
    """The bulletins of a home.

    Parameters
    ----------
    store : Store
    settings : Settings
    """

    kind = "daily"
    action = "bulletin"
    listed = "/api/bulletins"

    def make(
        self,
        day: date,
        by: Signature,
        town: Town,
        cases: tuple[Case, ...],
        correcting: Issue | None = None,
        why: str = "",
    ) -> Issue:
        """Make the draft of a day; made again, an unsigned draft of that day is drawn up anew with its advice kept.

        Raises
        ------
        InputError
            If the day is not over.
        BulletinChanged
            If the day has a signed issue: correct that one.
        """
        if day >= local_date(by.at, self._zone):
            raise InputError(f"{day} is not over yet: a bulletin tells of a whole day; choose an earlier one")

        def draw() -> Drawn:
            given = gather(self._store, town, self._settings, day, by.at, cases)
            return Drawn(city=given.city, contents={one: compose(given, one) for one in LANGUAGES})

        return self.draft(self.begun(day, by), by, draw, correcting, why)

    def correct(self, ident: str, why: str, by: Signature, town: Town, cases: tuple[Case, ...]) -> Issue:
        """Begin a new issue that names the signed one it corrects and why.

        Raises
        ------
        InputError
            Without a reason.
        BulletinChanged
            If it is not signed, or has been corrected.
        """
        issue = self.correctable(ident, why)
        return self.make(issue.day, by, town, cases, issue, why.strip())


def due_drafts(
    store: Store, settings: Settings, town: Town, cases: tuple[Case, ...], now: datetime
) -> tuple[Issue, ...]:
    """Make the draft of yesterday once it is 07:30 and there is none; cheap to call at every tick.

    Nothing is drafted while nothing at all is stored of that day.
    """
    local = now.astimezone(settings.zone)
    if local.time() < DUE:
        return ()
    day = local.date() - timedelta(days=1)
    if store.records.count("bulletin", subject=f"day:{day}"):
        return ()
    period = local_day(day, settings.zone)
    stored = "SELECT 1 FROM hours WHERE start >= ? AND start < ? LIMIT 1"
    if store.series.query(stored, [period.start, period.end]).is_empty():
        return ()
    try:
        by = Signature(person=PROGRAM, name="", at=now)
        return (Bulletins(store, settings).make(day, by, town, cases),)
    except InputError as problem:
        log.debug("no draft of %s: %s", day, problem)
        return ()
